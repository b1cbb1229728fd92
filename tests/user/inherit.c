/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inherit.c: does memory go to children as minherit says: shared, copied, not
 * at all, or as zeroes, through generations?
 *
 * inherit [depth [width [seed]]]: a fork tree.  Each process sets inheritance at
 * random, writes, unmaps, maps and discards pages, checks every byte, forks its
 * children one after the other and checks again after each.  What is to be seen
 * is kept beside: every page has a cell in shared memory with the byte that
 * fills it; a page that is shared with a child has its cell in common with it.
 *
 * minherit is ours (1001), not Linux's: there madvise gives all but share.
 */
#include "ulib.h"

enum {
	SYS_minherit = 1001, MADV_DONTFORK = 10, MADV_DOFORK = 11,
	MADV_WIPEONFORK = 18, MADV_KEEPONFORK = 19,
	PAGES = 48, CELLS = 1 << 18,
};
enum how { SHARE, COPY, NONE, ZERO };

/* What a process knows of its pages; copied by fork as any memory is. */
static struct page {
	unsigned	cell;		/* index; 0: not mapped */
	unsigned char	how;
	bool		shared;		/* was inherited by SHARE once */
} page[PAGES];

static struct common {
	volatile unsigned	next;
	volatile unsigned	procs, checks;
	volatile unsigned char	cell[CELLS];
} *com;

static volatile unsigned char *base;
static bool native;

static unsigned
new_cell(unsigned char value)
{
	unsigned c = com->next++;

	CHECK(c < CELLS, "cells");
	com->cell[c] = value;
	return c;
}

static void
map_page(unsigned i)
{
	long p = (long)(base + i * PGSZ);

	CHECK(sys6(SYS_mmap, p, PGSZ, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANON | MAP_FIXED, -1, 0) == p, "mmap");
	page[i] = (struct page){ new_cell(0), COPY, false };
}

static void
check(void)
{
	for (unsigned i = 0; i < PAGES; i++) {
		volatile unsigned long *w = (void *)(base + i * PGSZ);
		unsigned long want;

		if (page[i].cell == 0)
			continue;
		want = com->cell[page[i].cell] * 0x0101010101010101UL;
		for (unsigned j = 0; j < PGSZ / 8; j++)
			CHECK(w[j] == want, "page %u word %u: %lx, not %lx",
			    i, j, w[j], want);
		com->checks++;
	}
}

static void
set_how(unsigned i, unsigned n, enum how how)
{
	static const int adv[] = { 0, MADV_KEEPONFORK, MADV_DONTFORK,
	    MADV_WIPEONFORK };
	volatile unsigned char *p = base + i * PGSZ;
	long r;

	if (native) {
		r = sys3(SYS_minherit, p, n * PGSZ, how);
	} else {
		r = sys3(SYS_madvise, p, n * PGSZ, MADV_DOFORK);
		if (r == 0)
			r = sys3(SYS_madvise, p, n * PGSZ, MADV_KEEPONFORK);
		if (r == 0 && how != COPY)
			r = sys3(SYS_madvise, p, n * PGSZ, adv[how]);
	}
	CHECK(r == 0, "inherit %d of %u+%u: %ld", how, i, n, r);
	for (; n > 0; n--, i++)
		/* What others go on writing is not copied on write. */
		page[i].how = (unsigned char)(how == COPY && page[i].shared ?
		    SHARE : how);
}

static void
write_page(unsigned i, unsigned char v)
{
	memset((void *)(base + i * PGSZ), v, PGSZ);
	com->cell[page[i].cell] = v;
}

/* mapped_run: mapped pages from i on, at most max. */
static unsigned
mapped_run(unsigned i, unsigned max)
{
	unsigned n = 0;

	while (n < max && i + n < PAGES && page[i + n].cell != 0)
		n++;
	return n;
}

static void
act(uint64_t *s)
{
	unsigned i = (unsigned)(rnd(s) % PAGES), n, k = rnd(s) % 16;

	if (page[i].cell == 0) {
		if (k < 12)
			map_page(i);
		return;
	}
	if (k < 8) {
		write_page(i, (unsigned char)rnd(s));
	} else if (k < 13) {
		n = mapped_run(i, 1 + (unsigned)(rnd(s) % 6));
		set_how(i, n, native ? (enum how)(rnd(s) % 4) :
		    (enum how)(COPY + rnd(s) % 3));
	} else if (k == 13) {
		CHECK(sys2(SYS_munmap, base + i * PGSZ, PGSZ) == 0, "munmap");
		page[i].cell = 0;
	} else if (!page[i].shared) {
		CHECK(sys3(SYS_madvise, base + i * PGSZ, PGSZ, MADV_DONTNEED)
		    == 0, "DONTNEED");
		page[i].cell = new_cell(0);
	}
}

/* born: the table of a child, from its parent's. */
static void
born(void)
{
	for (unsigned i = 0; i < PAGES; i++) {
		if (page[i].cell == 0 || page[i].how == SHARE)
			continue;
		if (page[i].how == NONE)
			page[i].cell = 0;
		else
			page[i].cell = new_cell(page[i].how == COPY ?
			    com->cell[page[i].cell] : 0);
		if (page[i].how == ZERO)
			page[i].shared = false;
	}
}

static void
tree(unsigned depth, unsigned width, uint64_t seed)
{
	uint64_t s = seed;
	int st;

	com->procs++;
	for (unsigned c = 0; c < width; c++) {
		for (unsigned k = rnd(&s) % 24; k > 0; k--)
			act(&s);
		check();
		if (depth == 0)
			return;
		for (unsigned i = 0; i < PAGES; i++)
			if (page[i].cell != 0 && page[i].how == SHARE)
				page[i].shared = true;
		seed = rnd(&s);
		if (fork() == 0) {
			born();
			check();
			tree(depth - 1, width, seed);
			exit(0);
		}
		CHECK(waitpid(-1, &st) > 0 && st == 0, "child: %x", st);
		check();
	}
}

int
main(int argc, char **argv, char **envp)
{
	unsigned depth = argc > 1 ? (unsigned)strtoul(argv[1]) : 6;
	unsigned width = argc > 2 ? (unsigned)strtoul(argv[2]) : 3;
	uint64_t seed = argc > 3 ? strtoul(argv[3]) : 1;

	(void)envp;
	com = map_shared(sizeof(*com));
	com->next = 1;
	base = map_anon(PAGES * PGSZ, PROT_READ | PROT_WRITE);
	native = sys3(SYS_minherit, base, PGSZ, COPY) == 0;
	if (native) {
		CHECK(sys3(SYS_minherit, base, PGSZ, 4) == -EINVAL, "how");
		CHECK(sys3(SYS_minherit, 1L << 46, PGSZ, COPY) == -ENOMEM,
		    "hole");
	}
	for (unsigned i = 0; i < PAGES; i++)
		map_page(i);
	seed = seed * 0x9e3779b97f4a7c15UL + 1;
	tree(depth, width, seed);
	printf("inherit: %u processes, %u pages checked%s\n", com->procs,
	    com->checks, native ? "" : ", without share");
	return 0;
}
