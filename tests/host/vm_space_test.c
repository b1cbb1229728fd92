/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_space_test.c: address spaces: what a child inherits, what fork costs, the
 * two stages of the end, and several threads at one map.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "harness.h"
#include "host_os.h"
#include "user_access.h"

#define BASE	0x10000000UL
#define P(n)	(BASE + ptoa(n))

static int
put(struct vmspace *vm, vm_pindex_t first, vm_pindex_t n,
    enum vm_inherit inherit)
{
	struct vm_map_args a = { .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL, .inherit = inherit };

	return vm_map_fixed(&vm->vm_map, P(first), ptoa(n), true, &a);
}

/* The byte at page i, or what the load returned plus 1000. */
static int
peek(struct vmspace *vm, vm_pindex_t i)
{
	uint8_t v;
	int error = user_load(&vm->vm_map, P(i), &v);

	return error == 0 ? v : 1000 + error;
}

static int
poke(struct vmspace *vm, vm_pindex_t i, uint8_t v)
{
	return user_store(&vm->vm_map, P(i), v);
}

/* ---- fork ---- */

/* Who sees whose writes, for each inheritance, touched before fork or not? */
KTEST(space, fork_inherits)
{
	static const struct {
		enum vm_inherit	inherit;
		int	child_first;	/* what the child reads after fork */
		int	child_untouched;
		int	child_sees;	/* after the parent wrote 2 */
		int	parent_sees;	/* after the child wrote 3 */
	} cases[] = {
		{ VM_INHERIT_SHARE, 1, 0, 2, 3 },
		{ VM_INHERIT_COPY, 1, 0, 1, 2 },
		{ VM_INHERIT_NONE, 1000 + EFAULT, 1000 + EFAULT,
		    1000 + EFAULT, 2 },
		{ VM_INHERIT_ZERO, 0, 0, 0, 2 },
	};
	struct vmspace *parent = vmspace_alloc(), *child;
	unsigned i;

	for (i = 0; i < nitems(cases); i++) {
		KT_CHECK(t, put(parent, 4 * i, 2, cases[i].inherit) == 0,
		    "put");
		KT_CHECK(t, poke(parent, 4 * i, 1) == 0, "store");
	}
	KT_CHECK(t, vmspace_fork(parent, &child) == 0, "fork");
	vm_check_all();
	for (i = 0; i < nitems(cases); i++) {
		KT_CHECK(t, peek(child, 4 * i) == cases[i].child_first,
		    "case %u: child reads %d", i, peek(child, 4 * i));
		KT_CHECK(t, peek(child, 4 * i + 1) == cases[i].child_untouched,
		    "case %u: child reads %d", i, peek(child, 4 * i + 1));
		KT_CHECK(t, poke(parent, 4 * i, 2) == 0, "parent");
		KT_CHECK(t, peek(child, 4 * i) == cases[i].child_sees,
		    "case %u: child reads %d", i, peek(child, 4 * i));
		(void)poke(child, 4 * i, 3);
		KT_CHECK(t, peek(parent, 4 * i) == cases[i].parent_sees,
		    "case %u: parent reads %d", i, peek(parent, 4 * i));
	}
	vm_check_all();
	sysref_put(parent);
	KT_CHECK(t, peek(child, 0) == 3 && peek(child, 4) == 3, "survivor");
	sysref_put(child);
}

/* Shared memory that nobody has touched is one object in all descendants. */
KTEST(space, fork_shares_untouched_memory)
{
	struct vmspace *a = vmspace_alloc(), *b, *c;

	KT_CHECK(t, put(a, 0, 4, VM_INHERIT_SHARE) == 0, "put");
	KT_CHECK(t, vmspace_fork(a, &b) == 0 && vmspace_fork(b, &c) == 0,
	    "fork");
	KT_CHECK(t, poke(c, 2, 7) == 0, "store");
	KT_CHECK(t, peek(a, 2) == 7 && peek(b, 2) == 7, "%d %d", peek(a, 2),
	    peek(b, 2));
	/* It cannot become private again: COPY means SHARE here. */
	KT_CHECK(t, vm_map_inherit(&a->vm_map, P(0), P(4), VM_INHERIT_COPY)
	    == 0, "inherit");
	sysref_put(b);
	KT_CHECK(t, vmspace_fork(a, &b) == 0, "fork");
	KT_CHECK(t, poke(b, 1, 8) == 0 && peek(c, 1) == 8, "%d", peek(c, 1));
	sysref_put(a);
	sysref_put(b);
	sysref_put(c);
}

/* Five generations, each writes its own page and reads all others'. */
KTEST(space, fork_tree_keeps_everyones_bytes)
{
	struct vmspace *vm[6];
	unsigned i, j;

	vm[0] = vmspace_alloc();
	KT_CHECK(t, put(vm[0], 0, 8, VM_INHERIT_COPY) == 0, "put");
	for (i = 0; i < 6; i++) {
		if (i > 0)
			KT_CHECK(t, vmspace_fork(vm[i - 1], &vm[i]) == 0,
			    "fork %u", i);
		KT_CHECK(t, poke(vm[i], i, (uint8_t)(10 + i)) == 0, "store");
	}
	for (i = 0; i < 6; i++) {
		for (j = 0; j < 6; j++)
			KT_CHECK(t, peek(vm[i], j) ==
			    (j <= i ? 10 + (int)j : 0), "%u reads %d at %u",
			    i, peek(vm[i], j), j);
	}
	/* The middle dies first. */
	for (i = 0; i < 6; i++) {
		sysref_put(vm[(i + 2) % 6]);
		vm_check_all();
	}
}

/* Wired memory: the child gets a copy, the parent's page stays in place. */
KTEST(space, fork_leaves_wired_pages_in_place)
{
	struct vmspace *parent = vmspace_alloc(), *child;
	vm_paddr_t pa;

	KT_CHECK(t, put(parent, 0, 4, VM_INHERIT_COPY) == 0, "put");
	KT_CHECK(t, poke(parent, 1, 5) == 0, "store");
	KT_CHECK(t, vm_map_wire(&parent->vm_map, P(0), P(4)) == 0, "wire");
	pa = pmap_extract(parent->vm_pmap, P(1), NULL);
	KT_CHECK(t, vmspace_fork(parent, &child) == 0, "fork");
	KT_CHECK(t, poke(parent, 1, 6) == 0, "store");
	KT_CHECK(t, pmap_extract(parent->vm_pmap, P(1), NULL) == pa,
	    "the wired page moved");
	KT_CHECK(t, peek(child, 1) == 5, "child reads %d", peek(child, 1));
	KT_CHECK(t, pmap_wired_count(child->vm_pmap) == 0, "child is wired");
	vm_check_all();
	sysref_put(parent);
	sysref_put(child);
}

/* Fork write-protects adjacent entries in one call, and only what may be
 * written; a second fork without writes has nothing left to do. */
KTEST(space, fork_protects_once)
{
	struct vmspace *parent = vmspace_alloc(), *child;
	struct fake_stats was, is;
	vm_pindex_t i;

	KT_CHECK(t, put(parent, 0, 8, VM_INHERIT_COPY) == 0, "put");
	for (i = 0; i < 8; i++)
		KT_CHECK(t, poke(parent, i, 1) == 0, "store");
	KT_CHECK(t, vm_map_protect(&parent->vm_map, P(0), P(2), VM_PROT_READ,
	    false) == 0, "protect");
	KT_CHECK(t, vm_map_protect(&parent->vm_map, P(4), P(6), VM_PROT_ALL,
	    false) == 0, "protect");
	was = fake_pmap_stats();
	KT_CHECK(t, vmspace_fork(parent, &child) == 0, "fork");
	is = fake_pmap_stats();
	KT_CHECK(t, is.protects == was.protects + 1, "%lu calls",
	    is.protects - was.protects);
	sysref_put(child);
	was = fake_pmap_stats();
	KT_CHECK(t, vmspace_fork(parent, &child) == 0, "fork");
	is = fake_pmap_stats();
	KT_CHECK(t, is.protects == was.protects, "%lu calls",
	    is.protects - was.protects);
	sysref_put(child);
	sysref_put(parent);
}

/* Each allocation of fork fails in turn: nothing is left behind and the parent
 * is as it was. */
KTEST(space, fork_survives_want_of_memory)
{
	struct vmspace *parent = vmspace_alloc(), *child = NULL;
	uint64_t n, spaces = vmspace_count();
	int error = ENOMEM;
	vm_pindex_t i;

	for (i = 0; i < 4; i++) {
		KT_CHECK(t, put(parent, 4 * i, 3, i == 3 ? VM_INHERIT_SHARE :
		    VM_INHERIT_COPY) == 0, "put");
		KT_CHECK(t, poke(parent, 4 * i, (uint8_t)(i + 1)) == 0,
		    "store");
	}
	KT_CHECK(t, vm_map_wire(&parent->vm_map, P(4), P(7)) == 0, "wire");
	for (n = 1; error != 0; n++) {
		zone_fail_nth(n);
		error = vmspace_fork(parent, &child);
		zone_fail_nth(0);
		KT_CHECK(t, error == 0 || error == ENOMEM, "%d", error);
		KT_CHECK(t, vmspace_count() == spaces + (error == 0),
		    "%lu spaces", vmspace_count());
		vm_check_all();
		for (i = 0; i < 4; i++)
			KT_CHECK(t, peek(parent, 4 * i) == (int)i + 1,
			    "page %lu", 4 * i);
		KT_CHECK(t, poke(parent, 1, (uint8_t)n) == 0, "store");
	}
	KT_CHECK(t, n > 6, "only %lu allocations", n);
	sysref_put(child);

	error = ENOMEM;
	for (n = 1; error != 0; n++) {
		vm_phys_fail_nth(n);
		error = vmspace_fork(parent, &child);
		vm_phys_fail_nth(0);
		KT_CHECK(t, error == 0 || error == ENOMEM, "%d", error);
		vm_check_all();
	}
	sysref_put(child);
	sysref_put(parent);
}

/* ---- the end ---- */

KTEST(space, ends_in_two_stages)
{
	struct vmspace *vm = vmspace_alloc();
	uint64_t spaces = vmspace_count(), objects = vm_object_count();

	KT_CHECK(t, put(vm, 0, 4, VM_INHERIT_COPY) == 0, "put");
	KT_CHECK(t, poke(vm, 0, 1) == 0, "store");
	vmspace_ref(vm);
	vmspace_hold(vm);
	sysref_put(vm);
	KT_CHECK(t, vm->vm_state == VMSPACE_RUN && peek(vm, 0) == 1,
	    "one user is left: state %d", vm->vm_state);
	sysref_put(vm);
	KT_CHECK(t, vm->vm_state == VMSPACE_STAGE1, "state %d", vm->vm_state);
	KT_CHECK(t, vm->vm_map.nentries == 0 && vm->vm_map.size == 0 &&
	    vmspace_resident_count(vm) == 0, "mappings are left");
	KT_CHECK(t, vm_object_count() == objects, "objects are left");
	KT_CHECK(t, vmspace_count() == spaces, "freed under an observer");
	vmspace_drop(vm);
	KT_CHECK(t, vmspace_count() == spaces - 1, "not freed");
}

static void
use_after_end(void *p)
{
	struct vmspace *vm = p;

	vmspace_hold(vm);
	sysref_put(vm);
	vmspace_ref(vm);
}

KTEST(space, dead_space_cannot_be_used_again)
{
	struct vmspace *vm = vmspace_alloc();

	KT_CHECK(t, host_panics(use_after_end, vm, "used again"), "no panic");
	sysref_put(vm);
}

struct visit {
	struct vm_map	*want;
	unsigned	 total, found;
};

static void
visit_map(struct vm_map *map, void *p)
{
	struct visit *v = p;

	v->total++;
	v->found += map == v->want;
	vm_map_check(map);
}

KTEST(space, foreach_visits_every_map_once)
{
	struct vmspace *vm[3];
	struct visit v;
	unsigned i;

	for (i = 0; i < 3; i++)
		vm[i] = vmspace_alloc();
	for (i = 0; i < 3; i++) {
		v = (struct visit){ .want = &vm[i]->vm_map };
		vm_map_foreach(visit_map, &v);
		KT_CHECK(t, v.found == 1 && v.total == vmspace_count() + 1,
		    "found %u of %u", v.found, v.total);
	}
	for (i = 0; i < 3; i++)
		sysref_put(vm[i]);
}

/* ---- threads ---- */

#define NTHREADS	3
#define ROUNDS		300
#define OWN		8	/* pages of each thread */

struct racer {
	struct vmspace	*vm;
	unsigned	 id;
	unsigned	 bad;		/* wrong values seen */
	struct prng	 prng;
};

/*
 * Each thread owns pages of one map and always knows what is in them, while all
 * of them change the map and fork it.
 */
static void
racer_thread(void *p)
{
	struct racer *r = p;
	vm_pindex_t first = 4 + r->id * 2 * OWN, i;
	struct vm_map *map = &r->vm->vm_map;
	struct vmspace *child;
	unsigned round;
	uint8_t v;

	for (round = 0; round < ROUNDS; round++) {
		v = (uint8_t)(round + 1);
		i = first + prng_below(&r->prng, OWN);
		r->bad += poke(r->vm, i, v) != 0;
		r->bad += peek(r->vm, i) != v;
		switch (prng_below(&r->prng, 6)) {
		case 0:
			r->bad += vmspace_fork(r->vm, &child) != 0;
			r->bad += peek(child, i) != v;
			r->bad += poke(child, i, 77) != 0;
			sysref_put(child);
			break;
		case 1:
			r->bad += vm_map_protect(map, P(i), P(i + 1),
			    VM_PROT_READ, false) != 0;
			r->bad += poke(r->vm, i, 9) != EACCES;
			r->bad += vm_map_protect(map, P(first),
			    P(first + OWN), VM_PROT_RW, false) != 0;
			break;
		case 2:
			r->bad += vm_map_remove(map, P(i), P(i + 1)) != 0;
			r->bad += peek(r->vm, i) != 1000 + EFAULT;
			r->bad += put(r->vm, i, 1, VM_INHERIT_COPY) != 0;
			r->bad += peek(r->vm, i) != 0;
			break;
		case 3:
			r->bad += vm_map_wire(map, P(i), P(i + 1)) != 0;
			r->bad += peek(r->vm, i) != v;
			r->bad += vm_map_unwire(map, P(i), P(i + 1)) != 0;
			break;
		case 4:
			r->bad += vm_map_dontneed(map, P(i), P(i + 1)) != 0;
			r->bad += peek(r->vm, i) != 0;
			break;
		default:
			/* everybody's page: any value, but no error */
			r->bad += poke(r->vm, 0, v) != 0;
			r->bad += peek(r->vm, 0) >= 1000;
			break;
		}
	}
}

KTEST(space, threads_share_a_map)
{
	struct vmspace *vm = vmspace_alloc();
	struct racer r[NTHREADS];
	struct host_thread *ht[NTHREADS];
	unsigned i;

	KT_CHECK(t, put(vm, 0, 1, VM_INHERIT_COPY) == 0, "put");
	for (i = 0; i < NTHREADS; i++) {
		KT_CHECK(t, put(vm, 4 + i * 2 * OWN, OWN, VM_INHERIT_COPY) ==
		    0, "put");
		r[i] = (struct racer){ .vm = vm, .id = i };
		prng_seed(&r[i].prng, t->seed + i);
	}
	for (i = 0; i < NTHREADS; i++)
		ht[i] = host_thread_start(racer_thread, &r[i]);
	for (i = 0; i < NTHREADS; i++)
		host_thread_join(ht[i]);
	for (i = 0; i < NTHREADS; i++)
		KT_CHECK(t, r[i].bad == 0, "thread %u: %u wrong", i, r[i].bad);
	vm_check_all();
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 0, "wired pages left");
	sysref_put(vm);
}
