/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * assert.h: KASSERT and panic.
 *
 * KASSERT(cond, fmt, ...): a broken invariant.  The message names the rule
 * that was violated and prints both operands; it is not the expression again.
 * On in DEBUG >= 1.  KDASSERT: the same for costly audits, on in DEBUG >= 2.
 */
#pragma once

#include <lib/cdefs.h>

/*
 * panic: stop every CPU, print the report on the console and end the machine
 * with the panic exit code.
 * => Locks: none taken; may be called with any held and from any context.
 * => Sleeps: never.  Allocates nothing.
 */
void	panic(const char *fmt, ...) __printflike(1, 2) __noreturn;

#ifndef DEBUG
#define DEBUG	1
#endif

#define __ASSERT(cond, fmt, ...) do {					\
	if (__predict_false(!(cond)))					\
		panic("%s: " fmt, __func__, ##__VA_ARGS__);		\
} while (0)
#define __NOASSERT(cond, fmt, ...) do {					\
	if (0 && (cond))						\
		panic("%s: " fmt, __func__, ##__VA_ARGS__);		\
} while (0)

#if DEBUG >= 1
#define KASSERT		__ASSERT
#else
#define KASSERT		__NOASSERT
#endif
#if DEBUG >= 2
#define KDASSERT	__ASSERT
#else
#define KDASSERT	__NOASSERT
#endif
