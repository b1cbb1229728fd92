/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_check.c: audits of page tables and reverse maps.  Each violated rule is
 * a panic with the values.
 *
 * User pmaps: only known bits are set, the frame is a managed page in use, each
 * mapping has its reverse map, use counts and the pmap's counts are right.
 * Kernel half: no entry is writable and executable (W^X), none is the user's,
 * no reserved bit is set.
 *
 * Locks: takes pm_lock; at a quiesce point only, since it holds it for long.
 */
#include "pmap_priv.h"

#include <machine/cpufunc.h>
#include <vm/vm_phys.h>

#define LEVEL_PT	1
#define LEVEL_PML4	4
#define LEVEL_SHIFT(l)	(PAGE_SHIFT + 9 * ((l) - 1))

/* What the walk of one user pmap has counted. */
struct audit {
	struct pmap	*pm;
	uint64_t	 resident, wired, tables, pvs;
};

static void
check_leaf(struct audit *a, vm_offset_t va, pt_entry_t e)
{
	struct vm_page *m = vm_phys_paddr_to_page(e & PG_FRAME);

	KASSERT((e & ~PG_USER_BITS) == 0 && (e & (PG_V | PG_U)) ==
	    (PG_V | PG_U), "entry %lx for %lx has reserved or wrong bits", e,
	    va);
	KASSERT(m != NULL && (m->flags & (PG_FREE | PG_UNOWNED)) == 0,
	    "entry %lx for %lx maps page %p with flags %x", e, va, (void *)m,
	    m != NULL ? m->flags : 0);
	KASSERT(pv_find(a->pm, va, m), "entry %lx for %lx: page %p has no "
	    "record of it", e, va, (void *)m);
	a->resident++;
	a->wired += (e & PG_W) != 0;
	a->pvs += atomic_load(&m->md.pv_word) != pv_word(a->pm, va);
}

/* check_table: returns how many entries are in use. */
static uint64_t
check_table(struct audit *a, pt_entry_t *table, unsigned nent, int level,
    vm_offset_t va)
{
	vm_offset_t step = 1UL << LEVEL_SHIFT(level);
	uint64_t used = 0, below;

	for (unsigned i = 0; i < nent; i++, va += step) {
		if (table[i] == 0)
			continue;
		used++;
		if (level == LEVEL_PT) {
			check_leaf(a, va, table[i]);
			continue;
		}
		a->tables++;
		below = check_table(a, pt_table(table[i]), NPTEPG, level - 1,
		    va);
		KASSERT(below == PT_USE(table[i]), "table entry %lx for %lx: "
		    "%lu entries in use", table[i], va, below);
	}
	return used;
}

static void
check_user(struct pmap *pm)
{
	struct audit a = { .pm = pm, .tables = 1 };

	spin_lock(&pm->pm_lock);
	check_table(&a, pm->pm_pml4, PML4_KERNEL_FIRST, LEVEL_PML4, 0);
	KASSERT(a.resident == pm->pm_resident && a.wired == pm->pm_wired,
	    "pmap %p: %lu mappings, %lu wired; counts %lu, %lu", (void *)pm,
	    a.resident, a.wired, pm->pm_resident, pm->pm_wired);
	KASSERT(a.tables == pm->pm_tables && a.pvs == pm->pm_pvs,
	    "pmap %p: %lu tables, %lu pv entries; counts %lu, %lu", (void *)pm,
	    a.tables, a.pvs, pm->pm_tables, pm->pm_pvs);
	for (unsigned i = PML4_KERNEL_FIRST; i < NPTEPG; i++)
		KASSERT(((pm->pm_pml4[i] ^ kernel_pml4[i]) & ~PG_A) == 0,
		    "pmap %p: kernel entry %u is %lx, should be %lx",
		    (void *)pm, i, pm->pm_pml4[i], kernel_pml4[i]);
	pv_check(pm);
	spin_unlock(&pm->pm_lock);
}

static void
check_kernel_leaf(vm_offset_t va, pt_entry_t e)
{
	KASSERT((e & PG_U) == 0, "kernel entry %lx for %lx is the user's", e,
	    va);
	KASSERT((e & PG_RW) == 0 || (e & PG_NX) != 0,
	    "W^X: kernel entry %lx for %lx is writable and executable", e, va);
	KASSERT((e & PG_FRAME) >> cpu_features.maxphys == 0,
	    "kernel entry %lx for %lx is beyond physical memory", e, va);
}

static void
check_kernel_table(pt_entry_t *table, unsigned first, int level,
    vm_offset_t va)
{
	vm_offset_t step = 1UL << LEVEL_SHIFT(level);
	pt_entry_t e;

	for (unsigned i = first; i < NPTEPG; i++, va += step) {
		e = table[i];
		if ((e & PG_V) == 0)
			KASSERT(e == 0, "absent kernel entry %lx for %lx", e,
			    va);
		else if (level == LEVEL_PT || (e & PG_PS) != 0)
			check_kernel_leaf(va, e);
		else
			check_kernel_table(pt_table(e), 0, level - 1, va);
	}
}

void
pmap_check(struct pmap *pm)
{
	if (pm != kernel_pmap) {
		check_user(pm);
		return;
	}
	spin_lock(&pm->pm_lock);
	check_kernel_table(kernel_pml4, PML4_KERNEL_FIRST, LEVEL_PML4,
	    DMAP_BASE);
	spin_unlock(&pm->pm_lock);
}
