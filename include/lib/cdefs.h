/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdefs.h: compiler attributes and the lock annotations.
 *
 * The lock annotations are read by clang's thread-safety analysis (make
 * check); gcc cannot parse their arguments, so they are empty there.
 */
#pragma once

#include <stddef.h>

#define __packed		__attribute__((__packed__))
#define __aligned(n)		__attribute__((__aligned__(n)))
#define __section(s)		__attribute__((__section__(s)))
#define __used			__attribute__((__used__))
#define __unused		__attribute__((__unused__))
#define __noinline		__attribute__((__noinline__))
#define __always_inline		inline __attribute__((__always_inline__))
#define __noreturn		__attribute__((__noreturn__))
#define __weak			__attribute__((__weak__))
#define __warn_unused		__attribute__((__warn_unused_result__))
#define __printflike(f, a)	__attribute__((__format__(__printf__, f, a)))
#define __fallthrough		__attribute__((__fallthrough__))
/* For code that looks into memory which nobody may use (host build). */
#define __no_asan		__attribute__((__no_sanitize_address__))

#define __predict_true(e)	__builtin_expect(!!(e), 1)
#define __predict_false(e)	__builtin_expect(!!(e), 0)

#define nitems(a)		(sizeof(a) / sizeof((a)[0]))
#define container_of(p, t, f)						\
	((t *)(void *)((char *)(p) - offsetof(t, f)))

#define MIN(a, b)		((a) < (b) ? (a) : (b))
#define MAX(a, b)		((a) > (b) ? (a) : (b))
#define roundup2(x, a)		(((x) + ((a) - 1)) & ~((__typeof__(x))(a) - 1))
#define rounddown2(x, a)	((x) & ~((__typeof__(x))(a) - 1))
#define powerof2(x)		((x) != 0 && (((x) - 1) & (x)) == 0)

#define CTASSERT(e, why)	_Static_assert(e, why)

#if defined(__clang__) && defined(GNOMON_TSA)
#define __TSA(x)		__attribute__((x))
#else
#define __TSA(x)
#endif
#define __lockable		__TSA(capability("lock"))
#define __guarded_by(l)		__TSA(guarded_by(l))
#define __requires(l)		__TSA(requires_capability(l))
#define __requires_shared(l)	__TSA(requires_shared_capability(l))
#define __acquires(l)		__TSA(acquire_capability(l))
#define __acquires_shared(l)	__TSA(acquire_shared_capability(l))
#define __releases(l)		__TSA(release_capability(l))
#define __releases_shared(l)	__TSA(release_shared_capability(l))
#define __tries(ok, l)		__TSA(try_acquire_capability(ok, l))
#define __tries_shared(ok, l)	__TSA(try_acquire_shared_capability(ok, l))
#define __excludes(l)		__TSA(locks_excluded(l))
#define __no_lock_analysis	__TSA(no_thread_safety_analysis)
