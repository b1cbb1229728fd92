/* SPDX-License-Identifier: BSD-2-Clause */
/* radix_test.c: kern/lib/radix.c against a sorted array. */
#include <lib/radix.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/zone.h>

#include "harness.h"

#define MODEL_MAX	600

/* The model: indices in ascending order; the entry at i is entry_of(i). */
struct model {
	uint64_t	index[MODEL_MAX];
	unsigned	n;
};

static void *
entry_of(uint64_t index)
{
	return (void *)(index * 2 + 1);
}

/* The first position whose index is >= index. */
static unsigned
model_pos(const struct model *m, uint64_t index)
{
	unsigned i = 0;

	while (i < m->n && m->index[i] < index)
		i++;
	return i;
}

static bool
model_has(const struct model *m, uint64_t index)
{
	unsigned i = model_pos(m, index);

	return i < m->n && m->index[i] == index;
}

static void
model_insert(struct model *m, uint64_t index)
{
	unsigned i = model_pos(m, index);

	memmove(&m->index[i + 1], &m->index[i], (m->n - i) * sizeof(index));
	m->index[i] = index;
	m->n++;
}

static void
model_remove(struct model *m, uint64_t index)
{
	unsigned i = model_pos(m, index);

	m->n--;
	memmove(&m->index[i], &m->index[i + 1], (m->n - i) * sizeof(index));
}

static uint64_t		nodes;

static void
count_nodes(struct zone *z, void *arg)
{
	struct zone_stats st;

	(void)arg;
	zone_get_stats(z, &st);
	if (strcmp(st.name, "radix_node") == 0)
		nodes = st.live;
}

static uint64_t
nodes_live(void)
{
	zone_foreach(count_nodes, NULL);
	return nodes;
}

/* Index shapes: what objects have, and the corners. */
static uint64_t
pick(struct prng *p, unsigned shape)
{
	switch (shape) {
	case 0:
		return prng_below(p, 64);
	case 1:
		return prng_below(p, 700);
	case 2:
		return prng_below(p, 1UL << 20);
	case 3:
		return (1UL << prng_below(p, 64)) + prng_below(p, 3) - 1;
	case 4:
		return ~0UL - prng_below(p, 200);
	case 5:
		return prng_below(p, 16) << 60 | prng_below(p, 2) << 12 |
		    prng_below(p, 4);
	default:
		return prng_next(p);
	}
}
#define SHAPES	7

/* The three searches at index agree with the model. */
static const char *
compare(const struct radix *rx, const struct model *m, uint64_t index)
{
	unsigned i = model_pos(m, index);
	bool has = i < m->n && m->index[i] == index;
	uint64_t found = 12345;
	void *p;

	if (radix_lookup(rx, index) != (has ? entry_of(index) : NULL))
		return "lookup";
	p = radix_ge(rx, index, &found);
	if (i == m->n ? p != NULL : p != entry_of(m->index[i]) ||
	    found != m->index[i])
		return "ge";
	if (!has)
		i--;	/* wraps when there is none below */
	p = radix_le(rx, index, &found);
	if (i >= m->n ? p != NULL : p != entry_of(m->index[i]) ||
	    found != m->index[i])
		return "le";
	return radix_empty(rx) == (m->n == 0) ? NULL : "empty";
}

/* Do random operations agree with the model, and are all nodes given back? */
KTEST(radix, matches_a_sorted_array)
{
	static struct model m;
	struct radix rx;
	uint64_t before = nodes_live(), index;
	unsigned shape, op, bias;
	const char *what;
	int error;

	for (shape = 0; shape < SHAPES; shape++) {
		radix_init(&rx);
		m.n = 0;
		for (op = 0; op < 40000; op++) {
			bias = op / 4000 % 2 != 0 ? 30 : 70;
			index = m.n != 0 && prng_below(&t->prng, 4) == 0 ?
			    m.index[prng_below(&t->prng, m.n)] :
			    pick(&t->prng, shape);
			if (prng_below(&t->prng, 100) < bias &&
			    m.n < MODEL_MAX) {
				error = radix_insert(&rx, index,
				    entry_of(index));
				KT_CHECK(t, error == (model_has(&m, index) ?
				    EEXIST : 0), "insert %lx: %d", index,
				    error);
				if (error == 0)
					model_insert(&m, index);
			} else {
				KT_CHECK(t, radix_remove(&rx, index) ==
				    (model_has(&m, index) ? entry_of(index) :
				    NULL), "remove %lx", index);
				if (model_has(&m, index))
					model_remove(&m, index);
			}
			what = compare(&rx, &m, pick(&t->prng, shape));
			KT_CHECK(t, what == NULL, "shape %u op %u: %s", shape,
			    op, what);
			what = compare(&rx, &m, index);
			KT_CHECK(t, what == NULL, "shape %u op %u: %s at %lx",
			    shape, op, what, index);
		}
		while (m.n != 0)
			radix_remove(&rx, m.index[--m.n]);
		KT_CHECK(t, radix_empty(&rx) && rx.rx_height == 0,
		    "height %u", rx.rx_height);
		KT_CHECK(t, nodes_live() == before, "%lu nodes leaked",
		    nodes_live() - before);
	}
}

/* What does a tree cost, and does it shrink when the far entry goes? */
KTEST(radix, takes_and_returns_few_nodes)
{
	uint64_t before = nodes_live();
	struct radix rx;

	radix_init(&rx);
	KT_CHECK(t, radix_insert(&rx, 63, entry_of(63)) == 0, "no memory");
	KT_CHECK(t, nodes_live() - before == 1, "index below 64");
	KT_CHECK(t, radix_insert(&rx, 0, entry_of(0)) == 0, "no memory");
	KT_CHECK(t, nodes_live() - before == 1, "second entry");
	KT_CHECK(t, radix_insert(&rx, 4095, entry_of(4095)) == 0, "no memory");
	KT_CHECK(t, nodes_live() - before == 3 && rx.rx_height == 2,
	    "%lu nodes", nodes_live() - before);
	KT_CHECK(t, radix_insert(&rx, ~0UL, entry_of(~0UL)) == 0, "no memory");
	KT_CHECK(t, rx.rx_height == 11, "height %u", rx.rx_height);
	KT_CHECK(t, radix_remove(&rx, ~0UL) == entry_of(~0UL), "far entry");
	KT_CHECK(t, nodes_live() - before == 3 && rx.rx_height == 2,
	    "%lu nodes after", nodes_live() - before);
	KT_CHECK(t, radix_remove(&rx, 4095) != NULL, "middle entry");
	KT_CHECK(t, nodes_live() - before == 1 && rx.rx_height == 1,
	    "%lu nodes", nodes_live() - before);
	radix_remove(&rx, 0);
	radix_remove(&rx, 63);
	KT_CHECK(t, nodes_live() == before, "%lu nodes", nodes_live());
}

/* One failing insert into a tree that holds base entries at 0, 5, 9...:
 * returns at which allocation it no longer fails. */
static uint64_t
fail_loop(struct ktest_ctx *t, uint64_t index)
{
	uint64_t nth, before, found;
	struct radix rx;
	int error = ENOMEM;

	radix_init(&rx);
	if (radix_insert(&rx, 5, entry_of(5)) != 0)
		return 0;
	for (nth = 1; error == ENOMEM; nth++) {
		before = nodes_live();
		zone_fail_nth(nth);
		error = radix_insert(&rx, index, entry_of(index));
		zone_fail_nth(0);
		if (error == 0)
			break;
		if (nodes_live() != before || rx.rx_height != 1 ||
		    radix_lookup(&rx, index) != NULL ||
		    radix_ge(&rx, 6, &found) != NULL)
			ktest_fail(t, __FILE__, __LINE__,
			    "failed insert of %lx changed the tree", index);
	}
	if (radix_lookup(&rx, index) != entry_of(index) ||
	    radix_lookup(&rx, 5) != entry_of(5))
		ktest_fail(t, __FILE__, __LINE__, "%lx not there", index);
	radix_remove(&rx, index);
	radix_remove(&rx, 5);
	return nth;
}

/* Does an insert that runs out of nodes leave everything as it was? */
KTEST(radix, failed_insert_changes_nothing)
{
	uint64_t nth;

	KT_CHECK(t, fail_loop(t, 6) == 1, "needs no node");
	nth = fail_loop(t, 64);
	KT_CHECK(t, nth == 3, "root and leaf: %lu", nth);
	nth = fail_loop(t, ~0UL);
	KT_CHECK(t, nth == 21, "10 roots, 10 of the path: %lu", nth);
}

/* Does radix_slots agree with radix_lookup, also where a leaf is missing? */
KTEST(radix, slots_agree_with_lookup)
{
	uint64_t at[] = { 0, 3, 63, 64, 130, 4095, 4096 }, index;
	void *const *slot;
	struct radix rx;
	unsigned run, i;

	radix_init(&rx);
	KT_CHECK(t, radix_slots(&rx, 5, &run) == NULL && run == 59, "empty");
	for (i = 0; i < nitems(at); i++)
		KT_CHECK(t, radix_insert(&rx, at[i], entry_of(at[i])) == 0,
		    "insert %lu", at[i]);
	for (index = 0; index < 5000; index += run) {
		slot = radix_slots(&rx, index, &run);
		KT_CHECK(t, run == 64 - index % 64, "%u at %lu", run, index);
		for (i = 0; i < run; i++)
			KT_CHECK(t, (slot == NULL ? NULL : slot[i]) ==
			    radix_lookup(&rx, index + i), "%lu", index + i);
	}
	for (i = 0; i < nitems(at); i++)
		radix_remove(&rx, at[i]);
}
