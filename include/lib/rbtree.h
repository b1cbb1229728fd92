/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rbtree.h: intrusive red-black tree with an optional augmentation.
 *
 * The caller walks to the place itself (the comparison stays in its own code)
 * and links the node there; the tree rebalances and, where augment is given,
 * calls it bottom-up for each node whose subtree changed, as long as the answer
 * is that the fact changed.  No locks: the owner of the tree serialises.
 */
#pragma once

#include <lib/types.h>

struct rb_node {
	struct rb_node	*rb_left;
	struct rb_node	*rb_right;
	struct rb_node	*rb_parent;
	bool		 rb_red;
};

struct rb_tree {
	struct rb_node	*rb_root;
	/* recompute the node's cached fact from itself and its children; is it
	 * another than before? */
	bool		(*rb_augment)(struct rb_node *n);
};

void		 rb_init(struct rb_tree *t, bool (*augment)(struct rb_node *));
/* rb_link: insert n at *link below parent (NULL parent: the root). */
void		 rb_link(struct rb_tree *t, struct rb_node *n,
		    struct rb_node *parent, struct rb_node **link);
void		 rb_unlink(struct rb_tree *t, struct rb_node *n);
/* rb_update: n's own facts have just changed in place, and nothing else since:
 * augment it and what is above. */
void		 rb_update(struct rb_tree *t, struct rb_node *n);
struct rb_node	*rb_first(const struct rb_tree *t);
struct rb_node	*rb_last(const struct rb_tree *t);
struct rb_node	*rb_next(const struct rb_node *n);
struct rb_node	*rb_prev(const struct rb_node *n);
/* rb_check: NULL, or the name of the broken rule (colour, order of links). */
const char	*rb_check(const struct rb_tree *t);
