/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic_test.c: each way to end in a panic, for one boot each (ktest= with the
 * exact name): does the report come out whole, with the exit code of its kind?  Traps
 * and stack overflow are in trap_test.c.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <machine/vmparam.h>
#include <sys/diag.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/lock.h>
#include <sys/lockdep.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

#include "kt_group.h"

static struct spinlock	low = SPINLOCK_INITIALIZER("kt_low", LO_OBJLIST, 0);
static struct spinlock	high = SPINLOCK_INITIALIZER("kt_high", LO_PAGEQ, 0);
static struct kt_group	group;

/* EXIT_PANIC; the report shows both locks. */
KTEST_FLAGS(panic, kassert, KTEST_PANIC)
{
	spin_lock(&low);
	spin_lock(&high);
	KASSERT(t->failed, "a test must fail here: %d is not %d", 1, 2);
	panic("DEBUG=0: %s", t->name);
}

/* EXIT_NOINIT: panic_exit keeps its code. */
KTEST_FLAGS(panic, exit_code, KTEST_PANIC)
{
	panic_exit(EXIT_NOINIT, "%s", t->name);
}

/* EXIT_PANIC, and the names of both locks in the first line. */
KTEST_FLAGS(panic, lockdep, KTEST_PANIC)
{
	(void)t;
	lockdep_set_mode(LOCKDEP_PANIC);
	spin_lock(&high);
	spin_lock(&low);
}

/* EXIT_PANIC: the holder of a lock takes it again. */
KTEST_FLAGS(panic, deadlock, KTEST_PANIC)
{
	(void)t;
	lockdep_set_mode(LOCKDEP_OFF);
	spin_lock(&low);
	spin_lock(&low);
}

static void
panic_worker(struct kt_thread *kt)
{
	panic("thread %u of %u", kt->index, kt->group->nthreads);
}

/* EXIT_PANIC: all CPUs panic at once; one report comes out. */
KTEST_FLAGS(panic, everywhere, KTEST_PANIC)
{
	(void)kt_group_run(&group, t, 2 * (unsigned)mp_ncpus, panic_worker,
	    NULL);
}

/* ---- one kind of fault each; tools/panic_test.py knows what is expected ---- */

/* Hide from the compiler what a pointer is. */
static volatile uint64_t wild;

#define UNMAPPED	(VM_MAX_KERNEL_ADDRESS - 8 * PAGE_SIZE)

KTEST_FLAGS(panic, wild_read, KTEST_PANIC)
{
	wild = UNMAPPED;
	wild = *(volatile uint64_t *)wild;
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(panic, wild_write, KTEST_PANIC)
{
	wild = UNMAPPED + 64;
	*(volatile uint64_t *)wild = 1;
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(panic, null_call, KTEST_PANIC)
{
	wild = 0;
	((void (*)(void))wild)();
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(panic, wild_jump, KTEST_PANIC)
{
	wild = UNMAPPED + 128;
	((void (*)(void))wild)();
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(panic, not_canonical, KTEST_PANIC)
{
	wild = 0xdead000000000000UL;
	wild = *(volatile uint64_t *)wild;
	KT_CHECK(t, false, "survived");
}

/* The frame pointer is wild, then one that leads to itself: the walk ends. */
static void __noreturn
panic_with_fp(const void *fp, const char *fmt)
{
	__asm__ volatile("movq %0, %%rbp; xorl %%eax, %%eax; call panic"
	    :: "a"(fp), "D"(fmt) : "memory");
	__builtin_unreachable();
}

KTEST_FLAGS(panic, wild_fp, KTEST_PANIC)
{
	(void)t;
	panic_with_fp((const void *)UNMAPPED, "a wild frame pointer");
}

KTEST_FLAGS(panic, fp_ring, KTEST_PANIC)
{
	static uint64_t ring_frame[2];

	(void)t;
	ring_frame[0] = (uint64_t)ring_frame;
	ring_frame[1] = (uint64_t)panic_with_fp + 1;
	panic_with_fp(ring_frame, "a frame that leads to itself");
}

/* The subject is an entry of a map. */
KTEST_FLAGS(panic, map_entry, KTEST_PANIC)
{
	const struct vm_map_args args = { .prot = VM_PROT_RW,
	    .max_prot = VM_PROT_ALL };
	struct vmspace *vm = vmspace_alloc();
	const struct vm_map_entry *entry;
	struct rb_node *n;

	KT_CHECK(t, vm != NULL, "no memory");
	vm_map_lock(&vm->vm_map);
	KT_CHECK(t, vm_map_insert(&vm->vm_map, USER_MMAP_BASE,
	    USER_MMAP_BASE + PAGE_SIZE, &args) == 0, "insert");
	n = rb_first(&vm->vm_map.tree);
	entry = container_of(n, struct vm_map_entry, link);
	panic("entry %p is told of", (const void *)entry);
}

KTEST_FLAGS(panic, divide, KTEST_PANIC)
{
	wild = 0;
	wild = 7 / wild;
	KT_CHECK(t, false, "survived");
}

/* No stack to push a frame on: #PF becomes #DF. */
KTEST_FLAGS(panic, double_fault, KTEST_PANIC)
{
	__asm__ volatile("movq %0, %%rsp; pushq %%rax" :: "r"(UNMAPPED));
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(panic, spin_sleep, KTEST_PANIC)
{
	lockdep_set_mode(LOCKDEP_PANIC);
	spin_lock(&low);
	(void)tsleep(t, 0, "ktspin", NSEC_PER_MSEC);
	spin_unlock(&low);
	KT_CHECK(t, false, "survived");
}

/* The subject is the page, found by its address in the message. */
KTEST_FLAGS(panic, page_mapped, KTEST_PANIC)
{
	struct vm_object *object = vm_object_allocate(OBJT_DEFAULT, 4);
	struct pmap *pmap = pmap_create();
	struct vm_page *m;

	KT_CHECK(t, pmap != NULL, "no memory");
	vm_object_lock(object);
	m = vm_page_alloc(object, 2, VM_ALLOC_ZERO);
	if (m != NULL && pmap_enter(pmap, USER_MMAP_BASE, m, VM_PROT_RW,
	    VM_PROT_WRITE, 0) == 0)
		vm_page_free(m);
	vm_object_unlock(object);
	KT_CHECK(t, false, "survived");
}

/* Written after it was freed: the poison tells. */
KTEST_FLAGS(panic, use_after_free, KTEST_PANIC)
{
	struct zone *z = zone_create("ktpanic", 64, 8, NULL, 0);
	volatile uint64_t *p = zone_alloc(z, M_WAITOK);

	p[1] = 1;
	zone_free(z, (void *)(uintptr_t)p);
	p[1] = 2;
	zone_check(z);
	KT_CHECK(t, false, "survived");
}

/* A panic inside the report: the report goes on and ends. */
static void
panic_again(void)
{
	volatile struct spinlock *l = (void *)UNMAPPED;

	panic_test_step = NULL;
	wild = l->sl_word;
}

KTEST_FLAGS(panic, nested, KTEST_PANIC)
{
	panic_test_step = panic_again;
	panic("%s: the outer one", t->name);
}

static void
hang_hard(void *arg)
{
	(void)arg;
	(void)intr_disable();
	for (;;)
		cpu_spinwait();
}

/* Another CPU has its interrupts off for ever. */
KTEST_FLAGS(panic, hang, KTEST_PANIC)
{
	struct thread *td;

	KT_CHECK(t, mp_ncpus > 1, "one CPU has nobody to watch it");
	KT_CHECK(t, thread_create(hang_hard, NULL, "hung", &td) == 0,
	    "no memory");
	sched_bind(td, (cpumask_t)1 << (curcpu == 0 ? 1 : 0));
	thread_start(td);
	(void)tsleep(t, 0, "kthang", 60 * NSEC_PER_SEC);
	KT_CHECK(t, false, "survived");
}

/* All CPUs, which may be one, have: only an NMI can tell. */
KTEST_FLAGS(panic, hang_all, KTEST_PANIC)
{
	struct thread *td;
	int cpu;

	for (cpu = 0; cpu < mp_ncpus; cpu++) {
		if (cpu == curcpu)
			continue;
		KT_CHECK(t, thread_create(hang_hard, NULL, "hung", &td) == 0,
		    "no memory");
		sched_bind(td, (cpumask_t)1 << cpu);
		thread_start(td);
	}
	hang_hard(NULL);
}

/* This CPU ticks, but never switches. */
KTEST_FLAGS(panic, spin, KTEST_PANIC)
{
	(void)t;
	critical_enter();
	for (;;)
		cpu_spinwait();
}

static struct rwlock	ring[2];	/* [c] but for the locks themselves */
static int		ring_taken;	/* [a] */

static void
ring_worker(void *arg)
{
	struct rwlock *first = arg, *second = &ring[first == ring];

	rw_wlock(first);
	atomic_add(&ring_taken, 1);
	while (atomic_load(&ring_taken) != 2)
		sched_yield();
	rw_wlock(second);
}

/* Two threads that wait for each other. */
KTEST_FLAGS(panic, deadlock_ring, KTEST_PANIC)
{
	unsigned i;

	lockdep_set_mode(LOCKDEP_OFF);
	for (i = 0; i < 2; i++)
		rw_init(&ring[i], i == 0 ? "kt_ring0" : "kt_ring1", LO_NONE, 0);
	for (i = 0; i < 2; i++)
		KT_CHECK(t, kthread_run(ring_worker, &ring[i],
		    i == 0 ? "ring0" : "ring1", NULL) == 0, "no memory");
	(void)tsleep(t, 0, "ktring", 60 * NSEC_PER_SEC);
	KT_CHECK(t, false, "survived");
}
