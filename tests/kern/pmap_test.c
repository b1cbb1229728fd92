/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_test.c: what only real CPUs can show of the pmap: that no access gets
 * through a right that was taken away, that lost interrupts are made good, and
 * that concurrent operations leave consistent tables.  The cases that need one
 * CPU are tests/contract/pmap_contract.c.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/pmap.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/ktest.h>
#include <sys/md.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <sys/uaddr.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

#include "../contract/cpu_access.h"

#define VA		0x0000000040000000UL
#define MAXWORKERS	8
#define RACE_PAGES	16
#define RACE_PMAPS	3
#define RACE_VAS	1024

/*
 * Each test ends after so many rounds or so much time: with more CPUs than the
 * host has, a shootdown takes as long as the host takes to run them all.
 */
#define QUICK_ROUNDS	3000
#define QUICK_TIME	(2 * NSEC_PER_SEC)
#define LONG_ROUNDS	400000
#define LONG_TIME	(120 * NSEC_PER_SEC)
#define RACE_STEPS	20000

/* pmap_switch: the current thread runs in pm; kernel threads only. */
static void
pmap_switch(struct pmap *pm)
{
	critical_enter();
	curthread->td_pmap = pm;
	pmap_activate(pm);
	critical_exit();
}

bool
cpu_load64(struct pmap *pm, vm_offset_t va, uint64_t *v)
{
	bool ok;

	pmap_switch(pm);
	ok = fuword64(uaddr(va), v) == 0;
	pmap_switch(NULL);
	return ok;
}

bool
cpu_store64(struct pmap *pm, vm_offset_t va, uint64_t v)
{
	bool ok;

	pmap_switch(pm);
	ok = suword64(uaddr(va), v) == 0;
	pmap_switch(NULL);
	return ok;
}

/* ---- workers ---- */

/* One thread on each CPU but the runner's, or two on a single CPU. */
struct crew {
	void		(*fn)(void *arg, unsigned worker);
	void		*arg;
	unsigned	 started;	/* [a] */
	unsigned	 running;	/* [a] */
	bool		 stop;		/* [a] */
};

static void
crew_main(void *arg)
{
	struct crew *c = arg;

	c->fn(c->arg, atomic_fetchadd(&c->started, 1));
	pmap_switch(NULL);
	atomic_sub(&c->running, 1);
	thread_exit();
}

static unsigned
crew_start(struct crew *c)
{
	cpumask_t others = all_cpus & ~(1UL << curcpu), cpus = others;
	unsigned n = 0, want = others != 0 ?
	    (unsigned)__builtin_popcountl(others) : 2;
	struct thread *td;

	for (want = MIN(want, MAXWORKERS); n < want; n++) {
		if (thread_create(crew_main, c, "crew", &td) != 0)
			break;
		if (cpus != 0) {
			sched_bind(td, cpus & -cpus);
			cpus &= cpus - 1;
		}
		atomic_add(&c->running, 1);
		thread_start(td);
	}
	while (atomic_load(&c->started) < n)
		sched_yield();
	return n;
}

static void
crew_stop(struct crew *c)
{
	atomic_store(&c->stop, true);
	while (atomic_load(&c->running) != 0)
		sched_yield();
}

/* ---- pages, kept shared-busy so that every thread may enter them ---- */

static struct vm_object *
pages_alloc(struct vm_page **pages, unsigned n)
{
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, n);

	vm_object_lock(object);
	for (unsigned i = 0; i < n; i++) {
		pages[i] = vm_page_alloc(object, i, VM_ALLOC_ZERO);
		if (pages[i] == NULL)
			panic("no memory for %u test pages", n);
		*(uint64_t *)pmap_page_kva(pages[i]) = i + 1;
		vm_page_busy_downgrade(pages[i]);
	}
	vm_object_unlock(object);
	return object;
}

static void
pages_free(struct vm_object *object, struct vm_page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		pmap_remove_all(pages[i]);
		vm_page_sunbusy(pages[i]);
	}
	vm_object_deallocate(object);
}

/* ---- no stale access ---- */

/* What holds from the change of state until the next one. */
enum phase { PH_CHANGING, PH_GONE, PH_READONLY, PH_SECOND, PHASES };

struct probe {
	struct crew	 crew;
	struct pmap	*pm;
	uint64_t	 state;		/* [a] generation * PHASES + phase */
	uint64_t	 probes, hits;	/* [a] */
	struct vm_page	*page;		/* [c] of watch_main */
	bool		(*through)(struct probe *p);	/* [c] the same */
};

/* probe_once: an access that the phase forbids; does it get through? */
static bool
probe_once(enum phase phase)
{
	uint64_t v = 0;

	switch (phase) {
	case PH_GONE:
		return fuword64(uaddr(VA), &v) == 0;
	case PH_READONLY:
		return suword64(uaddr(VA + 8), 1) == 0;
	case PH_SECOND:
		return fuword64(uaddr(VA), &v) == 0 && v != 2;
	case PH_CHANGING:
	case PHASES:
		/* fill the TLB, for reading and for writing */
		if (fuword64(uaddr(VA), &v) == 0 &&
		    suword64(uaddr(VA + 8), 1) != 0)
			v = 0;
		break;
	}
	return false;
}

static void
probe_main(void *arg, unsigned worker)
{
	struct probe *p = arg;
	uint64_t before, n = 0;

	(void)worker;
	pmap_switch(p->pm);
	while (!atomic_load(&p->crew.stop)) {
		before = atomic_load(&p->state);
		if (probe_once(before % PHASES) &&
		    atomic_load(&p->state) == before)
			atomic_add(&p->hits, 1);
		n++;
	}
	atomic_add(&p->probes, n);
}

static void
probe_enter(struct probe *p, struct vm_page *m)
{
	if (pmap_enter(p->pm, VA, m, VM_PROT_RW, VM_PROT_RW, 0) != 0)
		panic("no memory to map a test page");
}

/* probe_round: map, let the others use it, take a right away, look. */
static void
probe_round(struct probe *p, uint64_t gen, struct vm_page **pages)
{
	enum phase after = PH_GONE;

	probe_enter(p, pages[0]);
	for (unsigned i = 0; i < 20; i++)
		cpu_spinwait();
	switch (gen % 6) {
	case 0:
		pmap_remove(p->pm, VA, VA + PAGE_SIZE);
		break;
	case 1:
		pmap_remove_all(pages[0]);
		break;
	case 2:
		pmap_protect(p->pm, VA, VA + PAGE_SIZE, VM_PROT_READ);
		after = PH_READONLY;
		break;
	case 3:
		pmap_remove_write(pages[0]);
		after = PH_READONLY;
		break;
	case 4:
		probe_enter(p, pages[1]);
		after = PH_SECOND;
		break;
	default:
		pmap_remove(p->pm, VA - 64 * PAGE_SIZE, VA + 64 * PAGE_SIZE);
		break;
	}
	atomic_store(&p->state, gen * PHASES + after);
	for (unsigned i = 0; i < 20; i++)
		cpu_spinwait();
	atomic_store(&p->state, gen * PHASES + PH_CHANGING);
}

static void
probe_run(struct ktest_ctx *t, uint64_t rounds, nsec_t time)
{
	nsec_t until = md_uptime() + time;
	struct probe p = { .crew = { .fn = probe_main, .arg = &p } };
	uint64_t sent = vm_meter_sum(VM_METER_v_tlb_rounds);
	struct vm_object *object;
	struct vm_page *pages[2];
	uint64_t gen;
	unsigned n;

	object = pages_alloc(pages, 2);
	if ((p.pm = pmap_create()) == NULL)
		panic("no memory for a pmap");
	n = crew_start(&p.crew);
	for (gen = 1; gen <= rounds && md_uptime() < until; gen++) {
		probe_round(&p, gen, pages);
		if (mp_ncpus == 1 && gen % 64 == 0)
			sched_yield();
	}
	crew_stop(&p.crew);
	pages_free(object, pages, 2);
	pmap_check(p.pm);
	pmap_destroy(p.pm);
	ktest_diag(t, "%u workers, %lu rounds, %lu probes, %lu shootdowns", n,
	    gen - 1, p.probes, vm_meter_sum(VM_METER_v_tlb_rounds) - sent);
	KT_CHECK(t, p.hits == 0, "%lu stale accesses", p.hits);
}

KTEST(pmap, no_stale_access)
{
	probe_run(t, QUICK_ROUNDS, QUICK_TIME);
}

KTEST_FLAGS(pmap, no_stale_access_long, KTEST_SLOW)
{
	probe_run(t, LONG_ROUNDS, LONG_TIME);
}

/* ---- lost interrupts, lazy CPUs ---- */

KTEST(pmap, lost_interrupt_is_sent_again)
{
	struct probe p = { .crew = { .fn = probe_main, .arg = &p } };
	uint64_t again = vm_meter_sum(VM_METER_v_tlb_resends);
	struct vm_object *object;
	struct vm_page *pages[2];
	nsec_t former;

	if (mp_ncpus == 1)
		KT_SKIP(t, "one CPU");
	object = pages_alloc(pages, 2);
	if ((p.pm = pmap_create()) == NULL)
		panic("no memory for a pmap");
	crew_start(&p.crew);
	former = pmap_tlb_set_timeout(50 * NSEC_PER_MSEC);
	for (uint64_t gen = 1; gen <= 3; gen++) {
		probe_enter(&p, pages[0]);
		md_delay(NSEC_PER_MSEC);	/* the others have it now */
		pmap_tlb_drop_next(1);
		pmap_remove(p.pm, VA, VA + PAGE_SIZE);
		atomic_store(&p.state, gen * PHASES + PH_GONE);
		md_delay(NSEC_PER_MSEC);
		atomic_store(&p.state, gen * PHASES + PH_CHANGING);
	}
	pmap_tlb_drop_next(0);
	pmap_tlb_set_timeout(former);
	crew_stop(&p.crew);
	pages_free(object, pages, 2);
	pmap_destroy(p.pm);
	again = vm_meter_sum(VM_METER_v_tlb_resends) - again;
	/* A worker that happens to poll answers without the interrupt. */
	KT_CHECK(t, again >= 1, "%lu resends", again);
	KT_CHECK(t, p.hits == 0, "%lu stale accesses", p.hits);
}

/*
 * Removals of pages[0], by turns by pmap_remove and by other, while the crew looks
 * on; an interrupt is lost each time.
 */
static void
probe_removals(struct probe *p,
    void (*other)(struct probe *p, struct vm_page **pages))
{
	struct vm_page *pages[2];
	struct vm_object *object = pages_alloc(pages, 2);
	nsec_t former;

	p->page = pages[0];
	if ((p->pm = pmap_create()) == NULL)
		panic("no memory for a pmap");
	crew_start(&p->crew);
	former = pmap_tlb_set_timeout(20 * NSEC_PER_MSEC);
	for (uint64_t gen = 1; gen <= 6; gen++) {
		probe_enter(p, pages[0]);
		md_delay(NSEC_PER_MSEC);	/* the others have it now */
		atomic_store(&p->state, gen * PHASES + PH_GONE);
		pmap_tlb_drop_next(1);
		if (gen % 2 == 0)
			pmap_remove(p->pm, VA, VA + PAGE_SIZE);
		else
			other(p, pages);
		atomic_store(&p->state, gen * PHASES + PH_CHANGING);
	}
	pmap_tlb_drop_next(0);
	pmap_tlb_set_timeout(former);
	crew_stop(&p->crew);
	pages_free(object, pages, 2);
	pmap_destroy(p->pm);
}

/* While the mapping is gone: does what p asks for get through? */
static void
watch_main(void *arg, unsigned worker)
{
	struct probe *p = arg;
	uint64_t before;

	(void)worker;
	pmap_switch(p->pm);
	while (!atomic_load(&p->crew.stop)) {
		before = atomic_load(&p->state);
		if (before % PHASES != PH_GONE)
			(void)probe_once(PH_CHANGING);
		else if (p->through(p) && atomic_load(&p->state) == before)
			atomic_add(&p->hits, 1);
	}
}

/* An access of a page that has no mappings. */
static bool
through_record(struct probe *p)
{
	return !pmap_page_is_mapped(p->page) && probe_once(PH_SECOND);
}

static void
by_replacement(struct probe *p, struct vm_page **pages)
{
	probe_enter(p, pages[1]);
}

/* Does a mapping stay on record until no CPU has it, though an interrupt is
 * lost?  By removal and by replacement. */
KTEST(pmap, record_outlives_shootdown)
{
	struct probe p = { .crew = { .fn = watch_main, .arg = &p },
	    .through = through_record };

	if (mp_ncpus == 1)
		KT_SKIP(t, "one CPU");
	probe_removals(&p, by_replacement);
	KT_CHECK(t, p.hits == 0, "%lu accesses of a page that has no mappings",
	    p.hits);
}

/* A store after a protect, once all is being removed. */
static bool
through_protect(struct probe *p)
{
	if (pmap_resident_count(p->pm) != 0)
		return false;
	pmap_protect(p->pm, VA, VA + PAGE_SIZE, VM_PROT_READ);
	return probe_once(PH_READONLY);
}

static void
by_page(struct probe *p, struct vm_page **pages)
{
	(void)p;
	pmap_remove_all(pages[0]);
}

/* A pmap that has nothing mapped any more, though some CPU does: does protect
 * wait for the removal that is under way?  An interrupt is lost. */
KTEST(pmap, protect_waits_for_removal)
{
	struct probe p = { .crew = { .fn = watch_main, .arg = &p },
	    .through = through_protect };

	if (mp_ncpus == 1)
		KT_SKIP(t, "one CPU");
	probe_removals(&p, by_page);
	KT_CHECK(t, p.hits == 0, "%lu stores to a page that is read-only",
	    p.hits);
}

static void
lazy_main(void *arg, unsigned worker)
{
	struct probe *p = arg;

	(void)worker;
	pmap_switch(p->pm);
	(void)probe_once(PH_CHANGING);
	pmap_switch(NULL);		/* CR3 still has it */
	while (!atomic_load(&p->crew.stop))
		cpu_spinwait();
}

KTEST(pmap, destroy_sends_lazy_cpus_away)
{
	struct probe p = { .crew = { .fn = lazy_main, .arg = &p } };
	struct vm_object *object;
	struct vm_page *pages[1];

	(void)t;
	object = pages_alloc(pages, 1);
	for (unsigned round = 0; round < 8; round++) {
		if ((p.pm = pmap_create()) == NULL)
			panic("no memory for a pmap");
		atomic_store(&p.crew.stop, false);
		atomic_store(&p.crew.started, 0);
		probe_enter(&p, pages[0]);
		crew_start(&p.crew);
		if (round % 2 == 0)
			crew_stop(&p.crew);
		pmap_remove_all(pages[0]);
		pmap_check(p.pm);
		if (round % 2 != 0)
			crew_stop(&p.crew);
		pmap_destroy(p.pm);
	}
	pages_free(object, pages, 1);
}

/* ---- what a shootdown costs ---- */

/* stay_main: be a CPU that runs in the pmap, and then has it lazily. */
static void
stay_main(void *arg, unsigned worker)
{
	struct probe *p = arg;

	(void)worker;
	pmap_switch(p->pm);
	atomic_add(&p->probes, 1);
	while (atomic_load(&p->state) == 0)
		cpu_spinwait();
	pmap_switch(NULL);
	atomic_add(&p->probes, 1);
	while (!atomic_load(&p->crew.stop))
		cpu_spinwait();
}

/* The rounds and interrupts since the last call. */
struct cost {
	uint64_t	rounds, ipis;
};

static struct cost
cost_since(struct cost *last)
{
	struct cost now = { vm_meter_sum(VM_METER_v_tlb_rounds),
	    vm_meter_sum(VM_METER_v_tlb_ipis) };
	struct cost d = { now.rounds - last->rounds, now.ipis - last->ipis };

	*last = now;
	return d;
}

/* cost_map: 600 pages in two page tables, with the access given. */
static void
cost_map(struct pmap *pm, struct vm_page *m, vm_prot_t access)
{
	for (unsigned i = 0; i < 600; i++)
		if (pmap_enter(pm, VA + i * PAGE_SIZE, m, VM_PROT_RW, access,
		    0) != 0)
			panic("no memory to map a test page");
}

static void
cost_check(struct ktest_ctx *t, struct probe *p, struct vm_page *m, unsigned n)
{
	vm_offset_t end = VA + 600 * PAGE_SIZE;
	struct cost c = { 0, 0 }, d;

	(void)cost_since(&c);
	cost_map(p->pm, m, VM_PROT_READ);
	d = cost_since(&c);
	KT_CHECK(t, d.rounds == 0, "entering sent %lu", d.rounds);
	pmap_protect(p->pm, VA, end, VM_PROT_READ);
	d = cost_since(&c);
	KT_CHECK(t, d.rounds == 1 && d.ipis == n, "protecting 600 pages: %lu "
	    "rounds, %lu interrupts", d.rounds, d.ipis);
	pmap_protect(p->pm, VA, end, VM_PROT_READ);
	d = cost_since(&c);
	KT_CHECK(t, d.rounds == 0, "protecting again: %lu", d.rounds);
	pmap_remove(p->pm, VA, end);
	d = cost_since(&c);
	KT_CHECK(t, d.rounds == 1 && d.ipis == n, "removing 600 pages: %lu "
	    "rounds, %lu interrupts", d.rounds, d.ipis);

	/* All go lazy; the next shootdown is the last they hear of. */
	atomic_store(&p->state, 1);
	while (atomic_load(&p->probes) < 2 * n)
		cpu_spinwait();
	(void)cost_since(&c);
	cost_map(p->pm, m, VM_PROT_READ);
	pmap_remove(p->pm, VA, VA + PAGE_SIZE);
	d = cost_since(&c);
	KT_CHECK(t, d.rounds == 1, "while lazy: %lu rounds", d.rounds);
	pmap_remove(p->pm, VA, end);
	d = cost_since(&c);
	KT_CHECK(t, d.rounds == 0, "after they left: %lu rounds", d.rounds);
}

KTEST(pmap, one_round_an_operation)
{
	struct probe p = { .crew = { .fn = stay_main, .arg = &p } };
	struct vm_object *object;
	struct vm_page *pages[1];
	unsigned n;

	if (mp_ncpus == 1)
		KT_SKIP(t, "one CPU");
	object = pages_alloc(pages, 1);
	if ((p.pm = pmap_create()) == NULL)
		panic("no memory for a pmap");
	n = crew_start(&p.crew);
	while (atomic_load(&p.probes) < n)
		cpu_spinwait();
	cost_check(t, &p, pages[0], n);
	atomic_store(&p.state, 1);
	crew_stop(&p.crew);
	pages_free(object, pages, 1);
	pmap_destroy(p.pm);
}

/* ---- concurrent operations ---- */

struct race {
	struct crew	 crew;
	struct pmap	*pm[RACE_PMAPS];
	struct vm_page	*pages[RACE_PAGES];
	uint64_t	 seed;
	uint64_t	 ops;		/* [a] */
};

static void
race_step(struct race *r, struct prng *g)
{
	struct pmap *pm = r->pm[prng_below(g, RACE_PMAPS)];
	struct vm_page *m = r->pages[prng_below(g, RACE_PAGES)];
	vm_offset_t va = VA + prng_below(g, RACE_VAS) * PAGE_SIZE;
	vm_offset_t end = MIN(va + prng_below(g, 64) * PAGE_SIZE,
	    VA + RACE_VAS * PAGE_SIZE);
	int n = 0;		/* mapped or not: the CPU has looked */

	switch (prng_below(g, 16)) {
	case 0:
		pmap_remove(pm, va, end);
		break;
	case 1:
		pmap_protect(pm, va, end, VM_PROT_READ);
		break;
	case 2:
		pmap_remove_all(m);
		break;
	case 3:
		pmap_remove_write(m);
		break;
	case 4:
		pmap_ts_referenced(m);
		break;
	case 5:
		pmap_clear_modify(m);
		break;
	case 6:
		(void)pmap_is_modified(m);
		break;
	case 7:
		pmap_switch(pm);
		n = suword64(uaddr(va), 1);
		break;
	default:
		if (pmap_enter(pm, va, m, VM_PROT_RW, VM_PROT_READ, 0) != 0)
			panic("no memory to map a test page");
	}
	(void)n;
}

static void
race_main(void *arg, unsigned worker)
{
	struct race *r = arg;
	struct prng g;
	uint64_t n = 0;

	prng_seed(&g, r->seed + worker);
	for (; !atomic_load(&r->crew.stop); n++)
		race_step(r, &g);
	atomic_add(&r->ops, n);
}

KTEST(pmap, concurrent_operations_agree)
{
	struct race r = { .crew = { .fn = race_main, .arg = &r },
	    .seed = t->seed };
	uint64_t tables = pmap_pt_count(), pvs = pmap_pv_count();
	nsec_t until = md_uptime() + QUICK_TIME;
	struct vm_object *object;
	unsigned n, i;

	object = pages_alloc(r.pages, RACE_PAGES);
	for (i = 0; i < RACE_PMAPS; i++)
		if ((r.pm[i] = pmap_create()) == NULL)
			panic("no memory for a pmap");
	crew_start(&r.crew);
	for (n = 0; n < RACE_STEPS && md_uptime() < until; n++) {
		race_step(&r, &t->prng);
		if (mp_ncpus == 1 && n % 512 == 0)
			sched_yield();
	}
	crew_stop(&r.crew);
	pmap_switch(NULL);
	for (i = 0; i < RACE_PMAPS; i++)
		pmap_check(r.pm[i]);
	pages_free(object, r.pages, RACE_PAGES);
	for (i = 0; i < RACE_PMAPS; i++) {
		pmap_check(r.pm[i]);
		pmap_destroy(r.pm[i]);
	}
	ktest_diag(t, "%u workers, %lu operations", r.crew.started, r.ops + n);
	KT_CHECK(t, pmap_pt_count() == tables && pmap_pv_count() == pvs,
	    "%lu tables, %lu mappings left", pmap_pt_count() - tables,
	    pmap_pv_count() - pvs);
}

/* ---- rights of the kernel's own memory ---- */

KTEST(pmap, kernel_is_write_xor_execute)
{
	vm_prot_t prot = 0;

	(void)t;
	pmap_check(kernel_pmap);
	KT_CHECK(t, pmap_extract(kernel_pmap, (vm_offset_t)pmap_switch,
	    &prot) != 0 && prot == (VM_PROT_READ | VM_PROT_EXECUTE),
	    "text has %x", prot);
	KT_CHECK(t, pmap_extract(kernel_pmap, (vm_offset_t)&kernel_pmap,
	    &prot) != 0 && prot == VM_PROT_READ, "rodata has %x", prot);
	KT_CHECK(t, pmap_extract(kernel_pmap, (vm_offset_t)&all_cpus,
	    &prot) != 0 && prot == VM_PROT_RW, "data has %x", prot);
	KT_CHECK(t, pmap_extract(kernel_pmap, (vm_offset_t)PHYS_TO_DMAP(
	    pmap_extract(kernel_pmap, (vm_offset_t)pmap_switch, NULL)),
	    &prot) != 0 && prot == VM_PROT_READ,
	    "text by the direct map has %x", prot);
}
