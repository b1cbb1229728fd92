/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signals.c: do faults and kills end a process with the right signal, and do
 * handlers run, nest, return and restart calls?
 */
#include "ulib.h"

static volatile int seen, depth, maxdepth, last_code;
static volatile unsigned long last_addr, handler_sp;
static char altstack[16384];

static void
set_handler(int sig, void (*fn)(int, void *, void *), unsigned long flags)
{
	struct sigaction sa = { fn, flags | SA_RESTORER | SA_SIGINFO, restorer,
	    0 };

	CHECK(sys4(SYS_rt_sigaction, sig, &sa, 0, 8) == 0, "sigaction %d", sig);
}

static void
on_signal(int sig, void *info, void *uc)
{
	int here;

	(void)uc;
	seen = sig;
	last_code = ((int *)info)[2];
	last_addr = ((unsigned long *)info)[2];
	handler_sp = (unsigned long)&here;
}

static void
on_nested(int sig, void *info, void *uc)
{
	(void)info;
	(void)uc;
	if (++depth > maxdepth)
		maxdepth = depth;
	if (depth < 5)
		sys2(SYS_kill, sys0(SYS_getpid), sig);
	depth--;
}

/* The faulting instruction is skipped: its length comes with the test. */
static volatile unsigned long skip;

static void
on_fault(int sig, void *info, void *uc)
{
	on_signal(sig, info, uc);
	((unsigned long *)uc)[5 + 16] += skip;	/* gregs[REG_RIP] */
}

static int
die_null(void *arg)
{
	(void)arg;
	*(volatile int *)8 = 1;
	return 0;
}

static int
die_ill(void *arg)
{
	(void)arg;
	__asm__ volatile("ud2");
	return 0;
}

static int
die_fpe(void *arg)
{
	volatile int zero = 0;

	(void)arg;
	return 100 / zero;
}

static int
die_priv(void *arg)
{
	(void)arg;
	__asm__ volatile("cli");
	return 0;
}

static int
die_trap(void *arg)
{
	(void)arg;
	__asm__ volatile("int3");
	return 0;
}

static int
die_kernel_read(void *arg)
{
	(void)arg;
	return *(volatile int *)0xffffffff80100000UL;
}

static int
die_jump(void *arg)
{
	(void)arg;
	((void (*)(void))map_anon(PGSZ, PROT_READ | PROT_WRITE))();
	return 0;
}

static int
die_kill(void *arg)
{
	sys2(SYS_kill, sys0(SYS_getpid), *(int *)arg);
	return 0;
}

static int
die_pipe(void *arg)
{
	int fd[2];

	(void)arg;
	sys1(SYS_pipe, fd);
	sys1(SYS_close, fd[0]);
	sys3(SYS_write, fd[1], "x", 1);
	return 0;
}

static void
expect_death(int (*fn)(void *), int sig, const char *what)
{
	int status = run_child(fn, &sig);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sig,
	    "%s: status %x, not signal %d", what, status, sig);
}

static void
deaths(void)
{
	expect_death(die_null, SIGSEGV, "null write");
	expect_death(die_ill, SIGILL, "ud2");
	expect_death(die_fpe, SIGFPE, "division by zero");
	expect_death(die_priv, SIGSEGV, "cli");
	expect_death(die_trap, SIGTRAP, "int3");
	expect_death(die_kernel_read, SIGSEGV, "kernel read");
	expect_death(die_jump, SIGSEGV, "jump to data");
	expect_death(die_pipe, SIGPIPE, "broken pipe");
	expect_death(die_kill, SIGKILL, "kill -9");
	expect_death(die_kill, SIGTERM, "kill -15");
}

static void
masks(void)
{
	unsigned long set = 1UL << (SIGUSR1 - 1), old = 0;

	set_handler(SIGUSR1, on_signal, 0);
	CHECK(sys4(SYS_rt_sigprocmask, 0, &set, &old, 8) == 0, "block");
	seen = 0;
	sys2(SYS_kill, sys0(SYS_getpid), SIGUSR1);
	CHECK(seen == 0, "a blocked signal was delivered");
	CHECK(sys4(SYS_rt_sigprocmask, 1, &set, 0, 8) == 0, "unblock");
	CHECK(seen == SIGUSR1, "pending signal was lost: %d", seen);
}

static void
faults_handled(void)
{
	char *p = map_anon(PGSZ, PROT_READ);
	unsigned long stack[3] = { (unsigned long)altstack, 0,
	    sizeof(altstack) };

	set_handler(SIGSEGV, on_fault, 0);
	skip = 3;			/* c6 00 01: movb $1, (%rax) */
	__asm__ volatile("movb $1, (%%rax)" :: "a"(p) : "memory");
	CHECK(seen == SIGSEGV && last_code == 2 &&
	    last_addr == (unsigned long)p, "ACCERR: %d %d %lx", seen,
	    last_code, last_addr);
	__asm__ volatile("movb $1, (%%rax)" :: "a"(64) : "memory");
	CHECK(last_code == 1 && last_addr == 64, "MAPERR: %d %lx", last_code,
	    last_addr);
	CHECK(sys2(SYS_sigaltstack, stack, 0) == 0, "sigaltstack");
	set_handler(SIGSEGV, on_fault, SA_ONSTACK);
	__asm__ volatile("movb $1, (%%rax)" :: "a"(64) : "memory");
	CHECK(handler_sp - (unsigned long)altstack < sizeof(altstack),
	    "handler ran at %lx, not on the alternate stack", handler_sp);
}

static void
restart(void)
{
	int fd[2], status;
	char c = 0;
	long pid, r, self = sys0(SYS_getpid);

	CHECK(sys1(SYS_pipe, fd) == 0, "pipe");
	for (int with = 0; with < 2; with++) {
		set_handler(SIGUSR1, on_signal, with ? SA_RESTART : 0);
		seen = 0;
		pid = fork();
		if (pid == 0) {
			long ts[2] = { 0, 50000000 };

			sys2(SYS_nanosleep, ts, 0);
			sys2(SYS_kill, self, SIGUSR1);
			sys2(SYS_nanosleep, ts, 0);
			sys3(SYS_write, fd[1], "y", 1);
			exit(0);
		}
		r = sys3(SYS_read, fd[0], &c, 1);
		CHECK(seen == SIGUSR1, "no signal");
		CHECK(r == (with ? 1 : -EINTR), "restart %d: read gives %ld",
		    with, r);
		CHECK(waitpid(pid, &status) == pid && status == 0, "child");
		if (!with)
			sys3(SYS_read, fd[0], &c, 1);
	}
}

int
main(int argc, char **argv, char **envp)
{
	double x = 1.5;

	(void)argc;
	(void)argv;
	(void)envp;
	deaths();
	masks();
	set_handler(SIGUSR1, on_nested, SA_NODEFER);
	sys2(SYS_kill, sys0(SYS_getpid), SIGUSR1);
	CHECK(maxdepth == 5 && depth == 0, "nesting %d %d", maxdepth, depth);
	faults_handled();
	restart();
	__asm__ volatile("" : "+x"(x));
	CHECK(x > 1.4 && x < 1.6, "floating point state was lost");
	printf("signals: deaths, masks, nesting, faults, restart\n");
	return 0;
}
