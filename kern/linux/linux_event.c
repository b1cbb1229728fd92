/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_event.c: eventfd and epoll.
 *
 * Locks: none of its own.
 * Sources: eventfd(2), epoll_create(2), epoll_ctl(2), epoll_wait(2) of Linux.
 */
#include "linux_priv.h"

#include <sys/event.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>

#define EFD_SEMAPHORE	1U
#define EPOLL_MAX	1024U	/* events of one wait; more wait their turn */

/* struct epoll_event is packed on x86-64. */
struct linux_epoll_event {
	uint32_t	events;
	uint64_t	data;
} __attribute__((__packed__));
CTASSERT(sizeof(struct linux_epoll_event) == 12, "struct epoll_event");

int64_t
sys_eventfd2(SYSARGS6(count, flags, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct file *fp = NULL;
	int error, fd;

	if (((uint32_t)flags & ~(uint32_t)(EFD_SEMAPHORE | O_NONBLOCK |
	    O_CLOEXEC)) != 0)
		return -EINVAL;
	error = fd_reserve((flags & O_CLOEXEC) != 0, &fd);
	if (error == 0)
		error = eventfd_create((uint32_t)count,
		    (flags & EFD_SEMAPHORE) != 0, (unsigned)flags, &fp);
	return fd_done(error, fd, fp);
}

int64_t
sys_eventfd(SYSARGS6(count, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return sys_eventfd2(count, 0, 0, 0, 0, 0);
}

int64_t
sys_pidfd_open(SYSARGS2(pid, flags))
{
	struct file *fp = NULL;
	int error, fd;

	if (((uint32_t)flags & ~(uint32_t)O_NONBLOCK) != 0 || (int32_t)pid <= 0)
		return -EINVAL;
	error = fd_reserve(true, &fd);
	if (error == 0)
		error = pidfd_create((int32_t)pid, (unsigned)flags, &fp);
	return fd_done(error, fd, fp);
}

/* ---- epoll ---- */

int64_t
sys_epoll_create1(SYSARGS6(flags, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	struct file *fp = NULL;
	int error, fd;

	if (((uint32_t)flags & ~(uint32_t)O_CLOEXEC) != 0)
		return -EINVAL;
	error = fd_reserve((flags & O_CLOEXEC) != 0, &fd);
	if (error == 0)
		error = epoll_create(&fp);
	return fd_done(error, fd, fp);
}

int64_t
sys_epoll_create(SYSARGS6(size, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return (int32_t)size <= 0 ? -EINVAL :
	    sys_epoll_create1(0, 0, 0, 0, 0, 0);
}

int64_t
sys_epoll_ctl(SYSARGS6(epfd, op, fd, ua, a4 __unused, a5 __unused))
{
	struct linux_epoll_event ev = { 0, 0 };
	struct epoll_want want;
	struct file *ep, *fp;
	int error;

	error = (int32_t)op != EPOLL_DEL ? copyin(uaddr(ua), &ev,
	    sizeof(ev)) : 0;
	if (error != 0)
		return ret_errno(error);
	ep = fd_get((int)epfd);
	fp = fd_get((int)fd);
	want = (struct epoll_want){ ev.events, ev.data };
	if (ep == NULL || fp == NULL)
		error = EBADF;
	else if (fp->f_ops->fo_poll == NULL)
		error = EPERM;
	else if (!file_isepoll(ep) || (int32_t)op < EPOLL_ADD ||
	    (int32_t)op > EPOLL_MOD)
		error = EINVAL;
	else
		error = epoll_ctl(ep, (int32_t)op, fp, (int)fd, &want);
	if (ep != NULL)
		file_put(ep);
	if (fp != NULL)
		file_put(fp);
	return ret_errno(error);
}

/* What epoll_ready fills. [t] */
struct epoll_out {
	struct file		*ep;
	struct epoll_want	*out;
};

static int
epoll_ready(struct waiting *w, unsigned *ready)
{
	struct epoll_out *o = w->what;

	*ready = epoll_scan(o->ep, o->out, w->n);
	return 0;
}

static int
epoll_copyout(const struct epoll_want *out, unsigned n, uint64_t ua)
{
	struct linux_epoll_event ev;
	unsigned i;
	int error;

	error = 0;
	for (i = 0; i < n && error == 0; i++) {
		ev.events = out[i].events;
		ev.data = out[i].data;
		error = copyout(&ev, uaddr(ua + i * sizeof(ev)), sizeof(ev));
	}
	return error;
}

static int64_t
epoll_wait_file(struct waiting *w, struct file *ep, uint64_t ua)
{
	struct epoll_out o = { .ep = ep };
	unsigned ready;
	int error;

	if (!file_isepoll(ep))
		return -EINVAL;
	o.out = kmalloc(w->n * sizeof(*o.out), M_WAITOK);
	if (o.out == NULL)
		return -ENOMEM;
	w->scan = epoll_ready;
	w->what = &o;
	error = wait_loop(w, &ready);
	if (error == 0)
		error = epoll_copyout(o.out, ready, ua);
	kfree(o.out);
	if (error == EINTR)
		return -EINTR;
	return error != 0 ? ret_errno(error) : (int64_t)ready;
}

static int64_t
do_epoll_wait(uint64_t epfd, uint64_t ua, uint64_t max, bool forever,
    nsec_t timo)
{
	struct waiting w;
	struct file *ep;
	int64_t ret;

	if ((int32_t)max <= 0)
		return -EINVAL;
	ep = fd_get((int)epfd);
	if (ep == NULL)
		return -EBADF;
	w.n = MIN((uint32_t)max, EPOLL_MAX);
	wait_until(&w, forever, timo);
	ret = epoll_wait_file(&w, ep, ua);
	file_put(ep);
	return ret;
}

int64_t
sys_epoll_wait(SYSARGS6(epfd, ua, max, timo, a4 __unused, a5 __unused))
{
	bool forever = (int32_t)timo < 0;

	return do_epoll_wait(epfd, ua, max, forever, forever ? 0 :
	    (uint32_t)timo * NSEC_PER_MSEC);
}

/* masked_wait: the same under another signal mask; 0: under the own. */
static int64_t
masked_wait(const uint64_t a[3], bool forever, nsec_t timo, uint64_t mask,
    uint64_t size)
{
	int64_t ret;
	int error;

	error = mask != 0 ? mask_begin(mask, size) : 0;
	if (error != 0)
		return ret_errno(error);
	ret = do_epoll_wait(a[0], a[1], a[2], forever, timo);
	if (mask == 0)
		return ret;
	/* Interrupted: the handler runs before the mask is put back. */
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	mask_end(ret);
	return ret;
}

int64_t
sys_epoll_pwait(SYSARGS6(epfd, ua, max, timo, mask, size))
{
	const uint64_t a[3] = { epfd, ua, max };
	bool forever = (int32_t)timo < 0;

	return masked_wait(a, forever, forever ? 0 :
	    (uint32_t)timo * NSEC_PER_MSEC, mask, size);
}

int64_t
sys_epoll_pwait2(SYSARGS6(epfd, ua, max, ts, mask, size))
{
	const uint64_t a[3] = { epfd, ua, max };
	nsec_t timo = 0;
	int error;

	error = ts != 0 ? timespec_get(ts, &timo) : 0;
	return error != 0 ? ret_errno(error) :
	    masked_wait(a, ts == 0, timo, mask, size);
}
