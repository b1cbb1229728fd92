/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.h: the two lock kinds that exclude: spinlock and rwlock.  The other two
 * kinds of waiting are page busy (vm_page.h) and the sleep queue (sleepq.h).
 *
 * Every lock has a name, a rank from lockorder.h, its holder and the site that
 * acquired it.  lockdep (DEBUG >= 1) checks the ranks.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <sys/lockorder.h>

struct thread;

/*
 * Spinlock.  While one is held the thread is not preempted and must not sleep.
 * With LK_INTR the lock is also taken in interrupt context: interrupts stay
 * off on this CPU from the first LK_INTR lock to the last (a per-CPU depth, so
 * the order of unlocks does not matter).  Waiting polls the CPU's shootdown
 * slot (md_spin_poll), so a TLB shootdown cannot deadlock with a spinner.
 */
#define LK_INTR		0x1	/* taken in interrupt context too */
#define LK_DUPOK	0x2	/* two of this class at once (say why at init) */

struct __lockable spinlock {
	uint32_t	 sl_word;	/* [a] 0 free, else owner's cpu + 1 */
	uint16_t	 sl_rank;	/* [c] enum lock_rank */
	uint16_t	 sl_flags;	/* [c] LK_* */
	const char	*sl_name;	/* [c] */
	const void	*sl_site;	/* [owner] return address of the acquirer */
};

#define SPINLOCK_INITIALIZER(name, rank, flags)				\
	{ 0, (rank), (flags), (name), NULL }

void	spin_init(struct spinlock *l, const char *name, enum lock_rank rank,
	    unsigned flags);
void	spin_lock(struct spinlock *l) __acquires(*l);
bool	spin_trylock(struct spinlock *l) __tries(true, *l);
void	spin_unlock(struct spinlock *l) __releases(*l);
bool	spin_owned(const struct spinlock *l);	/* by this CPU */
/* spin_handoff: sched.c only: lockdep forgets l, which the next thread on this
 * CPU will unlock; spin_unlock_handed is its unlock, with interrupts left off
 * and the depth and preemption counts untouched. */
void	spin_handoff(struct spinlock *l) __no_lock_analysis;
void	spin_unlock_handed(struct spinlock *l) __no_lock_analysis;

/*
 * rwlock: sleeping read/write lock with an owner.  Writers are preferred;
 * a reader must not take the same lock for reading again.  Held across any
 * sleep unless the code drops it visibly.
 */
struct __lockable rwlock {
	uint64_t	 rw_word;	/* [a] see rwlock.c */
	struct thread	*rw_owner;	/* [a] write owner, for diagnosis too */
	const void	*rw_site;	/* [h] last write acquirer */
	const char	*rw_name;	/* [c] */
	uint16_t	 rw_rank;	/* [c] */
	uint16_t	 rw_flags;	/* [c] LK_DUPOK */
};

/*
 * => Sleeps: rw_wlock and rw_rlock, for the lock only.  The _try forms never.
 * => rw_destroy asserts that nobody holds or waits.
 */
void	rw_init(struct rwlock *rw, const char *name, enum lock_rank rank,
	    unsigned flags);
void	rw_destroy(struct rwlock *rw);
void	rw_wlock(struct rwlock *rw) __acquires(*rw);
void	rw_rlock(struct rwlock *rw) __acquires_shared(*rw);
bool	rw_try_wlock(struct rwlock *rw) __tries(true, *rw);
bool	rw_try_rlock(struct rwlock *rw) __tries_shared(true, *rw);
/* rw_try_upgrade: the sole reader becomes the writer; false: still a reader. */
bool	rw_try_upgrade(struct rwlock *rw) __no_lock_analysis;
void	rw_downgrade(struct rwlock *rw) __no_lock_analysis;
void	rw_wunlock(struct rwlock *rw) __releases(*rw);
void	rw_runlock(struct rwlock *rw) __releases_shared(*rw);
/* rw_unlock: whichever way this thread holds it. */
void	rw_unlock(struct rwlock *rw) __no_lock_analysis;
bool	rw_wowned(const struct rwlock *rw);	/* write-held by this thread */
bool	rw_held(const struct rwlock *rw);	/* write-held by us, or read-held by anybody */
