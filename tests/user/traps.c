/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traps.c: does every exception that user code can cause become the signal,
 * code and address that Linux gives it, and does hostile state at the kernel's
 * door (flags, segment bases, signal frames) stay harmless?
 */
#include "ulib.h"

#define SI_KERNEL	0x80
#define ILL_ILLOPN	2
#define FPE_INTDIV	1
#define FPE_FLTDIV	3
#define SEGV_MAPERR	1
#define SEGV_ACCERR	2
#define TRAP_TRACE	2

/* Words of struct ucontext. */
#define UC_RSP		(5 + 15)
#define UC_RIP		(5 + 16)
#define UC_RFLAGS	(5 + 17)
#define UC_SEGS		(5 + 18)	/* cs, gs, fs, ss: 16 bits each */
#define UC_TRAPNO	(5 + 20)
#define UC_CR2		(5 + 22)

#define KERNEL_ADDR	0xffffffff80100000UL
#define NONCANONICAL	0x0000900000000000UL

/* What the handler saw; the probes set where it goes on. */
unsigned long	resume_ip, fault_ip;
static volatile int	seen, seen_code, steps;
static volatile unsigned long seen_addr, seen_trapno, seen_cr2, ss_word;

static void
on_trap(int sig, void *info, void *uc)
{
	unsigned long *u = uc;

	seen = sig;
	seen_code = ((int *)info)[2];
	seen_addr = ((unsigned long *)info)[2];
	seen_trapno = u[UC_TRAPNO];
	seen_cr2 = u[UC_CR2];
	u[UC_RIP] = resume_ip;
}

static void
on_step(int sig, void *info, void *uc)
{
	(void)info;
	(void)uc;
	seen = sig;
	steps++;
}

static void
handle(int sig, void (*fn)(int, void *, void *))
{
	struct sigaction sa = { fn, SA_SIGINFO | SA_RESTORER, restorer, 0 };

	CHECK(sys4(SYS_rt_sigaction, sig, &sa, 0, 8) == 0, "sigaction %d", sig);
}

/* Run insns, of which the one at label 2 faults; go on behind them. */
#define PROBE(insns, ...)						\
	__asm__ volatile(						\
	    "leaq 1f(%%rip), %%rcx\n\t"					\
	    "movq %%rcx, resume_ip(%%rip)\n\t"				\
	    "leaq 2f(%%rip), %%rcx\n\t"					\
	    "movq %%rcx, fault_ip(%%rip)\n\t"				\
	    insns "\n1:"						\
	    :: __VA_ARGS__						\
	    : "rcx", "rdx", "cc", "memory")

static void
expect(const char *what, int sig, int code, unsigned long addr)
{
	CHECK(seen == sig && seen_code == code && seen_addr == addr,
	    "%s: signal %d code %d address %lx, not %d %d %lx", what, seen,
	    seen_code, seen_addr, sig, code, addr);
	seen = 0;
}

static void
test_instructions(void)
{
	PROBE("2: ud2", "a"(0));
	expect("ud2", SIGILL, ILL_ILLOPN, fault_ip);
	PROBE("xorl %%ecx, %%ecx; xorl %%edx, %%edx\n2: divl %%ecx", "a"(1));
	expect("division by zero", SIGFPE, FPE_INTDIV, fault_ip);
	PROBE("2: int3", "a"(0));
	expect("int3", SIGTRAP, SI_KERNEL, 0);
	PROBE("2: int $0x7f", "a"(0));
	expect("int", SIGSEGV, SI_KERNEL, 0);
	PROBE("2: int $0x0e", "a"(0));
	expect("int 14", SIGSEGV, SI_KERNEL, 0);
	PROBE("2: hlt", "a"(0));
	expect("hlt", SIGSEGV, SI_KERNEL, 0);
	PROBE("2: cli", "a"(0));
	expect("cli", SIGSEGV, SI_KERNEL, 0);
	PROBE("2: movq %%rax, %%cr3", "a"(0));
	expect("mov cr3", SIGSEGV, SI_KERNEL, 0);
	PROBE("movl $0xc0000101, %%ecx\n2: wrmsr", "a"(0));
	expect("wrmsr", SIGSEGV, SI_KERNEL, 0);
	PROBE("2: inb $0x60, %%al", "a"(0));
	expect("inb", SIGSEGV, SI_KERNEL, 0);
}

static void
test_memory(void)
{
	char *ro = map_anon(PGSZ, PROT_READ);
	char *rw = map_anon(PGSZ, PROT_READ | PROT_WRITE);

	PROBE("2: movb (%%rax), %%cl", "a"(0x1234));
	expect("read of a hole", SIGSEGV, SEGV_MAPERR, 0x1234);
	CHECK(seen_trapno == 14 && seen_cr2 == 0x1234, "trapno %lu cr2 %lx",
	    seen_trapno, seen_cr2);
	PROBE("2: movb %%cl, (%%rax)", "a"(ro + 5));
	expect("write to read-only", SIGSEGV, SEGV_ACCERR,
	    (unsigned long)ro + 5);
	PROBE("2: movb (%%rax), %%cl", "a"(KERNEL_ADDR));
	expect("read of the kernel", SIGSEGV, SEGV_MAPERR, KERNEL_ADDR);
	PROBE("2: movb %%cl, (%%rax)", "a"(0xffff800000000000UL));
	expect("write to the kernel", SIGSEGV, SEGV_MAPERR,
	    0xffff800000000000UL);
	PROBE("2: movb (%%rax), %%cl", "a"(NONCANONICAL));
	expect("non-canonical read", SIGSEGV, SI_KERNEL, 0);
	PROBE("2: jmp *%%rax", "a"(rw));
	expect("execution of data", SIGSEGV, SEGV_ACCERR, (unsigned long)rw);
	PROBE("2: jmp *%%rax", "a"(KERNEL_ADDR));
	expect("execution of the kernel", SIGSEGV, SEGV_MAPERR, KERNEL_ADDR);
	PROBE("2: jmp *%%rax", "a"(NONCANONICAL));
	CHECK(seen == SIGSEGV, "non-canonical jump: signal %d", seen);
	seen = 0;
}

/* Divide by zero with the exception unmasked.  QEMU's TCG has no #XM: then
 * nothing is raised, which is not our concern. */
static void
test_float(void)
{
	unsigned short cw = 0x037b;
	unsigned int csr = 0x1d80;
	float one = 1;

	PROBE("fninit; fldcw %1; fld1; fldz; fdivrp\n2: fwait",
	    "a"(0), "m"(cw));
	__asm__ volatile("fninit");
	expect("x87 division", SIGFPE, FPE_FLTDIV, fault_ip);
	PROBE("ldmxcsr %1; movss %2, %%xmm0; xorps %%xmm1, %%xmm1\n"
	    "2: divss %%xmm1, %%xmm0", "a"(0), "m"(csr), "m"(one));
	csr = 0x1f80;
	__asm__ volatile("ldmxcsr %0" :: "m"(csr));
	if (seen != 0)
		expect("SSE division", SIGFPE, FPE_FLTDIV, fault_ip);
}

/* A system call with flags added to rflags, and taken away again after. */
static long
call_with_flags(unsigned long flags)
{
	long ret;

	__asm__ volatile(
	    "pushfq; orq %1, (%%rsp); popfq\n\t"
	    "syscall\n\t"
	    "pushfq; notq %1; andq %1, (%%rsp); popfq"
	    : "=a"(ret), "+r"(flags) : "0"((long)SYS_getpid)
	    : "rcx", "r11", "cc", "memory");
	return ret;
}

#define FL_TF	0x100UL
#define FL_DF	0x400UL
#define FL_NT	0x4000UL
#define FL_AC	0x40000UL

static void
test_flags(void)
{
	long pid = sys0(SYS_getpid);
	unsigned long all = FL_DF | FL_NT | FL_AC;
	char *fresh = map_anon(PGSZ, PROT_READ | PROT_WRITE);
	long ret;

	handle(SIGTRAP, on_step);
	CHECK(call_with_flags(all) == pid, "call with DF, NT and AC set");
	/* The same at a page fault: the kernel must clear them itself. */
	__asm__ volatile("pushfq; pushfq; orq %1, (%%rsp); popfq\n\t"
	    "movb $1, (%0); popfq" :: "r"(fresh), "r"(all)
	    : "cc", "memory");
	CHECK(fresh[0] == 1, "page fault with DF, NT and AC set");

	steps = 0;
	CHECK(call_with_flags(FL_TF) == pid && steps > 0,
	    "single step over a call: %d steps", steps);
	/* CVE-2018-8897: the trap waits until after the instruction. */
	__asm__ volatile("movl %%ss, %%ebx\n\t"
	    "pushfq; orq $0x100, (%%rsp); popfq\n\t"
	    "movl %%ebx, %%ss; syscall\n\t"
	    "pushfq; andq $~0x100, (%%rsp); popfq"
	    : "=a"(ret) : "0"((long)SYS_getpid)
	    : "rbx", "rcx", "r11", "cc", "memory");
	CHECK(ret == pid, "mov ss; syscall gives %ld", ret);
	handle(SIGTRAP, on_trap);
	seen = 0;
}

static inline void
wrgsbase(unsigned long v)
{
	PROBE("2: wrgsbase %%rax", "a"(v));
}

/* A GS base that looks like the kernel's, if user code may set it. */
static void
test_gsbase(void)
{
	char *fresh = map_anon(4 * PGSZ, PROT_READ | PROT_WRITE);
	unsigned long v = 0, i;

	wrgsbase(KERNEL_ADDR);
	if (seen != 0) {		/* #UD: not offered */
		seen = 0;
		return;
	}
	for (i = 0; i < 4; i++) {
		fresh[i * PGSZ] = 1;
		sys0(SYS_sched_yield);
		PROBE("2: ud2", "a"(0));
	}
	expect("ud2 with a kernel GS base", SIGILL, ILL_ILLOPN, fault_ip);
	__asm__ volatile("rdgsbase %0" : "=r"(v));
	CHECK(v == KERNEL_ADDR, "gs base %lx", v);
	wrgsbase(0);
}

/* ---- signal frames that must not get far ---- */

static int	hostile;	/* which word the handler spoils */

static void
on_hostile(int sig, void *info, void *uc)
{
	unsigned long *u = uc;

	(void)sig;
	(void)info;
	switch (hostile) {
	case 0:			/* a kernel code selector */
		u[UC_SEGS] = (u[UC_SEGS] & ~0xffffUL) | 0x08;
		break;
	case 1:
		u[UC_RIP] = NONCANONICAL;
		break;
	case 2:
		u[UC_RIP] = KERNEL_ADDR;
		break;
	case 3:			/* the frame is somewhere else */
		__asm__ volatile("movl $15, %%eax; movl $16, %%esp; syscall"
		    ::: "rax", "memory");
		break;
	}
}

static int
return_hostile(void *arg)
{
	hostile = (int)(long)arg;
	handle(SIGUSR1, on_hostile);
	sys2(SYS_kill, sys0(SYS_getpid), SIGUSR1);
	return 0;
}

static void
on_flags(int sig, void *info, void *uc)
{
	(void)sig;
	(void)info;
	/* IOPL 3 and, for the next instructions, DF. */
	((unsigned long *)uc)[UC_RFLAGS] |= 0x3000 | FL_DF;
}

/* NT stays as the handler was entered with it. */
static void
on_nothing(int sig, void *info, void *uc)
{
	(void)sig;
	(void)info;
	((unsigned long *)uc)[UC_RFLAGS] &= ~(unsigned long)FL_NT;
}

static void
on_die(int sig, void *info, void *uc)
{
	const unsigned long *u = uc;

	(void)sig;
	(void)info;
	/* An address that cannot be gone to: the fault is there. */
	if (hostile == 1 || hostile == 2)
		exit(u[UC_RIP] == (hostile == 1 ? NONCANONICAL : KERNEL_ADDR) ?
		    1 : 2);
	exit(1);
}

/* flags_kept: rflags behind a signal that fn handles, with add set before. */
static unsigned long
flags_kept(void (*fn)(int, void *, void *), unsigned long add)
{
	unsigned long flags;

	handle(SIGUSR1, fn);
	__asm__ volatile("pushfq; orq %%rbx, (%%rsp); popfq\n\t"
	    "syscall\n\tpushfq; popq %0; pushq $2; popfq"
	    : "=a"(flags)
	    : "a"((long)SYS_kill), "D"(sys0(SYS_getpid)), "S"((long)SIGUSR1),
	      "b"(add)
	    : "rcx", "r11", "cc", "memory");
	return flags;
}

static void
test_sigreturn(void)
{
	unsigned long flags;
	long i;
	int st;

	for (i = 0; i < 4; i++) {
		handle(SIGSEGV, on_die);
		st = run_child(return_hostile, (void *)i);
		/* Given to the handler; with no stack to run it on, killed. */
		CHECK(i == 3 ? WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV :
		    WIFEXITED(st) && WEXITSTATUS(st) == 1,
		    "hostile frame %ld: status %x", i, st);
	}
	handle(SIGSEGV, on_trap);
	flags = flags_kept(on_nothing, FL_NT);
	CHECK((flags & FL_NT) != 0, "sigreturn lost NT: %lx", flags);
	flags = flags_kept(on_flags, 0);
	CHECK((flags & FL_DF) != 0, "sigreturn lost DF: %lx", flags);
	CHECK((flags & 0x3000) == 0, "sigreturn gave IOPL: %lx", flags);
	PROBE("2: cli", "a"(0));
	expect("cli after sigreturn", SIGSEGV, SI_KERNEL, 0);
}

int
main(int argc, char **argv, char **envp)
{
	static const int sigs[] = { SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV };
	unsigned i;

	(void)argc;
	(void)argv;
	(void)envp;
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		handle(sigs[i], on_trap);
	test_instructions();
	test_memory();
	test_float();
	test_flags();
	test_gsbase();
	test_sigreturn();
	return 0;
}
