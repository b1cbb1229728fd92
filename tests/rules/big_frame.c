/* SPDX-License-Identifier: BSD-2-Clause */
/* big_frame.c: must be refused.
 * rule: gcc: frame size */
int f(int);
int g(int *);

int
f(int a)
{
	int big[1024];

	big[0] = a;
	return g(big);
}
