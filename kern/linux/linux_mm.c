/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_mm.c: mmap, munmap, mprotect, madvise, msync and brk: decodes Linux's
 * flags into vm_mmap's terms.  Ranges that come from user space are checked
 * before the VM sees them, and there again.
 *
 * A mapping that may be written or executed may be read: on this machine Linux
 * programs can rely on it.
 * Locks: none of its own.
 */
#include "linux_priv.h"

#include <lib/overflow.h>
#include <linux/mman.h>
#include <sys/file.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <vm/vm_fault.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

CTASSERT(PROT_READ == VM_PROT_READ && PROT_WRITE == VM_PROT_WRITE &&
    PROT_EXEC == VM_PROT_EXECUTE, "protections need no translation");

static vm_prot_t
prot_decode(uint64_t prot)
{
	vm_prot_t p = (vm_prot_t)(prot & VM_PROT_ALL);

	if ((p & (VM_PROT_WRITE | VM_PROT_EXECUTE)) != 0)
		p |= VM_PROT_READ;
	return p;
}

/* user_range: [addr, addr + round_page(len)) inside user space; *end. */
static bool
user_range(uint64_t addr, uint64_t len, uint64_t *end)
{
	uint64_t rounded = round_page(len);

	if (rounded < len || !range_ok(addr, rounded, 0, VM_MAX_USER_ADDRESS))
		return false;
	*end = addr + rounded;
	return true;
}

/* mmap_file: the object of fd, and what it may ever be mapped for. */
static int
mmap_file(int fd, struct vm_mmap_args *a)
{
	struct file *fp;
	int error;

	fp = fd_get(fd);
	if (fp == NULL)
		return EBADF;
	error = 0;
	if (a->shared && !FWRITABLE(fp))
		a->max_prot = VM_PROT_READ | VM_PROT_EXECUTE;
	if (!FREADABLE(fp) || (a->prot & ~a->max_prot) != 0)
		error = EACCES;
	else if (fp->f_ops->fo_mmap == NULL)
		error = ENODEV;
	else
		error = fp->f_ops->fo_mmap(fp, &a->object);
	file_put(fp);
	return error;
}

/* mmap_populate: fault the new mapping in; what fails faults later. */
static void
mmap_populate(struct vmspace *vm, vm_offset_t va, vm_size_t len,
    vm_prot_t prot)
{
	vm_offset_t end = va + round_page(len);
	vm_prot_t type;

	type = (prot & VM_PROT_WRITE) != 0 ? VM_PROT_WRITE : VM_PROT_READ;
	if (prot == VM_PROT_NONE)
		return;
	for (; va < end; va += PAGE_SIZE)
		if (vm_fault(&vm->vm_map, va, type, VM_FAULT_NORMAL) != 0 ||
		    (curthread->td_intrsig & TDI_DIE) != 0)
			return;
}

/* mmap_flags: 0 and the flags' part of *a; EINVAL. */
static int
mmap_flags(uint64_t flags, struct vm_mmap_args *a)
{
	switch (flags & MAP_TYPE) {
	case MAP_PRIVATE:
		break;
	case MAP_SHARED:
	case MAP_SHARED_VALIDATE:
		a->shared = true;
		break;
	default:
		return EINVAL;
	}
	if ((flags & MAP_HUGETLB) != 0)
		return EINVAL;
	a->excl = (flags & MAP_FIXED_NOREPLACE) != 0;
	a->fixed = a->excl || (flags & MAP_FIXED) != 0;
	/* A place of the kernel's choice has nothing below it to grow into:
	 * such a mapping is a plain one. */
	a->stack = (flags & MAP_GROWSDOWN) != 0 && a->fixed && !a->shared &&
	    (flags & MAP_ANONYMOUS) != 0;
	return 0;
}

int64_t
sys_mmap(SYSARGS6(addr, len, prot, flags, fd, off))
{
	struct vmspace *vm = curproc->p_vmspace;
	struct vm_mmap_args a = {
		.addr = addr, .len = len, .prot = prot_decode(prot),
		.max_prot = VM_PROT_ALL, .offset = off
	};
	vm_offset_t va;
	int error;

	if ((off & PAGE_MASK) != 0 || len == 0)
		return -EINVAL;
	error = mmap_flags(flags, &a);
	if (error == 0 && (flags & MAP_ANONYMOUS) == 0)
		error = mmap_file((int)fd, &a);
	if (error != 0)
		return ret_errno(error);
	if (a.object == NULL)
		a.offset = 0;
	error = vm_mmap(vm, &a, &va);
	if (error != 0) {
		if (a.object != NULL)
			vm_object_deallocate(a.object);
		return ret_errno(error);
	}
	if ((flags & MAP_POPULATE) != 0)
		mmap_populate(vm, va, len, a.prot);
	return (int64_t)va;
}

int64_t
sys_munmap(SYSARGS6(addr, len, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return ret_errno(vm_munmap(curproc->p_vmspace, addr, len));
}

int64_t
sys_mprotect(SYSARGS6(addr, len, prot, a3 __unused, a4 __unused, a5 __unused))
{
	uint64_t end;

	if ((prot & ~(uint64_t)(VM_PROT_ALL | PROT_SEM)) != 0 ||
	    (addr & PAGE_MASK) != 0)
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!user_range(addr, len, &end))
		return -ENOMEM;
	return ret_errno(vm_map_protect(&curproc->p_vmspace->vm_map, addr,
	    end, prot_decode(prot), false));
}

/* madvise_populate: MADV_POPULATE_*: fault all in, or say why not. */
static int
madvise_populate(struct vm_map *map, uint64_t va, uint64_t end,
    vm_prot_t type)
{
	int error;

	error = 0;
	for (; va < end && error == 0; va += PAGE_SIZE) {
		error = vm_fault(map, va, type, VM_FAULT_NORMAL);
		if ((curthread->td_intrsig & TDI_DIE) != 0)
			return EINTR;
	}
	return error == EACCES ? EINVAL : error == EFAULT ? ENOMEM : error;
}

/* map_whole: is every page of [start, end) mapped? */
static bool
map_whole(struct vm_map *map, uint64_t start, uint64_t end)
{
	struct vm_map_entry *e;

	vm_map_lock_read(map);
	while (start < end && vm_map_lookup_entry(map, start, &e))
		start = e->end;
	vm_map_unlock_read(map);
	return start >= end;
}

int64_t
sys_madvise(SYSARGS6(addr, len, advice, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct vm_map *map = &curproc->p_vmspace->vm_map;
	uint64_t end;
	int error;

	if ((addr & PAGE_MASK) != 0 || round_page(len) < len)
		return -EINVAL;
	if (!user_range(addr, len, &end))
		return (int64_t)addr < 0 || addr + round_page(len) < addr ?
		    -EINVAL : -ENOMEM;
	error = 0;
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_FREE:
		error = end > addr ? vm_map_dontneed(map, addr, end) : 0;
		break;
	case MADV_POPULATE_READ:
		return ret_errno(madvise_populate(map, addr, end,
		    VM_PROT_READ));
	case MADV_POPULATE_WRITE:
		return ret_errno(madvise_populate(map, addr, end,
		    VM_PROT_WRITE));
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_COLD:
	case MADV_PAGEOUT:
		break;
	default:
		return -EINVAL;
	}
	if (error == 0 && !map_whole(map, addr, end))
		error = ENOMEM;
	return ret_errno(error);
}

int64_t
sys_msync(SYSARGS6(addr, len, flags, a3 __unused, a4 __unused, a5 __unused))
{
	uint64_t end;

	/* ASYNC 1, INVALIDATE 2, SYNC 4; memory files are always in sync. */
	if ((flags & ~7UL) != 0 || (flags & 5) == 5 || (addr & PAGE_MASK) != 0)
		return -EINVAL;
	if (!user_range(addr, len, &end))
		return -ENOMEM;
	return map_whole(&curproc->p_vmspace->vm_map, addr, end) ? 0 :
	    -ENOMEM;
}

int64_t
sys_brk(SYSARGS6(end, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct vmspace *vm = curproc->p_vmspace;

	/* Failure is told by the unchanged end. */
	if (end == 0 || vm_brk(vm, end) != 0)
		return (int64_t)vm->vm_brk_end;
	return (int64_t)end;
}
