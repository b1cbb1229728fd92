/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits.c: does each thing that runs out say which: E2BIG, EMFILE, ENFILE,
 * ENOSPC, EAGAIN; is what was refused not half done; and does it work again when
 * there is room?
 *
 * Of the system's own limits (/proc/sys, a small tmpfs) only with argument
 * "own": on a host they are everybody's.
 */
#include "ulib.h"

enum {
	SYS_pwrite64 = 18, SYS_socket = 41, SYS_connect = 42, SYS_accept = 43,
	SYS_bind = 49, SYS_listen = 50, SYS_socketpair = 53,
	SYS_ftruncate = 77, SYS_mkdir = 83, SYS_rmdir = 84, SYS_unlink = 87,
	SYS_setuid = 105, SYS_mknod = 133, SYS_statfs = 137, SYS_mount = 165,
	SYS_umount2 = 166,
	SYS_fallocate = 285, SYS_eventfd2 = 290, SYS_epoll_create1 = 291,
	SYS_dup3 = 292, SYS_memfd_create = 319,
	O_RDWR = 2, O_CREAT = 0100, O_TRUNC = 01000, O_TMPFILE = 020200000,
	F_DUPFD = 0,
	RLIMIT_NPROC = 6, RLIMIT_NOFILE = 7,
	EBUSY = 16, ENFILE = 23, EMFILE = 24, ENOSPC = 28,
	NSTR = 4000, STR = 4096,
};

static char string[(256 << 10) + 1];
static char *many[NSTR + 1];
static char *const none[] = { NULL };
static const char full[] = "/tmp/limits-full";
/* Data, so that there is a last page of it to be cleared: see middle(). */
static volatile unsigned data = 20;

static void
limit(int which, unsigned long n)
{
	unsigned long l[2] = { n, n };

	CHECK(sys4(SYS_prlimit64, 0, which, l, 0) == 0, "setrlimit %d", which);
}

/* ---- exec ---- */

static int
exec_many(void *arg)
{
	return (int)-(arg != NULL ?
	    sys3(SYS_execve, "/proc/self/exe", many, none) :
	    sys3(SYS_execve, "/proc/self/exe", none, many));
}

static int
exec_long(void *arg)
{
	char *const one[] = { string, NULL };

	(void)arg;
	return (int)-sys3(SYS_execve, "/proc/self/exe", one, none);
}

static int
exec_fits(void *arg)
{
	char *const args[] = { "limits", "child", string, NULL };

	(void)arg;
	string[100000] = '\0';
	return (int)-sys3(SYS_execve, "/proc/self/exe", args, none);
}

static void
arguments(void)
{
	int st;

	memset(string, 'x', sizeof(string) - 1);
	for (int i = 0; i < NSTR; i++)
		many[i] = string + sizeof(string) - STR;
	st = run_child(exec_many, many);
	CHECK(WEXITSTATUS(st) == E2BIG, "argv: %x", st);
	st = run_child(exec_many, NULL);
	CHECK(WEXITSTATUS(st) == E2BIG, "envp: %x", st);
	st = run_child(exec_long, NULL);
	CHECK(WEXITSTATUS(st) == E2BIG, "one string: %x", st);
	st = run_child(exec_fits, NULL);
	CHECK(st == 0, "what fits: %x", st);
}

/* ---- descriptors ---- */

/* used: descriptors of this process. */
static int
used(void)
{
	int n = 0;

	for (int fd = 0; fd < 64; fd++)
		n += sys2(SYS_fcntl, fd, 1) >= 0;
	return n;
}

/* makers: each call that gives a descriptor, with none left. */
static void
makers(long want)
{
	static const char new[] = "/tmp/limits-new";
	struct stat st;
	int p[2] = { -1, -1 }, n = used();

	CHECK(sys3(SYS_open, "/dev/null", 0, 0) == want, "open");
	CHECK(sys3(SYS_open, new, O_RDWR | O_CREAT, 0600) == want &&
	    sys4(SYS_openat, -100, new, O_RDWR | O_CREAT, 0600) == want &&
	    sys2(SYS_access, new, 0) == -ENOENT, "open makes nothing");
	CHECK(sys3(SYS_open, "/tmp", O_RDWR | O_TMPFILE, 0600) == want,
	    "a file without a name");
	CHECK(sys3(SYS_open, full, O_RDWR | O_TRUNC, 0) == want &&
	    sys2(SYS_stat, full, &st) == 0 && st.size == 5, "open cuts nothing");
	CHECK(sys2(SYS_pipe2, p, 0) == want, "pipe");
	CHECK(sys4(SYS_socketpair, 1, 1, 0, p) == want, "socketpair");
	CHECK(p[0] == -1 && p[1] == -1, "told of %d %d", p[0], p[1]);
	CHECK(sys3(SYS_socket, 1, 1, 0) == want, "socket");
	CHECK(sys2(SYS_eventfd2, 0, 0) == want, "eventfd");
	CHECK(sys1(SYS_epoll_create1, 0) == want, "epoll");
	CHECK(sys2(SYS_memfd_create, "m", 0) == want, "memfd");
	CHECK(used() == n, "%d descriptors, not %d", used(), n);
}

/* knock: a listening socket with one who waits there, *to. */
static long
knock(int *to)
{
	/* An abstract name of this process. */
	static struct {
		unsigned short	family;
		char		path[20];
	} a = { 1, "\0limits" };
	long l = sys3(SYS_socket, 1, 1 | 04000 /* NONBLOCK */, 0);
	long len = put_number(a.path + 7, (unsigned long)sys0(SYS_getpid)) -
	    (char *)&a;

	*to = (int)sys3(SYS_socket, 1, 1, 0);
	CHECK(l >= 0 && *to >= 0 && sys3(SYS_bind, l, &a, len) == 0 &&
	    sys2(SYS_listen, l, 1) == 0 && sys3(SYS_connect, *to, &a, len) ==
	    0, "a connection");
	return l;
}

/* answer: there is a descriptor again: the connection is still there. */
static void
answer(long l, int to)
{
	long fd = sys3(SYS_accept, l, 0, 0);
	char c = 0;

	CHECK(fd >= 0 && sys3(SYS_write, to, "q", 1) == 1 &&
	    sys3(SYS_read, fd, &c, 1) == 1 && c == 'q', "accept: %ld", fd);
	sys1(SYS_close, fd);
}

static int
descriptors(void *arg)
{
	int p[2] = { -1, -1 }, n, to;
	long fd, last = 0, l;

	(void)arg;
	l = knock(&to);
	n = used();
	limit(RLIMIT_NOFILE, 20);
	while ((fd = sys1(SYS_dup, 0)) >= 0)
		last = fd;
	CHECK(fd == -EMFILE && last == 19, "dup: %ld after %ld", fd, last);
	makers(-EMFILE);
	CHECK(sys3(SYS_accept, l, 0, 0) == -EMFILE, "accept");
	CHECK(sys3(SYS_fcntl, 0, F_DUPFD, 0) == -EMFILE &&
	    sys3(SYS_fcntl, 0, F_DUPFD, 20) == -EINVAL &&
	    sys3(SYS_dup3, 0, 20, 0) == -EBADF, "dup");
	sys1(SYS_close, last);
	n = used();
	CHECK(sys2(SYS_pipe2, p, 0) == -EMFILE && used() == n &&
	    sys4(SYS_socketpair, 1, 1, 0, p) == -EMFILE && used() == n,
	    "two, and room for one");
	CHECK(sys1(SYS_dup, 0) == last, "one");
	sys1(SYS_close, last);
	answer(l, to);
	sys1(SYS_close, last - 1);
	CHECK(sys2(SYS_pipe2, 8, 0) == -EFAULT && used() == n - 1 &&
	    sys4(SYS_socketpair, 1, 1, 0, 8) == -EFAULT && used() == n - 1,
	    "nobody to tell");
	CHECK(sys2(SYS_pipe2, p, 0) == 0 && p[0] == last - 1 && p[1] == last,
	    "two: %d %d", p[0], p[1]);
	return 0;
}

/* ---- a descriptor that is taken, of a file that is not yet open ---- */

static const char fifo[] = "/tmp/limits-fifo";
static long opened;

static void
open_fifo(void *arg)
{
	(void)arg;
	opened = sys3(SYS_open, fifo, 0, 0);
}

static int
child_dup(void *arg)
{
	return sys1(SYS_dup, 0) != *(long *)arg;
}

static void
reserved(void)
{
	struct uthread t;
	long n = sys1(SYS_dup, 0), d = n, w;

	CHECK(n > 0 && sys1(SYS_close, n) == 0, "the lowest: %ld", n);
	CHECK(sys3(SYS_mknod, fifo, 010600, 0) == 0 &&
	    thread_start(&t, open_fifo, NULL) == 0, "a thread");
	for (int i = 0; i < 10000; i++) {
		d = sys1(SYS_dup, 0);
		sys1(SYS_close, d);
		if (d != n)
			break;
		msleep(1);
	}
	CHECK(d == n + 1, "the next: %ld", d);
	CHECK(sys2(SYS_dup2, 0, n) == -EBUSY, "dup2 over it");
	CHECK(sys1(SYS_close, n) == -EBADF && sys2(SYS_fcntl, n, 1) ==
	    -EBADF, "it is not open");
	CHECK(run_child(child_dup, &n) == 0, "free in a child");
	w = sys3(SYS_open, fifo, 1, 0);
	thread_join(&t);
	CHECK(opened == n && w == n + 1, "%ld, %ld", opened, w);
	sys1(SYS_close, n);
	sys1(SYS_close, w);
	sys1(SYS_unlink, fifo);
}

/* set: a number of /proc/sys; the old one. */
static unsigned long
set(const char *path, unsigned long value)
{
	char text[32];
	unsigned long old;
	long fd = sys3(SYS_open, path, O_RDWR, 0), got;

	CHECK(fd >= 0, "%s: %ld", path, fd);
	got = sys3(SYS_read, fd, text, sizeof(text) - 1);
	CHECK(got > 0, "%s: %ld", path, got);
	text[got] = '\0';
	old = strtoul(text);
	got = put_number(text, value) - text;
	CHECK(sys3(SYS_write, fd, text, got) == got, "%s", path);
	sys1(SYS_close, fd);
	return old;
}

static int
as_user(void *arg)
{
	long fd, n = 0, l;
	int to;

	(void)arg;
	CHECK(sys1(SYS_setuid, 1000) == 0, "setuid");
	l = knock(&to);
	while ((fd = sys3(SYS_open, "/dev/null", 0, 0)) >= 0)
		n++;
	CHECK(fd == -ENFILE && n > 0, "%ld after %ld", fd, n);
	makers(-ENFILE);
	CHECK(sys3(SYS_accept, l, 0, 0) == -ENFILE, "accept");
	sys1(SYS_close, to + 1);
	answer(l, to);
	return 0;
}

static void
files(void)
{
	char text[64];
	long fd = sys3(SYS_open, "/proc/sys/fs/file-nr", 0, 0);
	unsigned long max, now;
	int st;

	CHECK(fd >= 0 && sys3(SYS_read, fd, text, 63) > 0, "file-nr");
	sys1(SYS_close, fd);
	now = strtoul(text);
	max = set("/proc/sys/fs/file-max", now + 30);
	st = run_child(as_user, NULL);
	set("/proc/sys/fs/file-max", max);
	CHECK(st == 0, "as a user: %x", st);
}

/* ---- processes ---- */

/* fill: children until fork refuses; how many; all are gone afterwards. */
static int
fill(long *error)
{
	long pid[256];
	int n, st;

	for (n = 0; n < 256; n++) {
		pid[n] = fork();
		if (pid[n] == 0) {
			msleep(100000);
			exit(0);
		}
		if (pid[n] < 0)
			break;
	}
	*error = n < 256 ? pid[n] : 0;
	for (int i = 0; i < n; i++)
		sys2(SYS_kill, pid[i], SIGKILL);
	for (int i = 0; i < n; i++)
		CHECK(waitpid(pid[i], &st) == pid[i], "wait");
	return n;
}

static int
user_procs(void *arg)
{
	long error;
	int n;

	(void)arg;
	limit(RLIMIT_NPROC, 12);
	CHECK(sys1(SYS_setuid, 12345) == 0, "setuid");
	for (int i = 0; i < 3; i++) {
		n = fill(&error);
		CHECK(error == -EAGAIN && n == 11, "fork %d: %ld", n, error);
	}
	return 0;
}

static void
table(void)
{
	unsigned long max = set("/proc/sys/kernel/threads-max", 60);
	long error;
	int n = fill(&error);

	set("/proc/sys/kernel/threads-max", max);
	CHECK(error == -EAGAIN && n > 0 && n < 60, "%d: %ld", n, error);
	CHECK(run_child(user_procs, NULL) == 0, "a child again");
}

/* ---- space ---- */

struct statfs {
	long	type, bsize, blocks, bfree, bavail, files, ffree, fsid, namelen,
		frsize, flags, spare[4];
};

static int
touch(void *arg)
{
	*(volatile char *)arg = 1;
	return 0;
}

static void
space(void)
{
	static const char dir[] = "/tmp/limits", file[] = "/tmp/limits/f";
	struct statfs sf;
	long fd, n, sum = 0;
	char *p;
	int st;

	CHECK(sys2(SYS_mkdir, dir, 0755) == 0, "mkdir");
	CHECK(sys6(SYS_mount, (long)"x", (long)dir, (long)"tmpfs", 0,
	    (long)"bogus=1", 0) == -EINVAL, "unknown option");
	CHECK(sys6(SYS_mount, (long)"x", (long)dir, (long)"tmpfs", 0,
	    (long)"size=64k,mode=700", 0) == 0, "mount");
	CHECK(sys2(SYS_statfs, dir, &sf) == 0 && sf.blocks == 16 &&
	    sf.bfree == 16, "blocks %ld, free %ld", sf.blocks, sf.bfree);
	fd = sys3(SYS_open, file, O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0, "create: %ld", fd);
	while ((n = sys3(SYS_write, fd, string, 5000)) > 0)
		sum += n;
	CHECK(n == -ENOSPC && sum == 65536, "%ld after %ld", n, sum);
	CHECK(sys2(SYS_statfs, dir, &sf) == 0 && sf.bfree == 0, "full");
	CHECK(sys4(SYS_pwrite64, fd, "y", 1, 0) == 1, "what is there");
	CHECK(sys2(SYS_ftruncate, fd, 200000) == 0, "a hole is no space");
	CHECK(sys4(SYS_fallocate, fd, 0, 0, 131072) == -ENOSPC, "allocate");
	p = (char *)sys6(SYS_mmap, 0, 200000, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	st = run_child(touch, p + 100000);
	CHECK(WTERMSIG(st) == SIGBUS, "a store in the hole: %x", st);
	CHECK(p[0] == 'y' && p[65535] == 'x', "bytes");
	CHECK(sys2(SYS_ftruncate, fd, 4096) == 0 &&
	    sys2(SYS_statfs, dir, &sf) == 0 && sf.bfree == 15, "cut: %ld",
	    sf.bfree);
	CHECK(sys2(SYS_ftruncate, fd, 8192) == 0 &&
	    run_child(touch, p + 5000) == 0, "room again");
	CHECK(sys2(SYS_statfs, dir, &sf) == 0 && sf.bfree == 14, "%ld",
	    sf.bfree);
	CHECK(sys6(SYS_mount, 0, (long)dir, 0, 32 /* REMOUNT */,
	    (long)"size=4k", 0) == -EINVAL &&
	    sys6(SYS_mount, 0, (long)dir, 0, 32, (long)"size=8k", 0) == 0,
	    "remount");
	CHECK(sys4(SYS_pwrite64, fd, string, 1, 8192) == -ENOSPC, "less");
	/* Gone with its name, its file and its mapping, not before. */
	sys1(SYS_unlink, file);
	sys1(SYS_close, fd);
	CHECK(sys2(SYS_statfs, dir, &sf) == 0 && sf.bfree == 0, "mapped");
	sys2(SYS_munmap, p, 200000);
	CHECK(sys2(SYS_statfs, dir, &sf) == 0 && sf.bfree == 2, "free: %ld",
	    sf.bfree);
	CHECK(sys2(SYS_umount2, dir, 0) == 0 && sys1(SYS_rmdir, dir) == 0,
	    "umount");
}

/* ---- files and processes want the same memory ---- */

struct sysinfo {
	long		uptime;
	unsigned long	loads[3], totalram, freeram, rest[8];
};

static unsigned long
free_of(unsigned long *total)
{
	struct sysinfo si;

	CHECK(sys1(SYS_sysinfo, &si) == 0, "sysinfo");
	*total = si.totalram;
	return si.freeram;
}

/* eat: memory until a ninth is free, and wait. */
static void
eat(int tell)
{
	unsigned long total, n = 0, len;
	char *p;

	free_of(&total);
	len = total;
	p = (char *)sys6(SYS_mmap, 0, (long)len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	while (free_of(&total) > total / 9)
		for (int i = 0; i < 32 && n < len; i++, n += PGSZ)
			p[n] = 1;
	sys3(SYS_write, tell, "x", 1);
	msleep(1000000);
	exit(0);
}

/* write_all: up to max bytes to a new file; how many; *error of the last. */
static unsigned long
write_all(const char *path, unsigned long max, long *error)
{
	long fd = sys3(SYS_open, path, O_RDWR | O_CREAT | O_TRUNC, 0600), n;
	unsigned long sum = 0;

	CHECK(fd >= 0, "%s: %ld", path, fd);
	*error = 0;
	while (sum < max) {
		n = sys3(SYS_write, fd, string, 65536);
		if (n <= 0) {
			*error = n;
			break;
		}
		sum += (unsigned long)n;
	}
	sys1(SYS_close, fd);
	return sum;
}

static int
nothing(void *arg)
{
	(void)arg;
	return 0;
}

/*
 * A process has taken what is free: files, which have little, still get their
 * part, but not the last; then the disk is full, and the machine works on.
 */
static void
shortage(void)
{
	static const char a[] = "/tmp/limits-a", b[] = "/tmp/limits-b";
	unsigned long total, n;
	struct statfs sf;
	long pid, error;
	int p[2], st;
	char c;

	CHECK(sys1(SYS_pipe, p) == 0, "pipe");
	pid = fork();
	if (pid == 0)
		eat(p[1]);
	CHECK(pid > 0 && sys3(SYS_read, p[0], &c, 1) == 1, "a child");
	free_of(&total);
	CHECK(sys2(SYS_statfs, "/tmp", &sf) == 0 && sf.bfree > 0 &&
	    sf.bfree <= sf.blocks, "%ld of %ld", sf.bfree, sf.blocks);
	n = write_all(a, total / 64, &error);
	CHECK(error == 0, "%lu, then %ld", n, error);
	n = write_all(a, total, &error);
	CHECK(error == -ENOSPC && n >= total / 64 && n < total / 2, "%lu, then "
	    "%ld", n, error);
	CHECK(free_of(&total) > total / 40, "%lu of %lu are left",
	    free_of(&total), total);
	n = write_all(b, total, &error);
	CHECK(error == -ENOSPC && n <= total / 100, "%lu more", n);
	for (int i = 0; i < 20; i++)
		CHECK(run_child(nothing, NULL) == 0, "a child");
	CHECK(sys2(SYS_kill, pid, SIGKILL) == 0 && waitpid(pid, &st) == pid &&
	    WTERMSIG(st) == SIGKILL, "it is still there: %x", st);
	CHECK(sys1(SYS_unlink, a) == 0, "unlink");
	n = write_all(b, total / 4, &error);
	CHECK(error == 0 && sys1(SYS_unlink, b) == 0, "room again: %ld", error);
	sys1(SYS_close, p[0]);
	sys1(SYS_close, p[1]);
}

static int
run_file(void *arg)
{
	return (int)-sys3(SYS_execve, arg, none, none);
}

/*
 * No page in the middle of exec, where the old program is gone and the new one
 * not there: the page that is to be cleared behind the data is a hole of a file
 * system that is full.  The process is killed.
 */
static void
middle(void)
{
	static const char dir[] = "/tmp/limits", file[] = "/tmp/limits/x";
	struct stat st;
	long fd, to;
	int i;

	CHECK(sys2(SYS_mkdir, dir, 0755) == 0 &&
	    sys6(SYS_mount, (long)"x", (long)dir, (long)"tmpfs", 0,
	    (long)"size=4k", 0) == 0, "mount");
	fd = sys3(SYS_open, "/proc/self/exe", 0, 0);
	to = sys3(SYS_open, file, O_RDWR | O_CREAT, 0755);
	CHECK(fd >= 0 && sys2(SYS_fstat, fd, &st) == 0 &&
	    sys3(SYS_read, fd, string, PGSZ) == (long)PGSZ &&
	    sys3(SYS_write, to, string, PGSZ) == (long)PGSZ &&
	    sys2(SYS_ftruncate, to, st.size) == 0, "a head and a hole");
	sys1(SYS_close, fd);
	sys1(SYS_close, to);
	while (data-- > 0) {
		i = run_child(run_file, (void *)file);
		CHECK(WTERMSIG(i) == SIGKILL, "exec: %x", i);
	}
	CHECK(sys1(SYS_unlink, file) == 0 && sys2(SYS_umount2, dir, 0) == 0 &&
	    sys1(SYS_rmdir, dir) == 0, "umount");
}

/* close_range: what is there goes, or is marked; nothing else is touched. */
static void
ranges(void)
{
	enum { SYS_close_range = 436, CLOEXEC = 4, F_GETFD = 1 };
	long fd[6];

	for (unsigned i = 0; i < 6; i++)
		fd[i] = sys3(SYS_open, "/dev/null", 0, 0);
	CHECK(fd[5] == fd[0] + 5, "descriptors %ld to %ld", fd[0], fd[5]);
	CHECK(sys3(SYS_close_range, fd[2], fd[1], 0) == -EINVAL &&
	    sys3(SYS_close_range, fd[0], fd[1], 1) == -EINVAL, "arguments");
	sys1(SYS_close, fd[2]);
	CHECK(sys3(SYS_close_range, fd[1], fd[3], 0) == 0 &&
	    sys2(SYS_fcntl, fd[0], F_GETFD) == 0 &&
	    sys2(SYS_fcntl, fd[1], F_GETFD) == -EBADF &&
	    sys2(SYS_fcntl, fd[3], F_GETFD) == -EBADF &&
	    sys2(SYS_fcntl, fd[4], F_GETFD) == 0, "closed");
	CHECK(sys3(SYS_close_range, fd[4], ~0U, CLOEXEC) == 0 &&
	    sys2(SYS_fcntl, fd[4], F_GETFD) == 1 &&
	    sys2(SYS_fcntl, fd[0], F_GETFD) == 0, "marked");
	CHECK(sys3(SYS_close_range, fd[0], ~0U, 0) == 0 &&
	    sys2(SYS_fcntl, fd[5], F_GETFD) == -EBADF, "the rest");
}

int
main(int argc, char **argv, char **envp)
{
	long fd;

	(void)envp;
	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return strlen(argv[2]) != 100000;
	arguments();
	fd = sys3(SYS_open, full, O_RDWR | O_CREAT, 0666);
	CHECK(fd >= 0 && sys3(SYS_write, fd, "hello", 5) == 5, "%s", full);
	sys1(SYS_close, fd);
	reserved();
	ranges();
	CHECK(run_child(descriptors, NULL) == 0, "descriptors");
	CHECK(run_child(user_procs, NULL) == 0, "processes of a user");
	if (argc > 1 && strcmp(argv[1], "own") == 0) {
		files();
		table();
		space();
		shortage();
		middle();
	}
	sys1(SYS_unlink, full);
	printf("limits: ok\n");
	return 0;
}
