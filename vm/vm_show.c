/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_show.c: the one printer of each structure.  Tests compare the output with
 * golden files, panic and debugger print it: so it takes no locks, follows only
 * pointers that the structure itself holds, and is bounded.
 *
 * With vm_show_ids set an object is printed as a small number, given in the
 * order of first print, instead of its address, and addresses of memory are
 * left out: two runs print the same.
 */
#include <vm/vm_check.h>

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/thread.h>
#include <vm/pmap.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "vm_priv.h"

#define SHOW_MAXIDS	128	/* objects that get a number */
#define SHOW_MAXCHAIN	1000	/* objects of one chain */
#define NAME_LEN	24

bool			 vm_show_ids;

/* Numbers given so far; [v] one printer at a time. */
static const struct vm_object *show_object[SHOW_MAXIDS];
static unsigned		 show_nobjects;

struct show_flag {
	uint32_t	 bit;
	const char	*name;
};

static const struct show_flag object_flags[] = {
	{ OBJ_DEAD, "DEAD" },
	{ OBJ_COLLAPSING, "COLLAPSING" },
	{ OBJ_FADING, "FADING" },
	{ OBJ_SPLITTING, "SPLITTING" },
	{ OBJ_ONEMAPPING, "ONEMAPPING" },
	{ OBJ_ONSHADOW, "ONSHADOW" },
	{ OBJ_CANPERSIST, "CANPERSIST" },
	{ OBJ_CACHED, "CACHED" },
	{ OBJ_NAMED, "NAMED" },
	{ OBJ_MIGHTBEDIRTY, "MIGHTBEDIRTY" },
	{ OBJ_COLORED, "COLORED" },
	{ OBJ_PRIVATE, "PRIVATE" },
};

static const struct show_flag entry_flags[] = {
	{ MAP_ENTRY_COW, "COW" },
	{ MAP_ENTRY_NEEDS_COPY, "NEEDS_COPY" },
	{ MAP_ENTRY_SUBMAP, "SUBMAP" },
	{ MAP_ENTRY_IN_TRANSITION, "IN_TRANSITION" },
	{ MAP_ENTRY_NEEDS_WAKEUP, "NEEDS_WAKEUP" },
	{ MAP_ENTRY_USER_WIRED, "USER_WIRED" },
	{ MAP_ENTRY_STACK, "STACK" },
	{ MAP_ENTRY_GUARD, "GUARD" },
	{ MAP_ENTRY_NOCOALESCE, "NOCOALESCE" },
	{ MAP_ENTRY_KERNEL, "KERNEL" },
	{ MAP_ENTRY_SHARED, "SHARED" },
};

static void
show_flags(uint32_t bits, const struct show_flag *f, size_t n,
    vm_print_fn *pr)
{
	for (size_t i = 0; i < n; i++) {
		if ((bits & f[i].bit) != 0)
			pr(" %s", f[i].name);
	}
}

void
vm_show_reset_ids(void)
{
	show_nobjects = 0;
}

/* The object's name in this output, in buf. */
static const char *
show_name(const struct vm_object *object, char buf[NAME_LEN])
{
	unsigned i;

	if (!vm_show_ids) {
		ksnprintf(buf, NAME_LEN, "%p", (const void *)object);
		return buf;
	}
	for (i = 0; i < show_nobjects && show_object[i] != object; i++)
		continue;
	if (i == show_nobjects && i < SHOW_MAXIDS)
		show_object[show_nobjects++] = object;
	if (i < SHOW_MAXIDS)
		ksnprintf(buf, NAME_LEN, "#%u", i + 1);
	else
		strlcpy(buf, "#many", NAME_LEN);
	return buf;
}

static const char *
show_type(const struct vm_object *object)
{
	switch (object->type) {
	case OBJT_DEFAULT:
		return "default";
	case OBJT_FILE:
		return "file";
	case OBJT_DEAD:
		return "freed";
	}
	return "bad type";
}

/* The indexes of the resident pages as runs: "0-3 7 9-10". */
static void
show_resident(const struct vm_object *object, vm_print_fn *pr)
{
	uint64_t first, last, next;
	void *p;

	pr("  pages");
	p = radix_ge(&object->memq, 0, &first);
	while (p != NULL) {
		last = first;
		while ((p = radix_ge(&object->memq, last + 1, &next)) != NULL &&
		    next == last + 1)
			last = next;
		if (first == last)
			pr(" %lu", (unsigned long)first);
		else
			pr(" %lu-%lu", (unsigned long)first,
			    (unsigned long)last);
		first = next;
	}
	pr("\n");
}

void
vm_show_object(struct vm_object *object, vm_print_fn *pr)
{
	char name[NAME_LEN];

	pr("object %s: %s size %lu refs %d shadows %d pins %u",
	    show_name(object, name), show_type(object), object->size,
	    object->ref_count, object->shadow_count,
	    object->paging_in_progress);
	if (object->pager != NULL)
		pr(" pager %s", object->pager->name);
	show_flags(object->flags, object_flags, nitems(object_flags), pr);
	pr("\n");
	if (object->resident_page_count != 0)
		show_resident(object, pr);
	if (object->backing_object != NULL)
		pr("  backed by %s at %#lx\n",
		    show_name(object->backing_object, name),
		    object->backing_object_offset);
}

void
vm_show_chain(struct vm_object *object, vm_print_fn *pr)
{
	unsigned n;

	for (n = 0; object != NULL && n < SHOW_MAXCHAIN; n++) {
		vm_show_object(object, pr);
		object = object->backing_object;
	}
	if (object != NULL)
		pr("... and more than %u further: is it a ring?\n", n);
}

void
vm_show_map_chains(struct vm_map *map, vm_print_fn *pr)
{
	struct vm_map_entry *entry;

	for (entry = vm_map_entry_first(map); entry != NULL;
	    entry = vm_map_entry_next(entry)) {
		vm_show_entry(entry, pr);
		if ((entry->eflags & MAP_ENTRY_SUBMAP) == 0 &&
		    entry->object != NULL)
			vm_show_chain(entry->object, pr);
	}
}

void
vm_show_objects(unsigned max, vm_print_fn *pr)
{
	struct vm_object *object = vm_object_peek_first();
	unsigned n;

	for (n = 0; object != NULL && n < max; n++) {
		vm_show_object(object, pr);
		object = LIST_NEXT(object, object_list);
	}
	pr("%u objects%s\n", n, object != NULL ? ", and more" : "");
}

static void
show_prot(vm_prot_t prot, char buf[4])
{
	buf[0] = prot & VM_PROT_READ ? 'r' : '-';
	buf[1] = prot & VM_PROT_WRITE ? 'w' : '-';
	buf[2] = prot & VM_PROT_EXECUTE ? 'x' : '-';
	buf[3] = '\0';
}

void
vm_show_entry(const struct vm_map_entry *entry, vm_print_fn *pr)
{
	static const char *const inherit[] = { "share", "copy", "none",
	    "zero" };
	char name[NAME_LEN], prot[4], max[4];

	show_prot(entry->protection, prot);
	show_prot(entry->max_protection, max);
	pr("  [%#lx, %#lx) %s/%s %s", entry->start, entry->end, prot, max,
	    entry->inheritance < nitems(inherit) ?
	    inherit[entry->inheritance] : "bad inheritance");
	if ((entry->eflags & MAP_ENTRY_SUBMAP) == 0 && entry->object != NULL)
		pr(" object %s+%#lx", show_name(entry->object, name),
		    entry->offset);
	if (entry->wired_count != 0)
		pr(" wired %u", entry->wired_count);
	if (entry->avail_ssize != 0)
		pr(" grows %#lx", entry->avail_ssize);
	show_flags(entry->eflags, entry_flags, nitems(entry_flags), pr);
	pr("\n");
}

void
vm_show_map(struct vm_map *map, vm_print_fn *pr)
{
	struct vm_map_entry *entry;

	if (vm_show_ids)
		pr("map:");
	else
		pr("map %p: timestamp %u", (void *)map, map->timestamp);
	pr(" [%#lx, %#lx) entries %u size %#lx%s\n", map->min_offset,
	    map->max_offset, map->nentries, map->size,
	    map->system ? " system" : "");
	for (entry = vm_map_entry_first(map); entry != NULL;
	    entry = vm_map_entry_next(entry))
		vm_show_entry(entry, pr);
}

static vm_print_fn *show_pmap_pr;	/* [v] one printer at a time */

static void
show_mapping(void *arg, vm_offset_t va, vm_paddr_t pa, vm_prot_t prot,
    bool wired)
{
	unsigned *left = arg;
	char rights[4];

	if (*left == 0)
		return;
	if (--*left == 0) {
		show_pmap_pr("  (more)\n");
		return;
	}
	show_prot(prot, rights);
	show_pmap_pr("  %#lx -> %#lx %s%s\n", va, pa, rights,
	    wired ? " wired" : "");
}

void
vm_show_pmap(struct pmap *pmap, vm_offset_t start, vm_offset_t end,
    unsigned max, vm_print_fn *pr)
{
	if (vm_show_ids)
		pr("pmap:");
	else
		pr("pmap %p:", (void *)pmap);
	pr(" %lu mappings, %lu wired\n",
	    (unsigned long)pmap_resident_count(pmap),
	    (unsigned long)pmap_wired_count(pmap));
	show_pmap_pr = pr;
	pmap_foreach(pmap, start, end, show_mapping, &max);
}

void
vm_show_page(struct vm_page *m, vm_print_fn *pr)
{
	static const char *const queue[PQ_COUNT] = { "none", "inactive",
	    "active" };
	char name[NAME_LEN];

	if (vm_show_ids)
		pr("page:");
	else
		pr("page %p: pa %#lx", (void *)m, m->phys_addr);
	if (m->object != NULL)
		pr(" object %s index %lu", show_name(m->object, name),
		    m->pindex);
	else
		pr(" %s", m->flags & PG_FREE ? "free" : "unowned");
	pr(" queue %s wired %u valid %#x dirty %#x",
	    m->queue < PQ_COUNT ? queue[m->queue] : "bad", m->wire_count,
	    m->valid, m->dirty);
	if ((m->busy_lock & VPB_EXCL) != 0)
		pr(" busy by %s", m->busy_owner != NULL ?
		    m->busy_owner->td_name : "nobody");
	else if (m->busy_lock != 0)
		pr(" shared busy %u", m->busy_lock & ~VPB_WANTED);
	pr("\n");
}

void
vm_show_meters(vm_print_fn *pr)
{
	const char *name;
	nsec_t ns;

	for (enum vm_meter i = 0; i < VM_METER_COUNT; i++)
		pr("%s %lu\n", vm_meter_name(i), (unsigned long)vm_meter_sum(i));
	name = vm_meter_longest(&ns);
	pr("  longest VM wait: %s, %lu ns\n", name, (unsigned long)ns);
}

#define SHOW_DEPTHS	10	/* the last one: that and deeper */

/* [v] one printer at a time */
static struct {
	unsigned	 objects, shadows, depth[SHOW_DEPTHS + 1];
} chain_stats;

/* A chain is counted at its front: the object that nothing shadows. */
static void
chain_count(struct vm_object *object, void *arg __unused)
{
	unsigned depth = 1;

	chain_stats.objects++;
	chain_stats.shadows += (object->flags & OBJ_ONSHADOW) != 0;
	if (object->shadow_count != 0)
		return;
	while ((object = object->backing_object) != NULL &&
	    depth < SHOW_DEPTHS)
		depth++;
	chain_stats.depth[depth]++;
}

void
vm_show_chain_stats(vm_print_fn *pr)
{
	memset(&chain_stats, 0, sizeof(chain_stats));
	vm_object_foreach(chain_count, NULL);
	pr("objects %u shadows %u depth", chain_stats.objects,
	    chain_stats.shadows);
	for (unsigned i = 1; i <= SHOW_DEPTHS; i++) {
		if (chain_stats.depth[i] != 0)
			pr(" %u:%u", i, chain_stats.depth[i]);
	}
	pr("\n");
}
