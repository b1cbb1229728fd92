/* SPDX-License-Identifier: BSD-2-Clause */
/* lab_story.h: what the parts of a story share. */
#pragma once

#include "lab.h"

#define STORY_FRAMES	10

/* An access as the story knows it. */
struct story_access {
	uint32_t	 ev;		/* 0: none */
	uint32_t	 pc;
	uint8_t		 fibre, nframes;
	const char	*what;		/* "read", "atomic write" */
	uint32_t	 frame[STORY_FRAMES];	/* innermost call site first */
};

/* Two accesses of one word by two fibres, one of them a write. */
struct story_conflict {
	uintptr_t	 addr;
	struct story_access first, second;
};

/* story_name: 1, 2, ... in the order of appearance; 0: too many. */
uint16_t story_name(const void *p);
const void *story_named(uint16_t n);	/* NULL: there is none */
/* story_field: "object#3.ref_count", "page 0x1000.busy_lock", or the address. */
void	story_field(uintptr_t a, char *buf, size_t size);

/* draw_begin, draw_chains: each process's entries and the objects behind them,
 * a line each; NULL: as at the last call. */
void	draw_begin(void);
const char *draw_chains(void);

/* conflict_begin; conflict_access: f is about to access; returns the number of
 * the conflict that this ends, from 1; 0: none. */
void	conflict_begin(void);
unsigned conflict_access(const struct fibre *f, uintptr_t a, const char *what);
unsigned conflict_count(void);
const struct story_conflict *conflict_get(unsigned n);
