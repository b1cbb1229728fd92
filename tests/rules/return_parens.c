/* SPDX-License-Identifier: BSD-2-Clause */
/* return_parens.c: must be refused.
 * rule: style: return without parentheses as vm/return_parens.c */
int f(void);

int
f(void)
{
	return (1);
}
