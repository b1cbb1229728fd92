/* SPDX-License-Identifier: BSD-2-Clause */
/* wait.h: waiting for children (exit.c) and what processes used (rusage.c). */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct proc;
struct thread;

/* What processor time and memory something used. */
struct prusage {
	nsec_t		pr_utime, pr_stime;
	uint64_t	pr_faults, pr_nvcsw, pr_nivcsw;
	uint64_t	pr_maxrss;		/* pages, as far as looked at */
};

/* proc_rusage: of all its threads so far.  => Locks: takes p_lock.
 * thread_rusage: of the running one.  prusage_add: sum of two; the larger
 * pr_maxrss. */
void		 proc_rusage(struct proc *p, struct prusage *ru);
void		 thread_rusage(struct prusage *ru);
void		 prusage_add(struct prusage *sum, const struct prusage *ru);
/* rusage_detach: the running thread leaves p, td being it. Locks: p_lock. */
void		 rusage_detach(struct proc *p, const struct thread *td);
/* proc_note_rss: the space is about to go. */
void		 proc_note_rss(struct proc *p);

/* Wait status, as wait4 stores it. */
#define W_EXIT(code)	(((code) & 0xff) << 8)
#define W_SIGNAL(s)	((s) & 0x7f)
#define W_STOP(s)	((((s) & 0xff) << 8) | 0x7f)
#define W_CONT		0xffff
#define W_CORE		0x80

#define WNOHANG		0x00000001
#define WUNTRACED	0x00000002	/* WSTOPPED */
#define WEXITED		0x00000004
#define WAIT_GROUP1	INT32_MIN	/* which: group 1 */
#define WCONTINUED	0x00000008
#define WNOWAIT		0x01000000
#define __WNOTHREAD	0x20000000
#define __WALL		0x40000000
#define __WCLONE	0x80000000U
struct wait_result {
	int		pid, status;
	uint32_t	uid;
	struct prusage	ru;
};
/* kern_wait: which: > 0 pid, -1 any, 0 own group, < -1 that group; options:
 * which news (WEXITED, WUNTRACED, WCONTINUED), WNOHANG, WNOWAIT, __W*.
 * => Returns 0 (pid 0: WNOHANG and nothing); ECHILD; EINTR. */
int		 kern_wait(int which, unsigned options,
		    struct wait_result *res) __warn_unused;
