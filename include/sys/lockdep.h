/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockdep.h: the lock-order checker's hooks.  Called by the lock
 * implementations (both kernel and host), by page busy and by the sleep queue;
 * nothing else calls them but the printers.
 */
#pragma once

#include <lib/assert.h>
#include <lib/cdefs.h>
#include <lib/types.h>
#include <sys/lockorder.h>

struct thread;

#define LOCKDEP_MAXHELD	16

/* One held lock, kept in struct thread. */
struct lockdep_held {
	const void	*lh_lock;	/* the lock; page busy: the page */
	const char	*lh_name;
	const void	*lh_site;	/* return address of the acquirer */
	uint16_t	 lh_rank;
	uint16_t	 lh_flags;	/* LH_* */
	uint16_t	 lh_max;	/* largest rank of this and those below;
					 * LOCKDEP_NOMAX: look at each */
};
#define LOCKDEP_NOMAX	0xffff

#define LH_SPIN		0x1
#define LH_READ		0x2
#define LH_BUSY		0x4
#define LH_TRY		0x8	/* taken by a try: no order claimed */
#define LH_LK_SHIFT	4	/* from here on LK_* of lock.h */
#define LH_INTR		0x10	/* taken in interrupt context too */
#define LH_DUPOK	0x20

/* What lockdep does with a violation: option lockdep=off|report|panic. */
enum lockdep_mode { LOCKDEP_OFF, LOCKDEP_REPORT, LOCKDEP_PANIC };

/*
 * The rules, checked at lockdep_acquire unless LH_TRY:
 *	L1 a lock of rank r needs every held lock to have a rank below r.  Equal
 *	   ranks: when one of the two is LH_DUPOK, or, for LO_OBJECT, when the
 *	   chain rule allows it.  LO_NONE is in no order.
 *	L2 a held page busy (rank LO_BUSY) forbids LO_MAP and all above it in
 *	   the table; objects may be locked: nobody waits for a busy page with
 *	   an object locked.
 *	L3 a sleeping lock is not waited for with a spinlock held.
 *	L4 interrupt context takes LH_INTR spinlocks only.
 * A thread and the interrupts on top of it have separate lists: what the
 * thread holds is no outer lock of the handler, because a handler waits only
 * for LH_INTR locks, which nobody holds with interrupts on.
 */
#if DEBUG >= 1
void	lockdep_acquire(const void *lock, const char *name, unsigned rank,
	    unsigned flags, const void *site);
void	lockdep_release(const void *lock);
/* lockdep_downgrade: the write lock is now held for reading, or the reverse. */
void	lockdep_downgrade(const void *lock, bool read);
/* lockdep_sleep: about to sleep on wmesg (not for a lock: that is checked by
 * lockdep_acquire); only the interlock (may be NULL) is dropped by the sleep.
 * Reports spinlocks and object locks held. */
void	lockdep_sleep(const char *wmesg, const void *interlock);
/* lockdep_none: panics unless the thread holds nothing; at return to user. */
void	lockdep_none(const char *where);
/* lockdep_depth: locks this thread holds now (for entry = exit checks). */
unsigned lockdep_depth(void);
#else
static inline void
lockdep_acquire(const void *lock, const char *name, unsigned rank,
    unsigned flags, const void *site)
{
	(void)lock, (void)name, (void)rank, (void)flags, (void)site;
}

static inline void
lockdep_release(const void *lock)
{
	(void)lock;
}

static inline void
lockdep_downgrade(const void *lock, bool read)
{
	(void)lock, (void)read;
}

static inline void
lockdep_sleep(const char *wmesg, const void *interlock)
{
	(void)wmesg, (void)interlock;
}

static inline void
lockdep_none(const char *where)
{
	(void)where;
}

static inline unsigned
lockdep_depth(void)
{
	return 0;
}
#endif
/* lockdep_chain_ok: a second lock of rank LO_OBJECT: is `inner` allowed under
 * `outer`, the one of that rank that the thread acquired last?  Set by vm/ at
 * start-up (front object before its backing object).  A page busy that is held
 * does not forbid LO_OBJECT: nobody sleeps for a busy page with an object
 * locked (checked at the sleep), so busy before object cannot deadlock. */
void	lockdep_set_chain_rule(bool (*ok)(const void *outer,
	    const void *inner));
void	lockdep_print(const struct thread *td,
	    void (*pr)(const char *fmt, ...) __printflike(1, 2));
unsigned lockdep_reports(void);	/* violations reported since boot, but for */
unsigned lockdep_expect(bool on); /* those between (true) and (false), which
				 * returns how many there were: for tests */
/* lockdep_set_mode: => Returns: what it was. */
enum lockdep_mode lockdep_set_mode(enum lockdep_mode mode);
void	lockdep_init(void);	/* read the option; until then: report */
