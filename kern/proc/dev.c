/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev.c: the small character devices, and which number is which device.
 *
 * Locks: none.
 * Sources: null(4), full(4), random(4) of Linux; its devices.txt for numbers.
 */
#include <sys/file.h>

#include <sys/errno.h>
#include <sys/param.h>
#include <sys/ramfs.h>

#define RANDOM_CHUNK	256

int
dev_stat(struct file *fp, struct fstatus *st)
{
	rnode_stat(fp->f_node, st);
	return 0;
}

static unsigned
dev_poll(struct file *fp __unused)
{
	return POLLIN | POLLOUT;
}

static int
null_read(struct file *fp __unused, struct uio *u __unused,
    uint64_t *off __unused)
{
	return 0;
}

static int
null_write(struct file *fp __unused, struct uio *u, uint64_t *off __unused)
{
	u->u_resid = 0;
	return 0;
}

static int
full_write(struct file *fp __unused, struct uio *u, uint64_t *off __unused)
{
	return u->u_resid == 0 ? 0 : ENOSPC;
}

static int
zero_read(struct file *fp __unused, struct uio *u, uint64_t *off __unused)
{
	return uiozero(u->u_resid, u);
}

static int
random_read(struct file *fp __unused, struct uio *u, uint64_t *off __unused)
{
	char buf[RANDOM_CHUNK];
	int error;

	error = 0;
	while (u->u_resid > 0 && error == 0) {
		kern_random(buf, sizeof(buf));
		error = uiomove(buf, sizeof(buf), u);
	}
	return error;
}

/* fo_seekable: their offset means nothing, but lseek and pread succeed. */
static const struct fileops null_ops = {
	.fo_name = "null", .fo_seekable = true, .fo_read = null_read,
	.fo_write = null_write, .fo_poll = dev_poll, .fo_stat = dev_stat
};
static const struct fileops zero_ops = {
	.fo_name = "zero", .fo_seekable = true, .fo_read = zero_read,
	.fo_write = null_write, .fo_poll = dev_poll, .fo_stat = dev_stat
};
static const struct fileops full_ops = {
	.fo_name = "full", .fo_seekable = true, .fo_read = zero_read,
	.fo_write = full_write, .fo_poll = dev_poll, .fo_stat = dev_stat
};
static const struct fileops random_ops = {
	.fo_name = "random", .fo_seekable = true, .fo_read = random_read,
	.fo_write = null_write, .fo_poll = dev_poll, .fo_stat = dev_stat
};
static const struct fileops faults_ops = {
	.fo_name = "faults", .fo_read = faults_read,
	.fo_write = faults_write, .fo_stat = dev_stat
};

static const struct {
	const struct fileops	*ops;
	uint64_t		 rdev;
} dev_table[] = {
	[DEV_CONSOLE] = { &console_fileops, 0x501 },
	[DEV_TTY] = { &mytty_fileops, 0x500 },
	[DEV_PTMX] = { &ptmx_fileops, 0x502 },
	[DEV_PTS] = { &pts_fileops, PTS_RDEV },
	[DEV_NULL] = { &null_ops, 0x103 },
	[DEV_ZERO] = { &zero_ops, 0x105 },
	[DEV_FULL] = { &full_ops, 0x107 },
	[DEV_RANDOM] = { &random_ops, 0x108 },
	[DEV_URANDOM] = { &random_ops, 0x109 },
	[DEV_FAULTS] = { &faults_ops, 0x10f },
};

int
dev_lookup(uint64_t rdev)
{
	unsigned id;

	if (rdev >= PTS_RDEV && rdev < PTS_RDEV + PTY_MAX)
		return DEV_PTS;
	for (id = 1; id < nitems(dev_table); id++)
		if (dev_table[id].rdev == rdev)
			return (int)id;
	return 0;
}

const struct fileops *
dev_ops(int id)
{
	return (unsigned)id < nitems(dev_table) ? dev_table[id].ops : NULL;
}

uint64_t
dev_rdev(enum dev_id id)
{
	return (unsigned)id < nitems(dev_table) ? dev_table[id].rdev : 0;
}
