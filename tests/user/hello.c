/* SPDX-License-Identifier: BSD-2-Clause */
/* hello.c: does a process start, write, fork, wait and exit? */
#include "ulib.h"

static int
child(void *arg)
{
	(void)arg;
	return 42;
}

int
main(int argc, char **argv, char **envp)
{
	int status = run_child(child, NULL);

	(void)argc;
	(void)argv;
	(void)envp;
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42, "status %x",
	    status);
	printf("hello from process %ld\n", sys0(SYS_getpid));
	return 0;
}
