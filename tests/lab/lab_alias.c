/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_alias.c: alias coverage: which fields do two operations that run at once
 * both touch, and has each of them come first?
 *
 * A pair is a field of an object, page, map entry or vmspace (with its map) and
 * two different operations; it counts when, in one schedule, an access by one
 * comes after the last access by the other, in different fibres, and at least
 * one of the two is a write.  What only ever happened in one order is a window
 * that was not looked into.
 *
 * Nothing here is part of the world: it sums over all schedules.
 */
#include "lab.h"

#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/kprintf.h>
#include <sys/zone.h>
#include <vm/vm_page.h>

#include "lab_alias.h"
#include "lab_ops.h"
#include "lab_os.h"

#define ZONE_BYTES	(16UL << 20)	/* of zone addresses */
#define MAX_OFFSET	1024
#define MAX_OPS		16

enum kind { K_NONE, K_OBJECT, K_ENTRY, K_SPACE, K_PAGE, K_COUNT };

static const char *const kinds[] = { "", "vm_object", "vm_map_entry",
	"vmspace", "vm_page" };

/* The last access of each fibre to a word, in one run. */
struct last {
	uint32_t	 run;
	uint8_t		 touched, written;	/* bit fibre */
	uint8_t		 op[LAB_FIBRES];
};

bool			lab_alias_on;
static struct last	*last;			/* as lab_tsan.c's words */
static uint16_t		*cells;			/* kind << 12 | offset / 8 */
static uint8_t		seen[K_COUNT][MAX_OFFSET][MAX_OPS][MAX_OPS];
static int		current[LAB_FIBRES];	/* operation of each fibre */

void
lab_alias_init(unsigned nwords)
{
	last = labos_alloc(nwords * sizeof(*last));
	cells = labos_alloc(ZONE_BYTES / 8 * sizeof(*cells));
	lab_alias_on = true;
}

void
lab_alias_op(int op)
{
	current[lab_cur->id] = op;
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
}

/* What structure and which field of it is at a? */
static inline unsigned
field_of(uintptr_t a, unsigned *offset)
{
	uintptr_t pages = (uintptr_t)vm_page_array;
	unsigned cell;

	if (a >= pages && a < (uintptr_t)(vm_page_array + vm_page_count)) {
		*offset = (unsigned)((a - pages) % sizeof(struct vm_page));
		return K_PAGE;
	}
	if (a < ZONE_BASE || a >= ZONE_BASE + ZONE_BYTES)
		return K_NONE;
	cell = cells[(a - ZONE_BASE) / 8];
	*offset = (cell & 0xfff) * 8 + (unsigned)(a % 8);
	return cell >> 12;
}

void
lab_alias_access(uintptr_t a, unsigned word, uint32_t run, bool write,
    int fibre)
{
	struct last *l = &last[word];
	unsigned offset, kind = field_of(a, &offset), bit = 1U << fibre;
	int op = current[fibre];

	if (kind == K_NONE || offset >= MAX_OFFSET)
		return;
	if (l->run != run)
		*l = (struct last){ .run = run };
	for (int i = 0; i < LAB_FIBRES; i++)
		if (i != fibre && (l->touched & 1U << i) != 0 &&
		    (write || (l->written & 1U << i) != 0))
			seen[kind][offset][l->op[i]][op] = 1;
	if ((l->touched & bit) == 0 || l->op[fibre] != op)
		l->written &= (uint8_t)~bit;
	l->touched |= (uint8_t)bit;
	if (write)
		l->written |= (uint8_t)bit;
	l->op[fibre] = (uint8_t)op;
}

/* ---- the figure ---- */

struct count {
	unsigned	 pairs, both;
};

static void
count_field(unsigned kind, unsigned offset, bool list, struct count *c)
{
	uint8_t (*s)[MAX_OPS] = seen[kind][offset];

	for (int a = 0; a < lab_nops; a++)
		for (int b = a + 1; b < lab_nops; b++) {
			c->pairs += s[a][b] || s[b][a];
			c->both += s[a][b] && s[b][a];
			if (list && s[a][b] != s[b][a])
				kprintf("# one order: %s+%#x: %s, then %s\n",
				    kinds[kind], offset,
				    lab_ops[s[a][b] ? a : b].name,
				    lab_ops[s[a][b] ? b : a].name);
		}
}

void
lab_alias_report(bool list)
{
	struct count all = { 0 };

	for (unsigned k = K_OBJECT; k < K_COUNT; k++) {
		struct count c = { 0 };

		for (unsigned off = 0; off < MAX_OFFSET; off++)
			count_field(k, off, list, &c);
		kprintf("# alias: %-14s %6u pairs, %6u in both orders\n",
		    kinds[k], c.pairs, c.both);
		all.pairs += c.pairs;
		all.both += c.both;
	}
	kprintf("alias: %u pairs, %u in both orders\n", all.pairs, all.both);
}
