/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_map_test.c: maps by themselves: insert and coalesce, clip and simplify,
 * find space, delete, protect, wiring in transition, stacks, want of memory.
 * What bytes a process sees is in vm_space_test.c and map_fuzz.c.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/sleepq.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_phys.h>

#include "harness.h"
#include "host_os.h"
#include "user_access.h"

#define BASE	0x10000000UL
#define P(n)	(BASE + ptoa(n))

static const struct vm_map_args anon = {
	.prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	.inherit = VM_INHERIT_COPY,
};

/* Insert pages [first, end) of BASE. */
static int
put(struct vm_map *map, vm_pindex_t first, vm_pindex_t end,
    const struct vm_map_args *a)
{
	int error;

	vm_map_lock(map);
	error = vm_map_insert(map, P(first), P(end), a);
	vm_map_check(map);
	vm_map_unlock(map);
	return error;
}

static void
check(struct vm_map *map)
{
	vm_map_lock_read(map);
	vm_map_check(map);
	vm_map_unlock_read(map);
}

static void
show(struct vm_map *map, const char *what)
{
	host_capture_pr("%s: ", what);
	vm_map_lock_read(map);
	vm_map_check(map);
	vm_show_map(map, host_capture_pr);
	vm_map_unlock_read(map);
}

static void
golden_begin(void)
{
	vm_show_ids = true;
	vm_show_reset_ids();
	host_capture_begin();
}

static void
golden_end(struct ktest_ctx *t, const char *name)
{
	vm_show_ids = false;
	if (!host_golden(t, name, host_capture_end()))
		t->failed = true;
}

/* ---- insert ---- */

/* Which neighbours merge, and which difference keeps them apart? */
KTEST(map, insert_coalesces)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	struct vm_map_args a = anon;

	golden_begin();
	KT_CHECK(t, put(map, 10, 12, &anon) == 0, "first");
	KT_CHECK(t, put(map, 12, 14, &anon) == 0, "above");
	show(map, "above");
	KT_CHECK(t, put(map, 8, 10, &anon) == 0, "below");
	show(map, "below");
	KT_CHECK(t, put(map, 4, 6, &anon) == 0, "apart");
	KT_CHECK(t, put(map, 6, 8, &anon) == 0, "between");
	show(map, "between");
	a.prot = VM_PROT_READ;
	KT_CHECK(t, put(map, 14, 16, &a) == 0, "other protection");
	a = anon;
	a.inherit = VM_INHERIT_NONE;
	KT_CHECK(t, put(map, 16, 18, &a) == 0, "other inheritance");
	a = anon;
	a.max_prot = VM_PROT_RW;
	KT_CHECK(t, put(map, 18, 20, &a) == 0, "other maximum");
	a = anon;
	a.eflags = MAP_ENTRY_NOCOALESCE;
	KT_CHECK(t, put(map, 20, 22, &a) == 0, "not to be merged");
	KT_CHECK(t, put(map, 22, 24, &a) == 0, "not to be merged");
	show(map, "differences");
	golden_end(t, "map_insert_coalesces");
	sysref_put(vm);
}

/* The same object joins at the next offset only, and gives up references. */
KTEST(map, insert_coalesces_an_object)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	struct vm_map_args a = anon;
	struct vm_object *o = vm_object_allocate(OBJT_DEFAULT, 64);
	unsigned i;
	static const struct {
		vm_pindex_t	at, offset;
		unsigned	entries, refs;
	} steps[] = {
		{ 10, 10, 1, 2 },	/* the first */
		{ 11, 11, 1, 2 },	/* next page of both */
		{ 9, 9, 1, 2 },		/* previous page of both */
		{ 12, 20, 2, 3 },	/* next address, other offset */
		{ 7, 7, 3, 4 },		/* a hole between */
		{ 8, 8, 2, 3 },		/* and filled: joins both sides */
	};

	a.object = o;
	for (i = 0; i < nitems(steps); i++) {
		vm_object_reference(o);
		a.offset = ptoa(steps[i].offset);
		KT_CHECK(t, put(map, steps[i].at, steps[i].at + 1, &a) == 0,
		    "step %u", i);
		KT_CHECK(t, map->nentries == steps[i].entries,
		    "step %u: %u entries", i, map->nentries);
		KT_CHECK(t, o->ref_count == (int)steps[i].refs,
		    "step %u: %d references", i, o->ref_count);
	}
	sysref_put(vm);
	KT_CHECK(t, o->ref_count == 1, "%d references", o->ref_count);
	vm_object_deallocate(o);
}

/* A growing heap stays one entry and one object, touched or not. */
KTEST(map, insert_extends_an_anonymous_object)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	uint64_t objects = vm_object_count(), v;
	vm_pindex_t i;

	for (i = 0; i < 32; i++) {
		KT_CHECK(t, put(map, i, i + 1, &anon) == 0, "page %lu", i);
		KT_CHECK(t, user_store64(map, P(i), i + 1) == 0, "store");
	}
	KT_CHECK(t, map->nentries == 1, "%u entries", map->nentries);
	KT_CHECK(t, vm_object_count() == objects + 1, "objects");
	/* Unmap the upper half and map it again: zero, not what was there. */
	KT_CHECK(t, vm_map_remove(map, P(16), P(32)) == 0, "remove");
	KT_CHECK(t, put(map, 16, 32, &anon) == 0, "again");
	KT_CHECK(t, map->nentries == 1, "%u entries", map->nentries);
	for (i = 0; i < 32; i++) {
		KT_CHECK(t, user_load64(map, P(i), &v) == 0, "load");
		KT_CHECK(t, v == (i < 16 ? i + 1 : 0), "page %lu: %lu", i, v);
	}
	sysref_put(vm);
}

KTEST(map, insert_refuses)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	vm_offset_t min = map->min_offset, max = map->max_offset;

	KT_CHECK(t, put(map, 10, 20, &anon) == 0, "first");
	KT_CHECK(t, put(map, 9, 11, &anon) == EEXIST, "over its start");
	KT_CHECK(t, put(map, 19, 21, &anon) == EEXIST, "over its end");
	KT_CHECK(t, put(map, 12, 13, &anon) == EEXIST, "inside");
	KT_CHECK(t, put(map, 9, 21, &anon) == EEXIST, "around");
	KT_CHECK(t, put(map, 5, 5, &anon) == EINVAL, "empty");
	vm_map_lock(map);
	KT_CHECK(t, vm_map_insert(map, P(1) + 1, P(2), &anon) == EINVAL,
	    "not aligned");
	KT_CHECK(t, vm_map_insert(map, P(1), P(2) - 1, &anon) == EINVAL,
	    "not aligned");
	KT_CHECK(t, vm_map_insert(map, min - PAGE_SIZE, min + PAGE_SIZE,
	    &anon) == EINVAL, "below the map");
	KT_CHECK(t, vm_map_insert(map, max - PAGE_SIZE, max + PAGE_SIZE,
	    &anon) == EINVAL, "above the map");
	KT_CHECK(t, vm_map_insert(map, min, min + PAGE_SIZE, &anon) == 0,
	    "the first page");
	KT_CHECK(t, vm_map_insert(map, max - PAGE_SIZE, max, &anon) == 0,
	    "the last page");
	vm_map_check(map);
	vm_map_unlock(map);
	KT_CHECK(t, map->nentries == 3, "%u entries", map->nentries);
	sysref_put(vm);
}

KTEST(map, entries_are_limited)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	unsigned i;

	map->max_entries = 100;
	for (i = 0; i < 100; i++)
		KT_CHECK(t, put(map, 2 * i, 2 * i + 1, &anon) == 0, "%u", i);
	KT_CHECK(t, put(map, 300, 301, &anon) == ENOMEM, "one too many");
	KT_CHECK(t, put(map, 199, 200, &anon) == 0, "joining needs none");
	KT_CHECK(t, map->nentries == 100, "%u entries", map->nentries);
	KT_CHECK(t, vm_map_protect(map, P(199), P(200), VM_PROT_READ, false)
	    == ENOMEM, "a clip is one too many");
	KT_CHECK(t, vm_map_remove(map, P(198), P(200)) == 0, "remove");
	sysref_put(vm);
}

/* ---- find space ---- */

#define FS_PAGES	512

/* The lowest place by trying all. */
static int
brute_findspace(const bool *used, vm_pindex_t hint, vm_pindex_t n,
    vm_pindex_t align, vm_pindex_t *at)
{
	vm_pindex_t i, j;

	for (i = roundup2(hint, align); i + n <= FS_PAGES; i += align) {
		for (j = 0; j < n && !used[i + j]; j++)
			continue;
		if (j == n) {
			*at = i;
			return 0;
		}
	}
	return ENOMEM;
}

static bool
compare_findspace(struct ktest_ctx *t, struct vm_map *map, const bool *used)
{
	vm_pindex_t hint = prng_below(&t->prng, FS_PAGES), want = 0;
	vm_pindex_t n = 1 + prng_below(&t->prng, 24);
	vm_pindex_t align = 1UL << prng_below(&t->prng, 6);
	vm_offset_t got = 0;
	int error, want_error;

	error = vm_map_findspace(map, P(hint), ptoa(n), ptoa(align), &got);
	want_error = brute_findspace(used, hint, n, align, &want);
	if (error == want_error && (error != 0 || got == P(want)))
		return true;
	ktest_fail(t, __FILE__, __LINE__, "hint %lu n %lu align %lu: %d at "
	    "%#lx, want %d at %#lx", hint, n, align, error, got, want_error,
	    P(want));
	return false;
}

KTEST(map, findspace_matches_brute_force)
{
	struct vm_map_args a = anon;
	struct vm_map map;
	bool used[FS_PAGES];
	vm_pindex_t i, n;
	unsigned round;

	/* A map of FS_PAGES pages only, so that it fills up. */
	vm_map_init(&map, kernel_pmap, BASE, BASE + ptoa(FS_PAGES), true);
	a.eflags = MAP_ENTRY_NOCOALESCE;
	memset(used, 0, sizeof(used));
	for (round = 0; round < 4000; round++) {
		i = prng_below(&t->prng, FS_PAGES - 16);
		n = 1 + prng_below(&t->prng, 16);
		if (prng_below(&t->prng, 2) == 0) {
			if (put(&map, i, i + n, &a) == 0)
				memset(&used[i], 1, n);
		} else {
			KT_CHECK(t, vm_map_remove(&map, P(i), P(i + n)) == 0,
			    "remove");
			memset(&used[i], 0, n);
		}
		vm_map_lock_read(&map);
		vm_map_check(&map);
		KT_CHECK(t, compare_findspace(t, &map, used), "round %u",
		    round);
		vm_map_unlock_read(&map);
	}
	KT_CHECK(t, vm_map_remove(&map, BASE, BASE + ptoa(FS_PAGES)) == 0,
	    "remove all");
	rw_destroy(&map.lock);
}

/* vm_map_find in a map of the kernel: lowest place, aligned, and ENOMEM when
 * there is none. */
KTEST(map, find_takes_the_lowest_place)
{
	struct vm_map_args a = anon;
	struct vm_map map;
	vm_offset_t at = 0;

	vm_map_init(&map, kernel_pmap, BASE, BASE + ptoa(64), true);
	a.eflags = MAP_ENTRY_KERNEL | MAP_ENTRY_NOCOALESCE;
	KT_CHECK(t, put(&map, 1, 3, &a) == 0, "put");
	KT_CHECK(t, vm_map_find(&map, &at, ptoa(2), PAGE_SIZE, &a) == 0 &&
	    at == P(3), "%#lx", at);
	at = 0;
	KT_CHECK(t, vm_map_find(&map, &at, ptoa(1), ptoa(16), &a) == 0 &&
	    at == P(0), "%#lx", at);
	at = 0;
	KT_CHECK(t, vm_map_find(&map, &at, ptoa(20), ptoa(16), &a) == 0 &&
	    at == P(16), "%#lx", at);
	at = P(7);
	KT_CHECK(t, vm_map_find(&map, &at, ptoa(40), PAGE_SIZE, &a) == ENOMEM
	    && at == P(7), "%#lx", at);
	KT_CHECK(t, vm_map_remove(&map, BASE, BASE + ptoa(64)) == 0, "remove");
	rw_destroy(&map.lock);
}

KTEST(map, lookup_finds_the_entry_or_the_one_below)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *entry;
	vm_pindex_t i, k, pass;
	bool hit;

	for (i = 0; i < 200; i++)
		KT_CHECK(t, put(map, 3 * i, 3 * i + 2, &anon) == 0, "put");
	vm_map_lock_read(map);
	KT_CHECK(t, !vm_map_lookup_entry(map, P(0) - 1, &entry) &&
	    entry == NULL, "below all");
	for (pass = 0; pass < 1200; pass++) {
		k = prng_below(&t->prng, 600);
		hit = vm_map_lookup_entry(map, P(k) + 17, &entry);
		KT_CHECK(t, hit == (k % 3 != 2), "page %lu", k);
		KT_CHECK(t, entry->start == P(k / 3 * 3), "page %lu: %#lx", k,
		    entry->start);
	}
	vm_map_unlock_read(map);
	sysref_put(vm);
}

/* ---- clip, simplify, protect ---- */

KTEST(map, protect_clips_and_simplifies)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	unsigned stamp;

	golden_begin();
	KT_CHECK(t, put(map, 0, 16, &anon) == 0, "put");
	KT_CHECK(t, user_store(map, P(5), 1) == 0, "make the object");
	stamp = map->timestamp;
	KT_CHECK(t, vm_map_protect(map, P(4), P(8), VM_PROT_READ, false) == 0,
	    "read only");
	KT_CHECK(t, map->timestamp != stamp, "the timestamp stood still");
	show(map, "middle read only");
	KT_CHECK(t, user_store(map, P(5), 2) == EACCES, "store");
	KT_CHECK(t, user_store(map, P(3), 2) == 0, "store beside it");
	KT_CHECK(t, vm_map_protect(map, P(6), P(12), VM_PROT_NONE, false) == 0,
	    "none, over the boundary");
	show(map, "upper half of it and more none");
	KT_CHECK(t, vm_map_protect(map, P(0), P(16), VM_PROT_RW, false) == 0,
	    "all back");
	show(map, "all back");
	KT_CHECK(t, user_store(map, P(5), 2) == 0, "store");
	golden_end(t, "map_protect");
	sysref_put(vm);
}

KTEST(map, protect_refuses_and_changes_nothing)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	struct vm_map_args a = anon;
	unsigned stamp;

	a.max_prot = VM_PROT_RW;
	KT_CHECK(t, put(map, 0, 4, &anon) == 0, "put");
	KT_CHECK(t, put(map, 4, 8, &a) == 0, "put");
	KT_CHECK(t, put(map, 10, 12, &anon) == 0, "put");
	stamp = map->timestamp;
	KT_CHECK(t, vm_map_protect(map, P(2), P(11), VM_PROT_READ, false) ==
	    ENOMEM, "a hole");
	KT_CHECK(t, vm_map_protect(map, P(11), P(13), VM_PROT_READ, false) ==
	    ENOMEM, "a hole at the end");
	KT_CHECK(t, vm_map_protect(map, P(2), P(6), VM_PROT_ALL, false) ==
	    EACCES, "above the maximum");
	KT_CHECK(t, vm_map_protect(map, P(2) + 1, P(6), VM_PROT_READ, false) ==
	    EINVAL, "not aligned");
	KT_CHECK(t, map->timestamp == stamp && map->nentries == 3,
	    "%u entries", map->nentries);
	KT_CHECK(t, vm_map_protect(map, P(0), P(4), VM_PROT_READ, true) == 0,
	    "lower the maximum");
	KT_CHECK(t, vm_map_protect(map, P(1), P(2), VM_PROT_RW, false) ==
	    EACCES, "above the lowered maximum");
	sysref_put(vm);
}

/* One call and one shootdown for a range, none when no right is lost. */
KTEST(map, protect_tells_the_pmap_once)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	struct vm_map_args a = anon;
	struct fake_stats was, is;

	a.inherit = VM_INHERIT_NONE;
	KT_CHECK(t, put(map, 0, 4, &anon) == 0 && put(map, 4, 8, &a) == 0,
	    "put");
	KT_CHECK(t, user_store(map, P(0), 1) == 0, "store");
	was = fake_pmap_stats();
	KT_CHECK(t, vm_map_protect(map, P(0), P(8), VM_PROT_READ, false) == 0,
	    "less");
	is = fake_pmap_stats();
	KT_CHECK(t, is.protects == was.protects + 1, "%lu calls",
	    is.protects - was.protects);
	KT_CHECK(t, vm_map_protect(map, P(0), P(8), VM_PROT_RW, false) == 0,
	    "more");
	KT_CHECK(t, fake_pmap_stats().protects == is.protects, "called");
	sysref_put(vm);
}

/* ---- delete ---- */

KTEST(map, partial_unmap_frees_the_pages)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *entry;
	struct fake_stats was;
	vm_pindex_t i;

	KT_CHECK(t, put(map, 0, 16, &anon) == 0, "put");
	for (i = 0; i < 16; i++)
		KT_CHECK(t, user_store(map, P(i), 1) == 0, "store");
	was = fake_pmap_stats();
	KT_CHECK(t, vm_map_remove(map, P(4), P(12)) == 0, "remove");
	KT_CHECK(t, fake_pmap_stats().removes == was.removes + 1,
	    "pmap_remove called %lu times",
	    fake_pmap_stats().removes - was.removes);
	KT_CHECK(t, map->nentries == 2, "%u entries", map->nentries);
	vm_map_lock_read(map);
	KT_CHECK(t, vm_map_lookup_entry(map, P(0), &entry), "lookup");
	KT_CHECK(t, entry->object->resident_page_count == 8, "%lu pages left",
	    entry->object->resident_page_count);
	vm_map_check(map);
	vm_map_unlock_read(map);
	KT_CHECK(t, user_store(map, P(5), 1) == EFAULT, "store in the hole");
	KT_CHECK(t, user_store(map, P(3), 1) == 0, "store below");
	KT_CHECK(t, vm_map_remove(map, P(4), P(12)) == 0, "a hole again");
	vm_check_all();
	sysref_put(vm);
}

/* After fork and exit of the child the object is the parent's alone again. */
KTEST(map, partial_unmap_after_fork_frees_the_pages)
{
	struct vmspace *vm = vmspace_alloc(), *child;
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *entry;
	vm_pindex_t i;

	KT_CHECK(t, put(map, 0, 8, &anon) == 0, "put");
	for (i = 0; i < 8; i++)
		KT_CHECK(t, user_store(map, P(i), 1) == 0, "store");
	KT_CHECK(t, vmspace_fork(vm, &child) == 0, "fork");
	sysref_put(child);
	KT_CHECK(t, vm_map_remove(map, P(0), P(4)) == 0, "remove");
	vm_map_lock_read(map);
	KT_CHECK(t, vm_map_lookup_entry(map, P(4), &entry), "lookup");
	KT_CHECK(t, entry->object->resident_page_count == 4, "%lu pages left",
	    entry->object->resident_page_count);
	vm_map_unlock_read(map);
	sysref_put(vm);
}

KTEST(map, fixed_replaces)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	struct vm_map_args a = anon;
	uint8_t v = 1;

	golden_begin();
	KT_CHECK(t, put(map, 0, 8, &anon) == 0, "put");
	KT_CHECK(t, user_store(map, P(3), 9) == 0, "store");
	KT_CHECK(t, vm_map_fixed(map, P(2), ptoa(4), true, &anon) == EEXIST,
	    "exclusive");
	a.prot = VM_PROT_READ;
	KT_CHECK(t, vm_map_fixed(map, P(2), ptoa(4), false, &a) == 0,
	    "replace");
	show(map, "replaced");
	KT_CHECK(t, user_load(map, P(3), &v) == 0 && v == 0, "load %u", v);
	KT_CHECK(t, vm_map_fixed(map, P(6), ptoa(8), false, &anon) == 0,
	    "replace and extend");
	show(map, "replaced and extended");
	KT_CHECK(t, vm_map_fixed(map, P(2), -ptoa(1), false, &anon) == EINVAL,
	    "wraps");
	golden_end(t, "map_fixed");
	sysref_put(vm);
}

/* ---- wiring ---- */

/* A file whose pages come only when the gate opens. */
static unsigned gate_open, gate_waiting;	/* [a] */

static bool
gate_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	(void)object;
	(void)pindex;
	return true;
}

static int
gate_getpage(struct vm_object *object, struct vm_page *m)
{
	(void)object;
	atomic_add(&gate_waiting, 1);
	while (atomic_load(&gate_open) == 0)
		hos_yield();
	memset(pmap_page_kva(m), 0x5a, PAGE_SIZE);
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
gate_dealloc(struct vm_object *object)
{
	(void)object;
}

static const struct vm_pager_ops gate_ops = {
	"gate", gate_haspage, gate_getpage, gate_dealloc
};

struct wire_arg {
	struct vm_map	*map;
	int		 error;		/* of the thread */
	unsigned	 done;		/* [a] */
};

static void
wire_thread(void *p)
{
	struct wire_arg *w = p;

	w->error = vm_map_wire(w->map, P(0), P(4));
	atomic_store(&w->done, 1);
}

static void
unmap_thread(void *p)
{
	struct wire_arg *w = p;

	w->error = vm_map_remove(w->map, P(2), P(8));
	atomic_store(&w->done, 1);
}

/* Does munmap wait for an mlock that is under way, and lookup not? */
KTEST(map, unmap_waits_for_wiring)
{
	struct vmspace *vm = vmspace_alloc();
	struct wire_arg w = { &vm->vm_map, -1, 0 }, u = { &vm->vm_map, -1, 0 };
	struct vm_map_args a = anon;
	struct host_thread *wt, *ut;
	unsigned i;

	gate_open = gate_waiting = 0;
	a.object = vm_pager_allocate(&gate_ops, NULL, 8);
	KT_CHECK(t, put(&vm->vm_map, 0, 8, &a) == 0, "put");
	wt = host_thread_start(wire_thread, &w);
	while (atomic_load(&gate_waiting) == 0)
		hos_yield();
	ut = host_thread_start(unmap_thread, &u);
	for (i = 0; i < 2000; i++)
		hos_yield();
	check(&vm->vm_map);
	KT_CHECK(t, atomic_load(&u.done) == 0 && atomic_load(&w.done) == 0,
	    "munmap %u, mlock %u did not wait", u.done, w.done);
	atomic_store(&gate_open, 1);
	host_thread_join(wt);
	host_thread_join(ut);
	KT_CHECK(t, w.error == 0 && u.error == 0, "mlock %d, munmap %d",
	    w.error, u.error);
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 2, "%lu wired",
	    pmap_wired_count(vm->vm_pmap));
	vm_check_all();
	sysref_put(vm);
}

/* All or nothing: when the last page cannot be wired, none is. */
KTEST(map, wire_undoes_on_failure)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	struct vm_map_args a = anon;

	KT_CHECK(t, put(map, 0, 4, &anon) == 0, "put");
	a.prot = VM_PROT_NONE;
	KT_CHECK(t, put(map, 4, 8, &a) == 0, "put");
	KT_CHECK(t, vm_map_wire(map, P(1), P(6)) == EACCES, "wire");
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 0, "%lu wired",
	    pmap_wired_count(vm->vm_pmap));
	/* Page 0 has no object yet, the others got one. */
	KT_CHECK(t, map->nentries == 3, "%u entries", map->nentries);
	KT_CHECK(t, vm_map_wire(map, P(1), P(3)) == 0, "wire");
	KT_CHECK(t, vm_map_wire(map, P(0), P(4)) == 0, "wire around");
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 4, "%lu wired",
	    pmap_wired_count(vm->vm_pmap));
	KT_CHECK(t, vm_map_dontneed(map, P(0), P(1)) == EINVAL, "dontneed");
	KT_CHECK(t, vm_map_wire(map, P(7), P(9)) == ENOMEM, "a hole");
	vm_check_all();
	KT_CHECK(t, vm_map_unwire(map, P(0), P(2)) == 0, "unwire");
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 2, "%lu wired",
	    pmap_wired_count(vm->vm_pmap));
	sysref_put(vm);
}

/* ---- stacks ---- */

#define SP_TOP	0x7fff0000UL

static int
put_stack(struct vm_map *map, vm_size_t size, vm_size_t room)
{
	struct vm_map_args a = anon;
	int error;

	a.eflags = MAP_ENTRY_STACK;
	a.avail_ssize = room;
	vm_map_lock(map);
	error = vm_map_insert(map, SP_TOP - size, SP_TOP, &a);
	vm_map_check(map);
	vm_map_unlock(map);
	return error;
}

KTEST(map, stack_grows_to_its_limit)
{
	struct vmspace *vm = vmspace_alloc(), *child;
	struct vm_map *map = &vm->vm_map;
	uint8_t v;

	KT_CHECK(t, put_stack(map, ptoa(2), ptoa(8)) == 0, "stack");
	KT_CHECK(t, user_store(map, SP_TOP - 1, 1) == 0, "top");
	KT_CHECK(t, user_store(map, SP_TOP - ptoa(4), 2) == 0, "grow");
	KT_CHECK(t, map->size == ptoa(4) && map->nentries == 1, "size %#lx",
	    map->size);
	/* The copy has room below, too, with its own contents. */
	KT_CHECK(t, vmspace_fork(vm, &child) == 0, "fork");
	KT_CHECK(t, user_store(&child->vm_map, SP_TOP - ptoa(4), 3) == 0,
	    "child writes");
	KT_CHECK(t, user_store(&child->vm_map, SP_TOP - ptoa(6), 4) == 0,
	    "child grows");
	KT_CHECK(t, child->vm_map.nentries == 1, "%u entries",
	    child->vm_map.nentries);
	vm_check_all();
	sysref_put(child);
	KT_CHECK(t, user_load(map, SP_TOP - ptoa(4), &v) == 0 && v == 2,
	    "%u", v);
	KT_CHECK(t, user_store(map, SP_TOP - ptoa(10), 1) == 0, "all of it");
	KT_CHECK(t, user_store(map, SP_TOP - ptoa(10) - 1, 1) == EFAULT,
	    "beyond");
	vm_check_all();
	sysref_put(vm);
}

KTEST(map, stack_keeps_its_gap)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	vm_size_t room = 2 * STACK_GAP;
	vm_offset_t low = SP_TOP - ptoa(1), at;
	struct vm_map_args guard = anon;

	guard.prot = guard.max_prot = VM_PROT_NONE;
	guard.eflags = MAP_ENTRY_GUARD;
	KT_CHECK(t, put_stack(map, ptoa(1), room) == 0, "stack");
	KT_CHECK(t, vm_map_fixed(map, low - STACK_GAP, ptoa(1), false, &anon)
	    == ENOMEM, "mapping in the gap");
	KT_CHECK(t, vm_map_fixed(map, low - ptoa(1), ptoa(1), false, &guard)
	    == 0, "guard in the gap");
	KT_CHECK(t, vm_map_remove(map, low - ptoa(1), low) == 0, "remove");
	vm_map_lock(map);
	KT_CHECK(t, vm_map_findspace(map, low - room - STACK_GAP, ptoa(1),
	    PAGE_SIZE, &at) == 0 && at == SP_TOP, "findspace gave %#lx", at);
	KT_CHECK(t, vm_map_findspace(map, low - room - STACK_GAP - ptoa(1),
	    ptoa(1), PAGE_SIZE, &at) == 0 &&
	    at == low - room - STACK_GAP - ptoa(1), "findspace gave %#lx", at);
	vm_map_unlock(map);

	/* A mapping in its room, beyond the gap: it stops a gap above that. */
	at = low - room;
	KT_CHECK(t, vm_map_fixed(map, at, ptoa(1), false, &anon) == 0,
	    "mapping in the room");
	KT_CHECK(t, vm_map_growstack(map, at + ptoa(1) + STACK_GAP) == 0,
	    "up to the gap");
	KT_CHECK(t, vm_map_growstack(map, at + STACK_GAP) == ENOMEM,
	    "into the gap");
	KT_CHECK(t, vm_map_growstack(map, SP_TOP + 1) == EFAULT, "above");
	vm_check_all();
	sysref_put(vm);
}

/* mlock of a stack covers what is there, not what it grows into. */
KTEST(map, wired_stack_grows_unwired)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	uint8_t v;

	KT_CHECK(t, put_stack(map, ptoa(2), ptoa(8)) == 0, "stack");
	KT_CHECK(t, vm_map_wire(map, SP_TOP - ptoa(2), SP_TOP) == 0, "wire");
	KT_CHECK(t, user_store(map, SP_TOP - ptoa(3), 5) == 0, "grow");
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 2, "%lu wired",
	    pmap_wired_count(vm->vm_pmap));
	KT_CHECK(t, map->nentries == 2, "%u entries", map->nentries);
	KT_CHECK(t, user_store(map, SP_TOP - ptoa(10), 6) == 0, "grow more");
	KT_CHECK(t, map->nentries == 2, "%u entries", map->nentries);
	KT_CHECK(t, vm_map_unwire(map, SP_TOP - ptoa(2), SP_TOP) == 0,
	    "unwire");
	KT_CHECK(t, map->nentries == 1, "%u entries after all is equal again",
	    map->nentries);
	KT_CHECK(t, user_load(map, SP_TOP - ptoa(3), &v) == 0 && v == 5, "%u",
	    v);
	vm_check_all();
	sysref_put(vm);
}

/* ---- dontneed ---- */

static int
peek(struct vmspace *vm, vm_pindex_t i)
{
	uint8_t v;
	int error = user_load(&vm->vm_map, P(i), &v);

	return error == 0 ? v : 1000 + error;
}

/* What is read afterwards: zero from anonymous memory, alone or shared by copy
 * on write; the file's byte from a private mapping; the same byte from shared
 * memory.  And the entry is split only when its object has to be replaced. */
KTEST(map, dontneed)
{
	struct vmspace *vm = vmspace_alloc(), *child;
	struct vm_map *map = &vm->vm_map;
	struct vm_map_args file = anon, shared = anon;
	vm_pindex_t i;

	gate_open = 1;
	file.object = vm_pager_allocate(&gate_ops, NULL, 8);
	file.eflags = MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY;
	shared.inherit = VM_INHERIT_SHARE;
	shared.eflags = MAP_ENTRY_SHARED;
	KT_CHECK(t, put(map, 0, 4, &anon) == 0 && put(map, 4, 8, &file) == 0 &&
	    put(map, 8, 12, &shared) == 0, "put");
	for (i = 0; i < 12; i++)
		KT_CHECK(t, user_store(map, P(i), (uint8_t)(i + 1)) == 0,
		    "store");
	KT_CHECK(t, vm_map_dontneed(map, P(1), P(2)) == 0, "alone");
	KT_CHECK(t, map->nentries == 3 && peek(vm, 0) == 1 &&
	    peek(vm, 1) == 0, "%u entries", map->nentries);
	KT_CHECK(t, vmspace_fork(vm, &child) == 0, "fork");
	KT_CHECK(t, vm_map_dontneed(map, P(2), P(11)) == 0, "all kinds");
	KT_CHECK(t, peek(vm, 2) == 0 && peek(vm, 3) == 0, "anonymous: %d %d",
	    peek(vm, 2), peek(vm, 3));
	KT_CHECK(t, peek(vm, 4) == 0x5a && peek(vm, 7) == 0x5a, "file: %d %d",
	    peek(vm, 4), peek(vm, 7));
	KT_CHECK(t, peek(vm, 8) == 9 && peek(vm, 10) == 11, "shared: %d %d",
	    peek(vm, 8), peek(vm, 10));
	for (i = 2; i < 12; i++)
		KT_CHECK(t, peek(child, i) == (int)i + 1, "child reads %d at "
		    "%lu", peek(child, i), i);
	KT_CHECK(t, vm_map_dontneed(map, P(11), P(13)) == ENOMEM, "a hole");
	vm_check_all();
	sysref_put(child);
	sysref_put(vm);
}

/* ---- want of memory ---- */

/* Clip, insert, replace and fork fail at each allocation, change nothing, and
 * work when it is there. */
KTEST(map, every_allocation_may_fail)
{
	struct vmspace *vm = vmspace_alloc(), *child = NULL;
	struct vm_map *map = &vm->vm_map;
	uint64_t n;
	int op, error = 0;
	vm_pindex_t i;
	unsigned entries;
	bool ok;

	KT_CHECK(t, put(map, 0, 32, &anon) == 0, "put");
	for (i = 0; i < 32; i++)
		KT_CHECK(t, user_store(map, P(i), (uint8_t)i) == 0, "store");
	for (op = 0; op < 6; op++) {
		for (n = 1, ok = false; !ok; n++) {
			entries = map->nentries;
			zone_fail_nth(n);
			switch (op) {
			case 0:
				error = vm_map_protect(map, P(4), P(8),
				    VM_PROT_READ, false);
				break;
			case 1:
				error = vm_map_inherit(map, P(12), P(16),
				    VM_INHERIT_SHARE);
				break;
			case 2:
				error = vm_map_remove(map, P(18), P(20));
				break;
			case 3:
				error = put(map, 64, 65, &anon);
				break;
			case 4:
				error = vmspace_fork(vm, &child);
				break;
			default:
				error = vm_map_fixed(map, P(21), ptoa(3),
				    false, &anon);
				break;
			}
			zone_fail_nth(0);
			ok = error == 0;
			KT_CHECK(t, ok || error == ENOMEM, "op %d: %d", op,
			    error);
			KT_CHECK(t, ok || map->nentries == entries,
			    "op %d failed and left %u entries of %u", op,
			    map->nentries, entries);
			KT_CHECK(t, n < 200, "op %d never worked", op);
			vm_check_all();
		}
		KT_CHECK(t, n > 2, "op %d allocates nothing", op);
	}
	sysref_put(child);
	sysref_put(vm);
}

/* ---- the audit ---- */

static void
audit_bad(void *p)
{
	struct vm_map *map = p;

	vm_map_lock_read(map);
	vm_map_check(map);
}

KTEST(map, check_finds_each_broken_rule)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e, old;

	KT_CHECK(t, put(map, 0, 4, &anon) == 0 && put(map, 8, 12, &anon) == 0,
	    "put");
	vm_map_lock(map);
	KT_CHECK(t, vm_map_lookup_entry(map, P(8), &e), "lookup");
	vm_map_unlock(map);
	old = *e;
#define BROKEN(field, value, what) do {					\
	e->field = (value);						\
	KT_CHECK(t, host_panics(audit_bad, map, what), #field);		\
	*e = old;							\
} while (0)
	BROKEN(start, P(3), "M1");
	BROKEN(end, P(8), "M2");
	BROKEN(end, P(9) + 1, "M2");
	BROKEN(gap_before, ptoa(9), "M3");
	BROKEN(max_gap, ptoa(1), "M3");
	BROKEN(offset, ptoa(1), "M4");
	BROKEN(eflags, MAP_ENTRY_NEEDS_COPY, "M4");
	BROKEN(avail_ssize, ptoa(1), "M5");
	BROKEN(wired_count, 1, "M6");
	BROKEN(eflags, MAP_ENTRY_IN_TRANSITION, "M7");
	BROKEN(max_protection, VM_PROT_READ, "above its maximum");
#undef BROKEN
	map->nentries++;
	KT_CHECK(t, host_panics(audit_bad, map, "M3"), "nentries");
	map->nentries--;
	check(map);
	sysref_put(vm);
}
