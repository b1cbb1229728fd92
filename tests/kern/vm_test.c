/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_test.c: faults, copy on write and unmapping with true page tables, true
 * traps and all CPUs: kernel threads borrow address spaces and reach them by
 * copyin and copyout, as a process would.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/md.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <sys/uaddr.h>
#include <vm/pmap.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#include "../stress/space.h"
#include "kt_group.h"

static struct kt_group group;

/* ---- address spaces ---- */

/* The word of the borrowed space, or a value no test writes. */
static uint64_t
peek(vm_pindex_t page, unsigned i)
{
	uint64_t v;

	return fuword64(space_word(page, i), &v) == 0 ? v :
	    0xeeeeeeeeeeeeeeeeUL;
}

static bool
poke(vm_pindex_t page, unsigned i, uint64_t v)
{
	return suword64(space_word(page, i), v) == 0;
}

/* ---- one thread, a random family ---- */

#define FAMILY	6
#define FPAGES	24

struct family {
	struct vmspace	*vm[FAMILY];
	uint64_t	 want[FAMILY][FPAGES];
};

static struct family family;

static void
family_fork(struct family *f, unsigned from, unsigned to)
{
	unsigned i;

	if (f->vm[to] != NULL || vmspace_fork(f->vm[from], &f->vm[to]) != 0)
		return;
	for (i = 0; i < FPAGES; i++)
		f->want[to][i] = f->want[from][i];
}

static bool
family_access(struct ktest_ctx *t, struct family *f, unsigned who)
{
	vm_pindex_t page = prng_below(&t->prng, FPAGES);

	space_borrow(f->vm[who]);
	if (prng_below(&t->prng, 2) == 0) {
		f->want[who][page] = prng_next(&t->prng);
		if (!poke(page, 3, f->want[who][page]))
			return false;
	}
	return peek(page, 3) == f->want[who][page];
}

static void
family_step(struct ktest_ctx *t, struct family *f)
{
	unsigned who = (unsigned)prng_below(&t->prng, FAMILY);

	if (f->vm[who] == NULL)
		return;
	switch (prng_below(&t->prng, 12)) {
	case 0:
		family_fork(f, who, (unsigned)prng_below(&t->prng, FAMILY));
		break;
	case 1:
		if (who != 0) {
			space_end(f->vm[who]);
			f->vm[who] = NULL;
		}
		break;
	default:
		KT_CHECK(t, family_access(t, f, who), "space %u", who);
		break;
	}
}

/* Does everybody always read what he or his ancestors wrote last? */
KTEST(vm, cow_oracle)
{
	struct family *f = &family;
	struct vm_baseline before;
	unsigned i;

	vm_baseline_take(&before);
	*f = (struct family){ .vm = { vmspace_alloc() } };
	KT_CHECK(t, f->vm[0] != NULL &&
	    space_map(f->vm[0], 0, FPAGES, VM_INHERIT_COPY) == 0,
	    "map");
	for (i = 0; i < 20000 && !t->failed; i++) {
		family_step(t, f);
		if (i % 2000 == 0)
			vm_check_all();
	}
	for (i = 0; i < FAMILY; i++) {
		if (f->vm[i] != NULL)
			space_end(f->vm[i]);
	}
	vm_check_all();
	KT_CHECK(t, vm_baseline_check(&before, kprintf) == 0, "baseline");
}

/* ---- many threads ---- */

/* A family of its own, from a common ancestor. */
static void
storm_thread(struct kt_thread *kt)
{
	struct vmspace *vm, *child;
	vm_pindex_t page;
	uint64_t v;
	int round;

	if (vmspace_fork(kt->group->arg, &vm) != 0)
		return;
	for (round = 0; round < 150; round++) {
		page = prng_below(&kt->prng, 16);
		v = prng_next(&kt->prng);
		space_borrow(vm);
		KT_CLAIM(kt, poke(page, 1, v), "round %d", round);
		if (vmspace_fork(vm, &child) != 0)
			continue;
		space_borrow(child);
		KT_CLAIM(kt, peek(page, 1) == v && peek(16, 0) == 0x77 &&
		    peek(17, 0) == 0, "child in round %d", round);
		KT_CLAIM(kt, poke(page, 1, ~v), "child in round %d", round);
		space_borrow(vm);
		KT_CLAIM(kt, peek(page, 1) == v, "parent in round %d", round);
		if (prng_below(&kt->prng, 2) == 0) {
			space_end(vm);
			vm = child;
		} else {
			space_end(child);
		}
	}
	space_end(vm);
}

static unsigned
crowd(void)
{
	return MIN(2 * (unsigned)mp_ncpus, 16);
}

/* Do families that share ancestors disturb each other? */
KTEST(vm, fork_storm)
{
	struct vm_baseline before;
	struct vmspace *vm;

	vm_baseline_take(&before);
	vm = vmspace_alloc();
	KT_CHECK(t, vm != NULL &&
	    space_map(vm, 0, 18, VM_INHERIT_COPY) == 0, "map");
	space_borrow(vm);
	KT_CHECK(t, poke(16, 0, 0x77), "write");
	KT_CHECK(t, kt_group_run(&group, t, crowd(), storm_thread, vm) == 0,
	    "claims");
	KT_CHECK(t, peek(3, 1) == 0 && peek(16, 0) == 0x77,
	    "the ancestor changed");
	vm_check_all();
	space_end(vm);
	vm_check_all();
	KT_CHECK(t, vm_baseline_check(&before, kprintf) == 0, "baseline");
}

/* Threads of one process: each has a word of its own in every page. */
static void
touch_thread(struct kt_thread *kt)
{
	unsigned round, me = kt->index;
	vm_pindex_t page;

	space_borrow(kt->group->arg);
	for (round = 1; round <= 3; round++) {
		for (page = 0; page < 256; page++) {
			KT_CLAIM(kt, poke(page, me, round * 100 + me) &&
			    peek(page, me) == round * 100 + me,
			    "page %lu of thread %u", page, me);
		}
	}
	space_borrow(NULL);
}

/* Is no write lost while threads first touch, and a fork copies, a space? */
KTEST(vm, shared_touch)
{
	uint64_t zfod = vm_meter_sum(VM_METER_v_zfod);
	struct vmspace *vm = vmspace_alloc(), *child;
	unsigned i;

	KT_CHECK(t, vm != NULL &&
	    space_map(vm, 0, 256, VM_INHERIT_COPY) == 0, "map");
	kt_group_start(&group, t, crowd(), touch_thread, vm);
	for (i = 0; i < 20; i++) {
		if (vmspace_fork(vm, &child) == 0)
			sysref_put(child);
	}
	KT_CHECK(t, kt_group_join(&group) == 0, "claims");
	KT_CHECK(t, vm_meter_sum(VM_METER_v_zfod) == zfod + 256,
	    "%lu pages filled", vm_meter_sum(VM_METER_v_zfod) - zfod);
	vm_check_all();
	space_end(vm);
}

/* Even threads touch, odd ones unmap and map again, the same pages. */
static void
race_thread(struct kt_thread *kt)
{
	struct vmspace *vm = kt->group->arg;
	struct vm_map_args fresh = { .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL, .inherit = VM_INHERIT_COPY };
	vm_offset_t start;
	vm_pindex_t page;
	vm_size_t len;
	uint64_t v;
	int i;

	space_borrow(vm);
	for (i = 0; i < 2000; i++) {
		page = prng_below(&kt->prng, 64);
		if (kt->index % 2 == 0) {
			(void)poke(page, kt->index, page);
			v = peek(page, kt->index);
			KT_CLAIM(kt, v == 0 || v == page ||
			    v == 0xeeeeeeeeeeeeeeeeUL, "page %lu: %lx", page,
			    v);
			continue;
		}
		start = SPACE_BASE + ptoa(page);
		len = ptoa(1 + prng_below(&kt->prng, 64 - page));
		KT_CLAIM(kt, vm_map_remove(&vm->vm_map, start, start + len) ==
		    0, "unmap");
		KT_CLAIM(kt, vm_map_fixed(&vm->vm_map, start, len, false,
		    &fresh) == 0, "map");
	}
	space_borrow(NULL);
}

/* Does a page that is unmapped while it is touched ever show other bytes? */
KTEST(vm, unmap_race)
{
	struct vmspace *vm = vmspace_alloc();

	KT_CHECK(t, vm != NULL &&
	    space_map(vm, 0, 64, VM_INHERIT_COPY) == 0, "map");
	KT_CHECK(t, kt_group_run(&group, t, crowd(), race_thread, vm) == 0,
	    "claims");
	vm_check_all();
	space_end(vm);
	vm_check_all();
}

/* ---- what a fault costs ---- */

#define COST_PAGES	512

static uint64_t
cost(uint64_t since)
{
	return (md_cycles() - since) / COST_PAGES;
}

static uint64_t
cost_write(void)
{
	uint64_t start = md_cycles();
	vm_pindex_t page;

	for (page = 0; page < COST_PAGES; page++)
		(void)poke(page, 0, 1);
	return cost(start);
}

static uint64_t
cost_read(void)
{
	uint64_t start = md_cycles();
	vm_pindex_t page;

	for (page = 0; page < COST_PAGES; page++)
		(void)peek(page, 0);
	return cost(start);
}

/*
 * Cycles of each kind of fault, trap and copy included; instructions under
 * qemu -icount shift=0.
 */
KTEST(vm, fault_cost)
{
	struct vmspace *vm = vmspace_alloc(), *child;
	uint64_t zero, again, cow, start, fork, unmap;

	KT_CHECK(t, vm != NULL &&
	    space_map(vm, 0, COST_PAGES, VM_INHERIT_COPY) == 0, "map");
	space_borrow(vm);
	zero = cost_write();
	start = md_cycles();
	KT_CHECK(t, vmspace_fork(vm, &child) == 0, "fork");
	fork = cost(start);
	space_borrow(child);
	again = cost_read();
	cow = cost_write();
	start = md_cycles();
	space_end(child);
	unmap = cost(start);
	ktest_diag(t, "cycles a page: zero fill %lu, read of parent's %lu, "
	    "copy on write %lu, fork %lu, exit %lu", zero, again, cow, fork,
	    unmap);
	space_end(vm);
}

/* ---- waits ---- */

#define HELD	(20 * NSEC_PER_MSEC)

/* A thread waits for the pins of an object. */
struct pinned {
	struct vm_object	*object;	/* [c] */
	struct thread		*waiter;	/* [a] */
};

static void
pins_wait(struct kt_thread *kt)
{
	struct pinned *p = kt->group->arg;

	atomic_store(&p->waiter, curthread);
	vm_object_lock(p->object);
	vm_object_paging_wait(p->object, "ktpins");
	KT_CLAIM(kt, !vm_object_paging(p->object), "woken with a pin");
	vm_object_unlock(p->object);
}

/* Does the counter of waits know how long one took at least, and where? */
KTEST(vm, longest_wait)
{
	struct pinned p = { .object = vm_object_allocate(OBJT_DEFAULT, 1) };
	uint64_t waits = vm_meter_sum(VM_METER_v_waits);
	nsec_t before, now, since;
	const char *name;

	(void)vm_meter_longest(&before);
	vm_object_lock(p.object);
	vm_object_paging_begin(p.object);
	vm_object_unlock(p.object);
	kt_group_start(&group, t, 1, pins_wait, &p);
	while (atomic_load(&p.waiter) == NULL ||
	    atomic_load(&p.waiter->td_wchan) == NULL ||
	    (p.waiter->td_wflags & PLOCK) != 0)
		sched_yield();
	for (since = md_uptime(); md_uptime() - since < HELD;)
		sched_yield();
	vm_object_paging_end(p.object);
	KT_CHECK(t, kt_group_join(&group) == 0, "waiter");
	vm_object_deallocate(p.object);
	name = vm_meter_longest(&now);
	KT_CHECK(t, vm_meter_sum(VM_METER_v_waits) > waits, "not counted");
	KT_CHECK(t, now >= HELD && now == vm_meter_sum(VM_METER_v_wait_max),
	    "longest %lu ns", now);
	KT_CHECK(t, before >= now || strcmp(name, "ktpins") == 0,
	    "longest in %s", name);
}
