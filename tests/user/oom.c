/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oom.c: when one process asks for more than there is, does it alone go, and do
 * the bystanders keep their bytes?
 */
#include "ulib.h"

#define BYSTANDERS	3
#define PAGES		64

static volatile unsigned *shared;

static int
hog(void *arg)
{
	char *p;

	(void)arg;
	do {
		p = map_anon(1UL << 20, PROT_READ | PROT_WRITE);
		for (unsigned long i = 0; i < 1UL << 20; i += PGSZ)
			p[i] = 1;
	} while (p != NULL);
	return 1;
}

static int
bystander(void *arg)
{
	unsigned seed = *(unsigned *)arg;
	unsigned *p = map_anon(PAGES * PGSZ, PROT_READ | PROT_WRITE);

	for (unsigned i = 0; i < PAGES * PGSZ / 4; i++)
		p[i] = seed * 31 + i;
	while (shared[0] == 0)
		sys0(SYS_sched_yield);
	for (unsigned i = 0; i < PAGES * PGSZ / 4; i++)
		CHECK(p[i] == seed * 31 + i, "word %u is %x", i, p[i]);
	return 0;
}

int
main(int argc, char **argv, char **envp)
{
	long pid[BYSTANDERS];
	int status;

	(void)argc;
	(void)argv;
	(void)envp;
	shared = map_shared(PGSZ);
	for (unsigned i = 0; i < BYSTANDERS; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0, "fork");
		if (pid[i] == 0)
			exit(bystander(&i));
	}
	status = run_child(hog, NULL);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	    "the hog ended with %x", status);
	shared[0] = 1;
	for (unsigned i = 0; i < BYSTANDERS; i++) {
		CHECK(waitpid(pid[i], &status) == pid[i] && status == 0,
		    "bystander %u: %x", i, status);
	}
	printf("oom: the hog went, %d bystanders stayed\n", BYSTANDERS);
	return 0;
}
