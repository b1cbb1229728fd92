/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_sched.c: yield, affinity, priorities and scheduling policies.
 *
 * Priorities and policies belong to the process.  A nice value above 0 makes
 * its threads start lower; FIFO and RR are remembered and told, and run as the
 * best of the user priorities do.
 *
 * Locks: proctree_lock to find a process, then its p_lock.
 * Sources: sched(7), setpriority(2) of Linux.
 */
#include "linux_priv.h"

#include <linux/misc.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/smp.h>

#define NICE_MIN	(-20)
#define NICE_MAX	19

enum { SCHED_OTHER = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3,
	SCHED_IDLE = 5, SCHED_RESET_ON_FORK = 0x40000000 };
enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

int64_t
sys_sched_yield(SYSARGS0)
{
	sched_yield();
	return 0;
}

/* ---- threads by their ids ---- */

/* A thread to do something to. */
struct tid_do {
	int	 tid;
	bool	 found;
	void	(*fn)(struct uthread *ut, void *arg);
	void	*arg;
};

static void
tid_do_one(struct proc *p, void *arg)
{
	struct tid_do *d = arg;
	struct uthread *ut;

	if (d->found)
		return;
	rw_wlock(&p->p_lock);
	LIST_FOREACH(ut, &p->p_threads, ut_link)
		if (ut->ut_tid == d->tid)
			break;
	d->found = ut != NULL;
	if (ut != NULL)
		d->fn(ut, d->arg);
	rw_wunlock(&p->p_lock);
}

/* tid_do: fn on thread tid (0: the running one), its p_lock held; ESRCH. */
static int
tid_do(int tid, void (*fn)(struct uthread *ut, void *arg), void *arg)
{
	struct tid_do d = { .tid = tid, .fn = fn, .arg = arg };

	if (tid < 0)
		return EINVAL;
	if (tid == 0)
		d.tid = curuthread->ut_tid;
	rw_rlock(&proctree_lock);
	tid_do_one(curproc, &d);
	if (!d.found)
		proc_foreach(tid_do_one, &d);
	rw_runlock(&proctree_lock);
	return d.found ? 0 : ESRCH;
}

/* ---- affinity ---- */

static void
affinity_set(struct uthread *ut, void *arg)
{
	sched_bind(ut->ut_td, *(cpumask_t *)arg);
}

static void
affinity_get(struct uthread *ut, void *arg)
{
	*(cpumask_t *)arg = ut->ut_td->td_affinity;
}

int64_t
sys_sched_setaffinity(SYSARGS3(tid, len, ua))
{
	cpumask_t mask;
	int error;

	mask = 0;
	error = copyin(uaddr(ua), &mask, MIN(len, sizeof(mask)));
	if (error != 0)
		return ret_errno(error);
	mask &= all_cpus;
	error = tid_do((int)tid, affinity_get, &(cpumask_t){ 0 });
	if (error == 0 && mask == 0)
		error = EINVAL;
	if (error == 0)
		error = tid_do((int)tid, affinity_set, &mask);
	/* A thread that may not stay goes at the border to user mode. */
	return ret_errno(error == EINVAL && (int)tid < 0 ? ESRCH : error);
}

int64_t
sys_sched_getaffinity(SYSARGS3(tid, len, ua))
{
	cpumask_t mask;
	int error;

	if (len < sizeof(mask) || len % 8 != 0)
		return -EINVAL;
	mask = 0;
	error = tid_do((int)tid, affinity_get, &mask);
	if (error != 0)
		return -ESRCH;
	mask &= all_cpus;
	error = copyout(&mask, uaddr(ua), sizeof(mask));
	return error != 0 ? ret_errno(error) : (int64_t)sizeof(mask);
}

int64_t
sys_getcpu(SYSARGS2(cpu, node))
{
	int error;

	error = cpu != 0 ? suword32(uaddr(cpu), (uint32_t)curcpu) : 0;
	if (error == 0 && node != 0)
		error = suword32(uaddr(node), 0);
	return ret_errno(error);
}

/* ---- priorities ---- */

/* proc_setpri: the threads of p run as its nice value and policy say. */
static void
proc_setpri(struct proc *p)
{
	const unsigned span = PRI_USER_MAX - PRI_USER;
	struct uthread *ut;
	unsigned pri;

	pri = PRI_USER;
	if (p->p_policy == SCHED_IDLE)
		pri = PRI_USER_MAX;
	else if (p->p_nice > 0 && p->p_rtprio == 0)
		pri += ((unsigned)p->p_nice * span + NICE_MAX - 1) / NICE_MAX;
	LIST_FOREACH(ut, &p->p_threads, ut_link)
		sched_setpri(ut->ut_td, pri);
}

/* Processes to ask for their nice value, or to give one. */
struct prio {
	int	which;
	int	who;
	bool	set;
	int	nice;		/* to set; got: the lowest */
	int	error;		/* ESRCH until one was found */
};

/* prio_denied: may the caller change p to nice?  Both locks are held. */
static int
prio_denied(const struct proc *p, int nice)
{
	const uint32_t me = curproc->p_cred.cr_uid[ID_EFF];

	if (me == 0)
		return 0;
	if (me != p->p_cred.cr_uid[ID_EFF] && me != p->p_cred.cr_uid[ID_REAL])
		return EPERM;
	return nice < p->p_nice ? EACCES : 0;
}

static void
prio_one(struct proc *p, void *arg)
{
	struct prio *pr = arg;
	int denied;

	if (p->p_state == PRS_ZOMBIE ||
	    (pr->which == PRIO_PROCESS && p->p_pid != pr->who) ||
	    (pr->which == PRIO_PGRP && p->p_pgid != pr->who) ||
	    (pr->which == PRIO_USER &&
	    p->p_cred.cr_uid[ID_REAL] != (uint32_t)pr->who))
		return;
	if (pr->error == ESRCH)
		pr->error = 0;
	if (!pr->set) {
		pr->nice = MIN(pr->nice, p->p_nice);
		return;
	}
	rw_wlock(&p->p_lock);
	denied = prio_denied(p, pr->nice);
	if (denied == 0) {
		p->p_nice = pr->nice;
		proc_setpri(p);
	} else {
		pr->error = denied;
	}
	rw_wunlock(&p->p_lock);
}

static int
prio_do(struct prio *pr)
{
	if (pr->which < PRIO_PROCESS || pr->which > PRIO_USER)
		return EINVAL;
	pr->error = ESRCH;
	rw_rlock(&proctree_lock);
	if (pr->who == 0)
		pr->who = pr->which == PRIO_PROCESS ? curproc->p_pid :
		    pr->which == PRIO_PGRP ? curproc->p_pgid :
		    (int)curproc->p_cred.cr_uid[ID_REAL];
	proc_foreach(prio_one, pr);
	rw_runlock(&proctree_lock);
	return pr->error;
}

int64_t
sys_getpriority(SYSARGS2(which, who))
{
	struct prio pr = {
		.which = (int)which, .who = (int)who, .nice = NICE_MAX
	};
	int error;

	error = prio_do(&pr);
	/* 1 to 40, so that it is no error number. */
	return error != 0 ? ret_errno(error) : 20 - pr.nice;
}

int64_t
sys_setpriority(SYSARGS3(which, who, nice))
{
	struct prio pr = { .which = (int)which, .who = (int)who, .set = true };

	pr.nice = MIN(MAX((int)nice, NICE_MIN), NICE_MAX);
	return ret_errno(prio_do(&pr));
}

/* ---- policies ---- */

static bool
policy_rt(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool
policy_known(int policy)
{
	return policy_rt(policy) || policy == SCHED_OTHER ||
	    policy == SCHED_BATCH || policy == SCHED_IDLE;
}

/* What a process's policy is, or is to be; -1: stays. */
struct policy {
	int	policy, prio;
	int	error;
};

static void
policy_get(struct uthread *ut, void *arg)
{
	struct policy *pl = arg;

	pl->policy = ut->ut_proc->p_policy;
	pl->prio = ut->ut_proc->p_rtprio;
}

static void
policy_set(struct uthread *ut, void *arg)
{
	struct policy *pl = arg;
	struct proc *p = ut->ut_proc;
	int policy = pl->policy < 0 ? p->p_policy : pl->policy;

	if (policy_rt(policy) ? pl->prio < 1 || pl->prio > 99 : pl->prio != 0)
		pl->error = EINVAL;
	else if (policy_rt(policy) && curproc->p_cred.cr_uid[ID_EFF] != 0)
		pl->error = EPERM;
	if (pl->error != 0)
		return;
	p->p_policy = policy;
	p->p_rtprio = pl->prio;
	proc_setpri(p);
}

static int64_t
do_setscheduler(int tid, int policy, uint64_t ua)
{
	struct policy pl = { .policy = policy };
	uint32_t prio;
	int error;

	if (tid < 0 || ua == 0)
		return -EINVAL;
	error = fuword32(uaddr(ua), &prio);
	if (error == 0 && policy >= 0 && !policy_known(policy))
		error = EINVAL;
	if (error == 0) {
		pl.prio = (int)prio;
		error = tid_do(tid, policy_set, &pl);
	}
	return ret_errno(error != 0 ? error : pl.error);
}

int64_t
sys_sched_setscheduler(SYSARGS3(tid, policy, ua))
{
	if ((int)policy < 0)
		return -EINVAL;
	return do_setscheduler((int)tid, (int)policy & ~SCHED_RESET_ON_FORK,
	    ua);
}

int64_t
sys_sched_setparam(SYSARGS2(tid, ua))
{
	return do_setscheduler((int)tid, -1, ua);
}

int64_t
sys_sched_getscheduler(SYSARGS1(tid))
{
	struct policy pl = { 0 };
	int error;

	error = tid_do((int)tid, policy_get, &pl);
	return error != 0 ? ret_errno(error) : pl.policy;
}

int64_t
sys_sched_getparam(SYSARGS2(tid, ua))
{
	struct policy pl = { 0 };
	int error;

	if (ua == 0)
		return -EINVAL;
	error = tid_do((int)tid, policy_get, &pl);
	if (error == 0)
		error = suword32(uaddr(ua), (uint32_t)pl.prio);
	return ret_errno(error);
}

int64_t
sys_sched_get_priority_max(SYSARGS1(policy))
{
	return policy_rt((int)policy) ? 99 : policy_known((int)policy) ||
	    policy == 6 /* DEADLINE */ ? 0 : -EINVAL;
}

int64_t
sys_sched_get_priority_min(SYSARGS1(policy))
{
	return policy_rt((int)policy) ? 1 : policy_known((int)policy) ||
	    policy == 6 ? 0 : -EINVAL;
}

int64_t
sys_sched_rr_get_interval(SYSARGS2(tid, ua))
{
	struct policy pl = { 0 };
	int error;

	error = tid_do((int)tid, policy_get, &pl);
	if (error == 0)
		error = timespec_put(pl.policy == SCHED_FIFO ? 0 :
		    30 * NSEC_PER_MSEC, ua);
	return ret_errno(error);
}

/* ---- i/o priorities ---- */

enum { IOPRIO_PROCESS = 1, IOPRIO_PGRP, IOPRIO_USER };

/* There is no queue of requests that they would order: they are checked, and
 * every process has none. */
int64_t
sys_ioprio_set(SYSARGS3(which, who, prio))
{
	const unsigned class = (unsigned)prio >> 13;

	if (which < IOPRIO_PROCESS || which > IOPRIO_USER || (int)who < 0 ||
	    class > 3 || ((unsigned)prio & 0x1fff) > 7)
		return -EINVAL;
	return class == 1 && !cred_root() ? -EPERM : 0;
}

int64_t
sys_ioprio_get(SYSARGS2(which, who))
{
	return which < IOPRIO_PROCESS || which > IOPRIO_USER || (int)who < 0 ?
	    -EINVAL : 0;
}
