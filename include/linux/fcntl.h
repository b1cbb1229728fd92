/* SPDX-License-Identifier: BSD-2-Clause */
/* fcntl.h: fcntl(2) commands, poll(2) and readv(2) structures. */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

#define F_DUPFD		0
#define F_GETFD		1
#define F_SETFD		2
#define F_GETFL		3
#define F_SETFL		4
#define F_GETLK		5
#define F_SETLK		6
#define F_SETLKW	7
#define F_SETOWN	8
#define F_GETOWN	9
#define F_OFD_GETLK	36
#define F_OFD_SETLK	37
#define F_OFD_SETLKW	38
#define F_DUPFD_CLOEXEC	1030
#define F_SETPIPE_SZ	1031
#define F_GETPIPE_SZ	1032
#define F_ADD_SEALS	1033
#define F_GET_SEALS	1034
#define FD_CLOEXEC	1
#define CLOSE_RANGE_CLOEXEC 4	/* close_range(2) */

#define F_RDLCK		0
#define F_WRLCK		1
#define F_UNLCK		2
struct linux_flock {
	int16_t		l_type, l_whence;
	int64_t		l_start, l_len;
	int32_t		l_pid, __pad;
};
CTASSERT(sizeof(struct linux_flock) == 32, "struct flock of x86-64");

/* flock(2) */
#define LOCK_SH		1U
#define LOCK_EX		2U
#define LOCK_NB		4U
#define LOCK_OFF	8U	/* LOCK_UN */

#define RWF_HINTS	0x7U	/* HIPRI, DSYNC, SYNC: nothing to do */

#define FALLOC_KEEP_SIZE	1U
#define FALLOC_PUNCH_HOLE	2U

#define MFD_CLOEXEC		1U
#define MFD_ALLOW_SEALING	2U
#define MFD_NAME_MAX		249U

struct linux_pollfd {
	int32_t		fd;
	int16_t		events, revents;
};
CTASSERT(sizeof(struct linux_pollfd) == 8, "struct pollfd of x86-64");

struct linux_iovec {
	uint64_t	iov_base, iov_len;
};
#define IOV_MAX		1024U
#define RW_MAX		0x7ffff000UL	/* most bytes of one call */
