/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_path.c: system calls that take names: open, access, readlink, umask.
 *
 * Everybody is root here: permission bits are kept and shown, and only the
 * execute bit of a file is asked for.
 * Locks: none of its own.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <lib/string.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>

/* ---- paths from user space ---- */

int
upath_get(struct upath *up, uint64_t ua)
{
	size_t n;
	int error;

	up->p = up->small;
	error = copyinstr(uaddr(ua), up->small, sizeof(up->small), &n);
	if (error != ENAMETOOLONG)
		return error;
	up->p = kmalloc(PATH_MAX, M_WAITOK);
	if (up->p == NULL)
		return ENOMEM;
	error = copyinstr(uaddr(ua), up->p, PATH_MAX, &n);
	if (error != 0)
		kfree(up->p);
	return error;
}

void
upath_put(struct upath *up)
{
	if (up->p != up->small)
		kfree(up->p);
}

int
dir_get(int dirfd, struct rnode **dp)
{
	struct file *fp;

	if (dirfd == AT_FDCWD) {
		*dp = fsctx_cwd(curproc->p_fs);
		return 0;
	}
	fp = fd_get(dirfd);
	if (fp == NULL)
		return EBADF;
	*dp = NULL;
	if (fp->f_node != NULL && S_ISDIR(fp->f_node->rn_mode))
		*dp = rnode_ref(fp->f_node);
	file_put(fp);
	return *dp == NULL ? ENOTDIR : 0;
}

int
name_at_get(struct name_at *at, uint64_t dirfd, uint64_t path)
{
	int error;

	error = upath_get(&at->path, path);
	if (error != 0)
		return error;
	/* The directory does not matter to an absolute path or to none. */
	if (at->path.p[0] == '\0')
		error = ENOENT;
	else if (at->path.p[0] == '/')
		at->dir = rnode_ref(ramfs_root);
	else
		error = dir_get((int)dirfd, &at->dir);
	if (error != 0)
		upath_put(&at->path);
	return error;
}

void
name_at_put(struct name_at *at)
{
	rnode_put(at->dir);
	upath_put(&at->path);
}

int
upath_empty(uint64_t path, uint64_t flags, bool *empty)
{
	uint8_t first = 1;
	int error = 0;

	if ((flags & AT_EMPTY_PATH) != 0)
		error = copyin(uaddr(path), &first, 1);
	*empty = first == '\0';
	return error;
}

int
upath_lookup(int dirfd, uint64_t path, bool follow, struct rnode **np)
{
	struct name_at at;
	int error;

	error = name_at_get(&at, (uint64_t)dirfd, path);
	if (error != 0)
		return error;
	error = ramfs_namei(at.dir, at.path.p, follow, np);
	name_at_put(&at);
	return error;
}

mode_t
mode_masked(uint64_t mode)
{
	return (mode_t)mode & 07777 & ~atomic_load(&curproc->p_fs->fx_umask);
}

/* ---- open ---- */

static int64_t
do_open(uint64_t dirfd, uint64_t path, uint64_t flags, uint64_t mode)
{
	struct file *fp = NULL;
	struct name_at at;
	int error, fd;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if ((flags & O_TMPFILE & ~O_DIRECTORY) != 0 && (flags & O_PATH) == 0 &&
	    ((flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE ||
	    (flags & O_ACCMODE) == O_RDONLY))
		return -EINVAL;
	error = name_at_get(&at, dirfd, path);
	if (error != 0)
		return ret_errno(error);
	error = fd_reserve((flags & O_CLOEXEC) != 0, &fd);
	if (error == 0)
		error = ramfs_open(at.dir, at.path.p, (unsigned)flags,
		    mode_masked(mode), &fp);
	name_at_put(&at);
	return fd_done(error, fd, fp);
}

int64_t
sys_open(SYSARGS6(path, flags, mode, a3 __unused, a4 __unused, a5 __unused))
{
	return do_open((uint64_t)AT_FDCWD, path, flags, mode);
}

int64_t
sys_openat(SYSARGS6(dirfd, path, flags, mode, a4 __unused, a5 __unused))
{
	return do_open(dirfd, path, flags, mode);
}

int64_t
sys_creat(SYSARGS6(path, mode, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_open((uint64_t)AT_FDCWD, path,
	    O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int64_t
sys_truncate(SYSARGS6(path, size, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct rnode *n;
	int error;

	if ((int64_t)size < 0)
		return -EINVAL;
	error = upath_lookup(AT_FDCWD, path, true, &n);
	if (error != 0)
		return ret_errno(error);
	error = S_ISDIR(n->rn_mode) ? EISDIR : rnode_write_get(n);
	if (error == 0) {
		error = rnode_truncate(n, size);
		rnode_write_put(n);
	}
	rnode_put(n);
	return ret_errno(error);
}

/* ---- access and links ---- */

/* do_access: root may read and write all, but run only what is marked. */
static int64_t
do_access(int dirfd, uint64_t path, uint64_t mode, bool follow)
{
	struct rnode *n;
	int error;

	if ((mode & ~(uint64_t)(R_OK | W_OK | X_OK)) != 0)
		return -EINVAL;
	error = upath_lookup(dirfd, path, follow, &n);
	if (error != 0)
		return ret_errno(error);
	if ((mode & X_OK) != 0 && !S_ISDIR(n->rn_mode) &&
	    (n->rn_mode & 0111) == 0)
		error = EACCES;
	rnode_put(n);
	return ret_errno(error);
}

int64_t
sys_access(SYSARGS6(path, mode, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_access(AT_FDCWD, path, mode, true);
}

int64_t
sys_faccessat(SYSARGS6(dirfd, path, mode, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_access((int)dirfd, path, mode, true);
}

int64_t
sys_faccessat2(SYSARGS6(dirfd, path, mode, flags, a4 __unused, a5 __unused))
{
	if ((flags & ~(uint64_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW)) != 0)
		return -EINVAL;
	return do_access((int)dirfd, path, mode,
	    (flags & AT_SYMLINK_NOFOLLOW) == 0);
}

/* link_read: n's target in buf, which holds PATH_MAX. */
static int
link_read(struct rnode *n, char *buf)
{
	if (!S_ISLNK(n->rn_mode))
		return EINVAL;
	if (n->rn_ops != NULL)
		return n->rn_ops->ro_readlink(n, buf, PATH_MAX);
	strlcpy(buf, n->rn_target, PATH_MAX);
	return 0;
}

int64_t
sys_readlinkat(SYSARGS6(dirfd, path, buf, size, a4 __unused, a5 __unused))
{
	struct rnode *n;
	size_t len;
	char *target;
	int error;

	if ((int)size <= 0)
		return -EINVAL;
	error = upath_lookup((int)dirfd, path, false, &n);
	if (error != 0)
		return ret_errno(error);
	target = kmalloc(PATH_MAX, M_WAITOK);
	error = target == NULL ? ENOMEM : link_read(n, target);
	rnode_put(n);
	len = 0;
	if (error == 0) {
		len = MIN(strlen(target), (size_t)(int)size);
		error = copyout(target, uaddr(buf), len);
	}
	kfree(target);
	return error != 0 ? ret_errno(error) : (int64_t)len;
}

int64_t
sys_readlink(SYSARGS6(path, buf, size, a3 __unused, a4 __unused,
    a5 __unused))
{
	return sys_readlinkat((uint64_t)AT_FDCWD, path, buf, size, 0, 0);
}

int64_t
sys_umask(SYSARGS6(mask, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return (int64_t)atomic_swap(&curproc->p_fs->fx_umask,
	    (mode_t)mask & 0777);
}
