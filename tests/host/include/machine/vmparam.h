/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmparam.h (host): user addresses as on pc64 (they are keys of the fake pmap,
 * not memory); the direct map and kernel memory are real host mappings of one
 * arena, at addresses that the sanitizer in use leaves to the program.
 */
#pragma once

#include <machine/param.h>

#define VM_MIN_USER_ADDRESS	0x0000000000010000UL
#define VM_MAX_USER_ADDRESS	0x00007ffffffff000UL
#define USER_STACK_TOP		0x00007fffffff0000UL
#define USER_STACK_SIZE		(8UL << 20)
#define USER_MMAP_BASE		0x0000100000000000UL

#ifdef __SANITIZE_THREAD__
#define HOST_BASE		0x0000004000000000UL
#else
#define HOST_BASE		0x0000200000000000UL
#endif
#define DMAP_BASE		HOST_BASE
#define DMAP_MAX		(HOST_BASE + (8UL << 30))
#define ZONE_BASE		(HOST_BASE + (8UL << 30))
#define ZONE_END		(HOST_BASE + (16UL << 30))
#define VM_MIN_KERNEL_ADDRESS	ZONE_BASE
#define KMEM_BASE		ZONE_END
#define VM_MAX_KERNEL_ADDRESS	(HOST_BASE + (24UL << 30))

#define PHYS_TO_DMAP(pa)	((void *)((vm_paddr_t)(pa) + DMAP_BASE))
#define DMAP_TO_PHYS(va)	((vm_paddr_t)(va) - DMAP_BASE)

#define SUPERPAGE_SIZE		(2UL << 20)
