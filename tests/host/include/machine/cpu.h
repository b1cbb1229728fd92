/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.h (host): the running thread and its CPU are thread-local words. */
#pragma once

#include <lib/types.h>
#include <machine/pcpu.h>

struct thread;

extern __thread struct thread	*host_curthread;
extern __thread int		 host_curcpu;
#define curthread	host_curthread
#define curcpu		host_curcpu

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
