/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_kern.c: the kernel's locks, sleep queue, cross-calls and time as events of
 * the laboratory.  Same headers as kern/ and tests/host/host_kern.c; nothing
 * here spins: who cannot have a lock cannot run.
 *
 * rwlock: writers are preferred as in kern/rwlock.c: a writer that waits keeps
 * new readers out.  Sleep queue: the chain lock of a channel is a lock of its
 * own, so that both sides of "look, then sleep" are events.  A cross-call runs
 * on the caller's stack in the name of the other CPU, between two of its events:
 * that is when an interrupt can come.
 *
 * Not modelled: preemption on one CPU, interrupts besides cross-calls, two
 * channels that share a chain.
 */
#include "lab.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/lock.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>

#include "lab_reduce.h"

int		 panicking;
int		 mp_ncpus = LAB_CPUS;
cpumask_t	 all_cpus = (1UL << LAB_CPUS) - 1;

/* Channels whose chain lock is held. */
static struct { const void *chan; const struct fibre *f; } chains[LAB_CPUS];
static const char chain_token;	/* lockdep's name of every chain lock */

/* ---- the end ---- */

void
panic(const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	kvsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (lab_cur == NULL)
		panic_exit(EXIT_PANIC, "%s", text);
	lab_fail(lab_cur->id == LAB_AUX ? OR_RECOUNT : OR_ASSERT, "%s", text);
}

void	hos_abort(void) __noreturn;

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
	lab_spun();
}

nsec_t
md_uptime(void)
{
	return lab_now;
}

uint64_t
md_cycles(void)
{
	return lab_now;
}

void
md_spin_poll(void)
{
}

void
lab_kern_reset(void)
{
	memset(chains, 0, sizeof(chains));
}

/* A point of an event that can only happen when can() holds. */
static void
point_when(enum lab_event kind, const void *obj, const char *name,
    bool (*can)(const struct fibre *f))
{
	struct fibre *f = lab_cur;

	f->kind = kind;
	f->obj = obj;
	f->name = name;
	f->can = can;
	reduce_intend(kind == EV_CHAN || kind == EV_WAKE ? PL_CHAN : PL_LOCK,
	    obj);
	lab_point(kind, obj, name);
	f->can = NULL;
	if (!can(f))
		lab_block(can);
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
	return l->sl_word == (uint32_t)curcpu + 1;
}

static unsigned
spin_ldflags(const struct spinlock *l)
{
	return LH_SPIN | (unsigned)l->sl_flags << LH_LK_SHIFT;
}

static bool
spin_free(const struct fibre *f)
{
	return ((const struct spinlock *)f->obj)->sl_word == 0;
}

static void
check_lock(const void *lock, const char *name)
{
	if (name == NULL)
		lab_fail(OR_ASSERT, "lock %p was never initialised", lock);
	if (lab_running && lab_mem_bad(lock))
		lab_fail(OR_UAF, "lock %s %p is in freed memory", name, lock);
}

static void
spin_taken(struct spinlock *l, unsigned flags, const void *site)
{
	lab_mark(PL_LOCK, l, l->sl_rank != LO_PMAP || !lab_pmap_read);
	l->sl_word = (uint32_t)curcpu + 1;
	l->sl_site = site;
	lab_hb_acquire(l);
	lockdep_acquire(l, l->sl_name, l->sl_rank, spin_ldflags(l) | flags,
	    site);
}

bool
spin_trylock(struct spinlock *l)
{
	check_lock(l, l->sl_name);
	lab_point(EV_SPINTRY, l, l->sl_name);
	lab_mark(PL_LOCK, l, true);
	if (l->sl_word != 0) {
		lab_spun();
		return false;
	}
	spin_taken(l, LH_TRY, __builtin_return_address(0));
	return true;
}

void
spin_lock(struct spinlock *l)
{
	check_lock(l, l->sl_name);
	KASSERT(!spin_owned(l), "recursion on %s", l->sl_name);
	point_when(EV_SPIN, l, l->sl_name, spin_free);
	/* The fake pmap's lock stands for hardware too: no point under it. */
	if (l->sl_rank == LO_PMAP)
		lab_nopoint++;
	spin_taken(l, 0, __builtin_return_address(0));
}

void
spin_unlock(struct spinlock *l)
{
	KASSERT(spin_owned(l), "%s is not ours", l->sl_name);
	if (l->sl_rank == LO_PMAP)
		lab_nopoint--;
	else
		lab_point(EV_SPINREL, l, l->sl_name);
	lab_mark(PL_LOCK, l, l->sl_rank != LO_PMAP || !lab_pmap_read);
	lockdep_release(l);
	lab_hb_release(l);
	l->sl_word = 0;
}

/* ---- rwlock: bit 63 a writer, else the number of readers ---- */

#define RW_WRITER	(1UL << 63)

/* Readers leave their clocks beside the writers'. */
#define READERS_OF(rw)	((const char *)(rw) + 1)

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
	KASSERT(rw->rw_word == 0, "%s destroyed while held", rw->rw_name);
}

bool
rw_wowned(const struct rwlock *rw)
{
	return rw->rw_owner == curthread;
}

bool
rw_held(const struct rwlock *rw)
{
	return (rw->rw_word & RW_WRITER) != 0 ? rw_wowned(rw) :
	    rw->rw_word != 0;
}

static bool
writer_waits(const struct rwlock *rw)
{
	for (int i = 0; i < LAB_FIBRES; i++)
		if (lab_fibre[i].state == FB_BLOCKED &&
		    lab_fibre[i].kind == EV_WLOCK && lab_fibre[i].obj == rw)
			return true;
	return false;
}

/* A writer may come to a lock that readers hold, to wait for them. */
static bool
rw_no_writer(const struct fibre *f)
{
	const struct rwlock *rw = f->obj;

	return (rw->rw_word & RW_WRITER) == 0;
}

static bool
rw_wfree(const struct fibre *f)
{
	return ((const struct rwlock *)f->obj)->rw_word == 0;
}

static bool
rw_rfree(const struct fibre *f)
{
	const struct rwlock *rw = f->obj;

	return (rw->rw_word & RW_WRITER) == 0 && !writer_waits(rw);
}

static void
rw_taken(struct rwlock *rw, bool write, unsigned flags, const void *site)
{
	lab_mark(PL_LOCK, rw, write);
	lab_hb_acquire(rw);
	if (write) {
		rw->rw_word = RW_WRITER;
		rw->rw_owner = curthread;
		rw->rw_site = site;
		lab_hb_acquire(READERS_OF(rw));
	} else {
		rw->rw_word++;
	}
	lockdep_acquire(rw, rw->rw_name, rw->rw_rank, (write ? 0 : LH_READ) |
	    (unsigned)rw->rw_flags << LH_LK_SHIFT | flags, site);
}

void
rw_wlock(struct rwlock *rw)
{
	check_lock(rw, rw->rw_name);
	KASSERT(!rw_wowned(rw), "recursion on %s", rw->rw_name);
	point_when(EV_WLOCK, rw, rw->rw_name, rw_no_writer);
	lab_mark(PL_LOCK, rw, true);
	lab_block(rw_wfree);
	rw_taken(rw, true, 0, __builtin_return_address(0));
}

void
rw_rlock(struct rwlock *rw)
{
	check_lock(rw, rw->rw_name);
	KASSERT(!rw_wowned(rw), "recursion on %s", rw->rw_name);
	point_when(EV_RLOCK, rw, rw->rw_name, rw_rfree);
	rw_taken(rw, false, 0, __builtin_return_address(0));
}

bool
rw_try_wlock(struct rwlock *rw)
{
	check_lock(rw, rw->rw_name);
	lab_point(EV_TRY, rw, rw->rw_name);
	lab_mark(PL_LOCK, rw, true);
	if (rw->rw_word != 0) {
		lab_spun();
		return false;
	}
	rw_taken(rw, true, LH_TRY, __builtin_return_address(0));
	return true;
}

bool
rw_try_rlock(struct rwlock *rw)
{
	check_lock(rw, rw->rw_name);
	lab_point(EV_TRY, rw, rw->rw_name);
	lab_mark(PL_LOCK, rw, false);
	if ((rw->rw_word & RW_WRITER) != 0 || writer_waits(rw)) {
		lab_spun();
		return false;
	}
	rw_taken(rw, false, LH_TRY, __builtin_return_address(0));
	return true;
}

bool
rw_try_upgrade(struct rwlock *rw)
{
	lab_point(EV_UPGRADE, rw, rw->rw_name);
	lab_mark(PL_LOCK, rw, true);
	KASSERT(rw->rw_word != 0 && (rw->rw_word & RW_WRITER) == 0,
	    "%s upgraded, not read-held", rw->rw_name);
	if (rw->rw_word != 1)
		return false;
	rw->rw_word = RW_WRITER;
	rw->rw_owner = curthread;
	lockdep_downgrade(rw, false);
	lab_hb_acquire(READERS_OF(rw));
	return true;
}

void
rw_downgrade(struct rwlock *rw)
{
	KASSERT(rw_wowned(rw), "%s is not ours", rw->rw_name);
	lab_point(EV_DOWNGRADE, rw, rw->rw_name);
	lab_mark(PL_LOCK, rw, true);
	lockdep_downgrade(rw, true);
	lab_hb_release(rw);
	rw->rw_owner = NULL;
	rw->rw_word = 1;
}

void
rw_wunlock(struct rwlock *rw)
{
	check_lock(rw, rw->rw_name);
	KASSERT(rw_wowned(rw), "%s is not ours", rw->rw_name);
	lab_point(EV_UNLOCK, rw, rw->rw_name);
	lab_mark(PL_LOCK, rw, true);
	lockdep_release(rw);
	lab_hb_release(rw);
	rw->rw_owner = NULL;
	rw->rw_word = 0;
}

void
rw_runlock(struct rwlock *rw)
{
	check_lock(rw, rw->rw_name);
	lab_point(EV_UNLOCK, rw, rw->rw_name);
	lab_mark(PL_LOCK, rw, false);
	KASSERT(rw->rw_word != 0 && (rw->rw_word & RW_WRITER) == 0,
	    "%s not read-held: word %lx", rw->rw_name, rw->rw_word);
	lockdep_release(rw);
	lab_hb_release(READERS_OF(rw));
	rw->rw_word--;
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

static bool
chain_free(const struct fibre *f)
{
	for (int i = 0; i < LAB_CPUS; i++)
		if (chains[i].chan == f->obj && chains[i].chan != NULL)
			return false;
	return true;
}

static void
chain_lock(enum lab_event kind, const void *chan, const char *name)
{
	point_when(kind, chan, name, chain_free);
	lab_mark(PL_CHAN, chan, true);
	chains[lab_cur->id].chan = chan;
	chains[lab_cur->id].f = lab_cur;
	lab_hb_acquire((const char *)chan + 2);
	lockdep_acquire(&chain_token, "sleepq", LO_SLEEPQ, LH_SPIN | LH_INTR,
	    __builtin_return_address(0));
}

static void
chain_unlock(const void *chan)
{
	KASSERT(chains[lab_cur->id].chan == chan, "channel %p is not locked",
	    chan);
	lab_mark(PL_CHAN, chan, true);
	lockdep_release(&chain_token);
	lab_hb_release((const char *)chan + 2);
	chains[lab_cur->id].chan = NULL;
}

void
sleepq_lock(const void *chan)
{
	chain_lock(EV_CHAN, chan, "sleepq");
}

void
sleepq_release(const void *chan)
{
	lab_point(EV_CHAN, chan, "sleepq");
	chain_unlock(chan);
}

static void
enqueue(const void *chan, const char *wmesg, nsec_t timo)
{
	struct fibre *f = lab_cur;

	lab_mark(PL_CHAN, chan, true);
	f->wchan = chan;
	f->woken = false;
	f->deadline = timo == 0 ? 0 : lab_now + timo;
	f->name = wmesg;
}

static bool
sleep_over(const struct fibre *f)
{
	return f->woken || (f->deadline != 0 && lab_now >= f->deadline);
}

static int
block(const char *wmesg)
{
	struct fibre *f = lab_cur;

	f->kind = EV_SLEEP;
	f->obj = f->wchan;
	f->name = wmesg;
	lab_block(sleep_over);
	lab_mark(PL_CHAN, f->wchan, true);
	lab_hb_acquire((const char *)f->wchan + 2);
	f->wchan = NULL;
	f->deadline = 0;
	return f->woken ? 0 : EWOULDBLOCK;
}

int
sleepq_wait(const void *chan, unsigned flags, const char *wmesg, nsec_t timo)
{
	(void)flags;
	lockdep_sleep(wmesg, &chain_token);
	enqueue(chan, wmesg, timo);
	chain_unlock(chan);
	return block(wmesg);
}

int
msleep(const void *chan, struct spinlock *interlock, unsigned flags,
    const char *wmesg, nsec_t timo)
{
	int error;

	lockdep_sleep(wmesg, interlock);
	enqueue(chan, wmesg, timo);
	spin_unlock(interlock);
	error = block(wmesg);
	if ((flags & PDROP) == 0)
		spin_lock(interlock);
	return error;
}

int
rw_sleep(const void *chan, struct rwlock *rw, unsigned flags,
    const char *wmesg, nsec_t timo)
{
	bool write = rw_wowned(rw);
	int error;

	lockdep_sleep(wmesg, rw);
	enqueue(chan, wmesg, timo);
	rw_unlock(rw);
	error = block(wmesg);
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
	sleepq_lock(chan);
	return sleepq_wait(chan, flags, wmesg, timo);
}

static void
wake(const void *chan, bool all)
{
	chain_lock(EV_WAKE, chan, "wakeup");
	for (int i = 0; i < LAB_FIBRES; i++) {
		if (lab_fibre[i].wchan != chan || lab_fibre[i].woken)
			continue;
		lab_fibre[i].woken = true;
		if (!all)
			break;
	}
	chain_unlock(chan);
}

void
wakeup(const void *chan)
{
	wake(chan, true);
}

void
wakeup_one(const void *chan)
{
	wake(chan, false);
}

/* ---- CPUs ---- */

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
	lab_spun();
}

/* Run fn in the name of CPU cpu, whose fibre stands between two events, or has
 * ended: what it did comes before. */
static void
call_on(int cpu, void (*fn)(void *), void *arg)
{
	struct fibre *me = lab_cur, *to = cpu == 0 ? me : &lab_fibre[cpu - 1];
	int mine = curcpu;

	if (lab_reduce != REDUCE_OFF && lab_running)
		lab_fail(OR_ASSERT, "a cross-call, of which reduction knows "
		    "nothing (lab_reduce.c)");
	if (to->state == FB_FREE || !lab_running)
		to = me;
	/* An interrupt, and the way back from it, drain the store buffer. */
	lab_tso_drain(to->id);
	lab_hb_release(&chains[cpu]);
	curcpu = cpu;
	curthread = &to->td;
	lab_hb_self = to;
	lab_hb_acquire(&chains[cpu]);
	lab_nopoint++;
	fn(arg);
	lab_nopoint--;
	lab_hb_release(&chains[cpu]);
	lab_hb_self = me;
	curthread = &me->td;
	curcpu = mine;
	lab_hb_acquire(&chains[cpu]);
}

void
smp_rendezvous(cpumask_t mask, void (*fn)(void *), void *arg)
{
	for (int cpu = 0; cpu < LAB_CPUS; cpu++)
		if ((mask & 1UL << cpu) != 0) {
			lab_point(EV_CALL, &chains[cpu], "call");
			call_on(cpu, fn, arg);
		}
}
