/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_search.c: strategies: who runs next when several can.
 *
 * Depth first (stateless: each run begins anew and repeats a prefix): a node
 * for each choice of the present run; the deepest node with an alternative left
 * is changed for the next.  A PREEMPTION is a choice against a fibre that could
 * go on and did not wait; their number is bounded (Musuvathi and Qadeer, CHESS,
 * 2007); choices where the running fibre stops are free.  One that stands back
 * for others and goes on before them all the same is one preemption, too, as if
 * one of them had been preempted at once; it is free as often as fibres stand
 * there that were preempted: as if they had gone on, to block at once.  Points that appear in
 * a prefix, because a word turned out to be shared, get a node where they are.
 *
 * With reduction (lab_reduce.c; option por=1) what would show nothing new is
 * left out, never what a bound would have allowed (I1):
 *
 *   - SLEEP SETS (Godefroid 1996) for preemptions only.  A fibre that was
 *     preempted before step s sleeps until a step conflicts with s.  To run it
 *     before that is the same as to preempt it after s, which was tried first,
 *     and costs no preemption more, maybe one less.
 *   - A preemption before s is tried only if something that others did, while
 *     the fibre stood still at its next point behind s, conflicts with s: if
 *     nothing does they would do the same before s, and it would sleep on.
 *     (What a set of backtrack points is elsewhere: Flanagan and Godefroid 2005,
 *     Coons, Musuvathi and McKinley 2013.)
 *   - A state that was explored before, with as many preemptions left and no
 *     more asleep, is not explored again.  The state is told by the trace that
 *     led to it (Musuvathi and Qadeer, 2007).
 *
 * I1 Each leans on what depth-first search has ended before: none on another
 *    that leans on it.
 *
 * PCT (Burckhardt et al., 2010): random priorities, changed at d - 1 random
 * points among as many as earlier runs had.
 */
#include "lab.h"

#include <lib/assert.h>
#include <lib/prng.h>
#include <lib/string.h>

#include "lab_reduce.h"

#define MAXNODES	(1U << 16)

struct node {
	uint32_t	 ev;
	uint8_t		 enabled, done, chosen, dflt;
	bool		 preempts;
	uint8_t		 used;		/* preemptions above */
	uint8_t		 pays;		/* mask: who yields; to go on is one more */
	/* with reduction, of the fibre f that may stay: */
	bool		 tried;		/* its preemption */
	uint32_t	 all;		/* enabled, asleep or not */
	uint32_t	 below;		/* what came behind, reduce_below's */
	struct node	*before;	/* of its step that led here, or NULL */
	struct footprint step;		/* the one from here */
	struct footprint still;		/* of others while f stands here */
	struct footprint next;		/* and at its next point */
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
static struct node	*stepping;	/* whose fibre stayed, for a step */
static int		 runner;	/* who makes the running step */
static struct lab_pruned pruned;

/* ---- depth first ---- */

/* The running fibre, if it stands back for others of mask. */
static uint32_t
yielder(uint32_t mask)
{
	uint32_t me = lab_cur == NULL ? 0 : 1U << lab_cur->id;

	return lab_cur != NULL && lab_cur->yielding && (mask & ~me) != 0 ?
	    mask & me : 0;
}

/* It has to pay for going on, but as often as preempted fibres might have gone
 * first, to block at once. */
static uint32_t
pays(uint32_t mask)
{
	return lab_went_on < (unsigned)__builtin_popcount(lab_preempted()) ?
	    0 : yielder(mask);
}

static void
node_put(unsigned at, uint32_t enabled, int dflt, bool preempts)
{
	KASSERT(depth < MAXNODES, "%u choices in one run", depth);
	memmove(&node[at + 1], &node[at], (depth - at) * sizeof(*node));
	node[at] = (struct node){ .ev = lab_ev, .enabled = (uint8_t)enabled,
	    .done = (uint8_t)(1U << dflt), .chosen = (uint8_t)dflt,
	    .dflt = (uint8_t)dflt, .preempts = preempts,
	    .used = (uint8_t)used, .pays = (uint8_t)pays(enabled) };
	depth++;
}

/* Is it one preemption more that f runs? */
static bool
costs(const struct node *n, int f)
{
	return (n->preempts && f != n->dflt) || (n->pays & 1U << f) != 0;
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
	if (n->enabled != enabled || n->dflt != dflt)
		panic("the run does not repeat: event %u, enabled %x was %x",
		    lab_ev, enabled, n->enabled);
	used += costs(n, n->chosen);
	return n->chosen;
}

/* The next in turn after f, out of mask, which is not empty. */
static int
next_awake(uint32_t mask, int f)
{
	while ((mask & 1U << f) == 0)
		f = (f + 1) % LAB_FIBRES;
	return f;
}

static uint64_t
state_here(uint32_t enabled, int dflt, bool preempts)
{
	return reduce_trace() ^ ((uint64_t)lab_went_on << 32 |
	    (uint64_t)lab_preempted() << 24 | (uint64_t)enabled << 16 |
	    (uint64_t)dflt << 8 | preempts) * 0x9e3779b97f4a7c15UL;
}

/* The step from n is over: what could run has changed, or it has not. */
static void
step_over(struct node *n, uint32_t enabled)
{
	uint32_t others = ~(1U << n->dflt);

	n->step = reduce_step;
	if (((n->all ^ enabled) & others) != 0)
		memset(&n->next, 0xff, sizeof(n->next));
}

/* A new choice; NULL: there is none. */
static struct node *
reduced_node(uint32_t enabled, uint32_t awake, int dflt, bool preempts,
    struct node *before)
{
	uint32_t below = pos == 0 ? 0 : node[pos - 1].below;
	struct node *n;

	if (reduce_seen(state_here(enabled, dflt, preempts), bound - used,
	    reduce_asleep, &below)) {
		pruned.states++;
		reduce_gather_below(below);
		if (pos > 0)
			reduce_below_join(node[pos - 1].below, below);
		if (before != NULL)
			reduce_below_add(below, before->dflt, &before->next);
		lab_abandon();
	}
	if ((preempts && used >= bound) || (awake & (awake - 1)) == 0)
		return NULL;
	node_put(depth, awake, dflt, preempts);
	n = &node[pos++];
	n->all = enabled;
	n->below = reduce_below();
	n->before = before;
	memset(&n->step, 0xff, sizeof(n->step));
	return n;
}

static struct node *
repeated_node(uint32_t awake, int dflt)
{
	struct node *n = &node[pos];

	if (n->ev > lab_ev)
		return NULL;
	if (n->ev < lab_ev || n->enabled != awake || n->dflt != dflt)
		panic("the run does not repeat: event %u, awake %x; expected "
		    "%u, %x", lab_ev, awake, n->ev, n->enabled);
	pos++;
	return n;
}

/* Fibre f stops, and goes on when it is chosen. */
static void
stand_still(const struct fibre *f, struct node *n, struct node *before)
{
	reduce_gather(f->id, n != NULL && n->preempts ? &n->still :
	    before != NULL ? &before->next : NULL);
}

/* The step that is over, or the last of a run, is below the last choice. */
static void
below_step(void)
{
	if (pos > 0)
		reduce_below_step(node[pos - 1].below, runner);
}

static int
reduced_choose(uint32_t enabled, int dflt, bool preempts)
{
	uint32_t awake = enabled & ~reduce_asleep;
	struct node *n, *before = stepping;
	bool stuck = (awake & ~yielder(enabled)) == 0;
	int chosen;

	if (before != NULL)
		step_over(before, enabled);
	stepping = NULL;
	below_step();
	reduce_begin();
	if (lab_cur != NULL)
		reduce_count(lab_cur);
	if (awake == 0 || (stuck && used >= bound && pays(enabled) != 0)) {
		pruned.asleep++;
		lab_abandon();
	}
	dflt = next_awake(stuck ? awake : awake & ~yielder(enabled), dflt);
	n = pos < depth ? repeated_node(awake, dflt) :
	    reduced_node(enabled, awake, dflt, preempts, before);
	chosen = runner = n == NULL ? dflt : n->chosen;
	if (preempts && chosen == dflt) {
		stepping = n;
		return chosen;
	}
	used += n != NULL ? costs(n, chosen) : stuck && pays(enabled) != 0;
	if (lab_cur != NULL)
		stand_still(lab_cur, n, before);
	if (preempts)
		reduce_sleep(dflt, &n->step);
	reduce_gather(chosen, NULL);
	return chosen;
}

/* Is any of the alternatives left at n worth trying? */
static bool
worth(struct node *n)
{
	if (!n->preempts)
		return true;
	if (n->used >= bound)
		return false;
	if (lab_reduce == REDUCE_ON && !n->tried)
		n->tried = reduce_conflict(&n->step, &n->next);
	return lab_reduce != REDUCE_ON || n->tried;
}

/* All below n is done. */
static void
node_done(const struct node *n)
{
	if (n->before != NULL)
		reduce_join(&n->before->next, n->tried ? &n->still : &n->next);
}

static bool
dfs_next(void)
{
	struct node *n;
	uint32_t left;

	while (depth > 0) {
		n = &node[depth - 1];
		left = n->enabled & ~(uint32_t)n->done;
		if (n->used >= bound)
			left &= ~(uint32_t)n->pays;
		if (left != 0 && worth(n)) {
			n->chosen = (uint8_t)__builtin_ctz(left);
			n->done |= (uint8_t)(1U << n->chosen);
			return true;
		}
		if (n->preempts)
			node_done(n);
		if (lab_reduce == REDUCE_ON && depth > 1)
			reduce_below_join(node[depth - 2].below, n->below);
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
	if (strategy == ST_PCT || strategy == ST_RANDOM)
		enabled &= ~yielder(enabled);
	switch (strategy) {
	case ST_REPLAY:
		return script_choose(enabled, dflt);
	case ST_DFS:
		return lab_reduce == REDUCE_ON ?
		    reduced_choose(enabled, dflt, preempts) :
		    dfs_choose(enabled, dflt, preempts);
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
	bound = n;
	nchange = MIN(n, nitems(change));
	depth = 0;
	nruns = points_sum = 0;
	pruned = (struct lab_pruned){ 0 };
	prng_seed(&prng, seed);
}

void
lab_search_replay(const struct lab_schedule *s)
{
	strategy = ST_REPLAY;
	script = s;
}

/* What would have come is not known. */
void
lab_search_failed(void)
{
	if (lab_reduce != REDUCE_ON)
		return;
	reduce_gather_below(0);
	if (pos > 0)
		reduce_below_join(node[pos - 1].below, 0);
	if (stepping != NULL)
		memset(&stepping->next, 0xff, sizeof(stepping->next));
	stepping = NULL;
}

struct lab_pruned
lab_search_pruned(void)
{
	return pruned;
}

bool
lab_search_next(void)
{
	if (lab_reduce == REDUCE_ON)
		below_step();
	pos = used = script_pos = 0;
	stepping = NULL;
	reduce_run();
	if (strategy == ST_DFS && lab_reduce == REDUCE_ON && reduce_grew()) {
		reduce_pass();
		depth = 0;
		pruned.passes++;
	} else if (strategy == ST_DFS && nruns > 0 && !dfs_next()) {
		return false;
	}
	/* The prefix that is repeated: what it used is counted again. */
	points_sum += nruns == 0 ? 0 : lab_npoints;
	nruns++;
	if (strategy == ST_PCT)
		pct_begin();
	return true;
}
