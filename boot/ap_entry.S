/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ap_entry.S: the first instructions of every other CPU, from real mode to
 * ap_start() in the upper half.
 *
 * mp.c copies [ap_entry, ap_entry_end) to a page below 1 MiB; a start-up
 * interrupt begins there with cs = page / 16, ip = 0.  The code goes from real
 * mode to long mode in one step, with the boot CPU's early page tables, whose
 * identity map covers the page.  One CPU starts at a time, and only the one that
 * ap_claim names: it takes its name out, and then the mailbox is its alone until
 * it is alive.  Any other comes late, after mp.c gave it up, and halts here.
 *
 * Sources: Intel SDM vol. 3A, 9.4.4 (MP initialisation), 10.8.5.
 */
#include <machine/specialreg.h>
#include "assym.h"

#define V2P(x)		((x) - KERNBASE)
#define CODE_SEL	0x08

	.section .rodata
	.global	ap_entry, ap_entry_end, ap_claim
	.balign	16
	.code16
ap_entry:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds

	movl	$1, %eax
	cpuid
	shrl	$24, %ebx			/* our APIC id */
	leal	1(%ebx), %eax
	xorl	%ecx, %ecx
	lock cmpxchgl %ecx, ap_claim - ap_entry
	jnz	ap_late

	movw	%cs, %ax
	movzwl	%ax, %ebx
	shll	$4, %ebx			/* where the page is */

	/* The tables and the far pointer want full addresses. */
	leal	(ap_gdt - ap_entry)(%ebx), %eax
	movl	%eax, ap_gdt_desc - ap_entry + 2
	leal	(ap_entry64 - ap_entry)(%ebx), %eax
	movl	%eax, ap_far - ap_entry
	lgdtl	ap_gdt_desc - ap_entry

	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$V2P(boot_pml4), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$(EFER_LME | EFER_NXE | EFER_SCE), %eax
	wrmsr
	movl	$(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
	movl	%eax, %cr0
	ljmpl	*(ap_far - ap_entry)
ap_late:
	hlt
	jmp	ap_late

	.code64
ap_entry64:
	movq	$ap_high, %rax
	jmp	*%rax

	.balign	8
ap_gdt:
	.quad	0
	.quad	0x00af9b000000ffff		/* CODE_SEL: 64-bit, ring 0 */
ap_gdt_end:
ap_gdt_desc:
	.word	ap_gdt_end - ap_gdt - 1
	.long	0
ap_far:
	.long	0
	.word	CODE_SEL
	.balign	4
ap_claim:
	.long	0				/* APIC id + 1 */
ap_entry_end:

	.text
ap_high:
	xorl	%eax, %eax
	movl	%eax, %ss
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movq	kernel_pml4_pa(%rip), %rax	/* the low map is gone */
	movq	%rax, %cr3
	movq	ap_boot_stack(%rip), %rsp
	movl	ap_boot_cpu(%rip), %edi
	xorl	%ebp, %ebp			/* backtraces end here */
	call	ap_start
1:	hlt
	jmp	1b

	.section .note.GNU-stack, "", @progbits
