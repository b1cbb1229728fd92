/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_object_test.c: objects by themselves: references, pins, links,
 * termination, ranges of pages.  Chains that come from faults and forks are in
 * vm_fault_test.c.
 */
#define VM_OBJECT_LINK_EDITOR	/* to break links on purpose */
#include <lib/atomic.h>
#include <sys/errno.h>
#include <sys/sleepq.h>
#include <sys/zone.h>
#include <vm/vm_check.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "harness.h"

/* A shadow of object; the caller's reference on object moves into it. */
static struct vm_object *
shadow_of(struct vm_object *object, vm_ooffset_t offset, vm_pindex_t size)
{
	struct vm_object *new = vm_object_allocate(OBJT_DEFAULT, size);

	new->flags |= OBJ_PRIVATE;
	vm_object_lock(new);
	vm_object_lock(object);
	vm_object_set_backing(new, object, offset);
	vm_object_unlock(object);
	new->flags &= ~(uint32_t)OBJ_PRIVATE;
	vm_object_unlock(new);
	return new;
}

/* A resident, valid, unbusied page on the active queue. */
static struct vm_page *
add_page(struct vm_object *object, vm_pindex_t pindex)
{
	struct vm_page *m;

	vm_object_lock(object);
	m = vm_page_alloc(object, pindex, VM_ALLOC_ZERO);
	vm_page_activate(m);
	vm_page_unbusy(m);
	vm_object_unlock(object);
	return m;
}

/* Does the last reference end the object, and only the last? */
KTEST(object, reference_count)
{
	uint64_t before = vm_object_count();
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, 4);
	int i;

	KT_CHECK(t, object->ref_count == 1, "%d", object->ref_count);
	for (i = 0; i < 5; i++)
		vm_object_reference(object);
	for (i = 0; i < 5; i++) {
		vm_object_deallocate(object);
		KT_CHECK(t, vm_object_count() == before + 1, "at %d", i);
	}
	add_page(object, 3);
	vm_object_deallocate(object);
	KT_CHECK(t, vm_object_count() == before, "%lu objects",
	    vm_object_count());
}

static void
reference_dead(void *arg)
{
	struct vm_object *object = arg;

	object->ref_count = 0;
	vm_object_reference(object);
}

static void
reference_many(void *arg)
{
	struct vm_object *object = arg;

	object->ref_count = 0x3fffffff;
	vm_object_reference(object);
}

static void
deallocate_dead(void *arg)
{
	struct vm_object *object = arg;

	object->ref_count = 0;
	vm_object_deallocate(object);
}

/* Is a count that comes back from 0, or is about to wrap, stopped? */
KTEST(object, reference_traps)
{
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, 1);

	KT_CHECK(t, host_panics(reference_dead, object, "had 0 references"),
	    "0 to 1");
	KT_CHECK(t, host_panics(reference_many, object, "references"),
	    "saturation");
	KT_CHECK(t, host_panics(deallocate_dead, object, "had 0 references"),
	    "0 to -1");
	vm_object_deallocate(object);
}

/* Does a chain of 10,000 objects go without using up the stack? */
KTEST(object, deallocate_long_chain)
{
	uint64_t before = vm_object_count();
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, 4);
	int i;

	for (i = 0; i < 10000; i++)
		object = shadow_of(object, 0, 4);
	vm_object_deallocate(object);
	KT_CHECK(t, vm_object_count() == before, "%lu left",
	    vm_object_count() - before);
}

/* What does a family of shadows look like, before and after one leaves? */
KTEST(object, shadow_links)
{
	struct vm_object *base = vm_object_allocate(OBJT_DEFAULT, 16);
	struct vm_object *a, *b, *c;
	int i;

	for (i = 0; i < 2; i++)
		vm_object_reference(base);
	a = shadow_of(base, 0, 16);
	b = shadow_of(base, 0x2000, 8);
	c = shadow_of(base, 0x4000, 4);
	for (i = 0; i < 5; i++)
		add_page(base, (vm_pindex_t)(i < 3 ? i : i + 4));
	add_page(b, 1);
	vm_show_ids = true;
	vm_show_reset_ids();
	host_capture_begin();
	vm_show_chain(a, host_capture_pr);
	vm_show_chain(b, host_capture_pr);
	vm_show_chain(c, host_capture_pr);
	vm_object_deallocate(b);
	host_capture_pr("b is gone\n");
	vm_show_chain(a, host_capture_pr);
	vm_show_chain(c, host_capture_pr);
	vm_show_ids = false;
	vm_check_object(a);
	vm_check_object(c);
	vm_check_object(base);
	vm_object_deallocate(a);
	vm_object_deallocate(c);
	KT_CHECK(t, host_golden(t, "object_shadow_links", host_capture_end()),
	    "golden");
}

/* Does the shadow take the reference, and is it made only when needed? */
KTEST(object, shadow_when_shared)
{
	struct vm_object *base = vm_object_allocate(OBJT_DEFAULT, 16);
	struct vm_object *object = base;
	vm_ooffset_t offset = 0x3000;

	KT_CHECK(t, vm_object_shadow(&object, &offset, 4) == 0 &&
	    object == base && offset == 0x3000, "alone: nothing to do");
	vm_object_reference(base);
	zone_fail_nth(1);
	KT_CHECK(t, vm_object_shadow(&object, &offset, 4) == ENOMEM &&
	    object == base && offset == 0x3000 && base->ref_count == 2,
	    "no memory: unchanged");
	zone_fail_nth(0);
	KT_CHECK(t, vm_object_shadow(&object, &offset, 4) == 0, "shadow");
	KT_CHECK(t, object != base && offset == 0 && object->size == 4 &&
	    object->backing_object == base &&
	    object->backing_object_offset == 0x3000 && base->ref_count == 2 &&
	    base->shadow_count == 1 && (base->flags & OBJ_ONEMAPPING) == 0,
	    "new object %p of %lu", (void *)object, object->size);
	vm_object_deallocate(object);
	KT_CHECK(t, base->ref_count == 1 && base->shadow_count == 0,
	    "%d references, %d shadows", base->ref_count, base->shadow_count);
	vm_object_deallocate(base);
}

static void
link_unlocked(void *arg)
{
	struct vm_object *shadow = arg;

	vm_object_lock(shadow);
	vm_object_set_backing(shadow, NULL, 0);
}

static void
link_self(void *arg)
{
	struct vm_object *shadow = arg;

	vm_object_lock(shadow);
	vm_object_lock(shadow->backing_object);
	vm_object_set_backing(shadow->backing_object, shadow, 0);
}

static void
link_dead(void *arg)
{
	struct vm_object *shadow = arg;

	vm_object_lock(shadow);
	vm_object_lock(shadow->backing_object);
	shadow->backing_object->flags |= OBJ_DEAD;
	vm_object_set_backing(shadow, shadow->backing_object, 0);
}

/* The founding report's race, done by hand: the word that names us changed. */
static void
link_corrupted(void *arg)
{
	struct vm_object *shadow = arg;

	shadow->backing_object->shadow_head.lh_first = NULL;
	vm_object_deallocate(shadow);
}

/* Does the link editor notice each broken precondition? */
KTEST(object, link_editor_asserts)
{
	struct vm_object *base = vm_object_allocate(OBJT_DEFAULT, 4);
	struct vm_object *s = shadow_of(base, 0, 4);

	KT_CHECK(t, host_panics(link_unlocked, s, "not write-locked"),
	    "backing object not locked");
	KT_CHECK(t, host_panics(link_self, s, "would back itself"), "ring");
	KT_CHECK(t, host_panics(link_dead, s, "dead backing object"), "dead");
	KT_CHECK(t, host_panics(link_corrupted, s, "Bad link elm"),
	    "the founding panic");
	vm_object_deallocate(s);
}

/* ---- pins ---- */

struct pin_race {
	struct vm_object *object;
	int		 waiting, woken;	/* [a] */
};

static void
pin_waiter(void *arg)
{
	struct pin_race *r = arg;

	vm_object_lock(r->object);
	atomic_add(&r->waiting, 1);
	vm_object_paging_wait(r->object, "tstpin");
	atomic_add(&r->woken, 1);
	vm_object_unlock(r->object);
}

/* Are all who wait for the pins woken when the last one goes (K10)? */
KTEST(object, pins_wake_all)
{
	struct pin_race r = { vm_object_allocate(OBJT_DEFAULT, 1), 0, 0 };
	struct host_thread *ht[4];
	int i;

	vm_object_lock(r.object);
	vm_object_paging_begin(r.object);
	vm_object_paging_begin(r.object);
	vm_object_unlock(r.object);
	for (i = 0; i < 4; i++)
		ht[i] = host_thread_start(pin_waiter, &r);
	while (atomic_load(&r.waiting) != 4)
		(void)tsleep(&r, 0, "tst", 1000000);
	vm_object_paging_end(r.object);
	(void)tsleep(&r, 0, "tst", 5000000);
	KT_CHECK(t, atomic_load(&r.woken) == 0, "%d woken with a pin left",
	    atomic_load(&r.woken));
	vm_object_paging_end(r.object);
	for (i = 0; i < 4; i++)
		host_thread_join(ht[i]);
	KT_CHECK(t, r.woken == 4 && !vm_object_paging(r.object), "%d woken",
	    r.woken);
	vm_object_deallocate(r.object);
}

static void
pin_storm(void *arg)
{
	struct vm_object *object = arg;
	int i;

	for (i = 0; i < 2000; i++) {
		vm_object_lock(object);
		vm_object_paging_begin(object);
		vm_object_unlock(object);
		vm_object_paging_end(object);
	}
}

static void
pin_wait_storm(void *arg)
{
	struct vm_object *object = arg;
	int i;

	for (i = 0; i < 500; i++) {
		vm_object_lock(object);
		vm_object_paging_wait(object, "tstpin");
		vm_object_unlock(object);
	}
}

/* Is a wakeup ever lost between pins that come and go? */
KTEST(object, pins_storm)
{
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, 1);
	struct host_thread *ht[4];
	int i;

	for (i = 0; i < 4; i++)
		ht[i] = host_thread_start(i < 2 ? pin_storm : pin_wait_storm,
		    object);
	for (i = 0; i < 4; i++)
		host_thread_join(ht[i]);
	KT_CHECK(t, !vm_object_paging(object), "pins left");
	vm_object_deallocate(object);
}

static void
unpin_unpinned(void *arg)
{
	vm_object_paging_end(arg);
}

static void
pin_dead(void *arg)
{
	struct vm_object *object = arg;

	vm_object_lock(object);
	object->flags |= OBJ_DEAD;
	vm_object_paging_begin(object);
}

static void
pin_unlocked(void *arg)
{
	vm_object_paging_begin(arg);
}

KTEST(object, pins_misuse)
{
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, 1);

	KT_CHECK(t, host_panics(unpin_unpinned, object, "without a pin"),
	    "underflow");
	KT_CHECK(t, host_panics(pin_dead, object, "dead object"), "dead");
	KT_CHECK(t, host_panics(pin_unlocked, object, "unlocked object"),
	    "not locked");
	vm_object_deallocate(object);
}

struct end_race {
	struct vm_object *object;
	struct vm_page	*m;
	int		 done;			/* [a] */
};

static void
end_object(void *arg)
{
	struct end_race *r = arg;

	vm_object_deallocate(r->object);
	atomic_store(&r->done, 1);
}

/* Does termination wait for a pin, and leave the shadow list before it? */
KTEST(object, terminate_waits_for_pin)
{
	struct vm_object *base = vm_object_allocate(OBJT_DEFAULT, 4);
	struct end_race r = { .object = base };
	struct host_thread *ht;
	uint64_t before = vm_object_count();

	vm_object_reference(base);
	r.object = shadow_of(base, 0, 4);
	add_page(r.object, 2);
	vm_object_lock(r.object);
	vm_object_paging_begin(r.object);
	vm_object_unlock(r.object);
	ht = host_thread_start(end_object, &r);
	for (;;) {
		vm_object_lock(base);
		if (base->shadow_count == 0)
			break;
		vm_object_unlock(base);
		(void)tsleep(&r, 0, "tst", 1000000);
	}
	vm_object_unlock(base);
	(void)tsleep(&r, 0, "tst", 5000000);
	KT_CHECK(t, atomic_load(&r.done) == 0, "freed while pinned");
	vm_object_paging_end(r.object);
	host_thread_join(ht);
	KT_CHECK(t, vm_object_count() == before && base->ref_count == 1,
	    "%d references", base->ref_count);
	vm_object_deallocate(base);
}

/* Does termination wait for a page that is still being read (K24)? */
KTEST(object, terminate_waits_for_busy)
{
	struct end_race r = { vm_object_allocate(OBJT_DEFAULT, 4), NULL, 0 };
	uint64_t before = vm_object_count();
	struct host_thread *ht;

	r.m = add_page(r.object, 1);
	KT_CHECK(t, vm_page_sbusy_try(r.m), "shared busy");
	ht = host_thread_start(end_object, &r);
	(void)tsleep(&r, 0, "tst", 5000000);
	KT_CHECK(t, atomic_load(&r.done) == 0, "freed while busy");
	vm_page_sunbusy(r.m);
	host_thread_join(ht);
	KT_CHECK(t, vm_object_count() == before - 1, "not freed");
}

/* ---- ranges ---- */

static void
remove_range(void *arg)
{
	struct end_race *r = arg;

	vm_object_lock(r->object);
	vm_object_page_remove(r->object, 0, 64);
	vm_object_unlock(r->object);
	atomic_store(&r->done, 1);
}

/* Are exactly the pages of the range removed, and busy ones waited for? */
KTEST(object, page_remove)
{
	struct end_race r = { vm_object_allocate(OBJT_DEFAULT, 200), NULL, 0 };
	struct host_thread *ht;
	vm_pindex_t i;

	for (i = 0; i < 200; i++)
		add_page(r.object, i);
	vm_object_lock(r.object);
	vm_object_page_remove(r.object, 10, 10);
	KT_CHECK(t, r.object->resident_page_count == 200, "empty range");
	vm_object_page_remove(r.object, 63, 129);
	for (i = 0; i < 200; i++)
		KT_CHECK(t, (vm_page_lookup(r.object, i) == NULL) ==
		    (i >= 63 && i < 129), "page %lu", i);
	r.m = vm_page_lookup(r.object, 5);
	KT_CHECK(t, vm_page_busy_try(r.m), "busy");
	vm_object_unlock(r.object);
	ht = host_thread_start(remove_range, &r);
	(void)tsleep(&r, 0, "tst", 5000000);
	KT_CHECK(t, atomic_load(&r.done) == 0, "did not wait");
	vm_page_unbusy(r.m);
	host_thread_join(ht);
	KT_CHECK(t, r.object->resident_page_count == 71, "%lu left",
	    (unsigned long)r.object->resident_page_count);
	vm_check_object(r.object);
	vm_object_deallocate(r.object);
}

/* Does it touch active pages only (founding log, scenario 21)? */
KTEST(object, deactivate_active_only)
{
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, 8);
	struct vm_page *m[4];
	vm_pindex_t i;

	for (i = 0; i < 4; i++)
		m[i] = add_page(object, i);
	vm_object_lock(object);
	vm_page_dequeue(m[1]);		/* claimed by somebody */
	vm_page_wire(m[2]);
	vm_page_deactivate(m[3]);
	vm_object_deactivate_pages(object);
	KT_CHECK(t, m[0]->queue == PQ_INACTIVE && m[1]->queue == PQ_NONE &&
	    m[2]->queue == PQ_NONE && m[3]->queue == PQ_INACTIVE,
	    "%u %u %u %u", m[0]->queue, m[1]->queue, m[2]->queue,
	    m[3]->queue);
	vm_page_unwire(m[2]);
	vm_object_unlock(object);
	vm_object_deallocate(object);
}

/* When may an object grow under its neighbour? */
KTEST(object, coalesce_rules)
{
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, 8), *s;

	KT_CHECK(t, vm_object_coalesce(NULL, 0, 4, 4), "no object yet");
	KT_CHECK(t, vm_object_coalesce(object, 0x1000, 7, 4) &&
	    object->size == 12, "at the end: %lu", object->size);
	add_page(object, 1);
	add_page(object, 6);
	add_page(object, 9);
	KT_CHECK(t, vm_object_coalesce(object, 0, 4, 4) &&
	    object->size == 12 && object->resident_page_count == 2,
	    "alone and inside: stale pages go, %lu left",
	    (unsigned long)object->resident_page_count);
	vm_object_reference(object);
	KT_CHECK(t, !vm_object_coalesce(object, 0, 4, 4),
	    "inside, with another reference");
	KT_CHECK(t, vm_object_coalesce(object, 0, 12, 4) &&
	    object->size == 16, "at the end, with another reference");
	vm_object_lock(object);
	vm_object_paging_begin(object);
	vm_object_unlock(object);
	KT_CHECK(t, !vm_object_coalesce(object, 0, 16, 4), "pinned");
	vm_object_paging_end(object);
	s = shadow_of(object, 0, 8);
	KT_CHECK(t, !vm_object_coalesce(s, 0, 8, 4), "with a backing object");
	vm_object_deallocate(s);
	vm_object_deallocate(object);
	object = vm_object_allocate(OBJT_FILE, 8);
	KT_CHECK(t, !vm_object_coalesce(object, 0, 8, 4), "not anonymous");
	vm_object_deallocate(object);
	object = vm_object_allocate(OBJT_DEFAULT, 8);
	vm_object_set_named(object);
	KT_CHECK(t, !vm_object_coalesce(object, 0, 8, 4), "with a name");
	vm_object_deallocate(object);
}

/* ---- many threads on one family ---- */

static void
shadow_storm(void *arg)
{
	struct vm_object *base = arg, *object;
	vm_ooffset_t offset;
	int i;

	for (i = 0; i < 500; i++) {
		vm_object_reference(base);
		object = base;
		offset = 0;
		if (vm_object_shadow(&object, &offset, 8) == 0)
			add_page(object, 3);
		vm_object_reference(object);
		vm_object_deallocate(object);
		vm_object_deallocate(object);
	}
}

/* Do links and counts survive inserts and removals from all sides (R1)? */
KTEST(object, shadow_storm)
{
	struct vm_object *base = vm_object_allocate(OBJT_DEFAULT, 8);
	struct host_thread *ht[4];
	int i;

	for (i = 0; i < 4; i++)
		ht[i] = host_thread_start(shadow_storm, base);
	for (i = 0; i < 4; i++)
		host_thread_join(ht[i]);
	vm_check_object(base);
	KT_CHECK(t, base->ref_count == 1 && base->shadow_count == 0,
	    "%d references, %d shadows", base->ref_count, base->shadow_count);
	vm_object_deallocate(base);
}

/* Is every allocation failure of a shadow clean? */
KTEST(object, shadow_fail_nth)
{
	struct vm_object *base = vm_object_allocate(OBJT_DEFAULT, 8), *object;
	vm_ooffset_t offset;
	uint64_t nth;
	int error = ENOMEM;

	for (nth = 1; error != 0; nth++) {
		vm_object_reference(base);
		object = base;
		offset = 0;
		zone_fail_nth(nth);
		error = vm_object_shadow(&object, &offset, 8);
		zone_fail_nth(0);
		KT_CHECK(t, error == 0 || object == base, "nth %lu", nth);
		vm_check_object(base);
		vm_object_deallocate(object);
		KT_CHECK(t, base->ref_count == 1, "nth %lu: %d references",
		    nth, base->ref_count);
	}
	KT_CHECK(t, nth > 2, "no allocation was failed");
	vm_object_deallocate(base);
}
