/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.h: kernel threads.
 *
 * State machine (sched.c checks it):
 *	NEW -> RUNQ -> RUNNING -> RUNQ		preempted, yields
 *	RUNNING -> SLEEPING -> RUNQ		sleep queue
 *	RUNNING -> DEAD				thread_exit; freed by the reaper
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/types.h>
#include <machine/md_thread.h>
#include <sys/lockdep.h>
#include <sys/param.h>

struct pmap;
struct proc;
struct vmspace;

enum td_state { TDS_NEW, TDS_RUNQ, TDS_RUNNING, TDS_SLEEPING, TDS_DEAD };

#define PRI_INTR	0	/* kernel daemons that must run at once */
#define PRI_KERN	8	/* kernel threads */
#define PRI_USER	16	/* user processes, best */
#define PRI_USER_MAX	23
#define PRI_IDLE	31
#define PRI_COUNT	32

/*
 * Lifetime: thread_create makes it, thread_exit ends it, the reaper frees it
 * after it has left its stack.  A pointer is good while the thread lives or
 * under the lock of the list it was found on.  Fields are protected as marked:
 * [c] const after init [s] run-queue lock of td_cpu [t] owning thread only
 * [q] sleep queue chain lock [a] atomic [h] hint.
 */
struct thread {
	TAILQ_ENTRY(thread)	 td_runq;	/* [s] or sleep queue [q] */
	LIST_ENTRY(thread)	 td_all;	/* [s] all threads (threads_lock) */
	int			 td_tid;	/* [c] */
	enum td_state		 td_state;	/* [s] */
	uint8_t			 td_pri;	/* [s] */
	bool			 td_user;	/* [c] belongs to a process */
	int			 td_cpu;	/* [s] where it runs or ran last */
	cpumask_t		 td_affinity;	/* [s] CPUs allowed */
	unsigned		 td_critnest;	/* [t] > 0: not preempted */
	bool			 td_needresched;/* [a] */
	volatile unsigned	 td_intrsig;	/* [a] TDI_*; _WAKES end a PCATCH sleep */
	const void		*td_wchan;	/* [q] what it sleeps on */
	const char		*td_wmesg;	/* [q] and its name */
	nsec_t			 td_wsince;	/* [q] since when */
	unsigned		 td_wflags;	/* [q] */
	nsec_t			 td_wtold;	/* the watchdog's: sleep it told of */
	int			 td_werror;	/* [q] why it woke */
	vm_offset_t		 td_kstack;	/* [c] lowest address */
	struct proc		*td_proc;	/* [c] NULL: kernel thread */
	struct pmap		*td_pmap;	/* [t] user space it runs in, or NULL */
	struct vmspace		*td_vmspace;	/* [t] whose faults it takes, or NULL */
	struct md_thread	 td_md;		/* platform part */
	nsec_t			 td_runtime;	/* [s] time on CPU */
	nsec_t			 td_switchin;	/* [s] */
	uint64_t		 td_uticks;	/* [t] ticks that met user code */
	uint64_t		 td_sticks;	/* [t] and kernel code */
	uint64_t		 td_nvcsw;	/* [s] switches: it slept */
	uint64_t		 td_nivcsw;	/* [s] it was preempted, yielded */
	uint64_t		 td_faults;	/* [t] page faults served */
	bool			 td_tickast;	/* [a] kern/proc wants userret at
						 * each tick in user mode */
	bool			 td_switchast;	/* [t] and after each switch */
	unsigned		 td_nheld;	/* [t] lockdep */
	struct lockdep_held	 td_held[LOCKDEP_MAXHELD];	/* [t] */
	unsigned		 td_pagesbusied;/* [t] pages busied by us */
	void			(*td_fn)(void *);/* [c] where it starts */
	void			*td_arg;	/* [c] */
	uint8_t			 td_basepri;	/* [s] sched_setpri's */
	uint8_t			 td_slice;	/* [s] ticks left */
	bool			 td_keeptid;	/* [t] kern/proc calls tid_free */
	uint64_t		 td_clear_tid;	/* [t] user address, Linux */
	void			*td_uproc;	/* [c] kern/proc's part of a user thread */
	char			 td_name[MAXCOMLEN + 1];	/* [c] */
};
#define TDI_SIGNAL	0x1	/* a signal is pending */
#define TDI_DIE		0x2	/* the process is exiting */
#define TDI_WAKES	(TDI_SIGNAL | TDI_DIE)
#define TDI_SWITCHED	0x4	/* td_switchast, and it was given a CPU */
/* thread_dying: the current thread is on its way out: nothing is worth waiting
 * for. */
#define thread_dying()	((curthread->td_intrsig & TDI_DIE) != 0)

/*
 * thread_create: a new thread that will run fn(arg) in the kernel; not started.
 * => Sleeps: for memory.
 * => Returns: 0 and *tdp; ENOMEM; EAGAIN (no thread id).
 * => After: thread_start puts it on a run queue; thread_discard frees a thread
 *    that was never started.
 */
int	thread_create(void (*fn)(void *), void *arg, const char *name,
	    struct thread **tdp) __warn_unused;
void	thread_start(struct thread *td);
void	thread_discard(struct thread *td);
void	thread_exit(void) __noreturn;
/* kthread_run: create and start, for kernel threads. */
int	kthread_run(void (*fn)(void *), void *arg, const char *name,
	    struct thread **tdp) __warn_unused;
/* thread_peek_first: the list of all threads without its lock, by td_all: for
 * diagnosis, while the machine is stopped. */
struct thread *thread_peek_first(void);
/* thread_foreach: fn for each thread, under the list lock (LO_THREADS). */
void	thread_foreach(void (*fn)(struct thread *td, void *arg), void *arg);
/* thread_drain: free every dead thread and cached kernel stack now, so that
 * counters can be compared.  => Sleeps: for the kernel map. */
void	thread_drain(void);
/* thread_settle: until at most n threads are left, and what the dead ones had,
 * stacks too, is free: so that nobody frees pages under an audit.  Gives up after
 * a second.  => Sleeps. */
void	thread_settle(unsigned n);
unsigned thread_count(void);	/* threads that exist, dead ones included */
void	thread_init(void);

/*
 * Thread ids, 2 .. PID_MAX, are process ids too: one space.  A thread's id is
 * freed with the thread unless td_keeptid was set; then kern/proc frees it when
 * the process has been waited for.  tid_alloc: => Returns -1: none left.
 */
int	tid_alloc(void);
void	tid_free(int tid);

/*
 * The first thread of each CPU.  The platform points pc_curthread at thread0
 * (boot CPU) or at &idle_thread[cpu] (the others, which stay on that stack)
 * before any C code that takes a lock runs there, and sets td_kstack.
 */
extern struct thread	thread0;
extern struct thread	idle_thread[MAXCPU];

/* critical section: no preemption on this CPU; nests. */
void	critical_enter(void);
void	critical_exit(void);

/* scheduler (sched.c) */
/* sched_init_cpu: this CPU's run queue and idle thread.  On the boot CPU the
 * current thread goes on as thread0; on another it is the idle thread. */
void	sched_init_cpu(int cpu);
/* sched_start: become the idle loop; interrupts are off on entry. */
void	sched_start(void) __noreturn;
void	sched_add(struct thread *td);	/* RUNQ; from NEW or SLEEPING */
void	sched_yield(void);		/* let equals run */
void	sched_setpri(struct thread *td, unsigned pri);
void	sched_bind(struct thread *td, cpumask_t mask);
void	sched_tick(bool user);		/* timer interrupt; it met user code */
/* sched_cpu_ticks: what the timer ticks of a CPU met, HZ a second; [h]. */
struct cpu_ticks {
	uint64_t	user, system, idle;	/* [t] of its timer */
};
void	sched_cpu_ticks(int cpu, struct cpu_ticks *ct);
/* sched_runtime: time on CPU until now; [h] for another thread. */
nsec_t	sched_runtime(const struct thread *td);
unsigned sched_runnable(void);		/* threads that run or could; [h] */
/* sched_preempt_check: on return from an interrupt, with interrupts off and
 * pc_intr_depth back at 0; only when it interrupted user mode or kernel code
 * that had interrupts on.  May switch; returns with interrupts off. */
void	sched_preempt_check(void);
/* sched_sleep: sleepq.c: RUNNING -> SLEEPING; releases the chain lock. */
struct spinlock;
void	sched_sleep(struct spinlock *chain);
void	sched_exit(void) __noreturn;	/* thread.c: RUNNING -> DEAD */
void	sched_begin(void);	/* thread.c: first code of a new thread */
/* sched_take_dead: thread.c: one thread that is off its stack, or NULL. */
struct thread *sched_take_dead(int cpu);
void	sched_kick(struct thread *td);	/* if it runs: enter the kernel soon */
void	sched_resched(void);		/* critical_exit's slow path */
uint64_t sched_switches(void);		/* context switches since boot */
const char *td_state_name(enum td_state state);
