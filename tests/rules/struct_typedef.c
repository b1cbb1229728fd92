/* SPDX-License-Identifier: BSD-2-Clause */
/* struct_typedef.c: must be refused.
 * rule: style: no typedef of struct pointers as vm/struct_typedef.c */
typedef struct vm_map *vm_map_t;
