/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forktree.c: does every process of a fork tree see exactly its own writes,
 * and its parent the end that it chose?
 *
 * forktree [depth] [fanout] [pages] [seed] [live] [trees]: each process fills
 * its pages with its own pattern over its parent's, forks, checks all bytes,
 * and ends in a way that the seed chose: some by a status, some by a signal,
 * some (of a storm: live given) before their own children.  At most about live
 * processes exist at a time; a process without children may always have one, so
 * that the storm cannot stop itself.
 */
#include "ulib.h"

#define MAXPAGES	64
#define MAXFAN		16
#define MAXTREES	8
#define PATIENCE	60		/* seconds without any progress */

/* Shared by all processes of the storm. */
struct storm {
	long	live;			/* forked and not yet at their end */
	long	begun, done, refused;
};

static unsigned depth = 4, fanout = 3, npages = 8, limit, trees = 1;
static uint64_t *mem;
static struct storm *storm;

/* who wrote each page last in this process's history */
static uint64_t owner[MAXPAGES];

static long
count(long *word, long n)
{
	return __atomic_add_fetch(word, n, __ATOMIC_SEQ_CST);
}

static long
seconds(void)
{
	long ts[2];

	CHECK(sys2(SYS_clock_gettime, 1, ts) == 0, "clock");
	return ts[0];
}

static uint64_t
pattern(uint64_t who, unsigned page, unsigned word)
{
	return (who * 0x9e3779b97f4a7c15UL) ^ (page * 1000003UL + word);
}

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
write_page(uint64_t who, unsigned p)
{
	owner[p] = who;
	for (unsigned w = 0; w < PGSZ / 8; w++)
		mem[p * (PGSZ / 8) + w] = pattern(who, p, w);
}

static void
write_some(uint64_t who, uint64_t *seed)
{
	for (int i = 0; i < 3; i++)
		write_page(who, (unsigned)(rnd(seed) % npages));
}

/* ---- ends ---- */

/* status_of: how the process who ends, as wait4 tells it. */
static int
status_of(uint64_t who)
{
	unsigned dice = (unsigned)(pattern(who, 77, 1) >> 40);

	if (limit == 0)
		return 0;
	switch (dice % 16) {
	case 0:
		return SIGKILL;
	case 1:
		return SIGTERM;
	default:
		return (int)(16 + dice / 16 % 100) << 8;
	}
}

/* Does who go before its children are waited for?  Not the root. */
static bool
leaves_orphans(uint64_t who, unsigned level)
{
	return limit != 0 && level < depth && pattern(who, 78, 2) >> 60 == 0;
}

static void __attribute__((__noreturn__))
end(uint64_t who)
{
	int status = status_of(who);

	count(&storm->done, 1);
	count(&storm->live, -1);
	if (status != 0 && status < 256)
		sys2(SYS_kill, sys0(SYS_getpid), status);
	for (;;)		/* the only thread, so the whole process */
		sys1(SYS_exit, status >> 8);
}

/* ---- the tree ---- */

struct brood {
	long		pid[MAXFAN];	/* 0: waited for */
	unsigned	n, alive;
	uint64_t	who;
};

/* Wait for one child, whichever ends first. */
static void
reap(struct brood *b)
{
	int status;
	long pid = waitpid(-1, &status);

	CHECK(pid > 0, "wait: %ld", pid);
	for (unsigned i = 0; i < b->n; i++) {
		if (b->pid[i] != pid)
			continue;
		CHECK(status == status_of(b->who * 16 + i + 1),
		    "child %lx.%u: status %x, not %x", b->who, i, status,
		    status_of(b->who * 16 + i + 1));
		b->pid[i] = 0;
		b->alive--;
		return;
	}
	CHECK(false, "%ld is not a child of %lx", pid, b->who);
}

/* May this process have one more child now? */
static bool
room(const struct brood *b)
{
	return limit == 0 || b->alive == 0 ||
	    __atomic_load_n(&storm->live, __ATOMIC_RELAXED) < limit;
}

/* spawn: fork, when there is room; 0 in the child. */
static long
spawn(struct brood *b)
{
	long pid, since = seconds();

	while (!room(b))
		reap(b);
	count(&storm->live, 1);
	count(&storm->begun, 1);
	while ((pid = fork()) == -ENOMEM || pid == -EAGAIN) {
		count(&storm->refused, 1);
		if (b->alive > 0)
			reap(b);
		else
			sys0(SYS_sched_yield);
		CHECK(seconds() < since + PATIENCE, "fork: %ld", pid);
	}
	CHECK(pid >= 0, "fork: %ld", pid);
	b->alive++;
	return pid;
}

static void __attribute__((__noreturn__))
grow(unsigned level, uint64_t who, uint64_t seed)
{
	struct brood b = { .who = who };

	write_some(who, &seed);
	check_all();
	for (unsigned i = 0; level > 0 && i < fanout; i++) {
		b.pid[i] = spawn(&b);
		if (b.pid[i] == 0)
			grow(level - 1, who * 16 + i + 1, seed + i * 77 + 1);
		b.n++;
		if (rnd(&seed) % 2 == 0)
			write_some(who, &seed);
	}
	while (b.alive > 0 && !leaves_orphans(who, level))
		reap(&b);
	check_all();
	end(who);
}

/* wait_quiet: until no process of the storm is left, orphans included. */
static void
wait_quiet(void)
{
	long last = -1, now, since = seconds();

	while ((now = __atomic_load_n(&storm->live, __ATOMIC_SEQ_CST)) > 0) {
		if (now != last)
			since = seconds();
		last = now;
		CHECK(seconds() < since + PATIENCE, "%ld are left of %ld", now,
		    storm->begun);
		sys0(SYS_sched_yield);
	}
	CHECK(storm->done == storm->begun, "%ld of %ld came to their end",
	    storm->done, storm->begun);
}

static void
arguments(int argc, char **argv, uint64_t *seed)
{
	unsigned *const arg[] = { &depth, &fanout, &npages, NULL, &limit,
	    &trees };

	for (int i = 1; i < argc && i <= 6; i++) {
		if (arg[i - 1] != NULL)
			*arg[i - 1] = (unsigned)strtoul(argv[i]);
		else
			*seed = strtoul(argv[i]);
	}
	CHECK(fanout <= MAXFAN && npages <= MAXPAGES && npages > 0 &&
	    trees <= MAXTREES && trees > 0, "arguments");
}

int
main(int argc, char **argv, char **envp)
{
	struct brood b = { .who = 1 };
	uint64_t seed = 1;

	(void)envp;
	arguments(argc, argv, &seed);
	mem = map_anon(npages * PGSZ, PROT_READ | PROT_WRITE);
	storm = map_shared(PGSZ);
	for (unsigned p = 0; p < npages; p++)
		write_page(1, p);
	for (b.n = 0; b.n < trees; b.n++) {
		b.pid[b.n] = spawn(&b);
		if (b.pid[b.n] == 0)
			grow(depth, 16 + b.n + 1,
			    (seed + b.n) * 2654435761UL + 1);
	}
	while (b.alive > 0)
		reap(&b);
	wait_quiet();
	check_all();
	printf("forktree: depth %u fanout %u pages %u seed %lu live %u: %ld "
	    "processes, %ld refusals, all bytes right\n", depth, fanout,
	    npages, seed, limit, storm->done, storm->refused);
	return 0;
}
