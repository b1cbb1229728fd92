/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramfs_name.c: names in the memory file system: lookup, make, remove, rename,
 * link, list, and the path of a directory.
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

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/proc.h>

static struct rwlock ramfs_lock;

void
ramfs_name_init(void)
{
	rw_init(&ramfs_lock, "ramfs", LO_VNODE, 0);
}

/* ---- lookup; ramfs_lock held ---- */

static struct rdirent *
dir_find(struct rnode *dir, const char *name, size_t len)
{
	struct rdirent *d;

	TAILQ_FOREACH(d, &dir->rn_entries, rd_link)
		if (d->rd_len == len && memcmp(d->rd_name, name, len) == 0)
			return d;
	return NULL;
}

/* dir_step: the node that one component names. */
static int
dir_step(struct rnode *dir, const char *name, size_t len, struct rnode **np)
{
	struct rdirent *d;

	if (!S_ISDIR(dir->rn_mode))
		return ENOTDIR;
	if (len > NAME_MAX)
		return ENAMETOOLONG;
	if (len == 1 && name[0] == '.') {
		*np = dir;
		return 0;
	}
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		*np = dir->rn_parent;
		return *np == NULL ? ENOENT : 0;
	}
	d = dir_find(dir, name, len);
	if (d == NULL)
		return ENOENT;
	*np = d->rd_node;
	return 0;
}

/* A lookup on its way: what is left of the path, and its buffer. */
struct walk {
	struct rnode	*at;
	const char	*p;		/* rest */
	size_t		 left;		/* bytes of it */
	char		*buf;		/* NULL until a link was followed */
	unsigned	 links;
};

/* walk_link: put a link's target before the rest of the path. */
static int
walk_link(struct walk *w, const char *target)
{
	size_t len = strlen(target);
	char *buf;

	if (++w->links > MAXSYMLINKS)
		return ELOOP;
	if (len + 1 + w->left >= PATH_MAX)
		return ENAMETOOLONG;
	buf = kmalloc(len + 1 + w->left + 1, M_WAITOK);
	if (buf == NULL)
		return ENOMEM;
	memcpy(buf, target, len);
	buf[len] = '/';
	memcpy(buf + len + 1, w->p, w->left);
	kfree(w->buf);
	w->buf = buf;
	w->p = buf;
	/* With nothing behind it the slash would demand a directory. */
	w->left = w->left == 0 ? len : len + 1 + w->left;
	if (target[0] == '/')
		w->at = ramfs_root;
	return 0;
}

/* walk_exe: the link without a target: straight to the program's node. */
static int
walk_exe(struct walk *w)
{
	if (curproc == NULL || curproc->p_exe == NULL)
		return ENOENT;
	w->at = curproc->p_exe;
	return w->left > 0 ? ENOTDIR : 0;
}

/* walk_component: cut the next one off; its length. */
static size_t
walk_component(struct walk *w, const char **name)
{
	size_t n;

	while (w->left > 0 && w->p[0] == '/') {
		w->p++;
		w->left--;
	}
	for (n = 0; n < w->left && w->p[n] != '/'; n++)
		;
	*name = w->p;
	w->p += n;
	w->left -= n;
	return n;
}

/* walk_rest: is there another component?  A trailing slash is *slash. */
static bool
walk_rest(const struct walk *w, bool *slash)
{
	size_t i;

	for (i = 0; i < w->left && w->p[i] == '/'; i++)
		;
	*slash = w->left > 0;
	return i < w->left;
}

static int
walk_path(struct walk *w, bool follow)
{
	struct rnode *next;
	const char *name;
	bool more, slash;
	size_t n;
	int error;

	while ((n = walk_component(w, &name)) > 0) {
		error = dir_step(w->at, name, n, &next);
		if (error != 0)
			return error;
		more = walk_rest(w, &slash);
		if (S_ISLNK(next->rn_mode) && (more || slash || follow)) {
			error = next->rn_target == NULL ? walk_exe(w) :
			    walk_link(w, next->rn_target);
			if (error != 0)
				return error;
			continue;
		}
		w->at = next;
		if (slash && !S_ISDIR(next->rn_mode))
			return ENOTDIR;
	}
	return 0;
}

/* namei_locked: path of len bytes; *np is not referenced. */
static int
namei_locked(struct rnode *dir, const char *path, size_t len, bool follow,
    struct rnode **np)
{
	struct walk w = { .at = dir, .p = path, .left = len };
	int error;

	if (len > 0 && path[0] == '/')
		w.at = ramfs_root;
	error = walk_path(&w, follow);
	kfree(w.buf);
	if (error == 0)
		*np = w.at;
	return error;
}

int
ramfs_namei(struct rnode *dir, const char *path, bool follow,
    struct rnode **np)
{
	int error;

	if (path[0] == '\0')
		return ENOENT;
	rw_rlock(&ramfs_lock);
	error = namei_locked(dir, path, strlen(path), follow, np);
	if (error == 0)
		rnode_ref(*np);
	rw_runlock(&ramfs_lock);
	return error;
}

/* A path's last component and the directory it is in. */
struct lastname {
	struct rnode	*dir;
	const char	*name;
	size_t		 len;
	bool		 slash;		/* something/ */
};

static int
namei_parent(struct rnode *dir, const char *path, struct lastname *l)
{
	size_t end, start;
	int error;

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
	error = namei_locked(dir, path, start, true, &l->dir);
	if (error != 0)
		return error;
	if (!S_ISDIR(l->dir->rn_mode))
		return ENOTDIR;
	return l->len > NAME_MAX ? ENAMETOOLONG : 0;
}

static bool
name_isdot(const struct lastname *l)
{
	return l->len == 0 || (l->name[0] == '.' && (l->len == 1 ||
	    (l->len == 2 && l->name[1] == '.')));
}

/* ---- changes; ramfs_lock held for writing ---- */

/* dir_enter: a name for n in dir, which takes a reference. */
static int
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
	if (S_ISDIR(n->rn_mode))
		dir->rn_nlink++;
	rnode_changed(dir, true);
	rnode_changed(n, false);
	return 0;
}

/* dir_leave: drop the name d of dir, and its reference, which is returned. */
static struct rnode *
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
		error = dir_enter(l.dir, l.name, l.len, n);
	if (error != 0 && S_ISDIR(mode))
		n->rn_nlink = 0;
	rw_wunlock(&ramfs_lock);
	rnode_put(n);
	return error;
}

static int
unlink_check(const struct lastname *l, const struct rdirent *d, bool rmdir)
{
	if (d == NULL)
		return ENOENT;
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
	if (n != NULL)
		rnode_put(n);
	return error;
}

int
ramfs_link(struct rnode *olddir, const char *old, struct rnode *newdir,
    const char *new)
{
	struct lastname l;
	struct rnode *n;
	int error;

	rw_wlock(&ramfs_lock);
	error = old[0] == '\0' ? ENOENT :
	    namei_locked(olddir, old, strlen(old), false, &n);
	if (error == 0 && S_ISDIR(n->rn_mode))
		error = EPERM;
	if (error == 0)
		error = namei_parent(newdir, new, &l);
	if (error == 0 && (name_isdot(&l) ||
	    dir_find(l.dir, l.name, l.len) != NULL))
		error = EEXIST;
	if (error == 0)
		error = dir_enter(l.dir, l.name, l.len, n);
	rw_wunlock(&ramfs_lock);
	return error;
}

/* rename_check: may n take the place of target (NULL: none) in dir? */
static int
rename_check(const struct rnode *n, const struct rnode *dir,
    const struct rnode *target)
{
	const struct rnode *up;

	if (S_ISDIR(n->rn_mode)) {
		/* Not below itself. */
		for (up = dir; up != ramfs_root && up != NULL;
		    up = up->rn_parent)
			if (up == n)
				return EINVAL;
	}
	if (target == NULL)
		return 0;
	if (S_ISDIR(target->rn_mode)) {
		if (!S_ISDIR(n->rn_mode))
			return EISDIR;
		return TAILQ_EMPTY(&target->rn_entries) ? 0 : ENOTEMPTY;
	}
	return S_ISDIR(n->rn_mode) ? ENOTDIR : 0;
}

/* rename_locked: *gone is a node whose name was taken, to be put. */
static int
rename_locked(const struct lastname *from, const struct lastname *to,
    struct rnode **gone)
{
	struct rdirent *d, *t;
	struct rnode *n;
	int error;

	d = dir_find(from->dir, from->name, from->len);
	if (d == NULL)
		return ENOENT;
	n = d->rd_node;
	t = dir_find(to->dir, to->name, to->len);
	if (t != NULL && t->rd_node == n)
		return 0;
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

int
ramfs_rename(struct rnode *olddir, const char *old, struct rnode *newdir,
    const char *new)
{
	struct lastname from, to;
	struct rnode *gone;
	int error;

	gone = NULL;
	rw_wlock(&ramfs_lock);
	error = namei_parent(olddir, old, &from);
	if (error == 0)
		error = namei_parent(newdir, new, &to);
	if (error == 0 && (name_isdot(&from) || name_isdot(&to)))
		error = EBUSY;
	if (error == 0)
		error = rename_locked(&from, &to, &gone);
	rw_wunlock(&ramfs_lock);
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

/* path_name: the name of dir in its parent. */
static const struct rdirent *
path_name(const struct rnode *dir)
{
	struct rdirent *d;

	TAILQ_FOREACH(d, &dir->rn_parent->rn_entries, rd_link)
		if (d->rd_node == dir)
			return d;
	return NULL;
}

int
ramfs_getpath(struct rnode *n, char *buf, size_t size)
{
	const struct rdirent *d;
	const struct rnode *dir = n;
	size_t pos;
	int error;

	/* From the end of the buffer to its start, then down. */
	if (size < 2)
		return ERANGE;
	error = 0;
	pos = size - 1;
	buf[pos] = '\0';
	rw_rlock(&ramfs_lock);
	while (dir != ramfs_root && error == 0) {
		d = dir->rn_parent != NULL ? path_name(dir) : NULL;
		if (d == NULL) {
			error = ENOENT;
		} else if (pos < d->rd_len + 1U) {
			error = ERANGE;
		} else {
			pos -= d->rd_len;
			memcpy(buf + pos, d->rd_name, d->rd_len);
			buf[--pos] = '/';
			dir = dir->rn_parent;
		}
	}
	rw_runlock(&ramfs_lock);
	if (error != 0)
		return error;
	if (pos == size - 1)
		buf[--pos] = '/';
	memmove(buf, buf + pos, size - pos);
	return 0;
}
