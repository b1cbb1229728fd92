/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpu.h: x87, SSE and AVX registers of user threads.  The kernel itself uses
 * none of them.  Platform-private; fpu.c has the rules.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <sys/uaddr.h>

struct thread;

void	fpu_init_cpu(void);	/* this CPU, after identcpu_cpu */

int	fpu_alloc(struct thread *td) __warn_unused;	/* 0 or ENOMEM */
void	fpu_free(struct thread *td);
/* fpu_fork: child's area becomes a copy of the running thread's registers. */
void	fpu_fork(struct thread *child);
/* fpu_reset: the current thread's registers get their values at exec. */
void	fpu_reset(void);
/* fpu_save, fpu_restore: registers to and from td's area; interrupts off. */
void	fpu_save(struct thread *td);
void	fpu_restore(struct thread *td);
/* fpu_fault_bits: unmasked exceptions that are raised, IE DE ZE OE UE PE. */
unsigned fpu_fault_bits(bool simd);

/*
 * Signal frames: the current thread's registers to and from user memory, as
 * Linux lays them out; fpu_sigsize bytes, 64-byte aligned.
 * => Sleeps: may fault.  Returns: 0; EFAULT.
 * => fpu_copyin: what user space wrote cannot harm the kernel; on failure the
 *    registers are those of fpu_reset.
 */
size_t	fpu_sigsize(void);
int	fpu_copyout(struct uaddr dst) __warn_unused;
int	fpu_copyin(struct uaddr src) __warn_unused;
