/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uio.h: where a read or write takes its user bytes from (uio.c).
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <sys/uaddr.h>

struct rights;
struct sockcred;

struct uiovec {
	struct uaddr	base;
	size_t		len;
};

/* [t] all: belongs to the thread that made it. */
struct uio {
	const struct uiovec	*u_iov;
	unsigned		 u_iovcnt;
	size_t			 u_done;	/* bytes of u_iov[0] done */
	size_t			 u_resid;	/* bytes left in all */
	bool			 u_write;	/* user -> kernel */
	bool			 u_kernel;	/* u_iov is kernel memory */
	bool			 u_nosig;	/* EPIPE sends no SIGPIPE */
	bool			 u_takes;	/* a reader that takes rights */
	struct rights		*u_rights;	/* to send, until they are sent;
						 * received */
	struct sockcred		*u_cred;	/* written by; who reads wants it */
};

static inline void
uio_init(struct uio *u, const struct uiovec *iov, unsigned cnt, size_t total,
    bool write)
{
	u->u_iov = iov;
	u->u_iovcnt = cnt;
	u->u_done = 0;
	u->u_resid = total;
	u->u_write = write;
	u->u_kernel = false;
	u->u_nosig = u->u_takes = false;
	u->u_rights = NULL;
	u->u_cred = NULL;
}

/*
 * uiomove: move up to len bytes between kbuf and the user, the way u says.
 * => Sleeps: may fault.  Locks: see uaddr.h.
 * => Returns 0 (min(len, resid) bytes moved) or EFAULT; what was moved before
 *    the fault is off u_resid.
 */
int	uiomove(void *kbuf, size_t len, struct uio *u) __warn_unused;
/* uiozero: len zero bytes to the user. */
int	uiozero(size_t len, struct uio *u) __warn_unused;
