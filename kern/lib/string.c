/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.c: string functions.  The memory functions that the compiler may call
 * by itself (memcpy, memmove, memset) belong to the platform (memops.c).
 */
#include <lib/string.h>

#include <sys/errno.h>

int
memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *p = a, *q = b;

	for (; len > 0; len--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

void *
memchr(const void *p, int c, size_t len)
{
	const unsigned char *s = p;

	for (; len > 0; len--, s++) {
		if (*s == (unsigned char)c)
			return (void *)(uintptr_t)s;
	}
	return NULL;
}

size_t
strlen(const char *s)
{
	const char *p = s;

	while (*p != '\0')
		p++;
	return (size_t)(p - s);
}

size_t
strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int
strncmp(const char *a, const char *b, size_t len)
{
	for (; len > 0; len--, a++, b++) {
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		if (*a == '\0')
			return 0;
	}
	return 0;
}

int
strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *
strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

char *
strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (*s == '\0')
			return (char *)(uintptr_t)last;
	}
}

char *
strstr(const char *s, const char *what)
{
	size_t len = strlen(what);

	for (; strnlen(s, len) == len; s++) {
		if (strncmp(s, what, len) == 0)
			return (char *)(uintptr_t)s;
	}
	return NULL;
}

size_t
strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src), n;

	if (size > 0) {
		n = MIN(len, size - 1);
		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

static unsigned
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 99;
}

/* suffix_shift: the shift of a trailing K, M or G; -1 for anything else. */
static int
suffix_shift(const char *s)
{
	int shift;

	switch (*s) {
	case '\0':
		return 0;
	case 'K': case 'k':
		shift = 10;
		break;
	case 'M': case 'm':
		shift = 20;
		break;
	case 'G': case 'g':
		shift = 30;
		break;
	default:
		return -1;
	}
	return s[1] == '\0' ? shift : -1;
}

int
kstrtoul(const char *s, int base, uint64_t *out)
{
	uint64_t v = 0;
	const char *start;
	int shift;

	if ((base == 0 || base == 16) && s[0] == '0' &&
	    (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	} else if (base == 0)
		base = s[0] == '0' ? 8 : 10;
	for (start = s; digit_value(*s) < (unsigned)base; s++) {
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, digit_value(*s), &v))
			return ERANGE;
	}
	if (s == start || (shift = suffix_shift(s)) < 0)
		return EINVAL;
	if (shift > 0 && v >> (64 - shift) != 0)
		return ERANGE;
	*out = v << shift;
	return 0;
}
