/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.h: memory and string functions with their C meanings.  strlcpy is
 * the only copy: it always terminates and returns the source's length.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

void	*memcpy(void *dst, const void *src, size_t len);
void	*memmove(void *dst, const void *src, size_t len);
void	*memset(void *dst, int c, size_t len);
int	 memcmp(const void *a, const void *b, size_t len);
void	*memchr(const void *p, int c, size_t len);
size_t	 strlen(const char *s);
size_t	 strnlen(const char *s, size_t max);
int	 strcmp(const char *a, const char *b);
int	 strncmp(const char *a, const char *b, size_t len);
char	*strchr(const char *s, int c);
char	*strrchr(const char *s, int c);
char	*strstr(const char *s, const char *what);
size_t	 strlcpy(char *dst, const char *src, size_t size);

/*
 * kstrtoul: parse a whole string as an unsigned number.
 * => base 0 reads 0x and 0 prefixes; a K, M or G suffix multiplies.
 * => Returns: 0; EINVAL when anything is left over or nothing was there;
 *    ERANGE when it does not fit.  *out is unchanged on failure.
 */
int	 kstrtoul(const char *s, int base, uint64_t *out) __warn_unused;
