/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_phys.c: free physical memory.
 *
 * Why: single pages come from a cache of the own CPU (no lock, no global
 * counter), caches are filled from and emptied to buddy lists in batches.
 * Which memory there is, and who got some at boot, is vm_phys_seg.c's; what a
 * page is once it is allocated, vm_page.c's.
 *
 * I1: PG_FREE is set exactly on pages of a list block or of a CPU's cache.
 * I2: order != NOORDER exactly on the first page of a block on a list; the
 *     block is naturally aligned and lies in one segment.
 * I3: no two free buddies of one order < MAXORDER are both on the lists.
 * I4: the page count of the lists is vm_phys_nfree.
 *
 * Locks: vm_phys_lock for lists and count.  A cache belongs to its CPU: it is
 * used in a critical section, and pc_busy keeps the cross-call of
 * vm_phys_drain_all, which interrupts, out of a half-made change.
 *
 * Sources: Knuth, TAOCP 1, 2.5 (buddy system); Bonwick and Adams, "Magazines
 * and vmem" (2001), for the per-CPU layer.
 */
#include <vm/vm_phys.h>
#include <lib/atomic.h>
#include <lib/queue.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/lock.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <vm/pmap.h>
#include <vm/vm_page.h>

#include "vm_priv.h"

#define NORDERS		(VM_PHYS_MAXORDER + 1)
#define CACHE_MIN	8	/* pages a CPU may keep, at least and at most */
#define CACHE_MAX	512
#define CACHE_BATCH	64	/* most pages moved under one lock hold */
#define CACHE_SHARE	64	/* all caches together: 1/64 of memory */
#define POISON		0xdbdbdbdbdbdbdbdbUL

/* Which set of lists: allocation prefers memory that everybody can use least. */
enum vm_phys_zone { ZONE_HIGH, ZONE_LOW, ZONE_COUNT };
#define LOW_LIMIT	(1UL << 32)

TAILQ_HEAD(vm_phys_list, vm_page);

/* Pages kept by one CPU, linked by pageq.tqe_next.  [t] this CPU only. */
struct vm_phys_cache {
	struct vm_page	*pc_first;	/* [t] */
	unsigned	 pc_count;	/* [t] r:any, a hint: relaxed stores */
	unsigned	 pc_limit;	/* [t] 0: not yet worked out */
	volatile bool	 pc_busy;	/* [t] being changed */
} __aligned(CACHE_LINE);

static uint64_t			vm_phys_nreserve;		/* [c] */
static struct spinlock		vm_phys_lock =
    SPINLOCK_INITIALIZER("vm_phys", LO_PHYS, 0);
static struct vm_phys_list	vm_phys_free_list[ZONE_COUNT][NORDERS]
    __guarded_by(&vm_phys_lock);			/* [f] */
static uint64_t			vm_phys_nfree;		/* [f] on the lists; r:any,
							 * a hint */
static unsigned			vm_phys_nwaiters;	/* [a] written with [f] */
static struct vm_phys_cache	vm_phys_cache[MAXCPU];

/* Fault injection: off unless fail_at is not 0; read in the fast path. */
static uint64_t			vm_phys_fail_at;	/* [a] */
static uint64_t			vm_phys_fail_seen;	/* [a] */

/*
 * The buddy lists.
 */
static inline __requires(vm_phys_lock) struct vm_phys_list *
vm_phys_list_of(const struct vm_page *m, unsigned order)
{
	return &vm_phys_free_list[m->phys_addr < LOW_LIMIT ? ZONE_LOW :
	    ZONE_HIGH][order];
}

static inline __requires(vm_phys_lock) void
vm_phys_list_insert(struct vm_page *m, unsigned order)
{
	struct vm_phys_list *list = vm_phys_list_of(m, order);

	m->order = (uint8_t)order;
	TAILQ_INSERT_HEAD(list, m, pageq);
}

static inline __requires(vm_phys_lock) void
vm_phys_list_remove(struct vm_page *m)
{
	struct vm_phys_list *list = vm_phys_list_of(m, m->order);

	m->order = VM_PHYS_NOORDER;
	TAILQ_REMOVE(list, m, pageq);
}

/* The smallest block of at least 2^order pages that is on the lists. */
static __requires(vm_phys_lock) struct vm_page *
vm_phys_list_find(unsigned order)
{
	struct vm_page *m;
	unsigned z;

	for (; order < NORDERS; order++)
		for (z = 0; z < ZONE_COUNT; z++) {
			m = TAILQ_FIRST(&vm_phys_free_list[z][order]);
			if (m != NULL)
				return m;
		}
	return NULL;
}

/* Take the 2^order pages at m out of the block head that contains them. */
static __requires(vm_phys_lock) void
vm_phys_carve(struct vm_page *head, struct vm_page *m, unsigned order)
{
	unsigned o = head->order;
	struct vm_page *half;

	KASSERT(head->order < NORDERS && order <= o,
	    "block %p of order %u has no order %u in it", (void *)head, o,
	    order);
	vm_phys_list_remove(head);
	while (o > order) {
		o--;
		half = head + (1UL << o);
		if (m >= half) {
			vm_phys_list_insert(head, o);
			head = half;
		} else {
			vm_phys_list_insert(half, o);
		}
	}
	atomic_store_relaxed(&vm_phys_nfree, vm_phys_nfree - (1UL << order));
}

/* Put a block on the lists and merge it with its free buddies. */
static __requires(vm_phys_lock) void
vm_phys_merge(struct vm_page *m, unsigned order)
{
	const struct vm_phys_seg *seg = &vm_phys_segs[m->segind];
	vm_paddr_t pa = m->phys_addr, bpa;
	struct vm_page *buddy;

	atomic_store_relaxed(&vm_phys_nfree, vm_phys_nfree + (1UL << order));
	for (; order < VM_PHYS_MAXORDER; order++) {
		bpa = pa ^ (PAGE_SIZE << order);
		if (bpa < seg->start || bpa + (PAGE_SIZE << order) > seg->end)
			break;
		buddy = seg->first + atop(bpa - seg->start);
		if (buddy->order != order)
			break;
		vm_phys_list_remove(buddy);
		if (bpa < pa) {
			m = buddy;
			pa = bpa;
		}
	}
	vm_phys_list_insert(m, order);
}

/* Let sleepers try again, once there is something for them. */
static void
vm_phys_wakeup(void)
{
	if (atomic_load(&vm_phys_nwaiters) != 0 &&
	    atomic_load_relaxed(&vm_phys_nfree) > vm_phys_nreserve)
		wakeup(&vm_phys_nfree);
}

/*
 * Per-CPU caches, in a critical section.
 */
static unsigned
vm_phys_cache_limit(void)
{
	uint64_t n = vm_phys_total() / CACHE_SHARE;

	/* Not kept while other CPUs still start: mp_ncpus is not final. */
	n /= mp_ncpus > 0 ? (unsigned)mp_ncpus : 1;
	return (unsigned)MIN(MAX(n, CACHE_MIN), CACHE_MAX);
}

/* A thread that is to die gives back more than it takes on the way. */
static bool
vm_phys_may_reserve(unsigned flags)
{
	return (flags & VM_ALLOC_RESERVE) != 0 ||
	    thread_dying();
}

/*
 * Fill an empty cache with a batch, small blocks first (keeps large ones
 * whole), down to the reserve; a reserved allocation may take one page more.
 */
static __noinline bool
vm_phys_refill(struct vm_phys_cache *pc, unsigned flags)
{
	struct vm_page *head, *m;
	uint64_t want, take;
	unsigned order;

	pc->pc_limit = vm_phys_cache_limit();
	want = MIN(pc->pc_limit / 2, CACHE_BATCH);
	spin_lock(&vm_phys_lock);
	if (vm_phys_nfree <= vm_phys_nreserve)
		want = vm_phys_may_reserve(flags) ? 1 : 0;
	else
		want = MIN(want, vm_phys_nfree - vm_phys_nreserve);
	while (want > 0 && (head = vm_phys_list_find(0)) != NULL) {
		order = head->order;
		while ((1UL << order) > want)
			order--;
		vm_phys_carve(head, head, order);
		take = 1UL << order;
		want -= take;
		for (m = head + take; m-- != head;) {
			m->pageq.tqe_next = pc->pc_first;
			pc->pc_first = m;
		}
		atomic_store_relaxed(&pc->pc_count,
		    pc->pc_count + (unsigned)take);
	}
	spin_unlock(&vm_phys_lock);
	return pc->pc_count != 0;
}

/* Give back the newest pages until keep are left. */
static void
vm_phys_flush(struct vm_phys_cache *pc, unsigned keep)
{
	struct vm_page *m;

	spin_lock(&vm_phys_lock);
	while (pc->pc_count > keep) {
		m = pc->pc_first;
		pc->pc_first = m->pageq.tqe_next;
		atomic_store_relaxed(&pc->pc_count, pc->pc_count - 1);
		vm_phys_merge(m, 0);
	}
	spin_unlock(&vm_phys_lock);
	vm_phys_wakeup();
}

static __noinline void
vm_phys_flush_excess(struct vm_phys_cache *pc)
{
	if (atomic_load_relaxed(&vm_phys_nwaiters) != 0) {
		vm_phys_flush(pc, 0);
		return;
	}
	pc->pc_limit = vm_phys_cache_limit();
	if (pc->pc_count > pc->pc_limit)
		vm_phys_flush(pc, pc->pc_count -
		    MIN(pc->pc_count / 2, CACHE_BATCH));
}

void
vm_phys_drain_caches(void)
{
	struct vm_phys_cache *pc;

	critical_enter();
	pc = &vm_phys_cache[curcpu];
	pc->pc_busy = true;
	compiler_barrier();
	vm_phys_flush(pc, 0);
	compiler_barrier();
	pc->pc_busy = false;
	critical_exit();
}

/* What the other CPUs give up: one chain each, written by its CPU only. */
struct vm_phys_drain {
	struct vm_page	*first[MAXCPU];
};

/* In interrupt context on each CPU, or while it waits for a lock, or (on the
 * caller's) with another such call on top: no lock may be taken here. */
static void
vm_phys_drain_cpu(void *arg)
{
	struct vm_phys_drain *d = arg;
	struct vm_phys_cache *pc = &vm_phys_cache[curcpu];

	if (pc->pc_busy)
		return;
	pc->pc_busy = true;
	compiler_barrier();
	d->first[curcpu] = pc->pc_first;
	pc->pc_first = NULL;
	atomic_store_relaxed(&pc->pc_count, 0);
	compiler_barrier();
	pc->pc_busy = false;
}

void
vm_phys_drain_all(void)
{
	struct vm_phys_drain d;
	struct vm_page *m;
	unsigned cpu;

	memset(&d, 0, sizeof(d));
	smp_rendezvous(all_cpus, vm_phys_drain_cpu, &d);
	spin_lock(&vm_phys_lock);
	for (cpu = 0; cpu < MAXCPU; cpu++)
		while ((m = d.first[cpu]) != NULL) {
			d.first[cpu] = m->pageq.tqe_next;
			vm_phys_merge(m, 0);
		}
	spin_unlock(&vm_phys_lock);
	vm_phys_wakeup();
}

int
vm_phys_wait(const char *wmesg, nsec_t timo)
{
	int error = 0;

	spin_lock(&vm_phys_lock);
	atomic_add(&vm_phys_nwaiters, 1);
	if (vm_phys_nfree <= vm_phys_nreserve)
		error = msleep(&vm_phys_nfree, &vm_phys_lock, 0, wmesg, timo);
	atomic_sub(&vm_phys_nwaiters, 1);
	spin_unlock(&vm_phys_lock);
	return error;
}

/*
 * Contents of free pages (DEBUG >= 2).
 */
static void __no_asan
vm_phys_poison(struct vm_page *m)
{
	uint64_t *p = pmap_page_kva(m);
	unsigned i;

	for (i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		p[i] = POISON;
	m->flags |= PG_POISON;
}

static void __no_asan
vm_phys_poison_check(struct vm_page *m)
{
	const uint64_t *p;
	unsigned i;

	if (DEBUG < 2 || (m->flags & PG_POISON) == 0)
		return;
	p = pmap_page_kva(m);
	for (i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		if (p[i] != POISON)
			panic("vm_phys: free page 0x%lx was written: 0x%lx at "
			    "offset 0x%x", m->phys_addr, p[i], i * 8);
}

/*
 * Fault injection.
 */
void
vm_phys_fail_nth(uint64_t nth)
{
	atomic_store(&vm_phys_fail_at, 0);
	if (nth != 0)
		atomic_store(&vm_phys_fail_seen, 0);
	atomic_store(&vm_phys_fail_at, nth);
}

uint64_t
vm_phys_fail_hits(void)
{
	return atomic_load(&vm_phys_fail_seen);
}

static bool
vm_phys_fail_now(void)
{
	uint64_t at = atomic_load_relaxed(&vm_phys_fail_at);

	return __predict_false(at != 0) &&
	    atomic_fetchadd(&vm_phys_fail_seen, 1) + 1 == at;
}

/*
 * One page.
 */
struct vm_page *
vm_phys_alloc(unsigned flags)
{
	struct vm_phys_cache *pc;
	struct vm_page *m = NULL;

	if (vm_phys_fail_now())
		return NULL;
	critical_enter();
	pc = &vm_phys_cache[curcpu];
	pc->pc_busy = true;
	compiler_barrier();
	if (__predict_true(pc->pc_count != 0) || vm_phys_refill(pc, flags)) {
		m = pc->pc_first;
		pc->pc_first = m->pageq.tqe_next;
		atomic_store_relaxed(&pc->pc_count, pc->pc_count - 1);
	}
	compiler_barrier();
	pc->pc_busy = false;
	critical_exit();
	if (m == NULL)
		return NULL;
	KASSERT((m->flags & PG_FREE) != 0 && m->order == VM_PHYS_NOORDER,
	    "I1: page %p (0x%lx) in a cache has flags 0x%x order %u",
	    (void *)m, m->phys_addr, m->flags, m->order);
	vm_phys_poison_check(m);
	m->flags = 0;
	return m;
}

static inline void
vm_phys_free_check(const struct vm_page *m)
{
	KASSERT((m->flags & PG_FREE) == 0, "page %p (0x%lx) freed twice",
	    (const void *)m, m->phys_addr);
	/* relaxed: a late vm_page_sleep_busy may look at the word */
	KASSERT(m->object == NULL && m->wire_count == 0 &&
	    atomic_load_relaxed(&m->busy_lock) == 0 && m->queue == PQ_NONE,
	    "page %p (0x%lx) freed in use: object %p wire %u busy 0x%x queue %u",
	    (const void *)m, m->phys_addr, (void *)m->object, m->wire_count,
	    m->busy_lock, m->queue);
}

void
vm_phys_free(struct vm_page *m)
{
	struct vm_phys_cache *pc;

	vm_phys_free_check(m);
	m->flags = PG_FREE;
	if (DEBUG >= 2)
		vm_phys_poison(m);
	critical_enter();
	pc = &vm_phys_cache[curcpu];
	pc->pc_busy = true;
	compiler_barrier();
	m->pageq.tqe_next = pc->pc_first;
	pc->pc_first = m;
	atomic_store_relaxed(&pc->pc_count, pc->pc_count + 1);
	/* A waiter that is missed here is woken by its time-out. */
	if (__predict_false(pc->pc_count > pc->pc_limit ||
	    atomic_load_relaxed(&vm_phys_nwaiters) != 0))
		vm_phys_flush_excess(pc);
	compiler_barrier();
	pc->pc_busy = false;
	critical_exit();
}

/*
 * Contiguous blocks.
 */

/* The part of block head that fits: 2^order pages in [low, high), or NULL. */
static struct vm_page *
vm_phys_fit(struct vm_page *head, unsigned order, vm_paddr_t low,
    vm_paddr_t high)
{
	vm_paddr_t start = head->phys_addr, pa, size = PAGE_SIZE << order;

	pa = MAX(start, roundup2(low, size));
	if (pa < low || pa + size > start + (PAGE_SIZE << head->order) ||
	    pa + size > high)
		return NULL;
	return head + atop(pa - start);
}

static __requires(vm_phys_lock) struct vm_page *
vm_phys_contig_locked(unsigned order, vm_paddr_t low, vm_paddr_t high)
{
	struct vm_page *head, *m;
	unsigned o, z;

	if (vm_phys_nfree < vm_phys_nreserve + (1UL << order))
		return NULL;
	for (o = order; o < NORDERS; o++)
		for (z = 0; z < ZONE_COUNT; z++)
			TAILQ_FOREACH(head, &vm_phys_free_list[z][o], pageq) {
				m = vm_phys_fit(head, order, low, high);
				if (m != NULL) {
					vm_phys_carve(head, m, order);
					return m;
				}
			}
	return NULL;
}

struct vm_page *
vm_phys_alloc_contig(unsigned order, vm_paddr_t low, vm_paddr_t high)
{
	struct vm_page *m;
	unsigned i;

	if (order > VM_PHYS_MAXORDER || vm_phys_fail_now())
		return NULL;
	spin_lock(&vm_phys_lock);
	m = vm_phys_contig_locked(order, low, high);
	spin_unlock(&vm_phys_lock);
	if (m == NULL) {
		vm_phys_drain_caches();
		spin_lock(&vm_phys_lock);
		m = vm_phys_contig_locked(order, low, high);
		spin_unlock(&vm_phys_lock);
	}
	for (i = 0; m != NULL && i < 1U << order; i++) {
		vm_phys_poison_check(&m[i]);
		m[i].flags = PG_UNOWNED;
		m[i].wire_count = 1;
	}
	return m;
}

void
vm_phys_free_contig(struct vm_page *m, unsigned order)
{
	unsigned i;

	KASSERT(order <= VM_PHYS_MAXORDER &&
	    (m->phys_addr & ((PAGE_SIZE << order) - 1)) == 0,
	    "page 0x%lx heads no block of order %u", m->phys_addr, order);
	for (i = 0; i < 1U << order; i++) {
		KASSERT(m[i].flags == PG_UNOWNED && m[i].wire_count == 1,
		    "page 0x%lx is not unowned: flags 0x%x wire %u",
		    m[i].phys_addr, m[i].flags, m[i].wire_count);
		m[i].wire_count = 0;
		vm_phys_free_check(&m[i]);
		m[i].flags = PG_FREE;
		if (DEBUG >= 2)
			vm_phys_poison(&m[i]);
	}
	spin_lock(&vm_phys_lock);
	vm_phys_merge(m, order);
	spin_unlock(&vm_phys_lock);
	vm_phys_wakeup();
}

void
vm_phys_release(vm_paddr_t start, vm_paddr_t end)
{
	struct vm_page *m;
	vm_paddr_t pa;

	end = trunc_page(end);
	for (pa = round_page(start); pa < end; pa += PAGE_SIZE) {
		m = vm_phys_paddr_to_page(pa);
		if (m == NULL)
			continue;
		KASSERT(m->flags == PG_UNOWNED && m->wire_count == 1,
		    "page 0x%lx was not boot memory: flags 0x%x wire %u", pa,
		    m->flags, m->wire_count);
		m->wire_count = 0;
		vm_phys_free(m);
	}
}

/*
 * Start-up, counts and the audit.
 */

/* Give [start, end) to the lists in the largest aligned blocks. */
static __requires(vm_phys_lock) void
vm_phys_init_range(vm_paddr_t start, vm_paddr_t end)
{
	struct vm_page *m;
	unsigned order, i;

	while (start < end) {
		m = vm_phys_paddr_to_page(start);
		order = 0;
		while (order < VM_PHYS_MAXORDER &&
		    (start & ((PAGE_SIZE << (order + 1)) - 1)) == 0 &&
		    start + (PAGE_SIZE << (order + 1)) <= end)
			order++;
		for (i = 0; i < 1U << order; i++) {
			m[i].flags = PG_FREE;
			m[i].wire_count = 0;
		}
		vm_phys_merge(m, order);
		start += PAGE_SIZE << order;
	}
}

void
vm_phys_init(void)
{
	vm_paddr_t start, end;
	unsigned z, o;

	KASSERT(vm_phys_nsegs == 0 || vm_phys_segs[0].first != NULL,
	    "vm_page_startup comes first, %u segments", vm_phys_nsegs);
	spin_lock(&vm_phys_lock);
	for (z = 0; z < ZONE_COUNT; z++)
		for (o = 0; o < NORDERS; o++)
			TAILQ_INIT(&vm_phys_free_list[z][o]);
	while (vm_phys_boot_take(&start, &end))
		vm_phys_init_range(start, end);
	spin_unlock(&vm_phys_lock);
	/* Enough for page tables and zones to get out of a tight spot. */
	vm_phys_nreserve = MIN(MAX(vm_phys_total() / 256, 16), 256);
}

uint64_t
vm_phys_free_count(void)
{
	uint64_t n = atomic_load_relaxed(&vm_phys_nfree);
	unsigned cpu;

	/* Hints from other CPUs; exact when nothing runs, as the header says. */
	for (cpu = 0; cpu < MAXCPU; cpu++)
		n += atomic_load_relaxed(&vm_phys_cache[cpu].pc_count);
	return n;
}

static __requires(vm_phys_lock) void
vm_phys_check_block(const struct vm_page *m, unsigned order, unsigned z)
{
	const struct vm_phys_seg *seg = &vm_phys_segs[m->segind];
	vm_paddr_t size = PAGE_SIZE << order, bpa;
	unsigned i;

	if (m->order != order || (m->phys_addr & (size - 1)) != 0 ||
	    (m->phys_addr < LOW_LIMIT) != (z == ZONE_LOW) ||
	    m->phys_addr + size > seg->end)
		panic("vm_phys I2: block 0x%lx order %u on list %u of order %u",
		    m->phys_addr, m->order, z, order);
	for (i = 0; i < 1U << order; i++)
		if ((m[i].flags & PG_FREE) == 0 || m[i].object != NULL ||
		    (i != 0 && m[i].order != VM_PHYS_NOORDER))
			panic("vm_phys I1: page 0x%lx in free block 0x%lx: "
			    "flags 0x%x order %u object %p", m[i].phys_addr,
			    m->phys_addr, m[i].flags, m[i].order,
			    (void *)m[i].object);
	bpa = m->phys_addr ^ size;
	if (order < VM_PHYS_MAXORDER && bpa >= seg->start &&
	    bpa + size <= seg->end &&
	    seg->first[atop(bpa - seg->start)].order == order)
		panic("vm_phys I3: blocks 0x%lx and 0x%lx of order %u are both "
		    "free", m->phys_addr, bpa, order);
}

void
vm_phys_check(void)
{
	const struct vm_phys_cache *pc;
	struct vm_page *m;
	uint64_t n = 0, kept = 0;
	unsigned z, o;

	spin_lock(&vm_phys_lock);
	for (z = 0; z < ZONE_COUNT; z++)
		for (o = 0; o < NORDERS; o++)
			TAILQ_FOREACH(m, &vm_phys_free_list[z][o], pageq) {
				vm_phys_check_block(m, o, z);
				n += 1UL << o;
			}
	if (n != vm_phys_nfree)
		panic("vm_phys I4: %lu pages on the lists, count is %lu", n,
		    vm_phys_nfree);
	/* The own cache; another CPU's cannot be walked while it runs. */
	pc = &vm_phys_cache[curcpu];
	for (m = pc->pc_first; m != NULL; m = m->pageq.tqe_next, kept++)
		if ((m->flags & PG_FREE) == 0 || m->order != VM_PHYS_NOORDER)
			panic("vm_phys I1: cached page 0x%lx has flags 0x%x "
			    "order %u", m->phys_addr, m->flags, m->order);
	if (kept != pc->pc_count)
		panic("vm_phys: cache of CPU %d has %lu pages, count is %u",
		    curcpu, kept, pc->pc_count);
	spin_unlock(&vm_phys_lock);
}
