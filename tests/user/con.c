/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * con.c: process 1 of an interactive boot: runs a program in a session that has
 * the console, and reaps orphans until it has ended.
 *
 * init=/bin/con initargs=/bin/sh:-i
 */
#include "ulib.h"

enum { SYS_setsid = 112, TIOCSCTTY = 0x540e };

static char *const env[] = {
	"PATH=/bin:/usr/bin", "HOME=/", "TERM=vt100", "PS1=$ ", NULL
};

int
main(int argc, char **argv, char **envp)
{
	long pid, r;
	int st = 0;

	(void)envp;
	CHECK(argc > 1, "which program?");
	pid = fork();
	CHECK(pid >= 0, "fork: %ld", pid);
	if (pid == 0) {
		sys0(SYS_setsid);
		r = sys3(SYS_ioctl, 0, TIOCSCTTY, 0);
		CHECK(r == 0, "the console: %ld", r);
		r = sys3(SYS_execve, argv[1], argv + 1, env);
		printf("con: exec %s: error %ld\n", argv[1], -r);
		exit(127);
	}
	do
		r = waitpid(-1, &st);
	while (r > 0 && r != pid);
	CHECK(r == pid, "wait: %ld", r);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}
