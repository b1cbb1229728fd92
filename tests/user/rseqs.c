/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rseqs.c: restartable sequences: registration, the number of the CPU, sections
 * that are left by a switch and by a signal, and what a bad section costs.
 */
#include "ulib.h"

enum {
	SYS_setitimer = 38, SYS_sched_setaffinity = 203,
	SYS_sched_getaffinity = 204, SYS_getcpu = 309, SYS_rseq = 334,
	EBUSY = 16, UNREGISTER = 1, SIGNATURE = 0x53053053,
};

struct area {
	volatile uint32_t	cpu_start, cpu;
	volatile uint64_t	cs;
	volatile uint32_t	flags;
	uint32_t		pad[3];
} __attribute__((__aligned__(32)));

struct section {
	uint32_t	version, flags;
	uint64_t	start, length, abort;
} __attribute__((__aligned__(32)));

static struct area area, other;

static long
rseq(struct area *a, unsigned size, int flags, unsigned sig)
{
	return sys4(SYS_rseq, a, size, flags, sig);
}

/* spin_section: a section that never ends by itself; returns from its abort
 * handler.  The three labels are for struct section. */
void	spin_section(volatile uint64_t *cs, struct section *s);
extern char section_start[], section_commit[], section_abort[], section_bad[];
__asm__(
    ".globl spin_section\nspin_section:\n"
    "\tmov	%rsi, (%rdi)\n"
    ".globl section_start\nsection_start:\n"
    "\tpause\n"
    "\tjmp	section_start\n"
    ".globl section_commit\nsection_commit:\n"
    "\t.byte	0x0f, 0xb9, 0x3d\n"
    "\t.long	0x53053053\n"
    ".globl section_abort\nsection_abort:\n"
    "\tret\n"
    "\tnop\n\tnop\n\tnop\n\tnop\n"
    ".globl section_bad\nsection_bad:\n"
    "\tret\n");

static struct section
section(void)
{
	return (struct section){
		.start = (uint64_t)section_start,
		.length = (uint64_t)(section_commit - section_start),
		.abort = (uint64_t)section_abort,
	};
}

static void
registration(void)
{
	CHECK(rseq(&area, 31, 0, SIGNATURE) == -EINVAL &&
	    rseq((struct area *)((char *)&area + 8), 32, 0, SIGNATURE) ==
	    -EINVAL && rseq(&area, 32, 2, SIGNATURE) == -EINVAL &&
	    rseq(&area, 32, UNREGISTER, SIGNATURE) == -EINVAL, "bad arguments");
	area.cpu = 77;
	CHECK(rseq(&area, 32, 0, SIGNATURE) == 0, "register");
	CHECK(area.cpu != 77 && area.cpu == area.cpu_start, "cpu %u, %u",
	    area.cpu, area.cpu_start);
	CHECK(rseq(&area, 32, 0, SIGNATURE) == -EBUSY, "twice");
	CHECK(rseq(&area, 32, 0, 1) == -EPERM, "another signature");
	CHECK(rseq(&other, 32, 0, SIGNATURE) == -EINVAL, "another area");
	CHECK(rseq(&area, 32, UNREGISTER, 1) == -EPERM, "not his");
	CHECK(rseq(&area, 32, UNREGISTER, SIGNATURE) == 0 &&
	    area.cpu == UINT32_MAX && area.cpu_start == 0, "unregister");
	CHECK(rseq(&area, 32, 0, SIGNATURE) == 0, "once more");
}

static void
numbers(void)
{
	uint64_t allowed[16] = { 0 }, one[16];
	unsigned cpu, n;

	CHECK(sys3(SYS_sched_getaffinity, 0, sizeof(allowed), allowed) > 0,
	    "affinity");
	for (n = 0; n < 1024; n++) {
		if ((allowed[n / 64] >> n % 64 & 1) == 0)
			continue;
		memset(one, 0, sizeof(one));
		one[n / 64] = 1UL << n % 64;
		CHECK(sys3(SYS_sched_setaffinity, 0, sizeof(one), one) == 0,
		    "to CPU %u", n);
		CHECK(sys3(SYS_getcpu, &cpu, 0, 0) == 0 && cpu == n, "getcpu");
		CHECK(area.cpu == n && area.cpu_start == n, "on %u: %u, %u", n,
		    area.cpu, area.cpu_start);
	}
	CHECK(sys3(SYS_sched_setaffinity, 0, sizeof(allowed), allowed) == 0,
	    "back");
}

static volatile uint64_t interrupted;

static void
on_alarm(int sig, void *info, void *uc)
{
	(void)sig;
	(void)info;
	interrupted = ((uint64_t *)uc)[5 + 16];		/* rip */
}

static void
by_signal(void)
{
	struct sigaction sa = { on_alarm, SA_RESTORER | SA_SIGINFO,
	    restorer, 0 };
	long timer[4] = { 0, 0, 0, 30000 };
	struct section s = section();

	CHECK(sys4(SYS_rt_sigaction, SIGALRM, &sa, 0, 8) == 0, "sigaction");
	/* A switch may end the section first: then once more. */
	while (interrupted == 0) {
		CHECK(sys3(SYS_setitimer, 0, timer, 0) == 0, "timer");
		while (interrupted == 0)
			spin_section(&area.cs, &s);
	}
	CHECK(area.cs == 0, "cs %lx", area.cs);
	CHECK(interrupted < s.start || interrupted >= s.start + s.length,
	    "the handler returned into the section: %lx", interrupted);
}

static volatile int stop;

static void
busy(void *arg)
{
	(void)arg;
	CHECK(rseq(&area, 32, UNREGISTER, SIGNATURE) == -EINVAL,
	    "a thread has its creator's area");
	while (!stop)
		;
}

static void
by_switch(void)
{
	uint64_t allowed[16] = { 0 }, one[16] = { 0 };
	struct section s = section();
	struct uthread t;
	unsigned n = 0;

	sys3(SYS_sched_getaffinity, 0, sizeof(allowed), allowed);
	while ((allowed[n / 64] >> n % 64 & 1) == 0)
		n++;
	one[n / 64] = 1UL << n % 64;
	CHECK(sys3(SYS_sched_setaffinity, 0, sizeof(one), one) == 0, "pin");
	CHECK(thread_start(&t, busy, NULL) == 0, "thread");
	spin_section(&area.cs, &s);
	CHECK(area.cs == 0 && area.cpu == n, "cs %lx, cpu %u", area.cs,
	    area.cpu);
	stop = 1;
	thread_join(&t);
	CHECK(sys3(SYS_sched_setaffinity, 0, sizeof(allowed), allowed) == 0,
	    "back");
	/* A section that was passed is forgotten at the next switch. */
	area.cs = (uint64_t)&s;
	msleep(1);
	CHECK(area.cs == 0, "cs %lx", area.cs);
}

/* Each is a child: it has the area of its parent, and dies of a bad section. */
enum bad { INHERITS, NO_SIGNATURE, VERSION, ABORT_INSIDE, FAR, NO_SECTION,
    NO_AREA };

static int
bad(void *arg)
{
	struct section s = section();
	uint64_t cs = (uint64_t)&s;

	switch ((enum bad)(long)arg) {
	case INHERITS:
		return rseq(&area, 32, 0, SIGNATURE) == -EBUSY ? 7 : 1;
	case NO_SIGNATURE:
		s.abort = (uint64_t)section_bad;
		break;
	case VERSION:
		s.version = 1;
		break;
	case ABORT_INSIDE:
		s.abort = s.start + 1;
		break;
	case FAR:
		s.length = ~0UL;
		break;
	case NO_SECTION:
		cs = 8;
		break;
	case NO_AREA:
		sys3(SYS_mprotect, (uint64_t)&area & ~(PGSZ - 1), PGSZ,
		    PROT_READ);
		msleep(1);
		return 1;
	}
	area.cs = cs;
	msleep(1);
	return 1;
}

int
main(int argc, char **argv, char **envp)
{
	int st;

	(void)argc;
	(void)argv;
	(void)envp;
	registration();
	numbers();
	by_signal();
	by_switch();
	st = run_child(bad, (void *)INHERITS);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 7, "fork: status %x", st);
	for (long i = NO_SIGNATURE; i <= NO_AREA; i++) {
		st = run_child(bad, (void *)i);
		CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV,
		    "bad section %ld: status %x", i, st);
	}
	printf("rseqs: the CPU told, sections left, bad ones fatal\n");
	return 0;
}
