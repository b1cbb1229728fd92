/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_meter.c: event counters, one set for each CPU, so that counting on the
 * fault path touches no line that another CPU writes.
 */
#include <vm/vm.h>
#include <lib/assert.h>
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/md.h>
#include <sys/sleepq.h>
#include <sys/thread.h>

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

void
vm_meter_waited(const char *wmesg, nsec_t ns)
{
	struct vm_meter_pcpu *vm;

	vm_meter_inc(v_waits);
	critical_enter();		/* number and name are of one CPU */
	vm = &vm_meter_pcpu[curcpu];
	if (vm->count[VM_METER_v_wait_max] < ns) {
		atomic_store_relaxed(&vm->count[VM_METER_v_wait_max], ns);
		atomic_store_relaxed(&vm->wait_name, wmesg);	/* [h] */
	}
	critical_exit();
}

void
vm_meter_wait(const void *chan, const char *wmesg)
{
	nsec_t since = md_uptime();

	(void)sleepq_wait(chan, 0, wmesg, 0);
	vm_meter_waited(wmesg, md_uptime() - since);
}

const char *
vm_meter_longest(nsec_t *ns)
{
	const char *name = "none";
	unsigned cpu;
	nsec_t n;

	*ns = 0;
	for (cpu = 0; cpu < MAXCPU; cpu++) {
		n = atomic_load_relaxed(
		    &vm_meter_pcpu[cpu].count[VM_METER_v_wait_max]);
		if (n <= *ns)
			continue;
		*ns = n;
		name = atomic_load_relaxed(&vm_meter_pcpu[cpu].wait_name);
	}
	return name != NULL ? name : "none";
}

/* Counters that are no sums. */
static inline bool
meter_is_max(enum vm_meter m)
{
	return m == VM_METER_v_chain_max || m == VM_METER_v_wait_max;
}

uint64_t
vm_meter_sum(enum vm_meter m)
{
	uint64_t sum = 0, n;
	unsigned cpu;

	for (cpu = 0; cpu < MAXCPU; cpu++) {
		n = atomic_load_relaxed(&vm_meter_pcpu[cpu].count[m]);
		sum = meter_is_max(m) ? MAX(sum, n) : sum + n;
	}
	return sum;
}

const char *
vm_meter_name(enum vm_meter m)
{
	KASSERT(m < VM_METER_COUNT, "counter %d of %d", m, VM_METER_COUNT);
	return vm_meter_names[m];
}
