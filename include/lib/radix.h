/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * radix.h: sparse map from a 64-bit index to a pointer, 64-way, with ordered
 * search.  Used for an object's resident pages (index: pindex).
 *
 * Nodes come from the caller's allocator functions, given once at start-up;
 * insert is the only operation that allocates, and it allocates before it
 * changes anything.  No locks: the owner serialises.  A tree with one entry at
 * index 0..63 takes one node.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct radix_node;

struct radix {
	struct radix_node	*rx_root;
	unsigned		 rx_height;	/* levels; 0 is empty */
};

/* radix_setup: where nodes of radix_node_size() bytes come from; the
 * allocator returns zeroed memory or NULL and never sleeps. */
void	 radix_setup(void *(*alloc)(void), void (*release)(void *));
size_t	 radix_node_size(void);

void	 radix_init(struct radix *rx);
/* => Returns 0; ENOMEM (nothing changed); EEXIST (index is taken). */
int	 radix_insert(struct radix *rx, uint64_t index, void *p) __warn_unused;
void	*radix_lookup(const struct radix *rx, uint64_t index);
/* radix_slots: the slot of index, those of the *run - 1 indexes after it behind
 * it (empty: NULL); returns NULL when all *run are empty. */
void *const *radix_slots(const struct radix *rx, uint64_t index,
	    unsigned *run);
/* radix_remove: returns the removed pointer, NULL when there was none. */
void	*radix_remove(struct radix *rx, uint64_t index);
/* radix_ge / radix_le: the nearest entry at or above / at or below index;
 * *found is its index. */
void	*radix_ge(const struct radix *rx, uint64_t index, uint64_t *found);
void	*radix_le(const struct radix *rx, uint64_t index, uint64_t *found);
bool	 radix_empty(const struct radix *rx);
