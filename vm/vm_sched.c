/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_sched.c: chaos: at one schedule point in eight the thread yields, at one in
 * 32 it waits a while, so that the windows that the points mark are met by
 * other threads.  The same seed gives the same delays in the order of passing,
 * which other CPUs may change.
 */
#include <vm/vm_sched.h>

#include <lib/atomic.h>
#include <sys/md.h>
#include <sys/thread.h>

#include <machine/cpu.h>

#define CHAOS_WAIT	50000u		/* ns, at most */

void	(*vm_sched_hook)(const char *point);

static uint64_t	chaos_seed;		/* [c] while hooked */
static uint64_t	chaos_count;		/* [a] points passed */

/* splitmix64 */
static uint64_t
chaos_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15UL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9UL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebUL;
	return x ^ (x >> 31);
}

static void
chaos_point(const char *point)
{
	uint64_t dice = chaos_mix(chaos_seed + atomic_fetchadd(&chaos_count,
	    1));
	nsec_t until;

	(void)point;
	if (dice % 32 == 0) {
		until = md_uptime() + (dice >> 32) % CHAOS_WAIT;
		while (md_uptime() < until)
			cpu_spinwait();
	} else if (dice % 8 == 0) {
		sched_yield();
	}
}

void
vm_chaos_start(uint64_t seed)
{
	chaos_seed = seed;
	atomic_store(&chaos_count, 0);
	vm_sched_hook = seed != 0 ? chaos_point : NULL;
}

uint64_t
vm_chaos_hits(void)
{
	return atomic_load(&chaos_count);
}
