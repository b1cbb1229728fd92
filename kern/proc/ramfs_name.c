/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramfs_name.c: names in the memory file system: make, remove, rename, link,
 * list.  Lookup and a node's path are in ramfs_walk.c.
 *
 * I1: rn_nlink of a node counts its names; a directory has one more for ".".
 * I2: rn_parent of a directory with a name is the directory that holds it; of
 *     one without, NULL.  Of other nodes it is where the last name was made,
 *     or NULL.
 * I3: rd_seq rises along rn_entries, so a listing that is resumed neither
 *     repeats nor loses what stayed.
 * Locks: ramfs_lock for all names; nothing of rank LO_VNODE inside it.
 */
#include <sys/ramfs.h>

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>

#include "ramfs_priv.h"

/* A path's last component and the directory it is in. */
struct lastname {
	struct rnode	*dir;		/* referenced; NULL: none yet */
	const char	*name;
	size_t		 len;
	bool		 slash;		/* something/ */
};

static int
namei_parent(struct rnode *dir, const char *path, struct lastname *l)
{
	size_t end, start;
	int error;

	l->dir = NULL;
	end = strlen(path);
	if (end == 0)
		return ENOENT;
	l->slash = path[end - 1] == '/';
	while (end > 0 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/'; start--)
		;
	l->name = path + start;
	l->len = end - start;
	error = namei_locked(dir, path, start, NAMEI_FOLLOW | NAMEI_WRITE,
	    &l->dir);
	if (error != 0)
		return error;
	if (!S_ISDIR(l->dir->rn_mode))
		return ENOTDIR;
	return l->len > NAME_MAX ? ENAMETOOLONG : 0;
}

/* lastname_put: after the lock was dropped. */
static void
lastname_put(struct lastname *l)
{
	if (l->dir != NULL)
		rnode_put(l->dir);
}

/* dir_closed: may names of dir change?  EROFS; EPERM: it makes its own. */
static int
dir_closed(const struct rnode *dir)
{
	if (dir->rn_ops != NULL)
		return EPERM;
	return rnode_rdonly(dir) ? EROFS : 0;
}

static bool
name_isdot(const struct lastname *l)
{
	return l->len == 0 || (l->name[0] == '.' && (l->len == 1 ||
	    (l->len == 2 && l->name[1] == '.')));
}

/* ---- changes; ramfs_lock held for writing ---- */

int
dir_enter(struct rnode *dir, const char *name, size_t len, struct rnode *n)
{
	struct rdirent *d;

	/* A directory that was removed takes no new names. */
	if (dir->rn_parent == NULL)
		return ENOENT;
	d = kmalloc(sizeof(*d) + len + 1, M_WAITOK);
	if (d == NULL)
		return ENOMEM;
	d->rd_node = rnode_ref(n);
	d->rd_seq = dir->rn_seq++;
	d->rd_len = (uint8_t)len;
	memcpy(d->rd_name, name, len);
	d->rd_name[len] = '\0';
	TAILQ_INSERT_TAIL(&dir->rn_entries, d, rd_link);
	n->rn_nlink++;
	n->rn_parent = dir;
	if (n->rn_mount == NULL)
		mount_adopt(dir->rn_mount, n);
	if (S_ISDIR(n->rn_mode))
		dir->rn_nlink++;
	rnode_changed(dir, true);
	rnode_changed(n, false);
	return 0;
}

struct rnode *
dir_leave(struct rnode *dir, struct rdirent *d)
{
	struct rnode *n = d->rd_node;

	TAILQ_REMOVE(&dir->rn_entries, d, rd_link);
	kfree(d);
	n->rn_nlink--;
	if (n->rn_parent == dir)
		n->rn_parent = NULL;
	if (S_ISDIR(n->rn_mode))
		dir->rn_nlink--;
	rnode_changed(dir, true);
	rnode_changed(n, false);
	return n;
}

static struct rnode *
mknode_alloc(mode_t mode, const char *target, uint64_t rdev)
{
	struct rnode *n;

	n = rnode_alloc(mode);
	if (n == NULL)
		return NULL;
	n->rn_rdev = rdev;
	if (S_ISDIR(mode))
		n->rn_nlink = 1;
	if (target == NULL)
		return n;
	n->rn_target = kmalloc(strlen(target) + 1, M_WAITOK);
	if (n->rn_target == NULL) {
		rnode_put(n);
		return NULL;
	}
	strlcpy(n->rn_target, target, strlen(target) + 1);
	return n;
}

int
ramfs_mknode(struct rnode *dir, const char *path, mode_t mode,
    const char *target, uint64_t rdev)
{
	struct lastname l;
	struct rnode *n;
	int error;

	n = mknode_alloc(mode, target, rdev);
	if (n == NULL)
		return ENOMEM;
	rw_wlock(&ramfs_lock);
	error = namei_parent(dir, path, &l);
	if (error == 0 && (name_isdot(&l) ||
	    dir_find(l.dir, l.name, l.len) != NULL))
		error = EEXIST;
	if (error == 0 && l.slash && !S_ISDIR(mode))
		error = ENOENT;
	if (error == 0)
		error = dir_closed(l.dir);
	if (error == EPERM && S_ISREG(mode))
		error = EACCES;
	if (error == 0)
		error = dir_enter(l.dir, l.name, l.len, n);
	if (error != 0 && S_ISDIR(mode))
		n->rn_nlink = 0;
	rw_wunlock(&ramfs_lock);
	lastname_put(&l);
	rnode_put(n);
	return error;
}

static int
unlink_check(const struct lastname *l, const struct rdirent *d, bool rmdir)
{
	if (l->dir->rn_ops != NULL)
		return EPERM;
	if (d == NULL)
		return ENOENT;
	if (rnode_rdonly(l->dir))
		return EROFS;
	if (d->rd_node->rn_over != NULL)
		return rmdir ? EBUSY : EISDIR;
	if (!rmdir)
		return S_ISDIR(d->rd_node->rn_mode) ? EISDIR :
		    l->slash ? ENOTDIR : 0;
	if (!S_ISDIR(d->rd_node->rn_mode))
		return ENOTDIR;
	return TAILQ_EMPTY(&d->rd_node->rn_entries) ? 0 : ENOTEMPTY;
}

int
ramfs_unlink(struct rnode *dir, const char *path, bool rmdir)
{
	struct lastname l;
	struct rdirent *d;
	struct rnode *n;
	int error;

	n = NULL;
	rw_wlock(&ramfs_lock);
	error = namei_parent(dir, path, &l);
	if (error == 0 && name_isdot(&l))
		error = rmdir ? EINVAL : EISDIR;
	if (error == 0) {
		d = dir_find(l.dir, l.name, l.len);
		error = unlink_check(&l, d, rmdir);
		if (error == 0) {
			n = dir_leave(l.dir, d);
			if (rmdir)
				n->rn_nlink = 0;
		}
	}
	rw_wunlock(&ramfs_lock);
	lastname_put(&l);
	if (n != NULL)
		rnode_put(n);
	return error;
}

int
ramfs_tmpfile(struct rnode *dir, const char *path, bool follow, mode_t mode,
    bool linkable, struct rnode **np)
{
	struct rnode *d;
	int error;

	error = ramfs_namei(dir, path, follow, &d);
	if (error != 0)
		return error;
	if (!S_ISDIR(d->rn_mode))
		error = ENOTDIR;
	else if (d->rn_ops != NULL)
		error = EOPNOTSUPP;
	else if (rnode_rdonly(d))
		error = EROFS;
	else if ((*np = mknode_alloc(S_IFREG | mode, NULL, 0)) == NULL)
		error = ENOMEM;
	if (error == 0) {
		(*np)->rn_linkable = linkable;
		mount_adopt(d->rn_mount, *np);
	}
	rnode_put(d);
	return error;
}

int
ramfs_link(struct rnode *n, struct rnode *newdir, const char *new)
{
	struct lastname l = { .dir = NULL };
	int error;

	rw_wlock(&ramfs_lock);
	error = S_ISDIR(n->rn_mode) ? EPERM : namei_parent(newdir, new, &l);
	if (error == 0 && (name_isdot(&l) ||
	    dir_find(l.dir, l.name, l.len) != NULL))
		error = EEXIST;
	if (error == 0 && n->rn_mount != l.dir->rn_mount)
		error = EXDEV;
	if (error == 0)
		error = dir_closed(l.dir);
	/* It lost its last name since we looked; memfd_create gave none. */
	if (error == 0 && n->rn_nlink == 0 && !n->rn_linkable)
		error = ENOENT;
	if (error == 0)
		error = dir_enter(l.dir, l.name, l.len, n);
	if (error == 0)
		n->rn_linkable = false;
	rw_wunlock(&ramfs_lock);
	lastname_put(&l);
	return error;
}

/* dir_below: is dir n, or below it? */
static bool
dir_below(const struct rnode *dir, const struct rnode *n)
{
	for (; dir != NULL && dir != n; dir = dir->rn_parent)
		if (dir->rn_parent == dir)
			return false;
	return dir == n;
}

/* rename_check: may n take the place of target (NULL: none) in dir? */
static int
rename_check(const struct rnode *n, const struct rnode *dir,
    const struct rnode *target)
{
	if (S_ISDIR(n->rn_mode) && dir_below(dir, n))
		return EINVAL;
	if (target == NULL)
		return 0;
	if (target->rn_over != NULL)
		return EBUSY;
	if (S_ISDIR(target->rn_mode)) {
		if (!S_ISDIR(n->rn_mode))
			return EISDIR;
		return TAILQ_EMPTY(&target->rn_entries) ? 0 : ENOTEMPTY;
	}
	return S_ISDIR(n->rn_mode) ? ENOTDIR : 0;
}

/* rename_exchange: the nodes of two names change places. */
static int
rename_exchange(const struct lastname *from, struct rdirent *d,
    const struct lastname *to, struct rdirent *t)
{
	struct rnode *a = d->rd_node, *b = t->rd_node;

	if ((S_ISDIR(a->rn_mode) && dir_below(to->dir, a)) ||
	    (S_ISDIR(b->rn_mode) && dir_below(from->dir, b)))
		return EINVAL;
	if (a->rn_over != NULL || b->rn_over != NULL)
		return EBUSY;
	d->rd_node = b;
	t->rd_node = a;
	a->rn_parent = to->dir;
	b->rn_parent = from->dir;
	if (S_ISDIR(a->rn_mode)) {
		from->dir->rn_nlink--;
		to->dir->rn_nlink++;
	}
	if (S_ISDIR(b->rn_mode)) {
		to->dir->rn_nlink--;
		from->dir->rn_nlink++;
	}
	rnode_changed(from->dir, true);
	rnode_changed(to->dir, true);
	rnode_changed(a, false);
	rnode_changed(b, false);
	return 0;
}

/* rename_move: d gets the name that was t's (NULL: nobody's). */
static int
rename_move(const struct lastname *from, struct rdirent *d,
    const struct lastname *to, struct rdirent *t, struct rnode **gone)
{
	struct rnode *n = d->rd_node;
	int error;

	if (n->rn_over != NULL)
		return EBUSY;
	if ((from->slash || to->slash) && !S_ISDIR(n->rn_mode))
		return ENOTDIR;
	error = rename_check(n, to->dir, t != NULL ? t->rd_node : NULL);
	if (error != 0)
		return error;
	/* The new name first: it is what can fail. */
	rnode_ref(n);
	error = dir_enter(to->dir, to->name, to->len, n);
	if (error != 0) {
		rnode_put(n);
		return error;
	}
	if (t != NULL) {
		*gone = dir_leave(to->dir, t);
		if (S_ISDIR((*gone)->rn_mode))
			(*gone)->rn_nlink = 0;
	}
	rnode_put(dir_leave(from->dir, d));
	n->rn_parent = to->dir;
	rnode_put(n);
	return 0;
}

/* rename_locked: *gone is a node whose name was taken, to be put. */
static int
rename_locked(const struct lastname *from, const struct lastname *to,
    unsigned flags, struct rnode **gone)
{
	struct rdirent *d, *t;
	int error;

	if (from->dir->rn_mount != to->dir->rn_mount)
		return EXDEV;
	error = dir_closed(from->dir);
	if (error != 0)
		return error;
	d = dir_find(from->dir, from->name, from->len);
	if (d == NULL)
		return ENOENT;
	t = dir_find(to->dir, to->name, to->len);
	if (t != NULL && (flags & RENAME_NOREPLACE) != 0)
		return EEXIST;
	if (t == NULL && (flags & RENAME_EXCHANGE) != 0)
		return ENOENT;
	if (t != NULL && t->rd_node == d->rd_node)
		return 0;
	if ((flags & RENAME_EXCHANGE) != 0)
		return rename_exchange(from, d, to, t);
	return rename_move(from, d, to, t, gone);
}

int
ramfs_rename(struct rnode *olddir, const char *old, struct rnode *newdir,
    const char *new, unsigned flags)
{
	struct lastname from, to = { .dir = NULL };
	struct rnode *gone;
	int error;

	gone = NULL;
	rw_wlock(&ramfs_lock);
	error = namei_parent(olddir, old, &from);
	if (error == 0)
		error = namei_parent(newdir, new, &to);
	if (error == 0 && (name_isdot(&from) || name_isdot(&to)))
		error = (flags & RENAME_NOREPLACE) != 0 && !name_isdot(&from) ?
		    EEXIST : EBUSY;
	if (error == 0)
		error = rename_locked(&from, &to, flags, &gone);
	rw_wunlock(&ramfs_lock);
	lastname_put(&from);
	lastname_put(&to);
	if (gone != NULL)
		rnode_put(gone);
	return error;
}

/* ---- listing ---- */

int
ramfs_getdents(struct file *fp, dirent_fn *fn, void *arg)
{
	struct rnode *dir = fp->f_node;
	struct rdirent *d;
	uint64_t ino;
	bool room;

	if (!S_ISDIR(dir->rn_mode))
		return ENOTDIR;
	if (dir->rn_ops != NULL)
		return dir->rn_ops->ro_getdents(fp, fn, arg);
	rw_wlock(&fp->f_lock);
	rw_rlock(&ramfs_lock);
	room = true;
	if (fp->f_offset < 1 && (room = fn(arg, ".", dir->rn_ino, 1, S_IFDIR)))
		fp->f_offset = 1;
	ino = dir->rn_parent != NULL ? dir->rn_parent->rn_ino : dir->rn_ino;
	if (room && fp->f_offset < 2 &&
	    (room = fn(arg, "..", ino, 2, S_IFDIR)))
		fp->f_offset = 2;
	TAILQ_FOREACH(d, &dir->rn_entries, rd_link) {
		if (!room)
			break;
		if (d->rd_seq <= fp->f_offset)
			continue;
		room = fn(arg, d->rd_name, d->rd_node->rn_ino, d->rd_seq,
		    d->rd_node->rn_mode);
		if (room)
			fp->f_offset = d->rd_seq;
	}
	rw_runlock(&ramfs_lock);
	rw_wunlock(&fp->f_lock);
	rnode_accessed(dir);
	return 0;
}
