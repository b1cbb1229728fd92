/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfds.c: does a descriptor of a process tell of its end, carry signals to it
 * and to nobody else, can it be waited for, and does clone give one with the
 * process, or neither?
 */
#include "ulib.h"

enum {
	SYS_poll = 7, SYS_waitid = 247, SYS_pidfd_send_signal = 424,
	SYS_pidfd_open = 434, SYS_clone3 = 435, P_ALL = 0, P_PIDFD = 3,
	WEXITED = 4, WNOHANG = 1, POLLIN = 1, NOBODY = 32760,
	CLONE_PIDFD = 0x1000, CLONE_DETACHED = 0x400000, RLIMIT_NOFILE = 7,
	O_NONBLOCK = 04000, EMFILE = 24, F_GETFD = 1,
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

/* Nobody may wait: EAGAIN, not 0. */
static void
nonblocking(void)
{
	long pid = child_of(100000), fd;

	fd = sys2(SYS_pidfd_open, pid, O_NONBLOCK);
	CHECK(fd >= 0 && wait_fd(fd, WEXITED) == -EAGAIN &&
	    wait_fd(fd, WEXITED | WNOHANG) == 0, "it would wait");
	CHECK(sys4(SYS_pidfd_send_signal, fd, SIGKILL, 0, 0) == 0, "kill");
	while ((events(fd) & POLLIN) == 0)
		msleep(1);
	CHECK(wait_fd(fd, WEXITED) == 0 && info[4] == pid, "dead");
	sys1(SYS_close, fd);
}

static int got;			/* where clone puts the descriptor */

static long
make(long flags, int *to)
{
	return sys6(SYS_clone, flags | SIGCHLD, 0, (long)to, 0, 0, 0);
}

struct clone_args {
	unsigned long	flags, pidfd, child_tid, parent_tid, exit_signal,
			stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* child: the descriptor is its parent's, and so is the number. */
static void
child(long fd)
{
	CHECK(got == -5 && sys2(SYS_fcntl, fd, F_GETFD) == -EBADF,
	    "the child has it, too: %d", got);
	exit(9);
}

static void
born(long pid)
{
	CHECK(pid > 0 && got > 2 && sys2(SYS_fcntl, got, F_GETFD) == 1,
	    "pid %ld, descriptor %d", pid, got);
	CHECK(wait_fd(got, WEXITED) == 0 && info[4] == pid && info[6] == 9,
	    "waited: %d, %d", info[4], info[6]);
	CHECK(wait_fd(got, WEXITED) == -ECHILD, "gone");
	sys1(SYS_close, got);
	got = -5;
}

static void
cloned(void)
{
	long fd = sys1(SYS_dup, 1), pid;
	struct clone_args ca = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD,
	    .pidfd = (unsigned long)&got };
	int tid = 0;

	sys1(SYS_close, fd);
	got = -5;
	pid = make(CLONE_PIDFD, &got);
	if (pid == 0)
		child(fd);
	born(pid);
	ca.flags |= CLONE_PARENT_SETTID;
	ca.parent_tid = (unsigned long)&tid;
	pid = sys2(SYS_clone3, &ca, sizeof(ca));
	if (pid == 0)
		child(fd);
	CHECK(tid == pid, "tid %d, pid %ld", tid, pid);
	born(pid);
	ca.parent_tid = ca.pidfd;
	CHECK(sys2(SYS_clone3, &ca, sizeof(ca)) == -EINVAL &&
	    make(CLONE_PIDFD | CLONE_PARENT_SETTID, &got) == -EINVAL &&
	    make(CLONE_PIDFD | CLONE_DETACHED, &got) == -EINVAL, "refused");
}

/* Without the descriptor there is no process. */
static void
neither(void)
{
	long fd = sys1(SYS_dup, 1);
	unsigned long l[2], old[2];

	sys1(SYS_close, fd);
	for (int i = 0; i < 50; i++)
		CHECK(make(CLONE_PIDFD, (int *)8) == -EFAULT, "no address");
	CHECK(sys2(SYS_fcntl, fd, F_GETFD) == -EBADF, "left open");
	CHECK(sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, old) == 0, "limit");
	l[0] = (unsigned long)fd;
	l[1] = old[1];
	sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, l, 0);
	CHECK(make(CLONE_PIDFD, &got) == -EMFILE, "no descriptor");
	sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, old, 0);
	CHECK(sys6(SYS_waitid, P_ALL, 0, (long)info, WEXITED, 0, 0) ==
	    -ECHILD, "a child all the same");
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
	nonblocking();
	cloned();
	neither();
	printf("pidfds: ok\n");
	return 0;
}
