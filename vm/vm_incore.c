/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_incore.c: which pages of a mapping are in memory (mincore), and whose they
 * are (smaps).
 *
 * Both look a page up where a fault would find it; a translation alone says
 * nothing about the page that may be counted on, its object's lock does.
 *
 * Locks: the map, read; the objects of a chain, coupled, front before backing.
 * Sources: mincore(2), proc(5) of Linux for what is counted.
 */
#include <vm/vm_incore.h>

#include <sys/errno.h>
#include <vm/pmap.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

#include "vm_priv.h"

static bool
entry_has_object(const struct vm_map_entry *entry)
{
	return (entry->eflags & MAP_ENTRY_SUBMAP) == 0 && entry->object != NULL;
}

static bool __no_lock_analysis
entry_resident(const struct vm_map_entry *entry, vm_offset_t va)
{
	struct vm_object *in;
	struct vm_page *m;
	bool found;

	if (!entry_has_object(entry))
		return false;
	m = vm_fault_resident(entry, va, &in);
	found = m != NULL && !vm_page_reserved(m);
	vm_object_unlock(in);
	return found;
}

int
vm_map_mincore(struct vm_map *map, vm_offset_t start, unsigned n, uint8_t *vec)
{
	struct vm_map_entry *entry;
	vm_offset_t va;
	unsigned i;
	int error;

	error = 0;
	vm_map_lock_read(map);
	for (i = 0; i < n && error == 0; i++) {
		va = start + ptoa(i);
		if (!vm_map_lookup_entry(map, va, &entry))
			error = ENOMEM;
		else
			vec[i] = pmap_extract(map->pmap, va, NULL) != 0 ||
			    entry_resident(entry, va);
	}
	vm_map_unlock_read(map);
	return error;
}

/* ---- usage ---- */

/* usage_add: one page.  Its object is locked. */
static void
usage_add(struct vm_usage *u, struct vm_page *m, bool anonymous)
{
	const unsigned n = pmap_page_mapcount(m);
	const uint64_t share = n > 1 ? USAGE_PAGE / n : USAGE_PAGE;
	const bool dirty = m->dirty != 0 || pmap_is_modified(m);

	if (n > 1)
		(*(dirty ? &u->shared_dirty : &u->shared_clean))++;
	else
		(*(dirty ? &u->dirty : &u->clean))++;
	u->pss += share;
	if (dirty)
		u->pss_dirty += share;
	if (pmap_is_referenced(m))
		u->referenced++;
	if (anonymous) {
		u->anonymous++;
		u->pss_anonymous += share;
	}
}

void __no_lock_analysis
vm_map_entry_usage(struct vm_map *map, const struct vm_map_entry *entry,
    struct vm_usage *u)
{
	struct vm_object *in;
	struct vm_page *m;
	vm_offset_t va;
	vm_paddr_t pa;

	if (!entry_has_object(entry))
		return;
	for (va = entry->start; va < entry->end; va += PAGE_SIZE) {
		if (pmap_extract(map->pmap, va, NULL) == 0)
			continue;
		m = vm_fault_resident(entry, va, &in);
		/* With the lock: is that what is mapped? */
		pa = pmap_extract(map->pmap, va, NULL);
		if (m != NULL && pa == VM_PAGE_TO_PHYS(m))
			usage_add(u, m, vm_object_anonymous(in) &&
			    (entry->eflags & MAP_ENTRY_SHARED) == 0);
		vm_object_unlock(in);
	}
}
