/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain_test.h: chains made by hand for the tests of vm_collapse.c.
 */
#pragma once

#include <lib/queue.h>
#include <vm/vm_collapse.h>
#include <vm/vm_object.h>

struct vm_page;

/* chain_page: a resident, valid page at pindex. */
struct vm_page *chain_page(struct vm_object *object, vm_pindex_t pindex);
/*
 * chain_object: a new object with the pages that the text lists ("0-3 7"), in
 * front of backing (NULL: none; the caller's reference moves into it) at page
 * first.
 */
struct vm_object *chain_object(struct vm_object *backing, vm_pindex_t first,
	    vm_pindex_t size, const char *pages);
/*
 * chain_collapse: collapse, then check that object is locked and nothing else
 * is, and that flags and pins are as they were; drop what it gave.
 * => Returns how many references it gave.
 * chain_collapse_unchecked: while others do the same.
 */
unsigned chain_collapse(struct vm_object *object, unsigned flags);
unsigned chain_collapse_unchecked(struct vm_object *object, unsigned flags);
/* chain_depth: objects from here to the end of the chain; nothing runs. */
unsigned chain_depth(const struct vm_object *object);
