/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usermode.c: user registers, for kern/proc: the frame of a new program, of a
 * forked thread, of a system call; FS and GS base.
 *
 * I1	tf_rip of a frame that leaves for user mode is below VM_MAX_USER_ADDRESS:
 *	who stores one checks it (here, sendsig.c).
 * Sources: System V ABI, AMD64 supplement, A.2 (Linux system calls).
 */
#include <lib/assert.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/fpu.h>
#include <machine/segments.h>
#include <machine/specialreg.h>
#include <machine/trap.h>
#include <machine/vmparam.h>
#include <sys/thread.h>
#include <sys/usermode.h>

#define SYSCALL_INSN_LEN	2

struct trapframe *
md_user_frame(const struct thread *td)
{
	return (struct trapframe *)(td->td_kstack + KSTACK_SIZE) - 1;
}

void
md_frame_exec(struct trapframe *tf, uint64_t entry, uint64_t sp)
{
	*tf = (struct trapframe){
		.tf_trapno = T_SYSCALL,
		.tf_rip = entry < VM_MAX_USER_ADDRESS ? entry : 0,
		.tf_cs = SEL_UCODE,
		.tf_rflags = RFLAGS_IF | RFLAGS_R1,
		.tf_rsp = sp,
		.tf_ss = SEL_UDATA,
	};
	fpu_reset();
	md_set_fsbase(curthread, 0);
	md_set_gsbase(curthread, 0);
}

int
md_user_init(struct thread *td)
{
	return fpu_alloc(td);
}

void
md_thread_fork(struct thread *parent, struct thread *child, uint64_t sp)
{
	struct trapframe *tf = md_user_frame(child);

	KASSERT(parent == curthread, "fork from thread %d, which is not running",
	    parent->td_tid);
	*tf = *md_user_frame(parent);
	tf->tf_rax = 0;
	if (sp != 0)
		tf->tf_rsp = sp;
	fpu_fork(child);
	child->td_md.md_fsbase = md_get_fsbase(parent);
	child->td_md.md_gsbase = md_get_gsbase(parent);
}

uint64_t
md_syscall_nr(const struct trapframe *tf)
{
	return tf->tf_err;
}

bool
md_in_syscall(const struct trapframe *tf, uint64_t *nr)
{
	*nr = tf->tf_err;
	return tf->tf_trapno == T_SYSCALL;
}

uint64_t
md_syscall_arg(const struct trapframe *tf, unsigned n)
{
	switch (n) {
	case 0:
		return tf->tf_rdi;
	case 1:
		return tf->tf_rsi;
	case 2:
		return tf->tf_rdx;
	case 3:
		return tf->tf_r10;
	case 4:
		return tf->tf_r8;
	case 5:
		return tf->tf_r9;
	default:
		panic("%s: a system call has six arguments, not %u", __func__,
		    n + 1);
	}
}

void
md_syscall_return(struct trapframe *tf, int64_t value)
{
	tf->tf_rax = (uint64_t)value;
}

/* rcx no longer matches rip, so the return is by IRET; nothing else changes. */
void
md_syscall_restart(struct trapframe *tf, uint64_t nr)
{
	tf->tf_rax = nr;
	tf->tf_rip -= SYSCALL_INSN_LEN;
}

uint64_t
md_user_sp(const struct trapframe *tf)
{
	return tf->tf_rsp;
}

uint64_t
md_user_pc(const struct trapframe *tf)
{
	return tf->tf_rip;
}

void
md_set_user_pc(struct trapframe *tf, uint64_t pc)
{
	tf->tf_rip = pc;
}

/*
 * The bases of the current thread are in the CPU; interrupts are off so that
 * pc_fsbase and the MSR belong to the same CPU.
 */
void
md_set_fsbase(struct thread *td, uint64_t base)
{
	uint64_t flags;

	td->td_md.md_fsbase = base;
	if (td != curthread)
		return;
	flags = intr_disable();
	pcpu_self()->pc_fsbase = base;
	wrmsr(MSR_FSBASE, base);
	intr_restore(flags);
}

uint64_t
md_get_fsbase(struct thread *td)
{
	if (td == curthread && cpu_features.fsgsbase)
		return rdmsr(MSR_FSBASE);
	return td->td_md.md_fsbase;
}

void
md_set_gsbase(struct thread *td, uint64_t base)
{
	uint64_t flags;

	td->td_md.md_gsbase = base;
	if (td != curthread)
		return;
	flags = intr_disable();
	pcpu_self()->pc_gsbase = base;
	wrmsr(MSR_KGSBASE, base);
	intr_restore(flags);
}

uint64_t
md_get_gsbase(struct thread *td)
{
	if (td == curthread && cpu_features.fsgsbase)
		return rdmsr(MSR_KGSBASE);
	return td->td_md.md_gsbase;
}
