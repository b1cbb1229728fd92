/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_reduce.h: which steps of two fibres conflict, and what the run so far is
 * but for the order of steps that do not (lab_reduce.c).
 *
 * A STEP is all that a fibre does from one point to its next.  Its FOOTPRINT is
 * what it reads and changes of the PLACES whose order matters: locks, channels,
 * words used with atomics, memory that the race oracle does not see, and the
 * states of the laboratory itself.
 */
#pragma once

#include "lab.h"

#define LAB_PLACES	128	/* that fibres share, told apart in footprints */

enum lab_reduce {
	REDUCE_OFF,
	REDUCE_WATCH,		/* only keep the books: traces can be compared */
	REDUCE_ON,
};

/* Kinds of places that may lie at one address. */
enum lab_place {
	PL_WORD,		/* atomics; with lab_mark: any access */
	PL_LOCK, PL_CHAN,
	PL_LAB,			/* states of the laboratory, page contents */
};

struct footprint {
	uint64_t	 r[LAB_PLACES / 64], w[LAB_PLACES / 64];
};

static inline uint64_t
lab_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15UL;
	return h ^ h >> 29;
}

extern enum lab_reduce	 lab_reduce;
extern bool		 lab_pmap_read;	/* the fake pmap's lock is for reading */
extern struct footprint	 reduce_step;	/* of the running step */
extern uint32_t		 reduce_asleep;	/* fibres */

/* lab_mark: the running step reads or changes it.  "Reading" is any use that
 * commutes with itself. */
void	lab_mark(enum lab_place kind, const void *p, bool write);
/* lab_mark_range: kernel memory [p, p + len) comes or goes: every place in it
 * is written, and for the race oracle every word. */
void	lab_mark_range(const void *p, size_t len);

/* An access of a word by instrumented code; *place and *known are the word's.
 * look: returns whether it is a point; would be: without reduction.  access:
 * after the point. */
bool	reduce_look(uintptr_t a, unsigned size, bool atomic, bool would_be,
	    uint16_t *place, uint8_t *known);
void	reduce_access(uint16_t place, bool write, bool atomic);

/* reduce_scenario: forget all places.  reduce_pass: begin the search anew. */
void	reduce_scenario(void);
void	reduce_pass(void);
void	reduce_run(void);
void	reduce_begin(void);
/* reduce_grew: since the pass began another place turned out to be shared. */
bool	reduce_grew(void);

/* reduce_sleep: fibre f stands before a step with that footprint; it is awake
 * again when a step conflicts with it. */
void	reduce_sleep(int f, const struct footprint *fp);
bool	reduce_conflict(const struct footprint *a, const struct footprint *b);
/* reduce_gather: from now on the steps of others are added to *into, and the
 * locks that they come to, until f runs on (NULL).  _below: it stays so, and
 * they would do what is below. */
void	reduce_gather(int f, struct footprint *into);
void	reduce_gather_below(uint32_t below);
void	reduce_intend(enum lab_place kind, const void *p);
void	reduce_count(const struct fibre *f);	/* it comes to its next point, or ends */
/* reduce_trace: a number for the run so far, equal for runs that differ in the
 * order of steps without conflict only. */
uint64_t reduce_trace(void);
/* reduce_past: the same of a run that is over, for every search. */
uint64_t reduce_past(void);
/* Numbers for sets of what each fibre did below a choice; 0: anything. */
uint32_t reduce_below(void);
void	reduce_below_step(uint32_t below, int f);	/* the running step of f */
/* reduce_join: to has what more has, too. */
void	reduce_join(struct footprint *to, const struct footprint *more);
void	reduce_below_join(uint32_t below, uint32_t more);
/* reduce_below_add: what all but f did. */
void	reduce_below_add(uint32_t below, int f, struct footprint *to);
/* reduce_seen: was this state explored, with as many preemptions left and no
 * more asleep?  Then *below has all that happened behind it, or more.  Else
 * notes that it is: in that set. */
bool	reduce_seen(uint64_t state, unsigned left, uint32_t asleep,
	    uint32_t *below);
