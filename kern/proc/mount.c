/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount.c: which file systems there are and what they cover.
 *
 * I1: rn_over of a directory and mt_covered of the mount name each other.
 * I2: mt_refs counts the nodes of the mount, and one while it is mounted.
 * I3: a mount with users, or with a mount on one of its directories, is only
 *     removed when it is told to go anyway; then its names go at once.
 * Locks: ramfs_lock.
 * Sources: mount(2), umount(2) of Linux.
 */
#include <sys/mount.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/kprintf.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/ramfs.h>

#include "ramfs_priv.h"

#define TMPFS_MAGIC	0x01021994U
#define RAMFS_MAGIC	0x858458f6U

static int	devfs_fill(struct mount *mt);

static const struct fstype root_type = { "tmpfs", TMPFS_MAGIC, true, false,
	true, NULL };
static const struct fstype tmpfs_type = { "tmpfs", TMPFS_MAGIC, true, false,
	true, NULL };
static const struct fstype ramfs_type = { "ramfs", RAMFS_MAGIC, true, false,
	false, NULL };
static const struct fstype devfs_type = { "devtmpfs", TMPFS_MAGIC, true,
	true, true, devfs_fill };
static const struct fstype *const fstypes[] = {
	&root_type, &tmpfs_type, &ramfs_type, &devfs_type, &procfs_type,
	&devpts_type
};

static TAILQ_HEAD(mountlist, mount) mounts = TAILQ_HEAD_INITIALIZER(mounts); /* [N] */
static uint64_t		 mount_ids = 1;				    /* [N] */

/* ---- what belongs to a mount ---- */

void
mount_adopt(struct mount *mt, struct rnode *n)
{
	if (mt == NULL)
		return;
	atomic_add(&mt->mt_refs, 1);
	n->rn_mount = mt;
}

void
mount_put(struct mount *mt)
{
	if (mt != NULL && atomic_fetchadd(&mt->mt_refs, -1) == 1)
		kfree(mt);
}

void
rnode_use(struct rnode *n)
{
	if (n != NULL && n->rn_mount != NULL)
		atomic_add(&n->rn_mount->mt_users, 1);
}

void
rnode_unuse(struct rnode *n)
{
	if (n != NULL && n->rn_mount != NULL)
		atomic_sub(&n->rn_mount->mt_users, 1);
}

bool
mount_charge(struct mount *mt)
{
	if (atomic_fetchadd(&mt->mt_pages, 1) <
	    atomic_load_relaxed(&mt->mt_limit))
		return true;
	atomic_sub(&mt->mt_pages, 1);
	return false;
}

void
mount_release(struct mount *mt, uint64_t n)
{
	atomic_sub(&mt->mt_pages, n);
}

bool
rnode_rdonly(const struct rnode *n)
{
	return n->rn_mount != NULL &&
	    (atomic_load_relaxed(&n->rn_mount->mt_flags) & MS_RDONLY) != 0;
}

/* ---- devfs ---- */

static int
devfs_fill(struct mount *mt)
{
	static const struct {
		const char	*name;
		enum dev_id	 dev;
	} devs[] = {
		{ "console", DEV_CONSOLE }, { "tty", DEV_TTY },
		{ "null", DEV_NULL }, { "zero", DEV_ZERO },
		{ "full", DEV_FULL }, { "random", DEV_RANDOM },
		{ "urandom", DEV_URANDOM }, { "ptmx", DEV_PTMX },
	};
	static const char *const links[][2] = {
		{ "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" },
		{ "stderr", "/proc/self/fd/2" },
	};
	unsigned i;
	int error;

	error = 0;
	for (i = 0; i < nitems(devs) && error == 0; i++)
		error = ramfs_mknode(mt->mt_root, devs[i].name,
		    S_IFCHR | 0666, NULL, dev_rdev(devs[i].dev));
	for (i = 0; i < nitems(links) && error == 0; i++)
		error = ramfs_mknode(mt->mt_root, links[i][0],
		    S_IFLNK | 0777, links[i][1], 0);
	if (error == 0)
		error = ramfs_mknode(mt->mt_root, "shm", S_IFDIR | 01777,
		    NULL, 0);
	if (error == 0 && faults_wanted())
		error = ramfs_mknode(mt->mt_root, "faults", S_IFCHR | 0600,
		    NULL, dev_rdev(DEV_FAULTS));
	return error;
}

/* ---- making ---- */

static const struct fstype *
fstype_find(const char *name)
{
	unsigned i;

	if (strcmp(name, "devfs") == 0)
		return &devfs_type;
	for (i = 1; i < nitems(fstypes); i++)
		if (strcmp(fstypes[i]->ft_name, name) == 0)
			return fstypes[i];
	return NULL;
}

/* tree_empty: take every name below root away.  ramfs_lock held. */
static void
tree_empty(struct rnode *root)
{
	struct rnode *dir = root, *n;
	struct rdirent *d;

	for (;;) {
		d = TAILQ_FIRST(&dir->rn_entries);
		if (d == NULL) {
			if (dir == root)
				return;
			/* Now its own name is the first of its parent. */
			dir = dir->rn_parent;
			continue;
		}
		n = d->rd_node;
		if (S_ISDIR(n->rn_mode) && !TAILQ_EMPTY(&n->rn_entries)) {
			dir = n;
			continue;
		}
		dir_leave(dir, d);
		if (S_ISDIR(n->rn_mode))
			n->rn_nlink = 0;
		rnode_put(n);
	}
}

/* mount_destroy: it is on no list. */
static void
mount_destroy(struct mount *mt)
{
	rw_wlock(&ramfs_lock);
	tree_empty(mt->mt_root);
	mt->mt_root->rn_nlink = 0;
	mt->mt_root->rn_parent = NULL;
	rw_wunlock(&ramfs_lock);
	rnode_put(mt->mt_root);
	mount_put(mt);
}

/* root_mode: of a file system's root that nobody asked for. */
static mode_t
root_mode(const struct fstype *type)
{
	return type == &procfs_type ? 0555 : type == &tmpfs_type ? 01777 :
	    0755;
}

static struct mount *
mount_alloc(const struct fstype *type, const char *source, unsigned flags,
    const struct mount_opts *mo)
{
	struct mount *mt;
	int error;

	mt = kmalloc(sizeof(*mt), M_WAITOK | M_ZERO);
	if (mt == NULL)
		return NULL;
	mt->mt_type = type;
	mt->mt_refs = 1;
	mt->mt_flags = flags & MS_SHOWN;
	strlcpy(mt->mt_source, source, sizeof(mt->mt_source));
	mt->mt_limit = mo->mo_pages;
	mt->mt_root = rnode_alloc(S_IFDIR | (mo->mo_hasmode ?
	    mo->mo_mode & 07777 : root_mode(type)));
	if (mt->mt_root == NULL) {
		kfree(mt);
		return NULL;
	}
	mount_adopt(mt, mt->mt_root);
	mt->mt_root->rn_parent = mt->mt_root;
	mt->mt_root->rn_nlink = 2;
	mt->mt_root->rn_uid = mo->mo_uid;
	mt->mt_root->rn_gid = mo->mo_gid;
	error = 0;
	if (type->ft_fill != NULL) {
		mt->mt_flags &= ~MS_RDONLY;
		error = type->ft_fill(mt);
		mt->mt_flags = flags & MS_SHOWN;
	}
	if (error != 0) {
		mount_destroy(mt);
		return NULL;
	}
	return mt;
}

/* mount_list: at the end, with the next number.  ramfs_lock held: the list is in
 * the order of the numbers, or a listing would pass over one. */
static void
mount_list(struct mount *mt)
{
	mt->mt_id = mount_ids++;
	TAILQ_INSERT_TAIL(&mounts, mt, mt_link);
}

/* mount_attach: cover at, or what covers it.  ramfs_lock held. */
static int
mount_attach(struct mount *mt, struct rnode *at)
{
	while (at->rn_over != NULL)
		at = at->rn_over->mt_root;
	if (at->rn_parent == NULL)
		return ENOENT;
	if (mt->mt_type->ft_once && at->rn_mount != NULL &&
	    at->rn_mount->mt_root == at && at->rn_mount->mt_type ==
	    mt->mt_type)
		return EBUSY;
	mt->mt_covered = rnode_ref(at);
	at->rn_over = mt;
	mount_list(mt);
	return 0;
}

int
mount_fs(struct rnode *at, const char *type, const char *source,
    unsigned flags, const struct mount_opts *mo)
{
	const struct fstype *ft = fstype_find(type);
	struct mount *mt;
	int error;

	if (ft == NULL)
		return ENODEV;
	if (!S_ISDIR(at->rn_mode))
		return ENOTDIR;
	mt = mount_alloc(ft, source, flags, mo);
	if (mt == NULL)
		return ENOMEM;
	rw_wlock(&ramfs_lock);
	error = mount_attach(mt, at);
	rw_wunlock(&ramfs_lock);
	if (error != 0)
		mount_destroy(mt);
	return error;
}

/* limit_ok: may mt be told so?  What is there was counted from the start, or is
 * not counted. */
static bool
limit_ok(const struct mount *mt, const struct mount_opts *mo)
{
	if (!mo->mo_haspages || mo->mo_pages == mt->mt_limit)
		return true;
	return mt->mt_limit != 0 && mo->mo_pages != 0 &&
	    atomic_load(&mt->mt_pages) <= mo->mo_pages;
}

int
mount_remount(struct rnode *at, unsigned flags, const struct mount_opts *mo)
{
	struct mount *mt;
	int error;

	error = EINVAL;
	rw_wlock(&ramfs_lock);
	mt = at->rn_mount;
	if (mt != NULL && mt->mt_root == at && limit_ok(mt, mo)) {
		atomic_store(&mt->mt_flags, flags & MS_SHOWN);
		if (mo->mo_haspages)
			atomic_store(&mt->mt_limit, mo->mo_pages);
		error = 0;
	}
	rw_wunlock(&ramfs_lock);
	return error;
}

/* ---- removing ---- */

/* mount_busy: I3. */
static bool
mount_busy(const struct mount *mt)
{
	struct mount *other;

	if (atomic_load(&mt->mt_users) != 0)
		return true;
	TAILQ_FOREACH(other, &mounts, mt_link)
		if (other->mt_covered != NULL &&
		    other->mt_covered->rn_mount == mt)
			return true;
	return false;
}

/* mount_detach: off the list and off what it covers, whose reference is
 * returned.  ramfs_lock held. */
static struct rnode *
mount_detach(struct mount *mt)
{
	struct rnode *covered = mt->mt_covered;

	TAILQ_REMOVE(&mounts, mt, mt_link);
	mt->mt_covered = NULL;
	covered->rn_over = NULL;
	return covered;
}

/* mount_child: a mount that covers a directory of mt. */
static struct mount *
mount_child(const struct mount *mt)
{
	struct mount *other;

	TAILQ_FOREACH(other, &mounts, mt_link)
		if (other->mt_covered != NULL &&
		    other->mt_covered->rn_mount == mt)
			return other;
	return NULL;
}

int
mount_remove(struct rnode *at, bool detach)
{
	struct rnode *covered;
	struct mount *mt, *child;

	for (;;) {
		rw_wlock(&ramfs_lock);
		mt = at->rn_mount;
		if (mt == NULL || mt->mt_root != at ||
		    mt->mt_covered == NULL) {
			rw_wunlock(&ramfs_lock);
			return EINVAL;
		}
		if (!detach && mount_busy(mt)) {
			rw_wunlock(&ramfs_lock);
			return EBUSY;
		}
		/* What is mounted below goes first, deepest first. */
		while ((child = mount_child(mt)) != NULL)
			mt = child;
		covered = mount_detach(mt);
		rw_wunlock(&ramfs_lock);
		rnode_put(covered);
		if (mt->mt_root == at) {
			mount_destroy(mt);
			return 0;
		}
		mount_destroy(mt);
	}
}

/* ---- what is there from the start ---- */

static const struct mount_opts no_opts;

static const struct {
	const char	*path, *type;
} boot_mounts[] = {
	{ "/dev", "devtmpfs" }, { "/dev/pts", "devpts" }, { "/proc", "proc" },
};

static int
mount_boot(const char *path, const char *type)
{
	struct rnode *at;
	int error;

	error = ramfs_mknode(ramfs_root, path, S_IFDIR | 0755, NULL, 0);
	if (error == 0 || error == EEXIST)
		error = ramfs_namei(ramfs_root, path, true, &at);
	if (error != 0)
		return error;
	error = mount_fs(at, type, type, 0, &no_opts);
	rnode_put(at);
	if (error == 0)
		TAILQ_LAST(&mounts, mountlist)->mt_boot = true;
	return error;
}

/* mount_is_there: is that one of boot_mounts mounted? */
static bool
mount_is_there(const struct fstype *type)
{
	struct mount *mt;

	rw_rlock(&ramfs_lock);
	TAILQ_FOREACH(mt, &mounts, mt_link)
		if (mt->mt_boot && mt->mt_type == type)
			break;
	rw_runlock(&ramfs_lock);
	return mt != NULL;
}

/* mount_again: what the run took down of boot_mounts: what is in memory then is
 * as it was at the start, to the last node, or something is left over. */
static void
mount_again(void)
{
	unsigned i;
	int error;

	for (i = 0; i < nitems(boot_mounts); i++) {
		if (mount_is_there(fstype_find(boot_mounts[i].type)))
			continue;
		error = mount_boot(boot_mounts[i].path, boot_mounts[i].type);
		if (error != 0)
			kprintf("mount: %s is not back: error %d\n",
			    boot_mounts[i].path, error);
	}
}

void
mount_reset(void)
{
	struct rnode *root;
	struct mount *mt;

	do {
		root = NULL;
		rw_wlock(&ramfs_lock);
		TAILQ_FOREACH(mt, &mounts, mt_link) {
			if (!mt->mt_boot) {
				root = rnode_ref(mt->mt_root);
				break;
			}
		}
		rw_wunlock(&ramfs_lock);
		if (root != NULL) {
			(void)!mount_remove(root, true);
			rnode_put(root);
		}
	} while (root != NULL);
	mount_again();
}

/* ---- listing ---- */

void
mount_foreach(bool (*fn)(void *arg, const struct mount *mt,
    const char *path), void *arg, char *buf)
{
	struct mount *mt;
	struct rnode *root;
	uint64_t last;

	/* Mounts are in the order of their numbers. */
	for (last = 0;;) {
		rw_rlock(&ramfs_lock);
		TAILQ_FOREACH(mt, &mounts, mt_link)
			if (mt->mt_id > last)
				break;
		root = mt != NULL ? rnode_ref(mt->mt_root) : NULL;
		rw_runlock(&ramfs_lock);
		if (root == NULL)
			return;
		/* The root keeps its mount. */
		if (ramfs_getpath(root, buf, PATH_MAX) == 0 &&
		    !fn(arg, mt, buf)) {
			rnode_put(root);
			return;
		}
		last = mt->mt_id;
		rnode_put(root);
	}
}

/* ---- start ---- */

void
mount_init(void)
{
	struct mount *mt;
	unsigned i;
	int error;

	mt = mount_alloc(&root_type, "initrd", 0, &no_opts);
	error = ENOMEM;
	if (mt != NULL) {
		mt->mt_boot = true;
		ramfs_root = mt->mt_root;
		rw_wlock(&ramfs_lock);
		mount_list(mt);
		rw_wunlock(&ramfs_lock);
		error = 0;
	}
	for (i = 0; i < nitems(boot_mounts) && error == 0; i++)
		error = mount_boot(boot_mounts[i].path, boot_mounts[i].type);
	if (error != 0)
		panic_exit(EXIT_NOINIT, "ramfs: no memory for its first names");
}
