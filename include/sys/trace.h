/* SPDX-License-Identifier: BSD-2-Clause */
/* trace.h: a ring of events per CPU, cheap enough to stay on. */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

/* trace: record fmt (a literal) and up to four words; no formatting now. */
void	trace(const char *fmt, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* trace_dump: the last n events of all CPUs merged by time. */
void	trace_dump(unsigned n, void (*pr)(const char *fmt, ...)
	    __printflike(1, 2));
/* vmlog_start: with the option vmlog=MS, a thread that prints the VM counters
 * every MS milliseconds (vmlog.c).  => Locks: none; Sleeps: for memory. */
void	vmlog_start(void);
