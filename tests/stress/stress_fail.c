/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stress_fail.c: does a fixed piece of work on address spaces survive the
 * failure of each of its allocations: ENOMEM or a retry, no wrong byte, nothing
 * lost?  What system calls do with it is tests/user/memfail.c.
 */
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/zone.h>
#include <vm/vm_check.h>
#include <vm/vm_phys.h>

#include "space.h"

#define NPAGES		20
#define MAXNTH		5000

/* What the parent and the child must read; a page of 0 is zero. */
struct work {
	struct vmspace	*parent, *child;
	uint64_t	 parents[NPAGES], childs[NPAGES];
	unsigned	 refused;	/* calls that answered ENOMEM */
	int		 odd;		/* another error, or 0 */
	vm_pindex_t	 wrong;		/* NPAGES: none */
};

static void
answer(struct work *w, int error)
{
	if (error == ENOMEM)
		w->refused++;
	else if (error != 0)
		w->odd = error;
}

/* Faults wait for memory: an access never fails. */
static void
put(struct work *w, uint64_t *want, vm_pindex_t page, uint64_t v)
{
	if (suword64(space_word(page, 5), v) != 0)
		w->odd = EFAULT;
	want[page] = v;
}

static void
compare(struct work *w, struct vmspace *vm, const uint64_t *want)
{
	vm_pindex_t page;
	uint64_t v;

	space_borrow(vm);
	for (page = 0; page < NPAGES; page++)
		if (fuword64(space_word(page, 5), &v) != 0 || v != want[page])
			w->wrong = page;
	space_borrow(NULL);
}

/* Ranges at odd places, so that entries are clipped. */
static void
work_parent(struct work *w)
{
	struct vm_map *map = &w->parent->vm_map;
	vm_pindex_t page;
	int error;

	space_borrow(w->parent);
	for (page = 0; page < NPAGES; page += 2)
		put(w, w->parents, page, 100 + page);
	answer(w, vm_map_protect(map, SPACE_BASE + ptoa(3), SPACE_BASE +
	    ptoa(5), VM_PROT_READ, false));
	answer(w, vm_map_inherit(map, SPACE_BASE + ptoa(11), SPACE_BASE +
	    ptoa(12), VM_INHERIT_SHARE));
	error = vm_map_wire(map, SPACE_BASE + ptoa(7), SPACE_BASE + ptoa(9));
	answer(w, error);
	if (error == 0)
		answer(w, vm_map_unwire(map, SPACE_BASE + ptoa(7),
		    SPACE_BASE + ptoa(9)));
	error = space_map(w->parent, 14, 2, VM_INHERIT_COPY);
	answer(w, error);
	if (error == 0)
		w->parents[14] = w->parents[15] = 0;
	space_borrow(NULL);
}

static void
work_child(struct work *w)
{
	vm_pindex_t page;
	int error = vmspace_fork(w->parent, &w->child);

	answer(w, error);
	if (error != 0)
		return;
	for (page = 0; page < NPAGES; page++)
		w->childs[page] = w->parents[page];
	space_borrow(w->child);
	for (page = 0; page < 3; page++)
		put(w, w->childs, page, 200 + page);
	space_borrow(w->parent);
	for (page = 1; page < 3; page++)
		put(w, w->parents, page, 300 + page);
	space_borrow(NULL);
}

static bool
work_begin(struct work *w)
{
	*w = (struct work){ .parent = vmspace_alloc(), .wrong = NPAGES };
	if (w->parent == NULL) {
		w->refused++;
		return false;
	}
	if (space_map(w->parent, 0, NPAGES, VM_INHERIT_COPY) == 0)
		return true;
	w->refused++;
	space_end(w->parent);
	return false;
}

static void
work_run(struct work *w)
{
	if (!work_begin(w))
		return;
	work_parent(w);
	work_child(w);
	compare(w, w->parent, w->parents);
	if (w->child != NULL) {
		compare(w, w->child, w->childs);
		space_end(w->parent);		/* the child is alone now */
		compare(w, w->child, w->childs);
		space_end(w->child);
	} else {
		space_end(w->parent);
	}
}

/* fail_sweep: allocation 1, 2, 3 ... of a kind fails, until there are fewer. */
static void
fail_sweep(struct ktest_ctx *t, const char *kind,
    void (*fail_nth)(uint64_t nth), uint64_t (*hits)(void))
{
	unsigned nth = 0, refused = 0;
	struct vm_baseline before;
	struct work w;

	work_run(&w);				/* what stays, stays now */
	vm_baseline_take(&before);
	do {
		fail_nth(++nth);
		work_run(&w);
		fail_nth(0);
		KT_CHECK(t, w.odd == 0 && w.wrong == NPAGES,
		    "%s %u: error %d, wrong page %lu", kind, nth, w.odd,
		    w.wrong);
		KT_CHECK(t, w.refused <= 2, "%s %u: %u refusals", kind, nth,
		    w.refused);
		vm_check_all();
		KT_CHECK(t, vm_baseline_check(&before, kprintf) == 0,
		    "baseline after %s %u", kind, nth);
		refused += w.refused;
	} while (hits() >= nth && nth < MAXNTH);
	ktest_diag(t, "%u %s failures, %u calls refused", nth - 1, kind,
	    refused);
	KT_CHECK(t, nth > 1 && nth < MAXNTH, "%u %s allocations", nth, kind);
}

KTEST(stress, page_failures)
{
	fail_sweep(t, "page", vm_phys_fail_nth, vm_phys_fail_hits);
}

KTEST(stress, zone_failures)
{
	fail_sweep(t, "zone", zone_fail_nth, zone_fail_hits);
}
