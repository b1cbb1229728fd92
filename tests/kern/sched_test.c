/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched_test.c: does the scheduler run everyone, where and when it should?
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

static struct kt_group group;

static unsigned
crowd(void)
{
	return MIN(6 * (unsigned)mp_ncpus, KT_MAXTHREADS);
}

#define TORTURE_ROUNDS	400

static void
torture_bind(struct kt_thread *kt)
{
	int cpu = (int)prng_below(&kt->prng, (uint64_t)mp_ncpus);

	sched_bind(curthread, (cpumask_t)1 << cpu);
	KT_CLAIM(kt, curcpu == cpu, "bound to cpu%d, on cpu%d", cpu, curcpu);
	sched_bind(curthread, ~(cpumask_t)0);
}

static void
torture_worker(struct kt_thread *kt)
{
	unsigned i;

	for (i = 0; i < TORTURE_ROUNDS; i++) {
		switch (prng_below(&kt->prng, 8)) {
		case 0:
			(void)tsleep(kt, 0, "kttort", NSEC_PER_USEC *
			    prng_below(&kt->prng, 5000) + 1);
			break;
		case 1:
			torture_bind(kt);
			break;
		case 2:
			sched_setpri(curthread, PRI_KERN +
			    (unsigned)prng_below(&kt->prng, 4));
			break;
		case 3:
			wakeup(&kt->group->threads[prng_below(&kt->prng,
			    kt->group->nthreads)]);
			break;
		case 4:
			md_delay(prng_below(&kt->prng, 50) * NSEC_PER_USEC);
			break;
		default:
			sched_yield();
			break;
		}
		KT_CLAIM(kt, curthread->td_state == TDS_RUNNING,
		    "running, but %s", td_state_name(curthread->td_state));
		KT_CLAIM(kt, curthread->td_critnest == 0 && intr_enabled(),
		    "critnest %u", curthread->td_critnest);
	}
}

KTEST(sched, torture)
{
	unsigned bad = kt_group_run(&group, t, crowd(), torture_worker, NULL);

	KT_CHECK(t, bad == 0, "%u claims failed", bad);
}

static void
nothing(struct kt_thread *kt)
{
	(void)kt;
}

/* Threads come and go, and nothing of them stays. */
KTEST(sched, create_exit)
{
	unsigned before, after, i, tries;

	thread_drain();
	before = thread_count();
	for (i = 0; i < 20; i++)
		(void)kt_group_run(&group, t, crowd(), nothing, NULL);
	for (tries = 0; tries < 100; tries++) {
		thread_drain();
		after = thread_count();
		if (after == before)
			break;
		(void)tsleep(&tries, 0, "ktwait", 10 * NSEC_PER_MSEC);
	}
	KT_CHECK(t, after == before, "%u threads before, %u after", before,
	    after);
}

KTEST(sched, bind)
{
	int cpu;

	for (cpu = 0; cpu < mp_ncpus; cpu++) {
		sched_bind(curthread, (cpumask_t)1 << cpu);
		KT_CHECK(t, curcpu == cpu, "bound to cpu%d, on cpu%d", cpu,
		    curcpu);
	}
	sched_bind(curthread, ~(cpumask_t)0);
}

static void
hog(struct kt_thread *kt)
{
	unsigned *turn = kt->group->arg;

	sched_bind(curthread, 1);
	/* Each waits for the other without ever giving up the CPU itself. */
	atomic_add(turn, 1);
	while (atomic_load(turn) < kt->group->nthreads)
		cpu_spinwait();
}

KTEST(sched, slices)
{
	unsigned turn = 0;

	(void)kt_group_run(&group, t, 3, hog, &turn);
	KT_CHECK(t, turn == 3, "%u threads had their turn", turn);
}

struct race {
	unsigned	stop;		/* [a] */
	unsigned	spins;		/* [a] of the low thread */
};

static void
prio_worker(struct kt_thread *kt)
{
	struct race *r = kt->group->arg;
	unsigned before;

	sched_bind(curthread, 1);
	if (kt->index == 0) {
		sched_setpri(curthread, PRI_KERN + 4);
		while (atomic_load(&r->stop) == 0)
			atomic_add(&r->spins, 1);
		return;
	}
	/* Once awake we keep the CPU from the other. */
	(void)tsleep(r, 0, "ktprio", 30 * NSEC_PER_MSEC);
	before = atomic_load(&r->spins);
	md_delay(60 * NSEC_PER_MSEC);
	sched_yield();
	KT_CLAIM(kt, atomic_load(&r->spins) == before,
	    "the low thread ran %u rounds", atomic_load(&r->spins) - before);
	atomic_store(&r->stop, 1);
}

KTEST(sched, priority)
{
	struct race r = { 0, 0 };
	unsigned bad;

	sched_bind(curthread, mp_ncpus > 1 ? 2 : 1);
	bad = kt_group_run(&group, t, 2, prio_worker, &r);
	sched_bind(curthread, ~(cpumask_t)0);
	KT_CHECK(t, bad == 0, "a lower priority ran first");
}

/* Two users who never sleep, and yield to each other, above a third. */
static void
turn_worker(struct kt_thread *kt)
{
	unsigned *turn = kt->group->arg;
	nsec_t end = md_uptime() + 5 * NSEC_PER_SEC;

	sched_setpri(curthread, kt->index == 2 ? PRI_USER_MAX - 1 : PRI_USER);
	sched_bind(curthread, 1);
	if (kt->index == 2) {
		KT_CLAIM(kt, md_uptime() < end, "the lowest waited for 5 s");
		atomic_store(turn, 1);
	}
	while (atomic_load(turn) == 0 && md_uptime() < end)
		sched_yield();
}

KTEST(sched, everybody_has_a_turn)
{
	unsigned turn = 0, bad;

	sched_bind(curthread, mp_ncpus > 1 ? 2 : 1);
	bad = kt_group_run(&group, t, 3, turn_worker, &turn);
	sched_bind(curthread, ~(cpumask_t)0);
	KT_CHECK(t, bad == 0, "a thread starved");
}

/* Work queued on one CPU spreads to the idle ones. */
static void
spread_worker(struct kt_thread *kt)
{
	cpumask_t *seen = kt->group->arg;
	nsec_t end = md_uptime() + 150 * NSEC_PER_MSEC;

	while (md_uptime() < end) {
		atomic_or(seen, (cpumask_t)1 << curcpu);
		cpu_spinwait();
	}
}

KTEST(sched, spread)
{
	cpumask_t seen = 0;

	(void)kt_group_run(&group, t, MIN(2 * (unsigned)mp_ncpus,
	    KT_MAXTHREADS), spread_worker, &seen);
	KT_CHECK(t, seen == all_cpus, "ran on %lx of %lx", seen, all_cpus);
}
