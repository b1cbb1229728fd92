/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_pv.c: reverse maps: from a page to its mappings in user pmaps; and the
 * operations on all mappings of a page.
 *
 * The first mapping of a page is md.pv_word alone: no memory, no lock, one
 * compare-and-swap.  Further ones are pv entries on md.pv_list, from chunks of
 * one page that belong to the pmap, so allocating one needs only pm_lock.
 *
 * I1 each user mapping is in its page's pv_word or, once, on its pv_list;
 * I2 a record of a mapping in pm appears and goes under pm_lock: who holds
 *    pm_lock and sees the record sees a valid entry in the tables;
 * I3 a pmap named by a record may be freed before its lock is taken: the lock
 *    is type-stable, and the record is read again under it.
 *
 * Locks: pm_lock, then pv lock (LO_PV, hashed by page) for lists.  The reverse
 * direction reads pv_word without a lock; from a list it tries pm_lock, else
 * notes pv_gen, drops the pv lock, takes both in order and starts again when
 * pv_gen moved (vm-design 5.3).
 */
#include "pmap_priv.h"

#include <sys/lock.h>
#include <vm/vm_object.h>
#include <vm/vm_phys.h>

#define NPVLOCKS	64
#define CHUNK_ENTRIES	252

/* [p] pv lock of the page, while in use. */
struct pv_entry {
	struct pv_entry	*pv_next;
	uint64_t	 pv_word;
};

/* One page.  Lifetime: from the first entry taken to the last given back.
 * [p] pm_lock of the owner. */
struct pv_chunk {
	LIST_ENTRY(pv_chunk) pc_link;	/* [p] while it has a free entry */
	uint64_t	 pc_free[4];	/* [p] bit set: entry is free */
	uint64_t	 pc_nfree;	/* [p] */
	uint64_t	 pc_pad;
	struct pv_entry	 pc_entry[CHUNK_ENTRIES];
};
CTASSERT(sizeof(struct pv_chunk) == PAGE_SIZE, "a chunk is one page");

static struct {
	struct spinlock	 lock;
} __aligned(CACHE_LINE) pv_locks[NPVLOCKS];

static inline struct spinlock *
pv_lock_of(const struct vm_page *m)
{
	return &pv_locks[(m->phys_addr >> PAGE_SHIFT) % NPVLOCKS].lock;
}

void
pv_init(void)
{
	for (unsigned i = 0; i < NPVLOCKS; i++)
		spin_init(&pv_locks[i].lock, "pv", LO_PV, 0);
}

/* ---- entries ---- */

static struct pv_chunk *
chunk_alloc(struct pmap *pm)
{
	struct vm_page *m = vm_page_alloc_unowned(0);
	struct pv_chunk *pc;

	if (m == NULL)
		return NULL;
	pc = pmap_page_kva(m);
	pc->pc_free[0] = pc->pc_free[1] = pc->pc_free[2] = ~0UL;
	pc->pc_free[3] = (1UL << (CHUNK_ENTRIES % 64)) - 1;
	pc->pc_nfree = CHUNK_ENTRIES;
	LIST_INSERT_HEAD(&pm->pm_chunks, pc, pc_link);
	return pc;
}

static struct pv_entry *
pv_alloc(struct pmap *pm)
{
	struct pv_chunk *pc = LIST_FIRST(&pm->pm_chunks);
	unsigned w = 0, bit;

	if (pc == NULL && (pc = chunk_alloc(pm)) == NULL)
		return NULL;
	while (pc->pc_free[w] == 0)
		w++;
	bit = (unsigned)__builtin_ctzl(pc->pc_free[w]);
	pc->pc_free[w] &= pc->pc_free[w] - 1;
	if (--pc->pc_nfree == 0)
		LIST_REMOVE(pc, pc_link);
	pm->pm_pvs++;
	return &pc->pc_entry[w * 64 + bit];
}

static void
pv_free(struct pmap *pm, struct pv_entry *pv)
{
	struct pv_chunk *pc = (void *)rounddown2((uintptr_t)pv, PAGE_SIZE);
	size_t i = (size_t)(pv - pc->pc_entry);

	KASSERT((pc->pc_free[i / 64] & 1UL << i % 64) == 0,
	    "pv entry %p freed twice", (void *)pv);
	pc->pc_free[i / 64] |= 1UL << i % 64;
	pm->pm_pvs--;
	if (pc->pc_nfree++ == 0)
		LIST_INSERT_HEAD(&pm->pm_chunks, pc, pc_link);
	if (pc->pc_nfree != CHUNK_ENTRIES)
		return;
	LIST_REMOVE(pc, pc_link);
	vm_page_free_unowned(vm_phys_paddr_to_page(DMAP_TO_PHYS(pc)));
}

bool
pv_insert_list(struct pmap *pm, uint64_t word, struct vm_page *m)
{
	struct spinlock *l = pv_lock_of(m);
	struct pv_entry *pv = pv_alloc(pm);

	if (pv == NULL)
		return false;
	pv->pv_word = word;
	spin_lock(l);
	pv->pv_next = m->md.pv_list;
	atomic_store_rel(&m->md.pv_list, pv);
	m->md.pv_gen++;
	spin_unlock(l);
	return true;
}

void
pv_remove_list(struct pmap *pm, uint64_t word, struct vm_page *m)
{
	struct spinlock *l = pv_lock_of(m);
	struct pv_entry **pp, *pv;

	spin_lock(l);
	for (pp = &m->md.pv_list; (pv = *pp) != NULL; pp = &pv->pv_next)
		if (pv->pv_word == word)
			break;
	KASSERT(pv != NULL, "I1: page %p has no record of %lx in pmap %p",
	    (void *)m, pv_va(word), (void *)pm);
	atomic_store_rel(pp, pv->pv_next);
	m->md.pv_gen++;
	spin_unlock(l);
	pv_free(pm, pv);
}

bool
pv_find(struct pmap *pm, vm_offset_t va, struct vm_page *m)
{
	struct spinlock *l = pv_lock_of(m);
	uint64_t word = pv_word(pm, va);
	struct pv_entry *pv;

	if (atomic_load(&m->md.pv_word) == word)
		return true;
	spin_lock(l);
	for (pv = m->md.pv_list; pv != NULL; pv = pv->pv_next)
		if (pv->pv_word == word)
			break;
	spin_unlock(l);
	return pv != NULL;
}

/* ---- all mappings of a page ---- */

static void
check_page(const struct vm_page *m)
{
	KASSERT(vm_page_busied(m) ||
	    (m->object != NULL && rw_held(&m->object->lock)),
	    "page %p neither busy nor its object %p locked", (const void *)m,
	    (void *)m->object);
}

/* One mapping: pm_lock is held and pte is valid. */
struct pv_where {
	struct pmap	*pm;
	vm_offset_t	 va;
	struct vm_page	*m;
	pt_entry_t	*pte;
	struct pt_walk	 w;
	struct tlb_batch *tb;
};

/* What is done to it; returns what is to be summed up. */
typedef unsigned pv_fn(struct pv_where *at);

static unsigned
pv_apply(uint64_t word, struct vm_page *m, pv_fn *fn, struct tlb_batch *tb)
{
	struct pv_where at;

	at.pm = tb->pm;
	at.va = pv_va(word);
	at.m = m;
	at.pte = pmap_pte(at.pm, at.va, &at.w);
	at.tb = tb;
	KASSERT(at.pte != NULL && ((*at.pte ^ m->phys_addr) & PG_FRAME) == 0 &&
	    (*at.pte & PG_V) != 0, "I2: page %p is not at %lx in pmap %p",
	    (void *)m, at.va, (void *)at.pm);
	return fn(&at);
}

/*
 * pv_done: => Locks: the pmap's pm_lock.  The flush must come before it is
 * released: else somebody finds the entry zero, or without A, and takes that
 * for proof that no TLB has it.
 */
static void
pv_done(struct tlb_batch *tb)
{
	tlb_batch_flush(tb);
	pmap_tables_free(tb);
}

static unsigned
pv_foreach_word(struct vm_page *m, pv_fn *fn)
{
	struct tlb_batch tb;
	struct pmap *pm;
	uint64_t word;
	unsigned n = 0;
	bool done = false;

	while (!done && (word = atomic_load(&m->md.pv_word)) != 0) {
		pm = pv_pmap(word);
		spin_lock(&pm->pm_lock);
		done = atomic_load(&m->md.pv_word) == word;	/* I3 */
		if (done) {
			tlb_batch_init(&tb, pm);
			n = pv_apply(word, m, fn, &tb);
			pv_done(&tb);
		}
		spin_unlock(&pm->pm_lock);
	}
	return n;
}

/*
 * pv_lock_pmap: take pm's lock too, the pv lock being held.  False: the list
 * moved while it was not; the caller starts again.
 */
static bool	pv_lock_pmap(struct vm_page *m, struct pmap *pm)
		    __tries(true, pm->pm_lock) __no_lock_analysis;
static bool
pv_lock_pmap(struct vm_page *m, struct pmap *pm)
{
	struct spinlock *l = pv_lock_of(m);
	uint32_t gen = m->md.pv_gen;

	if (spin_trylock(&pm->pm_lock))
		return true;
	spin_unlock(l);
	spin_lock(&pm->pm_lock);
	spin_lock(l);
	if (m->md.pv_gen == gen)
		return true;
	spin_unlock(&pm->pm_lock);
	return false;
}

/* For an fn that leaves the list alone and may see a mapping twice.  Mappings
 * of one pmap that follow each other share a shootdown. */
static unsigned
pv_foreach_list(struct vm_page *m, pv_fn *fn)
{
	struct spinlock *l = pv_lock_of(m);
	struct tlb_batch tb;
	struct pv_entry *pv;
	struct pmap *pm;
	unsigned n = 0;

	if (atomic_load(&m->md.pv_list) == NULL)
		return 0;
	spin_lock(l);
	pv = m->md.pv_list;
	while (pv != NULL) {
		pm = pv_pmap(pv->pv_word);
		if (!pv_lock_pmap(m, pm)) {
			pv = m->md.pv_list;
			continue;
		}
		tlb_batch_init(&tb, pm);
		do {
			n += pv_apply(pv->pv_word, m, fn, &tb);
			pv = pv->pv_next;
		} while (pv != NULL && pv_pmap(pv->pv_word) == pm);
		pv_done(&tb);
		spin_unlock(&pm->pm_lock);
	}
	spin_unlock(l);
	return n;
}

static unsigned
pv_foreach(struct vm_page *m, pv_fn *fn)
{
	return pv_foreach_word(m, fn) + pv_foreach_list(m, fn);
}

static unsigned
remove_one(struct pv_where *at)
{
	pt_entry_t old = atomic_swap(at->pte, 0);

	pv_collect(at->m, old);
	pv_remove(at->pm, at->va, at->m);
	at->pm->pm_resident--;
	at->pm->pm_wired -= (old & PG_W) != 0;
	if ((old & PG_A) != 0)
		tlb_batch_add(at->tb, at->va);
	pmap_table_release(at->pm, &at->w, 1, at->va, at->tb);
	return 1;
}

/* pv_head: the first mapping on the list, or 0. */
static uint64_t
pv_head(struct vm_page *m)
{
	struct spinlock *l = pv_lock_of(m);
	uint64_t word;

	if (atomic_load(&m->md.pv_list) == NULL)
		return 0;
	spin_lock(l);
	word = m->md.pv_list != NULL ? m->md.pv_list->pv_word : 0;
	spin_unlock(l);
	return word;
}

void
pmap_remove_all(struct vm_page *m)
{
	struct tlb_batch tb;
	struct pmap *pm;
	uint64_t word;

	check_page(m);
	pv_foreach_word(m, remove_one);
	while ((word = pv_head(m)) != 0) {
		pm = pv_pmap(word);
		spin_lock(&pm->pm_lock);
		tlb_batch_init(&tb, pm);
		while ((word = pv_head(m)) != 0 && pv_pmap(word) == pm)
			pv_apply(word, m, remove_one, &tb);	/* I3 */
		pv_done(&tb);
		spin_unlock(&pm->pm_lock);
	}
}

static unsigned
remove_write_one(struct pv_where *at)
{
	if ((*at->pte & PG_RW) == 0)
		return 0;
	atomic_and(at->pte, ~PG_RW);
	if ((atomic_load_relaxed(at->pte) & PG_A) != 0)
		tlb_batch_add(at->tb, at->va);
	return 1;
}

void
pmap_remove_write(struct vm_page *m)
{
	check_page(m);
	pv_foreach(m, remove_write_one);
}

/* pv_clear_flags: what was collected; the mappings are the caller's. */
static bool
pv_clear_flags(struct vm_page *m, uint32_t f)
{
	return (atomic_fetchand(&m->md.pv_flags, ~f) & f) != 0;
}

static unsigned
modified_one(struct pv_where *at)
{
	return (*at->pte & PG_M) != 0;
}

static unsigned
referenced_one(struct pv_where *at)
{
	return (*at->pte & PG_A) != 0;
}

/* clear_one: the bit was set; a TLB that knows it would not set it again. */
static unsigned
clear_one(struct pv_where *at, pt_entry_t bit)
{
	if ((*at->pte & bit) == 0)
		return 0;
	atomic_and(at->pte, ~bit);
	tlb_batch_add(at->tb, at->va);
	return 1;
}

static unsigned
clear_modified_one(struct pv_where *at)
{
	return clear_one(at, PG_M);
}

static unsigned
clear_referenced_one(struct pv_where *at)
{
	return clear_one(at, PG_A);
}

bool
pmap_is_modified(struct vm_page *m)
{
	check_page(m);
	/* The flag last: a mapping that goes leaves its bit there. */
	return pv_foreach(m, modified_one) != 0 ||
	    (atomic_load(&m->md.pv_flags) & PV_MODIFIED) != 0;
}

bool
pmap_is_referenced(struct vm_page *m)
{
	check_page(m);
	return (atomic_load(&m->md.pv_flags) & PV_REFERENCED) != 0 ||
	    pv_foreach(m, referenced_one) != 0;
}

void
pmap_clear_modify(struct vm_page *m)
{
	check_page(m);
	pv_clear_flags(m, PV_MODIFIED);
	pv_foreach(m, clear_modified_one);
}

unsigned
pmap_ts_referenced(struct vm_page *m)
{
	check_page(m);
	return pv_clear_flags(m, PV_REFERENCED) +
	    pv_foreach(m, clear_referenced_one);
}

bool
pmap_page_is_mapped(const struct vm_page *m)
{
	return atomic_load(&m->md.pv_word) != 0 ||
	    atomic_load(&m->md.pv_list) != NULL;
}

unsigned
pmap_page_mapcount(struct vm_page *m)
{
	struct spinlock *l = pv_lock_of(m);
	struct pv_entry *pv;
	unsigned n;

	spin_lock(l);
	n = atomic_load(&m->md.pv_word) != 0;
	for (pv = m->md.pv_list; pv != NULL; pv = pv->pv_next)
		n++;
	spin_unlock(l);
	return n;
}

void
pmap_page_init(struct vm_page *m)
{
	KASSERT(!pmap_page_is_mapped(m), "page %p is mapped: pv_word %lx",
	    (void *)m, m->md.pv_word);
	m->md.pv_flags = 0;
}

/* pv_check: the free counts of the chunks that are listed; pm_lock held. */
void
pv_check(struct pmap *pm)
{
	struct pv_chunk *pc;
	unsigned n;

	LIST_FOREACH(pc, &pm->pm_chunks, pc_link) {
		n = 0;
		for (unsigned i = 0; i < nitems(pc->pc_free); i++)
			n += (unsigned)__builtin_popcountl(pc->pc_free[i]);
		KASSERT(n == pc->pc_nfree && n > 0 && n < CHUNK_ENTRIES,
		    "pv chunk %p: %u free, count %lu", (void *)pc, n,
		    pc->pc_nfree);
	}
}
