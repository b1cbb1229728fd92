/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpu.c: x87, SSE and AVX registers of user threads.
 *
 * Eager: saved at every switch away from a user thread and loaded at every
 * switch to one, so the registers always are the current user thread's.  The
 * lazy way (#NM at first use) is an exception dearer than the load, needs a
 * call to the CPU that still has the registers, and is how CVE-2018-3665 read
 * another process's.
 *
 * I1	The current user thread's registers count, not its area, unless
 *	md_fpumem says that the area is being written (fpu_copyin sleeps): then
 *	a switch neither saves nor loads.
 * I2	What is in an area can be loaded: XRSTOR faults on reserved bits, and a
 *	fault there would be the kernel's.
 * I3	An area that was written by hand is loaded before the next save, so
 *	XSAVEOPT never leaves out what it believes unchanged.
 * Sources: Intel SDM 1 chapter 13; Linux Documentation/arch/x86/xstate.rst and
 * uapi/asm/sigcontext.h for the frame.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/fpu.h>
#include <machine/specialreg.h>
#include <sys/errno.h>
#include <sys/thread.h>
#include <sys/zone.h>

#define FPU_ALIGN	64
#define XCR0_FPSSE	0x3UL		/* x87 and SSE: the legacy area */
#define XCR0_AVX	0x4UL
#define XCR0_AVX512	0xe0UL		/* three components, all or none */

#define FCW_DEFAULT	0x037f		/* all masked, extended precision */
#define MXCSR_DEFAULT	0x1f80		/* all masked */
#define MXCSR_MASK	0xffbf		/* where the CPU does not say */

/* FXSAVE's 512 bytes, then XSAVE's header; the rest has no fixed layout. */
struct fpu_area {
	uint16_t	fcw, fsw;
	uint8_t		ftw, rsvd0;
	uint16_t	fop;
	uint64_t	fip, fdp;
	uint32_t	mxcsr, mxcsr_mask;
	uint8_t		regs[256 + 128];	/* st0-7, xmm0-15 */
	uint8_t		rsvd1[48];
	struct fpu_sw {				/* for software; Linux's use */
		uint32_t	magic1;
		uint32_t	extended_size;	/* with magic2 */
		uint64_t	xfeatures;
		uint32_t	xstate_size;
		uint32_t	padding[7];
	}		sw;
	uint64_t	xstate_bv, xcomp_bv;
	uint64_t	rsvd2[6];
};
CTASSERT(offsetof(struct fpu_area, regs) == 32, "FXSAVE layout");
CTASSERT(offsetof(struct fpu_area, xstate_bv) == 512, "XSAVE layout");
CTASSERT(sizeof(struct fpu_area) == 576, "XSAVE header ends at 576");

#define FXSAVE_SIZE	512
#define FP_XSTATE_MAGIC1	0x46505853
#define FP_XSTATE_MAGIC2	0x46505845

/* [c] after fpu_init_cpu on the boot CPU. */
static uint64_t	fpu_xcr0;		/* 0: no XSAVE, FXSAVE only */
static bool	fpu_xsaveopt;
static size_t	fpu_area_size = FXSAVE_SIZE;
static uint32_t	fpu_mxcsr_mask;
static struct zone *fpu_zone;		/* [c] made by the first fpu_alloc */
static struct fpu_area fpu_initial __aligned(FPU_ALIGN);

static inline void
area_save(struct fpu_area *a)
{
	if (fpu_xcr0 != 0)
		__asm__ volatile("xsave64 %0" : "+m"(*a)
		    : "a"((uint32_t)fpu_xcr0), "d"(0) : "memory");
	else
		__asm__ volatile("fxsave64 %0" : "+m"(*a) :: "memory");
}

static inline void
area_restore(const struct fpu_area *a)
{
	if (fpu_xcr0 != 0)
		__asm__ volatile("xrstor64 %0" :: "m"(*a),
		    "a"((uint32_t)fpu_xcr0), "d"(0) : "memory");
	else
		__asm__ volatile("fxrstor64 %0" :: "m"(*a) : "memory");
}

/* What the CPU offers, once; every CPU is checked to be alike by identcpu. */
static void
fpu_probe(void)
{
	struct cpuid_regs r = cpuid(0xd, 0);

	fpu_xcr0 = r.eax & (XCR0_FPSSE | XCR0_AVX | XCR0_AVX512);
	if ((fpu_xcr0 & XCR0_AVX) == 0 ||
	    (fpu_xcr0 & XCR0_AVX512) != XCR0_AVX512)
		fpu_xcr0 &= ~XCR0_AVX512;
	fpu_xsaveopt = (cpuid(0xd, 1).eax & 1) != 0;
}

void
fpu_init_cpu(void)
{
	struct fpu_area *a = &fpu_initial;
	static bool probed;

	load_cr0((rcr0() & ~(uint64_t)(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	load_cr4(rcr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
	if (cpu_features.xsave) {
		if (!probed)
			fpu_probe();
		__asm__ volatile("xsetbv" :: "c"(0), "a"((uint32_t)fpu_xcr0),
		    "d"(0));
	}
	if (probed) {
		area_restore(a);
		return;
	}
	/* The size is for what XCR0 has now. */
	if (fpu_xcr0 != 0)
		fpu_area_size = cpuid(0xd, 0).ebx;
	__asm__ volatile("fninit; fxsave64 %0" : "+m"(*a) :: "memory");
	fpu_mxcsr_mask = a->mxcsr_mask != 0 ? a->mxcsr_mask : MXCSR_MASK;
	memset(a, 0, sizeof(*a));
	a->fcw = FCW_DEFAULT;
	a->mxcsr = MXCSR_DEFAULT;
	a->mxcsr_mask = fpu_mxcsr_mask;
	area_restore(a);
	probed = true;
}

static void
area_reset(struct fpu_area *a)
{
	memset(a, 0, fpu_area_size);
	memcpy(a, &fpu_initial, FXSAVE_SIZE);
}

/* The first user thread is made while it is the only one to come: no lock. */
int
fpu_alloc(struct thread *td)
{
	struct fpu_area *a;

	KASSERT(td->td_md.md_fpu == NULL, "thread %d has an FPU area already",
	    td->td_tid);
	if (fpu_zone == NULL)
		fpu_zone = zone_create("fpu", fpu_area_size, FPU_ALIGN, NULL,
		    0);
	a = zone_alloc(fpu_zone, M_WAITOK);
	if (a == NULL)
		return ENOMEM;
	area_reset(a);
	td->td_md.md_fpumem = false;
	td->td_md.md_fpu = a;
	return 0;
}

void
fpu_free(struct thread *td)
{
	if (td->td_md.md_fpu == NULL)
		return;
	zone_free(fpu_zone, td->td_md.md_fpu);
	td->td_md.md_fpu = NULL;
}

void
fpu_save(struct thread *td)
{
	struct fpu_area *a = td->td_md.md_fpu;

	if (td->td_md.md_fpumem)
		return;
	if (fpu_xsaveopt)
		__asm__ volatile("xsaveopt64 %0" : "+m"(*a)
		    : "a"((uint32_t)fpu_xcr0), "d"(0) : "memory");
	else
		area_save(a);
}

void
fpu_restore(struct thread *td)
{
	if (!td->td_md.md_fpumem)
		area_restore(td->td_md.md_fpu);
}

/* area_save, not fpu_save: the copy must not miss what XSAVEOPT leaves out
 * (it is complete only together with the same area's last load). */
void
fpu_fork(struct thread *child)
{
	struct thread *td = curthread;
	uint64_t flags;

	flags = intr_disable();
	area_save(td->td_md.md_fpu);
	intr_restore(flags);
	memcpy(child->td_md.md_fpu, td->td_md.md_fpu, fpu_area_size);
}

/* fpu_load_area: the area of the current thread counts again, as it is. */
static void
fpu_load_area(struct thread *td)
{
	uint64_t flags;

	flags = intr_disable();
	td->td_md.md_fpumem = false;
	area_restore(td->td_md.md_fpu);
	intr_restore(flags);
}

void
fpu_reset(void)
{
	struct thread *td = curthread;

	td->td_md.md_fpumem = true;
	compiler_barrier();
	area_reset(td->td_md.md_fpu);
	fpu_load_area(td);
}

/* x87 and SIMD keep raised flags and masks in the same order. */
unsigned
fpu_fault_bits(bool simd)
{
	uint32_t mxcsr;
	uint16_t fcw, fsw;

	if (simd) {
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		return mxcsr & ~(mxcsr >> 7) & 0x3f;
	}
	__asm__ volatile("fnstcw %0; fnstsw %1" : "=m"(fcw), "=m"(fsw));
	return fsw & ~(unsigned)fcw & 0x3f;
}

size_t
fpu_sigsize(void)
{
	if (fpu_xcr0 == 0)
		return FXSAVE_SIZE;
	return fpu_area_size + sizeof(uint32_t);
}

int
fpu_copyout(struct uaddr dst)
{
	struct fpu_area *a = curthread->td_md.md_fpu;
	uint64_t flags;
	int error;

	flags = intr_disable();
	area_save(a);
	memset(&a->sw, 0, sizeof(a->sw));
	if (fpu_xcr0 != 0) {
		a->sw.magic1 = FP_XSTATE_MAGIC1;
		a->sw.extended_size = (uint32_t)fpu_sigsize();
		a->sw.xfeatures = fpu_xcr0;
		a->sw.xstate_size = (uint32_t)fpu_area_size;
		/* Programs edit the legacy area and expect that it counts. */
		a->xstate_bv |= XCR0_FPSSE;
	}
	intr_restore(flags);
	error = copyout(a, dst, fpu_area_size);
	if (error == 0 && fpu_xcr0 != 0)
		error = suword32(uaddr_add(dst, fpu_area_size),
		    FP_XSTATE_MAGIC2);
	return error;
}

/* Make what user space wrote loadable (I2). */
static void
area_sanitize(struct fpu_area *a)
{
	a->mxcsr &= fpu_mxcsr_mask;
	if (fpu_xcr0 == 0)
		return;
	a->xstate_bv &= fpu_xcr0;
	a->xcomp_bv = 0;
	memset(a->rsvd2, 0, sizeof(a->rsvd2));
}

/* The frame has all components if both magic words are there; otherwise only
 * the legacy area is the program's. */
static int
area_copyin(struct fpu_area *a, struct uaddr src)
{
	uint32_t magic2;
	int error;

	error = copyin(src, a, FXSAVE_SIZE);
	if (error != 0 || fpu_xcr0 == 0)
		return error;
	a->xstate_bv = XCR0_FPSSE;
	if (a->sw.magic1 != FP_XSTATE_MAGIC1 ||
	    a->sw.xstate_size != fpu_area_size ||
	    a->sw.extended_size != fpu_sigsize())
		return 0;
	error = fuword32(uaddr_add(src, fpu_area_size), &magic2);
	if (error != 0 || magic2 != FP_XSTATE_MAGIC2)
		return error;
	return copyin(uaddr_add(src, FXSAVE_SIZE), (char *)a + FXSAVE_SIZE,
	    fpu_area_size - FXSAVE_SIZE);
}

int
fpu_copyin(struct uaddr src)
{
	struct thread *td = curthread;
	struct fpu_area *a = td->td_md.md_fpu;
	int error;

	td->td_md.md_fpumem = true;
	compiler_barrier();
	area_reset(a);
	error = area_copyin(a, src);
	if (error != 0)
		area_reset(a);
	area_sanitize(a);
	fpu_load_area(td);
	return error;
}
