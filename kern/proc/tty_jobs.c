/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty_jobs.c: sessions and job control: whose terminal it is, who may read it
 * now, and groups that nobody could continue any more (orphaned ones).
 *
 * A terminal names its session, not the reverse: t is the controlling
 * terminal of a process whose p_sid is t_sid, unless that process gave it up
 * (P_NOCTTY).
 *
 * I1: t_pgid is 0 or was a group of session t_sid when it was set; that group
 *     may be empty by now.
 * I2: t_sid is 0 or the pid of a session leader that has not exited.
 * Locks: proctree_lock, then p_lock; never with t_lock.
 * Sources: POSIX, chapter 11.1; tty_ioctl(4), setpgid(2) of Linux.
 */
#include "tty_priv.h"

#include <lib/atomic.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/sleepq.h>

/* is_ctty: proctree_lock held. */
static bool
is_ctty(const struct tty *t, const struct proc *p)
{
	return t->t_sid != 0 && p->p_sid == t->t_sid &&
	    (atomic_load_relaxed(&p->p_flags) & P_NOCTTY) == 0;
}

static LIST_HEAD(, tty) ttys;		/* [T] */

void
tty_list(struct tty *t)
{
	rw_wlock(&proctree_lock);
	LIST_INSERT_HEAD(&ttys, t, t_link);
	rw_wunlock(&proctree_lock);
}

void
tty_unlist(struct tty *t)
{
	rw_wlock(&proctree_lock);
	LIST_REMOVE(t, t_link);
	rw_wunlock(&proctree_lock);
}

/* tty_of_proc: p's controlling terminal, or NULL.  proctree_lock held. */
static struct tty *
tty_of_proc(const struct proc *p)
{
	struct tty *t;

	LIST_FOREACH(t, &ttys, t_link)
		if (is_ctty(t, p))
			return t;
	return NULL;
}

struct tty *
tty_mine(void)
{
	struct tty *t;

	rw_rlock(&proctree_lock);
	t = tty_of_proc(curproc);
	if (t != NULL && t != &tty_console && !pty_hold(t))
		t = NULL;
	rw_runlock(&proctree_lock);
	return t;
}

uint64_t
tty_number(const struct proc *p, int *pgid)
{
	const struct tty *t = tty_of_proc(p);

	*pgid = t != NULL ? t->t_pgid : -1;
	return t != NULL ? t->t_rdev : 0;
}

/* ---- groups ---- */

/* A group that is looked through. */
struct pgscan {
	int			 pgid;
	const struct proc	*except;
	bool			 anchored;	/* a parent outside could help */
	bool			 stopped;	/* a member is stopped */
	bool			 there;		/* in session sid */
	int			 sid;
};

static void
pgscan_one(struct proc *p, void *arg)
{
	struct pgscan *s = arg;
	const struct proc *pp = p->p_pptr;

	if (p->p_pgid != s->pgid)
		return;
	if (p->p_sid == s->sid)
		s->there = true;
	if ((atomic_load_relaxed(&p->p_flags) & P_STOPPED) != 0)
		s->stopped = true;
	if (p == s->except || p->p_state == PRS_ZOMBIE || pp == &proc0 ||
	    pp->p_pid == INIT_PID)
		return;
	if (pp->p_pgid != p->p_pgid && pp->p_sid == p->p_sid)
		s->anchored = true;
}

bool
pgrp_orphaned(int pgid)
{
	struct pgscan s = { .pgid = pgid };

	KASSERT(rw_held(&proctree_lock), "proctree not locked for group %d",
	    pgid);
	proc_foreach(pgscan_one, &s);
	return !s.anchored;
}

/*
 * pgrp_lost: p, or p's parent, is about to end and was perhaps the last that
 * tied p's group to its session: stopped members would never run again.
 */
void
pgrp_lost(struct proc *p, const struct proc *parent, bool exiting)
{
	struct pgscan s = { .pgid = p->p_pgid };

	s.except = exiting ? p : NULL;
	if (parent->p_pgid == p->p_pgid || parent->p_sid != p->p_sid)
		return;
	proc_foreach(pgscan_one, &s);
	if (s.anchored || !s.stopped)
		return;
	(void)pgsignal(p->p_pgid, SIGHUP, NULL);
	(void)pgsignal(p->p_pgid, SIGCONT, NULL);
}

/* hang_up: the terminal has no session any more; proctree_lock for writing. */
static void
hang_up(struct tty *t)
{
	if (t->t_pgid != 0) {
		(void)pgsignal(t->t_pgid, SIGHUP, NULL);
		(void)pgsignal(t->t_pgid, SIGCONT, NULL);
	}
	t->t_sid = t->t_pgid = 0;
}

void
tty_leader_exit(const struct proc *p)
{
	struct tty *t;

	KASSERT(rw_wowned(&proctree_lock), "proctree not locked for %d",
	    p->p_pid);
	if (p->p_sid != p->p_pid)
		return;
	LIST_FOREACH(t, &ttys, t_link)
		if (t->t_sid == p->p_sid)
			hang_up(t);
}

void
tty_hangup(struct tty *t)
{
	struct proc *leader;

	rw_wlock(&proctree_lock);
	leader = t->t_sid != 0 ? proc_lookup(t->t_sid) : NULL;
	if (leader != NULL) {
		(void)psignal(leader, SIGHUP, NULL);
		(void)psignal(leader, SIGCONT, NULL);
	}
	hang_up(t);
	rw_wunlock(&proctree_lock);
}

/* ---- who may use it ---- */

static bool
ignores(const struct proc *p, int signo)
{
	if ((curuthread->ut_sigmask & sigbit(signo)) != 0)
		return true;
	return atomic_load_relaxed(&p->p_sigacts->sg_act[signo].sa_handler) ==
	    SIG_IGN;
}

int
tty_background(struct tty *t, int signo)
{
	struct siginfo si = { .si_signo = signo, .si_code = SI_KERNEL };
	struct proc *p = curproc;
	int error;

	error = 0;
	rw_rlock(&proctree_lock);
	if (is_ctty(t, p) && t->t_pgid != 0 && p->p_pgid != t->t_pgid) {
		if (ignores(p, signo)) {
			error = signo == SIGTTIN ? EIO : 0;
		} else if (pgrp_orphaned(p->p_pgid)) {
			error = EIO;
		} else {
			(void)pgsignal(p->p_pgid, signo, &si);
			error = EINTR;
		}
	}
	rw_runlock(&proctree_lock);
	return error;
}

void
tty_signal(struct tty *t, sigset_t set)
{
	struct siginfo si = { .si_code = SI_KERNEL };

	rw_rlock(&proctree_lock);
	for (; set != 0 && t->t_pgid != 0; set &= set - 1) {
		si.si_signo = __builtin_ctzl(set) + 1;
		(void)pgsignal(t->t_pgid, si.si_signo, &si);
	}
	rw_runlock(&proctree_lock);
}

int
tty_getpgrp(struct tty *t, int *pgid)
{
	int error;

	rw_rlock(&proctree_lock);
	error = is_ctty(t, curproc) ? 0 : ENOTTY;
	*pgid = t->t_pgid;
	rw_runlock(&proctree_lock);
	return error;
}

int
tty_getsid(struct tty *t, int *sid)
{
	int error;

	rw_rlock(&proctree_lock);
	error = is_ctty(t, curproc) ? 0 : ENOTTY;
	*sid = t->t_sid;
	rw_runlock(&proctree_lock);
	return error;
}

int
tty_setpgrp(struct tty *t, int pgid)
{
	struct pgscan s = { .pgid = pgid, .sid = curproc->p_sid };
	int error;

	error = tty_background(t, SIGTTOU);
	if (error != 0)
		return error;
	rw_wlock(&proctree_lock);
	if (!is_ctty(t, curproc)) {
		error = ENOTTY;
	} else if (pgid < 0) {
		error = EINVAL;
	} else {
		proc_foreach(pgscan_one, &s);
		/* Nobody at all in it: ESRCH; somebody elsewhere: EPERM. */
		if (!s.there)
			error = pgsignal(pgid, 0, NULL) > 0 ? EPERM : ESRCH;
		else
			t->t_pgid = pgid;
	}
	rw_wunlock(&proctree_lock);
	return error;
}

int
tty_control(struct tty *t, bool steal)
{
	struct proc *p = curproc;
	int error;

	error = 0;
	rw_wlock(&proctree_lock);
	if (p->p_sid == p->p_pid && t->t_sid == p->p_sid) {
		/* it is already */
	} else if (p->p_sid != p->p_pid || tty_of_proc(p) != NULL ||
	    (t->t_sid != 0 && !steal)) {
		error = EPERM;
	} else {
		rw_wlock(&p->p_lock);
		p->p_flags &= ~(unsigned)P_NOCTTY;
		rw_wunlock(&p->p_lock);
		t->t_sid = p->p_sid;
		t->t_pgid = p->p_pgid;
	}
	rw_wunlock(&proctree_lock);
	return error;
}

int
tty_release(struct tty *t)
{
	struct proc *p = curproc;
	int error;

	error = 0;
	rw_wlock(&proctree_lock);
	if (!is_ctty(t, p)) {
		error = ENOTTY;
	} else if (p->p_sid == p->p_pid) {
		hang_up(t);
	} else {
		rw_wlock(&p->p_lock);
		p->p_flags |= P_NOCTTY;
		rw_wunlock(&p->p_lock);
	}
	rw_wunlock(&proctree_lock);
	return error;
}
