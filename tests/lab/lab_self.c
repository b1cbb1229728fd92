/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_self.c: tests of the laboratory itself: a replay is equal each time, and
 * store buffers show what an x86 may show, and nothing else.
 */
#include "lab_stage.h"

#include <lib/string.h>
#include <sys/kprintf.h>

#define SCHEDULES	10
#define REPLAYS		100	/* of each */

static unsigned	ntests, nbad;

static void
result(bool ok, const char *what)
{
	nbad += !ok;
	kprintf("%s %u lab: %s\n", ok ? "ok" : "not ok", ++ntests, what);
}

/* How many replays are as the first run was? */
static unsigned
replay_alike(const struct lab_scenario *s, unsigned times)
{
	struct lab_schedule d = lab_done;
	struct lab_failure was = lab_failure;
	uint32_t events = lab_ev;
	uint64_t hash = 0;
	unsigned same = 0;

	for (unsigned i = 0; i < times; i++) {
		(void)run_replay(s, &d);
		if (i == 0)
			hash = lab_hash;
		same += lab_ev == events && lab_hash == hash &&
		    lab_failure.oracle == was.oracle &&
		    (was.oracle == OR_NONE || (lab_failure.ev == was.ev &&
		    strcmp(lab_failure.text, was.text) == 0));
	}
	return same;
}

static void
test_replays(void)
{
	struct lab_limits lim = { 3, 0 };
	struct lab_tally t = { 0 };
	struct lab_scenario s;
	struct prng p;
	unsigned same = 0;

	prng_seed(&p, args.seed);
	lab_level = LAB_ACCESS;
	lab_tso = true;
	for (int i = 0; i < SCHEDULES; i++) {
		do
			scenario_random(&s, &p);
		while (s.nfibres < 2);
		(void)run_explore(&s, ST_RANDOM, prng_next(&p), 0, &lim, &t);
		same += replay_alike(&s, REPLAYS);
	}
	lab_tso = false;
	kprintf("# %u of %u replays are alike, seed %lu\n", same,
	    SCHEDULES * REPLAYS, args.seed);
	result(same == SCHEDULES * REPLAYS, "1,000 replays are alike");
}

/* Explore all; found: is there a schedule that shows the reordering? */
static void
test_litmus(const char *scenario, bool tso, bool found, const char *what)
{
	struct lab_limits lim = { 0, 0 };
	struct lab_tally t = { 0 };
	struct lab_scenario s;
	bool ok;

	if (!scenario_parse(&s, scenario))
		panic("%s is no scenario", scenario);
	lab_level = LAB_ACCESS;
	lab_tso = tso;
	ok = run_explore(&s, ST_DFS, 1, 3, &lim, &t);
	lab_tso = false;
	if (!ok)
		print_failure(&s);
	result(ok != found && (found || t.complete == 1), what);
	if (!ok)
		result(replay_alike(&s, REPLAYS) == REPLAYS,
		    "and its token shows it each time");
}

int
cmd_selftest(void)
{
	test_litmus("single:0A0,0A0", false, false,
	    "without store buffers no store passes a load");
	test_litmus("single:0A0,0A0", true, true,
	    "with store buffers a load passes a store");
	test_litmus("single:0B0,0B0", true, false, "but not a fence");
	test_litmus("single:0C0,0C0", true, false,
	    "stores are seen in their order");
	test_replays();
	kprintf("%u passed, %u failed\n", ntests - nbad, nbad);
	return nbad != 0;
}
