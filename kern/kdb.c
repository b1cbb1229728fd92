/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kdb.c: the debugger on the console: a session, its input and its way out of a
 * command that faults.  The commands are in kdb_cmds.c.
 *
 * Break or Ctrl-] on the console enters it (uart.c); so does the end of a panic
 * report when the option kdb is given.  The other CPUs wait in an NMI until the
 * session ends; then all go on where they were.
 *
 * I1 debugging is 0 or the index + 1 of the CPU whose session it is; that CPU
 *    passes spinlocks that others hold and leaves them held (spinlock.c).
 * I2 A trap or panic inside a command ends the command and nothing else.
 *
 * Locks: none.
 */
#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/smp.h>
#include <sys/thread.h>

#include "kdb_priv.h"

BOOT_OPTION(kdb, "kdb", "after a panic: debugger on the console");

#define KDB_LINE	128
#define STOP_LIMIT	(100 * NSEC_PER_MSEC)	/* for one CPU */

#define CTRL_U		0x15
#define DEL		0x7f

int	debugging;

struct kdb_where kdb_where;

/* [t] the CPU of the session. */
static struct {
	bool	 running;		/* a command is; recover is good */
	void	*recover[5];		/* of __builtin_setjmp */
	char	 line[KDB_LINE];
	char	 why[160];		/* a command ended early */
} kdb;

static void
kdb_put(void *arg, char c)
{
	(void)arg;
	md_cons_putc(c);
}

void
kdb_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)kvprintf(kdb_put, NULL, fmt, ap);
	va_end(ap);
}

/* ---- input ---- */

static int
kdb_getc(void)
{
	int c;

	while ((c = md_cons_getc()) < 0)
		cpu_spinwait();
	return c;
}

static void
kdb_readline(void)
{
	size_t n = 0;
	int c;

	for (;;) {
		c = kdb_getc();
		if (c == '\r' || c == '\n')
			break;
		if ((c == '\b' || c == DEL) && n > 0) {
			n--;
			kdb_printf("\b \b");
		} else if (c == CTRL_U) {
			for (; n > 0; n--)
				kdb_printf("\b \b");
		} else if (c >= ' ' && c <= '~' && n < sizeof(kdb.line) - 1) {
			kdb.line[n++] = (char)c;
			md_cons_putc((char)c);
		}
	}
	kdb.line[n] = '\0';
	kdb_printf("\n");
}

static int
kdb_split(char **argv)
{
	char *p = kdb.line;
	int n = 0;

	while (n < KDB_MAXARGS) {
		while (*p == ' ')
			*p++ = '\0';
		if (*p == '\0')
			break;
		argv[n++] = p;
		while (*p != ' ' && *p != '\0')
			p++;
	}
	*p = '\0';
	return n;
}

/* ---- a session ---- */

void
kdb_recover(const char *fmt, va_list ap)
{
	if (!kdb.running || (atomic_load(&debugging) != curcpu + 1 &&
	    atomic_load(&panicking) != curcpu + 1))
		return;
	kdb.running = false;
	(void)kvsnprintf(kdb.why, sizeof(kdb.why), fmt, ap);
	__builtin_longjmp(kdb.recover, 1);
}

/* One command; false: the session ends.  Not inlined: what it has in registers
 * is lost on the way back from a fault. */
static __noinline bool
kdb_one(int argc, char **argv)
{
	struct thread *td = curthread;
	unsigned crit = td->td_critnest, held = td->td_nheld;
	volatile bool more = true;

	if (__builtin_setjmp(kdb.recover) == 0) {
		kdb.running = true;
		more = kdb_command(argc, argv);
		kdb.running = false;
		return more;
	}
	td = curthread;
	td->td_critnest = crit;
	td->td_nheld = held;
	kdb_printf("kdb: the command ended: %s\n", kdb.why);
	return true;
}

static void
kdb_loop(void)
{
	char *argv[KDB_MAXARGS];
	int argc;

	do {
		kdb_printf("kdb> ");
		kdb_readline();
		argc = kdb_split(argv);
	} while (argc == 0 || kdb_one(argc, argv));
}

static void
kdb_stop_others(void)
{
	cpumask_t left = all_cpus & ~((cpumask_t)1 << curcpu);
	nsec_t start;

	if (left != 0)
		md_ipi_stop(left);
	for (; left != 0; left &= left - 1) {
		start = md_uptime();
		while (atomic_load(&pcpu_data[__builtin_ctzl(left)].
		    pc_stopframe) == NULL && md_uptime() - start < STOP_LIMIT)
			cpu_spinwait();
	}
}

/* They notice debugging == 0 by themselves; the next session must not take the
 * frames of this one for its own. */
static void
kdb_wait_others(void)
{
	cpumask_t left = all_cpus & ~((cpumask_t)1 << curcpu);
	nsec_t start = md_uptime();

	for (; left != 0; left &= left - 1) {
		while (atomic_load(&pcpu_data[__builtin_ctzl(left)].
		    pc_stopframe) != NULL && md_uptime() - start < STOP_LIMIT)
			cpu_spinwait();
	}
}

void
kdb_enter(const struct trapframe *tf, const char *why)
{
	uint64_t flags = intr_disable();
	enum lockdep_mode mode;
	int nobody = 0;

	if (panicking != 0 ||
	    !atomic_fcmpset(&debugging, &nobody, curcpu + 1)) {
		intr_restore(flags);
		return;
	}
	md_stopping();
	kdb_stop_others();
	mode = lockdep_set_mode(LOCKDEP_OFF);	/* its rules are for others */
	kdb_where.tf = tf;
	kdb_where.sp = 0;
	kdb_where.pc = (uint64_t)__builtin_return_address(0);
	kdb_where.fp = *(const uint64_t *)__builtin_frame_address(0);
	if (tf != NULL) {
		md_frame_pcfp(tf, &kdb_where.pc, &kdb_where.fp);
		kdb_where.sp = md_frame_sp(tf);
	}
	kdb_printf("\nkdb: entered by %s on cpu%d in %s, tid %d; help lists "
	    "the commands\n", why, curcpu, curthread->td_name,
	    curthread->td_tid);
	kdb_loop();
	kdb_printf("kdb: continued\n");
	(void)lockdep_set_mode(mode);
	atomic_store(&debugging, 0);
	kdb_wait_others();
	intr_restore(flags);
}

void
kdb_panic(const struct trapframe *tf, uint64_t pc, uint64_t fp, uint64_t sp)
{
	kdb_where.tf = tf;
	kdb_where.pc = pc;
	kdb_where.fp = fp;
	kdb_where.sp = sp;
	kdb_printf("kdb: after a panic; continue ends the machine\n");
	kdb_loop();
}
