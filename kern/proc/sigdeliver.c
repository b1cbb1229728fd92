/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sigdeliver.c: what a thread does about its signals on the way to user mode:
 * handlers, default actions, stops, and the end of system calls that were
 * interrupted.
 *
 * I1: userret returns with no deliverable signal, no doom and the mask that the
 *     program expects (a sigsuspend's is put back).
 * I2: a fault's own signal is taken before any other, so that its handler sees
 *     the faulting frame.
 * Locks: p_lock, then sg_lock; proctree_lock before both for a stop's report.
 */
#include <sys/signal.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/rseq.h>
#include <sys/sleepq.h>
#include <sys/usermode.h>

#define SIG_SYNC	(sigbit(SIGSEGV) | sigbit(SIGBUS) | sigbit(SIGILL) | \
			 sigbit(SIGFPE) | sigbit(SIGTRAP) | sigbit(SIGSYS))

/* sig_take: the next signal of set for ut; 0: none.  p_lock held. */
static int
sig_take(struct uthread *ut, sigset_t set, struct siginfo *si)
{
	struct proc *p = ut->ut_proc;
	sigset_t mine, all;
	int signo;

	mine = ut->ut_sigpend.sp_set & set;
	all = mine | (p->p_sigpend.sp_set & set);
	if (all == 0)
		return 0;
	if ((mine & SIG_SYNC) != 0)
		all = mine & SIG_SYNC;
	signo = __builtin_ctzl(all) + 1;
	if (!sigpend_take(&ut->ut_sigpend, signo, si) &&
	    !sigpend_take(&p->p_sigpend, signo, si))
		return 0;
	return signo;
}

/* sig_die: the default action of most. */
static void __noreturn
sig_die(struct trapframe *tf, int signo, const struct siginfo *si)
{
	static unsigned told;
	struct proc *p = curproc;

	/* A fault of init ends the run; the first few others help to debug. */
	if ((sigbit(signo) & SIG_SYNC) != 0 &&
	    (p->p_pid == INIT_PID || atomic_fetchadd(&told, 1) < 4))
		kprintf("%s[%d]: signal %d code %d at pc 0x%lx sp 0x%lx "
		    "addr 0x%lx\n", p->p_comm, p->p_pid, signo, si->si_code,
		    md_user_pc(tf), md_user_sp(tf), si->si_addr);
	exit1(W_SIGNAL(signo), true);
}

/* sig_parent: the parent hears that p stopped or went on. */
static void
sig_parent(struct proc *p, int code, int status)
{
	struct siginfo si = { .si_signo = SIGCHLD, .si_code = code };
	struct sigaction sa;

	si.si_pid = p->p_pid;
	si.si_uid = p->p_cred.cr_uid[ID_REAL];
	si.si_status = status;
	if (sig_chldaction(p->p_pptr, &sa) && (sa.sa_flags & SA_NOCLDSTOP) == 0)
		psignal(p->p_pptr, SIGCHLD, &si);
	wakeup(p->p_pptr);
}

/*
 * sig_stop: the process stops and its parent hears of it; not when SIGCONT came
 * since the signal was taken, and not from the terminal when nobody would
 * continue it.
 */
static void
sig_stop(struct proc *p, int signo)
{
	struct uthread *ut;
	bool stop;

	rw_rlock(&proctree_lock);
	stop = signo == SIGSTOP || !pgrp_orphaned(p->p_pgid);
	rw_wlock(&p->p_lock);
	if ((p->p_flags & P_STOPPING) == 0 || (p->p_flags & P_EXITING) != 0)
		stop = false;
	p->p_flags &= ~(unsigned)P_STOPPING;
	if (stop) {
		p->p_flags &= ~(unsigned)(P_CONTREPORT | P_CONTNOTIFY);
		p->p_flags |= P_STOPPED | P_STOPREPORT;
		p->p_stopsig = signo;
		LIST_FOREACH(ut, &p->p_threads, ut_link)
			sleepq_interrupt(ut->ut_td, TDI_SIGNAL);
	}
	rw_wunlock(&p->p_lock);
	if (stop)
		sig_parent(p, CLD_STOPPED, signo);
	rw_runlock(&proctree_lock);
}

/* sig_continued: the first thread that goes on tells the parent. */
static void
sig_continued(struct proc *p)
{
	bool owed;

	rw_rlock(&proctree_lock);
	rw_wlock(&p->p_lock);
	owed = (p->p_flags & P_CONTNOTIFY) != 0;
	p->p_flags &= ~(unsigned)P_CONTNOTIFY;
	rw_wunlock(&p->p_lock);
	if (owed)
		sig_parent(p, CLD_CONTINUED, SIGCONT);
	rw_runlock(&proctree_lock);
}

bool
sig_onstack(const struct uthread *ut, uint64_t sp)
{
	const struct sigstack *ss = &ut->ut_sigstk;

	return (ss->ss_flags & (SS_DISABLE | SS_AUTODISARM)) == 0 &&
	    sp > ss->ss_sp && sp - ss->ss_sp <= ss->ss_size;
}

int
sig_altstack(struct uthread *ut, const struct sigstack *ss, uint64_t sp)
{
	int32_t mode = ss->ss_flags & ~SS_AUTODISARM;

	if (sig_onstack(ut, sp))
		return EPERM;
	/* What sigaltstack told may be given back as it was. */
	if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK)
		return EINVAL;
	if (mode != SS_DISABLE && ss->ss_size < MINSIGSTKSZ)
		return ENOMEM;
	ut->ut_sigstk = (struct sigstack){ .ss_flags = ss->ss_flags &
	    ~SS_ONSTACK };
	if (mode != SS_DISABLE) {
		ut->ut_sigstk.ss_sp = ss->ss_sp;
		ut->ut_sigstk.ss_size = ss->ss_size;
	}
	return 0;
}

/* sig_restart: an interrupted call before a handler of sa runs (or NULL). */
static void
sig_restart(struct trapframe *tf, struct uthread *ut,
    const struct sigaction *sa)
{
	if (ut->ut_restart == 0)
		return;
	/* linux_syscall has stored -EINTR already. */
	if (sa == NULL || ut->ut_restartif == ERESTARTNOINTR ||
	    (ut->ut_restartif == ERESTART && (sa->sa_flags & SA_RESTART) != 0))
		md_syscall_restart(tf, ut->ut_restart - 1);
	ut->ut_restart = 0;
}

/* sig_handler: aim the frame at the handler of sa. */
static void
sig_handler(struct trapframe *tf, int signo, const struct sigaction *sa,
    const struct siginfo *si)
{
	struct uthread *ut = curuthread;
	struct md_sigargs a = { .signo = signo };
	sigset_t mask;

	sig_restart(tf, ut, sa);
	a.handler = sa->sa_handler;
	a.restorer = sa->sa_restorer;
	a.oldmask = ut->ut_suspended ? ut->ut_oldmask : ut->ut_sigmask;
	a.stack = ut->ut_sigstk;
	a.onstack = (sa->sa_flags & SA_ONSTACK) != 0 &&
	    (ut->ut_sigstk.ss_flags & SS_DISABLE) == 0 &&
	    !sig_onstack(ut, md_user_sp(tf));
	a.siginfo = si;
	if ((sa->sa_flags & SA_RESTORER) == 0 || rseq_leave(tf) != 0 ||
	    md_sendsig(tf, &a) != 0)
		sig_die(tf, SIGSEGV, si);
	if ((ut->ut_sigstk.ss_flags & SS_AUTODISARM) != 0)
		ut->ut_sigstk = (struct sigstack){ .ss_flags = SS_DISABLE };
	ut->ut_suspended = false;
	mask = ut->ut_sigmask | sa->sa_mask;
	if ((sa->sa_flags & SA_NODEFER) == 0)
		mask |= sigbit(signo);
	sigmask_set(mask);
}

/* sig_action: the action for signo now; SA_RESETHAND is done here. */
static struct sigaction
sig_action(struct proc *p, int signo)
{
	struct sigacts *sg = p->p_sigacts;
	struct sigaction sa;

	rw_wlock(&sg->sg_lock);
	sa = sg->sg_act[signo];
	if ((sa.sa_flags & SA_RESETHAND) != 0 && sa.sa_handler != SIG_IGN)
		sg->sg_act[signo].sa_handler = SIG_DFL;
	rw_wunlock(&sg->sg_lock);
	return sa;
}

/* sig_kills: is it the end of the process?  Init's is not what somebody sent it
 * while it was blocked; a trap of its own (> 0) does kill it. */
static bool
sig_kills(const struct proc *p, const struct sigaction *sa,
    const struct siginfo *si)
{
	return sa->sa_handler == SIG_DFL &&
	    (sigbit(si->si_signo) & (SIG_STOPS | SIG_IGNDFL)) == 0 &&
	    (p->p_pid != INIT_PID || si->si_code > 0);
}

static bool
sig_stops(const struct proc *p, const struct sigaction *sa, int signo)
{
	return sa->sa_handler == SIG_DFL && p->p_pid != INIT_PID &&
	    (sigbit(signo) & SIG_STOPS) != 0;
}

/* sig_next: the next signal and its action; 0: none.  Who dies of it is doomed
 * in the same step, of who stops it is known: no other thread makes a child that
 * has not heard of it. */
static int
sig_next(struct proc *p, struct uthread *ut, struct siginfo *si,
    struct sigaction *sa)
{
	int signo = sig_take(ut, ~ut->ut_sigmask, si);

	if (signo == 0) {
		sig_recalc(ut);
		return 0;
	}
	*sa = sig_action(p, signo);
	if (sig_kills(p, sa, si))
		proc_doom(p, W_SIGNAL(signo), curthread);
	else if (sig_stops(p, sa, signo))
		p->p_flags |= P_STOPPING;
	return signo;
}

/* sig_deliver: take one signal and act; clears TDI_SIGNAL when none is left. */
static void
sig_deliver(struct trapframe *tf)
{
	struct uthread *ut = curuthread;
	struct proc *p = ut->ut_proc;
	struct sigaction sa;
	struct siginfo si;
	bool owed;
	int signo;

	rw_wlock(&p->p_lock);
	while ((p->p_flags & P_STOPPED) != 0 &&
	    (ut->ut_td->td_intrsig & TDI_DIE) == 0)
		(void)rw_sleep(&p->p_stopsig, &p->p_lock, 0, "stop", 0);
	owed = (p->p_flags & P_CONTNOTIFY) != 0;
	signo = sig_next(p, ut, &si, &sa);
	rw_wunlock(&p->p_lock);
	if (owed)
		sig_continued(p);
	if (signo == 0)
		return;
	itimer_taken(&si);
	if (sa.sa_handler > SIG_IGN)
		sig_handler(tf, signo, &sa, &si);
	else if (sig_kills(p, &sa, &si))
		sig_die(tf, signo, &si);
	else if (sig_stops(p, &sa, signo))
		sig_stop(p, signo);
}

void
userret(struct trapframe *tf)
{
	struct thread *td = curthread;
	struct uthread *ut = td->td_uproc;
	unsigned intr;

	if (atomic_load_relaxed(&td->td_proc->p_cputimers) != 0)
		itimer_cpu(td->td_proc);
	while ((intr = atomic_load(&td->td_intrsig)) != 0) {
		if ((intr & TDI_DIE) != 0)
			exit1(td->td_proc->p_xstat, false);
		if ((intr & TDI_SWITCHED) != 0 && rseq_switched(tf) != 0)
			trapsignal(SIGSEGV, SI_KERNEL, 0);
		if ((intr & TDI_SIGNAL) != 0)
			sig_deliver(tf);
	}
	if (ut->ut_suspended) {
		ut->ut_suspended = false;
		sigmask_set(ut->ut_oldmask);
	}
	sig_restart(tf, ut, NULL);
	if (td->td_needresched)
		sched_yield();
}

/* trap_force: signo may be neither blocked nor ignored.  p_lock held. */
static void
trap_force(struct proc *p, struct uthread *ut, int signo)
{
	struct sigaction *sa = &p->p_sigacts->sg_act[signo];

	rw_wlock(&p->p_sigacts->sg_lock);
	if ((ut->ut_sigmask & sigbit(signo)) != 0 || sa->sa_handler == SIG_IGN)
		sa->sa_handler = SIG_DFL;
	rw_wunlock(&p->p_sigacts->sg_lock);
	ut->ut_sigmask &= ~sigbit(signo);
}

void
trapsignal(int signo, int code, uint64_t addr)
{
	struct uthread *ut = curuthread;
	struct proc *p = ut->ut_proc;
	struct siginfo si;

	memset(&si, 0, sizeof(si));
	si.si_signo = signo;
	si.si_code = code;
	si.si_addr = addr;
	rw_wlock(&p->p_lock);
	trap_force(p, ut, signo);
	sigpend_add(&ut->ut_sigpend, signo, &si);
	sig_recalc(ut);
	rw_wunlock(&p->p_lock);
}

void
sig_return(struct trapframe *tf)
{
	struct sigstack stack;
	uint64_t mask;

	if (md_sigreturn(tf, &mask, &stack) != 0) {
		trapsignal(SIGSEGV, SI_KERNEL, 0);
		return;
	}
	sigmask_set(mask);
	/* As Linux: a stack that will not do leaves the one there is. */
	sig_altstack(curuthread, &stack, md_user_sp(tf));
}

int
sig_suspend(sigset_t mask)
{
	struct uthread *ut = curuthread;

	ut->ut_oldmask = ut->ut_sigmask;
	ut->ut_suspended = true;
	sigmask_set(mask);
	while (tsleep(&ut->ut_sigpend, PCATCH, "sigsusp", 0) != EINTR)
		;
	return ERESTARTNOHAND;
}

int
sig_wait(sigset_t set, bool forever, nsec_t timo, struct siginfo *si)
{
	struct uthread *ut = curuthread;
	struct proc *p = ut->ut_proc;
	sigset_t old = ut->ut_sigmask;
	nsec_t end, now;
	int error, signo;

	set &= ~SIG_CANTMASK;
	end = md_uptime() + timo;
	error = 0;
	rw_wlock(&p->p_lock);
	/* Unblocked meanwhile, so that a signal of set ends the sleep; who sends
	 * one must not drop it for being ignored. */
	ut->ut_waitset = set & old;
	ut->ut_sigmask &= ~set;
	for (;;) {
		signo = sig_take(ut, set, si);
		now = md_uptime();
		if (signo != 0 || error == EINTR)
			break;
		if (!forever && now >= end)
			break;
		sig_recalc(ut);
		error = rw_sleep(&ut->ut_sigpend, &p->p_lock, PCATCH,
		    "sigwait", forever ? 0 : end - now);
	}
	ut->ut_sigmask = old;
	ut->ut_waitset = 0;
	sig_recalc(ut);
	rw_wunlock(&p->p_lock);
	if (signo != 0) {
		itimer_taken(si);
		return 0;
	}
	return error == EINTR ? EINTR : EAGAIN;
}
