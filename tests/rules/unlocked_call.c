/* SPDX-License-Identifier: BSD-2-Clause */
/* unlocked_call.c: must be refused.
 * rule: tsa: requires holding */
#include <sys/lock.h>

struct s {
	struct spinlock l;
};
void need(struct s *s) __requires(s->l);
void f(struct s *s);

void
f(struct s *s)
{
	need(s);
}
