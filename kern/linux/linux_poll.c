/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_poll.c: waiting for descriptors: poll, ppoll, select, pselect6.
 *
 * All four scan the descriptors they were given, sleep on the one generation
 * count of poll_wait, and scan again.
 * Locks: none of its own.
 * Sources: poll(2), select(2) of Linux; select.c of Linux for which events
 *    make a descriptor readable, writable, exceptional.
 */
#include "linux_priv.h"

#include <lib/string.h>
#include <linux/fcntl.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>

#define POLL_SMALL	16
#define SEL_IN		(POLLIN | POLLHUP | POLLERR)
#define SEL_OUT		(POLLOUT | POLLERR)
#define SEL_EX		POLLPRI
#define SEL_WORDS(n)	(((size_t)(n) + 63) / 64)

int
wait_loop(struct waiting *w, unsigned *ready)
{
	uint64_t gen;
	nsec_t now;
	int error;

	for (;;) {
		gen = poll_begin();
		error = w->scan(w, ready);
		now = md_uptime();
		if (error == 0 && *ready == 0 &&
		    (w->forever || now < w->deadline))
			error = poll_wait(gen, w->forever ? 0 :
			    w->deadline - now);
		poll_end();
		if (*ready != 0 || (!w->forever && now >= w->deadline))
			return error == EWOULDBLOCK ? 0 : error;
		if (error != 0 && error != EWOULDBLOCK)
			return error;
	}
}

void
wait_until(struct waiting *w, bool forever, nsec_t timo)
{
	nsec_t now = md_uptime();

	w->forever = forever;
	w->deadline = timo > ~0UL - now ? ~0UL : now + timo;
}

/* wait_left: the time that was not waited. */
static nsec_t
wait_left(const struct waiting *w)
{
	nsec_t now = md_uptime();

	return w->deadline > now ? w->deadline - now : 0;
}

/* file_events: what fp's poll says; true for files that never block. */
static unsigned
file_events(struct file *fp)
{
	if (fp->f_ops->fo_poll == NULL)
		return POLLIN | POLLOUT;
	return fp->f_ops->fo_poll(fp);
}

/* ---- poll ---- */

static int16_t
poll_one(const struct linux_pollfd *pfd)
{
	struct file *fp;
	unsigned ev;

	if (pfd->fd < 0)
		return 0;
	fp = fd_get(pfd->fd);
	if (fp == NULL)
		return POLLNVAL;
	ev = file_events(fp);
	file_put(fp);
	if ((ev & POLLIN) != 0)
		ev |= POLLRDNORM;
	if ((ev & POLLOUT) != 0)
		ev |= POLLWRNORM;
	return (int16_t)(ev & ((uint16_t)pfd->events | POLLERR | POLLHUP));
}

static int
poll_scan(struct waiting *w, unsigned *ready)
{
	struct linux_pollfd *pfd = w->what;
	unsigned i;

	*ready = 0;
	for (i = 0; i < w->n; i++) {
		pfd[i].revents = poll_one(&pfd[i]);
		*ready += pfd[i].revents != 0;
	}
	return 0;
}

/* poll_out: only revents is the kernel's. */
static int
poll_out(const struct linux_pollfd *pfd, unsigned n, uint64_t ua)
{
	unsigned i;
	int error;

	error = 0;
	for (i = 0; i < n && error == 0; i++)
		error = copyout(&pfd[i].revents, uaddr(ua + i * sizeof(*pfd) +
		    __builtin_offsetof(struct linux_pollfd, revents)),
		    sizeof(pfd[i].revents));
	return error;
}

static int64_t
do_poll(struct waiting *w, uint64_t ua, uint64_t n)
{
	struct linux_pollfd small[POLL_SMALL], *pfd = small;
	size_t bytes = n * sizeof(*pfd);
	unsigned ready;
	int error;

	if (n > proc_rlimit(curproc, RLIMIT_NOFILE) || n > NOFILE_MAX)
		return -EINVAL;
	if (n > POLL_SMALL)
		pfd = kmalloc(bytes, M_WAITOK);
	if (pfd == NULL)
		return -ENOMEM;
	w->scan = poll_scan;
	w->n = (unsigned)n;
	w->what = pfd;
	error = copyin(uaddr(ua), pfd, bytes);
	if (error == 0)
		error = wait_loop(w, &ready);
	if (error == 0)
		error = poll_out(pfd, w->n, ua);
	if (pfd != small)
		kfree(pfd);
	if (error == EINTR)
		return -ERESTARTNOHAND;
	return error != 0 ? ret_errno(error) : (int64_t)ready;
}

int64_t
sys_poll(SYSARGS6(ua, n, timo, a3 __unused, a4 __unused, a5 __unused))
{
	struct waiting w;
	bool forever = (int32_t)timo < 0;

	wait_until(&w, forever, forever ? 0 : (uint32_t)timo * NSEC_PER_MSEC);
	return do_poll(&w, ua, (uint32_t)n);
}

int
mask_begin(uint64_t mask, uint64_t size)
{
	struct uthread *ut = curuthread;
	uint64_t set;
	int error;

	if (size != sizeof(set))
		return EINVAL;
	error = fuword64(uaddr(mask), &set);
	if (error != 0)
		return error;
	ut->ut_oldmask = ut->ut_sigmask;
	sigmask_set(set);
	return 0;
}

/* mask_end: a handler runs under the mask of the call; userret restores. */
void
mask_end(int64_t ret)
{
	if (ret == -ERESTARTNOHAND)
		curuthread->ut_suspended = true;
	else
		sigmask_set(curuthread->ut_oldmask);
}

int64_t
sys_ppoll(SYSARGS6(ua, n, ts, mask, size, a5 __unused))
{
	struct waiting w;
	nsec_t timo;
	int64_t ret;
	int error;

	timo = 0;
	error = ts != 0 ? timespec_get(ts, &timo) : 0;
	if (error == 0 && mask != 0)
		error = mask_begin(mask, size);
	if (error != 0)
		return ret_errno(error);
	wait_until(&w, ts == 0, timo);
	ret = do_poll(&w, ua, (uint32_t)n);
	if (mask != 0)
		mask_end(ret);
	if (ts != 0)
		(void)!timespec_put(wait_left(&w), ts);
	return ret;
}

/* ---- select ---- */

/* Six sets of a bit each descriptor: asked, then found. [t] */
struct selsets {
	uint64_t	*in[3], *out[3];
	uint64_t	 mem[];
};

static bool
bit_isset(const uint64_t *set, unsigned i)
{
	return (set[i / 64] >> (i % 64) & 1) != 0;
}

/* select_one: descriptor i against the three sets; EBADF. */
static int
select_one(struct selsets *s, unsigned i, unsigned *ready)
{
	static const unsigned want[3] = { SEL_IN, SEL_OUT, SEL_EX };
	struct file *fp;
	unsigned ev, k;

	if (!bit_isset(s->in[0], i) && !bit_isset(s->in[1], i) &&
	    !bit_isset(s->in[2], i))
		return 0;
	fp = fd_get((int)i);
	if (fp == NULL)
		return EBADF;
	ev = file_events(fp);
	file_put(fp);
	for (k = 0; k < 3; k++) {
		if ((ev & want[k]) == 0 || !bit_isset(s->in[k], i))
			continue;
		s->out[k][i / 64] |= 1UL << (i % 64);
		++*ready;
	}
	return 0;
}

static int
select_scan(struct waiting *w, unsigned *ready)
{
	struct selsets *s = w->what;
	size_t words = SEL_WORDS(w->n);
	unsigned i;
	int error;

	memset(s->out[0], 0, 3 * words * 8);
	*ready = 0;
	error = 0;
	for (i = 0; i < w->n && error == 0; i++) {
		if (i % 64 == 0 && (s->in[0][i / 64] | s->in[1][i / 64] |
		    s->in[2][i / 64]) == 0)
			i += 63;
		else
			error = select_one(s, i, ready);
	}
	if (error != 0)
		*ready = 0;
	return error;
}

/* select_copy: the sets from user space or back; 0: not given. */
static int
select_copy(struct selsets *s, const uint64_t *ua, unsigned n, bool in)
{
	size_t bytes = SEL_WORDS(n) * 8;
	unsigned k;
	int error;

	error = 0;
	for (k = 0; k < 3 && error == 0; k++) {
		if (ua[k] == 0)
			continue;
		error = in ? copyin(uaddr(ua[k]), s->in[k], bytes) :
		    copyout(s->out[k], uaddr(ua[k]), bytes);
	}
	return error;
}

static int64_t
do_select(struct waiting *w, int64_t n, const uint64_t *ua)
{
	struct selsets *s;
	size_t words;
	unsigned ready, k;
	int error;

	if (n < 0)
		return -EINVAL;
	w->n = (unsigned)MIN(n, (int64_t)NOFILE_MAX);
	words = MAX(SEL_WORDS(w->n), 1UL);
	s = kmalloc(sizeof(*s) + 6 * words * 8, M_WAITOK | M_ZERO);
	if (s == NULL)
		return -ENOMEM;
	for (k = 0; k < 3; k++) {
		s->in[k] = s->mem + k * words;
		s->out[k] = s->mem + (3 + k) * words;
	}
	w->scan = select_scan;
	w->what = s;
	ready = 0;
	error = select_copy(s, ua, w->n, true);
	/* Bits past n in the last word were not asked for. */
	if (w->n % 64 != 0)
		for (k = 0; k < 3; k++)
			s->in[k][words - 1] &= (1UL << (w->n % 64)) - 1;
	if (error == 0)
		error = wait_loop(w, &ready);
	if (error == 0)
		error = select_copy(s, ua, w->n, false);
	kfree(s);
	if (error == EINTR)
		return -ERESTARTNOHAND;
	return error != 0 ? ret_errno(error) : (int64_t)ready;
}

int64_t
sys_select(SYSARGS6(n, in, out, ex, tv, a5 __unused))
{
	const uint64_t ua[3] = { in, out, ex };
	struct linux_timeval t;
	struct waiting w;
	int64_t ret;
	int error;

	t = (struct linux_timeval){ 0, 0 };
	error = tv != 0 ? copyin(uaddr(tv), &t, sizeof(t)) : 0;
	if (error == 0 && (t.tv_sec < 0 || t.tv_usec < 0))
		error = EINVAL;
	if (error != 0)
		return ret_errno(error);
	t.tv_sec = MIN(t.tv_sec, (int64_t)UINT32_MAX);
	wait_until(&w, tv == 0, (nsec_t)t.tv_sec * NSEC_PER_SEC +
	    (nsec_t)MIN(t.tv_usec, (int64_t)UINT32_MAX) * NSEC_PER_USEC);
	ret = do_select(&w, (int32_t)n, ua);
	if (tv != 0) {
		t = timeval_of(wait_left(&w));
		(void)!copyout(&t, uaddr(tv), sizeof(t));
	}
	return ret;
}

int64_t
sys_pselect6(SYSARGS6(n, in, out, ex, ts, sig))
{
	const uint64_t ua[3] = { in, out, ex };
	uint64_t mask[2] = { 0, 0 };	/* address and size */
	struct waiting w;
	nsec_t timo;
	int64_t ret;
	int error;

	timo = 0;
	error = sig != 0 ? copyin(uaddr(sig), mask, sizeof(mask)) : 0;
	if (error == 0 && ts != 0)
		error = timespec_get(ts, &timo);
	if (error == 0 && mask[0] != 0)
		error = mask_begin(mask[0], mask[1]);
	if (error != 0)
		return ret_errno(error);
	wait_until(&w, ts == 0, timo);
	ret = do_select(&w, (int32_t)n, ua);
	if (mask[0] != 0)
		mask_end(ret);
	if (ts != 0)
		(void)!timespec_put(wait_left(&w), ts);
	return ret;
}
