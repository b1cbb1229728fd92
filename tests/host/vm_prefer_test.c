/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_prefer_test.c: the choice of addresses (scenario 23): congruent with the
 * object's colour, with or without resident pages; hints and fixed addresses
 * are kept.
 */
#include <machine/vmparam.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "vm_fault_test.h"

#define MASK	(SUPERPAGE_SIZE - 1)
#define BIG	(2 * SUPERPAGE_SIZE)
#define FROM	(USER_MMAP_BASE + PAGE_SIZE)

static bool
pf_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	return pindex < object->size;
}

static int
pf_getpage(struct vm_object *object, struct vm_page *m)
{
	(void)object;
	pmap_zero_page(m);
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
pf_dealloc(struct vm_object *object)
{
	(void)object;
}

static const struct vm_pager_ops pf_ops = {
	.name = "prefer",
	.haspage = pf_haspage,
	.getpage = pf_getpage,
	.dealloc = pf_dealloc,
};

/* Where len bytes of object at offset go, searched from FROM; 0: nowhere. */
static vm_offset_t
place(struct vmspace *vm, struct vm_object *object, vm_ooffset_t offset,
    vm_size_t len)
{
	struct vm_map_args a = { .prot = VM_PROT_READ,
	    .max_prot = VM_PROT_ALL, .inherit = VM_INHERIT_SHARE,
	    .object = object, .offset = offset };
	vm_offset_t va = FROM;

	if (object != NULL)
		vm_object_reference(object);
	return vm_map_find(&vm->vm_map, &va, len, PAGE_SIZE, &a) == 0 ? va : 0;
}

/* Without a fixed mapping: congruent with the offset, resident or not? */
KTEST(prefer, offset_decides)
{
	struct vm_object *object = vm_pager_allocate(&pf_ops, NULL, 4096);
	struct vmspace *vm = vmspace_alloc();
	vm_offset_t va;
	uint8_t byte;

	va = place(vm, object, 3 * PAGE_SIZE, BIG);
	KT_CHECK(t, va >= FROM && (va & MASK) == 3 * PAGE_SIZE,
	    "no resident page: %lx", va);
	KT_CHECK(t, user_load(&vm->vm_map, va, &byte) == 0 &&
	    object->resident_page_count == 1, "resident");
	va = place(vm, object, 5 * PAGE_SIZE, BIG);
	KT_CHECK(t, va >= FROM && (va & MASK) == 5 * PAGE_SIZE,
	    "one resident page: %lx", va);
	va = place(vm, object, 5 * PAGE_SIZE, PAGE_SIZE);
	KT_CHECK(t, va == FROM, "a small one moved to %lx", va);
	va = place(vm, NULL, 0, BIG);
	KT_CHECK(t, va != 0 && (va & MASK) == 0, "anonymous: %lx", va);
	sysref_put(vm);
	vm_object_deallocate(object);
}

/* Is the colour that the first fixed mapping set adapted to, by everybody? */
KTEST(prefer, fixed_sets_the_colour)
{
	struct vm_object *object = vm_pager_allocate(&pf_ops, NULL, 4096);
	struct vmspace *a = vmspace_alloc(), *b = vmspace_alloc();
	struct vm_map_args args = { .prot = VM_PROT_READ,
	    .max_prot = VM_PROT_ALL, .inherit = VM_INHERIT_SHARE,
	    .object = object };
	vm_offset_t odd = BASE + 7 * PAGE_SIZE, va;

	vm_object_reference(object);
	KT_CHECK(t, vm_map_fixed(&a->vm_map, odd, BIG, true, &args) == 0,
	    "fixed is exact");
	va = place(b, object, 0, BIG);
	KT_CHECK(t, (va & MASK) == (odd & MASK), "%lx", va);
	va = place(b, object, 2 * PAGE_SIZE, BIG);
	KT_CHECK(t, (va & MASK) == ((odd + 2 * PAGE_SIZE) & MASK), "%lx", va);
	vm_object_reference(object);
	KT_CHECK(t, vm_map_fixed(&b->vm_map, BASE, BIG, true, &args) == 0,
	    "fixed, another colour, is exact too");
	KT_CHECK(t, (place(a, object, 0, BIG) & MASK) == (odd & MASK),
	    "the first stays");
	sysref_put(a);
	sysref_put(b);
	vm_object_deallocate(object);
}

/* Never down, never over another mapping, and no failure for a colour? */
KTEST(prefer, only_a_preference)
{
	struct vm_object *object = vm_pager_allocate(&pf_ops, NULL, 4096);
	struct vmspace *vm = vmspace_alloc();
	struct vm_mmap_args m = { .addr = BASE + PAGE_SIZE, .len = BIG,
	    .prot = VM_PROT_READ, .max_prot = VM_PROT_ALL, .shared = true,
	    .object = object };
	vm_offset_t va, last = FROM;
	int i;

	vm_object_reference(object);
	KT_CHECK(t, vm_mmap(vm, &m, &va) == 0 && va == BASE + PAGE_SIZE,
	    "a hint that is free is kept: %lx", va);
	for (i = 0; i < 5; i++) {
		va = place(vm, object, 0, BIG + PAGE_SIZE);
		KT_CHECK(t, va >= last, "%lx below %lx", va, last);
		last = va + BIG + PAGE_SIZE;
	}
	vm_map_lock_read(&vm->vm_map);
	vm_map_check(&vm->vm_map);
	vm_map_unlock_read(&vm->vm_map);
	sysref_put(vm);
	vm_object_deallocate(object);
}
