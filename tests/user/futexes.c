/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futexes.c: do waits compare, time out, wake across processes, requeue, and
 * does a dying thread keep its promises (CLEARTID, robust list)?
 */
#include "ulib.h"

enum {
	SYS_set_robust_list = 273, WAIT = 0, WAKE = 1, REQUEUE = 3,
	CMP_REQUEUE = 4, WAIT_BITSET = 9, WAKE_BITSET = 10, PRIVATE = 128,
	ETIMEDOUT = 110,
};

struct ts {
	long	s, ns;
};

static long
futex(volatile int *p, int op, int val, const void *ts, volatile int *p2,
    int val3)
{
	return sys6(SYS_futex, (long)p, op, val, (long)ts, (long)p2, val3);
}

static long
now(void)
{
	struct ts t;

	sys2(SYS_clock_gettime, 1, &t);
	return t.s * 1000000000 + t.ns;
}

static void
arguments(void)
{
	volatile int w = 5;
	struct ts t = { 0, 20000000 };
	long start;

	CHECK(futex(&w, WAIT, 4, 0, 0, 0) == -EAGAIN, "other value");
	CHECK(futex((void *)((char *)&w + 1), WAIT, 5, 0, 0, 0) == -EINVAL,
	    "odd address");
	CHECK(futex((void *)8, WAIT, 5, 0, 0, 0) == -EFAULT, "bad address");
	CHECK(futex(&w, WAIT, 5, (void *)8, 0, 0) == -EFAULT, "bad time");
	CHECK(futex(&w, WAIT_BITSET, 5, 0, 0, 0) == -EINVAL, "no bits");
	CHECK(futex(&w, WAKE | PRIVATE, 1, 0, 0, 0) == 0, "nobody");
	start = now();
	CHECK(futex(&w, WAIT | PRIVATE, 5, &t, 0, 0) == -ETIMEDOUT &&
	    now() - start >= t.ns, "time-out after %ld", now() - start);
	start = now() + 20000000;
	t.s = start / 1000000000;
	t.ns = start % 1000000000;
	CHECK(futex(&w, WAIT_BITSET, 5, &t, 0, -1) == -ETIMEDOUT &&
	    now() >= start, "absolute time-out");
}

static volatile int word[2], woken;

static void
waiter(void *arg)
{
	long r = futex(&word[0], WAIT | PRIVATE, 0, 0, 0, 0);

	(void)arg;
	CHECK(r == 0, "wait: %ld", r);
	__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
}

static void
settle(int want)
{
	struct ts t = { 0, 1000000 };

	for (int i = 0; woken != want && i < 2000; i++)
		sys2(SYS_nanosleep, &t, 0);
	CHECK(woken == want, "%d woken, not %d", woken, want);
}

static void
requeue(void)
{
	struct ts t = { 0, 30000000 };
	struct uthread th[4];
	int two = 0;

	word[0] = word[1] = woken = 0;
	for (int i = 0; i < 4; i++)
		CHECK(thread_start(&th[i], waiter, NULL) == 0, "thread");
	sys2(SYS_nanosleep, &t, 0);
	CHECK(futex(&word[0], CMP_REQUEUE | PRIVATE, 1, (void *)10L, &word[1],
	    99) == -EAGAIN, "value changed");
	CHECK(futex(&word[0], CMP_REQUEUE | PRIVATE, 1, (void *)2L, &word[1],
	    0) == 3, "one woken, two moved");
	settle(1);
	CHECK(futex(&word[0], WAKE | PRIVATE, 10, 0, 0, 0) == 1, "one left");
	settle(2);
	while (two < 2)
		two += (int)futex(&word[1], WAKE | PRIVATE, 10, 0, 0, 0);
	settle(4);
	for (int i = 0; i < 4; i++)
		thread_join(&th[i]);
}

/* wake_op: op 0 set, 1 add, 2 or, 3 and not, 4 xor; cmp 0 eq ... 5 ge. */
static int
encode(unsigned op, unsigned arg, unsigned cmp, unsigned with)
{
	return (int)(op << 28 | (arg & 0xfff) << 12 | cmp << 24 |
	    (with & 0xfff));
}

static void
wake_op(void)
{
	struct ts t = { 0, 30000000 };
	struct uthread th;

	word[1] = 10;
	CHECK(futex(&word[0], 5 | PRIVATE, 1, (void *)1L, &word[1],
	    encode(1, 5, 0, 10)) == 0 && word[1] == 15, "add: %d", word[1]);
	CHECK(futex(&word[0], 5 | PRIVATE, 1, 0, &word[1],
	    encode(1, (unsigned)-20, 0, 0)) == 0 && word[1] == -5,
	    "add a negative: %d", word[1]);
	CHECK(futex(&word[0], 5 | PRIVATE, 1, 0, &word[1],
	    encode(0, 0xf0, 0, 0)) == 0 && futex(&word[0], 5 | PRIVATE, 1, 0,
	    &word[1], encode(3, 0x30, 0, 0)) == 0 && word[1] == 0xc0,
	    "and not: %x", word[1]);
	CHECK(futex(&word[0], 5 | PRIVATE, 1, 0, &word[1],
	    encode(2 | 8, 3, 0, 0)) == 0 && word[1] == 0xc8, "or a bit: %x",
	    word[1]);
	CHECK(futex(&word[0], 5 | PRIVATE, 1, 0, &word[1], encode(5, 0, 0, 0))
	    == -ENOSYS, "no such operation");
	CHECK(futex(&word[0], 5 | PRIVATE, 1, 0, (void *)8,
	    encode(0, 0, 0, 0)) == -EFAULT, "bad address");
	/* The second is woken only when the comparison holds. */
	word[0] = woken = 0;
	CHECK(thread_start(&th, waiter, NULL) == 0, "thread");
	sys2(SYS_nanosleep, &t, 0);
	CHECK(futex(&word[1], 5 | PRIVATE, 1, (void *)1L, &word[0],
	    encode(2, 0, 1, 0)) == 0, "does not compare");
	/* It may not sleep yet. */
	for (int i = 0; i < 2000 && woken == 0; i++) {
		futex(&word[1], 5 | PRIVATE, 1, (void *)1L, &word[0],
		    encode(2, 0, 5, (unsigned)-1));
		sys2(SYS_nanosleep, &t, 0);
	}
	settle(1);
	thread_join(&th);
}

/* A shared word at different addresses is one word. */
static void
between_processes(void)
{
	volatile int *p = map_shared(PGSZ);
	int st;
	long pid = fork(), r;

	if (pid == 0) {
		volatile int *q = p;

		r = futex(q, WAIT, 0, 0, 0, 0);
		exit(r == 0 || r == -EAGAIN ? 0 : 1);
	}
	struct ts t = { 0, 10000000 };
	sys2(SYS_nanosleep, &t, 0);
	*p = 1;
	futex(p, WAKE, 1, 0, 0, 0);
	CHECK(waitpid(pid, &st) == pid && st == 0, "child: %x", st);
	sys2(SYS_munmap, p, PGSZ);
}

static struct {
	void	*next;
	long	 offset;
	void	*pending;
} head;
static struct {
	void		*next;
	volatile int	 lock;
} held;

static void
dies_holding(void *arg)
{
	(void)arg;
	head.next = &held;
	head.offset = (char *)&held.lock - (char *)&held;
	held.next = &head;
	held.lock = (int)sys0(SYS_gettid) | (int)0x80000000;
	CHECK(sys2(SYS_set_robust_list, &head, 24) == 0, "set_robust_list");
}

static void
robust(void)
{
	struct uthread th;

	CHECK(sys2(SYS_set_robust_list, &head, 23) == -EINVAL, "odd size");
	CHECK(thread_start(&th, dies_holding, NULL) == 0, "thread");
	thread_join(&th);
	CHECK((unsigned)held.lock == 0xc0000000, "lock word %x", held.lock);
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	arguments();
	requeue();
	wake_op();
	between_processes();
	robust();
	printf("futexes: values, times, requeue, operations, processes, robust list\n");
	return 0;
}
