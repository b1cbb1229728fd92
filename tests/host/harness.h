/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.h: what host tests have besides <sys/ktest.h>.
 *
 *	build/host-asan/htest [seed=N] [slow=1] [glob...]
 *
 * The world (physical memory, zones, kernel map) is made once; after each test
 * the baseline of pages, objects, entries and pv entries must be back.
 */
#pragma once

#include <sys/ktest.h>

struct thread;

/* Threads of a test: each is a CPU and a struct thread of its own. */
struct host_thread;
struct host_thread *host_thread_start(void (*fn)(void *), void *arg);
void	host_thread_join(struct host_thread *ht);

/*
 * host_panics: does fn(arg) panic with a message that contains what?  Runs in
 * a child process, so the world is untouched.
 */
bool	host_panics(void (*fn)(void *), void *arg, const char *what);

/*
 * Golden dumps: host_capture_begin makes host_capture_pr collect; _end returns
 * the text.  host_golden compares it with tests/expect/NAME.txt; GOLDEN=write in
 * the environment writes the file instead.
 */
void	host_capture_begin(void);
void	host_capture_pr(const char *fmt, ...) __printflike(1, 2);
const char *host_capture_end(void);
bool	host_golden(struct ktest_ctx *t, const char *name, const char *text);

/* A test that leaves things behind on purpose. */
void	host_no_baseline(void);

/* Physical memory of the world: bytes from half of it that are no memory, and
 * a range that is reserved at boot and not page aligned. */
#define HOST_HOLE		(5UL << 12)
#define HOST_RESERVED		0x300010UL
#define HOST_RESERVED_END	0x307ff0UL
