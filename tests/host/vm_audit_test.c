/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_audit_test.c: do the audits of maps, pages and free memory fire, each when
 * its rule is broken by hand?  As vm_check_test.c, which has those of objects.
 */
#define VM_OBJECT_LINK_EDITOR	/* to break links on purpose */
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/thread.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "vm_fault_test.h"

/* Three mappings with holes, the first written; a stack; a page of no one. */
struct scene {
	struct vmspace	*vm;
	struct vm_map_entry *entry, *next, *stack;
	struct vm_page	*m, *unowned, *free;
};

#define STACK_TOP	(BASE + ptoa(4096))

static void
scene_make(struct scene *s)
{
	static const struct vm_map_args st = { .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL, .inherit = VM_INHERIT_COPY,
	    .eflags = MAP_ENTRY_STACK, .avail_ssize = ptoa(16) };

	s->vm = vmspace_alloc();
	if (map_anon(s->vm, BASE, 2, VM_INHERIT_COPY) != 0 ||
	    map_anon(s->vm, BASE + ptoa(4), 2, VM_INHERIT_SHARE) != 0 ||
	    map_at(s->vm, STACK_TOP - ptoa(2), 2, &st) != 0 ||
	    !poke(s->vm, 0, 1) || !poke(s->vm, 4094, 2))
		panic("no scene");
	s->entry = entry_at(s->vm, BASE);
	s->next = entry_at(s->vm, BASE + ptoa(4));
	s->stack = entry_at(s->vm, STACK_TOP - ptoa(1));
	vm_object_lock(s->entry->object);
	s->m = vm_page_lookup(s->entry->object, 0);
	vm_object_unlock(s->entry->object);
	s->unowned = vm_page_alloc_unowned(0);
	vm_phys_drain_caches();
	for (s->free = vm_page_array; (s->free->flags & PG_FREE) == 0 ||
	    s->free->order == VM_PHYS_NOORDER; s->free++)
		continue;
}

static void
scene_end(struct scene *s)
{
	vm_page_free_unowned(s->unowned);
	sysref_put(s->vm);
}

/* ---- maps ---- */

static void
break_alignment(struct scene *s)
{
	s->entry->end += 8;
}

static void
break_order(struct scene *s)
{
	s->vm->vm_map.min_offset = BASE + ptoa(1);
}

static void
break_above_map(struct scene *s)
{
	s->vm->vm_map.max_offset = STACK_TOP - ptoa(1);
}

static void
break_gap(struct scene *s)
{
	s->next->gap_before += PAGE_SIZE;
}

static void
break_max_gap(struct scene *s)
{
	s->entry->max_gap += PAGE_SIZE;
}

static void
break_count(struct scene *s)
{
	s->vm->vm_map.nentries++;
}

static void
break_size(struct scene *s)
{
	s->vm->vm_map.size += PAGE_SIZE;
}

static void
break_tree(struct scene *s)
{
	s->vm->vm_map.tree.rb_root->rb_red = true;
}

static void
break_offset_without_object(struct scene *s)
{
	s->next->offset = PAGE_SIZE;
}

static void
break_copy_without_object(struct scene *s)
{
	s->next->eflags |= MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY;
}

static void
break_needs_copy(struct scene *s)
{
	s->entry->eflags |= MAP_ENTRY_NEEDS_COPY;
}

static void
break_stack_room(struct scene *s)
{
	s->stack->offset = 0;
}

static void
break_no_stack(struct scene *s)
{
	s->next->avail_ssize = PAGE_SIZE;
}

static void
break_wired_flag(struct scene *s)
{
	s->next->eflags |= MAP_ENTRY_USER_WIRED;
}

static void
break_transition(struct scene *s)
{
	s->next->wiring_thread = curthread;
}

static void
break_maximum(struct scene *s)
{
	s->next->max_protection = VM_PROT_READ;
}

/* Everything that a wired entry says, and no page behind it. */
static void
break_wired_nothing(struct scene *s)
{
	s->next->eflags |= MAP_ENTRY_USER_WIRED;
	s->next->wired_count = 1;
	s->next->object = vm_object_allocate(OBJT_DEFAULT, 2);
}

static void
break_wirings(struct scene *s)
{
	vm_object_lock(s->entry->object);
	vm_page_wire(s->m);
	vm_object_unlock(s->entry->object);
}

static void
break_mapped_guard(struct scene *s)
{
	s->entry->eflags |= MAP_ENTRY_GUARD;
}

static void
break_mapped_nowhere(struct scene *s)
{
	vm_object_lock(s->entry->object);
	if (pmap_enter(s->vm->vm_pmap, BASE + ptoa(10), s->m, VM_PROT_READ,
	    VM_PROT_NONE, 0) != 0)
		kprintf("no mapping\n");
	vm_object_unlock(s->entry->object);
}

/* ---- pages ---- */

static void
break_page_flags(struct scene *s)
{
	s->m->flags |= PG_UNOWNED;
}

static void
break_page_owner(struct scene *s)
{
	if (!vm_page_busy_try(s->m))
		panic("busy");
	s->m->busy_owner = NULL;
}

static void
break_page_wanted(struct scene *s)
{
	s->m->busy_lock = VPB_WANTED;
}

static void
break_free_page_busy(struct scene *s)
{
	s->free->busy_lock = VPB_SHARED(1);
}

static void
break_page_lost(struct scene *s)
{
	s->unowned->wire_count = 0;
}

static void
break_free_wired(struct scene *s)
{
	s->free->wire_count = 1;
}

static void
break_free_count(struct scene *s)
{
	s->unowned->flags |= PG_FREE;
	s->unowned->wire_count = 0;
}

static void
break_inactive_wired(struct scene *s)
{
	vm_object_lock(s->entry->object);
	vm_page_deactivate(s->m);
	vm_object_unlock(s->entry->object);
	s->m->wire_count = 1;
}

static void
break_inactive_lost(struct scene *s)
{
	vm_object_lock(s->entry->object);
	vm_page_deactivate(s->m);
	vm_object_unlock(s->entry->object);
	s->m->queue = PQ_ACTIVE;
}

static void
break_inactive_count(struct scene *s)
{
	s->m->queue = PQ_INACTIVE;
}

static void
break_block_order(struct scene *s)
{
	s->free->order = (uint8_t)(s->free->order == 0 ? 1 : 0);
}

static void
break_block_flags(struct scene *s)
{
	s->free->flags &= (uint8_t)~PG_FREE;
}

static void
break_cached(struct scene *s)
{
	struct vm_page *m = s->unowned;

	vm_page_free_unowned(m);
	m->flags &= (uint8_t)~PG_FREE;
}

/* The sanitizer would say it first. */
static void __no_asan
break_free_written(struct scene *s)
{
	struct vm_page *m = s->unowned;

	vm_page_free_unowned(m);
	*(uint64_t *)pmap_page_kva(m) = 1;
	(void)vm_page_alloc_unowned(0);
}

static const struct audit_case {
	void		(*fn)(struct scene *s);
	const char	*what;
} cases[] = {
	{ break_alignment, "M2: entry" },
	{ break_order, "M1: entry" },
	{ break_above_map, "M1: entry" },
	{ break_gap, "M3: gap_before" },
	{ break_max_gap, "M3: max_gap" },
	{ break_count, "M3: map" },
	{ break_size, "M3: map" },
	{ break_tree, "tree" },
	{ break_offset_without_object, "M4: entry" },
	{ break_copy_without_object, "M4: entry" },
	{ break_needs_copy, "M4: entry" },
	{ break_stack_room, "M5: stack" },
	{ break_no_stack, "M5: entry" },
	{ break_wired_flag, "M6: entry" },
	{ break_transition, "M7: entry" },
	{ break_maximum, "above its maximum" },
	{ break_wired_nothing, "I8: entry" },
	{ break_wirings, "I8: anonymous pages" },
	{ break_mapped_guard, "I10: map" },
	{ break_mapped_nowhere, "is mapped, in no entry" },
	{ break_page_flags, "I1: page" },
	{ break_page_owner, "without owner" },
	{ break_page_wanted, "I3: page" },
	{ break_free_page_busy, "I1: page" },
	{ break_page_lost, "I1: page" },
	{ break_free_wired, "I1: page" },
	{ break_free_count, "I12:" },
	{ break_inactive_wired, "vm_pageq I1" },
	{ break_inactive_lost, "vm_pageq I1" },
	{ break_inactive_count, "I12:" },
	{ break_block_order, "vm_phys I2" },
	{ break_block_flags, "vm_phys I1" },
	{ break_cached, "vm_phys I1" },
	{ break_free_written, "was written" },
};

struct audit_run {
	struct scene		 s;
	const struct audit_case	*c;
};

static void
audit_broken(void *arg)
{
	struct audit_run *r = arg;

	r->c->fn(&r->s);
	vm_check_all();
}

KTEST(check, audits_of_maps_and_pages_fire)
{
	struct audit_run r;

	scene_make(&r.s);
	vm_check_all();
	for (unsigned i = 0; i < nitems(cases); i++) {
		r.c = &cases[i];
		KT_CHECK(t, host_panics(audit_broken, &r, cases[i].what),
		    "case %u, %s", i, cases[i].what);
	}
	vm_check_all();
	scene_end(&r.s);
}

static void
audit_unlocked(void *arg)
{
	struct scene *s = arg;

	vm_map_check(&s->vm->vm_map);
}

KTEST(check, map_audit_wants_the_lock)
{
	struct scene s;

	scene_make(&s);
	KT_CHECK(t, host_panics(audit_unlocked, &s, "is not locked"), "panic");
	scene_end(&s);
}

/* ---- printers of what is rare ---- */

/* Are a wired entry, a stack, and pages in every state told apart? */
KTEST(check, printers_of_rare_states)
{
	struct scene s;
	const char *text;

	scene_make(&s);
	KT_CHECK(t, vm_map_wire(&s.vm->vm_map, BASE, BASE + ptoa(2)) == 0,
	    "wire");
	host_capture_begin();
	vm_show_map(&s.vm->vm_map, host_capture_pr);
	vm_show_page(s.unowned, host_capture_pr);
	vm_show_page(s.free, host_capture_pr);
	KT_CHECK(t, vm_page_busy_try(s.m), "busy");
	vm_show_page(s.m, host_capture_pr);
	vm_page_unbusy(s.m);
	KT_CHECK(t, vm_page_sbusy_try(s.m), "shared busy");
	vm_show_page(s.m, host_capture_pr);
	vm_page_sunbusy(s.m);
	text = host_capture_end();
	KT_CHECK(t, strstr(text, " wired 1") != NULL &&
	    strstr(text, " grows 0x") != NULL &&
	    strstr(text, " unowned") != NULL && strstr(text, " free") != NULL &&
	    strstr(text, " busy by ") != NULL &&
	    strstr(text, " shared busy 1") != NULL, "%s", text);
	KT_CHECK(t, vm_map_unwire(&s.vm->vm_map, BASE, BASE + ptoa(2)) == 0,
	    "unwire");
	scene_end(&s);
}

/* Does a chain that is a ring end, and is a freed object called so? */
KTEST(check, printers_of_broken_objects)
{
	struct vm_object *o = vm_object_allocate(OBJT_DEFAULT, 1), ring = *o;
	const char *text;

	ring.type = OBJT_DEAD;
	ring.backing_object = &ring;
	host_capture_begin();
	vm_show_chain(&ring, host_capture_pr);
	ring.type = (enum vm_object_type)77;
	vm_show_object(&ring, host_capture_pr);
	text = host_capture_end();
	KT_CHECK(t, strstr(text, "freed") != NULL &&
	    strstr(text, "bad type") != NULL &&
	    strstr(text, "is it a ring?") != NULL, "%s", text);
	vm_object_deallocate(o);
}
