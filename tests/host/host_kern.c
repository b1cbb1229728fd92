/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_kern.c: the kernel's locks, sleep queue and threads on a host, over
 * host_os.h; what needs no threads is in host_base.c.  Every host thread is a
 * CPU of its own, so nothing is ever preempted in a critical section.
 */
#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/lock.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <vm/vm_phys.h>

#include "harness.h"
#include "host_os.h"

int			 panicking;
int			 mp_ncpus = 1;
cpumask_t		 all_cpus = 1;
struct thread		 host_thread0 = { .td_name = "main", .td_tid = 1 };
__thread struct thread	*host_curthread = &host_thread0;
__thread int		 host_curcpu;

static uint64_t		 cpus_used = 1;	/* [a] one bit a host thread */
static unsigned		 rw_sleepers;	/* [a] threads waiting for any rwlock */

/* ---- the end ---- */

void
panic(const char *fmt, ...)
{
	va_list ap;

	kprintf("PANIC: ");
	va_start(ap, fmt);
	kvprintf_cons(fmt, ap);
	va_end(ap);
	kprintf("\n");
	hos_abort();
}

void
panic_exit(enum exit_code code, const char *fmt, ...)
{
	va_list ap;

	kprintf("PANIC(%d): ", code);
	va_start(ap, fmt);
	kvprintf_cons(fmt, ap);
	va_end(ap);
	kprintf("\n");
	hos_abort();
}

/* ---- machine ---- */

void
cpu_spinwait(void)
{
	hos_yield();
}

nsec_t
md_uptime(void)
{
	return hos_now_ns();
}

uint64_t
md_cycles(void)
{
	return hos_now_ns();
}

void
md_spin_poll(void)
{
}

/* ---- spinlock ---- */

void
spin_init(struct spinlock *l, const char *name, enum lock_rank rank,
    unsigned flags)
{
	*l = (struct spinlock){ 0, (uint16_t)rank, (uint16_t)flags, name, NULL };
}

bool
spin_owned(const struct spinlock *l)
{
	return atomic_load(&l->sl_word) == (uint32_t)curcpu + 1;
}

static unsigned
spin_ldflags(const struct spinlock *l)
{
	return LH_SPIN | (l->sl_flags & LK_DUPOK ? LH_DUPOK : 0);
}

bool
spin_trylock(struct spinlock *l)
{
	uint32_t free = 0;

	KASSERT(l->sl_name != NULL, "spinlock %p not initialised", (void *)l);
	if (!atomic_fcmpset(&l->sl_word, &free, (uint32_t)curcpu + 1))
		return false;
	lockdep_acquire(l, l->sl_name, l->sl_rank, spin_ldflags(l) | LH_TRY,
	    __builtin_return_address(0));
	return true;
}

void
spin_lock(struct spinlock *l)
{
	uint32_t free = 0;

	KASSERT(l->sl_name != NULL, "spinlock %p not initialised", (void *)l);
	KASSERT(!spin_owned(l), "recursion on %s", l->sl_name);
	while (!atomic_fcmpset(&l->sl_word, &free, (uint32_t)curcpu + 1)) {
		free = 0;
		hos_yield();
	}
	lockdep_acquire(l, l->sl_name, l->sl_rank, spin_ldflags(l),
	    __builtin_return_address(0));
}

void
spin_unlock(struct spinlock *l)
{
	KASSERT(spin_owned(l), "%s is not ours", l->sl_name);
	lockdep_release(l);
	atomic_store(&l->sl_word, 0);
}

/* ---- rwlock: bit 63 a writer, else the number of readers ---- */

#define RW_WRITER	(1UL << 63)

void
rw_init(struct rwlock *rw, const char *name, enum lock_rank rank,
    unsigned flags)
{
	*rw = (struct rwlock){ .rw_name = name, .rw_rank = (uint16_t)rank,
	    .rw_flags = (uint16_t)flags };
}

void
rw_destroy(struct rwlock *rw)
{
	KASSERT(atomic_load(&rw->rw_word) == 0, "%s destroyed while held",
	    rw->rw_name);
}

bool
rw_wowned(const struct rwlock *rw)
{
	return atomic_load(&rw->rw_owner) == curthread;
}

bool
rw_held(const struct rwlock *rw)
{
	uint64_t w = atomic_load(&rw->rw_word);

	return (w & RW_WRITER) != 0 ? rw_wowned(rw) : w != 0;
}

static bool
rw_take(struct rwlock *rw, bool write)
{
	uint64_t w = atomic_load(&rw->rw_word);

	KASSERT(rw->rw_name != NULL, "rwlock %p not initialised", (void *)rw);
	if (write) {
		if (w != 0 || !atomic_fcmpset(&rw->rw_word, &w, RW_WRITER))
			return false;
		atomic_store(&rw->rw_owner, curthread);
		return true;
	}
	while ((w & RW_WRITER) == 0) {
		if (atomic_fcmpset(&rw->rw_word, &w, w + 1))
			return true;
	}
	return false;
}

static void
rw_lock(struct rwlock *rw, bool write, const void *site)
{
	KASSERT(!rw_wowned(rw), "recursion on %s", rw->rw_name);
	while (!rw_take(rw, write)) {
		atomic_add(&rw_sleepers, 1);
		hos_chan_lock(rw);
		if (rw_take(rw, write)) {
			hos_chan_unlock(rw);
			atomic_sub(&rw_sleepers, 1);
			break;
		}
		hos_chan_wait(rw, 0);
		atomic_sub(&rw_sleepers, 1);
	}
	if (write)
		rw->rw_site = site;
	lockdep_acquire(rw, rw->rw_name, rw->rw_rank, (write ? 0 : LH_READ) |
	    (rw->rw_flags & LK_DUPOK ? LH_DUPOK : 0), site);
}

static bool
rw_try(struct rwlock *rw, bool write, const void *site)
{
	if (!rw_take(rw, write))
		return false;
	lockdep_acquire(rw, rw->rw_name, rw->rw_rank, LH_TRY |
	    (write ? 0 : LH_READ), site);
	return true;
}

void
rw_wlock(struct rwlock *rw)
{
	rw_lock(rw, true, __builtin_return_address(0));
}

void
rw_rlock(struct rwlock *rw)
{
	rw_lock(rw, false, __builtin_return_address(0));
}

bool
rw_try_wlock(struct rwlock *rw)
{
	return rw_try(rw, true, __builtin_return_address(0));
}

bool
rw_try_rlock(struct rwlock *rw)
{
	return rw_try(rw, false, __builtin_return_address(0));
}

bool
rw_try_upgrade(struct rwlock *rw)
{
	uint64_t one = 1;

	if (!atomic_fcmpset(&rw->rw_word, &one, RW_WRITER))
		return false;
	atomic_store(&rw->rw_owner, curthread);
	return true;
}

static void
rw_wake(struct rwlock *rw)
{
	if (atomic_load(&rw_sleepers) != 0)
		hos_chan_wake(rw, 1);
}

void
rw_downgrade(struct rwlock *rw)
{
	KASSERT(rw_wowned(rw), "%s is not ours", rw->rw_name);
	atomic_store(&rw->rw_owner, NULL);
	atomic_store(&rw->rw_word, 1);
	rw_wake(rw);
}

void
rw_wunlock(struct rwlock *rw)
{
	KASSERT(rw_wowned(rw), "%s is not ours", rw->rw_name);
	lockdep_release(rw);
	atomic_store(&rw->rw_owner, NULL);
	atomic_store(&rw->rw_word, 0);
	rw_wake(rw);
}

void
rw_runlock(struct rwlock *rw)
{
	uint64_t w;

	lockdep_release(rw);
	w = atomic_fetchadd(&rw->rw_word, -1UL);
	KASSERT(w != 0 && (w & RW_WRITER) == 0, "%s not read-held: word %lx",
	    rw->rw_name, w);
	rw_wake(rw);
}

void
rw_unlock(struct rwlock *rw)
{
	if (rw_wowned(rw))
		rw_wunlock(rw);
	else
		rw_runlock(rw);
}

/* ---- sleep queue ---- */

void
sleepq_lock(const void *chan)
{
	hos_chan_lock(chan);
}

void
sleepq_release(const void *chan)
{
	hos_chan_unlock(chan);
}

int
sleepq_wait(const void *chan, unsigned flags, const char *wmesg, nsec_t timo)
{
	(void)flags;
	lockdep_sleep(wmesg, NULL);
	return hos_chan_wait(chan, timo) == 0 ? 0 : EWOULDBLOCK;
}

static int
block(struct hos_waiter *w, const char *wmesg, nsec_t timo)
{
	lockdep_sleep(wmesg, NULL);
	return hos_chan_block(w, timo) == 0 ? 0 : EWOULDBLOCK;
}

int
msleep(const void *chan, struct spinlock *interlock, unsigned flags,
    const char *wmesg, nsec_t timo)
{
	struct hos_waiter w;
	int error;

	hos_chan_enqueue(chan, &w);
	spin_unlock(interlock);
	error = block(&w, wmesg, timo);
	if ((flags & PDROP) == 0)
		spin_lock(interlock);
	return error;
}

int
rw_sleep(const void *chan, struct rwlock *rw, unsigned flags,
    const char *wmesg, nsec_t timo)
{
	bool write = rw_wowned(rw);
	struct hos_waiter w;
	int error;

	hos_chan_enqueue(chan, &w);
	rw_unlock(rw);
	error = block(&w, wmesg, timo);
	if ((flags & PDROP) != 0)
		return error;
	if (write)
		rw_wlock(rw);
	else
		rw_rlock(rw);
	return error;
}

int
tsleep(const void *chan, unsigned flags, const char *wmesg, nsec_t timo)
{
	hos_chan_lock(chan);
	return sleepq_wait(chan, flags, wmesg, timo);
}

void
wakeup(const void *chan)
{
	hos_chan_wake(chan, 1);
}

void
wakeup_one(const void *chan)
{
	hos_chan_wake(chan, 0);
}

/* ---- threads ---- */

struct host_thread {
	struct thread	 td;
	int		 cpu;
	void		(*fn)(void *);
	void		*arg;
	void		*handle;
};

static int
cpu_take(void)
{
	uint64_t used = atomic_load(&cpus_used);
	int cpu;

	do {
		KASSERT(~used != 0, "more than %d host threads", MAXCPU);
		cpu = __builtin_ctzl(~used);
	} while (!atomic_fcmpset(&cpus_used, &used, used | 1UL << cpu));
	return cpu;
}

static void
host_thread_main(void *arg)
{
	struct host_thread *ht = arg;

	host_curthread = &ht->td;
	host_curcpu = ht->cpu;
	ht->fn(ht->arg);
	KASSERT(lockdep_depth() == 0, "thread ends with %u locks",
	    lockdep_depth());
	vm_phys_drain_caches();		/* the next thread there starts clean */
	atomic_and(&cpus_used, ~(1UL << ht->cpu));
}

struct host_thread *
host_thread_start(void (*fn)(void *), void *arg)
{
	static int tid = 1;
	struct host_thread *ht = hos_alloc(sizeof(*ht));

	ht->fn = fn;
	ht->arg = arg;
	ht->cpu = cpu_take();
	ht->td.td_tid = atomic_fetchadd(&tid, 1) + 1;
	ht->td.td_state = TDS_RUNNING;
	ksnprintf(ht->td.td_name, sizeof(ht->td.td_name), "host%d",
	    ht->td.td_tid);
	ht->handle = hos_thread_start(host_thread_main, ht);
	return ht;
}

void
host_thread_join(struct host_thread *ht)
{
	hos_thread_join(ht->handle);
	hos_free(ht);
}

void
critical_enter(void)
{
	curthread->td_critnest++;
}

void
critical_exit(void)
{
	curthread->td_critnest--;
}

void
sched_yield(void)
{
	hos_yield();
}

void
smp_rendezvous(cpumask_t mask, void (*fn)(void *), void *arg)
{
	(void)mask;
	fn(arg);
}
