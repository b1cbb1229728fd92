/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_misc.c: time, uname, sysinfo and random bytes.
 *
 * Locks: none.
 */
#include "linux_priv.h"

#include <lib/string.h>
#include <linux/misc.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/sleepq.h>
#include <vm/vm_phys.h>

#define TIME_MAX	(INT64_MAX / (int64_t)NSEC_PER_SEC - 1)

/* ---- time on the wire ---- */

struct linux_timespec
timespec_of(nsec_t ns)
{
	return (struct linux_timespec){
		(int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC)
	};
}

struct linux_timeval
timeval_of(nsec_t ns)
{
	return (struct linux_timeval){
		(int64_t)(ns / NSEC_PER_SEC),
		(int64_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC)
	};
}

int
timespec_get(uint64_t ua, nsec_t *ns)
{
	struct linux_timespec ts;
	int error;

	error = copyin(uaddr(ua), &ts, sizeof(ts));
	if (error != 0)
		return error;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 ||
	    ts.tv_nsec >= (int64_t)NSEC_PER_SEC)
		return EINVAL;
	/* Three centuries are as good as for ever. */
	*ns = (nsec_t)MIN(ts.tv_sec, TIME_MAX) * NSEC_PER_SEC +
	    (nsec_t)ts.tv_nsec;
	return 0;
}

int
timespec_put(nsec_t ns, uint64_t ua)
{
	struct linux_timespec ts = timespec_of(ns);

	return copyout(&ts, uaddr(ua), sizeof(ts));
}

/* clock_read: EINVAL: no such clock. */
static int
clock_read(uint64_t clock, nsec_t *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = md_walltime();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = md_uptime();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = proc_runtime(curproc);
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = sched_runtime(curthread);
		return 0;
	default:
		return EINVAL;
	}
}

int64_t
sys_clock_gettime(SYSARGS6(clock, ua, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	nsec_t ns;
	int error;

	error = clock_read(clock, &ns);
	return ret_errno(error != 0 ? error : timespec_put(ns, ua));
}

int64_t
sys_clock_getres(SYSARGS6(clock, ua, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	nsec_t ns;
	int error;

	error = clock_read(clock, &ns);
	if (error == 0 && ua != 0)
		error = timespec_put(1, ua);
	return ret_errno(error);
}

int64_t
sys_gettimeofday(SYSARGS6(tv, tz, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct linux_timeval t = timeval_of(md_walltime());
	int error;

	error = tv != 0 ? copyout(&t, uaddr(tv), sizeof(t)) : 0;
	if (error == 0 && tz != 0)
		error = uzero(uaddr(tz), 8);
	return ret_errno(error);
}

int64_t
sys_time(SYSARGS6(ua, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	uint64_t t = md_walltime() / NSEC_PER_SEC;
	int error;

	error = ua != 0 ? suword64(uaddr(ua), t) : 0;
	return error != 0 ? ret_errno(error) : (int64_t)t;
}

/* sleep_until: uptime deadline; EINTR. */
static int
sleep_until(nsec_t deadline)
{
	nsec_t now;
	int error;

	while ((now = md_uptime()) < deadline) {
		error = tsleep(&curuthread->ut_sigstk, PCATCH, "nanslp",
		    deadline - now);
		if (error == EINTR)
			return error;
	}
	return 0;
}

/* sleep_for: ns from now; what is left goes to rem when interrupted. */
static int64_t
sleep_for(nsec_t ns, uint64_t rem)
{
	nsec_t deadline = md_uptime() + ns, now;
	int error;

	error = sleep_until(deadline);
	if (error == 0 || rem == 0)
		return ret_errno(error);
	now = md_uptime();
	if (timespec_put(deadline > now ? deadline - now : 0, rem) != 0)
		error = EFAULT;
	return ret_errno(error);
}

int64_t
sys_nanosleep(SYSARGS6(req, rem, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	nsec_t ns;
	int error;

	error = timespec_get(req, &ns);
	return error != 0 ? ret_errno(error) : sleep_for(ns, rem);
}

int64_t
sys_clock_nanosleep(SYSARGS6(clock, flags, req, rem, a4 __unused,
    a5 __unused))
{
	nsec_t ns, now;
	int error;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_BOOTTIME)
		return -EINVAL;
	error = timespec_get(req, &ns);
	if (error != 0)
		return ret_errno(error);
	if ((flags & TIMER_ABSTIME) == 0)
		return sleep_for(ns, rem);
	error = clock_read(clock, &now);
	if (error != 0 || ns <= now)
		return ret_errno(error);
	/* Absolute: the same call again reaches the same end. */
	error = sleep_until(md_uptime() + (ns - now));
	return error == EINTR ? -ERESTARTNOHAND : ret_errno(error);
}

/* ---- the system ---- */

/* Names are set under the lock of process 0, which nobody else wants. */
static char	uts_node[65] = "gnomon";	/* [P] of proc0 */
static char	uts_domain[65] = "(none)";	/* [P] of proc0 */

int64_t
sys_uname(SYSARGS1(ua))
{
	struct linux_utsname u;

	memset(&u, 0, sizeof(u));
	/* Programs ask for the ABI here, not for the kernel's name. */
	strlcpy(u.sysname, "Linux", sizeof(u.sysname));
	strlcpy(u.release, "6.1.0-gnomon", sizeof(u.release));
	strlcpy(u.version, "Gnomon", sizeof(u.version));
	strlcpy(u.machine, "x86_64", sizeof(u.machine));
	rw_rlock(&proc0.p_lock);
	memcpy(u.nodename, uts_node, sizeof(u.nodename));
	memcpy(u.domainname, uts_domain, sizeof(u.domainname));
	rw_runlock(&proc0.p_lock);
	return ret_errno(copyout(&u, uaddr(ua), sizeof(u)));
}

/* uts_set: to is uts_node or uts_domain; len bytes of the user's. */
static int64_t
uts_set(char *to, uint64_t ua, int len)
{
	char name[65];
	int error;

	if (!cred_root())
		return -EPERM;
	if (len < 0 || len > 64)
		return -EINVAL;
	memset(name, 0, sizeof(name));
	error = copyin(uaddr(ua), name, (size_t)len);
	if (error != 0)
		return ret_errno(error);
	rw_wlock(&proc0.p_lock);
	memcpy(to, name, sizeof(name));
	rw_wunlock(&proc0.p_lock);
	return 0;
}

int64_t
sys_sethostname(SYSARGS2(ua, len))
{
	return uts_set(uts_node, ua, (int)len);
}

int64_t
sys_setdomainname(SYSARGS2(ua, len))
{
	return uts_set(uts_domain, ua, (int)len);
}

int64_t
sys_sysinfo(SYSARGS6(ua, a1 __unused, a2 __unused, a3 __unused, a4 __unused,
    a5 __unused))
{
	struct linux_sysinfo si;

	memset(&si, 0, sizeof(si));
	si.uptime = (int64_t)(md_uptime() / NSEC_PER_SEC);
	si.totalram = ptoa(vm_phys_total());
	si.freeram = ptoa(vm_phys_free_count());
	si.procs = (uint16_t)proc_count();
	loadavg_get(si.loads);
	si.mem_unit = 1;
	return ret_errno(copyout(&si, uaddr(ua), sizeof(si)));
}

int64_t
sys_getrandom(SYSARGS6(ua, len, flags, a3 __unused, a4 __unused,
    a5 __unused))
{
	uint8_t buf[256];
	size_t n, done;
	int error;

	if ((flags & ~(uint64_t)GRND_ALL) != 0)
		return -EINVAL;
	len = MIN(len, (uint64_t)INT32_MAX);
	error = 0;
	for (done = 0; done < len; done += n) {
		n = MIN(len - done, sizeof(buf));
		kern_random(buf, n);
		error = copyout(buf, uaddr(ua + done), n);
		if (error != 0 || thread_dying())
			break;
	}
	return error != 0 && done == 0 ? ret_errno(error) : (int64_t)done;
}

/* ---- reboot ---- */

#define REBOOT_MAGIC1	0xfee1deadU
#define REBOOT_RESTART	0x01234567U
#define REBOOT_HALT	0xcdef0123U
#define REBOOT_POWEROFF	0x4321fedcU
#define REBOOT_CADON	0x89abcdefU
#define REBOOT_CADOFF	0U

/* The machine ends as a boot does: all processes go, then audits and counters
 * are looked at, then the power. */
int64_t
sys_reboot(SYSARGS3(magic1, magic2, cmd))
{
	static const uint32_t magic[] = {
		672274793U, 85072278U, 369367448U, 537993216U
	};
	unsigned i;

	if (!cred_root())
		return -EPERM;
	for (i = 0; i < nitems(magic) && magic[i] != (uint32_t)magic2; i++)
		;
	if ((uint32_t)magic1 != REBOOT_MAGIC1 || i == nitems(magic))
		return -EINVAL;
	switch ((uint32_t)cmd) {
	case REBOOT_CADON:
	case REBOOT_CADOFF:
		return 0;
	case REBOOT_RESTART:
		proc_shutdown(true);
		return 0;
	case REBOOT_HALT:
	case REBOOT_POWEROFF:
		proc_shutdown(false);
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- the message ring ---- */

enum {
	LOG_CLOSE, LOG_OPEN, LOG_READ, LOG_READ_ALL, LOG_READ_CLEAR, LOG_CLEAR,
	LOG_CONSOLE_OFF, LOG_CONSOLE_ON, LOG_CONSOLE_LEVEL, LOG_UNREAD, LOG_SIZE
};
#define LOG_BYTES	(64UL << 10)

/* log_read: the newest len bytes. */
static int64_t
log_read(uint64_t ua, uint64_t len)
{
	size_t n, skip;
	char *buf;
	int error;

	if (ua == 0 || (int)len < 0)
		return -EINVAL;
	buf = kmalloc(LOG_BYTES, M_WAITOK);
	if (buf == NULL)
		return -ENOMEM;
	n = dmesg_read(buf, LOG_BYTES);
	skip = n > (size_t)(int)len ? n - (size_t)(int)len : 0;
	error = copyout(buf + skip, uaddr(ua), n - skip);
	kfree(buf);
	return error != 0 ? ret_errno(error) : (int64_t)(n - skip);
}

int64_t
sys_syslog(SYSARGS3(type, ua, len))
{
	if (!cred_root() && (int)type != LOG_READ_ALL && (int)type != LOG_SIZE)
		return -EPERM;
	switch ((int)type) {
	case LOG_READ_ALL:
	case LOG_READ_CLEAR:
		return log_read(ua, len);
	case LOG_CLOSE:
	case LOG_OPEN:
	case LOG_CLEAR:
	case LOG_CONSOLE_OFF:
	case LOG_CONSOLE_ON:
	case LOG_UNREAD:
		return 0;
	case LOG_CONSOLE_LEVEL:
		return (int)len < 1 || (int)len > 8 ? -EINVAL : 0;
	case LOG_SIZE:
		return (int64_t)LOG_BYTES;
	default:
		return -EINVAL;
	}
}
