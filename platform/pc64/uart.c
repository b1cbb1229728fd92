/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.c: the console: a 16550 at COM1, 115200 bits a second, 8N1.
 *
 * Output is polled and takes no lock, so that panic can use it from any
 * context; who wants whole lines serialises above (kprintf).  Input is taken
 * by interrupt into a ring.  Nothing here waits without a bound: a machine
 * without a serial port runs on, silent.
 *
 *	I1 rx_head is written by the interrupt handler only, rx_tail by the
 *	   reader only; rx_head - rx_tail <= RX_SIZE.
 *
 * Locks: none.  Sources: the National Semiconductor PC16550D data sheet.
 */
#include <lib/atomic.h>
#include <lib/types.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <sys/diag.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/sleepq.h>

#define COM1		0x3f8
#define COM1_IRQ	4
#define DIVISOR		1		/* 115200 / 115200 */

#define UART_DATA	0
#define UART_IER	1
#define	 IER_RX		0x01
#define UART_FCR	2
#define	 FCR_ENABLE	0x01
#define	 FCR_CLEAR	0x06
#define UART_LCR	3
#define	 LCR_8N1	0x03
#define	 LCR_DLAB	0x80
#define UART_MCR	4
#define	 MCR_DTR_RTS	0x03
#define	 MCR_OUT2	0x08		/* lets interrupts out */
#define UART_LSR	5
#define	 LSR_RX		0x01
#define	 LSR_BREAK	0x10
#define	 LSR_TX		0x20
#define UART_SCRATCH	7

#define TX_SPIN		200000		/* reads of LSR before giving up */
#define KDB_CHAR	0x1d		/* Ctrl-] */
#define RX_SIZE		256		/* a power of two */

static bool	present;		/* [c] after uart_init */
static bool	rx_intr;		/* [c] after uart_intr_init */
static uint8_t	rx_ring[RX_SIZE];
static bool	rx_break;		/* [a] a break came; its byte is next */
static unsigned	rx_head;		/* [a] I1 */
static unsigned	rx_tail;		/* [a] I1 */
const char	md_cons_chan = 0;

void
uart_init(void)
{
	if (present)
		return;
	outb(COM1 + UART_SCRATCH, 0x5a);
	if (inb(COM1 + UART_SCRATCH) != 0x5a)
		return;			/* nothing answers there */
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, LCR_DLAB | LCR_8N1);
	outb(COM1 + UART_DATA, DIVISOR);
	outb(COM1 + UART_IER, 0);	/* divisor, upper half */
	outb(COM1 + UART_LCR, LCR_8N1);
	outb(COM1 + UART_FCR, FCR_ENABLE | FCR_CLEAR);
	outb(COM1 + UART_MCR, MCR_DTR_RTS | MCR_OUT2);
	present = true;
}

/* A read of LSR clears its break bit, and most reads are for output's sake: so
 * every read keeps the bit for the interrupt handler. */
static uint8_t
uart_status(void)
{
	uint8_t status = inb(COM1 + UART_LSR);

	if ((status & LSR_BREAK) != 0)
		atomic_store(&rx_break, true);
	return status;
}

void
md_cons_putraw(char c)
{
	unsigned n;

	if (!present)
		return;
	for (n = 0; n < TX_SPIN; n++) {
		if (uart_status() & LSR_TX)
			break;
		cpu_spinwait();
	}
	outb(COM1 + UART_DATA, (uint8_t)c);
}

void
md_cons_putc(char c)
{
	if (c == '\n')
		md_cons_putraw('\r');
	md_cons_putraw(c);
}

/* What is in the ring, oldest first; -1: nothing. */
static int
ring_get(void)
{
	unsigned tail = atomic_load_relaxed(&rx_tail);	/* ours (I1) */
	int c;

	/* The acquire pairs with the release in uart_intr: the byte is there
	 * when rx_head says so. */
	if (tail == atomic_load_acq(&rx_head))
		return -1;
	c = rx_ring[tail % RX_SIZE];
	/* Pairs with the acquire in uart_intr: the slot may be reused. */
	atomic_store_rel(&rx_tail, tail + 1);
	return c;
}

/* The chip itself is read here only while the interrupt handler does not: two
 * readers would see one byte twice. */
int
md_cons_getc(void)
{
	int c = ring_get();

	if (c >= 0 || !present)
		return c;
	if (rx_intr && atomic_load_relaxed(&panicking) == 0 &&
	    atomic_load_relaxed(&debugging) == 0)	/* both: a hint */
		return -1;
	return (inb(COM1 + UART_LSR) & LSR_RX) != 0 ?
	    inb(COM1 + UART_DATA) : -1;
}

static void
uart_intr(struct trapframe *tf)
{
	unsigned head = atomic_load_relaxed(&rx_head);	/* ours (I1) */
	bool got = false, debug = false;
	unsigned n;
	uint8_t c;

	/* A FIFO holds 16; the bound ends a chip that never runs dry. */
	for (n = 0; n < RX_SIZE; n++) {
		if ((uart_status() & LSR_RX) == 0)
			break;
		c = inb(COM1 + UART_DATA);
		/* A break comes as a zero byte. */
		if (c == KDB_CHAR ||
		    (c == 0 && atomic_swap(&rx_break, false))) {
			debug = true;
			continue;
		}
		if (head - atomic_load_acq(&rx_tail) == RX_SIZE)
			continue;	/* full: the newest is lost */
		rx_ring[head % RX_SIZE] = c;
		atomic_store_rel(&rx_head, ++head);
		got = true;
	}
	if (got)
		wakeup(&md_cons_chan);
	if (debug && tf != NULL)
		kdb_enter(tf, "the console");
}

void
uart_intr_init(void)
{
	if (!present)
		return;
	if (ioapic_route_isa(COM1_IRQ, uart_intr) != 0) {
		kprintf("uart: no interrupt, input is off\n");
		return;
	}
	rx_intr = true;
	outb(COM1 + UART_IER, IER_RX);
	/* A byte that came before this made its edge already: take it. */
	uart_intr(NULL);
}
