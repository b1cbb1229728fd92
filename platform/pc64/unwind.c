/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unwind.c: walking stacks by their frame pointers, and printing a trapframe.
 *
 * Used by panic, so it trusts nothing: every word is read by md_peek, which
 * survives an address that is not mapped, and the walk only goes up the stack,
 * by at most a stack's size.  Takes no lock and allocates nothing.
 *
 * A return address in exception.S means that the frame pointer is at tf_rip of
 * a trapframe: the walk goes on in what was interrupted.  Where that is user
 * mode, the last frame reads 0x2b, the user's code selector: it lies where a
 * return address would.
 */
#include <machine/cpufunc.h>
#include <machine/frame.h>
#include <machine/trap.h>
#include <machine/vmparam.h>
#include <sys/md.h>

/* One word of a frame. */
static bool
stack_word(uint64_t va, uint64_t *val)
{
	return va >= DMAP_BASE && (va & 7) == 0 && md_peek(va, val);
}

static bool
in_exception_text(uint64_t pc)
{
	return pc >= (uint64_t)exception_text_start &&
	    pc < (uint64_t)exception_text_end;
}

/* fp is at tf_rip. */
static bool
cross_trapframe(uint64_t *pc, uint64_t *fp)
{
	uint64_t tf = *fp - offsetof(struct trapframe, tf_rip);
	uint64_t rip, cs, rbp;

	if (!stack_word(tf + offsetof(struct trapframe, tf_rip), &rip) ||
	    !stack_word(tf + offsetof(struct trapframe, tf_cs), &cs) ||
	    !stack_word(tf + offsetof(struct trapframe, tf_rbp), &rbp))
		return false;
	if ((cs & 3) != 0) {
		*pc = cs;
		*fp = 0;
	} else {
		*pc = rip;
		*fp = rbp;
	}
	return true;
}

bool
md_unwind(uint64_t *pc, uint64_t *fp)
{
	uint64_t ret, up;

	if (*fp == 0)
		return false;
	if (in_exception_text(*pc))
		return cross_trapframe(pc, fp);
	if (!stack_word(*fp, &up) || !stack_word(*fp + 8, &ret) || ret == 0)
		return false;
	if (up != 0 && (up <= *fp || up - *fp > KSTACK_SIZE))
		up = 0;
	*pc = ret;
	*fp = up;
	return true;
}

void
md_frame_pcfp(const struct trapframe *tf, uint64_t *pc, uint64_t *fp)
{
	*pc = tf->tf_rip;
	*fp = TRAPF_USERMODE(tf) ? 0 : tf->tf_rbp;
}

void
md_print_frame(const struct trapframe *tf,
    void (*pr)(const char *fmt, ...) __printflike(1, 2))
{
	pr("rip %016lx  cs %02lx  rflags %06lx  trap %lu  err %lx\n",
	    tf->tf_rip, tf->tf_cs, tf->tf_rflags, tf->tf_trapno, tf->tf_err);
	pr("rsp %016lx  ss %02lx  cr2 %016lx  cr3 %lx\n",
	    tf->tf_rsp, tf->tf_ss, rcr2(), rcr3());
	pr("rax %016lx  rbx %016lx  rcx %016lx\n",
	    tf->tf_rax, tf->tf_rbx, tf->tf_rcx);
	pr("rdx %016lx  rsi %016lx  rdi %016lx\n",
	    tf->tf_rdx, tf->tf_rsi, tf->tf_rdi);
	pr("rbp %016lx  r8  %016lx  r9  %016lx\n",
	    tf->tf_rbp, tf->tf_r8, tf->tf_r9);
	pr("r10 %016lx  r11 %016lx  r12 %016lx\n",
	    tf->tf_r10, tf->tf_r11, tf->tf_r12);
	pr("r13 %016lx  r14 %016lx  r15 %016lx\n",
	    tf->tf_r13, tf->tf_r14, tf->tf_r15);
	pr("cr0 %lx  cr4 %lx\n", rcr0(), rcr4());
}
