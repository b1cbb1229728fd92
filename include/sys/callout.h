/* SPDX-License-Identifier: BSD-2-Clause */
/* callout.h: one-shot timers, run from the timer interrupt of their CPU. */
#pragma once

#include <lib/queue.h>
#include <lib/types.h>

/* Lifetime: embedded by the user; must be stopped before it is freed.
 * [k] callout lock of c_cpu. */
struct callout {
	TAILQ_ENTRY(callout)	 c_link;	/* [k] */
	nsec_t			 c_when;	/* [k] absolute */
	void			(*c_fn)(void *);/* [k] */
	void			*c_arg;		/* [k] */
	int			 c_cpu;		/* [k] */
	uint8_t			 c_state;	/* [k] idle, pending, running */
};

void	callout_init(struct callout *c);
/* callout_reset: run fn(arg) in interrupt context at time when (uptime ns);
 * replaces an earlier setting. */
void	callout_reset(struct callout *c, nsec_t when, void (*fn)(void *),
	    void *arg);
/* callout_stop: true when it was pending and will not run. */
bool	callout_stop(struct callout *c);
/* callout_drain: stop, and wait (spinning) for a running handler to return. */
void	callout_drain(struct callout *c);
void	callout_tick(void);		/* timer interrupt */
void	callout_init_cpu(int cpu);
