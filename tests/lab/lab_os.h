/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_os.h: the seam between the laboratory (kernel headers) and its libc side
 * (lab_os.c, besides tests/host/host_os.h).  Plain C types.
 *
 * THE WORLD is all memory that a schedule may change: kernel data and bss, the
 * arena, zone addresses, and what hos_alloc gives.  Two states can be kept:
 * level 0 (after start-up), level 1 (after a scenario's preparation).  A page is
 * copied at its first write after the state was taken (found by a write
 * protection fault, once), so putting a state back is a copy of the pages that
 * some schedule has ever written since then.
 */
#pragma once

void	labos_init(void);
void	labos_region(void *start, unsigned long len);
void	labos_take(int level);
void	labos_restore(int level);
unsigned long labos_tracked(void);	/* pages copied by a restore */

/* A host fault that is no first write: called on the faulting stack. */
extern void (*labos_crash)(int sig, unsigned long addr, unsigned long pc);

void	*labos_stack(unsigned long size);	/* lowest address; guard below */
/* labos_symbol: "function file:line" of a code address. */
void	 labos_symbol(unsigned long pc, char *buf, unsigned long size);
/* want some, then fetch them all at once: labos_symbol is quick then. */
void	 labos_symbol_want(unsigned long pc);
void	 labos_symbol_fetch(void);
unsigned long labos_cpu_ns(void);
char	*labos_read(const char *path);	/* a file's text; NULL: none */
/* heap outside the world */
void	*labos_alloc(unsigned long size);	/* zeroed */
