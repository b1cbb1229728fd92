/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * md_thread.c: a thread's context: its first frame, and the switch from one
 * to the next.  sched.c decides; this file only carries it out.
 *
 * The registers of user mode that the kernel does not use itself (x87, SSE,
 * AVX, FS and GS base) are saved when a user thread is switched out and loaded
 * when the next user thread is switched in; kernel threads in between leave
 * them alone.
 *
 * I1	pc_fsbase and pc_gsbase are what the user bases of this CPU are, unless
 *	user code may change them itself (cpu_features.fsgsbase): then they are
 *	read back at switch-out.
 * Locks: interrupts are off during cpu_switch.
 */
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/fpu.h>
#include <machine/segments.h>
#include <machine/specialreg.h>
#include <machine/trap.h>
#include <sys/md.h>
#include <sys/thread.h>
#include <sys/usermode.h>
#include <vm/pmap.h>

/* What swtch pops. */
struct switch_frame {
	uint64_t	r15, r14, r13, r12, rbx, rbp;
	uint64_t	rip;
};

void
md_thread_init(struct thread *td, void (*fn)(void *), void *arg)
{
	struct switch_frame *sf;
	/* rsp + 8 is a multiple of 16 where a function starts. */
	vm_offset_t top = (vm_offset_t)md_user_frame(td);

	sf = (struct switch_frame *)(top - sizeof(*sf));
	*sf = (struct switch_frame){
		.r12 = (uint64_t)fn,
		.r13 = (uint64_t)arg,
		.rip = (uint64_t)thread_trampoline,
	};
	td->td_md.md_rsp = (uint64_t)sf;
}

void
md_thread_fini(struct thread *td)
{
	fpu_free(td);
}

void
md_thread_pcfp(const struct thread *td, uint64_t *pc, uint64_t *fp)
{
	const struct switch_frame *sf;

	sf = (const struct switch_frame *)td->td_md.md_rsp;
	*pc = sf->rip;
	*fp = sf->rbp;
}

static inline void
user_switch_out(struct thread *td, struct pcpu *pc)
{
	fpu_save(td);
	if (!cpu_features.fsgsbase)
		return;
	__asm__ volatile("rdfsbase %0" : "=r"(pc->pc_fsbase));
	pc->pc_gsbase = rdmsr(MSR_KGSBASE);
	td->td_md.md_fsbase = pc->pc_fsbase;
	td->td_md.md_gsbase = pc->pc_gsbase;
}

static inline void
user_switch_in(struct thread *td, struct pcpu *pc)
{
	fpu_restore(td);
	if (td->td_md.md_fsbase != pc->pc_fsbase) {
		pc->pc_fsbase = td->td_md.md_fsbase;
		wrmsr(MSR_FSBASE, pc->pc_fsbase);
	}
	if (td->td_md.md_gsbase != pc->pc_gsbase) {
		pc->pc_gsbase = td->td_md.md_gsbase;
		wrmsr(MSR_KGSBASE, pc->pc_gsbase);
	}
}

void
cpu_switch(struct thread *old, struct thread *next)
{
	struct pcpu *pc = pcpu_self();

	if (old->td_md.md_fpu != NULL)
		user_switch_out(old, pc);
	if (next->td_md.md_fpu != NULL)
		user_switch_in(next, pc);
	if (next->td_pmap != pc->pc_curpmap)
		pmap_activate(next->td_pmap);
	pc->pc_rsp0 = next->td_kstack + KSTACK_SIZE;
	pc->pc_tss->tss_rsp0 = pc->pc_rsp0;
	pc->pc_curthread = next;
	swtch(&old->td_md.md_rsp, next->td_md.md_rsp);
}
