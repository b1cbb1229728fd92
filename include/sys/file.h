/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.h: open files, descriptor tables, pipes and the memory file system.
 *
 * struct file is what open(2) makes and dup(2) and fork(2) share; a descriptor
 * table maps small numbers to files.  The O_ and S_ constants have Linux's
 * values (one space, no table).
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/types.h>
#include <sys/lock.h>
#include <sys/uaddr.h>
#include <sys/uio.h>

struct file;
struct fsctx;
struct pipe;
struct rnode;
struct vm_object;

/* open(2) */
#define O_RDONLY	00000000
#define O_WRONLY	00000001
#define O_RDWR		00000002
#define O_ACCMODE	00000003
#define O_CREAT		00000100
#define O_EXCL		00000200
#define O_NOCTTY	00000400
#define O_TRUNC		00001000
#define O_APPEND	00002000
#define O_NONBLOCK	00004000
#define O_LARGEFILE	00100000
#define O_DIRECTORY	00200000
#define O_NOFOLLOW	00400000
#define O_CLOEXEC	02000000
#define O_PATH		010000000
#define O_TMPFILE	020200000	/* with O_DIRECTORY */
#define O_SETFL		(O_APPEND | O_NONBLOCK)	/* what F_SETFL may change */

#define S_IFMT		0170000
#define S_IFSOCK	0140000
#define S_IFLNK		0120000
#define S_IFREG		0100000
#define S_IFBLK		0060000
#define S_IFDIR		0040000
#define S_IFCHR		0020000
#define S_IFIFO		0010000
#define S_ISREG(m)	(((m) & S_IFMT) == S_IFREG)
#define S_ISDIR(m)	(((m) & S_IFMT) == S_IFDIR)
#define S_ISLNK(m)	(((m) & S_IFMT) == S_IFLNK)
#define S_ISCHR(m)	(((m) & S_IFMT) == S_IFCHR)
#define S_ISFIFO(m)	(((m) & S_IFMT) == S_IFIFO)
#define S_ISUID		04000
#define S_ISGID		02000
#define S_IXGRP		00010

#define PATH_MAX	4096
#define NAME_MAX	255
#define MAXSYMLINKS	40
#define PIPE_SIZE	65536UL
#define PIPE_BUF	4096UL
#define NDFILE		32	/* descriptors in a fresh table */
#define NOFILE_MAX	4096	/* highest RLIMIT_NOFILE */

#define FIONREAD	0x541b	/* ioctl: bytes to read, to an int */

#define POLLIN		0x0001
#define POLLPRI		0x0002
#define POLLOUT		0x0004
#define POLLERR		0x0008
#define POLLHUP		0x0010
#define POLLNVAL	0x0020
#define POLLRDNORM	0x0040
#define POLLWRNORM	0x0100
#define POLLRDHUP	0x2000
#define POLL_INS	(POLLIN | POLLPRI | POLLRDNORM | POLLRDHUP)
#define POLL_OUTS	(POLLOUT | POLLWRNORM)

/* ---- files ---- */

/* What stat(2) wants to know, before it is put in an ABI's layout. */
struct fstatus {
	uint64_t	st_dev, st_ino, st_size, st_rdev;
	uint64_t	st_blocks;		/* of 512 bytes */
	mode_t		st_mode;
	uint32_t	st_nlink, st_uid, st_gid;
	int64_t		st_atime, st_mtime, st_ctime, st_btime;	/* ns since
						 * 1970; before: negative */
};

/* fo_getdents calls this for each entry; false: no room, stop before it. */
typedef bool	dirent_fn(void *arg, const char *name, uint64_t ino,
		    uint64_t next_off, mode_t mode);

/* Operations; a NULL one is an error of that call (EINVAL, ENOTTY, ENODEV,
 * ESPIPE, ENOTDIR).  Each may sleep; none is called with a lock held but
 * fo_read and fo_write of a seekable file, under f_lock (fo_unlocked: not). */
struct fileops {
	const char	*fo_name;
	bool		 fo_seekable;
	bool		 fo_unlocked;	/* seekable, but not under f_lock */
	/* off: where, moved by what was done; pointless if not seekable */
	int		(*fo_read)(struct file *fp, struct uio *u,
			    uint64_t *off);
	int		(*fo_write)(struct file *fp, struct uio *u,
			    uint64_t *off);
	int		(*fo_ioctl)(struct file *fp, uint64_t cmd,
			    struct uaddr arg);
	unsigned	(*fo_poll)(struct file *fp);	/* POLL* true now */
	/* for EPOLLET: a number that is another one after each event of those
	 * in want, and after an end; NULL: it is always ready */
	uint64_t	(*fo_edge)(struct file *fp, unsigned want);
	int		(*fo_stat)(struct file *fp, struct fstatus *st);
	int		(*fo_truncate)(struct file *fp, uint64_t size);
	/* object that mmap maps, with a new reference */
	int		(*fo_mmap)(struct file *fp, struct vm_object **objp);
	int		(*fo_getdents)(struct file *fp, dirent_fn *fn,
			    void *arg);
	/* first of all; on an error there is no fo_close */
	int		(*fo_open)(struct file *fp, unsigned oflags);
	void		(*fo_close)(struct file *fp);	/* last reference */
};

/*
 * Lifetime: file_alloc makes it with one reference, which fd_install gives to a
 * descriptor; the last file_put closes.  Fields are protected as marked:
 * [c] const after init [a] atomic [F] f_lock.
 */
struct file {
	int			 f_refs;	/* [a] */
	unsigned		 f_flags;	/* [a] O_*: mode, O_SETFL bits */
	const struct fileops	*f_ops;		/* [c] */
	void			*f_data;	/* [c] from fo_open: what f_ops says */
	struct rnode		*f_node;	/* [c] or NULL; referenced */
	struct rwlock		 f_lock;	/* of f_offset */
	uint64_t		 f_offset;	/* [F]; [c] in a FIFO (pipe.c), a terminal */
	int			 f_nepoll;	/* [a] epoll items that watch it */
	int			 f_inflight;	/* [a] of f_refs, in sockets */
};

#define FREADABLE(f)	(((f)->f_flags & O_ACCMODE) != O_WRONLY)
#define FWRITABLE(f)	(((f)->f_flags & O_ACCMODE) != O_RDONLY)

void		 file_init(void);
/* file_new: a file that is nothing yet: file_set says what, file_free gives it
 * back.  => Returns 0 and *fpp; ENFILE: there are file_max, and user 0 does not
 * ask; ENOMEM. */
int		 file_new(struct file **fpp) __warn_unused;
/* file_set: => Takes: node's reference, when one is given. */
void		 file_set(struct file *fp, const struct fileops *ops,
		    unsigned flags, void *data, struct rnode *node);
void		 file_free(struct file *fp);
/* file_alloc: both.  => Takes: on success, node's reference. */
int		 file_alloc(const struct fileops *ops, unsigned flags,
		    void *data, struct rnode *node, struct file **fpp)
		    __warn_unused;
/* file_open: fo_open of a new file; an error frees it.  => Takes fp's reference
 * on an error. */
int		 file_open(struct file *fp, unsigned oflags) __warn_unused;
/* file_count: open files of all processes; file_max: how many there may be. */
unsigned	 file_count(void);
extern unsigned	 file_max;		/* [a] */
struct file	*file_ref(struct file *fp);
struct file	*file_ref_try(struct file *fp);	/* NULL: it is going */
void		 file_put(struct file *fp);
/* file_rw: read or write at the file's offset (seekable) and move it.
 * => Returns 0 or an errno; the bytes done are off u_resid. */
int		 file_rw(struct file *fp, struct uio *u) __warn_unused;
/* file_prw: at offset off; ESPIPE when not seekable. */
int		 file_prw(struct file *fp, struct uio *u, uint64_t off)
		    __warn_unused;
/* file_krw: file_prw with kernel memory; -1: at the file's own offset.
 * => Returns 0 and *done, or an errno and nothing done. */
int		 file_krw(struct file *fp, void *buf, size_t len, bool write,
		    int64_t off, size_t *done) __warn_unused;
int		 file_seek(struct file *fp, int64_t off, int whence,
		    uint64_t *res) __warn_unused;

/* ---- descriptor tables ---- */

#define FDF_CLOEXEC	1U
#define FDF_RESERVED	2U	/* no file yet, but not free */

/*
 * Lifetime: counted by fd_refs (threads and CLONE_FILES share).  Fields are
 * protected as marked: [a] atomic [d] fd_lock.
 */
struct fdtable {
	int		 fd_refs;		/* [a] */
	struct rwlock	 fd_lock;
	unsigned	 fd_size;		/* [d] */
	unsigned	 fd_limit;		/* [d] RLIMIT_NOFILE */
	unsigned	 fd_next;		/* [d] none free below */
	struct file	**fd_files;		/* [d] */
	uint8_t		*fd_flags;		/* [d] FDF_* each */
	struct file	*fd_files0[NDFILE];	/* [d] */
	uint8_t		 fd_flags0[NDFILE];	/* [d] */
};

struct fdtable	*fdtable_alloc(void);
/* fdtable_copy: for fork.  => Returns NULL: no memory. */
struct fdtable	*fdtable_copy(struct fdtable *fdt);
struct fdtable	*fdtable_share(struct fdtable *fdt);
void		 fdtable_put(struct fdtable *fdt);
/* fdtable_unshare: make *fdtp a table of our own.  ENOMEM. */
int		 fdtable_unshare(struct fdtable **fdtp) __warn_unused;
/* fdtable_cloexec: close what is marked; for exec. */
void		 fdtable_cloexec(struct fdtable *fdt);

/* fd_get: a reference on fd's file; NULL: EBADF. */
struct file	*fd_get(int fd);
/*
 * fd_reserve: the lowest free descriptor, for who has no file yet: a call takes
 * it before it makes anything, then it is one of fd_fill and fd_unreserve.
 * => Returns 0 and *fdp; EMFILE, ENOMEM and *fdp -1.
 */
int		 fd_reserve(bool cloexec, int *fdp) __warn_unused;
/* fd_fill: => Takes: fp's reference. */
void		 fd_fill(int fd, struct file *fp);
void		 fd_unreserve(int fd);
/*
 * fd_install: the lowest free descriptor >= min for fp.
 * => Takes: fp's reference, on success only.
 * => Returns 0; EMFILE; EINVAL (min over the limit); ENOMEM.
 */
int		 fd_install(struct file *fp, int min, bool cloexec, int *fdp)
		    __warn_unused;
/* fd_dup2: make new name fp, closing what it was.  => Takes fp's reference on
 * success.  EBADF (new out of range), EBUSY (it is reserved). */
int		 fd_dup2(struct file *fp, int new, bool cloexec) __warn_unused;
int		 fd_close(int fd);
/* fd_close_range: all of first..last that are there; cloexec: mark them only. */
void		 fd_close_range(unsigned first, unsigned last, bool cloexec);
/* fd_cloexec: -1 asks, 0 and 1 set; *was may be NULL.  EBADF. */
int		 fd_cloexec(int fd, int set, bool *was) __warn_unused;
void		 fd_setlimit(unsigned limit);

/* ---- pipes ---- */
extern const struct fileops fifo_fileops;	/* of S_IFIFO nodes */
/* pipe_create: => Gives: two files with one reference each. */
int		 pipe_create(unsigned flags, struct file **rd,
		    struct file **wr) __warn_unused;
void		 pipe_init(void);
/* pipe_node: a node that leads to a pipe without a name.  ENXIO: fp is none;
 * ENOMEM.  pipe_drop: such a node goes. */
int		 pipe_node(struct file *fp, struct rnode **np) __warn_unused;
void		 pipe_drop(struct pipe *pp);
/* pipe_rights: files on their way in the pipe that fp is an end of. */
struct rightslist;
struct rightslist *pipe_rights(struct file *fp);
/* poll_wakeup: some file's fo_poll answer changed. */
void		 poll_wakeup(void);
/* poll_begin, poll_wait: a poller reads the generation first, asks the files,
 * then waits unless the generation moved.  EWOULDBLOCK, EINTR. */
uint64_t	 poll_begin(void);
int		 poll_wait(uint64_t gen, nsec_t timo) __warn_unused;
void		 poll_end(void);

/* ---- the console (tty.c) and the small devices (dev.c) ---- */
enum dev_id {
	DEV_CONSOLE = 1, DEV_NULL, DEV_ZERO, DEV_RANDOM, DEV_FAULTS, DEV_TTY,
	DEV_FULL, DEV_URANDOM, DEV_PTMX, DEV_PTS
};
/* dev_lookup: the character device with this number; 0: there is none. */
int		 dev_lookup(uint64_t rdev);
const struct fileops *dev_ops(int id);	/* NULL: there is none */
uint64_t	 dev_rdev(enum dev_id id);
int		 dev_stat(struct file *fp, struct fstatus *st);
/* The console, /dev/tty (ENXIO without a controlling terminal), masters and
 * slaves of pseudo terminals (pty.c).  An open of a terminal makes it that of a
 * session leader who has none. */
extern const struct fileops console_fileops, mytty_fileops, ptmx_fileops,
	    pts_fileops;
#define PTS_RDEV	0x8800U		/* slave N is this + N */
#define PTY_MAX		64U
void		 tty_init(void);
/* /dev/faults (dev_faults.c): injected failures, with boot option faults=1. */
bool		 faults_wanted(void);
int		 faults_read(struct file *fp, struct uio *u, uint64_t *off);
int		 faults_write(struct file *fp, struct uio *u, uint64_t *off);
/* kern_random: len bytes of the kernel's generator; not for secrets. */
void		 random_init(void);
void		 kern_random(void *buf, size_t len);
