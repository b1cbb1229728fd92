/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_vmops.c: the test pager of anonymous memory, and operations that work on
 * objects and pages instead of addresses (lab_vmops.h).
 *
 * Page-out in the order that a page daemon keeps: the page is exclusively busy
 * from the moment its mappings go to the moment it is freed, and its object
 * pinned; what is written is marked as stored under the object's lock in the
 * step that frees the page.  So a merge meanwhile either waits for the page or
 * finds it in the store.
 */
#include "lab_vmops.h"

#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <vm/pmap.h>
#include <vm/vm_collapse.h>
#include <vm/vm_fault.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "lab_reduce.h"

#define STORES		24
#define STORE_PAGES	8

/* Lifetime: from an object's first page-out to its dealloc.  [o] all. */
struct store {
	bool		 used;
	uint8_t		 has;		/* bit i: page i is stored */
	uint8_t		 refused;	/* bit i: and was not read once */
	uint64_t	 slot[STORE_PAGES][LAB_SLOTS];
};

static struct store	 stores[STORES];
static bool		 store_tight;

static bool	store_haspage(struct vm_object *object, vm_pindex_t pindex);
static int	store_getpage(struct vm_object *object, struct vm_page *m);
static void	store_dealloc(struct vm_object *object);
static bool	store_nextpage(struct vm_object *object, vm_pindex_t *pindex);
static int	store_transfer(struct vm_object *from, struct vm_object *to,
		    vm_pindex_t first);

static void	store_remove(struct vm_object *object, vm_pindex_t start,
		    vm_pindex_t end);

static const struct vm_pager_ops store_ops = {
	.name = "labstore",
	.haspage = store_haspage,
	.getpage = store_getpage,
	.dealloc = store_dealloc,
	.nextpage = store_nextpage,
	.transfer = store_transfer,
	.remove = store_remove,
};

/* ---- the pager ---- */

static struct store *
store_of(const struct vm_object *object)
{
	return object->pager == &store_ops ? object->handle : NULL;
}

static void
store_begin(struct vm_object *object)
{
	struct store *st = stores;

	while (st < stores + STORES && st->used)
		st++;
	KASSERT(st < stores + STORES, "more than %d objects are stored",
	    STORES);
	lab_mark(PL_LAB, &stores, true);
	lab_mem_seen(&object->handle, true);
	lab_mem_seen(&object->pager, true);
	memset(st, 0, sizeof(*st));
	st->used = true;
	object->handle = st;
	object->pager = &store_ops;
}

static inline uint64_t *
slot_in(struct vm_page *m, int slot)
{
	return (uint64_t *)(void *)((char *)pmap_page_kva(m) +
	    slot_offset(slot));
}

static void
mark_content(struct vm_page *m, bool write)
{
	for (int i = 0; i < LAB_SLOTS; i++)
		lab_mark(PL_LAB, slot_in(m, i), write);
}

static bool
store_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	lab_mark(PL_LAB, &store_of(object)->has, false);
	return pindex < STORE_PAGES &&
	    (store_of(object)->has & 1U << pindex) != 0;
}

static int
store_getpage(struct vm_object *object, struct vm_page *m)
{
	struct store *st = store_of(object);

	lab_point(EV_PAGER, m, "page-in begins");
	if (store_tight && (st->refused & 1U << m->pindex) == 0) {
		st->refused |= (uint8_t)(1U << m->pindex);
		lab_point(EV_PAGER, m, "page-in has no memory");
		return ENOMEM;
	}
	memset(pmap_page_kva(m), 0, PAGE_SIZE);
	lab_mark(PL_LAB, &st->has, false);
	mark_content(m, true);
	for (int i = 0; i < LAB_SLOTS; i++)
		*slot_in(m, i) = st->slot[m->pindex][i];
	lab_point(EV_PAGER, m, "page-in ends");
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
store_dealloc(struct vm_object *object)
{
	lab_mark(PL_LAB, &stores, true);
	store_of(object)->used = false;
}

static bool
store_nextpage(struct vm_object *object, vm_pindex_t *pindex)
{
	for (; *pindex < STORE_PAGES; (*pindex)++)
		if (store_haspage(object, *pindex))
			return true;
	return false;
}

static int
store_transfer(struct vm_object *from, struct vm_object *to, vm_pindex_t first)
{
	struct store *f = store_of(from);
	vm_pindex_t i, index;

	if (to->pager == NULL)
		store_begin(to);
	lab_mark(PL_LAB, &f->has, true);
	lab_mark(PL_LAB, &store_of(to)->has, true);
	for (i = 0; i < STORE_PAGES; i++) {
		index = i - first;
		if ((f->has & 1U << i) == 0 || i < first || index >= to->size ||
		    vm_page_lookup(to, index) != NULL ||
		    store_haspage(to, index))
			continue;
		memcpy(store_of(to)->slot[index], f->slot[i],
		    sizeof(f->slot[i]));
		store_of(to)->has |= (uint8_t)(1U << index);
	}
	f->has = 0;
	return 0;
}

static void
store_remove(struct vm_object *object, vm_pindex_t start, vm_pindex_t end)
{
	lab_mark(PL_LAB, &store_of(object)->has, true);
	for (; start < MIN(end, STORE_PAGES); start++)
		store_of(object)->has &= (uint8_t)~(1U << start);
}

unsigned
store_pages(const struct vm_object *object)
{
	const struct store *st = store_of(object);

	return st == NULL ? 0 : st->has;
}

void
store_reset(void)
{
	memset(stores, 0, sizeof(stores));
	store_tight = false;
}

void
store_refuse(void)
{
	store_tight = true;
}

/* ---- finding things ---- */

static inline vm_offset_t
page_va(int page)
{
	return LAB_BASE + ptoa(page);
}

/* The entry's object, locked, and the index of its page there; map read-locked
 * on success. */
static struct vm_object *
first_object(struct lab_proc *p, int page, vm_pindex_t *pindex)
{
	struct vm_map *map = &p->vm->vm_map;
	struct vm_map_entry *entry;

	vm_map_lock_read(map);
	if (!vm_map_lookup_entry(map, page_va(page), &entry) ||
	    entry->object == NULL) {
		vm_map_unlock_read(map);
		return NULL;
	}
	lab_mem_seen(&entry->object, false);
	lab_mem_seen(&entry->offset, false);
	lab_mem_seen(&entry->start, false);
	vm_object_lock(entry->object);
	*pindex = atop(entry->offset + (page_va(page) - entry->start));
	return entry->object;
}

/* The page that is shown, or NULL; *objectp is its locked object, or the end. */
static struct vm_page *
shown_page(struct vm_object **objectp, vm_pindex_t pindex)
{
	struct vm_object *object = *objectp, *next;
	struct vm_page *m;

	while ((m = vm_page_lookup(object, pindex)) == NULL &&
	    !vm_pager_haspage(object, pindex) &&
	    (next = object->backing_object) != NULL) {
		lab_mem_seen(&object->backing_object, false);
		lab_mem_seen(&object->backing_object_offset, false);
		vm_object_lock(next);
		pindex += atop(object->backing_object_offset);
		vm_object_unlock(object);
		object = next;
	}
	*objectp = object;
	return m;
}

/* ---- page-out ---- */

/* m is ours, without mappings, and its object pinned: nothing is locked. */
static void
write_out(struct vm_object *object, struct vm_page *m)
{
	struct store *st = object->handle;
	vm_pindex_t i = m->pindex;

	lab_point(EV_PAGER, m, "page-out begins");
	mark_content(m, false);
	lab_mark(PL_LAB, &st->has, true);
	for (int s = 0; s < LAB_SLOTS; s++)
		st->slot[i][s] = *slot_in(m, s);
	lab_point(EV_PAGER, m, "page-out ends");
	vm_object_lock(object);
	lab_mark(PL_LAB, &st->has, true);
	st->has |= (uint8_t)(1U << i);
	vm_page_free(m);
	vm_object_unlock(object);
	vm_object_paging_end(object);
}

void
proc_pageout(struct lab_proc *p, int page)
{
	struct vm_object *object;
	struct vm_page *m;
	vm_pindex_t pindex;
	bool anon;

	object = first_object(p, page, &pindex);
	if (object == NULL)
		return;
	m = shown_page(&object, pindex);
	anon = vm_object_anonymous(object);
	if (!anon && (object->flags & OBJ_MIGHTBEDIRTY) != 0)
		m = NULL;
	if (m != NULL && (m->pindex >= STORE_PAGES || !vm_page_busy_try(m)))
		m = NULL;
	if (m != NULL)
		lab_mem_seen(&m->wire_count, false);
	/* Only now: who makes a page wires it busy, without the object's lock. */
	if (m != NULL && m->wire_count != 0) {
		vm_page_unbusy(m);
		m = NULL;
	}
	if (m == NULL) {
		vm_object_unlock(object);
		vm_map_unlock_read(&p->vm->vm_map);
		return;
	}
	pmap_remove_all(m);
	if (!anon) {
		vm_page_free(m);
	} else {
		if (object->pager == NULL)
			store_begin(object);
		vm_object_paging_begin(object);
	}
	vm_object_unlock(object);
	vm_map_unlock_read(&p->vm->vm_map);
	if (anon)
		write_out(object, m);
}

/* Only the object is locked: that is all that vm_page.h asks for. */
void
proc_deactivate(struct lab_proc *p, int page)
{
	struct vm_object *object;
	struct vm_page *m;
	vm_pindex_t pindex;

	object = first_object(p, page, &pindex);
	if (object == NULL)
		return;
	m = shown_page(&object, pindex);
	if (m != NULL)
		vm_page_deactivate(m);
	vm_object_unlock(object);
	vm_map_unlock_read(&p->vm->vm_map);
}

/* ---- objects ---- */

void
proc_pin(struct lab_proc *p, int page)
{
	struct vm_object *object;
	vm_pindex_t pindex;

	object = first_object(p, page, &pindex);
	if (object == NULL)
		return;
	(void)shown_page(&object, pindex);
	vm_object_paging_begin(object);
	vm_object_unlock(object);
	vm_map_unlock_read(&p->vm->vm_map);
	lab_point(EV_PAGER, object, "pinned");
	vm_object_paging_end(object);	/* which may be the end of object */
}

void
proc_collapse(struct lab_proc *p, int page)
{
	struct vm_object_todo todo = { .n = 0 };
	struct vm_object *object;
	vm_pindex_t pindex;

	object = first_object(p, page, &pindex);
	if (object == NULL)
		return;
	vm_object_reference(object);
	vm_map_unlock_read(&p->vm->vm_map);
	vm_object_collapse(object, VM_COLLAPSE_WAIT, &todo);
	vm_object_unlock(object);
	vm_object_deallocate_todo(&todo);
	vm_object_deallocate(object);
}

void
proc_split(struct lab_proc *p, int page)
{
	struct vm_object_todo todo = { .n = 0 };
	struct vm_map *map = &p->vm->vm_map;
	struct vm_map_entry *entry;

	proc_protect(p, page, 1, false);	/* clips it off */
	vm_map_lock(map);
	if (vm_map_lookup_entry(map, page_va(page), &entry) &&
	    entry->object != NULL && entry->wired_count == 0 &&
	    (entry->eflags & (MAP_ENTRY_NEEDS_COPY |
	    MAP_ENTRY_IN_TRANSITION)) == 0)
		vm_object_split(&entry->object, &entry->offset,
		    atop(entry->end - entry->start), &todo);
	map->timestamp++;
	vm_map_unlock(map);
	vm_object_deallocate_todo(&todo);
	proc_protect(p, page, 1, true);
}

void
proc_prefault(struct lab_proc *p, int page)
{
	struct vm_map *map = &p->vm->vm_map;
	struct vm_map_entry *entry;

	vm_map_lock_read(map);
	if (vm_map_lookup_entry(map, page_va(page), &entry) &&
	    entry->object != NULL)
		vm_prefault(map, entry, page_va(page), false);
	vm_map_unlock_read(map);
}
