/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramfs.h: the memory file system and its names.
 *
 * A regular file's bytes are the pages of its OBJT_FILE object, so read, write,
 * exec and mmap see one copy.  Names are guarded by one lock (ramfs_lock), the
 * bytes of a file by its node's rn_lock; they are never held together.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/types.h>
#include <sys/file.h>
#include <sys/lock.h>

struct mount;
struct pipe;
struct procent;
struct rnode;
struct vm_object;

/* Operations of a node that its file system makes when asked (procfs).  None
 * is called with ramfs_lock held but ro_name. */
struct rnode_ops {
	/* of a directory: a new node, referenced; ENOENT, ENOMEM */
	int	(*ro_lookup)(struct rnode *dir, const char *name, size_t len,
		    struct rnode **np);
	int	(*ro_getdents)(struct file *fp, dirent_fn *fn, void *arg);
	/* the name of n, which it made; its length */
	int	(*ro_name)(struct rnode *n, char name[NAME_MAX + 1]);
	/* of a symbolic link: its text; and, when it goes to a node that the
	 * text may not name, that node, referenced */
	int	(*ro_readlink)(struct rnode *n, char *buf, size_t size);
	int	(*ro_follow)(struct rnode *n, struct rnode **np);
	/* of a node that is made anew by each lookup, but whose owner and mode
	 * last: put n's by, or bring n what was */
	void	(*ro_attrs)(struct rnode *n, bool put);
	const struct fileops *ro_fileops;	/* NULL: ramfs's */
};

/* A name in a directory. [N] ramfs_lock. */
struct rdirent {
	TAILQ_ENTRY(rdirent)	 rd_link;	/* [N] */
	struct rnode		*rd_node;	/* [N] counted in rn_nlink */
	uint64_t		 rd_seq;	/* [c] readdir cookie, rising */
	uint8_t			 rd_len;	/* [c] */
	char			 rd_name[];	/* [c] */
};

/*
 * Lifetime: exists while it has a name or a reference (rn_refs: open files,
 * working directories, lookups).  Fields are protected as marked: [c] const
 * after init [a] atomic [N] ramfs_lock [n] rn_lock.
 */
struct rnode {
	struct rwlock		 rn_lock;
	int			 rn_refs;	/* [a] each name has one */
	uint32_t		 rn_nlink;	/* [N] */
	int			 rn_execs;	/* [a] processes that run it */
	int			 rn_writers;	/* [a] files open for writing */
	mode_t			 rn_mode;	/* [a] type is [c] */
	uint64_t		 rn_ino;	/* [c] */
	uint64_t		 rn_size;	/* [n] w, r: [a] */
	uint32_t		 rn_uid, rn_gid;	/* [a] */
	int64_t			 rn_atime;	/* [a] ns since 1970 */
	int64_t			 rn_mtime;	/* [a] bytes or names changed */
	int64_t			 rn_ctime;	/* [a] anything changed */
	int64_t			 rn_btime;	/* [c] made */
	uint64_t		 rn_rdev;	/* [c] S_IFCHR, S_IFBLK: number */
	struct vm_object	*rn_object;	/* [n] S_IFREG; NULL: empty */
	struct pipe		*rn_pipe;	/* [n] S_IFIFO; NULL: not open; of
						 * pipe_node: [c] counted */
	char			*rn_target;	/* [c] S_IFLNK: where to; a node without a
					 * name: what /proc shows */
	struct rnode		*rn_parent;	/* [N] directory of the last name
						 * made; root: itself */
	TAILQ_HEAD(, rdirent)	 rn_entries;	/* [N] S_IFDIR */
	uint64_t		 rn_seq;	/* [N] next cookie */
	TAILQ_HEAD(, filelock)	 rn_locks;	/* flock.c's lock */
	int			 rn_nlocks;	/* [a] of them: none, no look */
	bool			 rn_linkable;	/* [N] without ever a name */
	unsigned		 rn_seals;	/* [a] memfd_create: SEAL_* */
	struct mount		*rn_mount;	/* [c] once it had a name or O_TMPFILE;
						 * counted */
	struct mount		*rn_over;	/* [N] covers this directory */
	const struct rnode_ops	*rn_ops;	/* [c] NULL: an ordinary node */
	const struct procent	*rn_procent;	/* [c] procfs.c: what it is */
	int			 rn_pid, rn_fd;	/* [c] and of whom; pty.c: rn_fd */
};

/* Working directory, root and umask of a process; CLONE_FS shares. */
struct fsctx {
	int			 fx_refs;	/* [a] */
	struct rwlock		 fx_lock;
	struct rnode		*fx_cwd;	/* [x] fx_lock */
	struct rnode		*fx_root;	/* [x] */
	mode_t			 fx_umask;	/* [a] */
};
struct fsctx	*fsctx_alloc(void);
struct fsctx	*fsctx_copy(struct fsctx *fx);
struct fsctx	*fsctx_share(struct fsctx *fx);
void		 fsctx_put(struct fsctx *fx);
struct rnode	*fsctx_cwd(struct fsctx *fx);	/* referenced */
struct rnode	*fsctx_root(struct fsctx *fx);	/* referenced */
void		 fsctx_chdir(struct fsctx *fx, struct rnode *dir);
void		 fsctx_chroot(struct fsctx *fx, struct rnode *dir);

extern struct rnode *ramfs_root;

void		 ramfs_init(void);	/* an empty root and /dev */
/*
 * ramfs_unpack: make the files of a newc archive.  A bad archive is not
 * returned from: one clear line and panic_exit(EXIT_NOINIT).
 */
void		 ramfs_unpack(const void *image, size_t len);

void		 ramfs_name_init(void);

/* rnode_alloc: => Gives one reference.  mode's type is for good. */
struct rnode	*rnode_alloc(mode_t mode);
struct rnode	*rnode_ref(struct rnode *n);
/*
 * A regular file is run or written, not both.  rnode_exec_get and
 * rnode_write_get: ETXTBSY when the other is going on; the put ends it.
 * => A shared mapping outlives its file's writing: that is not seen.
 */
int		 rnode_exec_get(struct rnode *n) __warn_unused;
void		 rnode_exec_put(struct rnode *n);
int		 rnode_write_get(struct rnode *n) __warn_unused;
void		 rnode_write_put(struct rnode *n);
void		 rnode_put(struct rnode *n);

/*
 * ramfs_namei: path, from dir when it is relative, to a referenced node; a
 * symbolic link at the end is followed when follow says so.
 * => Returns 0; ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG.
 */
int		 ramfs_namei(struct rnode *dir, const char *path, bool follow,
		    struct rnode **np) __warn_unused;
/* ramfs_open: open(2) below the ABI; mode is cut by the caller's umask. */
int		 ramfs_open(struct rnode *dir, const char *path,
		    unsigned oflags, mode_t mode, struct file **fpp)
		    __warn_unused;
/* ramfs_mknode: mode's type says what; target for symbolic links; rdev for
 * devices.  EEXIST, ENOENT, ... */
int		 ramfs_mknode(struct rnode *dir, const char *path, mode_t mode,
		    const char *target, uint64_t rdev) __warn_unused;
int		 ramfs_unlink(struct rnode *dir, const char *path, bool rmdir)
		    __warn_unused;
/* ramfs_link: one more name for n. */
int		 ramfs_link(struct rnode *n, struct rnode *newdir,
		    const char *new) __warn_unused;
/* ramfs_tmpfile: a file without a name, in the file system of the directory
 * path; link may give it one if linkable says so.  EOPNOTSUPP, EROFS, ... */
int		 ramfs_tmpfile(struct rnode *dir, const char *path, bool follow,
		    mode_t mode, bool linkable, struct rnode **np)
		    __warn_unused;
#define RENAME_NOREPLACE	0x1U
#define RENAME_EXCHANGE		0x2U
int		 ramfs_rename(struct rnode *olddir, const char *old,
		    struct rnode *newdir, const char *new, unsigned flags)
		    __warn_unused;
/* ramfs_getpath: the absolute path of n; ERANGE; ENOENT when unlinked. */
int		 ramfs_getpath(struct rnode *n, char *buf, size_t size)
		    __warn_unused;

/* ramfs_getdents: fo_getdents of directories. */
int		 ramfs_getdents(struct file *fp, dirent_fn *fn, void *arg);

/* contents (ramfs_data.c) */
int		 rnode_read(struct rnode *n, uint64_t off, struct uio *u)
		    __warn_unused;
/* rnode_write: at *off, or at the end; moves *off by what was done. */
int		 rnode_write(struct rnode *n, uint64_t *off, bool append,
		    struct uio *u) __warn_unused;
/* rnode_kread, rnode_kwrite: kernel memory; kread returns bytes got. */
size_t		 rnode_kread(struct rnode *n, uint64_t off, void *buf,
		    size_t len);
int		 rnode_kwrite(struct rnode *n, uint64_t off, const void *buf,
		    size_t len) __warn_unused;
int		 rnode_truncate(struct rnode *n, uint64_t size) __warn_unused;
/* rnode_seek: the first byte of data, or of a hole, at or after off, which is
 * below the size; the end is a hole.  ENXIO: no data. */
int		 rnode_seek(struct rnode *n, uint64_t off, bool hole,
		    uint64_t *pos) __warn_unused;
/* rnode_punch: bytes [off, off + len) become a hole. */
int		 rnode_punch(struct rnode *n, uint64_t off, uint64_t len)
		    __warn_unused;
/* rnode_allocate: pages for [off, off + len), the size growing unless keep.
 * ENOSPC: what was made stays; EFBIG. */
int		 rnode_allocate(struct rnode *n, uint64_t off, uint64_t len,
		    bool keep) __warn_unused;
/* ramfs_npages: pages that are counted for files now. */
uint64_t	 ramfs_npages(void);
/* ramfs_space: pages that files without a limit can have, and could now. */
void		 ramfs_space(uint64_t *blocks, uint64_t *nfree);
/* memfd_create: a file without a name, open for reading and writing. */
int		 memfd_create(const char *name, bool seals,
		    struct file **fpp) __warn_unused;
#define SEAL_SEAL		0x01U	/* no more seals */
#define SEAL_SHRINK		0x02U
#define SEAL_GROW		0x04U
#define SEAL_WRITE		0x08U
#define SEAL_FUTURE_WRITE	0x10U
#define SEAL_ALL		0x1fU
/* rnode_seal: EPERM: sealed against it; EBUSY: WRITE, and somebody maps it. */
int		 rnode_seal(struct rnode *n, unsigned seals) __warn_unused;
/* rnode_accessed: read now: moves the access time as relatime does.
 * rnode_changed: the node now, its bytes or names with data. */
void		 rnode_accessed(struct rnode *n);
void		 rnode_changed(struct rnode *n, bool data);
void		 rnode_chmod(struct rnode *n, mode_t mode);
/* rnode_chown: UINT32_MAX leaves one as it is. */
void		 rnode_chown(struct rnode *n, uint32_t uid, uint32_t gid);
/* rnode_utimes: NULL leaves one as it is. */
void		 rnode_utimes(struct rnode *n, const int64_t *atime,
		    const int64_t *mtime);
/* rnode_object: the file's object with a new reference; ENOMEM never: sleeps.
 * A device or directory: NULL. */
struct vm_object *rnode_object(struct rnode *n);
void		 rnode_stat(struct rnode *n, struct fstatus *st);
void		 rnode_data_fini(struct rnode *n);
extern const struct fileops ramfs_fileops;
