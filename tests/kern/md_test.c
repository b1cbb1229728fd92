/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * md_test.c: what the platform's start-up promised: rights of the kernel's
 * pages, equal CPUs, one clock, ticks and calls on every CPU.
 */
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/machdep.h>
#include <machine/pmap_boot.h>
#include <machine/specialreg.h>
#include <sys/bootinfo.h>
#include <sys/ktest.h>
#include <sys/md.h>
#include <sys/smp.h>
#include <sys/sleepq.h>
#include <vm/vm.h>

#define YEAR_2020	1577836800UL	/* seconds since 1970 */
#define TICK_WAIT	(10 * NSEC_PER_SEC)

/* The leaf entry of a kernel address; 0: not mapped. */
static uint64_t
leaf(vm_offset_t va)
{
	uint64_t e = kernel_pml4[PML4_INDEX(va)];
	unsigned shift;

	for (shift = 30; shift >= PAGE_SHIFT; shift -= 9) {
		if ((e & PG_V) == 0 || (e & PG_PS) != 0)
			break;
		e = ((uint64_t *)PHYS_TO_DMAP(e & PG_FRAME))[va >> shift & 511];
	}
	return (e & PG_V) != 0 ? e : 0;
}

static uint64_t
rights(vm_offset_t va)
{
	return leaf(va) & (PG_V | PG_RW | PG_NX | PG_U);
}

/* Has each section its rights, by both of its names? */
KTEST(md, image_rights)
{
	static const struct {
		const char	*what, *first;
		long		 off;
		uint64_t	 rights, alias;
	} cases[] = {
		{ "text", __text_start, 0, PG_V, PG_V | PG_NX },
		{ "end of text", __text_end, -1, PG_V, PG_V | PG_NX },
		{ "rodata", __rodata_start, 0, PG_V | PG_NX, PG_V | PG_NX },
		{ "end of rodata", __rodata_end, -1, PG_V | PG_NX,
		    PG_V | PG_NX },
		{ "data", __data_start, 0, PG_V | PG_RW | PG_NX,
		    PG_V | PG_RW | PG_NX },
		{ "stack guard", boot_kstack_guard, 0, 0,
		    PG_V | PG_RW | PG_NX },
		{ "end of bss", __kernel_end, -1, PG_V | PG_RW | PG_NX,
		    PG_V | PG_RW | PG_NX },
	};
	vm_offset_t va;
	unsigned i;

	for (i = 0; i < nitems(cases); i++) {
		va = (vm_offset_t)cases[i].first + (vm_offset_t)cases[i].off;
		KT_CHECK(t, rights(va) == cases[i].rights, "%s: %lx",
		    cases[i].what, rights(va));
		va = va - KERNBASE + DMAP_BASE;
		KT_CHECK(t, rights(va) == cases[i].alias,
		    "%s by the direct map: %lx", cases[i].what, rights(va));
	}
	KT_CHECK(t, rights((vm_offset_t)__kernel_end) == 0,
	    "behind the image: %lx", rights((vm_offset_t)__kernel_end));
}

/* Is all RAM in the direct map, and nothing in the lower half? */
KTEST(md, direct_map)
{
	const struct bootinfo_region *r;
	unsigned i;

	for (i = 0; i < bootinfo.nregions; i++) {
		r = &bootinfo.region[i];
		KT_CHECK(t, rights(DMAP_BASE + r->start) != 0 &&
		    rights(DMAP_BASE + r->end - 1) != 0,
		    "RAM %lx-%lx is not mapped", r->start, r->end);
		KT_CHECK(t, (i + 1 < bootinfo.nregions &&
		    r[1].start == r->end) || rights(DMAP_BASE + r->end) == 0,
		    "behind RAM %lx is a mapping", r->end);
	}
	for (i = 0; i < PML4_KERNEL_FIRST; i++)
		KT_CHECK(t, kernel_pml4[i] == 0, "entry %u is %lx", i,
		    kernel_pml4[i]);
	KT_CHECK(t, boot_pml4[0] == 0, "the identity map is still there");
}

/* One CPU's registers.  [c] after its handler has run. */
struct registers {
	uint64_t	cr0, cr4, efer, apic;
};

static struct registers seen[MAXCPU];

static void
read_registers(void *arg __unused)
{
	struct registers *r = &seen[curcpu];

	r->cr0 = rcr0();
	r->cr4 = rcr4();
	r->efer = rdmsr(MSR_EFER);
	r->apic = rdmsr(MSR_APIC_BASE);
}

/* Is every CPU set up like the boot CPU? */
KTEST(md, cpus_are_equal)
{
	uint64_t want = CR4_PAE | (cpu_features.smep ? CR4_SMEP : 0) |
	    (cpu_features.smap ? CR4_SMAP : 0) |
	    (cpu_features.umip ? CR4_UMIP : 0) |
	    (cpu_features.pge ? CR4_PGE : 0);
	int cpu;

	smp_rendezvous(all_cpus, read_registers, NULL);
	for (cpu = 0; cpu < mp_ncpus; cpu++) {
		const struct registers *r = &seen[cpu];

		KT_CHECK(t, ((r->cr0 ^ seen[0].cr0) & ~(uint64_t)CR0_TS) == 0 &&
		    r->cr4 == seen[0].cr4 && r->efer == seen[0].efer,
		    "cpu%d: %lx %lx %lx", cpu, r->cr0, r->cr4, r->efer);
		KT_CHECK(t, (r->cr0 & CR0_WP) != 0 &&
		    (r->cr4 & want) == want && (r->cr4 & CR4_LA57) == 0 &&
		    (r->efer & EFER_NXE) != 0, "cpu%d: %lx %lx %lx", cpu,
		    r->cr0, r->cr4, r->efer);
		KT_CHECK(t, ((r->apic & APIC_BASE_BSP) != 0) == (cpu == 0),
		    "cpu%d: APIC base %lx", cpu, r->apic);
	}
}

/* What clock_probe was asked to compare with, and what was wrong.  [a] all. */
static nsec_t	clock_asked;
static uint64_t	clock_early;

static void
clock_probe(void *arg __unused)
{
	if (md_uptime() < atomic_load(&clock_asked))
		atomic_add(&clock_early, 1);
}

/* Does time go on from one CPU to the other, never back? */
KTEST(md, uptime_never_goes_back)
{
	nsec_t last = md_uptime(), now;
	unsigned i;

	clock_early = 0;
	for (i = 0; i < 200; i++) {
		atomic_store(&clock_asked, md_uptime());
		smp_rendezvous(all_cpus, clock_probe, NULL);
	}
	KT_CHECK(t, clock_early == 0, "%lu readings from before the call",
	    clock_early);
	for (i = 0; i < 100000; i++) {
		now = md_uptime();
		KT_CHECK(t, now >= last, "%lu after %lu", now, last);
		last = now;
	}
}

KTEST(md, delay_and_date)
{
	nsec_t start = md_uptime(), up, wall;

	md_delay(5 * NSEC_PER_MSEC);
	up = md_uptime() - start;
	KT_CHECK(t, up >= 4999 * NSEC_PER_USEC, "5 ms took %lu ns", up);
	wall = md_walltime() / NSEC_PER_SEC;
	KT_CHECK(t, wall > YEAR_2020, "the date is %lu s", wall);
}

/* Does the timer of every CPU tick? */
KTEST(md, ticks_everywhere)
{
	uint64_t before[MAXCPU];
	volatile uint64_t *n;
	nsec_t start = md_uptime();
	int cpu;

	for (cpu = 0; cpu < mp_ncpus; cpu++)
		before[cpu] = vm_meter_pcpu[cpu].count[VM_METER_v_intr];
	for (cpu = 0; cpu < mp_ncpus; cpu++) {
		n = &vm_meter_pcpu[cpu].count[VM_METER_v_intr];
		while (*n < before[cpu] + 5) {
			KT_CHECK(t, md_uptime() - start < TICK_WAIT,
			    "cpu%d: %lu interrupts in 10 s", cpu,
			    *n - before[cpu]);
			(void)tsleep(&clock_asked, 0, "mdtick",
			    10 * NSEC_PER_MSEC);
		}
	}
}
