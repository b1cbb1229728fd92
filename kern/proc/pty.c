/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pty.c: pseudo terminals: a terminal whose line is a program.  /dev/ptmx makes
 * one and is its master: what it writes is typed, what it reads is what the
 * slave's users wrote.  The slave is /dev/pts/N, a terminal like any other
 * (tty.c); /dev/pts is a directory that makes its nodes when asked.
 *
 *	master open ---- slave opened <-> all slaves closed (master: EIO, HUP)
 *	     | master closed: hang-up: slaves read an end of file, write EIO
 *	     v
 *	freed with the last file of either side
 *
 * I1: pt_refs counts the files of both sides; ptys[n] is NULL or has references.
 * I2: pt_len <= PTY_RING.
 * Locks: pty_lock for the table and pt_refs, alone or below proctree_lock; the
 *    rest is the terminal's t_lock.
 * Sources: pty(7), pts(4), tty_ioctl(4) of Linux.
 */
#include <sys/file.h>

#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <sys/sleepq.h>

#include "tty_priv.h"

#define TIOCSPTLCK	0x40045431U
#define TIOCSIG		0x40045436U
#define TIOCGPTN	0x80045430U
#define TIOCGPTLCK	0x80045439U
#define DEVPTS_MAGIC	0x1cd1U
#define PTY_RING	8192U
#define PTY_CHUNK	256U
#define TTY_GID		5U

/* Lifetime: I1.  [y] t_lock [p] pty_lock [c] const after init. */
struct pty {
	struct tty	 pt_tty;		/* first: pty_of */
	unsigned	 pt_index;		/* [c] */
	unsigned	 pt_refs;		/* [p] */
	int		 pt_serial;		/* [c] no other's, for long */
	/* [p] of the slave's node: who opened the master, until a chown */
	uint32_t	 pt_uid, pt_gid;
	mode_t		 pt_mode;		/* [p] with S_IFCHR */
	unsigned	 pt_slaves;		/* [y] files of the slave */
	bool		 pt_left;		/* [y] it had some, and has none */
	unsigned	 pt_edges;		/* [y] for the master's fo_edge */
	bool		 pt_locked;		/* [y] TIOCSPTLCK */
	bool		 pt_gone;		/* [y] no master any more */
	size_t		 pt_len;		/* [y] I2 */
	char		 pt_ring[PTY_RING];	/* [y] for the master to read */
};

static struct rwlock	 pty_lock;
static struct pty	*ptys[PTY_MAX];		/* [p] */
static int		 pty_serial;		/* [a] */

static struct pty *
pty_of(struct tty *t)
{
	return (struct pty *)t;
}

void
pty_init(void)
{
	rw_init(&pty_lock, "pty", LO_FILE, 0);
}

/* ---- output of the slave ---- */

static void
pty_output(struct tty *t, const char *s, size_t len)
{
	struct pty *pt = pty_of(t);

	len = MIN(len, PTY_RING - pt->pt_len);
	memcpy(pt->pt_ring + pt->pt_len, s, len);
	pt->pt_len += len;
	pt->pt_edges++;
	wakeup(&pt->pt_len);
	poll_wakeup();
}

static size_t
pty_room(const struct tty *t)
{
	return PTY_RING - ((const struct pty *)t)->pt_len;
}

static const struct tty_device pty_device = {
	.td_write = pty_output, .td_room = pty_room
};

/* ---- references ---- */

static struct pty *
pty_find(unsigned index)
{
	struct pty *pt;

	rw_wlock(&pty_lock);
	pt = index < PTY_MAX ? ptys[index] : NULL;
	if (pt != NULL)
		pt->pt_refs++;
	rw_wunlock(&pty_lock);
	return pt;
}

static void
pty_put(struct pty *pt)
{
	bool last;

	rw_wlock(&pty_lock);
	last = --pt->pt_refs == 0;
	if (last)
		ptys[pt->pt_index] = NULL;
	rw_wunlock(&pty_lock);
	if (!last)
		return;
	tty_unlist(&pt->pt_tty);
	rw_destroy(&pt->pt_tty.t_lock);
	kfree(pt);
}

/* pty_join: fp is a file of the slave; false: the master is gone, or it is locked
 * (nobody is kept out who had it before: hold). */
static bool
pty_join(struct pty *pt, struct file *fp, bool hold)
{
	bool ok;

	rw_wlock(&pt->pt_tty.t_lock);
	ok = !pt->pt_gone && (hold || !pt->pt_locked);
	if (ok) {
		pt->pt_slaves++;
		pt->pt_left = false;
		fp->f_offset = pt->pt_tty.t_hangups;
	}
	rw_wunlock(&pt->pt_tty.t_lock);
	return ok;
}

bool
pty_hold(struct tty *t)
{
	struct pty *pt = pty_of(t);
	bool there;

	rw_wlock(&pty_lock);
	there = pt->pt_refs > 0;
	pt->pt_refs += there;
	rw_wunlock(&pty_lock);
	return there;
}

bool
pty_enter(struct tty *t, struct file *fp)
{
	if (pty_join(pty_of(t), fp, true))
		return true;
	pty_put(pty_of(t));
	return false;
}

/* ---- the slave ---- */

int
pts_open(struct file *fp, unsigned oflags)
{
	struct pty *pt = pty_find((unsigned)(fp->f_node->rn_rdev - PTS_RDEV));

	if (pt == NULL)
		return EIO;
	if (!pty_join(pt, fp, false)) {
		pty_put(pt);
		return EIO;
	}
	tty_opened(fp, &pt->pt_tty, oflags);
	return 0;
}

void
pty_slave_close(struct tty *t)
{
	struct pty *pt = pty_of(t);

	rw_wlock(&t->t_lock);
	pt->pt_left = --pt->pt_slaves == 0;
	pt->pt_edges++;
	if (pt->pt_left)
		wakeup(&pt->pt_len);
	rw_wunlock(&t->t_lock);
	poll_wakeup();
	pty_put(pt);
}

/* ---- the master ---- */

static int
pty_create(struct pty **ptp)
{
	struct pty *pt;
	unsigned i;

	pt = kmalloc(sizeof(*pt), M_WAITOK | M_ZERO);
	if (pt == NULL)
		return ENOMEM;
	pt->pt_refs = 1;
	pt->pt_locked = true;
	pt->pt_serial = atomic_fetchadd(&pty_serial, 1);
	pt->pt_uid = curproc->p_cred.cr_uid[ID_EFF];
	pt->pt_gid = TTY_GID;
	pt->pt_mode = S_IFCHR | 0620;
	rw_wlock(&pty_lock);
	for (i = 0; i < PTY_MAX && ptys[i] != NULL; i++)
		;
	if (i < PTY_MAX) {
		pt->pt_index = i;
		tty_setup(&pt->pt_tty, &pty_device, PTS_RDEV + i);
		ptys[i] = pt;
	}
	rw_wunlock(&pty_lock);
	if (i == PTY_MAX) {
		kfree(pt);
		return ENOSPC;
	}
	tty_list(&pt->pt_tty);
	*ptp = pt;
	return 0;
}

static int
ptmx_open(struct file *fp, unsigned oflags __unused)
{
	struct pty *pt;
	int error;

	error = pty_create(&pt);
	if (error == 0)
		fp->f_data = pt;
	return error;
}

static void
ptmx_close(struct file *fp)
{
	struct pty *pt = fp->f_data;
	struct tty *t = &pt->pt_tty;

	rw_wlock(&t->t_lock);
	pt->pt_gone = true;
	t->t_hangups++;
	wakeup(&t->t_buf);
	wakeup(&t->t_stopped);
	rw_wunlock(&t->t_lock);
	poll_wakeup();
	tty_hangup(t);
	pty_put(pt);
}

/* ptmx_wait: for something to read, or for room to write. */
static int
ptmx_wait(struct file *fp, struct tty *t, const void *chan)
    __requires(t->t_lock)
{
	if ((atomic_load(&fp->f_flags) & O_NONBLOCK) != 0)
		return EAGAIN;
	return rw_sleep(chan, &t->t_lock, PCATCH, "ptmx", 0);
}

static int
ptmx_read(struct file *fp, struct uio *u, uint64_t *off __unused)
{
	struct pty *pt = fp->f_data;
	struct tty *t = &pt->pt_tty;
	size_t n;
	int error;

	error = 0;
	if (u->u_resid == 0)
		return 0;
	rw_wlock(&t->t_lock);
	while (pt->pt_len == 0 && error == 0)
		error = pt->pt_left ? EIO : ptmx_wait(fp, t, &pt->pt_len);
	n = MIN(pt->pt_len, u->u_resid);
	if (error == 0)
		error = uiomove(pt->pt_ring, n, u);
	if (error == 0) {
		memmove(pt->pt_ring, pt->pt_ring + n, pt->pt_len - n);
		pt->pt_len -= n;
		t->t_edges++;
		wakeup(&t->t_stopped);
		poll_wakeup();
	}
	rw_wunlock(&t->t_lock);
	return error;
}

/* input_full: would a byte be lost that a reader could make room for? */
static bool
input_full(const struct tty *t)
{
	return t->t_len + 1 >= TTY_BUF && t->t_ready > 0;
}

/* ptmx_type: n bytes to the slave; how many went, if not all an errno. */
static size_t
ptmx_type(struct file *fp, const uint8_t *s, size_t n, int *error)
{
	struct tty *t = &((struct pty *)fp->f_data)->pt_tty;
	size_t i;

	rw_wlock(&t->t_lock);
	for (i = 0; i < n && *error == 0;) {
		if (!input_full(t)) {
			tty_input(t, s[i++]);
			continue;
		}
		/* Who could make room has to hear of what is there. */
		rw_wunlock(&t->t_lock);
		tty_kick(t);
		rw_wlock(&t->t_lock);
		if (input_full(t))
			*error = ptmx_wait(fp, t, &t->t_len);
	}
	rw_wunlock(&t->t_lock);
	tty_kick(t);
	return i;
}

static int
ptmx_write(struct file *fp, struct uio *u, uint64_t *off __unused)
{
	uint8_t buf[PTY_CHUNK];
	size_t before, n;
	int error;

	error = 0;
	while (u->u_resid > 0 && error == 0) {
		before = u->u_resid;
		error = uiomove(buf, sizeof(buf), u);
		if (error != 0)
			break;
		n = ptmx_type(fp, buf, before - u->u_resid, &error);
		u->u_resid = before - n;
	}
	return error;
}

static unsigned
ptmx_poll(struct file *fp)
{
	struct pty *pt = fp->f_data;
	unsigned ev;

	rw_rlock(&pt->pt_tty.t_lock);
	ev = (pt->pt_len > 0 ? POLLIN : 0U) | (pt->pt_left ? POLLHUP : 0U) |
	    (input_full(&pt->pt_tty) ? 0U : POLLOUT);
	rw_runlock(&pt->pt_tty.t_lock);
	return ev;
}

static uint64_t
ptmx_edge(struct file *fp, unsigned want __unused)
{
	struct pty *pt = fp->f_data;

	return (uint64_t)atomic_load(&pt->pt_edges) +
	    atomic_load(&pt->pt_tty.t_takes);
}

/* ptmx_lock: may the slave be opened? */
static int
ptmx_lock(struct pty *pt, struct uaddr arg)
{
	uint32_t on;
	int error;

	error = fuword32(arg, &on);
	if (error != 0)
		return error;
	rw_wlock(&pt->pt_tty.t_lock);
	pt->pt_locked = on != 0;
	rw_wunlock(&pt->pt_tty.t_lock);
	return 0;
}

static int
ptmx_ioctl(struct file *fp, uint64_t cmd, struct uaddr arg)
{
	struct pty *pt = fp->f_data;

	switch (cmd) {
	case TIOCGPTN:
		return suword32(arg, pt->pt_index);
	case TIOCSPTLCK:
		return ptmx_lock(pt, arg);
	case TIOCGPTLCK:
		return suword32(arg, pt->pt_locked);
	case TIOCSIG:
		if (arg.ua == 0 || arg.ua > NSIG)
			return EINVAL;
		tty_signal(&pt->pt_tty, sigbit((int)arg.ua));
		return 0;
	case FIONREAD:
		return suword32(arg, (uint32_t)pt->pt_len);
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCSTI:
		return ENOTTY;
	default:
		/* Modes and sizes are the slave's. */
		return tty_command(&pt->pt_tty, cmd, arg);
	}
}

const struct fileops ptmx_fileops = {
	.fo_name = "ptmx",
	.fo_read = ptmx_read,
	.fo_write = ptmx_write,
	.fo_ioctl = ptmx_ioctl,
	.fo_poll = ptmx_poll,
	.fo_edge = ptmx_edge,
	.fo_stat = dev_stat,
	.fo_open = ptmx_open,
	.fo_close = ptmx_close,
};

/* ---- /dev/pts ---- */

static const struct rnode_ops devpts_ops;

/* devpts_ino: 1 would be the root's; ptmx and slaves follow. */
static uint64_t
devpts_ino(unsigned index)
{
	return index == PTY_MAX ? 2 : 3 + index;
}

/* devpts_attrs: they are the pty's, as long as n's is there. */
static void
devpts_attrs(struct rnode *n, bool put)
{
	struct pty *pt;

	if (n->rn_rdev < PTS_RDEV)
		return;
	rw_wlock(&pty_lock);
	pt = ptys[n->rn_rdev - PTS_RDEV];
	if (pt != NULL && pt->pt_serial == n->rn_fd && put) {
		pt->pt_mode = atomic_load(&n->rn_mode);
		pt->pt_uid = atomic_load(&n->rn_uid);
		pt->pt_gid = atomic_load(&n->rn_gid);
	} else if (pt != NULL && pt->pt_serial == n->rn_fd) {
		atomic_store(&n->rn_mode, pt->pt_mode);
		atomic_store(&n->rn_uid, pt->pt_uid);
		atomic_store(&n->rn_gid, pt->pt_gid);
	}
	rw_wunlock(&pty_lock);
}

/* devpts_node: slave index, or ptmx for PTY_MAX. */
static int
devpts_node(struct rnode *dir, unsigned index, int serial, struct rnode **np)
{
	bool master = index == PTY_MAX;
	struct rnode *n;

	n = rnode_alloc(S_IFCHR | 0666);
	if (n == NULL)
		return ENOMEM;
	n->rn_rdev = master ? dev_rdev(DEV_PTMX) : PTS_RDEV + index;
	n->rn_ino = devpts_ino(index);
	n->rn_nlink = 1;
	n->rn_fd = serial;
	n->rn_ops = &devpts_ops;
	n->rn_parent = rnode_ref(dir);
	mount_adopt(dir->rn_mount, n);
	devpts_attrs(n, false);
	*np = n;
	return 0;
}

/* pty_is: is there slave index, and which; false: there is none. */
static bool
pty_is(unsigned index, int *serial)
{
	bool there;

	rw_rlock(&pty_lock);
	there = index < PTY_MAX && ptys[index] != NULL;
	*serial = there ? ptys[index]->pt_serial : 0;
	rw_runlock(&pty_lock);
	return there;
}

static int
devpts_lookup(struct rnode *dir, const char *name, size_t len,
    struct rnode **np)
{
	char want[8];
	int serial;
	unsigned i;

	if (len == 4 && memcmp(name, "ptmx", 4) == 0)
		return devpts_node(dir, PTY_MAX, 0, np);
	for (i = 0; i < PTY_MAX; i++)
		if ((size_t)ksnprintf(want, sizeof(want), "%u", i) == len &&
		    memcmp(name, want, len) == 0)
			return pty_is(i, &serial) ? devpts_node(dir, i, serial,
			    np) : ENOENT;
	return ENOENT;
}

static int
devpts_name(struct rnode *n, char name[NAME_MAX + 1])
{
	if (n->rn_rdev < PTS_RDEV)
		return ksnprintf(name, NAME_MAX + 1, "ptmx");
	return ksnprintf(name, NAME_MAX + 1, "%lu", n->rn_rdev - PTS_RDEV);
}

static uint64_t
entry_ino(const struct rnode *dir, uint64_t c)
{
	if (c == 1 && dir->rn_parent != NULL)
		return dir->rn_parent->rn_ino;
	return c < 2 ? dir->rn_ino :
	    devpts_ino(c == 2 ? PTY_MAX : (unsigned)(c - 3));
}

/* Cookie c is the entry after ".", "..", ptmx and slave c - 4. */
static int
devpts_getdents(struct file *fp, dirent_fn *fn, void *arg)
{
	static const char *const first[] = { ".", "..", "ptmx" };
	uint64_t c = fp->f_offset;
	char name[8];
	int serial;

	for (; c < nitems(first) + PTY_MAX; c++) {
		if (c < nitems(first))
			(void)ksnprintf(name, sizeof(name), "%s", first[c]);
		else if (pty_is((unsigned)(c - nitems(first)), &serial))
			(void)ksnprintf(name, sizeof(name), "%lu",
			    c - nitems(first));
		else
			continue;
		if (!fn(arg, name, entry_ino(fp->f_node, c), c + 1,
		    c < 2 ? S_IFDIR : S_IFCHR))
			break;
	}
	fp->f_offset = c;
	return 0;
}

static const struct rnode_ops devpts_ops = {
	.ro_lookup = devpts_lookup,
	.ro_getdents = devpts_getdents,
	.ro_name = devpts_name,
	.ro_attrs = devpts_attrs,
};

static int
devpts_fill(struct mount *mt)
{
	mt->mt_root->rn_ops = &devpts_ops;
	return 0;
}

const struct fstype devpts_type = {
	"devpts", DEVPTS_MAGIC, true, false, false, devpts_fill
};
