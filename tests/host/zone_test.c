/* SPDX-License-Identifier: BSD-2-Clause */
/* zone_test.c: kern/zone.c and kern/kmalloc.c: who owns an object, and what is
 * in it. */
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/zone.h>
#include <vm/vm_phys.h>

#include "harness.h"

#define HELD_MAX	3000

/* Zones live for ever, so each test has its own, made at its first run. */
static struct zone *
zone_once(struct zone **z, const char *name, size_t size)
{
	if (*z == NULL)
		*z = zone_create(name, size, 8, NULL, 0);
	return *z;
}

static uint64_t
zone_live(struct zone *z)
{
	struct zone_stats st;

	zone_get_stats(z, &st);
	return st.live;
}

static void
fill(void *p, size_t size, uint8_t v)
{
	memset(p, v, size);
}

static bool
filled(const void *p, size_t size, uint8_t v)
{
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i < size; i++)
		if (b[i] != v)
			return false;
	return true;
}

struct held {
	void	*p;
	size_t	 size;
	uint8_t	 v;
};

static struct held held[HELD_MAX];

/* Does every object keep what was written to it, until it is freed? */
KTEST(zone, objects_keep_their_contents)
{
	static const size_t sizes[] = { 8, 24, 96, 200, 528, 1000, 3000 };
	static struct zone *zones[nitems(sizes)];
	unsigned s, op, n, i;
	struct zone *z;

	for (s = 0; s < nitems(sizes); s++) {
		z = zone_once(&zones[s], "test-keep", sizes[s]);
		for (op = 0, n = 0; op < 20000; op++) {
			if (n < HELD_MAX && prng_below(&t->prng, 100) <
			    (op / 2000 % 2 != 0 ? 35 : 65)) {
				held[n].p = zone_alloc(z, M_WAITOK);
				KT_CHECK(t, ((uintptr_t)held[n].p & 7) == 0,
				    "%p", held[n].p);
				held[n].v = (uint8_t)prng_next(&t->prng);
				fill(held[n].p, sizes[s], held[n].v);
				n++;
			} else if (n > 0) {
				i = (unsigned)prng_below(&t->prng, n);
				KT_CHECK(t, filled(held[i].p, sizes[s],
				    held[i].v), "object %p of %zu changed",
				    held[i].p, sizes[s]);
				zone_free(z, held[i].p);
				held[i] = held[--n];
			}
		}
		KT_CHECK(t, zone_live(z) == n, "%lu live, %u held",
		    zone_live(z), n);
		zone_check(z);
		while (n > 0)
			zone_free(z, held[--n].p);
		zone_check(z);
		KT_CHECK(t, zone_live(z) == 0, "%lu live", zone_live(z));
	}
}

/* Is the part of a slab that holds no object below 12 %, for all sizes? */
KTEST(zone, slabs_waste_little)
{
	static bool done;
	struct zone_stats st;
	struct zone *z;
	size_t size;
	unsigned n;

	/* Each size makes a zone: once is enough. */
	if (done)
		KT_SKIP(t, "was run");
	done = true;
	for (size = 8; size <= 4096; size += size < 256 ? 40 : 424) {
		z = zone_create("test-waste", size, 8, NULL, 0);
		for (n = 0; ; n++) {
			held[n].p = zone_alloc(z, M_WAITOK);
			zone_get_stats(z, &st);
			if (n > 0 && st.pages != held[0].size)
				break;
			held[0].size = st.pages;
		}
		KT_CHECK(t, n * size * 100 >= 88 * ptoa(held[0].size),
		    "%u objects of %zu in %zu pages", n, size, held[0].size);
		for (; n != ~0U; n--)
			zone_free(z, held[n].p);
	}
}

static unsigned init_calls;

static void
init_word(void *obj)
{
	*(uint64_t *)obj = 0x1234;
	init_calls++;
}

/* Does what init made stay while an object is free? */
KTEST(zone, init_survives_free)
{
	static struct zone *z;
	uint64_t *p;
	unsigned i;

	if (z == NULL)
		z = zone_create("test-init", 64, 8, init_word, 8);
	for (i = 0; i < 2000; i++) {
		p = zone_alloc(z, M_WAITOK);
		KT_CHECK(t, p[0] == 0x1234 + i % 7 || p[0] >= 0x1234,
		    "init word is %lx", p[0]);
		KT_CHECK(t, p[1] == 0xdbdbdbdbdbdbdbdbUL, "%lx", p[1]);
		p[1] = i;
		zone_free(z, p);
		KT_CHECK(t, p[0] == 0x1234, "init word after free: %lx", p[0]);
	}
	KT_CHECK(t, init_calls >= 1 && init_calls < 100, "%u calls of init",
	    init_calls);
}

/* Is M_ZERO memory zero whatever was there? */
KTEST(zone, zeroed_when_asked)
{
	static struct zone *z;
	void *p;
	unsigned i;

	zone_once(&z, "test-zero", 120);
	for (i = 0; i < 200; i++) {
		p = zone_alloc(z, M_WAITOK | M_ZERO);
		KT_CHECK(t, filled(p, 120, 0), "object %p", p);
		fill(p, 120, 0xff);
		zone_free(z, p);
	}
}

/* Is a freed object kept from reuse for a while, and does drain end that? */
KTEST(zone, quarantine_and_drain)
{
	static struct zone *z;
	void *p, *q;
	unsigned i;

	zone_once(&z, "test-quar", 64);
	p = zone_alloc(z, M_WAITOK);
	zone_free(z, p);
	for (i = 0; i < 10; i++) {
		q = zone_alloc(z, M_WAITOK);
		KT_CHECK(t, q != p, "reused after %u allocations", i);
		zone_free(z, q);
	}
	zone_drain(z);
	zone_check(z);
	KT_CHECK(t, zone_live(z) == 0, "%lu", zone_live(z));
	/* All are in the slab again: it gives each of them once. */
	q = zone_alloc(z, M_WAITOK);
	zone_free(z, q);
}

/* Does exactly the nth M_NOWAIT allocation fail, and no M_WAITOK one? */
KTEST(zone, nth_allocation_fails)
{
	static struct zone *z;
	unsigned i, nth;
	void *p;

	zone_once(&z, "test-fail", 64);
	for (nth = 1; nth < 6; nth++) {
		zone_fail_nth(nth);
		for (i = 1; i < 8; i++) {
			p = zone_alloc(z, M_WAITOK);
			zone_free(z, p);
			p = zone_alloc(z, M_NOWAIT);
			KT_CHECK(t, (p == NULL) == (i == nth), "%u of %u", i,
			    nth);
			if (p != NULL)
				zone_free(z, p);
		}
		zone_fail_nth(0);
		KT_CHECK(t, zone_fail_hits() == 7, "%lu hits",
		    zone_fail_hits());
	}
}

/* Does M_NOWAIT return NULL, with nothing lost, when pages run out? */
KTEST(zone, no_pages_is_null)
{
	static struct zone *z;
	struct zone_stats before, after;
	unsigned n, nth;

	zone_once(&z, "test-nopages", 4000);
	for (nth = 1; nth < 12; nth++) {
		zone_get_stats(z, &before);
		for (n = 0; n < HELD_MAX; n++) {
			if (n == 40)
				vm_phys_fail_nth(nth);
			held[n].p = zone_alloc(z, M_NOWAIT);
			if (held[n].p == NULL)
				break;
		}
		vm_phys_fail_nth(0);
		zone_get_stats(z, &after);
		KT_CHECK(t, after.live == n, "%lu live, %u held", after.live,
		    n);
		KT_CHECK(t, n == HELD_MAX || after.fails == before.fails + 1,
		    "%lu failures", after.fails);
		while (n > 0)
			zone_free(z, held[--n].p);
		zone_check(z);
	}
}

/*
 * Misuse, each in a process of its own.
 */
static struct zone *misuse_zone, *other_zone;

static void
free_twice(void *arg)
{
	void *p = zone_alloc(misuse_zone, M_WAITOK);

	(void)arg;
	zone_free(misuse_zone, p);
	zone_free(misuse_zone, p);
}

static void
free_elsewhere(void *arg)
{
	(void)arg;
	zone_free(misuse_zone, zone_alloc(other_zone, M_WAITOK));
}

static void
free_inside(void *arg)
{
	(void)arg;
	zone_free(misuse_zone, (char *)zone_alloc(misuse_zone, M_WAITOK) + 8);
}

static void
write_after_free(void *arg)
{
	uint64_t *p = zone_alloc(misuse_zone, M_WAITOK);
	unsigned i;

	zone_free(misuse_zone, p);
	p[3]++;
	if (arg != NULL)
		zone_check(misuse_zone);
	/* Push it out of quarantine, then find it in the magazine. */
	for (i = 0; i < 1000; i++)
		zone_free(misuse_zone, zone_alloc(misuse_zone, M_WAITOK));
}

/* Is misuse found, and named with the zone and the object? */
KTEST(zone, misuse_panics)
{
	zone_once(&misuse_zone, "test-misuse", 64);
	zone_once(&other_zone, "test-other", 64);
	KT_CHECK(t, host_panics(free_twice, NULL, "freed twice"), "no");
	KT_CHECK(t, host_panics(free_elsewhere, NULL, "is of zone test-other"),
	    "no");
	KT_CHECK(t, host_panics(free_inside, NULL, "is no object"), "no");
	KT_CHECK(t, host_panics(write_after_free, NULL,
	    "was written: 0xdbdbdbdbdbdbdbdc at offset 24"), "no");
	KT_CHECK(t, host_panics(write_after_free, t,
	    "was written: 0xdbdbdbdbdbdbdbdc at offset 24"), "no");
}

/*
 * Threads: objects travel from one thread to another and are freed there.
 */
#define MAILBOXES	64
static struct zone	*shared_zone;
static uint64_t		*mailbox[MAILBOXES];	/* [a] */
static unsigned		 spoiled;		/* [a] */

static void
mail_thread(void *arg)
{
	struct prng p;
	uint64_t *obj;
	unsigned i;

	prng_seed(&p, (uint64_t)arg);
	for (i = 0; i < 30000; i++) {
		obj = zone_alloc(shared_zone, M_WAITOK);
		obj[0] = (uint64_t)obj;
		obj[9] = ~(uint64_t)obj;
		obj = atomic_swap(&mailbox[prng_below(&p, MAILBOXES)], obj);
		if (obj == NULL)
			continue;
		if (obj[0] != (uint64_t)obj || obj[9] != ~(uint64_t)obj)
			atomic_add(&spoiled, 1);
		zone_free(shared_zone, obj);
	}
	zone_drain(shared_zone);
}

/* Do objects survive being freed by other threads than made them? */
KTEST(zone, threads_share)
{
	struct host_thread *ht[4];
	unsigned i;

	zone_once(&shared_zone, "test-shared", 80);
	for (i = 0; i < nitems(ht); i++)
		ht[i] = host_thread_start(mail_thread,
		    (void *)prng_next(&t->prng));
	for (i = 0; i < nitems(ht); i++)
		host_thread_join(ht[i]);
	for (i = 0; i < MAILBOXES; i++)
		if (mailbox[i] != NULL)
			zone_free(shared_zone, atomic_swap(&mailbox[i], NULL));
	KT_CHECK(t, spoiled == 0, "%u objects changed", spoiled);
	KT_CHECK(t, zone_live(shared_zone) == 0, "%lu live",
	    zone_live(shared_zone));
	zone_check(shared_zone);
}

static size_t
pick_size(struct prng *p)
{
	switch (prng_below(p, 4)) {
	case 0:
		return prng_below(p, 64);
	case 1:
		return (1UL << prng_below(p, 15)) + prng_below(p, 3) - 1;
	case 2:
		return prng_below(p, 20000);
	default:
		return prng_below(p, 2100);
	}
}

/* Does memory of every size keep its contents, aligned, and zeroed if asked? */
KTEST(zone, kmalloc_sizes)
{
	unsigned op, n = 0, i;
	struct held *h;
	bool zero;

	for (op = 0; op < 20000; op++) {
		if (n < 500 && prng_below(&t->prng, 2) == 0) {
			h = &held[n++];
			h->size = pick_size(&t->prng);
			h->v = (uint8_t)prng_next(&t->prng);
			zero = prng_below(&t->prng, 2) == 0;
			h->p = kmalloc(h->size, zero ? M_ZERO : M_WAITOK);
			KT_CHECK(t, h->p != NULL && ((uintptr_t)h->p & 15) ==
			    0, "%zu bytes at %p", h->size, h->p);
			KT_CHECK(t, !zero || filled(h->p, h->size, 0),
			    "%zu bytes not zero", h->size);
			fill(h->p, h->size, h->v);
		} else if (n > 0) {
			i = (unsigned)prng_below(&t->prng, n);
			KT_CHECK(t, filled(held[i].p, held[i].size,
			    held[i].v), "%zu bytes at %p changed",
			    held[i].size, held[i].p);
			kfree(held[i].p);
			held[i] = held[--n];
		}
	}
	while (n > 0)
		kfree(held[--n].p);
	kfree(NULL);
	KT_CHECK(t, kmalloc(KMALLOC_MAX + 1, M_NOWAIT) == NULL, "too large");
}

/* Does each failure inside kmalloc give NULL and lose nothing? */
KTEST(zone, kmalloc_fails_cleanly)
{
	uint64_t before = vm_phys_free_count() + zone_total_pages(), nth;
	void *p = NULL;

	for (nth = 1; p == NULL; nth++) {
		vm_phys_fail_nth(nth);
		p = kmalloc(9 * PAGE_SIZE, M_NOWAIT);
		vm_phys_fail_nth(0);
		if (p == NULL)
			KT_CHECK(t, vm_phys_free_count() + zone_total_pages()
			    == before, "%lu pages free of %lu",
			    vm_phys_free_count(), before);
	}
	KT_CHECK(t, nth >= 10, "9 pages, %lu allocations", nth);
	kfree(p);
	for (nth = 1, p = NULL; p == NULL; nth++) {
		zone_fail_nth(nth);
		p = kmalloc(PAGE_SIZE, M_NOWAIT);
		zone_fail_nth(0);
	}
	kfree(p);
	KT_CHECK(t, vm_phys_free_count() + zone_total_pages() == before,
	    "%lu pages free of %lu", vm_phys_free_count(), before);
}
