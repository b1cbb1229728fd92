/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll.c: a set of files that is asked at once which are ready.
 *
 * An item does not keep its file open: the last file_put takes the items away.
 * A scan asks every item, as poll does.  What it is to tell it claims, under the
 * lock, so that of several scans only one tells a one-shot, or an edge; what was
 * told goes to the end of the list, so that few at a time are not always the
 * same.  An edge is a change of fo_edge's number since the last one told.  The
 * number of an epoll itself is counted on when it is asked for and finds the
 * number of an item changed, or an item new, or changed, and ready.
 *
 * I1: f_nepoll of a file is the number of items that watch it.
 * I2: an item's file is allocated while the item is on a list: epoll_forget
 *     runs, under epoll_lock, before the file is freed.
 * I3: epolls that watch epolls make no circle, and a way through them has
 *     NESTS_MAX steps at most: so deep do scans recurse.
 * Locks: epoll_lock, one for all; not held while a file is asked.
 * Sources: epoll(7), epoll_ctl(2) of Linux.
 */
#include <sys/event.h>

#include <lib/atomic.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>

#define NESTS_MAX	4U	/* as in Linux */

/* [k] epoll_lock all. */
struct epitem {
	TAILQ_ENTRY(epitem)	 ei_link;	/* by ei_seq */
	TAILQ_ENTRY(epitem)	 ei_idlink;	/* by ei_id */
	LIST_ENTRY(epitem)	 ei_watch;	/* of the epoll that ei_file is */
	struct epoll		*ei_ep;		/* whose item it is */
	struct file		*ei_file;
	int			 ei_fd;
	bool			 ei_off;	/* one shot, and it was shot */
	bool			 ei_told;	/* EPOLLET: ei_edge was */
	uint64_t		 ei_edge;	/* fo_edge's number then */
	struct epoll_want	 ei_want;
	uint64_t		 ei_seq;	/* rising along the list */
	uint64_t		 ei_id;		/* its own from ADD on */
	bool			 ei_seen;	/* ep_edges counts ei_number */
	uint64_t		 ei_number;
};

/* Lifetime: its file's. */
struct epoll {
	TAILQ_HEAD(, epitem)	 ep_items;	/* [k] */
	TAILQ_HEAD(, epitem)	 ep_byid;	/* [k] the same */
	LIST_HEAD(, epitem)	 ep_watches;	/* [k] items that watch it */
	TAILQ_ENTRY(epoll)	 ep_link;	/* [k] all of them */
	uint64_t		 ep_seq;	/* [k] */
	uint64_t		 ep_edges;	/* [k] its own number */
	uint64_t		 ep_gen;	/* [k] ep_depth is of this check */
	unsigned		 ep_depth;	/* [k] */
};

static struct rwlock	 epoll_lock;
static TAILQ_HEAD(, epoll) epolls = TAILQ_HEAD_INITIALIZER(epolls);
static uint64_t		 check_gen;	/* [k] */

void
event_init(void)
{
	rw_init(&epoll_lock, "epoll", LO_FUTEX, 0);
}

static void
item_drop(struct epoll *ep, struct epitem *ei)
{
	TAILQ_REMOVE(&ep->ep_items, ei, ei_link);
	TAILQ_REMOVE(&ep->ep_byid, ei, ei_idlink);
	if (file_isepoll(ei->ei_file))
		LIST_REMOVE(ei, ei_watch);
	atomic_sub(&ei->ei_file->f_nepoll, 1);
	kfree(ei);
}

void
epoll_forget(struct file *fp)
{
	struct epitem *ei, *next;
	struct epoll *ep;

	rw_wlock(&epoll_lock);
	TAILQ_FOREACH(ep, &epolls, ep_link)
		for (ei = TAILQ_FIRST(&ep->ep_items); ei != NULL; ei = next) {
			next = TAILQ_NEXT(ei, ei_link);
			if (ei->ei_file == fp)
				item_drop(ep, ei);
		}
	rw_wunlock(&epoll_lock);
}

static void
item_last(struct epoll *ep, struct epitem *ei)
{
	ei->ei_seq = ++ep->ep_seq;
	TAILQ_INSERT_TAIL(&ep->ep_items, ei, ei_link);
}

/* ---- scanning ---- */

/* An item as it was when it was looked at. [t] */
struct look {
	uint64_t		 seq;
	uint64_t		 edge;		/* number of now */
	struct epoll_want	 want;
	bool			 told;		/* an edge that was told is left */
	uint64_t		 told_edge;
};

/* item_after: the first item with a number above seq, up to last; its file
 * referenced. */
static struct file *
item_after(struct epoll *ep, struct look *l, uint64_t last)
{
	struct file *fp = NULL;
	struct epitem *ei;

	rw_rlock(&epoll_lock);
	TAILQ_FOREACH(ei, &ep->ep_items, ei_link) {
		if (ei->ei_seq <= l->seq || ei->ei_off)
			continue;
		if (ei->ei_seq > last)
			break;
		fp = file_ref_try(ei->ei_file);
		if (fp == NULL)
			continue;
		l->seq = ei->ei_seq;
		l->want = ei->ei_want;
		l->told = ei->ei_told;
		l->told_edge = ei->ei_edge;
		break;
	}
	rw_runlock(&epoll_lock);
	return fp;
}

/* item_claim: we tell what was seen; false: another scan did, or it is gone. */
static bool
item_claim(struct epoll *ep, const struct look *l, bool edges)
{
	struct epitem *ei;

	rw_wlock(&epoll_lock);
	TAILQ_FOREACH(ei, &ep->ep_items, ei_link)
		if (ei->ei_seq == l->seq)
			break;
	if (ei != NULL) {
		ei->ei_off = (l->want.events & EPOLLONESHOT) != 0;
		ei->ei_told = edges;
		ei->ei_edge = l->edge;
		TAILQ_REMOVE(&ep->ep_items, ei, ei_link);
		item_last(ep, ei);
	}
	rw_wunlock(&epoll_lock);
	return ei != NULL;
}

static unsigned
item_events(struct file *fp, uint32_t want)
{
	unsigned ev = fp->f_ops->fo_poll(fp);

	if ((ev & POLLIN) != 0)
		ev |= POLLRDNORM;
	if ((ev & POLLOUT) != 0)
		ev |= POLLWRNORM;
	return ev & (want | POLLERR | POLLHUP);
}

/* edge_number: who does not count is always ready: that is one edge. */
static uint64_t
edge_number(struct file *fp, uint32_t want)
{
	return fp->f_ops->fo_edge != NULL ? fp->f_ops->fo_edge(fp, want) : 0;
}

unsigned
epoll_scan(struct file *epf, struct epoll_want *out, unsigned max)
{
	struct epoll *ep = epf->f_data;
	uint64_t last = atomic_load(&ep->ep_seq);
	struct look l = { .seq = 0 };
	unsigned n = 0, ev;
	struct file *fp;
	bool edges;

	/* A mesh of epolls has many ways. */
	while (n < max && !thread_dying()) {
		fp = item_after(ep, &l, last);
		if (fp == NULL) {
			/* Another scan's claims move items beyond last: what
			 * is level-triggered may be there and not seen. */
			if (n > 0 || atomic_load(&ep->ep_seq) == last)
				break;
			last = atomic_load(&ep->ep_seq);
			l.seq = 0;
			continue;
		}
		edges = (l.want.events & EPOLLET) != 0;
		/* The number first: what comes later is another edge. */
		l.edge = edges ? edge_number(fp, l.want.events) : 0;
		ev = edges && l.told && l.edge == l.told_edge ? 0 :
		    item_events(fp, l.want.events);
		file_put(fp);
		if (ev == 0 || (out != NULL && !item_claim(ep, &l, edges)))
			continue;
		if (out != NULL)
			out[n] = (struct epoll_want){ ev, l.want.data };
		n++;
	}
	return n;
}

/* ---- the number of an epoll ---- */

/* seen_after: the first item with an id above *id that is not off, as it was;
 * its file referenced. */
static struct file *
seen_after(struct epoll *ep, uint64_t *id, struct epitem *was)
{
	struct file *fp = NULL;
	struct epitem *ei;

	rw_rlock(&epoll_lock);
	TAILQ_FOREACH(ei, &ep->ep_byid, ei_idlink) {
		if (ei->ei_id <= *id || ei->ei_off)
			continue;
		fp = file_ref_try(ei->ei_file);
		if (fp == NULL)
			continue;
		*id = ei->ei_id;
		*was = *ei;
		break;
	}
	rw_runlock(&epoll_lock);
	return fp;
}

/* seen_set: an item has this number now; counted: that is an edge.  Not if
 * another thread was first: it counted, and what came later is found later. */
static void
seen_set(struct epoll *ep, const struct epitem *was, uint64_t number,
    bool counted)
{
	struct epitem *ei;

	rw_wlock(&epoll_lock);
	TAILQ_FOREACH(ei, &ep->ep_byid, ei_idlink)
		if (ei->ei_id == was->ei_id)
			break;
	if (ei != NULL && ei->ei_seen == was->ei_seen &&
	    ei->ei_number == was->ei_number) {
		ei->ei_seen = true;
		ei->ei_number = number;
		ep->ep_edges += counted;
	}
	rw_wunlock(&epoll_lock);
}

/* epoll_edge: one for each event of an item, however few are taken. */
static uint64_t
epoll_edge(struct file *epf, unsigned want __unused)
{
	struct epoll *ep = epf->f_data;
	struct epitem was;
	uint64_t id = 0, number;
	struct file *fp;
	uint32_t events;

	while (!thread_dying() && (fp = seen_after(ep, &id, &was)) != NULL) {
		events = was.ei_want.events;
		number = edge_number(fp, events);
		if (!was.ei_seen)
			seen_set(ep, &was, number,
			    item_events(fp, events) != 0);
		else if (number != was.ei_number)
			seen_set(ep, &was, number, true);
		file_put(fp);
	}
	rw_rlock(&epoll_lock);
	number = ep->ep_edges;
	rw_runlock(&epoll_lock);
	return number;
}

/* ---- the file ---- */

static unsigned
epoll_poll(struct file *fp)
{
	return epoll_scan(fp, NULL, 1) > 0 ? POLLIN : 0U;
}

static int
epoll_stat(struct file *fp __unused, struct fstatus *st)
{
	*st = (struct fstatus){ .st_mode = 0600, .st_nlink = 1 };
	return 0;
}

static void
epoll_close(struct file *fp)
{
	struct epoll *ep = fp->f_data;
	struct epitem *ei;

	rw_wlock(&epoll_lock);
	while ((ei = TAILQ_FIRST(&ep->ep_items)) != NULL)
		item_drop(ep, ei);
	TAILQ_REMOVE(&epolls, ep, ep_link);
	rw_wunlock(&epoll_lock);
	kfree(ep);
}

static const struct fileops epoll_ops = {
	.fo_name = "anon_inode:[eventpoll]",
	.fo_poll = epoll_poll,
	.fo_edge = epoll_edge,
	.fo_stat = epoll_stat,
	.fo_close = epoll_close,
};

bool
file_isepoll(const struct file *fp)
{
	return fp->f_ops == &epoll_ops;
}

int
epoll_create(struct file **fpp)
{
	struct epoll *ep;
	int error;

	ep = kmalloc(sizeof(*ep), M_WAITOK | M_ZERO);
	if (ep == NULL)
		return ENOMEM;
	TAILQ_INIT(&ep->ep_items);
	TAILQ_INIT(&ep->ep_byid);
	LIST_INIT(&ep->ep_watches);
	rw_wlock(&epoll_lock);
	TAILQ_INSERT_TAIL(&epolls, ep, ep_link);
	rw_wunlock(&epoll_lock);
	error = file_alloc(&epoll_ops, O_RDWR, ep, NULL, fpp);
	if (error == 0)
		return 0;
	rw_wlock(&epoll_lock);
	TAILQ_REMOVE(&epolls, ep, ep_link);
	rw_wunlock(&epoll_lock);
	kfree(ep);
	return error;
}

/* ---- changing ---- */

static struct epitem *
item_find(struct epoll *ep, const struct file *fp, int fd)
{
	struct epitem *ei;

	TAILQ_FOREACH(ei, &ep->ep_items, ei_link)
		if (ei->ei_file == fp && ei->ei_fd == fd)
			return ei;
	return NULL;
}

/* depth_below: steps from ep to the last epoll below; too many if one of them is
 * top.  Each epoll is looked at once in a check. */
static unsigned
depth_below(struct epoll *ep, const struct epoll *top)
{
	const struct epitem *ei;
	unsigned depth = 0;

	if (ep == top)
		return NESTS_MAX + 1;
	if (ep->ep_gen == check_gen)
		return ep->ep_depth;
	TAILQ_FOREACH(ei, &ep->ep_items, ei_link)
		if (file_isepoll(ei->ei_file))
			depth = MAX(depth, 1 +
			    depth_below(ei->ei_file->f_data, top));
	ep->ep_gen = check_gen;
	ep->ep_depth = depth;
	return depth;
}

/* depth_above: steps to ep from the first epoll above. */
static unsigned
depth_above(struct epoll *ep)
{
	const struct epitem *ei;
	unsigned depth = 0;

	if (ep->ep_gen == check_gen)
		return ep->ep_depth;
	LIST_FOREACH(ei, &ep->ep_watches, ei_watch)
		depth = MAX(depth, 1 + depth_above(ei->ei_ep));
	ep->ep_gen = check_gen;
	ep->ep_depth = depth;
	return depth;
}

/* epoll_fits: I3, were ep to watch below. */
static bool
epoll_fits(struct epoll *ep, struct epoll *below)
{
	unsigned depth;

	check_gen++;
	depth = depth_below(below, ep);
	check_gen++;
	return depth <= NESTS_MAX && depth + 1 + depth_above(ep) <= NESTS_MAX;
}

/* exclusive_ok: EPOLLEXCLUSIVE is of an item from ADD on, goes with little else,
 * and not with an epoll. */
static bool
exclusive_ok(int op, const struct file *fp, const struct epoll_want *want)
{
	const uint32_t with = POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLET |
	    EPOLLWAKEUP | EPOLLEXCLUSIVE;

	return op == EPOLL_DEL || (want->events & EPOLLEXCLUSIVE) == 0 ||
	    (op == EPOLL_ADD && !file_isepoll(fp) &&
	    (want->events & ~with) == 0);
}

static int
epoll_check(struct file *epf, int op, struct file *fp,
    const struct epoll_want *want)
{
	if (epf == fp || !exclusive_ok(op, fp, want))
		return EINVAL;
	if (op == EPOLL_ADD && file_isepoll(fp) &&
	    !epoll_fits(epf->f_data, fp->f_data))
		return ELOOP;
	if (fp->f_ops->fo_poll == NULL || (fp->f_node != NULL &&
	    (S_ISREG(fp->f_node->rn_mode) || S_ISDIR(fp->f_node->rn_mode))))
		return EPERM;
	return 0;
}

static void
item_set(struct epoll *ep, struct epitem *ei, const struct epoll_want *want)
{
	ei->ei_want = *want;
	ei->ei_off = ei->ei_told = ei->ei_seen = false;
	item_last(ep, ei);
}

/* item_add: => Takes: ei, whose ei_file and ei_fd are set. */
static void
item_add(struct epoll *ep, struct epitem *ei, const struct epoll_want *want)
{
	struct epoll *below;

	ei->ei_ep = ep;
	atomic_add(&ei->ei_file->f_nepoll, 1);
	if (file_isepoll(ei->ei_file)) {
		below = ei->ei_file->f_data;
		LIST_INSERT_HEAD(&below->ep_watches, ei, ei_watch);
	}
	item_set(ep, ei, want);
	ei->ei_id = ei->ei_seq;
	TAILQ_INSERT_TAIL(&ep->ep_byid, ei, ei_idlink);
}

int
epoll_ctl(struct file *epf, int op, struct file *fp, int fd,
    const struct epoll_want *want)
{
	struct epoll *ep = epf->f_data;
	struct epitem *ei, *new = NULL;
	int error;

	if (op == EPOLL_ADD) {
		new = kmalloc(sizeof(*new), M_WAITOK | M_ZERO);
		if (new == NULL)
			return ENOMEM;
	}
	rw_wlock(&epoll_lock);
	error = epoll_check(epf, op, fp, want);
	ei = item_find(ep, fp, fd);
	if (error == 0 && op == EPOLL_ADD && ei != NULL)
		error = EEXIST;
	if (error == 0 && op != EPOLL_ADD && ei == NULL)
		error = ENOENT;
	if (error == 0 && op == EPOLL_MOD &&
	    (ei->ei_want.events & EPOLLEXCLUSIVE) != 0)
		error = EINVAL;
	if (error == 0 && op == EPOLL_ADD) {
		new->ei_file = fp;
		new->ei_fd = fd;
		item_add(ep, new, want);
		new = NULL;
	} else if (error == 0 && op == EPOLL_MOD) {
		TAILQ_REMOVE(&ep->ep_items, ei, ei_link);
		item_set(ep, ei, want);
	} else if (error == 0) {
		item_drop(ep, ei);
	}
	rw_wunlock(&epoll_lock);
	kfree(new);
	poll_wakeup();
	return error;
}
