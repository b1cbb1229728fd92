/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_tsan.c: the functions that -fsanitize=thread puts before each access of
 * memory, as the laboratory's own runtime.
 *
 * An access of the world's data is an event.  It is a point (somebody else may
 * go first) when at least two fibres have touched that word since the scenario
 * began, one of them writing: a word that only one fibre knows orders nothing.
 * The set grows while a scenario is explored.
 *
 * Data races: each word remembers the last write and the last read of each
 * fibre with vector clocks; two accesses, one a write, not both atomic, that
 * no lock, atomic or wakeup orders are a race.  Words are told apart by their
 * first byte: accesses of different size that overlap are not compared.
 *
 * Freed memory: zone objects carry a live mark for each 8 bytes, set and
 * cleared around zone_alloc and zone_free; code outside the zone that touches
 * an object without it fails.
 */
#include "lab.h"

#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/vmparam.h>
#include <sys/zone.h>

#include "lab_alias.h"
#include "lab_os.h"
#include "lab_reduce.h"

#define TABLE_SIZE	(1U << 15)
#define SYNC_SIZE	(1U << 12)
#define LIVE_BYTES	(16UL << 20)	/* of zone addresses */

struct word {
	uintptr_t	 addr;
	uint32_t	 scenario;	/* another one: empty */
	uint32_t	 run;		/* clocks are of this run */
	uint8_t		 touched;	/* fibres, this scenario */
	uint8_t		 written;
	int8_t		 wfibre;	/* last writer, -1 none */
	uint8_t		 watomic;
	uint8_t		 ratomic;	/* fibres whose last read was */
	uint8_t		 size;		/* these two are lab_reduce.c's */
	uint16_t	 place;
	uint32_t	 wclock, wpc;
	uint32_t	 rclock[LAB_FIBRES], rpc[LAB_FIBRES];
};
CTASSERT(sizeof(struct word) == CACHE_LINE, "one line for an access");

struct sync {
	uintptr_t	 addr;
	uint32_t	 run;
	uint32_t	 vc[LAB_FIBRES];
};

static struct word	*words;
static struct sync	*syncs;
static uint8_t		*live;		/* in the world: a bit for 8 bytes */
static uint32_t		 run, scenario;
static uint64_t		 nshared;
static unsigned		 in_zone[LAB_CPUS];
uint32_t		 lab_access_pc;
bool			 lab_races = true;
struct fibre		*lab_hb_self;

extern char	__world_start[], __world_end[];

void	*__real_zone_alloc(struct zone *z, unsigned flags);
void	*__wrap_zone_alloc(struct zone *z, unsigned flags);
void	 __real_zone_free(struct zone *z, void *obj);
void	 __wrap_zone_free(struct zone *z, void *obj);

void
lab_mem_init(void)
{
	words = labos_stack(TABLE_SIZE * sizeof(*words));	/* aligned */
	syncs = labos_alloc(SYNC_SIZE * sizeof(*syncs));
	live = labos_stack(LIVE_BYTES / 64);
	labos_region(live, LIVE_BYTES / 64);
}

void
lab_mem_reset_run(void)
{
	run++;
	memset(in_zone, 0, sizeof(in_zone));
	if (lab_alias_on)
		lab_alias_run(run);
}

void
lab_mem_reset_scenario(void)
{
	scenario++;
	nshared = 0;
	if (lab_alias_on)
		lab_alias_prepare();
	reduce_scenario();
}

static inline uint32_t
hash(uintptr_t a)
{
	return (uint32_t)((a * 0x9e3779b97f4a7c15UL) >> 40);
}

static inline struct word *
word_of(uintptr_t a)
{
	uint32_t i = hash(a) % TABLE_SIZE;

	while (words[i].scenario == scenario && words[i].addr != a)
		i = (i + 1) % TABLE_SIZE;
	if (words[i].scenario != scenario)
		words[i] = (struct word){ .addr = a, .scenario = scenario };
	return &words[i];
}

/* ---- happens before ---- */

static struct sync *
sync_of(const void *p)
{
	uintptr_t a = (uintptr_t)p;
	uint32_t i = hash(a) % SYNC_SIZE;

	while (syncs[i].run == run && syncs[i].addr != a)
		i = (i + 1) % SYNC_SIZE;
	if (syncs[i].run != run) {
		syncs[i].run = run;
		syncs[i].addr = a;
		memset(syncs[i].vc, 0, sizeof(syncs[i].vc));
	}
	return &syncs[i];
}

static inline bool
hb_off(void)
{
	return !lab_running || lab_hb_self->id == LAB_AUX;
}

void
lab_hb_acquire(const void *p)
{
	struct sync *s;

	if (hb_off())
		return;
	s = sync_of(p);
	for (int i = 0; i < LAB_FIBRES; i++)
		lab_hb_self->vc[i] = MAX(lab_hb_self->vc[i], s->vc[i]);
}

void
lab_hb_release(const void *p)
{
	struct sync *s;

	if (hb_off())
		return;
	s = sync_of(p);
	for (int i = 0; i < LAB_FIBRES; i++)
		s->vc[i] = MAX(lab_hb_self->vc[i], s->vc[i]);
	lab_hb_self->vc[lab_hb_self->id]++;
}

static void __noinline
race(const struct word *w, const char *what, int other, uint32_t pc1,
    uint32_t pc2)
{
	char a[160], b[160];

	labos_symbol(pc1, a, sizeof(a));
	labos_symbol(pc2, b, sizeof(b));
	lab_fail(OR_RACE, "%s of %lx: fibre %d in %s, fibre %d in %s", what,
	    w->addr, other, a, lab_hb_self->id, b);
}

static inline bool
unordered(int fibre, uint32_t clock)
{
	return clock > lab_hb_self->vc[fibre];
}

static inline void
hb_access(struct word *w, bool write, bool atomic, uint32_t pc)
{
	int me = lab_hb_self->id;
	uint32_t now = lab_hb_self->vc[me];

	if (w->run != run) {
		w->run = run;
		w->wfibre = -1;
		w->ratomic = 0;
		memset(w->rclock, 0, sizeof(w->rclock));
	}
	if (w->wfibre >= 0 && w->wfibre != me && !(atomic && w->watomic) &&
	    unordered(w->wfibre, w->wclock) && lab_races)
		race(w, write ? "two writes" : "write and read", w->wfibre,
		    w->wpc, pc);
	if (!write) {
		w->rclock[me] = now;
		w->rpc[me] = pc;
		w->ratomic = (uint8_t)((w->ratomic & ~(1U << me)) |
		    (unsigned)atomic << me);
		return;
	}
	for (int i = 0; i < LAB_FIBRES; i++)
		if (i != me && w->rclock[i] != 0 && lab_races &&
		    !(atomic && (w->ratomic & 1U << i) != 0) &&
		    unordered(i, w->rclock[i]))
			race(w, "read and write", i, w->rpc[i], pc);
	w->wfibre = (int8_t)me;
	w->wclock = now;
	w->wpc = pc;
	w->watomic = atomic;
}

/* ---- freed memory ---- */

static inline bool
in_zones(uintptr_t a)
{
	return a >= ZONE_BASE && a < ZONE_BASE + LIVE_BYTES;
}

void
lab_mem_live(const void *p, size_t len, bool on)
{
	uintptr_t a = (uintptr_t)p, end = a + len;

	if (!in_zones(a))
		return;
	for (; a < end; a += 8) {
		uint8_t *byte = &live[(a - ZONE_BASE) / 64];
		uint8_t bit = (uint8_t)(1U << (a / 8 % 8));

		*byte = (uint8_t)(on ? *byte | bit : *byte & ~bit);
	}
}

bool
lab_mem_freed(const void *p)
{
	uintptr_t a = (uintptr_t)p;

	return in_zones(a) && (live[(a - ZONE_BASE) / 64] &
	    1U << (a / 8 % 8)) == 0;
}

bool
lab_mem_bad(const void *p)
{
	return in_zone[lab_cur->id] == 0 && lab_mem_freed(p);
}

static size_t
zone_object_size(struct zone *z)
{
	static struct { struct zone *z; size_t size; } cache[32];
	struct zone_stats st;
	unsigned i;

	for (i = 0; i < nitems(cache) && cache[i].z != NULL; i++)
		if (cache[i].z == z)
			return cache[i].size;
	lab_nopoint++;
	zone_get_stats(z, &st);
	lab_nopoint--;
	if (i < nitems(cache)) {
		cache[i].z = z;
		cache[i].size = st.size;
	}
	return st.size;
}

static void __noinline
alias_alloc(struct zone *z, const void *obj)
{
	struct zone_stats st;

	lab_nopoint++;
	zone_get_stats(z, &st);
	lab_nopoint--;
	lab_alias_alloc(st.name, obj, st.size);
}

void
lab_mem_alias(void)
{
	lab_alias_init(TABLE_SIZE);
}

void *
__wrap_zone_alloc(struct zone *z, unsigned flags)
{
	void *obj;
	int id = lab_cur == NULL ? LAB_AUX : lab_cur->id;

	in_zone[id]++;
	obj = __real_zone_alloc(z, flags);
	if (obj != NULL)
		lab_mem_live(obj, zone_object_size(z), true);
	if (obj != NULL)
		lab_mark_range(obj, zone_object_size(z));
	if (obj != NULL && __predict_false(lab_alias_on))
		alias_alloc(z, obj);
	in_zone[id]--;
	return obj;
}

void
__wrap_zone_free(struct zone *z, void *obj)
{
	int id = lab_cur == NULL ? LAB_AUX : lab_cur->id;

	if (lab_running && lab_mem_freed(obj))
		lab_fail(OR_UAF, "object %p freed twice", obj);
	in_zone[id]++;
	lab_mem_live(obj, zone_object_size(z), false);
	if (__predict_false(lab_alias_on))
		lab_alias_free(obj);
	lab_mark_range(obj, zone_object_size(z));
	__real_zone_free(z, obj);
	in_zone[id]--;
}

static void __noinline
uaf(uintptr_t a, bool write, uint32_t pc)
{
	char where[160];

	labos_symbol(pc, where, sizeof(where));
	lab_fail(OR_UAF, "%s of freed memory %lx in %s",
	    write ? "write" : "read", a, where);
}

/* ---- accesses ---- */

static inline bool
in_world(uintptr_t a)
{
	return (a >= (uintptr_t)__world_start && a < (uintptr_t)__world_end) ||
	    (a >= DMAP_BASE && a < VM_MAX_KERNEL_ADDRESS);
}

static inline bool
touch(struct word *w, bool write)
{
	unsigned bit = 1U << lab_hb_self->id;
	bool was = w->written != 0 && (w->touched & (w->touched - 1)) != 0;

	w->touched |= (uint8_t)bit;
	if (write)
		w->written |= (uint8_t)bit;
	if (!was && w->written != 0 && (w->touched & (w->touched - 1)) != 0)
		nshared++;
	return was;
}

bool
lab_shared(uintptr_t a)
{
	struct word *w = word_of(a);

	return w->written != 0 && (w->touched & (w->touched - 1)) != 0;
}

uint64_t
lab_mem_shared_count(void)
{
	return nshared;
}

static inline void
access(uintptr_t a, unsigned size, bool write, bool atomic, uint32_t pc)
{
	static const char *const names[2][2] = {
		{ "read", "write" }, { "atomic read", "atomic write" }
	};
	struct word *w;
	enum lab_event kind;
	bool point;

	if (!lab_running || lab_cur == NULL || !in_world(a))
		return;
	w = word_of(a);
	kind = atomic ? EV_ATOMIC : write ? EV_WRITE : EV_READ;
	point = touch(w, write);
	if (__predict_false(lab_reduce != REDUCE_OFF))
		point = reduce_look(a, size, atomic, point, &w->place,
		    &w->size);
	if (point || lab_all || lab_ev >= LAB_MAX_EVENTS) {
		lab_access_pc = pc;
		lab_point(kind, (const void *)a, names[atomic][write]);
	}
	else
		lab_ev++;
	if (in_zones(a) && lab_mem_bad((const void *)a))
		uaf(a, write, pc);
	hb_access(w, write, atomic, pc);
	if (__predict_false(lab_reduce != REDUCE_OFF))
		reduce_access(w->place, write, atomic);
	if (__predict_false(lab_alias_on) && lab_hb_self->id < LAB_FIBRES)
		lab_alias_access(a, (unsigned)(w - words), write,
		    lab_hb_self->id);
}

/* A zone hands the word at a out, or takes it back. */
void
lab_mem_rewritten(uintptr_t a)
{
	hb_access(word_of(a), true, false,
	    (uint32_t)(uintptr_t)__builtin_return_address(0));
}

/* The laboratory's code accesses a word of the kernel: no event. */
void
lab_mem_seen(const void *p, bool write)
{
	struct word *w;

	if (!lab_running || lab_cur == NULL || lab_cur->id >= LAB_FIBRES)
		return;
	w = word_of((uintptr_t)p);
	(void)touch(w, write);
	hb_access(w, write, false,
	    (uint32_t)(uintptr_t)__builtin_return_address(0));
}

static inline void
issue(uintptr_t a, unsigned size)
{
	if (lab_tso && lab_running && in_world(a))
		lab_tso_issue(a, size);
}

static inline void
drain(void)
{
	if (lab_tso && lab_running)
		lab_tso_drain(lab_cur->id);
}

#define PC()	((uint32_t)(uintptr_t)__builtin_return_address(0))

#define PLAIN(n)							\
void	__tsan_read##n(void *p);					\
void	__tsan_write##n(void *p);					\
void	__tsan_unaligned_read##n(void *p);				\
void	__tsan_unaligned_write##n(void *p);				\
void									\
__tsan_read##n(void *p)							\
{									\
	access((uintptr_t)p, n, false, false, PC());			\
}									\
void									\
__tsan_write##n(void *p)						\
{									\
	access((uintptr_t)p, n, true, false, PC());			\
	issue((uintptr_t)p, n);						\
}									\
void									\
__tsan_unaligned_read##n(void *p)					\
{									\
	access((uintptr_t)p, n, false, false, PC());			\
}									\
void									\
__tsan_unaligned_write##n(void *p)					\
{									\
	access((uintptr_t)p, n, true, false, PC());			\
	issue((uintptr_t)p, n);						\
}
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void	__tsan_read_range(void *p, unsigned long len);
void	__tsan_write_range(void *p, unsigned long len);
void	__tsan_volatile_read1(void *p);
void	__tsan_volatile_write1(void *p);
void	__tsan_func_entry(void *pc);
void	__tsan_func_exit(void);
void	__tsan_init(void);
void	__tsan_atomic_thread_fence(int mo);
void	__tsan_atomic_signal_fence(int mo);

void
__tsan_read_range(void *p, unsigned long len)
{
	for (unsigned long i = 0; i < len; i += 8)
		access((uintptr_t)p + i, 8, false, false, PC());
}

void
__tsan_write_range(void *p, unsigned long len)
{
	for (unsigned long i = 0; i < len; i += 8)
		access((uintptr_t)p + i, 8, true, false, PC());
	drain();
}

void
__tsan_func_entry(void *pc)
{
	struct fibre *f = lab_cur;

	if (!lab_running)
		return;
	if (f->nframes < LAB_FRAMES)
		f->frame[f->nframes] = (uint32_t)(uintptr_t)pc;
	f->nframes++;
}

void
__tsan_func_exit(void)
{
	if (lab_running)
		lab_cur->nframes--;
}

void
__tsan_init(void)
{
}

void
__tsan_atomic_thread_fence(int mo)
{
	if (mo == __ATOMIC_SEQ_CST)
		drain();
}

void
__tsan_atomic_signal_fence(int mo)
{
	(void)mo;
}

/* ---- atomics ---- */

static inline void
sync_before(const void *p, int mo)
{
	if (lab_running && mo != __ATOMIC_RELAXED && mo != __ATOMIC_RELEASE &&
	    in_world((uintptr_t)p))
		lab_hb_acquire((const char *)p + 3);
}

static inline void
sync_after(const void *p, int mo)
{
	if (lab_running && mo != __ATOMIC_RELAXED && mo != __ATOMIC_ACQUIRE &&
	    in_world((uintptr_t)p))
		lab_hb_release((const char *)p + 3);
}

#define RMW(bits, op, expr)						\
uint##bits##_t	__tsan_atomic##bits##_##op(volatile uint##bits##_t *p,	\
	    uint##bits##_t v, int mo);					\
uint##bits##_t								\
__tsan_atomic##bits##_##op(volatile uint##bits##_t *p,			\
    uint##bits##_t v, int mo)						\
{									\
	uint##bits##_t old;						\
									\
	access((uintptr_t)p, bits / 8, true, true, PC());		\
	drain();							\
	sync_before((const void *)(uintptr_t)p, mo);			\
	old = *p;							\
	*p = (uint##bits##_t)(expr);					\
	sync_after((const void *)(uintptr_t)p, mo);			\
	return old;							\
}

#define CAS(bits, strength)						\
bool	__tsan_atomic##bits##_compare_exchange_##strength(		\
	    volatile uint##bits##_t *p, uint##bits##_t *want,		\
	    uint##bits##_t v, int mo, int fail);			\
bool									\
__tsan_atomic##bits##_compare_exchange_##strength(			\
    volatile uint##bits##_t *p, uint##bits##_t *want, uint##bits##_t v,	\
    int mo, int fail)							\
{									\
	access((uintptr_t)p, bits / 8, true, true, PC());		\
	drain();							\
	if (*p != *want) {						\
		sync_before((const void *)(uintptr_t)p, fail);		\
		*want = *p;						\
		return false;						\
	}								\
	sync_before((const void *)(uintptr_t)p, mo);			\
	*p = v;								\
	sync_after((const void *)(uintptr_t)p, mo);			\
	return true;							\
}

#define ATOMICS(bits)							\
uint##bits##_t	__tsan_atomic##bits##_load(				\
	    const volatile uint##bits##_t *p, int mo);			\
void	__tsan_atomic##bits##_store(volatile uint##bits##_t *p,		\
	    uint##bits##_t v, int mo);					\
uint##bits##_t								\
__tsan_atomic##bits##_load(const volatile uint##bits##_t *p, int mo)	\
{									\
	access((uintptr_t)p, bits / 8, false, true, PC());		\
	sync_before((const void *)(uintptr_t)p, mo);			\
	return *p;							\
}									\
void									\
__tsan_atomic##bits##_store(volatile uint##bits##_t *p,			\
    uint##bits##_t v, int mo)						\
{									\
	access((uintptr_t)p, bits / 8, true, true, PC());		\
	issue((uintptr_t)p, bits / 8);					\
	*p = v;								\
	if (mo == __ATOMIC_SEQ_CST)					\
		drain();	/* it is an exchange */			\
	sync_after((const void *)(uintptr_t)p, mo);			\
}									\
RMW(bits, exchange, v)							\
RMW(bits, fetch_add, old + v)						\
RMW(bits, fetch_sub, old - v)						\
RMW(bits, fetch_and, old & v)						\
RMW(bits, fetch_or, old | v)						\
RMW(bits, fetch_xor, old ^ v)						\
CAS(bits, strong)							\
CAS(bits, weak)

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)
