/* SPDX-License-Identifier: BSD-2-Clause */
/* time.h: times and clocks on the wire. */
#pragma once

#include <lib/types.h>

struct linux_timespec {
	int64_t		tv_sec, tv_nsec;
};

struct linux_timeval {
	int64_t		tv_sec, tv_usec;
};

#define CLOCK_REALTIME			0
#define CLOCK_MONOTONIC			1
#define CLOCK_PROCESS_CPUTIME_ID	2
#define CLOCK_THREAD_CPUTIME_ID		3
#define CLOCK_MONOTONIC_RAW		4
#define CLOCK_REALTIME_COARSE		5
#define CLOCK_MONOTONIC_COARSE		6
#define CLOCK_BOOTTIME			7
#define TIMER_ABSTIME			1
#define USER_HZ				100
