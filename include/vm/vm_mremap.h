/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_mremap.h: mappings that move or change their length (vm_mremap.c). */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <vm/vm.h>

struct vmspace;

struct vm_mremap_args {
	vm_offset_t	old, new;	/* new: with fixed; with keep a hint */
	vm_size_t	old_len, new_len;
	/* keep: something is mapped at old afterwards, too: what was there
	 * before any private copy was made, and what is shared */
	bool		maymove, fixed, keep;
};
/* vm_mremap: the mapping at old gets another length or address; pages are not
 * copied.  old_len 0: one more mapping of a shared file.
 * => Returns 0 and *addrp; EINVAL, EPERM, ENOMEM as vm_mmap; EFAULT: the old
 *    range is not one mapping.  A fixed target is unmapped on later errors.
 * => After: with keep the pages, and their wiring, are at the new place only. */
int	vm_mremap(struct vmspace *vm, const struct vm_mremap_args *a,
	    vm_offset_t *addrp) __warn_unused;
