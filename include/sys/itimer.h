/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * itimer.h: timers of processes (itimer.c) and the load averages.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/types.h>

struct proc;
struct siginfo;

/* What a timer counts: time since boot, processor time, user time; PTC_WALL is
 * what ptimer_clock tells of one that is set by the time of day. */
enum ptimer_clock { PTC_UPTIME, PTC_PROF, PTC_VIRTUAL, PTC_WALL };
enum ptimer_notify { PTN_PROCESS, PTN_THREAD, PTN_NONE };

/* setitimer's timers; timer_create's are 0 and up. */
#define PT_REAL		(-1)
#define PT_VIRTUAL	(-2)
#define PT_PROF		(-3)

/*
 * Lifetime: from ptimer_create to ptimer_delete, exec (not setitimer's) or exit.
 * Fields are protected as marked: [c] const after init [I] itimer_lock.
 */
struct ptimer {
	TAILQ_ENTRY(ptimer)	 pt_link;	/* [I] armed, by the clock */
	LIST_ENTRY(ptimer)	 pt_plink;	/* [I] the process's */
	struct proc		*pt_proc;	/* [c] */
	int			 pt_id;		/* [c] */
	enum ptimer_clock	 pt_clock;	/* [c] not PTC_WALL */
	bool			 pt_wall;	/* [c] CLOCK_REALTIME */
	enum ptimer_notify	 pt_notify;	/* [c] */
	int			 pt_signo;	/* [c] */
	int			 pt_tid;	/* [c] PTN_THREAD */
	uint64_t		 pt_value;	/* [c] si_value */
	bool			 pt_idvalue;	/* [c] it is pt_id */
	bool			 pt_armed;	/* [I] */
	nsec_t			 pt_when;	/* [I] by its clock */
	nsec_t			 pt_interval;	/* [I] 0: once */
	int			 pt_overrun;	/* [I] of the last signal taken */
};

struct ptspec {
	nsec_t	interval, value;	/* value 0: disarmed */
};

void	itimer_init(void);
/* ptimer_create: model's pt_id is the lowest to try, or PT_*.  => Returns 0 and
 * *id; EAGAIN: no memory, or too many; EEXIST: a PT_* is there. */
int	ptimer_create(const struct ptimer *model, int *id) __warn_unused;
/* ptimer_set: arm or disarm (new NULL: only read); *old is what it was, relative.
 * EINVAL: no such timer. */
int	ptimer_set(int id, bool absolute, const struct ptspec *new,
	    struct ptspec *old) __warn_unused;
int	ptimer_overrun(int id, int *overrun) __warn_unused;
int	ptimer_delete(int id) __warn_unused;
enum ptimer_clock ptimer_clock(int id);

/* itimer_cpu: for userret: timers of p by processor time that are due. */
void	itimer_cpu(struct proc *p);
/* itimer_taken: the running process takes this signal: note its overruns. */
void	itimer_taken(const struct siginfo *si);
void	itimer_exec(struct proc *p);
void	itimer_exit(struct proc *p);

/* loadavg_get: runnable threads over 1, 5 and 15 minutes, times 65536. */
void	loadavg_get(uint64_t load[3]);
