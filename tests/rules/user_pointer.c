/* SPDX-License-Identifier: BSD-2-Clause */
/* user_pointer.c: must be refused.
 * rule: gcc: cannot convert to a pointer */
#include <sys/uaddr.h>

int f(struct uaddr u);

int
f(struct uaddr u)
{
	return *(int *)u;
}
