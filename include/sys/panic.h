/* SPDX-License-Identifier: BSD-2-Clause */
/* panic.h: stopping the machine, and its exit codes. */
#pragma once

#include <lib/assert.h>
#include <lib/types.h>

struct trapframe;

/*
 * Exit codes written to QEMU's isa-debug-exit port; QEMU's own status is
 * (code << 1) | 1.
 */
enum exit_code {
	EXIT_OK = 0x10,		/* verdict passed */
	EXIT_FAIL = 0x11,	/* verdict failed */
	EXIT_PANIC = 0x12,	/* panic() or KASSERT */
	EXIT_TRAP = 0x13,	/* fatal trap in the kernel */
	EXIT_NOINIT = 0x14,	/* initrd missing, truncated, or without init */
	EXIT_NOMEM = 0x15,	/* too little memory to start */
	EXIT_NOCPU = 0x16,	/* the CPU lacks something needed */
	EXIT_BOOTINFO = 0x17,	/* the loader's information is unusable */

	/* EXIT_PANIC and EXIT_TRAP by kind, where the message tells it (panic.c) */
	EXIT_ASSERT = 0x20,
	EXIT_LINK,		/* a list's links are damaged */
	EXIT_PAGE,		/* a page's state */
	EXIT_LOCKORDER,		/* lock order reversal */
	EXIT_SPINSLEEP,		/* sleep with a spinlock held */
	EXIT_LOCKDEP,		/* any other rule of the lock checker */
	EXIT_LOCK,		/* misuse that the lock itself saw */
	EXIT_DEADLOCK,		/* threads that wait for each other */
	EXIT_HANG,		/* a CPU that takes no timer tick */
	EXIT_SPIN,		/* a CPU that never switches */
	EXIT_STACK,		/* kernel stack overflow */
	EXIT_DOUBLEFAULT,
	EXIT_READ,		/* kernel page faults: read, write, fetch */
	EXIT_WRITE,
	EXIT_FETCH,
	EXIT_SMEP,
	EXIT_SMAP,
	EXIT_NX,
	EXIT_ZONE,		/* damage of allocated or freed memory */
	EXIT_NMI,
	EXIT_MACHINECHECK,
	EXIT_NESTED,		/* another panic came inside the report */
};

extern int	panicking;	/* [a] 0; index + 1 of the CPU that panics */
extern int	debugging;	/* [a] 0; index + 1 of the CPU that runs kdb */

/* panic_exit: as panic, with an exit code of its own. */
void	panic_exit(enum exit_code code, const char *fmt, ...)
	    __printflike(2, 3) __noreturn;
/* panic_trap: a fatal trap; prints frame. */
void	panic_trap(const struct trapframe *tf, const char *fmt, ...)
	    __printflike(2, 3) __noreturn;
/* backtrace: print the symbolised frames from the given frame pointer. */
void	backtrace(uint64_t pc, uint64_t fp,
	    void (*pr)(const char *fmt, ...) __printflike(1, 2));
/* poweroff: end the machine: isa-debug-exit with code, else ACPI. */
void	poweroff(enum exit_code code) __noreturn;
