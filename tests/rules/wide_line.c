/* SPDX-License-Identifier: BSD-2-Clause */
/* wide_line.c: must be refused.
 * rule: style: more than 80 columns as vm/wide_line.c */
int a_very_long_name_indeed(int with_a_long_parameter_name, int and_another_one_x);
