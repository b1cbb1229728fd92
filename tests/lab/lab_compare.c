/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_compare.c: does depth-first search with reduction find what it finds
 * without?  Both explore a scenario to the end, also after failures, and the
 * sets of what they saw must be equal:
 *
 *	traces	    of runs that ended well; each trace with one final state,
 *		    or two steps that conflict are taken for such that do not
 *	failures    the oracle, and its words without the numbers
 *
 * The plain search must also find no place shared that the other did not.
 */
#include "lab_stage.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/kprintf.h>

#include "lab_model.h"
#include "lab_os.h"
#include "lab_reduce.h"
#include "lab_story.h"

#define MAXSEEN	(1U << 20)
#define WITH	1U
#define WITHOUT	2U

struct seen {
	uint64_t	 key;		/* 0: none */
	uint64_t	 state;
	bool		 failure;
	uint8_t		 by;		/* WITH, WITHOUT reduction */
};

static struct seen	*table;
static unsigned		 nseen;
static unsigned		 nstates_differ;

/* A text without its numbers. */
static uint64_t
text_hash(const char *p)
{
	uint64_t h = 1;

	for (; *p != '\0'; p++)
		if ((*p < '0' || *p > '9') && (*p < 'a' || *p > 'f'))
			h = lab_mix(h, (uint8_t)*p);
	return h;
}

/* Objects are numbered as they appear. */
static uint64_t
chains_hash(const char *p)
{
	unsigned long known[64], v;
	unsigned n = 0, i;
	uint64_t h = 2;

	for (; p != NULL && *p != '\0'; p++) {
		h = lab_mix(h, (uint8_t)*p);
		if (*p != '#')
			continue;
		for (v = 0; p[1] >= '0' && p[1] <= '9'; p++)
			v = v * 10 + (unsigned long)(p[1] - '0');
		for (i = 0; i < n && known[i] != v; i++)
			continue;
		if (i == n && n < nitems(known))
			known[n++] = v;
		h = lab_mix(h, i);
	}
	return h;
}

static void
tell(const struct lab_scenario *s, const char *what)
{
	char token[1024];

	token_print(s, &lab_done, token, sizeof(token));
	kprintf("# %s: %s %s\n", what, token, lab_failure.text);
}

static void
note(const struct lab_scenario *s, uint64_t key, uint64_t state, bool failure,
    uint8_t by)
{
	unsigned i = (unsigned)(key >> 20) % MAXSEEN;

	key |= 1;
	while (table[i].key != 0 && table[i].key != key)
		i = (i + 1) % MAXSEEN;
	if (table[i].key == 0) {
		if (++nseen > MAXSEEN / 2)
			panic("more than %u traces", MAXSEEN / 2);
		table[i] = (struct seen){ key, state, failure, 0 };
		if (by == WITHOUT)
			tell(s, "only without reduction");
	}
	if (table[i].state != state)
		tell(s, "the same trace, another state");
	nstates_differ += table[i].state != state;
	table[i].by |= by;
}

static uint64_t	final;

static void
look(void *arg)
{
	(void)arg;
	draw_begin();
	final = lab_mix(chains_hash(draw_chains()), model_hash());
}

/* One run, to be noted. */
static void
run(const struct lab_scenario *s, uint8_t by)
{
	run_restore(s);
	if (lab_run(s->nfibres) && lab_abandoned)
		return;
	if (lab_failure.oracle == OR_NONE) {
		uint64_t trace = reduce_past();

		(void)lab_aux(look, NULL);
		if (lab_aux(scenario_quiesce, NULL)) {
			note(s, trace, final, false, by);
			return;
		}
	}
	lab_search_failed();
	note(s, lab_mix(lab_failure.oracle, text_hash(lab_failure.text)), 0,
	    true, by);
}

static void
table_clear(void)
{
	if (table == NULL)
		table = labos_alloc(MAXSEEN * sizeof(*table));
	memset(table, 0, MAXSEEN * sizeof(*table));
	nseen = nstates_differ = 0;
}

static bool
search(const struct lab_scenario *s, unsigned bound, enum lab_reduce how,
    uint64_t limit, struct lab_tally *t)
{
	uint64_t passes = 0;

	lab_reduce = how;
	lab_search_begin(ST_DFS, 1, bound);
	while (lab_search_next()) {
		/* Traces of another pass did not know all places. */
		if (lab_search_pruned().passes != passes)
			table_clear();
		passes = lab_search_pruned().passes;
		if (t->schedules++ >= limit)
			return false;
		run(s, how == REDUCE_ON ? WITH : WITHOUT);
	}
	return true;
}

struct compared
compare_scenario(const struct lab_scenario *s, unsigned bound, uint64_t limit)
{
	struct compared c = { 0 };
	struct lab_tally with = { 0 }, without = { 0 };

	table_clear();
	c.done = run_prepare(s) && search(s, bound, REDUCE_ON, limit, &with);
	c.done = c.done && search(s, bound, REDUCE_WATCH, limit, &without);
	c.grew = c.done && reduce_grew();
	lab_reduce = REDUCE_OFF;
	for (unsigned i = 0; i < MAXSEEN; i++) {
		const struct seen *e = &table[i];

		if (e->key == 0)
			continue;
		*(e->failure ? &c.failures : &c.traces) += 1;
		if (e->by != (WITH | WITHOUT))
			*(e->by == WITH ? &c.only_with : &c.only_without) += 1;
		c.missed += e->failure && e->by != (WITH | WITHOUT);
	}
	c.differ = nstates_differ;
	c.with = with.schedules;
	c.without = without.schedules;
	return c;
}
