/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_page_test.c: vm/vm_page.c and vm/vm_pageq.c: the state tables of
 * <vm/vm_page.h>, each transition and each refusal. */
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/param.h>
#include <sys/sleepq.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "harness.h"

#define OBJ_PAGES	5000

static struct vm_object *
make_object(void)
{
	return vm_object_allocate(OBJT_DEFAULT, OBJ_PAGES);
}

/* A valid page, not busy; object locked in and out. */
static struct vm_page *
make_page(struct vm_object *o, vm_pindex_t pindex)
{
	struct vm_page *m = vm_page_alloc(o, pindex, VM_ALLOC_ZERO);

	if (m != NULL)
		vm_page_unbusy(m);
	return m;
}

/* Is a new page what the contract says, and is it gone after free? */
KTEST(vm_page, alloc_and_free)
{
	struct vm_object *o = make_object();
	struct vm_page *m, *m2;
	uint8_t *p;

	vm_object_lock(o);
	m = vm_page_alloc(o, 7, VM_ALLOC_ZERO);
	KT_CHECK(t, m != NULL && m->object == o && m->pindex == 7, "%p",
	    (void *)m);
	KT_CHECK(t, vm_page_xbusied(m) && m->valid == VM_PAGE_VALID &&
	    m->dirty == 0 && m->queue == PQ_NONE && m->wire_count == 0,
	    "busy %x valid %x dirty %x queue %u", m->busy_lock, m->valid,
	    m->dirty, m->queue);
	p = pmap_page_kva(m);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		KT_CHECK(t, p[i] == 0, "byte %u is %x", i, p[i]);
	m2 = vm_page_alloc(o, 4100, VM_ALLOC_WIRED);
	KT_CHECK(t, m2->valid == 0 && m2->wire_count == 1, "valid %x wire %u",
	    m2->valid, m2->wire_count);
	KT_CHECK(t, vm_page_lookup(o, 7) == m && vm_page_lookup(o, 8) == NULL,
	    "lookup");
	KT_CHECK(t, vm_page_ge(o, 0) == m && vm_page_ge(o, 8) == m2 &&
	    vm_page_ge(o, 4101) == NULL, "ge");
	KT_CHECK(t, o->resident_page_count == 2, "%lu pages",
	    o->resident_page_count);
	vm_page_check(m);
	vm_page_check(m2);
	vm_page_unwire(m2);
	KT_CHECK(t, m2->queue == PQ_ACTIVE, "unwired to queue %u", m2->queue);
	vm_page_free(m2);
	vm_page_free(m);
	KT_CHECK(t, vm_page_lookup(o, 7) == NULL && o->resident_page_count ==
	    0, "%lu pages", o->resident_page_count);
	vm_object_unlock(o);
	vm_object_deallocate(o);
	vm_page_check_all();
}

/* Does an allocation that fails leave no trace, at each point of failure? */
KTEST(vm_page, failed_alloc_changes_nothing)
{
	struct vm_object *o = make_object();
	uint64_t before, nth;
	struct vm_page *m = NULL;

	vm_object_lock(o);
	KT_CHECK(t, make_page(o, 0) != NULL, "no memory");
	before = vm_phys_free_count() + zone_total_pages();
	for (nth = 1; m == NULL; nth++) {
		zone_fail_nth(nth);
		m = vm_page_alloc(o, 4099, VM_ALLOC_NORMAL);
		zone_fail_nth(0);
		if (m == NULL)
			KT_CHECK(t, o->resident_page_count == 1 &&
			    vm_page_lookup(o, 4099) == NULL &&
			    before == vm_phys_free_count() +
			    zone_total_pages(), "node %lu", nth);
	}
	KT_CHECK(t, nth == 6, "4 nodes: %lu", nth);
	vm_page_free(m);
	vm_phys_fail_nth(1);
	KT_CHECK(t, vm_page_alloc(o, 5, VM_ALLOC_NORMAL) == NULL, "page");
	vm_phys_fail_nth(0);
	KT_CHECK(t, o->resident_page_count == 1, "%lu pages",
	    o->resident_page_count);
	vm_object_unlock(o);
	vm_object_deallocate(o);
}

/* Does a page move with its contents, dirty, and only if there is memory? */
KTEST(vm_page, rename_moves)
{
	struct vm_object *a = make_object(), *b = make_object();
	struct vm_page *m;
	int error;

	/* Private objects: no chain orders their locks. */
	vm_object_lock(a);
	(void)vm_object_lock_try(b);
	m = vm_page_alloc(a, 3, VM_ALLOC_ZERO);
	*(uint64_t *)pmap_page_kva(m) = 0x1111;
	zone_fail_nth(1);
	error = vm_page_rename(m, b, 4242);
	zone_fail_nth(0);
	KT_CHECK(t, error == ENOMEM && m->object == a && m->pindex == 3 &&
	    vm_page_lookup(b, 4242) == NULL && m->dirty == 0, "%d", error);
	KT_CHECK(t, vm_page_rename(m, b, 4242) == 0, "no memory");
	KT_CHECK(t, m->object == b && m->pindex == 4242 && m->dirty != 0 &&
	    vm_page_lookup(b, 4242) == m && vm_page_lookup(a, 3) == NULL &&
	    vm_page_xbusied(m), "page is at %lu of %p", m->pindex,
	    (void *)m->object);
	KT_CHECK(t, a->resident_page_count == 0 && b->resident_page_count == 1,
	    "%lu %lu", a->resident_page_count, b->resident_page_count);
	KT_CHECK(t, *(uint64_t *)pmap_page_kva(m) == 0x1111, "contents");
	vm_page_unbusy(m);
	vm_object_unlock(b);
	vm_object_unlock(a);
	vm_object_deallocate(a);
	vm_object_deallocate(b);
}

/* Who may have a page busy together with whom? */
KTEST(vm_page, busy_table)
{
	struct vm_object *o = make_object();
	struct vm_page *m;

	vm_object_lock(o);
	m = make_page(o, 0);
	KT_CHECK(t, !vm_page_busied(m), "%x", m->busy_lock);
	KT_CHECK(t, vm_page_busy_try(m) && vm_page_xbusied(m), "exclusive");
	KT_CHECK(t, !vm_page_busy_try(m) && !vm_page_sbusy_try(m),
	    "with exclusive");
	vm_page_busy_downgrade(m);
	KT_CHECK(t, vm_page_busied(m) && !vm_page_xbusied(m), "downgraded");
	KT_CHECK(t, !vm_page_busy_try(m) && vm_page_sbusy_try(m),
	    "with shared");
	vm_page_sunbusy(m);
	KT_CHECK(t, vm_page_busied(m) && !vm_page_busy_try(m), "one of two");
	vm_page_sunbusy(m);
	KT_CHECK(t, m->busy_lock == 0 && vm_page_busy_try(m), "none");
	vm_page_unbusy(m);
	vm_object_unlock(o);
	vm_object_deallocate(o);
}

/*
 * Sleeping for a busy page.
 */
struct sleeper {
	struct vm_object	*o;
	vm_pindex_t		 pindex;
	unsigned		 looks;		/* [a] times it saw the page busy */
	unsigned		 done;		/* [a] */
};

static void
sleeper_thread(void *arg)
{
	struct sleeper *s = arg;
	struct vm_page *m;

	for (;;) {
		vm_object_lock(s->o);
		m = vm_page_lookup(s->o, s->pindex);
		if (m == NULL)
			break;
		if (vm_page_busy_try(m)) {
			vm_page_unbusy(m);
			break;
		}
		atomic_add(&s->looks, 1);
		vm_page_sleep_busy(m, s->o, "tstbusy");
	}
	atomic_store(&s->done, 1);
	vm_object_unlock(s->o);
}

static void
wait_for(const unsigned *word, unsigned v)
{
	unsigned i;

	for (i = 0; atomic_load(word) < v && i < 50; i++)
		tsleep(word, 0, "tst", NSEC_PER_MSEC);
}

/* Does each way to end busy wake who sleeps for it? */
KTEST(vm_page, sleep_busy_is_woken)
{
	struct sleeper s = { .o = make_object() };
	struct host_thread *ht;
	struct vm_page *m;
	unsigned how, never = 0;

	for (how = 0; how < 3; how++) {
		s.looks = s.done = 0;
		s.pindex = how;
		vm_object_lock(s.o);
		m = vm_page_alloc(s.o, how, VM_ALLOC_ZERO);
		if (how == 2) {
			vm_page_busy_downgrade(m);
			vm_object_unlock(s.o);
		} else {
			vm_object_unlock(s.o);
		}
		ht = host_thread_start(sleeper_thread, &s);
		wait_for(&s.looks, 1);
		wait_for(&never, 1);
		KT_CHECK(t, atomic_load(&s.done) == 0, "way %u: not asleep",
		    how);
		vm_object_lock(s.o);
		if (how == 0)
			vm_page_unbusy(m);
		else if (how == 1)
			vm_page_free(m);
		else
			vm_page_sunbusy(m);
		vm_object_unlock(s.o);
		host_thread_join(ht);
		KT_CHECK(t, s.done == 1, "way %u", how);
	}
	vm_object_deallocate(s.o);
	vm_page_check_all();
}

static struct vm_object	*busy_object;
static unsigned		 busy_inside[4];	/* [a] who is in, for each page */
static unsigned		 busy_clashes;		/* [a] */

static void
busy_thread(void *arg)
{
	struct vm_page *m;
	struct prng p;
	unsigned i, idx;

	prng_seed(&p, (uint64_t)arg);
	for (i = 0; i < 10000; i++) {
		idx = (unsigned)prng_below(&p, 4);
		vm_object_lock(busy_object);
		m = vm_page_lookup(busy_object, idx);
		if (m == NULL)
			m = vm_page_alloc(busy_object, idx, VM_ALLOC_ZERO);
		else if (!vm_page_busy_try(m)) {
			vm_page_sleep_busy(m, busy_object, "tstbusy");
			continue;
		}
		vm_object_unlock(busy_object);
		if (atomic_fetchadd(&busy_inside[idx], 1) != 0)
			atomic_add(&busy_clashes, 1);
		vm_page_activate(m);
		atomic_sub(&busy_inside[idx], 1);
		if (prng_below(&p, 8) != 0) {
			vm_page_unbusy(m);
			continue;
		}
		vm_object_lock(busy_object);
		vm_page_free(m);
		vm_object_unlock(busy_object);
	}
	vm_phys_drain_caches();
}

/* Does exclusive busy exclude, through frees and reuse of the pages? */
KTEST(vm_page, busy_excludes_threads)
{
	struct host_thread *ht[4];
	unsigned i;

	busy_object = make_object();
	for (i = 0; i < nitems(ht); i++)
		ht[i] = host_thread_start(busy_thread,
		    (void *)prng_next(&t->prng));
	for (i = 0; i < nitems(ht); i++)
		host_thread_join(ht[i]);
	KT_CHECK(t, busy_clashes == 0, "%u times two had it", busy_clashes);
	vm_object_deallocate(busy_object);
	vm_page_check_all();
}

/*
 * Queues.
 */
enum qstate { Q_NONE, Q_ACTIVE, Q_INACTIVE, Q_WIRED, Q_COUNT };

/* Bring m, busy by us, into a state. */
static void
enter_state(struct vm_page *m, enum qstate s)
{
	vm_page_dequeue(m);
	if (s == Q_ACTIVE || s == Q_INACTIVE)
		vm_page_activate(m);
	if (s == Q_INACTIVE)
		vm_page_deactivate(m);
	if (s == Q_WIRED)
		vm_page_wire(m);
}

/* Is each operation's result in each state what the header says? */
KTEST(vm_page, queue_table)
{
	static void (*const op[])(struct vm_page *) = {
		vm_page_activate, vm_page_deactivate, vm_page_dequeue,
		vm_page_wire,
	};
	static const uint8_t want[nitems(op)][Q_COUNT] = {
		{ PQ_ACTIVE, PQ_ACTIVE, PQ_ACTIVE, PQ_NONE },
		{ PQ_INACTIVE, PQ_INACTIVE, PQ_INACTIVE, PQ_NONE },
		{ PQ_NONE, PQ_NONE, PQ_NONE, PQ_NONE },
		{ PQ_NONE, PQ_NONE, PQ_NONE, PQ_NONE },
	};
	struct vm_object *o = make_object();
	uint64_t inactive = vm_page_queue_count(PQ_INACTIVE);
	uint64_t active = vm_page_queue_count(PQ_ACTIVE);
	struct vm_page *m;
	unsigned i, s;

	vm_object_lock(o);
	for (i = 0; i < nitems(op); i++)
		for (s = 0; s < Q_COUNT; s++) {
			m = vm_page_alloc(o, 0, VM_ALLOC_ZERO);
			enter_state(m, s);
			op[i](m);
			KT_CHECK(t, m->queue == want[i][s],
			    "operation %u in state %u: queue %u", i, s,
			    m->queue);
			KT_CHECK(t, vm_page_queue_count(PQ_INACTIVE) ==
			    inactive + (m->queue == PQ_INACTIVE) &&
			    vm_page_queue_count(PQ_ACTIVE) == active +
			    (m->queue == PQ_ACTIVE), "counts");
			vm_page_check(m);
			vm_pageq_check();
			while (m->wire_count != 0)
				vm_page_unwire(m);
			vm_page_free(m);
			KT_CHECK(t, vm_page_queue_count(PQ_INACTIVE) ==
			    inactive, "freed page on the list");
		}
	vm_object_unlock(o);
	vm_object_deallocate(o);
}

/* Does deactivate forget references, and object-wide touch active pages only? */
KTEST(vm_page, deactivate_semantics)
{
	struct vm_object *o = make_object();
	struct vm_page *m[4];
	unsigned i;

	vm_object_lock(o);
	for (i = 0; i < nitems(m); i++) {
		m[i] = vm_page_alloc(o, i * 100, VM_ALLOC_ZERO);
		enter_state(m[i], i);
		vm_page_unbusy(m[i]);
	}
	m[1]->flags |= PG_REFERENCED;
	vm_object_deactivate_pages(o);
	KT_CHECK(t, m[0]->queue == PQ_NONE && m[1]->queue == PQ_INACTIVE &&
	    m[2]->queue == PQ_INACTIVE && m[3]->queue == PQ_NONE,
	    "%u %u %u %u", m[0]->queue, m[1]->queue, m[2]->queue,
	    m[3]->queue);
	KT_CHECK(t, (m[1]->flags & PG_REFERENCED) == 0, "referenced");
	vm_page_deactivate(m[0]);
	KT_CHECK(t, m[0]->queue == PQ_INACTIVE, "from no queue: %u",
	    m[0]->queue);
	vm_page_unwire(m[3]);
	vm_object_unlock(o);
	vm_object_deallocate(o);
}

/* Does a random life of many pages keep every invariant? */
KTEST(vm_page, random_life)
{
	static struct vm_page *m[300];
	struct vm_object *o = make_object();
	unsigned op, i;

	memset(m, 0, sizeof(m));
	vm_object_lock(o);
	for (op = 0; op < 100000; op++) {
		i = (unsigned)prng_below(&t->prng, nitems(m));
		if (m[i] == NULL) {
			m[i] = make_page(o, i * 13);
			continue;
		}
		KT_CHECK(t, vm_page_lookup(o, i * 13) == m[i], "page %u", i);
		switch (prng_below(&t->prng, 6)) {
		case 0:
			vm_page_activate(m[i]);
			break;
		case 1:
			vm_page_deactivate(m[i]);
			break;
		case 2:
			vm_page_wire(m[i]);
			break;
		case 3:
			if (m[i]->wire_count != 0)
				vm_page_unwire(m[i]);
			break;
		default:
			if (m[i]->wire_count == 0 && vm_page_busy_try(m[i])) {
				vm_page_free(m[i]);
				m[i] = NULL;
			}
		}
		if (op % 10000 == 0)
			vm_page_check_all();
	}
	for (i = 0; i < nitems(m); i++)
		while (m[i] != NULL && m[i]->wire_count != 0)
			vm_page_unwire(m[i]);
	vm_object_unlock(o);
	vm_object_deallocate(o);
	vm_page_check_all();
}

/*
 * Misuse.
 */
static void
free_not_busy(void *arg)
{
	struct vm_object *o = arg;

	vm_object_lock(o);
	vm_page_free(make_page(o, 1));
}

static void
free_wired(void *arg)
{
	struct vm_object *o = arg;

	vm_object_lock(o);
	vm_page_free(vm_page_alloc(o, 1, VM_ALLOC_WIRED));
}

static void
alloc_twice(void *arg)
{
	struct vm_object *o = arg;

	vm_object_lock(o);
	make_page(o, 1);
	make_page(o, 1);
}

static void
alloc_unlocked(void *arg)
{
	make_page(arg, 1);
}

static void
unwire_unwired(void *arg)
{
	struct vm_object *o = arg;

	vm_object_lock(o);
	vm_page_unwire(make_page(o, 1));
}

static void
wait_with_busy(void *arg)
{
	struct vm_object *o = arg;

	vm_object_lock(o);
	vm_page_alloc(o, 1, VM_ALLOC_ZERO);
	vm_object_unlock(o);
	vm_wait("tst");
}

static void
lose_page(void *arg)
{
	struct vm_object *o = arg;

	vm_object_lock(o);
	make_page(o, 1)->pindex = 2;
	vm_page_check_all();
}

static void
queue_wired(void *arg)
{
	struct vm_object *o = arg;
	struct vm_page *m;

	vm_object_lock(o);
	m = make_page(o, 1);
	vm_page_activate(m);
	m->wire_count = 1;
	vm_page_check_all();
}

/* Is each broken rule found, and named? */
KTEST(vm_page, misuse_panics)
{
	struct vm_object *o = make_object();

	KT_CHECK(t, host_panics(free_not_busy, o, "not exclusively busy"),
	    "no");
	KT_CHECK(t, host_panics(free_wired, o, "with 1 wirings"), "no");
	KT_CHECK(t, host_panics(alloc_twice, o, "already has a page at 1"),
	    "no");
	KT_CHECK(t, host_panics(alloc_unlocked, o, "not write-locked"), "no");
	KT_CHECK(t, host_panics(unwire_unwired, o, "unwired with count 0"),
	    "no");
	KT_CHECK(t, host_panics(wait_with_busy, o, "with 1 busy pages"), "no");
	KT_CHECK(t, host_panics(lose_page, o, "I9: page"), "no");
	KT_CHECK(t, host_panics(queue_wired, o, "wired 1 times"), "no");
	vm_object_deallocate(o);
}
