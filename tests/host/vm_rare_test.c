/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_rare_test.c: what only a rare state leads to: pages that a pager of
 * anonymous memory has, want of memory in the middle, limits, misuse.
 */
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/zone.h>
#include <vm/vm_fault.h>
#include <vm/vm_kern.h>
#include <vm/vm_mremap.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_phys.h>
#include <vm/vm_sched.h>

#include "vm_fault_test.h"

/* ---- a pager that has page 1 only, and of a file ---- */

static bool
one_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	(void)object;
	return pindex == 1;
}

static int
one_getpage(struct vm_object *object, struct vm_page *m)
{
	(void)object;
	memset(pmap_page_kva(m), 0x77, PAGE_SIZE);
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
one_dealloc(struct vm_object *object)
{
	(void)object;
}

static const struct vm_pager_ops one_ops = {
	.name = "one", .haspage = one_haspage, .getpage = one_getpage,
	.dealloc = one_dealloc,
};

#define STORED	0x7777777777777777UL

/* a has pages 0-3; b, its child, has page 0 and stores page 1. */
static void
stored_make(struct ktest_ctx *t, struct vmspace **a, struct vmspace **b)
{
	*a = vmspace_alloc();
	KT_CHECK(t, map_anon(*a, BASE, 4, VM_INHERIT_COPY) == 0 &&
	    poke(*a, 0, 1) && poke(*a, 1, 2) && poke(*a, 2, 3) &&
	    poke(*a, 3, 4) && vmspace_fork(*a, b) == 0 && poke(*b, 0, 5),
	    "make");
	entry_at(*b, BASE)->object->pager = &one_ops;
}

static void
stored_end(struct vmspace *a, struct vmspace *b)
{
	entry_at(b, BASE)->object->pager = NULL;
	vm_check_all();
	sysref_put(b);
	sysref_put(a);
}

/* Does a stored page hide the one behind it from being mapped ahead? */
KTEST(rare, stored_page_is_not_seen_through)
{
	struct vmspace *a, *b;

	stored_make(t, &a, &b);
	KT_CHECK(t, peek(b, 2) == 3, "page 2: %lx", peek(b, 2));
	KT_CHECK(t, mapped_prot(b, 3) == VM_PROT_READ, "page 3 not ahead");
	KT_CHECK(t, mapped_prot(b, 1) == VM_PROT_NONE, "page 1 mapped");
	KT_CHECK(t, peek(b, 1) == STORED, "page 1: %lx", peek(b, 1));
	stored_end(a, b);
}

/* Is a page-in that finds no page begun again? */
KTEST(rare, page_in_without_memory)
{
	struct vmspace *a, *b;
	uint64_t hits;

	stored_make(t, &a, &b);
	vm_phys_fail_nth(1);
	KT_CHECK(t, peek(b, 1) == STORED, "page 1: %lx", peek(b, 1));
	hits = vm_phys_fail_hits();
	vm_phys_fail_nth(0);
	KT_CHECK(t, hits > 1, "%lu allocations", hits);
	stored_end(a, b);
}

/* ---- mremap of length 0 ---- */

/* Is shared memory of a file mapped once more, and no other? */
KTEST(rare, mremap_maps_a_file_again)
{
	struct vm_map_args m = { .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_SHARE, .eflags = MAP_ENTRY_SHARED };
	struct vm_mremap_args a = { .old = BASE + PAGE_SIZE,
	    .new_len = PAGE_SIZE, .maymove = true };
	struct vmspace *vm = vmspace_alloc();
	vm_offset_t va = 0;
	uint64_t v;

	m.object = vm_pager_allocate(&one_ops, &va, 2);
	KT_CHECK(t, map_at(vm, BASE, 2, &m) == 0, "map");
	KT_CHECK(t, map_anon(vm, BASE + ptoa(8), 1, VM_INHERIT_COPY) == 0,
	    "map");
	KT_CHECK(t, vm_mremap(vm, &a, &va) == 0, "again");
	KT_CHECK(t, va != a.old && user_load64(&vm->vm_map, va, &v) == 0 &&
	    v == STORED, "the file's page at %lx", va);
	KT_CHECK(t, poke(vm, 1, 6) && user_load64(&vm->vm_map, va, &v) == 0 &&
	    v == 6, "one page: %lx", v);
	vm->vm_limit_as = ptoa(4);
	KT_CHECK(t, vm_mremap(vm, &a, &va) == ENOMEM, "over the limit");
	vm->vm_limit_as = -1UL;
	a.old = BASE + ptoa(8);
	KT_CHECK(t, vm_mremap(vm, &a, &va) == EINVAL, "private");
	vm_check_all();
	sysref_put(vm);
}

/* ---- maps ---- */

/* Do the children of a shared guard see it, without memory behind it? */
KTEST(rare, shared_guard)
{
	struct vm_map_args g = { .prot = VM_PROT_NONE,
	    .max_prot = VM_PROT_NONE, .inherit = VM_INHERIT_SHARE,
	    .eflags = MAP_ENTRY_GUARD };
	struct vmspace *a = vmspace_alloc(), *b;

	KT_CHECK(t, map_at(a, BASE, 2, &g) == 0 && vmspace_fork(a, &b) == 0,
	    "fork");
	KT_CHECK(t, entry_at(b, BASE) != NULL &&
	    entry_at(b, BASE)->object == NULL &&
	    entry_at(a, BASE)->object == NULL, "an object");
	vm_check_all();
	sysref_put(a);
	sysref_put(b);
}

/* Write-only memory whose maximum becomes read-only has no right left. */
KTEST(rare, maximum_takes_the_last_right)
{
	struct vmspace *vm = vmspace_alloc();

	KT_CHECK(t, map_anon(vm, BASE, 2, VM_INHERIT_COPY) == 0, "map");
	KT_CHECK(t, vm_map_protect(&vm->vm_map, BASE, BASE + ptoa(2),
	    VM_PROT_WRITE, false) == 0 && poke(vm, 0, 1), "write-only");
	KT_CHECK(t, vm_map_protect(&vm->vm_map, BASE, BASE + ptoa(2),
	    VM_PROT_READ, true) == 0, "maximum");
	KT_CHECK(t, entry_at(vm, BASE)->protection == VM_PROT_NONE &&
	    mapped_prot(vm, 0) == VM_PROT_NONE && !poke(vm, 0, 2),
	    "rights left");
	vm_check_all();
	sysref_put(vm);
}

/* Does a stack with a wired part grow only as far as entries and memory go? */
KTEST(rare, wired_stack_grows_within_limits)
{
	static const struct vm_map_args st = { .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL, .inherit = VM_INHERIT_COPY,
	    .eflags = MAP_ENTRY_STACK, .avail_ssize = ptoa(8) };
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	unsigned max = map->max_entries;

	KT_CHECK(t, map_at(vm, BASE + ptoa(512), 2, &st) == 0 &&
	    vm_map_wire(map, BASE + ptoa(512), BASE + ptoa(514)) == 0, "map");
	map->max_entries = map->nentries;
	KT_CHECK(t, vm_map_growstack(map, BASE + ptoa(511)) == EFAULT,
	    "more entries than allowed");
	map->max_entries = max;
	zone_fail_nth(1);
	KT_CHECK(t, vm_map_growstack(map, BASE + ptoa(511)) == ENOMEM,
	    "no entry");
	zone_fail_nth(0);
	KT_CHECK(t, vm_map_growstack(map, map->max_offset) == EFAULT &&
	    vm_map_growstack(map, map->min_offset - PAGE_SIZE) == EFAULT &&
	    vm_map_growstack(kernel_map, BASE) == EFAULT, "elsewhere");
	KT_CHECK(t, poke(vm, 511, 1) && map->nentries == 2, "grow");
	vm_check_all();
	sysref_put(vm);
}

KTEST(rare, findspace_beyond_the_end)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	vm_offset_t va;

	vm_map_lock(map);
	KT_CHECK(t, vm_map_findspace(map, map->max_offset, PAGE_SIZE, PAGE_SIZE,
	    &va) == ENOMEM, "room behind the end");
	vm_map_unlock(map);
	sysref_put(vm);
}

/* ---- pages and kernel memory ---- */

KTEST(rare, memory_that_nobody_has)
{
	struct vm_page *m = vm_page_alloc_unowned(0);

	KT_CHECK(t, vm_phys_alloc_contig(VM_PHYS_MAXORDER + 1, 0, -1UL) == NULL,
	    "a block larger than any");
	KT_CHECK(t, kmem_alloc(1UL << 60, M_NOWAIT) == 0, "addresses");
	vm_page_deactivate(m);
	KT_CHECK(t, m->queue == PQ_NONE, "an unowned page is on queue %u",
	    m->queue);
	vm_page_free_unowned(m);
	vm_phys_fail_nth(2);
	KT_CHECK(t, kmem_alloc(ptoa(4), M_NOWAIT) == 0, "second page");
	vm_phys_fail_nth(0);
	vm_check_all();
}

/* ---- misuse ends in a panic that names it ---- */

static void
reference_freed(void *arg)
{
	struct vm_object *o = arg;

	o->ref_count = 0;
	vm_object_reference(o);
}

static void
deallocate_twice(void *arg)
{
	struct vm_object *o = arg;

	o->ref_count = 0;
	vm_object_deallocate(o);
}

static void
wire_nothing(void *arg)
{
	struct vmspace *vm = arg;

	if (vm_fault_wire(&vm->vm_map, BASE, BASE + PAGE_SIZE) == 0)
		vm_check_all();
}

static void
unwire_nothing(void *arg)
{
	struct vmspace *vm = arg;

	vm_map_lock(&vm->vm_map);
	vm_fault_unwire(&vm->vm_map, BASE, BASE + PAGE_SIZE);
}

static void
fork_no_inheritance(void *arg)
{
	struct vmspace *vm = arg, *child;

	if (map_anon(vm, BASE, 1, VM_INHERIT_COPY) != 0)
		return;
	entry_at(vm, BASE)->inheritance = 9;
	if (vmspace_fork(vm, &child) == 0)
		vm_check_all();
}

KTEST(rare, misuse_is_named)
{
	struct vm_object *o = vm_object_allocate(OBJT_DEFAULT, 1);
	struct vmspace *vm = vmspace_alloc();

	KT_CHECK(t, host_panics(reference_freed, o, "had 0 references"),
	    "reference");
	KT_CHECK(t, host_panics(deallocate_twice, o, "had 0 references"),
	    "deallocate");
	KT_CHECK(t, host_panics(wire_nothing, vm, "vm_fault_wire: no entry"),
	    "wire");
	KT_CHECK(t, host_panics(unwire_nothing, vm,
	    "vm_fault_unwire: no entry"), "unwire");
	KT_CHECK(t, host_panics(fork_no_inheritance, vm, "inheritance 9"),
	    "fork");
	vm_object_deallocate(o);
	sysref_put(vm);
}

/* ---- chaos ---- */

/* Do the named points yield and wait while chaos is on, and not after? */
KTEST(rare, chaos)
{
	struct vmspace *vm = vmspace_alloc(), *child;
	uint64_t hits;

	KT_CHECK(t, map_anon(vm, BASE, 4, VM_INHERIT_COPY) == 0, "map");
	vm_chaos_start(prng_next(&t->prng) | 1);
	for (unsigned i = 0; i < 200 && !t->failed; i++) {
		KT_CHECK(t, poke(vm, i % 4, i) && vmspace_fork(vm, &child) ==
		    0 && poke(child, i % 4, i + 1) && peek(vm, i % 4) == i,
		    "round %u", i);
		sysref_put(child);
	}
	hits = vm_chaos_hits();
	vm_chaos_start(0);
	KT_CHECK(t, hits > 100, "%lu points", hits);
	KT_CHECK(t, poke(vm, 0, 1) && vm_chaos_hits() == 0, "still on");
	vm_check_all();
	sysref_put(vm);
}
