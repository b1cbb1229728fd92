/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usock.c: AF_UNIX stream sockets: names, queues of connections, and two pipes
 * for each connection.
 *
 * A connection is made whole by connect: both pipes and the server's end, which
 * waits in the listener's queue for accept; bytes may be written before.
 *
 * I1: us_rd and us_wr are open ends that nobody else has, or NULL: shut down.
 * I2: a socket on usocks has a name; only those with US_LISTEN are connected to.
 * I3: us_other is the other end of a connection, whose us_other is this one; NULL
 *     when it is gone.
 * Locks: usock_lock, one for all; not held while bytes move.
 * Sources: unix(7), socket(7) of Linux.
 */
#include <sys/usock.h>

#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <lib/queue.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <sys/rights.h>
#include <sys/sleepq.h>

#define AUTO_DIGITS	5U	/* of a name that autobind makes */

enum usock_state { US_NEW, US_LISTEN, US_CONNECTED };

/* Lifetime: its file's; in a queue, the listener's. [k] usock_lock all. */
struct usock {
	LIST_ENTRY(usock)	 us_link;	/* on usocks, when named */
	TAILQ_ENTRY(usock)	 us_qlink;	/* in a listener's queue */
	enum usock_state	 us_state;
	struct file		*us_rd, *us_wr;	/* I1 */
	struct usock_name	 us_name, us_peer;
	TAILQ_HEAD(, usock)	 us_queue;	/* US_LISTEN */
	unsigned		 us_nqueue, us_backlog;
	unsigned		 us_nchanges;	/* of what poll says but bytes */
	struct usock		*us_other;	/* I3 */
	struct sockcred		 us_peercred;	/* who made the other end */
	bool			 us_passcred;	/* reads tell whose bytes */
	bool			 us_listed;	/* on usocks: us_name is its own */
	bool			 us_queued;	/* in a listener's queue */
	struct file		*us_file;	/* whose it is; NULL: nobody's yet */
	LIST_ENTRY(usock)	 us_all;	/* on all_usocks */
	bool			 us_reached;	/* usock_unreached's */
	struct usock		*us_next;	/* also */
	uint64_t		 us_ino;	/* [c] */
};

static struct rwlock	 usock_lock;
static LIST_HEAD(, usock) usocks;
static LIST_HEAD(, usock) all_usocks;		/* [k] */
static uint64_t		 usock_ino = 1UL << 33;	/* [a] */
static const struct fileops usock_ops;

void
usock_init(void)
{
	rw_init(&usock_lock, "usock", LO_FILE, 0);
	LIST_INIT(&usocks);
	LIST_INIT(&all_usocks);
}

bool
file_issock(const struct file *fp)
{
	return fp->f_ops == &usock_ops;
}

/* ---- making and freeing ---- */

static struct usock *
usock_alloc(void)
{
	struct usock *us;

	us = kmalloc(sizeof(*us), M_WAITOK | M_ZERO);
	if (us == NULL)
		return NULL;
	TAILQ_INIT(&us->us_queue);
	us->us_ino = atomic_fetchadd(&usock_ino, 1);
	us->us_peercred = (struct sockcred){ 0, ~0U, ~0U };
	rw_wlock(&usock_lock);
	LIST_INSERT_HEAD(&all_usocks, us, us_all);
	rw_wunlock(&usock_lock);
	return us;
}

/* usock_free: nobody can find it any more. */
static void
usock_free(struct usock *us)
{
	rw_wlock(&usock_lock);
	LIST_REMOVE(us, us_all);
	if (us->us_other != NULL)
		us->us_other->us_other = NULL;
	rw_wunlock(&usock_lock);
	if (us->us_rd != NULL)
		file_put(us->us_rd);
	if (us->us_wr != NULL)
		file_put(us->us_wr);
	if (us->us_name.node != NULL)
		rnode_put(us->us_name.node);
	kfree(us);
}

/* usock_dequeue: q waits no more at l.  usock_lock held. */
static void
usock_dequeue(struct usock *l, struct usock *q)
{
	TAILQ_REMOVE(&l->us_queue, q, us_qlink);
	q->us_queued = false;
	l->us_nqueue--;
}

static void
usock_close(struct file *fp)
{
	struct usock *us = fp->f_data, *q;

	rw_wlock(&usock_lock);
	if (us->us_listed)
		LIST_REMOVE(us, us_link);
	us->us_state = US_NEW;
	wakeup(&us->us_queue);
	/* Off the list: no connect adds to the queue. */
	while ((q = TAILQ_FIRST(&us->us_queue)) != NULL) {
		usock_dequeue(us, q);
		rw_wunlock(&usock_lock);
		usock_free(q);
		rw_wlock(&usock_lock);
	}
	rw_wunlock(&usock_lock);
	usock_free(us);
	poll_wakeup();
}

static void
usock_file(struct usock *us, unsigned flags, struct file *fp)
{
	file_set(fp, &usock_ops, O_RDWR | (flags & O_NONBLOCK), us, NULL);
	atomic_store(&us->us_file, fp);
}

int
usock_create(unsigned flags, struct file **fpp)
{
	struct usock *us;
	int error;

	error = file_new(fpp);
	if (error != 0)
		return error;
	us = usock_alloc();
	if (us == NULL) {
		file_free(*fpp);
		return ENOMEM;
	}
	usock_file(us, flags, *fpp);
	return 0;
}

/* The two ends of a connection: a reads what b writes. [t] */
struct twopipes {
	struct file	*ard, *awr, *brd, *bwr;
};

static int
twopipes_make(struct twopipes *t)
{
	int error;

	error = pipe_create(0, &t->ard, &t->bwr);
	if (error != 0)
		return error;
	error = pipe_create(0, &t->brd, &t->awr);
	if (error != 0) {
		file_put(t->ard);
		file_put(t->bwr);
	}
	return error;
}

static void
twopipes_put(struct twopipes *t)
{
	file_put(t->ard);
	file_put(t->awr);
	file_put(t->brd);
	file_put(t->bwr);
}

static void
usock_join(struct usock *a, struct usock *b, const struct twopipes *t)
{
	a->us_rd = t->ard;
	a->us_wr = t->awr;
	b->us_rd = t->brd;
	b->us_wr = t->bwr;
	a->us_state = b->us_state = US_CONNECTED;
	a->us_other = b;
	b->us_other = a;
	a->us_peercred = b->us_peercred = sockcred_self(ID_EFF);
	a->us_nchanges++;
	b->us_nchanges++;
}

int
usock_pair(unsigned flags, struct file **a, struct file **b)
{
	struct twopipes t;
	int error;

	error = usock_create(flags, a);
	if (error != 0)
		return error;
	error = usock_create(flags, b);
	if (error != 0) {
		file_put(*a);
		return error;
	}
	error = twopipes_make(&t);
	if (error != 0) {
		file_put(*a);
		file_put(*b);
		return error;
	}
	rw_wlock(&usock_lock);
	usock_join((*a)->f_data, (*b)->f_data, &t);
	rw_wunlock(&usock_lock);
	return 0;
}

/* ---- names and connections ---- */

static struct usock *
usock_find(const struct usock_name *name)
{
	struct usock *us;

	LIST_FOREACH(us, &usocks, us_link) {
		if (name->node != NULL ? us->us_name.node == name->node :
		    us->us_name.node == NULL &&
		    us->us_name.len == name->len &&
		    memcmp(us->us_name.bytes, name->bytes, name->len) == 0)
			return us;
	}
	return NULL;
}

static void
usock_named(struct usock *us, const struct usock_name *name)
{
	us->us_name = *name;
	us->us_listed = true;
	LIST_INSERT_HEAD(&usocks, us, us_link);
}

int
usock_bind(struct file *fp, const struct usock_name *name)
{
	struct usock *us = fp->f_data;
	int error;

	error = 0;
	rw_wlock(&usock_lock);
	if (us->us_name.len != 0)
		error = EINVAL;
	else if (usock_find(name) != NULL)
		error = EADDRINUSE;
	if (error == 0)
		usock_named(us, name);
	rw_wunlock(&usock_lock);
	return error;
}

/* autobind: an abstract name that nobody has, unless us has one.  usock_lock
 * held for writing. */
static int
autobind(struct usock *us)
{
	static unsigned next;		/* [k] */
	struct usock_name name = { .len = 1 + AUTO_DIGITS };
	unsigned i;

	if (us->us_name.len != 0)
		return 0;
	for (i = 0; i < 1U << (4 * AUTO_DIGITS); i++) {
		ksnprintf(name.bytes + 1, AUTO_DIGITS + 1, "%05x",
		    next++ % (1U << (4 * AUTO_DIGITS)));
		if (usock_find(&name) == NULL) {
			usock_named(us, &name);
			return 0;
		}
	}
	return ENOSPC;
}

int
usock_autobind(struct file *fp)
{
	int error;

	rw_wlock(&usock_lock);
	error = autobind(fp->f_data);
	rw_wunlock(&usock_lock);
	return error;
}

int
usock_listen(struct file *fp, unsigned backlog)
{
	struct usock *us = fp->f_data;
	int error;

	error = 0;
	rw_wlock(&usock_lock);
	if (us->us_name.len == 0 || us->us_state == US_CONNECTED) {
		error = EINVAL;
	} else {
		us->us_state = US_LISTEN;
		us->us_peercred = sockcred_self(ID_EFF);
		us->us_backlog = backlog;
	}
	rw_wunlock(&usock_lock);
	return error;
}

bool
usock_listens(struct file *fp)
{
	struct usock *us = fp->f_data;

	return us->us_state == US_LISTEN;
}

/* connect_wait: the listener, with room in its queue.  usock_lock held. */
static __requires(usock_lock) int
connect_wait(struct file *fp, const struct usock_name *name,
    struct usock **lp)
{
	struct usock *us = fp->f_data, *l;
	int error;

	for (;;) {
		if (us->us_state == US_CONNECTED)
			return EISCONN;
		if (us->us_state == US_LISTEN)
			return EINVAL;
		l = usock_find(name);
		if (l == NULL || l->us_state != US_LISTEN)
			return ECONNREFUSED;
		*lp = l;
		if (l->us_nqueue <= l->us_backlog)
			return 0;
		if ((atomic_load(&fp->f_flags) & O_NONBLOCK) != 0)
			return EAGAIN;
		error = rw_sleep(&l->us_queue, &usock_lock, PCATCH, "unconn",
		    0);
		if (error != 0)
			return error;
	}
}

/* connect_done: us and server are one connection, server waits at l. */
static void
connect_done(struct usock *us, struct usock *server, struct usock *l,
    const struct twopipes *t)
{
	usock_join(us, server, t);
	us->us_peercred = l->us_peercred;
	server->us_passcred = l->us_passcred;
	/* Names to be told; the paths' nodes stay with who is bound. */
	us->us_peer = server->us_name = l->us_name;
	us->us_peer.node = server->us_name.node = NULL;
	server->us_peer = us->us_name;
	server->us_peer.node = NULL;
	TAILQ_INSERT_TAIL(&l->us_queue, server, us_qlink);
	server->us_queued = true;
	l->us_nqueue++;
	l->us_nchanges++;
	wakeup(&l->us_nqueue);
}

int
usock_connect(struct file *fp, const struct usock_name *name)
{
	struct usock *us = fp->f_data, *server = usock_alloc(), *l;
	struct twopipes t;
	int error;

	if (server == NULL)
		return ENOMEM;
	error = twopipes_make(&t);
	if (error != 0) {
		usock_free(server);
		return error;
	}
	rw_wlock(&usock_lock);
	/* Who asks who writes can be asked the same. */
	error = us->us_passcred ? autobind(us) : 0;
	if (error == 0)
		error = connect_wait(fp, name, &l);
	if (error == 0)
		connect_done(us, server, l, &t);
	rw_wunlock(&usock_lock);
	if (error != 0) {
		twopipes_put(&t);
		usock_free(server);
	} else {
		poll_wakeup();
	}
	return error;
}

/* accept_wait: the first of the queue, off it. */
static __requires(usock_lock) int
accept_wait(struct file *fp, struct usock **usp)
{
	struct usock *l = fp->f_data;
	int error;

	for (;;) {
		if (l->us_state != US_LISTEN)
			return EINVAL;
		*usp = TAILQ_FIRST(&l->us_queue);
		if (*usp != NULL)
			break;
		if ((atomic_load(&fp->f_flags) & O_NONBLOCK) != 0)
			return EAGAIN;
		error = rw_sleep(&l->us_nqueue, &usock_lock, PCATCH, "accept",
		    0);
		if (error != 0)
			return error;
	}
	usock_dequeue(l, *usp);
	wakeup(&l->us_queue);
	return 0;
}

int
usock_accept(struct file *fp, unsigned flags, struct file **fpp)
{
	struct usock *us;
	int error;

	/* First: who is taken off the queue has a file. */
	error = file_new(fpp);
	if (error != 0)
		return error;
	rw_wlock(&usock_lock);
	error = accept_wait(fp, &us);
	rw_wunlock(&usock_lock);
	if (error == 0)
		usock_file(us, flags, *fpp);
	else
		file_free(*fpp);
	return error;
}

int
usock_name_of(struct file *fp, bool peer, struct usock_name *name)
{
	struct usock *us = fp->f_data;
	int error;

	rw_rlock(&usock_lock);
	error = peer && us->us_state != US_CONNECTED ? ENOTCONN : 0;
	*name = peer ? us->us_peer : us->us_name;
	rw_runlock(&usock_lock);
	name->node = NULL;
	return error;
}

int
usock_passcred(struct file *fp, int set)
{
	struct usock *us = fp->f_data;
	bool was;

	rw_wlock(&usock_lock);
	was = us->us_passcred;
	if (set >= 0)
		us->us_passcred = set != 0;
	rw_wunlock(&usock_lock);
	return was;
}

struct sockcred
usock_peercred(struct file *fp)
{
	struct usock *us = fp->f_data;
	struct sockcred c;

	rw_rlock(&usock_lock);
	c = us->us_peercred;
	rw_runlock(&usock_lock);
	return c;
}

int
usock_shutdown(struct file *fp, bool rd, bool wr)
{
	struct file *frd = NULL, *fwr = NULL;
	struct usock *us = fp->f_data;
	int error;

	rw_wlock(&usock_lock);
	error = us->us_state == US_CONNECTED ? 0 : ENOTCONN;
	us->us_nchanges++;
	if (error == 0 && rd) {
		frd = us->us_rd;
		us->us_rd = NULL;
	}
	if (error == 0 && wr) {
		fwr = us->us_wr;
		us->us_wr = NULL;
	}
	rw_wunlock(&usock_lock);
	if (frd != NULL)
		file_put(frd);
	if (fwr != NULL)
		file_put(fwr);
	poll_wakeup();
	return error;
}

/* ---- sockets that only sockets keep open ---- */

__no_lock_analysis void
usock_lock_all(void)
{
	rw_wlock(&usock_lock);
}

__no_lock_analysis void
usock_unlock_all(void)
{
	rw_wunlock(&usock_lock);
}

/* reach: us, and what it leads to later. */
static void
reach(struct usock *us, struct usock **todo)
{
	if (us->us_reached)
		return;
	us->us_reached = true;
	us->us_next = *todo;
	*todo = us;
}

/* reach_from: what waits in us's queues. */
static void
reach_from(struct usock *us, struct usock **todo)
{
	struct rights *r;
	struct usock *q;
	unsigned i;

	TAILQ_FOREACH(q, &us->us_queue, us_qlink)
		reach(q, todo);
	if (us->us_rd == NULL)
		return;
	TAILQ_FOREACH(r, pipe_rights(us->us_rd), r_link)
		for (i = 0; i < r->r_nfiles; i++)
			if (file_issock(r->r_files[i]))
				reach(r->r_files[i]->f_data, todo);
}

/* usock_held: does anything but a socket's queue refer to us?  Who is just made
 * or accepted, and has no file yet, is somebody's. */
static bool
usock_held(const struct usock *us)
{
	struct file *fp = atomic_load(&us->us_file);

	if (fp == NULL)
		return !us->us_queued;
	return atomic_load(&fp->f_refs) > atomic_load(&fp->f_inflight);
}

void
usock_unreached(struct rightslist *out, void (*take)(struct rightslist *from,
    struct rightslist *to))
{
	struct usock *us, *todo = NULL;

	LIST_FOREACH(us, &all_usocks, us_all)
		us->us_reached = false;
	LIST_FOREACH(us, &all_usocks, us_all)
		if (usock_held(us))
			reach(us, &todo);
	while ((us = todo) != NULL) {
		todo = us->us_next;
		reach_from(us, &todo);
	}
	LIST_FOREACH(us, &all_usocks, us_all)
		if (!us->us_reached && us->us_rd != NULL)
			take(pipe_rights(us->us_rd), out);
}

/* ---- the file ---- */

/* What a socket was when an end was taken. [t] */
struct usock_was {
	enum usock_state state;
	bool		 creds;		/* whose the bytes are is wanted */
};

/* usock_asked: does anybody want to know who writes to us?  Who has not accepted
 * yet may.  usock_lock held. */
static bool
usock_asked(const struct usock *us)
{
	return us->us_passcred || (us->us_other != NULL &&
	    (us->us_other->us_passcred ||
	    atomic_load(&us->us_other->us_file) == NULL));
}

/* usock_end: one of the two pipes, referenced; it blocks as fp does. */
static struct file *
usock_end(struct file *fp, bool write, struct usock_was *was)
{
	struct usock *us = fp->f_data;
	struct file *end;

	rw_rlock(&usock_lock);
	was->state = us->us_state;
	was->creds = write ? usock_asked(us) : us->us_passcred;
	end = write ? us->us_wr : us->us_rd;
	if (end != NULL)
		file_ref(end);
	rw_runlock(&usock_lock);
	if (end == NULL)
		return NULL;
	if ((atomic_load(&fp->f_flags) & O_NONBLOCK) != 0)
		atomic_or(&end->f_flags, (unsigned)O_NONBLOCK);
	else
		atomic_and(&end->f_flags, ~(unsigned)O_NONBLOCK);
	return end;
}

static int
usock_read(struct file *fp, struct uio *u, uint64_t *off)
{
	struct usock_was was;
	struct file *end = usock_end(fp, false, &was);
	struct sockcred from, *want = u->u_cred;
	int error;

	/* A plain read has one writer's bytes, too. */
	u->u_cred = !was.creds ? NULL : want != NULL ? want : &from;
	if (end == NULL) {
		error = was.state == US_CONNECTED ? 0 : EINVAL;
	} else {
		error = end->f_ops->fo_read(end, u, off);
		file_put(end);
	}
	if (want == NULL)
		u->u_cred = NULL;
	return error;
}

static int
usock_write(struct file *fp, struct uio *u, uint64_t *off)
{
	struct usock_was was;
	struct file *end = usock_end(fp, true, &was);
	struct sockcred self, *said = u->u_cred;
	int error;

	if (end == NULL)
		return was.state == US_CONNECTED ? EPIPE : ENOTCONN;
	if (was.creds && said == NULL) {
		self = sockcred_self(ID_REAL);
		u->u_cred = &self;
	}
	error = end->f_ops->fo_write(end, u, off);
	file_put(end);
	u->u_cred = said;
	return error;
}

static unsigned
usock_poll(struct file *fp)
{
	struct usock *us = fp->f_data;
	struct usock_was was;
	struct file *end;
	unsigned ev = 0, n;

	end = usock_end(fp, false, &was);
	if (was.state == US_LISTEN) {
		rw_rlock(&usock_lock);
		n = us->us_nqueue;
		rw_runlock(&usock_lock);
		return n > 0 ? POLLIN : 0U;
	}
	if (was.state == US_NEW)
		return POLLOUT | POLLHUP;
	/* The other side is gone: the end can be read. */
	if (end != NULL) {
		n = end->f_ops->fo_poll(end);
		file_put(end);
		ev |= (n & POLLHUP) != 0 ? n | POLLIN : n;
		if ((n & POLLHUP) != 0)
			ev |= POLLRDHUP;
	} else {
		ev |= POLLIN | POLLRDHUP;
	}
	end = usock_end(fp, true, &was);
	if (end != NULL) {
		n = end->f_ops->fo_poll(end);
		file_put(end);
		ev |= (n & POLLERR) != 0 ? POLLOUT : n;
		/* A half-closed connection has not hung up. */
		if ((n & POLLERR) == 0)
			ev &= ~(unsigned)POLLHUP;
	}
	return ev;
}

static uint64_t
usock_edge(struct file *fp, unsigned want)
{
	struct usock *us = fp->f_data;
	struct usock_was was;
	struct file *end;
	/* Apart from the ends' numbers, of which one goes by a shutdown. */
	uint64_t n = (uint64_t)atomic_load_relaxed(&us->us_nchanges) << 32;
	unsigned i;

	for (i = 0; i < 2; i++) {
		end = usock_end(fp, i == 1, &was);
		if (end == NULL)
			continue;
		n += end->f_ops->fo_edge(end, want &
		    ~(unsigned)(i == 1 ? POLL_INS : POLL_OUTS));
		file_put(end);
	}
	return n;
}

static int
usock_stat(struct file *fp, struct fstatus *st)
{
	struct usock *us = fp->f_data;

	*st = (struct fstatus){
		.st_ino = us->us_ino, .st_mode = S_IFSOCK | 0777,
		.st_nlink = 1
	};
	return 0;
}

static int
usock_ioctl(struct file *fp, uint64_t cmd, struct uaddr arg)
{
	struct usock_was was;
	struct file *end;
	int error;

	if (cmd != FIONREAD)
		return ENOTTY;
	end = usock_end(fp, false, &was);
	if (end == NULL)
		return EINVAL;
	error = end->f_ops->fo_ioctl(end, cmd, arg);
	file_put(end);
	return error;
}

static const struct fileops usock_ops = {
	.fo_name = "socket",
	.fo_read = usock_read,
	.fo_write = usock_write,
	.fo_ioctl = usock_ioctl,
	.fo_poll = usock_poll,
	.fo_edge = usock_edge,
	.fo_stat = usock_stat,
	.fo_close = usock_close,
};
