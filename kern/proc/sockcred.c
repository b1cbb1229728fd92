/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockcred.c: who wrote the bytes of a socket (SCM_CREDENTIALS).
 *
 * A pipe of a socket knows it of those bytes that one of its ends asked about,
 * or that the writer said it of.  It is known by runs: one writer's bytes in a
 * row, in however many writes, are one run, so that a talk costs one.
 *
 * Locks: the pipe's p_lock.
 * Sources: unix(7), cmsg(3) of Linux.
 */
#include <sys/sockcred.h>

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/proc.h>

struct sockcred
sockcred_self(unsigned kind)
{
	const struct proc *p = curproc;

	return (struct sockcred){
		p->p_pid, p->p_cred.cr_uid[kind], p->p_cred.cr_gid[kind]
	};
}

int
credruns_begin(struct credruns *l, uint64_t head, const struct sockcred *c,
    struct credrun **rp)
{
	struct credrun *r = TAILQ_LAST(l, credruns);

	*rp = r;
	if (r != NULL && r->cn_end == head &&
	    memcmp(&r->cn_cred, c, sizeof(*c)) == 0)
		return 0;
	r = kmalloc(sizeof(*r), M_WAITOK);
	if (r == NULL)
		return ENOMEM;
	r->cn_start = r->cn_end = head;
	r->cn_cred = *c;
	TAILQ_INSERT_TAIL(l, r, cn_link);
	*rp = r;
	return 0;
}

void
credruns_end(struct credruns *l, struct credrun *r, uint64_t head)
{
	r->cn_end = head;
	if (r->cn_start != head)
		return;
	TAILQ_REMOVE(l, r, cn_link);
	kfree(r);
}

uint64_t
credruns_find(const struct credruns *l, uint64_t tail, uint64_t stop,
    struct sockcred *c)
{
	const struct credrun *r = TAILQ_FIRST(l);

	if (r == NULL || tail < r->cn_start) {
		*c = SOCKCRED_NOBODY;
		return r == NULL ? stop : MIN(stop, r->cn_start);
	}
	*c = r->cn_cred;
	return MIN(stop, r->cn_end);
}

void
credruns_trim(struct credruns *l, uint64_t tail)
{
	struct credrun *r;

	while ((r = TAILQ_FIRST(l)) != NULL && r->cn_end <= tail) {
		TAILQ_REMOVE(l, r, cn_link);
		kfree(r);
	}
}
