/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_copy.c: bytes from file to file, and space in files: sendfile,
 * copy_file_range, fallocate, fadvise64, memfd_create.
 *
 * Locks: none of its own; a copy goes through a buffer, so that it never holds
 * two files at once.
 * Sources: the manual pages of these calls.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <lib/string.h>
#include <linux/fcntl.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>

/* What a zone gives: above that each buffer would cost a TLB shootdown. */
#define COPY_CHUNK	PAGE_SIZE

/* A copy under way; an offset < 0 is the file's own. [t] */
struct copy {
	struct file	*in, *out;
	int64_t		 inoff, outoff;
	size_t		 left, done;
};

/* copy_chunk: one buffer; *n: what arrived. */
static int
copy_chunk(struct copy *c, char *buf, size_t *n)
{
	size_t got, put, at;
	int error;

	*n = 0;
	error = file_krw(c->in, buf, MIN(c->left, COPY_CHUNK), false,
	    c->inoff, &got);
	for (at = 0; error == 0 && at < got; at += put) {
		error = file_krw(c->out, buf + at, got - at, true,
		    c->outoff < 0 ? -1 : c->outoff + (int64_t)at, &put);
		if (error == 0 && put == 0)
			error = EIO;
		if (error == 0)
			*n += put;
	}
	return *n > 0 ? 0 : error;
}

static int
copy_run(struct copy *c)
{
	size_t n;
	char *buf;
	int error;

	buf = kmalloc(COPY_CHUNK, M_WAITOK);
	if (buf == NULL)
		return ENOMEM;
	for (error = 0; error == 0 && c->left > 0; c->left -= n) {
		if ((curthread->td_intrsig & TDI_DIE) != 0)
			break;
		error = copy_chunk(c, buf, &n);
		if (error != 0 || n == 0)
			break;
		c->inoff += (int64_t)n;
		if (c->outoff >= 0)
			c->outoff += (int64_t)n;
		c->done += n;
	}
	kfree(buf);
	return c->done > 0 ? 0 : error;
}

/* off_get: an offset from user space; 0: the file's own. */
static int
off_get(struct file *fp, uint64_t ua, int64_t *off)
{
	uint64_t v;
	int error;

	if (ua == 0) {
		*off = (int64_t)atomic_load(&fp->f_offset);
		return 0;
	}
	if (!fp->f_ops->fo_seekable)
		return ESPIPE;
	error = fuword64(uaddr(ua), &v);
	*off = (int64_t)v;
	return error != 0 ? error : *off < 0 ? EINVAL : 0;
}

static int
off_put(struct file *fp, uint64_t ua, int64_t off)
{
	if (ua != 0)
		return suword64(uaddr(ua), (uint64_t)off);
	rw_wlock(&fp->f_lock);
	fp->f_offset = (uint64_t)off;
	rw_wunlock(&fp->f_lock);
	return 0;
}

static bool
file_isreg(const struct file *fp)
{
	return fp->f_node != NULL && S_ISREG(fp->f_node->rn_mode);
}

static int
copy_begin(struct copy *c, uint64_t in, uint64_t out)
{
	c->in = fd_get((int)in);
	c->out = fd_get((int)out);
	return c->in != NULL && c->out != NULL ? 0 : EBADF;
}

static int64_t
copy_end(struct copy *c, int error)
{
	if (c->in != NULL)
		file_put(c->in);
	if (c->out != NULL)
		file_put(c->out);
	return error != 0 ? ret_restart(error) : (int64_t)c->done;
}

static int
sendfile_run(struct copy *c, uint64_t offp)
{
	int error;

	if (!FREADABLE(c->in) || !FWRITABLE(c->out))
		return EBADF;
	if (!file_isreg(c->in))
		return offp != 0 && !c->in->f_ops->fo_seekable ? ESPIPE :
		    EINVAL;
	if ((atomic_load(&c->out->f_flags) & O_APPEND) != 0)
		return EINVAL;
	error = off_get(c->in, offp, &c->inoff);
	c->outoff = -1;
	if (error == 0)
		error = copy_run(c);
	if (error == 0)
		error = off_put(c->in, offp, c->inoff);
	return error;
}

int64_t
sys_sendfile(SYSARGS6(out, in, offp, count, a4 __unused, a5 __unused))
{
	struct copy c = { .left = MIN(count, RW_MAX) };
	int error;

	error = copy_begin(&c, in, out);
	if (error == 0)
		error = sendfile_run(&c, offp);
	return copy_end(&c, error);
}

static int
range_run(struct copy *c, uint64_t inp, uint64_t outp)
{
	int error;

	if (!FREADABLE(c->in) || !FWRITABLE(c->out) ||
	    (atomic_load(&c->out->f_flags) & O_APPEND) != 0)
		return EBADF;
	if ((c->in->f_node != NULL && S_ISDIR(c->in->f_node->rn_mode)) ||
	    (c->out->f_node != NULL && S_ISDIR(c->out->f_node->rn_mode)))
		return EISDIR;
	if (!file_isreg(c->in) || !file_isreg(c->out))
		return EINVAL;
	error = off_get(c->in, inp, &c->inoff);
	if (error == 0)
		error = off_get(c->out, outp, &c->outoff);
	if (error != 0)
		return error;
	if (c->in->f_node == c->out->f_node &&
	    c->inoff < c->outoff + (int64_t)c->left &&
	    c->outoff < c->inoff + (int64_t)c->left)
		return EINVAL;
	error = copy_run(c);
	if (error == 0)
		error = off_put(c->in, inp, c->inoff);
	if (error == 0)
		error = off_put(c->out, outp, c->outoff);
	return error;
}

int64_t
sys_copy_file_range(SYSARGS6(in, inp, out, outp, len, flags))
{
	struct copy c = { .left = MIN(len, RW_MAX) };
	int error;

	error = copy_begin(&c, in, out);
	if (error == 0)
		error = (uint32_t)flags != 0 ? EINVAL :
		    range_run(&c, inp, outp);
	return copy_end(&c, error);
}

/* ---- space ---- */

static int
fallocate_file(struct file *fp, unsigned mode, uint64_t off, uint64_t len)
{
	if ((mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE)) != 0 ||
	    mode == FALLOC_PUNCH_HOLE)
		return EOPNOTSUPP;
	if (!FWRITABLE(fp))
		return EBADF;
	if (fp->f_node == NULL)
		return ESPIPE;
	if (S_ISDIR(fp->f_node->rn_mode))
		return EISDIR;
	if (!S_ISREG(fp->f_node->rn_mode) || fp->f_node->rn_ops != NULL)
		return ENODEV;
	if (off + len > INT64_MAX)
		return EFBIG;
	if ((mode & FALLOC_PUNCH_HOLE) != 0)
		return rnode_punch(fp->f_node, off, len);
	return rnode_allocate(fp->f_node, off, len,
	    (mode & FALLOC_KEEP_SIZE) != 0);
}

int64_t
sys_fallocate(SYSARGS6(fd, mode, off, len, a4 __unused, a5 __unused))
{
	struct file *fp;
	int error;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	if ((int64_t)off < 0 || (int64_t)len <= 0)
		error = EINVAL;
	else
		error = fallocate_file(fp, (unsigned)mode, off, len);
	file_put(fp);
	return ret_errno(error);
}

/* sys_fadvise64: everything is in memory: advice is checked and kept. */
int64_t
sys_fadvise64(SYSARGS6(fd, off __unused, len, advice, a4 __unused,
    a5 __unused))
{
	struct file *fp;
	int error;

	fp = fd_get((int)fd);
	if (fp == NULL)
		return -EBADF;
	error = fp->f_node == NULL ? ESPIPE : (int64_t)len < 0 ||
	    (uint32_t)advice > 5 ? EINVAL : 0;
	file_put(fp);
	return ret_errno(error);
}

int64_t
sys_memfd_create(SYSARGS6(name, flags, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct upath up;
	struct file *fp = NULL;
	int error, fd = -1;

	if (((uint32_t)flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING)) != 0)
		return -EINVAL;
	error = upath_get(&up, name);
	if (error != 0)
		return error == ENAMETOOLONG ? -EINVAL : ret_errno(error);
	error = strlen(up.p) > MFD_NAME_MAX ? EINVAL :
	    fd_reserve((flags & MFD_CLOEXEC) != 0, &fd);
	if (error == 0)
		error = memfd_create(up.p, (flags & MFD_ALLOW_SEALING) != 0,
		    &fp);
	upath_put(&up);
	return fd_done(error, fd, fp);
}
