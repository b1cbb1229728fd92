/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signal.h: signals, with Linux's numbers and siginfo layout (one space, no
 * table, as in errno.h).
 *
 * A signal is posted to a process or to one of its threads (psignal, tdsignal)
 * and acted on by the target itself on its way to user mode (userret), or makes
 * an interruptible sleep return EINTR.  Nothing is ever delivered from the
 * sender's context but SIGKILL's mark and the end of a stop.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/types.h>
#include <sys/lock.h>

struct proc;
struct thread;
struct trapframe;
struct uthread;

#define SIGHUP		1
#define SIGINT		2
#define SIGQUIT		3
#define SIGILL		4
#define SIGTRAP		5
#define SIGABRT		6
#define SIGBUS		7
#define SIGFPE		8
#define SIGKILL		9
#define SIGUSR1		10
#define SIGSEGV		11
#define SIGUSR2		12
#define SIGPIPE		13
#define SIGALRM		14
#define SIGTERM		15
#define SIGSTKFLT	16
#define SIGCHLD		17
#define SIGCONT		18
#define SIGSTOP		19
#define SIGTSTP		20
#define SIGTTIN		21
#define SIGTTOU		22
#define SIGURG		23
#define SIGXCPU		24
#define SIGXFSZ		25
#define SIGVTALRM	26
#define SIGPROF		27
#define SIGWINCH	28
#define SIGIO		29
#define SIGPWR		30
#define SIGSYS		31
#define SIGRTMIN	32
#define NSIG		64	/* 1..NSIG */

typedef uint64_t	sigset_t;	/* bit signo - 1 */

#define sigbit(s)	((sigset_t)1 << ((s) - 1))
#define SIG_CANTMASK	(sigbit(SIGKILL) | sigbit(SIGSTOP))
#define SIG_STOPS	(sigbit(SIGSTOP) | sigbit(SIGTSTP) |		\
			 sigbit(SIGTTIN) | sigbit(SIGTTOU))
#define SIG_IGNDFL	(sigbit(SIGCHLD) | sigbit(SIGURG) |		\
			 sigbit(SIGWINCH) | sigbit(SIGCONT))
#define SIG_CORES	(sigbit(SIGQUIT) | sigbit(SIGILL) |		\
			 sigbit(SIGTRAP) | sigbit(SIGABRT) |		\
			 sigbit(SIGBUS) | sigbit(SIGFPE) |		\
			 sigbit(SIGSEGV) | sigbit(SIGXCPU) |		\
			 sigbit(SIGXFSZ) | sigbit(SIGSYS))

#define SIG_DFL		0UL
#define SIG_IGN		1UL

/* One action, in the layout of Linux's struct kernel_sigaction. */
struct sigaction {
	uint64_t	sa_handler;	/* user address, SIG_DFL or SIG_IGN */
	uint64_t	sa_flags;	/* SA_* */
	uint64_t	sa_restorer;
	sigset_t	sa_mask;
};
#define SA_NOCLDSTOP	0x00000001UL
#define SA_NOCLDWAIT	0x00000002UL
#define SA_SIGINFO	0x00000004UL
#define SA_RESTORER	0x04000000UL
#define SA_ONSTACK	0x08000000UL
#define SA_RESTART	0x10000000UL
#define SA_NODEFER	0x40000000UL
#define SA_RESETHAND	0x80000000UL

/* siginfo_t, 128 bytes; which of the fields mean something is si_code's. */
struct siginfo {
	int32_t		si_signo;
	int32_t		si_errno;
	int32_t		si_code;
	int32_t		__pad0;
	union {
		struct {
			int32_t		si_pid;
			uint32_t	si_uid;
			int32_t		si_status;	/* SIGCHLD */
			int32_t		__pad1;
			int64_t		si_utime, si_stime;
		};
		struct {
			int32_t		si_timerid, si_overrun;
			uint64_t	si_value;	/* sigqueue, timers */
		};
		uint64_t	si_addr;		/* faults */
		uint8_t		__pad2[112];
	};
};
CTASSERT(sizeof(struct siginfo) == 128, "siginfo is 128 bytes on the wire");

#define SI_USER		0
#define SI_KERNEL	0x80
#define SI_QUEUE	(-1)
#define SI_TIMER	(-2)
#define SI_TKILL	(-6)
#define CLD_EXITED	1
#define CLD_KILLED	2
#define CLD_DUMPED	3
#define CLD_STOPPED	5
#define CLD_CONTINUED	6

/*
 * Actions of a process; CLONE_SIGHAND shares them.  Lifetime: counted by
 * sg_refs.  Fields are protected as marked: [a] atomic [g] sg_lock.
 */
struct sigacts {
	int			sg_refs;	/* [a] */
	struct rwlock		sg_lock;
	struct sigaction	sg_act[NSIG + 1];	/* [g] by signo */
};

/* One queued signal. [P] the process's p_lock. */
struct ksiginfo {
	TAILQ_ENTRY(ksiginfo)	 ks_link;	/* [P] */
	struct siginfo		 ks_info;	/* [P] */
};

/* Pending signals of a thread or of a process. [P] p_lock. */
struct sigpend {
	sigset_t		 sp_set;	/* [P] r: h */
	unsigned		 sp_count;	/* [P] in sp_queue */
	TAILQ_HEAD(, ksiginfo)	 sp_queue;	/* [P] infos; a signal in
						 * sp_set may have none */
};

struct sigstack {		/* Linux's stack_t */
	uint64_t	ss_sp;
	int32_t		ss_flags;
	uint32_t	__pad;
	uint64_t	ss_size;
};
#define SS_ONSTACK	1
#define SS_DISABLE	2
#define SS_AUTODISARM	INT32_MIN	/* away while a handler runs */
#define MINSIGSTKSZ	2048

void		 signal_init(void);
struct sigacts	*sigacts_alloc(void);			/* all SIG_DFL */
struct sigacts	*sigacts_share(struct sigacts *sg);
void		 sigacts_copy(struct sigacts *dst, struct sigacts *src);
/* sigacts_ignored: only what is SIG_IGN; the rest of dst stays SIG_DFL. */
void		 sigacts_ignored(struct sigacts *dst, struct sigacts *src);
void		 sigacts_put(struct sigacts *sg);
/* sigacts_exec: handlers become SIG_DFL, SIG_IGN stays; *sgp is unshared and
 * becomes new, which is fresh. */
void		 sigacts_exec(struct sigacts **sgp, struct sigacts *new);

void		 sigpend_init(struct sigpend *sp);
void		 sigpend_flush(struct sigpend *sp);
/* sigpend_add: signo is pending now; false: without si, for which there was no
 * memory, or which are SIGQUEUE_MAX already. */
#define SIGQUEUE_MAX	1024U
bool		 sigpend_add(struct sigpend *sp, int signo,
		    const struct siginfo *si);
/* sigpend_take: signo is not pending any more; false: it was not. */
bool		 sigpend_take(struct sigpend *sp, int signo,
		    struct siginfo *si);
/* sig_recalc: set or clear the running thread's TDI_SIGNAL.  Locks: p_lock. */
void		 sig_recalc(struct uthread *ut);

/*
 * psignal: post signo to p; si may be NULL (sent by the kernel).
 * => Locks: takes p_lock; may be called with proctree_lock held.
 * tdsignal: post it to one thread.  => Locks: p_lock held for writing.
 * => Sleeps: never for memory: a signal is posted even when its siginfo is not.
 */
/* => Returns false: a real-time signal is posted without its siginfo. */
bool		 psignal_locked(struct proc *p, int signo,
		    const struct siginfo *si);	/* p_lock is held */
bool		 psignal(struct proc *p, int signo, const struct siginfo *si);
/* psignal_many: p is one of many that get it at once, under proctree_lock: the
 * child that p is making will be one of them. */
void		 psignal_many(struct proc *p, int signo,
		    const struct siginfo *si);
bool		 tdsignal(struct uthread *ut, int signo,
		    const struct siginfo *si);
/* pgsignal: every process of group pgid; returns how many.  => Locks:
 * proctree_lock held either way. */
unsigned	 pgsignal(int pgid, int signo, const struct siginfo *si);
/* proc_kill_all: SIGKILL for every process but init. */
void		 proc_kill_all(void);

/*
 * sig_fork_begin: the running thread makes a process: what is sent to many from
 * now on is for the child, too.  => Returns 0; ERESTARTNOINTR: a signal or stop
 * that was sent before comes first.  sig_fork_end: what was sent meanwhile.
 */
int		 sig_fork_begin(void) __warn_unused;
sigset_t	 sig_fork_end(void);

/* sig_retarget: signals of set pending for the process need a thread.  Locks:
 * p_lock. */
void		 sig_retarget(struct proc *p, sigset_t set);

/* sigmask_set: the running thread's mask becomes mask (less SIG_CANTMASK). */
void		 sigmask_set(sigset_t mask);
/* sig_suspend: wait with mask in place of the thread's own until a signal is
 * there; userret puts the old mask back.  => Returns ERESTARTNOHAND. */
int		 sig_suspend(sigset_t mask) __warn_unused;
/* sigaction_set: act and old may each be NULL.  => Returns 0; EINVAL. */
int		 sigaction_set(int signo, const struct sigaction *act,
		    struct sigaction *old) __warn_unused;
/* sig_wait: take a pending signal of set; EAGAIN at the time-out (0: at once),
 * EINTR.  forever: no time-out. */
int		 sig_wait(sigset_t set, bool forever, nsec_t timo,
		    struct siginfo *si) __warn_unused;
/* sig_pending: what is pending for the running thread, blocked or not. */
sigset_t	 sig_pending(void);
/* sig_return: end of a handler: frame and mask back; a bad frame kills. */
void		 sig_return(struct trapframe *tf);
/* sig_onstack: is sp on the thread's alternate stack?  Not on one that disarms
 * itself: it may be used again. */
bool		 sig_onstack(const struct uthread *ut, uint64_t sp);
/* sig_altstack: the running thread, whose stack is at sp, gets another
 * alternate one.  => Returns 0, EPERM (it is on it), EINVAL, ENOMEM. */
int		 sig_altstack(struct uthread *ut, const struct sigstack *ss,
		    uint64_t sp);
/* sig_chldaction: how p takes SIGCHLD; false: it does not (the kernel, or
 * exiting).  => Locks: takes p_lock. */
bool		 sig_chldaction(struct proc *p, struct sigaction *sa);
