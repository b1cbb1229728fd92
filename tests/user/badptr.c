/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * badptr.c: does every call that takes a pointer answer a bad one with EFAULT
 * (and nothing worse)?  Bad: null, unmapped, kernel, non-canonical, read-only
 * where the kernel writes, and across the end of the last accessible page.
 */
#include "ulib.h"

/* One call and which argument is the pointer; the others make it valid. */
static const struct {
	const char	*name;
	long		 nr;
	int		 ptr;		/* argument that is the pointer */
	bool		 writes;	/* the kernel writes through it */
	bool		 null_ok;
	long		 arg[6];
} calls[] = {
	{ "read", SYS_read, 1, true, false, { -100, 0, 64 } },
	{ "write", SYS_write, 1, false, false, { -101, 0, 64 } },
	{ "writev", SYS_writev, 1, false, false, { -101, 0, 4 } },
	{ "open", SYS_open, 0, false, false, { 0, 0, 0 } },
	{ "openat", SYS_openat, 1, false, false, { -100, 0, 0 } },
	{ "fstat", SYS_fstat, 1, true, false, { 0, 0 } },
	{ "stat", SYS_stat, 0, false, false, { 0, 0 } },
	{ "pipe", SYS_pipe, 0, true, false, { 0 } },
	{ "pipe2", SYS_pipe2, 0, true, false, { 0, 0 } },
	{ "wait4", SYS_wait4, 1, true, true, { -1, 0, 0, 0 } },
	{ "execve", SYS_execve, 0, false, false, { 0, 0, 0 } },
	{ "rt_sigaction set", SYS_rt_sigaction, 1, false, true,
	    { SIGUSR1, 0, 0, 8 } },
	{ "rt_sigaction get", SYS_rt_sigaction, 2, true, true,
	    { SIGUSR1, 0, 0, 8 } },
	{ "rt_sigprocmask set", SYS_rt_sigprocmask, 1, false, true,
	    { 0, 0, 0, 8 } },
	{ "rt_sigprocmask get", SYS_rt_sigprocmask, 2, true, true,
	    { 0, 0, 0, 8 } },
	{ "nanosleep", SYS_nanosleep, 0, false, false, { 0, 0 } },
	{ "clock_gettime", SYS_clock_gettime, 1, true, false, { 0, 0 } },
	{ "clock_nanosleep", SYS_clock_nanosleep, 2, false, false,
	    { 0, 0, 0, 0 } },
	{ "gettimeofday", SYS_gettimeofday, 0, true, true, { 0, 0 } },
	{ "uname", SYS_uname, 0, true, false, { 0 } },
	{ "sysinfo", SYS_sysinfo, 0, true, false, { 0 } },
	{ "getrandom", SYS_getrandom, 0, true, false, { 0, 64, 0 } },
	{ "prlimit64 get", SYS_prlimit64, 3, true, true, { 0, 3, 0, 0 } },
	{ "prlimit64 set", SYS_prlimit64, 2, false, true, { 0, 3, 0, 0 } },
	{ "arch_prctl get", SYS_arch_prctl, 1, true, false, { 0x1003, 0 } },
	{ "futex wait", SYS_futex, 0, false, false, { 0, 0, 0, 0, 0, 0 } },
	{ "sigaltstack set", SYS_sigaltstack, 0, false, true, { 0, 0 } },
	{ "sigaltstack get", SYS_sigaltstack, 1, true, true, { 0, 0 } },
};
#define NCALLS	(sizeof(calls) / sizeof(calls[0]))

static int pipefd[2];
static char *edge;		/* the last byte before one without access */
static char *readonly;

static long
call(unsigned i, unsigned long p)
{
	long a[6];

	for (int k = 0; k < 6; k++) {
		a[k] = calls[i].arg[k];
		if (a[k] == -100 && calls[i].nr == SYS_read)
			a[k] = pipefd[0];
		if (a[k] == -101)
			a[k] = pipefd[1];
	}
	a[calls[i].ptr] = (long)p;
	if (calls[i].nr == SYS_read)
		sys3(SYS_write, pipefd[1], "x", 1);
	return sys6(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void
drain(void)
{
	static char b[4096];

	sys3(SYS_write, pipefd[1], "x", 1);
	sys3(SYS_read, pipefd[0], b, sizeof(b));
}

static unsigned bad;

static void
try(unsigned i, unsigned long p, const char *what, bool must)
{
	long pid = calls[i].nr == SYS_wait4 ? fork() : 0;
	long r;

	if (pid == 0 && calls[i].nr == SYS_wait4)
		exit(0);
	r = call(i, p);
	if (pid > 0)
		sys4(SYS_wait4, pid, 0, 0, 0);
	drain();
	if (must && r != -EFAULT) {
		printf("badptr: %s with %s pointer %lx: %ld\n", calls[i].name,
		    what, p, r);
		bad++;
	}
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	CHECK(sys1(SYS_pipe, pipefd) == 0, "pipe");
	edge = map_anon(2 * PGSZ, PROT_READ | PROT_WRITE);
	CHECK(sys3(SYS_mprotect, edge + PGSZ, PGSZ, PROT_NONE) == 0, "none");
	edge += PGSZ - 1;
	*edge = 'x';
	readonly = map_anon(PGSZ, PROT_READ);
	for (unsigned i = 0; i < NCALLS; i++) {
		bool w = calls[i].writes;

		try(i, 0, "null", !calls[i].null_ok);
		try(i, 8, "low", true);
		try(i, 0x7fffffffe000UL - 0x100000000UL, "unmapped", true);
		try(i, 0xffffffff80100000UL, "kernel", true);
		try(i, 0xffff800000000000UL, "direct map", true);
		try(i, 0x8000000000000UL, "non-canonical", true);
		try(i, -8UL, "top", true);
		/* these may use the one good byte first, as on Linux */
		if (calls[i].nr != SYS_futex && calls[i].nr != SYS_read &&
		    calls[i].nr != SYS_getrandom)
			try(i, (unsigned long)edge, "page end", true);
		if (w)
			try(i, (unsigned long)readonly, "read-only", true);
	}
	CHECK(bad == 0, "%u answers other than EFAULT", bad);
	printf("badptr: %lu calls answer EFAULT\n", NCALLS);
	return 0;
}
