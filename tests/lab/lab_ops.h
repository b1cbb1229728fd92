/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_ops.h: scenarios: a shape (processes and what they share) and for each
 * fibre its process and a few operations on pages.
 *
 * As text, which tokens and the command line use:
 *
 *	SHAPE:PROCESS OP PAGE [OP PAGE...],PROCESS OP PAGE...
 *	sib:0w0r1,1x0	shape sib; a fibre in process 0 writes page 0 and reads
 *			page 1; another in process 1 exits
 */
#pragma once

#include <lib/prng.h>

#include "lab.h"

#define LAB_STEPS	4

#define LAB_SET_GATE	0x1	/* with every shape */
#define LAB_SET_LITMUS	0x4	/* of lab_self.c only */
#define SET_MAX		32	/* operations, and shapes */
#define LAB_SET_DEEP	0x2	/* eight, with six shapes of chains */

struct lab_opdef {
	char		 letter;
	const char	*name;
	unsigned	 sets;		/* LAB_SET_*: products it belongs to */
	void		(*fn)(int proc, int page);
};
struct lab_shape {
	const char	*name;
	bool		 deep;		/* in LAB_SET_DEEP */
	const char	*what;
	int		 nprocs;	/* that fibres may run in */
	int		 page;		/* of the core operations */
	void		(*make)(void);
};
struct lab_task {
	int		 proc, nsteps;
	struct { const struct lab_opdef *op; int page; } step[LAB_STEPS];
};
struct lab_scenario {
	const struct lab_shape *shape;
	int		 nfibres;
	struct lab_task	 task[LAB_FIBRES];
};

extern const struct lab_opdef	lab_ops[];
extern const struct lab_shape	lab_shapes[];
extern const int		lab_nops, lab_nshapes;

bool	scenario_parse(struct lab_scenario *s, const char *text);
void	scenario_print(const struct lab_scenario *s, char *buf, size_t size);
/* scenario_fixed: the i-th that was made by hand; false: there is none. */
bool	scenario_fixed(struct lab_scenario *s, unsigned i);
/* scenario_fix: no steps behind an exit: a fibre has no process then. */
void	scenario_fix(struct lab_scenario *s);
/* scenario_random: a workload: any shape, operations and lengths. */
void	scenario_random(struct lab_scenario *s, struct prng *p);
/* scenario_core: the i-th of the product: every multiset of nfibres operations
 * of the set, its shapes, two placements; false: there is none. */
unsigned scenario_core_count(unsigned set, int nfibres);
bool	scenario_core(struct lab_scenario *s, unsigned set, int nfibres,
	    unsigned i);

/* Functions for lab_aux and the fibres: arg is the scenario, or its task. */
void	scenario_warm(void *arg);	/* once: fill magazines and caches */
void	scenario_prepare(void *arg);
void	scenario_fibre(void *arg);
void	scenario_quiesce(void *arg);	/* every oracle that needs rest */
