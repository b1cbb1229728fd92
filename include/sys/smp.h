/* SPDX-License-Identifier: BSD-2-Clause */
/* smp.h: the set of CPUs and calls across them. */
#pragma once

#include <lib/types.h>

extern int		mp_ncpus;	/* CPUs running; md_mp_start sets both */
extern cpumask_t	all_cpus;	/* their mask, once all are up */

/*
 * smp_rendezvous: run fn(arg) on every CPU of mask (this one too when it is in
 * the mask) and wait until all have returned.
 * => fn runs in interrupt context on the others: it must not sleep or take
 *    locks that are not LK_INTR.
 * => Locks: none of rank >= LO_PMAP may be held.  Sleeps: never.
 */
void	smp_rendezvous(cpumask_t mask, void (*fn)(void *), void *arg);
void	smp_call_handler(void);		/* platform: the IPI arrived, or a poll */
