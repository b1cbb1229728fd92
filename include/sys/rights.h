/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rights.h: files that are sent through a socket (rights.c).
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/types.h>

struct file;

#define RIGHTS_MAX	253U	/* files of one message */

/*
 * Lifetime: from rights_get to rights_put; in a pipe's list between attach and
 * detach.  Fields are protected as marked: [c] const after init [k] the list's
 * lock and rights_lock; rights_gc: see rights.c, I4 [i] p_lock of the pipe.
 */
struct rights {
	TAILQ_ENTRY(rights)	 r_link;	/* [k] */
	TAILQ_ENTRY(rights)	 r_away;	/* [k] of all that are attached */
	uint64_t		 r_start, r_end;	/* [i] of the write's bytes */
	unsigned		 r_nfiles;	/* [c] */
	uint32_t		 r_uid;		/* [c] the sender's real one */
	struct file		*r_files[];	/* NULL: was taken; referenced */
};
TAILQ_HEAD(rightslist, rights);

void	rights_init(void);
/* rights_get: n files of the running process.  EBADF, EINVAL (too many),
 * ETOOMANYREFS (its user, who is not root, has more under way than it may have
 * open), ENOMEM. */
int	rights_get(const int32_t *fds, unsigned n, struct rights **rp)
	    __warn_unused;
/* rights_put: close what was not taken.  => Locks: none. */
void	rights_put(struct rights *r);
void	rights_put_all(struct rightslist *list);
/* rights_attach, rights_detach: into a pipe's list, and out of it.
 * => Locks: the pipe's. */
void	rights_attach(struct rightslist *list, struct rights *r);
void	rights_detach(struct rightslist *list, struct rights *r);
void	rights_detach_all(struct rightslist *list, struct rightslist *out);
/* rights_gc: close what only keeps itself open.  => Locks: none. */
void	rights_gc(void);
