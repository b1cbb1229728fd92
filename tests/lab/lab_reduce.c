/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_reduce.c: places, footprints, traces (lab_reduce.h): what depth-first
 * search needs to know to leave out schedules that show nothing new.
 *
 * Two steps CONFLICT when both use a place and one changes it.  Schedules with
 * equal order of conflicting steps (one Mazurkiewicz trace) end alike.  Plain
 * accesses are not places: what no lock or atomic orders is a data race, which
 * the race oracle finds in whichever order it happens; so the order of the rest
 * follows from that of the places.  That needs an oracle that sees everything.
 * Where it is blind, plain accesses count: words that the laboratory's own code
 * reads, and 8 bytes in which accesses overlap that begin at different bytes.
 * Memory that comes from a zone or goes there is written as a whole.
 *
 * Places are learned: one matters when two fibres have used it and one of them
 * changed it.  When another turns out to, the search begins anew, until none
 * does.  So the last pass knew all that any of its schedules needs.
 *
 * R1 A footprint never lacks a place that matters; it may have more.
 */
#include "lab_reduce.h"

#include <lib/assert.h>
#include <lib/string.h>

#include "lab_os.h"

#define TABLE		(1U << 13)	/* places of a scenario */
#define STATES		(1U << 22)
#define BELOWS		(1U << 19)

/* Lifetime: a scenario. */
struct place {
	uintptr_t	 key;
	uint32_t	 scenario;	/* another one: empty */
	uint32_t	 run;		/* the hashes are of this run */
	uint8_t		 rd, wr;	/* fibres, where it counts */
	uint8_t		 plain_rd, plain_wr;	/* and where not yet */
	uint8_t		 starts, inner;	/* bytes of accesses: first, others */
	bool		 blind;		/* plain accesses count */
	bool		 point;		/* and are points, at least */
	uint16_t	 id;		/* 0: does not matter */
	uint64_t	 whash, rsum;
};

struct state {
	uint64_t	 key;
	uint32_t	 pass;		/* another one: empty */
	uint32_t	 below;
	uint8_t		 left, asleep;
};

struct below {
	struct footprint by[LAB_FIBRES];
};

enum lab_reduce		 lab_reduce;
bool			 lab_pmap_read;
struct footprint	 reduce_step;
uint32_t		 reduce_asleep;
static struct place	 place[TABLE];
static struct state	*state;
static uint32_t		 nstates;
static struct below	*below;
static uint32_t		 nbelow;
static uint32_t		 scenario, pass, run;
static unsigned		 nids;
static bool		 grew;
static uint16_t		 points[LAB_FIBRES];
static uint64_t		 past[LAB_FIBRES];	/* hash of all before */
static struct footprint	 sleeper[LAB_FIBRES];
/* The last access of this step that would be a point without reduction.  If a
 * place without a point of its own follows, it has to be one. */
static struct place	*skipped;
/* Where the steps of others go while a fibre stands still; NULL: nowhere. */
static struct footprint	*gather[LAB_FIBRES];

/* ---- places ---- */

static struct place *
place_find(uintptr_t key)
{
	uint32_t i = (uint32_t)(lab_mix(0, key) >> 20) % TABLE;

	while (place[i].scenario == scenario && place[i].key != key)
		i = (i + 1) % TABLE;
	return &place[i];
}

static struct place *
place_of(enum lab_place kind, uintptr_t a)
{
	uintptr_t key = a ^ (uintptr_t)kind << 56;
	struct place *p = place_find(key);

	if (p->scenario != scenario)
		*p = (struct place){ .key = key, .scenario = scenario };
	return p;
}

static inline bool
matters(uint8_t rd, uint8_t wr)
{
	return wr != 0 && ((rd | wr) & ((rd | wr) - 1)) != 0;
}

/* Who uses it has changed. */
static void
learn(struct place *p)
{
	if (!matters(p->rd, p->wr))
		return;
	if (p->id == 0)
		p->id = (uint16_t)(nids < LAB_PLACES - 1 ? ++nids :
		    1 + lab_mix(1, p->key) % (LAB_PLACES - 1));
	grew = true;
}

static inline void
gather_use(unsigned at, uint64_t in, bool write)
{
	for (int i = 0; i < LAB_FIBRES; i++)
		if (gather[i] != NULL)
			(write ? gather[i]->w : gather[i]->r)[at] |= in;
}

static inline void
wake(unsigned at, uint64_t in, bool write)
{
	for (int i = 0; reduce_asleep >> i != 0; i++)
		if ((sleeper[i].w[at] & in) != 0 ||
		    (write && (sleeper[i].r[at] & in) != 0))
			reduce_asleep &= ~(1U << i);
}

static void
use(struct place *p, bool write)
{
	int me = lab_cur->id;
	uint8_t bit = (uint8_t)(1U << me), *mask = write ? &p->wr : &p->rd;
	uint64_t in = 1UL << p->id % 64;
	unsigned at = p->id / 64;

	if ((*mask & bit) == 0) {
		*mask |= bit;
		learn(p);
	}
	if (p->id == 0)
		return;
	(write ? reduce_step.w : reduce_step.r)[at] |= in;
	gather_use(at, in, write);
	wake(at, in, write);
	if (p->run != run) {
		p->run = run;
		p->whash = p->rsum = 0;
	}
	past[me] = lab_mix(lab_mix(past[me], p->key + write), p->whash);
	if (write) {
		p->whash = past[me] = lab_mix(past[me], p->rsum);
		p->rsum = 0;
	} else {
		p->rsum += lab_mix(past[me], 2);
	}
}

static inline bool
off(void)
{
	return lab_reduce == REDUCE_OFF || !lab_running || lab_cur == NULL ||
	    lab_cur->id >= LAB_FIBRES;
}

/* From now on plain accesses of p count, and so do those that were. */
static void
blinded(struct place *p)
{
	p->blind = true;
	p->rd |= p->plain_rd;
	p->wr |= p->plain_wr;
	learn(p);
}

static void
must_be_point(struct place *p)
{
	if (p == NULL || p->point)
		return;
	p->point = true;
	grew = true;
}

void
lab_mark(enum lab_place kind, const void *addr, bool write)
{
	struct place *p;

	if (off())
		return;
	p = place_of(kind, (uintptr_t)addr & ~7UL);
	if (kind == PL_WORD && !p->blind)
		blinded(p);
	if (p->id != 0)
		must_be_point(skipped);
	use(p, write);
}

void
lab_mark_range(const void *addr, size_t len)
{
	uintptr_t a = (uintptr_t)addr & ~7UL, end = (uintptr_t)addr + len;
	struct place *p;

	for (; !off() && a < end; a += 8) {
		for (unsigned kind = PL_WORD; kind <= PL_CHAN; kind++) {
			p = place_find(a ^ (uintptr_t)kind << 56);
			if (p->scenario == scenario && (p->rd | p->wr) != 0)
				use(p, true);
		}
		p = place_find(a);
		for (unsigned i = 0; p->scenario == scenario && i < 8; i++)
			if ((p->starts & 1U << i) != 0)
				lab_mem_rewritten(a + i);
	}
}

/* ---- accesses of instrumented code ---- */

bool
reduce_look(uintptr_t a, unsigned size, bool atomic, bool would_be,
    uint16_t *at, uint8_t *known)
{
	unsigned first = a % 8;
	struct place *p;

	if (off())
		return would_be;
	if (*known != size) {
		p = place_of(PL_WORD, a & ~7UL);
		*at = (uint16_t)(p - place);
		*known = (uint8_t)size;
		p->starts |= (uint8_t)(1U << first);
		p->inner |= (uint8_t)(((1U << size) - 2) << first);
		if ((p->starts & p->inner) != 0 && !p->blind)
			blinded(p);
	}
	p = &place[*at];
	if (p->point || (p->id != 0 && (atomic || p->blind)))
		return true;
	if (lab_reduce == REDUCE_WATCH)
		return would_be;
	if (would_be && !atomic && lab_level == LAB_ACCESS)
		skipped = p;
	return false;
}

void
reduce_access(uint16_t at, bool write, bool atomic)
{
	struct place *p = &place[at];

	if (off())
		return;
	if (atomic || p->blind)
		use(p, write);
	else if (write)
		p->plain_wr |= (uint8_t)(1U << lab_cur->id);
	else
		p->plain_rd |= (uint8_t)(1U << lab_cur->id);
}

/* ---- passes and runs ---- */

void
reduce_scenario(void)
{
	scenario++;
	nids = 0;
	reduce_pass();
}

void
reduce_pass(void)
{
	pass++;
	nstates = nbelow = 0;
	grew = false;
}

void
reduce_run(void)
{
	run++;
	skipped = NULL;
	reduce_asleep = 0;
	lab_pmap_read = false;
	memset(&reduce_step, 0, sizeof(reduce_step));
	memset(points, 0, sizeof(points));
	memset(past, 0, sizeof(past));
	memset(gather, 0, sizeof(gather));
}

/* A step begins. */
void
reduce_begin(void)
{
	memset(&reduce_step, 0, sizeof(reduce_step));
	skipped = NULL;
}

bool
reduce_grew(void)
{
	return grew;
}

/* ---- who sleeps, what is needed ---- */

void
reduce_sleep(int f, const struct footprint *fp)
{
	sleeper[f] = *fp;
	reduce_asleep |= 1U << f;
}

bool
reduce_conflict(const struct footprint *a, const struct footprint *b)
{
	uint64_t c = 0;

	for (unsigned i = 0; i < LAB_PLACES / 64; i++)
		c |= (a->w[i] & (b->r[i] | b->w[i])) | (a->r[i] & b->w[i]);
	return c != 0;
}

void
reduce_gather(int f, struct footprint *into)
{
	gather[f] = into;
}

void
reduce_gather_below(uint32_t at)
{
	for (int i = 0; i < LAB_FIBRES; i++)
		if (gather[i] != NULL)
			reduce_below_add(at, i, gather[i]);
}

void
reduce_intend(enum lab_place kind, const void *addr)
{
	struct place *p;

	if (off())
		return;
	p = place_of(kind, (uintptr_t)addr & ~7UL);
	if (p->id == 0)
		return;
	gather_use(p->id / 64, 1UL << p->id % 64, true);
	wake(p->id / 64, 1UL << p->id % 64, true);
}

void
reduce_count(const struct fibre *f)
{
	points[f->id]++;
	if (f->state == FB_DONE)
		points[f->id] = UINT16_MAX;
}

/* ---- traces and states ---- */

/* A fibre's hash covers all that happens before its last use of a place; its
 * points say how far it is beyond that. */
uint64_t
reduce_trace(void)
{
	uint64_t h = lab_now;

	for (int f = 0; f < LAB_FIBRES; f++)
		h = lab_mix(h, lab_mix(past[f], points[f]));
	return h;
}

uint64_t
reduce_past(void)
{
	uint64_t h = 0;

	for (int f = 0; f < LAB_FIBRES; f++)
		h = lab_mix(h, past[f]);
	return h;
}

bool
reduce_seen(uint64_t key, unsigned left, uint32_t asleep, uint32_t *at)
{
	uint32_t i = (uint32_t)(key >> 24) % STATES;

	if (state == NULL)
		state = labos_alloc(STATES * sizeof(*state));
	for (; state[i].pass == pass; i = (i + 1) % STATES)
		if (state[i].key == key && state[i].left >= left &&
		    (state[i].asleep & ~asleep) == 0) {
			*at = state[i].below;
			return true;
		}
	if (nstates < STATES / 2) {
		nstates++;
		state[i] = (struct state){ key, pass, *at, (uint8_t)left,
		    (uint8_t)asleep };
	}
	return false;
}

/* ---- what is below a choice ---- */

uint32_t
reduce_below(void)
{
	if (below == NULL)
		below = labos_alloc(BELOWS * sizeof(*below));
	if (nbelow == 0)
		for (int f = 0; f < LAB_FIBRES; f++)
			memset(&below[0].by[f], 0xff, sizeof(struct footprint));
	if (++nbelow >= BELOWS)
		return 0;
	memset(&below[nbelow], 0, sizeof(below[0]));
	return nbelow;
}

void
reduce_join(struct footprint *to, const struct footprint *more)
{
	for (unsigned i = 0; i < nitems(to->r); i++) {
		to->r[i] |= more->r[i];
		to->w[i] |= more->w[i];
	}
}

void
reduce_below_step(uint32_t at, int f)
{
	if (at != 0)
		reduce_join(&below[at].by[f], &reduce_step);
}

void
reduce_below_join(uint32_t at, uint32_t more)
{
	for (int f = 0; at != 0 && f < LAB_FIBRES; f++)
		reduce_join(&below[at].by[f], &below[more].by[f]);
}

void
reduce_below_add(uint32_t at, int me, struct footprint *to)
{
	if (at == 0)
		memset(to, 0xff, sizeof(struct footprint));
	for (int f = 0; at != 0 && f < LAB_FIBRES; f++)
		if (f != me)
			reduce_join(to, &below[at].by[f]);
}
