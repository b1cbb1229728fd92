/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_alias.c: alias coverage: which fields do two operations that run at once
 * both touch, and has each of them come first?
 *
 * A PAIR is a field of an object, page, map entry or vmspace (with its map) and
 * two different operations.  It is SIGHTED in an order when, in one schedule, an
 * access by one comes after the last access by the other to the same field of
 * the same structure, in different fibres, and at least one of the two is a
 * write.  What only ever happened in one order is a window that was not looked
 * into, unless the other order cannot be.
 *
 * LIFE.  A structure is made and ends.  What its maker does to a field before
 * anybody else has touched that field, and what the one that ends it does after
 * everybody else has touched it last, comes first and last in every schedule.
 * A pair that was seen in one order only, and whose every sighting was of that
 * kind, is one of life: it is left out of the second figure.  The rule looks at
 * what happened, field by field, and knows no names: see README.md.
 *
 * A page has two lives, in use and free, which vm_phys_alloc and vm_phys_free
 * divide.  An access of what is free in its zone is nobody's.
 *
 * Nothing here is part of the world: it sums over all schedules.
 */
#include "lab_alias.h"

#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/kprintf.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "lab_os.h"

#define ZONE_BYTES	(16UL << 20)	/* of zone addresses */
#define LEAST		64		/* bytes, of the smallest structure */
#define MAX_OFFSET	640
#define MAX_PENDING	512
#define MAX_SCENARIOS	(1U << 15)

enum kind { K_NONE, K_OBJECT, K_ENTRY, K_SPACE, K_PAGE, K_COUNT };

static const char *const kinds[] = { "", "vm_object", "vm_map_entry",
	"vmspace", "vm_page" };
CTASSERT(sizeof(struct vm_object) <= MAX_OFFSET &&
    sizeof(struct vmspace) <= MAX_OFFSET &&
    sizeof(struct vm_map_entry) >= LEAST &&
    sizeof(struct vm_page) <= MAX_OFFSET, "fields have room");

/* A structure's present life, or that of a page. */
struct life {
	uint32_t	 prepared;	/* it began in this preparation, */
	uint32_t	 run;		/* or in this run; and then: */
	uint32_t	 stamp;
	int8_t		 maker;		/* fibre */
	bool		 over;		/* it ended in this run */
};

/* A field of one structure, and who touched it in this life. */
struct last {
	uint32_t	 stamp;		/* of the life */
	uint8_t		 touched, written;	/* bit fibre */
	uint8_t		 op[LAB_FIBRES];	/* the last of each */
	bool		 passed;	/* the maker came back after another */
	uint8_t		 pending;	/* bit fibre: sightings that wait */
};

struct place {
	struct life	*life;
	unsigned	 kind, offset;
};

/* A sighting that is one of the end, unless somebody else comes after it. */
struct pending {
	struct last	*last;
	const struct life *life;
	uint8_t		 fibre;
	uint16_t	*seen;
};

#define STRICT		0x8000	/* not only at a beginning or end of life */
#define SCENARIO	0x7fff	/* + 1: where it was seen first; 0: never */

bool			lab_alias_on;
static struct last	*last;			/* as lab_tsan.c's words */
static uint16_t		*cells;			/* kind << 12 | offset / 8 */
static struct life	*lives;			/* of zones' structures */
static struct life	*page_lives;
static uint16_t		seen[K_COUNT][MAX_OFFSET][SET_MAX][SET_MAX];
static struct pending	pending[MAX_PENDING];
static unsigned		npending;
static uint32_t		scenario, run, stamp, run_stamp;
static int		current[LAB_FIBRES];	/* operation of each fibre */
static const struct lab_scenario *now;
static struct lab_scenario *kept;
static unsigned		nkept;
static bool		now_kept;

struct vm_page *__real_vm_phys_alloc(unsigned flags);
struct vm_page *__wrap_vm_phys_alloc(unsigned flags);
void	 __real_vm_phys_free(struct vm_page *m);
void	 __wrap_vm_phys_free(struct vm_page *m);

void
lab_alias_init(unsigned nwords)
{
	last = labos_alloc(nwords * sizeof(*last));
	cells = labos_alloc(ZONE_BYTES / 8 * sizeof(*cells));
	lives = labos_alloc(ZONE_BYTES / LEAST * sizeof(*lives));
	page_lives = labos_alloc(vm_page_count * sizeof(*page_lives));
	kept = labos_alloc(MAX_SCENARIOS * sizeof(*kept));
	lab_alias_on = true;
}

/* ---- lives ---- */

void
lab_alias_scenario(const struct lab_scenario *s)
{
	now = s;
	now_kept = false;
}

void
lab_alias_prepare(void)
{
	scenario++;
	run = 0;
}

static void
commit(unsigned i)
{
	*pending[i].seen |= STRICT;
	pending[i] = pending[--npending];
}

void
lab_alias_run(uint32_t number)
{
	while (npending > 0)
		commit(npending - 1);
	run = number;
	run_stamp = ++stamp;
}

void
lab_alias_op(int op)
{
	current[lab_cur->id] = op;
}

static void
life_begins(struct life *life)
{
	if (run == 0) {
		life->prepared = scenario;
	} else if (lab_running) {
		life->run = run;
		life->stamp = ++stamp;
		life->maker = (int8_t)lab_hb_self->id;
		life->over = false;
	}
}

static void
life_ends(struct life *life)
{
	if (run == 0) {
		life->prepared = 0;
		return;
	}
	if (!lab_running)
		return;
	for (unsigned i = npending; i-- > 0;) {
		if (pending[i].life != life)
			continue;
		if (pending[i].fibre == lab_hb_self->id)
			pending[i] = pending[--npending];
		else
			commit(i);
	}
	life->run = run;
	life->over = true;
}

static inline struct life *
life_at(uintptr_t zone_offset)
{
	return &lives[zone_offset / LEAST];
}

void
lab_alias_alloc(const char *zone, const void *obj, size_t size)
{
	uintptr_t a = (uintptr_t)obj - ZONE_BASE;
	unsigned kind = K_NONE;

	for (unsigned k = K_OBJECT; k < K_PAGE; k++)
		if (strcmp(kinds[k], zone) == 0)
			kind = k;
	for (size_t off = 0; off < size && a + off < ZONE_BYTES; off += 8)
		cells[(a + off) / 8] = kind == K_NONE ? 0 :
		    (uint16_t)(kind << 12 | off / 8);
	if (kind != K_NONE)
		life_begins(life_at(a));
}

void
lab_alias_free(const void *obj)
{
	uintptr_t a = (uintptr_t)obj - ZONE_BASE;

	if (a < ZONE_BYTES && cells[a / 8] != 0)
		life_ends(life_at(a));
}

static void
page_passes(struct vm_page *m)
{
	struct life *life = &page_lives[m - vm_page_array];

	if (lab_alias_on && lab_running) {
		life_ends(life);
		life_begins(life);
	}
}

struct vm_page *
__wrap_vm_phys_alloc(unsigned flags)
{
	struct vm_page *m = __real_vm_phys_alloc(flags);

	if (m != NULL)
		page_passes(m);
	return m;
}

void
__wrap_vm_phys_free(struct vm_page *m)
{
	page_passes(m);
	__real_vm_phys_free(m);
}

/* ---- sightings ---- */

/* What structure and which field of it is at a?  K_NONE: nobody's. */
static inline struct place
place_of(uintptr_t a)
{
	uintptr_t pages = (uintptr_t)vm_page_array;
	struct place p = { .kind = K_NONE };
	unsigned cell;

	if (a >= pages && a < (uintptr_t)(vm_page_array + vm_page_count)) {
		p.kind = K_PAGE;
		p.offset = (unsigned)((a - pages) % sizeof(struct vm_page));
		p.life = &page_lives[(a - pages) / sizeof(struct vm_page)];
		return p;
	}
	a -= ZONE_BASE;
	if (a >= ZONE_BYTES || (cell = cells[a / 8]) == 0)
		return p;
	p.offset = (cell & 0xfff) * 8 + (unsigned)(a % 8);
	p.life = life_at(a - p.offset);
	if (p.life->run == run ? !p.life->over : p.life->prepared == scenario)
		p.kind = cell >> 12;
	return p;
}

static uint16_t
keep_scenario(void)
{
	if (!now_kept && nkept < MAX_SCENARIOS - 2) {
		kept[nkept++] = *now;
		now_kept = true;
	}
	return (uint16_t)nkept;
}

/* Who touches l after its last toucher makes that one's sightings certain. */
static void __noinline
settle(struct last *l, int fibre)
{
	for (unsigned i = npending; i-- > 0;)
		if (pending[i].last == l && pending[i].fibre != fibre)
			commit(i);
	l->pending &= (uint8_t)(1U << fibre);
}

/* An access by fibre after one of other. */
static void __noinline
sight(const struct place *p, struct last *l, int other, int fibre)
{
	uint16_t *s = &seen[p->kind][p->offset][l->op[other]][current[fibre]];

	if (*s == 0)
		*s = keep_scenario();
	if (p->life->run == run && p->life->maker == other && !l->passed)
		return;			/* of its beginning */
	for (unsigned i = 0; i < npending; i++)
		if (pending[i].seen == s && pending[i].last == l)
			return;
	if (npending == MAX_PENDING) {
		*s |= STRICT;
		return;
	}
	pending[npending++] = (struct pending){ l, p->life, (uint8_t)fibre, s };
	l->pending |= (uint8_t)(1U << fibre);
}

void
lab_alias_access(uintptr_t a, unsigned word, bool write, int fibre)
{
	struct last *l = &last[word];
	struct place p = place_of(a);
	unsigned bit = 1U << fibre;
	int op = current[fibre];
	bool made, passes;
	uint32_t life;

	if (p.kind == K_NONE)
		return;
	made = p.life->run == run;
	life = made ? p.life->stamp : run_stamp;
	if (l->stamp != life)
		*l = (struct last){ .stamp = life };
	if ((l->pending & ~bit) != 0)
		settle(l, fibre);
	for (int i = 0; i < LAB_FIBRES; i++)
		if (i != fibre && (l->touched & 1U << i) != 0 &&
		    (write || (l->written & 1U << i) != 0) &&
		    (seen[p.kind][p.offset][l->op[i]][op] & STRICT) == 0)
			sight(&p, l, i, fibre);
	passes = made && p.life->maker == fibre && !l->passed &&
	    (l->touched & ~bit) != 0;
	l->passed |= passes;
	/* What it wrote at the beginning does not count from now on. */
	if (passes || (l->touched & bit) == 0 || l->op[fibre] != op)
		l->written &= (uint8_t)~bit;
	l->touched |= (uint8_t)bit;
	if (write)
		l->written |= (uint8_t)bit;
	l->op[fibre] = (uint8_t)op;
}

/* ---- the figure ---- */

struct count {
	unsigned	 raw, both, life;
	unsigned	 strict, strict_both;	/* without sightings of life */
};

/* From *cursor on, the next pair that was seen in one order only; strict: not
 * because of the structure's life; or just because of it. */
static bool
next_one_order(unsigned *cursor, uint16_t strict, struct lab_alias_pair *pair)
{
	const unsigned n = K_COUNT * MAX_OFFSET * SET_MAX * SET_MAX;

	for (; *cursor < n; (*cursor)++) {
		unsigned c = *cursor, b = c % SET_MAX;
		unsigned a = c / SET_MAX % SET_MAX;
		unsigned off = c / SET_MAX / SET_MAX % MAX_OFFSET;
		unsigned kind = c / SET_MAX / SET_MAX / MAX_OFFSET;
		uint16_t s = seen[kind][off][a][b];

		if (s == 0 || (s & STRICT) != strict || a == b ||
		    seen[kind][off][b][a] != 0)
			continue;
		*pair = (struct lab_alias_pair){ kinds[kind], off, (int)a,
		    (int)b, &kept[(s & SCENARIO) - 1] };
		(*cursor)++;
		return true;
	}
	return false;
}

bool
lab_alias_missing(unsigned *cursor, struct lab_alias_pair *pair)
{
	return next_one_order(cursor, STRICT, pair);
}

static void
count_field(unsigned kind, unsigned offset, struct count *c)
{
	for (int a = 0; a < lab_nops; a++)
		for (int b = a + 1; b < lab_nops; b++) {
			uint16_t ab = seen[kind][offset][a][b];
			uint16_t ba = seen[kind][offset][b][a];

			c->raw += (ab | ba) != 0;
			c->both += ab != 0 && ba != 0;
			c->strict += ((ab | ba) & STRICT) != 0;
			c->strict_both += (ab & ba & STRICT) != 0;
			c->life += (ab == 0) != (ba == 0) &&
			    ((ab | ba) & STRICT) == 0;
		}
}

static void
list_pairs(const char *what, uint16_t strict)
{
	struct lab_alias_pair p;
	char text[256];

	for (unsigned cursor = 0; next_one_order(&cursor, strict, &p);) {
		scenario_print(p.seen, text, sizeof(text));
		kprintf("# %s: %s+%#x: %s, then %s: %s\n", what, p.kind,
		    p.offset, lab_ops[p.first].name, lab_ops[p.second].name,
		    text);
	}
}

void
lab_alias_report(bool list)
{
	struct count all = { 0 };

	while (npending > 0)
		commit(npending - 1);
	if (list) {
		list_pairs("life", 0);
		list_pairs("one order", STRICT);
	}
	for (unsigned k = K_OBJECT; k < K_COUNT; k++) {
		struct count c = all;

		for (unsigned off = 0; off < MAX_OFFSET; off++)
			count_field(k, off, &all);
		kprintf("# alias: %-14s %6u pairs, %6u in both orders, %6u in "
		    "one by life\n", kinds[k], all.raw - c.raw,
		    all.both - c.both, all.life - c.life);
	}
	kprintf("# alias: apart from life %u pairs, %u in both orders\n",
	    all.strict, all.strict_both);
	kprintf("alias: %u pairs, %u in both orders, %u in one by life\n",
	    all.raw, all.both, all.life);
}
