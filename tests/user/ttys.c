/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ttys.c: does the terminal edit lines, turn characters into signals, keep
 * background processes from it, stop and continue jobs, and tell their parent?
 *
 * Input is typed by TIOCSTI.  On Linux it needs a terminal of its own and root:
 * sleep 9 | script -qec build/user/ttys /dev/null
 */
#include "ulib.h"

enum {
	SYS_poll = 7, SYS_setpgid = 109, SYS_getpgrp = 111, SYS_setsid = 112,
	SYS_getsid = 124,
	TCGETS = 0x5401, TCSETS = 0x5402, TCFLSH = 0x540b, TIOCSCTTY = 0x540e,
	TIOCGPGRP = 0x540f, TIOCSPGRP = 0x5410, TIOCSTI = 0x5412,
	TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414, FIONREAD = 0x541b,
	TIOCNOTTY = 0x5422, TIOCGSID = 0x5429,
	ICRNL = 0x100, ISIG = 1, ICANON = 2, ECHO = 8, TOSTOP = 0x100,
	VTIME = 5, VMIN = 6,
	SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGCONT = 18, SIGSTOP = 19,
	SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22, SIGWINCH = 28,
	ENXIO = 6, EIO = 5, ENOTTY = 25,
	WNOHANG = 1, WUNTRACED = 2, WCONTINUED = 8, O_NONBLOCK = 04000,
};

struct termios {
	unsigned	iflag, oflag, cflag, lflag;
	unsigned char	line, cc[19];
};

struct winsize {
	unsigned short	row, col, x, y;
};

static struct termios saved, mode;
static struct shared {
	volatile int	go, done, chld[8], nchld;
} *sh;

static long
tio(long cmd, void *arg)
{
	return sys3(SYS_ioctl, 0, cmd, arg);
}

static void
setmode(unsigned lflag, int min, int time)
{
	mode = saved;
	mode.lflag = lflag;
	mode.cc[VMIN] = (unsigned char)min;
	mode.cc[VTIME] = (unsigned char)time;
	CHECK(tio(TCSETS, &mode) == 0, "TCSETS");
	CHECK(tio(TCFLSH, NULL) == 0, "TCFLSH");
}

static void
type(const char *s)
{
	for (; *s != '\0'; s++)
		CHECK(tio(TIOCSTI, (void *)s) == 0, "TIOCSTI");
}

/* got: does read return want, and no more? */
static void
got_at(int line, const char *want, size_t room)
{
	char buf[128];
	long n;

	n = sys3(SYS_read, 0, buf, room);
	CHECK(n >= 0, "line %d: read: %ld", line, n);
	buf[n] = '\0';
	CHECK(strcmp(buf, want) == 0, "line %d: read \"%s\", not \"%s\"", line, buf, want);
}

#define got(want, room)	got_at(__LINE__, want, room)

static long
pollin(int ms)
{
	struct { int fd; short ev, rev; } p = { 0, 1, 0 };

	return sys3(SYS_poll, &p, 1, ms);
}

static void
handle(int signo, void (*fn)(int), unsigned long flags)
{
	struct sigaction sa = { (void *)fn, flags | 0x04000000,
	    restorer, 0 };

	CHECK(sys4(SYS_rt_sigaction, signo, &sa, 0, 8) == 0, "sigaction");
}

/* ---- lines ---- */

static void
canonical(void)
{
	int n = -1;

	setmode(ICANON | 0x8000 /* IEXTEN */, 1, 0);
	CHECK(pollin(0) == 0, "nothing typed");
	type("abc");
	CHECK(pollin(0) == 0, "half a line");
	type("\177d\r");
	CHECK(pollin(0) == 1, "a line");
	CHECK(tio(FIONREAD, &n) == 0 && n == 4, "FIONREAD %d", n);
	got("abd\n", 100);
	type("junk\025one two  \027x\n");	/* kill, word erase */
	got("one x\n", 100);
	type("a\026\177b\n");			/* literal next */
	got("a\177b\n", 100);
	type("first\nsecond\n");		/* a line at a time */
	got("fir", 3);
	got("st\n", 100);
	got("second\n", 100);
	type("part\004");			/* end of file pushes */
	got("part", 100);
	type("\004");
	got("", 100);
	type("1234\004");			/* and is eaten with its line */
	got("1234", 4);
	CHECK(pollin(0) == 0, "the end of file is left");
	type("lost");
	CHECK(tio(TCFLSH, NULL) == 0, "flush");
	type("kept\n");
	got("kept\n", 100);
}

static void
raw(void)
{
	long n, flags = sys3(SYS_fcntl, 0, 3, 0);
	char buf[8];

	setmode(0, 1, 0);
	type("a\004\003");
	got("a\004\003", 100);
	setmode(0, 3, 0);
	type("ab");
	CHECK(pollin(0) == 0, "less than VMIN");
	type("c");
	CHECK(pollin(0) == 1, "VMIN");
	got("abc", 100);
	setmode(0, 0, 0);
	got("", 100);
	setmode(0, 0, 1);
	got("", 100);				/* after 0.1 s */
	setmode(0, 4, 1);
	type("xy");
	got("xy", 100);				/* the gap between bytes */
	setmode(0, 1, 0);
	sys3(SYS_fcntl, 0, 4, flags | O_NONBLOCK);
	n = sys3(SYS_read, 0, buf, 8);
	sys3(SYS_fcntl, 0, 4, flags);
	CHECK(n == -EAGAIN, "nonblocking read: %ld", n);
	type("left");				/* raw bytes, then lines */
	setmode(ICANON, 1, 0);
}

/* ---- signals ---- */

static volatile int caught;

static void
catch(int signo)
{
	caught = signo;
}

static void
chars(void)
{
	struct winsize w, old;

	for (int s = 1; s < 32; s++)
		if (s == SIGINT || s == SIGQUIT || s == SIGTSTP ||
		    s == SIGWINCH)
			handle(s, catch, 0);
	setmode(ICANON | ISIG, 1, 0);
	type("gone");
	type("\003");
	while (caught != SIGINT)
		msleep(1);
	CHECK(pollin(0) == 0, "flushed");
	type("\034");
	while (caught != SIGQUIT)
		msleep(1);
	type("\032");
	while (caught != SIGTSTP)
		msleep(1);
	setmode(ICANON, 1, 0);
	caught = 0;
	type("\003\n");
	got("\003\n", 100);
	CHECK(caught == 0, "no ISIG");
	CHECK(tio(TIOCGWINSZ, &old) == 0, "size");
	w = old;
	w.row = 31;
	w.col = 77;
	CHECK(tio(TIOCSWINSZ, &w) == 0, "set size");
	while (caught != SIGWINCH)
		msleep(1);
	CHECK(tio(TIOCGWINSZ, &w) == 0 && w.row == 31 && w.col == 77, "size");
	tio(TIOCSWINSZ, &old);
	handle(SIGINT, NULL, 0);
	handle(SIGQUIT, NULL, 0);
	handle(SIGTSTP, NULL, 0);
}

/* ---- jobs ---- */

static long
job(void (*fn)(void))
{
	long pid = fork();

	if (pid == 0) {
		sys2(SYS_setpgid, 0, 0);
		fn();
		exit(5);
	}
	sys2(SYS_setpgid, pid, pid);
	return pid;
}

static void
fg(long pgid)
{
	int n = (int)pgid;
	unsigned long ttou = 1UL << (SIGTTOU - 1), old;

	sys4(SYS_rt_sigprocmask, 0, &ttou, &old, 8);
	CHECK(tio(TIOCSPGRP, &n) == 0, "TIOCSPGRP %d", n);
	sys4(SYS_rt_sigprocmask, 2, &old, 0, 8);
	n = 0;
	CHECK(tio(TIOCGPGRP, &n) == 0 && n == pgid, "TIOCGPGRP %d", n);
}

static int
wait_for(long pid, int options)
{
	int st = -1;
	long r;

	do
		r = sys4(SYS_wait4, pid, &st, options, 0);
	while (r == -EINTR);
	CHECK(r == pid, "wait: %ld", r);
	return st;
}

static void
reader(void)
{
	char c;

	CHECK(sys3(SYS_read, 0, &c, 1) == 1 && c == 'r', "reader");
	exit(3);
}

static void
changer(void)
{
	CHECK(tio(TCSETS, &mode) == 0, "changer");
	exit(4);
}

static void
writer(void)
{
	CHECK(sys3(SYS_write, 0, "", 0) == 0, "nothing written");
	CHECK(sys3(SYS_write, 0, "\r", 1) == 1, "writer");
	exit(6);
}

static void
sleeper(void)
{
	for (;;)
		msleep(100000);
}

static void
on_chld(int signo, int *info)
{
	(void)signo;
	if (sh->nchld < 8)
		sh->chld[sh->nchld++] = info[2];
}

static void
background(void)
{
	long me = sys0(SYS_getpgrp), pid;
	int st;

	setmode(ICANON, 1, 0);
	pid = job(reader);
	st = wait_for(pid, WUNTRACED);
	CHECK(st == (SIGTTIN << 8 | 0x7f), "SIGTTIN: %x", st);
	fg(pid);
	CHECK(sys2(SYS_kill, -pid, SIGCONT) == 0, "continue");
	CHECK(wait_for(pid, WCONTINUED) == 0xffff, "continued");
	type("r\n");
	st = wait_for(pid, 0);
	CHECK(WEXITSTATUS(st) == 3, "reader: %x", st);
	fg(me);
	CHECK(tio(TCFLSH, NULL) == 0, "flush");
	pid = job(changer);
	st = wait_for(pid, WUNTRACED);
	CHECK(st == (SIGTTOU << 8 | 0x7f), "SIGTTOU: %x", st);
	fg(pid);
	sys2(SYS_kill, -pid, SIGCONT);
	CHECK(WEXITSTATUS(wait_for(pid, 0)) == 4, "changer");
	fg(me);
	setmode(ICANON | TOSTOP, 1, 0);
	pid = job(writer);
	st = wait_for(pid, WUNTRACED);
	CHECK(st == (SIGTTOU << 8 | 0x7f), "TOSTOP: %x", st);
	fg(pid);
	sys2(SYS_kill, -pid, SIGCONT);
	CHECK(WEXITSTATUS(wait_for(pid, 0)) == 6, "writer");
	fg(me);
}

static void
ignoring(void)
{
	char c;

	handle(SIGTTIN, (void (*)(int))1, 0);
	CHECK(sys3(SYS_read, 0, &c, 1) == -EIO, "read with SIGTTIN ignored");
	handle(SIGTTOU, (void (*)(int))1, 0);
	CHECK(tio(TCSETS, &mode) == 0, "change with SIGTTOU ignored");
	exit(7);
}

static void
control_keys(void)
{
	long me = sys0(SYS_getpgrp), pid;
	int st;

	handle(SIGCHLD, (void (*)(int))(void *)on_chld, 4);
	sh->nchld = 0;
	setmode(ICANON | ISIG, 1, 0);
	pid = job(sleeper);
	fg(pid);
	type("\032");
	st = wait_for(pid, WUNTRACED);
	CHECK(st == (SIGTSTP << 8 | 0x7f), "SIGTSTP: %x", st);
	sys2(SYS_kill, -pid, SIGCONT);
	CHECK(wait_for(pid, WCONTINUED) == 0xffff, "continued");
	while (sh->nchld < 2)
		msleep(1);
	type("\003");
	st = wait_for(pid, 0);
	CHECK(WTERMSIG(st) == SIGINT, "SIGINT: %x", st);
	CHECK(sh->chld[0] == 5 && sh->chld[1] == 6 && sh->chld[2] == 2,
	    "SIGCHLD codes %d %d %d", sh->chld[0], sh->chld[1], sh->chld[2]);
	handle(SIGCHLD, NULL, 0);
	fg(me);
	pid = job(ignoring);
	CHECK(WEXITSTATUS(wait_for(pid, 0)) == 7, "ignoring");
}

/* A stopped job loses its parent: it is hung up, then continued. */
static void
hup(int signo)
{
	sh->done = signo;
	exit(0);
}

static void
orphan_job(void)
{
	handle(SIGHUP, hup, 0);
	sh->go = 1;
	sleeper();
}

static int
orphan_parent(void *arg)
{
	long pid;

	(void)arg;
	sys2(SYS_setpgid, 0, 0);
	pid = job(orphan_job);
	while (sh->go == 0)
		msleep(1);
	sys2(SYS_kill, pid, SIGSTOP);
	wait_for(pid, WUNTRACED);
	return 0;
}

/* In an orphaned group: no stop by a key, and a read is an error. */
static void
orphan_reads(void)
{
	char c;

	while (sys0(SYS_getppid) == sh->go)
		msleep(1);
	sys2(SYS_kill, sys0(SYS_getpid), SIGTSTP);
	sh->done = (int)sys3(SYS_read, 0, &c, 1);
	exit(0);
}

static int
orphan_parent2(void *arg)
{
	(void)arg;
	sys2(SYS_setpgid, 0, 0);
	sh->go = (int)sys0(SYS_getpid);
	job(orphan_reads);
	return 0;
}

static void
orphans(void)
{
	sh->go = sh->done = 0;
	CHECK(run_child(orphan_parent, NULL) == 0, "parent");
	while (sh->done == 0)
		msleep(1);
	CHECK(sh->done == SIGHUP, "hung up by %d", sh->done);
	sh->done = 0;
	CHECK(run_child(orphan_parent2, NULL) == 0, "parent");
	while (sh->done == 0)
		msleep(1);
	CHECK(sh->done == -EIO, "orphan reads: %d", sh->done);
}

static void
errors(void)
{
	int n = 1 << 29, sid = 0;
	long me = sys0(SYS_getpid);

	CHECK(tio(TIOCGSID, &sid) == 0 && sid == me, "TIOCGSID %d", sid);
	CHECK(tio(TIOCSPGRP, &n) == -ESRCH, "no such group");
	n = -3;
	CHECK(tio(TIOCSPGRP, &n) == -EINVAL, "negative group");
	n = 1;
	CHECK(tio(TIOCSPGRP, &n) == -EPERM, "another session's group");
	CHECK(tio(TIOCSCTTY, NULL) == 0, "it is ours already");
	CHECK(tio(TCGETS, (void *)8) == -EFAULT, "bad pointer");
	CHECK(tio(0x54ff, NULL) == -ENOTTY, "no such ioctl");
}

static void
on_hup(int signo)
{
	sh->done = signo;
}

/* session: all of the above as the leader of a session with the terminal. */
static int
session(void *arg)
{
	(void)arg;
	CHECK(sys0(SYS_setsid) == sys0(SYS_getpid), "setsid");
	CHECK(sys3(SYS_open, "/dev/tty", 2, 0) == -ENXIO, "no terminal yet");
	CHECK(tio(TIOCGPGRP, &mode) == -ENOTTY, "not ours yet");
	CHECK(tio(TIOCSCTTY, (void *)1) == 0, "TIOCSCTTY");
	CHECK(sys3(SYS_open, "/dev/tty", 2, 0) > 0, "/dev/tty");
	canonical();
	raw();
	chars();
	background();
	control_keys();
	orphans();
	errors();
	CHECK(tio(TCFLSH, NULL) == 0, "flush");
	CHECK(tio(TCSETS, &saved) == 0, "back to what it was");
	sh->done = 0;
	handle(SIGHUP, on_hup, 0);
	CHECK(tio(TIOCNOTTY, NULL) == 0, "TIOCNOTTY");
	while (sh->done != SIGHUP)
		msleep(1);
	CHECK(tio(TIOCNOTTY, NULL) == -ENOTTY, "no more");
	return 0;
}

int
main(int argc, char **argv, char **envp)
{
	int st;

	(void)argc;
	(void)argv;
	(void)envp;
	if (tio(TCGETS, &saved) != 0) {
		printf("ttys: standard input is no terminal\n");
		return 77;
	}
	sh = map_shared(PGSZ);
	/* On Linux, script(1)'s end of the session must not end us. */
	handle(SIGHUP, (void (*)(int))1, 0);
	st = run_child(session, NULL);
	CHECK(st == 0, "session: %x", st);
	printf("ttys: lines, raw mode, signals, jobs, orphaned groups\n");
	return 0;
}
