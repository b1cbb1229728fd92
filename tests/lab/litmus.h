/* SPDX-License-Identifier: BSD-2-Clause */
/* litmus.h: see litmus.c. */
#pragma once

#include <lib/types.h>

void	litmus_reset(void);
void	litmus_store_load(int me, bool fence);
void	litmus_message(int me);
bool	litmus_reordered(void);	/* an order was seen that stores did not have */
