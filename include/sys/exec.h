/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec.h: the plan that a checked ELF header turns into.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

#define EXEC_HEADSIZE	4096U	/* header, program headers: the first page */
#define EXEC_MAXSEGS	16
#define EXEC_MAXINTERP	4	/* #! scripts whose interpreter is a script */
#define EXEC_ARGMAX	(512UL << 10)	/* argument and environment bytes */
#define EXEC_ARGSTR	(128UL << 10)	/* one string of them */
#define EXEC_PIEBASE	0x0000555555400000UL
#define EXEC_INTERPBASE	0x00007e0000000000UL	/* a linker that may be anywhere */
#define EXEC_INTERPMAX	4096U	/* its path, with the NUL */
/* Programs end below this; the stack and its growth are above. */
#define EXEC_TOP	0x00007f0000000000UL

/* One PT_LOAD.  Addresses have the base of a PIE added. */
struct exec_seg {
	uint64_t	vaddr;		/* first byte */
	uint64_t	memsz, filesz;
	uint64_t	offset;		/* in the file; congruent to vaddr */
	uint8_t		prot;		/* VM_PROT_* */
};

struct exec_plan {
	unsigned	nseg;
	struct exec_seg	seg[EXEC_MAXSEGS];	/* ascending, page-disjoint */
	uint64_t	base;		/* 0 for ET_EXEC */
	uint64_t	entry;		/* in an executable segment */
	uint64_t	phdr;		/* address of the headers; 0: unmapped */
	uint64_t	phnum;
	uint64_t	brk;		/* end of the last segment, page-rounded */
	uint64_t	interp_off;	/* its interpreter's path in the file */
	unsigned	interp_len;	/* with the NUL; 0: none */
};

/*
 * elf_check: is this the head of an x86-64 ELF program of filesize bytes?
 * base: where one goes that may be anywhere (a multiple of 2 MiB).  Pure: reads
 * [head, head + len) only, trusts no field.
 * => Returns 0 and *plan: every segment lies in [VM_MIN_USER_ADDRESS,
 *    EXEC_TOP), its file bytes inside the file, no page in two segments.
 *    ENOEXEC: not such a program.
 * => See: tests/host/elf_test.c.
 */
int	elf_check(const void *head, size_t len, uint64_t filesize,
	    uint64_t base, struct exec_plan *plan) __warn_unused;

struct vm_object;
struct vmspace;

/*
 * exec_map: map a plan's segments into a new space.  object is the file's; each
 * segment takes a reference of its own.
 * => Returns 0; ENOMEM, EEXIST (the stack is in the way): some may be mapped.
 */
int	exec_map(struct vmspace *vm, struct vm_object *object,
	    const struct exec_plan *plan) __warn_unused;
/* exec_seg_pad: bytes behind a segment's file bytes that are to be zero: with a
 * bss, all that are left of the page, for ld.so uses them (as Linux does). */
uint64_t exec_seg_pad(const struct exec_seg *seg);
