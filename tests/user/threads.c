/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threads.c: do threads share memory, wait on futexes without losing a wakeup,
 * and does the process end whole when one of them exits it or faults?
 */
#include "ulib.h"

#define NTHREADS	4
#define ROUNDS		2000

static volatile int lock;	/* 0 free, 1 held, 2 held with waiters */
static volatile long counter;

static void
lock_take(void)
{
	int c = 0;

	if (__atomic_compare_exchange_n(&lock, &c, 1, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST))
		return;
	while (__atomic_exchange_n(&lock, 2, __ATOMIC_SEQ_CST) != 0)
		sys4(SYS_futex, &lock, 128, 2, 0);
}

static void
lock_drop(void)
{
	if (__atomic_exchange_n(&lock, 0, __ATOMIC_SEQ_CST) == 2)
		sys3(SYS_futex, &lock, 129, 1);
}

static void
count(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		lock_take();
		counter++;
		if (i % 16 == 0)
			sys0(SYS_sched_yield);
		lock_drop();
	}
}

static void
mapper(void *arg)
{
	long seed = (long)arg;

	for (int i = 0; i < 200; i++) {
		long *p = map_anon(4 * PGSZ, PROT_READ | PROT_WRITE);

		for (int k = 0; k < 4; k++)
			p[k * 512] = seed * 1000 + i + k;
		for (int k = 0; k < 4; k++)
			CHECK(p[k * 512] == seed * 1000 + i + k, "page %d", k);
		CHECK(sys2(SYS_munmap, p, 4 * PGSZ) == 0, "munmap");
	}
}

static void
sleeper(void *arg)
{
	static volatile int never;

	(void)arg;
	sys4(SYS_futex, &never, 0, 0, 0);
}

static void
faulter(void *arg)
{
	(void)arg;
	*(volatile int *)16 = 1;
}

static void
run(void (*fn)(void *))
{
	struct uthread t[NTHREADS];

	for (long i = 0; i < NTHREADS; i++)
		CHECK(thread_start(&t[i], fn, (void *)i) == 0, "clone");
	for (int i = 0; i < NTHREADS; i++)
		thread_join(&t[i]);
}

static int
exit_group_child(void *arg)
{
	static struct uthread t[NTHREADS];

	for (int i = 0; i < NTHREADS; i++)
		CHECK(thread_start(&t[i], arg != NULL && i == 3 ? faulter :
		    sleeper, NULL) == 0, "clone");
	if (arg != NULL)
		sleeper(NULL);
	return 7;
}

int
main(int argc, char **argv, char **envp)
{
	long ts[2] = { 0, 20000000 }, r;
	int word = 5, status;

	(void)argc;
	(void)argv;
	(void)envp;
	run(count);
	CHECK(counter == NTHREADS * ROUNDS, "counter %ld", counter);
	run(mapper);
	r = sys4(SYS_futex, &word, 0, 5, ts);
	CHECK(r == -110, "futex timeout: %ld", r);
	r = sys4(SYS_futex, &word, 0, 6, ts);
	CHECK(r == -EAGAIN, "futex value: %ld", r);
	status = run_child(exit_group_child, NULL);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7, "exit_group: %x",
	    status);
	status = run_child(exit_group_child, &word);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	    "fault in a thread: %x", status);
	printf("threads: %d counted to %ld\n", NTHREADS, counter);
	return 0;
}
