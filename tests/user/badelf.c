/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * badelf.c: is every hostile ELF header refused with ENOEXEC or ENOMEM, or
 * else harmless?  Each field of the file header and of the program headers of
 * a good program is set to each of a set of boundary values; also truncations.
 * Then n programs with several damages at random, as on the host (elf_fuzz.c).
 *
 *	badelf [program [n [seed]]]
 */
#include "ulib.h"

#include "elfmut.h"

static unsigned char image[1 << 16], saved[1 << 16];
static size_t image_len;
static unsigned refused, ran, killed;
static volatile long *said;		/* what exec did, in the child */
static const long soon[4] = { 0, 0, 0, 100000 };
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

	(void)arg;
	/* a program that is started by mistake must not talk, nor stay */
	sys1(SYS_close, 1);
	sys3(38 /* setitimer */, 0, soon, 0);
	*said = sys3(SYS_execve, "/tmp/bad", argv, env);
	return 0;
}

/* ENOENT and EACCES: a header became an interpreter's, and its path is none. */
static bool
right(long result)
{
	return result == 0 || result == -ENOEXEC || result == -ENOMEM ||
	    result == -ENOENT || result == -EACCES;
}

static void
attempt(const char *what, uint64_t v, size_t len)
{
	int status;

	store(len);
	*said = 0;
	status = run_child(exec_bad, NULL);
	CHECK(right(*said), "%s = %lx: error %ld", what, v, -*said);
	if (*said != 0)
		refused++;
	else if (WIFSIGNALED(status))
		killed++;
	else
		ran++;
}

static void
set(size_t at, unsigned size, uint64_t v)
{
	memcpy(image + at, &v, size);
}

/* at_random: n images, each damaged a few times. */
static void
at_random(unsigned n, uint64_t seed)
{
	unsigned phnum = image[56];
	uint64_t len;

	while (n-- > 0) {
		len = image_len;
		for (uint64_t k = 1 + elfmut_below(&seed, 4); k > 0; k--)
			elfmut(&seed, image, phnum, &len);
		attempt("image", n, len);
		memcpy(image, saved, image_len);
	}
}

int
main(int argc, char **argv, char **envp)
{
	unsigned phnum;

	(void)envp;
	said = map_shared(PGSZ);
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
	if (argc > 2)
		at_random((unsigned)strtoul(argv[2]), (argc > 3 ?
		    strtoul(argv[3]) : 1) * 0x9e3779b97f4a7c15UL + 1);
	sys1(87 /* unlink */, "/tmp/bad");
	CHECK(refused > 100, "only %u refused", refused);
	printf("badelf: %u refused, %u killed, %u ran\n", refused, killed, ran);
	return 0;
}
