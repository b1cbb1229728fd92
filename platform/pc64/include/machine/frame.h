/* SPDX-License-Identifier: BSD-2-Clause */
/* frame.h: what exception.S leaves on the stack. */
#pragma once

#include <lib/types.h>

/* Pushed by exception.S in this order from the top down; Xfast_syscall builds
 * the same frame (tf_trapno T_SYSCALL). */
struct trapframe {
	uint64_t	tf_rdi, tf_rsi, tf_rdx, tf_rcx, tf_r8, tf_r9, tf_rax,
			tf_rbx, tf_rbp, tf_r10, tf_r11, tf_r12, tf_r13, tf_r14,
			tf_r15;
	uint64_t	tf_trapno;
	uint64_t	tf_err;		/* error code; syscall: original rax */
	uint64_t	tf_rip, tf_cs, tf_rflags, tf_rsp, tf_ss;
};

#define TRAPF_USERMODE(tf)	(((tf)->tf_cs & 3) != 0)
