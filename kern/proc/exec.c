/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec.c: the running process becomes another program.  What a file may ask
 * for is decided by elf_check (exec_elf.c) and mapped by exec_map.c; arguments
 * are gathered in exec_args.c.
 *
 * Everything that can be refused is done first, in a new address space that
 * nobody runs.  After exec_commit has swapped the spaces there is no way back:
 * what fails then (no memory for the stack) kills the process.
 *
 * Locks: none held across; threads_single has ended the other threads.
 * Sources: execve(2) of Linux; System V ABI AMD64 supplement 3.4.1.
 */
#include <sys/exec.h>
#include <sys/kmalloc.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/futex.h>
#include <sys/proc.h>
#include <sys/rseq.h>
#include <sys/ramfs.h>
#include <sys/usermode.h>
#include <vm/pmap.h>
#include <vm/vm.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

#include "exec_priv.h"

#define EXEC_MAXSTACK	(1UL << 30)

/* ---- the file ---- */

/* exec_open: the node of path, referenced, if it may be executed. */
static int
exec_open(const char *path, struct rnode **np)
{
	struct rnode *cwd, *n;
	int error;

	cwd = fsctx_cwd(curproc->p_fs);
	error = ramfs_namei(cwd, path, true, &n);
	rnode_put(cwd);
	if (error != 0)
		return error;
	if (!S_ISREG(n->rn_mode) || (n->rn_mode & 0111) == 0) {
		rnode_put(n);
		return EACCES;
	}
	*np = n;
	return 0;
}

/* exec_read: one page of path's head; *np is its node. */
static int
exec_read(struct exec *ex, const char *path)
{
	int error;

	if (ex->node != NULL)
		rnode_put(ex->node);
	ex->node = NULL;
	error = exec_open(path, &ex->node);
	if (error != 0)
		return error;
	ex->headlen = rnode_kread(ex->node, 0, ex->head, EXEC_HEADSIZE);
	return 0;
}

/* interp_open: the program's path of its interpreter, and that one's head in the
 * place of the program's. */
static int
interp_open(struct exec *ex, char *path)
{
	const size_t len = ex->plan.interp_len;
	int error;

	if (rnode_kread(ex->node, ex->plan.interp_off, path, len) != len ||
	    path[len - 1] != '\0')
		return ENOEXEC;
	error = exec_open(path, &ex->interp_node);
	if (error == 0)
		ex->headlen = rnode_kread(ex->interp_node, 0, ex->head,
		    EXEC_HEADSIZE);
	return error;
}

/* exec_interp: PT_INTERP: that program is mapped too, and started; it finds the
 * one that was asked for by the auxiliary vector. */
static int
exec_interp(struct exec *ex)
{
	char *path = kmalloc(ex->plan.interp_len, M_WAITOK);
	int error;

	if (path == NULL)
		return ENOMEM;
	error = interp_open(ex, path);
	kfree(path);
	if (error != 0)
		return error;
	error = elf_check(ex->head, ex->headlen, ex->interp_node->rn_size,
	    EXEC_INTERPBASE, &ex->interp);
	return error == ENOEXEC ? ELIBBAD : error;
}

/*
 * exec_resolve: follow #! lines until there is a program.  Each replaces
 * argv[0] by the interpreter, its argument and the script's name.
 */
static int
exec_resolve(struct exec *ex, const char *path)
{
	char interp[EXEC_HASHBANG], *arg;
	unsigned depth;
	int error;

	error = exec_read(ex, path);
	for (depth = 0; error == 0 && exec_script(ex, interp, &arg); depth++) {
		if (interp[0] == '\0')
			return ENOEXEC;
		if (depth == EXEC_MAXINTERP)
			return ELOOP;
		error = exec_args_script(&ex->args, interp, arg, path);
		if (error == 0)
			error = exec_read(ex, interp);
		/* The next script's name is what was run: argv[0] now. */
		path = ex->args.buf;
	}
	if (error != 0)
		return error;
	error = elf_check(ex->head, ex->headlen, ex->node->rn_size,
	    EXEC_PIEBASE, &ex->plan);
	return error == 0 && ex->plan.interp_len != 0 ? exec_interp(ex) : error;
}

/* ---- the new address space ---- */

static int
exec_map_stack(struct exec *ex)
{
	struct vm_mmap_args a = {
		.prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
		.fixed = true, .stack = true
	};
	vm_offset_t at;

	a.len = trunc_page(MIN(proc_rlimit(curproc, RLIMIT_STACK),
	    EXEC_MAXSTACK));
	if (ex->args.len + ex->args.count * sizeof(uint64_t) > a.len / 4)
		return E2BIG;
	a.addr = USER_STACK_TOP - a.len;
	ex->vm->vm_stack_top = USER_STACK_TOP;
	return vm_mmap(ex->vm, &a, &at);
}

static int
exec_map_file(struct exec *ex, struct rnode *node,
    const struct exec_plan *plan)
{
	struct vm_object *object = rnode_object(node);
	int error;

	if (object == NULL)
		return ENOMEM;
	error = exec_map(ex->vm, object, plan);
	vm_object_deallocate(object);
	return error;
}

/* exec_space: a space with the segments, the heap behind the program's, and an
 * empty stack. */
static int
exec_space(struct exec *ex)
{
	int error;

	ex->vm = vmspace_alloc();
	if (ex->vm == NULL)
		return ENOMEM;
	ex->vm->vm_limit_as = proc_rlimit(curproc, RLIMIT_AS);
	error = exec_map_stack(ex);
	if (error != 0)
		return error;
	error = exec_map_file(ex, ex->node, &ex->plan);
	if (error == 0 && ex->interp_node != NULL)
		error = exec_map_file(ex, ex->interp_node, &ex->interp);
	vm_brk_init(ex->vm, ex->plan.brk);
	return error;
}

/* exec_bss: zero what the last file page holds behind a segment's bytes. */
static int
exec_bss(const struct exec_plan *plan)
{
	const struct exec_seg *seg;
	uint64_t pad;
	unsigned i;
	int error;

	for (i = 0; i < plan->nseg; i++) {
		seg = &plan->seg[i];
		pad = exec_seg_pad(seg);
		if (pad == 0)
			continue;
		error = uzero(uaddr(seg->vaddr + seg->filesz), pad);
		if (error != 0)
			return error;
	}
	return 0;
}

/* ---- the change ---- */

/* exec_name: p_comm is the last component of the path. */
static void
exec_name(struct proc *p, const char *path)
{
	const char *slash = strrchr(path, '/');

	rw_wlock(&p->p_lock);
	strlcpy(p->p_comm, slash != NULL ? slash + 1 : path,
	    sizeof(p->p_comm));
	strlcpy(curthread->td_name, p->p_comm, sizeof(curthread->td_name));
	p->p_flags |= P_EXECED;
	rw_wunlock(&p->p_lock);
}

struct rnode *
exe_share(struct rnode *exe)
{
	if (exe == NULL)
		return NULL;
	/* It runs already, so nobody writes. */
	atomic_add(&exe->rn_execs, 1);
	return rnode_ref(exe);
}

struct procargs *
procargs_share(struct procargs *pa)
{
	if (pa != NULL)
		atomic_add(&pa->pa_refs, 1);
	return pa;
}

void
procargs_put(struct procargs *pa)
{
	if (pa != NULL && atomic_fetchadd(&pa->pa_refs, -1) == 1)
		kfree(pa);
}

/* exec_procargs: the argument strings, up to a page, for people. */
static int
exec_procargs(struct exec *ex)
{
	const struct exec_args *ea = &ex->args;
	size_t len = 0;
	unsigned i;

	for (i = 0; i < ea->argc && len < ea->len; i++)
		len += strnlen(ea->buf + len, ea->len - len) + 1;
	len = MIN(MIN(len, ea->len), PAGE_SIZE / 2);
	ex->procargs = kmalloc(sizeof(*ex->procargs) + len, M_WAITOK);
	if (ex->procargs == NULL)
		return ENOMEM;
	ex->procargs->pa_refs = 1;
	ex->procargs->pa_len = (unsigned)len;
	memcpy(ex->procargs->pa_text, ea->buf, len);
	return 0;
}

void
exe_put(struct rnode *exe)
{
	if (exe == NULL)
		return;
	rnode_exec_put(exe);
	rnode_put(exe);
}

/* exec_owned: p has the new program and its arguments, ex the old ones. */
static void
exec_owned(struct proc *p, struct exec *ex)
{
	struct rnode *exe;
	struct procargs *args;

	rw_wlock(&p->p_lock);
	exe = p->p_exe;
	args = p->p_args;
	p->p_exe = ex->node;		/* with both of its counts */
	p->p_args = ex->procargs;
	ex->node = NULL;
	ex->procargs = args;
	rw_wunlock(&p->p_lock);
	exe_put(exe);
}

/* exec_commit: from here on the old program is gone. */
static void
exec_commit(struct exec *ex, const char *path)
{
	struct proc *p = curproc;
	struct uthread *ut = curuthread;
	struct vmspace *old;
	uint64_t sp;

	futex_exit(ut);
	rw_wlock(&p->p_lock);
	old = p->p_vmspace;
	if (old != NULL)
		proc_note_rss(p);
	p->p_vmspace = ex->vm;
	rw_wunlock(&p->p_lock);
	uthread_setvm(ex->vm);
	proc_vfork_done(p);
	if (old != NULL)
		sysref_put(old);
	rw_wlock(&p->p_lock);
	sigacts_exec(&p->p_sigacts, ex->sigacts);
	ex->sigacts = NULL;
	rw_wunlock(&p->p_lock);
	ut->ut_sigstk = (struct sigstack){ .ss_flags = SS_DISABLE };
	ut->ut_restart = 0;
	rseq_forget(ut);
	itimer_exec(p);
	p->p_prctl &= ~(unsigned)(PRF_BARRIER | PRF_BARRIERCORE);
	fdtable_cloexec(p->p_fd);
	exec_name(p, path);
	exec_owned(p, ex);
	vm_meter_inc(v_execs);
	if (exec_bss(&ex->plan) != 0 || exec_bss(&ex->interp) != 0 ||
	    exec_stack(ex, path, &sp) != 0) {
		exec_fini(ex);
		exit1(W_SIGNAL(SIGKILL), true);
	}
	md_frame_exec(md_user_frame(curthread), ex->interp_node != NULL ?
	    ex->interp.entry : ex->plan.entry, sp);
}

/* exec_begin: NULL: no memory. */
static struct exec *
exec_begin(void)
{
	struct exec *ex = kmalloc(sizeof(*ex), M_WAITOK | M_ZERO);

	if (ex == NULL)
		return NULL;
	ex->headpage = vm_page_alloc_unowned(VM_ALLOC_NORMAL);
	if (ex->headpage == NULL) {
		kfree(ex);
		return NULL;
	}
	ex->head = pmap_page_kva(ex->headpage);
	return ex;
}

void
exec_fini(struct exec *ex)
{
	exec_args_fini(&ex->args);
	procargs_put(ex->procargs);
	if (ex->node != NULL && ex->counted)
		rnode_exec_put(ex->node);
	if (ex->node != NULL)
		rnode_put(ex->node);
	if (ex->interp_node != NULL)
		rnode_put(ex->interp_node);
	vm_page_free_unowned(ex->headpage);
	kfree(ex);
}

/* exec_run: arguments are there, or error says why not: become path, or leave all
 * as it was.  ex goes. */
static int
exec_run(struct exec *ex, const char *path, int error)
{
	if (error == 0)
		error = exec_resolve(ex, path);
	if (error == 0)
		error = rnode_exec_get(ex->node);
	ex->counted = error == 0;
	if (error == 0)
		error = exec_space(ex);
	if (error == 0)
		error = threads_single();
	if (error == 0)
		error = exec_procargs(ex);
	if (error == 0)
		error = fdtable_unshare(&curproc->p_fd);
	if (error == 0) {
		ex->sigacts = sigacts_alloc();
		error = ex->sigacts == NULL ? ENOMEM : 0;
	}
	if (error == 0)
		exec_commit(ex, path);
	else if (ex->vm != NULL)
		sysref_put(ex->vm);
	exec_fini(ex);
	return error;
}

int
kern_exec(const char *path, struct uaddr argv, struct uaddr envp)
{
	struct exec *ex = exec_begin();

	return ex == NULL ? ENOMEM :
	    exec_run(ex, path, exec_args_user(&ex->args, argv, envp));
}

int
kern_exec_init(const char *path, const char *const *argv,
    const char *const *envp)
{
	struct exec *ex = exec_begin();

	return ex == NULL ? ENOMEM :
	    exec_run(ex, path, exec_args_kernel(&ex->args, argv, envp));
}
