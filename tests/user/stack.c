/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.c: does the stack grow on demand, stop at its limit with SIGSEGV, keep
 * a gap of at least 1 MiB to what is mapped below, and is a guard respected?
 */
#include "ulib.h"

static char *
sp_now(void)
{
	char *sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	return sp;
}

/* touch one byte in each page below the stack pointer, depth bytes down. */
static int
touch_down(void *arg)
{
	unsigned long depth = *(unsigned long *)arg;
	char *sp = sp_now();

	for (unsigned long d = PGSZ; d < depth; d += PGSZ)
		*(volatile char *)(sp - d) = 1;
	return 0;
}

/* touch at once, without the pages between. */
static int
touch_far(void *arg)
{
	*(volatile char *)(sp_now() - *(unsigned long *)arg) = 1;
	return 0;
}

static int
recurse(int n)
{
	volatile char pad[1024];

	pad[0] = (char)n;
	if (n >= 0)
		pad[1023] = (char)(recurse(n + 1) + pad[0]);
	return pad[1023];
}

static int
endless(void *arg)
{
	(void)arg;
	return recurse(0);
}

static int
write_at(void *arg)
{
	*(volatile char *)arg = 1;
	return 0;
}

static int
blocked_below(void *arg)
{
	unsigned long at = ((unsigned long)sp_now() - (3UL << 20)) & -PGSZ;
	long r = sys6(SYS_mmap, (long)at, PGSZ, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON | MAP_FIXED_NOREPLACE, -1, 0);
	unsigned long depth = (3UL << 20) - (1UL << 20) / 2;

	(void)arg;
	CHECK(r == (long)at, "mapping 3 MiB below the stack pointer: %ld", r);
	return touch_down(&depth);	/* comes within 1 MiB of it: SIGSEGV */
}

int
main(int argc, char **argv, char **envp)
{
	unsigned long d;
	char *p;
	int status;

	(void)argc;
	(void)argv;
	(void)envp;
	d = 4UL << 20;
	CHECK(run_child(touch_down, &d) == 0, "4 MiB by pages");
	CHECK(run_child(touch_far, &d) == 0, "4 MiB at once");
	d = 64UL << 20;
	status = run_child(touch_far, &d);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	    "beyond the limit: status %x", status);
	status = run_child(endless, NULL);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	    "endless recursion: status %x", status);
	status = run_child(blocked_below, NULL);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	    "gap to the mapping below: status %x", status);
	p = map_anon(3 * PGSZ, PROT_READ | PROT_WRITE);
	CHECK(sys3(SYS_mprotect, p + PGSZ, PGSZ, PROT_NONE) == 0, "guard");
	CHECK(run_child(write_at, p) == 0, "below the guard");
	CHECK(run_child(write_at, p + 2 * PGSZ) == 0, "above the guard");
	status = run_child(write_at, p + PGSZ);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	    "guard: status %x", status);
	printf("stack: grows, stops, keeps its gap; guards hold\n");
	return 0;
}
