/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_vmops.h: operations that no system call is: what a page daemon, a cache
 * under pressure and the collapse do on their own.
 *
 * The test pager stores what the slots of a page show, by object and index, as
 * a pager of anonymous memory does (vm_pager.h); none of this changes a byte
 * that a process sees.
 */
#pragma once

#include "lab_model.h"

struct vm_object;

/* proc_pageout: what the process shows there goes to the test pager, or, from a
 * file, away; nothing if it is absent, busy or wired. */
void	proc_pageout(struct lab_proc *p, int page);
/* proc_deactivate: that page becomes inactive, busy or not, as a page daemon's
 * scan makes it. */
void	proc_deactivate(struct lab_proc *p, int page);
/* proc_pin: a pin that outlives the caller's locks, for some events. */
void	proc_pin(struct lab_proc *p, int page);
/* proc_collapse: the chain behind the entry's object, as a step up does it. */
void	proc_collapse(struct lab_proc *p, int page);
/* proc_split: clip the page off and let its entry take its part, as fork does. */
void	proc_split(struct lab_proc *p, int page);
void	proc_prefault(struct lab_proc *p, int page);
/* store_pages: bit i: page i of object is stored.  For pictures. */
unsigned store_pages(const struct vm_object *object);
void	store_reset(void);
/* store_refuse: until then, the first page-in of each page finds no memory. */
void	store_refuse(void);
