/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * intr.h: interrupt vectors and who serves them.
 *
 * A higher vector has the higher priority in the local APIC (its upper four
 * bits are the class), so the shootdown stands above all that may spin.
 */
#pragma once

#include <lib/types.h>
#include <sys/param.h>

struct trapframe;

#define INTR_FIRST		0x20	/* 0-31 are the CPU's own exceptions */
#define INTR_IOAPIC		0x30	/* + global interrupt number, 0-23 */
#define INTR_IOAPIC_MAX		0x47
#define INTR_TIMER		0xd0	/* local APIC timer: HZ a second */
#define INTR_RESCHED		0xe0	/* look at td_needresched at return */
#define INTR_CALL		0xe1	/* smp_call_handler */
#define INTR_SHOOTDOWN		0xf0	/* pmap_tlb_handler */
#define INTR_ERROR		0xf1	/* local APIC error */
#define INTR_SPURIOUS		0xff	/* needs no EOI */

/* intr_register: fn serves vector from now on; before it is unmasked. */
void	intr_register(unsigned vector, void (*fn)(struct trapframe *tf));

/*
 * intr_dispatch: serve the interrupt tf->tf_trapno and tell the local APIC.
 * Called by the entry code for every vector from INTR_FIRST up.
 * => Interrupts off throughout.  Counts pc_intr_depth and v_intr itself; the
 *    caller does sched_preempt_check() afterwards where that is due.
 */
void	intr_dispatch(struct trapframe *tf);

/* Local APIC (lapic.c). */
void	lapic_init(void);		/* map and enable, on the boot CPU */
void	lapic_init_cpu(void);		/* this CPU's, masked timer */
void	lapic_timer_calibrate(void);
void	lapic_timer_start(void);	/* periodic at HZ on this CPU */
uint32_t lapic_id(void);		/* of this CPU */
void	lapic_eoi(void);
void	lapic_ipi(uint32_t apicid, unsigned vector);
void	lapic_ipi_nmi(uint32_t apicid);
void	lapic_ipi_init(uint32_t apicid);
void	lapic_ipi_startup(uint32_t apicid, vm_paddr_t page);

/* I/O APIC (ioapic.c). */
void	ioapic_init(void);		/* map and mask every pin */
/* ioapic_route_isa: deliver ISA interrupt irq (after the MADT's overrides) to
 * the boot CPU as INTR_IOAPIC + pin, served by fn.  ENXIO: no such pin. */
int	ioapic_route_isa(unsigned irq, void (*fn)(struct trapframe *tf))
	    __attribute__((__warn_unused_result__));
/* ioapic_route_nmi: the same as an NMI. */
int	ioapic_route_nmi(unsigned irq) __attribute__((__warn_unused_result__));

/* nmi_pulse (nmiwatch.c): in the NMI handler: was it md_nmi_pulse's (also when
 * another NMI came with it: other)?  Then the watchdog has looked. */
bool	nmi_pulse(const struct trapframe *tf, bool other);
