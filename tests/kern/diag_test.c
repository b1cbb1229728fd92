/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diag_test.c: do the helpers of diagnosis tell the truth: symbols, options,
 * trace, the test runner's own random numbers?
 */
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/ksyms.h>
#include <sys/ktest.h>
#include <sys/md.h>
#include <sys/trace.h>

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
