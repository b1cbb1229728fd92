/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio.h: a "newc" archive, entry by entry.  Pure: nothing but the image is
 * read, every length in it is hostile.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct cpio_entry {
	const char	*name;		/* in the image, ends with a NUL */
	const void	*data;
	size_t		 size;
	uint32_t	 mode, nlink, ino, mtime, rdevmajor, rdevminor;
};

/*
 * cpio_next: the entry at *off; moves *off past it.
 * => Returns 0; ENOENT at the trailer; EINVAL, and *why is one clear phrase.
 */
int	cpio_next(const void *image, size_t len, size_t *off,
	    struct cpio_entry *e, const char **why) __warn_unused;
