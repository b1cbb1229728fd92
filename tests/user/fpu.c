/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpu.c: are the x87, SSE and AVX registers of a thread its own, across
 * switches, fork and signals; and is a hostile FPU image in a signal frame
 * harmless?
 */
#include "ulib.h"

#define UC_FPSTATE	(5 + 23)	/* word of struct ucontext */
#define FP_XMM0		160		/* bytes into the image */
#define FP_MXCSR	24
#define FP_MAGIC1	464
#define FP_SIZE		480		/* xstate_size */
#define FP_XSTATE_BV	512
#define MAGIC1		0x46505853U
#define MAGIC2		0x46505845U

static bool	have_avx;

/* All the registers a thread has, as memory. */
struct regs {
	uint8_t		ymm[16][32];
	uint64_t	x87;
	uint32_t	mxcsr;
	uint16_t	fcw;
} __attribute__((__aligned__(32)));

static bool
avx_offered(void)
{
	uint32_t a = 1, b, c, d, lo, hi;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	if ((c & 0x18000000) != 0x18000000)	/* OSXSAVE, AVX */
		return false;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (lo & 6) == 6;
}

#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10)	\
	X(11) X(12) X(13) X(14) X(15)

static void
load(const struct regs *r)
{
	__asm__ volatile("fninit; fldcw %0; fildll %1; ldmxcsr %2"
	    :: "m"(r->fcw), "m"(r->x87), "m"(r->mxcsr));
#define Y(n)								\
	__asm__ volatile("vmovups %0, %%ymm" #n :: "m"(r->ymm[n]));
#define X(n)								\
	__asm__ volatile("movups %0, %%xmm" #n :: "m"(r->ymm[n]));
	if (have_avx) {
		EACH(Y)
	} else {
		EACH(X)
	}
#undef X
#undef Y
}

static void
store(struct regs *r)
{
#define Y(n)								\
	__asm__ volatile("vmovups %%ymm" #n ", %0" : "=m"(r->ymm[n]));
#define X(n)								\
	__asm__ volatile("movups %%xmm" #n ", %0" : "=m"(r->ymm[n]));
	if (have_avx) {
		EACH(Y)
	} else {
		EACH(X)
	}
#undef X
#undef Y
	__asm__ volatile("fnstcw %0; fistpll %1; stmxcsr %2"
	    : "=m"(r->fcw), "=m"(r->x87), "=m"(r->mxcsr));
}

static void
fill(struct regs *r, uint64_t seed)
{
	unsigned i, j, width = have_avx ? 32 : 16;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < 16; i++)
		for (j = 0; j < width; j++)
			r->ymm[i][j] = (uint8_t)rnd(&seed);
	r->x87 = rnd(&seed) >> 2;
	r->mxcsr = 0x1f80 | (uint32_t)(seed & 3) << 13;	/* rounding */
	r->fcw = 0x037f | (uint16_t)((seed >> 2 & 3) << 10);
}

static bool
same(const struct regs *a, const struct regs *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Load, make the kernel switch, store: in assembler's order, without a call
 * that might use SSE in between. */
static int
yielder(void *arg)
{
	struct regs in, out;
	uint64_t seed = (uint64_t)arg * 0x9e3779b97f4a7c15 + 1;
	unsigned i, spin;

	memset(&out, 0, sizeof(out));
	for (i = 0; i < 200; i++) {
		fill(&in, seed + i);
		load(&in);
		if (i % 8 == 0) {	/* be preempted in user mode */
			spin = 300000;
			__asm__ volatile("1: decl %0; jnz 1b" : "+r"(spin));
		} else {
			(void)sys0(SYS_sched_yield);
		}
		store(&out);
		if (!same(&in, &out))
			return 1;
	}
	return 0;
}

static void
test_switch(void)
{
	long pid[6], got;
	unsigned i;
	int st;

	for (i = 0; i < 6; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0, "fork %ld", pid[i]);
		if (pid[i] == 0)
			exit(yielder((void *)(uintptr_t)(i + 1)));
	}
	for (i = 0; i < 6; i++) {
		got = waitpid(pid[i], &st);
		CHECK(got == pid[i] && st == 0,
		    "registers changed in child %u: status %x", i, st);
	}
}

static void
test_fork(void)
{
	struct regs in, out;
	long pid;
	int st;

	memset(&out, 0, sizeof(out));
	fill(&in, 77);
	load(&in);
	pid = sys0(SYS_fork);
	store(&out);
	if (pid == 0)
		exit(same(&in, &out) ? 0 : 1);
	CHECK(same(&in, &out), "fork changed the parent's registers");
	waitpid(pid, &st);
	CHECK(st == 0, "the child's registers are not the parent's: %x", st);
}

static void
handle(int sig, void (*fn)(int, void *, void *))
{
	struct sigaction sa = { fn, SA_SIGINFO | SA_RESTORER, restorer, 0 };

	CHECK(sys4(SYS_rt_sigaction, sig, &sa, 0, 8) == 0, "sigaction %d", sig);
}

static uint32_t	handler_mxcsr, image_magic1, image_magic2;
static bool	edit;

static void
on_signal(int sig, void *info, void *uc)
{
	char *fp = (char *)((uint64_t *)uc)[UC_FPSTATE];
	struct regs junk;

	(void)sig;
	(void)info;
	__asm__ volatile("stmxcsr %0" : "=m"(handler_mxcsr));
	memcpy(&image_magic1, fp + FP_MAGIC1, 4);
	if (image_magic1 == MAGIC1)
		memcpy(&image_magic2, fp + *(uint32_t *)(fp + FP_SIZE), 4);
	if (edit)
		memset(fp + FP_XMM0, 0x5a, 16);
	fill(&junk, 99);
	load(&junk);
}

static void
raise_with(const struct regs *in, struct regs *out)
{
	long pid = sys0(SYS_getpid);

	memset(out, 0, sizeof(*out));
	load(in);
	(void)sys2(SYS_kill, pid, SIGUSR1);
	store(out);
}

static void
test_signal(void)
{
	struct regs in, out;

	handle(SIGUSR1, on_signal);
	fill(&in, 5);
	in.mxcsr |= 0x6000;
	raise_with(&in, &out);
	CHECK(same(&in, &out), "the handler changed our registers");
	CHECK(handler_mxcsr == 0x1f80, "the handler starts with mxcsr %x",
	    handler_mxcsr);
	CHECK(image_magic1 != MAGIC1 || image_magic2 == MAGIC2,
	    "magic words %x %x", image_magic1, image_magic2);
	CHECK(!have_avx || image_magic1 == MAGIC1, "AVX, but no magic word");

	edit = true;
	raise_with(&in, &out);
	edit = false;
	memset(in.ymm[0], 0x5a, 16);
	CHECK(same(&in, &out), "what the handler put into the frame is lost");
}

/* ---- hostile images ---- */

static int	hostile;

static void
on_hostile(int sig, void *info, void *uc)
{
	uint64_t *fpp = &((uint64_t *)uc)[UC_FPSTATE];
	char *fp = (char *)*fpp;

	(void)sig;
	(void)info;
	switch (hostile) {
	case 0:			/* reserved bits of mxcsr */
		memset(fp + FP_MXCSR, 0xff, 4);
		break;
	case 1:			/* a header full of ones */
		memset(fp + FP_XSTATE_BV, 0xff, 64);
		break;
	case 2:
		*fpp = 0x1000;
		break;
	case 3:
		*fpp = 0xffffffff80100000UL;
		break;
	case 4:			/* not aligned */
		*fpp += 8;
		break;
	case 5:			/* none at all */
		*fpp = 0;
		break;
	}
}

static int
return_hostile(void *arg)
{
	hostile = (int)(long)arg;
	handle(SIGUSR1, on_hostile);
	(void)sys2(SYS_kill, sys0(SYS_getpid), SIGUSR1);
	return 0;
}

static void
test_hostile(void)
{
	long i;
	int st;

	for (i = 0; i < 6; i++) {
		st = run_child(return_hostile, (void *)i);
		CHECK(st == 0 || (WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV),
		    "hostile image %ld: status %x", i, st);
	}
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	have_avx = avx_offered();
	test_fork();
	test_signal();
	test_hostile();
	test_switch();
	return 0;
}
