/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_fcntl.c: fcntl and flock.
 *
 * Locks: none of its own.
 * Sources: fcntl(2), flock(2) of Linux.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <linux/fcntl.h>
#include <sys/file.h>
#include <sys/flock.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>

/* fcntl_setfl: only O_APPEND and O_NONBLOCK change. */
static void
fcntl_setfl(struct file *fp, unsigned flags)
{
	unsigned old;

	old = atomic_load(&fp->f_flags);
	while (!atomic_fcmpset(&fp->f_flags, &old,
	    (old & ~(unsigned)O_SETFL) | (flags & O_SETFL)))
		;
}

/* ---- locks ---- */

/* lock_range: l's bytes, which may be counted backwards. */
static int
lock_range(struct file *fp, const struct linux_flock *l, struct lockreq *req)
{
	struct fstatus st;
	int64_t start, end;
	int error;

	start = 0;
	if (l->l_whence == 1) {
		start = (int64_t)atomic_load(&fp->f_offset);
	} else if (l->l_whence == 2) {
		error = fp->f_ops->fo_stat(fp, &st);
		if (error != 0)
			return error;
		start = (int64_t)st.st_size;
	} else if (l->l_whence != 0) {
		return EINVAL;
	}
	if (__builtin_add_overflow(start, l->l_start, &start))
		return EOVERFLOW;
	end = INT64_MAX;
	if (l->l_len < 0) {
		end = start - 1;
		if (__builtin_add_overflow(start, l->l_len, &start))
			return EINVAL;
	} else if (l->l_len > 0 &&
	    __builtin_add_overflow(start, l->l_len - 1, &end)) {
		return EOVERFLOW;
	}
	if (start < 0)
		return EINVAL;
	req->start = (uint64_t)start;
	req->end = end == INT64_MAX ? UINT64_MAX : (uint64_t)end;
	return 0;
}

static int
lock_request(struct file *fp, bool ofd, const struct linux_flock *l,
    struct lockreq *req)
{
	req->kind = ofd ? LOCK_OFD : LOCK_POSIX;
	if (ofd && l->l_pid != 0)
		return EINVAL;
	if (l->l_type != F_RDLCK && l->l_type != F_WRLCK &&
	    l->l_type != F_UNLCK)
		return EINVAL;
	req->type = l->l_type == F_RDLCK ? LOCK_RD : l->l_type == F_WRLCK ?
	    LOCK_WR : LOCK_UN;
	return lock_range(fp, l, req);
}

static int
fcntl_getlk(struct file *fp, bool ofd, uint64_t ua)
{
	struct linux_flock l;
	struct lockreq req;
	int error;

	error = copyin(uaddr(ua), &l, sizeof(l));
	if (error == 0 && l.l_type == F_UNLCK)
		error = EINVAL;
	if (error == 0)
		error = lock_request(fp, ofd, &l, &req);
	if (error == 0)
		error = file_getlock(fp, &req);
	if (error != 0)
		return error;
	l.l_type = F_UNLCK;
	if (req.type != LOCK_UN) {
		l.l_type = req.type == LOCK_RD ? F_RDLCK : F_WRLCK;
		l.l_whence = 0;
		l.l_start = (int64_t)req.start;
		l.l_len = req.end == UINT64_MAX ? 0 :
		    (int64_t)(req.end - req.start + 1);
		l.l_pid = req.pid;
	}
	return copyout(&l, uaddr(ua), sizeof(l));
}

static int
fcntl_setlk(struct file *fp, bool ofd, uint64_t ua, bool wait)
{
	struct linux_flock l;
	struct lockreq req;
	int error;

	error = copyin(uaddr(ua), &l, sizeof(l));
	if (error == 0)
		error = lock_request(fp, ofd, &l, &req);
	if (error != 0)
		return error;
	if ((req.type == LOCK_RD && !FREADABLE(fp)) ||
	    (req.type == LOCK_WR && !FWRITABLE(fp)))
		return EBADF;
	return file_lock(fp, &req, wait);
}

static int64_t
fcntl_lock(struct file *fp, uint64_t cmd, uint64_t ua)
{
	int error;

	switch (cmd) {
	case F_GETLK:
	case F_OFD_GETLK:
		error = fcntl_getlk(fp, cmd == F_OFD_GETLK, ua);
		break;
	case F_SETLKW:
	case F_OFD_SETLKW:
		error = fcntl_setlk(fp, cmd == F_OFD_SETLKW, ua, true);
		break;
	default:
		error = fcntl_setlk(fp, cmd == F_OFD_SETLK, ua, false);
		break;
	}
	return ret_restart(error);
}

int64_t
sys_flock(SYSARGS6(fd, op, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct lockreq req = { .kind = LOCK_WHOLE, .end = UINT64_MAX };
	struct file *fp;
	int error;

	switch ((uint32_t)op & ~LOCK_NB) {
	case LOCK_SH:
		req.type = LOCK_RD;
		break;
	case LOCK_EX:
		req.type = LOCK_WR;
		break;
	case LOCK_OFF:
		req.type = LOCK_UN;
		break;
	default:
		return -EINVAL;
	}
	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	error = file_lock(fp, &req, (op & LOCK_NB) == 0);
	file_put(fp);
	return ret_restart(error);
}

/* ---- fcntl ---- */

static int64_t
fcntl_seals(struct file *fp, uint64_t cmd, uint64_t arg)
{
	if (fp->f_node == NULL || !S_ISREG(fp->f_node->rn_mode) ||
	    fp->f_node->rn_ops != NULL)
		return -EINVAL;
	if (cmd == F_GET_SEALS)
		return atomic_load(&fp->f_node->rn_seals);
	if (!FWRITABLE(fp))
		return -EPERM;
	if ((arg & ~(uint64_t)SEAL_ALL) != 0)
		return -EINVAL;
	return ret_errno(rnode_seal(fp->f_node, (unsigned)arg));
}

static int64_t
fcntl_file(struct file *fp, uint64_t cmd, uint64_t arg)
{
	switch (cmd) {
	case F_GETFL:
		return atomic_load(&fp->f_flags);
	case F_SETFL:
		fcntl_setfl(fp, (unsigned)arg);
		return 0;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(fp, cmd, arg);
	case F_GETPIPE_SZ:
		return fp->f_node == NULL ? (int64_t)PIPE_SIZE : -EBADF;
	case F_SETPIPE_SZ:
		if (fp->f_node != NULL)
			return -EBADF;
		return (uint32_t)arg <= PIPE_SIZE ? (int64_t)PIPE_SIZE :
		    -EPERM;
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return fcntl_seals(fp, cmd, arg);
	default:
		return -EINVAL;
	}
}

int64_t
sys_fcntl(SYSARGS6(fd, cmd, arg, a3 __unused, a4 __unused, a5 __unused))
{
	struct file *fp;
	int64_t ret;
	bool was;
	int error;

	cmd = (uint32_t)cmd;
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return do_dup(fd, (int)arg, cmd == F_DUPFD_CLOEXEC);
	if (cmd == F_GETFD || cmd == F_SETFD) {
		error = fd_cloexec((int)fd, cmd == F_GETFD ? -1 :
		    (arg & FD_CLOEXEC) != 0, &was);
		if (error != 0 || cmd == F_SETFD)
			return ret_errno(error);
		return was ? FD_CLOEXEC : 0;
	}
	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	ret = fcntl_file(fp, cmd, arg);
	file_put(fp);
	return ret;
}
