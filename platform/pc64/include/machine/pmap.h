/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine/pmap.h: what vm/ embeds or points at; the operations are vm/pmap.h's.
 */
#pragma once

#include <lib/types.h>
#include <sys/lock.h>

struct pmap;
struct pv_entry;

/* Reverse maps of one page, in struct vm_page.  [p] pv lock of the page. */
struct md_page {
	struct pv_entry	*pv_list;
	uint32_t	 pv_count;
	uint32_t	 pv_flags;	/* PV_* modified, referenced collected */
};
