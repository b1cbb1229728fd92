/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_pmap.c: translation buffers (TLBs) in front of the fake pmap: every fibre
 * is a CPU with copies of the translations that it used.
 *
 * The functions of <vm/pmap.h> that take rights away are wrapped: first the
 * fake changes its table; then, an event for each, the CPUs lose their copies;
 * then the call returns, and until then a page counts as mapped.  In between a
 * CPU may go on using its copy, as hardware does.  A user access is an event; it
 * uses the copy if there is one with the right, and a write also needs the copy
 * to be known as dirty.
 *
 * Checked at each access: a copy that the table no longer backs is used only
 * while a shootdown for it is under way; the page it leads to is not free.
 */
#include "lab.h"

#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/vmparam.h>
#include <vm/pmap.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "../host/user_access.h"
#include "lab_model.h"
#include "lab_reduce.h"

#define TLB_ENTRIES	8

struct tlb_entry {
	struct pmap	*pmap;		/* NULL: empty */
	vm_offset_t	 va;
	vm_paddr_t	 pa;
	vm_prot_t	 prot;
	bool		 dirty;
};

/* A shootdown under way.  pmap NULL: every pmap. */
struct flush {
	bool		 used;
	struct pmap	*pmap;
	vm_offset_t	 start, end;
};

static struct tlb_entry	 tlb[LAB_CPUS][TLB_ENTRIES];
static unsigned		 tlb_next[LAB_CPUS];
static struct flush	 flushes[LAB_CPUS * 2];
static unsigned		 nflushes;	/* under way */

#define WRAP(ret, name, ...)						\
ret	__real_##name(__VA_ARGS__);					\
ret	__wrap_##name(__VA_ARGS__);

WRAP(void, pmap_remove, struct pmap *, vm_offset_t, vm_offset_t)
WRAP(void, pmap_protect, struct pmap *, vm_offset_t, vm_offset_t, vm_prot_t)
WRAP(void, pmap_remove_all, struct vm_page *)
WRAP(void, pmap_remove_write, struct vm_page *)
WRAP(bool, pmap_page_is_mapped, const struct vm_page *)
WRAP(void, pmap_clear_modify, struct vm_page *)
WRAP(void, pmap_destroy, struct pmap *)
WRAP(int, pmap_enter, struct pmap *, vm_offset_t, struct vm_page *, vm_prot_t,
    vm_prot_t, unsigned)
WRAP(void, pmap_zero_page, struct vm_page *)
WRAP(void, pmap_copy_page, struct vm_page *, struct vm_page *)
WRAP(bool, fake_cpu_access, struct pmap *, vm_offset_t, vm_prot_t, void *,
    size_t)

void
lab_tlb_reset(void)
{
	memset(tlb, 0, sizeof(tlb));
	memset(flushes, 0, sizeof(flushes));
	nflushes = 0;
}

/* ---- shootdown ---- */

/*
 * What CPUs know, for lab_reduce.c: a user access changes its own CPU's copies,
 * and looks for shootdowns; whose beginning and looking for copies commute.
 */
static void
mark_flush(void)
{
	for (int cpu = 1; cpu < LAB_CPUS; cpu++)
		lab_mark(PL_LAB, &tlb[cpu], false);
}

static struct flush *
flush_begin(struct pmap *pmap, vm_offset_t start, vm_offset_t end)
{
	struct flush *fl = flushes;

	mark_flush();
	while (fl->used)
		fl++;
	*fl = (struct flush){ true, pmap, start, end };
	nflushes++;
	return fl;
}

static bool
covers(const struct flush *fl, const struct pmap *pmap, vm_offset_t va)
{
	return fl->used && (fl->pmap == NULL || fl->pmap == pmap) &&
	    va >= fl->start && va < fl->end;
}

static bool
cpu_has(int cpu, const struct flush *fl)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		if (tlb[cpu][i].pmap != NULL &&
		    covers(fl, tlb[cpu][i].pmap, tlb[cpu][i].va))
			return true;
	return false;
}

static void
cpu_lose(int cpu, const struct flush *fl)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		if (tlb[cpu][i].pmap != NULL &&
		    covers(fl, tlb[cpu][i].pmap, tlb[cpu][i].va)) {
			lab_mark(PL_LAB, &tlb[cpu], true);
			tlb[cpu][i].pmap = NULL;
		}
}

/* Own CPU first, then each that has something to lose, one event each. */
static void
flush_end(struct flush *fl)
{
	cpu_lose(curcpu, fl);
	for (int cpu = 0; cpu < LAB_CPUS; cpu++)
		if (cpu != curcpu && cpu_has(cpu, fl)) {
			lab_point(EV_FLUSH, &tlb[cpu], "tlb");
			cpu_lose(cpu, fl);
		}
	mark_flush();
	fl->used = false;
	nflushes--;
}

void
__wrap_pmap_remove(struct pmap *pmap, vm_offset_t start, vm_offset_t end)
{
	struct flush *fl = flush_begin(pmap, start, end);

	__real_pmap_remove(pmap, start, end);
	flush_end(fl);
}

void
__wrap_pmap_protect(struct pmap *pmap, vm_offset_t start, vm_offset_t end,
    vm_prot_t prot)
{
	struct flush *fl = flush_begin(pmap, start, end);

	__real_pmap_protect(pmap, start, end, prot);
	flush_end(fl);
}

/* A mapping stays on record until its shootdown is over (I6 of the true pmap.c);
 * the fake has it no more by then. */
static bool
in_flight(const struct vm_page *m)
{
	for (int cpu = 0; nflushes != 0 && cpu < LAB_CPUS; cpu++)
		for (unsigned i = 0; i < TLB_ENTRIES; i++)
			for (unsigned k = 0; k < nitems(flushes); k++)
				if (tlb[cpu][i].pmap != NULL &&
				    tlb[cpu][i].pa == m->phys_addr &&
				    covers(&flushes[k], tlb[cpu][i].pmap,
				    tlb[cpu][i].va))
					return true;
	return false;
}

bool
__wrap_pmap_page_is_mapped(const struct vm_page *m)
{
	mark_flush();
	return __real_pmap_page_is_mapped(m) || in_flight(m);
}

static bool
landed(const struct fibre *f)
{
	return !in_flight(f->obj);
}

/* Who removes a mapping has the pmap's lock until its shootdown is over. */
void
__wrap_pmap_remove_all(struct vm_page *m)
{
	struct flush *fl;

	mark_flush();
	lab_cur->kind = EV_FLUSH;
	lab_cur->obj = m;
	lab_cur->name = "tlb";
	lab_block(landed);
	fl = flush_begin(NULL, 0, ~0UL);
	__real_pmap_remove_all(m);
	flush_end(fl);
}

void
__wrap_pmap_remove_write(struct vm_page *m)
{
	struct flush *fl = flush_begin(NULL, 0, ~0UL);

	__real_pmap_remove_write(m);
	flush_end(fl);
}

void
__wrap_pmap_clear_modify(struct vm_page *m)
{
	struct flush *fl = flush_begin(NULL, 0, ~0UL);

	__real_pmap_clear_modify(m);
	flush_end(fl);
}

void
__wrap_pmap_destroy(struct pmap *pmap)
{
	struct flush fl = { true, pmap, 0, ~0UL };

	mark_flush();
	for (int cpu = 0; cpu < LAB_CPUS; cpu++)
		cpu_lose(cpu, &fl);
	__real_pmap_destroy(pmap);
}

/* Another page, or fewer rights: the old translation goes first. */
int
__wrap_pmap_enter(struct pmap *pmap, vm_offset_t va, struct vm_page *m,
    vm_prot_t prot, vm_prot_t access, unsigned flags)
{
	vm_prot_t old = VM_PROT_NONE;
	vm_paddr_t pa;

	lab_nopoint++;
	pa = pmap_extract(pmap, va, &old);
	lab_nopoint--;
	if (pa != 0 && (flags & PMAP_ENTER_NOREPLACE) == 0 &&
	    (pa != VM_PAGE_TO_PHYS(m) || (old & ~prot) != 0))
		__wrap_pmap_remove(pmap, va, va + PAGE_SIZE);
	return __real_pmap_enter(pmap, va, m, prot, access, flags);
}

/* ---- contents ---- */

/* What a page shows to all who look at it. */
static void
mark_content(const struct vm_page *m, int half, bool write)
{
	for (int i = half; i < LAB_SLOTS; i += 2)
		lab_mark(PL_LAB, (char *)PHYS_TO_DMAP(m->phys_addr) +
		    slot_offset(i), write);
}

static void
check_not_free(const struct vm_page *m, const char *what)
{
	lab_mark(PL_WORD, &m->flags, false);
	if (lab_running && (m->flags & PG_FREE) != 0)
		lab_fail(OR_UAF, "%s of page 0x%lx, which is free", what,
		    m->phys_addr);
}

void
__wrap_pmap_zero_page(struct vm_page *m)
{
	check_not_free(m, "zeroing");
	mark_content(m, 0, true);
	mark_content(m, 1, true);
	__real_pmap_zero_page(m);
}

/* A copy takes time: other CPUs may write the source during it. */
void
__wrap_pmap_copy_page(struct vm_page *src, struct vm_page *dst)
{
	check_not_free(src, "copy");
	check_not_free(dst, "copy");
	mark_content(src, 0, false);
	mark_content(dst, 0, true);
	memcpy(pmap_page_kva(dst), pmap_page_kva(src), PAGE_SIZE / 2);
	lab_point(EV_USER, src, "copy");
	check_not_free(src, "copy");
	check_not_free(dst, "copy");
	mark_content(src, 1, false);
	mark_content(dst, 1, true);
	memcpy((char *)pmap_page_kva(dst) + PAGE_SIZE / 2,
	    (char *)pmap_page_kva(src) + PAGE_SIZE / 2, PAGE_SIZE / 2);
}

/* ---- the CPU ---- */

static struct tlb_entry *
tlb_find(const struct pmap *pmap, vm_offset_t va)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		if (tlb[curcpu][i].pmap == pmap && tlb[curcpu][i].va == va)
			return &tlb[curcpu][i];
	return NULL;
}

static void
check_hit(const struct tlb_entry *e, vm_prot_t prot)
{
	vm_prot_t now = VM_PROT_NONE;
	vm_paddr_t pa = pmap_extract(e->pmap, e->va, &now);
	struct vm_page *m = vm_phys_paddr_to_page(e->pa);

	if (m != NULL)
		lab_mark(PL_WORD, &m->flags, false);
	if (m == NULL || (m->flags & PG_FREE) != 0)
		lab_fail(OR_TLB, "CPU %d reaches the free page 0x%lx by its "
		    "translation of %lx", curcpu, e->pa, e->va);
	if (pa == e->pa && (now & prot) == prot)
		return;
	for (unsigned i = 0; i < nitems(flushes); i++)
		if (covers(&flushes[i], e->pmap, e->va))
			return;
	lab_fail(OR_TLB, "CPU %d %ss %lx by a stale translation to 0x%lx; the "
	    "table has 0x%lx, rights %x, and no shootdown is under way", curcpu,
	    (prot & VM_PROT_WRITE) != 0 ? "write" : "read", e->va, e->pa, pa,
	    now);
}

static void
tlb_fill(struct pmap *pmap, vm_offset_t va, bool dirty)
{
	struct tlb_entry *e = tlb_find(pmap, va);

	if (e == NULL)
		e = &tlb[curcpu][tlb_next[curcpu]++ % TLB_ENTRIES];
	e->va = va;
	e->prot = VM_PROT_NONE;
	e->pa = pmap_extract(pmap, va, &e->prot);
	e->pmap = e->pa == 0 ? NULL : pmap;
	e->dirty = dirty;
}

static void
copy_bytes(vm_paddr_t pa, void *buf, size_t len, bool write)
{
	lab_mark(PL_LAB, PHYS_TO_DMAP(pa), write);
	if (write)
		memcpy(PHYS_TO_DMAP(pa), buf, len);
	else
		memcpy(buf, PHYS_TO_DMAP(pa), len);
}

bool
__wrap_fake_cpu_access(struct pmap *pmap, vm_offset_t va, vm_prot_t prot,
    void *buf, size_t len)
{
	vm_offset_t page = va & ~PAGE_MASK;
	bool write = (prot & VM_PROT_WRITE) != 0, ok = true;
	struct tlb_entry *e;

	lab_point(EV_USER, (const void *)va, write ? "store" : "load");
	lab_nopoint++;
	lab_pmap_read = true;
	lab_mark(PL_LAB, &tlb[curcpu], true);
	e = tlb_find(pmap, page);
	if (e != NULL && (e->prot & prot) == prot && (!write || e->dirty)) {
		check_hit(e, prot);
		copy_bytes(e->pa | (va & PAGE_MASK), buf, len, write);
	} else {
		if (e != NULL)
			e->pmap = NULL;
		ok = __real_fake_cpu_access(pmap, va, prot, buf, len);
		if (ok)
			tlb_fill(pmap, page, write);
		if (ok)
			lab_mark(PL_LAB, PHYS_TO_DMAP(tlb_find(pmap,
			    page)->pa | (va & PAGE_MASK)), write);
	}
	lab_pmap_read = false;
	lab_nopoint--;
	return ok;
}
