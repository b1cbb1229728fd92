/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.h: what portable code may ask of the CPU it runs on.  The host build has
 * its own copy of this header.
 */
#pragma once

#include <lib/types.h>
#include <machine/pcpu.h>

struct thread;

/* curthread: the running thread; stable across preemption and migration. */
static inline struct thread *
curthread_get(void)
{
	struct thread *td;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(td));
	return td;
}
#define curthread	curthread_get()

/* curcpu: index of this CPU; a hint unless preemption is off. */
static inline int
curcpu_get(void)
{
	int cpu;

	__asm__ volatile("movl %%gs:8, %0" : "=r"(cpu));
	return cpu;
}
#define curcpu		curcpu_get()

/* cpu_intr_depth: 0 in a thread, > 0 in an interrupt handler. */
static inline int
cpu_intr_depth(void)
{
	int depth;

	__asm__ volatile("movl %%gs:12, %0" : "=r"(depth));
	return depth;
}

static inline void
cpu_spinwait(void)
{
	__asm__ volatile("pause" ::: "memory");
}

/* intr_disable: interrupts off; returns the former state for intr_restore. */
static inline uint64_t
intr_disable(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) :: "memory");
	return flags;
}

static inline void
intr_restore(uint64_t flags)
{
	if (flags & 0x200)
		__asm__ volatile("sti" ::: "memory");
}

static inline void
intr_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline bool
intr_enabled(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags) :: "memory");
	return (flags & 0x200) != 0;
}
