/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_proc.c: processes and threads: fork and its kin, execve, wait4, ids,
 * groups, futexes, limits, affinity.
 *
 * Locks: proctree_lock for ids of groups and sessions, p_lock for limits.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <lib/string.h>
#include <linux/misc.h>
#include <machine/vmparam.h>
#include <sys/file.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/smp.h>
#include <sys/usermode.h>
#include <vm/vm_map.h>

/* ---- fork, exec, wait ---- */

static int64_t
do_fork(const struct fork_args *a)
{
	int error, tid;

	error = fork1(a, &tid);
	return error != 0 ? ret_errno(error) : tid;
}

int64_t
sys_fork(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	static const struct fork_args a = { .exitsig = SIGCHLD };

	return do_fork(&a);
}

int64_t
sys_vfork(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	static const struct fork_args a = {
		.flags = CLONE_VFORK | CLONE_VM, .exitsig = SIGCHLD
	};

	return do_fork(&a);
}

int64_t
sys_clone(SYSARGS6(flags, stack, ptid, ctid, tls, a5 __unused))
{
	const uint64_t known = CLONE_EXITSIG | CLONE_IGNORED | CLONE_VM |
	    CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK |
	    CLONE_PARENT | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
	    CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_DETACHED |
	    CLONE_CHILD_SETTID;
	struct fork_args a = {
		.flags = flags & ~(CLONE_EXITSIG | CLONE_IGNORED),
		.exitsig = (int)(flags & CLONE_EXITSIG),
		.stack = stack, .ptid = ptid, .ctid = ctid, .tls = tls
	};

	flags &= 0xffffffffUL;
	if ((flags & ~known) != 0 || a.exitsig > NSIG)
		return -EINVAL;
	if ((flags & CLONE_SETTLS) != 0 && tls >= VM_MAX_USER_ADDRESS)
		return -EPERM;
	a.flags &= known;
	return do_fork(&a);
}

int64_t
sys_execve(SYSARGS6(path, argv, envp, a3 __unused, a4 __unused, a5 __unused))
{
	struct upath up;
	int error;

	error = upath_get(&up, path);
	if (error != 0)
		return ret_errno(error);
	error = kern_exec(up.p, uaddr(argv), uaddr(envp));
	upath_put(&up);
	return ret_errno(error);
}

static int
rusage_out(nsec_t utime, uint64_t ua)
{
	struct linux_rusage ru;

	memset(&ru, 0, sizeof(ru));
	ru.ru_utime = timeval_of(utime);
	return copyout(&ru, uaddr(ua), sizeof(ru));
}

int64_t
sys_wait4(SYSARGS6(pid, status, options, ru, a4 __unused, a5 __unused))
{
	struct wait_result res;
	int error;

	if ((options & ~(uint64_t)(WNOHANG | WUNTRACED | WCONTINUED |
	    __WNOTHREAD | __WALL | __WCLONE)) != 0)
		return -EINVAL;
	if ((int)pid == INT32_MIN)
		return -ESRCH;
	error = kern_wait((int)pid, (unsigned)options, &res);
	if (error != 0)
		return ret_restart(error);
	if (res.pid == 0)
		return 0;
	if (status != 0)
		error = suword32(uaddr(status), (uint32_t)res.status);
	if (error == 0 && ru != 0)
		error = rusage_out(res.runtime, ru);
	return error != 0 ? ret_errno(error) : res.pid;
}

int64_t
sys_getrusage(SYSARGS6(who, ua, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	nsec_t t;

	switch ((int)who) {
	case RUSAGE_SELF:
		t = proc_runtime(curproc);
		break;
	case RUSAGE_CHILDREN:
		t = curproc->p_cruntime;
		break;
	case RUSAGE_THREAD:
		t = curthread->td_runtime;
		break;
	default:
		return -EINVAL;
	}
	return ret_errno(rusage_out(t, ua));
}

int64_t
sys_times(SYSARGS6(ua, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	const nsec_t tick = NSEC_PER_SEC / USER_HZ;
	struct linux_tms t = {
		.tms_utime = (int64_t)(proc_runtime(curproc) / tick),
		.tms_cutime = (int64_t)(curproc->p_cruntime / tick),
	};
	int error;

	error = ua != 0 ? copyout(&t, uaddr(ua), sizeof(t)) : 0;
	return error != 0 ? ret_errno(error) : (int64_t)(md_uptime() / tick);
}

/* ---- who is who ---- */

int64_t
sys_getpid(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return curproc->p_pid;
}

int64_t
sys_getppid(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	/* One word, changed when the parent dies: no lock would help. */
	return atomic_load_relaxed(&curproc->p_ppid);
}

int64_t
sys_gettid(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return curuthread->ut_tid;
}

int64_t
sys_getuid(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return 0;
}

int64_t
sys_setuid(SYSARGS6(id, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return (uint32_t)id == 0 ? 0 : -EPERM;
}

int64_t
sys_getgroups(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return 0;
}

int64_t
sys_setgroups(SYSARGS6(n, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return n == 0 ? 0 : -EPERM;
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
sys_getpgid(SYSARGS6(pid, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return id_of((int)pid, false);
}

int64_t
sys_getpgrp(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	return id_of(0, false);
}

int64_t
sys_getsid(SYSARGS6(pid, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
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
sys_setpgid(SYSARGS6(a0, a1, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
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
sys_setsid(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
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

/* ---- threads ---- */

int64_t
sys_set_tid_address(SYSARGS6(ua, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	curthread->td_clear_tid = ua;
	return curuthread->ut_tid;
}

int64_t
sys_set_robust_list(SYSARGS6(head, len, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	if (len != 24)
		return -EINVAL;
	curuthread->ut_robust = head;
	return 0;
}

int64_t
sys_arch_prctl(SYSARGS6(code, addr, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct thread *td = curthread;

	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= VM_MAX_USER_ADDRESS)
			return -EPERM;
		if (code == ARCH_SET_FS)
			md_set_fsbase(td, addr);
		else
			md_set_gsbase(td, addr);
		return 0;
	case ARCH_GET_FS:
		return ret_errno(suword64(uaddr(addr), md_get_fsbase(td)));
	case ARCH_GET_GS:
		return ret_errno(suword64(uaddr(addr), md_get_gsbase(td)));
	default:
		return -EINVAL;
	}
}

int64_t
sys_sched_yield(SYSARGS6(a0 __unused, a1 __unused, a2 __unused, a3 __unused,
    a4 __unused, a5 __unused))
{
	sched_yield();
	return 0;
}

/* tid_lookup: a thread of the running process; p_lock held. */
static struct uthread *
tid_lookup(int tid)
{
	struct uthread *ut;

	LIST_FOREACH(ut, &curproc->p_threads, ut_link)
		if (ut->ut_tid == tid)
			return ut;
	return NULL;
}

int64_t
sys_sched_setaffinity(SYSARGS6(tid, len, ua, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct proc *p = curproc;
	struct uthread *ut;
	cpumask_t mask;
	int error;

	mask = 0;
	error = copyin(uaddr(ua), &mask, MIN(len, sizeof(mask)));
	if (error != 0)
		return ret_errno(error);
	mask &= all_cpus;
	if (mask == 0)
		return -EINVAL;
	if ((int)tid == 0 || (int)tid == curuthread->ut_tid) {
		sched_bind(curthread, mask);
		return 0;
	}
	rw_wlock(&p->p_lock);
	ut = tid_lookup((int)tid);
	if (ut != NULL)
		sched_bind(ut->ut_td, mask);
	rw_wunlock(&p->p_lock);
	return ut != NULL ? 0 : -ESRCH;
}

int64_t
sys_sched_getaffinity(SYSARGS6(tid, len, ua, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct proc *p = curproc;
	struct uthread *ut;
	cpumask_t mask;
	int error;

	if (len < sizeof(mask) || len % 8 != 0)
		return -EINVAL;
	mask = curthread->td_affinity;
	if ((int)tid != 0) {
		rw_rlock(&p->p_lock);
		ut = tid_lookup((int)tid);
		if (ut != NULL)
			mask = ut->ut_td->td_affinity;
		rw_runlock(&p->p_lock);
		if (ut == NULL)
			return -ESRCH;
	}
	mask &= all_cpus;
	error = copyout(&mask, uaddr(ua), sizeof(mask));
	return error != 0 ? ret_errno(error) : (int64_t)sizeof(mask);
}

int64_t
sys_getcpu(SYSARGS6(cpu, node, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	int error;

	error = cpu != 0 ? suword32(uaddr(cpu), (uint32_t)curcpu) : 0;
	if (error == 0 && node != 0)
		error = suword32(uaddr(node), 0);
	return ret_errno(error);
}

/* ---- futex ---- */

/* futex_deadline: uptime of a time-out; 0: none. */
static int
futex_deadline(uint64_t ua, uint64_t op, nsec_t *deadline)
{
	nsec_t t, wall;
	int error;

	*deadline = 0;
	if (ua == 0)
		return 0;
	error = timespec_get(ua, &t);
	if (error != 0)
		return error;
	if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
		t += md_uptime();
	else if ((op & FUTEX_CLOCK_REALTIME) != 0) {
		wall = md_walltime();
		t = t > wall ? md_uptime() + (t - wall) : 1;
	}
	*deadline = MAX(t, 1UL);
	return 0;
}

static int64_t
do_futex_wait(uint64_t va, uint64_t op, uint64_t val, uint64_t ts,
    uint32_t bitset)
{
	nsec_t deadline;
	int error;

	error = futex_deadline(ts, op, &deadline);
	if (error == 0)
		error = futex_wait(va, (op & FUTEX_PRIVATE) == 0,
		    (uint32_t)val, bitset, deadline);
	if (error == EINTR && ts != 0)
		return -ERESTARTNOHAND;
	return ret_restart(error);
}

int64_t
sys_futex(SYSARGS6(va, op, val, arg4, va2, val3))
{
	const uint32_t cmp = (uint32_t)val3;
	bool shared = (op & FUTEX_PRIVATE) == 0;
	unsigned n;
	int error;

	n = 0;
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return do_futex_wait(va, op, val, arg4, ~0U);
	case FUTEX_WAIT_BITSET:
		return do_futex_wait(va, op, val, arg4, cmp);
	case FUTEX_WAKE:
		error = futex_wake(va, shared, (unsigned)val, ~0U, &n);
		break;
	case FUTEX_WAKE_BITSET:
		error = futex_wake(va, shared, (unsigned)val, cmp, &n);
		break;
	case FUTEX_REQUEUE:
		error = futex_requeue(va, va2, shared, (unsigned)val,
		    (unsigned)arg4, NULL, &n);
		break;
	case FUTEX_CMP_REQUEUE:
		error = futex_requeue(va, va2, shared, (unsigned)val,
		    (unsigned)arg4, &cmp, &n);
		break;
	default:
		return -ENOSYS;
	}
	return error != 0 ? ret_errno(error) : (int64_t)n;
}

/* ---- limits and names ---- */

/* limit_set: p_lock held for writing. */
static int
limit_set(struct proc *p, unsigned which, const struct rlimit *new)
{
	if (new->rlim_cur > new->rlim_max)
		return EINVAL;
	if (which == RLIMIT_NOFILE && new->rlim_max > NOFILE_MAX)
		return EPERM;
	p->p_rlimit[which] = *new;
	return 0;
}

static void
limit_as(struct vmspace *vm, uint64_t bytes)
{
	vm_map_lock(&vm->vm_map);
	vm->vm_limit_as = bytes;
	vm_map_unlock(&vm->vm_map);
}

static int64_t
do_prlimit(uint64_t pid, uint64_t which, uint64_t newp, uint64_t oldp)
{
	struct proc *p = curproc;
	struct rlimit new, old;
	int error;

	if ((int)pid != 0 && (int)pid != p->p_pid)
		return -ESRCH;
	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	error = newp != 0 ? copyin(uaddr(newp), &new, sizeof(new)) : 0;
	if (error != 0)
		return ret_errno(error);
	rw_wlock(&p->p_lock);
	old = p->p_rlimit[which];
	if (newp != 0)
		error = limit_set(p, (unsigned)which, &new);
	rw_wunlock(&p->p_lock);
	if (error == 0 && newp != 0 && which == RLIMIT_NOFILE)
		fd_setlimit((unsigned)MIN(new.rlim_cur, (uint64_t)NOFILE_MAX));
	if (error == 0 && newp != 0 && which == RLIMIT_AS)
		limit_as(p->p_vmspace, new.rlim_cur);
	if (error == 0 && oldp != 0)
		error = copyout(&old, uaddr(oldp), sizeof(old));
	return ret_errno(error);
}

int64_t
sys_prlimit64(SYSARGS6(pid, which, newp, oldp, a4 __unused, a5 __unused))
{
	return do_prlimit(pid, which, newp, oldp);
}

int64_t
sys_getrlimit(SYSARGS6(which, ua, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return ua == 0 ? -EFAULT : do_prlimit(0, which, 0, ua);
}

int64_t
sys_setrlimit(SYSARGS6(which, ua, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	return ua == 0 ? -EFAULT : do_prlimit(0, which, ua, 0);
}

int64_t
sys_prctl(SYSARGS6(code, arg, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct proc *p = curproc;
	char name[16];
	size_t n;
	int error;

	switch (code) {
	case PR_SET_NAME:
		error = copyinstr(uaddr(arg), name, sizeof(name), &n);
		if (error == EFAULT)
			return -EFAULT;
		name[sizeof(name) - 1] = '\0';
		rw_wlock(&p->p_lock);
		strlcpy(curthread->td_name, name,
		    sizeof(curthread->td_name));
		rw_wunlock(&p->p_lock);
		return 0;
	case PR_GET_NAME:
		memset(name, 0, sizeof(name));
		strlcpy(name, curthread->td_name, sizeof(name));
		return ret_errno(copyout(name, uaddr(arg), sizeof(name)));
	default:
		return -EINVAL;
	}
}
