/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_sched.h: named points at which the schedule matters: between the two halves
 * of something that another thread could break into.  A test, the chaos of
 * chaos=SEED or a script hooks them; in a kernel without assertions they are
 * nothing.
 *
 * A point may be passed with sleeping locks held, never with a spinlock.
 */
#pragma once

#include <lib/assert.h>
#include <lib/cdefs.h>
#include <lib/types.h>

/* NULL: nobody is interested.  Set before the threads that pass points. */
extern void	(*vm_sched_hook)(const char *point);

#if DEBUG >= 1
#define vm_sched_point(point) do {					\
	if (__predict_false(vm_sched_hook != NULL))			\
		vm_sched_hook(point);					\
} while (0)
#else
#define vm_sched_point(point)	((void)0)
#endif

/* vm_chaos_start: from now on some points yield, or wait up to 50 us, as seed
 * has it; 0 ends it.  vm_chaos_hits: points passed since. */
void		vm_chaos_start(uint64_t seed);
uint64_t	vm_chaos_hits(void);
