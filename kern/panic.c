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

/* A message that begins so is of that class.  [c] */
static const struct {
	const char	*begin;
	const char	*class;
} classes[] = {
	{ "lockdep: ", "lockdep" },
	{ "watchdog: ", "watchdog" },
	{ "kernel stack overflow", "stack-overflow" },
	{ "double fault", "double-fault" },
	{ "Bad l", "bad-link" },
	{ "SMEP: ", "smep" },
	{ "SMAP: ", "smap" },
	{ "NX: ", "nx" },
	{ "kernel ", "page-fault" },
	{ "spinlock ", "lock" },
	{ "rwlock ", "lock" },
	{ "zone ", "zone" },
	{ "non-maskable", "nmi" },
	{ "machine check", "machine-check" },
};

/* The class that the message names; else what raised it.  A KASSERT's message
 * begins with its function. */
static const char *
panic_class(const struct panic_report *r)
{
	const char *func = r->nframes > 0 ? r->frame[0].df_func : NULL;
	size_t len;
	unsigned i;

	for (i = 0; i < nitems(classes); i++) {
		if (strncmp(r->msg, classes[i].begin,
		    strlen(classes[i].begin)) == 0)
			return classes[i].class;
	}
	if (r->tf != NULL)
		return "trap";
	if (func != NULL) {
		len = strlen(func);
		if (strncmp(r->msg, func, len) == 0 && r->msg[len] == ':')
			return "assert";
	}
	return r->code == EXIT_PANIC ? "panic" : "refused";
}

/* The first line, which tools group panics by. */
static void
panic_title(void)
{
	struct panic_report *r = &panic_report;
	const struct diag_frame *df;
	const char *file = "?";
	unsigned i, line = 0;
	char *c;

	r->titled = true;		/* once, even if it faults */
	for (c = r->msg; *c != '\0'; c++) {
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	}
	r->class = "panic";
	r->nframes = diag_frames(r->pc, r->fp, r->sp, r->frame,
	    nitems(r->frame));
	for (i = 0; i < r->nframes; i++) {
		df = &r->frame[i];
		if (df->df_func != NULL) {
			file = df->df_file;
			line = df->df_line;
			break;
		}
	}
	r->class = panic_class(r);
	kprintf("\nPANIC %s cpu=%d %s:%u \"%s\"\n", r->class, curcpu, file,
	    line, r->msg);
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

	r->nested++;
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

/* The caller of panic: its return address, and its frame. */
#define PANIC_PC	((uint64_t)__builtin_return_address(0))
#define PANIC_FP	(*(const uint64_t *)__builtin_frame_address(0))

void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_common(EXIT_PANIC, NULL, PANIC_PC, PANIC_FP, fmt, ap);
}

void
panic_exit(enum exit_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_common(code, NULL, PANIC_PC, PANIC_FP, fmt, ap);
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
