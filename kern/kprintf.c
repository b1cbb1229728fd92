/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kprintf.c: console output and the message ring.
 *
 * One call's output is not mixed with another CPU's.  After a panic the
 * console belongs to the panicking CPU, which takes no lock.
 *
 * Locks: cons_lock (LO_CONS, LK_INTR), a leaf.
 */
#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/lock.h>
#include <sys/md.h>
#include <sys/panic.h>

#define DMESG_SIZE	(64UL << 10)
#define CONS_PIECE	256UL		/* bytes written at a time */

static struct spinlock cons_lock =
    SPINLOCK_INITIALIZER("console", LO_CONS, LK_INTR);
static char	dmesg_ring[DMESG_SIZE];		/* [cons_lock] */
static uint64_t	dmesg_head;			/* [cons_lock] bytes ever put */

static void
cons_putc(char c)
{
	md_cons_putc(c);	/* a newline returns the carriage, too */
}

static void
kprintf_put(void *arg, char c)
{
	(void)arg;
	dmesg_ring[dmesg_head++ % DMESG_SIZE] = c;
	cons_putc(c);
}

/* False: this CPU panics, or panicked inside this file: go on without. */
static bool
cons_enter(void)
{
	if (atomic_load_relaxed(&panicking) == curcpu + 1)
		return false;
	spin_lock(&cons_lock);
	return true;
}

void
kvprintf_cons(const char *fmt, va_list ap)
{
	bool locked = cons_enter();

	(void)kvprintf(kprintf_put, NULL, fmt, ap);
	if (locked)
		spin_unlock(&cons_lock);
}

void
kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf_cons(fmt, ap);
	va_end(ap);
}

void
cons_write(const char *s, size_t len)
{
	size_t n;
	bool locked;

	/* In pieces: interrupts are off under the lock. */
	for (; len > 0; len -= n) {
		locked = cons_enter();
		for (n = 0; n < MIN(len, CONS_PIECE); n++)
			cons_putc(*s++);
		if (locked)
			spin_unlock(&cons_lock);
	}
}

void
cons_write_raw(const char *s, size_t len)
{
	size_t n;
	bool locked;

	for (; len > 0; len -= n) {
		locked = cons_enter();
		for (n = 0; n < MIN(len, CONS_PIECE); n++)
			md_cons_putraw(*s++);
		if (locked)
			spin_unlock(&cons_lock);
	}
}

bool
kprintf_locked(void)
{
	return spin_owned(&cons_lock);
}

size_t
dmesg_read(char *buf, size_t size)
{
	uint64_t at;
	size_t n = 0;

	spin_lock(&cons_lock);
	at = dmesg_head > DMESG_SIZE ? dmesg_head - DMESG_SIZE : 0;
	while (n < size && at < dmesg_head)
		buf[n++] = dmesg_ring[at++ % DMESG_SIZE];
	spin_unlock(&cons_lock);
	return n;
}
