/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ksyms.c: addresses to names, by the table that tools/gen_ksyms.py makes and
 * the last link takes in.  Without the table (first pass, host) nothing is
 * found.  Constant data, no locks, any context.
 *
 * The table, version 3.  ksyms_header, then for each function, sorted:
 *	ksyms_func_table	offset of its first byte from kh_base, 32 bits;
 *				one entry more: where the last function ends
 *	ksyms_func_names	its name's place in ksyms_names
 *	ksyms_func_lines	its program's place in ksyms_lines; one more
 *	ksyms_func_inls		its rows' place in ksyms_inls; one more
 *	ksyms_func_cfas		its rows' place in ksyms_cfas; one more
 *	ksyms_files		places in ksyms_names, by file number
 *	ksyms_inl_names		the same for functions that were inlined
 * A line program is a sequence of rows, each three numbers in LEB128: bytes
 * since the row before (the first: since the function's start), file number,
 * and the line as a signed difference (zigzag: 0 -1 1 -2 ...; the first row's
 * from 0).  A row holds until the next.
 * A row of ksyms_inls has six: bytes since the start of the row before, bytes
 * of code, depth (1 is inlined into the function itself), number of its name,
 * file and line of the call.  Rows are sorted by start, then depth.
 * A row of ksyms_cfas has three: bytes since the end of the row before, bytes
 * of code in which the function has no frame, and how far above the stack
 * pointer its caller's stack begins there.
 */
#include <lib/cdefs.h>
#include <sys/ksyms.h>

#define KSYMS_VERSION	3
#define KSYMS_MAXDEPTH	12	/* of inlined calls that are told */

struct ksyms_header {
	uint32_t	kh_version;
	uint32_t	kh_nfuncs;
	uint32_t	kh_nfiles;
	uint32_t	kh_ninlines;
	uint64_t	kh_base;
	uint64_t	kh_build;
};

extern const struct ksyms_header ksyms_header __weak;
extern const uint32_t	ksyms_func_table[] __weak;
extern const uint32_t	ksyms_func_names[] __weak;
extern const uint32_t	ksyms_func_lines[] __weak;
extern const uint32_t	ksyms_func_inls[] __weak;
extern const uint32_t	ksyms_func_cfas[] __weak;
extern const uint8_t	ksyms_cfas[] __weak;
extern const uint32_t	ksyms_files[] __weak;
extern const uint32_t	ksyms_inl_names[] __weak;
extern const uint8_t	ksyms_inls[] __weak;
extern const uint8_t	ksyms_lines[] __weak;
extern const char	ksyms_names[] __weak;

static uint32_t
leb128(const uint8_t **p)
{
	uint32_t v = 0;
	unsigned shift = 0;

	do {
		v |= (uint32_t)(**p & 0x7f) << shift;
		shift += 7;
	} while ((*(*p)++ & 0x80) != 0);
	return v;
}

/* The last row of function f that begins at or before off. */
static void
ksyms_line(uint32_t f, uint32_t off, struct ksym *ks)
{
	const uint8_t *p = &ksyms_lines[ksyms_func_lines[f]];
	const uint8_t *end = &ksyms_lines[ksyms_func_lines[f + 1]];
	uint32_t at = 0, line = 0, file, delta;

	while (p < end) {
		at += leb128(&p);
		if (at > off)
			return;
		file = leb128(&p);
		delta = leb128(&p);
		line += (delta >> 1) ^ -(delta & 1);
		ks->file = &ksyms_names[ksyms_files[file]];
		ks->line = line;
	}
}

/* The function that off, counted from kh_base, is in. */
static bool
ksyms_find(uint64_t pc, uint32_t *func, uint32_t *off)
{
	const struct ksyms_header *kh = &ksyms_header;
	uint32_t lo, hi, mid;

	if (kh == NULL || kh->kh_version != KSYMS_VERSION ||
	    kh->kh_nfuncs == 0 || pc < kh->kh_base + ksyms_func_table[0] ||
	    pc >= kh->kh_base + ksyms_func_table[kh->kh_nfuncs])
		return false;
	*off = (uint32_t)(pc - kh->kh_base);
	lo = 0;
	hi = kh->kh_nfuncs;
	while (hi - lo > 1) {		/* table[lo] <= off < table[hi] */
		mid = lo + (hi - lo) / 2;
		if (ksyms_func_table[mid] <= *off)
			lo = mid;
		else
			hi = mid;
	}
	*func = lo;
	*off -= ksyms_func_table[lo];
	return true;
}

bool
ksyms_lookup(uint64_t pc, struct ksym *ks)
{
	uint32_t func, off;

	if (!ksyms_find(pc, &func, &off))
		return false;
	ks->func = &ksyms_names[ksyms_func_names[func]];
	ks->offset = off;
	ks->file = "";
	ks->line = 0;
	ks->inlined = false;
	ksyms_line(func, off, ks);
	return true;
}

/* A call that was inlined at some depth around the wanted address. */
struct inl_row {
	uint32_t	name, file, line;
};

/* The inlined calls around off, at[0] the outermost; returns how many. */
static unsigned
ksyms_inlined(uint32_t func, uint32_t off, struct inl_row *at)
{
	const uint8_t *p = &ksyms_inls[ksyms_func_inls[func]];
	const uint8_t *end = &ksyms_inls[ksyms_func_inls[func + 1]];
	uint32_t start = 0, len, depth;
	struct inl_row row;
	unsigned n = 0;

	while (p < end) {
		start += leb128(&p);
		if (start > off)
			break;
		len = leb128(&p);
		depth = leb128(&p);
		row.name = leb128(&p);
		row.file = leb128(&p);
		row.line = leb128(&p);
		/* A row of less depth ends those that were inside it. */
		if (off - start < len && depth >= 1 && depth <= n + 1 &&
		    depth <= KSYMS_MAXDEPTH) {
			at[depth - 1] = row;
			n = depth;
		}
	}
	return n;
}

unsigned
ksyms_frames(uint64_t pc, struct ksym *ks, unsigned max)
{
	struct inl_row at[KSYMS_MAXDEPTH];
	struct ksym real;
	uint32_t func, off;
	unsigned depth, n = 0;

	if (max == 0 || !ksyms_lookup(pc, &real) ||
	    !ksyms_find(pc, &func, &off))
		return 0;
	/* Each frame's place is the call of the one inside it. */
	for (depth = ksyms_inlined(func, off, at); depth > 0; depth--) {
		if (n < max - 1) {
			ks[n].func =
			    &ksyms_names[ksyms_inl_names[at[depth - 1].name]];
			ks[n].offset = 0;
			ks[n].file = real.file;
			ks[n].line = real.line;
			ks[n++].inlined = true;
		}
		real.file = &ksyms_names[ksyms_files[at[depth - 1].file]];
		real.line = at[depth - 1].line;
	}
	ks[n++] = real;
	return n;
}

bool
ksyms_frameless(uint64_t pc, uint32_t *distance)
{
	const uint8_t *p, *end;
	uint32_t func, off, at = 0, len;

	if (!ksyms_find(pc, &func, &off))
		return false;
	end = &ksyms_cfas[ksyms_func_cfas[func + 1]];
	for (p = &ksyms_cfas[ksyms_func_cfas[func]]; p < end; at += len) {
		at += leb128(&p);
		len = leb128(&p);
		*distance = leb128(&p);
		if (off < at)
			return false;
		if (off - at < len)
			return true;
	}
	return false;
}

uint64_t
ksyms_build(void)
{
	const struct ksyms_header *kh = &ksyms_header;

	return kh != NULL && kh->kh_version == KSYMS_VERSION ?
	    kh->kh_build : 0;
}
