/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types.h: the scalar types.  A type says its unit: vm_offset_t is a virtual
 * byte address, vm_paddr_t a physical one, vm_ooffset_t a byte offset in an
 * object, vm_pindex_t a page index in an object.  There is no typedef of a
 * struct pointer in this kernel.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef long		ssize_t;
typedef long		off_t;
typedef int		pid_t;
typedef unsigned int	mode_t;

typedef unsigned long	vm_offset_t;
typedef unsigned long	vm_size_t;
typedef unsigned long	vm_paddr_t;
typedef unsigned long	vm_ooffset_t;
typedef unsigned long	vm_pindex_t;
typedef unsigned char	vm_prot_t;

typedef uint64_t	cpumask_t;	/* one bit a CPU; MAXCPU is 64 */
typedef uint64_t	nsec_t;		/* nanoseconds since boot */
