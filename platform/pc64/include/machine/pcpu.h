/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcpu.h: per-CPU data, found by GS.  The first words are read by cpu.h and by
 * exception.S at fixed offsets (assym.h); keep their order.
 */
#pragma once

#include <lib/types.h>
#include <machine/param.h>

struct pmap;
struct thread;
struct trapframe;
struct tss;

/* [t] this CPU only, interrupts off where an interrupt writes it too. */
struct pcpu {
	struct thread	*pc_curthread;		/* gs:0 */
	int		 pc_cpuid;		/* gs:8 */
	int		 pc_intr_depth;		/* interrupt nesting */
	uint64_t	 pc_rsp0;		/* kernel stack for entry from user */
	uint64_t	 pc_scratch_rsp;	/* user rsp during Xfast_syscall */
	struct pcpu	*pc_self;
	uint32_t	 pc_apicid;
	int		 pc_introff_depth;	/* spinlock.c: LK_INTR nesting */
	uint64_t	 pc_introff_flags;	/* state before the first */
	struct thread	*pc_idlethread;
	struct pmap	*pc_curpmap;		/* address space loaded in CR3 */
	struct tss	*pc_tss;
	void		*pc_gdt;
	uint64_t	 pc_fsbase;		/* the user FS and GS base that are */
	uint64_t	 pc_gsbase;		/* in the MSRs (md_thread.c) */
	const struct trapframe *pc_stopframe;	/* [a] where md_ipi_stop caught
						 * this CPU; NULL: not stopped */
	int		 pc_stopasked;		/* [a] md_ipi_stop sent an NMI */
	uint64_t	 pc_stopcr2;		/* at md_stopping */
	uint64_t	 pc_stopcr3;
	bool		 pc_online;
} __attribute__((__aligned__(CACHE_LINE)));

extern struct pcpu pcpu_data[MAXCPU];	/* gdt_idt.c */

/* pcpu_self: this CPU's; the caller is not preempted. */
static inline struct pcpu *
pcpu_self(void)
{
	struct pcpu *pc;

	__asm__ volatile("movq %%gs:%c1, %0"
	    : "=r"(pc) : "i"(__builtin_offsetof(struct pcpu, pc_self)));
	return pc;
}
