/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_show.c: a trapframe for people: what the CPU said in bits, in words;
 * and the stack that the panic report runs on, since the one it was called on
 * may be full or wild.
 *
 * Takes no lock and allocates nothing.
 * Sources: Intel SDM 3A 4.7 (page faults), 6.13 (error codes), 6.15.
 */
#include <lib/cdefs.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/frame.h>
#include <machine/machdep.h>
#include <machine/segments.h>
#include <machine/specialreg.h>
#include <machine/trap.h>
#include <sys/md.h>

#define PANIC_STACK	(16UL << 10)

static char	panic_stack[PANIC_STACK] __aligned(16);

static const char *const trap_names[T_COUNT] = {
	[T_DIVIDE] = "divide error", [T_DEBUG] = "debug exception",
	[T_NMI] = "non-maskable interrupt", [T_BREAKPOINT] = "breakpoint",
	[T_OVERFLOW] = "overflow", [T_BOUND] = "bound range",
	[T_OPCODE] = "invalid opcode", [T_NOFPU] = "no FPU",
	[T_DOUBLE] = "double fault", [T_TSS] = "invalid TSS",
	[T_SEGNP] = "segment not present", [T_STACK] = "stack segment",
	[T_PROTECTION] = "general protection", [T_PAGE] = "page fault",
	[T_FPU] = "x87 error", [T_ALIGN] = "alignment check",
	[T_MCHECK] = "machine check", [T_SIMD] = "SIMD error",
	[T_CONTROL] = "control protection",
};

static const char *
trap_word(uint64_t vector)
{
	if (vector == T_SYSCALL)
		return "system call";
	if (vector >= T_COUNT)
		return "interrupt";
	return trap_names[vector] != NULL ? trap_names[vector] : "reserved";
}

static void
show_page_error(uint64_t err, uint64_t va,
    void (*pr)(const char *fmt, ...) __printflike(1, 2))
{
	pr("cause: %s %s of 0x%lx: %s%s\n", err & PGEX_U ? "user" : "kernel",
	    err & PGEX_I ? "instruction fetch" : err & PGEX_W ? "write" :
	    "read", va, err & PGEX_P ? "the mapping forbids it" :
	    "nothing is mapped there", err & PGEX_RSV ?
	    ", reserved bit set in a page-table entry" : "");
}

/* The error code of a fault that names a selector, or of none. */
static void
show_selector_error(uint64_t err,
    void (*pr)(const char *fmt, ...) __printflike(1, 2))
{
	if (err == 0)
		pr("cause: no selector: an address that is not canonical, or "
		    "a privileged or reserved operation\n");
	else
		pr("cause: selector %#lx in the %s%s\n", err & 0xfff8,
		    err & 2 ? "IDT" : err & 4 ? "LDT" : "GDT",
		    err & 1 ? ", from outside the program" : "");
}

void
md_print_frame(int cpu, const struct trapframe *tf,
    void (*pr)(const char *fmt, ...) __printflike(1, 2))
{
	const struct pcpu *pc = &pcpu_data[cpu];
	uint64_t fl = tf->tf_rflags;

	pr("trap %lu: %s, error code %lx, from %s mode\n", tf->tf_trapno,
	    trap_word(tf->tf_trapno), tf->tf_err,
	    TRAPF_USERMODE(tf) ? "user" : "kernel");
	if (tf->tf_trapno == T_PAGE)
		show_page_error(tf->tf_err, pc->pc_stopcr2, pr);
	else if (tf->tf_trapno == T_PROTECTION || tf->tf_trapno == T_STACK ||
	    tf->tf_trapno == T_SEGNP || tf->tf_trapno == T_TSS)
		show_selector_error(tf->tf_err, pr);
	pr("rip %016lx  rsp %016lx  cs %02lx  ss %02lx\n",
	    tf->tf_rip, tf->tf_rsp, tf->tf_cs, tf->tf_ss);
	pr("rax %016lx  rbx %016lx  rcx %016lx\n",
	    tf->tf_rax, tf->tf_rbx, tf->tf_rcx);
	pr("rdx %016lx  rsi %016lx  rdi %016lx\n",
	    tf->tf_rdx, tf->tf_rsi, tf->tf_rdi);
	pr("rbp %016lx  r8  %016lx  r9  %016lx\n",
	    tf->tf_rbp, tf->tf_r8, tf->tf_r9);
	pr("r10 %016lx  r11 %016lx  r12 %016lx\n",
	    tf->tf_r10, tf->tf_r11, tf->tf_r12);
	pr("r13 %016lx  r14 %016lx  r15 %016lx\n",
	    tf->tf_r13, tf->tf_r14, tf->tf_r15);
	pr("cr2 %016lx  cr3 %016lx  rflags %06lx%s%s%s%s%s\n",
	    pc->pc_stopcr2, pc->pc_stopcr3, fl,
	    fl & RFLAGS_IF ? " IF" : "", fl & RFLAGS_DF ? " DF" : "",
	    fl & RFLAGS_TF ? " TF" : "", fl & RFLAGS_AC ? " AC" : "",
	    fl & RFLAGS_NT ? " NT" : "");
}

uint64_t
md_frame_sp(const struct trapframe *tf)
{
	return tf->tf_rsp;
}

unsigned
md_frame_words(const struct trapframe *tf, uint64_t *w, unsigned max)
{
	const uint64_t regs[] = {
		tf->tf_rdi, tf->tf_rsi, tf->tf_rdx, tf->tf_rcx, tf->tf_rax,
		tf->tf_rbx, tf->tf_r8, tf->tf_r9, tf->tf_r10, tf->tf_r11,
		tf->tf_r12, tf->tf_r13, tf->tf_r14, tf->tf_r15,
	};
	unsigned i;

	for (i = 0; i < nitems(regs) && i < max; i++)
		w[i] = regs[i];
	return i;
}

void
md_stopping(void)
{
	struct pcpu *pc = pcpu_self();

	pc->pc_stopcr2 = rcr2();
	pc->pc_stopcr3 = rcr3();
	uart_init();		/* a panic may come before the console */
}

/* Each call starts at the top again: who calls does not come back, and a panic
 * inside the report must not run out of room. */
void
md_panic_stack(void (*fn)(void))
{
	__asm__ volatile(
	    "movq %0, %%rsp\n\t"
	    "xorl %%ebp, %%ebp\n\t"
	    "call *%1\n"
	    "1:\tcli\n\t"
	    "hlt\n\t"
	    "jmp 1b"
	    :: "r"(panic_stack + PANIC_STACK), "r"(fn) : "memory");
	__builtin_unreachable();
}

void
md_halt(void)
{
	for (;;) {
		cpu_cli();
		cpu_halt();
	}
}
