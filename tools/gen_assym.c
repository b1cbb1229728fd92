/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gen_assym.c: struct offsets and constants for the .S files.  Compiled to
 * assembly, never linked: gen_assym.sh turns each marked line into a #define.
 */
#include <machine/pcpu.h>
#include <machine/vmparam.h>
#include <sys/thread.h>

#define SYM(name, value)						\
	__asm__ volatile("\n#ASSYM " #name " %0" :: "i"(value))

void	assym(void);

void
assym(void)
{
	SYM(PC_CURTHREAD, offsetof(struct pcpu, pc_curthread));
	SYM(PC_CPUID, offsetof(struct pcpu, pc_cpuid));
	SYM(PC_INTR_DEPTH, offsetof(struct pcpu, pc_intr_depth));
	SYM(PC_RSP0, offsetof(struct pcpu, pc_rsp0));
	SYM(PC_SCRATCH_RSP, offsetof(struct pcpu, pc_scratch_rsp));
	SYM(TD_MD_RSP, offsetof(struct thread, td_md.md_rsp));
	SYM(TD_NEEDRESCHED, offsetof(struct thread, td_needresched));
	SYM(DMAP_BASE, DMAP_BASE);
	SYM(KERNBASE, KERNBASE);
	SYM(VM_MAX_USER_ADDRESS, VM_MAX_USER_ADDRESS);
}
