/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unwind.c: walking stacks by their frame pointers.
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
