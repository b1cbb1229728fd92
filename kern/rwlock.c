/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rwlock.c: the sleeping read/write lock.
 *
 * One word holds everything that decides:
 *	bit 0		a writer holds it
 *	bits 1-19	readers that hold it
 *	bits 20-39	writers that wait
 *	bits 40-59	readers that wait
 *
 * I1 Bit 0 and a reader count > 0 never stand together.
 * I2 A waiter counts itself before it sleeps and stays counted until its own
 *    step to holder; so no waker needs to know who is still queued, and a
 *    writer on its way keeps new readers out (writer preference).
 * I3 Whoever makes the lock free wakes one waiting writer; when no writer
 *    waits, a departing writer wakes all waiting readers.  Readers never need
 *    a departing reader: what they wait for is a writer.
 * I4 An unlock touches the lock for the last time in its atomic; the wakeup
 *    uses the address only, so the lock's memory may be gone by then.
 *
 * No wakeup is lost: a waiter looks at the word again under the chain lock, and
 * the waker changes the word before it takes that lock (sleepq.c, S1).
 * Locks: the chains of sleepq.c.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/lock.h>
#include <sys/lockdep.h>
#include <sys/panic.h>
#include <sys/sleepq.h>
#include <sys/thread.h>

#define RW_WRITER	1UL
#define RW_READER	(1UL << 1)
#define RW_READERS	(0x7ffffUL << 1)
#define RW_WWAIT	(1UL << 20)
#define RW_WWAITS	(0xfffffUL << 20)
#define RW_RWAIT	(1UL << 40)
#define RW_RWAITS	(0xfffffUL << 40)

#define RW_SPINS	64	/* looks at a running owner before sleeping */

/*
 * Where writers and readers sleep: odd addresses, because the lock is often the
 * first member of something whose address is a channel of its own.
 */
static inline const void *
rw_wchan(const struct rwlock *rw)
{
	return (const char *)rw + 1;
}

static inline const void *
rw_rchan(const struct rwlock *rw)
{
	return (const char *)rw + 3;
}

static inline unsigned
rw_ldflags(const struct rwlock *rw)
{
	return (unsigned)rw->rw_flags << LH_LK_SHIFT;
}

void
rw_init(struct rwlock *rw, const char *name, enum lock_rank rank,
    unsigned flags)
{
	rw->rw_word = 0;
	rw->rw_owner = NULL;
	rw->rw_site = NULL;
	rw->rw_name = name;
	rw->rw_rank = (uint16_t)rank;
	rw->rw_flags = (uint16_t)flags;
}

void
rw_destroy(struct rwlock *rw)
{
	KASSERT(atomic_load(&rw->rw_word) == 0,
	    "rwlock %s (%p) destroyed while held or waited for: word %lx, "
	    "last writer at %p", rw->rw_name, (void *)rw, rw->rw_word,
	    rw->rw_site);
}

static __noinline void
rw_recursed(const struct rwlock *rw, const void *site)
{
	panic("rwlock %s (%p) taken again at %p by its writer, who took it "
	    "at %p", rw->rw_name, (const void *)rw, site, rw->rw_site);
}

/*
 * A writer that runs on another CPU will soon be done: look a few times before
 * paying for a switch.  The owner's struct may be freed meanwhile, but threads
 * are type-stable (zone.h), and a wrong answer only costs time.
 */
static bool
rw_spin(const struct rwlock *rw, uint64_t busy)
{
	const struct thread *owner;
	uint64_t w;
	unsigned i;

	for (i = 0; i < RW_SPINS; i++) {
		w = atomic_load_relaxed(&rw->rw_word);
		if ((w & busy) == 0)
			return true;
		owner = atomic_load_relaxed(&rw->rw_owner);	/* hint */
		if ((w & RW_WRITER) == 0 ||
		    (owner != NULL && owner->td_state != TDS_RUNNING))
			return false;
		cpu_spinwait();
	}
	return false;
}

/*
 * Wait until the word has none of the bits of `busy`, then add `take` to it.
 * `wait` is one unit of the count of such waiters (I2).
 */
static __noinline void
rw_lock_slow(struct rwlock *rw, uint64_t busy, uint64_t take, uint64_t wait,
    const void *chan, const void *site)
{
	bool counted = false, spun = false;
	uint64_t w;

	if (atomic_load_relaxed(&rw->rw_owner) == curthread && panicking == 0)
		rw_recursed(rw, site);
	for (;;) {
		w = atomic_load(&rw->rw_word);
		if ((w & busy) == 0) {
			if (atomic_fcmpset(&rw->rw_word, &w,
			    w + take - (counted ? wait : 0)))
				return;
		} else if (!spun) {
			spun = !rw_spin(rw, busy);
		} else if (!counted) {
			counted = atomic_fcmpset(&rw->rw_word, &w, w + wait);
		} else {
			sleepq_lock(chan);
			if ((atomic_load(&rw->rw_word) & busy) == 0)
				sleepq_release(chan);
			else
				(void)sleepq_wait(chan, PLOCK, rw->rw_name, 0);
		}
	}
}

static inline void
rw_wlocked(struct rwlock *rw, const void *site)
{
	atomic_store_relaxed(&rw->rw_owner, curthread);	/* read by us, hints */
	rw->rw_site = site;
}

void
rw_wlock(struct rwlock *rw)
{
	const void *site = __builtin_return_address(0);
	uint64_t w = 0;

	lockdep_acquire(rw, rw->rw_name, rw->rw_rank, rw_ldflags(rw), site);
	if (__predict_false(!atomic_fcmpset(&rw->rw_word, &w, RW_WRITER)))
		rw_lock_slow(rw, RW_WRITER | RW_READERS, RW_WRITER, RW_WWAIT,
		    rw_wchan(rw), site);
	rw_wlocked(rw, site);
}

void
rw_rlock(struct rwlock *rw)
{
	const void *site = __builtin_return_address(0);
	uint64_t w = atomic_load_relaxed(&rw->rw_word);	/* the cmpset checks */

	lockdep_acquire(rw, rw->rw_name, rw->rw_rank, rw_ldflags(rw) | LH_READ,
	    site);
	if (__predict_false((w & (RW_WRITER | RW_WWAITS)) != 0 ||
	    !atomic_fcmpset(&rw->rw_word, &w, w + RW_READER)))
		rw_lock_slow(rw, RW_WRITER | RW_WWAITS, RW_READER, RW_RWAIT,
		    rw_rchan(rw), site);
}

bool
rw_try_wlock(struct rwlock *rw)
{
	const void *site = __builtin_return_address(0);
	uint64_t w = atomic_load_relaxed(&rw->rw_word);	/* the cmpset checks */

	do {
		if ((w & (RW_WRITER | RW_READERS)) != 0)
			return false;
	} while (!atomic_fcmpset(&rw->rw_word, &w, w + RW_WRITER));
	lockdep_acquire(rw, rw->rw_name, rw->rw_rank, rw_ldflags(rw) | LH_TRY,
	    site);
	rw_wlocked(rw, site);
	return true;
}

bool
rw_try_rlock(struct rwlock *rw)
{
	uint64_t w = atomic_load_relaxed(&rw->rw_word);	/* the cmpset checks */

	do {
		if ((w & (RW_WRITER | RW_WWAITS)) != 0)
			return false;
	} while (!atomic_fcmpset(&rw->rw_word, &w, w + RW_READER));
	lockdep_acquire(rw, rw->rw_name, rw->rw_rank,
	    rw_ldflags(rw) | LH_READ | LH_TRY, __builtin_return_address(0));
	return true;
}

bool
rw_try_upgrade(struct rwlock *rw)
{
	uint64_t w = atomic_load_relaxed(&rw->rw_word);	/* the cmpset checks */

	do {
		KASSERT((w & RW_READERS) != 0, "rwlock %s upgraded but not "
		    "read-held: word %lx", rw->rw_name, w);
		if ((w & RW_READERS) != RW_READER)
			return false;
	} while (!atomic_fcmpset(&rw->rw_word, &w,
	    w - RW_READER + RW_WRITER));
	lockdep_downgrade(rw, false);
	rw_wlocked(rw, __builtin_return_address(0));
	return true;
}

/* After the word changed to w without its writer: I3. */
static inline void
rw_wake(const struct rwlock *rw, uint64_t w)
{
	if (__predict_true((w & (RW_WWAITS | RW_RWAITS)) == 0))
		return;
	if ((w & RW_WWAITS) == 0)
		wakeup(rw_rchan(rw));
	else if ((w & RW_READERS) == 0)
		wakeup_one(rw_wchan(rw));
}

void
rw_downgrade(struct rwlock *rw)
{
	uint64_t w;

	KASSERT(rw_wowned(rw), "rwlock %s downgraded, but the writer is %p",
	    rw->rw_name, (void *)rw->rw_owner);
	lockdep_downgrade(rw, true);
	atomic_store_relaxed(&rw->rw_owner, NULL);	/* hint to others */
	w = atomic_fetchadd(&rw->rw_word, RW_READER - RW_WRITER);
	rw_wake(rw, w + RW_READER - RW_WRITER);
}

void
rw_wunlock(struct rwlock *rw)
{
	uint64_t w;

	KASSERT(rw_wowned(rw) || panicking != 0,
	    "rwlock %s (%p) unlocked, but its writer is %p, at %p",
	    rw->rw_name, (void *)rw, (void *)rw->rw_owner, rw->rw_site);
	lockdep_release(rw);
	atomic_store_relaxed(&rw->rw_owner, NULL);	/* hint to others */
	w = atomic_fetchadd(&rw->rw_word, -RW_WRITER);
	rw_wake(rw, w - RW_WRITER);
}

void
rw_runlock(struct rwlock *rw)
{
	uint64_t w;

	KASSERT((atomic_load_relaxed(&rw->rw_word) & RW_READERS) != 0 ||
	    panicking != 0, "rwlock %s (%p) read-unlocked, but not read-held: "
	    "word %lx", rw->rw_name, (void *)rw, rw->rw_word);
	lockdep_release(rw);
	w = atomic_fetchadd(&rw->rw_word, -RW_READER) - RW_READER;
	if (__predict_false((w & RW_READERS) == 0 && (w & RW_WWAITS) != 0))
		wakeup_one(rw_wchan(rw));
}

void
rw_unlock(struct rwlock *rw)
{
	if (rw_wowned(rw))
		rw_wunlock(rw);
	else
		rw_runlock(rw);
}

bool
rw_wowned(const struct rwlock *rw)
{
	return atomic_load_relaxed(&rw->rw_owner) == curthread;
}

bool
rw_held(const struct rwlock *rw)
{
	return rw_wowned(rw) ||
	    (atomic_load_relaxed(&rw->rw_word) & RW_READERS) != 0;
}
