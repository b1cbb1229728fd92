/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec_elf.c: turns the head of an ELF file into a plan of mappings.  Pure
 * code, tested on the host with hostile headers; exec.c carries the plan out.
 *
 * I1: a plan that is returned can be mapped as it stands: the ranges do not
 *     wrap, do not share a page, ascend, and lie in user space.
 * I2: nothing is read from the file but the first len bytes; program headers
 *     that lie beyond them make it no program.
 * Sources: System V ABI chapters 4 and 5; AMD64 supplement.
 */
#include <sys/exec.h>

#include <lib/overflow.h>
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/param.h>
#include <vm/vm.h>

struct elf64_ehdr {
	uint8_t		e_ident[16];
	uint16_t	e_type, e_machine;
	uint32_t	e_version;
	uint64_t	e_entry, e_phoff, e_shoff;
	uint32_t	e_flags;
	uint16_t	e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum,
			e_shstrndx;
};

struct elf64_phdr {
	uint32_t	p_type, p_flags;
	uint64_t	p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};

CTASSERT(sizeof(struct elf64_ehdr) == 64, "ELF64 header layout");
CTASSERT(sizeof(struct elf64_phdr) == 56, "ELF64 program header layout");

#define ET_EXEC		2
#define ET_DYN		3
#define EM_X86_64	62
#define PT_LOAD		1
#define PT_INTERP	3
#define PF_X		1
#define PF_W		2
#define PF_R		4
#define ELF_MAXALIGN	(2UL << 20)	/* what a base is aligned to */

CTASSERT(((EXEC_PIEBASE | EXEC_INTERPBASE) & (ELF_MAXALIGN - 1)) == 0,
    "base alignment");

static bool
ehdr_ok(const struct elf64_ehdr *eh, size_t len)
{
	static const uint8_t ident[7] = {
		0x7f, 'E', 'L', 'F', 2 /* 64 */, 1 /* LSB */, 1 /* version */
	};
	uint64_t size, end;

	if (memcmp(eh->e_ident, ident, sizeof(ident)) != 0)
		return false;
	/* System V or GNU/Linux: nothing here depends on which. */
	if (eh->e_ident[7] != 0 && eh->e_ident[7] != 3)
		return false;
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return false;
	if (eh->e_machine != EM_X86_64 || eh->e_version != 1 ||
	    eh->e_ehsize != sizeof(*eh) ||
	    eh->e_phentsize != sizeof(struct elf64_phdr) || eh->e_phnum == 0)
		return false;
	size = (uint64_t)eh->e_phnum * sizeof(struct elf64_phdr);
	return add_ok(eh->e_phoff, size, &end) && end <= len;
}

static uint8_t
seg_prot(uint32_t flags)
{
	unsigned prot;

	prot = VM_PROT_NONE;
	if ((flags & PF_R) != 0)
		prot |= VM_PROT_READ;
	if ((flags & PF_W) != 0)
		prot |= VM_PROT_WRITE;
	if ((flags & PF_X) != 0)
		prot |= VM_PROT_EXECUTE;
	return (uint8_t)prot;
}

/* load_ok: one PT_LOAD by itself, base added. */
static bool
load_ok(const struct elf64_phdr *ph, uint64_t filesize, uint64_t vaddr)
{
	if (ph->p_filesz > ph->p_memsz)
		return false;
	if (!range_ok(ph->p_offset, ph->p_filesz, 0, filesize))
		return false;
	if (!range_ok(vaddr, ph->p_memsz, VM_MIN_USER_ADDRESS, EXEC_TOP))
		return false;
	if (((ph->p_offset ^ vaddr) & PAGE_MASK) != 0 && ph->p_filesz != 0)
		return false;
	if (ph->p_align > 1 && (!powerof2(ph->p_align) ||
	    ph->p_align > ELF_MAXALIGN))
		return false;
	/* The tail of the last file page is zeroed through the mapping. */
	if (ph->p_filesz != ph->p_memsz && ph->p_filesz != 0 &&
	    ((vaddr + ph->p_filesz) & PAGE_MASK) != 0 &&
	    (ph->p_flags & PF_W) == 0)
		return false;
	return true;
}

/* plan_load: add one PT_LOAD, behind all that are there. */
static bool
plan_load(struct exec_plan *plan, const struct elf64_phdr *ph,
    uint64_t filesize)
{
	struct exec_seg *seg;
	uint64_t vaddr;

	if (ph->p_memsz == 0)
		return true;
	if (plan->nseg == EXEC_MAXSEGS ||
	    !add_ok(ph->p_vaddr, plan->base, &vaddr) ||
	    !load_ok(ph, filesize, vaddr))
		return false;
	if (plan->nseg > 0 && trunc_page(vaddr) < plan->brk)
		return false;
	seg = &plan->seg[plan->nseg++];
	seg->vaddr = vaddr;
	seg->memsz = ph->p_memsz;
	seg->filesz = ph->p_filesz;
	seg->offset = ph->p_offset;
	seg->prot = seg_prot(ph->p_flags);
	plan->brk = round_page(vaddr + ph->p_memsz);
	return true;
}

/* plan_entry: does the entry point lie in an executable segment? */
static bool
plan_entry(struct exec_plan *plan, uint64_t entry)
{
	const struct exec_seg *seg;
	unsigned i;

	if (!add_ok(entry, plan->base, &plan->entry))
		return false;
	for (i = 0; i < plan->nseg; i++) {
		seg = &plan->seg[i];
		if ((seg->prot & VM_PROT_EXECUTE) != 0 &&
		    plan->entry >= seg->vaddr &&
		    plan->entry - seg->vaddr < seg->memsz)
			return true;
	}
	return false;
}

/* plan_phdr: where the program finds its own headers, if they are mapped. */
static void
plan_phdr(struct exec_plan *plan, uint64_t phoff, uint64_t size)
{
	const struct exec_seg *seg;
	unsigned i;

	plan->phdr = 0;
	for (i = 0; i < plan->nseg; i++) {
		seg = &plan->seg[i];
		if (phoff >= seg->offset && size <= seg->filesz &&
		    phoff - seg->offset <= seg->filesz - size) {
			plan->phdr = seg->vaddr + (phoff - seg->offset);
			return;
		}
	}
}

/* plan_interp: the first PT_INTERP counts, as in Linux. */
static bool
plan_interp(struct exec_plan *plan, const struct elf64_phdr *ph,
    uint64_t filesize)
{
	if (plan->interp_len != 0)
		return true;
	if (ph->p_filesz < 2 || ph->p_filesz > EXEC_INTERPMAX ||
	    !range_ok(ph->p_offset, ph->p_filesz, 0, filesize))
		return false;
	plan->interp_off = ph->p_offset;
	plan->interp_len = (unsigned)ph->p_filesz;
	return true;
}

int
elf_check(const void *head, size_t len, uint64_t filesize, uint64_t base,
    struct exec_plan *plan)
{
	struct elf64_ehdr eh;
	struct elf64_phdr ph;
	unsigned i;

	memset(plan, 0, sizeof(*plan));
	if (len < sizeof(eh) || len > filesize)
		return ENOEXEC;
	/* Copies: the image need not be aligned. */
	memcpy(&eh, head, sizeof(eh));
	if (!ehdr_ok(&eh, len))
		return ENOEXEC;
	plan->base = eh.e_type == ET_DYN ? base : 0;
	for (i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, (const char *)head + eh.e_phoff + i * sizeof(ph),
		    sizeof(ph));
		if (ph.p_type == PT_INTERP &&
		    !plan_interp(plan, &ph, filesize))
			return ENOEXEC;
		if (ph.p_type == PT_LOAD && !plan_load(plan, &ph, filesize))
			return ENOEXEC;
	}
	if (plan->nseg == 0 || !plan_entry(plan, eh.e_entry))
		return ENOEXEC;
	plan->phnum = eh.e_phnum;
	plan_phdr(plan, eh.e_phoff, eh.e_phnum * sizeof(ph));
	return 0;
}
