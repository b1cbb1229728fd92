/* SPDX-License-Identifier: BSD-2-Clause */
/* md_thread.h: the platform's part of struct thread. */
#pragma once

#include <lib/types.h>

/* Offsets of these are in assym.h, made by tools/gen_assym.c.  [t] all. */
struct md_thread {
	uint64_t	 md_rsp;	/* saved stack pointer while switched out */
	void		*md_fpu;	/* XSAVE area, user threads only */
	uint64_t	 md_fsbase;	/* user FS base (TLS) */
	uint64_t	 md_gsbase;	/* user GS base */
};
