/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_phys_seg.c: which physical memory there is, and what is taken of it before
 * there are pages.
 *
 * Why: page tables and the page array are needed before pages can be allocated.
 * Boot memory is a short sorted list of ranges; what is left of it becomes free
 * pages, and what was taken stays unowned (vm_page.c) until vm_phys_release.
 *
 * I1: segments do not overlap, and are sorted by size, largest first.
 * I2: boot ranges are sorted, disjoint, page aligned, inside segments.
 *
 * Locks: none; one CPU at boot, constant after vm_phys_init.
 */
#include <vm/vm_phys.h>
#include <lib/assert.h>
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/panic.h>
#include <vm/vm_page.h>

#include "vm_priv.h"

#define MAXRANGES	(2 * VM_PHYS_MAXSEGS)

/* Memory not yet given out at boot. */
struct vm_phys_range {
	vm_paddr_t	start, end;	/* [c] after vm_phys_init */
};

struct vm_phys_seg	vm_phys_segs[VM_PHYS_MAXSEGS];
unsigned		vm_phys_nsegs;

static uint64_t			vm_phys_npages;			/* [c] */
static struct vm_phys_range	vm_phys_boot[MAXRANGES];	/* [c] */
static unsigned			vm_phys_nboot;			/* [c] */
static bool			vm_phys_boot_over;		/* [c] */

static void
vm_phys_range_delete(unsigned i)
{
	vm_phys_nboot--;
	memmove(&vm_phys_boot[i], &vm_phys_boot[i + 1],
	    (vm_phys_nboot - i) * sizeof(vm_phys_boot[0]));
}

static void
vm_phys_range_insert(vm_paddr_t start, vm_paddr_t end)
{
	unsigned i;

	if (vm_phys_nboot == MAXRANGES)
		panic("vm_phys: more than %d pieces of boot memory", MAXRANGES);
	for (i = 0; i < vm_phys_nboot && vm_phys_boot[i].start < start; i++)
		continue;
	memmove(&vm_phys_boot[i + 1], &vm_phys_boot[i],
	    (vm_phys_nboot - i) * sizeof(vm_phys_boot[0]));
	vm_phys_boot[i].start = start;
	vm_phys_boot[i].end = end;
	vm_phys_nboot++;
}

void
vm_phys_add_region(vm_paddr_t start, vm_paddr_t end)
{
	unsigned i;

	KASSERT(!vm_phys_boot_over, "region 0x%lx after start-up", start);
	start = start == 0 ? PAGE_SIZE : round_page(start);
	end = trunc_page(end);
	if (start >= end)
		return;
	for (i = 0; i < vm_phys_nsegs; i++)
		if (start < vm_phys_segs[i].end && vm_phys_segs[i].start < end)
			panic("vm_phys: region 0x%lx-0x%lx overlaps 0x%lx-0x%lx",
			    start, end, vm_phys_segs[i].start,
			    vm_phys_segs[i].end);
	if (vm_phys_nsegs == VM_PHYS_MAXSEGS)
		panic("vm_phys: more than %d regions", VM_PHYS_MAXSEGS);
	/* Largest first: the first comparison of a look-up is mostly right. */
	for (i = vm_phys_nsegs++; i > 0; i--) {
		if (vm_phys_segs[i - 1].end - vm_phys_segs[i - 1].start >=
		    end - start)
			break;
		vm_phys_segs[i] = vm_phys_segs[i - 1];
	}
	vm_phys_segs[i] = (struct vm_phys_seg){ start, end, NULL };
	vm_phys_npages += atop(end - start);
	vm_phys_range_insert(start, end);
}

void
vm_phys_reserve(vm_paddr_t start, vm_paddr_t end)
{
	struct vm_phys_range r;
	unsigned i = 0;

	KASSERT(!vm_phys_boot_over, "reserve of 0x%lx after start-up", start);
	start = trunc_page(start);
	end = round_page(end);
	while (i < vm_phys_nboot) {
		r = vm_phys_boot[i];
		if (end <= r.start || r.end <= start) {
			i++;
			continue;
		}
		vm_phys_range_delete(i);
		if (r.start < start)
			vm_phys_range_insert(r.start, start);
		if (end < r.end)
			vm_phys_range_insert(end, r.end);
		i = 0;
	}
}

vm_paddr_t
vm_phys_bootalloc(size_t bytes)
{
	vm_paddr_t pa = 0, limit = 1UL << 20, start;
	unsigned i;

	KASSERT(!vm_phys_boot_over, "boot allocation of %zu bytes after start-up",
	    bytes);
	bytes = round_page(bytes);
	do {
		for (i = 0; i < vm_phys_nboot && pa == 0; i++) {
			start = MAX(vm_phys_boot[i].start, limit);
			if (start < vm_phys_boot[i].end &&
			    vm_phys_boot[i].end - start >= bytes)
				pa = start;
		}
		if (pa == 0 && limit == 0)
			panic_exit(EXIT_NOMEM, "no room for %zu KiB of boot "
			    "structures in %lu KiB of memory", bytes >> 10,
			    vm_phys_npages * (PAGE_SIZE >> 10));
		limit = 0;
	} while (pa == 0);
	vm_phys_reserve(pa, pa + bytes);
	memset(PHYS_TO_DMAP(pa), 0, bytes);
	return pa;
}

bool
vm_phys_boot_take(vm_paddr_t *start, vm_paddr_t *end)
{
	vm_phys_boot_over = true;
	if (vm_phys_nboot == 0)
		return false;
	*start = vm_phys_boot[0].start;
	*end = vm_phys_boot[0].end;
	vm_phys_range_delete(0);
	return true;
}

uint64_t
vm_phys_total(void)
{
	return vm_phys_npages;
}

struct vm_page *
vm_phys_paddr_to_page(vm_paddr_t pa)
{
	const struct vm_phys_seg *seg = vm_phys_segs;
	const struct vm_phys_seg *end = seg + vm_phys_nsegs;

	for (; seg < end; seg++)
		if (pa - seg->start < seg->end - seg->start)
			return seg->first + atop(pa - seg->start);
	return NULL;
}
