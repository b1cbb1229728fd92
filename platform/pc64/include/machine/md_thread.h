/* SPDX-License-Identifier: BSD-2-Clause */
/* md_thread.h: the platform's part of struct thread. */
#pragma once

#include <lib/types.h>

/* Offsets of these are in assym.h, made by tools/gen_assym.c.  [t] all; while
 * the thread is switched out they belong to who switches to it next. */
struct md_thread {
	uint64_t	 md_rsp;	/* saved stack pointer while switched out */
	void		*md_fpu;	/* XSAVE area, user threads only */
	uint64_t	 md_fsbase;	/* user FS base (TLS) */
	uint64_t	 md_gsbase;	/* user GS base */
	bool		 md_fpumem;	/* the area is being written: it, not the
					 * registers, counts */
	/* what the last trap that made a signal looked like */
	uint32_t	 md_trapno;
	uint64_t	 md_traperr;
	uint64_t	 md_trapaddr;
};
