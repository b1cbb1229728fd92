/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioapic.c: the I/O APIC that has the ISA interrupts, and keeping its
 * forerunner, the 8259 pair, quiet.  Every pin is masked until it is routed,
 * and routed to the boot CPU.
 *
 * Locks: none; routing is for start-up only.
 * Sources: Intel 82093AA data sheet; 8259A data sheet; ACPI 5.2.12.5.
 */
#include <lib/assert.h>
#include <machine/cpufunc.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <machine/pcpu.h>
#include <machine/pmap_boot.h>
#include <sys/errno.h>
#include <sys/kprintf.h>

#define IOAPIC_LEN	0x20
#define IOAPIC_INDEX	0x00		/* byte offsets of the window */
#define IOAPIC_WINDOW	0x10
#define IOAPIC_VERSION	1		/* registers behind it */
#define IOAPIC_PIN(n)	(0x10 + 2 * (n))
#define	 PIN_NMI	0x00400		/* mode of delivery */
#define	 PIN_LOW	0x02000		/* active low */
#define	 PIN_LEVEL	0x08000
#define	 PIN_MASKED	0x10000

#define PIC1		0x20
#define PIC2		0xa0
#define	 PIC_ICW1	0x11		/* initialise, ICW4 follows */
#define	 PIC_ICW4	0x01		/* 8086 mode */
#define	 PIC_NONE	0xff		/* mask of all inputs */
#define PIC_VECTOR	INTR_FIRST	/* where its spurious ones go */

static volatile uint32_t *ioapic;	/* [c] NULL: none */
static unsigned	npins;			/* [c] */

static uint32_t
ioapic_read(unsigned reg)
{
	ioapic[IOAPIC_INDEX / 4] = reg;
	return ioapic[IOAPIC_WINDOW / 4];
}

static void
ioapic_write(unsigned reg, uint32_t v)
{
	ioapic[IOAPIC_INDEX / 4] = reg;
	ioapic[IOAPIC_WINDOW / 4] = v;
}

/* Both 8259s: vectors out of the exceptions' way, everything masked. */
static void
pic_off(void)
{
	outb(PIC1, PIC_ICW1);
	outb(PIC2, PIC_ICW1);
	outb(PIC1 + 1, PIC_VECTOR);
	outb(PIC2 + 1, PIC_VECTOR + 8);
	outb(PIC1 + 1, 1 << 2);		/* the second one is on input 2 */
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, PIC_ICW4);
	outb(PIC2 + 1, PIC_ICW4);
	outb(PIC1 + 1, PIC_NONE);
	outb(PIC2 + 1, PIC_NONE);
}

void
ioapic_init(void)
{
	unsigned i;

	pic_off();
	if (acpi_info.ioapic == 0)
		return;
	ioapic = pmap_mapdev(acpi_info.ioapic, IOAPIC_LEN, PMAP_MAPDEV_UC);
	npins = (ioapic_read(IOAPIC_VERSION) >> 16 & 0xff) + 1;
	npins = MIN(npins, INTR_IOAPIC_MAX - INTR_IOAPIC + 1);
	for (i = 0; i < npins; i++)
		ioapic_write(IOAPIC_PIN(i), PIN_MASKED);
}

/* The pin of ISA interrupt irq after the MADT's overrides; -1: there is none. */
static int
ioapic_pin(unsigned irq)
{
	uint32_t pin;

	KASSERT(irq < 16, "ISA interrupt %u", irq);
	pin = acpi_info.isa[irq].gsi - acpi_info.ioapic_gsi;
	return ioapic == NULL || pin >= npins ? -1 : (int)pin;
}

/* To the boot CPU; lo: vector and mode of delivery. */
static void
ioapic_route(unsigned irq, int pin, uint32_t lo)
{
	if (acpi_info.isa[irq].low)
		lo |= PIN_LOW;
	if (acpi_info.isa[irq].level)
		lo |= PIN_LEVEL;
	ioapic_write(IOAPIC_PIN(pin) + 1, pcpu_data[0].pc_apicid << 24);
	ioapic_write(IOAPIC_PIN(pin), lo);
}

int
ioapic_route_isa(unsigned irq, void (*fn)(struct trapframe *tf))
{
	int pin = ioapic_pin(irq);

	if (pin < 0)
		return ENXIO;
	intr_register(INTR_IOAPIC + pin, fn);
	ioapic_route(irq, pin, INTR_IOAPIC + pin);
	return 0;
}

int
ioapic_route_nmi(unsigned irq)
{
	int pin = ioapic_pin(irq);

	if (pin < 0)
		return ENXIO;
	ioapic_route(irq, pin, PIN_NMI);
	return 0;
}
