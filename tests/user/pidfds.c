/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfds.c: does a descriptor of a process tell of its end, carry signals to it
 * and to nobody else, and can it be waited for?
 */
#include "ulib.h"

enum {
	SYS_poll = 7, SYS_waitid = 247, SYS_pidfd_send_signal = 424,
	SYS_pidfd_open = 434, P_PIDFD = 3, WEXITED = 4, WNOHANG = 1,
	POLLIN = 1, NOBODY = 32760,
};

static int info[32];

static long
child_of(long ms)
{
	long pid = fork();

	CHECK(pid >= 0, "fork: %ld", pid);
	if (pid == 0) {
		msleep(ms);
		exit(7);
	}
	return pid;
}

static long
wait_fd(long fd, int options)
{
	return sys6(SYS_waitid, P_PIDFD, fd, (long)info, options, 0, 0);
}

int
main(int argc, char **argv, char **envp)
{
	long pid, fd;
	struct { int fd; short ev, rev; } p;

	(void)argc;
	(void)argv;
	(void)envp;
	CHECK(sys2(SYS_pidfd_open, 0, 0) == -EINVAL &&
	    sys2(SYS_pidfd_open, -1, 0) == -EINVAL &&
	    sys2(SYS_pidfd_open, sys0(SYS_getpid), 1) == -EINVAL &&
	    sys2(SYS_pidfd_open, NOBODY, 0) == -ESRCH, "refused");
	fd = sys2(SYS_pidfd_open, sys0(SYS_getpid), 0);
	CHECK(fd >= 0 && sys2(SYS_fcntl, fd, 1) == 1 && events(fd) == 0,
	    "our own: %ld", fd);
	CHECK(sys4(SYS_pidfd_send_signal, fd, 0, 0, 0) == 0 &&
	    sys4(SYS_pidfd_send_signal, fd, 99, 0, 0) == -EINVAL &&
	    sys4(SYS_pidfd_send_signal, fd, 0, 0, 1 << 20) == -EINVAL &&
	    sys4(SYS_pidfd_send_signal, 0, 0, 0, 0) == -EBADF &&
	    wait_fd(0, WEXITED) == -EBADF && wait_fd(fd, WEXITED) == -ECHILD,
	    "errors");
	sys1(SYS_close, fd);

	pid = child_of(30);
	fd = sys2(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0 && wait_fd(fd, WEXITED | WNOHANG) == 0 && info[4] == 0,
	    "it runs");
	p.fd = (int)fd;
	p.ev = POLLIN;
	CHECK(sys3(SYS_poll, &p, 1, -1) == 1 && p.rev == POLLIN, "its end");
	CHECK(wait_fd(fd, WEXITED) == 0 && info[4] == pid && info[6] == 7,
	    "waited: %d, %d", info[4], info[6]);
	CHECK(wait_fd(fd, WEXITED) == -ECHILD &&
	    sys4(SYS_pidfd_send_signal, fd, SIGKILL, 0, 0) == -ESRCH,
	    "it is gone");
	CHECK((events(fd) & POLLIN) != 0, "and stays so");
	sys1(SYS_close, fd);

	pid = child_of(100000);
	fd = sys2(SYS_pidfd_open, pid, 0);
	CHECK(sys4(SYS_pidfd_send_signal, fd, SIGKILL, 0, 0) == 0 &&
	    wait_fd(fd, WEXITED) == 0 && info[4] == pid &&
	    info[6] == SIGKILL, "killed: %d", info[6]);
	sys1(SYS_close, fd);
	printf("pidfds: ok\n");
	return 0;
}
