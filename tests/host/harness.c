/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.c: runs the host tests: chooses by glob, gives each its seed, and
 * checks after each that the baseline is back.
 */
#include "harness.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/kmalloc.h>
#include <sys/kprintf.h>
#include <sys/thread.h>
#include <sys/zone.h>
#include <vm/vm.h>
#include <vm/vm_check.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "host_os.h"

#define ARENA_BYTES	(256UL << 20)
#define CAPTURE_SIZE	(256UL << 10)

extern const struct ktest __start_ktests[], __stop_ktests[];

static bool	 baseline_off;
static char	*capture;
static size_t	 capture_len;

/* Pages are poisoned while they are free: --wrap sees every call from another
 * file. */
struct vm_page *__real_vm_phys_alloc(unsigned flags);
void		 __real_vm_phys_free(struct vm_page *m);
struct vm_page *__wrap_vm_phys_alloc(unsigned flags);
void		 __wrap_vm_phys_free(struct vm_page *m);

struct vm_page *
__wrap_vm_phys_alloc(unsigned flags)
{
	struct vm_page *m = __real_vm_phys_alloc(flags);

	if (m != NULL)
		hos_unpoison(PHYS_TO_DMAP(VM_PAGE_TO_PHYS(m)), PAGE_SIZE);
	return m;
}

void
__wrap_vm_phys_free(struct vm_page *m)
{
	hos_poison(PHYS_TO_DMAP(VM_PAGE_TO_PHYS(m)), PAGE_SIZE);
	__real_vm_phys_free(m);
}

void
ktest_fail(struct ktest_ctx *t, const char *file, int line, const char *fmt,
    ...)
{
	va_list ap;

	t->failed = true;
	kprintf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	kvprintf_cons(fmt, ap);
	va_end(ap);
	kprintf("\n");
}

void
ktest_skip(struct ktest_ctx *t, const char *fmt, ...)
{
	va_list ap;

	t->skipped = true;
	va_start(ap, fmt);
	kvsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
}

void
ktest_diag(struct ktest_ctx *t, const char *fmt, ...)
{
	va_list ap;

	(void)t;
	kprintf("# ");
	va_start(ap, fmt);
	kvprintf_cons(fmt, ap);
	va_end(ap);
	kprintf("\n");
}

void
host_no_baseline(void)
{
	baseline_off = true;
}

static void
capture_va(const char *fmt, va_list ap)
{
	int n = kvsnprintf(capture + capture_len, CAPTURE_SIZE - capture_len,
	    fmt, ap);

	capture_len = MIN(capture_len + (size_t)n, CAPTURE_SIZE - 1);
}

void
host_capture_begin(void)
{
	if (capture == NULL)
		capture = hos_alloc(CAPTURE_SIZE);
	capture_len = 0;
	capture[0] = '\0';
}

void
host_capture_pr(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	capture_va(fmt, ap);
	va_end(ap);
}

const char *
host_capture_end(void)
{
	return capture;
}

bool
host_golden(struct ktest_ctx *t, const char *name, const char *text)
{
	const char *mode = hos_getenv("GOLDEN");
	char path[128], *want;
	bool same;

	ksnprintf(path, sizeof(path), "tests/expect/%s.txt", name);
	if (mode != NULL && strcmp(mode, "write") == 0)
		return hos_write_file(path, text) == 0;
	want = hos_read_file(path, NULL);
	same = want != NULL && strcmp(want, text) == 0;
	hos_free(want);
	if (same)
		return true;
	ktest_diag(t, "differs from %s; got:\n%s", path, text);
	return false;
}

struct panics_arg {
	void	(*fn)(void *);
	void	*arg;
};

static void
panics_child(void *p)
{
	struct panics_arg *a = p;

	a->fn(a->arg);
}

bool
host_panics(void (*fn)(void *), void *arg, const char *what)
{
	static char buf[65536];
	struct panics_arg a = { fn, arg };
	int status = hos_fork_output(panics_child, &a, buf, sizeof(buf));

	if (status != 0 && strstr(buf, "PANIC") != NULL &&
	    strstr(buf, what) != NULL)
		return true;
	kprintf("# expected a panic with '%s', got status %d and:\n%s\n", what,
	    status, buf);
	return false;
}

/* glob: * matches any run of characters. */
static bool
glob(const char *g, const char *s)
{
	for (; *g != '*'; g++, s++) {
		if (*g != *s)
			return false;
		if (*g == '\0')
			return true;
	}
	for (;; s++) {
		if (glob(g + 1, s))
			return true;
		if (*s == '\0')
			return false;
	}
}

static uint64_t
hash(const char *s, uint64_t h)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3UL;
	return h;
}

static void
run_one(const struct ktest *kt, const char *name, struct ktest_ctx *t,
    uint64_t seed)
{
	struct vm_baseline before;

	*t = (struct ktest_ctx){ .name = name, .seed = seed };
	prng_seed(&t->prng, hash(name, seed));
	baseline_off = false;
	vm_baseline_take(&before);
	kt->fn(t);
	if (lockdep_depth() != 0)
		ktest_fail(t, __FILE__, __LINE__, "%u locks still held",
		    lockdep_depth());
	if (!baseline_off && vm_baseline_check(&before, kprintf) != 0)
		ktest_fail(t, __FILE__, __LINE__, "baseline not back");
}

struct tally {
	unsigned	passed, failed, skipped;
};

static void
consider(const struct ktest *kt, const char *g, uint64_t seed, bool slow,
    struct tally *n)
{
	struct ktest_ctx t;
	char name[96];
	nsec_t start;

	ksnprintf(name, sizeof(name), "%s.%s", kt->suite, kt->name);
	if (!glob(g, name) ||
	    ((kt->flags & KTEST_SLOW) != 0 && !slow && strcmp(g, name) != 0))
		return;
	start = hos_now_ns();
	run_one(kt, name, &t, seed);
	if (t.failed)
		n->failed++;
	else if (t.skipped)
		n->skipped++;
	else
		n->passed++;
	kprintf("%s %u %s%s%s (%lu ms)\n", t.failed ? "not ok" : "ok",
	    n->passed + n->failed + n->skipped, name,
	    t.skipped ? " # SKIP " : "", t.skipped ? t.why : "",
	    (hos_now_ns() - start) / NSEC_PER_MSEC);
}

static void
run_glob(const char *g, uint64_t seed, bool slow, struct tally *n)
{
	const struct ktest *kt;

	for (kt = __start_ktests; kt < __stop_ktests; kt++)
		consider(kt, g, seed, slow, n);
}

static void
world_init(void)
{
	uint64_t mem = bootopt_u64("mem", ARENA_BYTES);

	hos_arena_init(DMAP_BASE, mem);
	/* As on a PC: a piece below 640 KiB, a hole, memory, a hole, memory;
	 * and something that the loader left, to be released later. */
	vm_phys_add_region(PAGE_SIZE + 1, (640UL << 10) - 1024);
	vm_phys_add_region(mem / 2 + HOST_HOLE, mem);
	vm_phys_add_region(1UL << 20, mem / 2);
	vm_phys_reserve(HOST_RESERVED, HOST_RESERVED_END);
	vm_init();
}

int	main(int argc, char **argv);

int
main(int argc, char **argv)
{
	struct tally n = { 0, 0, 0 };
	uint64_t seed = hos_now_ns();
	bool slow = false, any = false;
	int i;

	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], "seed=", 5) == 0 &&
		    kstrtoul(argv[i] + 5, 0, &seed) != 0) {
			kprintf("htest: bad seed %s\n", argv[i]);
			return 2;
		}
		if (strcmp(argv[i], "slow=1") == 0)
			slow = true;
	}
	world_init();
	kprintf("# seed=%lu\n", seed);
	for (i = 1; i < argc; i++) {
		if (strchr(argv[i], '=') == NULL) {
			run_glob(argv[i], seed, slow, &n);
			any = true;
		}
	}
	if (!any)
		run_glob("*", seed, slow, &n);
	kprintf("%u passed, %u failed, %u skipped\n", n.passed, n.failed,
	    n.skipped);
	return n.failed != 0 || n.passed == 0;
}
