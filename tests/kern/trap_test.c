/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap_test.c: user copies against a model of which bytes are mapped, copies
 * while the memory goes away, unwinding, and (one boot each, by their full
 * names: ktest=trap.panic_NAME) the accesses that must panic.
 */
#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/trap.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/ksyms.h>
#include <sys/callout.h>
#include <sys/ktest.h>
#include <sys/md.h>
#include <sys/thread.h>
#include <sys/uaddr.h>
#include <vm/pmap.h>
#include <vm/vm_map.h>

#include "../stress/space.h"

#define BASE		0x0000000050000000UL
#define WINDOW_PAGES	8
#define WINDOW		(WINDOW_PAGES * PAGE_SIZE)
#define COPY_MAX	(3 * PAGE_SIZE)
#define FUZZ_ROUNDS	4000
#define RACE_ROUNDS	2000

/* [t] of the test; too large for a kernel stack. */
static uint8_t	buf[COPY_MAX], model[WINDOW];

/* user_begin: this kernel thread borrows a new, empty address space. */
static struct vmspace *
user_begin(void)
{
	struct vmspace *vm = vmspace_alloc();

	if (vm != NULL)
		space_borrow(vm);
	return vm;
}

static int
user_map(struct vmspace *vm, vm_offset_t va, vm_size_t len, vm_prot_t prot)
{
	struct vm_mmap_args a = {
		.addr = va, .len = len, .prot = prot, .max_prot = VM_PROT_ALL,
		.fixed = true,
	};

	return vm_mmap(vm, &a, &va);
}

/* What each page of the window is: a hole, read-only, or writable. */
static vm_prot_t
page_prot(unsigned page)
{
	static const vm_prot_t kinds[] = {
		VM_PROT_NONE, VM_PROT_RW, VM_PROT_RW, VM_PROT_READ,
		VM_PROT_RW, VM_PROT_NONE, VM_PROT_READ, VM_PROT_RW,
	};

	CTASSERT(nitems(kinds) == WINDOW_PAGES, "one for each page");
	return kinds[page];
}

static bool
range_allows(uint64_t off, size_t len, vm_prot_t want)
{
	uint64_t end = off + len;

	for (off &= ~PAGE_MASK; off < end; off += PAGE_SIZE)
		if ((page_prot((unsigned)(off >> PAGE_SHIFT)) & want) == 0)
			return false;
	return true;
}

static int
window_map(struct vmspace *vm)
{
	unsigned i;
	int error = 0;

	memset(model, 0, sizeof(model));
	for (i = 0; i < WINDOW_PAGES && error == 0; i++)
		if (page_prot(i) != VM_PROT_NONE)
			error = user_map(vm, BASE + i * PAGE_SIZE, PAGE_SIZE,
			    page_prot(i));
	return error;
}

static bool
fuzz_copyin(uint64_t off, size_t len)
{
	int error = copyin(uaddr(BASE + off), buf, len);

	if (!range_allows(off, len, VM_PROT_READ))
		return error == EFAULT;
	return error == 0 && memcmp(buf, model + off, len) == 0;
}

/* A copy that fails may have written what lies before the fault: take the
 * model from what is there. */
static void
model_reload(uint64_t off, size_t len)
{
	for (; len > 0; off++, len--)
		if (copyin(uaddr(BASE + off), &model[off], 1) != 0)
			return;
}

static bool
fuzz_copyout(uint64_t off, size_t len, bool zero, uint8_t fill)
{
	int error;

	memset(buf, fill, len);
	error = zero ? uzero(uaddr(BASE + off), len) :
	    copyout(buf, uaddr(BASE + off), len);
	if (!range_allows(off, len, VM_PROT_WRITE)) {
		model_reload(off, len);
		return error == EFAULT;
	}
	memset(model + off, zero ? 0 : fill, len);
	return error == 0;
}

KTEST(copy, fuzz)
{
	struct vmspace *vm = user_begin();
	uint64_t off, r;
	unsigned i;
	size_t len;
	bool ok = true;

	KT_CHECK(t, vm != NULL, "no memory");
	KT_CHECK(t, window_map(vm) == 0, "cannot map");
	for (i = 0; i < FUZZ_ROUNDS && ok; i++) {
		r = prng_next(&t->prng);
		len = (r >> 8) % (r & 1 ? 40 : COPY_MAX) + 1;
		off = (r >> 32) % (WINDOW - len);
		if (r & 2)		/* end next to a page boundary */
			off = MIN((off | PAGE_MASK) + 1 - len % 16,
			    WINDOW - len);
		ok = r & 4 ? fuzz_copyin(off, len) :
		    fuzz_copyout(off, len, (r & 8) != 0, (uint8_t)(r >> 16));
	}
	space_end(vm);
	KT_CHECK(t, ok, "round %u: offset %#lx, %zu bytes", i, off, len);
}

/* Ranges that must be refused without an access: no user address space is
 * needed for that. */
KTEST(copy, ranges)
{
	static const struct {
		uint64_t	addr;
		size_t		len;
	} bad[] = {
		{ VM_MAX_USER_ADDRESS, 1 },
		{ VM_MAX_USER_ADDRESS - 8, 9 },
		{ VM_MAX_USER_ADDRESS - 8, ~(size_t)0 },
		{ 0x0000800000000000UL, 8 },
		{ 0xffff7fffffffffffUL, 8 },
		{ 0, (size_t)VM_MAX_USER_ADDRESS + 1 },
		{ DMAP_BASE, 8 }, { KERNBASE, 8 }, { KERNBASE + 0x100000, 64 },
		{ ~0UL, 1 }, { ~0UL - 7, 8 }, { ~0UL - 3, 8 }, { 8, ~0UL },
	};
	char c[8];
	uint64_t v;
	uint32_t w;
	unsigned i;
	size_t n;

	for (i = 0; i < nitems(bad); i++) {
		struct uaddr u = uaddr(bad[i].addr);

		KT_CHECK(t, (copyin)(u, c, bad[i].len) == EFAULT, "%u", i);
		KT_CHECK(t, (copyout)(c, u, bad[i].len) == EFAULT, "%u", i);
		KT_CHECK(t, uzero(u, bad[i].len) == EFAULT, "%u", i);
		KT_CHECK(t, copyinstr(u, c, sizeof(c), &n) == EFAULT, "%u", i);
		KT_CHECK(t, fuword64(u, &v) == EFAULT, "%u", i);
		KT_CHECK(t, fuword32(u, &w) == EFAULT, "%u", i);
		KT_CHECK(t, suword64(u, 0) == EFAULT, "%u", i);
		KT_CHECK(t, suword32(u, 0) == EFAULT, "%u", i);
		KT_CHECK(t, casuword32(u, 0, 0, &w) == EFAULT, "%u", i);
	}
	KT_CHECK(t, copyin(uaddr(VM_MAX_USER_ADDRESS), c, 0) == 0, "empty");
}

KTEST(copy, strings)
{
	struct vmspace *vm = user_begin();
	vm_offset_t end = BASE + PAGE_SIZE;
	char s[16];
	size_t n = 99;
	int e[6];

	KT_CHECK(t, vm != NULL, "no memory");
	KT_CHECK(t, user_map(vm, BASE, PAGE_SIZE, VM_PROT_RW) == 0, "map");
	e[0] = copyout("abcdefg", uaddr(end - 8), 8);
	e[1] = copyinstr(uaddr(end - 8), s, sizeof(s), &n);
	e[2] = copyinstr(uaddr(end - 8), s, 8, NULL);
	e[3] = copyinstr(uaddr(end - 8), s, 7, NULL);
	e[4] = copyout("h", uaddr(end - 1), 1);
	e[5] = copyinstr(uaddr(end - 8), s, sizeof(s), NULL);
	space_end(vm);
	KT_CHECK(t, e[0] == 0 && e[4] == 0, "%d %d", e[0], e[4]);
	KT_CHECK(t, e[1] == 0 && n == 8, "%d, %zu bytes", e[1], n);
	KT_CHECK(t, e[2] == 0, "exact size: %d", e[2]);
	KT_CHECK(t, e[3] == ENAMETOOLONG, "one byte short: %d", e[3]);
	KT_CHECK(t, e[5] == EFAULT, "no NUL before the hole: %d", e[5]);
}

KTEST(copy, words)
{
	struct vmspace *vm = user_begin();
	struct uaddr u = uaddr(BASE + 16);
	uint32_t w = 0, seen[2] = { 0, 0 };
	uint64_t v = 0;
	bool ok;

	KT_CHECK(t, vm != NULL, "no memory");
	KT_CHECK(t, user_map(vm, BASE, PAGE_SIZE, VM_PROT_RW) == 0, "map");
	ok = suword64(u, 0x1122334455667788) == 0 && fuword64(u, &v) == 0 &&
	    fuword32(uaddr_add(u, 4), &w) == 0 && suword32(u, 5) == 0 &&
	    casuword32(u, 4, 6, &seen[0]) == 0 &&
	    casuword32(u, 5, 7, &seen[1]) == 0;
	KT_CHECK(t, v == 0x1122334455667788 && w == 0x11223344, "%lx %x", v, w);
	v = 0;
	ok = ok && fuword64(u, &v) == 0;
	space_end(vm);
	KT_CHECK(t, ok, "a word access failed");
	KT_CHECK(t, seen[0] == 5 && seen[1] == 5 && (uint32_t)v == 7,
	    "compare and swap: %u %u %u", seen[0], seen[1], (uint32_t)v);
}

/* ---- copies while another thread unmaps ---- */

struct race {
	struct vmspace	*vm;
	int		 stop;		/* [a] */
	int		 done;		/* [a] */
	int		 error;		/* [a] of the mapper */
};

static void
race_mapper(void *arg)
{
	struct race *r = arg;
	int error = 0;

	while (!atomic_load(&r->stop) && error == 0) {
		error = user_map(r->vm, BASE, COPY_MAX, VM_PROT_RW);
		sched_yield();
		if (error == 0)
			error = vm_munmap(r->vm, BASE + PAGE_SIZE, PAGE_SIZE);
		sched_yield();
	}
	atomic_store(&r->error, error);
	atomic_store(&r->done, 1);
}

KTEST(copy, unmap_race)
{
	struct vmspace *vm = user_begin();
	struct race r = { .vm = vm };
	unsigned i, good = 0, bad = 0, odd = 0;
	int error;

	KT_CHECK(t, vm != NULL, "no memory");
	KT_CHECK(t, user_map(vm, BASE, COPY_MAX, VM_PROT_RW) == 0, "map");
	KT_CHECK(t, kthread_run(race_mapper, &r, "race", NULL) == 0, "thread");
	for (i = 0; i < RACE_ROUNDS; i++) {
		error = i & 1 ? copyout(buf, uaddr(BASE), COPY_MAX) :
		    copyin(uaddr(BASE), buf, COPY_MAX);
		good += error == 0;
		bad += error == EFAULT;
		odd += error != 0 && error != EFAULT;
		if (i % 16 == 0)
			sched_yield();
	}
	atomic_store(&r.stop, 1);
	while (!atomic_load(&r.done))
		sched_yield();
	space_end(vm);
	ktest_diag(t, "%u copies whole, %u refused", good, bad);
	KT_CHECK(t, odd == 0 && atomic_load(&r.error) == 0,
	    "%u copies with another error, mapper %d", odd, r.error);
}

/* ---- unwinding ---- */

/* Is a function of that name among the callers from pc and fp on? */
static bool
called_from(uint64_t pc, uint64_t fp, const char *func)
{
	struct ksym ks;
	unsigned i;

	for (i = 0; i < 32; i++) {
		if (ksyms_lookup(pc, &ks) && strcmp(ks.func, func) == 0)
			return true;
		if (!md_unwind(&pc, &fp))
			return false;
	}
	return false;
}

static bool __noinline
called_here(const char *func)
{
	return called_from((uint64_t)__builtin_return_address(0),
	    *(const uint64_t *)__builtin_frame_address(0), func);
}

KTEST(trap, unwind)
{
	KT_CHECK(t, called_here("ktest_trap_unwind"), "the caller is missing");
	KT_CHECK(t, called_here("ktest_run"), "the runner is missing");
	KT_CHECK(t, !called_here("cpu_switch"), "finds what is not there");
}

struct timer_look {
	int	done;		/* [a] */
	bool	found;
};

static void
timer_look(void *arg)
{
	struct timer_look *l = arg;

	l->found = called_here("ktest_trap_unwind_interrupt");
	atomic_store(&l->done, 1);
}

/* From an interrupt, through its trapframe, to what was interrupted. */
KTEST(trap, unwind_interrupt)
{
	struct timer_look l = { 0, false };
	struct callout c;

	callout_init(&c);
	critical_enter();	/* the timer interrupts us and nobody else */
	callout_reset(&c, md_uptime() + NSEC_PER_MSEC, timer_look, &l);
	while (!atomic_load(&l.done))
		cpu_spinwait();
	critical_exit();
	callout_drain(&c);
	KT_CHECK(t, l.found, "the interrupted function is not in the trace");
}

/* A thread that is switched out. */
static void
sleeper(void *arg)
{
	atomic_store((int *)arg, 1);
	while (atomic_load((int *)arg) != 2)
		sched_yield();
	atomic_store((int *)arg, 3);
}

KTEST(trap, unwind_other)
{
	int state = 0;
	struct thread *td;
	uint64_t pc, fp;
	bool found;

	KT_CHECK(t, thread_create(sleeper, &state, "sleeper", &td) == 0,
	    "no memory");
	/* Both on one CPU, so that it is switched out while we look. */
	sched_bind(curthread, 1);
	sched_bind(td, 1);
	thread_start(td);
	while (atomic_load(&state) != 1)
		sched_yield();
	critical_enter();
	md_thread_pcfp(td, &pc, &fp);
	found = called_from(pc, fp, "sleeper");
	critical_exit();
	sched_bind(curthread, ~(cpumask_t)0);
	atomic_store(&state, 2);
	while (atomic_load(&state) != 3)
		sched_yield();
	KT_CHECK(t, found, "the sleeping thread's stack has no sleeper");
}

KTEST(trap, peek)
{
	uint64_t v = 0, w = 42;

	KT_CHECK(t, md_peek((uint64_t)&w, &v) && v == 42, "%lu", v);
	KT_CHECK(t, !md_peek(VM_MAX_KERNEL_ADDRESS - 8, &v), "a hole");
	KT_CHECK(t, !md_peek(0xdead000000000000, &v), "not canonical");
	KT_CHECK(t, !md_peek(curthread->td_kstack - 8, &v),
	    "no guard page under the stack of %s", curthread->td_name);
}

/* ---- what must panic; each needs a boot of its own ---- */

/* Hide from the compiler what a pointer is. */
static volatile uint64_t wild;

/* wild is a user page that is in the page tables, with a ret in it. */
static bool
user_page(void)
{
	struct vmspace *vm = user_begin();

	wild = BASE;
	return vm != NULL &&
	    user_map(vm, BASE, PAGE_SIZE, VM_PROT_ALL) == 0 &&
	    suword64(uaddr(BASE), 0xc3) == 0;
}

KTEST_FLAGS(trap, panic_null, KTEST_PANIC)
{
	wild = 8;
	*(volatile int *)wild = 1;
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(trap, panic_smap, KTEST_PANIC)
{
	if (!cpu_features.smap)
		KT_SKIP(t, "no SMAP");
	KT_CHECK(t, user_page(), "no user page");
	wild = *(volatile uint64_t *)wild;
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(trap, panic_smep, KTEST_PANIC)
{
	if (!cpu_features.smep)
		KT_SKIP(t, "no SMEP");
	KT_CHECK(t, user_page(), "no user page");
	((void (*)(void))wild)();
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(trap, panic_nx, KTEST_PANIC)
{
	wild = (uint64_t)buf;
	((void (*)(void))wild)();
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(trap, panic_rodata, KTEST_PANIC)
{
	static const char text[] = "not to be changed";

	wild = (uint64_t)text;
	*(volatile char *)wild = 'x';
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(trap, panic_text, KTEST_PANIC)
{
	wild = (uint64_t)trap;
	*(volatile char *)wild = (char)0xcc;
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(trap, panic_ud, KTEST_PANIC)
{
	__asm__ volatile("ud2");
	KT_CHECK(t, false, "survived");
}

KTEST_FLAGS(trap, panic_copy_spin, KTEST_PANIC)
{
	uint64_t v;
	int error;

	KT_CHECK(t, user_page(), "no user page");
	critical_enter();
	error = fuword64(uaddr(BASE + PAGE_SIZE), &v);
	critical_exit();
	KT_CHECK(t, false, "survived: %d", error);
}

static uint64_t __noinline
recurse(uint64_t n)
{
	volatile uint64_t here[32];

	here[n % 32] = n;
	return n == ~0UL ? 0 : recurse(n + 1) + here[(n + 1) % 32];
}

static void
overflow(void *arg)
{
	(void)arg;
	wild = recurse(0);
}

KTEST_FLAGS(trap, panic_stack, KTEST_PANIC)
{
	KT_CHECK(t, kthread_run(overflow, NULL, "deep", NULL) == 0, "thread");
	for (;;)
		sched_yield();
}
