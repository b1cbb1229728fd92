/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_mmap_test.c: mmap, munmap and brk: every combination of boundary addresses
 * and lengths against what 128-bit arithmetic says, limits, stacks, the heap.
 */
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#include "harness.h"
#include "user_access.h"

#define MIN_VA	VM_MIN_USER_ADDRESS
#define MAX_VA	VM_MAX_USER_ADDRESS

static const uint64_t edges[] = {
	0, 1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1,
	MIN_VA - PAGE_SIZE, MIN_VA - 1, MIN_VA, MIN_VA + 1, MIN_VA + PAGE_SIZE,
	USER_MMAP_BASE, USER_MMAP_BASE + 1,
	MAX_VA - 2 * PAGE_SIZE, MAX_VA - PAGE_SIZE, MAX_VA - 1, MAX_VA,
	MAX_VA + 1, MAX_VA + PAGE_SIZE, 1UL << 47, 1UL << 63,
	-2 * PAGE_SIZE, -PAGE_SIZE - 1, -PAGE_SIZE, -PAGE_SIZE + 1, -1UL,
};

typedef unsigned __int128 wide;

static wide
wide_round(wide x)
{
	return (x + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

/* A process with one page at each end of user space and one in the middle. */
static struct vmspace *
edge_space(void)
{
	static const vm_offset_t at[] = { MIN_VA, USER_MMAP_BASE,
	    MAX_VA - PAGE_SIZE };
	struct vmspace *vm = vmspace_alloc();
	struct vm_mmap_args a = { .len = 1, .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL, .fixed = true, .excl = true };
	vm_offset_t got;
	unsigned i;

	for (i = 0; i < nitems(at); i++) {
		a.addr = at[i];
		if (vm_mmap(vm, &a, &got) != 0 || got != at[i])
			panic("edge_space");
	}
	return vm;
}

static bool
edge_taken(wide start, wide end)
{
	return start <= MIN_VA || end >= MAX_VA ||
	    (start <= USER_MMAP_BASE && end > USER_MMAP_BASE);
}

/* What mmap has to return for an anonymous mapping. */
static int
want_mmap(uint64_t addr, uint64_t len, bool fixed, bool excl, vm_prot_t prot,
    vm_prot_t max)
{
	wide end = wide_round(len);

	if (len == 0)
		return EINVAL;
	if (end > UINT64_MAX)
		return ENOMEM;
	if ((prot & ~max) != 0)
		return EACCES;
	if (!fixed)	/* the whole space less three pages */
		return end > MAX_VA - USER_MMAP_BASE - 2 * PAGE_SIZE &&
		    end > USER_MMAP_BASE - MIN_VA - PAGE_SIZE ? ENOMEM : 0;
	if (addr % PAGE_SIZE != 0)
		return EINVAL;
	if ((wide)addr + end > MAX_VA)
		return ENOMEM;
	if (addr < MIN_VA)
		return EPERM;
	return excl && edge_taken(addr, addr + end) ? EEXIST : 0;
}

static int
try_mmap(uint64_t addr, uint64_t len, unsigned how, vm_prot_t prot,
    vm_offset_t *got)
{
	struct vm_mmap_args a = { .addr = addr, .len = len, .prot = prot,
	    .max_prot = VM_PROT_RW, .fixed = how > 0, .excl = how > 1 };
	struct vmspace *vm = edge_space();
	int error = vm_mmap(vm, &a, got);

	vm_map_lock_read(&vm->vm_map);
	vm_map_check(&vm->vm_map);
	vm_map_unlock_read(&vm->vm_map);
	sysref_put(vm);
	return error;
}

KTEST(mmap, boundary_products)
{
	unsigned i, j, how, prot, n = 0;
	uint64_t addr, len;
	vm_offset_t got = 0;
	int error, want;

	for (i = 0; i < nitems(edges) * nitems(edges); i++) {
		addr = edges[i / nitems(edges)];
		len = edges[i % nitems(edges)];
		for (j = 0; j < 3 * 8; j++) {
			how = j / 8;
			prot = j % 8;
			error = try_mmap(addr, len, how, (vm_prot_t)prot, &got);
			want = want_mmap(addr, len, how > 0, how > 1,
			    (vm_prot_t)prot, VM_PROT_RW);
			KT_CHECK(t, error == want, "addr %#lx len %#lx how %u "
			    "prot %u: %d, want %d", addr, len, how, prot,
			    error, want);
			KT_CHECK(t, error != 0 || how == 0 || got == addr,
			    "addr %#lx, got %#lx", addr, got);
			n++;
		}
	}
	ktest_diag(t, "%u combinations", n);
}

static int
want_munmap(uint64_t addr, uint64_t len)
{
	if (addr % PAGE_SIZE != 0 || len == 0 ||
	    addr + wide_round(len) > MAX_VA)
		return EINVAL;
	return 0;
}

KTEST(mmap, munmap_boundary_products)
{
	struct vmspace *vm;
	unsigned i;
	uint64_t addr, len;
	int error, want;

	for (i = 0; i < nitems(edges) * nitems(edges); i++) {
		addr = edges[i / nitems(edges)];
		len = edges[i % nitems(edges)];
		vm = edge_space();
		error = vm_munmap(vm, addr, len);
		want = want_munmap(addr, len);
		KT_CHECK(t, error == want, "addr %#lx len %#lx: %d, want %d",
		    addr, len, error, want);
		if (error == 0)
			KT_CHECK(t, (vm->vm_map.nentries == 3) ==
			    !((addr <= MIN_VA && addr + wide_round(len) >
			    MIN_VA) || (addr <= USER_MMAP_BASE && addr +
			    wide_round(len) > USER_MMAP_BASE) ||
			    addr + wide_round(len) > MAX_VA - PAGE_SIZE),
			    "addr %#lx len %#lx: %u entries", addr, len,
			    vm->vm_map.nentries);
		sysref_put(vm);
	}
}

/* Nothing below the lowest user address, ever: not by hint, not by search. */
KTEST(mmap, page_zero_is_never_mapped)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_mmap_args a = { .len = PAGE_SIZE, .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL };
	vm_offset_t at;

	for (a.addr = 0; a.addr < MIN_VA; a.addr += PAGE_SIZE / 2) {
		KT_CHECK(t, vm_mmap(vm, &a, &at) == 0 && at >= MIN_VA,
		    "hint %#lx gave %#lx", a.addr, at);
	}
	/* Fill all above the base: the search wraps to the bottom of the map. */
	a.fixed = true;
	a.addr = USER_MMAP_BASE;
	a.len = MAX_VA - USER_MMAP_BASE;
	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0, "fill");
	a.fixed = false;
	a.len = PAGE_SIZE;
	/* The first page was the hint just below it, rounded up. */
	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0 && at == MIN_VA + PAGE_SIZE,
	    "%#lx", at);
	sysref_put(vm);
}

KTEST(mmap, hint_is_taken_when_free)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_mmap_args a = { .addr = 0x5000001UL, .len = 2 * PAGE_SIZE,
	    .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL };
	vm_offset_t at;

	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0 && at == 0x5001000UL,
	    "rounded up: %#lx", at);
	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0 && at == USER_MMAP_BASE,
	    "taken: %#lx", at);
	a.addr = MAX_VA - PAGE_SIZE;
	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0 &&
	    at == USER_MMAP_BASE + 2 * PAGE_SIZE, "too long there: %#lx", at);
	sysref_put(vm);
}

/* Between 1 and 2 GiB: first fit there, and no room is no room. */
KTEST(mmap, low)
{
	struct vm_mmap_args a = { .len = 1UL << 29, .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL, .low = true };
	struct vmspace *vm = vmspace_alloc();
	vm_offset_t got = 0;

	KT_CHECK(t, vm_mmap(vm, &a, &got) == 0 && got == 1UL << 30, "%lx", got);
	KT_CHECK(t, vm_mmap(vm, &a, &got) == 0 && got == 3UL << 29, "%lx", got);
	a.len = PAGE_SIZE;
	KT_CHECK(t, vm_mmap(vm, &a, &got) == ENOMEM, "room above 2 GiB");
	a.len = 1UL << 40;
	KT_CHECK(t, vm_mmap(vm, &a, &got) == ENOMEM, "more than there is");
	KT_CHECK(t, vm_munmap(vm, 1UL << 30, PAGE_SIZE) == 0, "munmap");
	a.len = PAGE_SIZE;
	KT_CHECK(t, vm_mmap(vm, &a, &got) == 0 && got == 1UL << 30, "%lx", got);
	sysref_put(vm);
}

KTEST(mmap, address_space_limit)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_mmap_args a = { .len = 6 * PAGE_SIZE, .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL };
	vm_offset_t at;

	vm->vm_limit_as = 10 * PAGE_SIZE;
	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0, "6 of 10");
	KT_CHECK(t, vm_mmap(vm, &a, &at) == ENOMEM, "12 of 10");
	a.addr = at;
	a.fixed = true;
	a.len = 10 * PAGE_SIZE;
	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0, "10 of 10, 6 replaced");
	a.len = 11 * PAGE_SIZE;
	KT_CHECK(t, vm_mmap(vm, &a, &at) == ENOMEM, "11 of 10");
	vm_brk_init(vm, 0x1000000);
	KT_CHECK(t, vm_brk(vm, 0x1000001) == ENOMEM, "heap");
	KT_CHECK(t, vm_munmap(vm, at, PAGE_SIZE) == 0, "unmap");
	KT_CHECK(t, vm_brk(vm, 0x1000001) == 0, "heap");
	sysref_put(vm);
}

/* An object's reference is taken over on success and only then. */
KTEST(mmap, object_reference_changes_hands)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_object *o = vm_object_allocate(OBJT_DEFAULT, 16);
	struct vm_mmap_args a = { .addr = USER_MMAP_BASE, .len = PAGE_SIZE,
	    .prot = VM_PROT_RW, .max_prot = VM_PROT_READ, .fixed = true,
	    .shared = true, .object = o };
	vm_offset_t at;

	vm_object_reference(o);
	KT_CHECK(t, vm_mmap(vm, &a, &at) == EACCES && o->ref_count == 2,
	    "%d references", o->ref_count);
	a.max_prot = VM_PROT_RW;
	a.offset = 5;
	KT_CHECK(t, vm_mmap(vm, &a, &at) == EINVAL, "offset");
	a.offset = -PAGE_SIZE;
	KT_CHECK(t, vm_mmap(vm, &a, &at) == EOVERFLOW, "offset wraps");
	a.offset = 0;
	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0 && o->ref_count == 2,
	    "%d references", o->ref_count);
	sysref_put(vm);
	KT_CHECK(t, o->ref_count == 1, "%d references", o->ref_count);
	vm_object_deallocate(o);
}

/* A guard is mapped, never accessible, and cannot be made so. */
KTEST(mmap, guard)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_mmap_args a = { .len = 4 * PAGE_SIZE, .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL, .guard = true };
	struct vm_map *map = &vm->vm_map;
	vm_offset_t at;
	uint8_t v;

	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0, "map");
	KT_CHECK(t, user_load(map, at, &v) == EFAULT, "load");
	KT_CHECK(t, user_store(map, at, 1) == EFAULT, "store");
	KT_CHECK(t, vm_map_protect(map, at, at + PAGE_SIZE, VM_PROT_READ,
	    false) == EACCES, "protect");
	KT_CHECK(t, vm_map_wire(map, at, at + PAGE_SIZE) != 0, "wire");
	KT_CHECK(t, vm_munmap(vm, at + PAGE_SIZE, PAGE_SIZE) == 0, "unmap");
	KT_CHECK(t, map->nentries == 2, "%u entries", map->nentries);
	sysref_put(vm);
}

KTEST(mmap, stack)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_mmap_args a = { .addr = USER_STACK_TOP - USER_STACK_SIZE,
	    .len = USER_STACK_SIZE, .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL, .fixed = true, .stack = true };
	struct vm_map *map = &vm->vm_map;
	vm_offset_t at;

	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0, "map");
	KT_CHECK(t, map->size == STACK_INIT, "%#lx mapped", map->size);
	KT_CHECK(t, user_store(map, USER_STACK_TOP - 1, 1) == 0, "top");
	KT_CHECK(t, user_store(map, a.addr, 1) == 0, "bottom");
	KT_CHECK(t, map->size == USER_STACK_SIZE && map->nentries == 1,
	    "%#lx mapped", map->size);
	KT_CHECK(t, user_store(map, a.addr - 1, 1) == EFAULT, "below");
	KT_CHECK(t, vm_mmap(vm, &a, &at) == ENOMEM, "a second one");
	sysref_put(vm);
}

KTEST(mmap, brk)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	vm_offset_t heap = 0x1000800, at;
	struct vm_mmap_args a = { .addr = 0x1010000, .len = PAGE_SIZE,
	    .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL, .fixed = true };
	uint8_t v;

	vm_brk_init(vm, heap);
	KT_CHECK(t, vm_brk(vm, heap - 1) == ENOMEM, "below its start");
	KT_CHECK(t, vm_brk(vm, 0x1000fff) == 0 && map->nentries == 0,
	    "within the page: %u entries", map->nentries);
	KT_CHECK(t, vm_brk(vm, 0x1001001) == 0, "grow");
	KT_CHECK(t, map->size == PAGE_SIZE, "%#lx mapped", map->size);
	KT_CHECK(t, user_store(map, 0x1001fff, 7) == 0, "store");
	KT_CHECK(t, vm_brk(vm, 0x1004000) == 0 && map->nentries == 1, "grow");
	KT_CHECK(t, vm_brk(vm, 0x1001000) == 0 && map->size == 0, "shrink");
	KT_CHECK(t, vm_brk(vm, 0x1002000) == 0, "grow again");
	KT_CHECK(t, user_load(map, 0x1001fff, &v) == 0 && v == 0,
	    "old contents: %u", v);
	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0, "in its way");
	KT_CHECK(t, vm_brk(vm, 0x1010001) == ENOMEM, "into a mapping");
	KT_CHECK(t, vm_brk(vm, 0x1010000) == 0, "up to it");
	KT_CHECK(t, vm_brk(vm, -1UL) == ENOMEM, "wraps");
	KT_CHECK(t, vm_brk(vm, MAX_VA + 1) == ENOMEM, "above user space");
	KT_CHECK(t, vm->vm_brk_end == 0x1010000, "%#lx", vm->vm_brk_end);
	sysref_put(vm);
}
