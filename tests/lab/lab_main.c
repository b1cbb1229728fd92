/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_main.c: the commands of build/lab.
 *
 *	gate [secs=N] [seed=N]		the CI gate: fixed and random schedules
 *	deep [secs=N] [seed=N] [shard=I shards=M]	ends with a line of JSON
 *	figure [shard=I shards=M]	its stages that have an end, to the end
 *	merge FILE...			adds up such lines
 *	hunt [secs=N] [seed=N] [tso=1]	until the first failure; for mutants
 *	alias [list] [secs=N]		accesses seen in both orders
 *	explore SCENARIO|pairs|triples [level=lock|sync|access] [bound=N]
 *	    [strategy=dfs|pct|random] [schedules=N] [secs=N] [set=gate|deep]
 *	    [por=1] [tso=1]
 *	compare SCENARIO|pairs|triples [set=, level=, bound=, secs=]
 *					with reduction and without
 *	selftest			of the laboratory itself
 *	random [secs=N] [seed=N] [level=...]
 *	replay TOKEN [times=N]		with one time: the story
 *	replay TOKEN --html		the story as one page, on stdout
 *	shrink TOKEN
 *	list
 *
 * secs are seconds of this process's CPU time: other load costs no coverage.
 */
#include "lab_stage.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/kprintf.h>

#include "../host/host_os.h"
#include "lab_os.h"
#include "lab_reduce.h"

struct args		 args = { .bound = 2, .times = 1, .strategy = ST_DFS,
    .shards = 1 };
nsec_t			 deadline;

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
		lab_reduce = is(a, "por=1") ? REDUCE_ON : REDUCE_OFF;
		return true;
	}
	if (is(a, "tso=1") || is(a, "tso=0")) {
		lab_tso = is(a, "tso=1");
		return true;
	}
	if (is(a, "set=deep") || is(a, "set=gate")) {
		args.deep = is(a, "set=deep");
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

void
print_tally(const char *name, const struct lab_tally *t)
{
	uint64_t us = t->ns / 1000 + 1;

	kprintf("# %s: %lu scenarios (%lu complete), %lu schedules, %lu CPU s, "
	    "%lu a second, %lu points and %lu events each, %lu failures\n",
	    name, t->scenarios, t->complete, t->schedules, us / 1000000,
	    t->schedules * 1000000 / us,
	    t->schedules == 0 ? 0 : t->points / t->schedules,
	    t->schedules == 0 ? 0 : t->events / t->schedules, t->failures);
	if (t->pruned.passes != 0)
		kprintf("# %s: of these %lu ended early at a fibre asleep, "
		    "%lu at a state seen before; %lu searches begun anew\n",
		    name, t->pruned.asleep, t->pruned.states,
		    t->pruned.passes);
}

void
print_failure(const struct lab_scenario *s)
{
	char token[1024];

	token_print(s, &lab_done, token, sizeof(token));
	kprintf("# FAILED, oracle %s: %s\n# token: %s\n",
	    lab_oracle_name(lab_failure.oracle), lab_failure.text, token);
}

void
tally_add(struct lab_tally *to, const struct lab_tally *t)
{
	to->schedules += t->schedules;
	to->points += t->points;
	to->events += t->events;
	to->failures += t->failures;
	to->scenarios += t->scenarios;
	to->complete += t->complete;
	to->ns += t->ns;
	to->pruned.asleep += t->pruned.asleep;
	to->pruned.states += t->pruned.states;
	to->pruned.passes += t->pruned.passes;
}

/* ---- exploring ---- */

static int
cmd_explore(void)
{
	struct lab_limits lim = { args.schedules, deadline };
	struct lab_tally t = { 0 };
	struct lab_scenario s;
	bool ok;

	if (is(args.what, "pairs")) {
		ok = explore_product(2, args.deep, &t);
	} else if (is(args.what, "triples")) {
		ok = explore_product(3, args.deep, &t);
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
		kprintf("%c  %s%s%s\n", lab_ops[i].letter, lab_ops[i].name,
		    (lab_ops[i].sets & LAB_SET_GATE) != 0 ? " (gate)" : "",
		    (lab_ops[i].sets & LAB_SET_DEEP) != 0 ? " (deep)" : "");
	for (int i = 0; i < lab_nshapes; i++)
		kprintf("%-8s %s%s\n", lab_shapes[i].name,
		    lab_shapes[i].what, lab_shapes[i].deep ? " (deep)" : "");
	return 0;
}

static const struct {
	const char	*name;
	int		(*fn)(void);
} commands[] = {
	{ "gate", cmd_gate }, { "deep", cmd_deep }, { "figure", cmd_figure }, { "hunt", cmd_hunt },
	{ "selftest", cmd_selftest }, { "explore", cmd_explore }, { "replay", cmd_replay },
	{ "shrink", cmd_replay }, { "list", cmd_list },
	{ "alias", cmd_alias }, { "compare", cmd_compare },
};

int	main(int argc, char **argv);

int
main(int argc, char **argv)
{
	args.seed = hos_now_ns() % 1000000000;
	if (argc > 2 && is(argv[1], "merge"))
		return cmd_merge(argc - 2, argv + 2);
	for (int i = 1; i < argc; i++) {
		if (parse_option(argv[i]))
			continue;
		if (args.command == NULL)
			args.command = argv[i];
		else
			args.what = argv[i];
	}
	if (lab_tso && (lab_reduce != REDUCE_OFF || is(args.command, "compare"))) {
		kprintf("lab: por=1 knows nothing of store buffers\n");
		return 2;
	}
	if (args.secs == 0 && !is(args.command, "figure"))
		args.secs = 60;
	deadline = labos_cpu_ns() + args.secs * NSEC_PER_SEC;
	for (unsigned i = 0; i < nitems(commands); i++)
		if (is(args.command, commands[i].name)) {
			run_world();
			return commands[i].fn();
		}
	kprintf("lab: gate, deep, figure, compare, merge, hunt, alias, explore, replay, shrink "
	    "or list\n");
	return 2;
}
