/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_guide.c: the search for alias coverage (lab_alias.c): first every pair of
 * operations in every shape, a few schedules each; then, for as long as there is
 * time, what was seen in one order only decides what is tried: the scenario that
 * showed it, or one made of its two operations, in which the other order may be.
 */
#include "lab_stage.h"

#include <lib/string.h>
#include <sys/kprintf.h>

#include "lab_alias.h"
#include "lab_model.h"
#include "lab_os.h"

#define SWEEP_PART	45	/* per cent of the time, at most */
#define SWEEP_EACH	4	/* schedules of a scenario */
#define GUIDED_EACH	16

static struct prng	prng;
static struct lab_tally	sweep, guided;

static bool
explore(const struct lab_scenario *s, unsigned bound, uint64_t each, nsec_t end,
    struct lab_tally *t)
{
	struct lab_limits lim = { each, end };

	lab_alias_scenario(s);
	if (run_explore(s, ST_PCT, prng_next(&prng), bound, &lim, t))
		return true;
	print_failure(s);
	return false;
}

/* ---- every pair of operations ---- */

static void
set_step(struct lab_task *t, int op, int page)
{
	t->step[t->nsteps].op = &lab_ops[op];
	t->step[t->nsteps].page = page;
	t->nsteps++;
}

/* The i-th: two operations, a shape, in one process or in two; false: of
 * litmus tests, or there is no second process. */
static bool
sweep_scenario(struct lab_scenario *s, unsigned i)
{
	unsigned n = (unsigned)lab_nops, a = i / n % n, b = i % n;
	bool spread = i / n / n % 2 != 0;
	const struct lab_shape *shape = &lab_shapes[i / n / n / 2];

	if (lab_ops[a].sets == LAB_SET_LITMUS ||
	    lab_ops[b].sets == LAB_SET_LITMUS || (spread && shape->nprocs == 1))
		return false;
	*s = (struct lab_scenario){ .shape = shape, .nfibres = 2 };
	s->task[1].proc = spread;
	set_step(&s->task[0], (int)a, shape->page);
	set_step(&s->task[1], (int)b, shape->page);
	return true;
}

/* ---- what is missing ---- */

static int
random_page(const struct lab_scenario *s)
{
	return prng_below(&prng, 3) != 0 ? s->shape->page :
	    (int)prng_below(&prng, LAB_PAGES);
}

static int
random_op(void)
{
	unsigned i;

	do
		i = (unsigned)prng_below(&prng, (uint64_t)lab_nops);
	while (lab_ops[i].sets == LAB_SET_LITMUS);
	return (int)i;
}

/* A task with op somewhere in it. */
static void
random_task(struct lab_scenario *s, int op)
{
	struct lab_task *t = &s->task[s->nfibres++];

	t->nsteps = 0;
	t->proc = (int)prng_below(&prng, (uint64_t)s->shape->nprocs);
	if (prng_below(&prng, 3) == 0)
		set_step(t, random_op(), random_page(s));
	set_step(t, op, random_page(s));
	if (prng_below(&prng, 3) == 0)
		set_step(t, random_op(), random_page(s));
}

static void
guided_scenario(struct lab_scenario *s, const struct lab_alias_pair *p)
{
	bool anew = prng_below(&prng, 2) != 0, swap;

	*s = *p->seen;
	if (prng_below(&prng, 4) == 0)
		return;			/* as it was seen */
	if (anew) {
		if (prng_below(&prng, 2) == 0)
			s->shape = &lab_shapes[prng_below(&prng,
			    (uint64_t)lab_nshapes)];
		s->nfibres = 0;
		swap = prng_below(&prng, 2) != 0;
		random_task(s, swap ? p->first : p->second);
		random_task(s, swap ? p->second : p->first);
	}
	if (s->nfibres == 2 && prng_below(&prng, 2) == 0)
		random_task(s, prng_below(&prng, 2) == 0 ? p->second :
		    random_op());
	scenario_fix(s);
}

static bool
guide(nsec_t end)
{
	struct lab_alias_pair p;
	struct lab_scenario s;
	unsigned cursor = 0;

	while (labos_cpu_ns() < end) {
		if (!lab_alias_missing(&cursor, &p)) {
			cursor = 0;
			if (!lab_alias_missing(&cursor, &p))
				return true;
		}
		guided_scenario(&s, &p);
		if (!explore(&s, 1 + (unsigned)prng_below(&prng, 2),
		    GUIDED_EACH, end, &guided))
			return false;
	}
	return true;
}

/* Which pairs of accesses were seen in both orders (lab_alias.c). */
int
cmd_alias(void)
{
	nsec_t start = labos_cpu_ns(), end = start + args.secs * NSEC_PER_SEC;
	nsec_t until = start + args.secs * NSEC_PER_SEC * SWEEP_PART / 100;
	unsigned n = (unsigned)(lab_nops * lab_nops * lab_nshapes) * 2;
	unsigned step = stage_stride(n, args.seed);
	struct lab_scenario s;
	bool ok = true;

	kprintf("# lab: seed=%lu secs=%lu\n", args.seed, args.secs);
	prng_seed(&prng, args.seed);
	lab_level = LAB_ACCESS;
	lab_mem_alias();
	for (unsigned k = 0; ok && k < n && labos_cpu_ns() < until; k++)
		if (sweep_scenario(&s, (unsigned)((args.seed +
		    (uint64_t)k * step) % n)))
			ok = explore(&s, 1, SWEEP_EACH, until, &sweep);
	ok = ok && guide(end);
	print_tally("every pair, access level, PCT 2", &sweep);
	print_tally("what is missing, access level, PCT 2 and 3", &guided);
	lab_alias_report(args.what != NULL && strcmp(args.what, "list") == 0);
	return !ok;
}
