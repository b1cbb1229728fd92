/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone.c: allocator of equal objects.
 *
 * Why: the structures of this kernel are made and freed on every fork and many
 * faults.  Each CPU keeps a magazine of free objects, so an allocation is a
 * load and a decrement in a critical section; magazines are filled from slabs
 * and emptied to them in batches.  A slab is an aligned block with its header
 * in front and a bitmap of its free objects, so nothing is written into a free
 * object (its poison stays whole) and its slab is found by a mask.
 * Slabs are never given back: the zone is type-stable.
 *
 * An object is in exactly one place:
 *	slab (its s_free bit) -> magazine -> handed out -> quarantine
 *	    (DEBUG >= 1) -> magazine -> slab
 * I1: s_nfree is the number of bits in s_free; partial slabs have some, full
 *     slabs none.
 * I2: a live bit (DEBUG >= 1) is set exactly while the object is handed out.
 * I3: a free object holds the poison beyond its init_keep bytes: the first 64
 *     bytes of it at DEBUG 1, all of it at DEBUG 2.
 *
 * Locks: z_lock (LO_ZONE) for the slabs of one zone; magazines belong to their
 * CPU, in a critical section.  Not for interrupt context.
 * Sources: Bonwick, "The Slab Allocator" (1994) and "Magazines and vmem" (2001).
 */
#include <sys/zone.h>
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/queue.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/lock.h>
#include <sys/param.h>
#include <sys/thread.h>

#define ZONE_MAG	32		/* most objects in a magazine */
#define ZONE_MAG_BYTES	(16UL << 10)	/* and most bytes */
#define ZONE_WASTE	12		/* per cent of a slab */
#define ZONE_QUARANTINE	(DEBUG >= 1 ? 16 : 1)
#define ZONE_POISON	0xdbdbdbdbdbdbdbdbUL
#define ZONE_CHECKED	(DEBUG >= 2 ? SIZE_MAX : 64)	/* bytes poisoned */

/* Head of a slab; objects follow.  For ever once made.  [z] zone's lock. */
struct zone_slab {
	LIST_ENTRY(zone_slab)	 s_link;	/* [z] z_partial or z_full */
	struct zone		*s_zone;	/* [c] */
	uint64_t		 s_nfree;	/* [z] */
	uint64_t		 s_bits[];	/* [z] free objects; then, DEBUG >=
						 * 1, as many words: live [a] */
};
LIST_HEAD(zone_slab_list, zone_slab);

/* What one CPU keeps of one zone; made at its first use of the zone, for ever.
 * [t] this CPU only, in a critical section; r:any where said. */
struct zone_cpu {
	uint64_t	 zc_allocs;	/* [t] r:any */
	uint64_t	 zc_frees;	/* [t] r:any */
	unsigned	 zc_count;	/* [t] */
	unsigned	 zc_qnext;	/* [t] oldest in quarantine */
	void		*zc_obj[ZONE_MAG];		/* [t] the magazine */
	void		*zc_quarantine[ZONE_QUARANTINE];/* [t] a ring */
};

/* Made by zone_create, never destroyed.  Fields are protected as marked:
 * [c] const after init [z] z_lock [a] atomic. */
struct zone {
	const char	*z_name;	/* [c] */
	size_t		 z_size;	/* [c] of an object, rounded up */
	size_t		 z_asked;	/* [c] of an object, as asked for */
	size_t		 z_keep;	/* [c] bytes not poisoned */
	size_t		 z_slab;	/* [c] bytes of a slab */
	size_t		 z_salign;	/* [c] alignment of a slab, >= z_slab */
	size_t		 z_first;	/* [c] offset of the first object */
	unsigned	 z_nitems;	/* [c] objects in a slab */
	unsigned	 z_words;	/* [c] of one bitmap */
	uint64_t	 z_recip;	/* [c] 2^32 / z_size, rounded up */
	unsigned	 z_mag;		/* [c] magazine's limit; 0: none */
	void		(*z_init)(void *);	/* [c] */
	struct zone	*z_next;	/* [c] in creation order; tail: [a] */
	struct zone_cpu	*z_cpu[MAXCPU];	/* [a] set once */
	struct spinlock	 z_lock;
	struct zone_slab_list	z_partial __guarded_by(&z_lock);	/* [z] */
	struct zone_slab_list	z_full __guarded_by(&z_lock);		/* [z] */
	uint64_t	 z_nslabs;	/* [z] r:any */
	uint64_t	 z_allocs;	/* [z] r:any; past the magazines */
	uint64_t	 z_frees;	/* [z] r:any; past the magazines */
	uint64_t	 z_fails;	/* [a] */
};

const struct zone_backend *zone_backend;

static struct zone	zone_zone;	/* zones */
static struct zone	zone_cpu_zone;	/* struct zone_cpu */
static struct zone	*zone_last;	/* [zone_list_lock] */
static struct spinlock	zone_list_lock =
    SPINLOCK_INITIALIZER("zones", LO_ZONE, 0);
static uint64_t		zone_fail_at;	/* [a] 0: off */
static uint64_t		zone_fail_seen;	/* [a] */

/* Count in a word that others only read, for statistics. */
#define ZONE_BUMP(x)	atomic_store_relaxed(&(x), (x) + 1)

static unsigned	 zone_take_locked(struct zone *z, void **objs, unsigned want)
		    __requires(z->z_lock);
static void	 zone_put_locked(struct zone *z, void *const *objs, unsigned n)
		    __requires(z->z_lock);
static void	*zone_alloc_slow(struct zone *z, unsigned flags);

/*
 * Geometry.
 */
static inline struct zone_slab *
zone_slab_of(const struct zone *z, const void *obj)
{
	return (struct zone_slab *)((uintptr_t)obj & ~(z->z_salign - 1));
}

/* Which object of its slab is obj?  Exact for offsets below 64 KiB. */
static inline unsigned
zone_index(const struct zone *z, const void *obj)
{
	uint64_t off = ((uintptr_t)obj & (z->z_salign - 1)) - z->z_first;

	return (unsigned)(off * z->z_recip >> 32);
}

static inline void *
zone_object(const struct zone *z, struct zone_slab *s, unsigned i)
{
	return (char *)s + z->z_first + i * z->z_size;
}

static size_t
zone_header(unsigned nitems, size_t align)
{
	size_t words = (nitems + 63) / 64 * (DEBUG >= 1 ? 2 : 1);

	return roundup2(sizeof(struct zone_slab) + words * sizeof(uint64_t),
	    align);
}

static unsigned
zone_fit(size_t slab, size_t size, size_t align)
{
	unsigned n = (unsigned)(slab / size);

	while (n > 0 && zone_header(n, align) + n * size > slab)
		n--;
	return n;
}

/* The smallest slab that wastes little, or the one that wastes least. */
static size_t
zone_choose_slab(size_t size, size_t align)
{
	size_t slab, used, best = 0, best_used = 0;

	for (slab = PAGE_SIZE; slab <= ZONE_SLAB_MAX; slab *= 2) {
		used = zone_fit(slab, size, align) * size;
		if ((slab - used) * 100 < ZONE_WASTE * slab)
			return slab;
		if (used * (ZONE_SLAB_MAX / slab) > best_used) {
			best_used = used * (ZONE_SLAB_MAX / slab);
			best = slab;
		}
	}
	return best;
}

/*
 * Poison and live bits, DEBUG >= 1.
 */
static inline size_t
zone_poison_end(const struct zone *z)
{
	return z->z_size - z->z_keep > ZONE_CHECKED ?
	    z->z_keep + ZONE_CHECKED : z->z_size;
}

static void
zone_poison(const struct zone *z, void *obj)
{
	uint64_t *p = (void *)((char *)obj + z->z_keep);
	uint64_t *end = (void *)((char *)obj + zone_poison_end(z));

	while (p < end)
		*p++ = ZONE_POISON;
}

static void
zone_poison_check(const struct zone *z, const void *obj)
{
	const uint64_t *p = (const void *)((const char *)obj + z->z_keep);
	const uint64_t *end =
	    (const void *)((const char *)obj + zone_poison_end(z));

	for (; p < end; p++)
		if (__predict_false(*p != ZONE_POISON))
			panic("zone %s: free object %p was written: 0x%lx at "
			    "offset %lu", z->z_name, obj, *p,
			    (uintptr_t)p - (uintptr_t)obj);
}

static void
zone_assert_member(const struct zone *z, void *obj)
{
	struct zone_slab *s = zone_slab_of(z, obj);
	unsigned i = zone_index(z, obj);

	if (s->s_zone != z)
		panic("zone %s: %p is of zone %s", z->z_name, obj,
		    s->s_zone == NULL ? "none" : s->s_zone->z_name);
	if (i >= z->z_nitems || zone_object(z, s, i) != obj)
		panic("zone %s: %p is no object, its slab is %p", z->z_name,
		    obj, (void *)s);
}

/* Change obj's live bit; it must have been the opposite. */
static void
zone_set_live(const struct zone *z, void *obj, bool live)
{
	uint64_t *words = zone_slab_of(z, obj)->s_bits + z->z_words;
	unsigned i = zone_index(z, obj);
	uint64_t bit = 1UL << (i % 64), old;

	if (live)
		old = atomic_fetchor(&words[i / 64], bit);
	else
		old = atomic_fetchand(&words[i / 64], ~bit);
	if (((old & bit) != 0) == live)
		panic("zone %s: object %p %s", z->z_name, obj,
		    live ? "handed out twice" : "freed twice");
}

/*
 * Slabs.
 */

/* Take up to want free objects.  => Locks: z_lock.  Returns how many. */
static unsigned
zone_take_locked(struct zone *z, void **objs, unsigned want)
{
	struct zone_slab *s;
	unsigned n = 0, w, bit;

	while (n < want && (s = LIST_FIRST(&z->z_partial)) != NULL) {
		for (w = 0; n < want && w < z->z_words; w++)
			while (n < want && s->s_bits[w] != 0) {
				bit = (unsigned)__builtin_ctzl(s->s_bits[w]);
				s->s_bits[w] &= s->s_bits[w] - 1;
				s->s_nfree--;
				objs[n++] = zone_object(z, s, w * 64 + bit);
			}
		if (s->s_nfree == 0) {
			LIST_REMOVE(s, s_link);
			LIST_INSERT_HEAD(&z->z_full, s, s_link);
		}
	}
	return n;
}

/* => Locks: z_lock. */
static void
zone_put_locked(struct zone *z, void *const *objs, unsigned n)
{
	struct zone_slab *s;
	unsigned i;

	while (n-- > 0) {
		s = zone_slab_of(z, objs[n]);
		i = zone_index(z, objs[n]);
		if (__predict_false(s->s_bits[i / 64] & 1UL << (i % 64)))
			panic("zone %s: object %p is already in its slab",
			    z->z_name, objs[n]);
		s->s_bits[i / 64] |= 1UL << (i % 64);
		if (s->s_nfree++ == 0) {
			LIST_REMOVE(s, s_link);
			LIST_INSERT_HEAD(&z->z_partial, s, s_link);
		}
	}
}

/* One slab more; false: no memory. */
static bool
zone_grow(struct zone *z, unsigned flags)
{
	struct zone_slab *s;
	unsigned i;

	s = zone_backend->slab_alloc(z->z_slab, z->z_salign, flags);
	if (s == NULL)
		return false;
	s->s_zone = z;
	s->s_nfree = z->z_nitems;
	for (i = 0; i < z->z_nitems; i++) {
		s->s_bits[i / 64] |= 1UL << (i % 64);
		if (z->z_init != NULL)
			z->z_init(zone_object(z, s, i));
		if (DEBUG >= 1)
			zone_poison(z, zone_object(z, s, i));
	}
	spin_lock(&z->z_lock);
	LIST_INSERT_HEAD(&z->z_partial, s, s_link);
	ZONE_BUMP(z->z_nslabs);
	spin_unlock(&z->z_lock);
	return true;
}

/*
 * Magazines.
 */

/* obj leaves the zone: is it free and whole? */
static inline void *
zone_hand_out(const struct zone *z, void *obj)
{
	if (DEBUG >= 1) {
		zone_set_live(z, obj, true);
		zone_poison_check(z, obj);
	}
	return obj;
}

/* Give this CPU its part of z, if there is memory for that. */
static void
zone_cpu_make(struct zone *z)
{
	struct zone_cpu *zc, *none = NULL;

	/* Not zone_alloc: no injected failure may hit what nobody asked for. */
	zc = zone_alloc_slow(&zone_cpu_zone, M_NOWAIT);
	if (zc == NULL)
		return;
	memset(zone_hand_out(&zone_cpu_zone, zc), 0, sizeof(*zc));
	critical_enter();
	if (!atomic_fcmpset(&z->z_cpu[curcpu], &none, zc)) {
		critical_exit();
		zone_free(&zone_cpu_zone, zc);
		return;
	}
	critical_exit();
}

/* From the slabs: one object, and half a magazine if there is one. */
static void *
zone_alloc_slabs(struct zone *z)
{
	struct zone_cpu *zc;
	void *obj = NULL;

	critical_enter();
	zc = z->z_cpu[curcpu];
	spin_lock(&z->z_lock);
	if (zc == NULL) {
		if (zone_take_locked(z, &obj, 1) != 0)
			ZONE_BUMP(z->z_allocs);
	} else {
		zc->zc_count += zone_take_locked(z, zc->zc_obj + zc->zc_count,
		    zc->zc_count == 0 ? z->z_mag / 2 : 0);
		if (zc->zc_count != 0) {
			obj = zc->zc_obj[--zc->zc_count];
			ZONE_BUMP(zc->zc_allocs);
		}
	}
	spin_unlock(&z->z_lock);
	critical_exit();
	return obj;
}

static __noinline void *
zone_alloc_slow(struct zone *z, unsigned flags)
{
	void *obj;

	if (z->z_mag != 0 && z->z_cpu[curcpu] == NULL)
		zone_cpu_make(z);
	while ((obj = zone_alloc_slabs(z)) == NULL) {
		if (zone_grow(z, flags))
			continue;
		if ((flags & M_NOWAIT) != 0) {
			atomic_add(&z->z_fails, 1);
			return NULL;
		}
		zone_backend->wait("zonewt");
	}
	return obj;
}

static bool
zone_fail_now(struct zone *z)
{
	uint64_t at = atomic_load_relaxed(&zone_fail_at);

	if (__predict_true(at == 0) ||
	    atomic_fetchadd(&zone_fail_seen, 1) + 1 != at)
		return false;
	atomic_add(&z->z_fails, 1);
	return true;
}

void *
zone_alloc(struct zone *z, unsigned flags)
{
	struct zone_cpu *zc;
	void *obj = NULL;

	KASSERT(cpu_intr_depth() == 0, "zone %s in interrupt context",
	    z->z_name);
	if ((flags & M_NOWAIT) != 0 && zone_fail_now(z))
		return NULL;
	critical_enter();
	zc = z->z_cpu[curcpu];
	if (__predict_true(zc != NULL && zc->zc_count != 0)) {
		obj = zc->zc_obj[--zc->zc_count];
		ZONE_BUMP(zc->zc_allocs);
	}
	critical_exit();
	if (__predict_false(obj == NULL)) {
		obj = zone_alloc_slow(z, flags);
		if (obj == NULL)
			return NULL;
	}
	zone_hand_out(z, obj);
	if ((flags & M_ZERO) != 0) {
		KASSERT(z->z_init == NULL, "zone %s: M_ZERO would undo init",
		    z->z_name);
		memset(obj, 0, z->z_asked);
	}
	return obj;
}

/* The last n of a magazine to the slabs.  => Critical section. */
static __noinline void
zone_flush(struct zone *z, struct zone_cpu *zc, unsigned n)
{
	spin_lock(&z->z_lock);
	zc->zc_count -= n;
	zone_put_locked(z, zc->zc_obj + zc->zc_count, n);
	spin_unlock(&z->z_lock);
}

/* One object to the slabs.  => Critical section. */
static __noinline void
zone_free_slabs(struct zone *z, void *obj)
{
	spin_lock(&z->z_lock);
	ZONE_BUMP(z->z_frees);
	zone_put_locked(z, &obj, 1);
	spin_unlock(&z->z_lock);
}

/* Exchange obj for the object that was longest in quarantine, or NULL. */
static inline void *
zone_quarantine(struct zone_cpu *zc, void *obj)
{
	unsigned i = zc->zc_qnext;
	void *old = zc->zc_quarantine[i];

	zc->zc_quarantine[i] = obj;
	zc->zc_qnext = (i + 1) % ZONE_QUARANTINE;
	return old;
}

void
zone_free(struct zone *z, void *obj)
{
	struct zone_cpu *zc;

	KASSERT(cpu_intr_depth() == 0, "zone %s in interrupt context",
	    z->z_name);
	if (DEBUG >= 1) {
		zone_assert_member(z, obj);
		zone_set_live(z, obj, false);
		zone_poison(z, obj);
	}
	critical_enter();
	zc = z->z_cpu[curcpu];
	if (__predict_false(zc == NULL)) {
		zone_free_slabs(z, obj);
		critical_exit();
		return;
	}
	ZONE_BUMP(zc->zc_frees);
	if (DEBUG >= 1)
		obj = zone_quarantine(zc, obj);
	if (obj != NULL) {
		if (__predict_false(zc->zc_count == z->z_mag))
			zone_flush(z, zc, z->z_mag / 2);
		zc->zc_obj[zc->zc_count++] = obj;
	}
	critical_exit();
}

void
zone_drain(struct zone *z)
{
	struct zone_cpu *zc;
	unsigned i;
	void *obj;

	critical_enter();
	zc = z->z_cpu[curcpu];
	if (zc != NULL) {
		zone_flush(z, zc, zc->zc_count);
		for (i = 0; i < ZONE_QUARANTINE; i++) {
			obj = zone_quarantine(zc, NULL);
			if (obj == NULL)
				continue;
			zc->zc_obj[zc->zc_count++] = obj;
			zone_flush(z, zc, 1);
		}
	}
	critical_exit();
}

/*
 * Zones.
 */
static void
zone_setup(struct zone *z, const char *name, size_t size, size_t align)
{
	align = MAX(align, sizeof(uint64_t));
	KASSERT(powerof2(align) && align <= PAGE_SIZE && size != 0 &&
	    size <= ZONE_SLAB_MAX / 4, "zone %s: size %zu align %zu", name,
	    size, align);
	z->z_name = name;
	z->z_asked = size;
	z->z_size = size = roundup2(size, align);
	z->z_slab = zone_choose_slab(size, align);
	z->z_salign = z->z_slab;
	z->z_nitems = zone_fit(z->z_slab, size, align);
	z->z_words = (z->z_nitems + 63) / 64;
	z->z_first = zone_header(z->z_nitems, align);
	z->z_recip = ((1UL << 32) + size - 1) / size;
	z->z_mag = (unsigned)MIN(MAX(ZONE_MAG_BYTES / size, 4), ZONE_MAG);
	LIST_INIT(&z->z_partial);
	LIST_INIT(&z->z_full);
	spin_init(&z->z_lock, name, LO_ZONE, 0);
}

static void
zone_register(struct zone *z)
{
	spin_lock(&zone_list_lock);
	if (zone_last != NULL)
		atomic_store_rel(&zone_last->z_next, z);
	zone_last = z;
	spin_unlock(&zone_list_lock);
}

struct zone *
zone_create(const char *name, size_t size, size_t align,
    void (*init)(void *obj), size_t init_keep)
{
	struct zone *z = zone_alloc(&zone_zone, M_WAITOK | M_ZERO);

	zone_setup(z, name, size, align);
	z->z_init = init;
	z->z_keep = init != NULL ?
	    MIN(roundup2(init_keep, sizeof(uint64_t)), z->z_size) : 0;
	zone_register(z);
	return z;
}

struct zone *
zone_create_anon(const char *name, size_t size, size_t align)
{
	struct zone *z = zone_alloc(&zone_zone, M_WAITOK | M_ZERO);

	zone_setup(z, name, size, align);
	z->z_salign = ZONE_SLAB_MAX;
	zone_register(z);
	return z;
}

struct zone *
zone_of(const void *obj)
{
	const struct zone_slab *s =
	    (const void *)((uintptr_t)obj & ~(ZONE_SLAB_MAX - 1));

	KASSERT(s->s_zone != NULL && s->s_zone->z_salign == ZONE_SLAB_MAX,
	    "%p is not of an anonymous zone", obj);
	return s->s_zone;
}

void
zone_init(const struct zone_backend *backend)
{
	zone_backend = backend;
	zone_setup(&zone_zone, "zone", sizeof(struct zone), CACHE_LINE);
	zone_setup(&zone_cpu_zone, "zone_cpu", sizeof(struct zone_cpu),
	    CACHE_LINE);
	/* A magazine of the zone of magazines would need one to be made. */
	zone_zone.z_mag = 0;
	zone_cpu_zone.z_mag = 0;
	zone_register(&zone_zone);
	zone_register(&zone_cpu_zone);
}

void
zone_foreach(void (*fn)(struct zone *z, void *arg), void *arg)
{
	struct zone *z;

	for (z = &zone_zone; z != NULL; z = atomic_load_acq(&z->z_next))
		fn(z, arg);
}

bool
zone_where(const void *p, bool (*peek)(uint64_t va, uint64_t *val),
    struct zone_where *w)
{
	struct zone_slab *s;
	struct zone *z;
	uint64_t val;
	size_t off;
	unsigned i;

	for (z = &zone_zone; z != NULL; z = atomic_load_acq(&z->z_next)) {
		s = zone_slab_of(z, p);
		if (z->z_salign == 0 ||
		    !peek((uintptr_t)&s->s_zone, &val) || val != (uintptr_t)z)
			continue;
		off = (uintptr_t)p - (uintptr_t)s;
		if (off < z->z_first ||
		    off >= z->z_first + z->z_nitems * z->z_size)
			return false;
		i = (unsigned)((off - z->z_first) / z->z_size);
		w->name = z->z_name;
		w->obj = zone_object(z, s, i);
		w->size = z->z_asked;
		w->live = DEBUG == 0 || (s->s_bits[z->z_words + i / 64] &
		    1UL << (i % 64)) != 0;
		return true;
	}
	return false;
}

/*
 * Counts and the audit.
 */
void
zone_get_stats(const struct zone *z, struct zone_stats *st)
{
	const struct zone_cpu *zc;
	unsigned cpu;

	st->name = z->z_name;
	st->size = z->z_asked;
	st->allocs = atomic_load_relaxed(&z->z_allocs);
	st->frees = atomic_load_relaxed(&z->z_frees);
	for (cpu = 0; cpu < MAXCPU; cpu++) {
		zc = atomic_load_acq(&z->z_cpu[cpu]);
		if (zc == NULL)
			continue;
		st->allocs += atomic_load_relaxed(&zc->zc_allocs);
		st->frees += atomic_load_relaxed(&zc->zc_frees);
	}
	st->live = st->allocs - st->frees;
	st->fails = atomic_load_relaxed(&z->z_fails);
	st->pages = atomic_load_relaxed(&z->z_nslabs) * atop(z->z_slab);
}

static void
zone_add_pages(struct zone *z, void *arg)
{
	struct zone_stats st;

	zone_get_stats(z, &st);
	*(uint64_t *)arg += st.pages;
}

uint64_t
zone_total_pages(void)
{
	uint64_t pages = 0;

	zone_foreach(zone_add_pages, &pages);
	return pages;
}

static void
zone_check_slab(const struct zone *z, struct zone_slab *s, bool partial)
{
	unsigned i, nfree = 0;

	if (s->s_zone != z)
		panic("zone %s: slab %p says it is of %p", z->z_name,
		    (void *)s, (void *)s->s_zone);
	for (i = 0; i < z->z_nitems; i++) {
		if ((s->s_bits[i / 64] & 1UL << (i % 64)) == 0)
			continue;
		nfree++;
		if (DEBUG >= 1 && (s->s_bits[z->z_words + i / 64] &
		    1UL << (i % 64)) != 0)
			panic("zone %s I2: object %p is live and free",
			    z->z_name, zone_object(z, s, i));
		if (DEBUG >= 1)
			zone_poison_check(z, zone_object(z, s, i));
	}
	if (nfree != s->s_nfree || (nfree != 0) != partial)
		panic("zone %s I1: slab %p has %u free objects, count %lu, "
		    "on the %s list", z->z_name, (void *)s, nfree, s->s_nfree,
		    partial ? "partial" : "full");
}

/* The objects that this CPU keeps must be free and whole. */
static void
zone_check_cpu(const struct zone *z, const struct zone_cpu *zc)
{
	unsigned i;

	if (zc->zc_count > z->z_mag)
		panic("zone %s: %u objects in a magazine of %u", z->z_name,
		    zc->zc_count, z->z_mag);
	for (i = 0; DEBUG >= 1 && i < zc->zc_count; i++) {
		zone_assert_member(z, zc->zc_obj[i]);
		zone_poison_check(z, zc->zc_obj[i]);
	}
	for (i = 0; DEBUG >= 1 && i < ZONE_QUARANTINE; i++)
		if (zc->zc_quarantine[i] != NULL) {
			zone_assert_member(z, zc->zc_quarantine[i]);
			zone_poison_check(z, zc->zc_quarantine[i]);
		}
}

void
zone_check(struct zone *z)
{
	struct zone_slab *s;
	uint64_t slabs = 0;

	critical_enter();
	spin_lock(&z->z_lock);
	LIST_FOREACH(s, &z->z_partial, s_link) {
		zone_check_slab(z, s, true);
		slabs++;
	}
	LIST_FOREACH(s, &z->z_full, s_link) {
		zone_check_slab(z, s, false);
		slabs++;
	}
	if (slabs != z->z_nslabs)
		panic("zone %s: %lu slabs, count is %lu", z->z_name, slabs,
		    z->z_nslabs);
	if (z->z_cpu[curcpu] != NULL)
		zone_check_cpu(z, z->z_cpu[curcpu]);
	spin_unlock(&z->z_lock);
	critical_exit();
}

/*
 * Fault injection.
 */
void
zone_fail_nth(uint64_t nth)
{
	atomic_store(&zone_fail_at, 0);
	if (nth != 0)
		atomic_store(&zone_fail_seen, 0);
	atomic_store(&zone_fail_at, nth);
}

uint64_t
zone_fail_hits(void)
{
	return atomic_load(&zone_fail_seen);
}
