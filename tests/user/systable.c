/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * systable.c: is the table of system calls (/etc/syscalls.tbl, the very file
 * the kernel is built from) true?  A call that it refuses gives that error; one
 * that it has does not say ENOSYS; of a partial one, what is missing is asked
 * for below and gives the error that stands there.
 */
#include "ulib.h"

enum { SYS_pause = 34 };

#define ENODEV	19

#define EOPNOTSUPP	95
#define ESOCKTNOSUPPORT	94
#define EAFNOSUPPORT	97

/* What a partial call lacks: these arguments give -error. */
static const struct missing {
	int	nr;
	long	a[6];
	int	error;
} missing[] = {
	{ 16, { 1, 0x7777 }, 25 },		/* ioctl: a number of nobody */
	{ 41, { 2, 1, 0 }, EAFNOSUPPORT },	/* socket: AF_INET */
	{ 41, { 1, 2, 0 }, ESOCKTNOSUPPORT },	/* datagrams */
	{ 44, { 0, 0, 0, 1 }, EOPNOTSUPP },	/* sendto: MSG_OOB */
	{ 45, { 0, 0, 0, 2 }, EOPNOTSUPP },	/* recvfrom: MSG_PEEK */
	{ 53, { 2, 1, 0, 0 }, EAFNOSUPPORT },	/* socketpair */
	{ 72, { 1, 1024, 0 }, EINVAL },		/* fcntl: F_SETLEASE */
	{ 72, { 1, 1026, 0 }, EINVAL },		/* F_NOTIFY */
	{ 165, { (long)"/", (long)"/tmp", (long)"none", 0x1000 }, EINVAL },
	{ 165, { (long)"x", (long)"/tmp", (long)"ext4", 0 }, ENODEV },
	{ 166, { (long)"/tmp", 4 }, EINVAL },	/* umount2: MNT_EXPIRE */
	{ 285, { 1, 0x10, 0, 1 }, EOPNOTSUPP },	/* fallocate: ZERO_RANGE */
	{ 293, { 0, 040000 }, EINVAL },		/* pipe2: O_DIRECT */
	{ 316, { -100, (long)"/a", -100, (long)"/b", 4 }, EINVAL },
	{ 319, { (long)"n", 4 }, EINVAL },	/* memfd_create: huge pages */
	{ 327, { 0, 0, 0, 0, 0, 8 }, EOPNOTSUPP },	/* RWF_NOWAIT */
	{ 328, { 0, 0, 0, 0, 0, 16 }, EOPNOTSUPP },	/* RWF_APPEND */
};

static const struct {
	const char	*name;
	int		 number;
} errors[] = {
	{ "ENOSYS", ENOSYS }, { "EPERM", EPERM }, { "EINVAL", EINVAL },
	{ "ENODEV", ENODEV }, { "EOPNOTSUPP", EOPNOTSUPP },
};

static char table[32768];
static unsigned whole, partial, refused, looked, unlooked;

/* word: the next one of a line, NUL-ended, or NULL; *p moves behind it. */
static char *
word(char **p)
{
	char *s = *p;

	while (*s == ' ' || *s == '\t')
		s++;
	if (*s == '\0')
		return NULL;
	*p = s;
	while (**p != '\0' && **p != ' ' && **p != '\t')
		++*p;
	if (**p != '\0')
		*(*p)++ = '\0';
	return s;
}

static int
number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	CHECK(0, "errno %s is not known here", name);
	return 0;
}

/* call_missing: in a child: is it there?  Arguments that nothing accepts. */
static int
call_missing(void *arg)
{
	int nr = *(int *)arg;

	return sys6(nr, -1, -1, -1, -1, -1, -1) == -ENOSYS;
}

static void
is_there(int nr, const char *name)
{
	int st;

	/* These would wait, or come back twice; ENOSYS is futex's word for an
	 * operation that it does not know. */
	if (nr == SYS_pause || nr == SYS_fork || nr == SYS_vfork ||
	    nr == SYS_futex)
		return;
	st = run_child(call_missing, &nr);
	CHECK(!WIFEXITED(st) || WEXITSTATUS(st) != 1, "%s says ENOSYS", name);
}

static void
is_missing(int nr, const char *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		const struct missing *m = &missing[i];
		long ret;

		if (m->nr != nr)
			continue;
		ret = sys6(nr, m->a[0], m->a[1], m->a[2], m->a[3], m->a[4],
		    m->a[5]);
		CHECK(ret == -m->error, "%s: line %lu of the test: %ld, not "
		    "-%d", name, i, ret, m->error);
		n++;
	}
	looked += n > 0;
	unlooked += n == 0;
}

static void
one_line(char *line)
{
	char *p = line, *number = word(&p), *name, *status, *e;
	int nr;

	if (number == NULL || number[0] == '#')
		return;
	nr = (int)strtoul(number);
	name = word(&p);
	word(&p);
	word(&p);
	status = word(&p);
	CHECK(status != NULL, "%s: no status", name);
	if (strcmp(status, "refused") == 0) {
		e = word(&p);
		CHECK(sys6(nr, -1, -1, -1, -1, -1, -1) == -number_of(e),
		    "%s does not say %s", name, e);
		refused++;
		return;
	}
	is_there(nr, name);
	if (strcmp(status, "whole") == 0) {
		whole++;
	} else {
		CHECK(strcmp(status, "partial:") == 0, "%s: %s", name,
		    status);
		partial++;
		is_missing(nr, name);
	}
}

int
main(int argc __attribute__((__unused__)),
    char **argv __attribute__((__unused__)),
    char **envp __attribute__((__unused__)))
{
	long fd = sys3(SYS_open, "/etc/syscalls.tbl", 0, 0), n, len = 0;
	char *p = table, *line;

	if (fd == -ENOENT) {
		printf("systable: no table here\n");
		return 77;
	}
	while ((n = sys3(SYS_read, fd, table + len,
	    sizeof(table) - 1 - (size_t)len)) > 0)
		len += n;
	CHECK(len > 1000 && len < (long)sizeof(table) - 1, "%ld bytes", len);
	while (*p != '\0') {
		line = p;
		while (*p != '\0' && *p != '\n')
			p++;
		if (*p == '\n')
			*p++ = '\0';
		one_line(line);
	}
	printf("systable: %u whole, %u refused, %u partial: of %u it was asked "
	    "what is missing, of %u not\n", whole, refused, partial, looked,
	    unlooked);
	return 0;
}
