/* SPDX-License-Identifier: BSD-2-Clause */
/* param.h: sizes of this machine. */
#pragma once

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(PAGE_SIZE - 1)
#define MAXCPU		64
#define CACHE_LINE	64
#define KSTACK_PAGES	4
#define KSTACK_SIZE	(KSTACK_PAGES * PAGE_SIZE)
