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
 * a page of it, and has the last two operations: what is stored belongs to a
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
};

/*
 * vm_pager_allocate: an OBJT_FILE object of size pages, named by handle.
 * => Sleeps: for memory.  Gives: one reference; dealloc ends handle's use.
 */
struct vm_object *vm_pager_allocate(const struct vm_pager_ops *ops,
	    void *handle, vm_pindex_t size);
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
/* vm_pager_dealloc: object is dead, empty and unlocked. */
void	vm_pager_dealloc(struct vm_object *object);
