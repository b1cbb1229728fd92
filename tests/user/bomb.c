/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bomb.c: forks for ever, and so do its children, as user 1000 with at most N
 * processes.  tools/bomb_test.py sets it off and asks whether the console still
 * answers.
 *
 *	bomb N
 */
#include "ulib.h"

enum { SYS_setuid = 105, RLIMIT_NPROC = 6 };

int
main(int argc, char **argv, char **envp)
{
	unsigned long n = argc > 1 ? strtoul(argv[1]) : 100, l[2] = { n, n };

	(void)envp;
	CHECK(sys4(SYS_prlimit64, 0, RLIMIT_NPROC, l, 0) == 0, "limit");
	CHECK(sys1(SYS_setuid, 1000) == 0, "setuid");
	for (;;)
		fork();
}
