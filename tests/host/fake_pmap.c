/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_pmap.c: <vm/pmap.h> for the host: a table of (pmap, va) -> (page, prot,
 * wired, referenced, modified) that checks its callers.  It has no TLB and no
 * page tables; it shows errors of vm/, not of the true pmap.  Both are held to
 * tests/contract/pmap_contract.c.
 *
 * I1 a pmap's table is sorted by va and has one mapping for each va;
 * I2 a page's list has exactly its mappings in user pmaps.
 *
 * Lock: fake_lock for everything (LO_PMAP, as the true pmap's lock).  User
 * accesses happen under it: a right that was taken away is gone on return.
 */
#include <vm/pmap.h>

#include <lib/prng.h>
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/lock.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "host_os.h"
#include "user_access.h"

/* Lifetime: from enter to remove.  [p] all. */
struct fake_mapping {
	struct fake_mapping *pv_next;	/* next mapping of the page */
	struct pmap	*pmap;
	struct vm_page	*m;		/* NULL: kenter of unmanaged memory */
	vm_offset_t	 va;
	vm_paddr_t	 pa;
	vm_prot_t	 prot;
	bool		 wired, ref, mod;
};

/* Lifetime: pmap_create to pmap_destroy.  [p] all. */
struct pmap {
	struct fake_mapping **table;
	size_t		 count, size;
	uint64_t	 wired;
	bool		 dead;
};

#define PV_MOD		0x1u
#define PV_REF		0x2u

static struct pmap	 kernel_pmap_store;
struct pmap *const	 kernel_pmap = &kernel_pmap_store;
static struct spinlock	 fake_lock =
    SPINLOCK_INITIALIZER("fakepmap", LO_PMAP, 0);
static struct fake_stats stats;
static struct fake_chaos chaos;
static struct prng	 chaos_prng;
static uint64_t		 pv_count;
static __thread struct pmap *active;

/* ---- the table ---- */

/* First index whose va is >= va. */
static size_t
table_index(const struct pmap *pmap, vm_offset_t va)
{
	size_t lo = 0, hi = pmap->count, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (pmap->table[mid]->va < va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct fake_mapping *
table_find(const struct pmap *pmap, vm_offset_t va)
{
	size_t i = table_index(pmap, va);

	return i < pmap->count && pmap->table[i]->va == va ?
	    pmap->table[i] : NULL;
}

static void
table_insert(struct pmap *pmap, struct fake_mapping *fm)
{
	size_t i = table_index(pmap, fm->va);
	struct fake_mapping **bigger;

	if (pmap->count == pmap->size) {
		pmap->size = MAX(16, pmap->size * 2);
		bigger = hos_alloc(pmap->size * sizeof(*bigger));
		if (pmap->count != 0)
			memcpy(bigger, pmap->table,
			    pmap->count * sizeof(*bigger));
		hos_free(pmap->table);
		pmap->table = bigger;
	}
	memmove(&pmap->table[i + 1], &pmap->table[i],
	    (pmap->count - i) * sizeof(*pmap->table));
	pmap->table[i] = fm;
	pmap->count++;
}

static void
pv_insert(struct fake_mapping *fm)
{
	fm->pv_next = fm->m->md.pv_list;
	fm->m->md.pv_list = fm;
	pv_count++;
}

static void
pv_remove(struct fake_mapping *fm)
{
	struct fake_mapping **pp = &fm->m->md.pv_list;

	while (*pp != fm) {
		KASSERT(*pp != NULL, "I2: mapping of %lx not on its page's list",
		    fm->va);
		pp = &(*pp)->pv_next;
	}
	*pp = fm->pv_next;
	pv_count--;
}

/* collect: referenced and modified belong to the page. */
static void
collect(struct fake_mapping *fm)
{
	if (fm->m == NULL)
		return;
	fm->m->md.pv_flags |= (fm->mod ? PV_MOD : 0) | (fm->ref ? PV_REF : 0);
	fm->ref = fm->mod = false;
}

/* drop: the mapping itself; the caller closes the gap in the table. */
static void
drop(struct fake_mapping *fm)
{
	collect(fm);
	if (fm->pmap == kernel_pmap)
		hos_unmap(fm->va, PAGE_SIZE);
	else
		pv_remove(fm);
	if (fm->wired)
		fm->pmap->wired--;
	hos_free(fm);
}

/* table_remove: all of [start, end). */
static void
table_remove(struct pmap *pmap, vm_offset_t start, vm_offset_t end)
{
	size_t lo = table_index(pmap, start), hi = lo;

	while (hi < pmap->count && pmap->table[hi]->va < end)
		drop(pmap->table[hi++]);
	if (lo == hi)
		return;
	stats.shootdowns++;
	memmove(&pmap->table[lo], &pmap->table[hi],
	    (pmap->count - hi) * sizeof(*pmap->table));
	pmap->count -= hi - lo;
}

/* ---- checks of the caller, and chaos ---- */

static void
check_range(const struct pmap *pmap, vm_offset_t start, vm_offset_t end)
{
	KASSERT(((start | end) & PAGE_MASK) == 0 && start <= end,
	    "range [%lx, %lx) not whole pages", start, end);
	KASSERT(!pmap->dead, "pmap %p was destroyed", (const void *)pmap);
	if (pmap == kernel_pmap)
		KASSERT(start >= VM_MIN_KERNEL_ADDRESS &&
		    end <= VM_MAX_KERNEL_ADDRESS,
		    "[%lx, %lx) is not kernel memory", start, end);
	else
		KASSERT(end <= VM_MAX_USER_ADDRESS,
		    "[%lx, %lx) is not user memory", start, end);
}

static void
check_page(const struct vm_page *m)
{
	KASSERT((m->flags & (PG_FREE | PG_UNOWNED)) == 0,
	    "page %p is free or unowned: flags %x", (const void *)m, m->flags);
	KASSERT(vm_page_busied(m) ||
	    (m->object != NULL && rw_held(&m->object->lock)),
	    "page %p neither busy nor its object %p locked", (const void *)m,
	    (void *)m->object);
}

/* maybe_forget: an unwired mapping is redundant, so lose one now and then. */
static void
maybe_forget(struct pmap *pmap)
{
	struct fake_mapping *fm;

	if (chaos.forget_one_in == 0 || pmap == kernel_pmap ||
	    pmap->count == 0 || prng_below(&chaos_prng,
	    chaos.forget_one_in) != 0)
		return;
	fm = pmap->table[prng_below(&chaos_prng, pmap->count)];
	if (fm->wired)
		return;
	stats.forgotten++;
	table_remove(pmap, fm->va, fm->va + PAGE_SIZE);
}

static bool
injected_enomem(void)
{
	if (chaos.fail_nth == 0 || --chaos.fail_nth != 0)
		return false;
	stats.enomem++;
	return true;
}

void
fake_pmap_chaos(const struct fake_chaos *c)
{
	spin_lock(&fake_lock);
	chaos = *c;
	prng_seed(&chaos_prng, c->seed);
	spin_unlock(&fake_lock);
}

struct fake_stats
fake_pmap_stats(void)
{
	struct fake_stats s;

	spin_lock(&fake_lock);
	s = stats;
	spin_unlock(&fake_lock);
	return s;
}

void
fake_pmap_forget(struct pmap *pmap)
{
	vm_offset_t va;
	size_t i = 0;

	spin_lock(&fake_lock);
	while (i < pmap->count) {
		va = pmap->table[i]->va;
		if (pmap->table[i]->wired)
			i++;
		else
			table_remove(pmap, va, va + PAGE_SIZE);
	}
	spin_unlock(&fake_lock);
}

/* ---- <vm/pmap.h> ---- */

struct pmap *
pmap_create(void)
{
	return hos_alloc(sizeof(struct pmap));
}

void
pmap_destroy(struct pmap *pmap)
{
	KASSERT(pmap != kernel_pmap && !pmap->dead,
	    "pmap %p cannot be destroyed", (void *)pmap);
	KASSERT(pmap->count == 0, "pmap %p still has %zu mappings, first %lx",
	    (void *)pmap, pmap->count, pmap->table[0]->va);
	KASSERT(active != pmap, "pmap %p is active here", (void *)pmap);
	pmap->dead = true;
	hos_free(pmap->table);
	hos_free(pmap);
}

void
pmap_activate(struct pmap *pmap)
{
	active = pmap;
}

/* enter_new: map va, which is free now. */
static int
enter_new(struct pmap *pmap, vm_offset_t va, struct vm_page *m)
{
	struct fake_mapping *fm;

	if (injected_enomem())
		return ENOMEM;
	fm = hos_alloc(sizeof(*fm));
	*fm = (struct fake_mapping){ .pmap = pmap, .m = m, .va = va,
	    .pa = VM_PAGE_TO_PHYS(m) };
	pv_insert(fm);
	table_insert(pmap, fm);
	return 0;
}

int
pmap_enter(struct pmap *pmap, vm_offset_t va, struct vm_page *m,
    vm_prot_t prot, vm_prot_t access, unsigned flags)
{
	bool wired = (flags & PMAP_ENTER_WIRED) != 0;
	struct fake_mapping *fm;
	int error = 0;

	check_range(pmap, va, va + PAGE_SIZE);
	check_page(m);
	KASSERT(pmap != kernel_pmap, "%lx: kernel mappings are kenter's", va);
	KASSERT((prot & VM_PROT_READ) != 0 && (access & ~prot) == 0,
	    "access %x is more than prot %x", access, prot);
	spin_lock(&fake_lock);
	stats.enters++;
	maybe_forget(pmap);
	fm = table_find(pmap, va);
	if (fm != NULL && (flags & PMAP_ENTER_NOREPLACE) != 0)
		goto out;
	if (fm != NULL && fm->m != m) {
		table_remove(pmap, va, va + PAGE_SIZE);
		fm = NULL;
	}
	if (fm == NULL) {
		error = enter_new(pmap, va, m);
		if (error != 0)
			goto out;
		fm = table_find(pmap, va);
	}
	if ((fm->prot & ~prot) != 0)
		stats.shootdowns++;
	fm->prot = prot;
	fm->ref |= access != 0;
	fm->mod |= (access & VM_PROT_WRITE) != 0;
	pmap->wired += wired - fm->wired;
	fm->wired = wired;
out:
	spin_unlock(&fake_lock);
	return error;
}

unsigned
pmap_enter_quick(struct pmap *pmap, vm_offset_t va, struct vm_page *const *ma,
    unsigned n, vm_prot_t prot)
{
	struct fake_mapping *fm;
	unsigned i, made = 0;

	check_range(pmap, va, va + ptoa(n));
	KASSERT(pmap != kernel_pmap && (prot & VM_PROT_READ) != 0,
	    "prot %x at %lx", prot, va);
	KASSERT(rounddown2(va, SUPERPAGE_SIZE) ==
	    rounddown2(va + ptoa(n) - 1, SUPERPAGE_SIZE),
	    "%u pages at %lx are not in one superpage", n, va);
	spin_lock(&fake_lock);
	for (i = 0; i < n; i++) {
		if (ma[i] == NULL)
			continue;
		check_page(ma[i]);
		fm = table_find(pmap, va + ptoa(i));
		if (fm == NULL) {
			if (enter_new(pmap, va + ptoa(i), ma[i]) != 0)
				break;
			table_find(pmap, va + ptoa(i))->prot = prot;
			made++;
		} else if (fm->m == ma[i] && (~fm->prot & prot &
		    VM_PROT_WRITE) != 0) {
			fm->prot |= VM_PROT_WRITE;
			made++;
		}
	}
	maybe_forget(pmap);
	spin_unlock(&fake_lock);
	return made;
}

void
pmap_remove(struct pmap *pmap, vm_offset_t start, vm_offset_t end)
{
	check_range(pmap, start, end);
	spin_lock(&fake_lock);
	stats.removes++;
	table_remove(pmap, start, end);
	maybe_forget(pmap);
	spin_unlock(&fake_lock);
}

void
pmap_protect(struct pmap *pmap, vm_offset_t start, vm_offset_t end,
    vm_prot_t prot)
{
	struct fake_mapping *fm;
	bool lost = false;

	check_range(pmap, start, end);
	if ((prot & VM_PROT_READ) == 0) {
		pmap_remove(pmap, start, end);
		return;
	}
	spin_lock(&fake_lock);
	stats.protects++;
	for (size_t i = table_index(pmap, start); i < pmap->count; i++) {
		fm = pmap->table[i];
		if (fm->va >= end)
			break;
		lost |= (fm->prot & ~prot) != 0;
		fm->prot &= prot;
	}
	stats.shootdowns += lost;
	maybe_forget(pmap);
	spin_unlock(&fake_lock);
}

void
pmap_copy(struct pmap *dst, struct pmap *src, vm_offset_t start,
    vm_offset_t end)
{
	check_range(dst, start, end);
	check_range(src, start, end);
}

void
pmap_unwire(struct pmap *pmap, vm_offset_t start, vm_offset_t end)
{
	struct fake_mapping *fm;

	check_range(pmap, start, end);
	spin_lock(&fake_lock);
	for (size_t i = table_index(pmap, start); i < pmap->count; i++) {
		fm = pmap->table[i];
		if (fm->va >= end)
			break;
		pmap->wired -= fm->wired;
		fm->wired = false;
	}
	spin_unlock(&fake_lock);
}

vm_paddr_t
pmap_extract(struct pmap *pmap, vm_offset_t va, vm_prot_t *prot)
{
	struct fake_mapping *fm;
	vm_paddr_t pa = 0;

	spin_lock(&fake_lock);
	fm = table_find(pmap, trunc_page(va));
	if (fm != NULL) {
		pa = fm->pa | (va & PAGE_MASK);
		if (prot != NULL)
			*prot = fm->prot;
	}
	spin_unlock(&fake_lock);
	return pa;
}

/* ---- all mappings of a page ---- */

void
pmap_remove_all(struct vm_page *m)
{
	struct fake_mapping *fm;

	check_page(m);
	spin_lock(&fake_lock);
	while ((fm = m->md.pv_list) != NULL)
		table_remove(fm->pmap, fm->va, fm->va + PAGE_SIZE);
	spin_unlock(&fake_lock);
}

void
pmap_remove_write(struct vm_page *m)
{
	struct fake_mapping *fm;
	bool lost = false;

	check_page(m);
	spin_lock(&fake_lock);
	for (fm = m->md.pv_list; fm != NULL; fm = fm->pv_next) {
		lost |= (fm->prot & VM_PROT_WRITE) != 0;
		fm->prot &= (vm_prot_t)~VM_PROT_WRITE;
		if (fm->mod)
			m->md.pv_flags |= PV_MOD;
		fm->mod = false;
	}
	stats.shootdowns += lost;
	spin_unlock(&fake_lock);
}

static bool
page_has(struct vm_page *m, unsigned flag)
{
	struct fake_mapping *fm;
	bool has;

	check_page(m);
	spin_lock(&fake_lock);
	has = (m->md.pv_flags & flag) != 0;
	for (fm = m->md.pv_list; fm != NULL; fm = fm->pv_next)
		has |= flag == PV_MOD ? fm->mod : fm->ref;
	spin_unlock(&fake_lock);
	return has;
}

bool
pmap_is_modified(struct vm_page *m)
{
	return page_has(m, PV_MOD);
}

bool
pmap_is_referenced(struct vm_page *m)
{
	return page_has(m, PV_REF);
}

void
pmap_clear_modify(struct vm_page *m)
{
	struct fake_mapping *fm;

	check_page(m);
	spin_lock(&fake_lock);
	m->md.pv_flags &= ~PV_MOD;
	for (fm = m->md.pv_list; fm != NULL; fm = fm->pv_next)
		fm->mod = false;
	spin_unlock(&fake_lock);
}

unsigned
pmap_ts_referenced(struct vm_page *m)
{
	struct fake_mapping *fm;
	unsigned n;

	check_page(m);
	spin_lock(&fake_lock);
	n = (m->md.pv_flags & PV_REF) != 0;
	m->md.pv_flags &= ~PV_REF;
	for (fm = m->md.pv_list; fm != NULL; fm = fm->pv_next) {
		n += fm->ref;
		fm->ref = false;
	}
	spin_unlock(&fake_lock);
	return n;
}

bool
pmap_page_is_mapped(const struct vm_page *m)
{
	bool mapped;

	spin_lock(&fake_lock);
	mapped = m->md.pv_list != NULL;
	spin_unlock(&fake_lock);
	return mapped;
}

unsigned
pmap_page_mapcount(struct vm_page *m)
{
	struct fake_mapping *fm;
	unsigned n = 0;

	spin_lock(&fake_lock);
	for (fm = m->md.pv_list; fm != NULL; fm = fm->pv_next)
		n++;
	spin_unlock(&fake_lock);
	return n;
}

void
pmap_page_init(struct vm_page *m)
{
	KASSERT(m->md.pv_list == NULL, "page %p is mapped at %lx", (void *)m,
	    m->md.pv_list->va);
	m->md.pv_flags = 0;
}

/* ---- contents ---- */

void *
pmap_page_kva(struct vm_page *m)
{
	return PHYS_TO_DMAP(VM_PAGE_TO_PHYS(m));
}

void
pmap_zero_page(struct vm_page *m)
{
	memset(pmap_page_kva(m), 0, PAGE_SIZE);
}

void
pmap_copy_page(struct vm_page *src, struct vm_page *dst)
{
	memcpy(pmap_page_kva(dst), pmap_page_kva(src), PAGE_SIZE);
}

/* ---- kernel mappings ---- */

int
pmap_kenter(vm_offset_t va, vm_paddr_t pa, vm_prot_t prot)
{
	struct fake_mapping *fm;

	check_range(kernel_pmap, va, va + PAGE_SIZE);
	KASSERT((prot & (VM_PROT_WRITE | VM_PROT_EXECUTE)) !=
	    (VM_PROT_WRITE | VM_PROT_EXECUTE), "%lx both W and X", va);
	fm = hos_alloc(sizeof(*fm));
	*fm = (struct fake_mapping){ .pmap = kernel_pmap, .va = va, .pa = pa,
	    .prot = prot, .wired = true };
	spin_lock(&fake_lock);
	KASSERT(table_find(kernel_pmap, va) == NULL, "%lx is mapped to %lx", va,
	    table_find(kernel_pmap, va)->pa);
	if (hos_map(va, pa) != 0)
		panic("host cannot map %lx", va);
	table_insert(kernel_pmap, fm);
	kernel_pmap->wired++;
	spin_unlock(&fake_lock);
	return 0;
}

void
pmap_kremove(vm_offset_t va, vm_size_t len)
{
	check_range(kernel_pmap, va, va + len);
	spin_lock(&fake_lock);
	table_remove(kernel_pmap, va, va + len);
	spin_unlock(&fake_lock);
}

/* ---- the rest ---- */

void
pmap_prefer(vm_ooffset_t offset, vm_offset_t color, vm_size_t len,
    vm_offset_t *va)
{
	vm_offset_t want = (offset + color) & (SUPERPAGE_SIZE - 1);
	vm_offset_t have = *va & (SUPERPAGE_SIZE - 1);

	if (len < SUPERPAGE_SIZE)
		return;
	*va += (want - have) & (SUPERPAGE_SIZE - 1);
}

uint64_t
pmap_resident_count(const struct pmap *pmap)
{
	return __atomic_load_n(&pmap->count, __ATOMIC_RELAXED);
}

uint64_t
pmap_wired_count(const struct pmap *pmap)
{
	return __atomic_load_n(&pmap->wired, __ATOMIC_RELAXED);
}

uint64_t
pmap_pv_count(void)
{
	return __atomic_load_n(&pv_count, __ATOMIC_RELAXED);
}

uint64_t
pmap_kernel_pt_count(void)
{
	return 0;
}

uint64_t
pmap_pt_count(void)
{
	return 0;
}

void
pmap_foreach(struct pmap *pmap, vm_offset_t start, vm_offset_t end,
    void (*fn)(void *arg, vm_offset_t va, vm_paddr_t pa, vm_prot_t prot,
    bool wired), void *arg)
{
	struct fake_mapping fm;
	size_t i;

	for (vm_offset_t va = start; va < end; va = fm.va + PAGE_SIZE) {
		spin_lock(&fake_lock);
		i = table_index(pmap, va);
		if (i < pmap->count)
			fm = *pmap->table[i];
		else
			fm.va = end;
		spin_unlock(&fake_lock);
		if (fm.va >= end)
			return;
		fn(arg, fm.va, fm.pa, fm.prot, fm.wired);
	}
}

static bool
on_page_list(const struct fake_mapping *fm)
{
	struct fake_mapping *p;

	for (p = fm->m->md.pv_list; p != NULL; p = p->pv_next)
		if (p == fm)
			return true;
	return false;
}

void
pmap_check(struct pmap *pmap)
{
	struct fake_mapping *fm;
	uint64_t wired = 0;

	spin_lock(&fake_lock);
	for (size_t i = 0; i < pmap->count; i++) {
		fm = pmap->table[i];
		KASSERT(i == 0 || pmap->table[i - 1]->va < fm->va,
		    "I1: %lx not sorted", fm->va);
		wired += fm->wired;
		if (pmap == kernel_pmap)
			continue;
		KASSERT(on_page_list(fm), "I2: %lx not on its page's list",
		    fm->va);
		KASSERT(fm->pa == VM_PAGE_TO_PHYS(fm->m) &&
		    (fm->m->flags & (PG_FREE | PG_UNOWNED)) == 0,
		    "%lx maps page %p with flags %x", fm->va, (void *)fm->m,
		    fm->m->flags);
	}
	KASSERT(wired == pmap->wired, "%lu mappings wired, count %lu", wired,
	    pmap->wired);
	spin_unlock(&fake_lock);
}

void
pmap_init(void)
{
}

/* ---- the CPU ---- */

bool
fake_cpu_access(struct pmap *pmap, vm_offset_t va, vm_prot_t prot, void *buf,
    size_t len)
{
	struct fake_mapping *fm;
	uint8_t *kva;
	bool ok;

	spin_lock(&fake_lock);
	fm = table_find(pmap, trunc_page(va));
	ok = fm != NULL && (fm->prot & prot) == prot;
	if (ok) {
		fm->ref = true;
		kva = (uint8_t *)PHYS_TO_DMAP(fm->pa) + (va & PAGE_MASK);
		if ((prot & VM_PROT_WRITE) != 0) {
			fm->mod = true;
			memcpy(kva, buf, len);
		} else
			memcpy(buf, kva, len);
	}
	spin_unlock(&fake_lock);
	return ok;
}
