/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfail.c: does each kind of call survive the failure of each of its
 * allocations: with an error or a dead child, but no wrong byte, and so that
 * the same call works afterwards?
 *
 * For each operation below, page and then zone allocation 1, 2, 3 ... fails
 * (/dev/faults, boot option faults=1) until the operation needs fewer; of zones,
 * those that do not wait for memory.  What is lost on the way is seen by the kernel's baselines.
 */
#include "ulib.h"

#define NPAGES		24
#define MAXNTH		2000

static long dev;
static uint64_t *mem;			/* NPAGES, page p holds p + 1 */
static unsigned long failures, refusals, deaths;

/* ---- the device ---- */

static void
control(const char *word)
{
	CHECK(sys3(SYS_write, dev, word, strlen(word)) == (long)strlen(word),
	    "/dev/faults: %s", word);
}

static void
arm(const char *kind, unsigned nth)
{
	char buf[32], *p = buf;
	unsigned div = 1;

	while (*kind != '\0')
		*p++ = *kind++;
	*p++ = ' ';
	while (nth / div > 9)
		div *= 10;
	for (; div > 0; div /= 10)
		*p++ = (char)('0' + nth / div % 10);
	*p = '\0';
	control(buf);
}

/* seen: how many allocations of the kind there were since. */
static unsigned long
seen(const char *kind)
{
	char buf[64], *p = buf;
	long n = sys3(SYS_read, dev, buf, sizeof(buf) - 1);

	CHECK(n >= 14, "/dev/faults: %ld", n);
	buf[n] = '\0';
	while (strncmp(p, kind, 4) != 0)
		p++;
	return strtoul(p + 5);
}

/* ---- operations: 0, or the error that refused it ---- */

static int
look(void)
{
	for (unsigned p = 0; p < NPAGES; p++)
		if (mem[p * (PGSZ / 8)] != p + 1)
			return 99;
	return 0;
}

static int
op_look(void *arg)
{
	(void)arg;
	for (unsigned p = 0; p < NPAGES; p += 2)
		mem[p * (PGSZ / 8) + 9] = p;
	return look();
}

/* child: fork, and what the child's end says: 0, refused (3), wrong (other). */
static int
child(int (*fn)(void *), void *arg)
{
	int status = 0;
	long pid = fork();

	if (pid == 0)
		exit(fn(arg));
	if (pid < 0)
		return (int)-pid;
	CHECK(waitpid(pid, &status) == pid, "wait");
	if (WIFSIGNALED(status)) {
		CHECK(WTERMSIG(status) == SIGKILL ||
		    WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS,
		    "a child died of %d", WTERMSIG(status));
		deaths++;
		return 0;
	}
	CHECK(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3,
	    "a child ended with %d", WEXITSTATUS(status));
	return WEXITSTATUS(status) == 3 ? ENOMEM : 0;
}

static int
op_fork(void)
{
	return child(op_look, NULL);
}

static int
exec_it(void *arg)
{
	static char *const argv[] = { "memfail", "child", NULL };
	static char *const env[] = { "A=b", NULL };
	long error = sys3(SYS_execve, arg, argv, env);

	return error == -ENOMEM ? 3 : 98;
}

static int
op_exec(void)
{
	return child(exec_it, "/bin/memfail");
}

static int
op_map(void)
{
	long p = sys6(SYS_mmap, 0, 8 * PGSZ, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0), error, again;

	if (p < 0 && p > -4096)
		return (int)-p;
	for (unsigned i = 0; i < 8; i++)
		*(volatile uint64_t *)(p + (long)(i * PGSZ)) = i;
	error = sys3(SYS_mprotect, p + 2 * (long)PGSZ, 2 * PGSZ, PROT_READ);
	for (unsigned i = 0; i < 8; i++)
		CHECK(*(volatile uint64_t *)(p + (long)(i * PGSZ)) == i,
		    "page %u", i);
	again = sys2(SYS_munmap, p + 5 * (long)PGSZ, PGSZ);
	if (error == 0)
		error = again;
	again = sys2(SYS_munmap, p, 8 * PGSZ);
	if (again != 0) {		/* in the way of nothing: go on */
		CHECK(sys2(SYS_munmap, p, 8 * PGSZ) == 0, "munmap");
		error = again;
	}
	return (int)-error;
}

static int
op_brk(void)
{
	long end = sys1(SYS_brk, 0), got = sys1(SYS_brk, end + 4 * PGSZ);

	if (got == end)
		return ENOMEM;
	CHECK(got == end + 4 * (long)PGSZ, "brk: %lx", got);
	*(volatile char *)(end + 3 * PGSZ) = 1;
	if (sys1(SYS_brk, end) == end)
		return 0;
	CHECK(sys1(SYS_brk, end) == end, "brk does not shrink");
	return ENOMEM;
}

static int
op_pipe(void)
{
	static char buf[16384];
	int fd[2];
	long n = sys1(SYS_pipe, fd), m = 0;

	if (n < 0)
		return (int)-n;
	n = sys3(SYS_write, fd[1], mem, sizeof(buf));
	if (n > 0)
		m = sys3(SYS_read, fd[0], buf, n);
	CHECK(n == m || n < 0, "wrote %ld, read %ld", n, m);
	for (long i = 0; i < n / (long)PGSZ; i++)
		CHECK(*(uint64_t *)(buf + i * (long)PGSZ) ==
		    (uint64_t)i + 1, "page %ld of the pipe", i);
	sys1(SYS_close, fd[0]);
	sys1(SYS_close, fd[1]);
	return n < 0 ? (int)-n : 0;
}

static int
op_file(void)
{
	static char name[] = "/tmp/memfail";
	uint64_t word = 0;
	long fd = sys3(SYS_open, name, 0102 /* O_CREAT | O_RDWR */, 0600), n;

	if (fd < 0)
		return (int)-fd;
	n = sys3(SYS_write, fd, mem, 5 * PGSZ);
	if (n > (long)PGSZ) {
		CHECK(sys3(SYS_lseek, fd, PGSZ, 0) == (long)PGSZ, "lseek");
		CHECK(sys3(SYS_read, fd, &word, 8) == 8 && word == 2,
		    "page 1 of the file is %lu", word);
	}
	sys1(SYS_close, fd);
	CHECK(sys1(87 /* unlink */, name) == 0, "unlink");
	return n < 0 ? (int)-n : 0;
}

static void
in_thread(void *arg)
{
	*(volatile int *)arg = 7;
}

static int
op_thread(void)
{
	volatile int word = 0;
	struct uthread t;	/* its stack goes, or never came */
	int error = thread_start(&t, in_thread, (void *)&word);

	if (error != 0)
		return -error;
	thread_join(&t);
	CHECK(word == 7, "the thread did nothing");
	return 0;
}

static int
deep(int n)
{
	volatile char room[2000];

	room[0] = (char)n;
	return n == 0 ? 0 : deep(n - 1) + room[0] - (char)n;
}

static int
in_deep(void *arg)
{
	(void)arg;
	return deep(100);
}

static int
op_stack(void)
{
	return child(in_deep, NULL);
}

static int
op_zap(void)
{
	long error = sys3(SYS_madvise, mem + 4 * (PGSZ / 8), 3 * PGSZ,
	    MADV_DONTNEED);

	for (unsigned p = 4; p < 7; p++)
		mem[p * (PGSZ / 8)] = p + 1;
	return (int)-error;
}

static int
op_split(void)
{
	char *at = (char *)mem + 9 * PGSZ;
	long error = sys3(SYS_mprotect, at, PGSZ, PROT_READ), back;

	back = sys3(SYS_mprotect, at, PGSZ, PROT_READ | PROT_WRITE);
	if (back != 0) {
		error = back;
		back = sys3(SYS_mprotect, at, PGSZ, PROT_READ | PROT_WRITE);
	}
	CHECK(back == 0, "mprotect back: %ld", back);
	return (int)-error;
}

static int
op_timer(void)
{
	long tv[4] = { 0, 0, 100, 0 }, off[4] = { 0 };
	int id;
	long error = sys3(222 /* timer_create */, 1, 0, &id);

	if (error == 0)
		CHECK(sys1(226, id) == 0, "timer_delete");
	if (error == 0)
		error = sys3(38 /* setitimer */, 1, tv, 0);
	sys3(38, 1, off, 0);
	return (int)-error;
}

static long
try_anon(unsigned n)
{
	return sys6(SYS_mmap, 0, (long)(n * PGSZ), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
}

/* move: one page, with its byte, out of the middle and to where it grows. */
static int
op_move(void)
{
	long at = try_anon(5), q, error;
	char *p = (char *)at;

	if (at < 0)
		return (int)-at;
	p[2 * PGSZ] = 11;
	q = sys6(25 /* mremap */, (long)p + 2 * (long)PGSZ, PGSZ, 3 * PGSZ, 1,
	    0, 0);
	if (q > 0 || q < -4095) {
		CHECK(*(char *)q == 11 && ((char *)q)[PGSZ] == 0, "moved");
		error = sys2(SYS_munmap, q, 3 * PGSZ);
		if (error != 0)
			CHECK(sys2(SYS_munmap, q, 3 * PGSZ) == 0, "munmap");
		q = error;
	} else {
		CHECK(p[2 * PGSZ] == 11, "not moved");
	}
	error = sys2(SYS_munmap, p, 5 * PGSZ);
	if (error != 0)
		CHECK(sys2(SYS_munmap, p, 5 * PGSZ) == 0, "munmap");
	return (int)-(q != 0 ? q : error);
}

static int
op_segment(void)
{
	long id = sys3(29 /* shmget */, 0, 3 * PGSZ, 0600), p, error;

	if (id < 0)
		return (int)-id;
	p = sys3(30 /* shmat */, id, 0, 0);
	error = p;
	if (p > 0) {
		*(volatile char *)(p + (long)PGSZ) = 1;
		error = sys1(67 /* shmdt */, p);
	}
	CHECK(sys3(31 /* shmctl */, id, 0, 0) == 0, "remove");
	return (int)-error;
}

static int
op_lock(void)
{
	long at = try_anon(4), error, again;
	char *p = (char *)at;

	if (at < 0)
		return (int)-at;
	error = sys2(149 /* mlock */, p + PGSZ, 2 * PGSZ);
	again = sys2(SYS_munmap, p, 4 * PGSZ);
	if (again != 0)
		CHECK(sys2(SYS_munmap, p, 4 * PGSZ) == 0, "munmap");
	return (int)-(error != 0 ? error : again);
}

static int
in_share(void *arg)
{
	*(volatile char *)arg = 5;
	return 0;
}

/* share: what is inherited so is the parent's too, or there is no child. */
static int
op_share(void)
{
	long at = try_anon(2), error, again;
	char *p = (char *)at;

	if (at < 0)
		return (int)-at;
	error = sys3(1001 /* minherit */, p, PGSZ, 0);
	p[0] = 4;
	if (error == 0)
		error = -child(in_share, p);
	CHECK(error != 0 || p[0] == 5 || deaths > 0, "not shared");
	again = sys2(SYS_munmap, p, 2 * PGSZ);
	if (again != 0)
		CHECK(sys2(SYS_munmap, p, 2 * PGSZ) == 0, "munmap");
	return (int)-(error != 0 ? error : again);
}

static int
op_clone3(void)
{
	unsigned long a[11] = { [4] = SIGCHLD };
	long pid = sys2(435, a, 88);
	int st;

	if (pid == 0)
		exit(0);
	if (pid < 0)
		return (int)-pid;
	CHECK(waitpid(pid, &st) == pid, "wait");
	return 0;
}

/* ---- files of all kinds ---- */

#define FAIL(r)		do { if ((r) < 0) return (int)-(r); } while (0)

/* read_all: a file of /proc, to its end. */
static long
read_all(const char *path)
{
	static char buf[4096];
	long fd = sys3(SYS_open, path, 0, 0), n;

	if (fd < 0)
		return fd;
	while ((n = sys3(SYS_read, fd, buf, sizeof(buf))) > 0)
		;
	sys1(SYS_close, fd);
	return n;
}

static int
op_proc(void)
{
	static char buf[2048];
	static const char *const names[] = {
		"/proc/self/maps", "/proc/self/smaps", "/proc/self/stat",
		"/proc/self/status", "/proc/self/cmdline", "/proc/mounts",
		"/proc/meminfo", "/proc/vmstat", "/proc/loadavg",
	};
	long fd, n;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		n = read_all(names[i]);
		FAIL(n);
	}
	n = sys3(89 /* readlink */, "/proc/self/exe", buf, sizeof(buf));
	FAIL(n);
	fd = sys3(SYS_open, "/proc/self/fd", 0200000, 0);
	FAIL(fd);
	while ((n = sys3(217 /* getdents64 */, fd, buf, sizeof(buf))) > 0)
		;
	sys1(SYS_close, fd);
	return (int)-n;
}

static int
op_mount(void)
{
	static const char dir[] = "/tmp/memfail-m";
	long n = sys2(83 /* mkdir */, dir, 0755), error, fd = 0;

	FAIL(n);
	error = sys6(165, (long)"x", (long)dir, (long)"tmpfs", 0,
	    (long)"size=32k", 0);
	if (error == 0) {
		fd = sys3(SYS_open, "/tmp/memfail-m/f", 0102, 0600);
		if (fd >= 0) {
			n = sys3(SYS_write, fd, mem, 3 * PGSZ);
			CHECK(n == 3 * (long)PGSZ || n < 0 || n % PGSZ == 0,
			    "write: %ld", n);
			sys1(SYS_close, fd);
			fd = n < 0 ? n : 0;
		}
		n = sys2(166 /* umount2 */, dir, 0);
		if (n != 0)
			CHECK(n == -ENOMEM && sys2(166, dir, 0) == 0,
			    "umount: %ld", n);
	}
	CHECK(sys1(84 /* rmdir */, dir) == 0, "rmdir");
	return (int)-(error != 0 ? error : fd);
}

/* A lock of a record of ten bytes at off. */
static long
record(long fd, int cmd, short type, long off)
{
	struct { short type, whence; int pad; long start, len; int pid, p2; }
	    l = { type, 0, 0, off, 10, 0, 0 };

	return sys3(SYS_fcntl, fd, cmd, &l);
}

static int
op_records(void)
{
	static const char name[] = "/tmp/memfail-l";
	long fd = sys3(SYS_open, name, 0102, 0600), error;

	FAIL(fd);
	error = record(fd, 6, 1, 0);
	if (error == 0)
		error = record(fd, 6, 0, 3);	/* splits it */
	if (error == 0)
		error = record(fd, 6, 2, 5);
	if (error == 0)
		error = record(fd, 37 /* OFD */, 1, 100);
	if (error == 0)
		error = sys2(73 /* flock */, fd, 2);
	sys1(SYS_close, fd);
	CHECK(sys1(87, name) == 0, "unlink");
	return error == -37 /* ENOLCK */ ? ENOMEM : (int)-error;
}

static int
op_epoll(void)
{
	struct { unsigned ev; unsigned long data; }
	    __attribute__((__packed__)) ev = { 1, 5 }, out[2];
	long ep = sys1(291, 0), fd, error;
	unsigned long one = 1;

	FAIL(ep);
	fd = sys2(290 /* eventfd2 */, 0, 0);
	error = fd < 0 ? fd : sys4(233, ep, 1, fd, &ev);
	if (error == 0) {
		CHECK(sys3(SYS_write, fd, &one, 8) == 8, "write");
		error = sys4(232, ep, out, 2, 0);
		CHECK(error < 0 || (error == 1 && out[0].data == 5), "told");
		error = error < 0 ? error : 0;
	}
	if (fd >= 0)
		sys1(SYS_close, fd);
	sys1(SYS_close, ep);
	return (int)-error;
}

/* talk: a word from a to b. */
static long
talk(long a, long b)
{
	char word[4];
	long n = sys3(SYS_write, a, "word", 4);

	if (n < 0)
		return n;
	CHECK(n == 4 && sys3(SYS_read, b, word, 4) == 4 &&
	    memcmp(word, "word", 4) == 0, "a word");
	return 0;
}

static int
op_pair(void)
{
	int s[2];
	long n = sys4(53 /* socketpair */, 1, 1, 0, s);

	FAIL(n);
	n = talk(s[0], s[1]);
	if (n == 0)
		n = talk(s[1], s[0]);
	sys1(SYS_close, s[0]);
	sys1(SYS_close, s[1]);
	return (int)-n;
}

/* rights: a descriptor through a socket. */
static int
op_rights(void)
{
	struct { unsigned long len; int level, type, fd, pad; } c = {
		20, 1, 1, (int)dev, 0
	};
	struct { const void *p; unsigned long n; } v = { &c, 1 };
	struct { void *name; long namelen; void *iov; long iovlen; void *ctl;
	    unsigned long ctllen; long flags; } m = {
		.iov = &v, .iovlen = 1, .ctl = &c, .ctllen = sizeof(c)
	};
	int s[2];
	long n = sys4(53 /* socketpair */, 1, 1, 0, s);

	FAIL(n);
	n = sys3(46 /* sendmsg */, s[0], &m, 0);
	if (n == 1) {
		v.p = &v;			/* one byte, anywhere */
		c.fd = -1;
		n = sys3(47 /* recvmsg */, s[1], &m, 0);
		CHECK(n < 0 || (c.fd > 0 && sys1(SYS_close, c.fd) == 0) ||
		    (m.flags & 8) != 0, "no descriptor");
	}
	sys1(SYS_close, s[0]);
	sys1(SYS_close, s[1]);
	return n < 0 ? (int)-n : 0;
}

static int
op_server(void)
{
	static const struct { short family; char path[108]; } sa = {
		1, "/tmp/memfail-s"
	};
	long l = sys3(41 /* socket */, 1, 1, 0), c, s = -1, n;

	FAIL(l);
	n = sys3(49 /* bind */, l, &sa, sizeof(sa));
	if (n == 0)
		CHECK(sys2(50 /* listen */, l, 4) == 0, "listen");
	c = n == 0 ? sys3(41, 1, 1, 0) : n;
	n = c < 0 ? c : sys3(42 /* connect */, c, &sa, sizeof(sa));
	if (n == 0) {
		s = sys3(43 /* accept */, l, 0, 0);
		n = s < 0 ? s : talk(c, s);
	}
	if (s >= 0)
		sys1(SYS_close, s);
	if (c >= 0)
		sys1(SYS_close, c);
	sys1(SYS_close, l);
	sys1(87, sa.path);		/* if it came so far */
	return (int)-n;
}

static int
op_pty(void)
{
	char path[32] = "/dev/pts/";
	long m = sys3(SYS_open, "/dev/ptmx", 2, 0), s, n;
	int off = 0, number;

	FAIL(m);
	CHECK(sys3(SYS_ioctl, m, 0x40045431, &off) == 0 &&
	    sys3(SYS_ioctl, m, 0x80045430L, &number) == 0, "master");
	put_number(path + 9, (unsigned long)number);
	s = sys3(SYS_open, path, 0402, 0);
	n = s < 0 ? s : talk(s, m);
	if (s >= 0)
		sys1(SYS_close, s);
	sys1(SYS_close, m);
	return (int)-n;
}

static int
op_fifo(void)
{
	static const char name[] = "/tmp/memfail-p";
	long n = sys3(133 /* mknod */, name, 0010600, 0), fd;

	FAIL(n);
	fd = sys3(SYS_open, name, 2, 0);
	n = fd < 0 ? fd : talk(fd, fd);
	if (fd >= 0)
		sys1(SYS_close, fd);
	CHECK(sys1(87, name) == 0, "unlink");
	return (int)-n;
}

static int
op_names(void)
{
	static const char a[] = "/tmp/memfail-a", b[] = "/tmp/memfail-b";
	long n = sys2(88 /* symlink */, "/tmp/../tmp/memfail", a);

	FAIL(n);
	n = sys2(82 /* rename */, a, b);
	if (n == 0)
		n = sys2(86 /* link */, b, a);
	if (n == 0) {
		n = sys3(SYS_open, b, 0102, 0600);	/* what it leads to */
		if (n >= 0)
			sys1(SYS_close, n);
		n = n < 0 ? n : 0;
	}
	sys1(87, a);
	sys1(87, b);
	sys1(87, "/tmp/memfail");
	return (int)-n;
}

static int
op_memfd(void)
{
	long fd = sys2(319, "memfail", 0), n;

	FAIL(fd);
	n = sys3(SYS_write, fd, mem, 2 * PGSZ);
	sys1(SYS_close, fd);
	return n < 0 ? (int)-n : 0;
}

static const struct op {
	const char	*name;
	int		(*fn)(void);
} ops[] = {
	{ "fork", op_fork }, { "exec", op_exec }, { "mmap", op_map },
	{ "brk", op_brk }, { "pipe", op_pipe }, { "file", op_file },
	{ "thread", op_thread }, { "stack", op_stack }, { "zap", op_zap },
	{ "split", op_split }, { "timer", op_timer }, { "move", op_move },
	{ "segment", op_segment }, { "lock", op_lock }, { "share", op_share },
	{ "clone3", op_clone3 }, { "proc", op_proc }, { "mount", op_mount },
	{ "records", op_records }, { "epoll", op_epoll }, { "pair", op_pair },
	{ "rights", op_rights }, { "server", op_server }, { "pty", op_pty }, { "fifo", op_fifo },
	{ "names", op_names }, { "memfd", op_memfd },
};

/* ---- the sweep ---- */

static void
sweep(const struct op *op, const char *kind)
{
	unsigned nth = 0, refused = 0;
	unsigned long n;
	int error;

	do {
		arm(kind, ++nth);
		error = op->fn();
		control("off");
		n = seen(kind);
		CHECK(error == 0 || error == ENOMEM || error == EAGAIN ||
		    error == 23 /* ENFILE */ || error == 28 /* ENOSPC */,
		    "%s, %s %u: error %d", op->name, kind, nth, error);
		CHECK(look() == 0, "%s, %s %u: bytes", op->name, kind, nth);
		refused += error != 0;
	} while (n >= nth && nth < MAXNTH);
	error = op->fn();
	CHECK(error == 0, "%s after all: error %d", op->name, error);
	printf("memfail: %s: %s: %u failures, %u refusals\n", op->name, kind,
	    nth - 1, refused);
	failures += nth - 1;
	refusals += refused;
}

int
main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return 0;
	dev = sys3(SYS_open, "/dev/faults", 2, 0);
	if (dev < 0) {
		printf("memfail: no /dev/faults (boot with faults=1)\n");
		return 77;
	}
	mem = map_anon(NPAGES * PGSZ, PROT_READ | PROT_WRITE);
	for (unsigned p = 0; p < NPAGES; p++)
		mem[p * (PGSZ / 8)] = p + 1;
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		sweep(&ops[i], "page");
		sweep(&ops[i], "zone");
	}
	printf("memfail: %lu failures, %lu refusals, %lu deaths\n", failures,
	    refusals, deaths);
	return 0;
}
