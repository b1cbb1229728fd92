/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_priv.h: shared by the files of kern/linux: results, paths, times.
 */
#pragma once

#include <lib/types.h>
#include <linux/time.h>
#include <sys/errno.h>
#include <sys/syscall.h>
#include <sys/uaddr.h>

#include <syscall_table.h>	/* prototypes of the handlers */

/* cred_root: has the running process effective user 0? */
bool	cred_root(void);

struct file;
struct rnode;
struct uiovec;

/* ret_errno: 0 or -error. */
static inline int64_t
ret_errno(int error)
{
	return -(int64_t)error;
}

/* ret_restart: the same for a call that is run again after a signal. */
static inline int64_t
ret_restart(int error)
{
	return error == EINTR ? -ERESTART : -(int64_t)error;
}

/* A path from user space; small ones, nearly all, need no allocation. */
struct upath {
	char	*p;
	char	 small[256];
};
/* => Returns 0; EFAULT, ENAMETOOLONG, ENOMEM.  upath_put after success. */
int	upath_get(struct upath *up, uint64_t ua) __warn_unused;
void	upath_put(struct upath *up);
/* dir_get: where relative paths start: a referenced directory.  EBADF,
 * ENOTDIR. */
int	dir_get(int dirfd, struct rnode **dp) __warn_unused;
/* A user path with the directory that it starts from, referenced. */
struct name_at {
	struct rnode	*dir;
	struct upath	 path;
};
int	name_at_get(struct name_at *at, uint64_t dirfd, uint64_t path)
	    __warn_unused;
void	name_at_put(struct name_at *at);
/* upath_empty: is the path "", and AT_EMPTY_PATH among flags?  EFAULT. */
int	upath_empty(uint64_t path, uint64_t flags, bool *empty) __warn_unused;
/* upath_lookup: the referenced node of a user path. */
int	upath_lookup(int dirfd, uint64_t path, bool follow,
	    struct rnode **np) __warn_unused;

/* node_at: the referenced node of path from dirfd; with AT_EMPTY_PATH and "":
 * dirfd itself; AT_SYMLINK_NOFOLLOW. */
int	node_at(int dirfd, uint64_t path, uint64_t flags, struct rnode **np)
	    __warn_unused;

/* iov_get: cnt vectors from user space; the sum of their lengths. */
int	iov_get(uint64_t ua, unsigned cnt, struct uiovec *iov, size_t *total)
	    __warn_unused;

/* How long, and what is asked (linux_poll.c). [t] */
struct waiting {
	bool	 forever;
	nsec_t	 deadline;		/* uptime */
	/* scan: ask all; how many are ready */
	int	(*scan)(struct waiting *w, unsigned *ready);
	unsigned n;
	void	*what;
};
/* wait_until: timo from now. wait_loop: until something is ready or then. */
void	wait_until(struct waiting *w, bool forever, nsec_t timo);
int	wait_loop(struct waiting *w, unsigned *ready) __warn_unused;
/* mask_begin: the signal mask of one call; EINVAL, EFAULT.  mask_end: ret is
 * its result. */
int	mask_begin(uint64_t mask, uint64_t size) __warn_unused;
void	mask_end(int64_t ret);
/* fd_done: the end of a call that reserved fd, or -1, and then made fp, or an
 * error: its result.  fd_two_done: of one that gives two, and tells at ua.
 * => Takes: the reference of what was made. */
int64_t	fd_done(int error, int fd, struct file *fp);
int	fd_two_reserve(bool cloexec, int fds[2]) __warn_unused;
int64_t	fd_two_done(int error, const int fds[2], struct file *const fps[2],
	    uint64_t ua);

/* ---- sockets ---- */
#define MSG_DONTWAIT	0x40U
#define MSG_NOSIGNAL	0x4000U
#define MSG_HINTS	0x8000U		/* MORE */
#define SOL_SOCKET	1U
struct uio;
/* sock_get: fd's file when it is a socket; EBADF, ENOTSOCK. */
int	sock_get(uint64_t fd, struct file **fpp) __warn_unused;
/* sock_move: u's bytes, with the flags of one call. */
int64_t	sock_move(uint64_t fd, struct uio *u, uint64_t flags);

/* do_dup: the lowest descriptor >= min for fd's file. */
int64_t	do_dup(uint64_t fd, int min, bool cloexec);

/* mode_masked: permission bits under the caller's umask. */
mode_t	mode_masked(uint64_t mode);

/* timespec_get: a duration or time from user space.  EFAULT, EINVAL. */
int	timespec_get(uint64_t ua, nsec_t *ns) __warn_unused;
int	timespec_put(nsec_t ns, uint64_t ua) __warn_unused;
struct linux_timespec timespec_of(nsec_t ns);
struct linux_timeval timeval_of(nsec_t ns);

/* ---- linux_strace.c ---- */

/* One line as it is written.  [t] all. */
struct strace {
	const char	*name, *format;
	uint64_t	 args[6];
	unsigned	 nargs, arg;	/* arg: the next to write */
	unsigned	 len;
	char		 line[400];
};
/* strace_wanted: is the running process watched?  Not if strace_mode is ST_OFF,
 * which it is from the first call on without the boot option. */
enum strace_mode { ST_UNASKED, ST_OFF, ST_ALL, ST_PID, ST_NAME };
extern enum strace_mode strace_mode;	/* [h] */
bool	strace_wanted(void);
/* sd NULL: no such call. */
void	strace_enter(struct strace *st, const struct syscall_desc *sd,
	    uint32_t nr, const uint64_t args[6]);
void	strace_leave(struct strace *st, int64_t ret);
/* strace_gone: the call will not return. */
void	strace_gone(struct strace *st);

/* ---- linux_enosys.c ---- */

/* enosys_tell: the running program called nr, which said ENOSYS; sd NULL: there
 * is no such number. */
void	enosys_tell(uint32_t nr, const struct syscall_desc *sd);
