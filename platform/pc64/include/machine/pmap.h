/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine/pmap.h: what vm/ embeds or points at; the operations are vm/pmap.h's.
 * Below it what the rest of the platform and the tests call.
 */
#pragma once

#include <lib/types.h>

struct pmap;
struct pv_entry;

/*
 * Reverse maps of one page, in struct vm_page.  The first mapping is one word,
 * so a page with one mapping needs no memory and no lock for it
 * (platform/pc64/pmap_pv.c).
 */
struct md_page {
	uint64_t	 pv_word;	/* [a] pmap and va of one mapping, or 0 */
	struct pv_entry	*pv_list;	/* [p] the others */
	uint32_t	 pv_gen;	/* [p] changes of pv_list */
	uint32_t	 pv_flags;	/* [a] PV_* collected from mappings */
};

/* pmap_tlb_handler: serve the shootdowns sent to this CPU; the INTR_SHOOTDOWN
 * interrupt.  => Interrupts off. */
void	 pmap_tlb_handler(void);

/* Fault injection: the next n shootdown interrupts are not sent. */
void	 pmap_tlb_drop_next(unsigned n);
/* pmap_tlb_set_timeout: how long a sender waits before it sends again; returns
 * the former value. */
nsec_t	 pmap_tlb_set_timeout(nsec_t ns);
