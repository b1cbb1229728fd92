/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_sock.c: the socket calls, for AF_UNIX streams, but those with a struct
 * msghdr (linux_msg.c).
 *
 * Locks: none of its own.
 * Sources: unix(7) and the calls' manual pages.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <lib/string.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <sys/usock.h>

#define AF_UNIX		1U
#define SOCK_STREAM	1U
#define SOCK_TYPE	0xfU
#define SOCK_FLAGS	((uint32_t)(O_NONBLOCK | O_CLOEXEC))
#define SO_TYPE		3U
#define SO_ERROR	4U
#define SO_PASSCRED	16U
#define SO_PEERCRED	17U
#define SO_ACCEPTCONN	30U

struct linux_sockaddr {
	uint16_t	family;
	char		path[USOCK_PATH];
};
#define ADDR_HEAD	2U

int
sock_get(uint64_t fd, struct file **fpp)
{
	*fpp = fd_get((int)fd);
	if (*fpp == NULL)
		return EBADF;
	if (file_issock(*fpp))
		return 0;
	file_put(*fpp);
	return ENOTSOCK;
}

/* sock_args: what socket and socketpair share. */
static int
sock_args(uint64_t family, uint64_t type, uint64_t proto)
{
	if (((uint32_t)type & ~(SOCK_TYPE | SOCK_FLAGS)) != 0)
		return EINVAL;
	if ((uint32_t)family != AF_UNIX)
		return EAFNOSUPPORT;
	if ((uint32_t)proto > 1)
		return EPROTONOSUPPORT;
	return ((uint32_t)type & SOCK_TYPE) == SOCK_STREAM ? 0 :
	    ESOCKTNOSUPPORT;
}

int64_t
sys_socket(SYSARGS6(family, type, proto, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct file *fp = NULL;
	int error, fd;

	error = sock_args(family, type, proto);
	if (error != 0)
		return ret_errno(error);
	error = fd_reserve((type & O_CLOEXEC) != 0, &fd);
	if (error == 0)
		error = usock_create((unsigned)type, &fp);
	return fd_done(error, fd, fp);
}

int64_t
sys_socketpair(SYSARGS6(family, type, proto, ua, a4 __unused, a5 __unused))
{
	struct file *fps[2];
	int error, fds[2];

	error = sock_args(family, type, proto);
	if (error == 0)
		error = fd_two_reserve((type & O_CLOEXEC) != 0, fds);
	if (error != 0)
		return ret_errno(error);
	error = usock_pair((unsigned)type, &fps[0], &fps[1]);
	return fd_two_done(error, fds, fps, ua);
}

/* ---- names ---- */

/* name_get: a socket address; make: the path is to become a socket. */
static int
name_get(uint64_t ua, uint64_t len, bool make, struct usock_name *name)
{
	struct linux_sockaddr sa;
	struct rnode *cwd;
	int error;

	len = (uint32_t)len;
	if (len <= ADDR_HEAD || len > sizeof(sa))
		return EINVAL;
	memset(&sa, 0, sizeof(sa));
	error = copyin(uaddr(ua), &sa, len);
	if (error != 0)
		return error;
	if (sa.family != AF_UNIX)
		return EINVAL;
	name->node = NULL;
	name->len = (unsigned)len - ADDR_HEAD;
	memcpy(name->bytes, sa.path, sizeof(name->bytes));
	if (sa.path[0] == '\0')
		return 0;
	sa.path[USOCK_PATH - 1] = '\0';
	name->len = (unsigned)strlen(sa.path) + 1;
	cwd = fsctx_cwd(curproc->p_fs);
	if (make) {
		error = ramfs_mknode(cwd, sa.path, S_IFSOCK |
		    mode_masked(0777), NULL, 0);
		if (error == EEXIST)
			error = EADDRINUSE;
	}
	if (error == 0)
		error = ramfs_namei(cwd, sa.path, true, &name->node);
	rnode_put(cwd);
	if (error == 0 && (name->node->rn_mode & S_IFMT) != S_IFSOCK) {
		rnode_put(name->node);
		error = ECONNREFUSED;
	}
	return error;
}

static int
name_put(const struct usock_name *name, uint64_t ua, uint64_t lenp)
{
	struct linux_sockaddr sa = { .family = AF_UNIX };
	uint32_t len, full = ADDR_HEAD + name->len;
	int error;

	if (ua == 0)
		return 0;
	error = fuword32(uaddr(lenp), &len);
	if (error != 0)
		return error;
	if ((int32_t)len < 0)
		return EINVAL;
	memcpy(sa.path, name->bytes, sizeof(sa.path));
	error = copyout(&sa, uaddr(ua), MIN(len, full));
	return error != 0 ? error : suword32(uaddr(lenp), full);
}

/* bind_file: a family alone asks for any name. */
static int
bind_file(struct file *fp, uint64_t ua, uint64_t len)
{
	struct usock_name name;
	uint16_t family;
	int error;

	if ((uint32_t)len == ADDR_HEAD) {
		error = copyin(uaddr(ua), &family, sizeof(family));
		return error != 0 ? error : family != AF_UNIX ? EINVAL :
		    usock_autobind(fp);
	}
	error = name_get(ua, len, true, &name);
	if (error == 0) {
		error = usock_bind(fp, &name);
		if (error != 0 && name.node != NULL)
			rnode_put(name.node);
	}
	return error;
}

int64_t
sys_bind(SYSARGS6(fd, ua, len, a3 __unused, a4 __unused, a5 __unused))
{
	struct file *fp;
	int error;

	error = sock_get(fd, &fp);
	if (error != 0)
		return ret_errno(error);
	error = bind_file(fp, ua, len);
	file_put(fp);
	return ret_errno(error);
}

int64_t
sys_connect(SYSARGS6(fd, ua, len, a3 __unused, a4 __unused, a5 __unused))
{
	struct usock_name name;
	struct file *fp;
	int error;

	error = sock_get(fd, &fp);
	if (error != 0)
		return ret_errno(error);
	error = name_get(ua, len, false, &name);
	if (error == 0) {
		error = usock_connect(fp, &name);
		if (name.node != NULL)
			rnode_put(name.node);
	}
	file_put(fp);
	return ret_restart(error);
}

int64_t
sys_listen(SYSARGS6(fd, backlog, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct file *fp;
	int error;

	error = sock_get(fd, &fp);
	if (error != 0)
		return ret_errno(error);
	error = usock_listen(fp, MIN((uint32_t)backlog, 4096U));
	file_put(fp);
	return ret_errno(error);
}

static int64_t
name_call(uint64_t fd, uint64_t ua, uint64_t lenp, bool peer)
{
	struct usock_name name;
	struct file *fp;
	int error;

	error = sock_get(fd, &fp);
	if (error != 0)
		return ret_errno(error);
	error = usock_name_of(fp, peer, &name);
	file_put(fp);
	if (error == 0)
		error = ua == 0 ? EFAULT : name_put(&name, ua, lenp);
	return ret_errno(error);
}

int64_t
sys_accept4(SYSARGS6(fd, ua, lenp, flags, a4 __unused, a5 __unused))
{
	struct usock_name name;
	struct file *fp, *new = NULL;
	int error, newfd;

	if (((uint32_t)flags & ~SOCK_FLAGS) != 0)
		return -EINVAL;
	error = sock_get(fd, &fp);
	if (error != 0)
		return ret_errno(error);
	/* Nobody's connection is taken off the queue without one. */
	error = fd_reserve((flags & O_CLOEXEC) != 0, &newfd);
	if (error == 0)
		error = usock_accept(fp, (unsigned)flags, &new);
	file_put(fp);
	if (error == 0) {
		error = usock_name_of(new, true, &name);
		if (error == 0)
			error = name_put(&name, ua, lenp);
		if (error != 0)
			file_put(new);
	}
	return fd_done(error, newfd, new);
}

int64_t
sys_accept(SYSARGS6(fd, ua, lenp, a3 __unused, a4 __unused, a5 __unused))
{
	return sys_accept4(fd, ua, lenp, 0, 0, 0);
}

int64_t
sys_getsockname(SYSARGS6(fd, ua, lenp, a3 __unused, a4 __unused,
    a5 __unused))
{
	return name_call(fd, ua, lenp, false);
}

int64_t
sys_getpeername(SYSARGS6(fd, ua, lenp, a3 __unused, a4 __unused,
    a5 __unused))
{
	return name_call(fd, ua, lenp, true);
}

int64_t
sys_shutdown(SYSARGS6(fd, how, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct file *fp;
	int error;

	error = sock_get(fd, &fp);
	if (error != 0)
		return ret_errno(error);
	error = (uint32_t)how > 2 ? EINVAL :
	    usock_shutdown(fp, how != 1, how != 0);
	file_put(fp);
	return ret_errno(error);
}

/* ---- bytes ---- */

int64_t
sock_move(uint64_t fd, struct uio *u, uint64_t flags)
{
	size_t total = u->u_resid;
	struct file *fp;
	unsigned was;
	int error;

	if (((uint32_t)flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_HINTS)) !=
	    0)
		return -EOPNOTSUPP;
	error = sock_get(fd, &fp);
	if (error != 0)
		return ret_errno(error);
	u->u_nosig = (flags & MSG_NOSIGNAL) != 0;
	was = atomic_load(&fp->f_flags);
	/* For the time of the call; who shares the file sees it, too. */
	if ((flags & MSG_DONTWAIT) != 0)
		atomic_or(&fp->f_flags, (unsigned)O_NONBLOCK);
	error = file_rw(fp, u);
	if ((flags & MSG_DONTWAIT) != 0 && (was & O_NONBLOCK) == 0)
		atomic_and(&fp->f_flags, ~(unsigned)O_NONBLOCK);
	file_put(fp);
	if (u->u_resid != total || error == 0)
		return (int64_t)(total - u->u_resid);
	return ret_restart(error);
}

static int64_t
sock_one(uint64_t fd, uint64_t buf, uint64_t len, uint64_t flags, bool write)
{
	struct uiovec iov = { uaddr(buf), MIN(len, RW_MAX) };
	struct uio u;

	uio_init(&u, &iov, 1, iov.len, write);
	return sock_move(fd, &u, flags);
}

int64_t
sys_sendto(SYSARGS6(fd, buf, len, flags, addr, alen __unused))
{
	return addr != 0 ? -EISCONN : sock_one(fd, buf, len, flags, true);
}

int64_t
sys_recvfrom(SYSARGS6(fd, buf, len, flags, addr, alenp))
{
	int64_t n = sock_one(fd, buf, len, flags, false);

	/* A stream's bytes have no sender's name. */
	if (n >= 0 && addr != 0 && suword32(uaddr(alenp), 0) != 0)
		return -EFAULT;
	return n;
}

/* ---- options ---- */

/* What an option is, and how long. [t] */
struct optval {
	union {
		uint32_t	number;
		struct sockcred	cred;
	};
	uint32_t	size;
};

static int
option_get(struct file *fp, uint32_t opt, struct optval *v)
{
	v->size = sizeof(v->number);
	switch (opt) {
	case SO_TYPE:
		v->number = SOCK_STREAM;
		return 0;
	case SO_ERROR:
		v->number = 0;
		return 0;
	case SO_ACCEPTCONN:
		v->number = usock_listens(fp);
		return 0;
	case SO_PASSCRED:
		v->number = (uint32_t)usock_passcred(fp, -1);
		return 0;
	case SO_PEERCRED:
		v->cred = usock_peercred(fp);
		v->size = sizeof(v->cred);
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

int64_t
sys_getsockopt(SYSARGS6(fd, level, opt, ua, lenp, a5 __unused))
{
	struct optval v;
	struct file *fp;
	uint32_t len;
	int error;

	error = sock_get(fd, &fp);
	if (error != 0)
		return ret_errno(error);
	error = (uint32_t)level != SOL_SOCKET ? EOPNOTSUPP :
	    option_get(fp, (uint32_t)opt, &v);
	file_put(fp);
	if (error == 0)
		error = fuword32(uaddr(lenp), &len);
	if (error == 0 && (int32_t)len < 0)
		error = EINVAL;
	if (error == 0)
		error = copyout(&v, uaddr(ua), MIN(len, v.size));
	if (error == 0)
		error = suword32(uaddr(lenp), MIN(len, v.size));
	return ret_errno(error);
}

int64_t
sys_setsockopt(SYSARGS5(fd, level, opt, ua, len))
{
	struct file *fp;
	uint32_t value;
	int error;

	error = sock_get(fd, &fp);
	if (error != 0)
		return ret_errno(error);
	if ((uint32_t)level != SOL_SOCKET)
		error = EOPNOTSUPP;
	else if ((int32_t)len < (int32_t)sizeof(value))
		error = EINVAL;
	else
		error = fuword32(uaddr(ua), &value);
	if (error == 0 && (uint32_t)opt != SO_PASSCRED)
		error = ENOPROTOOPT;
	if (error == 0)
		(void)usock_passcred(fp, value != 0);
	file_put(fp);
	return ret_errno(error);
}
