/* SPDX-License-Identifier: BSD-2-Clause */
/* md_thread.h (host): nothing is kept. */
#pragma once

struct md_thread {
	int	md_unused;	/* [t] */
};
