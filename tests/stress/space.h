/* SPDX-License-Identifier: BSD-2-Clause */
/* space.h: address spaces that a kernel thread borrows and reaches by copyin
 * and copyout, as a process would; for kernel tests. */
#pragma once

#include <lib/types.h>
#include <machine/cpu.h>
#include <sys/thread.h>
#include <sys/uaddr.h>
#include <vm/pmap.h>
#include <vm/vm_map.h>

#define SPACE_BASE	0x10000000UL

/* space_borrow: this thread's user accesses go to vm (NULL: to none). */
static inline void
space_borrow(struct vmspace *vm)
{
	struct thread *td = curthread;

	critical_enter();
	td->td_vmspace = vm;
	td->td_pmap = vm != NULL ? vm->vm_pmap : NULL;
	pmap_activate(td->td_pmap);
	critical_exit();
}

/* space_end: give up a space that this thread may have borrowed. */
static inline void
space_end(struct vmspace *vm)
{
	space_borrow(NULL);
	sysref_put(vm);
}

/* Word i of page. */
static inline struct uaddr
space_word(vm_pindex_t page, unsigned i)
{
	return uaddr(SPACE_BASE + ptoa(page) + 8 * i);
}

/* space_map: fresh zero-fill memory over whatever pages [page, page + n) are. */
static inline int
space_map(struct vmspace *vm, vm_pindex_t page, vm_pindex_t n,
    enum vm_inherit inherit)
{
	const struct vm_map_args a = { .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL, .inherit = inherit };

	return vm_map_fixed(&vm->vm_map, SPACE_BASE + ptoa(page), ptoa(n),
	    false, &a);
}
