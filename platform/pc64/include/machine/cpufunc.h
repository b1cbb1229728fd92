/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpufunc.h: instructions that C has no word for, one inline each; and what
 * identcpu.c found out about the CPU.  Platform-private.
 */
#pragma once

#include <lib/types.h>

static inline uint8_t
inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %w1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t
inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %w1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t
inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %w1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void
outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %w1" :: "a"(v), "Nd"(port));
}

static inline void
outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %w1" :: "a"(v), "Nd"(port));
}

static inline void
outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %w1" :: "a"(v), "Nd"(port));
}

static inline uint64_t
rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void
wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" :: "c"(msr), "a"((uint32_t)v),
	    "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t
rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

struct cpuid_regs {
	uint32_t	eax, ebx, ecx, edx;
};

static inline struct cpuid_regs
cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx),
	    "=d"(r.edx) : "a"(leaf), "c"(sub));
	return r;
}

#define __RW_CR(n)							\
static inline uint64_t							\
rcr##n(void)								\
{									\
	uint64_t v;							\
									\
	__asm__ volatile("movq %%cr" #n ", %0" : "=r"(v));		\
	return v;							\
}									\
static inline void							\
load_cr##n(uint64_t v)							\
{									\
	__asm__ volatile("movq %0, %%cr" #n :: "r"(v) : "memory");	\
}
__RW_CR(0)
__RW_CR(2)
__RW_CR(3)
__RW_CR(4)
#undef __RW_CR

static inline void
invlpg(vm_offset_t va)
{
	__asm__ volatile("invlpg (%0)" :: "r"(va) : "memory");
}

static inline void
cpu_halt(void)
{
	__asm__ volatile("hlt" ::: "memory");
}

static inline void
cpu_cli(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline void
cpu_sti(void)
{
	__asm__ volatile("sti" ::: "memory");
}

/*
 * What the boot CPU offers and the kernel uses.  [c] all, after identcpu().
 * Every other CPU must offer the same (identcpu_cpu panics otherwise).
 */
struct cpu_features {
	bool		smap;		/* stac and clac exist */
	bool		smep;
	bool		umip;
	bool		fsgsbase;	/* CR4.FSGSBASE is on: user code may
					 * change its FS and GS base itself */
	bool		xsave;		/* CR4.OSXSAVE is on */
	bool		avx;
	bool		page1gb;
	bool		pge;
	bool		invtsc;
	bool		rdrand;
	bool		la57;		/* offered; not used */
	bool		hypervisor;
	bool		meltdown;	/* an Intel CPU that does not say it is
					 * safe: user code may read what the
					 * kernel maps.  Only reported: there
					 * is no page-table isolation */
	unsigned	maxphys;	/* physical address bits, at most 46 */
	char		vendor[13];
	char		brand[49];
};
extern struct cpu_features cpu_features;

void	identcpu(void);		/* boot CPU: fill cpu_features, set it up */
void	identcpu_cpu(void);	/* this CPU's EFER, CR0 and CR4 */
void	identcpu_print(void);	/* the boot line */
