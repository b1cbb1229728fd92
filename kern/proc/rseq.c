/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rseq.c: restartable sequences: a thread's memory says on which CPU it runs, and
 * a section of its code that it has named is left for its abort handler when the
 * thread was switched away or takes a signal in it.
 *
 * The scheduler sets TDI_SWITCHED in each registered thread that it gives a CPU;
 * the thread itself writes the number on its way to user mode, so a number that
 * got old meanwhile is told once more.
 *
 * Source: Linux uapi/linux/rseq.h and rseq(2); the program's structures are its
 * own: nothing in them is believed.
 */
#include <sys/rseq.h>

#include <lib/atomic.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/uaddr.h>
#include <sys/usermode.h>

/* The thread's area. */
#define RSEQ_SIZE	32
#define RSEQ_CPU_START	0
#define RSEQ_CPU	4
#define RSEQ_CS		8
#define RSEQ_FLAGS	16
#define RSEQ_NO_CPU	UINT32_MAX

#define RSEQ_UNREGISTER	1

struct rseq_cs {
	uint32_t	version, flags;
	uint64_t	start, length;		/* length: up to the commit */
	uint64_t	abort;
};
CTASSERT(sizeof(struct rseq_cs) == 32, "Linux struct rseq_cs");

static int
rseq_unregister(struct uthread *ut)
{
	if (suword32(uaddr(ut->ut_rseq + RSEQ_CPU_START), 0) != 0 ||
	    suword32(uaddr(ut->ut_rseq + RSEQ_CPU), RSEQ_NO_CPU) != 0)
		return EFAULT;
	rseq_forget(ut);
	return 0;
}

int
rseq_register(uint64_t va, uint32_t size, uint32_t flags, uint32_t sig)
{
	struct uthread *ut = curuthread;
	bool same = ut->ut_rseq == va && size == RSEQ_SIZE;

	if (flags != 0 && flags != RSEQ_UNREGISTER)
		return EINVAL;
	if (ut->ut_rseq != 0 || flags != 0) {
		if (ut->ut_rseq == 0 || !same)
			return EINVAL;
		if (ut->ut_rseqsig != sig)
			return EPERM;
		return flags != 0 ? rseq_unregister(ut) : EBUSY;
	}
	if (va % RSEQ_SIZE != 0 || size != RSEQ_SIZE)
		return EINVAL;
	if (va >= VM_MAX_USER_ADDRESS)
		return EFAULT;
	if (va == 0)
		return 0;		/* as Linux: accepted, and nothing */
	ut->ut_rseq = va;
	ut->ut_rseqsig = sig;
	ut->ut_td->td_switchast = true;
	atomic_or(&ut->ut_td->td_intrsig, TDI_SWITCHED);
	return 0;
}

void
rseq_forget(struct uthread *ut)
{
	ut->ut_rseq = 0;
	ut->ut_td->td_switchast = false;
}

void
rseq_inherit(struct uthread *ut, const struct uthread *from)
{
	ut->ut_rseq = from->ut_rseq;
	ut->ut_rseqsig = from->ut_rseqsig;
	ut->ut_td->td_switchast = ut->ut_rseq != 0;
}

/* cs_ok: is it a section that can be left for its handler? */
static int
cs_ok(const struct uthread *ut, const struct rseq_cs *cs)
{
	uint32_t sig;

	if (cs->version != 0 || cs->flags != 0 ||
	    cs->start >= VM_MAX_USER_ADDRESS ||
	    cs->length >= VM_MAX_USER_ADDRESS - cs->start ||
	    cs->abort >= VM_MAX_USER_ADDRESS ||
	    cs->abort - cs->start < cs->length)
		return EINVAL;
	/* No jump to what is no handler: the word before it says it is one. */
	if (fuword32(uaddr(cs->abort - sizeof(sig)), &sig) != 0)
		return EFAULT;
	return sig == ut->ut_rseqsig ? 0 : EINVAL;
}

int
rseq_leave(struct trapframe *tf)
{
	struct uthread *ut = curuthread;
	struct rseq_cs cs;
	uint64_t va;
	uint32_t flags;

	if (ut->ut_rseq == 0)
		return 0;
	if (fuword64(uaddr(ut->ut_rseq + RSEQ_CS), &va) != 0)
		return EFAULT;
	if (va == 0)
		return 0;
	if (copyin(uaddr(va), &cs, sizeof(cs)) != 0)
		return EFAULT;
	if (cs_ok(ut, &cs) != 0)
		return EINVAL;
	if (md_user_pc(tf) - cs.start < cs.length) {
		if (fuword32(uaddr(ut->ut_rseq + RSEQ_FLAGS), &flags) != 0 ||
		    flags != 0)
			return EINVAL;
		md_set_user_pc(tf, cs.abort);
	}
	return suword64(uaddr(ut->ut_rseq + RSEQ_CS), 0);
}

int
rseq_switched(struct trapframe *tf)
{
	struct uthread *ut = curuthread;
	uint32_t cpu;

	/* First: a switch from here on sets it again. */
	atomic_and(&ut->ut_td->td_intrsig, ~(unsigned)TDI_SWITCHED);
	if (ut->ut_rseq == 0)
		return 0;
	if (rseq_leave(tf) != 0)
		return EFAULT;
	cpu = (uint32_t)atomic_load(&ut->ut_td->td_cpu);
	if (suword32(uaddr(ut->ut_rseq + RSEQ_CPU_START), cpu) != 0 ||
	    suword32(uaddr(ut->ut_rseq + RSEQ_CPU), cpu) != 0)
		return EFAULT;
	return 0;
}
