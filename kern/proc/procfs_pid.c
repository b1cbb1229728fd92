/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs_pid.c: what /proc/PID says: stat, status, maps, descriptors.
 *
 * A process is looked at under proctree_lock and its own lock, its address
 * space by a hold: a process that ends meanwhile shows an empty one.
 *
 * I1: what belongs to the process (descriptors, directories, program) is
 *     referenced under p_lock, where exit1 gives it up.
 * Locks: proctree_lock, p_lock; then the map's alone.
 * Sources: proc(5) of Linux.
 */
#include <sys/file.h>

#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <lib/rbtree.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <sys/smp.h>
#include <sys/wait.h>
#include <vm/pmap.h>
#include <vm/vm_incore.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#include "procfs_priv.h"

#define TICK		(NSEC_PER_SEC / 100)	/* what stat counts times in */
#define KB(npages)	((npages) * (PAGE_SIZE / 1024))
#define SMAPS_MOST	1024U	/* bytes of an entry below its line of maps */
#define USAGE_KB(n)	(KB(n) / USAGE_PAGE)

/* What stat and status tell, taken at one moment. [t] */
struct snap {
	char		 comm[MAXCOMLEN + 1];
	char		 state;
	int		 pid, ppid, pgid, sid, nice, policy, rtprio, cpu;
	int		 tpgid;		/* of the terminal tty; -1 */
	uint64_t	 tty;
	unsigned	 nthreads;
	nsec_t		 start;
	struct prusage	 ru, cru;
	struct pcred	 cred;
	sigset_t	 pending, blocked;
	struct vmspace	*vm;		/* held, or NULL */
};

/* ---- looking at a process ---- */

/* The lowest pid >= want. [t] */
struct pidscan {
	int	want, best;
};

static void
pid_scan(struct proc *p, void *arg)
{
	struct pidscan *s = arg;

	if (p->p_pid >= s->want && (s->best < 0 || p->p_pid < s->best))
		s->best = p->p_pid;
}

int
procfs_pid_next(int pid)
{
	struct pidscan s = { .want = MAX(pid, 1), .best = -1 };

	rw_rlock(&proctree_lock);
	proc_foreach(pid_scan, &s);
	rw_runlock(&proctree_lock);
	return s.best;
}

/* snap_threads: state and signals.  p_lock held. */
static void
snap_threads(struct proc *p, struct snap *s)
{
	struct uthread *ut;

	s->state = 'S';
	LIST_FOREACH(ut, &p->p_threads, ut_link) {
		if (ut->ut_td->td_state != TDS_SLEEPING)
			s->state = 'R';
		s->cpu = ut->ut_td->td_cpu;
		s->blocked = ut->ut_sigmask;
	}
	if ((p->p_flags & P_STOPPED) != 0)
		s->state = 'T';
	if (p->p_state == PRS_ZOMBIE)
		s->state = 'Z';
	s->nthreads = p->p_nthreads;
}

/* snap_take: => After: snap_drop.  ESRCH. */
static int
snap_take(int pid, struct snap *s)
{
	struct proc *p;

	memset(s, 0, sizeof(*s));
	rw_rlock(&proctree_lock);
	p = proc_lookup(pid);
	if (p == NULL) {
		rw_runlock(&proctree_lock);
		return ESRCH;
	}
	proc_rusage(p, &s->ru);
	s->tty = tty_number(p, &s->tpgid);
	rw_wlock(&p->p_lock);
	strlcpy(s->comm, p->p_comm, sizeof(s->comm));
	s->pid = p->p_pid;
	s->ppid = p->p_ppid;
	s->pgid = p->p_pgid;
	s->sid = p->p_sid;
	s->nice = p->p_nice;
	s->policy = p->p_policy;
	s->rtprio = p->p_rtprio;
	s->start = p->p_start;
	s->cru = p->p_cru;
	s->cred = p->p_cred;
	s->pending = p->p_sigpend.sp_set;
	snap_threads(p, s);
	s->vm = p->p_vmspace;
	if (s->vm != NULL)
		vmspace_hold(s->vm);
	rw_wunlock(&p->p_lock);
	rw_runlock(&proctree_lock);
	return 0;
}

static void
snap_drop(struct snap *s)
{
	if (s->vm != NULL)
		vmspace_drop(s->vm);
}

/* What of a process a link of /proc/PID leads to. */
enum pid_ref { REF_EXE, REF_CWD, REF_ROOT };

/* pid_node: I1; a reference.  ESRCH, ENOENT (none). */
static int
pid_node(int pid, enum pid_ref what, struct rnode **np)
{
	struct fsctx *fx = NULL;
	struct proc *p;
	int error;

	*np = NULL;
	error = ESRCH;
	rw_rlock(&proctree_lock);
	p = proc_lookup(pid);
	if (p != NULL) {
		error = 0;
		rw_rlock(&p->p_lock);
		if (what == REF_EXE && p->p_exe != NULL)
			*np = rnode_ref(p->p_exe);
		else if (what != REF_EXE && p->p_fs != NULL)
			fx = fsctx_share(p->p_fs);
		rw_runlock(&p->p_lock);
	}
	rw_runlock(&proctree_lock);
	if (fx != NULL) {
		*np = what == REF_CWD ? fsctx_cwd(fx) : fsctx_root(fx);
		fsctx_put(fx);
	}
	return error == 0 && *np == NULL ? ENOENT : error;
}

static struct fdtable *
pid_fdtable(int pid)
{
	struct fdtable *fdt = NULL;
	struct proc *p;

	rw_rlock(&proctree_lock);
	p = proc_lookup(pid);
	if (p != NULL) {
		rw_rlock(&p->p_lock);
		if (p->p_fd != NULL)
			fdt = fdtable_share(p->p_fd);
		rw_runlock(&p->p_lock);
	}
	rw_runlock(&proctree_lock);
	return fdt;
}

int
procfs_fd_next(int pid, int fd)
{
	struct fdtable *fdt = pid_fdtable(pid);
	int found = -1;

	if (fdt == NULL)
		return -1;
	rw_rlock(&fdt->fd_lock);
	for (; fd >= 0 && (unsigned)fd < fdt->fd_size; fd++)
		if (fdt->fd_files[fd] != NULL) {
			found = fd;
			break;
		}
	rw_runlock(&fdt->fd_lock);
	fdtable_put(fdt);
	return found;
}

/* pid_file: the open file fd of pid, referenced, or NULL. */
static struct file *
pid_file(int pid, int fd)
{
	struct fdtable *fdt = pid_fdtable(pid);
	struct file *fp = NULL;

	if (fdt == NULL)
		return NULL;
	rw_rlock(&fdt->fd_lock);
	if ((unsigned)fd < fdt->fd_size && fdt->fd_files[fd] != NULL)
		fp = file_ref(fdt->fd_files[fd]);
	rw_runlock(&fdt->fd_lock);
	fdtable_put(fdt);
	return fp;
}

/* ---- links ---- */

/* node_path: the path of n, whose reference is taken over. */
static int
node_path(struct rnode *n, char *buf, size_t size)
{
	int error;

	error = ramfs_getpath(n, buf, size);
	/* Its last name is gone, and with it what it was; memfd_create's never
	 * had another. */
	if (error == ENOENT) {
		strlcpy(buf, n->rn_target != NULL ? n->rn_target :
		    "/ (deleted)", size);
		error = 0;
	}
	rnode_put(n);
	return error;
}

#define PID_LINK(name, what)						\
static int								\
name##_follow(int pid, int fd __unused, struct rnode **np)		\
{									\
	return pid_node(pid, what, np);					\
}									\
									\
static int								\
name##_readlink(int pid, int fd __unused, char *buf, size_t size)	\
{									\
	struct rnode *n;						\
	int error;							\
									\
	error = pid_node(pid, what, &n);				\
	return error != 0 ? error : node_path(n, buf, size);		\
}

PID_LINK(exe, REF_EXE)
PID_LINK(cwd, REF_CWD)
PID_LINK(root, REF_ROOT)

static int
fd_readlink(int pid, int fd, char *buf, size_t size)
{
	struct file *fp = pid_file(pid, fd);
	struct fstatus st;
	int error;

	if (fp == NULL)
		return ENOENT;
	if (fp->f_node != NULL) {
		error = node_path(rnode_ref(fp->f_node), buf, size);
	} else {
		error = fp->f_ops->fo_stat(fp, &st);
		if (error == 0)
			(void)ksnprintf(buf, size, "%s:[%lu]",
			    fp->f_ops->fo_name, st.st_ino);
	}
	file_put(fp);
	return error;
}

static int
fd_follow(int pid, int fd, struct rnode **np)
{
	struct file *fp = pid_file(pid, fd);
	int error;

	if (fp == NULL)
		return ENOENT;
	error = 0;
	if (fp->f_node != NULL)
		*np = rnode_ref(fp->f_node);
	else
		error = pipe_node(fp, np);
	file_put(fp);
	return error;
}

/* ---- texts ---- */

static uint64_t
vm_pages(struct vmspace *vm)
{
	return vm == NULL ? 0 : vm->vm_map.size / PAGE_SIZE;
}

static uint64_t
vm_resident(struct vmspace *vm)
{
	return vm == NULL ? 0 : vmspace_resident_count(vm);
}

static int
pid_stat(struct pout *o, int pid)
{
	struct snap s;
	int error;

	error = snap_take(pid, &s);
	if (error != 0)
		return error;
	pout_printf(o, "%d (%s) %c %d %d %d %lu %d 0 %lu 0 0 0 %lu %lu %lu %lu "
	    "%d %d %u 0 %lu %lu %lu ", s.pid, s.comm, s.state, s.ppid, s.pgid,
	    s.sid, s.tty, s.tpgid, s.ru.pr_faults, s.ru.pr_utime / TICK,
	    s.ru.pr_stime / TICK, s.cru.pr_utime / TICK,
	    s.cru.pr_stime / TICK, 20 + s.nice, s.nice, s.nthreads,
	    s.start / TICK, vm_pages(s.vm) * PAGE_SIZE, vm_resident(s.vm));
	pout_printf(o, "18446744073709551615 0 0 0 0 0 %lu %lu 0 0 0 0 0 17 "
	    "%d %d %d 0 0 0 0 0 0 0 0 0 0 0\n", s.pending, s.blocked, s.cpu,
	    s.rtprio, s.policy);
	snap_drop(&s);
	return 0;
}

static int
pid_statm(struct pout *o, int pid)
{
	struct snap s;
	int error;

	error = snap_take(pid, &s);
	if (error != 0)
		return error;
	pout_printf(o, "%lu %lu 0 0 0 %lu 0\n", vm_pages(s.vm),
	    vm_resident(s.vm), vm_pages(s.vm));
	snap_drop(&s);
	return 0;
}

static const char *
state_name(char state)
{
	return state == 'R' ? "running" : state == 'S' ? "sleeping" :
	    state == 'T' ? "stopped" : "zombie";
}

static int
pid_status(struct pout *o, int pid)
{
	struct snap s;
	int error;

	error = snap_take(pid, &s);
	if (error != 0)
		return error;
	pout_printf(o, "Name:\t%s\nState:\t%c (%s)\nTgid:\t%d\nPid:\t%d\n"
	    "PPid:\t%d\nTracerPid:\t0\n", s.comm, s.state,
	    state_name(s.state), s.pid, s.pid, s.ppid);
	pout_printf(o, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n",
	    s.cred.cr_uid[ID_REAL], s.cred.cr_uid[ID_EFF],
	    s.cred.cr_uid[ID_SAVED], s.cred.cr_uid[ID_FS],
	    s.cred.cr_gid[ID_REAL], s.cred.cr_gid[ID_EFF],
	    s.cred.cr_gid[ID_SAVED], s.cred.cr_gid[ID_FS]);
	if (s.vm != NULL)
		pout_printf(o, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\n",
		    KB(vm_pages(s.vm)), KB(vm_resident(s.vm)));
	pout_printf(o, "Threads:\t%u\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n",
	    s.nthreads, s.pending, s.blocked);
	pout_printf(o, "voluntary_ctxt_switches:\t%lu\n"
	    "nonvoluntary_ctxt_switches:\t%lu\n", s.ru.pr_nvcsw,
	    s.ru.pr_nivcsw);
	snap_drop(&s);
	return 0;
}

static int
pid_comm(struct pout *o, int pid)
{
	struct snap s;
	int error;

	error = snap_take(pid, &s);
	if (error != 0)
		return error;
	pout_printf(o, "%s\n", s.comm);
	snap_drop(&s);
	return 0;
}

static int
pid_cmdline(struct pout *o, int pid)
{
	struct procargs *pa = NULL;
	struct proc *p;

	rw_rlock(&proctree_lock);
	p = proc_lookup(pid);
	if (p != NULL) {
		rw_rlock(&p->p_lock);
		pa = procargs_share(p->p_args);
		rw_runlock(&p->p_lock);
	}
	rw_runlock(&proctree_lock);
	if (p == NULL)
		return ESRCH;
	if (pa != NULL)
		pout_bytes(o, pa->pa_text, pa->pa_len);
	procargs_put(pa);
	return 0;
}

/* ---- maps ---- */

/* What a line of maps needs besides the entry. [t] */
struct mapline {
	struct pout	*o;
	struct vmspace	*vm;
	const struct rnode *exe;	/* referenced, or NULL */
	char		*exepath;
	bool		 smaps;
};

/* usage_lines: after Rss: what of it is whose. */
static void
usage_lines(struct pout *o, const struct vm_usage *u, bool rollup,
    uint64_t locked)
{
	pout_printf(o, "Rss:            %8lu kB\nPss:            %8lu kB\n"
	    "Pss_Dirty:      %8lu kB\n", KB(u->clean + u->dirty +
	    u->shared_clean + u->shared_dirty), USAGE_KB(u->pss),
	    USAGE_KB(u->pss_dirty));
	/* Files are in memory, as those of a tmpfs. */
	if (rollup)
		pout_printf(o, "Pss_Anon:       %8lu kB\n"
		    "Pss_File:       %8lu kB\nPss_Shmem:      %8lu kB\n",
		    USAGE_KB(u->pss_anonymous), 0UL,
		    USAGE_KB(u->pss - u->pss_anonymous));
	pout_printf(o, "Shared_Clean:   %8lu kB\nShared_Dirty:   %8lu kB\n"
	    "Private_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\n"
	    "Referenced:     %8lu kB\nAnonymous:      %8lu kB\n",
	    KB(u->shared_clean), KB(u->shared_dirty), KB(u->clean),
	    KB(u->dirty), KB(u->referenced), KB(u->anonymous));
	/* There are no huge or merged pages, and no swap. */
	pout_printf(o, "KSM:            %8lu kB\nLazyFree:       %8lu kB\n"
	    "AnonHugePages:  %8lu kB\nShmemPmdMapped: %8lu kB\n"
	    "FilePmdMapped:  %8lu kB\nShared_Hugetlb: %8lu kB\n"
	    "Private_Hugetlb:%8lu kB\nSwap:           %8lu kB\n"
	    "SwapPss:        %8lu kB\nLocked:         %8lu kB\n",
	    0UL, 0UL, 0UL, 0UL, 0UL, 0UL, 0UL, 0UL, 0UL, USAGE_KB(locked));
}

/* flags_line: VmFlags, in Linux's order; of advice only what is kept. */
static void
flags_line(struct pout *o, const struct vm_map_entry *e)
{
	const bool shared = (e->eflags & MAP_ENTRY_SHARED) != 0;
	const struct {
		bool		has;
		const char	*name;
	} flags[] = {
		{ (e->protection & VM_PROT_READ) != 0, "rd" },
		{ (e->protection & VM_PROT_WRITE) != 0, "wr" },
		{ (e->protection & VM_PROT_EXECUTE) != 0, "ex" },
		{ shared, "sh" },
		{ (e->max_protection & VM_PROT_READ) != 0, "mr" },
		{ (e->max_protection & VM_PROT_WRITE) != 0, "mw" },
		{ (e->max_protection & VM_PROT_EXECUTE) != 0, "me" },
		{ shared, "ms" },
		{ (e->eflags & MAP_ENTRY_STACK) != 0, "gd" },
		{ (e->eflags & MAP_ENTRY_USER_WIRED) != 0, "lo" },
		{ e->inheritance == VM_INHERIT_NONE, "dc" },
		{ e->inheritance == VM_INHERIT_ZERO, "wf" },
	};
	unsigned i;

	pout_printf(o, "VmFlags: ");
	for (i = 0; i < nitems(flags); i++)
		if (flags[i].has)
			pout_printf(o, "%s ", flags[i].name);
	pout_printf(o, "\n");
}

/* smaps_lines: what smaps says of an entry below its line of maps. */
static void
smaps_lines(const struct mapline *l, const struct vm_map_entry *e)
{
	struct vm_usage u = { 0 };

	/* Before what is read only the length counts: it is the same. */
	if (l->o->skip < SMAPS_MOST)
		vm_map_entry_usage(&l->vm->vm_map, e, &u);
	pout_printf(l->o, "Size:           %8lu kB\nKernelPageSize: %8lu kB\n"
	    "MMUPageSize:    %8lu kB\n", (e->end - e->start) / 1024, KB(1UL),
	    KB(1UL));
	usage_lines(l->o, &u, false, e->wired_count != 0 ? u.pss : 0);
	pout_printf(l->o, "THPeligible:    %8u\n", 0U);
	flags_line(l->o, e);
}

static void
map_line(const struct mapline *l, const struct vm_map_entry *e)
{
	struct vm_object *first = e->object, *object;
	const char *name = "";
	uint64_t ino = 0;

	/* Object locks are not needed: the chain's end does not change its
	 * pager while the map is locked, and this is for people. */
	object = first;
	if (object != NULL && l->exe != NULL && object == l->exe->rn_object) {
		ino = l->exe->rn_ino;
		name = l->exepath;
	} else if ((e->eflags & MAP_ENTRY_STACK) != 0) {
		name = "[stack]";
	} else if (e->start >= l->vm->vm_brk_start &&
	    e->end <= round_page(l->vm->vm_brk_end)) {
		name = "[heap]";
	}
	pout_printf(l->o, "%08lx-%08lx %c%c%c%c %08lx 00:%02x %lu", e->start,
	    e->end, (e->protection & VM_PROT_READ) != 0 ? 'r' : '-',
	    (e->protection & VM_PROT_WRITE) != 0 ? 'w' : '-',
	    (e->protection & VM_PROT_EXECUTE) != 0 ? 'x' : '-',
	    (e->eflags & MAP_ENTRY_SHARED) != 0 ||
	    e->inheritance == VM_INHERIT_SHARE ? 's' : 'p',
	    ino != 0 ? e->offset : 0, ino != 0 ? 1U : 0U, ino);
	pout_printf(l->o, name[0] != '\0' ? "%26s\n" : "%s\n", name);
	if (l->smaps)
		smaps_lines(l, e);
}

static void
map_lines(const struct mapline *l)
{
	struct vm_map *map = &l->vm->vm_map;
	struct rb_node *node;

	vm_map_lock_read(map);
	for (node = rb_first(&map->tree); node != NULL &&
	    l->o->len < l->o->size; node = rb_next(node))
		map_line(l, container_of(node, struct vm_map_entry, link));
	vm_map_unlock_read(map);
}

static int
pid_maps_any(struct pout *o, int pid, bool smaps)
{
	struct mapline l = { .o = o, .smaps = smaps };
	struct rnode *exe;
	struct snap s;
	char path[128];
	int error;

	error = snap_take(pid, &s);
	if (error != 0)
		return error;
	if (s.vm == NULL)
		return 0;
	if (pid_node(pid, REF_EXE, &exe) != 0)
		exe = NULL;
	if (exe == NULL || ramfs_getpath(exe, path, sizeof(path)) != 0)
		path[0] = '\0';
	l.vm = s.vm;
	l.exe = exe;
	l.exepath = path;
	map_lines(&l);
	if (exe != NULL)
		rnode_put(exe);
	snap_drop(&s);
	return 0;
}

static int
pid_maps(struct pout *o, int pid)
{
	return pid_maps_any(o, pid, false);
}

static int
pid_smaps(struct pout *o, int pid)
{
	return pid_maps_any(o, pid, true);
}

/* smaps_rollup: the sums of smaps. */
static int
pid_smaps_rollup(struct pout *o, int pid)
{
	struct vm_usage u = { 0 };
	struct vm_map_entry *e;
	vm_offset_t start = 0, end = 0;
	uint64_t before, locked = 0;
	struct rb_node *node;
	struct vm_map *map;
	struct snap s;
	int error;

	error = snap_take(pid, &s);
	if (error != 0)
		return error;
	if (s.vm == NULL)
		return 0;
	map = &s.vm->vm_map;
	vm_map_lock_read(map);
	for (node = rb_first(&map->tree); node != NULL; node = rb_next(node)) {
		e = container_of(node, struct vm_map_entry, link);
		before = u.pss;
		vm_map_entry_usage(map, e, &u);
		locked += e->wired_count != 0 ? u.pss - before : 0;
		start = end == 0 ? e->start : start;
		end = e->end;
	}
	vm_map_unlock_read(map);
	pout_printf(o, "%08lx-%08lx ---p 00000000 00:00 0 %33s\n", start, end,
	    "[rollup]");
	usage_lines(o, &u, true, locked);
	snap_drop(&s);
	return 0;
}

const struct procent procfs_fd_link = {
	.mode = S_IFLNK | 0700, .readlink = fd_readlink, .follow = fd_follow
};



const struct procent procfs_pid_dir[] = {
	{ .name = "fd", .mode = S_IFDIR | 0500 },	/* procfs_pid_fd */
	{ .name = "stat", .mode = S_IFREG | 0444, .text = pid_stat },
	{ .name = "statm", .mode = S_IFREG | 0444, .text = pid_statm },
	{ .name = "status", .mode = S_IFREG | 0444, .text = pid_status },
	{ .name = "comm", .mode = S_IFREG | 0444, .text = pid_comm },
	{ .name = "cmdline", .mode = S_IFREG | 0444, .text = pid_cmdline },
	{ .name = "maps", .mode = S_IFREG | 0444, .text = pid_maps },
	{ .name = "smaps", .mode = S_IFREG | 0444, .text = pid_smaps },
	{ .name = "smaps_rollup", .mode = S_IFREG | 0444,
	    .text = pid_smaps_rollup },
	{ .name = "mounts", .mode = S_IFREG | 0444, .text = procfs_mounts },
	{ .name = "exe", .mode = S_IFLNK | 0777, .readlink = exe_readlink,
	    .follow = exe_follow },
	{ .name = "cwd", .mode = S_IFLNK | 0777, .readlink = cwd_readlink,
	    .follow = cwd_follow },
	{ .name = "root", .mode = S_IFLNK | 0777, .readlink = root_readlink,
	    .follow = root_follow },
	{ .name = NULL }
};
