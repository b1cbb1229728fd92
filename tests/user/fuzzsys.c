/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzzsys.c: random system calls with nasty arguments, from many short-lived
 * processes.  The claim is the kernel's: no panic, no hang, nothing left.
 *
 *	fuzzsys [seed [children [calls [jobs [seconds]]]]]
 *
 * Every call of kern/linux/syscalls.tbl but those that would end the test itself
 * (skipped[]).  A child that blocks is killed after a while.  jobs: so many run
 * at once, each with its children, in the same directory; seconds: and goes on
 * until then.  It may be process 1 (make fuzz).
 */
#include "fuzz_numbers.h"
#include "ulib.h"

enum {
	SYS_shmctl = 31, SYS_setitimer = 38, SYS_setsid = 112,
	SYS_setrlimit = 160, SYS_chroot = 161,
	WNOHANG = 1, NFDS = 20, IPC_RMID = 0, NSHM = 4096,
};

/* vfork: its child would return on our stack. */
static const short skipped[] = {
	58 /* vfork */, 60 /* exit */, 62 /* kill */, 200 /* tkill */,
	SYS_chroot, 231 /* exit_group */, 234 /* tgkill */,
};

static const short absent[] = { 41, 300, 512, 1000, -1 };

static uint64_t seed;
static unsigned *done;			/* shared by the jobs: children ended */
static char *arena;			/* mapped, hole, read-only, none */
/* A page of its own, read only: a call that cut one short leads elsewhere. */
static char strings[16][256] __attribute__((__aligned__(4096)));

/* From /tmp/fz as root: what results make of these stays below it, too. */
static const char *const paths[] = {
	"/", "/a", "/b", "/d", "/l", "a", "b", "d", ".", "", "c", "/c",
	"/a/x", "/d/", "/none/x", "d/../a",
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

	switch (pick(9)) {
	case 8:
		return 0x5400 + pick(0x60);	/* of terminals */
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
	int p[2], off = 0;
	long m;

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
	sys3(SYS_open, "/dev/zero", 2, 0);
	m = sys3(SYS_open, "/dev/ptmx", 02, 0);
	sys3(SYS_ioctl, m, 0x40045431 /* TIOCSPTLCK */, &off);
	if (sys3(SYS_ioctl, m, 0x80045430L, &off) == 0) {
		char slave[32] = "/dev/pts/";

		put_number(slave + 9, (unsigned long)off);
		sys3(SYS_open, slave, 02, 0);
	}
	sys4(53 /* socketpair */, 1, 1, 0, p);
	sys1(291 /* epoll_create1 */, 0);
	sys2(290 /* eventfd2 */, 1, 0);
	CHECK(sys1(SYS_chroot, "/tmp/fz") == 0 && sys1(80, "/") == 0, "chroot");
	sys3(SYS_open, "/a", 0102, 0644);
	sys3(133 /* mknod */, "/p", 0010644, 0);
	sys3(SYS_open, "/p", 02, 0);
	sys3(SYS_open, "/", 0200000, 0);
}

static long
number(void)
{
	long n;

	if (pick(40) == 0)
		return absent[pick(sizeof(absent) / sizeof(absent[0]))];
again:
	n = fuzz_numbers[pick(sizeof(fuzz_numbers) / sizeof(fuzz_numbers[0]))];
	for (unsigned i = 0; i < sizeof(skipped) / sizeof(skipped[0]); i++)
		if (n == skipped[i])
			goto again;
	return n;
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
	long n = number(), self = sys0(SYS_gettid), r;
	uint64_t a[6];

	if (n == 15 && pick(50) != 0)	/* it is the end, nearly always */
		return;
	for (int i = 0; i < 6; i++)
		a[i] = argument();
	if (n == SYS_clone)		/* a thread would need a stack */
		a[0] &= ~(uint64_t)(CLONE_VM | CLONE_THREAD | 0x8000);
	if (n == SYS_setrlimit)
		a[0] &= 15;
	if (n == SYS_prlimit64) {	/* of this process */
		a[0] = 0;
		a[1] &= 15;
	}
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

void	fuzz_restorer(void);
__asm__(".globl fuzz_restorer\nfuzz_restorer:\tmov $15, %eax\n\tsyscall\n");

static void
on_tick(int sig)
{
	(void)sig;
}

/* A call that waits is interrupted soon, unless the child itself undoes this. */
static void
ticks(void)
{
	struct { void (*fn)(int); long flags; void (*restorer)(void);
	    long mask; } sa = { on_tick, 0x04000000, fuzz_restorer, 0 };
	long every[4] = { 0, 2000, 0, 2000 };

	sys4(SYS_rt_sigaction, SIGALRM, &sa, 0, 8);
	sys3(SYS_setitimer, 0, every, 0);
}

static void
child(unsigned calls)
{
	if (done != NULL)
		sys2(SYS_munmap, done, PGSZ);
	ticks();
	sys0(SYS_setsid);
	for (int fd = 0; fd < NFDS; fd++)
		sys1(SYS_close, fd);
	furnish();
	while (calls-- > 0)
		one_call();
	exit(0);
}

/* The end of the child, by itself or by us; its own children too. */
static void
finish(long pid)
{
	struct { long s, ns; } ms = { 0, 1000000 };
	int st;

	for (int i = 0; i < 12; i++) {
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

static long
now(void)
{
	struct { long s, ns; } ts;

	sys2(SYS_clock_gettime, 1, &ts);
	return ts.s;
}

/* One after the other, and further ones until the time is over. */
static unsigned
run(uint64_t first, unsigned children, unsigned calls, long end)
{
	struct { long s, ns; } ms = { 0, 10000000 };
	unsigned i, refused = 0;
	long pid;

	for (i = 0; i < children || now() < end; i++) {
		seed = (first + i) * 0x9e3779b97f4a7c15UL + 1;
		/* The children of others may have all memory, for a while. */
		while ((pid = fork()) == -ENOMEM && ++refused < 1000)
			sys2(SYS_nanosleep, &ms, 0);
		CHECK(pid >= 0, "fork: %ld", pid);
		if (pid == 0)
			child(calls);
		finish(pid);
	}
	return i;
}

/* jobs at once; all that is left for us to wait for is waited for. */
static unsigned
run_jobs(uint64_t first, unsigned children, unsigned calls, long end,
    unsigned jobs)
{
	unsigned sum = 0;
	long pid;
	int st;

	done = map_shared(PGSZ);
	for (unsigned j = 0; j < jobs; j++) {
		pid = fork();
		CHECK(pid >= 0, "fork: %ld", pid);
		if (pid == 0) {
			done[j] = run(first + ((uint64_t)j << 32), children,
			    calls, end);
			exit(0);
		}
	}
	for (unsigned left = jobs; left > 0;) {
		pid = waitpid(-1, &st);
		CHECK(pid > 0, "wait: %ld, %u jobs left", pid, left);
		for (unsigned j = 0; j < jobs; j++)
			if (done[j] != 0 && done[j] != ~0u) {
				sum += done[j];
				done[j] = ~0u;
				left--;
			}
	}
	return sum;
}

/* Grandchildren that left their group may still be at work. */
static void
end_all(void)
{
	int st;

	if (sys0(SYS_getpid) != 1)
		return;
	sys2(SYS_kill, -1, SIGKILL);
	while (waitpid(-1, &st) > 0)
		;
}

static void
clean_up(void)
{
	end_all();
	for (long id = 0; id < NSHM; id++)
		sys3(SYS_shmctl, id, IPC_RMID, 0);
	CHECK(sys1(80, "/tmp/fz") == 0, "/tmp/fz");
	while (remove_one())
		;
	sys1(80, "/tmp");
	sys1(84, "fz");
}

int
main(int argc, char **argv, char **envp)
{
	uint64_t first = argc > 1 ? strtoul(argv[1]) : 1;
	unsigned children = argc > 2 ? (unsigned)strtoul(argv[2]) : 40;
	unsigned calls = argc > 3 ? (unsigned)strtoul(argv[3]) : 400;
	unsigned jobs = argc > 4 ? (unsigned)strtoul(argv[4]) : 1;
	long end = argc > 5 ? now() + (long)strtoul(argv[5]) : 0;
	unsigned ran;

	(void)envp;
	CHECK(jobs > 0 && jobs <= PGSZ / sizeof(unsigned), "%u jobs", jobs);
	sys2(83, "/tmp/fz", 0755);
	ran = jobs == 1 ? run(first, children, calls, end) :
	    run_jobs(first, children, calls, end, jobs);
	clean_up();
	printf("%sfuzzsys: seed %lu, %u children of %u calls\n",
	    sys0(SYS_getpid) == 1 ? "ok 1 - " : "", (unsigned long)first, ran,
	    calls);
	return 0;
}
