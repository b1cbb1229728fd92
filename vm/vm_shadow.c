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

/* Take object off its backing object's shadow list, if it is on one. */
static void
vm_object_unlink_shadow(struct vm_object *object)
{
	struct vm_object *old = object->backing_object;

	if ((object->flags & OBJ_ONSHADOW) == 0)
		return;
	vm_object_assert_locked(old);
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
	vm_object_lock(source);
	vm_object_set_backing(new, source, *offset);
	source->flags &= ~(uint32_t)OBJ_ONEMAPPING;
	vm_object_unlock(source);
	new->flags &= ~(uint32_t)OBJ_PRIVATE;
	vm_object_unlock(new);
	*object = new;
	*offset = 0;
	return 0;
}
