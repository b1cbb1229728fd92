/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_meter.c: event counters, one set for each CPU, so that counting on the
 * fault path touches no line that another CPU writes.
 */
#include <vm/vm.h>
#include <lib/assert.h>
#include <lib/atomic.h>
#include <machine/cpu.h>

struct vm_meter_pcpu	vm_meter_pcpu[MAXCPU];

static const char *const vm_meter_names[VM_METER_COUNT] = {
#define X(n)	[VM_METER_##n] = #n,
	VM_METER_LIST(X)
#undef X
};

void
vm_meter_add(enum vm_meter m, uint64_t n)
{
	/* Relaxed: nothing is ordered by a counter. */
	__atomic_fetch_add(&vm_meter_pcpu[curcpu].count[m], n,
	    __ATOMIC_RELAXED);
}

void
vm_meter_max(enum vm_meter m, uint64_t n)
{
	uint64_t *max = &vm_meter_pcpu[curcpu].count[m];
	uint64_t old = __atomic_load_n(max, __ATOMIC_RELAXED);

	while (old < n && !__atomic_compare_exchange_n(max, &old, n, false,
	    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

uint64_t
vm_meter_sum(enum vm_meter m)
{
	uint64_t sum = 0, n;
	unsigned cpu;

	for (cpu = 0; cpu < MAXCPU; cpu++) {
		n = atomic_load_relaxed(&vm_meter_pcpu[cpu].count[m]);
		sum = m == VM_METER_v_chain_max ? MAX(sum, n) : sum + n;
	}
	return sum;
}

const char *
vm_meter_name(enum vm_meter m)
{
	KASSERT(m < VM_METER_COUNT, "counter %d of %d", m, VM_METER_COUNT);
	return vm_meter_names[m];
}
