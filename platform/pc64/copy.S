/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * copy.S: the only instructions of the kernel that touch user memory.
 *
 * Every one of them lies in a range named in the section ex_table: first
 * instruction, end, where to go on when the access cannot be made good.
 * trap.c first tries vm_fault, so a copy may sleep; the registers of a rep
 * instruction make it go on where it was.
 *
 * I1	The range is checked against VM_MAX_USER_ADDRESS before the first access:
 *	no access can reach the kernel, nor a non-canonical address.
 * I2	AC is set (stac) only around the accesses, so that SMAP stops any other.
 *
 * A step of a rep instruction costs an instruction under TCG: eight bytes each,
 * then the tail.
 */
#include <sys/errno.h>
#include "assym.h"

	.macro	ENTRY name
	.text
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	pushq	%rbp
	movq	%rsp, %rbp
	.endm

	.macro	END name
	.size	\name, . - \name
	.endm

/* Three bytes of nothing, which copy_init turns into stac or clac. */
	.macro	SMAP_SITE insn
.Lsite\@:
	nopl	(%rax)
	.pushsection smap_sites, "a"
	.quad	.Lsite\@, \insn
	.popsection
	.endm
	.macro	STAC
	SMAP_SITE 0xcb010f
	.endm
	.macro	CLAC
	SMAP_SITE 0xca010f
	.endm

	.macro	FAULTS first, end, fixup
	.pushsection ex_table, "a"
	.quad	\first, \end, \fixup
	.popsection
	.endm

/* Go to copy_fault unless [addr, addr + len) is user space; eats rax, r8. */
	.macro	CHECK addr, len
	movabsq	$VM_MAX_USER_ADDRESS, %r8
	movq	\addr, %rax
	addq	\len, %rax
	jc	copy_efault
	cmpq	%r8, %rax
	ja	copy_efault
	.endm

/* copyin(src, dst, len), copyout(src, dst, len): each with a body of its own,
 * so that a fault in it is not blamed on the other. */
	.macro	COPY user, fixup
	CHECK	\user, %rdx
	xchgq	%rdi, %rsi
	movq	%rdx, %rcx
	shrq	$3, %rcx
	andl	$7, %edx
	STAC
1:	rep movsq
	movl	%edx, %ecx
	rep movsb
2:	CLAC
	xorl	%eax, %eax
	popq	%rbp
	ret
	FAULTS	1b, 2b, \fixup
	.endm

ENTRY copyin
	COPY	%rdi, copy_fault
END copyin

ENTRY copyout
	COPY	%rsi, copy_fault
END copyout

/* The common ends of what failed. */
	.type	copy_fault, @function
copy_fault:
	CLAC
copy_efault:
	movl	$EFAULT, %eax
	popq	%rbp
	ret
END copy_fault

/* uzero(dst, len) */
ENTRY uzero
	CHECK	%rdi, %rsi
	movq	%rsi, %rcx
	shrq	$3, %rcx
	andl	$7, %esi
	xorl	%eax, %eax
	STAC
1:	rep stosq
	movl	%esi, %ecx
	rep stosb
2:	CLAC
	popq	%rbp
	ret
	FAULTS	1b, 2b, copy_fault
END uzero

/*
 * copyinstr(src, dst, size, lenp): r9 is how far user space reaches, rcx what
 * is left of the smaller of that and size; r10 the start of dst.
 */
ENTRY copyinstr
	xchgq	%rdi, %rsi
	movq	%rcx, %r11
	movq	%rdi, %r10
	movabsq	$VM_MAX_USER_ADDRESS, %r9
	subq	%rsi, %r9
	jbe	copy_efault
	movq	%rdx, %rcx
	cmpq	%rdx, %r9
	cmovbq	%r9, %rcx
	testq	%rcx, %rcx
	jz	3f
	STAC
1:	lodsb
	stosb
	testb	%al, %al
	jz	2f
	decq	%rcx
	jnz	1b
	CLAC
	cmpq	%rdx, %r9
	jb	copy_efault
3:	movl	$ENAMETOOLONG, %eax
	popq	%rbp
	ret
2:	CLAC
	xorl	%eax, %eax
	testq	%r11, %r11
	jz	4f
	subq	%r10, %rdi
	movq	%rdi, (%r11)
4:	popq	%rbp
	ret
	FAULTS	1b, 2b, copy_fault
END copyinstr

/* fuword32(src, val), fuword64(src, val): *val is written on success only. */
ENTRY fuword32
	CHECK	%rdi, $4
	STAC
1:	movl	(%rdi), %eax
2:	CLAC
	movl	%eax, (%rsi)
	xorl	%eax, %eax
	popq	%rbp
	ret
	FAULTS	1b, 2b, copy_fault
END fuword32

ENTRY fuword64
	CHECK	%rdi, $8
	STAC
1:	movq	(%rdi), %rax
2:	CLAC
	movq	%rax, (%rsi)
	xorl	%eax, %eax
	popq	%rbp
	ret
	FAULTS	1b, 2b, copy_fault
END fuword64

/* suword32(dst, val), suword64(dst, val) */
ENTRY suword32
	CHECK	%rdi, $4
	STAC
1:	movl	%esi, (%rdi)
2:	CLAC
	xorl	%eax, %eax
	popq	%rbp
	ret
	FAULTS	1b, 2b, copy_fault
END suword32

ENTRY suword64
	CHECK	%rdi, $8
	STAC
1:	movq	%rsi, (%rdi)
2:	CLAC
	xorl	%eax, %eax
	popq	%rbp
	ret
	FAULTS	1b, 2b, copy_fault
END suword64

/* casuword32(dst, old, new, seen) */
ENTRY casuword32
	CHECK	%rdi, $4
	movl	%esi, %eax
	STAC
1:	lock cmpxchgl %edx, (%rdi)
2:	CLAC
	movl	%eax, (%rcx)
	xorl	%eax, %eax
	popq	%rbp
	ret
	FAULTS	1b, 2b, copy_fault
END casuword32

/* md_peek(va, val): for what reads memory that may not be there (unwind.c). */
ENTRY md_peek
	xorl	%eax, %eax
1:	movq	(%rdi), %rcx
2:	movq	%rcx, (%rsi)
	incl	%eax
3:	popq	%rbp
	ret
	FAULTS	1b, 2b, 3b
END md_peek

	.section .note.GNU-stack, "", @progbits
