/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_prefault_test.c: fault-around: what is mapped ahead, with which rights, how
 * many faults that saves, and the walk beside others who shorten the chain
 * (scenario 5).
 */
#include <lib/atomic.h>
#include <sys/thread.h>
#include <vm/vm_fault.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

#include "vm_fault_test.h"

#define NPAGES	64

static uint64_t
faults(void)
{
	return vm_meter_sum(VM_METER_v_vm_faults);
}

/* A parent that wrote page i with value i + 1, and its child. */
static struct vmspace *
family(struct vmspace **child)
{
	struct vmspace *parent = vmspace_alloc();
	vm_pindex_t i;

	if (map_anon(parent, BASE, NPAGES, VM_INHERIT_COPY) != 0)
		panic("no mapping");
	for (i = 0; i < NPAGES; i++) {
		if (!poke(parent, i, i + 1))
			panic("no page %lu", i);
	}
	if (vmspace_fork(parent, child) != 0)
		panic("no child");
	return parent;
}

/* Does a sequence fault once for 16 pages, in both directions, and do all pages
 * show what they should, read-only? */
KTEST(prefault, sequential)
{
	struct vmspace *child, *parent = family(&child);
	uint64_t before = faults();
	vm_pindex_t i;

	for (i = 0; i < NPAGES; i++)
		KT_CHECK(t, peek(child, i) == i + 1, "page %lu", i);
	KT_CHECK(t, faults() - before <= 4 + 2, "%lu faults upward",
	    faults() - before);
	for (i = 0; i < NPAGES; i++)
		KT_CHECK(t, mapped_prot(child, i) == VM_PROT_READ,
		    "page %lu: %u", i, mapped_prot(child, i));
	fake_pmap_forget(child->vm_pmap);
	before = faults();
	for (i = NPAGES; i-- > 0;)
		KT_CHECK(t, peek(child, i) == i + 1, "page %lu", i);
	KT_CHECK(t, faults() - before <= 4 + 2, "%lu faults downward",
	    faults() - before);
	vm_check_all();
	sysref_put(child);
	sysref_put(parent);
}

/* Does the window shrink when accesses jump, and never grow above 16? */
KTEST(prefault, window)
{
	struct vmspace *child, *parent = family(&child);
	vm_pindex_t i, mapped = 0;

	(void)peek(child, 0);
	KT_CHECK(t, pmap_resident_count(child->vm_pmap) == 8, "%lu mapped",
	    pmap_resident_count(child->vm_pmap));
	for (i = 8; pmap_resident_count(child->vm_pmap) < NPAGES; i++) {
		mapped = pmap_resident_count(child->vm_pmap);
		(void)peek(child, i);
		KT_CHECK(t, pmap_resident_count(child->vm_pmap) - mapped <=
		    VM_PREFAULT_MAX, "%lu more at page %lu",
		    pmap_resident_count(child->vm_pmap) - mapped, i);
	}
	fake_pmap_forget(child->vm_pmap);
	for (i = 0; i < 8; i++)
		(void)peek(child, i * 37 % NPAGES);
	mapped = pmap_resident_count(child->vm_pmap);
	fake_pmap_forget(child->vm_pmap);
	(void)peek(child, 61);
	KT_CHECK(t, pmap_resident_count(child->vm_pmap) == 4,
	    "%lu mapped after %lu at random",
	    pmap_resident_count(child->vm_pmap), mapped);
	sysref_put(child);
	sysref_put(parent);
}

static void
peek_page_1(void *arg)
{
	(void)peek(arg, 1);
}

/* Is a page of the first object mapped, and not the one that it hides; and does
 * an invalid one, which somebody is filling, hide it too? */
KTEST(prefault, front_hides_back)
{
	struct vmspace *child, *parent = family(&child);
	struct vm_object *front;
	struct vm_page *m;

	KT_CHECK(t, poke(child, 2, 222), "write");
	front = entry_at(child, BASE)->object;
	vm_object_lock(front);
	m = vm_page_alloc(front, 3, VM_ALLOC_NORMAL);
	vm_object_unlock(front);
	fake_pmap_forget(child->vm_pmap);
	/* Another thread's: who has a page busy takes no map. */
	host_thread_join(host_thread_start(peek_page_1, child));
	KT_CHECK(t, mapped_prot(child, 0) == VM_PROT_READ, "page 0");
	KT_CHECK(t, mapped_prot(child, 2) == VM_PROT_RW, "page 2 is its own");
	KT_CHECK(t, mapped_prot(child, 3) == VM_PROT_NONE, "page 3 is busy");
	vm_object_lock(front);
	vm_page_free(m);
	vm_object_unlock(front);
	KT_CHECK(t, peek(child, 2) == 222 && peek(child, 3) == 4 &&
	    peek(parent, 2) == 3, "contents");
	vm_check_all();
	sysref_put(child);
	sysref_put(parent);
}

/* The child is gone and the parent writes on: does one fault give the right to
 * write back for all pages around, and does a write map nothing else? */
KTEST(prefault, write_again)
{
	struct vmspace *child, *parent = family(&child);
	uint64_t before;
	vm_pindex_t i;

	KT_CHECK(t, poke(child, 8, 1) && mapped_prot(child, 9) == VM_PROT_NONE,
	    "a copy on write maps neighbours");
	sysref_put(child);
	before = faults();
	for (i = 0; i < NPAGES; i++)
		KT_CHECK(t, poke(parent, i, i), "page %lu", i);
	KT_CHECK(t, faults() - before <= 4 + 2, "%lu faults",
	    faults() - before);
	vm_check_all();
	sysref_put(parent);
}

/* Does it stay inside the entry, leave wired memory alone, make no pages? */
KTEST(prefault, limits)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;

	KT_CHECK(t, map_anon(vm, BASE, 16, VM_INHERIT_COPY) == 0, "map");
	KT_CHECK(t, poke(vm, 4, 1) && poke(vm, 5, 1) && poke(vm, 6, 1), "w");
	KT_CHECK(t, vm_map_protect(map, BASE + ptoa(5), BASE + ptoa(6),
	    VM_PROT_READ, false) == 0, "three entries");
	fake_pmap_forget(vm->vm_pmap);
	(void)peek(vm, 4);
	KT_CHECK(t, mapped_prot(vm, 5) == VM_PROT_NONE &&
	    mapped_prot(vm, 6) == VM_PROT_NONE &&
	    mapped_prot(vm, 3) == VM_PROT_NONE, "others");
	KT_CHECK(t, vm_map_wire(map, BASE + ptoa(6), BASE + ptoa(8)) == 0,
	    "wire");
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 2, "wired");
	vm_check_all();
	KT_CHECK(t, vm_map_unwire(map, BASE + ptoa(6), BASE + ptoa(8)) == 0,
	    "unwire");
	sysref_put(vm);
}

struct holder {
	struct vm_object *object;
	int		 state;		/* [a] 1 locked, 2 let go */
};

static void __no_lock_analysis
hold_object(void *arg)
{
	struct holder *h = arg;

	vm_object_lock(h->object);
	atomic_store(&h->state, 1);
	while (atomic_load(&h->state) != 2)
		sched_yield();
	vm_object_unlock(h->object);
}

/* Does it give up where an object is locked, at the first and further back? */
KTEST(prefault, gives_up)
{
	struct vmspace *child, *parent = family(&child);
	struct vm_map_entry *entry;
	struct host_thread *ht;
	struct holder h;
	uint64_t before = vm_meter_sum(VM_METER_v_prefault_giveup);
	int i;

	KT_CHECK(t, poke(child, 0, 5), "shadow");
	entry = entry_at(child, BASE);
	for (i = 0; i < 2; i++) {
		h = (struct holder){ i == 0 ? entry->object :
		    entry->object->backing_object, 0 };
		ht = host_thread_start(hold_object, &h);
		while (atomic_load(&h.state) != 1)
			sched_yield();
		vm_map_lock_read(&child->vm_map);
		vm_prefault(&child->vm_map, entry, BASE + ptoa(1), false);
		vm_map_unlock_read(&child->vm_map);
		atomic_store(&h.state, 2);
		host_thread_join(ht);
		KT_CHECK(t, vm_meter_sum(VM_METER_v_prefault_giveup) - before ==
		    (unsigned)i + 1, "object %d", i);
	}
	KT_CHECK(t, pmap_resident_count(child->vm_pmap) == 1, "mapped");
	sysref_put(child);
	sysref_put(parent);
}

/* No memory for the records of mappings: is the rest merely left out? */
KTEST(prefault, no_memory)
{
	struct vmspace *child, *parent = family(&child);
	struct fake_chaos chaos = { .fail_nth = 3 }, none = { 0 };
	vm_pindex_t i;

	fake_pmap_chaos(&chaos);
	KT_CHECK(t, peek(child, 0) == 1, "read");
	fake_pmap_chaos(&none);
	KT_CHECK(t, pmap_resident_count(child->vm_pmap) == 2, "%lu mapped",
	    pmap_resident_count(child->vm_pmap));
	for (i = 0; i < NPAGES; i++)
		KT_CHECK(t, peek(child, i) == i + 1, "page %lu", i);
	vm_check_all();
	sysref_put(child);
	sysref_put(parent);
}

/* ---- scenario 5: the walk while siblings come and go ---- */

#define WALK_READERS	2
#define WALK_DEPTH	5
#define WALK_ROUNDS	20

struct walk {
	struct vmspace	*vm;
	int		 stop;		/* [a] */
	int		 wrong;		/* [a] */
};

static void
walk_reader(void *arg)
{
	struct walk *w = arg;
	vm_pindex_t i;
	uint64_t v;

	while (atomic_load(&w->stop) == 0) {
		fake_pmap_forget(w->vm->vm_pmap);
		for (i = 0; i < NPAGES; i++) {
			v = peek(w->vm, i);
			if (v != i + 1 && (i >= WALK_DEPTH || v != 100 + i))
				atomic_add(&w->wrong, 1);
		}
	}
}

/*
 * A chain of forks, each generation writes one page; the last one reads along
 * the chain while the elder ones exit and new siblings come, write and go.
 */
KTEST(prefault, walk_and_collapse)
{
	struct vmspace *gen[WALK_DEPTH + 1], *sibling;
	struct host_thread *ht[WALK_READERS];
	struct walk w = { NULL, 0, 0 };
	uint64_t races = vm_meter_sum(VM_METER_v_prefault_race);
	int round, i;

	for (round = 0; round < WALK_ROUNDS; round++) {
		gen[0] = family(&gen[1]);
		for (i = 1; i < WALK_DEPTH; i++) {
			KT_CHECK(t, poke(gen[i], (unsigned)i,
			    100 + (unsigned)i), "write");
			KT_CHECK(t, vmspace_fork(gen[i], &gen[i + 1]) == 0,
			    "fork");
		}
		w.vm = gen[WALK_DEPTH];
		w.stop = 0;
		for (i = 0; i < WALK_READERS; i++)
			ht[i] = host_thread_start(walk_reader, &w);
		for (i = 0; i < WALK_DEPTH; i++) {
			KT_CHECK(t, vmspace_fork(w.vm, &sibling) == 0, "fork");
			KT_CHECK(t, poke(sibling, 20 + (unsigned)i, 7), "w");
			sysref_put(gen[i]);
			sysref_put(sibling);
		}
		atomic_store(&w.stop, 1);
		for (i = 0; i < WALK_READERS; i++)
			host_thread_join(ht[i]);
		vm_check_all();
		sysref_put(w.vm);
	}
	KT_CHECK(t, w.wrong == 0, "%d reads of something else", w.wrong);
	KT_CHECK(t, vm_meter_sum(VM_METER_v_prefault_race) == races,
	    "the founding warning's counter moved");
}
