/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ktest.h: tests in the kernel, chosen with ktest=suite.name (glob) and
 * seed=N, printed as KTAP.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/prng.h>
#include <lib/types.h>

/* Given to each test; [t] of the runner. */
struct ktest_ctx {
	const char	*name;
	uint64_t	 seed;
	struct prng	 prng;		/* seeded from seed and the name */
	bool		 failed;
	bool		 skipped;
	char		 why[128];
};

struct ktest {
	const char	*suite;
	const char	*name;
	void		(*fn)(struct ktest_ctx *t);
	unsigned	 flags;
};
#define KTEST_SLOW	0x1	/* only with ktest_slow=1 or when named exactly */
#define KTEST_PANIC	0x2	/* ends the machine: only when named exactly */

#define KTEST_FLAGS(su, nm, fl)						\
	static void ktest_##su##_##nm(struct ktest_ctx *t);		\
	static const struct ktest __ktest_##su##_##nm __used		\
	    __section("ktests") = { #su, #nm, ktest_##su##_##nm, fl }; \
	static void ktest_##su##_##nm(struct ktest_ctx *t)
#define KTEST(su, nm)	KTEST_FLAGS(su, nm, 0)

/* A claim that does not hold fails the test and returns from it. */
#define KT_CHECK(t, cond, fmt, ...) do {				\
	if (!(cond)) {							\
		ktest_fail(t, __FILE__, __LINE__, "%s: " fmt, #cond,	\
		    ##__VA_ARGS__);					\
		return;							\
	}								\
} while (0)
#define KT_SKIP(t, ...)	do { ktest_skip(t, __VA_ARGS__); return; } while (0)

void	ktest_fail(struct ktest_ctx *t, const char *file, int line,
	    const char *fmt, ...) __printflike(4, 5);
void	ktest_skip(struct ktest_ctx *t, const char *fmt, ...)
	    __printflike(2, 3);
void	ktest_diag(struct ktest_ctx *t, const char *fmt, ...)
	    __printflike(2, 3);
/* ktest_run: all whose suite.name matches glob; returns how many failed, and
 * prints the KTAP plan and "ktest: N passed, N failed, N skipped".  glob may be
 * several, with commas between.  Runs in the calling thread. */
unsigned ktest_run(const char *glob, uint64_t seed);
