/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sendsig.c: signal frames, in the layout of Linux x86-64.
 *
 * From high addresses to low: the red zone that the interrupted code may be
 * using; the FPU image, 64-byte aligned; struct sigframe, placed so that the
 * handler starts with the alignment that a call would give it.  rt_sigreturn
 * finds rsp one word above the frame's start, which the handler's ret popped.
 *
 * I1	Nothing that the frame holds is trusted when it comes back: selectors
 *	must be ours, rip a user address, of the flags only those that user code
 *	can set itself.
 * Sources: System V ABI AMD64 3.2.2 (red zone); Linux uapi/asm/{sigcontext,
 * ucontext}.h.
 */
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/fpu.h>
#include <machine/segments.h>
#include <machine/specialreg.h>
#include <machine/trap.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/thread.h>
#include <sys/uaddr.h>
#include <sys/usermode.h>

#define RED_ZONE		128
#define SIGINFO_SIZE		128

#define UC_FP_XSTATE		0x1
#define UC_SIGCONTEXT_SS	0x2	/* ss is in the frame */
#define UC_STRICT_RESTORE_SS	0x4

/* CF PF AF ZF SF DF OF, and: what a handler may change in its caller. */
#define RFLAGS_SIGRETURN	(0xcd5UL | RFLAGS_TF | RFLAGS_RF | RFLAGS_AC)

struct sigcontext {
	uint64_t	r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t	rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t	cs, gs, fs, ss;
	uint64_t	err, trapno, oldmask, cr2;
	uint64_t	fpstate;	/* user address of the FPU image, or 0 */
	uint64_t	reserved[8];
};
CTASSERT(sizeof(struct sigcontext) == 256, "Linux struct sigcontext");

struct ucontext {
	uint64_t	uc_flags, uc_link;
	struct sigstack	uc_stack;
	struct sigcontext uc_mcontext;
	uint64_t	uc_sigmask;
};
CTASSERT(sizeof(struct ucontext) == 304, "Linux struct ucontext");

struct sigframe {
	uint64_t	sf_restorer;	/* the handler returns to it */
	struct ucontext	sf_uc;
	uint8_t		sf_info[SIGINFO_SIZE];
};
CTASSERT(sizeof(struct sigframe) == 440, "Linux struct rt_sigframe");

static void
context_save(struct sigcontext *sc, const struct trapframe *tf,
    const struct md_thread *md)
{
	sc->r8 = tf->tf_r8;
	sc->r9 = tf->tf_r9;
	sc->r10 = tf->tf_r10;
	sc->r11 = tf->tf_r11;
	sc->r12 = tf->tf_r12;
	sc->r13 = tf->tf_r13;
	sc->r14 = tf->tf_r14;
	sc->r15 = tf->tf_r15;
	sc->rdi = tf->tf_rdi;
	sc->rsi = tf->tf_rsi;
	sc->rbp = tf->tf_rbp;
	sc->rbx = tf->tf_rbx;
	sc->rdx = tf->tf_rdx;
	sc->rax = tf->tf_rax;
	sc->rcx = tf->tf_rcx;
	sc->rsp = tf->tf_rsp;
	sc->rip = tf->tf_rip;
	sc->rflags = tf->tf_rflags;
	sc->cs = (uint16_t)tf->tf_cs;
	sc->ss = (uint16_t)tf->tf_ss;
	sc->err = md->md_traperr;
	sc->trapno = md->md_trapno;
	sc->cr2 = md->md_trapaddr;
}

static void
context_restore(struct trapframe *tf, const struct sigcontext *sc)
{
	tf->tf_r8 = sc->r8;
	tf->tf_r9 = sc->r9;
	tf->tf_r10 = sc->r10;
	tf->tf_r11 = sc->r11;
	tf->tf_r12 = sc->r12;
	tf->tf_r13 = sc->r13;
	tf->tf_r14 = sc->r14;
	tf->tf_r15 = sc->r15;
	tf->tf_rdi = sc->rdi;
	tf->tf_rsi = sc->rsi;
	tf->tf_rbp = sc->rbp;
	tf->tf_rbx = sc->rbx;
	tf->tf_rdx = sc->rdx;
	tf->tf_rax = sc->rax;
	tf->tf_rcx = sc->rcx;
	tf->tf_rsp = sc->rsp;
	tf->tf_rip = sc->rip;
	/* Others, NT and ID, stay as the handler left them. */
	tf->tf_rflags = (tf->tf_rflags & ~RFLAGS_SIGRETURN) |
	    (sc->rflags & RFLAGS_SIGRETURN) | RFLAGS_IF | RFLAGS_R1;
	tf->tf_err = UINT64_MAX;	/* no call to restart */
}

/* Where the frame goes: below what is in use, or at the top of the other
 * stack. */
static uint64_t
frame_stack(const struct trapframe *tf, const struct md_sigargs *a)
{
	return a->onstack ? a->stack.ss_sp + a->stack.ss_size :
	    tf->tf_rsp - RED_ZONE;
}

int
md_sendsig(struct trapframe *tf, const struct md_sigargs *a)
{
	struct sigframe f = { .sf_restorer = a->restorer };
	struct ucontext *uc = &f.sf_uc;
	uint64_t fp, sp;
	int error;

	if (a->handler >= VM_MAX_USER_ADDRESS)
		return EFAULT;
	fp = rounddown2(frame_stack(tf, a) - fpu_sigsize(), 64UL);
	sp = rounddown2(fp - sizeof(f), 16UL) - 8;

	uc->uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	uc->uc_stack = a->stack;
	uc->uc_sigmask = a->oldmask;
	context_save(&uc->uc_mcontext, tf, &curthread->td_md);
	uc->uc_mcontext.oldmask = a->oldmask;
	uc->uc_mcontext.fpstate = fp;
	memcpy(f.sf_info, a->siginfo, SIGINFO_SIZE);

	error = fpu_copyout(uaddr(fp));
	if (error == 0)
		error = copyout(&f, uaddr(sp), sizeof(f));
	if (error != 0)
		return error;
	fpu_reset();
	tf->tf_rdi = (uint64_t)a->signo;
	tf->tf_rsi = sp + offsetof(struct sigframe, sf_info);
	tf->tf_rdx = sp + offsetof(struct sigframe, sf_uc);
	tf->tf_rax = 0;
	tf->tf_rip = a->handler;
	tf->tf_rsp = sp;
	tf->tf_rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_TF | RFLAGS_RF);
	return 0;
}

int
md_sigreturn(struct trapframe *tf, uint64_t *mask, struct sigstack *stack)
{
	struct ucontext uc;
	const struct sigcontext *sc = &uc.uc_mcontext;
	int error;

	error = copyin(uaddr(tf->tf_rsp), &uc, sizeof(uc));
	if (error != 0)
		return error;
	/* Any rip will do: the way out knows addresses that are not canonical,
	 * and all others fault in user mode. */
	if (sc->cs != SEL_UCODE || sc->ss != SEL_UDATA)
		return EFAULT;
	if (sc->fpstate == 0)
		fpu_reset();
	else if (fpu_copyin(uaddr(sc->fpstate)) != 0)
		return EFAULT;
	context_restore(tf, sc);
	*mask = uc.uc_sigmask;
	*stack = uc.uc_stack;
	return 0;
}
