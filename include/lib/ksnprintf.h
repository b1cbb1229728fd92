/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ksnprintf.h: formatted output into a buffer or through a function.
 * Conversions: d i u x X o c s p %, flags - 0 # + space, width and precision
 * (also *), length hh h l ll z t j.  %p prints 0x and the bare hex digits.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

/* kvprintf: format through put(arg, c); returns the characters put. */
int	kvprintf(void (*put)(void *arg, char c), void *arg, const char *fmt,
	    va_list ap) __printflike(3, 0);
/* As C99 snprintf: always terminates when size > 0, returns the full length. */
int	ksnprintf(char *buf, size_t size, const char *fmt, ...)
	    __printflike(3, 4);
int	kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	    __printflike(3, 0);
