/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fifos.c: does an open of a FIFO wait for the other side, or say what it has to
 * when it may not wait; is the end of the last writer seen, and only then; does
 * a signal end the wait?
 */
#include "ulib.h"

enum {
	SYS_unlink = 87, SYS_mknod = 133, SYS_chdir = 80,
	SYS_mkdir = 83, SYS_rmdir = 84,
	O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_NONBLOCK = 04000,
	POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16,
	ENXIO = 6, ESPIPE = 29, S_IFIFO = 0010000, FIONREAD = 0x541b,
};

static volatile int *sh;
static const char name[] = "f";

static long
op(int flags)
{
	return sys3(SYS_open, name, flags, 0);
}

static void
modes(void)
{
	struct stat st;
	char c;
	long r, w;

	CHECK(sys3(SYS_mknod, name, S_IFIFO | 0644, 0) == 0 &&
	    sys2(SYS_stat, name, &st) == 0 &&
	    (st.mode & 0170000) == S_IFIFO, "mknod");
	CHECK(op(O_WRONLY | O_NONBLOCK) == -ENXIO, "nobody reads");
	r = op(O_RDONLY | O_NONBLOCK);
	CHECK(r >= 0 && sys3(SYS_read, r, &c, 1) == 0, "nobody writes");
	CHECK(events(r) == 0, "no end before a writer: %x", events(r));
	w = op(O_WRONLY | O_NONBLOCK);
	CHECK(w >= 0 && sys3(SYS_read, r, &c, 1) == -EAGAIN, "empty");
	CHECK(events(w) == POLLOUT && events(r) == 0, "room");
	CHECK(sys3(SYS_write, w, "x", 1) == 1 && events(r) == POLLIN, "in");
	CHECK(sys3(SYS_lseek, r, 0, 0) == -ESPIPE &&
	    sys2(SYS_fstat, w, &st) == 0 && (st.mode & 0170000) == S_IFIFO &&
	    st.size == 0, "a pipe");
	sys1(SYS_close, w);
	CHECK(events(r) == (POLLIN | POLLHUP), "the last writer went: %x",
	    events(r));
	CHECK(sys3(SYS_read, r, &c, 1) == 1 && c == 'x' &&
	    sys3(SYS_read, r, &c, 1) == 0, "what it wrote, and the end");
	w = op(O_RDWR);
	CHECK(w >= 0 && events(r) == 0, "a writer again: %x", events(r));
	CHECK(sys3(SYS_write, w, "yz", 2) == 2 &&
	    sys3(SYS_read, w, &c, 1) == 1 && c == 'y', "both ways");
	sys1(SYS_close, w);
	sys1(SYS_close, r);
	r = op(O_RDWR | O_NONBLOCK);
	CHECK(sys3(SYS_read, r, &c, 1) == -EAGAIN, "all closed: all gone");
	sys1(SYS_close, r);
}

/* An open of mode in a child that says when it is through. */
static long
opener(int mode)
{
	long pid, fd;

	sh[0] = 0;
	pid = fork();
	CHECK(pid >= 0, "fork: %ld", pid);
	if (pid == 0) {
		fd = op(mode);
		CHECK(fd >= 0, "open: %ld", fd);
		sh[0] = 1;
		while (sh[0] != 2)
			msleep(1);
		exit(0);
	}
	msleep(30);
	CHECK(sh[0] == 0, "open does not wait");
	return pid;
}

static void
waits(void)
{
	char c;
	int st;
	long pid = opener(O_WRONLY), fd = op(O_RDONLY);

	CHECK(fd >= 0, "reader: %ld", fd);
	while (sh[0] == 0)
		msleep(1);
	sh[0] = 2;
	CHECK(waitpid(pid, &st) == pid && st == 0, "writer: %x", st);
	CHECK(sys3(SYS_read, fd, &c, 1) == 0, "its end");
	sys1(SYS_close, fd);
	pid = opener(O_RDONLY);
	fd = op(O_WRONLY);
	CHECK(fd >= 0, "writer: %ld", fd);
	while (sh[0] == 0)
		msleep(1);
	sh[0] = 2;
	CHECK(waitpid(pid, &st) == pid && st == 0, "reader: %x", st);
	CHECK(events(fd) == (POLLOUT | POLLERR), "no reader: %x", events(fd));
	sys1(SYS_close, fd);
	/* One that does not wait lets the other go on. */
	pid = opener(O_RDONLY);
	while ((fd = op(O_WRONLY | O_NONBLOCK)) == -ENXIO)
		msleep(1);
	CHECK(fd >= 0, "a waiting reader is one: %ld", fd);
	while (sh[0] == 0)
		msleep(1);
	sh[0] = 2;
	waitpid(pid, &st);
	sys1(SYS_close, fd);
}

static void
handler(int signo)
{
	sh[1] = signo;
}

static void
signals(void)
{
	struct sigaction sa = { (void *)handler, 0x04000000,
	    restorer, 0 };
	long pid;
	int st;

	sh[0] = sh[1] = 0;
	pid = fork();
	if (pid == 0) {
		sys4(SYS_rt_sigaction, SIGUSR1, &sa, 0, 8);
		sh[0] = 1;
		exit(op(O_RDONLY) == -EINTR ? 0 : 1);
	}
	while (sh[0] == 0)
		msleep(1);
	/* Again, if it came before the open. */
	while (sys4(SYS_wait4, pid, &st, 1 /* WNOHANG */, 0) == 0) {
		sys2(SYS_kill, pid, SIGUSR1);
		msleep(10);
	}
	CHECK(st == 0 && sh[1] == SIGUSR1, "interrupted: %x", st);
	/* What was interrupted does not count as a reader. */
	CHECK(op(O_WRONLY | O_NONBLOCK) == -ENXIO, "a reader is left");
	pid = opener(O_WRONLY);
	sys2(SYS_kill, pid, SIGKILL);
	CHECK(waitpid(pid, &st) == pid && WTERMSIG(st) == SIGKILL, "killed");
	st = (int)op(O_RDONLY | O_NONBLOCK);
	CHECK(st >= 0 && events(st) == 0, "a writer is left");
	sys1(SYS_close, st);
}

static int
writes(void *arg)
{
	return (int)sys3(SYS_write, *(long *)arg, "x", 1);
}

static void
ends(void)
{
	long r = op(O_RDONLY | O_NONBLOCK), w = op(O_WRONLY);
	int st, n = -1;
	char c;

	CHECK(sys1(SYS_unlink, name) == 0, "unlink");
	CHECK(sys3(SYS_write, w, "left", 4) == 4 &&
	    sys3(SYS_ioctl, r, FIONREAD, &n) == 0 && n == 4, "%d bytes", n);
	CHECK(sys3(SYS_read, r, &c, 1) == 1 && c == 'l', "without a name");
	sys1(SYS_close, r);
	st = run_child(writes, &w);
	CHECK(WTERMSIG(st) == SIGPIPE, "SIGPIPE: %x", st);
	sys1(SYS_close, w);
}

/* A pipe without a name is opened by its descriptor's, and not waited for. */
static void
unnamed(void)
{
	char path[32] = "/proc/self/fd/", text[64];
	long r, w, n;
	struct stat a, b;
	int p[2];
	char c;

	CHECK(sys1(SYS_pipe, p) == 0, "pipe");
	put_number(path + 14, (unsigned long)p[0]);
	CHECK(sys2(SYS_stat, path, &a) == 0 && sys2(SYS_fstat, p[0], &b) == 0 &&
	    a.ino == b.ino && (a.mode & 0170000) == S_IFIFO, "stat");
	w = sys3(SYS_open, path, O_WRONLY, 0);
	CHECK(w >= 0 && sys1(SYS_close, p[1]) == 0 &&
	    sys3(SYS_write, w, "xy", 2) == 2, "a writer: %ld", w);
	r = sys3(SYS_open, path, O_RDONLY, 0);
	CHECK(r >= 0 && sys3(SYS_read, r, &c, 1) == 1 && c == 'x' &&
	    sys3(SYS_read, p[0], &c, 1) == 1 && c == 'y', "readers: %ld", r);
	sys1(SYS_close, w);
	CHECK(sys3(SYS_read, r, &c, 1) == 0, "the end");
	sys1(SYS_close, r);
	r = sys3(SYS_open, path, O_RDONLY, 0);
	CHECK(r >= 0 && sys3(SYS_read, r, &c, 1) == 0, "no wait: %ld", r);
	n = sys3(89 /* readlink */, path, text, sizeof(text));
	CHECK(n > 7 && memcmp(text, "pipe:[", 6) == 0, "its name: %ld", n);
	sys1(SYS_close, p[0]);
	sys1(SYS_close, r);
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	sh = map_shared(PGSZ);
	CHECK(sys2(SYS_mkdir, "/tmp/fifos", 0755) == 0 &&
	    sys1(SYS_chdir, "/tmp/fifos") == 0, "/tmp/fifos");
	modes();
	waits();
	signals();
	ends();
	unnamed();
	CHECK(sys1(SYS_rmdir, "/tmp/fifos") == 0, "left over");
	printf("fifos: ok\n");
	return 0;
}
