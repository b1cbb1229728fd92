/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flock.c: locks that processes take on bytes of files (fcntl) and on whole
 * files (flock).
 *
 * Of one owner, locks of a kind do not overlap and touching ones of one type
 * are one.  POSIX locks belong to a descriptor table, the others to an open
 * file; POSIX and open-file-description locks conflict with each other, whole
 * locks only among themselves.
 *
 * I1: rn_nlocks is the number of entries on rn_locks.
 * I2: two locks that overlap and belong to different owners are both LOCK_RD.
 * I3: a thread that waits is on flock_waits with the owner it waits for, so a
 *     circle of POSIX owners is seen before it closes.
 * Locks: flock_lock, one for all files: taken alone.
 * Sources: fcntl(2), flock(2) of Linux; POSIX.1-2017 fcntl().
 */
#include <sys/flock.h>

#include <lib/atomic.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <sys/sleepq.h>
#include <sys/zone.h>

/* [k] flock_lock all. */
struct filelock {
	TAILQ_ENTRY(filelock)	 fl_link;
	const void		*fl_owner;
	enum lock_kind		 fl_kind;
	int			 fl_type;
	uint64_t		 fl_start, fl_end;
	int			 fl_pid;
};

/* A thread that waits. [k] */
struct lockwait {
	TAILQ_ENTRY(lockwait)	 lw_link;
	const void		*lw_owner;	/* who waits */
	const void		*lw_for;	/* whom for */
};

static struct rwlock	 flock_lock;
static TAILQ_HEAD(, lockwait) flock_waits =
    TAILQ_HEAD_INITIALIZER(flock_waits);
static struct zone	*filelock_zone;

void
flock_init(void)
{
	rw_init(&flock_lock, "flock", LO_FUTEX, 0);
	filelock_zone = zone_create("filelock", sizeof(struct filelock), 16,
	    NULL, 0);
}

static const void *
lock_owner(struct file *fp, enum lock_kind kind)
{
	return kind == LOCK_POSIX ? (const void *)curproc->p_fd : fp;
}

/* lock_kin: do the two kinds see each other? */
static bool
lock_kin(enum lock_kind a, enum lock_kind b)
{
	return (a == LOCK_WHOLE) == (b == LOCK_WHOLE);
}

/* lock_blocker: what is in req's way, the lowest of it. */
static struct filelock *
lock_blocker(struct rnode *n, const void *owner, const struct lockreq *req)
{
	struct filelock *l, *best = NULL;

	TAILQ_FOREACH(l, &n->rn_locks, fl_link)
		if (l->fl_owner != owner && lock_kin(l->fl_kind, req->kind) &&
		    l->fl_start <= req->end && l->fl_end >= req->start &&
		    (l->fl_type == LOCK_WR || req->type == LOCK_WR) &&
		    (best == NULL || l->fl_start < best->fl_start))
			best = l;
	return best;
}

/* lock_circle: does target wait, over others, for owner? */
static bool
lock_circle(const void *target, const void *owner)
{
	struct lockwait *w;
	unsigned steps;

	for (steps = 0; steps < 64; steps++) {
		if (target == owner)
			return true;
		TAILQ_FOREACH(w, &flock_waits, lw_link)
			if (w->lw_owner == target)
				break;
		if (w == NULL)
			return false;
		target = w->lw_for;
	}
	return false;
}

static void
lock_drop(struct rnode *n, struct filelock *l)
{
	TAILQ_REMOVE(&n->rn_locks, l, fl_link);
	atomic_sub(&n->rn_nlocks, 1);
	zone_free(filelock_zone, l);
}

static void
lock_add(struct rnode *n, struct filelock *l)
{
	TAILQ_INSERT_TAIL(&n->rn_locks, l, fl_link);
	atomic_add(&n->rn_nlocks, 1);
}

/*
 * lock_cut: owner's locks give way in [start, end]; a rest on the right of one
 * that sticks out on both sides goes to *spare, which is used up.
 */
static void
lock_cut(struct rnode *n, const void *owner, const struct lockreq *req,
    uint64_t start, uint64_t end, struct filelock **spare)
{
	struct filelock *l, *next, *rest;

	for (l = TAILQ_FIRST(&n->rn_locks); l != NULL; l = next) {
		next = TAILQ_NEXT(l, fl_link);
		if (l->fl_owner != owner || l->fl_kind != req->kind ||
		    l->fl_start > end || l->fl_end < start)
			continue;
		if (l->fl_start < start && l->fl_end > end) {
			rest = *spare;
			*spare = NULL;
			*rest = *l;
			rest->fl_start = end + 1;
			l->fl_end = start - 1;
			lock_add(n, rest);
		} else if (l->fl_start < start) {
			l->fl_end = start - 1;
		} else if (l->fl_end > end) {
			l->fl_start = end + 1;
		} else {
			lock_drop(n, l);
		}
	}
}

/* lock_apply: nothing is in the way: owner's locks become what req says. */
static void
lock_apply(struct rnode *n, const void *owner, const struct lockreq *req,
    struct filelock *mem[2])
{
	uint64_t start = req->start, end = req->end;
	struct filelock *l;

	if (req->type != LOCK_UN) {
		/* Grow over own locks of the type that overlap or touch. */
		TAILQ_FOREACH(l, &n->rn_locks, fl_link) {
			if (l->fl_owner != owner || l->fl_kind != req->kind ||
			    l->fl_type != req->type ||
			    (l->fl_start > 0 && l->fl_start - 1 > req->end) ||
			    (req->start > 0 && l->fl_end < req->start - 1))
				continue;
			start = MIN(start, l->fl_start);
			end = MAX(end, l->fl_end);
		}
	}
	lock_cut(n, owner, req, start, end, &mem[0]);
	if (req->type == LOCK_UN)
		return;
	l = mem[1];
	mem[1] = NULL;
	l->fl_owner = owner;
	l->fl_kind = req->kind;
	l->fl_type = req->type;
	l->fl_start = start;
	l->fl_end = end;
	l->fl_pid = req->kind == LOCK_POSIX ? curproc->p_pid : -1;
	lock_add(n, l);
}

/* lock_wait: sleep until a lock of n goes.  flock_lock held. */
static __requires(flock_lock) int
lock_wait(struct rnode *n, const void *owner, const struct filelock *l,
    const struct lockreq *req)
{
	struct lockwait w = { .lw_owner = owner, .lw_for = l->fl_owner };
	int error;

	if (req->kind == LOCK_POSIX && lock_circle(l->fl_owner, owner))
		return EDEADLK;
	TAILQ_INSERT_TAIL(&flock_waits, &w, lw_link);
	error = rw_sleep(&n->rn_locks, &flock_lock, PCATCH, "flock", 0);
	TAILQ_REMOVE(&flock_waits, &w, lw_link);
	return error;
}

int
file_lock(struct file *fp, const struct lockreq *req, bool wait)
{
	const void *owner = lock_owner(fp, req->kind);
	struct filelock *l, *mem[2];
	struct rnode *n = fp->f_node;
	int error;

	if (n == NULL)
		return EINVAL;
	mem[0] = zone_alloc(filelock_zone, M_WAITOK);
	mem[1] = zone_alloc(filelock_zone, M_WAITOK);
	error = mem[0] == NULL || mem[1] == NULL ? ENOLCK : 0;
	rw_wlock(&flock_lock);
	/* flock gives its old lock up before it waits for another. */
	if (error == 0 && req->kind == LOCK_WHOLE)
		lock_cut(n, owner, req, 0, UINT64_MAX, &mem[0]);
	while (error == 0 && req->type != LOCK_UN &&
	    (l = lock_blocker(n, owner, req)) != NULL)
		error = wait ? lock_wait(n, owner, l, req) : EAGAIN;
	if (error == 0)
		lock_apply(n, owner, req, mem);
	wakeup(&n->rn_locks);
	rw_wunlock(&flock_lock);
	if (mem[0] != NULL)
		zone_free(filelock_zone, mem[0]);
	if (mem[1] != NULL)
		zone_free(filelock_zone, mem[1]);
	return error;
}

int
file_getlock(struct file *fp, struct lockreq *req)
{
	const struct filelock *l;

	if (fp->f_node == NULL)
		return EINVAL;
	rw_rlock(&flock_lock);
	l = lock_blocker(fp->f_node, lock_owner(fp, req->kind), req);
	if (l != NULL) {
		req->type = l->fl_type;
		req->start = l->fl_start;
		req->end = l->fl_end;
		req->pid = l->fl_pid;
	} else {
		req->type = LOCK_UN;
	}
	rw_runlock(&flock_lock);
	return 0;
}

/* locks_drop: all of owner on n, of POSIX kind or of the others. */
static void
locks_drop(struct rnode *n, const void *owner)
{
	struct filelock *l, *next;

	if (n == NULL || atomic_load(&n->rn_nlocks) == 0)
		return;
	rw_wlock(&flock_lock);
	for (l = TAILQ_FIRST(&n->rn_locks); l != NULL; l = next) {
		next = TAILQ_NEXT(l, fl_link);
		if (l->fl_owner == owner)
			lock_drop(n, l);
	}
	wakeup(&n->rn_locks);
	rw_wunlock(&flock_lock);
}

void
file_unlock_closed(struct file *fp, const void *fdt)
{
	locks_drop(fp->f_node, fdt);
}

void
file_unlock_last(struct file *fp)
{
	locks_drop(fp->f_node, fp);
}
