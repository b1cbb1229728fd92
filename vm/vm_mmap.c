/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_mmap.c: mmap, munmap and brk in the terms of this layer, with the error
 * numbers that Linux programs expect.
 *
 * Every address and length here comes from a user: this is where ranges are
 * checked, round-ups that wrap included, before a map sees them.  What the
 * flags of the system calls mean is decided above.
 *
 * Locks: the map; limits are checked and the mapping made under one hold.
 * Sources: mmap(2) of Linux and POSIX; CVE-2023-32434 for what a wrapping
 * round-up does.
 */
#include <vm/vm_map.h>

#include <lib/assert.h>
#include <lib/overflow.h>
#include <sys/errno.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>

#include "vm_priv.h"

/* *lenp = len in whole pages; false when that wraps. */
static bool
round_len(vm_size_t len, vm_size_t *lenp)
{
	*lenp = round_page(len);
	return *lenp >= len;
}

/* The arguments, apart from addresses: 0 and *len in whole pages. */
static int
mmap_check(const struct vm_mmap_args *a, vm_size_t *len)
{
	uint64_t sum;

	if (a->len == 0)
		return EINVAL;
	if (!round_len(a->len, len))
		return ENOMEM;
	if (a->object != NULL) {
		if ((a->offset & PAGE_MASK) != 0)
			return EINVAL;
		if (!add_ok(a->offset, *len, &sum))
			return EOVERFLOW;
	}
	if ((a->prot & ~a->max_prot) != 0)
		return EACCES;
	return 0;
}

static int
mmap_check_fixed(const struct vm_map *map, vm_offset_t addr, vm_size_t len)
{
	if ((addr & PAGE_MASK) != 0)
		return EINVAL;
	if (len > map->max_offset || addr > map->max_offset - len)
		return ENOMEM;
	return addr < map->min_offset ? EPERM : 0;
}

static struct vm_map_args
mmap_args(const struct vm_mmap_args *a)
{
	struct vm_map_args m = {
		.object = a->object,
		.offset = a->offset,
		.prot = a->prot,
		.max_prot = a->max_prot,
		.inherit = a->shared ? VM_INHERIT_SHARE : VM_INHERIT_COPY,
	};

	if (a->guard) {
		m.eflags = MAP_ENTRY_GUARD;
		m.prot = m.max_prot = VM_PROT_NONE;
	} else if (a->shared) {
		m.eflags = MAP_ENTRY_SHARED;
	} else if (a->object != NULL) {
		m.eflags = MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY;
	}
	return m;
}

/* Bytes of [start, end) that are mapped. */
static vm_size_t
range_size(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *entry;
	vm_size_t size = 0;

	for (entry = vm_map_entry_ge(map, start);
	    entry != NULL && entry->start < end;
	    entry = vm_map_entry_next(entry))
		size += MIN(entry->end, end) - MAX(entry->start, start);
	return size;
}

/* At addr exactly.  A stack's range has to be free: its room is not mapped. */
static int
mmap_fixed(struct vm_map *map, const struct vm_mmap_args *a, vm_offset_t addr,
    vm_size_t len, struct vm_map_entry **dead)
{
	struct vm_map_args m = mmap_args(a);
	vm_size_t old = range_size(map, addr, addr + len);
	bool excl = a->excl;

	if (a->stack) {
		if (old != 0)
			return a->excl ? EEXIST : ENOMEM;
		m.eflags |= MAP_ENTRY_STACK;
		m.avail_ssize = len - MIN(len, STACK_INIT);
		addr += m.avail_ssize;
		len -= m.avail_ssize;
	}
	if (excl && old != 0)
		return EEXIST;
	if (len > old && vmspace_over_limit(map, len - old))
		return ENOMEM;
	return vm_map_fixed_locked(map, addr, addr + len, excl, &m, dead);
}

#define LOW_START	(1UL << 30)
#define LOW_END		(2UL << 30)

/* First fit in what 31 bits reach, as Linux has it. */
static int
mmap_low(struct vm_map *map, const struct vm_map_args *m, vm_size_t len,
    vm_offset_t *addrp)
{
	vm_offset_t found;
	int error;

	error = vm_map_findspace(map, LOW_START, len, PAGE_SIZE, &found);
	if (error != 0 || len > LOW_END - LOW_START || found > LOW_END - len)
		return ENOMEM;
	error = vm_map_insert(map, found, found + len, m);
	if (error == 0)
		*addrp = found;
	return error;
}

/* Anywhere: at the hint if it is free, else first fit from the usual base, else
 * from the bottom. */
static int
mmap_anywhere(struct vm_map *map, const struct vm_mmap_args *a, vm_size_t len,
    vm_offset_t *addrp)
{
	struct vm_map_args m = mmap_args(a);
	vm_offset_t hint, found;
	int error;

	if (vmspace_over_limit(map, len))
		return ENOMEM;
	hint = round_page(a->addr);
	if (hint >= map->min_offset && hint < map->max_offset &&
	    (!a->low || (hint < LOW_END && len <= LOW_END - hint)) &&
	    vm_map_findspace(map, hint, len, PAGE_SIZE, &found) == 0 &&
	    found == hint) {
		error = vm_map_insert(map, hint, hint + len, &m);
		if (error == 0)
			*addrp = hint;
		return error;
	}
	if (a->low)
		return mmap_low(map, &m, len, addrp);
	*addrp = USER_MMAP_BASE;
	error = vm_map_find_locked(map, addrp, len, PAGE_SIZE, &m);
	if (error == ENOMEM && vm_map_findspace(map, USER_MMAP_BASE, len,
	    PAGE_SIZE, &found) != 0) {
		*addrp = map->min_offset;
		error = vm_map_find_locked(map, addrp, len, PAGE_SIZE, &m);
	}
	return error;
}

int
vm_mmap(struct vmspace *vm, const struct vm_mmap_args *a, vm_offset_t *addrp)
{
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *dead = NULL;
	vm_offset_t addr = a->addr;
	vm_size_t len;
	int error;

	KASSERT(!a->stack || (a->fixed && a->object == NULL && !a->guard),
	    "a stack is anonymous and has a fixed place");
	error = mmap_check(a, &len);
	if (error == 0 && a->fixed)
		error = mmap_check_fixed(map, addr, len);
	if (error != 0)
		return error;
	vm_map_lock(map);
	if (a->fixed)
		error = mmap_fixed(map, a, addr, len, &dead);
	else
		error = mmap_anywhere(map, a, len, &addr);
	vm_map_unlock(map);
	vm_map_release_dead(dead);
	if (error == 0)
		*addrp = addr;
	return error;
}

int
vm_munmap(struct vmspace *vm, vm_offset_t addr, vm_size_t len)
{
	struct vm_map *map = &vm->vm_map;

	if ((addr & PAGE_MASK) != 0 || len == 0 || !round_len(len, &len) ||
	    !range_ok(addr, len, 0, map->max_offset))
		return EINVAL;
	return vm_map_remove(map, addr, addr + len);
}

/* ---- the heap ---- */

void
vm_brk_init(struct vmspace *vm, vm_offset_t start)
{
	vm_map_lock(&vm->vm_map);
	vm->vm_brk_start = vm->vm_brk_end = start;
	vm_map_unlock(&vm->vm_map);
}

static int
brk_grow(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	static const struct vm_map_args heap = {
		.prot = VM_PROT_RW,
		.max_prot = VM_PROT_ALL,
		.inherit = VM_INHERIT_COPY,
	};

	if (end > map->max_offset || vmspace_over_limit(map, end - start))
		return ENOMEM;
	return vm_map_insert(map, start, end, &heap) != 0 ? ENOMEM : 0;
}

int
vm_brk(struct vmspace *vm, vm_offset_t end)
{
	struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *dead = NULL;
	vm_offset_t old_page, new_page = round_page(end);
	int error = 0;

	vm_map_lock(map);
	old_page = round_page(vm->vm_brk_end);
	if (end < vm->vm_brk_start || new_page < end)
		error = ENOMEM;
	else if (new_page > old_page)
		error = brk_grow(map, old_page, new_page);
	else if (new_page < old_page)
		error = vm_map_delete_locked(map, new_page, old_page, &dead);
	if (error == 0)
		vm->vm_brk_end = end;
	vm_map_unlock(map);
	vm_map_release_dead(dead);
	return error;
}
