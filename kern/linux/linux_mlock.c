/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_mlock.c: mremap, mincore, the mlock family, membarrier, and minherit,
 * which is not Linux's but BSD's: its number is above 1000.
 *
 * Locks: none of its own.
 */
#include "linux_priv.h"

#include <lib/overflow.h>
#include <linux/mman.h>
#include <sys/file.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/smp.h>
#include <vm/vm_incore.h>
#include <vm/vm_map.h>
#include <vm/vm_mremap.h>

int64_t
sys_mremap(SYSARGS5(old, old_len, new_len, flags, new))
{
	struct vm_mremap_args a = {
		.old = old, .old_len = old_len, .new_len = new_len,
		.new = new, .maymove = (flags & MREMAP_MAYMOVE) != 0,
		.fixed = (flags & MREMAP_FIXED) != 0,
		.keep = (flags & MREMAP_DONTUNMAP) != 0
	};
	vm_offset_t at;
	int error;

	if ((flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED |
	    MREMAP_DONTUNMAP)) != 0 || ((a.fixed || a.keep) && !a.maymove))
		return -EINVAL;
	error = vm_mremap(curproc->p_vmspace, &a, &at);
	return error != 0 ? ret_errno(error) : (int64_t)at;
}

int64_t
sys_mincore(SYSARGS3(addr, len, vec))
{
	struct vm_map *map = &curproc->p_vmspace->vm_map;
	uint64_t npages = atop(round_page(len)), done;
	uint8_t buf[128];
	unsigned n;
	int error;

	if ((addr & PAGE_MASK) != 0)
		return -EINVAL;
	if (round_page(len) < len ||
	    !range_ok(addr, round_page(len), 0, VM_MAX_USER_ADDRESS))
		return -ENOMEM;
	error = 0;
	for (done = 0; done < npages && error == 0; done += n) {
		n = (unsigned)MIN(npages - done, sizeof(buf));
		error = vm_map_mincore(map, addr + ptoa(done), n, buf);
		if (error == 0)
			error = copyout(buf, uaddr(vec + done), n);
	}
	return ret_errno(error);
}

/* ---- mlock ---- */

/* lock_range: whole pages around [addr, addr + len); EINVAL: it wraps. */
static int
lock_range(uint64_t addr, uint64_t len, uint64_t *start, uint64_t *end)
{
	uint64_t whole = round_page(len + (addr & PAGE_MASK));

	*start = trunc_page(addr);
	/* A length that wraps to 0 when rounded is none, in Linux too. */
	if (*start + whole < *start)
		return EINVAL;
	*end = *start + whole;
	return *end > VM_MAX_USER_ADDRESS ? ENOMEM : 0;
}

/* wired_bytes: of the map. */
static vm_size_t
wired_bytes(struct vm_map *map)
{
	struct vm_map_entry *e;
	struct rb_node *n;
	vm_size_t sum;

	sum = 0;
	vm_map_lock_read(map);
	for (n = rb_first(&map->tree); n != NULL; n = rb_next(n)) {
		e = container_of(n, struct vm_map_entry, link);
		if (e->wired_count != 0)
			sum += e->end - e->start;
	}
	vm_map_unlock_read(map);
	return sum;
}

/* lock_allowed: RLIMIT_MEMLOCK, which user 0 need not mind. */
static int
lock_allowed(struct vm_map *map, uint64_t more)
{
	uint64_t limit;

	if (cred_root())
		return 0;
	limit = proc_rlimit(curproc, RLIMIT_MEMLOCK);
	if (limit == 0)
		return EPERM;
	return more > limit || wired_bytes(map) > limit - more ? ENOMEM : 0;
}

/* lock_error: what cannot be faulted in is as if it were not mapped. */
static int
lock_error(int error)
{
	return error == EFAULT || error == EACCES || error == EIO ? ENOMEM :
	    error;
}

static int64_t
do_mlock(uint64_t addr, uint64_t len)
{
	struct vm_map *map = &curproc->p_vmspace->vm_map;
	uint64_t start, end;
	int error;

	error = lock_range(addr, len, &start, &end);
	if (error == 0)
		error = lock_allowed(map, end - start);
	if (error == 0 && start < end)
		error = lock_error(vm_map_wire(map, start, end));
	return ret_errno(error);
}

int64_t
sys_mlock(SYSARGS2(addr, len))
{
	return do_mlock(addr, len);
}

int64_t
sys_mlock2(SYSARGS3(addr, len, flags))
{
	/* ONFAULT only puts off what is done now. */
	return (flags & ~(uint64_t)MLOCK_ONFAULT) != 0 ? -EINVAL :
	    do_mlock(addr, len);
}

int64_t
sys_munlock(SYSARGS2(addr, len))
{
	uint64_t start, end;
	int error;

	error = lock_range(addr, len, &start, &end);
	if (error == 0 && start < end)
		error = vm_map_unwire(&curproc->p_vmspace->vm_map, start, end);
	return ret_errno(error);
}

/* all_entries: lock or unlock each mapping; what cannot be is passed over. */
static void
all_entries(struct vm_map *map, bool lock)
{
	struct vm_map_entry *e;
	struct rb_node *n;
	vm_offset_t at, end;
	bool found;

	for (at = map->min_offset;; at = end) {
		vm_map_lock_read(map);
		if (!vm_map_lookup_entry(map, at, &e)) {
			n = e != NULL ? rb_next(&e->link) :
			    rb_first(&map->tree);
			e = n == NULL ? NULL :
			    container_of(n, struct vm_map_entry, link);
		}
		found = e != NULL;
		if (found) {
			at = e->start;
			end = e->end;
		}
		vm_map_unlock_read(map);
		if (!found || thread_dying())
			return;
		if (lock)
			(void)!vm_map_wire(map, at, end);
		else
			(void)vm_map_unwire(map, at, end);
	}
}

static void
future_set(struct vmspace *vm, bool on)
{
	vm_map_lock(&vm->vm_map);
	vm->vm_wire_future = on;
	vm_map_unlock(&vm->vm_map);
}

int64_t
sys_mlockall(SYSARGS1(flags))
{
	struct vmspace *vm = curproc->p_vmspace;
	const uint64_t known = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;
	int error;

	if (flags == 0 || (flags & ~known) != 0 || flags == MCL_ONFAULT)
		return -EINVAL;
	error = lock_allowed(&vm->vm_map, (flags & MCL_CURRENT) != 0 ?
	    vm->vm_map.size : 0);
	if (error != 0)
		return ret_errno(error);
	future_set(vm, (flags & MCL_FUTURE) != 0);
	if ((flags & MCL_CURRENT) != 0)
		all_entries(&vm->vm_map, true);
	return 0;
}

int64_t
sys_munlockall(SYSARGS0)
{
	struct vmspace *vm = curproc->p_vmspace;

	future_set(vm, false);
	all_entries(&vm->vm_map, false);
	return 0;
}

/* ---- membarrier ---- */

enum {
	MB_QUERY = 0, MB_GLOBAL = 1, MB_GLOBAL_EXPEDITED = 2,
	MB_REGISTER_GLOBAL = 4, MB_PRIVATE = 8, MB_REGISTER_PRIVATE = 16,
	MB_SYNC_CORE = 32, MB_REGISTER_SYNC_CORE = 64
};

/* An interrupt is a full barrier, and its return serializes the core. */
static void
barrier_here(void *arg __unused)
{
	__sync_synchronize();
}

/* barrier_of: registration lasts until exec. */
static int
barrier_of(unsigned flag, bool reg)
{
	struct proc *p = curproc;

	if (reg) {
		rw_wlock(&p->p_lock);
		p->p_prctl |= flag;
		rw_wunlock(&p->p_lock);
		return 0;
	}
	if ((p->p_prctl & flag) == 0)
		return EPERM;
	smp_rendezvous(all_cpus, barrier_here, NULL);
	return 0;
}

int64_t
sys_membarrier(SYSARGS2(cmd, flags))
{
	if ((uint32_t)flags != 0)
		return -EINVAL;
	switch ((int)cmd) {
	case MB_QUERY:
		return MB_GLOBAL | MB_GLOBAL_EXPEDITED | MB_REGISTER_GLOBAL |
		    MB_PRIVATE | MB_REGISTER_PRIVATE | MB_SYNC_CORE |
		    MB_REGISTER_SYNC_CORE;
	case MB_GLOBAL:
	case MB_GLOBAL_EXPEDITED:
		smp_rendezvous(all_cpus, barrier_here, NULL);
		return 0;
	case MB_REGISTER_GLOBAL:
		return 0;
	case MB_PRIVATE:
	case MB_REGISTER_PRIVATE:
		return ret_errno(barrier_of(PRF_BARRIER,
		    (int)cmd == MB_REGISTER_PRIVATE));
	case MB_SYNC_CORE:
	case MB_REGISTER_SYNC_CORE:
		return ret_errno(barrier_of(PRF_BARRIERCORE,
		    (int)cmd == MB_REGISTER_SYNC_CORE));
	default:
		return -EINVAL;
	}
}

/* ---- minherit ---- */

/* The numbers of BSD: share 0, copy 1, none 2, zero 3. */
int64_t
sys_minherit(SYSARGS3(addr, len, how))
{
	static const uint8_t inherit[] = {
		VM_INHERIT_SHARE, VM_INHERIT_COPY, VM_INHERIT_NONE,
		VM_INHERIT_ZERO
	};
	uint64_t start, end;
	int error;

	if (how >= nitems(inherit))
		return -EINVAL;
	error = lock_range(addr, len, &start, &end);
	if (error == 0 && start < end)
		error = vm_map_inherit(&curproc->p_vmspace->vm_map, start,
		    end, (enum vm_inherit)inherit[how]);
	return ret_errno(error);
}
