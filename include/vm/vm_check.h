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

struct pmap;
struct vm_map;
struct vm_map_entry;
struct vm_object;
struct vm_page;

typedef void	vm_print_fn(const char *fmt, ...) __printflike(1, 2);

/* vm_check_object: I1 I2 I4 I5 I6 I7 I8 I9 of one object. */
void	vm_check_object(struct vm_object *object);
/* vm_check_map: I10 of one user map: each mapping shows the right page with no
 * more rights than its entry; and vm_map_check. */
void	vm_check_map(struct vm_map *map);
/*
 * vm_check_all: every object, map, page and pmap, from the roots: besides the
 * above I3 (references recounted), wirings recounted (I8), I11 (all reachable),
 * I12.
 * => Locks: none held.  No thread is inside the VM.
 */
void	vm_check_all(void);
/* vm_check_passed: how many of them there were since the boot. */
uint64_t vm_check_passed(void);

/* The one printer of each structure: tests, panic and debugger share it.  They
 * take no locks. */
void	vm_show_map(struct vm_map *map, vm_print_fn *pr);
void	vm_show_object(struct vm_object *object, vm_print_fn *pr);
void	vm_show_chain(struct vm_object *object, vm_print_fn *pr);
/* vm_show_map_chains: each entry, and the chain behind it.
 * vm_show_objects: all objects, at most max.  => When nothing else runs. */
void	vm_show_map_chains(struct vm_map *map, vm_print_fn *pr);
void	vm_show_objects(unsigned max, vm_print_fn *pr);
void	vm_show_page(struct vm_page *m, vm_print_fn *pr);
void	vm_show_entry(const struct vm_map_entry *entry, vm_print_fn *pr);
/* vm_show_pmap: the mappings in [start, end), at most max lines; takes the
 * pmap's lock. */
void	vm_show_pmap(struct pmap *pmap, vm_offset_t start, vm_offset_t end,
	    unsigned max, vm_print_fn *pr);
void	vm_show_meters(vm_print_fn *pr);
/* vm_show_chain_stats: objects, shadows, and how many chains are how deep.
 * => At a quiesce point: links are followed without locks. */
void	vm_show_chain_stats(vm_print_fn *pr);
/* vm_show_ids: objects as #1, #2 in the order of first print, no addresses;
 * vm_show_reset_ids begins to count anew. */
extern bool	vm_show_ids;
void	vm_show_reset_ids(void);

/* Baseline of everything that must come back after a test. */
struct vm_baseline {
	uint64_t	free_pages;	/* and those of zones and kernel_map */
	uint64_t	objects, map_entries, pv_entries, pt_pages, vmspaces;
};
void	vm_baseline_take(struct vm_baseline *b);
/* vm_baseline_check: how many differ; prints each. */
unsigned vm_baseline_check(const struct vm_baseline *b, vm_print_fn *pr);
