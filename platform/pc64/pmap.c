/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap.c: address spaces in 4-level page tables, reached by the direct map.
 * Reverse maps are pmap_pv.c's, shootdown is pmap_tlb.c's, kernel memory is
 * pmap_kern.c's and pmap_boot.c's, audits are pmap_check.c's.
 *
 * I1 an entry that is not present is zero; a present one changes only by atomic
 *    operations, since the CPU sets A and M in it at any time;
 * I2 pm_resident, pm_wired and the use counts are exact under pm_lock;
 * I3 when an operation returns, no CPU has a translation with a right that the
 *    operation took away, and page-table pages it emptied are freed after that;
 * I4 a translation of an entry without A is in no TLB (the CPU sets A first),
 *    so taking such an entry away needs no shootdown;
 * I5 an entry never goes from one frame to another directly: it is zero, and
 *    known to be zero on every CPU, in between;
 * I6 a page's record of a mapping goes after the shootdown (pmap_remove_all: under
 *    its object's lock, before): who finds a page unmapped may give it away.
 *
 * Locks: pm_lock (LO_PMAP) for all of a user pmap; held across the shootdown,
 * which may be awaited because spinning CPUs serve theirs.
 *
 * Sources: pmap(9) of NetBSD; Intel SDM vol. 3, 4.10 (what a TLB may cache).
 */
#include "pmap_priv.h"

#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <sys/zone.h>
#include <vm/vm_object.h>
#include <vm/vm_phys.h>

#define PTES_PER_LINE	(CACHE_LINE / sizeof(pt_entry_t))
#define NO_HINT		1UL		/* no address is 2 MiB aligned at 1 */
#define FOREACH_BATCH	16
#define DYING		8		/* tables a shootdown */

static struct pmap	 kernel_pmap_store = {
	.pm_lock = SPINLOCK_INITIALIZER("kpmap", LO_PMAP, 0),
	.pm_hint_va = NO_HINT,
};
struct pmap *const	 kernel_pmap = &kernel_pmap_store;

static struct zone	*pmap_zone;
static struct spinlock	 pmaps_lock = SPINLOCK_INITIALIZER("pmaps", LO_OBJLIST,
    0);
static LIST_HEAD(, pmap) pmaps;		/* pmaps_lock: user pmaps */
static uint16_t		 kernel_slot[NPTEPG];	/* [c] PML4 slots in use */
static unsigned		 kernel_nslots;	/* [c] */

/* ---- page tables ---- */

/* table_alloc: *e, which parent's entry leads to, gets a table. */
static pt_entry_t *
table_alloc(struct pmap *pm, pt_entry_t *parent, pt_entry_t *e)
{
	struct vm_page *m = vm_page_alloc_unowned(VM_ALLOC_ZERO);

	if (m == NULL)
		return NULL;
	atomic_store_rel(e, VM_PAGE_TO_PHYS(m) | PG_V | PG_RW | PG_U | PG_A);
	if (parent != NULL)
		atomic_add(parent, PT_USE_ONE);
	pm->pm_tables++;
	return pmap_page_kva(m);
}

/*
 * pmap_pt_alloc: aim pm_hint_* at the page table for va, making what is
 * missing on the way.  On failure, empty tables may be left; the next remove
 * across them or pmap_destroy takes them.
 */
static bool
pmap_pt_alloc(struct pmap *pm, vm_offset_t va)
{
	pt_entry_t *pml4e, *pdpte, *pde, *t;

	pml4e = &pm->pm_pml4[PML4_INDEX(va)];
	t = *pml4e != 0 ? pt_table(*pml4e) : table_alloc(pm, NULL, pml4e);
	if (t == NULL)
		return false;
	pdpte = &t[PDPT_INDEX(va)];
	t = *pdpte != 0 ? pt_table(*pdpte) : table_alloc(pm, pml4e, pdpte);
	if (t == NULL)
		return false;
	pde = &t[PD_INDEX(va)];
	t = *pde != 0 ? pt_table(*pde) : table_alloc(pm, pdpte, pde);
	if (t == NULL)
		return false;
	pm->pm_hint_va = rounddown2(va, SUPERPAGE_SIZE);
	pm->pm_hint_pde = pde;
	pm->pm_hint_pt = t;
	return true;
}

pt_entry_t *
pmap_pte(struct pmap *pm, vm_offset_t va, struct pt_walk *w)
{
	w->pml4e = &pm->pm_pml4[PML4_INDEX(va)];
	if (*w->pml4e == 0)
		return NULL;
	w->pdpte = &pt_table(*w->pml4e)[PDPT_INDEX(va)];
	if (*w->pdpte == 0)
		return NULL;
	w->pde = &pt_table(*w->pdpte)[PD_INDEX(va)];
	if (*w->pde == 0)
		return NULL;
	w->pt = pt_table(*w->pde);
	return &w->pt[PT_INDEX(va)];
}

/*
 * pmap_next_table: the first page table at or above *va and below end; *va
 * moves up to the first address it has there.  Absent levels cost one step.
 */
static bool
pmap_next_table(struct pmap *pm, vm_offset_t *va, vm_offset_t end,
    struct pt_walk *w)
{
	vm_offset_t a = *va;
	unsigned shift;

	for (; a < end; a = ((a >> shift) + 1) << shift) {
		shift = 39;
		w->pml4e = &pm->pm_pml4[PML4_INDEX(a)];
		if (*w->pml4e == 0)
			continue;
		shift = 30;
		w->pdpte = &pt_table(*w->pml4e)[PDPT_INDEX(a)];
		if (*w->pdpte == 0)
			continue;
		shift = 21;
		w->pde = &pt_table(*w->pdpte)[PD_INDEX(a)];
		if (*w->pde == 0)
			continue;
		w->pt = pt_table(*w->pde);
		*va = a;
		return true;
	}
	return false;
}

/* pt_end: where the part of [va, end) in va's page table ends. */
static inline vm_offset_t
pt_end(vm_offset_t va, vm_offset_t end)
{
	return MIN(rounddown2(va, SUPERPAGE_SIZE) + SUPERPAGE_SIZE, end);
}

/* pte_skip: is the whole cache line at pte empty (and before end)? */
static inline bool
pte_skip(const pt_entry_t *pte, const pt_entry_t *end)
{
	return ((uintptr_t)pte & (CACHE_LINE - 1)) == 0 &&
	    end - pte >= (ptrdiff_t)PTES_PER_LINE &&
	    (pte[0] | pte[1] | pte[2] | pte[3] |
	    pte[4] | pte[5] | pte[6] | pte[7]) == 0;
}

/*
 * PT_FOREACH: pte over the present entries of [va, end), a range within one
 * page table.
 */
#define PT_FOREACH(pte, e, w, va, end)					\
	for ((pte) = &(w)->pt[PT_INDEX(va)],				\
	    (e) = (pte) + (((end) - (va)) >> PAGE_SHIFT); (pte) < (e);	\
	    (pte)++)							\
		if (*(pte) == 0) {					\
			if (pte_skip(pte, e))				\
				(pte) += PTES_PER_LINE - 1;		\
		} else

static inline vm_offset_t
pte_va(const struct pt_walk *w, const pt_entry_t *pte, vm_offset_t va)
{
	return rounddown2(va, SUPERPAGE_SIZE) +
	    ((vm_offset_t)(pte - w->pt) << PAGE_SHIFT);
}

/* table_cut: take the empty table that *e points to out of the tree. */
static void
table_cut(struct pmap *pm, pt_entry_t *e, vm_offset_t va, struct tlb_batch *tb)
{
	pt_entry_t old = atomic_swap(e, 0);
	struct vm_page *m = vm_phys_paddr_to_page(old & PG_FRAME);

	KASSERT(m != NULL && PT_USE(old) == 0,
	    "I2: table entry %lx for %lx still in use", old, va);
	TAILQ_INSERT_TAIL(&tb->tables, m, pageq);
	pm->pm_tables--;
	/* CPUs cache upper entries too; one invlpg forgets them all. */
	tlb_batch_add(tb, va);
}

void
pmap_table_release(struct pmap *pm, const struct pt_walk *w, uint64_t n,
    vm_offset_t va, struct tlb_batch *tb)
{
	KASSERT(PT_USE(*w->pde) >= n, "I2: %lu entries cleared at %lx, pde %lx",
	    n, va, *w->pde);
	atomic_sub(w->pde, n * PT_USE_ONE);
	if (PT_USE(*w->pde) != 0)
		return;
	if (pm->pm_hint_pt == w->pt)
		pm->pm_hint_va = NO_HINT;
	table_cut(pm, w->pde, va, tb);
	atomic_sub(w->pdpte, PT_USE_ONE);
	if (PT_USE(*w->pdpte) != 0)
		return;
	table_cut(pm, w->pdpte, va, tb);
	atomic_sub(w->pml4e, PT_USE_ONE);
	if (PT_USE(*w->pml4e) == 0)
		table_cut(pm, w->pml4e, va, tb);
}

void
pmap_tables_free(struct tlb_batch *tb)
{
	struct vm_page *m;

	while ((m = TAILQ_FIRST(&tb->tables)) != NULL) {
		TAILQ_REMOVE(&tb->tables, m, pageq);
		vm_page_free_unowned(m);
	}
}

/* ---- life ---- */

static void
pmap_zinit(void *obj)
{
	struct pmap *pm = obj;

	spin_init(&pm->pm_lock, "pmap", LO_PMAP, 0);
}

void
pmap_init(void)
{
	kernel_pmap->pm_pml4 = kernel_pml4;
	for (unsigned i = PML4_KERNEL_FIRST; i < NPTEPG; i++)
		if (kernel_pml4[i] != 0)
			kernel_slot[kernel_nslots++] = (uint16_t)i;
	pv_init();
	page_init();
	pmap_zone = zone_create("pmap", sizeof(struct pmap), PV_PMAP_ALIGN,
	    pmap_zinit, sizeof(struct spinlock));
}

struct pmap *
pmap_create(void)
{
	struct pmap *pm = zone_alloc(pmap_zone, M_NOWAIT);
	struct vm_page *m;

	if (pm == NULL)
		return NULL;
	m = vm_page_alloc_unowned(VM_ALLOC_ZERO);
	if (m == NULL) {
		zone_free(pmap_zone, pm);
		return NULL;
	}
	memset((char *)pm + sizeof(pm->pm_lock), 0,
	    sizeof(*pm) - sizeof(pm->pm_lock));
	pm->pm_pml4 = pmap_page_kva(m);
	pm->pm_hint_va = NO_HINT;
	pm->pm_tables = 1;
	LIST_INIT(&pm->pm_chunks);
	for (unsigned i = 0; i < kernel_nslots; i++)
		pm->pm_pml4[kernel_slot[i]] = kernel_pml4[kernel_slot[i]];
	spin_lock(&pmaps_lock);
	LIST_INSERT_HEAD(&pmaps, pm, pm_list);
	spin_unlock(&pmaps_lock);
	return pm;
}

/* tables_free: the tables below one of the given level, no CPU knows them. */
static void
tables_free(struct pmap *pm, pt_entry_t *table, unsigned nent, int level)
{
	for (unsigned i = 0; i < nent; i++) {
		if (table[i] == 0)
			continue;
		if (level > 2)
			tables_free(pm, pt_table(table[i]), NPTEPG, level - 1);
		vm_page_free_unowned(vm_phys_paddr_to_page(table[i] &
		    PG_FRAME));
		table[i] = 0;
		pm->pm_tables--;
	}
}

void
pmap_destroy(struct pmap *pm)
{
	KASSERT(pm != kernel_pmap, "the kernel's pmap stays");
	KASSERT(pm->pm_resident == 0 && pm->pm_pvs == 0,
	    "pmap %p still has %lu mappings, %lu pv entries", (void *)pm,
	    pm->pm_resident, pm->pm_pvs);
	spin_lock(&pmaps_lock);
	LIST_REMOVE(pm, pm_list);
	spin_unlock(&pmaps_lock);
	tlb_evict(pm);
	if (pm->pm_tables > 1)
		tables_free(pm, pm->pm_pml4, PML4_KERNEL_FIRST, 4);
	KASSERT(pm->pm_tables == 1, "I2: %lu page-table pages left over",
	    pm->pm_tables - 1);
	vm_page_free_unowned(vm_phys_paddr_to_page(DMAP_TO_PHYS(pm->pm_pml4)));
	zone_free(pmap_zone, pm);
}

/* ---- enter ---- */

static inline pt_entry_t
pte_make(const struct vm_page *m, vm_prot_t prot, vm_prot_t access,
    unsigned flags)
{
	pt_entry_t pte = VM_PAGE_TO_PHYS(m) | PG_V | PG_U;

	if ((prot & VM_PROT_WRITE) != 0)
		pte |= PG_RW;
	if ((prot & VM_PROT_EXECUTE) == 0)
		pte |= PG_NX;
	if (access != 0)
		pte |= PG_A;
	if ((access & VM_PROT_WRITE) != 0)
		pte |= PG_M;
	if ((flags & PMAP_ENTER_WIRED) != 0)
		pte |= PG_W;
	return pte;
}

/* enter_change: the page stays, rights or wiring change. */
static void
enter_change(struct pmap *pm, vm_offset_t va, pt_entry_t *pte, pt_entry_t new)
{
	pt_entry_t old = atomic_load(pte);
	struct tlb_batch tb;

	while (!atomic_fcmpset(pte, &old, new | (old & (PG_A | PG_M))))
		continue;
	pm->pm_wired += ((new & PG_W) != 0) - ((old & PG_W) != 0);
	if ((old & PG_A) == 0 || ((old & ~new & PG_RW) == 0 &&
	    (new & ~old & PG_NX) == 0))
		return;
	tlb_batch_init(&tb, pm);
	tlb_batch_add(&tb, va);
	tlb_batch_flush(&tb);
}

/* enter_replace: another page takes the place (I5). */
static int
enter_replace(struct pmap *pm, vm_offset_t va, struct vm_page *m,
    pt_entry_t *pte, pt_entry_t new)
{
	struct vm_page *om;
	struct tlb_batch tb;
	pt_entry_t old;

	if (!pv_insert(pm, va, m))
		return ENOMEM;
	old = atomic_swap(pte, 0);
	om = vm_phys_paddr_to_page(old & PG_FRAME);
	KASSERT(om != NULL, "entry %lx for %lx maps no managed page", old, va);
	if ((old & PG_A) != 0) {
		tlb_batch_init(&tb, pm);
		tlb_batch_add(&tb, va);
		tlb_batch_flush(&tb);
	}
	pv_collect(om, old);
	pv_remove(pm, va, om);				/* I6 */
	pm->pm_wired += ((new & PG_W) != 0) - ((old & PG_W) != 0);
	atomic_store_rel(pte, new);
	return 0;
}

int
pmap_enter(struct pmap *pm, vm_offset_t va, struct vm_page *m, vm_prot_t prot,
    vm_prot_t access, unsigned flags)
{
	pt_entry_t new = pte_make(m, prot, access, flags), old, *pte;
	int error = 0;

	KASSERT(va >= VM_MIN_USER_ADDRESS && va < VM_MAX_USER_ADDRESS &&
	    (va & PAGE_MASK) == 0, "%lx is not a user page", va);
	KASSERT((prot & VM_PROT_READ) != 0 && (access & ~prot) == 0,
	    "access %x is more than prot %x", access, prot);
	KASSERT((m->flags & (PG_FREE | PG_UNOWNED)) == 0,
	    "page %p is free or unowned: flags %x", (void *)m, m->flags);
	KASSERT(vm_page_busied(m) || (m->object != NULL &&
	    rw_held(&m->object->lock)), "page %p neither busy nor its object "
	    "%p locked", (void *)m, (void *)m->object);

	spin_lock(&pm->pm_lock);
	if (rounddown2(va, SUPERPAGE_SIZE) != pm->pm_hint_va &&
	    !pmap_pt_alloc(pm, va)) {
		spin_unlock(&pm->pm_lock);
		return ENOMEM;
	}
	pte = &pm->pm_hint_pt[PT_INDEX(va)];
	old = *pte;
	if (__predict_true(old == 0)) {
		if (pv_insert(pm, va, m)) {
			atomic_store_rel(pte, new);
			atomic_add(pm->pm_hint_pde, PT_USE_ONE);
			pm->pm_resident++;
			pm->pm_wired += (new & PG_W) != 0;
		} else
			error = ENOMEM;
	} else if ((flags & PMAP_ENTER_NOREPLACE) == 0) {
		if (((old ^ new) & PG_FRAME) == 0)
			enter_change(pm, va, pte, new);
		else
			error = enter_replace(pm, va, m, pte, new);
	}
	spin_unlock(&pm->pm_lock);
	return error;
}

/*
 * quick_ptes: the entries pte[0..n), from va on; returns how many are new, in
 * *gained how many got PG_RW.  A right that is added needs no shootdown.
 */
static unsigned
quick_ptes(struct pmap *pm, vm_offset_t va, pt_entry_t *pte,
    struct vm_page *const *ma, unsigned n, vm_prot_t prot, unsigned *gained)
{
	unsigned i, made = 0;
	pt_entry_t old, new;

	*gained = 0;
	for (i = 0; i < n; i++) {
		if (ma[i] == NULL)
			continue;
		old = atomic_load_relaxed(&pte[i]);
		new = pte_make(ma[i], prot, 0, 0);
		if (old == 0) {
			if (!pv_insert(pm, va + ptoa(i), ma[i]))
				break;
			atomic_store_rel(&pte[i], new);
			made++;
		} else if (((old ^ new) & PG_FRAME) == 0 &&
		    (~old & new & PG_RW) != 0) {
			atomic_or(&pte[i], PG_RW);
			(*gained)++;
		}
	}
	return made;
}

unsigned
pmap_enter_quick(struct pmap *pm, vm_offset_t va, struct vm_page *const *ma,
    unsigned n, vm_prot_t prot)
{
	unsigned made = 0, gained = 0;
	struct pt_walk w;

	KASSERT((va & PAGE_MASK) == 0 && n != 0 &&
	    atop(rounddown2(va, SUPERPAGE_SIZE) + SUPERPAGE_SIZE - va) >= n,
	    "%u pages at %lx are not in one superpage", n, va);
	KASSERT((prot & VM_PROT_READ) != 0, "prot %x", prot);
	spin_lock(&pm->pm_lock);
	if (rounddown2(va, SUPERPAGE_SIZE) == pm->pm_hint_va) {
		w.pde = pm->pm_hint_pde;
		w.pt = pm->pm_hint_pt;
	} else if (pmap_pte(pm, va, &w) == NULL)
		w.pt = NULL;
	if (w.pt != NULL) {
		made = quick_ptes(pm, va, &w.pt[PT_INDEX(va)], ma, n, prot,
		    &gained);
		pm->pm_resident += made;
		if (made != 0)
			atomic_add(w.pde, made * PT_USE_ONE);
	}
	spin_unlock(&pm->pm_lock);
	return made + gained;
}

/* ---- remove, protect, unwire ---- */

/* A part of a range within one page table, on its way out. */
struct dying {
	struct pt_walk	w;
	vm_offset_t	va, end;
};

/*
 * invalidate_ptes: no CPU can load them any more.  What they mapped stays to be
 * read there, and so do the records (I6).
 */
static void
invalidate_ptes(struct pmap *pm, const struct dying *d, struct tlb_batch *tb)
{
	uint64_t n = 0, wired = 0;
	pt_entry_t *pte, *e, old;

	PT_FOREACH(pte, e, &d->w, d->va, d->end) {
		atomic_and(pte, ~PG_V);
		old = atomic_load_relaxed(pte);
		if ((old & PG_A) != 0)
			tlb_batch_add(tb, pte_va(&d->w, pte, d->va));
		wired += (old & PG_W) != 0;
		n++;
	}
	pm->pm_resident -= n;
	pm->pm_wired -= wired;
	pmap_table_release(pm, &d->w, n, d->va, tb);
}

/* forget_ptes: they are in no TLB: the records go, the entries become zero. */
static void
forget_ptes(struct pmap *pm, const struct dying *d)
{
	pt_entry_t *pte, *e, old;
	struct vm_page *m;
	vm_offset_t a;

	PT_FOREACH(pte, e, &d->w, d->va, d->end) {
		a = pte_va(&d->w, pte, d->va);
		old = *pte;
		*pte = 0;
		m = vm_phys_paddr_to_page(old & PG_FRAME);
		KASSERT(m != NULL, "entry %lx for %lx maps no managed page",
		    old, a);
		pv_collect(m, old);
		pv_remove(pm, a, m);
	}
}

/* remove_some: what is at or above *start, DYING tables at most; one shootdown.
 * False: there was less, and nothing is left. */
static bool
remove_some(struct pmap *pm, vm_offset_t *start, vm_offset_t end)
{
	struct dying d[DYING];
	struct tlb_batch tb;
	unsigned i, n;

	tlb_batch_init(&tb, pm);
	for (n = 0; n < DYING && pmap_next_table(pm, start, end, &d[n].w);
	    *start = d[n++].end) {
		d[n].va = *start;
		d[n].end = pt_end(*start, end);
		invalidate_ptes(pm, &d[n], &tb);
	}
	tlb_batch_flush(&tb);
	for (i = 0; i < n; i++)
		forget_ptes(pm, &d[i]);
	pmap_tables_free(&tb);
	return n == DYING;
}

static void
check_range(const struct pmap *pm, vm_offset_t start, vm_offset_t end)
{
	KASSERT(((start | end) & PAGE_MASK) == 0 && start <= end &&
	    end <= VM_MAX_USER_ADDRESS && pm != kernel_pmap,
	    "pmap %p: [%lx, %lx) is not a user range", (const void *)pm, start,
	    end);
}

void
pmap_remove(struct pmap *pm, vm_offset_t start, vm_offset_t end)
{
	if (pm == kernel_pmap) {
		pmap_kremove(start, end - start);
		return;
	}
	check_range(pm, start, end);
	spin_lock(&pm->pm_lock);
	while (remove_some(pm, &start, end))
		continue;
	spin_unlock(&pm->pm_lock);
}

/* protect_ptes: clear RW and set NX as asked, in [va, end). */
static void
protect_ptes(const struct pt_walk *w, vm_offset_t va, vm_offset_t end,
    pt_entry_t clear, pt_entry_t set, struct tlb_batch *tb)
{
	pt_entry_t *pte, *e, old, mask = clear | set;

	PT_FOREACH(pte, e, w, va, end) {
		old = *pte;
		if (((old ^ set) & mask) == 0)
			continue;
		if ((old & clear) != 0)
			atomic_and(pte, ~clear);
		if ((~old & set) != 0)
			atomic_or(pte, set);
		/* Read again: A may have come between the load and the lock. */
		if ((atomic_load_relaxed(pte) & PG_A) != 0)
			tlb_batch_add(tb, pte_va(w, pte, va));
	}
}

void
pmap_protect(struct pmap *pm, vm_offset_t start, vm_offset_t end,
    vm_prot_t prot)
{
	pt_entry_t clear = (prot & VM_PROT_WRITE) != 0 ? 0 : PG_RW;
	pt_entry_t set = (prot & VM_PROT_EXECUTE) != 0 ? 0 : PG_NX;
	struct tlb_batch tb;
	struct pt_walk w;

	if ((prot & VM_PROT_READ) == 0) {
		pmap_remove(pm, start, end);
		return;
	}
	check_range(pm, start, end);
	if ((clear | set) == 0)
		return;
	/* Nothing mapped is no reason not to wait: a removal may be under way. */
	tlb_batch_init(&tb, pm);
	spin_lock(&pm->pm_lock);
	for (; pmap_next_table(pm, &start, end, &w);
	    start = pt_end(start, end))
		protect_ptes(&w, start, pt_end(start, end), clear, set, &tb);
	tlb_batch_flush(&tb);
	spin_unlock(&pm->pm_lock);
}

void
pmap_unwire(struct pmap *pm, vm_offset_t start, vm_offset_t end)
{
	pt_entry_t *pte, *e;
	struct pt_walk w;

	check_range(pm, start, end);
	spin_lock(&pm->pm_lock);
	for (; pmap_next_table(pm, &start, end, &w);
	    start = pt_end(start, end)) {
		PT_FOREACH(pte, e, &w, start, pt_end(start, end)) {
			if ((*pte & PG_W) == 0)
				continue;
			atomic_and(pte, ~PG_W);
			pm->pm_wired--;
		}
	}
	spin_unlock(&pm->pm_lock);
}

/*
 * pmap_copy: nothing.  A child that execs or exits never looks at most of its
 * parent's pages, and a copied mapping costs a pv entry and its removal.
 */
void
pmap_copy(struct pmap *dst, struct pmap *src, vm_offset_t start,
    vm_offset_t end)
{
	check_range(dst, start, end);
	check_range(src, start, end);
}

/* ---- looking ---- */

static vm_prot_t
pte_prot(pt_entry_t pte)
{
	vm_prot_t prot = VM_PROT_READ;

	if ((pte & PG_RW) != 0)
		prot |= VM_PROT_WRITE;
	if ((pte & PG_NX) == 0)
		prot |= VM_PROT_EXECUTE;
	return prot;
}

/* extract: the leaf entry for va and how many address bits it leaves. */
static pt_entry_t
extract(struct pmap *pm, vm_offset_t va, unsigned *shift)
{
	static const uint8_t level_shift[] = { 39, 30, 21, 12 };
	pt_entry_t *table = pm->pm_pml4, e = 0;

	for (unsigned i = 0; i < nitems(level_shift); i++) {
		*shift = level_shift[i];
		e = table[va >> *shift & (NPTEPG - 1)];
		if ((e & PG_V) == 0)
			return 0;
		if (*shift == PAGE_SHIFT || (e & PG_PS) != 0)
			break;
		table = pt_table(e);
	}
	return e;
}

vm_paddr_t
pmap_extract(struct pmap *pm, vm_offset_t va, vm_prot_t *prot)
{
	unsigned shift;
	pt_entry_t e;

	if (pm == kernel_pmap)
		e = extract(pm, va, &shift);
	else {
		spin_lock(&pm->pm_lock);
		e = extract(pm, va, &shift);
		spin_unlock(&pm->pm_lock);
	}
	if (e == 0)
		return 0;
	if (prot != NULL)
		*prot = pte_prot(e);
	return (e & PG_FRAME & ~((1UL << shift) - 1)) |
	    (va & ((1UL << shift) - 1));
}

struct found {
	vm_offset_t	va;
	pt_entry_t	pte;
};

/* foreach_some: the first mappings of [*start, end); *start moves behind. */
static unsigned
foreach_some(struct pmap *pm, vm_offset_t *start, vm_offset_t end,
    struct found *f)
{
	pt_entry_t *pte, *e;
	struct pt_walk w;
	unsigned n = 0;

	spin_lock(&pm->pm_lock);
	for (; n < FOREACH_BATCH && pmap_next_table(pm, start, end, &w);
	    *start = n < FOREACH_BATCH ? pt_end(*start, end) :
	    f[n - 1].va + PAGE_SIZE) {
		PT_FOREACH(pte, e, &w, *start, pt_end(*start, end)) {
			f[n++] = (struct found){ pte_va(&w, pte, *start),
			    *pte };
			if (n == FOREACH_BATCH)
				break;
		}
	}
	spin_unlock(&pm->pm_lock);
	return n;
}

void
pmap_foreach(struct pmap *pm, vm_offset_t start, vm_offset_t end,
    void (*fn)(void *arg, vm_offset_t va, vm_paddr_t pa, vm_prot_t prot,
    bool wired), void *arg)
{
	struct found f[FOREACH_BATCH];
	unsigned n;

	do {
		n = foreach_some(pm, &start, end, f);
		for (unsigned i = 0; i < n; i++)
			fn(arg, f[i].va, f[i].pte & PG_FRAME,
			    pte_prot(f[i].pte), pm == kernel_pmap ||
			    (f[i].pte & PG_W) != 0);
	} while (n == FOREACH_BATCH);
}

uint64_t
pmap_resident_count(const struct pmap *pm)
{
	return atomic_load_relaxed(&pm->pm_resident);	/* [h] */
}

uint64_t
pmap_wired_count(const struct pmap *pm)
{
	return atomic_load_relaxed(&pm->pm_wired);	/* [h] */
}

uint64_t
pmap_pv_count(void)
{
	struct pmap *pm;
	uint64_t n = 0;

	spin_lock(&pmaps_lock);
	LIST_FOREACH(pm, &pmaps, pm_list)
		n += atomic_load_relaxed(&pm->pm_resident);	/* [h] */
	spin_unlock(&pmaps_lock);
	return n;
}

uint64_t
pmap_pt_count(void)
{
	struct pmap *pm;
	uint64_t n = 0;

	spin_lock(&pmaps_lock);
	LIST_FOREACH(pm, &pmaps, pm_list)
		n += atomic_load_relaxed(&pm->pm_tables);	/* [h] */
	spin_unlock(&pmaps_lock);
	return n;
}

void
pmap_prefer(vm_ooffset_t offset, vm_offset_t color, vm_size_t len,
    vm_offset_t *va)
{
	/* An object too small for a large page gains nothing. */
	if (len >= SUPERPAGE_SIZE)
		*va += (offset + color - *va) & (SUPERPAGE_SIZE - 1);
}
