/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procmnt.c: does /proc tell the truth about the caller, do mounts cover and
 * uncover directories, and do rename's flags and chroot do what they say?
 * Everything happens in /tmp/procmnt, which is removed again.
 */
#include "ulib.h"

enum {
	SYS_lstat = 6, SYS_chdir = 80, SYS_rename = 82, SYS_mkdir = 83,
	SYS_rmdir = 84, SYS_link = 86, SYS_unlink = 87, SYS_symlink = 88,
	SYS_readlink = 89, SYS_getcwd = 79, SYS_statfs = 137,
	SYS_chroot = 161, SYS_mount = 165, SYS_umount2 = 166,
	SYS_getdents64 = 217, SYS_renameat2 = 316,
};
#define O_RDWR		2
#define O_CREAT		0100
#define O_DIRECTORY	0200000
#define AT_FDCWD	(-100)
#define EBUSY		16
#define EXDEV		18
#define ENODEV		19
#define ENOTDIR		20
#define EROFS		30
#define ENOTEMPTY	39
#define MS_RDONLY	1
#define MNT_DETACH	2

static char buf[70000], path[300];

static int
op(const char *p, int flags)
{
	return (int)sys3(SYS_open, p, flags, 0644);
}

static void
make(const char *p)
{
	int fd = op(p, O_RDWR | O_CREAT);

	CHECK(fd >= 0, "make %s: %d", p, fd);
	CHECK(sys3(SYS_write, fd, p, 1) == 1, "write");
	sys1(SYS_close, fd);
}

/* slurp: the whole of a file in small reads; its length. */
static long
slurp(const char *p, size_t step)
{
	int fd = op(p, 0);
	long n, len = 0;

	CHECK(fd >= 0, "open %s: %d", p, fd);
	while ((n = sys3(SYS_read, fd, buf + len, step)) > 0 &&
	    len < (long)sizeof(buf) - (long)step - 1)
		len += n;
	CHECK(n >= 0, "read %s: %ld", p, n);
	buf[len] = '\0';
	sys1(SYS_close, fd);
	return len;
}

static bool
has(const char *what)
{
	size_t n = strlen(what);

	for (const char *p = buf; *p != '\0'; p++)
		if (strncmp(p, what, n) == 0)
			return true;
	return false;
}

static const char *
pid_path(long pid, const char *name)
{
	memcpy(path, "/proc/", 6);
	memcpy(put_number(path + 6, (unsigned long)pid), name,
	    strlen(name) + 1);
	return path;
}

static void
self(void)
{
	long pid = sys0(SYS_getpid), n;
	struct stat st;
	int fd;

	n = sys3(SYS_readlink, "/proc/self", buf, 20);
	CHECK(n > 0 && strtoul((buf[n] = '\0', buf)) == (unsigned long)pid,
	    "self: %s", buf);
	CHECK(slurp(pid_path(pid, "/stat"), 7) > 50 && has("(procmnt) R "),
	    "stat: %s", buf);
	CHECK(slurp("/proc/self/status", 4000) > 50 && has("Name:\tprocmnt")
	    && has("VmRSS:"), "status: %s", buf);
	CHECK(slurp("/proc/self/comm", 100) == 8 && has("procmnt\n"), "comm");
	n = slurp("/proc/self/cmdline", 3);
	CHECK(n > 8 && buf[n - 1] == '\0' &&
	    strcmp(buf + n - 8, "procmnt") == 0, "cmdline");
	CHECK(slurp("/proc/self/maps", 4096) > 100 && has("[stack]") &&
	    has(" r-xp ") && has("/procmnt\n"), "maps: %s", buf);
	n = slurp("/proc/self/maps", 1000);
	CHECK(slurp("/proc/self/maps", 11) == n, "maps in small pieces");
	CHECK(slurp("/proc/self/smaps", 4096) > 100 && has("Rss:"), "smaps");
	CHECK(slurp("/proc/self/statm", 100) > 10, "statm");
	n = sys3(SYS_readlink, "/proc/self/exe", buf, 200);
	CHECK(n > 8 && memcmp(buf + n - 8, "/procmnt", 8) == 0, "exe");
	n = sys3(SYS_readlink, "/proc/self/cwd", buf, 200);
	CHECK(n == 12 && memcmp(buf, "/tmp/procmnt", 12) == 0, "cwd");
	make("f");
	fd = op("f", O_RDWR);
	n = sys3(SYS_readlink, pid_path(pid, "/fd/3"), buf, 200);
	CHECK(fd == 3 && n == 14 && memcmp(buf, "/tmp/procmnt/f", 14) == 0,
	    "fd: %ld", n);
	CHECK(sys2(SYS_stat, path, &st) == 0 && st.size == 1 &&
	    sys2(SYS_lstat, path, &st) == 0 &&
	    (st.mode & 0170000) == 0120000, "through fd/3");
	sys1(SYS_close, fd);
	CHECK(sys2(SYS_lstat, path, &st) == -ENOENT, "closed");
	sys1(SYS_unlink, "f");
}

static void __attribute__((__noreturn__))
sleeper(void)
{
	for (;;)
		sys0(SYS_sched_yield);
}

static void
others(void)
{
	long pid = fork(), n, at, off = 0;
	int fd, st, seen = 0;

	if (pid == 0)
		sleeper();
	CHECK(slurp(pid_path(pid, "/stat"), 4000) > 50, "child");
	fd = op("/proc", O_DIRECTORY);
	while ((n = sys3(SYS_getdents64, fd, buf, 300)) > 0) {
		for (at = 0; at < n; at += *(unsigned short *)(void *)
		    (buf + at + 16)) {
			off = *(long *)(void *)(buf + at + 8);
			if (strtoul(buf + at + 19) == (unsigned long)pid)
				seen++;
		}
	}
	CHECK(n == 0 && seen == 1 && off > 0, "listed %d times", seen);
	sys1(SYS_close, fd);
	fd = op(pid_path(pid, "/maps"), 0);
	sys2(SYS_kill, pid, SIGKILL);
	CHECK(waitpid(pid, &st) == pid, "wait");
	n = sys3(SYS_read, fd, buf, 100);
	CHECK(n == 0 || n == -ESRCH, "maps of the dead: %ld", n);
	sys1(SYS_close, fd);
	CHECK(op(pid_path(pid, "/stat"), 0) == -ENOENT, "gone");
	CHECK(sys2(SYS_mkdir, "/proc/x", 0755) < 0 &&
	    op("/proc/x", O_RDWR | O_CREAT) < 0 &&
	    sys1(SYS_unlink, "/proc/uptime") < 0, "/proc is not changed");
}

/* cpu_ticks: field n of the line "cpu" of /proc/stat: 1 user, 3 system. */
static unsigned long
cpu_ticks(int n)
{
	char *s;

	slurp("/proc/stat", 8000);
	CHECK(strncmp(buf, "cpu ", 4) == 0, "stat: %s", buf);
	for (s = buf + 3; n > 0; n--) {
		while (*s == ' ')
			s++;
		while (n > 1 && *s != ' ')
			s++;
	}
	return strtoul(s);
}

/* Do the ticks of the CPUs go where the time goes? */
static void
cpu_times(void)
{
	unsigned long u = cpu_ticks(1), s = cpu_ticks(3);
	volatile unsigned long sink = 0;
	int i, n;

	/* Long enough for a busy machine that loses ticks. */
	for (n = 0; n < 400 && cpu_ticks(1) < u + 3; n++)
		for (i = 0; i < 3000000; i++)
			sink += (unsigned long)i;
	CHECK(cpu_ticks(1) >= u + 3, "user time %lu, was %lu", cpu_ticks(1), u);
	for (n = 0; n < 400 && cpu_ticks(3) < s + 3; n++)
		for (i = 0; i < 20000; i++)
			sys1(SYS_close, -1);
	CHECK(cpu_ticks(3) >= s + 3, "system time %lu, was %lu", cpu_ticks(3),
	    s);
}

static void
system_files(void)
{
	CHECK(slurp("/proc/meminfo", 4000) > 0 && has("MemTotal:") &&
	    has("MemFree:"), "meminfo");
	CHECK(slurp("/proc/uptime", 100) > 0 && has("."), "uptime");
	CHECK(slurp("/proc/loadavg", 100) > 0 && has("/"), "loadavg");
	CHECK(slurp("/proc/stat", 8000) > 0 && has("cpu0 ") && has("btime "),
	    "stat");
	CHECK(slurp("/proc/vmstat", 8000) > 0, "vmstat");
	cpu_times();
	CHECK(slurp("/proc/mounts", 8000) > 0 && has(" /proc proc "),
	    "mounts");
	CHECK(slurp("/proc/sys/vm/overcommit_memory", 8) == 2, "knob");
	CHECK(sys3(SYS_lseek, op("/proc/uptime", 0), 0, 0) == 0, "lseek");
}

static void
renames(void)
{
	struct stat a, b;

	make("a");
	make("b");
	CHECK(sys2(SYS_lstat, "a", &a) == 0, "a");
	CHECK(sys6(SYS_renameat2, AT_FDCWD, (long)"a", AT_FDCWD, (long)"b", 1,
	    0) == -EEXIST, "NOREPLACE");
	CHECK(sys6(SYS_renameat2, AT_FDCWD, (long)"a", AT_FDCWD, (long)"b", 2,
	    0) == 0 && sys2(SYS_lstat, "b", &b) == 0 && b.ino == a.ino,
	    "EXCHANGE");
	CHECK(sys6(SYS_renameat2, AT_FDCWD, (long)"a", AT_FDCWD, (long)"c", 2,
	    0) == -ENOENT, "EXCHANGE with nothing");
	CHECK(sys6(SYS_renameat2, AT_FDCWD, (long)"a", AT_FDCWD, (long)"b", 3,
	    0) == -EINVAL, "both");
	sys2(SYS_mkdir, "d", 0755);
	sys2(SYS_mkdir, "d/e", 0755);
	CHECK(sys6(SYS_renameat2, AT_FDCWD, (long)"a", AT_FDCWD, (long)"d/e",
	    2, 0) == 0 && sys2(SYS_lstat, "a", &a) == 0 &&
	    (a.mode & 0170000) == 0040000 && sys2(SYS_lstat, "d", &b) == 0 &&
	    b.nlink == 2, "a file and a directory");
	CHECK(sys6(SYS_renameat2, AT_FDCWD, (long)"d", AT_FDCWD, (long)"d/e",
	    2, 0) < 0, "with its own inside");
	CHECK(sys1(SYS_unlink, "d/e") == 0 && sys1(SYS_rmdir, "d") == 0 &&
	    sys1(SYS_rmdir, "a") == 0 && sys1(SYS_unlink, "b") == 0, "clean");
}

static void
mounts(void)
{
	unsigned long sf[15];
	struct stat st, was;
	int fd;
	long n;

	sys2(SYS_mkdir, "m", 0755);
	make("m/under");
	sys2(SYS_lstat, "m", &was);
	n = sys6(SYS_mount, (long)"none", (long)"m", (long)"tmpfs", 0, 0, 0);
	if (n == -EPERM) {
		printf("no mount here\n");
		sys1(SYS_unlink, "m/under");
		sys1(SYS_rmdir, "m");
		return;
	}
	CHECK(n == 0, "mount: %ld", n);
	CHECK(op("m/under", 0) == -ENOENT && sys2(SYS_lstat, "m", &st) == 0 &&
	    st.dev != was.dev, "covered");
	CHECK(sys2(SYS_statfs, "m", sf) == 0 && sf[0] == 0x01021994, "statfs");
	make("m/x");
	make("y");
	CHECK(sys2(SYS_rename, "m/x", "z") == -EXDEV &&
	    sys2(SYS_link, "y", "m/y") == -EXDEV, "across");
	CHECK(sys1(SYS_rmdir, "m") == -EBUSY &&
	    sys2(SYS_rename, "m", "k") == -EBUSY, "a mount point stays");
	CHECK(slurp("/proc/mounts", 8000) > 0 &&
	    has("none /tmp/procmnt/m tmpfs rw"), "mounts: %s", buf);
	CHECK(sys1(SYS_chdir, "m") == 0 && sys2(SYS_getcwd, buf, 100) == 15 &&
	    strcmp(buf, "/tmp/procmnt/m") == 0 && op("../y", 0) >= 0,
	    "inside");
	CHECK(sys2(SYS_umount2, "/tmp/procmnt/m", 0) == -EBUSY, "busy: cwd");
	CHECK(sys1(SYS_chdir, "..") == 0, "out again");
	fd = op("m/x", O_RDWR);
	CHECK(sys2(SYS_umount2, "m", 0) == -EBUSY, "busy: open file");
	CHECK(sys2(SYS_umount2, "m", MNT_DETACH) == 0, "detach");
	CHECK(op("m/under", 0) >= 0, "uncovered");
	CHECK(sys3(SYS_read, fd, buf, 10) == 1, "the open file lives");
	sys1(SYS_close, fd);
	CHECK(sys6(SYS_mount, (long)"none", (long)"m", (long)"tmpfs",
	    MS_RDONLY, 0, 0) == 0 && op("m/n", O_RDWR | O_CREAT) == -EROFS &&
	    sys2(SYS_mkdir, "m/n", 0755) == -EROFS &&
	    sys2(SYS_umount2, "m", 0) == 0, "read-only");
	CHECK(sys2(SYS_umount2, "m", 0) == -EINVAL, "not mounted");
	CHECK(sys6(SYS_mount, (long)"none", (long)"y", (long)"tmpfs", 0, 0,
	    0) == -ENOTDIR && sys6(SYS_mount, (long)"none", (long)"m",
	    (long)"nofs", 0, 0, 0) == -ENODEV, "refused");
	sys1(SYS_unlink, "y");
	CHECK(sys1(SYS_unlink, "m/under") == 0 && sys1(SYS_rmdir, "m") == 0,
	    "clean");
}

static int
jailed(void *arg __attribute__((__unused__)))
{
	long n = sys1(SYS_chroot, "j");

	if (n == -EPERM)
		return 0;
	CHECK(n == 0 && sys1(SYS_chdir, "/") == 0, "chroot: %ld", n);
	CHECK(op("/in", 0) >= 0 && op("/../in", 0) >= 0 &&
	    op("/abs", 0) >= 0 && op("/tmp", 0) == -ENOENT, "inside");
	CHECK(sys2(SYS_getcwd, buf, 100) == 2 && buf[0] == '/', "getcwd");
	return 0;
}

static void
roots(void)
{
	sys2(SYS_mkdir, "j", 0755);
	make("j/in");
	sys2(SYS_symlink, "/in", "j/abs");
	CHECK(run_child(jailed, NULL) == 0, "chroot");
	CHECK(sys1(SYS_unlink, "j/in") == 0 && sys1(SYS_unlink, "j/abs") == 0
	    && sys1(SYS_rmdir, "j") == 0, "clean");
}

int
main(int argc __attribute__((__unused__)),
    char **argv __attribute__((__unused__)),
    char **envp __attribute__((__unused__)))
{
	for (int fd = 3; fd < 16; fd++)
		sys1(SYS_close, fd);
	CHECK(sys2(SYS_mkdir, "/tmp/procmnt", 0755) == 0 &&
	    sys1(SYS_chdir, "/tmp/procmnt") == 0, "/tmp/procmnt");
	self();
	others();
	system_files();
	renames();
	mounts();
	roots();
	CHECK(sys1(SYS_rmdir, "/tmp/procmnt") == 0, "left over");
	printf("procmnt: ok\n");
	return 0;
}
