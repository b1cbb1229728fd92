/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_incore_test.c: is a page found wherever in its chain it is, and counted as
 * private, shared or locked away in a copy that only others have?
 */
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <vm/vm_incore.h>
#include <vm/vm_map.h>

#include "harness.h"
#include "user_access.h"

#define NPAGES	8U

static struct vm_usage
usage(struct vmspace *vm, vm_offset_t at)
{
	struct vm_usage u = { 0 };
	struct vm_map_entry *entry;

	vm_map_lock_read(&vm->vm_map);
	if (vm_map_lookup_entry(&vm->vm_map, at, &entry))
		vm_map_entry_usage(&vm->vm_map, entry, &u);
	vm_map_unlock_read(&vm->vm_map);
	return u;
}

/* seen: how many pages of vm mincore sees; NPAGES + 1: an error. */
static unsigned
seen(struct vmspace *vm, vm_offset_t at)
{
	uint8_t vec[NPAGES];
	unsigned i, n = 0;

	if (vm_map_mincore(&vm->vm_map, at, NPAGES, vec) != 0)
		return NPAGES + 1;
	for (i = 0; i < NPAGES; i++)
		n += vec[i];
	return n;
}

KTEST(incore, fork)
{
	struct vmspace *vm = vmspace_alloc(), *child;
	struct vm_mmap_args a = { .len = NPAGES * PAGE_SIZE,
	    .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL };
	struct vm_usage u;
	vm_offset_t at;
	unsigned i;
	uint8_t v;

	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0 && seen(vm, at) == 0, "map");
	for (i = 0; i < 4; i++)
		KT_CHECK(t, user_store(&vm->vm_map, at + ptoa(i), 1) == 0,
		    "store");
	u = usage(vm, at);
	KT_CHECK(t, u.dirty == 4 && u.anonymous == 4 && u.referenced == 4 &&
	    u.pss == 4 * USAGE_PAGE && u.clean + u.shared_clean +
	    u.shared_dirty == 0 && seen(vm, at) == 4, "alone: %lu of %lu",
	    u.dirty, u.anonymous);
	KT_CHECK(t, vmspace_fork(vm, &child) == 0, "fork");
	/* Not mapped there yet, but where a fault finds it. */
	KT_CHECK(t, seen(child, at) == 4, "%u", seen(child, at));
	for (i = 0; i < 4; i++)
		KT_CHECK(t, user_load(&child->vm_map, at + ptoa(i), &v) == 0,
		    "load");
	u = usage(vm, at);
	KT_CHECK(t, u.shared_dirty == 4 && u.dirty == 0 &&
	    u.pss == 2 * USAGE_PAGE && u.anonymous == 4, "two have %lu",
	    u.shared_dirty);
	KT_CHECK(t, user_store(&child->vm_map, at, 2) == 0, "copy");
	u = usage(child, at);
	KT_CHECK(t, u.dirty == 1 && u.shared_dirty == 3, "the copy: %lu, %lu",
	    u.dirty, u.shared_dirty);
	u = usage(vm, at);
	KT_CHECK(t, u.dirty == 1 && u.shared_dirty == 3, "what was copied: "
	    "%lu, %lu", u.dirty, u.shared_dirty);
	sysref_put(child);
	u = usage(vm, at);
	KT_CHECK(t, u.dirty == 4, "alone again: %lu", u.dirty);
	KT_CHECK(t, vm_munmap(vm, at, PAGE_SIZE) == 0 && vm_map_mincore(
	    &vm->vm_map, at, NPAGES, (uint8_t[NPAGES]){ 0 }) == ENOMEM, "hole");
	sysref_put(vm);
}
