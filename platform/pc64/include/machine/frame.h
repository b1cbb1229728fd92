/* SPDX-License-Identifier: BSD-2-Clause */
/* frame.h: what exception.S leaves on the stack. */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

/*
 * The last five words are pushed by the CPU, the next two by the stubs, the
 * registers by exception.S, tf_r15 first.  Xfast_syscall builds the same frame
 * (tf_trapno T_SYSCALL).
 * I1	A frame from user mode lies at the very top of the thread's stack.
 * I2	A frame that goes to user mode has SEL_UCODE and SEL_UDATA, and no flag
 *	set that user code could not set itself.
 */
struct trapframe {
	uint64_t	tf_rdi, tf_rsi, tf_rdx, tf_rcx, tf_r8, tf_r9, tf_rax,
			tf_rbx, tf_rbp, tf_r10, tf_r11, tf_r12, tf_r13, tf_r14,
			tf_r15;
	uint64_t	tf_trapno;	/* vector, or T_SYSCALL (trap.h) */
	uint64_t	tf_err;		/* error code; syscall: original rax */
	uint64_t	tf_rip, tf_cs, tf_rflags, tf_rsp, tf_ss;
};
CTASSERT(sizeof(struct trapframe) % 16 == 0, "the stack stays aligned");

#define TRAPF_USERMODE(tf)	(((tf)->tf_cs & 3) != 0)
