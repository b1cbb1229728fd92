/* SPDX-License-Identifier: BSD-2-Clause */
/* flock.h: locks on byte ranges and on whole files (flock.c). */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct file;

enum lock_kind { LOCK_POSIX, LOCK_OFD, LOCK_WHOLE };
enum { LOCK_RD, LOCK_WR, LOCK_UN };
/* What is asked, or what is in the way. [t] */
struct lockreq {
	enum lock_kind	 kind;
	int		 type;		/* LOCK_RD, LOCK_WR, LOCK_UN */
	uint64_t	 start, end;	/* inclusive */
	int		 pid;		/* whose it is; OFD: -1 */
};
void		 flock_init(void);
/*
 * file_lock: take, change or give up a lock on fp's bytes.
 * => Sleeps: with wait, until nothing is in the way.
 * => Returns 0; EAGAIN (in the way, no wait); EINTR; EDEADLK; ENOLCK (no
 *    memory); EINVAL (a file without bytes).
 */
int		 file_lock(struct file *fp, const struct lockreq *req,
		    bool wait) __warn_unused;
/* file_getlock: *req becomes what is in its way; type LOCK_UN: nothing. */
int		 file_getlock(struct file *fp, struct lockreq *req)
		    __warn_unused;
/* file_unlock_closed: this process closed a descriptor of fp: its POSIX locks
 * go.  file_unlock_last: fp itself goes. */
void		 file_unlock_closed(struct file *fp, const void *fdt);
void		 file_unlock_last(struct file *fp);
