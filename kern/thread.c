/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.c: making and freeing threads, their stacks and their ids.  Where and
 * when a thread runs is sched.c's business.
 *
 * A thread cannot free the stack it runs on: thread_exit leaves it on the dead
 * list of its CPU, and it is freed by the next thread_create on that CPU (so a
 * loop of fork and exit takes no detour) or by the reaper, which looks at all
 * CPUs a few times a second.
 *
 * I1 A struct thread is in the list of all threads from thread_create until it
 *    is freed; the zone is type-stable, so a late look at td_state is harmless.
 * I2 A stack in the pool belongs to nobody; its first word is the link.
 *
 * Locks: threads_lock (list, ids, stack pool).
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <sys/lock.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <sys/zone.h>
#include <vm/vm_kern.h>

#define KSTACK_POOL	32		/* free stacks kept */
#define REAP_INTERVAL	(200 * NSEC_PER_MSEC)
#define SETTLE_TRIES	100
#define SETTLE_INTERVAL	(10 * NSEC_PER_MSEC)
#define TID_MIN		2		/* 1 is init's process id */

struct kstack {
	struct kstack	*next;		/* [threads_lock] */
};

static struct spinlock threads_lock =
    SPINLOCK_INITIALIZER("threads", LO_THREADS, 0);
static LIST_HEAD(, thread) all_threads;			/* [threads_lock] */
static unsigned	nthreads;				/* [threads_lock] */
static struct kstack *kstack_pool;			/* [threads_lock] */
static unsigned	kstack_pooled;				/* [threads_lock] */
static uint64_t	tid_map[(PID_MAX + 64) / 64];		/* [threads_lock] */
static int	tid_next = TID_MIN;			/* [threads_lock] */
static struct zone *thread_zone;			/* [c] */

struct thread thread0 = {
	.td_state = TDS_RUNNING,
	.td_pri = PRI_KERN,
	.td_basepri = PRI_KERN,
	.td_affinity = ~(cpumask_t)0,
	.td_name = "main",
};

/* ---- ids ---- */

static int
tid_alloc_locked(void)
{
	int i, tid;

	for (i = 0; i <= PID_MAX - TID_MIN; i++) {
		tid = tid_next;
		tid_next = tid == PID_MAX ? TID_MIN : tid + 1;
		if ((tid_map[tid / 64] >> (tid % 64) & 1) == 0) {
			tid_map[tid / 64] |= 1UL << (tid % 64);
			return tid;
		}
	}
	return -1;
}

static void
tid_free_locked(int tid)
{
	KASSERT(tid > 0 && tid <= PID_MAX &&
	    (tid_map[tid / 64] >> (tid % 64) & 1) != 0,
	    "tid %d freed but not in use", tid);
	tid_map[tid / 64] &= ~(1UL << (tid % 64));
}

int
tid_alloc(void)
{
	int tid;

	spin_lock(&threads_lock);
	tid = tid_alloc_locked();
	spin_unlock(&threads_lock);
	return tid;
}

void
tid_free(int tid)
{
	spin_lock(&threads_lock);
	tid_free_locked(tid);
	spin_unlock(&threads_lock);
}

/* ---- stacks ---- */

static vm_offset_t
kstack_alloc(void)
{
	struct kstack *ks;

	spin_lock(&threads_lock);
	ks = kstack_pool;
	if (ks != NULL) {
		kstack_pool = ks->next;
		kstack_pooled--;
	}
	spin_unlock(&threads_lock);
	return ks != NULL ? (vm_offset_t)ks :
	    kmem_alloc_guarded(KSTACK_SIZE, M_WAITOK);
}

static void
kstack_free(vm_offset_t va)
{
	struct kstack *ks = (struct kstack *)va;
	bool pooled;

	spin_lock(&threads_lock);
	pooled = kstack_pooled < KSTACK_POOL;
	if (pooled) {
		ks->next = kstack_pool;
		kstack_pool = ks;
		kstack_pooled++;
	}
	spin_unlock(&threads_lock);
	if (!pooled)
		kmem_free_guarded(va, KSTACK_SIZE);
}

static void
kstack_drain(void)
{
	struct kstack *ks, *next;

	spin_lock(&threads_lock);
	ks = kstack_pool;
	kstack_pool = NULL;
	kstack_pooled = 0;
	spin_unlock(&threads_lock);
	for (; ks != NULL; ks = next) {
		next = ks->next;
		kmem_free_guarded((vm_offset_t)ks, KSTACK_SIZE);
	}
}

/* ---- life and death ---- */

static void
thread_free(struct thread *td)
{
	md_thread_fini(td);
	spin_lock(&threads_lock);
	LIST_REMOVE(td, td_all);
	if (!td->td_keeptid)
		tid_free_locked(td->td_tid);
	spin_unlock(&threads_lock);
	kstack_free(td->td_kstack);
	zone_free(thread_zone, td);
	spin_lock(&threads_lock);
	nthreads--;			/* last: what it had is free */
	spin_unlock(&threads_lock);
}

static void
thread_reap(int cpu)
{
	struct thread *td;

	while ((td = sched_take_dead(cpu)) != NULL)
		thread_free(td);
}

static void
thread_reap_all(void)
{
	cpumask_t left;

	for (left = all_cpus; left != 0; left &= left - 1)
		thread_reap(__builtin_ctzl(left));
}

void
thread_drain(void)
{
	thread_reap_all();
	kstack_drain();
}

void
thread_settle(unsigned n)
{
	unsigned tries;

	for (tries = 0; tries < SETTLE_TRIES; tries++) {
		thread_drain();
		if (thread_count() <= n)
			break;
		(void)tsleep(&tries, 0, "settle", SETTLE_INTERVAL);
	}
	kstack_drain();			/* of those that the reaper freed */
}

static void
reaper(void *arg)
{
	(void)arg;
	for (;;) {
		thread_reap_all();
		(void)tsleep(&kstack_pool, 0, "reaper", REAP_INTERVAL);
	}
}

/* Where every thread begins. */
static void
thread_main(void *arg)
{
	struct thread *td = arg;

	sched_begin();
	td->td_fn(td->td_arg);
	thread_exit();
}

int
thread_create(void (*fn)(void *), void *arg, const char *name,
    struct thread **tdp)
{
	struct thread *td;

	thread_reap(curcpu);		/* any CPU's will do */
	td = zone_alloc(thread_zone, M_WAITOK | M_ZERO);
	if (td == NULL)
		return ENOMEM;
	td->td_kstack = kstack_alloc();
	if (td->td_kstack == 0) {
		zone_free(thread_zone, td);
		return ENOMEM;
	}
	td->td_state = TDS_NEW;
	td->td_pri = td->td_basepri = PRI_KERN;
	td->td_cpu = curcpu;
	td->td_affinity = ~(cpumask_t)0;
	td->td_critnest = 1;		/* sched_begin ends it */
	td->td_fn = fn;
	td->td_arg = arg;
	strlcpy(td->td_name, name, sizeof(td->td_name));
	spin_lock(&threads_lock);
	td->td_tid = tid_alloc_locked();
	if (td->td_tid > 0) {
		LIST_INSERT_HEAD(&all_threads, td, td_all);
		nthreads++;
	}
	spin_unlock(&threads_lock);
	if (td->td_tid < 0) {
		kstack_free(td->td_kstack);
		zone_free(thread_zone, td);
		return EAGAIN;
	}
	md_thread_init(td, thread_main, td);
	*tdp = td;
	return 0;
}

void
thread_start(struct thread *td)
{
	KASSERT(td->td_state == TDS_NEW, "%s started while %s", td->td_name,
	    td_state_name(td->td_state));
	sched_add(td);
}

void
thread_discard(struct thread *td)
{
	KASSERT(td->td_state == TDS_NEW, "%s discarded while %s", td->td_name,
	    td_state_name(td->td_state));
	td->td_state = TDS_DEAD;
	thread_free(td);
}

void
thread_exit(void)
{
	struct thread *td = curthread;

	lockdep_none("thread_exit");
	KASSERT(td->td_kstack != 0 && td->td_fn != NULL,
	    "%s exits, but was not made by thread_create", td->td_name);
	sched_exit();
}

int
kthread_run(void (*fn)(void *), void *arg, const char *name,
    struct thread **tdp)
{
	struct thread *td;
	int error;

	error = thread_create(fn, arg, name, &td);
	if (error != 0)
		return error;
	if (tdp != NULL)
		*tdp = td;
	thread_start(td);
	return 0;
}

void
thread_foreach(void (*fn)(struct thread *td, void *arg), void *arg)
{
	struct thread *td;

	spin_lock(&threads_lock);
	LIST_FOREACH(td, &all_threads, td_all)
		fn(td, arg);
	spin_unlock(&threads_lock);
}

struct thread *
thread_peek_first(void)
{
	return LIST_FIRST(&all_threads);
}

unsigned
thread_count(void)
{
	return atomic_load_relaxed(&nthreads);	/* exact at quiesce only */
}

void
thread_init(void)
{
	struct thread *td;

	thread_zone = zone_create("thread", sizeof(struct thread), CACHE_LINE,
	    NULL, 0);
	LIST_INSERT_HEAD(&all_threads, &thread0, td_all);
	idle_thread[0].td_kstack = kmem_alloc_guarded(KSTACK_SIZE, M_WAITOK);
	if (idle_thread[0].td_kstack == 0)
		panic("no memory for the idle thread's stack");
	sched_init_cpu(0);
	if (kthread_run(reaper, NULL, "reaper", &td) != 0)
		panic("no memory for the reaper");
}
