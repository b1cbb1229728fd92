/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rusage.c: processor time and faults of processes.
 *
 * Time on a CPU is measured; how much of it was spent in user mode is a sample:
 * each clock tick meets one or the other.  So user and system time add up to the
 * measured time, split as the ticks were.
 *
 * I1: what was told of user and of system time never gets less (p_ru).
 * Locks: p_lock.
 * Sources: getrusage(2); McKusick and Neville-Neil, ch. 4.4, on statistics
 * clocks.
 */
#include <sys/proc.h>

#include <sys/md.h>
#include <sys/param.h>
#include <vm/vm_map.h>

/* ticks_split: runtime in the proportion of ticks. */
static void
ticks_split(nsec_t runtime, uint64_t uticks, uint64_t sticks,
    struct prusage *ru)
{
	uint64_t all = uticks + sticks;

	if (sticks == 0)
		ru->pr_utime = runtime;
	else	/* in two steps: the product would overflow after a while */
		ru->pr_utime = runtime / all * uticks +
		    runtime % all * uticks / all;
	ru->pr_stime = runtime - ru->pr_utime;
}

static void
count_thread(struct prusage *ru, const struct thread *td)
{
	ru->pr_faults += td->td_faults;
	ru->pr_nvcsw += td->td_nvcsw;
	ru->pr_nivcsw += td->td_nivcsw;
}

void
rusage_detach(struct proc *p, const struct thread *td)
{
	p->p_runtime += sched_runtime(td);
	p->p_uticks += td->td_uticks;
	p->p_sticks += td->td_sticks;
	count_thread(&p->p_ru, td);
}

nsec_t
proc_runtime(struct proc *p)
{
	struct uthread *ut;
	nsec_t t;

	rw_rlock(&p->p_lock);
	t = p->p_runtime;
	LIST_FOREACH(ut, &p->p_threads, ut_link)
		t += sched_runtime(ut->ut_td);
	rw_runlock(&p->p_lock);
	return t;
}

void
proc_rusage(struct proc *p, struct prusage *ru)
{
	uint64_t uticks, sticks;
	struct uthread *ut;
	nsec_t runtime;

	rw_wlock(&p->p_lock);
	if (p->p_vmspace != NULL)
		proc_note_rss(p);
	*ru = p->p_ru;
	runtime = p->p_runtime;
	uticks = p->p_uticks;
	sticks = p->p_sticks;
	LIST_FOREACH(ut, &p->p_threads, ut_link) {
		runtime += sched_runtime(ut->ut_td);
		uticks += ut->ut_td->td_uticks;
		sticks += ut->ut_td->td_sticks;
		count_thread(ru, ut->ut_td);
	}
	ticks_split(runtime, uticks, sticks, ru);
	ru->pr_utime = p->p_ru.pr_utime = MAX(ru->pr_utime, p->p_ru.pr_utime);
	ru->pr_stime = p->p_ru.pr_stime = MAX(ru->pr_stime, p->p_ru.pr_stime);
	rw_wunlock(&p->p_lock);
}

void
thread_rusage(struct prusage *ru)
{
	const struct thread *td = curthread;

	*ru = (struct prusage){ .pr_maxrss = curproc->p_ru.pr_maxrss };
	count_thread(ru, td);
	ticks_split(sched_runtime(td), td->td_uticks, td->td_sticks, ru);
}

void
prusage_add(struct prusage *sum, const struct prusage *ru)
{
	sum->pr_utime += ru->pr_utime;
	sum->pr_stime += ru->pr_stime;
	sum->pr_faults += ru->pr_faults;
	sum->pr_nvcsw += ru->pr_nvcsw;
	sum->pr_nivcsw += ru->pr_nivcsw;
	sum->pr_maxrss = MAX(sum->pr_maxrss, ru->pr_maxrss);
}

void
proc_note_rss(struct proc *p)
{
	uint64_t now = vmspace_resident_count(p->p_vmspace);

	p->p_ru.pr_maxrss = MAX(p->p_ru.pr_maxrss, now);
}
