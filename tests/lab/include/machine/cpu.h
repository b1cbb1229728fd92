/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.h (lab): fibres of one host thread: the running one is two plain words. */
#pragma once

#include <lib/types.h>
#include <machine/pcpu.h>

struct thread;

extern struct thread	*lab_curthread;
extern int		 lab_curcpu;
#define curthread	lab_curthread
#define curcpu		lab_curcpu

void	cpu_spinwait(void);

static inline int
cpu_intr_depth(void)
{
	return 0;
}

static inline uint64_t
intr_disable(void)
{
	return 0;
}

static inline void
intr_restore(uint64_t flags)
{
	(void)flags;
}

static inline bool
intr_enabled(void)
{
	return true;
}
