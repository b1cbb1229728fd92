/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * md.h: what the kernel core asks of a platform.  <machine/cpu.h> has the
 * inlines (curthread, interrupt flag, pause); these are the functions.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct thread;
struct trapframe;

/* mi_startup: kern/main.c: where the platform's start-up ends.
 * => On thread0, interrupts off, memory given to vm_phys. */
void	mi_startup(void) __noreturn;

/* clock */
nsec_t	md_uptime(void);		/* monotonic, ns since boot; any context */
nsec_t	md_walltime(void);		/* ns since 1970 */
uint64_t md_cycles(void);
void	md_delay(nsec_t ns);		/* spin */

/* threads: make td start in fn(arg) on its kernel stack when switched to */
void	md_thread_init(struct thread *td, void (*fn)(void *), void *arg);
/* md_thread_fini: the thread is off its stack for good. */
void	md_thread_fini(struct thread *td);
/* cpu_switch: save old's context, load next's (stack, FPU, GS words, address
 * space).  Called with interrupts off; returns in old when it runs again. */
void	cpu_switch(struct thread *old, struct thread *next);

/* CPUs */
void	md_ipi_call(cpumask_t mask);	/* make them run smp_call_handler */
void	md_ipi_resched(int cpu);
void	md_ipi_stop(cpumask_t mask);	/* NMI: stop for good (panic) */
/* md_nmi_pulse: from now on call watchdog_pulse on the boot CPU, interrupts on or
 * off; returns the time between two calls, 0: this machine cannot. */
nsec_t	md_nmi_pulse(void);
void	md_idle(void);			/* wait for an interrupt; interrupts off on
					 * entry, on at return */
void	md_spin_poll(void);		/* while spinning: serve shootdowns */

/* console */
void	md_cons_putc(char c);		/* polled, no locks; "\n" as "\r\n" */
void	md_cons_putraw(char c);		/* the same, as it is */
/* md_cons_getc: the next byte of input, or -1; never waits.  One caller at a
 * time.  wakeup(&md_cons_chan) follows input; no lock covers it, so a sleeper
 * needs a time-out too. */
int	md_cons_getc(void);
extern const char md_cons_chan;

/* start-up, called by mi_startup in this order */
void	md_intr_init(void);		/* interrupt controllers, timer, serial
					 * input; interrupts are still off */
void	md_mp_start(void);		/* start the other CPUs (maxcpus=) and
					 * wait until each is online */

/* end of the machine */
void	md_poweroff(void);		/* ACPI S5; returns if it cannot */
void	md_reboot(void) __noreturn;
void	md_exit(int code);		/* isa-debug-exit; returns if absent */

/* unwinding: one step from a frame pointer; false at the end */
bool	md_unwind(uint64_t *pc, uint64_t *fp);
/* md_thread_pcfp: where to start for a thread that is switched out. */
void	md_thread_pcfp(const struct thread *td, uint64_t *pc, uint64_t *fp);
/* md_frame_pcfp: where to start for code that a trap or interrupt stopped. */
void	md_frame_pcfp(const struct trapframe *tf, uint64_t *pc, uint64_t *fp);
/* md_print_frame: the registers of code that was stopped on cpu, and what the
 * CPU says of a trap, in words. */
void	md_print_frame(int cpu, const struct trapframe *tf,
	    void (*pr)(const char *fmt, ...) __printflike(1, 2));
/* md_frame_sp: the stack pointer of the stopped code. */
uint64_t md_frame_sp(const struct trapframe *tf);
/* md_frame_words: the general registers; returns how many, at most max. */
unsigned md_frame_words(const struct trapframe *tf, uint64_t *w, unsigned max);
/* md_stopping: keep this CPU's control registers for md_print_frame: whoever
 * looks around next may fault; and start the console, if nothing has yet. */
void	md_stopping(void);
/* md_peek: *val is the kernel word at va; false: not mapped. */
bool	md_peek(uint64_t va, uint64_t *val);
/* md_panic_stack: run fn on this machine's stack for panics, from its top. */
void	md_panic_stack(void (*fn)(void)) __noreturn;
void	md_halt(void) __noreturn;	/* interrupts off, for good */
