/* SPDX-License-Identifier: BSD-2-Clause */
/* unlocked_field.c: must be refused.
 * rule: tsa: requires holding */
#include <sys/lock.h>

struct s {
	struct spinlock l;
	int v __guarded_by(&l);
};
int f(struct s *s);

int
f(struct s *s)
{
	return s->v;
}
