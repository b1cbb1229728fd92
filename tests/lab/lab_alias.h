/* SPDX-License-Identifier: BSD-2-Clause */
/* lab_alias.h: alias coverage; see lab_alias.c. */
#pragma once

#include <lib/types.h>

extern bool	lab_alias_on;

/* lab_alias_init: begin; nwords: size of the table of words. */
void	lab_alias_init(unsigned nwords);
/* lab_alias_op: the running fibre begins operation op of lab_ops. */
void	lab_alias_op(int op);
/* lab_alias_alloc: obj is of that zone from now on. */
void	lab_alias_alloc(const char *zone, const void *obj, size_t size);
/* lab_alias_access: fibre touches the word at a, number word, in run. */
void	lab_alias_access(uintptr_t a, unsigned word, uint32_t run, bool write,
	    int fibre);
/* lab_alias_report: the figure; list: and each pair seen in one order only. */
void	lab_alias_report(bool list);
