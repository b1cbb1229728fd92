/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rbtree_test.c: does the tree hold exactly what a sorted array holds, in
 * order, balanced, with the augmented fact right at every node?
 */
#include <lib/rbtree.h>

#include <lib/cdefs.h>
#include <lib/string.h>
#include <sys/ktest.h>

#define NKEYS	2048
#define NOPS	100000

struct item {
	struct rb_node	link;
	uint64_t	key;
	uint64_t	weight;
	uint64_t	heaviest;	/* augmented: largest weight below here */
};

static struct item items[NKEYS];	/* index is the key */
static bool present[NKEYS];

static struct item *
item_of(struct rb_node *n)
{
	return container_of(n, struct item, link);
}

static uint64_t
subtree_heaviest(struct rb_node *n)
{
	uint64_t max = item_of(n)->weight;

	if (n->rb_left != NULL)
		max = MAX(max, item_of(n->rb_left)->heaviest);
	if (n->rb_right != NULL)
		max = MAX(max, item_of(n->rb_right)->heaviest);
	return max;
}

static bool
augment(struct rb_node *n)
{
	uint64_t old = item_of(n)->heaviest;

	item_of(n)->heaviest = subtree_heaviest(n);
	return item_of(n)->heaviest != old;
}

static void
insert(struct rb_tree *t, struct item *it)
{
	struct rb_node **link = &t->rb_root, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		link = it->key < item_of(parent)->key ? &parent->rb_left :
		    &parent->rb_right;
	}
	rb_link(t, &it->link, parent, link);
}

/* Walk both ways beside the array; NULL or what differs. */
static const char *
compare(struct rb_tree *t)
{
	struct rb_node *n = rb_first(t), *back = rb_last(t);
	const char *why = rb_check(t);
	unsigned i;

	if (why != NULL)
		return why;
	for (i = 0; i < NKEYS; i++) {
		if (!present[i])
			continue;
		if (n == NULL || item_of(n)->key != i)
			return "forward order";
		if (item_of(n)->heaviest != subtree_heaviest(n))
			return "augmented fact";
		n = rb_next(n);
	}
	if (n != NULL)
		return "more nodes than keys";
	for (i = NKEYS; i-- > 0;) {
		if (!present[i])
			continue;
		if (back == NULL || item_of(back)->key != i)
			return "backward order";
		back = rb_prev(back);
	}
	return NULL;
}

static unsigned
height(const struct rb_node *n)
{
	unsigned h = 0, depth;
	const struct rb_node *p;

	/* The deepest node, found by walking all; the tree is small. */
	for (; n != NULL; n = rb_next(n)) {
		for (depth = 0, p = n; p != NULL; p = p->rb_parent)
			depth++;
		h = MAX(h, depth);
	}
	return h;
}

KTEST(rbtree, random_ops_match_a_sorted_array)
{
	struct rb_tree tree;
	struct item *it;
	const char *why;
	unsigned op, i;

	rb_init(&tree, augment);
	memset(present, 0, sizeof(present));
	for (op = 0; op < NOPS; op++) {
		i = (unsigned)prng_below(&t->prng, NKEYS);
		it = &items[i];
		if (!present[i]) {
			it->key = i;
			it->weight = prng_below(&t->prng, 1000);
			insert(&tree, it);
			present[i] = true;
		} else if (prng_below(&t->prng, 4) == 0) {
			it->weight = prng_below(&t->prng, 1000);
			rb_update(&tree, &it->link);
		} else {
			rb_unlink(&tree, &it->link);
			present[i] = false;
		}
		if (op % 512 != 0)
			continue;
		why = compare(&tree);
		KT_CHECK(t, why == NULL, "%s after %u operations", why, op);
	}
	why = compare(&tree);
	KT_CHECK(t, why == NULL, "%s at the end", why);
}

/* The smallest trees take every branch of the fixups; check after each step. */
KTEST(rbtree, small_trees_stay_balanced)
{
	struct rb_tree tree;
	const char *why;
	unsigned op, i;

	rb_init(&tree, augment);
	memset(present, 0, sizeof(present));
	for (op = 0; op < 20000; op++) {
		i = (unsigned)prng_below(&t->prng, 12);
		items[i].key = i;
		items[i].weight = op;
		if (present[i])
			rb_unlink(&tree, &items[i].link);
		else
			insert(&tree, &items[i]);
		present[i] = !present[i];
		why = compare(&tree);
		KT_CHECK(t, why == NULL, "%s after %u operations", why, op);
	}
}

KTEST(rbtree, ascending_keys_stay_logarithmic)
{
	struct rb_tree tree;
	unsigned i, h;

	rb_init(&tree, NULL);
	for (i = 0; i < NKEYS; i++) {
		items[i].key = i;
		insert(&tree, &items[i]);
	}
	h = height(rb_first(&tree));
	/* 2 log2(n + 1) is the bound of a red-black tree. */
	KT_CHECK(t, h <= 22, "height %u for %u keys", h, NKEYS);
	for (i = 0; i < NKEYS; i++)
		rb_unlink(&tree, &items[i].link);
	KT_CHECK(t, rb_first(&tree) == NULL, "nodes left");
}

/* rb_check's answer after *red and *parent were changed to those values. */
static const char *
broken(struct rb_tree *tree, struct rb_node *n, bool red,
    struct rb_node *parent)
{
	struct rb_node old = *n;
	const char *why;

	n->rb_red = red;
	n->rb_parent = parent;
	why = rb_check(tree);
	*n = old;
	return why == NULL ? "nothing" : why;
}

KTEST(rbtree, check_names_the_broken_rule)
{
	struct rb_tree tree;
	struct rb_node *root, *left, *leaf = &items[0].link;
	const char *why;
	unsigned i;

	rb_init(&tree, NULL);
	for (i = 0; i < 8; i++) {
		items[i].key = i;
		insert(&tree, &items[i]);
	}
	root = tree.rb_root;
	left = root->rb_left;
	why = broken(&tree, root, true, NULL);
	KT_CHECK(t, strncmp(why, "I1", 2) == 0, "red root: %s", why);
	why = broken(&tree, left, left->rb_red, NULL);
	KT_CHECK(t, strncmp(why, "I4", 2) == 0, "lost parent: %s", why);
	why = broken(&tree, leaf, !leaf->rb_red, leaf->rb_parent);
	KT_CHECK(t, strncmp(why, "I2", 2) == 0 || strncmp(why, "I3", 2) == 0,
	    "changed colour: %s", why);
	KT_CHECK(t, rb_check(&tree) == NULL, "not restored");
}
