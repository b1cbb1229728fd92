/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_objcache_test.c: the object cache (scenario 8): idle objects keep their
 * pages, come back by name, go in the order of their last use, and no count is
 * lost while several threads map, look up, purge and evict.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/thread.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "vm_fault_test.h"

#define NFILES	8
#define FPAGES	4

/* Lifetime: static.  Byte of page i of file f: f * 16 + i. */
static struct cache_file {
	int	reads;			/* [a] */
	int	ends;			/* [a] */
} files[NFILES];

static bool
cf_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	(void)object;
	return pindex < FPAGES;
}

static int
cf_getpage(struct vm_object *object, struct vm_page *m)
{
	struct cache_file *f = object->handle;

	atomic_add(&f->reads, 1);
	memset(pmap_page_kva(m), (int)((f - files) * 16) + (int)m->pindex,
	    PAGE_SIZE);
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
cf_dealloc(struct vm_object *object)
{
	struct cache_file *f = object->handle;

	atomic_add(&f->ends, 1);
}

static const struct vm_pager_ops cf_ops = {
	.name = "cachetest",
	.haspage = cf_haspage,
	.getpage = cf_getpage,
	.dealloc = cf_dealloc,
};

static struct vm_object *
cf_object(unsigned f)
{
	struct vm_object *object = vm_object_cache_lookup(&cf_ops, &files[f]);

	if (object == NULL)
		object = vm_object_cache_enter(vm_pager_allocate(&cf_ops,
		    &files[f], FPAGES));
	return object;
}

/* Map file f at BASE in a space of its own. */
static struct vmspace *
cf_map(unsigned f)
{
	struct vm_map_args a = { .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_COPY,
	    .eflags = MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY,
	    .object = cf_object(f) };
	struct vmspace *vm = vmspace_alloc();

	if (map_at(vm, BASE, FPAGES, &a) != 0)
		panic("file %u not mapped", f);
	return vm;
}

static uint64_t
cf_word(unsigned f, vm_pindex_t i)
{
	return 0x0101010101010101UL * (f * 16 + i);
}

/* Map, read all, unmap; how many words are wrong? */
static unsigned
cf_use(unsigned f)
{
	struct vmspace *vm = cf_map(f);
	unsigned wrong = 0;
	vm_pindex_t i;

	for (i = 0; i < FPAGES; i++)
		wrong += peek(vm, i) != cf_word(f, i);
	sysref_put(vm);
	return wrong;
}

static void
cf_reset(unsigned objects, uint64_t pages)
{
	while (vm_object_cache_shrink())
		continue;
	memset(files, 0, sizeof(files));
	vm_object_cache_limit(objects, pages);
}

static void
cf_done(void)
{
	while (vm_object_cache_shrink())
		continue;
	vm_object_cache_limit(64, ~0UL);
}

/* Is a file that nobody maps found again with its pages, inactive? */
KTEST(objcache, revive)
{
	struct vm_object *object;
	uint64_t pages, hits = vm_meter_sum(VM_METER_v_cache_hits);

	cf_reset(4, ~0UL);
	KT_CHECK(t, cf_use(0) == 0 && files[0].reads == FPAGES, "first use");
	KT_CHECK(t, vm_object_cache_idle(&pages) == 1 && pages == FPAGES,
	    "%lu pages", pages);
	vm_check_all();
	object = vm_object_cache_lookup(&cf_ops, &files[0]);
	KT_CHECK(t, object != NULL && object->ref_count == 1, "not found");
	vm_object_lock(object);
	KT_CHECK(t, vm_page_lookup(object, 0)->queue == PQ_INACTIVE, "queue");
	vm_object_unlock(object);
	KT_CHECK(t, vm_object_cache_idle(&pages) == 0 && pages == 0, "idle");
	vm_object_deallocate(object);
	KT_CHECK(t, cf_use(0) == 0 && files[0].reads == FPAGES,
	    "%d reads", files[0].reads);
	KT_CHECK(t, vm_meter_sum(VM_METER_v_cache_hits) == hits + 2, "hits");
	KT_CHECK(t, files[0].ends == 0, "ended");
	cf_done();
	KT_CHECK(t, files[0].ends == 1, "%d ends", files[0].ends);
}

/* Are the bounds kept, and does the one unused for longest go first? */
KTEST(objcache, lru)
{
	uint64_t pages;
	unsigned f;

	cf_reset(4, ~0UL);
	for (f = 0; f < 4; f++)
		KT_CHECK(t, cf_use(f) == 0, "file %u", f);
	KT_CHECK(t, cf_use(0) == 0 && cf_use(4) == 0 && cf_use(5) == 0, "use");
	KT_CHECK(t, files[1].ends == 1 && files[2].ends == 1 &&
	    files[0].ends == 0 && files[3].ends == 0, "order");
	KT_CHECK(t, vm_object_cache_idle(&pages) == 4, "count");
	vm_object_cache_limit(4, FPAGES);
	KT_CHECK(t, vm_object_cache_idle(&pages) == 1 && pages == FPAGES &&
	    files[5].ends == 0, "%lu pages", pages);
	vm_object_cache_limit(0, 0);
	KT_CHECK(t, files[5].ends == 1 && cf_use(6) == 0 &&
	    files[6].ends == 1, "nothing stays");
	cf_done();
}

/* Does purge end an idle object at once and one in use with its last user? */
KTEST(objcache, purge)
{
	struct vm_object *object;
	struct vmspace *vm;

	cf_reset(4, ~0UL);
	KT_CHECK(t, cf_use(0) == 0, "use");
	vm_object_cache_purge(&cf_ops, &files[0]);
	KT_CHECK(t, files[0].ends == 1, "idle");
	vm = cf_map(1);
	vm_object_cache_purge(&cf_ops, &files[1]);
	vm_object_cache_purge(&cf_ops, &files[1]);
	object = cf_object(1);
	KT_CHECK(t, object != entry_at(vm, BASE)->object, "a new one");
	KT_CHECK(t, peek(vm, 2) == cf_word(1, 2), "the old one lives");
	sysref_put(vm);
	KT_CHECK(t, files[1].ends == 1, "%d ends", files[1].ends);
	vm_object_deallocate(object);
	cf_done();
	KT_CHECK(t, files[1].ends == 2, "%d ends", files[1].ends);
}

/* Both make an object for one name at once: is there one in the end? */
KTEST(objcache, enter_twice)
{
	struct vm_object *a, *b;

	cf_reset(4, ~0UL);
	a = vm_object_cache_enter(vm_pager_allocate(&cf_ops, &files[3],
	    FPAGES));
	b = vm_object_cache_enter(vm_pager_allocate(&cf_ops, &files[3],
	    FPAGES));
	KT_CHECK(t, a == b && a->ref_count == 2 && files[3].ends == 1, "two");
	vm_object_deallocate(a);
	vm_object_deallocate(b);
	cf_done();
}

/* ---- scenario 8 ---- */

#define STORM_THREADS	3
#define STORM_ROUNDS	400

struct storm {
	uint64_t	seed;
	unsigned	wrong;		/* [a] */
	uint64_t	lookups;	/* [a] */
};

static void
storm_thread(void *arg)
{
	struct storm *s = arg;
	struct vm_object *object;
	struct prng p;
	unsigned i, f;

	prng_seed(&p, atomic_fetchadd(&s->seed, 1));
	for (i = 0; i < STORM_ROUNDS; i++) {
		f = (unsigned)prng_below(&p, NFILES);
		switch (prng_below(&p, 8)) {
		case 0:
			(void)vm_object_cache_shrink();
			break;
		case 1:
			vm_object_cache_purge(&cf_ops, &files[f]);
			break;
		case 2:
		case 3:
			atomic_add(&s->lookups, 1);
			object = vm_object_cache_lookup(&cf_ops, &files[f]);
			vm_object_deallocate(object);
			break;
		default:
			atomic_add(&s->lookups, 1);
			atomic_add(&s->wrong, cf_use(f));
			break;
		}
	}
}

/* Map, unmap, look up, purge and evict at once: do hits and misses add up to
 * the lookups, is every object ended once, and are the bytes right? */
KTEST(objcache, storm)
{
	struct storm s = { prng_next(&t->prng), 0, 0 };
	uint64_t hits = vm_meter_sum(VM_METER_v_cache_hits);
	uint64_t misses = vm_meter_sum(VM_METER_v_cache_misses);
	struct host_thread *ht[STORM_THREADS];
	unsigned i;

	cf_reset(3, ~0UL);
	for (i = 0; i < STORM_THREADS; i++)
		ht[i] = host_thread_start(storm_thread, &s);
	for (i = 0; i < STORM_THREADS; i++)
		host_thread_join(ht[i]);
	KT_CHECK(t, s.wrong == 0, "%u wrong words", s.wrong);
	hits = vm_meter_sum(VM_METER_v_cache_hits) - hits;
	misses = vm_meter_sum(VM_METER_v_cache_misses) - misses;
	KT_CHECK(t, hits + misses == s.lookups, "%lu hits, %lu misses, %lu "
	    "lookups", hits, misses, s.lookups);
	KT_CHECK(t, hits > 0, "no hits");
	vm_check_all();
	cf_done();
}
