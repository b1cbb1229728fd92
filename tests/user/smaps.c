/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smaps.c: does /proc/self/smaps say which pages of a mapping are there, and
 * whose: ours alone, shared with a child, of a file, locked; do the lines add
 * up, and to what smaps_rollup says; and what does VmFlags show?
 */
#include "ulib.h"

enum { SYS_unlink = 87, SYS_mlock = 149, NP = 8, RW = 3 };

static char text[100000], pieces[sizeof(text)];

/* slurp_by: the text of path, read in steps. */
static void
slurp_by(const char *path, unsigned long step)
{
	long fd = sys3(SYS_open, path, 0, 0), n, len = 0;

	CHECK(fd >= 0, "%s: %ld", path, fd);
	while (sizeof(text) - (size_t)len > step &&
	    (n = sys3(SYS_read, fd, text + len, step)) > 0)
		len += n;
	CHECK(n == 0 && len > 0, "%s: %ld", path, n);
	text[len] = '\0';
	sys1(SYS_close, fd);
}

static void
slurp(const char *path)
{
	slurp_by(path, 4096);
}

static unsigned long
hex(const char *p, const char **end)
{
	unsigned long v = 0;

	for (; (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f'); p++)
		v = v * 16 + (unsigned long)(*p <= '9' ? *p - '0' :
		    *p - 'a' + 10);
	*end = p;
	return v;
}

static const char *
next_line(const char *p)
{
	while (*p != '\0' && *p++ != '\n')
		;
	return p;
}

/* entry: the lines below the one of the mapping that starts at va. */
static const char *
entry(const void *va)
{
	const char *p, *end;

	slurp("/proc/self/smaps");
	for (p = text; *p != '\0'; p = next_line(p))
		if (hex(p, &end) == (unsigned long)va && *end == '-')
			return next_line(p);
	CHECK(false, "%p is not there: %s", va, text);
	return NULL;
}

/* line: what stands behind name; p is the first line of an entry. */
static const char *
line(const char *p, const char *name)
{
	size_t n = strlen(name);

	while (*p >= 'A' && *p <= 'Z') {
		if (strncmp(p, name, n) == 0 && p[n] == ':') {
			for (p += n + 1; *p == ' '; p++)
				;
			return p;
		}
		p = next_line(p);
	}
	CHECK(false, "no line %s", name);
	return NULL;
}

static unsigned long
kb(const char *p, const char *name)
{
	return strtoul(line(p, name));
}

/* pages: the usage of an entry, in pages. */
static void
pages(int at, const char *p, const char *name, unsigned long want)
{
	CHECK(kb(p, name) == want * 4, "line %d: %s is %lu, not %lu kB", at,
	    name, kb(p, name), want * 4);
}
#define PAGES(p, name, want)	pages(__LINE__, p, name, want)

/* adds_up: what every entry keeps to. */
static void
adds_up(const char *p)
{
	unsigned long rss = kb(p, "Rss");

	CHECK(rss == kb(p, "Shared_Clean") + kb(p, "Shared_Dirty") +
	    kb(p, "Private_Clean") + kb(p, "Private_Dirty"), "Rss %lu", rss);
	CHECK(kb(p, "Pss") <= rss && kb(p, "Pss_Dirty") <= kb(p, "Pss") &&
	    kb(p, "Anonymous") <= rss && kb(p, "Referenced") <= rss,
	    "parts of %lu", rss);
}

/* own: NP pages with nothing to merge with on either side. */
static char *
own(int flags, long fd)
{
	char *p = map_anon((NP + 2) * PGSZ, PROT_NONE);

	p += PGSZ;
	CHECK(sys6(SYS_mmap, (long)p, (long)(NP * PGSZ), RW,
	    flags | MAP_FIXED, fd, 0) == (long)p, "map");
	return p;
}

static void
flags(const char *p, const char *want)
{
	const char *f = line(entry(p), "VmFlags");
	char have[100];
	size_t n = 0;

	/* Without those that only some systems have: ac, nr, sd, mg. */
	while (*f != '\n' && n < sizeof(have) - 4) {
		if (strncmp(f, "ac ", 3) != 0 && strncmp(f, "nr ", 3) != 0 &&
		    strncmp(f, "sd ", 3) != 0 && strncmp(f, "mg ", 3) != 0) {
			memcpy(have + n, f, 3);
			n += 3;
		}
		f += 3;
	}
	have[n] = '\0';
	CHECK(strcmp(have, want) == 0, "\"%s\" is not \"%s\"", have, want);
}

/* with_child: what is said of p while a child has read its first n pages. */
static const char *
with_child(const char *p, unsigned n)
{
	int ready[2], done[2], st;
	const char *e;
	char c = 0;
	long pid;

	CHECK(sys1(SYS_pipe, ready) == 0 && sys1(SYS_pipe, done) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		sys1(SYS_close, done[1]);
		for (unsigned i = 0; i < n; i++)
			c = (char)(c + ((volatile const char *)p)[i * PGSZ]);
		sys3(SYS_write, ready[1], &c, 1);
		sys3(SYS_read, done[0], &c, 1);
		exit(0);
	}
	CHECK(pid > 0 && sys3(SYS_read, ready[0], &c, 1) == 1, "child");
	e = entry(p);
	sys1(SYS_close, done[1]);
	CHECK(waitpid(pid, &st) == pid && st == 0, "child: %x", st);
	sys1(SYS_close, done[0]);
	sys1(SYS_close, ready[0]);
	sys1(SYS_close, ready[1]);
	return e;
}

static void
anonymous(void)
{
	char *p = own(MAP_PRIVATE | MAP_ANON, -1);
	const char *e = entry(p);

	PAGES(e, "Size", NP);
	PAGES(e, "KernelPageSize", 1);
	PAGES(e, "MMUPageSize", 1);
	PAGES(e, "Rss", 0);
	for (int i = 0; i < 5; i++)
		p[i * PGSZ] = 1;
	e = entry(p);
	adds_up(e);
	PAGES(e, "Rss", 5);
	PAGES(e, "Pss", 5);
	PAGES(e, "Pss_Dirty", 5);
	PAGES(e, "Private_Dirty", 5);
	PAGES(e, "Referenced", 5);
	PAGES(e, "Anonymous", 5);
	PAGES(e, "Locked", 0);
	PAGES(e, "Swap", 0);
	flags(p, "rd wr mr mw me ");
	e = with_child(p, 5);
	adds_up(e);
	PAGES(e, "Rss", 5);
	CHECK(kb(e, "Pss") == 10, "half of it: %lu", kb(e, "Pss"));
	PAGES(e, "Shared_Dirty", 5);
	PAGES(e, "Private_Dirty", 0);
	PAGES(e, "Anonymous", 5);
	p[0] = 2;
	e = entry(p);
	PAGES(e, "Pss", 5);
	PAGES(e, "Private_Dirty", 5);
	CHECK(sys2(SYS_mlock, p, NP * PGSZ) == 0, "mlock");
	e = entry(p);
	PAGES(e, "Rss", NP);
	PAGES(e, "Locked", NP);
	flags(p, "rd wr mr mw me lo ");
	sys2(SYS_munmap, p, NP * PGSZ);
}

static void
others(void)
{
	long fd = sys3(SYS_open, "/tmp/smaps", 0102 /* CREAT|RDWR */, 0600);
	char *p = own(MAP_SHARED | MAP_ANON, -1);
	const char *e;

	p[0] = p[PGSZ] = 1;
	flags(p, "rd wr sh mr mw me ms ");
	e = with_child(p, 2);
	adds_up(e);
	PAGES(e, "Rss", 2);
	PAGES(e, "Pss", 1);
	PAGES(e, "Shared_Dirty", 2);
	PAGES(e, "Anonymous", 0);
	CHECK(fd >= 0, "open: %ld", fd);
	for (int i = 0; i < NP; i++)
		CHECK(sys3(SYS_write, fd, text, PGSZ) == (long)PGSZ, "write");
	p = own(MAP_PRIVATE, fd);
	p[0] = 1;
	e = entry(p);
	adds_up(e);
	PAGES(e, "Anonymous", 1);
	CHECK(sys3(SYS_mprotect, p, NP * PGSZ, PROT_READ) == 0 &&
	    sys3(SYS_madvise, p, NP * PGSZ, 10 /* DONTFORK */) == 0, "advice");
	flags(p, "rd mr mw me dc ");
	p = own(MAP_PRIVATE | MAP_ANON, -1);
	CHECK(sys3(SYS_madvise, p, NP * PGSZ, 18 /* WIPEONFORK */) == 0,
	    "advice");
	flags(p, "rd wr mr mw me wf ");
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "/tmp/smaps");
}

/* The sums of all entries, and of the roll-up. */
static void
all(void)
{
	static const char *const names[] = { "Rss", "Shared_Clean",
	    "Shared_Dirty", "Private_Clean", "Private_Dirty", "Anonymous",
	    "Locked" };
	unsigned long sum[7] = { 0 };
	const char *p, *e;
	int n = 0;

	slurp("/proc/self/smaps");
	memcpy(pieces, text, sizeof(text));
	slurp_by("/proc/self/smaps", 333);
	CHECK(strcmp(text, pieces) == 0, "in small pieces: %s", text);
	slurp("/proc/self/smaps_rollup");
	slurp("/proc/self/smaps");
	for (p = text; *p != '\0'; n++) {
		e = next_line(p);
		adds_up(e);
		for (int i = 0; i < 7; i++)
			sum[i] += kb(e, names[i]);
		for (p = e; *p >= 'A' && *p <= 'Z'; )
			p = next_line(p);
	}
	slurp("/proc/self/smaps_rollup");
	e = next_line(text);
	adds_up(e);
	for (int i = 0; i < 7; i++)
		CHECK(kb(e, names[i]) == sum[i], "%s: %lu in all, rolled up "
		    "%lu", names[i], sum[i], kb(e, names[i]));
	CHECK(kb(e, "Pss_Anon") + kb(e, "Pss_File") + kb(e, "Pss_Shmem") <=
	    kb(e, "Pss") && n > 3, "%d entries", n);
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	/* The texts have their pages: nothing changes while they are read. */
	memset(text, 'x', sizeof(text));
	memset(pieces, 'x', sizeof(pieces));
	anonymous();
	others();
	all();
	printf("smaps: ok\n");
	return 0;
}
