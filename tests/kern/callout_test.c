/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callout_test.c: do timers fire in order, once, never early, and never after
 * they were stopped?
 */
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/callout.h>
#include <sys/ktest.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>

#include "kt_group.h"

#define NCALLOUTS	16

static struct kt_group	group;

struct shot {
	struct callout	c;
	nsec_t		due;		/* [c] */
	nsec_t		fired;		/* [a] 0: not yet */
	unsigned	count;		/* [a] */
};

static void
fire(void *arg)
{
	struct shot *s = arg;

	atomic_store(&s->fired, md_uptime());
	atomic_add(&s->count, 1);
}

KTEST(callout, order)
{
	static struct shot shots[NCALLOUTS];
	nsec_t now = md_uptime();
	unsigned i;

	for (i = 0; i < NCALLOUTS; i++) {
		shots[i] = (struct shot){ .due = now + NSEC_PER_MSEC *
		    (20 + prng_below(&t->prng, 100)) };
		callout_init(&shots[i].c);
		callout_reset(&shots[i].c, shots[i].due, fire, &shots[i]);
	}
	(void)tsleep(shots, 0, "ktwait", 300 * NSEC_PER_MSEC);
	for (i = 0; i < NCALLOUTS; i++) {
		callout_drain(&shots[i].c);
		KT_CHECK(t, shots[i].count == 1, "%u fired %u times", i,
		    shots[i].count);
		KT_CHECK(t, shots[i].fired >= shots[i].due,
		    "%u fired %lu ns early", i, shots[i].due - shots[i].fired);
	}
}

KTEST(callout, stop_and_reset)
{
	static struct shot s;
	bool was;

	s = (struct shot){ .due = md_uptime() + 30 * NSEC_PER_MSEC };
	callout_init(&s.c);
	callout_reset(&s.c, s.due, fire, &s);
	was = callout_stop(&s.c);
	KT_CHECK(t, was, "not pending right after the reset");
	(void)tsleep(&s, 0, "ktwait", 60 * NSEC_PER_MSEC);
	KT_CHECK(t, s.count == 0, "fired after the stop");
	callout_reset(&s.c, md_uptime() + NSEC_PER_SEC, fire, &s);
	callout_reset(&s.c, md_uptime() + 20 * NSEC_PER_MSEC, fire, &s);
	(void)tsleep(&s, 0, "ktwait", 60 * NSEC_PER_MSEC);
	was = callout_stop(&s.c);
	KT_CHECK(t, !was && s.count == 1, "count %u after a second reset",
	    s.count);
}

/* One callout, set and drained by all CPUs: after a drain by the last user its
 * memory may go. */
static void
churn(struct kt_thread *kt)
{
	struct shot *s = kt->group->arg;
	unsigned i;

	for (i = 0; i < 200; i++) {
		switch (prng_below(&kt->prng, 4)) {
		case 0:
			(void)callout_stop(&s->c);
			break;
		case 1:
			callout_drain(&s->c);
			break;
		default:
			callout_reset(&s->c, md_uptime() + NSEC_PER_MSEC *
			    prng_below(&kt->prng, 10), fire, s);
			break;
		}
		if (prng_below(&kt->prng, 4) == 0)
			(void)tsleep(kt, 0, "ktwait", NSEC_PER_MSEC);
	}
}

KTEST(callout, churn)
{
	static struct shot s;
	unsigned count;

	s = (struct shot){ .due = 0 };
	callout_init(&s.c);
	(void)kt_group_run(&group, t, 2 * (unsigned)MIN(mp_ncpus, 8), churn,
	    &s);
	callout_drain(&s.c);
	count = atomic_load(&s.count);
	(void)tsleep(&s, 0, "ktwait", 30 * NSEC_PER_MSEC);
	KT_CHECK(t, atomic_load(&s.count) == count, "fired after the drain");
}
