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
#include <sys/ramfs.h>
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

/* mmap_file: the object of fp, and what it may ever be mapped for. */
static int
mmap_file(struct file *fp, struct vm_mmap_args *a)
{
	bool sealed = fp->f_node != NULL && (fp->f_node->rn_seals &
	    (SEAL_WRITE | SEAL_FUTURE_WRITE)) != 0;

	if (a->shared && (sealed || !FWRITABLE(fp)))
		a->max_prot = VM_PROT_READ | VM_PROT_EXECUTE;
	if (!FREADABLE(fp) || (a->prot & ~a->max_prot) != 0)
		return FREADABLE(fp) && sealed ? EPERM : EACCES;
	if (fp->f_ops->fo_mmap == NULL)
		return ENODEV;
	return fp->f_ops->fo_mmap(fp, &a->object);
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
		    thread_dying())
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
		a->shared = true;
		break;
	case MAP_SHARED_VALIDATE:
		if ((flags & MAP_ANONYMOUS) != 0)
			return EINVAL;
		a->shared = true;
		break;
	default:
		return EINVAL;
	}
	if ((flags & MAP_HUGETLB) != 0)
		return ENOMEM;		/* none is kept in store */
	a->low = (flags & MAP_32BIT) != 0;
	a->excl = (flags & MAP_FIXED_NOREPLACE) != 0;
	a->fixed = a->excl || (flags & MAP_FIXED) != 0;
	/* A place of the kernel's choice has nothing below it to grow into:
	 * such a mapping is a plain one. */
	a->stack = (flags & MAP_GROWSDOWN) != 0 && a->fixed && !a->shared &&
	    (flags & MAP_ANONYMOUS) != 0;
	return 0;
}

/* mmap_place: address and length, refused in the order in which Linux does. */
static int64_t
mmap_place(uint64_t addr, uint64_t len, bool fixed)
{
	uint64_t rounded = round_page(len);

	if (len == 0)
		return -EINVAL;
	if (rounded < len || rounded > VM_MAX_USER_ADDRESS)
		return -ENOMEM;
	if (!fixed)
		return 0;
	/* An address that looks like an error is returned as one there. */
	if (addr > -PAGE_SIZE)
		return (int64_t)addr;
	if (addr > VM_MAX_USER_ADDRESS - rounded)
		return -ENOMEM;
	if ((addr & PAGE_MASK) != 0)
		return -EINVAL;
	return addr < VM_MIN_USER_ADDRESS ? -EPERM : 0;
}

/* do_mmap: a is complete; its object's reference goes either way. */
static int64_t
do_mmap(struct vm_mmap_args *a, bool populate)
{
	struct vmspace *vm = curproc->p_vmspace;
	vm_offset_t va;
	int error;

	error = vm_mmap(vm, a, &va);
	if (error != 0) {
		if (a->object != NULL)
			vm_object_deallocate(a->object);
		return ret_errno(error);
	}
	if (vm->vm_wire_future)		/* what fails is not locked */
		(void)!vm_map_wire(&vm->vm_map, va, va + round_page(a->len));
	else if (populate)
		mmap_populate(vm, va, a->len, a->prot);
	return (int64_t)va;
}

int64_t
sys_mmap(SYSARGS6(addr, len, prot, flags, fd, off))
{
	struct vm_mmap_args a = {
		.addr = addr, .len = len, .prot = prot_decode(prot),
		.max_prot = VM_PROT_ALL, .offset = off
	};
	struct file *fp;
	int64_t place;
	int error;

	if ((off & PAGE_MASK) != 0)
		return -EINVAL;
	fp = NULL;
	if ((flags & MAP_ANONYMOUS) == 0) {
		fp = fd_get((int)fd);
		if (fp == NULL)
			return -EBADF;
	}
	place = mmap_place(addr, len,
	    (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0);
	error = place != 0 ? 0 : mmap_flags(flags, &a);
	if (place == 0 && error == 0 && fp != NULL)
		error = mmap_file(fp, &a);
	if (fp != NULL)
		file_put(fp);
	if (place != 0 || error != 0)
		return place != 0 ? place : ret_errno(error);
	if (a.object == NULL)
		a.offset = 0;
	return do_mmap(&a, (flags & MAP_POPULATE) != 0);
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
	const uint64_t grows = PROT_GROWSDOWN | PROT_GROWSUP;
	uint64_t end;

	if ((prot & grows) == grows || (addr & PAGE_MASK) != 0)
		return -EINVAL;
	if (len == 0)
		return 0;
	if (round_page(len) < len || addr + round_page(len) <= addr)
		return -ENOMEM;
	if ((prot & ~(uint64_t)(VM_PROT_ALL | PROT_SEM)) != 0)
		return -EINVAL;
	if (!user_range(addr, len, &end))
		return -ENOMEM;
	return ret_errno(vm_map_protect(&curproc->p_vmspace->vm_map, addr,
	    end, prot_decode(prot), false));
}

/* ---- madvise ---- */

/* A mapped piece of a range, as it was when the map was looked at. */
struct piece {
	vm_offset_t	start, end;
	uint32_t	eflags;
	uint8_t		inherit;
	bool		anon;
};

/* piece_next: the first piece of [start, end); false: nothing is mapped. */
static bool
piece_next(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    struct piece *pc)
{
	struct vm_map_entry *e;
	struct rb_node *n;
	bool found;

	vm_map_lock_read(map);
	if (!vm_map_lookup_entry(map, start, &e)) {
		n = e != NULL ? rb_next(&e->link) : rb_first(&map->tree);
		e = n != NULL ? container_of(n, struct vm_map_entry, link) :
		    NULL;
	}
	found = e != NULL && e->start < end;
	if (found) {
		pc->start = MAX(e->start, start);
		pc->end = MIN(e->end, end);
		pc->eflags = e->eflags;
		pc->inherit = e->inheritance;
		pc->anon = e->object == NULL || vm_object_anonymous(e->object);
	}
	vm_map_unlock_read(map);
	return found;
}

/* piece_populate: MADV_POPULATE_*: fault all in, or say why not. */
static int
piece_populate(struct vm_map *map, const struct piece *pc, vm_prot_t type)
{
	vm_offset_t va;
	int error;

	error = 0;
	for (va = pc->start; va < pc->end && error == 0; va += PAGE_SIZE) {
		error = vm_fault(map, va, type, VM_FAULT_NORMAL);
		if (thread_dying())
			return EINTR;
	}
	return error == EACCES ? EINVAL : error;
}

static int
piece_advise(struct vm_map *map, const struct piece *pc, int advice)
{
	bool shared = (pc->eflags & MAP_ENTRY_SHARED) != 0;

	switch (advice) {
	case MADV_FREE:
		if (shared || !pc->anon)
			return EINVAL;
		return vm_map_dontneed(map, pc->start, pc->end);
	case MADV_DONTNEED:
		return vm_map_dontneed(map, pc->start, pc->end);
	case MADV_DONTFORK:
		return vm_map_inherit(map, pc->start, pc->end,
		    VM_INHERIT_NONE);
	case MADV_DOFORK:
		/* A shared one becomes SHARE again: vm_map_inherit knows. */
		return vm_map_inherit(map, pc->start, pc->end,
		    VM_INHERIT_COPY);
	case MADV_WIPEONFORK:
		if (shared || !pc->anon)
			return EINVAL;
		return vm_map_inherit(map, pc->start, pc->end,
		    VM_INHERIT_ZERO);
	case MADV_KEEPONFORK:
		if (pc->inherit != VM_INHERIT_ZERO)
			return 0;
		return vm_map_inherit(map, pc->start, pc->end,
		    VM_INHERIT_COPY);
	case MADV_POPULATE_READ:
		return piece_populate(map, pc, VM_PROT_READ);
	case MADV_POPULATE_WRITE:
		return piece_populate(map, pc, VM_PROT_WRITE);
	default:
		return 0;
	}
}

static bool
advice_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return true;
	default:
		return false;
	}
}

/* What is mapped of the range is advised; a hole makes it ENOMEM afterwards. */
int64_t
sys_madvise(SYSARGS6(addr, len, advice, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct vm_map *map = &curproc->p_vmspace->vm_map;
	struct piece pc;
	uint64_t end, at;
	bool hole;
	int error;

	if (!advice_known((int)advice) || (addr & PAGE_MASK) != 0 ||
	    round_page(len) < len || !add_ok(addr, round_page(len), &end))
		return -EINVAL;
	hole = end > VM_MAX_USER_ADDRESS;
	end = MIN(end, VM_MAX_USER_ADDRESS);
	if (len == 0)
		return 0;
	for (at = addr; at < end; at = pc.end) {
		if (!piece_next(map, at, end, &pc)) {
			hole = true;
			break;
		}
		hole = hole || pc.start != at;
		error = piece_advise(map, &pc, (int)advice);
		if (error != 0)
			return ret_errno(error);
	}
	return hole ? -ENOMEM : 0;
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
	vm_offset_t old = round_page(vm->vm_brk_end);

	/* Failure is told by the unchanged end. */
	if (end == 0 || vm_brk(vm, end) != 0)
		return (int64_t)vm->vm_brk_end;
	if (vm->vm_wire_future && round_page(end) > old)
		(void)!vm_map_wire(&vm->vm_map, old, round_page(end));
	return (int64_t)end;
}
