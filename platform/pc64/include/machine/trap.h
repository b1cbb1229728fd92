/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.h: exception numbers and what the trap files share.  Platform-private.
 */
#pragma once

/* Exceptions, by vector; names of the Intel SDM in the comments. */
#define T_DIVIDE	0	/* #DE */
#define T_DEBUG		1	/* #DB */
#define T_NMI		2
#define T_BREAKPOINT	3	/* #BP */
#define T_OVERFLOW	4	/* #OF */
#define T_BOUND		5	/* #BR */
#define T_OPCODE	6	/* #UD */
#define T_NOFPU		7	/* #NM */
#define T_DOUBLE	8	/* #DF */
#define T_TSS		10	/* #TS */
#define T_SEGNP		11	/* #NP */
#define T_STACK		12	/* #SS */
#define T_PROTECTION	13	/* #GP */
#define T_PAGE		14	/* #PF */
#define T_FPU		16	/* #MF */
#define T_ALIGN		17	/* #AC */
#define T_MCHECK	18	/* #MC */
#define T_SIMD		19	/* #XM */
#define T_CONTROL	21	/* #CP */
#define T_COUNT		32
#define T_SYSCALL	256	/* not a vector: Xfast_syscall */

/* Error code of #PF */
#define PGEX_P		0x01	/* the page was present: protection */
#define PGEX_W		0x02
#define PGEX_U		0x04	/* from user mode */
#define PGEX_RSV	0x08	/* reserved bit in a page-table entry */
#define PGEX_I		0x10	/* instruction fetch */

#ifndef __ASSEMBLER__
#include <lib/types.h>

struct thread;
struct trapframe;

/* exception.S */
extern char	exception_text_start[], exception_text_end[];
extern char	Xvectors[];		/* 256 stubs of 16 bytes */
extern char	Xiret_user[];		/* the iretq that leaves the kernel */
void	Xfast_syscall(void);

/* trap.c, called by exception.S */
void	trap(struct trapframe *tf);
void	syscall2(struct trapframe *tf);
void	ast(struct trapframe *tf);

/* copy.c: is tf_rip in the fault table?  copy_fixup also aims tf at its
 * recovery. */
bool	copy_may_fault(const struct trapframe *tf);
bool	copy_fixup(struct trapframe *tf);
void	copy_init(void);	/* put stac and clac in place if the CPU has them */
/* copy.S: md_peek: *val is the kernel word at va; false: not mapped. */
bool	md_peek(uint64_t va, uint64_t *val);

/* swtch.S */
void	swtch(uint64_t *save_rsp, uint64_t load_rsp);
void	thread_trampoline(void);
#endif
