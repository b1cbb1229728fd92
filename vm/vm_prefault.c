/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_prefault.c: fault-around: after a fault that found its page in memory, the
 * resident neighbours of that page are mapped too, so that a program that is
 * executed, or a child that reads what its parent wrote, faults once for up to
 * 16 pages.  An optimisation that may always give up, and does so at the first
 * difficulty: it never sleeps, waits for no object, makes no page and no page
 * table, and leaves what is mapped already.
 *
 * The walk is the one of vm_fault.c, for all pages of the window at once: the
 * first object stays locked, the next object is locked before the present one
 * is let go.  The founding report's kernel let go first, looked at the backing
 * pointer again after it had slept, printed "backing object race averted" when
 * that was gone, and then believed to be at the end of the chain: zeros over
 * data.  Nothing of that can happen here, see prefault_descend; and the end of
 * the chain makes no page here, so believing it by mistake would be harmless.
 *
 * Invariants: I10: a page that is not in the first object is mapped without
 * write, and so is everything while the entry is NEEDS_COPY.
 * Locks: the map (read) from the fault; objects by try, front before backing.
 * Sources: DragonFly a31129d8, ce2ac249 and bug 2137; FreeBSD vm_fault_prefault;
 * Linux's fault-around.
 */
#include <vm/vm_fault.h>

#include <lib/atomic.h>
#include <lib/radix.h>
#include <sys/kprintf.h>
#include <vm/pmap.h>
#include <vm/vm_bug.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "vm_priv.h"

#define PREFAULT_START	8	/* pages, before anything is known */
#define PREFAULT_MIN	4	/* pages, when accesses look random */
#define PREFAULT_MINX	8	/* the same for code: jumps, but is come back to */

CTASSERT((VM_PREFAULT_MAX & (VM_PREFAULT_MAX - 1)) == 0 &&
    VM_PREFAULT_MAX * PAGE_SIZE <= SUPERPAGE_SIZE,
    "a window is aligned to its size and lies in one page table");

static bool	prefault_on = true;	/* [a] boot option prefault= */

/* One call.  Lifetime: on vm_prefault's stack.  [t] all. */
struct prefault {
	struct pmap	*pmap;
	vm_offset_t	 va;		/* of the window */
	unsigned	 n;		/* its pages */
	uint32_t	 todo;		/* bit i: page i is not found yet */
	vm_prot_t	 prot;		/* for pages of the present object */
	struct vm_object *first;	/* locked */
	struct vm_object *object;	/* locked; may be first */
	vm_pindex_t	 pindex;	/* in object, of page 0 */
};

void
vm_prefault_init(void)
{
	prefault_on = bootopt_u64("prefault", 1) != 0;
}

bool
vm_prefault_enabled(void)
{
	return atomic_load_relaxed(&prefault_on);
}

void
vm_prefault_enable(bool on)
{
	atomic_store(&prefault_on, on);
}

/*
 * How many pages, a power of two.  A fault next to the last window is the next
 * of a sequence, upward or downward.  Two threads in one entry may spoil each
 * other's guess, which is all that the hints are.
 */
static unsigned
prefault_window(struct vm_map_entry *entry, vm_offset_t va)
{
	vm_offset_t last = atomic_load_relaxed(&entry->fault_va);
	unsigned pages = atomic_load_relaxed(&entry->fault_pages);
	vm_offset_t near = ptoa(pages);

	if (pages == 0)
		pages = PREFAULT_START;
	else if (va + near >= last && va < last + 2 * near)
		pages = MIN(2 * pages, VM_PREFAULT_MAX);
	else
		pages = MAX(pages / 2, (entry->protection & VM_PROT_EXECUTE) !=
		    0 ? PREFAULT_MINX : PREFAULT_MIN);
	atomic_store_relaxed(&entry->fault_va, rounddown2(va, ptoa(pages)));
	atomic_store_relaxed(&entry->fault_pages, (uint8_t)pages);
	return pages;
}

/* The window around va: aligned to its size, inside the entry. */
static void
prefault_begin(struct prefault *pf, struct vm_map_entry *entry, vm_offset_t va)
{
	vm_offset_t size = ptoa(prefault_window(entry, va)), end;

	pf->va = rounddown2(va, size);
	end = MIN(pf->va + size, entry->end);
	pf->va = MAX(pf->va, entry->start);
	pf->n = (unsigned)atop(end - pf->va);
	pf->todo = (uint32_t)((1UL << pf->n) - 1);
	pf->todo &= ~(1U << atop(trunc_page(va) - pf->va));
	pf->pindex = atop(entry->offset + (pf->va - entry->start));
	pf->prot = vm_prot_readable(entry->protection);
	if ((entry->eflags & MAP_ENTRY_NEEDS_COPY) != 0)
		pf->prot &= (vm_prot_t)~VM_PROT_WRITE;
}

/*
 * Map what the present object has.  Its pages hide those behind it, also the
 * ones that cannot be mapped now: a busy page will be valid soon.
 */
static void
prefault_object(struct prefault *pf)
{
	struct vm_page *ma[VM_PREFAULT_MAX], *m;
	unsigned i, found = 0, mapped;

	if (pf->object->resident_page_count == 0)
		return;
	vm_page_lookup_range(pf->object, pf->pindex, pf->n, ma);
	for (i = 0; i < pf->n; i++) {
		m = ma[i];
		if (m == NULL)
			continue;
		/* Beyond its file's end: cut off, but wired. */
		if ((pf->todo & 1U << i) == 0 || vm_page_xbusied(m) ||
		    m->valid == 0 || vm_page_reserved(m) ||
		    m->pindex >= pf->object->size)
			ma[i] = NULL;
		else
			found++;
		pf->todo &= ~(1U << i);
	}
	if (found == 0)
		return;
	if ((pf->prot & VM_PROT_WRITE) != 0 && pf->object->pager != NULL)
		pf->object->flags |= OBJ_MIGHTBEDIRTY;
	mapped = pmap_enter_quick(pf->pmap, pf->va, ma, pf->n, pf->prot);
	if (mapped != 0)
		vm_meter_add(VM_METER_v_prefault, mapped);
}

/* Pages that the object's pager has, though not in memory, hide others too. */
static void
prefault_hide(struct prefault *pf)
{
	unsigned i;

	for (i = 0; i < pf->n; i++) {
		if ((pf->todo & 1U << i) != 0 &&
		    vm_pager_haspage(pf->object, pf->pindex + i))
			pf->todo &= ~(1U << i);
	}
}

/*
 * One link down.  The present object is locked from before its link is read to
 * after the next object is locked, and a link is edited under the lock of the
 * object that has it (vm_object_set_backing asserts that).  So the link cannot
 * have changed in between: neither to another object nor to none, and the
 * object that it names has not ended, for the link is a reference.  That is the
 * state of the founding warning; its counter is here to show that it stays 0.
 */
static bool __no_lock_analysis
prefault_descend(struct prefault *pf)
{
	struct vm_object *object = pf->object, *next = object->backing_object;

	if (!vm_object_lock_try(next)) {
		vm_meter_inc(v_prefault_giveup);
		return false;
	}
	if (__predict_false(object->backing_object != next)) {
		vm_meter_inc(v_prefault_race);
		vm_object_unlock(next);
		return false;
	}
	pf->pindex += atop(object->backing_object_offset);
	if (object != pf->first)
		vm_object_unlock(object);
	pf->object = next;
	pf->prot &= (vm_prot_t)~VM_PROT_WRITE;
	return true;
}

/*
 * One link down as the kernel of the founding report did it (vm_bug.h): the
 * present object is let go first, and a link that is gone after that means the
 * end.  There a forward neighbour got a page of zeros.
 */
static bool __no_lock_analysis
prefault_descend_2137(struct prefault *pf, const struct vm_map_entry *entry)
{
	struct vm_object *object = pf->object, *next = object->backing_object;
	vm_pindex_t first = atop(entry->offset + (pf->va - entry->start));
	struct vm_page *m;
	unsigned i;

	if (object == pf->first)
		return prefault_descend(pf);
	vm_object_unlock(object);
	pf->object = pf->first;
	(void)vm_bug_point(VMBUG_WALK_RELEASED, object, next);
	if (atomic_load(&object->backing_object) == next) {
		if (!vm_object_lock_try(next))
			return false;
		pf->pindex += atop(object->backing_object_offset);
		pf->object = next;
		pf->prot &= (vm_prot_t)~VM_PROT_WRITE;
		return true;
	}
	vm_bug_warn_race(object);
	if ((entry->eflags & MAP_ENTRY_NEEDS_COPY) != 0 ||
	    (entry->protection & VM_PROT_WRITE) == 0)
		return false;
	for (i = 0; i < pf->n; i++) {
		if ((pf->todo & 1U << i) == 0 ||
		    vm_page_lookup(pf->first, first + i) != NULL)
			continue;
		m = vm_page_alloc(pf->first, first + i, VM_ALLOC_NORMAL);
		if (m == NULL)
			break;
		pmap_zero_page(m);
		m->valid = VM_PAGE_VALID;
		vm_page_activate(m);
		vm_page_unbusy(m);
	}
	return false;
}

void __no_lock_analysis
vm_prefault(struct vm_map *map, struct vm_map_entry *entry, vm_offset_t va,
    bool write)
{
	struct prefault pf;

	if (!prefault_on || entry->end - entry->start == PAGE_SIZE ||
	    entry->wired_count != 0 ||
	    (entry->eflags & MAP_ENTRY_IN_TRANSITION) != 0)
		return;
	prefault_begin(&pf, entry, va);
	pf.pmap = map->pmap;
	if (!vm_object_lock_try(entry->object)) {
		vm_meter_inc(v_prefault_giveup);
		return;
	}
	pf.first = pf.object = entry->object;
	for (;;) {
		prefault_object(&pf);
		/* Who writes will need pages of his own, not these. */
		if (write || pf.todo == 0 || pf.object->backing_object == NULL)
			break;
		if (pf.object->pager != NULL)
			prefault_hide(&pf);
		if (vm_bug(VMBUG_2137_WALK) ?
		    !prefault_descend_2137(&pf, entry) : !prefault_descend(&pf))
			break;
	}
	if (pf.object != pf.first)
		vm_object_unlock(pf.object);
	vm_object_unlock(pf.first);
}
