/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_dispatch.c: from the trap frame to the handler and back.
 *
 * The way through is short on purpose: one bound check, one load, one call.
 * This file knows the registers of the x86-64 system call ABI (the frame's
 * fields); handlers see six words.
 *
 * I1: a handler's negative result is -errno, never an internal code: those are
 *     turned into -EINTR here and remembered for userret.
 * Locks: none.
 */
#define SYSCALL_TABLE
#include "linux_priv.h"

#include <lib/atomic.h>
#include <sys/proc.h>
#include <sys/thread.h>
#include <sys/usermode.h>

#define NR_EXIT		60U
#define NR_EXIT_GROUP	231U

/* syscall_missing: a number without a handler. */
static int64_t
syscall_missing(uint32_t nr)
{
	if (nr < SYSCALL_COUNT && syscall_table[nr].sd_status == SYS_REFUSED)
		return ret_errno(syscall_table[nr].sd_errno);
	return -ENOSYS;
}

/* syscall_traced: the call, with a line about it. */
static __noinline int64_t
syscall_traced(syscall_fn *fn, uint32_t nr, const struct trapframe *tf)
{
	const uint64_t args[6] = { tf->tf_rdi, tf->tf_rsi, tf->tf_rdx,
	    tf->tf_r10, tf->tf_r8, tf->tf_r9 };
	struct strace st;
	int64_t ret;

	strace_enter(&st, fn != NULL ? &syscall_table[nr] : NULL, nr, args);
	if (nr == NR_EXIT || nr == NR_EXIT_GROUP)
		strace_gone(&st);
	ret = fn != NULL ? fn(args[0], args[1], args[2], args[3], args[4],
	    args[5]) : syscall_missing(nr);
	strace_leave(&st, ret);
	return ret;
}

/* syscall_interrupted: I1; userret restarts the call or leaves -EINTR. */
static int64_t
syscall_interrupted(uint32_t nr, int64_t ret)
{
	struct uthread *ut = curuthread;

	ut->ut_restart = (uint64_t)nr + 1;
	ut->ut_restartif = (int)-ret;
	/* Even if another thread took the signal: userret has to look. */
	atomic_or(&curthread->td_intrsig, TDI_SIGNAL);
	return -EINTR;
}

/* syscall_failed: what is left to do after an error; false: the frame is final. */
static __noinline bool
syscall_failed(uint32_t nr, int64_t *ret)
{
	if (*ret == -EJUSTRETURN)
		return false;
	if (*ret <= -ERESTART)
		*ret = syscall_interrupted(nr, *ret);
	else if (*ret == -ENOSYS)
		enosys_tell(nr, nr < SYSCALL_COUNT ? &syscall_table[nr] : NULL);
	return true;
}

void
linux_syscall(struct trapframe *tf)
{
	uint32_t nr = (uint32_t)tf->tf_err;
	syscall_fn *fn;
	int64_t ret;

	fn = __predict_true(nr < SYSCALL_COUNT) ? syscall_table[nr].sd_fn :
	    NULL;
	if (__predict_false(strace_mode != ST_OFF) && strace_wanted())
		ret = syscall_traced(fn, nr, tf);
	else if (__predict_true(fn != NULL))
		ret = fn(tf->tf_rdi, tf->tf_rsi, tf->tf_rdx, tf->tf_r10,
		    tf->tf_r8, tf->tf_r9);
	else
		ret = syscall_missing(nr);
	if (__predict_false((uint64_t)ret >= (uint64_t)-ERESTARTNOINTR) &&
	    !syscall_failed(nr, &ret))
		return;
	tf->tf_rax = (uint64_t)ret;
}
