/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attrs.c: do files keep the times, owners and modes they are given, and do
 * stat, statx, statfs, mknod, poll and select say what is there?  Everything
 * happens in /tmp/attrs, which is removed again.
 */
#include "ulib.h"

enum {
	SYS_poll = 7, SYS_pread64 = 17, SYS_select = 23, SYS_rename = 82,
	SYS_mkdir = 83, SYS_rmdir = 84, SYS_chdir = 80, SYS_link = 86,
	SYS_unlink = 87, SYS_symlink = 88, SYS_chmod = 90, SYS_chown = 92,
	SYS_fchown = 93, SYS_lchown = 94, SYS_utime = 132, SYS_mknod = 133,
	SYS_statfs = 137, SYS_fstatfs = 138, SYS_sync = 162,
	SYS_utimes = 235, SYS_fchownat = 260, SYS_newfstatat = 262,
	SYS_pselect6 = 270, SYS_ppoll = 271, SYS_utimensat = 280,
	SYS_syncfs = 306, SYS_statx = 332, SYS_fsync = 74, SYS_lstat = 6,
	SYS_ftruncate = 77,
};
#define O_RDWR		2
#define O_CREAT		0100
#define AT_FDCWD	(-100)
#define AT_NOFOLLOW	0x100
#define AT_EMPTY_PATH	0x1000
#define UTIME_NOW	0x3fffffffL
#define UTIME_OMIT	0x3ffffffeL
#define ENXIO		6
#define ENOSPC		28
#define ESPIPE		29
#define POLLIN		1
#define POLLOUT		4
#define POLLNVAL	0x20

struct statx {
	unsigned	mask, blksize;
	unsigned long	attributes;
	unsigned	nlink, uid, gid;
	unsigned short	mode, pad;
	unsigned long	ino, size, blocks, attributes_mask;
	struct { long sec; unsigned nsec; int pad; } at, bt, ct, mt;
	unsigned	rdev_major, rdev_minor, dev_major, dev_minor;
	unsigned long	spare[14];
};

static char buf[9000];

static int
make(const char *path)
{
	int fd = (int)sys3(SYS_open, path, O_RDWR | O_CREAT, 0644);

	CHECK(fd >= 0, "open %s: %d", path, fd);
	return fd;
}

static struct stat
st_of(const char *path)
{
	struct stat st;

	CHECK(sys2(SYS_lstat, path, &st) == 0, "stat %s", path);
	return st;
}

static long
utimens(const char *path, long a, long an, long m, long mn, int flags)
{
	long t[4] = { a, an, m, mn };

	return sys4(SYS_utimensat, AT_FDCWD, path, t, flags);
}

static void
times(void)
{
	int fd = make("t");
	struct stat st;
	long t[4] = { 7, 8, 9, 10 };

	CHECK(utimens("t", 1000, 5, 2000, 999999999, 0) == 0, "utimensat");
	st = st_of("t");
	CHECK(st.atime == 1000 && st.atime_ns == 5 && st.mtime == 2000 &&
	    st.mtime_ns == 999999999 && st.ctime > 1000000, "%ld %ld %ld",
	    st.atime, st.mtime, st.ctime);
	CHECK(utimens("t", 0, UTIME_OMIT, 3000, 1, 0) == 0 &&
	    st_of("t").atime == 1000 && st_of("t").mtime == 3000, "omit");
	CHECK(utimens("t", 0, UTIME_NOW, 0, UTIME_OMIT, 0) == 0 &&
	    st_of("t").atime > 1000000 && st_of("t").mtime == 3000, "now");
	CHECK(utimens("t", 0, 0, -10, 3, 0) == 0 && st_of("t").mtime == -10 &&
	    st_of("t").mtime_ns == 3, "before 1970: %ld", st_of("t").mtime);
	CHECK(utimens("none", 0, UTIME_OMIT, 0, UTIME_OMIT, 0) == 0,
	    "both omitted: nothing is looked up");
	CHECK(utimens("none", 0, 0, 0, 0, 0) == -ENOENT, "no file");
	CHECK(utimens("t", 0, 1000000000, 0, 0, 0) == -EINVAL, "ns");
	CHECK(utimens("t", 0, 0, 0, 0, 4) == -EINVAL, "flags");
	CHECK(sys4(SYS_utimensat, AT_FDCWD, 0, t, 0) == -EFAULT, "no path");
	CHECK(sys4(SYS_utimensat, fd, 0, t, 0) == 0 && st_of("t").mtime == 9,
	    "futimens");
	CHECK(sys4(SYS_utimensat, fd, 0, t, AT_NOFOLLOW) == -EINVAL, "flags");
	CHECK(sys4(SYS_utimensat, 99, 0, t, 0) == -EBADF, "bad fd");
	CHECK(sys2(SYS_utime, "t", t) == 0 && st_of("t").mtime == 8, "utime");
	CHECK(sys2(SYS_utimes, "t", t) == 0 && st_of("t").mtime == 9 &&
	    st_of("t").mtime_ns == 10000, "utimes");
	CHECK(sys3(SYS_write, fd, "x", 1) == 1 && st_of("t").mtime > 1000000,
	    "write moves mtime");
	CHECK(sys2(SYS_symlink, "t", "s") == 0 &&
	    utimens("s", 50, 0, 60, 0, AT_NOFOLLOW) == 0 &&
	    st_of("s").mtime == 60 && st_of("t").mtime > 1000000, "symlink");
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "s");
	sys1(SYS_unlink, "t");
}

/* What make(1) stands on: who changes which time. */
static void
who_moves_what(void)
{
	int fd = make("w");
	struct stat st;

	CHECK(sys3(SYS_write, fd, "abc", 3) == 3, "write");
	CHECK(utimens("w", 100, 0, 200, 0, 0) == 0, "utimensat");
	CHECK(sys4(SYS_pread64, fd, buf, 3, 0) == 3, "read");
	st = st_of("w");
	CHECK(st.atime > 1000000 && st.mtime == 200, "a read moves atime");
	CHECK(utimens("w", 100, 0, 200, 0, 0) == 0 &&
	    sys2(SYS_chmod, "w", 0600) == 0, "chmod");
	st = st_of("w");
	CHECK(st.mtime == 200 && st.ctime > 1000000, "chmod moves ctime only");
	CHECK(sys2(SYS_ftruncate, fd, 1) == 0 && st_of("w").mtime > 1000000,
	    "truncate moves mtime");
	CHECK(sys2(SYS_mkdir, "wd", 0755) == 0 &&
	    utimens("wd", 1, 0, 2, 0, 0) == 0, "mkdir");
	sys1(SYS_close, make("wd/f"));
	CHECK(st_of("wd").mtime > 1000000, "a new name moves the directory");
	CHECK(utimens("wd", 1, 0, 2, 0, 0) == 0 &&
	    sys1(SYS_unlink, "wd/f") == 0 && st_of("wd").mtime > 1000000,
	    "so does one that goes");
	CHECK(sys1(SYS_rmdir, "wd") == 0 && sys1(SYS_unlink, "w") == 0,
	    "remove");
	sys1(SYS_close, fd);
}

static void
owners(void)
{
	int fd = make("o");

	CHECK(sys3(SYS_chown, "o", 12, 34) == 0 && st_of("o").uid == 12 &&
	    st_of("o").gid == 34, "chown");
	CHECK(sys3(SYS_fchown, fd, -1, 35) == 0 && st_of("o").uid == 12 &&
	    st_of("o").gid == 35, "one of the two");
	CHECK(sys2(SYS_chmod, "o", 06755) == 0 &&
	    (st_of("o").mode & 07777) == 06755, "set-id");
	CHECK(sys3(SYS_chown, "o", 0, 0) == 0 &&
	    (st_of("o").mode & 07777) == 0755, "chown drops set-id");
	CHECK(sys2(SYS_symlink, "o", "os") == 0 &&
	    sys3(SYS_lchown, "os", 5, 5) == 0 && st_of("os").uid == 5 &&
	    st_of("o").uid == 0, "lchown");
	CHECK(sys6(SYS_fchownat, fd, (long)"", 7, 8, AT_EMPTY_PATH, 0) == 0 &&
	    st_of("o").uid == 7 && st_of("o").gid == 8, "fchownat");
	CHECK(sys6(SYS_fchownat, fd, (long)"", 7, 8, 1, 0) == -EINVAL,
	    "flags");
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "os");
	sys1(SYS_unlink, "o");
}

static void
statxs(void)
{
	int fd = make("x");
	struct statx sx;
	struct stat st;

	CHECK(sys3(SYS_write, fd, buf, 5000) == 5000, "write");
	CHECK(sys6(SYS_statx, AT_FDCWD, (long)"x", 0, 0xfff, (long)&sx, 0) ==
	    0, "statx");
	st = st_of("x");
	CHECK((sx.mask & 0x7ff) == 0x7ff && sx.size == 5000 &&
	    sx.ino == st.ino && sx.mode == st.mode && sx.nlink == 1 &&
	    sx.mt.sec == st.mtime && sx.mt.nsec == st.mtime_ns, "values");
	CHECK(sx.blocks == 16 && st.blocks == 16, "blocks %ld", st.blocks);
	CHECK(sys6(SYS_statx, fd, (long)"", AT_EMPTY_PATH, 0x7ff, (long)&sx,
	    0) == 0 && sx.size == 5000, "AT_EMPTY_PATH");
	CHECK(sys6(SYS_statx, fd, (long)"", 0, 0x7ff, (long)&sx, 0) ==
	    -ENOENT, "empty path");
	CHECK(sys6(SYS_statx, fd, (long)"", 0x6000, 0x7ff, (long)&sx, 0) ==
	    -EINVAL, "both hints");
	CHECK(sys6(SYS_statx, AT_FDCWD, (long)"x", 0, 0x80000000L, (long)&sx,
	    0) == -EINVAL, "reserved mask");
	CHECK(sys6(SYS_statx, AT_FDCWD, (long)"x", 0, 0x7ff, 8, 0) ==
	    -EFAULT, "bad pointer");
	CHECK(sys4(SYS_newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH) == 0 &&
	    (st.mode & 0170000) == 0040000, "the working directory");
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "x");
}

static void
systems(void)
{
	unsigned long sf[15];
	int fd = make("f"), fds[2];

	CHECK(sys2(SYS_statfs, "f", sf) == 0 && sf[1] >= 512 && sf[2] > 0 &&
	    sf[3] <= sf[2] && sf[8] == 255, "statfs");
	CHECK(sys2(SYS_fstatfs, fd, sf) == 0 && sf[2] > 0, "fstatfs");
	CHECK(sys2(SYS_statfs, "none", sf) == -ENOENT, "no file");
	CHECK(sys2(SYS_fstatfs, 99, sf) == -EBADF, "bad fd");
	CHECK(sys0(SYS_sync) == 0 && sys1(SYS_fsync, fd) == 0, "sync");
	CHECK(sys1(SYS_syncfs, fd) == 0 && sys1(SYS_syncfs, 99) == -EBADF,
	    "syncfs");
	CHECK(sys1(SYS_pipe, fds) == 0 && sys1(SYS_fsync, fds[0]) == -EINVAL,
	    "fsync of a pipe");
	sys1(SYS_close, fds[0]);
	sys1(SYS_close, fds[1]);
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "f");
}

static void
devices(void)
{
	long fd;

	fd = sys3(SYS_mknod, "null", 0020666, 0x103);
	if (fd == -EPERM) {
		printf("no mknod here\n");
	} else {
		CHECK(fd == 0 && st_of("null").rdev == 0x103, "mknod");
		sys1(SYS_unlink, "null");
	}
	CHECK(sys3(SYS_mknod, "r", 0100600, 0) == 0 &&
	    (st_of("r").mode & 0170000) == 0100000 &&
	    sys3(SYS_mknod, "r", 0100600, 0) == -EEXIST, "plain file");
	CHECK(sys3(SYS_mknod, "d", 0040700, 0) == -EPERM, "directory");
	CHECK(sys3(SYS_mknod, "d", 0030700, 0) == -EINVAL, "no such type");
	sys1(SYS_unlink, "r");
	fd = sys3(SYS_open, "/dev/full", O_RDWR, 0);
	CHECK(fd >= 0 && sys3(SYS_read, fd, buf, 10) == 10 &&
	    sys3(SYS_write, fd, buf, 10) == -ENOSPC, "/dev/full");
	sys1(SYS_close, fd);
	fd = sys3(SYS_open, "/dev/zero", O_RDWR, 0);
	CHECK(fd >= 0 && sys3(SYS_lseek, fd, 10, 0) >= 0 &&
	    sys4(SYS_pread64, fd, buf, 9, 5) == 9, "/dev/zero");
	sys1(SYS_close, fd);
	fd = sys3(SYS_open, "/dev/urandom", 0, 0);
	CHECK(fd >= 0 && sys3(SYS_read, fd, buf, 100) == 100, "/dev/urandom");
	sys1(SYS_close, fd);
}

static void
selects(void)
{
	struct { int fd; short events, revents; } p[2];
	unsigned long in[16] = { 0 }, out[16] = { 0 };
	unsigned long mask = 0, sig[2] = { (unsigned long)&mask, 8 };
	long tv[2] = { 0, 20000 }, ts[2] = { 0, 20000000 };
	int fds[2];

	CHECK(sys1(SYS_pipe, fds) == 0, "pipe");
	in[0] = 1UL << fds[0];
	CHECK(sys6(SYS_select, fds[1] + 1, (long)in, 0, 0, (long)tv, 0) == 0 &&
	    in[0] == 0 && tv[0] == 0 && tv[1] == 0, "time out");
	in[0] = 1UL << fds[0];
	out[0] = 1UL << fds[1];
	CHECK(sys6(SYS_select, fds[1] + 1, (long)in, (long)out, 0, 0, 0) ==
	    1 && in[0] == 0 && out[0] == 1UL << fds[1], "writable");
	CHECK(sys3(SYS_write, fds[1], "x", 1) == 1, "write");
	in[0] = 1UL << fds[0];
	CHECK(sys6(SYS_select, fds[1] + 1, (long)in, (long)out, 0, 0, 0) ==
	    2 && in[0] == 1UL << fds[0], "both");
	in[0] |= 1UL << 60;
	CHECK(sys6(SYS_select, 61, (long)in, 0, 0, 0, 0) == -EBADF, "EBADF");
	CHECK(sys6(SYS_select, -1, 0, 0, 0, 0, 0) == -EINVAL, "n < 0");
	tv[0] = -1;
	CHECK(sys6(SYS_select, 0, 0, 0, 0, (long)tv, 0) == -EINVAL, "time");
	in[0] = 1UL << fds[0];
	CHECK(sys6(SYS_pselect6, fds[1] + 1, (long)in, 0, 0, (long)ts,
	    (long)sig) == 1, "pselect6");
	sig[1] = 4;
	CHECK(sys6(SYS_pselect6, 0, 0, 0, 0, (long)ts, (long)sig) == -EINVAL,
	    "size of the mask");
	CHECK(sys3(SYS_read, fds[0], buf, 1) == 1, "read");
	p[0].fd = fds[0];
	p[0].events = POLLIN;
	p[1].fd = 60;
	p[1].events = POLLIN;
	ts[1] = 20000000;
	CHECK(sys6(SYS_ppoll, (long)p, 1, (long)ts, (long)&mask, 8, 0) == 0,
	    "ppoll");
	CHECK(sys3(SYS_poll, p, 2, -1) == 1 && p[1].revents == POLLNVAL,
	    "poll of nothing");
	sys1(SYS_close, fds[1]);
	CHECK(sys3(SYS_poll, p, 1, -1) == 1 && p[0].revents == 0x10, "hup");
	in[0] = 1UL << fds[0];
	CHECK(sys6(SYS_select, 64, (long)in, 0, 0, 0, 0) == 1, "end of file");
	sys1(SYS_close, fds[0]);
}

/* No file has extended attributes: a fresh one has none anywhere. */
static void
xattrs(void)
{
	long fd = sys3(SYS_open, "x", O_CREAT | O_RDWR, 0600);
	char list[64];

	CHECK(sys3(194, "x", list, sizeof(list)) == 0 &&
	    sys3(195, "x", list, sizeof(list)) == 0 &&
	    sys3(196, fd, list, sizeof(list)) == 0, "listxattr");
	CHECK(sys4(191, "y", "user.a", list, sizeof(list)) == -ENOENT &&
	    sys2(199, 99, "user.a") == -EBADF &&
	    sys3(194, -1, list, sizeof(list)) == -EFAULT, "errors");
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "x");
}

int
main(int argc __attribute__((__unused__)),
    char **argv __attribute__((__unused__)),
    char **envp __attribute__((__unused__)))
{
	CHECK(sys2(SYS_mkdir, "/tmp/attrs", 0755) == 0 &&
	    sys1(SYS_chdir, "/tmp/attrs") == 0, "/tmp/attrs");
	times();
	who_moves_what();
	owners();
	statxs();
	systems();
	devices();
	selects();
	xattrs();
	CHECK(sys1(SYS_rmdir, "/tmp/attrs") == 0, "left over");
	printf("attrs: ok\n");
	return 0;
}
