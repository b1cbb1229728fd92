/* SPDX-License-Identifier: BSD-2-Clause */
/* stat.h: what stat(2), getdents64(2) and the *at calls have on the wire. */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct linux_stat {
	uint64_t	st_dev, st_ino, st_nlink;
	uint32_t	st_mode, st_uid, st_gid, __pad0;
	uint64_t	st_rdev;
	int64_t		st_size, st_blksize, st_blocks;
	int64_t		st_atime, st_atime_nsec, st_mtime, st_mtime_nsec,
			st_ctime, st_ctime_nsec;
	int64_t		__unused0[3];
};
CTASSERT(sizeof(struct linux_stat) == 144, "struct stat of x86-64");

struct linux_dirent64 {
	uint64_t	d_ino;
	int64_t		d_off;
	uint16_t	d_reclen;
	uint8_t		d_type;
	char		d_name[];	/* NUL-ended, padded to 8 bytes */
};
#define DIRENT_NAMEOFF	19U

#define AT_FDCWD		(-100)
#define AT_SYMLINK_NOFOLLOW	0x100
#define AT_REMOVEDIR		0x200
#define AT_EACCESS		0x200
#define AT_SYMLINK_FOLLOW	0x400
#define AT_NO_AUTOMOUNT		0x800
#define AT_EMPTY_PATH		0x1000
#define AT_STATX_SYNC		0x6000	/* both hints; the two are exclusive */

#define UTIME_NOW		0x3fffffff
#define UTIME_OMIT		0x3ffffffe

struct linux_statx_time {
	int64_t		tv_sec;
	uint32_t	tv_nsec;
	int32_t		__reserved;
};
struct linux_statx {
	uint32_t	stx_mask, stx_blksize;
	uint64_t	stx_attributes;
	uint32_t	stx_nlink, stx_uid, stx_gid;
	uint16_t	stx_mode, __spare0;
	uint64_t	stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct linux_statx_time stx_atime, stx_btime, stx_ctime, stx_mtime;
	uint32_t	stx_rdev_major, stx_rdev_minor;
	uint32_t	stx_dev_major, stx_dev_minor;
	uint64_t	stx_mnt_id, __spare[13];
};
CTASSERT(sizeof(struct linux_statx) == 256, "struct statx");
#define STATX_BASIC_STATS	0x7ffU
#define STATX_BTIME		0x800U
#define STATX_RESERVED		0x80000000U

struct linux_statfs {
	uint64_t	f_type, f_bsize, f_blocks, f_bfree, f_bavail;
	uint64_t	f_files, f_ffree;
	uint32_t	f_fsid[2];
	uint64_t	f_namelen, f_frsize, f_flags, f_spare[4];
};
CTASSERT(sizeof(struct linux_statfs) == 120, "struct statfs of x86-64");
#define ST_RDONLY		0x0001U
#define ST_VALID		0x0020U
#define ST_RELATIME		0x1000U
#define TMPFS_MAGIC		0x01021994U
#define PIPEFS_MAGIC		0x50495045U
#define PROC_MAGIC		0x9fa0U

#define X_OK	1
#define W_OK	2
#define R_OK	4
