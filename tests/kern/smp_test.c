/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp_test.c: does a cross-call run once on each CPU it names, whoever calls
 * whom at the same time?
 */
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/ktest.h>
#include <sys/lock.h>
#include <sys/param.h>
#include <sys/smp.h>
#include <sys/thread.h>

#include "kt_group.h"

#define STORM_TOTAL	600	/* by all threads: each call waits for the host
				 * to run all virtual CPUs */

static struct kt_group	group;
static struct spinlock	calls_lock = SPINLOCK_INITIALIZER("kt_calls", LO_TRACE,
			    LK_INTR);
static uint64_t		calls_total;	/* [calls_lock] */

struct call {
	cpumask_t	ran;		/* [a] */
	unsigned	twice;		/* [a] ran a second time on a CPU */
	unsigned	thread;		/* [a] ran with interrupts on */
};

static void
called(void *arg)
{
	struct call *c = arg;
	cpumask_t self = (cpumask_t)1 << curcpu;

	if ((atomic_fetchor(&c->ran, self) & self) != 0)
		atomic_add(&c->twice, 1);
	if (intr_enabled() || cpu_intr_depth() == 0)
		atomic_add(&c->thread, 1);
	spin_lock(&calls_lock);
	calls_total++;
	spin_unlock(&calls_lock);
}

static void
storm(struct kt_thread *kt)
{
	uint64_t *want = kt->group->arg, mine = 0, flags;
	struct call c;
	cpumask_t mask;
	unsigned i;

	for (i = 0; i < STORM_TOTAL / kt->group->nthreads; i++) {
		mask = prng_next(&kt->prng) & all_cpus;
		c = (struct call){ 0, 0, 0 };
		if (prng_below(&kt->prng, 4) == 0) {
			critical_enter();
			flags = intr_disable();
			smp_rendezvous(mask, called, &c);
			intr_restore(flags);
			critical_exit();
		} else {
			smp_rendezvous(mask, called, &c);
		}
		KT_CLAIM(kt, c.ran == mask, "asked %lx, ran on %lx", mask,
		    c.ran);
		KT_CLAIM(kt, c.twice == 0 && c.thread == 0,
		    "%u twice, %u not as an interrupt", c.twice, c.thread);
		mine += (uint64_t)__builtin_popcountl(mask);
	}
	atomic_add(want, mine);
}

KTEST(smp, rendezvous_storm)
{
	uint64_t want = 0;
	unsigned bad;

	calls_total = 0;
	bad = kt_group_run(&group, t, 2 * (unsigned)MIN(mp_ncpus, 8), storm,
	    &want);
	KT_CHECK(t, bad == 0, "%u claims failed", bad);
	KT_CHECK(t, calls_total == want, "%lu calls, %lu wanted", calls_total,
	    want);
}
