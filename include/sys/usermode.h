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

struct thread;

/* ---- kern/proc and kern/linux, called by trap.c ---- */

/* linux_syscall: run the call that tf asks for and store its result. */
void	linux_syscall(struct trapframe *tf);
/*
 * trapsignal: the running user thread did something that traps: queue signo
 * for it, forced (a blocked or ignored one kills).  code is the Linux si_code,
 * addr the si_addr.
 */
void	trapsignal(int signo, int code, uint64_t addr);
/* userret: deliver signals, end a dying thread, yield; before user mode. */
void	userret(struct trapframe *tf);

/* ---- platform, called by kern/proc ---- */

struct trapframe *md_user_frame(struct thread *td);
/* md_user_enter: leave the kernel with the current thread's md_user_frame. */
void	md_user_enter(void) __noreturn;
/* md_frame_exec: zero registers, start at entry with stack sp; FPU reset. */
void	md_frame_exec(struct trapframe *tf, uint64_t entry, uint64_t sp);
/* md_thread_fork: the child's user frame, FPU, FS and GS base from the
 * parent's; the child returns 0 from its call; sp 0 keeps the parent's. */
void	md_thread_fork(struct thread *parent, struct thread *child,
	    uint64_t sp);
/* md_user_init: allocate the user part (FPU area) of td; 0 or ENOMEM. */
int	md_user_init(struct thread *td) __warn_unused;
uint64_t md_syscall_nr(const struct trapframe *tf);
uint64_t md_syscall_arg(const struct trapframe *tf, unsigned n);	/* 0..5 */
void	md_syscall_return(struct trapframe *tf, int64_t value);
/* md_syscall_restart: back up so that the same call runs again. */
void	md_syscall_restart(struct trapframe *tf, uint64_t nr);
uint64_t md_user_sp(const struct trapframe *tf);
uint64_t md_user_pc(const struct trapframe *tf);

/* arch_prctl */
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
	uint64_t	altstack_sp;	/* 0: on the current stack */
	uint64_t	altstack_size;
	uint32_t	altstack_flags;
	const void	*siginfo;	/* 128 bytes, Linux siginfo_t */
};
/* md_sendsig: build the frame on the user stack and aim tf at the handler.
 * => Returns 0; EFAULT (stack not writable: the caller kills). */
int	md_sendsig(struct trapframe *tf, const struct md_sigargs *a)
	    __warn_unused;
/* md_sigreturn: restore tf from the frame at the user stack; *mask is
 * uc_sigmask.  Segment and flag bits that would harm the kernel are refused. */
int	md_sigreturn(struct trapframe *tf, uint64_t *mask) __warn_unused;
