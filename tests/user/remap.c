/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remap.c: does mremap move, grow and shrink mappings with their contents, also
 * after forks and over files; do mincore, the mlock family, madvise and
 * membarrier answer as on Linux?
 */
#include "ulib.h"

enum {
	SYS_mremap = 25, SYS_msync = 26, SYS_mincore = 27, SYS_mlock = 149,
	SYS_munlock = 150, SYS_mlockall = 151, SYS_munlockall = 152,
	SYS_membarrier = 324, SYS_mlock2 = 325, SYS_ftruncate = 77,
	SYS_unlink = 87, SYS_pwrite64 = 18, SYS_fallocate = 285,
	SYS_memfd_create = 319, ENXIO = 6, RW = 3,
	MAYMOVE = 1, FIXED = 2, KEEP = 4 | MAYMOVE,
};

typedef unsigned char byte;

static long
mremap(void *p, unsigned long old, unsigned long new, int flags, void *to)
{
	return sys6(SYS_mremap, (long)p, (long)old, (long)new, flags,
	    (long)to, 0);
}

static byte
pattern(unsigned i)
{
	return (byte)(i * 7 + 3);
}

static void
fill(byte *p, unsigned first, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i * PGSZ] = p[i * PGSZ + PGSZ - 1] = pattern(first + i);
}

static void
same(int line, const byte *p, unsigned first, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		CHECK(p[i * PGSZ] == pattern(first + i) &&
		    p[i * PGSZ + PGSZ - 1] == pattern(first + i),
		    "line %d: page %u is %u", line, i, p[i * PGSZ]);
}
#define SAME(p, first, n)	same(__LINE__, p, first, n)

static void
zero(int line, const byte *p, unsigned n)
{
	for (unsigned long i = 0; i < n * PGSZ; i++)
		CHECK(p[i] == 0, "line %d: byte %lu is %u", line, i, p[i]);
}
#define ZERO(p, n)	zero(__LINE__, p, n)

/* room: n free pages, unmapped, with one mapped page on either side. */
static byte *
room(unsigned n)
{
	byte *p = map_anon((n + 2) * PGSZ, PROT_READ);

	CHECK(sys2(SYS_munmap, p + PGSZ, n * PGSZ) == 0, "room");
	return p + PGSZ;
}

static byte *
at(void *p, unsigned n, int prot)
{
	CHECK(sys6(SYS_mmap, (long)p, (long)(n * PGSZ), prot,
	    MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) == (long)p, "map");
	return p;
}

static void
in_place(void)
{
	byte *p = at(room(8), 4, RW);

	fill(p, 0, 4);
	CHECK(mremap(p, 4 * PGSZ, 8 * PGSZ, 0, 0) == (long)p, "grow");
	SAME(p, 0, 4);
	ZERO(p + 4 * PGSZ, 4);
	fill(p, 0, 8);
	CHECK(mremap(p, 8 * PGSZ, 9 * PGSZ, 0, 0) == -ENOMEM, "no room");
	CHECK(mremap(p, 8 * PGSZ, 2 * PGSZ, 0, 0) == (long)p, "shrink");
	SAME(p, 0, 2);
	CHECK(sys3(SYS_madvise, p + 2 * PGSZ, PGSZ, 0) == -ENOMEM, "gone");
	CHECK(mremap(p, 2 * PGSZ, 2 * PGSZ, 0, 0) == (long)p, "same");
	CHECK(mremap(p, 2 * PGSZ, 3 * PGSZ, 0, 0) == (long)p, "grow again");
	ZERO(p + 2 * PGSZ, 1);
}

static int
child_moves(void *arg)
{
	byte *p = arg;
	long q = mremap(p, 16 * PGSZ, 32 * PGSZ, MAYMOVE, 0);

	CHECK(q > 0, "move: %ld", q);
	SAME((byte *)q, 100, 16);
	ZERO((byte *)q + 16 * PGSZ, 16);
	fill((byte *)q, 200, 32);
	SAME((byte *)q, 200, 32);
	return 0;
}

static void
moves(void)
{
	byte *p = at(room(16), 16, RW), *q;
	long r;

	fill(p, 0, 16);
	r = mremap(p, 16 * PGSZ, 20 * PGSZ, MAYMOVE, 0);
	CHECK(r > 0 && r != (long)p, "moved to %lx", r);
	q = (byte *)r;
	SAME(q, 0, 16);
	ZERO(q + 16 * PGSZ, 4);
	CHECK(sys3(SYS_madvise, p, PGSZ, 0) == -ENOMEM, "the old one is gone");
	/* The middle of a mapping: the ends stay. */
	p = room(8);
	r = mremap(q + 4 * PGSZ, 4 * PGSZ, 4 * PGSZ, MAYMOVE | FIXED, p);
	CHECK(r == (long)p, "to a place: %ld", r);
	SAME(p, 4, 4);
	SAME(q, 0, 4);
	SAME(q + 8 * PGSZ, 8, 8);
	/* Over something, and back to where it was; shorter and longer. */
	p = at(p, 8, RW);
	fill(p, 50, 8);
	r = mremap(p, 8 * PGSZ, 4 * PGSZ, MAYMOVE | FIXED, q + 4 * PGSZ);
	CHECK(r == (long)(q + 4 * PGSZ), "back: %ld", r);
	SAME(q + 4 * PGSZ, 50, 4);
	SAME(q + 8 * PGSZ, 8, 8);
	CHECK(sys3(SYS_madvise, p, PGSZ, 0) == -ENOMEM &&
	    sys3(SYS_madvise, p + 4 * PGSZ, PGSZ, 0) == -ENOMEM, "all gone");
	/* Copy on write comes along. */
	p = map_anon(16 * PGSZ, RW);
	fill(p, 100, 16);
	CHECK(run_child(child_moves, p) == 0, "child");
	SAME(p, 100, 16);
	p[0] = p[PGSZ - 1] = pattern(100);
	CHECK(run_child(child_moves, p) == 0, "child again");
	SAME(p, 100, 16);
}

static int
child_keeps(void *arg)
{
	byte *p = arg, *q = (byte *)mremap(p, 4 * PGSZ, 4 * PGSZ, KEEP, 0);

	SAME(q, 30, 4);
	ZERO(p, 4);
	fill(q, 40, 4);
	fill(p, 50, 4);
	SAME(q, 40, 4);
	return 0;
}

/* DONTUNMAP: the pages go, the mapping stays and shows what was before them. */
static void
keeps(void)
{
	byte *p = map_anon(6 * PGSZ, RW), *q, *to = room(4), vec[4];

	fill(p, 0, 6);
	q = (byte *)mremap(p + PGSZ, 4 * PGSZ, 4 * PGSZ, KEEP, 0);
	CHECK((long)q > 0 && (q + 4 * PGSZ <= p || q >= p + 6 * PGSZ),
	    "elsewhere: %ld", (long)q);
	SAME(q, 1, 4);
	SAME(p, 0, 1);
	SAME(p + 5 * PGSZ, 5, 1);
	CHECK(sys3(SYS_mincore, p + PGSZ, 4 * PGSZ, vec) == 0 && vec[0] == 0 &&
	    vec[3] == 0, "nothing is there");
	ZERO(p + PGSZ, 4);
	fill(p, 10, 6);
	SAME(q, 1, 4);
	SAME(p, 10, 6);
	/* To a hint, to a place where something is, and back again. */
	CHECK(mremap(q, 4 * PGSZ, 4 * PGSZ, KEEP, to) == (long)to, "hint");
	SAME(to, 1, 4);
	ZERO(q, 4);
	CHECK(mremap(p + PGSZ, 4 * PGSZ, 4 * PGSZ, KEEP | FIXED, to) ==
	    (long)to, "over it");
	SAME(to, 11, 4);
	ZERO(p + PGSZ, 4);
	CHECK(mremap(to, 4 * PGSZ, 4 * PGSZ, KEEP | FIXED, p + PGSZ) ==
	    (long)(p + PGSZ), "back");
	SAME(p, 10, 6);
	ZERO(to, 4);
	/* A hint that is taken is no error. */
	q = (byte *)mremap(to, 2 * PGSZ, 2 * PGSZ, KEEP, p);
	CHECK((long)q > 0 && q != p && q != to, "taken: %ld", (long)q);
	/* Rights stay; a lock goes along. */
	CHECK(sys3(SYS_mprotect, to, PGSZ, PROT_READ) == 0 &&
	    mremap(to, PGSZ, PGSZ, KEEP, 0) > 0 &&
	    sys2(SYS_pipe2, to, 0) == -EFAULT, "read only");
	CHECK(sys2(SYS_mlock, p, 2 * PGSZ) == 0, "mlock");
	q = (byte *)mremap(p, 2 * PGSZ, 2 * PGSZ, KEEP, 0);
	SAME(q, 10, 2);
	CHECK(sys3(SYS_madvise, q, PGSZ, MADV_DONTNEED) == -EINVAL &&
	    sys3(SYS_madvise, p, PGSZ, MADV_DONTNEED) == 0, "locked");
	/* Copy on write, on both sides of it. */
	p = map_anon(4 * PGSZ, RW);
	fill(p, 30, 4);
	CHECK(run_child(child_keeps, p) == 0, "child");
	SAME(p, 30, 4);
	CHECK(child_keeps(p) == 0, "after a fork");
}

/* A file's mapping shows the file again; shared memory is in both places. */
static void
keeps_files(void)
{
	long fd = sys3(SYS_open, "/tmp/remap", 0102 /* CREAT|RDWR */, 0600);
	byte buf[PGSZ], *p, *q;

	for (unsigned i = 0; i < 4; i++) {
		memset(buf, pattern(i), PGSZ);
		CHECK(sys3(SYS_write, fd, buf, PGSZ) == (long)PGSZ, "write");
	}
	for (int how = 0; how < 3; how++) {
		p = (byte *)sys6(SYS_mmap, 0, 4 * PGSZ, RW, how == 0 ?
		    MAP_PRIVATE : how == 1 ? MAP_SHARED : MAP_SHARED |
		    MAP_ANON, how == 2 ? -1 : fd, 0);
		CHECK((long)p > 0, "map %d", how);
		if (how == 2)
			fill(p, 0, 2);
		p[PGSZ] = 77;
		q = (byte *)mremap(p + PGSZ, 3 * PGSZ, 3 * PGSZ, KEEP, 0);
		CHECK((long)q > 0, "keep %d: %ld", how, (long)q);
		CHECK(q[0] == 77 && q[PGSZ - 1] == pattern(1), "%d: %u", how,
		    q[0]);
		CHECK(p[PGSZ] == (how == 0 ? pattern(1) : 77), "%d: %u", how,
		    p[PGSZ]);
		q[PGSZ] = 78;
		CHECK(p[2 * PGSZ] == (how == 0 ? pattern(2) : 78), "%d: %u",
		    how, p[2 * PGSZ]);
		p[3 * PGSZ] = 79;
		CHECK(q[2 * PGSZ] == (how == 0 ? pattern(3) : 79), "%d: %u",
		    how, q[2 * PGSZ]);
		if (how == 2)
			/* Never touched before it went. */
			q = (byte *)mremap(p, PGSZ, PGSZ, KEEP, 0);
		sys2(SYS_munmap, p, 4 * PGSZ);
		CHECK(how != 2 || q[0] == pattern(0), "the last one");
	}
	p = map_shared(PGSZ);
	q = (byte *)mremap(p, PGSZ, PGSZ, KEEP, 0);
	q[5] = 5;
	CHECK(p[5] == 5, "made before it was touched");
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "/tmp/remap");
}

static void
errors(void)
{
	byte *p = at(room(4), 4, RW);

	CHECK(mremap(p, PGSZ, 0, 0, 0) == -EINVAL, "length 0");
	CHECK(mremap(p + 1, PGSZ, PGSZ, 0, 0) == -EINVAL, "alignment");
	CHECK(mremap(p, PGSZ, PGSZ, 64, 0) == -EINVAL, "flags");
	CHECK(mremap(p, PGSZ, PGSZ, FIXED, 0) == -EINVAL &&
	    mremap(p, PGSZ, PGSZ, 4, 0) == -EINVAL &&
	    mremap(p, PGSZ, PGSZ, 4 | FIXED, 0) == -EINVAL, "alone");
	CHECK(mremap(p, PGSZ, 2 * PGSZ, KEEP, 0) == -EINVAL &&
	    mremap(p, 2 * PGSZ, PGSZ, KEEP, 0) == -EINVAL &&
	    mremap(p, 0, 0, KEEP, 0) == -EINVAL, "keep another length");
	CHECK(mremap(p, 2 * PGSZ, 2 * PGSZ, KEEP, p + PGSZ) == -EINVAL &&
	    mremap(p, PGSZ, PGSZ, KEEP, p + 1) == -EINVAL, "hint");
	CHECK(mremap(p, 4 * PGSZ, 4 * PGSZ, MAYMOVE | FIXED, p + PGSZ) ==
	    -EINVAL, "overlap");
	CHECK(mremap(p, PGSZ, PGSZ, MAYMOVE | FIXED, p + 1) == -EINVAL,
	    "target");
	CHECK(mremap(p, 0, PGSZ, MAYMOVE, 0) == -EINVAL, "private twice");
	sys2(SYS_munmap, p + PGSZ, PGSZ);
	CHECK(mremap(p + PGSZ, PGSZ, 2 * PGSZ, MAYMOVE, 0) == -EFAULT,
	    "a hole");
	CHECK(mremap(p + PGSZ, PGSZ, PGSZ, KEEP, 0) == -EFAULT,
	    "nothing to keep");
	CHECK(mremap(p, 4 * PGSZ, 8 * PGSZ, MAYMOVE, 0) == -EFAULT,
	    "a hole inside");
	sys3(SYS_mprotect, p + 2 * PGSZ, PGSZ, PROT_READ);
	CHECK(mremap(p + 2 * PGSZ, 2 * PGSZ, 8 * PGSZ, MAYMOVE, 0) == -EFAULT,
	    "two mappings");
	CHECK(mremap(p, PGSZ, 1UL << 47, MAYMOVE, 0) < 0, "huge");
}

static void
files(void)
{
	long fd = sys3(SYS_open, "/tmp/remap", 0102 /* CREAT|RDWR */, 0600), r;
	byte buf[PGSZ], *p, *q;

	CHECK(fd >= 0, "open: %ld", fd);
	for (unsigned i = 0; i < 8; i++) {
		memset(buf, pattern(i), PGSZ);
		CHECK(sys3(SYS_write, fd, buf, PGSZ) == (long)PGSZ, "write");
	}
	p = (byte *)sys6(SYS_mmap, 0, 4 * PGSZ, RW, MAP_PRIVATE, fd, 0);
	p[PGSZ] = 77;
	r = mremap(p, 4 * PGSZ, 8 * PGSZ, MAYMOVE, 0);
	CHECK(r > 0, "private: %ld", r);
	p = (byte *)r;
	CHECK(p[PGSZ] == 77, "the private copy");
	p[PGSZ] = pattern(1);
	SAME(p, 0, 8);
	CHECK(sys2(SYS_munmap, p, 8 * PGSZ) == 0, "munmap");
	p = (byte *)sys6(SYS_mmap, 0, 2 * PGSZ, RW, MAP_SHARED, fd, PGSZ);
	r = mremap(p, 2 * PGSZ, 7 * PGSZ, MAYMOVE, 0);
	CHECK(r > 0, "shared: %ld", r);
	p = (byte *)r;
	SAME(p, 1, 7);
	r = mremap(p, 0, 3 * PGSZ, MAYMOVE, 0);
	CHECK(r > 0 && r != (long)p, "once more: %ld", r);
	q = (byte *)r;
	SAME(q, 1, 3);
	q[0] = 99;
	CHECK(p[0] == 99, "the same page");
	sys2(SYS_munmap, p, 7 * PGSZ);
	sys2(SYS_munmap, q, 3 * PGSZ);
	sys1(SYS_close, fd);
	sys1(SYS_unlink, "/tmp/remap");
}

static void
residence(void)
{
	byte *p = map_anon(8 * PGSZ, RW), vec[8];

	memset(vec, 9, 8);
	CHECK(sys3(SYS_mincore, p, 8 * PGSZ, vec) == 0 && vec[0] == 0 &&
	    vec[7] == 0, "untouched: %u %u", vec[0], vec[7]);
	p[3 * PGSZ] = 1;
	CHECK(sys3(SYS_mincore, p, 8 * PGSZ - 1, vec) == 0 && vec[3] == 1 &&
	    vec[5] == 0, "touched: %u %u", vec[3], vec[5]);
	CHECK(sys3(SYS_mincore, p + 1, PGSZ, vec) == -EINVAL, "alignment");
	CHECK(sys3(SYS_mincore, p, PGSZ, 8) == -EFAULT, "vector");
	sys2(SYS_munmap, p + PGSZ, PGSZ);
	CHECK(sys3(SYS_mincore, p, 8 * PGSZ, vec) == -ENOMEM, "hole");
	CHECK(sys3(SYS_mincore, p, 0, vec) == 0, "nothing");
}

static int
data_at(long fd, long off)
{
	return (int)(sys3(SYS_lseek, fd, off, 3 /* SEEK_DATA */) / (long)PGSZ);
}

/* What fallocate took is there for a file, but not seen until it is used. */
static void
reserves(void)
{
	long fd = sys2(SYS_memfd_create, "reserved", 0);
	byte *p, *q, vec[8], c = 1;
	struct stat st;

	CHECK(fd >= 0 && sys4(SYS_fallocate, fd, 0, 0, 8 * PGSZ) == 0 &&
	    sys2(SYS_fstat, fd, &st) == 0 && st.blocks == 64, "reserve");
	p = (byte *)sys6(SYS_mmap, 0, 8 * PGSZ, RW, MAP_SHARED, fd, 0);
	q = (byte *)sys6(SYS_mmap, 0, 8 * PGSZ, RW, MAP_PRIVATE, fd, 0);
	CHECK(sys3(SYS_mincore, p, 8 * PGSZ, vec) == 0, "mincore");
	for (int i = 0; i < 8; i++)
		CHECK(vec[i] == 0, "page %d", i);
	CHECK(sys3(SYS_lseek, fd, 0, 3) == -ENXIO && sys3(SYS_lseek, fd, 0, 4)
	    == 0, "no data");
	p[4 * PGSZ] = 1;
	CHECK(sys4(SYS_pwrite64, fd, &c, 1, 6 * PGSZ) == 1, "write");
	CHECK(sys3(SYS_mincore, p, 8 * PGSZ, vec) == 0 && vec[4] == 1 &&
	    vec[6] == 1 && vec[3] + vec[5] + vec[7] + vec[0] == 0,
	    "those used, none beside: %u %u %u", vec[3], vec[5], vec[7]);
	CHECK(data_at(fd, 0) == 4 && data_at(fd, 5 * PGSZ) == 6 &&
	    sys3(SYS_lseek, fd, 4 * PGSZ, 4) == 5 * (long)PGSZ, "data");
	/* Mapped no more, it still is; and what is only read. */
	sys2(SYS_munmap, p, 8 * PGSZ);
	c = *(volatile byte *)(q + PGSZ);
	CHECK(c == 0 && sys3(SYS_mincore, q, 8 * PGSZ, vec) == 0 &&
	    vec[1] == 1 && vec[4] == 1 && vec[6] == 1 && vec[7] == 0,
	    "through another: %u %u %u %u", vec[1], vec[4], vec[6], vec[7]);
	CHECK(sys2(SYS_fstat, fd, &st) == 0 && st.blocks == 64, "blocks");
	sys2(SYS_munmap, q, 8 * PGSZ);
	sys1(SYS_close, fd);
}

static void
locks(void)
{
	byte *p = map_anon(8 * PGSZ, RW), vec[8];
	long q;

	CHECK(sys2(SYS_mlock, p + 1, PGSZ) == 0, "mlock rounds");
	CHECK(sys3(SYS_mincore, p, 3 * PGSZ, vec) == 0 && vec[0] == 1 &&
	    vec[1] == 1 && vec[2] == 0, "locked is resident");
	CHECK(sys3(SYS_madvise, p, PGSZ, MADV_DONTNEED) == -EINVAL,
	    "DONTNEED of locked memory");
	fill(p, 0, 2);
	q = mremap(p, 2 * PGSZ, 2 * PGSZ, MAYMOVE | FIXED, room(2));
	CHECK(q > 0, "move locked memory: %ld", q);
	SAME((byte *)q, 0, 2);
	CHECK(sys3(SYS_madvise, q, PGSZ, MADV_DONTNEED) == -EINVAL,
	    "still locked");
	CHECK(sys2(SYS_munlock, q, 2 * PGSZ) == 0, "munlock");
	CHECK(sys3(SYS_madvise, q, PGSZ, MADV_DONTNEED) == 0, "unlocked");
	CHECK(sys2(SYS_mlock, p, 8 * PGSZ) == -ENOMEM, "a hole");
	CHECK(sys2(SYS_munlock, p, PGSZ) == -ENOMEM, "unlock a hole");
	CHECK(sys2(SYS_mlock, p, -4096L) == -EINVAL, "wraps");
	CHECK(sys3(SYS_mlock2, p + 2 * PGSZ, PGSZ, 2) == -EINVAL, "flags");
	CHECK(sys3(SYS_mlock2, p + 2 * PGSZ, PGSZ, 1) == 0, "on fault");
	CHECK(sys1(SYS_mlockall, 0) == -EINVAL && sys1(SYS_mlockall, 4) ==
	    -EINVAL && sys1(SYS_mlockall, 8) == -EINVAL, "mlockall");
	CHECK(sys1(SYS_mlockall, 2) == 0, "the future");
	p = map_anon(2 * PGSZ, RW);
	CHECK(sys3(SYS_mincore, p, 2 * PGSZ, vec) == 0 && vec[1] == 1,
	    "locked at once");
	CHECK(sys0(SYS_munlockall) == 0, "munlockall");
	CHECK(sys3(SYS_madvise, p, PGSZ, MADV_DONTNEED) == 0, "unlocked");
	CHECK(sys1(SYS_mlockall, 1) == 0 && sys0(SYS_munlockall) == 0, "all");
}

static int
wiped(void *arg)
{
	byte *p = arg, vec[4];

	ZERO(p, 1);
	SAME(p + PGSZ, 1, 1);
	return sys3(SYS_mincore, p + 2 * PGSZ, PGSZ, vec) == -ENOMEM ? 0 : 1;
}

static void
advice(void)
{
	byte *p = map_anon(4 * PGSZ, RW), vec[4];

	fill(p, 0, 4);
	CHECK(sys3(SYS_madvise, p, PGSZ, 18) == 0, "WIPEONFORK");
	CHECK(sys3(SYS_madvise, p + 2 * PGSZ, PGSZ, 10) == 0, "DONTFORK");
	CHECK(run_child(wiped, p) == 0, "child");
	SAME(p, 0, 4);
	CHECK(sys3(SYS_madvise, p, PGSZ, 3) == 0, "WILLNEED");
	CHECK(sys3(SYS_madvise, p, 4 * PGSZ, MADV_DONTNEED) == 0, "DONTNEED");
	ZERO(p, 4);
	p = map_anon(4 * PGSZ, RW);
	CHECK(sys3(SYS_madvise, p, 4 * PGSZ, 23) == 0, "POPULATE_WRITE");
	CHECK(sys3(SYS_mincore, p, 4 * PGSZ, vec) == 0 && vec[3] == 1,
	    "populated");
	CHECK(sys3(SYS_madvise, p, 4 * PGSZ, 8) == 0, "FREE");
	sys3(SYS_mprotect, p, PGSZ, PROT_READ);
	CHECK(sys3(SYS_madvise, p, PGSZ, 23) == -EINVAL, "read only");
	CHECK(sys3(SYS_madvise, p, PGSZ, 22) == 0, "POPULATE_READ");
	CHECK(sys3(SYS_madvise, p, PGSZ, 77) == -EINVAL, "unknown");
}

static void
barriers(void)
{
	CHECK((sys2(SYS_membarrier, 0, 0) & 25) == 25, "query");
	CHECK(sys2(SYS_membarrier, 8, 0) == -EPERM, "not registered");
	CHECK(sys2(SYS_membarrier, 16, 0) == 0 && sys2(SYS_membarrier, 8, 0) ==
	    0, "private");
	CHECK(sys2(SYS_membarrier, 1, 0) == 0, "global");
	CHECK(sys2(SYS_membarrier, 1, 7) == -EINVAL &&
	    sys2(SYS_membarrier, 3, 0) == -EINVAL, "arguments");
}

static long
map_low(long hint, unsigned long len)
{
	return sys6(SYS_mmap, hint, (long)len, RW, MAP_PRIVATE | MAP_ANON |
	    0x40 /* MAP_32BIT */, -1, 0);
}

/* MAP_32BIT: between 1 and 2 GiB; a free hint counts, if it is low. */
static void
low(void)
{
	const unsigned long gig = 1UL << 30;
	long p = map_low(0, 3 * PGSZ), q, r;

	CHECK(p >= (long)gig && p < (long)(2 * gig), "low: %lx", p);
	*(byte *)p = 1;
	q = map_low(p + (64 << 20), PGSZ);
	CHECK(q == p + (64 << 20), "free hint: %lx", q);
	r = map_low(0x7000000000, PGSZ);
	CHECK(r >= (long)gig && r < (long)(2 * gig), "high hint: %lx", r);
	CHECK(map_low(0, 2 * gig) == -ENOMEM && map_low(0, gig) == -ENOMEM,
	    "no room");
	sys2(SYS_munmap, p, 3 * PGSZ);
	sys2(SYS_munmap, q, PGSZ);
	sys2(SYS_munmap, r, PGSZ);
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	in_place();
	moves();
	keeps();
	keeps_files();
	low();
	errors();
	files();
	residence();
	reserves();
	locks();
	advice();
	barriers();
	printf("remap: mremap, mincore, mlock, madvise, membarrier\n");
	return 0;
}
