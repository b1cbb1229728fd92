/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procs.c: do processes wait, stop, continue, lose their parents, share a
 * vfork's space, replace themselves from any thread and die as a group as they
 * should?
 */
#include "ulib.h"

enum {
	SYS_setpgid = 109, SYS_setsid = 112, SYS_getpgid = 121,
	SYS_tgkill = 234, WNOHANG = 1, WUNTRACED = 2, WCONTINUED = 8,
	SIGSTOP = 19, SIGCONT = 18,
};

static struct shared {
	volatile int	a, b, c;
} *sh;

static long
wait4(long pid, int *st, int options)
{
	return sys4(SYS_wait4, pid, st, options, 0);
}

static void
waiting(void)
{
	long pid, ru[18];
	int st = 0;

	CHECK(wait4(-1, &st, 0) == -ECHILD, "no child");
	CHECK(wait4(-1, &st, 0x100) == -EINVAL, "odd option");
	pid = fork();
	if (pid == 0) {
		while (sh->a == 0)
			sys0(SYS_sched_yield);
		exit(7);
	}
	CHECK(wait4(pid, &st, WNOHANG) == 0, "WNOHANG");
	CHECK(wait4(pid + 1, &st, WNOHANG) == -ECHILD, "another's child");
	CHECK(wait4(-5, &st, WNOHANG) == -ECHILD, "another group");
	sh->a = 1;
	CHECK(sys4(SYS_wait4, 0, &st, 0, ru) == pid && WIFEXITED(st) &&
	    WEXITSTATUS(st) == 7, "status %x", st);
	CHECK(wait4(pid, &st, 0) == -ECHILD, "reaped twice");
}

static void
stops(void)
{
	long pid = fork();
	int st;

	if (pid == 0) {
		for (;;)
			sys0(SYS_sched_yield);
	}
	CHECK(sys2(SYS_kill, pid, SIGSTOP) == 0, "stop");
	CHECK(wait4(pid, &st, WUNTRACED) == pid && st == ((SIGSTOP << 8) |
	    0x7f), "stopped: %x", st);
	CHECK(wait4(pid, &st, WUNTRACED | WNOHANG) == 0, "told twice");
	CHECK(sys2(SYS_kill, pid, SIGCONT) == 0 &&
	    wait4(pid, &st, WCONTINUED) == pid && st == 0xffff,
	    "continued: %x", st);
	CHECK(sys2(SYS_kill, pid, SIGSTOP) == 0 &&
	    wait4(pid, &st, WUNTRACED) == pid, "stopped again");
	CHECK(sys2(SYS_kill, pid, SIGKILL) == 0 &&
	    wait4(pid, &st, 0) == pid && WTERMSIG(st) == SIGKILL,
	    "killed while stopped: %x", st);
}

/* The grandchild is init's after its parent has gone. */
static void
orphans(void)
{
	int st;
	long pid;

	sh->a = sh->b = 0;
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			while (sh->a == 0)
				msleep(1);
			sh->b = (int)sys0(SYS_getppid);
			exit(0);
		}
		exit(0);
	}
	CHECK(waitpid(pid, &st) == pid, "child");
	sh->a = 1;
	while (sh->b == 0)
		msleep(1);
	CHECK(sh->b == 1, "parent %d", sh->b);
}

static void
no_zombies(void)
{
	struct sigaction ign = { .handler = (void *)1 }, dfl = { 0 };
	int st;

	CHECK(sys4(SYS_rt_sigaction, SIGCHLD, &ign, 0, 8) == 0, "ignore");
	for (int i = 0; i < 4; i++)
		if (fork() == 0)
			exit(i);
	CHECK(wait4(-1, &st, 0) == -ECHILD, "a zombie was left");
	CHECK(sys4(SYS_rt_sigaction, SIGCHLD, &dfl, 0, 8) == 0, "default");
}

static void
groups(void)
{
	long pid[3];
	int st;

	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			for (;;)
				msleep(1000);
		}
		CHECK(sys2(SYS_setpgid, pid[i], pid[0]) == 0, "setpgid %d",
		    i);
	}
	CHECK(sys1(SYS_getpgid, pid[2]) == pid[0], "getpgid");
	CHECK(sys2(SYS_kill, -pid[0], 0) == 0, "probe");
	CHECK(sys2(SYS_kill, -pid[0], SIGTERM) == 0, "kill the group");
	for (int i = 0; i < 3; i++)
		CHECK(wait4(-pid[0], &st, 0) > 0 && WTERMSIG(st) == SIGTERM,
		    "status %x", st);
	CHECK(sys2(SYS_kill, -pid[0], 0) == -ESRCH, "group is empty");
	CHECK(sys2(SYS_kill, pid[0], 0) == -ESRCH, "reaped");
	CHECK(sys2(SYS_kill, 1 << 30, 0) == -ESRCH &&
	    sys2(SYS_kill, 1, 65) == -EINVAL, "arguments");
}

/* How a group is told to go: by signo; or it goes when its handler ran. */
struct going {
	const char	*name;
	int		signo;
	bool		handler, threads;
};
static volatile int told;

static void
tell(int signo)
{
	told = signo;
}

/* Only stay; or as long as it is not told. */
static void
stay(void)
{
	for (;;) {
		if (told != 0)
			exit(0);
		msleep(20);
	}
}

static void
fork_many(void *arg)
{
	long pid;

	(void)arg;
	for (int i = 0; i < 40; i++) {
		pid = fork();
		CHECK(pid >= 0 || pid == -EAGAIN, "fork: %ld", pid);
		if (pid == 0)
			stay();
	}
	stay();
}

static void
spin(void *arg)
{
	(void)arg;
	for (;;)
		sys0(SYS_sched_yield);
}

/* In a group of its own, n processes that fork children that stay. */
static void
forkers(const struct going *g, int n)
{
	struct sigaction sa = { (void *)tell, 0x04000000,
	    restorer, 0 };
	struct uthread t[2];

	sys2(SYS_setpgid, 0, 0);
	if (g->handler)
		CHECK(sys4(SYS_rt_sigaction, g->signo, &sa, 0, 8) == 0,
		    "handler");
	while (n-- > 1 && fork() != 0)
		continue;
	if (g->threads) {
		thread_start(&t[0], fork_many, NULL);
		thread_start(&t[1], spin, NULL);
	}
	sh->a = 1;
	if (!g->threads)
		fork_many(NULL);
	stay();
}

static void
group_gone(long pid, const char *how, int round)
{
	/* They are process 1's now, and go when it looks. */
	for (int n = 0; n < 500 && sys2(SYS_kill, -pid, 0) == 0; n++)
		msleep(10);
	CHECK(sys2(SYS_kill, -pid, SIGKILL) == -ESRCH,
	    "%s, round %d: somebody is left", how, round);
}

/* A group that forks is told to go: is nobody left, not even who was just
 * made? */
static void
group_goes(const struct going *g, int rounds)
{
	long pid;
	int st;

	for (int round = 0; round < rounds; round++) {
		sh->a = 0;
		pid = fork();
		if (pid == 0)
			forkers(g, 4);
		while (sh->a == 0)
			sys0(SYS_sched_yield);
		for (int i = 0; i < round * 40; i++)
			sys0(SYS_sched_yield);
		CHECK(sys2(SYS_kill, -pid, g->signo) == 0, "kill");
		CHECK(wait4(pid, &st, 0) == pid &&
		    st == (g->handler ? 0 : g->signo), "leader: %x", st);
		group_gone(pid, g->name, round);
	}
}

/* move: whoever runs says so. */
static void
move(void)
{
	for (;;) {
		__atomic_fetch_add(&sh->b, 1, __ATOMIC_RELAXED);
		msleep(5);
	}
}

static void
fork_movers(void *arg)
{
	(void)arg;
	for (int i = 0; i < 40; i++)
		if (fork() == 0)
			move();
	move();
}

/* still: does nobody say anything, for once? */
static bool
still(void)
{
	for (int i = 0; i < 100; i++) {
		int was = sh->b;

		msleep(50);
		if (sh->b == was)
			return true;
	}
	return false;
}

/* A group that forks is stopped: does nobody go on, not even who was just
 * made? */
static void
group_stops(bool threads, int rounds)
{
	struct uthread t;
	long pid;
	int st, was;

	for (int round = 0; round < rounds; round++) {
		sh->a = 0;
		pid = fork();
		if (pid == 0) {
			sys2(SYS_setpgid, 0, 0);
			(void)fork();
			(void)fork();
			sh->a = 1;
			if (threads)
				thread_start(&t, fork_movers, NULL);
			else
				fork_movers(NULL);
			spin(NULL);
		}
		while (sh->a == 0)
			sys0(SYS_sched_yield);
		for (int i = 0; i < round * 20; i++)
			sys0(SYS_sched_yield);
		CHECK(sys2(SYS_kill, -pid, SIGSTOP) == 0 &&
		    wait4(pid, &st, WUNTRACED) == pid && (st & 0xff) == 0x7f,
		    "stopped: %x", st);
		CHECK(still(), "round %d: somebody goes on", round);
		was = sh->b;
		CHECK(sys2(SYS_kill, -pid, SIGCONT) == 0, "continue");
		while (sh->b == was)
			msleep(1);
		CHECK(sys2(SYS_kill, -pid, SIGKILL) == 0 &&
		    wait4(pid, &st, 0) == pid, "kill");
		group_gone(pid, "a stop", round);
	}
}

static void
groups_go(void)
{
	static const struct going how[] = {
		{ "SIGKILL", SIGKILL, false, false },
		{ "SIGTERM", SIGTERM, false, false },
		{ "a handler", SIGTERM, true, false },
		{ "SIGTERM to threads", SIGTERM, false, true },
	};

	for (unsigned i = 0; i < sizeof(how) / sizeof(how[0]); i++)
		group_goes(&how[i], 10);
	group_stops(false, 5);
	group_stops(true, 5);
}

/* vfork: the child runs in our memory while we wait. */
static volatile int vforked;

static void
vforks(void)
{
	int st;
	long pid;

	vforked = 0;
	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n"
	    "\tmovl $5, %[v]\n\tmov $3, %%edi\n\tmov $60, %%eax\n\tsyscall\n"
	    "1:" : "=a"(pid), [v] "=m"(vforked)
	    : "a"(SYS_vfork) : "rcx", "r11", "rdi", "memory");
	CHECK(pid > 0 && vforked == 5, "pid %ld, value %d", pid, vforked);
	CHECK(waitpid(pid, &st) == pid && WEXITSTATUS(st) == 3, "%x", st);
}

static void
sleep_long(void *arg)
{
	(void)arg;
	for (;;)
		msleep(100000);
}

static void
exec_self(void *arg)
{
	char *const av[] = { (char *)arg, (char *)"child", NULL };
	char *const env[] = { NULL };

	sys3(SYS_execve, arg, av, env);
	exit(9);
}

/* A thread that is not the first replaces the program; the others go. */
static void
exec_from_thread(const char *self)
{
	struct uthread t[3];
	long pid = fork();
	int st;

	if (pid == 0) {
		sh->c = (int)sys0(SYS_getpid);
		thread_start(&t[0], sleep_long, NULL);
		thread_start(&t[1], sleep_long, NULL);
		msleep(5);
		thread_start(&t[2], exec_self, (void *)self);
		for (;;)
			msleep(100000);
	}
	CHECK(waitpid(pid, &st) == pid && WIFEXITED(st) &&
	    WEXITSTATUS(st) == 42, "status %x", st);
}

/* One thread leaves the process, or a fault does: blocked threads go too. */
static int
group_dies(void *how)
{
	struct uthread t[4];

	for (int i = 0; i < 4; i++)
		thread_start(&t[i], sleep_long, NULL);
	msleep(5);
	if (how != NULL)
		*(volatile int *)8 = 0;
	return 11;
}

/* The first thread leaves; the others go on, the status is the last one's. */
static void
outlive(void *arg)
{
	(void)arg;
	msleep(20);
	sys1(SYS_exit_group, 13);
}

static int
leader_leaves(void *arg)
{
	struct uthread t;

	(void)arg;
	thread_start(&t, outlive, NULL);
	sys1(SYS_exit, 0);
	return 0;
}

int
main(int argc, char **argv, char **envp)
{
	int st;

	(void)envp;
	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return sys0(SYS_getpid) == sys0(SYS_gettid) ? 42 : 1;
	sh = map_shared(PGSZ);
	waiting();
	stops();
	orphans();
	no_zombies();
	groups();
	groups_go();
	vforks();
	exec_from_thread(argv[0]);
	st = run_child(group_dies, NULL);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 11, "exit_group: %x", st);
	st = run_child(group_dies, &st);
	CHECK(WTERMSIG(st) == SIGSEGV, "fault with threads: %x", st);
	st = run_child(leader_leaves, NULL);
	CHECK(WEXITSTATUS(st) == 13, "leader left: %x", st);
	printf("procs: waits, stops, orphans, groups, vfork, exec, deaths\n");
	return 0;
}
