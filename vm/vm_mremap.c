/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_mremap.c: mremap: a range of mappings gets longer, shorter, or another
 * address.  Entries move with their objects: no page is copied; only the
 * translations go, and come back by faults.
 *
 * What was one mapping for the program may be several entries here (their
 * objects differ); they move together when they agree in all that the program
 * can see.
 *
 * A longer mapping shows more of its file, or zeroes: the new part is a mapping
 * of its own that merges with the old one where it can.  The new part is made
 * before anything moves, since that is what can fail.
 *
 * With keep each entry leaves a twin behind: of shared memory with the same
 * object, of private memory with what is behind the private pages, a file or
 * zeroes.  No page is in both.
 *
 * Invariants: those of vm_map.c.
 * Locks: the map, write, throughout; objects one at a time inside.
 * Sources: mremap(2) of Linux for what is refused and how.
 */
#include <vm/vm_mremap.h>

#include <lib/assert.h>
#include <lib/overflow.h>
#include <sys/errno.h>
#include <vm/pmap.h>
#include <vm/vm_fault.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#include "vm_priv.h"

/* One call under way.  Lifetime: on vm_mremap's stack.  [t] all. */
struct remap {
	struct vm_map		*map;
	vm_offset_t		 old, new;
	vm_size_t		 old_len, new_len;
	bool			 keep;
	bool			 wired;		/* some of it was */
	struct vm_map_entry	*dead[2];	/* of the target, of the tail */
};

#define ENTRY_SEEN	(MAP_ENTRY_SHARED | MAP_ENTRY_GUARD | MAP_ENTRY_SUBMAP)

static bool
entries_agree(const struct vm_map_entry *a, const struct vm_map_entry *b)
{
	return a->end == b->start &&
	    (a->eflags & ENTRY_SEEN) == (b->eflags & ENTRY_SEEN) &&
	    a->protection == b->protection &&
	    a->max_protection == b->max_protection &&
	    a->inheritance == b->inheritance;
}

/* range_last: the entry that ends the old range; NULL: it is not one mapping. */
static struct vm_map_entry *
range_last(const struct remap *r)
{
	struct vm_map_entry *entry, *next;
	vm_offset_t end = r->old + r->old_len;

	if (!vm_map_lookup_entry(r->map, r->old, &entry) ||
	    (entry->eflags & (MAP_ENTRY_GUARD | MAP_ENTRY_SUBMAP)) != 0)
		return NULL;
	while (entry->end < end) {
		next = vm_map_entry_next(entry);
		if (next == NULL || !entries_agree(entry, next))
			return NULL;
		entry = next;
	}
	return entry;
}

/*
 * tail_args: how to map what follows at, up to where entry reaches.
 * => Gives: a reference on m->object, unless NULL.
 * => Returns 0; ENOMEM: a shared object of its own size cannot grow.
 */
static int
tail_args(struct vm_map_entry *entry, vm_offset_t at, struct vm_map_args *m)
{
	vm_ooffset_t offset = entry->offset + (at - entry->start);
	struct vm_object *object = entry->object;

	*m = (struct vm_map_args){
		.prot = entry->protection, .max_prot = entry->max_protection,
		.inherit = entry->inheritance,
		.eflags = entry->eflags & MAP_ENTRY_SHARED
	};
	if (object == NULL)
		return 0;
	if (!vm_object_anonymous(object))
		vm_object_reference(object);
	else if ((entry->eflags & MAP_ENTRY_SHARED) != 0)
		return ENOMEM;
	else
		object = vm_map_chain_file(object, &offset);
	m->object = object;
	if (object != NULL) {
		m->offset = offset;
		if ((entry->eflags & MAP_ENTRY_SHARED) == 0)
			m->eflags |= MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY;
	}
	return 0;
}

/* tail_insert: the part of the mapping at start that is new. */
static int
tail_insert(struct remap *r, struct vm_map_entry *last, vm_offset_t start)
{
	const vm_size_t grow = r->new_len - r->old_len;
	struct vm_map_args m;
	int error;

	if (vmspace_over_limit(r->map, grow))
		return ENOMEM;
	error = tail_args(last, r->old + r->old_len, &m);
	if (error != 0)
		return error;
	error = vm_map_insert(r->map, start, start + grow, &m);
	if (error != 0 && m.object != NULL)
		vm_object_deallocate(m.object);
	return error;
}

static void
entry_unwire(struct remap *r, struct vm_map_entry *entry)
{
	if (entry->wired_count == 0)
		return;
	vm_fault_unwire(r->map, entry->start, entry->end);
	entry->eflags &= ~MAP_ENTRY_USER_WIRED;
	entry->wired_count = 0;
	r->wired = true;
}

static void
entry_link(struct remap *r, struct vm_map_entry *entry)
{
	struct vm_map_entry *prev;

	(void)vm_map_lookup_entry(r->map, entry->start, &prev);
	vm_map_entry_link(r->map, prev, entry);
}

/* Out of the tree, and in again at its new address, with nothing mapped. */
static void
entry_move(struct remap *r, struct vm_map_entry *entry)
{
	pmap_remove(r->map->pmap, entry->start, entry->end);
	vm_map_entry_unlink(r->map, entry);
	entry->start += r->new - r->old;
	entry->end += r->new - r->old;
	/* Away from its place a stack is memory like any other. */
	entry->eflags &= ~MAP_ENTRY_STACK;
	entry->avail_ssize = 0;
	entry->fault_pages = 0;
	entry_link(r, entry);
}

/* twins_reserve: entries for what stays at the old range, and objects for what
 * is shared there. */
static int
twins_reserve(struct remap *r, struct vm_map_reserve *rs)
{
	struct vm_map_entry *entry;
	unsigned n = 0;
	int error = 0;

	for (entry = vm_map_entry_ge(r->map, r->old); entry != NULL &&
	    entry->start < r->old + r->old_len && error == 0;
	    entry = vm_map_entry_next(entry), n++)
		if (entry->object == NULL &&
		    (entry->eflags & MAP_ENTRY_SHARED) != 0)
			error = vm_map_entry_make_object(r->map, entry);
	return error != 0 ? error : vm_map_entry_reserve(r->map, rs,
	    rs->count + n);
}

/* twin_object: what entry is to be when its copy has gone with the pages. */
static void
twin_object(struct vm_map_entry *entry)
{
	if (entry->object == NULL)
		return;
	if ((entry->eflags & MAP_ENTRY_SHARED) != 0 ||
	    !vm_object_anonymous(entry->object))
		vm_map_reference_object(entry->object);
	else
		vm_map_entry_anew(entry);
}

/* range_move: what is mapped there, clipped to it.  Cannot fail. */
static void
range_move(struct remap *r, struct vm_map_reserve *rs)
{
	struct vm_map_entry *entry, *next, *twin = NULL;
	const vm_offset_t end = r->old + r->old_len;

	for (entry = vm_map_entry_ge(r->map, r->old);
	    entry != NULL && entry->start < end; entry = next) {
		next = vm_map_entry_next(entry);
		entry_unwire(r, entry);
		if (r->keep) {
			twin = vm_map_entry_take(rs);
			*twin = *entry;
			twin_object(twin);
		}
		entry_move(r, entry);
		if (r->keep)
			entry_link(r, twin);
	}
	if (r->keep)
		vm_map_simplify_range(r->map, r->old, end);
}

/* move_range: to r->new, where there is room, and longer if that is asked. */
static int
move_range(struct remap *r, struct vm_map_entry *last)
{
	const vm_offset_t end = r->old + r->old_len;
	struct vm_map_reserve rs = VM_MAP_RESERVE_INIT;
	struct vm_map_entry *entry;
	int error;

	if (r->keep && vmspace_over_limit(r->map, r->new_len))
		return ENOMEM;
	/* Two, however few it looks now: the new part may join the old range. */
	error = vm_map_entry_reserve(r->map, &rs, 2);
	if (error == 0 && r->keep)
		error = twins_reserve(r, &rs);
	if (error == 0 && r->new_len > r->old_len)
		error = tail_insert(r, last, r->new + r->old_len);
	if (error == 0) {
		/* Cannot fail from here. */
		entry = vm_map_entry_ge(r->map, r->old);
		vm_map_clip_start(r->map, entry, r->old, &rs);
		if (vm_map_lookup_entry(r->map, end, &entry) &&
		    entry->start < end)
			vm_map_clip_end(r->map, entry, end, &rs);
		range_move(r, &rs);
		vm_map_simplify_range(r->map, r->new, r->new + r->new_len);
		vm_map_changed(r->map);
	}
	vm_map_entry_release(&rs);
	return error;
}

/* share_again: old_len 0: one more mapping of the same shared memory. */
static int
share_again(struct remap *r, struct vm_map_entry *entry)
{
	struct vm_map_args m;
	int error;

	if ((entry->eflags & MAP_ENTRY_SHARED) == 0)
		return EINVAL;
	if (entry->object == NULL || vm_object_anonymous(entry->object) ||
	    vmspace_over_limit(r->map, r->new_len))
		return ENOMEM;
	error = tail_args(entry, r->old, &m);
	if (error != 0)
		return error;
	error = vm_map_insert(r->map, r->new, r->new + r->new_len, &m);
	if (error != 0)
		vm_object_deallocate(m.object);
	return error;
}

static int
find_place(struct remap *r)
{
	if (vm_map_findspace(r->map, USER_MMAP_BASE, r->new_len, PAGE_SIZE,
	    &r->new) == 0)
		return 0;
	return vm_map_findspace(r->map, r->map->min_offset, r->new_len,
	    PAGE_SIZE, &r->new);
}

/* remap_fixed: the target is freed, and what is too much of the old range. */
static int
remap_fixed(struct remap *r)
{
	struct vm_map_args none = { 0 };
	struct vm_map_entry *last;
	int error;

	error = vm_map_delete_locked(r->map, r->new, r->new + r->new_len,
	    &r->dead[0]);
	if (error == 0 && r->old_len > r->new_len) {
		error = vm_map_delete_locked(r->map, r->old + r->new_len,
		    r->old + r->old_len, &r->dead[1]);
		r->old_len = r->new_len;
	}
	if (error != 0)
		return error;
	/* The map was perhaps unlocked meanwhile. */
	vm_map_transition_wait_range(r->map, r->old, r->old + r->old_len);
	last = range_last(r);
	if (last == NULL)
		return EFAULT;
	if (vm_map_entry_ge(r->map, r->new) != NULL &&
	    vm_map_entry_ge(r->map, r->new)->start < r->new + r->new_len)
		return ENOMEM;
	if (vm_map_stack_conflict(r->map, r->new, r->new + r->new_len, &none))
		return ENOMEM;
	return r->old_len == 0 ? share_again(r, last) : move_range(r, last);
}

/* remap_away: to the hint if there is room, else elsewhere. */
static int
remap_away(struct remap *r)
{
	struct vm_map_entry *last = range_last(r);
	const vm_offset_t hint = r->new;
	int error;

	if (last == NULL)
		return EFAULT;
	if (hint < r->map->min_offset || vm_map_findspace(r->map, hint,
	    r->new_len, PAGE_SIZE, &r->new) != 0 || r->new != hint) {
		error = find_place(r);
		if (error != 0)
			return error;
	}
	return move_range(r, last);
}

/* remap_grow: where it is if there is room behind it, else elsewhere. */
static int
remap_grow(struct remap *r, bool maymove)
{
	struct vm_map_entry *last = range_last(r);
	int error;

	if (last == NULL)
		return EFAULT;
	r->new = r->old;
	if (r->old_len != 0 && last->end == r->old + r->old_len) {
		error = tail_insert(r, last, last->end);
		if (error != EEXIST && error != EINVAL && error != ENOMEM)
			return error;
	}
	if (!maymove)
		return r->old_len == 0 &&
		    (last->eflags & MAP_ENTRY_SHARED) == 0 ? EINVAL : ENOMEM;
	error = find_place(r);
	if (error != 0)
		return error;
	return r->old_len == 0 ? share_again(r, last) : move_range(r, last);
}

/* remap_locked: map write-locked in and out. */
static int
remap_locked(struct remap *r, const struct vm_mremap_args *a)
{
	struct vm_map_entry *entry;

	vm_map_transition_wait_range(r->map, r->old, r->old +
	    MAX(r->old_len, (vm_size_t)PAGE_SIZE));
	if (!vm_map_lookup_entry(r->map, r->old, &entry))
		return EFAULT;
	if (a->fixed)
		return remap_fixed(r);
	if (r->keep)
		return remap_away(r);
	if (r->old_len < r->new_len)
		return remap_grow(r, a->maymove);
	r->new = r->old;
	if (r->old_len == r->new_len)
		return 0;
	return vm_map_delete_locked(r->map, r->old + r->new_len,
	    r->old + r->old_len, &r->dead[1]);
}

static int
remap_check(struct remap *r, const struct vm_mremap_args *a)
{
	const vm_offset_t top = r->map->max_offset;

	r->old_len = round_page(a->old_len);
	r->new_len = round_page(a->new_len);
	if ((a->old & PAGE_MASK) != 0 || r->new_len == 0 ||
	    r->new_len < a->new_len || r->old_len < a->old_len ||
	    (a->keep && r->old_len != r->new_len))
		return EINVAL;
	if (!range_ok(a->old, r->old_len, 0, top))
		return r->old_len > r->new_len && !a->fixed ? EINVAL : EFAULT;
	if (!a->fixed && !a->keep)
		return r->new_len > top ? ENOMEM : 0;
	if ((a->new & PAGE_MASK) != 0 || !range_ok(a->new, r->new_len, 0, top))
		return EINVAL;
	if (a->old + r->old_len > a->new && a->new + r->new_len > a->old)
		return EINVAL;
	return a->fixed && a->new < r->map->min_offset ? EPERM : 0;
}

int
vm_mremap(struct vmspace *vm, const struct vm_mremap_args *a,
    vm_offset_t *addrp)
{
	struct remap r = { .map = &vm->vm_map, .old = a->old, .new = a->new,
	    .keep = a->keep };
	int error;

	error = remap_check(&r, a);
	if (error != 0)
		return error;
	vm_map_lock(r.map);
	error = remap_locked(&r, a);
	vm_map_unlock(r.map);
	vm_map_release_dead(r.dead[0]);
	vm_map_release_dead(r.dead[1]);
	if (error != 0)
		return error;
	/* What was wired is again; as far as there is memory, as in Linux. */
	if (r.wired)
		(void)!vm_map_wire(r.map, r.new, r.new + r.new_len);
	*addrp = r.new;
	return 0;
}
