/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diag_test.c: do the helpers of diagnosis tell the truth: symbols, options,
 * trace, frames, what an address is?
 */
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/vmparam.h>
#include <sys/diag.h>
#include <sys/kprintf.h>
#include <sys/ksyms.h>
#include <sys/ktest.h>
#include <sys/md.h>
#include <sys/trace.h>
#include <sys/zone.h>
#include <vm/vm_page.h>

static unsigned	trace_lines;		/* [t] of the test */
static bool	trace_found;

static void __printflike(1, 2)
trace_count(const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	(void)va_arg(ap, uint64_t);		/* time, cpu, tid, text */
	(void)va_arg(ap, int);
	(void)va_arg(ap, int);
	text = va_arg(ap, const char *);
	va_end(ap);
	trace_lines++;
	if (strcmp(text, "ktest 11 0x16 thirty-three -4") == 0)
		trace_found = true;
}

KTEST(diag, trace)
{
	trace("ktest %lu %#lx %s %ld", 11, 22, (uint64_t)"thirty-three",
	    (uint64_t)-4);
	trace_lines = 0;
	trace_found = false;
	trace_dump(16, trace_count);
	KT_CHECK(t, trace_found, "the event is not among the last 16");
	KT_CHECK(t, trace_lines <= 16, "%u lines", trace_lines);
}

static __noinline bool
symbol_here(struct ksym *ks)
{
	return ksyms_lookup((uint64_t)__builtin_return_address(0) - 1, ks);
}

KTEST(diag, ksyms)
{
	struct ksym ks;
	bool found;

	found = symbol_here(&ks); /* the line that is looked for */
	KT_CHECK(t, found, "no symbol");
	KT_CHECK(t, strcmp(ks.func, "ktest_diag_ksyms") == 0, "in %s", ks.func);
	KT_CHECK(t, strcmp(ks.file, "tests/kern/diag_test.c") == 0, "in %s",
	    ks.file);
	KT_CHECK(t, ks.line == __LINE__ - 5, "line %u", ks.line);
	KT_CHECK(t, ksyms_lookup((uint64_t)ktest_run, &ks) && ks.offset == 0 &&
	    strcmp(ks.func, "ktest_run") == 0, "%s+%lx", ks.func, ks.offset);
	KT_CHECK(t, !ksyms_lookup(0, &ks) && !ksyms_lookup(~0UL, &ks),
	    "address 0 is in %s", ks.func);
}

KTEST(diag, bootopt)
{
	const char *s = bootopt_str("ktest");

	KT_CHECK(t, s != NULL && s[0] != '\0', "ktest= is not there");
	KT_CHECK(t, bootopt_str("ktes") == NULL, "a prefix was found");
	KT_CHECK(t, bootopt_u64("no such option", 7) == 7, "not the default");
}

KTEST(diag, backtrace)
{
	uint64_t pc = (uint64_t)__builtin_return_address(0);
	uint64_t fp = *(const uint64_t *)__builtin_frame_address(0);
	struct ksym ks;
	unsigned n;

	for (n = 0; n < 40; n++) {
		if (!ksyms_lookup(pc - 1, &ks) || !md_unwind(&pc, &fp))
			break;
		if (strcmp(ks.func, "mi_startup") == 0)
			return;
	}
	KT_CHECK(t, false, "after %u frames at %#lx", n, pc);
}

/* Inlined wherever it is called: the address of its own code. */
static inline __attribute__((__always_inline__)) uint64_t
inlined_here(void)
{
	uint64_t pc;

	__asm__ volatile("1: leaq 1b(%%rip), %0" : "=r"(pc));
	return pc;
}

static __noinline uint64_t
inlines_one(void)
{
	return inlined_here() + 1;
}

KTEST(diag, inlined_frames)
{
	struct ksym ks[4];
	uint64_t pc = inlines_one() - 1;
	unsigned n;

	n = ksyms_frames(pc, ks, nitems(ks));
	KT_CHECK(t, n == 2, "%u frames", n);
	KT_CHECK(t, ks[0].inlined && strcmp(ks[0].func, "inlined_here") == 0,
	    "the inner one is %s", ks[0].func);
	KT_CHECK(t, !ks[1].inlined && strcmp(ks[1].func, "inlines_one") == 0,
	    "the outer one is %s", ks[1].func);
	KT_CHECK(t, ks[1].line > ks[0].line, "lines %u and %u", ks[0].line,
	    ks[1].line);
	KT_CHECK(t, ksyms_frames(pc, ks, 1) == 1 && !ks[0].inlined,
	    "room for one: %s", ks[0].func);
	KT_CHECK(t, ksyms_build() != 0, "no build id");
}

/* At its first instruction a function has no frame yet. */
KTEST(diag, frameless)
{
	uint64_t pc = (uint64_t)ktest_run;
	struct diag_frame df[4];
	uint64_t stack[2] = { 0, (uint64_t)__builtin_return_address(0) };
	uint32_t distance = 0;
	unsigned n;

	KT_CHECK(t, ksyms_frameless(pc, &distance) && distance == 8,
	    "distance %u", distance);
	n = diag_frames(pc, 0, (uint64_t)&stack[1], df, nitems(df));
	KT_CHECK(t, n >= 2 && strcmp(df[0].df_func, "ktest_run") == 0 &&
	    strcmp(df[n - 1].df_func, "ktest_one") == 0,
	    "%u frames, last %s", n, df[n - 1].df_func);
}

static unsigned	address_lines;		/* [t] of the test */

static void __printflike(1, 2)
address_count(const char *fmt, ...)
{
	(void)fmt;
	address_lines++;
}

KTEST(diag, address)
{
	struct zone_where w;
	struct zone *z = zone_create("ktdiag", 40, 8, NULL, 0);
	char *p = zone_alloc(z, M_WAITOK);

	KT_CHECK(t, zone_where(p + 17, md_peek, &w) && w.obj == p &&
	    w.size == 40 && w.live && strcmp(w.name, "ktdiag") == 0,
	    "%p+17 is of %s at %p", (void *)p, w.name, w.obj);
	address_lines = 0;
	KT_CHECK(t, diag_address((uint64_t)p, address_count) &&
	    diag_address((uint64_t)ktest_run, address_count) &&
	    diag_address((uint64_t)vm_page_array, address_count) &&
	    address_lines >= 3, "%u lines", address_lines);
	zone_free(z, p);
	KT_CHECK(t, zone_where(p, md_peek, &w) && (!w.live || DEBUG == 0),
	    "a freed object is live");
	KT_CHECK(t, !zone_where((void *)DMAP_BASE, md_peek, &w),
	    "the direct map is of zone %s", w.name);
	KT_CHECK(t, !diag_address(VM_MAX_KERNEL_ADDRESS, address_count),
	    "something is at the end of the address space");
}
