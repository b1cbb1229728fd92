/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sleepq.h: sleep queues: wait for an event named by an address.
 *
 * wmesg is a short name (at most 8 characters, BSD style: "vospgc") that ps
 * and the panic report show.
 */
#pragma once

#include <lib/types.h>

struct rwlock;
struct spinlock;
struct thread;

#define PCATCH		0x1	/* a signal ends the sleep with EINTR */
#define PDROP		0x2	/* do not take the interlock again */
#define PLOCK		0x4	/* rwlock.c: waits for a lock, not an event */

/*
 * msleep: sleep on chan; the interlock is released after the thread is on the
 * queue, so a wakeup made under the interlock cannot be lost, and taken again
 * before the return (unless PDROP).
 * => timo: nanoseconds from now; 0 is no limit.
 * => Returns: 0 woken; EWOULDBLOCK timed out; EINTR (PCATCH) signal pending.
 */
int	msleep(const void *chan, struct spinlock *interlock, unsigned flags,
	    const char *wmesg, nsec_t timo);
/* rw_sleep: msleep for an rwlock, held either way; same way on return. */
int	rw_sleep(const void *chan, struct rwlock *rw, unsigned flags,
	    const char *wmesg, nsec_t timo);
/* tsleep: no interlock: only with a time-out, or where wakeups repeat. */
int	tsleep(const void *chan, unsigned flags, const char *wmesg,
	    nsec_t timo);
void	wakeup(const void *chan);	/* all sleepers; any context */
void	wakeup_one(const void *chan);

/*
 * The two steps, for conditions that are atomic words (page busy):
 *	sleepq_lock(chan);
 *	if (condition still says wait)	-- waker: change, then wakeup(chan)
 *		error = sleepq_wait(chan, flags, wmesg, timo);	-- unlocks
 *	else
 *		sleepq_release(chan);
 */
void	sleepq_lock(const void *chan);
void	sleepq_release(const void *chan);
int	sleepq_wait(const void *chan, unsigned flags, const char *wmesg,
	    nsec_t timo);

/*
 * sleepq_interrupt: set TDI_* bits in td->td_intrsig; a PCATCH sleep of td ends
 * with EINTR (so does one that begins while one is set), and a thread in
 * user mode on another CPU is made to enter the kernel (resched IPI).
 * => The caller keeps td from going away (its process's lock).  Any context.
 */
void	sleepq_interrupt(struct thread *td, unsigned bits);
/* sleepq_abort: end a PCATCH sleep of td with EINTR, when it is in one.
 * => Locks: none of rank >= LO_SLEEPQ.  Any context. */
void	sleepq_abort(struct thread *td);
void	sleepq_init(void);
