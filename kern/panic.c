/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic.c: the end of the machine, with a report.
 *
 * The first CPU that panics stops the others by NMI and prints, in steps:
 * message, where and who, registers, backtrace, locks, the other CPUs, threads
 * that wait, the last trace events; then the machine exits with the panic's
 * code.  The report is an interface: "PANIC: " begins its first line, and tools
 * read the rest.
 *
 * I1 panicking is 0 or the index + 1 of the CPU whose report it is; it changes
 *    once.
 * I2 Nothing here locks, sleeps or allocates: spinlocks let the panicking CPU
 *    pass, kprintf goes to the console without its lock.
 * I3 A panic inside the report says so and goes on with the next step, so the
 *    report ends even if a step cannot.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/ksyms.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <sys/trace.h>

#define STOP_LIMIT	(500 * NSEC_PER_MSEC)
#define BACKTRACE_MAX	40
#define TRACE_EVENTS	32
#define THREADS_MAX	32	/* threads listed */
#define THREAD_FRAMES	9	/* and their callers */

int	panicking;

/* What the first panic was; written by it alone. */
static struct {
	enum exit_code		 code;
	const struct trapframe	*tf;		/* NULL: panic() was called */
	uint64_t		 pc, fp;
	unsigned		 step;		/* next step of the report */
	char			 msg[256];
} report;

static void __noreturn
halt(void)
{
	(void)intr_disable();
	for (;;)
		cpu_spinwait();
}

void
backtrace(uint64_t pc, uint64_t fp,
    void (*pr)(const char *fmt, ...) __printflike(1, 2))
{
	bool exact = true;	/* pc is an instruction, not a return address */
	struct ksym ks;
	unsigned n;

	for (n = 0; n < BACKTRACE_MAX; n++) {
		/* The call is before the return address, and so is its line. */
		if (ksyms_lookup(exact ? pc : pc - 1, &ks))
			pr("  #%-2u 0x%016lx %s+0x%lx %s:%u\n", n, pc, ks.func,
			    ks.offset + (exact ? 0 : 1), ks.file, ks.line);
		else
			pr("  #%-2u 0x%016lx ??\n", n, pc);
		exact = false;
		if (!md_unwind(&pc, &fp))
			return;
	}
	pr("  (more frames)\n");
}

/* ---- the steps of the report ---- */

static void
report_who(void)
{
	const struct thread *td = curthread;
	nsec_t up = md_uptime();

	kprintf("cpu%d: thread %s, tid %d, %s%s, critnest %u; up %lu.%03lu s\n",
	    curcpu, td->td_name, td->td_tid, td->td_user ? "user" : "kernel",
	    cpu_intr_depth() > 0 ? ", in an interrupt" : "", td->td_critnest,
	    up / NSEC_PER_SEC, up % NSEC_PER_SEC / NSEC_PER_MSEC);
}

static void
report_registers(void)
{
	if (report.tf != NULL)
		md_print_frame(report.tf, kprintf);
	else
		kprintf("pc %016lx  fp %016lx  stack %016lx - %016lx\n",
		    report.pc, report.fp, curthread->td_kstack,
		    curthread->td_kstack + KSTACK_SIZE);
}

static void
report_backtrace(void)
{
	kprintf("bt:\n");
	backtrace(report.pc, report.fp, kprintf);
}

static void
report_locks(void)
{
	if (curthread->td_nheld == 0)
		return;
	kprintf("locks of %s:\n", curthread->td_name);
	lockdep_print(curthread, kprintf);
}

/* Stop the others; the report then has the machine for itself. */
static void
report_stop(void)
{
	cpumask_t others = all_cpus & ~((cpumask_t)1 << curcpu), left;
	nsec_t start = md_uptime();

	if (others == 0)
		return;
	md_ipi_stop(others);
	for (left = others; left != 0 && md_uptime() - start < STOP_LIMIT;) {
		if (atomic_load(&pcpu_data[__builtin_ctzl(left)].pc_stopframe)
		    != NULL)
			left &= left - 1;
		cpu_spinwait();
	}
}

static void
report_cpu(int cpu)
{
	const struct trapframe *tf = atomic_load(&pcpu_data[cpu].pc_stopframe);
	const struct thread *td = pcpu_data[cpu].pc_curthread;
	uint64_t pc, fp;

	if (tf == NULL) {
		kprintf("cpu%d: thread %s, did not stop\n", cpu, td->td_name);
		return;
	}
	kprintf("cpu%d: thread %s, tid %d, critnest %u\n", cpu, td->td_name,
	    td->td_tid, td->td_critnest);
	if (td == &idle_thread[cpu])
		return;
	md_frame_pcfp(tf, &pc, &fp);
	backtrace(pc, fp, kprintf);
	lockdep_print(td, kprintf);
}

static void
report_cpus(void)
{
	int cpu;

	for (cpu = 0; cpu < MAXCPU; cpu++) {
		if (cpu != curcpu && (all_cpus >> cpu & 1) != 0)
			report_cpu(cpu);
	}
}

/* One thread that is on no CPU: what it waits for, and its callers. */
static void
report_thread(struct thread *td, void *arg)
{
	unsigned n, *left = arg;
	uint64_t pc, fp;
	struct ksym ks;

	if (td->td_state == TDS_RUNNING || *left == 0)
		return;
	(*left)--;
	kprintf("  tid %d %s: %s", td->td_tid, td->td_name,
	    td_state_name(td->td_state));
	if (td->td_wchan != NULL)
		kprintf(" on %s %p for %lu ms", td->td_wmesg, td->td_wchan,
		    (md_uptime() - td->td_wsince) / NSEC_PER_MSEC);
	kprintf(":");
	if (td->td_state != TDS_DEAD) {
		md_thread_pcfp(td, &pc, &fp);
		for (n = 0; n < THREAD_FRAMES && md_unwind(&pc, &fp);) {
			if (!ksyms_lookup(pc - 1, &ks) ||
			    strncmp(ks.func, "sched_", 6) == 0 ||
			    strncmp(ks.func, "sleepq_", 7) == 0)
				continue;	/* every sleeper has these */
			kprintf(" %s", ks.func);
			n++;
		}
	}
	kprintf("\n");
}

static void
report_threads(void)
{
	unsigned left = THREADS_MAX;

	kprintf("threads:\n");
	thread_foreach(report_thread, &left);
	if (left == 0)
		kprintf("  (more)\n");
}

static void
report_trace(void)
{
	kprintf("trace:\n");
	trace_dump(TRACE_EVENTS, kprintf);
}

static void (*const report_steps[])(void) = {
	report_stop, report_who, report_registers, report_backtrace,
	report_locks, report_cpus, report_threads, report_trace,
};

/* I3: entered again by a panic inside a step. */
static void __noreturn
report_run(void)
{
	while (report.step < nitems(report_steps))
		report_steps[report.step++]();
	kprintf("end of panic: %s\n", report.msg);
	md_exit((int)report.code);
	halt();
}

static void __noreturn __printflike(5, 0)
panic_common(enum exit_code code, const struct trapframe *tf, uint64_t pc,
    uint64_t fp, const char *fmt, va_list ap)
{
	char nested[128];
	int me, who = 0;

	(void)intr_disable();
	me = curcpu + 1;
	if (!atomic_fcmpset(&panicking, &who, me)) {
		if (who != me)
			halt();		/* the other's NMI is on its way */
		(void)kvsnprintf(nested, sizeof(nested), fmt, ap);
		kprintf("\nPANIC in the panic report (step %u): %s\n",
		    report.step, nested);
		report_run();
	}
	report.code = code;
	report.tf = tf;
	report.pc = pc;
	report.fp = fp;
	(void)kvsnprintf(report.msg, sizeof(report.msg), fmt, ap);
	kprintf("\nPANIC: %s\n", report.msg);
	report_run();
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
	halt();
}
