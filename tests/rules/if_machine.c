/* SPDX-License-Identifier: BSD-2-Clause */
/* if_machine.c: must be refused.
 * rule: layers: vm has no #if as vm/if_machine.c */
#ifdef __x86_64__
int x;
#endif
