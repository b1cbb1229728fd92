/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_phys.h: free physical memory: buddy lists, one set below 4 GiB and one
 * above, with per-CPU caches of single pages in front.
 *
 * The fault path takes from the per-CPU cache and writes no global counter;
 * the cache is refilled and drained in batches.
 */
#pragma once

#include <lib/types.h>

struct vm_page;

#define VM_PHYS_MAXORDER	10	/* blocks up to 4 MiB */
#define VM_PHYS_NOORDER		0xff	/* vm_page.order: heads no free block */
#define VM_PHYS_MAXSEGS		64

/*
 * A run of managed pages, largest first.  Made by vm_phys_add_region; first is
 * set by vm_page_startup.  [c] after start-up.
 */
struct vm_phys_seg {
	vm_paddr_t	 start, end;	/* [c] */
	struct vm_page	*first;		/* [c] page of start */
};
extern struct vm_phys_seg	vm_phys_segs[VM_PHYS_MAXSEGS];
extern unsigned			vm_phys_nsegs;

/*
 * Boot, one CPU, in this order: add_region, reserve and bootalloc by the
 * platform; vm_page_startup; vm_phys_init.  The direct map reaches the memory
 * that bootalloc gives.
 *
 * vm_phys_add_region: usable RAM [start, end), rounded inwards to pages;
 *    regions do not overlap.  Page 0 is never used: 0 means "no address".
 * vm_phys_bootalloc: page-aligned zeroed memory for boot structures, the lowest
 *    that fits above 1 MiB; panics with EXIT_NOMEM when there is none.
 */
void		vm_phys_add_region(vm_paddr_t start, vm_paddr_t end);
vm_paddr_t	vm_phys_bootalloc(size_t bytes);
/* vm_phys_reserve: take [start, end) out (kernel image, initrd), rounded
 * outwards; parts that are no RAM are ignored. */
void		vm_phys_reserve(vm_paddr_t start, vm_paddr_t end);
/* vm_phys_init: build the buddy lists from what is left.  What was reserved or
 * taken by bootalloc stays unowned and wired. */
void		vm_phys_init(void);

/*
 * vm_phys_alloc: one page, not zeroed, on no list, no identity.
 * => Returns NULL when there is none; without VM_ALLOC_RESERVE, also when only
 *    the reserve is left.  Sleeps: never.
 */
struct vm_page	*vm_phys_alloc(unsigned flags);
void		 vm_phys_free(struct vm_page *m);
/* vm_phys_alloc_contig: 2^order pages, naturally aligned, all of the block's
 * pages in [low, high); they are unowned pages (PG_UNOWNED, wired), freed one
 * by one with vm_page_free_unowned or by vm_phys_free_contig.  NULL: none, or
 * it would take from the reserve. */
struct vm_page	*vm_phys_alloc_contig(unsigned order, vm_paddr_t low,
		    vm_paddr_t high);
void		 vm_phys_free_contig(struct vm_page *m, unsigned order);
struct vm_page	*vm_phys_paddr_to_page(vm_paddr_t pa);	/* NULL: not managed */
uint64_t	 vm_phys_free_count(void);	/* all lists and caches: exact
						 * only at quiesce */
uint64_t	 vm_phys_total(void);		/* managed pages */
void		 vm_phys_drain_caches(void);	/* this CPU's cache to the lists */
/* vm_phys_drain_all: every CPU's, by a cross-call; a CPU that was interrupted
 * while it used its cache keeps it.  => Locks: none. */
void		 vm_phys_drain_all(void);
/*
 * vm_phys_wait: sleep until the lists hold more than the reserve, or timo.
 * => Locks: none.  Returns 0, or EWOULDBLOCK.
 */
int		 vm_phys_wait(const char *wmesg, nsec_t timo);
/* vm_phys_check: order, alignment and counts of all lists; panics. */
void		 vm_phys_check(void);
/* vm_phys_release: give boot memory (initrd, init sections) to the lists: the
 * whole pages in [start, end), all of them managed and not yet released. */
void		 vm_phys_release(vm_paddr_t start, vm_paddr_t end);

/* Fault injection: the nth allocation from now fails; 0 is off.  hits counts
 * the allocations seen since it was last switched on. */
void		 vm_phys_fail_nth(uint64_t nth);
uint64_t	 vm_phys_fail_hits(void);
