/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_run.c: the world, one scenario's states and runs, tokens, shrinking.
 */
#include "lab_run.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/lockdep.h>
#include <vm/vm.h>
#include <vm/vm_phys.h>
#include <vm/vm_sched.h>

#include "../host/host_os.h"
#include "lab_os.h"

#define ARENA_BYTES	(8UL << 20)

extern char	__world_start[], __world_end[];

bool	lab_all;

/* The kernel's own named points: between two halves of something. */
static void
named_point(const char *point)
{
	lab_point(EV_NAMED, NULL, point);
}

static void
start_kernel(void *arg)
{
	(void)arg;
	vm_sched_hook = named_point;
	vm_phys_add_region(1UL << 12, ARENA_BYTES);
	vm_init();
	lockdep_set_mode(LOCKDEP_PANIC);
	scenario_warm(NULL);
}

void
run_world(void)
{
	lab_sched_init();
	labos_init();
	lab_mem_init();
	hos_arena_init(DMAP_BASE, ARENA_BYTES);
	labos_region((void *)DMAP_BASE, ARENA_BYTES);
	labos_region((void *)ZONE_BASE, 16UL << 20);
	labos_region((void *)KMEM_BASE, 1UL << 20);
	labos_region(__world_start,
	    (unsigned long)(__world_end - __world_start));
	if (!lab_aux(start_kernel, NULL))
		panic("the world does not start: %s", lab_failure.text);
	labos_take(0);
}

bool
run_prepare(const struct lab_scenario *s)
{
	labos_restore(0);
	lab_mem_reset_scenario();
	/* A run that was ended early may have left a writer that waits. */
	for (int i = 0; i < LAB_FIBRES; i++)
		lab_fibre[i].state = FB_FREE;
	if (!lab_aux(scenario_prepare, (void *)(uintptr_t)s))
		return false;
	labos_take(1);
	return true;
}

void
run_restore(const struct lab_scenario *s)
{
	labos_restore(1);
	for (int i = 0; i < LAB_FIBRES; i++)
		lab_fibre[i].state = FB_FREE;
	for (int i = 0; i < s->nfibres; i++)
		lab_fibre_set(i, scenario_fibre,
		    (void *)(uintptr_t)&s->task[i]);
}

bool
run_once(const struct lab_scenario *s)
{
	run_restore(s);
	if (!lab_run(s->nfibres))
		return false;
	return lab_abandoned || lab_aux(scenario_quiesce, NULL);
}

bool
run_explore(const struct lab_scenario *s, enum lab_strategy st, uint64_t seed,
    unsigned bound, const struct lab_limits *lim, struct lab_tally *t)
{
	nsec_t start = labos_cpu_ns();
	struct lab_pruned pruned;
	uint64_t n = 0;
	bool ok;

	ok = run_prepare(s);
	lab_search_begin(st, seed, bound);
	t->scenarios++;
	while (ok && (lim->schedules == 0 || n < lim->schedules)) {
		if ((n & 63) == 0 && lim->until != 0 &&
		    labos_cpu_ns() > lim->until)
			break;
		if (!lab_search_next()) {
			t->complete++;
			break;
		}
		ok = run_once(s);
		n++;
		t->points += lab_npoints;
		t->events += lab_ev;
	}
	pruned = lab_search_pruned();
	t->pruned.asleep += pruned.asleep;
	t->pruned.states += pruned.states;
	t->pruned.passes += pruned.passes;
	t->schedules += n;
	t->failures += !ok;
	t->ns += labos_cpu_ns() - start;
	return ok;
}

/* ---- tokens ---- */

void
token_print(const struct lab_scenario *s, const struct lab_schedule *d,
    char *buf, size_t size)
{
	size_t n;

	scenario_print(s, buf, size);
	n = strlen(buf);
	n += (size_t)ksnprintf(buf + n, size - n, "/");
	for (unsigned i = 0; i < d->n; i++)
		n += (size_t)ksnprintf(buf + n, size - n, "%s%u>%u",
		    i == 0 ? "" : ".", d->dev[i].ev, d->dev[i].fibre);
}

static const char *
number(const char *p, uint32_t *v)
{
	*v = 0;
	while (*p >= '0' && *p <= '9')
		*v = *v * 10 + (uint32_t)(*p++ - '0');
	return p;
}

bool
token_parse(struct lab_scenario *s, struct lab_schedule *d, const char *text)
{
	const char *p = strchr(text, '/');
	uint32_t ev, f;

	d->n = 0;
	if (!scenario_parse(s, text))
		return false;
	if (p == NULL)
		return true;
	for (p++; *p != '\0' && d->n < LAB_DEVS; p += *p == '.') {
		p = number(p, &ev);
		if (*p++ != '>')
			return false;
		p = number(p, &f);
		d->dev[d->n++] = (struct lab_dev){ ev, (uint8_t)f };
	}
	return true;
}

bool
run_replay(const struct lab_scenario *s, const struct lab_schedule *d)
{
	enum lab_level level = lab_level;
	bool tso = lab_tso, ok;

	if (!run_prepare(s))
		return false;
	lab_search_replay(d);
	(void)lab_search_next();
	lab_all = true;
	lab_level = LAB_ACCESS;
	lab_tso = false;
	for (unsigned i = 0; i < d->n; i++)
		lab_tso |= d->dev[i].fibre >= LAB_FIBRES;
	ok = run_once(s);
	lab_all = false;
	lab_level = level;
	lab_tso = tso;
	return ok;
}

/* ---- shrinking ---- */

static bool
still_fails(const struct lab_scenario *s, const struct lab_schedule *d,
    enum lab_oracle oracle)
{
	return !run_replay(s, d) && lab_failure.oracle == oracle;
}

static bool
drop_deviation(const struct lab_scenario *s, struct lab_schedule *d,
    enum lab_oracle oracle)
{
	struct lab_schedule t;

	for (unsigned i = d->n; i-- > 0;) {
		t = *d;
		t.n--;
		memmove(&t.dev[i], &t.dev[i + 1],
		    (t.n - i) * sizeof(t.dev[0]));
		if (still_fails(s, &t, oracle)) {
			*d = t;
			return true;
		}
	}
	return false;
}

/* A smaller scenario has other event numbers: look for a schedule anew. */
static bool
search_small(struct lab_scenario *s, struct lab_schedule *d,
    enum lab_oracle oracle)
{
	struct lab_limits lim = { 20000, labos_cpu_ns() + 2 * NSEC_PER_SEC };
	struct lab_tally t = { 0 };

	for (unsigned bound = 0; bound <= 2; bound++)
		if (!run_explore(s, ST_DFS, 1, bound, &lim, &t) &&
		    lab_failure.oracle == oracle) {
			*d = lab_done;
			return true;
		}
	return false;
}

static bool
drop_step(struct lab_scenario *s, struct lab_schedule *d,
    enum lab_oracle oracle)
{
	struct lab_scenario t;
	struct lab_schedule e;

	for (int f = 0; f < s->nfibres; f++)
		for (int j = 0; j < s->task[f].nsteps; j++) {
			struct lab_task *k = &t.task[f];

			t = *s;
			k->nsteps--;
			memmove(&k->step[j], &k->step[j + 1],
			    (size_t)(k->nsteps - j) * sizeof(k->step[0]));
			if (k->nsteps == 0) {
				t.nfibres--;
				memmove(k, k + 1, (size_t)(t.nfibres - f) *
				    sizeof(*k));
			}
			if (t.nfibres > 0 && search_small(&t, &e, oracle)) {
				*s = t;
				*d = e;
				return true;
			}
		}
	return false;
}

void
shrink(struct lab_scenario *s, struct lab_schedule *d)
{
	enum lab_oracle oracle;

	if (run_replay(s, d))
		return;
	oracle = lab_failure.oracle;
	while (drop_step(s, d, oracle))
		continue;
	while (drop_deviation(s, d, oracle))
		continue;
}
