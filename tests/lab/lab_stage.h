/* SPDX-License-Identifier: BSD-2-Clause */
/* lab_stage.h: what the commands of build/lab share. */
#pragma once

#include "lab_run.h"

struct args {
	const char	*command, *what;
	uint64_t	 seed, secs, schedules, bound, times, shard, shards;
	enum lab_strategy strategy;
	bool		 html, deep;
};

extern struct args	args;
extern nsec_t		deadline;	/* of labos_cpu_ns; 0: none */

void	print_tally(const char *name, const struct lab_tally *t);
void	print_failure(const struct lab_scenario *s);
void	tally_add(struct lab_tally *to, const struct lab_tally *t);

/* stage_stride: a step that visits all of n, in an order that looks random. */
unsigned stage_stride(unsigned n, uint64_t from);
/* explore_product: all multisets of n operations, as the arguments say. */
bool	explore_product(int n, bool deep, struct lab_tally *t);
int	cmd_gate(void);
int	cmd_deep(void);
int	cmd_figure(void);
int	cmd_hunt(void);
int	cmd_alias(void);
int	cmd_selftest(void);
int	cmd_compare(void);
int	cmd_merge(int nfiles, char **file);

/* What depth-first search sees with reduction and without (lab_compare.c). */
struct compared {
	bool		 done;		/* within the limit of schedules */
	uint64_t	 with, without;	/* schedules */
	uint64_t	 traces, failures;	/* different ones */
	uint64_t	 only_with, only_without, missed;	/* missed: failures */
	uint64_t	 differ;	/* equal traces, other final states */
	bool		 grew;		/* a shared place was unknown */
};
struct compared compare_scenario(const struct lab_scenario *s, unsigned bound,
    uint64_t limit);
