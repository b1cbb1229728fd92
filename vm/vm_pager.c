/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_pager.c: calls a pager, and checks both sides of the contract that
 * vm_pager.h states, so that no pager and no caller repeats the checks.
 *
 * The anonymous pager is the absence of one: zero fill (vm_fault.c).
 * Locks: none of its own.
 * Sources: 4.4BSD vm_pager.c; NetBSD uvm_pager.
 */
#include <vm/vm_pager.h>

#include <sys/errno.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

struct vm_object *
vm_pager_allocate(const struct vm_pager_ops *ops, void *handle,
    vm_pindex_t size)
{
	struct vm_object *object = vm_object_allocate(OBJT_FILE, size);

	object->pager = ops;
	object->handle = handle;
	return object;
}

bool
vm_pager_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	KASSERT(rw_held(&object->lock), "object %p not locked",
	    (void *)object);
	return object->pager != NULL && pindex < object->size &&
	    object->pager->haspage(object, pindex);
}

bool
vm_pager_nextpage(struct vm_object *object, vm_pindex_t *pindex)
{
	KASSERT(rw_held(&object->lock), "object %p not locked",
	    (void *)object);
	return object->pager != NULL && object->pager->nextpage != NULL &&
	    object->pager->nextpage(object, pindex);
}

int
vm_pager_transfer(struct vm_object *from, struct vm_object *to,
    vm_pindex_t first)
{
	vm_pindex_t left = 0;
	int error;

	vm_object_assert_locked(from);
	vm_object_assert_locked(to);
	if (from->pager == NULL)
		return 0;
	KASSERT(vm_object_anonymous(from) && vm_object_anonymous(to) &&
	    from->pager->transfer != NULL &&
	    (to->pager == NULL || to->pager == from->pager),
	    "%s: transfer from object %p to %p", from->pager->name,
	    (void *)from, (void *)to);
	error = from->pager->transfer(from, to, first);
	KASSERT(error == ENOMEM ||
	    (error == 0 && !vm_pager_nextpage(from, &left)),
	    "%s: transfer returned %d, page %lu is left",
	    from->pager->name, error, left);
	return error;
}

void
vm_pager_remove(struct vm_object *object, vm_pindex_t start, vm_pindex_t end)
{
	vm_object_assert_locked(object);
	if (start >= end || object->pager == NULL ||
	    !vm_object_anonymous(object))
		return;
	KASSERT(object->pager->remove != NULL,
	    "%s stores pages of object %p for ever", object->pager->name,
	    (void *)object);
	object->pager->remove(object, start, end);
}

int
vm_pager_getpage(struct vm_object *object, struct vm_page *m)
{
	int error;

	KASSERT(vm_object_paging(object), "getpage on unpinned object %p (I7)",
	    (void *)object);
	KASSERT(vm_page_xbusied(m) && m->valid == 0 && m->object == object,
	    "getpage of page %lu: object %p not %p, busy %x, valid %u",
	    m->pindex, (void *)m->object, (void *)object, m->busy_lock,
	    m->valid);
	error = object->pager->getpage(object, m);
	KASSERT(vm_page_xbusied(m) && m->object == object,
	    "%s: page %lu came back with object %p, busy %x",
	    object->pager->name, m->pindex, (void *)m->object, m->busy_lock);
	KASSERT(error != 0 || m->valid != 0,
	    "%s: page %lu came back invalid without an error",
	    object->pager->name, m->pindex);
	KASSERT(error == 0 || error == EIO || error == ENOMEM,
	    "%s: getpage returned %d", object->pager->name, error);
	return error;
}

void
vm_pager_dealloc(struct vm_object *object)
{
	KASSERT(object->resident_page_count == 0,
	    "dead object %p still has %lu pages", (void *)object,
	    (unsigned long)object->resident_page_count);
	if (object->pager != NULL)
		object->pager->dealloc(object);
}
