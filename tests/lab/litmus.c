/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * litmus.c: does the laboratory's memory behave as an x86's?  Compiled as vm/
 * is.  Store buffering may be seen with store buffers, and not behind a fence;
 * two stores are never seen in the other order.
 */
#include <lib/atomic.h>

#include "litmus.h"

static uint32_t	word[2];		/* [a] */
static int	seen[2] = { -1, -1 };	/* [t] -1: did not run */

void
litmus_reset(void)
{
	word[0] = word[1] = 0;
	seen[0] = seen[1] = -1;
}

void
litmus_store_load(int me, bool fence)
{
	/* Relaxed: the reordering is the question. */
	atomic_store_relaxed(&word[me], 1u);
	if (fence)
		(void)atomic_fetchadd(&word[me], 0);	/* locked */
	seen[me] = (int)atomic_load_relaxed(&word[!me]);
	/* One more event before the end, which drains. */
	(void)atomic_load_relaxed(&word[me]);
}

void
litmus_message(int me)
{
	uint32_t flag;

	/* Relaxed: x86 keeps the order of stores, and that of loads. */
	if (me == 0) {
		atomic_store_relaxed(&word[0], 1u);
		atomic_store_relaxed(&word[1], 1u);
		return;
	}
	flag = atomic_load_relaxed(&word[1]);
	seen[0] = (int)flag - 1;
	seen[1] = flag == 1 ? (int)atomic_load_relaxed(&word[0]) : 1;
}

bool
litmus_reordered(void)
{
	return seen[0] == 0 && seen[1] == 0;
}
