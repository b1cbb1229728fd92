/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_strace.c: system calls as strace(1) writes them, for the boot option
 * strace: 1 is every process, another number that process and its descendants,
 * a name those whose program has it, and their descendants.
 *
 *	[12] openat(AT_FDCWD, "/etc/suite", O_RDONLY) = 3
 *
 * What goes in is read before the call (execve leaves nothing to read), what
 * comes out after it.  A line that is too long is cut.
 *
 * Locks: p_lock, for the flag that descendants inherit.
 * Sources: strace(1).
 */
#include "linux_priv.h"

#include <lib/cdefs.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/file.h>
#include <sys/kprintf.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/signal.h>

BOOT_OPTION(strace, "strace",
    "print system calls: 1 all, PID or NAME and its descendants");

#define STR_SHOWN	32U	/* bytes of a string */

/*
 * One letter an argument: d int, u unsigned, l long, x hex, p pointer, s string,
 * v NULL-ended string vector, b buffer whose length is the next argument,
 * B buffer that the call fills (its result is the length), I int that the call
 * stores, 2 two of them, f descriptor or AT_FDCWD, F descriptor, O open flags,
 * o octal, M protection, A mmap flags, S signal, W wait status.
 */
static const struct {
	const char	*name;
	const char	*args;
} formats[] = {
	{ "read", "FBu" }, { "write", "Fbu" }, { "open", "sOo" },
	{ "close", "F" }, { "stat", "sp" }, { "fstat", "Fp" },
	{ "lstat", "sp" }, { "poll", "pud" }, { "lseek", "Fld" },
	{ "mmap", "puMAfx" }, { "mprotect", "puM" }, { "munmap", "pu" },
	{ "brk", "p" }, { "rt_sigaction", "Sppu" },
	{ "rt_sigprocmask", "dppu" }, { "rt_sigreturn", "" },
	{ "ioctl", "Fxp" }, { "pread64", "FBul" }, { "pwrite64", "Fbul" },
	{ "readv", "Fpu" }, { "writev", "Fpu" }, { "access", "sd" },
	{ "pipe", "2" }, { "mremap", "puuxp" }, { "madvise", "pud" },
	{ "dup", "F" }, { "dup2", "FF" }, { "alarm", "u" }, { "clone", "xpppp" },
	{ "execve", "svp" }, { "exit", "d" }, { "wait4", "dWxp" },
	{ "kill", "dS" }, { "fcntl", "Fdx" }, { "truncate", "sl" },
	{ "ftruncate", "Fl" }, { "getcwd", "pu" }, { "chdir", "s" },
	{ "fchdir", "F" }, { "rename", "ss" }, { "mkdir", "so" },
	{ "rmdir", "s" }, { "creat", "so" }, { "link", "ss" },
	{ "unlink", "s" }, { "symlink", "ss" }, { "readlink", "spu" },
	{ "chmod", "so" }, { "fchmod", "Fo" }, { "chown", "sdd" },
	{ "umask", "o" }, { "setpgid", "dd" }, { "getpgid", "d" },
	{ "getsid", "d" }, { "setuid", "u" }, { "setgid", "u" },
	{ "arch_prctl", "xp" }, { "tkill", "dS" }, { "tgkill", "ddS" },
	{ "futex", "pdupp" }, { "getdents64", "Fpu" },
	{ "exit_group", "d" }, { "openat", "fsOo" }, { "mkdirat", "fso" },
	{ "newfstatat", "fspx" }, { "unlinkat", "fsx" },
	{ "renameat", "fsfs" }, { "linkat", "fsfsx" }, { "symlinkat", "sfs" },
	{ "readlinkat", "fspu" }, { "fchmodat", "fso" },
	{ "faccessat", "fsd" }, { "faccessat2", "fsdx" },
	{ "utimensat", "fspx" }, { "dup3", "FFO" }, { "pipe2", "2O" },
	{ "renameat2", "fsfsx" }, { "statx", "fsxxp" },
	{ "nanosleep", "pp" }, { "clock_gettime", "dp" },
	{ "clock_nanosleep", "ddpp" }, { "getrandom", "pux" },
};

static const char *const errnames[] = {
	[EPERM] = "EPERM (Operation not permitted)",
	[ENOENT] = "ENOENT (No such file or directory)",
	[ESRCH] = "ESRCH (No such process)",
	[EINTR] = "EINTR (Interrupted system call)",
	[EIO] = "EIO (Input/output error)",
	[ENXIO] = "ENXIO (No such device or address)",
	[E2BIG] = "E2BIG (Argument list too long)",
	[ENOEXEC] = "ENOEXEC (Exec format error)",
	[EBADF] = "EBADF (Bad file descriptor)",
	[ECHILD] = "ECHILD (No child processes)",
	[EAGAIN] = "EAGAIN (Resource temporarily unavailable)",
	[ENOMEM] = "ENOMEM (Cannot allocate memory)",
	[EACCES] = "EACCES (Permission denied)",
	[EFAULT] = "EFAULT (Bad address)",
	[EBUSY] = "EBUSY (Device or resource busy)",
	[EEXIST] = "EEXIST (File exists)",
	[EXDEV] = "EXDEV (Invalid cross-device link)",
	[ENODEV] = "ENODEV (No such device)",
	[ENOTDIR] = "ENOTDIR (Not a directory)",
	[EISDIR] = "EISDIR (Is a directory)",
	[EINVAL] = "EINVAL (Invalid argument)",
	[EMFILE] = "EMFILE (Too many open files)",
	[ENOTTY] = "ENOTTY (Inappropriate ioctl for device)",
	[ETXTBSY] = "ETXTBSY (Text file busy)",
	[EFBIG] = "EFBIG (File too large)",
	[ENOSPC] = "ENOSPC (No space left on device)",
	[ESPIPE] = "ESPIPE (Illegal seek)",
	[EPIPE] = "EPIPE (Broken pipe)",
	[ERANGE] = "ERANGE (Numerical result out of range)",
	[ENAMETOOLONG] = "ENAMETOOLONG (File name too long)",
	[ENOSYS] = "ENOSYS (Function not implemented)",
	[ENOTEMPTY] = "ENOTEMPTY (Directory not empty)",
	[ELOOP] = "ELOOP (Too many levels of symbolic links)",
	[EOPNOTSUPP] = "EOPNOTSUPP (Operation not supported)",
	[ELIBBAD] = "ELIBBAD (Accessing a corrupted shared library)",
	[ETIMEDOUT] = "ETIMEDOUT (Connection timed out)",
	[ERESTART] = "ERESTARTSYS (To be restarted if SA_RESTART is set)",
	[ERESTARTNOHAND] = "ERESTARTNOHAND (To be restarted if no handler)",
	[ERESTARTNOINTR] = "ERESTARTNOINTR (To be restarted)",
};

/* ---- a line that fills up ---- */

static void __printflike(2, 3)
put(struct strace *st, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(st->line + st->len, sizeof(st->line) - st->len, fmt,
	    ap);
	va_end(ap);
	st->len = MIN(st->len + (unsigned)n, (unsigned)sizeof(st->line) - 1);
}

static void
put_bytes(struct strace *st, const char *s, size_t len, bool more)
{
	size_t i;

	put(st, "\"");
	for (i = 0; i < len; i++) {
		if (s[i] == '\n')
			put(st, "\\n");
		else if (s[i] == '"' || s[i] == '\\')
			put(st, "\\%c", s[i]);
		else if (s[i] < ' ' || s[i] > '~')
			put(st, "\\%o", (uint8_t)s[i]);
		else
			put(st, "%c", s[i]);
	}
	put(st, more ? "\"..." : "\"");
}

static void
put_string(struct strace *st, uint64_t ua)
{
	char buf[STR_SHOWN + 1];
	size_t n;
	int error;

	if (ua == 0) {
		put(st, "NULL");
		return;
	}
	error = copyinstr(uaddr(ua), buf, sizeof(buf), &n);
	if (error == EFAULT)
		put(st, "%#lx", ua);
	else
		put_bytes(st, buf, error == 0 ? n - 1 : STR_SHOWN, error != 0);
}

static void
put_buffer(struct strace *st, uint64_t ua, uint64_t len)
{
	char buf[STR_SHOWN];
	size_t n = MIN(len, (uint64_t)sizeof(buf));

	if (copyin(uaddr(ua), buf, n) != 0)
		put(st, "%#lx", ua);
	else
		put_bytes(st, buf, n, len > n);
}

static void
put_vector(struct strace *st, uint64_t ua)
{
	uint64_t s;
	unsigned i;

	put(st, "[");
	for (i = 0; i < 8; i++) {
		if (fuword64(uaddr(ua + i * 8UL), &s) != 0 || s == 0)
			break;
		put(st, i == 0 ? "" : ", ");
		put_string(st, s);
	}
	put(st, i == 8 ? ", ...]" : "]");
}

struct bitname {
	uint64_t	bit;
	const char	*name;
};

static void
put_bits(struct strace *st, uint64_t v, const struct bitname *b, unsigned n,
    const char *none)
{
	unsigned i;
	bool first;

	first = true;
	for (i = 0; i < n; i++) {
		if ((v & b[i].bit) != b[i].bit)
			continue;
		put(st, "%s%s", first ? "" : "|", b[i].name);
		first = false;
		v &= ~b[i].bit;
	}
	if (first && v == 0)
		put(st, "%s", none);
	else if (v != 0)
		put(st, "%s%#lx", first ? "" : "|", v);
}

static void
put_open(struct strace *st, uint64_t v)
{
	static const char *const mode[] = {
		"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"
	};
	static const struct bitname bits[] = {
		{ O_CREAT, "O_CREAT" }, { O_EXCL, "O_EXCL" },
		{ O_NOCTTY, "O_NOCTTY" }, { O_TRUNC, "O_TRUNC" },
		{ O_APPEND, "O_APPEND" }, { O_NONBLOCK, "O_NONBLOCK" },
		{ O_LARGEFILE, "O_LARGEFILE" }, { O_DIRECTORY, "O_DIRECTORY" },
		{ O_NOFOLLOW, "O_NOFOLLOW" }, { O_CLOEXEC, "O_CLOEXEC" },
		{ O_PATH, "O_PATH" },
	};

	put(st, "%s", mode[v & O_ACCMODE]);
	v &= ~(uint64_t)O_ACCMODE & 0xffffffffU;
	if (v != 0) {
		put(st, "|");
		put_bits(st, v, bits, nitems(bits), "");
	}
}

static void
put_prot(struct strace *st, uint64_t v)
{
	static const struct bitname bits[] = {
		{ 1, "PROT_READ" }, { 2, "PROT_WRITE" }, { 4, "PROT_EXEC" },
	};

	put_bits(st, v, bits, nitems(bits), "PROT_NONE");
}

static void
put_map(struct strace *st, uint64_t v)
{
	static const struct bitname bits[] = {
		{ 3, "MAP_SHARED_VALIDATE" }, { 1, "MAP_SHARED" },
		{ 2, "MAP_PRIVATE" }, { 0x10, "MAP_FIXED" },
		{ 0x20, "MAP_ANONYMOUS" }, { 0x100, "MAP_GROWSDOWN" },
		{ 0x8000, "MAP_POPULATE" }, { 0x4000, "MAP_NORESERVE" },
		{ 0x20000, "MAP_STACK" }, { 0x100000, "MAP_FIXED_NOREPLACE" },
	};

	put_bits(st, v, bits, nitems(bits), "0");
}

static void
put_signal(struct strace *st, int s)
{
	static const char *const name[] = {
		"0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE",
		"KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
		"STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",
		"URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR",
		"SYS"
	};

	if (s > 0 && (unsigned)s < nitems(name))
		put(st, "SIG%s", name[s]);
	else if (s >= SIGRTMIN && s <= NSIG)
		put(st, "SIGRT_%d", s - SIGRTMIN);
	else
		put(st, "%d", s);
}

/* put_ints: n that the call has stored. */
static void
put_ints(struct strace *st, uint64_t ua, bool two)
{
	uint32_t a, b;

	b = 0;
	if (ua == 0)
		put(st, "NULL");
	else if (fuword32(uaddr(ua), &a) != 0 ||
	    (two && fuword32(uaddr(ua + 4), &b) != 0))
		put(st, "%#lx", ua);
	else if (two)
		put(st, "[%d, %d]", (int)a, (int)b);
	else
		put(st, "[%d]", (int)a);
}

static void
put_wait(struct strace *st, uint64_t ua)
{
	uint32_t v;
	int s;

	if (ua == 0 || fuword32(uaddr(ua), &v) != 0) {
		put(st, ua == 0 ? "NULL" : "%#lx", ua);
		return;
	}
	s = (int)v;
	if (s == W_CONT)
		put(st, "[{WIFCONTINUED(s)}]");
	else if ((s & 0xff) == 0x7f)
		put(st, "[{WIFSTOPPED(s) && WSTOPSIG(s) == %d}]",
		    (s >> 8) & 0xff);
	else if (W_SIGNAL(s) != 0)
		put(st, "[{WIFSIGNALED(s) && WTERMSIG(s) == %d}]",
		    W_SIGNAL(s));
	else
		put(st, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]",
		    (s >> 8) & 0xff);
}

/* ---- arguments ---- */

/* put_number: the letters that need no memory of the program's. */
static void
put_number(struct strace *st, char how, uint64_t v)
{
	switch (how) {
	case 'd':
	case 'F':
		put(st, "%d", (int)v);
		break;
	case 'f':
		if ((int)v == -100)
			put(st, "AT_FDCWD");
		else
			put(st, "%d", (int)v);
		break;
	case 'u':
		put(st, "%lu", v);
		break;
	case 'l':
		put(st, "%ld", (int64_t)v);
		break;
	case 'o':
		put(st, "%#lo", v & 07777);
		break;
	case 'p':
		put(st, v == 0 ? "NULL" : "%#lx", v);
		break;
	default:
		put(st, v == 0 ? "0" : "%#lx", v);
		break;
	}
}

/* put_arg: argument i; how: its letter. */
static void
put_arg(struct strace *st, unsigned i, char how, int64_t ret)
{
	uint64_t v = st->args[i];

	switch (how) {
	case 's':
		put_string(st, v);
		break;
	case 'v':
		put_vector(st, v);
		break;
	case 'b':
		put_buffer(st, v, st->args[i + 1]);
		break;
	case 'B':
		if (ret > 0)
			put_buffer(st, v, (uint64_t)ret);
		else
			put(st, ret == 0 ? "\"\"" : "%#lx", v);
		break;
	case 'I':
	case '2':
		put_ints(st, v, how == '2');
		break;
	case 'W':
		if (ret > 0)
			put_wait(st, v);
		else
			put_number(st, 'p', v);
		break;
	case 'O':
		put_open(st, v);
		break;
	case 'M':
		put_prot(st, v);
		break;
	case 'A':
		put_map(st, v);
		break;
	case 'S':
		put_signal(st, (int)v);
		break;
	default:
		put_number(st, how, v);
		break;
	}
}

/* out: is it there only when the call has returned? */
static bool
letter_out(char how)
{
	return how == 'B' || how == 'I' || how == '2' || how == 'W';
}

/* put_args: the next arguments, up to one that is not there yet. */
static void
put_args(struct strace *st, bool after, int64_t ret)
{
	char how;

	for (; st->arg < st->nargs; st->arg++) {
		how = st->format != NULL ? st->format[st->arg] : 'x';
		if (how == '\0' || (letter_out(how) && !after))
			break;
		put(st, st->arg == 0 ? "" : ", ");
		put_arg(st, st->arg, how, ret);
	}
}

void
strace_enter(struct strace *st, const struct syscall_desc *sd, uint32_t nr,
    const uint64_t args[6])
{
	unsigned i;

	st->len = st->arg = 0;
	st->format = NULL;
	st->name = sd != NULL ? sd->sd_name : NULL;
	st->nargs = st->name != NULL ? sd->sd_nargs : 6;
	memcpy(st->args, args, sizeof(st->args));
	for (i = 0; i < nitems(formats) && st->name != NULL; i++)
		if (strcmp(formats[i].name, st->name) == 0)
			st->format = formats[i].args;
	/* open's mode means something with O_CREAT only. */
	if (st->format != NULL && st->nargs > 2 &&
	    st->format[st->nargs - 1] == 'o' &&
	    st->format[st->nargs - 2] == 'O' &&
	    (args[st->nargs - 2] & O_CREAT) == 0)
		st->nargs--;
	if (st->name != NULL)
		put(st, "%s(", st->name);
	else
		put(st, "syscall_%u(", nr);
	put_args(st, false, 0);
}

/* returns_address: shown in hex. */
static bool
returns_address(const char *name)
{
	static const char *const names[] = {
		"mmap", "brk", "mremap", "shmat"
	};
	unsigned i;

	for (i = 0; i < nitems(names); i++)
		if (name != NULL && strcmp(name, names[i]) == 0)
			return true;
	return false;
}

void
strace_leave(struct strace *st, int64_t ret)
{
	const char *err;

	put_args(st, true, ret);
	err = ret < 0 && (uint64_t)-ret < nitems(errnames) ? errnames[-ret] :
	    NULL;
	if (ret == -EJUSTRETURN)
		put(st, ") = ?");
	else if (err != NULL && ret <= -ERESTART)
		put(st, ") = ? %s", err);
	else if (err != NULL)
		put(st, ") = -1 %s", err);
	else if (ret < 0 && ret >= -4095)
		put(st, ") = -1 (errno %ld)", -ret);
	else if (returns_address(st->name))
		put(st, ") = %#lx", (uint64_t)ret);
	else
		put(st, ") = %ld", ret);
	kprintf("[%d] %s\n", curuthread->ut_tid, st->line);
}

void
strace_gone(struct strace *st)
{
	put(st, ") = ?");
	kprintf("[%d] %s\n", curuthread->ut_tid, st->line);
}

/* ---- who ---- */

enum strace_mode	strace_mode;	/* [h] */
static uint64_t		strace_pid;	/* [h] set before strace_mode */

static enum strace_mode
strace_ask(void)
{
	const char *s = bootopt_str("strace");
	const char *c;

	if (s == NULL || strcmp(s, "0") == 0)
		return ST_OFF;
	if (s[0] == '\0' || strcmp(s, "1") == 0)
		return ST_ALL;
	for (c = s; *c >= '0' && *c <= '9'; c++)
		;
	if (*c != '\0')
		return ST_NAME;
	strace_pid = bootopt_u64("strace", 0);
	return ST_PID;
}

/* strace_first: is p the one that was asked for? */
static bool
strace_first(const struct proc *p)
{
	if (strace_mode == ST_PID)
		return (uint64_t)p->p_pid == strace_pid;
	return strcmp(p->p_comm, bootopt_str("strace")) == 0;
}

bool
strace_wanted(void)
{
	struct proc *p = curproc;

	if (strace_mode == ST_UNASKED)
		strace_mode = strace_ask();
	if (strace_mode <= ST_ALL)
		return strace_mode == ST_ALL;
	if ((p->p_flags & P_STRACE) != 0)	/* only ever set */
		return true;
	if (!strace_first(p))
		return false;
	rw_wlock(&p->p_lock);
	p->p_flags |= P_STRACE;
	rw_wunlock(&p->p_lock);
	return true;
}
