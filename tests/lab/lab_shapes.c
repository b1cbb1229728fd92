/* SPDX-License-Identifier: BSD-2-Clause */
/* lab_shapes.c: what a scenario finds when its fibres start. */
#include "lab_ops.h"

#include "lab_vmops.h"

/* ---- shapes: page 0 written, 1 written, 2 read, 3 untouched ---- */

static struct lab_proc *
first_process(enum lab_memory kind)
{
	struct lab_proc *p = proc_new(kind);

	proc_write(p, 0);
	proc_write(p, 1);
	proc_read(p, 2, 0);
	return p;
}

static void
make_single(void)
{
	first_process(LAB_PRIVATE);
}

/* The child has copied page 1 already. */
static void
make_parent_child(void)
{
	struct lab_proc *child = proc_fork(first_process(LAB_PRIVATE));

	proc_write(child, 1);
}

/* Nobody has copied anything: both entries still say NEEDS_COPY. */
static void
make_fresh_fork(void)
{
	proc_fork(first_process(LAB_PRIVATE));
}

/* Two shadows on one backing object whose process is gone. */
static void
make_siblings(void)
{
	struct lab_proc *parent = first_process(LAB_PRIVATE);

	proc_fork(parent);
	proc_fork(parent);
	proc_write(&lab_proc[1], 1);
	proc_write(&lab_proc[2], 0);
	proc_put(parent);
	lab_proc[0] = lab_proc[1];
	lab_proc[1] = lab_proc[2];
	lab_nprocs = 2;
}

/* Process 0 sees page 0 at depth 1, page 1 at depth 2, page 2 at depth 3. */
static void
make_chain(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *q;

	proc_write(p, 2);
	for (int i = 2; i >= 1; i--) {
		q = proc_fork(p);
		proc_write(q, i - 1);
		proc_write(p, i - 1);
		if (i == 2)
			proc_put(p);
		p = q;
	}
	/* 0: the first, gone; 1: its child; 2: the last. */
	lab_proc[0] = lab_proc[2];
	lab_nprocs = 2;
}

/*
 * Three objects with all pages behind: 0 owns the last, 1's pages 0 and 1 are
 * in the middle, 2 has page 0 in front.  When 0 goes the middle merges, and one
 * more write lets 2 bypass the middle.
 */
static void
make_rack(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *q;

	proc_write(p, 2);
	proc_write(p, 3);
	q = proc_fork(p);
	proc_write(q, 0);
	proc_write(q, 1);
	proc_write(proc_fork(q), 0);
}

/* A parent with three children, each with a page of its own. */
static void
make_wide(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE);

	for (int i = 0; i < 3; i++)
		proc_write(proc_fork(p), i);
	proc_write(p, 0);
}

/* Two processes that share the object. */
static void
make_shared(void)
{
	proc_fork(first_process(LAB_SHARED));
}

/* A private mapping of a file; page 2 is in the file's object, 3 is not. */
static void
make_file(void)
{
	proc_fork(first_process(LAB_FILE));
}

/* Nobody has touched anything: the object will be made, and shared. */
static void
make_shared_untouched(void)
{
	proc_new(LAB_SHARED);
}

/* Parent and two children on one object, without any shadow. */
static void
make_fan(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE);

	proc_fork(p);
	proc_fork(p);
}

/* The lowest page is gone, so offsets in the chain are not zero. */
static void
make_clipped(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *child;

	proc_write(p, 2);
	proc_munmap(p, 0, 1);
	child = proc_fork(p);
	proc_write(p, 2);
	proc_write(child, 3);
}

/* Three generations, each of which sees the next through an offset. */
static void
make_clipped_chain(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *q, *r;

	proc_write(p, 2);
	proc_write(p, 3);
	proc_munmap(p, 0, 1);
	q = proc_fork(p);
	proc_write(q, 2);
	proc_munmap(q, 1, 1);
	r = proc_fork(q);
	proc_write(r, 3);
	proc_write(q, 3);
}

/*
 * Copy on write first, shared then (FreeBSD-SA-21:08): 0 and 1 share an object
 * in front of the one that 2 sees too.
 */
static void
make_grand(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *q, t;

	proc_fork(p);
	proc_share(p);
	q = proc_fork(p);
	proc_read(q, 0, 0);
	t = lab_proc[1];
	lab_proc[1] = lab_proc[2];
	lab_proc[2] = t;
}

/* As grand, but page 0 is wired for reading before the memory is shared. */
static void
make_lent(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *q, t;

	proc_fork(p);
	proc_protect(p, 0, 1, false);
	proc_wire(p, 0, 1);
	proc_protect(p, 0, 1, true);
	proc_share(p);
	q = proc_fork(p);
	proc_read(q, 0, 0);
	t = lab_proc[1];
	lab_proc[1] = lab_proc[2];
	lab_proc[2] = t;
}

/* A page of the backing object is stored, and one of each shadow. */
static void
make_stored(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *child;

	proc_write(p, 2);
	child = proc_fork(p);
	proc_write(p, 1);
	proc_write(child, 0);
	proc_write(child, 1);
	proc_pageout(p, 0);
	proc_pageout(p, 1);
	proc_pageout(child, 0);
}

/* As stored, and the first page-in of each page fails: it is tried again. */
static void
make_tight(void)
{
	make_stored();
	store_refuse();
}

/* Stored pages under siblings: the one who stays merges with the store. */
static void
make_stored_siblings(void)
{
	make_siblings();
	proc_pageout(&lab_proc[0], 0);
	proc_pageout(&lab_proc[0], 2);
	proc_pageout(&lab_proc[1], 0);
}

/* All memory is one page, so that an unmapping is the end of its object; the
 * parent has copied it. */
static void
make_one(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE);

	proc_munmap(p, 1, LAB_PAGES - 1);
	proc_fork(p);
	proc_write(p, 0);
}

/* The same, three generations, of which the middle one copied nothing. */
static void
make_one_chain(void)
{
	make_one();
	proc_fork(&lab_proc[1]);
	proc_write(&lab_proc[2], 0);
}

/* One page of a file, in the object cache, that two processes map. */
static void
make_one_cached(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE);

	proc_munmap(p, 1, LAB_PAGES - 1);
	proc_mmap_cached(p, 0);
	proc_read(p, 0, LAB_AUX);
	proc_fork(p);
}

/* Parent and child have page 0 from a file whose object is cached. */
static void
make_cached(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE);

	proc_mmap_cached(p, 0);
	proc_read(p, 0, LAB_AUX);
	proc_fork(p);
}

/* Two processes without a common ancestor have two pages of a segment. */
static void
make_segment(void)
{
	struct lab_proc *p;

	model_segment();
	for (int i = 0; i < 2; i++) {
		p = first_process(LAB_PRIVATE);
		proc_attach(p, 0);
		proc_attach(p, 1);
	}
	proc_write(p, 0);
	proc_write(p, 1);
}

/* A file that is cut: 0 shares it, 1 has it privately and wrote page 1. */
static void
make_cut(void)
{
	struct lab_proc *p = proc_new(LAB_CUT);

	proc_write(p, 2);
	p = proc_new(LAB_CUT_PRIVATE);
	proc_write(p, 1);
	proc_read(p, 3, LAB_AUX);
}

const struct lab_shape lab_shapes[] = {
	{ "single", false, "one process", 1, 0,
	    make_single },
	{ "pc", true, "parent and child that copied a page", 2, 0,
	    make_parent_child },
	{ "fresh", true, "parent and child that copied nothing", 2, 0,
	    make_fresh_fork },
	{ "sib", true, "siblings whose parent is gone", 2, 0,
	    make_siblings },
	{ "chain", true, "a chain of three", 2, 0,
	    make_chain },
	{ "rack", false, "three objects, a page of the middle is left", 3, 1,
	    make_rack },
	{ "wide", false, "a parent and three children", 4, 0,
	    make_wide },
	{ "shared", false, "parent and child, shared memory", 2, 0,
	    make_shared },
	{ "share0", false, "shared memory that nobody touched", 1, 0,
	    make_shared_untouched },
	{ "fan", false, "parent and two children that copied nothing", 3, 0,
	    make_fan },
	{ "clip", true, "parent and child, offsets not zero", 2, 1,
	    make_clipped },
	{ "clip3", false, "three generations, offsets not zero", 3, 2,
	    make_clipped_chain },
	{ "grand", false, "copied on write, then shared", 3, 0,
	    make_grand },
	{ "lent", false, "copied on write, wired, then shared", 3, 0,
	    make_lent },
	{ "file", false, "parent and child, private mapping of a file", 2, 0,
	    make_file },
	{ "store", true, "parent and child, pages in the test pager", 2, 0,
	    make_stored },
	{ "tight", false, "as store, but first a page-in has no memory", 2, 0,
	    make_tight },
	{ "storesib", false, "siblings on stored pages", 2, 0,
	    make_stored_siblings },
	{ "cached", false, "parent and child on a file in the object cache", 2, 0,
	    make_cached },
	{ "one", false, "parent and child of one page, which one copied", 2, 0,
	    make_one },
	{ "one3", false, "three generations of one page", 3, 0,
	    make_one_chain },
	{ "seg", false, "two processes on a System V segment", 2, 0,
	    make_segment },
	{ "cut", false, "a file to cut, shared and private", 2, 2,
	    make_cut },
	{ "onefile", false, "parent and child of one page of a cached file", 2, 0,
	    make_one_cached },
};
const int lab_nshapes = nitems(lab_shapes);
CTASSERT(nitems(lab_shapes) <= SET_MAX, "sets have room");
