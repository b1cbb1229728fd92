/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elfmut.h: damages the head of a real ELF program in a way that a hostile one
 * would be: nasty numbers in its fields, program headers that overlap, repeat
 * or change places, tables that lead out of the file.
 *
 * Pure code for badelf.c in the guest and elf_fuzz.c on the host, which have
 * memcpy and rnd.
 */
#pragma once

#define ELFMUT_EHDR	64U
#define ELFMUT_PHDR	56U

static inline uint64_t
elfmut_below(uint64_t *s, uint64_t n)
{
	return (rnd(s) >> 11) % n;
}

/* A number near a limit of something, or near old. */
static inline uint64_t
elfmut_value(uint64_t *s, uint64_t old, uint64_t filesize)
{
	static const uint64_t edge[] = {
		0, 1, 2, 3, 0xff, 0x1000, 0x10000, 0x400000, 1UL << 16,
		1UL << 21, 1UL << 31, 1UL << 32, 1UL << 43, 1UL << 46,
		1UL << 47, 1UL << 63, 0x7f0000000000UL, 0x7ffffffff000UL,
		0x555555400000UL, 0xffff800000000000UL, 0xffffffff80000000UL,
		-0x1000UL, -0x10000UL, -0x555555400000UL,
	};
	uint64_t v = edge[elfmut_below(s, sizeof(edge) / sizeof(edge[0]))];

	switch (elfmut_below(s, 8)) {
	case 0:
		return v;
	case 1:
		return v + elfmut_below(s, 3) - 1;
	case 2:
		return old + v;
	case 3:
		return old - v;
	case 4:
		return old + elfmut_below(s, 0x3000) - 0x1800;
	case 5:
		return filesize + elfmut_below(s, 0x2001) - 0x1000;
	case 6:
		return old ^ 1UL << elfmut_below(s, 64);
	default:
		return rnd(s);
	}
}

/* elfmut_field: the size bytes at at become another number. */
static inline void
elfmut_field(uint64_t *s, uint8_t *img, uint64_t at, unsigned size,
    uint64_t filesize)
{
	uint64_t v = 0;

	memcpy(&v, img + at, size);
	v = elfmut_value(s, v, filesize);
	memcpy(img + at, &v, size);
}

/* elfmut_headers: one program header looks like, or follows, another one. */
static inline void
elfmut_headers(uint64_t *s, uint8_t *img, unsigned phnum)
{
	uint8_t *a = img + ELFMUT_EHDR +
	    ELFMUT_PHDR * elfmut_below(s, phnum);
	uint8_t *b = img + ELFMUT_EHDR +
	    ELFMUT_PHDR * elfmut_below(s, phnum);
	uint8_t t[ELFMUT_PHDR];
	uint64_t v, len;
	uint32_t load = 1;

	switch (elfmut_below(s, 4)) {
	case 0:				/* change places */
		memcpy(t, a, sizeof(t));
		memcpy(a, b, sizeof(t));
		memcpy(b, t, sizeof(t));
		break;
	case 1:				/* twice the same */
		memcpy(t, b, sizeof(t));
		memcpy(a, t, sizeof(t));
		break;
	case 2:				/* where the other one ends, about */
		memcpy(&v, b + 16, 8);
		memcpy(&len, b + 40, 8);
		v += len + elfmut_below(s, 0x2001) - 0x1000;
		memcpy(a + 16, &v, 8);
		break;
	default:			/* what was no segment is one */
		memcpy(a, &load, 4);
		break;
	}
}

/*
 * elfmut: one damage to the head of an ELF program; its headers must all be in
 * the first page.  *filesize may become less.
 */
static inline void
elfmut(uint64_t *s, uint8_t *img, unsigned phnum, uint64_t *filesize)
{
	static const uint8_t eh[][2] = {	/* offset, size */
		{ 4, 1 }, { 5, 1 }, { 6, 1 }, { 7, 1 }, { 16, 2 }, { 18, 2 },
		{ 20, 4 }, { 24, 8 }, { 32, 8 }, { 52, 2 }, { 54, 2 },
		{ 56, 2 },
	};
	static const uint8_t ph[][2] = {
		{ 0, 4 }, { 4, 4 }, { 8, 8 }, { 16, 8 }, { 32, 8 }, { 40, 8 },
		{ 48, 8 },
	};
	uint64_t head = ELFMUT_EHDR + ELFMUT_PHDR * (uint64_t)phnum, i;

	switch (elfmut_below(s, 8)) {
	case 0:
		i = elfmut_below(s, sizeof(eh) / sizeof(eh[0]));
		elfmut_field(s, img, eh[i][0], eh[i][1], *filesize);
		break;
	case 1:
		img[elfmut_below(s, head)] = (uint8_t)rnd(s);
		break;
	case 2:
		elfmut_headers(s, img, phnum);
		break;
	case 3:
		if (elfmut_below(s, 8) == 0)
			*filesize = elfmut_below(s, *filesize + 1);
		break;
	default:
		i = elfmut_below(s, sizeof(ph) / sizeof(ph[0]));
		elfmut_field(s, img, ELFMUT_EHDR + ELFMUT_PHDR *
		    elfmut_below(s, phnum) + ph[i][0], ph[i][1], *filesize);
		break;
	}
}
