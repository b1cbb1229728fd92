/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramfs_data.c: the bytes of memory files: read, write, truncate and the pager
 * that mmap and exec see.
 *
 * The object of a file is its store: a page that is not there is a hole and
 * reads as zero.  A page is wired, not busied, while its bytes are moved: user
 * memory may fault meanwhile, on the very same page.
 *
 * I1: rn_object->size is round_page(rn_size) in pages, once the object exists.
 * I2: the bytes of the last page behind rn_size are zero.
 * I3: resident pages are dirty: there is no other copy.
 * I4: files have half of memory by right, as far as more than a 32nd is free:
 *     processes can be killed for it; and what is free beyond an eighth.  The
 *     initrd is unpacked by the same rule.
 * I5: an object's handle is a store, whose st_npages count in ramfs_pages, and on
 *     a mount with a limit in its mt_pages, until they are released: about as
 *     many as are resident.
 * Locks: rn_lock, then the object's.  The pager takes neither rn_lock nor
 * ramfs_lock: a fault holds a map.
 */
#include <sys/ramfs.h>

#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/md.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_phys.h>

#define RAMFS_MAXSIZE	(1UL << 43)

static uint64_t ramfs_pages;		/* [a] I5 */

/*
 * ramfs_room: pages that files may still have.  Nothing can be taken back from
 * them, so they leave alone what processes need, if only to end: when files have
 * their half there is no other half but an eighth; the last 32nd is for whoever
 * makes room.
 */
static uint64_t
ramfs_room(void)
{
	const uint64_t total = vm_phys_total(), nfree = vm_phys_free_count();
	const uint64_t npages = atomic_load(&ramfs_pages);
	uint64_t room = 0;

	if (npages < total / 2 && nfree > total / 32)
		room = MIN(total / 2 - npages, nfree - total / 32);
	return nfree > total / 8 ? MAX(room, nfree - total / 8) : room;
}

uint64_t
ramfs_npages(void)
{
	return atomic_load(&ramfs_pages);
}

void
ramfs_space(uint64_t *blocks, uint64_t *nfree)
{
	*blocks = vm_phys_total() - vm_phys_total() / 8;
	*nfree = ramfs_room();
}

/* ---- what is counted ---- */

/* Lifetime: its object's.  [a] atomic [c] const after init. */
struct store {
	struct mount	*st_mount;	/* [c] counted; NULL: without a limit */
	uint64_t	 st_npages;	/* [a] I5 */
};

/* store_charge: may one more page be made? */
static bool
store_charge(struct vm_object *object)
{
	struct store *st = object->handle;

	if (ramfs_room() == 0)
		return false;
	if (st->st_mount != NULL && !mount_charge(st->st_mount))
		return false;
	atomic_add(&st->st_npages, 1);
	atomic_add(&ramfs_pages, 1);
	return true;
}

/* store_release: n pages less. */
static void
store_release(struct store *st, uint64_t n)
{
	atomic_sub(&ramfs_pages, n);
	if (st->st_mount != NULL)
		mount_release(st->st_mount, n);
}

/* store_settle: pages are gone.  The object is locked. */
static void
store_settle(struct vm_object *object)
{
	struct store *st = object->handle;
	uint64_t was;

	/* A page on its way in may be counted twice, until the next time. */
	was = atomic_swap(&st->st_npages, object->resident_page_count);
	store_release(st, was - object->resident_page_count);
}

/* store_make: for a new object of n; NULL: no memory. */
static struct store *
store_make(struct rnode *n)
{
	struct mount *mt = n->rn_mount;
	struct store *st;

	st = kmalloc(sizeof(*st), M_WAITOK | M_ZERO);
	if (st == NULL || mt == NULL || mt->mt_limit == 0)
		return st;
	st->st_mount = mt;
	atomic_add(&mt->mt_refs, 1);
	return st;
}

/* ---- pager ---- */

static bool
ramfs_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	return pindex < object->size;
}

/* ramfs_getpage: a hole becomes a page of zeros; EIO (SIGBUS) when full. */
static int
ramfs_getpage(struct vm_object *object, struct vm_page *m)
{
	if (!store_charge(object))
		return EIO;
	pmap_zero_page(m);
	m->valid = VM_PAGE_VALID;
	m->dirty = VM_PAGE_VALID;
	return 0;
}

static void
ramfs_dealloc(struct vm_object *object)
{
	struct store *st = object->handle;

	store_release(st, st->st_npages);
	mount_put(st->st_mount);
	kfree(st);
}

static const struct vm_pager_ops ramfs_pager_ops = {
	.name = "ramfs",
	.haspage = ramfs_haspage,
	.getpage = ramfs_getpage,
	.dealloc = ramfs_dealloc,
};

/* rnode_makeobject: rn_lock held for writing. */
static struct vm_object *
rnode_makeobject(struct rnode *n)
{
	struct store *st;

	if (n->rn_object != NULL)
		return n->rn_object;
	st = store_make(n);
	if (st == NULL)
		return NULL;
	n->rn_object = vm_pager_allocate(&ramfs_pager_ops, st,
	    atop(round_page(n->rn_size)));
	return n->rn_object;
}

struct vm_object *
rnode_object(struct rnode *n)
{
	struct vm_object *object;

	if (!S_ISREG(n->rn_mode))
		return NULL;
	rw_wlock(&n->rn_lock);
	object = rnode_makeobject(n);
	if (object != NULL)
		vm_object_reference(object);
	rw_wunlock(&n->rn_lock);
	return object;
}

void
rnode_data_fini(struct rnode *n)
{
	if (n->rn_object != NULL)
		vm_object_deallocate(n->rn_object);
	n->rn_object = NULL;
	if (n->rn_pipe != NULL)
		pipe_drop(n->rn_pipe);
}

/* ---- pages ---- */

enum page_how { PAGE_FIND, PAGE_MAKE, PAGE_RESERVE };

/*
 * rnode_page: the page pindex of n, wired; NULL: a hole (PAGE_FIND), or no memory
 * to fill it.  => Locks: rn_lock either way.
 */
static __no_lock_analysis struct vm_page *
rnode_page(struct rnode *n, vm_pindex_t pindex, enum page_how how)
{
	struct vm_object *object = n->rn_object;
	struct vm_page *m;

	if (object == NULL)
		return NULL;
	vm_object_lock(object);
	while ((m = vm_page_lookup(object, pindex)) != NULL &&
	    vm_page_xbusied(m)) {
		vm_page_sleep_busy(m, object, "ramfs");
		vm_object_lock(object);
	}
	if (m != NULL) {
		if (how != PAGE_RESERVE)
			vm_page_touched(m);
		vm_page_wire(m);
	} else if (how != PAGE_FIND && store_charge(object)) {
		m = vm_page_alloc(object, pindex, VM_ALLOC_ZERO);
		if (m == NULL)
			store_settle(object);
		if (m != NULL) {
			m->dirty = VM_PAGE_VALID;
			if (how == PAGE_RESERVE)
				atomic_or(&m->flags, (uint8_t)PG_RESERVED);
			vm_page_wire(m);
			vm_page_unbusy(m);
		}
	}
	vm_object_unlock(object);
	return m;
}

static void
rnode_page_done(struct rnode *n, struct vm_page *m)
{
	vm_object_lock(n->rn_object);
	vm_page_unwire(m);
	vm_object_unlock(n->rn_object);
}

/* rnode_resize: rn_lock held for writing; the object's size follows (I1). */
static void
rnode_resize(struct rnode *n, uint64_t size)
{
	vm_pindex_t old, new;

	atomic_store(&n->rn_size, size);
	if (n->rn_object == NULL)
		return;
	new = atop(round_page(size));
	vm_object_lock(n->rn_object);
	old = n->rn_object->size;
	n->rn_object->size = new;
	if (new < old)
		vm_object_page_remove(n->rn_object, new, old);
	store_settle(n->rn_object);
	vm_object_unlock(n->rn_object);
}

/* ---- bytes ---- */

int
rnode_read(struct rnode *n, uint64_t off, struct uio *u)
{
	struct vm_page *m;
	size_t chunk;
	int error;

	error = 0;
	rw_rlock(&n->rn_lock);
	while (error == 0 && u->u_resid > 0 && off < n->rn_size) {
		chunk = MIN(PAGE_SIZE - (off & PAGE_MASK), n->rn_size - off);
		chunk = MIN(chunk, u->u_resid);
		m = rnode_page(n, atop(off), PAGE_FIND);
		if (m == NULL) {
			error = uiozero(chunk, u);
		} else {
			error = uiomove((char *)pmap_page_kva(m) +
			    (off & PAGE_MASK), chunk, u);
			rnode_page_done(n, m);
		}
		off += chunk;
	}
	rw_runlock(&n->rn_lock);
	return error;
}

/* rnode_grow: room for bytes up to end, which may be less than there is. */
static int
rnode_grow(struct rnode *n, uint64_t end)
{
	if (end > RAMFS_MAXSIZE)
		return EFBIG;
	if (end > n->rn_size && (n->rn_seals & SEAL_GROW) != 0)
		return EPERM;
	if (rnode_makeobject(n) == NULL)
		return ENOSPC;
	if (end > n->rn_size)
		rnode_resize(n, end);
	return 0;
}

/* rnode_write_chunk: what fits in one page at off.  rn_lock held. */
static int
rnode_write_chunk(struct rnode *n, uint64_t off, struct uio *u)
{
	size_t chunk = MIN(PAGE_SIZE - (off & PAGE_MASK), u->u_resid);
	size_t before = u->u_resid;
	uint64_t size = n->rn_size;
	struct vm_page *m;
	int error;

	if (off > RAMFS_MAXSIZE)
		return EFBIG;
	error = rnode_grow(n, off + chunk);
	if (error != 0)
		return error;
	error = ENOSPC;
	m = rnode_page(n, atop(off), PAGE_MAKE);
	if (m != NULL) {
		error = uiomove((char *)pmap_page_kva(m) + (off & PAGE_MASK),
		    chunk, u);
		rnode_page_done(n, m);
	}
	off += before - u->u_resid;
	if (error != 0 && n->rn_size > MAX(size, off))
		rnode_resize(n, MAX(size, off));
	return error;
}

int
rnode_write(struct rnode *n, uint64_t *off, bool append, struct uio *u)
{
	size_t before;
	int error;

	rw_wlock(&n->rn_lock);
	error = (n->rn_seals & (SEAL_WRITE | SEAL_FUTURE_WRITE)) != 0 ?
	    EPERM : 0;
	if (append)
		*off = n->rn_size;
	while (error == 0 && u->u_resid > 0) {
		before = u->u_resid;
		error = rnode_write_chunk(n, *off, u);
		*off += before - u->u_resid;
	}
	rnode_changed(n, true);
	rw_wunlock(&n->rn_lock);
	return error;
}

size_t
rnode_kread(struct rnode *n, uint64_t off, void *buf, size_t len)
{
	struct vm_page *m;
	size_t chunk, done;

	done = 0;
	rw_rlock(&n->rn_lock);
	while (done < len && off < n->rn_size) {
		chunk = MIN(PAGE_SIZE - (off & PAGE_MASK), n->rn_size - off);
		chunk = MIN(chunk, len - done);
		m = rnode_page(n, atop(off), PAGE_FIND);
		if (m == NULL) {
			memset((char *)buf + done, 0, chunk);
		} else {
			memcpy((char *)buf + done, (char *)pmap_page_kva(m) +
			    (off & PAGE_MASK), chunk);
			rnode_page_done(n, m);
		}
		off += chunk;
		done += chunk;
	}
	rw_runlock(&n->rn_lock);
	return done;
}

int
rnode_kwrite(struct rnode *n, uint64_t off, const void *buf, size_t len)
{
	struct vm_page *m;
	size_t chunk, done;
	int error;

	rw_wlock(&n->rn_lock);
	error = rnode_grow(n, off + len);
	for (done = 0; error == 0 && done < len; done += chunk) {
		chunk = MIN(PAGE_SIZE - (off & PAGE_MASK), len - done);
		m = rnode_page(n, atop(off), PAGE_MAKE);
		if (m == NULL) {
			error = ENOSPC;
			break;
		}
		memcpy((char *)pmap_page_kva(m) + (off & PAGE_MASK),
		    (const char *)buf + done, chunk);
		rnode_page_done(n, m);
		off += chunk;
	}
	rw_wunlock(&n->rn_lock);
	return error;
}

/* rnode_zerotail: I2 for a file that is cut at size. */
static void
rnode_zerotail(struct rnode *n, uint64_t size)
{
	struct vm_page *m;
	size_t in = size & PAGE_MASK;

	if (in == 0)
		return;
	m = rnode_page(n, atop(size), PAGE_FIND);
	if (m == NULL)
		return;
	memset((char *)pmap_page_kva(m) + in, 0, PAGE_SIZE - in);
	rnode_page_done(n, m);
}

int
rnode_truncate(struct rnode *n, uint64_t size)
{
	if (!S_ISREG(n->rn_mode))
		return EINVAL;
	if (size > RAMFS_MAXSIZE)
		return EFBIG;
	rw_wlock(&n->rn_lock);
	if ((n->rn_seals & (size < n->rn_size ? SEAL_SHRINK :
	    size > n->rn_size ? SEAL_GROW : 0)) != 0) {
		rw_wunlock(&n->rn_lock);
		return EPERM;
	}
	if (size < n->rn_size)
		rnode_zerotail(n, size);
	rnode_resize(n, size);
	rnode_changed(n, true);
	rw_wunlock(&n->rn_lock);
	return 0;
}

/* ---- space ---- */

/* seek_page: the first page >= pindex with data, or without. */
static vm_pindex_t
seek_page(struct vm_object *object, vm_pindex_t pindex, bool hole)
{
	struct vm_page *m;

	while ((m = vm_page_ge(object, pindex)) != NULL) {
		if (!hole && !vm_page_reserved(m))
			return m->pindex;
		if (hole && (m->pindex != pindex || vm_page_reserved(m)))
			return pindex;
		pindex = m->pindex + 1;
	}
	return hole ? pindex : object->size;
}

int
rnode_seek(struct rnode *n, uint64_t off, bool hole, uint64_t *pos)
{
	vm_pindex_t first = atop(off), found = hole ? first : ~0UL;
	int error;

	error = 0;
	rw_rlock(&n->rn_lock);
	if (n->rn_object != NULL) {
		vm_object_lock(n->rn_object);
		found = seek_page(n->rn_object, first, hole);
		vm_object_unlock(n->rn_object);
	}
	if (off >= n->rn_size || (!hole && found >= atop(round_page(
	    n->rn_size))))
		error = ENXIO;
	else
		*pos = MIN(MAX(ptoa(found), off), n->rn_size);
	rw_runlock(&n->rn_lock);
	return error;
}

/* punch_bytes: zeros within one page. */
static void
punch_bytes(struct rnode *n, uint64_t off, uint64_t end)
{
	struct vm_page *m;

	if (off >= end)
		return;
	m = rnode_page(n, atop(off), PAGE_FIND);
	if (m == NULL)
		return;
	memset((char *)pmap_page_kva(m) + (off & PAGE_MASK), 0, end - off);
	rnode_page_done(n, m);
}

int
rnode_punch(struct rnode *n, uint64_t off, uint64_t len)
{
	uint64_t end, first, last;

	rw_wlock(&n->rn_lock);
	if ((n->rn_seals & (SEAL_WRITE | SEAL_FUTURE_WRITE)) != 0) {
		rw_wunlock(&n->rn_lock);
		return EPERM;
	}
	end = MIN(off + len, round_page(n->rn_size));
	first = round_page(off);
	last = trunc_page(end);
	if (n->rn_object != NULL && off < end && first <= last) {
		punch_bytes(n, off, first);
		punch_bytes(n, last, end);
		vm_object_lock(n->rn_object);
		vm_object_page_remove(n->rn_object, atop(first), atop(last));
		store_settle(n->rn_object);
		vm_object_unlock(n->rn_object);
	} else if (n->rn_object != NULL) {
		punch_bytes(n, off, end);
	}
	rnode_changed(n, true);
	rw_wunlock(&n->rn_lock);
	return 0;
}

int
rnode_allocate(struct rnode *n, uint64_t off, uint64_t len, bool keep)
{
	struct vm_page *m;
	uint64_t end = off + len, at, size;
	int error;

	if (end > RAMFS_MAXSIZE)
		return EFBIG;
	rw_wlock(&n->rn_lock);
	size = n->rn_size;
	error = keep ? (rnode_makeobject(n) == NULL ? ENOSPC : 0) :
	    rnode_grow(n, end);
	end = MIN(end, round_page(n->rn_size));
	for (at = trunc_page(off); error == 0 && at < end; at += PAGE_SIZE) {
		m = rnode_page(n, atop(at), PAGE_RESERVE);
		if (m != NULL)
			rnode_page_done(n, m);
		else
			error = ENOSPC;
	}
	if (error == ENOSPC && n->rn_size > size)
		rnode_resize(n, size);
	rnode_changed(n, !keep);
	rw_wunlock(&n->rn_lock);
	return error;
}

/* ---- files without a name ---- */

int
rnode_seal(struct rnode *n, unsigned seals)
{
	int error;

	error = 0;
	rw_wlock(&n->rn_lock);
	if ((n->rn_seals & SEAL_SEAL) != 0)
		error = EPERM;
	else if ((seals & SEAL_WRITE) != 0 && n->rn_object != NULL &&
	    atomic_load(&n->rn_object->ref_count) > 1)
		error = EBUSY;		/* mapped; perhaps only read */
	else
		atomic_or(&n->rn_seals, seals);
	rw_wunlock(&n->rn_lock);
	return error;
}

int
memfd_create(const char *name, bool seals, struct file **fpp)
{
	struct rnode *n;
	size_t len = strlen(name) + sizeof("/memfd: (deleted)");
	int error;

	n = rnode_alloc(S_IFREG | 0777);
	if (n == NULL)
		return ENOMEM;
	n->rn_seals = seals ? 0 : SEAL_SEAL;
	n->rn_target = kmalloc(len, M_WAITOK);
	if (n->rn_target != NULL)
		(void)ksnprintf(n->rn_target, len, "/memfd:%s (deleted)",
		    name);
	/* As by an open for writing; rnode_write_get cannot refuse it. */
	error = ENOMEM;
	if (n->rn_target != NULL && rnode_write_get(n) == 0)
		error = file_alloc(&ramfs_fileops, O_RDWR | O_LARGEFILE, NULL,
		    n, fpp);
	if (error != 0)
		rnode_put(n);
	return error;
}

/* ---- files ---- */

static int
ramfs_read(struct file *fp, struct uio *u, uint64_t *off)
{
	size_t before = u->u_resid;
	int error;

	if (S_ISDIR(fp->f_node->rn_mode))
		return EISDIR;
	error = rnode_read(fp->f_node, *off, u);
	*off += before - u->u_resid;
	rnode_accessed(fp->f_node);
	return u->u_resid != before ? 0 : error;
}

static int
ramfs_write(struct file *fp, struct uio *u, uint64_t *off)
{
	size_t before = u->u_resid;
	int error;

	error = rnode_write(fp->f_node, off,
	    (atomic_load(&fp->f_flags) & O_APPEND) != 0, u);
	return u->u_resid != before ? 0 : error;
}

static int
ramfs_stat(struct file *fp, struct fstatus *st)
{
	rnode_stat(fp->f_node, st);
	return 0;
}

static int
ramfs_ftruncate(struct file *fp, uint64_t size)
{
	return rnode_truncate(fp->f_node, size);
}

static int
ramfs_mmap(struct file *fp, struct vm_object **objp)
{
	*objp = rnode_object(fp->f_node);
	return *objp == NULL ? ENODEV : 0;
}

static void
ramfs_close(struct file *fp)
{
	if (FWRITABLE(fp))
		rnode_write_put(fp->f_node);
}

static unsigned
ramfs_poll(struct file *fp __unused)
{
	return POLLIN | POLLOUT;
}

const struct fileops ramfs_fileops = {
	.fo_name = "ramfs",
	.fo_seekable = true,
	.fo_read = ramfs_read,
	.fo_write = ramfs_write,
	.fo_poll = ramfs_poll,
	.fo_stat = ramfs_stat,
	.fo_truncate = ramfs_ftruncate,
	.fo_mmap = ramfs_mmap,
	.fo_getdents = ramfs_getdents,
	.fo_close = ramfs_close,
};
