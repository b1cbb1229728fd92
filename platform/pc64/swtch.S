/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swtch.S: the instructions of a thread switch that C cannot say.  What is
 * saved is struct switch_frame of md_thread.c.
 */
#include "assym.h"

/* swtch(save_rsp, load_rsp): leave this stack for another that swtch left (or
 * md_thread_init made). */
	.text
	.globl	swtch
	.type	swtch, @function
	.balign	16
swtch:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
	.size	swtch, . - swtch

/* Where a new thread starts: fn is in r12, arg in r13, rbp is 0. */
	.globl	thread_trampoline
	.type	thread_trampoline, @function
	.balign	16
thread_trampoline:
	movq	%r13, %rdi
	call	*%r12
	call	thread_exit
	ud2
	.size	thread_trampoline, . - thread_trampoline

	.section .note.GNU-stack, "", @progbits
