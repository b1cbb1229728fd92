/* SPDX-License-Identifier: BSD-2-Clause */
/* ramfs_priv.h: names, between ramfs_walk.c, ramfs_name.c and mount.c. */
#pragma once

#include <sys/ramfs.h>

extern struct rwlock ramfs_lock;	/* all names and mounts */

#define NAMEI_FOLLOW	0x1	/* a symbolic link at the end, too */
#define NAMEI_WRITE	0x2	/* ramfs_lock is held for writing */

/* ramfs_lock is held by the caller of all of these. */
struct rdirent	*dir_find(struct rnode *dir, const char *name, size_t len);
/* namei_locked: path of len bytes; gives a reference.  May drop the lock and
 * take it again: what was looked up before is to be looked up again, or
 * referenced. */
int		 namei_locked(struct rnode *dir, const char *path, size_t len,
		    unsigned flags, struct rnode **np) __warn_unused;
/* dir_enter: a name for n in dir, which takes a reference.  ENOMEM, ENOENT. */
int		 dir_enter(struct rnode *dir, const char *name, size_t len,
		    struct rnode *n) __warn_unused;
/* dir_leave: drop the name d of dir, and its reference, which is returned. */
struct rnode	*dir_leave(struct rnode *dir, struct rdirent *d);
