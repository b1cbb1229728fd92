/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_shadow.c: the links between objects: the one link editor, and shadows.
 *
 * vm_object_set_backing is the only writer of backing_object,
 * backing_object_offset, shadow_head, shadow_list, shadow_count, OBJ_ONSHADOW
 * and of the generation where links change.  The founding report's panic came
 * from two editors of one shadow list under two different locks; here there is
 * one editor, and it asserts the locks.
 *
 * Invariants: I1 shadow list, count, back pointers and ONSHADOW agree; I2 an
 * anonymous backing object lists exactly its shadows.
 * Locks: object (LO_OBJECT, front before backing).
 * Sources: Rashid et al. 1988; 4.4BSD vm_object_shadow; DragonFly b12defdc.
 */
#define VM_OBJECT_LINK_EDITOR
#include <vm/vm_object.h>

#include <lib/atomic.h>
#include <sys/errno.h>
#include <sys/param.h>
#include <vm/vm_bug.h>

void
vm_object_links_init(struct vm_object *object)
{
	object->shadow_count = 0;
	LIST_INIT(&object->shadow_head);
	object->shadow_list.le_next = NULL;
	object->shadow_list.le_prev = NULL;
	object->backing_object = NULL;
	object->backing_object_offset = 0;
}

/*
 * The bug of the founding report (vm_bug.h), in the steps in which two CPUs did
 * it: one inserts without the lock of new, the other removes with it.  The
 * counter is exact, so that the links are what fails.
 */
static void
vm_object_link_2137(struct vm_object *object, struct vm_object *new)
{
	struct vm_object *head = LIST_FIRST(&new->shadow_head);

	if (!vm_bug_point(VMBUG_INS_HEAD_READ, new, head))
		head = LIST_FIRST(&new->shadow_head);
	object->shadow_list.le_next = head;
	if (head != NULL)
		head->shadow_list.le_prev = &object->shadow_list.le_next;
	new->shadow_head.lh_first = object;
	(void)vm_bug_point(VMBUG_INS_HEAD_STORE, new, object);
	object->shadow_list.le_prev = &new->shadow_head.lh_first;
	atomic_add(&new->shadow_count, 1);
	object->flags |= OBJ_ONSHADOW;
}

static void
vm_object_unlink_2137(struct vm_object *object, struct vm_object *old)
{
	struct vm_object **prev = object->shadow_list.le_prev, *next;

	(void)vm_bug_point(VMBUG_RM_PREV_READ, old, object);
	if (*prev != object)
		panic("Bad link elm %p prev->next != elm", (void *)object);
	next = object->shadow_list.le_next;
	if (next != NULL)
		next->shadow_list.le_prev = prev;
	*prev = next;
	(void)vm_bug_point(VMBUG_RM_DONE, old, object);
	atomic_add(&old->shadow_count, -1);
	object->flags &= ~(uint32_t)OBJ_ONSHADOW;
}

/* Take object off its backing object's shadow list, if it is on one. */
static void
vm_object_unlink_shadow(struct vm_object *object)
{
	struct vm_object *old = object->backing_object;

	if ((object->flags & OBJ_ONSHADOW) == 0)
		return;
	vm_object_assert_locked(old);
	if (vm_bug_steps()) {
		vm_object_unlink_2137(object, old);
		return;
	}
	KASSERT(old->shadow_count > 0, "object %p lists shadow %p, counts %d "
	    "(I1)", (void *)old, (void *)object, old->shadow_count);
	LIST_REMOVE(object, shadow_list);
	old->shadow_count--;
	old->generation++;
	object->flags &= ~(uint32_t)OBJ_ONSHADOW;
}

static void
vm_object_link_shadow(struct vm_object *object, struct vm_object *new)
{
	if (vm_bug_steps()) {
		vm_object_link_2137(object, new);
		return;
	}
	vm_object_assert_locked(new);
	KASSERT((new->flags & OBJ_DEAD) == 0,
	    "object %p gets dead backing object %p (I6)", (void *)object,
	    (void *)new);
	LIST_INSERT_HEAD(&new->shadow_head, object, shadow_list);
	new->shadow_count++;
	new->generation++;
	object->flags |= OBJ_ONSHADOW;
}

void
vm_object_set_backing(struct vm_object *object, struct vm_object *new,
    vm_ooffset_t offset)
{
	vm_object_assert_locked(object);
	KASSERT((object->flags & OBJ_DEAD) == 0, "relink of dead object %p (I6)",
	    (void *)object);
	KASSERT(new == NULL || (new != object && new->backing_object != object),
	    "object %p would back itself through %p (I5)", (void *)object,
	    (void *)new);
	KASSERT((offset & PAGE_MASK) == 0, "object %p: backing offset %lx is "
	    "not page aligned (I5)", (void *)object, offset);
	vm_object_unlink_shadow(object);
	if (new != NULL && vm_object_anonymous(new))
		vm_object_link_shadow(object, new);
	object->backing_object = new;
	object->backing_object_offset = offset;
	object->generation++;
}

/* new, locked and private, gets in front of source. */
static void __no_lock_analysis
vm_object_shadow_link(struct vm_object *new, struct vm_object *source,
    vm_ooffset_t offset)
{
	if (vm_bug(VMBUG_2137_LINK))
		vm_bug_token_enter();
	else
		vm_object_lock(source);
	vm_object_set_backing(new, source, offset);
	source->flags &= ~(uint32_t)OBJ_ONEMAPPING;
	if (vm_bug(VMBUG_2137_LINK))
		vm_bug_token_exit();
	else
		vm_object_unlock(source);
}

int
vm_object_shadow(struct vm_object **object, vm_ooffset_t *offset,
    vm_pindex_t size)
{
	struct vm_object *source = *object, *new;

	/*
	 * The lone reference is our map entry's, and the map is write-locked:
	 * no second one can appear.
	 */
	if (vm_object_anonymous(source) &&
	    atomic_load(&source->ref_count) == 1)
		return 0;
	new = vm_object_allocate_nowait(OBJT_DEFAULT, size);
	if (new == NULL)
		return ENOMEM;
	new->flags |= OBJ_PRIVATE;
	vm_object_lock(new);
	vm_object_shadow_link(new, source, *offset);
	new->flags &= ~(uint32_t)OBJ_PRIVATE;
	vm_object_unlock(new);
	*object = new;
	*offset = 0;
	return 0;
}
