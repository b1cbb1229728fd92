/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_object.c: the life of memory objects: creation, references, paging pins,
 * termination, and the operations on a range of their pages.
 *
 * Chain links are edited in vm_shadow.c only; termination calls its editor.
 *
 * Deallocation is an iteration (vm_object_deallocate), so the depth of a chain
 * costs no stack.  Downwards: the reference that a dying object has on its
 * backing object is handed to the next step.  The order in that step is what
 * makes it safe: first off the backing object's shadow list, under both locks,
 * so that nobody can come up to us; then DEAD; and only then the wait for those
 * who came before and hold a pin.  Upwards: an object left to a single shadow
 * is collapsed into it (vm_object_step_up).
 *
 * Invariants: I3 I6 I7 of vm/README.md.
 * Locks: object (LO_OBJECT, front before backing), object list (LO_OBJLIST).
 * Sources: McKusick et al., ch. 6; 4.4BSD and NetBSD vm_object.c; the DragonFly
 * commits 1f8fc82a and b12defdc (what a decrement too early does).
 */
#define VM_OBJECT_PIN_EDITOR
#include <vm/vm_collapse.h>
#include <vm/vm_object.h>

#include <lib/atomic.h>
#include <machine/vmparam.h>
#include <sys/lockdep.h>
#include <sys/sleepq.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_bug.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_sched.h>

#define VM_OBJECT_REFMAX	0x3fffffff

static struct zone	*vm_object_zone;
static LIST_HEAD(, vm_object) vm_object_list;
static uint64_t		 vm_object_live;	/* [l] */
static struct spinlock	 vm_object_list_lock =
    SPINLOCK_INITIALIZER("objlist", LO_OBJLIST, 0);

static void	vm_object_free_pages(struct vm_object *object)
		    __requires(object->lock);
static struct vm_object *vm_object_deallocate_cached(struct vm_object *object)
		    __releases(object->lock);
static struct vm_object *vm_object_step_up(struct vm_object *object,
		    struct vm_object_todo *todo) __releases(object->lock);

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
	vm_object_links_init(object);
	object->paging_in_progress = 0;
	object->generation = 0;
	radix_init(&object->memq);
	object->resident_page_count = 0;
	object->handle = NULL;
	object->pager = NULL;
	object->color = 0;
	object->cache_state = VM_CACHE_NONE;
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

void
vm_object_set_named(struct vm_object *object)
{
	vm_object_lock(object);
	object->flags |= OBJ_NAMED;
	object->flags &= ~(uint32_t)OBJ_ONEMAPPING;
	vm_object_unlock(object);
}

bool
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
			vm_object_page_wait(object, m, "vospgc");
	}
	KASSERT(object->resident_page_count == 0,
	    "%lu pages counted in object %p, none found (I8)",
	    (unsigned long)object->resident_page_count, (void *)object);
}

/* Unreachable and unpinned: ours alone, so the lock can go first. */
void
vm_object_destroy(struct vm_object *object)
{
	KASSERT((object->flags & OBJ_DEAD) != 0 && !vm_object_paging(object) &&
	    object->backing_object == NULL && object->shadow_count == 0,
	    "object %p freed with flags %x, %u pins, backing object %p, %d "
	    "shadows (I6)", (void *)object, object->flags,
	    object->paging_in_progress, (void *)object->backing_object,
	    object->shadow_count);
	vm_object_unlock(object);
	vm_pager_dealloc(object);
	spin_lock(&vm_object_list_lock);
	LIST_REMOVE(object, object_list);
	vm_object_live--;
	spin_unlock(&vm_object_list_lock);
	object->type = OBJT_DEAD;
	zone_free(vm_object_zone, object);
}

/*
 * The last reference is gone.  Object locked on entry, freed on return.
 * Returns the former backing object, whose reference is now the caller's.
 */
struct vm_object *
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
	vm_sched_point("terminate.dead");
	vm_object_paging_wait(object, "vospgw");
	vm_object_free_pages(object);
	vm_object_destroy(object);
	return backing;
}

/*
 * A reference went, and the one that is left is that of a single shadow: go up
 * to it and collapse object into it.  object is locked on entry, not on return;
 * returns the shadow, with a reference to drop: the next step.
 *
 * Upwards is against the lock order.  While object is locked the shadow cannot
 * leave its list, so it may be touched: tried; or pinned, and waited for with
 * object unlocked.  From then on object means nothing to us any more: it may
 * have been merged, freed, used again.  The shadow is asked instead.
 */
static struct vm_object * __no_lock_analysis
vm_object_step_up(struct vm_object *object, struct vm_object_todo *todo)
{
	struct vm_object *shadow = LIST_FIRST(&object->shadow_head);

	if (vm_bug(VMBUG_NB_UP)) {
		vm_object_lock(shadow);
		vm_object_unlock(object);
	} else if (vm_bug(VMBUG_2137_EARLY)) {
		vm_object_unlock(object);
		vm_sched_point("step_up.pinned");
		vm_object_lock(shadow);
	} else if (!vm_bug(VMBUG_NB_PIP) && vm_object_lock_try(shadow)) {
		vm_object_unlock(object);
	} else {
		vm_meter_inc(v_collapse_skips);
		vm_object_paging_begin_shadow(object, shadow);
		vm_object_unlock(object);
		vm_sched_point("step_up.pinned");
		vm_object_lock(shadow);
		if (vm_bug(VMBUG_NB_PIP))
			atomic_add(&shadow->paging_in_progress, -1u);
		else
			vm_object_paging_end(shadow);
	}
	vm_sched_point("step_up.locked");
	if (!vm_bug(VMBUG_2137_EARLY) && ((shadow->flags & (OBJ_DEAD |
	    OBJ_COLLAPSING | OBJ_FADING)) != 0 ||
	    atomic_load(&shadow->ref_count) == 0)) {
		vm_object_unlock(shadow);
		return NULL;
	}
	vm_object_reference(shadow);
	vm_object_collapse(shadow, VM_COLLAPSE_WAIT, todo);
	vm_object_unlock(shadow);
	return shadow;
}

/*
 * One reference of an object that the cache knows.  The last one leaves it idle
 * there, with its pages inactive: they are the next to be taken.
 */
static __noinline struct vm_object * __no_lock_analysis
vm_object_deallocate_cached(struct vm_object *object)
{
	if (atomic_load(&object->ref_count) == 1)
		vm_object_deactivate_pages(object);
	if (!vm_object_cache_release(object))
		return vm_object_terminate(object);	/* purged meanwhile */
	vm_object_unlock(object);
	vm_object_cache_trim();
	return NULL;
}

__noinline struct vm_object *
vm_object_deallocate_locked(struct vm_object *object,
    struct vm_object_todo *todo)
{
	struct vm_object *next;
	int old;

	vm_object_assert_locked(object);
	if (__predict_false(atomic_load_acq(&object->cache_state) !=
	    VM_CACHE_NONE))
		return vm_object_deallocate_cached(object);
	if (vm_bug(VMBUG_2118_LATE) && object->shadow_count == 1 &&
	    atomic_load(&object->ref_count) == 2) {
		next = vm_object_step_up(object, todo);
		atomic_add(&object->ref_count, -1);
		return next;
	}
	old = atomic_fetchadd(&object->ref_count, -1);
	if (__predict_false(old <= 0))
		panic("vm_object_deallocate: object %p had %d references",
		    (void *)object, old);
	if (old == 1)
		return vm_object_terminate(object);
	if (old == 2 && object->shadow_count == 1)
		return vm_object_step_up(object, todo);
	/* One map entry is left, so each page is shown by one at most; but what
	 * is left of a named object may be its name. */
	if (old == 2 && vm_object_anonymous(object) &&
	    object->shadow_count == 0 && (object->flags & OBJ_NAMED) == 0)
		object->flags |= OBJ_ONEMAPPING;
	vm_object_unlock(object);
	return NULL;
}

/* What is put on todo meanwhile is done by this same loop. */
void
vm_object_deallocate_todo(struct vm_object_todo *todo)
{
	struct vm_object *object;

	while (todo->n != 0) {
		object = todo->object[--todo->n];
		while (object != NULL && !vm_object_deallocate_fast(object)) {
			vm_object_lock(object);
			object = vm_object_deallocate_locked(object, todo);
		}
	}
}

__noinline void
vm_object_deallocate(struct vm_object *object)
{
	struct vm_object_todo todo;

	if (object == NULL || vm_object_deallocate_fast(object))
		return;
	todo.n = 0;
	do {
		vm_object_lock(object);
		object = vm_object_deallocate_locked(object, &todo);
	} while (object != NULL && !vm_object_deallocate_fast(object));
	if (__predict_false(todo.n != 0))
		vm_object_deallocate_todo(&todo);
}

/* ---- paging pins ---- */

static inline void
vm_object_pin(struct vm_object *object)
{
	unsigned old;

	old = atomic_fetchadd(&object->paging_in_progress, 1);
	KASSERT(old < VM_OBJECT_REFMAX, "object %p has %u pins (I7)",
	    (void *)object, old);
}

void
vm_object_paging_begin(struct vm_object *object)
{
	KASSERT(rw_held(&object->lock), "pin on unlocked object %p",
	    (void *)object);
	KASSERT((object->flags & OBJ_DEAD) == 0, "pin on dead object %p (I6)",
	    (void *)object);
	vm_object_pin(object);
}

void
vm_object_paging_begin_shadow(struct vm_object *object,
    struct vm_object *shadow)
{
	vm_object_assert_locked(object);
	KASSERT(LIST_FIRST(&object->shadow_head) == shadow,
	    "object %p does not begin its shadows with %p", (void *)object,
	    (void *)shadow);
	vm_object_pin(shadow);
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
vm_object_paging_sleep(struct vm_object *object, const char *wmesg)
{
	const void *chan = &object->paging_in_progress;

	vm_object_assert_locked(object);
	vm_object_unlock(object);
	/*
	 * paging_end needs no lock, so the object lock does not guard against a
	 * wakeup before we sleep: the channel's lock does.  An object that is
	 * freed meanwhile keeps its memory (type-stable zone).
	 */
	sleepq_lock(chan);
	if (atomic_load(&object->paging_in_progress) != 0)
		vm_meter_wait(chan, wmesg);
	else
		sleepq_release(chan);
}

void __no_lock_analysis
vm_object_paging_wait(struct vm_object *object, const char *wmesg)
{
	vm_object_assert_locked(object);
	while (atomic_load(&object->paging_in_progress) != 0) {
		vm_object_paging_sleep(object, wmesg);
		vm_object_lock(object);
	}
}

bool
vm_object_paging(const struct vm_object *object)
{
	return atomic_load(&object->paging_in_progress) != 0;
}

/* ---- ranges of pages ---- */

/* One page, busy by us: away; but what is wired of a file stays and reads as the
 * file does now: zeros, or beyond its size not at all. */
static void
page_remove_one(struct vm_object *object, struct vm_page *m)
{
	if (pmap_page_is_mapped(m))
		pmap_remove_all(m);
	if (atomic_load(&m->wire_count) == 0) {
		vm_page_free(m);
		return;
	}
	KASSERT(!vm_object_anonymous(object),
	    "object %p: page %lu removed while wired %u times", (void *)object,
	    m->pindex, m->wire_count);
	pmap_zero_page(m);
	vm_page_unbusy(m);
}

void
vm_object_page_remove(struct vm_object *object, vm_pindex_t start,
    vm_pindex_t end)
{
	struct vm_page *m;
	vm_pindex_t pindex = start;

	vm_object_assert_locked(object);
	/* What is stored goes where no page is: nobody reads it just now. */
	while ((m = vm_page_ge(object, pindex)) != NULL && m->pindex < end) {
		vm_pager_remove(object, pindex, m->pindex);
		pindex = m->pindex;
		if (!vm_page_busy_try(m)) {
			vm_object_page_wait(object, m, "vospgc");
			continue;
		}
		page_remove_one(object, m);
		vm_pager_remove(object, pindex, pindex + 1);
		pindex++;
	}
	vm_pager_remove(object, pindex, end);
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
 * reference it can grow only past its end: pages inside may be the other's.  What
 * has a name is as long as its name says.
 */
static bool
vm_object_may_extend(struct vm_object *object, vm_pindex_t next)
{
	return vm_object_anonymous(object) && object->pager == NULL &&
	    (object->flags & OBJ_NAMED) == 0 &&
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

bool
vm_object_coalesce_down(struct vm_object *next, vm_ooffset_t next_offset,
    vm_pindex_t prev_size)
{
	vm_pindex_t end = atop(next_offset);
	bool ok;

	if (end < prev_size)
		return false;
	vm_object_lock(next);
	ok = vm_object_may_extend(next, end) &&
	    atomic_load(&next->ref_count) == 1;
	if (ok)
		vm_object_page_remove(next, end - prev_size, end);
	vm_object_unlock(next);
	return ok;
}

/* ---- where to map ---- */

void
vm_object_prefer(const struct vm_object *object, vm_ooffset_t offset,
    vm_size_t len, vm_offset_t *va)
{
	if (object == NULL) {
		/* Others would only leave holes between neighbours. */
		if ((len & (SUPERPAGE_SIZE - 1)) == 0)
			pmap_prefer(0, 0, len, va);
		return;
	}
	pmap_prefer(offset, atomic_load(&object->color), len, va);
}

void
vm_object_set_color(struct vm_object *object, vm_offset_t va,
    vm_ooffset_t offset)
{
	vm_object_lock(object);
	if ((object->flags & OBJ_COLORED) == 0) {
		object->flags |= OBJ_COLORED;
		atomic_store(&object->color,
		    (va - offset) & (SUPERPAGE_SIZE - 1));
	}
	vm_object_unlock(object);
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

struct vm_object *
vm_object_peek_first(void)
{
	return LIST_FIRST(&vm_object_list);
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
