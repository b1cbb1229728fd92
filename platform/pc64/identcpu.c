/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * identcpu.c: what the CPU offers, and switching on what the kernel uses.
 *
 * identcpu() looks at the boot CPU once; identcpu_cpu() sets up whichever CPU
 * runs it in the same way, so all CPUs have the same control registers.  A CPU
 * that lacks what the boot CPU has stops the boot: the kernel does not look at
 * features per CPU.  XCR0 and the FPU are fpu.c's, the syscall registers
 * gdt_idt.c's.  5-level paging is left off.
 *
 * Locks: none.  Sources: Intel SDM vol. 2A (CPUID), vol. 3A 2.5 and 4.1.
 */
#include <lib/assert.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/specialreg.h>
#include <sys/kprintf.h>
#include <sys/param.h>

#define MAXPHYS_DMAP	46	/* DMAP_MAX - DMAP_BASE is 64 TiB */

struct cpu_features cpu_features;

/* The CR4 bits that follow from the features of this CPU. */
static uint64_t
cr4_wanted(const struct cpu_features *f)
{
	uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if ((cpuid(1, 0).edx & CPUID1_EDX_MCE) != 0)
		cr4 |= CR4_MCE;
	if (f->pge)
		cr4 |= CR4_PGE;
	if (f->smep)
		cr4 |= CR4_SMEP;
	if (f->smap)
		cr4 |= CR4_SMAP;
	if (f->umip)
		cr4 |= CR4_UMIP;
	if (f->fsgsbase)
		cr4 |= CR4_FSGSBASE;
	if (f->xsave)
		cr4 |= CR4_OSXSAVE;
	return cr4;
}

static void
read_names(struct cpu_features *f)
{
	struct cpuid_regs r = cpuid(0, 0);
	unsigned i;

	memcpy(f->vendor, &r.ebx, 4);
	memcpy(f->vendor + 4, &r.edx, 4);
	memcpy(f->vendor + 8, &r.ecx, 4);
	f->vendor[12] = '\0';
	if (cpuid(0x80000000, 0).eax < 0x80000004)
		return;
	for (i = 0; i < 3; i++) {
		r = cpuid(0x80000002 + i, 0);
		memcpy(f->brand + 16 * i, &r, 16);
	}
	f->brand[48] = '\0';
}

/* Other makers' CPUs never let user code read kernel memory ahead of the
 * fault; Intel's say in a register whether they do. */
static bool
may_meltdown(const struct cpu_features *f, uint32_t max)
{
	if (strcmp(f->vendor, "GenuineIntel") != 0)
		return false;
	if (max < 7 || (cpuid(7, 0).edx & CPUID7_EDX_ARCHCAP) == 0)
		return true;
	return (rdmsr(MSR_ARCH_CAP) & ARCH_CAP_RDCL_NO) == 0;
}

static void
read_features(struct cpu_features *f)
{
	uint32_t max = cpuid(0, 0).eax, xmax = cpuid(0x80000000, 0).eax;
	struct cpuid_regs r;

	memset(f, 0, sizeof(*f));
	read_names(f);
	r = cpuid(1, 0);
	f->pge = (r.edx & CPUID1_EDX_PGE) != 0;
	f->xsave = (r.ecx & CPUID1_ECX_XSAVE) != 0;
	f->avx = f->xsave && (r.ecx & CPUID1_ECX_AVX) != 0;
	f->rdrand = (r.ecx & CPUID1_ECX_RDRAND) != 0;
	f->hypervisor = (r.ecx & CPUID1_ECX_HYPERVISOR) != 0;
	if (max >= 7) {
		r = cpuid(7, 0);
		f->fsgsbase = (r.ebx & CPUID7_EBX_FSGSBASE) != 0;
		f->smep = (r.ebx & CPUID7_EBX_SMEP) != 0;
		f->smap = (r.ebx & CPUID7_EBX_SMAP) != 0;
		f->umip = (r.ecx & CPUID7_ECX_UMIP) != 0;
		f->la57 = (r.ecx & CPUID7_ECX_LA57) != 0;
	}
	f->page1gb = (cpuid(0x80000001, 0).edx & CPUIDX1_EDX_PAGE1GB) != 0;
	if (xmax >= 0x80000007)
		f->invtsc = (cpuid(0x80000007, 0).edx & CPUIDX7_EDX_INVTSC) !=
		    0;
	f->meltdown = may_meltdown(f, max);
	f->maxphys = 36;
	if (xmax >= 0x80000008)
		f->maxphys = cpuid(0x80000008, 0).eax & 0xff;
	f->maxphys = MIN(f->maxphys, MAXPHYS_DMAP);
}

void
identcpu(void)
{
	read_features(&cpu_features);
	identcpu_cpu();
}

void
identcpu_cpu(void)
{
	struct cpu_features mine;

	read_features(&mine);
	if (cr4_wanted(&mine) != cr4_wanted(&cpu_features) ||
	    mine.page1gb < cpu_features.page1gb ||
	    mine.maxphys < cpu_features.maxphys)
		panic("CPU %d differs from the boot CPU: CR4 %#lx, not %#lx",
		    curcpu, cr4_wanted(&mine), cr4_wanted(&cpu_features));
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE | EFER_SCE);
	load_cr0((rcr0() | CR0_WP | CR0_NE | CR0_MP) &
	    ~(uint64_t)(CR0_EM | CR0_TS | CR0_AM | CR0_CD | CR0_NW));
	load_cr4(cr4_wanted(&mine));
}

void
identcpu_print(void)
{
	const struct cpu_features *f = &cpu_features;
	const char *brand = f->brand;

	while (*brand == ' ')
		brand++;
	kprintf("cpu: %s %s\n", f->vendor, brand);
	kprintf("cpu: NX SSE2%s%s%s%s%s%s%s%s%s, %u physical bits%s\n",
	    f->smep ? " SMEP" : "", f->smap ? " SMAP" : "",
	    f->umip ? " UMIP" : "", f->pge ? " PGE" : "",
	    f->fsgsbase ? " FSGSBASE" : "", f->xsave ? " XSAVE" : "",
	    f->avx ? " AVX" : "", f->page1gb ? " 1GiB-pages" : "",
	    f->invtsc ? " invariant-TSC" : "", f->maxphys,
	    f->la57 ? ", LA57 not used" : "");
	if (f->meltdown)
		kprintf("cpu: may be open to Meltdown: user code might read "
		    "kernel memory\n");
}
