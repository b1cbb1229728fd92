/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootinfo.c: the loader's information, checked and brought into one form.
 *
 * Nothing the loader says is believed: each number is checked before it is
 * used.  What can be repaired is repaired towards less memory and warned
 * about; what cannot ends the boot with one clear line.  Pure code: it reads
 * only what its caller gave it, and is tested on the host with bad maps.  It
 * does not look at the contents of the initrd or of ACPI tables.
 *
 * Memory is collected in two passes, first what is usable RAM and then, taken
 * away from that, everything else: where entries overlap, the one that is not
 * RAM wins, whatever the order.
 *
 * Invariants: I1-I4 of <sys/bootinfo.h>.  Locks: none; one CPU.
 * Sources: Multiboot2 specification 1.6, section 3.6; the PVH start info.
 */
#include <sys/bootinfo.h>

#include <lib/ksnprintf.h>
#include <lib/overflow.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/param.h>

#define MMAP_USABLE	1		/* entry type, the same in both */
#define MMAP_ENTRY	24		/* address, length, type, zero */

enum mb2_tag_type {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_LOADER = 2,
	MB2_MODULE = 3,
	MB2_MMAP = 6,
	MB2_RSDP1 = 14,
	MB2_RSDP2 = 15,
};
#define MB2_HEADER	8		/* total size, reserved */
#define MB2_TAG_HEADER	8		/* type, size */

/* Offsets in struct hvm_start_info. */
#define HVM_VERSION	4
#define HVM_NMODULES	12
#define HVM_MODLIST	16
#define HVM_CMDLINE	24
#define HVM_RSDP	32
#define HVM_MEMMAP	40		/* from version 1 on */
#define HVM_NMEMMAP	48
#define HVM_SIZE	56
#define HVM_MODENTRY	32		/* address, size, command line, zero */

/* One run of the parser.  Lifetime: a call of bootinfo_*; [t] all. */
struct parse {
	struct bootinfo	*bi;
	vm_paddr_t	 maxpa;		/* first address that cannot exist */
	vm_paddr_t	 last;		/* start of the entry before */
	bool		 unsorted;	/* said so already */
	unsigned	 nmodules;
	unsigned	 nentries;	/* of the memory map */
	char		*err;
	size_t		 errlen;
};

static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void __printflike(2, 3)
warn(struct parse *pa, const char *fmt, ...)
{
	struct bootinfo *bi = pa->bi;
	va_list ap;

	if (bi->nwarnings < BOOTINFO_MAXWARN) {
		va_start(ap, fmt);
		kvsnprintf(bi->warning[bi->nwarnings],
		    sizeof(bi->warning[0]), fmt, ap);
		va_end(ap);
	}
	bi->nwarnings++;
}

/* fail: the one line that says why; returns EINVAL for the caller to pass on. */
static int __printflike(2, 3)
fail(struct parse *pa, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvsnprintf(pa->err, pa->errlen, fmt, ap);
	va_end(ap);
	return EINVAL;
}

static void
parse_init(struct parse *pa, struct bootinfo *bi, unsigned maxphys, char *err,
    size_t errlen)
{
	vm_paddr_t kstart = bi->kernel_start, kend = bi->kernel_end;

	memset(bi, 0, sizeof(*bi));
	bi->kernel_start = kstart;
	bi->kernel_end = kend;
	memset(pa, 0, sizeof(*pa));
	pa->bi = bi;
	pa->maxpa = (vm_paddr_t)1 << maxphys;
	pa->err = err;
	pa->errlen = errlen;
	if (errlen > 0)
		err[0] = '\0';
}

/* Copy the string in [src, src + len), which may lack its NUL. */
static void
copy_string(struct parse *pa, char *dst, size_t size, const uint8_t *src,
    size_t len, const char *what)
{
	size_t n = strnlen((const char *)src, len);

	if (n == len)
		warn(pa, "%s: not terminated", what);
	if (n >= size) {
		warn(pa, "%s: %lu bytes, cut to %lu", what, n, size - 1);
		n = size - 1;
	}
	memcpy(dst, src, n);
	dst[n] = '\0';
}

/* Make room at index i, or say that memory is lost. */
static bool
region_open(struct parse *pa, unsigned i, vm_paddr_t start, vm_paddr_t end)
{
	struct bootinfo *bi = pa->bi;

	if (bi->nregions == BOOTINFO_MAXREGIONS) {
		warn(pa, "memory map: over %u regions, %#lx-%#lx ignored",
		    BOOTINFO_MAXREGIONS, start, end);
		return false;
	}
	memmove(&bi->region[i + 1], &bi->region[i],
	    (bi->nregions - i) * sizeof(bi->region[0]));
	bi->nregions++;
	bi->region[i].start = start;
	bi->region[i].end = end;
	return true;
}

static void
region_close(struct bootinfo *bi, unsigned i)
{
	bi->nregions--;
	memmove(&bi->region[i], &bi->region[i + 1],
	    (bi->nregions - i) * sizeof(bi->region[0]));
}

/* Add usable [start, end), joining what it overlaps or touches. */
static void
region_add(struct parse *pa, vm_paddr_t start, vm_paddr_t end)
{
	struct bootinfo *bi = pa->bi;
	struct bootinfo_region *r;
	unsigned i;

	for (i = 0; i < bi->nregions && bi->region[i].end < start; i++)
		continue;
	if (i == bi->nregions || bi->region[i].start > end) {
		(void)region_open(pa, i, start, end);
		return;
	}
	r = &bi->region[i];
	if (start < r->end && r->start < end)
		warn(pa, "memory map: RAM %#lx-%#lx overlaps %#lx-%#lx",
		    start, end, r->start, r->end);
	r->start = MIN(r->start, start);
	r->end = MAX(r->end, end);
	while (i + 1 < bi->nregions && r[1].start <= r->end) {
		if (r[1].start < r->end)
			warn(pa, "memory map: RAM %#lx-%#lx overlaps "
			    "%#lx-%#lx", start, end, r[1].start, r[1].end);
		r->end = MAX(r->end, r[1].end);
		region_close(bi, i + 1);
	}
}

/* Take [start, end), which is not RAM, out of the regions. */
static void
region_subtract(struct parse *pa, vm_paddr_t start, vm_paddr_t end)
{
	struct bootinfo *bi = pa->bi;
	struct bootinfo_region *r;
	vm_paddr_t rend;
	unsigned i = 0;

	while (i < bi->nregions) {
		r = &bi->region[i];
		if (r->end <= start || end <= r->start) {
			i++;
			continue;
		}
		warn(pa, "memory map: reserved %#lx-%#lx overlaps RAM "
		    "%#lx-%#lx", start, end, r->start, r->end);
		rend = r->end;
		if (r->start >= start && rend <= end) {
			region_close(bi, i);
			continue;
		}
		if (r->start < start) {
			r->end = start;
			if (end < rend)
				(void)region_open(pa, i + 1, end, rend);
		} else
			r->start = end;
		i++;
	}
}

/*
 * One entry of the memory map in the pass that collects RAM (usable) or in the
 * pass that takes the rest away.  Only the first pass warns about its form.
 */
static void
map_entry(struct parse *pa, const uint8_t *p, bool usable)
{
	uint64_t start = get64(p), len = get64(p + 8), end;
	bool isram = get32(p + 16) == MMAP_USABLE;

	if (usable) {
		if (start < pa->last && !pa->unsorted) {
			warn(pa, "memory map: not sorted, at %#lx", start);
			pa->unsorted = true;
		}
		pa->last = start;
		pa->nentries++;
		if (len == 0)
			warn(pa, "memory map: entry of no length at %#lx",
			    start);
	}
	if (isram != usable || len == 0)
		return;
	if (!add_ok(start, len, &end)) {
		if (usable) {
			warn(pa, "memory map: RAM at %#lx wraps around, "
			    "ignored", start);
			return;
		}
		end = UINT64_MAX;
	}
	if (!usable) {
		region_subtract(pa, start, end);
		return;
	}
	if (start >= pa->maxpa || end > pa->maxpa) {
		warn(pa, "memory map: RAM %#lx-%#lx is beyond the CPU's "
		    "%#lx", start, end, pa->maxpa);
		if (start >= pa->maxpa)
			return;
		end = pa->maxpa;
	}
	region_add(pa, start, end);
}

/* A module: the first is the initrd. */
static int
module(struct parse *pa, vm_paddr_t start, vm_paddr_t end)
{
	struct bootinfo *bi = pa->bi;

	if (pa->nmodules++ > 0) {
		warn(pa, "module %u at %#lx ignored: only the first is used",
		    pa->nmodules, start);
		return 0;
	}
	if (end < start || end > pa->maxpa)
		return fail(pa, "module %#lx-%#lx: no such memory", start,
		    end);
	if (start == end) {
		warn(pa, "module at %#lx is empty, ignored", start);
		return 0;
	}
	if (start < bi->kernel_end && bi->kernel_start < end)
		return fail(pa, "module %#lx-%#lx lies over the kernel "
		    "%#lx-%#lx", start, end, bi->kernel_start,
		    bi->kernel_end);
	bi->initrd_start = start;
	bi->initrd_end = end;
	return 0;
}

static bool
in_ram(const struct bootinfo *bi, vm_paddr_t start, vm_paddr_t end)
{
	unsigned i;

	for (i = 0; i < bi->nregions; i++)
		if (start >= bi->region[i].start && end <= bi->region[i].end)
			return true;
	return false;
}

/* Whole pages only; then the claims that need the whole map (I1, I3). */
static int
finish(struct parse *pa)
{
	struct bootinfo *bi = pa->bi;
	struct bootinfo_region *r;
	unsigned i = 0;

	if (pa->nentries == 0)
		return fail(pa, "the loader gave no memory map");
	while (i < bi->nregions) {
		r = &bi->region[i];
		r->start = round_page(r->start);
		r->end = trunc_page(r->end);
		if (r->start >= r->end)
			region_close(bi, i);
		else
			i++;
	}
	if (bi->nregions == 0)
		return fail(pa, "the memory map has no usable RAM");
	if (!in_ram(bi, bi->kernel_start, bi->kernel_end))
		return fail(pa, "the kernel %#lx-%#lx is not in usable RAM",
		    bi->kernel_start, bi->kernel_end);
	if (bi->initrd_start != bi->initrd_end &&
	    !in_ram(bi, bi->initrd_start, bi->initrd_end))
		return fail(pa, "module %#lx-%#lx is not in usable RAM",
		    bi->initrd_start, bi->initrd_end);
	return 0;
}

/* Walks Multiboot2 tags.  [t] all. */
struct tags {
	const uint8_t	*p;		/* next tag */
	size_t		 left;		/* bytes from there */
	uint32_t	 type;		/* of the tag returned */
	const uint8_t	*data;		/* its contents */
	size_t		 len;
};

enum step { STEP_TAG, STEP_END, STEP_BAD };

static enum step
tags_next(struct tags *t)
{
	size_t size;

	if (t->left < MB2_TAG_HEADER)
		return STEP_BAD;
	t->type = get32(t->p);
	size = get32(t->p + 4);
	if (size < MB2_TAG_HEADER || size > t->left)
		return STEP_BAD;
	if (t->type == MB2_END)
		return STEP_END;
	t->data = t->p + MB2_TAG_HEADER;
	t->len = size - MB2_TAG_HEADER;
	size = roundup2(size, 8);
	if (size > t->left)
		size = t->left;		/* the next step finds no end tag */
	t->p += size;
	t->left -= size;
	return STEP_TAG;
}

static int
tag_mmap(struct parse *pa, const struct tags *t, bool usable)
{
	size_t off, esize;

	if (t->len < 8)
		return fail(pa, "memory map tag: %lu bytes are too few",
		    t->len);
	esize = get32(t->data);
	if (esize < MMAP_ENTRY || esize % 8 != 0)
		return fail(pa, "memory map tag: entries of %lu bytes", esize);
	for (off = 8; t->len - off >= esize; off += esize)
		map_entry(pa, t->data + off, usable);
	if (off != t->len && usable)
		warn(pa, "memory map tag: %lu bytes left over", t->len - off);
	return 0;
}

static void
tag_rsdp(struct parse *pa, const struct tags *t)
{
	struct bootinfo *bi = pa->bi;
	unsigned want = t->type == MB2_RSDP2 ? BOOTINFO_RSDP : 20;

	if (t->len < want)
		warn(pa, "ACPI tag: %lu of %u bytes, ignored", t->len, want);
	else if (want > bi->rsdp_len) {
		memcpy(bi->rsdp_copy, t->data, want);
		bi->rsdp_len = want;
	}
}

static int
tag(struct parse *pa, const struct tags *t)
{
	struct bootinfo *bi = pa->bi;

	switch (t->type) {
	case MB2_CMDLINE:
		copy_string(pa, bi->cmdline, sizeof(bi->cmdline), t->data,
		    t->len, "command line");
		return 0;
	case MB2_LOADER:
		copy_string(pa, bi->loader, sizeof(bi->loader), t->data,
		    t->len, "loader's name");
		return 0;
	case MB2_MODULE:
		if (t->len < 8)
			return fail(pa, "module tag: %lu bytes are too few",
			    t->len);
		return module(pa, get32(t->data), get32(t->data + 4));
	case MB2_MMAP:
		return tag_mmap(pa, t, true);
	case MB2_RSDP1:
	case MB2_RSDP2:
		tag_rsdp(pa, t);
		return 0;
	default:
		return 0;	/* others may come; none is needed */
	}
}

int
bootinfo_multiboot2(struct bootinfo *bi, const void *mbi, size_t size,
    unsigned maxphys, char *err, size_t errlen)
{
	struct parse pa;
	struct tags first, t;
	enum step step;
	size_t total;
	int error;

	parse_init(&pa, bi, maxphys, err, errlen);
	if (size < MB2_HEADER)
		return fail(&pa, "boot information: only %lu bytes", size);
	total = get32(mbi);
	if (total < MB2_HEADER + MB2_TAG_HEADER || total > size)
		return fail(&pa, "boot information: it claims %lu bytes, %lu "
		    "can be read", total, size);
	memset(&first, 0, sizeof(first));
	first.p = (const uint8_t *)mbi + MB2_HEADER;
	first.left = total - MB2_HEADER;

	t = first;
	while ((step = tags_next(&t)) == STEP_TAG) {
		error = tag(&pa, &t);
		if (error != 0)
			return error;
	}
	if (step == STEP_BAD)
		return fail(&pa, "boot information: the tags are truncated, "
		    "%lu bytes from the end", t.left);
	t = first;
	while (tags_next(&t) == STEP_TAG)
		if (t.type == MB2_MMAP)
			(void)tag_mmap(&pa, &t, false);	/* passed above */
	return finish(&pa);
}

static int
pvh_map(struct parse *pa, const uint8_t *info,
    const void *(*map)(vm_paddr_t, size_t))
{
	uint64_t at = get64(info + HVM_MEMMAP);
	uint32_t n = get32(info + HVM_NMEMMAP), i;
	const uint8_t *p;

	if (n == 0)
		return 0;		/* finish complains */
	p = map(at, (size_t)n * MMAP_ENTRY);
	if (p == NULL)
		return fail(pa, "PVH: the memory map at %#lx cannot be read",
		    at);
	for (i = 0; i < n; i++)
		map_entry(pa, p + (size_t)i * MMAP_ENTRY, true);
	for (i = 0; i < n; i++)
		map_entry(pa, p + (size_t)i * MMAP_ENTRY, false);
	return 0;
}

static int
pvh_modules(struct parse *pa, const uint8_t *info,
    const void *(*map)(vm_paddr_t, size_t))
{
	uint32_t n = get32(info + HVM_NMODULES), i;
	uint64_t at = get64(info + HVM_MODLIST), start, end;
	const uint8_t *p;
	int error;

	if (n == 0)
		return 0;
	p = map(at, (size_t)n * HVM_MODENTRY);
	if (p == NULL)
		return fail(pa, "PVH: the module list at %#lx cannot be read",
		    at);
	for (i = 0; i < n; i++, p += HVM_MODENTRY) {
		start = get64(p);
		if (!add_ok(start, get64(p + 8), &end))
			return fail(pa, "PVH: module at %#lx wraps around",
			    start);
		error = module(pa, start, end);
		if (error != 0)
			return error;
	}
	return 0;
}

int
bootinfo_pvh(struct bootinfo *bi, vm_paddr_t info_pa,
    const void *(*map)(vm_paddr_t, size_t), unsigned maxphys, char *err,
    size_t errlen)
{
	const uint8_t *info, *str;
	struct parse pa;
	uint64_t at;
	int error;

	parse_init(&pa, bi, maxphys, err, errlen);
	info = map(info_pa, HVM_SIZE);
	if (info == NULL || get32(info) != PVH_MAGIC)
		return fail(&pa, "PVH: no start information at %#lx", info_pa);
	if (get32(info + HVM_VERSION) < 1)
		return fail(&pa, "PVH: version 0 gives no memory map");
	(void)strlcpy(bi->loader, "PVH", sizeof(bi->loader));
	bi->rsdp = get64(info + HVM_RSDP);

	at = get64(info + HVM_CMDLINE);
	if (at != 0) {
		str = map(at, BOOTINFO_CMDLINE + 1);
		if (str == NULL)
			warn(&pa, "PVH: command line at %#lx cannot be read",
			    at);
		else
			copy_string(&pa, bi->cmdline, sizeof(bi->cmdline),
			    str, BOOTINFO_CMDLINE + 1, "command line");
	}
	error = pvh_map(&pa, info, map);
	if (error != 0)
		return error;
	error = pvh_modules(&pa, info, map);
	if (error != 0)
		return error;
	return finish(&pa);
}
