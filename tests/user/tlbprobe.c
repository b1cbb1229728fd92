/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlbprobe.c: does no thread reach a page, or use a right, after the call that
 * took it away has returned?
 *
 * tlbprobe [kprobes] [threads] [seed] [seconds]: one thread changes what a few
 * pages show, the others go on reading and writing through the addresses that
 * their TLBs may still know:
 *	remap	a new mapping over the old: nobody reads an older generation
 *	zap	MADV_DONTNEED: the same, in the same mapping
 *	gone	munmap, and the freed pages filled with poison elsewhere: no
 *		access succeeds, and nobody ever reads poison
 *	rdonly	PROT_READ: no store succeeds
 *	fork	copy on write: the child's memory stands still
 * Each way goes on until there were 1000 * kprobes probes and kprobes changes,
 * or its time is up (a tenth of that for gone and rdonly, whose probes are
 * signals).  MINIMUM changes are a must.
 */
#include "uprobe.h"

#define NPAGES		4
#define MAXTHREADS	16
#define WORDS		(PGSZ / 8)
#define POISON		0xbad0bad0bad0bad0UL
#define LIMIT		(1UL << 40)	/* generations stay below */
#define MINIMUM		20

enum way { W_REMAP, W_ZAP, W_GONE, W_RDONLY, W_FORK, W_COUNT };

static const char *const way_name[] = { "remap", "zap", "gone", "rdonly",
    "fork" };

static struct {
	volatile uint64_t	gen;	/* published: what the pages show */
	volatile int		forbid;	/* the right is taken away */
	volatile int		stop;
	volatile enum way	way;
	volatile unsigned	probes;	/* in this way, by all */
	volatile unsigned	stale;
} st __attribute__((__aligned__(64)));

static volatile uint64_t *mem;		/* NPAGES, and as many for the poison */
static unsigned kprobes = 200, nthreads = 3, patience = 20;
static uint64_t total;
static uint64_t seed = 1;

static void
stale(const char *what, unsigned page, uint64_t value, uint64_t gen)
{
	if (__atomic_fetch_add(&st.stale, 1, __ATOMIC_SEQ_CST) < 3)
		printf("tlbprobe: %s page %u shows %lx in generation %lu\n",
		    what, page, value, gen);
}

/* ---- the probers ---- */

static void
probe_value(const char *what, unsigned page)
{
	uint64_t gen = st.gen, v = mem[page * WORDS];

	if (v != 0 && (v < gen || v > LIMIT))
		stale(what, page, v, gen);
}

static void
probe_gone(unsigned page)
{
	uint64_t gen = st.gen, v = 0;
	bool forbidden = st.forbid;

	if (!probe_load(mem + page * WORDS, &v))
		return;
	if (v > LIMIT || (forbidden && st.forbid && st.gen == gen))
		stale("gone", page, v, gen);
}

static void
probe_rdonly(unsigned page, unsigned me)
{
	uint64_t gen = st.gen;
	bool forbidden = st.forbid;

	if (probe_store(mem + page * WORDS + 8 + me, gen) && forbidden &&
	    st.forbid && st.gen == gen)
		stale("rdonly", page, gen, gen);
}

static void
prober(void *arg)
{
	unsigned me = (unsigned)(long)arg, page;
	uint64_t r = seed * 77 + me + 1;

	while (!st.stop) {
		page = (unsigned)(rnd(&r) % NPAGES);
		switch (st.way) {
		case W_REMAP:
		case W_ZAP:
			probe_value(way_name[st.way], page);
			break;
		case W_GONE:
			probe_gone(page);
			break;
		case W_RDONLY:
			probe_rdonly(page, me);
			break;
		case W_FORK:
		case W_COUNT:
			mem[page * WORDS + 8 + me]++;
			break;
		}
		__atomic_fetch_add(&st.probes, 1, __ATOMIC_RELAXED);
	}
}

/* ---- the one that changes ---- */

static void
let_them(unsigned n)
{
	unsigned from = st.probes;

	for (unsigned i = 0; st.probes - from < n; i++)
		if (i % 64 == 63)
			sys0(SYS_sched_yield);
}

static void
map_over(int prot)
{
	CHECK(sys6(SYS_mmap, (long)mem, NPAGES * PGSZ, prot,
	    MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) == (long)mem, "mmap");
}

static void
write_gen(uint64_t gen)
{
	for (unsigned p = 0; p < NPAGES; p++)
		mem[p * WORDS] = gen;
}

static void
change_remap(uint64_t gen, bool zap)
{
	if (zap)
		CHECK(sys3(SYS_madvise, mem, NPAGES * PGSZ, MADV_DONTNEED) ==
		    0, "madvise");
	else
		map_over(PROT_READ | PROT_WRITE);
	write_gen(gen);
	st.gen = gen;
	let_them(2 * nthreads);
}

static void
change_gone(uint64_t gen)
{
	uint64_t *poison = (uint64_t *)mem + NPAGES * WORDS;

	map_over(PROT_READ | PROT_WRITE);
	write_gen(gen);
	let_them(nthreads);		/* their TLBs fill */
	CHECK(sys2(SYS_munmap, mem, NPAGES * PGSZ) == 0, "munmap");
	st.gen = gen;
	st.forbid = 1;
	CHECK(sys3(SYS_madvise, poison, NPAGES * PGSZ, MADV_DONTNEED) == 0,
	    "madvise");
	for (unsigned p = 0; p < NPAGES; p++)
		poison[p * WORDS] = POISON;
	let_them(nthreads);
	st.forbid = 0;
}

static void
protect(int prot)
{
	CHECK(sys3(SYS_mprotect, mem, NPAGES * PGSZ, prot) == 0, "mprotect");
}

static void
change_rdonly(uint64_t gen)
{
	protect(PROT_READ);
	st.gen = gen;
	st.forbid = 1;
	let_them(nthreads);
	st.forbid = 0;
	protect(PROT_READ | PROT_WRITE);
	let_them(nthreads);		/* stores succeed again */
}

static uint64_t
sum(void)
{
	uint64_t s = 0;

	for (unsigned p = 0; p < NPAGES; p++)
		for (unsigned i = 0; i < MAXTHREADS; i++)
			s += mem[p * WORDS + 8 + i];
	return s;
}

static int
child_stands_still(void *arg)
{
	uint64_t before = sum();

	(void)arg;
	for (int i = 0; i < 5; i++) {
		sys0(SYS_sched_yield);
		if (sum() != before)
			return 1;
	}
	return 0;
}

static void
change_fork(uint64_t gen)
{
	int status = run_child(child_stands_still, NULL);

	if (status != 0)
		stale("fork", 0, (uint64_t)status, gen);
	let_them(nthreads);
}

static void
change(enum way way, uint64_t gen)
{
	switch (way) {
	case W_REMAP:
	case W_ZAP:
		change_remap(gen, way == W_ZAP);
		break;
	case W_GONE:
		change_gone(gen);
		break;
	case W_RDONLY:
		change_rdonly(gen);
		break;
	case W_FORK:
	case W_COUNT:
		change_fork(gen);
		break;
	}
}

static long
seconds(void)
{
	long ts[2];

	CHECK(sys2(SYS_clock_gettime, 1, ts) == 0, "clock");
	return ts[0];
}

/* enough: of probes and changes, or of time. */
static bool
enough(enum way way, uint64_t changes, long until)
{
	unsigned k = way == W_GONE || way == W_RDONLY ? kprobes / 10 : kprobes;

	if (changes < MINIMUM)
		return false;
	return (changes >= k && st.probes >= 1000 * k) || seconds() >= until;
}

static void
run_way(enum way way)
{
	struct uthread t[MAXTHREADS];
	long until = seconds() + patience;
	uint64_t gen;

	map_over(PROT_READ | PROT_WRITE);
	st.gen = st.probes = 0;
	st.stop = st.forbid = 0;
	st.way = way;
	for (unsigned i = 0; i < nthreads; i++)
		CHECK(thread_start(&t[i], prober, (void *)(long)i) == 0,
		    "clone");
	for (gen = 1; !enough(way, gen - 1, until); gen++)
		change(way, gen);
	st.stop = 1;
	for (unsigned i = 0; i < nthreads; i++)
		thread_join(&t[i]);
	total += st.probes;
	printf("tlbprobe: %s: %lu changes, %u probes\n", way_name[way],
	    gen - 1, st.probes);
}

int
main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1)
		kprobes = (unsigned)strtoul(argv[1]);
	if (argc > 2)
		nthreads = (unsigned)strtoul(argv[2]);
	if (argc > 3)
		seed = strtoul(argv[3]);
	if (argc > 4)
		patience = (unsigned)strtoul(argv[4]);
	CHECK(nthreads > 0 && nthreads <= MAXTHREADS, "threads");
	probe_init();
	mem = map_anon(2 * NPAGES * PGSZ, PROT_READ | PROT_WRITE);
	for (enum way way = W_REMAP; way < W_COUNT; way++)
		run_way(way);
	CHECK(st.stale == 0, "%u stale accesses, seed %lu", st.stale, seed);
	printf("tlbprobe: %u threads, seed %lu: %lu probes, no stale access\n",
	    nthreads, seed, total);
	return 0;
}
