/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysvshm.h: System V shared memory segments (sysvshm.c).
 *
 * A segment is a VM object.  Attachments are ordinary shared mappings of it, so
 * fork, exec, exit and munmap need to know nothing of segments; how many there
 * are is told by the object's references.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

struct vm_object;

#define SHM_MAXSEGS	256

/* What shmctl tells of a segment. */
struct shm_info {
	int		key, id;
	uint32_t	uid, gid, cuid, cgid, mode;
	uint64_t	size, nattach;		/* bytes; mappings */
	uint64_t	atime, dtime, ctime;	/* seconds since 1970 */
	int		cpid, lpid;
};
#define SHM_DEST	01000		/* mode: removed, but attached */
#define SHM_LOCKED	02000
#define IPC_PRIVATE	0
#define IPC_CREAT	01000
#define IPC_EXCL	02000

void	shm_init(void);
/* shm_get: => Returns 0 and *id; EINVAL, EEXIST, ENOENT, EACCES, ENOSPC,
 * ENOMEM. */
int	shm_get(int key, uint64_t size, unsigned flags, int *id) __warn_unused;
/* shm_object: to attach: its object, with a reference.  EINVAL, EACCES. */
int	shm_object(int id, bool write, struct vm_object **object,
	    uint64_t *size) __warn_unused;
/* shm_attached, shm_detached: times and pids. */
void	shm_attached(int id);
/* shm_find: is object a segment's?  Its size; false: no. */
bool	shm_find(const struct vm_object *object, uint64_t *size);
void	shm_detached(const struct vm_object *object);
/* index: slot instead of id (SHM_STAT).  EINVAL, EACCES. */
int	shm_stat(int id, bool index, struct shm_info *info) __warn_unused;
/* shm_set: owner and mode; EPERM.  shm_remove: at once, or when the last
 * attachment goes.  shm_lock: only told. */
int	shm_set(int id, uint32_t uid, uint32_t gid, unsigned mode)
	    __warn_unused;
int	shm_remove(int id) __warn_unused;
int	shm_lock(int id, bool on) __warn_unused;
/* shm_usage: segments, pages of all, highest slot in use. */
void	shm_usage(unsigned *segs, uint64_t *pages, int *highest);
/* shm_reap: removed segments without attachments go; all: every segment. */
void	shm_reap(bool all);
