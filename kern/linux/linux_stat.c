/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_stat.c: what files and file systems are: the stat family, statx,
 * statfs and the calls that write back what is already there.
 *
 * Locks: none of its own.
 * Sources: stat(2), statx(2), statfs(2) of Linux.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <lib/string.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <vm/vm_phys.h>

static struct linux_timespec
stat_time(int64_t ns)
{
	int64_t sec = ns / (int64_t)NSEC_PER_SEC;
	int64_t rest = ns % (int64_t)NSEC_PER_SEC;

	/* Before 1970 the nanoseconds still count upwards. */
	if (rest < 0) {
		sec--;
		rest += (int64_t)NSEC_PER_SEC;
	}
	return (struct linux_timespec){ sec, rest };
}

static int
stat_out(const struct fstatus *st, uint64_t ua)
{
	struct linux_timespec a = stat_time(st->st_atime);
	struct linux_timespec m = stat_time(st->st_mtime);
	struct linux_timespec c = stat_time(st->st_ctime);
	struct linux_stat ls = {
		.st_dev = st->st_dev,
		.st_ino = st->st_ino,
		.st_nlink = st->st_nlink,
		.st_mode = st->st_mode,
		.st_uid = st->st_uid,
		.st_gid = st->st_gid,
		.st_rdev = st->st_rdev,
		.st_size = (int64_t)st->st_size,
		.st_blksize = PAGE_SIZE,
		.st_blocks = (int64_t)st->st_blocks,
		.st_atime = a.tv_sec, .st_atime_nsec = a.tv_nsec,
		.st_mtime = m.tv_sec, .st_mtime_nsec = m.tv_nsec,
		.st_ctime = c.tv_sec, .st_ctime_nsec = c.tv_nsec,
	};

	return copyout(&ls, uaddr(ua), sizeof(ls));
}

static int
stat_fd(int fd, struct fstatus *st)
{
	struct file *fp;
	int error;

	fp = fd_get(fd);
	if (fp == NULL)
		return EBADF;
	error = fp->f_ops->fo_stat(fp, st);
	file_put(fp);
	return error;
}

static int
stat_path(int dirfd, uint64_t path, bool follow, struct fstatus *st)
{
	struct rnode *n;
	int error;

	error = upath_lookup(dirfd, path, follow, &n);
	if (error != 0)
		return error;
	rnode_stat(n, st);
	rnode_put(n);
	return 0;
}

/* stat_at: AT_EMPTY_PATH with "" means dirfd itself. */
static int
stat_at(int dirfd, uint64_t path, uint64_t flags, struct fstatus *st)
{
	struct rnode *cwd;
	bool empty;
	int error;

	error = upath_empty(path, flags, &empty);
	if (error != 0)
		return error;
	if (!empty)
		return stat_path(dirfd, path,
		    (flags & AT_SYMLINK_NOFOLLOW) == 0, st);
	if (dirfd != AT_FDCWD)
		return stat_fd(dirfd, st);
	cwd = fsctx_cwd(curproc->p_fs);
	rnode_stat(cwd, st);
	rnode_put(cwd);
	return 0;
}

static int64_t
do_stat(int dirfd, uint64_t path, uint64_t flags, uint64_t ua)
{
	struct fstatus st;
	int error;

	error = stat_at(dirfd, path, flags, &st);
	return ret_errno(error != 0 ? error : stat_out(&st, ua));
}

int64_t
sys_stat(SYSARGS6(path, ua, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_stat(AT_FDCWD, path, 0, ua);
}

int64_t
sys_lstat(SYSARGS6(path, ua, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_stat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, ua);
}

int64_t
sys_fstat(SYSARGS6(fd, ua, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct fstatus st;
	int error;

	error = stat_fd((int)fd, &st);
	return ret_errno(error != 0 ? error : stat_out(&st, ua));
}

int64_t
sys_newfstatat(SYSARGS6(dirfd, path, ua, flags, a4 __unused, a5 __unused))
{
	if (((uint32_t)flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW |
	    AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC)) != 0)
		return -EINVAL;
	return do_stat((int)dirfd, path, flags, ua);
}

static struct linux_statx_time
statx_time(int64_t ns)
{
	struct linux_timespec t = stat_time(ns);

	return (struct linux_statx_time){
		.tv_sec = t.tv_sec, .tv_nsec = (uint32_t)t.tv_nsec
	};
}

static uint32_t
dev_major(uint64_t dev)
{
	return (uint32_t)(dev >> 8 & 0xfff) | (uint32_t)(dev >> 32 & ~0xfffUL);
}

static uint32_t
dev_minor(uint64_t dev)
{
	return (uint32_t)(dev & 0xff) | (uint32_t)(dev >> 12 & ~0xffUL);
}

int64_t
sys_statx(SYSARGS6(dirfd, path, flags, mask, ua, a5 __unused))
{
	struct linux_statx sx;
	struct fstatus st;
	int error;

	if (((uint32_t)flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW |
	    AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC)) != 0 ||
	    (flags & AT_STATX_SYNC) == AT_STATX_SYNC ||
	    (mask & STATX_RESERVED) != 0)
		return -EINVAL;
	error = stat_at((int)dirfd, path, flags, &st);
	if (error != 0)
		return ret_errno(error);
	memset(&sx, 0, sizeof(sx));
	sx.stx_mask = STATX_BASIC_STATS | STATX_BTIME;
	sx.stx_blksize = PAGE_SIZE;
	sx.stx_nlink = st.st_nlink;
	sx.stx_uid = st.st_uid;
	sx.stx_gid = st.st_gid;
	sx.stx_mode = (uint16_t)st.st_mode;
	sx.stx_ino = st.st_ino;
	sx.stx_size = st.st_size;
	sx.stx_blocks = st.st_blocks;
	sx.stx_atime = statx_time(st.st_atime);
	sx.stx_btime = statx_time(st.st_btime);
	sx.stx_ctime = statx_time(st.st_ctime);
	sx.stx_mtime = statx_time(st.st_mtime);
	sx.stx_rdev_major = dev_major(st.st_rdev);
	sx.stx_rdev_minor = dev_minor(st.st_rdev);
	sx.stx_dev_major = dev_major(st.st_dev);
	sx.stx_dev_minor = dev_minor(st.st_dev);
	return ret_errno(copyout(&sx, uaddr(ua), sizeof(sx)));
}

/* ---- file systems ---- */

static int64_t
statfs_out(const struct rnode *n, uint64_t ua)
{
	const struct mount *mt = n != NULL ? n->rn_mount : NULL;
	uint64_t blocks, nfree;
	struct linux_statfs sf;

	memset(&sf, 0, sizeof(sf));
	sf.f_type = mt != NULL ? mt->mt_type->ft_magic : PIPEFS_MAGIC;
	sf.f_bsize = sf.f_frsize = PAGE_SIZE;
	sf.f_namelen = NAME_MAX;
	sf.f_flags = ST_VALID | ST_RELATIME;
	if (mt != NULL)
		sf.f_flags |= atomic_load(&mt->mt_flags);
	if (mt != NULL && mt->mt_limit != 0) {
		sf.f_blocks = atomic_load(&mt->mt_limit);
		sf.f_bfree = sf.f_blocks - MIN(sf.f_blocks,
		    atomic_load(&mt->mt_pages));
		sf.f_bavail = sf.f_bfree;
	} else if (mt != NULL && mt->mt_type->ft_space) {
		ramfs_space(&blocks, &nfree);
		sf.f_blocks = blocks;
		sf.f_bavail = sf.f_bfree = nfree;
	}
	return ret_errno(copyout(&sf, uaddr(ua), sizeof(sf)));
}

int64_t
sys_statfs(SYSARGS6(path, ua, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct rnode *n;
	int64_t ret;
	int error;

	error = upath_lookup(AT_FDCWD, path, true, &n);
	if (error != 0)
		return ret_errno(error);
	ret = statfs_out(n, ua);
	rnode_put(n);
	return ret;
}

int64_t
sys_fstatfs(SYSARGS6(fd, ua, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct file *fp;
	int64_t ret;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	ret = statfs_out(fp->f_node, ua);
	file_put(fp);
	return ret;
}

/* sync: memory is where the files are. */
int64_t
sys_sync(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return 0;
}

int64_t
sys_syncfs(SYSARGS6(fd, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct file *fp;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	file_put(fp);
	return 0;
}

/* sys_fsync: EINVAL for what has nothing behind it: pipes, sockets. */
int64_t
sys_fsync(SYSARGS6(fd, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct file *fp;
	int error;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	error = fp->f_node == NULL || S_ISCHR(fp->f_node->rn_mode) ?
	    EINVAL : 0;
	file_put(fp);
	return ret_errno(error);
}
