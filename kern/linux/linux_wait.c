/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_wait.c: wait4, waitid, getrusage and times.
 *
 * Locks: none of its own.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <lib/string.h>
#include <linux/misc.h>
#include <sys/md.h>
#include <sys/event.h>
#include <sys/file.h>
#include <sys/proc.h>

#define WAIT_ODD	(__WNOTHREAD | __WALL | __WCLONE)

static int
rusage_out(const struct prusage *pr, uint64_t ua)
{
	struct linux_rusage ru;

	memset(&ru, 0, sizeof(ru));
	ru.ru_utime = timeval_of(pr->pr_utime);
	ru.ru_stime = timeval_of(pr->pr_stime);
	ru.ru_maxrss = (int64_t)(ptoa(pr->pr_maxrss) / 1024);
	ru.ru_minflt = (int64_t)pr->pr_faults;
	ru.ru_nvcsw = (int64_t)pr->pr_nvcsw;
	ru.ru_nivcsw = (int64_t)pr->pr_nivcsw;
	return copyout(&ru, uaddr(ua), sizeof(ru));
}

int64_t
sys_wait4(SYSARGS4(pid, status, options, ru))
{
	struct wait_result res;
	int error;

	if ((options & ~(uint64_t)(WNOHANG | WUNTRACED | WCONTINUED |
	    WAIT_ODD)) != 0)
		return -EINVAL;
	if ((int)pid == INT32_MIN)
		return -ESRCH;
	error = kern_wait((int)pid, (unsigned)options | WEXITED, &res);
	if (error != 0)
		return ret_restart(error);
	if (res.pid == 0)
		return 0;
	if (status != 0)
		error = suword32(uaddr(status), (uint32_t)res.status);
	if (error == 0 && ru != 0)
		error = rusage_out(&res.ru, ru);
	return error != 0 ? ret_errno(error) : res.pid;
}

/* ---- waitid ---- */

/* waitid_pidfd: the process that a descriptor means; may it wait? */
static int
waitid_pidfd(int fd, int *which, bool *nonblock)
{
	struct file *fp = fd_get(fd);

	if (fp == NULL)
		return EBADF;
	rw_rlock(&proctree_lock);
	*which = pidfd_pid(fp);
	rw_runlock(&proctree_lock);
	*nonblock = (atomic_load(&fp->f_flags) & O_NONBLOCK) != 0;
	file_put(fp);
	return *which < 0 ? EBADF : *which == 0 ? ECHILD : 0;
}

/* waitid_which: the id as kern_wait wants it; EINVAL, EBADF, ECHILD. */
static int
waitid_which(uint64_t type, int id, int *which, bool *nonblock)
{
	*nonblock = false;
	switch (type) {
	case P_ALL:
		*which = -1;
		return 0;
	case P_PID:
		*which = id;
		return id > 0 ? 0 : EINVAL;
	case P_PGID:
		*which = -id;
		/* -1 is the name of all. */
		if (id == 1)
			*which = WAIT_GROUP1;
		return id >= 0 ? 0 : EINVAL;
	case P_PIDFD:
		return id < 0 ? EINVAL : waitid_pidfd(id, which, nonblock);
	default:
		return EINVAL;
	}
}

static void
waitid_info(const struct wait_result *res, struct siginfo *si)
{
	memset(si, 0, sizeof(*si));
	if (res->pid == 0)
		return;
	si->si_signo = SIGCHLD;
	si->si_pid = res->pid;
	si->si_uid = res->uid;
	if (res->status == W_CONT) {
		si->si_code = CLD_CONTINUED;
		si->si_status = SIGCONT;
	} else if ((res->status & 0xff) == 0x7f) {
		si->si_code = CLD_STOPPED;
		si->si_status = (res->status >> 8) & 0xff;
	} else if (W_SIGNAL(res->status) != 0) {
		si->si_code = (res->status & W_CORE) != 0 ? CLD_DUMPED :
		    CLD_KILLED;
		si->si_status = W_SIGNAL(res->status);
	} else {
		si->si_code = CLD_EXITED;
		si->si_status = (res->status >> 8) & 0xff;
	}
}

int64_t
sys_waitid(SYSARGS5(type, id, info, options, ru))
{
	const uint64_t news = WEXITED | WUNTRACED | WCONTINUED;
	struct wait_result res;
	struct siginfo si;
	int error, which;
	bool nonblock;

	if ((options & ~(news | WNOHANG | WNOWAIT | WAIT_ODD)) != 0 ||
	    (options & news) == 0)
		return -EINVAL;
	error = waitid_which(type, (int)id, &which, &nonblock);
	if (error == 0)
		error = kern_wait(which, (unsigned)options |
		    (nonblock ? WNOHANG : 0U), &res);
	if (error == 0 && res.pid == 0 && (options & WNOHANG) == 0)
		error = EAGAIN;
	if (error != 0)
		return ret_restart(error);
	waitid_info(&res, &si);
	if (res.pid != 0 && ru != 0)
		error = rusage_out(&res.ru, ru);
	/* What Linux writes: not the bytes behind the status. */
	if (error == 0 && info != 0)
		error = copyout(&si, uaddr(info), 12);
	if (error == 0 && info != 0)
		error = copyout(&si.si_pid, uaddr(info + 16), 12);
	return ret_errno(error);
}

/* ---- what was used ---- */

int64_t
sys_getrusage(SYSARGS2(who, ua))
{
	struct prusage ru;

	switch ((int)who) {
	case RUSAGE_SELF:
		proc_rusage(curproc, &ru);
		break;
	case RUSAGE_CHILDREN:
		rw_rlock(&proctree_lock);
		ru = curproc->p_cru;
		rw_runlock(&proctree_lock);
		break;
	case RUSAGE_THREAD:
		thread_rusage(&ru);
		break;
	default:
		return -EINVAL;
	}
	return ret_errno(rusage_out(&ru, ua));
}

int64_t
sys_times(SYSARGS1(ua))
{
	const nsec_t tick = NSEC_PER_SEC / USER_HZ;
	struct prusage self, children;
	struct linux_tms t;
	int error;

	proc_rusage(curproc, &self);
	rw_rlock(&proctree_lock);
	children = curproc->p_cru;
	rw_runlock(&proctree_lock);
	t.tms_utime = (int64_t)(self.pr_utime / tick);
	t.tms_stime = (int64_t)(self.pr_stime / tick);
	t.tms_cutime = (int64_t)(children.pr_utime / tick);
	t.tms_cstime = (int64_t)(children.pr_stime / tick);
	error = ua != 0 ? copyout(&t, uaddr(ua), sizeof(t)) : 0;
	return error != 0 ? ret_errno(error) : (int64_t)(md_uptime() / tick);
}
