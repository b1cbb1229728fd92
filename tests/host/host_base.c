/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_base.c: output, options and the absent debug services of a kernel on a
 * host: what the host tests and the race laboratory (tests/lab) share.
 */
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/kprintf.h>
#include <sys/ksyms.h>
#include <sys/panic.h>
#include <sys/trace.h>

#include "host_os.h"

/* ---- output ---- */

void
kvprintf_cons(const char *fmt, va_list ap)
{
	char buf[512];
	int n = kvsnprintf(buf, sizeof(buf), fmt, ap);

	hos_print(buf, MIN((unsigned long)n, sizeof(buf) - 1));
}

void
kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf_cons(fmt, ap);
	va_end(ap);
}

bool
kprintf_locked(void)
{
	return false;
}

bool
ksyms_lookup(uint64_t pc, struct ksym *ks)
{
	(void)pc;
	(void)ks;
	return false;
}

void
backtrace(uint64_t pc, uint64_t fp, void (*pr)(const char *fmt, ...))
{
	pr("  (backtrace: the host's debugger has it; pc %lx fp %lx)\n", pc, fp);
}

void
trace(const char *fmt, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	(void)fmt;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
}

/* ---- options: from the environment, GNOMON_name ---- */

const char *
bootopt_str(const char *name)
{
	char buf[64];

	ksnprintf(buf, sizeof(buf), "GNOMON_%s", name);
	return hos_getenv(buf);
}

bool
bootopt_bool(const char *name)
{
	const char *s = bootopt_str(name);

	return s != NULL && strcmp(s, "0") != 0;
}

uint64_t
bootopt_u64(const char *name, uint64_t dflt)
{
	const char *s = bootopt_str(name);
	uint64_t v;

	return s != NULL && kstrtoul(s, 0, &v) == 0 ? v : dflt;
}
