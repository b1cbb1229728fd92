/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callout.c: one-shot timers: a sorted list for each CPU, run by its timer
 * interrupt, so a callout is late by up to one tick (1/HZ s) and never early.
 *
 * I1 A pending callout is on the list of c_cpu; c_cpu changes only when it is
 *    not, so the lock of c_cpu's list covers its state.
 * I2 cc_running names the callout whose function runs on that CPU now; the
 *    callout itself may be set again or freed by its function, so it is not
 *    touched once the function was called.
 *
 * Locks: cc_lock (LO_CALLOUT, LK_INTR), one at a time, not held in functions.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/queue.h>
#include <machine/cpu.h>
#include <sys/callout.h>
#include <sys/lock.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/thread.h>

enum { CALLOUT_IDLE, CALLOUT_PENDING };

TAILQ_HEAD(callouts, callout);

struct callout_cpu {
	struct spinlock	 cc_lock;
	struct callouts	 cc_list;	/* [k] by time */
	struct callout	*cc_running;	/* [k r:any] I2 */
} __attribute__((__aligned__(CACHE_LINE)));

static struct callout_cpu callout_cpu[MAXCPU];

void
callout_init_cpu(int cpu)
{
	struct callout_cpu *cc = &callout_cpu[cpu];

	spin_init(&cc->cc_lock, "callout", LO_CALLOUT, LK_INTR);
	TAILQ_INIT(&cc->cc_list);
}

void
callout_init(struct callout *c)
{
	c->c_link.tqe_next = NULL;
	c->c_link.tqe_prev = NULL;
	c->c_cpu = 0;
	c->c_state = CALLOUT_IDLE;
}

static struct callout_cpu *
callout_lock(struct callout *c)
{
	struct callout_cpu *cc;
	int cpu;

	for (;;) {
		cpu = atomic_load_relaxed(&c->c_cpu);	/* checked below */
		cc = &callout_cpu[cpu];
		spin_lock(&cc->cc_lock);
		if (c->c_cpu == cpu)
			return cc;
		spin_unlock(&cc->cc_lock);
	}
}

static bool
callout_remove(struct callout_cpu *cc, struct callout *c)
{
	if (c->c_state != CALLOUT_PENDING)
		return false;
	TAILQ_REMOVE(&cc->cc_list, c, c_link);
	c->c_state = CALLOUT_IDLE;
	return true;
}

static void
callout_insert(struct callout_cpu *cc, struct callout *c)
{
	struct callout *after;

	/* From the end: most time-outs are later than those that were set. */
	after = TAILQ_EMPTY(&cc->cc_list) ? NULL :
	    TAILQ_LAST(&cc->cc_list, callouts);
	while (after != NULL && after->c_when > c->c_when)
		after = after == TAILQ_FIRST(&cc->cc_list) ? NULL :
		    TAILQ_PREV(after, callouts, c_link);
	if (after == NULL)
		TAILQ_INSERT_HEAD(&cc->cc_list, c, c_link);
	else
		TAILQ_INSERT_AFTER(&cc->cc_list, after, c, c_link);
	c->c_state = CALLOUT_PENDING;
}

void
callout_reset(struct callout *c, nsec_t when, void (*fn)(void *), void *arg)
{
	struct callout_cpu *cc;

	critical_enter();		/* stay on the CPU that it goes to */
	cc = callout_lock(c);
	(void)callout_remove(cc, c);
	c->c_when = when;
	c->c_fn = fn;
	c->c_arg = arg;
	while (c->c_cpu != curcpu) {
		c->c_cpu = curcpu;
		spin_unlock(&cc->cc_lock);
		cc = callout_lock(c);	/* may have been set meanwhile */
		(void)callout_remove(cc, c);
		c->c_when = when;
		c->c_fn = fn;
		c->c_arg = arg;
	}
	callout_insert(cc, c);
	spin_unlock(&cc->cc_lock);
	critical_exit();
}

bool
callout_stop(struct callout *c)
{
	struct callout_cpu *cc = callout_lock(c);
	bool was = callout_remove(cc, c);

	spin_unlock(&cc->cc_lock);
	return was;
}

void
callout_drain(struct callout *c)
{
	int cpu;

	do {
		(void)callout_stop(c);
		for (cpu = 0; cpu < MAXCPU; cpu++) {
			KASSERT(cpu != curcpu || cpu_intr_depth() == 0 ||
			    callout_cpu[cpu].cc_running != c,
			    "callout %p drained by its own function",
			    (void *)c);
			while (atomic_load(&callout_cpu[cpu].cc_running) == c) {
				md_spin_poll();
				cpu_spinwait();
			}
		}
	} while (atomic_load(&c->c_state) != CALLOUT_IDLE);	/* set again */
}

void
callout_tick(void)
{
	struct callout_cpu *cc = &callout_cpu[curcpu];
	nsec_t now = md_uptime();
	void (*fn)(void *);
	struct callout *c;
	void *arg;

	if (atomic_load_relaxed(&cc->cc_list.tqh_first) == NULL) /* next tick */
		return;
	spin_lock(&cc->cc_lock);
	while ((c = TAILQ_FIRST(&cc->cc_list)) != NULL && c->c_when <= now) {
		(void)callout_remove(cc, c);
		fn = c->c_fn;
		arg = c->c_arg;
		atomic_store(&cc->cc_running, c);
		spin_unlock(&cc->cc_lock);
		fn(arg);
		spin_lock(&cc->cc_lock);
		atomic_store(&cc->cc_running, NULL);
	}
	spin_unlock(&cc->cc_lock);
}
