/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overflow.h: checked arithmetic on ranges.  Every size and address that came
 * from user space or from a file passes here first.
 */
#pragma once

#include <lib/types.h>

/* add_ok: *sum = a + b; false when it wraps. */
static inline bool
add_ok(uint64_t a, uint64_t b, uint64_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

/* mul_ok: *prod = a * b; false when it wraps. */
static inline bool
mul_ok(uint64_t a, uint64_t b, uint64_t *prod)
{
	return !__builtin_mul_overflow(a, b, prod);
}

/* range_ok: [start, start + len) does not wrap and lies in [min, max). */
static inline bool
range_ok(uint64_t start, uint64_t len, uint64_t min, uint64_t max)
{
	uint64_t end;

	return add_ok(start, len, &end) && start >= min && end <= max;
}
