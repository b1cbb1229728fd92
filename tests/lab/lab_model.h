/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_model.h: what each process must see, and the processes themselves.
 *
 * Each fibre writes only its own 8 bytes (slot) of a page, values that only
 * grow.  So what a slot may show at any time is an interval: from the last
 * write that is certainly in, to the last one begun; or zero, when the page was
 * thrown away.  fork copies the interval; operations in flight widen it; their
 * end narrows it.  That accepts exactly the linearisations of racing operations
 * on one slot, and no byte of another history.
 */
#pragma once

#include "lab.h"

#include <vm/vm_map.h>

struct vm_pager_ops;

#define LAB_PROCS	10
#define LAB_PAGES	4
#define LAB_SLOTS	(LAB_FIBRES + 1)
#define LAB_BASE	0x10000000UL

struct lab_cell {
	uint32_t	 lo, hi;	/* values that may be seen; lo > hi: none */
	uint32_t	 done;		/* the last write that is certainly in:
					 * below lo once it is thrown away */
	bool		 zero;		/* the unwritten page may be seen */
	uint32_t	 base;		/* which shows this: zero, or the file */
	uint32_t	 zaps;		/* of the page, when the write began */
};

struct lab_cells {
	struct lab_cell	 slot[LAB_SLOTS];
	unsigned	 zapping;	/* operations that throw it away */
	uint32_t	 zaps;		/* ended */
	bool		 fuzzy;		/* which page it is depends on a race */
};

/* What may be true of a process's page: bits, because ops overlap. */
#define MP_MAPPED	0x01
#define MP_UNMAPPED	0x02
#define MP_RW		0x04
#define MP_RO		0x08
#define MP_WIRED	0x10

struct lab_page {
	struct lab_cells *cells;
	unsigned	 may;		/* MP_* */
	unsigned	 inflight;	/* operations that change the mapping */
	uint32_t	 opseq;		/* operations begun */
	bool		 shared, file;
	bool		 moving;	/* by mremap, to come back */
};

struct lab_proc {
	struct vmspace	*vm;		/* NULL: unused */
	int		 users;		/* references: fibres and, at rest, us */
	struct lab_page	 page[LAB_PAGES];
	/* of its fork: values begun before and by its end; what each fibre had
	 * written last to each page, 0 if that does not bind the child */
	uint32_t	 fork_from, fork_end;
	uint32_t	 fork_hi[LAB_PAGES][LAB_SLOTS];
};

extern struct lab_proc	lab_proc[LAB_PROCS];
extern int		lab_nprocs;

/* Slots of odd fibres lie in the second half of the page: a copy of a page has
 * an event in its middle. */
static inline vm_offset_t
slot_offset(int slot)
{
	return (vm_offset_t)((slot & 1 ? PAGE_SIZE / 2 : 0) + 8 * slot);
}

/* model_reset: at the start of a preparation. */
void	model_reset(void);
/* LAB_CUT*: of a file that proc_cut cuts, shared or private. */
enum lab_memory { LAB_PRIVATE, LAB_SHARED, LAB_FILE, LAB_CUT, LAB_CUT_PRIVATE };
struct lab_proc *proc_new(enum lab_memory kind);
/* proc_fork: also models the copy. */
struct lab_proc *proc_fork(struct lab_proc *parent);
/* proc_share: children of p's next forks share its memory. */
void	proc_share(struct lab_proc *p);
void	proc_ref(struct lab_proc *p);
void	proc_put(struct lab_proc *p);

void	proc_write(struct lab_proc *p, int page);	/* own slot */
void	proc_read(struct lab_proc *p, int page, int slot);
void	proc_munmap(struct lab_proc *p, int page, int n);
void	proc_mmap(struct lab_proc *p, int page, int n);	/* over what is there */
void	proc_protect(struct lab_proc *p, int page, int n, bool rw);
void	proc_wire(struct lab_proc *p, int page, int n);
void	proc_unwire(struct lab_proc *p, int page, int n);
void	proc_dontneed(struct lab_proc *p, int page, int n);
/* proc_pagein: a read fault without an access. */
void	proc_pagein(struct lab_proc *p, int page);
/* The file whose object is cached: its page i, private, over page i; purged. */
void	proc_mmap_cached(struct lab_proc *p, int page);
void	model_purge_cached(void);

/* lab_named.c: memory that has a name besides its mappings, and mremap. */
/* model_segment: there is a System V segment; proc_attach: its page i comes over
 * page i.  proc_cut: the file ends before page, and is as long as it was again. */
void	model_segment(void);
void	proc_attach(struct lab_proc *p, int page);
void	proc_cut(int page);
struct vm_object *named_file(const struct vm_pager_ops *ops);
bool	named_was_cut(void);
void	named_fork(int page);	/* a child may have page from the segment */
void	named_reset(void);
void	named_put(void);
/* proc_move: to a place of this fibre's own and back. */
void	proc_move(struct lab_proc *p, int page);

/* What a page was when an operation on it began. */
struct model_op {
	uint32_t	 opseq[LAB_PAGES];
	bool		 alone[LAB_PAGES];
	bool		 zap[LAB_PAGES];
	uint32_t	 last[LAB_PAGES][LAB_SLOTS];	/* completed writes */
};
struct lab_cells *cells_new(void);
uint32_t model_value(void);	/* the last that was given out */
/* op_begin: on n pages, zap: private ones are thrown away.  op_end: MP_* that are
 * true now, if nobody else was at it; zapped: they were. */
void	op_begin(struct lab_proc *p, int page, int n, struct model_op *op,
	    bool zap);
void	op_end(struct lab_proc *p, int page, int n, const struct model_op *op,
	    bool zap, bool zapped, unsigned clear, unsigned set);
/* op_alone: nobody else's operation on page met op, which has ended. */
bool	op_alone(const struct lab_proc *p, int page, const struct model_op *op);
unsigned may_of(const struct lab_proc *p, int page, int n);
void	check_op(const char *what, int error, unsigned may);

/* model_hash: what all memory shows; equal for other orders of the writes of
 * different fibres. */
uint64_t model_hash(void);
/* model_verify: every byte of every process that is left. */
void	model_verify(void);
void	model_putall(void);
