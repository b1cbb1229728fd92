/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_phys_test.c: vm/vm_phys.c against the flags of the page array: a page is
 * free or it is not, and a block can be had exactly when its pages are free.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <vm/pmap.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "harness.h"

#define HELD_MAX	4000

struct held {
	struct vm_page	*m;
	unsigned	 order;
};

static struct held	 held[HELD_MAX];
static unsigned		 nheld;

static bool
page_is_free(vm_paddr_t pa)
{
	struct vm_page *m = vm_phys_paddr_to_page(pa);

	return m != NULL && (m->flags & PG_FREE) != 0;
}

/* Is there an aligned free block of this order in [low, high)? */
static bool
model_has_block(unsigned order, vm_paddr_t low, vm_paddr_t high)
{
	vm_paddr_t size = PAGE_SIZE << order, pa, p;

	for (pa = roundup2(low, size); pa + size <= high; pa += size) {
		for (p = pa; p < pa + size && page_is_free(p); p += PAGE_SIZE)
			continue;
		if (p == pa + size)
			return true;
	}
	return false;
}

static void
release_one(unsigned i)
{
	struct held h = held[i];
	unsigned j;

	held[i] = held[--nheld];
	if (h.order == 0 || h.order % 2 != 0) {
		for (j = 0; j < 1U << h.order; j++)
			vm_page_free_unowned(&h.m[j]);
	} else {
		vm_phys_free_contig(h.m, h.order);
	}
}

static void
release_all(void)
{
	while (nheld > 0)
		release_one(nheld - 1);
}

static void
take_single(struct ktest_ctx *t)
{
	struct vm_page *m = vm_page_alloc_unowned(VM_ALLOC_NORMAL);

	KT_CHECK(t, m != NULL, "%lu pages free", vm_phys_free_count());
	KT_CHECK(t, m->flags == PG_UNOWNED && m->wire_count == 1,
	    "flags %x wire %u", m->flags, m->wire_count);
	held[nheld++] = (struct held){ m, 0 };
}

static void
take_block(struct ktest_ctx *t)
{
	unsigned order = (unsigned)prng_below(&t->prng, VM_PHYS_MAXORDER + 1);
	vm_paddr_t max = ptoa(vm_page_count), low, high;
	struct vm_page *m;
	bool can;

	low = ptoa(prng_below(&t->prng, atop(max)));
	high = low + ptoa(prng_below(&t->prng, 4UL << order));
	vm_phys_drain_caches();
	can = model_has_block(order, low, high);
	m = vm_phys_alloc_contig(order, low, high);
	KT_CHECK(t, (m != NULL) == can, "order %u in %lx-%lx: model says %d",
	    order, low, high, can);
	if (m == NULL)
		return;
	KT_CHECK(t, m->phys_addr >= low && m->phys_addr +
	    (PAGE_SIZE << order) <= high && (m->phys_addr &
	    ((PAGE_SIZE << order) - 1)) == 0, "%lx", m->phys_addr);
	for (unsigned i = 0; i < 1U << order; i++)
		KT_CHECK(t, m[i].flags == PG_UNOWNED, "page %u of the block "
		    "has flags %x", i, m[i].flags);
	held[nheld++] = (struct held){ m, order };
}

/* Are pages found by address, with nothing in the holes? */
KTEST(vm_phys, pages_by_address)
{
	vm_paddr_t pa, end = 0;
	struct vm_page *m;
	unsigned i;
	uint64_t n = 0;

	KT_CHECK(t, vm_phys_nsegs == 3, "%u segments", vm_phys_nsegs);
	for (i = 0; i < vm_phys_nsegs; i++) {
		end = MAX(end, vm_phys_segs[i].end);
		KT_CHECK(t, i == 0 || vm_phys_segs[i].end -
		    vm_phys_segs[i].start <= vm_phys_segs[i - 1].end -
		    vm_phys_segs[i - 1].start, "segment %u is larger", i);
	}
	for (pa = 0; pa < end + 16 * PAGE_SIZE; pa += PAGE_SIZE) {
		m = vm_phys_paddr_to_page(pa + 123);
		if (m == NULL)
			continue;
		n++;
		KT_CHECK(t, m->phys_addr == pa, "%lx has the page of %lx", pa,
		    m->phys_addr);
	}
	KT_CHECK(t, n == vm_phys_total() && n == vm_page_count,
	    "%lu pages by address, %lu in all", n, vm_phys_total());
	KT_CHECK(t, vm_phys_paddr_to_page(0) == NULL &&
	    vm_phys_paddr_to_page(PAGE_SIZE) == NULL &&
	    vm_phys_paddr_to_page(0x9f000) == NULL &&
	    vm_phys_paddr_to_page(0x9e000) != NULL &&
	    vm_phys_paddr_to_page(~0UL) == NULL, "edges");
}

/* Does reserved memory stay out of the lists until it is released? */
KTEST(vm_phys, reserved_until_released)
{
	uint64_t before = vm_phys_free_count();
	struct vm_page *m;
	vm_paddr_t pa;

	m = vm_phys_paddr_to_page(HOST_RESERVED);
	if ((m->flags & PG_UNOWNED) == 0)
		KT_SKIP(t, "already released");
	for (pa = trunc_page(HOST_RESERVED); pa < HOST_RESERVED_END;
	    pa += PAGE_SIZE) {
		m = vm_phys_paddr_to_page(pa);
		KT_CHECK(t, m->flags == PG_UNOWNED && m->wire_count == 1,
		    "%lx has flags %x", pa, m->flags);
	}
	/* Whole pages only, then the rest. */
	vm_phys_release(HOST_RESERVED, HOST_RESERVED_END);
	KT_CHECK(t, vm_phys_free_count() == before + 6, "%lu pages",
	    vm_phys_free_count() - before);
	vm_phys_release(trunc_page(HOST_RESERVED), round_page(HOST_RESERVED));
	vm_phys_release(trunc_page(HOST_RESERVED_END),
	    round_page(HOST_RESERVED_END));
	KT_CHECK(t, vm_phys_free_count() == before + 8, "%lu pages",
	    vm_phys_free_count() - before);
	host_no_baseline();
	vm_phys_drain_caches();
	vm_phys_check();
	vm_page_check_all();
}

/* Do random single pages and blocks come and go as the flags say? */
KTEST(vm_phys, blocks_match_the_model)
{
	uint64_t before = vm_phys_free_count(), used;
	unsigned op, i;

	for (op = 0; op < 100000; op++) {
		if (nheld == HELD_MAX || (nheld != 0 &&
		    prng_below(&t->prng, 100) < (op / 5000 % 2 ? 65 : 45)))
			release_one((unsigned)prng_below(&t->prng, nheld));
		else if (prng_below(&t->prng, 8) != 0)
			take_single(t);
		else if (vm_phys_free_count() > before / 2)
			take_block(t);
		if (t->failed)
			break;
		if (op % 2000 == 0) {
			vm_phys_check();
			for (i = 0, used = 0; i < nheld; i++)
				used += 1UL << held[i].order;
			KT_CHECK(t, vm_phys_free_count() == before - used,
			    "%lu free, %lu used of %lu", vm_phys_free_count(),
			    used, before);
		}
	}
	release_all();
	vm_phys_check();
	KT_CHECK(t, vm_phys_free_count() == before, "%lu of %lu",
	    vm_phys_free_count(), before);
}

/* Does everything merge again?  The largest block must be there after. */
KTEST(vm_phys, freed_pages_merge)
{
	vm_paddr_t low = 64UL << 20, high = 128UL << 20;
	unsigned order = VM_PHYS_MAXORDER, n = 0, i;
	static struct vm_page *got[64];
	struct vm_page *m;

	vm_phys_drain_caches();
	while (n < nitems(got) &&
	    (m = vm_phys_alloc_contig(order, low, high)) != NULL)
		got[n++] = m;
	KT_CHECK(t, n > 0, "no block of 4 MiB");
	/* In an order in which buddies meet late. */
	for (i = 0; i < 1U << order; i++)
		for (unsigned b = 0; b < n; b++)
			vm_page_free_unowned(&got[b][(i * 389) %
			    (1U << order)]);
	vm_phys_drain_caches();
	for (i = 0; i < n; i++) {
		m = vm_phys_alloc_contig(order, got[i]->phys_addr,
		    got[i]->phys_addr + (PAGE_SIZE << order));
		KT_CHECK(t, m == got[i], "block at %lx is in pieces",
		    got[i]->phys_addr);
		vm_phys_free_contig(m, order);
	}
	vm_phys_check();
}

/* All pages that normal allocations can have, as a list by pageq. */
static struct vm_page *
take_everything(unsigned flags, uint64_t *n)
{
	struct vm_page *list = NULL, *m;

	while ((m = vm_page_alloc_unowned(flags)) != NULL) {
		m->pageq.tqe_next = list;
		list = m;
		++*n;
	}
	return list;
}

static void
give_back(struct vm_page *list)
{
	struct vm_page *m;

	while ((m = list) != NULL) {
		list = m->pageq.tqe_next;
		vm_page_free_unowned(m);
	}
}

/* Is the reserve there when normal allocations have nothing left? */
KTEST(vm_phys, reserve_is_kept)
{
	uint64_t before = vm_phys_free_count(), n = 0, nres = 0;
	struct vm_page *list, *rlist;

	list = take_everything(VM_ALLOC_NORMAL, &n);
	rlist = take_everything(VM_ALLOC_RESERVE, &nres);
	KT_CHECK(t, nres >= 16 && nres <= 256, "reserve of %lu pages", nres);
	KT_CHECK(t, n + nres == before && vm_phys_free_count() == 0,
	    "%lu + %lu of %lu", n, nres, before);
	vm_phys_check();
	give_back(rlist);
	vm_phys_drain_caches();
	KT_CHECK(t, vm_page_alloc_unowned(VM_ALLOC_NORMAL) == NULL,
	    "a normal allocation got a page of the reserve");
	KT_CHECK(t, vm_phys_alloc_contig(0, 0, ~0UL) == NULL,
	    "a block was taken from the reserve");
	give_back(list);
	vm_phys_check();
}

/* Does exactly the nth allocation fail? */
KTEST(vm_phys, nth_allocation_fails)
{
	struct vm_page *m;
	unsigned i, nth;

	for (nth = 1; nth <= 5; nth++) {
		vm_phys_fail_nth(nth);
		for (i = 1; i <= 6; i++) {
			m = vm_page_alloc_unowned(VM_ALLOC_RESERVE);
			KT_CHECK(t, (m == NULL) == (i == nth), "%u of %u", i,
			    nth);
			if (m != NULL)
				vm_page_free_unowned(m);
		}
		vm_phys_fail_nth(0);
		KT_CHECK(t, vm_phys_fail_hits() == 6, "%lu hits",
		    vm_phys_fail_hits());
	}
}

/*
 * Threads: no page may have two owners.
 */
static uint8_t	*owner;		/* [a] one byte a page */
static unsigned	 clashes;	/* [a] */

static void
share_thread(void *arg)
{
	struct vm_page *mine[200], *m;
	struct prng p;
	unsigned n = 0, i;

	prng_seed(&p, (uint64_t)arg);
	for (i = 0; i < 30000; i++) {
		if (n < nitems(mine) && prng_below(&p, 2) == 0) {
			m = vm_page_alloc_unowned(VM_ALLOC_NORMAL);
			if (m == NULL)
				continue;
			if (atomic_swap(&owner[m - vm_page_array], 1) != 0)
				atomic_add(&clashes, 1);
			mine[n++] = m;
		} else if (n > 0) {
			m = mine[--n];
			atomic_store(&owner[m - vm_page_array], 0);
			vm_page_free_unowned(m);
		}
	}
	while (n > 0) {
		atomic_store(&owner[mine[--n] - vm_page_array], 0);
		vm_page_free_unowned(mine[n]);
	}
	vm_phys_drain_caches();
}

/* Does each page have one owner when threads share the lists? */
KTEST(vm_phys, threads_share)
{
	struct host_thread *ht[4];
	unsigned i;

	owner = kmalloc(vm_page_count, M_WAITOK | M_ZERO);
	for (i = 0; i < nitems(ht); i++)
		ht[i] = host_thread_start(share_thread,
		    (void *)prng_next(&t->prng));
	for (i = 0; i < nitems(ht); i++)
		host_thread_join(ht[i]);
	kfree(owner);
	KT_CHECK(t, clashes == 0, "%u pages had two owners", clashes);
	vm_phys_check();
}

static void
wait_thread(void *arg)
{
	vm_wait("tstwait");
	atomic_store((unsigned *)arg, 1);
}

/* Does a thread that waits for memory run again when there is some? */
KTEST(vm_phys, wait_ends_when_pages_come)
{
	struct host_thread *ht;
	struct vm_page *list;
	unsigned done = 0, i;
	uint64_t n = 0;

	list = take_everything(VM_ALLOC_NORMAL, &n);
	KT_CHECK(t, vm_phys_wait("tstwait", NSEC_PER_MSEC) == EWOULDBLOCK,
	    "there was memory");
	ht = host_thread_start(wait_thread, &done);
	for (i = 0; i < 20; i++)
		vm_phys_wait("tstwait", NSEC_PER_MSEC);
	KT_CHECK(t, atomic_load(&done) == 0, "woken without memory");
	give_back(list);
	host_thread_join(ht);
	KT_CHECK(t, atomic_load(&done) == 1, "did not return");
}

/*
 * Misuse.
 */
static void
free_twice(void *arg)
{
	struct vm_page *m = vm_page_alloc_unowned(VM_ALLOC_NORMAL);

	(void)arg;
	m->flags = 0;
	m->wire_count = 0;
	vm_phys_free(m);
	vm_phys_free(m);
}

static void
free_unowned_twice(void *arg)
{
	struct vm_page *m = vm_page_alloc_unowned(VM_ALLOC_NORMAL);

	(void)arg;
	vm_page_free_unowned(m);
	vm_page_free_unowned(m);
}

static void
free_wired(void *arg)
{
	(void)arg;
	vm_phys_free(vm_page_alloc_unowned(VM_ALLOC_NORMAL));
}

static void
free_misaligned_block(void *arg)
{
	struct vm_page *m = vm_phys_alloc_contig(3, 0, ~0UL);

	(void)arg;
	vm_phys_free_contig(m + 1, 2);
}

static void __no_asan
write_free_page(void *arg)
{
	struct vm_page *m = vm_page_alloc_unowned(VM_ALLOC_NORMAL);
	uint64_t *p = pmap_page_kva(m);

	(void)arg;
	vm_page_free_unowned(m);
	p[77] = 1;
	vm_page_alloc_unowned(VM_ALLOC_NORMAL);
}

/* Is misuse found, and named? */
KTEST(vm_phys, misuse_panics)
{
	KT_CHECK(t, host_panics(free_twice, NULL, "freed twice"), "no");
	KT_CHECK(t, host_panics(free_unowned_twice, NULL, "is not unowned"),
	    "no");
	KT_CHECK(t, host_panics(free_wired, NULL, "freed in use"), "no");
	KT_CHECK(t, host_panics(free_misaligned_block, NULL,
	    "heads no block"), "no");
	if (DEBUG >= 2)
		KT_CHECK(t, host_panics(write_free_page, NULL,
		    "was written: 0x1 at offset 0x268"), "no");
}

static void
break_free_flag(void *arg)
{
	struct vm_page *m;
	uint64_t i;

	(void)arg;
	for (i = 0; i < vm_page_count; i++) {
		m = &vm_page_array[i];
		if (m->order != VM_PHYS_NOORDER && m->order > 0)
			break;
	}
	vm_page_array[i + 1].flags = 0;
	vm_phys_check();
}

static void
break_order(void *arg)
{
	struct vm_page *m;
	uint64_t i;

	(void)arg;
	for (i = 0; i < vm_page_count; i++) {
		m = &vm_page_array[i];
		if (m->order != VM_PHYS_NOORDER && m->order > 0)
			break;
	}
	vm_page_array[i].order--;
	vm_phys_check();
}

/* Does the audit see what it is there to see? */
KTEST(vm_phys, audit_finds_damage)
{
	KT_CHECK(t, host_panics(break_free_flag, NULL, "I1: page"), "no");
	KT_CHECK(t, host_panics(break_order, NULL, "I2: block"), "no");
}
