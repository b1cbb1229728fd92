/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exit.c: the end of threads and processes, and waiting for it.
 *
 * The first thread that calls exit1 sets the status and tells the others to
 * die (TDI_DIE: they come to exit1 from userret).  Each leaves p_threads; the
 * last one frees what the process held, the address space in exit1 itself, and
 * turns the process into a zombie.
 *
 * I1: P_EXITING is never cleared; p_xstat is set by whoever sets it.
 * I2: after a thread has left p_threads it does not touch its process, unless
 *     it was the last.
 * I3: a zombie has no vmspace, files, actions or threads.
 * Locks: proctree_lock then p_lock.
 * Sources: McKusick and Neville-Neil, ch. 4.7; wait(2) of Linux for options.
 */
#include <sys/proc.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/diag.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/futex.h>
#include <sys/md.h>
#include <sys/ramfs.h>
#include <sys/sleepq.h>
#include <sys/sysvshm.h>
#include <vm/vm_map.h>

void
proc_doom(struct proc *p, int xstat, struct thread *except)
{
	struct uthread *ut;

	KASSERT(rw_wowned(&p->p_lock), "process %d not locked", p->p_pid);
	if ((p->p_flags & P_EXITING) != 0)
		return;
	p->p_flags |= P_EXITING;
	p->p_flags &= ~(unsigned)P_STOPPED;
	p->p_xstat = xstat;
	LIST_FOREACH(ut, &p->p_threads, ut_link)
		if (ut->ut_td != except)
			sleepq_interrupt(ut->ut_td, TDI_DIE);
	wakeup(&p->p_stopsig);
}

/*
 * exit_leave: the running thread leaves its process.
 * => Returns true when it was the last: the process is the caller's to end.
 */
static bool
exit_leave(struct proc *p, struct uthread *ut, int rv)
{
	bool last;

	futex_exit(ut);
	/* Before the list says so: the last thread destroys the page tables. */
	uthread_setvm(NULL);
	rw_wlock(&p->p_lock);
	uthread_detach(ut);
	last = p->p_nthreads == 0;
	if (last && (p->p_flags & P_EXITING) == 0) {
		p->p_flags |= P_EXITING;
		p->p_xstat = rv;
	}
	if (p->p_single != NULL)
		wakeup(&p->p_single);
	if (p->p_sigpend.sp_set != 0)
		sig_retarget(p, p->p_sigpend.sp_set);
	rw_wunlock(&p->p_lock);
	curthread->td_uproc = NULL;
	if (!last)
		curthread->td_proc = NULL;
	uthread_free(ut);
	return last;
}

/* exit_heir: the nearest parent that takes orphans, else init. */
static struct proc *
exit_heir(const struct proc *p)
{
	struct proc *pp;

	for (pp = p->p_pptr; pp != NULL && pp != &proc0; pp = pp->p_pptr)
		if ((pp->p_prctl & PRF_REAPER) != 0 && pp->p_state == PRS_RUN &&
		    (pp->p_flags & P_EXITING) == 0)
			return pp;
	return initproc != NULL && initproc != p ? initproc : &proc0;
}

/* exit_children: p's children get another parent. */
static void
exit_children(struct proc *p)
{
	struct proc *child, *heir;

	heir = exit_heir(p);
	if (p == initproc)
		initproc = NULL;
	while ((child = LIST_FIRST(&p->p_children)) != NULL) {
		LIST_REMOVE(child, p_sibling);
		LIST_INSERT_HEAD(&heir->p_children, child, p_sibling);
		child->p_pptr = heir;
		atomic_store(&child->p_ppid, heir->p_pid);
		child->p_vforker = NULL;
		pgrp_lost(child, p, false);
		if (child->p_deathsig != 0 && child->p_state != PRS_ZOMBIE)
			psignal(child, child->p_deathsig, NULL);
		if (child->p_state == PRS_ZOMBIE) {
			psignal(heir, SIGCHLD, NULL);
			wakeup(heir);
		}
	}
}

static void
exit_siginfo(struct proc *p, struct siginfo *si)
{
	struct prusage ru;

	memset(si, 0, sizeof(*si));
	proc_rusage(p, &ru);
	si->si_signo = p->p_exitsig;
	si->si_pid = p->p_pid;
	si->si_uid = p->p_cred.cr_uid[ID_REAL];
	if (W_SIGNAL(p->p_xstat) != 0) {
		si->si_code = (p->p_xstat & W_CORE) != 0 ? CLD_DUMPED :
		    CLD_KILLED;
		si->si_status = W_SIGNAL(p->p_xstat);
	} else {
		si->si_code = CLD_EXITED;
		si->si_status = (p->p_xstat >> 8) & 0xff;
	}
	si->si_utime = (int64_t)(ru.pr_utime / (NSEC_PER_SEC / 100));
	si->si_stime = (int64_t)(ru.pr_stime / (NSEC_PER_SEC / 100));
}

/* exit_zombie: tell the parent; p is not ours any more afterwards. */
static void
exit_zombie(struct proc *p)
{
	struct proc *parent;
	struct sigaction sa;
	struct siginfo si;
	bool reap;

	rw_wlock(&proctree_lock);
	tty_leader_exit(p);
	exit_children(p);
	pgrp_lost(p, p->p_pptr, true);
	curthread->td_proc = NULL;
	parent = p->p_pptr;
	reap = p->p_exitsig == SIGCHLD && sig_chldaction(parent, &sa) &&
	    (sa.sa_handler == SIG_IGN || (sa.sa_flags & SA_NOCLDWAIT) != 0);
	if (reap)
		proc_remove(p);
	else
		p->p_state = PRS_ZOMBIE;
	if (p->p_exitsig != 0 && parent != &proc0) {
		exit_siginfo(p, &si);
		psignal(parent, p->p_exitsig, &si);
	}
	wakeup(parent);
	rw_wunlock(&proctree_lock);
	poll_wakeup();
	if (reap)
		proc_free(p);
}

/* exit_files: others may be looking at them under p_lock. */
static void
exit_files(struct proc *p)
{
	struct fdtable *fd;
	struct fsctx *fs;
	struct rnode *exe;
	struct procargs *args;

	rw_wlock(&p->p_lock);
	fd = p->p_fd;
	fs = p->p_fs;
	exe = p->p_exe;
	args = p->p_args;
	p->p_fd = NULL;
	p->p_fs = NULL;
	p->p_exe = NULL;
	p->p_args = NULL;
	rw_wunlock(&p->p_lock);
	fdtable_put(fd);
	fsctx_put(fs);
	exe_put(exe);
	procargs_put(args);
}

void
exit1(int rv, bool group)
{
	struct proc *p = curproc;
	struct vmspace *vm;

	if (group) {
		rw_wlock(&p->p_lock);
		proc_doom(p, rv, curthread);
		rw_wunlock(&p->p_lock);
	}
	if (!exit_leave(p, curuthread, rv))
		thread_exit();
	itimer_exit(p);
	exit_files(p);
	sigacts_put(p->p_sigacts);
	rw_wlock(&p->p_lock);
	vm = p->p_vmspace;
	proc_note_rss(p);
	p->p_vmspace = NULL;
	rw_wunlock(&p->p_lock);
	proc_vfork_done(p);
	panic_at_exit(&vm->vm_map);
	sysref_put(vm);
	shm_reap(false);
	exit_zombie(p);
	thread_exit();
}

int64_t
sys_exit(uint64_t code, uint64_t a1 __unused, uint64_t a2 __unused,
    uint64_t a3 __unused, uint64_t a4 __unused, uint64_t a5 __unused)
{
	exit1(W_EXIT((int)code), false);
}

int64_t
sys_exit_group(uint64_t code, uint64_t a1 __unused, uint64_t a2 __unused,
    uint64_t a3 __unused, uint64_t a4 __unused, uint64_t a5 __unused)
{
	exit1(W_EXIT((int)code), true);
}

/* single_wait: until this thread is p's only one.  p_lock held. */
static int
single_wait(struct proc *p)
{
	while (p->p_nthreads > 1) {
		if (rw_sleep(&p->p_single, &p->p_lock, PCATCH, "single", 0) !=
		    EINTR)
			continue;
		if (thread_dying())
			return EAGAIN;
		/* An ordinary signal is for later: wait without PCATCH. */
		(void)rw_sleep(&p->p_single, &p->p_lock, 0, "single",
		    10 * NSEC_PER_MSEC);
	}
	return 0;
}

int
threads_single(void)
{
	struct proc *p = curproc;
	struct uthread *me = curuthread, *ut;
	int error;

	rw_wlock(&p->p_lock);
	if ((p->p_flags & P_EXITING) != 0 || p->p_single != NULL) {
		rw_wunlock(&p->p_lock);
		return EAGAIN;
	}
	p->p_single = me;
	LIST_FOREACH(ut, &p->p_threads, ut_link)
		if (ut != me)
			sleepq_interrupt(ut->ut_td, TDI_DIE);
	wakeup(&p->p_stopsig);
	error = single_wait(p);
	p->p_single = NULL;
	if (error == 0)
		me->ut_tid = p->p_pid;
	rw_wunlock(&p->p_lock);
	return error;
}

/* wait_match: is child one of those that kern_wait was asked for? */
static bool
wait_match(const struct proc *child, int which, unsigned options)
{
	bool clone;

	if (which > 0 && child->p_pid != which)
		return false;
	if (which == 0 && child->p_pgid != curproc->p_pgid)
		return false;
	if (which < -1 && child->p_pgid !=
	    (which == WAIT_GROUP1 ? 1 : -which))
		return false;
	clone = child->p_exitsig != SIGCHLD;
	return (options & __WALL) != 0 ||
	    clone == ((options & __WCLONE) != 0);
}

static void
wait_zombie(struct proc *child, unsigned options, struct wait_result *res)
{
	res->pid = child->p_pid;
	res->status = child->p_xstat;
	res->uid = child->p_cred.cr_uid[ID_REAL];
	proc_rusage(child, &res->ru);
	prusage_add(&res->ru, &child->p_cru);
	if ((options & WNOWAIT) != 0)
		return;
	prusage_add(&curproc->p_cru, &res->ru);
	proc_remove(child);
	proc_free(child);
}

/* wait_stopped: a stop or a continuation to tell?  Clears its report. */
static bool
wait_stopped(struct proc *child, unsigned options, struct wait_result *res)
{
	unsigned flag;

	flag = 0;
	rw_wlock(&child->p_lock);
	if ((options & WUNTRACED) != 0 &&
	    (child->p_flags & P_STOPREPORT) != 0) {
		flag = P_STOPREPORT;
		res->status = W_STOP(child->p_stopsig);
	} else if ((options & WCONTINUED) != 0 &&
	    (child->p_flags & P_CONTREPORT) != 0) {
		flag = P_CONTREPORT;
		res->status = W_CONT;
	}
	if ((options & WNOWAIT) == 0)
		child->p_flags &= ~flag;
	rw_wunlock(&child->p_lock);
	if (flag == 0)
		return false;
	res->pid = child->p_pid;
	res->uid = child->p_cred.cr_uid[ID_REAL];
	proc_rusage(child, &res->ru);
	return true;
}

/* wait_scan: one look at the children.  => Returns 0 (res), ECHILD (none
 * match), EAGAIN (none has news). */
static int
wait_scan(int which, unsigned options, struct wait_result *res)
{
	struct proc *child;
	int error;

	error = ECHILD;
	LIST_FOREACH(child, &curproc->p_children, p_sibling) {
		if (!wait_match(child, which, options))
			continue;
		error = EAGAIN;
		if (child->p_state == PRS_ZOMBIE) {
			if ((options & WEXITED) == 0)
				continue;
			wait_zombie(child, options, res);
			return 0;
		}
		if ((options & (WUNTRACED | WCONTINUED)) != 0 &&
		    wait_stopped(child, options, res))
			return 0;
	}
	return error;
}

int
kern_wait(int which, unsigned options, struct wait_result *res)
{
	int error;

	memset(res, 0, sizeof(*res));
	rw_wlock(&proctree_lock);
	for (;;) {
		error = wait_scan(which, options, res);
		if (error != EAGAIN)
			break;
		error = 0;
		if ((options & WNOHANG) != 0)
			break;
		error = rw_sleep(curproc, &proctree_lock, PCATCH, "wait", 0);
		if (error != 0)
			break;
	}
	rw_wunlock(&proctree_lock);
	return error;
}
