/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_kern.c: kernel virtual memory.
 *
 * Why: kernel memory is wired from the start and has no pager, so it has no
 * object either: its pages are unowned pages, mapped with pmap_kenter, and free
 * finds them again in the page tables.  kernel_map only says which addresses
 * are taken.  Zones have a range of their own, given out upwards and for ever,
 * because they need memory to make a map entry.
 *
 * I1: every page of an allocated range is mapped, but for guard pages.
 * I2: an allocation is one map entry, never joined with a neighbour: freeing it
 *     needs no clipping and cannot fail.
 *
 * Locks: kernel_map's own; zone addresses are an atomic word.
 */
#include <vm/vm_kern.h>
#include <lib/assert.h>
#include <lib/atomic.h>
#include <machine/vmparam.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_map.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#define ZONE_SLAB_SIZES	5	/* 4 KiB to ZONE_SLAB_MAX */
CTASSERT(PAGE_SIZE << (ZONE_SLAB_SIZES - 1) == ZONE_SLAB_MAX,
    "kmem_zone_spare has a slot for each slab size");

static vm_offset_t	kmem_zone_next = ZONE_BASE;	/* [a] */
/* A range of each size, aligned to that and to ZONE_SLAB_MAX, whose mapping
 * failed, to be tried again first. */
static vm_offset_t	kmem_zone_spare[2][ZONE_SLAB_SIZES];	/* [a] 0: none */
static uint64_t		kmem_npages;			/* [a] */
static struct vm_map	kernel_map_store;
struct vm_map		*kernel_map;			/* [c] */

static unsigned
kmem_page_flags(unsigned flags)
{
	return VM_ALLOC_ZERO |
	    ((flags & M_RESERVE) != 0 ? VM_ALLOC_RESERVE : VM_ALLOC_NORMAL);
}

/* Unmap [va, va + len) on all CPUs, then free its pages. */
static void
kmem_unback(vm_offset_t va, vm_size_t len)
{
	struct vm_page *m, *list = NULL;
	vm_offset_t off;
	vm_paddr_t pa;

	for (off = 0; off < len; off += PAGE_SIZE) {
		pa = pmap_extract(kernel_pmap, va + off, NULL);
		m = pa == 0 ? NULL : vm_phys_paddr_to_page(pa);
		if (m == NULL)
			panic("kmem: 0x%lx in [0x%lx, 0x%lx) is not mapped",
			    va + off, va, va + len);
		/* An unowned page is on no queue: the link is free. */
		m->pageq.tqe_next = list;
		list = m;
	}
	pmap_kremove(va, len);
	while ((m = list) != NULL) {
		list = m->pageq.tqe_next;
		vm_page_free_unowned(m);
	}
	atomic_sub(&kmem_npages, atop(len));
}

/* Put zeroed pages behind [va, va + len); false: no memory, nothing changed. */
static bool
kmem_back(vm_offset_t va, vm_size_t len, unsigned flags)
{
	struct vm_page *m;
	vm_offset_t off;

	for (off = 0; off < len; off += PAGE_SIZE) {
		m = vm_page_alloc_unowned(kmem_page_flags(flags));
		if (m != NULL && pmap_kenter(va + off, VM_PAGE_TO_PHYS(m),
		    VM_PROT_RW) != 0) {
			vm_page_free_unowned(m);
			m = NULL;
		}
		if (m == NULL) {
			if (off != 0)
				kmem_unback(va, off);
			return false;
		}
		atomic_add(&kmem_npages, 1);
	}
	return true;
}

/*
 * Zones and kmalloc.
 */

/* The next size bytes of zone addresses, aligned to align; 0: none left. */
static vm_offset_t
kmem_zone_va(vm_size_t size, vm_size_t align)
{
	vm_offset_t next = atomic_load_relaxed(&kmem_zone_next), va;

	do {
		va = roundup2(next, align);
		if (va + size > ZONE_END)
			return 0;
	} while (!atomic_fcmpset(&kmem_zone_next, &next, va + size));
	return va;
}

static void *
kmem_slab_alloc(size_t bytes, size_t align, unsigned flags)
{
	vm_offset_t *spare, va;

	KASSERT(powerof2(bytes) && bytes >= PAGE_SIZE &&
	    bytes <= ZONE_SLAB_MAX && (align == bytes ||
	    align == ZONE_SLAB_MAX), "slab of %zu bytes, aligned to %zu",
	    bytes, align);
	spare = &kmem_zone_spare[align != bytes]
	    [__builtin_ctzl(atop(bytes))];
	va = atomic_swap(spare, 0);
	if (va == 0)
		va = kmem_zone_va(bytes, align);
	if (va == 0)
		return NULL;
	if (!kmem_back(va, bytes, flags)) {
		/* Of two such ranges at once one is lost: addresses only. */
		atomic_store(spare, va);
		return NULL;
	}
	return (void *)va;
}

static void *
kmem_large_alloc(size_t bytes, unsigned flags)
{
	vm_offset_t va = kmem_alloc(bytes, flags);

	if (va == 0)
		return NULL;
	/* The first page remembers the length: nobody else uses its pindex. */
	vm_phys_paddr_to_page(pmap_extract(kernel_pmap, va, NULL))->pindex =
	    atop(round_page(bytes));
	return (void *)va;
}

static void
kmem_large_free(void *p)
{
	vm_offset_t va = (vm_offset_t)p;
	struct vm_page *m;

	KASSERT((va & PAGE_MASK) == 0, "%p was not allocated", p);
	m = vm_phys_paddr_to_page(pmap_extract(kernel_pmap, va, NULL));
	KASSERT(m != NULL && m->pindex != 0, "%p was not allocated", p);
	kmem_free(va, ptoa(m->pindex));
}

static bool
kmem_is_large(const void *p)
{
	return (vm_offset_t)p >= KMEM_BASE &&
	    (vm_offset_t)p < VM_MAX_KERNEL_ADDRESS;
}

const struct zone_backend kmem_zone_backend = {
	.slab_alloc = kmem_slab_alloc,
	.wait = vm_wait,
	.large_alloc = kmem_large_alloc,
	.large_free = kmem_large_free,
	.is_large = kmem_is_large,
};

/*
 * kernel_map.
 */

void
kmem_init(void)
{
	vm_map_init(&kernel_map_store, kernel_pmap, KMEM_BASE,
	    VM_MAX_KERNEL_ADDRESS, true);
	kernel_map = &kernel_map_store;
}

/* Addresses for len bytes; 0: none. */
static vm_offset_t
kmem_reserve(vm_size_t len, unsigned flags)
{
	const struct vm_map_args args = {
		.prot = VM_PROT_RW,
		.max_prot = VM_PROT_RW,
		.inherit = VM_INHERIT_NONE,
		.eflags = MAP_ENTRY_KERNEL | MAP_ENTRY_NOCOALESCE,
	};
	vm_offset_t va;

	for (;;) {
		va = KMEM_BASE;
		if (vm_map_find(kernel_map, &va, len, PAGE_SIZE, &args) == 0)
			return va;
		if ((flags & M_NOWAIT) != 0)
			return 0;
		vm_wait("kmemva");
	}
}

static void
kmem_release(vm_offset_t start, vm_offset_t end)
{
	int error = vm_map_remove(kernel_map, start, end);

	KASSERT(error == 0, "I2: [0x%lx, 0x%lx) is no entry of kernel_map: "
	    "error %d", start, end, error);
	(void)error;
}

/* len bytes with guard bytes of hole on either side. */
static vm_offset_t
kmem_alloc_hole(vm_size_t len, vm_size_t guard, unsigned flags)
{
	vm_offset_t va;

	KASSERT(len != 0, "allocation of %lu bytes", len);
	len = round_page(len);
	va = kmem_reserve(len + 2 * guard, flags);
	if (va == 0)
		return 0;
	while (!kmem_back(va + guard, len, flags)) {
		if ((flags & M_NOWAIT) != 0) {
			kmem_release(va, va + len + 2 * guard);
			return 0;
		}
		vm_wait("kmem");
	}
	return va + guard;
}

static void
kmem_free_hole(vm_offset_t va, vm_size_t len, vm_size_t guard)
{
	len = round_page(len);
	kmem_unback(va, len);
	kmem_release(va - guard, va + len + guard);
}

vm_offset_t
kmem_alloc(vm_size_t len, unsigned flags)
{
	return kmem_alloc_hole(len, 0, flags);
}

void
kmem_free(vm_offset_t va, vm_size_t len)
{
	kmem_free_hole(va, len, 0);
}

vm_offset_t
kmem_alloc_guarded(vm_size_t len, unsigned flags)
{
	return kmem_alloc_hole(len, PAGE_SIZE, flags);
}

void
kmem_free_guarded(vm_offset_t va, vm_size_t len)
{
	kmem_free_hole(va, len, PAGE_SIZE);
}

struct vm_map *
kmem_suballoc(vm_size_t len, vm_offset_t *min, vm_offset_t *max)
{
	struct vm_map *map = kmalloc(sizeof(*map), M_WAITOK | M_ZERO);

	*min = kmem_reserve(round_page(len), M_WAITOK);
	*max = *min + round_page(len);
	vm_map_init(map, kernel_pmap, *min, *max, true);
	return map;
}

uint64_t
kmem_page_count(void)
{
	return atomic_load_relaxed(&kmem_npages);
}
