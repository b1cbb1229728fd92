/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_map_test.c: maps by themselves: insert and coalesce, find space, lookup,
 * and the audit.  Operations on ranges are in vm_map_ops_test.c; what bytes a
 * process sees, in vm_space_test.c and map_fuzz.c.
 */
#include <lib/string.h>
#include <sys/errno.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>

#include "map_test.h"
#include "user_access.h"

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
