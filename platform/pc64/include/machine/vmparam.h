/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmparam.h: the address space (4-level paging, also on a CPU with LA57).
 *
 *	0x0000000000010000 - 0x00007ffffffff000  user
 *	0xffff800000000000 - 0xffffbfffffffffff  direct map of all RAM (NX, RW)
 *	0xffffffe000000000 - 0xffffffe7ffffffff  zones (slabs, never unmapped)
 *	0xffffffe800000000 - 0xffffffefffffffff  kernel_map: kmem, stacks
 *	0xffffffff80000000 -                     kernel image (text RX, rodata R,
 *	                                         data RW NX)
 */
#pragma once

#include <machine/param.h>

#define VM_MIN_USER_ADDRESS	0x0000000000010000UL
#define VM_MAX_USER_ADDRESS	0x00007ffffffff000UL
#define DMAP_BASE		0xffff800000000000UL
#define DMAP_MAX		0xffffc00000000000UL
#define VM_MIN_KERNEL_ADDRESS	0xffffffe000000000UL
#define VM_MAX_KERNEL_ADDRESS	0xfffffff000000000UL
#define ZONE_BASE		VM_MIN_KERNEL_ADDRESS
#define ZONE_END		0xffffffe800000000UL
#define KMEM_BASE		ZONE_END
#define KERNBASE		0xffffffff80000000UL

#define USER_STACK_TOP		0x00007fffffff0000UL
#define USER_STACK_SIZE		(8UL << 20)	/* default RLIMIT_STACK */
#define USER_MMAP_BASE		0x0000100000000000UL	/* first fit from here */

#define PHYS_TO_DMAP(pa)	((void *)((vm_paddr_t)(pa) + DMAP_BASE))
#define DMAP_TO_PHYS(va)	((vm_paddr_t)(va) - DMAP_BASE)

#define SUPERPAGE_SIZE		(2UL << 20)
