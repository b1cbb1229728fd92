/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipes.c: do pipes keep order and atomicity, block and wake both sides, end
 * with EOF and EPIPE, and tell poll the truth?
 */
#include "ulib.h"

enum { SYS_poll = 7, O_NONBLOCK = 04000, RING = 65536, ATOM = 4096 };

struct pollfd {
	int	fd;
	short	events, revents;
};
#define POLLIN	1
#define POLLOUT	4
#define POLLERR	8
#define POLLHUP	16

static char buf[RING + 4096];

static long
rd(int fd, void *p, size_t n)
{
	return sys3(SYS_read, fd, p, n);
}

static long
wr(int fd, const void *p, size_t n)
{
	return sys3(SYS_write, fd, p, n);
}

static void
shut(int *p)
{
	sys1(SYS_close, p[0]);
	sys1(SYS_close, p[1]);
}

static unsigned
poll_one(int fd, short events, int timeout)
{
	struct pollfd pfd = { fd, events, 0 };
	long n = sys3(SYS_poll, &pfd, 1, timeout);

	CHECK(n == (pfd.revents != 0), "poll: %ld with %x", n, pfd.revents);
	return (unsigned short)pfd.revents;
}

/* How much fits, what a full and an empty pipe answer. */
static void
capacity(void)
{
	int p[2];
	long n, sum = 0;

	CHECK(sys2(SYS_pipe2, p, O_NONBLOCK) == 0, "pipe2");
	CHECK(rd(p[0], buf, 1) == -EAGAIN, "empty pipe");
	CHECK(poll_one(p[0], POLLIN, 0) == 0, "empty pipe is readable");
	while ((n = wr(p[1], buf, 4096)) > 0)
		sum += n;
	CHECK(n == -EAGAIN && sum == RING, "%ld then %ld", sum, n);
	CHECK(poll_one(p[1], POLLOUT, 0) == 0, "full pipe is writable");
	CHECK(rd(p[0], buf, ATOM - 1) == ATOM - 1, "read");
	CHECK(wr(p[1], buf, ATOM) == -EAGAIN, "an atomic write was split");
	/* A longer one may go in part; Linux counts pages, not bytes. */
	n = wr(p[1], buf, ATOM + 1);
	CHECK(n == ATOM - 1 || n == -EAGAIN, "a long write: %ld", n);
	shut(p);
}

static void
ends(void)
{
	int p[2];

	CHECK(sys1(SYS_pipe, p) == 0, "pipe");
	CHECK(wr(p[1], "abc", 3) == 3, "write");
	sys1(SYS_close, p[1]);
	CHECK(poll_one(p[0], POLLIN, -1) == (POLLIN | POLLHUP), "closed");
	CHECK(rd(p[0], buf, 10) == 3 && rd(p[0], buf, 10) == 0, "EOF");
	sys1(SYS_close, p[0]);

	CHECK(sys1(SYS_pipe, p) == 0, "pipe");
	CHECK(wr(p[0], "x", 1) == -EBADF && rd(p[1], buf, 1) == -EBADF,
	    "wrong ends");
	CHECK(wr(p[1], "", 0) == 0, "empty write");
	CHECK(wr(p[1], (void *)8, 1) == -14, "bad pointer");
	CHECK(sys3(SYS_lseek, p[0], 0, 0) == -29, "seek");
	shut(p);
}

/* Eight writers of whole records, one reader: no record is torn. */
static int
writer(void *arg)
{
	int fd = ((int *)arg)[1];
	static char rec[1024];

	for (int i = 0; i < 64; i++) {
		memset(rec, 'a' + (int)(sys0(SYS_getpid) % 26), sizeof(rec));
		if (wr(fd, rec, sizeof(rec)) != (long)sizeof(rec))
			return 1;
	}
	return 0;
}

static void
atomic(void)
{
	static char rec[1024];
	int p[2], st;
	long n, got;
	unsigned total = 0;

	CHECK(sys1(SYS_pipe, p) == 0, "pipe");
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			exit(writer(p));
	sys1(SYS_close, p[1]);
	for (;;) {
		for (got = 0; got < (long)sizeof(rec); got += n) {
			n = rd(p[0], rec + got, sizeof(rec) - (size_t)got);
			if (n <= 0)
				break;
		}
		if (got == 0)
			break;
		CHECK(got == (long)sizeof(rec), "a record of %ld", got);
		for (unsigned i = 1; i < sizeof(rec); i++)
			CHECK(rec[i] == rec[0], "record %u torn", total);
		total++;
	}
	CHECK(total == 8 * 64, "%u records", total);
	for (int i = 0; i < 8; i++)
		CHECK(waitpid(-1, &st) > 0 && st == 0, "writer: %x", st);
	sys1(SYS_close, p[0]);
}

/* A megabyte through a ring of 64 KiB in odd pieces keeps its order. */
static void
stream(void)
{
	uint64_t seed = 7;
	unsigned char c = 0;
	int p[2], st;
	long n, pid, total = 0;

	CHECK(sys1(SYS_pipe, p) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		sys1(SYS_close, p[0]);
		while (total < 1 << 20) {
			n = 1 + (long)(rnd(&seed) % 9000);
			for (long i = 0; i < n; i++)
				buf[i] = (char)c++;
			CHECK(wr(p[1], buf, (size_t)n) == n, "short write");
			total += n;
		}
		exit(0);
	}
	sys1(SYS_close, p[1]);
	seed = 99;
	while ((n = rd(p[0], buf, 1 + rnd(&seed) % 70000)) > 0) {
		for (long i = 0; i < n; i++)
			CHECK((unsigned char)buf[i] == c++, "byte %ld",
			    total + i);
		total += n;
	}
	CHECK(n == 0 && total >= 1 << 20, "%ld after %ld", n, total);
	CHECK(waitpid(pid, &st) == pid && st == 0, "writer: %x", st);
	sys1(SYS_close, p[0]);
}

/* poll sleeps until the other side acts. */
static void
poll_sleeps(void)
{
	struct { long s, ns; } ms = { 0, 30000000 };
	int p[2], st;
	long pid;

	CHECK(sys1(SYS_pipe, p) == 0, "pipe");
	CHECK(poll_one(p[0], POLLIN, 10) == 0, "too early");
	pid = fork();
	if (pid == 0) {
		sys2(SYS_nanosleep, &ms, 0);
		wr(p[1], "x", 1);
		exit(0);
	}
	CHECK(poll_one(p[0], POLLIN, 5000) == POLLIN, "no news");
	CHECK(waitpid(pid, &st) == pid, "child");
	sys1(SYS_close, p[0]);
	CHECK(poll_one(p[1], POLLOUT, 0) == (POLLERR | POLLOUT) ||
	    poll_one(p[1], POLLOUT, 0) == POLLERR, "no reader");
	sys1(SYS_close, p[1]);
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	capacity();
	ends();
	atomic();
	stream();
	poll_sleeps();
	printf("pipes: whole records, order, ends, poll\n");
	return 0;
}
