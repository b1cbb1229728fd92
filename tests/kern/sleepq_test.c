/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sleepq_test.c: is every wakeup seen, by each way to sleep?
 *
 * A lost wakeup is a hang here: the sleeps have no limit, so the runner's
 * time-out is the detector.
 */
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <sys/ktest.h>
#include <sys/lock.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>

#include "kt_group.h"

static struct kt_group	group;

#define PING_ROUNDS	3000

/* A token goes round a ring of threads; each waits for its own turn. */
struct ring {
	struct spinlock	lock;
	struct rwlock	rw;
	unsigned	turn;		/* [lock], [rw] or [a], by the test */
	unsigned	rounds;		/* [c] */
};

static struct ring ring;

static void
ring_msleep(struct kt_thread *kt)
{
	unsigned n = kt->group->nthreads, i;

	for (i = 0; i < ring.rounds; i++) {
		spin_lock(&ring.lock);
		while (ring.turn % n != kt->index)
			(void)msleep(&ring, &ring.lock, 0, "ktring", 0);
		ring.turn++;
		if (n == 2)
			wakeup_one(&ring);
		else
			wakeup(&ring);
		spin_unlock(&ring.lock);
	}
}

static void
ring_rwsleep(struct kt_thread *kt)
{
	unsigned n = kt->group->nthreads, i;

	for (i = 0; i < ring.rounds; i++) {
		rw_wlock(&ring.rw);
		while (ring.turn % n != kt->index)
			(void)rw_sleep(&ring, &ring.rw, 0, "ktring", 0);
		KT_CLAIM(kt, rw_wowned(&ring.rw), "not write-held");
		ring.turn++;
		rw_wunlock(&ring.rw);
		wakeup(&ring);
	}
}

/* The condition is an atomic word: only the two steps make this safe. */
static void
ring_twostep(struct kt_thread *kt)
{
	unsigned n = kt->group->nthreads, i;

	for (i = 0; i < ring.rounds; i++) {
		while (atomic_load(&ring.turn) % n != kt->index) {
			sleepq_lock(&ring);
			if (atomic_load(&ring.turn) % n != kt->index)
				(void)sleepq_wait(&ring, 0, "ktring", 0);
			else
				sleepq_release(&ring);
		}
		atomic_add(&ring.turn, 1);
		wakeup(&ring);
	}
}

static void
ring_run(struct ktest_ctx *t, unsigned n, void (*fn)(struct kt_thread *))
{
	unsigned bad;

	spin_init(&ring.lock, "kt_ring", LO_OBJLIST, 0);
	rw_init(&ring.rw, "kt_ring", LO_VNODE, 0);
	ring.turn = 0;
	ring.rounds = PING_ROUNDS / n;
	bad = kt_group_run(&group, t, n, fn, NULL);
	KT_CHECK(t, bad == 0, "%u claims failed", bad);
	KT_CHECK(t, ring.turn == n * ring.rounds, "%u turns", ring.turn);
	rw_destroy(&ring.rw);
}

KTEST(sleepq, ping_msleep)
{
	ring_run(t, 2, ring_msleep);
}

KTEST(sleepq, ring_msleep)
{
	ring_run(t, 7, ring_msleep);
}

KTEST(sleepq, ping_rw_sleep)
{
	ring_run(t, 2, ring_rwsleep);
}

KTEST(sleepq, ring_rw_sleep)
{
	ring_run(t, 7, ring_rwsleep);
}

KTEST(sleepq, ping_two_steps)
{
	ring_run(t, 2, ring_twostep);
}

KTEST(sleepq, ring_two_steps)
{
	ring_run(t, 7, ring_twostep);
}

/* A time-out ends a sleep, not before its time and not much after. */
KTEST(sleepq, timeout)
{
	nsec_t start, took;
	int chan, error;

	start = md_uptime();
	error = tsleep(&chan, 0, "ktest", 50 * NSEC_PER_MSEC);
	took = md_uptime() - start;
	KT_CHECK(t, error == EWOULDBLOCK, "error %d", error);
	KT_CHECK(t, took >= 50 * NSEC_PER_MSEC, "after %lu ns", took);
	KT_CHECK(t, took < 5 * NSEC_PER_SEC, "after %lu ns", took);
}

/* Wakeups and time-outs meet: each sleep ends by one of them, exactly once. */
static void
race_worker(struct kt_thread *kt)
{
	unsigned *left = kt->group->arg;
	int i, error;

	if (kt->index % 2 == 0) {
		for (i = 0; i < 60; i++) {
			error = tsleep(left, 0, "ktrace", NSEC_PER_MSEC *
			    prng_below(&kt->prng, 12) + 1);
			KT_CLAIM(kt, error == 0 || error == EWOULDBLOCK,
			    "error %d", error);
		}
		atomic_sub(left, 1);
		return;
	}
	while (atomic_load(left) > 0) {
		md_delay(prng_below(&kt->prng, 200) * NSEC_PER_USEC);
		if (prng_below(&kt->prng, 2) == 0)
			wakeup(left);
		else
			wakeup_one(left);
		sched_yield();
	}
}

KTEST(sleepq, timeout_race)
{
	unsigned left = 4, bad;

	bad = kt_group_run(&group, t, 8, race_worker, &left);
	KT_CHECK(t, bad == 0, "%u claims failed", bad);
}

struct victim {
	struct thread	*td;		/* [a] */
	int		 error;		/* [a] */
	unsigned	 flags;		/* [c] */
};

static void
victim_worker(struct kt_thread *kt)
{
	struct victim *v = kt->group->arg;

	atomic_store(&v->td, curthread);
	atomic_store(&v->error, tsleep(v, v->flags, "ktvict",
	    300 * NSEC_PER_MSEC));
}

static int
interrupt_one(struct ktest_ctx *t, unsigned flags)
{
	struct victim v = { NULL, -1, flags };

	kt_group_start(&group, t, 1, victim_worker, &v);
	while (atomic_load(&v.td) == NULL)
		sched_yield();
	(void)tsleep(&v.td, 0, "ktwait", prng_below(&t->prng, 3) *
	    10 * NSEC_PER_MSEC + 1);
	sleepq_interrupt(v.td, TDI_SIGNAL);
	(void)kt_group_join(&group);
	return v.error;
}

/* A signal ends a PCATCH sleep, also one that only begins, and no other. */
KTEST(sleepq, interrupt)
{
	int i, error;

	for (i = 0; i < 10; i++) {
		error = interrupt_one(t, PCATCH);
		KT_CHECK(t, error == EINTR, "with PCATCH: error %d", error);
	}
	error = interrupt_one(t, 0);
	KT_CHECK(t, error == EWOULDBLOCK, "without: error %d", error);
}
