/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_tlb.c: which CPU runs which pmap, and TLB shootdown.
 *
 * A sender points its own slot at what is to be flushed, sets tc_pending to
 * the targets, names itself in each target's tc_senders and interrupts it.  A
 * target takes tc_senders, flushes for each of them and clears its own bit in
 * that sender's tc_pending; the sender waits for tc_pending to become empty,
 * serving its own tc_senders meanwhile, as every spinning CPU does
 * (md_spin_poll).  So there is no lock, one round an operation, and two CPUs
 * that shoot at each other both get on.
 *
 *	IDLE --fill tc_batch--> FILLED --store tc_pending--> SENT
 *	SENT --each target clears its bit--> ... --last bit--> IDLE
 *	SENT --time-out: name ourselves and interrupt again--> SENT
 *
 * I1 a target reads tc_batch only while its bit in tc_pending is set, which the
 *    sender set after filling it: a leftover bit in tc_senders (from a time-out
 *    or a slow interrupt) finds no request, or a later one that is whole;
 * I2 pm_active has a CPU's bit from before CR3 is loaded until another CR3 is.
 *    A sender changes entries, then reads pm_active (both locked operations):
 *    a CPU it does not see loads CR3 after the change;
 * I3 lazy: a CPU that went to a kernel thread keeps CR3 and its bit; the next
 *    shootdown makes it leave for the kernel's tables, so it is asked once.
 *
 * Locks: none; the sender has preemption off, handlers run with interrupts off.
 */
#include "pmap_priv.h"

#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/intr.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/smp.h>
#include <sys/thread.h>

#define KERNEL_PAGES_MAX 64	/* a longer kernel range: flush everything */
#define CLOCK_POLLS	256	/* polls between looks at the clock */
#define RESENDS_MAX	15	/* then the target is taken for dead */

/* One per CPU; the first two words are written by others. */
static struct tlb_cpu {
	cpumask_t	 tc_senders;	/* [a] CPUs with a request for us */
	cpumask_t	 tc_pending;	/* [a] targets that have not answered us */
	const struct tlb_batch *tc_batch;	/* our request; I1 */
	struct pmap	*tc_loaded;	/* this CPU: whose tables CR3 has, NULL:
					 * the kernel's */
} __aligned(CACHE_LINE) tlb_cpu[MAXCPU];

static nsec_t	 tlb_timeout = NSEC_PER_SEC;
static unsigned	 tlb_drop;	/* [a] interrupts to lose, for tests */

/* ---- this CPU ---- */

/* tlb_leave: to the kernel's tables; interrupts off. */
static void
tlb_leave(struct tlb_cpu *tc, cpumask_t self)
{
	struct pmap *pm = tc->tc_loaded;

	load_cr3(kernel_pml4_pa);
	tc->tc_loaded = NULL;
	atomic_and(&pm->pm_active, ~self);
}

void
pmap_activate(struct pmap *pm)
{
	uint64_t flags = intr_disable();
	struct pcpu *pc = pcpu_self();
	struct tlb_cpu *tc = &tlb_cpu[pc->pc_cpuid];
	cpumask_t self = 1UL << pc->pc_cpuid;
	struct pmap *old = tc->tc_loaded;

	pc->pc_curpmap = pm;
	if (pm != NULL && pm != old) {
		atomic_or(&pm->pm_active, self);	/* I2 */
		load_cr3(DMAP_TO_PHYS(pm->pm_pml4));
		tc->tc_loaded = pm;
		if (old != NULL)
			atomic_and(&old->pm_active, ~self);
	}
	intr_restore(flags);
}

static void
flush_all_user(void)
{
	load_cr3(rcr3());
}

/* flush_kernel: entries are global, so a new CR3 does not forget them. */
static void
flush_kernel(vm_offset_t start, vm_offset_t end)
{
	uint64_t cr4;

	if ((end - start) >> PAGE_SHIFT <= KERNEL_PAGES_MAX) {
		for (; start < end; start += PAGE_SIZE)
			invlpg(start);
		return;
	}
	cr4 = rcr4();
	if ((cr4 & CR4_PGE) == 0) {
		flush_all_user();
		return;
	}
	load_cr4(cr4 & ~CR4_PGE);
	load_cr4(cr4);
}

static void
flush_local(const struct tlb_batch *tb)
{
	if (tb->pm == NULL)
		flush_kernel(tb->start, tb->end);
	else if (tb->n > TLB_BATCH)
		flush_all_user();
	else
		for (unsigned i = 0; i < tb->n; i++)
			invlpg(tb->va[i]);
}

/* serve: one sender's request; interrupts off. */
static void
serve(struct tlb_cpu *tc, struct tlb_cpu *sender, cpumask_t self)
{
	const struct tlb_batch *tb;

	if ((atomic_load(&sender->tc_pending) & self) == 0)
		return;					/* I1 */
	tb = sender->tc_batch;
	if (tb->pm == NULL)
		flush_local(tb);
	else if (tb->pm == tc->tc_loaded) {
		if (pcpu_self()->pc_curpmap != tb->pm)
			tlb_leave(tc, self);		/* I3 */
		else
			flush_local(tb);
	}
	atomic_and(&sender->tc_pending, ~self);
}

void
pmap_tlb_handler(void)
{
	int cpu = curcpu;
	struct tlb_cpu *tc = &tlb_cpu[cpu];
	cpumask_t senders = atomic_swap(&tc->tc_senders, 0);

	for (; senders != 0; senders &= senders - 1)
		serve(tc, &tlb_cpu[__builtin_ctzl(senders)], 1UL << cpu);
}

void
md_spin_poll(void)
{
	uint64_t flags;

	/* Preempted here, we look at another CPU's word: it polls itself. */
	if (atomic_load(&tlb_cpu[curcpu].tc_senders) == 0)
		return;
	flags = intr_disable();
	pmap_tlb_handler();
	intr_restore(flags);
}

/* ---- the others ---- */

static bool
tlb_dropped(void)
{
	unsigned n = atomic_load(&tlb_drop);

	while (n != 0)
		if (atomic_fcmpset(&tlb_drop, &n, n - 1))
			return true;
	return false;
}

/* tlb_interrupt: always: also CPUs that were interrupted before. */
static void
tlb_interrupt(cpumask_t targets, bool always)
{
	cpumask_t self = 1UL << curcpu, before;
	int cpu;

	for (; targets != 0; targets &= targets - 1) {
		cpu = __builtin_ctzl(targets);
		before = atomic_fetchor(&tlb_cpu[cpu].tc_senders, self);
		/* An interrupt is on its way when a sender is still named:
		 * who takes that one's bit takes ours. */
		if ((before != 0 && !always) || tlb_dropped())
			continue;
		lapic_ipi(pcpu_data[cpu].pc_apicid, INTR_SHOOTDOWN);
	}
}

static void
tlb_resend(cpumask_t late, unsigned resends)
{
	kprintf("tlb: cpus %#lx did not answer cpu%d for %lu ms; "
	    "interrupting them again\n", late, curcpu,
	    tlb_timeout / NSEC_PER_MSEC);
	vm_meter_inc(v_tlb_resends);
	if (resends > RESENDS_MAX)
		panic("cpus %#lx do not answer a TLB shootdown after %u tries",
		    late, resends);
	tlb_interrupt(late, true);
}

/* tlb_shoot: make targets flush tb; returns when all have. */
static void
tlb_shoot(cpumask_t targets, const struct tlb_batch *tb)
{
	struct tlb_cpu *tc = &tlb_cpu[curcpu];
	unsigned polls = 0, resends = 0;
	nsec_t now, sent = 0;
	cpumask_t late;

	KASSERT(tc->tc_pending == 0, "cpu%d sends two shootdowns at once: "
	    "pending %#lx", curcpu, tc->tc_pending);
	vm_meter_inc(v_tlb_rounds);
	vm_meter_add(VM_METER_v_tlb_ipis,
	    (uint64_t)__builtin_popcountl(targets));
	tc->tc_batch = tb;
	atomic_store(&tc->tc_pending, targets);
	tlb_interrupt(targets, false);
	while ((late = atomic_load(&tc->tc_pending)) != 0) {
		if (__predict_false(atomic_load_relaxed(&panicking) != 0))
			break;		/* the others are being stopped */
		md_spin_poll();
		cpu_spinwait();
		if (++polls % CLOCK_POLLS != 0)
			continue;
		now = md_uptime();
		if (sent == 0)
			sent = now;
		else if (now - sent > tlb_timeout) {
			tlb_resend(late, ++resends);
			sent = now;
		}
	}
}

void
tlb_batch_flush(struct tlb_batch *tb)
{
	cpumask_t cpus, self;

	if (tb->n == 0)
		return;
	cpus = atomic_load(&tb->pm->pm_active);		/* I2 */
	self = 1UL << curcpu;
	if ((cpus & self) != 0)
		flush_local(tb);
	if ((cpus & ~self) != 0)
		tlb_shoot(cpus & ~self, tb);
}

void
tlb_flush_kernel(vm_offset_t start, vm_offset_t end)
{
	cpumask_t others = atomic_load(&all_cpus) & ~(1UL << curcpu);
	struct tlb_batch tb;

	tlb_batch_init(&tb, NULL);
	tb.start = start;
	tb.end = end;
	flush_local(&tb);
	if (others != 0)
		tlb_shoot(others, &tb);
}

void
tlb_evict(struct pmap *pm)
{
	struct tlb_cpu *tc;
	struct tlb_batch tb;
	uint64_t flags;

	critical_enter();
	tc = &tlb_cpu[curcpu];
	flags = intr_disable();
	if (tc->tc_loaded == pm) {
		KASSERT(pcpu_self()->pc_curpmap != pm,
		    "pmap %p is destroyed by a thread that runs in it",
		    (void *)pm);
		tlb_leave(tc, 1UL << curcpu);
	}
	intr_restore(flags);
	tlb_batch_init(&tb, pm);
	tb.n = TLB_BATCH + 1;
	tlb_batch_flush(&tb);
	critical_exit();
	KASSERT(atomic_load(&pm->pm_active) == 0,
	    "pmap %p is destroyed while cpus %#lx run it", (void *)pm,
	    pm->pm_active);
}

/* ---- for tests ---- */

void
pmap_tlb_drop_next(unsigned n)
{
	atomic_store(&tlb_drop, n);
}

nsec_t
pmap_tlb_set_timeout(nsec_t ns)
{
	return atomic_swap(&tlb_timeout, ns);
}
