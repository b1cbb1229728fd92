/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uio.c: user memory by vector.  The one place where read and write touch user
 * bytes.
 *
 * I1: u_resid is the sum of what is left of u_iov[0..u_iovcnt), u_done of the
 *     first being gone.
 * Locks: none of its own; see uaddr.h for what a caller may hold.
 */
#include <sys/file.h>

#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/errno.h>
#include <sys/thread.h>

#define UIO_STEP	(1UL << 20)	/* zeroed between two looks at a kill */

/* uio_chunk: how many bytes of len the vector's next element can take. */
static size_t
uio_chunk(struct uio *u, size_t len)
{
	while (u->u_iovcnt > 0 && u->u_iov->len == u->u_done) {
		u->u_iov++;
		u->u_iovcnt--;
		u->u_done = 0;
	}
	if (u->u_iovcnt == 0)
		return 0;
	return MIN(len, u->u_iov->len - u->u_done);
}

/* uio_doomed: two gigabytes take long: a killed process does not go on. */
static inline bool
uio_doomed(void)
{
	return thread_dying();
}

static void
uio_advance(struct uio *u, size_t n)
{
	u->u_done += n;
	u->u_resid -= n;
}

/* uio_copy: n bytes between the vector's element and kernel memory. */
static int
uio_copy(const struct uio *u, struct uaddr ua, void *p, size_t n)
{
	if (u->u_kernel) {
		if (u->u_write)
			memcpy(p, (const void *)ua.ua, n);
		else
			memcpy((void *)ua.ua, p, n);
		return 0;
	}
	return u->u_write ? copyin(ua, p, n) : copyout(p, ua, n);
}

int
uiomove(void *kbuf, size_t len, struct uio *u)
{
	struct uaddr ua;
	char *p = kbuf;
	size_t n;
	int error;

	while (len > 0 && (n = uio_chunk(u, len)) > 0) {
		if (uio_doomed())
			return EINTR;
		ua = uaddr_add(u->u_iov->base, u->u_done);
		error = uio_copy(u, ua, p, n);
		if (error != 0)
			return error;
		uio_advance(u, n);
		p += n;
		len -= n;
	}
	return 0;
}

int
uiozero(size_t len, struct uio *u)
{
	struct uaddr ua;
	size_t n;
	int error;

	while (len > 0 && (n = uio_chunk(u, MIN(len, UIO_STEP))) > 0) {
		if (uio_doomed())
			return EINTR;
		ua = uaddr_add(u->u_iov->base, u->u_done);
		error = 0;
		if (u->u_kernel)
			memset((void *)ua.ua, 0, n);
		else
			error = uzero(ua, n);
		if (error != 0)
			return error;
		uio_advance(u, n);
		len -= n;
	}
	return 0;
}
