/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_check.h: audits and printers.
 *
 * The audits are I1-I13 of vm/README.md.  They panic with the values.  They run
 * at quiesce points: nothing else changes what they look at.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct vm_map;
struct vm_object;
struct vm_page;

typedef void	vm_print_fn(const char *fmt, ...) __printflike(1, 2);

void	vm_check_object(struct vm_object *object);
/* vm_check_all: every object, map, page and pmap, from the roots. */
void	vm_check_all(void);
/* vm_check_add_map: maps that the audit starts from (each vmspace, kernel). */

/* The one printer of each structure: tests, panic and debugger share it. */
void	vm_show_map(struct vm_map *map, vm_print_fn *pr);
void	vm_show_object(struct vm_object *object, vm_print_fn *pr);
void	vm_show_chain(struct vm_object *object, vm_print_fn *pr);
void	vm_show_page(struct vm_page *m, vm_print_fn *pr);
void	vm_show_meters(vm_print_fn *pr);

/* Baseline of everything that must come back after a test. */
struct vm_baseline {
	uint64_t	free_pages, objects, map_entries, pv_entries, pt_pages,
			vmspaces;
};
void	vm_baseline_take(struct vm_baseline *b);
/* vm_baseline_check: how many differ; prints each. */
unsigned vm_baseline_check(const struct vm_baseline *b, vm_print_fn *pr);
