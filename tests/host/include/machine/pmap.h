/* SPDX-License-Identifier: BSD-2-Clause */
/* pmap.h (host): the reverse maps of the fake pmap (tests/host/fake_pmap.c). */
#pragma once

#include <lib/types.h>

struct fake_mapping;

/* [p] the fake's one lock. */
struct md_page {
	struct fake_mapping	*pv_list;
	unsigned		 pv_flags;	/* modified, referenced: collected */
};
