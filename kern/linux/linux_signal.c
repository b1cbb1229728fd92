/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_signal.c: the signal system calls.
 *
 * Locks: proctree_lock to find a target, then its p_lock.
 */
#include "linux_priv.h"

#include <linux/misc.h>
#include <sys/event.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/usermode.h>

int64_t
sys_rt_sigaction(SYSARGS6(signo, act, oact, size, a4 __unused, a5 __unused))
{
	struct sigaction new, old;
	int error;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	error = act != 0 ? copyin(uaddr(act), &new, sizeof(new)) : 0;
	if (error == 0)
		error = sigaction_set((int)signo, act != 0 ? &new : NULL,
		    &old);
	if (error == 0 && oact != 0)
		error = copyout(&old, uaddr(oact), sizeof(old));
	return ret_errno(error);
}

int64_t
sys_rt_sigprocmask(SYSARGS6(how, set, oset, size, a4 __unused, a5 __unused))
{
	sigset_t old = curuthread->ut_sigmask, new;
	int error;

	if (size != sizeof(new))
		return -EINVAL;
	if (set != 0) {
		error = fuword64(uaddr(set), &new);
		if (error != 0)
			return ret_errno(error);
		switch (how) {
		case SIG_BLOCK:
			sigmask_set(old | new);
			break;
		case SIG_UNBLOCK:
			sigmask_set(old & ~new);
			break;
		case SIG_SETMASK:
			sigmask_set(new);
			break;
		default:
			return -EINVAL;
		}
	}
	return oset != 0 ? ret_errno(suword64(uaddr(oset), old)) : 0;
}

int64_t
sys_rt_sigreturn(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	sig_return(md_user_frame(curthread));
	return -EJUSTRETURN;
}

int64_t
sys_rt_sigpending(SYSARGS6(ua, size, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	if (size > sizeof(sigset_t))
		return -EINVAL;
	return ret_errno(suword64(uaddr(ua),
	    sig_pending() & curuthread->ut_sigmask));
}

int64_t
sys_rt_sigsuspend(SYSARGS6(ua, size, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	sigset_t set;
	int error;

	if (size != sizeof(set))
		return -EINVAL;
	error = fuword64(uaddr(ua), &set);
	return ret_errno(error != 0 ? error : sig_suspend(set));
}

int64_t
sys_pause(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return ret_errno(sig_suspend(curuthread->ut_sigmask));
}

int64_t
sys_rt_sigtimedwait(SYSARGS6(ua, info, ts, size, a4 __unused, a5 __unused))
{
	struct siginfo si;
	sigset_t set;
	nsec_t timo;
	int error;

	if (size != sizeof(set))
		return -EINVAL;
	error = fuword64(uaddr(ua), &set);
	timo = 0;
	if (error == 0 && ts != 0)
		error = timespec_get(ts, &timo);
	if (error == 0)
		error = sig_wait(set, ts == 0, timo, &si);
	if (error == 0 && info != 0)
		error = copyout(&si, uaddr(info), sizeof(si));
	return error != 0 ? ret_errno(error) : si.si_signo;
}

int64_t
sys_sigaltstack(SYSARGS6(ss, oss, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct uthread *ut = curuthread;
	uint64_t sp = md_user_sp(md_user_frame(curthread));
	struct sigstack new, old = ut->ut_sigstk;
	int error;

	if (sig_onstack(ut, sp))
		old.ss_flags |= SS_ONSTACK;
	if (ss != 0) {
		error = copyin(uaddr(ss), &new, sizeof(new));
		if (error == 0)
			error = sig_altstack(ut, &new, sp);
		if (error != 0)
			return ret_errno(error);
	}
	return oss != 0 ? ret_errno(copyout(&old, uaddr(oss), sizeof(old))) :
	    0;
}

/* ---- sending ---- */

static struct siginfo
kill_info(int signo, int code)
{
	return (struct siginfo){
		.si_signo = signo, .si_code = code, .si_pid = curproc->p_pid,
		.si_uid = curproc->p_cred.cr_uid[ID_REAL]
	};
}

/* kill_may: user 0 may always; others their own, and SIGCONT in the session.
 * proctree_lock held; the ids of p are a moment old at worst. */
static bool
kill_may(const struct proc *p, int signo)
{
	const uint32_t *me = curproc->p_cred.cr_uid;
	const uint32_t *it = p->p_cred.cr_uid;

	return me[ID_EFF] == 0 || p == curproc ||
	    me[ID_EFF] == it[ID_REAL] || me[ID_EFF] == it[ID_SAVED] ||
	    me[ID_REAL] == it[ID_REAL] || me[ID_REAL] == it[ID_SAVED] ||
	    (signo == SIGCONT && p->p_sid == curproc->p_sid);
}

/* To many: a group, or all but init and the caller. */
struct killall {
	const struct siginfo	*si;
	int			 pgid;		/* -1: all */
	int			 error;		/* ESRCH until one is meant */
};

static void
killall_one(struct proc *p, void *arg)
{
	struct killall *k = arg;

	if (k->pgid == -1 ? p == curproc || p->p_pid == INIT_PID :
	    p->p_pgid != k->pgid)
		return;
	if (!kill_may(p, k->si->si_signo)) {
		if (k->error == ESRCH)
			k->error = EPERM;
		return;
	}
	k->error = 0;
	if (k->si->si_signo != 0 && p->p_state != PRS_ZOMBIE)
		psignal_many(p, k->si->si_signo, k->si);
}

/* kill_one: pid > 0. */
static int
kill_one(int pid, const struct siginfo *si)
{
	struct proc *p;

	p = proc_lookup(pid);
	if (p == NULL)
		return ESRCH;
	if (!kill_may(p, si->si_signo))
		return EPERM;
	/* kill's signal is sent without its info rather than not at all. */
	if (si->si_signo != 0 && p->p_state != PRS_ZOMBIE &&
	    !psignal(p, si->si_signo, si) && si->si_code != SI_USER)
		return EAGAIN;
	return 0;
}

int64_t
sys_kill(SYSARGS2(a0, a1))
{
	int pid = (int)a0, signo = (int)a1, error;
	struct siginfo si;
	struct killall k;

	if (signo < 0 || signo > NSIG)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	si = kill_info(signo, SI_USER);
	rw_rlock(&proctree_lock);
	if (pid > 0) {
		error = kill_one(pid, &si);
	} else {
		k.si = &si;
		k.pgid = pid == 0 ? curproc->p_pgid : pid == -1 ? -1 : -pid;
		k.error = ESRCH;
		proc_foreach(killall_one, &k);
		/* To all: who may none is told nothing, in Linux too. */
		error = pid == -1 && k.error == EPERM ? 0 : k.error;
	}
	rw_runlock(&proctree_lock);
	return ret_errno(error);
}

/* A thread to find and to signal. */
struct tkill {
	int			 tgid, tid;	/* tgid 0: any */
	const struct siginfo	*si;
	bool			 found;
	int			 error;
};

static void
tkill_one(struct proc *p, void *arg)
{
	struct tkill *k = arg;
	struct uthread *ut;

	if (k->found || (k->tgid != 0 && p->p_pid != k->tgid))
		return;
	rw_wlock(&p->p_lock);
	LIST_FOREACH(ut, &p->p_threads, ut_link)
		if (ut->ut_tid == k->tid)
			break;
	if (ut != NULL) {
		k->found = true;
		k->error = kill_may(p, k->si->si_signo) ? 0 : EPERM;
		if (k->error == 0 && k->si->si_signo != 0 &&
		    !tdsignal(ut, k->si->si_signo, k->si))
			k->error = EAGAIN;
	}
	rw_wunlock(&p->p_lock);
}

static int64_t
do_tkill(int tgid, int tid, const struct siginfo *si)
{
	struct tkill k = { tgid, tid, si, false, ESRCH };

	if (tid <= 0 || si->si_signo < 0 || si->si_signo > NSIG)
		return -EINVAL;
	rw_rlock(&proctree_lock);
	/* Mostly one's own process: look there before everywhere. */
	if (tgid == 0 || tgid == curproc->p_pid)
		tkill_one(curproc, &k);
	if (!k.found)
		proc_foreach(tkill_one, &k);
	rw_runlock(&proctree_lock);
	return ret_errno(k.error);
}

int64_t
sys_tkill(SYSARGS2(tid, signo))
{
	struct siginfo si = kill_info((int)signo, SI_TKILL);

	return do_tkill(0, (int)tid, &si);
}

int64_t
sys_tgkill(SYSARGS3(tgid, tid, signo))
{
	struct siginfo si = kill_info((int)signo, SI_TKILL);

	if ((int)tgid <= 0)
		return -EINVAL;
	return do_tkill((int)tgid, (int)tid, &si);
}

/* ---- with a value ---- */

/* queue_info: who sends to others may not pretend to be the kernel or kill. */
static int
queue_info(int pid, int signo, uint64_t ua, struct siginfo *si)
{
	int error;

	error = copyin(uaddr(ua), si, sizeof(*si));
	if (error != 0)
		return error;
	si->si_signo = signo;
	if ((si->si_code >= 0 || si->si_code == SI_TKILL) &&
	    pid != curproc->p_pid)
		return EPERM;
	return signo < 0 || signo > NSIG ? EINVAL : 0;
}

int64_t
sys_rt_sigqueueinfo(SYSARGS3(pid, signo, info))
{
	struct siginfo si;
	int error;

	error = queue_info((int)pid, (int)signo, info, &si);
	if (error != 0)
		return ret_errno(error);
	rw_rlock(&proctree_lock);
	error = (int)pid <= 0 ? ESRCH : kill_one((int)pid, &si);
	rw_runlock(&proctree_lock);
	return ret_errno(error);
}

/* ---- by descriptor ---- */

int64_t
sys_pidfd_send_signal(SYSARGS4(fd, signo, info, flags))
{
	struct siginfo si = kill_info((int)signo, SI_USER);
	struct file *fp;
	int pid, error;

	if ((uint32_t)flags != 0)
		return -EINVAL;
	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	rw_rlock(&proctree_lock);
	pid = pidfd_pid(fp);
	rw_runlock(&proctree_lock);
	error = pid < 0 ? EBADF : (int)signo < 0 || (int)signo > NSIG ?
	    EINVAL : 0;
	if (error == 0 && info != 0)
		error = queue_info(pid, (int)signo, info, &si);
	if (error == 0) {
		rw_rlock(&proctree_lock);
		/* The same one still? */
		pid = pidfd_pid(fp);
		error = pid == 0 ? ESRCH : kill_one(pid, &si);
		rw_runlock(&proctree_lock);
	}
	file_put(fp);
	return ret_errno(error);
}

int64_t
sys_rt_tgsigqueueinfo(SYSARGS4(tgid, tid, signo, info))
{
	struct siginfo si;
	int error;

	if ((int)tgid <= 0 || (int)tid <= 0)
		return -EINVAL;
	error = queue_info((int)tgid, (int)signo, info, &si);
	return error != 0 ? ret_errno(error) :
	    do_tkill((int)tgid, (int)tid, &si);
}
