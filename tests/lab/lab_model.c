/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_model.c: the reference model of lab_model.h, beside the real operations:
 * each is "begin in the model, do it, end in the model".
 *
 * The model's words change between events only, so it needs no locks.  All of
 * it lies in the world: what the preparation built is there again at each run.
 */
#include "lab_model.h"

#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <vm/pmap.h>
#include <vm/vm_fault.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "../host/user_access.h"
#include "lab_ops.h"
#include "lab_reduce.h"

#define MAXCELLS	(LAB_PROCS * LAB_PAGES * 2)

struct lab_proc		 lab_proc[LAB_PROCS];
int			 lab_nprocs;
static struct lab_cells	 cells[MAXCELLS];
static int		 ncells;
static uint32_t		 next_value;
static uint32_t		 wrote[LAB_CPUS][LAB_STEPS * 2];	/* values, in order */
static unsigned		 nwrote[LAB_CPUS];
static bool		 bound;		/* a child's read told of other pages */

static inline int
my_slot(void)
{
	return lab_cur->id;
}

static inline vm_offset_t
page_va(int page)
{
	return LAB_BASE + ptoa(page);
}

static inline vm_offset_t
slot_va(int page, int slot)
{
	return page_va(page) + slot_offset(slot);
}

/*
 * What an operation uses of the model: the state of the page and of its cells,
 * and what its slots may show.  Values are given out in an order that matters
 * to a fork only: so writers "read" the counter, and a fork changes it.
 */
static void
mark_page(const struct lab_page *pg, bool change)
{
	lab_mark(PL_LAB, pg, change);
	lab_mark(PL_LAB, &pg->cells->zapping, change);
}

static void
mark_slots(const struct lab_cells *cs, bool change)
{
	for (int i = 0; i < LAB_SLOTS; i++)
		lab_mark(PL_LAB, &cs->slot[i], change);
}

struct lab_cells *
cells_new(void)
{
	struct lab_cells *c = &cells[ncells++];

	lab_mark(PL_LAB, &ncells, true);
	KASSERT(ncells <= MAXCELLS, "the model has %d pages", ncells);
	memset(c, 0, sizeof(*c));
	for (int i = 0; i < LAB_SLOTS; i++)
		c->slot[i].zero = true;
	return c;
}

void
model_reset(void)
{
	memset(lab_proc, 0, sizeof(lab_proc));
	lab_nprocs = 0;
	ncells = 0;
	next_value = LAB_PAGES;
	named_reset();
}

uint32_t
model_value(void)
{
	return next_value;
}

/* ---- processes ---- */

static struct lab_proc *
proc_slot(struct vmspace *vm)
{
	struct lab_proc *p = &lab_proc[lab_nprocs++];

	lab_mark(PL_LAB, &lab_nprocs, true);
	KASSERT(lab_nprocs <= LAB_PROCS, "%d processes", lab_nprocs);
	p->vm = vm;
	p->users = 1;
	return p;
}

/* ---- the file: page i shows i + 1 in the slot of LAB_AUX ---- */

static bool
file_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	(void)object;
	return pindex < LAB_PAGES;
}

static int
file_getpage(struct vm_object *object, struct vm_page *m)
{
	char *kva = pmap_page_kva(m);

	(void)object;
	lab_point(EV_PAGER, m, "page-in begins");
	for (int i = 0; i < LAB_SLOTS; i++)
		lab_mark(PL_LAB, kva + slot_offset(i), true);
	memset(kva, 0, PAGE_SIZE);
	*(uint64_t *)(void *)(kva + slot_offset(LAB_AUX)) = m->pindex + 1;
	lab_point(EV_PAGER, m, "page-in ends");
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
file_dealloc(struct vm_object *object)
{
	(void)object;
}

static const struct vm_pager_ops file_ops = {
	.name = "labfile",
	.haspage = file_haspage,
	.getpage = file_getpage,
	.dealloc = file_dealloc,
};

static char	cached_name;	/* the handle of the file that is cached */

static struct vm_object *
cached_file(void)
{
	struct vm_object *object;

	object = vm_object_cache_lookup(&file_ops, &cached_name);
	if (object == NULL)
		object = vm_object_cache_enter(vm_pager_allocate(&file_ops,
		    &cached_name, LAB_PAGES));
	return object;
}

void
model_purge_cached(void)
{
	vm_object_cache_purge(&file_ops, &cached_name);
}

struct lab_proc *
proc_new(enum lab_memory kind)
{
	bool shared = kind == LAB_SHARED || kind == LAB_CUT;
	bool file = kind != LAB_PRIVATE && kind != LAB_SHARED;
	struct vm_map_args a = { .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	    .inherit = shared ? VM_INHERIT_SHARE : VM_INHERIT_COPY };
	struct lab_proc *p = proc_slot(vmspace_alloc());

	if (file)
		a.object = kind == LAB_FILE ? vm_pager_allocate(&file_ops, p,
		    LAB_PAGES) : named_file(&file_ops);
	if (file)
		a.eflags = shared ? MAP_ENTRY_SHARED :
		    MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY;
	KASSERT(p->vm != NULL, "no memory for %d processes", lab_nprocs);
	if (vm_map_fixed(&p->vm->vm_map, LAB_BASE, ptoa(LAB_PAGES), true,
	    &a) != 0)
		panic("cannot map the first pages");
	for (int i = 0; i < LAB_PAGES; i++)
		p->page[i] = (struct lab_page){ .cells = cells_new(),
		    .may = MP_MAPPED | MP_RW, .shared = shared };
	for (uint32_t i = 0; file && i < LAB_PAGES; i++) {
		p->page[i].cells->slot[LAB_AUX].base = i + 1;
		/* until it is copied, it shows what others write there */
		p->page[i].cells->fuzzy = kind == LAB_CUT_PRIVATE;
		p->page[i].file = true;
	}
	return p;
}

/* The child's page may be anything that the parent's was during the fork. */
static void
fork_page(struct lab_page *to, const struct lab_page *from,
    const struct lab_page *was, const struct lab_cells *old)
{
	const struct lab_cells *now = from->cells;
	bool moved = from->opseq != was->opseq || was->inflight != 0;
	struct lab_cells *c;

	*to = *from;
	to->inflight = 0;
	to->may |= was->may;
	if (moved)
		to->may |= MP_MAPPED | MP_UNMAPPED | MP_RW | MP_RO;
	to->may &= ~MP_WIRED;
	to->moving = false;
	if (from->shared && !moved)
		return;
	/* The child has the shared memory, or what came over it. */
	if (from->shared || was->shared)
		from->cells->fuzzy = was->cells->fuzzy = true;
	to->shared = false;
	c = to->cells = cells_new();
	c->fuzzy = old->fuzzy || now->fuzzy || was->cells != now;
	for (int i = 0; i < LAB_SLOTS; i++) {
		c->slot[i].base = now->slot[i].base;
		c->slot[i].lo = MIN(old->slot[i].lo, now->slot[i].lo);
		c->slot[i].done = MIN(old->slot[i].done, now->slot[i].done);
		c->slot[i].hi = now->slot[i].hi;
		c->slot[i].zero = moved || old->slot[i].zero ||
		    now->slot[i].zero || old->zapping != 0 ||
		    now->zapping != 0 || old->zaps != now->zaps;
	}
}

/*
 * A fork is one moment for each fibre: a child that shows a write made meanwhile
 * shows what the same fibre wrote before, to any page.  That binds pages which
 * nobody mapped, threw away or wired meanwhile: what is wired is copied page by
 * page while it can be written, as it is in every system.
 */
static void
fork_bind(struct lab_proc *child, const struct lab_proc *parent,
    const struct lab_page *was, const struct lab_cells *old)
{
	for (int i = 0; i < LAB_PAGES; i++)
		if (((was[i].may | parent->page[i].may) & MP_WIRED) != 0 ||
		    was[i].inflight != 0 || parent->page[i].inflight != 0 ||
		    was[i].opseq != parent->page[i].opseq)
			return;
	child->fork_end = next_value;
	for (int i = 0; i < LAB_PAGES; i++) {
		const struct lab_cells *now = parent->page[i].cells;

		if (parent->page[i].shared || child->page[i].cells->fuzzy ||
		    was[i].cells != now || now->zaps != old[i].zaps ||
		    now->zapping != 0)
			continue;
		for (int s = 0; s < LAB_SLOTS; s++)
			if (now->slot[s].done == now->slot[s].hi &&
			    now->slot[s].hi > child->fork_from)
				child->fork_hi[i][s] = now->slot[s].hi;
	}
}

/* p shows v, by the fibre with that slot. */
static void
fork_bound(struct lab_proc *p, int slot, uint64_t v)
{
	if (v <= p->fork_from || v > p->fork_end)
		return;
	for (int i = 0; i < LAB_PAGES; i++) {
		struct lab_cells *cs = p->page[i].cells;
		struct lab_cell *c = &cs->slot[slot];

		mark_page(&p->page[i], false);
		lab_mark(PL_LAB, c, false);
		if (p->fork_hi[i][slot] == 0 || p->fork_hi[i][slot] >= v ||
		    p->fork_hi[i][slot] <= c->lo || cs->zaps != 0 ||
		    cs->zapping != 0)
			continue;
		lab_mark(PL_LAB, c, true);
		c->lo = c->done = p->fork_hi[i][slot];
		c->zero = false;
		bound = true;
	}
}

static void
mark_fork(const struct lab_proc *parent)
{
	lab_mark(PL_LAB, &next_value, true);
	for (int i = 0; i < LAB_PAGES; i++) {
		mark_page(&parent->page[i], false);
		mark_slots(parent->page[i].cells, false);
	}
}

struct lab_proc *
proc_fork(struct lab_proc *parent)
{
	uint32_t from = next_value;
	struct lab_page was[LAB_PAGES];
	struct lab_cells old[LAB_PAGES];
	struct vmspace *vm;
	struct lab_proc *p;
	int error;

	mark_fork(parent);
	memcpy(was, parent->page, sizeof(was));
	for (int i = 0; i < LAB_PAGES; i++)
		old[i] = *parent->page[i].cells;
	error = vmspace_fork(parent->vm, &vm);
	if (error != 0)
		lab_fail(OR_ERRNO, "fork failed with %d", error);
	mark_fork(parent);
	p = proc_slot(vm);
	for (int i = 0; i < LAB_PAGES; i++) {
		if (was[i].inflight != 0 ||
		    was[i].opseq != parent->page[i].opseq)
			named_fork(i);
		fork_page(&p->page[i], &parent->page[i], &was[i], &old[i]);
	}
	p->fork_from = from;
	fork_bind(p, parent, was, old);
	return p;
}

void
proc_share(struct lab_proc *p)
{
	if (vm_map_inherit(&p->vm->vm_map, LAB_BASE,
	    LAB_BASE + ptoa(LAB_PAGES), VM_INHERIT_SHARE) != 0)
		panic("cannot set the inheritance");
	for (int i = 0; i < LAB_PAGES; i++)
		p->page[i].shared = true;
}

void
proc_ref(struct lab_proc *p)
{
	vmspace_ref(p->vm);
	p->users++;
}

void
proc_put(struct lab_proc *p)
{
	struct vmspace *vm = p->vm;

	lab_mark(PL_LAB, &p->users, true);
	if (--p->users == 0)
		p->vm = NULL;
	sysref_put(vm);
}

/* ---- loads and stores ---- */

static unsigned
may_now(const struct lab_page *pg)
{
	return pg->inflight == 0 ? pg->may :
	    MP_MAPPED | MP_UNMAPPED | MP_RW | MP_RO;
}

/* An access of shared memory: was no operation on the mapping under way?  Else it
 * may have been one of other memory. */
static bool
access_sure(const struct lab_page *pg, const struct lab_page *was)
{
	return !was->shared || (was->inflight == 0 && pg->inflight == 0 &&
	    pg->opseq == was->opseq);
}

static void
check_error(const struct lab_page *pg, unsigned may_before, int error,
    const char *what, int page, unsigned need)
{
	unsigned may = may_now(pg) | may_before;

	if ((error == 0 && (may & need) == need) ||
	    (error == EFAULT && (may & MP_UNMAPPED) != 0) ||
	    (error == EACCES && (may & MP_RO) != 0) ||
	    (error == EIO && named_was_cut()))
		return;
	lab_fail(OR_ERRNO, "%s of page %d gives %d, the page may be %s%s%s%s",
	    what, page, error, may & MP_MAPPED ? "mapped " : "",
	    may & MP_UNMAPPED ? "unmapped " : "", may & MP_RW ? "rw " : "",
	    may & MP_RO ? "ro" : "");
}

void
proc_write(struct lab_proc *p, int page)
{
	struct lab_page *pg = &p->page[page], before = *pg;
	struct lab_cells *cs = pg->cells;
	struct lab_cell *c = &cs->slot[my_slot()];
	unsigned may = may_now(pg);
	uint32_t v = ++next_value, old = c->hi;
	int error;

	mark_page(pg, false);
	lab_mark(PL_LAB, &next_value, false);
	lab_mark(PL_LAB, c, true);
	if (nwrote[my_slot()] < nitems(wrote[0]))
		wrote[my_slot()][nwrote[my_slot()]++] = v;
	c->hi = v;
	c->zaps = cs->zaps;
	error = user_store64(&p->vm->vm_map, slot_va(page, my_slot()), v);
	mark_page(pg, false);
	lab_mark(PL_LAB, c, true);
	check_error(pg, may, error, "write", page, MP_MAPPED | MP_RW);
	if (error != 0) {
		c->hi = old;
		return;
	}
	if (!access_sure(pg, &before))
		return;
	c->lo = c->done = v;
	c->zero = cs->zapping != 0 || cs->zaps != c->zaps;
}

static void
check_value(const struct lab_cells *cs, const struct lab_cell *was,
    const struct lab_cell *now, uint64_t v, int page, int slot, int proc)
{
	bool zero = was->zero || now->zero || cs->zapping != 0 ||
	    (was->lo == 0 && was->hi == 0);

	if (cs->fuzzy ? v <= next_value : v == now->base ? zero :
	    v >= was->lo && v <= now->hi)
		return;
	lab_fail(OR_BYTES, "process %d page %d slot %d shows %lu; it may show "
	    "%u to %u%s (%u)", proc, page, slot, v, was->lo, now->hi,
	    zero ? " or the unwritten page" : "", now->base);
}

void
proc_read(struct lab_proc *p, int page, int slot)
{
	struct lab_page *pg = &p->page[page], before = *pg;
	struct lab_cells *cs = pg->cells;
	struct lab_cell was = cs->slot[slot], *c = &cs->slot[slot];
	uint32_t zaps = cs->zaps;
	unsigned may = may_now(pg);
	uint64_t v = 0;
	int error;

	mark_page(pg, false);
	lab_mark(PL_LAB, c, false);
	was.zero |= cs->zapping != 0;
	error = user_load64(&p->vm->vm_map, slot_va(page, slot), &v);
	mark_page(pg, false);
	lab_mark(PL_LAB, c, true);
	check_error(pg, may, error, "read", page, MP_MAPPED);
	if (error != 0 || !access_sure(pg, &before))
		return;
	check_value(cs, &was, c, v, page, slot, (int)(p - lab_proc));
	fork_bound(p, slot, v);
	/* What was seen once cannot be unseen. */
	if (v != c->base && zaps == cs->zaps && cs->zapping == 0)
		c->lo = c->done = MAX(c->lo, (uint32_t)v);
}

void
proc_pagein(struct lab_proc *p, int page)
{
	struct lab_page *pg = &p->page[page];
	unsigned may = may_now(pg);
	int error;

	mark_page(pg, false);
	error = vm_fault(&p->vm->vm_map, page_va(page), VM_PROT_READ,
	    VM_FAULT_NORMAL);
	mark_page(pg, false);
	check_error(pg, may, error, "page-in", page, MP_MAPPED);
}

/* ---- operations on mappings ---- */

void
op_begin(struct lab_proc *p, int page, int n, struct model_op *op, bool zap)
{
	for (int i = page; i < page + n; i++) {
		struct lab_page *pg = &p->page[i];

		mark_page(pg, true);
		mark_slots(pg->cells, false);
		op->alone[i] = pg->inflight == 0;
		op->opseq[i] = ++pg->opseq;
		pg->inflight++;
		if (pg->moving)
			pg->cells->fuzzy = true;	/* what comes back? */
		/* Shared memory stays, with those who share it. */
		op->zap[i] = zap && !pg->shared;
		if (!op->zap[i])
			continue;
		pg->cells->zapping++;
		for (int s = 0; s < LAB_SLOTS; s++)
			op->last[i][s] = pg->cells->slot[s].done;
	}
}

bool
op_alone(const struct lab_proc *p, int page, const struct model_op *op)
{
	return op->alone[page] && p->page[page].opseq == op->opseq[page];
}

void
op_end(struct lab_proc *p, int page, int n, const struct model_op *op, bool zap,
    bool zapped, unsigned clear, unsigned set)
{
	for (int i = page; i < page + n; i++) {
		struct lab_page *pg = &p->page[i];
		struct lab_cells *cs = pg->cells;

		mark_page(pg, true);
		mark_slots(cs, zapped);
		pg->inflight--;
		pg->may |= set;
		if (op_alone(p, i, op))
			pg->may &= ~clear;
		if (zap && op->zap[i]) {
			cs->zapping--;
			cs->zaps++;
		}
		for (int s = 0; zapped && op->zap[i] && s < LAB_SLOTS; s++) {
			cs->slot[s].lo = MAX(cs->slot[s].lo,
			    op->last[i][s] + 1);
			cs->slot[s].zero = true;
		}
	}
}

unsigned
may_of(const struct lab_proc *p, int page, int n)
{
	unsigned may = 0;

	for (int i = page; i < page + n; i++)
		may |= p->page[i].may |
		    (p->page[i].inflight > 1 ? MP_UNMAPPED | MP_WIRED : 0);
	return may;
}

void
check_op(const char *what, int error, unsigned may)
{
	if (error == 0 || (error == ENOMEM && (may & MP_UNMAPPED) != 0) ||
	    (error == EINVAL && (may & MP_WIRED) != 0) ||
	    (error == EFAULT && (may & MP_UNMAPPED) != 0) ||
	    (error == EIO && named_was_cut()))
		return;
	lab_fail(OR_ERRNO, "%s gives %d", what, error);
}

void
proc_munmap(struct lab_proc *p, int page, int n)
{
	struct model_op op;
	int error;

	op_begin(p, page, n, &op, true);
	error = vm_munmap(p->vm, page_va(page), ptoa(n));
	check_op("munmap", error, 0);
	op_end(p, page, n, &op, true, true, MP_MAPPED | MP_RW | MP_RO |
	    MP_WIRED, MP_UNMAPPED);
}

void
proc_mmap(struct lab_proc *p, int page, int n)
{
	struct vm_map_args a = { .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_COPY };
	struct model_op op;
	int error;

	op_begin(p, page, n, &op, true);
	for (int i = page; i < page + n; i++)
		p->page[i].cells->fuzzy |= p->page[i].file;
	error = vm_map_fixed(&p->vm->vm_map, page_va(page), ptoa(n), false, &a);
	check_op("mmap", error, 0);
	op_end(p, page, n, &op, true, true, MP_UNMAPPED | MP_RO | MP_WIRED,
	    MP_MAPPED | MP_RW);
	lab_mark(PL_LAB, &next_value, true);
	for (int i = page; i < page + n; i++)
		if (p->page[i].shared || p->page[i].file) {
			p->page[i].shared = p->page[i].file = false;
			p->page[i].cells = cells_new();
			p->page[i].cells->fuzzy = true;
			for (int s = 0; s < LAB_SLOTS; s++)
				p->page[i].cells->slot[s].hi = next_value;
		}
}

/*
 * The mapping of a file came over page: from now on other cells tell what it
 * shows.  Writes that are under way may land in it; those that ended before the
 * mapping began are gone, which op_end has noted.
 */
static void
becomes_file(struct lab_page *pg, int page, bool alone)
{
	struct lab_cells *old = pg->cells, *c = cells_new();

	*c = *old;
	c->fuzzy |= !alone;
	for (int s = 0; s < LAB_SLOTS; s++) {
		c->slot[s].base = 0;
		c->slot[s].zero = true;
	}
	c->slot[LAB_AUX].base = (uint32_t)page + 1;
	old->fuzzy |= !pg->shared;	/* for who is looking just now */
	pg->cells = c;
	pg->shared = false;
	pg->file = true;
}

void
proc_mmap_cached(struct lab_proc *p, int page)
{
	struct vm_map_args a = { .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_COPY,
	    .eflags = MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY,
	    .offset = ptoa(page) };
	struct lab_page *pg = &p->page[page];
	struct model_op op;
	bool shared;
	int error;

	a.object = cached_file();
	op_begin(p, page, 1, &op, true);
	shared = pg->shared;
	if (!shared)
		pg->cells->fuzzy = true;	/* while it is one or the other */
	error = vm_map_fixed(&p->vm->vm_map, page_va(page), PAGE_SIZE, false,
	    &a);
	check_op("mmap of a file", error, 0);
	op_end(p, page, 1, &op, true, true, MP_UNMAPPED | MP_RO | MP_WIRED,
	    MP_MAPPED | MP_RW);
	becomes_file(pg, page, !shared && op_alone(p, page, &op));
}

void
proc_protect(struct lab_proc *p, int page, int n, bool rw)
{
	struct model_op op;
	unsigned may;
	int error;

	op_begin(p, page, n, &op, false);
	may = may_of(p, page, n);
	error = vm_map_protect(&p->vm->vm_map, page_va(page),
	    page_va(page + n), rw ? VM_PROT_RW : VM_PROT_READ, false);
	check_op("mprotect", error, may | may_of(p, page, n));
	op_end(p, page, n, &op, false, false, error != 0 ? 0 :
	    rw ? MP_RO : MP_RW, rw ? MP_RW : MP_RO);
}

void
proc_wire(struct lab_proc *p, int page, int n)
{
	struct model_op op;
	unsigned may;
	int error;

	op_begin(p, page, n, &op, false);
	may = may_of(p, page, n);
	error = vm_map_wire(&p->vm->vm_map, page_va(page), page_va(page + n));
	check_op("wire", error, may | may_of(p, page, n));
	op_end(p, page, n, &op, false, false, 0, MP_WIRED);
}

void
proc_unwire(struct lab_proc *p, int page, int n)
{
	struct model_op op;
	unsigned may;
	int error;

	op_begin(p, page, n, &op, false);
	may = may_of(p, page, n);
	error = vm_map_unwire(&p->vm->vm_map, page_va(page), page_va(page + n));
	check_op("unwire", error, may | may_of(p, page, n));
	op_end(p, page, n, &op, false, false, error == 0 ? MP_WIRED : 0, 0);
}

void
proc_dontneed(struct lab_proc *p, int page, int n)
{
	struct model_op op;
	unsigned may;
	int error;

	op_begin(p, page, n, &op, true);
	may = may_of(p, page, n);
	/* Only what is shared already survives it. */
	for (int i = page; i < page + n; i++)
		p->page[i].cells->fuzzy |= p->page[i].shared;
	error = vm_map_dontneed(&p->vm->vm_map, page_va(page),
	    page_va(page + n));
	check_op("dontneed", error, may | may_of(p, page, n));
	op_end(p, page, n, &op, true, error == 0, 0, 0);
}

/* ---- the end of a run ---- */

static void
verify_pass(void)
{
	struct lab_proc *p;

	for (p = lab_proc; p < lab_proc + lab_nprocs; p++)
		for (int i = 0; p->vm != NULL && i < LAB_PAGES; i++)
			for (int s = 0; s < LAB_SLOTS; s++)
				proc_read(p, i, s);
}

void
model_verify(void)
{
	bound = false;
	verify_pass();
	if (bound)
		verify_pass();
}

/* Which of its writer's values is v? */
static unsigned
ordinal(int slot, uint64_t v)
{
	for (unsigned i = 0; i < nwrote[slot]; i++)
		if (wrote[slot][i] == v)
			return i + 1;
	return v != 0;
}

uint64_t
model_hash(void)
{
	struct lab_proc *p;
	uint64_t h = 0, v = 0;
	int error;

	for (p = lab_proc; p < lab_proc + lab_nprocs; p++)
		for (int i = 0; p->vm != NULL && i < LAB_PAGES; i++)
			for (int s = 0; s < LAB_FIBRES; s++) {
				error = user_load64(&p->vm->vm_map,
				    slot_va(i, s), &v);
				h = h * 31 + (error != 0 ? 99 : ordinal(s, v));
			}
	return h;
}

void
model_putall(void)
{
	struct lab_proc *p;

	for (p = lab_proc; p < lab_proc + lab_nprocs; p++)
		while (p->vm != NULL)
			proc_put(p);
	named_put();
}
