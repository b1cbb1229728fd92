/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nmiwatch.c: a pulse that no CPU can mask: the interval timer's channel 0, as
 * an NMI to the boot CPU, for the watchdog.
 *
 * The channel runs in mode 0: its output rises at the end of the count and stays
 * up until it is armed again, so the handler can tell this NMI from the others
 * (which may merge with it: the CPU remembers only one).
 *
 * I1 When another NMI's handler finds the output up and arms anew, this one's
 *    NMI may follow without a reason of its own: it is expected, once.
 *
 * Locks: none; the boot CPU's NMI handler only, after start-up.
 * Sources: Intel 8254 data sheet, "read-back command"; 82093AA data sheet,
 * "delivery mode".
 */
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/intr.h>
#include <machine/pcpu.h>
#include <sys/diag.h>
#include <sys/md.h>

#define PIT_IRQ		0
#define PIT_CH0		0x40
#define PIT_COMMAND	0x43
#define	 PIT_CH0_MODE0	0x30		/* both bytes, mode 0 */
#define	 PIT_READBACK	0xe2		/* status of channel 0 */
#define	  STATUS_OUT	0x80
#define PIT_COUNT	0xffff		/* 55 ms */
#define PIT_PULSE	(55 * NSEC_PER_MSEC)

static bool	running;		/* [c] */
static bool	expected;		/* I1; the boot CPU's NMI handler */

static void
arm(void)
{
	outb(PIT_COMMAND, PIT_CH0_MODE0);
	outb(PIT_CH0, PIT_COUNT & 0xff);
	outb(PIT_CH0, PIT_COUNT >> 8);
}

nsec_t
md_nmi_pulse(void)
{
	arm();
	if (ioapic_route_nmi(PIT_IRQ) != 0)
		return 0;
	running = true;
	return PIT_PULSE;
}

bool
nmi_pulse(const struct trapframe *tf, bool other)
{
	bool ours;

	if (!running || curcpu != 0)
		return false;
	outb(PIT_COMMAND, PIT_READBACK);
	ours = (inb(PIT_CH0) & STATUS_OUT) != 0;
	if (ours) {
		arm();
		expected = other;
		watchdog_pulse(tf);
		return true;
	}
	if (other || !expected)
		return false;
	expected = false;
	return true;
}
