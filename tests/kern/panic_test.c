/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic_test.c: each way to end in a panic, for one boot each (ktest= with the
 * exact name): does the report come out whole, with the exit code of its kind?  Traps
 * and stack overflow are in trap_test.c.
 */
#include <lib/assert.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/lock.h>
#include <sys/lockdep.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>

#include "kt_group.h"

static struct spinlock	low = SPINLOCK_INITIALIZER("kt_low", LO_OBJLIST, 0);
static struct spinlock	high = SPINLOCK_INITIALIZER("kt_high", LO_PAGEQ, 0);
static struct kt_group	group;

/* EXIT_PANIC; the report shows both locks. */
KTEST_FLAGS(panic, kassert, KTEST_PANIC)
{
	spin_lock(&low);
	spin_lock(&high);
	KASSERT(t->failed, "a test must fail here: %d is not %d", 1, 2);
	panic("DEBUG=0: %s", t->name);
}

/* EXIT_NOINIT: panic_exit keeps its code. */
KTEST_FLAGS(panic, exit_code, KTEST_PANIC)
{
	panic_exit(EXIT_NOINIT, "%s", t->name);
}

/* EXIT_PANIC, and the names of both locks in the first line. */
KTEST_FLAGS(panic, lockdep, KTEST_PANIC)
{
	(void)t;
	lockdep_set_mode(LOCKDEP_PANIC);
	spin_lock(&high);
	spin_lock(&low);
}

/* EXIT_PANIC: the holder of a lock takes it again. */
KTEST_FLAGS(panic, deadlock, KTEST_PANIC)
{
	(void)t;
	lockdep_set_mode(LOCKDEP_OFF);
	spin_lock(&low);
	spin_lock(&low);
}

static void
panic_worker(struct kt_thread *kt)
{
	panic("thread %u of %u", kt->index, kt->group->nthreads);
}

/* EXIT_PANIC: all CPUs panic at once; one report comes out. */
KTEST_FLAGS(panic, everywhere, KTEST_PANIC)
{
	(void)kt_group_run(&group, t, 2 * (unsigned)mp_ncpus, panic_worker,
	    NULL);
}
