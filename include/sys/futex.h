/* SPDX-License-Identifier: BSD-2-Clause */
/* futex.h: sleep and wake by a user word (futex.c). */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct uthread;

void		 futex_init(void);
/* deadline: uptime ns; 0 none. => Returns 0, EAGAIN, EINTR, ETIMEDOUT, EFAULT,
 * EINVAL. */
int		 futex_wait(uint64_t va, bool shared, uint32_t val,
		    uint32_t bitset, nsec_t deadline) __warn_unused;
/* *nwoken; EFAULT, EINVAL. */
int		 futex_wake(uint64_t va, bool shared, unsigned n,
		    uint32_t bitset, unsigned *nwoken) __warn_unused;
/* futex_requeue: wake n, move up to m to va2; cmp: only when *va == *cmp. */
int		 futex_requeue(uint64_t va, uint64_t va2, bool shared,
		    unsigned n, unsigned m, const uint32_t *cmp,
		    unsigned *count) __warn_unused;
/* futex_wake_op: change *va2 as op says; wake n at va, and m at va2 if what
 * was there compares.  EFAULT, EINVAL, ENOSYS (op). */
int		 futex_wake_op(uint64_t va, uint64_t va2, bool shared,
		    unsigned n, unsigned m, uint32_t op, unsigned *count)
		    __warn_unused;
/* futex_exit: the running thread's robust list and CLEARTID word. */
void		 futex_exit(struct uthread *ut);
