/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzzsys.c: random system calls with nasty arguments, from many short-lived
 * processes.  The claim is the kernel's: no panic, no hang, nothing left.
 *
 *	fuzzsys [seed [children [calls]]]
 *
 * Not called: what would end the test itself (kill of others, reboot).  A child
 * that blocks is killed after a while.
 */
#include "ulib.h"

enum {
	SYS_poll = 7, SYS_setsid = 112, SYS_tkill = 200, SYS_tgkill = 234,
	WNOHANG = 1, NFDS = 14,
};

static const short numbers[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20,
	21, 22, 24, 26, 28, 32, 33, 35, 39, 40, 56, 57, 59, 61, 63, 72, 74,
	76, 77, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93,
	95, 96, 97, 98, 99, 100, 102, 105, 109, 110, 111, 112, 115, 116, 121,
	124, 127, 128, 130, 131, 157, 158, 160, 186, 201, 202, 203, 204, 217,
	218, 228, 229, 230, 257, 258, 262, 263, 264, 265, 266, 267, 268, 269,
	271, 273, 280, 292, 293, 302, 309, 316, 318, 334, 435, 439,
	25, 27, 29, 30, 31, 36, 37, 38, 67, 106, 107, 113, 114, 117, 118, 119,
	120, 122, 123, 125, 126, 129, 135, 140, 141, 142, 143, 144, 145, 146,
	147, 148, 149, 150, 151, 152, 169, 222, 223, 224, 225, 226, 247, 274,
	297, 324, 325, 1001,
	/* numbers that are not there */
	15, 300, 512, 1000, -1,
};

static uint64_t seed;
static char *arena;			/* mapped, hole, read-only, none */
/* A page of its own, read only: a call that cut one short leads elsewhere. */
static char strings[16][256] __attribute__((__aligned__(4096)));

/* None leads out of /tmp/fz, so that all can be removed again. */
static const char *const paths[] = {
	"/tmp/fz", "/tmp/fz/a", "/tmp/fz/b", "/tmp/fz/d", "/tmp/fz/l", "a",
	"b", "d", ".", "", "c", "/tmp/fz/c", "/tmp/fz/a/x", "/tmp/fz/d/",
	"/tmp/fz/none/x", "d/../a",
};

static uint64_t
pick(uint64_t n)
{
	return rnd(&seed) % n;
}

static uint64_t
argument(void)
{
	static const uint64_t edge[] = {
		0, 1, 2, 3, 4, 7, 8, 16, 64, 128, 255, 4095, 4096, 4097,
		65536, 1UL << 20, 1UL << 31, 1UL << 32, 1UL << 47, 1UL << 63,
		-1UL, -2UL, -100UL, -4096UL, 0x7fffffffUL, 0xffffffffUL,
		0x7ffffffff000UL, 0x7fffffffffffUL, 0x800000000000UL,
		0xffff800000000000UL, 0xffffffff80000000UL, 0x10000UL,
	};

	switch (pick(8)) {
	case 0:
	case 1:
		return (uint64_t)arena + pick(16 * PGSZ);
	case 2:
		return (uint64_t)arena + pick(16) * PGSZ - pick(9);
	case 3:
		return (uint64_t)strings[pick(16)];
	case 4:
		return pick(NFDS);
	case 5:
		return edge[pick(sizeof(edge) / sizeof(edge[0]))];
	case 6:
		return pick(70);
	default:
		return 1UL << pick(64);
	}
}

/* Things for the arguments to find. */
static void
furnish(void)
{
	int p[2];

	arena = map_anon(16 * PGSZ, PROT_READ | PROT_WRITE);
	for (unsigned i = 0; i < 4 * PGSZ / 8; i++)
		((uint64_t *)(void *)arena)[i] = pick(3) == 0 ? argument() :
		    pick(40);
	sys2(SYS_munmap, arena + 4 * PGSZ, 2 * PGSZ);
	sys3(SYS_mprotect, arena + 8 * PGSZ, 2 * PGSZ, PROT_READ);
	sys3(SYS_mprotect, arena + 12 * PGSZ, PGSZ, PROT_NONE);
	for (unsigned i = 0; i < 16; i++)
		memcpy(strings[i], paths[i], strlen(paths[i]) + 1);
	sys3(SYS_mprotect, strings, sizeof(strings), PROT_READ);
	for (int i = 0; i < 3; i++)
		sys3(SYS_open, "/dev/null", 2, 0);
	sys1(SYS_pipe, p);
	sys3(SYS_open, "/tmp/fz/a", 0102, 0644);
	sys3(SYS_open, "/tmp/fz", 0200000, 0);
	sys3(SYS_open, "/dev/zero", 2, 0);
}

/* reaches_others: priorities, policies, affinity of other processes. */
static bool
reaches_others(long n)
{
	return n == 141 || n == 142 || n == 144 || n == 203;
}

static void
one_call(void)
{
	long n = numbers[pick(sizeof(numbers) / sizeof(numbers[0]))], r;
	uint64_t a[6];
	long self = sys0(SYS_gettid);

	if (n == 15 && pick(50) != 0)	/* it is the end, nearly always */
		return;
	for (int i = 0; i < 6; i++)
		a[i] = argument();
	if (n == SYS_clone)		/* a thread would need a stack */
		a[0] &= ~(uint64_t)(CLONE_VM | CLONE_THREAD | 0x8000);
	if (n == SYS_prlimit64 || n == 160)
		a[0] &= 15;
	if (reaches_others(n))
		a[0] = a[1] = 0;
	if (n == 129 || n == 297)	/* signals with a value: to us only */
		a[0] = a[1] = (uint64_t)self;
	r = sys6(n, (long)a[0], (long)a[1], (long)a[2], (long)a[3],
	    (long)a[4], (long)a[5]);
	if (sys0(SYS_gettid) != self || ((n == SYS_fork || n == SYS_clone) &&
	    r == 0))
		exit(0);
}

static void
child(unsigned calls)
{
	sys0(SYS_setsid);
	for (int fd = 0; fd < NFDS; fd++)
		sys1(SYS_close, fd);
	furnish();
	sys1(80, "/tmp/fz");
	while (calls-- > 0)
		one_call();
	exit(0);
}

/* The end of the child, by itself or by us; its own children too. */
static void
finish(long pid)
{
	struct { long s, ns; } ms = { 0, 2000000 };
	int st;

	for (int i = 0; i < 100; i++) {
		if (sys4(SYS_wait4, pid, &st, WNOHANG, 0) == pid) {
			sys2(SYS_kill, -pid, SIGKILL);
			return;
		}
		sys2(SYS_nanosleep, &ms, 0);
	}
	sys2(SYS_kill, -pid, SIGKILL);
	sys2(SYS_kill, pid, SIGKILL);
	CHECK(waitpid(pid, &st) == pid, "child is gone");
}

struct dirent {
	unsigned long	ino;
	long		off;
	unsigned short	len;
	char		type, name[];
};

/* remove_one: an entry of the working directory; false: there is none. */
static bool
remove_one(void)
{
	static char buf[8192];
	struct dirent *d;
	long fd, n;

	fd = sys3(SYS_open, ".", 0200000, 0);
	n = sys3(217, fd, buf, sizeof(buf));
	sys1(SYS_close, fd);
	for (long at = 0; at < n; at += d->len) {
		d = (struct dirent *)(void *)(buf + at);
		if (strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0)
			continue;
		if (sys1(87, d->name) == 0 || sys1(84, d->name) == 0)
			return true;
		/* A directory with something in it: that first. */
		CHECK(sys1(80, d->name) == 0, "chdir");
		while (remove_one())
			;
		sys1(80, "..");
		return true;
	}
	return false;
}

int
main(int argc, char **argv, char **envp)
{
	uint64_t first = argc > 1 ? strtoul(argv[1]) : 1;
	unsigned children = argc > 2 ? (unsigned)strtoul(argv[2]) : 40;
	unsigned calls = argc > 3 ? (unsigned)strtoul(argv[3]) : 400;
	long pid;

	(void)envp;
	sys2(83, "/tmp/fz", 0755);
	for (unsigned i = 0; i < children; i++) {
		seed = (first + i) * 0x9e3779b97f4a7c15UL + 1;
		pid = fork();
		CHECK(pid >= 0, "fork: %ld", pid);
		if (pid == 0)
			child(calls);
		finish(pid);
	}
	CHECK(sys1(80, "/tmp/fz") == 0, "/tmp/fz");
	while (remove_one())
		;
	sys1(80, "/tmp");
	sys1(84, "fz");
	printf("fuzzsys: seed %lu, %u children of %u calls\n",
	    (unsigned long)first, children, calls);
	return 0;
}
