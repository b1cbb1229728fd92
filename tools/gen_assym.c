/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gen_assym.c: struct offsets and constants for the .S files.  Compiled to
 * assembly, never linked: gen_assym.sh turns each marked line into a #define.
 */
#include <machine/frame.h>
#include <machine/pcpu.h>
#include <machine/specialreg.h>
#include <machine/vmparam.h>
#include <sys/panic.h>
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
	SYM(TD_INTRSIG, offsetof(struct thread, td_intrsig));
	SYM(TF_RDI, offsetof(struct trapframe, tf_rdi));
	SYM(TF_RSI, offsetof(struct trapframe, tf_rsi));
	SYM(TF_RDX, offsetof(struct trapframe, tf_rdx));
	SYM(TF_RCX, offsetof(struct trapframe, tf_rcx));
	SYM(TF_R11, offsetof(struct trapframe, tf_r11));
	SYM(TF_TRAPNO, offsetof(struct trapframe, tf_trapno));
	SYM(TF_ERR, offsetof(struct trapframe, tf_err));
	SYM(TF_RIP, offsetof(struct trapframe, tf_rip));
	SYM(TF_CS, offsetof(struct trapframe, tf_cs));
	SYM(TF_RFLAGS, offsetof(struct trapframe, tf_rflags));
	SYM(TF_RSP, offsetof(struct trapframe, tf_rsp));
	SYM(TF_SIZE, sizeof(struct trapframe));
	SYM(DMAP_BASE, DMAP_BASE);
	SYM(KERNBASE, KERNBASE);
	SYM(VM_MAX_USER_ADDRESS, VM_MAX_USER_ADDRESS);
	SYM(PAGE_SIZE, PAGE_SIZE);
	SYM(KSTACK_SIZE, KSTACK_SIZE);
	SYM(EXIT_NOCPU, EXIT_NOCPU);
}
