/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_collapse.c: chains kept short: a backing object that only one shadow needs
 * is merged into it; one that a shadow covers is bypassed by that shadow.
 *
 *	merge	front -> B(1) -> X	B's pages that front lacks move to
 *		front -> X		front, the others go, and B with them
 *	bypass	front -> B -> X		front shows nothing of B: it refers to
 *		front -> X <- B <-	X itself; others keep B
 *	split	entries e, f -> O	e gets an object of its own with its
 *		e -> N, f -> O		part of the pages
 *
 * A merge owns both sides (COLLAPSING, FADING, a pin each) from its begin to its
 * end, and may then unlock both to wait for a busy page.  Each page moves under
 * both locks, so a walker that couples locks never misses it.  Nothing is
 * lost when a merge is given up half way: B's pages show wherever they are.
 * The last act, from the last look at B's pages to the new links, is under
 * both locks and that of X.
 *
 * Invariants: I1-I9.  The object's lock is held on entry and on every return.
 * Locks: objects, front before backing, three at most; page busy by try.
 * Sources: Mach's vm_object_collapse as described by Rashid et al. 1988; the
 * NetBSD log of 1996-97 (what goes wrong); FreeBSD D6085; the SPIN models in
 * tests/models.
 */
#include <vm/vm_collapse.h>

#include <lib/atomic.h>
#include <sys/errno.h>
#include <vm/pmap.h>
#include <vm/vm.h>
#include <vm/vm_bug.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_sched.h>

/* in somebody's merge, or ending */
#define COLLAPSE_TAKEN	(OBJ_DEAD | OBJ_COLLAPSING | OBJ_FADING)

/* ---- what front shows of B ---- */

/* The index in front of B's page at pindex; false: front does not reach it. */
static inline bool
front_index(const struct vm_object *front, vm_pindex_t pindex,
    vm_pindex_t *index)
{
	vm_pindex_t first = atop(front->backing_object_offset);

	*index = pindex - first;
	return pindex >= first && *index < front->size;
}

/* Has front a page of its own at index, in memory or in store? */
static inline bool
front_has(struct vm_object *front, vm_pindex_t index)
{
	return vm_page_lookup(front, index) != NULL ||
	    vm_pager_haspage(front, index);
}

/*
 * The same, and does nobody see B's page there any more?  A busy page of front
 * may belong to a fault that has not mapped it yet: until then its map has B's,
 * which nothing but our link to B keeps.
 */
static inline bool
front_covers(struct vm_object *front, vm_pindex_t index)
{
	struct vm_page *m = vm_page_lookup(front, index);

	return m != NULL ? !vm_page_xbusied(m) :
	    vm_pager_haspage(front, index);
}

/* Does front show nothing of B?  Both are locked, and stay so until relinked. */
static bool
front_covers_all(struct vm_object *front, struct vm_object *backing)
{
	vm_pindex_t pindex = atop(front->backing_object_offset), index;
	struct vm_page *m;

	for (; (m = vm_page_ge(backing, pindex)) != NULL &&
	    front_index(front, m->pindex, &index); pindex = m->pindex + 1) {
		if (!front_covers(front, index))
			return false;
	}
	pindex = atop(front->backing_object_offset);
	for (; vm_pager_nextpage(backing, &pindex) &&
	    front_index(front, pindex, &index); pindex++) {
		if (!front_covers(front, index))
			return false;
	}
	return true;
}

/* ---- merge ---- */

static void
merge_begin(struct vm_object *front, struct vm_object *backing)
{
	KASSERT(backing->shadow_count == 1 &&
	    LIST_FIRST(&backing->shadow_head) == front,
	    "object %p has one reference and %d shadows, the first is %p, not "
	    "%p (I4)", (void *)backing, backing->shadow_count,
	    (void *)LIST_FIRST(&backing->shadow_head), (void *)front);
	front->flags |= OBJ_COLLAPSING;
	backing->flags |= OBJ_FADING;
	vm_object_paging_begin(front);
	vm_object_paging_begin(backing);
}

/* Given up: front and B are as any two objects. */
static void
merge_abort(struct vm_object *front, struct vm_object *backing)
{
	front->flags &= ~(uint32_t)OBJ_COLLAPSING;
	backing->flags &= ~(uint32_t)OBJ_FADING;
	vm_object_paging_end(backing);
	vm_object_paging_end(front);
	vm_meter_inc(v_collapse_aborts);
}

/*
 * One page of B, busy by us: forward with its mappings, or away.  The mappings
 * are those of front's users, without write, and still right.
 */
static int
merge_page(struct vm_object *front, struct vm_page *m)
{
	vm_pindex_t index;
	int error;

	if (front_index(front, m->pindex, &index) && m->valid != 0 &&
	    !front_has(front, index)) {
		error = vm_page_move(m, front, index);
		vm_page_unbusy(m);
		if (error == 0)
			vm_meter_inc(v_collapse_moved);
		return error;
	}
	if (m->wire_count != 0) {
		vm_page_unbusy(m);
		return EBUSY;
	}
	if (pmap_page_is_mapped(m))
		pmap_remove_all(m);
	vm_page_free(m);
	vm_meter_inc(v_collapse_freed);
	return 0;
}

/* m is busy: wait for it with nothing locked.  Then begin the scan again. */
static void __no_lock_analysis
merge_wait(struct vm_object *front, struct vm_object *backing,
    struct vm_page *m)
{
	vm_meter_inc(v_collapse_waits);
	vm_object_unlock(front);
	vm_page_sleep_busy(m, backing, "vosca2");
	vm_sched_point("merge.woken");
	vm_object_lock(front);
	vm_object_lock(backing);
	KASSERT(front->backing_object == backing &&
	    atomic_load(&backing->ref_count) == 1 &&
	    (front->flags & OBJ_COLLAPSING) != 0 &&
	    (backing->flags & OBJ_FADING) != 0,
	    "merge of %p into %p was broken into: %d references, flags %x %x",
	    (void *)backing, (void *)front, backing->ref_count,
	    backing->flags, front->flags);
}

/* Empty B.  On 0 no page of it, and nothing stored, is left. */
static int
merge_contents(struct vm_object *front, struct vm_object *backing,
    unsigned flags)
{
	struct vm_page *m;
	int error = 0;

	while (error == 0 && (m = vm_page_ge(backing, 0)) != NULL) {
		if (vm_page_busy_try(m))
			error = merge_page(front, m);
		else if ((flags & VM_COLLAPSE_WAIT) != 0)
			merge_wait(front, backing, m);
		else
			error = EBUSY;
	}
	if (error == 0)
		error = vm_pager_transfer(backing, front,
		    atop(front->backing_object_offset));
	return error;
}

/* front's reference on B is B's last; B's reference on X becomes front's. */
static void __no_lock_analysis
merge_relink(struct vm_object *front, struct vm_object *backing)
{
	struct vm_object *third = backing->backing_object;
	vm_ooffset_t offset = front->backing_object_offset +
	    backing->backing_object_offset;
	bool locked = third != NULL && vm_object_anonymous(third);

	if (locked)
		vm_object_lock(third);
	vm_object_set_backing(backing, NULL, 0);
	vm_object_set_backing(front, third, third != NULL ? offset : 0);
	if (locked)
		vm_object_unlock(third);
}

/*
 * B is empty and unlinked, and locked: nobody finds it any more.  Somebody who
 * came up to it may still have it pinned, and a pager may have to sleep: then
 * it ends later, by its last reference.
 */
static void __no_lock_analysis
merge_end(struct vm_object *front, struct vm_object *backing,
    struct vm_object_todo *todo)
{
	front->flags &= ~(uint32_t)OBJ_COLLAPSING;
	vm_object_paging_end(front);
	vm_object_paging_end(backing);
	vm_meter_inc(v_collapses);
	if (!vm_object_paging(backing) && backing->pager == NULL) {
		atomic_store(&backing->ref_count, 0);
		backing->flags |= OBJ_DEAD;
		vm_object_destroy(backing);
		return;
	}
	vm_object_unlock(backing);
	todo->object[todo->n++] = backing;
}

/* Both locked; false: B is still there, and still locked. */
static bool
merge(struct vm_object *front, struct vm_object *backing, unsigned flags,
    struct vm_object_todo *todo)
{
	merge_begin(front, backing);
	vm_sched_point("merge.begun");
	if (merge_contents(front, backing, flags) != 0) {
		merge_abort(front, backing);
		return false;
	}
	vm_sched_point("merge.empty");
	merge_relink(front, backing);
	merge_end(front, backing, todo);
	return true;
}

/* ---- bypass ---- */

/*
 * Both locked; front then refers to X itself, and to B no more: that reference
 * is the caller's.  X cannot be fading, for B would be collapsing.
 */
static void __no_lock_analysis
bypass_relink(struct vm_object *front, struct vm_object *backing)
{
	struct vm_object *third = backing->backing_object;
	vm_ooffset_t offset = front->backing_object_offset +
	    backing->backing_object_offset;
	bool locked = third != NULL && vm_object_anonymous(third);

	if (third != NULL)
		vm_object_reference(third);
	if (locked)
		vm_object_lock(third);
	vm_sched_point("bypass.relink");
	vm_object_set_backing(front, third, third != NULL ? offset : 0);
	if (locked)
		vm_object_unlock(third);
}

/*
 * Both locked; false: B is still locked.  Our reference on B may be the last but
 * one, and what is left of B then be due to merge: the caller's to do, when
 * nothing is locked.
 */
static bool __no_lock_analysis
bypass(struct vm_object *front, struct vm_object *backing,
    struct vm_object_todo *todo)
{
	if (!front_covers_all(front, backing))
		return false;
	bypass_relink(front, backing);
	vm_object_unlock(backing);
	if (!vm_object_deallocate_fast(backing))
		todo->object[todo->n++] = backing;
	vm_meter_inc(v_bypasses);
	return true;
}

/* ---- the loop ---- */

/* B is locked, and somebody else's merge concerns it; false: stop here. */
static bool __no_lock_analysis
collapse_wait(struct vm_object *object, struct vm_object *backing,
    unsigned flags)
{
	if ((flags & VM_COLLAPSE_WAIT) == 0) {
		vm_object_unlock(backing);
		return false;
	}
	vm_meter_inc(v_collapse_waits);
	vm_object_unlock(object);
	vm_object_paging_sleep(backing, "vosca1");
	vm_object_lock(object);
	return true;
}

/*
 * An object that is in a merge already needs no second thread: the one that
 * merges goes on with what it finds behind.
 */
void __no_lock_analysis
vm_object_collapse(struct vm_object *object, unsigned flags,
    struct vm_object_todo *todo)
{
	struct vm_object *backing;
	bool more = true;

	vm_object_assert_locked(object);
	if (vm_bug(VMBUG_NB_SWAPLEAK) && object->pager != NULL)
		return;
	while (more && (backing = object->backing_object) != NULL &&
	    vm_object_anonymous(backing) &&
	    (object->flags & COLLAPSE_TAKEN) == 0 &&
	    todo->n < VM_OBJECT_TODO) {
		vm_object_lock(backing);
		vm_sched_point("collapse.locked");
		if ((backing->flags & COLLAPSE_TAKEN) != 0) {
			more = collapse_wait(object, backing, flags);
			continue;
		}
		if (atomic_load(&backing->ref_count) == 1)
			more = merge(object, backing, flags, todo);
		else
			more = bypass(object, backing, todo);
		if (!more)
			vm_object_unlock(backing);
	}
	vm_object_assert_locked(object);
}

/* ---- copy up ---- */

/* m belongs at index of front; both objects are locked. */
static bool
copy_up_page(struct vm_object *front, struct vm_page *m, vm_pindex_t index)
{
	struct vm_page *new;

	if (m->valid == 0 || !vm_page_sbusy_try(m))
		return false;
	new = vm_page_alloc(front, index, VM_ALLOC_NORMAL);
	if (new != NULL) {
		pmap_copy_page(m, new);
		new->valid = VM_PAGE_VALID;
		new->dirty = VM_PAGE_VALID;
		vm_page_activate(new);
		vm_page_unbusy(new);
		vm_meter_inc(v_copied_up);
	}
	vm_page_sunbusy(m);
	return new != NULL;
}

/* What front shows of object, whose index first is front's 0. */
static bool
copy_up_object(struct vm_object *front, struct vm_object *object,
    vm_pindex_t first, bool *copied)
{
	vm_pindex_t pindex = first;
	struct vm_page *m;

	for (; (m = vm_page_ge(object, pindex)) != NULL &&
	    m->pindex - first < front->size; pindex = m->pindex + 1) {
		if (front_has(front, m->pindex - first))
			continue;
		if (!copy_up_page(front, m, m->pindex - first))
			return false;
		*copied = true;
	}
	return object->pager == NULL;	/* what is stored is not read */
}

/* From the front to the back, so that the page in front is the one copied. */
static bool __no_lock_analysis
copy_up(struct vm_object *front)
{
	struct vm_object *object = front, *next;
	vm_ooffset_t offset = 0;
	bool copied = false, more = true;

	while (more && (next = object->backing_object) != NULL &&
	    vm_object_anonymous(next)) {
		vm_object_lock(next);
		offset += object->backing_object_offset;
		if (object != front)
			vm_object_unlock(object);
		object = next;
		more = copy_up_object(front, object, atop(offset), &copied);
	}
	if (object != front)
		vm_object_unlock(object);
	return copied;
}

/* Is there more than depth objects?  front stays locked. */
static bool __no_lock_analysis
deeper_than(struct vm_object *front, unsigned depth)
{
	struct vm_object *object = front, *next;

	while ((next = object->backing_object) != NULL && depth-- > 1) {
		vm_object_lock(next);
		if (object != front)
			vm_object_unlock(object);
		object = next;
	}
	if (object != front)
		vm_object_unlock(object);
	return next != NULL;
}

/*
 * Each live child of a server keeps the object that it was forked with, so no
 * merge and no bypass can take those out of the server's chain.  Copying what
 * it shows of them can: then it covers them all.
 */
bool
vm_object_shorten(struct vm_object *object, struct vm_object_todo *todo)
{
	vm_object_collapse(object, VM_COLLAPSE_NOWAIT, todo);
	if (object->backing_object == NULL ||
	    atomic_load(&object->ref_count) != 1 ||
	    !deeper_than(object, VM_OBJECT_DEPTH))
		return false;
	return copy_up(object);
}

/* ---- split ---- */

/* Move the pages that front reaches; false: one had to stay. */
static bool
split_pages(struct vm_object *front, struct vm_object *source)
{
	vm_pindex_t pindex = atop(front->backing_object_offset), index;
	struct vm_page *m;
	int error;

	while ((m = vm_page_ge(source, pindex)) != NULL &&
	    front_index(front, m->pindex, &index)) {
		pindex = m->pindex + 1;
		if (!vm_page_busy_try(m))
			return false;
		error = vm_page_move(m, front, index);
		vm_page_unbusy(m);
		if (error != 0)
			return false;
	}
	return true;
}

/*
 * A shadow that takes its part of the pages with it.  As long as one page is
 * missing the shadow shows it through, so a split may stop anywhere.
 */
void __no_lock_analysis
vm_object_split(struct vm_object **object, vm_ooffset_t *offset,
    vm_pindex_t size, struct vm_object_todo *todo)
{
	struct vm_object *source = *object, *new;

	if (!vm_object_anonymous(source) || todo->n == VM_OBJECT_TODO ||
	    atomic_load(&source->ref_count) == 1)
		return;
	new = vm_object_allocate_nowait(OBJT_DEFAULT, size);
	if (new == NULL)
		return;
	new->flags |= OBJ_PRIVATE;
	vm_object_lock(new);
	vm_object_lock(source);
	if ((source->flags & OBJ_ONEMAPPING) == 0 || source->pager != NULL ||
	    (source->flags & COLLAPSE_TAKEN) != 0) {
		vm_object_unlock(source);
		vm_object_unlock(new);
		vm_object_deallocate(new);	/* empty and ours: at once */
		return;
	}
	vm_object_set_backing(new, source, *offset);
	if (split_pages(new, source)) {
		bypass_relink(new, source);
		vm_object_unlock(source);
		if (!vm_object_deallocate_fast(source))
			todo->object[todo->n++] = source;
	} else {
		vm_object_unlock(source);
	}
	new->flags &= ~(uint32_t)OBJ_PRIVATE;
	vm_object_unlock(new);
	vm_meter_inc(v_splits);
	*object = new;
	*offset = 0;
}

unsigned __no_lock_analysis
vm_object_depth(struct vm_object *object)
{
	struct vm_object *next;
	unsigned depth = 1;

	vm_object_lock(object);
	for (; (next = object->backing_object) != NULL; depth++) {
		vm_object_lock(next);
		vm_object_unlock(object);
		object = next;
	}
	vm_object_unlock(object);
	return depth;
}
