/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall.h: what a system call handler is.  The table is generated from
 * kern/linux/syscalls.tbl by tools/gen_syscalls.py.
 */
#pragma once

#include <lib/types.h>

/* A handler gets the six argument registers and returns the value, or -errno;
 * -ERESTART and its kin: interrupted, to be run again; -EJUSTRETURN: the frame is
 * final. */
typedef int64_t	syscall_fn(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		    uint64_t a4, uint64_t a5);

enum syscall_status { SYS_ABSENT, SYS_WHOLE, SYS_PARTIAL, SYS_REFUSED };

struct syscall_desc {
	syscall_fn	*sd_fn;		/* NULL: ENOSYS, or sd_errno */
	const char	*sd_name;
	uint8_t		 sd_nargs;
	uint8_t		 sd_status;	/* enum syscall_status */
	uint16_t	 sd_errno;	/* SYS_REFUSED */
};

/* Arguments, all six registers; a handler casts what it uses. */
#define SYSARGS6(a, b, c, d, e, f)					\
	uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f
/* The same for handlers that use the first few only. */
#define SYSARGS0							\
	SYSARGS1(a0 __unused)
#define SYSARGS1(a)							\
	SYSARGS2(a, a1 __unused)
#define SYSARGS2(a, b)							\
	SYSARGS3(a, b, a2 __unused)
#define SYSARGS3(a, b, c)						\
	SYSARGS4(a, b, c, a3 __unused)
#define SYSARGS4(a, b, c, d)						\
	SYSARGS5(a, b, c, d, a4 __unused)
#define SYSARGS5(a, b, c, d, e)						\
	SYSARGS6(a, b, c, d, e, a5 __unused)
