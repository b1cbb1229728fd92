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
#define F_DUPFD_CLOEXEC	1030
#define F_GETPIPE_SZ	1032
#define FD_CLOEXEC	1

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
