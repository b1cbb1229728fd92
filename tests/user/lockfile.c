/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockfile.c: is a file cut, or a hole made in it, while its pages are locked in
 * memory; and is that memory unlocked, unmapped and inherited as any other then?
 */
#include "ulib.h"

enum {
	SYS_ftruncate = 77, SYS_mlock = 149, SYS_munlock = 150,
	SYS_fallocate = 285, SYS_memfd_create = 319,
	PUNCH = 3, NPAGES = 8,
};

static long fd;

static volatile char *
map_file(int prot, int flags)
{
	long p = sys6(SYS_mmap, 0, NPAGES * (long)PGSZ, prot, flags, fd, 0);

	CHECK(p > 0, "mmap: %ld", p);
	return (volatile char *)p;
}

static int
touch(void *arg)
{
	return *(volatile char *)arg;
}

/* dies: does an access end in SIGBUS? */
static void
dies(volatile char *p)
{
	int status = run_child(touch, (void *)(uintptr_t)p);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS,
	    "status %x", status);
}

static void
make(void)
{
	volatile char *p;

	fd = sys2(SYS_memfd_create, "lockfile", 0);
	CHECK(fd >= 0 && sys2(SYS_ftruncate, fd, NPAGES * PGSZ) == 0, "file");
	p = map_file(PROT_READ | PROT_WRITE, MAP_SHARED);
	for (int i = 0; i < NPAGES; i++)
		p[i * PGSZ] = (char)(i + 1);
	CHECK(sys2(SYS_munmap, p, NPAGES * PGSZ) == 0, "munmap");
}

/* cut: half of it goes while all is locked. */
static void
cut(int prot, int flags)
{
	volatile char *p;

	make();
	p = map_file(prot, flags);
	CHECK(sys2(SYS_mlock, p, NPAGES * PGSZ) == 0, "mlock");
	CHECK(p[PGSZ] == 2 && p[7 * PGSZ] == 8, "there");
	CHECK(sys2(SYS_ftruncate, fd, 4 * PGSZ) == 0, "cut");
	CHECK(p[3 * PGSZ] == 4, "what is left");
	if (prot == PROT_READ || (flags & MAP_SHARED) != 0)
		dies(p + 6 * PGSZ);
	CHECK(sys2(SYS_ftruncate, fd, NPAGES * PGSZ) == 0, "longer again");
	if (prot == PROT_READ || (flags & MAP_SHARED) != 0)
		CHECK(p[6 * PGSZ] == 0, "zeros");
	CHECK(sys2(SYS_munlock, p, 2 * PGSZ) == 0 &&
	    sys2(SYS_munlock, p + 6 * PGSZ, PGSZ) == 0, "munlock");
	CHECK(sys2(SYS_mlock, p, NPAGES * PGSZ) == 0, "mlock again");
	CHECK(sys2(SYS_munmap, p, NPAGES * PGSZ) == 0, "munmap");
	sys1(SYS_close, fd);
}

/* hole: the file's pages go, its size stays. */
static void
hole(void)
{
	volatile char *p, *q;

	make();
	p = map_file(PROT_READ, MAP_SHARED);
	q = map_file(PROT_READ, MAP_PRIVATE);
	CHECK(sys2(SYS_mlock, p, NPAGES * PGSZ) == 0 &&
	    sys2(SYS_mlock, q, NPAGES * PGSZ) == 0, "mlock");
	CHECK(sys4(SYS_fallocate, fd, PUNCH, PGSZ, 4 * PGSZ) == 0, "punch");
	CHECK(p[0] == 1 && p[PGSZ] == 0 && p[4 * PGSZ] == 0 &&
	    p[5 * PGSZ] == 6 && q[2 * PGSZ] == 0, "zeros");
	CHECK(sys2(SYS_munmap, p, 2 * PGSZ) == 0, "munmap");
	CHECK(sys2(SYS_munlock, p + 2 * PGSZ, 6 * PGSZ) == 0, "munlock");
	CHECK(sys2(SYS_munmap, q, NPAGES * PGSZ) == 0, "munmap");
	sys1(SYS_close, fd);
}

/* What is locked when the process ends. */
static int
leave(void *arg)
{
	volatile char *p;

	(void)arg;
	make();
	p = map_file(PROT_READ, MAP_SHARED);
	CHECK(sys2(SYS_mlock, p, NPAGES * PGSZ) == 0 &&
	    sys2(SYS_ftruncate, fd, 0) == 0, "cut to nothing");
	return 0;
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	cut(PROT_READ, MAP_SHARED);
	cut(PROT_READ | PROT_WRITE, MAP_SHARED);
	cut(PROT_READ, MAP_PRIVATE);
	cut(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	hole();
	CHECK(run_child(leave, NULL) == 0, "leave");
	printf("lockfile: cut and punched while locked\n");
	return 0;
}
