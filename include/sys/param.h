/* SPDX-License-Identifier: BSD-2-Clause */
/* param.h: sizes and limits that are not the machine's. */
#pragma once

#include <machine/param.h>	/* PAGE_SHIFT PAGE_SIZE PAGE_MASK MAXCPU KSTACK_SIZE CACHE_LINE */

#define trunc_page(x)	((x) & ~(__typeof__(x))PAGE_MASK)
#define round_page(x)	(((x) + PAGE_MASK) & ~(__typeof__(x))PAGE_MASK)
#define atop(x)		((x) >> PAGE_SHIFT)
#define ptoa(x)		((uint64_t)(x) << PAGE_SHIFT)

#define MAXCOMLEN	31	/* longest thread or process name */
#define PID_MAX		32767

#define NSEC_PER_SEC	1000000000UL
#define NSEC_PER_MSEC	1000000UL
#define NSEC_PER_USEC	1000UL
#define HZ		100	/* scheduler ticks a second */
