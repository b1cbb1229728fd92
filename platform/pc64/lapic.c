/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lapic.c: each CPU's local APIC: the interrupt dispatch, interrupts between
 * CPUs, and the periodic timer.  xAPIC (memory-mapped) mode only.
 *
 *	I1 a vector has at most one handler, set before anything can send it.
 *	I2 the two halves of the command register are written with interrupts
 *	   off, as a handler may send too.
 *
 * Locks: none: a CPU touches its own local APIC only.
 * Sources: Intel SDM vol. 3A, chapter 11 (APIC).
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/frame.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <machine/pmap_boot.h>
#include <machine/specialreg.h>
#include <sys/callout.h>
#include <sys/diag.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/thread.h>
#include <vm/vm.h>

#define LAPIC_LEN	PAGE_SIZE
#define LAPIC_ID	0x020
#define LAPIC_TPR	0x080
#define LAPIC_EOI	0x0b0
#define LAPIC_SVR	0x0f0
#define	 SVR_ENABLE	0x100
#define LAPIC_ESR	0x280
#define LAPIC_ICR_LO	0x300
#define	 ICR_NMI	0x00400
#define	 ICR_INIT	0x00500
#define	 ICR_STARTUP	0x00600
#define	 ICR_PENDING	0x01000
#define	 ICR_ASSERT	0x04000
#define LAPIC_ICR_HI	0x310
#define LAPIC_LVT_TIMER	0x320
#define	 LVT_MASKED	0x10000
#define	 LVT_PERIODIC	0x20000
#define	 LVT_NMI	0x00400
#define LAPIC_LVT_LINT0	0x350
#define LAPIC_LVT_LINT1	0x360
#define LAPIC_LVT_ERROR	0x370
#define LAPIC_TIMER_INIT 0x380
#define LAPIC_TIMER_CUR	0x390
#define LAPIC_TIMER_DIV	0x3e0
#define	 TIMER_DIV_16	0x3

#define ICR_SPIN	1000000		/* looks at ICR_PENDING */
#define CALIBRATE	(20 * NSEC_PER_MSEC)
#define NVECTORS	256

static volatile uint32_t *lapic;	/* [c] every CPU sees its own there */
static uint32_t	timer_count;		/* [c] timer ticks per HZ tick */
static uint64_t	strays;			/* [a] vectors without handler */

static void	(*handlers[NVECTORS])(struct trapframe *);	/* I1 */

static uint32_t
lapic_read(unsigned reg)
{
	return lapic[reg / 4];
}

static void
lapic_write(unsigned reg, uint32_t v)
{
	lapic[reg / 4] = v;
}

void
intr_register(unsigned vector, void (*fn)(struct trapframe *))
{
	KASSERT(vector >= INTR_FIRST && vector < NVECTORS,
	    "vector %u is not an interrupt's", vector);
	KASSERT(handlers[vector] == NULL || handlers[vector] == fn,
	    "vector %u has a handler already", vector);
	handlers[vector] = fn;
}

void
intr_dispatch(struct trapframe *tf)
{
	struct pcpu *pc = pcpu_self();
	unsigned vector = (unsigned)tf->tf_trapno & (NVECTORS - 1);

	pc->pc_intr_depth++;
	vm_meter_inc(v_intr);
	if (handlers[vector] != NULL)
		handlers[vector](tf);
	else if (atomic_fetchadd(&strays, 1) == 0)
		kprintf("cpu%d: stray interrupt %u; no more will be told\n",
		    pc->pc_cpuid, vector);
	if (vector != INTR_SPURIOUS)
		lapic_eoi();
	pc->pc_intr_depth--;
}

void
lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

uint32_t
lapic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

static void
spurious_intr(struct trapframe *tf __unused)
{
	/* The APIC withdrew it: nothing to do, and nothing to end. */
}

static void
error_intr(struct trapframe *tf __unused)
{
	lapic_write(LAPIC_ESR, 0);		/* latches the errors */
	kprintf("cpu%d: local APIC error %#x\n", curcpu,
	    lapic_read(LAPIC_ESR));
}

static void
timer_intr(struct trapframe *tf)
{
	watchdog_tick();
	callout_tick();
	sched_tick(TRAPF_USERMODE(tf));
}

void
lapic_init(void)
{
	intr_register(INTR_SPURIOUS, spurious_intr);
	intr_register(INTR_ERROR, error_intr);
	intr_register(INTR_TIMER, timer_intr);
	lapic = pmap_mapdev(acpi_info.lapic, LAPIC_LEN, PMAP_MAPDEV_UC);
	lapic_init_cpu();
}

void
lapic_init_cpu(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	if ((base & APIC_BASE_X2APIC) != 0)
		panic("cpu%d: the firmware left the local APIC in x2APIC "
		    "mode: switch that off in its set-up", curcpu);
	wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
	pcpu_self()->pc_apicid = lapic_id();
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | INTR_TIMER);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
	lapic_write(LAPIC_LVT_ERROR, INTR_ERROR);
	lapic_write(LAPIC_ESR, 0);
	lapic_write(LAPIC_SVR, SVR_ENABLE | INTR_SPURIOUS);
	lapic_eoi();
}

/* How fast the timer counts, against the TSC. */
void
lapic_timer_calibrate(void)
{
	uint64_t start, ns;
	uint32_t left;

	lapic_write(LAPIC_TIMER_DIV, TIMER_DIV_16);
	start = md_uptime();
	lapic_write(LAPIC_TIMER_INIT, UINT32_MAX);
	md_delay(CALIBRATE);
	left = lapic_read(LAPIC_TIMER_CUR);
	ns = md_uptime() - start;
	lapic_write(LAPIC_TIMER_INIT, 0);
	timer_count = (uint32_t)((uint64_t)(UINT32_MAX - left) *
	    (NSEC_PER_SEC / HZ) / ns);
	if (timer_count == 0)
		panic("the local APIC timer does not count");
}

void
lapic_timer_start(void)
{
	lapic_write(LAPIC_TIMER_DIV, TIMER_DIV_16);
	lapic_write(LAPIC_LVT_TIMER, LVT_PERIODIC | INTR_TIMER);
	lapic_write(LAPIC_TIMER_INIT, timer_count);
}

/* Send cmd; bounded, because panic comes here too. */
static void
icr_write(uint32_t apicid, uint32_t cmd)
{
	uint64_t flags = intr_disable();
	unsigned i;

	for (i = 0; i < ICR_SPIN; i++) {
		if ((lapic_read(LAPIC_ICR_LO) & ICR_PENDING) == 0)
			break;
		cpu_spinwait();
	}
	lapic_write(LAPIC_ICR_HI, apicid << 24);
	lapic_write(LAPIC_ICR_LO, cmd);
	intr_restore(flags);
}

void
lapic_ipi(uint32_t apicid, unsigned vector)
{
	icr_write(apicid, vector | ICR_ASSERT);
}

void
lapic_ipi_nmi(uint32_t apicid)
{
	icr_write(apicid, ICR_NMI | ICR_ASSERT);
}

void
lapic_ipi_init(uint32_t apicid)
{
	icr_write(apicid, ICR_INIT | ICR_ASSERT);
}

void
lapic_ipi_startup(uint32_t apicid, vm_paddr_t page)
{
	KASSERT(page < 0x100000 && (page & PAGE_MASK) == 0,
	    "a CPU cannot start at %#lx", page);
	icr_write(apicid, ICR_STARTUP | ICR_ASSERT |
	    (uint32_t)(page >> PAGE_SHIFT));
}
