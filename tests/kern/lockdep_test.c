/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockdep_test.c: is each rule of lockdep.h noticed, once a pair?
 */
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/callout.h>
#include <sys/ktest.h>
#include <sys/lock.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/sleepq.h>
#include <sys/thread.h>

#define NEED_LOCKDEP(t)	do {						\
	if (DEBUG < 1)							\
		KT_SKIP(t, "lockdep is compiled out");			\
} while (0)

static struct spinlock	low = SPINLOCK_INITIALIZER("kt_low", LO_OBJLIST, 0);
static struct spinlock	high = SPINLOCK_INITIALIZER("kt_high", LO_PAGEQ, 0);
static struct spinlock	dup1 = SPINLOCK_INITIALIZER("kt_dup", LO_PAGEQ,
			    LK_DUPOK);
static struct spinlock	nointr = SPINLOCK_INITIALIZER("kt_nointr", LO_OBJLIST,
			    0);

static void
take_reversed(void)
{
	spin_lock(&high);
	spin_lock(&low);
	spin_unlock(&high);
	spin_unlock(&low);
}

KTEST(lockdep, reversal_once)
{
	unsigned before = lockdep_reports(), first, second;

	NEED_LOCKDEP(t);
	(void)lockdep_expect(true);
	take_reversed();
	first = lockdep_expect(false);
	(void)lockdep_expect(true);
	take_reversed();
	second = lockdep_expect(false);
	KT_CHECK(t, first == 1 && second == 0, "%u reports, then %u", first,
	    second);
	KT_CHECK(t, lockdep_reports() == before, "%u, before %u",
	    lockdep_reports(), before);
}

/* The right order, a try in the wrong one, and DUPOK are no reversals. */
KTEST(lockdep, good_orders)
{
	unsigned n;

	NEED_LOCKDEP(t);
	(void)lockdep_expect(true);
	spin_lock(&low);
	spin_lock(&high);
	spin_lock(&dup1);
	KT_CHECK(t, lockdep_depth() == 3, "depth %u", lockdep_depth());
	spin_unlock(&low);
	spin_unlock(&dup1);
	if (spin_trylock(&low))
		spin_unlock(&low);
	spin_unlock(&high);
	n = lockdep_expect(false);
	KT_CHECK(t, n == 0 && lockdep_depth() == 0, "%u reports, depth %u", n,
	    lockdep_depth());
}

KTEST(lockdep, sleep_with_spinlock)
{
	unsigned n;

	NEED_LOCKDEP(t);
	(void)lockdep_expect(true);
	spin_lock(&low);
	lockdep_sleep("ktest", NULL);
	lockdep_sleep("ktest", NULL);
	spin_unlock(&low);
	n = lockdep_expect(false);
	KT_CHECK(t, n == 1, "%u reports", n);
}

KTEST(lockdep, rwlock_under_spinlock)
{
	struct rwlock rw;
	unsigned n;

	NEED_LOCKDEP(t);
	rw_init(&rw, "kt_rwspin", LO_NONE, 0);
	(void)lockdep_expect(true);
	spin_lock(&low);
	rw_rlock(&rw);
	rw_runlock(&rw);
	spin_unlock(&low);
	n = lockdep_expect(false);
	KT_CHECK(t, n == 1, "%u reports", n);
	rw_destroy(&rw);
}

/* A busy page forbids the map, not the object (L2). */
KTEST(lockdep, busy_page)
{
	struct rwlock map, object;
	unsigned n1, n2;
	int page;

	NEED_LOCKDEP(t);
	rw_init(&map, "kt_map", LO_MAP, 0);
	rw_init(&object, "kt_object", LO_OBJECT, 0);
	(void)lockdep_expect(true);
	lockdep_acquire(&page, "kt_page", LO_BUSY, LH_BUSY | LH_TRY, &page);
	rw_wlock(&object);
	rw_wunlock(&object);
	n1 = lockdep_expect(false);
	(void)lockdep_expect(true);
	rw_rlock(&map);
	rw_runlock(&map);
	lockdep_release(&page);
	n2 = lockdep_expect(false);
	KT_CHECK(t, n1 == 0 && n2 == 1, "%u with the object, %u with the map",
	    n1, n2);
	rw_destroy(&map);
	rw_destroy(&object);
}

static void
take_in_interrupt(void *arg)
{
	spin_lock(&nointr);
	spin_unlock(&nointr);
	atomic_store((int *)arg, 1);
}

KTEST(lockdep, interrupt_context)
{
	struct callout c;
	int done = 0;
	unsigned n;

	NEED_LOCKDEP(t);
	(void)lockdep_expect(true);
	callout_init(&c);
	callout_reset(&c, md_uptime(), take_in_interrupt, &done);
	while (atomic_load(&done) == 0)
		(void)tsleep(&done, 0, "ktwait", NSEC_PER_MSEC);
	callout_drain(&c);
	n = lockdep_expect(false);
	KT_CHECK(t, n == 1, "%u reports", n);
}
