/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_wire_test.c: does wiring stay with the page that the entry shows, when the
 * memory was copied on write first and is shared now?
 *
 * First found by the race laboratory: grand:0o2,1e2/678>1.
 */
#include <sys/errno.h>
#include <sys/zone.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "vm_fault_test.h"

#define PAGES	3

/* A chain of three; the first object is in a and b, shared; c and d see those
 * behind it. */
struct shared {
	struct vmspace	*a, *b, *c, *d;
};

static bool
share(struct shared *s, bool wire_first)
{
	vm_offset_t end = BASE + ptoa(PAGES);

	s->a = vmspace_alloc();
	if (map_anon(s->a, BASE, PAGES, VM_INHERIT_COPY) != 0 ||
	    !poke(s->a, 0, 1) || !poke(s->a, 1, 2) || !poke(s->a, 2, 3) ||
	    vmspace_fork(s->a, &s->d) != 0 || !poke(s->a, 0, 1) ||
	    vmspace_fork(s->a, &s->c) != 0 || !poke(s->a, 1, 4))
		return false;
	if (vm_map_protect(&s->a->vm_map, BASE, end, VM_PROT_READ,
	    false) != 0 ||
	    (wire_first && vm_map_wire(&s->a->vm_map, BASE, end) != 0) ||
	    vm_map_inherit(&s->a->vm_map, BASE, end, VM_INHERIT_SHARE) != 0)
		return false;
	return vmspace_fork(s->a, &s->b) == 0 &&
	    vm_map_protect(&s->b->vm_map, BASE, end, VM_PROT_RW, false) == 0;
}

static void
share_end(struct ktest_ctx *t, struct shared *s)
{
	KT_CHECK(t, peek(s->c, 0) == 1 && peek(s->c, 1) == 2 &&
	    peek(s->c, 2) == 3, "who does not share sees %lx %lx %lx",
	    peek(s->c, 0), peek(s->c, 1), peek(s->c, 2));
	vm_check_all();
	sysref_put(s->b);
	vm_check_all();
	sysref_put(s->a);
	sysref_put(s->c);
	sysref_put(s->d);
}

/* Wired for reading by one, then written or wired by the other. */
static void
write_other(struct ktest_ctx *t, struct shared *s)
{
	struct vm_map *a = &s->a->vm_map, *b = &s->b->vm_map;

	vm_check_all();
	KT_CHECK(t, pmap_wired_count(s->a->vm_pmap) == PAGES, "%lu wired",
	    pmap_wired_count(s->a->vm_pmap));
	KT_CHECK(t, vm_map_wire(b, BASE, BASE + ptoa(1)) == 0, "wire");
	KT_CHECK(t, poke(s->b, 0, 5) && poke(s->b, 2, 6), "write");
	KT_CHECK(t, peek(s->a, 0) == 5 && peek(s->a, 1) == 4 &&
	    peek(s->a, 2) == 6, "shared: %lx %lx %lx", peek(s->a, 0),
	    peek(s->a, 1), peek(s->a, 2));
	KT_CHECK(t, pmap_wired_count(s->a->vm_pmap) == PAGES,
	    "%lu wired after the other's write",
	    pmap_wired_count(s->a->vm_pmap));
	vm_check_all();
	KT_CHECK(t, vm_map_unwire(b, BASE, BASE + ptoa(1)) == 0, "unwire b");
	vm_check_all();
	KT_CHECK(t, vm_map_unwire(a, BASE, BASE + ptoa(PAGES)) == 0,
	    "unwire a");
}

/* Does wiring for reading put the page where no other map will copy it? */
KTEST(wire, shared_over_backing)
{
	struct shared s;

	KT_CHECK(t, share(&s, false), "make");
	KT_CHECK(t, vm_map_wire(&s.a->vm_map, BASE, BASE + ptoa(PAGES)) == 0,
	    "wire");
	write_other(t, &s);
	share_end(t, &s);
}

/* And does fork do the same for what was wired before it is shared? */
KTEST(wire, shared_after_wired)
{
	struct shared s;

	KT_CHECK(t, share(&s, true), "make");
	KT_CHECK(t, entry_at(s.a, BASE)->object->resident_page_count == PAGES,
	    "%lu pages in front", (unsigned long)
	    entry_at(s.a, BASE)->object->resident_page_count);
	write_other(t, &s);
	share_end(t, &s);
}

/* Memory that may not even be read any more is moved too, without mapping. */
KTEST(wire, shared_after_wired_no_access)
{
	vm_offset_t end = BASE + ptoa(PAGES);
	struct vmspace *a = vmspace_alloc(), *b, *c;
	struct vm_map *map = &a->vm_map;

	KT_CHECK(t, map_anon(a, BASE, PAGES, VM_INHERIT_COPY) == 0 &&
	    poke(a, 0, 1) && poke(a, 1, 2) && poke(a, 2, 3) &&
	    vmspace_fork(a, &c) == 0, "make");
	KT_CHECK(t, vm_map_protect(map, BASE, end, VM_PROT_READ, false) == 0 &&
	    vm_map_wire(map, BASE, end) == 0 &&
	    vm_map_protect(map, BASE, end, VM_PROT_NONE, false) == 0 &&
	    vm_map_inherit(map, BASE, end, VM_INHERIT_SHARE) == 0, "wire");
	KT_CHECK(t, vmspace_fork(a, &b) == 0, "fork");
	vm_check_all();
	KT_CHECK(t, vm_map_protect(&b->vm_map, BASE, end, VM_PROT_RW, false) ==
	    0 && peek(b, 2) == 3 && poke(b, 2, 4), "write");
	vm_check_all();
	KT_CHECK(t, vm_map_unwire(map, BASE, end) == 0, "unwire");
	vm_check_all();
	KT_CHECK(t, peek(c, 2) == 3, "copy: %lx", peek(c, 2));
	sysref_put(a);
	sysref_put(b);
	sysref_put(c);
}

/* Let the nth zone item, page or mapping from now on fail; 0: none. */
static void
fail_nth(int what, uint64_t nth)
{
	struct fake_chaos chaos = { .seed = 1 };

	if (what == 0)
		zone_fail_nth(nth);
	else if (what == 1)
		vm_phys_fail_nth(nth);
	chaos.fail_nth = what == 2 ? nth : 0;
	fake_pmap_chaos(&chaos);
}

/* Does a fork that fails for want of memory lose no wiring on its way? */
KTEST(wire, shared_after_wired_fails)
{
	vm_offset_t end = BASE + ptoa(PAGES);
	struct vmspace *a = vmspace_alloc(), *b = NULL, *c;
	struct vm_map *map = &a->vm_map;
	int error = 0, failures[3] = { 0 }, what;

	KT_CHECK(t, map_anon(a, BASE, PAGES, VM_INHERIT_COPY) == 0 &&
	    poke(a, 0, 1) && poke(a, 1, 2) && poke(a, 2, 3) &&
	    vmspace_fork(a, &c) == 0 &&
	    vm_map_protect(map, BASE, end, VM_PROT_READ, false) == 0 &&
	    vm_map_wire(map, BASE, end) == 0 &&
	    vm_map_inherit(map, BASE, end, VM_INHERIT_SHARE) == 0, "make");
	for (uint64_t n = 0; n < 300 && b == NULL; n++) {
		what = (int)(n % 3);
		fail_nth(what, n / 3 + 1);
		error = vmspace_fork(a, &b);
		fail_nth(what, 0);
		vm_check_all();
		KT_CHECK(t, error == 0 || error == ENOMEM, "%d", error);
		failures[what] += error != 0;
	}
	KT_CHECK(t, error == 0 && failures[0] > 1 && failures[1] > 1,
	    "%d, failures %d %d %d", error, failures[0], failures[1],
	    failures[2]);
	KT_CHECK(t, vm_map_unwire(map, BASE, end) == 0, "unwire");
	vm_check_all();
	sysref_put(a);
	sysref_put(b);
	sysref_put(c);
}
