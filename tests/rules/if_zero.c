/* SPDX-License-Identifier: BSD-2-Clause */
/* if_zero.c: must be refused.
 * rule: style: delete before you add as vm/if_zero.c */
#if 0
int x;
#endif
