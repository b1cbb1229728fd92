/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segments.h: selectors, descriptors, the task state segment and the start of
 * a CPU's trap machinery.  Platform-private.
 *
 * SYSCALL loads CS with STAR[47:32] and SS with that + 8; SYSRET loads SS with
 * STAR[63:48] + 8 and CS with STAR[63:48] + 16: that gives the order below.
 */
#pragma once

#define SEL_KCODE	0x08
#define SEL_KDATA	0x10
#define SEL_UCODE32	0x1b	/* the base that SYSRET counts from; not used */
#define SEL_UDATA	0x23
#define SEL_UCODE	0x2b
#define SEL_TSS		0x30	/* 16 bytes */
#define GDT_ENTRIES	8

/* Interrupt stacks, 1-based as in an IDT entry. */
#define IST_NONE	0
#define IST_DF		1
#define IST_NMI		2
#define IST_MC		3
#define IST_DB		4
#define IST_COUNT	4

#ifndef __ASSEMBLER__
#include <lib/cdefs.h>
#include <lib/types.h>

struct tss {
	uint32_t	tss_rsvd0;
	uint64_t	tss_rsp0;	/* stack at entry from user mode */
	uint64_t	tss_rsp1, tss_rsp2;
	uint64_t	tss_rsvd1;
	uint64_t	tss_ist[7];	/* [IST_x - 1] */
	uint64_t	tss_rsvd2;
	uint16_t	tss_rsvd3;
	uint16_t	tss_iobase;
} __packed;
CTASSERT(sizeof(struct tss) == 104, "the hardware's TSS");

struct gate {
	uint16_t	gd_low, gd_sel;
	uint8_t		gd_ist, gd_type;
	uint16_t	gd_mid;
	uint32_t	gd_high, gd_rsvd;
};
CTASSERT(sizeof(struct gate) == 16, "the hardware's IDT entry");

/*
 * gdt_alloc_cpu: memory for the tables and interrupt stacks of a CPU that is
 * about to be started.  CPU 0 has its own from the start.
 * => Called on a CPU that already runs.  Sleeps: for memory.
 * => Returns: 0; ENOMEM.
 */
int	gdt_alloc_cpu(int cpu) __warn_unused;
/* gdt_init_cpu: load this CPU's GDT, TSS, and GS base (pcpu_data[cpu]);
 * pc_cpuid, pc_self, pc_tss and pc_gdt are set.  User mode has GS base 0. */
void	gdt_init_cpu(int cpu);
/* idt_init: build the one IDT of all CPUs, fit the entry code to this CPU's
 * SMAP, and load it.  Boot CPU, before the kernel's text is in use by others. */
void	idt_init(void);
void	idt_load(void);
/* syscall_init_cpu: SYSCALL's registers and the FPU of this CPU, after
 * identcpu_cpu(). */
void	syscall_init_cpu(void);
#endif
