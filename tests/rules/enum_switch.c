/* SPDX-License-Identifier: BSD-2-Clause */
/* enum_switch.c: must be refused.
 * rule: gcc: not handled in switch */
enum e { A, B };
int f(enum e e);

int
f(enum e e)
{
	switch (e) {
	case A:
		return 1;
	}
	return 0;
}
