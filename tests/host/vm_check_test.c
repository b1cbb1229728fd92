/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_check_test.c: does each audit fire when its invariant is broken by hand,
 * and do the printers print what is there?  Each break happens in a child
 * process (host_panics), so the next begins from a sound world.
 */
#define VM_OBJECT_LINK_EDITOR	/* to break links and pins on purpose */
#define VM_OBJECT_PIN_EDITOR
#include <lib/string.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "vm_fault_test.h"

/* A parent and its child; the child wrote page 1. */
struct world {
	struct vmspace	*parent, *child;
	struct vm_object *front, *base;		/* the child's chain */
};

static void
world_make(struct world *w)
{
	w->parent = vmspace_alloc();
	if (map_anon(w->parent, BASE, 4, VM_INHERIT_COPY) != 0 ||
	    !poke(w->parent, 0, 1) || !poke(w->parent, 1, 2) ||
	    vmspace_fork(w->parent, &w->child) != 0 ||
	    !poke(w->child, 1, 3) || peek(w->child, 0) != 1)
		panic("no world");
	w->front = entry_at(w->child, BASE)->object;
	w->base = w->front->backing_object;
}

static void
world_end(struct world *w)
{
	sysref_put(w->child);
	sysref_put(w->parent);
}

static struct vm_page *
page_of(struct vm_object *object, vm_pindex_t pindex)
{
	struct vm_page *m;

	vm_object_lock(object);
	m = vm_page_lookup(object, pindex);
	vm_object_unlock(object);
	return m;
}

static void
break_shadow_count(struct world *w)
{
	w->base->shadow_count = 2;
	w->base->ref_count = 3;
}

static void
break_shadow_link(struct world *w)
{
	static struct vm_object *elsewhere;

	w->front->shadow_list.le_prev = &elsewhere;
}

static void
break_onshadow(struct world *w)
{
	LIST_REMOVE(w->front, shadow_list);
	w->base->shadow_count = 0;
	w->front->flags &= ~(uint32_t)OBJ_ONSHADOW;
}

static void
break_refs_high(struct world *w)
{
	vm_object_reference(w->front);
}

static void
break_refs_low(struct world *w)
{
	vm_object_reference(w->base);
	w->base->ref_count -= 2;
}

static void
break_shadows_over_refs(struct world *w)
{
	if (!poke(w->parent, 0, 5))
		panic("poke");
	w->base->ref_count = 1;		/* and two shadows */
}

static void
break_offset(struct world *w)
{
	w->front->backing_object_offset = 0x123;
}

static void
break_offset_wraps(struct world *w)
{
	w->front->backing_object_offset = -PAGE_SIZE;
}

static void
break_size(struct world *w)
{
	w->front->size = 1;
}

/* back gets front as its backing object, whatever the editor would say. */
static void
link_by_hand(struct vm_object *back, struct vm_object *front)
{
	back->backing_object = front;
	back->flags |= OBJ_ONSHADOW;
	LIST_INSERT_HEAD(&front->shadow_head, back, shadow_list);
	front->shadow_count++;
}

static void
break_ring(struct world *w)
{
	link_by_hand(w->base, w->front);
	w->front->ref_count++;
}

static void
break_dead(struct world *w)
{
	w->front->flags |= OBJ_DEAD;
}

static void
break_merge(struct world *w)
{
	w->base->flags |= OBJ_FADING;
}

static void
break_pin(struct world *w)
{
	vm_object_lock(w->front);
	vm_object_paging_begin(w->front);
	vm_object_unlock(w->front);
}

static void
break_resident_count(struct world *w)
{
	w->front->resident_page_count++;
}

static void
break_busy(struct world *w)
{
	if (!vm_page_busy_try(page_of(w->front, 1)))
		panic("busy");
}

static void
break_valid(struct world *w)
{
	page_of(w->front, 1)->valid = 0;
}

static void
break_identity(struct world *w)
{
	page_of(w->front, 1)->pindex = 2;
}

static void
break_wired_queued(struct world *w)
{
	page_of(w->front, 1)->wire_count = 1;
}

static void
break_mapping_protection(struct world *w)
{
	entry_at(w->child, BASE)->protection = VM_PROT_READ;
}

static void
break_mapping_needs_copy(struct world *w)
{
	entry_at(w->child, BASE)->eflags |= MAP_ENTRY_COW |
	    MAP_ENTRY_NEEDS_COPY;
}

/* The classic: a deeper page is still mapped after the front got its own. */
static void
break_mapping_stale(struct world *w)
{
	struct vm_page *m;

	vm_object_lock(w->front);
	m = vm_page_alloc(w->front, 0, VM_ALLOC_ZERO);
	vm_page_activate(m);
	vm_page_unbusy(m);
	vm_object_unlock(w->front);
}

static void
break_mapping_wired(struct world *w)
{
	entry_at(w->child, BASE)->wired_count = 1;
	entry_at(w->child, BASE)->eflags |= MAP_ENTRY_USER_WIRED;
}

static void
break_refs_lost(struct world *w)
{
	(void)w;
	(void)vm_object_allocate(OBJT_DEFAULT, 1);
}

/* Two objects that only hold each other: every count is right. */
static void
break_reach(struct world *w)
{
	struct vm_object *a = vm_object_allocate(OBJT_DEFAULT, 1);
	struct vm_object *b = vm_object_allocate(OBJT_DEFAULT, 1);

	(void)w;
	link_by_hand(a, b);
	link_by_hand(b, a);
}

static void
break_page_lost(struct world *w)
{
	(void)w;
	vm_phys_alloc(VM_ALLOC_NORMAL)->flags = 0;
}

static void
break_free_count(struct world *w)
{
	(void)w;
	vm_phys_alloc(VM_ALLOC_NORMAL)->flags = PG_FREE;
}

static const struct audit_case {
	void		(*fn)(struct world *w);
	const char	*what;
} cases[] = {
	{ break_shadow_count, "I1: object" },
	{ break_shadow_link, "I1: Bad link elm" },
	{ break_onshadow, "I2: object" },
	{ break_refs_high, "I3: object" },
	{ break_refs_low, "I3: object" },
	{ break_shadows_over_refs, "I4: object" },
	{ break_offset, "I5: object" },
	{ break_offset_wraps, "I5: object" },
	{ break_size, "I5: object" },
	{ break_ring, "I5: the chain" },
	{ break_dead, "I6: object" },
	{ break_merge, "I6: object" },
	{ break_pin, "I7: object" },
	{ break_resident_count, "I8: object" },
	{ break_busy, "I8: page" },
	{ break_valid, "I8: page" },
	{ break_wired_queued, "I8: page" },
	{ break_mapping_protection, "I10: map" },
	{ break_mapping_needs_copy, "I10: map" },
	{ break_mapping_stale, "I10: map" },
	{ break_mapping_wired, "I10: map" },
	{ break_refs_lost, "I3: object" },
	{ break_reach, "I11: object" },
	{ break_page_lost, "I1: page" },
	{ break_free_count, "I12: " },
	{ break_identity, "I9: page" },
};

struct audit_run {
	struct world		 w;
	const struct audit_case	*c;
};

static void
audit_broken(void *arg)
{
	struct audit_run *r = arg;

	r->c->fn(&r->w);
	vm_check_all();
}

KTEST(check, audits_fire)
{
	struct audit_run r;
	unsigned i;

	world_make(&r.w);
	vm_check_all();
	for (i = 0; i < nitems(cases); i++) {
		r.c = &cases[i];
		KT_CHECK(t, host_panics(audit_broken, &r, cases[i].what),
		    "case %u", i);
	}
	vm_check_all();
	world_end(&r.w);
}

/* Do the printers show what is there, the same in every run? */
KTEST(check, printers)
{
	struct world w;

	world_make(&w);
	show_begin();
	vm_show_map(&w.parent->vm_map, host_capture_pr);
	vm_show_map(&w.child->vm_map, host_capture_pr);
	vm_show_chain(w.front, host_capture_pr);
	vm_show_page(page_of(w.front, 1), host_capture_pr);
	vm_show_page(page_of(w.base, 0), host_capture_pr);
	KT_CHECK(t, show_golden(t, "check_printers"), "golden");
	world_end(&w);
}

/* Without ids, is the address of the object in the text? */
KTEST(check, printers_by_address)
{
	struct world w;

	world_make(&w);
	host_capture_begin();
	vm_show_object(w.front, host_capture_pr);
	vm_show_map(&w.child->vm_map, host_capture_pr);
	vm_show_page(page_of(w.front, 1), host_capture_pr);
	KT_CHECK(t, strstr(host_capture_end(), "object 0x") != NULL &&
	    strstr(host_capture_end(), "map 0x") != NULL &&
	    strstr(host_capture_end(), "pa 0x") != NULL, "%s",
	    host_capture_end());
	world_end(&w);
}

/* Does the baseline notice an object, an entry and a page that stay? */
KTEST(check, baseline)
{
	struct vm_baseline before;
	struct vmspace *vm;

	vm_baseline_take(&before);
	KT_CHECK(t, vm_baseline_check(&before, host_capture_pr) == 0, "same");
	host_capture_begin();
	vm = vmspace_alloc();
	KT_CHECK(t, map_anon(vm, BASE, 1, VM_INHERIT_COPY) == 0 &&
	    poke(vm, 0, 1), "page");
	KT_CHECK(t, vm_baseline_check(&before, host_capture_pr) == 5,
	    "%s", host_capture_end());
	sysref_put(vm);
	KT_CHECK(t, vm_baseline_check(&before, host_capture_pr) == 0, "%s",
	    host_capture_end());
}
