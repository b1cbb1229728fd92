/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forktree.c: does every process of a fork tree see exactly its own writes?
 *
 * forktree [depth] [fanout] [pages] [seed]: each process fills its pages with
 * its own pattern over its parent's, forks, exits in random order, and checks
 * all bytes at the end.
 */
#include "ulib.h"

static unsigned depth = 4, fanout = 3, npages = 8;
static uint64_t *mem;

static uint64_t
pattern(uint64_t who, unsigned page, unsigned word)
{
	return (who * 0x9e3779b97f4a7c15UL) ^ (page * 1000003UL + word);
}

/* who wrote each page last in this process's history */
static uint64_t owner[64];

static void
check_all(void)
{
	for (unsigned p = 0; p < npages; p++) {
		const uint64_t *page = mem + p * (PGSZ / 8);

		for (unsigned w = 0; w < PGSZ / 8; w += 37)
			CHECK(page[w] == pattern(owner[p], p, w),
			    "page %u word %u: %lx, not %lx", p, w, page[w],
			    pattern(owner[p], p, w));
	}
}

static void
write_some(uint64_t who, uint64_t *seed)
{
	for (int i = 0; i < 3; i++) {
		unsigned p = (unsigned)(rnd(seed) % npages);

		owner[p] = who;
		for (unsigned w = 0; w < PGSZ / 8; w++)
			mem[p * (PGSZ / 8) + w] = pattern(who, p, w);
	}
}

static void
grow(unsigned level, uint64_t who, uint64_t seed)
{
	long pid[16];
	int status;

	write_some(who, &seed);
	check_all();
	for (unsigned i = 0; level > 0 && i < fanout; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0, "fork: %ld", pid[i]);
		if (pid[i] == 0) {
			grow(level - 1, who * 16 + i + 1, seed + i * 77 + 1);
			exit(0);
		}
		if (rnd(&seed) % 2 == 0)
			write_some(who, &seed);
	}
	for (unsigned i = 0; level > 0 && i < fanout; i++) {
		CHECK(waitpid(pid[i], &status) == pid[i], "wait");
		CHECK(status == 0, "child %lx.%u: status %x", who, i, status);
	}
	check_all();
}

int
main(int argc, char **argv, char **envp)
{
	uint64_t seed = 1;

	(void)envp;
	if (argc > 1)
		depth = (unsigned)strtoul(argv[1]);
	if (argc > 2)
		fanout = (unsigned)strtoul(argv[2]);
	if (argc > 3)
		npages = (unsigned)strtoul(argv[3]);
	if (argc > 4)
		seed = strtoul(argv[4]);
	CHECK(fanout <= 16 && npages <= 64 && npages > 0, "arguments");
	mem = map_anon(npages * PGSZ, PROT_READ | PROT_WRITE);
	for (unsigned p = 0; p < npages; p++) {
		owner[p] = 1;
		for (unsigned w = 0; w < PGSZ / 8; w++)
			mem[p * (PGSZ / 8) + w] = pattern(1, p, w);
	}
	grow(depth, 1, seed * 2654435761UL + 1);
	printf("forktree: depth %u fanout %u pages %u seed %lu: all bytes right\n",
	    depth, fanout, npages, seed);
	return 0;
}
