/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_priv.h: what pmap.c, pmap_pv.c and pmap_tlb.c share.
 *
 * USE COUNTS.  A page-table page's count of entries in use is kept in the
 * software bits 52..61 of the entry that points to it, so neither enter nor
 * remove looks for its struct vm_page.  The CPU sets the accessed bit of the
 * same word, so every change of the count is one atomic add.
 */
#pragma once

#include <lib/atomic.h>
#include <lib/queue.h>
#include <machine/pmap_boot.h>
#include <machine/specialreg.h>
#include <vm/pmap.h>
#include <vm/vm_page.h>

typedef uint64_t	pt_entry_t;

#define PG_W		PG_AVAIL1	/* wired */
#define PG_RIGHTS	(PG_V | PG_RW | PG_U | PG_NX)
/* every bit that a user leaf entry may have */
#define PG_USER_BITS	(PG_RIGHTS | PG_A | PG_M | PG_W | PG_FRAME)

#define PT_USE_ONE	(1UL << 52)
#define PT_USE(e)	(((e) >> 52) & 0x3ff)
#define NPTEPG		512

#define PV_MODIFIED	0x1u
#define PV_REFERENCED	0x2u

struct pv_chunk;

/*
 * Lifetime: pmap_create to pmap_destroy, in a type-stable zone: pm_lock may be
 * taken through a reverse map after the pmap was freed, and only then the
 * reverse map is seen to be gone.  Fields are protected as marked: [c] const
 * after create [a] atomic [p] pm_lock [l] pmap list lock.
 */
struct pmap {
	struct spinlock	 pm_lock;	/* kept while free; must be first */
	cpumask_t	 pm_active;	/* [a] CPUs with our CR3, also lazily */
	pt_entry_t	*pm_pml4;	/* [c] by the direct map */
	vm_offset_t	 pm_hint_va;	/* [p] 2 MiB that pm_hint_* are for */
	pt_entry_t	*pm_hint_pde;	/* [p] */
	pt_entry_t	*pm_hint_pt;	/* [p] */
	uint64_t	 pm_resident;	/* [p] mappings */
	uint64_t	 pm_wired;	/* [p] of these, wired */
	uint64_t	 pm_tables;	/* [p] page-table pages, PML4 included */
	uint64_t	 pm_pvs;	/* [p] pv entries from the chunks */
	LIST_HEAD(, pv_chunk) pm_chunks;	/* [p] chunks with a free entry */
	LIST_ENTRY(pmap) pm_list;	/* [l] */
};

/* One position in a user pmap's tables: the entries that lead to a table. */
struct pt_walk {
	pt_entry_t	*pml4e, *pdpte, *pde;
	pt_entry_t	*pt;
};

#define TLB_BATCH	32	/* more pages than this: flush everything */

/*
 * What one operation has to do before its effect is visible everywhere:
 * translations to flush, and page-table pages to free after that.
 */
struct tlb_batch {
	struct pmap	*pm;		/* NULL: kernel memory */
	unsigned	 n;		/* pages; > TLB_BATCH: all */
	vm_offset_t	 start, end;	/* kernel memory only */
	TAILQ_HEAD(, vm_page) tables;	/* page-table pages cut loose */
	vm_offset_t	 va[TLB_BATCH];
};

static inline void
tlb_batch_init(struct tlb_batch *tb, struct pmap *pm)
{
	tb->pm = pm;
	tb->n = 0;
	TAILQ_INIT(&tb->tables);
}

/* tlb_batch_add: va lost a right, by an atomic change of its entry. */
static inline void
tlb_batch_add(struct tlb_batch *tb, vm_offset_t va)
{
	if (tb->n < TLB_BATCH)
		tb->va[tb->n] = va;
	tb->n++;
}

/*
 * tlb_batch_flush: one round for all of the batch, none if it is empty.
 * => Locks: pm_lock, so nobody finds the changed entries before the TLBs know
 *    (tlb_evict: none, the pmap is not used any more; preemption off).
 */
void	tlb_batch_flush(struct tlb_batch *tb);
/* tlb_flush_kernel: [start, end) of kernel memory on every CPU.
 * => Locks: preemption off; none needed. */
void	tlb_flush_kernel(vm_offset_t start, vm_offset_t end);
/* tlb_evict: make CPUs that still have pm loaded lazily leave it. */
void	tlb_evict(struct pmap *pm);

static inline pt_entry_t *
pt_table(pt_entry_t e)
{
	return PHYS_TO_DMAP(e & PG_FRAME);
}

/* pmap.c; pm_lock held */
pt_entry_t *pmap_pte(struct pmap *pm, vm_offset_t va, struct pt_walk *w);
/* pmap_table_release: n entries of w->pt were cleared; w->pt and the tables
 * above it go to the batch when they are empty. */
void	pmap_table_release(struct pmap *pm, const struct pt_walk *w, uint64_t n,
	    vm_offset_t va, struct tlb_batch *tb);
/* pmap_tables_free: after the flush. */
void	pmap_tables_free(struct tlb_batch *tb);

/* pmap_pv.c; pm_lock held */
bool	pv_insert_list(struct pmap *pm, uint64_t word, struct vm_page *m);
void	pv_remove_list(struct pmap *pm, uint64_t word, struct vm_page *m);
bool	pv_find(struct pmap *pm, vm_offset_t va, struct vm_page *m);
void	pv_check(struct pmap *pm);
void	pv_init(void);

void	page_init(void);	/* pmap_page.c */

/* pv_word of a mapping: 29 bits of pmap, 35 bits of page number. */
#define PV_PMAP_SHIFT	35
#define PV_PMAP_ALIGN	128
CTASSERT((VM_MAX_KERNEL_ADDRESS - VM_MIN_KERNEL_ADDRESS) / PV_PMAP_ALIGN <=
    1UL << (64 - PV_PMAP_SHIFT), "a pmap address fits in pv_word");
CTASSERT(VM_MAX_USER_ADDRESS <= 1UL << (PV_PMAP_SHIFT + PAGE_SHIFT),
    "a user page number fits in pv_word");

static inline uint64_t
pv_word(const struct pmap *pm, vm_offset_t va)
{
	return ((vm_offset_t)pm - VM_MIN_KERNEL_ADDRESS) / PV_PMAP_ALIGN <<
	    PV_PMAP_SHIFT | va >> PAGE_SHIFT;
}

static inline struct pmap *
pv_pmap(uint64_t word)
{
	return (struct pmap *)(VM_MIN_KERNEL_ADDRESS +
	    (word >> PV_PMAP_SHIFT) * PV_PMAP_ALIGN);
}

static inline vm_offset_t
pv_va(uint64_t word)
{
	return (word & ((1UL << PV_PMAP_SHIFT) - 1)) << PAGE_SHIFT;
}

/* pv_insert: false: no memory for the record. */
static inline bool
pv_insert(struct pmap *pm, vm_offset_t va, struct vm_page *m)
{
	uint64_t none = 0, word = pv_word(pm, va);

	return __predict_true(atomic_fcmpset(&m->md.pv_word, &none, word)) ||
	    pv_insert_list(pm, word, m);
}

static inline void
pv_remove(struct pmap *pm, vm_offset_t va, struct vm_page *m)
{
	uint64_t word = pv_word(pm, va);

	/* Ours and not another's: only we, under pm_lock, change it. */
	if (__predict_true(atomic_load_relaxed(&m->md.pv_word) == word))
		atomic_store_rel(&m->md.pv_word, 0);
	else
		pv_remove_list(pm, word, m);
}

/* pv_collect: referenced and modified belong to the page: keep the bits of an
 * entry that goes away (or is cleaned). */
static inline void
pv_collect(struct vm_page *m, pt_entry_t old)
{
	uint32_t f = (old & PG_M ? PV_MODIFIED : 0) |
	    (old & PG_A ? PV_REFERENCED : 0);

	/* Partner: pv_clear_flags.  A flag seen stale was cleared after the
	 * modification it stands for. */
	if ((atomic_load_relaxed(&m->md.pv_flags) & f) != f)
		atomic_or(&m->md.pv_flags, f);
}
