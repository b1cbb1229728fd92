/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rbtree.c: intrusive red-black tree with augmentation.
 *
 * Why: address maps need ordered search, neighbours and "largest gap below" in
 * logarithmic time.  Comparison is the caller's, see rbtree.h.
 * Invariants, checked by rb_check:
 *	I1 the root is black
 *	I2 a red node has no red child
 *	I3 every path from the root to a missing child has as many black nodes
 *	I4 child and parent pointers agree
 * The augmented fact of a node depends on the node and its two children only,
 * so a rotation recomputes two nodes, and a change in place the way up as far as
 * facts change.
 *
 * Locks: none; the owner of the tree serialises.
 * Sources: Guibas and Sedgewick 1978; Cormen et al. ch. 13 for the cases.
 */
#include <lib/rbtree.h>

#include <lib/cdefs.h>

void
rb_init(struct rb_tree *t, bool (*augment)(struct rb_node *))
{
	t->rb_root = NULL;
	t->rb_augment = augment;
}

static inline bool
is_red(const struct rb_node *n)
{
	return n != NULL && n->rb_red;
}

/* The word that points at n. */
static inline struct rb_node **
rb_slot(struct rb_tree *t, struct rb_node *n)
{
	struct rb_node *p = n->rb_parent;

	if (p == NULL)
		return &t->rb_root;
	return p->rb_left == n ? &p->rb_left : &p->rb_right;
}

/*
 * What n's parent knows of the subtree at n may be wrong, or what n knows: put
 * it right from n upwards.  Above a node whose fact stays, all facts stay.
 */
static void
augment_up(struct rb_tree *t, struct rb_node *n)
{
	if (t->rb_augment == NULL)
		return;
	while (n != NULL && t->rb_augment(n))
		n = n->rb_parent;
}

/* The same, but all of [n, top] is wrong, top's parent included. */
static void
augment_through(struct rb_tree *t, struct rb_node *n, struct rb_node *top)
{
	if (t->rb_augment == NULL)
		return;
	for (; n != top; n = n->rb_parent)
		(void)t->rb_augment(n);
	(void)t->rb_augment(top);
	augment_up(t, top->rb_parent);
}

/* n goes down to the left, its right child takes its place; returns that. */
static struct rb_node *
rotate_left(struct rb_tree *t, struct rb_node *n)
{
	struct rb_node *up = n->rb_right;

	*rb_slot(t, n) = up;
	up->rb_parent = n->rb_parent;
	n->rb_right = up->rb_left;
	if (n->rb_right != NULL)
		n->rb_right->rb_parent = n;
	up->rb_left = n;
	n->rb_parent = up;
	if (t->rb_augment != NULL) {
		(void)t->rb_augment(n);
		(void)t->rb_augment(up);
	}
	return up;
}

static struct rb_node *
rotate_right(struct rb_tree *t, struct rb_node *n)
{
	struct rb_node *up = n->rb_left;

	*rb_slot(t, n) = up;
	up->rb_parent = n->rb_parent;
	n->rb_left = up->rb_right;
	if (n->rb_left != NULL)
		n->rb_left->rb_parent = n;
	up->rb_right = n;
	n->rb_parent = up;
	if (t->rb_augment != NULL) {
		(void)t->rb_augment(n);
		(void)t->rb_augment(up);
	}
	return up;
}

/* n is red and its parent may be red too: restore I2, then I1. */
static void
insert_fixup(struct rb_tree *t, struct rb_node *n)
{
	struct rb_node *p, *g, *uncle;

	while ((p = n->rb_parent) != NULL && p->rb_red) {
		g = p->rb_parent;	/* exists: a red node is not the root */
		uncle = g->rb_left == p ? g->rb_right : g->rb_left;
		if (is_red(uncle)) {
			p->rb_red = uncle->rb_red = false;
			g->rb_red = true;
			n = g;
			continue;
		}
		if (g->rb_left == p) {
			if (p->rb_right == n)
				p = rotate_left(t, p);
			rotate_right(t, g);
		} else {
			if (p->rb_left == n)
				p = rotate_right(t, p);
			rotate_left(t, g);
		}
		p->rb_red = false;
		g->rb_red = true;
		break;
	}
	t->rb_root->rb_red = false;
}

void
rb_link(struct rb_tree *t, struct rb_node *n, struct rb_node *parent,
    struct rb_node **link)
{
	n->rb_left = n->rb_right = NULL;
	n->rb_parent = parent;
	n->rb_red = true;
	if (parent == NULL)
		link = &t->rb_root;
	*link = n;
	augment_through(t, n, n);
	insert_fixup(t, n);
}

/*
 * The subtree at n (may be missing) below p is one black node short: restore
 * I3.  The sibling exists: its side has at least one black node more.
 */
static void
unlink_fixup(struct rb_tree *t, struct rb_node *n, struct rb_node *p)
{
	struct rb_node *s;
	bool left;

	while (p != NULL && !is_red(n)) {
		left = p->rb_left == n;
		s = left ? p->rb_right : p->rb_left;
		if (s->rb_red) {
			s->rb_red = false;
			p->rb_red = true;
			if (left)
				rotate_left(t, p);
			else
				rotate_right(t, p);
			s = left ? p->rb_right : p->rb_left;
		}
		if (!is_red(s->rb_left) && !is_red(s->rb_right)) {
			s->rb_red = true;
			n = p;
			p = n->rb_parent;
			continue;
		}
		if (left && !is_red(s->rb_right)) {
			s->rb_left->rb_red = false;
			s->rb_red = true;
			s = rotate_right(t, s);
		} else if (!left && !is_red(s->rb_left)) {
			s->rb_right->rb_red = false;
			s->rb_red = true;
			s = rotate_left(t, s);
		}
		s->rb_red = p->rb_red;
		p->rb_red = false;
		if (left) {
			s->rb_right->rb_red = false;
			rotate_left(t, p);
		} else {
			s->rb_left->rb_red = false;
			rotate_right(t, p);
		}
		return;
	}
	if (n != NULL)
		n->rb_red = false;
}

/* Put new (may be missing) where old is. */
static void
transplant(struct rb_tree *t, struct rb_node *old, struct rb_node *new)
{
	*rb_slot(t, old) = new;
	if (new != NULL)
		new->rb_parent = old->rb_parent;
}

void
rb_unlink(struct rb_tree *t, struct rb_node *n)
{
	struct rb_node *succ, *child, *from;
	bool was_red;

	if (n->rb_left == NULL || n->rb_right == NULL) {
		child = n->rb_left != NULL ? n->rb_left : n->rb_right;
		from = n->rb_parent;
		was_red = n->rb_red;
		transplant(t, n, child);
		augment_up(t, from);
	} else {
		/* The successor has no left child; it takes n's place. */
		for (succ = n->rb_right; succ->rb_left != NULL;
		    succ = succ->rb_left)
			continue;
		child = succ->rb_right;
		was_red = succ->rb_red;
		from = succ->rb_parent;
		if (from == n) {
			from = succ;
		} else {
			transplant(t, succ, child);
			succ->rb_right = n->rb_right;
			succ->rb_right->rb_parent = succ;
		}
		transplant(t, n, succ);
		succ->rb_left = n->rb_left;
		succ->rb_left->rb_parent = succ;
		succ->rb_red = n->rb_red;
		augment_through(t, from, succ);
	}
	if (!was_red)
		unlink_fixup(t, child, from);
	n->rb_left = n->rb_right = n->rb_parent = NULL;
}

void
rb_update(struct rb_tree *t, struct rb_node *n)
{
	augment_up(t, n);
}

struct rb_node *
rb_first(const struct rb_tree *t)
{
	struct rb_node *n = t->rb_root;

	while (n != NULL && n->rb_left != NULL)
		n = n->rb_left;
	return n;
}

struct rb_node *
rb_last(const struct rb_tree *t)
{
	struct rb_node *n = t->rb_root;

	while (n != NULL && n->rb_right != NULL)
		n = n->rb_right;
	return n;
}

struct rb_node *
rb_next(const struct rb_node *n)
{
	struct rb_node *p;

	if (n->rb_right != NULL) {
		for (p = n->rb_right; p->rb_left != NULL; p = p->rb_left)
			continue;
		return p;
	}
	for (p = n->rb_parent; p != NULL && p->rb_right == n; n = p,
	    p = p->rb_parent)
		continue;
	return p;
}

struct rb_node *
rb_prev(const struct rb_node *n)
{
	struct rb_node *p;

	if (n->rb_left != NULL) {
		for (p = n->rb_left; p->rb_right != NULL; p = p->rb_right)
			continue;
		return p;
	}
	for (p = n->rb_parent; p != NULL && p->rb_left == n; n = p,
	    p = p->rb_parent)
		continue;
	return p;
}

/* Black nodes from n up to the root. */
static unsigned
black_above(const struct rb_node *n)
{
	unsigned black = 0;

	for (; n != NULL; n = n->rb_parent)
		black += !n->rb_red;
	return black;
}

/* Iterative, in order: the kernel stack is small and the tree may be broken. */
const char *
rb_check(const struct rb_tree *t)
{
	const struct rb_node *n, *last = NULL;
	unsigned depth = 0;

	if (t->rb_root == NULL)
		return NULL;
	if (t->rb_root->rb_parent != NULL)
		return "I4: the root has a parent";
	if (t->rb_root->rb_red)
		return "I1: the root is red";
	for (n = rb_first(t); n != NULL; n = rb_next(n)) {
		last = n;
		if (n->rb_left != NULL && n->rb_left->rb_parent != n)
			return "I4: left child's parent differs";
		if (n->rb_right != NULL && n->rb_right->rb_parent != n)
			return "I4: right child's parent differs";
		if (n->rb_red && (is_red(n->rb_left) || is_red(n->rb_right)))
			return "I2: red below red";
		if (n->rb_left != NULL && n->rb_right != NULL)
			continue;
		if (depth == 0)
			depth = black_above(n);
		if (black_above(n) != depth)
			return "I3: black nodes differ between paths";
	}
	if (last != rb_last(t))
		return "I4: the way up ends too early";
	return NULL;
}
