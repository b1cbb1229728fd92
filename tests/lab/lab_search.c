/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_search.c: strategies: who runs next when several can.
 *
 * Depth first (stateless: each run begins anew and repeats a prefix): a node
 * for each choice of the present run; the deepest node with an alternative left
 * is changed for the next.  A PREEMPTION is a choice against a fibre that could
 * go on and did not wait; their number is bounded (Musuvathi and Qadeer, CHESS,
 * 2007); choices where the running fibre stops are free.  Points that appear in
 * a prefix, because a word turned out to be shared, get a node where they are.
 *
 * Sleep sets (Godefroid 1996): a fibre whose next event was tried at a node
 * need not be tried again below its brother until something that conflicts
 * with that event has happened.  With a bound on preemptions this may cut off
 * what only a schedule with more of them would show: so it is off by default.
 *
 * PCT (Burckhardt et al., 2010): random priorities, changed at d - 1 random
 * points among as many as earlier runs had.
 */
#include "lab.h"

#include <lib/assert.h>
#include <lib/prng.h>
#include <lib/string.h>

#define MAXNODES	(1U << 16)

struct node {
	uint32_t	 ev;
	uint8_t		 enabled, done, chosen, dflt;
	uint8_t		 sleep;		/* need not be tried here */
	bool		 preempts;
	uint8_t		 used;		/* preemptions above */
};

static enum lab_strategy strategy;
static struct node	 node[MAXNODES];
static unsigned		 depth, pos;
static unsigned		 bound, used;
static struct prng	 prng;
static uint64_t		 nruns, points_sum;
static int		 prio[LAB_FIBRES];
static uint32_t		 change[8];
static unsigned		 nchange;
static const struct lab_schedule *script;
static unsigned		 script_pos;

/* ---- sleep sets ---- */

static bool	 por;
static uint32_t	 sleeping;
static uint64_t	 npruned;

void
lab_search_por(bool on)
{
	por = on;
}

uint64_t
lab_search_pruned(void)
{
	return npruned;
}

static bool
is_memory(enum lab_event k)
{
	return k >= EV_ATOMIC && k <= EV_WRITE;
}

/*
 * Could the two events not be exchanged?  User accesses, shootdowns and the
 * model's own steps conflict with each other whatever they name.
 */
static bool
conflict(const struct fibre *a, const struct fibre *b)
{
	bool loose_a = a->kind == EV_USER || a->kind == EV_FLUSH ||
	    a->kind == EV_PAGER || a->kind == EV_OP || a->kind == EV_START;
	bool loose_b = b->kind == EV_USER || b->kind == EV_FLUSH ||
	    b->kind == EV_PAGER || b->kind == EV_OP || b->kind == EV_START;

	if (loose_a || loose_b)
		return loose_a && loose_b;
	if (a->obj != b->obj || a->obj == NULL)
		return false;
	return !(is_memory(a->kind) && is_memory(b->kind) &&
	    a->kind == EV_READ && b->kind == EV_READ);
}

void
lab_search_event(const struct fibre *f)
{
	for (int i = 0; sleeping >> i != 0; i++)
		if ((sleeping & 1U << i) != 0 && conflict(&lab_fibre[i], f))
			sleeping &= ~(1U << i);
}

/* ---- depth first ---- */

static void
node_put(unsigned at, uint32_t enabled, int dflt, bool preempts)
{
	KASSERT(depth < MAXNODES, "%u choices in one run", depth);
	memmove(&node[at + 1], &node[at], (depth - at) * sizeof(*node));
	node[at] = (struct node){ .ev = lab_ev, .enabled = (uint8_t)enabled,
	    .done = (uint8_t)(1U << dflt), .chosen = (uint8_t)dflt,
	    .dflt = (uint8_t)dflt, .preempts = preempts,
	    .sleep = (uint8_t)(sleeping & enabled), .used = (uint8_t)used };
	depth++;
}

static int
dfs_choose(uint32_t enabled, int dflt, bool preempts)
{
	struct node *n;

	if (pos < depth && node[pos].ev < lab_ev)
		panic("the run does not repeat: event %u, expected %u", lab_ev,
		    node[pos].ev);
	if (pos == depth || node[pos].ev > lab_ev) {
		if (preempts && used >= bound)
			return dflt;
		node_put(pos, enabled, dflt, preempts);
	}
	n = &node[pos++];
	if ((n->sleep & 1U << n->chosen) != 0) {
		npruned++;
		lab_abandon();
	}
	if (n->enabled != enabled || n->dflt != dflt)
		panic("the run does not repeat: event %u, enabled %x was %x",
		    lab_ev, enabled, n->enabled);
	if (n->chosen != dflt && preempts)
		used++;
	if (por)
		sleeping = (sleeping | n->done) & ~(1U << n->chosen);
	return n->chosen;
}

static bool
dfs_next(void)
{
	struct node *n;
	uint32_t left;

	while (depth > 0) {
		n = &node[depth - 1];
		left = n->enabled & ~(uint32_t)(n->done | n->sleep);
		if (left != 0 && (!n->preempts || n->used < bound)) {
			n->chosen = (uint8_t)__builtin_ctz(left);
			n->done |= (uint8_t)(1U << n->chosen);
			return true;
		}
		depth--;
	}
	return false;
}

/* ---- random ---- */

static void
pct_begin(void)
{
	uint64_t k = nruns == 0 ? 100 : points_sum / nruns + 1;

	for (int i = 0; i < LAB_FIBRES; i++)
		prio[i] = (int)prng_below(&prng, 1000) * LAB_FIBRES + i + 1;
	for (unsigned i = 0; i < nchange; i++)
		change[i] = (uint32_t)prng_below(&prng, k);
}

static int
pct_choose(uint32_t enabled, int dflt)
{
	int best = -1;

	for (unsigned i = 0; i < nchange; i++)
		if (change[i] <= lab_npoints && lab_cur != NULL) {
			change[i] = ~0U;
			prio[dflt] = -(int)i;
		}
	for (int i = 0; i < LAB_FIBRES; i++)
		if ((enabled & 1U << i) != 0 &&
		    (best < 0 || prio[i] > prio[best]))
			best = i;
	if (best != dflt && (enabled & 1U << (best + LAB_FIBRES)) != 0 &&
	    prng_below(&prng, 2) != 0)
		best += LAB_FIBRES;
	return best;
}

static int
random_choose(uint32_t enabled, int dflt, bool preempts)
{
	unsigned n = (unsigned)__builtin_popcount(enabled);
	unsigned skip;

	if (preempts && prng_below(&prng, 8) != 0)
		return dflt;
	for (skip = (unsigned)prng_below(&prng, n); skip > 0; skip--)
		enabled &= enabled - 1;
	return __builtin_ctz(enabled);
}

static int
script_choose(uint32_t enabled, int dflt)
{
	int f;

	while (script_pos < script->n && script->dev[script_pos].ev < lab_ev)
		script_pos++;
	if (script_pos == script->n || script->dev[script_pos].ev != lab_ev)
		return dflt;
	f = script->dev[script_pos++].fibre;
	return (enabled & 1U << f) != 0 ? f : dflt;
}

/* ---- the strategy in use ---- */

int
lab_choose(uint32_t enabled, int dflt, bool preempts)
{
	switch (strategy) {
	case ST_REPLAY:
		return script_choose(enabled, dflt);
	case ST_DFS:
		return dfs_choose(enabled, dflt, preempts);
	case ST_PCT:
		return pct_choose(enabled, dflt);
	case ST_RANDOM:
		return random_choose(enabled, dflt, preempts);
	}
	return dflt;
}

void
lab_search_begin(enum lab_strategy st, uint64_t seed, unsigned n)
{
	strategy = st;
	por = por && !lab_tso;	/* it knows nothing of stores held back */
	bound = n;
	nchange = MIN(n, nitems(change));
	depth = 0;
	nruns = points_sum = npruned = 0;
	prng_seed(&prng, seed);
}

void
lab_search_replay(const struct lab_schedule *s)
{
	strategy = ST_REPLAY;
	script = s;
}

bool
lab_search_next(void)
{
	pos = used = script_pos = 0;
	sleeping = 0;
	if (strategy == ST_DFS && nruns > 0 && !dfs_next())
		return false;
	/* The prefix that is repeated: what it used is counted again. */
	points_sum += nruns == 0 ? 0 : lab_npoints;
	nruns++;
	if (strategy == ST_PCT)
		pct_begin();
	return true;
}
