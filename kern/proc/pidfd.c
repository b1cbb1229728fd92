/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfd.c: a descriptor that means one process, whoever gets its number later.
 *
 * Locks: proctree_lock.
 * Sources: pidfd_open(2) of Linux.
 */
#include <sys/event.h>

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/proc.h>

/* Lifetime: its file's.  [c] all: number and start name a process for good. */
struct pidfd {
	int	pf_pid;
	nsec_t	pf_start;
};

static const struct fileops pidfd_ops;

int
pidfd_pid(struct file *fp)
{
	const struct pidfd *pf = fp->f_data;
	struct proc *p;

	if (fp->f_ops != &pidfd_ops)
		return -1;
	p = proc_lookup(pf->pf_pid);
	return p != NULL && p->p_start == pf->pf_start ? pf->pf_pid : 0;
}

/* pidfd_poll: its end can be read. */
static unsigned
pidfd_poll(struct file *fp)
{
	unsigned ev;
	int pid;

	rw_rlock(&proctree_lock);
	pid = pidfd_pid(fp);
	ev = pid == 0 || proc_lookup(pid)->p_state == PRS_ZOMBIE ? POLLIN : 0U;
	rw_runlock(&proctree_lock);
	return ev;
}

/* pidfd_edge: it ends once. */
static uint64_t
pidfd_edge(struct file *fp, unsigned want __unused)
{
	return pidfd_poll(fp);
}

static int
pidfd_stat(struct file *fp __unused, struct fstatus *st)
{
	*st = (struct fstatus){ .st_mode = 0600, .st_nlink = 1 };
	return 0;
}

static void
pidfd_close(struct file *fp)
{
	kfree(fp->f_data);
}

static const struct fileops pidfd_ops = {
	.fo_name = "anon_inode:[pidfd]",
	.fo_poll = pidfd_poll,
	.fo_edge = pidfd_edge,
	.fo_stat = pidfd_stat,
	.fo_close = pidfd_close,
};

int
pidfd_make(int pid, nsec_t start, unsigned flags, struct file **fpp)
{
	struct pidfd *pf;
	int error;

	pf = kmalloc(sizeof(*pf), M_WAITOK);
	if (pf == NULL)
		return ENOMEM;
	*pf = (struct pidfd){ pid, start };
	error = file_alloc(&pidfd_ops, O_RDWR | (flags & O_NONBLOCK), pf, NULL,
	    fpp);
	if (error != 0)
		kfree(pf);
	return error;
}

int
pidfd_create(int pid, unsigned flags, struct file **fpp)
{
	struct proc *p;
	nsec_t start;

	rw_rlock(&proctree_lock);
	p = proc_lookup(pid);
	start = p != NULL ? p->p_start : 0;
	rw_runlock(&proctree_lock);
	return p == NULL ? ESRCH : pidfd_make(pid, start, flags, fpp);
}
