/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic.c: the end of the machine, with a report.
 *
 * The first CPU that panics moves to a stack of its own, runs the steps of
 * panic_report.c and ends the machine with the panic's exit code.  The report
 * is an interface: its first line is
 *	PANIC <class> cpu=N <file:line> "<message>"
 * and it holds one JSON record between two marker lines.
 *
 * I1 panicking is 0 or the index + 1 of the CPU whose report it is; it changes
 *    once.
 * I2 Nothing here locks, sleeps or allocates: spinlocks let the panicking CPU
 *    pass, kprintf goes to the console without its lock.
 * I3 A panic inside the report is noted and the next step begins, from the top
 *    of the stack: the report ends even if no step can.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/thread.h>

#include "panic_priv.h"

BOOT_OPTION(panic_hold, "panic_hold",
    "after a panic: 1: stay, for a memory dump from outside");

int	panicking;

struct panic_report panic_report;

/* A message that begins so is of that class and ends with that code.  [c] */
static const struct {
	const char	*begin;
	const char	*class;
	enum exit_code	 code;
} classes[] = {
	{ "lockdep: L1 ", "lockdep", EXIT_LOCKORDER },
	{ "lockdep: L5 ", "lockdep", EXIT_SPINSLEEP },
	{ "lockdep: ", "lockdep", EXIT_LOCKDEP },
	{ "watchdog: deadlock", "watchdog", EXIT_DEADLOCK },
	{ "watchdog: cpu", "watchdog", EXIT_HANG },
	{ "watchdog: no CPU", "watchdog", EXIT_HANG },
	{ "watchdog: ", "watchdog", EXIT_SPIN },
	{ "kernel stack overflow", "stack-overflow", EXIT_STACK },
	{ "double fault", "double-fault", EXIT_DOUBLEFAULT },
	{ "Bad l", "bad-link", EXIT_LINK },
	{ "SMEP: ", "smep", EXIT_SMEP },
	{ "SMAP: ", "smap", EXIT_SMAP },
	{ "NX: ", "nx", EXIT_NX },
	{ "kernel reads ", "page-fault", EXIT_READ },
	{ "kernel writes ", "page-fault", EXIT_WRITE },
	{ "kernel ", "page-fault", EXIT_FETCH },
	{ "spinlock ", "lock", EXIT_LOCK },
	{ "rwlock ", "lock", EXIT_LOCK },
	{ "zone ", "zone", EXIT_ZONE },
	{ "non-maskable", "nmi", EXIT_NMI },
	{ "machine check", "machine-check", EXIT_MACHINECHECK },
	{ "page ", "page", EXIT_PAGE },
};

/* What the message says more exactly than panic's caller did. */
static void
panic_code(enum exit_code code)
{
	struct panic_report *r = &panic_report;

	if (r->code == EXIT_PANIC || r->code == EXIT_TRAP)
		r->code = code;
}

/* The class and code that the message names; else what raised it.  A KASSERT's
 * message begins with its function. */
static const char *
panic_class(const char *func)
{
	struct panic_report *r = &panic_report;
	size_t len = func != NULL ? strlen(func) : 0;
	const char *msg = r->msg, *class = NULL;
	unsigned i;

	if (len != 0 && strncmp(msg, func, len) == 0 &&
	    strncmp(msg + len, ": ", 2) == 0) {
		class = "assert";
		msg += len + 2;
	}
	for (i = 0; i < nitems(classes); i++) {
		if (strncmp(msg, classes[i].begin,
		    strlen(classes[i].begin)) == 0) {
			panic_code(classes[i].code);
			return class != NULL ? class : classes[i].class;
		}
	}
	if (class != NULL) {
		panic_code(EXIT_ASSERT);
		return class;
	}
	if (r->tf != NULL)
		return "trap";
	return r->code == EXIT_PANIC ? "panic" : "refused";
}

/* The innermost frame with a name that is not panic's own. */
static const struct diag_frame *
panic_frame(void)
{
	const struct panic_report *r = &panic_report;
	unsigned i;

	for (i = r->tf == NULL ? 1 : 0; i < r->nframes; i++) {
		if (r->frame[i].df_func != NULL)
			return &r->frame[i];
	}
	return NULL;
}

/* The first line, which tools group panics by. */
static void
panic_title(void)
{
	struct panic_report *r = &panic_report;
	const struct diag_frame *df;
	char *c;

	r->titled = true;		/* once, even if it faults */
	for (c = r->msg; *c != '\0'; c++) {
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	}
	r->class = "panic";
	r->nframes = diag_frames(r->pc, r->fp, r->sp, r->frame,
	    nitems(r->frame));
	df = panic_frame();
	r->class = panic_class(df != NULL ? df->df_func : NULL);
	kprintf("\nPANIC %s cpu=%d %s:%u \"%s\"\n", r->class, curcpu,
	    df != NULL ? df->df_file : "?", df != NULL ? df->df_line : 0,
	    r->msg);
}

/* I3: entered again, from the top of the stack, by a panic inside a step. */
static void
panic_run(void)
{
	struct panic_report *r = &panic_report;

	if (r->nested != 0)
		kprintf("\nPANIC in the panic report, step %u: %s\n", r->step,
		    r->inner);
	if (!r->titled)
		panic_title();
	while (panic_steps[r->step] != NULL)
		panic_steps[r->step++]();
	kprintf("end of panic, report took %lu ms\n",
	    (md_uptime() - r->start) / NSEC_PER_MSEC);
	if (bootopt_bool("kdb"))
		kdb_panic(r->tf, r->pc, r->fp, r->sp);
	if (bootopt_bool("panic_hold"))
		md_halt();
	md_exit((int)r->code);
	md_halt();
}

static void __noreturn __printflike(1, 0)
panic_nested(const char *fmt, va_list ap)
{
	struct panic_report *r = &panic_report;

	if (r->nested++ == 0)
		r->code = EXIT_NESTED;
	/* A message whose formatting faults is not formatted again. */
	strlcpy(r->inner, fmt, sizeof(r->inner));
	if (r->nested < 4)
		(void)kvsnprintf(r->inner, sizeof(r->inner), fmt, ap);
	md_panic_stack(panic_run);
}

static void __noreturn __printflike(5, 0)
panic_common(enum exit_code code, const struct trapframe *tf, uint64_t pc,
    uint64_t fp, const char *fmt, va_list ap)
{
	struct panic_report *r = &panic_report;
	int me, who = 0;

	(void)intr_disable();
	kdb_recover(fmt, ap);
	me = curcpu + 1;
	if (!atomic_fcmpset(&panicking, &who, me)) {
		if (who != me)
			md_halt();	/* the other's NMI is on its way */
		panic_nested(fmt, ap);
	}
	md_stopping();
	curthread->td_critnest++;	/* no switch from inside the report */
	r->start = md_uptime();
	r->code = code;
	r->tf = tf;
	r->pc = pc;
	r->fp = fp;
	r->sp = tf != NULL ? md_frame_sp(tf) : 0;
	strlcpy(r->msg, fmt, sizeof(r->msg));	/* should the next line fault */
	(void)kvsnprintf(r->msg, sizeof(r->msg), fmt, ap);
	md_panic_stack(panic_run);
}

/* In fn itself, so that panic is the innermost frame, as in a BSD. */
#define PANIC_PC(fn)	((uint64_t)(uintptr_t)(fn) + 1)
#define PANIC_FP	((uint64_t)__builtin_frame_address(0))

void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_common(EXIT_PANIC, NULL, PANIC_PC(panic), PANIC_FP, fmt, ap);
}

void
panic_exit(enum exit_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_common(code, NULL, PANIC_PC(panic_exit), PANIC_FP, fmt, ap);
}

void
panic_trap(const struct trapframe *tf, const char *fmt, ...)
{
	uint64_t pc, fp;
	va_list ap;

	md_frame_pcfp(tf, &pc, &fp);
	va_start(ap, fmt);
	panic_common(EXIT_TRAP, tf, pc, fp, fmt, ap);
}

void
poweroff(enum exit_code code)
{
	md_exit((int)code);
	md_poweroff();
	kprintf("This machine cannot be switched off by software; "
	    "it is halted.\n");
	md_halt();
}
