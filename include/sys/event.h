/* SPDX-License-Identifier: BSD-2-Clause */
/* event.h: eventfd, epoll and pidfd (eventfd.c, epoll.c, pidfd.c). */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct file;

void		 event_init(void);
/* eventfd_create: => Gives: a file.  semaphore: reads take 1. */
int		 eventfd_create(uint64_t count, bool semaphore,
		    unsigned flags, struct file **fpp) __warn_unused;
/* pidfd_create: => Gives: a file.  ESRCH, ENOMEM, ENFILE. */
int		 pidfd_create(int pid, unsigned flags, struct file **fpp)
		    __warn_unused;
/* pidfd_make: of a process that cannot be looked up yet. */
int		 pidfd_make(int pid, nsec_t start, unsigned flags,
		    struct file **fpp) __warn_unused;
/* pidfd_pid: the process; 0: it is gone; -1: fp is no pidfd.
 * => Locks: proctree_lock. */
int		 pidfd_pid(struct file *fp);
#define EPOLLET		0x80000000U
#define EPOLLONESHOT	0x40000000U
#define EPOLLWAKEUP	0x20000000U
#define EPOLLEXCLUSIVE	0x10000000U
struct epoll_want {
	uint32_t	events;
	uint64_t	data;
};
enum { EPOLL_ADD = 1, EPOLL_DEL, EPOLL_MOD };
int		 epoll_create(struct file **fpp) __warn_unused;
bool		 file_isepoll(const struct file *fp);
/* epoll_ctl: EEXIST, ENOENT, ENOMEM, EINVAL (itself; EPOLLEXCLUSIVE
 * with what it does not go with), ELOOP (a circle of epolls,
 * or more than 5 on a way), EPERM (a file that never blocks). */
int		 epoll_ctl(struct file *ep, int op, struct file *fp, int fd,
		    const struct epoll_want *want) __warn_unused;
/* epoll_scan: up to max that are ready now. */
unsigned	 epoll_scan(struct file *ep, struct epoll_want *out,
		    unsigned max);
void		 epoll_forget(struct file *fp);	/* the last reference went */
