/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex.c: sleep and wake by a user word, and what a dying thread owes others:
 * its robust list and its CLEARTID word.
 *
 * A word of a shared mapping is known by (object, offset), any other by
 * (vmspace, address); the two cannot be equal, objects and vmspaces being
 * different memory.  A waiter by object holds a reference on it, so that the
 * name stays unique while it sleeps.
 *
 * I1: a waiter is on the queue of exactly one bucket, fw_bucket, until it is
 *     woken or gives up; both change under that bucket's lock.
 * I2: the word is compared under the bucket's lock, and a waker locks the
 *     bucket after it has changed the word: no wake-up is lost.
 * Locks: bucket (LO_FUTEX), held over faults on user memory; two of them in
 * address order for requeue.
 * Sources: futex(2), robust futex ABI text of Linux.
 */
#include <sys/futex.h>

#include <lib/atomic.h>
#include <lib/queue.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/sleepq.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#define FUTEX_BUCKETS		64
#define FUTEX_WAITERS		0x80000000U
#define FUTEX_OWNER_DIED	0x40000000U
#define FUTEX_TID_MASK		0x3fffffffU
#define ROBUST_MAX		2048

struct futex_key {
	const void		*base;		/* object or vmspace */
	uint64_t		 off;
	struct vm_object	*object;	/* referenced, or NULL */
};

struct futex_bucket;

/* On the waiter's stack. [B] lock of fw_bucket. */
struct futex_waiter {
	TAILQ_ENTRY(futex_waiter) fw_link;	/* [B] */
	struct futex_bucket	*fw_bucket;	/* [B] r: waiter, rechecked */
	struct futex_key	 fw_key;	/* [B] */
	uint32_t		 fw_bitset;	/* [c] */
	bool			 fw_woken;	/* [B] off the queue */
};

struct futex_bucket {
	struct rwlock		 fb_lock;
	TAILQ_HEAD(, futex_waiter) fb_queue;	/* [B] */
};

static struct futex_bucket futex_buckets[FUTEX_BUCKETS];

void
futex_init(void)
{
	unsigned i;

	for (i = 0; i < FUTEX_BUCKETS; i++) {
		rw_init(&futex_buckets[i].fb_lock, "futex", LO_FUTEX,
		    LK_DUPOK);
		TAILQ_INIT(&futex_buckets[i].fb_queue);
	}
}

static struct futex_bucket *
futex_bucket(const struct futex_key *k)
{
	uint64_t h;

	h = (uint64_t)k->base / 64 + k->off / 4;
	return &futex_buckets[(h * 0x9e3779b97f4a7c15UL) >> 58];
}

/* key_shared: by object, when va is in a shared mapping. */
static void
key_shared(struct vm_map *map, uint64_t va, struct futex_key *k)
{
	struct vm_map_entry *e;

	vm_map_lock_read(map);
	if (vm_map_lookup_entry(map, va, &e) &&
	    (e->eflags & MAP_ENTRY_SHARED) != 0 && e->object != NULL) {
		vm_object_reference(e->object);
		k->base = k->object = e->object;
		k->off = e->offset + (va - e->start);
	}
	vm_map_unlock_read(map);
}

static int
futex_key(uint64_t va, bool shared, struct futex_key *k)
{
	struct vmspace *vm = curproc->p_vmspace;
	uint32_t val;

	if ((va & 3) != 0)
		return EINVAL;
	if (va >= VM_MAX_USER_ADDRESS)
		return EFAULT;
	k->base = vm;
	k->off = va;
	k->object = NULL;
	if (!shared)
		return 0;
	/* The fault makes the object, if there is none yet. */
	if (fuword32(uaddr(va), &val) != 0)
		return EFAULT;
	key_shared(&vm->vm_map, va, k);
	return 0;
}

static void
key_put(struct futex_key *k)
{
	if (k->object != NULL)
		vm_object_deallocate(k->object);
}

static bool
key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->base == b->base && a->off == b->off;
}

/* waiter_lock: the bucket that fw is in, locked; requeue may have moved it. */
static __no_lock_analysis struct futex_bucket *
waiter_lock(struct futex_waiter *fw)
{
	struct futex_bucket *fb;

	for (;;) {
		fb = atomic_load(&fw->fw_bucket);
		rw_wlock(&fb->fb_lock);
		if (fb == fw->fw_bucket)
			return fb;
		rw_wunlock(&fb->fb_lock);
	}
}

/* waiter_sleep: until woken, the deadline or a signal. */
static __no_lock_analysis int
waiter_sleep(struct futex_waiter *fw, nsec_t deadline)
{
	struct futex_bucket *fb;
	nsec_t now, timo;
	int error;

	error = 0;
	fb = fw->fw_bucket;
	while (!fw->fw_woken && error == 0) {
		timo = 0;
		if (deadline != 0) {
			now = md_uptime();
			if (now >= deadline)
				break;
			timo = deadline - now;
		}
		error = rw_sleep(fw, &fb->fb_lock, PCATCH | PDROP, "futex",
		    timo);
		fb = waiter_lock(fw);
		if (error == EWOULDBLOCK)
			error = 0;
	}
	if (fw->fw_woken)
		error = 0;
	else
		TAILQ_REMOVE(&fb->fb_queue, fw, fw_link);
	if (!fw->fw_woken && error == 0)
		error = ETIMEDOUT;
	rw_wunlock(&fb->fb_lock);
	return error;
}

__no_lock_analysis int
futex_wait(uint64_t va, bool shared, uint32_t val, uint32_t bitset,
    nsec_t deadline)
{
	struct futex_waiter fw = { .fw_bitset = bitset };
	struct futex_bucket *fb;
	uint32_t now;
	int error;

	if (bitset == 0)
		return EINVAL;
	error = futex_key(va, shared, &fw.fw_key);
	if (error != 0)
		return error;
	fb = fw.fw_bucket = futex_bucket(&fw.fw_key);
	rw_wlock(&fb->fb_lock);
	error = fuword32(uaddr(va), &now);
	if (error == 0 && now != val)
		error = EAGAIN;
	if (error != 0) {
		rw_wunlock(&fb->fb_lock);
	} else {
		TAILQ_INSERT_TAIL(&fb->fb_queue, &fw, fw_link);
		error = waiter_sleep(&fw, deadline);
	}
	key_put(&fw.fw_key);
	return error;
}

/* waiter_wake: fw is off the queue: once fw_woken is seen, fw may vanish. */
static void
waiter_wake(struct futex_bucket *fb, struct futex_waiter *fw)
{
	TAILQ_REMOVE(&fb->fb_queue, fw, fw_link);
	fw->fw_woken = true;
	wakeup(fw);
}

static unsigned
bucket_wake(struct futex_bucket *fb, const struct futex_key *k, unsigned n,
    uint32_t bitset)
{
	struct futex_waiter *fw, *next;
	unsigned count;

	count = 0;
	TAILQ_FOREACH_SAFE(fw, &fb->fb_queue, fw_link, next) {
		if (count >= n)
			break;
		if (!key_equal(&fw->fw_key, k) ||
		    (fw->fw_bitset & bitset) == 0)
			continue;
		waiter_wake(fb, fw);
		count++;
	}
	return count;
}

int
futex_wake(uint64_t va, bool shared, unsigned n, uint32_t bitset,
    unsigned *nwoken)
{
	struct futex_bucket *fb;
	struct futex_key k;
	int error;

	if (bitset == 0)
		return EINVAL;
	error = futex_key(va, shared, &k);
	if (error != 0)
		return error;
	fb = futex_bucket(&k);
	rw_wlock(&fb->fb_lock);
	*nwoken = bucket_wake(fb, &k, n, bitset);
	rw_wunlock(&fb->fb_lock);
	key_put(&k);
	return 0;
}

/* buckets_lock: both, the lower address first; they may be one. */
static __no_lock_analysis void
buckets_lock(struct futex_bucket *a, struct futex_bucket *b)
{
	rw_wlock(a < b ? &a->fb_lock : &b->fb_lock);
	if (a != b)
		rw_wlock(a < b ? &b->fb_lock : &a->fb_lock);
}

static __no_lock_analysis void
buckets_unlock(struct futex_bucket *a, struct futex_bucket *b)
{
	rw_wunlock(&a->fb_lock);
	if (a != b)
		rw_wunlock(&b->fb_lock);
}

/* bucket_move: up to m waiters from k1 to k2; both buckets locked. */
static unsigned
bucket_move(struct futex_bucket *fb1, const struct futex_key *k1,
    struct futex_bucket *fb2, const struct futex_key *k2, unsigned m)
{
	struct futex_waiter *fw, *next;
	unsigned count;

	count = 0;
	TAILQ_FOREACH_SAFE(fw, &fb1->fb_queue, fw_link, next) {
		if (count >= m)
			break;
		if (!key_equal(&fw->fw_key, k1))
			continue;
		TAILQ_REMOVE(&fb1->fb_queue, fw, fw_link);
		if (k2->object != NULL)
			vm_object_reference(k2->object);
		/* Its old object is let go by the caller, who names it too:
		 * the last reference cannot go here, under the locks. */
		if (fw->fw_key.object != NULL)
			vm_object_deallocate(fw->fw_key.object);
		fw->fw_key = *k2;
		atomic_store(&fw->fw_bucket, fb2);
		TAILQ_INSERT_TAIL(&fb2->fb_queue, fw, fw_link);
		count++;
	}
	return count;
}

int
futex_requeue(uint64_t va, uint64_t va2, bool shared, unsigned n, unsigned m,
    const uint32_t *cmp, unsigned *count)
{
	struct futex_bucket *fb1, *fb2;
	struct futex_key k1, k2;
	uint32_t now;
	int error;

	error = futex_key(va, shared, &k1);
	if (error != 0)
		return error;
	error = futex_key(va2, shared, &k2);
	if (error != 0) {
		key_put(&k1);
		return error;
	}
	fb1 = futex_bucket(&k1);
	fb2 = futex_bucket(&k2);
	buckets_lock(fb1, fb2);
	if (cmp != NULL) {
		error = fuword32(uaddr(va), &now);
		if (error == 0 && now != *cmp)
			error = EAGAIN;
	}
	if (error == 0) {
		*count = bucket_wake(fb1, &k1, n, ~0U);
		if (!key_equal(&k1, &k2))
			*count += bucket_move(fb1, &k1, fb2, &k2, m);
	}
	buckets_unlock(fb1, fb2);
	key_put(&k1);
	key_put(&k2);
	return error;
}

/* ---- wake with an operation ---- */

#define OP_ARG_SHIFT	8U

/* op_apply: the new word; ENOSYS. */
static int
op_apply(uint32_t op, uint32_t old, uint32_t *new)
{
	uint32_t arg = (op >> 12) & 0xfff;

	/* 12 bits with a sign, or a bit's number. */
	arg = (arg ^ 0x800) - 0x800;
	if (((op >> 28) & OP_ARG_SHIFT) != 0)
		arg = 1U << (arg & 31);
	switch ((op >> 28) & 7) {
	case 0:
		*new = arg;
		return 0;
	case 1:
		*new = old + arg;
		return 0;
	case 2:
		*new = old | arg;
		return 0;
	case 3:
		*new = old & ~arg;
		return 0;
	case 4:
		*new = old ^ arg;
		return 0;
	default:
		return ENOSYS;
	}
}

/* op_compares: ENOSYS: no such comparison. */
static int
op_compares(uint32_t op, uint32_t old, bool *yes)
{
	const int32_t arg = (int32_t)((((op & 0xfff) ^ 0x800)) - 0x800);
	const int32_t val = (int32_t)old;

	switch ((op >> 24) & 0xf) {
	case 0:
		*yes = val == arg;
		return 0;
	case 1:
		*yes = val != arg;
		return 0;
	case 2:
		*yes = val < arg;
		return 0;
	case 3:
		*yes = val <= arg;
		return 0;
	case 4:
		*yes = val > arg;
		return 0;
	case 5:
		*yes = val >= arg;
		return 0;
	default:
		return ENOSYS;
	}
}

/* op_word: change the word, atomically; *yes: did what was there compare? */
static int
op_word(uint64_t va, uint32_t op, bool *yes)
{
	uint32_t old, new, seen;
	int error;

	error = fuword32(uaddr(va), &seen);
	do {
		old = seen;
		if (error == 0)
			error = op_apply(op, old, &new);
		if (error == 0)
			error = casuword32(uaddr(va), old, new, &seen);
	} while (error == 0 && seen != old);
	return error != 0 ? error : op_compares(op, old, yes);
}

int
futex_wake_op(uint64_t va, uint64_t va2, bool shared, unsigned n, unsigned m,
    uint32_t op, unsigned *count)
{
	struct futex_bucket *fb1, *fb2;
	struct futex_key k1, k2;
	bool yes;
	int error;

	error = futex_key(va, shared, &k1);
	if (error != 0)
		return error;
	error = futex_key(va2, shared, &k2);
	if (error != 0) {
		key_put(&k1);
		return error;
	}
	fb1 = futex_bucket(&k1);
	fb2 = futex_bucket(&k2);
	buckets_lock(fb1, fb2);
	error = op_word(va2, op, &yes);
	if (error == 0) {
		*count = bucket_wake(fb1, &k1, n, ~0U);
		if (yes)
			*count += bucket_wake(fb2, &k2, m, ~0U);
	}
	buckets_unlock(fb1, fb2);
	key_put(&k1);
	key_put(&k2);
	return error;
}

/* ---- the end of a thread ---- */

/* robust_word: a lock that the dying thread may hold. */
static void
robust_word(struct uthread *ut, uint64_t va)
{
	uint32_t val, seen, new;
	unsigned n;

	if ((va & 3) != 0 || fuword32(uaddr(va), &val) != 0)
		return;
	while ((val & FUTEX_TID_MASK) == (uint32_t)ut->ut_tid) {
		new = (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		if (casuword32(uaddr(va), val, new, &seen) != 0)
			return;
		if (seen == val) {
			if ((val & FUTEX_WAITERS) != 0 &&
			    futex_wake(va, true, 1, ~0U, &n) != 0)
				return;
			return;
		}
		val = seen;
	}
}

/* robust_list: the list is the program's: it may lie, and it may be a ring. */
static void
robust_list(struct uthread *ut)
{
	uint64_t head = ut->ut_robust, entry, off, pending;
	unsigned i;

	ut->ut_robust = 0;
	if (fuword64(uaddr(head), &entry) != 0 ||
	    fuword64(uaddr(head + 8), &off) != 0 ||
	    fuword64(uaddr(head + 16), &pending) != 0)
		return;
	for (i = 0; i < ROBUST_MAX && (entry & ~1UL) != head; i++) {
		if (entry != pending)
			robust_word(ut, (entry & ~1UL) + off);
		if (fuword64(uaddr(entry & ~1UL), &entry) != 0)
			return;
	}
	if (pending != 0)
		robust_word(ut, (pending & ~1UL) + off);
}

void
futex_exit(struct uthread *ut)
{
	struct thread *td = ut->ut_td;
	uint64_t va = td->td_clear_tid;
	unsigned n;

	if (ut->ut_robust != 0)
		robust_list(ut);
	td->td_clear_tid = 0;
	/* With nobody left in the space to see it, save the page. */
	if (va == 0 || (ut->ut_proc->p_nthreads == 1 &&
	    atomic_load(&ut->ut_proc->p_vmspace->vm_refcnt) == 1))
		return;
	if (suword32(uaddr(va), 0) == 0)
		(void)!futex_wake(va, true, 1, ~0U, &n);
}
