/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_mount.c: mount and umount2.
 *
 * Locks: none of its own.
 * Sources: mount(2), umount(2) of Linux.
 */
#include "linux_priv.h"

#include <lib/string.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>

#define MS_MGC_VAL	0xc0ed0000U
#define MS_MGC_MSK	0xffff0000U
#define UMOUNT_NOFOLLOW	8U
#define TYPE_MAX	32

/* Changes of what is there: refused, there is one tree and no copies. */
#define MS_REFUSED	(MS_BIND | MS_MOVE | 0x1e0000U)

/* mount_words: the names of source and type; 0 is none. */
static int
mount_word(uint64_t ua, char *buf, size_t size)
{
	size_t n;
	int error;

	buf[0] = '\0';
	if (ua == 0)
		return 0;
	error = copyinstr(uaddr(ua), buf, size, &n);
	if (error == ENAMETOOLONG) {
		/* A long source is shown cut; no type has a long name. */
		buf[size - 1] = '\0';
		error = copyin(uaddr(ua), buf, size - 1);
	}
	return error;
}

int64_t
sys_mount(SYSARGS6(source, path, type, flags, data __unused, a5 __unused))
{
	char src[MNT_SOURCE], fs[TYPE_MAX];
	struct rnode *at;
	int error;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(uint64_t)MS_MGC_MSK;
	error = mount_word(type, fs, sizeof(fs));
	if (error == 0)
		error = mount_word(source, src, sizeof(src));
	if (error == 0)
		error = upath_lookup(AT_FDCWD, path, true, &at);
	if (error != 0)
		return ret_errno(error);
	if ((flags & MS_REFUSED) != 0)
		error = EINVAL;
	else if ((flags & MS_REMOUNT) != 0)
		error = mount_remount(at, (unsigned)flags);
	else if (type == 0)
		error = EINVAL;
	else
		error = mount_fs(at, fs, src[0] != '\0' ? src : "none",
		    (unsigned)flags);
	rnode_put(at);
	return ret_errno(error);
}

int64_t
sys_umount2(SYSARGS6(path, flags, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct rnode *at;
	int error;

	if (((uint32_t)flags & ~(uint32_t)(MNT_FORCE | MNT_DETACH |
	    MNT_EXPIRE | UMOUNT_NOFOLLOW)) != 0)
		return -EINVAL;
	if ((flags & MNT_EXPIRE) != 0)
		return -EINVAL;
	error = upath_lookup(AT_FDCWD, path, (flags & UMOUNT_NOFOLLOW) == 0,
	    &at);
	if (error != 0)
		return ret_errno(error);
	error = mount_remove(at, (flags & MNT_DETACH) != 0);
	rnode_put(at);
	return ret_errno(error);
}
