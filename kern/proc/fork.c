/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork.c: fork, vfork and clone: new processes and new threads.
 *
 * Everything that can fail is done before the child becomes visible; there is
 * no way back after proc_insert.  A signal to many, its group's, does not miss
 * the child: one that was sent before the fork is taken before it, one that is
 * sent meanwhile is also the child's (I3 of signal.c); repeating the fork for
 * those, too, would never end where a timer is faster than a fork.
 *
 * I1: a vfork parent's thread waits with ut_vforkwait set until the child has
 *     called proc_vfork_done (exec or exit) or the parent dies; only p_vforker
 *     of the child names it, and both change under proctree_lock.
 * Locks: proctree_lock, p_lock (through proc.c).
 */
#include <sys/proc.h>
#include <sys/rseq.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/event.h>
#include <sys/file.h>
#include <sys/md.h>
#include <sys/ramfs.h>
#include <sys/sleepq.h>
#include <sys/usermode.h>
#include <vm/vm.h>
#include <vm/vm_map.h>
#include <vm/vm_phys.h>

#define THREADS_MAX_LEAST	512UL

unsigned threads_max = PID_MAX;		/* [a] */
static unsigned	forks_under_way;	/* [a] of users with a limit */

void
fork_init(void)
{
	/* As Linux: their stacks may fill an eighth of memory. */
	threads_max = (unsigned)MIN(MAX(vm_phys_total() / (8 *
	    atop(KSTACK_SIZE)), THREADS_MAX_LEAST), (uint64_t)PID_MAX);
}

/* fork_return: where a new user thread starts: to user mode with 0. */
static void
fork_return(void *arg)
{
	struct uthread *ut = arg;

	/* A bad address is the caller's problem, as it is in Linux. */
	if (ut->ut_settid != 0 &&
	    suword32(uaddr(ut->ut_settid), (uint32_t)ut->ut_tid) != 0)
		ut->ut_settid = 0;
	userret(md_user_frame(ut->ut_td));
	md_user_enter();
}

/* fork_unshare: drop what fork_share gave to a child that will not be. */
static void
fork_unshare(struct proc *p)
{
	if (p->p_fd != NULL)
		fdtable_put(p->p_fd);
	if (p->p_fs != NULL)
		fsctx_put(p->p_fs);
	if (p->p_sigacts != NULL)
		sigacts_put(p->p_sigacts);
	exe_put(p->p_exe);
	procargs_put(p->p_args);
	if (p->p_vmspace != NULL)
		sysref_put(p->p_vmspace);
	p->p_vmspace = NULL;
}

/* fork_share: the child's resources, shared or copied as flags say. */
static int
fork_share(struct proc *p1, struct proc *p2, uint64_t flags)
{
	if ((flags & CLONE_FILES) != 0)
		p2->p_fd = fdtable_share(p1->p_fd);
	else
		p2->p_fd = fdtable_copy(p1->p_fd);
	if ((flags & CLONE_FS) != 0)
		p2->p_fs = fsctx_share(p1->p_fs);
	else
		p2->p_fs = fsctx_copy(p1->p_fs);
	if ((flags & CLONE_SIGHAND) != 0) {
		p2->p_sigacts = sigacts_share(p1->p_sigacts);
	} else {
		p2->p_sigacts = sigacts_alloc();
		if (p2->p_sigacts != NULL &&
		    (flags & CLONE_CLEAR_SIGHAND) != 0)
			sigacts_ignored(p2->p_sigacts, p1->p_sigacts);
		else if (p2->p_sigacts != NULL)
			sigacts_copy(p2->p_sigacts, p1->p_sigacts);
	}
	p2->p_exe = exe_share(p1->p_exe);
	p2->p_args = procargs_share(p1->p_args);
	if (p2->p_fd == NULL || p2->p_fs == NULL || p2->p_sigacts == NULL)
		return ENOMEM;
	if ((flags & CLONE_VM) != 0) {
		vmspace_ref(p1->p_vmspace);
		p2->p_vmspace = p1->p_vmspace;
		return 0;
	}
	return vmspace_fork(p1->p_vmspace, &p2->p_vmspace);
}

/* fork_thread_state: the child thread's registers, mask, stack and TLS. */
static void
fork_thread_state(const struct fork_args *a, struct uthread *ut2)
{
	struct uthread *ut1 = curuthread;
	struct thread *td2 = ut2->ut_td;

	md_thread_fork(ut1->ut_td, td2, a->stack);
	if ((a->flags & CLONE_SETTLS) != 0)
		md_set_fsbase(td2, a->tls);
	ut2->ut_sigmask = ut1->ut_sigmask;
	if ((a->flags & CLONE_VM) == 0)
		rseq_inherit(ut2, ut1);
	/* A second thread in one space must not share the signal stack. */
	if ((a->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM)
		ut2->ut_sigstk = ut1->ut_sigstk;
	if ((a->flags & CLONE_CHILD_SETTID) != 0)
		ut2->ut_settid = a->ctid;
	if ((a->flags & CLONE_CHILD_CLEARTID) != 0)
		td2->td_clear_tid = a->ctid;
	td2->td_vmspace = ut2->ut_proc->p_vmspace;
	td2->td_pmap = ut2->ut_proc->p_vmspace->vm_pmap;
	td2->td_affinity = ut1->ut_td->td_affinity;
	if ((a->flags & CLONE_PARENT_SETTID) != 0 &&
	    suword32(uaddr(a->ptid), (uint32_t)ut2->ut_tid) != 0)
		ut2->ut_restart = 0;	/* ignored, as in Linux */
}

static int
fork_thread(const struct fork_args *a, struct uthread **utp)
{
	int error;

	error = uthread_create(curproc, fork_return, utp);
	if (error == 0)
		fork_thread_state(a, *utp);
	return error;
}

/*
 * vfork_wait: until the child does not use our space any more.  Only death ends
 * the wait early: ordinary signals stay pending.
 */
static void
vfork_wait(struct uthread *ut)
{
	struct proc *p;

	rw_wlock(&proctree_lock);
	while (ut->ut_vforkwait) {
		if (rw_sleep(&ut->ut_vforkwait, &proctree_lock, PCATCH,
		    "vfork", 0) != EINTR)
			continue;
		if (thread_dying())
			break;
		/* An ordinary signal is for later: wait without PCATCH. */
		(void)rw_sleep(&ut->ut_vforkwait, &proctree_lock, 0,
		    "vfork", 10 * NSEC_PER_MSEC);
	}
	if (ut->ut_vforkwait) {
		LIST_FOREACH(p, &ut->ut_proc->p_children, p_sibling)
			if (p->p_vforker == ut)
				p->p_vforker = NULL;
		ut->ut_vforkwait = false;
	}
	rw_wunlock(&proctree_lock);
}

void
proc_vfork_done(struct proc *p)
{
	struct uthread *ut;

	/* Set before p ran and cleared once: no need to lock for NULL. */
	if (p->p_vforker == NULL)
		return;
	rw_wlock(&proctree_lock);
	ut = p->p_vforker;
	if (ut != NULL) {
		p->p_vforker = NULL;
		ut->ut_vforkwait = false;
		wakeup(&ut->ut_vforkwait);
	}
	rw_wunlock(&proctree_lock);
}

/* fork_inherit: plain copies from parent to child. */
static void
fork_inherit(struct proc *p1, struct proc *p2, int exitsig)
{
	rw_rlock(&p1->p_lock);
	memcpy(p2->p_rlimit, p1->p_rlimit, sizeof(p2->p_rlimit));
	memcpy(p2->p_comm, p1->p_comm, sizeof(p2->p_comm));
	p2->p_cred = p1->p_cred;
	p2->p_nice = p1->p_nice;
	p2->p_policy = p1->p_policy;
	p2->p_rtprio = p1->p_rtprio;
	p2->p_persona = p1->p_persona;
	p2->p_prctl = p1->p_prctl & ~(unsigned)PRF_REAPER;
	rw_runlock(&p1->p_lock);
	p2->p_flags = p1->p_flags & (P_NOCTTY | P_STRACE);
	p2->p_exitsig = exitsig;
}

/* threads_full: has the system as many as it may have?  Kernel threads count,
 * and those that ended and were not freed yet. */
static bool
threads_full(void)
{
	return thread_count() >= atomic_load_relaxed(&threads_max);
}

/* Processes of a user. */
struct user_procs {
	uint32_t	uid;
	uint64_t	threads;
};

static void
user_procs_one(struct proc *p, void *arg)
{
	struct user_procs *u = arg;

	if (p->p_cred.cr_uid[ID_REAL] == u->uid)
		u->threads += MAX(p->p_nthreads, 1U);
}

/*
 * fork_reserve: may p have one more under RLIMIT_NPROC?  User 0 need not mind.
 * Those on their way count until they are seen, whoever's they are:
 * many at once are refused too early rather than let through too many.
 */
static bool
fork_reserve(struct proc *p, bool *counted)
{
	struct user_procs u = { .uid = p->p_cred.cr_uid[ID_REAL] };
	uint64_t others;

	*counted = u.uid != 0 && p->p_cred.cr_uid[ID_EFF] != 0;
	if (!*counted)
		return true;
	others = atomic_fetchadd(&forks_under_way, 1);
	rw_rlock(&proctree_lock);
	proc_foreach(user_procs_one, &u);
	rw_runlock(&proctree_lock);
	if (u.threads + others < proc_rlimit(p, RLIMIT_NPROC))
		return true;
	atomic_sub(&forks_under_way, 1);
	return false;
}

/* fork_undo: the process that ut2 is the thread of was not wanted. */
static void
fork_undo(struct uthread *ut2)
{
	struct proc *p2 = ut2->ut_proc;

	uthread_discard(ut2);
	fork_unshare(p2);
	proc_free(p2);
}

/* The parent's descriptor of its child, until that can be seen. [t] */
struct newpidfd {
	struct file	*fp;		/* NULL: none is wanted */
	int		 fd;		/* reserved */
};

static void
fork_pidfd_undo(const struct newpidfd *n)
{
	if (n->fp == NULL)
		return;
	fd_unreserve(n->fd);
	file_put(n->fp);
}

/* fork_pidfd: make it for p2, and tell its number, if one is wanted. */
static int
fork_pidfd(const struct fork_args *a, const struct proc *p2,
    struct newpidfd *n)
{
	int error;

	n->fp = NULL;
	if ((a->flags & CLONE_PIDFD) == 0)
		return 0;
	error = fd_reserve(true, &n->fd);
	if (error != 0)
		return error;
	error = pidfd_make(p2->p_pid, p2->p_start, 0, &n->fp);
	if (error != 0) {
		fd_unreserve(n->fd);
		return error;
	}
	error = suword32(uaddr(a->pidfd), (uint32_t)n->fd);
	if (error != 0)
		fork_pidfd_undo(n);
	return error;
}

/* fork_make: a process with its thread that nobody sees yet. */
static int
fork_make(const struct fork_args *a, struct uthread **utp, struct newpidfd *n)
{
	struct proc *p1 = curproc, *p2;
	int error;

	p2 = proc_alloc();
	if (p2 == NULL)
		return EAGAIN;
	fork_inherit(p1, p2, a->exitsig);
	error = fork_share(p1, p2, a->flags);
	if (error == 0)
		error = uthread_create(p2, fork_return, utp);
	if (error != 0) {
		fork_unshare(p2);
		proc_free(p2);
		return error;
	}
	error = fork_pidfd(a, p2, n);
	if (error == 0)
		fork_thread_state(a, *utp);
	else
		fork_undo(*utp);
	return error;
}

/* fork_show: p2 becomes visible.  proctree_lock held for writing. */
static void
fork_show(const struct fork_args *a, struct proc *p2, sigset_t pend)
{
	struct siginfo si = { .si_code = SI_USER };
	struct proc *p1 = curproc;

	p2->p_pgid = p1->p_pgid;
	p2->p_sid = p1->p_sid;
	if ((a->flags & CLONE_VFORK) != 0) {
		vm_meter_inc(v_vforks);
		p2->p_vforker = curuthread;
		curuthread->ut_vforkwait = true;
	}
	proc_insert(p2, (a->flags & CLONE_PARENT) != 0 && p1 != initproc ?
	    p1->p_pptr : p1);
	for (; pend != 0; pend &= pend - 1) {
		si.si_signo = __builtin_ctzl(pend) + 1;
		(void)psignal(p2, si.si_signo, &si);
	}
}

static int
fork_proc(const struct fork_args *a, struct uthread **utp)
{
	sigset_t pend;
	struct newpidfd n;
	bool dying;
	int error;

	error = sig_fork_begin();
	if (error != 0)
		return error;
	error = fork_make(a, utp, &n);
	if (error != 0) {
		(void)sig_fork_end();
		return error;
	}
	rw_wlock(&proctree_lock);
	pend = sig_fork_end();
	/* Killed with its group, perhaps: it did not come so far. */
	dying = thread_dying();
	if (!dying)
		fork_show(a, (*utp)->ut_proc, pend);
	rw_wunlock(&proctree_lock);
	if (dying) {
		fork_pidfd_undo(&n);
		fork_undo(*utp);
		return EINTR;
	}
	if (n.fp != NULL)
		fd_fill(n.fd, n.fp);
	return 0;
}

/* fork_check: do the flags go together? */
static bool
fork_check(const struct fork_args *a)
{
	const uint64_t flags = a->flags;
	const uint64_t together = CLONE_VM | CLONE_SIGHAND | CLONE_FILES |
	    CLONE_FS;
	const uint64_t both = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND;

	if ((flags & CLONE_SIGHAND) != 0 && (flags & CLONE_VM) == 0)
		return false;
	if ((flags & both) == both)
		return false;
	/* No descriptors of threads here, and no two numbers in one place. */
	if ((flags & CLONE_PIDFD) != 0 &&
	    ((flags & CLONE_THREAD) != 0 ||
	    ((flags & CLONE_PARENT_SETTID) != 0 && a->pidfd == a->ptid)))
		return false;
	/* A vfork parent finds its child among its own (I1). */
	if ((flags & CLONE_VFORK) != 0 && (flags & CLONE_PARENT) != 0)
		return false;
	/* Threads of one process share files and directory here, always. */
	return (flags & CLONE_THREAD) == 0 || ((flags & together) == together &&
	    (flags & CLONE_VFORK) == 0);
}

int
fork1(const struct fork_args *a, int *tidp)
{
	struct uthread *ut2;
	bool counted;
	int error;

	if (!fork_check(a))
		return EINVAL;
	if (threads_full() || !fork_reserve(curproc, &counted))
		return EAGAIN;
	error = (a->flags & CLONE_THREAD) != 0 ? fork_thread(a, &ut2) :
	    fork_proc(a, &ut2);
	if (counted)
		atomic_sub(&forks_under_way, 1);
	if (error != 0)
		return error;
	*tidp = ut2->ut_tid;
	thread_start(ut2->ut_td);
	/* ut2 may be gone now. */
	if ((a->flags & CLONE_VFORK) != 0)
		vfork_wait(curuthread);
	return 0;
}
