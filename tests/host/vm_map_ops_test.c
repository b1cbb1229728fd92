/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_map_ops_test.c: operations on ranges of a map: protect, delete, replace,
 * wiring in transition, stacks, dontneed, and each of them short of memory.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "host_os.h"
#include "map_test.h"
#include "user_access.h"

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
	.name = "gate",
	.haspage = gate_haspage,
	.getpage = gate_getpage,
	.dealloc = gate_dealloc,
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
	KT_CHECK(t, vm_map_growstack(map, at + STACK_GAP) == EFAULT,
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
