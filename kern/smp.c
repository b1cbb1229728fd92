/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.c: calls across CPUs: a function runs on a set of CPUs, the caller waits.
 *
 * One call is under way at a time.  A caller that waits, for its turn or for
 * the others, serves the call that is posted (if it is asked for) and TLB
 * shootdowns; so two CPUs that call each other with interrupts off still get
 * on.  Nothing else polls for calls: the function may take LK_INTR locks, which
 * a CPU that spins for another lock may hold.
 *
 * I1 rv_fn and rv_arg are constant while rv_pending != 0.
 * I2 A CPU clears its bit once, after the function returned there.
 * I3 An IPI that seems lost is sent again; a late one finds its bit clear.
 *
 * Locks: rv_busy is a word, not a lock of rank: its waiters poll.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/smp.h>
#include <sys/thread.h>

#define RV_RESEND	(500 * NSEC_PER_MSEC)
#define RV_RESENDS	40		/* then the CPU is taken for dead */

int		mp_ncpus = 1;
cpumask_t	all_cpus = 1;

static struct {
	uint32_t	 rv_busy;	/* [a] a call is under way */
	cpumask_t	 rv_pending;	/* [a] CPUs that have not returned */
	void		(*rv_fn)(void *);	/* [c] I1 */
	void		*rv_arg;		/* [c] I1 */
} rv __attribute__((__aligned__(CACHE_LINE)));

void
smp_call_handler(void)
{
	cpumask_t self;
	uint64_t flags;

	flags = intr_disable();
	self = (cpumask_t)1 << curcpu;
	if ((atomic_load_acq(&rv.rv_pending) & self) != 0) {
		pcpu_self()->pc_intr_depth++;	/* for the rules of fn */
		rv.rv_fn(rv.rv_arg);
		pcpu_self()->pc_intr_depth--;
		atomic_and(&rv.rv_pending, ~self);	/* I2 */
	}
	intr_restore(flags);
}

static void
rv_poll(void)
{
	smp_call_handler();
	md_spin_poll();
	cpu_spinwait();
}

static void
rv_wait(void)
{
	unsigned resent = 0, polls = 0;
	nsec_t since = md_uptime();
	cpumask_t left;

	while ((left = atomic_load(&rv.rv_pending)) != 0) {
		rv_poll();
		if (++polls % 1024 != 0 || md_uptime() - since < RV_RESEND)
			continue;
		if (++resent > RV_RESENDS)
			panic("CPUs %lx do not answer a cross-call to %p",
			    left, (void *)(uintptr_t)rv.rv_fn);
		if (resent == 2)
			kprintf("smp: CPUs %lx are slow to answer a "
			    "cross-call; sent again\n", left);
		md_ipi_call(left);	/* I3 */
		since = md_uptime();
	}
}

void
smp_rendezvous(cpumask_t mask, void (*fn)(void *), void *arg)
{
	uint32_t free = 0;
	cpumask_t self;
	uint64_t flags;

	critical_enter();
	self = (cpumask_t)1 << curcpu;
	KASSERT((mask & ~(all_cpus | self)) == 0,
	    "cross-call to CPUs %lx, but only %lx are up", mask, all_cpus);
	while (!atomic_fcmpset(&rv.rv_busy, &free, 1)) {
		free = 0;
		rv_poll();
	}
	rv.rv_fn = fn;
	rv.rv_arg = arg;
	atomic_store(&rv.rv_pending, mask & ~self);
	if ((mask & ~self) != 0)
		md_ipi_call(mask & ~self);
	if ((mask & self) != 0) {
		flags = intr_disable();
		pcpu_self()->pc_intr_depth++;	/* the same rules everywhere */
		fn(arg);
		pcpu_self()->pc_intr_depth--;
		intr_restore(flags);
	}
	rv_wait();
	atomic_store(&rv.rv_busy, 0);
	critical_exit();
}
