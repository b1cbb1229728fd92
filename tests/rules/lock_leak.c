/* SPDX-License-Identifier: BSD-2-Clause */
/* lock_leak.c: must be refused.
 * rule: tsa: still held */
#include <sys/lock.h>

void f(struct spinlock *l);

void
f(struct spinlock *l)
{
	spin_lock(l);
}
