/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filemore.c: holes, copies inside the kernel, files without names, and locks:
 * who waits for whom, and what ends a lock?  Everything happens in
 * /tmp/filemore, which is removed again.
 */
#include "ulib.h"

enum {
	SYS_pread64 = 17, SYS_pwrite64 = 18, SYS_sendfile = 40,
	SYS_flock = 73, SYS_ftruncate = 77, SYS_chdir = 80, SYS_mkdir = 83,
	SYS_rmdir = 84, SYS_unlink = 87, SYS_linkat = 265, SYS_fadvise64 = 221,
	SYS_fallocate = 285, SYS_preadv = 295, SYS_pwritev = 296,
	SYS_memfd_create = 319, SYS_copy_file_range = 326,
	SYS_preadv2 = 327, SYS_pwritev2 = 328,
};
#define O_RDONLY	0
#define O_WRONLY	1
#define O_RDWR		2
#define O_CREAT		0100
#define O_APPEND	02000
#define ENXIO		6
#define ENOTDIR		20
#define O_EXCL		0200
#define O_TMPFILE	020200000
#define AT_FDCWD	-100
#define AT_SYMLINK_FOLLOW 0x400
#define AT_EMPTY_PATH	0x1000
#define EBUSY		16
#define ESPIPE		29
#define EDEADLK		35
#define EOPNOTSUPP	95
#define F_GETLK		5
#define F_SETLK		6
#define F_SETLKW	7
#define F_OFD_GETLK	36
#define F_OFD_SETLK	37
#define F_ADD_SEALS	1033
#define F_GET_SEALS	1034
#define F_RDLCK		0
#define F_WRLCK		1
#define F_UNLCK		2

struct iovec {
	void	*base;
	size_t	 len;
};
struct flock {
	short	type, whence;
	long	start, len;
	int	pid, pad;
};

static char buf[70000];

static int
make(const char *p)
{
	int fd = (int)sys3(SYS_open, p, O_RDWR | O_CREAT, 0644);

	CHECK(fd >= 0, "open %s: %d", p, fd);
	return fd;
}

static void
holes(void)
{
	int fd = make("h");

	CHECK(sys4(SYS_pwrite64, fd, "x", 1, 8 * PGSZ) == 1 &&
	    sys2(SYS_ftruncate, fd, 16 * PGSZ) == 0, "sparse");
	CHECK(sys3(SYS_lseek, fd, 0, 3) == 8 * (long)PGSZ, "SEEK_DATA");
	CHECK(sys3(SYS_lseek, fd, 8 * PGSZ + 5, 3) == 8 * (long)PGSZ + 5,
	    "inside data");
	CHECK(sys3(SYS_lseek, fd, 5, 4) == 5, "SEEK_HOLE in a hole");
	CHECK(sys3(SYS_lseek, fd, 8 * PGSZ, 4) == 9 * (long)PGSZ, "behind");
	CHECK(sys3(SYS_lseek, fd, 9 * PGSZ, 3) == -ENXIO, "no more data");
	CHECK(sys3(SYS_lseek, fd, 16 * PGSZ, 4) == -ENXIO, "past the end");
	CHECK(sys4(SYS_fallocate, fd, 3, 8 * PGSZ, PGSZ) == 0 &&
	    sys3(SYS_lseek, fd, 0, 3) == -ENXIO, "punched");
	CHECK(sys4(SYS_pwrite64, fd, "abcdef", 6, 100) == 6 &&
	    sys4(SYS_fallocate, fd, 3, 102, 2) == 0 &&
	    sys4(SYS_pread64, fd, buf, 6, 100) == 6 &&
	    memcmp(buf, "ab\0\0ef", 6) == 0, "bytes punched");
	CHECK(sys4(SYS_fallocate, fd, 0, 0, 20 * PGSZ) == 0 &&
	    sys3(SYS_lseek, fd, 0, 2) == 20 * (long)PGSZ, "allocated");
	CHECK(sys4(SYS_fallocate, fd, 0, -1, 1) == -EINVAL &&
	    sys4(SYS_fallocate, fd, 0, 0, 0) == -EINVAL &&
	    sys4(SYS_fallocate, fd, 2, 0, 1) == -EOPNOTSUPP, "refused");
	CHECK(sys4(SYS_fadvise64, fd, 0, 0, 3) == 0 &&
	    sys4(SYS_fadvise64, fd, 0, 0, 9) == -EINVAL, "fadvise");
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "h");
}

static void
vectors(void)
{
	struct iovec v[2] = { { buf, 3 }, { buf + 10, 4 } };
	int fd = make("v"), fds[2];

	memcpy(buf, "abc", 3);
	memcpy(buf + 10, "defg", 4);
	CHECK(sys4(SYS_pwritev, fd, v, 2, 5) == 7, "pwritev");
	memset(buf, 0, 20);
	CHECK(sys4(SYS_preadv, fd, v, 2, 5) == 7 &&
	    memcmp(buf, "abc", 3) == 0 && memcmp(buf + 10, "defg", 4) == 0,
	    "preadv");
	CHECK(sys3(SYS_lseek, fd, 0, 1) == 0, "the offset stays");
	CHECK(sys6(SYS_preadv2, fd, (long)v, 1, -1, 0, 0) == 3 &&
	    sys3(SYS_lseek, fd, 0, 1) == 3, "preadv2 at the offset");
	CHECK(sys6(SYS_pwritev2, fd, (long)v, 1, 0, 0, 0x4000) ==
	    -EOPNOTSUPP, "flags");
	CHECK(sys4(SYS_preadv, fd, v, 2, -1) == -EINVAL, "negative");
	CHECK(sys1(SYS_pipe, fds) == 0 &&
	    sys4(SYS_preadv, fds[0], v, 1, 0) == -ESPIPE, "pipe");
	sys1(SYS_close, fds[0]);
	sys1(SYS_close, fds[1]);
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "v");
}

static void
copies(void)
{
	int in = make("in"), out = make("out"), fds[2], app;
	long off = 10, off2 = 3;

	for (int i = 0; i < (int)sizeof(buf); i++)
		buf[i] = (char)(i * 7);
	CHECK(sys3(SYS_write, in, buf, 50000) == 50000, "write");
	CHECK(sys4(SYS_sendfile, out, in, &off, 45000) == 45000 &&
	    off == 45010, "sendfile");
	memset(buf, 0, sizeof(buf));
	CHECK(sys4(SYS_pread64, out, buf, 45000, 0) == 45000 &&
	    buf[44999] == (char)(45009 * 7), "bytes");
	CHECK(sys3(SYS_lseek, in, 49990, 0) == 49990 &&
	    sys4(SYS_sendfile, out, in, 0, 100) == 10 &&
	    sys3(SYS_lseek, in, 0, 1) == 50000 &&
	    sys4(SYS_sendfile, out, in, 0, 100) == 0, "at the end");
	CHECK(sys1(SYS_pipe, fds) == 0 &&
	    sys4(SYS_sendfile, fds[1], in, (off = 0, &off), 100) == 100 &&
	    sys3(SYS_read, fds[0], buf, 200) == 100, "into a pipe");
	CHECK(sys4(SYS_sendfile, out, fds[0], 0, 1) == -EINVAL ||
	    sys4(SYS_sendfile, out, fds[0], &off, 1) == -ESPIPE,
	    "out of a pipe");
	CHECK(sys4(SYS_sendfile, 99, in, 0, 1) == -EBADF, "bad fd");
	app = (int)sys3(SYS_open, "out", O_WRONLY | O_APPEND, 0);
	CHECK(sys4(SYS_sendfile, app, in, &off, 1) == -EINVAL, "O_APPEND");
	off = 0;
	CHECK(sys6(SYS_copy_file_range, in, (long)&off, out, (long)&off2,
	    1000, 0) == 1000 && off == 1000 && off2 == 1003, "range");
	CHECK(sys6(SYS_copy_file_range, in, (long)&off, in, (long)&off2, 1000,
	    0) == -EINVAL, "overlap");
	CHECK(sys6(SYS_copy_file_range, in, 0, out, 0, 1, 1) == -EINVAL,
	    "flags");
	CHECK(sys6(SYS_copy_file_range, in, (long)&off, app, 0, 1, 0) ==
	    -EBADF, "O_APPEND");
	sys1(SYS_close, fds[0]);
	sys1(SYS_close, fds[1]);
	sys1(SYS_close, app);
	sys1(SYS_close, in);
	sys1(SYS_close, out);
	sys1(SYS_unlink, "in");
	sys1(SYS_unlink, "out");
}

static void
nameless(void)
{
	int fd = (int)sys2(SYS_memfd_create, "n", 2);
	char *p;

	CHECK(fd >= 0, "memfd: %d", fd);
	CHECK(sys2(SYS_ftruncate, fd, 2 * PGSZ) == 0 &&
	    sys3(SYS_fcntl, fd, F_GET_SEALS, 0) == 0, "no seals yet");
	p = (char *)sys6(SYS_mmap, 0, 2 * PGSZ, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	p[0] = 'm';
	CHECK(sys4(SYS_pread64, fd, buf, 1, 0) == 1 && buf[0] == 'm', "map");
	CHECK(sys3(SYS_fcntl, fd, F_ADD_SEALS, 8) == -EBUSY, "mapped");
	sys2(SYS_munmap, p, 2 * PGSZ);
	CHECK(sys3(SYS_fcntl, fd, F_ADD_SEALS, 2 | 4) == 0 &&
	    sys2(SYS_ftruncate, fd, PGSZ) == -EPERM &&
	    sys2(SYS_ftruncate, fd, 3 * PGSZ) == -EPERM, "size is sealed");
	CHECK(sys4(SYS_pwrite64, fd, "w", 1, 0) == 1, "bytes are not");
	CHECK(sys3(SYS_fcntl, fd, F_ADD_SEALS, 8 | 1) == 0 &&
	    sys4(SYS_pwrite64, fd, "w", 1, 0) == -EPERM &&
	    sys6(SYS_mmap, 0, PGSZ, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0) == -EPERM && sys3(SYS_fcntl, fd, F_ADD_SEALS, 2) == -EPERM &&
	    sys3(SYS_fcntl, fd, F_GET_SEALS, 0) == 15, "all sealed");
	sys1(SYS_close, fd);
	fd = (int)sys2(SYS_memfd_create, "n", 0);
	CHECK(sys3(SYS_fcntl, fd, F_ADD_SEALS, 2) == -EPERM &&
	    sys3(SYS_fcntl, fd, F_GET_SEALS, 0) == 1, "without sealing");
	sys1(SYS_close, fd);
	CHECK(sys2(SYS_memfd_create, "n", 64) == -EINVAL, "flags");
}

static long
link_fd(long fd, const char *path, long flags)
{
	return sys6(SYS_linkat, fd, (long)path, AT_FDCWD, (long)"named", flags,
	    0);
}

/* A file that never had a name: link may give it one, if it was not told not
 * to; then it lives and dies as any other. */
static void
tmpfiles(void)
{
	char proc[] = "/proc/self/fd/N";
	int fd, fd2;

	CHECK(sys3(SYS_open, ".", O_TMPFILE, 0600) == -EINVAL, "read only");
	CHECK(sys3(SYS_open, ".", O_TMPFILE | O_RDWR | O_CREAT, 0600) ==
	    -EINVAL, "with O_CREAT");
	CHECK(sys3(SYS_open, ".", 020000000 | O_RDWR, 0600) == -EINVAL,
	    "without O_DIRECTORY");
	CHECK(sys3(SYS_open, "/proc", O_TMPFILE | O_RDWR, 0600) ==
	    -EOPNOTSUPP, "/proc");
	CHECK(sys3(SYS_open, "/dev/null", O_TMPFILE | O_RDWR, 0600) ==
	    -ENOTDIR, "/dev/null");
	CHECK(sys3(SYS_open, "none", O_TMPFILE | O_RDWR, 0600) == -ENOENT,
	    "none");
	fd = (int)sys3(SYS_open, ".", O_TMPFILE | O_RDWR, 0600);
	CHECK(fd >= 0 && sys4(SYS_pwrite64, fd, "temporary", 9, 0) == 9,
	    "O_TMPFILE: %d", fd);
	CHECK(link_fd(fd, "", 0) == -ENOENT, "no name to link");
	CHECK(link_fd(fd, "", AT_EMPTY_PATH) == 0, "link");
	fd2 = make("named");
	CHECK(sys4(SYS_pread64, fd2, buf, 20, 0) == 9 &&
	    memcmp(buf, "temporary", 9) == 0, "the file that was linked");
	CHECK(sys1(SYS_unlink, "named") == 0, "unlink");
	CHECK(link_fd(fd, "", AT_EMPTY_PATH) == -ENOENT, "its last name is gone");
	sys1(SYS_close, fd);
	sys1(SYS_close, fd2);
	fd = (int)sys3(SYS_open, ".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	CHECK(link_fd(fd, "", AT_EMPTY_PATH) == -ENOENT, "O_EXCL: never a name");
	sys1(SYS_close, fd);
	fd = (int)sys3(SYS_open, ".", O_TMPFILE | O_WRONLY, 0600);
	CHECK(fd >= 0 && fd < 10, "O_TMPFILE: %d", fd);
	proc[sizeof(proc) - 2] = (char)('0' + fd);
	CHECK(link_fd(AT_FDCWD, proc, AT_SYMLINK_FOLLOW) == 0
	    && sys1(SYS_unlink, "named") == 0, "link by /proc");
	sys1(SYS_close, fd);
}

static long
lk(int fd, int cmd, int type, long start, long len)
{
	struct flock l = { (short)type, 0, start, len, 0, 0 };

	return sys3(SYS_fcntl, fd, cmd, &l);
}

/* What a child sees of [0, 100): type of the first lock, or 9. */
static int
child_sees(void *arg)
{
	int fd = *(int *)arg;
	struct flock l = { F_WRLCK, 0, 0, 100, 0, 0 };

	CHECK(sys3(SYS_fcntl, fd, F_GETLK, &l) == 0, "F_GETLK");
	if (l.type == F_UNLCK)
		return 9;
	CHECK(l.pid == sys0(SYS_getppid), "pid %d", l.pid);
	return (int)(l.start * 10) + l.type;
}

static void
posix_locks(void)
{
	int fd = make("l"), fd2 = make("l"), ro;

	CHECK(WEXITSTATUS(run_child(child_sees, &fd)) == 9, "none");
	CHECK(lk(fd, F_SETLK, F_WRLCK, 10, 10) == 0, "lock");
	CHECK(WEXITSTATUS(run_child(child_sees, &fd)) == 101, "seen");
	CHECK(lk(fd2, F_SETLK, F_RDLCK, 12, 2) == 0, "own is no obstacle");
	CHECK(lk(fd, F_SETLK, F_UNLCK, 10, 2) == 0 &&
	    WEXITSTATUS(run_child(child_sees, &fd)) == 120, "cut");
	CHECK(lk(fd, F_SETLK, F_UNLCK, 0, 14) == 0 &&
	    WEXITSTATUS(run_child(child_sees, &fd)) == 141, "the rest");
	sys1(SYS_close, fd2);
	CHECK(WEXITSTATUS(run_child(child_sees, &fd)) == 9,
	    "any close drops all");
	ro = (int)sys3(SYS_open, "l", O_RDONLY, 0);
	CHECK(lk(ro, F_SETLK, F_WRLCK, 0, 1) == -EBADF, "read-only");
	CHECK(lk(ro, F_SETLK, 7, 0, 1) == -EINVAL &&
	    lk(ro, F_SETLK, F_RDLCK, -1, 1) == -EINVAL, "bad arguments");
	sys1(SYS_close, ro);
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "l");
}

/* A child that locks [1], tells, and then waits for [0]. */
static void __attribute__((__noreturn__))
opponent(int fd, int tell)
{
	CHECK(lk(fd, F_SETLK, F_WRLCK, 1, 1) == 0, "child's lock");
	CHECK(lk(fd, F_SETLK, F_WRLCK, 0, 1) == -EAGAIN, "in the way");
	sys3(SYS_write, tell, "x", 1);
	exit(lk(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 33 : 1);
}

static void
waiting(void)
{
	long ts[2] = { 0, 50000000 };
	int fd = make("w"), fds[2], st;
	long pid;

	CHECK(sys1(SYS_pipe, fds) == 0, "pipe");
	CHECK(lk(fd, F_SETLK, F_WRLCK, 0, 1) == 0, "lock");
	pid = fork();
	if (pid == 0)
		opponent(fd, fds[1]);
	CHECK(sys3(SYS_read, fds[0], buf, 1) == 1, "told");
	sys2(SYS_nanosleep, ts, 0);
	CHECK(lk(fd, F_SETLKW, F_WRLCK, 1, 1) == -EDEADLK, "deadlock");
	CHECK(lk(fd, F_SETLK, F_UNLCK, 0, 1) == 0, "unlock");
	CHECK(waitpid(pid, &st) == pid && WEXITSTATUS(st) == 33, "woken: %x",
	    st);
	CHECK(lk(fd, F_SETLKW, F_WRLCK, 1, 1) == 0, "its exit unlocks");
	sys1(SYS_close, fds[0]);
	sys1(SYS_close, fds[1]);
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "w");
}

static void
open_locks(void)
{
	int fd = make("o"), fd2 = make("o"), d;

	CHECK(lk(fd, F_OFD_SETLK, F_WRLCK, 0, 0) == 0 &&
	    lk(fd2, F_OFD_SETLK, F_RDLCK, 5, 1) == -EAGAIN &&
	    lk(fd2, F_SETLK, F_RDLCK, 5, 1) == -EAGAIN, "OFD conflict");
	d = (int)sys1(SYS_dup, fd);
	sys1(SYS_close, fd);
	CHECK(lk(fd2, F_OFD_SETLK, F_RDLCK, 5, 1) == -EAGAIN, "dup holds");
	sys1(SYS_close, d);
	CHECK(lk(fd2, F_OFD_SETLK, F_RDLCK, 5, 1) == 0, "last close");
	fd = make("o");
	CHECK(sys2(SYS_flock, fd, 2) == 0 && sys2(SYS_flock, fd2, 2 | 4) ==
	    -EAGAIN && sys2(SYS_flock, fd2, 1 | 4) == -EAGAIN, "flock");
	CHECK(sys2(SYS_flock, fd, 1) == 0 && sys2(SYS_flock, fd2, 1 | 4) == 0
	    && sys2(SYS_flock, fd, 2 | 4) == -EAGAIN, "shared");
	CHECK(sys2(SYS_flock, fd2, 8) == 0 && sys2(SYS_flock, fd, 2 | 4) == 0,
	    "unlock");
	CHECK(sys2(SYS_flock, fd, 0) == -EINVAL &&
	    sys2(SYS_flock, 99, 1) == -EBADF, "refused");
	sys1(SYS_close, fd);
	sys1(SYS_close, fd2);
	sys1(SYS_unlink, "o");
}

int
main(int argc __attribute__((__unused__)),
    char **argv __attribute__((__unused__)),
    char **envp __attribute__((__unused__)))
{
	CHECK(sys2(SYS_mkdir, "/tmp/filemore", 0755) == 0 &&
	    sys1(SYS_chdir, "/tmp/filemore") == 0, "/tmp/filemore");
	holes();
	vectors();
	copies();
	nameless();
	tmpfiles();
	posix_locks();
	waiting();
	open_locks();
	CHECK(sys1(SYS_rmdir, "/tmp/filemore") == 0, "left over");
	printf("filemore: ok\n");
	return 0;
}
