/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cow.c: does copy on write keep every history apart, in each order of reads,
 * writes, forks and exits?
 *
 * Patterns: parent writes first; child writes first; grandchild writes while
 * both ancestors live; the parent dies before the child writes (page forward);
 * shared memory is not copied; a read before a write sees the old bytes; and a
 * fork server: 200 children that write while the parent keeps writing.
 */
#include "ulib.h"

#define NPAGES	32

static unsigned char *mem;
static volatile unsigned *shared;

static void
fill(unsigned char v)
{
	for (unsigned i = 0; i < NPAGES; i++)
		memset(mem + i * PGSZ, v + (int)i, PGSZ);
}

static void
expect(unsigned char v, const char *who)
{
	for (unsigned i = 0; i < NPAGES; i++) {
		for (unsigned b = 0; b < PGSZ; b += 511)
			CHECK(mem[i * PGSZ + b] == (unsigned char)(v + i),
			    "%s: page %u byte %u is %x, not %x", who, i, b,
			    mem[i * PGSZ + b], (unsigned char)(v + i));
	}
}

/* meet: wait until the shared step is at least n. */
static void
meet(unsigned n)
{
	while (shared[0] < n)
		sys0(SYS_sched_yield);
}

static int
child_reads(void *arg)
{
	(void)arg;
	meet(1);
	expect(10, "child after the parent wrote");
	return 0;
}

static void
parent_first(void)
{
	int status;
	long pid;

	fill(10);
	shared[0] = 0;
	pid = fork();
	if (pid == 0)
		exit(child_reads(NULL));
	fill(20);
	shared[0] = 1;
	CHECK(waitpid(pid, &status) == pid && status == 0, "status %x", status);
	expect(20, "parent after its write");
}

static int
child_writes(void *arg)
{
	(void)arg;
	expect(30, "child before its write");
	fill(40);
	expect(40, "child after its write");
	return 0;
}

static void
child_first(void)
{
	fill(30);
	CHECK(run_child(child_writes, NULL) == 0, "child");
	expect(30, "parent after the child wrote");
}

static int
middle(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < NPAGES; i += 2)
		memset(mem + i * PGSZ, 70 + (int)i, PGSZ);
	if (fork() == 0) {
		for (unsigned i = 0; i < NPAGES; i++)
			CHECK(mem[i * PGSZ] == (i % 2 ? 50 : 70) + i,
			    "grandchild sees %u in page %u", mem[i * PGSZ], i);
		meet(1);		/* middle is gone now: sole user */
		fill(90);
		expect(90, "grandchild after its write");
		shared[1] = 1;
		exit(0);
	}
	return 0;
}

static void
orphan(void)
{
	fill(50);
	shared[0] = shared[1] = 0;
	CHECK(run_child(middle, NULL) == 0, "middle");
	shared[0] = 1;
	while (shared[1] == 0)
		sys0(SYS_sched_yield);
	expect(50, "grandparent");
}

static int
server_child(void *arg)
{
	unsigned n = *(unsigned *)arg;

	for (unsigned i = 0; i < NPAGES; i++)
		CHECK(mem[i * PGSZ + 5] == (unsigned char)(n + i),
		    "child %u sees %u in page %u", n, mem[i * PGSZ + 5], i);
	memset(mem + (n % NPAGES) * PGSZ, 0xee, PGSZ);
	return 0;
}

static void
server(void)
{
	for (unsigned n = 0; n < 200; n++) {
		fill((unsigned char)n);
		CHECK(run_child(server_child, &n) == 0, "child %u", n);
		expect((unsigned char)n, "server");
	}
}

static int
share_child(void *arg)
{
	(void)arg;
	shared[2] = 0x1234;
	return 0;
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	mem = map_anon(NPAGES * PGSZ, PROT_READ | PROT_WRITE);
	shared = map_shared(PGSZ);
	parent_first();
	child_first();
	orphan();
	server();
	CHECK(run_child(share_child, NULL) == 0, "share");
	CHECK(shared[2] == 0x1234, "shared memory was copied: %x", shared[2]);
	printf("cow: every history apart\n");
	return 0;
}
