/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ktest.c: the runner of the tests in the kernel.
 *
 * Tests register in the linker set "ktests" (ktest.h) and run one after the
 * other in the calling thread, in the order suite, name, whatever order they
 * were linked in.  The output is KTAP; the last line has the counts.
 *
 * A test's random numbers depend on the seed and the test's name only, so one
 * test alone repeats what it did among all.
 */
#include <lib/assert.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/thread.h>

BOOT_OPTION(ktest_slow, "ktest_slow", "1: also run the slow tests");

extern const struct ktest __start_ktests[] __weak;
extern const struct ktest __stop_ktests[] __weak;

struct ktest_counts {
	unsigned	passed, failed, skipped;
};

/* glob: * and ? against s; glob ends at a comma or at its end. */
static bool
glob_match(const char *glob, const char *s)
{
	const char *star = NULL, *from = NULL;

	while (*s != '\0') {
		if (*glob == '*') {
			star = glob++;
			from = s;
		} else if (*glob == '?' || *glob == *s) {
			glob++;
			s++;
		} else if (star != NULL) {
			glob = star + 1;	/* * takes one more */
			s = ++from;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0' || *glob == ',';
}

static bool
glob_any(const char *globs, const char *s)
{
	for (; globs != NULL; globs = strchr(globs, ',')) {
		if (*globs == ',')
			globs++;
		if (glob_match(globs, s))
			return true;
	}
	return false;
}

static void
ktest_fullname(const struct ktest *kt, char *buf, size_t size)
{
	(void)ksnprintf(buf, size, "%s.%s", kt->suite, kt->name);
}

static bool
ktest_chosen(const struct ktest *kt, const char *globs)
{
	char name[80];

	ktest_fullname(kt, name, sizeof(name));
	if (!glob_any(globs, name))
		return false;
	if (strstr(globs, name) != NULL)
		return true;
	return (kt->flags & KTEST_PANIC) == 0 &&
	    ((kt->flags & KTEST_SLOW) == 0 || bootopt_bool("ktest_slow"));
}

/* The chosen test that follows last (NULL: the first) by name. */
static const struct ktest *
ktest_next(const struct ktest *last, const char *globs)
{
	const struct ktest *kt, *best = NULL;
	char lastname[80] = "", bestname[80] = "", name[80];

	if (last != NULL)
		ktest_fullname(last, lastname, sizeof(lastname));
	for (kt = __start_ktests; kt < __stop_ktests; kt++) {
		ktest_fullname(kt, name, sizeof(name));
		if (strcmp(name, lastname) <= 0 || !ktest_chosen(kt, globs))
			continue;
		if (best == NULL || strcmp(name, bestname) < 0) {
			best = kt;
			strlcpy(bestname, name, sizeof(bestname));
		}
	}
	return best;
}

void
ktest_fail(struct ktest_ctx *t, const char *file, int line,
    const char *fmt, ...)
{
	va_list ap;
	int n;

	t->failed = true;
	n = ksnprintf(t->why, sizeof(t->why), "%s:%d: ", file, line);
	va_start(ap, fmt);
	if ((size_t)n < sizeof(t->why))
		(void)kvsnprintf(t->why + n, sizeof(t->why) - (size_t)n, fmt,
		    ap);
	va_end(ap);
}

void
ktest_skip(struct ktest_ctx *t, const char *fmt, ...)
{
	va_list ap;

	t->skipped = true;
	va_start(ap, fmt);
	(void)kvsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
}

void
ktest_diag(struct ktest_ctx *t, const char *fmt, ...)
{
	char buf[160];
	va_list ap;

	va_start(ap, fmt);
	(void)kvsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	kprintf("# %s: %s\n", t->name, buf);
}

static uint64_t
ktest_mix(uint64_t seed, const char *name)
{
	for (; *name != '\0'; name++)
		seed = (seed ^ (uint64_t)(unsigned char)*name) *
		    0x100000001b3UL;	/* FNV-1a's prime */
	return seed;
}

static void
ktest_one(const struct ktest *kt, unsigned number, uint64_t seed,
    struct ktest_counts *n)
{
	struct ktest_ctx t = { .seed = seed };
	unsigned crit = curthread->td_critnest;
	nsec_t start = md_uptime();
	char name[80];

	ktest_fullname(kt, name, sizeof(name));
	t.name = name;
	prng_seed(&t.prng, ktest_mix(seed, name));
	kprintf("# %s: start, seed %lu\n", name, seed);
	kt->fn(&t);
	if (lockdep_depth() != 0 || curthread->td_critnest != crit)
		panic("%s returned with %u locks held, critnest %u", name,
		    lockdep_depth(), curthread->td_critnest);
	if (t.failed) {
		n->failed++;
		kprintf("not ok %u %s # %s\n", number, name, t.why);
	} else if (t.skipped) {
		n->skipped++;
		kprintf("ok %u %s # SKIP %s\n", number, name, t.why);
	} else {
		n->passed++;
		kprintf("ok %u %s # %lu ms\n", number, name,
		    (md_uptime() - start) / NSEC_PER_MSEC);
	}
}

unsigned
ktest_run(const char *glob, uint64_t seed)
{
	struct ktest_counts n = { 0, 0, 0 };
	const struct ktest *kt;
	unsigned number = 0;

	for (kt = ktest_next(NULL, glob); kt != NULL;
	    kt = ktest_next(kt, glob))
		number++;
	kprintf("KTAP version 1\n1..%u\n", number);
	number = 0;
	for (kt = ktest_next(NULL, glob); kt != NULL;
	    kt = ktest_next(kt, glob))
		ktest_one(kt, ++number, seed, &n);
	kprintf("ktest: %u passed, %u failed, %u skipped\n", n.passed,
	    n.failed, n.skipped);
	if (number == 0)
		kprintf("ktest: no test is named %s\n", glob);
	return number == 0 ? 1 : n.failed;
}
