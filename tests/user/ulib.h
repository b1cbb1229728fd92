/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ulib.h: what the test programs have instead of a libc: raw Linux x86-64
 * calls, a little printf, and CHECK.
 *
 * A program is main(argc, argv, envp); status 0 is passed, 77 skipped.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SYS_read = 0, SYS_write = 1, SYS_open = 2, SYS_close = 3, SYS_stat = 4,
	SYS_fstat = 5, SYS_lseek = 8, SYS_mmap = 9, SYS_mprotect = 10,
	SYS_munmap = 11, SYS_brk = 12, SYS_rt_sigaction = 13,
	SYS_rt_sigprocmask = 14, SYS_rt_sigreturn = 15, SYS_ioctl = 16,
	SYS_readv = 19, SYS_writev = 20, SYS_access = 21, SYS_pipe = 22,
	SYS_sched_yield = 24, SYS_madvise = 28, SYS_dup = 32, SYS_dup2 = 33,
	SYS_nanosleep = 35, SYS_getpid = 39, SYS_clone = 56, SYS_fork = 57,
	SYS_vfork = 58, SYS_execve = 59, SYS_exit = 60, SYS_wait4 = 61,
	SYS_kill = 62, SYS_uname = 63, SYS_fcntl = 72, SYS_gettimeofday = 96,
	SYS_sysinfo = 99, SYS_getppid = 110, SYS_sigaltstack = 131,
	SYS_arch_prctl = 158, SYS_gettid = 186, SYS_futex = 202,
	SYS_set_tid_address = 218, SYS_clock_gettime = 228,
	SYS_clock_nanosleep = 230, SYS_exit_group = 231, SYS_openat = 257,
	SYS_pipe2 = 293, SYS_prlimit64 = 302, SYS_getrandom = 318,
};

#define PROT_NONE	0
#define PROT_READ	1
#define PROT_WRITE	2
#define PROT_EXEC	4
#define MAP_SHARED	0x01
#define MAP_PRIVATE	0x02
#define MAP_FIXED	0x10
#define MAP_ANON	0x20
#define MAP_GROWSDOWN	0x100
#define MAP_FIXED_NOREPLACE 0x100000
#define MADV_DONTNEED	4

#define EPERM	1
#define ENOENT	2
#define ESRCH	3
#define EINTR	4
#define E2BIG	7
#define ENOEXEC	8
#define EBADF	9
#define ECHILD	10
#define EAGAIN	11
#define ENOMEM	12
#define EACCES	13
#define EFAULT	14
#define EEXIST	17
#define EINVAL	22
#define EPIPE	32
#define ENOSYS	38

#define SIGILL	4
#define SIGTRAP	5
#define SIGBUS	7
#define SIGFPE	8
#define SIGKILL	9
#define SIGUSR1	10
#define SIGSEGV	11
#define SIGPIPE	13
#define SIGALRM	14
#define SIGTERM	15
#define SIGCHLD	17

#define CLONE_VM		0x100
#define CLONE_FS		0x200
#define CLONE_FILES		0x400
#define CLONE_SIGHAND		0x800
#define CLONE_VFORK		0x4000
#define CLONE_THREAD		0x10000
#define CLONE_SETTLS		0x80000
#define CLONE_PARENT_SETTID	0x100000
#define CLONE_CHILD_CLEARTID	0x200000
#define CLONE_CHILD_SETTID	0x1000000

#define PGSZ	4096UL

static inline long
sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall" : "=a"(ret)
	    : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	    : "rcx", "r11", "memory");
	return ret;
}
#define sys0(n)			sys6(n, 0, 0, 0, 0, 0, 0)
#define sys1(n, a)		sys6(n, (long)(a), 0, 0, 0, 0, 0)
#define sys2(n, a, b)		sys6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define sys3(n, a, b, c)						\
	sys6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define sys4(n, a, b, c, d)						\
	sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* Wait statuses. */
#define WIFEXITED(s)	(((s) & 0x7f) == 0)
#define WEXITSTATUS(s)	(((s) >> 8) & 0xff)
#define WIFSIGNALED(s)	(((s) & 0x7f) != 0 && ((s) & 0x7f) != 0x7f)
#define WTERMSIG(s)	((s) & 0x7f)

/* What rt_sigaction and sendmsg take; restorer is for each handler. */
struct sigaction {
	void		(*handler)(int, void *, void *);
	unsigned long	flags;
	void		(*restorer)(void);
	unsigned long	mask;
};
#define SA_SIGINFO	4UL
#define SA_RESTORER	0x04000000UL
#define SA_ONSTACK	0x08000000UL
#define SA_RESTART	0x10000000UL
#define SA_NODEFER	0x40000000UL
#define SA_RESETHAND	0x80000000UL
void	restorer(void);
struct msghdr {
	void		*name;
	unsigned	 namelen, pad0;
	void		*iov;
	unsigned long	 iovlen;
	void		*control;
	unsigned long	 controllen;
	unsigned	 flags, pad1;
};

int	main(int argc, char **argv, char **envp);

void	exit(int status) __attribute__((__noreturn__));
long	fork(void);
long	waitpid(long pid, int *status);	/* restarts on EINTR */
/* run_child: fork, run fn(arg) in the child and exit with its value; returns
 * the wait status. */
int	run_child(int (*fn)(void *), void *arg);
/* What stat and its kin write. */
struct stat {
	unsigned long	dev, ino, nlink;
	unsigned	mode, uid, gid, pad;
	unsigned long	rdev;
	long		size, blksize, blocks;
	long		atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns;
	long		unused[3];
};

/* msleep: nanosleep's result. */
long	msleep(long ms);
/* events: what poll says of fd now, of POLLIN and POLLOUT and what it says
 * unasked. */
short	events(long fd);
/* map_anon: private anonymous memory; ends the program when there is none. */
void	*map_anon(unsigned long len, int prot);
void	*map_shared(unsigned long len);
/* thread_start: a thread (CLONE_THREAD) on a stack of its own; *tid is cleared
 * and woken (futex) when it ends: thread_join waits for that. */
struct uthread {
	volatile int	 tid;
	void		*stack;
};
int	thread_start(struct uthread *t, void (*fn)(void *), void *arg);
void	thread_join(struct uthread *t);

size_t	strlen(const char *s);
int	strcmp(const char *a, const char *b);
int	strncmp(const char *a, const char *b, size_t n);
void	*memset(void *p, int c, size_t n);
void	*memcpy(void *d, const void *s, size_t n);
int	memcmp(const void *a, const void *b, size_t n);
unsigned long strtoul(const char *s);
/* put_number: its digits and a NUL; where that is. */
char	*put_number(char *to, unsigned long n);
void	printf(const char *fmt, ...)
	    __attribute__((__format__(__printf__, 1, 2)));

/* A small generator: the same seed, the same run. */
static inline uint64_t
rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

#define CHECK(cond, ...) do {						\
	if (!(cond)) {							\
		printf("%s:%d: %s: ", __FILE__, __LINE__, #cond);	\
		printf(__VA_ARGS__);					\
		printf("\n");						\
		exit(1);						\
	}								\
} while (0)
