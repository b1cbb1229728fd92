/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epolls.c: epolls in epolls: does an event come through all of them, once where
 * edges are wanted; how deep may they be, and can they make no circle?
 */
#include "ulib.h"

enum {
	SYS_epoll_wait = 232, SYS_epoll_ctl = 233, SYS_eventfd2 = 290,
	SYS_epoll_create1 = 291, ADD = 1, DEL = 2, MOD = 3, POLLIN = 1,
	ELOOP = 40, DEEP = 5, WIDE = 30,
};
#define EPOLLET		0x80000000U
#define EPOLLONESHOT	0x40000000U
#define EPOLLEXCLUSIVE	0x10000000U

struct event {
	unsigned	events;
	unsigned long	data;
} __attribute__((__packed__));

static struct event ev[8];

static int
epoll(void)
{
	int fd = (int)sys1(SYS_epoll_create1, 0);

	CHECK(fd >= 0, "epoll: %d", fd);
	return fd;
}

static long
ctl(int ep, int op, int fd, unsigned events)
{
	struct event e = { events, (unsigned long)fd };

	return sys4(SYS_epoll_ctl, ep, op, fd, &e);
}

static void
add(int ep, int fd, unsigned events)
{
	long r = ctl(ep, ADD, fd, events);

	CHECK(r == 0, "add: %ld", r);
}

static int
ready(int ep)
{
	return (int)sys4(SYS_epoll_wait, ep, ev, 8, 0);
}

static int
counter(void)
{
	return (int)sys2(SYS_eventfd2, 0, 04000);
}

static void
hit(int fd)
{
	unsigned long one = 1;

	CHECK(sys3(SYS_write, fd, &one, 8) == 8, "write");
}

static void
drain(int fd)
{
	unsigned long v;

	CHECK(sys3(SYS_read, fd, &v, 8) == 8, "read");
}

/* once: is an edge told, one time? */
static bool
once(int ep)
{
	return ready(ep) == 1 && ready(ep) == 0;
}

static void
closeall(const int *fd, int n)
{
	while (n-- > 0)
		sys1(SYS_close, fd[n]);
}

/* An epoll watched by edges: it has one for each event inside. */
static void
edges(void)
{
	int o = epoll(), e = epoll(), a = counter(), b = counter(), o2;

	add(o, e, POLLIN | EPOLLET);
	CHECK(ready(o) == 0, "nothing is in");
	add(e, a, POLLIN);
	CHECK(ready(o) == 0, "nothing is ready");
	hit(a);
	CHECK(once(o) && ev[0].data == (unsigned long)e &&
	    ev[0].events == POLLIN, "one event");
	hit(a);
	CHECK(once(o), "and another");
	CHECK(ready(e) == 1 && ready(e) == 1 && ready(o) == 0,
	    "inside it is level");
	/* It is over before somebody looks. */
	drain(a);
	CHECK(ready(o) == 0, "drained");
	hit(a);
	drain(a);
	CHECK(ready(o) == 0, "it was");
	hit(a);
	CHECK(once(o), "again");
	/* Ready when it comes in, or is changed; not when it goes out. */
	add(e, b, POLLIN);
	CHECK(ready(o) == 0, "b is not ready");
	hit(b);
	CHECK(once(o), "b is");
	CHECK(ctl(e, DEL, b, 0) == 0 && ready(o) == 0, "b goes");
	add(e, b, POLLIN);
	CHECK(once(o), "b comes ready");
	CHECK(ctl(e, MOD, a, 0) == 0 && ready(e) == 1 && ready(o) == 0,
	    "a wants nothing");
	hit(a);
	CHECK(ready(o) == 0, "and is not heard");
	CHECK(ctl(e, MOD, a, POLLIN) == 0 && once(o), "a is ready again");
	CHECK(ctl(o, MOD, e, POLLIN | EPOLLET) == 0 && once(o),
	    "the outer one looks anew");
	/* Two that watch: an edge for each. */
	o2 = epoll();
	add(o2, e, POLLIN | EPOLLET);
	CHECK(once(o2) && ready(o) == 0, "the second looks");
	hit(b);
	CHECK(once(o2) && once(o), "both are told");
	sys1(SYS_close, b);
	CHECK(ready(o) == 0 && ready(o2) == 0, "closed");
	/* Always ready is one edge. */
	b = (int)sys3(SYS_open, "/dev/random", 0, 0);
	add(o2, b, POLLIN | EPOLLET);
	CHECK(once(o2) && ev[0].data == (unsigned long)b, "random");
	closeall((int[]){ o, e, a, o2, b }, 5);
}

/* Edges and one shots inside. */
static void
inside(void)
{
	int o = epoll(), l = epoll(), e = epoll(), a = counter();

	add(o, e, POLLIN | EPOLLET);
	add(l, e, POLLIN);
	add(e, a, POLLIN | EPOLLET);
	hit(a);
	CHECK(once(o) && ready(l) == 1 && ready(l) == 1, "not taken");
	CHECK(once(e) && ready(l) == 0 && ready(o) == 0, "taken");
	hit(a);
	CHECK(once(o) && ready(l) == 1 && once(e) && ready(l) == 0, "again");
	CHECK(ctl(e, MOD, a, POLLIN | EPOLLONESHOT) == 0 && once(o) &&
	    once(e) && ready(l) == 0, "one shot");
	hit(a);
	CHECK(ready(o) == 0 && ready(l) == 0, "no more");
	CHECK(ctl(e, MOD, a, POLLIN | EPOLLONESHOT) == 0 && once(o) &&
	    ready(l) == 1, "loaded again");
	closeall((int[]){ o, l, e, a }, 4);
}

static struct shared {
	volatile int	round, seen[3];
} *sh;

static void
waiter(int e, int i)
{
	int o = epoll();

	add(o, e, POLLIN | EPOLLET);
	for (;;) {
		CHECK(sys4(SYS_epoll_wait, o, ev, 8, -1) == 1, "wait");
		sh->seen[i] = sh->round;
	}
}

/* Several look at one inner epoll at once: none misses an event. */
static void
together(void)
{
	int e = epoll(), a = counter(), st;
	long pid[3];

	add(e, a, POLLIN);
	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			waiter(e, i);
	}
	for (int r = 1; r <= 300; r++) {
		sh->round = r;
		hit(a);
		for (int i = 0; i < 3; i++)
			while (sh->seen[i] != r)
				sys0(SYS_sched_yield);
	}
	for (int i = 0; i < 3; i++) {
		sys2(SYS_kill, pid[i], SIGKILL);
		CHECK(waitpid(pid[i], &st) == pid[i] &&
		    WTERMSIG(st) == SIGKILL, "waiter: %x", st);
	}
	closeall((int[]){ e, a }, 2);
}

/* What EPOLLEXCLUSIVE does not go with. */
static void
exclusive(void)
{
	const unsigned ex = EPOLLEXCLUSIVE;
	int o = epoll(), e = epoll(), a = counter();

	CHECK(ctl(o, ADD, e, POLLIN | ex) == -EINVAL &&
	    ctl(o, ADD, a, POLLIN | ex | EPOLLONESHOT) == -EINVAL &&
	    ctl(o, ADD, a, POLLIN | ex | 2 /* POLLPRI */) == -EINVAL,
	    "refused");
	add(o, a, POLLIN | ex | EPOLLET);
	CHECK(ctl(o, MOD, a, POLLIN) == -EINVAL, "stays so");
	hit(a);
	CHECK(once(o) && ctl(o, DEL, a, ex) == 0, "an edge");
	add(o, a, POLLIN);
	CHECK(ctl(o, MOD, a, POLLIN | ex) == -EINVAL && ready(o) == 1,
	    "not later");
	closeall((int[]){ o, e, a }, 3);
}

/* chain: n epolls, each in the one before. */
static void
chain(int *ep, int n)
{
	for (int i = 0; i < n; i++) {
		ep[i] = epoll();
		if (i > 0)
			add(ep[i - 1], ep[i], POLLIN);
	}
}

static void
limits(void)
{
	int c[DEEP], d[DEEP], x = epoll(), a = counter(), st;
	struct event e;
	long pid;

	chain(c, DEEP);
	CHECK(ctl(c[DEEP - 1], ADD, x, POLLIN) == -ELOOP, "too deep below");
	CHECK(ctl(x, ADD, c[0], POLLIN) == -ELOOP, "too deep above");
	CHECK(ctl(x, ADD, x, POLLIN) == -EINVAL, "itself");
	for (int i = 0; i < DEEP; i++)
		for (int j = i + 1; j < DEEP; j++)
			CHECK(ctl(c[j], ADD, c[i], POLLIN) == -ELOOP,
			    "a circle: %d, %d", i, j);
	CHECK(ctl(c[0], ADD, c[1], POLLIN) == -EEXIST &&
	    ctl(c[0], MOD, c[2], POLLIN) == -ENOENT, "twice, not at all");
	add(c[0], c[DEEP - 1], POLLIN);		/* by another way */
	CHECK(ctl(c[0], DEL, c[DEEP - 1], 0) == 0, "out");
	/* Joined in the middle: as deep as both together. */
	for (int n = 1; n < DEEP; n++) {
		chain(d, n);
		for (int i = 0; i < DEEP; i++)
			CHECK(ctl(d[n - 1], ADD, c[i], POLLIN) ==
			    (n + DEEP - i <= DEEP ? 0 : -ELOOP),
			    "%d on %d", n, DEEP - i);
		closeall(d, n);
	}
	/* Through all of them. */
	add(c[DEEP - 1], a, POLLIN);
	CHECK(ready(c[0]) == 0, "nothing");
	pid = fork();
	if (pid == 0) {
		msleep(20);
		hit(a);
		exit(0);
	}
	CHECK(sys4(SYS_epoll_wait, c[0], &e, 1, -1) == 1 &&
	    e.data == (unsigned long)c[1], "from the bottom");
	CHECK(waitpid(pid, &st) == pid && st == 0, "child");
	for (int i = 1; i < DEEP; i++)
		CHECK(ctl(c[i - 1], MOD, c[i], POLLIN | EPOLLET) == 0, "MOD");
	CHECK(ready(c[0]) == 1, "edges all the way");
	hit(a);
	CHECK(once(c[0]), "one for one");
	/* Who goes makes room. */
	sys1(SYS_close, c[2]);
	CHECK(ready(c[0]) == 0, "the way is gone");
	add(x, c[0], POLLIN);
	CHECK(ctl(c[1], ADD, c[3], POLLIN) == 0, "not too deep");
	closeall((int[]){ c[0], c[1], c[3], c[4], x, a }, 6);
}

/* Many ways from the top to the bottom; who is killed meanwhile goes. */
static int
mesh(void)
{
	int ep[3][WIDE], top = epoll();

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < WIDE; j++) {
			ep[i][j] = epoll();
			for (int k = 0; i > 0 && k < WIDE; k++)
				add(ep[i][j], ep[i - 1][k], POLLIN);
		}
	for (int j = 0; j < WIDE; j++)
		add(top, ep[2][j], POLLIN);
	CHECK(ready(top) == 0 && ctl(ep[0][0], ADD, top, POLLIN) == -ELOOP,
	    "nothing");
	for (;;)
		(void)ready(top);
}

int
main(int argc, char **argv, char **envp)
{
	long pid;
	int st;

	(void)argc;
	(void)argv;
	(void)envp;
	sh = map_shared(PGSZ);
	edges();
	inside();
	together();
	exclusive();
	limits();
	pid = fork();
	if (pid == 0)
		exit(mesh());
	msleep(300);
	sys2(SYS_kill, pid, SIGKILL);
	CHECK(waitpid(pid, &st) == pid && WTERMSIG(st) == SIGKILL, "mesh: %x",
	    st);
	printf("epolls: ok\n");
	return 0;
}
