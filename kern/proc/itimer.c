/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * itimer.c: timers of processes: setitimer's three and those of timer_create;
 * and the load averages, which want a thread that wakes up as well.
 *
 * Timers by the clock are on one sorted list, served by a thread of the kernel:
 * posting a signal takes sleeping locks, so an interrupt cannot do it.  Timers
 * by processor time are looked at by the process's own threads in userret,
 * which each clock tick in user mode leads to while there are any (td_tickast).
 *
 * An expiry whose signal is still queued adds to that one's overrun count.
 *
 * I1: an armed timer by the clock is on timer_list, in the order of pt_when;
 *     no other is.
 * I2: a timer's process has not ended: exit1 frees them before.
 * I3: p_cputimers is the number of armed timers of p by processor time.
 * Locks: itimer_lock (LO_ITIMER), then p_lock.
 * Sources: timer_create(2), setitimer(2); POSIX on overruns.
 */
#include <sys/itimer.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/sleepq.h>
#include <sys/zone.h>

#define TIMERS_MAX	256		/* of timer_create, per process */
#define OVERRUN_MAX	INT32_MAX
#define LOAD_PERIOD	(5 * NSEC_PER_SEC)

static struct rwlock	 itimer_lock;
static TAILQ_HEAD(, ptimer) timer_list;		/* [I] I1 */
static struct zone	*ptimer_zone;
static uint64_t		 loadavg[3];		/* [a] times 65536 */

static void	itimer_thread(void *arg);

void
itimer_init(void)
{
	struct thread *td;

	rw_init(&itimer_lock, "itimer", LO_ITIMER, 0);
	TAILQ_INIT(&timer_list);
	ptimer_zone = zone_create("ptimer", sizeof(struct ptimer), 16, NULL,
	    0);
	if (kthread_run(itimer_thread, NULL, "itimer", &td) != 0)
		panic("no memory for the timers' thread");
}

static bool
by_cpu(const struct ptimer *pt)
{
	return pt->pt_clock != PTC_UPTIME;
}

/* pt_now: what pt's clock shows, for its process. */
static nsec_t
pt_now(const struct ptimer *pt)
{
	struct prusage ru;

	switch (pt->pt_clock) {
	case PTC_UPTIME:
		return md_uptime();
	case PTC_PROF:
		return proc_runtime(pt->pt_proc);
	case PTC_VIRTUAL:
		proc_rusage(pt->pt_proc, &ru);
		return ru.pr_utime;
	case PTC_WALL:
		break;
	}
	panic("timer %d has clock %d", pt->pt_id, (int)pt->pt_clock);
}

/* ---- arming; itimer_lock held for writing ---- */

static void
list_insert(struct ptimer *pt)
{
	struct ptimer *at;

	TAILQ_FOREACH(at, &timer_list, pt_link)
		if (at->pt_when > pt->pt_when)
			break;
	if (at != NULL)
		TAILQ_INSERT_BEFORE(at, pt, pt_link);
	else
		TAILQ_INSERT_TAIL(&timer_list, pt, pt_link);
	if (TAILQ_FIRST(&timer_list) == pt)
		wakeup(&timer_list);
}

/* tick_ast: the threads of p look at its timers at each tick, or no more. */
static void
tick_ast(struct proc *p, bool on)
{
	struct uthread *ut;

	rw_rlock(&p->p_lock);
	LIST_FOREACH(ut, &p->p_threads, ut_link)
		atomic_store(&ut->ut_td->td_tickast, on);
	rw_runlock(&p->p_lock);
}

static void
pt_disarm(struct ptimer *pt)
{
	if (!pt->pt_armed)
		return;
	pt->pt_armed = false;
	if (!by_cpu(pt))
		TAILQ_REMOVE(&timer_list, pt, pt_link);
	else if (atomic_fetchadd(&pt->pt_proc->p_cputimers, -1) == 1)
		tick_ast(pt->pt_proc, false);
}

static void
pt_arm(struct ptimer *pt, nsec_t when)
{
	pt->pt_when = when;
	pt->pt_armed = true;
	if (!by_cpu(pt))
		list_insert(pt);
	else if (atomic_fetchadd(&pt->pt_proc->p_cputimers, 1) == 0)
		tick_ast(pt->pt_proc, true);
}

/* ---- expiry ---- */

/* queued: pt's signal in sp, if it was not taken yet; p_lock held. */
static struct siginfo *
queued(struct sigpend *sp, const struct ptimer *pt)
{
	struct ksiginfo *ks;

	TAILQ_FOREACH(ks, &sp->sp_queue, ks_link)
		if (ks->ks_info.si_code == SI_TIMER &&
		    ks->ks_info.si_signo == pt->pt_signo &&
		    ks->ks_info.si_timerid == pt->pt_id)
			return &ks->ks_info;
	return NULL;
}

static void
pt_siginfo(const struct ptimer *pt, uint64_t over, struct siginfo *si)
{
	memset(si, 0, sizeof(*si));
	si->si_signo = pt->pt_signo;
	si->si_code = SI_KERNEL;
	if (pt->pt_id < 0)
		return;
	si->si_code = SI_TIMER;
	si->si_timerid = pt->pt_id;
	si->si_overrun = (int32_t)MIN(over, (uint64_t)OVERRUN_MAX);
	si->si_value = pt->pt_value;
}

/* pt_post: the signal, or one more overrun of it; over: periods missed. */
static void
pt_post(struct ptimer *pt, uint64_t over)
{
	struct proc *p = pt->pt_proc;
	struct siginfo si, *there;
	struct uthread *ut;

	if (pt->pt_notify == PTN_NONE)
		return;
	pt_siginfo(pt, over, &si);
	rw_wlock(&p->p_lock);
	ut = NULL;
	if (pt->pt_notify == PTN_THREAD) {
		LIST_FOREACH(ut, &p->p_threads, ut_link)
			if (ut->ut_tid == pt->pt_tid)
				break;
	}
	there = pt->pt_id < 0 ? NULL :
	    queued(ut != NULL ? &ut->ut_sigpend : &p->p_sigpend, pt);
	if (there != NULL) {
		over += (uint64_t)there->si_overrun + 1;
		there->si_overrun =
		    (int32_t)MIN(over, (uint64_t)OVERRUN_MAX);
	} else if (ut != NULL) {
		tdsignal(ut, pt->pt_signo, &si);
	} else if (pt->pt_notify == PTN_PROCESS) {
		psignal_locked(p, pt->pt_signo, &si);
	}
	rw_wunlock(&p->p_lock);
}

/* pt_fire: pt's time has come. */
static void
pt_fire(struct ptimer *pt, nsec_t now)
{
	uint64_t missed;

	missed = 0;
	pt_disarm(pt);
	if (pt->pt_interval != 0) {
		missed = (now - pt->pt_when) / pt->pt_interval;
		pt_arm(pt, pt->pt_when + (missed + 1) * pt->pt_interval);
	}
	pt_post(pt, missed);
}

void
itimer_cpu(struct proc *p)
{
	struct ptimer *pt;
	nsec_t now;

	rw_wlock(&itimer_lock);
	LIST_FOREACH(pt, &p->p_timers, pt_plink) {
		if (!pt->pt_armed || !by_cpu(pt))
			continue;
		now = pt_now(pt);
		if (now >= pt->pt_when)
			pt_fire(pt, now);
	}
	rw_wunlock(&itimer_lock);
}

/* ---- the thread ---- */

/* load_sample: exponential decay over 1, 5 and 15 minutes, as Linux has it. */
static void
load_sample(void)
{
	static const uint64_t decay[3] = { 1884, 2014, 2037 };	/* of 2048 */
	uint64_t n = (uint64_t)sched_runnable() << 16;
	unsigned i;

	for (i = 0; i < 3; i++)
		loadavg[i] = (loadavg[i] * decay[i] + n * (2048 - decay[i])) /
		    2048;
}

void
loadavg_get(uint64_t load[3])
{
	unsigned i;

	for (i = 0; i < 3; i++)
		load[i] = atomic_load_relaxed(&loadavg[i]);
}

static void
itimer_thread(void *arg __unused)
{
	nsec_t load_at, now, next;
	struct ptimer *pt;

	load_at = md_uptime() + LOAD_PERIOD;
	rw_wlock(&itimer_lock);
	for (;;) {
		now = md_uptime();
		if (now >= load_at) {
			load_sample();
			load_at = now + LOAD_PERIOD;
		}
		/* The same now for all: one of 1 ns cannot keep us here. */
		while ((pt = TAILQ_FIRST(&timer_list)) != NULL &&
		    pt->pt_when <= now)
			pt_fire(pt, now);
		next = pt != NULL ? MIN(load_at, pt->pt_when) : load_at;
		(void)rw_sleep(&timer_list, &itimer_lock, 0, "itimer",
		    next - now);
	}
}

/* ---- for the calls ---- */

/* pt_find: the running process's timer id; itimer_lock held. */
static struct ptimer *
pt_find(int id)
{
	struct ptimer *pt;

	LIST_FOREACH(pt, &curproc->p_timers, pt_plink)
		if (pt->pt_id == id)
			return pt;
	return NULL;
}

static void
pt_read(const struct ptimer *pt, struct ptspec *ps)
{
	nsec_t now;

	ps->interval = pt->pt_interval;
	ps->value = 0;
	if (!pt->pt_armed)
		return;
	now = pt_now(pt);
	/* Due, but not served yet: not 0, which would say disarmed. */
	ps->value = pt->pt_when > now ? pt->pt_when - now : 1;
}

static void
pt_free(struct ptimer *pt)
{
	pt_disarm(pt);
	LIST_REMOVE(pt, pt_plink);
	zone_free(ptimer_zone, pt);
}

int
ptimer_create(const struct ptimer *model, int *id)
{
	struct ptimer *pt;

	pt = zone_alloc(ptimer_zone, M_WAITOK);
	if (pt == NULL)
		return EAGAIN;
	*pt = *model;
	pt->pt_proc = curproc;
	pt->pt_armed = false;
	rw_wlock(&itimer_lock);
	while (pt->pt_id >= 0 && pt->pt_id < TIMERS_MAX &&
	    pt_find(pt->pt_id) != NULL)
		pt->pt_id++;
	*id = pt->pt_id;
	if (*id >= TIMERS_MAX || (*id < 0 && pt_find(*id) != NULL)) {
		rw_wunlock(&itimer_lock);
		zone_free(ptimer_zone, pt);
		return *id < 0 ? EEXIST : EAGAIN;
	}
	if (pt->pt_idvalue)
		pt->pt_value = (uint64_t)*id;
	LIST_INSERT_HEAD(&curproc->p_timers, pt, pt_plink);
	rw_wunlock(&itimer_lock);
	return 0;
}

int
ptimer_set(int id, bool absolute, const struct ptspec *new, struct ptspec *old)
{
	struct ptimer *pt;

	rw_wlock(&itimer_lock);
	pt = pt_find(id);
	if (pt == NULL) {
		rw_wunlock(&itimer_lock);
		return EINVAL;
	}
	pt_read(pt, old);
	if (new != NULL) {
		pt_disarm(pt);
		pt->pt_interval = new->interval;
		if (new->value != 0)
			pt_arm(pt, absolute ? new->value :
			    pt_now(pt) + new->value);
	}
	rw_wunlock(&itimer_lock);
	return 0;
}

int
ptimer_overrun(int id, int *overrun)
{
	struct ptimer *pt;

	rw_rlock(&itimer_lock);
	pt = pt_find(id);
	if (pt != NULL)
		*overrun = pt->pt_overrun;
	rw_runlock(&itimer_lock);
	return pt != NULL ? 0 : EINVAL;
}

enum ptimer_clock
ptimer_clock(int id)
{
	struct ptimer *pt;
	enum ptimer_clock c;

	rw_rlock(&itimer_lock);
	pt = pt_find(id);
	c = pt != NULL && pt->pt_wall ? PTC_WALL :
	    pt != NULL ? pt->pt_clock : PTC_UPTIME;
	rw_runlock(&itimer_lock);
	return c;
}

int
ptimer_delete(int id)
{
	struct ptimer *pt;

	rw_wlock(&itimer_lock);
	pt = id < 0 ? NULL : pt_find(id);
	if (pt != NULL)
		pt_free(pt);
	rw_wunlock(&itimer_lock);
	return pt != NULL ? 0 : EINVAL;
}

void
itimer_taken(const struct siginfo *si)
{
	struct ptimer *pt;

	if (si->si_code != SI_TIMER)
		return;
	rw_wlock(&itimer_lock);
	pt = pt_find(si->si_timerid);
	if (pt != NULL)
		pt->pt_overrun = si->si_overrun;
	rw_wunlock(&itimer_lock);
}

/* free_all: those of timer_create, and setitimer's when all is true. */
static void
free_all(struct proc *p, bool all)
{
	struct ptimer *pt, *next;

	/* Only the running thread could add one. */
	if (LIST_EMPTY(&p->p_timers))
		return;
	rw_wlock(&itimer_lock);
	for (pt = LIST_FIRST(&p->p_timers); pt != NULL; pt = next) {
		next = LIST_NEXT(pt, pt_plink);
		if (all || pt->pt_id >= 0)
			pt_free(pt);
	}
	rw_wunlock(&itimer_lock);
}

void
itimer_exec(struct proc *p)
{
	free_all(p, false);
}

void
itimer_exit(struct proc *p)
{
	free_all(p, true);
}
