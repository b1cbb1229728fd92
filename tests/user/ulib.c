/* SPDX-License-Identifier: BSD-2-Clause */
/* ulib.c: start-up and the few functions of ulib.h. */
#include "ulib.h"

__asm__(".globl restorer\nrestorer:\n\tmov $15, %eax\n\tsyscall\n");

__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n"
    "\tand $-16, %rsp\n\tcall start\n");

void	start(long *sp) __attribute__((__noreturn__));

void
start(long *sp)
{
	int argc = (int)sp[0];
	char **argv = (char **)(sp + 1);

	exit(main(argc, argv, argv + argc + 1));
}

void
exit(int status)
{
	for (;;)
		sys1(SYS_exit_group, status);
}

long
fork(void)
{
	return sys0(SYS_fork);
}

long
waitpid(long pid, int *status)
{
	long r;

	do
		r = sys4(SYS_wait4, pid, status, 0, 0);
	while (r == -EINTR);
	return r;
}

int
run_child(int (*fn)(void *), void *arg)
{
	int status = 0;
	long pid = fork();

	CHECK(pid >= 0, "fork: %ld", pid);
	if (pid == 0)
		exit(fn(arg));
	CHECK(waitpid(pid, &status) == pid, "wait");
	return status;
}

long
msleep(long ms)
{
	struct { long s, ns; } ts = { ms / 1000, ms % 1000 * 1000000 };

	return sys2(SYS_nanosleep, &ts, 0);
}

char *
put_number(char *to, unsigned long n)
{
	char digits[24];
	unsigned len = 0;

	do
		digits[len++] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	while (len > 0)
		*to++ = digits[--len];
	*to = '\0';
	return to;
}

short
events(long fd)
{
	struct { int fd; short ev, rev; } p = { (int)fd, 1 | 4, 0 };

	sys3(7 /* poll */, &p, 1, 0);
	return p.rev;
}

void *
map_anon(unsigned long len, int prot)
{
	long p = sys6(SYS_mmap, 0, (long)len, prot, MAP_PRIVATE | MAP_ANON,
	    -1, 0);

	CHECK(p > 0 || p < -4095, "mmap of %lu: %ld", len, p);
	return (void *)p;
}

void *
map_shared(unsigned long len)
{
	long p = sys6(SYS_mmap, 0, (long)len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);

	CHECK(p > 0 || p < -4095, "mmap of %lu: %ld", len, p);
	return (void *)p;
}

#define UTHREAD_STACK	65536UL

int
thread_start(struct uthread *t, void (*fn)(void *), void *arg)
{
	unsigned long *sp;
	long ret;

	ret = sys6(SYS_mmap, 0, UTHREAD_STACK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	if (ret < 0 && ret > -4096)
		return (int)ret;
	t->stack = (void *)ret;
	sp = (unsigned long *)((char *)t->stack + UTHREAD_STACK);
	*--sp = (unsigned long)arg;
	*--sp = (unsigned long)fn;
	t->tid = -1;
	register long r10 __asm__("r10") = (long)&t->tid;
	register long r8 __asm__("r8") = 0;
	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n"
	    "\tpop %%rax\n\tpop %%rdi\n\tcall *%%rax\n"
	    "\txor %%edi, %%edi\n\tmov $60, %%eax\n\tsyscall\n1:"
	    : "=a"(ret)
	    : "a"(SYS_clone), "D"(CLONE_VM | CLONE_FS | CLONE_FILES |
	    CLONE_SIGHAND | CLONE_THREAD | CLONE_PARENT_SETTID |
	    CLONE_CHILD_CLEARTID), "S"(sp), "d"(&t->tid), "r"(r10), "r"(r8)
	    : "rcx", "r11", "memory");
	if (ret > 0)
		return 0;
	sys2(SYS_munmap, t->stack, UTHREAD_STACK);
	return (int)ret;
}

void
thread_join(struct uthread *t)
{
	int tid;

	while ((tid = t->tid) != 0)
		sys4(SYS_futex, &t->tid, 0, tid, 0);
	sys2(SYS_munmap, t->stack, UTHREAD_STACK);
}

size_t
strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

int
strncmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; n--, a++, b++) {
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		if (*a == '\0')
			break;
	}
	return 0;
}

int
strcmp(const char *a, const char *b)
{
	return strncmp(a, b, (size_t)-1);
}

void *
memset(void *p, int c, size_t n)
{
	unsigned char *q = p;

	while (n-- > 0)
		*q++ = (unsigned char)c;
	return p;
}

void *
memcpy(void *d, const void *s, size_t n)
{
	unsigned char *q = d;
	const unsigned char *r = s;

	while (n-- > 0)
		*q++ = *r++;
	return d;
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (; n > 0; n--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

unsigned long
strtoul(const char *s)
{
	unsigned long v = 0;

	while (*s >= '0' && *s <= '9')
		v = v * 10 + (unsigned long)(*s++ - '0');
	return v;
}

struct out {
	char	buf[512];
	size_t	len;
};

static void
put(struct out *o, char c)
{
	if (o->len < sizeof(o->buf))
		o->buf[o->len++] = c;
}

static void
put_num(struct out *o, unsigned long v, unsigned base)
{
	char b[24];
	int i = 0;

	do {
		b[i++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	while (i > 0)
		put(o, b[--i]);
}

static void
put_arg(struct out *o, char type, bool is_long, va_list *ap)
{
	const char *s;
	long d;

	switch (type) {
	case 'd':
		d = is_long ? va_arg(*ap, long) : va_arg(*ap, int);
		if (d < 0)
			put(o, '-');
		put_num(o, d < 0 ? -(unsigned long)d : (unsigned long)d, 10);
		break;
	case 'u':
	case 'x':
		put_num(o, is_long ? va_arg(*ap, unsigned long) :
		    va_arg(*ap, unsigned), type == 'x' ? 16 : 10);
		break;
	case 'p':
		put(o, '0');
		put(o, 'x');
		put_num(o, (unsigned long)va_arg(*ap, void *), 16);
		break;
	case 's':
		for (s = va_arg(*ap, const char *); *s != '\0'; s++)
			put(o, *s);
		break;
	case 'c':
		put(o, (char)va_arg(*ap, int));
		break;
	default:
		put(o, type);
		break;
	}
}

void
printf(const char *fmt, ...)
{
	struct out o = { .len = 0 };
	va_list ap;
	bool is_long;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		is_long = false;
		while (*++fmt == 'l' || *fmt == 'z')
			is_long = true;
		put_arg(&o, *fmt, is_long, &ap);
	}
	va_end(ap);
	sys3(SYS_write, 1, o.buf, o.len);
}
