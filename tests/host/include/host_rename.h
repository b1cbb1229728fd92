/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_rename.h: included before every kernel source of the host build, so that
 * the kernel's own string functions are what is tested and libc's stay whole.
 */
#pragma once

#define memcmp	k_memcmp
#define memchr	k_memchr
#define strlen	k_strlen
#define strnlen	k_strnlen
#define strcmp	k_strcmp
#define strncmp	k_strncmp
#define strchr	k_strchr
#define strrchr	k_strrchr
#define strstr	k_strstr
#define strlcpy	k_strlcpy
#define wakeup	k_wakeup
#define sched_yield	k_sched_yield
