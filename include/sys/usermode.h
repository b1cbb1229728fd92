/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usermode.h: the border between the platform's traps and kern/proc.
 *
 * A user thread's trapframe is always at the top of its kernel stack
 * (md_user_frame); on the way back to user mode the platform calls userret
 * with interrupts on until nothing is pending.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <machine/frame.h>	/* struct trapframe */
#include <sys/signal.h>		/* struct sigstack */

struct thread;

/* ---- kern/proc and kern/linux, called by trap.c ---- */

/* linux_syscall: run the call that tf asks for and store its result. */
void	linux_syscall(struct trapframe *tf);
/* The signals and codes that traps make: the numbers of Linux x86-64, here so
 * that the platform needs no header of kern/linux. */
enum trap_signo {
	TRAPSIG_ILL = 4,
	TRAPSIG_TRAP = 5,
	TRAPSIG_BUS = 7,
	TRAPSIG_FPE = 8,
	TRAPSIG_SEGV = 11,
};
enum trap_code {
	TRAPCODE_KERNEL = 0x80,	/* SI_KERNEL: nothing more is known */
	TRAPCODE_ILLOPN = 2,
	TRAPCODE_INTDIV = 1,
	TRAPCODE_FLTDIV = 3,
	TRAPCODE_FLTOVF = 4,
	TRAPCODE_FLTUND = 5,
	TRAPCODE_FLTRES = 6,
	TRAPCODE_FLTINV = 7,
	TRAPCODE_MAPERR = 1,
	TRAPCODE_ACCERR = 2,
	TRAPCODE_ADRALN = 1,
	TRAPCODE_ADRERR = 2,
	TRAPCODE_TRACE = 2,
};
/*
 * trapsignal: the running user thread did something that traps: queue signo
 * for it, forced (a blocked or ignored one kills).  code is the Linux si_code,
 * addr the si_addr.
 * => Called with interrupts on and no lock held.  Sets td_intrsig.
 */
void	trapsignal(int signo, int code, uint64_t addr);
/*
 * userret: deliver signals, end a dying thread, yield; before user mode.
 * => Called with interrupts on, while td_intrsig or td_needresched is set: it
 *    clears in td_intrsig what it has dealt with (a signal that stays blocked
 *    must not leave TDI_SIGNAL set), or it is called for ever.
 */
void	userret(struct trapframe *tf);

/* ---- platform, called by kern/proc ---- */

struct trapframe *md_user_frame(const struct thread *td);
/* md_user_enter: leave the kernel with the current thread's md_user_frame. */
void	md_user_enter(void) __noreturn;
/* md_frame_exec: zero registers, start at entry with stack sp; FPU, FS and GS
 * base of the current thread reset.  An entry outside user space makes the
 * thread fault at 0. */
void	md_frame_exec(struct trapframe *tf, uint64_t entry, uint64_t sp);
/* md_thread_fork: the child's user frame, FPU, FS and GS base from the
 * parent's; the child returns 0 from its call; sp 0 keeps the parent's. */
void	md_thread_fork(struct thread *parent, struct thread *child,
	    uint64_t sp);
/* md_user_init: allocate the user part (FPU area) of td; 0 or ENOMEM. */
int	md_user_init(struct thread *td) __warn_unused;
uint64_t md_syscall_nr(const struct trapframe *tf);
/* md_in_syscall: the thread with this user frame is in system call *nr. */
bool	md_in_syscall(const struct trapframe *tf, uint64_t *nr);
uint64_t md_syscall_arg(const struct trapframe *tf, unsigned n);	/* 0..5 */
void	md_syscall_return(struct trapframe *tf, int64_t value);
/* md_syscall_restart: back up so that the same call runs again. */
void	md_syscall_restart(struct trapframe *tf, uint64_t nr);
uint64_t md_user_sp(const struct trapframe *tf);
uint64_t md_user_pc(const struct trapframe *tf);
void	md_set_user_pc(struct trapframe *tf, uint64_t pc);

/* arch_prctl.  td is the current thread, or one that has not started.  The
 * caller has checked that base is a user address. */
void	md_set_fsbase(struct thread *td, uint64_t base);
uint64_t md_get_fsbase(struct thread *td);
void	md_set_gsbase(struct thread *td, uint64_t base);
uint64_t md_get_gsbase(struct thread *td);

/* What a signal frame needs; ABI of Linux x86-64 rt_sigframe. */
struct md_sigargs {
	int		signo;
	uint64_t	handler;
	uint64_t	restorer;	/* SA_RESTORER's address */
	uint64_t	oldmask;	/* saved in uc_sigmask */
	struct sigstack	stack;		/* saved in uc_stack */
	bool		onstack;	/* the frame goes to its top */
	const void	*siginfo;	/* 128 bytes, Linux siginfo_t */
};
/* md_sendsig: build the frame on the user stack and aim tf at the handler; the
 * handler starts with a reset FPU.
 * => Current thread.  Sleeps: may fault.
 * => Returns 0; EFAULT (stack not writable: the caller kills). */
int	md_sendsig(struct trapframe *tf, const struct md_sigargs *a)
	    __warn_unused;
/* md_sigreturn: restore tf (all of it, rax too: the caller must not store a
 * result) from the frame at the user stack; *mask is uc_sigmask, *stack uc_stack.
 * => Current thread.  Sleeps: may fault.
 * => Returns 0; EFAULT: the frame cannot be read, or its rip, cs or ss would
 *    harm the kernel (tf is unchanged; the caller kills).  Flag bits that user
 *    code may not set are ignored. */
int	md_sigreturn(struct trapframe *tf, uint64_t *mask,
	    struct sigstack *stack) __warn_unused;
