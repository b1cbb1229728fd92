/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_ids.c: who is who: process, group and session ids; user and group ids;
 * capabilities and personality.
 *
 * User ids belong to the process, not to its threads: libraries set them in all
 * threads anyhow.  Who has effective user 0 has all capabilities, nobody else
 * has any.
 *
 * Locks: proctree_lock for groups and sessions, p_lock for user ids.
 * Sources: credentials(7), setresuid(2), capget(2) of Linux.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <lib/string.h>
#include <linux/misc.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>

#define NO_ID		(~0U)
#define NGROUPS_LINUX	65536

/* ---- processes, groups, sessions ---- */

int64_t
sys_getpid(SYSARGS0)
{
	return curproc->p_pid;
}

int64_t
sys_getppid(SYSARGS0)
{
	/* One word, changed when the parent dies: no lock would help. */
	return atomic_load_relaxed(&curproc->p_ppid);
}

int64_t
sys_gettid(SYSARGS0)
{
	return curuthread->ut_tid;
}

/* id_of: the group or session of pid; 0: the caller. */
static int64_t
id_of(int pid, bool session)
{
	struct proc *p;
	int64_t id;

	rw_rlock(&proctree_lock);
	p = pid == 0 ? curproc : pid < 0 ? NULL : proc_lookup(pid);
	id = p == NULL ? -ESRCH : session ? p->p_sid : p->p_pgid;
	rw_runlock(&proctree_lock);
	return id;
}

int64_t
sys_getpgid(SYSARGS1(pid))
{
	return id_of((int)pid, false);
}

int64_t
sys_getpgrp(SYSARGS0)
{
	return id_of(0, false);
}

int64_t
sys_getsid(SYSARGS1(pid))
{
	return id_of((int)pid, true);
}

/* A group to look for in a session. */
struct pgfind {
	int	pgid, sid;
	bool	found;
};

static void
pgfind_one(struct proc *p, void *arg)
{
	struct pgfind *f = arg;

	if (p->p_pgid == f->pgid && p->p_sid == f->sid)
		f->found = true;
}

/* setpgid_locked: proctree_lock held for writing. */
static int
setpgid_locked(int pid, int pgid)
{
	struct pgfind f;
	struct proc *p;

	p = proc_lookup(pid);
	if (p == NULL || (p != curproc && p->p_pptr != curproc))
		return ESRCH;
	if (p->p_sid != curproc->p_sid || p->p_sid == p->p_pid)
		return EPERM;
	if (p != curproc && (p->p_flags & P_EXECED) != 0)
		return EACCES;
	if (pgid != pid) {
		f = (struct pgfind){ .pgid = pgid, .sid = p->p_sid };
		proc_foreach(pgfind_one, &f);
		if (!f.found)
			return EPERM;
	}
	p->p_pgid = pgid;
	return 0;
}

int64_t
sys_setpgid(SYSARGS2(a0, a1))
{
	int pid = (int)a0 != 0 ? (int)a0 : curproc->p_pid;
	int pgid = (int)a1 != 0 ? (int)a1 : pid;
	int error;

	if (pgid < 0)
		return -EINVAL;
	rw_wlock(&proctree_lock);
	error = pid < 0 ? ESRCH : setpgid_locked(pid, pgid);
	rw_wunlock(&proctree_lock);
	return ret_errno(error);
}

static void
pgany_one(struct proc *p, void *arg)
{
	struct pgfind *f = arg;

	if (p->p_pgid == f->pgid)
		f->found = true;
}

int64_t
sys_setsid(SYSARGS0)
{
	struct proc *p = curproc;
	struct pgfind f = { .pgid = p->p_pid };

	rw_wlock(&proctree_lock);
	proc_foreach(pgany_one, &f);
	if (!f.found) {
		p->p_pgid = p->p_sid = p->p_pid;
		rw_wlock(&p->p_lock);
		p->p_flags &= ~(unsigned)P_NOCTTY;
		rw_wunlock(&p->p_lock);
	}
	rw_wunlock(&proctree_lock);
	return f.found ? -EPERM : p->p_pid;
}

/* ---- users ---- */

bool
cred_root(void)
{
	return curproc->p_cred.cr_uid[ID_EFF] == 0;
}

/* The ids of one kind, users or groups, of the running process. */
static uint32_t *
ids_of(bool group)
{
	struct pcred *cr = &curproc->p_cred;

	return group ? cr->cr_gid : cr->cr_uid;
}

static bool
id_is(const uint32_t *ids, uint32_t id, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

int64_t
sys_getuid(SYSARGS0)
{
	return curproc->p_cred.cr_uid[ID_REAL];
}

int64_t
sys_geteuid(SYSARGS0)
{
	return curproc->p_cred.cr_uid[ID_EFF];
}

int64_t
sys_getgid(SYSARGS0)
{
	return curproc->p_cred.cr_gid[ID_REAL];
}

int64_t
sys_getegid(SYSARGS0)
{
	return curproc->p_cred.cr_gid[ID_EFF];
}

/* ids_store: NO_ID leaves one as it is; the file system id follows. */
static void
ids_store(uint32_t *ids, uint32_t r, uint32_t e, uint32_t s)
{
	rw_wlock(&curproc->p_lock);
	if (r != NO_ID)
		ids[ID_REAL] = r;
	if (e != NO_ID)
		ids[ID_EFF] = e;
	if (s != NO_ID)
		ids[ID_SAVED] = s;
	ids[ID_FS] = ids[ID_EFF];
	rw_wunlock(&curproc->p_lock);
}

static int64_t
set_one(uint32_t id, bool group)
{
	uint32_t *ids = ids_of(group);

	if (id == NO_ID)
		return -EINVAL;
	if (cred_root())
		ids_store(ids, id, id, id);
	else if (id == ids[ID_REAL] || id == ids[ID_SAVED])
		ids_store(ids, NO_ID, id, NO_ID);
	else
		return -EPERM;
	return 0;
}

static int64_t
set_two(uint32_t r, uint32_t e, bool group)
{
	uint32_t *ids = ids_of(group), eff, s;

	if (!cred_root() && ((r != NO_ID && !id_is(ids, r, 2)) ||
	    (e != NO_ID && !id_is(ids, e, 3))))
		return -EPERM;
	eff = e != NO_ID ? e : ids[ID_EFF];
	s = r != NO_ID || (e != NO_ID && e != ids[ID_REAL]) ? eff : NO_ID;
	ids_store(ids, r, e, s);
	return 0;
}

static int64_t
set_three(uint32_t r, uint32_t e, uint32_t s, bool group)
{
	uint32_t *ids = ids_of(group);

	if (!cred_root() && ((r != NO_ID && !id_is(ids, r, 3)) ||
	    (e != NO_ID && !id_is(ids, e, 3)) ||
	    (s != NO_ID && !id_is(ids, s, 3))))
		return -EPERM;
	ids_store(ids, r, e, s);
	return 0;
}

static int64_t
get_three(uint64_t r, uint64_t e, uint64_t s, bool group)
{
	const uint32_t *ids = ids_of(group);
	int error;

	error = suword32(uaddr(r), ids[ID_REAL]);
	if (error == 0)
		error = suword32(uaddr(e), ids[ID_EFF]);
	if (error == 0)
		error = suword32(uaddr(s), ids[ID_SAVED]);
	return ret_errno(error);
}

/* set_fs: there is no error: what it was is returned. */
static int64_t
set_fs(uint32_t id, bool group)
{
	uint32_t *ids = ids_of(group), old = ids[ID_FS];

	if (id != NO_ID && (cred_root() || id_is(ids, id, ID_COUNT))) {
		rw_wlock(&curproc->p_lock);
		ids[ID_FS] = id;
		rw_wunlock(&curproc->p_lock);
	}
	return old;
}

int64_t
sys_setuid(SYSARGS1(id))
{
	return set_one((uint32_t)id, false);
}

int64_t
sys_setgid(SYSARGS1(id))
{
	return set_one((uint32_t)id, true);
}

int64_t
sys_setreuid(SYSARGS2(r, e))
{
	return set_two((uint32_t)r, (uint32_t)e, false);
}

int64_t
sys_setregid(SYSARGS2(r, e))
{
	return set_two((uint32_t)r, (uint32_t)e, true);
}

int64_t
sys_setresuid(SYSARGS3(r, e, s))
{
	return set_three((uint32_t)r, (uint32_t)e, (uint32_t)s, false);
}

int64_t
sys_setresgid(SYSARGS3(r, e, s))
{
	return set_three((uint32_t)r, (uint32_t)e, (uint32_t)s, true);
}

int64_t
sys_getresuid(SYSARGS3(r, e, s))
{
	return get_three(r, e, s, false);
}

int64_t
sys_getresgid(SYSARGS3(r, e, s))
{
	return get_three(r, e, s, true);
}

int64_t
sys_setfsuid(SYSARGS1(id))
{
	return set_fs((uint32_t)id, false);
}

int64_t
sys_setfsgid(SYSARGS1(id))
{
	return set_fs((uint32_t)id, true);
}

int64_t
sys_getgroups(SYSARGS2(size, ua))
{
	const struct pcred *cr = &curproc->p_cred;
	const int n = (int)cr->cr_ngroups;
	int error;

	if ((int)size < 0 || ((int)size != 0 && (int)size < n))
		return -EINVAL;
	error = (int)size == 0 ? 0 : copyout(cr->cr_groups, uaddr(ua),
	    (size_t)n * sizeof(cr->cr_groups[0]));
	return error != 0 ? ret_errno(error) : n;
}

int64_t
sys_setgroups(SYSARGS2(n, ua))
{
	struct proc *p = curproc;
	uint32_t groups[NGROUPS];
	int error;

	if (!cred_root())
		return -EPERM;
	if ((uint32_t)n > NGROUPS_LINUX)
		return -EINVAL;
	if ((uint32_t)n > NGROUPS)
		return -ENOMEM;
	error = copyin(uaddr(ua), groups, (uint32_t)n * sizeof(groups[0]));
	if (error != 0)
		return ret_errno(error);
	rw_wlock(&p->p_lock);
	memcpy(p->p_cred.cr_groups, groups, (uint32_t)n * sizeof(groups[0]));
	p->p_cred.cr_ngroups = (uint32_t)n;
	rw_wunlock(&p->p_lock);
	return 0;
}

/* ---- capabilities, personality ---- */

#define CAP_VERSION_1	0x19980330U
#define CAP_VERSION_2	0x20071026U
#define CAP_VERSION_3	0x20080522U
#define CAP_LOW		0xffffffffU	/* all 41 that Linux 6.1 has */
#define CAP_HIGH	0x000001ffU

struct cap_header {
	uint32_t	version;
	int32_t		pid;
};

struct cap_data {
	uint32_t	effective, permitted, inheritable;
};

/* cap_head: *words of each set; the version to use is told to who has an odd
 * one. */
static int
cap_head(uint64_t ua, struct cap_header *h, unsigned *words)
{
	int error;

	error = copyin(uaddr(ua), h, sizeof(*h));
	if (error != 0)
		return error;
	*words = h->version == CAP_VERSION_1 ? 1 : 2;
	if (h->version == CAP_VERSION_1 || h->version == CAP_VERSION_2 ||
	    h->version == CAP_VERSION_3)
		return 0;
	error = suword32(uaddr(ua), CAP_VERSION_3);
	return error != 0 ? error : EINVAL;
}

/* cap_of: process pid has all or none; ESRCH. */
static int
cap_of(int pid, bool *all)
{
	struct proc *p;

	rw_rlock(&proctree_lock);
	p = pid == 0 ? curproc : proc_lookup(pid);
	if (p != NULL)
		*all = p->p_cred.cr_uid[ID_EFF] == 0;
	rw_runlock(&proctree_lock);
	return p != NULL ? 0 : ESRCH;
}

int64_t
sys_capget(SYSARGS2(head, data))
{
	struct cap_data d[2];
	struct cap_header h;
	unsigned words;
	bool all;
	int error;

	error = cap_head(head, &h, &words);
	if (data == 0 && (error == 0 || error == EINVAL))
		return 0;
	if (error == 0 && h.pid < 0)
		error = EINVAL;
	all = false;
	if (error == 0)
		error = cap_of(h.pid, &all);
	if (error != 0)
		return ret_errno(error);
	memset(d, 0, sizeof(d));
	if (all) {
		d[0].effective = d[0].permitted = CAP_LOW;
		d[1].effective = d[1].permitted = CAP_HIGH;
	}
	return ret_errno(copyout(d, uaddr(data), words * sizeof(d[0])));
}

/* They come and go with user 0: setting them to what they are is all there is. */
int64_t
sys_capset(SYSARGS2(head, data))
{
	struct cap_data d[2];
	struct cap_header h;
	unsigned words;
	int error;

	memset(d, 0, sizeof(d));
	error = cap_head(head, &h, &words);
	if (error == 0 && h.pid != 0 && h.pid != curproc->p_pid)
		error = EPERM;
	if (error == 0)
		error = copyin(uaddr(data), d, words * sizeof(d[0]));
	if (error == 0 && !cred_root() && (d[0].permitted | d[1].permitted |
	    d[0].effective | d[1].effective) != 0)
		error = EPERM;
	return ret_errno(error);
}

int64_t
sys_personality(SYSARGS1(persona))
{
	struct proc *p = curproc;
	uint32_t old;

	rw_wlock(&p->p_lock);
	old = p->p_persona;
	if ((uint32_t)persona != 0xffffffffU)
		p->p_persona = (uint32_t)persona;
	rw_wunlock(&p->p_lock);
	return old;
}
