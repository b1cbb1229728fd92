/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * user_access.c: a host test as the CPU that runs user code, over the fake
 * pmap's fake_cpu_access and the real vm_fault.
 *
 * Locks: none held; the fake takes its own.
 */
#include "user_access.h"

#include <lib/assert.h>
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <vm/pmap.h>
#include <vm/vm_fault.h>
#include <vm/vm_map.h>

#include "../contract/cpu_access.h"

#define MAX_FAULTS	1000	/* in a row: also a forgetful pmap is luckier */

bool
cpu_load64(struct pmap *pmap, vm_offset_t va, uint64_t *v)
{
	return fake_cpu_access(pmap, va, VM_PROT_READ, v, sizeof(*v));
}

bool
cpu_store64(struct pmap *pmap, vm_offset_t va, uint64_t v)
{
	return fake_cpu_access(pmap, va, VM_PROT_WRITE, &v, sizeof(v));
}

/* user_access: within one page. */
static int
user_access(struct vm_map *map, vm_offset_t va, vm_prot_t prot, void *buf,
    size_t len)
{
	int error;

	if (va < VM_MIN_USER_ADDRESS || va >= VM_MAX_USER_ADDRESS)
		return EFAULT;
	for (int tries = 0; !fake_cpu_access(map->pmap, va, prot, buf, len);
	    tries++) {
		KASSERT(tries < MAX_FAULTS, "%lx: %d faults in a row gave no "
		    "mapping for %x", va, tries, prot);
		error = vm_fault(map, trunc_page(va), prot, VM_FAULT_NORMAL);
		if (error != 0)
			return error;
	}
	return 0;
}

int
user_read(struct vm_map *map, vm_offset_t va, void *buf, size_t len)
{
	uint8_t *p = buf;
	size_t n;
	int error = 0;

	for (; len != 0 && error == 0; va += n, p += n, len -= n) {
		n = MIN(len, PAGE_SIZE - (va & PAGE_MASK));
		error = user_access(map, va, VM_PROT_READ, p, n);
	}
	return error;
}

int
user_write(struct vm_map *map, vm_offset_t va, const void *buf, size_t len)
{
	uint8_t chunk[256];
	const uint8_t *p = buf;
	size_t n;
	int error = 0;

	for (; len != 0 && error == 0; va += n, p += n, len -= n) {
		n = MIN(len, PAGE_SIZE - (va & PAGE_MASK));
		n = MIN(n, sizeof(chunk));
		memcpy(chunk, p, n);
		error = user_access(map, va, VM_PROT_WRITE, chunk, n);
	}
	return error;
}

int
user_load(struct vm_map *map, vm_offset_t va, uint8_t *v)
{
	return user_read(map, va, v, 1);
}

int
user_store(struct vm_map *map, vm_offset_t va, uint8_t v)
{
	return user_write(map, va, &v, 1);
}

int
user_load64(struct vm_map *map, vm_offset_t va, uint64_t *v)
{
	return user_read(map, va, v, sizeof(*v));
}

int
user_store64(struct vm_map *map, vm_offset_t va, uint64_t v)
{
	return user_write(map, va, &v, sizeof(v));
}
