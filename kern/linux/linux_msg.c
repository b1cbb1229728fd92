/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_msg.c: sendmsg and recvmsg: vectors of bytes, and files beside them.
 *
 * Locks: none of its own.
 * Sources: sendmsg(2), recvmsg(2), cmsg(3), unix(7) of Linux.
 */
#include "linux_priv.h"

#include <lib/string.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/rights.h>

#define SCM_RIGHTS	1U
#define SCM_CREDENTIALS	2U
#define MSG_CTRUNC	8U
#define MSG_CLOEXEC	0x40000000U
#define CONTROL_MAX	20480U		/* Linux: about so many */
#define MSG_MAXIOV	16U
#define UCRED_SIZE	12U

struct linux_msghdr {
	uint64_t	msg_name;
	uint32_t	msg_namelen, __pad0;
	uint64_t	msg_iov, msg_iovlen, msg_control, msg_controllen;
	uint32_t	msg_flags, __pad1;
};
CTASSERT(sizeof(struct linux_msghdr) == 56, "struct msghdr of x86-64");

struct linux_cmsghdr {
	uint64_t	cmsg_len;	/* with this header */
	uint32_t	cmsg_level, cmsg_type;
};
#define CMSG_HEAD	sizeof(struct linux_cmsghdr)

/* ---- what is sent ---- */

/* Descriptors that the control messages of one call name. [t] */
struct sent {
	int32_t		fds[RIGHTS_MAX];
	unsigned	n;
};

/* cmsg_one: a message of len bytes at p, header and all. */
static int
cmsg_one(const char *p, const struct linux_cmsghdr *h, struct sent *s)
{
	size_t data = h->cmsg_len - CMSG_HEAD;
	unsigned n = (unsigned)(data / sizeof(int32_t));

	if (h->cmsg_level != SOL_SOCKET)
		return 0;
	if (h->cmsg_type == SCM_CREDENTIALS)
		return data == UCRED_SIZE ? 0 : EINVAL;	/* nobody asks */
	if (h->cmsg_type != SCM_RIGHTS || n > RIGHTS_MAX - s->n)
		return EINVAL;
	memcpy(s->fds + s->n, p + CMSG_HEAD, n * sizeof(int32_t));
	s->n += n;
	return 0;
}

/* cmsg_all: the messages in len bytes. */
static int
cmsg_all(const char *p, size_t len, struct sent *s)
{
	struct linux_cmsghdr h;
	size_t at, step;
	int error;

	error = 0;
	for (at = 0; error == 0 && len - at >= CMSG_HEAD; at += step) {
		memcpy(&h, p + at, sizeof(h));
		if (h.cmsg_len < CMSG_HEAD || h.cmsg_len > len - at)
			return EINVAL;
		error = cmsg_one(p + at, &h, s);
		step = MIN(roundup2(h.cmsg_len, sizeof(uint64_t)), len - at);
	}
	return error;
}

/* control_get: the files of a control buffer; *rp NULL: none. */
static int
control_get(uint64_t ua, uint64_t len, struct rights **rp)
{
	struct sent *s;
	char *buf;
	int error;

	*rp = NULL;
	if (len == 0)
		return 0;
	if (len > CONTROL_MAX)
		return ENOBUFS;
	s = kmalloc(sizeof(*s) + len, M_WAITOK | M_ZERO);
	if (s == NULL)
		return ENOMEM;
	buf = (char *)(s + 1);
	error = copyin(uaddr(ua), buf, len);
	if (error == 0)
		error = cmsg_all(buf, len, s);
	if (error == 0 && s->n > 0)
		error = rights_get(s->fds, s->n, rp);
	kfree(s);
	return error;
}

/* ---- what is received ---- */

/* rights_fds: descriptors for the first n files of r; how many there were. */
static unsigned
rights_fds(struct rights *r, unsigned n, bool cloexec, uint64_t ua)
{
	unsigned i;
	int fd;

	for (i = 0; i < n; i++) {
		if (fd_reserve(cloexec, &fd) != 0)
			break;
		if (suword32(uaddr(ua + i * sizeof(int32_t)),
		    (uint32_t)fd) != 0) {
			fd_unreserve(fd);
			break;
		}
		fd_fill(fd, r->r_files[i]);
		r->r_files[i] = NULL;
	}
	return i;
}

/* control_put: r's files into the buffer of m, which then says what is there;
 * those that have no room are closed. */
static void
control_put(struct linux_msghdr *m, struct rights *r, bool cloexec)
{
	uint64_t room = m->msg_controllen;
	struct linux_cmsghdr h = { 0, SOL_SOCKET, SCM_RIGHTS };
	unsigned n = 0;

	m->msg_controllen = 0;
	if (r == NULL)
		return;
	if (room >= CMSG_HEAD + sizeof(int32_t))
		n = rights_fds(r, (unsigned)MIN((room - CMSG_HEAD) /
		    sizeof(int32_t), (uint64_t)r->r_nfiles), cloexec,
		    m->msg_control + CMSG_HEAD);
	h.cmsg_len = CMSG_HEAD + n * sizeof(int32_t);
	if (n < r->r_nfiles)
		m->msg_flags |= MSG_CTRUNC;
	if (n > 0 && copyout(&h, uaddr(m->msg_control), sizeof(h)) == 0)
		m->msg_controllen = MIN(room, roundup2(h.cmsg_len,
		    sizeof(uint64_t)));
	rights_put(r);
}

/* ---- the calls ---- */

/* msg_get: the header, and its vectors as u. */
static int
msg_get(uint64_t ua, struct linux_msghdr *m, struct uiovec *iov,
    struct uio *u, bool write)
{
	size_t total;
	int error;

	error = copyin(uaddr(ua), m, sizeof(*m));
	if (error != 0)
		return error;
	if (m->msg_iovlen > MSG_MAXIOV)
		return EOPNOTSUPP;
	error = iov_get(m->msg_iov, (unsigned)m->msg_iovlen, iov, &total);
	if (error == 0)
		uio_init(u, iov, (unsigned)m->msg_iovlen, total, write);
	return error;
}

int64_t
sys_sendmsg(SYSARGS6(fd, ua, flags, a3 __unused, a4 __unused, a5 __unused))
{
	struct uiovec iov[MSG_MAXIOV];
	struct linux_msghdr m;
	struct uio u;
	int64_t n;
	int error;

	error = msg_get(ua, &m, iov, &u, true);
	if (error == 0)
		error = control_get(m.msg_control, m.msg_controllen,
		    &u.u_rights);
	if (error != 0)
		return ret_errno(error);
	n = sock_move(fd, &u, flags);
	if (u.u_rights != NULL)
		rights_put(u.u_rights);		/* no byte took them along */
	return n;
}

int64_t
sys_recvmsg(SYSARGS6(fd, ua, flags, a3 __unused, a4 __unused, a5 __unused))
{
	struct uiovec iov[MSG_MAXIOV];
	struct linux_msghdr m;
	struct uio u;
	int64_t n;
	int error;

	error = msg_get(ua, &m, iov, &u, false);
	if (error != 0)
		return ret_errno(error);
	u.u_takes = true;
	n = sock_move(fd, &u, flags & ~(uint64_t)MSG_CLOEXEC);
	m.msg_namelen = 0;
	m.msg_flags = (uint32_t)flags & MSG_CLOEXEC;
	control_put(&m, u.u_rights, m.msg_flags != 0);
	if (n < 0)
		return n;
	error = copyout(&m, uaddr(ua), sizeof(m));
	return error != 0 ? ret_errno(error) : n;
}
