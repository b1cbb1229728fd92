/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_page.c: what a physical page is: identity, page busy, wiring.
 *
 * Why: the states and transitions of vm_page.h are made here and nowhere else.
 * Free memory is vm_phys.c's, queues are vm_pageq.c's.
 *
 * I1: a page is exactly one of free, unowned, resident; the sum of the three is
 *     the number of managed pages (I12 of the VM audit).
 * I2: a resident page is at (object, pindex) in that object's tree.
 * I3: a busy word without holders has no VPB_WANTED: who drops the last hold
 *     clears it and wakes.
 *
 * Locks: object locks and page busy as vm_page.h says; none of its own.
 * Sources: 4.4BSD and FreeBSD vm_page.c for names; DragonFly for busy as an
 * atomic word.
 */
#include <vm/vm_page.h>
#include <lib/atomic.h>
#include <lib/radix.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/sleepq.h>
#include <sys/thread.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>
#include <vm/vm_pager.h>
#include <vm/vm_phys.h>

#define VM_WAIT_POLL	(100 * NSEC_PER_MSEC)	/* look again at least so often */
#define VM_WAIT_OOM	(500 * NSEC_PER_MSEC)	/* then somebody has to go */
#define VM_WAIT_WARN	(5 * NSEC_PER_SEC)	/* complain so often */

struct vm_page		*vm_page_array;
uint64_t		 vm_page_count;

static struct zone	*radix_zone;	/* [c] nodes of all objects' trees */

/*
 * Start-up.
 */
static void
vm_page_startup_seg(struct vm_phys_seg *seg, unsigned segind,
    struct vm_page *first)
{
	struct vm_page *m = first;
	vm_paddr_t pa;

	/* The array is zero: only what is not zero is written. */
	seg->first = first;
	for (pa = seg->start; pa < seg->end; pa += PAGE_SIZE, m++) {
		m->phys_addr = pa;
		m->segind = (uint8_t)segind;
		m->order = VM_PHYS_NOORDER;
		m->flags = PG_UNOWNED;
		m->wire_count = 1;
		pmap_page_init(m);
	}
}

void
vm_page_startup(void)
{
	struct vm_page *m;
	unsigned i;

	vm_page_count = vm_phys_total();
	m = PHYS_TO_DMAP(vm_phys_bootalloc(vm_page_count * sizeof(*m)));
	vm_page_array = m;
	for (i = 0; i < vm_phys_nsegs; i++) {
		vm_page_startup_seg(&vm_phys_segs[i], i, m);
		m += atop(vm_phys_segs[i].end - vm_phys_segs[i].start);
	}
}

/* A freed node is all zero (radix.c, I2), and the zone keeps it so. */
static void *
vm_page_node_alloc(void)
{
	return zone_alloc(radix_zone, M_NOWAIT);
}

static void
vm_page_node_free(void *node)
{
	zone_free(radix_zone, node);
}

static void
vm_page_node_init(void *node)
{
	memset(node, 0, radix_node_size());
}

void
vm_page_init(void)
{
	radix_zone = zone_create("radix_node", radix_node_size(), 8,
	    vm_page_node_init, radix_node_size());
	radix_setup(vm_page_node_alloc, vm_page_node_free);
}

/*
 * Page busy.
 */
static inline void
vm_page_busy_enter(struct vm_page *m, unsigned ldflags, const void *site)
{
	curthread->td_pagesbusied++;
	lockdep_acquire(m, "page", LO_BUSY, LH_BUSY | LH_TRY | ldflags, site);
}

static inline void
vm_page_busy_leave(struct vm_page *m)
{
	curthread->td_pagesbusied--;
	lockdep_release(m);
}

/* Acquire: who sees a page idle sees what its last owner did to it.  Partner:
 * vm_page_xbusy_replace, made without the object's lock. */
bool
vm_page_busied(const struct vm_page *m)
{
	return (atomic_load_acq(&m->busy_lock) & ~VPB_WANTED) != 0;
}

bool
vm_page_xbusied(const struct vm_page *m)
{
	return (atomic_load_acq(&m->busy_lock) & VPB_EXCL) != 0;
}

static inline void
vm_page_assert_xbusied(const struct vm_page *m)
{
	KASSERT(vm_page_xbusied(m) && m->busy_owner == curthread,
	    "page %p not exclusively busy by us: word 0x%x owner %p",
	    (const void *)m, m->busy_lock, (void *)m->busy_owner);
}

bool
vm_page_busy_try(struct vm_page *m)
{
	uint32_t w = 0;

	if (!atomic_fcmpset(&m->busy_lock, &w, VPB_EXCL))
		return false;
	atomic_store_relaxed(&m->busy_owner, curthread);
	vm_page_busy_enter(m, 0, __builtin_return_address(0));
	return true;
}

bool
vm_page_sbusy_try(struct vm_page *m)
{
	uint32_t w = atomic_load_relaxed(&m->busy_lock);

	do {
		if ((w & VPB_EXCL) != 0)
			return false;
	} while (!atomic_fcmpset(&m->busy_lock, &w, w + VPB_SHARED(1)));
	vm_page_busy_enter(m, LH_READ, __builtin_return_address(0));
	return true;
}

/* Replace an exclusive hold of ours by w, and wake who waits. */
static inline void
vm_page_xbusy_replace(struct vm_page *m, uint32_t w)
{
	/* Partner: the look without busy in vm_page_sleep_busy. */
	atomic_store_relaxed(&m->busy_owner, NULL);
	if ((atomic_swap(&m->busy_lock, w) & VPB_WANTED) != 0)
		wakeup(m);
}

void
vm_page_unbusy(struct vm_page *m)
{
	vm_page_assert_xbusied(m);
	vm_page_busy_leave(m);
	vm_page_xbusy_replace(m, 0);
}

void
vm_page_sunbusy(struct vm_page *m)
{
	uint32_t w = atomic_load_relaxed(&m->busy_lock), new;

	KASSERT((w & VPB_EXCL) == 0 && (w & ~VPB_WANTED) != 0,
	    "page %p not shared busy: word 0x%x", (void *)m, w);
	vm_page_busy_leave(m);
	do {
		new = w - VPB_SHARED(1);
		if ((new & ~VPB_WANTED) == 0)
			new = 0;
	} while (!atomic_fcmpset(&m->busy_lock, &w, new));
	if (new == 0 && (w & VPB_WANTED) != 0)
		wakeup(m);
}

void
vm_page_busy_downgrade(struct vm_page *m)
{
	vm_page_assert_xbusied(m);
	lockdep_downgrade(m, true);
	vm_page_xbusy_replace(m, VPB_SHARED(1));
}

/* Set WANTED on a busy word; false: it is not busy (any more). */
static bool
vm_page_busy_want(struct vm_page *m)
{
	uint32_t w = atomic_load(&m->busy_lock);

	do {
		if ((w & ~VPB_WANTED) == 0)
			return false;
	} while (!atomic_fcmpset(&m->busy_lock, &w, w | VPB_WANTED));
	return true;
}

/*
 * The object must be unlocked before the sleep queue is locked (unlocking may
 * wake), so the page may get another identity in between.  Waiting for that one
 * could deadlock: its owner may wait for a page of ours.  Hence the second look
 * at the identity: after WANTED is set, a page that still is (object, pindex)
 * cannot lose its busy hold, nor its identity, without waking us.
 */
void
vm_page_sleep_busy(struct vm_page *m, struct vm_object *object,
    const char *wmesg)
{
	vm_pindex_t pindex = m->pindex;

	KASSERT(m->object == object, "page %p is in %p, not in %p",
	    (void *)m, (void *)m->object, (void *)object);
	KASSERT(atomic_load_relaxed(&m->busy_owner) != curthread,	/* hint */
	    "waiting for our own busy page %p", (void *)m);
	rw_unlock(&object->lock);
	sleepq_lock(m);
	if (vm_page_busy_want(m) &&
	    atomic_load_relaxed(&m->object) == object &&
	    atomic_load_relaxed(&m->pindex) == pindex)
		vm_meter_wait(m, wmesg);
	else
		sleepq_release(m);
}

/*
 * Identity.
 */
static inline void
vm_page_set_identity(struct vm_page *m, struct vm_object *object,
    vm_pindex_t pindex)
{
	/* Partner: the look without lock in vm_page_sleep_busy. */
	atomic_store_relaxed(&m->object, object);
	atomic_store_relaxed(&m->pindex, pindex);
}

struct vm_page *
vm_page_alloc(struct vm_object *object, vm_pindex_t pindex, unsigned flags)
{
	struct vm_page *m;
	int error;

	vm_object_assert_locked(object);
	m = vm_phys_alloc(flags);
	if (m == NULL)
		return NULL;
	error = radix_insert(&object->memq, pindex, m);
	if (error != 0) {
		KASSERT(error == ENOMEM, "object %p already has a page at %lu",
		    (void *)object, pindex);
		vm_phys_free(m);
		return NULL;
	}
	object->resident_page_count++;
	vm_page_set_identity(m, object, pindex);
	m->wire_count = (flags & VM_ALLOC_WIRED) != 0;
	m->valid = 0;
	m->dirty = 0;
	m->act_count = 0;
	pmap_page_init(m);
	/* Nobody can wait for a page that had no identity: no WANTED to keep,
	 * but a stale waiter may just be looking, so store atomically. */
	atomic_store_relaxed(&m->busy_owner, curthread);
	atomic_store(&m->busy_lock, VPB_EXCL);
	vm_page_busy_enter(m, 0, __builtin_return_address(0));
	if ((flags & VM_ALLOC_ZERO) != 0) {
		pmap_zero_page(m);
		m->valid = VM_PAGE_VALID;
	}
	return m;
}

void
vm_page_free(struct vm_page *m)
{
	struct vm_object *object = m->object;

	vm_object_assert_locked(object);
	vm_page_assert_xbusied(m);
	KASSERT(m->wire_count == 0, "page %p of %p freed with %u wirings",
	    (void *)m, (void *)object, m->wire_count);
	KASSERT(!pmap_page_is_mapped(m), "page %p of %p freed while mapped",
	    (void *)m, (void *)object);
	if (radix_remove(&object->memq, m->pindex) != m)
		panic("I2: page %p is not at %lu in object %p", (void *)m,
		    m->pindex, (void *)object);
	object->resident_page_count--;
	vm_page_dequeue(m);
	vm_page_set_identity(m, NULL, 0);
	vm_page_busy_leave(m);
	vm_page_xbusy_replace(m, 0);
	vm_phys_free(m);
}

struct vm_page *
vm_page_alloc_unowned(unsigned flags)
{
	struct vm_page *m = vm_phys_alloc(flags);

	if (m == NULL)
		return NULL;
	m->flags = PG_UNOWNED;
	m->wire_count = 1;
	if ((flags & VM_ALLOC_ZERO) != 0)
		pmap_zero_page(m);
	return m;
}

void
vm_page_free_unowned(struct vm_page *m)
{
	KASSERT((m->flags & PG_UNOWNED) != 0 && m->wire_count == 1,
	    "page %p (0x%lx) is not unowned: flags 0x%x wire %u",
	    (void *)m, m->phys_addr, m->flags, m->wire_count);
	m->flags = 0;
	m->pindex = 0;
	m->wire_count = 0;
	vm_phys_free(m);
}

struct vm_page *
vm_page_lookup(struct vm_object *object, vm_pindex_t pindex)
{
	KASSERT(rw_held(&object->lock), "object %p not locked",
	    (void *)object);
	return radix_lookup(&object->memq, pindex);
}

void
vm_page_lookup_range(struct vm_object *object, vm_pindex_t pindex, unsigned n,
    struct vm_page **ma)
{
	void *const *slot;
	unsigned run, i = 0;

	KASSERT(rw_held(&object->lock), "object %p not locked",
	    (void *)object);
	while (i < n) {
		slot = radix_slots(&object->memq, pindex + i, &run);
		for (run = MIN(run, n - i); run != 0; run--)
			ma[i++] = slot != NULL ? *slot++ : NULL;
	}
}

struct vm_page *
vm_page_ge(struct vm_object *object, vm_pindex_t pindex)
{
	uint64_t found;

	KASSERT(rw_held(&object->lock), "object %p not locked",
	    (void *)object);
	return radix_ge(&object->memq, pindex, &found);
}

int
vm_page_move(struct vm_page *m, struct vm_object *object, vm_pindex_t pindex)
{
	struct vm_object *old = m->object;
	int error;

	vm_object_assert_locked(old);
	vm_object_assert_locked(object);
	vm_page_assert_xbusied(m);
	error = radix_insert(&object->memq, pindex, m);
	if (error != 0) {
		KASSERT(error == ENOMEM, "object %p already has a page at %lu",
		    (void *)object, pindex);
		return ENOMEM;
	}
	/* Cannot fail from here. */
	if (radix_remove(&old->memq, m->pindex) != m)
		panic("I2: page %p is not at %lu in object %p", (void *)m,
		    m->pindex, (void *)old);
	old->resident_page_count--;
	object->resident_page_count++;
	vm_page_set_identity(m, object, pindex);
	m->dirty = VM_PAGE_VALID;
	return 0;
}

int
vm_page_rename(struct vm_page *m, struct vm_object *object, vm_pindex_t pindex)
{
	int error = vm_page_move(m, object, pindex);

	if (error == 0)
		pmap_remove_all(m);
	return error;
}

/*
 * Wiring.  The count changes before the queue is looked at: vm_pageq.c, TRICK.
 */
void
vm_page_wire(struct vm_page *m)
{
	KASSERT(m->object != NULL && (vm_page_busied(m) ||
	    rw_held(&m->object->lock)), "page %p: not busy, object not locked",
	    (void *)m);
	if (atomic_fetchadd(&m->wire_count, 1) == 0)
		vm_page_dequeue(m);
}

void
vm_page_unwire(struct vm_page *m)
{
	uint32_t old = atomic_fetchadd(&m->wire_count, -1U);

	KASSERT(old != 0 && m->object != NULL,
	    "page %p of %p unwired with count %u", (void *)m,
	    (void *)m->object, old);
	if (old == 1)
		vm_page_activate(m);
}

/*
 * Waiting for memory.
 */
static void	(*vm_oom_hook)(void);

void
vm_set_oom(void (*hook)(void))
{
	vm_oom_hook = hook;
}

void
vm_wait(const char *wmesg)
{
	nsec_t start = md_uptime(), warned = start;

	KASSERT(curthread->td_pagesbusied == 0,
	    "%s: waiting for memory with %u busy pages", wmesg,
	    curthread->td_pagesbusied);
	for (;;) {
		vm_phys_drain_all();
		if (vm_object_cache_shrink())
			vm_phys_drain_all();
		if (vm_phys_wait(wmesg, VM_WAIT_POLL) == 0 ||
		    thread_dying())
			break;
		if (vm_oom_hook != NULL && md_uptime() - start > VM_WAIT_OOM)
			vm_oom_hook();
		if (md_uptime() - warned < VM_WAIT_WARN)
			continue;
		warned = md_uptime();
		kprintf("vm_wait: %s waits for memory in %s for %lu s, %lu of "
		    "%lu pages free\n", curthread->td_name, wmesg,
		    (warned - start) / NSEC_PER_SEC, vm_phys_free_count(),
		    vm_phys_total());
	}
	vm_meter_waited(wmesg, md_uptime() - start);
}

/*
 * Audits.
 */
static void
vm_page_check_resident(const struct vm_page *m)
{
	if (m->flags & (PG_FREE | PG_UNOWNED))
		panic("I1: page 0x%lx of %p has flags 0x%x", m->phys_addr,
		    (void *)m->object, m->flags);
	if (radix_lookup(&m->object->memq, m->pindex) != m)
		panic("I9: page 0x%lx says it is at %lu of %p, which has %p",
		    m->phys_addr, m->pindex, (void *)m->object,
		    radix_lookup(&m->object->memq, m->pindex));
	if (m->wire_count != 0 && m->queue != PQ_NONE)
		panic("I8: page 0x%lx wired %u times is on queue %u",
		    m->phys_addr, m->wire_count, m->queue);
}

void
vm_page_check(const struct vm_page *m)
{
	uint32_t w = m->busy_lock;

	if ((w & VPB_EXCL) != 0 && m->busy_owner == NULL)
		panic("I8: page 0x%lx busy 0x%x without owner", m->phys_addr,
		    w);
	if (w == VPB_WANTED)
		panic("I3: page 0x%lx wanted but not busy", m->phys_addr);
	if (m->object != NULL) {
		vm_page_check_resident(m);
		return;
	}
	if (w != 0 || m->queue != PQ_NONE || pmap_page_is_mapped(m))
		panic("I1: page 0x%lx without object: busy 0x%x queue %u "
		    "mapped %d", m->phys_addr, w, m->queue,
		    pmap_page_is_mapped(m));
	if ((m->flags & PG_FREE) != 0 ? m->wire_count != 0 :
	    ((m->flags & PG_UNOWNED) == 0 || m->wire_count == 0))
		panic("I1: page 0x%lx is neither free nor unowned: flags 0x%x "
		    "wire %u", m->phys_addr, m->flags, m->wire_count);
}

void
vm_page_check_all(void)
{
	uint64_t i, free = 0, inactive = 0;

	vm_phys_check();
	vm_pageq_check();
	for (i = 0; i < vm_page_count; i++) {
		vm_page_check(&vm_page_array[i]);
		if ((vm_page_array[i].flags & PG_FREE) != 0)
			free++;
		if (vm_page_array[i].queue == PQ_INACTIVE)
			inactive++;
	}
	/* Each page is in one state (checked above): the sums must agree. */
	if (free != vm_phys_free_count())
		panic("I12: %lu pages are marked free, vm_phys has %lu", free,
		    vm_phys_free_count());
	if (inactive != vm_page_queue_count(PQ_INACTIVE))
		panic("I12: %lu pages are marked inactive, the list has %lu",
		    inactive, vm_page_queue_count(PQ_INACTIVE));
}
