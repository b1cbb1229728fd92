/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atomic.h: atomic operations, over the compiler's builtins so that the host
 * build's checkers see every one of them.
 *
 * Plain names are sequentially consistent; _acq, _rel and _relaxed say
 * otherwise.  A _relaxed or one-sided access carries a comment that names its
 * partner.
 */
#pragma once

#include <lib/types.h>

#define atomic_load(p)		__atomic_load_n(p, __ATOMIC_SEQ_CST)
#define atomic_load_acq(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_load_relaxed(p)	__atomic_load_n(p, __ATOMIC_RELAXED)
#define atomic_store(p, v)	__atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_store_rel(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define atomic_store_relaxed(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define atomic_swap(p, v)	__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetchadd(p, v)	__atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define atomic_add(p, v)						\
	((void)__atomic_fetch_add(p, v, __ATOMIC_SEQ_CST))
#define atomic_sub(p, v)						\
	((void)__atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST))
#define atomic_or(p, v)						\
	((void)__atomic_fetch_or(p, v, __ATOMIC_SEQ_CST))
#define atomic_and(p, v)						\
	((void)__atomic_fetch_and(p, v, __ATOMIC_SEQ_CST))
#define atomic_fetchor(p, v)	__atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetchand(p, v)	__atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)
#define atomic_fence()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define compiler_barrier()	__asm__ volatile("" ::: "memory")

/* If *p is *old store new and return true, else load *old from *p. */
#define atomic_fcmpset(p, old, new)					\
	__atomic_compare_exchange_n(p, old, new, false,			\
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
