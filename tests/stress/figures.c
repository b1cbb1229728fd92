/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * figures.c: what chains cost and how deep they get, in numbers: printed for
 * make figures, and held to their bounds in every run.
 *
 * Costs are cycles; under qemu -icount shift=0 these are instructions.
 */
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/md.h>
#include <vm/vm.h>
#include <vm/vm_check.h>
#include <vm/vm_collapse.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "space.h"

#define NPAGES		8	/* of a space in the fork patterns */
#define LIVE		40	/* children that live at a time */
#define MAXDEPTH	8
#define CPAGES		512	/* of the objects whose costs are taken */
#define FPAGES		128	/* faults of one measurement */

BOOT_OPTION(figures, "figures", "generations of each fork pattern (300)");

static struct vmspace *live[LIVE];

static struct vmspace *
new_space(vm_pindex_t npages)
{
	struct vmspace *vm = vmspace_alloc();
	uint64_t v = 1;
	vm_pindex_t i;

	if (vm == NULL || space_map(vm, 0, npages, VM_INHERIT_COPY) != 0)
		panic("figures: no memory");
	space_borrow(vm);
	for (i = 0; i < npages; i++) {
		if (copyout(&v, space_word(i, 0), sizeof(v)) != 0)
			panic("figures: no memory");
	}
	space_borrow(NULL);
	return vm;
}

static void
write_page(struct vmspace *vm, vm_pindex_t page, uint64_t v)
{
	space_borrow(vm);
	if (copyout(&v, space_word(page, 0), sizeof(v)) != 0)
		panic("figures: no memory");
	space_borrow(NULL);
}

static struct vmspace *
fork_space(struct vmspace *vm)
{
	struct vmspace *child;

	if (vmspace_fork(vm, &child) != 0)
		panic("figures: no memory");
	return child;
}

/* Objects from the first entry's to the end of its chain. */
static unsigned
depth(struct vmspace *vm)
{
	struct vm_map_entry *entry;
	unsigned n = 0;

	vm_map_lock_read(&vm->vm_map);
	if (vm_map_lookup_entry(&vm->vm_map, SPACE_BASE, &entry) &&
	    entry->object != NULL)
		n = vm_object_depth(entry->object);
	vm_map_unlock_read(&vm->vm_map);
	return n;
}

/* ---- fork patterns ---- */

/* One generation; the space that goes on. */
static struct vmspace *
children(struct vmspace *vm, unsigned i)
{
	struct vmspace *child = fork_space(vm);

	write_page(child, i % NPAGES, i);
	write_page(vm, i * 3 % NPAGES, i);
	sysref_put(child);
	return vm;
}

static struct vmspace *
heirs(struct vmspace *vm, unsigned i)
{
	struct vmspace *child = fork_space(vm);

	write_page(child, i % NPAGES, i);
	sysref_put(vm);
	return child;
}

static struct vmspace *
server(struct vmspace *vm, unsigned i)
{
	unsigned slot = i * 7 % LIVE;

	if (live[slot] != NULL)
		sysref_put(live[slot]);
	live[slot] = fork_space(vm);
	write_page(live[slot], i % NPAGES, i);
	write_page(vm, i * 3 % NPAGES, i);
	return vm;
}

/* Each child is the parent of the next, and all of them live for a while. */
static struct vmspace *
lineage(struct vmspace *vm, unsigned i)
{
	unsigned slot = i % LIVE;

	if (live[slot] != NULL)
		sysref_put(live[slot]);
	live[slot] = vm;
	vm = fork_space(vm);
	write_page(vm, i % NPAGES, i);
	return vm;
}

static void
pattern(struct ktest_ctx *t, const char *name,
    struct vmspace *(*generation)(struct vmspace *vm, unsigned i))
{
	unsigned n = (unsigned)bootopt_u64("figures", 300), i, deepest;
	struct vmspace *vm = new_space(NPAGES);
	struct vm_baseline before;

	sysref_put(vm);
	vm_baseline_take(&before);
	vm = new_space(NPAGES);
	for (i = 0; i < n; i++)
		vm = generation(vm, i);
	deepest = depth(vm);
	for (i = 0; i < LIVE; i++) {
		if (live[i] != NULL)
			deepest = MAX(deepest, depth(live[i]));
	}
	kprintf("figure: %s, %u generations, deepest chain %u: ", name, n,
	    deepest);
	vm_show_chain_stats(kprintf);
	vm_check_all();
	for (i = 0; i < LIVE; i++) {
		if (live[i] != NULL)
			sysref_put(live[i]);
		live[i] = NULL;
	}
	KT_CHECK(t, deepest <= MAXDEPTH, "%s: a chain of %u", name, deepest);
	KT_CHECK(t, depth(vm) <= 1, "%s: %u when alone", name, depth(vm));
	sysref_put(vm);
	KT_CHECK(t, vm_baseline_check(&before, kprintf) == 0, "baseline");
}

/* How deep are chains after generations of forks? */
KTEST(figure, depth)
{
	pattern(t, "children", children);
	pattern(t, "heirs", heirs);
	pattern(t, "server", server);
	pattern(t, "lineage", lineage);
}

/* Are objects and pages of 1,000 children back while their parent lives? */
KTEST(figure, fork_server)
{
	struct vmspace *vm = new_space(64), *child;
	uint64_t objects, pages, most = 0;
	unsigned i, slot;

	child = fork_space(vm);		/* zones and page tables of the first */
	write_page(child, 1, 1);
	sysref_put(child);
	vm_phys_drain_all();
	objects = vm_object_count();
	pages = vmspace_resident_count(vm);
	for (i = 0; i < 1000; i++) {
		slot = i * 7 % LIVE;
		if (live[slot] != NULL)
			sysref_put(live[slot]);
		live[slot] = fork_space(vm);
		write_page(live[slot], i % 64, i);
		write_page(live[slot], i * 5 % 64, i);
		most = MAX(most, vm_object_count());
	}
	for (i = 0; i < LIVE; i++) {
		sysref_put(live[i]);
		live[i] = NULL;
	}
	kprintf("figure: fork server, 1000 children, %u at a time: objects %lu "
	    "before, %lu at most, %lu after\n", LIVE, objects, most,
	    vm_object_count());
	KT_CHECK(t, vm_object_count() == objects, "%lu objects, %lu before",
	    vm_object_count(), objects);
	KT_CHECK(t, vmspace_resident_count(vm) <= pages && depth(vm) == 1,
	    "%lu pages mapped, %lu before, depth %u",
	    vmspace_resident_count(vm), pages, depth(vm));
	sysref_put(vm);
	vm_check_all();
}

/* ---- costs ---- */

/* The parents live, so that every link stays: vm[i] is of depth i + 1. */
static void
fault_at(unsigned want)
{
	struct vmspace *vm[MAXDEPTH];
	uint64_t start, read, v;
	vm_pindex_t page;
	unsigned i;

	vm[0] = new_space(FPAGES + MAXDEPTH);
	for (i = 1; i < want; i++) {
		vm[i] = fork_space(vm[i - 1]);
		write_page(vm[i], FPAGES + i, i);
	}
	if (want == 1) {		/* its pages, but not mapped */
		vm_map_lock_read(&vm[0]->vm_map);
		pmap_remove(vm[0]->vm_pmap, SPACE_BASE, SPACE_BASE +
		    ptoa(FPAGES));
		vm_map_unlock_read(&vm[0]->vm_map);
	}
	space_borrow(vm[want - 1]);
	start = md_cycles();
	for (page = 0; page < FPAGES; page++)
		(void)!copyin(space_word(page, 0), &v, sizeof(v));
	read = (md_cycles() - start) / FPAGES;
	start = md_cycles();
	for (page = 0; page < FPAGES; page++)
		(void)!copyout(&v, space_word(page, 0), sizeof(v));
	kprintf("figure: depth %u: read of a page %lu, write after it %lu\n",
	    depth(vm[want - 1]), read, (md_cycles() - start) / FPAGES);
	space_borrow(NULL);
	while (want-- > 0)
		sysref_put(vm[want]);
}

/* What does an access to a page cost that lies so deep (prefault=0)? */
KTEST(figure, fault_cost)
{
	unsigned d;

	(void)t;
	for (d = 1; d <= MAXDEPTH; d *= 2)
		fault_at(d);
}

static struct vm_object *
filled(struct vm_object *object)
{
	struct vm_page *m;
	vm_pindex_t i;

	vm_object_lock(object);
	for (i = 0; i < CPAGES; i++) {
		m = vm_page_alloc(object, i, VM_ALLOC_NORMAL);
		if (m == NULL)
			panic("figures: no memory");
		m->valid = VM_PAGE_VALID;
		vm_page_activate(m);
		vm_page_unbusy(m);
	}
	vm_object_unlock(object);
	return object;
}

/* An empty shadow of a filled object on which the caller has a reference. */
static struct vm_object *
shadow_of(struct vm_object *backing)
{
	struct vm_object *front = backing;
	vm_ooffset_t offset = 0;

	vm_object_reference(backing);
	if (vm_object_shadow(&front, &offset, CPAGES) != 0)
		panic("figures: no memory");
	return front;
}

/* What do a merge and a bypass cost for each page? */
KTEST(figure, collapse_cost)
{
	struct vm_object *backing, *front;
	struct vm_object_todo todo = { .n = 0 };
	uint64_t start, merge, bypass;

	backing = filled(vm_object_allocate(OBJT_DEFAULT, CPAGES));
	front = shadow_of(backing);
	start = md_cycles();
	vm_object_deallocate(backing);		/* the last but one: merge */
	merge = md_cycles() - start;
	KT_CHECK(t, front->backing_object == NULL &&
	    front->resident_page_count == CPAGES, "no merge");
	vm_object_deallocate(front);

	backing = filled(vm_object_allocate(OBJT_DEFAULT, CPAGES));
	front = filled(shadow_of(backing));
	vm_object_lock(front);
	start = md_cycles();
	vm_object_collapse(front, VM_COLLAPSE_NOWAIT, &todo);
	bypass = md_cycles() - start;
	vm_object_unlock(front);
	vm_object_deallocate_todo(&todo);
	KT_CHECK(t, front->backing_object == NULL, "no bypass");
	vm_object_deallocate(front);
	vm_object_deallocate(backing);
	kprintf("figure: merge %lu a page, bypass %lu a page (%u pages)\n",
	    merge / CPAGES, bypass / CPAGES, CPAGES);
}
