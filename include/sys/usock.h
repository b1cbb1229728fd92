/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usock.h: AF_UNIX stream sockets.  A connection is two pipes; what a socket
 * adds is how the two ends find each other.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <sys/sockcred.h>

struct file;
struct rnode;
struct uio;

#define USOCK_PATH	108	/* bytes of a name */

/* A name: a path (node given), or bytes after a NUL (abstract). */
struct usock_name {
	struct rnode	*node;		/* referenced, or NULL */
	unsigned	 len;		/* 0: none */
	char		 bytes[USOCK_PATH];
};

void	usock_init(void);
bool	file_issock(const struct file *fp);
/* usock_create: => Gives: a file.  flags: O_NONBLOCK. */
int	usock_create(unsigned flags, struct file **fpp) __warn_unused;
int	usock_pair(unsigned flags, struct file **a, struct file **b)
	    __warn_unused;
/* usock_bind: => Takes: name's node, on success.  EINVAL: has one; EADDRINUSE
 * (abstract). */
int	usock_bind(struct file *fp, const struct usock_name *name)
	    __warn_unused;
/* usock_autobind: an abstract name of five digits, unless it has a name.
 * ENOSPC: they are all taken. */
int	usock_autobind(struct file *fp) __warn_unused;
int	usock_listen(struct file *fp, unsigned backlog) __warn_unused;
/* usock_connect: => Sleeps: while the queue is full.  ECONNREFUSED, EISCONN,
 * EAGAIN, EINVAL, ENOMEM. */
int	usock_connect(struct file *fp, const struct usock_name *name)
	    __warn_unused;
int	usock_accept(struct file *fp, unsigned flags, struct file **fpp)
	    __warn_unused;
/* usock_name_of: its own name, or the one of what it is connected to. */
int	usock_name_of(struct file *fp, bool peer, struct usock_name *name)
	    __warn_unused;
/* usock_shutdown: the reading, the writing side.  ENOTCONN. */
int	usock_shutdown(struct file *fp, bool rd, bool wr) __warn_unused;
bool	usock_listens(struct file *fp);
/* usock_passcred: 0 or 1, which is told (SO_PASSCRED); set -1: only asks. */
int	usock_passcred(struct file *fp, int set);
/* usock_peercred: who made the other end, or listened there; of a listener:
 * who listens; ids of -1: nobody. */
struct sockcred usock_peercred(struct file *fp);

/* For rights.c: all sockets stand still; take is called with the queues of those
 * that nothing leads to.  => Locks: rights_lock, too. */
struct rightslist;
void	usock_lock_all(void);
void	usock_unlock_all(void);
void	usock_unreached(struct rightslist *out,
	    void (*take)(struct rightslist *from, struct rightslist *to));
