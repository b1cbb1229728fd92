/* SPDX-License-Identifier: BSD-2-Clause */
/* procfs_priv.h: between procfs.c and what its files say. */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct proc;
struct rnode;
struct vmspace;

/* Where a file's text goes: a window of it. [t] I1: len <= size. */
struct pout {
	char		*buf;
	size_t		 size, len;
	uint64_t	 skip;		/* bytes before the window */
};
void	pout_printf(struct pout *o, const char *fmt, ...) __printflike(2, 3);
void	pout_bytes(struct pout *o, const void *p, size_t len);

/* What a name of procfs is.  [c] all. */
struct procent {
	const char		*name;
	unsigned		 mode;		/* S_IFMT and permissions */
	/* S_IFREG: its text.  => Returns an errno (ESRCH: no such process) */
	int			(*text)(struct pout *o, int pid);
	int			(*set)(uint64_t value);	/* S_IFREG: a number */
	const struct procent	*dir;		/* S_IFDIR: name NULL ends */
	/* S_IFLNK: fd is of /proc/PID/fd/N */
	int			(*readlink)(int pid, int fd, char *buf,
				    size_t size);
	int			(*follow)(int pid, int fd, struct rnode **np);
};

extern const struct procent procfs_pid_dir[];	/* what /proc/PID holds */
#define procfs_pid_fd	(procfs_pid_dir[0])	/* /proc/PID/fd */
extern const struct procent procfs_fd_link;	/* /proc/PID/fd/N */
extern const struct procent procfs_sys_root[];	/* /proc but the processes */

/* procfs_fd_next: the lowest descriptor >= fd of pid; -1: none. */
int	procfs_fd_next(int pid, int fd);
/* procfs_pid_next: the lowest process >= pid; -1: none. */
int	procfs_pid_next(int pid);
int	procfs_mounts(struct pout *o, int pid);
