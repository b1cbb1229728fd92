/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_map_insert.c: new mappings: at a place, anywhere, or over what is there.
 *
 * A new mapping joins a neighbour when the result is the same: equal rights,
 * inheritance and flags, and either no object on both sides, the same object
 * at the next offset, or an anonymous object that can be extended: upwards at
 * its end, downwards into room that it has (vm_object_coalesce, _down).  So a
 * growing heap stays one entry and one object.
 *
 * Invariants: those of vm_map.c; and no mapping but a guard comes closer than
 * STACK_GAP below a stack.
 * Locks: the map, write; objects inside vm_object_coalesce.
 * Sources: McKusick et al., 4.4BSD, ch. 5; CVE-2017-1000364 for the gap.
 */
#include <vm/vm_map.h>

#include <lib/assert.h>
#include <sys/errno.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>

#include "vm_priv.h"

int
vm_map_range_check(const struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	if (((start | end) & PAGE_MASK) != 0 || start >= end ||
	    start < map->min_offset || end > map->max_offset)
		return EINVAL;
	return 0;
}

/*
 * Would [start, end) come too close below a stack, or, being a stack, have
 * something too close below itself?  Guards are welcome in the gap.
 */
bool
vm_map_stack_conflict(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    const struct vm_map_args *a)
{
	struct vm_map_entry *entry;
	vm_size_t keep;

	if ((a->eflags & MAP_ENTRY_GUARD) != 0)
		return false;
	entry = vm_map_entry_ge(map, end);
	if (entry != NULL && (entry->eflags & MAP_ENTRY_STACK) != 0 &&
	    entry->start >= end && entry->start - end < STACK_GAP)
		return true;
	if ((a->eflags & MAP_ENTRY_STACK) == 0)
		return false;
	keep = a->avail_ssize + STACK_GAP;
	if (keep < STACK_GAP || start - map->min_offset < keep)
		return true;
	entry = vm_map_entry_ge(map, start - keep);
	return entry != NULL && entry->start < start;
}

static bool
entry_agrees(const struct vm_map_entry *entry, const struct vm_map_args *a)
{
	uint32_t ignore = a->object == NULL ? MAP_ENTRY_COW : 0;

	return (entry->eflags & ~ignore) == a->eflags &&
	    (a->eflags & (ENTRY_SOLITARY | MAP_ENTRY_STACK)) == 0 &&
	    entry->protection == a->prot &&
	    entry->max_protection == a->max_prot &&
	    entry->inheritance == a->inherit && entry->wired_count == 0;
}

static bool
extend_prev(struct vm_map_entry *prev, vm_size_t len,
    const struct vm_map_args *a)
{
	vm_size_t plen = prev->end - prev->start;

	if (!entry_agrees(prev, a))
		return false;
	if (a->object != NULL)
		return prev->object == a->object &&
		    prev->offset + plen == a->offset;
	return prev->object == NULL || vm_object_coalesce(prev->object,
	    prev->offset, atop(plen), atop(len));
}

static bool
extend_next(const struct vm_map_entry *next, vm_size_t len,
    const struct vm_map_args *a)
{
	if (!entry_agrees(next, a))
		return false;
	if (a->object != NULL)
		return next->object == a->object &&
		    a->offset + len == next->offset;
	return next->object == NULL || vm_object_coalesce_down(next->object,
	    next->offset, atop(len));
}

/* Try to make a neighbour cover [start, end) too. */
static bool
insert_coalesce(struct vm_map *map, struct vm_map_entry *prev,
    struct vm_map_entry *next, vm_offset_t start, vm_offset_t end,
    const struct vm_map_args *a)
{
	struct vm_map_entry *entry;

	if (prev != NULL && prev->end == start &&
	    extend_prev(prev, end - start, a)) {
		prev->end = end;
		entry = prev;
	} else if (next != NULL && next->start == end &&
	    extend_next(next, end - start, a)) {
		next->start = start;
		if (next->object != NULL)
			next->offset -= end - start;
		entry = next;
	} else {
		return false;
	}
	map->size += end - start;
	vm_map_entry_resized(map, entry);
	/* The entry's own reference is enough; so this is not the last. */
	if (a->object != NULL)
		vm_object_deallocate(a->object);
	vm_map_simplify_entry(map, entry);
	return true;
}

/* A new entry for [start, end), out of the reserve: cannot fail. */
static void
insert_new(struct vm_map *map, struct vm_map_entry *prev, vm_offset_t start,
    vm_offset_t end, const struct vm_map_args *a, struct vm_map_reserve *r)
{
	struct vm_map_entry *entry = vm_map_entry_take(r);

	*entry = (struct vm_map_entry){
		.start = start,
		.end = end,
		.object = a->object,
		.offset = a->object == NULL ? 0 : a->offset,
		.eflags = a->eflags,
		.protection = a->prot,
		.max_protection = a->max_prot,
		.inheritance = (uint8_t)a->inherit,
		.avail_ssize = a->avail_ssize,
	};
	if (a->object == NULL)
		entry->eflags &= ~(MAP_ENTRY_NEEDS_COPY | MAP_ENTRY_COW);
	vm_map_entry_link(map, prev, entry);
}

int
vm_map_insert(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    const struct vm_map_args *a)
{
	struct vm_map_reserve r = VM_MAP_RESERVE_INIT;
	struct vm_map_entry *prev, *next;
	int error;

	vm_map_assert_locked(map);
	error = vm_map_range_check(map, start, end);
	if (error != 0)
		return error;
	if (vm_map_lookup_entry(map, start, &prev))
		return EEXIST;
	next = prev == NULL ? vm_map_entry_first(map) : vm_map_entry_next(prev);
	if (next != NULL && next->start < end)
		return EEXIST;
	if (vm_map_stack_conflict(map, start, end, a))
		return ENOMEM;
	if (insert_coalesce(map, prev, next, start, end, a))
		return 0;
	error = vm_map_entry_reserve(map, &r, 1);
	if (error != 0)
		return error;
	insert_new(map, prev, start, end, a, &r);
	return 0;
}

int
vm_map_find_locked(struct vm_map *map, vm_offset_t *addr, vm_size_t len,
    vm_offset_t align, const struct vm_map_args *a)
{
	vm_offset_t start, better, got;
	int error;

	error = vm_map_findspace(map, *addr, len, align, &start);
	if (error != 0)
		return error;
	better = start;
	vm_object_prefer(a->object, a->offset, len, &better);
	if (better != start && vm_map_findspace(map, better, len, align,
	    &got) == 0 && got == better)
		start = better;
	error = vm_map_insert(map, start, start + len, a);
	if (error == 0)
		*addr = start;
	return error;
}

int
vm_map_find(struct vm_map *map, vm_offset_t *addr, vm_size_t len,
    vm_offset_t align, const struct vm_map_args *a)
{
	int error;

	vm_map_lock(map);
	error = vm_map_find_locked(map, addr, len, align, a);
	vm_map_unlock(map);
	return error;
}

/*
 * Everything that can refuse comes before the old mappings go; then the range
 * is free and one entry is in hand.
 */
int
vm_map_fixed_locked(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    bool excl, const struct vm_map_args *a, struct vm_map_entry **dead)
{
	struct vm_map_reserve r = VM_MAP_RESERVE_INIT;
	struct vm_map_entry *prev, *next, *entry;
	int error;

	vm_map_assert_locked(map);
	error = vm_map_range_check(map, start, end);
	if (error != 0)
		return error;
	vm_map_transition_wait_range(map, start, end);
	entry = vm_map_entry_ge(map, start);
	if (excl && entry != NULL && entry->start < end)
		return EEXIST;
	if (vm_map_stack_conflict(map, start, end, a))
		return ENOMEM;
	error = vm_map_entry_reserve(map, &r, 1);
	if (error == 0 && entry != NULL && entry->start < end)
		error = vm_map_delete_locked(map, start, end, dead);
	if (error == 0) {
		/* Cannot fail from here. */
		(void)vm_map_lookup_entry(map, start, &prev);
		next = prev == NULL ? vm_map_entry_first(map) :
		    vm_map_entry_next(prev);
		if (!insert_coalesce(map, prev, next, start, end, a))
			insert_new(map, prev, start, end, a, &r);
	}
	vm_map_entry_release(&r);
	if (error == 0 && a->object != NULL)
		vm_object_set_color(a->object, start, a->offset);
	return error;
}

int
vm_map_fixed(struct vm_map *map, vm_offset_t start, vm_size_t len, bool excl,
    const struct vm_map_args *a)
{
	struct vm_map_entry *dead = NULL;
	int error;

	if (start + len < start)
		return EINVAL;
	vm_map_lock(map);
	error = vm_map_fixed_locked(map, start, start + len, excl, a, &dead);
	vm_map_unlock(map);
	vm_map_release_dead(dead);
	return error;
}
