/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_attr.c: calls that change what a node is said to be: mode, owner,
 * times; and mknod.
 *
 * Locks: none of its own.
 * Sources: chmod(2), chown(2), utimensat(2), mknod(2) of Linux.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>

#define TIME_SECMAX	(INT64_MAX / (int64_t)NSEC_PER_SEC - 1)

/* node_of_fd: the node of an open file, referenced; EBADF; none: EINVAL. */
static int
node_of_fd(int fd, struct rnode **np)
{
	struct file *fp;

	fp = fd_get(fd);
	if (fp == NULL)
		return EBADF;
	*np = fp->f_node != NULL ? rnode_ref(fp->f_node) : NULL;
	file_put(fp);
	return *np != NULL ? 0 : EINVAL;
}

int
node_at(int dirfd, uint64_t path, uint64_t flags, struct rnode **np)
{
	bool empty;
	int error;

	error = upath_empty(path, flags, &empty);
	if (error != 0)
		return error;
	if (!empty)
		return upath_lookup(dirfd, path,
		    (flags & AT_SYMLINK_NOFOLLOW) == 0, np);
	if (dirfd != AT_FDCWD)
		return node_of_fd(dirfd, np);
	*np = fsctx_cwd(curproc->p_fs);
	return 0;
}

/* ---- mode ---- */

int64_t
sys_fchmodat(SYSARGS6(dirfd, path, mode, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct rnode *n;
	int error;

	error = upath_lookup((int)dirfd, path, true, &n);
	if (error != 0)
		return ret_errno(error);
	rnode_chmod(n, (mode_t)mode);
	rnode_put(n);
	return 0;
}

int64_t
sys_chmod(SYSARGS6(path, mode, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return sys_fchmodat((uint64_t)AT_FDCWD, path, mode, 0, 0, 0);
}

int64_t
sys_fchmod(SYSARGS6(fd, mode, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct rnode *n;
	int error;

	error = node_of_fd((int)fd, &n);
	if (error != 0)
		return error == EINVAL ? 0 : ret_errno(error);
	rnode_chmod(n, (mode_t)mode);
	rnode_put(n);
	return 0;
}

/* ---- owner ---- */

int64_t
sys_fchownat(SYSARGS6(dirfd, path, uid, gid, flags, a5 __unused))
{
	struct rnode *n;
	int error;

	if (((uint32_t)flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW |
	    AT_EMPTY_PATH)) != 0)
		return -EINVAL;
	error = node_at((int)dirfd, path, flags, &n);
	if (error != 0)
		return ret_errno(error);
	rnode_chown(n, (uint32_t)uid, (uint32_t)gid);
	rnode_put(n);
	return 0;
}

int64_t
sys_chown(SYSARGS6(path, uid, gid, a3 __unused, a4 __unused, a5 __unused))
{
	return sys_fchownat((uint64_t)AT_FDCWD, path, uid, gid, 0, 0);
}

int64_t
sys_lchown(SYSARGS6(path, uid, gid, a3 __unused, a4 __unused, a5 __unused))
{
	return sys_fchownat((uint64_t)AT_FDCWD, path, uid, gid,
	    AT_SYMLINK_NOFOLLOW, 0);
}

int64_t
sys_fchown(SYSARGS6(fd, uid, gid, a3 __unused, a4 __unused, a5 __unused))
{
	struct rnode *n;
	int error;

	error = node_of_fd((int)fd, &n);
	if (error != 0)
		return error == EINVAL ? 0 : ret_errno(error);
	rnode_chown(n, (uint32_t)uid, (uint32_t)gid);
	rnode_put(n);
	return 0;
}

/* ---- times ---- */

/* Access and modification time as asked for. */
struct new_times {
	struct linux_timespec	ts[2];
};

static bool
time_valid(const struct linux_timespec *ts)
{
	return ts->tv_nsec == UTIME_NOW || ts->tv_nsec == UTIME_OMIT ||
	    (ts->tv_nsec >= 0 && ts->tv_nsec < (int64_t)NSEC_PER_SEC);
}

/* time_of: NULL: leave it.  Three centuries either way are enough. */
static const int64_t *
time_of(const struct linux_timespec *ts, int64_t now, int64_t *out)
{
	if (ts->tv_nsec == UTIME_OMIT)
		return NULL;
	*out = now;
	if (ts->tv_nsec != UTIME_NOW)
		*out = MAX(MIN(ts->tv_sec, TIME_SECMAX), -TIME_SECMAX) *
		    (int64_t)NSEC_PER_SEC + ts->tv_nsec;
	return out;
}

/* set_times: t NULL: now. path 0: dirfd itself. */
static int64_t
set_times(int dirfd, uint64_t path, const struct new_times *t, uint64_t flags)
{
	static const struct new_times both_now = {
		{ { 0, UTIME_NOW }, { 0, UTIME_NOW } }
	};
	int64_t now = (int64_t)md_walltime(), a, m;
	struct rnode *n;
	int error;

	if (t == NULL)
		t = &both_now;
	if (path == 0 && dirfd != AT_FDCWD)
		error = flags != 0 ? EINVAL : node_of_fd(dirfd, &n);
	else if ((flags & ~(uint64_t)(AT_SYMLINK_NOFOLLOW |
	    AT_EMPTY_PATH)) != 0)
		error = EINVAL;
	else
		error = node_at(dirfd, path, flags, &n);
	if (error != 0)
		return ret_errno(error);
	if (time_valid(&t->ts[0]) && time_valid(&t->ts[1]))
		rnode_utimes(n, time_of(&t->ts[0], now, &a),
		    time_of(&t->ts[1], now, &m));
	else
		error = EINVAL;
	rnode_put(n);
	return ret_errno(error);
}

int64_t
sys_utimensat(SYSARGS6(dirfd, path, times, flags, a4 __unused, a5 __unused))
{
	struct new_times t;
	int error;

	if (times == 0)
		return set_times((int)dirfd, path, NULL, (uint32_t)flags);
	error = copyin(uaddr(times), &t, sizeof(t));
	if (error != 0)
		return ret_errno(error);
	if (t.ts[0].tv_nsec == UTIME_OMIT && t.ts[1].tv_nsec == UTIME_OMIT)
		return 0;
	return set_times((int)dirfd, path, &t, (uint32_t)flags);
}

/* utimes with microseconds, where no special values are known. */
static int64_t
do_utimes(int dirfd, uint64_t path, uint64_t times)
{
	struct linux_timeval tv[2];
	struct new_times t;
	unsigned i;
	int error;

	if (times == 0)
		return set_times(dirfd, path, NULL, 0);
	error = copyin(uaddr(times), tv, sizeof(tv));
	if (error != 0)
		return ret_errno(error);
	for (i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return -EINVAL;
		t.ts[i].tv_sec = tv[i].tv_sec;
		t.ts[i].tv_nsec = tv[i].tv_usec * (int64_t)NSEC_PER_USEC;
	}
	return set_times(dirfd, path, &t, 0);
}

int64_t
sys_utimes(SYSARGS6(path, times, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_utimes(AT_FDCWD, path, times);
}

int64_t
sys_futimesat(SYSARGS6(dirfd, path, times, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_utimes((int)dirfd, path, times);
}

int64_t
sys_utime(SYSARGS6(path, times, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct new_times t;
	int64_t sec[2];
	int error;

	if (times == 0)
		return set_times(AT_FDCWD, path, NULL, 0);
	error = copyin(uaddr(times), sec, sizeof(sec));
	if (error != 0)
		return ret_errno(error);
	t.ts[0] = (struct linux_timespec){ sec[0], 0 };
	t.ts[1] = (struct linux_timespec){ sec[1], 0 };
	return set_times(AT_FDCWD, path, &t, 0);
}

/* ---- nodes ---- */

int64_t
sys_mknodat(SYSARGS6(dirfd, path, mode, dev, a4 __unused, a5 __unused))
{
	mode_t type = (mode_t)mode & S_IFMT;
	struct name_at nm;
	int error;

	if (type == 0)
		type = S_IFREG;
	if (type == S_IFDIR)
		return -EPERM;
	if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK &&
	    type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	if (type != S_IFCHR && type != S_IFBLK)
		dev = 0;
	error = name_at_get(&nm, dirfd, path);
	if (error != 0)
		return ret_errno(error);
	error = ramfs_mknode(nm.dir, nm.path.p, type | mode_masked(mode),
	    NULL, (uint32_t)dev);
	name_at_put(&nm);
	return ret_errno(error);
}

int64_t
sys_mknod(SYSARGS6(path, mode, dev, a3 __unused, a4 __unused, a5 __unused))
{
	return sys_mknodat((uint64_t)AT_FDCWD, path, mode, dev, 0, 0);
}

/* ---- extended attributes: none can be, so none are ---- */

static int64_t
xattr_path(uint64_t path, bool follow, int64_t answer)
{
	struct rnode *n;
	int error;

	error = upath_lookup(AT_FDCWD, path, follow, &n);
	if (error != 0)
		return ret_errno(error);
	rnode_put(n);
	return answer;
}

static int64_t
xattr_fd(uint64_t fd, int64_t answer)
{
	struct file *fp = fd_get((int)fd);

	if (fp == NULL)
		return -EBADF;
	file_put(fp);
	return answer;
}

#define XATTR_CALL(name, answer)					\
int64_t									\
name(SYSARGS6(what, a1 __unused, a2 __unused, a3 __unused,		\
    a4 __unused, a5 __unused))						\
{									\
	return answer;							\
}

/* set, get, remove */
XATTR_CALL(sys_xattr, xattr_path(what, true, -EOPNOTSUPP))
XATTR_CALL(sys_lxattr, xattr_path(what, false, -EOPNOTSUPP))
XATTR_CALL(sys_fxattr, xattr_fd(what, -EOPNOTSUPP))
XATTR_CALL(sys_listxattr, xattr_path(what, true, 0))
XATTR_CALL(sys_llistxattr, xattr_path(what, false, 0))
XATTR_CALL(sys_flistxattr, xattr_fd(what, 0))
