/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_map.h: address maps, their entries, and vmspaces.
 *
 * A map is a sorted, disjoint set of entries in a balanced tree augmented with
 * the largest gap below each node, so lookup and first fit are logarithmic.
 * timestamp changes with every change under the write lock: a thread that
 * dropped the lock compares it and looks up again when it differs.
 *
 * ENTRY.  start < end, both page aligned.  object is NULL until the first fault
 * needs it (zero-fill memory); then offset is 0 and NEEDS_COPY is clear.
 *	plain		this entry alone decides about its object's pages
 *	COW|NEEDS_COPY	the object is shared with others who must not see our
 *			writes: no writable mapping exists, and vm_map_lookup
 *			puts a shadow in front of the object before the first
 *	COW		that shadow is there
 *	IN_TRANSITION	being wired with the map unlocked: nobody else changes,
 *			clips, merges or removes it; they wait for the flag
 *	STACK		may grow down by avail_ssize.  Room for that and STACK_GAP
 *			below it are kept out of gap_before, so findspace never
 *			returns them; its object was made with that room below
 *			(offset >= avail_ssize), so growing needs no new entry
 */
#pragma once

#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/rbtree.h>
#include <lib/types.h>
#include <machine/vmparam.h>
#include <sys/lock.h>
#include <vm/vm.h>

struct pmap;
struct thread;
struct vm_object;

/*
 * Lifetime: owned by its map from insert to delete.  [m] map lock.
 */
struct vm_map_entry {
	struct rb_node		 link;		/* [m] */
	vm_offset_t		 start, end;	/* [m] */
	vm_offset_t		 gap_before;	/* [m] bytes findspace may use below */
	vm_offset_t		 max_gap;	/* [m] largest in this subtree */
	union {
		struct vm_object *object;	/* [m] NULL: not made yet */
		struct vm_map	 *submap;	/* [m] with MAP_ENTRY_SUBMAP */
	};
	vm_ooffset_t		 offset;	/* [m] of start in object */
	uint32_t		 eflags;	/* [m] MAP_ENTRY_* */
	vm_prot_t		 protection;	/* [m] */
	vm_prot_t		 max_protection;/* [m] */
	uint8_t			 inheritance;	/* [m] enum vm_inherit */
	uint16_t		 wired_count;	/* [m] */
	vm_size_t		 avail_ssize;	/* [m] stack: bytes it may grow */
	struct thread		*wiring_thread;	/* [m] with IN_TRANSITION */
	vm_offset_t		 fault_va;	/* [h] window of the last fault, */
	uint8_t			 fault_pages;	/* [h] see vm_prefault.c */
};

#define MAP_ENTRY_COW		0x0001	/* copy on write */
#define MAP_ENTRY_NEEDS_COPY	0x0002	/* shadow before the first write */
#define MAP_ENTRY_SUBMAP	0x0004
#define MAP_ENTRY_IN_TRANSITION	0x0008
#define MAP_ENTRY_NEEDS_WAKEUP	0x0010
#define MAP_ENTRY_USER_WIRED	0x0020
#define MAP_ENTRY_STACK		0x0040	/* grows down into avail_ssize */
#define MAP_ENTRY_GUARD		0x0080	/* never faultable */
#define MAP_ENTRY_NOCOALESCE	0x0100
#define MAP_ENTRY_KERNEL	0x0200	/* kmem's: it wires, maps and unmaps */
#define MAP_ENTRY_SHARED	0x0400	/* others may write the object */

/* Lifetime: kernel maps for ever; a user map with its vmspace. */
struct vm_map {
	struct rwlock		 lock;
	struct rb_tree		 tree;		/* [m] */
	vm_offset_t		 min_offset, max_offset;	/* [c] */
	struct vm_map_entry	*hint;		/* [m r:any lock] last lookup */
	unsigned		 nentries;	/* [m] */
	unsigned		 max_entries;	/* [c] ENOMEM above; 0: no limit */
	vm_size_t		 size;		/* [m] bytes mapped */
	unsigned		 timestamp;	/* [m] */
	struct pmap		*pmap;		/* [c] */
	bool			 system;	/* [c] kernel map or submap */
};

/*
 * A process's address space.
 *
 *	RUN -> STAGE1		vmspace_terminate: the last user reference went;
 *				the mappings go, observers find an empty map
 *	STAGE1 -> STAGE2	vmspace_drop: the last hold went; pmap and struct
 *				are freed
 * Lifetime: refcnt counts users (processes, threads that borrow it) and all of
 * them together own one hold; holdcnt counts holds (observers) and keeps the
 * struct.  Fields are protected as marked: [a] atomic [c] const [m] map lock
 * [l] list of all vmspaces.
 */
struct vmspace {
	struct vm_map		 vm_map;
	LIST_ENTRY(vmspace)	 vm_list;	/* [l] all vmspaces */
	struct pmap		*vm_pmap;	/* [c] */
	int			 vm_refcnt;	/* [a] */
	int			 vm_holdcnt;	/* [a] */
	int			 vm_state;	/* [a] VMSPACE_* */
	vm_size_t		 vm_limit_as;	/* [m] RLIMIT_AS, bytes */
	bool			 vm_wire_future;/* [m] mlockall: new ones, too */
	vm_offset_t		 vm_brk_start;	/* [m] heap */
	vm_offset_t		 vm_brk_end;	/* [m] */
	vm_offset_t		 vm_stack_top;	/* [m] */
};
#define VMSPACE_RUN	0
#define VMSPACE_STAGE1	1	/* mappings going or gone */
#define VMSPACE_STAGE2	2	/* being freed */

extern struct vm_map	*kernel_map;
extern struct vmspace	 vmspace0;	/* the kernel's: no user mappings */

#define vm_map_lock(m)		rw_wlock(&(m)->lock)
#define vm_map_unlock(m)	rw_wunlock(&(m)->lock)
#define vm_map_lock_read(m)	rw_rlock(&(m)->lock)
#define vm_map_unlock_read(m)	rw_runlock(&(m)->lock)

void	vm_map_startup(void);
void	vm_map_init(struct vm_map *map, struct pmap *pmap, vm_offset_t min,
	    vm_offset_t max, bool system);

/*
 * vm_map_lookup_entry: *entry is the entry that contains va, else the last one
 * below va (NULL: none).  => Locks: map, either way.
 */
bool	vm_map_lookup_entry(struct vm_map *map, vm_offset_t va,
	    struct vm_map_entry **entry);
/*
 * vm_map_findspace: lowest start >= hint with len free bytes and start aligned
 * to align (a power of two).  => Locks: map.  Returns 0; ENOMEM.
 */
int	vm_map_findspace(struct vm_map *map, vm_offset_t hint, vm_size_t len,
	    vm_offset_t align, vm_offset_t *start) __warn_unused;

/* What vm_map_insert and vm_map_find are asked for. */
struct vm_map_args {
	struct vm_object *object;	/* reference is taken over on success */
	vm_ooffset_t	 offset;
	vm_prot_t	 prot, max_prot;
	enum vm_inherit	 inherit;
	uint32_t	 eflags;	/* MAP_ENTRY_COW, NEEDS_COPY, GUARD, ... */
	vm_size_t	 avail_ssize;
};
/*
 * vm_map_insert: map [start, end), which must be free.
 * => Locks: map write-locked.  Coalesces with neighbours where it can.
 * => Returns 0; EEXIST (not free); EINVAL (outside the map, not aligned);
 *    ENOMEM.  On failure the object reference stays with the caller.
 */
int	vm_map_insert(struct vm_map *map, vm_offset_t start, vm_offset_t end,
	    const struct vm_map_args *a) __warn_unused;
/* vm_map_find: findspace from *addr and insert under one lock hold; pmap_prefer
 * is consulted for every object.  => Locks: map not held. */
int	vm_map_find(struct vm_map *map, vm_offset_t *addr, vm_size_t len,
	    vm_offset_t align, const struct vm_map_args *a) __warn_unused;
/* vm_map_fixed: unmap what is in the way and insert, under one lock hold;
 * excl: EEXIST instead. */
int	vm_map_fixed(struct vm_map *map, vm_offset_t start, vm_size_t len,
	    bool excl, const struct vm_map_args *a) __warn_unused;

/*
 * vm_map_remove: unmap [start, end); holes are no error.
 * => Locks: map not held.  Sleeps: for locks, entries in transition, and with
 *    the map unlocked for busy pages.
 * => Returns 0; ENOMEM: no entry for a clip (nothing changed).
 * vm_map_delete: the same with the map write-locked on entry; CONSUMES THE
 * LOCK, because objects are let go after it (a page of theirs may be busy, and
 * its owner may want this map).
 */
int	vm_map_remove(struct vm_map *map, vm_offset_t start, vm_offset_t end);
int	vm_map_delete(struct vm_map *map, vm_offset_t start, vm_offset_t end)
	    __releases(map->lock);
/* => Returns 0; ENOMEM (a hole in the range, or no memory for clips); EACCES
 * (above max_protection).  Nothing changed on failure. */
int	vm_map_protect(struct vm_map *map, vm_offset_t start, vm_offset_t end,
	    vm_prot_t prot, bool set_max) __warn_unused;
/* vm_map_inherit: => Returns as above.  COPY on a SHARED entry means SHARE:
 * what others go on writing cannot be copied on write. */
int	vm_map_inherit(struct vm_map *map, vm_offset_t start, vm_offset_t end,
	    enum vm_inherit inherit) __warn_unused;
/*
 * vm_map_dontneed: Linux's MADV_DONTNEED: the private copies are dropped, later
 * reads give zero (or the file); SHARED entries only lose their mappings.
 * => Returns 0; EINVAL wired pages in the range; ENOMEM a hole in it, or no
 *    memory for a clip.  Nothing changed on failure.
 */
int	vm_map_dontneed(struct vm_map *map, vm_offset_t start, vm_offset_t end)
	    __warn_unused;
/* wiring: fault in and pin [start, end); all or nothing, does not nest.
 * => Locks: no map; entries are in transition meanwhile.  => Returns 0; ENOMEM
 * (hole, memory, clips), or as vm_fault.  vm_map_unwire: 0; ENOMEM. */
int	vm_map_wire(struct vm_map *map, vm_offset_t start, vm_offset_t end)
	    __warn_unused;
int	vm_map_unwire(struct vm_map *map, vm_offset_t start, vm_offset_t end);
/*
 * vm_map_growstack: va lies in the gap of a stack entry: grow it to there.
 * => Returns 0 (grown, or no longer needed); EFAULT not a stack, or its room,
 *    RLIMIT_AS or the gap of STACK_GAP to the mapping below is exhausted;
 *    ENOMEM no memory for an entry now.
 */
int	vm_map_growstack(struct vm_map *map, vm_offset_t va);
#define STACK_GAP	(1UL << 20)

/* Result of vm_map_lookup, for vm_fault. */
struct vm_map_lookup {
	struct vm_map_entry	*entry;
	struct vm_object	*object;
	vm_pindex_t		 pindex;
	vm_prot_t		 prot;		/* what may be mapped now */
	bool			 wired;
	unsigned		 timestamp;
};
/*
 * vm_map_lookup: find what a fault of fault_type at va needs; makes the
 * object (zero fill) or the shadow (NEEDS_COPY and write) when that is due.
 * => Locks: map read-locked on success (vm_map_lookup_done unlocks), not held
 *    on failure.
 * => Gives: no reference on object: take one before unlocking.
 * => Returns 0; EFAULT no entry or guard (try vm_map_growstack); EACCES
 *    protection; ENOMEM.
 * => After: l->prot is what may be mapped; without VM_PROT_WRITE when a write
 *    must fault again (NEEDS_COPY), although the entry allows it.  Equal
 *    timestamps after a relock mean that entry and object are unchanged.
 */
int	vm_map_lookup(struct vm_map *map, vm_offset_t va, vm_prot_t fault_type,
	    struct vm_map_lookup *l) __warn_unused;
void	vm_map_lookup_done(struct vm_map *map);

void	vm_map_check(struct vm_map *map);	/* map locked either way */

/* vmspace (vm_space.c, vm_map_fork.c) */
/* vmspace_alloc: => Gives: one user reference.  Returns NULL: no memory. */
struct vmspace	*vmspace_alloc(void);
/* vmspace_fork: => Gives: one user reference on *child.  Sleeps: for the
 * parent's lock and entries in transition.  Returns 0; ENOMEM: nothing made. */
int		 vmspace_fork(struct vmspace *parent, struct vmspace **child)
		    __warn_unused;
void		 vmspace_ref(struct vmspace *vm);
/*
 * sysref_put, _sysref_put: the BSD names of the founding report: give up one
 * user reference.  The last one runs vmspace_terminate.
 * => Locks: none held.  Sleeps: as vm_map_remove.
 * => No CPU runs vm's pmap on behalf of the caller any more (pmap_activate).
 */
void		 _sysref_put(struct vmspace *vm);

static inline void
sysref_put(struct vmspace *vm)
{
	int old = atomic_fetchadd(&vm->vm_refcnt, -1);

	KASSERT(old > 0, "vmspace %p: user reference %d given up",
	    (void *)vm, old);
	if (old == 1)
		_sysref_put(vm);
}

void		 vmspace_hold(struct vmspace *vm);
void		 vmspace_drop(struct vmspace *vm);
uint64_t	 vmspace_resident_count(struct vmspace *vm);
uint64_t	 vmspace_count(void);	/* allocated and not yet freed */
/* vm_map_foreach: fn for the kernel map and the map of each vmspace, each held
 * and read-locked.  => Locks: no map held.  fn must not take a map lock. */
void		 vm_map_foreach(void (*fn)(struct vm_map *map, void *arg),
		    void *arg);

/* vm_mmap.c: addresses are checked here again. */
struct vm_mmap_args {
	vm_offset_t	 addr;		/* hint or fixed address */
	vm_size_t	 len;		/* bytes, > 0; rounded up */
	vm_prot_t	 prot, max_prot;
	/* stack: len may be used, STACK_INIT is mapped; low: in 1 to 2 GiB */
	bool		 fixed, excl, shared, stack, guard, low;
	struct vm_object *object;	/* or NULL; taken over on success */
	vm_ooffset_t	 offset;
};
/*
 * vm_mmap: => Returns 0 and *addrp; EINVAL length 0, or fixed and not aligned;
 * ENOMEM no room, limit, or memory; EPERM fixed below the lowest user address;
 * EEXIST excl; EACCES prot above max_prot; EOVERFLOW the object's offset.
 */
#define STACK_INIT	(128UL << 10)
int	vm_mmap(struct vmspace *vm, const struct vm_mmap_args *a,
	    vm_offset_t *addrp) __warn_unused;
/* vm_munmap: => Returns 0; EINVAL not aligned, empty or outside; ENOMEM. */
int	vm_munmap(struct vmspace *vm, vm_offset_t addr, vm_size_t len)
	    __warn_unused;
/* vm_brk_init: the heap is empty and starts at start (exec). */
void	vm_brk_init(struct vmspace *vm, vm_offset_t start);
/* vm_brk: grow or shrink the heap to end; returns 0 or ENOMEM. */
int	vm_brk(struct vmspace *vm, vm_offset_t end) __warn_unused;
