/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ids.c: do user and group ids change by Linux's rules, what may who kill, and
 * do waitid, clone3, prctl, priorities, policies, capabilities and affinity
 * answer as on Linux?  Run as user 0.
 */
#include "ulib.h"

enum {
	SYS_getuid = 102, SYS_setuid = 105, SYS_geteuid = 107,
	SYS_setpgid = 109, SYS_setreuid = 113, SYS_getgroups = 115,
	SYS_setgroups = 116, SYS_setresuid = 117, SYS_getresuid = 118,
	SYS_setresgid = 119, SYS_getresgid = 120, SYS_setfsuid = 122,
	SYS_capget = 125, SYS_personality = 135, SYS_getpriority = 140,
	SYS_setpriority = 141, SYS_sched_setparam = 142,
	SYS_sched_getparam = 143, SYS_sched_setscheduler = 144,
	SYS_sched_getscheduler = 145, SYS_sched_max = 146, SYS_sched_min = 147,
	SYS_rr_interval = 148, SYS_prctl = 157, SYS_reboot = 169,
	SYS_sched_setaffinity = 203, SYS_sched_getaffinity = 204,
	SYS_waitid = 247, SYS_get_robust_list = 274, SYS_clone3 = 435,
	WNOHANG = 1, WSTOPPED = 2, WEXITED = 4, WCONTINUED = 8,
	WNOWAIT = 0x1000000, P_ALL = 0, P_PID = 1, P_PGID = 2,
	SIGSTOP = 19, SIGCONT = 18, NONE = -1,
};

static volatile int *sh;

static void
is_uid(int line, unsigned r, unsigned e, unsigned s)
{
	unsigned ids[3];

	CHECK(sys3(SYS_getresuid, &ids[0], &ids[1], &ids[2]) == 0, "get");
	CHECK(ids[0] == r && ids[1] == e && ids[2] == s,
	    "line %d: %u %u %u", line, ids[0], ids[1], ids[2]);
}
#define IS_UID(r, e, s)	is_uid(__LINE__, r, e, s)

static int
lose_root(void *arg)
{
	(void)arg;
	CHECK(sys1(SYS_setuid, NONE) == -EINVAL, "no id");
	CHECK(sys3(SYS_setresuid, 1000, 1001, 1002) == 0, "setresuid");
	IS_UID(1000, 1001, 1002);
	CHECK(sys0(SYS_getuid) == 1000 && sys0(SYS_geteuid) == 1001, "get");
	CHECK(sys3(SYS_setresuid, NONE, 0, NONE) == -EPERM, "0 is gone");
	CHECK(sys1(SYS_setuid, 1002) == 0, "to the saved one");
	IS_UID(1000, 1002, 1002);
	CHECK(sys1(SYS_setuid, 7) == -EPERM, "a foreign one");
	CHECK(sys2(SYS_setreuid, 1002, 1000) == 0, "swap");
	IS_UID(1002, 1000, 1000);
	CHECK(sys1(SYS_setfsuid, 5) == 1000 &&
	    sys1(SYS_setfsuid, NONE) == 1000, "setfsuid refused");
	CHECK(sys2(SYS_setgroups, 0, 0) == -EPERM, "setgroups");
	CHECK(sys2(SYS_kill, 1, 0) == -EPERM, "kill init");
	CHECK(sys2(SYS_kill, sys0(SYS_getppid), 0) == -EPERM, "kill parent");
	CHECK(sys3(SYS_setpriority, 0, 0, -5) == -EACCES, "nicer");
	CHECK(sys3(SYS_setpriority, 0, 0, 5) == 0 &&
	    sys2(SYS_getpriority, 0, 0) == 15, "nice");
	CHECK(sys3(SYS_setpriority, 0, 0, 3) == -EACCES, "back");
	CHECK(sys4(SYS_reboot, 0xfee1dead, 672274793, 0, 0) == -EPERM,
	    "reboot");
	return 0;
}

static int
groups(void *arg)
{
	unsigned g[3] = { 5, 6, 7 }, got[3] = { 0 };

	(void)arg;
	CHECK(sys2(SYS_setgroups, 3, g) == 0, "setgroups");
	CHECK(sys2(SYS_getgroups, 0, 0) == 3, "how many");
	CHECK(sys2(SYS_getgroups, 2, got) == -EINVAL, "too small");
	CHECK(sys2(SYS_getgroups, 3, got) == 3 && got[2] == 7, "get");
	CHECK(sys2(SYS_getgroups, -1, got) == -EINVAL, "negative");
	CHECK(sys2(SYS_setgroups, 70000, g) == -EINVAL, "many");
	CHECK(sys3(SYS_setresgid, 10, 20, 30) == 0, "setresgid");
	CHECK(sys3(SYS_getresgid, &g[0], &g[1], &g[2]) == 0 && g[0] == 10 &&
	    g[1] == 20 && g[2] == 30, "getresgid");
	return 0;
}

/* A limit of processes holds for who is not user 0. */
static int
limited(void *arg)
{
	unsigned long rl[2] = { 3, 3 };
	long pid, n = 0;
	int st;

	(void)arg;
	CHECK(sys4(SYS_prlimit64, 0, 6, rl, 0) == 0, "limit");
	CHECK(sys3(SYS_setresuid, 54321, 54321, 54321) == 0, "user");
	while ((pid = fork()) > 0)
		n++;
	if (pid == 0) {
		for (;;)
			msleep(1000);
	}
	CHECK(pid == -EAGAIN && n == 2, "%ld children, then %ld", n, pid);
	CHECK(sys2(SYS_kill, -1, SIGKILL) == 0, "kill all of ours");
	while (n-- > 0)
		CHECK(waitpid(-1, &st) > 0 && WTERMSIG(st) == SIGKILL, "wait");
	return 0;
}

static long
waitid(int type, long id, int *info, int options)
{
	return sys6(SYS_waitid, type, id, (long)info, options, 0, 0);
}

static void
waitids(void)
{
	int info[32];
	long pid;

	CHECK(waitid(P_ALL, 0, info, WEXITED) == -ECHILD, "no child");
	CHECK(waitid(P_ALL, 0, info, 0) == -EINVAL, "no news asked for");
	CHECK(waitid(9, 0, info, WEXITED) == -EINVAL, "type");
	CHECK(waitid(P_PID, 0, info, WEXITED) == -EINVAL, "pid 0");
	*sh = 0;
	pid = fork();
	if (pid == 0) {
		while (*sh == 0)
			msleep(1);
		exit(33);
	}
	info[0] = info[3] = 99;
	CHECK(waitid(P_PID, pid, info, WEXITED | WNOHANG) == 0 &&
	    info[0] == 0 && info[4] == 0, "nothing yet");
	sys2(SYS_kill, pid, SIGSTOP);
	CHECK(waitid(P_PID, pid, info, WSTOPPED) == 0 && info[2] == 5 &&
	    info[6] == SIGSTOP, "stopped: %d %d", info[2], info[6]);
	sys2(SYS_kill, pid, SIGCONT);
	CHECK(waitid(P_PID, pid, info, WCONTINUED) == 0 && info[2] == 6 &&
	    info[6] == SIGCONT, "continued: %d %d", info[2], info[6]);
	*sh = 1;
	CHECK(waitid(P_PGID, 0, info, WEXITED | WNOWAIT) == 0 &&
	    info[4] == pid, "own group");
	CHECK(waitid(P_ALL, 0, info, WEXITED) == 0 && info[0] == SIGCHLD &&
	    info[2] == 1 && info[4] == pid && info[6] == 33, "exit: %d %d",
	    info[2], info[6]);
	pid = fork();
	if (pid == 0)
		sys2(SYS_kill, sys0(SYS_getpid), SIGKILL);
	CHECK(waitid(P_PID, pid, 0, WEXITED | WNOWAIT) == 0, "no info");
	CHECK(waitid(P_PID, pid, info, WEXITED) == 0 && info[2] == 2 &&
	    info[6] == SIGKILL, "killed: %d %d", info[2], info[6]);
}

static void
clone3s(void)
{
	unsigned long a[13] = { 0 };
	int tid = 0, st;
	long pid;

	CHECK(sys2(SYS_clone3, a, 40) == -EINVAL, "small");
	CHECK(sys2(SYS_clone3, a, 5000) == -E2BIG, "big");
	CHECK(sys2(SYS_clone3, 8, 88) == -EFAULT, "pointer");
	a[11] = 1;
	CHECK(sys2(SYS_clone3, a, 96) == -E2BIG, "unknown field");
	a[11] = 0;
	a[0] = 17;
	CHECK(sys2(SYS_clone3, a, 88) == -EINVAL, "signal in flags");
	a[0] = 0;
	a[5] = PGSZ;
	CHECK(sys2(SYS_clone3, a, 88) == -EINVAL, "stack without size");
	a[5] = 0;
	a[0] = CLONE_PARENT_SETTID | 0x100000000; /* CLEAR_SIGHAND */
	a[3] = (unsigned long)&tid;
	a[4] = SIGCHLD;
	pid = sys2(SYS_clone3, a, 88);
	if (pid == 0)
		exit(44);
	CHECK(pid > 0 && tid == pid, "clone3: %ld %d", pid, tid);
	CHECK(waitpid(pid, &st) == pid && WEXITSTATUS(st) == 44, "%x", st);
}

static int
prctls(void *arg)
{
	int v = -1, st;
	long pid;

	(void)arg;
	CHECK(sys2(SYS_prctl, 1, 65) == -EINVAL && sys2(SYS_prctl, 1, 10) == 0,
	    "death signal");
	CHECK(sys2(SYS_prctl, 2, &v) == 0 && v == 10, "get: %d", v);
	CHECK(sys1(SYS_prctl, 3) == 1 && sys2(SYS_prctl, 4, 0) == 0 &&
	    sys1(SYS_prctl, 3) == 0, "dumpable");
	CHECK(sys6(SYS_prctl, 39, 0, 0, 0, 0, 0) == 0 &&
	    sys6(SYS_prctl, 38, 1, 0, 0, 0, 0) == 0 &&
	    sys6(SYS_prctl, 39, 0, 0, 0, 0, 0) == 1, "no new privileges");
	CHECK(sys2(SYS_prctl, 9999, 0) == -EINVAL, "code");
	/* Orphans come to us now. */
	CHECK(sys2(SYS_prctl, 36, 1) == 0, "reaper");
	pid = fork();
	if (pid == 0) {
		long mid = sys0(SYS_getpid);

		if (fork() == 0) {
			while (sys0(SYS_getppid) == mid)
				msleep(1);
			exit((int)sys0(SYS_getppid) & 0xff);
		}
		exit(0);
	}
	CHECK(waitpid(pid, &st) == pid, "child");
	CHECK(waitpid(-1, &st) > 0 && WEXITSTATUS(st) ==
	    (sys0(SYS_getpid) & 0xff), "orphan: %x", st);
	/* A death signal. */
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			sys2(SYS_prctl, 1, SIGKILL);
			*sh = 2;
			for (;;)
				msleep(1000);
		}
		while (*sh != 2)
			msleep(1);
		exit(0);
	}
	CHECK(waitpid(pid, &st) == pid, "child");
	CHECK(waitpid(-1, &st) > 0 && WTERMSIG(st) == SIGKILL, "%x", st);
	return 0;
}

static int
policies(void *arg)
{
	int prio = 5, zero = 0;
	long ts[2];

	(void)arg;
	CHECK(sys1(SYS_sched_getscheduler, 0) == 0, "OTHER");
	CHECK(sys1(SYS_sched_max, 1) == 99 && sys1(SYS_sched_min, 1) == 1 &&
	    sys1(SYS_sched_max, 0) == 0 && sys1(SYS_sched_max, 77) == -EINVAL,
	    "ranges");
	CHECK(sys3(SYS_sched_setscheduler, 0, 0, &prio) == -EINVAL, "prio");
	CHECK(sys3(SYS_sched_setscheduler, 0, 2, &zero) == -EINVAL, "none");
	CHECK(sys3(SYS_sched_setscheduler, 0, 44, &zero) == -EINVAL, "what");
	CHECK(sys3(SYS_sched_setscheduler, 0, 3, &zero) == 0 &&
	    sys1(SYS_sched_getscheduler, 0) == 3, "BATCH");
	prio = 9;
	CHECK(sys2(SYS_sched_getparam, 0, &prio) == 0 && prio == 0, "param");
	CHECK(sys2(SYS_rr_interval, 0, ts) == 0, "interval");
	CHECK(sys1(SYS_sched_getscheduler, 1 << 29) == -ESRCH, "nobody");
	CHECK(sys3(SYS_setpriority, 0, 0, 100) == 0 &&
	    sys2(SYS_getpriority, 0, 0) == 1, "the nicest");
	CHECK(sys3(SYS_setpriority, 0, 0, -7) == 0 &&
	    sys2(SYS_getpriority, 0, 0) == 27, "root may");
	CHECK(sys2(SYS_getpriority, 5, 0) == -EINVAL &&
	    sys2(SYS_getpriority, 0, 1 << 29) == -ESRCH, "errors");
	return 0;
}

static void
odds(void)
{
	unsigned head[2] = { 0x20080522, 0 }, data[6];
	unsigned long mask[16] = { 0 }, len, list;
	long n;

	CHECK(sys2(SYS_capget, head, data) == 0, "capget");
	head[0] = 1;
	CHECK(sys2(SYS_capget, head, data) == -EINVAL && head[0] == 0x20080522,
	    "version");
	CHECK(sys1(SYS_personality, 0xffffffff) == 0, "personality");
	n = sys3(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	CHECK(n > 0 && mask[0] != 0, "affinity: %ld", n);
	n = sys3(SYS_sched_setaffinity, sys0(SYS_getppid), 8, mask);
	CHECK(n == 0, "the parent's affinity: %ld", n);
	mask[1] = 0;
	CHECK(sys3(SYS_sched_setaffinity, 0, 8, &mask[1]) == -EINVAL, "none");
	CHECK(sys3(SYS_sched_getaffinity, 1 << 29, 128, mask) == -ESRCH,
	    "nobody");
	CHECK(sys3(SYS_get_robust_list, 0, &list, &len) == 0 && len == 24,
	    "robust list");
	CHECK(sys4(SYS_reboot, 1, 2, 0, 0) == -EINVAL, "reboot magic");
}

static void
names(void)
{
	char u[6][65];

	CHECK(sys1(SYS_uname, u) == 0, "uname");
	CHECK(sys2(170 /* sethostname */, u[1], strlen(u[1])) == 0, "the same");
	CHECK(sys2(170, u[1], 1UL << 32 | strlen(u[1])) == 0, "the length is an int");
	CHECK(sys2(170, u[1], 65) == -EINVAL && sys2(170, u[1], -1) == -EINVAL,
	    "lengths");
	CHECK(sys2(170, u[1], 65) == -EINVAL && sys2(170, 8, 3) == -EFAULT &&
	    sys2(171, u[5], -1) == -EINVAL, "names");
	CHECK(sys3(103 /* syslog */, 10, 0, 0) > 0, "size of the log");
	CHECK(sys3(103, 3, 0, 5) == -EINVAL && sys3(103, 99, 0, 0) == -EINVAL,
	    "syslog");
	CHECK(sys2(252 /* ioprio_get */, 1, 0) >= 0 && sys2(252, 9, 0) ==
	    -EINVAL, "ioprio");
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	if (sys0(SYS_getuid) != 0) {
		printf("ids: needs user 0\n");
		return 77;
	}
	sh = map_shared(PGSZ);
	CHECK(run_child(lose_root, NULL) == 0, "users");
	CHECK(run_child(groups, NULL) == 0, "groups");
	CHECK(run_child(limited, NULL) == 0, "limit");
	waitids();
	clone3s();
	CHECK(run_child(prctls, NULL) == 0, "prctl");
	CHECK(run_child(policies, NULL) == 0, "policies");
	odds();
	names();
	printf("ids: users, groups, limit, waitid, clone3, prctl, policies\n");
	return 0;
}
