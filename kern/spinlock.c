/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spinlock.c: mutual exclusion by spinning, and preemption off.
 *
 * The lock word names the owning CPU, so that a spinner can say whom it waits
 * for and notices when that is itself.  A spinner that sees one owner for
 * SPIN_LIMIT panics with it and the site that took the lock.  Owners that take
 * turns past an unlucky spinner, on a slow host, are no error.
 *
 * I1 td_critnest > 0 from before the word is taken until after it is free, so
 *    the owner does not lose its CPU.
 * I2 Interrupts are off on a CPU while it holds an LK_INTR lock:
 *    pc_introff_depth counts them (the order of unlocks does not matter), and
 *    pc_introff_flags is the state before the first.
 * I3 A spinner serves TLB shootdowns (md_spin_poll) and nothing else: a
 *    cross-call could take a lock that this CPU already holds.
 *
 * After a panic the panicking CPU is alone; it walks through held locks.  So
 * does the debugger's, which leaves them held.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/lock.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/thread.h>

/* Long enough for a holder whose virtual CPU the host does not run. */
#define SPIN_LIMIT	(20 * NSEC_PER_SEC)
#define SPIN_CHECK	1024		/* polls between looks at the clock */

static inline void
introff_enter(void)
{
	uint64_t flags = intr_disable();
	struct pcpu *pc = pcpu_self();

	if (pc->pc_introff_depth++ == 0)
		pc->pc_introff_flags = flags;
}

static inline void
introff_exit(void)
{
	struct pcpu *pc = pcpu_self();

	KASSERT(pc->pc_introff_depth > 0, "I2: depth %d at unlock on cpu%d",
	    pc->pc_introff_depth, pc->pc_cpuid);
	if (--pc->pc_introff_depth == 0)
		intr_restore(pc->pc_introff_flags);
}

static inline void
crit_enter(struct thread *td)
{
	td->td_critnest++;
	compiler_barrier();
}

/* TRICK: an interrupt between the decrement and the test does the switch
 * itself and clears td_needresched; one after the test sees critnest 0. */
static inline void
crit_exit(struct thread *td)
{
	KASSERT(td->td_critnest > 0, "I1: preemption of %s already on",
	    td->td_name);
	compiler_barrier();
	if (--td->td_critnest == 0 && __predict_false(td->td_needresched))
		sched_resched();
}

void
critical_enter(void)
{
	crit_enter(curthread);
}

void
critical_exit(void)
{
	crit_exit(curthread);
}

void
spin_init(struct spinlock *l, const char *name, enum lock_rank rank,
    unsigned flags)
{
	l->sl_word = 0;
	l->sl_rank = (uint16_t)rank;
	l->sl_flags = (uint16_t)flags;
	l->sl_name = name;
	l->sl_site = NULL;
}

static inline unsigned
spin_ldflags(const struct spinlock *l)
{
	CTASSERT(LK_INTR << LH_LK_SHIFT == LH_INTR &&
	    LK_DUPOK << LH_LK_SHIFT == LH_DUPOK, "lockdep has LK_* shifted");
	return LH_SPIN | (unsigned)l->sl_flags << LH_LK_SHIFT;
}

static inline void
spin_enter(const struct spinlock *l)
{
	if (l->sl_flags & LK_INTR)
		introff_enter();
	crit_enter(curthread);
}

static inline void
spin_leave(const struct spinlock *l, unsigned flags)
{
	(void)l;
	if (flags & LK_INTR)
		introff_exit();
	crit_exit(curthread);
}

static __noinline __noreturn void
spin_stuck(const struct spinlock *l, uint32_t word, const void *site)
{
	panic("spinlock %s (%p) wanted at %p: held by cpu%d for too long, "
	    "taken at %p", l->sl_name, (const void *)l, site, (int)word - 1,
	    l->sl_site);
}

/* Is this CPU alone, in a panic report or the debugger, and must get past any
 * lock? */
static bool
spin_alone(uint32_t me)
{
	return atomic_load_relaxed(&panicking) == (int)me ||
	    atomic_load_relaxed(&debugging) == (int)me;	/* own words only */
}

/* True when the word is ours, or we are alone. */
static bool
spin_try_word(struct spinlock *l, uint32_t me)
{
	uint32_t free = 0;

	return atomic_fcmpset(&l->sl_word, &free, me) ||
	    __predict_false(spin_alone(me));
}

static __noinline void
spin_lock_slow(struct spinlock *l, uint32_t me, const void *site)
{
	nsec_t now, start = 0;
	unsigned polls = 0;
	uint32_t word, owner = 0;

	for (; !spin_try_word(l, me); owner = 0) {
		/* Wait by reading: the line stays shared meanwhile. */
		while ((word = atomic_load_relaxed(&l->sl_word)) != 0) {
			if (spin_alone(me))
				return;
			if (word == me && panicking == 0)
				panic("spinlock %s (%p) taken again at %p by "
				    "its holder, who took it at %p",
				    l->sl_name, (void *)l, site, l->sl_site);
			md_spin_poll();
			cpu_spinwait();
			if (++polls % SPIN_CHECK != 0)
				continue;
			now = md_uptime();
			if (word != owner) {
				owner = word;
				start = now;
			} else if (now - start > SPIN_LIMIT && panicking == 0)
				spin_stuck(l, word, site);
		}
	}
}

void
spin_lock(struct spinlock *l)
{
	const void *site = __builtin_return_address(0);
	uint32_t me, free = 0;

	spin_enter(l);
	lockdep_acquire(l, l->sl_name, l->sl_rank, spin_ldflags(l), site);
	me = (uint32_t)curcpu + 1;
	if (__predict_false(!atomic_fcmpset(&l->sl_word, &free, me)))
		spin_lock_slow(l, me, site);
	l->sl_site = site;
}

bool
spin_trylock(struct spinlock *l)
{
	const void *site = __builtin_return_address(0);

	spin_enter(l);
	if (!spin_try_word(l, (uint32_t)curcpu + 1)) {
		spin_leave(l, l->sl_flags);
		return false;
	}
	lockdep_acquire(l, l->sl_name, l->sl_rank, spin_ldflags(l) | LH_TRY,
	    site);
	l->sl_site = site;
	return true;
}

/* An unlock by a CPU that does not have the lock: right if it had to get past
 * it, then the holder keeps it. */
static __noinline void
spin_unlock_other(struct spinlock *l)
{
	if (!spin_alone((uint32_t)curcpu + 1) && panicking == 0)
		panic("%s: spinlock %s is not ours: word %u on cpu%d, taken "
		    "at %p", __func__, l->sl_name, l->sl_word, curcpu,
		    l->sl_site);
}

void
spin_unlock(struct spinlock *l)
{
	unsigned flags = l->sl_flags;

	lockdep_release(l);
	/* The lock may be gone once the word is 0: flags were read before. */
	if (__predict_true(l->sl_word == (uint32_t)curcpu + 1))
		atomic_store_rel(&l->sl_word, 0);	/* partner: the cmpset */
	else
		spin_unlock_other(l);
	spin_leave(l, flags);
}

bool
spin_owned(const struct spinlock *l)
{
	/* With preemption on nothing is held, and curcpu would not be stable. */
	return curthread->td_critnest > 0 &&
	    atomic_load_relaxed(&l->sl_word) == (uint32_t)curcpu + 1;
}

void
spin_handoff(struct spinlock *l)
{
	KASSERT(spin_owned(l), "handing over %s, which cpu%u holds",
	    l->sl_name, l->sl_word - 1);
	lockdep_release(l);
}

void
spin_unlock_handed(struct spinlock *l)
{
	KASSERT(l->sl_word == (uint32_t)curcpu + 1 || panicking != 0,
	    "spinlock %s was not handed to cpu%d: word %u", l->sl_name,
	    curcpu, l->sl_word);
	atomic_store_rel(&l->sl_word, 0);	/* partner: the cmpset */
}
