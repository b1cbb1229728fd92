/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.c: open files and descriptor tables.
 *
 * I1: every slot of a table holds one reference on its file.
 * I2: no slot below fd_next is free.  A reserved one has no file yet, and is the
 *     calling thread's until fd_fill or fd_unreserve.
 * I3: only the thread of a process that has one, in a table that no other
 *     process shares, may look a slot up without fd_lock.
 * Locks: fd_lock (never with another LO_FILE lock); f_lock around the offset.
 */
#include <sys/file.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/event.h>
#include <sys/flock.h>
#include <sys/kmalloc.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <sys/rights.h>
#include <sys/usock.h>
#include <sys/zone.h>
#include <vm/vm_phys.h>

#define FILE_MAX_LEAST	8192UL

static struct zone *file_zone;
static struct zone *fdtable_zone;
static unsigned	 nfiles;		/* [a] */
unsigned	 file_max;		/* [a] */

void
file_init(void)
{
	file_zone = zone_create("file", sizeof(struct file), 16, NULL, 0);
	flock_init();
	event_init();
	usock_init();
	rights_init();
	fdtable_zone = zone_create("fdtable", sizeof(struct fdtable), 16,
	    NULL, 0);
	/* As Linux: they may fill a tenth of memory, a KiB each. */
	file_max = (unsigned)MAX(vm_phys_total() * (PAGE_SIZE / 1024) / 10,
	    FILE_MAX_LEAST);
}

/* ---- files ---- */

/* file_over: is there one too many?  User 0 may have it all the same. */
static bool
file_over(void)
{
	return atomic_fetchadd(&nfiles, 1) >= atomic_load_relaxed(&file_max) &&
	    curproc != NULL && curproc->p_cred.cr_uid[ID_EFF] != 0;
}

unsigned
file_count(void)
{
	return atomic_load_relaxed(&nfiles);
}

int
file_new(struct file **fpp)
{
	struct file *fp = NULL;
	int error;

	error = file_over() ? ENFILE : 0;
	if (error == 0) {
		fp = zone_alloc(file_zone, M_WAITOK | M_ZERO);
		error = fp == NULL ? ENOMEM : 0;
	}
	if (error != 0) {
		atomic_sub(&nfiles, 1);
		return error;
	}
	fp->f_refs = 1;
	rw_init(&fp->f_lock, "file", LO_FILE, 0);
	*fpp = fp;
	return 0;
}

void
file_set(struct file *fp, const struct fileops *ops, unsigned flags,
    void *data, struct rnode *node)
{
	fp->f_flags = flags;
	fp->f_ops = ops;
	fp->f_data = data;
	fp->f_node = node;
	rnode_use(node);
}

int
file_alloc(const struct fileops *ops, unsigned flags, void *data,
    struct rnode *node, struct file **fpp)
{
	int error;

	error = file_new(fpp);
	if (error == 0)
		file_set(*fpp, ops, flags, data, node);
	return error;
}

/* file_free: it was closed, or never open. */
void
file_free(struct file *fp)
{
	if (fp->f_node != NULL) {
		rnode_unuse(fp->f_node);
		rnode_put(fp->f_node);
	}
	rw_destroy(&fp->f_lock);
	zone_free(file_zone, fp);
	atomic_sub(&nfiles, 1);
}

struct file *
file_ref(struct file *fp)
{
	atomic_add(&fp->f_refs, 1);
	return fp;
}

struct file *
file_ref_try(struct file *fp)
{
	int refs = atomic_load(&fp->f_refs);

	while (refs > 0)
		if (atomic_fcmpset(&fp->f_refs, &refs, refs + 1))
			return fp;
	return NULL;
}

void
file_put(struct file *fp)
{
	int inflight, was;

	/* Only sockets hold files: no other one can have closed a ring. */
	inflight = atomic_load_relaxed(&fp->f_inflight);
	if (inflight != 0 && !file_issock(fp))
		inflight = 0;
	was = atomic_fetchadd(&fp->f_refs, -1);
	KASSERT(was > 0, "file %p put with %d references", (void *)fp, was);
	if (was != 1) {
		if (inflight != 0 && inflight >= was - 1)
			rights_gc();
		return;
	}
	if (atomic_load(&fp->f_nepoll) != 0)
		epoll_forget(fp);
	file_unlock_last(fp);
	if (fp->f_ops->fo_close != NULL)
		fp->f_ops->fo_close(fp);
	file_free(fp);
}

int
file_open(struct file *fp, unsigned oflags)
{
	int error;

	if (fp->f_ops->fo_open == NULL)
		return 0;
	error = fp->f_ops->fo_open(fp, oflags);
	if (error != 0)
		file_free(fp);
	return error;
}

static int
file_op(struct file *fp, struct uio *u, uint64_t *off)
{
	if (u->u_write) {
		if (!FWRITABLE(fp))
			return EBADF;
		if (fp->f_ops->fo_write == NULL)
			return EINVAL;
		return fp->f_ops->fo_write(fp, u, off);
	}
	if (!FREADABLE(fp))
		return EBADF;
	if (fp->f_ops->fo_read == NULL)
		return fp->f_ops->fo_getdents != NULL ? EISDIR : EINVAL;
	return fp->f_ops->fo_read(fp, u, off);
}

int
file_rw(struct file *fp, struct uio *u)
{
	uint64_t off;
	int error;

	if (!fp->f_ops->fo_seekable)
		return file_op(fp, u, &fp->f_offset);
	if (fp->f_ops->fo_unlocked) {
		off = atomic_load(&fp->f_offset);
		error = file_op(fp, u, &off);
		atomic_store(&fp->f_offset, off);
		return error;
	}
	rw_wlock(&fp->f_lock);
	error = file_op(fp, u, &fp->f_offset);
	rw_wunlock(&fp->f_lock);
	return error;
}

int
file_prw(struct file *fp, struct uio *u, uint64_t off)
{
	if (!fp->f_ops->fo_seekable)
		return ESPIPE;
	return file_op(fp, u, &off);
}

int
file_krw(struct file *fp, void *buf, size_t len, bool write, int64_t off,
    size_t *done)
{
	struct uiovec iov = { uaddr((uint64_t)(uintptr_t)buf), len };
	struct uio u;
	int error;

	uio_init(&u, &iov, 1, len, write);
	u.u_kernel = true;
	error = off < 0 ? file_rw(fp, &u) : file_prw(fp, &u, (uint64_t)off);
	*done = len - u.u_resid;
	return *done > 0 ? 0 : error;
}

/* seek_base: what whence counts from; data and holes are found from off. */
static int
seek_base(struct file *fp, int64_t off, int whence, int64_t *base)
{
	struct fstatus st;
	uint64_t pos;
	int error;

	error = fp->f_ops->fo_stat(fp, &st);
	if (error != 0)
		return error;
	switch (whence) {
	case 0:
		*base = 0;
		return 0;
	case 1:
		*base = (int64_t)fp->f_offset;
		return 0;
	case 2:
		*base = (int64_t)st.st_size;
		return 0;
	case 3:
	case 4:
		if (off < 0 || (uint64_t)off >= st.st_size)
			return ENXIO;
		pos = whence == 3 ? (uint64_t)off : st.st_size;
		if (fp->f_node != NULL && S_ISREG(fp->f_node->rn_mode) &&
		    fp->f_node->rn_ops == NULL)
			error = rnode_seek(fp->f_node, (uint64_t)off,
			    whence == 4, &pos);
		*base = (int64_t)pos - off;
		return error;
	default:
		return EINVAL;
	}
}

int
file_seek(struct file *fp, int64_t off, int whence, uint64_t *res)
{
	int64_t base, pos;
	int error;

	if (!fp->f_ops->fo_seekable)
		return ESPIPE;
	rw_wlock(&fp->f_lock);
	error = seek_base(fp, off, whence, &base);
	if (error == 0 &&
	    (__builtin_add_overflow(base, off, &pos) || pos < 0))
		error = EINVAL;
	if (error == 0)
		*res = fp->f_offset = (uint64_t)pos;
	rw_wunlock(&fp->f_lock);
	return error;
}

/* ---- tables ---- */

struct fdtable *
fdtable_alloc(void)
{
	struct fdtable *fdt;

	fdt = zone_alloc(fdtable_zone, M_WAITOK | M_ZERO);
	if (fdt == NULL)
		return NULL;
	fdt->fd_refs = 1;
	rw_init(&fdt->fd_lock, "fdtable", LO_FILE, LK_DUPOK);
	fdt->fd_size = NDFILE;
	fdt->fd_limit = 1024;
	fdt->fd_files = fdt->fd_files0;
	fdt->fd_flags = fdt->fd_flags0;
	return fdt;
}

struct fdtable *
fdtable_share(struct fdtable *fdt)
{
	atomic_add(&fdt->fd_refs, 1);
	return fdt;
}

static void
fdtable_free_arrays(struct fdtable *fdt)
{
	if (fdt->fd_files != fdt->fd_files0)
		kfree(fdt->fd_files);
}

void
fdtable_put(struct fdtable *fdt)
{
	unsigned i;

	if (atomic_fetchadd(&fdt->fd_refs, -1) != 1)
		return;
	for (i = 0; i < fdt->fd_size; i++) {
		KASSERT((fdt->fd_flags[i] & FDF_RESERVED) == 0,
		    "descriptor %u is reserved for ever (I2)", i);
		if (fdt->fd_files[i] != NULL) {
			file_unlock_closed(fdt->fd_files[i], fdt);
			file_put(fdt->fd_files[i]);
		}
	}
	fdtable_free_arrays(fdt);
	rw_destroy(&fdt->fd_lock);
	zone_free(fdtable_zone, fdt);
}

/* fdtable_grow: room for size descriptors.  fd_lock held, or fdt is new. */
static int
fdtable_grow(struct fdtable *fdt, unsigned size)
{
	struct file **files;
	uint8_t *flags;

	files = kmalloc(size * (sizeof(*files) + 1), M_WAITOK | M_ZERO);
	if (files == NULL)
		return ENOMEM;
	flags = (uint8_t *)(files + size);
	memcpy(files, fdt->fd_files, fdt->fd_size * sizeof(*files));
	memcpy(flags, fdt->fd_flags, fdt->fd_size);
	fdtable_free_arrays(fdt);
	fdt->fd_files = files;
	fdt->fd_flags = flags;
	fdt->fd_size = size;
	return 0;
}

struct fdtable *
fdtable_copy(struct fdtable *fdt)
{
	struct fdtable *new;
	unsigned i;

	new = fdtable_alloc();
	if (new == NULL)
		return NULL;
	rw_rlock(&fdt->fd_lock);
	if (fdt->fd_size > new->fd_size &&
	    fdtable_grow(new, fdt->fd_size) != 0) {
		rw_runlock(&fdt->fd_lock);
		fdtable_put(new);
		return NULL;
	}
	new->fd_limit = fdt->fd_limit;
	new->fd_next = fdt->fd_next;
	for (i = 0; i < fdt->fd_size; i++) {
		if (fdt->fd_files[i] == NULL) {
			/* What is reserved there is free here. */
			new->fd_next = MIN(new->fd_next, i);
			continue;
		}
		new->fd_files[i] = file_ref(fdt->fd_files[i]);
		new->fd_flags[i] = fdt->fd_flags[i];
	}
	rw_runlock(&fdt->fd_lock);
	return new;
}

int
fdtable_unshare(struct fdtable **fdtp)
{
	struct fdtable *new, *old;

	if (atomic_load(&(*fdtp)->fd_refs) == 1)
		return 0;
	new = fdtable_copy(*fdtp);
	if (new == NULL)
		return ENOMEM;
	rw_wlock(&curproc->p_lock);
	old = *fdtp;
	*fdtp = new;
	rw_wunlock(&curproc->p_lock);
	fdtable_put(old);
	return 0;
}

void
fdtable_cloexec(struct fdtable *fdt)
{
	unsigned i;

	for (i = 0; i < fdt->fd_size; i++)
		if ((fdt->fd_flags[i] & FDF_CLOEXEC) != 0)
			fd_close((int)i);
}

/* ---- descriptors of the running process ---- */

/* fd_alone: I3. */
static bool
fd_alone(const struct fdtable *fdt)
{
	return atomic_load_relaxed(&fdt->fd_refs) == 1 &&
	    curproc->p_nthreads == 1;
}

/* fd_lookup: fd's file, referenced, or NULL. */
static inline struct file *
fd_lookup(struct fdtable *fdt, int fd)
{
	if ((unsigned)fd >= fdt->fd_size || fdt->fd_files[fd] == NULL)
		return NULL;
	return file_ref(fdt->fd_files[fd]);
}

struct file *
fd_get(int fd)
{
	struct fdtable *fdt = curproc->p_fd;
	struct file *fp;

	if (fd_alone(fdt))
		return fd_lookup(fdt, fd);
	rw_rlock(&fdt->fd_lock);
	fp = fd_lookup(fdt, fd);
	rw_runlock(&fdt->fd_lock);
	return fp;
}

static bool
fd_isfree(const struct fdtable *fdt, unsigned slot)
{
	return fdt->fd_files[slot] == NULL &&
	    (fdt->fd_flags[slot] & FDF_RESERVED) == 0;
}

/* fd_slot: the lowest free slot >= min, grown to, becomes fp's, or reserved if
 * that is NULL.  fd_lock held. */
static int
fd_slot(struct fdtable *fdt, unsigned min, struct file *fp, bool cloexec,
    unsigned *slotp)
{
	unsigned i;
	int error;

	for (i = MAX(min, fdt->fd_next); i < fdt->fd_size; i++)
		if (fd_isfree(fdt, i))
			break;
	if (i >= fdt->fd_limit)
		return EMFILE;
	if (i >= fdt->fd_size) {
		error = fdtable_grow(fdt, MIN(MAX(i + 1, fdt->fd_size * 2),
		    (unsigned)NOFILE_MAX));
		if (error != 0)
			return error;
	}
	fdt->fd_files[i] = fp;
	fdt->fd_flags[i] = (uint8_t)((cloexec ? FDF_CLOEXEC : 0) |
	    (fp == NULL ? FDF_RESERVED : 0));
	if (min <= fdt->fd_next)
		fdt->fd_next = i + 1;
	*slotp = i;
	return 0;
}

int
fd_reserve(bool cloexec, int *fdp)
{
	struct fdtable *fdt = curproc->p_fd;
	unsigned slot;
	int error;

	rw_wlock(&fdt->fd_lock);
	error = fd_slot(fdt, 0, NULL, cloexec, &slot);
	rw_wunlock(&fdt->fd_lock);
	*fdp = error == 0 ? (int)slot : -1;
	return error;
}

void
fd_fill(int fd, struct file *fp)
{
	struct fdtable *fdt = curproc->p_fd;

	rw_wlock(&fdt->fd_lock);
	KASSERT((fdt->fd_flags[fd] & FDF_RESERVED) != 0,
	    "descriptor %d was not reserved (I2)", fd);
	fdt->fd_files[fd] = fp;
	fdt->fd_flags[fd] &= FDF_CLOEXEC;
	rw_wunlock(&fdt->fd_lock);
}

/* fd_clear: slot fd is free.  fd_lock held. */
static void
fd_clear(struct fdtable *fdt, unsigned fd)
{
	fdt->fd_files[fd] = NULL;
	fdt->fd_flags[fd] = 0;
	fdt->fd_next = MIN(fdt->fd_next, fd);
}

void
fd_unreserve(int fd)
{
	struct fdtable *fdt = curproc->p_fd;

	rw_wlock(&fdt->fd_lock);
	KASSERT((fdt->fd_flags[fd] & FDF_RESERVED) != 0,
	    "descriptor %d was not reserved (I2)", fd);
	fd_clear(fdt, (unsigned)fd);
	rw_wunlock(&fdt->fd_lock);
}

int
fd_install(struct file *fp, int min, bool cloexec, int *fdp)
{
	struct fdtable *fdt = curproc->p_fd;
	unsigned slot;
	int error;

	rw_wlock(&fdt->fd_lock);
	if (min < 0 || (min > 0 && (unsigned)min >= fdt->fd_limit))
		error = EINVAL;
	else
		error = fd_slot(fdt, (unsigned)min, fp, cloexec, &slot);
	if (error == 0)
		*fdp = (int)slot;
	rw_wunlock(&fdt->fd_lock);
	return error;
}

int
fd_dup2(struct file *fp, int new, bool cloexec)
{
	struct fdtable *fdt = curproc->p_fd;
	struct file *old;
	unsigned slot = (unsigned)new;
	int error;

	error = 0;
	old = NULL;
	rw_wlock(&fdt->fd_lock);
	if (slot >= fdt->fd_limit)
		error = EBADF;
	else if (slot >= fdt->fd_size)
		error = fdtable_grow(fdt, MIN(MAX(slot + 1, fdt->fd_size * 2),
		    (unsigned)NOFILE_MAX));
	if (error == 0 && (fdt->fd_flags[slot] & FDF_RESERVED) != 0)
		error = EBUSY;
	if (error == 0) {
		old = fdt->fd_files[slot];
		fdt->fd_files[slot] = fp;
		fdt->fd_flags[slot] = cloexec ? FDF_CLOEXEC : 0;
		if (slot == fdt->fd_next)
			fdt->fd_next++;
	}
	rw_wunlock(&fdt->fd_lock);
	if (old != NULL) {
		file_unlock_closed(old, fdt);
		file_put(old);
	}
	return error;
}

int
fd_close(int fd)
{
	struct fdtable *fdt = curproc->p_fd;
	struct file *fp;

	fp = NULL;
	rw_wlock(&fdt->fd_lock);
	if ((unsigned)fd < fdt->fd_size)
		fp = fdt->fd_files[fd];
	if (fp != NULL)
		fd_clear(fdt, (unsigned)fd);
	rw_wunlock(&fdt->fd_lock);
	if (fp == NULL)
		return EBADF;
	file_unlock_closed(fp, fdt);
	file_put(fp);
	return 0;
}

void
fd_close_range(unsigned first, unsigned last, bool cloexec)
{
	struct fdtable *fdt = curproc->p_fd;
	unsigned fd;

	rw_wlock(&fdt->fd_lock);
	last = MIN(last, fdt->fd_size - 1);
	for (fd = first; cloexec && fd <= last; fd++)
		if (fdt->fd_files[fd] != NULL)
			fdt->fd_flags[fd] = FDF_CLOEXEC;
	rw_wunlock(&fdt->fd_lock);
	for (fd = first; !cloexec && fd <= last; fd++)
		fd_close((int)fd);
}

int
fd_cloexec(int fd, int set, bool *was)
{
	struct fdtable *fdt = curproc->p_fd;
	int error;

	error = EBADF;
	rw_wlock(&fdt->fd_lock);
	if ((unsigned)fd < fdt->fd_size && fdt->fd_files[fd] != NULL) {
		error = 0;
		if (was != NULL)
			*was = (fdt->fd_flags[fd] & FDF_CLOEXEC) != 0;
		if (set >= 0)
			fdt->fd_flags[fd] = set != 0 ? FDF_CLOEXEC : 0;
	}
	rw_wunlock(&fdt->fd_lock);
	return error;
}

void
fd_setlimit(unsigned limit)
{
	struct fdtable *fdt = curproc->p_fd;

	rw_wlock(&fdt->fd_lock);
	fdt->fd_limit = MIN(limit, (unsigned)NOFILE_MAX);
	rw_wunlock(&fdt->fd_lock);
}
