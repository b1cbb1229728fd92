/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_proc.c: processes and threads: fork and its kin, execve, futexes,
 * limits, affinity, prctl.
 *
 * Locks: proctree_lock for ids of groups and sessions, p_lock for limits.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <lib/string.h>
#include <linux/misc.h>
#include <machine/vmparam.h>
#include <sys/file.h>
#include <sys/futex.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/rseq.h>
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
	    CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_PIDFD |
	    CLONE_VFORK | CLONE_PARENT | CLONE_THREAD | CLONE_SYSVSEM |
	    CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |
	    CLONE_DETACHED | CLONE_CHILD_SETTID;
	const uint64_t never = CLONE_PIDFD | CLONE_DETACHED;
	struct fork_args a = {
		.flags = flags & ~(CLONE_EXITSIG | CLONE_IGNORED),
		.exitsig = (int)(flags & CLONE_EXITSIG),
		.stack = stack, .ptid = ptid, .pidfd = ptid, .ctid = ctid,
		.tls = tls
	};

	flags &= 0xffffffffUL;
	if ((flags & ~known) != 0 || (flags & never) == never ||
	    a.exitsig > NSIG)
		return -EINVAL;
	if ((flags & CLONE_SETTLS) != 0 && tls >= VM_MAX_USER_ADDRESS)
		return -EPERM;
	a.flags &= known;
	return do_fork(&a);
}

/* What clone3 is told; the first 64 bytes are version 0. */
struct clone_args {
	uint64_t	flags, pidfd, child_tid, parent_tid, exit_signal,
			stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
#define CLONE3_MIN	64U

/* clone3_get: what the kernel does not know has to be zero. */
static int
clone3_get(uint64_t ua, uint64_t size, struct clone_args *ca)
{
	uint64_t word, at;
	int error;

	if (size > PAGE_SIZE)
		return E2BIG;
	if (size < CLONE3_MIN)
		return EINVAL;
	memset(ca, 0, sizeof(*ca));
	error = copyin(uaddr(ua), ca, MIN(size, sizeof(*ca)));
	for (at = sizeof(*ca); error == 0 && at < size; at += 8) {
		word = 0;
		error = copyin(uaddr(ua + at), &word, MIN(size - at, 8UL));
		if (error == 0 && word != 0)
			error = E2BIG;
	}
	return error;
}

int64_t
sys_clone3(SYSARGS2(ua, size))
{
	const uint64_t known = CLONE_VM | CLONE_FS | CLONE_FILES |
	    CLONE_SIGHAND | CLONE_PIDFD | CLONE_VFORK | CLONE_PARENT |
	    CLONE_THREAD |
	    CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
	    CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND;
	struct clone_args ca;
	struct fork_args a;
	int error;

	error = clone3_get(ua, size, &ca);
	if (error != 0)
		return ret_errno(error);
	ca.flags &= ~CLONE_IGNORED | CLONE_DETACHED;
	if ((ca.flags & ~known) != 0 || ca.exit_signal > NSIG ||
	    ca.set_tid_size != 0 || (ca.stack == 0) != (ca.stack_size == 0))
		return -EINVAL;
	if ((ca.flags & (CLONE_THREAD | CLONE_PARENT)) != 0 &&
	    ca.exit_signal != 0)
		return -EINVAL;
	if ((ca.flags & CLONE_SETTLS) != 0 && ca.tls >= VM_MAX_USER_ADDRESS)
		return -EPERM;
	a = (struct fork_args){
		.flags = ca.flags, .exitsig = (int)ca.exit_signal,
		.stack = ca.stack + ca.stack_size, .ptid = ca.parent_tid,
		.pidfd = ca.pidfd, .ctid = ca.child_tid, .tls = ca.tls
	};
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
sys_get_robust_list(SYSARGS3(tid, head, len))
{
	struct uthread *ut;
	uint64_t list;
	int error;

	/* Only its own threads: another process's needs ptrace rights. */
	list = curuthread->ut_robust;
	if ((int)tid != 0) {
		rw_rlock(&curproc->p_lock);
		LIST_FOREACH(ut, &curproc->p_threads, ut_link)
			if (ut->ut_tid == (int)tid)
				break;
		if (ut != NULL)
			list = ut->ut_robust;
		rw_runlock(&curproc->p_lock);
		if (ut == NULL)
			return -ESRCH;
	}
	error = suword64(uaddr(len), 24);
	if (error == 0)
		error = suword64(uaddr(head), list);
	return ret_errno(error);
}

int64_t
sys_rseq(SYSARGS6(area, size, flags, sig, a4 __unused, a5 __unused))
{
	return ret_errno(rseq_register(area, (uint32_t)size, (uint32_t)flags,
	    (uint32_t)sig));
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
	case FUTEX_WAKE_OP:
		error = futex_wake_op(va, va2, shared, (unsigned)val,
		    (unsigned)arg4, cmp, &n);
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
	if (new->rlim_max > p->p_rlimit[which].rlim_max && !cred_root())
		return EPERM;
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

/* ---- prctl ---- */

static int
prctl_setname(uint64_t ua)
{
	char name[16];
	size_t n;
	int error;

	error = copyinstr(uaddr(ua), name, sizeof(name), &n);
	if (error == EFAULT)
		return error;
	name[sizeof(name) - 1] = '\0';
	rw_wlock(&curproc->p_lock);
	strlcpy(curthread->td_name, name, sizeof(curthread->td_name));
	if (curuthread->ut_tid == curproc->p_pid)
		strlcpy(curproc->p_comm, name, sizeof(curproc->p_comm));
	rw_wunlock(&curproc->p_lock);
	return 0;
}

static int
prctl_getname(uint64_t ua)
{
	char name[16];

	memset(name, 0, sizeof(name));
	strlcpy(name, curthread->td_name, sizeof(name));
	return copyout(name, uaddr(ua), sizeof(name));
}

/* prctl_flag: set or clear a PRF_* flag. */
static int
prctl_flag(unsigned flag, bool set)
{
	struct proc *p = curproc;

	rw_wlock(&p->p_lock);
	p->p_prctl = set ? p->p_prctl | flag : p->p_prctl & ~flag;
	rw_wunlock(&p->p_lock);
	return 0;
}

static int
prctl_deathsig(uint64_t signo)
{
	if (signo > NSIG)
		return EINVAL;
	curproc->p_deathsig = (int)signo;
	return 0;
}

/* prctl_get: the codes that answer with a number or by a pointer. */
static int64_t
prctl_get(uint64_t code, uint64_t arg)
{
	const unsigned flags = curproc->p_prctl;

	switch (code) {
	case PR_GET_PDEATHSIG:
		return ret_errno(suword32(uaddr(arg),
		    (uint32_t)curproc->p_deathsig));
	case PR_GET_DUMPABLE:
		return (flags & PRF_NODUMP) == 0;
	case PR_GET_KEEPCAPS:
		return (flags & PRF_KEEPCAPS) != 0;
	case PR_CAPBSET_READ:
		return arg <= CAP_LAST ? 1 : -EINVAL;
	case PR_GET_TIMERSLACK:
		return 50000;
	case PR_GET_CHILD_SUBREAPER:
		return ret_errno(suword32(uaddr(arg),
		    (flags & PRF_REAPER) != 0));
	case PR_GET_NO_NEW_PRIVS:
		return (flags & PRF_NONEWPRIVS) != 0;
	default:
		return -EINVAL;
	}
}

int64_t
sys_prctl(SYSARGS2(code, arg))
{
	switch (code) {
	case PR_SET_NAME:
		return ret_errno(prctl_setname(arg));
	case PR_GET_NAME:
		return ret_errno(prctl_getname(arg));
	case PR_SET_PDEATHSIG:
		return ret_errno(prctl_deathsig(arg));
	case PR_SET_DUMPABLE:
		return arg > 1 ? -EINVAL :
		    ret_errno(prctl_flag(PRF_NODUMP, arg == 0));
	case PR_SET_KEEPCAPS:
		return arg > 1 ? -EINVAL :
		    ret_errno(prctl_flag(PRF_KEEPCAPS, arg == 1));
	case PR_SET_TIMERSLACK:
		return 0;
	case PR_SET_CHILD_SUBREAPER:
		return ret_errno(prctl_flag(PRF_REAPER, arg != 0));
	case PR_SET_NO_NEW_PRIVS:
		return arg != 1 ? -EINVAL :
		    ret_errno(prctl_flag(PRF_NONEWPRIVS, true));
	default:
		return prctl_get(code, arg);
	}
}
