/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_pager_test.c: faults on the pages of files, the contract between fault and
 * pager, and wiring of such pages.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/sleepq.h>
#include <sys/thread.h>
#include <vm/vm_fault.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "vm_fault_test.h"

/* A file of 4 pages whose byte is 0xf0 + index; it can be made to fail. */
struct test_file {
	int		 reads;			/* [a] */
	int		 deallocs;		/* [a] */
	int		 fail;			/* [a] error of the next reads */
	int		 delay;			/* a read takes a while */
	struct vmspace	*touch;			/* once, during a read: touch */
	vm_pindex_t	 touch_page;		/* this page of this space */
};

static bool
file_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	(void)object;
	return pindex < 4;
}

static void
touch_page(void *arg)
{
	struct test_file *file = arg;
	struct vmspace *vm = file->touch;

	file->touch = NULL;
	(void)peek(vm, file->touch_page);
}

static int
file_getpage(struct vm_object *object, struct vm_page *m)
{
	struct test_file *file = object->handle;

	atomic_add(&file->reads, 1);
	if (file->delay != 0)
		(void)tsleep(file, 0, "tstio", 2000000);
	if (file->touch != NULL)
		host_thread_join(host_thread_start(touch_page, file));
	if (atomic_load(&file->fail) != 0)
		return atomic_swap(&file->fail, 0);
	memset(pmap_page_kva(m), 0xf0 + (int)m->pindex, PAGE_SIZE);
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
file_dealloc(struct vm_object *object)
{
	struct test_file *file = object->handle;

	atomic_add(&file->deallocs, 1);
}

static const struct vm_pager_ops file_ops = {
	.name = "test",
	.haspage = file_haspage,
	.getpage = file_getpage,
	.dealloc = file_dealloc,
};

/* Map npages of the file at BASE; the object's reference goes to the map. */
static struct vmspace *
map_file(struct test_file *file, vm_pindex_t npages, bool shared)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map_args a = { .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	    .inherit = shared ? VM_INHERIT_SHARE : VM_INHERIT_COPY,
	    .eflags = shared ? 0 : MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY };

	a.object = vm_pager_allocate(&file_ops, file, 4);
	if (map_at(vm, BASE, npages, &a) != 0)
		panic("no mapping of the test file");
	return vm;
}

static uint64_t
file_word(unsigned i)
{
	return 0x0101010101010101UL * (0xf0 + i);
}

/* Is a file read once a page, and never written by a private mapping? */
KTEST(pager, private)
{
	struct test_file file = { 0 };
	struct vmspace *a = map_file(&file, 4, false), *b;
	struct vm_object *object = entry_at(a, BASE)->object;

	KT_CHECK(t, peek(a, 0) == file_word(0) && file.reads == 1, "read");
	KT_CHECK(t, mapped_prot(a, 0) == VM_PROT_READ, "not writable yet");
	KT_CHECK(t, poke(a, 0, 1) && poke(a, 1, 2) && file.reads == 2,
	    "%d reads", file.reads);
	KT_CHECK(t, peek(a, 0) == 1 && peek(a, 3) == file_word(3), "bytes");
	KT_CHECK(t, vmspace_fork(a, &b) == 0 && peek(b, 1) == 2 &&
	    peek(b, 2) == file_word(2) && poke(b, 2, 5), "child");
	KT_CHECK(t, peek(a, 2) == file_word(2) && file.reads == 4,
	    "%d reads", file.reads);
	KT_CHECK(t, (object->flags & OBJ_MIGHTBEDIRTY) == 0, "dirty");
	show_begin();
	show(b, "child of a private mapping of a file");
	KT_CHECK(t, show_golden(t, "pager_private"), "golden");
	vm_check_all();
	sysref_put(a);
	KT_CHECK(t, file.deallocs == 0, "child still has it");
	sysref_put(b);
	KT_CHECK(t, file.deallocs == 1, "%d deallocs", file.deallocs);
}

/* Do two users of a shared mapping see one page, and is it marked? */
KTEST(pager, shared)
{
	struct test_file file = { 0 };
	struct vmspace *a = map_file(&file, 4, true), *b;

	KT_CHECK(t, vmspace_fork(a, &b) == 0, "fork");
	KT_CHECK(t, peek(a, 1) == file_word(1), "read");
	KT_CHECK(t, poke(b, 1, 7) && peek(a, 1) == 7 && file.reads == 1,
	    "write");
	KT_CHECK(t, (entry_at(a, BASE)->object->flags & OBJ_MIGHTBEDIRTY) != 0,
	    "not marked");
	vm_check_all();
	sysref_put(a);
	sysref_put(b);
}

/* Beyond the file's end, and when the pager fails: EIO, nothing left behind? */
KTEST(pager, errors)
{
	struct test_file file = { 0 };
	struct vmspace *vm = map_file(&file, 6, false);
	struct vm_map *map = &vm->vm_map;

	KT_CHECK(t, vm_fault(map, BASE + ptoa(4), VM_PROT_READ, 0) == EIO,
	    "read beyond the end");
	KT_CHECK(t, vm_fault(map, BASE + ptoa(5), VM_PROT_WRITE, 0) == EIO,
	    "write beyond the end");
	atomic_store(&file.fail, EIO);
	KT_CHECK(t, vm_fault(map, BASE, VM_PROT_READ, 0) == EIO, "I/O error");
	vm_check_all();
	KT_CHECK(t, peek(vm, 0) == file_word(0), "good again");
	atomic_store(&file.fail, ENOMEM);
	KT_CHECK(t, peek(vm, 1) == file_word(1) && file.reads == 4,
	    "no memory is not an error: %d reads", file.reads);
	vm_check_all();
	sysref_put(vm);
}

struct same_page {
	struct vmspace	*vm;
	int		 wrong;			/* [a] */
};

static void
read_file_pages(void *arg)
{
	struct same_page *s = arg;
	unsigned i;

	for (i = 0; i < 4; i++) {
		if (peek(s->vm, i) != file_word(i))
			atomic_add(&s->wrong, 1);
	}
}

/* Do faults that want the same page of a slow file share one read? */
KTEST(pager, read_once)
{
	struct test_file file = { .delay = 1 };
	struct same_page s = { map_file(&file, 4, false), 0 };
	struct host_thread *ht[4];
	int i;

	for (i = 0; i < 4; i++)
		ht[i] = host_thread_start(read_file_pages, &s);
	for (i = 0; i < 4; i++)
		host_thread_join(ht[i]);
	KT_CHECK(t, s.wrong == 0 && file.reads == 4, "%d wrong, %d reads",
	    s.wrong, file.reads);
	vm_check_all();
	sysref_put(s.vm);
}

static void
read_one_page(void *arg)
{
	struct same_page *s = arg;

	(void)peek(s->vm, 0);
}

/* May the mapping go while its page is being read? */
KTEST(pager, unmap_during_read)
{
	struct test_file file = { .delay = 1 };
	struct same_page s = { NULL, 0 };
	struct host_thread *ht;
	int i;

	for (i = 0; i < 5; i++) {
		s.vm = map_file(&file, 4, i % 2 == 0);
		ht = host_thread_start(read_one_page, &s);
		while (atomic_load(&file.reads) == i)
			(void)tsleep(&s, 0, "tst", 100000);
		KT_CHECK(t, vm_map_remove(&s.vm->vm_map, BASE,
		    BASE + ptoa(4)) == 0, "unmap");
		host_thread_join(ht);
		KT_CHECK(t, atomic_load(&file.deallocs) == i + 1,
		    "%d deallocs", file.deallocs);
		vm_check_all();
		sysref_put(s.vm);
	}
}

static void
read_all_pages(void *arg)
{
	struct same_page *s = arg;
	vm_pindex_t i;

	for (i = 0; i < 4; i++)
		(void)peek(s->vm, i);
}

/* The same at every moment: does the object live as long as its read? */
KTEST(pager, unmap_storm)
{
	struct test_file file = { 0 };
	struct same_page s = { NULL, 0 };
	struct host_thread *ht[2];
	int i, j;

	for (i = 0; i < 100; i++) {
		s.vm = map_file(&file, 4, false);
		for (j = 0; j < 2; j++)
			ht[j] = host_thread_start(read_all_pages, &s);
		for (j = (int)prng_below(&t->prng, 200); j > 0; j--)
			sched_yield();
		KT_CHECK(t, vm_map_remove(&s.vm->vm_map, BASE,
		    BASE + ptoa(4)) == 0, "unmap");
		for (j = 0; j < 2; j++)
			host_thread_join(ht[j]);
		sysref_put(s.vm);
	}
	vm_check_all();
	KT_CHECK(t, file.deallocs == 100, "%d deallocs", file.deallocs);
}

/* ---- wiring ---- */

/* If the last pages of a range cannot be wired, are the first unwired? */
KTEST(pager, wire_failure_undone)
{
	struct test_file file = { 0 };
	struct vmspace *vm = map_file(&file, 6, false);
	struct vm_map *map = &vm->vm_map;
	struct vm_object *object;
	vm_pindex_t i;

	KT_CHECK(t, vm_map_wire(map, BASE, BASE + ptoa(6)) == EIO,
	    "pages 4 and 5 do not exist");
	object = entry_at(vm, BASE)->object;
	vm_object_lock(object);
	for (i = 0; i < 4; i++)
		KT_CHECK(t, vm_page_lookup(object, i)->wire_count == 0,
		    "page %lu is wired", i);
	vm_object_unlock(object);
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 0, "mappings wired");
	vm_check_all();
	sysref_put(vm);
}

/*
 * Another thread maps a page of a later entry while that is in transition, and
 * then wiring fails: is that mapping not wired?
 */
KTEST(pager, wire_failure_with_others)
{
	struct test_file file = { .fail = EIO };
	struct vmspace *vm = map_file(&file, 4, false);

	KT_CHECK(t, map_anon(vm, BASE + ptoa(4), 2, VM_INHERIT_COPY) == 0,
	    "map");
	file.touch = vm;
	file.touch_page = 5;
	KT_CHECK(t, vm_map_wire(&vm->vm_map, BASE, BASE + ptoa(6)) == EIO,
	    "wire");
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 0, "mappings wired");
	vm_check_all();
	KT_CHECK(t, peek(vm, 3) == file_word(3), "page 3 is in memory");
	atomic_store(&file.fail, EIO);
	file.touch = vm;
	file.touch_page = 3;
	KT_CHECK(t, vm_map_wire(&vm->vm_map, BASE, BASE + ptoa(4)) == EIO,
	    "wire");
	KT_CHECK(t, pmap_wired_count(vm->vm_pmap) == 0, "mappings wired");
	vm_check_all();
	sysref_put(vm);
}

/* A private file page wired read-only: does its wiring follow the copy? */
KTEST(pager, wire_follows_copy)
{
	struct test_file file = { 0 };
	struct vmspace *vm = map_file(&file, 2, false);
	struct vm_map *map = &vm->vm_map;
	struct vm_object *object = entry_at(vm, BASE)->object;

	KT_CHECK(t, vm_map_protect(map, BASE, BASE + ptoa(2), VM_PROT_READ,
	    false) == 0, "read only");
	KT_CHECK(t, vm_map_wire(map, BASE, BASE + ptoa(2)) == 0, "wire");
	KT_CHECK(t, vm_map_protect(map, BASE, BASE + ptoa(2), VM_PROT_RW,
	    false) == 0, "writable");
	KT_CHECK(t, poke(vm, 0, 1) && peek(vm, 1) == file_word(1), "write");
	vm_object_lock(object);
	KT_CHECK(t, vm_page_lookup(object, 0)->wire_count == 0,
	    "the file's page is still wired");
	vm_object_unlock(object);
	vm_check_all();
	KT_CHECK(t, vm_map_unwire(map, BASE, BASE + ptoa(2)) == 0, "unwire");
	vm_check_all();
	sysref_put(vm);
}

/* ---- the contract ---- */

static int
bad_getpage(struct vm_object *object, struct vm_page *m)
{
	struct test_file *file = object->handle;

	if (file->delay == 1)
		return EINVAL;		/* an error that is not in the contract */
	if (file->delay == 2)
		return 0;		/* and the page not valid */
	m->valid = VM_PAGE_VALID;
	vm_page_unbusy(m);
	return 0;
}

static const struct vm_pager_ops bad_ops = {
	.name = "bad",
	.haspage = file_haspage,
	.getpage = bad_getpage,
	.dealloc = file_dealloc,
};

static void
bad_fault(void *arg)
{
	struct vmspace *vm = vmspace_alloc();
	struct vm_map_args a = { .prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_SHARE };

	a.object = vm_pager_allocate(&bad_ops, arg, 4);
	if (map_at(vm, BASE, 4, &a) == 0)
		(void)peek(vm, 0);
}

/* Is a pager that breaks the contract told so by name? */
KTEST(pager, contract_asserts)
{
	struct test_file file = { .delay = 1 };

	KT_CHECK(t, host_panics(bad_fault, &file, "bad: getpage returned"),
	    "unknown error");
	file.delay = 2;
	KT_CHECK(t, host_panics(bad_fault, &file, "came back invalid"),
	    "not valid");
	file.delay = 3;
	KT_CHECK(t, host_panics(bad_fault, &file, "bad: page 0 came back"),
	    "not busy");
}
