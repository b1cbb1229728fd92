/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_check.c: audits: are the invariants of vm/README.md true, here and now?
 *
 * Runs at quiesce points only: nothing else changes what it reads, so it reads
 * trees and links directly and takes no object or page lock.  What it finds
 * wrong is a panic with the values.  I12 is vm_page_check_all's, pv lists are
 * pmap_check's, I13 is the byte oracle of the tests.
 *
 * Sources: NetBSD uvm_map_check; the invariants are this project's own.
 */
#include <vm/vm_check.h>

#include <lib/atomic.h>
#include <vm/pmap.h>
#include <vm/vm_kern.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "vm_priv.h"

/* [v] wirings of anonymous pages: found at the pages, and in the maps */
static uint64_t	audit_wired, audit_wirings;

/* ---- one object ---- */

static void
check_shadows(struct vm_object *object)
{
	struct vm_object *s;
	int n = 0;

	LIST_FOREACH(s, &object->shadow_head, shadow_list) {
		if (s->backing_object != object ||
		    (s->flags & OBJ_ONSHADOW) == 0)
			panic("I1: object %p lists %p, backed by %p, flags %x",
			    (void *)object, (void *)s,
			    (void *)s->backing_object, s->flags);
		if (*s->shadow_list.le_prev != s)
			panic("I1: Bad link elm %p prev->next != elm",
			    (void *)s);
		if (++n > object->shadow_count)
			break;
	}
	if (n != object->shadow_count)
		panic("I1: object %p lists %d shadows, counts %d",
		    (void *)object, n, object->shadow_count);
	if (object->ref_count < object->shadow_count)
		panic("I4: object %p has %d references, %d shadows",
		    (void *)object, object->ref_count, object->shadow_count);
}

static void
check_backing(struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;
	bool listed = (object->flags & OBJ_ONSHADOW) != 0;
	uint64_t end;

	if (listed != (backing != NULL && vm_object_anonymous(backing)))
		panic("I2: object %p has backing object %p of type %d, flags "
		    "%x", (void *)object, (void *)backing,
		    backing != NULL ? (int)backing->type : -1, object->flags);
	if (backing != NULL && backing->type == OBJT_DEAD)
		panic("I6: object %p is backed by freed %p", (void *)object,
		    (void *)backing);
	end = object->backing_object_offset + ptoa(object->size);
	if (end < object->backing_object_offset ||
	    (object->backing_object_offset & PAGE_MASK) != 0)
		panic("I5: object %p of %lu pages at %lx of its backing object",
		    (void *)object, object->size,
		    object->backing_object_offset);
}

static void
check_page(const struct vm_object *object, const struct vm_page *m,
    uint64_t pindex)
{
	if (m->object != object || m->pindex != pindex)
		panic("I9: object %p has at %lu the page of object %p, %lu",
		    (const void *)object, (unsigned long)pindex,
		    (void *)m->object, m->pindex);
	if (pindex >= object->size &&
	    (vm_object_anonymous(object) || m->wire_count == 0))
		panic("I5: object %p of %lu pages has a page at %lu",
		    (const void *)object, object->size,
		    (unsigned long)pindex);
	if (vm_page_busied(m))
		panic("I8: page %lu of object %p is busy (%x) at rest",
		    m->pindex, (const void *)object, m->busy_lock);
	if (m->valid == 0)
		panic("I8: page %lu of object %p is not valid at rest",
		    m->pindex, (const void *)object);
	if (vm_object_anonymous(object))
		audit_wired += m->wire_count;
	vm_page_check(m);
}

void
vm_check_object(struct vm_object *object)
{
	uint64_t n = 0, pindex = 0;
	struct vm_page *m;

	if ((object->flags & OBJ_DEAD) != 0 || object->type == OBJT_DEAD ||
	    (object->ref_count <= 0 &&
	    object->cache_state != VM_CACHE_IDLE))
		panic("I6: object %p at rest: type %d, flags %x, %d references",
		    (void *)object, object->type, object->flags,
		    object->ref_count);
	if ((object->flags & (OBJ_COLLAPSING | OBJ_FADING | OBJ_SPLITTING |
	    OBJ_PRIVATE)) != 0)
		panic("I6: object %p at rest is in a merge or private: flags "
		    "%x", (void *)object, object->flags);
	if (object->paging_in_progress != 0)
		panic("I7: object %p has %u pins at rest", (void *)object,
		    object->paging_in_progress);
	check_shadows(object);
	check_backing(object);
	for (; (m = radix_ge(&object->memq, pindex, &pindex)) != NULL;
	    pindex++, n++)
		check_page(object, m, pindex);
	if (n != object->resident_page_count)
		panic("I8: object %p has %lu resident pages, counts %lu",
		    (void *)object, (unsigned long)n,
		    (unsigned long)object->resident_page_count);
}

/* ---- I10: what is mapped ---- */

struct check_mappings {
	struct vm_map		*map;
	struct vm_map_entry	*entry;		/* of the last address */
};

/* The page that entry shows at va, and whether its first object owns it. */
static struct vm_page *
check_shown(const struct vm_map_entry *entry, vm_offset_t va, bool *first)
{
	const struct vm_object *object = entry->object;
	vm_pindex_t pindex = atop(entry->offset + (va - entry->start));
	struct vm_page *m = NULL;

	for (; object != NULL; object = object->backing_object) {
		m = radix_lookup(&object->memq, pindex);
		if (m != NULL)
			break;
		pindex += atop(object->backing_object_offset);
	}
	*first = object == entry->object;
	return m;
}

static void
check_mapping(void *arg, vm_offset_t va, vm_paddr_t pa, vm_prot_t prot,
    bool wired)
{
	struct check_mappings *c = arg;
	struct vm_map_entry *entry = c->entry;
	struct vm_page *m = vm_phys_paddr_to_page(pa);
	bool first;

	if (entry == NULL || va < entry->start || va >= entry->end) {
		if (!vm_map_lookup_entry(c->map, va, &entry))
			panic("I10: map %p: %lx is mapped, in no entry",
			    (void *)c->map, va);
		c->entry = entry;
	}
	if ((entry->eflags & (MAP_ENTRY_GUARD | MAP_ENTRY_SUBMAP)) != 0)
		panic("I10: map %p: %lx is mapped, entry flags %x",
		    (void *)c->map, va, entry->eflags);
	if (m == NULL || m != check_shown(entry, va, &first))
		panic("I10: map %p: %lx shows page %p (%lx), not that of "
		    "object %p", (void *)c->map, va, (void *)m, pa,
		    (void *)entry->object);
	if ((prot & ~(entry->protection | VM_PROT_READ)) != 0 ||
	    entry->protection == VM_PROT_NONE)
		panic("I10: map %p: %lx is mapped %x, entry says %x",
		    (void *)c->map, va, prot, entry->protection);
	if ((prot & VM_PROT_WRITE) != 0 &&
	    (!first || (entry->eflags & MAP_ENTRY_NEEDS_COPY) != 0))
		panic("I10: map %p: %lx is writable, but the page is shared",
		    (void *)c->map, va);
	if (wired != (entry->wired_count != 0))
		panic("I10: map %p: %lx is %swired, entry is wired %u times",
		    (void *)c->map, va, wired ? "" : "not ",
		    entry->wired_count);
}

void
vm_check_map(struct vm_map *map)
{
	struct check_mappings c = { map, NULL };

	vm_map_check(map);
	if (map->system)
		return;		/* kernel mappings have no reverse maps */
	pmap_foreach(map->pmap, map->min_offset, map->max_offset,
	    check_mapping, &c);
	pmap_check(map->pmap);
}

/* ---- the whole: I3, I11 ---- */

/*
 * [v] Each walk down a chain has a number of its own: an object that bears a
 * number of this audit was done before, one that bears this walk's closes a
 * ring.
 */
static unsigned	audit_walk, audit_first;

static void
audit_object(struct vm_object *object, void *arg)
{
	(void)arg;
	vm_check_object(object);
	object->audit_refs = 0;
}

static void
audit_backing(struct vm_object *object, void *arg)
{
	(void)arg;
	if (object->backing_object != NULL)
		object->backing_object->audit_refs++;
}

static void
audit_reach(struct vm_object *object)
{
	audit_walk++;
	while (object != NULL && object->audit_pass < audit_first) {
		object->audit_pass = audit_walk;
		object = object->backing_object;
	}
	if (object != NULL && object->audit_pass == audit_walk)
		panic("I5: the chain through object %p is a ring",
		    (void *)object);
}

/* A wired entry shows a page everywhere, and has wired it once. */
static void
audit_wiring(const struct vm_map_entry *entry)
{
	const struct vm_page *m;
	vm_offset_t va;
	bool first;

	for (va = entry->start; va < entry->end; va += PAGE_SIZE) {
		m = check_shown(entry, va, &first);
		if (m == NULL || m->wire_count == 0)
			panic("I8: entry %#lx is wired, its page %p at %#lx is "
			    "not", entry->start, (const void *)m, va);
		if (vm_object_anonymous(m->object))
			audit_wirings++;
	}
}

static void
audit_map(struct vm_map *map, void *arg)
{
	struct vm_map_entry *entry;

	(void)arg;
	vm_check_map(map);
	for (entry = vm_map_entry_first(map); entry != NULL;
	    entry = vm_map_entry_next(entry)) {
		if ((entry->eflags & MAP_ENTRY_SUBMAP) != 0 ||
		    entry->object == NULL)
			continue;
		entry->object->audit_refs++;
		audit_reach(entry->object);
		if (entry->wired_count != 0 && !map->system)
			audit_wiring(entry);
	}
}

/*
 * Anonymous objects are referenced by maps and by shadows only, and by a name if
 * they have one.  A file may have references of its own.
 */
static void
audit_refs(struct vm_object *object, void *arg)
{
	bool named = (object->flags & OBJ_NAMED) != 0;
	int found = object->audit_refs;

	(void)arg;
	if (named && (object->flags & OBJ_ONEMAPPING) != 0)
		panic("object %p has a name, flags %x", (void *)object,
		    object->flags);
	if (object->ref_count < found || (vm_object_anonymous(object) &&
	    object->ref_count > found + named))
		panic("I3: object %p counts %d references, %d found",
		    (void *)object, object->ref_count, found);
	if (!vm_object_anonymous(object) || named)
		return;
	if (object->audit_pass < audit_first)
		panic("I11: object %p cannot be reached from any map",
		    (void *)object);
	/* dontneed counts on it: a clip changes nothing then. */
	if (found == 1 && object->shadow_count == 0 &&
	    (object->flags & OBJ_ONEMAPPING) == 0)
		panic("object %p is one entry's alone, flags %x",
		    (void *)object, object->flags);
}

/* [a] audits that found nothing */
static uint64_t audits_passed;

uint64_t
vm_check_passed(void)
{
	return atomic_load(&audits_passed);
}

void
vm_check_all(void)
{
	vm_page_check_all();
	audit_first = audit_walk + 1;
	audit_wired = audit_wirings = 0;
	vm_object_foreach(audit_object, NULL);
	vm_object_foreach(audit_backing, NULL);
	vm_map_foreach(audit_map, NULL);
	if (audit_wired != audit_wirings)
		panic("I8: anonymous pages are wired %lu times, map entries "
		    "say %lu", (unsigned long)audit_wired,
		    (unsigned long)audit_wirings);
	vm_object_foreach(audit_refs, NULL);
	atomic_add(&audits_passed, 1);
}

/* ---- baselines ---- */

void
vm_baseline_take(struct vm_baseline *b)
{
	/* Zones, kernel_map and its page tables grow, and keep what they have. */
	b->free_pages = vm_phys_free_count() + kmem_page_count() +
	    pmap_kernel_pt_count();
	b->objects = vm_object_count();
	/* Kernel stacks come and go with threads, at their own time. */
	b->map_entries = vm_map_entry_count() - kernel_map->nentries;
	b->pv_entries = pmap_pv_count();
	b->pt_pages = pmap_pt_count();
	b->vmspaces = vmspace_count();
}

static unsigned
baseline_one(const char *what, uint64_t was, uint64_t is, vm_print_fn *pr)
{
	if (was == is)
		return 0;
	pr("baseline: %s: %lu before, %lu now\n", what, (unsigned long)was,
	    (unsigned long)is);
	return 1;
}

unsigned
vm_baseline_check(const struct vm_baseline *b, vm_print_fn *pr)
{
	struct vm_baseline now;

	vm_baseline_take(&now);
	return baseline_one("free pages", b->free_pages, now.free_pages, pr) +
	    baseline_one("objects", b->objects, now.objects, pr) +
	    baseline_one("map entries", b->map_entries, now.map_entries, pr) +
	    baseline_one("pv entries", b->pv_entries, now.pv_entries, pr) +
	    baseline_one("page table pages", b->pt_pages, now.pt_pages, pr) +
	    baseline_one("vmspaces", b->vmspaces, now.vmspaces, pr);
}
