/* SPDX-License-Identifier: BSD-2-Clause */
/* todo.c: must be refused.
 * rule: style: carries an issue number as vm/todo.c */
/* TODO: later */
