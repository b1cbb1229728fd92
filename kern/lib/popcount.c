/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * popcount.c: what gcc calls for __builtin_popcountl on a CPU that it may not
 * assume to have the instruction.
 */
#include <lib/types.h>

int	__popcountdi2(uint64_t v);

int
__popcountdi2(uint64_t v)
{
	int n;

	for (n = 0; v != 0; n++)
		v &= v - 1;
	return n;
}
