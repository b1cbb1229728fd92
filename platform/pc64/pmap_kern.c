/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_kern.c: mappings of kernel memory: no reverse map, global, known to all
 * CPUs.  The tables that pmap_boot.c made are only added to, below the PML4
 * entry that every pmap shares; tables are never freed.
 *
 * I1 no entry is both writable and executable;
 * I2 an address that was unmapped is in no TLB when pmap_kremove returns.
 *
 * Locks: kernel_pmap's pm_lock; looking needs none, since tables stay.
 */
#include "pmap_priv.h"

#include <sys/errno.h>
#include <sys/thread.h>

/* table_alloc: *e gets a table, for good. */
static pt_entry_t *
table_alloc(pt_entry_t *e)
{
	struct vm_page *m = vm_page_alloc_unowned(VM_ALLOC_ZERO |
	    VM_ALLOC_RESERVE);

	if (m == NULL)
		return NULL;
	atomic_store_rel(e, VM_PAGE_TO_PHYS(m) | PG_V | PG_RW | PG_A);
	kernel_pmap->pm_tables++;
	return pmap_page_kva(m);
}

uint64_t
pmap_kernel_pt_count(void)
{
	return kernel_pmap->pm_tables;
}

/* kernel_pte: the entry for va; makes tables with alloc, NULL without. */
static pt_entry_t *
kernel_pte(vm_offset_t va, bool alloc)
{
	static const uint8_t level_shift[] = { 39, 30, 21 };
	pt_entry_t *table = kernel_pml4, *e;

	for (unsigned i = 0; i < nitems(level_shift); i++) {
		e = &table[va >> level_shift[i] & (NPTEPG - 1)];
		if (*e == 0 && (!alloc || table_alloc(e) == NULL))
			return NULL;
		table = pt_table(*e);
	}
	return &table[PT_INDEX(va)];
}

int
pmap_kenter(vm_offset_t va, vm_paddr_t pa, vm_prot_t prot)
{
	pt_entry_t *pte;

	KASSERT(va >= VM_MIN_KERNEL_ADDRESS && va < VM_MAX_KERNEL_ADDRESS &&
	    ((va | pa) & PAGE_MASK) == 0, "%lx -> %lx is not a kernel page",
	    va, pa);
	KASSERT((prot & (VM_PROT_WRITE | VM_PROT_EXECUTE)) !=
	    (VM_PROT_WRITE | VM_PROT_EXECUTE), "%lx both W and X", va);
	spin_lock(&kernel_pmap->pm_lock);
	pte = kernel_pte(va, true);
	if (pte == NULL) {
		spin_unlock(&kernel_pmap->pm_lock);
		return ENOMEM;
	}
	if (*pte != 0)
		panic("%s: %lx is mapped already: entry %lx", __func__, va,
		    *pte);
	atomic_store_rel(pte, pa | PG_V | PG_G |
	    ((prot & VM_PROT_WRITE) != 0 ? PG_RW : 0) |
	    ((prot & VM_PROT_EXECUTE) != 0 ? 0 : PG_NX));
	kernel_pmap->pm_resident++;
	spin_unlock(&kernel_pmap->pm_lock);
	return 0;
}

void
pmap_kremove(vm_offset_t va, vm_size_t len)
{
	vm_offset_t end = va + len, first = end, last = va;
	pt_entry_t *pte;

	KASSERT(va >= VM_MIN_KERNEL_ADDRESS && end <= VM_MAX_KERNEL_ADDRESS &&
	    va <= end && ((va | len) & PAGE_MASK) == 0,
	    "[%lx, %lx) is not kernel memory", va, end);
	critical_enter();
	spin_lock(&kernel_pmap->pm_lock);
	for (vm_offset_t a = va; a < end; a += PAGE_SIZE) {
		pte = kernel_pte(a, false);
		if (pte == NULL || *pte == 0)
			continue;
		kernel_pmap->pm_resident--;
		if ((atomic_swap(pte, 0) & PG_A) == 0)
			continue;
		first = MIN(first, a);
		last = a + PAGE_SIZE;
	}
	spin_unlock(&kernel_pmap->pm_lock);
	/* Nobody maps anything here before we return, so the others need not
	 * wait for the lock while we wait for them. */
	if (first < last)
		tlb_flush_kernel(first, last);
	critical_exit();
}
