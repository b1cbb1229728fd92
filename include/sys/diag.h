/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diag.h: the printers that the panic report, the debugger and the watchdog
 * share.  They take no locks and read what may be gone by md_peek, so what they
 * print is exact only while the machine is stopped.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct thread;
struct trapframe;

typedef void	diag_print_fn(const char *fmt, ...) __printflike(1, 2);

/* One stack frame: inlined calls are frames of their own. */
struct diag_frame {
	uint64_t	 df_pc;
	const char	*df_func;	/* NULL: pc is in no known function */
	uint64_t	 df_offset;
	const char	*df_file;
	unsigned	 df_line;
	bool		 df_inlined;
};

/* diag_frames: the frames from pc and fp on, up to the entry from user mode;
 * returns how many, at most max.  sp: 0: pc is a return address; else pc is the
 * instruction that was to run next, with that stack pointer. */
unsigned diag_frames(uint64_t pc, uint64_t fp, uint64_t sp,
	    struct diag_frame *df, unsigned max);
void	diag_print_frames(const struct diag_frame *df, unsigned n,
	    diag_print_fn *pr);
void	diag_backtrace(uint64_t pc, uint64_t fp, uint64_t sp,
	    diag_print_fn *pr);
/* diag_thread_pcfp: where td is: running on a CPU that is stopped, switched
 * out, or (false) running now. */
bool	diag_thread_pcfp(const struct thread *td, uint64_t *pc, uint64_t *fp,
	    uint64_t *sp);
void	diag_thread_bt(const struct thread *td, diag_print_fn *pr);
/* diag_thread: one line: ids, state, what it waits for, since when, and who has
 * that. */
void	diag_thread(const struct thread *td, diag_print_fn *pr);
/* diag_threads: the line of each thread, at most max. */
void	diag_threads(diag_print_fn *pr, unsigned max);
/* diag_waits_for: the thread that has what td sleeps for (an rwlock or a busy
 * page); NULL: nobody, or not known. */
const struct thread *diag_waits_for(const struct thread *td);
/* diag_waiters: the threads that wait for a lock or page that td holds. */
void	diag_waiters(const struct thread *td, diag_print_fn *pr);
/* diag_address: what is at va: symbol, page, or zone object, with the printer
 * of its kind.  => Returns false, and prints nothing: unknown. */
bool	diag_address(uint64_t va, diag_print_fn *pr);
void	diag_zones(diag_print_fn *pr);

/* ---- the debugger on the console, kdb.c ---- */
/*
 * kdb_enter: stop the other CPUs, read commands until `continue`.
 * => Any context; tf: what the interrupt stopped, or NULL.
 */
void	kdb_enter(const struct trapframe *tf, const char *why);
/* kdb_panic: the same after a panic report, which has stopped the others. */
void	kdb_panic(const struct trapframe *tf, uint64_t pc, uint64_t fp,
	    uint64_t sp);
/* kdb_recover: a panic inside a command ends the command, and this does not
 * return; it does when no command runs on this CPU. */
void	kdb_recover(const char *fmt, va_list ap) __printflike(1, 0);

/* ---- the watchdog, watchdog.c ---- */
void	watchdog_tick(void);	/* timer interrupt, each CPU */
void	watchdog_init(void);	/* options; starts the thread that looks */
/* watchdog_nmi: an NMI that only asks where this CPU is: true, go on. */
bool	watchdog_nmi(const struct trapframe *tf);
/* watchdog_pulse: from time to time in an NMI on the boot CPU. */
void	watchdog_pulse(const struct trapframe *tf);

/* panic_at_exit: a process with this map exits: with the option panic=exit its
 * object chain is damaged first, as in the founding report. */
struct vm_map;
void	panic_at_exit(struct vm_map *map);
/* panic_test_step: run inside a panic report, for tests of that. */
extern void (*panic_test_step)(void);
