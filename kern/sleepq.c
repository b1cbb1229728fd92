/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sleepq.c: sleep queues: threads that wait for an event, hashed by the address
 * that names it.
 *
 * Why no wakeup is lost:
 * S1 The two steps.  The waiter looks at its condition with the chain locked;
 *    the waker changes the condition first and locks the chain then.  If the
 *    waker's lock comes first, the waiter sees the change; if it comes second,
 *    the waiter is queued.  A waker may skip an empty chain: sc_users counts
 *    also those between sleepq_lock and their look, with a full barrier on both
 *    sides (count, then look; change, then read the count).
 * S2 Interlocks.  The waiter is queued before it lets the interlock go, and the
 *    waker changes the condition under the interlock.
 * S3 Going to sleep.  The waiter becomes SLEEPING under the chain lock and its
 *    run queue's lock, and drops the second only when it is off its stack
 *    (sched.c, I2).  A waker that takes it off the queue earlier (an rwlock
 *    interlock is dropped with the chain unlocked) finds it RUNNING: then being
 *    off the queue is what stops it from going to sleep.
 * S4 Signals.  sleepq_interrupt sets td_intrsig, then reads td_wchan; the
 *    sleeper sets td_wchan, then reads td_intrsig: one of them sees the other.
 *
 * I1 td_wchan != NULL exactly while the thread is on the chain of td_wchan;
 *    whoever takes it off (chain locked) sets td_werror and owns the wakeup.
 * I2 A queued thread is not preempted: its queue link serves run queues too.
 *
 * Locks: one chain (LO_SLEEPQ, LK_INTR) at a time; below it callouts and run
 * queues.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/queue.h>
#include <machine/cpu.h>
#include <sys/callout.h>
#include <sys/errno.h>
#include <sys/lock.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/sleepq.h>
#include <sys/thread.h>

#define SLEEPQ_CHAINS	256

TAILQ_HEAD(sleepers, thread);

struct sleepq_chain {
	struct spinlock	sc_lock;
	struct sleepers	sc_head;	/* [q] */
	unsigned	sc_users;	/* [q r:any] S1 */
} __attribute__((__aligned__(CACHE_LINE)));

/* A sleep with a limit; on the sleeper's stack. */
struct sleepq_timo {
	struct callout	 st_callout;
	struct thread	*st_td;		/* [c] */
	const void	*st_chan;	/* [c] */
};

static struct sleepq_chain chains[SLEEPQ_CHAINS];

void
sleepq_init(void)
{
	struct sleepq_chain *sc;

	for (sc = chains; sc < &chains[SLEEPQ_CHAINS]; sc++) {
		spin_init(&sc->sc_lock, "sleepq", LO_SLEEPQ, LK_INTR);
		TAILQ_INIT(&sc->sc_head);
	}
}

static inline struct sleepq_chain *
sleepq_chain(const void *chan)
{
	uintptr_t a = (uintptr_t)chan;

	return &chains[(a ^ a >> 6 ^ a >> 14) % SLEEPQ_CHAINS];
}

static struct sleepq_chain *
chain_lock(const void *chan)
{
	struct sleepq_chain *sc = sleepq_chain(chan);

	spin_lock(&sc->sc_lock);
	return sc;
}

/* ---- sleeping ---- */

void
sleepq_lock(const void *chan)
{
	struct sleepq_chain *sc = chain_lock(chan);

	sc->sc_users++;
	atomic_fence();			/* S1; partner: chain_empty */
}

void
sleepq_release(const void *chan)
{
	struct sleepq_chain *sc = sleepq_chain(chan);

	sc->sc_users--;
	spin_unlock(&sc->sc_lock);
}

/* Chain locked by sleepq_lock, whose sc_users becomes the thread's. */
static void
sleepq_enqueue(const void *chan, unsigned flags, const char *wmesg)
{
	struct sleepq_chain *sc = sleepq_chain(chan);
	struct thread *td = curthread;

	KASSERT(cpu_intr_depth() == 0, "sleep on %s in interrupt context",
	    wmesg);
	KASSERT(td->td_wchan == NULL, "%s sleeps on %s and on %s", td->td_name,
	    td->td_wmesg, wmesg);
	td->td_wmesg = wmesg;
	td->td_wflags = flags;
	td->td_werror = 0;
	td->td_wsince = md_uptime();
	atomic_store_relaxed(&td->td_wchan, chan);	/* fenced in commit */
	TAILQ_INSERT_TAIL(&sc->sc_head, td, td_runq);
}

/* Chain locked, td on it. */
static void
sleepq_dequeue(struct sleepq_chain *sc, struct thread *td, int error)
{
	TAILQ_REMOVE(&sc->sc_head, td, td_runq);
	sc->sc_users--;
	atomic_store_relaxed(&td->td_wchan, NULL);	/* [q] */
	td->td_werror = error;
}

static void
sleepq_timeout(void *arg)
{
	struct sleepq_timo *st = arg;
	struct sleepq_chain *sc = chain_lock(st->st_chan);
	struct thread *td = st->st_td;
	bool asleep;

	/* The sleeper drains this callout before it can sleep again. */
	if (td->td_wchan == NULL) {
		spin_unlock(&sc->sc_lock);
		return;
	}
	asleep = td->td_state == TDS_SLEEPING;
	sleepq_dequeue(sc, td, EWOULDBLOCK);
	spin_unlock(&sc->sc_lock);
	if (asleep)
		sched_add(td);
}

/*
 * The current thread is queued and its chain locked: sleep unless a waker was
 * faster (S3) or a signal is pending (S4).  Unlocks the chain.
 */
static int
sleepq_commit(struct sleepq_chain *sc, const void *chan, nsec_t timo)
{
	struct thread *td = curthread;
	struct sleepq_timo st = { .st_td = td, .st_chan = chan };

	if (td->td_wflags & PCATCH) {
		atomic_fence();		/* S4; partner: sleepq_interrupt */
		if (td->td_wchan != NULL &&
		    (td->td_intrsig & TDI_WAKES) != 0)
			sleepq_dequeue(sc, td, EINTR);
	}
	if (td->td_wchan == NULL) {
		spin_unlock(&sc->sc_lock);
		return td->td_werror;
	}
	if (timo != 0) {
		callout_init(&st.st_callout);
		callout_reset(&st.st_callout, td->td_wsince + timo,
		    sleepq_timeout, &st);
	}
	sched_sleep(&sc->sc_lock);
	if (timo != 0)
		callout_drain(&st.st_callout);
	return td->td_werror;
}

int
sleepq_wait(const void *chan, unsigned flags, const char *wmesg, nsec_t timo)
{
	struct sleepq_chain *sc = sleepq_chain(chan);

	if ((flags & PLOCK) == 0)
		lockdep_sleep(wmesg, &sc->sc_lock);
	sleepq_enqueue(chan, flags, wmesg);
	return sleepq_commit(sc, chan, timo);
}

int
tsleep(const void *chan, unsigned flags, const char *wmesg, nsec_t timo)
{
	sleepq_lock(chan);
	return sleepq_wait(chan, flags, wmesg, timo);
}

int
msleep(const void *chan, struct spinlock *interlock, unsigned flags,
    const char *wmesg, nsec_t timo)
{
	int error;

	lockdep_sleep(wmesg, interlock);
	sleepq_lock(chan);
	sleepq_enqueue(chan, flags, wmesg);
	spin_unlock(interlock);		/* S2 */
	error = sleepq_commit(sleepq_chain(chan), chan, timo);
	if ((flags & PDROP) == 0)
		spin_lock(interlock);
	return error;
}

int
rw_sleep(const void *chan, struct rwlock *rw, unsigned flags,
    const char *wmesg, nsec_t timo)
{
	struct sleepq_chain *sc;
	bool write = rw_wowned(rw);
	int error;

	KASSERT(rw_held(rw), "sleep on %s without its lock %s", wmesg,
	    rw->rw_name);
	lockdep_sleep(wmesg, rw);
	/* The unlock may wake others, which takes their chain: not under ours.
	 * So we are queued with the chain unlocked: I2. */
	critical_enter();
	sleepq_lock(chan);
	sleepq_enqueue(chan, flags, wmesg);
	sc = sleepq_chain(chan);
	spin_unlock(&sc->sc_lock);
	rw_unlock(rw);			/* S2 */
	spin_lock(&sc->sc_lock);
	curthread->td_critnest--;	/* the chain lock's count remains */
	error = sleepq_commit(sc, chan, timo);
	if ((flags & PDROP) != 0)
		return error;
	if (write)
		rw_wlock(rw);
	else
		rw_rlock(rw);
	return error;
}

/* ---- waking ---- */

/* S1: true when nobody waits on the chain or is about to. */
static inline bool
chain_empty(const struct sleepq_chain *sc)
{
	atomic_fence();			/* partner: sleepq_lock */
	return atomic_load_relaxed(&sc->sc_users) == 0;
}

static void
sleepq_wake(const void *chan, bool all)
{
	struct sleepq_chain *sc = sleepq_chain(chan);
	struct sleepers woken = TAILQ_HEAD_INITIALIZER(woken);
	struct thread *td, *next;

	if (chain_empty(sc))
		return;
	critical_enter();	/* the first one woken must not delay the rest */
	spin_lock(&sc->sc_lock);
	TAILQ_FOREACH_SAFE(td, &sc->sc_head, td_runq, next) {
		if (td->td_wchan != chan)
			continue;
		sleepq_dequeue(sc, td, 0);
		if (td->td_state == TDS_SLEEPING)	/* S3 */
			TAILQ_INSERT_TAIL(&woken, td, td_runq);
		if (!all)
			break;
	}
	spin_unlock(&sc->sc_lock);
	while ((td = TAILQ_FIRST(&woken)) != NULL) {
		TAILQ_REMOVE(&woken, td, td_runq);
		sched_add(td);
	}
	critical_exit();
}

void
wakeup(const void *chan)
{
	sleepq_wake(chan, true);
}

void
wakeup_one(const void *chan)
{
	sleepq_wake(chan, false);
}

void
sleepq_abort(struct thread *td)
{
	struct sleepq_chain *sc;
	const void *chan;
	bool asleep, ours;

	for (;;) {
		chan = atomic_load(&td->td_wchan);
		if (chan == NULL)
			return;
		sc = chain_lock(chan);
		if (td->td_wchan == chan)
			break;
		spin_unlock(&sc->sc_lock);	/* it woke, and sleeps again? */
	}
	ours = (td->td_wflags & PCATCH) != 0;
	asleep = td->td_state == TDS_SLEEPING;
	if (ours)
		sleepq_dequeue(sc, td, EINTR);
	spin_unlock(&sc->sc_lock);
	if (ours && asleep)
		sched_add(td);
}

void
sleepq_interrupt(struct thread *td, unsigned bits)
{
	atomic_or(&td->td_intrsig, bits);
	atomic_fence();			/* S4; partner: sleepq_commit */
	sleepq_abort(td);
	sched_kick(td);
}
