/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_boot.h: the kernel's page tables as pmap_bootstrap made them.
 *
 * Layout of the upper half of every address space:
 *	PML4[256..]	direct map, one slot for each 512 GiB of RAM
 *	PML4[511]	one page directory pointer page for all kernel memory:
 *	    [384..447]	VM_MIN_KERNEL_ADDRESS..VM_MAX_KERNEL_ADDRESS: empty,
 *			filled by pmap_kenter
 *	    [510]	KERNBASE: the image, 4 KiB pages
 *	    [511]	device window (pmap_mapdev)
 * The kernel never adds or removes a PML4 entry after pmap_bootstrap, so a
 * user pmap copies entries 256..511 once, when it is created.
 */
#pragma once

#include <lib/types.h>
#include <machine/vmparam.h>

#define PML4_INDEX(va)		(((va) >> 39) & 511)
#define PDPT_INDEX(va)		(((va) >> 30) & 511)
#define PD_INDEX(va)		(((va) >> 21) & 511)
#define PT_INDEX(va)		(((va) >> 12) & 511)

#define PML4_KERNEL_FIRST	256	/* entries from here are the kernel's */

#define DEVMAP_BASE		0xffffffffc0000000UL
#define DEVMAP_SIZE		(4UL << 20)

extern uint64_t	kernel_pml4_pa;		/* for CR3 */
extern uint64_t	*kernel_pml4;		/* the same by the direct map */

/*
 * pmap_bootstrap: build the kernel's page tables and load them on this CPU.
 * The regions of bootinfo below 4 GiB must be known to vm_phys.
 */
void	pmap_bootstrap(void);

/* pmap_mapdev: len bytes of physical memory at pa, uncached for devices or
 * cached (firmware tables); for good.  Panics when the window is full. */
#define PMAP_MAPDEV_UC		0
#define PMAP_MAPDEV_WB		1
void	*pmap_mapdev(vm_paddr_t pa, vm_size_t len, int cache);
