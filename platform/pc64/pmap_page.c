/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_page.c: the contents of pages, by the direct map.
 *
 * Zeroing a page is 40 % of a zero-fill fault when it is done eight bytes an
 * instruction, so it goes by 32, through one AVX register.
 *
 * TRICK.  The kernel uses no vector register and saves none on entry, so %ymm0
 * here is a user thread's.  It is kept on the stack and put back, with
 * preemption off: a switch in between would save zeros as the thread's value,
 * or, for a kernel thread, whose registers are not saved, lose ours.  An
 * interrupt that comes here too puts back what it finds.  With AVX-512 on,
 * writing %ymm0 would clear the upper half of %zmm0: then not.
 *
 * Locks: none.
 */
#include "pmap_priv.h"

#include <machine/cpufunc.h>
#include <sys/thread.h>

#define XCR0_AVX	0x4u
#define XCR0_AVX512	0xe0u

static bool	use_avx;	/* [c] */

void
page_init(void)
{
	uint32_t lo, hi;

	if (!cpu_features.avx || (rcr4() & CR4_OSXSAVE) == 0)
		return;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	use_avx = (lo & (XCR0_AVX | XCR0_AVX512)) == XCR0_AVX;
}

void *
pmap_page_kva(struct vm_page *m)
{
	return PHYS_TO_DMAP(VM_PAGE_TO_PHYS(m));
}

/* Both loops: 512 bytes a turn, 8 turns. */
static void
zero_avx(char *dst)
{
	const char *end = dst + PAGE_SIZE;
	char ymm0[32];

	critical_enter();
	__asm__ volatile(
	    "vmovdqu %%ymm0, %[save]\n\t"
	    "vpxor %%xmm0, %%xmm0, %%xmm0\n"
	    "1:\n\t"
	    ".set .Loff, 0\n\t"
	    ".rept 16\n\t"
	    "vmovdqa %%ymm0, .Loff(%[dst])\n\t"
	    ".set .Loff, .Loff + 32\n\t"
	    ".endr\n\t"
	    "addq $512, %[dst]\n\t"
	    "cmpq %[end], %[dst]\n\t"
	    "jne 1b\n\t"
	    "vmovdqu %[save], %%ymm0"
	    : [dst] "+r"(dst), [save] "=m"(ymm0) : [end] "r"(end) : "memory");
	critical_exit();
}

static void
copy_avx(const char *src, char *dst)
{
	const char *end = dst + PAGE_SIZE;
	char ymm0[32];

	critical_enter();
	__asm__ volatile(
	    "vmovdqu %%ymm0, %[save]\n"
	    "1:\n\t"
	    ".set .Loff, 0\n\t"
	    ".rept 16\n\t"
	    "vmovdqa .Loff(%[src]), %%ymm0\n\t"
	    "vmovdqa %%ymm0, .Loff(%[dst])\n\t"
	    ".set .Loff, .Loff + 32\n\t"
	    ".endr\n\t"
	    "addq $512, %[src]\n\t"
	    "addq $512, %[dst]\n\t"
	    "cmpq %[end], %[dst]\n\t"
	    "jne 1b\n\t"
	    "vmovdqu %[save], %%ymm0"
	    : [src] "+r"(src), [dst] "+r"(dst), [save] "=m"(ymm0)
	    : [end] "r"(end) : "memory");
	critical_exit();
}

void
pmap_zero_page(struct vm_page *m)
{
	void *dst = pmap_page_kva(m);
	uint64_t n = PAGE_SIZE / sizeof(uint64_t);

	if (use_avx)
		zero_avx(dst);
	else
		__asm__ volatile("rep stosq" : "+D"(dst), "+c"(n) : "a"(0UL) :
		    "memory");
}

void
pmap_copy_page(struct vm_page *from, struct vm_page *to)
{
	void *src = pmap_page_kva(from), *dst = pmap_page_kva(to);
	uint64_t n = PAGE_SIZE / sizeof(uint64_t);

	if (use_avx)
		copy_avx(src, dst);
	else
		__asm__ volatile("rep movsq" : "+S"(src), "+D"(dst), "+c"(n) ::
		    "memory");
}
