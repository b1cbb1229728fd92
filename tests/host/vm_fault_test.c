/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_fault_test.c: faults and the chains they make: zero fill, copy on write
 * with a byte oracle, page forward, wiring, want of memory, and many threads at
 * once.  Faults on files are in vm_pager_test.c.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <sys/sleepq.h>
#include <sys/thread.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_check.h>
#include <vm/vm_fault.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_phys.h>

#include "vm_fault_test.h"

/* ---- zero fill ---- */

/* Is memory zero at first touch, and is each page filled once? */
KTEST(fault, zero_fill)
{
	struct vmspace *vm = vmspace_alloc();
	uint64_t zfod = vm_meter_sum(VM_METER_v_zfod);
	vm_pindex_t i;

	KT_CHECK(t, map_anon(vm, BASE, 16, VM_INHERIT_COPY) == 0, "map");
	for (i = 0; i < 16; i++)
		KT_CHECK(t, peek(vm, i) == 0, "page %lu: %lx", i, peek(vm, i));
	KT_CHECK(t, mapped_prot(vm, 3) == VM_PROT_RW,
	    "a zero page of our own may be written at once");
	KT_CHECK(t, poke(vm, 3, 7) && peek(vm, 3) == 7, "write");
	KT_CHECK(t, vm_meter_sum(VM_METER_v_zfod) == zfod + 16, "%lu filled",
	    vm_meter_sum(VM_METER_v_zfod) - zfod);
	vm_check_all();
	sysref_put(vm);
}

/* What does a fault answer where it cannot help? */
KTEST(fault, errors)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map_args ro = { .prot = VM_PROT_READ,
	    .max_prot = VM_PROT_READ, .inherit = VM_INHERIT_COPY };
	struct vm_map_args guard = { .inherit = VM_INHERIT_COPY,
	    .eflags = MAP_ENTRY_GUARD };
	struct vm_map *map = &vm->vm_map;

	KT_CHECK(t, map_at(vm, BASE, 1, &ro) == 0, "read-only");
	KT_CHECK(t, map_at(vm, BASE + PAGE_SIZE, 1, &guard) == 0, "guard");
	KT_CHECK(t, vm_fault(map, BASE, VM_PROT_READ, 0) == 0, "read");
	KT_CHECK(t, vm_fault(map, BASE, VM_PROT_WRITE, 0) == EACCES, "write");
	KT_CHECK(t, vm_fault(map, BASE, VM_PROT_EXECUTE, 0) == EACCES,
	    "execute");
	KT_CHECK(t, vm_fault(map, BASE + PAGE_SIZE, VM_PROT_READ, 0) ==
	    EFAULT, "guard");
	KT_CHECK(t, vm_fault(map, BASE - 1, VM_PROT_READ, 0) == EFAULT,
	    "nothing there");
	KT_CHECK(t, vm_fault(kernel_map, VM_MIN_KERNEL_ADDRESS, VM_PROT_READ,
	    0) == EFAULT, "kernel");
	vm_check_all();
	sysref_put(vm);
}

/* ---- copy on write ---- */

/* What do the chains of a family look like as it forks and writes? */
KTEST(fault, cow_chains)
{
	struct vmspace *a = vmspace_alloc(), *b, *c;
	uint64_t copies = vm_meter_sum(VM_METER_v_cow_faults);
	vm_pindex_t i;

	KT_CHECK(t, map_anon(a, BASE, 8, VM_INHERIT_COPY) == 0, "map");
	for (i = 0; i < 6; i++)
		KT_CHECK(t, poke(a, i, 0xa0 + i), "page %lu", i);
	KT_CHECK(t, vmspace_fork(a, &b) == 0, "fork");
	show_begin();
	show(b, "b, not written yet");
	KT_CHECK(t, poke(b, 1, 0xb1) && poke(a, 2, 0xa2a), "write");
	show(a, "a, wrote page 2");
	show(b, "b, wrote page 1");
	KT_CHECK(t, vmspace_fork(b, &c) == 0, "fork");
	KT_CHECK(t, poke(c, 1, 0xc1) && poke(c, 7, 0xc7) && poke(b, 0, 0xb0),
	    "write");
	show(c, "c, wrote pages 1 and 7");
	show(b, "b, wrote page 0");
	KT_CHECK(t, show_golden(t, "fault_cow_chains"), "golden");
	for (i = 0; i < 8; i++) {
		KT_CHECK(t, peek(a, i) == (i == 2 ? 0xa2a : i < 6 ? 0xa0 + i :
		    0), "a %lu: %lx", i, peek(a, i));
		KT_CHECK(t, peek(b, i) == (i == 1 ? 0xb1 : i == 0 ? 0xb0 :
		    i < 6 ? 0xa0 + i : 0), "b %lu: %lx", i, peek(b, i));
		KT_CHECK(t, peek(c, i) == (i == 1 ? 0xc1 : i == 7 ? 0xc7 :
		    i < 6 ? 0xa0 + i : 0), "c %lu: %lx", i, peek(c, i));
	}
	KT_CHECK(t, vm_meter_sum(VM_METER_v_cow_faults) == copies + 4,
	    "%lu copies", vm_meter_sum(VM_METER_v_cow_faults) - copies);
	vm_check_all();
	sysref_put(b);
	vm_check_all();
	sysref_put(a);
	vm_check_all();
	KT_CHECK(t, peek(c, 0) == 0xa0 && peek(c, 2) == 0xa2, "heir");
	sysref_put(c);
}

/* Do shadows of parts of an object find their pages where they are? */
KTEST(fault, cow_at_offset)
{
	struct vmspace *a = vmspace_alloc(), *b;
	vm_pindex_t i;

	KT_CHECK(t, map_anon(a, BASE, 12, VM_INHERIT_COPY) == 0, "map");
	for (i = 0; i < 12; i++)
		KT_CHECK(t, poke(a, i, 0xa0 + i), "page %lu", i);
	KT_CHECK(t, vmspace_fork(a, &b) == 0, "fork");
	KT_CHECK(t, vm_map_protect(&b->vm_map, BASE + ptoa(4), BASE + ptoa(8),
	    VM_PROT_READ, false) == 0, "three entries");
	KT_CHECK(t, poke(b, 9, 1) && poke(b, 0, 2), "write both ends");
	KT_CHECK(t, entry_at(b, BASE + ptoa(9))->object->
	    backing_object_offset == ptoa(8), "shadow of the last part");
	KT_CHECK(t, vm_map_protect(&b->vm_map, BASE + ptoa(4), BASE + ptoa(8),
	    VM_PROT_RW, false) == 0 && poke(b, 5, 3), "write the middle");
	KT_CHECK(t, vm_map_wire(&b->vm_map, BASE + ptoa(8), BASE + ptoa(12))
	    == 0, "wire");
	vm_check_all();
	for (i = 0; i < 12; i++) {
		KT_CHECK(t, peek(a, i) == 0xa0 + i, "a %lu: %lx", i,
		    peek(a, i));
		KT_CHECK(t, peek(b, i) == (i == 9 ? 1 : i == 0 ? 2 :
		    i == 5 ? 3 : 0xa0 + i), "b %lu: %lx", i, peek(b, i));
	}
	KT_CHECK(t, vm_map_unwire(&b->vm_map, BASE + ptoa(8), BASE + ptoa(12))
	    == 0, "unwire");
	vm_check_all();
	sysref_put(a);
	sysref_put(b);
}

/* After a child has gone, does a partial unmap free the parent's pages? */
KTEST(fault, own_again_after_fork)
{
	struct vmspace *a = vmspace_alloc(), *b;
	struct vm_object *object;
	vm_pindex_t i;

	KT_CHECK(t, map_anon(a, BASE, 8, VM_INHERIT_COPY) == 0, "map");
	for (i = 0; i < 8; i++)
		KT_CHECK(t, poke(a, i, i), "page %lu", i);
	object = entry_at(a, BASE)->object;
	KT_CHECK(t, vmspace_fork(a, &b) == 0, "fork");
	sysref_put(b);
	KT_CHECK(t, vm_map_remove(&a->vm_map, BASE + ptoa(2), BASE + ptoa(5))
	    == 0, "unmap");
	KT_CHECK(t, object->resident_page_count == 5, "%lu pages left",
	    (unsigned long)object->resident_page_count);
	vm_check_all();
	sysref_put(a);
}

/* Is a page that a read finds further back mapped without write? */
KTEST(fault, read_of_backing_page)
{
	struct vmspace *a = vmspace_alloc(), *b;

	KT_CHECK(t, map_anon(a, BASE, 4, VM_INHERIT_COPY) == 0, "map");
	KT_CHECK(t, poke(a, 0, 1) && poke(a, 1, 2), "write");
	KT_CHECK(t, vmspace_fork(a, &b) == 0 && poke(b, 1, 3), "fork, write");
	KT_CHECK(t, peek(b, 0) == 1 && mapped_prot(b, 0) == VM_PROT_READ,
	    "prot %x", mapped_prot(b, 0));
	KT_CHECK(t, mapped_prot(b, 1) == VM_PROT_RW, "own copy: %x",
	    mapped_prot(b, 1));
	KT_CHECK(t, poke(b, 0, 9) && peek(a, 0) == 1 && peek(b, 0) == 9,
	    "the copy is private");
	vm_check_all();
	sysref_put(b);
	sysref_put(a);
}

/* Does the last user of a backing page get the page itself? */
KTEST(fault, forward_when_sole)
{
	struct vmspace *a = vmspace_alloc(), *b;
	uint64_t forwards = vm_meter_sum(VM_METER_v_cow_forward);
	uint64_t aborts = vm_meter_sum(VM_METER_v_collapse_aborts);
	uint64_t copies;
	vm_paddr_t pa;

	KT_CHECK(t, map_anon(a, BASE, 128, VM_INHERIT_COPY) == 0, "map");
	KT_CHECK(t, poke(a, 0, 1) && poke(a, 1, 2) && poke(a, 70, 3) &&
	    poke(a, 71, 4), "write");
	pa = pmap_extract(a->vm_pmap, BASE + ptoa(71), NULL);
	KT_CHECK(t, vmspace_fork(a, &b) == 0 && poke(a, 1, 5), "fork, write");
	/* No memory for the node of page 70: the merge stays half done. */
	zone_fail_nth(1);
	sysref_put(b);
	zone_fail_nth(0);
	KT_CHECK(t, vm_meter_sum(VM_METER_v_collapse_aborts) == aborts + 1,
	    "the merge went through");
	vm_check_all();
	show_begin();
	show(a, "a, half merged");
	copies = vm_meter_sum(VM_METER_v_cow_faults);
	KT_CHECK(t, poke(a, 71, 6) && peek(a, 71) == 6, "write");
	KT_CHECK(t, pmap_extract(a->vm_pmap, BASE + ptoa(71), NULL) == pa &&
	    vm_meter_sum(VM_METER_v_cow_forward) == forwards + 1 &&
	    vm_meter_sum(VM_METER_v_cow_faults) == copies, "it was copied");
	KT_CHECK(t, peek(a, 0) == 1 && peek(a, 1) == 5 && peek(a, 70) == 3,
	    "the others");
	show(a, "a, wrote page 71");
	KT_CHECK(t, show_golden(t, "fault_forward"), "golden");
	vm_check_all();
	sysref_put(a);
}

/*
 * Two processes share a mapping whose pages are still in an ancestor: when one
 * writes, does the other see it (FreeBSD-SA-21:08)?
 */
KTEST(fault, shared_front_sees_copy)
{
	struct vmspace *a = vmspace_alloc(), *b, *c;

	KT_CHECK(t, map_anon(a, BASE, 2, VM_INHERIT_COPY) == 0, "map");
	KT_CHECK(t, poke(a, 0, 1) && poke(a, 1, 1), "write");
	KT_CHECK(t, vmspace_fork(a, &b) == 0 && poke(b, 1, 2), "fork");
	KT_CHECK(t, vm_map_inherit(&b->vm_map, BASE, BASE + 2 * PAGE_SIZE,
	    VM_INHERIT_SHARE) == 0, "inherit");
	KT_CHECK(t, vmspace_fork(b, &c) == 0, "fork");
	KT_CHECK(t, peek(b, 0) == 1 && peek(c, 0) == 1, "both map the old");
	KT_CHECK(t, poke(c, 0, 7) && peek(b, 0) == 7, "b reads %lx",
	    peek(b, 0));
	KT_CHECK(t, peek(a, 0) == 1, "a reads %lx", peek(a, 0));
	vm_check_all();
	sysref_put(a);
	sysref_put(b);
	KT_CHECK(t, peek(c, 0) == 7 && peek(c, 1) == 2, "c");
	sysref_put(c);
}

/* ---- byte oracle: a random family ---- */

#define FAMILY	6
#define FPAGES	12

struct family {
	struct vmspace	*vm[FAMILY];
	uint8_t		 want[FAMILY][FPAGES];	/* one byte a page */
};

static void
family_fork(struct ktest_ctx *t, struct family *f, unsigned from, unsigned to)
{
	if (f->vm[from] == NULL || f->vm[to] != NULL)
		return;
	KT_CHECK(t, vmspace_fork(f->vm[from], &f->vm[to]) == 0, "fork");
	memcpy(f->want[to], f->want[from], FPAGES);
}

static void
family_exit(struct family *f, unsigned who)
{
	unsigned i, n = 0;

	for (i = 0; i < FAMILY; i++)
		n += f->vm[i] != NULL;
	if (n > 1 && f->vm[who] != NULL) {
		sysref_put(f->vm[who]);
		f->vm[who] = NULL;
	}
}

static void
family_access(struct ktest_ctx *t, struct family *f, unsigned who,
    vm_pindex_t page, bool write)
{
	vm_offset_t va = BASE + ptoa(page) + prng_below(&t->prng, PAGE_SIZE);
	uint8_t v;

	if (f->vm[who] == NULL)
		return;
	va = BASE + ptoa(page) + 0x123;
	if (write) {
		v = (uint8_t)prng_next(&t->prng);
		KT_CHECK(t, user_store(&f->vm[who]->vm_map, va, v) == 0,
		    "store");
		f->want[who][page] = v;
	}
	KT_CHECK(t, user_load(&f->vm[who]->vm_map, va, &v) == 0 &&
	    v == f->want[who][page], "process %u page %lu: %x, should be %x",
	    who, page, v, f->want[who][page]);
}

static void
family_run(struct ktest_ctx *t, unsigned steps, unsigned audit_every)
{
	struct family f = { .vm = { vmspace_alloc() } };
	unsigned i, who;

	KT_CHECK(t, map_anon(f.vm[0], BASE, FPAGES, VM_INHERIT_COPY) == 0,
	    "map");
	for (i = 0; i < steps && !t->failed; i++) {
		who = (unsigned)prng_below(&t->prng, FAMILY);
		switch (prng_below(&t->prng, 16)) {
		case 0:
			family_fork(t, &f, who,
			    (unsigned)prng_below(&t->prng, FAMILY));
			break;
		case 1:
			family_exit(&f, who);
			break;
		default:
			family_access(t, &f, who,
			    prng_below(&t->prng, FPAGES),
			    prng_below(&t->prng, 2) == 0);
			break;
		}
		if (i % audit_every == 0)
			vm_check_all();
	}
	for (i = 0; i < FAMILY; i++) {
		if (f.vm[i] != NULL)
			sysref_put(f.vm[i]);
	}
	vm_check_all();
}

/* Does everybody always read what he or his ancestors wrote last? */
KTEST(fault, cow_oracle)
{
	family_run(t, 5000, 100);
}

/* The same when the pmap forgets mappings, as it may. */
KTEST(fault, cow_oracle_forgetful)
{
	struct fake_chaos chaos = { .seed = t->seed, .forget_one_in = 3 };

	fake_pmap_chaos(&chaos);
	family_run(t, 5000, 100);
	chaos.forget_one_in = 0;
	fake_pmap_chaos(&chaos);
}

/* ---- want of memory ---- */

/* A fork family small enough to run once for each allocation it makes. */
static void
small_family(struct ktest_ctx *t)
{
	struct vmspace *a = vmspace_alloc(), *b;
	int i;

	if (a == NULL)
		return;
	if (map_anon(a, BASE, 4, VM_INHERIT_COPY) != 0) {
		sysref_put(a);
		return;
	}
	KT_CHECK(t, poke(a, 0, 1) && poke(a, 2, 2), "write");
	for (i = 0; i < 10 && vmspace_fork(a, &b) != 0; i++)
		continue;
	KT_CHECK(t, i < 10, "fork fails for ever");
	KT_CHECK(t, poke(b, 0, 3) && poke(a, 2, 4) && peek(b, 3) == 0,
	    "write");
	KT_CHECK(t, peek(a, 0) == 1 && peek(b, 0) == 3 && peek(b, 2) == 2 &&
	    peek(a, 2) == 4, "bytes");
	vm_check_all();
	sysref_put(b);
	KT_CHECK(t, poke(a, 0, 5) && peek(a, 2) == 4, "after the child");
	sysref_put(a);
}

/* Is each failed page, each failed zone item, each failed mapping harmless? */
KTEST(fault, fail_nth_page)
{
	uint64_t nth;

	for (nth = 1; nth < 10000 && !t->failed; nth++) {
		vm_phys_fail_nth(nth);
		small_family(t);
		if (vm_phys_fail_hits() < nth)
			break;
		vm_phys_fail_nth(0);
		vm_check_all();
	}
	vm_phys_fail_nth(0);
	KT_CHECK(t, nth > 5 && nth < 10000, "%lu failures", nth);
}

KTEST(fault, fail_nth_zone)
{
	uint64_t nth;

	for (nth = 1; nth < 10000 && !t->failed; nth++) {
		zone_fail_nth(nth);
		small_family(t);
		if (zone_fail_hits() < nth)
			break;
		zone_fail_nth(0);
		vm_check_all();
	}
	zone_fail_nth(0);
	KT_CHECK(t, nth > 5 && nth < 10000, "%lu failures", nth);
}

KTEST(fault, fail_nth_mapping)
{
	struct fake_chaos chaos = { .seed = 1 };
	uint64_t nth, before;

	for (nth = 1; nth < 1000 && !t->failed; nth++) {
		before = fake_pmap_stats().enomem;
		chaos.fail_nth = nth;
		fake_pmap_chaos(&chaos);
		small_family(t);
		if (fake_pmap_stats().enomem == before)
			break;
	}
	chaos.fail_nth = 0;
	fake_pmap_chaos(&chaos);
	KT_CHECK(t, nth > 5 && nth < 1000, "%lu failures", nth);
}

/* ---- wiring ---- */

/* Are wired pages counted, kept, unwired, and undone on failure? */
KTEST(fault, wire)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map *map = &vm->vm_map;
	struct vm_object *object;
	struct fake_chaos chaos = { .seed = 1 };

	KT_CHECK(t, map_anon(vm, BASE, 4, VM_INHERIT_COPY) == 0, "map");
	KT_CHECK(t, vm_map_wire(map, BASE, BASE + ptoa(4)) == 0, "wire");
	object = entry_at(vm, BASE)->object;
	KT_CHECK(t, object->resident_page_count == 4 &&
	    pmap_wired_count(vm->vm_pmap) == 4, "%lu resident, %lu wired",
	    (unsigned long)object->resident_page_count,
	    pmap_wired_count(vm->vm_pmap));
	vm_check_all();
	KT_CHECK(t, vm_map_unwire(map, BASE + ptoa(1), BASE + ptoa(2)) == 0,
	    "unwire the middle");
	vm_check_all();
	KT_CHECK(t, vm_map_protect(map, BASE, BASE + PAGE_SIZE, VM_PROT_NONE,
	    false) == 0, "protect");
	KT_CHECK(t, vm_map_unwire(map, BASE, BASE + ptoa(4)) == 0,
	    "unwire what is not mapped any more");
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 0, "%lu still wired",
	    pmap_wired_count(vm->vm_pmap));
	fake_pmap_chaos(&chaos);
	vm_check_all();
	sysref_put(vm);
}

/* Memory that may not be accessed cannot be wired, and stays so. */
KTEST(fault, wire_no_access)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map_args a = { .prot = VM_PROT_NONE,
	    .max_prot = VM_PROT_ALL, .inherit = VM_INHERIT_COPY };

	KT_CHECK(t, map_at(vm, BASE, 2, &a) == 0, "map");
	KT_CHECK(t, vm_map_wire(&vm->vm_map, BASE, BASE + ptoa(2)) == EACCES,
	    "wire");
	KT_CHECK(t, mapped_prot(vm, 0) == VM_PROT_NONE, "mapped");
	vm_check_all();
	sysref_put(vm);
}

/* Does wiring break copy on write first, and fork then copy at once? */
KTEST(fault, wire_and_fork)
{
	struct vmspace *a = vmspace_alloc(), *b, *c;
	uint64_t copies;

	KT_CHECK(t, map_anon(a, BASE, 3, VM_INHERIT_COPY) == 0, "map");
	KT_CHECK(t, poke(a, 0, 1) && poke(a, 1, 2), "write");
	KT_CHECK(t, vmspace_fork(a, &b) == 0, "fork");
	KT_CHECK(t, vm_map_wire(&a->vm_map, BASE, BASE + ptoa(3)) == 0,
	    "wire");
	copies = vm_meter_sum(VM_METER_v_cow_faults);
	KT_CHECK(t, poke(a, 0, 3) && peek(b, 0) == 1 &&
	    vm_meter_sum(VM_METER_v_cow_faults) == copies,
	    "wired memory was made ours before");
	KT_CHECK(t, vmspace_fork(a, &c) == 0, "fork");
	vm_check_all();
	KT_CHECK(t, poke(a, 1, 4) && peek(c, 1) == 2 && peek(c, 0) == 3 &&
	    vm_meter_sum(VM_METER_v_cow_faults) == copies, "copied at fork");
	KT_CHECK(t, poke(c, 2, 5) && peek(a, 2) == 0, "both ways");
	KT_CHECK(t, pmap_wired_count(c->vm_pmap) == 0, "child wired");
	vm_check_all();
	sysref_put(b);
	sysref_put(a);
	sysref_put(c);
}

/* ---- many threads ---- */

#define THREADS	4

struct storm {
	struct vmspace	*vm;
	uint64_t	 seed;
	int		 next;			/* [a] number of the next thread */
	int		 wrong;			/* [a] */
};

static void
storm_run(struct storm *s, void (*fn)(void *))
{
	struct host_thread *ht[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		ht[i] = host_thread_start(fn, s);
	for (i = 0; i < THREADS; i++)
		host_thread_join(ht[i]);
}

/* Each thread has a word of its own in every page. */
static void
storm_touch(void *arg)
{
	struct storm *s = arg;
	uint64_t me = (uint64_t)atomic_fetchadd(&s->next, 1), v;
	vm_offset_t va;
	unsigned i;

	for (i = 0; i < 64; i++) {
		va = BASE + ptoa(i) + 8 * me;
		if (user_load64(&s->vm->vm_map, va, &v) != 0 || v != 0 ||
		    user_store64(&s->vm->vm_map, va, me + 1) != 0 ||
		    user_load64(&s->vm->vm_map, va, &v) != 0 || v != me + 1)
			atomic_add(&s->wrong, 1);
	}
}

/* Do threads that touch the same page first lose nobody's write? */
KTEST(fault, threads_zero_fill_once)
{
	struct storm s = { .vm = vmspace_alloc() };
	uint64_t zfod = vm_meter_sum(VM_METER_v_zfod);

	KT_CHECK(t, map_anon(s.vm, BASE, 64, VM_INHERIT_COPY) == 0, "map");
	storm_run(&s, storm_touch);
	KT_CHECK(t, s.wrong == 0, "%d wrong words", s.wrong);
	KT_CHECK(t, vm_meter_sum(VM_METER_v_zfod) == zfod + 64, "%lu fills",
	    vm_meter_sum(VM_METER_v_zfod) - zfod);
	vm_check_all();
	sysref_put(s.vm);
}

/* Does a thread that is to die end its fault, and its wiring, when there is no
 * memory, instead of waiting for what it has itself? */
KTEST(fault, dying_thread_does_not_wait)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_page *list = NULL, *m;

	KT_CHECK(t, map_anon(vm, BASE, 4, VM_INHERIT_COPY) == 0 &&
	    poke(vm, 0, 1), "map");
	while ((m = vm_page_alloc_unowned(VM_ALLOC_RESERVE)) != NULL) {
		m->pageq.tqe_next = list;
		list = m;
	}
	curthread->td_intrsig |= TDI_DIE;
	KT_CHECK(t, vm_fault(&vm->vm_map, BASE + PAGE_SIZE, VM_PROT_WRITE,
	    0) == ENOMEM, "fault");
	KT_CHECK(t, vm_map_wire(&vm->vm_map, BASE, BASE + 4 * PAGE_SIZE) ==
	    EINTR, "wire");
	curthread->td_intrsig &= ~TDI_DIE;
	while ((m = list) != NULL) {
		list = m->pageq.tqe_next;
		vm_page_free_unowned(m);
	}
	KT_CHECK(t, peek(vm, 0) == 1 && peek(vm, 1) == 0, "bytes");
	vm_check_all();
	sysref_put(vm);
}

/* One process of a storm: forks of its own, writes, children compared. */
static void
storm_forks(void *arg)
{
	struct storm *s = arg;
	uint64_t me = (uint64_t)atomic_fetchadd(&s->next, 1), v;
	struct vmspace *vm, *child;
	struct prng prng;
	vm_pindex_t i;
	int round;

	prng_seed(&prng, s->seed + me);
	if (vmspace_fork(s->vm, &vm) != 0)
		return;
	for (round = 0; round < 30; round++) {
		i = prng_below(&prng, 16);
		v = prng_next(&prng);
		if (!poke(vm, i, v) || vmspace_fork(vm, &child) != 0)
			continue;
		if (peek(child, i) != v || !poke(child, i, ~v) ||
		    peek(vm, i) != v)
			atomic_add(&s->wrong, 1);
		if (peek(vm, 16) != 0x77 || peek(child, 17) != 0)
			atomic_add(&s->wrong, 1);
		if (prng_below(&prng, 2) == 0) {
			sysref_put(vm);
			vm = child;
		} else {
			sysref_put(child);
		}
	}
	sysref_put(vm);
}

/* Do families that share ancestors disturb each other? */
KTEST(fault, threads_fork_storm)
{
	struct storm s = { .vm = vmspace_alloc(), .seed = t->seed };

	KT_CHECK(t, map_anon(s.vm, BASE, 18, VM_INHERIT_COPY) == 0 &&
	    poke(s.vm, 16, 0x77), "map");
	storm_run(&s, storm_forks);
	KT_CHECK(t, s.wrong == 0, "%d wrong words", s.wrong);
	KT_CHECK(t, peek(s.vm, 3) == 0 && peek(s.vm, 16) == 0x77,
	    "the ancestor changed");
	vm_check_all();
	sysref_put(s.vm);
}

/* A shared chain: writers through one front object, readers through it too. */
static void
storm_shared(void *arg)
{
	struct storm *s = arg;
	uint64_t me = (uint64_t)atomic_fetchadd(&s->next, 1), v;
	struct vmspace *vm;
	vm_offset_t va;
	unsigned i;

	if (vmspace_fork(s->vm, &vm) != 0)
		return;
	for (i = 0; i < 32; i++) {
		va = BASE + ptoa(i) + 8;
		if (user_load64(&vm->vm_map, va, &v) != 0)
			atomic_add(&s->wrong, 1);
		va += 8 * me;
		if (user_store64(&vm->vm_map, va, me + 1) != 0 ||
		    user_load64(&vm->vm_map, va, &v) != 0 || v != me + 1 ||
		    user_load64(&s->vm->vm_map, va, &v) != 0 || v != me + 1 ||
		    user_load64(&vm->vm_map, BASE + ptoa(i), &v) != 0 ||
		    v != i)
			atomic_add(&s->wrong, 1);
	}
	sysref_put(vm);
}

/* Is every write to shared memory seen by all, while it leaves an ancestor? */
KTEST(fault, threads_shared_front)
{
	struct storm s = { .vm = NULL };
	struct vmspace *a = vmspace_alloc();
	vm_pindex_t i;

	KT_CHECK(t, map_anon(a, BASE, 33, VM_INHERIT_COPY) == 0, "map");
	for (i = 0; i < 32; i++)
		KT_CHECK(t, poke(a, i, i), "write");
	KT_CHECK(t, vmspace_fork(a, &s.vm) == 0 && poke(s.vm, 32, 1), "fork");
	KT_CHECK(t, vm_map_inherit(&s.vm->vm_map, BASE, BASE + ptoa(33),
	    VM_INHERIT_SHARE) == 0, "inherit");
	storm_run(&s, storm_shared);
	KT_CHECK(t, s.wrong == 0, "%d wrong words", s.wrong);
	for (i = 0; i < 32; i++)
		KT_CHECK(t, peek(a, i) == i, "the ancestor changed");
	vm_check_all();
	sysref_put(a);
	sysref_put(s.vm);
}
