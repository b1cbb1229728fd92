/* SPDX-License-Identifier: BSD-2-Clause */
/* missing_mark.c: must be refused.
 * rule: style: field without protection mark as tests/rules/missing_mark.c */
struct vm_page {
	int	phys;		/* [c] fine */
	int	busy;		/* nobody says how */
};
