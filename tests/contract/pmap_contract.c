/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_contract.c: the cases of <vm/pmap.h> that hold for every pmap.  The
 * same source runs on the host against the fake pmap and in the kernel against
 * the true one, so the fake cannot promise what the machine does not keep.
 *
 * Each case gets a world: an object whose pages it may map (the object stays
 * locked, as pmap_enter wants) and three pmaps.
 */
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/ktest.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "cpu_access.h"

#define NPAGES		8
#define NPMAPS		3
#define VA		0x0000000040000000UL	/* 1 GiB: a table of its own */
#define R		VM_PROT_READ
#define RW		VM_PROT_RW

/* Lifetime: one case. */
struct world {
	struct vm_object *object;
	struct vm_page	*page[NPAGES];
	struct pmap	*pmap[NPMAPS];
};

typedef void	case_fn(struct ktest_ctx *t, struct world *w);

/* The object stays locked from init to fini. */
static bool	world_init(struct world *w) __no_lock_analysis;
static void	world_fini(struct world *w) __no_lock_analysis;

/* Every page holds its index + 1 in each word. */
static bool
world_init(struct world *w)
{
	uint64_t *p;

	memset(w, 0, sizeof(*w));
	w->object = vm_object_allocate(OBJT_DEFAULT, NPAGES);
	vm_object_lock(w->object);
	for (unsigned i = 0; i < NPAGES; i++) {
		w->page[i] = vm_page_alloc(w->object, i, VM_ALLOC_ZERO);
		if (w->page[i] == NULL)
			return false;
		p = pmap_page_kva(w->page[i]);
		for (unsigned j = 0; j < PAGE_SIZE / sizeof(*p); j++)
			p[j] = i + 1;
		vm_page_unbusy(w->page[i]);
	}
	for (unsigned i = 0; i < NPMAPS; i++)
		if ((w->pmap[i] = pmap_create()) == NULL)
			return false;
	return true;
}

static void
world_fini(struct world *w)
{
	for (unsigned i = 0; i < NPMAPS; i++) {
		if (w->pmap[i] == NULL)
			continue;
		pmap_remove(w->pmap[i], 0, VM_MAX_USER_ADDRESS);
		pmap_check(w->pmap[i]);
		pmap_destroy(w->pmap[i]);
	}
	vm_object_unlock(w->object);
	vm_object_deallocate(w->object);
}

static void
run(struct ktest_ctx *t, case_fn *fn)
{
	struct world w;

	if (world_init(&w))
		fn(t, &w);
	else
		ktest_fail(t, __FILE__, __LINE__, "no memory for the case");
	world_fini(&w);
}

/* CASE: a KTEST pmap.name with a world. */
#define CASE(name)							\
	static case_fn case_##name;					\
	KTEST(pmap, name)						\
	{								\
		run(t, case_##name);					\
	}								\
	static void case_##name(struct ktest_ctx *t, struct world *w)

/* Map page i of the world at va; the world has memory enough. */
static void
map(struct world *w, unsigned pm, vm_offset_t va, unsigned i, vm_prot_t prot,
    unsigned flags)
{
	int error = pmap_enter(w->pmap[pm], va, w->page[i], prot, 0, flags);

	if (error != 0)
		panic("pmap_enter %lx: error %d", va, error);
}

static bool
sees(struct world *w, unsigned pm, vm_offset_t va, uint64_t want)
{
	uint64_t v;

	return cpu_load64(w->pmap[pm], va, &v) && v == want;
}

static bool
faults(struct world *w, unsigned pm, vm_offset_t va)
{
	uint64_t v;

	return !cpu_load64(w->pmap[pm], va, &v);
}

CASE(enter_is_seen)
{
	vm_prot_t prot = 0;

	KT_CHECK(t, faults(w, 0, VA), "before enter");
	map(w, 0, VA, 0, RW, 0);
	KT_CHECK(t, sees(w, 0, VA, 1), "load");
	KT_CHECK(t, cpu_store64(w->pmap[0], VA + 8, 77), "store");
	KT_CHECK(t, sees(w, 0, VA + 8, 77), "load after store");
	KT_CHECK(t, ((uint64_t *)pmap_page_kva(w->page[0]))[1] == 77,
	    "the page has it");
	KT_CHECK(t, faults(w, 0, VA + PAGE_SIZE), "the next page");
	KT_CHECK(t, faults(w, 1, VA), "another pmap");
	KT_CHECK(t, pmap_extract(w->pmap[0], VA + 123, &prot) ==
	    VM_PAGE_TO_PHYS(w->page[0]) + 123, "extract");
	KT_CHECK(t, prot == RW, "prot %x", prot);
	KT_CHECK(t, pmap_extract(w->pmap[1], VA, NULL) == 0, "extract");
	KT_CHECK(t, pmap_resident_count(w->pmap[0]) == 1, "resident");
}

CASE(remove_is_seen)
{
	for (unsigned i = 0; i < NPAGES; i++) {
		map(w, 0, VA + i * PAGE_SIZE, i, RW, 0);
		KT_CHECK(t, sees(w, 0, VA + i * PAGE_SIZE, i + 1), "%u", i);
	}
	pmap_remove(w->pmap[0], VA + PAGE_SIZE, VA + 3 * PAGE_SIZE);
	for (unsigned i = 0; i < NPAGES; i++) {
		bool gone = i == 1 || i == 2;

		KT_CHECK(t, faults(w, 0, VA + i * PAGE_SIZE) == gone, "%u", i);
		KT_CHECK(t, pmap_page_is_mapped(w->page[i]) == !gone, "%u", i);
	}
	KT_CHECK(t, pmap_resident_count(w->pmap[0]) == NPAGES - 2, "resident");
	pmap_check(w->pmap[0]);
}

CASE(protect_takes_write_only)
{
	map(w, 0, VA, 0, RW, 0);
	map(w, 0, VA + PAGE_SIZE, 1, R, 0);
	KT_CHECK(t, cpu_store64(w->pmap[0], VA, 5), "store before");
	pmap_protect(w->pmap[0], VA, VA + 2 * PAGE_SIZE, R);
	KT_CHECK(t, !cpu_store64(w->pmap[0], VA, 6), "store after");
	KT_CHECK(t, sees(w, 0, VA, 5), "load after");
	pmap_protect(w->pmap[0], VA, VA + 2 * PAGE_SIZE, VM_PROT_ALL);
	KT_CHECK(t, !cpu_store64(w->pmap[0], VA, 6), "protect never grants");
	KT_CHECK(t, !cpu_store64(w->pmap[0], VA + PAGE_SIZE, 6), "nor here");
	pmap_protect(w->pmap[0], VA, VA + PAGE_SIZE, VM_PROT_NONE);
	KT_CHECK(t, faults(w, 0, VA), "none removes");
	KT_CHECK(t, pmap_is_modified(w->page[0]), "modified is kept");
	KT_CHECK(t, pmap_resident_count(w->pmap[0]) == 1, "resident");
}

CASE(enter_changes_rights)
{
	map(w, 0, VA, 0, R, 0);
	KT_CHECK(t, sees(w, 0, VA, 1), "load");
	KT_CHECK(t, !cpu_store64(w->pmap[0], VA, 9), "store, read-only");
	map(w, 0, VA, 0, RW, 0);
	KT_CHECK(t, cpu_store64(w->pmap[0], VA, 9), "store, upgraded");
	map(w, 0, VA, 0, R, 0);
	KT_CHECK(t, !cpu_store64(w->pmap[0], VA, 10), "store, downgraded");
	KT_CHECK(t, pmap_is_modified(w->page[0]), "modified is kept");
	KT_CHECK(t, pmap_resident_count(w->pmap[0]) == 1 &&
	    pmap_page_mapcount(w->page[0]) == 1, "one mapping");
}

CASE(modified_is_exact)
{
	struct vm_page *m = w->page[0];

	map(w, 0, VA, 0, RW, 0);
	KT_CHECK(t, sees(w, 0, VA, 1), "load");
	KT_CHECK(t, !pmap_is_modified(m), "after a load");
	KT_CHECK(t, cpu_store64(w->pmap[0], VA, 5), "store");
	KT_CHECK(t, pmap_is_modified(m), "after a store");
	pmap_clear_modify(m);
	KT_CHECK(t, !pmap_is_modified(m), "after clear");
	KT_CHECK(t, cpu_store64(w->pmap[0], VA, 6), "store");
	KT_CHECK(t, pmap_is_modified(m), "the second store is seen too");
	pmap_remove(w->pmap[0], VA, VA + PAGE_SIZE);
	KT_CHECK(t, pmap_is_modified(m), "kept by the page");
	pmap_clear_modify(m);
	KT_CHECK(t, !pmap_is_modified(m), "after clear without mapping");
	KT_CHECK(t, pmap_enter(w->pmap[0], VA, m, RW, RW, 0) == 0, "enter");
	KT_CHECK(t, pmap_is_modified(m), "enter for a write access");
}

CASE(referenced_is_counted)
{
	struct vm_page *m = w->page[0];

	map(w, 0, VA, 0, R, 0);
	map(w, 1, VA, 0, R, 0);
	pmap_ts_referenced(m);
	KT_CHECK(t, !pmap_is_referenced(m), "nobody looked");
	KT_CHECK(t, sees(w, 0, VA, 1) && sees(w, 1, VA, 1), "loads");
	KT_CHECK(t, pmap_is_referenced(m), "both looked");
	KT_CHECK(t, pmap_ts_referenced(m) == 2, "two mappings");
	KT_CHECK(t, pmap_ts_referenced(m) == 0, "cleared");
	KT_CHECK(t, sees(w, 0, VA, 1), "load");
	KT_CHECK(t, pmap_ts_referenced(m) == 1, "one looked again");
	KT_CHECK(t, pmap_enter(w->pmap[2], VA, m, R, R, 0) == 0, "enter");
	KT_CHECK(t, pmap_ts_referenced(m) == 1, "enter for an access");
}

CASE(reverse_maps_find_all)
{
	struct vm_page *m = w->page[3];

	for (unsigned i = 0; i < NPMAPS; i++) {
		map(w, i, VA, 3, RW, 0);
		map(w, i, VA + 16 * PAGE_SIZE, 3, RW, 0);
		map(w, i, VA + PAGE_SIZE, 4, RW, 0);
	}
	KT_CHECK(t, pmap_page_mapcount(m) == 2 * NPMAPS, "count %u",
	    pmap_page_mapcount(m));
	KT_CHECK(t, cpu_store64(w->pmap[1], VA + 16 * PAGE_SIZE, 8), "store");
	pmap_remove_write(m);
	for (unsigned i = 0; i < NPMAPS; i++) {
		KT_CHECK(t, sees(w, i, VA, 8), "pmap %u", i);
		KT_CHECK(t, !cpu_store64(w->pmap[i], VA, 1), "pmap %u", i);
		KT_CHECK(t, cpu_store64(w->pmap[i], VA + PAGE_SIZE, 1),
		    "pmap %u: the other page", i);
	}
	pmap_remove_all(m);
	KT_CHECK(t, !pmap_page_is_mapped(m) && pmap_page_mapcount(m) == 0,
	    "still mapped");
	KT_CHECK(t, pmap_is_modified(m), "modified is kept");
	for (unsigned i = 0; i < NPMAPS; i++) {
		KT_CHECK(t, faults(w, i, VA) &&
		    faults(w, i, VA + 16 * PAGE_SIZE), "pmap %u", i);
		KT_CHECK(t, pmap_resident_count(w->pmap[i]) == 1, "pmap %u", i);
		pmap_check(w->pmap[i]);
	}
}

CASE(replace_shows_the_new_page)
{
	map(w, 0, VA, 0, RW, PMAP_ENTER_WIRED);
	KT_CHECK(t, cpu_store64(w->pmap[0], VA, 50), "store");
	KT_CHECK(t, pmap_wired_count(w->pmap[0]) == 1, "wired");
	map(w, 0, VA, 1, R, 0);
	KT_CHECK(t, sees(w, 0, VA, 2), "the new page");
	KT_CHECK(t, !cpu_store64(w->pmap[0], VA, 51), "is read-only");
	KT_CHECK(t, !pmap_page_is_mapped(w->page[0]), "the old one is not");
	KT_CHECK(t, pmap_is_modified(w->page[0]), "and is modified");
	KT_CHECK(t, pmap_wired_count(w->pmap[0]) == 0, "wired");
	map(w, 0, VA, 2, RW, PMAP_ENTER_NOREPLACE);
	KT_CHECK(t, sees(w, 0, VA, 2), "noreplace leaves it");
	KT_CHECK(t, !pmap_page_is_mapped(w->page[2]), "and maps nothing");
	KT_CHECK(t, pmap_resident_count(w->pmap[0]) == 1, "resident");
}

CASE(quick_fills_only_holes)
{
	struct vm_page *ma[4] = { w->page[0], w->page[1], NULL, w->page[3] };

	KT_CHECK(t, pmap_enter_quick(w->pmap[1], VA, ma, 4, R) == 0 ||
	    sees(w, 1, VA, 1), "without a page table: nothing, or all");
	map(w, 0, VA, 4, R, 0);
	map(w, 0, VA + PAGE_SIZE, 1, R, PMAP_ENTER_WIRED);
	KT_CHECK(t, pmap_enter_quick(w->pmap[0], VA, ma, 4, RW) == 2,
	    "one new, one gains write");
	KT_CHECK(t, sees(w, 0, VA, 5), "another page stays");
	KT_CHECK(t, cpu_store64(w->pmap[0], VA + PAGE_SIZE, 2), "gains write");
	KT_CHECK(t, pmap_wired_count(w->pmap[0]) == 1, "and stays wired");
	KT_CHECK(t, faults(w, 0, VA + 2 * PAGE_SIZE), "no page, no mapping");
	KT_CHECK(t, sees(w, 0, VA + 3 * PAGE_SIZE, 4), "a new one");
	KT_CHECK(t, !pmap_is_modified(w->page[3]), "is not modified");
	KT_CHECK(t, pmap_enter_quick(w->pmap[0], VA, ma, 4, R) == 0, "again");
	KT_CHECK(t, cpu_store64(w->pmap[0], VA + PAGE_SIZE, 2),
	    "no right is taken away");
	KT_CHECK(t, pmap_resident_count(w->pmap[0]) == 3, "resident");
	pmap_check(w->pmap[0]);
}

CASE(wired_is_counted)
{
	for (unsigned i = 0; i < 4; i++)
		map(w, 0, VA + i * PAGE_SIZE, i, RW,
		    i < 3 ? PMAP_ENTER_WIRED : 0);
	KT_CHECK(t, pmap_wired_count(w->pmap[0]) == 3, "after enter");
	pmap_unwire(w->pmap[0], VA + PAGE_SIZE, VA + 4 * PAGE_SIZE);
	KT_CHECK(t, pmap_wired_count(w->pmap[0]) == 1, "after unwire");
	KT_CHECK(t, sees(w, 0, VA + PAGE_SIZE, 2), "unwired is still mapped");
	pmap_protect(w->pmap[0], VA, VA + PAGE_SIZE, R);
	KT_CHECK(t, pmap_wired_count(w->pmap[0]) == 1, "after protect");
	map(w, 0, VA + PAGE_SIZE, 1, RW, PMAP_ENTER_WIRED);
	KT_CHECK(t, pmap_wired_count(w->pmap[0]) == 2, "wired again");
	pmap_remove(w->pmap[0], VA, VA + PAGE_SIZE);
	KT_CHECK(t, pmap_wired_count(w->pmap[0]) == 1, "after remove");
	pmap_remove_all(w->page[1]);
	KT_CHECK(t, pmap_wired_count(w->pmap[0]) == 0, "after remove_all");
}

/* Far apart: each needs page tables of its own on every level. */
CASE(sparse_tables_come_and_go)
{
	static const vm_offset_t far[] = { VM_MIN_USER_ADDRESS,
	    0x200000, 0x40000000, 0x8000000000, 0x7f0000000000,
	    VM_MAX_USER_ADDRESS - PAGE_SIZE };
	uint64_t tables = pmap_pt_count(), pvs = pmap_pv_count();

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < nitems(far); i++) {
			map(w, 0, far[i], i, RW, 0);
			KT_CHECK(t, sees(w, 0, far[i], i + 1), "%lx", far[i]);
		}
		KT_CHECK(t, pmap_pv_count() == pvs + nitems(far), "pvs");
		pmap_check(w->pmap[0]);
		/* once by pieces, once whole, once by page */
		for (unsigned i = 0; i < nitems(far); i++) {
			if (round == 0)
				pmap_remove(w->pmap[0], far[i],
				    far[i] + PAGE_SIZE);
			else if (round == 1)
				pmap_remove(w->pmap[0], 0,
				    VM_MAX_USER_ADDRESS);
			else
				pmap_remove_all(w->page[i]);
			KT_CHECK(t, faults(w, 0, far[i]), "%lx", far[i]);
		}
		pmap_check(w->pmap[0]);
		KT_CHECK(t, pmap_pt_count() == tables, "round %u: %lu tables "
		    "left", round, pmap_pt_count() - tables);
		KT_CHECK(t, pmap_pv_count() == pvs, "round %u: pvs", round);
	}
}

/* More mappings of one page than fit in one chunk of anything. */
CASE(many_mappings_of_a_page)
{
	const unsigned n = 700;
	uint64_t free = vm_phys_free_count();

	for (unsigned i = 0; i < n; i++)
		map(w, i % 2, VA + i * PAGE_SIZE, 5, RW, 0);
	KT_CHECK(t, pmap_page_mapcount(w->page[5]) == n, "mapcount");
	KT_CHECK(t, cpu_store64(w->pmap[1], VA + 699 * PAGE_SIZE, 3), "store");
	pmap_check(w->pmap[0]);
	for (unsigned i = 0; i < n; i += 7)
		pmap_remove(w->pmap[i % 2], VA + i * PAGE_SIZE,
		    VA + (i + 1) * PAGE_SIZE);
	KT_CHECK(t, pmap_page_mapcount(w->page[5]) == n - 100, "mapcount");
	pmap_check(w->pmap[1]);
	pmap_remove_write(w->page[5]);
	KT_CHECK(t, !cpu_store64(w->pmap[1], VA + PAGE_SIZE, 3), "store");
	pmap_remove_all(w->page[5]);
	KT_CHECK(t, !pmap_page_is_mapped(w->page[5]), "mapped");
	KT_CHECK(t, pmap_is_modified(w->page[5]), "modified");
	KT_CHECK(t, pmap_resident_count(w->pmap[0]) == 0, "resident");
	/* A lazily counted free page or two may come from other CPUs. */
	ktest_diag(t, "free pages: %lu before, %lu after", free,
	    vm_phys_free_count());
}

/* The nth page that enter asks for is not there: nothing has changed. */
CASE(enter_without_memory_changes_nothing)
{
	unsigned failed = 0;
	int error;

	map(w, 1, VA, 0, R, 0);
	map(w, 2, VA, 1, RW, 0);
	for (uint64_t nth = 1; nth < 8; nth++) {
		vm_phys_fail_nth(nth);
		/* page tables and a pv entry are needed */
		error = pmap_enter(w->pmap[0], VA, w->page[0], R, R, 0);
		vm_phys_fail_nth(0);
		KT_CHECK(t, error == 0 || error == ENOMEM, "error %d", error);
		KT_CHECK(t, faults(w, 0, VA) == (error != 0), "nth %lu", nth);
		KT_CHECK(t, pmap_page_mapcount(w->page[0]) ==
		    (error == 0 ? 2 : 1), "nth %lu", nth);
		failed += error != 0;
		pmap_check(w->pmap[0]);
		pmap_remove(w->pmap[0], VA, VA + PAGE_SIZE);
		/* replacing needs a pv entry at most */
		vm_phys_fail_nth(nth);
		error = pmap_enter(w->pmap[2], VA, w->page[0], R, R, 0);
		vm_phys_fail_nth(0);
		KT_CHECK(t, sees(w, 2, VA, error == 0 ? 1 : 2), "nth %lu",
		    nth);
		map(w, 2, VA, 1, RW, 0);
	}
	ktest_diag(t, "%u of 7 failed", failed);
}

struct foreach_state {
	struct world	*w;
	vm_offset_t	 next;		/* lowest address that may come */
	unsigned	 seen, wrong;
};

static void
foreach_one(void *arg, vm_offset_t va, vm_paddr_t pa, vm_prot_t prot,
    bool wired)
{
	struct foreach_state *s = arg;
	uint64_t i = (va - VA) / PAGE_SIZE;

	s->wrong += va < s->next || i % 3 != 0 ||
	    pa != VM_PAGE_TO_PHYS(s->w->page[i % NPAGES]) ||
	    prot != (i % 2 ? RW : R) || wired != (i % 5 == 0);
	s->next = va + PAGE_SIZE;
	s->seen++;
}

CASE(foreach_gives_all_in_order)
{
	struct foreach_state s = { .w = w };

	for (unsigned i = 0; i < 600; i += 3)
		map(w, 0, VA + i * PAGE_SIZE, i % NPAGES, i % 2 ? RW : R,
		    i % 5 == 0 ? PMAP_ENTER_WIRED : 0);
	pmap_foreach(w->pmap[0], 0, VM_MAX_USER_ADDRESS, foreach_one, &s);
	KT_CHECK(t, s.seen == 200 && s.wrong == 0, "%u seen, %u wrong", s.seen,
	    s.wrong);
	s = (struct foreach_state){ .w = w };
	pmap_foreach(w->pmap[0], VA + PAGE_SIZE, VA + 100 * PAGE_SIZE,
	    foreach_one, &s);
	KT_CHECK(t, s.seen == 33 && s.wrong == 0, "%u seen, %u wrong", s.seen,
	    s.wrong);
}

/* What the pmap should be, one word a page: page index + 1 and rights. */
#define MODEL_VAS	24
struct model {
	uint8_t		page[NPMAPS][MODEL_VAS];
	bool		write[NPMAPS][MODEL_VAS];
	bool		dirty[NPAGES];
};

/* Pages 256 KiB apart, so that three page tables take part. */
static vm_offset_t
model_va(unsigned i)
{
	return VA + i * (256UL << 10);
}

static void
model_step(struct ktest_ctx *t, struct world *w, struct model *mo)
{
	unsigned pm = (unsigned)prng_below(&t->prng, NPMAPS);
	unsigned i = (unsigned)prng_below(&t->prng, MODEL_VAS);
	unsigned n = (unsigned)prng_below(&t->prng, MODEL_VAS - i) + 1;
	unsigned page = (unsigned)prng_below(&t->prng, NPAGES);

	switch (prng_below(&t->prng, 8)) {
	case 0:
		pmap_remove(w->pmap[pm], model_va(i), model_va(i + n));
		memset(&mo->page[pm][i], 0, n);
		break;
	case 1:
		pmap_protect(w->pmap[pm], model_va(i), model_va(i + n), R);
		memset(&mo->write[pm][i], 0, n);
		break;
	case 2:
		pmap_remove_all(w->page[page]);
		for (pm = 0; pm < NPMAPS; pm++)
			for (i = 0; i < MODEL_VAS; i++)
				if (mo->page[pm][i] == page + 1)
					mo->page[pm][i] = 0;
		break;
	case 3:
		pmap_clear_modify(w->page[page]);
		mo->dirty[page] = false;
		break;
	case 4:
	case 5:
		if (cpu_store64(w->pmap[pm], model_va(i) + 8, i) &&
		    mo->page[pm][i] != 0)
			mo->dirty[mo->page[pm][i] - 1] = true;
		break;
	default:
		mo->write[pm][i] = prng_below(&t->prng, 2) != 0;
		mo->page[pm][i] = (uint8_t)(page + 1);
		map(w, pm, model_va(i), page, mo->write[pm][i] ? RW : R, 0);
	}
}

static bool
model_agrees(struct ktest_ctx *t, struct world *w, const struct model *mo)
{
	vm_paddr_t pa, want;
	vm_prot_t prot;
	uint8_t page;

	for (unsigned pm = 0; pm < NPMAPS; pm++) {
		for (unsigned i = 0; i < MODEL_VAS; i++) {
			page = mo->page[pm][i];
			want = page == 0 ? 0 :
			    VM_PAGE_TO_PHYS(w->page[page - 1]);
			pa = pmap_extract(w->pmap[pm], model_va(i), &prot);
			if (pa == want && (pa == 0 ||
			    prot == (mo->write[pm][i] ? RW : R)))
				continue;
			ktest_diag(t, "pmap %u va %u: pa %lx, want %lx", pm, i,
			    pa, want);
			return false;
		}
	}
	for (unsigned i = 0; i < NPAGES; i++)
		if (pmap_is_modified(w->page[i]) != mo->dirty[i])
			return false;
	return true;
}

CASE(random_operations_match_a_model)
{
	struct model mo;

	memset(&mo, 0, sizeof(mo));
	for (unsigned step = 0; step < 4000; step++) {
		model_step(t, w, &mo);
		if (step % 16 != 0)
			continue;
		KT_CHECK(t, model_agrees(t, w, &mo), "step %u", step);
		pmap_check(w->pmap[step / 16 % NPMAPS]);
	}
}

CASE(prefer_moves_up_to_the_colour)
{
	vm_offset_t va = VA + PAGE_SIZE, was = va;

	(void)w;
	pmap_prefer(3 * PAGE_SIZE, 0, PAGE_SIZE, &va);
	KT_CHECK(t, va >= was, "%lx moved down to %lx", was, va);
	pmap_prefer(3 * PAGE_SIZE, 0, 2 * SUPERPAGE_SIZE, &va);
	KT_CHECK(t, va >= was && va % SUPERPAGE_SIZE == 3 * PAGE_SIZE,
	    "%lx moved to %lx", was, va);
	was = va;
	pmap_prefer(3 * PAGE_SIZE, 0, 2 * SUPERPAGE_SIZE, &va);
	KT_CHECK(t, va == was, "%lx was good and moved to %lx", was, va);
}

/* The top of kernel memory, which kernel_map reaches last. */
CASE(kernel_mappings_come_and_go)
{
	vm_offset_t va = VM_MAX_KERNEL_ADDRESS - 8 * PAGE_SIZE;
	uint64_t *p = (uint64_t *)va;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 4; i++)
			KT_CHECK(t, pmap_kenter(va + i * PAGE_SIZE,
			    VM_PAGE_TO_PHYS(w->page[(i + round) % NPAGES]),
			    RW) == 0, "kenter");
		for (unsigned i = 0; i < 4; i++) {
			uint64_t *q = &p[i * PAGE_SIZE / sizeof(*p)];

			KT_CHECK(t, *q == (i + round) % NPAGES + 1,
			    "round %u page %u", round, i);
			*q = (i + round) % NPAGES + 1;
		}
		KT_CHECK(t, pmap_extract(kernel_pmap, va + 5, NULL) ==
		    VM_PAGE_TO_PHYS(w->page[round]) + 5, "extract");
		pmap_check(kernel_pmap);
		pmap_kremove(va, 6 * PAGE_SIZE);
		KT_CHECK(t, pmap_extract(kernel_pmap, va, NULL) == 0, "gone");
	}
}

CASE(contents_by_the_direct_map)
{
	uint64_t *p = pmap_page_kva(w->page[0]), *q = pmap_page_kva(w->page[1]);

	pmap_copy_page(w->page[0], w->page[1]);
	KT_CHECK(t, memcmp(p, q, PAGE_SIZE) == 0 && q[511] == 1, "copy");
	pmap_zero_page(w->page[0]);
	KT_CHECK(t, p[0] == 0 && p[511] == 0 && q[0] == 1, "zero");
}
