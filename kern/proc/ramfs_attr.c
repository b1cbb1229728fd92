/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramfs_attr.c: what stat(2) tells of a node, and who may change it: mode,
 * owner, times.
 *
 * Each word is atomic on its own: stat may see half of two changes at once, as
 * it may between any two calls.
 * Locks: rn_lock for the page count.
 * Sources: inode(7), utimensat(2), chown(2) of Linux; mount(8), relatime.
 */
#include <sys/ramfs.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/md.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <vm/vm_object.h>

#define DAY	((int64_t)(24 * 3600 * NSEC_PER_SEC))

void
rnode_accessed(struct rnode *n)
{
	int64_t now = (int64_t)md_walltime();
	int64_t atime = atomic_load_relaxed(&n->rn_atime);

	/* Once after each change, else once a day: readers write nothing. */
	if (atime <= atomic_load_relaxed(&n->rn_mtime) ||
	    atime <= atomic_load_relaxed(&n->rn_ctime) || now - atime >= DAY)
		atomic_store(&n->rn_atime, now);
}

void
rnode_changed(struct rnode *n, bool data)
{
	int64_t now = (int64_t)md_walltime();

	if (data)
		atomic_store(&n->rn_mtime, now);
	atomic_store(&n->rn_ctime, now);
}

/* attrs_sync: with what n stands for, which others may have changed. */
static void
attrs_sync(struct rnode *n, bool put)
{
	if (n->rn_ops != NULL && n->rn_ops->ro_attrs != NULL)
		n->rn_ops->ro_attrs(n, put);
}

static void
mode_set(struct rnode *n, mode_t mode)
{
	atomic_store(&n->rn_mode, (n->rn_mode & S_IFMT) | (mode & 07777));
	rnode_changed(n, false);
	attrs_sync(n, true);
}

void
rnode_chmod(struct rnode *n, mode_t mode)
{
	attrs_sync(n, false);
	mode_set(n, mode);
}

void
rnode_chown(struct rnode *n, uint32_t uid, uint32_t gid)
{
	mode_t mode;

	attrs_sync(n, false);
	mode = n->rn_mode;
	if (uid != UINT32_MAX)
		atomic_store(&n->rn_uid, uid);
	if (gid != UINT32_MAX)
		atomic_store(&n->rn_gid, gid);
	/* A new owner did not ask for set-id; root is no exception. */
	if (!S_ISDIR(mode)) {
		mode &= ~(mode_t)S_ISUID;
		if ((mode & S_IXGRP) != 0)
			mode &= ~(mode_t)S_ISGID;
	}
	mode_set(n, mode);
}

void
rnode_utimes(struct rnode *n, const int64_t *atime, const int64_t *mtime)
{
	if (atime != NULL)
		atomic_store(&n->rn_atime, *atime);
	if (mtime != NULL)
		atomic_store(&n->rn_mtime, *mtime);
	rnode_changed(n, false);
}

/* rnode_blocks: of 512 bytes, for the pages that are there. */
static uint64_t
rnode_blocks(struct rnode *n)
{
	uint64_t npages = 0;

	rw_rlock(&n->rn_lock);
	if (n->rn_object != NULL) {
		vm_object_lock(n->rn_object);
		npages = n->rn_object->resident_page_count;
		vm_object_unlock(n->rn_object);
	}
	rw_runlock(&n->rn_lock);
	return npages * (PAGE_SIZE / 512);
}

void
rnode_stat(struct rnode *n, struct fstatus *st)
{
	attrs_sync(n, false);
	*st = (struct fstatus){
		.st_dev = n->rn_mount != NULL ? n->rn_mount->mt_id : 1,
		.st_ino = n->rn_ino,
		.st_size = atomic_load(&n->rn_size),
		.st_blocks = rnode_blocks(n),
		.st_rdev = n->rn_rdev,
		.st_mode = atomic_load(&n->rn_mode),
		.st_nlink = n->rn_nlink,
		.st_uid = atomic_load(&n->rn_uid),
		.st_gid = atomic_load(&n->rn_gid),
		.st_atime = atomic_load(&n->rn_atime),
		.st_mtime = atomic_load(&n->rn_mtime),
		.st_ctime = atomic_load(&n->rn_ctime),
		.st_btime = n->rn_btime,
	};
	if (S_ISLNK(n->rn_mode) && n->rn_target != NULL)
		st->st_size = strlen(n->rn_target);
}
