/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_fault.h: page faults. */
#pragma once

#include <lib/cdefs.h>
#include <vm/vm.h>

struct vm_map;

#define VM_FAULT_NORMAL	0x0
#define VM_FAULT_WIRE	0x1	/* on behalf of vm_map_wire: wire the page too */

/*
 * vm_fault: make va accessible for fault_type.
 * => Locks: none held.  Sleeps: for locks, memory, busy pages and I/O.
 * => Returns: 0 retry the access; EFAULT nothing mapped there (SIGSEGV,
 *    MAPERR); EACCES protection (SIGSEGV, ACCERR); EIO the pager failed or the
 *    page is beyond the file's end (SIGBUS); ENOMEM.
 * => See: Mach vm_fault; vm/README.md has the walk-through.
 */
int	vm_fault(struct vm_map *map, vm_offset_t va, vm_prot_t fault_type,
	    unsigned flags);
/* vm_fault_wire: fault in and wire [start, end); undoes its own part on error.
 * vm_fault_unwire: unwire the pages there. */
int	vm_fault_wire(struct vm_map *map, vm_offset_t start, vm_offset_t end)
	    __warn_unused;
void	vm_fault_unwire(struct vm_map *map, vm_offset_t start, vm_offset_t end);
