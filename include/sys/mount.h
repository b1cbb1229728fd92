/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount.h: file systems and where they are mounted.
 *
 * A mount is a tree of nodes of its own that covers a directory.  The first
 * one, the memory file system of the initrd, covers nothing.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/types.h>

struct mount;
struct rnode;

#define MS_RDONLY	0x0001U
#define MS_NOSUID	0x0002U
#define MS_NODEV	0x0004U
#define MS_NOEXEC	0x0008U
#define MS_REMOUNT	0x0020U
#define MS_BIND		0x1000U
#define MS_MOVE		0x2000U
#define MS_SHOWN	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define MNT_FORCE	1
#define MNT_DETACH	2
#define MNT_EXPIRE	4
#define MNT_SOURCE	32	/* bytes of a source's name that are kept */

struct fstype {
	const char	*ft_name;
	uint64_t	 ft_magic;	/* statfs's f_type */
	bool		 ft_nodev;	/* always: nothing here has a device */
	bool		 ft_once;	/* not twice on one directory */
	bool		 ft_space;	/* statfs tells of memory */
	/* ft_fill: names of a new mount; ENOMEM.  NULL: it starts empty. */
	int		(*ft_fill)(struct mount *mt);
};

/* What a mount is asked to be, beside its flags. */
struct mount_opts {
	uint64_t	mo_pages;	/* of files, at most; 0: no limit */
	uint32_t	mo_mode, mo_uid, mo_gid;	/* of its root */
	bool		mo_haspages, mo_hasmode;	/* they were given */
};

/*
 * Lifetime: while it is mounted, and while a node of it is left (mt_refs).
 * Fields are protected as marked: [c] const after init [a] atomic [N]
 * ramfs_lock.
 */
struct mount {
	TAILQ_ENTRY(mount)	 mt_link;	/* [N] */
	const struct fstype	*mt_type;	/* [c] */
	struct rnode		*mt_root;	/* [c] referenced while mounted */
	struct rnode		*mt_covered;	/* [N] referenced; NULL: none */
	uint64_t		 mt_id;		/* [c] st_dev; from being listed */
	unsigned		 mt_flags;	/* [a] MS_SHOWN */
	int			 mt_refs;	/* [a] nodes, and being mounted */
	int			 mt_users;	/* [a] open files, directories */
	uint64_t		 mt_limit;	/* [a] pages, or 0; never from 0 */
	uint64_t		 mt_pages;	/* [a] that count against it */
	bool			 mt_boot;	/* [c] stays at the end of a run */
	char			 mt_source[MNT_SOURCE];	/* [c] */
};

void		 mount_init(void);	/* the root, /dev and /proc */
/* mount_adopt: n, new, belongs to mt. */
void		 mount_adopt(struct mount *mt, struct rnode *n);
void		 mount_put(struct mount *mt);
/* rnode_use, rnode_unuse: an open file or a working directory: what makes a
 * mount busy. */
void		 rnode_use(struct rnode *n);
void		 rnode_unuse(struct rnode *n);
bool		 rnode_rdonly(const struct rnode *n);
/* mount_fs: a new file system of that type on at.  ENODEV (type), ENOTDIR,
 * EBUSY, ENOMEM. */
int		 mount_fs(struct rnode *at, const char *type,
		    const char *source, unsigned flags,
		    const struct mount_opts *mo) __warn_unused;
/* mount_remount: at is a mount's root: its flags, and its limit if one is given.
 * EINVAL: it is none; there was no limit, or more is used than that. */
int		 mount_remount(struct rnode *at, unsigned flags,
		    const struct mount_opts *mo) __warn_unused;
/* mount_charge: a page of mt's files more; false: that is over its limit.
 * mount_release: n pages less. */
bool		 mount_charge(struct mount *mt) __warn_unused;
void		 mount_release(struct mount *mt, uint64_t n);
/* mount_remove: EINVAL: at is no mount's root; EBUSY.  With detach a busy one
 * goes, too: open files stay good, its names do not. */
int		 mount_remove(struct rnode *at, bool detach) __warn_unused;
/* mount_reset: remove all that was mounted since boot, mount again what was
 * taken down of what was there then. */
void		 mount_reset(void);
/* mount_foreach: fn with a path of each; false ends it.  buf: PATH_MAX. */
void		 mount_foreach(bool (*fn)(void *arg, const struct mount *mt,
		    const char *path), void *arg, char *buf);

extern const struct fstype procfs_type, devpts_type;
