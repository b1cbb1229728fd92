/* SPDX-License-Identifier: BSD-2-Clause */
/* ksyms.h: addresses to function, offset, file and line, from the table that
 * the build links in (tools/gen_ksyms.py). */
#pragma once

#include <lib/types.h>

struct ksym {
	const char	*func;
	uint64_t	 offset;	/* from the function's start */
	const char	*file;		/* "" when unknown */
	unsigned	 line;
};

/* ksyms_lookup: false when pc is in no known function. */
bool	ksyms_lookup(uint64_t pc, struct ksym *ks);
