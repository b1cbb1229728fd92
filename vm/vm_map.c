/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_map.c: address maps: the ordered set of entries.
 *
 * Look up, find space, split and merge entries.  New mappings are made in
 * vm_map_insert.c, ranges are changed in vm_map_ops.c; fork and copy on write
 * are in vm_map_fork.c.  Nothing here touches a pmap: callers unmap before they
 * change what a mapping rests on.
 *
 * Invariants, checked by vm_map_check:
 *	M1 entries are sorted, disjoint, inside the map
 *	M2 an entry is non-empty and page aligned
 *	M3 gap_before and max_gap are right; nentries and size too
 *	M4 no object: offset 0 and not NEEDS_COPY; NEEDS_COPY implies COW
 *	M5 STACK with an object: offset >= avail_ssize
 *	M6 wired: USER_WIRED and wired_count agree
 *	M7 IN_TRANSITION entries have a wiring thread
 *
 * Locks: the map's rwlock; the list of vmspaces is vm_space.c's.
 * Sources: Mach vm_map.c as described by Tevanian 1987; McKusick et al., The
 * Design and Implementation of 4.4BSD, ch. 5.
 */
#include <vm/vm_map.h>

#include <lib/assert.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/sleepq.h>
#include <sys/zone.h>
#include <vm/vm_object.h>

#include <machine/cpu.h>

#include "vm_priv.h"

static struct zone *vm_map_entry_zone;

/* Room below an entry that findspace leaves alone. */
static inline vm_size_t
entry_keep(const struct vm_map_entry *entry)
{
	if ((entry->eflags & MAP_ENTRY_STACK) == 0)
		return 0;
	return entry->avail_ssize + STACK_GAP;
}

/* The largest gap of the subtree. */
static vm_offset_t
subtree_gap(struct rb_node *n)
{
	vm_offset_t max = vm_map_entry_of(n)->gap_before;

	if (n->rb_left != NULL)
		max = MAX(max, vm_map_entry_of(n->rb_left)->max_gap);
	if (n->rb_right != NULL)
		max = MAX(max, vm_map_entry_of(n->rb_right)->max_gap);
	return max;
}

/* rb_augment */
static bool
entry_augment(struct rb_node *n)
{
	struct vm_map_entry *entry = vm_map_entry_of(n);
	vm_offset_t old = entry->max_gap;

	entry->max_gap = subtree_gap(n);
	return entry->max_gap != old;
}

static void
gap_set(struct vm_map *map, const struct vm_map_entry *prev,
    struct vm_map_entry *entry)
{
	vm_offset_t below = prev == NULL ? map->min_offset : prev->end;
	vm_size_t room = entry->start - below;
	vm_size_t keep = entry_keep(entry);

	entry->gap_before = room > keep ? room - keep : 0;
}

void
vm_map_startup(void)
{
	vm_map_entry_zone = zone_create("vm_map_entry",
	    sizeof(struct vm_map_entry), CACHE_LINE, NULL, 0);
	vmspace_startup();
}

void
vm_map_init(struct vm_map *map, struct pmap *pmap, vm_offset_t min,
    vm_offset_t max, bool system)
{
	KASSERT(((min | max) & PAGE_MASK) == 0 && min < max,
	    "M2: map bounds %#lx %#lx", min, max);
	memset(map, 0, sizeof(*map));
	/* DUPOK: fork holds parent and child; nobody else reaches the child. */
	if (system)
		rw_init(&map->lock, "kmap", LO_KMAP, 0);
	else
		rw_init(&map->lock, "vmmap", LO_MAP, LK_DUPOK);
	rb_init(&map->tree, entry_augment);
	map->min_offset = min;
	map->max_offset = max;
	map->max_entries = system ? 0 : VM_MAP_MAX_ENTRIES;
	map->pmap = pmap;
	map->system = system;
}

/* ---- entries ---- */

struct vm_map_entry *
vm_map_entry_alloc(void)
{
	return zone_alloc(vm_map_entry_zone, M_NOWAIT);
}

void
vm_map_entry_free(struct vm_map_entry *entry)
{
	zone_free(vm_map_entry_zone, entry);
}

uint64_t
vm_map_entry_count(void)
{
	struct zone_stats st;

	zone_get_stats(vm_map_entry_zone, &st);
	return st.live;
}

int
vm_map_entry_reserve(struct vm_map *map, struct vm_map_reserve *r, unsigned n)
{
	struct vm_map_entry *entry;

	if (map->max_entries != 0 && n > 0 &&
	    map->nentries + n > map->max_entries)
		return ENOMEM;
	while (r->count < n) {
		entry = vm_map_entry_alloc();
		if (entry == NULL)
			return ENOMEM;
		entry->link.rb_right = r->head == NULL ? NULL :
		    &r->head->link;
		r->head = entry;
		r->count++;
	}
	return 0;
}

struct vm_map_entry *
vm_map_entry_take(struct vm_map_reserve *r)
{
	struct vm_map_entry *entry = r->head;

	KASSERT(entry != NULL, "clip beyond the commit line without reserve");
	r->head = vm_map_entry_of(entry->link.rb_right);
	r->count--;
	return entry;
}

void
vm_map_entry_release(struct vm_map_reserve *r)
{
	while (r->count > 0)
		vm_map_entry_free(vm_map_entry_take(r));
}

/* The place of a new node is free on one side of one of its neighbours. */
void
vm_map_entry_link(struct vm_map *map, struct vm_map_entry *prev,
    struct vm_map_entry *entry)
{
	struct vm_map_entry *next;
	struct rb_node *parent = NULL, **link = NULL;

	next = prev == NULL ? vm_map_entry_first(map) : vm_map_entry_next(prev);
	KASSERT(prev == NULL || prev->end <= entry->start,
	    "M1: %#lx below the end of its predecessor %#lx", entry->start,
	    prev->end);
	KASSERT(next == NULL || entry->end <= next->start,
	    "M1: end %#lx above the start of its successor %#lx", entry->end,
	    next->start);
	gap_set(map, prev, entry);
	if (prev != NULL && prev->link.rb_right == NULL) {
		parent = &prev->link;
		link = &parent->rb_right;
	} else if (next != NULL) {
		parent = &next->link;
		link = &parent->rb_left;
	}
	rb_link(&map->tree, &entry->link, parent, link);
	if (next != NULL) {
		gap_set(map, entry, next);
		rb_update(&map->tree, &next->link);
	}
	map->nentries++;
	map->size += entry->end - entry->start;
	vm_map_changed(map);
}

void
vm_map_entry_unlink(struct vm_map *map, struct vm_map_entry *entry)
{
	struct vm_map_entry *prev = vm_map_entry_prev(entry);
	struct vm_map_entry *next = vm_map_entry_next(entry);

	rb_unlink(&map->tree, &entry->link);
	if (next != NULL) {
		gap_set(map, prev, next);
		rb_update(&map->tree, &next->link);
	}
	if (map->hint == entry)
		map->hint = NULL;
	map->nentries--;
	map->size -= entry->end - entry->start;
	vm_map_changed(map);
}

void
vm_map_entry_resized(struct vm_map *map, struct vm_map_entry *entry)
{
	struct vm_map_entry *next = vm_map_entry_next(entry);

	gap_set(map, vm_map_entry_prev(entry), entry);
	rb_update(&map->tree, &entry->link);
	if (next != NULL) {
		gap_set(map, entry, next);
		rb_update(&map->tree, &next->link);
	}
	vm_map_changed(map);
}

/* ---- lookup ---- */

bool
vm_map_lookup_entry(struct vm_map *map, vm_offset_t va,
    struct vm_map_entry **entryp)
{
	struct vm_map_entry *entry, *below = NULL;
	struct rb_node *n;

	/* Relaxed: a hint; the map lock orders it with entry removal. */
	entry = atomic_load_relaxed(&map->hint);
	if (entry != NULL && va >= entry->start && va < entry->end) {
		*entryp = entry;
		return true;
	}
	for (n = map->tree.rb_root; n != NULL;) {
		entry = vm_map_entry_of(n);
		if (va < entry->start) {
			n = n->rb_left;
		} else if (va < entry->end) {
			atomic_store_relaxed(&map->hint, entry);
			*entryp = entry;
			return true;
		} else {
			below = entry;
			n = n->rb_right;
		}
	}
	*entryp = below;
	return false;
}

/* The lowest entry that ends above va, or NULL. */
struct vm_map_entry *
vm_map_entry_ge(struct vm_map *map, vm_offset_t va)
{
	struct vm_map_entry *entry;

	if (vm_map_lookup_entry(map, va, &entry))
		return entry;
	return entry == NULL ? vm_map_entry_first(map) :
	    vm_map_entry_next(entry);
}

/* ---- find space ---- */

struct gap_want {
	vm_offset_t	hint;
	vm_size_t	len;
	vm_offset_t	align;
};

static bool
gap_fits(vm_offset_t low, vm_offset_t high, const struct gap_want *w,
    vm_offset_t *start)
{
	vm_offset_t at = roundup2(MAX(low, w->hint), w->align);

	if (at < low || at > high || high - at < w->len)
		return false;
	*start = at;
	return true;
}

static bool
entry_gap_fits(const struct vm_map_entry *entry, const struct gap_want *w,
    vm_offset_t *start)
{
	vm_offset_t high = entry->start - entry_keep(entry);

	return entry->gap_before >= w->len &&
	    gap_fits(high - entry->gap_before, high, w, start);
}

/* The lowest entry of the subtree with a gap of len; there is one. */
static struct vm_map_entry *
gap_first(struct rb_node *n, vm_size_t len)
{
	struct rb_node *left;

	for (;;) {
		left = n->rb_left;
		if (left != NULL && vm_map_entry_of(left)->max_gap >= len)
			n = left;
		else if (vm_map_entry_of(n)->gap_before >= len)
			return vm_map_entry_of(n);
		else
			n = n->rb_right;
	}
}

/* The next entry above with a gap of len, or NULL. */
static struct vm_map_entry *
gap_next(const struct vm_map_entry *entry, vm_size_t len)
{
	const struct rb_node *n = &entry->link;
	struct rb_node *p, *right;

	for (;;) {
		right = n->rb_right;
		if (right != NULL && vm_map_entry_of(right)->max_gap >= len)
			return gap_first(right, len);
		for (p = n->rb_parent; p != NULL && p->rb_right == n;
		    n = p, p = p->rb_parent)
			continue;
		if (p == NULL)
			return NULL;
		if (vm_map_entry_of(p)->gap_before >= len)
			return vm_map_entry_of(p);
		n = p;
	}
}

/*
 * First fit.  Logarithmic for page alignment; with a larger one, gaps between
 * len and len + align may be looked at in vain, which exact first fit costs.
 */
int
vm_map_findspace(struct vm_map *map, vm_offset_t hint, vm_size_t len,
    vm_offset_t align, vm_offset_t *start)
{
	struct gap_want w = { MAX(hint, map->min_offset), len, align };
	struct vm_map_entry *entry;
	struct rb_node *last;

	KASSERT(len > 0 && (len & PAGE_MASK) == 0, "M2: length %#lx", len);
	KASSERT(powerof2(align) && align >= PAGE_SIZE, "alignment %#lx", align);
	if (w.hint >= map->max_offset)
		return ENOMEM;
	for (entry = vm_map_entry_ge(map, w.hint); entry != NULL;
	    entry = gap_next(entry, len)) {
		if (entry_gap_fits(entry, &w, start))
			return 0;
	}
	last = rb_last(&map->tree);
	if (gap_fits(last == NULL ? map->min_offset :
	    vm_map_entry_of(last)->end, map->max_offset, &w, start))
		return 0;
	return ENOMEM;
}

/* ---- split and merge ---- */

unsigned
vm_map_clips(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *entry;
	unsigned n = 0;

	if (vm_map_lookup_entry(map, start, &entry) && entry->start < start)
		n++;
	if (vm_map_lookup_entry(map, end, &entry) && entry->start < end)
		n++;
	return n;
}

/*
 * The entry's reference will become two.  While it is still the only one, and
 * the map is write-locked, nobody else sees the object: say so with ONEMAPPING
 * (then half of it can be freed), and drop a NEEDS_COPY that has no reason.
 */
static void
object_before_split(struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object;

	if (object == NULL || !vm_object_anonymous(object) ||
	    atomic_load(&object->ref_count) != 1)
		return;
	vm_object_lock(object);
	/* Page-out needs no reference: only the lock keeps a pager away. */
	if (object->pager == NULL) {
		object->flags |= OBJ_ONEMAPPING;
		entry->eflags &= ~MAP_ENTRY_NEEDS_COPY;
	}
	vm_object_unlock(object);
}

/* Split at addr; low and high are both in the map after it. */
static void
entry_split(struct vm_map *map, struct vm_map_entry *entry, vm_offset_t addr,
    struct vm_map_entry *new, bool new_is_low)
{
	struct vm_map_entry *low, *high, *prev;
	vm_offset_t start = entry->start, end = entry->end;
	vm_ooffset_t offset = entry->offset;

	vm_map_assert_locked(map);
	KASSERT((addr & PAGE_MASK) == 0 && start < addr && addr < end,
	    "M2: clip of [%#lx, %#lx) at %#lx", start, end, addr);
	KASSERT((entry->eflags & (MAP_ENTRY_IN_TRANSITION |
	    MAP_ENTRY_SUBMAP)) == 0, "clip of entry %#lx, flags %#x", start,
	    entry->eflags);
	object_before_split(entry);
	*new = *entry;
	low = new_is_low ? new : entry;
	high = new_is_low ? entry : new;
	if (entry->object != NULL) {
		vm_object_reference(entry->object);
		high->offset = offset + (addr - start);
	}
	high->eflags &= ~MAP_ENTRY_STACK;
	high->avail_ssize = 0;

	low->offset = offset;
	if (new_is_low)
		prev = vm_map_entry_prev(entry);
	else
		prev = entry;
	/* The split moves no byte: take out of size what link puts back in. */
	map->size -= new_is_low ? addr - start : end - addr;
	low->end = addr;
	high->start = addr;
	vm_map_entry_link(map, prev, new);
	vm_map_entry_resized(map, entry);
}

void
vm_map_clip_start(struct vm_map *map, struct vm_map_entry *entry,
    vm_offset_t addr, struct vm_map_reserve *r)
{
	if (addr > entry->start)
		entry_split(map, entry, addr, vm_map_entry_take(r), true);
}

void
vm_map_clip_end(struct vm_map *map, struct vm_map_entry *entry,
    vm_offset_t addr, struct vm_map_reserve *r)
{
	if (addr < entry->end)
		entry_split(map, entry, addr, vm_map_entry_take(r), false);
}

/* A stack may have something merged on its upper end only. */
static bool
entry_mergeable(const struct vm_map_entry *low, const struct vm_map_entry *high)
{
	return low->end == high->start &&
	    (low->eflags & ~MAP_ENTRY_STACK) == high->eflags &&
	    (low->eflags & ENTRY_SOLITARY) == 0 &&
	    low->protection == high->protection &&
	    low->max_protection == high->max_protection &&
	    low->inheritance == high->inheritance &&
	    low->wired_count == high->wired_count &&
	    low->object == high->object &&
	    (low->object == NULL ||
	    low->offset + (low->end - low->start) == high->offset);
}

/* Merge high into low.  low's reference keeps the object, so giving up high's
 * is never the last and does not sleep. */
static void
entry_merge(struct vm_map *map, struct vm_map_entry *low,
    struct vm_map_entry *high)
{
	vm_size_t len = high->end - high->start;

	vm_map_entry_unlink(map, high);
	low->end += len;
	map->size += len;
	vm_map_entry_resized(map, low);
	if (high->object != NULL)
		vm_object_deallocate(high->object);
	vm_map_entry_free(high);
}

struct vm_map_entry *
vm_map_simplify_entry(struct vm_map *map, struct vm_map_entry *entry)
{
	struct vm_map_entry *prev = vm_map_entry_prev(entry);
	struct vm_map_entry *next = vm_map_entry_next(entry);

	vm_map_assert_locked(map);
	if (next != NULL && entry_mergeable(entry, next))
		entry_merge(map, entry, next);
	if (prev != NULL && entry_mergeable(prev, entry)) {
		entry_merge(map, prev, entry);
		entry = prev;
	}
	return entry;
}

void
vm_map_simplify_range(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *entry = vm_map_entry_ge(map, start);

	while (entry != NULL && entry->start <= end) {
		entry = vm_map_simplify_entry(map, entry);
		entry = vm_map_entry_next(entry);
	}
}

/* ---- transition ---- */

void
vm_map_transition_wait(struct vm_map *map, struct vm_map_entry *entry)
{
	nsec_t since = md_uptime();

	KASSERT(entry->wiring_thread != curthread,
	    "M7: thread %p waits for its own wiring of %#lx",
	    (void *)curthread, entry->start);
	entry->eflags |= MAP_ENTRY_NEEDS_WAKEUP;
	(void)rw_sleep(map, &map->lock, 0, "vmmapw", 0);
	vm_meter_waited("vmmapw", md_uptime() - since);
}

void
vm_map_transition_wait_range(struct vm_map *map, vm_offset_t start,
    vm_offset_t end)
{
	struct vm_map_entry *entry;

	entry = vm_map_entry_ge(map, start);
	while (entry != NULL && entry->start < end) {
		if ((entry->eflags & MAP_ENTRY_IN_TRANSITION) == 0) {
			entry = vm_map_entry_next(entry);
			continue;
		}
		/* The map was unlocked: start over. */
		vm_map_transition_wait(map, entry);
		entry = vm_map_entry_ge(map, start);
	}
}

/* ---- audit ---- */

static void
entry_check(const struct vm_map *map, const struct vm_map_entry *entry,
    vm_offset_t below)
{
	vm_size_t room, keep = entry_keep(entry);
	uint32_t f = entry->eflags;

	if (((entry->start | entry->end) & PAGE_MASK) != 0 ||
	    entry->start >= entry->end)
		panic("M2: entry [%#lx, %#lx)", entry->start, entry->end);
	if (entry->start < below || entry->end > map->max_offset)
		panic("M1: entry [%#lx, %#lx) after %#lx, map ends at %#lx",
		    entry->start, entry->end, below, map->max_offset);
	room = entry->start - below;
	if (entry->gap_before != (room > keep ? room - keep : 0))
		panic("M3: gap_before %#lx of %#lx, room %#lx, kept %#lx",
		    entry->gap_before, entry->start, room, keep);
	if (entry->object == NULL && (entry->offset != 0 ||
	    (f & MAP_ENTRY_NEEDS_COPY) != 0))
		panic("M4: entry %#lx without object: offset %#lx flags %#x",
		    entry->start, entry->offset, f);
	if ((f & MAP_ENTRY_NEEDS_COPY) != 0 && (f & MAP_ENTRY_COW) == 0)
		panic("M4: entry %#lx NEEDS_COPY, not COW", entry->start);
	if ((f & MAP_ENTRY_STACK) != 0 && entry->object != NULL &&
	    entry->offset < entry->avail_ssize)
		panic("M5: stack %#lx offset %#lx below its room %#lx",
		    entry->start, entry->offset, entry->avail_ssize);
	if ((f & MAP_ENTRY_STACK) == 0 && entry->avail_ssize != 0)
		panic("M5: entry %#lx has room %#lx but is no stack",
		    entry->start, entry->avail_ssize);
	if (((f & MAP_ENTRY_USER_WIRED) != 0) != (entry->wired_count != 0))
		panic("M6: entry %#lx wired %u flags %#x", entry->start,
		    entry->wired_count, f);
	if (((f & MAP_ENTRY_IN_TRANSITION) != 0) !=
	    (entry->wiring_thread != NULL))
		panic("M7: entry %#lx flags %#x wiring thread %p",
		    entry->start, f, (void *)entry->wiring_thread);
	if ((entry->protection & ~entry->max_protection) != 0)
		panic("entry %#lx protection %u above its maximum %u",
		    entry->start, entry->protection, entry->max_protection);
}

void
vm_map_check(struct vm_map *map)
{
	struct vm_map_entry *entry;
	vm_offset_t below = map->min_offset, max_gap;
	vm_size_t size = 0;
	unsigned n = 0;
	const char *why;

	if (!rw_held(&map->lock))
		panic("map %p is not locked for its audit", (void *)map);
	why = rb_check(&map->tree);
	if (why != NULL)
		panic("map %p tree: %s", (void *)map, why);
	for (entry = vm_map_entry_first(map); entry != NULL;
	    entry = vm_map_entry_next(entry)) {
		entry_check(map, entry, below);
		max_gap = subtree_gap(&entry->link);
		if (entry->max_gap != max_gap)
			panic("M3: max_gap %#lx of %#lx should be %#lx",
			    entry->max_gap, entry->start, max_gap);
		below = entry->end;
		size += entry->end - entry->start;
		n++;
	}
	if (n != map->nentries || size != map->size)
		panic("M3: map %p counts %u entries %#lx bytes, has %u %#lx",
		    (void *)map, map->nentries, map->size, n, size);
}
