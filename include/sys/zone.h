/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone.h: typed allocation with per-CPU magazines.
 *
 * Freed objects are poisoned with 0xdb and (DEBUG >= 1) kept in a quarantine
 * ring before reuse; the poison is checked at the next allocation.  A zone is
 * type-stable: its slabs are never unmapped or given to another zone, so a
 * late unlocker may touch the lock word of a freed object.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct zone;

#define M_WAITOK	0x0	/* sleep for memory; never NULL but see below */
#define M_NOWAIT	0x1	/* NULL instead of sleeping */
#define M_ZERO		0x2
#define M_RESERVE	0x4	/* may dip into the reserve (page daemon, pmap) */

struct zone_stats {
	const char	*name;
	size_t		 size;
	uint64_t	 allocs, frees, fails;
	uint64_t	 live;		/* handed out now: the leak count */
	uint64_t	 pages;		/* pages the zone holds */
};

/*
 * zone_create: init (may be NULL) runs once when an object's memory joins the
 * zone, for what must stay valid while free (a lock).  With init given, the
 * first init_keep bytes of a free object are not poisoned.
 * => Sleeps: for memory.  Panics when there is none: start-up only.
 */
struct zone *zone_create(const char *name, size_t size, size_t align,
	    void (*init)(void *obj), size_t init_keep);
/* zone_create_anon: a zone whose objects know it (zone_of): its slabs, of
 * whatever size suits the object, begin at multiples of ZONE_SLAB_MAX. */
struct zone *zone_create_anon(const char *name, size_t size, size_t align);
#define ZONE_SLAB_MAX	(64UL << 10)
/* => Returns NULL only with M_NOWAIT, or when injected (zone_fail_nth). */
void	*zone_alloc(struct zone *z, unsigned flags);
void	 zone_free(struct zone *z, void *obj);
void	 zone_get_stats(const struct zone *z, struct zone_stats *st);
/* zone_foreach: every zone, in creation order. */
void	 zone_foreach(void (*fn)(struct zone *z, void *arg), void *arg);
/* zone_check: poison, slab counts and magazines of one zone; panics. */
void	 zone_check(struct zone *z);
/* zone_drain: empty the calling CPU's magazine and quarantine. */
void	 zone_drain(struct zone *z);
/* zone_of: the zone of an object that a zone_create_anon zone made. */
struct zone *zone_of(const void *obj);
/*
 * zone_where: the object that p points into, for diagnosis.  Takes no lock and
 * reads p's surroundings by peek alone, which says whether memory is there.
 * => Returns false: of no zone.
 */
struct zone_where {
	const char	*name;		/* of the zone */
	void		*obj;		/* where the object begins */
	size_t		 size;
	bool		 live;		/* handed out (DEBUG 0: not known, true) */
};
bool	 zone_where(const void *p, bool (*peek)(uint64_t va, uint64_t *val),
	    struct zone_where *w);
uint64_t zone_total_pages(void);	/* held by all zones; never shrinks */

/*
 * Where zones and kmalloc get memory; set by vm/ (kern/ does not know it).
 * slab_alloc: bytes of zeroed memory (a power of two from a page to
 *    ZONE_SLAB_MAX) aligned to align (bytes or ZONE_SLAB_MAX), for ever; NULL:
 *    none.  Never sleeps.  flags: M_RESERVE.
 * wait: sleep until there may be memory again.
 * large_alloc, large_free: kmalloc above its largest class; whole pages, with
 *    the flags of this file.  is_large tells such a pointer from a slab's.
 */
struct zone_backend {
	void	*(*slab_alloc)(size_t bytes, size_t align, unsigned flags);
	void	 (*wait)(const char *wmesg);
	void	*(*large_alloc)(size_t bytes, unsigned flags);
	void	 (*large_free)(void *p);
	bool	 (*is_large)(const void *p);
};
extern const struct zone_backend *zone_backend;	/* [c] after zone_init */
void	 zone_init(const struct zone_backend *backend);

/* Fault injection: the nth M_NOWAIT allocation from now fails; 0 is off. */
void	 zone_fail_nth(uint64_t nth);
uint64_t zone_fail_hits(void);	/* allocations seen since zone_fail_nth */
