/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * specialreg.h: control registers, model-specific registers, CPUID bits and
 * page-table bits.  Names and numbers are those of the Intel SDM.
 */
#pragma once

/* CR0 */
#define CR0_PE		0x00000001	/* protected mode */
#define CR0_MP		0x00000002	/* FWAIT heeds TS */
#define CR0_EM		0x00000004	/* no x87: must be off for SSE */
#define CR0_TS		0x00000008	/* task switched */
#define CR0_NE		0x00000020	/* x87 errors by #MF */
#define CR0_WP		0x00010000	/* the kernel heeds read-only pages */
#define CR0_AM		0x00040000	/* alignment check */
#define CR0_NW		0x20000000
#define CR0_CD		0x40000000	/* cache disable */
#define CR0_PG		0x80000000	/* paging */

/* CR4 */
#define CR4_PAE		0x00000020
#define CR4_MCE		0x00000040	/* #MC instead of shutdown */
#define CR4_PGE		0x00000080	/* global pages */
#define CR4_OSFXSR	0x00000200
#define CR4_OSXMMEXCPT	0x00000400
#define CR4_UMIP	0x00000800
#define CR4_LA57	0x00001000
#define CR4_FSGSBASE	0x00010000
#define CR4_PCIDE	0x00020000
#define CR4_OSXSAVE	0x00040000
#define CR4_SMEP	0x00100000
#define CR4_SMAP	0x00200000

/* RFLAGS */
#define RFLAGS_CF	0x00000001
#define RFLAGS_R1	0x00000002	/* always set */
#define RFLAGS_TF	0x00000100
#define RFLAGS_IF	0x00000200
#define RFLAGS_DF	0x00000400
#define RFLAGS_IOPL	0x00003000
#define RFLAGS_NT	0x00004000
#define RFLAGS_RF	0x00010000
#define RFLAGS_AC	0x00040000
#define RFLAGS_ID	0x00200000

/* Model-specific registers */
#define MSR_APIC_BASE		0x0000001b
#define	 APIC_BASE_BSP		0x00000100
#define	 APIC_BASE_X2APIC	0x00000400
#define	 APIC_BASE_ENABLE	0x00000800
#define MSR_TSC_ADJUST		0x0000003b
#define MSR_ARCH_CAP		0x0000010a
#define	 ARCH_CAP_RDCL_NO	0x00000001	/* not open to Meltdown */
#define MSR_PAT			0x00000277
#define MSR_EFER		0xc0000080
#define	 EFER_SCE		0x00000001	/* syscall */
#define	 EFER_LME		0x00000100	/* long mode enable */
#define	 EFER_LMA		0x00000400	/* long mode active */
#define	 EFER_NXE		0x00000800	/* no-execute enable */
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SFMASK		0xc0000084
#define MSR_FSBASE		0xc0000100
#define MSR_GSBASE		0xc0000101
#define MSR_KGSBASE		0xc0000102	/* swapped in by swapgs */
#define MSR_TSC_AUX		0xc0000103

/* CPUID leaf 1 */
#define CPUID1_ECX_X2APIC	0x00200000
#define CPUID1_ECX_XSAVE	0x04000000
#define CPUID1_ECX_AVX		0x10000000
#define CPUID1_ECX_RDRAND	0x40000000
#define CPUID1_ECX_HYPERVISOR	0x80000000
#define CPUID1_EDX_TSC		0x00000010
#define CPUID1_EDX_MSR		0x00000020
#define CPUID1_EDX_MCE		0x00000080
#define CPUID1_EDX_APIC		0x00000200
#define CPUID1_EDX_PGE		0x00002000
#define CPUID1_EDX_PAT		0x00010000
#define CPUID1_EDX_FXSR		0x01000000
#define CPUID1_EDX_SSE2		0x04000000
/* CPUID leaf 7, subleaf 0 */
#define CPUID7_EBX_FSGSBASE	0x00000001
#define CPUID7_EBX_SMEP		0x00000080
#define CPUID7_EBX_ERMS		0x00000200
#define CPUID7_EBX_RDSEED	0x00040000
#define CPUID7_EBX_SMAP		0x00100000
#define CPUID7_ECX_UMIP		0x00000004
#define CPUID7_ECX_LA57		0x00010000
#define CPUID7_EDX_ARCHCAP	0x20000000
/* CPUID leaf 0x80000001 */
#define CPUIDX1_EDX_SYSCALL	0x00000800
#define CPUIDX1_EDX_NX		0x00100000
#define CPUIDX1_EDX_PAGE1GB	0x04000000
#define CPUIDX1_EDX_RDTSCP	0x08000000
#define CPUIDX1_EDX_LM		0x20000000
/* CPUID leaf 0x80000007 */
#define CPUIDX7_EDX_INVTSC	0x00000100

/* Page-table entries (not PG_V alone: unsigned constants for C and .S) */
#ifdef __ASSEMBLER__
#define __PTE(x)	x
#else
#define __PTE(x)	x##UL
#endif
#define PG_V		__PTE(0x001)	/* present */
#define PG_RW		__PTE(0x002)
#define PG_U		__PTE(0x004)	/* user */
#define PG_PWT		__PTE(0x008)
#define PG_PCD		__PTE(0x010)	/* uncached, with PWT */
#define PG_A		__PTE(0x020)	/* accessed */
#define PG_M		__PTE(0x040)	/* dirty */
#define PG_PS		__PTE(0x080)	/* large page, in a PDPTE or PDE */
#define PG_G		__PTE(0x100)	/* global */
#define PG_AVAIL1	__PTE(0x200)	/* for software */
#define PG_AVAIL2	__PTE(0x400)
#define PG_AVAIL3	__PTE(0x800)
#define PG_NX		__PTE(0x8000000000000000)
#define PG_FRAME	__PTE(0x000ffffffffff000)
#define PG_PS_FRAME	__PTE(0x000fffffffe00000)
