/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptys.c: is a slave a terminal whose line is the master: lines, echo, signals,
 * window size, the session that it controls; and does the end of either side
 * reach the other?
 */
#include "ulib.h"

enum {
	SYS_chmod = 90, SYS_fchmod = 91, SYS_chown = 92, SYS_fchown = 93,
	SYS_setsid = 112,
	SYS_getdents64 = 217,
	TCGETS = 0x5401, TCSETS = 0x5402, TCFLSH = 0x540b, TIOCGPGRP = 0x540f,
	TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414, TIOCGSID = 0x5429,
	TIOCSPTLCK = 0x40045431, FIONREAD = 0x541b,
	ICANON = 2,
	O_RDWR = 2, O_NOCTTY = 0400, O_DIRECTORY = 0200000,
	POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16,
	SIGHUP = 1, SIGINT = 2, EIO = 5, ENXIO = 6,
	BULK = 50000,
};
#define TIOCGPTN	0x80045430UL

struct termios {
	unsigned	iflag, oflag, cflag, lflag;
	unsigned char	line, cc[19];
};
struct winsize {
	unsigned short	row, col, x, y;
};

static long master, slave;
static int number;
static char path[32], buf[BULK];
static volatile int *sh;

static void
got_at(int line, long fd, const char *want)
{
	size_t len = strlen(want), at = 0;
	long n;

	while (at < len) {
		n = sys3(SYS_read, fd, buf + at, len - at);
		CHECK(n > 0, "line %d: read: %ld", line, n);
		at += (size_t)n;
	}
	CHECK(memcmp(buf, want, len) == 0, "line %d", line);
}
#define got(fd, want)	got_at(__LINE__, fd, want)

static void
put(long fd, const char *s)
{
	CHECK(sys3(SYS_write, fd, s, strlen(s)) == (long)strlen(s), "%s", s);
}

static void
begin(void)
{
	int on = 0;

	master = sys3(SYS_open, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
	CHECK(master >= 0, "ptmx: %ld", master);
	CHECK(sys3(SYS_ioctl, master, TIOCGPTN, &number) == 0, "number");
	memcpy(path, "/dev/pts/", 9);
	put_number(path + 9, (unsigned long)number);
	CHECK(sys3(SYS_open, path, O_RDWR | O_NOCTTY, 0) == -EIO, "locked");
	CHECK(sys3(SYS_ioctl, master, TIOCSPTLCK, &on) == 0, "unlock");
	slave = sys3(SYS_open, path, O_RDWR | O_NOCTTY, 0);
	CHECK(slave >= 0, "%s: %ld", path, slave);
}

static void
end(void)
{
	sys1(SYS_close, slave);
	sys1(SYS_close, master);
	CHECK(sys3(SYS_open, path, O_RDWR | O_NOCTTY, 0) == -ENOENT ||
	    number > 0, "it is left");
}

/* The slave's owner and mode are the pty's, whoever looks, while it lives. */
static void
owner(void)
{
	struct stat st;

	begin();
	CHECK(sys2(SYS_chmod, path, 0640) == 0 &&
	    sys3(SYS_chown, path, 1000, 1001) == 0, "change");
	CHECK(sys2(SYS_stat, path, &st) == 0 && st.mode == 020640 &&
	    st.uid == 1000 && st.gid == 1001, "%x, %u, %u", st.mode, st.uid,
	    st.gid);
	CHECK(sys2(SYS_fstat, slave, &st) == 0 && st.mode == 020640 &&
	    st.uid == 1000, "for who had it open: %x", st.mode);
	CHECK(sys2(SYS_fchmod, slave, 0602) == 0 &&
	    sys3(SYS_fchown, slave, -1, 7) == 0, "by descriptor");
	sys1(SYS_close, slave);
	CHECK(sys2(SYS_stat, path, &st) == 0 && st.mode == 020602 &&
	    st.uid == 1000 && st.gid == 7, "nobody has it open: %x", st.mode);
	slave = sys3(SYS_open, path, O_RDWR | O_NOCTTY, 0);
	end();
	begin();
	CHECK(sys2(SYS_stat, path, &st) == 0 && st.uid == 0 &&
	    st.mode != 020602, "another one: %x, %u", st.mode, st.uid);
	end();
}

static void
setmode(unsigned lflag, unsigned oflag)
{
	struct termios m;

	CHECK(sys3(SYS_ioctl, slave, TCGETS, &m) == 0, "TCGETS");
	m.iflag = 0;
	m.lflag = lflag;
	m.oflag = oflag;
	CHECK(sys3(SYS_ioctl, slave, TCSETS, &m) == 0, "TCSETS");
}

static void
lines(void)
{
	struct termios a, b;
	struct winsize w = { 5, 6, 0, 0 };
	struct stat st;
	int n = 0;

	begin();
	CHECK(sys2(SYS_stat, path, &st) == 0 &&
	    (st.mode & 0170000) == 0020000 &&
	    st.rdev == (136UL << 8 | (unsigned)number), "node");
	CHECK(sys3(SYS_ioctl, slave, TCGETS, &a) == 0 &&
	    sys3(SYS_ioctl, master, TCGETS, &b) == 0 &&
	    a.lflag == b.lflag && (a.lflag & ICANON) != 0, "modes");
	put(slave, "hello\n");
	got(master, "hello\r\n");
	put(master, "abx\177c\n");
	got(master, "abx\b \bc\r\n");
	CHECK(sys3(SYS_ioctl, slave, FIONREAD, &n) == 0 && n == 4, "%d", n);
	got(slave, "abc\n");
	CHECK(events(slave) == POLLOUT && events(master) == POLLOUT, "idle");
	put(master, "half");
	got(master, "half");
	CHECK(events(slave) == POLLOUT, "half a line");
	put(master, "\n");
	CHECK(events(slave) == (POLLIN | POLLOUT), "a line");
	got(slave, "half\n");
	got(master, "\r\n");
	CHECK(sys3(SYS_ioctl, master, TIOCSWINSZ, &w) == 0 &&
	    sys3(SYS_ioctl, slave, TIOCGWINSZ, memset(&w, 0, sizeof(w))) == 0 &&
	    w.row == 5 && w.col == 6, "size");
	setmode(0, 0);
	put(master, "\003\n");
	got(slave, "\003\n");
	put(slave, "x\n");
	got(master, "x\n");
	end();
}

/* What closes on the slave's side, as the master sees it. */
static void
slave_ends(void)
{
	begin();
	put(slave, "last");
	sys1(SYS_close, slave);
	CHECK((events(master) & (POLLIN | POLLHUP)) == (POLLIN | POLLHUP),
	    "gone: %x", events(master));
	got(master, "last");
	CHECK(sys3(SYS_read, master, buf, 1) == -EIO, "read");
	slave = sys3(SYS_open, path, O_RDWR | O_NOCTTY, 0);
	CHECK(slave >= 0 && events(master) == POLLOUT, "again: %x",
	    events(master));
	end();
}

/* In a session of its own, with the slave as its terminal. */
static void
leader(void)
{
	int n = 0;

	sys1(SYS_close, slave);
	CHECK(sys0(SYS_setsid) > 0, "setsid");
	CHECK(sys3(SYS_open, "/dev/tty", O_RDWR, 0) == -ENXIO, "no terminal");
	slave = sys3(SYS_open, path, O_RDWR, 0);
	CHECK(slave >= 0, "slave: %ld", slave);
	CHECK(sys3(SYS_ioctl, slave, TIOCGSID, &n) == 0 &&
	    n == sys0(SYS_getpid), "session %d", n);
	CHECK(sys3(SYS_ioctl, slave, TIOCGPGRP, &n) == 0 &&
	    n == sys0(SYS_getpid), "group %d", n);
}

static int
interrupted(void *arg)
{
	long tty;

	(void)arg;
	leader();
	sys1(SYS_close, master);
	tty = sys3(SYS_open, "/dev/tty", O_RDWR, 0);
	CHECK(tty >= 0, "/dev/tty: %ld", tty);
	put(tty, "ready");
	for (;;)
		msleep(100);
}

static void
signals(void)
{
	long pid;
	int st;

	begin();
	pid = fork();
	if (pid == 0)
		exit(interrupted(NULL));
	got(master, "ready");
	put(master, "\003");
	CHECK(waitpid(pid, &st) == pid && WTERMSIG(st) == SIGINT, "%x", st);
	got(master, "^C");
	/* The terminal has no session now, and goes on. */
	put(slave, "y");
	got(master, "y");
	end();
}

static void
master_ends(void)
{
	long pid;
	int st;

	begin();
	sh[0] = 0;
	pid = fork();
	if (pid == 0) {
		leader();
		sys1(SYS_close, master);
		sh[0] = 1;
		for (;;)
			msleep(100);
	}
	while (sh[0] == 0)
		msleep(1);
	sys1(SYS_close, master);
	CHECK(waitpid(pid, &st) == pid && WTERMSIG(st) == SIGHUP, "%x", st);
	CHECK(sys3(SYS_read, slave, buf, 1) == 0 &&
	    sys3(SYS_write, slave, "x", 1) == -EIO &&
	    sys3(SYS_ioctl, slave, TCGETS, buf) == -EIO, "hung up");
	CHECK((events(slave) & (POLLHUP | POLLERR)) == (POLLHUP | POLLERR),
	    "poll: %x", events(slave));
	sys1(SYS_close, slave);
}

/* More than either side keeps, one way and then the other. */
static void
bulk(void)
{
	long pid, n, from, to;
	int st;

	begin();
	setmode(0, 0);
	for (int way = 0; way < 2; way++) {
		from = way == 0 ? slave : master;
		to = way == 0 ? master : slave;
		pid = fork();
		if (pid == 0) {
			for (long i = 0; i < BULK; i++)
				buf[i] = (char)(i * 7 + i / 251);
			for (long at = 0; at < BULK; at += n) {
				n = sys3(SYS_write, from, buf + at, BULK - at);
				CHECK(n > 0, "write: %ld", n);
			}
			exit(0);
		}
		for (long at = 0; at < BULK; at += n) {
			n = sys3(SYS_read, to, buf, 3000);
			CHECK(n > 0, "read: %ld", n);
			for (long i = 0; i < n; i++)
				CHECK(buf[i] == (char)((at + i) * 7 +
				    (at + i) / 251), "byte %ld", at + i);
		}
		CHECK(waitpid(pid, &st) == pid && st == 0, "writer: %x", st);
	}
	end();
}

/* A writer of the master that waits for room: does it hear of a flush? */
static void
flushed(void)
{
	long pid, n;
	int st;

	begin();
	setmode(0, 0);
	sh[0] = 0;
	pid = fork();
	if (pid == 0) {
		n = sys3(SYS_write, master, buf, 3 * 4096);
		sh[0] = 1;
		exit(n != 3 * 4096);
	}
	for (int i = 0; sh[0] == 0; i++) {
		CHECK(i < 2000, "a flush makes no room");
		sys3(SYS_ioctl, slave, TCFLSH, 0 /* input */);
		msleep(5);
	}
	CHECK(waitpid(pid, &st) == pid && st == 0, "writer: %x", st);
	end();
}

/* Is the slave listed with the number that stat tells? */
static void
listed(void)
{
	long fd = sys3(SYS_open, "/dev/pts", O_DIRECTORY, 0), n;
	bool found = false;
	struct stat a;

	begin();
	CHECK(fd >= 0 && sys2(SYS_fstat, slave, &a) == 0, "/dev/pts: %ld", fd);
	n = sys3(SYS_getdents64, fd, buf, BULK);
	for (long at = 0; at < n;
	    at += *(unsigned short *)(void *)(buf + at + 16))
		if (strcmp(buf + at + 19, path + 9) == 0)
			found = *(unsigned long *)(void *)(buf + at) == a.ino;
	CHECK(found, "%s is not listed as %lu", path, a.ino);
	sys1(SYS_close, fd);
	end();
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	sh = map_shared(PGSZ);
	lines();
	owner();
	slave_ends();
	signals();
	master_ends();
	bulk();
	flushed();
	listed();
	printf("ptys: ok\n");
	return 0;
}
