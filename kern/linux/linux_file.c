/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_file.c: system calls on descriptors: reading and writing, seeking,
 * duplicating, pipes and ioctl.
 *
 * Locks: none of its own.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <linux/fcntl.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>

#define IOV_SMALL	8

/* ---- read and write ---- */

/* rw_result: bytes when some were moved, else the error. */
static int64_t
rw_result(int error, size_t total, const struct uio *u)
{
	size_t done = total - u->u_resid;

	if (done > 0 || error == 0)
		return (int64_t)done;
	return ret_restart(error);
}

/* rw_one: off < 0: at the file's own offset. */
static int64_t
rw_one(uint64_t fd, uint64_t buf, uint64_t len, bool write, int64_t off)
{
	struct uiovec iov = { uaddr(buf), MIN(len, RW_MAX) };
	struct file *fp;
	struct uio u;
	int error;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	uio_init(&u, &iov, 1, iov.len, write);
	error = off < 0 ? file_rw(fp, &u) : file_prw(fp, &u, (uint64_t)off);
	file_put(fp);
	return rw_result(error, iov.len, &u);
}

int64_t
sys_read(SYSARGS6(fd, buf, len, a3 __unused, a4 __unused, a5 __unused))
{
	return rw_one(fd, buf, len, false, -1);
}

int64_t
sys_write(SYSARGS6(fd, buf, len, a3 __unused, a4 __unused, a5 __unused))
{
	return rw_one(fd, buf, len, true, -1);
}

int64_t
sys_pread64(SYSARGS6(fd, buf, len, off, a4 __unused, a5 __unused))
{
	return (int64_t)off < 0 ? -EINVAL :
	    rw_one(fd, buf, len, false, (int64_t)off);
}

int64_t
sys_pwrite64(SYSARGS6(fd, buf, len, off, a4 __unused, a5 __unused))
{
	return (int64_t)off < 0 ? -EINVAL :
	    rw_one(fd, buf, len, true, (int64_t)off);
}

int
iov_get(uint64_t ua, unsigned cnt, struct uiovec *iov, size_t *total)
{
	struct linux_iovec v;
	unsigned i;
	int error;

	*total = 0;
	for (i = 0; i < cnt; i++) {
		error = copyin(uaddr(ua + i * sizeof(v)), &v, sizeof(v));
		if (error != 0)
			return error;
		if ((int64_t)v.iov_len < 0)
			return EINVAL;
		iov[i].base = uaddr(v.iov_base);
		iov[i].len = MIN(v.iov_len, RW_MAX - *total);
		*total += iov[i].len;
	}
	return 0;
}

static int64_t
rw_vector(uint64_t fd, uint64_t ua, uint64_t cnt, bool write, int64_t off)
{
	struct uiovec small[IOV_SMALL], *iov = small;
	struct file *fp;
	struct uio u;
	size_t total;
	int error;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	if (cnt > IOV_MAX) {
		file_put(fp);
		return -EINVAL;
	}
	if (cnt > IOV_SMALL)
		iov = kmalloc(cnt * sizeof(*iov), M_WAITOK);
	error = iov == NULL ? ENOMEM : iov_get(ua, (unsigned)cnt, iov, &total);
	if (error == 0) {
		uio_init(&u, iov, (unsigned)cnt, total, write);
		error = off < 0 ? file_rw(fp, &u) :
		    file_prw(fp, &u, (uint64_t)off);
	} else {
		total = 0;
		u.u_resid = 0;
	}
	if (iov != small)
		kfree(iov);
	file_put(fp);
	return rw_result(error, total, &u);
}

int64_t
sys_readv(SYSARGS6(fd, ua, cnt, a3 __unused, a4 __unused, a5 __unused))
{
	return rw_vector(fd, ua, cnt, false, -1);
}

int64_t
sys_writev(SYSARGS6(fd, ua, cnt, a3 __unused, a4 __unused, a5 __unused))
{
	return rw_vector(fd, ua, cnt, true, -1);
}

int64_t
sys_preadv(SYSARGS6(fd, ua, cnt, off, a4 __unused, a5 __unused))
{
	return (int64_t)off < 0 ? -EINVAL :
	    rw_vector(fd, ua, cnt, false, (int64_t)off);
}

int64_t
sys_pwritev(SYSARGS6(fd, ua, cnt, off, a4 __unused, a5 __unused))
{
	return (int64_t)off < 0 ? -EINVAL :
	    rw_vector(fd, ua, cnt, true, (int64_t)off);
}

/* rwf_check: hints are taken, what would change the result is not. */
static int64_t
rwf_check(uint64_t flags, int64_t off)
{
	if (((uint32_t)flags & ~(uint32_t)RWF_HINTS) != 0)
		return -EOPNOTSUPP;
	return off < -1 ? -EINVAL : 0;
}

int64_t
sys_preadv2(SYSARGS6(fd, ua, cnt, off, a4 __unused, flags))
{
	int64_t bad = rwf_check(flags, (int64_t)off);

	return bad != 0 ? bad : rw_vector(fd, ua, cnt, false, (int64_t)off);
}

int64_t
sys_pwritev2(SYSARGS6(fd, ua, cnt, off, a4 __unused, flags))
{
	int64_t bad = rwf_check(flags, (int64_t)off);

	return bad != 0 ? bad : rw_vector(fd, ua, cnt, true, (int64_t)off);
}

int64_t
sys_lseek(SYSARGS6(fd, off, whence, a3 __unused, a4 __unused, a5 __unused))
{
	struct file *fp;
	uint64_t res;
	int error;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	error = file_seek(fp, (int64_t)off, (int)whence, &res);
	file_put(fp);
	return error != 0 ? ret_errno(error) : (int64_t)res;
}

int64_t
sys_ftruncate(SYSARGS6(fd, size, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct file *fp;
	int error;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	if ((int64_t)size < 0 || !FWRITABLE(fp) ||
	    fp->f_ops->fo_truncate == NULL)
		error = EINVAL;
	else
		error = fp->f_ops->fo_truncate(fp, size);
	file_put(fp);
	return ret_errno(error);
}

/* ---- descriptors ---- */

int64_t
sys_close(SYSARGS6(fd, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return ret_errno(fd_close((int)fd));
}

int64_t
sys_close_range(SYSARGS6(first, last, flags, a3 __unused, a4 __unused,
    a5 __unused))
{
	if ((flags & ~(uint64_t)CLOSE_RANGE_CLOEXEC) != 0 ||
	    (unsigned)first > (unsigned)last)
		return -EINVAL;
	fd_close_range((unsigned)first, (unsigned)last, flags != 0);
	return 0;
}

/* do_dup: the lowest descriptor >= min for fd's file. */
int64_t
do_dup(uint64_t fd, int min, bool cloexec)
{
	struct file *fp;
	int error, new;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	error = fd_install(fp, min, cloexec, &new);
	if (error != 0) {
		file_put(fp);
		return ret_errno(error);
	}
	return new;
}

int64_t
sys_dup(SYSARGS6(fd, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_dup(fd, 0, false);
}

static int64_t
do_dup2(uint64_t fd, uint64_t new, bool cloexec)
{
	struct file *fp;
	int error;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	error = fd_dup2(fp, (int)new, cloexec);
	if (error != 0) {
		file_put(fp);
		return ret_errno(error);
	}
	return (int)new;
}

int64_t
sys_dup2(SYSARGS6(fd, new, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct file *fp;

	if ((int)fd == (int)new) {
		fp = fd_get((int)fd);
		if (fp == NULL)
			return -EBADF;
		file_put(fp);
		return (int)new;
	}
	return do_dup2(fd, new, false);
}

int64_t
sys_dup3(SYSARGS6(fd, new, flags, a3 __unused, a4 __unused, a5 __unused))
{
	if ((flags & ~(uint64_t)O_CLOEXEC) != 0 || (int)fd == (int)new)
		return -EINVAL;
	return do_dup2(fd, new, (flags & O_CLOEXEC) != 0);
}

int64_t
fd_done(int error, int fd, struct file *fp)
{
	if (error == 0) {
		fd_fill(fd, fp);
		return fd;
	}
	if (fd >= 0)
		fd_unreserve(fd);
	return ret_restart(error);
}

int
fd_two_reserve(bool cloexec, int fds[2])
{
	int error;

	error = fd_reserve(cloexec, &fds[0]);
	if (error != 0)
		return error;
	error = fd_reserve(cloexec, &fds[1]);
	if (error != 0)
		fd_unreserve(fds[0]);
	return error;
}

int64_t
fd_two_done(int error, const int fds[2], struct file *const fps[2],
    uint64_t ua)
{
	int i;

	if (error == 0) {
		error = copyout(fds, uaddr(ua), 2 * sizeof(fds[0]));
		for (i = 0; i < 2 && error != 0; i++)
			file_put(fps[i]);
	}
	for (i = 0; i < 2; i++) {
		if (error == 0)
			fd_fill(fds[i], fps[i]);
		else
			fd_unreserve(fds[i]);
	}
	return ret_errno(error);
}

static int64_t
do_pipe(uint64_t ua, unsigned flags)
{
	struct file *fps[2];
	int error, fds[2];

	error = fd_two_reserve((flags & O_CLOEXEC) != 0, fds);
	if (error != 0)
		return ret_errno(error);
	error = pipe_create(flags, &fps[0], &fps[1]);
	return fd_two_done(error, fds, fps, ua);
}

int64_t
sys_pipe(SYSARGS6(ua, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_pipe(ua, 0);
}

int64_t
sys_pipe2(SYSARGS6(ua, flags, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	if ((flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK)) != 0)
		return -EINVAL;
	return do_pipe(ua, (unsigned)flags);
}

int64_t
sys_ioctl(SYSARGS6(fd, cmd, arg, a3 __unused, a4 __unused, a5 __unused))
{
	struct file *fp;
	int error;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	error = ENOTTY;
	if (fp->f_ops->fo_ioctl != NULL)
		error = fp->f_ops->fo_ioctl(fp, (uint32_t)cmd, uaddr(arg));
	file_put(fp);
	return ret_restart(error);
}
