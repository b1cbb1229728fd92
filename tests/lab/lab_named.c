/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_named.c: memory that somebody besides its mappings knows: a System V
 * segment, and a file that is cut while it is mapped; and mremap.
 *
 * A segment's cells belong to all who attach it.  What a file shows where it was
 * cut is the pager's page again, or zeros if it was wired: the model takes
 * either, and looks at everything else.
 */
#include "lab_model.h"

#include <machine/cpu.h>
#include <sys/errno.h>
#include <vm/vm_mremap.h>
#include <vm/vm_object.h>
#include <vm/vm_pager.h>

#include "lab_reduce.h"

#define ASIDE	8	/* pages above the base: where mremap puts them */

static struct vm_object	*segment, *file;
static struct lab_cells	*segment_cells[LAB_PAGES];
static struct rwlock	 cut_lock;	/* as a file's own: one cut at a time */
static bool		 was_cut;

void
named_reset(void)
{
	segment = file = NULL;
	was_cut = false;
	rw_init(&cut_lock, "cut", LO_FILE, 0);
}

void
named_put(void)
{
	if (segment != NULL)
		vm_object_deallocate(segment);
	if (file != NULL)
		vm_object_deallocate(file);
	segment = file = NULL;
}

bool
named_was_cut(void)
{
	lab_mark(PL_LAB, &was_cut, false);
	return was_cut;
}

/* ---- a segment ---- */

void
model_segment(void)
{
	segment = vm_object_allocate(OBJT_DEFAULT, LAB_PAGES);
	vm_object_set_named(segment);
	for (int i = 0; i < LAB_PAGES; i++)
		segment_cells[i] = cells_new();
}

/* What the child writes there may be in the segment, and nobody knows. */
void
named_fork(int page)
{
	if (segment == NULL)
		return;
	lab_mark(PL_LAB, &segment_cells[page]->zapping, true);
	segment_cells[page]->fuzzy = true;
}

/* Writes that are under way may land in the segment. */
static void
becomes_segment(struct lab_page *pg, int page, bool alone)
{
	struct lab_cells *c = segment_cells[page];

	c->fuzzy |= !alone;
	for (int s = 0; s < LAB_SLOTS; s++) {
		lab_mark(PL_LAB, &c->slot[s], true);
		c->slot[s].hi = model_value();
	}
	pg->cells = c;
	pg->shared = true;
	pg->file = false;
}

void
proc_attach(struct lab_proc *p, int page)
{
	struct vm_map_args a = { .object = segment, .offset = ptoa(page),
	    .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_SHARE, .eflags = MAP_ENTRY_SHARED };
	struct lab_page *pg = &p->page[page];
	struct model_op op;
	int error;

	if (segment == NULL)
		return;
	vm_object_reference(segment);
	op_begin(p, page, 1, &op, true);
	if (!pg->shared)
		pg->cells->fuzzy = true;	/* while it is one or the other */
	error = vm_map_fixed(&p->vm->vm_map, LAB_BASE + ptoa(page), PAGE_SIZE,
	    false, &a);
	check_op("shmat", error, 0);
	op_end(p, page, 1, &op, true, true, MP_UNMAPPED | MP_RO | MP_WIRED,
	    MP_MAPPED | MP_RW);
	becomes_segment(pg, page, op_alone(p, page, &op));
}

/* ---- a file ---- */

struct vm_object *
named_file(const struct vm_pager_ops *ops)
{
	if (file == NULL)
		file = vm_pager_allocate(ops, &file, LAB_PAGES);
	vm_object_reference(file);
	return file;
}

static void
cut_at(vm_pindex_t size, vm_pindex_t end)
{
	vm_object_lock(file);
	file->size = size;
	if (size < end)
		vm_object_page_remove(file, size, end);
	vm_object_unlock(file);
}

void
proc_cut(int page)
{
	if (file == NULL)
		return;
	rw_wlock(&cut_lock);
	lab_mark(PL_LAB, &was_cut, true);
	was_cut = true;
	for (int i = 0; i < lab_nprocs; i++)
		for (int j = page; j < LAB_PAGES; j++)
			if (lab_proc[i].page[j].file) {
				lab_mark(PL_LAB,
				    &lab_proc[i].page[j].cells->zapping, true);
				lab_proc[i].page[j].cells->fuzzy = true;
			}
	cut_at((vm_pindex_t)page, LAB_PAGES);
	lab_point(EV_PAGER, file, "is cut");
	cut_at(LAB_PAGES, LAB_PAGES);
	rw_wunlock(&cut_lock);
}

/* ---- mremap ---- */

/* move_one: whole pages, to a fixed place. */
static int
move_one(struct lab_proc *p, vm_offset_t from, vm_offset_t to)
{
	struct vm_mremap_args a = { .old = from, .new = to,
	    .old_len = PAGE_SIZE, .new_len = PAGE_SIZE,
	    .maymove = true, .fixed = true };
	vm_offset_t at;

	return vm_mremap(p->vm, &a, &at);
}

/* Who changes the mapping meanwhile makes the bytes uncertain; who only uses it
 * finds it there or not. */
void
proc_move(struct lab_proc *p, int page)
{
	vm_offset_t here = LAB_BASE + ptoa(page);
	vm_offset_t aside = here + ptoa(ASIDE + LAB_PAGES * lab_cur->id);
	struct lab_page *pg = &p->page[page];
	struct model_op op;
	unsigned may;
	int error;

	op_begin(p, page, 1, &op, false);
	may = may_of(p, page, 1);
	pg->cells->fuzzy |= !op.alone[page];
	pg->moving = true;
	error = move_one(p, here, aside);
	check_op("mremap", error, may | may_of(p, page, 1));
	if (error == 0) {
		error = move_one(p, aside, here);
		check_op("mremap back", error, may | may_of(p, page, 1));
	}
	pg->moving = false;
	pg->cells->fuzzy |= !op_alone(p, page, &op);
	op_end(p, page, 1, &op, false, false, 0, 0);
}
