/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_map_ops.c: operations on a range of a map: delete, protect, inherit,
 * dontneed, wire, grow.
 *
 * All have one shape: wait until nothing in the range is in transition, check
 * everything that can be refused, take the entries that clips will need; then,
 * past the line "cannot fail from here", clip, change, tell the pmap once, and
 * merge what became equal.
 *
 * Objects are let go after the map is unlocked (vm_map_release_dead): one of
 * their pages may be busy, and its owner may want this map.  The entry's
 * reference is kept until then, so vm_object_coalesce does not hand the same
 * pages of the object out again in between.
 *
 * Invariants: those of vm_map.c.
 * Locks: the map; under it objects, one at a time.
 * Sources: McKusick et al., 4.4BSD, ch. 5; NetBSD and FreeBSD on deferred
 * release and in-transition entries.
 */
#include <vm/vm_map.h>

#include <lib/assert.h>
#include <sys/errno.h>
#include <sys/sleepq.h>
#include <vm/pmap.h>
#include <vm/vm_fault.h>
#include <vm/vm_object.h>

#include <machine/cpu.h>

#include "vm_priv.h"

/* ---- steps that the operations share ---- */

/* 0; EINVAL not whole pages; ENOMEM not all of [start, end) is mapped. */
static int
range_mapped(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *entry;
	vm_offset_t va;

	if (((start | end) & PAGE_MASK) != 0 || start > end)
		return EINVAL;
	entry = vm_map_entry_ge(map, start);
	for (va = start; va < end; va = entry->end,
	    entry = vm_map_entry_next(entry)) {
		if (entry == NULL || entry->start > va)
			return ENOMEM;
		if ((entry->eflags & MAP_ENTRY_SUBMAP) != 0)
			return EINVAL;
	}
	return 0;
}

/* Make [start, end) consist of whole entries; returns the lowest, or NULL. */
static struct vm_map_entry *
range_clip(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    struct vm_map_reserve *r)
{
	struct vm_map_entry *first, *last;

	first = vm_map_entry_ge(map, start);
	if (first == NULL || first->start >= end)
		return NULL;
	vm_map_clip_start(map, first, start, r);
	if (vm_map_lookup_entry(map, end, &last) && last->start < end)
		vm_map_clip_end(map, last, end, r);
	return first;
}

#define RANGE_FOREACH(entry, first, end)				\
	for ((entry) = (first);						\
	    (entry) != NULL && (entry)->start < (end);			\
	    (entry) = vm_map_entry_next(entry))

/*
 * All that can fail for the plain operations: wait, check, reserve.  The map is
 * write-locked in and out.
 */
static int
range_begin(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    struct vm_map_reserve *r)
{
	int error;

	vm_map_transition_wait_range(map, start, end);
	error = range_mapped(map, start, end);
	if (error == 0)
		error = vm_map_entry_reserve(map, r,
		    vm_map_clips(map, start, end));
	return error;
}

static void
range_changed(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	vm_map_simplify_range(map, start, end);
	vm_map_changed(map);
}

/* ---- delete ---- */

/*
 * Free the pages that only this entry showed, when the object outlives it: the
 * other references are entries of other ranges (ONEMAPPING).  With one
 * reference, all pages go with the object.
 */
static void
entry_free_pages(struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object;
	vm_pindex_t first = atop(entry->offset);

	if (!vm_object_anonymous(object) ||
	    atomic_load(&object->ref_count) == 1)
		return;
	vm_object_lock(object);
	if ((object->flags & OBJ_ONEMAPPING) != 0)
		vm_object_page_remove(object, first,
		    first + atop(entry->end - entry->start));
	vm_object_unlock(object);
}

/* An entry that is out of its map: let its object go and free it. */
static inline void
vm_map_entry_delete(struct vm_map_entry *entry)
{
	if (entry->object != NULL &&
	    (entry->eflags & MAP_ENTRY_SUBMAP) == 0) {
		entry_free_pages(entry);
		vm_object_deallocate(entry->object);
	}
	vm_map_entry_free(entry);
}

static inline void
release_dead(struct vm_map_entry *dead)
{
	struct vm_map_entry *entry;

	while ((entry = dead) != NULL) {
		dead = vm_map_entry_of(entry->link.rb_left);
		vm_map_entry_delete(entry);
	}
}

void
vm_map_release_dead(struct vm_map_entry *dead)
{
	release_dead(dead);
}

/*
 * TRICK: all entries leave at once, without rebalancing.  rb_next from a node
 * reads its right child, left children further up in the order, and its
 * ancestors' right children; never the left child of a node already passed.
 * So that word can carry the list while we walk.
 */
static struct vm_map_entry *
unlink_all(struct vm_map *map)
{
	struct vm_map_entry *entry, *next, *dead = NULL;

	for (entry = vm_map_entry_first(map); entry != NULL; entry = next) {
		next = vm_map_entry_next(entry);
		entry->link.rb_left = dead == NULL ? NULL : &dead->link;
		dead = entry;
	}
	map->tree.rb_root = NULL;
	map->hint = NULL;
	map->nentries = 0;
	map->size = 0;
	vm_map_changed(map);
	return dead;
}

static struct vm_map_entry *
unlink_range(struct vm_map *map, struct vm_map_entry *entry, vm_offset_t end)
{
	struct vm_map_entry *next, *dead = NULL;

	for (; entry != NULL && entry->start < end; entry = next) {
		next = vm_map_entry_next(entry);
		vm_map_entry_unlink(map, entry);
		entry->link.rb_left = dead == NULL ? NULL : &dead->link;
		dead = entry;
	}
	return dead;
}

int
vm_map_delete_locked(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    struct vm_map_entry **dead)
{
	struct vm_map_reserve r = VM_MAP_RESERVE_INIT;
	struct vm_map_entry *entry, *first;
	int error;

	KASSERT(((start | end) & PAGE_MASK) == 0, "M2: delete [%#lx, %#lx)",
	    start, end);
	vm_map_transition_wait_range(map, start, end);
	error = vm_map_entry_reserve(map, &r, vm_map_clips(map, start, end));
	if (error != 0) {
		vm_map_entry_release(&r);
		return error;
	}
	/* Cannot fail from here. */
	first = range_clip(map, start, end, &r);
	vm_map_entry_release(&r);
	if (first == NULL)
		return 0;
	RANGE_FOREACH(entry, first, end) {
		if (entry->wired_count != 0)
			vm_fault_unwire(map, entry->start, entry->end);
	}
	/* The kernel's mappings are made and removed by kmem. */
	if (!map->system)
		pmap_remove(map->pmap, start, end);
	if (start <= map->min_offset && end >= map->max_offset)
		*dead = unlink_all(map);
	else
		*dead = unlink_range(map, first, end);
	return 0;
}

__noinline int
vm_map_delete(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *dead = NULL;
	int error;

	error = vm_map_delete_locked(map, start, end, &dead);
	vm_map_unlock(map);
	release_dead(dead);
	return error;
}

__noinline int
vm_map_remove(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	vm_map_lock(map);
	return vm_map_delete(map, start, end);
}

/* ---- protect, inherit ---- */

static int
protect_allowed(struct vm_map_entry *first, vm_offset_t end, vm_prot_t prot)
{
	struct vm_map_entry *entry;

	RANGE_FOREACH(entry, first, end) {
		if ((prot & ~entry->max_protection) != 0)
			return EACCES;
	}
	return 0;
}

/* Rights are only taken away here; gained ones come by faulting. */
static void
protect_range(struct vm_map *map, struct vm_map_entry *first, vm_offset_t start,
    vm_offset_t end, vm_prot_t prot, bool set_max)
{
	struct vm_map_entry *entry;
	vm_prot_t old, lost = 0;

	RANGE_FOREACH(entry, first, end) {
		old = entry->protection;
		entry->protection = set_max ? old & prot : prot;
		if (set_max)
			entry->max_protection = prot;
		/* Write-only cut down to read is no right at all. */
		if (set_max && old != VM_PROT_NONE &&
		    entry->protection == VM_PROT_NONE)
			pmap_remove(map->pmap, entry->start, entry->end);
		else
			lost |= old & (vm_prot_t)~entry->protection;
	}
	if (lost != 0)
		pmap_protect(map->pmap, start, end, vm_prot_readable(prot));
}

int
vm_map_protect(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    vm_prot_t prot, bool set_max)
{
	struct vm_map_reserve r = VM_MAP_RESERVE_INIT;
	struct vm_map_entry *first;
	int error;

	vm_map_lock(map);
	error = range_begin(map, start, end, &r);
	if (error == 0)
		error = protect_allowed(vm_map_entry_ge(map, start), end,
		    prot);
	if (error == 0) {
		/* Cannot fail from here. */
		first = range_clip(map, start, end, &r);
		protect_range(map, first, start, end, prot, set_max);
		range_changed(map, start, end);
	}
	vm_map_unlock(map);
	vm_map_entry_release(&r);
	return error;
}

int
vm_map_inherit(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    enum vm_inherit inherit)
{
	struct vm_map_reserve r = VM_MAP_RESERVE_INIT;
	struct vm_map_entry *entry;
	int error;

	vm_map_lock(map);
	error = range_begin(map, start, end, &r);
	if (error == 0) {
		/* Cannot fail from here. */
		RANGE_FOREACH(entry, range_clip(map, start, end, &r), end) {
			entry->inheritance = (uint8_t)inherit;
			if (inherit == VM_INHERIT_COPY &&
			    (entry->eflags & MAP_ENTRY_SHARED) != 0)
				entry->inheritance = VM_INHERIT_SHARE;
		}
		range_changed(map, start, end);
	}
	vm_map_unlock(map);
	vm_map_entry_release(&r);
	return error;
}

/* ---- dontneed ---- */

enum dontneed {
	DN_UNMAP,	/* no private pages: only mappings may go */
	DN_EMPTY,	/* the object is ours alone: free its pages */
	DN_REPLACE,	/* pages shared by copy on write, or a chain: new start */
};

/* Stable while the map is locked: a lone object cannot gain a user. */
static enum dontneed
dontneed_how(const struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object;
	enum dontneed how;

	if (object == NULL || (entry->eflags & MAP_ENTRY_SHARED) != 0 ||
	    !vm_object_anonymous(object))
		return DN_UNMAP;
	vm_object_lock(object);
	if (object->backing_object == NULL &&
	    (atomic_load(&object->ref_count) == 1 ||
	    (object->flags & OBJ_ONEMAPPING) != 0))
		how = DN_EMPTY;
	else
		how = DN_REPLACE;
	vm_object_unlock(object);
	return how;
}

/* *replace: how many entries need a new start. */
static int
dontneed_check(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    unsigned *replace)
{
	struct vm_map_entry *entry;
	int error;

	*replace = 0;
	error = range_mapped(map, start, end);
	if (error != 0)
		return error;
	RANGE_FOREACH(entry, vm_map_entry_ge(map, start), end) {
		if (entry->wired_count != 0)
			return EINVAL;
		if (dontneed_how(entry) == DN_REPLACE)
			(*replace)++;
	}
	return 0;
}

/* Map read-locked: a page may be busy and is waited for. */
static void
dontneed_empty(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *entry;
	vm_offset_t s, e;

	RANGE_FOREACH(entry, vm_map_entry_ge(map, start), end) {
		if (dontneed_how(entry) != DN_EMPTY)
			continue;
		s = MAX(start, entry->start) - entry->start + entry->offset;
		e = MIN(end, entry->end) - entry->start + entry->offset;
		vm_object_lock(entry->object);
		vm_object_page_remove(entry->object, atop(s), atop(e));
		vm_object_unlock(entry->object);
	}
}

/* Coupled locks: no lock analysis. */
struct vm_object * __no_lock_analysis
vm_map_chain_file(struct vm_object *object, vm_ooffset_t *offset)
{
	struct vm_object *next;

	vm_object_lock(object);
	while ((next = object->backing_object) != NULL) {
		*offset += object->backing_object_offset;
		if (!vm_object_anonymous(next)) {
			vm_object_reference(next);
			break;
		}
		vm_object_lock(next);
		vm_object_unlock(object);
		object = next;
	}
	vm_object_unlock(object);
	return next;
}

void
vm_map_entry_anew(struct vm_map_entry *entry)
{
	vm_ooffset_t offset = entry->offset;
	struct vm_object *file = vm_map_chain_file(entry->object, &offset);

	entry->object = file;
	if (file != NULL) {
		entry->offset = offset;
		entry->eflags |= MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY;
	} else {
		entry->offset = 0;
		entry->eflags &= ~(MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY);
	}
}

/* Map write-locked; n entries need a new start; *dead gets what they had. */
static int
dontneed_replace_range(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    unsigned n, struct vm_map_entry **dead)
{
	struct vm_map_reserve r = VM_MAP_RESERVE_INIT;
	struct vm_map_entry *entry, *first, *carrier;
	int error;

	error = vm_map_entry_reserve(map, &r,
	    n + vm_map_clips(map, start, end));
	if (error == 0) {
		/* Cannot fail from here. */
		first = range_clip(map, start, end, &r);
		pmap_remove(map->pmap, start, end);
		RANGE_FOREACH(entry, first, end) {
			if (dontneed_how(entry) != DN_REPLACE)
				continue;
			/* To be released later. */
			carrier = vm_map_entry_take(&r);
			*carrier = *entry;
			vm_map_entry_anew(entry);
			carrier->link.rb_left = *dead == NULL ? NULL :
			    &(*dead)->link;
			*dead = carrier;
		}
		vm_map_simplify_range(map, start, end);
		vm_map_changed(map);
	}
	vm_map_entry_release(&r);
	return error;
}

/* Some entries have to change, so as the map's writer; then as a reader, since
 * pages that are busy are waited for.  Downgrades: no lock analysis. */
static int __no_lock_analysis
dontneed_write(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *dead = NULL;
	unsigned n;
	int error;

	vm_map_lock(map);
	error = dontneed_check(map, start, end, &n);
	if (error == 0)
		error = dontneed_replace_range(map, start, end, n, &dead);
	rw_downgrade(&map->lock);
	if (error == 0)
		dontneed_empty(map, start, end);
	vm_map_unlock_read(map);
	release_dead(dead);
	return error;
}

int
vm_map_dontneed(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	unsigned n;
	int error;

	vm_map_lock_read(map);
	error = dontneed_check(map, start, end, &n);
	if (error == 0 && n == 0) {
		pmap_remove(map->pmap, start, end);
		dontneed_empty(map, start, end);
	}
	vm_map_unlock_read(map);
	if (error == 0 && n != 0)
		error = dontneed_write(map, start, end);
	return error;
}

/* ---- wire ---- */

/* Does this thread have entry in transition? */
static inline bool
wiring_ours(const struct vm_map_entry *entry)
{
	return (entry->eflags & MAP_ENTRY_IN_TRANSITION) != 0 &&
	    entry->wiring_thread == curthread;
}

static void
wire_begin(struct vm_map_entry *first, vm_offset_t end)
{
	struct vm_map_entry *entry;

	RANGE_FOREACH(entry, first, end) {
		if ((entry->eflags & MAP_ENTRY_USER_WIRED) != 0)
			continue;
		entry->eflags |= MAP_ENTRY_USER_WIRED |
		    MAP_ENTRY_IN_TRANSITION;
		entry->wired_count = 1;
		entry->wiring_thread = curthread;
	}
}

/*
 * Fault our entries in, with the map unlocked for each; it is write-locked in
 * and out.  Entries that are not ours may come and go.  *failed is the start
 * of the entry that failed.
 */
static int
wire_fault(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    vm_offset_t *failed) __requires(map->lock)
{
	struct vm_map_entry *entry;
	vm_offset_t va, s, e;
	int error;

	for (va = start; va < end; va = e) {
		entry = vm_map_entry_ge(map, va);
		if (entry == NULL)
			break;
		s = entry->start;
		e = entry->end;
		if (s >= end || !wiring_ours(entry))
			continue;
		vm_map_unlock(map);
		error = vm_fault_wire(map, s, e);
		vm_map_lock(map);
		if (error != 0) {
			*failed = s;
			return error;
		}
	}
	return 0;
}

/* Entries below failed stay wired if error is 0, else nothing of ours does. */
static bool
wire_end(struct vm_map *map, vm_offset_t start, vm_offset_t end, int error,
    vm_offset_t failed)
{
	struct vm_map_entry *entry;
	bool wake = false;

	RANGE_FOREACH(entry, vm_map_entry_ge(map, start), end) {
		if (!wiring_ours(entry))
			continue;
		if (error != 0) {
			if (entry->start < failed)
				vm_fault_unwire(map, entry->start, entry->end);
			else	/* others have faulted here meanwhile */
				pmap_unwire(map->pmap, entry->start,
				    entry->end);
			entry->eflags &= ~MAP_ENTRY_USER_WIRED;
			entry->wired_count = 0;
		}
		if ((entry->eflags & MAP_ENTRY_NEEDS_WAKEUP) != 0)
			wake = true;
		entry->eflags &= ~(MAP_ENTRY_IN_TRANSITION |
		    MAP_ENTRY_NEEDS_WAKEUP);
		entry->wiring_thread = NULL;
	}
	return wake;
}

int
vm_map_wire(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_reserve r = VM_MAP_RESERVE_INIT;
	vm_offset_t failed = end;
	bool wake = false;
	int error;

	vm_map_lock(map);
	error = range_begin(map, start, end, &r);
	if (error == 0) {
		wire_begin(range_clip(map, start, end, &r), end);
		vm_map_changed(map);
		error = wire_fault(map, start, end, &failed);
		wake = wire_end(map, start, end, error, failed);
		range_changed(map, start, end);
	}
	vm_map_unlock(map);
	vm_map_entry_release(&r);
	if (wake)
		wakeup(map);
	return error;
}

int
vm_map_unwire(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_reserve r = VM_MAP_RESERVE_INIT;
	struct vm_map_entry *entry;
	int error;

	vm_map_lock(map);
	error = range_begin(map, start, end, &r);
	if (error == 0) {
		/* Cannot fail from here. */
		RANGE_FOREACH(entry, range_clip(map, start, end, &r), end) {
			if ((entry->eflags & MAP_ENTRY_USER_WIRED) == 0)
				continue;
			vm_fault_unwire(map, entry->start, entry->end);
			entry->eflags &= ~MAP_ENTRY_USER_WIRED;
			entry->wired_count = 0;
		}
		range_changed(map, start, end);
	}
	vm_map_unlock(map);
	vm_map_entry_release(&r);
	return error;
}

/* ---- stacks ---- */

/* grow bytes at the lower end of stack; the map is write-locked. */
static int
stack_extend(struct vm_map *map, struct vm_map_entry *stack, vm_size_t grow)
{
	struct vm_map_entry *low;

	if (stack->wired_count == 0) {
		stack->start -= grow;
		if (stack->object != NULL)
			stack->offset -= grow;
		stack->avail_ssize -= grow;
		map->size += grow;
		vm_map_entry_resized(map, stack);
		return 0;
	}
	/* The new part is not wired, so it is an entry of its own. */
	if (map->nentries >= map->max_entries)
		return EFAULT;
	low = vm_map_entry_alloc();
	if (low == NULL)
		return ENOMEM;
	*low = *stack;
	low->start = stack->start - grow;
	low->end = stack->start;
	low->avail_ssize -= grow;
	low->wired_count = 0;
	low->wiring_thread = NULL;
	low->eflags &= ~(MAP_ENTRY_USER_WIRED | MAP_ENTRY_IN_TRANSITION |
	    MAP_ENTRY_NEEDS_WAKEUP);
	if (low->object != NULL) {
		vm_object_reference(low->object);
		low->offset -= grow;
	}
	stack->eflags &= ~MAP_ENTRY_STACK;
	stack->avail_ssize = 0;
	vm_map_entry_link(map, vm_map_entry_prev(stack), low);
	return 0;
}

static int
growstack_locked(struct vm_map *map, vm_offset_t va)
{
	struct vm_map_entry *below, *stack;
	vm_size_t grow, room;

	if (vm_map_lookup_entry(map, va, &below))
		return 0;
	stack = below == NULL ? vm_map_entry_first(map) :
	    vm_map_entry_next(below);
	if (stack == NULL || (stack->eflags & MAP_ENTRY_STACK) == 0)
		return EFAULT;
	grow = stack->start - trunc_page(va);
	if (grow > stack->avail_ssize)
		return EFAULT;
	room = stack->start - (below == NULL ? map->min_offset : below->end);
	if (below != NULL && (below->eflags & MAP_ENTRY_GUARD) == 0)
		room = room > STACK_GAP ? room - STACK_GAP : 0;
	if (grow > room || vmspace_over_limit(map, grow))
		return EFAULT;
	return stack_extend(map, stack, grow);
}

int
vm_map_growstack(struct vm_map *map, vm_offset_t va)
{
	int error;

	if (map->system || va < map->min_offset || va >= map->max_offset)
		return EFAULT;
	vm_map_lock(map);
	error = growstack_locked(map, va);
	if (error == 0)
		vm_meter_inc(v_stack_grows);
	vm_map_unlock(map);
	return error;
}
