/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lost_memory.c: the lost memory objects of 1993 (scenario 3): is what a pager
 * stores of a parent's memory given back while the parent lives, though its
 * children come and go?  With a pager that stores a word a page in memory,
 * until there is a swap pager.
 */
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/thread.h>
#include <sys/uaddr.h>
#include <vm/pmap.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "space.h"

#define NPAGES	8
#define NSTORES	64
#define NFORKS	40

/* Lifetime: from an object's first page-out to its end.  [t] the test's. */
static struct store {
	bool		 used;
	unsigned	 has;		/* bit i: page i is stored */
	uint64_t	 word[NPAGES];
} stores[NSTORES];
static unsigned reads;			/* [t] */

static const struct vm_pager_ops store_ops;

static struct store *
store_of(const struct vm_object *object)
{
	return object->pager == &store_ops ? object->handle : NULL;
}

static bool
store_begin(struct vm_object *object)
{
	struct store *st = stores;

	while (st < stores + NSTORES && st->used)
		st++;
	if (st == stores + NSTORES)
		return false;
	memset(st, 0, sizeof(*st));
	st->used = true;
	object->handle = st;
	object->pager = &store_ops;
	return true;
}

static uint64_t *
word_in(struct vm_page *m)
{
	return (uint64_t *)pmap_page_kva(m) + 1;
}

static bool
store_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	return pindex < NPAGES && (store_of(object)->has >> pindex & 1) != 0;
}

static int
store_getpage(struct vm_object *object, struct vm_page *m)
{
	reads++;
	pmap_zero_page(m);
	*word_in(m) = store_of(object)->word[m->pindex];
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
store_dealloc(struct vm_object *object)
{
	store_of(object)->used = false;
}

static bool
store_nextpage(struct vm_object *object, vm_pindex_t *pindex)
{
	while (*pindex < NPAGES && !store_haspage(object, *pindex))
		(*pindex)++;
	return *pindex < NPAGES;
}

static int
store_transfer(struct vm_object *from, struct vm_object *to, vm_pindex_t first)
{
	vm_pindex_t i, index;

	if (to->pager == NULL && !store_begin(to))
		return ENOMEM;
	for (i = first; store_nextpage(from, &i); i++) {
		index = i - first;
		if (index >= to->size || vm_page_lookup(to, index) != NULL ||
		    store_haspage(to, index))
			continue;
		store_of(to)->word[index] = store_of(from)->word[i];
		store_of(to)->has |= 1u << index;
	}
	store_of(from)->has = 0;
	return 0;
}

static void
store_remove(struct vm_object *object, vm_pindex_t start, vm_pindex_t end)
{
	for (; start < end && start < NPAGES; start++)
		store_of(object)->has &= ~(1u << start);
}

static const struct vm_pager_ops store_ops = {
	.name = "ktstore",
	.haspage = store_haspage,
	.getpage = store_getpage,
	.dealloc = store_dealloc,
	.nextpage = store_nextpage,
	.transfer = store_transfer,
	.remove = store_remove,
};

static unsigned
stored_pages(void)
{
	unsigned i, n = 0;

	for (i = 0; i < NSTORES; i++)
		n += stores[i].used ?
		    (unsigned)__builtin_popcount(stores[i].has) : 0;
	return n;
}

/* ---- a parent and its children; all by this thread ---- */

/* Store and free what vm's first object has in memory. */
static bool
page_out(struct vmspace *vm)
{
	struct vm_map_entry *entry;
	struct vm_object *object;
	struct vm_page *m;
	bool ok = true;

	vm_map_lock_read(&vm->vm_map);
	ok = vm_map_lookup_entry(&vm->vm_map, SPACE_BASE, &entry);
	object = ok ? entry->object : NULL;
	if (object != NULL) {
		vm_object_lock(object);
		ok = object->pager != NULL || store_begin(object);
		while (ok && (m = vm_page_ge(object, 0)) != NULL &&
		    (ok = vm_page_busy_try(m))) {
			pmap_remove_all(m);
			store_of(object)->word[m->pindex] = *word_in(m);
			store_of(object)->has |= 1u << m->pindex;
			vm_page_free(m);
		}
		vm_object_unlock(object);
	}
	vm_map_unlock_read(&vm->vm_map);
	return ok && object != NULL;
}

/* Both write one page; then the child ends. */
static bool
fork_and_end(struct vmspace *parent, vm_pindex_t page, uint64_t v)
{
	struct vmspace *child;
	bool ok;

	if (vmspace_fork(parent, &child) != 0)
		return false;
	space_borrow(child);
	ok = suword64(space_word(page, 1), v + 1) == 0;
	space_borrow(parent);
	ok = suword64(space_word(page, 1), v) == 0 && ok;
	space_borrow(NULL);
	ok = page_out(parent) && page_out(child) && ok;
	sysref_put(child);
	return ok;
}

static struct vmspace *
parent_space(uint64_t *want)
{
	struct vmspace *vm = vmspace_alloc();
	vm_pindex_t page;

	if (vm == NULL || space_map(vm, 0, NPAGES, VM_INHERIT_COPY) != 0)
		return NULL;
	space_borrow(vm);
	for (page = 0; page < NPAGES; page++)
		if (suword64(space_word(page, 1), page) == 0)
			want[page] = page;
	space_borrow(NULL);
	return vm;
}

/* Does what is stored stay one copy of each page while children come and go,
 * and does no merge read any of it (3)? */
KTEST(chains, lost_memory)
{
	uint64_t want[NPAGES] = { 0 }, v;
	struct vm_baseline before;
	struct vmspace *vm;
	vm_pindex_t page;
	unsigned i, most = 0;

	memset(stores, 0, sizeof(stores));
	reads = 0;
	vm_baseline_take(&before);
	vm = parent_space(want);
	KT_CHECK(t, vm != NULL && page_out(vm), "no memory");
	for (i = 0; i < NFORKS; i++) {
		page = prng_below(&t->prng, NPAGES);
		want[page] = 2 * prng_next(&t->prng);
		KT_CHECK(t, fork_and_end(vm, page, want[page]),
		    "fork %u: %u pages are stored", i, stored_pages());
		most = MAX(most, stored_pages());
	}
	/* The two writes of a round read the old page, and nothing else does. */
	KT_CHECK(t, most == NPAGES, "%u of %u pages are stored after %u forks",
	    most, NPAGES, NFORKS);
	KT_CHECK(t, reads <= 2 * NFORKS, "%u pages were read", reads);
	space_borrow(vm);
	for (page = 0; page < NPAGES; page++)
		KT_CHECK(t, fuword64(space_word(page, 1), &v) == 0 &&
		    v == want[page], "page %lu: %lx, not %lx", page, v,
		    want[page]);
	space_borrow(NULL);
	vm_check_all();
	sysref_put(vm);
	KT_CHECK(t, stored_pages() == 0, "%u pages are left", stored_pages());
	KT_CHECK(t, vm_baseline_check(&before, kprintf) == 0, "baseline");
}
