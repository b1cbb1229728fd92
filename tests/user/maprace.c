/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maprace.c: does memory stay what it is while threads of one process map,
 * unmap, protect, zap and fork the pages that others use, by their own
 * accesses and by system calls?
 *
 * maprace [changes] [mappers] [users] [seed]: every word written carries the
 * number of its page.  So whatever a load, or a write to a pipe, finds in a
 * page is zero or carries the page's number; an access works or faults; a call
 * moves bytes or answers EFAULT.
 */
#include "uprobe.h"

#define NPAGES		32
#define WORDS		(PGSZ / 8)
#define CHECKED		(WORDS - 4)	/* the last ones are clock_gettime's */
#define MAXTHREADS	8
#define MAXMOVE		8192U
#define O_NONBLOCK	04000

static volatile uint64_t *mem;
static unsigned changes = 3000, nmappers = 2, nusers = 3;
static uint64_t seed = 1;
static volatile unsigned made, stop;
static volatile unsigned long loads, stores, faults, moved, refused;

static uint64_t
tag(unsigned page, uint64_t r)
{
	return ((uint64_t)(page + 1) << 48) | (r >> 16);
}

static void
check_value(const char *who, unsigned word, uint64_t v)
{
	if (word % WORDS < CHECKED)
		CHECK(v == 0 || v >> 48 == word / WORDS + 1,
		    "%s: word %lu of page %lu is %lx, seed %lu", who,
		    word % WORDS, word / WORDS, v, seed);
}

#define add(counter, n)	__atomic_fetch_add(&(counter), n, __ATOMIC_RELAXED)

/* ---- the users ---- */

/* One of them: its pipe, its numbers, its buffer. */
struct user {
	uint64_t	r;
	int		fd[2];
	uint64_t	buf[MAXMOVE / 8];
};

static struct user users[MAXTHREADS];

static void
touch(struct user *u)
{
	unsigned word = (unsigned)(rnd(&u->r) % (NPAGES * WORDS));
	uint64_t v;
	bool ok;

	if (rnd(&u->r) % 2 == 0) {
		ok = probe_store(mem + word, tag(word / WORDS, u->r));
		add(stores, ok);
	} else {
		ok = probe_load(mem + word, &v);
		if (ok)
			check_value("load", word, v);
		add(loads, ok);
	}
	add(faults, !ok);
}

/* drain: take what is left in the pipe. */
static void
drain(struct user *u)
{
	while (sys3(SYS_read, u->fd[0], u->buf, MAXMOVE) > 0)
		;
}

static void
account(const char *what, long n, unsigned len)
{
	CHECK((n > 0 && n <= (long)len) || n == -EFAULT,
	    "%s of %u: %ld, seed %lu", what, len, n, seed);
	if (n > 0)
		add(moved, (unsigned long)n);
	else
		add(refused, 1);
}

/* From the pages to the pipe, and from there to the buffer to be looked at. */
static void
copy_in(struct user *u)
{
	unsigned len = 8 + 8 * (unsigned)(rnd(&u->r) % (MAXMOVE / 8));
	unsigned word = (unsigned)(rnd(&u->r) % (NPAGES * WORDS - len / 8));
	long n = sys3(SYS_write, u->fd[1], mem + word, len), got;

	account("write", n, len);
	if (n <= 0)
		return;
	got = sys3(SYS_read, u->fd[0], u->buf, n);
	CHECK(got == n, "read %ld of %ld", got, n);
	for (unsigned i = 0; i < n / 8; i++)
		check_value("write", word + i, u->buf[i]);
	drain(u);
}

static void
copy_out(struct user *u)
{
	unsigned len = 8 + 8 * (unsigned)(rnd(&u->r) % (MAXMOVE / 8));
	unsigned word = (unsigned)(rnd(&u->r) % (NPAGES * WORDS - len / 8));

	for (unsigned i = 0; i < len / 8; i++)
		u->buf[i] = tag((word + i) / WORDS, u->r);
	CHECK(sys3(SYS_write, u->fd[1], u->buf, len) == len, "pipe");
	account("read", sys3(SYS_read, u->fd[0], mem + word, len), len);
	drain(u);
}

static void
clock(struct user *u)
{
	unsigned page = (unsigned)(rnd(&u->r) % NPAGES);
	long n = sys2(SYS_clock_gettime, 1, mem + page * WORDS + CHECKED + 1);

	CHECK(n == 0 || n == -EFAULT, "clock_gettime: %ld", n);
}

static void
use(void *arg)
{
	struct user *u = arg;

	while (!stop) {
		switch (rnd(&u->r) % 8) {
		case 0:
			copy_in(u);
			break;
		case 1:
			copy_out(u);
			break;
		case 2:
			clock(u);
			break;
		default:
			touch(u);
			break;
		}
	}
}

/* ---- the mappers ---- */

static int
child_looks(void *arg)
{
	uint64_t v;

	(void)arg;
	for (unsigned word = 0; word < NPAGES * WORDS; word += 61)
		if (probe_load(mem + word, &v))
			check_value("child", word, v);
	for (unsigned page = 0; page < NPAGES; page++)
		(void)probe_store(mem + page * WORDS, tag(page, 1));
	return 0;
}

static long
change(uint64_t *r)
{
	static const int prots[] = { PROT_NONE, PROT_READ,
	    PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE };
	unsigned first = (unsigned)(rnd(r) % NPAGES);
	unsigned n = 1 + (unsigned)(rnd(r) % 8);
	long at = (long)(mem + first * WORDS), len;

	n = n < NPAGES - first ? n : NPAGES - first;
	len = (long)(n * PGSZ);
	switch (rnd(r) % 16) {
	case 0:
	case 1:
	case 2:
		return sys2(SYS_munmap, at, len);
	case 3:
	case 4:
	case 5:
		return sys3(SYS_mprotect, at, len, prots[rnd(r) % 4]);
	case 6:
	case 7:
		return sys3(SYS_madvise, at, len, MADV_DONTNEED);
	case 8:
		return rnd(r) % 4 != 0 ? 0 : -run_child(child_looks, NULL);
	default:
		return sys6(SYS_mmap, at, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) == at ? 0 : -1;
	}
}

static void
mapper(void *arg)
{
	uint64_t r = seed * 31 + 7 * (uint64_t)arg + 1;
	long error;

	while (add(made, 1) < changes) {
		error = change(&r);
		CHECK(error == 0 || error == -ENOMEM, "change: %ld, seed %lu",
		    error, seed);
		/* On one CPU the users would see whole slices only. */
		if (rnd(&r) % 4 == 0)
			sys0(SYS_sched_yield);
	}
	stop = 1;
}

static void
race(void)
{
	struct uthread t[2 * MAXTHREADS];
	unsigned n = 0, i;

	for (i = 0; i < nusers; i++) {
		users[i].r = seed * 101 + i + 1;
		CHECK(sys2(SYS_pipe2, users[i].fd, O_NONBLOCK) == 0, "pipe");
		CHECK(thread_start(&t[n++], use, &users[i]) == 0, "clone");
	}
	for (i = 0; i < nmappers; i++)
		CHECK(thread_start(&t[n++], mapper, (void *)(long)i) == 0,
		    "clone");
	while (n > 0)
		thread_join(&t[--n]);
}

int
main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1)
		changes = (unsigned)strtoul(argv[1]);
	if (argc > 2)
		nmappers = (unsigned)strtoul(argv[2]);
	if (argc > 3)
		nusers = (unsigned)strtoul(argv[3]);
	if (argc > 4)
		seed = strtoul(argv[4]);
	CHECK(nmappers > 0 && nmappers <= MAXTHREADS && nusers <= MAXTHREADS,
	    "arguments");
	probe_init();
	mem = map_anon(NPAGES * PGSZ, PROT_READ | PROT_WRITE);
	race();
	printf("maprace: %u changes, seed %lu: %lu loads, %lu stores, %lu "
	    "faults; %lu bytes moved, %lu refused\n", changes, seed, loads,
	    stores, faults, moved, refused);
	CHECK(loads > 0 && faults > 0 && moved > 0 && refused > 0,
	    "nothing raced");
	return 0;
}
