/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc.c: the process table, process and thread numbers, user threads as
 * kern/proc sees them, and the run of the first process.
 *
 * One number space: a process's pid is the tid of its first thread and stays
 * taken until the process is reaped (td_keeptid).  Process 1 is the exception.
 *
 * I1: a process is in the hash, on the list of all and on its parent's list
 *     from proc_insert to proc_remove, both under proctree_lock for writing.
 * I2: p_nthreads is the length of p_threads.
 * Locks: proctree_lock, p_lock.
 */
#include <sys/proc.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/bootinfo.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/futex.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/mount.h>
#include <sys/panic.h>
#include <sys/ramfs.h>
#include <sys/sleepq.h>
#include <sys/sysvshm.h>
#include <sys/usermode.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_map.h>
#include <vm/vm_phys.h>

#define PIDHASH		64U
#define INIT_ARGS	16

BOOT_OPTION(initargs, "initargs", "arguments of init, separated by ':'");

struct rwlock		 proctree_lock;
struct proc		 proc0;
struct proc		*initproc;

static LIST_HEAD(, proc) proc_hash[PIDHASH];	/* [T] */
static LIST_HEAD(, proc) proc_list;		/* [T] */
static unsigned		 nprocs;		/* [T] */
static struct zone	*proc_zone;
static struct zone	*uthread_zone;

/* proc_ctor: the lock stays valid in a free process: an unlocker may be late. */
static void
proc_ctor(void *obj)
{
	struct proc *p = obj;

	rw_init(&p->p_lock, "proc", LO_PROC, 0);
}

struct proc *
proc_alloc(void)
{
	struct proc *p;

	p = zone_alloc(proc_zone, M_WAITOK);
	if (p == NULL)
		return NULL;
	memset((char *)p + sizeof(p->p_lock), 0,
	    sizeof(*p) - sizeof(p->p_lock));
	p->p_state = PRS_NEW;
	p->p_start = md_uptime();
	LIST_INIT(&p->p_children);
	LIST_INIT(&p->p_threads);
	LIST_INIT(&p->p_timers);
	sigpend_init(&p->p_sigpend);
	return p;
}

void
proc_free(struct proc *p)
{
	KASSERT(p->p_nthreads == 0, "process %d freed with %u threads",
	    p->p_pid, p->p_nthreads);
	KASSERT(p->p_vmspace == NULL, "process %d freed with a vmspace",
	    p->p_pid);
	sigpend_flush(&p->p_sigpend);
	if (p->p_pid > INIT_PID)
		tid_free(p->p_pid);
	zone_free(proc_zone, p);
}

struct proc *
proc_lookup(int pid)
{
	struct proc *p;

	KASSERT(rw_held(&proctree_lock), "proctree not locked for pid %d", pid);
	LIST_FOREACH(p, &proc_hash[(unsigned)pid % PIDHASH], p_hash)
		if (p->p_pid == pid)
			return p;
	return NULL;
}

void
proc_foreach(void (*fn)(struct proc *p, void *arg), void *arg)
{
	struct proc *p;

	LIST_FOREACH(p, &proc_list, p_all)
		fn(p, arg);
}

void
proc_insert(struct proc *p, struct proc *parent)
{
	KASSERT(rw_wowned(&proctree_lock), "proctree not locked for %d",
	    p->p_pid);
	LIST_INSERT_HEAD(&proc_hash[(unsigned)p->p_pid % PIDHASH], p, p_hash);
	LIST_INSERT_HEAD(&proc_list, p, p_all);
	LIST_INSERT_HEAD(&parent->p_children, p, p_sibling);
	p->p_pptr = parent;
	atomic_store(&p->p_ppid, parent->p_pid);
	p->p_state = PRS_RUN;
	nprocs++;
}

void
proc_remove(struct proc *p)
{
	KASSERT(rw_wowned(&proctree_lock), "proctree not locked for %d",
	    p->p_pid);
	KASSERT(LIST_EMPTY(&p->p_children), "process %d goes with children",
	    p->p_pid);
	LIST_REMOVE(p, p_hash);
	LIST_REMOVE(p, p_all);
	LIST_REMOVE(p, p_sibling);
	nprocs--;
}

unsigned
proc_count(void)
{
	unsigned n;

	rw_rlock(&proctree_lock);
	n = nprocs;
	rw_runlock(&proctree_lock);
	return n;
}

/* ---- user threads ---- */

/* uthread_join: put ut on p's list, unless p is on its way out. */
static int
uthread_join(struct proc *p, struct uthread *ut)
{
	int error;

	error = 0;
	rw_wlock(&p->p_lock);
	if ((p->p_flags & P_EXITING) != 0 || p->p_single != NULL) {
		error = EAGAIN;
	} else {
		LIST_INSERT_HEAD(&p->p_threads, ut, ut_link);
		p->p_nthreads++;
		ut->ut_td->td_tickast = atomic_load(&p->p_cputimers) > 0;
	}
	rw_wunlock(&p->p_lock);
	return error;
}

/* uthread_name: the first thread of p gives it its pid. */
static void
uthread_name(struct proc *p, struct uthread *ut, struct thread *td)
{
	ut->ut_td = td;
	ut->ut_tid = td->td_tid;
	td->td_user = true;
	td->td_proc = p;
	td->td_uproc = ut;
	td->td_pri = PRI_USER;
	td->td_basepri = PRI_USER;
	if (p->p_pid != 0)
		return;
	if (initproc == NULL && p->p_pptr == &proc0) {
		p->p_pid = ut->ut_tid = INIT_PID;
		return;
	}
	p->p_pid = td->td_tid;
	td->td_keeptid = true;
}

int
uthread_create(struct proc *p, void (*fn)(void *), struct uthread **utp)
{
	struct uthread *ut;
	struct thread *td;
	int error;

	ut = zone_alloc(uthread_zone, M_WAITOK | M_ZERO);
	if (ut == NULL)
		return ENOMEM;
	ut->ut_proc = p;
	ut->ut_sigstk.ss_flags = SS_DISABLE;
	sigpend_init(&ut->ut_sigpend);
	error = thread_create(fn, ut, p->p_comm, &td);
	if (error != 0) {
		zone_free(uthread_zone, ut);
		return error;
	}
	uthread_name(p, ut, td);
	error = md_user_init(td);
	if (error == 0)
		error = uthread_join(p, ut);
	if (error != 0) {
		thread_discard(td);
		zone_free(uthread_zone, ut);
		return error;
	}
	*utp = ut;
	return 0;
}

void
uthread_detach(struct uthread *ut)
{
	struct proc *p = ut->ut_proc;

	KASSERT(rw_wowned(&p->p_lock), "process %d not locked", p->p_pid);
	LIST_REMOVE(ut, ut_link);
	p->p_nthreads--;
	rusage_detach(p, ut->ut_td);
}

void
uthread_discard(struct uthread *ut)
{
	struct proc *p = ut->ut_proc;

	rw_wlock(&p->p_lock);
	uthread_detach(ut);
	rw_wunlock(&p->p_lock);
	thread_discard(ut->ut_td);
	uthread_free(ut);
}

void
uthread_free(struct uthread *ut)
{
	sigpend_flush(&ut->ut_sigpend);
	zone_free(uthread_zone, ut);
}

void
uthread_setvm(struct vmspace *vm)
{
	struct thread *td = curthread;

	/* No switch between the two: cpu_switch loads td_pmap. */
	critical_enter();
	td->td_vmspace = vm;
	td->td_pmap = vm != NULL ? vm->vm_pmap : NULL;
	pmap_activate(td->td_pmap);
	critical_exit();
}

uint64_t
proc_rlimit(struct proc *p, unsigned which)
{
	uint64_t cur;

	rw_rlock(&p->p_lock);
	cur = p->p_rlimit[which].rlim_cur;
	rw_runlock(&p->p_lock);
	return cur;
}

/* ---- start ---- */

static void
proc0_init(void)
{
	unsigned i;

	rw_init(&proc0.p_lock, "proc", LO_PROC, 0);
	LIST_INIT(&proc0.p_children);
	LIST_INIT(&proc0.p_threads);
	sigpend_init(&proc0.p_sigpend);
	proc0.p_state = PRS_RUN;
	proc0.p_sigacts = sigacts_alloc();
	for (i = 0; i < RLIM_NLIMITS; i++) {
		proc0.p_rlimit[i].rlim_cur = RLIM_INFINITY;
		proc0.p_rlimit[i].rlim_max = RLIM_INFINITY;
	}
	proc0.p_rlimit[RLIMIT_STACK].rlim_cur = USER_STACK_SIZE;
	proc0.p_rlimit[RLIMIT_NOFILE].rlim_cur = 1024;
	proc0.p_rlimit[RLIMIT_NOFILE].rlim_max = NOFILE_MAX;
	proc0.p_rlimit[RLIMIT_CORE].rlim_cur = 0;
	strlcpy(proc0.p_comm, "kernel", sizeof(proc0.p_comm));
}

static void
initrd_unpack(void)
{
	vm_paddr_t start, end;

	start = bootinfo.initrd_start;
	end = bootinfo.initrd_end;
	if (start == end)
		panic_exit(EXIT_NOINIT, "no initrd: the loader gave no module");
	ramfs_unpack(PHYS_TO_DMAP(start), end - start);
	bootinfo.initrd_start = bootinfo.initrd_end = 0;
	vm_phys_release(round_page(start), trunc_page(end));
}

void
proc_init(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	rw_init(&proctree_lock, "proctree", LO_PROCTREE, 0);
	proc_zone = zone_create("proc", sizeof(struct proc), 16, proc_ctor,
	    sizeof(struct rwlock));
	uthread_zone = zone_create("uthread", sizeof(struct uthread), 16, NULL,
	    0);
	signal_init();
	file_init();
	pipe_init();
	tty_init();
	random_init();
	futex_init();
	itimer_init();
	shm_init();
	proc0_init();
	fork_init();
	ramfs_init();
	initrd_unpack();
	oom_init();
}

/* init_argv: init's arguments from the boot options, cut in place. */
static void
init_argv(const char *path, char *args, const char **argv)
{
	unsigned n;
	char *colon;

	n = 0;
	argv[n++] = path;
	while (args[0] != '\0' && n < INIT_ARGS) {
		argv[n++] = args;
		colon = strchr(args, ':');
		if (colon == NULL)
			break;
		*colon = '\0';
		args = colon + 1;
	}
	argv[n] = NULL;
}

static const char *init_path;

/* init_start: the first thread of process 1, still in the kernel. */
static void
init_start(void *arg __unused)
{
	static const char *const env[] = {
		"PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/", "TERM=dumb",
		NULL
	};
	static char args[256];
	static const char *argv[INIT_ARGS + 1];
	const char *opt;
	struct file *fp;
	int error, fd, i;

	error = ramfs_open(ramfs_root, "/dev/console",
	    O_RDWR | O_NOCTTY, 0, &fp);
	for (i = 0; i < 3 && error == 0; i++) {
		error = fd_install(file_ref(fp), 0, false, &fd);
	}
	if (error != 0)
		panic_exit(EXIT_NOINIT, "init: cannot open the console: "
		    "error %d", error);
	file_put(fp);
	opt = bootopt_str("initargs");
	strlcpy(args, opt != NULL ? opt : "", sizeof(args));
	init_argv(init_path, args, argv);
	error = kern_exec_init(init_path, argv, env);
	if (error != 0)
		panic_exit(EXIT_NOINIT, "init: cannot run %s: error %d%s",
		    init_path, error, error == ENOENT ? " (no such file)" :
		    error == ENOEXEC ? " (not a static x86-64 ELF)" :
		    error == EACCES ? " (not executable)" :
		    error == ENOMEM ? " (no memory)" : "");
	md_user_enter();
}

static void
init_create(const char *path)
{
	struct uthread *ut;
	struct proc *p;
	int error;

	p = proc_alloc();
	if (p == NULL)
		panic_exit(EXIT_NOINIT, "init: no memory for a process");
	strlcpy(p->p_comm, "init", sizeof(p->p_comm));
	memcpy(p->p_rlimit, proc0.p_rlimit, sizeof(p->p_rlimit));
	p->p_fd = fdtable_alloc();
	p->p_fs = fsctx_alloc();
	p->p_sigacts = sigacts_alloc();
	p->p_exitsig = SIGCHLD;
	p->p_pptr = &proc0;
	p->p_pgid = p->p_sid = INIT_PID;
	init_path = path;
	error = uthread_create(p, init_start, &ut);
	if (error != 0 || p->p_fd == NULL || p->p_fs == NULL)
		panic_exit(EXIT_NOINIT, "init: no memory for a process");
	rw_wlock(&proctree_lock);
	proc_insert(p, &proc0);
	initproc = p;
	rw_wunlock(&proctree_lock);
	thread_start(ut->ut_td);
}

/* reap_one: take one zombie child of the kernel; its pid, or 0. */
static int
reap_one(int *status)
{
	struct proc *p;
	int pid;

	rw_wlock(&proctree_lock);
	LIST_FOREACH(p, &proc0.p_children, p_sibling)
		if (p->p_state == PRS_ZOMBIE)
			break;
	if (p != NULL)
		proc_remove(p);
	rw_wunlock(&proctree_lock);
	if (p == NULL)
		return 0;
	pid = p->p_pid;
	*status = p->p_xstat;
	proc_free(p);
	return pid;
}

/* init_wait: until init is gone; other orphans of the kernel are reaped. */
static int
init_wait(int initpid)
{
	int pid, status;

	for (;;) {
		pid = reap_one(&status);
		if (pid == initpid)
			return status;
		if (pid == 0)
			(void)tsleep(&proc0, 0, "initwt", 50 * NSEC_PER_MSEC);
	}
}

/* proc_drain: end what init left behind. */
static void
proc_drain(void)
{
	unsigned tries, left;
	int status;

	for (tries = 0; (left = proc_count()) != 0 && tries < 2000; tries++) {
		proc_kill_all();
		while (reap_one(&status) != 0)
			;
		(void)tsleep(&proc0, 0, "drain", 5 * NSEC_PER_MSEC);
	}
	if (left != 0)
		kprintf("proc: %u processes did not end\n", left);
}

static bool proc_again;		/* [a] */

static void
shutdown_one(struct proc *p, void *arg __unused)
{
	rw_wlock(&p->p_lock);
	if (p->p_state == PRS_RUN)
		proc_doom(p, p == initproc ? 0 : W_SIGNAL(SIGKILL), NULL);
	rw_wunlock(&p->p_lock);
}

void
proc_shutdown(bool again)
{
	atomic_store(&proc_again, again);
	rw_rlock(&proctree_lock);
	proc_foreach(shutdown_one, NULL);
	rw_runlock(&proctree_lock);
}

bool
proc_restart(void)
{
	return atomic_load(&proc_again);
}

int
proc_run_init(const char *path)
{
	int status;

	init_create(path);
	status = init_wait(INIT_PID);
	proc_drain();
	shm_reap(true);
	mount_reset();
	return status;
}
