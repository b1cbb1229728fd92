/* SPDX-License-Identifier: BSD-2-Clause */
/* chain_test.c: chains made by hand for the tests of vm_collapse.c. */
#include "chain_test.h"

#include <vm/vm_page.h>

struct vm_page *
chain_page(struct vm_object *object, vm_pindex_t pindex)
{
	struct vm_page *m;

	vm_object_lock(object);
	m = vm_page_alloc(object, pindex, VM_ALLOC_ZERO);
	vm_page_activate(m);
	vm_page_unbusy(m);
	vm_object_unlock(object);
	return m;
}

static vm_pindex_t
number(const char **s)
{
	vm_pindex_t n = 0;

	for (; **s >= '0' && **s <= '9'; (*s)++)
		n = n * 10 + (vm_pindex_t)(**s - '0');
	return n;
}

static void
add_pages(struct vm_object *object, const char *s)
{
	vm_pindex_t i, last;

	while (*s != '\0') {
		i = last = number(&s);
		if (*s == '-') {
			s++;
			last = number(&s);
		}
		for (; i <= last; i++)
			chain_page(object, i);
		if (*s == ' ')
			s++;
	}
}

struct vm_object *
chain_object(struct vm_object *backing, vm_pindex_t first, vm_pindex_t size,
    const char *pages)
{
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, size);

	add_pages(object, pages);
	if (backing == NULL)
		return object;
	object->flags |= OBJ_PRIVATE;
	vm_object_lock(object);
	vm_object_lock(backing);
	vm_object_set_backing(object, backing, ptoa(first));
	vm_object_unlock(backing);
	object->flags &= ~(uint32_t)OBJ_PRIVATE;
	vm_object_unlock(object);
	return object;
}

unsigned
chain_collapse_unchecked(struct vm_object *object, unsigned flags)
{
	struct vm_object_todo todo = { .n = 0 };
	unsigned n;

	vm_object_lock(object);
	vm_object_collapse(object, flags, &todo);
	vm_object_unlock(object);
	n = todo.n;
	vm_object_deallocate_todo(&todo);
	return n;
}

unsigned
chain_collapse(struct vm_object *object, unsigned flags)
{
	struct vm_object_todo todo = { .n = 0 };
	uint32_t was = object->flags & ~(uint32_t)OBJ_ONSHADOW, is;
	struct vm_object *o;
	unsigned n;

	vm_object_lock(object);
	vm_object_collapse(object, flags, &todo);
	is = object->flags & ~(uint32_t)OBJ_ONSHADOW;
	KASSERT(rw_wowned(&object->lock), "object %p came back unlocked",
	    (void *)object);
	KASSERT(is == was && !vm_object_paging(object),
	    "object %p came back with flags %x, not %x, or pins",
	    (void *)object, is, was);
	for (o = object->backing_object; o != NULL; o = o->backing_object)
		KASSERT(!rw_held(&o->lock) && !vm_object_paging(o),
		    "object %p is left locked or pinned", (void *)o);
	vm_object_unlock(object);
	n = todo.n;
	vm_object_deallocate_todo(&todo);
	return n;
}

unsigned
chain_depth(const struct vm_object *object)
{
	unsigned n = 0;

	for (; object != NULL; object = object->backing_object)
		n++;
	return n;
}
