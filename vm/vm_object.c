/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_object.c: the life of memory objects: creation, references, paging pins,
 * termination, and the operations on a range of their pages.
 *
 * Chain links are edited in vm_shadow.c only; termination calls its editor.
 *
 * Termination is one step of an iteration (vm_object_deallocate): the
 * reference that a dying object has on its backing object is handed to the next
 * step, so the depth of a chain costs no stack.  The order in that step is what
 * makes it safe: first off the backing object's shadow list, under both locks,
 * so that nobody can come up to us; then DEAD; and only then the wait for those
 * who came before and hold a pin.
 *
 * Invariants: I3 I6 I7 of vm/README.md.
 * Locks: object (LO_OBJECT, front before backing), object list (LO_OBJLIST).
 * Sources: McKusick et al., ch. 6; 4.4BSD and NetBSD vm_object.c; the DragonFly
 * commits 1f8fc82a and b12defdc (what a decrement too early does).
 */
#include <vm/vm_object.h>

#include <lib/atomic.h>
#include <sys/lockdep.h>
#include <sys/sleepq.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#define VM_OBJECT_REFMAX	0x3fffffff

static struct zone	*vm_object_zone;
static LIST_HEAD(, vm_object) vm_object_list;
static uint64_t		 vm_object_live;	/* [l] */
static struct spinlock	 vm_object_list_lock =
    SPINLOCK_INITIALIZER("objlist", LO_OBJLIST, 0);

static void	vm_object_free_pages(struct vm_object *object)
		    __requires(object->lock);
static struct vm_object *vm_object_terminate(struct vm_object *object)
		    __releases(object->lock);

static void
vm_object_zinit(void *p)
{
	struct vm_object *object = p;

	rw_init(&object->lock, "object", LO_OBJECT, 0);
}

/*
 * Two objects at once: the second is the backing object of the first, or the
 * first is still private to this thread.
 */
static bool
vm_object_chain_ok(const void *outer, const void *inner)
{
	const struct vm_object *front = outer;	/* the lock is the first field */

	return front->backing_object == inner ||
	    (front->flags & OBJ_PRIVATE) != 0;
}
CTASSERT(offsetof(struct vm_object, lock) == 0,
    "the chain rule turns a lock into its object");

void
vm_object_init(void)
{
	vm_object_zone = zone_create("vm_object", sizeof(struct vm_object),
	    _Alignof(struct vm_object), vm_object_zinit,
	    sizeof(struct rwlock));
	lockdep_set_chain_rule(vm_object_chain_ok);
}

static struct vm_object *
vm_object_allocate_flags(enum vm_object_type type, vm_pindex_t size,
    unsigned mflags)
{
	struct vm_object *object;

	object = zone_alloc(vm_object_zone, mflags);
	if (object == NULL)
		return NULL;
	object->type = type;
	object->flags = type == OBJT_DEFAULT ? OBJ_ONEMAPPING : 0;
	object->size = size;
	object->ref_count = 1;
	object->shadow_count = 0;
	LIST_INIT(&object->shadow_head);
	object->shadow_list.le_next = NULL;
	object->shadow_list.le_prev = NULL;
	object->backing_object = NULL;
	object->backing_object_offset = 0;
	object->paging_in_progress = 0;
	object->generation = 0;
	radix_init(&object->memq);
	object->resident_page_count = 0;
	object->handle = NULL;
	object->pager = NULL;
	object->color = 0;
	object->audit_refs = 0;
	object->audit_pass = 0;
	spin_lock(&vm_object_list_lock);
	LIST_INSERT_HEAD(&vm_object_list, object, object_list);
	vm_object_live++;
	spin_unlock(&vm_object_list_lock);
	return object;
}

struct vm_object *
vm_object_allocate(enum vm_object_type type, vm_pindex_t size)
{
	return vm_object_allocate_flags(type, size, M_WAITOK);
}

struct vm_object *
vm_object_allocate_nowait(enum vm_object_type type, vm_pindex_t size)
{
	return vm_object_allocate_flags(type, size, M_NOWAIT);
}

void
vm_object_reference(struct vm_object *object)
{
	int old = atomic_fetchadd(&object->ref_count, 1);

	if (__predict_false(old <= 0 || old >= VM_OBJECT_REFMAX))
		panic("vm_object_reference: object %p had %d references",
		    (void *)object, old);
}

/*
 * Drop a reference that is certainly not the last, and not the one whose going
 * leaves a single shadow behind, without the lock.
 */
static bool
vm_object_deallocate_fast(struct vm_object *object)
{
	int floor = vm_object_anonymous(object) ? 2 : 1;
	int old = atomic_load(&object->ref_count);

	while (old > floor) {
		if (atomic_fcmpset(&object->ref_count, &old, old - 1))
			return true;
	}
	return false;
}

/* Wait for a busy page; object locked in and out: look the page up again. */
static void __no_lock_analysis
vm_object_page_wait(struct vm_object *object, struct vm_page *m,
    const char *wmesg)
{
	vm_page_sleep_busy(m, object, wmesg);
	vm_object_lock(object);
}

/* All pages of a dead object; a copy from one may still be under way. */
static void
vm_object_free_pages(struct vm_object *object)
{
	struct vm_page *m;

	while ((m = vm_page_ge(object, 0)) != NULL) {
		if (vm_page_busy_try(m))
			vm_page_free(m);
		else
			vm_object_page_wait(object, m, "vobjfr");
	}
	KASSERT(object->resident_page_count == 0,
	    "%lu pages counted in object %p, none found (I8)",
	    (unsigned long)object->resident_page_count, (void *)object);
}

/*
 * The last reference is gone.  Object locked on entry, freed on return.
 * Returns the former backing object, whose reference is now the caller's.
 */
static struct vm_object *
vm_object_terminate(struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;

	KASSERT(object->shadow_count == 0,
	    "object %p: no references but %d shadows (I4)", (void *)object,
	    object->shadow_count);
	if (backing != NULL && vm_object_anonymous(backing)) {
		vm_object_lock(backing);
		vm_object_set_backing(object, NULL, 0);
		vm_object_unlock(backing);
	} else if (backing != NULL) {
		vm_object_set_backing(object, NULL, 0);
	}
	object->flags |= OBJ_DEAD;
	vm_object_paging_wait(object, "vobjtm");
	vm_object_free_pages(object);
	vm_object_unlock(object);

	/* Unreachable and unpinned: ours alone, without its lock. */
	vm_pager_dealloc(object);
	spin_lock(&vm_object_list_lock);
	LIST_REMOVE(object, object_list);
	vm_object_live--;
	spin_unlock(&vm_object_list_lock);
	object->type = OBJT_DEAD;
	zone_free(vm_object_zone, object);
	return backing;
}

__noinline struct vm_object *
vm_object_deallocate_locked(struct vm_object *object)
{
	int old;

	vm_object_assert_locked(object);
	old = atomic_fetchadd(&object->ref_count, -1);
	if (__predict_false(old <= 0))
		panic("vm_object_deallocate: object %p had %d references",
		    (void *)object, old);
	if (old == 1)
		return vm_object_terminate(object);
	vm_object_unlock(object);
	return NULL;
}

__noinline void
vm_object_deallocate(struct vm_object *object)
{
	while (object != NULL && !vm_object_deallocate_fast(object)) {
		vm_object_lock(object);
		object = vm_object_deallocate_locked(object);
	}
}

/* ---- paging pins ---- */

void
vm_object_paging_begin(struct vm_object *object)
{
	unsigned old;

	KASSERT(rw_held(&object->lock), "pin on unlocked object %p",
	    (void *)object);
	KASSERT((object->flags & OBJ_DEAD) == 0, "pin on dead object %p (I6)",
	    (void *)object);
	old = atomic_fetchadd(&object->paging_in_progress, 1);
	KASSERT(old < VM_OBJECT_REFMAX, "object %p has %u pins (I7)",
	    (void *)object, old);
}

void
vm_object_paging_end(struct vm_object *object)
{
	unsigned old = atomic_fetchadd(&object->paging_in_progress, -1u);

	KASSERT(old != 0, "object %p: unpin without a pin (I7)",
	    (void *)object);
	/* The address only: the waiter may have freed the object by now. */
	if (old == 1)
		wakeup(&object->paging_in_progress);
}

void
vm_object_paging_wait(struct vm_object *object, const char *wmesg)
{
	const void *chan = &object->paging_in_progress;

	vm_object_assert_locked(object);
	while (atomic_load(&object->paging_in_progress) != 0) {
		vm_object_unlock(object);
		/*
		 * paging_end needs no lock, so the object lock does not guard
		 * against a wakeup before we sleep: the channel's lock does.
		 */
		sleepq_lock(chan);
		if (atomic_load(&object->paging_in_progress) != 0)
			(void)sleepq_wait(chan, 0, wmesg, 0);
		else
			sleepq_release(chan);
		vm_object_lock(object);
	}
}

bool
vm_object_paging(const struct vm_object *object)
{
	return atomic_load(&object->paging_in_progress) != 0;
}

/* ---- ranges of pages ---- */

void
vm_object_page_remove(struct vm_object *object, vm_pindex_t start,
    vm_pindex_t end)
{
	struct vm_page *m;
	vm_pindex_t pindex = start;

	vm_object_assert_locked(object);
	while ((m = vm_page_ge(object, pindex)) != NULL && m->pindex < end) {
		if (!vm_page_busy_try(m)) {
			vm_object_page_wait(object, m, "vopgrm");
			continue;
		}
		pindex = m->pindex + 1;
		KASSERT(m->wire_count == 0,
		    "object %p: page %lu removed while wired %u times",
		    (void *)object, m->pindex, m->wire_count);
		if (pmap_page_is_mapped(m))
			pmap_remove_all(m);
		vm_page_free(m);
	}
}

void
vm_object_deactivate_pages(struct vm_object *object)
{
	struct vm_page *m;
	vm_pindex_t pindex = 0;

	vm_object_assert_locked(object);
	while ((m = vm_page_ge(object, pindex)) != NULL) {
		pindex = m->pindex + 1;
		if (atomic_load(&m->queue) == PQ_ACTIVE && !vm_page_busied(m))
			vm_page_deactivate(m);
	}
}

/*
 * Only an anonymous object without chain or pins can grow.  With a second
 * reference it can grow only past its end: pages inside may be the other's.
 */
static bool
vm_object_may_extend(struct vm_object *object, vm_pindex_t next)
{
	return vm_object_anonymous(object) && object->pager == NULL &&
	    object->backing_object == NULL && !vm_object_paging(object) &&
	    (object->size == next || atomic_load(&object->ref_count) == 1);
}

bool
vm_object_coalesce(struct vm_object *prev, vm_ooffset_t prev_offset,
    vm_pindex_t prev_size, vm_pindex_t next_size)
{
	vm_pindex_t next = atop(prev_offset) + prev_size;
	bool ok;

	if (prev == NULL)
		return true;
	vm_object_lock(prev);
	ok = vm_object_may_extend(prev, next);
	if (ok) {
		vm_object_page_remove(prev, next, next + next_size);
		if (next + next_size > prev->size) {
			prev->size = next + next_size;
			prev->generation++;
		}
	}
	vm_object_unlock(prev);
	return ok;
}

/* ---- all objects ---- */

void
vm_object_foreach(void (*fn)(struct vm_object *o, void *arg), void *arg)
{
	struct vm_object *object;

	spin_lock(&vm_object_list_lock);
	LIST_FOREACH(object, &vm_object_list, object_list)
		fn(object, arg);
	spin_unlock(&vm_object_list_lock);
}

uint64_t
vm_object_count(void)
{
	uint64_t n;

	spin_lock(&vm_object_list_lock);
	n = vm_object_live;
	spin_unlock(&vm_object_list_lock);
	return n;
}
