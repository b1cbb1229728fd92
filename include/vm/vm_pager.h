/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_pager.h: where an object's pages come from.
 *
 * Contract of getpage: the page is exclusively busy by the caller, invalid, in
 * the object; the object is pinned but not locked.  On 0 the page is valid and
 * still busy.  On an error (EIO, ENOMEM) the page is still busy and invalid:
 * the fault frees it.  vm_pager.c asserts both sides.
 *
 * The pager of anonymous memory (swap) comes to an object when it first stores
 * a page of it, and has the last three operations: what is stored belongs to a
 * merge of objects as resident pages do, and moves without being read.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct vm_object;
struct vm_page;

struct vm_pager_ops {
	const char	*name;
	/* haspage: is there data for pindex?  object locked; never sleeps */
	bool		(*haspage)(struct vm_object *object,
			    vm_pindex_t pindex);
	int		(*getpage)(struct vm_object *object, struct vm_page *m);
	/* dealloc: the object is terminating; it has no pages left */
	void		(*dealloc)(struct vm_object *object);
	/* nextpage: the first index >= *pindex that has data; false: none.
	 * object locked; never sleeps */
	bool		(*nextpage)(struct vm_object *object,
			    vm_pindex_t *pindex);
	/* transfer: what from stores at i becomes to's at i - first, and to's
	 * pager is from's; what to does not reach, or has itself (resident or
	 * stored), is freed.  Both locked; never sleeps; reads nothing.
	 * Returns 0; ENOMEM: the rest is still from's */
	int		(*transfer)(struct vm_object *from,
			    struct vm_object *to, vm_pindex_t first);
	/* remove: what is stored in [start, end), none of it resident or
	 * being read, is freed.  object locked; never sleeps */
	void		(*remove)(struct vm_object *object, vm_pindex_t start,
			    vm_pindex_t end);
};

/*
 * vm_pager_allocate: an OBJT_FILE object of size pages, named by handle.
 * => Sleeps: for memory.  Gives: one reference; dealloc ends handle's use.
 */
struct vm_object *vm_pager_allocate(const struct vm_pager_ops *ops,
	    void *handle, vm_pindex_t size);
/*
 * The object cache (vm_objcache.c): one object for each (ops, handle), which
 * stays, without references, with its pages, until there are too many of its
 * kind or too little memory.
 * lookup: => Gives: a reference; NULL: not there.  Sleeps: never.
 * enter: object, just made and with one reference, is to be found by its name.
 *    => Takes that reference.  Gives: one, on object, or on another that was
 *    there already (then object is gone).
 * purge: the name means nothing any more (file truncated, removed): an idle
 *    object goes, one in use will go with its last reference.
 * shrink: evict the object that was unused for longest; false: there is none.
 * limit: bounds of idle objects; 0: nothing stays.
 * => Locks: none of rank >= LO_OBJECT (lookup: any).
 */
struct vm_object *vm_object_cache_lookup(const struct vm_pager_ops *ops,
	    void *handle);
struct vm_object *vm_object_cache_enter(struct vm_object *object)
	    __warn_unused;
void	vm_object_cache_purge(const struct vm_pager_ops *ops, void *handle);
bool	vm_object_cache_shrink(void);
void	vm_object_cache_limit(unsigned objects, uint64_t pages);
unsigned vm_object_cache_max(void);	/* objects, as limited */
/* vm_object_cache_idle: idle objects, and their pages. */
unsigned vm_object_cache_idle(uint64_t *pages);
void	vm_object_cache_init(void);
/* vm_object_cache_release, _trim: of vm_object_deallocate.  release drops a
 * reference.  => Locks: object.  => Returns false: it was the last, and the
 * object is not cached.  trim evicts until the bounds are kept. */
bool	vm_object_cache_release(struct vm_object *object) __warn_unused;
unsigned vm_object_cache_trim(void);
/* vm_pager_haspage: is there data for pindex?  => Locks: object. */
bool	vm_pager_haspage(struct vm_object *object, vm_pindex_t pindex);
/*
 * vm_pager_getpage: fill m, by the contract above.
 * => Locks: none; object pinned, m exclusively busy.  Sleeps: for I/O, memory.
 * => Returns 0; EIO; ENOMEM.
 */
int	vm_pager_getpage(struct vm_object *object, struct vm_page *m)
	    __warn_unused;
/* vm_pager_nextpage: *pindex becomes the first index at or above it that has
 * data.  => Locks: object.  => Returns false: there is none. */
bool	vm_pager_nextpage(struct vm_object *object, vm_pindex_t *pindex);
/* vm_pager_transfer: empty from's store into to's, by the contract above.
 * => Locks: both objects.  => Returns 0; ENOMEM. */
int	vm_pager_transfer(struct vm_object *from, struct vm_object *to,
	    vm_pindex_t first) __warn_unused;
/* vm_pager_remove: an anonymous object forgets what it stores in [start, end); a
 * file keeps its data.  => Locks: object.  No page there is in memory. */
void	vm_pager_remove(struct vm_object *object, vm_pindex_t start,
	    vm_pindex_t end);
/* vm_pager_dealloc: object is dead, empty and unlocked. */
void	vm_pager_dealloc(struct vm_object *object);
