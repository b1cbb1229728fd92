/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain_test.c: shadow chains on all CPUs, with chaos at the schedule points:
 * families that fork from common ancestors, read and write through them, and
 * end in any order (scenarios 1, 5, 6); pins (7); partly unmapped memory (11);
 * chains of 10,000 objects on a small stack.
 */
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <sys/uaddr.h>
#include <vm/pmap.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>
#include <vm/vm_collapse.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_sched.h>

#include "../stress/space.h"
#include "kt_group.h"

#define NPAGES	12

static struct kt_group group;

static uint64_t
peek(vm_pindex_t page)
{
	uint64_t v;

	return fuword64(space_word(page, 1), &v) == 0 ? v :
	    0xeeeeeeeeeeeeeeeeUL;
}

static bool
poke(vm_pindex_t page, uint64_t v)
{
	return suword64(space_word(page, 1), v) == 0;
}

static unsigned
crowd(void)
{
	return MIN(2 * (unsigned)mp_ncpus, 16);
}

/* The object at SPACE_BASE; nothing else changes vm's map. */
static struct vm_object *
first_object(struct vmspace *vm)
{
	struct vm_map_entry *entry;
	struct vm_object *object = NULL;

	vm_map_lock_read(&vm->vm_map);
	if (vm_map_lookup_entry(&vm->vm_map, SPACE_BASE, &entry))
		object = entry->object;
	vm_map_unlock_read(&vm->vm_map);
	return object;
}

/* ---- stack ---- */

static uintptr_t stack_low;		/* [t] lowest frame at a point */

static void
stack_point(const char *point)
{
	(void)point;
	stack_low = MIN(stack_low, (uintptr_t)__builtin_frame_address(0));
}

static struct vm_object *
long_chain(unsigned n, bool pages)
{
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, n), *new;
	struct vm_page *m;
	vm_ooffset_t offset;
	unsigned i;

	for (i = 0; i < n; i++) {
		new = object;
		offset = 0;
		vm_object_reference(object);
		if (vm_object_shadow(&new, &offset, n) != 0)
			return object;
		/* The shadow has our second reference; the first goes. */
		atomic_sub(&object->ref_count, 1);
		object = new;
		vm_object_lock(object);
		if (pages && (m = vm_page_alloc(object, i % 64,
		    VM_ALLOC_ZERO)) != NULL)
			vm_page_unbusy(m);
		vm_object_unlock(object);
	}
	return object;
}

/* Do 10,000 objects end, and merge, within 2 KiB of stack? */
KTEST(chains, long_chain_small_stack)
{
	uint64_t before = vm_object_count();
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	struct vm_object_todo todo = { .n = 0 };
	void (*hook)(const char *) = vm_sched_hook;
	struct vm_object *object;

	vm_sched_hook = stack_point;
	stack_low = here;
	object = long_chain(10000, false);
	vm_object_deallocate(object);
	KT_CHECK(t, vm_object_count() == before, "%lu objects left",
	    vm_object_count() - before);
	object = long_chain(10000, true);
	vm_object_lock(object);
	vm_object_collapse(object, VM_COLLAPSE_WAIT, &todo);
	vm_object_unlock(object);
	vm_object_deallocate_todo(&todo);
	vm_sched_hook = hook;
	KT_CHECK(t, vm_object_depth(object) == 1, "depth %u",
	    vm_object_depth(object));
	vm_object_deallocate(object);
	KT_CHECK(t, here - stack_low < 2048 && stack_low != here,
	    "%lu bytes of stack", here - stack_low);
	ktest_diag(t, "%lu bytes of stack", here - stack_low);
}

/* ---- families with common ancestors ---- */

#define POOL	12

/* An address space whose contents are final; [lock] refs. */
struct member {
	struct vmspace	*vm;
	unsigned	 refs;
	uint64_t	 want[NPAGES];
};

static struct {
	struct spinlock	 lock;
	struct member	 member[POOL * 4];
	struct member	*pool[POOL];	/* [lock] */
} pool;

static struct member *
pool_get(unsigned i)
{
	struct member *m;

	spin_lock(&pool.lock);
	m = pool.pool[i];
	if (m != NULL)
		m->refs++;
	spin_unlock(&pool.lock);
	return m;
}

static void
pool_drop(struct member *m)
{
	struct vmspace *vm = NULL;

	spin_lock(&pool.lock);
	if (--m->refs == 0)
		vm = m->vm;
	spin_unlock(&pool.lock);
	if (vm == NULL)
		return;
	sysref_put(vm);
	spin_lock(&pool.lock);
	m->vm = NULL;
	spin_unlock(&pool.lock);
}

/* A free member, with one reference; NULL: all are in use. */
static struct member *
pool_new(void)
{
	struct member *m;

	spin_lock(&pool.lock);
	for (m = pool.member; m < pool.member + nitems(pool.member); m++) {
		if (m->refs == 0 && m->vm == NULL) {
			m->refs = 1;
			break;
		}
	}
	spin_unlock(&pool.lock);
	return m < pool.member + nitems(pool.member) ? m : NULL;
}

static void
pool_put(unsigned i, struct member *m)
{
	struct member *old;

	spin_lock(&pool.lock);
	old = pool.pool[i];
	pool.pool[i] = m;
	spin_unlock(&pool.lock);
	if (old != NULL)
		pool_drop(old);
}

/* Read everything; write some of it again, as it is. */
static void
member_use(struct kt_thread *kt, struct member *m)
{
	vm_pindex_t page;

	space_borrow(m->vm);
	for (page = 0; page < NPAGES; page++) {
		KT_CLAIM(kt, peek(page) == m->want[page], "page %lu: %lx, "
		    "not %lx", page, peek(page), m->want[page]);
		if (prng_below(&kt->prng, 4) == 0)
			KT_CLAIM(kt, poke(page, m->want[page]), "write");
	}
	space_borrow(NULL);
}

static struct member *
member_fork(struct kt_thread *kt, struct member *from)
{
	struct member *m = pool_new();
	vm_pindex_t page;
	unsigned i;

	if (m == NULL)
		return NULL;
	if (vmspace_fork(from->vm, &m->vm) != 0) {
		pool_drop(m);
		return NULL;
	}
	for (page = 0; page < NPAGES; page++)
		m->want[page] = from->want[page];
	space_borrow(m->vm);
	for (i = (unsigned)prng_below(&kt->prng, NPAGES); i > 0; i--) {
		page = prng_below(&kt->prng, NPAGES);
		m->want[page] = prng_next(&kt->prng);
		KT_CLAIM(kt, poke(page, m->want[page]), "write");
	}
	space_borrow(NULL);
	return m;
}

static void
family_thread(struct kt_thread *kt)
{
	struct member *m, *child;
	int i;

	for (i = 0; i < 150; i++) {
		m = pool_get((unsigned)prng_below(&kt->prng, POOL));
		if (m == NULL)
			continue;
		member_use(kt, m);
		child = prng_below(&kt->prng, 2) == 0 ? member_fork(kt, m) :
		    NULL;
		pool_drop(m);
		if (child != NULL)
			pool_put((unsigned)prng_below(&kt->prng, POOL), child);
	}
}

static struct member *
pool_root(void)
{
	struct member *m = pool_new();
	vm_pindex_t page;
	bool ok;

	m->vm = vmspace_alloc();
	ok = m->vm != NULL && space_map(m->vm, 0, NPAGES, VM_INHERIT_COPY) == 0;
	if (!ok)
		return NULL;
	space_borrow(m->vm);
	for (page = 0; page < NPAGES; page++) {
		m->want[page] = page;
		ok = poke(page, page) && ok;
	}
	space_borrow(NULL);
	return ok ? m : NULL;
}

/* Chaos for the test, unless the boot has its own. */
static bool
chaos_begin(struct ktest_ctx *t)
{
	if (vm_sched_hook != NULL)
		return false;
	vm_chaos_start(prng_next(&t->prng) | 1);
	return true;
}

static void
chaos_end(struct ktest_ctx *t, bool ours)
{
	if (!ours)
		return;
	ktest_diag(t, "%lu schedule points, merges %lu, bypasses %lu, "
	    "skips %lu, waits %lu, given up %lu", vm_chaos_hits(),
	    vm_meter_sum(VM_METER_v_collapses),
	    vm_meter_sum(VM_METER_v_bypasses),
	    vm_meter_sum(VM_METER_v_collapse_skips),
	    vm_meter_sum(VM_METER_v_collapse_waits),
	    vm_meter_sum(VM_METER_v_collapse_aborts));
	vm_chaos_start(0);
}

/*
 * Does everybody read what he or his ancestors wrote last, while siblings and
 * ancestors come and go, and does everything come back (scenarios 1, 5, 6)?
 */
KTEST(chains, families)
{
	struct vm_baseline before;
	struct member *root;
	bool chaos;
	unsigned i, depth = 0;

	vm_baseline_take(&before);
	spin_init(&pool.lock, "ktpool", LO_NONE, 0);
	root = pool_root();
	KT_CHECK(t, root != NULL, "no memory");
	pool_put(0, root);
	chaos = chaos_begin(t);
	i = kt_group_run(&group, t, crowd(), family_thread, NULL);
	chaos_end(t, chaos);
	KT_CHECK(t, i == 0, "%u claims", i);
	vm_check_all();
	for (i = 0; i < POOL; i++) {
		if (pool.pool[i] != NULL)
			depth = MAX(depth, vm_object_depth(
			    first_object(pool.pool[i]->vm)));
	}
	ktest_diag(t, "depth %u at most", depth);
	for (i = 0; i < POOL; i++)
		pool_put(i, NULL);
	vm_check_all();
	KT_CHECK(t, vm_baseline_check(&before, kprintf) == 0, "baseline");
}

/* ---- partly unmapped memory ---- */

static void
partial_thread(struct kt_thread *kt)
{
	struct vmspace *vm = kt->group->arg, *child;
	vm_pindex_t page, n;
	int i;

	for (i = 0; i < 60; i++) {
		if (vmspace_fork(vm, &child) != 0)
			continue;
		space_borrow(child);
		page = prng_below(&kt->prng, NPAGES);
		n = 1 + prng_below(&kt->prng, NPAGES - page);
		KT_CLAIM(kt, vm_map_remove(&child->vm_map,
		    SPACE_BASE + ptoa(page), SPACE_BASE + ptoa(page + n)) == 0,
		    "unmap");
		for (page = 0; page < NPAGES; page++) {
			if (prng_below(&kt->prng, 3) == 0)
				(void)poke(page, 0x5000 + page);
			KT_CLAIM(kt, peek(page) == 0x4000 + page ||
			    peek(page) == 0x5000 + page ||
			    peek(page) == 0xeeeeeeeeeeeeeeeeUL,
			    "page %lu: %lx", page, peek(page));
		}
		space_borrow(NULL);
		sysref_put(child);
		if (kt->index == 0) {
			space_borrow(vm);
			page = prng_below(&kt->prng, NPAGES);
			KT_CLAIM(kt, poke(page, 0x4000 + page), "write");
			space_borrow(NULL);
		}
	}
}

/* Is memory that is unmapped in parts and forked right, and given back (11)? */
KTEST(chains, partial_unmap)
{
	struct vm_baseline before;
	struct member *root;
	struct vmspace *vm;
	vm_pindex_t page;
	bool chaos;
	unsigned bad;

	vm_baseline_take(&before);
	spin_init(&pool.lock, "ktpool", LO_NONE, 0);
	root = pool_root();
	KT_CHECK(t, root != NULL, "no memory");
	vm = root->vm;
	space_borrow(vm);
	for (page = 0; page < NPAGES; page++)
		KT_CHECK(t, poke(page, 0x4000 + page), "write");
	space_borrow(NULL);
	chaos = chaos_begin(t);
	bad = kt_group_run(&group, t, crowd(), partial_thread, vm);
	chaos_end(t, chaos);
	KT_CHECK(t, bad == 0, "%u claims", bad);
	vm_check_all();
	pool_drop(root);
	vm_check_all();
	KT_CHECK(t, vm_baseline_check(&before, kprintf) == 0, "baseline");
}

/* ---- pins ---- */

static void
pin_thread(struct kt_thread *kt)
{
	struct vm_object *object = kt->group->arg;
	int i;

	for (i = 0; i < 500; i++) {
		vm_object_lock(object);
		if (kt->index % 2 == 0) {
			vm_object_paging_begin(object);
			vm_object_unlock(object);
			sched_yield();
			vm_object_paging_end(object);
			continue;
		}
		vm_object_paging_wait(object, "vospgw");
		vm_object_unlock(object);
	}
}

/* Does everyone who waits for pins wake (7)? */
KTEST(chains, pins)
{
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, 1);

	KT_CHECK(t, kt_group_run(&group, t, crowd(), pin_thread, object) == 0,
	    "claims");
	KT_CHECK(t, !vm_object_paging(object), "pins are left");
	vm_object_deallocate(object);
}
