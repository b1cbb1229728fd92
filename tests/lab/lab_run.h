/* SPDX-License-Identifier: BSD-2-Clause */
/* lab_run.h: exploring one scenario, tokens, replay. */
#pragma once

#include "lab_ops.h"

struct lab_limits {
	uint64_t	 schedules;	/* 0: no limit */
	nsec_t		 until;		/* of labos_cpu_ns; 0: none */
};
struct lab_tally {
	uint64_t	 schedules, points, failures, scenarios, complete;
	uint64_t	 events;
	struct lab_pruned pruned;
	nsec_t		 ns;
};

/* run_world: start the kernel in the lab's world. */
void	run_world(void);
/* run_prepare: the scenario's first state; false: it fails already. */
bool	run_prepare(const struct lab_scenario *s);
/* run_restore: that state again, and the fibres ready. */
void	run_restore(const struct lab_scenario *s);
/* run_once: one schedule by the strategy in use, from that state. */
bool	run_once(const struct lab_scenario *s);
/* run_explore: until failure (false), the strategy's end or the limits. */
bool	run_explore(const struct lab_scenario *s, enum lab_strategy st,
	    uint64_t seed, unsigned bound, const struct lab_limits *lim,
	    struct lab_tally *t);

/* A token: SCENARIO/EVENT>FIBRE.EVENT>FIBRE... */
void	token_print(const struct lab_scenario *s, const struct lab_schedule *d,
	    char *buf, size_t size);
bool	token_parse(struct lab_scenario *s, struct lab_schedule *d,
	    const char *text);

/* run_replay: the schedule once; with story: tell it. */
bool	run_replay(const struct lab_scenario *s, const struct lab_schedule *d);
void	story_begin(void);
void	story_end(const struct lab_scenario *s, bool html);
/* shrink: fewer deviations and steps, same oracle. */
void	shrink(struct lab_scenario *s, struct lab_schedule *d);
