/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_map_fork.c: copy on write as the map sees it: fork marks entries
 * NEEDS_COPY, and vm_map_lookup puts the shadow object in when a write is due.
 *
 * Fork costs the number of entries, not of bytes, except for write-protecting
 * what is resident: both entries refer to the same object and say NEEDS_COPY.
 * From then on no writable mapping of that object exists through either; the
 * first write fault on each side shadows it.
 *
 *	inheritance	child's entry
 *	SHARE		the same object (made now if there is none yet); both
 *			entries are SHARED from now on
 *	COPY		the same object, both NEEDS_COPY; wired writable memory is
 *			copied now, so that the parent's pages stay
 *	NONE		none
 *	ZERO		no object
 *
 * Invariants: M4 of vm_map.c; I10 of vm/README.md (writable only if not
 * NEEDS_COPY).
 * Locks: parent's map, then the child's, which only audits know; under them
 * objects, one at a time.
 * Sources: Rashid et al. 1988; McKusick et al., 4.4BSD, ch. 5.
 */
#include <vm/vm_map.h>

#include <lib/assert.h>
#include <sys/errno.h>
#include <vm/pmap.h>
#include <vm/vm_fault.h>
#include <vm/vm_collapse.h>
#include <vm/vm_object.h>
#include <vm/vm_sched.h>

#include "vm_priv.h"

/* ---- what both need ---- */

int
vm_map_entry_make_object(struct vm_map *map, struct vm_map_entry *entry)
{
	struct vm_object *object;

	/* A stack's object has room below for what it may grow (M5). */
	object = vm_object_allocate_nowait(OBJT_DEFAULT,
	    atop(entry->end - entry->start + entry->avail_ssize));
	if (object == NULL)
		return ENOMEM;
	entry->object = object;
	entry->offset = entry->avail_ssize;
	vm_map_changed(map);
	return 0;
}

/* The write is due: a shadow in front of the entry's object, unless the object
 * is the entry's alone by now.  => Locks: map write-locked. */
static int
entry_shadow(struct vm_map *map, struct vm_map_entry *entry)
{
	vm_ooffset_t offset = entry->offset - entry->avail_ssize;
	int error;

	/* The shadow, too, has a stack's room below (M5). */
	error = vm_object_shadow(&entry->object, &offset,
	    atop(entry->end - entry->start + entry->avail_ssize));
	if (error != 0)
		return error;
	entry->offset = offset + entry->avail_ssize;
	entry->eflags &= ~MAP_ENTRY_NEEDS_COPY;
	vm_map_changed(map);
	return 0;
}

/* ---- lookup for faults ---- */

static int
lookup_allowed(struct vm_map *map, vm_offset_t va, vm_prot_t fault_type,
    struct vm_map_entry **entry)
{
	if (!vm_map_lookup_entry(map, va, entry) || ((*entry)->eflags &
	    (MAP_ENTRY_GUARD | MAP_ENTRY_SUBMAP)) != 0)
		return EFAULT;
	if ((fault_type & ~vm_prot_readable((*entry)->protection)) != 0)
		return EACCES;
	return 0;
}

/* Must the entry change before a fault of that type can be served? */
static inline bool
lookup_due(const struct vm_map_entry *entry, vm_prot_t fault_type)
{
	return entry->object == NULL ||
	    ((entry->eflags & MAP_ENTRY_NEEDS_COPY) != 0 &&
	    (fault_type & VM_PROT_WRITE) != 0);
}

static int
lookup_prepare(struct vm_map *map, struct vm_map_entry *entry)
{
	if (entry->object == NULL)
		return vm_map_entry_make_object(map, entry);
	return entry_shadow(map, entry);
}

/* Upgrades and downgrades: no lock analysis. */
int __no_lock_analysis
vm_map_lookup(struct vm_map *map, vm_offset_t va, vm_prot_t fault_type,
    struct vm_map_lookup *l)
{
	struct vm_map_entry *entry;
	int error;

	vm_map_lock_read(map);
	error = lookup_allowed(map, va, fault_type, &entry);
	if (error == 0 && lookup_due(entry, fault_type)) {
		if (!rw_try_upgrade(&map->lock)) {
			/* Unlocked in between: nothing is known any more. */
			vm_map_unlock_read(map);
			vm_map_lock(map);
			error = lookup_allowed(map, va, fault_type, &entry);
		}
		if (error == 0 && lookup_due(entry, fault_type))
			error = lookup_prepare(map, entry);
		rw_downgrade(&map->lock);
	}
	if (error != 0) {
		vm_map_unlock_read(map);
		return error;
	}
	l->entry = entry;
	l->object = entry->object;
	l->pindex = atop(entry->offset + (va - entry->start));
	l->prot = vm_prot_readable(entry->protection);
	if ((entry->eflags & MAP_ENTRY_NEEDS_COPY) != 0)
		l->prot &= (vm_prot_t)~VM_PROT_WRITE;
	l->wired = entry->wired_count != 0;
	l->timestamp = map->timestamp;
	return 0;
}

void __no_lock_analysis
vm_map_lookup_done(struct vm_map *map)
{
	vm_map_unlock_read(map);
}

/* ---- fork ---- */

/* A fork under way.  Lifetime: on vmspace_fork's stack.  [t] all. */
struct map_fork {
	struct vm_map		*parent;
	struct vm_map		*child;
	struct vm_map_entry	*last;	/* highest entry of child */
	/* adjacent ranges of the parent still to be write-protected */
	vm_offset_t		 protect_start, protect_end;
	struct vm_object_todo	 todo;	/* when no map is locked any more */
};

static void
fork_protect_flush(struct map_fork *f)
{
	if (f->protect_start < f->protect_end)
		pmap_protect(f->parent->pmap, f->protect_start,
		    f->protect_end, VM_PROT_READ | VM_PROT_EXECUTE);
	f->protect_start = f->protect_end = 0;
}

static void
fork_protect(struct map_fork *f, const struct vm_map_entry *entry)
{
	if (f->protect_end != entry->start) {
		fork_protect_flush(f);
		f->protect_start = entry->start;
	}
	f->protect_end = entry->end;
}

void
vm_map_reference_object(struct vm_object *object)
{
	if (!vm_object_anonymous(object)) {
		vm_object_reference(object);
		return;
	}
	vm_object_lock(object);
	vm_object_reference(object);
	object->flags &= ~(uint32_t)OBJ_ONEMAPPING;
	vm_object_unlock(object);
}

/*
 * SHARE: one object for both, so it has to exist and to be the parent's own,
 * and what is wired has to be in it.
 */
static int
fork_share(struct map_fork *f, struct vm_map_entry *entry,
    struct vm_map_entry *new)
{
	int error = 0;

	if ((entry->eflags & MAP_ENTRY_GUARD) != 0)
		return 0;
	if (entry->object == NULL)
		error = vm_map_entry_make_object(f->parent, entry);
	else if ((entry->eflags & MAP_ENTRY_NEEDS_COPY) != 0)
		error = entry_shadow(f->parent, entry);
	if (error == 0 && entry->wired_count != 0 &&
	    (entry->eflags & MAP_ENTRY_SHARED) == 0)
		error = vm_fault_front_entry(f->parent, entry);
	if (error != 0)
		return error;
	vm_map_reference_object(entry->object);
	entry->eflags |= MAP_ENTRY_SHARED;
	new->object = entry->object;
	new->offset = entry->offset;
	new->eflags &= ~MAP_ENTRY_NEEDS_COPY;
	new->eflags |= MAP_ENTRY_SHARED;
	return 0;
}

/*
 * Wired memory that the parent may write stays its own and is copied now.  Not
 * a stack that may still grow: the copy would have no room below (M5); and not
 * over a file: the copy would have lost it.  Those are copied on write, and the
 * fault moves the wiring.
 */
static bool
fork_copy_now(const struct vm_map_entry *entry)
{
	struct vm_object *file;
	vm_ooffset_t offset = 0;

	if (entry->wired_count == 0 || entry->avail_ssize != 0 ||
	    (entry->protection & VM_PROT_WRITE) == 0 ||
	    (entry->eflags & MAP_ENTRY_NEEDS_COPY) != 0 ||
	    !vm_object_anonymous(entry->object))
		return false;
	file = vm_map_chain_file(entry->object, &offset);
	if (file != NULL)
		vm_object_deallocate(file);	/* not the last: the chain's */
	return file == NULL;
}

/*
 * Writes that are to come will make the chain deeper: make it short before.
 * Pages that were copied for that are not the ones that are mapped; those
 * mappings go while our chain still refers to the old pages' objects, which may
 * otherwise end at any moment.
 */
static void
fork_shorten(struct map_fork *f, struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object;

	if ((entry->eflags & MAP_ENTRY_NEEDS_COPY) != 0 ||
	    entry->wired_count != 0 || !vm_object_anonymous(object))
		return;
	vm_object_lock(object);
	if (object->backing_object != NULL &&
	    vm_object_shorten(object, &f->todo)) {
		pmap_remove(f->parent->pmap, entry->start, entry->end);
		vm_object_collapse(object, VM_COLLAPSE_NOWAIT, &f->todo);
	}
	vm_object_unlock(object);
	vm_sched_point("fork.shortened");
}

/*
 * One of several entries that have parts of one object.  After the fork nobody
 * could tell any more whose pages are whose; so each takes its own now.
 */
static void
fork_split(struct map_fork *f, struct vm_map_entry *entry)
{
	if ((entry->eflags & MAP_ENTRY_NEEDS_COPY) != 0 ||
	    entry->wired_count != 0 || entry->avail_ssize != 0)
		return;
	vm_object_split(&entry->object, &entry->offset,
	    atop(entry->end - entry->start), &f->todo);
}

static int
fork_copy(struct map_fork *f, struct vm_map_entry *entry,
    struct vm_map_entry *new)
{
	if (entry->object == NULL)
		return 0;
	if (fork_copy_now(entry)) {
		new->object = NULL;
		new->offset = 0;
		new->eflags &= ~MAP_ENTRY_COW;
		return vm_fault_copy_entry(f->child, f->parent, new, entry);
	}
	fork_split(f, entry);
	fork_shorten(f, entry);
	new->object = entry->object;
	new->offset = entry->offset;
	vm_map_reference_object(entry->object);
	/* NEEDS_COPY already: nothing is mapped writable. */
	if ((entry->eflags & MAP_ENTRY_NEEDS_COPY) == 0) {
		entry->eflags |= MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY;
		new->eflags |= MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY;
		if ((entry->protection & VM_PROT_WRITE) != 0)
			fork_protect(f, entry);
	}
	return 0;
}

static int
fork_inherit(struct map_fork *f, struct vm_map_entry *entry,
    struct vm_map_entry *new)
{
	switch ((enum vm_inherit)entry->inheritance) {
	case VM_INHERIT_SHARE:
		return fork_share(f, entry, new);
	case VM_INHERIT_COPY:
		return fork_copy(f, entry, new);
	case VM_INHERIT_ZERO:
		new->object = NULL;
		new->offset = 0;
		new->eflags &= ~(MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY |
		    MAP_ENTRY_SHARED);
		return 0;
	case VM_INHERIT_NONE:
		break;
	}
	panic("entry %#lx of map %p: inheritance %u", entry->start,
	    (void *)f->parent, entry->inheritance);
}

static int
fork_entry(struct map_fork *f, struct vm_map_entry *entry)
{
	struct vm_map_entry *new;
	int error;

	if (entry->inheritance == VM_INHERIT_NONE)
		return 0;
	KASSERT((entry->eflags & (MAP_ENTRY_SUBMAP |
	    MAP_ENTRY_IN_TRANSITION)) == 0, "fork of entry %#lx, flags %#x",
	    entry->start, entry->eflags);
	new = vm_map_entry_alloc();
	if (new == NULL)
		return ENOMEM;
	*new = *entry;
	new->eflags &= ~(MAP_ENTRY_USER_WIRED | MAP_ENTRY_NEEDS_WAKEUP);
	new->wired_count = 0;
	new->fault_pages = 0;	/* many a child only execs or exits */
	error = fork_inherit(f, entry, new);
	if (error != 0) {
		vm_map_entry_free(new);
		return error;
	}
	vm_map_entry_link(f->child, f->last, new);
	f->last = new;
	return 0;
}

/*
 * When it fails half way, entries of the parent that say NEEDS_COPY already are
 * no harm: their next write finds the object to be theirs alone.
 */
static int
fork_entries(struct map_fork *f)
{
	struct vm_map_entry *entry;
	int error = 0;

	for (entry = vm_map_entry_first(f->parent);
	    entry != NULL && error == 0; entry = vm_map_entry_next(entry))
		error = fork_entry(f, entry);
	fork_protect_flush(f);
	vm_map_changed(f->parent);
	return error;
}

int
vmspace_fork(struct vmspace *parent, struct vmspace **childp)
{
	struct vm_map *map = &parent->vm_map;
	struct map_fork f = { .parent = map };
	struct vmspace *child;
	int error;

	child = vmspace_alloc();
	if (child == NULL)
		return ENOMEM;
	f.child = &child->vm_map;
	vm_map_lock(map);
	vm_map_transition_wait_range(map, map->min_offset, map->max_offset);
	vm_map_lock(f.child);
	error = fork_entries(&f);
	child->vm_limit_as = parent->vm_limit_as;
	child->vm_brk_start = parent->vm_brk_start;
	child->vm_brk_end = parent->vm_brk_end;
	child->vm_stack_top = parent->vm_stack_top;
	vm_map_unlock(f.child);
	vm_map_unlock(map);
	vm_object_deallocate_todo(&f.todo);
	if (error != 0) {
		sysref_put(child);
		return error;
	}
	vm_meter_inc(v_forks);
	*childp = child;
	return 0;
}
