/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootinfo_test.c: boot/bootinfo.c against loaders that lie.
 *
 * Each row of maps[] is a memory map and perhaps a module; it is given to the
 * parser as Multiboot2 tags and as PVH start information, which must agree.
 * tags[] are broken tag lists.  The fuzzers change good information at random
 * and check the invariants I1-I4 of <sys/bootinfo.h>; the sanitizers see every
 * read beyond the buffer.
 */
#include <sys/bootinfo.h>

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/param.h>

#include "harness.h"
#include "host_os.h"

#define KSTART		0x100000UL	/* the kernel */
#define KEND		0x300000UL
#define MAXPHYS		40
#define RAM		1
#define RES		2
#define ACPI		3
#define BAD		5
#define MAXENTRIES	72

#define PVH_INFO	0x1000UL	/* where pvh_build puts things */
#define PVH_MEMMAP	0x2000UL
#define PVH_MODULES	0x3000UL
#define PVH_CMDLINE	0x4000UL
#define PVH_SIZE	0x5000UL

struct entry {
	uint64_t	base, len;
	uint32_t	type;
};

struct map_case {
	const char	*name;
	struct entry	 e[8];		/* up to the first with type 0 */
	uint64_t	 mod_start, mod_end;
	const char	*err;		/* part of the error; NULL: success */
	const char	*regions;	/* on success, "start-end start-end" */
	const char	*warning;	/* part of one; NULL: there is none */
};

/* What a good machine has below 1 MiB, and the RAM that holds the kernel. */
#define LOW		{ 0, 0x9fc00, RAM }, { 0x9fc00, 0x400, RES }
#define MAIN		{ 0x100000, 0x7f00000, RAM }
#define GOOD		"0-9f000 100000-8000000"

static const struct map_case maps[] = {
	{ "a good map", { LOW, MAIN, { 0x8000000, 0x1000, ACPI } }, 0, 0,
	    NULL, GOOD, NULL },
	{ "a good map with a module", { LOW, MAIN }, 0x400000, 0x500123, NULL,
	    GOOD, NULL },
	{ "RAM above 4 GiB", { LOW, MAIN, { 0x100000000, 0x40000000, RAM } },
	    0, 0, NULL, GOOD " 100000000-140000000", NULL },
	{ "touching RAM is joined", { LOW, { 0x100000, 0x100000, RAM },
	    { 0x200000, 0x7e00000, RAM } }, 0, 0, NULL, GOOD, NULL },
	{ "no entry", { { 0 } }, 0, 0, "no memory map", NULL, NULL },
	{ "no RAM", { { 0, 0x1000000, RES } }, 0, 0, "no usable RAM", NULL,
	    NULL },
	{ "only parts of pages", { { 0x100, 0x800, RAM },
	    { 0x1800, 0x800, RAM } }, 0, 0, "no usable RAM", NULL, NULL },
	{ "unsorted", { MAIN, LOW }, 0, 0, NULL, GOOD, "not sorted" },
	{ "unsorted, joined by the last", { { 0x300000, 0x7d00000, RAM },
	    { 0, 0x9fc00, RAM }, { 0x100000, 0x200000, RAM } }, 0, 0, NULL,
	    GOOD, "not sorted" },
	{ "zero length", { LOW, { 0x90000, 0, RAM }, MAIN }, 0, 0, NULL, GOOD,
	    "no length" },
	{ "zero length, reserved", { LOW, MAIN, { 0x200000, 0, RES } }, 0, 0,
	    NULL, GOOD, "no length" },
	{ "all of zero length", { { 0, 0, RAM }, { 0, 0, RAM } }, 0, 0,
	    "no usable RAM", NULL, NULL },
	{ "RAM twice", { LOW, MAIN, MAIN }, 0, 0, NULL, GOOD, "overlaps" },
	{ "RAM overlaps RAM at the end", { LOW, { 0x100000, 0x400000, RAM },
	    { 0x400000, 0x7c00000, RAM } }, 0, 0, NULL, GOOD, "overlaps" },
	{ "RAM overlaps RAM at the start", { LOW, { 0x400000, 0x7c00000, RAM },
	    { 0x100000, 0x400000, RAM } }, 0, 0, NULL, GOOD, "overlaps" },
	{ "RAM within RAM", { LOW, MAIN, { 0x400000, 0x1000, RAM } }, 0, 0,
	    NULL, GOOD, "overlaps" },
	{ "RAM over several", { LOW, { 0x200000, 0x1000, RAM },
	    { 0x300000, 0x1000, RAM }, { 0x400000, 0x1000, RAM }, MAIN }, 0, 0,
	    NULL, GOOD, "overlaps" },
	{ "reserved within RAM", { LOW, MAIN, { 0x500000, 0x1000, RES } }, 0, 0,
	    NULL, "0-9f000 100000-500000 501000-8000000", "reserved" },
	{ "reserved before the RAM it cuts", { LOW, { 0x500000, 0x1000, RES },
	    MAIN }, 0, 0, NULL, "0-9f000 100000-500000 501000-8000000",
	    "reserved" },
	{ "reserved parts of pages within RAM", { LOW, MAIN,
	    { 0x500800, 0x900, RES } }, 0, 0, NULL,
	    "0-9f000 100000-500000 502000-8000000", "reserved" },
	{ "reserved over the start of RAM", { LOW, { 0x80000, 0x80000, RES },
	    MAIN }, 0, 0, NULL, "0-80000 100000-8000000", "reserved" },
	{ "reserved over the end of RAM", { LOW, MAIN,
	    { 0x7000000, 0x2000000, RES } }, 0, 0, NULL,
	    "0-9f000 100000-7000000", "reserved" },
	{ "reserved over a whole region", { LOW, MAIN,
	    { 0x9000000, 0x1000000, RAM }, { 0x8800000, 0x2000000, RES } }, 0,
	    0, NULL, GOOD, "reserved" },
	{ "reserved over everything", { LOW, MAIN, { 0, UINT64_MAX, RES } }, 0,
	    0, "no usable RAM", NULL, NULL },
	{ "reserved that wraps", { LOW, MAIN,
	    { 0x7000000, UINT64_MAX, RES } }, 0, 0, NULL,
	    "0-9f000 100000-7000000", "reserved" },
	{ "defective RAM is not RAM", { LOW, MAIN, { 0x600000, 0x2000, BAD } },
	    0, 0, NULL, "0-9f000 100000-600000 602000-8000000", "reserved" },
	{ "an unknown type is not RAM", { LOW, MAIN, { 0x600000, 0x2000, 77 } },
	    0, 0, NULL, "0-9f000 100000-600000 602000-8000000", "reserved" },
	{ "RAM that wraps", { LOW, MAIN,
	    { 0xfffffffffffff000, 0x2000, RAM } }, 0, 0, NULL, GOOD,
	    "wraps around" },
	{ "RAM beyond the CPU", { LOW, MAIN,
	    { 1UL << MAXPHYS, 0x100000, RAM } }, 0, 0, NULL, GOOD,
	    "beyond the CPU" },
	{ "RAM that reaches beyond the CPU", { LOW, MAIN,
	    { (1UL << MAXPHYS) - 0x10000, 0x100000, RAM } }, 0, 0, NULL,
	    GOOD " ffffff0000-10000000000", "beyond the CPU" },
	{ "RAM not page aligned", { { 0x800, 0x9f000, RAM },
	    { 0x100000, 0x7f00fff, RAM } }, 0, 0, NULL,
	    "1000-9f000 100000-8000000", NULL },
	{ "the kernel in a hole", { LOW, { 0x300000, 0x7d00000, RAM } }, 0, 0,
	    "kernel", NULL, NULL },
	{ "the kernel half in RAM", { LOW, { 0x100000, 0x100000, RAM } }, 0, 0,
	    "kernel", NULL, NULL },
	{ "a hole in the kernel", { LOW, MAIN, { 0x180000, 0x1000, RES } }, 0,
	    0, "kernel", NULL, NULL },
	{ "the kernel in reserved memory", { LOW, MAIN,
	    { 0x100000, 0x200000, RES } }, 0, 0, "kernel", NULL, NULL },
	{ "module over the kernel", { LOW, MAIN }, 0x200000, 0x400000,
	    "over the kernel", NULL, NULL },
	{ "module within the kernel", { LOW, MAIN }, 0x180000, 0x181000,
	    "over the kernel", NULL, NULL },
	{ "module around the kernel", { LOW, MAIN }, 0x80000, 0x800000,
	    "over the kernel", NULL, NULL },
	{ "module next to the kernel", { LOW, MAIN }, KEND, 0x400000, NULL,
	    GOOD, NULL },
	{ "module outside RAM", { LOW, MAIN }, 0x9000000, 0x9001000,
	    "not in usable RAM", NULL, NULL },
	{ "module reaches out of RAM", { LOW, MAIN }, 0x7fff000, 0x8001000,
	    "not in usable RAM", NULL, NULL },
	{ "module over reserved memory", { LOW, MAIN,
	    { 0x500000, 0x1000, RES } }, 0x400000, 0x600000,
	    "not in usable RAM", NULL, NULL },
	{ "module in the last part of a page", { LOW,
	    { 0x100000, 0x7f00800, RAM } }, 0x7fff000, 0x8000700,
	    "not in usable RAM", NULL, NULL },
	{ "empty module", { LOW, MAIN }, 0x500000, 0x500000, NULL, GOOD,
	    "empty" },
	{ "module ends before it starts", { LOW, MAIN }, 0x500000, 0x400000,
	    "module", NULL, NULL },
};

/* A buffer that is being filled. */
struct out {
	uint8_t	*p;
	size_t	 len, size;
};

static void
put32(struct out *o, uint32_t v)
{
	if (o->len + 4 <= o->size)
		memcpy(o->p + o->len, &v, 4);
	o->len += 4;
}

static void
put64(struct out *o, uint64_t v)
{
	put32(o, (uint32_t)v);
	put32(o, (uint32_t)(v >> 32));
}

static void
put_string(struct out *o, const char *s)
{
	size_t n = strlen(s) + 1;

	if (o->len + n <= o->size)
		memcpy(o->p + o->len, s, n);
	o->len += n;
}

static void
put_align(struct out *o)
{
	o->len = roundup2(o->len, 8);
}

static unsigned
nentries(const struct entry *e, unsigned max)
{
	unsigned n;

	for (n = 0; n < max && e[n].type != 0; n++)
		continue;
	return n;
}

static void
put_entries(struct out *o, const struct entry *e, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		put64(o, e[i].base);
		put64(o, e[i].len);
		put32(o, e[i].type);
		put32(o, 0);
	}
}

/* Multiboot2 information in o; returns its size, which is also in its head. */
static size_t
mb2_build(struct out *o, const struct entry *e, unsigned n, uint64_t mod_start,
    uint64_t mod_end, const char *cmdline)
{
	uint32_t total;

	o->len = 0;
	put64(o, 0);
	put32(o, 1);
	put32(o, (uint32_t)(8 + strlen(cmdline) + 1));
	put_string(o, cmdline);
	put_align(o);
	put32(o, 2);
	put32(o, 8 + 5);
	put_string(o, "test");
	put_align(o);
	if (mod_start != 0) {
		put32(o, 3);
		put32(o, 8 + 8 + 2);
		put32(o, (uint32_t)mod_start);
		put32(o, (uint32_t)mod_end);
		put_string(o, "m");
		put_align(o);
	}
	put32(o, 6);
	put32(o, 16 + 24 * n);
	put32(o, 24);
	put32(o, 0);
	put_entries(o, e, n);
	put32(o, 0);
	put32(o, 8);
	total = (uint32_t)o->len;
	memcpy(o->p, &total, 4);
	return total;
}

/* PVH information in an image of physical memory from 0 to PVH_SIZE. */
static void
pvh_build(uint8_t *mem, const struct entry *e, unsigned n, uint64_t mod_start,
    uint64_t mod_end, const char *cmdline)
{
	struct out o = { mem + PVH_INFO, 0, 0x1000 };

	put32(&o, PVH_MAGIC);
	put32(&o, 1);			/* version */
	put32(&o, 0);
	put32(&o, mod_start != 0);
	put64(&o, PVH_MODULES);
	put64(&o, PVH_CMDLINE);
	put64(&o, 0xf0000);		/* RSDP */
	put64(&o, PVH_MEMMAP);
	put32(&o, n);
	put32(&o, 0);
	o = (struct out){ mem + PVH_MEMMAP, 0, 0x1000 };
	put_entries(&o, e, n);
	o = (struct out){ mem + PVH_MODULES, 0, 0x1000 };
	put64(&o, mod_start);
	put64(&o, mod_end - mod_start);
	put64(&o, 0);
	put64(&o, 0);
	o = (struct out){ mem + PVH_CMDLINE, 0, 0x1000 };
	put_string(&o, cmdline);
}

static uint8_t *pvh_mem;

static const void *
pvh_map(vm_paddr_t pa, size_t len)
{
	return pa < PVH_SIZE && len <= PVH_SIZE - pa ? pvh_mem + pa : NULL;
}

static void
bi_init(struct bootinfo *bi)
{
	memset(bi, 0xa5, sizeof(*bi));	/* the parser must overwrite it */
	bi->kernel_start = KSTART;
	bi->kernel_end = KEND;
}

static void
regions_text(const struct bootinfo *bi, char *buf, size_t size)
{
	size_t off = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < bi->nregions && off < size; i++)
		off += (size_t)ksnprintf(buf + off, size - off, "%s%lx-%lx",
		    i == 0 ? "" : " ", bi->region[i].start, bi->region[i].end);
}

static bool
has_warning(const struct bootinfo *bi, const char *what)
{
	for (unsigned i = 0; i < MIN(bi->nwarnings, BOOTINFO_MAXWARN); i++)
		if (strstr(bi->warning[i], what) != NULL)
			return true;
	return false;
}

/* Does some region contain [start, end)? */
static bool
covered(const struct bootinfo *bi, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < bi->nregions; i++)
		if (start >= bi->region[i].start && end <= bi->region[i].end)
			return true;
	return false;
}

/* I1-I4; NULL, or which is broken. */
static const char *
invariant(const struct bootinfo *bi)
{
	const struct bootinfo_region *r = bi->region;

	if (bi->nregions == 0 || bi->nregions > BOOTINFO_MAXREGIONS)
		return "I1: number of regions";
	for (unsigned i = 0; i < bi->nregions; i++) {
		if (r[i].start >= r[i].end || (i > 0 &&
		    r[i].start <= r[i - 1].end))
			return "I1: order";
		if (((r[i].start | r[i].end) & PAGE_MASK) != 0)
			return "I1: alignment";
		if (r[i].end > 1UL << MAXPHYS)
			return "I2: physical bits";
	}
	if (!covered(bi, KSTART, KEND))
		return "I3: kernel";
	if (bi->initrd_start != bi->initrd_end &&
	    (!covered(bi, bi->initrd_start, bi->initrd_end) ||
	    (bi->initrd_start < KEND && KSTART < bi->initrd_end)))
		return "I3: initrd";
	if (strnlen(bi->cmdline, sizeof(bi->cmdline)) ==
	    sizeof(bi->cmdline) ||
	    strnlen(bi->loader, sizeof(bi->loader)) == sizeof(bi->loader))
		return "I4: strings";
	return NULL;
}

static void
check_result(struct ktest_ctx *t, const struct map_case *c, const char *how,
    const struct bootinfo *bi, int error, const char *err)
{
	char text[1024];
	const char *broken;

	if (c->err != NULL) {
		KT_CHECK(t, error == EINVAL, "%s, %s: accepted", c->name, how);
		KT_CHECK(t, strstr(err, c->err) != NULL, "%s, %s: says \"%s\"",
		    c->name, how, err);
		return;
	}
	KT_CHECK(t, error == 0, "%s, %s: refused: %s", c->name, how, err);
	broken = invariant(bi);
	KT_CHECK(t, broken == NULL, "%s, %s: %s", c->name, how, broken);
	regions_text(bi, text, sizeof(text));
	KT_CHECK(t, strcmp(text, c->regions) == 0, "%s, %s: regions %s",
	    c->name, how, text);
	KT_CHECK(t, strcmp(bi->cmdline, "a=1 b") == 0, "%s, %s: command line",
	    c->name, how);
	if (c->warning != NULL)
		KT_CHECK(t, has_warning(bi, c->warning), "%s, %s: no warning "
		    "of \"%s\"", c->name, how, c->warning);
	else
		KT_CHECK(t, bi->nwarnings == 0, "%s, %s: warns: %s", c->name,
		    how, bi->warning[0]);
}

/* Is each lie about memory repaired or refused, with a clear message? */
KTEST(bootinfo, maps)
{
	static struct bootinfo bi;
	struct out o = { NULL, 0, 0 };
	char err[128];
	size_t size;
	int error;

	for (unsigned i = 0; i < nitems(maps); i++) {
		const struct map_case *c = &maps[i];
		unsigned n = nentries(c->e, nitems(c->e));

		o.size = 1024;
		o.p = hos_alloc(o.size);
		size = mb2_build(&o, c->e, n, c->mod_start, c->mod_end,
		    "a=1 b");
		bi_init(&bi);
		error = bootinfo_multiboot2(&bi, o.p, size, MAXPHYS, err,
		    sizeof(err));
		hos_free(o.p);
		check_result(t, c, "Multiboot2", &bi, error, err);

		pvh_mem = hos_alloc(PVH_SIZE);
		pvh_build(pvh_mem, c->e, n, c->mod_start, c->mod_end,
		    "a=1 b");
		bi_init(&bi);
		error = bootinfo_pvh(&bi, PVH_INFO, pvh_map, MAXPHYS, err,
		    sizeof(err));
		hos_free(pvh_mem);
		check_result(t, c, "PVH", &bi, error, err);
		if (t->failed)
			return;
	}
}

/* More regions than there is room for: memory is lost, never invented. */
KTEST(bootinfo, many_regions)
{
	static struct bootinfo bi;
	static struct entry e[MAXENTRIES];
	struct out o = { hos_alloc(4096), 0, 4096 };
	char err[128];
	size_t size;
	unsigned i;
	int error;

	e[0] = (struct entry)MAIN;
	for (i = 1; i < MAXENTRIES; i++)
		e[i] = (struct entry){ 0x10000000 + i * 0x10000UL, 0x8000,
		    RAM };
	size = mb2_build(&o, e, MAXENTRIES, 0, 0, "");
	bi_init(&bi);
	error = bootinfo_multiboot2(&bi, o.p, size, MAXPHYS, err, sizeof(err));
	KT_CHECK(t, error == 0 && invariant(&bi) == NULL, "%s", err);
	KT_CHECK(t, bi.nregions == BOOTINFO_MAXREGIONS, "%u regions",
	    bi.nregions);
	KT_CHECK(t, bi.nwarnings == MAXENTRIES - BOOTINFO_MAXREGIONS,
	    "%u warnings", bi.nwarnings);

	/* The same when reserved memory cuts RAM into too many pieces. */
	for (i = 1; i < MAXENTRIES; i++)
		e[i] = (struct entry){ 0x400000 + i * 0x10000UL, 0x8000, RES };
	size = mb2_build(&o, e, MAXENTRIES, 0, 0, "");
	bi_init(&bi);
	error = bootinfo_multiboot2(&bi, o.p, size, MAXPHYS, err, sizeof(err));
	KT_CHECK(t, error == 0 && invariant(&bi) == NULL, "%s", err);
	for (i = 1; i < MAXENTRIES; i++)
		KT_CHECK(t, !covered(&bi, e[i].base, e[i].base + PAGE_SIZE),
		    "reserved %lx is in a region", e[i].base);
	hos_free(o.p);
}

/* Words of Multiboot2 information to be replaced, and what that must give. */
static const struct tag_case {
	const char	*name;
	size_t		 off;		/* of a 32-bit word */
	uint32_t	 v;
	const char	*err;		/* NULL: success ... */
	const char	*warning;	/* ... with this warning */
} tags[] = {
	{ "total size 0", 0, 0, "claims", NULL },
	{ "total size 8", 0, 8, "claims", NULL },
	{ "total size beyond the buffer", 0, 4096, "claims", NULL },
	{ "total size cuts the last tag", 0, 120, "truncated", NULL },
	{ "total size cuts the end tag", 0, 144, "truncated", NULL },
	{ "tag size 0", 12, 0, "truncated", NULL },
	{ "tag size 7", 12, 7, "truncated", NULL },
	{ "tag size beyond the end", 12, 4096, "truncated", NULL },
	{ "tag size 2^32 - 1", 12, 0xffffffff, "truncated", NULL },
	{ "end tag too early", 8, 0, "no memory map", NULL },
	{ "command line not terminated", 12, 8 + 5, NULL, "not terminated" },
	{ "loader's name not terminated", 28, 8 + 2, NULL, "not terminated" },
	{ "module tag too short", 44, 12, "module tag", NULL },
	{ "memory map tag too short", 68, 12, "memory map tag", NULL },
	{ "memory map tag without entries", 68, 16, "truncated", NULL },
	{ "memory map tag with part of an entry", 68, 16 + 24 + 8, "truncated",
	    NULL },
	{ "memory map entry size 0", 72, 0, "entries of", NULL },
	{ "memory map entry size 16", 72, 16, "entries of", NULL },
	{ "memory map entry size 25", 72, 25, "entries of", NULL },
	{ "memory map entry size 2^32 - 8", 72, 0xfffffff8, "no memory map",
	    NULL },
	{ "no end tag", 152, 99, "truncated", NULL },
};

/* Is each broken tag list refused, or repaired with a warning? */
KTEST(bootinfo, tags)
{
	static const struct entry e[] = { LOW, MAIN };
	static struct bootinfo bi;
	struct out o = { NULL, 0, 256 };
	char err[128];
	size_t size;
	int error;

	for (unsigned i = 0; i < nitems(tags); i++) {
		const struct tag_case *c = &tags[i];
		uint8_t *exact;

		o.p = hos_alloc(o.size);
		size = mb2_build(&o, e, nitems(e), 0x400000, 0x500000, "a=1 b");
		KT_CHECK(t, size == 160, "size %lu: the offsets of tags[] are "
		    "wrong", size);
		memcpy(o.p + c->off, &c->v, 4);
		exact = hos_alloc(size);
		memcpy(exact, o.p, size);
		hos_free(o.p);
		bi_init(&bi);
		error = bootinfo_multiboot2(&bi, exact, size, MAXPHYS, err,
		    sizeof(err));
		hos_free(exact);
		if (c->err != NULL) {
			KT_CHECK(t, error == EINVAL, "%s: accepted", c->name);
			KT_CHECK(t, strstr(err, c->err) != NULL,
			    "%s: says \"%s\"", c->name, err);
			continue;
		}
		KT_CHECK(t, error == 0, "%s: refused: %s", c->name, err);
		KT_CHECK(t, has_warning(&bi, c->warning), "%s: no warning",
		    c->name);
	}
	bi_init(&bi);
	KT_CHECK(t, bootinfo_multiboot2(&bi, tags, 7, MAXPHYS, err,
	    sizeof(err)) == EINVAL, "7 bytes accepted");
}

/* Words of PVH information to be replaced. */
static const struct pvh_case {
	const char	*name;
	size_t		 off;
	uint64_t	 v;		/* 32 or 64 bits */
	unsigned	 len;
	const char	*err, *warning;
} pvhs[] = {
	{ "wrong magic", 0, 1, 4, "no start information", NULL },
	{ "version 0", 4, 0, 4, "version 0", NULL },
	{ "modules nowhere", 16, 1UL << 40, 8, "module list", NULL },
	{ "modules at the end", 16, PVH_SIZE - 8, 8, "module list", NULL },
	{ "2^32 - 1 modules", 12, 0xffffffff, 4, "module list", NULL },
	{ "command line nowhere", 24, 1UL << 63, 8, NULL, "command line" },
	{ "no command line", 24, 0, 8, NULL, NULL },
	{ "memory map nowhere", 40, 1UL << 40, 8, "memory map", NULL },
	{ "2^32 - 1 entries", 48, 0xffffffff, 4, "memory map", NULL },
	{ "no entries", 48, 0, 4, "no memory map", NULL },
	{ "module that wraps", 0x2008, UINT64_MAX, 8, "wraps", NULL },
	{ "module of 2^45 bytes", 0x2008, 1UL << 45, 8, "no such memory",
	    NULL },
};

KTEST(bootinfo, pvh_words)
{
	static const struct entry e[] = { LOW, MAIN };
	static struct bootinfo bi;
	char err[128];
	int error;

	for (unsigned i = 0; i < nitems(pvhs); i++) {
		const struct pvh_case *c = &pvhs[i];

		pvh_mem = hos_alloc(PVH_SIZE);
		pvh_build(pvh_mem, e, nitems(e), 0x400000, 0x500000, "x");
		memcpy(pvh_mem + PVH_INFO + c->off, &c->v, c->len);
		bi_init(&bi);
		error = bootinfo_pvh(&bi, PVH_INFO, pvh_map, MAXPHYS, err,
		    sizeof(err));
		hos_free(pvh_mem);
		if (c->err != NULL) {
			KT_CHECK(t, error == EINVAL, "%s: accepted", c->name);
			KT_CHECK(t, strstr(err, c->err) != NULL,
			    "%s: says \"%s\"", c->name, err);
			continue;
		}
		KT_CHECK(t, error == 0, "%s: refused: %s", c->name, err);
		KT_CHECK(t, c->warning == NULL || has_warning(&bi, c->warning),
		    "%s: no warning", c->name);
	}
	pvh_mem = hos_alloc(PVH_SIZE);
	bi_init(&bi);
	KT_CHECK(t, bootinfo_pvh(&bi, PVH_SIZE, pvh_map, MAXPHYS, err,
	    sizeof(err)) == EINVAL, "information outside memory accepted");
	hos_free(pvh_mem);
}

/* A command line that is too long is cut, and says so. */
KTEST(bootinfo, long_cmdline)
{
	static const struct entry e[] = { LOW, MAIN };
	static struct bootinfo bi;
	static char line[3000];
	struct out o = { hos_alloc(4096), 0, 4096 };
	char err[128];
	size_t size;
	int error;

	memset(line, 'x', sizeof(line) - 1);
	size = mb2_build(&o, e, nitems(e), 0, 0, line);
	bi_init(&bi);
	error = bootinfo_multiboot2(&bi, o.p, size, MAXPHYS, err, sizeof(err));
	hos_free(o.p);
	KT_CHECK(t, error == 0, "%s", err);
	KT_CHECK(t, strlen(bi.cmdline) == BOOTINFO_CMDLINE - 1, "%lu bytes",
	    strlen(bi.cmdline));
	KT_CHECK(t, has_warning(&bi, "cut"), "no warning");
}

/* Random maps: do the regions contain all of, and only, what is RAM alone? */
KTEST(bootinfo, random_maps)
{
	static struct bootinfo bi;
	static struct entry e[16];
	struct out o = { hos_alloc(1024), 0, 1024 };
	char err[128];
	size_t size;

	for (unsigned run = 0; run < 20000; run++) {
		unsigned n = 1 + (unsigned)prng_below(&t->prng, 15);

		e[0] = (struct entry)MAIN;
		for (unsigned i = 1; i < n; i++) {
			e[i].base = prng_below(&t->prng, 64) * 0x200000;
			e[i].len = prng_below(&t->prng, 16) * 0x100000 +
			    prng_below(&t->prng, 2) * 0x800;
			e[i].type = 1 + (uint32_t)prng_below(&t->prng, 2);
		}
		size = mb2_build(&o, e, n, 0, 0, "");
		bi_init(&bi);
		if (bootinfo_multiboot2(&bi, o.p, size, MAXPHYS, err,
		    sizeof(err)) != 0)
			continue;	/* the kernel's place is taken */
		KT_CHECK(t, invariant(&bi) == NULL, "run %u: %s", run,
		    invariant(&bi));
		for (uint64_t pa = 0; pa < 0x10000000; pa += 0x80000) {
			bool ram = false, other = false;

			for (unsigned i = 0; i < n; i++) {
				bool hit = pa < e[i].base + e[i].len &&
				    e[i].base < pa + PAGE_SIZE;

				ram |= e[i].type == RAM && pa >= e[i].base &&
				    pa + PAGE_SIZE <= e[i].base + e[i].len;
				other |= e[i].type != RAM && hit;
			}
			KT_CHECK(t, covered(&bi, pa, pa + PAGE_SIZE) ==
			    (ram && !other), "run %u: page %lx", run, pa);
		}
	}
	hos_free(o.p);
}

/* Random damage: no read beyond the buffer, and the invariants on success. */
KTEST(bootinfo, random_damage)
{
	static const struct entry e[] = { LOW, MAIN };
	static struct bootinfo bi;
	struct out o = { NULL, 0, 256 };
	char err[128];
	size_t size;
	int error;

	for (unsigned run = 0; run < 50000; run++) {
		o.p = hos_alloc(160);
		o.size = 160;
		size = mb2_build(&o, e, nitems(e), 0x400000, 0x500000, "a=1 b");
		for (unsigned i = 0; i < 1 + run % 4; i++)
			o.p[prng_below(&t->prng, size)] ^=
			    (uint8_t)(1 << prng_below(&t->prng, 8));
		bi_init(&bi);
		error = bootinfo_multiboot2(&bi, o.p, size, MAXPHYS, err,
		    sizeof(err));
		hos_free(o.p);
		KT_CHECK(t, error == 0 || err[0] != '\0', "run %u: refused "
		    "without a word", run);
		KT_CHECK(t, error != 0 || invariant(&bi) == NULL,
		    "run %u: %s", run, invariant(&bi));
	}
	for (unsigned run = 0; run < 20000; run++) {
		pvh_mem = hos_alloc(PVH_SIZE);
		pvh_build(pvh_mem, e, nitems(e), 0x400000, 0x500000, "x");
		for (unsigned i = 0; i < 1 + run % 4; i++)
			pvh_mem[PVH_INFO * (1 + prng_below(&t->prng, 3)) +
			    prng_below(&t->prng, 72)] ^=
			    (uint8_t)(1 << prng_below(&t->prng, 8));
		bi_init(&bi);
		error = bootinfo_pvh(&bi, PVH_INFO, pvh_map, MAXPHYS, err,
		    sizeof(err));
		hos_free(pvh_mem);
		KT_CHECK(t, error != 0 || invariant(&bi) == NULL,
		    "PVH run %u: %s", run, invariant(&bi));
	}
}
