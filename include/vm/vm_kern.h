/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_kern.h: kernel virtual memory. */
#pragma once

#include <lib/types.h>

struct vm_map;
struct vm_page;

/*
 * kmem_alloc: zeroed wired kernel memory, len rounded up to pages.
 * => Sleeps: for memory, unless M_NOWAIT.  Returns 0: none.
 * => kmem_alloc_guarded leaves an unmapped page below and above.
 */
vm_offset_t	kmem_alloc(vm_size_t len, unsigned flags);
vm_offset_t	kmem_alloc_guarded(vm_size_t len, unsigned flags);
void		kmem_free(vm_offset_t va, vm_size_t len);
void		kmem_free_guarded(vm_offset_t va, vm_size_t len);
/* kmem_suballoc: a submap of kernel_map of len bytes. */
struct vm_map	*kmem_suballoc(vm_size_t len, vm_offset_t *min,
		    vm_offset_t *max);
void		kmem_init(void);
