/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stress_map.c: every operation on maps at once, by many threads, on spaces
 * that share ancestors and memory: does a page ever show another page's bytes,
 * and is everything given back?
 *
 * Each word written carries the number of its page; forks, inheritance by
 * sharing and wiring leave that true.
 */
#include <lib/atomic.h>
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/md.h>
#include <sys/smp.h>
#include <vm/vm_check.h>

#include "../kern/kt_group.h"
#include "space.h"

#define NPAGES		48
#define NSPACES		3
#define QUICK_STEPS	30000		/* by all threads */
#define QUICK_TIME	(4 * NSEC_PER_SEC)
#define LONG_STEPS	2000000
#define LONG_TIME	(120 * NSEC_PER_SEC)

struct map_race {
	struct vmspace	*space[NSPACES];
	unsigned	 steps;		/* [a] begun by all */
	unsigned	 limit;		/* [c] */
	nsec_t		 until;		/* [c] */
	unsigned	 forks, wires;	/* [a] that succeeded */
};

static struct kt_group	group;
static struct map_race	race;

struct range {
	vm_pindex_t	page, n;
	vm_offset_t	start, end;
};

static struct range
pick_range(struct kt_thread *kt)
{
	struct range r;

	r.page = prng_below(&kt->prng, NPAGES);
	r.n = 1 + prng_below(&kt->prng, MIN(NPAGES - r.page, 8UL));
	r.start = SPACE_BASE + ptoa(r.page);
	r.end = r.start + ptoa(r.n);
	return r;
}

/* ---- the bytes ---- */

static void
look(struct kt_thread *kt, const char *where)
{
	vm_pindex_t page = prng_below(&kt->prng, NPAGES);
	unsigned i = (unsigned)prng_below(&kt->prng, PAGE_SIZE / 8);
	uint64_t v;

	if (fuword64(space_word(page, i), &v) != 0)
		return;
	KT_CLAIM(kt, v == 0 || v >> 32 == page + 1,
	    "%s: word %u of page %lu is %lx", where, i, page, v);
}

static void
mark(struct kt_thread *kt)
{
	vm_pindex_t page = prng_below(&kt->prng, NPAGES);
	unsigned i = (unsigned)prng_below(&kt->prng, PAGE_SIZE / 8);

	uint64_t v = (page + 1) << 32 | (uint32_t)prng_next(&kt->prng);
	int error = suword64(space_word(page, i), v);

	KT_CLAIM(kt, error == 0 || error == EFAULT, "store: %d", error);
}

static void
touch(struct kt_thread *kt, const char *where)
{
	if (prng_below(&kt->prng, 2) == 0)
		mark(kt);
	else
		look(kt, where);
}

/* ---- the operations ---- */

static void
do_fork(struct kt_thread *kt, struct vmspace *vm)
{
	struct vmspace *child;
	unsigned i;

	if (vmspace_fork(vm, &child) != 0)
		return;
	atomic_add(&race.forks, 1);
	space_borrow(child);
	for (i = 0; i < 30; i++)
		touch(kt, "child");
	space_end(child);
}

static void
do_wire(struct kt_thread *kt, struct vmspace *vm, struct range r)
{
	int error = vm_map_wire(&vm->vm_map, r.start, r.end);

	KT_CLAIM(kt, error == 0 || error == ENOMEM || error == EFAULT ||
	    error == EACCES || error == EINVAL, "wire: %d", error);
	if (error != 0)
		return;
	atomic_add(&race.wires, 1);
	touch(kt, "wired");
	error = vm_map_unwire(&vm->vm_map, r.start, r.end);
	KT_CLAIM(kt, error == 0 || error == ENOMEM || error == EINVAL,
	    "unwire: %d", error);
}

static int
do_protect(struct kt_thread *kt, struct vmspace *vm, struct range r)
{
	static const vm_prot_t prots[] = { VM_PROT_NONE, VM_PROT_READ,
	    VM_PROT_RW, VM_PROT_RW };

	return vm_map_protect(&vm->vm_map, r.start, r.end,
	    prots[prng_below(&kt->prng, nitems(prots))], false);
}

static int
do_inherit(struct kt_thread *kt, struct vmspace *vm, struct range r)
{
	return vm_map_inherit(&vm->vm_map, r.start, r.end,
	    (enum vm_inherit)prng_below(&kt->prng, VM_INHERIT_ZERO + 1));
}

static void
operate(struct kt_thread *kt, struct vmspace *vm)
{
	struct range r = pick_range(kt);
	int error = 0;

	switch (prng_below(&kt->prng, 40)) {
	case 0:
		do_fork(kt, vm);
		break;
	case 1:
		do_wire(kt, vm, r);
		break;
	case 2:
	case 3:
		error = vm_map_remove(&vm->vm_map, r.start, r.end);
		break;
	case 4:
	case 5:
	case 6:
		error = space_map(vm, r.page, r.n, VM_INHERIT_COPY);
		break;
	case 7:
	case 8:
		error = do_protect(kt, vm, r);
		break;
	case 9:
		error = do_inherit(kt, vm, r);
		break;
	case 10:
		error = vm_map_dontneed(&vm->vm_map, r.start, r.end);
		break;
	default:
		touch(kt, "space");
		break;
	}
	KT_CLAIM(kt, error == 0 || error == ENOMEM || error == EINVAL ||
	    error == EACCES, "error %d", error);
}

static void
race_main(struct kt_thread *kt)
{
	struct vmspace *vm;

	while (atomic_fetchadd(&race.steps, 1) < race.limit &&
	    md_uptime() < race.until) {
		vm = race.space[prng_below(&kt->prng, NSPACES)];
		space_borrow(vm);
		operate(kt, vm);
		space_borrow(NULL);
	}
}

/* ---- the tests ---- */

/* The second and third space begin as children of the first, a third of their
 * memory shared with it. */
static bool
race_begin(void)
{
	struct vmspace **s = race.space;

	return (s[0] = vmspace_alloc()) != NULL &&
	    space_map(s[0], 0, NPAGES, VM_INHERIT_COPY) == 0 &&
	    vm_map_inherit(&s[0]->vm_map, SPACE_BASE, SPACE_BASE +
	    ptoa(NPAGES / 3), VM_INHERIT_SHARE) == 0 &&
	    vmspace_fork(s[0], &s[1]) == 0 && vmspace_fork(s[0], &s[2]) == 0;
}

static void
race_run(struct ktest_ctx *t, unsigned steps, nsec_t time)
{
	struct vm_baseline before;
	unsigned i, bad;

	vm_baseline_take(&before);
	race = (struct map_race){ .limit = steps,
	    .until = md_uptime() + time };
	KT_CHECK(t, race_begin(), "no memory");
	bad = kt_group_run(&group, t, MIN(2 * (unsigned)mp_ncpus, 16),
	    race_main, NULL);
	vm_check_all();
	for (i = 0; i < NSPACES; i++)
		space_end(race.space[i]);
	vm_check_all();
	ktest_diag(t, "%u steps, %u forks, %u wirings, seed %lu",
	    MIN(race.steps, steps), race.forks, race.wires, t->seed);
	KT_CHECK(t, bad == 0, "%u claims", bad);
	KT_CHECK(t, vm_baseline_check(&before, kprintf) == 0, "baseline");
}

KTEST(stress, map_operations)
{
	race_run(t, QUICK_STEPS, QUICK_TIME);
}

KTEST_FLAGS(stress, map_operations_long, KTEST_SLOW)
{
	race_run(t, LONG_STEPS, LONG_TIME);
}
