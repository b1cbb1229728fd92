/* SPDX-License-Identifier: BSD-2-Clause */
/* ksyms.h: addresses to function, offset, file and line, from the table that
 * the build links in (tools/gen_ksyms.py). */
#pragma once

#include <lib/types.h>

struct ksym {
	const char	*func;
	uint64_t	 offset;	/* from the function's start; inlined: 0 */
	const char	*file;		/* "" when unknown */
	unsigned	 line;
	bool		 inlined;	/* into the next frame's function */
};

#define KSYMS_MAXFRAMES	13	/* that one address stands for */

/* ksyms_lookup: false when pc is in no known function. */
bool	ksyms_lookup(uint64_t pc, struct ksym *ks);
/*
 * ksyms_frames: the calls that pc stands for, the innermost first: functions
 * that the compiler inlined, each at the line where it was, then the function
 * itself, at the line of the outermost inlined call.  Only the last one has an
 * offset.
 * => Returns how many, at most max; 0: no known function.
 */
unsigned ksyms_frames(uint64_t pc, struct ksym *ks, unsigned max);
/* ksyms_frameless: has the function at pc no frame there (before its prologue,
 * after its epilogue)?  Then its return address is at *distance - 8 above the
 * stack pointer, and the frame pointer is its caller's. */
bool	ksyms_frameless(uint64_t pc, uint32_t *distance);
/* ksyms_build: a number that names this image, whatever built it; 0: none. */
uint64_t ksyms_build(void);
