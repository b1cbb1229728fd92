/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.c: does the memory file system do what open, write, seek, truncate,
 * mmap, links, directories and descriptors promise?  Everything happens in
 * /tmp/files, which is removed again.
 */
#include "ulib.h"

enum {
	SYS_pread64 = 17, SYS_pwrite64 = 18, SYS_truncate = 76,
	SYS_ftruncate = 77, SYS_getcwd = 79, SYS_chdir = 80, SYS_rename = 82,
	SYS_mkdir = 83, SYS_rmdir = 84, SYS_link = 86, SYS_unlink = 87,
	SYS_symlink = 88, SYS_readlink = 89, SYS_umask = 95,
	SYS_getdents64 = 217, SYS_dup3 = 292, SYS_lstat = 6,
};
#define O_WRONLY	1
#define O_RDWR		2
#define O_CREAT		0100
#define O_EXCL		0200
#define O_TRUNC		01000
#define O_APPEND	02000
#define O_DIRECTORY	0200000
#define O_NOFOLLOW	0400000
#define O_CLOEXEC	02000000
#define F_DUPFD		0
#define F_GETFD		1
#define F_SETFD		2
#define F_GETFL		3
#define F_SETFL		4
#define EISDIR		21
#define ENOTDIR		20
#define EMFILE		24
#define ENOTEMPTY	39
#define ELOOP		40
#define ENAMETOOLONG	36

static char buf[70000], name[5000];

static int
op(const char *path, int flags)
{
	return (int)sys3(SYS_open, path, flags, 0644);
}

static struct stat
st_of(const char *path)
{
	struct stat st;

	CHECK(sys2(SYS_lstat, path, &st) == 0, "stat %s", path);
	return st;
}

static void
bytes(void)
{
	int fd = op("a", O_RDWR | O_CREAT | O_EXCL), fd2;

	CHECK(fd >= 0, "create: %d", fd);
	CHECK(op("a", O_RDWR | O_CREAT | O_EXCL) == -EEXIST, "O_EXCL");
	CHECK(sys3(SYS_write, fd, "hello", 5) == 5, "write");
	CHECK(sys3(SYS_lseek, fd, 10000, 0) == 10000, "seek");
	CHECK(sys3(SYS_write, fd, "end", 3) == 3, "write behind a hole");
	CHECK(sys3(SYS_lseek, fd, -10003, 2) == 0, "seek from the end");
	CHECK(sys3(SYS_lseek, fd, -1, 0) == -EINVAL, "seek before 0");
	CHECK(sys3(SYS_read, fd, buf, sizeof(buf)) == 10003, "read");
	CHECK(memcmp(buf, "hello\0\0", 7) == 0 && buf[9999] == 0 &&
	    memcmp(buf + 10000, "end", 3) == 0, "contents");
	CHECK(sys4(SYS_pwrite64, fd, "HE", 2, 0) == 2 &&
	    sys4(SYS_pread64, fd, buf, 5, 0) == 5 &&
	    memcmp(buf, "HEllo", 5) == 0, "pwrite");
	CHECK(sys2(SYS_ftruncate, fd, 3) == 0 && st_of("a").size == 3 &&
	    sys2(SYS_ftruncate, fd, 6000) == 0, "truncate");
	CHECK(sys4(SYS_pread64, fd, buf, 100, 0) == 100 &&
	    memcmp(buf, "HEl\0\0\0", 6) == 0, "the tail is zero");
	CHECK(sys3(SYS_read, fd, buf, 10) == 0, "offset is behind the end");
	fd2 = op("a", O_WRONLY | O_APPEND);
	CHECK(sys3(SYS_write, fd2, "app", 3) == 3 && st_of("a").size == 6003,
	    "append");
	CHECK(sys3(SYS_read, fd2, buf, 1) == -EBADF, "read of write-only");
	sys1(SYS_close, fd2);
	fd2 = op("a", O_RDWR | O_TRUNC);
	CHECK(fd2 >= 0 && st_of("a").size == 0, "O_TRUNC");
	sys1(SYS_close, fd2);
	sys1(SYS_close, fd);
	CHECK(sys1(SYS_unlink, "a") == 0, "unlink");
}

/* The file, a shared and a private mapping of it see what they should. */
static void
mapped(void)
{
	int fd = op("m", O_RDWR | O_CREAT);
	char *s, *p, *ro;

	CHECK(sys2(SYS_ftruncate, fd, 3 * PGSZ) == 0, "size");
	s = (char *)sys6(SYS_mmap, 0, 3 * PGSZ, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	p = (char *)sys6(SYS_mmap, 0, 3 * PGSZ, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE, fd, 0);
	CHECK((long)s > 0 && (long)p > 0, "mmap");
	s[0] = 'S';
	CHECK(p[0] == 'S', "private does not see the file");
	CHECK(sys4(SYS_pread64, fd, buf, 1, 0) == 1 && buf[0] == 'S', "read");
	CHECK(sys4(SYS_pwrite64, fd, "W", 1, PGSZ) == 1, "write");
	CHECK(s[PGSZ] == 'W' && p[PGSZ] == 'W', "write is not seen");
	p[PGSZ] = 'P';
	CHECK(s[PGSZ] == 'W', "private write got through");
	s[PGSZ] = 'X';
	CHECK(p[PGSZ] == 'P', "private page changed");
	/* Reading a file into its own mapping. */
	CHECK(sys4(SYS_pread64, fd, s + 2 * PGSZ, PGSZ, 0) == (long)PGSZ &&
	    s[2 * PGSZ] == 'S', "read into the mapping");
	CHECK(sys4(SYS_pwrite64, fd, s, PGSZ, 2 * PGSZ) == (long)PGSZ,
	    "write from the mapping");
	sys1(SYS_close, fd);
	fd = op("m", 0);
	CHECK(sys6(SYS_mmap, 0, PGSZ, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0) == -EACCES, "writable shared mapping of a read-only file");
	ro = (char *)sys6(SYS_mmap, 0, PGSZ, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(sys3(SYS_mprotect, ro, PGSZ, PROT_READ | PROT_WRITE) ==
	    -EACCES, "mprotect past the file's mode");
	sys1(SYS_close, fd);
	CHECK(sys1(SYS_unlink, "m") == 0, "unlink");
	CHECK(s[0] == 'S' && p[PGSZ] == 'P', "mapping of an unlinked file");
	sys2(SYS_munmap, s, 3 * PGSZ);
	sys2(SYS_munmap, p, 3 * PGSZ);
	sys2(SYS_munmap, ro, PGSZ);
}

static int
touch_beyond(void *arg)
{
	return ((volatile char *)arg)[PGSZ];
}

static void
beyond_end(void)
{
	int fd = op("b", O_RDWR | O_CREAT), st;
	char *p;

	CHECK(sys3(SYS_write, fd, "x", 1) == 1, "write");
	p = (char *)sys6(SYS_mmap, 0, 2 * PGSZ, PROT_READ, MAP_PRIVATE, fd,
	    0);
	CHECK(p[0] == 'x' && p[PGSZ - 1] == 0, "last page");
	st = run_child(touch_beyond, p);
	CHECK(WTERMSIG(st) == SIGBUS, "page behind the end: %x", st);
	sys2(SYS_munmap, p, 2 * PGSZ);
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "b");
}

static void
links(void)
{
	long n;

	sys1(SYS_close, op("l", O_CREAT | O_WRONLY));
	CHECK(sys2(SYS_link, "l", "l2") == 0 && st_of("l").nlink == 2 &&
	    st_of("l").ino == st_of("l2").ino, "hard link");
	CHECK(sys2(SYS_symlink, "l2", "s") == 0, "symlink");
	CHECK((st_of("s").mode & 0170000) == 0120000, "mode of a link");
	n = sys3(SYS_readlink, "s", buf, 100);
	CHECK(n == 2 && memcmp(buf, "l2", 2) == 0, "readlink: %ld", n);
	CHECK(op("s", O_NOFOLLOW) == -ELOOP, "O_NOFOLLOW");
	CHECK(sys2(SYS_symlink, "loop2", "loop1") == 0 &&
	    sys2(SYS_symlink, "loop1", "loop2") == 0 &&
	    op("loop1", 0) == -ELOOP, "loop");
	CHECK(sys2(SYS_rename, "l2", "l3") == 0 && op("s", 0) == -ENOENT,
	    "dangling");
	CHECK(sys2(SYS_rename, "l", "l3") == 0 && st_of("l3").nlink == 2,
	    "rename to the same file does nothing");
	/* A new file is made where a link to nothing leads. */
	n = sys2(SYS_mkdir, "ld", 0755);
	CHECK(n == 0 && sys2(SYS_symlink, "ld/to", "by") == 0 &&
	    sys2(SYS_symlink, "made", "ld/to") == 0, "links");
	CHECK(op("by", O_CREAT | O_EXCL | O_WRONLY) == -EEXIST &&
	    op("by", O_CREAT | O_NOFOLLOW | O_WRONLY) == -ELOOP, "not by it");
	n = op("by", O_CREAT | O_WRONLY);
	CHECK(n >= 0 && sys1(SYS_close, n) == 0 &&
	    sys1(SYS_unlink, "ld/made") == 0 &&
	    sys1(SYS_unlink, "ld/to") == 0 && sys1(SYS_unlink, "by") == 0 &&
	    sys1(SYS_rmdir, "ld") == 0, "made by links: %ld", n);
	CHECK(sys1(SYS_unlink, "l") == 0 && sys1(SYS_unlink, "l3") == 0 &&
	    sys1(SYS_unlink, "s") == 0 && sys1(SYS_unlink, "loop1") == 0 &&
	    sys1(SYS_unlink, "loop2") == 0, "unlink");
}

struct dirent {
	unsigned long	ino;
	long		off;
	unsigned short	reclen;
	unsigned char	type;
	char		name[];
};

static unsigned
count_dir(size_t size)
{
	int fd = op(".", O_DIRECTORY);
	unsigned n = 0;
	long len;

	CHECK(fd >= 0, "open .: %d", fd);
	CHECK(sys3(SYS_getdents64, fd, buf, 20) == -EINVAL, "small buffer");
	while ((len = sys3(SYS_getdents64, fd, buf, size)) > 0) {
		for (long at = 0; at < len; n++)
			at += ((struct dirent *)(void *)(buf + at))->reclen;
	}
	CHECK(len == 0, "getdents: %ld", len);
	sys1(SYS_close, fd);
	return n;
}

static void
directories(void)
{
	char n[8] = "d00";

	CHECK(sys2(SYS_mkdir, "d", 0755) == 0 &&
	    sys2(SYS_mkdir, "d", 0755) == -EEXIST, "mkdir");
	CHECK(sys1(SYS_chdir, "d") == 0, "chdir");
	CHECK(sys2(SYS_getcwd, buf, 100) == 13 &&
	    strcmp(buf, "/tmp/files/d") == 0, "getcwd: %s", buf);
	CHECK(sys2(SYS_getcwd, buf, 12) == -34, "getcwd of a small buffer");
	for (int i = 0; i < 100; i++) {
		n[1] = (char)('0' + i / 10);
		n[2] = (char)('0' + i % 10);
		sys1(SYS_close, op(n, O_CREAT | O_WRONLY));
	}
	CHECK(count_dir(sizeof(buf)) == 102 && count_dir(64) == 102, "list");
	CHECK(sys1(SYS_rmdir, "../d") == -ENOTEMPTY, "rmdir");
	CHECK(sys1(SYS_unlink, "../d") == -EISDIR, "unlink of a directory");
	CHECK(op(".", O_WRONLY) == -EISDIR, "write to a directory");
	CHECK(op("d00/x", 0) == -ENOTDIR && op("d00/", 0) == -ENOTDIR,
	    "a file as a directory");
	CHECK(sys2(SYS_rename, "../d", "sub") == -EINVAL, "below itself");
	for (int i = 0; i < 100; i++) {
		n[1] = (char)('0' + i / 10);
		n[2] = (char)('0' + i % 10);
		CHECK(sys1(SYS_unlink, n) == 0, "unlink %s", n);
	}
	CHECK(sys1(SYS_rmdir, "../d") == 0, "rmdir");
	CHECK(op("x", O_CREAT | O_WRONLY) == -ENOENT, "in a removed one");
	CHECK(sys2(SYS_getcwd, buf, 100) == -ENOENT, "getcwd of it");
	CHECK(sys1(SYS_chdir, "/tmp/files") == 0, "chdir back");
}

static void
names(void)
{
	memset(name, 'n', sizeof(name) - 1);
	CHECK(op(name, 0) == -ENAMETOOLONG, "a path of 4999");
	name[256] = '\0';
	CHECK(op(name, 0) == -ENAMETOOLONG, "a name of 256");
	name[255] = '\0';
	CHECK(op(name, 0) == -ENOENT, "a name of 255");
	CHECK(op("", 0) == -ENOENT, "empty");
	CHECK(op("/../tmp/./files/..//files", O_DIRECTORY) >= 0, "dots");
	sys1(SYS_close, 3);
}

static void
descriptors(void)
{
	unsigned long limit[2] = { 1024, 1024 };
	int fd = op("f", O_RDWR | O_CREAT), d, i;

	CHECK(sys4(SYS_prlimit64, 0, 7, limit, 0) == 0, "prlimit");
	d = (int)sys1(SYS_dup, fd);
	CHECK(d == fd + 1, "dup: %d", d);
	CHECK(sys3(SYS_write, fd, "ab", 2) == 2 &&
	    sys3(SYS_lseek, d, 0, 1) == 2, "one offset");
	CHECK(sys2(SYS_dup2, fd, 50) == 50 && sys2(SYS_dup2, fd, fd) == fd &&
	    sys2(SYS_dup2, 49, 49) == -EBADF &&
	    sys2(SYS_dup2, fd, 1 << 30) == -EBADF, "dup2");
	CHECK(sys3(SYS_dup3, fd, fd, 0) == -EINVAL &&
	    sys3(SYS_dup3, fd, 51, O_CLOEXEC) == 51 &&
	    sys3(SYS_fcntl, 51, F_GETFD, 0) == 1 &&
	    sys3(SYS_fcntl, 50, F_GETFD, 0) == 0, "dup3, cloexec");
	CHECK(sys3(SYS_fcntl, fd, F_DUPFD, 100) == 100, "F_DUPFD");
	CHECK(sys3(SYS_fcntl, fd, F_SETFL, O_APPEND) == 0 &&
	    (sys3(SYS_fcntl, d, F_GETFL, 0) & O_APPEND) != 0, "F_SETFL");
	for (i = 0; i < 2000 && (d = op("f", 0)) >= 0; i++)
		;
	CHECK(d == -EMFILE && i > 900, "%d files, then %d", i, d);
	for (d = fd; d < 2000; d++)
		sys1(SYS_close, d);
	CHECK(sys1(SYS_close, fd) == -EBADF, "closed twice");
	CHECK(op("f", 0) == fd, "lowest descriptor");
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "f");
}

/* A program that runs is not written to. */
static void
busy(const char *self)
{
	CHECK(op(self, O_RDWR) == -26 && op(self, O_WRONLY | O_TRUNC) == -26 &&
	    sys2(SYS_truncate, self, 0) == -26, "ETXTBSY of %s", self);
	CHECK(st_of(self).size > 1000, "it was cut");
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)envp;
	if (argv[0][0] == '/')
		busy(argv[0]);
	CHECK(sys2(SYS_mkdir, "/tmp/files", 0755) == 0 &&
	    sys1(SYS_chdir, "/tmp/files") == 0, "/tmp/files");
	bytes();
	mapped();
	beyond_end();
	links();
	directories();
	names();
	descriptors();
	CHECK(sys1(SYS_chdir, "/") == 0 &&
	    sys1(SYS_rmdir, "/tmp/files") == 0, "something was left");
	printf("files: bytes, mappings, links, directories, descriptors\n");
	return 0;
}
