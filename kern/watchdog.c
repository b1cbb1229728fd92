/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog.c: a silent hang becomes a warning with stacks, then a panic.
 *
 * W1 A CPU that takes no timer tick (interrupts off for long): the CPU before it
 *    in the ring of CPUs counts its own ticks meanwhile.  Its ticks, not time:
 *    a virtual CPU that the host does not run has a watcher that waits as well.
 * W2 A CPU that ticks but does not let go of its thread (preemption off for
 *    long): each tick asks for a switch, which the end of the critical section
 *    would make.
 * W3 Threads in a sleep that no signal ends, for a lock or a page: told with
 *    what they wait for and who has it; a ring of such threads is a deadlock.
 * W4 No CPU takes timer ticks, so nobody is left for W1: an NMI on the boot CPU
 *    (md_nmi_pulse) sees that.  It panics without a warning: an NMI may have
 *    come while the console's lock was held.
 *
 * watchdog=MS is the limit of the warning, 5000 unless told; W1, W2 and W4 panic
 * after twice that, W3 when the warning finds a ring.  0: off.
 *
 * Locks: W3 threads_lock while it looks; the others none.
 */
#include <sys/diag.h>
#include <lib/assert.h>
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>

BOOT_OPTION(watchdog, "watchdog",
    "warn of a hang after so many ms, panic after twice that; 0: off");

#define WATCH_DEFAULT	5000
#define WATCH_FRAMES	16
#define WATCH_ANSWER	(100 * NSEC_PER_MSEC)
#define WATCH_DEPTH	32	/* threads in a ring of waiters */

/* [t] this CPU's timer interrupt; [a] read by the CPU that watches. */
struct watch {
	unsigned	 beat;		/* [a] ticks taken */
	unsigned	 seen;		/* [t] of the CPU that we watch */
	unsigned	 stale;		/* [t] our ticks since that changed */
	unsigned	 stuck;		/* [t] ticks that td did not let go */
	const struct thread *td;	/* [t] on the CPU at the last tick */
	int		 sample;	/* [a] 1: asked for frames; 2: there */
	unsigned	 nframes;	/* [a] by sample */
	struct diag_frame frame[WATCH_FRAMES];	/* [a] by sample */
} __attribute__((__aligned__(CACHE_LINE)));

static struct watch watches[MAXCPU];
static unsigned	soft_ticks;		/* [c] 0: off */
static nsec_t	soft_time;		/* [c] */

/* ---- stacks of other CPUs ---- */

bool
watchdog_nmi(const struct trapframe *tf)
{
	struct watch *w = &watches[curcpu];
	uint64_t pc, fp;

	if (atomic_load(&w->sample) != 1)
		return false;
	md_frame_pcfp(tf, &pc, &fp);
	w->nframes = diag_frames(pc, fp, md_frame_sp(tf), w->frame,
	    WATCH_FRAMES);
	atomic_store(&w->sample, 2);
	return true;
}

/* Where is cpu?  By an NMI, from which it goes on. */
static void
watch_stack(int cpu)
{
	struct watch *w = &watches[cpu];
	nsec_t start = md_uptime();
	int asked = 1;

	atomic_store(&w->sample, 1);
	md_ipi_stop((cpumask_t)1 << cpu);
	while (atomic_load(&w->sample) == 1 &&
	    md_uptime() - start < WATCH_ANSWER)
		cpu_spinwait();
	if (atomic_fcmpset(&w->sample, &asked, 0)) {
		kprintf("  (cpu%d does not answer an NMI)\n", cpu);
		return;
	}
	diag_print_frames(w->frame, w->nframes, kprintf);
	atomic_store(&w->sample, 0);
}

/* ---- W1, W2 ---- */

static void
watch_other(struct watch *w, int cpu)
{
	cpumask_t above = all_cpus & ~(((cpumask_t)2 << cpu) - 1);
	int other = __builtin_ctzl(above != 0 ? above : all_cpus);
	const struct thread *td = pcpu_data[other].pc_curthread;
	unsigned beat;

	if (other == cpu)
		return;
	beat = atomic_load_relaxed(&watches[other].beat);	/* a hint */
	if (beat != w->seen) {
		w->seen = beat;
		w->stale = 0;
		return;
	}
	if (++w->stale == soft_ticks) {
		kprintf("watchdog: cpu%d has taken no timer tick for %u ms; "
		    "it runs %s, tid %d:\n", other, w->stale * (1000 / HZ),
		    td->td_name, td->td_tid);
		watch_stack(other);
		lockdep_print(td, kprintf);
	} else if (w->stale >= 2 * soft_ticks) {
		panic("watchdog: cpu%d has taken no timer tick for %u ms; it "
		    "runs %s", other, w->stale * (1000 / HZ), td->td_name);
	}
}

static void
watch_self(struct watch *w)
{
	struct thread *td = curthread;
	uint64_t pc, fp;

	if (td != w->td || td->td_critnest == 0 || !td->td_needresched) {
		w->td = td;
		w->stuck = 0;
		/* Idle threads and threads at rest see this at once. */
		if (td->td_critnest != 0 && td != &idle_thread[curcpu])
			td->td_needresched = true;
		return;
	}
	if (++w->stuck == soft_ticks) {
		kprintf("watchdog: %s, tid %d, has kept cpu%d for %u ms "
		    "without preemption:\n", td->td_name, td->td_tid, curcpu,
		    w->stuck * (1000 / HZ));
		pc = (uint64_t)__builtin_return_address(0);
		fp = *(const uint64_t *)__builtin_frame_address(0);
		backtrace(pc, fp, kprintf);
		lockdep_print(td, kprintf);
	} else if (w->stuck >= 2 * soft_ticks) {
		panic("watchdog: %s has kept cpu%d for %u ms without "
		    "preemption", td->td_name, curcpu,
		    w->stuck * (1000 / HZ));
	}
}

void
watchdog_tick(void)
{
	int cpu = curcpu;
	struct watch *w = &watches[cpu];

	atomic_store_relaxed(&w->beat, w->beat + 1);	/* a hint */
	if (soft_ticks == 0 || panicking != 0)
		return;
	watch_other(w, cpu);
	watch_self(w);
}

/* ---- W4 ---- */

static nsec_t	pulse;			/* [c] between two of them */

/* Pulses are counted, not time: see W1. */
void
watchdog_pulse(const struct trapframe *tf)
{
	static unsigned seen;		/* the boot CPU's NMI only */
	static nsec_t quiet;
	unsigned beats = 0;
	cpumask_t left;

	for (left = all_cpus; left != 0; left &= left - 1)
		beats += atomic_load_relaxed(		/* a hint */
		    &watches[__builtin_ctzl(left)].beat);
	if (beats != seen || pulse == 0 || panicking != 0 || debugging != 0) {
		seen = beats;
		quiet = 0;
		return;
	}
	quiet += pulse;
	if (quiet >= 2 * soft_time)
		panic_trap(tf, "watchdog: no CPU has taken a timer tick for "
		    "%lu ms", quiet / NSEC_PER_MSEC);
}

/* ---- W3 ---- */

/* A sleep that should end soon: no signal ends it, somebody must. */
static bool
watch_sleep(const struct thread *td, nsec_t now)
{
	return td->td_wchan != NULL && (td->td_wflags & PCATCH) == 0 &&
	    (td->td_user || (td->td_wflags & PLOCK) != 0) &&
	    td->td_wsince + soft_time < now &&
	    td->td_wtold != td->td_wsince;
}

static bool
watch_ring(const struct thread *td)
{
	const struct thread *at = td;
	unsigned i;

	for (i = 0; i < WATCH_DEPTH; i++) {
		if (at->td_wchan == NULL)
			return false;
		at = diag_waits_for(at);
		if (at == NULL)
			return false;
		if (at == td)
			return true;
	}
	return false;
}

static void
watch_thread(struct thread *td, void *arg)
{
	const struct thread *owner;

	if (!watch_sleep(td, *(const nsec_t *)arg))
		return;
	td->td_wtold = td->td_wsince;
	kprintf("watchdog: a thread does not wake:\n");
	diag_thread(td, kprintf);
	diag_thread_bt(td, kprintf);
	owner = diag_waits_for(td);
	if (owner == NULL)
		return;
	kprintf("watchdog: it waits for\n");
	diag_thread(owner, kprintf);
	diag_thread_bt(owner, kprintf);
	lockdep_print(owner, kprintf);
	if (watch_ring(td))
		panic("watchdog: deadlock: %s waits for %s, which waits for "
		    "it", td->td_name, owner->td_name);
}

static void
watch_main(void *arg)
{
	nsec_t now;

	for (;;) {
		(void)tsleep(&soft_time, 0, "watchdog", soft_time / 4);
		now = md_uptime();
		thread_foreach(watch_thread, &now);
	}
	(void)arg;
}

void
watchdog_init(void)
{
	uint64_t ms = bootopt_u64("watchdog", WATCH_DEFAULT);

	if (ms == 0)
		return;
	soft_time = ms * NSEC_PER_MSEC;
	if (kthread_run(watch_main, NULL, "watchdog", NULL) != 0)
		panic("no memory for the watchdog's thread");
	soft_ticks = (unsigned)MAX(ms * HZ / 1000, 2);
	pulse = md_nmi_pulse();
}
