/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gdt_idt.c: descriptor tables, interrupt stacks and SYSCALL's registers.
 *
 * Each CPU has a GDT (its TSS descriptor is marked busy by ltr, so it cannot be
 * shared), a TSS and four interrupt stacks; one IDT serves all.  Memory for
 * CPU 0 is in the image, for the others it is allocated before they start, so
 * that a small machine does not carry 64 sets of stacks.
 *
 * I1	Above each interrupt stack lies the address of its CPU's pcpu, for the
 *	entry path that cannot trust GS.
 * Sources: Intel SDM 3A 5.8.8, 6.14, 7.7.
 */
#include <lib/assert.h>
#include <machine/cpufunc.h>
#include <machine/fpu.h>
#include <machine/pcpu.h>
#include <machine/segments.h>
#include <machine/specialreg.h>
#include <machine/trap.h>
#include <sys/errno.h>
#include <sys/kmalloc.h>

/* Panics run on these, printing and all; a #DB only steps over. */
#define IST_STACK_SIZE	8192
#define IDT_ENTRIES	256

#define GATE_INTR	0x8e	/* present, DPL 0, interrupts off */
#define GATE_USER	0x60	/* DPL 3: int3 and into may be executed */

/* Descriptors: the long-mode bits that matter; base and limit are ignored. */
#define GDT_KCODE	0x00af9b000000ffffUL
#define GDT_KDATA	0x00cf93000000ffffUL
#define GDT_UCODE32	0x00cffb000000ffffUL
#define GDT_UDATA	0x00cff3000000ffffUL
#define GDT_UCODE	0x00affb000000ffffUL
#define GDT_TSS		0x0000890000000000UL	/* present, available TSS */

struct ist_stack {
	char		ist_bytes[IST_STACK_SIZE];
	struct pcpu	*ist_pcpu;	/* [c] I1 */
	uint64_t	ist_pad;
} __aligned(16);

/* What one CPU needs; never freed.  [c] after gdt_init_cpu, but the stacks and
 * tss_rsp0 [t]. */
struct cpu_tables {
	uint64_t		gdt[GDT_ENTRIES];
	struct tss		tss;
	struct ist_stack	ist[IST_COUNT];
};

struct table_reg {
	uint16_t	limit;
	uint64_t	base;
} __packed;

struct pcpu pcpu_data[MAXCPU];
static struct cpu_tables boot_tables;
static struct cpu_tables *cpu_tables[MAXCPU] = { &boot_tables };
static struct gate idt[IDT_ENTRIES] __aligned(16);

int
gdt_alloc_cpu(int cpu)
{
	KASSERT(cpu > 0 && cpu < MAXCPU, "cpu %d is not a secondary CPU", cpu);
	if (cpu_tables[cpu] == NULL)
		cpu_tables[cpu] = kmalloc(sizeof(struct cpu_tables), M_ZERO);
	return cpu_tables[cpu] == NULL ? ENOMEM : 0;
}

static void
gdt_fill(struct cpu_tables *t, struct pcpu *pc)
{
	uint64_t base = (uint64_t)&t->tss;
	unsigned i;

	t->gdt[SEL_KCODE / 8] = GDT_KCODE;
	t->gdt[SEL_KDATA / 8] = GDT_KDATA;
	t->gdt[SEL_UCODE32 / 8] = GDT_UCODE32;
	t->gdt[SEL_UDATA / 8] = GDT_UDATA;
	t->gdt[SEL_UCODE / 8] = GDT_UCODE;
	t->gdt[SEL_TSS / 8] = GDT_TSS | (sizeof(struct tss) - 1) |
	    (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
	t->gdt[SEL_TSS / 8 + 1] = base >> 32;

	t->tss.tss_iobase = sizeof(struct tss);		/* no I/O bitmap */
	for (i = 0; i < IST_COUNT; i++) {
		t->ist[i].ist_pcpu = pc;
		t->tss.tss_ist[i] = (uint64_t)&t->ist[i].ist_pcpu;
	}
}

void
gdt_init_cpu(int cpu)
{
	struct pcpu *pc = &pcpu_data[cpu];
	struct cpu_tables *t = cpu_tables[cpu];
	struct table_reg reg = { sizeof(t->gdt) - 1, (uint64_t)t->gdt };

	gdt_fill(t, pc);
	__asm__ volatile("lgdt %0" :: "m"(reg));
	/* A null selector in FS and GS also clears their base: before the MSR. */
	__asm__ volatile(
	    "pushq %0\n\t"
	    "leaq 1f(%%rip), %%rax\n\t"
	    "pushq %%rax\n\t"
	    "lretq\n"
	    "1:\tmovl %1, %%ss\n\t"
	    "xorl %%eax, %%eax\n\t"
	    "movl %%eax, %%ds\n\t"
	    "movl %%eax, %%es\n\t"
	    "movl %%eax, %%fs\n\t"
	    "movl %%eax, %%gs"
	    :: "i"(SEL_KCODE), "r"(SEL_KDATA) : "rax", "memory");
	__asm__ volatile("lldt %w0" :: "r"(0));
	__asm__ volatile("ltr %w0" :: "r"(SEL_TSS));

	pc->pc_cpuid = cpu;
	pc->pc_self = pc;
	pc->pc_tss = &t->tss;
	pc->pc_gdt = t->gdt;
	pc->pc_fsbase = pc->pc_gsbase = 0;
	wrmsr(MSR_GSBASE, (uint64_t)pc);
	wrmsr(MSR_KGSBASE, 0);
	wrmsr(MSR_FSBASE, 0);
}

static void
idt_set(unsigned vector, unsigned ist, unsigned type)
{
	uint64_t entry = (uint64_t)Xvectors + vector * 16UL;
	struct gate *g = &idt[vector];

	g->gd_low = (uint16_t)entry;
	g->gd_sel = SEL_KCODE;
	g->gd_ist = (uint8_t)ist;
	g->gd_type = (uint8_t)type;
	g->gd_mid = (uint16_t)(entry >> 16);
	g->gd_high = (uint32_t)(entry >> 32);
}

void
idt_init(void)
{
	unsigned v;

	copy_init();
	for (v = 0; v < IDT_ENTRIES; v++)
		idt_set(v, IST_NONE, GATE_INTR);
	idt_set(T_DEBUG, IST_DB, GATE_INTR);
	idt_set(T_NMI, IST_NMI, GATE_INTR);
	idt_set(T_DOUBLE, IST_DF, GATE_INTR);
	idt_set(T_MCHECK, IST_MC, GATE_INTR);
	idt_set(T_BREAKPOINT, IST_NONE, GATE_INTR | GATE_USER);
	idt_set(T_OVERFLOW, IST_NONE, GATE_INTR | GATE_USER);
	idt_load();
}

void
idt_load(void)
{
	struct table_reg reg = { sizeof(idt) - 1, (uint64_t)idt };

	__asm__ volatile("lidt %0" :: "m"(reg));
}

void
syscall_init_cpu(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	wrmsr(MSR_STAR, (uint64_t)SEL_KCODE << 32 |
	    (uint64_t)SEL_UCODE32 << 48);
	wrmsr(MSR_LSTAR, (uint64_t)&Xfast_syscall);
	wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC |
	    RFLAGS_NT | RFLAGS_RF | RFLAGS_IOPL);
	fpu_init_cpu();
}
