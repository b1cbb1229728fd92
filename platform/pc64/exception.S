/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exception.S: every way into the kernel and back.
 *
 * Each path leaves a struct trapframe and calls C with its address; rbp points
 * at tf_rip meanwhile.  unwind.c knows a return address in this file by
 * exception_text_start and _end and steps to the interrupted frame; a debugger
 * that follows rbp alone reads tf_cs, 0x2b from user mode, as the last return
 * address.
 *
 * I1	In user mode GS is the user's and the kernel's is in MSR_KGSBASE; in the
 *	kernel it is the other way round, but for the few instructions next to
 *	a swapgs.  Only vectors with an interrupt stack (#DB, NMI, #MC, #DF) and
 *	a fault of Xiret_user can come in between.  The former do not trust CS to
 *	tell: they find pcpu above their stack, and put GS back as it was.
 * I2	AC and DF are clear in C code, whatever the interrupted code had.
 * I3	Interrupts are off from here until trap(), and from the last look at
 *	td_intrsig and td_needresched to user mode.
 * I4	SYSRET is used only where it is the same as IRET: rip canonical (else it
 *	faults with the user's stack), rcx and r11 as SYSCALL left them.
 * Sources: Intel SDM 3A chapter 6; CVE-2018-8897, CVE-2012-0217, CVE-2019-1125.
 */
#include <machine/segments.h>
#include <machine/specialreg.h>
#include <machine/trap.h>
#include "assym.h"

	.macro	ENTRY name
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	.endm

	.macro	END name
	.size	\name, . - \name
	.endm

/* Three bytes of nothing, which copy_init turns into clac. */
	.macro	CLAC
.Lclac\@:
	nopl	(%rax)
	.pushsection smap_sites, "a"
	.quad	.Lclac\@, 0xca010f
	.popsection
	.endm

	.macro	PUSH_REGS
	pushq	%r15
	pushq	%r14
	pushq	%r13
	pushq	%r12
	pushq	%r11
	pushq	%r10
	pushq	%rbp
	pushq	%rbx
	pushq	%rax
	pushq	%r9
	pushq	%r8
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	.endm

/* All registers, and past trapno and err: what is left is an IRET frame. */
	.macro	POP_REGS
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%r8
	popq	%r9
	popq	%rax
	popq	%rbx
	popq	%rbp
	popq	%r10
	popq	%r11
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	addq	$16, %rsp
	.endm

/* Branch to target if the current thread has work before user mode (rax). */
	.macro	TEST_AST target
	movq	%gs:PC_CURTHREAD, %rax
	cmpl	$0, TD_INTRSIG(%rax)
	jne	\target
	cmpb	$0, TD_NEEDRESCHED(%rax)
	jne	\target
	.endm

	.text
	.balign	16
	.globl	exception_text_start
exception_text_start:

/* The stubs: an error code (the CPU's or 0), the vector, and on. */
	.globl	Xvectors
	.type	Xvectors, @function
Xvectors:
	.set	vector, 0
	.rept	256
	.balign	16
	.if vector != 8 && (vector < 10 || vector > 14) && vector != 17 \
	    && vector != 21 && vector != 29 && vector != 30
	pushq	$0
	.endif
	pushq	$vector
	.if vector == T_DEBUG || vector == T_NMI || vector == T_DOUBLE \
	    || vector == T_MCHECK
	jmp	Xist
	.elseif vector < T_COUNT
	jmp	Xtrap
	.else
	jmp	Xintr
	.endif
	.set	vector, vector + 1
	.endr
	.balign	16
END Xvectors

/*
 * The CPU's exceptions.  lfence on both branches: no load by a GS that was
 * guessed wrong.  The one exception from kernel mode that has the user's GS is
 * a fault of the iretq below.
 */
ENTRY Xtrap
	cld
	CLAC
	PUSH_REGS
	testb	$3, TF_CS(%rsp)
	jz	2f
1:	swapgs
3:	lfence
	leaq	TF_RIP(%rsp), %rbp
	movq	%rsp, %rdi
	call	trap
	testb	$3, TF_CS(%rsp)
	jnz	user_return
	POP_REGS
	iretq
2:	cmpq	$Xiret_user, TF_RIP(%rsp)
	je	1b
	jmp	3b
END Xtrap

ENTRY Xintr
	cld
	CLAC
	PUSH_REGS
	testb	$3, TF_CS(%rsp)
	jz	1f
	swapgs
1:	lfence
	leaq	TF_RIP(%rsp), %rbp
	movq	%rsp, %rdi
	call	intr_dispatch
	testb	$3, TF_CS(%rsp)
	jnz	user_return
	movq	%gs:PC_CURTHREAD, %rax
	cmpb	$0, TD_NEEDRESCHED(%rax)
	je	2f
	call	sched_preempt_check
2:	POP_REGS
	iretq
END Xintr

/* Back to user mode from anywhere; rsp is at the frame. */
	.type	user_return, @function
user_return:
	cli
	TEST_AST 1f
	POP_REGS
	swapgs
	.globl	Xiret_user
Xiret_user:
	iretq
1:	movq	%rsp, %rdi
	call	ast
	jmp	user_return
END user_return

/* md_user_enter: to user mode with the frame at the top of the stack. */
ENTRY md_user_enter
	cli
	movq	%gs:PC_RSP0, %rsp
	subq	$TF_SIZE, %rsp
	leaq	TF_RIP(%rsp), %rbp
	jmp	user_return
END md_user_enter

/*
 * Vectors with a stack of their own.  A #DB from user mode, where GS is
 * certain, moves to the thread's stack: it makes a signal, and may sleep.
 * Everything else runs here and never sleeps; rbx keeps GS base.
 */
ENTRY Xist
	cld
	CLAC
	PUSH_REGS
	leaq	TF_RIP(%rsp), %rbp
	cmpb	$T_DEBUG, TF_TRAPNO(%rsp)
	jne	1f
	testb	$3, TF_CS(%rsp)
	jnz	2f
1:	movl	$MSR_GSBASE, %ecx
	rdmsr
	shlq	$32, %rdx
	leaq	(%rdx, %rax), %rbx
	movq	TF_SIZE(%rsp), %rax
	movq	%rax, %rdx
	shrq	$32, %rdx
	wrmsr
	movq	%rsp, %rdi
	call	trap
	movq	%rbx, %rax
	movq	%rbx, %rdx
	shrq	$32, %rdx
	movl	$MSR_GSBASE, %ecx
	wrmsr
	POP_REGS
	iretq
2:	swapgs
	lfence
	movq	%rsp, %rsi
	movq	%gs:PC_RSP0, %rsp
	subq	$TF_SIZE, %rsp
	movq	%rsp, %rdi
	movl	$TF_SIZE / 8, %ecx
	rep movsq
	leaq	TF_RIP(%rsp), %rbp
	movq	%rsp, %rdi
	call	trap
	jmp	user_return
END Xist

/*
 * SYSCALL: rip is in rcx, rflags in r11, rsp is still the user's; SFMASK has
 * cleared IF, DF, TF and AC.
 */
ENTRY Xfast_syscall
	swapgs
	movq	%rsp, %gs:PC_SCRATCH_RSP
	movq	%gs:PC_RSP0, %rsp
	pushq	$SEL_UDATA
	pushq	%gs:PC_SCRATCH_RSP
	pushq	%r11
	pushq	$SEL_UCODE
	pushq	%rcx
	pushq	%rax
	pushq	$T_SYSCALL
	PUSH_REGS
	leaq	TF_RIP(%rsp), %rbp
	movq	%rsp, %rdi
	sti
	call	syscall2
	cli
	TEST_AST 1f
	movq	TF_RCX(%rsp), %rcx
	cmpq	%rcx, TF_RIP(%rsp)
	jne	user_return
	movq	TF_R11(%rsp), %r11
	cmpq	%r11, TF_RFLAGS(%rsp)
	jne	user_return
	testl	$(RFLAGS_TF | RFLAGS_RF), %r11d
	jnz	user_return
	shrq	$47, %rcx
	jnz	user_return
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%r8
	popq	%r9
	popq	%rax
	popq	%rbx
	popq	%rbp
	popq	%r10
	popq	%r11
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	movq	TF_RSP - TF_TRAPNO(%rsp), %rsp
	swapgs
	sysretq
1:	movq	%rsp, %rdi
	call	ast
	jmp	user_return
END Xfast_syscall

	.globl	exception_text_end
exception_text_end:
	.section .note.GNU-stack, "", @progbits
