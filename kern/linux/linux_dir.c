/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_dir.c: system calls that change or list directories, and the working
 * directory.
 *
 * Locks: none of its own.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <lib/string.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>

#define CWD		((uint64_t)AT_FDCWD)

/* ---- make and remove ---- */

int64_t
sys_mkdirat(SYSARGS6(dirfd, path, mode, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct name_at nm;
	mode_t m;
	int error;

	m = (mode_t)mode & 01777 & ~atomic_load(&curproc->p_fs->fx_umask);
	error = name_at_get(&nm, dirfd, path);
	if (error != 0)
		return ret_errno(error);
	error = ramfs_mknode(nm.dir, nm.path.p, S_IFDIR | m, NULL, 0);
	name_at_put(&nm);
	return ret_errno(error);
}

int64_t
sys_mkdir(SYSARGS6(path, mode, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return sys_mkdirat(CWD, path, mode, 0, 0, 0);
}

int64_t
sys_unlinkat(SYSARGS6(dirfd, path, flags, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct name_at nm;
	int error;

	if ((flags & ~(uint64_t)AT_REMOVEDIR) != 0)
		return -EINVAL;
	error = name_at_get(&nm, dirfd, path);
	if (error != 0)
		return ret_errno(error);
	error = ramfs_unlink(nm.dir, nm.path.p, flags != 0);
	name_at_put(&nm);
	return ret_errno(error);
}

int64_t
sys_unlink(SYSARGS6(path, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return sys_unlinkat(CWD, path, 0, 0, 0, 0);
}

int64_t
sys_rmdir(SYSARGS6(path, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return sys_unlinkat(CWD, path, AT_REMOVEDIR, 0, 0, 0);
}

static int64_t
do_rename(uint64_t fd1, uint64_t path1, uint64_t fd2, uint64_t path2,
    unsigned flags)
{
	struct name_at *nm;
	int error;

	/* Two short paths would not fit the frame with their callers'. */
	nm = kmalloc(2 * sizeof(*nm), M_WAITOK);
	if (nm == NULL)
		return -ENOMEM;
	error = name_at_get(&nm[0], fd1, path1);
	if (error == 0) {
		error = name_at_get(&nm[1], fd2, path2);
		if (error == 0) {
			error = ramfs_rename(nm[0].dir, nm[0].path.p,
			    nm[1].dir, nm[1].path.p, flags);
			name_at_put(&nm[1]);
		}
		name_at_put(&nm[0]);
	}
	kfree(nm);
	return ret_errno(error);
}

int64_t
sys_renameat2(SYSARGS6(fd1, path1, fd2, path2, flags, a5 __unused))
{
	if (((uint32_t)flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 ||
	    (uint32_t)flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	return do_rename(fd1, path1, fd2, path2, (unsigned)flags);
}

int64_t
sys_renameat(SYSARGS6(fd1, path1, fd2, path2, a4 __unused, a5 __unused))
{
	return do_rename(fd1, path1, fd2, path2, 0);
}

int64_t
sys_rename(SYSARGS6(path1, path2, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return do_rename(CWD, path1, CWD, path2, 0);
}

int64_t
sys_linkat(SYSARGS6(fd1, path1, fd2, path2, flags, a5 __unused))
{
	struct name_at nm;
	struct rnode *n;
	int error;

	if ((flags & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) != 0 && !cred_root())
		return -ENOENT;
	error = node_at((int)fd1, path1, (flags & AT_EMPTY_PATH) |
	    ((flags & AT_SYMLINK_FOLLOW) == 0 ? AT_SYMLINK_NOFOLLOW : 0), &n);
	if (error != 0)
		return ret_errno(error);
	error = name_at_get(&nm, fd2, path2);
	if (error == 0) {
		error = ramfs_link(n, nm.dir, nm.path.p);
		name_at_put(&nm);
	}
	rnode_put(n);
	return ret_errno(error);
}

int64_t
sys_link(SYSARGS6(path1, path2, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return sys_linkat(CWD, path1, CWD, path2, 0, 0);
}

int64_t
sys_symlinkat(SYSARGS6(target, dirfd, path, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct upath t;
	struct name_at nm;
	int error;

	error = upath_get(&t, target);
	if (error != 0)
		return ret_errno(error);
	error = t.p[0] == '\0' ? ENOENT : name_at_get(&nm, dirfd, path);
	if (error == 0) {
		error = ramfs_mknode(nm.dir, nm.path.p, S_IFLNK | 0777, t.p,
		    0);
		name_at_put(&nm);
	}
	upath_put(&t);
	return ret_errno(error);
}

int64_t
sys_symlink(SYSARGS6(target, path, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return sys_symlinkat(target, CWD, path, 0, 0, 0);
}

/* ---- the working directory ---- */

/* do_chdir: takes over n's reference. */
static int64_t
do_chdir(struct rnode *n)
{
	int error;

	error = S_ISDIR(n->rn_mode) ? 0 : ENOTDIR;
	if (error == 0)
		fsctx_chdir(curproc->p_fs, n);
	rnode_put(n);
	return ret_errno(error);
}

int64_t
sys_chdir(SYSARGS6(path, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct rnode *n;
	int error;

	error = upath_lookup(AT_FDCWD, path, true, &n);
	return error != 0 ? ret_errno(error) : do_chdir(n);
}

int64_t
sys_fchdir(SYSARGS6(fd, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct rnode *n;
	int error;

	if ((int)fd < 0)
		return -EBADF;
	error = dir_get((int)fd, &n);
	return error != 0 ? ret_errno(error) : do_chdir(n);
}

int64_t
sys_chroot(SYSARGS6(path, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct rnode *n;
	int error;

	error = upath_lookup(AT_FDCWD, path, true, &n);
	if (error != 0)
		return ret_errno(error);
	error = S_ISDIR(n->rn_mode) ? 0 : ENOTDIR;
	if (error == 0)
		fsctx_chroot(curproc->p_fs, n);
	rnode_put(n);
	return ret_errno(error);
}

int64_t
sys_getcwd(SYSARGS6(ua, size, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct rnode *cwd;
	size_t len;
	char *buf;
	int error;

	buf = kmalloc(PATH_MAX, M_WAITOK);
	if (buf == NULL)
		return -ENOMEM;
	len = 0;
	cwd = fsctx_cwd(curproc->p_fs);
	error = ramfs_getpath(cwd, buf, PATH_MAX);
	rnode_put(cwd);
	if (error == 0) {
		len = strlen(buf) + 1;
		error = len > size ? ERANGE : copyout(buf, uaddr(ua), len);
	}
	kfree(buf);
	return error != 0 ? ret_errno(error) : (int64_t)len;
}

/* ---- listing ---- */

/* Where getdents writes. [t] */
struct dirent_out {
	uint64_t	ua;
	size_t		left, done;
	int		error;
};

static bool
dirent_put(void *arg, const char *name, uint64_t ino, uint64_t next_off,
    mode_t mode)
{
	struct dirent_out *o = arg;
	union {
		struct linux_dirent64	d;
		char			bytes[DIRENT_NAMEOFF + NAME_MAX + 8];
	} u;
	size_t len = strlen(name), rec;

	rec = roundup2(DIRENT_NAMEOFF + len + 1, 8UL);
	if (rec > o->left) {
		if (o->done == 0)
			o->error = EINVAL;	/* not even one fits */
		return false;
	}
	memset(&u, 0, rec);
	u.d.d_ino = ino;
	u.d.d_off = (int64_t)next_off;
	u.d.d_reclen = (uint16_t)rec;
	u.d.d_type = (uint8_t)((mode & S_IFMT) >> 12);
	memcpy(u.d.d_name, name, len);
	o->error = copyout(&u, uaddr(o->ua + o->done), rec);
	if (o->error != 0)
		return false;
	o->done += rec;
	o->left -= rec;
	return true;
}

int64_t
sys_getdents64(SYSARGS6(fd, ua, size, a3 __unused, a4 __unused, a5 __unused))
{
	struct dirent_out o = { .ua = ua, .left = (uint32_t)size };
	struct file *fp;
	int error;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	error = ENOTDIR;
	if (fp->f_ops->fo_getdents != NULL)
		error = fp->f_ops->fo_getdents(fp, dirent_put, &o);
	file_put(fp);
	if (error == 0 && o.done == 0)
		error = o.error;
	return error != 0 ? ret_errno(error) : (int64_t)o.done;
}
