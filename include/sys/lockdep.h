/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockdep.h: the lock-order checker's hooks.  Called by the lock
 * implementations (both kernel and host), by page busy and by the sleep queue;
 * nothing else calls them but the printers.
 */
#pragma once

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
};
#define LH_SPIN		0x1
#define LH_READ		0x2
#define LH_BUSY		0x4
#define LH_TRY		0x8	/* taken by a try: no order claimed */
#define LH_DUPOK	0x10

void	lockdep_acquire(const void *lock, const char *name, unsigned rank,
	    unsigned flags, const void *site);
void	lockdep_release(const void *lock);
/* lockdep_sleep: about to sleep on wmesg; only the interlock (may be NULL) may
 * be dropped by the sleep; reports spinlocks held. */
void	lockdep_sleep(const char *wmesg, const void *interlock);
/* lockdep_none: panics unless the thread holds nothing; at return to user. */
void	lockdep_none(const char *where);
/* lockdep_depth: locks this thread holds now (for entry = exit checks). */
unsigned lockdep_depth(void);
/* lockdep_chain_ok: rank 40 twice: is `inner` allowed under `outer`?  Set by
 * vm/ at start-up (front object before its backing object). */
void	lockdep_set_chain_rule(bool (*ok)(const void *outer,
	    const void *inner));
void	lockdep_print(const struct thread *td,
	    void (*pr)(const char *fmt, ...) __printflike(1, 2));
unsigned lockdep_reports(void);	/* reversals reported since boot */
