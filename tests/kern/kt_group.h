/* SPDX-License-Identifier: BSD-2-Clause */
/* kt_group.h: several kernel threads that run one function, for tests. */
#pragma once

#include <lib/prng.h>
#include <lib/types.h>
#include <sys/ktest.h>
#include <sys/lock.h>

#define KT_MAXTHREADS	64

struct kt_group;

/* One thread of a group; [t] its own. */
struct kt_thread {
	struct kt_group	*group;
	unsigned	 index;
	struct prng	 prng;		/* differs by thread, from the test's */
};

struct kt_group {
	struct spinlock	 lock;
	unsigned	 nrunning;	/* [lock] */
	unsigned	 nthreads;	/* [c] */
	unsigned	 nbefore;	/* [c] threads of the machine without it */
	unsigned	 nbad;		/* [a] claims that did not hold */
	void		(*fn)(struct kt_thread *kt);	/* [c] */
	void		*arg;		/* [c] the test's */
	struct kt_thread threads[KT_MAXTHREADS];
};

/*
 * kt_group_start: start n threads in fn; kt_group_join waits for their ends,
 * until their stacks are free (audits count pages), and returns how many claims
 * failed.  One group at a time a struct.
 */
void	kt_group_start(struct kt_group *g, struct ktest_ctx *t, unsigned n,
	    void (*fn)(struct kt_thread *kt), void *arg);
unsigned kt_group_join(struct kt_group *g);
/* kt_group_run: both. */
unsigned kt_group_run(struct kt_group *g, struct ktest_ctx *t, unsigned n,
	    void (*fn)(struct kt_thread *kt), void *arg);

/* KT_CLAIM: as KT_CHECK, in a thread of a group: counts and says, goes on. */
#define KT_CLAIM(kt, cond, fmt, ...) do {				\
	if (!(cond))							\
		kt_bad(kt, __LINE__, "%s: " fmt, #cond, ##__VA_ARGS__);	\
} while (0)
void	kt_bad(struct kt_thread *kt, int line, const char *fmt, ...)
	    __printflike(3, 4);
