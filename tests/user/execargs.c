/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execargs.c: do argv, envp and the auxiliary vector arrive whole, and are
 * limits answered: E2BIG, ENOENT, EACCES, ENOEXEC, a script, a static-PIE?
 */
#include "ulib.h"

#define AT_PHDR		3
#define AT_PHNUM	5
#define AT_PAGESZ	6
#define AT_ENTRY	9
#define AT_RANDOM	25
#define AT_EXECFN	31

static char *big[70000];
static char filler[4096];

static int
inner(int argc, char **argv, char **envp)
{
	unsigned long *aux, seen = 0;

	CHECK(argc == 4 && strcmp(argv[2], "two words") == 0 &&
	    argv[3][0] == '\0' && argv[4] == NULL, "argv");
	CHECK(strcmp(envp[0], "A=1") == 0 && strcmp(envp[1], "B=") == 0 &&
	    envp[2] == NULL, "envp");
	CHECK(((unsigned long)(argv - 1) & 15) == 0, "stack alignment");
	for (aux = (unsigned long *)(envp + 3); aux[0] != 0; aux += 2) {
		if (aux[0] < 64)
			seen |= 1UL << aux[0];
		if (aux[0] == AT_PAGESZ)
			CHECK(aux[1] == PGSZ, "page size %lu", aux[1]);
		if (aux[0] == AT_EXECFN)
			CHECK(strcmp((char *)aux[1], argv[0]) == 0,
			    "execfn %s", (char *)aux[1]);
	}
	CHECK((seen & (1UL << AT_PHDR)) && (seen & (1UL << AT_PHNUM)) &&
	    (seen & (1UL << AT_ENTRY)) && (seen & (1UL << AT_RANDOM)),
	    "auxv %lx", seen);
	return 33;
}

static int
try_inner(void *path)
{
	char *argv[] = { path, "inner", "two words", "", NULL };
	char *env[] = { "A=1", "B=", NULL };

	return (int)-sys3(SYS_execve, path, argv, env);
}

static int
try_path(void *path)
{
	char *argv[] = { path, NULL };
	char *env[] = { NULL };

	return (int)-sys3(SYS_execve, path, argv, env);
}

static int
try_big(void *path)
{
	char *env[] = { NULL };

	memset(filler, 'x', sizeof(filler) - 1);
	for (int i = 0; i < 69999; i++)
		big[i] = filler;
	return (int)-sys3(SYS_execve, path, big, env);
}

static void
put_file(const char *path, const char *text, int mode)
{
	long fd = sys3(SYS_open, path, 01 | 0100 | 01000, mode);

	CHECK(fd >= 0, "create %s: %ld", path, fd);
	sys3(SYS_write, fd, text, strlen(text));
	sys1(SYS_close, fd);
}

static void
expect(int (*fn)(void *), void *arg, int want, const char *what)
{
	int status = run_child(fn, arg);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == want,
	    "%s: status %x, not %d", what, status, want);
}

int
main(int argc, char **argv, char **envp)
{
	char *self = argv[0];

	if (argc > 1 && strcmp(argv[1], "inner") == 0)
		return inner(argc, argv, envp);
	if (argc > 2 && strcmp(argv[1], "scripted") == 0)
		return 44;
	expect(try_inner, self, 33, "arguments");
	expect(try_path, "/no/such", ENOENT, "missing");
	expect(try_path, "/bin", EACCES, "directory");
	expect(try_big, self, E2BIG, "long arguments");
	put_file("/tmp/text", "just words\n", 0755);
	expect(try_path, "/tmp/text", ENOEXEC, "text");
	put_file("/tmp/empty", "", 0755);
	expect(try_path, "/tmp/empty", ENOEXEC, "empty");
	put_file("/tmp/script", "#!/bin/execargs scripted\n", 0755);
	if (strcmp(self, "/bin/execargs") == 0)
		expect(try_path, "/tmp/script", 44, "script");
	put_file("/tmp/loop", "#!/tmp/loop\n", 0755);
	expect(try_path, "/tmp/loop", 40, "interpreter loop (ELOOP)");
	put_file("/tmp/bare", "#!\n", 0755);
	expect(try_path, "/tmp/bare", ENOEXEC, "script of nobody");
	put_file("/tmp/bare", "#!  \t \necho\n", 0755);
	expect(try_path, "/tmp/bare", ENOEXEC, "script of blanks");
	put_file("/tmp/nointerp", "#!/no/such\n", 0755);
	expect(try_path, "/tmp/nointerp", ENOENT, "missing interpreter");
	printf("execargs: arguments, errors, scripts\n");
	return 0;
}
