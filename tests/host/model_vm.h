/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_vm.h: what address spaces mean, without pages, objects or entries: an
 * array of page slots, each with rights and a cell of bytes.  A sequential
 * reference for vm/: slow, obvious, and sharing none of its ideas.
 *
 *	private slot	owns its cell
 *	shared slot	refers to a cell that other slots refer to as well
 *	cell		bytes; or, not written yet, a page of the file or zero
 *
 * A slot's number is its place in three windows of user space (model_va).
 */
#pragma once

#include <lib/types.h>
#include <vm/vm.h>

#define MODEL_ARENA	64		/* slots of the mmap window */
#define MODEL_HEAP	48		/* of the brk window */
#define MODEL_STACK	96		/* of the stack window, room included */
#define MODEL_SLOTS	(MODEL_ARENA + MODEL_HEAP + MODEL_STACK)
#define MODEL_HEAP_SLOT	MODEL_ARENA
#define MODEL_STACK_SLOT (MODEL_ARENA + MODEL_HEAP)
#define MODEL_FILE	24		/* pages of the one file */

struct model_cell {
	unsigned	 refs;
	int		 file_page;	/* unwritten: shows this page, or -1 */
	uint8_t		*bytes;		/* NULL: not written */
};

struct model_slot {
	struct model_cell *cell;	/* NULL: not mapped */
	vm_prot_t	 prot, max;
	enum vm_inherit	 inherit;
	bool		 guard, shared, wired;
	int		 file_page;	/* private page of the file, or -1 */
};

struct model_space {
	struct model_slot slot[MODEL_SLOTS];
	unsigned	 mapped;	/* slots */
	unsigned	 limit;		/* most that may be mapped */
	unsigned	 brk;		/* first heap slot above the heap */
	unsigned	 stack_low;	/* lowest slot of the stack */
	bool		 stack_grows;
};

struct model_mmap {
	unsigned	 slot, n;	/* hint or place, and length */
	vm_prot_t	 prot, max;
	bool		 fixed, excl, shared, guard;
	int		 file_page;	/* first page of the file, or -1 */
};

vm_offset_t	 model_va(unsigned slot);
void		 model_file_page(unsigned page, uint8_t *bytes);

/* The file: one for all spaces of a run. */
void		 model_init(void);
void		 model_fini(void);

struct model_space *model_space_new(unsigned limit);
void		 model_space_free(struct model_space *s);
struct model_space *model_fork(struct model_space *s);

/* Each returns the errno that vm/ must return, and has changed the model
 * exactly if that is what vm/ does. */
/* model_mmap: *at is the slot.  At MODEL_BEYOND + slot it reaches out of the
 * arena, whose slots go on upwards, and is not recorded: unmap it again. */
#define MODEL_BEYOND	0x1000
int		 model_mmap(struct model_space *s, const struct model_mmap *a,
		    unsigned *at);
int		 model_munmap(struct model_space *s, unsigned slot, unsigned n);
int		 model_protect(struct model_space *s, unsigned slot,
		    unsigned n, vm_prot_t prot, bool set_max);
int		 model_inherit(struct model_space *s, unsigned slot,
		    unsigned n, enum vm_inherit inherit);
int		 model_dontneed(struct model_space *s, unsigned slot,
		    unsigned n);
int		 model_wire(struct model_space *s, unsigned slot, unsigned n);
int		 model_unwire(struct model_space *s, unsigned slot, unsigned n);
int		 model_brk(struct model_space *s, unsigned slot);
/* model_access: may one byte at va be read or written?  Grows the stack. */
int		 model_access(struct model_space *s, vm_offset_t va,
		    bool write);
/* The byte at va, which is mapped; and the write of it. */
uint8_t		 model_load(const struct model_space *s, vm_offset_t va);
void		 model_store(struct model_space *s, vm_offset_t va, uint8_t v);
