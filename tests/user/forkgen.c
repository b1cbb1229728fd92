/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forkgen.c: generation after generation of forks: are all bytes right, is the
 * time of a generation the same at the end as at the beginning (a chain that
 * grows makes it slower), and is all memory back?
 *
 * forkgen [generations] [pages] [pattern]: a pattern is one of
 *	0 children	the parent forks, both write, the child exits
 *	1 heirs		the child goes on, the parent exits (a grandparent is
 *			told how it ended through shared memory)
 *	2 server	children live for a while, each with its own page
 *	3 all of these
 */
#include "ulib.h"

#define MAXPAGES	64
#define LIVE		6

static struct end {
	volatile long	generation;	/* of the last heir */
	volatile long	right;		/* 1 right, 2 wrong */
} *end;

static uint64_t *mem;
static uint64_t want[MAXPAGES];
static unsigned npages = 8, generations = 1000;

static long
usec(void)
{
	long ts[2];

	CHECK(sys2(SYS_clock_gettime, 1, ts) == 0, "clock");
	return ts[0] * 1000000 + ts[1] / 1000;
}

static void
put(unsigned page, uint64_t v)
{
	mem[page * (PGSZ / 8) + 5] = want[page] = v;
}

static bool
right(void)
{
	for (unsigned i = 0; i < npages; i++) {
		if (mem[i * (PGSZ / 8) + 5] != want[i])
			return false;
	}
	return true;
}

static void
must_exit(long pid)
{
	int status;

	CHECK(waitpid(pid, &status) == pid && status == 0, "status %x",
	    status);
}

static void
children(unsigned i)
{
	long pid = fork();

	CHECK(pid >= 0, "fork: %ld", pid);
	if (pid == 0) {
		put(i % npages, ~(uint64_t)i);
		exit(right() ? 0 : 1);
	}
	put(i * 3 % npages, i);
	must_exit(pid);
}

/* One child after the other takes over; the last one says how it went. */
static void
heirs(void)
{
	long pid = fork();

	CHECK(pid >= 0, "fork: %ld", pid);
	if (pid != 0) {
		must_exit(pid);		/* the first heir ends at once */
		while (end->right == 0)
			sys0(SYS_sched_yield);
		CHECK(end->right == 1, "heir %ld", end->generation);
		return;
	}
	for (unsigned i = 0; i < generations; i++) {
		pid = fork();
		if (pid > 0)
			exit(0);
		put(i % npages, i);
		end->generation = i;
		if (pid < 0 || !right()) {
			end->right = 2;
			exit(1);
		}
	}
	end->right = 1;
	exit(0);
}

static void
server(unsigned i, long *pid)
{
	long *slot = &pid[i % LIVE];

	if (*slot != 0)
		must_exit(*slot);
	*slot = fork();
	CHECK(*slot >= 0, "fork: %ld", *slot);
	if (*slot == 0) {
		put(i % npages, ~(uint64_t)i);
		for (int n = 0; n < 8; n++)
			sys0(SYS_sched_yield);
		exit(right() ? 0 : 1);
	}
	put(i * 5 % npages, i);
}

static void
run(const char *name, unsigned pattern)
{
	long pid[LIVE] = { 0 }, start = usec(), half = start, now;
	unsigned i;

	for (i = 0; i < generations && pattern != 1; i++) {
		if (i == generations / 2)
			half = usec();
		if (pattern == 0)
			children(i);
		else
			server(i, pid);
		CHECK(right(), "%s: generation %u", name, i);
	}
	if (pattern == 1)
		heirs();
	for (i = 0; i < LIVE; i++) {
		if (pid[i] != 0)
			must_exit(pid[i]);
	}
	now = usec();
	printf("forkgen: %s: %u generations, %ld us each", name, generations,
	    (now - start) / (long)generations);
	if (pattern != 1)
		printf(", first half %ld us, second %ld us", half - start,
		    now - half);
	printf("\n");
	CHECK(pattern == 1 || now - half < 4 * (half - start) + 200000,
	    "%s becomes slower", name);
}

int
main(int argc, char **argv, char **envp)
{
	static const char *const name[] = { "children", "heirs", "server" };
	unsigned pattern = 3;

	(void)envp;
	if (argc > 1)
		generations = (unsigned)strtoul(argv[1]);
	if (argc > 2)
		npages = (unsigned)strtoul(argv[2]);
	if (argc > 3)
		pattern = (unsigned)strtoul(argv[3]);
	CHECK(npages > 0 && npages <= MAXPAGES && generations > 1, "usage");
	mem = map_anon(npages * PGSZ, PROT_READ | PROT_WRITE);
	end = map_shared(PGSZ);
	for (unsigned i = 0; i < npages; i++)
		put(i, i);
	for (unsigned p = 0; p < 3; p++) {
		if (pattern == 3 || pattern == p)
			run(name[p], p);
	}
	CHECK(right(), "the end");
	return 0;
}
