/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_map.h: address maps, their entries, and vmspaces.
 *
 * A map is a sorted, disjoint set of entries in a balanced tree augmented with
 * the largest gap below each node, so lookup and first fit are logarithmic.
 * timestamp changes with every change under the write lock: a thread that
 * dropped the lock compares it and looks up again when it differs.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/rbtree.h>
#include <lib/types.h>
#include <machine/vmparam.h>
#include <sys/lock.h>
#include <vm/vm.h>

struct pmap;
struct thread;
struct vm_map;
struct vm_object;

/*
 * Lifetime: owned by its map from insert to delete.  [m] map lock.
 */
struct vm_map_entry {
	struct rb_node		 link;		/* [m] */
	vm_offset_t		 start, end;	/* [m] */
	vm_offset_t		 gap_before;	/* [m] free bytes below start */
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
#define MAP_ENTRY_KERNEL	0x0200	/* kmem: wired from the start */

/* Lifetime: kernel maps for ever; a user map with its vmspace. */
struct vm_map {
	struct rwlock		 lock;
	struct rb_tree		 tree;		/* [m] */
	vm_offset_t		 min_offset, max_offset;	/* [c] */
	struct vm_map_entry	*hint;		/* [m r:any lock] last lookup */
	unsigned		 nentries;	/* [m] */
	vm_size_t		 size;		/* [m] bytes mapped */
	unsigned		 timestamp;	/* [m] */
	struct pmap		*pmap;		/* [c] */
	bool			 system;	/* [c] kernel map or submap */
};

/*
 * A process's address space.  refcnt counts users (processes, threads that
 * borrow it); the last sysref_put terminates the mappings (stage 1); holdcnt
 * counts observers and keeps the struct until stage 2.
 * [a] atomic [c] const.
 */
struct vmspace {
	struct vm_map		 vm_map;
	struct pmap		*vm_pmap;	/* [c] */
	int			 vm_refcnt;	/* [a] */
	int			 vm_holdcnt;	/* [a] */
	int			 vm_state;	/* [a] VMSPACE_* */
	vm_size_t		 vm_limit_as;	/* [m] RLIMIT_AS, bytes */
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
/* vm_map_find: findspace from *addr and insert, under one lock hold.  pmap_prefer
 * is consulted for every object.  => Locks: map not held. */
int	vm_map_find(struct vm_map *map, vm_offset_t *addr, vm_size_t len,
	    vm_offset_t align, const struct vm_map_args *a) __warn_unused;
/* vm_map_fixed: unmap what is in the way and insert, under one lock hold;
 * excl: EEXIST instead. */
int	vm_map_fixed(struct vm_map *map, vm_offset_t start, vm_size_t len,
	    bool excl, const struct vm_map_args *a) __warn_unused;

/* vm_map_remove: unmap [start, end).  Sleeps.  => Returns 0; ENOMEM: no entry
 * for a clip (nothing changed). */
int	vm_map_remove(struct vm_map *map, vm_offset_t start, vm_offset_t end);
int	vm_map_delete(struct vm_map *map, vm_offset_t start, vm_offset_t end);
/* => Returns 0; ENOMEM (a hole in the range, or no memory for clips); EACCES
 * (above max_protection).  Nothing changed on failure. */
int	vm_map_protect(struct vm_map *map, vm_offset_t start, vm_offset_t end,
	    vm_prot_t prot, bool set_max) __warn_unused;
int	vm_map_inherit(struct vm_map *map, vm_offset_t start, vm_offset_t end,
	    enum vm_inherit inherit) __warn_unused;
/* vm_map_dontneed: Linux's MADV_DONTNEED: private anonymous pages are dropped,
 * later reads give zero (or the file).  EINVAL on wired ranges. */
int	vm_map_dontneed(struct vm_map *map, vm_offset_t start, vm_offset_t end)
	    __warn_unused;
/* wiring: fault in and pin; all or nothing. */
int	vm_map_wire(struct vm_map *map, vm_offset_t start, vm_offset_t end)
	    __warn_unused;
int	vm_map_unwire(struct vm_map *map, vm_offset_t start, vm_offset_t end);
/* vm_map_growstack: va lies in the gap of a stack entry: grow it to there.
 * => Returns 0 (grown, or no longer needed); EFAULT not a stack; ENOMEM limit
 *    or the gap of STACK_GAP (1 MiB) to the mapping below would be broken. */
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
 * => Returns 0; EFAULT no entry or guard; EACCES protection; ENOMEM.
 */
int	vm_map_lookup(struct vm_map *map, vm_offset_t va, vm_prot_t fault_type,
	    struct vm_map_lookup *l) __warn_unused;
void	vm_map_lookup_done(struct vm_map *map);

/* audits and printers (vm_check.c, vm_show.c) */
void	vm_map_check(struct vm_map *map);	/* map locked either way */

/* vmspace (vm_space.c, vm_map_fork.c) */
/* => Returns NULL: no memory. */
struct vmspace	*vmspace_alloc(void);
int		 vmspace_fork(struct vmspace *parent, struct vmspace **child)
		    __warn_unused;
void		 vmspace_ref(struct vmspace *vm);
/* sysref_put, _sysref_put: the BSD names of the founding report.  The last
 * user reference runs vmspace_terminate. */
void		 sysref_put(struct vmspace *vm);
void		 vmspace_hold(struct vmspace *vm);
void		 vmspace_drop(struct vmspace *vm);
uint64_t	 vmspace_resident_count(struct vmspace *vm);

/* vm_mmap.c: mmap family in VM terms; addresses are checked here again. */
struct vm_mmap_args {
	vm_offset_t	 addr;		/* hint or fixed address */
	vm_size_t	 len;		/* bytes, > 0; rounded up */
	vm_prot_t	 prot, max_prot;
	bool		 fixed, excl, shared, stack, guard;
	struct vm_object *object;	/* NULL: anonymous; reference taken over
					 * on success */
	vm_ooffset_t	 offset;
};
/* => Returns 0 and *addrp; EINVAL, ENOMEM, EEXIST, EACCES. */
int	vm_mmap(struct vmspace *vm, const struct vm_mmap_args *a,
	    vm_offset_t *addrp) __warn_unused;
int	vm_munmap(struct vmspace *vm, vm_offset_t addr, vm_size_t len)
	    __warn_unused;
/* vm_brk: grow or shrink the heap to end; returns 0 or ENOMEM. */
int	vm_brk(struct vmspace *vm, vm_offset_t end) __warn_unused;
