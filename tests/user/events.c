/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events.c: do eventfd, epoll and AF_UNIX streams wake who waits for them, and
 * does the end of one side reach the other?  Everything happens in
 * /tmp/events, which is removed again.
 */
#include "ulib.h"

enum {
	SYS_poll = 7, SYS_socket = 41, SYS_connect = 42, SYS_accept = 43,
	SYS_sendto = 44, SYS_recvfrom = 45, SYS_sendmsg = 46,
	SYS_recvmsg = 47, SYS_shutdown = 48, SYS_bind = 49, SYS_listen = 50,
	SYS_getsockname = 51, SYS_getpeername = 52, SYS_socketpair = 53,
	SYS_getsockopt = 55, SYS_chdir = 80, SYS_mkdir = 83, SYS_rmdir = 84,
	SYS_unlink = 87, SYS_epoll_wait = 232, SYS_epoll_ctl = 233,
	SYS_epoll_pwait = 281, SYS_accept4 = 288, SYS_eventfd2 = 290,
	SYS_epoll_create1 = 291,
};
#define O_NONBLOCK	04000
#define O_CLOEXEC	02000000
#define ELOOP		40
#define EPROTO		93
#define ENOTSOCK	88
#define EAFNOSUPPORT	97
#define EADDRINUSE	98
#define EISCONN		106
#define ENOTCONN	107
#define ECONNREFUSED	111
#define POLLIN		1
#define POLLOUT		4
#define POLLHUP		0x10
#define MSG_NOSIGNAL	0x4000

struct event {
	unsigned	events;
	unsigned long	data;
} __attribute__((__packed__));
struct sockaddr {
	unsigned short	family;
	char		path[108];
};
struct pollfd {
	int	fd;
	short	events, revents;
};

static char buf[200000];

static void
counters(void)
{
	int fd = (int)sys2(SYS_eventfd2, 3, O_NONBLOCK), sem;
	struct pollfd p;
	unsigned long v;

	CHECK(fd >= 0, "eventfd: %d", fd);
	CHECK(sys3(SYS_read, fd, &v, 8) == 8 && v == 3 &&
	    sys3(SYS_read, fd, &v, 8) == -EAGAIN, "read takes all");
	v = 5;
	CHECK(sys3(SYS_write, fd, &v, 8) == 8 &&
	    sys3(SYS_write, fd, &v, 8) == 8 &&
	    sys3(SYS_read, fd, &v, 8) == 8 && v == 10, "writes add");
	v = ~0UL;
	CHECK(sys3(SYS_write, fd, &v, 8) == -EINVAL, "too large");
	v = ~0UL - 1;
	CHECK(sys3(SYS_write, fd, &v, 8) == 8, "full");
	v = 1;
	CHECK(sys3(SYS_write, fd, &v, 8) == -EAGAIN, "over");
	p = (struct pollfd){ fd, POLLIN | POLLOUT, 0 };
	CHECK(sys3(SYS_poll, &p, 1, 0) == 1 && p.revents == POLLIN, "poll");
	CHECK(sys3(SYS_read, fd, &v, 4) == -EINVAL, "short read");
	sem = (int)sys2(SYS_eventfd2, 2, 1);
	CHECK(sys3(SYS_read, sem, &v, 8) == 8 && v == 1 &&
	    sys3(SYS_read, sem, &v, 8) == 8 && v == 1, "semaphore");
	CHECK(sys2(SYS_eventfd2, 0, 2) == -EINVAL, "flags");
	sys1(SYS_close, sem);
	sys1(SYS_close, fd);
}

static long
ctl(int ep, int op, int fd, unsigned events, unsigned long data)
{
	struct event ev = { events, data };

	return sys4(SYS_epoll_ctl, ep, op, fd, &ev);
}

static void
sets(void)
{
	int ep = (int)sys1(SYS_epoll_create1, O_CLOEXEC), fds[2], ep2, fd;
	struct event ev[4];
	long pid;
	int st;

	CHECK(ep >= 0 && sys1(SYS_pipe, fds) == 0, "make");
	CHECK(ctl(ep, 1, fds[0], POLLIN, 77) == 0 &&
	    ctl(ep, 1, fds[1], POLLOUT, 88) == 0, "add");
	CHECK(ctl(ep, 1, fds[0], POLLIN, 1) == -EEXIST &&
	    ctl(ep, 1, ep, POLLIN, 1) == -EINVAL &&
	    ctl(ep, 1, 99, POLLIN, 1) == -EBADF &&
	    ctl(fds[0], 1, fds[1], POLLIN, 1) == -EINVAL, "refused");
	fd = (int)sys3(SYS_open, "f", 0102, 0600);
	CHECK(ctl(ep, 1, fd, POLLIN, 1) == -EPERM, "plain file");
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "f");
	CHECK(sys4(SYS_epoll_wait, ep, ev, 4, -1) == 1 && ev[0].data == 88 &&
	    ev[0].events == POLLOUT, "writable");
	CHECK(ctl(ep, 2, fds[1], 0, 0) == 0 &&
	    ctl(ep, 3, fds[1], 0, 0) == -ENOENT &&
	    sys4(SYS_epoll_wait, ep, ev, 4, 20) == 0, "time out");
	pid = fork();
	if (pid == 0) {
		long ts[2] = { 0, 30000000 };

		sys2(SYS_nanosleep, ts, 0);
		exit(sys3(SYS_write, fds[1], "x", 1) == 1 ? 0 : 1);
	}
	CHECK(sys4(SYS_epoll_wait, ep, ev, 4, -1) == 1 && ev[0].data == 77,
	    "woken");
	waitpid(pid, &st);
	CHECK(ctl(ep, 3, fds[0], POLLIN | 0x40000000U, 99) == 0 &&
	    sys4(SYS_epoll_wait, ep, ev, 4, 0) == 1 && ev[0].data == 99 &&
	    sys4(SYS_epoll_wait, ep, ev, 4, 0) == 0, "one shot");
	CHECK(ctl(ep, 3, fds[0], POLLIN, 5) == 0, "again");
	ep2 = (int)sys1(SYS_epoll_create1, 0);
	CHECK(ctl(ep2, 1, ep, POLLIN, 6) == 0 &&
	    sys4(SYS_epoll_wait, ep2, ev, 4, 0) == 1 && ev[0].data == 6,
	    "an epoll in an epoll");
	CHECK(ctl(ep, 1, ep2, POLLIN, 6) == -ELOOP, "a circle");
	CHECK(sys6(SYS_epoll_pwait, ep, (long)ev, 4, 0, 0, 8) == 1, "pwait");
	sys1(SYS_close, fds[0]);
	sys1(SYS_close, fds[1]);
	CHECK(sys4(SYS_epoll_wait, ep, ev, 4, 0) == 0, "closed files leave");
	CHECK(sys4(SYS_epoll_wait, ep, ev, 0, 0) == -EINVAL &&
	    sys4(SYS_epoll_wait, 0, ev, 1, 0) == -EINVAL, "bad arguments");
	sys1(SYS_close, ep);
	sys1(SYS_close, ep2);
}

/* ready: how many wait tells at once, of up to max. */
static int
ready(int ep, struct event *ev, int max)
{
	return (int)sys4(SYS_epoll_wait, ep, ev, max, 0);
}

#define EPOLLET		0x80000000U
#define EPOLLONESHOT	0x40000000U
#define EPOLLRDHUP	0x2000U

/* Told once for each event, not for as long as it is so. */
static void
edges(void)
{
	int ep = (int)sys1(SYS_epoll_create1, 0), fds[2], fd, s[2];
	unsigned long one = 1;
	struct event ev[4];

	CHECK(sys2(SYS_pipe2, fds, O_NONBLOCK) == 0 &&
	    ctl(ep, 1, fds[0], POLLIN | EPOLLET, 1) == 0, "a pipe");
	CHECK(ready(ep, ev, 4) == 0 && sys3(SYS_write, fds[1], "ab", 2) == 2 &&
	    ready(ep, ev, 4) == 1 && ready(ep, ev, 4) == 0, "one edge");
	CHECK(sys3(SYS_read, fds[0], buf, 1) == 1 && ready(ep, ev, 4) == 0 &&
	    sys3(SYS_write, fds[1], "c", 1) == 1 && ready(ep, ev, 4) == 1 &&
	    ready(ep, ev, 4) == 0, "another one");
	CHECK(ctl(ep, 3, fds[0], POLLIN | EPOLLET, 1) == 0 &&
	    ready(ep, ev, 4) == 1 && ready(ep, ev, 4) == 0, "MOD looks anew");
	CHECK(sys3(SYS_write, fds[1], "d", 1) == 1 &&
	    sys3(SYS_read, fds[0], buf, 9) == 3 && ready(ep, ev, 4) == 0,
	    "it is over already");
	CHECK(ctl(ep, 1, fds[1], POLLOUT | EPOLLET, 2) == 0 &&
	    ready(ep, ev, 4) == 1 && ready(ep, ev, 4) == 0, "room");
	while (sys3(SYS_write, fds[1], buf, PGSZ) > 0)
		;
	CHECK(ready(ep, ev, 4) == 1 && ev[0].data == 1 &&
	    ready(ep, ev, 4) == 0, "full");
	while (sys3(SYS_read, fds[0], buf, PGSZ) > 0)
		;
	CHECK(ready(ep, ev, 4) == 1 && ev[0].data == 2 &&
	    ready(ep, ev, 4) == 0, "room again");
	sys1(SYS_close, fds[1]);
	CHECK(ready(ep, ev, 4) == 1 && ev[0].events == POLLHUP &&
	    ready(ep, ev, 4) == 0, "the end");
	sys1(SYS_close, fds[0]);
	fd = (int)sys2(SYS_eventfd2, 0, O_NONBLOCK);
	CHECK(ctl(ep, 1, fd, POLLIN | EPOLLET, 3) == 0 &&
	    ready(ep, ev, 4) == 0, "a counter");
	for (int i = 0; i < 3; i++)
		CHECK(sys3(SYS_write, fd, &one, 8) == 8 &&
		    ready(ep, ev, 4) == 1 && ready(ep, ev, 4) == 0, "%d", i);
	sys1(SYS_close, fd);
	CHECK(sys4(SYS_socketpair, 1, 1, 0, s) == 0 &&
	    ctl(ep, 1, s[0], POLLIN | EPOLLRDHUP | EPOLLET, 4) == 0 &&
	    sys3(SYS_write, s[1], "x", 1) == 1 && ready(ep, ev, 4) == 1 &&
	    ready(ep, ev, 4) == 0 && sys2(SYS_shutdown, s[1], 1) == 0 &&
	    ready(ep, ev, 4) == 1 && (ev[0].events & EPOLLRDHUP) != 0 &&
	    ready(ep, ev, 4) == 0, "a socket");
	sys1(SYS_close, s[0]);
	sys1(SYS_close, s[1]);
	sys1(SYS_close, ep);
}

/* told: events of a wait that was not over before there was something. */
static int
told(int ep, const volatile int *written)
{
	struct event ev[4];
	int n, over;

	do {
		over = *written;
		n = (int)sys4(SYS_epoll_wait, ep, ev, 4, 100);
	} while (n == 0 && !over);
	return n;
}

/* Many wait for one shot: one gets it.  And few at a time, in turn. */
static void
shares(void)
{
	int ep = (int)sys1(SYS_epoll_create1, 0), fd, fd2, st, sum = 0;
	unsigned long one = 1;
	struct event ev[4];
	volatile int *written = map_shared(PGSZ);

	fd = (int)sys2(SYS_eventfd2, 0, 0);
	for (int round = 0; round < 10; round++) {
		CHECK(ctl(ep, round == 0 ? 1 : 3, fd, POLLIN | EPOLLONESHOT,
		    1) == 0, "ctl");
		*written = 0;
		for (int i = 0; i < 6; i++)
			if (fork() == 0)
				exit(told(ep, written));
		msleep(20);
		CHECK(sys3(SYS_write, fd, &one, 8) == 8, "write");
		*written = 1;
		for (int i = 0; i < 6; i++) {
			CHECK(waitpid(-1, &st) > 0, "wait");
			sum += WEXITSTATUS(st);
		}
		CHECK(sum == round + 1, "round %d: %d told", round, sum);
		CHECK(sys3(SYS_read, fd, &one, 8) == 8, "read");
		one = 1;
	}
	fd2 = (int)sys2(SYS_eventfd2, 1, 0);
	CHECK(sys3(SYS_write, fd, &one, 8) == 8 &&
	    ctl(ep, 3, fd, POLLIN, 1) == 0 && ctl(ep, 1, fd2, POLLIN, 2) == 0,
	    "two");
	sum = 0;
	for (int i = 0; i < 10; i++) {
		CHECK(ready(ep, ev, 1) == 1, "one");
		sum += (int)ev[0].data;
	}
	CHECK(sum == 15, "not in turn: %d", sum);
	sys1(SYS_close, fd);
	sys1(SYS_close, fd2);
	sys1(SYS_close, ep);
}

static int
quiet_write(void *arg)
{
	sys3(SYS_write, *(int *)arg, "x", 1);
	return 0;
}

static void
pairs(void)
{
	int s[2], st;
	struct pollfd p;
	long pid, n, total = 0;

	CHECK(sys4(SYS_socketpair, 2, 1, 0, s) == -EAFNOSUPPORT ||
	    sys4(SYS_socketpair, 2, 1, 0, s) == -95, "family");
	CHECK(sys4(SYS_socketpair, 1, 1, 0, s) == 0, "pair");
	CHECK(sys3(SYS_write, s[0], "ab", 2) == 2 &&
	    sys3(SYS_write, s[1], "c", 1) == 1 &&
	    sys3(SYS_read, s[1], buf, 9) == 2 &&
	    sys3(SYS_read, s[0], buf, 9) == 1, "both ways");
	CHECK(sys6(SYS_recvfrom, s[0], (long)buf, 9, 0x40, 0, 0) == -EAGAIN,
	    "DONTWAIT");
	pid = fork();
	if (pid == 0) {
		sys1(SYS_close, s[0]);
		for (long at = 0; at < (long)sizeof(buf); at += n) {
			n = sys3(SYS_write, s[1], buf + at,
			    sizeof(buf) - (size_t)at);
			CHECK(n > 0, "write: %ld", n);
		}
		exit(0);
	}
	sys1(SYS_close, s[1]);
	while ((n = sys3(SYS_read, s[0], buf, 7000)) > 0)
		total += n;
	CHECK(n == 0 && total == (long)sizeof(buf), "%ld bytes", total);
	waitpid(pid, &st);
	p = (struct pollfd){ s[0], POLLIN, 0 };
	CHECK(sys3(SYS_poll, &p, 1, 0) == 1 &&
	    (p.revents & (POLLIN | POLLHUP)) == (POLLIN | POLLHUP), "hup: %x",
	    p.revents);
	CHECK(sys6(SYS_sendto, s[0], (long)"x", 1, MSG_NOSIGNAL, 0, 0) ==
	    -EPIPE, "NOSIGNAL");
	st = run_child(quiet_write, &s[0]);
	CHECK(WTERMSIG(st) == SIGPIPE, "SIGPIPE: %x", st);
	sys1(SYS_close, s[0]);
	CHECK(sys4(SYS_socketpair, 1, 1, 0, s) == 0 &&
	    sys2(SYS_shutdown, s[0], 1) == 0 &&
	    sys3(SYS_read, s[1], buf, 1) == 0 &&
	    sys3(SYS_write, s[1], "y", 1) == 1 &&
	    sys3(SYS_read, s[0], buf, 1) == 1, "half closed");
	sys1(SYS_close, s[0]);
	sys1(SYS_close, s[1]);
	CHECK(sys2(SYS_shutdown, 0, 0) == -ENOTSOCK, "no socket");
}

static int
client(void *arg)
{
	struct sockaddr *sa = arg;
	int fd = (int)sys3(SYS_socket, 1, 1, 0);

	CHECK(sys3(SYS_connect, fd, sa, sizeof(*sa)) == 0, "connect");
	CHECK(sys3(SYS_connect, fd, sa, sizeof(*sa)) == -EISCONN, "again");
	CHECK(sys3(SYS_write, fd, "ping", 4) == 4 &&
	    sys3(SYS_read, fd, buf, 9) == 4 && memcmp(buf, "pong", 4) == 0,
	    "talk");
	return 0;
}

static void
servers(void)
{
	struct sockaddr sa = { 1, "sock" }, got;
	int fd = (int)sys3(SYS_socket, 1, 1, 0), c, st, len = sizeof(got);
	long pid, n;

	CHECK(sys3(SYS_connect, fd, &sa, sizeof(sa)) == -ENOENT, "nobody");
	CHECK(sys3(SYS_write, fd, "x", 1) == -ENOTCONN, "not connected");
	CHECK(sys3(SYS_bind, fd, &sa, sizeof(sa)) == 0 &&
	    sys3(SYS_bind, fd, &sa, sizeof(sa)) == -EADDRINUSE, "bind");
	c = (int)sys3(SYS_socket, 1, 1, 0);
	CHECK(sys3(SYS_bind, c, &sa, sizeof(sa)) == -EADDRINUSE &&
	    sys3(SYS_connect, c, &sa, sizeof(sa)) == -ECONNREFUSED,
	    "nobody listens");
	sys1(SYS_close, c);
	CHECK(sys2(SYS_listen, fd, 4) == 0, "listen");
	pid = fork();
	if (pid == 0)
		exit(client(&sa));
	c = (int)sys4(SYS_accept4, fd, 0, 0, O_CLOEXEC);
	CHECK(c >= 0, "accept: %d", c);
	CHECK(sys3(SYS_getsockname, c, &got, &len) == 0 && len == 7 &&
	    strcmp(got.path, "sock") == 0, "name: %d", len);
	CHECK(sys3(SYS_read, c, buf, 9) == 4 &&
	    sys3(SYS_write, c, "pong", 4) == 4, "talk");
	CHECK(waitpid(pid, &st) == pid && st == 0, "client: %x", st);
	n = sys3(SYS_read, c, buf, 9);
	CHECK(n == 0, "its end: %ld", n);
	sys1(SYS_close, c);
	/* Abstract, and a connection that nobody accepts. */
	memcpy(sa.path, "\0gnomon", 7);
	c = (int)sys3(SYS_socket, 1, 1 | O_NONBLOCK, 0);
	CHECK(sys3(SYS_bind, c, &sa, 9) == 0 && sys2(SYS_listen, c, 1) == 0 &&
	    sys3(SYS_accept, c, 0, 0) == -EAGAIN, "abstract");
	sys1(SYS_close, fd);
	fd = (int)sys3(SYS_socket, 1, 1, 0);
	CHECK(sys3(SYS_connect, fd, &sa, 9) == 0, "connect");
	sys1(SYS_close, c);
	n = sys3(SYS_read, fd, buf, 1);
	CHECK(n == 0 || n == -104, "the listener went: %ld", n);
	CHECK(sys1(SYS_close, fd) == 0 && sys1(SYS_unlink, "sock") == 0,
	    "clean");
}

int
main(int argc __attribute__((__unused__)),
    char **argv __attribute__((__unused__)),
    char **envp __attribute__((__unused__)))
{
	CHECK(sys2(SYS_mkdir, "/tmp/events", 0755) == 0 &&
	    sys1(SYS_chdir, "/tmp/events") == 0, "/tmp/events");
	counters();
	sets();
	edges();
	shares();
	pairs();
	servers();
	CHECK(sys1(SYS_rmdir, "/tmp/events") == 0, "left over");
	printf("events: ok\n");
	return 0;
}
