/* SPDX-License-Identifier: BSD-2-Clause */
/* no_head.c: must be refused.
 * rule: style: the head says 'other.c: as vm/other.c */
int x;
