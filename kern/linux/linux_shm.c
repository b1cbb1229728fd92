/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_shm.c: shmget, shmat, shmdt and shmctl.
 *
 * Locks: the caller's map, to see what is attached where.
 */
#include "linux_priv.h"

#include <lib/string.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/sysvshm.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#define SHM_RDONLY	010000
#define SHM_RND		020000
#define SHM_REMAP	040000
#define SHM_EXEC	0100000
#define SHM_HUGETLB	04000

enum {
	IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, SHM_LOCK = 11,
	SHM_UNLOCK = 12, SHM_STAT = 13, SHM_INFO = 14, SHM_STAT_ANY = 15
};

struct linux_shmid_ds {
	int32_t		key;
	uint32_t	uid, gid, cuid, cgid, mode;
	uint16_t	seq, pad2;
	uint32_t	pad3;
	uint64_t	unused[2];
	uint64_t	segsz, atime, dtime, ctime;
	int32_t		cpid, lpid;
	uint64_t	nattch, unused2[2];
};
CTASSERT(sizeof(struct linux_shmid_ds) == 112, "shmid_ds of x86-64");

struct linux_shminfo {
	uint64_t	shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};
struct linux_shm_info {
	int32_t		used_ids;
	uint32_t	pad;
	uint64_t	tot, rss, swp, attempts, successes;
};

int64_t
sys_shmget(SYSARGS3(key, size, flags))
{
	int error, id;

	if ((flags & SHM_HUGETLB) != 0)
		return -EINVAL;
	error = shm_get((int)key, size, (unsigned)flags, &id);
	return error != 0 ? ret_errno(error) : id;
}

/* ---- attach ---- */

/* at_place: EINVAL: the address is not one, or something is there. */
static int
at_place(uint64_t addr, unsigned flags, struct vm_mmap_args *a)
{
	if (addr == 0)
		return (flags & SHM_REMAP) != 0 ? EINVAL : 0;
	if ((addr & PAGE_MASK) != 0 && (flags & SHM_RND) == 0)
		return EINVAL;
	a->addr = trunc_page(addr);
	a->fixed = true;
	a->excl = (flags & SHM_REMAP) == 0;
	return a->addr == 0 ? EINVAL : 0;
}

int64_t
sys_shmat(SYSARGS3(id, addr, flags))
{
	struct vm_mmap_args a = { .shared = true, .prot = VM_PROT_READ,
	    .max_prot = VM_PROT_ALL };
	bool write = (flags & SHM_RDONLY) == 0;
	vm_offset_t at;
	int error;

	error = at_place(addr, (unsigned)flags, &a);
	if (error == 0)
		error = shm_object((int)id, write, &a.object, &a.len);
	if (error != 0)
		return ret_errno(error);
	if (write)
		a.prot |= VM_PROT_WRITE;
	else
		a.max_prot = VM_PROT_READ | VM_PROT_EXECUTE;
	if ((flags & SHM_EXEC) != 0)
		a.prot |= VM_PROT_EXECUTE;
	error = vm_mmap(curproc->p_vmspace, &a, &at);
	if (error != 0) {
		vm_object_deallocate(a.object);
		return error == EEXIST || error == EPERM ? -EINVAL :
		    ret_errno(error);
	}
	shm_attached((int)id);
	return (int64_t)at;
}

/* ---- detach ---- */

/* A shared mapping of an object, as the map has it. */
struct shmpiece {
	vm_offset_t		 start, end;
	vm_ooffset_t		 offset;
	const struct vm_object	*object;
};

/* piece_at: what is mapped at va or above it; false: nothing. */
static bool
piece_at(struct vm_map *map, vm_offset_t va, struct shmpiece *pc)
{
	struct vm_map_entry *e;
	struct rb_node *n;

	vm_map_lock_read(map);
	if (!vm_map_lookup_entry(map, va, &e)) {
		n = e != NULL ? rb_next(&e->link) : rb_first(&map->tree);
		e = n == NULL ? NULL :
		    container_of(n, struct vm_map_entry, link);
	}
	if (e != NULL)
		*pc = (struct shmpiece){ e->start, e->end, e->offset,
		    (e->eflags & MAP_ENTRY_SHARED) != 0 ? e->object : NULL };
	vm_map_unlock_read(map);
	return e != NULL;
}

int64_t
sys_shmdt(SYSARGS1(addr))
{
	struct vmspace *vm = curproc->p_vmspace;
	const struct vm_object *object;
	struct shmpiece pc;
	uint64_t size;
	vm_offset_t at;

	if ((addr & PAGE_MASK) != 0 || !piece_at(&vm->vm_map, addr, &pc) ||
	    pc.start != addr || pc.offset != 0 || pc.object == NULL ||
	    !shm_find(pc.object, &size))
		return -EINVAL;
	/* Parts of it may have other rights, or be gone. */
	object = pc.object;
	for (at = addr; at < addr + round_page(size) &&
	    piece_at(&vm->vm_map, at, &pc) && pc.start < addr + size;
	    at = pc.end)
		if (pc.object == object && pc.start - pc.offset == addr)
			(void)!vm_munmap(vm, pc.start, pc.end - pc.start);
	shm_detached(object);
	return 0;
}

/* ---- control ---- */

static int64_t
ctl_stat(int id, int cmd, uint64_t ua)
{
	struct linux_shmid_ds ds;
	struct shm_info in;
	int error;

	error = shm_stat(id, cmd != IPC_STAT, &in);
	if (error != 0)
		return ret_errno(error);
	memset(&ds, 0, sizeof(ds));
	ds.key = in.key;
	ds.uid = in.uid;
	ds.gid = in.gid;
	ds.cuid = in.cuid;
	ds.cgid = in.cgid;
	ds.mode = in.mode;
	ds.seq = (uint16_t)(in.id / 32768);
	ds.segsz = in.size;
	ds.atime = in.atime;
	ds.dtime = in.dtime;
	ds.ctime = in.ctime;
	ds.cpid = in.cpid;
	ds.lpid = in.lpid;
	ds.nattch = in.nattach;
	error = copyout(&ds, uaddr(ua), sizeof(ds));
	return error != 0 ? ret_errno(error) : cmd == IPC_STAT ? 0 : in.id;
}

static int64_t
ctl_set(int id, uint64_t ua)
{
	struct linux_shmid_ds ds;
	int error;

	error = copyin(uaddr(ua), &ds, sizeof(ds));
	return ret_errno(error != 0 ? error :
	    shm_set(id, ds.uid, ds.gid, ds.mode));
}

static int64_t
ctl_info(int cmd, uint64_t ua)
{
	struct linux_shminfo limits = {
		.shmmax = ~0UL - (1UL << 24), .shmmin = 1,
		.shmmni = SHM_MAXSEGS, .shmseg = SHM_MAXSEGS,
		.shmall = ~0UL - (1UL << 24)
	};
	struct linux_shm_info use;
	unsigned segs;
	uint64_t pages;
	int error, highest;

	shm_usage(&segs, &pages, &highest);
	memset(&use, 0, sizeof(use));
	use.used_ids = (int32_t)segs;
	use.tot = pages;
	error = cmd == IPC_INFO ? copyout(&limits, uaddr(ua), sizeof(limits)) :
	    copyout(&use, uaddr(ua), sizeof(use));
	return error != 0 ? ret_errno(error) : highest;
}

int64_t
sys_shmctl(SYSARGS3(id, cmd, ua))
{
	if ((int)cmd < 0 || ((int)id < 0 && (int)cmd != IPC_INFO &&
	    (int)cmd != SHM_INFO))
		return -EINVAL;
	switch ((int)cmd) {
	case IPC_RMID:
		return ret_errno(shm_remove((int)id));
	case IPC_SET:
		return ctl_set((int)id, ua);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return ctl_stat((int)id, (int)cmd, ua);
	case IPC_INFO:
	case SHM_INFO:
		return ctl_info((int)cmd, ua);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return ret_errno(shm_lock((int)id, (int)cmd == SHM_LOCK));
	default:
		return -EINVAL;
	}
}
