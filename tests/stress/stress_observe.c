/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stress_observe.c: observers of address spaces that come and go (scenario 12):
 * the two stages of a space's end let a holder see a whole map or an empty one,
 * never freed memory.
 */
#include <lib/atomic.h>
#include <lib/rbtree.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <vm/vm.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>

#include "../kern/kt_group.h"
#include "space.h"

#define LIVES		150	/* of each thread that makes spaces */
#define PIECES		3
#define NPAGES		4	/* of a piece */

static struct kt_group group;
static unsigned makers;		/* [a] threads that still make spaces */
static uint64_t seen;		/* [a] maps visited */

/* Is the map, which is held and read-locked, one? */
static void
observe(struct vm_map *map, void *arg)
{
	struct kt_thread *kt = arg;
	struct vm_map_entry *entry;
	struct rb_node *node;
	vm_offset_t end = map->min_offset;
	vm_size_t size = 0;
	unsigned n = 0;

	for (node = rb_first(&map->tree); node != NULL;
	    node = rb_next(node)) {
		entry = container_of(node, struct vm_map_entry, link);
		KT_CLAIM(kt, entry->start >= end && entry->end > entry->start,
		    "entry [%lx, %lx) after %lx", entry->start, entry->end,
		    end);
		end = entry->end;
		size += entry->end - entry->start;
		n++;
	}
	KT_CLAIM(kt, n == map->nentries && size == map->size && end <=
	    map->max_offset, "%u entries of %lx bytes, the map says %u of %lx",
	    n, size, map->nentries, map->size);
	atomic_add(&seen, 1);
}

/* A space with some memory, a child of it, and the end of both. */
static void
live_once(struct kt_thread *kt)
{
	struct vmspace *vm = vmspace_alloc(), *child;
	uint64_t v = kt->index;
	vm_pindex_t i;

	KT_CLAIM(kt, vm != NULL, "no space");
	if (vm == NULL)
		return;
	for (i = 0; i < PIECES; i++)
		KT_CLAIM(kt, space_map(vm, i * 2 * NPAGES, NPAGES,
		    VM_INHERIT_COPY) == 0, "map");
	space_borrow(vm);
	KT_CLAIM(kt, copyout(&v, space_word(0, 0), sizeof(v)) == 0, "write");
	space_borrow(NULL);
	if (vmspace_fork(vm, &child) == 0) {
		if (prng_below(&kt->prng, 2) == 0)
			sched_yield();
		sysref_put(child);
	}
	sysref_put(vm);
}

static void
observer_thread(struct kt_thread *kt)
{
	unsigned i;

	if (kt->index % 2 == 0) {
		while (atomic_load(&makers) != 0) {
			vm_map_foreach(observe, kt);
			sched_yield();
		}
		return;
	}
	for (i = 0; i < LIVES; i++)
		live_once(kt);
	atomic_add(&makers, -1u);
}

/* Do observers always see whole maps, while spaces begin and end? */
KTEST(stress, observers)
{
	unsigned n = MIN((unsigned)MAX(mp_ncpus, 2) * 2, 16u);
	struct vm_baseline before;

	vm_baseline_take(&before);
	atomic_store(&makers, n / 2);
	atomic_store(&seen, 0);
	KT_CHECK(t, kt_group_run(&group, t, n, observer_thread, NULL) == 0,
	    "claims");
	vm_check_all();
	ktest_diag(t, "%lu maps seen", seen);
	KT_CHECK(t, vm_baseline_check(&before, kprintf) == 0, "baseline");
}
