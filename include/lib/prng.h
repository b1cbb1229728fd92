/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prng.h: a small seeded generator (xoshiro256**), for tests, jitter and
 * getrandom.  The same seed gives the same stream on every machine.  It is not
 * a source of secrets.
 */
#pragma once

#include <lib/types.h>

struct prng {
	uint64_t	s[4];
};

void		prng_seed(struct prng *p, uint64_t seed);
uint64_t	prng_next(struct prng *p);
/* prng_below: uniform in [0, bound), bound > 0. */
uint64_t	prng_below(struct prng *p, uint64_t bound);
