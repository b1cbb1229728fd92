/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_signal.c: the signal system calls.
 *
 * Locks: proctree_lock to find a target, then its p_lock.
 */
#include "linux_priv.h"

#include <linux/misc.h>
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

static bool
sigstack_ok(const struct sigstack *ss, int *error)
{
	*error = 0;
	if ((ss->ss_flags & ~SS_DISABLE) != 0)
		*error = EINVAL;
	else if ((ss->ss_flags & SS_DISABLE) == 0 &&
	    ss->ss_size < MINSIGSTKSZ)
		*error = ENOMEM;
	return *error == 0;
}

int64_t
sys_sigaltstack(SYSARGS6(ss, oss, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct uthread *ut = curuthread;
	struct sigstack new, old = ut->ut_sigstk;
	bool on;
	int error;

	on = sig_onstack(ut, md_user_sp(md_user_frame(curthread)));
	if (on)
		old.ss_flags |= SS_ONSTACK;
	if (ss != 0) {
		error = copyin(uaddr(ss), &new, sizeof(new));
		if (error != 0)
			return ret_errno(error);
		if (on)
			return -EPERM;
		/* What sigaltstack told may be given back as it was. */
		new.ss_flags &= ~SS_ONSTACK;
		if (!sigstack_ok(&new, &error))
			return ret_errno(error);
		if ((new.ss_flags & SS_DISABLE) != 0)
			new.ss_sp = new.ss_size = 0;
		new.__pad = 0;
		ut->ut_sigstk = new;
	}
	return oss != 0 ? ret_errno(copyout(&old, uaddr(oss), sizeof(old))) :
	    0;
}

/* ---- sending ---- */

static struct siginfo
kill_info(int signo, int code)
{
	return (struct siginfo){
		.si_signo = signo, .si_code = code, .si_pid = curproc->p_pid
	};
}

/* To all: who is meant, and how many were. */
struct killall {
	const struct siginfo	*si;
	unsigned		 count;
};

static void
killall_one(struct proc *p, void *arg)
{
	struct killall *k = arg;

	if (p == curproc || p->p_pid == INIT_PID || p->p_state == PRS_ZOMBIE)
		return;
	k->count++;
	if (k->si->si_signo != 0)
		psignal(p, k->si->si_signo, k->si);
}

/* kill_many: pid 0, -1 or a group; proctree_lock held. */
static unsigned
kill_many(int pid, const struct siginfo *si)
{
	struct killall k = { si, 0 };

	if (pid != -1)
		return pgsignal(pid == 0 ? curproc->p_pgid : -pid,
		    si->si_signo, si);
	proc_foreach(killall_one, &k);
	return k.count;
}

int64_t
sys_kill(SYSARGS6(a0, a1, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	int pid = (int)a0, signo = (int)a1;
	struct siginfo si;
	struct proc *p;
	bool found;

	if (signo < 0 || signo > NSIG)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	si = kill_info(signo, SI_USER);
	rw_rlock(&proctree_lock);
	if (pid > 0) {
		p = proc_lookup(pid);
		found = p != NULL;
		if (found && signo != 0 && p->p_state != PRS_ZOMBIE)
			psignal(p, signo, &si);
	} else {
		found = kill_many(pid, &si) > 0;
	}
	rw_runlock(&proctree_lock);
	return found ? 0 : -ESRCH;
}

/* A thread to find and to signal. */
struct tkill {
	int			 tgid, tid;	/* tgid 0: any */
	const struct siginfo	*si;
	bool			 found;
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
		if (k->si->si_signo != 0)
			tdsignal(ut, k->si->si_signo, k->si);
	}
	rw_wunlock(&p->p_lock);
}

static int64_t
do_tkill(int tgid, int tid, int signo)
{
	struct siginfo si = kill_info(signo, SI_TKILL);
	struct tkill k = { tgid, tid, &si, false };

	if (tid <= 0 || signo < 0 || signo > NSIG)
		return -EINVAL;
	rw_rlock(&proctree_lock);
	/* Mostly one's own process: look there before everywhere. */
	if (tgid == 0 || tgid == curproc->p_pid)
		tkill_one(curproc, &k);
	if (!k.found)
		proc_foreach(tkill_one, &k);
	rw_runlock(&proctree_lock);
	return k.found ? 0 : -ESRCH;
}

int64_t
sys_tkill(SYSARGS6(tid, signo, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_tkill(0, (int)tid, (int)signo);
}

int64_t
sys_tgkill(SYSARGS6(tgid, tid, signo, a3 __unused, a4 __unused, a5 __unused))
{
	if ((int)tgid <= 0)
		return -EINVAL;
	return do_tkill((int)tgid, (int)tid, (int)signo);
}
