/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_objcache.c: the object cache: objects by the name that their pager has for
 * them, and those of them that nobody refers to any more, with their pages, in
 * the order of their last use.
 *
 *	hashed		found by lookup; has references
 *	idle		hashed, no reference, on the LRU list
 *	not cached	every other object; also after purge and eviction
 *	hashed -> idle		the last vm_object_deallocate
 *	idle -> hashed		lookup (a hit that revives)
 *	idle -> not cached	eviction: bounds exceeded, want of memory, purge
 *
 * The count of a hashed object becomes 0, and 1 again, under cache_lock only.
 * So a lookup sees either a count above 0, which it increments if it is still
 * not 0, or an idle object.
 *
 * cache_lock is a leaf: it is taken with an object locked, and nothing is
 * locked, collapsed or deallocated under it.  NetBSD's held its cache lock
 * across the collapse that a dropped reference started, and met itself there
 * (tests/models/cachelock.pml).  An evicted object is first made unreachable
 * under cache_lock and then terminated without it.
 *
 * Locks: objects (LO_OBJECT), then cache_lock (LO_OBJLIST).
 * Sources: 4.4BSD vm_object.c; NetBSD's log of 1996-97.
 */
#include <vm/vm_pager.h>

#include <lib/atomic.h>
#include <lib/queue.h>
#include <sys/kprintf.h>
#include <vm/vm.h>
#include <vm/vm_bug.h>
#include <vm/vm_object.h>
#include <vm/vm_phys.h>

#include "vm_priv.h"

#define CACHE_BUCKETS	64
#define CACHE_MAX	64	/* idle objects, if vm_cache_max= says nothing */

static struct spinlock	cache_lock = SPINLOCK_INITIALIZER("objcache",
    LO_OBJLIST, 0);
static LIST_HEAD(, vm_object) cache_hash[CACHE_BUCKETS];	/* [k] */
static TAILQ_HEAD(, vm_object) cache_lru = TAILQ_HEAD_INITIALIZER(cache_lru);
static unsigned		cache_idle;		/* [k] length of cache_lru */
static uint64_t		cache_pages;		/* [k] of these objects */
static unsigned		cache_max = CACHE_MAX;	/* [k] objects */
static uint64_t		cache_max_pages = ~0UL;	/* [k] */

void
vm_object_cache_init(void)
{
	vm_object_cache_limit((unsigned)bootopt_u64("vm_cache_max", CACHE_MAX),
	    vm_phys_total() / 8);
}

static unsigned
cache_bucket(const void *handle)
{
	return (unsigned)((uintptr_t)handle * 0x9e3779b97f4a7c15UL >> 58);
}
CTASSERT(CACHE_BUCKETS == 1 << (64 - 58), "the hash has 6 bits");

/* => Locks: cache_lock. */
static struct vm_object *
cache_find(const struct vm_pager_ops *ops, const void *handle)
{
	struct vm_object *object;

	LIST_FOREACH(object, &cache_hash[cache_bucket(handle)], cache_link) {
		if (object->handle == handle && object->pager == ops)
			return object;
	}
	return NULL;
}

/* idle -> hashed, or on the way out.  => Locks: cache_lock. */
static void
cache_unidle(struct vm_object *object)
{
	TAILQ_REMOVE(&cache_lru, object, cache_lru);
	cache_idle--;
	cache_pages -= object->cache_pages;
	atomic_store_relaxed(&object->cache_state, VM_CACHE_HASHED);
}

/* => Locks: cache_lock. */
static void
cache_unhash(struct vm_object *object)
{
	LIST_REMOVE(object, cache_link);
	/* Partner: vm_object_deallocate_locked, which may end object now. */
	atomic_store_rel(&object->cache_state, (uint8_t)VM_CACHE_NONE);
}

/* Take a reference on what is hashed.  => Locks: cache_lock. */
static void
cache_reference(struct vm_object *object)
{
	int old = atomic_load(&object->ref_count);

	while (old > 0) {
		if (atomic_fcmpset(&object->ref_count, &old, old + 1))
			return;
	}
	KASSERT(old == 0 && object->cache_state == VM_CACHE_IDLE,
	    "object %p is hashed with %d references, state %u",
	    (void *)object, old, object->cache_state);
	cache_unidle(object);
	atomic_store(&object->ref_count, 1);
}

struct vm_object *
vm_object_cache_lookup(const struct vm_pager_ops *ops, void *handle)
{
	struct vm_object *object;

	spin_lock(&cache_lock);
	object = cache_find(ops, handle);
	if (object != NULL)
		cache_reference(object);
	spin_unlock(&cache_lock);
	if (object != NULL)
		vm_meter_inc(v_cache_hits);
	else
		vm_meter_inc(v_cache_misses);
	return object;
}

struct vm_object *
vm_object_cache_enter(struct vm_object *object)
{
	struct vm_object *other;

	KASSERT(object->pager != NULL && object->type == OBJT_FILE,
	    "object %p has no name to be cached by", (void *)object);
	spin_lock(&cache_lock);
	other = cache_find(object->pager, object->handle);
	if (other != NULL) {
		cache_reference(other);
	} else {
		LIST_INSERT_HEAD(&cache_hash[cache_bucket(object->handle)],
		    object, cache_link);
		atomic_store_relaxed(&object->cache_state, VM_CACHE_HASHED);
	}
	spin_unlock(&cache_lock);
	if (other == NULL)
		return object;
	vm_object_deallocate(object);	/* ours is not the first */
	return other;
}

bool
vm_object_cache_release(struct vm_object *object)
{
	uint64_t pages = object->resident_page_count;
	bool idle;
	int old;

	vm_object_assert_locked(object);
	spin_lock(&cache_lock);
	old = atomic_fetchadd(&object->ref_count, -1);
	if (__predict_false(old <= 0))
		panic("vm_object_deallocate: object %p had %d references",
		    (void *)object, old);
	idle = old == 1 && object->cache_state == VM_CACHE_HASHED;
	if (idle) {
		atomic_store_relaxed(&object->cache_state, VM_CACHE_IDLE);
		object->cache_pages = pages;
		TAILQ_INSERT_TAIL(&cache_lru, object, cache_lru);
		cache_idle++;
		cache_pages += pages;
	}
	spin_unlock(&cache_lock);
	return idle || old != 1;
}

/* The idle object that was unused for longest, ours alone; NULL: none, or with
 * !force the bounds are kept. */
static struct vm_object *
cache_victim(bool force)
{
	struct vm_object *object = NULL;

	spin_lock(&cache_lock);
	if (force || cache_idle > cache_max || cache_pages > cache_max_pages)
		object = TAILQ_FIRST(&cache_lru);
	if (object != NULL) {
		cache_unidle(object);
		cache_unhash(object);
		if (vm_bug(VMBUG_NB_CACHE)) {
			vm_object_lock(object);
			vm_object_unlock(object);
		}
	}
	spin_unlock(&cache_lock);
	return object;
}

/* Nobody can find it; who released it may still be about to unlock it. */
static void __no_lock_analysis
cache_evict(struct vm_object *object)
{
	struct vm_object *backing;

	vm_meter_inc(v_cache_evictions);
	vm_object_lock(object);
	backing = vm_object_terminate(object);
	vm_object_deallocate(backing);
}

unsigned
vm_object_cache_trim(void)
{
	struct vm_object *object;
	unsigned n = 0;

	while ((object = cache_victim(false)) != NULL) {
		cache_evict(object);
		n++;
	}
	return n;
}

bool
vm_object_cache_shrink(void)
{
	struct vm_object *object = cache_victim(true);

	if (object != NULL)
		cache_evict(object);
	return object != NULL;
}

void
vm_object_cache_purge(const struct vm_pager_ops *ops, void *handle)
{
	struct vm_object *object;
	bool idle = false;

	spin_lock(&cache_lock);
	object = cache_find(ops, handle);
	if (object != NULL) {
		idle = object->cache_state == VM_CACHE_IDLE;
		if (idle)
			cache_unidle(object);
		cache_unhash(object);
	}
	spin_unlock(&cache_lock);
	if (idle)
		cache_evict(object);
}

void
vm_object_cache_limit(unsigned objects, uint64_t pages)
{
	spin_lock(&cache_lock);
	cache_max = objects;
	cache_max_pages = pages;
	spin_unlock(&cache_lock);
	vm_object_cache_trim();
}

unsigned
vm_object_cache_max(void)
{
	unsigned max;

	spin_lock(&cache_lock);
	max = cache_max;
	spin_unlock(&cache_lock);
	return max;
}

unsigned
vm_object_cache_idle(uint64_t *pages)
{
	unsigned n;

	spin_lock(&cache_lock);
	n = cache_idle;
	*pages = cache_pages;
	spin_unlock(&cache_lock);
	return n;
}
