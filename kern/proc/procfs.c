/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs.c: the file system that shows processes and counters: its nodes and
 * files.  What the files say is in procfs_pid.c and procfs_sys.c.
 *
 * A node is made by each lookup and freed with its last reference; its number
 * is made of what it shows.  A file's text is made by each read, the part that
 * is asked for copied out: nothing is kept between two reads.
 *
 * Locks: none of its own, so a text may take any; user memory is touched when
 * none is held.
 * Sources: proc(5) of Linux.
 */
#include <sys/file.h>

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>

#include "procfs_priv.h"

#define PROC_MAGIC	0x9fa0U
#define PROC_CHUNK	(32UL * 1024)	/* most bytes of one text at once */
#define PROC_FIRSTPID	256UL		/* readdir cookies of processes */

static const struct rnode_ops procfs_ops, procfs_magic_ops;
static const struct procent procfs_root = {
	.mode = S_IFDIR | 0555, .dir = procfs_sys_root
};
static const struct procent procfs_pid = {
	.mode = S_IFDIR | 0555, .dir = procfs_pid_dir
};

/* ---- text ---- */

static void
pout_putc(void *arg, char c)
{
	struct pout *o = arg;

	if (o->skip > 0)
		o->skip--;
	else if (o->len < o->size)
		o->buf[o->len++] = c;
}

void
pout_printf(struct pout *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf(pout_putc, o, fmt, ap);
	va_end(ap);
}

void
pout_bytes(struct pout *o, const void *p, size_t len)
{
	const char *c = p;

	while (len-- > 0)
		pout_putc(o, *c++);
}

static int
procfs_read(struct file *fp, struct uio *u, uint64_t *off)
{
	struct rnode *n = fp->f_node;
	struct pout o = { .size = MIN(u->u_resid, PROC_CHUNK), .skip = *off };
	int error;

	if (S_ISDIR(n->rn_mode))
		return EISDIR;
	if (o.size == 0)
		return 0;
	o.buf = kmalloc(o.size, M_WAITOK);
	if (o.buf == NULL)
		return ENOMEM;
	error = n->rn_procent->text(&o, n->rn_pid);
	if (error == 0)
		error = uiomove(o.buf, o.len, u);
	if (error == 0)
		*off += o.len;
	kfree(o.buf);
	return error;
}

static int
procfs_write(struct file *fp, struct uio *u, uint64_t *off)
{
	const struct procent *e = fp->f_node->rn_procent;
	size_t len = u->u_resid;
	char buf[32];
	uint64_t value;
	int error;

	if (S_ISDIR(fp->f_node->rn_mode))
		return EISDIR;
	if (e->set == NULL)
		return EIO;
	if (len == 0 || len >= sizeof(buf))
		return EINVAL;
	error = uiomove(buf, len, u);
	if (error != 0)
		return error;
	buf[len] = '\0';
	if (buf[len - 1] == '\n')
		buf[len - 1] = '\0';
	if (kstrtoul(buf, 10, &value) != 0)
		return EINVAL;
	*off += len;
	return e->set(value);
}

static int
procfs_stat(struct file *fp, struct fstatus *st)
{
	rnode_stat(fp->f_node, st);
	return 0;
}

static unsigned
procfs_poll(struct file *fp __unused)
{
	return POLLIN | POLLOUT;
}

static const struct fileops procfs_fileops = {
	.fo_name = "proc",
	.fo_seekable = true,
	.fo_unlocked = true,
	.fo_read = procfs_read,
	.fo_write = procfs_write,
	.fo_poll = procfs_poll,
	.fo_stat = procfs_stat,
	.fo_getdents = ramfs_getdents,
};

/* ---- nodes ---- */

/* procfs_ino: the same thing has the same number. */
static uint64_t
procfs_ino(const struct procent *e, int pid, int fd)
{
	uint64_t kind = (uint64_t)(uintptr_t)e / sizeof(void *) & 0xffffU;

	return ((uint64_t)(unsigned)pid << 32 | (uint64_t)(unsigned)fd << 16 |
	    kind) + (1UL << 62);
}

static int
procfs_node(struct rnode *dir, const struct procent *e, int pid, int fd,
    struct rnode **np)
{
	struct rnode *n;

	n = rnode_alloc(e->mode);
	if (n == NULL)
		return ENOMEM;
	n->rn_ino = procfs_ino(e, pid, fd);
	n->rn_nlink = S_ISDIR(e->mode) ? 2 : 1;
	n->rn_ops = e->follow != NULL ? &procfs_magic_ops : &procfs_ops;
	n->rn_procent = e;
	n->rn_pid = pid;
	n->rn_fd = fd;
	n->rn_parent = rnode_ref(dir);
	mount_adopt(dir->rn_mount, n);
	*np = n;
	return 0;
}

/* name_number: a name that is a number as it is printed. */
static bool
name_number(const char *name, size_t len, int *num)
{
	uint64_t v;
	size_t i;

	if (len == 0 || len > 9 || (name[0] == '0' && len > 1))
		return false;
	v = 0;
	for (i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(name[i] - '0');
	}
	*num = (int)v;
	return true;
}

static int
procfs_lookup(struct rnode *dir, const char *name, size_t len,
    struct rnode **np)
{
	const struct procent *e, *at = dir->rn_procent;
	int num;

	if (at == &procfs_pid_fd) {
		if (!name_number(name, len, &num) ||
		    procfs_fd_next(dir->rn_pid, num) != num)
			return ENOENT;
		return procfs_node(dir, &procfs_fd_link, dir->rn_pid, num,
		    np);
	}
	if (at == &procfs_pid && procfs_pid_next(dir->rn_pid) != dir->rn_pid)
		return ENOENT;
	for (e = at->dir; e->name != NULL; e++)
		if (strlen(e->name) == len && memcmp(e->name, name, len) == 0)
			return procfs_node(dir, e, dir->rn_pid, 0, np);
	if (at == &procfs_root && name_number(name, len, &num) && num > 0 &&
	    procfs_pid_next(num) == num)
		return procfs_node(dir, &procfs_pid, num, 0, np);
	return ENOENT;
}

static int
procfs_name(struct rnode *n, char name[NAME_MAX + 1])
{
	if (n->rn_procent == &procfs_pid)
		return ksnprintf(name, NAME_MAX + 1, "%d", n->rn_pid);
	if (n->rn_procent == &procfs_fd_link)
		return ksnprintf(name, NAME_MAX + 1, "%d", n->rn_fd);
	return ksnprintf(name, NAME_MAX + 1, "%s", n->rn_procent->name);
}

static int
procfs_readlink(struct rnode *n, char *buf, size_t size)
{
	return n->rn_procent->readlink(n->rn_pid, n->rn_fd, buf, size);
}

static int
procfs_follow(struct rnode *n, struct rnode **np)
{
	return n->rn_procent->follow(n->rn_pid, n->rn_fd, np);
}

/* ---- listing ---- */

/* A listing under way: cookie c is the entry after the one numbered c. [t] */
struct proclist {
	struct file	*fp;
	dirent_fn	*fn;
	void		*arg;
	bool		 room;
};

static void
list_put(struct proclist *l, const char *name, uint64_t ino, uint64_t cookie,
    mode_t mode)
{
	if (!l->room || l->fp->f_offset >= cookie)
		return;
	l->room = l->fn(l->arg, name, ino, cookie, mode);
	if (l->room)
		l->fp->f_offset = cookie;
}

/* list_numbers: processes or descriptors, whatever next finds. */
static void
list_numbers(struct proclist *l, const struct procent *e, int pid,
    uint64_t base)
{
	uint64_t off = l->fp->f_offset;
	char name[16];
	int num = off > base ? (int)(off - base) : 0;
	bool fds = e == &procfs_fd_link;

	while (l->room) {
		num = fds ? procfs_fd_next(pid, num) : procfs_pid_next(num);
		if (num < 0)
			return;
		(void)ksnprintf(name, sizeof(name), "%d", num);
		list_put(l, name, procfs_ino(e, fds ? pid : num,
		    fds ? num : 0), base + (uint64_t)num + 1, e->mode);
		num++;
	}
}

static int
procfs_getdents(struct file *fp, dirent_fn *fn, void *arg)
{
	struct proclist l = { .fp = fp, .fn = fn, .arg = arg, .room = true };
	struct rnode *dir = fp->f_node;
	const struct procent *e, *at = dir->rn_procent;
	uint64_t cookie = 2;

	list_put(&l, ".", dir->rn_ino, 1, S_IFDIR);
	list_put(&l, "..", dir->rn_parent != NULL ? dir->rn_parent->rn_ino :
	    dir->rn_ino, 2, S_IFDIR);
	if (at == &procfs_pid_fd) {
		list_numbers(&l, &procfs_fd_link, dir->rn_pid, 2);
		return 0;
	}
	for (e = at->dir; e->name != NULL; e++)
		list_put(&l, e->name, procfs_ino(e, dir->rn_pid, 0),
		    ++cookie, e->mode);
	if (at == &procfs_root)
		list_numbers(&l, &procfs_pid, 0, PROC_FIRSTPID);
	return 0;
}

static const struct rnode_ops procfs_ops = {
	.ro_lookup = procfs_lookup,
	.ro_getdents = procfs_getdents,
	.ro_name = procfs_name,
	.ro_readlink = procfs_readlink,
	.ro_fileops = &procfs_fileops,
};
/* Links that lead to a node, whatever its text says. */
static const struct rnode_ops procfs_magic_ops = {
	.ro_name = procfs_name,
	.ro_readlink = procfs_readlink,
	.ro_follow = procfs_follow,
};

static int
procfs_fill(struct mount *mt)
{
	mt->mt_root->rn_ops = &procfs_ops;
	mt->mt_root->rn_procent = &procfs_root;
	return 0;
}

const struct fstype procfs_type = {
	"proc", PROC_MAGIC, true, true, false, procfs_fill
};
