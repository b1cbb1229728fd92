/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.c: the preemptive scheduler: one run queue a CPU, 32 priorities, FIFO
 * within one, time slices, stealing when idle.  What a thread is and where its
 * stack comes from is thread.c's; why it sleeps is sleepq.c's.
 *
 * I1 A thread's td_state, td_cpu, td_pri and queue links change only under the
 *    lock of the run queue that td_cpu names.
 * I2 A thread that leaves its CPU keeps the run queue locked until the next one
 *    is on the CPU (cpu_switch runs under the lock, sched_finish releases it).
 *    So whoever gets the lock of td_cpu finds the thread off its stack, unless
 *    it is rq_curr.
 * I3 rq_curr is RUNNING; a queued thread is RUNQ; the idle thread is on no
 *    queue and runs when nothing is queued.
 * I4 A CPU with a queued thread that should run now has td_needresched set in
 *    rq_curr and, when it is another CPU, an IPI under way.
 *
 * Locks: rq_lock (LO_SCHED, LK_INTR), two in address order.  Interrupts are off
 * and td_critnest is 1 throughout a switch.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/queue.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/lock.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/smp.h>
#include <sys/thread.h>

#define SCHED_SLICE	3	/* ticks before equals take turns */
#define SCHED_BALANCE	10	/* ticks between looks at other queues */
#define SCHED_TURN	8	/* switches between user threads, then a turn */

TAILQ_HEAD(threadq, thread);

/* One a CPU.  [s] rq_lock [a] atomic or hint [c] const. */
struct runq {
	struct spinlock	 rq_lock;
	uint32_t	 rq_bits;		/* [s] queues that are not empty */
	unsigned	 rq_nready;		/* [s r:hint] threads queued */
	struct thread	*rq_curr;		/* [s] on the CPU */
	struct thread	*rq_idle;		/* [c] */
	struct thread	*rq_prev;		/* [s] left by the last switch */
	struct threadq	 rq_dead;		/* [s] off their stacks */
	uint64_t	 rq_switches;		/* [s] */
	unsigned	 rq_turn;		/* [s] counts towards a turn */
	struct cpu_ticks rq_met;		/* [t] of its timer, by what it met */
	int		 rq_cpu;		/* [c] */
	struct threadq	 rq_queue[PRI_COUNT];	/* [s] */
} __attribute__((__aligned__(CACHE_LINE)));

static struct runq runqs[MAXCPU];
static cpumask_t sched_cpus;	/* [a] CPUs that take threads */
struct thread	idle_thread[MAXCPU];

CTASSERT(PRI_COUNT == 32, "rq_bits has one bit a priority");

const char *
td_state_name(enum td_state state)
{
	static const char *const names[] = {
		[TDS_NEW] = "new", [TDS_RUNQ] = "ready",
		[TDS_RUNNING] = "running", [TDS_SLEEPING] = "sleeping",
		[TDS_DEAD] = "dead",
	};

	return (unsigned)state < nitems(names) ? names[state] : "bad";
}

/* ---- queues ---- */

static inline bool
cpu_allowed(const struct thread *td, int cpu)
{
	return (td->td_affinity >> cpu & 1) != 0;
}

/* On a run queue: a thread that moves between two is RUNQ, but on neither. */
static inline bool
td_queued(const struct thread *td)
{
	return td->td_state == TDS_RUNQ && td->td_runq.tqe_prev != NULL;
}

static inline struct runq *
runq_self(void)
{
	return &runqs[curcpu];
}

static void
runq_insert(struct runq *rq, struct thread *td, bool head)
{
	struct threadq *q = &rq->rq_queue[td->td_pri];

	KASSERT(td->td_cpu == rq->rq_cpu, "I1: %s of cpu%d queued on cpu%d",
	    td->td_name, td->td_cpu, rq->rq_cpu);
	td->td_state = TDS_RUNQ;
	if (head)
		TAILQ_INSERT_HEAD(q, td, td_runq);
	else
		TAILQ_INSERT_TAIL(q, td, td_runq);
	rq->rq_bits |= 1U << td->td_pri;
	rq->rq_nready++;
}

static void
runq_remove(struct runq *rq, struct thread *td)
{
	struct threadq *q = &rq->rq_queue[td->td_pri];

	KASSERT(td->td_state == TDS_RUNQ, "I3: %s is queued but %s",
	    td->td_name, td_state_name(td->td_state));
	TAILQ_REMOVE(q, td, td_runq);
	if (TAILQ_EMPTY(q))
		rq->rq_bits &= ~(1U << td->td_pri);
	rq->rq_nready--;
}

static inline unsigned
runq_best(const struct runq *rq)
{
	return rq->rq_bits == 0 ? PRI_COUNT :
	    (unsigned)__builtin_ctz(rq->rq_bits);
}

/*
 * The priority to take from: the best; but each SCHED_TURN-th time that this is
 * a user's, another user's in turn, so that nobody waits for ever for those who
 * are better and never sleep (two that yield to each other).
 */
static unsigned
runq_level(struct runq *rq)
{
	unsigned best = runq_best(rq), from;
	uint32_t bits;

	if (best < PRI_USER || ++rq->rq_turn % SCHED_TURN != 0)
		return best;
	from = PRI_USER + rq->rq_turn / SCHED_TURN %
	    (PRI_USER_MAX - PRI_USER + 1);
	bits = rq->rq_bits >> from;
	return bits == 0 ? best : from + (unsigned)__builtin_ctz(bits);
}

static struct thread *
runq_take(struct runq *rq)
{
	struct thread *td;

	if (rq->rq_bits == 0)
		return rq->rq_idle;
	td = TAILQ_FIRST(&rq->rq_queue[runq_level(rq)]);
	runq_remove(rq, td);
	return td;
}

/* The run queue of td, locked: td_cpu may change until the lock is held. */
static struct runq *
td_runq_lock(struct thread *td)
{
	struct runq *rq;

	for (;;) {
		rq = &runqs[atomic_load_relaxed(&td->td_cpu)];
		spin_lock(&rq->rq_lock);
		if (rq->rq_cpu == td->td_cpu)
			return rq;
		spin_unlock(&rq->rq_lock);
	}
}

/* ---- placement ---- */

static inline bool
runq_idle(const struct runq *rq)
{
	return atomic_load_relaxed(&rq->rq_curr) == rq->rq_idle && /* hint */
	    atomic_load_relaxed(&rq->rq_nready) == 0;
}

/*
 * A thread that wakes another often sleeps next (pipe, wait4, fork): what ran
 * here last may wait for that, which is cheaper than to rouse an idle CPU.  If
 * the waker goes on, the idle CPU takes the thread at its next tick.
 */
static inline bool
sched_place_here(const struct thread *td)
{
	return td->td_cpu == curcpu && cpu_intr_depth() == 0 &&
	    runq_self()->rq_nready == 0;
}

/*
 * Where td should run: where it ran last if that CPU is idle, else an idle one,
 * else where it ran last if allowed, else the allowed CPU with the least to do.
 * Reads other CPUs' queues without their locks: a stale value costs time only.
 */
static int
sched_place(const struct thread *td)
{
	cpumask_t left, mask = atomic_load_relaxed(&sched_cpus);
	int cpu, last = td->td_cpu, best = -1;

	mask &= td->td_affinity;
	KASSERT(mask != 0, "%s may run on no CPU that is up: affinity %lx",
	    td->td_name, td->td_affinity);
	if ((mask >> last & 1) != 0 &&
	    (runq_idle(&runqs[last]) || sched_place_here(td)))
		return last;
	for (left = mask; left != 0; left &= left - 1) {
		cpu = __builtin_ctzl(left);
		if (runq_idle(&runqs[cpu]))
			return cpu;
		if (best < 0 || runqs[cpu].rq_nready < runqs[best].rq_nready)
			best = cpu;
	}
	return (mask >> last & 1) != 0 ? last : best;
}

/* I4, after td was queued on rq. */
static void
runq_notify(struct runq *rq, const struct thread *td)
{
	struct thread *curr = rq->rq_curr;

	if (curr != rq->rq_idle && td->td_pri >= curr->td_pri)
		return;
	atomic_store_relaxed(&curr->td_needresched, true); /* read on its CPU */
	if (rq->rq_cpu != curcpu)
		md_ipi_resched(rq->rq_cpu);
}

/* td is ours and on no queue: make it ready on td_cpu.  Its affinity may have
 * changed since somebody chose that. */
static void
sched_enqueue(struct thread *td)
{
	struct runq *rq;

	for (;;) {
		rq = td_runq_lock(td);
		if (cpu_allowed(td, rq->rq_cpu))
			break;
		td->td_cpu = sched_place(td);
		spin_unlock(&rq->rq_lock);
	}
	runq_insert(rq, td, false);
	runq_notify(rq, td);
	spin_unlock(&rq->rq_lock);
}

void
sched_add(struct thread *td)
{
	struct runq *rq;

	KASSERT(td->td_state == TDS_NEW || td->td_state == TDS_SLEEPING,
	    "%s made ready while %s", td->td_name, td_state_name(td->td_state));
	/* Wait until it is off its stack (I2); then it is ours alone. */
	rq = td_runq_lock(td);
	KASSERT(rq->rq_curr != td, "I2: %s is asleep and on cpu%d",
	    td->td_name, rq->rq_cpu);
	td->td_pri = td->td_basepri;
	td->td_cpu = sched_place(td);
	if (td->td_cpu == rq->rq_cpu) {
		runq_insert(rq, td, false);
		runq_notify(rq, td);
		spin_unlock(&rq->rq_lock);
		return;
	}
	td->td_state = TDS_RUNQ;
	spin_unlock(&rq->rq_lock);
	sched_enqueue(td);
}

/* ---- the switch ---- */

/*
 * First thing on the new stack: prev is off its own now.  The queue is locked
 * by this CPU on behalf of the former thread; preemption and interrupts stay
 * off until the caller has undone the counts.
 */
static void
sched_finish(void)
{
	struct runq *rq = runq_self();
	struct thread *prev = rq->rq_prev;
	bool migrate = false;

	rq->rq_prev = NULL;
	if (prev->td_state == TDS_DEAD) {
		TAILQ_INSERT_TAIL(&rq->rq_dead, prev, td_runq);
	} else if (prev->td_state == TDS_RUNQ && prev != rq->rq_idle &&
	    !td_queued(prev)) {
		migrate = true;		/* sched_requeue: not allowed here */
		prev->td_cpu = sched_place(prev);
	}
	spin_unlock_handed(&rq->rq_lock);
	if (migrate)
		sched_enqueue(prev);
}

/*
 * Give the CPU to the best ready thread.  The caller has set the current
 * thread's new state and queued it if it is RUNQ; rq is this CPU's, locked.
 * Returns when the thread runs again, perhaps on another CPU, with no queue
 * locked, and with the counts as if it had unlocked.
 */
static void
sched_switch(struct runq *rq)
{
	struct thread *td = rq->rq_curr, *next = runq_take(rq);
	struct pcpu *pc = pcpu_self();
	uint64_t flags = pc->pc_introff_flags;
	nsec_t now;

	KASSERT(td == curthread && td->td_critnest == 1 &&
	    pc->pc_introff_depth == 1, "switch from %s with critnest %u, "
	    "interrupts off %d deep", td->td_name, td->td_critnest,
	    pc->pc_introff_depth);
	td->td_needresched = false;
	next->td_state = TDS_RUNNING;
	if (next == td) {
		spin_unlock(&rq->rq_lock);
		return;
	}
	now = md_uptime();
	td->td_runtime += now - td->td_switchin;
	if (td->td_state == TDS_SLEEPING)
		td->td_nvcsw++;
	else
		td->td_nivcsw++;
	next->td_switchin = now;
	if (__predict_false(next->td_switchast))
		atomic_or(&next->td_intrsig, TDI_SWITCHED);
	next->td_slice = SCHED_SLICE;
	rq->rq_curr = next;
	rq->rq_prev = td;
	rq->rq_switches++;
	spin_handoff(&rq->rq_lock);
	cpu_switch(td, next);
	/* I2: another CPU may have brought us back; read this one's again. */
	sched_finish();
	pc = pcpu_self();
	KASSERT(pc->pc_introff_depth == 1, "%s comes back with interrupts off "
	    "%d deep", td->td_name, pc->pc_introff_depth);
	pc->pc_introff_depth = 0;
	compiler_barrier();
	td->td_critnest--;
	intr_restore(flags);
}

/* sched_begin: the first code of a new thread, in place of the tail above. */
void
sched_begin(void)
{
	struct thread *td = curthread;

	sched_finish();
	KASSERT(td->td_critnest == 1 && td->td_state == TDS_RUNNING,
	    "new thread %s is %s, critnest %u", td->td_name,
	    td_state_name(td->td_state), td->td_critnest);
	pcpu_self()->pc_introff_depth = 0;
	compiler_barrier();
	td->td_critnest = 0;
	intr_enable();
}

/* Queue the current thread and switch; head: it did not use up its slice. */
static void
sched_requeue(struct runq *rq, bool head)
{
	struct thread *td = rq->rq_curr;

	KASSERT(td->td_state == TDS_RUNNING, "I3: current thread %s is %s",
	    td->td_name, td_state_name(td->td_state));
	td->td_state = TDS_RUNQ;
	/* A thread that may not stay is queued once it is off its stack. */
	if (td != rq->rq_idle && cpu_allowed(td, rq->rq_cpu))
		runq_insert(rq, td, head);
	sched_switch(rq);
}

void
sched_yield(void)
{
	struct thread *td = curthread;
	struct runq *rq;

	/* Nobody waits: a stale look costs the others one tick at most. */
	if (!td->td_needresched && runq_self()->rq_nready == 0 &&
	    cpu_allowed(td, curcpu))
		return;
	KASSERT(td->td_critnest == 0 && cpu_intr_depth() == 0,
	    "%s yields with preemption off (%u)", td->td_name, td->td_critnest);
	critical_enter();
	rq = runq_self();
	spin_lock(&rq->rq_lock);
	td->td_critnest--;		/* the lock's own count remains */
	sched_requeue(rq, false);
}

void
sched_sleep(struct spinlock *chain)
{
	struct thread *td = curthread;
	struct runq *rq = runq_self();	/* stable: chain is held */

	KASSERT(td != rq->rq_idle, "the idle thread of cpu%d sleeps on %s",
	    rq->rq_cpu, td->td_wmesg);
	spin_lock(&rq->rq_lock);
	td->td_state = TDS_SLEEPING;
	spin_unlock(chain);		/* a waker now waits for rq_lock: I2 */
	sched_switch(rq);
}

void
sched_exit(void)
{
	struct runq *rq;

	critical_enter();
	rq = runq_self();
	spin_lock(&rq->rq_lock);
	curthread->td_critnest--;
	rq->rq_curr->td_state = TDS_DEAD;
	sched_switch(rq);
	panic("a dead thread runs");
}

struct thread *
sched_take_dead(int cpu)
{
	struct runq *rq = &runqs[cpu];
	struct thread *td;

	if (atomic_load_relaxed(&rq->rq_dead.tqh_first) == NULL) /* hint */
		return NULL;
	spin_lock(&rq->rq_lock);
	td = TAILQ_FIRST(&rq->rq_dead);
	if (td != NULL)
		TAILQ_REMOVE(&rq->rq_dead, td, td_runq);
	spin_unlock(&rq->rq_lock);
	return td;
}

/* ---- preemption ---- */

static void
sched_preempt(void)
{
	struct thread *td = curthread;
	struct runq *rq;

	critical_enter();
	rq = runq_self();
	spin_lock(&rq->rq_lock);
	td->td_critnest--;
	/* To the tail when the slice is used up, else it goes on soon. */
	sched_requeue(rq, td->td_slice > 0);
}

void
sched_preempt_check(void)
{
	struct thread *td = curthread;

	if (td->td_needresched && td->td_critnest == 0 && panicking == 0)
		sched_preempt();
}

void
sched_resched(void)
{
	if (cpu_intr_depth() == 0 && intr_enabled() && panicking == 0)
		sched_preempt();
}

void
sched_kick(struct thread *td)
{
	int cpu = atomic_load_relaxed(&td->td_cpu);	/* hint */

	atomic_store_relaxed(&td->td_needresched, true); /* read on its CPU */
	if (cpu != curcpu && atomic_load_relaxed(&runqs[cpu].rq_curr) == td)
		md_ipi_resched(cpu);
}

/* ---- stealing and balance ---- */

static void
lock_two(struct runq *a, struct runq *b)
{
	spin_lock(a < b ? &a->rq_lock : &b->rq_lock);
	spin_lock(a < b ? &b->rq_lock : &a->rq_lock);
}

/* The best thread of victim's queue that may run on this CPU. */
static struct thread *
steal_pick(struct runq *victim, int cpu)
{
	struct thread *td;
	uint32_t bits;

	for (bits = victim->rq_bits; bits != 0; bits &= bits - 1) {
		TAILQ_FOREACH(td, &victim->rq_queue[__builtin_ctz(bits)],
		    td_runq) {
			if (cpu_allowed(td, cpu))
				return td;
		}
	}
	return NULL;
}

/*
 * Take one thread from the CPU with the most ready threads, if it has at least
 * `least` of them.  Both queues are locked, so the thread is never on neither.
 * A queued thread that is rq_prev is still on its stack, but then its queue is
 * locked (I2).
 */
static bool
sched_steal(struct runq *rq, unsigned least)
{
	cpumask_t left = atomic_load_relaxed(&sched_cpus);	/* hint */
	struct runq *victim = NULL;
	struct thread *td;
	unsigned n;

	for (; left != 0; left &= left - 1) {
		n = atomic_load_relaxed(
		    &runqs[__builtin_ctzl(left)].rq_nready);	/* hint */
		if (n >= least && (victim == NULL || n > victim->rq_nready))
			victim = &runqs[__builtin_ctzl(left)];
	}
	if (victim == NULL || victim == rq)
		return false;
	lock_two(rq, victim);
	td = victim->rq_nready >= least ? steal_pick(victim, rq->rq_cpu) : NULL;
	if (td != NULL) {
		runq_remove(victim, td);
		td->td_cpu = rq->rq_cpu;
		runq_insert(rq, td, false);
		if (rq->rq_curr == rq->rq_idle)
			rq->rq_curr->td_needresched = true;
	}
	spin_unlock(&victim->rq_lock);
	spin_unlock(&rq->rq_lock);
	return td != NULL;
}

void
sched_tick(bool user)
{
	struct runq *rq = runq_self();
	struct thread *td = curthread;

	if (td == rq->rq_idle) {
		rq->rq_met.idle++;
		if (rq->rq_nready > 0)
			td->td_needresched = true;
		return;
	}
	if (user) {
		td->td_uticks++;
		rq->rq_met.user++;
	} else {
		td->td_sticks++;
		rq->rq_met.system++;
	}
	if (user && atomic_load_relaxed(&td->td_tickast))
		td->td_needresched = true;
	if ((rq->rq_met.user + rq->rq_met.system) % SCHED_BALANCE == 0)
		(void)sched_steal(rq, rq->rq_nready + 2);
	if (td->td_slice > 0)
		td->td_slice--;
	if (td->td_slice > 0 && rq->rq_nready == 0)	/* hint: next tick */
		return;
	spin_lock(&rq->rq_lock);
	/* A user thread that only computes sinks below the others. */
	if (td->td_slice == 0 && td->td_user && td->td_pri < PRI_USER_MAX)
		td->td_pri++;
	if (runq_best(rq) < td->td_pri ||
	    (td->td_slice == 0 && runq_best(rq) == td->td_pri))
		td->td_needresched = true;
	else if (td->td_slice == 0)
		td->td_slice = SCHED_SLICE;
	spin_unlock(&rq->rq_lock);
}

/* ---- attributes ---- */

void
sched_cpu_ticks(int cpu, struct cpu_ticks *ct)
{
	*ct = runqs[cpu].rq_met;
}

nsec_t
sched_runtime(const struct thread *td)
{
	nsec_t t;

	/* Not switched out between the two words, if it is us. */
	critical_enter();
	t = td->td_runtime;
	if (td->td_state == TDS_RUNNING)
		t += md_uptime() - td->td_switchin;
	critical_exit();
	return t;
}

unsigned
sched_runnable(void)
{
	unsigned n;
	int cpu;

	n = 0;
	for (cpu = 0; cpu < mp_ncpus; cpu++)
		n += runqs[cpu].rq_nready +
		    (runqs[cpu].rq_curr != runqs[cpu].rq_idle);
	return n;
}

void
sched_setpri(struct thread *td, unsigned pri)
{
	struct runq *rq = td_runq_lock(td);

	KASSERT(pri < PRI_IDLE, "priority %u for %s", pri, td->td_name);
	td->td_basepri = (uint8_t)pri;
	if (td_queued(td)) {
		runq_remove(rq, td);
		td->td_pri = (uint8_t)pri;
		runq_insert(rq, td, false);
		runq_notify(rq, td);
	} else {
		td->td_pri = (uint8_t)pri;
		if (td == rq->rq_curr && runq_best(rq) < pri)
			td->td_needresched = true;
	}
	spin_unlock(&rq->rq_lock);
}

void
sched_bind(struct thread *td, cpumask_t mask)
{
	struct runq *rq = td_runq_lock(td);
	bool move;

	KASSERT((mask & atomic_load(&sched_cpus)) != 0,
	    "%s bound to CPUs %lx, none of which is up", td->td_name, mask);
	td->td_affinity = mask;
	move = (mask >> rq->rq_cpu & 1) == 0;
	if (move && td_queued(td)) {
		runq_remove(rq, td);
		td->td_cpu = sched_place(td);
		spin_unlock(&rq->rq_lock);
		sched_enqueue(td);
		return;
	}
	spin_unlock(&rq->rq_lock);
	/* Asleep: placed when woken.  Running: leaves at its next switch. */
	if (move && td == curthread)
		sched_yield();
	else if (move)
		sched_kick(td);
}

/* ---- CPUs ---- */

static void
idle_loop(void)
{
	struct runq *rq = runq_self();	/* idle threads do not move */

	for (;;) {
		if (atomic_load_relaxed(&rq->rq_nready) == 0)	/* see below */
			(void)sched_steal(rq, 1);
		(void)intr_disable();
		/*
		 * TRICK: who queues a thread here sends an IPI when the idle
		 * thread is current (I4); with interrupts off it stays pending
		 * and ends md_idle at once, so this look needs no lock.
		 */
		if (atomic_load_relaxed(&rq->rq_nready) == 0)
			md_idle();
		else
			intr_enable();
		if (atomic_load_relaxed(&rq->rq_nready) != 0)
			sched_yield();
	}
}

static void
idle_main(void *arg)
{
	(void)arg;
	sched_begin();
	idle_loop();
}

static void
idle_setup(struct thread *td, int cpu)
{
	td->td_state = TDS_RUNQ;
	td->td_pri = td->td_basepri = PRI_IDLE;
	td->td_cpu = cpu;
	td->td_affinity = (cpumask_t)1 << cpu;
	td->td_critnest = 1;		/* as sched_begin expects */
	strlcpy(td->td_name, "idle", sizeof(td->td_name));
	td->td_name[4] = (char)(cpu >= 10 ? '0' + cpu / 10 : '0' + cpu);
	td->td_name[5] = (char)(cpu >= 10 ? '0' + cpu % 10 : '\0');
}

void
sched_init_cpu(int cpu)
{
	struct thread *idle = &idle_thread[cpu];
	struct runq *rq = &runqs[cpu];
	unsigned i;

	spin_init(&rq->rq_lock, "runq", LO_SCHED, LK_INTR | LK_DUPOK);
	for (i = 0; i < PRI_COUNT; i++)
		TAILQ_INIT(&rq->rq_queue[i]);
	TAILQ_INIT(&rq->rq_dead);
	rq->rq_cpu = cpu;
	rq->rq_idle = idle;
	idle_setup(idle, cpu);
	pcpu_data[cpu].pc_idlethread = idle;
	if (curthread == &thread0) {
		KASSERT(idle->td_kstack != 0, "no stack for %s", idle->td_name);
		md_thread_init(idle, idle_main, NULL);
		rq->rq_curr = &thread0;
	} else {
		KASSERT(curthread == idle, "cpu%d starts on %s's stack", cpu,
		    curthread->td_name);
		idle->td_state = TDS_RUNNING;
		idle->td_critnest = 0;
		rq->rq_curr = idle;
	}
	rq->rq_curr->td_switchin = md_uptime();
	atomic_or(&sched_cpus, (cpumask_t)1 << cpu);
}

void
sched_start(void)
{
	intr_enable();
	idle_loop();
	panic("cpu%d: the idle loop returned", curcpu);
}

uint64_t
sched_switches(void)
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < MAXCPU; i++)
		n += runqs[i].rq_switches;
	return n;
}
