/* SPDX-License-Identifier: BSD-2-Clause */
/* shadow.c: must be refused.
 * rule: gcc: shadow */
int f(int a);

int
f(int a)
{
	for (int i = 0; i < a; i++) {
		int a = i;

		if (a > 3)
			return a;
	}
	return a;
}
