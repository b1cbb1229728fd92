/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio.c: reads "newc" archives.  Pure code, tested on the host: it allocates
 * nothing, locks nothing and reads only [image, image + len).
 *
 * I1: whatever the image says, an entry that is returned lies inside it and its
 *     name ends inside it.
 * Sources: cpio(5) of FreeBSD; the kernel's initramfs buffer format text.
 */
#include <sys/cpio.h>

#include <lib/overflow.h>
#include <lib/string.h>
#include <sys/errno.h>

#define CPIO_HEADER	110U	/* 6 bytes of magic, 13 fields of 8 digits */
#define CPIO_FIELDS	13
#define CPIO_NAMEMAX	4096U

enum cpio_field {
	CF_INO, CF_MODE, CF_UID, CF_GID, CF_NLINK, CF_MTIME, CF_SIZE,
	CF_DEVMAJOR, CF_DEVMINOR, CF_RDEVMAJOR, CF_RDEVMINOR, CF_NAMESIZE,
	CF_CHECK
};

/* hex8: eight hexadecimal digits. */
static bool
hex8(const char *s, uint32_t *out)
{
	uint32_t v, d;
	unsigned i;

	v = 0;
	for (i = 0; i < 8; i++) {
		if (s[i] >= '0' && s[i] <= '9')
			d = (uint32_t)(s[i] - '0');
		else if (s[i] >= 'a' && s[i] <= 'f')
			d = (uint32_t)(s[i] - 'a' + 10);
		else if (s[i] >= 'A' && s[i] <= 'F')
			d = (uint32_t)(s[i] - 'A' + 10);
		else
			return false;
		v = v << 4 | d;
	}
	*out = v;
	return true;
}

static bool
cpio_fields(const char *h, uint32_t *f)
{
	unsigned i;

	if (memcmp(h, "070701", 6) != 0 && memcmp(h, "070702", 6) != 0)
		return false;
	for (i = 0; i < CPIO_FIELDS; i++)
		if (!hex8(h + 6 + i * 8, &f[i]))
			return false;
	return true;
}

/* cpio_name: the name behind the header; NULL and *why when it is bad. */
static const char *
cpio_name(const char *p, size_t left, uint32_t namesize, const char **why)
{
	if (namesize < 2 || namesize > CPIO_NAMEMAX) {
		*why = "a name of impossible length";
		return NULL;
	}
	if (namesize > left) {
		*why = "truncated in a name";
		return NULL;
	}
	if (p[namesize - 1] != '\0' || strlen(p) != namesize - 1) {
		*why = "a name that does not end where it says";
		return NULL;
	}
	return p;
}

int
cpio_next(const void *image, size_t len, size_t *off, struct cpio_entry *e,
    const char **why)
{
	const char *base = image;
	uint32_t f[CPIO_FIELDS];
	uint64_t pos;

	/* *off is ours, from the last call; the header may still not fit. */
	if (*off > len || len - *off < CPIO_HEADER) {
		*why = "truncated before the trailer";
		return EINVAL;
	}
	if (!cpio_fields(base + *off, f)) {
		*why = "not a newc header";
		return EINVAL;
	}
	pos = *off + CPIO_HEADER;
	e->name = cpio_name(base + pos, len - pos, f[CF_NAMESIZE], why);
	if (e->name == NULL)
		return EINVAL;
	if (strcmp(e->name, "TRAILER!!!") == 0)
		return ENOENT;
	pos = roundup2(pos + f[CF_NAMESIZE], 4UL);
	if (pos > len || f[CF_SIZE] > len - pos) {
		*why = "truncated in a file";
		return EINVAL;
	}
	e->data = base + pos;
	e->size = f[CF_SIZE];
	e->mode = f[CF_MODE];
	e->nlink = f[CF_NLINK];
	e->ino = f[CF_INO];
	e->mtime = f[CF_MTIME];
	e->rdevmajor = f[CF_RDEVMAJOR];
	e->rdevminor = f[CF_RDEVMINOR];
	*off = MIN(roundup2(pos + e->size, 4UL), len);
	return 0;
}
