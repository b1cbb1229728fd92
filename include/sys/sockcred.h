/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockcred.h: who wrote the bytes of a socket (sockcred.c).
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/types.h>

/* In the layout of Linux's struct ucred.  Bytes that nobody asked about are from
 * SOCKCRED_NOBODY. */
struct sockcred {
	int32_t		sc_pid;
	uint32_t	sc_uid, sc_gid;
};
CTASSERT(sizeof(struct sockcred) == 12, "struct ucred is 12 bytes");
#define SOCKCRED_NOBODY	((struct sockcred){ 0, 65534, 65534 })

/* Lifetime: from credruns_begin until its last byte was read.  [i] all: the lock
 * of the pipe. */
struct credrun {
	TAILQ_ENTRY(credrun)	 cn_link;
	uint64_t		 cn_start, cn_end;	/* of the bytes */
	struct sockcred		 cn_cred;
};
TAILQ_HEAD(credruns, credrun);

/* sockcred_self: the running process by its ids of one kind (ID_REAL ...). */
struct sockcred	sockcred_self(unsigned kind);

/*
 * Runs of bytes in a pipe, by position; two that touch differ.  => Locks: the
 * pipe's.
 * credruns_begin: the run that bytes written at head will be in.  ENOMEM.
 * credruns_end: they were, up to head; none at all is allowed.
 * credruns_find: whose the byte at tail is; up to where (stop at most) they all
 * are.
 * credruns_trim: bytes before tail were read.
 */
int		credruns_begin(struct credruns *l, uint64_t head,
		    const struct sockcred *c, struct credrun **rp)
		    __warn_unused;
void		credruns_end(struct credruns *l, struct credrun *r,
		    uint64_t head);
uint64_t	credruns_find(const struct credruns *l, uint64_t tail,
		    uint64_t stop, struct sockcred *c);
void		credruns_trim(struct credruns *l, uint64_t tail);
