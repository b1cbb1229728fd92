/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf_test.c: elf_check against hostile headers: each field at its boundary
 * values, and random mutations.  Whatever is accepted must be mappable as it
 * stands: plan_bad says what is not.  The image is a heap block of exact size,
 * so that a read behind it is an ASan report.
 */
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/exec.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <vm/vm.h>

#include "elf_test.h"
#include "harness.h"

#define FILESIZE	0x6000UL
#define EH_TYPE		16
#define EH_MACHINE	18
#define EH_VERSION	20
#define EH_ENTRY	24
#define EH_PHOFF	32
#define EH_EHSIZE	52
#define EH_PHENTSIZE	54
#define EH_PHNUM	56
#define PH(i)		(64 + (i) * 56)
#define PH_TYPE		0
#define PH_FLAGS	4
#define PH_OFFSET	8
#define PH_VADDR	16
#define PH_FILESZ	32
#define PH_MEMSZ	40
#define PH_ALIGN	48
#define NPH		3
#define HEADLEN		PH(NPH)

static void
put(uint8_t *img, size_t at, uint64_t v, size_t size)
{
	memcpy(img + at, &v, size);
}

static void
put_phdr(uint8_t *img, unsigned i, uint32_t flags, uint64_t off,
    uint64_t vaddr, uint64_t filesz, uint64_t memsz)
{
	put(img, PH(i) + PH_TYPE, 1, 4);
	put(img, PH(i) + PH_FLAGS, flags, 4);
	put(img, PH(i) + PH_OFFSET, off, 8);
	put(img, PH(i) + PH_VADDR, vaddr, 8);
	put(img, PH(i) + PH_FILESZ, filesz, 8);
	put(img, PH(i) + PH_MEMSZ, memsz, 8);
	put(img, PH(i) + PH_ALIGN, PAGE_SIZE, 8);
}

/* A good program: headers, text, data with bss. */
static void
good(uint8_t *img)
{
	static const uint8_t ident[8] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0 };

	memset(img, 0, HEADLEN);
	memcpy(img, ident, sizeof(ident));
	put(img, EH_TYPE, 2, 2);
	put(img, EH_MACHINE, 62, 2);
	put(img, EH_VERSION, 1, 4);
	put(img, EH_ENTRY, 0x401010, 8);
	put(img, EH_PHOFF, 64, 8);
	put(img, EH_EHSIZE, 64, 2);
	put(img, EH_PHENTSIZE, 56, 2);
	put(img, EH_PHNUM, NPH, 2);
	put_phdr(img, 0, 4, 0, 0x400000, 0x200, 0x200);
	put_phdr(img, 1, 5, 0x1000, 0x401000, 0x2345, 0x2345);
	put_phdr(img, 2, 6, 0x4800, 0x404800, 0x700, 0x3000);
}

const char *
plan_bad(const struct exec_plan *p, uint64_t filesize)
{
	uint64_t end = 0, last;
	bool entry = false;
	unsigned i;

	if (p->nseg == 0 || p->nseg > EXEC_MAXSEGS)
		return "number of segments";
	for (i = 0; i < p->nseg; i++) {
		const struct exec_seg *s = &p->seg[i];

		if (s->memsz == 0 || s->filesz > s->memsz)
			return "sizes";
		if (s->filesz > filesize || s->offset > filesize - s->filesz)
			return "file range";
		last = s->vaddr + s->memsz - 1;
		if (last < s->vaddr || s->vaddr < VM_MIN_USER_ADDRESS ||
		    last >= EXEC_TOP)
			return "address range";
		if (s->filesz != 0 &&
		    (s->vaddr & PAGE_MASK) != (s->offset & PAGE_MASK))
			return "congruence";
		if (trunc_page(s->vaddr) < end)
			return "order or shared page";
		end = trunc_page(last) + PAGE_SIZE;
		if ((s->prot & VM_PROT_EXECUTE) != 0 &&
		    p->entry >= s->vaddr && p->entry <= last)
			entry = true;
	}
	if (p->brk != end)
		return "heap start";
	return entry ? NULL : "entry";
}

/* check: elf_check of img in a block of exactly len bytes. */
static int
check(const uint8_t *img, size_t len, uint64_t filesize,
    struct exec_plan *plan)
{
	uint8_t *copy = kmalloc(len + 1, M_WAITOK);
	int error;

	/* At the block's end, and odd: no alignment can be relied on. */
	memcpy(copy + 1, img, len);
	error = elf_check(copy + 1, len, filesize, EXEC_PIEBASE, plan);
	kfree(copy);
	return error;
}

/* Is a good program accepted, and planned as its headers say? */
KTEST(elf, accepts_good)
{
	struct exec_plan plan;
	uint8_t img[HEADLEN];

	good(img);
	KT_CHECK(t, check(img, HEADLEN, FILESIZE, &plan) == 0, "refused");
	KT_CHECK(t, plan_bad(&plan, FILESIZE) == NULL, "%s",
	    plan_bad(&plan, FILESIZE));
	KT_CHECK(t, plan.nseg == 3 && plan.base == 0 &&
	    plan.entry == 0x401010 && plan.phdr == 0x400040 &&
	    plan.phnum == NPH && plan.brk == 0x408000,
	    "nseg %u base %lx entry %lx phdr %lx brk %lx", plan.nseg,
	    plan.base, plan.entry, plan.phdr, plan.brk);
	KT_CHECK(t, plan.seg[2].prot == VM_PROT_RW, "data is %u",
	    plan.seg[2].prot);
}

/* Does a static-PIE get the base added everywhere? */
KTEST(elf, static_pie)
{
	struct exec_plan plan;
	uint8_t img[HEADLEN];
	unsigned i;

	good(img);
	put(img, EH_TYPE, 3, 2);
	put(img, EH_ENTRY, 0x1010, 8);
	for (i = 0; i < NPH; i++)
		put(img, PH(i) + PH_VADDR, (uint64_t[]){ 0, 0x1000, 0x4800 }[i],
		    8);
	KT_CHECK(t, check(img, HEADLEN, FILESIZE, &plan) == 0, "refused");
	KT_CHECK(t, plan.base == EXEC_PIEBASE &&
	    plan.entry == EXEC_PIEBASE + 0x1010 &&
	    plan.phdr == EXEC_PIEBASE + 64, "base %lx entry %lx", plan.base,
	    plan.entry);
}

/* Is an interpreter's path told, and one that cannot be a path refused? */
KTEST(elf, interpreter)
{
	static const uint64_t bad[][2] = {
		{ 0x100, 0 }, { 0x100, 1 }, { 0x100, EXEC_INTERPMAX + 1 },
		{ FILESIZE - 1, 2 }, { -1UL, 2 }, { 0x100, -1UL },
	};
	struct exec_plan plan;
	uint8_t img[HEADLEN];
	unsigned i;

	good(img);
	put(img, PH(0) + PH_TYPE, 3, 4);
	put(img, PH(0) + PH_OFFSET, FILESIZE - 20, 8);
	put(img, PH(0) + PH_FILESZ, 20, 8);
	KT_CHECK(t, check(img, HEADLEN, FILESIZE, &plan) == 0 &&
	    plan.interp_off == FILESIZE - 20 && plan.interp_len == 20,
	    "%u bytes at %lx", plan.interp_len, plan.interp_off);
	for (i = 0; i < nitems(bad); i++) {
		put(img, PH(0) + PH_OFFSET, bad[i][0], 8);
		put(img, PH(0) + PH_FILESZ, bad[i][1], 8);
		KT_CHECK(t, check(img, HEADLEN, FILESIZE, &plan) == ENOEXEC,
		    "%lu bytes at %lx", bad[i][1], bad[i][0]);
	}
}

/* Is each of these, one at a time, refused? */
KTEST(elf, refuses_each)
{
	static const struct {
		const char	*what;
		size_t		 at, size;
		uint64_t	 v;
	} bad[] = {
		{ "magic", 0, 1, 0x7e }, { "class", 4, 1, 1 },
		{ "byte order", 5, 1, 2 }, { "ident version", 6, 1, 0 },
		{ "OS ABI", 7, 1, 9 }, { "relocatable", EH_TYPE, 2, 1 },
		{ "core", EH_TYPE, 2, 4 }, { "machine", EH_MACHINE, 2, 3 },
		{ "version", EH_VERSION, 4, 2 },
		{ "ehsize", EH_EHSIZE, 2, 63 },
		{ "phentsize", EH_PHENTSIZE, 2, 55 },
		{ "phentsize 0", EH_PHENTSIZE, 2, 0 },
		{ "no headers", EH_PHNUM, 2, 0 },
		{ "too many", EH_PHNUM, 2, 0xffff },
		{ "phoff behind", EH_PHOFF, 8, 1UL << 20 },
		{ "phoff wraps", EH_PHOFF, 8, -56UL },
		{ "entry 0", EH_ENTRY, 8, 0 },
		{ "entry in data", EH_ENTRY, 8, 0x404900 },
		{ "entry behind text", EH_ENTRY, 8, 0x403345 },
		{ "entry in the kernel", EH_ENTRY, 8, -1UL },
		{ "filesz > memsz", PH(1) + PH_FILESZ, 8, 0x2346 },
		{ "file range", PH(2) + PH_OFFSET, 8, 0x6800 },
		{ "offset wraps", PH(2) + PH_OFFSET, 8, -0x800UL },
		{ "not congruent", PH(1) + PH_OFFSET, 8, 0x1001 },
		{ "page 0", PH(0) + PH_VADDR, 8, 0 },
		{ "kernel", PH(2) + PH_VADDR, 8, 0xffff800000000800UL },
		{ "top", PH(2) + PH_VADDR, 8, EXEC_TOP - 0x800 },
		{ "descending", PH(2) + PH_VADDR, 8, 0x300800 },
		{ "shared page", PH(2) + PH_VADDR, 8, 0x403800 },
		{ "memsz wraps", PH(2) + PH_MEMSZ, 8, -1UL },
		{ "memsz huge", PH(2) + PH_MEMSZ, 8, 1UL << 47 },
		{ "align not 2^n", PH(1) + PH_ALIGN, 8, 0x1800 },
		{ "align huge", PH(1) + PH_ALIGN, 8, 1UL << 40 },
		{ "bss read-only", PH(2) + PH_FLAGS, 4, 4 },
		{ "text not executable", PH(1) + PH_FLAGS, 4, 4 },
	};
	struct exec_plan plan;
	uint8_t img[HEADLEN];
	unsigned i;

	for (i = 0; i < nitems(bad); i++) {
		good(img);
		put(img, bad[i].at, bad[i].v, bad[i].size);
		KT_CHECK(t, check(img, HEADLEN, FILESIZE, &plan) == ENOEXEC,
		    "%s accepted", bad[i].what);
	}
	good(img);
	for (i = 0; i < HEADLEN; i++)
		KT_CHECK(t, check(img, i, FILESIZE, &plan) == ENOEXEC,
		    "head of %u bytes accepted", i);
	KT_CHECK(t, check(img, HEADLEN, HEADLEN - 1, &plan) == ENOEXEC,
	    "a head longer than its file accepted");
}

/* Values that are near a limit of something. */
static uint64_t
nasty(struct prng *p)
{
	static const uint64_t base[] = {
		0, 1, PAGE_SIZE, FILESIZE, 0x400000, 0x401000, 0x404800,
		VM_MIN_USER_ADDRESS, VM_MAX_USER_ADDRESS, EXEC_TOP,
		EXEC_PIEBASE, -EXEC_PIEBASE, 1UL << 47, 1UL << 63, 1UL << 32,
		0xffff800000000000UL, -PAGE_SIZE,
	};
	uint64_t v = base[prng_below(p, nitems(base))];

	switch (prng_below(p, 4)) {
	case 0:
		return v + prng_below(p, 3) - 1;
	case 1:
		return v + prng_below(p, 3 * PAGE_SIZE) - PAGE_SIZE;
	case 2:
		return prng_next(p);
	default:
		return v;
	}
}

static void
mutate(struct prng *p, uint8_t *img)
{
	static const uint8_t sizes[] = { 1, 2, 4, 8 };
	static const uint8_t fields[] = {
		PH_OFFSET, PH_VADDR, PH_FILESZ, PH_MEMSZ, PH_ALIGN
	};
	size_t size, at;
	uint64_t v;

	switch (prng_below(p, 3)) {
	case 0:			/* any bytes */
		size = sizes[prng_below(p, 4)];
		at = prng_below(p, HEADLEN - size + 1);
		break;
	case 1:			/* a 64-bit field of a program header */
		size = 8;
		at = PH(prng_below(p, NPH)) +
		    fields[prng_below(p, nitems(fields))];
		break;
	default:
		size = 8;
		at = EH_ENTRY + 8 * prng_below(p, 2);
		break;
	}
	v = nasty(p);
	memcpy(img + at, &v, size);
}

static void
mutants(struct ktest_ctx *t, unsigned count)
{
	struct exec_plan plan;
	uint8_t img[HEADLEN];
	unsigned i, n, taken = 0;
	const char *bad;

	for (i = 0; i < count; i++) {
		good(img);
		if (prng_below(&t->prng, 2) == 0)
			put(img, EH_TYPE, 3, 2);
		for (n = 1 + (unsigned)prng_below(&t->prng, 4); n > 0; n--)
			mutate(&t->prng, img);
		if (check(img, HEADLEN, FILESIZE, &plan) != 0)
			continue;
		taken++;
		bad = plan_bad(&plan, FILESIZE);
		KT_CHECK(t, bad == NULL, "mutant %u: %s", i, bad);
	}
	ktest_diag(t, "%u of %u mutants are programs", taken, count);
}

/* Is whatever survives mutation safe to map? */
KTEST(elf, mutants)
{
	mutants(t, 200000);
}

KTEST_FLAGS(elf, mutants_many, KTEST_SLOW)
{
	mutants(t, 10000000);
}
