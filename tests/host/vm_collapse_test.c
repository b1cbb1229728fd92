/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_collapse_test.c: chains that get shorter: what merge and bypass make of a
 * chain (golden dumps), every way in which they give up, simultaneous calls,
 * and the way up from deallocate.  Chains under load: vm_chain_test.c.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/sleepq.h>
#include <sys/thread.h>
#include <sys/zone.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_sched.h>

#include "chain_test.h"
#include "vm_fault_test.h"

/* ---- golden dumps ---- */

static void
show_chain(const char *when, struct vm_object *object)
{
	host_capture_pr("%s:\n", when);
	vm_show_chain(object, host_capture_pr);
}

static void
before_after(const char *what, struct vm_object *front)
{
	host_capture_pr("-- %s\n", what);
	show_chain("before", front);
	chain_collapse(front, VM_COLLAPSE_NOWAIT);
	show_chain("after", front);
	vm_check_object(front);
}

static void
golden_merge(void)
{
	struct vm_object *x, *b, *f;

	x = chain_object(NULL, 0, 16, "0-3");
	b = chain_object(x, 0, 16, "1 2 9");
	f = chain_object(b, 0, 8, "1 3");
	before_after("merge, one page shadowed, one out of reach", f);
	vm_object_deallocate(f);

	x = chain_object(NULL, 0, 32, "5 6 7 8 9");
	b = chain_object(x, 4, 16, "0 2 3 4 7");
	f = chain_object(b, 2, 4, "1");
	before_after("merges at offsets, to the end", f);
	vm_object_deallocate(f);
}

static void
golden_bypass(void)
{
	struct vm_object *x, *b, *f, *g;

	x = chain_object(NULL, 0, 8, "0-7");
	b = chain_object(x, 0, 8, "1 2");
	vm_object_reference(b);
	f = chain_object(b, 0, 8, "1 2 5");
	g = chain_object(b, 0, 8, "2");
	before_after("bypass; the sibling inherits what is left", f);
	show_chain("sibling", g);
	vm_object_deallocate(g);
	vm_object_deallocate(f);

	b = chain_object(NULL, 0, 8, "0 7");
	vm_object_reference(b);
	f = chain_object(b, 4, 2, "");
	before_after("bypass of the last object: out of reach is covered", f);
	vm_object_deallocate(f);
	vm_object_deallocate(b);

	b = chain_object(NULL, 0, 8, "1 2");
	vm_object_reference(b);
	f = chain_object(b, 0, 8, "1");
	before_after("not covered: nothing", f);
	vm_object_deallocate(f);
	vm_object_deallocate(b);
}

/* What do merge and bypass make of a chain? */
KTEST(collapse, cases)
{
	show_begin();
	golden_merge();
	golden_bypass();
	KT_CHECK(t, show_golden(t, "collapse_cases"), "golden");
}

/* Does a chain whose middle lost its other users become one object? */
KTEST(collapse, cascade)
{
	struct vm_object *f = chain_object(NULL, 0, 64, "0");
	uint64_t merges = vm_meter_sum(VM_METER_v_collapses);
	char page[4] = "00";
	int i;

	for (i = 1; i < 40; i++) {
		page[0] = (char)('0' + i / 10);
		page[1] = (char)('0' + i % 10);
		f = chain_object(f, 0, 64, page);
	}
	KT_CHECK(t, chain_depth(f) == 40, "%u", chain_depth(f));
	chain_collapse(f, VM_COLLAPSE_NOWAIT);
	KT_CHECK(t, chain_depth(f) == 1 && f->resident_page_count == 40 &&
	    vm_meter_sum(VM_METER_v_collapses) == merges + 39, "depth %u",
	    chain_depth(f));
	vm_check_object(f);
	vm_object_deallocate(f);
}

/* ---- every way to give up (scenario 9) ---- */

static struct vm_page *
page_of(struct vm_object *object, vm_pindex_t pindex)
{
	struct vm_page *m;

	vm_object_lock(object);
	m = vm_page_lookup(object, pindex);
	vm_object_unlock(object);
	return m;
}

/* Tries, expects that nothing of the links changed, and no lock is left. */
static bool
gives_up(struct vm_object *front)
{
	struct vm_object *backing = front->backing_object;
	int refs = backing->ref_count;

	return chain_collapse(front, VM_COLLAPSE_NOWAIT) == 0 &&
	    front->backing_object == backing && backing->ref_count == refs;
}

/* Is a merge that cannot go on without waiting left as it was? */
KTEST(collapse, merge_gives_up)
{
	struct vm_object *b = chain_object(NULL, 0, 256, "1 2 200");
	struct vm_object *f = chain_object(b, 0, 256, "2");
	struct vm_page *m = page_of(b, 1);
	uint64_t aborts = vm_meter_sum(VM_METER_v_collapse_aborts);

	KT_CHECK(t, vm_page_busy_try(m) && gives_up(f), "busy page");
	vm_page_unbusy(m);
	KT_CHECK(t, vm_page_sbusy_try(m) && gives_up(f), "shared busy page");
	vm_page_sunbusy(m);
	m = page_of(b, 2);
	vm_object_lock(b);
	vm_page_wire(m);
	vm_object_unlock(b);
	KT_CHECK(t, gives_up(f), "a wired page that is shadowed");
	vm_object_lock(b);
	vm_page_unwire(m);
	vm_object_unlock(b);
	/* Page 1 is in front by now, 2 is gone. */
	zone_fail_nth(1);
	KT_CHECK(t, gives_up(f), "no memory for a node");
	zone_fail_nth(0);
	KT_CHECK(t, vm_meter_sum(VM_METER_v_collapse_aborts) == aborts + 4,
	    "%lu aborts", vm_meter_sum(VM_METER_v_collapse_aborts) - aborts);
	vm_check_object(f);
	vm_check_object(b);
	chain_collapse(f, VM_COLLAPSE_NOWAIT);
	KT_CHECK(t, chain_depth(f) == 1 && f->resident_page_count == 3,
	    "%lu pages", (unsigned long)f->resident_page_count);
	vm_object_deallocate(f);
}

/* Is each reason not to bypass seen, and is a busy page of B none? */
KTEST(collapse, bypass_gives_up)
{
	struct vm_object *b = chain_object(NULL, 0, 8, "1 2"), *f;
	struct vm_page *m, *shown;

	vm_object_reference(b);
	f = chain_object(b, 0, 8, "1");
	KT_CHECK(t, gives_up(f), "page 2 shows through");
	chain_page(f, 2);
	m = page_of(f, 2);
	shown = page_of(b, 2);
	KT_CHECK(t, vm_page_busy_try(m) && gives_up(f), "2 may not be mapped yet");
	vm_page_unbusy(m);
	KT_CHECK(t, vm_page_busy_try(shown), "busy");
	chain_collapse(f, VM_COLLAPSE_NOWAIT);
	vm_page_unbusy(shown);
	KT_CHECK(t, f->backing_object == NULL && b->ref_count == 1,
	    "%d references", b->ref_count);
	vm_object_deallocate(f);
	vm_object_deallocate(b);
}

/* Is an object in somebody's merge left alone? */
KTEST(collapse, taken_objects)
{
	struct vm_object *b = chain_object(NULL, 0, 8, "1");
	struct vm_object *f = chain_object(b, 0, 8, "2");
	static const uint32_t taken[] = { OBJ_COLLAPSING, OBJ_FADING };
	unsigned i;

	for (i = 0; i < nitems(taken); i++) {
		b->flags |= taken[i];
		KT_CHECK(t, gives_up(f), "behind: %x", taken[i]);
		b->flags &= ~taken[i];
		f->flags |= taken[i];
		KT_CHECK(t, gives_up(f), "in front: %x", taken[i]);
		f->flags &= ~taken[i];
	}
	KT_CHECK(t, chain_collapse(f, VM_COLLAPSE_NOWAIT) == 0 &&
	    chain_depth(f) == 1, "free again");
	vm_object_deallocate(f);
}

/* Does a chain survive the failure of each allocation in turn? */
KTEST(collapse, fail_nth)
{
	struct vm_object *b, *f;
	uint64_t nth, aborts, n = 0;

	for (nth = 1;; nth++) {
		b = chain_object(NULL, 0, 1024, "0 64 128 192 900");
		f = chain_object(b, 0, 1024, "64 65");
		aborts = vm_meter_sum(VM_METER_v_collapse_aborts);
		zone_fail_nth(nth);
		chain_collapse(f, VM_COLLAPSE_NOWAIT);
		zone_fail_nth(0);
		vm_check_object(f);
		n = f->resident_page_count + (chain_depth(f) == 2 ?
		    b->resident_page_count : 0);
		KT_CHECK(t, n == 6 || n == 7, "%lu pages at %lu", n, nth);
		aborts = vm_meter_sum(VM_METER_v_collapse_aborts) - aborts;
		KT_CHECK(t, chain_depth(f) == 1 + (unsigned)aborts,
		    "nth %lu: depth %u", nth, chain_depth(f));
		vm_object_deallocate(f);
		if (aborts == 0)
			break;
	}
	KT_CHECK(t, nth > 2, "no allocation was failed");
}

/* ---- what is stored by a pager ---- */

/* A pager of anonymous memory that stores page numbers; one bit a page. */
struct store {
	uint64_t	bits;
};

static unsigned	store_reads, store_left;	/* pages that may still move */

static struct store *
store_of(struct vm_object *object)
{
	return object->handle;
}

static bool
store_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	return (store_of(object)->bits >> pindex & 1) != 0;
}

static int
store_getpage(struct vm_object *object, struct vm_page *m)
{
	(void)object;
	store_reads++;
	pmap_zero_page(m);
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
store_dealloc(struct vm_object *object)
{
	store_of(object)->bits = 0;
	object->handle = NULL;
}

static bool
store_nextpage(struct vm_object *object, vm_pindex_t *pindex)
{
	uint64_t bits;

	if (*pindex >= 64)
		return false;
	bits = store_of(object)->bits >> *pindex;
	if (bits == 0)
		return false;
	*pindex += (vm_pindex_t)__builtin_ctzl(bits);
	return true;
}

static int store_transfer(struct vm_object *from, struct vm_object *to,
    vm_pindex_t first);

static void
store_remove(struct vm_object *object, vm_pindex_t start, vm_pindex_t end)
{
	for (; start < end && start < 64; start++)
		store_of(object)->bits &= ~(1UL << start);
}

static const struct vm_pager_ops store_ops = {
	.name = "store",
	.haspage = store_haspage,
	.getpage = store_getpage,
	.dealloc = store_dealloc,
	.nextpage = store_nextpage,
	.transfer = store_transfer,
	.remove = store_remove,
};

static struct store stores[16];
static unsigned nstores;

static void
store_begin(struct vm_object *object, uint64_t bits)
{
	object->pager = &store_ops;
	object->handle = &stores[nstores++ % nitems(stores)];
	store_of(object)->bits = bits;
}

static int
store_transfer(struct vm_object *from, struct vm_object *to, vm_pindex_t first)
{
	vm_pindex_t i, index;

	if (to->pager == NULL)
		store_begin(to, 0);
	for (i = 0; store_nextpage(from, &i); i++) {
		index = i - first;
		if (i >= first && index < to->size &&
		    vm_page_lookup(to, index) == NULL &&
		    !store_haspage(to, index)) {
			if (store_left == 0)
				return ENOMEM;
			store_left--;
			store_of(to)->bits |= 1UL << index;
		}
		store_of(from)->bits &= ~(1UL << i);
	}
	return 0;
}

/* Is what is stored moved, freed and counted as covering, and never read? */
KTEST(collapse, stored_pages)
{
	struct vm_object *b = chain_object(NULL, 0, 16, "1 2 3"), *f;
	unsigned reads = store_reads;

	store_left = 100;
	f = chain_object(b, 2, 8, "2");
	store_begin(b, 1UL << 0 | 1UL << 3 | 1UL << 4 | 1UL << 6);
	store_begin(f, 1UL << 0);	/* hides b's resident page 2 */
	chain_collapse(f, VM_COLLAPSE_NOWAIT);
	/* From b: page 3 is resident at 1, 4 is hidden by 2, 6 moved to 4. */
	KT_CHECK(t, chain_depth(f) == 1 && f->resident_page_count == 2 &&
	    store_of(f)->bits == (1UL << 0 | 1UL << 4), "%lu pages, bits %lx",
	    (unsigned long)f->resident_page_count, store_of(f)->bits);
	KT_CHECK(t, store_reads == reads, "%u reads", store_reads - reads);
	vm_check_object(f);
	vm_object_deallocate(f);
}

/* The lost memory of 1993: does storage on either side stop a bypass? */
KTEST(collapse, stored_bypass)
{
	struct vm_object *b = chain_object(NULL, 0, 8, "1"), *f;

	vm_object_reference(b);
	f = chain_object(b, 0, 8, "2");
	store_begin(b, 1UL << 2 | 1UL << 3);
	KT_CHECK(t, gives_up(f), "pages 1 and 3 show");
	store_begin(f, 1UL << 1);
	KT_CHECK(t, gives_up(f), "page 3 shows");
	store_of(f)->bits |= 1UL << 3;
	KT_CHECK(t, chain_collapse(f, VM_COLLAPSE_NOWAIT) == 1 &&
	    chain_depth(f) == 1, "depth %u", chain_depth(f));
	vm_object_deallocate(f);
	vm_object_deallocate(b);
}

/* Pages that are thrown away: do they come back from the store? */
KTEST(collapse, stored_removed)
{
	struct vm_object *f = chain_object(NULL, 0, 16, "2 5");

	store_begin(f, 0x7ff);
	vm_object_lock(f);
	vm_object_page_remove(f, 1, 8);
	vm_object_unlock(f);
	KT_CHECK(t, f->resident_page_count == 0 &&
	    store_of(f)->bits == 0x701, "%lu pages, bits %lx",
	    (unsigned long)f->resident_page_count, store_of(f)->bits);
	vm_check_object(f);
	vm_object_deallocate(f);
}

/* Does a transfer that fails half way lose nothing? */
KTEST(collapse, stored_no_memory)
{
	struct vm_object *b = chain_object(NULL, 0, 8, "1"), *f;

	f = chain_object(b, 0, 8, "2");
	store_begin(b, 1UL << 3 | 1UL << 4 | 1UL << 5);
	store_left = 1;
	KT_CHECK(t, gives_up(f), "no memory");
	KT_CHECK(t, store_of(f)->bits == 1UL << 3 &&
	    store_of(b)->bits == (1UL << 4 | 1UL << 5) &&
	    f->resident_page_count == 2, "%lx %lx", store_of(f)->bits,
	    store_of(b)->bits);
	vm_check_object(f);
	store_left = 100;
	chain_collapse(f, VM_COLLAPSE_NOWAIT);
	KT_CHECK(t, chain_depth(f) == 1 && store_of(f)->bits == 0x38,
	    "%lx", store_of(f)->bits);
	vm_object_deallocate(f);
}

/* Does a full to-do list stop the collapse, and the next call go on? */
KTEST(collapse, todo_full)
{
	struct vm_object *f = chain_object(NULL, 0, 64, "1");
	unsigned i;

	store_left = 100;
	store_begin(f, 1UL << 20);
	for (i = 1; i < VM_OBJECT_TODO + 3; i++) {
		f = chain_object(f, 0, 64, "1");
		store_begin(f, 1UL << (20 + i));
	}
	KT_CHECK(t, chain_collapse(f, VM_COLLAPSE_NOWAIT) == VM_OBJECT_TODO &&
	    chain_depth(f) == 3, "depth %u", chain_depth(f));
	KT_CHECK(t, chain_collapse(f, VM_COLLAPSE_NOWAIT) == 2 &&
	    chain_depth(f) == 1, "depth %u", chain_depth(f));
	KT_CHECK(t, store_of(f)->bits == 0x7ffUL << 20, "%lx",
	    store_of(f)->bits);
	vm_object_deallocate(f);
}

/* ---- the way up ---- */

/* Is an object that loses all users but one shadow merged into it? */
KTEST(collapse, dealloc_goes_up)
{
	struct vm_object *b = chain_object(NULL, 0, 8, "0-5"), *f, *g;

	vm_object_reference(b);
	f = chain_object(b, 0, 8, "1");
	vm_object_deallocate(b);
	KT_CHECK(t, chain_depth(f) == 1 && f->resident_page_count == 6 &&
	    f->ref_count == 1, "depth %u", chain_depth(f));
	/* f stays for g, and for a user of its own, who goes. */
	vm_object_reference(f);
	g = chain_object(f, 0, 8, "2");
	g = chain_object(g, 0, 8, "3");
	vm_object_deallocate(f);
	KT_CHECK(t, chain_depth(g) == 1 && g->resident_page_count == 6,
	    "up to the top: depth %u", chain_depth(g));
	vm_object_deallocate(g);
}

struct release {
	struct vm_object *object;
	int		 done;			/* [a] */
};

static void
release_main(void *arg)
{
	struct release *r = arg;

	vm_object_deallocate(r->object);
	atomic_store(&r->done, 1);
}

/* Is a shadow that is locked waited for with a pin, and nothing else held? */
KTEST(collapse, dealloc_up_contended)
{
	struct vm_object *b = chain_object(NULL, 0, 8, "0-5"), *f;
	uint64_t skips = vm_meter_sum(VM_METER_v_collapse_skips);
	struct release r = { b, 0 };
	struct host_thread *ht;

	vm_object_reference(b);
	f = chain_object(b, 0, 8, "1");
	vm_object_lock(f);
	ht = host_thread_start(release_main, &r);
	while (!vm_object_paging(f))
		sched_yield();
	vm_object_lock(b);		/* front before backing: it is free */
	KT_CHECK(t, b->ref_count == 1 && atomic_load(&r.done) == 0,
	    "%d references", b->ref_count);
	vm_object_unlock(b);
	vm_object_unlock(f);
	host_thread_join(ht);
	KT_CHECK(t, chain_depth(f) == 1 && !vm_object_paging(f) &&
	    vm_meter_sum(VM_METER_v_collapse_skips) == skips + 1, "depth %u",
	    chain_depth(f));
	vm_object_deallocate(f);
}

/* Does a merge wait for a busy page with nothing locked, then finish? */
KTEST(collapse, merge_waits_for_busy)
{
	struct vm_object *b = chain_object(NULL, 0, 8, "0-5"), *f;
	struct release r = { b, 0 };
	struct host_thread *ht;
	struct vm_page *m;

	vm_object_reference(b);
	f = chain_object(b, 0, 8, "1");
	m = page_of(b, 3);
	KT_CHECK(t, vm_page_sbusy_try(m), "busy");
	ht = host_thread_start(release_main, &r);
	for (;;) {
		vm_object_lock(f);
		if ((f->flags & OBJ_COLLAPSING) != 0)
			break;
		vm_object_unlock(f);
		(void)tsleep(&r, 0, "tst", 1000000);
	}
	KT_CHECK(t, vm_object_paging(f) && atomic_load(&r.done) == 0, "pins");
	vm_object_unlock(f);
	/* A second collapse of the same object leaves it to the first. */
	KT_CHECK(t, chain_collapse_unchecked(f, VM_COLLAPSE_WAIT) == 0 &&
	    chain_depth(f) == 2, "second");
	chain_page(f, 4);		/* shadows while the merge sleeps */
	vm_page_sunbusy(m);
	host_thread_join(ht);
	KT_CHECK(t, chain_depth(f) == 1 && f->resident_page_count == 6 &&
	    f->flags == 0 + (f->flags & OBJ_ONEMAPPING), "depth %u flags %x",
	    chain_depth(f), f->flags);
	vm_check_object(f);
	vm_object_deallocate(f);
}

/* ---- split and room below ---- */

/* Is memory that was unmapped in parts given back in parts, after a fork? */
KTEST(collapse, split_at_fork)
{
	struct vmspace *a = vmspace_alloc(), *b;
	uint64_t splits = vm_meter_sum(VM_METER_v_splits), pages;
	vm_pindex_t i;

	KT_CHECK(t, map_anon(a, BASE, 12, VM_INHERIT_COPY) == 0, "map");
	for (i = 0; i < 12; i++)
		KT_CHECK(t, poke(a, i, 0xa0 + i), "page %lu", i);
	KT_CHECK(t, vm_map_remove(&a->vm_map, BASE + ptoa(4), BASE + ptoa(6)) ==
	    0 && entry_at(a, BASE)->object == entry_at(a, BASE + ptoa(8))->
	    object, "two entries, one object");
	show_begin();
	KT_CHECK(t, vmspace_fork(a, &b) == 0, "fork");
	host_capture_pr("first part:\n");
	vm_show_chain(entry_at(b, BASE)->object, host_capture_pr);
	host_capture_pr("second part:\n");
	vm_show_chain(entry_at(b, BASE + ptoa(8))->object, host_capture_pr);
	vm_check_all();
	KT_CHECK(t, vm_meter_sum(VM_METER_v_splits) == splits + 2, "splits");
	KT_CHECK(t, poke(b, 1, 0xb1) && poke(b, 9, 0xb9) &&
	    peek(b, 0) == 0xa0 && peek(b, 11) == 0xab, "the child");
	sysref_put(b);
	KT_CHECK(t, peek(a, 1) == 0xa1 && peek(a, 9) == 0xa9, "the parent");
	pages = vmspace_resident_count(a);
	KT_CHECK(t, vm_map_remove(&a->vm_map, BASE, BASE + ptoa(4)) == 0,
	    "unmap");
	KT_CHECK(t, vmspace_resident_count(a) < pages &&
	    entry_at(a, BASE + ptoa(8))->object->resident_page_count == 6,
	    "pages");
	vm_check_all();
	sysref_put(a);
	KT_CHECK(t, show_golden(t, "collapse_split"), "golden");
}

/* Does a split that cannot be finished leave a chain that shows the same? */
KTEST(collapse, split_gives_up)
{
	struct vm_object *o = chain_object(NULL, 0, 200, "0 3 150");
	struct vm_object_todo todo = { .n = 0 };
	struct vm_object *part = o;
	vm_ooffset_t offset = 0;

	vm_object_reference(o);
	zone_fail_nth(3);	/* the object, one node; not the second */
	vm_object_split(&part, &offset, 160, &todo);
	zone_fail_nth(0);
	KT_CHECK(t, part != o && todo.n == 0 && part->backing_object == o &&
	    part->resident_page_count == 2 && o->resident_page_count == 1,
	    "%lu and %lu pages", (unsigned long)part->resident_page_count,
	    (unsigned long)o->resident_page_count);
	vm_check_object(part);
	vm_object_deallocate(o);
	KT_CHECK(t, chain_depth(part) == 1 && part->resident_page_count == 3,
	    "merged when the other part went");
	vm_object_deallocate(part);
}

/* Does a mapping join the one above where its object has room below? */
KTEST(collapse, coalesce_down)
{
	struct vmspace *a = vmspace_alloc();

	KT_CHECK(t, map_anon(a, BASE, 8, VM_INHERIT_COPY) == 0, "map");
	KT_CHECK(t, poke(a, 1, 1) && poke(a, 6, 6), "write");
	KT_CHECK(t, vm_map_remove(&a->vm_map, BASE, BASE + ptoa(4)) == 0 &&
	    map_anon(a, BASE + ptoa(1), 3, VM_INHERIT_COPY) == 0, "again");
	KT_CHECK(t, a->vm_map.nentries == 1 && peek(a, 1) == 0 &&
	    peek(a, 6) == 6 && entry_at(a, BASE + ptoa(1))->offset == ptoa(1),
	    "%u entries", a->vm_map.nentries);
	vm_check_all();
	sysref_put(a);
}

/* A server with many live children, each write of it to another page. */
#define CROWD	40
#define CPAGES	48

KTEST(collapse, many_live_children)
{
	static struct vmspace *child[CROWD];
	static uint64_t want[CROWD][CPAGES], mine[CPAGES];
	struct vmspace *vm = vmspace_alloc();
	uint64_t copied = vm_meter_sum(VM_METER_v_copied_up);
	unsigned i, p, c, depth, deepest = 0;

	KT_CHECK(t, map_anon(vm, BASE, CPAGES, VM_INHERIT_COPY) == 0, "map");
	for (p = 0; p < CPAGES; p++) {
		mine[p] = p;
		KT_CHECK(t, poke(vm, p, p), "write");
	}
	for (i = 0; i < 600; i++) {
		c = i % CROWD;
		for (p = 0; p < CPAGES && i >= CROWD; p++)
			KT_CHECK(t, peek(child[c], p) == want[c][p],
			    "child of %u, page %u", i - CROWD, p);
		if (i >= CROWD)
			sysref_put(child[c]);
		KT_CHECK(t, vmspace_fork(vm, &child[c]) == 0, "fork");
		for (p = 0; p < CPAGES; p++)
			want[c][p] = mine[p];
		mine[i * 7 % CPAGES] = i;
		KT_CHECK(t, poke(vm, i * 7 % CPAGES, i), "write");
		depth = chain_depth(entry_at(vm, BASE)->object);
		deepest = MAX(deepest, depth);
		if (i % 100 == 99)
			vm_check_all();
	}
	for (p = 0; p < CPAGES; p++)
		KT_CHECK(t, peek(vm, p) == mine[p], "page %u", p);
	for (c = 0; c < CROWD; c++)
		sysref_put(child[c]);
	vm_check_all();
	ktest_diag(t, "depth %u at most, %lu pages copied up", deepest,
	    vm_meter_sum(VM_METER_v_copied_up) - copied);
	KT_CHECK(t, deepest <= 8 &&
	    chain_depth(entry_at(vm, BASE)->object) == 1, "depth %u", deepest);
	sysref_put(vm);
}

/* The children of a server, and a child of each, end while it forks: nothing of
 * theirs may still be mapped in the server when their last reference goes. */
static struct vmspace	*leaving[CROWD];
static uint64_t		 leave_after;	/* pages copied up */

static void
leave(const char *point)
{
	unsigned c;

	if (strcmp(point, "fork.shortened") != 0 ||
	    vm_meter_sum(VM_METER_v_copied_up) == leave_after)
		return;
	for (c = 0; c < CROWD; c++) {
		if (leaving[c] == NULL)
			continue;
		sysref_put(leaving[c]);
		leaving[c] = NULL;
	}
}

KTEST(collapse, children_end_while_shortened)
{
	struct vmspace *vm = vmspace_alloc(), *last;
	unsigned i, p;

	memset(leaving, 0, sizeof(leaving));
	leave_after = vm_meter_sum(VM_METER_v_copied_up);
	KT_CHECK(t, map_anon(vm, BASE, CPAGES, VM_INHERIT_COPY) == 0, "map");
	for (i = 0; vm_meter_sum(VM_METER_v_copied_up) == leave_after; i++) {
		KT_CHECK(t, i < CROWD / 2, "the chain was never shortened");
		for (p = 0; p < CPAGES; p++)
			KT_CHECK(t, p == i ? poke(vm, p, p + 1) :
			    peek(vm, p) == (p < i ? p + 1 : 0), "page %u", p);
		vm_sched_hook = leave;
		KT_CHECK(t, vmspace_fork(vm, &last) == 0, "fork");
		vm_sched_hook = NULL;
		leaving[2 * i] = last;
		KT_CHECK(t, vmspace_fork(last, &leaving[2 * i + 1]) == 0,
		    "fork");
	}
	for (p = 0; p < CPAGES; p++)
		KT_CHECK(t, peek(vm, p) == (p < i ? p + 1 : 0), "page %u", p);
	leave("fork.shortened");
	vm_check_all();
	sysref_put(vm);
}
