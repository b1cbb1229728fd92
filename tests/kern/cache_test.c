/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache_test.c: the object cache on all CPUs (scenario 8): more named objects
 * than may stay, found, made, filled, released, purged and evicted at once.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <vm/pmap.h>
#include <vm/vm.h>
#include <vm/vm_check.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "kt_group.h"

#define NFILES	24
#define NSTAY	6		/* objects that may stay idle */
#define FPAGES	3
#define ROUNDS	300

/* Lifetime: static; zeroed by the test. */
static struct kt_file {
	unsigned	made;		/* [a] objects that had a page read */
	unsigned	ended;		/* [a] */
} files[NFILES];
static unsigned lookups;		/* [a] */
static struct kt_group group;

static bool
file_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	(void)object;
	return pindex < FPAGES;
}

static uint64_t
file_word(const struct kt_file *f, vm_pindex_t pindex)
{
	return (uint64_t)(f - files) * 0x10001 + pindex;
}

static int
file_getpage(struct vm_object *object, struct vm_page *m)
{
	uint64_t *p = pmap_page_kva(m);

	*p = file_word(object->handle, m->pindex);
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
file_dealloc(struct vm_object *object)
{
	struct kt_file *f = object->handle;

	atomic_add(&f->ended, 1);
}

static const struct vm_pager_ops file_ops = {
	.name = "ktcache",
	.haspage = file_haspage,
	.getpage = file_getpage,
	.dealloc = file_dealloc,
};

static struct vm_object *
file_object(struct kt_file *f)
{
	struct vm_object *object = vm_object_cache_lookup(&file_ops, f);

	atomic_add(&lookups, 1);
	if (object != NULL)
		return object;
	atomic_add(&f->made, 1);
	return vm_object_cache_enter(vm_pager_allocate(&file_ops, f, FPAGES));
}

/* Is the page what the file has?  Reads it when it is not there. */
static void
file_read(struct kt_thread *kt, struct vm_object *object, vm_pindex_t pindex)
{
	const struct kt_file *f = object->handle;
	struct vm_page *m;
	uint64_t word;

	vm_object_lock(object);
	m = vm_page_lookup(object, pindex);
	if (m == NULL && (m = vm_page_alloc(object, pindex,
	    VM_ALLOC_NORMAL)) != NULL) {
		vm_object_paging_begin(object);
		vm_object_unlock(object);
		KT_CLAIM(kt, vm_pager_getpage(object, m) == 0, "getpage");
		vm_page_activate(m);
		vm_page_unbusy(m);
		vm_object_paging_end(object);
		return;
	}
	if (m != NULL && !vm_page_xbusied(m)) {
		word = *(const uint64_t *)pmap_page_kva(m);
		KT_CLAIM(kt, word == file_word(f, pindex), "page %lu: %lx",
		    pindex, word);
	}
	vm_object_unlock(object);
}

static void
cache_thread(struct kt_thread *kt)
{
	struct vm_object *object;
	struct kt_file *f;
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		f = &files[prng_below(&kt->prng, NFILES)];
		if (prng_below(&kt->prng, 40) == 0) {
			vm_object_cache_purge(&file_ops, f);
			continue;
		}
		object = file_object(f);
		KT_CLAIM(kt, object->handle == f, "another file's object");
		file_read(kt, object, prng_below(&kt->prng, FPAGES));
		if (prng_below(&kt->prng, 8) == 0)
			sched_yield();
		vm_object_deallocate(object);
	}
}

/* Is each name's object one at a time, right, and gone in the end (8)? */
KTEST(chains, object_cache)
{
	uint64_t hits = vm_meter_sum(VM_METER_v_cache_hits);
	uint64_t misses = vm_meter_sum(VM_METER_v_cache_misses), pages;
	struct vm_baseline before;
	unsigned i, n, bad, made = 0, ended = 0;

	memset(files, 0, sizeof(files));
	atomic_store(&lookups, 0);
	while (vm_object_cache_shrink())
		continue;
	vm_baseline_take(&before);
	vm_object_cache_limit(NSTAY, NSTAY * FPAGES);
	n = (unsigned)MAX(mp_ncpus, 2) * 2;
	bad = kt_group_run(&group, t, MIN(n, KT_MAXTHREADS), cache_thread,
	    NULL);
	KT_CHECK(t, bad == 0, "%u claims", bad);
	vm_check_all();
	n = vm_object_cache_idle(&pages);
	KT_CHECK(t, n <= NSTAY && pages <= NSTAY * FPAGES, "%u objects, %lu "
	    "pages idle", n, pages);
	hits = vm_meter_sum(VM_METER_v_cache_hits) - hits;
	misses = vm_meter_sum(VM_METER_v_cache_misses) - misses;
	KT_CHECK(t, hits + misses == lookups && hits > 0, "%lu hits, %lu "
	    "misses, %u lookups", hits, misses, lookups);
	while (vm_object_cache_shrink())
		continue;
	for (i = 0; i < NFILES; i++) {
		made += files[i].made;
		ended += files[i].ended;
	}
	KT_CHECK(t, made == ended, "%u objects made, %u ended", made, ended);
	ktest_diag(t, "%lu hits, %lu misses", hits, misses);
	vm_object_cache_init();
	KT_CHECK(t, vm_baseline_check(&before, kprintf) == 0, "baseline");
}
