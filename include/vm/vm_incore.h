/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_incore.h: which pages of a mapping are in memory, and whose they are
 * (vm_incore.c). */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <vm/vm.h>

struct vm_map;
struct vm_map_entry;

/* vm_map_mincore: which of n pages are resident; ENOMEM: one is not mapped. */
int	vm_map_mincore(struct vm_map *map, vm_offset_t start, unsigned n,
	    uint8_t *vec) __warn_unused;

/* Of the pages that translations of one address space lead to.  [t] all. */
struct vm_usage {
	uint64_t	clean, dirty;	/* mapped here only */
	uint64_t	shared_clean, shared_dirty;	/* in several places */
	uint64_t	referenced;
	uint64_t	anonymous;	/* private: of no file, shared by nothing
					 * but copy on write */
	/* the share of each page, in 1 / USAGE_PAGE of a page */
	uint64_t	pss, pss_dirty, pss_anonymous;
};
#define USAGE_PAGE	4096UL
/* vm_map_entry_usage: add entry's pages to u.  => Locks: the map, read. */
void	vm_map_entry_usage(struct vm_map *map,
	    const struct vm_map_entry *entry, struct vm_usage *u);
