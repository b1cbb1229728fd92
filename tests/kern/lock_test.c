/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock_test.c: do spinlocks and rwlocks exclude, prefer writers, and keep
 * preemption and interrupts as they should be?
 */
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/ktest.h>
#include <sys/lock.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/smp.h>
#include <sys/sleepq.h>
#include <sys/thread.h>

#include "kt_group.h"

static struct kt_group	group;
static struct spinlock	plain = SPINLOCK_INITIALIZER("kt_plain", LO_OBJLIST, 0);
static struct spinlock	intr = SPINLOCK_INITIALIZER("kt_intr", LO_TRACE,
			    LK_INTR);
static struct rwlock	rw;

/* Written without atomics: the lock must be what keeps them right. */
static uint64_t		word_a, word_b;

static unsigned
crowd(void)
{
	return MIN(4 * (unsigned)mp_ncpus, KT_MAXTHREADS);
}

#define SPIN_TOTAL	32000	/* by all threads: a virtual CPU that the host
				 * does not run makes all others wait */

static void
spin_worker(struct kt_thread *kt)
{
	struct spinlock *l = kt->group->arg;
	unsigned i;

	for (i = 0; i < SPIN_TOTAL / kt->group->nthreads; i++) {
		if (prng_below(&kt->prng, 4) != 0) {
			spin_lock(l);
		} else {
			while (!spin_trylock(l))
				sched_yield();
		}
		KT_CLAIM(kt, word_a == word_b, "%lu, %lu", word_a, word_b);
		word_a++;
		if (prng_below(&kt->prng, 64) == 0)
			md_delay(2 * NSEC_PER_USEC);
		KT_CLAIM(kt, spin_owned(l), "word %u", l->sl_word);
		KT_CLAIM(kt, (l->sl_flags & LK_INTR) == 0 || !intr_enabled(),
		    "interrupts are on");
		word_b++;
		spin_unlock(l);
		KT_CLAIM(kt, intr_enabled(), "interrupts are still off");
		if (prng_below(&kt->prng, 128) == 0)
			sched_yield();
	}
}

KTEST(lock, spin_torture)
{
	struct spinlock *const locks[] = { &plain, &intr };
	unsigned i, bad;

	for (i = 0; i < nitems(locks); i++) {
		word_a = word_b = 0;
		bad = kt_group_run(&group, t, crowd(), spin_worker, locks[i]);
		KT_CHECK(t, bad == 0, "%s: %u claims failed",
		    locks[i]->sl_name, bad);
		KT_CHECK(t, word_a == SPIN_TOTAL / crowd() * crowd(),
		    "%s: count %lu", locks[i]->sl_name, word_a);
	}
}

/* Unlocking out of order keeps interrupts off until the last LK_INTR lock. */
KTEST(lock, intr_depth)
{
	struct spinlock second = SPINLOCK_INITIALIZER("kt_second", LO_NONE,
	    LK_INTR);

	spin_lock(&intr);
	spin_lock(&second);
	spin_unlock(&intr);
	KT_CHECK(t, !intr_enabled() || (spin_unlock(&second), false),
	    "on after the first of two unlocks");
	spin_unlock(&second);
	KT_CHECK(t, intr_enabled(), "off after the last unlock");
	KT_CHECK(t, curthread->td_critnest == 0, "critnest %u",
	    curthread->td_critnest);
}

#define RW_ROUNDS	2000

static void
rw_write(struct kt_thread *kt)
{
	KT_CLAIM(kt, rw_wowned(&rw), "word %lx", rw.rw_word);
	KT_CLAIM(kt, word_a == word_b, "writer saw %lu, %lu", word_a, word_b);
	word_a++;
	if (prng_below(&kt->prng, 16) == 0)
		sched_yield();		/* held across a switch */
	word_b++;
}

static void
rw_read(struct kt_thread *kt)
{
	uint64_t a = word_a;

	if (prng_below(&kt->prng, 16) == 0)
		sched_yield();
	KT_CLAIM(kt, a == word_a && a == word_b, "reader saw %lu, %lu, %lu", a,
	    word_a, word_b);
}

static void
rw_worker(struct kt_thread *kt)
{
	uint64_t *writes = kt->group->arg;
	unsigned i, mine = 0;

	for (i = 0; i < RW_ROUNDS; i++) {
		switch (prng_below(&kt->prng, 6)) {
		case 0:
			rw_wlock(&rw);
			rw_write(kt);
			mine++;
			rw_wunlock(&rw);
			break;
		case 1:
			if (!rw_try_wlock(&rw))
				break;
			rw_write(kt);
			mine++;
			rw_downgrade(&rw);
			rw_read(kt);
			rw_runlock(&rw);
			break;
		case 2:
			rw_rlock(&rw);
			rw_read(kt);
			if (rw_try_upgrade(&rw)) {
				rw_write(kt);
				mine++;
			}
			rw_unlock(&rw);
			break;
		case 3:
			if (!rw_try_rlock(&rw))
				break;
			rw_read(kt);
			rw_runlock(&rw);
			break;
		default:
			rw_rlock(&rw);
			rw_read(kt);
			rw_unlock(&rw);
			break;
		}
	}
	atomic_add(writes, mine);
}

KTEST(lock, rw_torture)
{
	uint64_t writes = 0;
	unsigned bad;

	rw_init(&rw, "kt_rw", LO_VNODE, 0);
	word_a = word_b = 0;
	bad = kt_group_run(&group, t, crowd(), rw_worker, &writes);
	KT_CHECK(t, bad == 0, "%u claims failed", bad);
	KT_CHECK(t, word_a == writes && word_b == writes,
	    "%lu writes, but %lu, %lu", writes, word_a, word_b);
	rw_destroy(&rw);
}

static void
rw_late_writer(struct kt_thread *kt)
{
	unsigned *order = kt->group->arg;

	rw_wlock(&rw);
	atomic_store(order, 1);
	rw_wunlock(&rw);
}

/* A writer that waits keeps new readers out, and gets the lock. */
KTEST(lock, rw_writer_first)
{
	unsigned order = 0, tries;
	bool refused = false;

	rw_init(&rw, "kt_rw", LO_VNODE, 0);
	rw_rlock(&rw);
	kt_group_start(&group, t, 1, rw_late_writer, &order);
	for (tries = 0; !refused && tries < 1000; tries++) {
		(void)tsleep(&order, 0, "ktwait", NSEC_PER_MSEC);
		if (rw_try_rlock(&rw))
			rw_runlock(&rw);
		else
			refused = true;
	}
	rw_runlock(&rw);
	(void)kt_group_join(&group);
	KT_CHECK(t, refused, "a new reader got in");
	KT_CHECK(t, order == 1, "the writer did not");
	rw_destroy(&rw);
}
