/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_main.c: the commands of build/lab.
 *
 *	gate [secs=N] [seed=N]		the CI gate: fixed and random schedules
 *	deep [secs=N] [seed=N] [shard=I shards=M]	ends with a line of JSON
 *	hunt [secs=N] [seed=N]		until the first failure; for mutants
 *	alias [list] [secs=N]		accesses seen in both orders
 *	explore SCENARIO|pairs|triples [level=lock|sync|access] [bound=N]
 *	    [strategy=dfs|pct|random] [schedules=N] [secs=N]
 *	random [secs=N] [seed=N] [level=...]
 *	replay TOKEN [times=N]		with one time: the story
 *	replay TOKEN --html		the story as one page, on stdout
 *	shrink TOKEN
 *	list
 *
 * secs are seconds of this process's CPU time: other load costs no coverage.
 */
#include "lab_run.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/kprintf.h>

#include "../host/host_os.h"
#include "lab_alias.h"
#include "lab_os.h"

struct args {
	const char	*command, *what;
	uint64_t	 seed, secs, schedules, bound, times, shard, shards;
	enum lab_strategy strategy;
	bool		 html;
};

static struct args	 args = { .bound = 2, .times = 1, .strategy = ST_DFS,
    .shards = 1 };
static nsec_t		 deadline;

static const char *const level_names[] = { "lock", "sync", "access" };
static const char *const strategy_names[] = {
	"replay", "dfs", "pct", "random"
};

/* ---- arguments ---- */

static bool
is(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

static bool
parse_name(const char *v, const char *const *names, unsigned n, unsigned *out)
{
	for (unsigned i = 0; i < n; i++)
		if (is(v, names[i])) {
			*out = i;
			return true;
		}
	return false;
}

static bool
parse_option(const char *a)
{
	static const struct { const char *key; uint64_t *v; } numbers[] = {
		{ "seed=", &args.seed }, { "secs=", &args.secs },
		{ "schedules=", &args.schedules }, { "bound=", &args.bound },
		{ "times=", &args.times }, { "shard=", &args.shard },
		{ "shards=", &args.shards },
	};
	unsigned v;

	for (unsigned i = 0; i < nitems(numbers); i++)
		if (strncmp(a, numbers[i].key, strlen(numbers[i].key)) == 0)
			return kstrtoul(a + strlen(numbers[i].key), 0,
			    numbers[i].v) == 0;
	if (is(a, "por=1") || is(a, "por=0")) {
		lab_search_por(is(a, "por=1"));
		return true;
	}
	if (is(a, "--html")) {
		args.html = true;
		return true;
	}
	if (strncmp(a, "level=", 6) == 0 &&
	    parse_name(a + 6, level_names, nitems(level_names), &v)) {
		lab_level = (enum lab_level)v;
		return true;
	}
	if (strncmp(a, "strategy=", 9) == 0 && parse_name(a + 9,
	    strategy_names, nitems(strategy_names), &v)) {
		args.strategy = (enum lab_strategy)v;
		return true;
	}
	return false;
}

/* ---- reports ---- */

static void
print_tally(const char *name, const struct lab_tally *t)
{
	uint64_t us = t->ns / 1000 + 1;

	kprintf("# %s: %lu scenarios (%lu complete), %lu schedules, %lu CPU s, "
	    "%lu a second, %lu points and %lu events each, %lu failures\n",
	    name, t->scenarios, t->complete, t->schedules, us / 1000000,
	    t->schedules * 1000000 / us,
	    t->schedules == 0 ? 0 : t->points / t->schedules,
	    t->schedules == 0 ? 0 : t->events / t->schedules, t->failures);
}

static void
print_failure(const struct lab_scenario *s)
{
	char token[1024];

	token_print(s, &lab_done, token, sizeof(token));
	kprintf("# FAILED, oracle %s: %s\n# token: %s\n",
	    lab_oracle_name(lab_failure.oracle), lab_failure.text, token);
}

static void
add(struct lab_tally *to, const struct lab_tally *t)
{
	to->schedules += t->schedules;
	to->points += t->points;
	to->events += t->events;
	to->failures += t->failures;
	to->scenarios += t->scenarios;
	to->complete += t->complete;
	to->ns += t->ns;
}

/* ---- exploring ---- */

static struct lab_limits
limits(uint64_t schedules)
{
	return (struct lab_limits){ schedules, deadline };
}

static bool
late(void)
{
	return deadline != 0 && labos_cpu_ns() > deadline;
}

/* A step that visits all of n, in an order that looks random. */
static unsigned
stride(unsigned n, uint64_t seed)
{
	unsigned step = (unsigned)(n / 3 + seed % (n / 3 + 1)), a, b, t;

	for (;; step++) {
		for (a = n, b = step; b != 0; t = a % b, a = b, b = t)
			continue;
		if (a == 1)
			return step;
	}
}

/* All multisets of n core operations; false: a failure. */
static bool
product(int n, enum lab_strategy st, unsigned bound, uint64_t each,
    struct lab_tally *t)
{
	struct lab_limits lim = limits(each);
	unsigned count = scenario_core_count(n), i, k;
	uint64_t step = stride(count, args.seed);
	struct lab_scenario s;

	for (k = (unsigned)args.shard; k < count && !late();
	    k += (unsigned)args.shards) {
		i = (unsigned)((args.seed + k * step) % count);
		if (!scenario_core(&s, n, i))
			panic("the product of %d has no member %u", n, i);
		if (!run_explore(&s, st, args.seed + i, bound, &lim, t)) {
			print_failure(&s);
			return false;
		}
	}
	return true;
}

/* Those made by hand. */
static bool
fixed(enum lab_strategy st, unsigned bound, uint64_t each, struct lab_tally *t)
{
	struct lab_limits lim = limits(each);
	struct lab_scenario s;

	for (unsigned i = 0; scenario_fixed(&s, i) && !late(); i++)
		if (!run_explore(&s, st, args.seed + i, bound, &lim, t)) {
			print_failure(&s);
			return false;
		}
	return true;
}

static bool
workloads(enum lab_strategy st, unsigned bound, uint64_t each, nsec_t until,
    struct lab_tally *t)
{
	struct lab_limits lim = { each, until };
	struct lab_scenario s;
	struct prng p;

	/* Each shard its own: the sums of merge.py count nothing twice. */
	prng_seed(&p, args.seed + (args.shard << 32));
	while (labos_cpu_ns() < until) {
		scenario_random(&s, &p);
		if (!run_explore(&s, st, prng_next(&p), bound, &lim, t)) {
			print_failure(&s);
			return false;
		}
	}
	return true;
}

static int
cmd_explore(void)
{
	struct lab_limits lim = limits(args.schedules);
	struct lab_tally t = { 0 };
	struct lab_scenario s;
	bool ok;

	if (is(args.what, "pairs")) {
		ok = product(2, args.strategy, (unsigned)args.bound,
		    args.schedules, &t);
	} else if (is(args.what, "triples")) {
		ok = product(3, args.strategy, (unsigned)args.bound,
		    args.schedules, &t);
	} else if (args.what != NULL && scenario_parse(&s, args.what)) {
		ok = run_explore(&s, args.strategy, args.seed,
		    (unsigned)args.bound, &lim, &t);
		if (!ok)
			print_failure(&s);
	} else {
		kprintf("lab: what is %s?\n", args.what);
		return 2;
	}
	print_tally(args.what, &t);
	return ok ? 0 : 1;
}

/* ---- the gate, and the hunt for mutants ---- */

struct stage {
	const char	*name;
	int		 nfibres;	/* 0: random workloads; 1: fixed */
	enum lab_level	 level;
	enum lab_strategy st;
	unsigned	 bound;
	uint64_t	 each;
	unsigned	 share;		/* of the time: gate per cent, hunt s */
};

static bool
run_stage(const struct stage *sg, nsec_t until, struct lab_tally *t)
{
	bool ok;

	lab_level = sg->level;
	deadline = until;
	if (sg->nfibres == 1)
		ok = fixed(sg->st, sg->bound, sg->each, t);
	else if (sg->nfibres != 0)
		ok = product(sg->nfibres, sg->st, sg->bound, sg->each, t);
	else
		ok = workloads(sg->st, sg->bound, sg->each, until, t);
	print_tally(sg->name, t);
	return ok;
}

static const struct stage gate_stages[] = {
	{ "fixed, lock level, all with 2 preemptions", 1, LAB_LOCK, ST_DFS, 2,
	    0, 5 },
	{ "pairs, lock level, all with 2 preemptions", 2, LAB_LOCK, ST_DFS, 2,
	    0, 25 },
	{ "pairs, sync level, all with 1 preemption", 2, LAB_SYNC, ST_DFS, 1,
	    0, 15 },
	{ "pairs, access level, PCT 3", 2, LAB_ACCESS, ST_PCT, 2, 100, 15 },
	{ "triples, sync level, PCT 3", 3, LAB_SYNC, ST_PCT, 2, 20, 20 },
	{ "workloads, access level, random walk", 0, LAB_ACCESS, ST_RANDOM, 0,
	    50, 10 },
	{ "workloads, sync level, PCT 3", 0, LAB_SYNC, ST_PCT, 2, 50, 10 },
};

/* All stages, one after the other; returns how many failed. */
static unsigned
run_stages(const struct stage *stages, unsigned nstages, struct lab_tally *all)
{
	nsec_t end = labos_cpu_ns();
	unsigned i, bad = 0;

	kprintf("# lab: seed=%lu secs=%lu\n", args.seed, args.secs);
	for (i = 0; i < nstages; i++) {
		const struct stage *sg = &stages[i];
		struct lab_tally t = { 0 };
		bool ok;

		/* What a stage leaves of its time is the next ones'. */
		end += args.secs * NSEC_PER_SEC * sg->share / 100;
		ok = run_stage(sg, end, &t);
		kprintf("%s %u lab: %s\n", ok ? "ok" : "not ok", i + 1,
		    sg->name);
		bad += !ok;
		add(all, &t);
	}
	print_tally("all", all);
	return bad;
}

static int
cmd_gate(void)
{
	struct lab_tally all = { 0 };

	return run_stages(gate_stages, nitems(gate_stages), &all) != 0;
}

/* For hours, and for many machines: shard i of m takes each mth scenario. */
static const struct stage deep_stages[] = {
	{ "pairs, access level, all with 2 preemptions", 2, LAB_ACCESS, ST_DFS,
	    2, 0, 45 },
	{ "triples, lock level, all with 3 preemptions", 3, LAB_LOCK, ST_DFS, 3,
	    0, 35 },
	{ "workloads, access level, PCT 4", 0, LAB_ACCESS, ST_PCT, 3, 200, 10 },
	{ "workloads, sync level, random walk", 0, LAB_SYNC, ST_RANDOM, 0, 100,
	    10 },
};

/* Ends with one line of JSON, for tests/lab/merge.py. */
static int
cmd_deep(void)
{
	struct lab_tally t = { 0 };
	unsigned bad;

	if (args.shards == 0 || args.shard >= args.shards) {
		kprintf("lab: there is no shard %lu of %lu\n", args.shard,
		    args.shards);
		return 2;
	}
	bad = run_stages(deep_stages, nitems(deep_stages), &t);
	kprintf("{\"shard\":%lu,\"shards\":%lu,\"seed\":%lu,\"scenarios\":%lu,"
	    "\"complete\":%lu,\"schedules\":%lu,\"points\":%lu,\"events\":%lu,"
	    "\"cpu_ms\":%lu,\"failures\":%lu}\n", args.shard, args.shards,
	    args.seed, t.scenarios, t.complete, t.schedules, t.points, t.events,
	    t.ns / NSEC_PER_MSEC, t.failures);
	return bad != 0;
}

/* share: seconds, at most; then the next, and round again with other seeds. */
static const struct stage hunt_stages[] = {
	{ "pct", 2, LAB_SYNC, ST_PCT, 2, 10, 2 },
	{ "fixed", 1, LAB_LOCK, ST_DFS, 2, 50000, 5 },
	{ "workloads", 0, LAB_ACCESS, ST_PCT, 2, 20, 2 },
	{ "pct", 3, LAB_SYNC, ST_PCT, 2, 4, 3 },
	{ "workloads", 0, LAB_SYNC, ST_RANDOM, 2, 60, 2 },
	{ "pairs", 2, LAB_LOCK, ST_DFS, 2, 1500, 3 },
	{ "workloads", 0, LAB_SYNC, ST_PCT, 3, 100, 3 },
	{ "pairs", 2, LAB_SYNC, ST_DFS, 1, 3000, 2 },
	{ "triples", 3, LAB_ACCESS, ST_PCT, 3, 60, 3 },
};

static const struct stage alias_stages[] = {
	{ "pairs, access level, PCT 2", 2, LAB_ACCESS, ST_PCT, 1, 60, 40 },
	{ "triples, access level, PCT 2", 3, LAB_ACCESS, ST_PCT, 1, 10, 20 },
	{ "workloads, access level, PCT 2", 0, LAB_ACCESS, ST_PCT, 1, 50, 40 },
};

/* Which pairs of accesses were seen in both orders (lab_alias.c). */
static int
cmd_alias(void)
{
	struct lab_tally all = { 0 };
	unsigned bad;

	lab_mem_alias();
	bad = run_stages(alias_stages, nitems(alias_stages), &all);
	lab_alias_report(is(args.what, "list"));
	return bad != 0;
}

/* One line for the table of mutants: what killed it, after how much. */
static int
cmd_hunt(void)
{
	struct lab_tally all = { 0 };
	nsec_t start = labos_cpu_ns(), end = start + args.secs * NSEC_PER_SEC;
	bool ok = true;

	for (unsigned round = 0; ok && labos_cpu_ns() < end; round++)
		for (unsigned i = 0; ok && i < nitems(hunt_stages) &&
		    labos_cpu_ns() < end; i++) {
			const struct stage *sg = &hunt_stages[i];
			nsec_t until = MIN(end, labos_cpu_ns() +
			    sg->share * NSEC_PER_SEC);
			struct lab_tally t = { 0 };

			ok = run_stage(sg, until, &t);
			add(&all, &t);
			args.seed += 1000003;
		}
	kprintf("hunt: %s oracle=%s schedules=%lu ms=%lu\n",
	    ok ? "survived" : "killed",
	    lab_oracle_name(ok ? OR_NONE : lab_failure.oracle), all.schedules,
	    (labos_cpu_ns() - start) / NSEC_PER_MSEC);
	return ok ? 0 : 1;
}

/* ---- replay ---- */

static int
cmd_replay(void)
{
	struct lab_scenario s;
	struct lab_schedule d;
	uint64_t same = 0, hash = 0;
	struct lab_failure first = { 0 };
	char token[1024];

	if (args.what == NULL || !token_parse(&s, &d, args.what)) {
		kprintf("lab: %s is no token\n", args.what);
		return 2;
	}
	if (is(args.command, "shrink")) {
		shrink(&s, &d);
		(void)run_replay(&s, &d);
		token_print(&s, &d, token, sizeof(token));
		kprintf("%s\n", token);
		return 0;
	}
	if (args.times == 1)
		story_begin();
	for (uint64_t i = 0; i < args.times; i++) {
		(void)run_replay(&s, &d);
		if (i == 0) {
			first = lab_failure;
			hash = lab_hash;
		}
		same += lab_hash == hash &&
		    lab_failure.oracle == first.oracle &&
		    lab_failure.ev == first.ev &&
		    strcmp(lab_failure.text, first.text) == 0;
	}
	if (args.times == 1)
		story_end(&s, args.html);
	if (args.html)
		return first.oracle == OR_NONE ? 0 : 1;
	kprintf("replay: %lu of %lu alike (%u events, hash %lx): %s\n", same,
	    args.times, lab_ev, hash, first.oracle == OR_NONE ? "passes" : first.text);
	return same == args.times ? 0 : 1;
}

static int
cmd_list(void)
{
	for (int i = 0; i < lab_nops; i++)
		kprintf("%c  %s%s\n", lab_ops[i].letter, lab_ops[i].name,
		    lab_ops[i].core ? " (core)" : "");
	for (int i = 0; i < lab_nshapes; i++)
		kprintf("%-8s %s\n", lab_shapes[i].name, lab_shapes[i].what);
	return 0;
}

static const struct {
	const char	*name;
	int		(*fn)(void);
} commands[] = {
	{ "gate", cmd_gate }, { "deep", cmd_deep }, { "hunt", cmd_hunt }, { "explore", cmd_explore },
	{ "replay", cmd_replay }, { "shrink", cmd_replay },
	{ "list", cmd_list }, { "alias", cmd_alias },
};

int	main(int argc, char **argv);

int
main(int argc, char **argv)
{
	args.seed = hos_now_ns() % 1000000000;
	args.secs = 60;
	for (int i = 1; i < argc; i++) {
		if (parse_option(argv[i]))
			continue;
		if (args.command == NULL)
			args.command = argv[i];
		else
			args.what = argv[i];
	}
	deadline = labos_cpu_ns() + args.secs * NSEC_PER_SEC;
	for (unsigned i = 0; i < nitems(commands); i++)
		if (is(args.command, commands[i].name)) {
			run_world();
			return commands[i].fn();
		}
	kprintf("lab: gate, deep, hunt, alias, explore, replay, shrink or list\n");
	return 2;
}
