/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * systable.c: does the kernel keep what its table of system calls states?  Each
 * refused call fails with the errno of its line; a call that is there does not
 * say ENOSYS; of the numbers without a line a sample does; of what partial
 * lines say is missing, what can be asked for is refused with Linux's error.
 *
 * Reads /etc/syscalls.tbl; without one (on Linux) it is skipped.
 */
#include "ulib.h"

enum { NUMBERS = 1100 };

static char text[32768];
static const char *line_of[NUMBERS];

/* The few errnos that a refused line may name. */
static const struct {
	const char	*name;
	int		errno;
} errnos[] = {
	{ "ENOSYS", ENOSYS }, { "EPERM", EPERM }, { "EINVAL", EINVAL },
	{ "EOPNOTSUPP", 95 }, { "ENODEV", 19 },
};

static bool
load(void)
{
	long fd = sys3(SYS_open, "/etc/syscalls.tbl", 0, 0), n;
	size_t len = 0;

	if (fd < 0)
		return false;
	while ((n = sys3(SYS_read, fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	sys1(SYS_close, fd);
	CHECK(len < sizeof(text) - 1, "the table is too long for the test");
	for (char *p = text; *p != '\0'; p++) {
		if (*p >= '0' && *p <= '9' && (p == text || p[-1] == '\0') &&
		    strtoul(p) < NUMBERS)
			line_of[strtoul(p)] = p;
		while (*p != '\0' && *p != '\n')
			p++;
		if (*p == '\0')
			break;
		*p = '\0';
	}
	return true;
}

/* word: what stands behind w in the line; NULL: it is not there. */
static const char *
word(const char *line, const char *w)
{
	size_t n = strlen(w);

	for (; *line != '\0'; line++)
		if (strncmp(line, w, n) == 0)
			return line + n;
	return NULL;
}

static int
errno_of(const char *name)
{
	for (unsigned i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (strcmp(errnos[i].name, name) == 0)
			return errnos[i].errno;
	CHECK(false, "errno %s is not known to the test", name);
	return 0;
}

/* partial: nr is told to be partial because of what; then a call says err. */
static void
partial(long nr, const char *what, long got, long want)
{
	const char *line = line_of[nr];

	/* A line that has become better is tested elsewhere. */
	if (line == NULL || word(line, "partial") == NULL ||
	    word(line, what) == NULL)
		return;
	CHECK(got == want, "%s: %ld, not %ld", line, got, want);
}

static void
partials(void)
{
	unsigned long args[11] = { 0 };
	char *shared = map_shared(PGSZ);
	int id = 0;

	*shared = 1;
	partial(25, "does not grow", sys4(25, shared, PGSZ, 2 * PGSZ, 1),
	    -ENOMEM);
	partial(29, "huge pages", sys3(29, 0, PGSZ, 04000 | 01000), -EINVAL);
	partial(56, "namespaces", sys2(56, 0x20000000 /* NEWPID */ | 17, 0),
	    -EINVAL);
	partial(116, "at most 32", sys2(116, 33, args), -ENOMEM);
	partial(157, "names", sys2(157, 22 /* SET_SECCOMP */, 1), -EINVAL);
	partial(202, "priority inheritance", sys4(202, args, 6, 0, 0),
	    -ENOSYS);
	partial(222, "of a thread", sys3(222, 3, 0, &id), -95);
	args[0] = 0x1000;	/* PIDFD */
	partial(435, "pidfd", sys2(435, args, 88), -EINVAL);
}

/* What a partial call lacks: these arguments give -error. */
static const struct missing {
	int	nr;
	long	a[6];
	int	err;
} missing[] = {
	{ 16, { 1, 0x7777 }, 25 },		/* ioctl: a number of nobody */
	{ 41, { 2, 1, 0 }, 97 },	/* socket: AF_INET */
	{ 41, { 1, 2, 0 }, 94 },	/* datagrams */
	{ 44, { 0, 0, 0, 1 }, 95 },	/* sendto: MSG_OOB */
	{ 45, { 0, 0, 0, 2 }, 95 },	/* recvfrom: MSG_PEEK */
	{ 53, { 2, 1, 0, 0 }, 97 },	/* socketpair */
	{ 72, { 1, 1024, 0 }, EINVAL },		/* fcntl: F_SETLEASE */
	{ 72, { 1, 1026, 0 }, EINVAL },		/* F_NOTIFY */
	{ 165, { (long)"/", (long)"/tmp", (long)"none", 0x1000 }, EINVAL },
	{ 165, { (long)"x", (long)"/tmp", (long)"ext4", 0 }, 19 },
	{ 166, { (long)"/tmp", 4 }, EINVAL },	/* umount2: MNT_EXPIRE */
	{ 285, { 1, 0x10, 0, 1 }, 95 },	/* fallocate: ZERO_RANGE */
	{ 293, { 0, 040000 }, EINVAL },		/* pipe2: O_DIRECT */
	{ 316, { -100, (long)"/a", -100, (long)"/b", 4 }, EINVAL },
	{ 319, { (long)"n", 4 }, EINVAL },	/* memfd_create: huge pages */
	{ 327, { 0, 0, 0, 0, 0, 8 }, 95 },	/* RWF_NOWAIT */
	{ 328, { 0, 0, 0, 0, 0, 16 }, 95 },	/* RWF_APPEND */
};

/* partial_files: the calls on files that are still partial. */
static void
partial_files(void)
{
	long args[1];

	for (unsigned i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		const struct missing *m = &missing[i];

		partial(m->nr, "partial", sys6(m->nr, m->a[0], m->a[1],
		    m->a[2], m->a[3], m->a[4], m->a[5]), -m->err);
	}
	args[0] = sys3(SYS_open, "/dev/ptmx", 2, 0);
	partial(16, "packet mode", sys3(SYS_ioctl, args[0], 0x5420, args), -25);
	partial(16, "GPTPEER", sys3(SYS_ioctl, args[0], 0x5441, 2), -25);
	sys1(SYS_close, args[0]);
}

static int
call_in_vain(void *arg)
{
	return sys6(*(long *)arg, -1, -1, -1, -1, -1, -1) == -ENOSYS;
}

/* is_there: a call with a handler has something else to say than ENOSYS, here to
 * arguments that nothing accepts, in a child that may die of it. */
static void
is_there(long nr)
{
	int st;

	/* These would wait, or come back twice; futex says ENOSYS to an
	 * operation that it does not know. */
	if (nr == 34 || nr == SYS_fork || nr == SYS_vfork || nr == SYS_futex)
		return;
	st = run_child(call_in_vain, &nr);
	CHECK(!WIFEXITED(st) || WEXITSTATUS(st) != 1, "%s: ENOSYS",
	    line_of[nr]);
}

int
main(int argc, char **argv, char **envp)
{
	unsigned refused = 0, absent = 0, there = 0;

	(void)argc;
	(void)argv;
	(void)envp;
	if (!load()) {
		printf("systable: there is no table\n");
		return 77;
	}
	for (long nr = 0; nr < NUMBERS; nr++) {
		const char *why = line_of[nr] == NULL ? NULL :
		    word(line_of[nr], "refused ");
		long r;

		if (line_of[nr] != NULL && why == NULL) {
			there++;
			is_there(nr);
			continue;
		}
		/* Each that is not there is logged: a sample of those. */
		if (why == NULL && nr % 32 != 0)
			continue;
		r = sys6(nr, 0, 0, 0, 0, 0, 0);
		if (why != NULL) {
			refused++;
			CHECK(r == -errno_of(why), "%ld: %ld, not %s", nr, r,
			    why);
		} else {
			absent++;
			CHECK(r == -ENOSYS, "%ld is not in the table: %ld",
			    nr, r);
		}
	}
	partials();
	partial_files();
	printf("systable: %u calls, %u refused, %u not there\n", there,
	    refused, absent);
	return 0;
}
