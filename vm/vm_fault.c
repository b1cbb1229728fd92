/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_fault.c: what happens when an access finds no mapping: the steps are
 *
 *	lookup -> walk -> zero fill | copy | forward | map as it is -> enter
 *	   ^       |  |                      |                         |
 *	   +-busy--+  +-page in              +-no memory: vm_wait      |
 *	   +----------+----------------------+-------------------------+
 *
 * and when a copy made it likely that the chain can be shortened: collapse.
 * Each is a function on struct faultstate that says what it holds; vm_fault is
 * the loop, fault_release frees exactly what is held and may be called twice.
 * A step that has to sleep lets go of everything first and the loop begins
 * again, so nothing is ever held across a relock and nothing is revalidated:
 * the map lock is held from the lookup to the end or the lookup is repeated.
 *
 * Two faults cannot both fill an index: the first object stays locked from the
 * look into it until the new page is in it, busy.
 *
 * Invariants: I8, I10 (what may be mapped writable), I13 of vm/README.md.
 * Locks: map (read), objects (front before backing), page busy by try.
 * Sources: Rashid et al. 1988; FreeBSD's faultstate; NetBSD uvm_fault.c on
 * revalidation; FreeBSD-SA-21:08.
 */
#include <vm/vm_fault.h>

#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <sys/thread.h>
#include <vm/pmap.h>
#include <vm/vm_bug.h>
#include <vm/vm_map.h>
#include <vm/vm_collapse.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_sched.h>

#include "vm_priv.h"

/*
 * One fault.  Lifetime: on vm_fault's stack.  The first group is the question;
 * each other field is NULL or false exactly when it is not held.  [t] all.
 */
struct faultstate {
	struct vm_map	*map;
	vm_offset_t	 va;
	vm_prot_t	 fault_type;
	unsigned	 flags;		/* VM_FAULT_* */

	struct vm_map_lookup l;		/* good while map_locked */
	bool		 map_locked;
	struct vm_object *first_object;	/* locked */
	struct vm_object *object;	/* locked; where the walk stands, may be
					 * first_object */
	vm_pindex_t	 pindex;	/* our page's index in object */
	struct vm_page	*m;		/* found in object; NULL: end of chain */
	struct vm_page	*first_m;	/* new in first_object, busy by us */
	bool		 collapse;	/* the chain is worth a look, after */
	struct vm_object_todo todo;	/* of that collapse */
	int		 error;		/* with FAULT_FAIL */
};

enum fault_step {
	FAULT_NEXT,		/* go on with the next step */
	FAULT_RETRY,		/* look up again */
	FAULT_NOMEM,		/* wait for memory, look up again */
	FAULT_FAIL,		/* return fs->error */
};

static enum fault_step
fault_fail(struct faultstate *fs, int error)
{
	fs->error = error;
	return FAULT_FAIL;
}

static void __no_lock_analysis
fault_unlock_objects(struct faultstate *fs)
{
	if (fs->object != NULL && fs->object != fs->first_object)
		vm_object_unlock(fs->object);
	fs->object = NULL;
	if (fs->first_object != NULL)
		vm_object_unlock(fs->first_object);
	fs->first_object = NULL;
}

static void
fault_unlock_map(struct faultstate *fs)
{
	if (fs->map_locked)
		vm_map_lookup_done(fs->map);
	fs->map_locked = false;
}

static void
fault_release(struct faultstate *fs)
{
	KASSERT(fs->first_m == NULL, "fault at %lx lets a new page go", fs->va);
	fault_unlock_objects(fs);
	fault_unlock_map(fs);
	fs->m = NULL;
}

/* ---- lookup ---- */

static enum fault_step __no_lock_analysis
fault_lookup(struct faultstate *fs)
{
	int error;

	error = vm_map_lookup(fs->map, fs->va, fs->fault_type, &fs->l);
	if (error == EFAULT) {
		error = vm_map_growstack(fs->map, fs->va);
		if (error == 0)
			error = vm_map_lookup(fs->map, fs->va,
			    fs->fault_type, &fs->l);
	}
	if (error == ENOMEM)
		return FAULT_NOMEM;
	if (error != 0)
		return fault_fail(fs, error);
	fs->map_locked = true;
	/* The entry's reference keeps it while the map is locked. */
	vm_object_lock(fs->l.object);
	fs->first_object = fs->object = fs->l.object;
	fs->pindex = fs->l.pindex;
	return FAULT_NEXT;
}

/* ---- walk ---- */

/*
 * m is busy.  Nothing may be held while we sleep; its object stays locked until
 * we are on the queue.
 */
static enum fault_step __no_lock_analysis
fault_busy(struct faultstate *fs, struct vm_page *m)
{
	struct vm_object *object = fs->object;

	if (object == fs->first_object)
		fs->first_object = NULL;
	fs->object = NULL;
	fault_release(fs);
	vm_page_sleep_busy(m, object, "pgbusy");
	return FAULT_RETRY;
}

/*
 * The pager of fs->object has our page.  A busy placeholder keeps others from
 * asking for it too, and a pin keeps the object; no lock is held while the
 * pager works, and the fault then begins again and finds the page resident.
 */
static enum fault_step
fault_pagein(struct faultstate *fs)
{
	struct vm_object *object = fs->object;
	struct vm_page *m;
	int error;

	m = vm_page_alloc(object, fs->pindex, VM_ALLOC_NORMAL);
	if (m == NULL)
		return FAULT_NOMEM;
	vm_object_paging_begin(object);
	fault_release(fs);
	error = vm_pager_getpage(object, m);
	if (error == 0) {
		vm_page_activate(m);
		vm_page_unbusy(m);
	} else {
		vm_object_lock(object);
		vm_page_free(m);
		vm_object_unlock(object);
	}
	vm_object_paging_end(object);
	if (error == ENOMEM)
		return FAULT_NOMEM;
	return error == 0 ? FAULT_RETRY : fault_fail(fs, error);
}

/* One link down: the next object is locked before this one is let go. */
static void __no_lock_analysis
fault_descend(struct faultstate *fs)
{
	struct vm_object *object = fs->object, *next = object->backing_object;

	vm_object_lock(next);
	fs->pindex += atop(object->backing_object_offset);
	if (object != fs->first_object)
		vm_object_unlock(object);
	fs->object = next;
}

/*
 * Find our page in the chain.  The end of the chain is believed because its
 * object is locked and was reached by coupling.
 */
static enum fault_step
fault_walk(struct faultstate *fs)
{
	struct vm_page *m;
	unsigned depth;

	for (depth = 1;; depth++) {
		m = vm_page_lookup(fs->object, fs->pindex);
		if (m != NULL && vm_page_xbusied(m))
			return fault_busy(fs, m);
		if (m != NULL)
			break;
		if (fs->object->pager != NULL &&
		    vm_pager_haspage(fs->object, fs->pindex))
			return fault_pagein(fs);
		if (fs->object->backing_object == NULL)
			break;
		fault_descend(fs);
		if (vm_bug(VMBUG_UBC_EAGER_DEAD) &&
		    (fs->object->flags & OBJ_FADING) != 0)
			return fault_fail(fs, EFAULT);
	}
	if (depth > 1)
		vm_meter_max(VM_METER_v_chain_max, depth);
	KASSERT(m == NULL || m->valid != 0, "object %p: page %lu is resident, "
	    "not busy and not valid (I8)", (void *)fs->object, fs->pindex);
	if (m != NULL)
		vm_page_touched(m);
	fs->m = m;
	/* Beyond the file's end; a page that was cut off may still be wired. */
	if (!vm_object_anonymous(fs->object) &&
	    (m == NULL || fs->pindex >= fs->object->size))
		return fault_fail(fs, EIO);
	return FAULT_NEXT;
}

/* ---- the page that will be mapped ---- */

/* A new page in first_object; the objects are let go, the busy page is ours. */
static enum fault_step
fault_alloc(struct faultstate *fs)
{
	fs->first_m = vm_page_alloc(fs->first_object, fs->l.pindex,
	    VM_ALLOC_NORMAL);
	return fs->first_m == NULL ? FAULT_NOMEM : FAULT_NEXT;
}

static enum fault_step
fault_zero_fill(struct faultstate *fs)
{
	if (fault_alloc(fs) != FAULT_NEXT)
		return FAULT_NOMEM;
	fault_unlock_objects(fs);
	pmap_zero_page(fs->first_m);
	fs->first_m->valid = VM_PAGE_VALID;
	vm_meter_inc(v_zfod);
	return FAULT_NEXT;
}

/*
 * Is it likely that the chain can be shortened, now that the first object has
 * one page more?  Both objects are locked if fs->object is the next one.  The
 * first object can only cover the next when it has as many pages; so it is
 * looked at once, not at each copy.
 */
static inline bool
fault_collapse_due(const struct faultstate *fs)
{
	const struct vm_object *first = fs->first_object;

	return vm_object_collapse_due(first) ||
	    (first->backing_object == fs->object &&
	    first->resident_page_count == fs->object->resident_page_count);
}

/*
 * May the page leave its object for the first one instead of being copied?  Yes
 * if nobody but first_object sees it, now or later: its only reference and only
 * shadow is first_object, and nobody works on it.
 */
static bool
fault_may_forward(const struct faultstate *fs)
{
	const struct vm_object *object = fs->object;

	return fs->first_object->backing_object == object &&
	    vm_object_anonymous(object) && object->pager == NULL &&
	    atomic_load(&object->ref_count) == 1 &&
	    object->shadow_count == 1 && !vm_object_paging(object) &&
	    !vm_page_busied(fs->m) && fs->m->wire_count == 0;
}

static bool
fault_forward(struct faultstate *fs)
{
	struct vm_page *m = fs->m;

	if (!vm_page_busy_try(m))
		return false;
	if (vm_page_rename(m, fs->first_object, fs->l.pindex) != 0) {
		vm_page_unbusy(m);
		return false;
	}
	fs->collapse = fault_collapse_due(fs);
	fault_unlock_objects(fs);
	fs->first_m = m;
	vm_meter_inc(v_cow_forward);
	return true;
}

/*
 * Wiring follows the page that the entry shows.  A page that became private
 * to a wired entry only now (it gained write permission after it was wired)
 * takes over the old page's wiring; while the entry is in transition, the
 * thread that wires it will find the new page itself.
 */
static void
fault_move_wiring(struct faultstate *fs)
{
	if (!fs->l.wired || (fs->flags & VM_FAULT_WIRE) != 0 ||
	    (fs->l.entry->eflags & MAP_ENTRY_IN_TRANSITION) != 0)
		return;
	vm_page_wire(fs->first_m);
	vm_page_unwire(fs->m);
}

/*
 * Do other maps, or shadows, see pages through object?  A lone reference is our
 * entry's; ONEMAPPING says that the others are entries of other pages.
 */
static bool
fault_front_shared(const struct vm_object *object)
{
	return atomic_load(&object->ref_count) > 1 &&
	    (object->flags & OBJ_ONEMAPPING) == 0;
}

/*
 * Copy on write: the page is in a backing object and we are to write it.  It is
 * shared-busy while it is read, so it stays, and the objects are unlocked.
 *
 * If others use first_object too, they may have the old page mapped through it.
 * Those mappings go, or they would keep showing the old contents
 * (FreeBSD-SA-21:08).  No new one can appear: to make one takes first_object's
 * lock, and there the new page is found, busy.
 */
static enum fault_step
fault_copy(struct faultstate *fs)
{
	struct vm_page *m = fs->m;

	if (fault_may_forward(fs) && fault_forward(fs))
		return FAULT_NEXT;
	if (!vm_page_sbusy_try(m))
		return fault_busy(fs, m);
	if (fault_alloc(fs) != FAULT_NEXT) {
		vm_page_sunbusy(m);
		return FAULT_NOMEM;
	}
	if (fault_front_shared(fs->first_object))
		pmap_remove_all(m);
	fault_move_wiring(fs);
	fs->collapse = fault_collapse_due(fs);
	fault_unlock_objects(fs);
	vm_sched_point("copy.busy");
	pmap_copy_page(m, fs->first_m);
	fs->first_m->valid = VM_PAGE_VALID;
	fs->first_m->dirty = VM_PAGE_VALID;
	vm_page_sunbusy(m);
	vm_meter_inc(v_cow_faults);
	return FAULT_NEXT;
}

/*
 * Wired memory that other maps may write lies in the first object, even if it
 * is only read: a copy made by another map could not take our wiring along.
 */
static bool
fault_wires_shared(const struct faultstate *fs)
{
	return (fs->flags & VM_FAULT_WIRE) != 0 &&
	    (fs->l.entry->eflags & MAP_ENTRY_SHARED) != 0;
}

static enum fault_step
fault_fill(struct faultstate *fs)
{
	bool write = (fs->fault_type & VM_PROT_WRITE) != 0;

	if (fs->m == NULL)
		return fault_zero_fill(fs);
	if (fs->object != fs->first_object) {
		if (write || fault_wires_shared(fs))
			return fault_copy(fs);
		/* Others see this page: no write until it is copied. */
		fs->l.prot &= (vm_prot_t)~VM_PROT_WRITE;
	} else if (write) {
		fs->object->flags |= OBJ_MIGHTBEDIRTY;
	}
	return FAULT_NEXT;
}

/* ---- enter ---- */

/*
 * Map the page: the new one, busy, or the found one under its object's lock.
 */
static enum fault_step
fault_enter(struct faultstate *fs)
{
	struct vm_page *m = fs->first_m != NULL ? fs->first_m : fs->m;
	bool wire = (fs->flags & VM_FAULT_WIRE) != 0;
	int error;

	error = pmap_enter(fs->map->pmap, fs->va, m, fs->l.prot, fs->fault_type,
	    wire || fs->l.wired ? PMAP_ENTER_WIRED : 0);
	if (error == 0 && wire)
		vm_page_wire(m);
	KASSERT((fs->l.prot & VM_PROT_WRITE) == 0 || m->object == fs->l.object,
	    "I10: page %lu of %p, not of the first object %p, is writable at "
	    "%lx", m->pindex, (void *)m->object, (void *)fs->l.object, fs->va);
	if (fs->first_m != NULL) {
		if (m->wire_count == 0)
			vm_page_activate(m);
		vm_page_unbusy(m);
		fs->first_m = NULL;
	}
	return error == 0 ? FAULT_NEXT : FAULT_NOMEM;
}

/*
 * The page is mapped; the map is still locked, so its entry keeps the first
 * object.  Nothing is waited for here: who holds what we want may want a map.
 */
static __noinline void __no_lock_analysis
fault_collapse(struct faultstate *fs)
{
	struct vm_object *first = fs->l.object;

	fault_unlock_objects(fs);
	vm_object_lock(first);
	vm_object_collapse(first, VM_COLLAPSE_NOWAIT, &fs->todo);
	vm_object_unlock(first);
}

/*
 * The page was in memory: its neighbours may be, too.  Its objects are let go,
 * and no page is busy.
 */
static void
fault_around(struct faultstate *fs)
{
	fault_unlock_objects(fs);
	if ((fs->flags & VM_FAULT_WIRE) == 0)
		vm_prefault(fs->map, fs->l.entry, fs->va,
		    (fs->fault_type & VM_PROT_WRITE) != 0);
}

/* ---- the loop ---- */

static enum fault_step
fault_once(struct faultstate *fs)
{
	enum fault_step step;
	bool found;

	step = fault_lookup(fs);
	if (step == FAULT_NEXT)
		step = fault_walk(fs);
	if (step == FAULT_NEXT)
		step = fault_fill(fs);
	if (step != FAULT_NEXT)
		return step;
	found = fs->first_m == NULL;
	step = fault_enter(fs);
	if (step == FAULT_NEXT && __predict_false(fs->collapse))
		fault_collapse(fs);
	if (step == FAULT_NEXT && found)
		fault_around(fs);
	return step;
}

int
vm_fault(struct vm_map *map, vm_offset_t va, vm_prot_t fault_type,
    unsigned flags)
{
	struct faultstate fs;
	enum fault_step step;
	bool waited = false;

	KASSERT(fault_type != VM_PROT_NONE, "fault at %lx for nothing", va);
	if (map->system)
		return EFAULT;	/* kernel memory is mapped when it is made */
	fs.map = map;
	fs.va = trunc_page(va);
	fs.fault_type = fault_type;
	fs.flags = flags;
	fs.map_locked = false;
	fs.first_object = fs.object = NULL;
	fs.m = fs.first_m = NULL;
	fs.collapse = false;
	fs.todo.n = 0;
	fs.error = 0;
	vm_meter_inc(v_vm_faults);
	for (;;) {
		step = fault_once(&fs);
		fault_release(&fs);
		if (__predict_false(fs.todo.n != 0))
			vm_object_deallocate_todo(&fs.todo);
		if (step == FAULT_NEXT || step == FAULT_FAIL)
			return fs.error;
		vm_meter_inc(v_fault_retry);
		if (step != FAULT_NOMEM)
			continue;
		/* Who is to die has had the reserve: it may have it all. */
		if (waited && thread_dying())
			return ENOMEM;
		vm_wait("pfault");
		waited = true;
	}
}

/* ---- wiring ---- */

int
vm_fault_wire(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *entry;
	vm_prot_t type;
	vm_offset_t va;
	int error = 0;

	vm_map_lock_read(map);
	if (!vm_map_lookup_entry(map, start, &entry))
		panic("vm_fault_wire: no entry at %lx in map %p", start,
		    (void *)map);
	type = entry->protection;
	if (type != VM_PROT_NONE && (entry->eflags & MAP_ENTRY_COW) == 0)
		type = VM_PROT_READ;	/* every right allows it */
	vm_map_unlock_read(map);

	if (type == VM_PROT_NONE)
		return EACCES;
	/* Not on to the end of memory for a process that is to die. */
	for (va = start; va < end && error == 0; va += PAGE_SIZE)
		error = thread_dying() ? EINTR :
		    vm_fault(map, va, type, VM_FAULT_WIRE);
	if (error != 0) {
		vm_map_lock_read(map);
		vm_fault_unwire(map, start, va - PAGE_SIZE);
		vm_map_unlock_read(map);
	}
	return error;
}

/*
 * The resident page that first, locked, shows at pindex, or NULL; *objectp is
 * its locked object, or the locked end of the chain.  first stays locked.
 */
static struct vm_page * __no_lock_analysis
fault_resident_from(struct vm_object *first, vm_pindex_t pindex,
    struct vm_object **objectp)
{
	struct vm_object *object = first, *next;
	struct vm_page *m;

	while ((m = vm_page_lookup(object, pindex)) == NULL &&
	    (next = object->backing_object) != NULL) {
		vm_object_lock(next);
		pindex += atop(object->backing_object_offset);
		if (object != first)
			vm_object_unlock(object);
		object = next;
	}
	*objectp = object;
	return m;
}

struct vm_page * __no_lock_analysis
vm_fault_resident(const struct vm_map_entry *entry, vm_offset_t va,
    struct vm_object **objectp)
{
	struct vm_page *m;

	vm_object_lock(entry->object);
	m = fault_resident_from(entry->object, atop(entry->offset +
	    (va - entry->start)), objectp);
	if (*objectp != entry->object)
		vm_object_unlock(entry->object);
	return m;
}

/* One wiring less of m, in its locked object; the last one kept what a file that
 * was cut has no more. */
static void
fault_unwire_page(struct vm_object *object, struct vm_page *m)
{
	vm_page_unwire(m);
	if (vm_object_anonymous(object) || m->pindex < object->size ||
	    atomic_load(&m->wire_count) != 0 || !vm_page_busy_try(m))
		return;
	vm_page_free(m);
}

void __no_lock_analysis
vm_fault_unwire(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *entry = NULL;
	struct vm_object *object;
	struct vm_page *m;
	vm_offset_t va;

	KASSERT(rw_held(&map->lock), "map %p not locked", (void *)map);
	for (va = start; va < end; va += PAGE_SIZE) {
		if ((entry == NULL || va >= entry->end) &&
		    !vm_map_lookup_entry(map, va, &entry))
			panic("vm_fault_unwire: no entry at %lx in map %p", va,
			    (void *)map);
		m = vm_fault_resident(entry, va, &object);
		KASSERT(m != NULL, "no page at %lx, which is wired (I8)", va);
		fault_unwire_page(object, m);
		vm_object_unlock(object);
	}
	pmap_unwire(map->pmap, start, end);
}

/* ---- fork of wired memory ---- */

/*
 * entry is wired at va: its page moves to the first object, if it is behind.
 * The map is write-locked and nobody else has the first object in a map, so no
 * one else fills the index; it stays locked, or a merge could.
 */
static int __no_lock_analysis
fault_front_one(struct vm_map *map, struct vm_map_entry *entry, vm_offset_t va)
{
	const vm_pindex_t pindex = atop(entry->offset + (va - entry->start));
	struct vm_object *first = entry->object, *object;
	struct vm_page *m, *new;
	int error = ENOMEM;

	vm_object_lock(first);
	m = fault_resident_from(first, pindex, &object);
	KASSERT(m != NULL, "no page at %lx, which is wired (I8)", va);
	if (object == first) {
		vm_object_unlock(first);
		return 0;
	}
	new = vm_page_alloc(first, pindex, VM_ALLOC_NORMAL);
	if (new != NULL) {
		pmap_copy_page(m, new);
		new->valid = VM_PAGE_VALID;
		new->dirty = VM_PAGE_VALID;
		error = entry->protection == VM_PROT_NONE ? 0 :
		    pmap_enter(map->pmap, va, new,
		    vm_prot_readable(entry->protection), VM_PROT_NONE,
		    PMAP_ENTER_WIRED);
		if (error != 0)
			vm_page_free(new);
	}
	if (error == 0) {
		vm_page_wire(new);
		vm_page_unbusy(new);
		vm_page_unwire(m);
	}
	vm_object_unlock(object);
	vm_object_unlock(first);
	return error;
}

int
vm_fault_front_entry(struct vm_map *map, struct vm_map_entry *entry)
{
	vm_offset_t va;
	int error = 0;

	KASSERT(rw_wowned(&map->lock) && entry->wired_count != 0,
	    "entry %lx: map %p not locked, or it is not wired", entry->start,
	    (void *)map);
	for (va = entry->start; va < entry->end && error == 0; va += PAGE_SIZE)
		error = fault_front_one(map, entry, va);
	return error;
}

/*
 * Copy the page that src shows at va to object, which is private and locked,
 * and map it.  A page that src does not show stays a hole: zero fill.
 */
static int __no_lock_analysis
fault_copy_one(struct vm_map *dst_map, struct vm_map_entry *dst,
    struct vm_map_entry *src, struct vm_object *object, vm_offset_t va)
{
	struct vm_object *from;
	struct vm_page *m, *new;
	int error = 0;

	m = vm_fault_resident(src, va, &from);
	if (m == NULL) {
		vm_object_unlock(from);
		return 0;
	}
	new = vm_page_alloc(object, atop(va - dst->start), VM_ALLOC_NORMAL);
	if (new != NULL)
		pmap_copy_page(m, new);
	vm_object_unlock(from);
	if (new == NULL)
		return ENOMEM;
	new->valid = VM_PAGE_VALID;
	new->dirty = VM_PAGE_VALID;
	if (dst->protection != VM_PROT_NONE)
		error = pmap_enter(dst_map->pmap, va, new,
		    dst->protection | VM_PROT_READ, VM_PROT_READ, 0);
	vm_page_activate(new);
	vm_page_unbusy(new);
	return error;
}

/*
 * The source pages are wired, hence resident and valid; the parent's map is
 * write-locked, so none of them is being replaced.
 */
int
vm_fault_copy_entry(struct vm_map *dst_map, struct vm_map *src_map,
    struct vm_map_entry *dst, struct vm_map_entry *src)
{
	struct vm_object *object;
	vm_offset_t va;
	int error = 0;

	KASSERT(rw_wowned(&src_map->lock) && dst->object == NULL,
	    "copy of entry %lx: map %p not locked, or it has object %p",
	    dst->start, (void *)src_map, (void *)dst->object);
	object = vm_object_allocate_nowait(OBJT_DEFAULT,
	    atop(dst->end - dst->start));
	if (object == NULL)
		return ENOMEM;
	object->flags |= OBJ_PRIVATE;
	vm_object_lock(object);
	for (va = dst->start; va < dst->end && error == 0; va += PAGE_SIZE)
		error = fault_copy_one(dst_map, dst, src, object, va);
	object->flags &= ~(uint32_t)OBJ_PRIVATE;
	vm_object_unlock(object);
	if (error != 0) {
		pmap_remove(dst_map->pmap, dst->start, va);
		vm_object_deallocate(object);
		return error;
	}
	dst->object = object;
	dst->offset = 0;
	return 0;
}
