/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sigmore.c: the finer points of signals: waiting for them, queueing, one-shot
 * handlers, what interrupts which call, and which thread gets them.
 */
#include "ulib.h"

enum {
	SYS_rt_sigpending = 127, SYS_rt_sigtimedwait = 128,
	SYS_rt_sigsuspend = 130, SYS_tgkill = 234, SYS_ppoll = 271,
	SIGRT = 40,
};

#define BIT(s)		(1UL << ((s) - 1))

struct ts {
	long	s, ns;
};

static volatile int count, last_pid, by_tid;

static void
on_signal(int sig, void *info, void *uc)
{
	(void)sig;
	(void)uc;
	last_pid = ((int *)info)[4];
	by_tid = (int)sys0(SYS_gettid);
	count++;			/* last: it says that the rest is there */
}

static void
handle(int sig, unsigned long flags)
{
	struct sigaction sa = { on_signal, flags | SA_RESTORER | SA_SIGINFO,
	    restorer, 0 };

	CHECK(sys4(SYS_rt_sigaction, sig, &sa, 0, 8) == 0, "sigaction");
}

static void
mask(int how, unsigned long set)
{
	CHECK(sys4(SYS_rt_sigprocmask, how, &set, 0, 8) == 0, "procmask");
}

static long
me(void)
{
	return sys0(SYS_getpid);
}

static void
queueing(void)
{
	unsigned long pend = 0;

	handle(SIGUSR1, 0);
	handle(SIGRT, 0);
	mask(0, BIT(SIGUSR1) | BIT(SIGRT));
	count = 0;
	for (int i = 0; i < 3; i++) {
		sys2(SYS_kill, me(), SIGUSR1);
		sys2(SYS_kill, me(), SIGRT);
	}
	CHECK(sys2(SYS_rt_sigpending, &pend, 8) == 0 &&
	    pend == (BIT(SIGUSR1) | BIT(SIGRT)), "pending %lx", pend);
	CHECK(count == 0, "delivered while blocked");
	mask(1, BIT(SIGUSR1) | BIT(SIGRT));
	CHECK(count == 1 + 3, "%d handlers", count);
	CHECK(last_pid == me(), "sender %d", last_pid);
}

static void
one_shot(void)
{
	struct sigaction old;

	handle(SIGUSR1, SA_RESETHAND);
	count = 0;
	sys2(SYS_kill, me(), SIGUSR1);
	CHECK(count == 1, "%d", count);
	CHECK(sys4(SYS_rt_sigaction, SIGUSR1, 0, &old, 8) == 0 &&
	    old.handler == NULL, "not reset");
	CHECK(sys4(SYS_rt_sigaction, SIGKILL, &old, 0, 8) == -EINVAL &&
	    sys4(SYS_rt_sigaction, 65, &old, 0, 8) == -EINVAL &&
	    sys4(SYS_rt_sigaction, 5, &old, 0, 4) == -EINVAL, "arguments");
}

/* child: signals its parent after a while. */
static long
later(int sig, int times)
{
	struct ts t = { 0, 20000000 };
	long parent = me(), pid = fork();

	if (pid == 0) {
		while (times-- > 0) {
			sys2(SYS_nanosleep, &t, 0);
			sys2(SYS_kill, parent, sig);
		}
		exit(0);
	}
	return pid;
}

static void
suspended(void)
{
	unsigned long none = 0, got = 0;
	int st;
	long pid;

	handle(SIGUSR1, SA_RESTART);
	mask(0, BIT(SIGUSR1));
	count = 0;
	pid = later(SIGUSR1, 1);
	CHECK(sys2(SYS_rt_sigsuspend, &none, 8) == -EINTR && count == 1,
	    "sigsuspend: %d", count);
	CHECK(sys4(SYS_rt_sigprocmask, 0, 0, &got, 8) == 0 &&
	    (got & BIT(SIGUSR1)) != 0, "mask %lx after sigsuspend", got);
	waitpid(pid, &st);
	mask(1, BIT(SIGUSR1));
}

static void
waited(void)
{
	unsigned long set = BIT(SIGUSR1) | BIT(SIGRT);
	struct ts t = { 0, 10000000 }, lng = { 10, 0 };
	int info[32], st;
	long pid;

	mask(0, set);
	CHECK(sys4(SYS_rt_sigtimedwait, &set, info, &t, 8) == -EAGAIN,
	    "time-out");
	sys2(SYS_kill, me(), SIGRT);
	CHECK(sys4(SYS_rt_sigtimedwait, &set, info, &t, 8) == SIGRT &&
	    info[0] == SIGRT && info[4] == me(), "pending one");
	pid = later(SIGUSR1, 1);
	count = 0;
	CHECK(sys4(SYS_rt_sigtimedwait, &set, info, &lng, 8) == SIGUSR1 &&
	    count == 0, "waited for");
	waitpid(pid, &st);
	mask(1, set);
}

/* A signal that is ignored by default is not dropped while it is waited for. */
static void
timedwait_child(void)
{
	unsigned long set = BIT(17);	/* SIGCHLD */
	struct ts brief = { 0, 50000000 }, lng = { 5, 0 };
	int st, info[32];
	long pid;

	mask(0, set);
	pid = fork();
	if (pid == 0) {
		sys2(SYS_nanosleep, &brief, 0);
		exit(0);
	}
	CHECK(sys4(SYS_rt_sigtimedwait, &set, info, &lng, 8) == 17,
	    "SIGCHLD waited for");
	waitpid(pid, &st);
	mask(1, set);
}

static void
interrupts(void)
{
	struct ts t = { 5, 0 }, rem = { 0, 0 };
	int p[2], st;
	char c;
	long pid, r;

	/* A sleep is cut short even with SA_RESTART, and tells what is left. */
	handle(SIGUSR1, SA_RESTART);
	pid = later(SIGUSR1, 1);
	r = sys2(SYS_nanosleep, &t, &rem);
	CHECK(r == -EINTR && rem.s == 4 && rem.ns > 0, "sleep %ld, rem %ld",
	    r, rem.s);
	waitpid(pid, &st);
	/* A read goes on with it and ends without it. */
	sys1(SYS_pipe, p);
	handle(SIGUSR1, 0);
	pid = later(SIGUSR1, 1);
	CHECK(sys3(SYS_read, p[0], &c, 1) == -EINTR, "read without restart");
	waitpid(pid, &st);
	handle(SIGUSR1, SA_RESTART);
	count = 0;
	pid = fork();
	if (pid == 0) {
		struct ts w = { 0, 20000000 };

		for (int i = 0; i < 3; i++) {
			sys2(SYS_nanosleep, &w, 0);
			sys2(SYS_kill, sys0(SYS_getppid), SIGUSR1);
		}
		sys2(SYS_nanosleep, &w, 0);
		sys3(SYS_write, p[1], "y", 1);
		exit(0);
	}
	CHECK(sys3(SYS_read, p[0], &c, 1) == 1 && c == 'y' && count == 3,
	    "read with restart: %d signals", count);
	CHECK(sys4(SYS_wait4, pid, &st, 0, 0) == pid, "wait");
	sys1(SYS_close, p[0]);
	sys1(SYS_close, p[1]);
}

static volatile int ready, stop;

static void
spinner(void *arg)
{
	(void)arg;
	ready = (int)sys0(SYS_gettid);
	while (!stop)
		sys0(SYS_sched_yield);
}

static void
threads(void)
{
	struct uthread t;

	handle(SIGUSR1, 0);
	ready = stop = count = 0;
	CHECK(thread_start(&t, spinner, NULL) == 0, "thread");
	while (ready == 0)
		sys0(SYS_sched_yield);
	CHECK(sys3(SYS_tgkill, me(), ready, SIGUSR1) == 0, "tgkill");
	while (count == 0)
		sys0(SYS_sched_yield);
	CHECK(by_tid == ready, "thread %d, not %d, got it", by_tid, ready);
	/* Blocked here, so the other thread takes the process's signal. */
	mask(0, BIT(SIGUSR1));
	count = 0;
	sys2(SYS_kill, me(), SIGUSR1);
	while (count == 0)
		sys0(SYS_sched_yield);
	CHECK(by_tid == ready, "a blocked thread got it");
	CHECK(sys3(SYS_tgkill, me(), 1, 0) == -ESRCH &&
	    sys3(SYS_tgkill, 0, ready, 0) == -EINVAL, "arguments");
	stop = 1;
	thread_join(&t);
	mask(1, BIT(SIGUSR1));
}

/* ---- the alternate stack while a handler runs ---- */

struct stack {
	uint64_t	sp;
	unsigned	flags, pad;
	uint64_t	size;
};
#define SS_DISABLE	2U
#define SS_AUTODISARM	0x80000000U

static struct stack saved, inside, other_stack;
static uint64_t handler_sp;

static void
on_stack(int sig, void *info, void *uc)
{
	char here;

	(void)sig;
	(void)info;
	handler_sp = (uint64_t)&here;
	saved = *(struct stack *)((uint64_t *)uc + 2);
	sys2(SYS_sigaltstack, 0, &inside);
	if (other_stack.sp != 0)
		sys2(SYS_sigaltstack, &other_stack, 0);
}

static bool
within(const struct stack *s, uint64_t sp)
{
	return sp - s->sp < s->size;
}

static void
stacks(void)
{
	struct sigaction sa = { on_stack, SA_RESTORER | SA_SIGINFO,
	    restorer, 0 };
	struct stack s = { .size = 4 * PGSZ }, now;

	s.sp = (uint64_t)map_anon(s.size, PROT_READ | PROT_WRITE);
	other_stack = (struct stack){ .sp = (uint64_t)map_anon(s.size,
	    PROT_READ | PROT_WRITE), .size = s.size };
	CHECK(sys2(SYS_sigaltstack, &s, 0) == 0, "sigaltstack");
	/* Not on it; the handler takes another, which is gone afterwards. */
	CHECK(sys4(SYS_rt_sigaction, SIGUSR1, &sa, 0, 8) == 0, "sigaction");
	sys2(SYS_kill, me(), SIGUSR1);
	CHECK(!within(&s, handler_sp) && saved.sp == s.sp &&
	    saved.size == s.size, "uc_stack %lx", saved.sp);
	CHECK(sys2(SYS_sigaltstack, 0, &now) == 0 && now.sp == s.sp &&
	    now.flags == 0, "after: %lx, %x", now.sp, now.flags);
	/* On one that is away meanwhile. */
	other_stack.sp = 0;
	s.flags = SS_AUTODISARM;
	sa.flags |= SA_ONSTACK;
	CHECK(sys2(SYS_sigaltstack, &s, 0) == 0 &&
	    sys4(SYS_rt_sigaction, SIGUSR1, &sa, 0, 8) == 0, "disarming");
	sys2(SYS_kill, me(), SIGUSR1);
	CHECK(within(&s, handler_sp) && saved.sp == s.sp &&
	    saved.flags == SS_AUTODISARM && inside.sp == 0 &&
	    inside.flags == SS_DISABLE, "inside: %lx, %x; saved %x", inside.sp,
	    inside.flags, saved.flags);
	CHECK(sys2(SYS_sigaltstack, 0, &now) == 0 && now.sp == s.sp &&
	    now.flags == SS_AUTODISARM, "after: %lx, %x", now.sp, now.flags);
	s.flags = 4;
	CHECK(sys2(SYS_sigaltstack, &s, 0) == -EINVAL, "bad flags");
	s.flags = SS_DISABLE;
	CHECK(sys2(SYS_sigaltstack, &s, 0) == 0, "off");
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	queueing();
	one_shot();
	suspended();
	waited();
	timedwait_child();
	interrupts();
	threads();
	stacks();
	printf("sigmore: queues, waits, interrupted calls, threads, stacks\n");
	return 0;
}
