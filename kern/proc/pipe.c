/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe.c: pipes, those with a name (FIFOs) too, and the generation count behind
 * poll(2).
 *
 * A ring of PIPE_SIZE bytes in page-sized buffers that are allocated when the
 * ring first reaches them.  User memory is copied under the pipe's lock: it
 * sleeps, and its rank is below the maps'.
 *
 * I1: p_head - p_tail is the number of bytes in the ring, <= PIPE_SIZE.
 * I2: a write of at most PIPE_BUF bytes goes in whole or not at all.
 * I3: p_pages[i] exists for every byte between tail and head.
 * I4: p_refs counts open files, opens that wait, and nodes that /proc made for a
 *     pipe without a name.  rn_pipe of a FIFO has some; the last one clears it.
 * I5: f_offset of a FIFO's file is p_wopens when it was opened: an end of file
 *     is only told to a reader whose writer was there.  Of a pipe it is 0.
 * Locks: p_lock (LO_FILE); rn_lock for rn_pipe and a FIFO's p_refs, alone;
 *    poll's state is atomic.
 * Sources: pipe(7), fifo(7) of Linux; POSIX.1-2017 write(), open().
 */
#include <sys/file.h>

#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <sys/rights.h>
#include <sys/sleepq.h>
#include <sys/sockcred.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_page.h>

#define PIPE_PAGES	(PIPE_SIZE / PAGE_SIZE)
#define PIPE_NAME	32U

/* Lifetime: until both ends are closed. [i] p_lock. */
struct pipe {
	struct rwlock	 p_lock;
	uint64_t	 p_head, p_tail;	/* [i] bytes ever written, read */
	unsigned	 p_readers, p_writers;	/* [i] open ends */
	unsigned	 p_ropens, p_wopens;	/* [i] ends ever opened */
	unsigned	 p_nputs, p_nrooms;	/* [i] writes; times that a full
						 * one got room */
	unsigned	 p_nends;		/* [i] ends ever closed */
	unsigned	 p_refs;		/* [a] I4 */
	bool		 p_named;		/* [c] a FIFO's */
	unsigned	 p_rwait, p_wwait;	/* [i] threads that sleep */
	uint64_t	 p_ino;			/* [c] */
	struct rightslist p_rights;		/* [i] by r_start; see rights.c */
	struct credruns	 p_creds;		/* [i] whose bytes, if it is known */
	struct vm_page	*p_pages[PIPE_PAGES];	/* [i] */
};

static struct zone	*pipe_zone;
static uint64_t		 pipe_ino = 1UL << 32;	/* [a] */

static uint64_t		 poll_gen;		/* [a] */
static unsigned		 poll_waiters;		/* [a] */

void
pipe_init(void)
{
	pipe_zone = zone_create("pipe", sizeof(struct pipe), 16, NULL, 0);
}

/* ---- poll ---- */

void
poll_wakeup(void)
{
	/* Pairs with poll_begin: the waiter counts itself, then looks. */
	if (atomic_load(&poll_waiters) == 0)
		return;
	atomic_add(&poll_gen, 1);
	wakeup(&poll_gen);
}

uint64_t
poll_begin(void)
{
	atomic_add(&poll_waiters, 1);
	return atomic_load(&poll_gen);
}

void
poll_end(void)
{
	atomic_sub(&poll_waiters, 1);
}

int
poll_wait(uint64_t gen, nsec_t timo)
{
	sleepq_lock(&poll_gen);
	if (atomic_load(&poll_gen) != gen) {
		sleepq_release(&poll_gen);
		return 0;
	}
	return sleepq_wait(&poll_gen, PCATCH, "poll", timo);
}

/* ---- the ring ---- */

/* pipe_at: the bytes at position pos, and how many follow in its page. */
static void *
pipe_at(struct pipe *pp, uint64_t pos, size_t *run)
{
	struct vm_page *m;

	m = pp->p_pages[(pos / PAGE_SIZE) % PIPE_PAGES];
	*run = PAGE_SIZE - (pos & PAGE_MASK);
	return (char *)pmap_page_kva(m) + (pos & PAGE_MASK);
}

static int
pipe_need(struct pipe *pp, uint64_t pos)
{
	struct vm_page **mp;

	mp = &pp->p_pages[(pos / PAGE_SIZE) % PIPE_PAGES];
	if (*mp == NULL)
		*mp = vm_page_alloc_unowned(VM_ALLOC_NORMAL);
	return *mp == NULL ? ENOMEM : 0;
}

/*
 * pipe_get: move what is there, at most all that u wants.  A read does not go
 * beyond bytes that came with rights, which are *got, and not on to another
 * writer's when it wants to know whose they are.
 */
static int
pipe_get(struct pipe *pp, struct uio *u, struct rights **got)
{
	uint64_t stop = pp->p_head;
	struct rights *r;
	size_t run, before;
	void *p;
	int error;

	*got = NULL;
	error = 0;
	if (u->u_cred != NULL && pp->p_tail != stop)
		stop = credruns_find(&pp->p_creds, pp->p_tail, stop,
		    u->u_cred);
	while (u->u_resid > 0 && pp->p_tail != stop && error == 0) {
		r = *got == NULL ? TAILQ_FIRST(&pp->p_rights) : NULL;
		p = pipe_at(pp, pp->p_tail, &run);
		run = MIN(run, (r == NULL ? stop : MIN(stop, pp->p_tail <
		    r->r_start ? r->r_start : r->r_end)) - pp->p_tail);
		before = u->u_resid;
		error = uiomove(p, MIN(run, before), u);
		if (r != NULL && pp->p_tail == r->r_start &&
		    before != u->u_resid) {
			rights_detach(&pp->p_rights, r);
			*got = r;
			stop = MIN(stop, r->r_end);
		}
		pp->p_tail += before - u->u_resid;
	}
	credruns_trim(&pp->p_creds, pp->p_tail);
	/* An empty ring starts over, so that small talk stays in one page. */
	if (pp->p_head == pp->p_tail)
		pp->p_head = pp->p_tail = 0;
	return error;
}

/* pipe_put: move what there is room for. */
static int
pipe_put(struct pipe *pp, struct uio *u)
{
	size_t n, run, before;
	void *p;
	int error;

	error = 0;
	while (u->u_resid > 0 && error == 0) {
		n = PIPE_SIZE - (pp->p_head - pp->p_tail);
		if (n == 0)
			break;
		error = pipe_need(pp, pp->p_head);
		if (error != 0)
			break;
		p = pipe_at(pp, pp->p_head, &run);
		before = u->u_resid;
		error = uiomove(p, MIN(MIN(n, run), before), u);
		pp->p_head += before - u->u_resid;
	}
	return error;
}

/* pipe_room: may a write of left bytes, total of them at first, go on? */
static bool
pipe_room(const struct pipe *pp, size_t left, size_t total)
{
	size_t room = PIPE_SIZE - (pp->p_head - pp->p_tail);

	return total <= PIPE_BUF ? room >= left : room > 0;
}

/* pipe_wake: one side changed what the other may wait for. */
static void
pipe_wake(const void *chan, unsigned waiters)
{
	if (waiters != 0)
		wakeup(chan);
	poll_wakeup();
}

static int
pipe_read(struct file *fp, struct uio *u, uint64_t *off __unused)
{
	struct pipe *pp = fp->f_data;
	size_t want = u->u_resid;
	struct rights *got = NULL;
	bool full;
	int error;

	if (want == 0)
		return 0;
	error = 0;
	rw_wlock(&pp->p_lock);
	while (pp->p_head == pp->p_tail && pp->p_writers != 0 && error == 0) {
		if ((atomic_load(&fp->f_flags) & O_NONBLOCK) != 0) {
			error = EAGAIN;
			break;
		}
		pp->p_rwait++;
		error = rw_sleep(&pp->p_rwait, &pp->p_lock, PCATCH, "piperd",
		    0);
		pp->p_rwait--;
	}
	full = !pipe_room(pp, PIPE_BUF, PIPE_BUF);
	if (error == 0)
		error = pipe_get(pp, u, &got);
	pp->p_nrooms += full && pipe_room(pp, PIPE_BUF, PIPE_BUF);
	if (u->u_resid != want)
		pipe_wake(&pp->p_wwait, pp->p_wwait);
	rw_wunlock(&pp->p_lock);
	if (got != NULL && u->u_takes)
		u->u_rights = got;
	else if (got != NULL)
		rights_put(got);
	return u->u_resid != want ? 0 : error;
}

/* pipe_fill: one step of a write: wait for room, or put.  p_lock held. */
static int
pipe_fill(struct file *fp, struct pipe *pp, struct uio *u, size_t total)
{
	struct credrun *run = NULL;
	uint64_t head;
	int error;

	if (pp->p_readers == 0)
		return EPIPE;
	if (pipe_room(pp, u->u_resid, total)) {
		head = pp->p_head;
		error = u->u_cred == NULL ? 0 : credruns_begin(&pp->p_creds,
		    head, u->u_cred, &run);
		if (error == 0)
			error = pipe_put(pp, u);
		if (run != NULL)
			credruns_end(&pp->p_creds, run, pp->p_head);
		pp->p_nputs++;
		if (u->u_rights != NULL && pp->p_head != head) {
			u->u_rights->r_start = head;
			u->u_rights->r_end = pp->p_head;
			rights_attach(&pp->p_rights, u->u_rights);
			u->u_rights = NULL;
		}
		pipe_wake(&pp->p_rwait, pp->p_rwait);
		return error;
	}
	if ((atomic_load(&fp->f_flags) & O_NONBLOCK) != 0)
		return EAGAIN;
	pp->p_wwait++;
	error = rw_sleep(&pp->p_wwait, &pp->p_lock, PCATCH, "pipewr", 0);
	pp->p_wwait--;
	return error;
}

static int
pipe_write(struct file *fp, struct uio *u, uint64_t *off __unused)
{
	struct pipe *pp = fp->f_data;
	size_t total = u->u_resid;
	int error;

	error = 0;
	rw_wlock(&pp->p_lock);
	while (u->u_resid > 0 && error == 0)
		error = pipe_fill(fp, pp, u, total);
	rw_wunlock(&pp->p_lock);
	if (error == EPIPE && !u->u_nosig) {
		struct siginfo si = {
			.si_signo = SIGPIPE, .si_code = SI_USER,
			.si_pid = curproc->p_pid
		};

		rw_wlock(&curproc->p_lock);
		tdsignal(curuthread, SIGPIPE, &si);
		rw_wunlock(&curproc->p_lock);
	}
	return u->u_resid != total ? 0 : error;
}

static unsigned
pipe_poll(struct file *fp)
{
	struct pipe *pp = fp->f_data;
	unsigned ev;

	ev = 0;
	rw_wlock(&pp->p_lock);
	if (FREADABLE(fp)) {
		if (pp->p_head != pp->p_tail)
			ev |= POLLIN;
		if (pp->p_writers == 0 && pp->p_wopens != fp->f_offset)
			ev |= POLLHUP;
	}
	if (FWRITABLE(fp)) {
		if (pp->p_readers == 0)
			ev |= POLLERR;
		if (pipe_room(pp, PIPE_BUF, PIPE_BUF))
			ev |= POLLOUT;
	}
	rw_wunlock(&pp->p_lock);
	return ev;
}

static uint64_t
pipe_edge(struct file *fp, unsigned want)
{
	struct pipe *pp = fp->f_data;
	uint64_t n;

	rw_rlock(&pp->p_lock);
	n = pp->p_nends;
	n += (want & POLL_INS) != 0 ? pp->p_nputs : 0;
	n += (want & POLL_OUTS) != 0 ? pp->p_nrooms : 0;
	rw_runlock(&pp->p_lock);
	return n;
}

static int
pipe_stat(struct file *fp, struct fstatus *st)
{
	struct pipe *pp = fp->f_data;

	if (fp->f_node != NULL) {
		rnode_stat(fp->f_node, st);
		return 0;
	}
	*st = (struct fstatus){
		.st_ino = pp->p_ino, .st_mode = S_IFIFO | 0600, .st_nlink = 1
	};
	return 0;
}

static int
pipe_ioctl(struct file *fp, uint64_t cmd, struct uaddr arg)
{
	struct pipe *pp = fp->f_data;
	uint64_t n;

	if (cmd != FIONREAD)
		return ENOTTY;
	rw_wlock(&pp->p_lock);
	n = pp->p_head - pp->p_tail;
	rw_wunlock(&pp->p_lock);
	return suword32(arg, (uint32_t)n);
}

struct rightslist *
pipe_rights(struct file *fp)
{
	return &((struct pipe *)fp->f_data)->p_rights;
}

static void
pipe_free(struct pipe *pp)
{
	unsigned i;

	for (i = 0; i < PIPE_PAGES; i++)
		if (pp->p_pages[i] != NULL)
			vm_page_free_unowned(pp->p_pages[i]);
	credruns_trim(&pp->p_creds, ~0UL);
	rw_destroy(&pp->p_lock);
	zone_free(pipe_zone, pp);
}

void
pipe_drop(struct pipe *pp)
{
	if (atomic_fetchadd(&pp->p_refs, -1) == 1)
		pipe_free(pp);
}

/* pipe_leave: one end of fp's mode less. */
static void
pipe_leave(struct file *fp, struct pipe *pp)
{
	struct rightslist lost = TAILQ_HEAD_INITIALIZER(lost);

	rw_wlock(&pp->p_lock);
	pp->p_readers -= FREADABLE(fp);
	pp->p_writers -= FWRITABLE(fp);
	pp->p_nends++;
	if (pp->p_readers == 0)
		rights_detach_all(&pp->p_rights, &lost);
	wakeup(&pp->p_rwait);
	wakeup(&pp->p_wwait);
	poll_wakeup();
	rw_wunlock(&pp->p_lock);
	rights_put_all(&lost);
}

static void
pipe_close(struct file *fp)
{
	struct pipe *pp = fp->f_data;

	pipe_leave(fp, pp);
	pipe_drop(pp);
}

/* ---- pipes with a name ---- */

static struct pipe *
pipe_alloc(void)
{
	struct pipe *pp;

	pp = zone_alloc(pipe_zone, M_WAITOK | M_ZERO);
	if (pp == NULL)
		return NULL;
	rw_init(&pp->p_lock, "pipe", LO_FILE, 0);
	TAILQ_INIT(&pp->p_rights);
	TAILQ_INIT(&pp->p_creds);
	pp->p_ino = atomic_fetchadd(&pipe_ino, 1);
	return pp;
}

/* fifo_get: n's pipe, made for its first user. */
static struct pipe *
fifo_get(struct rnode *n)
{
	struct pipe *pp;

	rw_wlock(&n->rn_lock);
	if (n->rn_pipe == NULL) {
		n->rn_pipe = pipe_alloc();
		if (n->rn_pipe != NULL)
			n->rn_pipe->p_named = true;
	}
	pp = n->rn_pipe;
	if (pp != NULL)
		atomic_add(&pp->p_refs, 1);
	rw_wunlock(&n->rn_lock);
	return pp;
}

static void
fifo_put(struct rnode *n, struct pipe *pp)
{
	bool last;

	rw_wlock(&n->rn_lock);
	last = atomic_fetchadd(&pp->p_refs, -1) == 1;
	if (last)
		n->rn_pipe = NULL;
	rw_wunlock(&n->rn_lock);
	if (last)
		pipe_free(pp);
}

/* fifo_wait: until the other side was opened, once more than *opens says.  It
 * may be gone again by then. */
static int
fifo_wait(struct pipe *pp, const unsigned *opens) __requires(pp->p_lock)
{
	const unsigned before = *opens;
	int error;

	error = 0;
	while (*opens == before && error == 0)
		error = rw_sleep(&pp->p_ropens, &pp->p_lock, PCATCH, "fifo",
		    0);
	return error;
}

/* fifo_join: an end of fp's mode, and the wait for the other one. */
static int
fifo_join(struct file *fp, struct pipe *pp, bool nonblock)
{
	bool rd = FREADABLE(fp), wr = FWRITABLE(fp);
	int error;

	error = 0;
	rw_wlock(&pp->p_lock);
	/* Only who has a name is waited for. */
	if (wr && !rd && nonblock && pp->p_readers == 0 && pp->p_named) {
		rw_wunlock(&pp->p_lock);
		return ENXIO;
	}
	fp->f_offset = rd && !wr && pp->p_writers == 0 ? pp->p_wopens : ~0UL;
	pp->p_readers += rd;
	pp->p_writers += wr;
	pp->p_ropens += rd;
	pp->p_wopens += wr;
	wakeup(&pp->p_ropens);
	poll_wakeup();
	if (pp->p_named && rd && !wr && pp->p_writers == 0 && !nonblock)
		error = fifo_wait(pp, &pp->p_wopens);
	else if (pp->p_named && wr && !rd && pp->p_readers == 0)
		error = fifo_wait(pp, &pp->p_ropens);
	rw_wunlock(&pp->p_lock);
	if (error != 0)
		pipe_leave(fp, pp);
	return error;
}

static int
fifo_open(struct file *fp, unsigned oflags)
{
	struct pipe *pp = fifo_get(fp->f_node);
	int error;

	if (pp == NULL)
		return ENOMEM;
	error = fifo_join(fp, pp, (oflags & O_NONBLOCK) != 0);
	if (error != 0)
		fifo_put(fp->f_node, pp);
	fp->f_data = pp;
	return error;
}

static void
fifo_close(struct file *fp)
{
	struct pipe *pp = fp->f_data;

	pipe_leave(fp, pp);
	fifo_put(fp->f_node, pp);
}

const struct fileops fifo_fileops = {
	.fo_name = "fifo",
	.fo_read = pipe_read,
	.fo_write = pipe_write,
	.fo_ioctl = pipe_ioctl,
	.fo_poll = pipe_poll,
	.fo_edge = pipe_edge,
	.fo_stat = pipe_stat,
	.fo_open = fifo_open,
	.fo_close = fifo_close,
};

/* ---- pipes without ---- */

static const struct fileops pipe_ops = {
	.fo_name = "pipe",
	.fo_read = pipe_read,
	.fo_write = pipe_write,
	.fo_ioctl = pipe_ioctl,
	.fo_poll = pipe_poll,
	.fo_edge = pipe_edge,
	.fo_stat = pipe_stat,
	.fo_close = pipe_close,
};

int
pipe_node(struct file *fp, struct rnode **np)
{
	struct pipe *pp = fp->f_data;
	struct rnode *n;

	if (fp->f_ops != &pipe_ops)
		return ENXIO;
	n = rnode_alloc(S_IFIFO | 0600);
	if (n == NULL)
		return ENOMEM;
	n->rn_target = kmalloc(PIPE_NAME, M_WAITOK);
	if (n->rn_target == NULL) {
		rnode_put(n);
		return ENOMEM;
	}
	(void)ksnprintf(n->rn_target, PIPE_NAME, "pipe:[%lu]", pp->p_ino);
	n->rn_ino = pp->p_ino;
	atomic_add(&pp->p_refs, 1);
	n->rn_pipe = pp;
	*np = n;
	return 0;
}

int
pipe_create(unsigned flags, struct file **rd, struct file **wr)
{
	struct pipe *pp;
	int error;

	pp = pipe_alloc();
	if (pp == NULL)
		return ENOMEM;
	pp->p_refs = 2;
	pp->p_readers = pp->p_writers = 1;
	pp->p_ropens = pp->p_wopens = 1;
	error = file_alloc(&pipe_ops, O_RDONLY | (flags & O_NONBLOCK), pp,
	    NULL, rd);
	if (error != 0) {
		pipe_free(pp);
		return error;
	}
	error = file_alloc(&pipe_ops, O_WRONLY | (flags & O_NONBLOCK), pp,
	    NULL, wr);
	if (error != 0) {
		pp->p_writers = 0;
		pp->p_refs = 1;
		file_put(*rd);
	}
	return error;
}
