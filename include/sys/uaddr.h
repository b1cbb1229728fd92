/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uaddr.h: user addresses.  A user address is a struct, so that it cannot be
 * dereferenced or confused with a kernel pointer; the only ways to its memory
 * are these functions.
 * => Sleeps: all may fault, so for memory and I/O: no spinlock, no object lock
 *    and no map lock of the current process may be held.
 * => Returns: 0, or EFAULT when any byte is not accessible to the user.
 */
#pragma once

#include <lib/assert.h>
#include <lib/cdefs.h>
#include <lib/types.h>

struct uaddr {
	uint64_t	ua;
};

static inline struct uaddr
uaddr(uint64_t a)
{
	return (struct uaddr){ a };
}

static inline struct uaddr
uaddr_add(struct uaddr u, uint64_t n)
{
	return (struct uaddr){ u.ua + n };
}

/* copyin, copyout: asserted: what the compiler knows the size of is not copied
 * beyond its end. */
int	copyin(struct uaddr src, void *dst, size_t len) __warn_unused;
int	copyout(const void *src, struct uaddr dst, size_t len) __warn_unused;
/* copyinstr: ENAMETOOLONG when no NUL within size; *lenp counts the NUL. */
int	copyinstr(struct uaddr src, char *dst, size_t size, size_t *lenp)
	    __warn_unused;
#if DEBUG >= 1
#define copyin(src, dst, len)						\
	(copyin)((src), (dst), copy_len((len), __builtin_object_size((dst), 0)))
#define copyout(src, dst, len)						\
	(copyout)((src), (dst),						\
	    copy_len((len), __builtin_object_size((src), 0)))
static __always_inline size_t
copy_len(size_t len, size_t room)
{
	KASSERT(len <= room, "%zu bytes to or from user space, the kernel's "
	    "end has %zu", len, room);
	return len;
}
#endif
int	fuword32(struct uaddr src, uint32_t *val) __warn_unused;
int	fuword64(struct uaddr src, uint64_t *val) __warn_unused;
int	suword32(struct uaddr dst, uint32_t val) __warn_unused;
int	suword64(struct uaddr dst, uint64_t val) __warn_unused;
/* casuword32: compare and swap; *seen is what was there. */
int	casuword32(struct uaddr dst, uint32_t old, uint32_t new,
	    uint32_t *seen) __warn_unused;
int	uzero(struct uaddr dst, size_t len) __warn_unused;
