/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * user_access.h: a host test as the CPU that runs user code: each access uses
 * the fake pmap's mapping or calls vm_fault and tries again, and sets the
 * referenced and modified bits as the hardware would.  Also the fake's knobs.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct pmap;
struct vm_map;

/*
 * => Locks: none held.  Returns: 0; what vm_fault returned (the signal).
 * user_read and user_write stop at the first byte that fails.
 */
int	user_load(struct vm_map *map, vm_offset_t va, uint8_t *v) __warn_unused;
int	user_store(struct vm_map *map, vm_offset_t va, uint8_t v) __warn_unused;
int	user_load64(struct vm_map *map, vm_offset_t va, uint64_t *v)
	    __warn_unused;
int	user_store64(struct vm_map *map, vm_offset_t va, uint64_t v)
	    __warn_unused;
int	user_read(struct vm_map *map, vm_offset_t va, void *buf, size_t len)
	    __warn_unused;
int	user_write(struct vm_map *map, vm_offset_t va, const void *buf,
	    size_t len) __warn_unused;

/* fake_cpu_access: the hardware's part of one access, within a page; prot is
 * VM_PROT_READ or _WRITE.  False is a page fault. */
bool	fake_cpu_access(struct pmap *pmap, vm_offset_t va, vm_prot_t prot,
	    void *buf, size_t len);

/*
 * What the contract allows a pmap to do to its callers.  All zero: nothing.
 * forget_one_in: each operation forgets an unwired user mapping with this
 * chance.  fail_nth: the nth new mapping from now fails with ENOMEM.
 */
struct fake_chaos {
	uint64_t	seed;
	unsigned	forget_one_in;
	uint64_t	fail_nth;
};
void		fake_pmap_chaos(const struct fake_chaos *c);

struct fake_stats {
	uint64_t	enters, removes, protects;	/* calls */
	uint64_t	shootdowns;	/* calls that took rights away */
	uint64_t	forgotten;	/* by chaos */
	uint64_t	enomem;		/* by chaos */
};
struct fake_stats fake_pmap_stats(void);
/* fake_pmap_forget: drop every unwired mapping of pmap, as a pmap may. */
void		fake_pmap_forget(struct pmap *pmap);
