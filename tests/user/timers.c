/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timers.c: do alarm, setitimer and the timer_create family fire when they
 * should, as often as they should, and count what was missed; and do times and
 * getrusage tell user time from system time?
 */
#include "ulib.h"

enum {
	SYS_getitimer = 36, SYS_alarm = 37, SYS_setitimer = 38,
	SYS_getrusage = 98, SYS_times = 100, SYS_rt_sigtimedwait = 128,
	SYS_rt_sigqueueinfo = 129, SYS_timer_create = 222,
	SYS_timer_settime = 223, SYS_timer_gettime = 224,
	SYS_timer_getoverrun = 225, SYS_timer_delete = 226,
	SIGVTALRM = 26, SIGPROF = 27, SIGRT = 40, EOPNOTSUPP = 95,
};

struct timeval {
	long	s, us;
};
struct timespec {
	long	s, ns;
};
struct sigevent {
	long	value;
	int	signo, notify, tid, pad[11];
};

static volatile int hits[65];
static volatile long seen_value;
static volatile int seen_code, seen_overrun;

static void
handler(int signo, int *info)
{
	hits[signo]++;
	seen_code = info[2];
	seen_overrun = info[5];
	seen_value = *(long *)(info + 6);
}

static void
handle(int signo)
{
	struct sigaction sa = { (void *)handler, 0x04000004,
	    restorer, 0 };

	CHECK(sys4(SYS_rt_sigaction, signo, &sa, 0, 8) == 0, "sigaction");
	hits[signo] = 0;
}

static long
now_ms(int clock)
{
	struct timespec ts;

	CHECK(sys2(SYS_clock_gettime, clock, &ts) == 0, "clock");
	return ts.s * 1000 + ts.ns / 1000000;
}

static void
block(int signo, bool on)
{
	unsigned long set = 1UL << (signo - 1);

	CHECK(sys4(SYS_rt_sigprocmask, on ? 0 : 1, &set, 0, 8) == 0, "mask");
}

static void
alarms(void)
{
	struct timeval tv[2] = { { 0, 0 }, { 0, 30000 } }, old[2];
	long t;

	handle(SIGALRM);
	CHECK(sys1(SYS_alarm, 100) == 0, "no alarm before");
	CHECK(sys1(SYS_alarm, 0) == 100, "what was left");
	t = now_ms(1);
	CHECK(sys3(SYS_setitimer, 0, tv, 0) == 0, "setitimer");
	CHECK(msleep(2000) == -EINTR, "sleep ended by the alarm");
	t = now_ms(1) - t;
	CHECK(hits[SIGALRM] == 1 && t >= 30, "after %ld ms", t);
	CHECK(sys2(SYS_getitimer, 0, old) == 0 && old[1].s == 0 &&
	    old[1].us == 0, "it was once");
	tv[0].us = 10000;
	CHECK(sys3(SYS_setitimer, 0, tv, old) == 0, "interval");
	CHECK(sys2(SYS_getitimer, 0, old) == 0 && old[0].us == 10000 &&
	    (old[1].s | old[1].us) != 0, "it is armed");
	while (hits[SIGALRM] < 4)
		msleep(50);
	CHECK(sys3(SYS_setitimer, 0, 0, old) == 0 && old[0].us == 10000,
	    "off");
	tv[1].us = 1000000;
	CHECK(sys3(SYS_setitimer, 0, tv, 0) == -EINVAL, "microseconds");
	CHECK(sys3(SYS_setitimer, 3, old, 0) == -EINVAL &&
	    sys2(SYS_getitimer, 3, old) == -EINVAL, "which");
	CHECK(sys2(SYS_getitimer, 0, 8) == -EFAULT, "bad pointer");
}

/* A child has none of them, a new program still has: only the first here. */
static int
no_timer(void *arg)
{
	struct timeval old[2];

	(void)arg;
	CHECK(sys2(SYS_getitimer, 0, old) == 0, "getitimer");
	return old[1].s != 0;
}

static void
cpu_timers(void)
{
	struct timeval tv[2] = { { 0, 20000 }, { 0, 20000 } };
	long t;

	handle(SIGVTALRM);
	handle(SIGPROF);
	CHECK(sys3(SYS_setitimer, 1, tv, 0) == 0, "virtual");
	CHECK(sys3(SYS_setitimer, 2, tv, 0) == 0, "prof");
	msleep(60);
	CHECK(hits[SIGVTALRM] == 0, "%d while asleep", hits[SIGVTALRM]);
	t = now_ms(2);
	while (hits[SIGVTALRM] < 3 || hits[SIGPROF] < 3)
		CHECK(now_ms(2) - t < 5000, "virtual %d prof %d",
		    hits[SIGVTALRM], hits[SIGPROF]);
	tv[0].us = tv[1].us = 0;
	sys3(SYS_setitimer, 1, tv, 0);
	sys3(SYS_setitimer, 2, tv, 0);
}

static void
posix_timers(void)
{
	struct sigevent ev = { .value = 0x1234567890, .signo = SIGRT };
	struct timespec its[2] = { { 0, 0 }, { 0, 20000000 } }, got[2];
	int id = -1, id2 = -1, info[32];
	unsigned long set = 1UL << (SIGRT - 1);

	handle(SIGRT);
	CHECK(sys3(SYS_timer_create, 1, &ev, &id) == 0 && id >= 0, "create");
	CHECK(sys4(SYS_timer_settime, id, 0, its, 0) == 0, "settime");
	CHECK(sys2(SYS_timer_gettime, id, got) == 0 && got[1].ns > 0 &&
	    got[1].ns <= 20000000, "left %ld", got[1].ns);
	CHECK(msleep(2000) == -EINTR, "sleep");
	CHECK(hits[SIGRT] == 1 && seen_code == -2 &&
	    seen_value == 0x1234567890, "code %d value %lx", seen_code,
	    seen_value);
	CHECK(sys2(SYS_timer_gettime, id, got) == 0 && got[1].s == 0 &&
	    got[1].ns == 0, "disarmed");
	/* Missed ones are counted in the one signal that is queued. */
	block(SIGRT, true);
	its[0].ns = its[1].ns = 5000000;
	CHECK(sys4(SYS_timer_settime, id, 0, its, 0) == 0, "periodic");
	msleep(120);
	CHECK(sys4(SYS_rt_sigtimedwait, &set, info, 0, 8) == SIGRT, "wait");
	CHECK(info[2] == -2 && info[5] >= 10, "overruns %d", info[5]);
	CHECK(sys1(SYS_timer_getoverrun, id) == info[5], "getoverrun");
	CHECK(sys1(SYS_timer_delete, id) == 0, "delete");
	CHECK(sys1(SYS_timer_delete, id) == -EINVAL, "twice");
	block(SIGRT, false);
	/* By the time of day, absolute. */
	CHECK(sys3(SYS_timer_create, 0, &ev, &id) == 0 &&
	    sys3(SYS_timer_create, 0, 0, &id2) == 0 && id2 != id, "two");
	CHECK(sys2(SYS_clock_gettime, 0, &its[1]) == 0, "time of day");
	its[0].ns = 0;
	hits[SIGRT] = 0;
	CHECK(sys4(SYS_timer_settime, id, 1, its, 0) == 0, "absolute");
	while (hits[SIGRT] == 0)
		msleep(5);
	ev.notify = 1;
	CHECK(sys3(SYS_timer_create, 1, &ev, &id) == 0, "silent");
	ev.notify = 7;
	CHECK(sys3(SYS_timer_create, 1, &ev, &id) == -EINVAL, "notify");
	ev.notify = 0;
	ev.signo = 65;
	CHECK(sys3(SYS_timer_create, 1, &ev, &id) == -EINVAL, "signal");
	CHECK(sys3(SYS_timer_create, 99, 0, &id) == -EINVAL, "clock");
	CHECK(sys3(SYS_timer_create, 1, 0, 8) == -EFAULT, "pointer");
	its[1].ns = 1000000000;
	CHECK(sys4(SYS_timer_settime, id2, 0, its, 0) == -EINVAL, "nsec");
}

static void
thread_timer(void)
{
	struct sigevent ev = { .value = 7, .signo = SIGRT, .notify = 4 };
	struct timespec its[2] = { { 0, 0 }, { 0, 1000000 } };
	int id;

	ev.tid = 1 << 29;
	CHECK(sys3(SYS_timer_create, 1, &ev, &id) == -EINVAL, "no such thread");
	ev.tid = (int)sys0(SYS_gettid);
	CHECK(sys3(SYS_timer_create, 1, &ev, &id) == 0, "thread");
	hits[SIGRT] = 0;
	CHECK(sys4(SYS_timer_settime, id, 0, its, 0) == 0, "settime");
	while (hits[SIGRT] == 0)
		msleep(5);
	CHECK(seen_value == 7, "value %ld", seen_value);
	CHECK(sys1(SYS_timer_delete, id) == 0, "delete");
}

static void
queue(void)
{
	int info[32] = { 0 };
	long me = sys0(SYS_getpid), r;
	int n;

	info[2] = -1;
	*(long *)(info + 6) = 4711;
	CHECK(sys3(SYS_rt_sigqueueinfo, me, SIGRT, info) == 0, "queue");
	CHECK(seen_code == -1 && seen_value == 4711, "value %ld", seen_value);
	info[2] = 0;
	CHECK(sys3(SYS_rt_sigqueueinfo, sys0(SYS_getppid), 0, info) == -EPERM,
	    "a forged kill");
	info[2] = -1;
	CHECK(sys3(SYS_rt_sigqueueinfo, 1 << 29, 0, info) == -ESRCH, "nobody");
	/* There is an end to what is queued; all of it comes. */
	block(SIGRT, true);
	hits[SIGRT] = 0;
	for (n = 0; (r = sys3(SYS_rt_sigqueueinfo, me, SIGRT, info)) == 0; n++)
		if (n == 200000)
			break;
	CHECK(r == -EAGAIN && n > 100, "after %d: %ld", n, r);
	block(SIGRT, false);
	CHECK(hits[SIGRT] >= n, "%d of %d", hits[SIGRT], n);
}

static volatile long sink;

static int
burn(void *arg)
{
	long t = now_ms(2);

	(void)arg;
	while (now_ms(2) - t < 120)
		for (int i = 0; i < 100000; i++)
			sink += i;
	return 0;
}

static void
usage(void)
{
	struct { struct timeval u, s; long x[14]; } a, b;
	long tms[4], t;
	char *p;

	/* The split is a sample: on a busy machine it takes a while. */
	CHECK(sys2(SYS_getrusage, 0, &a) == 0, "rusage");
	t = 0;
	for (int i = 0; i < 20 && t < 40; i++) {
		burn(NULL);
		CHECK(sys2(SYS_getrusage, 0, &b) == 0, "rusage");
		t = (b.u.s - a.u.s) * 1000 + (b.u.us - a.u.us) / 1000;
	}
	CHECK(t >= 40, "user time %ld ms", t);
	t = now_ms(1);
	do {
		for (int i = 0; i < 10000; i++)
			sys1(SYS_close, -1);
		CHECK(sys2(SYS_getrusage, 1, &a) == 0, "thread");
	} while (a.s.s + a.s.us == 0 && now_ms(1) - t < 10000);
	CHECK(a.s.s + a.s.us > 0, "no system time");
	p = map_anon(64 * PGSZ, PROT_READ | PROT_WRITE);
	CHECK(sys2(SYS_getrusage, 0, &a) == 0, "rusage");
	for (int i = 0; i < 64; i++)
		p[(unsigned)i * PGSZ] = 1;
	CHECK(sys2(SYS_getrusage, 0, &b) == 0, "rusage");
	CHECK(b.x[4] - a.x[4] > 0 && b.x[0] > 0, "faults %ld rss %ld",
	    b.x[4] - a.x[4], b.x[0]);
	sys2(SYS_munmap, p, 64 * PGSZ);
	CHECK(run_child(burn, NULL) == 0, "child");
	CHECK(sys2(SYS_getrusage, -1, &b) == 0 &&
	    (b.u.s + b.s.s) * 1000 + (b.u.us + b.s.us) / 1000 >= 100,
	    "children's time %ld, %ld", b.u.us, b.s.us);
	CHECK(sys1(SYS_times, tms) > 0 && tms[0] > 0 && tms[2] + tms[3] >= 8,
	    "times %ld %ld %ld %ld", tms[0], tms[1], tms[2], tms[3]);
	CHECK(sys2(SYS_getrusage, 5, &a) == -EINVAL, "who");
}

int
main(int argc, char **argv, char **envp)
{
	struct timeval tv[2] = { { 0, 0 }, { 100, 0 } };

	(void)argc;
	(void)argv;
	(void)envp;
	alarms();
	CHECK(sys3(SYS_setitimer, 0, tv, 0) == 0, "setitimer");
	CHECK(run_child(no_timer, NULL) == 0, "the child has a timer");
	CHECK(sys1(SYS_alarm, 0) == 100, "and we have ours");
	cpu_timers();
	posix_timers();
	thread_timer();
	queue();
	usage();
	printf("timers: alarm, setitimer, timer_create, sigqueue, usage\n");
	return 0;
}
