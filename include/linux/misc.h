/* SPDX-License-Identifier: BSD-2-Clause */
/* misc.h: uname(2), sysinfo(2), rusage, arch_prctl(2), futex(2) and others. */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <linux/time.h>

struct linux_utsname {
	char	sysname[65], nodename[65], release[65], version[65],
		machine[65], domainname[65];
};

struct linux_sysinfo {
	int64_t		uptime;
	uint64_t	loads[3];
	uint64_t	totalram, freeram, sharedram, bufferram, totalswap,
			freeswap;
	uint16_t	procs, pad;
	uint32_t	__pad0;
	uint64_t	totalhigh, freehigh;
	uint32_t	mem_unit;
	uint32_t	__pad1;
};
CTASSERT(sizeof(struct linux_sysinfo) == 112, "struct sysinfo of x86-64");

struct linux_rusage {
	struct linux_timeval	ru_utime, ru_stime;
	int64_t			ru_maxrss, ru_ixrss, ru_idrss, ru_isrss,
				ru_minflt, ru_majflt, ru_nswap, ru_inblock,
				ru_oublock, ru_msgsnd, ru_msgrcv, ru_nsignals,
				ru_nvcsw, ru_nivcsw;
};
CTASSERT(sizeof(struct linux_rusage) == 144, "struct rusage of x86-64");
#define RUSAGE_SELF	0
#define RUSAGE_CHILDREN	(-1)
#define RUSAGE_THREAD	1

#define P_ALL		0	/* waitid */
#define P_PID		1
#define P_PGID		2
#define P_PIDFD		3

struct linux_tms {
	int64_t		tms_utime, tms_stime, tms_cutime, tms_cstime;
};

#define ARCH_SET_GS	0x1001
#define ARCH_SET_FS	0x1002
#define ARCH_GET_FS	0x1003
#define ARCH_GET_GS	0x1004

#define PR_SET_PDEATHSIG	1
#define PR_GET_PDEATHSIG	2
#define PR_GET_DUMPABLE		3
#define PR_SET_DUMPABLE		4
#define PR_GET_KEEPCAPS		7
#define PR_SET_KEEPCAPS		8
#define PR_SET_NAME		15
#define PR_GET_NAME		16
#define PR_CAPBSET_READ		23
#define PR_SET_TIMERSLACK	29
#define PR_GET_TIMERSLACK	30
#define PR_SET_CHILD_SUBREAPER	36
#define PR_GET_CHILD_SUBREAPER	37
#define PR_SET_NO_NEW_PRIVS	38
#define PR_GET_NO_NEW_PRIVS	39
#define CAP_LAST		40

#define FUTEX_CMD_MASK		0x7f
#define FUTEX_WAIT		0
#define FUTEX_WAKE		1
#define FUTEX_REQUEUE		3
#define FUTEX_CMP_REQUEUE	4
#define FUTEX_WAKE_OP		5
#define FUTEX_WAIT_BITSET	9
#define FUTEX_WAKE_BITSET	10
#define FUTEX_PRIVATE		0x80
#define FUTEX_CLOCK_REALTIME	0x100

#define GRND_ALL	0x7		/* NONBLOCK, RANDOM, INSECURE */

#define CLONE_EXITSIG	0xffUL
#define CLONE_IGNORED	0x80c02000UL	/* PTRACE, DETACHED, UNTRACED, IO */

#define SIG_BLOCK	0
#define SIG_UNBLOCK	1
#define SIG_SETMASK	2
