/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cowstorm.c: do many processes that fork, write, zap, protect and exit over
 * common ancestors, all at once, each always read their own history?
 *
 * cowstorm [processes] [slots] [pages] [seed]: at most slots processes live at
 * a time.  What each word of a process's pages must be is kept in shared memory
 * (which is never copied), one row a slot; a fork copies the row.  Accesses
 * come from user mode and, through a pipe, from the kernel.
 */
#include "ulib.h"

#define MAXSLOTS	32
#define MAXPAGES	64
#define WORDS		4		/* watched in each page */
#define STEPS		60
#define PATIENCE	60		/* seconds without any progress */

struct row {
	uint64_t	word[MAXPAGES * WORDS];
};

static struct storm {
	int		taken[MAXSLOTS];
	long		budget;		/* forks that are left */
	long		begun, done;
	struct row	row[MAXSLOTS];
} *storm;

static uint64_t *mem, seed = 1;
static unsigned nprocs = 400, nslots = 16, npages = 32;
static struct row *row;			/* of this process */
static unsigned slot;
static uint64_t r;			/* its random numbers */
static int pipefd[2];

static uint64_t *
word_at(unsigned i)
{
	return mem + i / WORDS * (PGSZ / 8) + i % WORDS * (PGSZ / 8 / WORDS);
}

static unsigned
pick(unsigned n)
{
	return (unsigned)((rnd(&r) >> 16) % n);
}

/* ---- what a process does ---- */

/* Through the kernel: its copies fault as we do. */
static void
pipe_write(unsigned i, uint64_t v)
{
	CHECK(sys3(SYS_write, pipefd[1], &v, 8) == 8 &&
	    sys3(SYS_read, pipefd[0], word_at(i), 8) == 8, "pipe");
}

static uint64_t
pipe_read(unsigned i)
{
	uint64_t v;

	CHECK(sys3(SYS_write, pipefd[1], word_at(i), 8) == 8 &&
	    sys3(SYS_read, pipefd[0], &v, 8) == 8, "pipe");
	return v;
}

static void
write_word(void)
{
	unsigned i = pick(npages * WORDS);
	uint64_t v = rnd(&r);

	if (pick(4) == 0)
		pipe_write(i, v);
	else
		*word_at(i) = v;
	row->word[i] = v;
}

static void
check_word(unsigned i)
{
	uint64_t v = pick(4) == 0 ? pipe_read(i) : *word_at(i);

	CHECK(v == row->word[i], "slot %u page %u word %u: %lx, not %lx",
	    slot, i / WORDS, i % WORDS, v, row->word[i]);
}

static void
check_all(void)
{
	for (unsigned i = 0; i < npages * WORDS; i++)
		check_word(i);
}

/* A run of pages becomes zero: zapped in place, or mapped anew. */
static void
zap(void)
{
	unsigned first = pick(npages), n = 1 + pick(npages - first);
	char *at = (char *)mem + first * PGSZ;

	if (pick(2) == 0)
		CHECK(sys3(SYS_madvise, at, n * PGSZ, MADV_DONTNEED) == 0,
		    "madvise");
	else
		CHECK(sys6(SYS_mmap, (long)at, (long)(n * PGSZ), PROT_READ |
		    PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) ==
		    (long)at, "mmap");
	memset(&row->word[first * WORDS], 0, n * WORDS * 8);
}

static void
protect(void)
{
	unsigned first = pick(npages), n = 1 + pick(npages - first);
	char *at = (char *)mem + first * PGSZ;

	CHECK(sys3(SYS_mprotect, at, n * PGSZ, PROT_READ) == 0, "mprotect");
	check_word(first * WORDS);
	CHECK(sys3(SYS_mprotect, at, n * PGSZ, PROT_READ | PROT_WRITE) == 0,
	    "mprotect");
}

/* ---- forks ---- */

/* take_slot: a free one, or -1. */
static int
take_slot(void)
{
	for (unsigned n = 0, i = pick(nslots); n < nslots; n++, i++) {
		int no = 0;

		if (__atomic_compare_exchange_n(&storm->taken[i % nslots], &no,
		    1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return (int)(i % nslots);
	}
	return -1;
}

static void
give_slot(unsigned s)
{
	__atomic_store_n(&storm->taken[s], 0, __ATOMIC_SEQ_CST);
}

/* spawn: fork into a free slot; true in the child. */
static bool
spawn(void)
{
	int to = take_slot();
	uint64_t childs = rnd(&r);
	long pid;

	if (to < 0)
		return false;
	if (__atomic_sub_fetch(&storm->budget, 1, __ATOMIC_SEQ_CST) < 0) {
		give_slot((unsigned)to);
		return false;
	}
	storm->row[to] = *row;
	__atomic_add_fetch(&storm->begun, 1, __ATOMIC_SEQ_CST);
	pid = fork();
	CHECK(pid >= 0, "fork: %ld", pid);
	if (pid != 0)
		return false;
	slot = (unsigned)to;
	row = &storm->row[slot];
	r = childs | 1;
	sys1(SYS_close, pipefd[0]);
	sys1(SYS_close, pipefd[1]);
	CHECK(sys1(SYS_pipe, pipefd) == 0, "pipe");
	return true;
}

static void
live(void)
{
	for (unsigned step = 0; step < STEPS; step++) {
		switch (pick(16)) {
		case 0:
			zap();
			break;
		case 1:
			protect();
			break;
		case 2:
		case 3:
			if (spawn())
				step = 0;
			break;
		case 4:
		case 5:
		case 6:
			check_word(pick(npages * WORDS));
			break;
		case 7:
			sys0(SYS_sched_yield);
			break;
		default:
			write_word();
			break;
		}
	}
	check_all();
	__atomic_add_fetch(&storm->done, 1, __ATOMIC_SEQ_CST);
	give_slot(slot);
}

/* ---- the first process ---- */

static long
seconds(void)
{
	long ts[2];

	CHECK(sys2(SYS_clock_gettime, 1, ts) == 0, "clock");
	return ts[0];
}

/* reap: wait for whoever is a child of ours; orphans have other parents. */
static void
reap(void)
{
	int status;

	while (sys4(SYS_wait4, -1, &status, 1 /* WNOHANG */, 0) > 0)
		CHECK(status == 0, "a child ended with %x", status);
}

static void
feed(void)
{
	long last = -1, since = seconds();

	while (storm->budget > 0 || storm->done < storm->begun) {
		if (storm->done != last)
			since = seconds();
		last = storm->done;
		CHECK(seconds() < since + PATIENCE, "%ld of %ld are done",
		    storm->done, storm->begun);
		write_word();
		if (spawn()) {
			live();
			exit(0);
		}
		reap();
		sys0(SYS_sched_yield);
	}
}

int
main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1)
		nprocs = (unsigned)strtoul(argv[1]);
	if (argc > 2)
		nslots = (unsigned)strtoul(argv[2]);
	if (argc > 3)
		npages = (unsigned)strtoul(argv[3]);
	if (argc > 4)
		seed = strtoul(argv[4]);
	CHECK(nslots > 1 && nslots <= MAXSLOTS && npages > 0 &&
	    npages <= MAXPAGES, "arguments");
	r = seed * 0x9e3779b97f4a7c15UL | 1;
	mem = map_anon(npages * PGSZ, PROT_READ | PROT_WRITE);
	storm = map_shared(sizeof(*storm));
	storm->budget = nprocs;
	storm->taken[0] = 1;
	row = &storm->row[0];
	CHECK(sys1(SYS_pipe, pipefd) == 0, "pipe");
	feed();
	check_all();
	printf("cowstorm: %ld processes, %u at once, seed %lu: every history "
	    "apart\n", storm->begun, nslots, seed);
	return 0;
}
