/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.c: exceptions and system calls, after exception.S has made the frame.
 *
 * From user mode an exception is a page fault for vm_fault, or a signal, and
 * never harms the kernel.  From kernel mode it is a page fault of copy.S, which
 * vm_fault may make good and which otherwise ends the copy with EFAULT; all
 * else is a bug, and the panic says in words what the CPU said in bits.
 *
 * I1	vm_fault is called only with interrupts on, no spinlock held, and for a
 *	user address: the kernel's own memory is always mapped.
 * I2	CR2 is read before interrupts go on: another fault may follow.
 * I3	The vectors with an interrupt stack neither sleep nor switch threads.
 * Sources: Intel SDM 3A 4.7 (error codes), 6.15.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/fpu.h>
#include <machine/frame.h>
#include <machine/intr.h>
#include <machine/segments.h>
#include <machine/specialreg.h>
#include <machine/trap.h>
#include <machine/vmparam.h>
#include <sys/diag.h>
#include <sys/errno.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/thread.h>
#include <sys/usermode.h>
#include <vm/vm_fault.h>
#include <vm/vm_map.h>

/* What an exception other than #PF is, and what it is to a user thread. */
static const struct trap_kind {
	const char	*name;
	uint8_t		 signo;		/* 0: never comes from user mode */
	uint8_t		 code;
	bool		 at_pc;		/* si_addr is the instruction */
} trap_kinds[T_COUNT] = {
	[T_DIVIDE] = { "divide error", TRAPSIG_FPE, TRAPCODE_INTDIV, true },
	[T_DEBUG] = { "debug exception", TRAPSIG_TRAP, TRAPCODE_TRACE, true },
	[T_BREAKPOINT] = { "breakpoint", TRAPSIG_TRAP, TRAPCODE_KERNEL, false },
	[T_OVERFLOW] = { "overflow", TRAPSIG_SEGV, TRAPCODE_KERNEL, false },
	[T_BOUND] = { "bound range", TRAPSIG_SEGV, TRAPCODE_KERNEL, false },
	[T_OPCODE] = { "invalid opcode", TRAPSIG_ILL, TRAPCODE_ILLOPN, true },
	[T_NOFPU] = { "no FPU", TRAPSIG_ILL, TRAPCODE_ILLOPN, true },
	[T_DOUBLE] = { "double fault", 0, 0, false },
	[T_TSS] = { "invalid TSS", TRAPSIG_SEGV, TRAPCODE_KERNEL, false },
	[T_SEGNP] = { "segment not present", TRAPSIG_BUS, TRAPCODE_KERNEL,
	    false },
	[T_STACK] = { "stack segment", TRAPSIG_BUS, TRAPCODE_KERNEL, false },
	[T_PROTECTION] = { "general protection", TRAPSIG_SEGV, TRAPCODE_KERNEL,
	    false },
	[T_PAGE] = { "page fault", 0, 0, false },
	[T_FPU] = { "x87 error", TRAPSIG_FPE, 0, true },
	[T_ALIGN] = { "alignment check", TRAPSIG_BUS, TRAPCODE_ADRALN, false },
	[T_MCHECK] = { "machine check", 0, 0, false },
	[T_SIMD] = { "SIMD error", TRAPSIG_FPE, 0, true },
	[T_CONTROL] = { "control protection", TRAPSIG_SEGV, TRAPCODE_KERNEL,
	    false },
};

static const char *
trap_name(uint64_t vector)
{
	if (vector >= T_COUNT || trap_kinds[vector].name == NULL)
		return "reserved exception";
	return trap_kinds[vector].name;
}

/* Tell the thread, and keep what its signal frame will show. */
static void
trap_signal(const struct trapframe *tf, int signo, int code, uint64_t addr)
{
	struct md_thread *md = &curthread->td_md;

	md->md_trapno = (uint32_t)tf->tf_trapno;
	md->md_traperr = tf->tf_err;
	md->md_trapaddr = addr;
	trapsignal(signo, code, addr);
}

static vm_prot_t
fault_access(uint64_t err)
{
	if (err & PGEX_I)
		return VM_PROT_EXECUTE;
	return err & PGEX_W ? VM_PROT_WRITE : VM_PROT_READ;
}

/* vm_fault's answer as a signal. */
static void
fault_signal(const struct trapframe *tf, int error, uint64_t va)
{
	switch (error) {
	case EFAULT:
		trap_signal(tf, TRAPSIG_SEGV, TRAPCODE_MAPERR, va);
		break;
	case EACCES:
		trap_signal(tf, TRAPSIG_SEGV, TRAPCODE_ACCERR, va);
		break;
	default:	/* the pager's error, or no memory */
		trap_signal(tf, TRAPSIG_BUS, TRAPCODE_ADRERR, va);
		break;
	}
}

static void
user_page_fault(struct trapframe *tf, uint64_t va)
{
	int error = EFAULT;

	if (tf->tf_err & PGEX_RSV)
		panic_trap(tf, "reserved bit set in the page table of 0x%lx",
		    va);
	if (va < VM_MAX_USER_ADDRESS)
		error = vm_fault(&curthread->td_vmspace->vm_map,
		    trunc_page(va), fault_access(tf->tf_err), VM_FAULT_NORMAL);
	curthread->td_faults++;
	if (error != 0)
		fault_signal(tf, error, va);
}

/* The si_code of an arithmetic exception: the first unmasked one raised. */
static int
fpu_code(bool simd)
{
	static const uint8_t code[] = {
		TRAPCODE_FLTINV, TRAPCODE_FLTUND /* denormal operand */,
		TRAPCODE_FLTDIV, TRAPCODE_FLTOVF, TRAPCODE_FLTUND,
		TRAPCODE_FLTRES,
	};
	unsigned bits = fpu_fault_bits(simd);

	return bits == 0 ? 0 : code[__builtin_ctz(bits)];
}

static void
user_exception(struct trapframe *tf)
{
	const struct trap_kind *k = &trap_kinds[tf->tf_trapno];
	int code = k->code;

	if (k->signo == 0)
		panic_trap(tf, "%s from user mode", trap_name(tf->tf_trapno));
	if (tf->tf_trapno == T_FPU || tf->tf_trapno == T_SIMD)
		code = fpu_code(tf->tf_trapno == T_SIMD);
	trap_signal(tf, k->signo, code, k->at_pc ? tf->tf_rip : 0);
}

static void
trap_user(struct trapframe *tf)
{
	uint64_t va;

	KASSERT(curthread->td_user, "user mode in kernel thread %d",
	    curthread->td_tid);
	if (tf->tf_trapno == T_PAGE) {
		va = rcr2();
		cpu_sti();
		user_page_fault(tf, va);
	} else {
		cpu_sti();
		user_exception(tf);
	}
#if DEBUG >= 1
	lockdep_none("exception from user mode");
#endif
}

/* What the kernel did wrong with a user address, outside copy.S or in it. */
static void
panic_user_access(const struct trapframe *tf, uint64_t va)
{
	uint64_t err = tf->tf_err;

	if (err & PGEX_I)
		panic_trap(tf, "%s user address 0x%lx", err & PGEX_P ?
		    "SMEP: kernel executes" : "kernel jumps to", va);
	if (va < PAGE_SIZE)
		panic_trap(tf, "kernel %s through a null pointer, at 0x%lx",
		    err & PGEX_W ? "writes" : "reads", va);
	panic_trap(tf, "%skernel %s user address 0x%lx %s",
	    (err & PGEX_P) && (tf->tf_rflags & RFLAGS_AC) == 0 &&
	    cpu_features.smap ? "SMAP: " : "",
	    err & PGEX_W ? "writes" : "reads", va,
	    copy_may_fault(tf) ? "where it must not sleep" :
	    "outside copyin and copyout");
}

static void
panic_kernel_access(const struct trapframe *tf, uint64_t va)
{
	uint64_t err = tf->tf_err;
	const char *how = err & PGEX_I ? "executes" :
	    err & PGEX_W ? "writes" : "reads";
	vm_offset_t stack = curthread->td_kstack;

	if (err & PGEX_RSV)
		panic_trap(tf, "reserved bit set in the page table of 0x%lx",
		    va);
	if (va >= stack - PAGE_SIZE && va < stack)
		panic_trap(tf, "kernel stack overflow in %s: 0x%lx",
		    curthread->td_name, va);
	if ((err & PGEX_P) == 0)
		panic_trap(tf, "kernel %s 0x%lx, which is not mapped", how,
		    va);
	panic_trap(tf, "%skernel %s 0x%lx, which is %s",
	    err & PGEX_I ? "NX: " : "", how, va,
	    err & PGEX_I ? "no text" : "read-only");
}

/* A fault of copy.S at a user address; false: it must not be made good here.
 * The frame of the copy goes on with EFAULT if vm_fault refuses. */
static bool
copy_fault(struct trapframe *tf, uint64_t va)
{
	struct thread *td = curthread;
	struct vmspace *vm = td->td_vmspace;

	if (!copy_may_fault(tf) || (tf->tf_err & (PGEX_I | PGEX_RSV)) != 0)
		return false;
	if (vm == NULL)
		return copy_fixup(tf);
	if ((tf->tf_rflags & RFLAGS_IF) == 0 || td->td_critnest != 0)
		return false;
	cpu_sti();
	td->td_faults++;
	if (vm_fault(&vm->vm_map, trunc_page(va), fault_access(tf->tf_err),
	    VM_FAULT_NORMAL) != 0)
		(void)copy_fixup(tf);
	cpu_cli();
	return true;
}

static void
kernel_page_fault(struct trapframe *tf, uint64_t va)
{
	if (va < VM_MAX_USER_ADDRESS) {
		if (!copy_fault(tf, va))
			panic_user_access(tf, va);
		return;
	}
	/* md_peek; a copy cannot get here, its range was checked. */
	if (!copy_fixup(tf))
		panic_kernel_access(tf, va);
}

/*
 * The iretq to user mode faulted: user code had jumped to an address that is
 * not canonical and was interrupted there.  The registers are the user's, and
 * what iretq would have popped still is at the top of the stack; put the frame
 * together again around it and deliver the signal from there.
 */
static void __noreturn
iret_fault(const struct trapframe *tf)
{
	struct trapframe user = *tf, *utf = md_user_frame(curthread);

	user.tf_rip = utf->tf_rip;
	user.tf_cs = SEL_UCODE;
	user.tf_rflags = utf->tf_rflags;
	user.tf_rsp = utf->tf_rsp;
	user.tf_ss = SEL_UDATA;
	*utf = user;
	cpu_sti();
	trap_signal(utf, TRAPSIG_SEGV, TRAPCODE_KERNEL, 0);
	md_user_enter();
}

static void
trap_kernel(struct trapframe *tf)
{
	uint64_t dr6 = 0;

	switch (tf->tf_trapno) {
	case T_PAGE:
		kernel_page_fault(tf, rcr2());
		return;
	case T_PROTECTION:
	case T_SEGNP:
	case T_STACK:
		if (tf->tf_rip == (uint64_t)Xiret_user)
			iret_fault(tf);
		if (copy_fixup(tf))
			return;
		break;
	case T_DEBUG:
		/* A trap that user code armed and that came after the entry:
		 * not our instruction's, so nothing to do but to disarm it. */
		__asm__ volatile("movq %0, %%dr6" :: "r"(dr6));
		__asm__ volatile("movq %0, %%dr7" :: "r"(0x400UL));
		tf->tf_rflags &= ~(uint64_t)RFLAGS_TF;
		return;
	default:
		break;
	}
	panic_trap(tf, "%s in the kernel", trap_name(tf->tf_trapno));
}

/* #DF: most often, no room on the stack for the frame of another fault. */
static void __noreturn
double_fault(const struct trapframe *tf)
{
	struct thread *td = curthread;
	uint64_t va = rcr2();

	if (va >= td->td_kstack - PAGE_SIZE && va < td->td_kstack)
		panic_trap(tf, "kernel stack overflow in %s: 0x%lx",
		    td->td_name, va);
	panic_trap(tf, "double fault, cr2 0x%lx", va);
}

/* NMI: another CPU panics and wants this one to stop, for good; or it runs the
 * debugger, until that ends; or it is for the watchdog; or somebody outside
 * wants to see where the machine hangs (every CPU gets that one: the first
 * reports, the report itself is not disturbed).  Who asked may have ended before
 * the NMI came. */
static void
nmi(const struct trapframe *tf)
{
	int who = atomic_load(&panicking), debugger = atomic_load(&debugging);
	struct pcpu *pc = pcpu_self();
	bool asked = atomic_swap(&pc->pc_stopasked, 0) != 0;
	bool sampled = watchdog_nmi(tf);
	bool pulse = nmi_pulse(tf, asked || sampled);

	if (who == curcpu + 1 || debugger == curcpu + 1 || sampled ||
	    (pulse && !asked))
		return;
	md_stopping();
	/* Before panic_trap: it may find that another CPU was faster, and halt
	 * where no second NMI gets through. */
	atomic_store(&pc->pc_stopframe, tf);
	if (who == 0 && debugger == 0 && !asked)
		panic_trap(tf, "non-maskable interrupt");
	while (atomic_load(&panicking) == 0 && atomic_load(&debugging) != 0)
		cpu_spinwait();
	if (atomic_load(&panicking) == 0) {
		atomic_store(&pc->pc_stopframe, NULL);
		return;
	}
	md_halt();
}

void
trap(struct trapframe *tf)
{
	switch (tf->tf_trapno) {
	case T_NMI:
		nmi(tf);
		return;
	case T_DOUBLE:
		double_fault(tf);
	case T_MCHECK:
		panic_trap(tf, "machine check");
	default:
		break;
	}
	if (TRAPF_USERMODE(tf))
		trap_user(tf);
	else
		trap_kernel(tf);
}

void
syscall2(struct trapframe *tf)
{
	vm_meter_inc(v_syscalls);
	linux_syscall(tf);
#if DEBUG >= 1
	lockdep_none("system call");
#endif
}

/* ast: the current thread has something to do before it goes to user mode. */
void
ast(struct trapframe *tf)
{
	cpu_sti();
	userret(tf);
#if DEBUG >= 1
	lockdep_none("return to user mode");
#endif
}
