/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scm.c: do files that are sent through a socket arrive with the byte they were
 * sent with, once; are they closed when nobody takes them; and do sockets that
 * only wait in each other's queues go away?
 *
 * With argument "own" the system's count of open files is looked at, too.
 */
#include "ulib.h"

enum {
	SYS_socket = 41, SYS_connect = 42, SYS_sendmsg = 46, SYS_recvmsg = 47,
	SYS_bind = 49, SYS_listen = 50, SYS_socketpair = 53,
	SYS_setresuid = 117,
	MSG_CTRUNC = 8, MSG_DONTWAIT = 0x40, MSG_CLOEXEC = 0x40000000,
	RLIMIT_NOFILE = 7, NFILES = 300, DEEP = 400,
};

struct control {
	unsigned long	len;
	unsigned	level, type;
	int		fd[NFILES];
};

static struct control ctl;
static char buf[256];

/* put: text with n files (ctl.fd). */
static long
put(int s, const char *text, unsigned n)
{
	struct { const void *p; unsigned long n; } v = { text, strlen(text) };
	struct msghdr m = { .iov = &v, .iovlen = 1 };

	ctl.len = 16 + 4UL * n;
	ctl.level = ctl.type = 1;
	if (n > 0) {
		m.control = &ctl;
		m.controllen = (ctl.len + 7) & ~7UL;
	}
	return sys3(SYS_sendmsg, s, &m, 0);
}

/* put1: text with one file. */
static long
put1(int s, const char *text, int fd)
{
	ctl.fd[0] = fd;
	return put(s, text, 1);
}

/* get: up to want bytes and room for n files; how many bytes; the files are in
 * ctl, *files many, *flags. */
static long
get(int s, unsigned long want, unsigned n, int *files, unsigned *flags)
{
	struct { void *p; unsigned long n; } v = { buf, want };
	struct msghdr m = { .iov = &v, .iovlen = 1, .control = &ctl,
	    .controllen = n > 0 ? 16 + 4UL * n : 0 };
	long r = sys3(SYS_recvmsg, s, &m, *flags | MSG_DONTWAIT);

	*files = m.controllen >= 16 ? (int)((ctl.len - 16) / 4) : 0;
	*flags = m.flags;
	return r;
}

/* ended: does the pipe that fd reads have no writer any more?  A collector may
 * need a moment, and somebody to set it off. */
static bool
ended(int fd)
{
	int s[2];

	for (int i = 0; i < 200; i++) {
		if ((events(fd) & 16 /* POLLHUP */) != 0)
			return true;
		CHECK(sys4(SYS_socketpair, 1, 1, 0, s) == 0, "pair");
		sys1(SYS_close, s[0]);
		sys1(SYS_close, s[1]);
		msleep(10);
	}
	return false;
}

static void
close2(const int *p)
{
	sys1(SYS_close, p[0]);
	sys1(SYS_close, p[1]);
}

static void
arrives(void)
{
	int s[2], p[2], n;
	unsigned fl = 0;
	char c;

	CHECK(sys4(SYS_socketpair, 1, 1, 0, s) == 0 && sys1(SYS_pipe, p) == 0,
	    "make");
	CHECK(put1(s[0], "x", p[1]) == 1, "send");
	sys1(SYS_close, p[1]);
	CHECK(get(s[1], 10, 1, &n, &fl) == 1 && n == 1 && fl == 0 &&
	    buf[0] == 'x', "%d files, flags %x", n, fl);
	CHECK(sys3(SYS_write, ctl.fd[0], "y", 1) == 1 &&
	    sys3(SYS_read, p[0], &c, 1) == 1 && c == 'y', "it is the pipe");
	CHECK(sys2(SYS_fcntl, ctl.fd[0], 1) == 0, "stays over exec");
	sys1(SYS_close, ctl.fd[0]);
	CHECK(sys3(SYS_read, p[0], &c, 1) == 0, "the end");
	/* Bytes before the file's come with it, those behind do not. */
	CHECK(put(s[0], "ab", 0) == 2 && put1(s[0], "cd", p[0]) == 2 &&
	    put(s[0], "ef", 0) == 2 && put1(s[0], "gh", p[0]) == 2, "send");
	CHECK(get(s[1], 3, 1, &n, &fl) == 3 && n == 1, "in its first byte");
	sys1(SYS_close, ctl.fd[0]);
	CHECK(get(s[1], 100, 1, &n, &fl) == 5 && n == 1 &&
	    memcmp(buf, "defgh", 5) == 0, "up to the next one's end");
	sys1(SYS_close, ctl.fd[0]);
	CHECK(get(s[1], 9, 1, &n, &fl) == -EAGAIN, "no more");
	fl = MSG_CLOEXEC;
	CHECK(put1(s[0], "x", p[0]) == 1 &&
	    get(s[1], 1, 1, &n, &fl) == 1 && n == 1 &&
	    sys2(SYS_fcntl, ctl.fd[0], 1) == 1, "CLOEXEC");
	sys1(SYS_close, ctl.fd[0]);
	sys1(SYS_close, p[0]);
	close2(s);
}

static void
errors(void)
{
	struct msghdr m = { .control = &ctl, .controllen = 24 };
	int s[2], n;
	unsigned fl = 0;

	CHECK(sys4(SYS_socketpair, 1, 1, 0, s) == 0, "pair");
	CHECK(put1(s[0], "x", 77) == -EBADF, "no file");
	for (int i = 0; i < NFILES; i++)
		ctl.fd[i] = 0;
	CHECK(put(s[0], "x", 254) == -EINVAL && put(s[0], "x", 253) == 1,
	    "too many");
	CHECK(get(s[1], 1, 2, &n, &fl) == 1 && n == 2 && fl == MSG_CTRUNC,
	    "cut: %d, %x", n, fl);
	sys1(SYS_close, ctl.fd[0]);
	sys1(SYS_close, ctl.fd[1]);
	fl = 0;
	CHECK(put1(s[0], "", s[0]) == 0 &&
	    get(s[1], 1, 1, &n, &fl) == -EAGAIN, "no byte, no file");
	ctl.len = 15;
	CHECK(sys3(SYS_sendmsg, s[0], &m, 0) == -EINVAL, "short");
	ctl.len = 25;
	CHECK(sys3(SYS_sendmsg, s[0], &m, 0) == -EINVAL, "long");
	ctl.len = 20;
	ctl.type = 99;
	CHECK(sys3(SYS_sendmsg, s[0], &m, 0) == -EINVAL, "type");
	close2(s);
}

/* A user has no more under way than it may have open; another one's are not
 * counted.  arg: its number; it stays able to be root again. */
static int
as_user(void *arg)
{
	static long second = 4712;
	unsigned long l[2] = { 40, 40 };
	long n = 0, r;
	int s[2];

	CHECK(sys4(SYS_socketpair, 1, 1, 0, s) == 0 &&
	    sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, l, 0) == 0 &&
	    sys3(SYS_setresuid, -1, 0, 0) == 0 &&
	    sys3(SYS_setresuid, *(long *)arg, *(long *)arg, 0) == 0, "user");
	while ((r = put1(s[0], "x", 0)) == 1 && n < 100)
		n++;
	CHECK(r == -109 /* ETOOMANYREFS */ && n >= 40 && n <= 42,
	    "user %ld: %ld after %ld", *(long *)arg, r, n);
	return arg != &second && run_child(as_user, &second) != 0;
}

/* Whom nobody takes is closed. */
static void
lost(void)
{
	unsigned long l[2] = { 10, 10 }, old[2];
	int s[2], p[2], n;
	unsigned fl = 0;
	char c;

	for (int how = 0; how < 5; how++) {
		CHECK(sys4(SYS_socketpair, 1, 1, 0, s) == 0 &&
		    sys1(SYS_pipe, p) == 0 && put1(s[0], "x", p[1]) == 1,
		    "make");
		sys1(SYS_close, p[1]);
		if (how == 0) {
			CHECK(sys3(SYS_read, s[1], &c, 1) == 1, "read");
		} else if (how == 1) {
			CHECK(get(s[1], 1, 0, &n, &fl) == 1 && n == 0 &&
			    fl == MSG_CTRUNC, "no room: %x", fl);
		} else if (how == 2) {
			CHECK(sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, old) ==
			    0, "limit");
			l[0] = (unsigned long)p[0];
			l[1] = old[1];
			sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, l, 0);
			fl = 0;
			CHECK(get(s[1], 1, 1, &n, &fl) == 1 && n == 0 &&
			    fl == MSG_CTRUNC, "no descriptor: %x", fl);
			sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, old, 0);
		} else if (how == 3) {
			sys1(SYS_close, s[1]);
		}
		if (how == 4)
			close2(s);
		CHECK(ended(p[0]), "still open: way %d", how);
		sys1(SYS_close, p[0]);
		if (how < 4)
			sys1(SYS_close, s[0]);
		if (how < 3)
			sys1(SYS_close, s[1]);
	}
}

/* two_pairs: the one's second end waits for the other's, and so round; beside
 * it the end of a pipe, which nobody else has. */
static void
two_pairs(int *s, int *t, int *p)
{
	CHECK(sys1(SYS_pipe, p) == 0 &&
	    sys4(SYS_socketpair, 1, 1, 0, s) == 0 &&
	    sys4(SYS_socketpair, 1, 1, 0, t) == 0 &&
	    put1(s[0], "a", t[1]) == 1 && put1(t[0], "b", s[1]) == 1 &&
	    put1(s[0], "c", p[1]) == 1, "two pairs");
	sys1(SYS_close, p[1]);
}

/* Each end of a pair in the other's queue, with a pipe. */
static void
ring(void)
{
	int s[2], t[2], p[2], n;
	unsigned fl = 0;

	CHECK(sys1(SYS_pipe, p) == 0 &&
	    sys4(SYS_socketpair, 1, 1, 0, s) == 0 &&
	    put1(s[0], "a", s[0]) == 1 && put1(s[1], "b", s[1]) == 1 &&
	    put1(s[0], "c", p[1]) == 1, "one pair");
	close2(s);
	sys1(SYS_close, p[1]);
	CHECK(ended(p[0]), "a pair keeps itself");
	sys1(SYS_close, p[0]);
	two_pairs(s, t, p);
	close2(t);
	sys1(SYS_close, s[0]);
	/* s[1] is the way in: all is still there. */
	CHECK(get(s[1], 1, 1, &n, &fl) == 1 && n == 1 && buf[0] == 'a', "in");
	t[1] = ctl.fd[0];
	CHECK(get(t[1], 1, 0, &n, &fl) == 1 && buf[0] == 'b', "further in");
	sys1(SYS_close, t[1]);
	sys1(SYS_close, s[1]);
	CHECK(ended(p[0]), "no ring any more");
	sys1(SYS_close, p[0]);
	two_pairs(s, t, p);
	close2(s);
	close2(t);
	CHECK(ended(p[0]), "two pairs keep each other");
	sys1(SYS_close, p[0]);
}

/* A listener in the queue of a connection that it has not accepted. */
static void
waiting(void)
{
	struct { short family; char path[9]; } sa = { 1, "\0scmtest" };
	int l = (int)sys3(SYS_socket, 1, 1, 0), p[2], c;

	c = (int)sys3(SYS_socket, 1, 1, 0);
	CHECK(sys3(SYS_bind, l, &sa, 10) == 0 && sys2(SYS_listen, l, 4) == 0 &&
	    sys3(SYS_connect, c, &sa, 10) == 0 && sys1(SYS_pipe, p) == 0 &&
	    put1(c, "a", l) == 1 && put1(c, "b", p[1]) == 1, "make");
	sys1(SYS_close, l);
	sys1(SYS_close, c);
	sys1(SYS_close, p[1]);
	CHECK(ended(p[0]), "a listener keeps itself");
	sys1(SYS_close, p[0]);
}

/* A socket in a socket in a socket ...: the end of one is the end of all, by no
 * deep recursion. */
static void
deep(void)
{
	int s[2], p[2], in;

	CHECK(sys1(SYS_pipe, p) == 0, "pipe");
	in = p[1];
	for (int i = 0; i < DEEP; i++) {
		CHECK(sys4(SYS_socketpair, 1, 1, 0, s) == 0, "pair %d", i);
		CHECK(put1(s[0], "x", in) == 1, "send %d", i);
		sys1(SYS_close, in);
		sys1(SYS_close, s[0]);
		in = s[1];
	}
	sys1(SYS_close, in);
	CHECK(ended(p[0]), "the innermost is open");
	sys1(SYS_close, p[0]);
}

static unsigned long
open_files(void)
{
	long fd = sys3(SYS_open, "/proc/sys/fs/file-nr", 0, 0);

	CHECK(fd >= 0 && sys3(SYS_read, fd, buf, 63) > 0, "file-nr");
	sys1(SYS_close, fd);
	return strtoul(buf);
}

int
main(int argc, char **argv, char **envp)
{
	bool own = argc > 1 && strcmp(argv[1], "own") == 0;
	unsigned long before = own ? open_files() : 0;
	long first = 4711;

	(void)envp;
	arrives();
	errors();
	lost();
	CHECK(run_child(as_user, &first) == 0, "users");
	ring();
	waiting();
	deep();
	if (own)
		CHECK(open_files() == before, "%lu files, not %lu",
		    open_files(), before);
	printf("scm: ok\n");
	return 0;
}
