/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S: the first instructions of the boot CPU, from the loader's 32-bit
 * protected mode to hammer_time() in the upper half.
 *
 * Two loaders can start us: GRUB by the Multiboot2 header, and a PVH loader
 * (qemu -kernel) by the ELF note.  They differ in one instruction: both give
 * the address of their information in ebx, Multiboot2 a magic number in eax,
 * PVH one in the first word of the information.  No BIOS call, no 5-level
 * paging.
 *
 * This code is linked high and runs low until the far jump: V2P() turns a
 * link address into the physical one.
 *
 * Sources: Multiboot2 specification 1.6; the PVH boot protocol; Intel SDM
 * vol. 3, 10.8.5 (entering IA-32e mode).
 */
#include <machine/specialreg.h>
#include "assym.h"

#define V2P(x)		((x) - KERNBASE)

#define MB2_HEADER	0xe85250d6
#define MB2_TAG_INFO	1		/* information request */
#define MB2_TAG_ALIGN	6		/* modules on page boundaries */
#define MB2_OPTIONAL	1

#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define VGA_TEXT	0xb8000
#define COM1		0x3f8
#define DEBUG_EXIT	0xf4

#define CODE_SEL	0x08
#define DATA_SEL	0x10

	.section .multiboot, "a"
	.balign	8
mb2_header:
	.long	MB2_HEADER
	.long	0				/* i386 protected mode */
	.long	mb2_header_end - mb2_header
	.long	-(MB2_HEADER + 0 + (mb2_header_end - mb2_header))

	.balign	8
1:	.word	MB2_TAG_INFO, 0
	.long	2f - 1b
	.long	6				/* memory map */
2:
	.balign	8
1:	.word	MB2_TAG_INFO, MB2_OPTIONAL
	.long	2f - 1b
	.long	1, 2, 3, 14, 15			/* command line, loader,
						 * modules, ACPI old and new */
2:
	.balign	8
	.word	MB2_TAG_ALIGN, 0
	.long	8

	.balign	8
	.word	0, 0				/* end */
	.long	8
mb2_header_end:

	.section .note.PVH, "a", @note
	.balign	4
	.long	4, 4, XEN_ELFNOTE_PHYS32_ENTRY	/* name, descriptor, type */
	.asciz	"Xen"
	.long	V2P(pvh_start)

/*
 * Early page tables, all constant: the first 4 GiB at 0 (until we are high,
 * and again for each CPU that starts) and at DMAP_BASE, and the first GiB at
 * KERNBASE, in 2 MiB pages.  pmap_bootstrap makes the tables that stay.
 */
	.section .data.page_aligned, "aw"
	.balign	PAGE_SIZE
	.global	boot_pml4
boot_pml4:
	.quad	V2P(boot_pdpt_low) + PG_V + PG_RW
	.fill	255, 8, 0
	.quad	V2P(boot_pdpt_low) + PG_V + PG_RW	/* DMAP_BASE */
	.fill	254, 8, 0
	.quad	V2P(boot_pdpt_high) + PG_V + PG_RW
boot_pdpt_low:
	.quad	V2P(boot_pd) + PG_V + PG_RW
	.quad	V2P(boot_pd) + PAGE_SIZE + PG_V + PG_RW
	.quad	V2P(boot_pd) + 2 * PAGE_SIZE + PG_V + PG_RW
	.quad	V2P(boot_pd) + 3 * PAGE_SIZE + PG_V + PG_RW
	.fill	508, 8, 0
boot_pdpt_high:
	.fill	510, 8, 0
	.quad	V2P(boot_pd) + PG_V + PG_RW		/* KERNBASE */
	.quad	0
boot_pd:
	.set	pa, 0
	.rept	4 * 512
	.quad	pa + PG_PS + PG_V + PG_RW
	.set	pa, pa + 0x200000
	.endr

	.section .bss.page_aligned, "aw", @nobits
	.balign	PAGE_SIZE
	.global	boot_kstack_guard, boot_kstack
boot_kstack_guard:
	.skip	PAGE_SIZE
boot_kstack:
	.skip	KSTACK_SIZE

	.section .rodata
	.balign	8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff		/* CODE_SEL: 64-bit, ring 0 */
	.quad	0x00cf93000000ffff		/* DATA_SEL */
boot_gdt_end:
boot_gdt_desc:
	.word	boot_gdt_end - boot_gdt - 1
	.long	V2P(boot_gdt)

msg_lacks:	.asciz "Gnomon cannot run: this CPU lacks "
msg_cpuid:	.asciz "CPUID"
msg_lm:		.asciz "long mode (64-bit)"
msg_nx:		.asciz "NX (no-execute pages)"
msg_sse2:	.asciz "SSE2"

	.section .boot.text, "ax"
	.code32
	.global	pvh_start, mb2_start
pvh_start:
	movl	(%ebx), %eax			/* PVH_MAGIC */
mb2_start:
	cli
	cld
	movl	%eax, %esi			/* magic, until check_cpu */
	movl	$V2P(boot_kstack + KSTACK_SIZE), %esp
	pushl	%ebx				/* information */
	pushl	%esi				/* magic */
	call	check_cpu
	pushl	$RFLAGS_R1			/* no other flag is set from here */
	popfl

	/* To long mode: PAE, the tables, LME, then paging. */
	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$V2P(boot_pml4), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$(EFER_LME | EFER_NXE | EFER_SCE), %eax
	wrmsr
	popl	%edi				/* hammer_time's arguments: */
	popl	%esi				/* magic, info */
	movl	$(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
	movl	%eax, %cr0
	lgdt	V2P(boot_gdt_desc)
	ljmp	$CODE_SEL, $V2P(start64)

	.code64
start64:
	movq	$high, %rax
	jmp	*%rax
high:
	movl	$DATA_SEL, %eax
	movl	%eax, %ss
	movl	%eax, %ds
	movl	%eax, %es
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$boot_kstack + KSTACK_SIZE, %rsp
	xorl	%ebp, %ebp			/* backtraces end here */
	movl	%edi, %edi			/* upper halves are undefined */
	movl	%esi, %esi
	call	hammer_time
1:	hlt
	jmp	1b

/*
 * check_cpu: return if this CPU has what the kernel cannot do without; else
 * say what is missing and stop.
 */
	.code32
check_cpu:
	pushfl					/* CPUID: can ID be flipped? */
	popl	%eax
	movl	%eax, %ecx
	xorl	$RFLAGS_ID, %eax
	pushl	%eax
	popfl
	pushfl
	popl	%eax
	xorl	%ecx, %eax
	movl	$V2P(msg_cpuid), %edi
	testl	$RFLAGS_ID, %eax
	jz	boot_fail

	movl	$V2P(msg_lm), %edi
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	boot_fail
	movl	$0x80000001, %eax
	cpuid
	testl	$CPUIDX1_EDX_LM, %edx
	jz	boot_fail
	movl	$V2P(msg_nx), %edi
	testl	$CPUIDX1_EDX_NX, %edx
	jz	boot_fail
	movl	$V2P(msg_sse2), %edi
	movl	$1, %eax
	cpuid
	testl	$CPUID1_EDX_SSE2, %edx
	jz	boot_fail
	ret

boot_fail:
	movl	$VGA_TEXT, %ebp			/* where puts is on the screen */
	movl	$V2P(msg_lacks), %esi
	call	puts
	movl	%edi, %esi
	call	puts
	movl	$V2P(msg_newline), %esi
	call	puts
	movl	$EXIT_NOCPU, %eax
	movl	$DEBUG_EXIT, %edx
	outl	%eax, %dx
1:	hlt
	jmp	1b

/* puts: the string at esi to the screen at ebp and to the serial line. */
puts:
	lodsb
	testb	%al, %al
	jz	2f
	movb	%al, %cl
	cmpb	$' ', %al
	jb	0f				/* no glyph for a line end */
	movb	%al, (%ebp)
	movb	$0x4f, 1(%ebp)			/* white on red */
	addl	$2, %ebp
0:
	movl	$10000, %ebx			/* no UART: do not wait for ever */
	movl	$(COM1 + 5), %edx
1:	inb	%dx, %al
	testb	$0x20, %al			/* transmitter empty */
	jnz	3f
	decl	%ebx
	jnz	1b
3:	movb	%cl, %al
	movl	$COM1, %edx
	outb	%al, %dx
	jmp	puts
2:	ret

	.section .rodata
msg_newline:	.asciz "\r\n"
	.section .note.GNU-stack, "", @progbits
