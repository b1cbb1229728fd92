/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec_args.c: the strings that a program starts with, #! lines, and the first
 * stack.
 *
 * The stack, from the top down: a zero word, the path, the strings, the
 * platform name, 16 random bytes, then 16-byte aligned: auxiliary vector,
 * environment pointers, argument pointers, argc.
 *
 * I1: strings and their pointers together are at most EXEC_ARGMAX bytes.
 * Locks: none.
 * Sources: System V ABI AMD64 supplement 3.4; getauxval(3) of Linux.
 */
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/proc.h>

#include "exec_priv.h"

#define ARGS_FIRST	2048U

#define AT_NULL		0
#define AT_PHDR		3
#define AT_PHENT	4
#define AT_PHNUM	5
#define AT_PAGESZ	6
#define AT_BASE		7
#define AT_FLAGS	8
#define AT_ENTRY	9
#define AT_UID		11
#define AT_EUID		12
#define AT_GID		13
#define AT_EGID		14
#define AT_PLATFORM	15
#define AT_HWCAP	16
#define AT_CLKTCK	17
#define AT_SECURE	23
#define AT_RANDOM	25
#define AT_EXECFN	31
#define AUX_COUNT	18

static const char exec_platform[] = "x86_64";

/* ---- gathering ---- */

void
exec_args_fini(struct exec_args *ea)
{
	kfree(ea->buf);
	ea->buf = NULL;
}

/* args_grow: at least need bytes of room behind len. */
static int
args_grow(struct exec_args *ea, size_t need)
{
	size_t cap;
	char *buf;

	if (ea->cap - ea->len >= need)
		return 0;
	cap = MAX(ea->cap * 2, (size_t)ARGS_FIRST);
	while (cap - ea->len < need)
		cap *= 2;
	if (cap > EXEC_ARGMAX * 2)
		return E2BIG;
	buf = kmalloc(cap, M_WAITOK);
	if (buf == NULL)
		return ENOMEM;
	if (ea->len > 0)
		memcpy(buf, ea->buf, ea->len);
	kfree(ea->buf);
	ea->buf = buf;
	ea->cap = cap;
	return 0;
}

/* args_added: one more string of len bytes; within the limits? */
static int
args_added(struct exec_args *ea, size_t len)
{
	ea->len += len;
	ea->count++;
	if (len > EXEC_ARGSTR ||
	    ea->len + ea->count * sizeof(uint64_t) > EXEC_ARGMAX)
		return E2BIG;
	return 0;
}

static int
args_add_user(struct exec_args *ea, struct uaddr str)
{
	size_t n;
	int error;

	error = args_grow(ea, 1);
	while (error == 0) {
		error = copyinstr(str, ea->buf + ea->len, ea->cap - ea->len,
		    &n);
		if (error == 0)
			return args_added(ea, n);
		if (error != ENAMETOOLONG)
			return error;
		if (ea->cap - ea->len > EXEC_ARGSTR)
			return E2BIG;
		error = args_grow(ea, (ea->cap - ea->len) * 2);
	}
	return error;
}

/* args_vector: the strings of a NULL-ended vector; NULL itself is empty. */
static int
args_vector(struct exec_args *ea, struct uaddr vec, unsigned *countp)
{
	uint64_t p;
	unsigned before = ea->count;
	int error;

	error = 0;
	while (vec.ua != 0 && error == 0) {
		error = fuword64(vec, &p);
		if (error != 0 || p == 0)
			break;
		error = args_add_user(ea, uaddr(p));
		vec = uaddr_add(vec, sizeof(p));
	}
	*countp = ea->count - before;
	return error;
}

static int
args_add_kernel(struct exec_args *ea, const char *s)
{
	size_t n = strlen(s) + 1;
	int error;

	error = args_grow(ea, n);
	if (error != 0)
		return error;
	memcpy(ea->buf + ea->len, s, n);
	return args_added(ea, n);
}

int
exec_args_user(struct exec_args *ea, struct uaddr argv, struct uaddr envp)
{
	int error;

	error = args_vector(ea, argv, &ea->argc);
	/* A program may take argv[0] for granted (CVE-2021-4034). */
	if (error == 0 && ea->argc == 0) {
		error = args_add_kernel(ea, "");
		ea->argc = 1;
	}
	if (error == 0)
		error = args_vector(ea, envp, &ea->envc);
	return error;
}

int
exec_args_kernel(struct exec_args *ea, const char *const *argv,
    const char *const *envp)
{
	int error;

	error = 0;
	for (; *argv != NULL && error == 0; argv++, ea->argc++)
		error = args_add_kernel(ea, *argv);
	for (; *envp != NULL && error == 0; envp++, ea->envc++)
		error = args_add_kernel(ea, *envp);
	return error;
}

/* args_push: s becomes the first string. */
static int
args_push(struct exec_args *ea, const char *s)
{
	size_t n = strlen(s) + 1;
	int error;

	error = args_grow(ea, n);
	if (error != 0)
		return error;
	memmove(ea->buf + n, ea->buf, ea->len);
	memcpy(ea->buf, s, n);
	ea->argc++;
	return args_added(ea, n);
}

int
exec_args_script(struct exec_args *ea, const char *interp, const char *arg,
    const char *path)
{
	char *copy;
	size_t n;
	int error;

	/* path may be argv[0] itself, which goes now. */
	n = strlen(path) + 1;
	copy = kmalloc(n, M_WAITOK);
	if (copy == NULL)
		return ENOMEM;
	memcpy(copy, path, n);
	n = strlen(ea->buf) + 1;
	memmove(ea->buf, ea->buf + n, ea->len - n);
	ea->len -= n;
	ea->count--;
	ea->argc--;
	error = args_push(ea, copy);
	if (error == 0 && arg != NULL)
		error = args_push(ea, arg);
	if (error == 0)
		error = args_push(ea, interp);
	kfree(copy);
	return error;
}

static bool
isblank(char c)
{
	return c == ' ' || c == '\t';
}

bool
exec_script(const struct exec *ex, char interp[EXEC_HASHBANG], char **arg)
{
	size_t n, max;
	char *p, *end;

	if (ex->headlen < 2 || ex->head[0] != '#' || ex->head[1] != '!')
		return false;
	*arg = NULL;
	interp[0] = '\0';
	max = MIN(ex->headlen - 2, EXEC_HASHBANG - 1);
	for (n = 0; n < max && ex->head[2 + n] != '\n'; n++)
		;
	/* A line that does not end within reach is not cut, but refused. */
	if (n == EXEC_HASHBANG - 1)
		return true;
	memcpy(interp, ex->head + 2, n);
	for (end = interp + n; end > interp && isblank(end[-1]); end--)
		;
	*end = '\0';
	for (p = interp; isblank(*p); p++)
		;
	memmove(interp, p, (size_t)(end - p) + 1);
	for (p = interp; *p != '\0' && !isblank(*p); p++)
		;
	if (*p == '\0')
		return true;
	*p++ = '\0';
	while (isblank(*p))
		p++;
	*arg = p;
	return true;
}

/* ---- the first stack ---- */

/* Where the parts of the stack are. */
struct stack_plan {
	uint64_t	path, strings, platform, random;
	uint64_t	sp;
	size_t		words;		/* at sp */
};

static void
stack_layout(const struct exec *ex, const char *path, struct stack_plan *s)
{
	const struct exec_args *ea = &ex->args;

	s->path = USER_STACK_TOP - sizeof(uint64_t) - (strlen(path) + 1);
	s->strings = s->path - ea->len;
	s->platform = s->strings - sizeof(exec_platform);
	s->random = (s->platform - 16) & ~15UL;
	s->words = 1 + ea->argc + 1 + ea->envc + 1 + 2 * AUX_COUNT;
	s->sp = (s->random - s->words * sizeof(uint64_t)) & ~15UL;
}

/* stack_pointers: count pointers to successive strings, then NULL. */
static uint64_t *
stack_pointers(uint64_t *w, const char **str, uint64_t *at, unsigned count)
{
	size_t n;

	while (count-- > 0) {
		*w++ = *at;
		n = strlen(*str) + 1;
		*str += n;
		*at += n;
	}
	*w++ = 0;
	return w;
}

static void
stack_auxv(uint64_t *w, const struct exec *ex, const struct stack_plan *s)
{
	const struct exec_plan *plan = &ex->plan;
	const struct pcred *cr = &curproc->p_cred;
	const uint64_t aux[AUX_COUNT][2] = {
		{ AT_PHDR, plan->phdr }, { AT_PHENT, 56 },
		{ AT_PHNUM, plan->phnum }, { AT_PAGESZ, PAGE_SIZE },
		{ AT_BASE, ex->interp.base }, { AT_FLAGS, 0 },
		{ AT_ENTRY, plan->entry },
		{ AT_UID, cr->cr_uid[ID_REAL] },
		{ AT_EUID, cr->cr_uid[ID_EFF] },
		{ AT_GID, cr->cr_gid[ID_REAL] },
		{ AT_EGID, cr->cr_gid[ID_EFF] },
		{ AT_PLATFORM, s->platform }, { AT_HWCAP, 0 },
		{ AT_CLKTCK, 100 }, { AT_SECURE, 0 },
		{ AT_RANDOM, s->random }, { AT_EXECFN, s->path },
		{ AT_NULL, 0 },
	};

	memcpy(w, aux, sizeof(aux));
}

static int
stack_copyout(const struct exec *ex, const char *path,
    const struct stack_plan *s, const uint64_t *words)
{
	uint8_t random[16];
	int error;

	kern_random(random, sizeof(random));
	error = copyout(path, uaddr(s->path), strlen(path) + 1);
	if (error == 0)
		error = copyout(ex->args.buf, uaddr(s->strings), ex->args.len);
	if (error == 0)
		error = copyout(exec_platform, uaddr(s->platform),
		    sizeof(exec_platform));
	if (error == 0)
		error = copyout(random, uaddr(s->random), sizeof(random));
	if (error == 0)
		error = copyout(words, uaddr(s->sp),
		    s->words * sizeof(uint64_t));
	return error;
}

int
exec_stack(struct exec *ex, const char *path, uint64_t *spp)
{
	const struct exec_args *ea = &ex->args;
	const char *str = ea->buf;
	struct stack_plan s;
	uint64_t *words, *w, at;
	int error;

	stack_layout(ex, path, &s);
	words = kmalloc(s.words * sizeof(*words), M_WAITOK);
	if (words == NULL)
		return ENOMEM;
	w = words;
	*w++ = ea->argc;
	at = s.strings;
	w = stack_pointers(w, &str, &at, ea->argc);
	w = stack_pointers(w, &str, &at, ea->envc);
	stack_auxv(w, ex, &s);
	error = stack_copyout(ex, path, &s, words);
	kfree(words);
	*spp = s.sp;
	return error;
}
