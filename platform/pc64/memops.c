/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memops.c: memcpy, memmove and memset, eight bytes a step: under TCG each
 * step of a rep instruction costs as much as an instruction, so the byte forms
 * (which a real CPU makes fast) are eight times slower here.
 */
#include <lib/string.h>

void *
memcpy(void *dst, const void *src, size_t len)
{
	void *d = dst;
	size_t words = len / 8;

	__asm__ volatile("rep movsq"
	    : "+D"(d), "+S"(src), "+c"(words) :: "memory");
	len &= 7;
	__asm__ volatile("rep movsb"
	    : "+D"(d), "+S"(src), "+c"(len) :: "memory");
	return dst;
}

void *
memmove(void *dst, const void *src, size_t len)
{
	char *d = dst;
	const char *s = src;

	if ((uintptr_t)d - (uintptr_t)s >= len)
		return memcpy(dst, src, len);
	while (len-- > 0)
		d[len] = s[len];
	return dst;
}

void *
memset(void *dst, int c, size_t len)
{
	void *d = dst;
	size_t words = len / 8;
	uint64_t v = (unsigned char)c * 0x0101010101010101UL;

	__asm__ volatile("rep stosq"
	    : "+D"(d), "+c"(words) : "a"(v) : "memory");
	len &= 7;
	__asm__ volatile("rep stosb"
	    : "+D"(d), "+c"(len) : "a"(v) : "memory");
	return dst;
}
