/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_stage.c: the gate, the deep search and the hunt: each a table of stages,
 * a stage being scenarios, a level, a strategy and its part of the time.
 *
 * A product is visited in an order that looks random, so that what fits in the
 * time is spread over all of it; its count of complete scenarios says how much
 * of "all" was all.
 */
#include "lab_stage.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/kprintf.h>

#include "lab_os.h"
#include "lab_reduce.h"

#define FIXED_SEED	1
#define PROGRESS	(60UL * NSEC_PER_SEC)	/* of CPU time */

struct stage {
	const char	*name;
	unsigned	 set;		/* LAB_SET_*; 0: random workloads, or
					 * with 1 fibre: those made by hand */
	int		 nfibres;
	enum lab_level	 level;
	enum lab_strategy st;
	unsigned	 bound;
	uint64_t	 each;		/* schedules of a scenario; 0: all */
	unsigned	 share;		/* of the time: per cent; hunt: s */
	bool		 fixed;		/* seed 1, not the run's */
	bool		 tso;		/* with store buffers */
	bool		 reduce;	/* what shows nothing new is left out */
};

static uint64_t	seed;		/* of the stage that runs */
static bool	progress;

/* ---- products and workloads ---- */

static bool
late(void)
{
	return deadline != 0 && labos_cpu_ns() > deadline;
}

unsigned
stage_stride(unsigned n, uint64_t from)
{
	unsigned step = (unsigned)(n / 3 + from % (n / 3 + 1)), a, b, t;

	for (;; step++) {
		for (a = n, b = step; b != 0; t = a % b, a = b, b = t)
			continue;
		if (a == 1)
			return step;
	}
}

static void
report_progress(const struct lab_tally *t, unsigned of)
{
	static nsec_t next;
	nsec_t now = labos_cpu_ns();

	if (!progress || now < next)
		return;
	next = now + PROGRESS;
	kprintf("# progress: %lu of %u scenarios, %lu complete, %lu schedules, "
	    "%lu CPU s\n", t->scenarios, of, t->complete, t->schedules,
	    now / NSEC_PER_SEC);
}

/* This shard's scenarios of a product of count. */
static unsigned
shard_share(unsigned count)
{
	unsigned i = (unsigned)args.shard, m = (unsigned)args.shards;

	return count / m + (i < count % m);
}

/* All multisets of the stage's operations; false: a failure. */
static bool
product(const struct stage *sg, struct lab_tally *t)
{
	struct lab_limits lim = { sg->each, deadline };
	unsigned count = scenario_core_count(sg->set, sg->nfibres), i, k;
	uint64_t step = stage_stride(count, seed);
	struct lab_scenario s;

	for (k = (unsigned)args.shard; k < count && !late();
	    k += (unsigned)args.shards) {
		i = (unsigned)((seed + k * step) % count);
		if (!scenario_core(&s, sg->set, sg->nfibres, i))
			panic("the product of %d has no member %u",
			    sg->nfibres, i);
		if (!run_explore(&s, sg->st, seed + i, sg->bound, &lim, t)) {
			print_failure(&s);
			return false;
		}
		report_progress(t, shard_share(count));
	}
	return true;
}

bool
explore_product(int n, bool deep, struct lab_tally *t)
{
	struct stage sg = { .set = deep ? LAB_SET_DEEP : LAB_SET_GATE,
	    .nfibres = n, .st = args.strategy, .bound = (unsigned)args.bound,
	    .each = args.schedules };

	seed = args.seed;
	progress = true;
	return product(&sg, t);
}

/* Those made by hand. */
static bool
fixed(const struct stage *sg, struct lab_tally *t)
{
	struct lab_limits lim = { sg->each, deadline };
	struct lab_scenario s;

	for (unsigned i = 0; scenario_fixed(&s, i) && !late(); i++)
		if (!run_explore(&s, sg->st, seed + i, sg->bound, &lim, t)) {
			print_failure(&s);
			return false;
		}
	return true;
}

static bool
workloads(const struct stage *sg, struct lab_tally *t)
{
	struct lab_limits lim = { sg->each, deadline };
	struct lab_scenario s;
	struct prng p;

	/* Each shard its own: the sums of merge count nothing twice. */
	prng_seed(&p, seed + (args.shard << 32));
	while (!late()) {
		scenario_random(&s, &p);
		if (!run_explore(&s, sg->st, prng_next(&p), sg->bound, &lim,
		    t)) {
			print_failure(&s);
			return false;
		}
	}
	return true;
}

static bool
run_stage(const struct stage *sg, nsec_t until, struct lab_tally *t)
{
	bool ok;

	lab_level = sg->level;
	lab_tso = sg->tso;
	lab_reduce = sg->reduce ? REDUCE_ON : REDUCE_OFF;
	deadline = until;
	seed = sg->fixed ? FIXED_SEED : args.seed;
	if (sg->set != 0)
		ok = product(sg, t);
	else
		ok = sg->nfibres == 1 ? fixed(sg, t) : workloads(sg, t);
	print_tally(sg->name, t);
	return ok;
}

/* All stages, one after the other; returns how many failed. */
static unsigned
run_stages(const struct stage *stages, unsigned nstages, struct lab_tally *each,
    struct lab_tally *all)
{
	nsec_t end = labos_cpu_ns();
	unsigned i, bad = 0;

	kprintf("# lab: seed=%lu secs=%lu\n", args.seed, args.secs);
	for (i = 0; i < nstages; i++) {
		const struct stage *sg = &stages[i];
		bool ok;

		/* What a stage leaves of its time is the next ones'. */
		end += args.secs * NSEC_PER_SEC * sg->share / 100;
		ok = run_stage(sg, args.secs == 0 ? 0 : end, &each[i]);
		kprintf("%s %u lab: %s, seed %lu\n", ok ? "ok" : "not ok",
		    i + 1, sg->name, seed);
		bad += !ok;
		tally_add(all, &each[i]);
	}
	print_tally("all", all);
	return bad;
}

/* ---- the gate ---- */

static const struct stage gate_stages[] = {
	{ "fixed, lock level, all with 2 preemptions", 0, 1, LAB_LOCK, ST_DFS,
	    2, 0, 4, true, false, false },
	{ "pairs, lock level, all with 2 preemptions", LAB_SET_GATE, 2,
	    LAB_LOCK, ST_DFS, 2, 0, 45, true, false, false },
	{ "pairs, sync level, all with 1 preemption", LAB_SET_GATE, 2,
	    LAB_SYNC, ST_DFS, 1, 0, 8, true, false, false },
	{ "pairs, store buffers, access level, all with 1 preemption",
	    LAB_SET_DEEP, 2, LAB_ACCESS, ST_DFS, 1, 0, 7, true, true, false },
	{ "pairs, access level, PCT 3", LAB_SET_GATE, 2, LAB_ACCESS, ST_PCT, 2,
	    40, 6, true, false, false },
	{ "pairs, store buffers, PCT 3, random", LAB_SET_GATE, 2, LAB_ACCESS,
	    ST_PCT, 2, 40, 8, false, true, false },
	{ "triples, sync level, PCT 3, random", LAB_SET_GATE, 3, LAB_SYNC,
	    ST_PCT, 2, 12, 10, false, false, false },
	{ "workloads, access level, random walk", 0, 0, LAB_ACCESS, ST_RANDOM,
	    0, 50, 5, true, false, false },
	{ "workloads, access level, random walk, random", 0, 0, LAB_ACCESS,
	    ST_RANDOM, 0, 50, 6, false, false, false },
	{ "workloads, sync level, PCT 3, random", 0, 0, LAB_SYNC, ST_PCT, 2, 50,
	    5, false, false, false },
};

int
cmd_gate(void)
{
	struct lab_tally all = { 0 }, each[nitems(gate_stages)] = { { 0 } };

	return run_stages(gate_stages, nitems(gate_stages), each, &all) != 0;
}

/* ---- for hours, and for many machines ---- */

/* Shard i of m takes each mth scenario.  Cheap products first: they end. */
static const struct stage deep_stages[] = {
	{ "pairs, lock level, all with 3 preemptions", LAB_SET_DEEP, 2,
	    LAB_LOCK, ST_DFS, 3, 0, 5, true, false, true },
	{ "pairs, access level, all with 2 preemptions", LAB_SET_DEEP, 2,
	    LAB_ACCESS, ST_DFS, 2, 0, 10, true, false, true },
	{ "triples, access level, all with 2 preemptions", LAB_SET_DEEP, 3,
	    LAB_ACCESS, ST_DFS, 2, 0, 35, true, false, true },
	{ "triples, lock level, all with 3 preemptions", LAB_SET_DEEP, 3,
	    LAB_LOCK, ST_DFS, 3, 0, 35, true, false, true },
	{ "workloads, access level, PCT 4", 0, 0, LAB_ACCESS, ST_PCT, 3, 200,
	    8, false, false, false },
	{ "workloads, sync level, random walk", 0, 0, LAB_SYNC, ST_RANDOM, 0,
	    100, 7, false, false, false },
};

/* One line of JSON; "want" of a stage: scenarios of this shard, 0: no end. */
static void
print_json(const struct lab_tally *each, const struct lab_tally *t)
{
	kprintf("{\"shard\":%lu,\"shards\":%lu,\"seed\":%lu,\"scenarios\":%lu,"
	    "\"complete\":%lu,\"schedules\":%lu,\"points\":%lu,\"events\":%lu,"
	    "\"cpu_ms\":%lu,\"failures\":%lu", args.shard, args.shards,
	    args.seed, t->scenarios, t->complete, t->schedules, t->points,
	    t->events, t->ns / NSEC_PER_MSEC, t->failures);
	for (unsigned i = 0; i < nitems(deep_stages); i++) {
		const struct stage *sg = &deep_stages[i];
		unsigned want = sg->set == 0 ? 0 : shard_share(
		    scenario_core_count(sg->set, sg->nfibres));

		kprintf(",\"want%u\":%u,\"complete%u\":%lu,\"schedules%u\":%lu,"
		    "\"cpu_ms%u\":%lu,\"failures%u\":%lu", i, want, i,
		    each[i].complete, i, each[i].schedules, i,
		    each[i].ns / NSEC_PER_MSEC, i, each[i].failures);
	}
	kprintf("}\n");
}

static int
deep(unsigned nstages)
{
	struct lab_tally all = { 0 }, each[nitems(deep_stages)] = { { 0 } };
	unsigned bad;

	if (args.shards == 0 || args.shard >= args.shards) {
		kprintf("lab: there is no shard %lu of %lu\n", args.shard,
		    args.shards);
		return 2;
	}
	progress = true;
	bad = run_stages(deep_stages, nstages, each, &all);
	print_json(each, &all);
	return bad != 0;
}

int
cmd_deep(void)
{
	return deep(nitems(deep_stages));
}

/* All pairs and triples: the stages that have an end, to their end, unless secs
 * are given. */
int
cmd_figure(void)
{
	unsigned n = 0;

	while (deep_stages[n].set != 0)
		n++;
	return deep(n);
}

/* ---- adding shards up ---- */

#define MAXSHARDS	1024

/* The last line of text that begins like a result; NULL: none. */
static const char *
last_result(const char *text)
{
	static const char head[] = "{\"shard\":";
	const char *found = NULL, *p = text;

	while (p != NULL && *p != '\0') {
		if (strncmp(p, head, sizeof(head) - 1) == 0)
			found = p;
		p = strchr(p, '\n');
		p = p == NULL ? NULL : p + 1;
	}
	return found;
}

static uint64_t
json_number(const char *line, const char *key)
{
	size_t len = strlen(key);
	uint64_t v = 0;

	for (; *line != '\0' && *line != '\n'; line++) {
		if (line[0] != '"' || strncmp(line + 1, key, len) != 0 ||
		    line[len + 1] != '"' || line[len + 2] != ':')
			continue;
		for (line += len + 3; *line >= '0' && *line <= '9'; line++)
			v = v * 10 + (uint64_t)(*line - '0');
		return v;
	}
	return 0;
}

/* The stages' parts of a result are added to t; want is what all would be. */
static void
merge_stages(const char *line, struct lab_tally *t, uint64_t *want)
{
	char key[32];

	for (unsigned i = 0; i < nitems(deep_stages); i++) {
		ksnprintf(key, sizeof(key), "want%u", i);
		want[i] += json_number(line, key);
		ksnprintf(key, sizeof(key), "complete%u", i);
		t[i].complete += json_number(line, key);
		ksnprintf(key, sizeof(key), "schedules%u", i);
		t[i].schedules += json_number(line, key);
		ksnprintf(key, sizeof(key), "cpu_ms%u", i);
		t[i].ns += json_number(line, key) * NSEC_PER_MSEC;
		ksnprintf(key, sizeof(key), "failures%u", i);
		t[i].failures += json_number(line, key);
	}
}

static unsigned
merge_report(const struct lab_tally *t, const uint64_t *want,
    const uint8_t *seen, uint64_t shards)
{
	uint64_t failures = 0, schedules = 0, ms = 0;
	unsigned bad = 0;

	for (unsigned i = 0; i < nitems(deep_stages); i++) {
		kprintf("# %s: %lu of %lu scenarios complete, %lu schedules, "
		    "%lu CPU s, %lu failures\n", deep_stages[i].name,
		    t[i].complete, want[i], t[i].schedules,
		    t[i].ns / NSEC_PER_SEC, t[i].failures);
		failures += t[i].failures;
		schedules += t[i].schedules;
		ms += t[i].ns / NSEC_PER_MSEC;
	}
	for (uint64_t i = 0; i < shards; i++)
		if (seen[i] != 1) {
			kprintf("# shard %lu of %lu is %s\n", i, shards,
			    seen[i] == 0 ? "missing" : "there twice");
			bad++;
		}
	kprintf("{\"shards\":%lu,\"wrong_shards\":%u,\"schedules\":%lu,"
	    "\"cpu_ms\":%lu,\"schedules_per_cpu_s\":%lu,\"failures\":%lu}\n",
	    shards, bad, schedules, ms, schedules * 1000 / MAX(ms, 1UL),
	    failures);
	return bad != 0 || failures != 0;
}

/* Files are the outputs of shards.  0: all are there, and none failed. */
int
cmd_merge(int nfiles, char **file)
{
	static struct lab_tally t[nitems(deep_stages)];
	static uint64_t want[nitems(deep_stages)];
	static uint8_t seen[MAXSHARDS];
	uint64_t shards = 0, n, shard;
	unsigned bad = 0;

	for (int i = 0; i < nfiles; i++) {
		const char *text = labos_read(file[i]);
		const char *line = text == NULL ? NULL : last_result(text);

		n = line == NULL ? 0 : json_number(line, "shards");
		shard = line == NULL ? 0 : json_number(line, "shard");
		if (n == 0 || n > MAXSHARDS || shard >= n ||
		    (shards != 0 && n != shards)) {
			kprintf("# %s: %s\n", file[i], text == NULL ?
			    "cannot be read" : line == NULL ? "no result: did "
			    "that shard end?" : "a shard of another run");
			bad++;
			continue;
		}
		shards = n;
		seen[shard]++;
		merge_stages(line, t, want);
	}
	return merge_report(t, want, seen, shards) | (bad != 0) |
	    (shards == 0);
}

/* ---- the hunt for mutants ---- */

/* share: seconds, at most; then the next, and round again with other seeds. */
static const struct stage hunt_stages[] = {
	{ "pct", LAB_SET_GATE, 2, LAB_SYNC, ST_PCT, 2, 10, 2, false, false, false },
	{ "fixed", 0, 1, LAB_LOCK, ST_DFS, 2, 50000, 5, false, false, true },
	{ "fixed", 0, 1, LAB_ACCESS, ST_PCT, 2, 1500, 2, false, false, false },
	{ "workloads", 0, 0, LAB_ACCESS, ST_PCT, 2, 20, 2, false, false, false },
	{ "pct", LAB_SET_GATE, 3, LAB_SYNC, ST_PCT, 2, 4, 3, false, false, false },
	{ "workloads", 0, 0, LAB_SYNC, ST_RANDOM, 2, 60, 2, false, false, false },
	{ "pairs", LAB_SET_GATE, 2, LAB_LOCK, ST_DFS, 2, 1500, 3, false, false, false },
	{ "workloads", 0, 0, LAB_SYNC, ST_PCT, 3, 100, 3, false, false, false },
	{ "pairs", LAB_SET_GATE, 2, LAB_SYNC, ST_DFS, 1, 3000, 2, false, false, false },
	{ "triples", LAB_SET_GATE, 3, LAB_ACCESS, ST_PCT, 3, 60, 3, false, false, false },
};

/* One line for the table of mutants: what killed it, after how much.  tso=1:
 * each stage with store buffers. */
int
cmd_hunt(void)
{
	struct lab_tally all = { 0 };
	nsec_t start = labos_cpu_ns(), end = start + args.secs * NSEC_PER_SEC;
	bool ok = true, tso = lab_tso;

	for (unsigned round = 0; ok && labos_cpu_ns() < end; round++)
		for (unsigned i = 0; ok && i < nitems(hunt_stages) &&
		    labos_cpu_ns() < end; i++) {
			struct stage sg = hunt_stages[i];
			nsec_t until = MIN(end, labos_cpu_ns() +
			    sg.share * NSEC_PER_SEC);
			struct lab_tally t = { 0 };

			sg.tso = tso;
			sg.reduce = sg.reduce && !tso;
			ok = run_stage(&sg, until, &t);
			tally_add(&all, &t);
			args.seed += 1000003;
		}
	kprintf("hunt: %s oracle=%s schedules=%lu ms=%lu\n",
	    ok ? "survived" : "killed",
	    lab_oracle_name(ok ? OR_NONE : lab_failure.oracle), all.schedules,
	    (labos_cpu_ns() - start) / NSEC_PER_MSEC);
	return ok ? 0 : 1;
}
