/* SPDX-License-Identifier: BSD-2-Clause */
/* kmalloc.h: untyped kernel memory: power-of-two zones up to a page, whole
 * pages from kmem above that.  Flags are those of zone.h. */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <sys/zone.h>

/* => Returns: 16-byte aligned memory; NULL only with M_NOWAIT, or when size is
 * above KMALLOC_MAX. */
void	*kmalloc(size_t size, unsigned flags);
void	 kfree(void *p);		/* NULL is allowed */
void	 kmalloc_init(void);

#define KMALLOC_MAX	(16UL << 20)
