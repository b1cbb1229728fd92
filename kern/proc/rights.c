/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rights.c: files on their way through a socket (SCM_RIGHTS).
 *
 * A sender's files travel in a struct rights beside the bytes of one write, in
 * the pipe of that direction, and go to who reads the first of these bytes, or
 * are closed.  A socket may so be kept open by nothing but its own queue, or that
 * of another one in the same case: such rings are looked for when a reference
 * goes and those that are left are all of files under way.
 *
 * I1: f_inflight of a file is the number of struct rights in pipes that hold it.
 * I2: what is in a pipe's list is there, and counted, in one step.
 * I3: closing files closes sockets closes files: one thread does it in a loop,
 *     and others, and itself further down, only add to its list.
 * I4: gc empties the pipes only of sockets that nobody holds, so nobody reads or
 *     writes there: who does has a reference that is not under way.
 * Locks: rights_lock (LO_FUTEX), below p_lock and usock_lock; a leaf.
 * Sources: unix(7), cmsg(3) of Linux.
 */
#include <sys/rights.h>

#include <lib/atomic.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/lock.h>
#include <sys/proc.h>
#include <sys/usock.h>

static struct rwlock	 rights_lock;
static struct rightslist dead = TAILQ_HEAD_INITIALIZER(dead);
static bool		 closing;	/* [k] rights_lock: a thread is at it */
static unsigned		 inflight;	/* [a] of all files */
static struct rightslist away = TAILQ_HEAD_INITIALIZER(away);	/* [k] */

void
rights_init(void)
{
	rw_init(&rights_lock, "rights", LO_FUTEX, 0);
}

/* too_many: has uid more than limit files under way?  Looked at one by one only
 * if all users together have. */
static bool
too_many(uint32_t uid, uint64_t limit)
{
	struct rights *r;
	uint64_t n = 0;

	if (atomic_load(&inflight) <= limit)
		return false;
	rw_rlock(&rights_lock);
	TAILQ_FOREACH(r, &away, r_away)
		if (r->r_uid == uid)
			n += r->r_nfiles;
	rw_runlock(&rights_lock);
	return n > limit;
}

int
rights_get(const int32_t *fds, unsigned n, struct rights **rp)
{
	const uint32_t uid = curproc->p_cred.cr_uid[ID_REAL];
	struct rights *r;
	int error;

	if (n > RIGHTS_MAX)
		return EINVAL;
	if (curproc->p_cred.cr_uid[ID_EFF] != 0 &&
	    too_many(uid, proc_rlimit(curproc, RLIMIT_NOFILE)))
		return ETOOMANYREFS;
	r = kmalloc(sizeof(*r) + n * sizeof(r->r_files[0]), M_WAITOK | M_ZERO);
	if (r == NULL)
		return ENOMEM;
	r->r_uid = uid;
	error = 0;
	for (r->r_nfiles = 0; r->r_nfiles < n; r->r_nfiles++) {
		r->r_files[r->r_nfiles] = fd_get(fds[r->r_nfiles]);
		if (r->r_files[r->r_nfiles] == NULL) {
			error = EBADF;
			break;
		}
	}
	if (error != 0)
		rights_put(r);
	else
		*rp = r;
	return error;
}

/* rights_close: the files of one. */
static void
rights_close(struct rights *r)
{
	unsigned i;

	for (i = 0; i < r->r_nfiles; i++)
		if (r->r_files[i] != NULL)
			file_put(r->r_files[i]);
	kfree(r);
}

void
rights_put(struct rights *r)
{
	struct rights *next;

	rw_wlock(&rights_lock);
	TAILQ_INSERT_TAIL(&dead, r, r_link);
	if (closing) {
		rw_wunlock(&rights_lock);
		return;
	}
	closing = true;
	while ((next = TAILQ_FIRST(&dead)) != NULL) {
		TAILQ_REMOVE(&dead, next, r_link);
		rw_wunlock(&rights_lock);
		rights_close(next);
		rw_wlock(&rights_lock);
	}
	closing = false;
	rw_wunlock(&rights_lock);
}

void
rights_put_all(struct rightslist *list)
{
	struct rights *r;

	while ((r = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, r, r_link);
		rights_put(r);
	}
}

/* ---- in a pipe ---- */

/* count: r's files are under way, or no more.  rights_lock held. */
static void
count(struct rights *r, int by)
{
	unsigned i;

	if (by > 0)
		TAILQ_INSERT_TAIL(&away, r, r_away);
	else
		TAILQ_REMOVE(&away, r, r_away);
	for (i = 0; i < r->r_nfiles; i++)
		atomic_add(&r->r_files[i]->f_inflight, by);
	atomic_add(&inflight, (unsigned)(by * (int)r->r_nfiles));
}

void
rights_attach(struct rightslist *list, struct rights *r)
{
	rw_wlock(&rights_lock);
	TAILQ_INSERT_TAIL(list, r, r_link);
	count(r, 1);
	rw_wunlock(&rights_lock);
}

void
rights_detach(struct rightslist *list, struct rights *r)
{
	rw_wlock(&rights_lock);
	TAILQ_REMOVE(list, r, r_link);
	count(r, -1);
	rw_wunlock(&rights_lock);
}

/* detach_all: from list to out.  rights_lock held. */
static void
detach_all(struct rightslist *list, struct rightslist *out)
{
	struct rights *r;

	while ((r = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, r, r_link);
		count(r, -1);
		TAILQ_INSERT_TAIL(out, r, r_link);
	}
}

void
rights_detach_all(struct rightslist *list, struct rightslist *out)
{
	if (TAILQ_EMPTY(list))
		return;
	rw_wlock(&rights_lock);
	detach_all(list, out);
	rw_wunlock(&rights_lock);
}

/* ---- rings ---- */

void
rights_gc(void)
{
	struct rightslist out = TAILQ_HEAD_INITIALIZER(out);

	if (atomic_load(&inflight) == 0)
		return;
	usock_lock_all();
	rw_wlock(&rights_lock);
	usock_unreached(&out, detach_all);
	rw_wunlock(&rights_lock);
	usock_unlock_all();
	rights_put_all(&out);
}
