/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_kern.h: kernel virtual memory: [ZONE_BASE, ZONE_END) for zones, kernel_map
 * over [KMEM_BASE, VM_MAX_KERNEL_ADDRESS) for everything else.
 */
#pragma once

#include <lib/types.h>

struct vm_map;
struct zone_backend;

/*
 * kmem_alloc: zeroed wired kernel memory, len > 0 rounded up to pages.
 * => Locks: none of rank >= LO_KMAP.  Sleeps: for memory, unless M_NOWAIT; for
 *    the lock of kernel_map always.
 * => Returns 0: none.
 * => kmem_alloc_guarded leaves an unmapped page below and above.
 */
vm_offset_t	kmem_alloc(vm_size_t len, unsigned flags);
vm_offset_t	kmem_alloc_guarded(vm_size_t len, unsigned flags);
/* kmem_free: => va and len as they were allocated, by the same pair.  On return
 * no CPU has a translation of the range. */
void		kmem_free(vm_offset_t va, vm_size_t len);
void		kmem_free_guarded(vm_offset_t va, vm_size_t len);
/*
 * kmem_suballoc: a submap of kernel_map of len bytes: its addresses are taken
 * from kernel_map for ever, and it has a lock and entries of its own.  Nothing
 * is looked up through kernel_map, because kernel memory does not fault.
 * => Sleeps: for memory.
 */
struct vm_map	*kmem_suballoc(vm_size_t len, vm_offset_t *min,
		    vm_offset_t *max);
uint64_t	kmem_page_count(void);	/* pages behind zones and kernel_map */
/* kmem_init: make kernel_map; after vm_map_startup. */
void		kmem_init(void);
/* Where zones and kmalloc get memory: for zone_init. */
extern const struct zone_backend kmem_zone_backend;
