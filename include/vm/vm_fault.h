/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_fault.h: page faults, and the wiring that works by faulting. */
#pragma once

#include <lib/cdefs.h>
#include <vm/vm.h>

struct vm_map;
struct vm_map_entry;

#define VM_FAULT_NORMAL	0x0
#define VM_FAULT_WIRE	0x1	/* on behalf of vm_map_wire: wire the page too */

/*
 * vm_fault: make va accessible for fault_type.
 * => Locks: none held.  Sleeps: for locks, memory, busy pages and I/O.
 * => Grows a stack entry when va lies in its gap.
 * => Returns: 0 retry the access; EFAULT nothing mapped there (SIGSEGV,
 *    MAPERR); EACCES protection (SIGSEGV, ACCERR); EIO the pager failed or the
 *    page is beyond the file's end (SIGBUS).  Want of memory is waited for, but
 *    by a thread that is to die (TDI_DIE): ENOMEM.
 * => After: the access may still fault again: the mapping can be taken away
 *    at once.
 * => See: Mach vm_fault; vm/README.md has the walk-through; vm_fault_test.c.
 */
int	vm_fault(struct vm_map *map, vm_offset_t va, vm_prot_t fault_type,
	    unsigned flags);
/*
 * vm_prefault: map resident neighbours of the page at va, which was just found
 * in memory, ahead of their use; write: that fault was a write, so only pages
 * of the first object are of use.  May do nothing.
 * => Locks: map, either way, no object; takes objects by try only.
 * => Sleeps: never.  Makes no pages and no page tables.
 * vm_prefault_init: the boot option prefault=0|1.
 */
#define VM_PREFAULT_MAX	16	/* pages */
void	vm_prefault(struct vm_map *map, struct vm_map_entry *entry,
	    vm_offset_t va, bool write);
void	vm_prefault_init(void);
/* vm_prefault_enable: faults from now on map ahead, or do not. */
void	vm_prefault_enable(bool on);
bool	vm_prefault_enabled(void);
/*
 * vm_fault_wire: fault in and wire [start, end), which lies in one entry that
 * the caller has marked IN_TRANSITION.  Writable memory is wired as if written,
 * so that no copy on write replaces a wired page; so is SHARED memory, which
 * other maps may write.
 * => Locks: none held.  Sleeps: as vm_fault.
 * => Returns 0, EINTR (the thread is to die), or vm_fault's error: then no page
 *    is wired; what others mapped there meanwhile is marked wired, and the
 *    caller's to pmap_unwire.
 */
int	vm_fault_wire(struct vm_map *map, vm_offset_t start, vm_offset_t end)
	    __warn_unused;
/*
 * vm_fault_unwire: unwire the pages of [start, end), every one of them wired.
 * => Locks: map, either way.  Sleeps: for object locks.
 */
void	vm_fault_unwire(struct vm_map *map, vm_offset_t start, vm_offset_t end);
/*
 * vm_fault_copy_entry: fork of a wired entry: the child's entry dst gets an
 * object of its own with a copy of every page that src shows, so that the
 * parent's wired pages stay where they are and writable.
 * => Locks: both maps write-locked (dst's is unreachable); neither entry is in
 *    transition.  Sleeps: for object locks.
 * => dst->object is NULL on entry and dst not NEEDS_COPY.  Gives: dst's object,
 *    offset 0; the pages are entered in dst_map's pmap.
 * => Returns 0; ENOMEM (dst->object is NULL again).
 */
int	vm_fault_copy_entry(struct vm_map *dst_map, struct vm_map *src_map,
	    struct vm_map_entry *dst, struct vm_map_entry *src) __warn_unused;
/*
 * vm_fault_front_entry: every page of entry, wired, moves to its first object,
 * which is about to be SHARED: what others write then is not copied any more.
 * => Locks: map write-locked; entry is not in transition, not NEEDS_COPY, not
 *    SHARED yet.  Sleeps: for object locks.
 * => Returns 0; ENOMEM: some pages have moved, which nobody can tell.
 */
int	vm_fault_front_entry(struct vm_map *map, struct vm_map_entry *entry)
	    __warn_unused;
