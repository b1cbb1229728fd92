/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmalloc.c: memory of any size.
 *
 * Why: for strings, tables and whatever is too rare for a zone of its own.
 * Sizes up to a page come from one zone for each power of two; slabs of these
 * zones are aligned alike, so kfree finds the zone by a mask and objects need no
 * header.  Above that: whole pages from the back end (kmem), whose free costs a
 * TLB shootdown.
 */
#include <sys/kmalloc.h>
#include <lib/assert.h>
#include <lib/string.h>
#include <sys/param.h>

#define KMALLOC_MINSHIFT	4
#define KMALLOC_MAXSHIFT	PAGE_SHIFT
#define KMALLOC_CLASSES		(KMALLOC_MAXSHIFT - KMALLOC_MINSHIFT + 1)

static struct zone		*kmalloc_zone[KMALLOC_CLASSES];	/* [c] */
static const char *const	 kmalloc_name[KMALLOC_CLASSES] = {
	"kmalloc-16", "kmalloc-32", "kmalloc-64", "kmalloc-128",
	"kmalloc-256", "kmalloc-512", "kmalloc-1024", "kmalloc-2048",
	"kmalloc-4096",
};

void
kmalloc_init(void)
{
	unsigned i;

	for (i = 0; i < KMALLOC_CLASSES; i++)
		kmalloc_zone[i] = zone_create_anon(kmalloc_name[i],
		    1UL << (i + KMALLOC_MINSHIFT), 16);
}

static inline unsigned
kmalloc_class(size_t size)
{
	if (size <= 1UL << KMALLOC_MINSHIFT)
		return 0;
	return 64U - (unsigned)__builtin_clzl(size - 1) - KMALLOC_MINSHIFT;
}

void *
kmalloc(size_t size, unsigned flags)
{
	void *p;

	if (size > 1UL << KMALLOC_MAXSHIFT)
		return size > KMALLOC_MAX ? NULL :
		    zone_backend->large_alloc(size, flags);
	/* Not the zone's M_ZERO: that clears the whole class. */
	p = zone_alloc(kmalloc_zone[kmalloc_class(size)], flags & ~M_ZERO);
	if (p != NULL && (flags & M_ZERO) != 0)
		memset(p, 0, size);
	return p;
}

void
kfree(void *p)
{
	if (p == NULL)
		return;
	if (zone_backend->is_large(p))
		zone_backend->large_free(p);
	else
		zone_free(zone_of(p), p);
}
