/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_priv.h: what the files of vm/ tell each other and nobody else.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <vm/vm_map.h>

/* ---- maps: vm_map.c for vm_map_ops.c, vm_map_fork.c, vm_space.c ---- */

#define VM_MAP_MAX_ENTRIES	65530	/* of a user map */
/* entries that never merge with a neighbour */
#define ENTRY_SOLITARY	(MAP_ENTRY_IN_TRANSITION | MAP_ENTRY_SUBMAP |	\
			    MAP_ENTRY_NOCOALESCE)
#define vm_map_assert_locked(m)						\
	KASSERT(rw_wowned(&(m)->lock), "map %p not write-locked", (void *)(m))

/*
 * Entry reserve: what an operation may need is taken before its commit line, so
 * that clipping behind it cannot fail.  Lives on the caller's stack.
 */
struct vm_map_reserve {
	struct vm_map_entry	*head;		/* [t] by link.rb_right */
	unsigned		 count;		/* [t] */
};
#define VM_MAP_RESERVE_INIT	{ NULL, 0 }
/* vm_map_entry_reserve: have at least n in r.  => Locks: map write-locked.
 * => Returns 0; ENOMEM (no memory, or the map has too many entries). */
int	vm_map_entry_reserve(struct vm_map *map, struct vm_map_reserve *r,
	    unsigned n) __warn_unused;
void	vm_map_entry_release(struct vm_map_reserve *r);
struct vm_map_entry *vm_map_entry_take(struct vm_map_reserve *r);
struct vm_map_entry *vm_map_entry_alloc(void);	/* not filled in; NULL */
void	vm_map_entry_free(struct vm_map_entry *entry);
uint64_t vm_map_entry_count(void);		/* live, all maps */

/* vm_map_entry_link: entry goes between prev (NULL: none) and what follows it.
 * vm_map_entry_unlink: out of the tree; entry and its object stay whole. */
void	vm_map_entry_link(struct vm_map *map, struct vm_map_entry *prev,
	    struct vm_map_entry *entry);
void	vm_map_entry_unlink(struct vm_map *map, struct vm_map_entry *entry);
/* vm_map_entry_resized: start, end or avail_ssize of entry was changed. */
void	vm_map_entry_resized(struct vm_map *map, struct vm_map_entry *entry);

/* vm_map_entry_ge: lowest entry that ends above va, or NULL. */
struct vm_map_entry *vm_map_entry_ge(struct vm_map *map, vm_offset_t va);

/* vm_map_range_check: EINVAL unless [start, end) is a range of whole pages
 * inside the map. */
int	vm_map_range_check(const struct vm_map *map, vm_offset_t start,
	    vm_offset_t end) __warn_unused;
/* vm_map_stack_conflict: a mapping of [start, end) would break a STACK_GAP. */
bool	vm_map_stack_conflict(struct vm_map *map, vm_offset_t start,
	    vm_offset_t end, const struct vm_map_args *a);
/* vm_map_find and vm_map_fixed with the map write-locked in and out; *dead goes
 * to vm_map_release_dead after the unlock. */
int	vm_map_find_locked(struct vm_map *map, vm_offset_t *addr,
	    vm_size_t len, vm_offset_t align, const struct vm_map_args *a)
	    __warn_unused;
int	vm_map_fixed_locked(struct vm_map *map, vm_offset_t start,
	    vm_offset_t end, bool excl, const struct vm_map_args *a,
	    struct vm_map_entry **dead) __warn_unused;

/* vm_map_clips: entries that clipping at start and end will take: 0..2. */
unsigned vm_map_clips(struct vm_map *map, vm_offset_t start, vm_offset_t end);
/* vm_map_clip_start: addr becomes a boundary; the part below it is split off.
 * => Takes: one entry of r when addr is inside entry. */
void	vm_map_clip_start(struct vm_map *map, struct vm_map_entry *entry,
	    vm_offset_t addr, struct vm_map_reserve *r);
void	vm_map_clip_end(struct vm_map *map, struct vm_map_entry *entry,
	    vm_offset_t addr, struct vm_map_reserve *r);
/* vm_map_simplify_entry: merge entry with both neighbours where they agree;
 * returns the entry that covers it now. */
struct vm_map_entry *vm_map_simplify_entry(struct vm_map *map,
	    struct vm_map_entry *entry);
void	vm_map_simplify_range(struct vm_map *map, vm_offset_t start,
	    vm_offset_t end);

/* vm_map_transition_wait: sleep until some entry left transition.
 * => Locks: map write-locked in and out, dropped inside: look up again. */
void	vm_map_transition_wait(struct vm_map *map, struct vm_map_entry *entry);
/* vm_map_transition_wait_range: until no entry of [start, end) is in one. */
void	vm_map_transition_wait_range(struct vm_map *map, vm_offset_t start,
	    vm_offset_t end);

static inline struct vm_map_entry *
vm_map_entry_of(struct rb_node *n)
{
	return n == NULL ? NULL : container_of(n, struct vm_map_entry, link);
}

static inline struct vm_map_entry *
vm_map_entry_first(const struct vm_map *map)
{
	return vm_map_entry_of(rb_first(&map->tree));
}

static inline struct vm_map_entry *
vm_map_entry_next(const struct vm_map_entry *entry)
{
	return vm_map_entry_of(rb_next(&entry->link));
}

static inline struct vm_map_entry *
vm_map_entry_prev(const struct vm_map_entry *entry)
{
	return vm_map_entry_of(rb_prev(&entry->link));
}

/* What can be written or executed can be read, on every machine we know. */
static inline vm_prot_t
vm_prot_readable(vm_prot_t prot)
{
	return prot == VM_PROT_NONE ? prot : prot | VM_PROT_READ;
}

/* vm_map_changed: => Locks: map write-locked. */
static inline void
vm_map_changed(struct vm_map *map)
{
	map->timestamp++;
}

/*
 * vm_map_delete_locked: unlink [start, end) and remove its mappings; the
 * entries are handed to vm_map_release_dead once the map is unlocked.
 * => Locks: map write-locked in and out (dropped while entries are in
 *    transition).  Returns 0; ENOMEM (nothing changed).
 * vm_map_release_dead: free a list of such entries (linked by link.rb_left) and
 * what they refer to.  => Locks: no map.
 */
int	vm_map_delete_locked(struct vm_map *map, vm_offset_t start,
	    vm_offset_t end, struct vm_map_entry **dead) __warn_unused;
void	vm_map_release_dead(struct vm_map_entry *dead);

/* vm_fault_resident: the resident page that entry, which has an object, shows at
 * va, or NULL.  => Locks: the map, either way; *objectp, the page's object or the
 * end of the chain, is locked on return. */
struct vm_page	*vm_fault_resident(const struct vm_map_entry *entry,
	    vm_offset_t va, struct vm_object **objectp);
/* vm_map_entry_make_object: one for an entry that has none.  => Locks: map
 * write-locked.  => Returns 0; ENOMEM. */
int	vm_map_entry_make_object(struct vm_map *map,
	    struct vm_map_entry *entry) __warn_unused;
/* vm_map_reference_object: a reference for one more entry with the same pages:
 * ONEMAPPING goes under the object's lock, which is also where a falling count
 * would set it. */
void	vm_map_reference_object(struct vm_object *object);
/* vm_map_entry_anew: entry shows what it would without any private copy; its
 * anonymous object is left to who has a copy of the entry. */
void	vm_map_entry_anew(struct vm_map_entry *entry);
/* vm_map_chain_file: what an anonymous object would show without any private
 * copy: the file at the end of its chain, at *offset (in and out).
 * => Locks: the map, either way.  => Gives: a reference; NULL: zero fill. */
struct vm_object *vm_map_chain_file(struct vm_object *object,
	    vm_ooffset_t *offset);

void	vmspace_startup(void);			/* of vm_map_startup */
/* vmspace_over_limit: would grow more bytes break RLIMIT_AS?  => Locks: map. */
bool	vmspace_over_limit(const struct vm_map *map, vm_size_t grow);

/* ---- physical memory: vm_phys_seg.c for vm_phys.c ---- */

/* vm_phys_boot_take: the next range that nobody took at boot; false: no more.
 * Boot allocation is over after the first call. */
bool	vm_phys_boot_take(vm_paddr_t *start, vm_paddr_t *end);
