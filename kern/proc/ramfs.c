/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramfs.c: nodes, working directories, the unpacking of the initrd and open.
 * Names are in ramfs_name.c, bytes in ramfs_data.c.
 *
 * I1: a node is freed when its last reference goes; each name is one.
 * I2: the initrd either unpacks whole or the machine stops with EXIT_NOINIT.
 * Locks: fx_lock (a leaf but for the node's reference).
 */
#include <sys/ramfs.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/cpio.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/mount.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/zone.h>
#include <vm/vm_object.h>

#define HARDLINKS	64

struct rnode		*ramfs_root;

static struct zone	*rnode_zone;
static struct zone	*fsctx_zone;
static uint64_t		 rnode_ino = 1;		/* [a] */

/* ---- nodes ---- */

struct rnode *
rnode_alloc(mode_t mode)
{
	struct rnode *n;

	n = zone_alloc(rnode_zone, M_WAITOK | M_ZERO);
	if (n == NULL)
		return NULL;
	n->rn_refs = 1;
	n->rn_mode = mode;
	n->rn_ino = atomic_fetchadd(&rnode_ino, 1);
	n->rn_btime = n->rn_atime = n->rn_mtime = n->rn_ctime =
	    (int64_t)md_walltime();
	n->rn_seq = 3;			/* 1 and 2 are . and .. */
	rw_init(&n->rn_lock, "rnode", LO_VNODE, 0);
	TAILQ_INIT(&n->rn_entries);
	TAILQ_INIT(&n->rn_locks);
	return n;
}

struct rnode *
rnode_ref(struct rnode *n)
{
	atomic_add(&n->rn_refs, 1);
	return n;
}

void
rnode_put(struct rnode *n)
{
	int was;

	was = atomic_fetchadd(&n->rn_refs, -1);
	KASSERT(was > 0, "node %lu put with %d references", n->rn_ino, was);
	if (was != 1)
		return;
	KASSERT(n->rn_ops != NULL ||
	    (TAILQ_EMPTY(&n->rn_entries) && n->rn_nlink == 0),
	    "node %lu freed with %u names or with entries", n->rn_ino,
	    n->rn_nlink);
	rnode_data_fini(n);
	/* A node that was made when asked keeps the one that made it. */
	if (n->rn_ops != NULL && n->rn_parent != NULL && n->rn_parent != n)
		rnode_put(n->rn_parent);
	mount_put(n->rn_mount);
	kfree(n->rn_target);
	rw_destroy(&n->rn_lock);
	zone_free(rnode_zone, n);
}

/* Each side counts itself before it looks at the other, so that of two that
 * meet at least one sees the other. */
int
rnode_exec_get(struct rnode *n)
{
	atomic_add(&n->rn_execs, 1);
	if (atomic_load(&n->rn_writers) == 0)
		return 0;
	atomic_sub(&n->rn_execs, 1);
	return ETXTBSY;
}

void
rnode_exec_put(struct rnode *n)
{
	atomic_sub(&n->rn_execs, 1);
}

int
rnode_write_get(struct rnode *n)
{
	if (!S_ISREG(n->rn_mode))
		return 0;
	atomic_add(&n->rn_writers, 1);
	if (atomic_load(&n->rn_execs) == 0)
		return 0;
	atomic_sub(&n->rn_writers, 1);
	return ETXTBSY;
}

void
rnode_write_put(struct rnode *n)
{
	if (S_ISREG(n->rn_mode))
		atomic_sub(&n->rn_writers, 1);
}

/* ---- working directories ---- */

struct fsctx *
fsctx_alloc(void)
{
	struct fsctx *fx;

	fx = zone_alloc(fsctx_zone, M_WAITOK | M_ZERO);
	if (fx == NULL)
		return NULL;
	fx->fx_refs = 1;
	rw_init(&fx->fx_lock, "fsctx", LO_FILE, 0);
	fx->fx_cwd = rnode_ref(ramfs_root);
	fx->fx_root = rnode_ref(ramfs_root);
	rnode_use(ramfs_root);
	fx->fx_umask = 022;
	return fx;
}

struct fsctx *
fsctx_copy(struct fsctx *fx)
{
	struct fsctx *new;

	new = fsctx_alloc();
	if (new == NULL)
		return NULL;
	rnode_unuse(new->fx_cwd);
	rnode_put(new->fx_cwd);
	rnode_put(new->fx_root);
	new->fx_cwd = fsctx_cwd(fx);
	new->fx_root = fsctx_root(fx);
	rnode_use(new->fx_cwd);
	new->fx_umask = fx->fx_umask;
	return new;
}

struct fsctx *
fsctx_share(struct fsctx *fx)
{
	atomic_add(&fx->fx_refs, 1);
	return fx;
}

void
fsctx_put(struct fsctx *fx)
{
	if (atomic_fetchadd(&fx->fx_refs, -1) != 1)
		return;
	rnode_unuse(fx->fx_cwd);
	rnode_put(fx->fx_cwd);
	rnode_put(fx->fx_root);
	rw_destroy(&fx->fx_lock);
	zone_free(fsctx_zone, fx);
}

struct rnode *
fsctx_cwd(struct fsctx *fx)
{
	struct rnode *n;

	rw_rlock(&fx->fx_lock);
	n = rnode_ref(fx->fx_cwd);
	rw_runlock(&fx->fx_lock);
	return n;
}

struct rnode *
fsctx_root(struct fsctx *fx)
{
	struct rnode *n;

	rw_rlock(&fx->fx_lock);
	n = rnode_ref(fx->fx_root);
	rw_runlock(&fx->fx_lock);
	return n;
}

void
fsctx_chroot(struct fsctx *fx, struct rnode *dir)
{
	struct rnode *old;

	rw_wlock(&fx->fx_lock);
	old = fx->fx_root;
	fx->fx_root = rnode_ref(dir);
	rw_wunlock(&fx->fx_lock);
	rnode_put(old);
}

void
fsctx_chdir(struct fsctx *fx, struct rnode *dir)
{
	struct rnode *old;

	rw_wlock(&fx->fx_lock);
	old = fx->fx_cwd;
	fx->fx_cwd = rnode_ref(dir);
	rw_wunlock(&fx->fx_lock);
	rnode_use(dir);
	rnode_unuse(old);
	rnode_put(old);
}

/* ---- open ---- */

/* open_existing: may n be opened like this?  A writer is counted then. */
static int
open_existing(struct rnode *n, unsigned oflags)
{
	mode_t mode = n->rn_mode;
	int error;

	if ((oflags & O_CREAT) != 0 && (oflags & O_EXCL) != 0)
		return EEXIST;
	if (S_ISLNK(mode))
		return (oflags & O_PATH) != 0 ? 0 : ELOOP;
	if ((oflags & O_DIRECTORY) != 0 && !S_ISDIR(mode))
		return ENOTDIR;
	if (S_ISDIR(mode) && ((oflags & O_ACCMODE) != O_RDONLY ||
	    (oflags & O_CREAT) != 0))
		return EISDIR;
	if ((oflags & O_ACCMODE) == O_RDONLY)
		return 0;
	if (rnode_rdonly(n) && (S_ISREG(mode) || S_ISDIR(mode)))
		return EROFS;
	error = rnode_write_get(n);
	if (error != 0 || (oflags & O_TRUNC) == 0 || !S_ISREG(mode))
		return error;
	error = rnode_truncate(n, 0);
	if (error != 0)
		rnode_write_put(n);
	return error;
}

/*
 * link_target: path's last name is a symbolic link, but leads to nothing: *pathp
 * becomes where it leads, in memory of its own; the old one, if any, is freed.
 * => Returns ENOENT: it is no link.
 */
static int
link_target(struct rnode *dir, const char *path, char **pathp)
{
	struct rnode *n;
	const char *slash;
	size_t head, len;
	char *to = NULL;
	int error;

	error = ramfs_namei(dir, path, false, &n);
	if (error != 0)
		return error;
	error = ENOENT;
	if (S_ISLNK(n->rn_mode) && n->rn_target != NULL) {
		slash = n->rn_target[0] == '/' ? NULL : strrchr(path, '/');
		head = slash != NULL ? (size_t)(slash - path) + 1 : 0;
		len = strlen(n->rn_target);
		to = kmalloc(head + len + 1, M_WAITOK);
		error = to == NULL ? ENOMEM : 0;
	}
	if (error == 0) {
		memcpy(to, path, head);
		memcpy(to + head, n->rn_target, len + 1);
		kfree(*pathp);
		*pathp = to;
	}
	rnode_put(n);
	return error;
}

/* lookup_or_make: one try; EAGAIN: path was a link to nothing, *pathp is where
 * to, or a name came and went. */
static int
lookup_or_make(struct rnode *dir, char **pathp, const char *path,
    unsigned oflags, mode_t mode, struct rnode **np)
{
	const bool excl = (oflags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
	int error;

	error = ramfs_namei(dir, path, (oflags & O_NOFOLLOW) == 0 && !excl,
	    np);
	if (error != ENOENT || (oflags & O_CREAT) == 0)
		return error;
	error = ramfs_mknode(dir, path, S_IFREG | (mode & 07777), NULL, 0);
	if (error != EEXIST)
		return error == 0 ? EAGAIN : error;
	if (excl)
		return EEXIST;
	error = link_target(dir, path, pathp);
	return error == 0 || error == ENOENT ? EAGAIN : error;
}

/* open_lookup: the node, made when O_CREAT says so. */
static int
open_lookup(struct rnode *dir, const char *path, unsigned oflags, mode_t mode,
    struct rnode **np)
{
	char *own = NULL;
	unsigned tries;
	int error;

	error = EAGAIN;
	for (tries = 0; tries <= MAXSYMLINKS && error == EAGAIN; tries++) {
		error = lookup_or_make(dir, &own, own != NULL ? own : path,
		    oflags, mode, np);
		if (error == EAGAIN)
			oflags &= ~(unsigned)O_EXCL;
	}
	kfree(own);
	if (error == EAGAIN)
		return ELOOP;
	if (error != 0)
		return error;
	error = open_existing(*np, oflags);
	if (error != 0)
		rnode_put(*np);
	return error;
}

/* open_tmpfile: a node without a name, open for writing. */
static int
open_tmpfile(struct rnode *dir, const char *path, unsigned oflags, mode_t mode,
    struct rnode **np)
{
	int error;

	error = ramfs_tmpfile(dir, path, (oflags & O_NOFOLLOW) == 0,
	    mode & 07777, (oflags & O_EXCL) == 0, np);
	if (error == 0) {
		error = rnode_write_get(*np);
		if (error != 0)
			rnode_put(*np);
	}
	return error;
}

/* open_ops: what a file of n does; NULL: it cannot be opened. */
static const struct fileops *
open_ops(const struct rnode *n, unsigned oflags)
{
	/* Only its name is asked for. */
	if ((oflags & O_PATH) != 0)
		return &ramfs_fileops;
	switch (n->rn_mode & S_IFMT) {
	case S_IFCHR:
		return dev_ops(dev_lookup(n->rn_rdev));
	case S_IFIFO:
		return &fifo_fileops;
	case S_IFSOCK:
	case S_IFBLK:
		return NULL;
	default:
		break;
	}
	if (n->rn_ops != NULL && n->rn_ops->ro_fileops != NULL)
		return n->rn_ops->ro_fileops;
	return &ramfs_fileops;
}

int
ramfs_open(struct rnode *dir, const char *path, unsigned oflags, mode_t mode,
    struct file **fpp)
{
	const struct fileops *ops;
	struct rnode *n;
	int error;

	/* First: an open that is refused has made and cut nothing. */
	error = file_new(fpp);
	if (error != 0)
		return error;
	error = (oflags & (O_TMPFILE | O_PATH)) == O_TMPFILE ?
	    open_tmpfile(dir, path, oflags, mode, &n) :
	    open_lookup(dir, path, oflags, mode, &n);
	ops = error == 0 ? open_ops(n, oflags) : NULL;
	if (ops != NULL) {
		file_set(*fpp, ops, oflags & (O_ACCMODE | O_SETFL | O_PATH),
		    NULL, n);
		return file_open(*fpp, oflags);
	}
	file_free(*fpp);
	if (error != 0)
		return error;
	if ((oflags & O_ACCMODE) != O_RDONLY)
		rnode_write_put(n);
	rnode_put(n);
	return ENXIO;
}

/* ---- the initrd ---- */

static void __noreturn
unpack_bad(const char *name, const char *why)
{
	panic_exit(EXIT_NOINIT, "initrd: %s%s%s", name,
	    name[0] != '\0' ? ": " : "", why);
}

static const char *
unpack_errname(int error)
{
	switch (error) {
	case ENOSPC:
	case ENOMEM:
		return "not enough memory";
	case ENOTDIR:
		return "a parent is not a directory";
	case ENAMETOOLONG:
		return "the name is too long";
	case EEXIST:
		return "is there twice";
	default:
		return "cannot be made";
	}
}

/* unpack_parents: the directories above path that no entry made. */
static void
unpack_parents(char *path)
{
	char *slash;
	int error;

	for (slash = strchr(path, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		error = ramfs_mknode(ramfs_root, path, S_IFDIR | 0755, NULL,
		    0);
		if (error != 0 && error != EEXIST)
			unpack_bad(path, unpack_errname(error));
		*slash = '/';
	}
}

/* Names of files with several, until the unpacking is done. */
struct unpack_link {
	uint32_t	 ino;
	char		*path;
};
static struct unpack_link unpack_links[HARDLINKS];

/* unpack_linked: make path another name of the node with ino, if known. */
static bool
unpack_linked(const struct cpio_entry *e, const char *path)
{
	struct rnode *n;
	unsigned i;
	int error;

	if (e->nlink < 2 || !S_ISREG(e->mode))
		return false;
	for (i = 0; i < HARDLINKS; i++) {
		if (unpack_links[i].path == NULL) {
			unpack_links[i].ino = e->ino;
			unpack_links[i].path = kmalloc(strlen(path) + 1,
			    M_WAITOK);
			strlcpy(unpack_links[i].path, path, strlen(path) + 1);
			return false;
		}
		if (unpack_links[i].ino != e->ino)
			continue;
		error = ramfs_namei(ramfs_root, unpack_links[i].path, false,
		    &n);
		if (error != 0)
			return false;
		error = ramfs_link(n, ramfs_root, path);
		rnode_put(n);
		return error == 0;
	}
	return false;
}

static void
unpack_file(const struct cpio_entry *e, const char *path)
{
	struct rnode *n;
	int error;

	if (e->size == 0)
		return;
	error = ramfs_namei(ramfs_root, path, false, &n);
	if (error == 0) {
		error = rnode_kwrite(n, 0, e->data, e->size);
		rnode_put(n);
	}
	if (error != 0)
		unpack_bad(path, unpack_errname(error));
}

static int
unpack_symlink(const struct cpio_entry *e, const char *path)
{
	char *target;
	int error;

	if (e->size == 0 || e->size >= PATH_MAX)
		unpack_bad(path, "a symbolic link of impossible length");
	target = kmalloc(e->size + 1, M_WAITOK);
	memcpy(target, e->data, e->size);
	target[e->size] = '\0';
	error = ramfs_mknode(ramfs_root, path, S_IFLNK | 0777, target, 0);
	kfree(target);
	return error;
}

/* unpack_time: the archive's time on a file; one without (0) is new. */
static void
unpack_time(const struct cpio_entry *e, const char *path)
{
	int64_t mtime;
	struct rnode *n;

	if (e->mtime == 0 || ramfs_namei(ramfs_root, path, false, &n) != 0)
		return;
	mtime = (int64_t)e->mtime * NSEC_PER_SEC;
	rnode_utimes(n, &mtime, &mtime);
	rnode_put(n);
}

static void
unpack_entry(const struct cpio_entry *e, char *path)
{
	int error;

	unpack_parents(path);
	if (unpack_linked(e, path)) {
		unpack_file(e, path);
		return;
	}
	error = 0;
	switch (e->mode & S_IFMT) {
	case S_IFDIR:
		error = ramfs_mknode(ramfs_root, path, e->mode, NULL, 0);
		if (error == EEXIST)
			error = 0;
		break;
	case S_IFREG:
		error = ramfs_mknode(ramfs_root, path, e->mode, NULL, 0);
		if (error == 0) {
			unpack_file(e, path);
			unpack_time(e, path);
		}
		break;
	case S_IFLNK:
		error = unpack_symlink(e, path);
		break;
	default:
		/* Devices come from ramfs_init; sockets mean nothing. */
		break;
	}
	if (error != 0)
		unpack_bad(path, unpack_errname(error));
}

/* unpack_path: e's name without leading / and ./; false: nothing is left. */
static bool
unpack_path(const char *name, char *path)
{
	while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
		name += name[0] == '/' ? 1 : 2;
	if (name[0] == '\0' || strcmp(name, ".") == 0)
		return false;
	if (strlcpy(path, name, PATH_MAX) >= PATH_MAX)
		unpack_bad("", "a name is too long");
	if (strcmp(path, "..") == 0 || strncmp(path, "../", 3) == 0 ||
	    strstr(path, "/../") != NULL)
		unpack_bad(path, "leads out of the archive");
	return true;
}

/* unpack_program: an image that is one program, not an archive, is /init. */
static void
unpack_program(const void *image, size_t len)
{
	struct cpio_entry e = { .data = image, .size = len };
	int error;

	error = ramfs_mknode(ramfs_root, "init", S_IFREG | 0755, NULL, 0);
	if (error != 0)
		unpack_bad("init", unpack_errname(error));
	unpack_file(&e, "init");
}

void
ramfs_unpack(const void *image, size_t len)
{
	struct cpio_entry e;
	const char *why;
	unsigned count, i;
	size_t off;
	char *path;
	int error;

	if (len >= 4 && memcmp(image, "\177ELF", 4) == 0) {
		unpack_program(image, len);
		return;
	}
	path = kmalloc(PATH_MAX, M_WAITOK);
	off = 0;
	for (count = 0; (error = cpio_next(image, len, &off, &e, &why)) == 0;
	    count++)
		if (unpack_path(e.name, path))
			unpack_entry(&e, path);
	if (error != ENOENT)
		panic_exit(EXIT_NOINIT, "initrd: %s, at byte %zu of %zu", why,
		    off, len);
	for (i = 0; i < HARDLINKS; i++) {
		kfree(unpack_links[i].path);
		unpack_links[i].path = NULL;
	}
	kfree(path);
	kprintf("initrd: %u entries, %zu KiB\n", count, len / 1024);
}

void
ramfs_init(void)
{
	rnode_zone = zone_create("rnode", sizeof(struct rnode), 16, NULL, 0);
	fsctx_zone = zone_create("fsctx", sizeof(struct fsctx), 16, NULL, 0);
	ramfs_name_init();
	mount_init();
}
