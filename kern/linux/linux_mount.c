/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_mount.c: mount and umount2.
 *
 * Locks: none of its own.
 * Sources: mount(2), umount(2) of Linux.
 */
#include "linux_priv.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <vm/vm_phys.h>

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

/* ---- options ---- */

/* opt_size: a number with k, m, g or, of all memory, %; in bytes. */
static int
opt_size(char *text, uint64_t *bytes)
{
	static const char suffix[] = "kmgt";
	size_t n = strlen(text);
	const char *s;
	unsigned shift = 0;

	if (n > 0 && text[n - 1] == '%') {
		text[n - 1] = '\0';
		if (kstrtoul(text, 10, bytes) != 0 || *bytes > UINT32_MAX)
			return EINVAL;
		*bytes = vm_phys_total() * *bytes / 100 * PAGE_SIZE;
		return 0;
	}
	s = n > 0 ? strchr(suffix, text[n - 1] | 0x20) : NULL;
	if (s != NULL && *s != '\0') {
		shift = 10 * (unsigned)(s - suffix + 1);
		text[n - 1] = '\0';
	}
	if (kstrtoul(text, 0, bytes) != 0 || *bytes > ~0UL >> shift)
		return EINVAL;
	*bytes <<= shift;
	return 0;
}

static int
opt_number(const char *text, int base, uint32_t *v)
{
	uint64_t n;

	if (kstrtoul(text, base, &n) != 0 || n > UINT32_MAX)
		return EINVAL;
	*v = (uint32_t)n;
	return 0;
}

/* opt_one: name=value. */
static int
opt_one(const char *name, char *value, struct mount_opts *mo)
{
	uint64_t n;

	if (strcmp(name, "mode") == 0) {
		mo->mo_hasmode = true;
		return opt_number(value, 8, &mo->mo_mode);
	}
	if (strcmp(name, "uid") == 0)
		return opt_number(value, 10, &mo->mo_uid);
	if (strcmp(name, "gid") == 0)
		return opt_number(value, 10, &mo->mo_gid);
	if (strcmp(name, "nr_inodes") == 0)
		return opt_size(value, &n);	/* they are not counted */
	if (strcmp(name, "size") != 0 && strcmp(name, "nr_blocks") != 0)
		return EINVAL;
	if (opt_size(value, &n) != 0)
		return EINVAL;
	mo->mo_haspages = true;
	if (name[0] == 'n')
		mo->mo_pages = n;
	else
		mo->mo_pages = n / PAGE_SIZE + (n % PAGE_SIZE != 0);
	return 0;
}

/* opts_parse: all of them; strict: each has to be known. */
static int
opts_parse(char *text, bool strict, struct mount_opts *mo)
{
	char *next, *value;
	int error;

	for (; text != NULL && text[0] != '\0'; text = next) {
		next = strchr(text, ',');
		if (next != NULL)
			*next++ = '\0';
		value = strchr(text, '=');
		if (value != NULL)
			*value++ = '\0';
		error = value != NULL ? opt_one(text, value, mo) : EINVAL;
		if (error != 0 && strict && text[0] != '\0')
			return error;
	}
	return 0;
}

/* opts_get: of the user's string, for a file system of type fs ("": a remount).
 * Those of tmpfs alone are strict, and the others have no size. */
static int
opts_get(uint64_t ua, const char *fs, struct mount_opts *mo)
{
	bool strict = fs[0] == '\0' || strcmp(fs, "tmpfs") == 0;
	char *text;
	size_t n;
	int error;

	memset(mo, 0, sizeof(*mo));
	if (ua == 0)
		return 0;
	text = kmalloc(PAGE_SIZE, M_WAITOK);
	if (text == NULL)
		return ENOMEM;
	error = copyinstr(uaddr(ua), text, PAGE_SIZE, &n);
	if (error == ENAMETOOLONG)
		error = EINVAL;
	if (error == 0)
		error = opts_parse(text, strict, mo);
	if (!strict)
		mo->mo_pages = 0;
	kfree(text);
	return error;
}

int64_t
sys_mount(SYSARGS6(source, path, type, flags, data, a5 __unused))
{
	char src[MNT_SOURCE], fs[TYPE_MAX];
	struct mount_opts mo;
	struct rnode *at;
	int error;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(uint64_t)MS_MGC_MSK;
	error = mount_word(type, fs, sizeof(fs));
	if (error == 0)
		error = mount_word(source, src, sizeof(src));
	if (error == 0)
		error = opts_get(data, (flags & MS_REMOUNT) != 0 ? "" : fs,
		    &mo);
	if (error == 0)
		error = upath_lookup(AT_FDCWD, path, true, &at);
	if (error != 0)
		return ret_errno(error);
	if ((flags & MS_REFUSED) != 0)
		error = EINVAL;
	else if ((flags & MS_REMOUNT) != 0)
		error = mount_remount(at, (unsigned)flags, &mo);
	else if (type == 0)
		error = EINVAL;
	else
		error = mount_fs(at, fs, src[0] != '\0' ? src : "none",
		    (unsigned)flags, &mo);
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
