/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_msg.c: sendmsg and recvmsg: vectors of bytes, and files and the writer's
 * credentials beside them.
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
#include <sys/sockcred.h>

#define SCM_RIGHTS	1U
#define SCM_CREDENTIALS	2U
#define MSG_CTRUNC	8U
#define MSG_CLOEXEC	0x40000000U
#define CONTROL_MAX	20480U		/* Linux: about so many */
#define MSG_MAXIOV	16U

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

/* What the control messages of one call say. [t] */
struct sent {
	int32_t		fds[RIGHTS_MAX];
	unsigned	n;
	bool		said;		/* by whom: cred */
	struct sockcred	cred;
};

static bool
one_of(const uint32_t *ids, uint32_t id)
{
	return id == ids[ID_REAL] || id == ids[ID_EFF] || id == ids[ID_SAVED];
}

/* cred_check: may the running process say that it is c?  User 0 may be anybody
 * that there is. */
static int
cred_check(const struct sockcred *c)
{
	const struct proc *p = curproc;
	int error;

	if (c->sc_uid == ~0U || c->sc_gid == ~0U)
		return EINVAL;
	if (!cred_root() && (c->sc_pid != p->p_pid ||
	    !one_of(p->p_cred.cr_uid, c->sc_uid) ||
	    !one_of(p->p_cred.cr_gid, c->sc_gid)))
		return EPERM;
	rw_rlock(&proctree_lock);
	error = proc_lookup(c->sc_pid) == NULL ? ESRCH : 0;
	rw_runlock(&proctree_lock);
	return error;
}

/* cmsg_one: a message of len bytes at p, header and all. */
static int
cmsg_one(const char *p, const struct linux_cmsghdr *h, struct sent *s)
{
	size_t data = h->cmsg_len - CMSG_HEAD;
	unsigned n = (unsigned)(data / sizeof(int32_t));

	if (h->cmsg_level != SOL_SOCKET)
		return 0;
	if (h->cmsg_type == SCM_CREDENTIALS) {
		if (data != sizeof(s->cred))
			return EINVAL;
		memcpy(&s->cred, p + CMSG_HEAD, sizeof(s->cred));
		s->said = true;
		return cred_check(&s->cred);
	}
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

/* control_get: what a control buffer says, for u; *c is where its credentials
 * go. */
static int
control_get(uint64_t ua, uint64_t len, struct uio *u, struct sockcred *c)
{
	struct sent *s;
	char *buf;
	int error;

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
		error = rights_get(s->fds, s->n, &u->u_rights);
	*c = s->cred;
	if (error == 0 && s->said)
		u->u_cred = c;
	kfree(s);
	return error;
}

/* ---- what is received ---- */

/* Where the next control message goes, and how many bytes are left. [t] */
struct room {
	uint64_t	at, left;
};

/* room_used: a message of len bytes is there, with what it fills up. */
static void
room_used(struct room *r, uint64_t len)
{
	len = MIN(r->left, roundup2(len, sizeof(uint64_t)));
	r->at += len;
	r->left -= len;
}

/* cred_put: what has no room of it is cut off. */
static void
cred_put(struct linux_msghdr *m, struct room *r, const struct sockcred *c)
{
	struct linux_cmsghdr h = { 0, SOL_SOCKET, SCM_CREDENTIALS };

	h.cmsg_len = MIN(r->left, CMSG_HEAD + sizeof(*c));
	if (h.cmsg_len < CMSG_HEAD + sizeof(*c))
		m->msg_flags |= MSG_CTRUNC;
	if (h.cmsg_len >= CMSG_HEAD &&
	    copyout(&h, uaddr(r->at), sizeof(h)) == 0 &&
	    copyout(c, uaddr(r->at + CMSG_HEAD), h.cmsg_len - CMSG_HEAD) == 0)
		room_used(r, h.cmsg_len);
}

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

/* rights_out: those that have no room are closed. */
static void
rights_out(struct linux_msghdr *m, struct room *r, struct rights *rights)
{
	struct linux_cmsghdr h = { 0, SOL_SOCKET, SCM_RIGHTS };
	const bool cloexec = (m->msg_flags & MSG_CLOEXEC) != 0;
	unsigned n = 0;

	if (r->left >= CMSG_HEAD + sizeof(int32_t))
		n = rights_fds(rights, (unsigned)MIN((r->left - CMSG_HEAD) /
		    sizeof(int32_t), (uint64_t)rights->r_nfiles), cloexec,
		    r->at + CMSG_HEAD);
	h.cmsg_len = CMSG_HEAD + n * sizeof(int32_t);
	if (n < rights->r_nfiles)
		m->msg_flags |= MSG_CTRUNC;
	if (n > 0 && copyout(&h, uaddr(r->at), sizeof(h)) == 0)
		room_used(r, h.cmsg_len);
	rights_put(rights);
}

/* control_put: what came with u's bytes into the buffer of m, which then says
 * how much there is. */
static void
control_put(struct linux_msghdr *m, const struct uio *u)
{
	struct room r = { m->msg_control, m->msg_controllen };

	if (u->u_cred != NULL)
		cred_put(m, &r, u->u_cred);
	if (u->u_rights != NULL)
		rights_out(m, &r, u->u_rights);
	m->msg_controllen -= r.left;
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
	struct sockcred cred;
	struct uio u;
	int64_t n;
	int error;

	error = msg_get(ua, &m, iov, &u, true);
	if (error == 0)
		error = control_get(m.msg_control, m.msg_controllen, &u,
		    &cred);
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
	struct sockcred from = { 0, 0, 0 };	/* as Linux at the end */
	struct linux_msghdr m;
	struct uio u;
	int64_t n;
	int error;

	error = msg_get(ua, &m, iov, &u, false);
	if (error != 0)
		return ret_errno(error);
	u.u_takes = true;
	u.u_cred = &from;
	n = sock_move(fd, &u, flags & ~(uint64_t)MSG_CLOEXEC);
	if (n < 0)
		return n;		/* nothing was read, no files either */
	m.msg_namelen = 0;
	m.msg_flags = (uint32_t)flags & MSG_CLOEXEC;
	control_put(&m, &u);
	error = copyout(&m, uaddr(ua), sizeof(m));
	return error != 0 ? ret_errno(error) : n;
}
