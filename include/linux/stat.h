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

#define X_OK	1
#define W_OK	2
#define R_OK	4
