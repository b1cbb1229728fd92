/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockdep.c: the lock-order checker.
 *
 * Orders are not learnt: include/sys/lockorder.h is the order, and each
 * acquisition is checked against what the thread holds at that moment, so a
 * reversal is found the first time its code runs, without the race.  The rules
 * L1-L4 are in lockdep.h.  It does not know which lock a thread waits for.
 *
 * I1 A list of held locks is written by its thread (or, in interrupt context,
 *    by its CPU) only, so it needs no lock.
 * I2 Each pair of lock names is reported once for each rule.
 *
 * Locks: none; the report goes through kprintf unless this CPU holds the
 * console.  Also compiled for the host.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/ksyms.h>
#include <sys/lockdep.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/thread.h>

BOOT_OPTION(lockdep, "lockdep", "lock order violations: off, report or panic");

#define LOCKDEP_MAXPAIRS	64
#define LOCKDEP_BUSYROOM	10	/* entries that page busy may fill */

/* [t] of its CPU in interrupt context (I1). */
struct lockdep_cpu {
	unsigned		n;
	struct lockdep_held	held[LOCKDEP_MAXHELD];
	bool			reporting;
} __attribute__((__aligned__(CACHE_LINE)));

/* [a] claimed slot by slot, never freed. */
struct lockdep_pair {
	const char	*held;
	const char	*wanted;
	unsigned	 rule;
};

static enum lockdep_mode lockdep_mode = LOCKDEP_REPORT;	/* [c] after boot */
static bool	(*chain_ok)(const void *, const void *);	/* [c] */
static unsigned	nreports;		/* [a] */
static int	expecting;		/* [a] */
static unsigned	nexpected;		/* [a] */

void
lockdep_init(void)
{
	const char *s = bootopt_str("lockdep");

	if (s == NULL) {
		if (bootopt_str("ktest") != NULL)
			lockdep_mode = LOCKDEP_PANIC;
	} else if (strcmp(s, "panic") == 0) {
		lockdep_mode = LOCKDEP_PANIC;
	} else if (strcmp(s, "off") == 0) {
		lockdep_mode = LOCKDEP_OFF;
	} else if (strcmp(s, "report") != 0) {
		kprintf("lockdep=%s: not off, report or panic\n", s);
	}
}

enum lockdep_mode
lockdep_set_mode(enum lockdep_mode mode)
{
	enum lockdep_mode was = lockdep_mode;

	lockdep_mode = mode;
	return was;
}

void
lockdep_set_chain_rule(bool (*ok)(const void *outer, const void *inner))
{
	chain_ok = ok;
}

unsigned
lockdep_reports(void)
{
	return atomic_load(&nreports);
}

unsigned
lockdep_expect(bool on)
{
	if (on)
		atomic_store(&nexpected, 0);
	atomic_store(&expecting, on);
	return atomic_load(&nexpected);
}

static void
lockdep_site(char *buf, size_t size, const void *site)
{
	struct ksym ks;

	if (ksyms_lookup((uint64_t)site - 1, &ks))
		ksnprintf(buf, size, "%s+0x%lx (%s:%u)", ks.func,
		    ks.offset + 1, ks.file, ks.line);
	else
		ksnprintf(buf, size, "%p", site);
}

void
lockdep_print(const struct thread *td,
    void (*pr)(const char *fmt, ...) __printflike(1, 2))
{
	const struct lockdep_held *h;
	char site[96];
	unsigned i;

	for (i = 0; i < td->td_nheld && i < LOCKDEP_MAXHELD; i++) {
		h = &td->td_held[i];
		lockdep_site(site, sizeof(site), h->lh_site);
		pr("  %s%s %s %p rank %u, from %s\n",
		    h->lh_flags & LH_BUSY ? "page" :
		    h->lh_flags & LH_SPIN ? "spinlock" : "rwlock",
		    h->lh_flags & LH_READ ? " (read)" : "", h->lh_name,
		    h->lh_lock, h->lh_rank, site);
	}
}

#if DEBUG >= 1
static struct lockdep_cpu lockdep_cpu[MAXCPU];
static struct lockdep_pair lockdep_pairs[LOCKDEP_MAXPAIRS];

static const char *const lockdep_rule[] = {
	[1] = "lock order reversal",
	[2] = "map lock wanted with a busy page",
	[3] = "sleeping lock wanted with a spinlock held",
	[4] = "lock taken in interrupt context, but not LK_INTR",
	[5] = "sleep with a spinlock held",
	[6] = "sleep with an object lock held",
};

/* True the first time: I2. */
static bool
lockdep_first(const char *held, const char *wanted, unsigned rule)
{
	struct lockdep_pair *p;
	const char *free;

	for (p = lockdep_pairs; p < &lockdep_pairs[LOCKDEP_MAXPAIRS]; p++) {
		free = NULL;
		if (atomic_fcmpset(&p->held, &free, held)) {
			p->wanted = wanted;
			p->rule = rule;
			return true;
		}
		if (free == held && p->wanted == wanted && p->rule == rule)
			return false;
	}
	return false;
}

static void
lockdep_tell(unsigned rule, const struct lockdep_held *h, const char *heldname,
    const char *wanted, unsigned rank, const void *site)
{
	bool expected = atomic_load(&expecting);
	char at[96], from[96] = "an interrupt";

	lockdep_site(at, sizeof(at), site);
	if (h != NULL)
		lockdep_site(from, sizeof(from), h->lh_site);
	if (lockdep_mode == LOCKDEP_PANIC && !expected)
		panic("lockdep: L%u %s: %s (rank %u) at %s, holding %s "
		    "(rank %u) from %s", rule, lockdep_rule[rule], wanted,
		    rank, at, heldname, h != NULL ? h->lh_rank : 0, from);
	if (!kprintf_locked()) {
		kprintf("lockdep: L%u %s%s\n"
		    "  %s (rank %u) at %s\n"
		    "  while %s holds %s (rank %u) from %s\n",
		    rule, lockdep_rule[rule],
		    expected ? " (expected)" : "", wanted, rank,
		    at, curthread->td_name, heldname,
		    h != NULL ? h->lh_rank : 0, from);
		if (!expected) {
			lockdep_print(curthread, kprintf);
			backtrace((uint64_t)__builtin_return_address(0),
			    *(const uint64_t *)__builtin_frame_address(0),
			    kprintf);
		}
	}
}

static __noinline void
lockdep_report(unsigned rule, const struct lockdep_held *h, const char *wanted,
    unsigned rank, const void *site)
{
	const char *heldname = h != NULL ? h->lh_name : "interrupt";
	struct lockdep_cpu *lc;

	critical_enter();		/* the report stays on one CPU */
	lc = &lockdep_cpu[curcpu];
	if (lockdep_mode == LOCKDEP_OFF || panicking != 0 || lc->reporting ||
	    !lockdep_first(heldname, wanted, rule)) {
		critical_exit();
		return;
	}
	lc->reporting = true;
	atomic_add(atomic_load(&expecting) ? &nexpected : &nreports, 1);
	lockdep_tell(rule, h, heldname, wanted, rank, site);
	lc->reporting = false;
	critical_exit();
}

/* The list that the code running now writes to (I1). */
static inline struct lockdep_held *
lockdep_list(unsigned **n)
{
	if (__predict_false(cpu_intr_depth() > 0)) {
		*n = &lockdep_cpu[curcpu].n;
		return lockdep_cpu[curcpu].held;
	}
	*n = &curthread->td_nheld;
	return curthread->td_held;
}

/* L1 and L2 for one held lock that the quick test did not clear. */
static unsigned
lockdep_order(const struct lockdep_held *h, unsigned rank, unsigned flags)
{
	if (h->lh_rank == LO_NONE || rank == LO_NONE)
		return 0;
	if (h->lh_flags & LH_BUSY)
		return rank <= LO_MAP ? 2 : 0;
	if (h->lh_rank < rank)
		return 0;
	if (h->lh_rank > rank)
		return 1;
	return (flags | h->lh_flags) & LH_DUPOK ? 0 : 1;
}

/* True when some held object has `lock` as its backing object. */
static bool
lockdep_chained(const struct lockdep_held *held, unsigned n, const void *lock)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (held[i].lh_rank == LO_OBJECT && chain_ok != NULL &&
		    chain_ok(held[i].lh_lock, lock))
			return true;
	}
	return false;
}

static inline void
lockdep_check(const struct lockdep_held *held, unsigned n, const void *lock,
    const char *name, unsigned rank, unsigned flags, const void *site)
{
	const struct lockdep_held *h, *spin = NULL;
	unsigned rule;

	for (h = held; h < held + n; h++) {
		if (h->lh_flags & LH_SPIN)
			spin = h;
		if (h->lh_rank < rank && (h->lh_flags & LH_BUSY) == 0)
			continue;
		rule = lockdep_order(h, rank, flags);
		if (rule == 1 && h->lh_rank == rank && rank == LO_OBJECT &&
		    lockdep_chained(held, n, lock))
			rule = 0;
		if (__predict_false(rule != 0))
			lockdep_report(rule, h, name, rank, site);
	}
	if (__predict_false(spin != NULL && (flags & (LH_SPIN | LH_BUSY)) == 0))
		lockdep_report(3, spin, name, rank, site);
}

/* A lock that may only be followed by a look at each held one: L3 concerns a
 * spinlock of no rank, whose number says nothing. */
static inline uint16_t
lockdep_max(const struct lockdep_held *held, unsigned n)
{
	const struct lockdep_held *h = &held[n];
	unsigned own = h->lh_rank;

	if (__predict_false(own == LO_NONE && (h->lh_flags & LH_SPIN)))
		own = LOCKDEP_NOMAX;
	return (uint16_t)(n > 0 && held[n - 1].lh_max > own ?
	    held[n - 1].lh_max : own);
}

static inline void
lockdep_push(struct lockdep_held *held, unsigned *np, const void *lock,
    const char *name, unsigned rank, unsigned flags, const void *site)
{
	struct lockdep_held *h = &held[*np];

	h->lh_lock = lock;
	h->lh_name = name;
	h->lh_site = site;
	h->lh_rank = (uint16_t)rank;
	h->lh_flags = (uint16_t)flags;
	(*np)++;
}

static __noinline void
lockdep_acquire_slow(const void *lock, const char *name, unsigned rank,
    unsigned flags, const void *site)
{
	struct lockdep_held *held;
	unsigned *np;

	held = lockdep_list(&np);
	if ((flags & LH_TRY) == 0) {
		lockdep_check(held, *np, lock, name, rank, flags, site);
		if (cpu_intr_depth() > 0 && (flags & LH_INTR) == 0)
			lockdep_report(4, NULL, name, rank, site);
	}
	/* A thread may have very many pages busy: follow the first ones. */
	if ((flags & LH_BUSY) && *np >= LOCKDEP_BUSYROOM)
		return;
	if (*np >= LOCKDEP_MAXHELD) {
		if (panicking == 0)
			panic("more than %u locks held when %s is taken",
			    LOCKDEP_MAXHELD, name);
		return;
	}
	lockdep_push(held, np, lock, name, rank, flags, site);
	held[*np - 1].lh_max = lockdep_max(held, *np - 1);
}

void
lockdep_acquire(const void *lock, const char *name, unsigned rank,
    unsigned flags, const void *site)
{
	struct thread *td = curthread;
	unsigned n = td->td_nheld;

	/* Simple: in a thread, above all that is held, and there is room. */
	if (__predict_true(cpu_intr_depth() == 0 && n < LOCKDEP_BUSYROOM &&
	    rank > (n > 0 ? td->td_held[n - 1].lh_max : LO_NONE))) {
		lockdep_push(td->td_held, &td->td_nheld, lock, name, rank,
		    flags, site);
		td->td_held[n].lh_max = (uint16_t)rank;
	} else {
		lockdep_acquire_slow(lock, name, rank, flags, site);
	}
}

static __noinline void
lockdep_release_slow(const void *lock)
{
	struct lockdep_held *held;
	unsigned i, n, *np;

	held = lockdep_list(&np);
	n = *np;
	for (i = n; i-- > 0;) {
		if (held[i].lh_lock != lock)
			continue;
		for (; i + 1 < n; i++) {
			held[i] = held[i + 1];
			held[i].lh_max = lockdep_max(held, i);
		}
		*np = n - 1;
		return;
	}
	/* Not found: a page whose busy changed hands, or one not followed. */
}

void
lockdep_release(const void *lock)
{
	struct thread *td = curthread;
	unsigned n = td->td_nheld;

	if (__predict_true(cpu_intr_depth() == 0 && n > 0 &&
	    td->td_held[n - 1].lh_lock == lock))
		td->td_nheld = n - 1;
	else
		lockdep_release_slow(lock);
}

void
lockdep_downgrade(const void *lock, bool read)
{
	struct lockdep_held *held;
	unsigned i, *n;

	held = lockdep_list(&n);
	for (i = *n; i-- > 0;) {
		if (held[i].lh_lock != lock)
			continue;
		held[i].lh_flags = (uint16_t)((held[i].lh_flags & ~LH_READ) |
		    (read ? LH_READ : 0));
		return;
	}
}

void
lockdep_sleep(const char *wmesg, const void *interlock)
{
	const struct thread *td = curthread;
	const struct lockdep_held *h;

	for (h = td->td_held; h < td->td_held + td->td_nheld; h++) {
		if (h->lh_lock == interlock)
			continue;
		if (h->lh_flags & LH_SPIN)
			lockdep_report(5, h, wmesg, 0,
			    __builtin_return_address(0));
		else if (h->lh_rank == LO_OBJECT)
			lockdep_report(6, h, wmesg, 0,
			    __builtin_return_address(0));
	}
}

void
lockdep_none(const char *where)
{
	const struct thread *td = curthread;
	char site[96];

	if (__predict_true(td->td_nheld == 0) || panicking != 0)
		return;
	lockdep_site(site, sizeof(site), td->td_held[0].lh_site);
	panic("%s: %s still holds %u locks, the first is %s from %s", where,
	    td->td_name, td->td_nheld, td->td_held[0].lh_name, site);
}

unsigned
lockdep_depth(void)
{
	return curthread->td_nheld;
}
#endif
