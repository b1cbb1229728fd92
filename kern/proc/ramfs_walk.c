/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramfs_walk.c: from a path to a node: components, symbolic links, mounts and
 * the directories that make their nodes when asked (procfs).
 *
 * I1: w->at is referenced at every step, because the lock is dropped while a
 *     directory with operations looks a name up.
 * I2: a node that is mounted on is never the result: its mount's root is.
 * I3: ".." does not leave the root of the process.
 * Locks: ramfs_lock, held either way by the callers here.
 */
#include <sys/ramfs.h>

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>

#include "ramfs_priv.h"

struct rwlock ramfs_lock;

void
ramfs_name_init(void)
{
	rw_init(&ramfs_lock, "ramfs", LO_VNODE, 0);
}

struct rdirent *
dir_find(struct rnode *dir, const char *name, size_t len)
{
	struct rdirent *d;

	TAILQ_FOREACH(d, &dir->rn_entries, rd_link)
		if (d->rd_len == len && memcmp(d->rd_name, name, len) == 0)
			return d;
	return NULL;
}

/* A lookup on its way: what is left of the path, and its buffer. */
struct walk {
	struct rnode	*at;		/* referenced */
	struct rnode	*root;		/* the process's; referenced */
	const char	*p;		/* rest */
	size_t		 left;		/* bytes of it */
	char		*buf;		/* NULL until a link was followed */
	unsigned	 links;
	bool		 write;		/* how ramfs_lock is held */
};

static __no_lock_analysis void
walk_unlock(const struct walk *w)
{
	if (w->write)
		rw_wunlock(&ramfs_lock);
	else
		rw_runlock(&ramfs_lock);
}

static __no_lock_analysis void
walk_lock(const struct walk *w)
{
	if (w->write)
		rw_wlock(&ramfs_lock);
	else
		rw_rlock(&ramfs_lock);
}

/* walk_to: takes over n's reference. */
static void
walk_to(struct walk *w, struct rnode *n)
{
	rnode_put(w->at);
	w->at = n;
}

/* node_top: what covers n, and what covers that. */
static struct rnode *
node_top(struct rnode *n)
{
	while (n->rn_over != NULL)
		n = n->rn_over->mt_root;
	return n;
}

/* node_under: of a mount's root, the directory it is mounted on. */
static struct rnode *
node_under(struct rnode *n, const struct rnode *root)
{
	while (n != root && n->rn_mount != NULL &&
	    n->rn_mount->mt_root == n && n->rn_mount->mt_covered != NULL)
		n = n->rn_mount->mt_covered;
	return n;
}

static int
walk_up(const struct walk *w, struct rnode **np)
{
	struct rnode *n = node_under(w->at, w->root);

	if (n != w->root)
		n = n->rn_parent;
	if (n == NULL)
		return ENOENT;
	*np = rnode_ref(node_top(n));
	return 0;
}

/* walk_ask: a directory with operations makes the node. */
static int
walk_ask(struct walk *w, const char *name, size_t len, struct rnode **np)
{
	int error;

	walk_unlock(w);
	error = w->at->rn_ops->ro_lookup(w->at, name, len, np);
	walk_lock(w);
	return error;
}

/* walk_step: the node that one component names, referenced. */
static int
walk_step(struct walk *w, const char *name, size_t len, struct rnode **np)
{
	struct rnode *dir = w->at;
	struct rdirent *d;

	if (!S_ISDIR(dir->rn_mode))
		return ENOTDIR;
	if (len > NAME_MAX)
		return ENAMETOOLONG;
	if (len == 1 && name[0] == '.') {
		*np = rnode_ref(dir);
		return 0;
	}
	if (len == 2 && name[0] == '.' && name[1] == '.')
		return walk_up(w, np);
	if (dir->rn_ops != NULL)
		return walk_ask(w, name, len, np);
	d = dir_find(dir, name, len);
	if (d == NULL)
		return ENOENT;
	*np = rnode_ref(node_top(d->rd_node));
	return 0;
}

/* walk_text: put a link's target before the rest of the path. */
static int
walk_text(struct walk *w, const char *target)
{
	size_t len = strlen(target);
	char *buf;

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
		walk_to(w, rnode_ref(node_top(w->root)));
	return 0;
}

/* walk_magic: a link with operations: to a node, or by its text. */
static int
walk_magic(struct walk *w, struct rnode *link)
{
	const struct rnode_ops *ops = link->rn_ops;
	struct rnode *n;
	char *text;
	int error;

	if (ops->ro_follow != NULL) {
		walk_unlock(w);
		error = ops->ro_follow(link, &n);
		walk_lock(w);
		if (error != 0)
			return error;
		walk_to(w, n);
		return w->left > 0 && !S_ISDIR(n->rn_mode) ? ENOTDIR : 0;
	}
	text = kmalloc(PATH_MAX, M_WAITOK);
	if (text == NULL)
		return ENOMEM;
	walk_unlock(w);
	error = ops->ro_readlink(link, text, PATH_MAX);
	walk_lock(w);
	if (error == 0)
		error = walk_text(w, text);
	kfree(text);
	return error;
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

/* walk_link: follow link, whose reference is taken over. */
static int
walk_link(struct walk *w, struct rnode *link)
{
	int error;

	if (++w->links > MAXSYMLINKS)
		error = ELOOP;
	else if (link->rn_ops != NULL)
		error = walk_magic(w, link);
	else
		error = walk_text(w, link->rn_target);
	rnode_put(link);
	return error;
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
		error = walk_step(w, name, n, &next);
		if (error != 0)
			return error;
		more = walk_rest(w, &slash);
		if (S_ISLNK(next->rn_mode) && (more || slash || follow)) {
			error = walk_link(w, next);
			if (error != 0)
				return error;
			continue;
		}
		walk_to(w, next);
		if (slash && !S_ISDIR(next->rn_mode))
			return ENOTDIR;
	}
	return 0;
}

/* walk_root: of the running process, referenced. */
static struct rnode *
walk_root(void)
{
	if (curproc == NULL || curproc->p_fs == NULL)
		return rnode_ref(ramfs_root);
	return fsctx_root(curproc->p_fs);
}

int
namei_locked(struct rnode *dir, const char *path, size_t len, unsigned flags,
    struct rnode **np)
{
	struct walk w = {
		.p = path, .left = len, .write = (flags & NAMEI_WRITE) != 0
	};
	int error;

	/* fsctx_root takes a lock that comes before ours. */
	walk_unlock(&w);
	w.root = walk_root();
	walk_lock(&w);
	w.at = rnode_ref(len > 0 && path[0] == '/' ? node_top(w.root) : dir);
	error = walk_path(&w, (flags & NAMEI_FOLLOW) != 0);
	kfree(w.buf);
	if (error == 0)
		*np = w.at;
	else
		rnode_put(w.at);
	rnode_put(w.root);
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
	error = namei_locked(dir, path, strlen(path),
	    follow ? NAMEI_FOLLOW : 0, np);
	rw_runlock(&ramfs_lock);
	return error;
}

/* ---- the way back: a node's path ---- */

/* path_name: the name of n in its directory; -1: it has none. */
static int
path_name(struct rnode *n, char name[NAME_MAX + 1])
{
	struct rdirent *d;

	if (n->rn_parent == NULL)
		return -1;
	if (n->rn_parent->rn_ops != NULL)
		return n->rn_parent->rn_ops->ro_name(n, name);
	TAILQ_FOREACH(d, &n->rn_parent->rn_entries, rd_link) {
		if (d->rd_node != n)
			continue;
		memcpy(name, d->rd_name, d->rd_len);
		return d->rd_len;
	}
	return -1;
}

/* path_locked: from the end of the buffer to its start; *posp: where. */
static int
path_locked(struct rnode *n, const struct rnode *root, char *buf,
    size_t *posp)
{
	char *name;
	int len, error;

	name = kmalloc(NAME_MAX + 1, M_WAITOK);
	if (name == NULL)
		return ENOMEM;
	error = 0;
	for (n = node_under(n, root); n != root && n != ramfs_root &&
	    error == 0; n = node_under(n->rn_parent, root)) {
		len = path_name(n, name);
		if (len < 0) {
			error = ENOENT;
			break;
		}
		if (*posp < (size_t)len + 1) {
			error = ERANGE;
			break;
		}
		*posp -= (size_t)len;
		memcpy(buf + *posp, name, (size_t)len);
		buf[--*posp] = '/';
	}
	kfree(name);
	return error;
}

int
ramfs_getpath(struct rnode *n, char *buf, size_t size)
{
	struct rnode *root;
	size_t pos;
	int error;

	if (size < 2)
		return ERANGE;
	pos = size - 1;
	buf[pos] = '\0';
	root = walk_root();
	rw_rlock(&ramfs_lock);
	error = path_locked(n, root, buf, &pos);
	rw_runlock(&ramfs_lock);
	rnode_put(root);
	if (error != 0)
		return error;
	if (pos == size - 1)
		buf[--pos] = '/';
	memmove(buf, buf + pos, size - pos);
	return 0;
}
