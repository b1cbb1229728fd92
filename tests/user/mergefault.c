/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mergefault.c: do the threads of a process find their pages while the object
 * that these lie in is merged, because a child has just ended?
 *
 * mergefault [rounds] [threads]: each thread has a word of its own in every
 * page and counts it up.  A child shares all and ends at once; so its parent's
 * threads copy on write out of the very object that the child's end merges.
 */
#include "ulib.h"

#define NPAGES		32
#define MAXTHREADS	8

static volatile uint64_t *mem;
static volatile unsigned round_no, ended;
static unsigned rounds = 200, n = 3;

/* In each round, and only once: until then there is nothing to copy. */
static void
counter(void *arg)
{
	unsigned me = (unsigned)(long)arg;

	for (unsigned r = 1; r <= rounds; r++) {
		while (round_no < r)
			sys0(SYS_sched_yield);
		for (unsigned i = 0; i < NPAGES; i++) {
			volatile uint64_t *w = mem + i * (PGSZ / 8) + me;

			CHECK(*w == r - 1, "thread %u: page %u is %lu, not %u",
			    me, i, *w, r - 1);
			*w = r;
		}
		__atomic_fetch_add(&ended, 1, __ATOMIC_RELAXED);
	}
}

int
main(int argc, char **argv, char **envp)
{
	struct uthread th[MAXTHREADS];

	(void)envp;
	rounds = argc > 1 ? (unsigned)strtoul(argv[1]) : rounds;
	n = argc > 2 ? (unsigned)strtoul(argv[2]) : n;
	CHECK(n >= 1 && n <= MAXTHREADS, "%u threads", n);
	mem = map_anon(NPAGES * PGSZ, PROT_READ | PROT_WRITE);
	for (unsigned i = 0; i < n; i++)
		CHECK(thread_start(&th[i], counter, (void *)(long)i) == 0,
		    "clone");
	for (unsigned r = 1; r <= rounds; r++) {
		long pid = fork();
		int status;

		CHECK(pid >= 0, "fork: %ld", pid);
		if (pid == 0)
			exit(0);
		round_no = r;
		CHECK(waitpid(pid, &status) == pid && status == 0, "wait");
		while (ended < r * n)
			sys0(SYS_sched_yield);
	}
	for (unsigned i = 0; i < n; i++)
		thread_join(&th[i]);
	printf("mergefault: %u children ended beside %u threads\n", rounds, n);
	return 0;
}
