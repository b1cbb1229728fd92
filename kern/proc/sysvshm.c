/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysvshm.c: the table of System V shared memory segments.
 *
 * I1: a segment holds one reference on its object until it is freed; each
 *     mapping of the object holds another.
 * I2: a removed segment without mappings is freed by the next shm_reap: by any
 *     of the calls, and when a process has ended.
 * Locks: shm_lock_rw (LO_FILE); objects under it.
 * Sources: shmget(2), shmctl(2) of Linux.
 */
#include <sys/sysvshm.h>

#include <lib/atomic.h>
#include <sys/errno.h>
#include <sys/lock.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/zone.h>
#include <vm/vm_object.h>
#include <vm/vm_phys.h>

#define ID_SLOTS	32768		/* id = sequence * ID_SLOTS + slot */

/* Lifetime: from shm_get until shm_reap.  [h] shm_lock_rw. */
struct shmseg {
	struct shm_info		 info;		/* [h] */
	struct vm_object	*object;	/* [c] I1 */
};

static struct rwlock	 shm_lock_rw;
static struct shmseg	*shm_segs[SHM_MAXSEGS];	/* [h] */
static unsigned		 shm_seq;		/* [h] */
static unsigned		 shm_removed;		/* [a] with SHM_DEST */
static struct zone	*shm_zone;

void
shm_init(void)
{
	rw_init(&shm_lock_rw, "sysvshm", LO_FILE, 0);
	shm_zone = zone_create("shmseg", sizeof(struct shmseg), 16, NULL, 0);
}

static uint64_t
now_secs(void)
{
	return md_walltime() / NSEC_PER_SEC;
}

/* mappings: what others than the table have of the object. */
static uint64_t
mappings(const struct shmseg *s)
{
	return (uint64_t)atomic_load(&s->object->ref_count) - 1;
}

static void
seg_free(unsigned slot)
{
	struct shmseg *s = shm_segs[slot];

	if ((s->info.mode & SHM_DEST) != 0)
		atomic_add(&shm_removed, -1U);
	shm_segs[slot] = NULL;
	vm_object_deallocate(s->object);
	zone_free(shm_zone, s);
}

static void
reap_locked(bool all)
{
	unsigned i;

	for (i = 0; i < SHM_MAXSEGS; i++)
		if (shm_segs[i] != NULL && (all ||
		    ((shm_segs[i]->info.mode & SHM_DEST) != 0 &&
		    mappings(shm_segs[i]) == 0)))
			seg_free(i);
}

void
shm_reap(bool all)
{
	if (!all && atomic_load_relaxed(&shm_removed) == 0)
		return;
	rw_wlock(&shm_lock_rw);
	reap_locked(all);
	rw_wunlock(&shm_lock_rw);
}

/* ---- finding ---- */

/* may: has the caller the rights want (4 read, 2 write) of s? */
static bool
may(const struct shmseg *s, unsigned want)
{
	const struct pcred *cr = &curproc->p_cred;
	unsigned mode = s->info.mode, i;

	if (cr->cr_uid[ID_EFF] == 0)
		return true;
	if (cr->cr_uid[ID_EFF] == s->info.uid ||
	    cr->cr_uid[ID_EFF] == s->info.cuid)
		return (mode >> 6 & want) == want;
	if (cr->cr_gid[ID_EFF] == s->info.gid ||
	    cr->cr_gid[ID_EFF] == s->info.cgid)
		return (mode >> 3 & want) == want;
	for (i = 0; i < cr->cr_ngroups; i++)
		if (cr->cr_groups[i] == s->info.gid)
			return (mode >> 3 & want) == want;
	return (mode & want) == want;
}

static bool
owns(const struct shmseg *s)
{
	const uint32_t me = curproc->p_cred.cr_uid[ID_EFF];

	return me == 0 || me == s->info.uid || me == s->info.cuid;
}

static struct shmseg *
by_id(int id)
{
	struct shmseg *s;

	if (id < 0 || id % ID_SLOTS >= SHM_MAXSEGS)
		return NULL;
	s = shm_segs[id % ID_SLOTS];
	return s != NULL && s->info.id == id ? s : NULL;
}

/* owned: the segment id, if it is the caller's to change; EINVAL, EPERM. */
static int
owned(int id, struct shmseg **sp)
{
	*sp = by_id(id);
	if (*sp == NULL)
		return EINVAL;
	return owns(*sp) ? 0 : EPERM;
}

static struct shmseg *
by_key(int key)
{
	unsigned i;

	if (key == IPC_PRIVATE)
		return NULL;
	for (i = 0; i < SHM_MAXSEGS; i++)
		if (shm_segs[i] != NULL && shm_segs[i]->info.key == key)
			return shm_segs[i];
	return NULL;
}

/* ---- making ---- */

static int
seg_make(int key, uint64_t size, unsigned flags, int *id)
{
	const struct pcred *cr = &curproc->p_cred;
	struct shmseg *s;
	unsigned slot;

	if (size == 0)
		return EINVAL;
	if (atop(size) >= vm_phys_total())
		return ENOMEM;
	for (slot = 0; slot < SHM_MAXSEGS && shm_segs[slot] != NULL; slot++)
		;
	if (slot == SHM_MAXSEGS)
		return ENOSPC;
	s = zone_alloc(shm_zone, M_WAITOK | M_ZERO);
	if (s == NULL)
		return ENOMEM;
	s->object = vm_object_allocate_nowait(OBJT_DEFAULT,
	    atop(round_page(size)));
	if (s->object == NULL) {
		zone_free(shm_zone, s);
		return ENOMEM;
	}
	vm_object_set_named(s->object);
	s->info = (struct shm_info){
		.key = key, .size = size, .mode = flags & 0777,
		.uid = cr->cr_uid[ID_EFF], .cuid = cr->cr_uid[ID_EFF],
		.gid = cr->cr_gid[ID_EFF], .cgid = cr->cr_gid[ID_EFF],
		.ctime = now_secs(), .cpid = curproc->p_pid,
		.id = (int)(shm_seq++ % 65535 * ID_SLOTS + slot)
	};
	shm_segs[slot] = s;
	*id = s->info.id;
	return 0;
}

int
shm_get(int key, uint64_t size, unsigned flags, int *id)
{
	struct shmseg *s;
	int error;

	error = 0;
	rw_wlock(&shm_lock_rw);
	reap_locked(false);
	s = by_key(key);
	if (s == NULL && key != IPC_PRIVATE && (flags & IPC_CREAT) == 0)
		error = ENOENT;
	else if (s == NULL)
		error = seg_make(key, size, flags, id);
	else if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		error = EEXIST;
	else if (size > s->info.size)
		error = EINVAL;
	else if (!may(s, (flags >> 6 | flags >> 3 | flags) & 6))
		error = EACCES;
	else
		*id = s->info.id;
	rw_wunlock(&shm_lock_rw);
	return error;
}

/* ---- attaching ---- */

int
shm_object(int id, bool write, struct vm_object **object, uint64_t *size)
{
	struct shmseg *s;
	int error;

	error = 0;
	rw_rlock(&shm_lock_rw);
	s = by_id(id);
	if (s == NULL) {
		error = EINVAL;
	} else if (!may(s, write ? 6 : 4)) {
		error = EACCES;
	} else {
		vm_object_reference(s->object);
		*object = s->object;
		*size = s->info.size;
	}
	rw_runlock(&shm_lock_rw);
	return error;
}

void
shm_attached(int id)
{
	struct shmseg *s;

	rw_wlock(&shm_lock_rw);
	s = by_id(id);
	if (s != NULL) {
		s->info.atime = now_secs();
		s->info.lpid = curproc->p_pid;
	}
	rw_wunlock(&shm_lock_rw);
}

static struct shmseg *
by_object(const struct vm_object *object)
{
	unsigned i;

	for (i = 0; i < SHM_MAXSEGS; i++)
		if (shm_segs[i] != NULL && shm_segs[i]->object == object)
			return shm_segs[i];
	return NULL;
}

bool
shm_find(const struct vm_object *object, uint64_t *size)
{
	struct shmseg *s;

	rw_rlock(&shm_lock_rw);
	s = by_object(object);
	if (s != NULL)
		*size = s->info.size;
	rw_runlock(&shm_lock_rw);
	return s != NULL;
}

void
shm_detached(const struct vm_object *object)
{
	struct shmseg *s;

	rw_wlock(&shm_lock_rw);
	s = by_object(object);
	if (s != NULL) {
		s->info.dtime = now_secs();
		s->info.lpid = curproc->p_pid;
	}
	reap_locked(false);
	rw_wunlock(&shm_lock_rw);
}

/* ---- control ---- */

int
shm_stat(int id, bool index, struct shm_info *info)
{
	struct shmseg *s;
	int error;

	error = EINVAL;
	rw_wlock(&shm_lock_rw);
	reap_locked(false);
	s = !index ? by_id(id) : id < 0 || id >= SHM_MAXSEGS ? NULL :
	    shm_segs[id];
	if (s != NULL) {
		error = may(s, 4) ? 0 : EACCES;
		*info = s->info;
		info->nattach = mappings(s);
	}
	rw_wunlock(&shm_lock_rw);
	return error;
}

int
shm_set(int id, uint32_t uid, uint32_t gid, unsigned mode)
{
	struct shmseg *s;
	int error;

	rw_wlock(&shm_lock_rw);
	error = owned(id, &s);
	if (error == 0) {
		s->info.uid = uid;
		s->info.gid = gid;
		s->info.mode = (s->info.mode & ~0777U) | (mode & 0777);
		s->info.ctime = now_secs();
	}
	rw_wunlock(&shm_lock_rw);
	return error;
}

int
shm_remove(int id)
{
	struct shmseg *s;
	int error;

	rw_wlock(&shm_lock_rw);
	error = owned(id, &s);
	if (error == 0 && (s->info.mode & SHM_DEST) == 0) {
		s->info.mode |= SHM_DEST;
		s->info.key = IPC_PRIVATE;	/* nobody finds it any more */
		atomic_add(&shm_removed, 1U);
	}
	reap_locked(false);
	rw_wunlock(&shm_lock_rw);
	return error;
}

int
shm_lock(int id, bool on)
{
	struct shmseg *s;
	int error;

	rw_wlock(&shm_lock_rw);
	error = owned(id, &s);
	if (error == 0 && on)
		s->info.mode |= SHM_LOCKED;
	else if (error == 0)
		s->info.mode &= ~(uint32_t)SHM_LOCKED;
	rw_wunlock(&shm_lock_rw);
	return error;
}

void
shm_usage(unsigned *segs, uint64_t *pages, int *highest)
{
	int i;

	*segs = 0;
	*pages = 0;
	*highest = 0;
	rw_rlock(&shm_lock_rw);
	for (i = 0; i < SHM_MAXSEGS; i++) {
		if (shm_segs[i] == NULL)
			continue;
		(*segs)++;
		*pages += atop(round_page(shm_segs[i]->info.size));
		*highest = i;
	}
	rw_runlock(&shm_lock_rw);
}
