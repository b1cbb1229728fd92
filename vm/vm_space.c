/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_space.c: the life of address spaces (state diagram in vm_map.h).
 *
 * Two counts, because "still used" and "still looked at" end at different
 * times: users of the mappings (refcnt) and holders of the struct (holdcnt).
 * The users together own one hold.  An observer finds a vmspace on the list,
 * takes a hold under the list's lock, and may then lock its map, which is empty
 * if the users have gone meanwhile.
 *
 * Invariants: V1 refcnt > 0 iff RUN; V2 holdcnt > 0 iff on the list.
 * Locks: vmspace list (LO_OBJLIST, leaf); the map's own.
 * Sources: the DragonFly commit 93f86408 (sysref replaced by two counts), with
 * the names of the founding report kept.
 */
#include <vm/vm_map.h>

#include <lib/assert.h>
#include <sys/zone.h>
#include <vm/pmap.h>

#include "vm_priv.h"

struct vmspace vmspace0;

static struct zone *vmspace_zone;
static LIST_HEAD(, vmspace) vmspace_list;
static uint64_t vmspace_live;		/* [l] */
static struct spinlock vmspace_list_lock =
    SPINLOCK_INITIALIZER("vmspaces", LO_OBJLIST, 0);

void
vmspace_startup(void)
{
	vmspace_zone = zone_create("vmspace", sizeof(struct vmspace),
	    CACHE_LINE, NULL, 0);
	vm_map_init(&vmspace0.vm_map, kernel_pmap, VM_MIN_USER_ADDRESS,
	    VM_MAX_USER_ADDRESS, false);
	vmspace0.vm_pmap = kernel_pmap;
	vmspace0.vm_refcnt = 1;
	vmspace0.vm_holdcnt = 1;
}

struct vmspace *
vmspace_alloc(void)
{
	struct vmspace *vm;
	struct pmap *pmap;

	vm = zone_alloc(vmspace_zone, M_NOWAIT);
	if (vm == NULL)
		return NULL;
	pmap = pmap_create();
	if (pmap == NULL) {
		zone_free(vmspace_zone, vm);
		return NULL;
	}
	vm_map_init(&vm->vm_map, pmap, VM_MIN_USER_ADDRESS,
	    VM_MAX_USER_ADDRESS, false);
	vm->vm_pmap = pmap;
	vm->vm_refcnt = 1;
	vm->vm_holdcnt = 1;
	vm->vm_state = VMSPACE_RUN;
	vm->vm_limit_as = ~0UL;
	vm->vm_wire_future = false;
	vm->vm_brk_start = vm->vm_brk_end = 0;
	vm->vm_stack_top = 0;
	spin_lock(&vmspace_list_lock);
	LIST_INSERT_HEAD(&vmspace_list, vm, vm_list);
	vmspace_live++;
	spin_unlock(&vmspace_list_lock);
	return vm;
}

void
vmspace_ref(struct vmspace *vm)
{
	int old = atomic_fetchadd(&vm->vm_refcnt, 1);

	KASSERT(old > 0, "V1: vmspace %p used again after its last user (%d)",
	    (void *)vm, old);
}

/* Stage 1: the mappings go.  All of them: needs no clip, so cannot fail. */
static __noinline void
vmspace_terminate(struct vmspace *vm)
{
	int error;

	atomic_store(&vm->vm_state, VMSPACE_STAGE1);
	error = vm_map_remove(&vm->vm_map, vm->vm_map.min_offset,
	    vm->vm_map.max_offset);
	KASSERT(error == 0, "vmspace %p: removing everything failed with %d",
	    (void *)vm, error);
	vmspace_drop(vm);
}

__noinline void
_sysref_put(struct vmspace *vm)
{
	KASSERT(vm != &vmspace0, "the kernel's vmspace lost its last user");
	vmspace_terminate(vm);
}

void
vmspace_hold(struct vmspace *vm)
{
	int old = atomic_fetchadd(&vm->vm_holdcnt, 1);

	KASSERT(old > 0, "V2: vmspace %p held after its last hold (%d)",
	    (void *)vm, old);
}

/* Stage 2, under no lock: nobody can find vm any more. */
static void
vmspace_free(struct vmspace *vm)
{
	KASSERT(vm->vm_map.nentries == 0, "vmspace %p freed with %u entries",
	    (void *)vm, vm->vm_map.nentries);
	atomic_store(&vm->vm_state, VMSPACE_STAGE2);
	pmap_destroy(vm->vm_pmap);
	rw_destroy(&vm->vm_map.lock);
	zone_free(vmspace_zone, vm);
}

/* The last hold goes under the list's lock: an observer there takes its own
 * only while the count is not zero (V2). */
void
vmspace_drop(struct vmspace *vm)
{
	int old;

	spin_lock(&vmspace_list_lock);
	old = atomic_fetchadd(&vm->vm_holdcnt, -1);
	KASSERT(old > 0, "V2: vmspace %p: hold %d given up", (void *)vm, old);
	if (old == 1) {
		LIST_REMOVE(vm, vm_list);
		vmspace_live--;
	}
	spin_unlock(&vmspace_list_lock);
	if (old == 1)
		vmspace_free(vm);
}

uint64_t
vmspace_resident_count(struct vmspace *vm)
{
	return pmap_resident_count(vm->vm_pmap);
}

uint64_t
vmspace_count(void)
{
	uint64_t n;

	spin_lock(&vmspace_list_lock);
	n = vmspace_live;
	spin_unlock(&vmspace_list_lock);
	return n;
}

/* A user map is always part of a vmspace. */
bool
vmspace_over_limit(const struct vm_map *map, vm_size_t grow)
{
	size_t at = offsetof(struct vmspace, vm_map);
	const struct vmspace *vm;

	vm = (const void *)((const char *)map - at);
	return grow > vm->vm_limit_as || map->size > vm->vm_limit_as - grow;
}

/* The next one to visit, held; the one before is dropped.  Newer ones join at
 * the head and are not visited. */
static struct vmspace *
vmspace_next_held(struct vmspace *vm)
{
	struct vmspace *next;

	spin_lock(&vmspace_list_lock);
	next = vm == NULL ? LIST_FIRST(&vmspace_list) : LIST_NEXT(vm, vm_list);
	if (next != NULL)
		vmspace_hold(next);
	spin_unlock(&vmspace_list_lock);
	if (vm != NULL)
		vmspace_drop(vm);
	return next;
}

static void
map_visit(struct vm_map *map, void (*fn)(struct vm_map *, void *), void *arg)
{
	vm_map_lock_read(map);
	fn(map, arg);
	vm_map_unlock_read(map);
}

void
vm_map_foreach(void (*fn)(struct vm_map *map, void *arg), void *arg)
{
	struct vmspace *vm;

	if (kernel_map != NULL)
		map_visit(kernel_map, fn, arg);
	for (vm = vmspace_next_held(NULL); vm != NULL;
	    vm = vmspace_next_held(vm))
		map_visit(&vm->vm_map, fn, arg);
}
