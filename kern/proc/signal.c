/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signal.c: posting signals, masks and actions.  What the target does about
 * them is in sigdeliver.c.
 *
 * A signal is pending for one thread (ut_sigpend) or for the process
 * (p_sigpend); sp_set says which, the queue has the siginfo of those for which
 * memory was there.  TDI_SIGNAL in a thread's td_intrsig means that it should
 * look.
 *
 * I1: a pending signal that some thread does not block has TDI_SIGNAL set in
 *     one such thread, which has not blocked it since.
 * I2: SIGKILL is never pending: posting it dooms the process.
 * I3: who sends to many holds proctree_lock, under which a child becomes visible:
 *     it is found, or its parent has the signal in ut_forkpend, or had it before
 *     the fork began and takes it first.
 * Locks: p_lock, then sg_lock.
 * Sources: signal(7) of Linux; McKusick and Neville-Neil, ch. 4.7.
 */
#include <sys/signal.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/sleepq.h>
#include <sys/zone.h>

static struct zone *sigacts_zone;
static struct zone *ksiginfo_zone;

void
signal_init(void)
{
	sigacts_zone = zone_create("sigacts", sizeof(struct sigacts), 16,
	    NULL, 0);
	ksiginfo_zone = zone_create("ksiginfo", sizeof(struct ksiginfo), 16,
	    NULL, 0);
}

/* ---- actions ---- */

struct sigacts *
sigacts_alloc(void)
{
	struct sigacts *sg;

	sg = zone_alloc(sigacts_zone, M_WAITOK | M_ZERO);
	if (sg == NULL)
		return NULL;
	sg->sg_refs = 1;
	rw_init(&sg->sg_lock, "sigacts", LO_SIGACT, 0);
	return sg;
}

struct sigacts *
sigacts_share(struct sigacts *sg)
{
	atomic_add(&sg->sg_refs, 1);
	return sg;
}

void
sigacts_put(struct sigacts *sg)
{
	if (atomic_fetchadd(&sg->sg_refs, -1) != 1)
		return;
	rw_destroy(&sg->sg_lock);
	zone_free(sigacts_zone, sg);
}

/* sigacts_copy: dst is new: nobody else can lock it. */
void
sigacts_copy(struct sigacts *dst, struct sigacts *src)
{
	rw_rlock(&src->sg_lock);
	memcpy(dst->sg_act, src->sg_act, sizeof(dst->sg_act));
	rw_runlock(&src->sg_lock);
}

void
sigacts_ignored(struct sigacts *dst, struct sigacts *src)
{
	unsigned i;

	rw_rlock(&src->sg_lock);
	for (i = 1; i <= NSIG; i++)
		if (src->sg_act[i].sa_handler == SIG_IGN)
			dst->sg_act[i].sa_handler = SIG_IGN;
	rw_runlock(&src->sg_lock);
}

void
sigacts_exec(struct sigacts **sgp, struct sigacts *sg)
{
	struct sigacts *old = *sgp;

	sigacts_ignored(sg, old);
	*sgp = sg;
	sigacts_put(old);
}

/* sig_isignored: is signo thrown away by the action of p?  p_lock held. */
static bool
sig_isignored(struct proc *p, int signo)
{
	struct sigacts *sg = p->p_sigacts;
	uint64_t handler;

	/* One word, and a racing sigaction is as if it came after: no lock. */
	handler = atomic_load_relaxed(&sg->sg_act[signo].sa_handler);
	return handler == SIG_IGN ||
	    (handler == SIG_DFL && (sigbit(signo) & SIG_IGNDFL) != 0);
}

bool
sig_chldaction(struct proc *p, struct sigaction *sa)
{
	bool there;

	if (p == &proc0)
		return false;
	rw_rlock(&p->p_lock);
	there = (p->p_flags & P_EXITING) == 0;
	if (there)
		*sa = p->p_sigacts->sg_act[SIGCHLD];
	rw_runlock(&p->p_lock);
	return there;
}

/* ---- pending sets ---- */

void
sigpend_init(struct sigpend *sp)
{
	sp->sp_set = 0;
	sp->sp_count = 0;
	TAILQ_INIT(&sp->sp_queue);
}

/* sigpend_discard: signals of set are not pending any more. */
static void
sigpend_discard(struct sigpend *sp, sigset_t set)
{
	struct ksiginfo *ks, *next;

	if ((sp->sp_set & set) == 0)
		return;
	sp->sp_set &= ~set;
	TAILQ_FOREACH_SAFE(ks, &sp->sp_queue, ks_link, next) {
		if ((sigbit(ks->ks_info.si_signo) & set) == 0)
			continue;
		TAILQ_REMOVE(&sp->sp_queue, ks, ks_link);
		sp->sp_count--;
		zone_free(ksiginfo_zone, ks);
	}
}

void
sigpend_flush(struct sigpend *sp)
{
	sigpend_discard(sp, ~(sigset_t)0);
}

/* sigpend_add: a standard signal is pending once, a real-time one queues. */
bool
sigpend_add(struct sigpend *sp, int signo, const struct siginfo *si)
{
	struct ksiginfo *ks;

	if ((sp->sp_set & sigbit(signo)) != 0 && signo < SIGRTMIN)
		return true;
	sp->sp_set |= sigbit(signo);
	if (si == NULL)
		return true;
	ks = NULL;
	if (sp->sp_count < SIGQUEUE_MAX)
		ks = zone_alloc(ksiginfo_zone, M_NOWAIT);
	if (ks == NULL)
		return false;
	ks->ks_info = *si;
	ks->ks_info.si_signo = signo;
	TAILQ_INSERT_TAIL(&sp->sp_queue, ks, ks_link);
	sp->sp_count++;
	return true;
}

bool
sigpend_take(struct sigpend *sp, int signo, struct siginfo *si)
{
	struct ksiginfo *ks, *more;

	if ((sp->sp_set & sigbit(signo)) == 0)
		return false;
	memset(si, 0, sizeof(*si));
	si->si_signo = signo;
	si->si_code = SI_KERNEL;
	TAILQ_FOREACH(ks, &sp->sp_queue, ks_link)
		if (ks->ks_info.si_signo == signo)
			break;
	if (ks == NULL) {
		sp->sp_set &= ~sigbit(signo);
		return true;
	}
	*si = ks->ks_info;
	for (more = TAILQ_NEXT(ks, ks_link); more != NULL;
	    more = TAILQ_NEXT(more, ks_link))
		if (more->ks_info.si_signo == signo)
			break;
	if (more == NULL)
		sp->sp_set &= ~sigbit(signo);
	TAILQ_REMOVE(&sp->sp_queue, ks, ks_link);
	sp->sp_count--;
	zone_free(ksiginfo_zone, ks);
	return true;
}

/* ---- posting ---- */

/* sig_notify: let a thread that does not block signo look (I1). */
static void
sig_notify(struct proc *p, int signo)
{
	struct uthread *ut;

	LIST_FOREACH(ut, &p->p_threads, ut_link) {
		if ((ut->ut_sigmask & sigbit(signo)) != 0)
			continue;
		sleepq_interrupt(ut->ut_td, TDI_SIGNAL);
		return;
	}
}

void
sig_retarget(struct proc *p, sigset_t set)
{
	int signo;

	for (; set != 0; set &= set - 1) {
		signo = __builtin_ctzl(set) + 1;
		sig_notify(p, signo);
	}
}

/* sig_blocked: does the target (a thread, or any of p's) block signo? */
static bool
sig_blocked(const struct proc *p, const struct uthread *ut, int signo)
{
	if (ut != NULL)
		return ((ut->ut_sigmask | ut->ut_waitset) & sigbit(signo)) != 0;
	LIST_FOREACH(ut, &p->p_threads, ut_link)
		if (((ut->ut_sigmask | ut->ut_waitset) & sigbit(signo)) != 0)
			return true;
	return false;
}

/* sig_discard_all: in the process and in each thread. */
static void
sig_discard_all(struct proc *p, sigset_t set)
{
	struct uthread *ut;

	sigpend_discard(&p->p_sigpend, set);
	LIST_FOREACH(ut, &p->p_threads, ut_link)
		sigpend_discard(&ut->ut_sigpend, set);
}

/* sig_continue: end p's stop, if it is in one. */
static void
sig_continue(struct proc *p)
{
	sig_discard_all(p, SIG_STOPS);
	p->p_flags &= ~(unsigned)P_STOPPING;
	if ((p->p_flags & P_STOPPED) == 0)
		return;
	p->p_flags &= ~(unsigned)(P_STOPPED | P_STOPREPORT);
	p->p_flags |= P_CONTREPORT | P_CONTNOTIFY;
	wakeup(&p->p_stopsig);
	wakeup(p->p_pptr);	/* an address only: the lock is not needed */
}

/* sig_post: p_lock held; ut NULL: for the whole process. */
static bool
sig_post(struct proc *p, struct uthread *ut, int signo,
    const struct siginfo *si)
{
	uint64_t handler;
	bool whole;

	if ((p->p_flags & P_EXITING) != 0 || LIST_EMPTY(&p->p_threads))
		return true;
	handler = atomic_load_relaxed(&p->p_sigacts->sg_act[signo].sa_handler);
	/* Process 1 gets only what it asked for, by a handler or by blocking
	 * what it will wait for: nobody may kill it. */
	if (p->p_pid == INIT_PID && handler == SIG_DFL &&
	    ((sigbit(signo) & SIG_CANTMASK) != 0 || !sig_blocked(p, ut, signo)))
		return true;
	if (signo == SIGKILL) {
		proc_doom(p, W_SIGNAL(SIGKILL), NULL);
		return true;
	}
	if ((sigbit(signo) & SIG_STOPS) != 0)
		sig_discard_all(p, sigbit(SIGCONT));
	if (signo == SIGCONT)
		sig_continue(p);
	if (sig_isignored(p, signo) && !sig_blocked(p, ut, signo))
		return true;
	whole = sigpend_add(ut != NULL ? &ut->ut_sigpend : &p->p_sigpend,
	    signo, si);
	if (ut == NULL)
		sig_notify(p, signo);
	else if ((ut->ut_sigmask & sigbit(signo)) == 0)
		sleepq_interrupt(ut->ut_td, TDI_SIGNAL);
	return whole || signo < SIGRTMIN;
}

bool
psignal_locked(struct proc *p, int signo, const struct siginfo *si)
{
	return sig_post(p, NULL, signo, si);
}

bool
psignal(struct proc *p, int signo, const struct siginfo *si)
{
	bool whole;

	KASSERT(signo > 0 && signo <= NSIG, "signal %d to process %d", signo,
	    p->p_pid);
	rw_wlock(&p->p_lock);
	whole = sig_post(p, NULL, signo, si);
	rw_wunlock(&p->p_lock);
	return whole;
}

bool
tdsignal(struct uthread *ut, int signo, const struct siginfo *si)
{
	struct proc *p = ut->ut_proc;

	KASSERT(rw_wowned(&p->p_lock), "process %d not locked", p->p_pid);
	return sig_post(p, ut, signo, si);
}

void
psignal_many(struct proc *p, int signo, const struct siginfo *si)
{
	struct uthread *ut;

	KASSERT(rw_held(&proctree_lock), "proctree not locked for signal %d",
	    signo);
	rw_wlock(&p->p_lock);
	(void)sig_post(p, NULL, signo, si);
	LIST_FOREACH(ut, &p->p_threads, ut_link) {
		if (!ut->ut_forking)
			continue;
		if (signo == SIGCONT)
			ut->ut_forkpend &= ~SIG_STOPS;
		else if ((sigbit(signo) & SIG_STOPS) != 0)
			ut->ut_forkpend &= ~sigbit(SIGCONT);
		ut->ut_forkpend |= sigbit(signo);
	}
	rw_wunlock(&p->p_lock);
}

struct pgarg {
	int			 pgid, signo;
	const struct siginfo	*si;
	unsigned		 count;
};

static void
pgsignal_one(struct proc *p, void *arg)
{
	struct pgarg *a = arg;

	if (p->p_pgid != a->pgid || p->p_state == PRS_ZOMBIE)
		return;
	a->count++;
	if (a->signo != 0)
		psignal_many(p, a->signo, a->si);
}

unsigned
pgsignal(int pgid, int signo, const struct siginfo *si)
{
	struct pgarg a = { pgid, signo, si, 0 };

	proc_foreach(pgsignal_one, &a);
	return a.count;
}

static void
kill_one(struct proc *p, void *arg __unused)
{
	if (p->p_state == PRS_RUN && p->p_pid != INIT_PID)
		psignal(p, SIGKILL, NULL);
}

void
proc_kill_all(void)
{
	rw_rlock(&proctree_lock);
	proc_foreach(kill_one, NULL);
	rw_runlock(&proctree_lock);
}

/* ---- while a process is made ---- */

int
sig_fork_begin(void)
{
	struct uthread *ut = curuthread;
	struct proc *p = ut->ut_proc;
	int error;

	rw_wlock(&p->p_lock);
	sig_recalc(ut);
	error = (atomic_load(&ut->ut_td->td_intrsig) & TDI_WAKES) != 0 ||
	    (p->p_flags & P_STOPPING) != 0 ? ERESTARTNOINTR : 0;
	ut->ut_forking = error == 0;
	ut->ut_forkpend = 0;
	rw_wunlock(&p->p_lock);
	return error;
}

sigset_t
sig_fork_end(void)
{
	struct uthread *ut = curuthread;
	sigset_t set;

	rw_wlock(&ut->ut_proc->p_lock);
	ut->ut_forking = false;
	set = ut->ut_forkpend;
	rw_wunlock(&ut->ut_proc->p_lock);
	return set;
}

/* ---- masks ---- */

/* sig_recalc: TDI_SIGNAL of the running thread says whether to look (I1). */
void
sig_recalc(struct uthread *ut)
{
	struct proc *p = ut->ut_proc;
	sigset_t pending;

	pending = (ut->ut_sigpend.sp_set | p->p_sigpend.sp_set) &
	    ~ut->ut_sigmask;
	if (pending != 0 || (p->p_flags & P_STOPPED) != 0)
		atomic_or(&ut->ut_td->td_intrsig, TDI_SIGNAL);
	else
		atomic_and(&ut->ut_td->td_intrsig, ~(unsigned)TDI_SIGNAL);
}

void
sigmask_set(sigset_t mask)
{
	struct uthread *ut = curuthread;
	struct proc *p = ut->ut_proc;
	sigset_t blocked;

	mask &= ~SIG_CANTMASK;
	rw_wlock(&p->p_lock);
	blocked = p->p_sigpend.sp_set & mask & ~ut->ut_sigmask;
	ut->ut_sigmask = mask;
	if (blocked != 0)
		sig_retarget(p, blocked);
	sig_recalc(ut);
	rw_wunlock(&p->p_lock);
}

sigset_t
sig_pending(void)
{
	struct uthread *ut = curuthread;
	struct proc *p = ut->ut_proc;
	sigset_t set;

	rw_rlock(&p->p_lock);
	set = ut->ut_sigpend.sp_set | p->p_sigpend.sp_set;
	rw_runlock(&p->p_lock);
	return set;
}

int
sigaction_set(int signo, const struct sigaction *act, struct sigaction *old)
{
	struct proc *p = curproc;
	struct sigacts *sg = p->p_sigacts;

	if (signo < 1 || signo > NSIG)
		return EINVAL;
	if (act != NULL && (sigbit(signo) & SIG_CANTMASK) != 0)
		return EINVAL;
	rw_wlock(&p->p_lock);
	rw_wlock(&sg->sg_lock);
	if (old != NULL)
		*old = sg->sg_act[signo];
	if (act != NULL) {
		sg->sg_act[signo] = *act;
		sg->sg_act[signo].sa_mask &= ~SIG_CANTMASK;
	}
	rw_wunlock(&sg->sg_lock);
	if (act != NULL && sig_isignored(p, signo))
		sig_discard_all(p, sigbit(signo));
	rw_wunlock(&p->p_lock);
	return 0;
}
