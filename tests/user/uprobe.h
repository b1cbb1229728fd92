/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uprobe.h: loads and stores that may fault: the handler of SIGSEGV and SIGBUS
 * sends a fault of one of these two instructions to a return of false; any
 * other fault ends the program.  Any thread may probe.  One file of a program
 * includes it.
 */
#pragma once

#include "ulib.h"

bool	probe_load(const volatile uint64_t *p, uint64_t *value);
bool	probe_store(volatile uint64_t *p, uint64_t value);

__asm__(
    ".globl probe_load, probe_store, probe_restorer\n"
    "probe_load:\n"
    "probe_load_at:\tmov (%rdi), %rax\n"
    "\tmov %rax, (%rsi)\n\tmov $1, %eax\n\tret\n"
    "probe_store:\n"
    "probe_store_at:\tmov %rsi, (%rdi)\n"
    "\tmov $1, %eax\n\tret\n"
    "probe_failed:\txor %eax, %eax\n\tret\n"
    "probe_restorer:\tmov $15, %eax\n\tsyscall\n");
void	probe_restorer(void);
extern const char probe_load_at[], probe_store_at[], probe_failed[];

static void
probe_fault(int sig, void *info, void *uc)
{
	unsigned long *rip = (unsigned long *)uc + 5 + 16; /* gregs[REG_RIP] */

	if (*rip != (unsigned long)probe_load_at &&
	    *rip != (unsigned long)probe_store_at) {
		printf("signal %d at %lx for %lx\n", sig, *rip,
		    ((unsigned long *)info)[2]);
		exit(1);
	}
	*rip = (unsigned long)probe_failed;
}

static void
probe_init(void)
{
	const struct {
		void		(*handler)(int, void *, void *);
		unsigned long	flags;
		void		(*restorer)(void);
		unsigned long	mask;
	} sa = { probe_fault, 0x04000004UL /* SA_RESTORER | SA_SIGINFO */,
	    probe_restorer, 0 };

	CHECK(sys4(SYS_rt_sigaction, SIGSEGV, &sa, 0, 8) == 0 &&
	    sys4(SYS_rt_sigaction, SIGBUS, &sa, 0, 8) == 0, "sigaction");
}
