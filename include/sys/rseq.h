/* SPDX-License-Identifier: BSD-2-Clause */
/* rseq.h: restartable sequences of user threads (kern/proc/rseq.c). */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <machine/frame.h>	/* struct trapframe */

struct uthread;

/*
 * rseq_register: rseq(2) of the running thread.
 * => Returns: 0; EINVAL (flags, size, alignment, another area is registered or
 *    none), EPERM (another signature), EBUSY (this one is registered), EFAULT.
 */
int	rseq_register(uint64_t va, uint32_t size, uint32_t flags, uint32_t sig)
	    __warn_unused;
/* rseq_forget: exec: the area went with its space. */
void	rseq_forget(struct uthread *ut);
/* rseq_inherit: ut, not started, is the copy of from in a copy of its space. */
void	rseq_inherit(struct uthread *ut, const struct uthread *from);
/*
 * rseq_leave: if the running thread is in a section, to its abort handler.
 * rseq_switched: that, and TDI_SWITCHED is served: its area has the CPU.
 * => Sleeps: may fault.  => Returns 0; EFAULT, EINVAL: the caller kills.
 */
int	rseq_leave(struct trapframe *tf) __warn_unused;
int	rseq_switched(struct trapframe *tf) __warn_unused;
