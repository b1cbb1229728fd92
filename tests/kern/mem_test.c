/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem_test.c: pages, zones and kernel memory with true preemption, true CPUs
 * and true page tables.  What each allocator does alone is tested on the host.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/kmalloc.h>
#include <sys/ktest.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_kern.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "kt_group.h"

#define HELD_MAX	64
#define ROUNDS		4000

static struct kt_group group;

#define PT_SLACK	8	/* page tables of kernel memory that stay */

/* Pages that are free or kernel memory: thread stacks come and go as tests do,
 * but the sum stays, but for page tables behind addresses not used before. */
static uint64_t
pages_accounted(void)
{
	return vm_phys_free_count() + kmem_page_count();
}

static bool
pages_are_back(uint64_t before)
{
	uint64_t now = pages_accounted();

	return now <= before && before - now <= PT_SLACK;
}

/* Two threads for each CPU, so that each is preempted. */
static unsigned
crowd(void)
{
	return MIN(2 * (unsigned)mp_ncpus, 16);
}

static void
page_mark(struct vm_page *m, uint64_t v)
{
	uint64_t *p = pmap_page_kva(m);

	p[0] = v;
	p[PAGE_SIZE / sizeof(*p) - 1] = ~v;
}

static bool
page_marked(struct vm_page *m, uint64_t v)
{
	const uint64_t *p = pmap_page_kva(m);

	return p[0] == v && p[PAGE_SIZE / sizeof(*p) - 1] == ~v;
}

static void
page_thread(struct kt_thread *kt)
{
	struct vm_page *held[HELD_MAX];
	uint64_t mark = 0xabcd0000UL + kt->index;
	unsigned i, n = 0;

	for (i = 0; i < ROUNDS || n > 0; i++) {
		if (i < ROUNDS && n < HELD_MAX &&
		    prng_below(&kt->prng, 2) == 0) {
			held[n] = vm_page_alloc_unowned(VM_ALLOC_NORMAL);
			if (held[n] != NULL)
				page_mark(held[n++], mark);
		} else if (n > 0) {
			n--;
			KT_CLAIM(kt, page_marked(held[n], mark),
			    "page %lx was another thread's too",
			    held[n]->phys_addr);
			vm_page_free_unowned(held[n]);
		}
		if (prng_below(&kt->prng, 500) == 0)
			vm_phys_drain_all();
		if (prng_below(&kt->prng, 100) == 0)
			sched_yield();
	}
}

/* Has each page one owner, while caches are drained from other CPUs? */
KTEST(mem, pages_have_one_owner)
{
	uint64_t before = pages_accounted();
	unsigned bad;

	bad = kt_group_run(&group, t, crowd(), page_thread, NULL);
	KT_CHECK(t, bad == 0, "%u claims", bad);
	KT_CHECK(t, pages_are_back(before), "%lu pages, %lu before",
	    pages_accounted(), before);
	vm_phys_check();
}

/*
 * Running out: each thread wants more than there is for it, and waits.
 */
struct hog {
	struct vm_page	*list;		/* by pageq.tqe_next */
	uint64_t	 n;
};

static void
hog_release(struct hog *h)
{
	struct vm_page *m;

	while ((m = h->list) != NULL) {
		h->list = m->pageq.tqe_next;
		vm_page_free_unowned(m);
	}
	h->n = 0;
}

static void
hog_thread(struct kt_thread *kt)
{
	uint64_t want = vm_phys_total() / kt->group->nthreads * 2;
	struct hog h = { NULL, 0 };
	unsigned waits = 0;
	struct vm_page *m;

	while (waits < 5) {
		m = vm_page_alloc_unowned(VM_ALLOC_NORMAL);
		if (m == NULL || h.n == want) {
			if (m != NULL)
				vm_page_free_unowned(m);
			hog_release(&h);
			vm_wait("kthog");
			waits++;
			continue;
		}
		m->pageq.tqe_next = h.list;
		h.list = m;
		h.n++;
	}
	hog_release(&h);
}

/* Does everybody get through when all memory is taken again and again? */
KTEST(mem, waiters_get_pages)
{
	uint64_t before = pages_accounted();

	if (vm_phys_total() > atop(1UL << 30))
		KT_SKIP(t, "%lu pages take too long", vm_phys_total());
	kt_group_run(&group, t, MAX(crowd(), 3), hog_thread, NULL);
	KT_CHECK(t, pages_are_back(before), "%lu pages, %lu before",
	    pages_accounted(), before);
	vm_phys_check();
}

static struct zone	*mail_zone;
static uint64_t		*mailbox[32];	/* [a] */

static void
mail_thread(struct kt_thread *kt)
{
	uint64_t *obj;
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		obj = zone_alloc(mail_zone, M_WAITOK);
		obj[0] = (uint64_t)obj;
		obj[11] = ~(uint64_t)obj;
		obj = atomic_swap(&mailbox[prng_below(&kt->prng,
		    nitems(mailbox))], obj);
		if (obj == NULL)
			continue;
		KT_CLAIM(kt, obj[0] == (uint64_t)obj &&
		    obj[11] == ~(uint64_t)obj, "object %p: %lx %lx",
		    (void *)obj, obj[0], obj[11]);
		zone_free(mail_zone, obj);
	}
}

/* Do objects keep their contents when other CPUs free them? */
KTEST(mem, zone_objects_travel)
{
	struct zone_stats st;
	unsigned bad, i;

	if (mail_zone == NULL)
		mail_zone = zone_create("kt_mail", 96, 8, NULL, 0);
	bad = kt_group_run(&group, t, crowd(), mail_thread, NULL);
	for (i = 0; i < nitems(mailbox); i++)
		if (mailbox[i] != NULL)
			zone_free(mail_zone, atomic_swap(&mailbox[i], NULL));
	zone_get_stats(mail_zone, &st);
	KT_CHECK(t, bad == 0, "%u claims", bad);
	KT_CHECK(t, st.live == 0 && st.allocs == st.frees, "%lu live",
	    st.live);
	zone_check(mail_zone);
}

static void
kmem_thread(struct kt_thread *kt)
{
	vm_size_t len;
	vm_offset_t va;
	uint64_t *p;
	unsigned i;
	size_t j;

	/* Each free interrupts all CPUs: few rounds. */
	for (i = 0; i < 20; i++) {
		len = ptoa(1 + prng_below(&kt->prng, 6));
		va = kmem_alloc_guarded(len, M_WAITOK);
		p = (uint64_t *)va;
		for (j = 0; j < len / sizeof(*p); j += 64) {
			KT_CLAIM(kt, p[j] == 0, "%p is %lx", (void *)&p[j],
			    p[j]);
			p[j] = va + kt->index;
		}
		KT_CLAIM(kt, pmap_extract(kernel_pmap, va - PAGE_SIZE, NULL)
		    == 0 && pmap_extract(kernel_pmap, va + len, NULL) == 0,
		    "guard page of %lx is mapped", va);
		sched_yield();
		for (j = 0; j < len / sizeof(*p); j += 64)
			KT_CLAIM(kt, p[j] == va + kt->index, "%p is %lx",
			    (void *)&p[j], p[j]);
		kmem_free_guarded(va, len);
	}
}

/* Is kernel memory zeroed, ours alone, guarded, and gone when freed? */
KTEST(mem, kmem_churn)
{
	uint64_t before = pages_accounted();
	unsigned bad;

	bad = kt_group_run(&group, t, crowd(), kmem_thread, NULL);
	KT_CHECK(t, bad == 0, "%u claims", bad);
	KT_CHECK(t, pages_are_back(before), "%lu pages, %lu before",
	    pages_accounted(), before);
}

static void
kmalloc_thread(struct kt_thread *kt)
{
	uint8_t *held[32] = { NULL };
	size_t size[32];
	unsigned i, s;

	for (i = 0; i < ROUNDS; i++) {
		s = (unsigned)prng_below(&kt->prng, nitems(held));
		if (held[s] != NULL) {
			KT_CLAIM(kt, held[s][0] == (uint8_t)s &&
			    held[s][size[s] - 1] == (uint8_t)s,
			    "%zu bytes at %p changed", size[s],
			    (void *)held[s]);
			kfree(held[s]);
			held[s] = NULL;
			continue;
		}
		/* Seldom above the largest class. */
		size[s] = 1 + prng_below(&kt->prng, 1UL <<
		    (prng_below(&kt->prng, 100) != 0 ?
		    prng_below(&kt->prng, 13) : 15));
		held[s] = kmalloc(size[s], M_WAITOK);
		memset(held[s], (int)s, size[s]);
	}
	for (s = 0; s < nitems(held); s++)
		kfree(held[s]);
}

/* Does memory of all sizes stay ours until it is freed? */
KTEST(mem, kmalloc_churn)
{
	uint64_t before = pages_accounted();
	unsigned bad;

	bad = kt_group_run(&group, t, crowd(), kmalloc_thread, NULL);
	KT_CHECK(t, bad == 0, "%u claims", bad);
	KT_CHECK(t, pages_are_back(before), "%lu pages, %lu before",
	    pages_accounted(), before);
}

static void
check_one_zone(struct zone *z, void *arg)
{
	(void)arg;
	zone_check(z);
}

/* Does the whole-system audit hold at rest? */
KTEST(mem, audit_at_rest)
{
	(void)t;
	thread_drain();
	vm_page_check_all();
	zone_foreach(check_one_zone, NULL);
}

/*
 * What the fast paths cost.  With `run_qemu.py --icount` a nanosecond is an
 * instruction; elsewhere these are only times.
 */
#define COST_N	32

static struct zone	*cost_zone;

static void
cost_pages(struct ktest_ctx *t, struct vm_object *o)
{
	struct vm_page *m[COST_N];
	nsec_t start[3];
	unsigned i;

	vm_object_lock(o);
	start[0] = md_uptime();
	for (i = 0; i < COST_N; i++)
		m[i] = vm_page_alloc(o, i, VM_ALLOC_NORMAL);
	start[1] = md_uptime();
	for (i = 0; i < COST_N; i++) {
		vm_page_activate(m[i]);
		vm_page_unbusy(m[i]);
	}
	start[2] = md_uptime();
	for (i = 0; i < COST_N; i++)
		if (vm_page_busy_try(m[i]))
			vm_page_free(m[i]);
	ktest_diag(t, "page in an object: alloc %lu, activate and unbusy %lu, "
	    "busy and free %lu", (start[1] - start[0]) / COST_N,
	    (start[2] - start[1]) / COST_N,
	    (md_uptime() - start[2]) / COST_N);
	vm_object_unlock(o);
}

static void
cost_unowned(struct ktest_ctx *t, unsigned flags)
{
	struct vm_page *m[COST_N];
	nsec_t start[2];
	unsigned i;

	start[0] = md_uptime();
	for (i = 0; i < COST_N; i++)
		m[i] = vm_page_alloc_unowned(flags);
	start[1] = md_uptime();
	for (i = 0; i < COST_N; i++)
		vm_page_free_unowned(m[i]);
	ktest_diag(t, "unowned page%s: alloc %lu, free %lu",
	    flags != 0 ? ", zeroed" : "", (start[1] - start[0]) / COST_N,
	    (md_uptime() - start[1]) / COST_N);
}

static void
cost_zone_run(struct ktest_ctx *t)
{
	void *obj[COST_N / 2];
	nsec_t start[2];
	unsigned i;

	start[0] = md_uptime();
	for (i = 0; i < nitems(obj); i++)
		obj[i] = zone_alloc(cost_zone, M_NOWAIT);
	start[1] = md_uptime();
	for (i = 0; i < nitems(obj); i++)
		zone_free(cost_zone, obj[i]);
	ktest_diag(t, "zone object: alloc %lu, free %lu",
	    (start[1] - start[0]) / nitems(obj),
	    (md_uptime() - start[1]) / nitems(obj));
}

/* What do the fast paths cost, with everything warm? */
KTEST(mem, costs)
{
	struct vm_object *o = vm_object_allocate(OBJT_DEFAULT, COST_N);
	unsigned i;

	if (cost_zone == NULL)
		cost_zone = zone_create("kt_cost", 64, 8, NULL, 0);
	for (i = 0; i < 3; i++) {
		cost_unowned(t, VM_ALLOC_NORMAL);
		cost_unowned(t, VM_ALLOC_ZERO);
		cost_pages(t, o);
		cost_zone_run(t);
	}
	vm_object_deallocate(o);
}
