/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_boot.c: the kernel's own page tables, made once by the boot CPU: the
 * direct map of RAM, the image with its rights, and the device window.  What
 * changes later (kernel_map, user space) is pmap.c's.
 *
 *	I1 no page is both writable and executable; only the image's text is
 *	   executable, and its other name in the direct map is read-only, as is
 *	   that of rodata.
 *	I2 the direct map has RAM only: no device, no hole.
 *	I3 the PML4 does not change after pmap_bootstrap.
 *
 * Locks: none: one CPU until md_mp_start; pmap_mapdev is for start-up only.
 * Sources: Intel SDM vol. 3A, 4.5 (4-level paging), 12.5 (cache control).
 */
#include <lib/assert.h>
#include <machine/cpufunc.h>
#include <machine/machdep.h>
#include <machine/pmap_boot.h>
#include <machine/specialreg.h>
#include <sys/bootinfo.h>
#include <vm/vm_phys.h>

#define SIZE_1G		(1UL << 30)
#define SIZE_2M		SUPERPAGE_SIZE
#define BOOT_MAPPED	(4UL << 30)	/* what the early tables reach */

uint64_t	kernel_pml4_pa;
uint64_t	*kernel_pml4;

static uint64_t	*devmap_pt;		/* [c] entries of the device window */
static unsigned	devmap_used;		/* pages handed out */

static vm_paddr_t
kva_to_pa(const char *p)
{
	return (vm_paddr_t)p - KERNBASE;
}

/* Zeroed memory for a table, readable by old and new tables alike. */
static vm_paddr_t
table_alloc(size_t npages)
{
	vm_paddr_t pa = vm_phys_bootalloc(npages * PAGE_SIZE);

	KASSERT(pa + npages * PAGE_SIZE <= BOOT_MAPPED,
	    "page table at %#lx is beyond the early map", pa);
	return pa;
}

/* The table below *entry, made when there is none. */
static uint64_t *
table_below(uint64_t *entry)
{
	if ((*entry & PG_V) == 0)
		*entry = table_alloc(1) | PG_V | PG_RW;
	KASSERT((*entry & PG_PS) == 0, "large page %#lx where a table is due",
	    *entry);
	return PHYS_TO_DMAP(*entry & PG_FRAME);
}

static void
set_entry(uint64_t *entry, uint64_t val)
{
	KASSERT(*entry == 0, "page mapped twice: %#lx, then %#lx", *entry,
	    val);
	*entry = val;
}

/* Map [va, va + len) to pa in the largest pages that fit. */
static void
map_range(vm_offset_t va, vm_paddr_t pa, vm_size_t len, uint64_t bits)
{
	uint64_t *pdpt, *pd, *pt;
	vm_size_t n;

	bits |= PG_V | PG_A | (cpu_features.pge ? PG_G : 0);
	if ((bits & PG_RW) != 0)
		bits |= PG_M;
	for (; len > 0; va += n, pa += n, len -= n) {
		pdpt = table_below(&kernel_pml4[PML4_INDEX(va)]);
		if (cpu_features.page1gb && len >= SIZE_1G &&
		    ((va | pa) & (SIZE_1G - 1)) == 0) {
			set_entry(&pdpt[PDPT_INDEX(va)], pa | bits | PG_PS);
			n = SIZE_1G;
			continue;
		}
		pd = table_below(&pdpt[PDPT_INDEX(va)]);
		if (len >= SIZE_2M && ((va | pa) & (SIZE_2M - 1)) == 0) {
			set_entry(&pd[PD_INDEX(va)], pa | bits | PG_PS);
			n = SIZE_2M;
			continue;
		}
		pt = table_below(&pd[PD_INDEX(va)]);
		set_entry(&pt[PT_INDEX(va)], pa | bits);
		n = PAGE_SIZE;
	}
}

static void
map_direct(vm_paddr_t start, vm_paddr_t end, uint64_t bits)
{
	if (start < end)
		map_range(DMAP_BASE + start, start, end - start,
		    bits | PG_NX);
}

/* All RAM; the image's text and rodata read-only (I1, I2). */
static void
map_ram(void)
{
	vm_paddr_t ro_start = kva_to_pa(__text_start);
	vm_paddr_t ro_end = kva_to_pa(__rodata_end);
	const struct bootinfo_region *r;
	unsigned i;

	for (i = 0; i < bootinfo.nregions; i++) {
		r = &bootinfo.region[i];
		map_direct(r->start, MIN(r->end, ro_start), PG_RW);
		map_direct(MAX(r->start, ro_start), MIN(r->end, ro_end), 0);
		map_direct(MAX(r->start, ro_end), r->end, PG_RW);
	}
}

/* [start, end) of the image, in 4 KiB pages. */
static void
map_image(const char *start, const char *end, uint64_t bits)
{
	vm_offset_t va;

	for (va = (vm_offset_t)start; va < (vm_offset_t)end; va += PAGE_SIZE)
		map_range(va, va - KERNBASE, PAGE_SIZE, bits);
}

void
pmap_bootstrap(void)
{
	vm_paddr_t pa;
	uint64_t *pdpt, *pd;
	unsigned i;

	kernel_pml4_pa = table_alloc(1);
	kernel_pml4 = PHYS_TO_DMAP(kernel_pml4_pa);

	map_ram();
	map_image(__text_start, __text_end, 0);
	map_image(__rodata_start, __rodata_end, PG_NX);
	map_image(__data_start, boot_kstack_guard, PG_RW | PG_NX);
	map_image(boot_kstack_guard + PAGE_SIZE, __kernel_end, PG_RW | PG_NX);

	pa = table_alloc(DEVMAP_SIZE / SIZE_2M);
	devmap_pt = PHYS_TO_DMAP(pa);
	pdpt = table_below(&kernel_pml4[PML4_INDEX(DEVMAP_BASE)]);
	pd = table_below(&pdpt[PDPT_INDEX(DEVMAP_BASE)]);
	for (i = 0; i < DEVMAP_SIZE / SIZE_2M; i++)
		set_entry(&pd[PD_INDEX(DEVMAP_BASE) + i],
		    (pa + i * PAGE_SIZE) | PG_V | PG_RW);

	load_cr3(kernel_pml4_pa);
}

void *
pmap_mapdev(vm_paddr_t pa, vm_size_t len, int cache)
{
	uint64_t bits = PG_V | PG_RW | PG_NX | PG_A | PG_M;
	vm_size_t off = pa & PAGE_MASK;
	unsigned first = devmap_used, n, i;

	n = (unsigned)atop(round_page(off + len));
	if (n > DEVMAP_SIZE / PAGE_SIZE - first)
		panic("pmap_mapdev: no room for %#lx bytes at %#lx", len, pa);
	if (cache == PMAP_MAPDEV_UC)
		bits |= PG_PCD | PG_PWT;
	if (cpu_features.pge)
		bits |= PG_G;
	for (i = 0; i < n; i++)
		devmap_pt[first + i] = (trunc_page(pa) + ptoa(i)) | bits;
	devmap_used += n;
	return (void *)(DEVMAP_BASE + ptoa(first) + off);
}
