/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_pager.h: where an object's pages come from.
 *
 * Contract of getpage: the page is exclusively busy by the caller, invalid, in
 * the object; the object is pinned but not locked.  On 0 the page is valid and
 * still busy.  On an error (EIO, ENOMEM) the page is still busy and invalid:
 * the fault frees it.  vm_pager.c asserts both sides.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct vm_object;
struct vm_page;

struct vm_pager_ops {
	const char	*name;
	/* haspage: is there data for pindex?  object locked; never sleeps */
	bool		(*haspage)(struct vm_object *object, vm_pindex_t pindex);
	int		(*getpage)(struct vm_object *object, struct vm_page *m);
	/* dealloc: the object is terminating; it has no pages left */
	void		(*dealloc)(struct vm_object *object);
};

bool	vm_pager_haspage(struct vm_object *object, vm_pindex_t pindex);
int	vm_pager_getpage(struct vm_object *object, struct vm_page *m)
	    __warn_unused;
