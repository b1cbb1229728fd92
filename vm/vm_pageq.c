/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_pageq.c: which resident pages are candidates for reuse.
 *
 * Why active is a state and not a list: a page is activated by the fault that
 * makes it and leaves that state when it is freed, mostly without a page daemon
 * ever looking.  A list would cost both of these a lock that all CPUs share.  A
 * clock hand over vm_page_array visits active pages in an order that is as good
 * as a second-chance list, for one compare a page.  Inactive pages are few, and
 * their order matters, so they are a list.  (Rejected: per-CPU batches of list
 * operations; they save most of the locking at insertion, none at removal.)
 *
 * queue is an atomic byte; its changes:
 *	none -> active, active -> none	compare and set, no lock
 *	none, active -> inactive	compare and set, under inactive_lock
 *	inactive -> none, active	under inactive_lock
 * I1: pages on the list are exactly those whose queue is PQ_INACTIVE.
 * I2: a wired page is on no queue.
 *
 * Locks: inactive_lock, LO_PAGEQ, for the list.
 */
#include <vm/vm_page.h>
#include <lib/atomic.h>
#include <sys/lock.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>

TAILQ_HEAD(vm_page_list, vm_page);

static struct spinlock	inactive_lock =
    SPINLOCK_INITIALIZER("vm_inactive", LO_PAGEQ, 0);
static struct vm_page_list inactive_list __guarded_by(&inactive_lock) =
    TAILQ_HEAD_INITIALIZER(inactive_list);	/* [q] */
static uint64_t		inactive_count;		/* [q] r:any, a hint */

static inline void
vm_pageq_assert(const struct vm_page *m)
{
	KASSERT(m->object != NULL && (vm_page_busied(m) ||
	    rw_held(&m->object->lock)),
	    "page %p: not busy and its object %p not locked",
	    (const void *)m, (void *)m->object);
}

static inline bool
vm_pageq_move(struct vm_page *m, uint8_t from, enum vm_page_queue to)
{
	return atomic_fcmpset(&m->queue, &from, (uint8_t)to);
}

/* Off the inactive list and to another state; false: it was not there. */
static bool
vm_pageq_leave_inactive(struct vm_page *m, enum vm_page_queue to)
{
	bool was;

	spin_lock(&inactive_lock);
	was = atomic_load_relaxed(&m->queue) == PQ_INACTIVE;
	if (was) {
		TAILQ_REMOVE(&inactive_list, m, pageq);
		atomic_store_relaxed(&inactive_count, inactive_count - 1);
		atomic_store(&m->queue, (uint8_t)to);
	}
	spin_unlock(&inactive_lock);
	return was;
}

/*
 * TRICK: wire_count is looked at again after the queue was set, and wiring
 * changes the count before it looks at the queue.  Both orders are seq_cst, so
 * of two callers that race at least one sees the other, and I2 holds.
 */
static inline void
vm_pageq_recheck_wired(struct vm_page *m)
{
	if (__predict_false(atomic_load(&m->wire_count) != 0))
		vm_page_dequeue(m);
}

void
vm_page_activate(struct vm_page *m)
{
	vm_pageq_assert(m);
	if (atomic_load_relaxed(&m->queue) == PQ_ACTIVE ||
	    atomic_load_relaxed(&m->wire_count) != 0)
		return;
	if (vm_pageq_move(m, PQ_NONE, PQ_ACTIVE) ||
	    vm_pageq_leave_inactive(m, PQ_ACTIVE))
		vm_pageq_recheck_wired(m);
	/* Else somebody else moved it meanwhile: his wish is as good. */
}

void
vm_page_deactivate(struct vm_page *m)
{
	if ((m->flags & (PG_UNOWNED | PG_FICTITIOUS)) != 0)
		return;
	vm_pageq_assert(m);
	if (atomic_load_relaxed(&m->queue) == PQ_INACTIVE ||
	    atomic_load_relaxed(&m->wire_count) != 0)
		return;
	spin_lock(&inactive_lock);
	if (vm_pageq_move(m, PQ_NONE, PQ_INACTIVE) ||
	    vm_pageq_move(m, PQ_ACTIVE, PQ_INACTIVE)) {
		TAILQ_INSERT_TAIL(&inactive_list, m, pageq);
		atomic_store_relaxed(&inactive_count, inactive_count + 1);
		m->act_count = 0;
	}
	spin_unlock(&inactive_lock);
	atomic_and(&m->flags, (uint8_t)~PG_REFERENCED);
	pmap_ts_referenced(m);
	vm_pageq_recheck_wired(m);
}

void
vm_page_dequeue(struct vm_page *m)
{
	uint8_t q;

	while ((q = atomic_load(&m->queue)) != PQ_NONE)
		if (q == PQ_ACTIVE ? vm_pageq_move(m, PQ_ACTIVE, PQ_NONE) :
		    vm_pageq_leave_inactive(m, PQ_NONE))
			break;
}

uint64_t
vm_page_queue_count(enum vm_page_queue q)
{
	uint64_t n = 0, i;

	if (q == PQ_INACTIVE)
		return atomic_load_relaxed(&inactive_count);	/* a hint */
	for (i = 0; i < vm_page_count; i++)
		if (vm_page_array[i].object != NULL &&
		    vm_page_array[i].queue == q)
			n++;
	return n;
}

void
vm_pageq_check(void)
{
	const struct vm_page *m;
	uint64_t n = 0;

	spin_lock(&inactive_lock);
	TAILQ_FOREACH(m, &inactive_list, pageq) {
		if (m->queue != PQ_INACTIVE || m->wire_count != 0)
			panic("vm_pageq I1: page 0x%lx on the inactive list "
			    "has queue %u wire %u", m->phys_addr, m->queue,
			    m->wire_count);
		n++;
	}
	if (n != inactive_count)
		panic("vm_pageq I1: %lu inactive pages, count is %lu", n,
		    inactive_count);
	spin_unlock(&inactive_lock);
}
