/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oom.c: when memory is gone and nothing comes back, one process has to go: the
 * one with the most resident pages, init excepted.
 *
 * There is no page daemon, so private memory in use can be had back in no other
 * way.  The choice is made by a thread of its own, because those who wait for
 * memory may hold locks that it needs.  It gives its victim time to end before
 * it chooses again: one at a time.
 *
 * Locks: proctree_lock (read), then p_lock of one process.
 */
#include <sys/proc.h>

#include <lib/atomic.h>
#include <sys/kprintf.h>
#include <sys/panic.h>
#include <sys/signal.h>
#include <sys/sleepq.h>
#include <sys/thread.h>
#include <vm/vm_map.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#define OOM_PAUSE	(100 * NSEC_PER_MSEC)
#define OOM_PATIENCE	20	/* pauses that a victim gets */

static int	oom_wanted;	/* [a] somebody waits in vain */
static uint64_t	oom_count;	/* [a] */

struct oom_choice {
	struct proc	*p;
	uint64_t	 pages;
};

/* vm_wait's hook: cannot sleep, may hold anything. */
static void
oom_wake(void)
{
	atomic_store(&oom_wanted, 1);
	wakeup(&oom_wanted);
}

static void
oom_consider(struct proc *p, void *arg)
{
	struct oom_choice *best = arg;
	uint64_t pages;

	rw_rlock(&p->p_lock);
	if (p->p_pid > INIT_PID && p->p_vmspace != NULL &&
	    (p->p_flags & P_EXITING) == 0) {
		pages = vmspace_resident_count(p->p_vmspace);
		if (best->p == NULL || pages > best->pages) {
			best->p = p;
			best->pages = pages;
		}
	}
	rw_runlock(&p->p_lock);
}

/* The victim's pid, 0 when there is nobody to end. */
static int
oom_kill(void)
{
	struct oom_choice best = { NULL, 0 };
	int pid = 0;

	rw_rlock(&proctree_lock);
	proc_foreach(oom_consider, &best);
	if (best.p != NULL) {
		pid = best.p->p_pid;
		kprintf("oom: no memory, %lu of %lu pages free: process %d "
		    "(%s) with %lu pages is killed\n", vm_phys_free_count(),
		    vm_phys_total(), pid, best.p->p_comm, best.pages);
		rw_wlock(&best.p->p_lock);
		proc_doom(best.p, W_SIGNAL(SIGKILL), NULL);
		rw_wunlock(&best.p->p_lock);
		atomic_add(&oom_count, 1);
	}
	rw_runlock(&proctree_lock);
	return pid;
}

static bool
oom_alive(int pid)
{
	struct proc *p;
	bool alive;

	rw_rlock(&proctree_lock);
	p = proc_lookup(pid);
	alive = p != NULL && p->p_state == PRS_RUN;
	rw_runlock(&proctree_lock);
	return alive;
}

static void
oom_thread(void *arg)
{
	int pid, patience;

	(void)arg;
	for (;;) {
		sleepq_lock(&oom_wanted);
		if (atomic_load(&oom_wanted) == 0)
			(void)sleepq_wait(&oom_wanted, 0, "oom", 0);
		else
			sleepq_release(&oom_wanted);
		pid = oom_kill();
		for (patience = OOM_PATIENCE; patience > 0 &&
		    (pid == 0 || oom_alive(pid)); patience--)
			(void)tsleep(&oom_count, 0, "oomvic", OOM_PAUSE);
		atomic_store(&oom_wanted, 0);
	}
}

uint64_t
oom_kills(void)
{
	return atomic_load(&oom_count);
}

void
oom_init(void)
{
	struct thread *td;

	if (thread_create(oom_thread, NULL, "oom", &td) != 0)
		panic("oom: no memory for its thread");
	sched_setpri(td, PRI_INTR);
	thread_start(td);
	vm_set_oom(oom_wake);
}
