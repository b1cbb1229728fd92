/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mp.c: starting the other CPUs, and interrupts between CPUs.
 *
 * CPUs start one at a time, in the order of the MADT, the boot CPU first.  The
 * state of the one that is starting:
 *
 *	IDLE -> KICKED		boot CPU: mailbox filled, INIT and start-up sent
 *	KICKED -> ALIVE		new CPU: runs C in the upper half
 *	ALIVE -> GO		boot CPU: it is in all_cpus now
 *	GO -> IDLE		new CPU: has flushed its TLB, its timer runs
 *	KICKED -> IDLE		boot CPU: no answer; its claim is withdrawn, it is
 *				left out
 *
 *	I1 from GO on the CPU takes part in every shootdown and cross-call; what
 *	   it cached in its TLB before, it flushes between GO and IDLE.
 *	I2 the mailbox is changed only in IDLE.
 *	I3 a CPU starts only if it takes its claim: one that is given up and comes
 *	   late (INIT does not stop a start-up interrupt that is on its way) halts
 *	   in the page below 1 MiB, which is used for nothing else.
 *
 * Locks: none.  Sources: Intel SDM vol. 3A, 9.4.4 (MP initialisation).
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <machine/pmap.h>
#include <machine/pmap_boot.h>
#include <machine/segments.h>
#include <machine/specialreg.h>
#include <sys/bootinfo.h>
#include <sys/callout.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <vm/vm_kern.h>

BOOT_OPTION(maxcpus, "maxcpus", "use at most so many CPUs");
BOOT_OPTION(apwait, "apwait", "how long a CPU may take to start, ms (2000)");

#define TRAMPOLINE_MIN	0x1000		/* not the real-mode vectors */
#define TRAMPOLINE_MAX	0x9f000		/* the EBDA may be above */
#define INIT_DELAY	(10 * NSEC_PER_MSEC)
#define STARTUP_DELAY	(200 * NSEC_PER_USEC)
#define START_TIMEOUT	2000		/* ms, unless apwait= */
#define SECOND_SIPI	50		/* ms */
#define CLAIM_TIMEOUT	(60 * NSEC_PER_SEC)

enum ap_state { AP_IDLE, AP_KICKED, AP_ALIVE, AP_GO };

/* ap_entry.S: the code to copy, and its mailbox (I2). */
extern const char	ap_entry[], ap_entry_end[], ap_claim[];
extern uint64_t		ap_boot_stack;
extern int		ap_boot_cpu;
uint64_t		ap_boot_stack;
int			ap_boot_cpu;
void			ap_start(int cpu) __noreturn;

static enum ap_state	ap_state;	/* [a] of the CPU that is starting */

static void
call_intr(struct trapframe *tf __unused)
{
	smp_call_handler();
}

static void
resched_intr(struct trapframe *tf __unused)
{
	/* td_needresched is set; the return path looks at it. */
}

static void
shootdown_intr(struct trapframe *tf __unused)
{
	pmap_tlb_handler();
}

void
md_ipi_call(cpumask_t mask)
{
	for (; mask != 0; mask &= mask - 1)
		lapic_ipi(pcpu_data[__builtin_ctzl(mask)].pc_apicid,
		    INTR_CALL);
}

void
md_ipi_resched(int cpu)
{
	lapic_ipi(pcpu_data[cpu].pc_apicid, INTR_RESCHED);
}

void
md_ipi_stop(cpumask_t mask)
{
	struct pcpu *pc;

	for (; mask != 0; mask &= mask - 1) {
		pc = &pcpu_data[__builtin_ctzl(mask)];
		atomic_store(&pc->pc_stopasked, 1);
		lapic_ipi_nmi(pc->pc_apicid);
	}
}

/* A page of RAM below 1 MiB; vm_phys was not given any of that. */
static vm_paddr_t
trampoline_find(void)
{
	const struct bootinfo_region *r;
	vm_paddr_t pa;
	unsigned i;

	for (i = 0; i < bootinfo.nregions; i++) {
		r = &bootinfo.region[i];
		pa = MAX(r->start, TRAMPOLINE_MIN);
		if (pa < MIN(r->end, TRAMPOLINE_MAX))
			return pa;
	}
	return 0;
}

static bool
ap_wait(enum ap_state state, nsec_t timeout)
{
	nsec_t until = md_uptime() + timeout;

	while (atomic_load(&ap_state) != state) {
		if (md_uptime() > until)
			return atomic_load(&ap_state) == state;
		cpu_spinwait();
	}
	return true;
}

/* INIT, then one or two start-up interrupts, as the SDM has it. */
static bool
ap_kick(uint32_t apicid, vm_paddr_t page)
{
	uint32_t *claim = (uint32_t *)(void *)((char *)PHYS_TO_DMAP(page) +
	    (ap_claim - ap_entry)), mine = apicid + 1;
	uint64_t ms = bootopt_u64("apwait", START_TIMEOUT);

	atomic_store(claim, mine);
	lapic_ipi_init(apicid);
	md_delay(INIT_DELAY);
	lapic_ipi_startup(apicid, page);
	md_delay(STARTUP_DELAY);
	if (ap_wait(AP_ALIVE, MIN(ms, SECOND_SIPI) * NSEC_PER_MSEC))
		return true;
	lapic_ipi_startup(apicid, page);
	if (ap_wait(AP_ALIVE, ms * NSEC_PER_MSEC))
		return true;
	if (atomic_fcmpset(claim, &mine, 0))
		return false;
	if (!ap_wait(AP_ALIVE, CLAIM_TIMEOUT))	/* I3: on its way */
		panic("local APIC %u began to start and does not come",
		    apicid);
	return true;
}

/* Start one CPU; false: it is left out. */
static bool
ap_bringup(int cpu, uint32_t apicid, vm_paddr_t page)
{
	vm_offset_t stack = 0;

	if (gdt_alloc_cpu(cpu) == 0)
		stack = kmem_alloc_guarded(KSTACK_SIZE, 0);
	if (stack == 0) {
		kprintf("cpu%d: no memory for its stacks\n", cpu);
		return false;
	}
	idle_thread[cpu].td_kstack = stack;
	ap_boot_stack = stack + KSTACK_SIZE;
	ap_boot_cpu = cpu;
	atomic_store(&ap_state, AP_KICKED);
	if (!ap_kick(apicid, page)) {
		atomic_store(&ap_state, AP_IDLE);
		kmem_free_guarded(stack, KSTACK_SIZE);
		kprintf("cpu%d: local APIC %u does not start\n", cpu, apicid);
		return false;
	}
	tsc_skew_boot(cpu);
	atomic_or(&all_cpus, (cpumask_t)1 << cpu);
	mp_ncpus++;
	atomic_store(&ap_state, AP_GO);
	while (atomic_load(&ap_state) != AP_IDLE)
		cpu_spinwait();
	return true;
}

void
md_mp_start(void)
{
	const struct acpi_info *ai = &acpi_info;
	uint64_t max = bootopt_u64("maxcpus", MAXCPU);
	vm_paddr_t page = trampoline_find();
	unsigned i;

	intr_register(INTR_CALL, call_intr);
	intr_register(INTR_RESCHED, resched_intr);
	intr_register(INTR_SHOOTDOWN, shootdown_intr);
	pcpu_data[0].pc_online = true;
	if (page == 0 && ai->ncpus > 1)
		kprintf("mp: no RAM below 640 KiB, one CPU only\n");
	if (page != 0)
		memcpy(PHYS_TO_DMAP(page), ap_entry,
		    (size_t)(ap_entry_end - ap_entry));
	for (i = 0; page != 0 && i < ai->ncpus; i++) {
		if ((uint64_t)mp_ncpus >= MIN(max, MAXCPU))
			break;
		if (ai->apicid[i] != pcpu_data[0].pc_apicid)
			(void)ap_bringup(mp_ncpus, ai->apicid[i], page);
	}
	boot_pml4[0] = 0;	/* no CPU needs the identity map any more */
	kprintf("mp: %d of %u CPUs\n", mp_ncpus, MAX(ai->ncpus, 1));
}

/* Global entries too, which loading CR3 leaves in place. */
static void
tlb_flush_all(void)
{
	uint64_t cr4 = rcr4();

	load_cr4(cr4 & ~(uint64_t)CR4_PGE);
	load_cr4(cr4);
	load_cr3(rcr3());
}

/* From ap_entry.S, on the idle thread's stack, interrupts off. */
void
ap_start(int cpu)
{
	gdt_init_cpu(cpu);
	pcpu_data[cpu].pc_curthread = &idle_thread[cpu];
	idt_load();
	identcpu_cpu();
	syscall_init_cpu();
	lapic_init_cpu();
	atomic_store(&ap_state, AP_ALIVE);
	tsc_skew_ap();
	while (atomic_load(&ap_state) != AP_GO)
		cpu_spinwait();
	tlb_flush_all();
	pcpu_data[cpu].pc_online = true;
	sched_init_cpu(cpu);
	callout_init_cpu(cpu);
	lapic_timer_start();
	atomic_store(&ap_state, AP_IDLE);
	sched_start();
}
