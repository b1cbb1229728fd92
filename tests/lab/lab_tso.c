/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_tso.c: store buffers, as an x86 has them (option tso=1).
 *
 * A store is in its fibre's buffer until a locked operation, a fence, a lock, a
 * user access, a cross-call or the end of the fibre drains it, in order; or as
 * soon as the scheduler says so.  The fibre itself sees its stores at once.
 * So: memory has them while their fibre runs, and the old values while another
 * runs before whom they are HELD BACK.  To hold back is the scheduler's choice,
 * one more for each fibre that could run next: number + LAB_FIBRES in a token.
 *
 * What is held back is all that the buffer has; that some of it has drained is
 * not tried.  Stores of uninstrumented code are not delayed.
 */
#include "lab.h"

#include <lib/string.h>

#define DEPTH	8

/* Lifetime: from the store to its drain. */
struct store {
	uintptr_t	 addr;
	unsigned	 size;
	uint8_t		 under[16];	/* memory's value, while it runs */
	uint8_t		 value[16];	/* the store's, while it is held back */
};

struct buffer {
	unsigned	 n;
	bool		 held;
	struct store	 s[DEPTH];	/* oldest first */
};

static struct buffer	 buffer[LAB_CPUS];
bool			 lab_tso;

static inline void *
ptr(const struct store *s)
{
	return (void *)s->addr;
}

void
lab_tso_reset(void)
{
	for (int i = 0; i < LAB_CPUS; i++) {
		buffer[i].n = 0;
		buffer[i].held = false;
	}
}

void
lab_tso_issue(uintptr_t addr, unsigned size)
{
	struct buffer *b = &buffer[lab_cur->id];

	if (lab_nopoint != 0) {
		b->n = 0;
		return;
	}
	if (b->n == DEPTH)
		memmove(&b->s[0], &b->s[1], --b->n * sizeof(b->s[0]));
	b->s[b->n].addr = addr;
	b->s[b->n].size = size;
	memcpy(b->s[b->n].under, (void *)addr, size);
	b->n++;
}

bool
lab_tso_pending(int fibre)
{
	return buffer[fibre].n != 0;
}

/* Newest first, so that of two stores to one word the older value is left. */
void
lab_tso_hold(int fibre)
{
	struct buffer *b = &buffer[fibre];

	for (unsigned i = b->n; i-- > 0;) {
		memcpy(b->s[i].value, ptr(&b->s[i]), b->s[i].size);
		memcpy(ptr(&b->s[i]), b->s[i].under, b->s[i].size);
	}
	b->held = true;
}

void
lab_tso_resume(int fibre)
{
	struct buffer *b = &buffer[fibre];

	for (unsigned i = 0; b->held && i < b->n; i++) {
		memcpy(b->s[i].under, ptr(&b->s[i]), b->s[i].size);
		memcpy(ptr(&b->s[i]), b->s[i].value, b->s[i].size);
	}
	b->held = false;
}

void
lab_tso_drain(int fibre)
{
	lab_tso_resume(fibre);
	buffer[fibre].n = 0;
}
