/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ksyms.c: addresses to names, by the table that tools/gen_ksyms.py makes and
 * the last link takes in.  Without the table (first pass, host) nothing is
 * found.  Constant data, no locks, any context.
 *
 * The table, version 1.  ksyms_header, then for each function, sorted:
 *	ksyms_func_table	offset of its first byte from kh_base, 32 bits;
 *				one entry more: where the last function ends
 *	ksyms_func_names	its name's place in ksyms_names
 *	ksyms_func_lines	its program's place in ksyms_lines; one more
 *	ksyms_files		places in ksyms_names, by file number
 * A line program is a sequence of rows, each three numbers in LEB128: bytes
 * since the row before (the first: since the function's start), file number,
 * and the line as a signed difference (zigzag: 0 -1 1 -2 ...; the first row's
 * from 0).  A row holds until the next.  kh_inlines is kept for the table of
 * inlined calls: 0, none.
 */
#include <lib/cdefs.h>
#include <sys/ksyms.h>

#define KSYMS_VERSION	1

struct ksyms_header {
	uint32_t	kh_version;
	uint32_t	kh_nfuncs;
	uint32_t	kh_nfiles;
	uint32_t	kh_inlines;
	uint64_t	kh_base;
};

extern const struct ksyms_header ksyms_header __weak;
extern const uint32_t	ksyms_func_table[] __weak;
extern const uint32_t	ksyms_func_names[] __weak;
extern const uint32_t	ksyms_func_lines[] __weak;
extern const uint32_t	ksyms_files[] __weak;
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

bool
ksyms_lookup(uint64_t pc, struct ksym *ks)
{
	const struct ksyms_header *kh = &ksyms_header;
	uint32_t lo, hi, mid, off;

	if (kh == NULL || kh->kh_version != KSYMS_VERSION ||
	    kh->kh_nfuncs == 0 || pc < kh->kh_base + ksyms_func_table[0] ||
	    pc >= kh->kh_base + ksyms_func_table[kh->kh_nfuncs])
		return false;
	off = (uint32_t)(pc - kh->kh_base);
	lo = 0;
	hi = kh->kh_nfuncs;
	while (hi - lo > 1) {		/* table[lo] <= off < table[hi] */
		mid = lo + (hi - lo) / 2;
		if (ksyms_func_table[mid] <= off)
			lo = mid;
		else
			hi = mid;
	}
	ks->func = &ksyms_names[ksyms_func_names[lo]];
	ks->offset = off - ksyms_func_table[lo];
	ks->file = "";
	ks->line = 0;
	ksyms_line(lo, (uint32_t)ks->offset, ks);
	return true;
}
