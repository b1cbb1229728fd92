/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * badelf.c: is every hostile ELF header refused with ENOEXEC or ENOMEM, or
 * else harmless?  Each field of the file header and of the program headers of
 * a good program is set to each of a set of boundary values; also truncations.
 */
#include "ulib.h"

static unsigned char image[1 << 16], saved[1 << 16];
static size_t image_len;
static unsigned refused, ran, killed;
static char *const env[] = { NULL };

static const struct {
	const char	*name;
	unsigned	 off, size;
} fields[] = {
	{ "magic", 0, 4 }, { "class", 4, 1 }, { "data", 5, 1 },
	{ "version", 6, 1 }, { "type", 16, 2 }, { "machine", 18, 2 },
	{ "e_version", 20, 4 }, { "entry", 24, 8 }, { "phoff", 32, 8 },
	{ "ehsize", 52, 2 }, { "phentsize", 54, 2 }, { "phnum", 56, 2 },
	/* of each program header, from its start */
	{ "p_type", 1000, 4 }, { "p_flags", 1004, 4 }, { "p_offset", 1008, 8 },
	{ "p_vaddr", 1016, 8 }, { "p_filesz", 1032, 8 },
	{ "p_memsz", 1040, 8 }, { "p_align", 1048, 8 },
};
#define NFIELDS	(sizeof(fields) / sizeof(fields[0]))

static const uint64_t values[] = {
	0, 1, 2, 3, 0xff, 0x1000, 0x1001, 0xffff, 0x10000, 0x400000,
	0x7fffffff, 0x80000000UL, 0xffffffffUL, 0x100000000UL,
	0x7ffffffff000UL, 0x800000000000UL, 0x7fffffffffffffffUL,
	0x8000000000000000UL, 0xffffffff80100000UL, 0xfffffffffffff000UL,
	-1UL,
};

static void
load(const char *path)
{
	long fd = sys3(SYS_open, path, 0, 0), n;

	CHECK(fd >= 0, "open %s: %ld", path, fd);
	while ((n = sys3(SYS_read, fd, image + image_len,
	    sizeof(image) - image_len)) > 0)
		image_len += (size_t)n;
	sys1(SYS_close, fd);
	CHECK(image_len > 4096 && image_len < sizeof(image), "size");
	memcpy(saved, image, image_len);
}

static void
store(size_t len)
{
	size_t done = 0;
	long fd, n;

	fd = sys3(SYS_open, "/tmp/bad", 01 | 0100 | 01000, 0755);
	CHECK(fd >= 0, "create: %ld", fd);
	while (done < len) {
		n = sys3(SYS_write, fd, image + done, len - done);
		CHECK(n > 0, "write: %ld", n);
		done += (size_t)n;
	}
	sys1(SYS_close, fd);
}

static int
exec_bad(void *arg)
{
	char *argv[] = { "/tmp/bad", NULL };
	long r;

	(void)arg;
	/* a program that is started by mistake must not talk */
	sys1(SYS_close, 1);
	r = sys3(SYS_execve, "/tmp/bad", argv, env);
	if (r == -ENOEXEC || r == -ENOMEM)
		return 201;
	return r == -EINVAL || r == -EFAULT ? 202 : 203;
}

static void
attempt(const char *what, uint64_t v, size_t len)
{
	int status;

	store(len);
	status = run_child(exec_bad, NULL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 201)
		refused++;
	else if (WIFSIGNALED(status))
		killed++;
	else
		ran++;
	CHECK(!WIFEXITED(status) || WEXITSTATUS(status) < 202,
	    "%s = %lx: another error than ENOEXEC or ENOMEM", what, v);
}

static void
set(size_t at, unsigned size, uint64_t v)
{
	memcpy(image + at, &v, size);
}

int
main(int argc, char **argv, char **envp)
{
	unsigned phnum;

	(void)envp;
	load(argc > 1 ? argv[1] : "/bin/hello");
	phnum = image[56];
	for (unsigned f = 0; f < NFIELDS; f++) {
		unsigned n = fields[f].off >= 1000 ? phnum : 1;

		for (unsigned p = 0; p < n; p++) {
			size_t at = fields[f].off < 1000 ? fields[f].off :
			    64 + 56 * p + fields[f].off - 1000;

			for (unsigned v = 0; v < sizeof(values) / 8; v++) {
				set(at, fields[f].size, values[v]);
				attempt(fields[f].name, values[v], image_len);
				memcpy(image, saved, 4096);
			}
		}
	}
	for (size_t len = 0; len < 400; len += 13)
		attempt("length", len, len);
	CHECK(refused > 100, "only %u refused", refused);
	printf("badelf: %u refused, %u killed, %u ran\n", refused, killed, ran);
	return 0;
}
