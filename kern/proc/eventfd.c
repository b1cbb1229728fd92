/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfd.c: a counter with a descriptor: writes add, reads take.
 *
 * I1: ev_count <= EVENT_MAX.
 * Locks: ev_lock (LO_FILE).
 * Sources: eventfd(2) of Linux.
 */
#include <sys/event.h>

#include <lib/atomic.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/sleepq.h>

#define EVENT_MAX	(UINT64_MAX - 1)

/* Lifetime: its file's. [e] ev_lock. */
struct eventfd {
	struct rwlock	 ev_lock;
	uint64_t	 ev_count;	/* [e] I1 */
	unsigned	 ev_nreads, ev_nwrites;	/* [e] for fo_edge */
	bool		 ev_semaphore;	/* [c] */
};

static int
event_wait(struct file *fp, struct eventfd *ev)
{
	if ((atomic_load(&fp->f_flags) & O_NONBLOCK) != 0)
		return EAGAIN;
	return rw_sleep(&ev->ev_count, &ev->ev_lock, PCATCH, "eventfd", 0);
}

static void
event_wake(struct eventfd *ev)
{
	wakeup(&ev->ev_count);
	poll_wakeup();
}

static int
event_read(struct file *fp, struct uio *u, uint64_t *off __unused)
{
	struct eventfd *ev = fp->f_data;
	uint64_t value;
	int error;

	if (u->u_resid < sizeof(value))
		return EINVAL;
	error = 0;
	rw_wlock(&ev->ev_lock);
	while (ev->ev_count == 0 && error == 0)
		error = event_wait(fp, ev);
	if (error == 0) {
		value = ev->ev_semaphore ? 1 : ev->ev_count;
		ev->ev_count -= value;
		ev->ev_nreads++;
		event_wake(ev);
	}
	rw_wunlock(&ev->ev_lock);
	return error != 0 ? error : uiomove(&value, sizeof(value), u);
}

static int
event_write(struct file *fp, struct uio *u, uint64_t *off __unused)
{
	struct eventfd *ev = fp->f_data;
	uint64_t value;
	int error;

	if (u->u_resid < sizeof(value))
		return EINVAL;
	error = uiomove(&value, sizeof(value), u);
	if (error != 0)
		return error;
	if (value > EVENT_MAX) {
		u->u_resid += sizeof(value);
		return EINVAL;
	}
	rw_wlock(&ev->ev_lock);
	while (value > EVENT_MAX - ev->ev_count && error == 0)
		error = event_wait(fp, ev);
	if (error == 0) {
		ev->ev_count += value;
		ev->ev_nwrites++;
		event_wake(ev);
	}
	rw_wunlock(&ev->ev_lock);
	if (error != 0)
		u->u_resid += sizeof(value);
	return error;
}

static unsigned
event_poll(struct file *fp)
{
	struct eventfd *ev = fp->f_data;
	unsigned events;

	rw_rlock(&ev->ev_lock);
	events = (ev->ev_count > 0 ? POLLIN : 0U) |
	    (ev->ev_count < EVENT_MAX ? POLLOUT : 0U);
	rw_runlock(&ev->ev_lock);
	return events;
}

static uint64_t
event_edge(struct file *fp, unsigned want)
{
	struct eventfd *ev = fp->f_data;
	uint64_t n;

	rw_rlock(&ev->ev_lock);
	n = (want & POLL_INS) != 0 ? ev->ev_nwrites : 0;
	n += (want & POLL_OUTS) != 0 ? ev->ev_nreads : 0;
	rw_runlock(&ev->ev_lock);
	return n;
}

static int
event_stat(struct file *fp __unused, struct fstatus *st)
{
	*st = (struct fstatus){ .st_mode = 0600, .st_nlink = 1 };
	return 0;
}

static void
event_close(struct file *fp)
{
	struct eventfd *ev = fp->f_data;

	rw_destroy(&ev->ev_lock);
	kfree(ev);
}

static const struct fileops event_ops = {
	.fo_name = "anon_inode:eventfd",
	.fo_read = event_read,
	.fo_write = event_write,
	.fo_poll = event_poll,
	.fo_edge = event_edge,
	.fo_stat = event_stat,
	.fo_close = event_close,
};

int
eventfd_create(uint64_t count, bool semaphore, unsigned flags,
    struct file **fpp)
{
	struct eventfd *ev;
	int error;

	ev = kmalloc(sizeof(*ev), M_WAITOK | M_ZERO);
	if (ev == NULL)
		return ENOMEM;
	rw_init(&ev->ev_lock, "eventfd", LO_FILE, 0);
	ev->ev_count = count;
	ev->ev_semaphore = semaphore;
	error = file_alloc(&event_ops, O_RDWR | (flags & O_NONBLOCK), ev,
	    NULL, fpp);
	if (error == 0)
		return 0;
	rw_destroy(&ev->ev_lock);
	kfree(ev);
	return error;
}
