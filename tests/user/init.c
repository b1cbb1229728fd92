/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: process 1 of a test boot: runs each line of /etc/suite as a command,
 * one after the other, and ends with the number that failed.
 *
 * init [suite [seed]]: another file, and what the word SEED in it stands for
 * (boot option initargs=/etc/stress:7).  Linux gives its process 1 the words of
 * its command line that it does not know: what is no path is not for us.  A line
 * is a program and its arguments, separated by spaces; "sh" lines go to busybox
 * whole.  Status 77 counts as skipped.
 */
#include "ulib.h"

#define MAXARGS	16

static char suite[16384];
static char *seed = "1";
static char *const env[] = { "PATH=/bin", "HOME=/", "TERM=linux", NULL };

static void
load_suite(const char *path)
{
	long fd = sys3(SYS_open, path, 0, 0), n;
	size_t len = 0;

	CHECK(fd >= 0, "open %s: %ld", path, fd);
	while ((n = sys3(SYS_read, fd, suite + len,
	    sizeof(suite) - 1 - len)) > 0)
		len += (size_t)n;
	sys1(SYS_close, fd);
}

/* next_line: the line at *pos, terminated; NULL at the end. */
static char *
next_line(char **pos)
{
	char *line = *pos, *p = line;

	if (*p == '\0')
		return NULL;
	while (*p != '\0' && *p != '\n')
		p++;
	if (*p == '\n')
		*p++ = '\0';
	*pos = p;
	return line;
}

static void
split(char *line, char **argv)
{
	int n = 0;

	if (strncmp(line, "sh ", 3) == 0) {
		argv[0] = "/bin/busybox";
		argv[1] = "sh";
		argv[2] = "-c";
		argv[3] = line + 3;
		argv[4] = NULL;
		return;
	}
	while (*line != '\0' && n < MAXARGS - 1) {
		argv[n++] = line;
		while (*line != '\0' && *line != ' ')
			line++;
		while (*line == ' ')
			*line++ = '\0';
		if (strcmp(argv[n - 1], "SEED") == 0)
			argv[n - 1] = seed;
	}
	argv[n] = NULL;
}

/* run_line: the wait status of one command. */
static int
run_line(char *line)
{
	char *argv[MAXARGS];
	int status = 0;
	long pid, r;

	pid = fork();
	if (pid == 0) {
		split(line, argv);
		r = sys3(SYS_execve, argv[0], argv, env);
		printf("init: exec %s: error %ld\n", argv[0], -r);
		exit(127);
	}
	CHECK(pid > 0, "fork: %ld", pid);
	while ((r = waitpid(-1, &status)) != pid)
		CHECK(r > 0, "wait: %ld", r);	/* an orphan of a test */
	return status;
}

static const char *
word(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return "ok";
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		return "skip";
	return "not ok";
}

int
main(int argc, char **argv, char **envp)
{
	char *pos = suite, *line, name[128];
	int passed = 0, failed = 0, skipped = 0, status;

	(void)envp;
	if (argc > 1 && argv[1][0] != '/')
		argc = 1;
	if (argc > 2)
		seed = argv[2];
	load_suite(argc > 1 ? argv[1] : "/etc/suite");
	while ((line = next_line(&pos)) != NULL) {
		size_t n = strlen(line);

		if (n == 0 || line[0] == '#')
			continue;
		n = n < sizeof(name) ? n : sizeof(name) - 1;
		memcpy(name, line, n);
		name[n] = '\0';
		status = run_line(line);
		if (word(status)[0] == 'o')
			passed++;
		else if (word(status)[0] == 's')
			skipped++;
		else
			failed++;
		printf("%s %d - %s", word(status), passed + failed + skipped,
		    name);
		if (WIFSIGNALED(status))
			printf(" (signal %d)", WTERMSIG(status));
		else if (WEXITSTATUS(status) != 0)
			printf(" (status %d)", WEXITSTATUS(status));
		printf("\n");
	}
	printf("user: %d passed, %d failed, %d skipped\n", passed, failed,
	    skipped);
	return failed != 0 || passed == 0;
}
