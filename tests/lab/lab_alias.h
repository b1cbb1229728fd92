/* SPDX-License-Identifier: BSD-2-Clause */
/* lab_alias.h: alias coverage; see lab_alias.c. */
#pragma once

#include <lib/types.h>

#include "lab_ops.h"

extern bool	lab_alias_on;

/* lab_alias_init: begin; nwords: size of the table of words. */
void	lab_alias_init(unsigned nwords);
/* lab_alias_scenario: s is explored from now on. */
void	lab_alias_scenario(const struct lab_scenario *s);
/* lab_alias_prepare, lab_alias_run: a preparation, a run begins. */
void	lab_alias_prepare(void);
void	lab_alias_run(uint32_t number);
/* lab_alias_op: the running fibre begins operation op of lab_ops. */
void	lab_alias_op(int op);
/* lab_alias_alloc, lab_alias_free: obj is of that zone; is free again. */
void	lab_alias_alloc(const char *zone, const void *obj, size_t size);
void	lab_alias_free(const void *obj);
/* lab_alias_access: fibre touches the word at a, number word. */
void	lab_alias_access(uintptr_t a, unsigned word, bool write, int fibre);

/* A pair that was seen in one order only, though its life does not ask for it:
 * first before second, for the first time in that scenario. */
struct lab_alias_pair {
	const char	*kind;
	unsigned	 offset;
	int		 first, second;		/* of lab_ops */
	const struct lab_scenario *seen;
};
/* lab_alias_missing: the next one from *cursor on; false: no more. */
bool	lab_alias_missing(unsigned *cursor, struct lab_alias_pair *pair);
/* lab_alias_report: the figure; list: and each such pair. */
void	lab_alias_report(bool list);
