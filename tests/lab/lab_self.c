/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_self.c: tests of the laboratory itself: a replay is equal each time, and
 * store buffers show what an x86 may show, and nothing else.
 */
#include "lab_stage.h"

#include <lib/string.h>
#include <sys/kprintf.h>

#include "lab_os.h"

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

static bool
compared_equal(const struct compared *c)
{
	return c->only_with == 0 && c->only_without == 0 && c->differ == 0 &&
	    !c->grew;
}

static struct compared
compare_one(const struct lab_scenario *s)
{
	char text[256];
	struct compared c = compare_scenario(s, (unsigned)args.bound,
	    args.schedules == 0 ? 300000 : args.schedules);

	scenario_print(s, text, sizeof(text));
	kprintf("# %s%s: %lu schedules instead of %lu; %lu traces, %lu "
	    "failures; only with reduction %lu, only without %lu, of these "
	    "failures %lu; %lu equal traces end differently%s\n",
	    c.done ? compared_equal(&c) ? "" : "WRONG " : "unfinished ", text, c.with,
	    c.without, c.traces, c.failures, c.only_with, c.only_without,
	    c.missed, c.differ, c.grew ? "; a shared place was unknown" : "");
	return c;
}

/* compare SCENARIO or pairs, triples (of the set, as many as secs allow). */
int
cmd_compare(void)
{
	struct lab_scenario s;
	struct compared c;
	unsigned n, count, done = 0, bad = 0;
	uint64_t failures = 0;
	unsigned set = args.deep ? LAB_SET_DEEP : LAB_SET_GATE;

	if (args.what == NULL)
		args.what = "pairs";
	n = strcmp(args.what, "triples") == 0 ? 3 : 2;
	if (scenario_parse(&s, args.what)) {
		c = compare_one(&s);
		return c.done && compared_equal(&c) ? 0 : 1;
	}
	count = scenario_core_count(set, (int)n);
	for (unsigned i = 0; i < count && labos_cpu_ns() < deadline; i++) {
		(void)scenario_core(&s, set, (int)n,
		    (unsigned)((args.seed + i * 7919UL) % count));
		c = compare_one(&s);
		done += c.done;
		bad += c.done && !compared_equal(&c);
		failures += c.failures;
	}
	kprintf("compare: %u finished, %u differ, %lu failures\n", done, bad,
	    failures);
	return bad != 0 || done == 0;
}

/* Shapes, operations and bounds in which each rule of reduction counts. */
static void
test_reduction(void)
{
	static const struct {
		const char *scenario; enum lab_level level; unsigned bound;
	} t[] = {
		{ "pc:0w0,1x0", LAB_ACCESS, 2 }, { "sib:0x0,1g0", LAB_ACCESS, 2 },
		{ "store:0r0,1i0", LAB_ACCESS, 2 },
		{ "store:0i0,0i0", LAB_LOCK, 3 },
		{ "pc:0w0,0u0", LAB_LOCK, 3 }, { "chain:0c0,1x0", LAB_SYNC, 2 },
		{ "store:0f0,1x0,0c0", LAB_LOCK, 1 },
		{ "chain:0w0,0f0,0c0", LAB_ACCESS, 1 },
	};
	struct lab_scenario s;
	struct compared c;
	bool ok = true;

	for (unsigned i = 0; i < nitems(t); i++) {
		if (!scenario_parse(&s, t[i].scenario))
			panic("%s is no scenario", t[i].scenario);
		lab_level = t[i].level;
		args.bound = t[i].bound;
		c = compare_one(&s);
		ok &= c.done && compared_equal(&c);
	}
	result(ok, "reduction leaves out nothing new");
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
	test_reduction();
	kprintf("%u passed, %u failed\n", ntests - nbad, nbad);
	return nbad != 0;
}
