/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * interps.c: programs with an interpreter of their own (PT_INTERP), as dynamic
 * ones have: is it started, told where it is and what to start, and is each bad
 * one refused?  The program is this one, with a header more; the interpreter is
 * made here: it notes its own address in AT_FLAGS and goes to AT_ENTRY.
 */
#include "ulib.h"

enum { ELIBBAD = 80, PT_INTERP = 3, PT_GNU_STACK = 0x6474e551, HEAD = 0x1000,
    AT_BASE = 7, AT_FLAGS = 8, AT_ENTRY = 9 };

struct ehdr {
	unsigned char	ident[16];
	uint16_t	type, machine;
	uint32_t	version;
	uint64_t	entry, phoff, shoff;
	uint32_t	flags;
	uint16_t	ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct phdr {
	uint32_t	type, flags;
	uint64_t	offset, vaddr, paddr, filesz, memsz, align;
};

/* The interpreter: code that runs anywhere.  rsi: where AT_FLAGS' value is, rdi:
 * AT_ENTRY's; the rest of its page, behind its bss, must read zero. */
extern char linker[], linker_end[];
__asm__(
    "linker:\n"
    "\tmov	(%rsp), %rcx\n"			/* argc */
    "\tlea	16(%rsp,%rcx,8), %rax\n"	/* envp */
    "1:\tadd	$8, %rax\n"
    "\tcmpq	$0, -8(%rax)\n"
    "\tjne	1b\n"
    "2:\tcmpq	$8, (%rax)\n"
    "\tcmove	%rax, %rsi\n"
    "\tcmpq	$9, (%rax)\n"
    "\tcmove	%rax, %rdi\n"
    "\tadd	$16, %rax\n"
    "\tcmpq	$0, -16(%rax)\n"
    "\tjne	2b\n"
    "\tlea	linker(%rip), %rax\n"
    "\tcmpb	$0, linker_end - linker + 64(%rax)\n"
    "\tjne	3f\n"
    "\tmov	%rax, 8(%rsi)\n"
    "3:\tjmp	*8(%rdi)\n"
    "linker_end:\n");

static unsigned char image[1 << 17];
static size_t image_len;
static struct phdr *spare;

static void
put_file(const char *path, const void *bytes, size_t len, int mode)
{
	size_t done = 0;
	long fd, n;

	sys1(87, path);				/* unlink */
	fd = sys3(SYS_open, path, 01 | 0100 | 01000, mode);
	CHECK(fd >= 0, "create %s: %ld", path, fd);
	while (done < len) {
		n = sys3(SYS_write, fd, (const char *)bytes + done, len - done);
		CHECK(n > 0, "write: %ld", n);
		done += (size_t)n;
	}
	sys1(SYS_close, fd);
}

/* The interpreter; rubbish behind its bytes in the file. */
static void
put_linker(const char *path, int mode)
{
	static unsigned char file[HEAD + 512];
	size_t len = (size_t)(linker_end - linker);
	struct ehdr *e = (struct ehdr *)file;
	struct phdr *p = (struct phdr *)(e + 1);

	memset(file, 0xa5, sizeof(file));
	*e = (struct ehdr){ .ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
	    .type = 3, .machine = 62, .version = 1, .entry = HEAD,
	    .phoff = sizeof(*e), .ehsize = sizeof(*e), .phentsize = sizeof(*p),
	    .phnum = 1 };
	*p = (struct phdr){ .type = 1, .flags = 7, .offset = HEAD,
	    .vaddr = HEAD, .filesz = len, .memsz = len + 16, .align = PGSZ };
	memcpy(file + HEAD, linker, len);
	put_file(path, file, sizeof(file), mode);
}

static void
load(const char *path)
{
	long fd = sys3(SYS_open, path, 0, 0), n;
	struct ehdr *e = (struct ehdr *)image;
	struct phdr *p;

	CHECK(fd >= 0, "open %s: %ld", path, fd);
	while ((n = sys3(SYS_read, fd, image + image_len,
	    sizeof(image) - image_len)) > 0)
		image_len += (size_t)n;
	sys1(SYS_close, fd);
	CHECK(image_len > HEAD && image_len + 64 < sizeof(image), "size");
	p = (struct phdr *)(image + e->phoff);
	for (unsigned i = 0; i < e->phnum; i++)
		if (p[i].type == PT_GNU_STACK)
			spare = &p[i];
	CHECK(spare != NULL, "no header to spare");
}

static int
run(void *arg)
{
	char *argv[] = { "/tmp/dyn", "started", NULL };
	char *envp[] = { "A=b", NULL };

	(void)arg;
	return (int)-sys3(SYS_execve, argv[0], argv, envp);
}

/* /tmp/dyn asks for an interpreter by these bytes, len of them: the status. */
static int
start(const char *interp, size_t len)
{
	memcpy(image + image_len, interp, len);
	*spare = (struct phdr){ .type = PT_INTERP, .flags = 4,
	    .offset = image_len, .filesz = len, .memsz = len, .align = 1 };
	put_file("/tmp/dyn", image, image_len + len, 0755);
	return run_child(run, NULL);
}

static void
refused(const char *interp, size_t len, int error, const char *what)
{
	int st = start(interp, len);

	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == error, "%s: status %x", what,
	    st);
}

/* What the interpreter and the kernel have said to the program. */
static int
started(char **envp)
{
	uint64_t base = 0, flags = 0, entry = 0, *aux;

	while (*envp != NULL)
		envp++;
	for (aux = (uint64_t *)(envp + 1); *aux != 0; aux += 2) {
		if (aux[0] == AT_BASE)
			base = aux[1];
		else if (aux[0] == AT_FLAGS)
			flags = aux[1];
		else if (aux[0] == AT_ENTRY)
			entry = aux[1];
	}
	CHECK(base != 0 && base % PGSZ == 0 && flags == base + HEAD,
	    "base %lx, the interpreter at %lx", base, flags);
	CHECK(entry - 0x400000 < sizeof(image), "entry %lx", entry);
	return 7;
}

int
main(int argc, char **argv, char **envp)
{
	int st;

	if (argc == 2 && strcmp(argv[1], "started") == 0)
		return started(envp);
	load("/proc/self/exe");
	put_linker("/tmp/linker", 0755);
	st = start("/tmp/linker", 12);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 7, "status %x", st);
	refused("/tmp/linker", 11, ENOEXEC, "a path without end");
	refused("", 1, ENOEXEC, "a path of nothing");
	refused("/tmp/none", 10, ENOENT, "none there");
	refused("/tmp", 5, EACCES, "a directory");
	put_linker("/tmp/linker", 0644);
	refused("/tmp/linker", 12, EACCES, "not executable");
	put_file("/tmp/linker", image + 64, 4096, 0755);
	refused("/tmp/linker", 12, ELIBBAD, "no program");
	sys1(87, "/tmp/dyn");
	sys1(87, "/tmp/linker");
	printf("interps: started, and bad ones refused\n");
	return 0;
}
