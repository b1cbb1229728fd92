/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_timer.c: alarm, setitimer, getitimer and the timer_create family.
 *
 * Locks: none of its own.
 * Sources: setitimer(2), timer_create(2), sigevent(7) of Linux.
 */
#include "linux_priv.h"

#include <linux/misc.h>
#include <sys/itimer.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>

#define SIGEV_SIGNAL	0
#define SIGEV_NONE	1
#define SIGEV_THREAD	2
#define SIGEV_THREAD_ID	4
#define TIME_MAX	(INT64_MAX / (int64_t)NSEC_PER_SEC / 2)

struct linux_sigevent {
	uint64_t	value;
	int32_t		signo, notify;
	int32_t		tid;
	uint8_t		pad[44];
};
CTASSERT(sizeof(struct linux_sigevent) == 64, "sigevent of x86-64");

/* ---- setitimer ---- */

/* real_set: setitimer's timer number which; made when it is first set. */
static int
real_set(unsigned which, const struct ptspec *new, struct ptspec *old)
{
	static const struct ptimer model[] = {
		{ .pt_id = PT_REAL, .pt_clock = PTC_UPTIME,
		    .pt_signo = SIGALRM },
		{ .pt_id = PT_VIRTUAL, .pt_clock = PTC_VIRTUAL,
		    .pt_signo = SIGVTALRM },
		{ .pt_id = PT_PROF, .pt_clock = PTC_PROF,
		    .pt_signo = SIGPROF },
	};
	int error, id;

	*old = (struct ptspec){ 0, 0 };
	if (ptimer_set(model[which].pt_id, false, new, old) == 0)
		return 0;
	if (new == NULL || new->value == 0)
		return 0;
	error = ptimer_create(&model[which], &id);
	if (error != 0 && error != EEXIST)
		return ENOMEM;
	return ptimer_set(model[which].pt_id, false, new, old);
}

static int
timeval_ns(const struct linux_timeval *tv, nsec_t *ns)
{
	if (tv->tv_sec < 0 || tv->tv_usec < 0 || tv->tv_usec >= 1000000)
		return EINVAL;
	*ns = (nsec_t)MIN(tv->tv_sec, TIME_MAX) * NSEC_PER_SEC +
	    (nsec_t)tv->tv_usec * NSEC_PER_USEC;
	return 0;
}

static int
itimerval_put(const struct ptspec *ps, uint64_t ua)
{
	struct linux_timeval tv[2];

	/* Less than a microsecond left is not yet none. */
	tv[0] = timeval_of(ps->interval);
	tv[1] = timeval_of(ps->value == 0 ? 0 :
	    MAX(ps->value, (nsec_t)NSEC_PER_USEC));
	return copyout(tv, uaddr(ua), sizeof(tv));
}

int64_t
sys_setitimer(SYSARGS3(which, newp, oldp))
{
	struct linux_timeval tv[2] = { { 0, 0 }, { 0, 0 } };
	struct ptspec new, old;
	int error;

	/* Without a new value: Linux reads zeroes. */
	error = newp != 0 ? copyin(uaddr(newp), tv, sizeof(tv)) : 0;
	if (error == 0)
		error = timeval_ns(&tv[0], &new.interval);
	if (error == 0)
		error = timeval_ns(&tv[1], &new.value);
	if (error == 0 && which > 2)
		error = EINVAL;
	if (error == 0)
		error = real_set((unsigned)which, &new, &old);
	if (error == 0 && oldp != 0)
		error = itimerval_put(&old, oldp);
	return ret_errno(error);
}

int64_t
sys_getitimer(SYSARGS2(which, ua))
{
	struct ptspec old;
	int error;

	if (which > 2)
		return -EINVAL;
	error = real_set((unsigned)which, NULL, &old);
	return ret_errno(error != 0 ? error : itimerval_put(&old, ua));
}

int64_t
sys_alarm(SYSARGS1(secs))
{
	struct ptspec new, old;
	int error;

	new.interval = 0;
	new.value = (uint64_t)(uint32_t)secs * NSEC_PER_SEC;
	error = real_set(0, &new, &old);
	if (error != 0)
		return ret_errno(error);
	/* To the nearest second, but not down to none. */
	if (old.value == 0)
		return 0;
	return (int64_t)MAX((old.value + NSEC_PER_SEC / 2) / NSEC_PER_SEC,
	    1UL);
}

/* ---- timer_create ---- */

/* model_clock: EINVAL: no such clock; EOPNOTSUPP: no timers by that one. */
static int
model_clock(uint64_t clock, struct ptimer *pt)
{
	switch ((int)clock) {
	case CLOCK_REALTIME:
		pt->pt_wall = true;
		pt->pt_clock = PTC_UPTIME;
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		pt->pt_clock = PTC_UPTIME;
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		pt->pt_clock = PTC_PROF;
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return EOPNOTSUPP;
	default:
		return EINVAL;
	}
}

static bool
tid_ours(int tid)
{
	struct uthread *ut;

	rw_rlock(&curproc->p_lock);
	LIST_FOREACH(ut, &curproc->p_threads, ut_link)
		if (ut->ut_tid == tid)
			break;
	rw_runlock(&curproc->p_lock);
	return ut != NULL;
}

static int
model_event(uint64_t ua, struct ptimer *pt)
{
	struct linux_sigevent ev;
	int error;

	if (ua == 0) {
		pt->pt_idvalue = true;
		pt->pt_signo = SIGALRM;
		return 0;
	}
	error = copyin(uaddr(ua), &ev, sizeof(ev));
	if (error != 0)
		return error;
	pt->pt_signo = ev.signo;
	pt->pt_value = ev.value;
	switch (ev.notify) {
	case SIGEV_NONE:
		pt->pt_notify = PTN_NONE;
		return 0;
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		pt->pt_notify = PTN_THREAD;
		pt->pt_tid = ev.tid;
		if (!tid_ours(ev.tid))
			return EINVAL;
		break;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		pt->pt_notify = PTN_PROCESS;
		break;
	default:
		return EINVAL;
	}
	return ev.signo < 1 || ev.signo > NSIG ? EINVAL : 0;
}

int64_t
sys_timer_create(SYSARGS3(clock, event, idp))
{
	struct ptimer model = { .pt_id = 0 };
	int error, id;

	error = model_clock(clock, &model);
	if (error == 0)
		error = model_event(event, &model);
	if (error == 0)
		error = ptimer_create(&model, &id);
	if (error != 0)
		return ret_errno(error);
	error = suword32(uaddr(idp), (uint32_t)id);
	if (error != 0)
		(void)!ptimer_delete(id);
	return ret_errno(error);
}

static int
itimerspec_get(uint64_t ua, struct ptspec *ps)
{
	int error;

	error = timespec_get(ua, &ps->interval);
	return error != 0 ? error : timespec_get(ua + 16, &ps->value);
}

static int
itimerspec_put(const struct ptspec *ps, uint64_t ua)
{
	int error;

	error = timespec_put(ps->interval, ua);
	return error != 0 ? error : timespec_put(ps->value, ua + 16);
}

int64_t
sys_timer_settime(SYSARGS4(id, flags, newp, oldp))
{
	struct ptspec new, old;
	bool absolute = (flags & TIMER_ABSTIME) != 0;
	nsec_t up, wall;
	int error;

	if (newp == 0 || (int)id < 0)
		return -EINVAL;
	error = itimerspec_get(newp, &new);
	if (error != 0)
		return ret_errno(error);
	if (absolute && new.value != 0 &&
	    ptimer_clock((int)id) == PTC_WALL) {
		up = md_uptime();
		wall = md_walltime();
		new.value = new.value > wall ? up + (new.value - wall) : 1;
	}
	error = ptimer_set((int)id, absolute, &new, &old);
	if (error == 0 && oldp != 0)
		error = itimerspec_put(&old, oldp);
	return ret_errno(error);
}

int64_t
sys_timer_gettime(SYSARGS2(id, ua))
{
	struct ptspec old;
	int error;

	error = (int)id < 0 ? EINVAL : ptimer_set((int)id, false, NULL, &old);
	return ret_errno(error != 0 ? error : itimerspec_put(&old, ua));
}

int64_t
sys_timer_getoverrun(SYSARGS1(id))
{
	int error, n;

	error = (int)id < 0 ? EINVAL : ptimer_overrun((int)id, &n);
	return error != 0 ? ret_errno(error) : n;
}

int64_t
sys_timer_delete(SYSARGS1(id))
{
	return ret_errno(ptimer_delete((int)id));
}
