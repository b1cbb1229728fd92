/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_fault_test.h: address spaces for the tests of faults: pages are numbered
 * from BASE, and one word of each is what the tests read and write.
 */
#pragma once

#include <vm/pmap.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>

#include "harness.h"
#include "user_access.h"

#define BASE	0x10000000UL

/* ---- address spaces to fault in ---- */

static inline int
map_at(struct vmspace *vm, vm_offset_t va, vm_pindex_t npages,
    const struct vm_map_args *a)
{
	return vm_map_fixed(&vm->vm_map, va, ptoa(npages), true, a);
}

static inline int
map_anon(struct vmspace *vm, vm_offset_t va, vm_pindex_t npages,
    enum vm_inherit inherit)
{
	struct vm_map_args a = { .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	    .inherit = inherit };

	return map_at(vm, va, npages, &a);
}

static inline struct vm_map_entry *
entry_at(struct vmspace *vm, vm_offset_t va)
{
	struct vm_map_entry *entry;

	vm_map_lock_read(&vm->vm_map);
	if (!vm_map_lookup_entry(&vm->vm_map, va, &entry))
		entry = NULL;
	vm_map_unlock_read(&vm->vm_map);
	return entry;
}

/* The word at page i of BASE, or a value no test writes. */
static inline uint64_t
peek(struct vmspace *vm, vm_pindex_t i)
{
	uint64_t v;

	return user_load64(&vm->vm_map, BASE + ptoa(i), &v) == 0 ? v :
	    0xeeeeeeeeeeeeeeeeUL;
}

static inline bool
poke(struct vmspace *vm, vm_pindex_t i, uint64_t v)
{
	return user_store64(&vm->vm_map, BASE + ptoa(i), v) == 0;
}

static inline vm_prot_t
mapped_prot(struct vmspace *vm, vm_pindex_t i)
{
	vm_prot_t prot = VM_PROT_NONE;

	return pmap_extract(vm->vm_pmap, BASE + ptoa(i), &prot) == 0 ?
	    VM_PROT_NONE : prot;
}

static inline void
show(struct vmspace *vm, const char *who)
{
	host_capture_pr("%s:\n", who);
	vm_show_chain(entry_at(vm, BASE)->object, host_capture_pr);
}

static inline void
show_begin(void)
{
	vm_show_ids = true;
	vm_show_reset_ids();
	host_capture_begin();
}

static inline bool
show_golden(struct ktest_ctx *t, const char *name)
{
	vm_show_ids = false;
	return host_golden(t, name, host_capture_end());
}
