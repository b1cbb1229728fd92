/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_chain_test.c: chains under load: shadows, collapses and ends from many
 * threads at once, and the depth of chains after many generations of forks.
 */
#include <lib/atomic.h>
#include <sys/errno.h>
#include <sys/sleepq.h>
#include <sys/thread.h>
#include <sys/zone.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_sched.h>

#include "chain_test.h"
#include "vm_fault_test.h"

/* ---- many threads on one forest ---- */

#define FOREST	8

static struct {
	struct spinlock	  lock;
	struct vm_object *tree[FOREST];	/* [lock] each with a reference */
} forest = { .lock = SPINLOCK_INITIALIZER("forest", LO_NONE, 0) };

static struct vm_object *
forest_get(unsigned i)
{
	struct vm_object *object;

	spin_lock(&forest.lock);
	object = forest.tree[i];
	vm_object_reference(object);
	spin_unlock(&forest.lock);
	return object;
}

/* Takes over the caller's reference. */
static void
forest_put(unsigned i, struct vm_object *object)
{
	struct vm_object *old;

	spin_lock(&forest.lock);
	old = forest.tree[i];
	forest.tree[i] = object;
	spin_unlock(&forest.lock);
	vm_object_deallocate(old);
}

static void
forest_page(struct vm_object *object, vm_pindex_t pindex)
{
	struct vm_page *m = NULL;

	vm_object_lock(object);
	if (vm_page_lookup(object, pindex) == NULL)
		m = vm_page_alloc(object, pindex, VM_ALLOC_ZERO);
	if (m != NULL) {
		vm_page_activate(m);
		vm_page_unbusy(m);
	}
	vm_object_unlock(object);
}

static void
forest_main(void *arg)
{
	struct prng rnd;
	struct vm_object *object;
	vm_ooffset_t offset;
	int i;

	prng_seed(&rnd, (uint64_t)(uintptr_t)arg);
	for (i = 0; i < 1500; i++) {
		object = forest_get((unsigned)prng_below(&rnd, FOREST));
		offset = 0;
		switch (prng_below(&rnd, 4)) {
		case 0:
			if (vm_object_shadow(&object, &offset, 16) == 0)
				forest_page(object, prng_below(&rnd, 16));
			forest_put((unsigned)prng_below(&rnd, FOREST), object);
			break;
		case 1:
			forest_put((unsigned)prng_below(&rnd, FOREST), object);
			break;
		case 2:
			chain_collapse_unchecked(object,
			    (unsigned)prng_below(&rnd, 2));
			vm_object_deallocate(object);
			break;
		default:
			vm_object_deallocate(object);
			break;
		}
	}
}

static void
forest_yield(const char *point)
{
	(void)point;
	sched_yield();
}

static void
forest_run(struct ktest_ctx *t, int nthreads)
{
	struct host_thread *ht[6];
	int i;

	for (i = 0; i < FOREST; i++)
		forest.tree[i] = chain_object(NULL, 0, 16, "0-7");
	for (i = 0; i < nthreads; i++)
		ht[i] = host_thread_start(forest_main,
		    (void *)(uintptr_t)prng_next(&t->prng));
	for (i = 0; i < nthreads; i++)
		host_thread_join(ht[i]);
	for (i = 0; i < FOREST; i++)
		vm_check_object(forest.tree[i]);
	for (i = 0; i < FOREST; i++)
		vm_object_deallocate(forest.tree[i]);
}

/* Do shadows, collapses and ends from all sides leave nothing behind? */
KTEST(collapse, threads_forest)
{
	forest_run(t, 6);
}

/* The same, where every schedule point is a pause. */
KTEST(collapse, threads_forest_paused)
{
	vm_sched_hook = forest_yield;
	forest_run(t, 4);
	vm_sched_hook = NULL;
}

/* ---- generations (figures: depth of the deepest chain) ---- */

#define GENS	10000
#define GPAGES	6

struct lineage {
	struct vmspace	*vm;
	uint64_t	 want[GPAGES];
};

static bool
lineage_fork(struct lineage *from, struct lineage *to)
{
	unsigned i;

	for (i = 0; i < GPAGES; i++)
		to->want[i] = from->want[i];
	return vmspace_fork(from->vm, &to->vm) == 0;
}

static void
lineage_write(struct lineage *l, unsigned page, uint64_t v)
{
	l->want[page] = v;
	(void)poke(l->vm, page, v);
}

static bool
lineage_right(struct lineage *l)
{
	unsigned i;

	for (i = 0; i < GPAGES; i++) {
		if (peek(l->vm, i) != l->want[i])
			return false;
	}
	return true;
}

static bool
lineage_begin(struct lineage *l)
{
	unsigned i;

	l->vm = vmspace_alloc();
	if (map_anon(l->vm, BASE, GPAGES, VM_INHERIT_COPY) != 0)
		return false;
	for (i = 0; i < GPAGES; i++)
		lineage_write(l, i, i);
	return true;
}

static unsigned
lineage_depth(const struct lineage *l)
{
	return chain_depth(entry_at(l->vm, BASE)->object);
}

/* One generation of each pattern; *l goes on. */
static bool
gen_children_exit(struct lineage *l, unsigned i)
{
	struct lineage c;
	bool right;

	if (!lineage_fork(l, &c))
		return false;
	lineage_write(&c, i % GPAGES, i);
	right = lineage_right(&c);
	sysref_put(c.vm);
	lineage_write(l, i / 7 % GPAGES, ~(uint64_t)i);
	return right;
}

static bool
gen_child_goes_on(struct lineage *l, unsigned i)
{
	struct lineage c;

	if (!lineage_fork(l, &c))
		return false;
	lineage_write(&c, i % GPAGES, i);
	sysref_put(l->vm);
	*l = c;
	return true;
}

static bool
gen_both_write(struct lineage *l, unsigned i)
{
	struct lineage c;
	bool right;

	if (!lineage_fork(l, &c))
		return false;
	lineage_write(l, i % GPAGES, i);
	lineage_write(&c, i * 5 % GPAGES, ~(uint64_t)i);
	right = lineage_right(l) && lineage_right(&c);
	sysref_put(i % 3 == 0 ? l->vm : c.vm);
	if (i % 3 == 0)
		*l = c;
	return right;
}

/* A server: its last children live on while it forks more. */
static bool
gen_server(struct lineage *l, unsigned i)
{
	static struct lineage pool[4];
	struct lineage *c = &pool[i % nitems(pool)];

	if (i >= nitems(pool)) {
		if (!lineage_right(c))
			return false;
		sysref_put(c->vm);
	}
	if (!lineage_fork(l, c))
		return false;
	lineage_write(l, i * 5 % GPAGES, i);
	lineage_write(c, i % GPAGES, ~(uint64_t)i);
	for (; i == GENS - 1 && c >= pool; c--)
		sysref_put(c->vm);
	return true;
}

/* Do all the chains of 10,000 generations stay short, their bytes right? */
KTEST(collapse, generations)
{
	static const struct {
		const char	*name;
		bool		(*fn)(struct lineage *l, unsigned i);
	} pattern[] = {
		{ "children exit", gen_children_exit },
		{ "the child goes on", gen_child_goes_on },
		{ "both write", gen_both_write },
		{ "server with 4 live children", gen_server },
	};
	struct lineage l;
	unsigned p, i, depth, deepest;

	for (p = 0; p < nitems(pattern); p++) {
		KT_CHECK(t, lineage_begin(&l), "begin");
		for (i = 0, deepest = 0; i < GENS; i++) {
			KT_CHECK(t, pattern[p].fn(&l, i) && lineage_right(&l),
			    "%s: generation %u", pattern[p].name, i);
			depth = lineage_depth(&l);
			deepest = MAX(deepest, depth);
		}
		vm_check_all();
		sysref_put(l.vm);
		ktest_diag(t, "%s: depth %u at most", pattern[p].name, deepest);
		KT_CHECK(t, deepest <= 8, "%s: depth %u", pattern[p].name,
		    deepest);
	}
}
