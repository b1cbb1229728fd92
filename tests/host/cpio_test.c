/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio_test.c: cpio_next on good, cut and mutated archives.  Every image is a
 * heap block of exact size, so that a read outside it is an ASan report.
 */
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/cpio.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>

#include "harness.h"

#define MAXIMAGE	4096

/* A growing archive. */
struct archive {
	char	buf[MAXIMAGE];
	size_t	len;
};

static void
add(struct archive *a, const char *name, unsigned mode, const char *data)
{
	char head[111];
	size_t n = strlen(name) + 1, size = strlen(data);

	ksnprintf(head, sizeof(head), "070701%08x%08x%08x%08x%08x%08x%08x"
	    "%08x%08x%08x%08x%08x%08x", 7, mode, 0, 0, 1, 99, (unsigned)size,
	    0, 0, 5, 1, (unsigned)n, 0);
	memcpy(a->buf + a->len, head, 110);
	memcpy(a->buf + a->len + 110, name, n);
	a->len += (110 + n + 3) & ~3UL;
	memcpy(a->buf + a->len, data, size);
	a->len += (size + 3) & ~3UL;
}

static void
good(struct archive *a)
{
	memset(a, 0, sizeof(*a));
	add(a, "dir", 040755, "");
	add(a, "dir/file", 0100644, "contents");
	add(a, "link", 0120777, "dir/file");
	add(a, "x", 0100755, "odd");
	add(a, "TRAILER!!!", 0, "");
}

/* walk: entries until the end; -1: it is bad, -2: an entry lies outside. */
static int
walk(const char *image, size_t len)
{
	const char *why = NULL;
	char *copy = kmalloc(len + 1, M_WAITOK);
	struct cpio_entry e;
	size_t off = 0, was;
	int n = 0, error;

	memcpy(copy + 1, image, len);
	for (;;) {
		was = off;
		error = cpio_next(copy + 1, len, &off, &e, &why);
		if (error != 0)
			break;
		n++;
		if (off <= was || off > len ||
		    e.name < copy + 1 || e.name >= copy + 1 + len ||
		    (const char *)e.data < copy + 1 || e.size > len ||
		    (const char *)e.data + e.size > copy + 1 + len) {
			n = -2;
			break;
		}
	}
	if (error == EINVAL)
		n = why != NULL ? -1 : -2;
	kfree(copy);
	return n;
}

/* Are the entries of a good archive what was put in? */
KTEST(cpio, reads_good)
{
	static struct archive a;
	struct cpio_entry e;
	const char *why;
	size_t off = 0;

	good(&a);
	KT_CHECK(t, walk(a.buf, a.len) == 4, "%d entries", walk(a.buf, a.len));
	KT_CHECK(t, cpio_next(a.buf, a.len, &off, &e, &why) == 0, "dir");
	KT_CHECK(t, e.mode == 040755 && e.size == 0 &&
	    strcmp(e.name, "dir") == 0, "mode %o size %zu", e.mode, e.size);
	KT_CHECK(t, cpio_next(a.buf, a.len, &off, &e, &why) == 0, "file");
	KT_CHECK(t, e.size == 8 && memcmp(e.data, "contents", 8) == 0 &&
	    e.mtime == 99 && e.ino == 7 && e.rdevmajor == 5,
	    "size %zu mtime %u", e.size, e.mtime);
}

/* Is an archive that was cut anywhere refused, and nothing read behind it? */
KTEST(cpio, refuses_cut)
{
	static struct archive a;
	size_t len;

	good(&a);
	/* The trailer's padding may be missing. */
	for (len = 0; len + 4 < a.len; len++)
		KT_CHECK(t, walk(a.buf, len) == -1, "%zu of %zu bytes give %d",
		    len, a.len, walk(a.buf, len));
}

/* Does no mutation lead outside the image, or to an endless walk? */
KTEST(cpio, mutants)
{
	static const char digits[] = "0123456789abcdefABCDEF fF8";
	static struct archive a;
	unsigned i, n;
	int r;

	for (i = 0; i < 100000; i++) {
		good(&a);
		for (n = 1 + (unsigned)prng_below(&t->prng, 6); n > 0; n--)
			a.buf[prng_below(&t->prng, a.len)] =
			    prng_below(&t->prng, 4) == 0 ?
			    (char)prng_next(&t->prng) :
			    digits[prng_below(&t->prng, sizeof(digits))];
		r = walk(a.buf, a.len);
		KT_CHECK(t, r >= -1, "mutant %u leads outside", i);
	}
}
