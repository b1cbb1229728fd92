/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc.h: processes and their user threads.
 *
 * A process owns what its threads share; a uthread is kern/proc's part of a
 * user thread (struct thread's td_uproc).  Life of a process:
 *	NEW -> RUN		proc_start (fork, first process)
 *	RUN -> ZOMBIE		exit1, by its last thread
 *	ZOMBIE -> freed		wait4 of the parent, or at once (SIGCHLD ignored)
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/types.h>
#include <machine/cpu.h>
#include <sys/itimer.h>
#include <sys/lock.h>
#include <sys/param.h>
#include <sys/signal.h>
#include <sys/thread.h>
#include <sys/uaddr.h>
#include <sys/wait.h>

struct fdtable;
struct fsctx;
struct rnode;
struct sigacts;
struct trapframe;
struct vmspace;

enum proc_state { PRS_NEW, PRS_RUN, PRS_ZOMBIE };

enum {
	RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE,
	RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS,
	RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE,
	RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIM_NLIMITS
};
#define RLIM_INFINITY	(~0UL)

struct rlimit {
	uint64_t	rlim_cur, rlim_max;
};

enum { ID_REAL, ID_EFF, ID_SAVED, ID_FS, ID_COUNT };
#define NGROUPS		32

/* Who a process is. */
struct pcred {
	uint32_t	cr_uid[ID_COUNT], cr_gid[ID_COUNT];
	uint32_t	cr_groups[NGROUPS];
	unsigned	cr_ngroups;
};

/*
 * A thread that runs user code.  Lifetime: made by fork or clone before its
 * thread starts, freed by the thread itself in exit1.  Fields are protected as
 * marked: [c] const after init [t] owning thread only [P] p_lock [T]
 * proctree_lock.
 */
struct uthread {
	struct thread		*ut_td;		/* [c] */
	struct proc		*ut_proc;	/* [c] */
	LIST_ENTRY(uthread)	 ut_link;	/* [P] p_threads */
	int			 ut_tid;	/* [P] what the user calls it */
	sigset_t		 ut_sigmask;	/* [t+P] w, either r */
	sigset_t		 ut_waitset;	/* [t+P] blocked, but waited for now */
	sigset_t		 ut_oldmask;	/* [t] put back after a handler */
	bool			 ut_suspended;	/* [t] ut_oldmask means it */
	struct sigpend		 ut_sigpend;	/* [P] */
	struct sigstack		 ut_sigstk;	/* [t] */
	uint64_t		 ut_restart;	/* [t] call number + 1 to redo */
	int			 ut_restartif;	/* [t] ERESTART*: past which handlers */
	uint64_t		 ut_robust;	/* [t] set_robust_list head */
	uint64_t		 ut_rseq;	/* [t] rseq area, 0: none */
	uint32_t		 ut_rseqsig;	/* [t] */
	uint64_t		 ut_settid;	/* [t] CHILD_SETTID's address */
	bool			 ut_vforkwait;	/* [T] the child still borrows */
	bool			 ut_forking;	/* [P] making a process */
	sigset_t		 ut_forkpend;	/* [P] sent to many meanwhile */
};

/*
 * Lifetime: from fork until wait4 reaped it; a pointer is good under
 * proctree_lock, in its own threads, and for its parent's threads until they
 * reap it.  Fields are protected as marked: [c] const after init [a] atomic
 * [P] p_lock [T] proctree_lock [t] the process's only running thread.
 */
struct proc {
	struct rwlock		 p_lock;
	LIST_ENTRY(proc)	 p_hash;	/* [T] by pid */
	LIST_ENTRY(proc)	 p_all;		/* [T] */
	LIST_ENTRY(proc)	 p_sibling;	/* [T] */
	LIST_HEAD(, proc)	 p_children;	/* [T] */
	struct proc		*p_pptr;	/* [T] */
	int			 p_pid;		/* [c] from uthread_create */
	int			 p_ppid;	/* [a] parent's, r: no lock */
	int			 p_pgid;	/* [T] */
	int			 p_sid;		/* [T] */
	enum proc_state		 p_state;	/* [T] */
	unsigned		 p_flags;	/* [P] P_* */
	LIST_HEAD(, uthread)	 p_threads;	/* [P] */
	unsigned		 p_nthreads;	/* [P] */
	struct uthread		*p_single;	/* [P] exec: the one that stays */
	LIST_HEAD(, ptimer)	 p_timers;	/* itimer_lock */
	int			 p_cputimers;	/* [a] armed, by processor time */
	struct vmspace		*p_vmspace;	/* [t+P] others read: P */
	struct fdtable		*p_fd;		/* [t+P] others read: P */
	struct fsctx		*p_fs;		/* [t+P] others read: P */
	struct rnode		*p_exe;		/* [t+P] program; referenced, or NULL */
	struct procargs		*p_args;	/* [t+P] counted, or NULL */
	struct sigacts		*p_sigacts;	/* [t+P] others: not P_EXITING */
	struct sigpend		 p_sigpend;	/* [P] */
	struct uthread		*p_vforker;	/* [T] parent's thread that waits */
	int			 p_xstat;	/* [P] wait status; zombie: [T] */
	int			 p_exitsig;	/* [c] sent to the parent; 0 none */
	int			 p_stopsig;	/* [P] signal that stopped it */
	nsec_t			 p_start;	/* [c] */
	nsec_t			 p_runtime;	/* [P] of threads that are gone */
	uint64_t		 p_uticks;	/* [P] theirs, too */
	uint64_t		 p_sticks;	/* [P] */
	struct prusage		 p_ru;		/* [P] theirs; pr_utime, pr_stime: */
						/* most that was ever told */
	struct prusage		 p_cru;		/* [T] of children waited for */
	struct pcred		 p_cred;	/* [P] r: h */
	int			 p_nice;	/* [P] -20 .. 19 */
	int			 p_policy;	/* [P] SCHED_* of Linux */
	int			 p_rtprio;	/* [P] 1 .. 99 of FIFO and RR */
	uint32_t		 p_persona;	/* [P] personality(2)'s word */
	int			 p_deathsig;	/* [P] when its parent dies; 0 */
	unsigned		 p_prctl;	/* [P] PRF_* */
	struct rlimit		 p_rlimit[RLIM_NLIMITS];	/* [P] */
	char			 p_comm[MAXCOMLEN + 1];	/* [P] */
};
#define INIT_PID	1

#define PRF_NODUMP	0x1	/* PR_SET_DUMPABLE 0 */
#define PRF_KEEPCAPS	0x2
#define PRF_REAPER	0x4	/* orphans below come to it */
#define PRF_NONEWPRIVS	0x8
#define PRF_BARRIER	0x10	/* membarrier: registered */
#define PRF_BARRIERCORE	0x20

#define P_EXITING	0x1	/* every thread is to die */
#define P_STOPPED	0x2
#define P_STOPREPORT	0x4	/* wait4 has not told of the stop */
#define P_CONTREPORT	0x8	/* nor of the continuation */
#define P_EXECED	0x10
#define P_NOCTTY	0x20	/* gave up its session's terminal */
#define P_STOPPING	0x40	/* about to stop, and no SIGCONT since */
#define P_STRACE	0x100	/* its calls are printed; children inherit */
#define P_CONTNOTIFY	0x80	/* its parent is owed a SIGCHLD for SIGCONT */

#define curproc		(curthread->td_proc)
#define curuthread	((struct uthread *)curthread->td_uproc)

extern struct rwlock	 proctree_lock;
extern struct proc	 proc0;		/* the kernel: init's parent */
extern struct proc	*initproc;	/* [T] */

/*
 * proc_run_init: start path as process 1 with standard files on the console,
 * and wait for its end.  Everything else that still runs then is killed and
 * reaped, so that the memory counters are back where they were.
 * => Locks: none; a kernel thread.  Sleeps.  After proc_init.
 * => Returns: init's wait status.  Without a usable init: panic_exit.
 */
int		 proc_run_init(const char *path);
/*
 * proc_shutdown: every process is told to end, init too, with status 0; what
 * proc_run_init's caller does then is to switch off or, with again, to restart
 * (proc_restart says which).
 */
void		 proc_shutdown(bool again);
bool		 proc_restart(void);
/* proc_init: zones, locks, proc0, the memory file system from the initrd;
 * panic_exit(EXIT_NOINIT) without one that can be used. */
void		 proc_init(void);

/* ---- proc.c ---- */
/* => Returns NULL: no memory.  Zeroed but for the lock and the lists. */
struct proc	*proc_alloc(void);
void		 proc_free(struct proc *p);
/* proc_lookup: => Locks: proctree_lock either way. */
struct proc	*proc_lookup(int pid);
/* proc_foreach: => Locks: proctree_lock either way. */
void		 proc_foreach(void (*fn)(struct proc *p, void *arg), void *arg);
/* proc_insert: make it visible, as a child of parent, and RUN. => Locks:
 * proctree_lock for writing. */
void		 proc_insert(struct proc *p, struct proc *parent);
void		 proc_remove(struct proc *p);
unsigned	 proc_count(void);		/* processes, zombies too */
/*
 * uthread_create: a thread of p that will run fn(uthread) in the kernel; it is
 * on p_threads but not started.  The first one gives p its pid.
 * => Returns 0; ENOMEM; EAGAIN (no thread id, or p is exiting).
 */
int		 uthread_create(struct proc *p, void (*fn)(void *),
		    struct uthread **utp) __warn_unused;
/* uthread_detach: off p_threads.  => Locks: p_lock. */
void		 uthread_detach(struct uthread *ut);
/* uthread_discard: of a thread that was never started. */
void		 uthread_discard(struct uthread *ut);
/* uthread_free: does not touch the process, which may be gone. */
void		 uthread_free(struct uthread *ut);
/* uthread_setvm: the running thread uses vm's page tables (NULL: none). */
void		 uthread_setvm(struct vmspace *vm);
uint64_t	 proc_rlimit(struct proc *p, unsigned which);
nsec_t		 proc_runtime(struct proc *p);

/* ---- oom.c ---- */
/* oom_init: the thread that ends the biggest process when memory is gone. */
void		 oom_init(void);
uint64_t	 oom_kills(void);

/* ---- fork.c ---- */
#define CLONE_VM		0x00000100UL
#define CLONE_FS		0x00000200UL
#define CLONE_FILES		0x00000400UL
#define CLONE_SIGHAND		0x00000800UL
#define CLONE_PIDFD		0x00001000UL
#define CLONE_VFORK		0x00004000UL
#define CLONE_PARENT		0x00008000UL
#define CLONE_THREAD		0x00010000UL
#define CLONE_SYSVSEM		0x00040000UL
#define CLONE_SETTLS		0x00080000UL
#define CLONE_PARENT_SETTID	0x00100000UL
#define CLONE_CHILD_CLEARTID	0x00200000UL
#define CLONE_DETACHED		0x00400000UL
#define CLONE_CHILD_SETTID	0x01000000UL
#define CLONE_CLEAR_SIGHAND	0x100000000UL

struct fork_args {
	uint64_t	flags;		/* CLONE_* */
	int		exitsig;
	uint64_t	stack;		/* 0: the parent's */
	uint64_t	ptid, ctid, pidfd, tls;	/* user addresses */
};
void		 fork_init(void);
extern unsigned	 threads_max;	/* [a] of all processes together */
/* fork1: => Returns 0 and the child's tid; EAGAIN (a limit), ENOMEM, EINVAL;
 * ERESTARTNOINTR (a signal comes first); CLONE_PIDFD: EFAULT, EMFILE, ENFILE. */
int		 fork1(const struct fork_args *a, int *tidp) __warn_unused;

/* ---- exit.c ---- */
/*
 * exit1: the running thread ends; group: with status rv for the whole process,
 * and the other threads are told to end.  The last thread frees what was shared
 * and makes the process a zombie.
 */
void		 exit1(int rv, bool group) __noreturn;
/* proc_doom: every thread of p but except is to die, status xstat, unless the
 * process is ending already.  => Locks: p_lock for writing. */
void		 proc_doom(struct proc *p, int xstat, struct thread *except);
int64_t		 sys_exit(uint64_t code, uint64_t, uint64_t, uint64_t,
		    uint64_t, uint64_t);
int64_t		 sys_exit_group(uint64_t code, uint64_t, uint64_t, uint64_t,
		    uint64_t, uint64_t);
/* threads_single: for exec: all but the running thread end.  EAGAIN: another
 * one is first, or the process is exiting. */
int		 threads_single(void) __warn_unused;
/* proc_vfork_done: p has its own space or is gone: its parent may go on. */
void		 proc_vfork_done(struct proc *p);

/* ---- tty_jobs.c; all with proctree_lock held ---- */
/* pgrp_orphaned: no member has a parent in its session but outside of it. */
bool		 pgrp_orphaned(int pgid);
/* pgrp_lost: p ends (exiting), or its parent did: if that orphaned a group with
 * stopped members, they get SIGHUP and SIGCONT. */
void		 pgrp_lost(struct proc *p, const struct proc *parent,
		    bool exiting);
/* tty_leader_exit: p ends: does it leave a terminal?  Locks: for writing. */
void		 tty_leader_exit(const struct proc *p);
/* tty_number: p's terminal, a device, 0: none; its foreground group, or -1. */
uint64_t	 tty_number(const struct proc *p, int *pgid);

/* ---- exec.c ---- */
/* kern_exec: the running process becomes path.
 * => Returns an errno and nothing changed; or 0: tf-level state is set, the
 *    way back to user mode starts the program.  Past the point of no return a
 *    failure kills. */
int		 kern_exec(const char *path, struct uaddr argv,
		    struct uaddr envp) __warn_unused;
/* kern_exec_init: with kernel strings, NULL ended. */
int		 kern_exec_init(const char *path, const char *const *argv,
		    const char *const *envp) __warn_unused;

/* The arguments a program was started with, for /proc/PID/cmdline. */
struct procargs {
	int		 pa_refs;	/* [a] */
	unsigned	 pa_len;	/* [c] */
	char		 pa_text[];	/* [c] strings, each with its NUL */
};
struct procargs	*procargs_share(struct procargs *pa);	/* NULL is allowed */
void		 procargs_put(struct procargs *pa);

/* p_exe's reference and its count as being run; NULL is allowed. */
struct rnode	*exe_share(struct rnode *exe);
void		 exe_put(struct rnode *exe);
