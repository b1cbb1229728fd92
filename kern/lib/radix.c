/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * radix.c: sparse tree of 64-way nodes, as high as its largest index needs.
 *
 * Why: an object's pages are looked up on every fault, inserted and removed
 * often, and walked in order.  Objects are small or dense, so there is no path
 * compression: an index below 64 costs one node and one load.  Each node has a
 * bitmap of its used slots, which makes ordered search and "is it empty" one
 * instruction.  This file does no locking.
 *
 * I1: bit s of rn_used is set exactly when rn_slot[s] is not NULL.
 * I2: no node is empty; a node that becomes empty is freed at once.  So a freed
 *     node is all zero, and the allocator need not clear it again.
 * I3: the tree is as low as can be: the root of a tree of height > 1 uses a
 *     slot above 0.
 *
 * Sources: Cormen et al., ch. 12 exercises (radix trees); the page trees of
 * Linux and FreeBSD, for the interface only.
 */
#include <lib/radix.h>
#include <lib/assert.h>
#include <sys/errno.h>

#define RADIX_BITS	6
#define RADIX_WAYS	(1U << RADIX_BITS)
#define RADIX_MAXHEIGHT	11	/* 11 * 6 >= 64 */

/* Made by radix_insert, freed by radix_remove; owned by its tree.  [o] all. */
struct radix_node {
	uint64_t	 rn_used;		/* [o] bitmap of slots */
	void		*rn_slot[RADIX_WAYS];	/* [o] nodes, or entries */
};

static void	*(*radix_alloc)(void);		/* [c] */
static void	(*radix_release)(void *);	/* [c] */

void
radix_setup(void *(*alloc)(void), void (*release)(void *))
{
	radix_alloc = alloc;
	radix_release = release;
}

size_t
radix_node_size(void)
{
	return sizeof(struct radix_node);
}

void
radix_init(struct radix *rx)
{
	rx->rx_root = NULL;
	rx->rx_height = 0;
}

bool
radix_empty(const struct radix *rx)
{
	return rx->rx_root == NULL;
}

static inline unsigned
radix_slot(uint64_t index, unsigned shift)
{
	return (unsigned)(index >> shift) & (RADIX_WAYS - 1);
}

/* Does a tree of this height reach index? */
static inline bool
radix_covers(unsigned height, uint64_t index)
{
	return height >= RADIX_MAXHEIGHT ||
	    index >> (height * RADIX_BITS) == 0;
}

/* The bits of index below and in the digit at shift; shift may be 60. */
static inline uint64_t
radix_below(unsigned shift)
{
	return shift + RADIX_BITS >= 64 ? ~0UL :
	    (1UL << (shift + RADIX_BITS)) - 1;
}

void *
radix_lookup(const struct radix *rx, uint64_t index)
{
	const struct radix_node *n = rx->rx_root;
	unsigned shift;

	/* An empty tree has height 0, which covers only index 0. */
	if (n == NULL || !radix_covers(rx->rx_height, index))
		return NULL;
	shift = (rx->rx_height - 1) * RADIX_BITS;
	for (; shift != 0; shift -= RADIX_BITS) {
		n = n->rn_slot[radix_slot(index, shift)];
		if (n == NULL)
			return NULL;
	}
	return n->rn_slot[radix_slot(index, 0)];
}

void *const *
radix_slots(const struct radix *rx, uint64_t index, unsigned *run)
{
	const struct radix_node *n = rx->rx_root;
	unsigned shift;

	*run = RADIX_WAYS - radix_slot(index, 0);
	if (n == NULL || !radix_covers(rx->rx_height, index))
		return NULL;
	shift = (rx->rx_height - 1) * RADIX_BITS;
	for (; shift != 0; shift -= RADIX_BITS) {
		n = n->rn_slot[radix_slot(index, shift)];
		if (n == NULL)
			return NULL;
	}
	return &n->rn_slot[radix_slot(index, 0)];
}

static inline void
radix_set(struct radix_node *n, unsigned slot, void *p)
{
	n->rn_slot[slot] = p;
	n->rn_used |= 1UL << slot;
}

/* Give count nodes, chained by slot 0, back; they are zero again. */
static void
radix_unreserve(struct radix_node *list)
{
	struct radix_node *n;

	while ((n = list) != NULL) {
		list = n->rn_slot[0];
		n->rn_slot[0] = NULL;
		radix_release(n);
	}
}

/* Chain count new nodes by slot 0; false: none taken. */
static bool
radix_reserve(unsigned count, struct radix_node **list)
{
	struct radix_node *n;

	*list = NULL;
	while (count-- > 0) {
		n = radix_alloc();
		if (n == NULL) {
			radix_unreserve(*list);
			return false;
		}
		n->rn_slot[0] = *list;
		*list = n;
	}
	return true;
}

static inline struct radix_node *
radix_take(struct radix_node **list)
{
	struct radix_node *n = *list;

	*list = n->rn_slot[0];
	n->rn_slot[0] = NULL;
	return n;
}

static unsigned
radix_height_for(uint64_t index)
{
	unsigned height = 1;

	while (!radix_covers(height, index))
		height++;
	return height;
}

/*
 * The slow half of insert: the leaf is missing, or the tree is too low.
 * have is the number of levels of the present tree that lead to index.
 */
static int
radix_insert_grow(struct radix *rx, uint64_t index, void *p, unsigned have)
{
	struct radix_node *list, *n;
	unsigned height, shift, slot, need;

	height = rx->rx_height;
	if (!radix_covers(height, index) || height == 0)
		height = radix_height_for(index);
	need = height - have;
	if (rx->rx_root != NULL && height != rx->rx_height)
		/*
		 * One new root for each level of growth, and below the new top
		 * a path of its own: index shares only the top node.
		 */
		need = (height - rx->rx_height) + (height - 1);
	if (!radix_reserve(need, &list))
		return ENOMEM;

	/* Cannot fail from here. */
	if (rx->rx_root == NULL) {
		rx->rx_root = radix_take(&list);
		rx->rx_height = height;
	}
	while (rx->rx_height < height) {
		n = radix_take(&list);
		radix_set(n, 0, rx->rx_root);
		rx->rx_root = n;
		rx->rx_height++;
	}
	n = rx->rx_root;
	for (shift = (height - 1) * RADIX_BITS; shift != 0;
	    shift -= RADIX_BITS) {
		slot = radix_slot(index, shift);
		if (n->rn_slot[slot] == NULL)
			radix_set(n, slot, radix_take(&list));
		n = n->rn_slot[slot];
	}
	radix_set(n, radix_slot(index, 0), p);
	KASSERT(list == NULL, "insert at %lu reserved a node too many",
	    index);
	return 0;
}

int
radix_insert(struct radix *rx, uint64_t index, void *p)
{
	struct radix_node *n = rx->rx_root;
	unsigned shift, slot, have;

	KASSERT(p != NULL, "NULL inserted at %lu", index);
	if (n == NULL || !radix_covers(rx->rx_height, index))
		return radix_insert_grow(rx, index, p, 0);
	have = 1;
	shift = (rx->rx_height - 1) * RADIX_BITS;
	for (; shift != 0; shift -= RADIX_BITS, have++) {
		n = n->rn_slot[radix_slot(index, shift)];
		if (n == NULL)
			return radix_insert_grow(rx, index, p, have);
	}
	slot = radix_slot(index, 0);
	if (n->rn_slot[slot] != NULL)
		return EEXIST;
	radix_set(n, slot, p);
	return 0;
}

/* Restore I3 after a removal. */
static void
radix_shrink(struct radix *rx)
{
	struct radix_node *n = rx->rx_root;

	while (rx->rx_height > 1 && n->rn_used == 1) {
		rx->rx_root = n->rn_slot[0];
		rx->rx_height--;
		n->rn_slot[0] = NULL;
		n->rn_used = 0;
		radix_release(n);
		n = rx->rx_root;
	}
}

void *
radix_remove(struct radix *rx, uint64_t index)
{
	struct radix_node *path[RADIX_MAXHEIGHT], *n = rx->rx_root;
	unsigned level, shift, slot;
	void *p;

	if (n == NULL || !radix_covers(rx->rx_height, index))
		return NULL;
	/* path[level] is the node whose digit is at level * RADIX_BITS. */
	for (level = rx->rx_height - 1; level != 0; level--) {
		path[level] = n;
		n = n->rn_slot[radix_slot(index, level * RADIX_BITS)];
		if (n == NULL)
			return NULL;
	}
	slot = radix_slot(index, 0);
	p = n->rn_slot[slot];
	if (p == NULL)
		return NULL;
	n->rn_slot[slot] = NULL;
	n->rn_used &= ~(1UL << slot);
	while (n->rn_used == 0) {
		radix_release(n);
		if (++level == rx->rx_height) {
			radix_init(rx);
			return p;
		}
		n = path[level];
		shift = level * RADIX_BITS;
		slot = radix_slot(index, shift);
		n->rn_slot[slot] = NULL;
		n->rn_used &= ~(1UL << slot);
	}
	radix_shrink(rx);
	return p;
}

/* The lowest (or highest) entry below node n, whose digit is at shift; *index
 * has the digits above it. */
static void *
radix_edge(const struct radix_node *n, unsigned shift, bool high,
    uint64_t *index)
{
	unsigned slot;

	for (;; shift -= RADIX_BITS) {
		slot = high ? 63U - (unsigned)__builtin_clzl(n->rn_used) :
		    (unsigned)__builtin_ctzl(n->rn_used);
		*index |= (uint64_t)slot << shift;
		if (shift == 0)
			return n->rn_slot[slot];
		n = n->rn_slot[slot];
	}
}

/* Slots beyond slot, in the direction of the search. */
static inline uint64_t
radix_beyond(const struct radix_node *n, unsigned slot, bool high)
{
	if (high)	/* looking down: slots below this one */
		return n->rn_used & ((1UL << slot) - 1);
	return n->rn_used & ~((2UL << slot) - 1);
}

/*
 * Ordered search.  Go down towards index and remember the lowest node that
 * has something beyond the path; when the path ends, turn off there.  down:
 * look for the entry at or below, else at or above.
 */
static void *
radix_search(const struct radix *rx, uint64_t index, bool down,
    uint64_t *found)
{
	const struct radix_node *n = rx->rx_root, *turn = NULL;
	unsigned shift, slot, turnshift = 0;
	uint64_t beyond;

	shift = (rx->rx_height - 1) * RADIX_BITS;
	for (;; shift -= RADIX_BITS) {
		slot = radix_slot(index, shift);
		if (radix_beyond(n, slot, down) != 0) {
			turn = n;
			turnshift = shift;
		}
		if (n->rn_slot[slot] == NULL)
			break;
		if (shift == 0) {
			*found = index;
			return n->rn_slot[slot];
		}
		n = n->rn_slot[slot];
	}
	if (turn == NULL)
		return NULL;
	beyond = radix_beyond(turn, radix_slot(index, turnshift), down);
	slot = down ? 63U - (unsigned)__builtin_clzl(beyond) :
	    (unsigned)__builtin_ctzl(beyond);
	*found = (index & ~radix_below(turnshift)) |
	    (uint64_t)slot << turnshift;
	if (turnshift == 0)
		return turn->rn_slot[slot];
	return radix_edge(turn->rn_slot[slot], turnshift - RADIX_BITS, down,
	    found);
}

void *
radix_ge(const struct radix *rx, uint64_t index, uint64_t *found)
{
	if (rx->rx_root == NULL || !radix_covers(rx->rx_height, index))
		return NULL;
	return radix_search(rx, index, false, found);
}

void *
radix_le(const struct radix *rx, uint64_t index, uint64_t *found)
{
	if (rx->rx_root == NULL)
		return NULL;
	if (!radix_covers(rx->rx_height, index)) {
		*found = 0;
		return radix_edge(rx->rx_root,
		    (rx->rx_height - 1) * RADIX_BITS, true, found);
	}
	return radix_search(rx, index, true, found);
}
