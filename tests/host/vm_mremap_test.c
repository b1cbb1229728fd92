/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_mremap_test.c: do mappings keep their bytes wherever mremap puts them, with
 * forks, wiring and failing allocations in between; and is a call that fails as
 * if it had not been made?
 */
#include <lib/prng.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/zone.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>
#include <vm/vm_mremap.h>
#include <vm/vm_object.h>

#include "harness.h"
#include "user_access.h"

#define NPAGES	64U		/* the part of user space that is played with */
#define NSPACES	3U
#define BASE	0x10000000UL
#define ROUNDS	6000

/* What is to be seen: -1 nothing is mapped, else the first byte of a page. */
struct play {
	struct vmspace	*vm;
	int		 page[NPAGES];
};

static vm_offset_t
va_of(unsigned i)
{
	return BASE + ptoa(i);
}

static void
play_check(struct ktest_ctx *t, struct play *p)
{
	uint8_t v;
	unsigned i;
	int error;

	for (i = 0; i < NPAGES; i++) {
		error = user_load(&p->vm->vm_map, va_of(i), &v);
		if (p->page[i] < 0)
			KT_CHECK(t, error == EFAULT, "page %u is there", i);
		else
			KT_CHECK(t, error == 0 && v == p->page[i],
			    "page %u: error %d, %u is not %d", i, error, v,
			    p->page[i]);
	}
	vm_map_lock_read(&p->vm->vm_map);
	vm_map_check(&p->vm->vm_map);
	vm_map_unlock_read(&p->vm->vm_map);
}

/* one: is [i, i + n) mapped, whole? */
static bool
play_whole(const struct play *p, unsigned i, unsigned n)
{
	for (; n > 0; n--, i++)
		if (i >= NPAGES || p->page[i] < 0)
			return false;
	return true;
}

/* rest: what the old range shows then: 0, or -1. */
static void
play_move(struct play *p, unsigned from, unsigned n, unsigned to, unsigned len,
    int rest)
{
	int keep[NPAGES];
	unsigned i;

	for (i = 0; i < n; i++) {
		keep[i] = p->page[from + i];
		p->page[from + i] = rest;
	}
	for (i = 0; i < len; i++)
		p->page[to + i] = i < n ? keep[i] : 0;
}

/* A move to a fixed place; the model follows if it went well. */
static void
do_remap(struct ktest_ctx *t, struct play *p, struct prng *r)
{
	unsigned from = (unsigned)prng_below(r, NPAGES);
	unsigned n = 1 + (unsigned)prng_below(r, 8);
	unsigned to = (unsigned)prng_below(r, NPAGES);
	unsigned len = 1 + (unsigned)prng_below(r, 8), i;
	struct vm_mremap_args a = { .old = va_of(from), .old_len = ptoa(n),
	    .new = va_of(to), .new_len = ptoa(len), .maymove = true,
	    .fixed = true, .keep = prng_below(r, 3) == 0 };
	vm_offset_t at;
	int error;

	if (a.keep)
		a.old_len = a.new_len = ptoa(len = n);
	if (to + len > NPAGES || from + n > NPAGES)
		return;
	error = vm_mremap(p->vm, &a, &at);
	if (from + n > to && to + len > from) {
		KT_CHECK(t, error == EINVAL, "overlap: %d", error);
		return;
	}
	if (error == 0) {
		KT_CHECK(t, at == a.new && play_whole(p, from, MIN(n, len)),
		    "moved %u pages of a hole", n);
		for (i = len; i < n; i++)
			p->page[from + i] = -1;
		play_move(p, from, MIN(n, len), to, len, a.keep ? 0 : -1);
		return;
	}
	/* What was at the target may be gone, and the tail; no more. */
	KT_CHECK(t, error == EFAULT || error == ENOMEM, "error %d", error);
	if (error == EFAULT && p->page[from] < 0)
		return;
	for (i = 0; i < NPAGES; i++) {
		uint8_t v;

		if (((i >= to && i < to + len) ||
		    (i >= from + len && i < from + n)) &&
		    user_load(&p->vm->vm_map, va_of(i), &v) == EFAULT)
			p->page[i] = -1;
	}
}

static void
do_resize(struct ktest_ctx *t, struct play *p, struct prng *r)
{
	unsigned from = (unsigned)prng_below(r, NPAGES), i;
	unsigned n = 1 + (unsigned)prng_below(r, 6);
	unsigned len = 1 + (unsigned)prng_below(r, 8);
	struct vm_mremap_args a = { .old = va_of(from), .old_len = ptoa(n),
	    .new_len = ptoa(len) };
	vm_offset_t at;

	if (from + MAX(n, len) > NPAGES || !play_whole(p, from, n) ||
	    vm_mremap(p->vm, &a, &at) != 0)
		return;
	KT_CHECK(t, at == a.old, "it moved");
	for (i = n; i < len; i++) {
		KT_CHECK(t, p->page[from + i] < 0, "over something");
		p->page[from + i] = 0;
	}
	for (i = len; i < n; i++)
		p->page[from + i] = -1;
}

static void
do_map(struct play *p, struct prng *r)
{
	unsigned i = (unsigned)prng_below(r, NPAGES - 8);
	unsigned n = 1 + (unsigned)prng_below(r, 8);
	struct vm_mmap_args a = { .addr = va_of(i), .len = ptoa(n),
	    .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL, .fixed = true };
	vm_offset_t at;

	if (vm_mmap(p->vm, &a, &at) == 0)
		for (; n > 0; n--, i++)
			p->page[i] = 0;
}

static void
do_write(struct play *p, struct prng *r)
{
	unsigned i = (unsigned)prng_below(r, NPAGES);
	uint8_t v = (uint8_t)prng_next(r);

	if (p->page[i] >= 0 &&
	    user_store(&p->vm->vm_map, va_of(i), v) == 0)
		p->page[i] = v;
}

static void
do_wire(struct play *p, struct prng *r)
{
	unsigned i = (unsigned)prng_below(r, NPAGES - 4);

	if (prng_below(r, 2) == 0)
		(void)!vm_map_wire(&p->vm->vm_map, va_of(i), va_of(i + 4));
	else
		(void)vm_map_unwire(&p->vm->vm_map, va_of(i), va_of(i + 4));
}

static void
do_fork(struct play *p, struct play *child)
{
	struct vmspace *vm;

	if (vmspace_fork(p->vm, &vm) != 0)
		return;
	sysref_put(child->vm);
	*child = *p;
	child->vm = vm;
}

static void
play(struct ktest_ctx *t, uint64_t seed)
{
	struct play p[NSPACES];
	struct prng r;
	unsigned i, k, round;

	prng_seed(&r, seed);
	for (i = 0; i < NSPACES; i++) {
		p[i].vm = vmspace_alloc();
		for (k = 0; k < NPAGES; k++)
			p[i].page[k] = -1;
	}
	for (round = 0; round < ROUNDS; round++) {
		i = (unsigned)prng_below(&r, NSPACES);
		k = (unsigned)prng_below(&r, 16);
		if (prng_below(&r, 8) == 0 && k < 12)
			zone_fail_nth(1 + prng_below(&r, 4));
		if (k < 5)
			do_remap(t, &p[i], &r);
		else if (k < 7)
			do_resize(t, &p[i], &r);
		else if (k < 9)
			do_map(&p[i], &r);
		else if (k < 13)
			do_write(&p[i], &r);
		else if (k == 13)
			do_wire(&p[i], &r);
		else if (k == 14)
			do_fork(&p[i], &p[(i + 1) % NSPACES]);
		zone_fail_nth(0);
		if (round % 16 == 0)
			play_check(t, &p[i]);
	}
	for (i = 0; i < NSPACES; i++) {
		play_check(t, &p[i]);
		sysref_put(p[i].vm);
	}
}

KTEST(mremap, random)
{
	uint64_t seed;

	for (seed = 1; seed <= 6; seed++)
		play(t, seed);
}

/* One mapping, or several of the same kind, of shared memory: after a move that
 * keeps the old range both show the same pages; a failing allocation changes
 * nothing; the limit counts both. */
KTEST(mremap, keeps_shared)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_mmap_args a = { .len = 8 * PAGE_SIZE, .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL, .shared = true };
	struct vm_mremap_args m = { .maymove = true, .keep = true };
	vm_offset_t from, at;
	unsigned i, n;
	uint8_t v;

	KT_CHECK(t, vm_mmap(vm, &a, &from) == 0, "map");
	KT_CHECK(t, user_store(&vm->vm_map, from + ptoa(3), 3) == 0, "store");
	m.old = from + ptoa(2);
	m.old_len = m.new_len = ptoa(4);
	vm->vm_limit_as = ptoa(11);
	KT_CHECK(t, vm_mremap(vm, &m, &at) == ENOMEM, "over the limit");
	vm->vm_limit_as = ptoa(12);
	for (n = 1; ; n++) {
		zone_fail_nth(n);
		i = (unsigned)vm_mremap(vm, &m, &at);
		zone_fail_nth(0);
		if (i == 0)
			break;
		KT_CHECK(t, i == ENOMEM && n < 20 &&
		    vm->vm_map.size == ptoa(8), "allocation %u: error %u, "
		    "%#lx mapped", n, i, vm->vm_map.size);
	}
	KT_CHECK(t, n > 1, "nothing was allocated");
	for (i = 0; i < 4; i++) {
		KT_CHECK(t, user_load(&vm->vm_map, at + ptoa(i), &v) == 0 &&
		    v == (i == 1 ? 3 : 0), "page %u is %u", i, v);
		KT_CHECK(t, user_store(&vm->vm_map, at + ptoa(i),
		    (uint8_t)(i + 20)) == 0 && user_load(&vm->vm_map,
		    from + ptoa(i + 2), &v) == 0 && v == i + 20,
		    "page %u of the old range is %u", i, v);
	}
	/* The old range goes: the pages are still there. */
	KT_CHECK(t, vm_munmap(vm, from, ptoa(8)) == 0, "unmap");
	for (i = 0; i < 4; i++)
		KT_CHECK(t, user_load(&vm->vm_map, at + ptoa(i), &v) == 0 &&
		    v == i + 20, "page %u is %u", i, v);
	KT_CHECK(t, vm->vm_map.size == ptoa(4), "%#lx mapped",
	    vm->vm_map.size);
	sysref_put(vm);
}

/* More room elsewhere: the bytes come along, no page is allocated for it. */
KTEST(mremap, moves_pages)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_mmap_args a = { .len = 8 * PAGE_SIZE, .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL };
	struct vm_mremap_args m = { .old_len = 8 * PAGE_SIZE,
	    .new_len = 64 * PAGE_SIZE, .maymove = true };
	vm_offset_t at;
	uint8_t v;
	unsigned i;

	KT_CHECK(t, vm_mmap(vm, &a, &at) == 0, "map");
	a.fixed = true;
	a.addr = at + 8 * PAGE_SIZE;
	a.len = PAGE_SIZE;
	a.prot = VM_PROT_READ;
	KT_CHECK(t, vm_mmap(vm, &a, &m.new) == 0, "in its way");
	m.old = at;
	for (i = 0; i < 8; i++)
		KT_CHECK(t, user_store(&vm->vm_map, at + ptoa(i),
		    (uint8_t)(i + 1)) == 0, "store");
	KT_CHECK(t, vm_mremap(vm, &m, &at) == 0 && at != m.old, "move");
	KT_CHECK(t, vm->vm_map.size == 65 * PAGE_SIZE, "%#lx mapped",
	    vm->vm_map.size);
	for (i = 0; i < 64; i++)
		KT_CHECK(t, user_load(&vm->vm_map, at + ptoa(i), &v) == 0 &&
		    v == (i < 8 ? i + 1 : 0), "page %u is %u", i, v);
	KT_CHECK(t, user_load(&vm->vm_map, m.old, &v) == EFAULT, "old place");
	/* The limit counts what is added. */
	vm->vm_limit_as = vm->vm_map.size;
	m = (struct vm_mremap_args){ .old = at, .old_len = 64 * PAGE_SIZE,
	    .new_len = 65 * PAGE_SIZE, .maymove = true };
	KT_CHECK(t, vm_mremap(vm, &m, &at) == ENOMEM, "over the limit");
	sysref_put(vm);
}
