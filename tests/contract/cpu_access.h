/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu_access.h: one access by a CPU that runs in pmap, without vm_fault: false
 * when it would fault.  The host asks the fake, the kernel its own MMU.
 */
#pragma once

#include <lib/types.h>

struct pmap;

bool	cpu_load64(struct pmap *pmap, vm_offset_t va, uint64_t *v);
bool	cpu_store64(struct pmap *pmap, vm_offset_t va, uint64_t v);
