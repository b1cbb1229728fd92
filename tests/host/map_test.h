/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_test.h: what the tests of maps share: pages counted from one address,
 * plain anonymous memory, and golden dumps of a map.
 */
#pragma once

#include <lib/cdefs.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>

#include "harness.h"

#define BASE	0x10000000UL
#define P(n)	(BASE + ptoa(n))

static const struct vm_map_args anon __unused = {
	.prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	.inherit = VM_INHERIT_COPY,
};

/* Insert pages [first, end) of BASE. */
static inline int
put(struct vm_map *map, vm_pindex_t first, vm_pindex_t end,
    const struct vm_map_args *a)
{
	int error;

	vm_map_lock(map);
	error = vm_map_insert(map, P(first), P(end), a);
	vm_map_check(map);
	vm_map_unlock(map);
	return error;
}

static inline void
check(struct vm_map *map)
{
	vm_map_lock_read(map);
	vm_map_check(map);
	vm_map_unlock_read(map);
}

static inline void
show(struct vm_map *map, const char *what)
{
	host_capture_pr("%s: ", what);
	vm_map_lock_read(map);
	vm_map_check(map);
	vm_show_map(map, host_capture_pr);
	vm_map_unlock_read(map);
}

static inline void
golden_begin(void)
{
	vm_show_ids = true;
	vm_show_reset_ids();
	host_capture_begin();
}

static inline void
golden_end(struct ktest_ctx *t, const char *name)
{
	vm_show_ids = false;
	if (!host_golden(t, name, host_capture_end()))
		t->failed = true;
}
