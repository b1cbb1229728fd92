/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap.h: the contract of the machine-dependent layer, owned by vm/.
 *
 * Premises (after pmap(9) of the BSDs): a mapping is redundant, it can be made
 * again from the map and the objects, so unwired mappings may be forgotten;
 * referenced and modified belong to the page, not to the mapping; modified is
 * exact and never lost, referenced is a hint.
 *
 * TLB: every call that takes rights away has completed its shootdown on every
 * CPU that runs the pmap when it returns: one round an operation (the reverse
 * operations: one for each pmap that some CPU runs), none when no CPU can have
 * the translation; page-table pages it emptied are freed after that.  A call
 * that gives rights sends nothing: another CPU may take one spurious fault.
 *
 * Locks: callers hold no spinlock of rank >= LO_PMAP.  None of these sleeps.
 * Ranges are whole pages.  User pmaps map pages of objects; kernel_pmap has
 * only what pmap_kenter put there, and takes part in pmap_remove, _extract,
 * _foreach and _check.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <machine/pmap.h>	/* struct pmap, struct md_page */
#include <vm/vm.h>

struct thread;
struct vm_page;

extern struct pmap *const kernel_pmap;

/* pmap_create: => Returns NULL: no memory.  Sleeps: never. */
struct pmap	*pmap_create(void);
/* pmap_destroy: no mapping left, no thread runs in it (a CPU that still has it
 * lazily is sent away); frees the page tables. */
void		 pmap_destroy(struct pmap *pmap);
/* pmap_activate: this CPU runs pmap from now on (NULL: kernel only).  Called by
 * cpu_switch, or for the current thread with preemption off.  Lazy: going to
 * NULL does not reload CR3, nor does coming back from there. */
void		 pmap_activate(struct pmap *pmap);

#define PMAP_ENTER_WIRED	0x1
#define PMAP_ENTER_NOREPLACE	0x2	/* leave an existing valid mapping */
/*
 * pmap_enter: map va to m with prot, replacing what was there.
 * => Locks: m's object locked or m busy.
 * => prot has VM_PROT_READ; access: VM_PROT_* of the fault, none for a mapping
 *    made ahead; sets referenced (and modified for a write) so that the
 *    hardware need not.
 * => Without PMAP_ENTER_WIRED the mapping is unwired, even if it was not.
 * => Replacing: the old page's mapping is gone from every CPU, and its bits are
 *    collected, before the new one can be seen.
 * => Returns 0; ENOMEM: no page table page or pv entry (nothing changed).  The
 *    first mapping of a page needs no pv entry, so it cannot fail to replace.
 */
int		 pmap_enter(struct pmap *pmap, vm_offset_t va,
		    struct vm_page *m, vm_prot_t prot, vm_prot_t access,
		    unsigned flags) __warn_unused;
/*
 * pmap_enter_quick: map the pages ma[0..n) ahead of their use, ma[i] (NULL:
 * none) at va + i pages, with prot and unwired.  Advice: where the page table
 * is missing or memory for a record is, the rest is left out.
 * => Locks: as pmap_enter, for each page.  The range lies in one superpage.
 * => Another page that is mapped there stays; the same page gains write if prot
 *    has it, and keeps the rights it has.
 * => Returns: how many mappings were made or gained write.
 */
unsigned	 pmap_enter_quick(struct pmap *pmap, vm_offset_t va,
		    struct vm_page *const *ma, unsigned n, vm_prot_t prot);
/* pmap_remove: wired mappings too.  The caller keeps others from entering in
 * [start, end); the pages are the caller's to free, after the return. */
void		 pmap_remove(struct pmap *pmap, vm_offset_t start,
		    vm_offset_t end);
/* pmap_protect: take rights away in [start, end); VM_PROT_NONE removes.  Never
 * grants: a mapping without write stays without. */
void		 pmap_protect(struct pmap *pmap, vm_offset_t start,
		    vm_offset_t end, vm_prot_t prot);
/* pmap_copy: advice: child may get the parent's mappings of [start, end),
 * read-only.  May do nothing. */
void		 pmap_copy(struct pmap *dst, struct pmap *src,
		    vm_offset_t start, vm_offset_t end);
void		 pmap_unwire(struct pmap *pmap, vm_offset_t start,
		    vm_offset_t end);
/* pmap_extract: physical address, or 0 when not mapped; *prot may be NULL. */
vm_paddr_t	 pmap_extract(struct pmap *pmap, vm_offset_t va,
		    vm_prot_t *prot);

/*
 * Reverse: all mappings of a page.  m's object locked or m busy, which keeps
 * new mappings away where the caller needs that.  Referenced and modified are
 * collected from mappings that go, until pmap_page_init forgets them.
 */
void		 pmap_remove_all(struct vm_page *m);
void		 pmap_remove_write(struct vm_page *m);
bool		 pmap_is_modified(struct vm_page *m);
bool		 pmap_is_referenced(struct vm_page *m);
void		 pmap_clear_modify(struct vm_page *m);
/* pmap_ts_referenced: count and clear. */
unsigned	 pmap_ts_referenced(struct vm_page *m);
/* pmap_page_is_mapped: false: no CPU has a translation to it any more, either;
 * but for a pmap_remove_all under way, which forgets before its shootdown: m's
 * object is locked by who calls that, and by who gives m away. */
bool		 pmap_page_is_mapped(const struct vm_page *m);
unsigned	 pmap_page_mapcount(struct vm_page *m);
/* pmap_page_init: a page without mappings gets a new identity. */
void		 pmap_page_init(struct vm_page *m);

/* Contents, by the direct map. */
void		 pmap_zero_page(struct vm_page *m);
void		 pmap_copy_page(struct vm_page *src, struct vm_page *dst);
void		*pmap_page_kva(struct vm_page *m);	/* direct-map address */

/*
 * Kernel mappings without reverse map; kernel range only, never both writable
 * and executable.  kenter: a mapping that exists is a panic; ENOMEM: no page
 * for a table even from the reserve.  Tables stay, so an address that was
 * mapped before cannot fail.  kremove: holes are skipped; on return no CPU has
 * a translation.
 */
int		 pmap_kenter(vm_offset_t va, vm_paddr_t pa, vm_prot_t prot)
		    __warn_unused;
void		 pmap_kremove(vm_offset_t va, vm_size_t len);

/* pmap_prefer: move *va up to an address that is good for the object's colour
 * (superpage congruent); never down. */
void		 pmap_prefer(vm_ooffset_t offset, vm_offset_t color,
		    vm_size_t len, vm_offset_t *va);

uint64_t	 pmap_resident_count(const struct pmap *pmap);
uint64_t	 pmap_wired_count(const struct pmap *pmap);
uint64_t	 pmap_pv_count(void);		/* mappings in all user pmaps */
uint64_t	 pmap_pt_count(void);		/* page table pages, user pmaps */
uint64_t	 pmap_kernel_pt_count(void);	/* the kernel's; never shrinks */
/* pmap_foreach: each valid mapping of [start, end), ascending, for audits.  fn
 * is called without locks: others may have changed the mapping meanwhile. */
void		 pmap_foreach(struct pmap *pmap, vm_offset_t start,
		    vm_offset_t end, void (*fn)(void *arg, vm_offset_t va,
		    vm_paddr_t pa, vm_prot_t prot, bool wired), void *arg);
/* pmap_check: counts, pv lists, reserved bits, W^X (kernel_pmap); panics.  At
 * quiesce points: it holds the pmap's lock for long. */
void		 pmap_check(struct pmap *pmap);
void		 pmap_init(void);	/* after vm_page_startup and zones */
