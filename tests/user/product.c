/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * product.c: do mmap, munmap, mprotect and madvise give the right error for
 * every product of boundary arguments (about 100,000)?
 *
 * product gen prints the table, product FILE compares with it.  The table
 * tests/expect/product.txt was made by the same program on Linux as an
 * unprivileged user with vm.mmap_min_addr 65536 (Debian's default); run length
 * coded, one letter a result.
 */
#include "ulib.h"

#define ARENA	0x20000000UL
#define ARENA_LEN (64 * PGSZ)

static const unsigned long addrs[] = {
	0, 1, PGSZ, 0xf000, 0x10000, 0x10001, 0x18000,
	ARENA - PGSZ, ARENA - 1, ARENA, ARENA + 1, ARENA + PGSZ,
	ARENA + 8 * PGSZ, ARENA + 15 * PGSZ, ARENA + 16 * PGSZ,
	ARENA + 16 * PGSZ + 7, ARENA + 20 * PGSZ, ARENA + 23 * PGSZ,
	ARENA + 24 * PGSZ, ARENA + 28 * PGSZ, ARENA + 31 * PGSZ,
	ARENA + 32 * PGSZ, ARENA + 36 * PGSZ, ARENA + 39 * PGSZ,
	ARENA + 40 * PGSZ, ARENA + 44 * PGSZ, ARENA + 47 * PGSZ,
	ARENA + 48 * PGSZ, ARENA + 60 * PGSZ, ARENA + 63 * PGSZ,
	ARENA + 64 * PGSZ, 0x7ffffffff000UL, 0x7ffffffff001UL,
	0x800000000000UL, 0x800000001000UL, 0x7fffffffffffffffUL,
	0x8000000000000000UL, 0xffff800000000000UL, -PGSZ, -1UL,
};
static const unsigned long lens[] = {
	0, 1, 4095, 4096, 4097, 8191, 8192, 0x4000, 0x7fff, 0x8000, 0x10000,
	0x10001, 0x18000, 0x20000, 0x30001, 0x40000, 1UL << 47, 1UL << 48,
	1UL << 63, -2 * PGSZ, -PGSZ, -1UL,
};
static const int prots[] = { 0, 1, 2, 3, 4, 5, 7, 8, 16, -1 };
static const int mprots[] = { 0, 1, 2, 3, 5, 7 };
static const int flags[] = {
	0x22, 0x21, 0x32, 0x31, 0x20, 0x23, 0x100022, 0x122, 0x4022, 0x8022,
	0x02, 0x01, 0x00, 0x20022, 0x100021,
};
static const int advices[] = {
	0, 1, 2, 3, 4, 8, 10, 11, 18, 19, 5, 6, 7, 99, 1000, -1, 0x7fffffff,
};
#define N(a)	(sizeof(a) / sizeof((a)[0]))

static char out[1 << 18];
static size_t outlen;
static char run_char;
static unsigned run_count, total, in_line;

static void
must(unsigned long at, unsigned long len, int prot, int fl)
{
	long r = sys6(SYS_mmap, (long)at, (long)len, prot, fl | MAP_ANON |
	    MAP_FIXED, -1, 0);

	CHECK(r == (long)at, "arena: %ld", r);
}

/* 0-15 rw, 16-23 hole, 24-31 r, 32-39 none, 40-47 shared rw, 48-63 hole */
static void
arena_make(void)
{
	sys2(SYS_munmap, ARENA - 16 * PGSZ, ARENA_LEN + 256 * PGSZ);
	sys2(SYS_munmap, 0x10000, 0x80000);
	must(ARENA, 16 * PGSZ, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	must(ARENA + 24 * PGSZ, 8 * PGSZ, PROT_READ, MAP_PRIVATE);
	must(ARENA + 32 * PGSZ, 8 * PGSZ, PROT_NONE, MAP_PRIVATE);
	must(ARENA + 40 * PGSZ, 8 * PGSZ, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static void
put_char(char c)
{
	if (outlen < sizeof(out))
		out[outlen++] = c;
	if (++in_line >= 100 && c != '\n' && (c < '0' || c > '9')) {
		out[outlen++] = '\n';
		in_line = 0;
	}
}

static void
flush_run(void)
{
	char b[12];
	int i = 0;

	for (unsigned n = run_count; run_count > 1 && n > 0; n /= 10)
		b[i++] = (char)('0' + n % 10);
	while (i > 0)
		put_char(b[--i]);
	if (run_count > 0)
		put_char(run_char);
	run_count = 0;
}

static char
letter(long r)
{
	static const struct {
		int	error;
		char	c;
	} map[] = {
		{ EINVAL, 'E' }, { ENOMEM, 'N' }, { EACCES, 'A' },
		{ EPERM, 'P' }, { EEXIST, 'X' }, { EFAULT, 'F' },
		{ EBADF, 'B' }, { ENOSYS, 'S' },
	};

	if (r >= 0 || r < -4095)
		return '.';
	for (unsigned i = 0; i < N(map); i++) {
		if (map[i].error == -r)
			return map[i].c;
	}
	return '?';
}

static void
result(long r)
{
	char c = letter(r);

	total++;
	if (c != run_char || run_count == 0) {
		flush_run();
		run_char = c;
	}
	run_count++;
}

static void
all_mmap(unsigned long a, unsigned long len)
{
	for (unsigned p = 0; p < N(mprots); p++) {
		for (unsigned f = 0; f < N(flags); f++) {
			long r = sys6(SYS_mmap, (long)a, (long)len, mprots[p],
			    flags[f], -1, 0);

			result(r);
			if (letter(r) != '.')
				continue;
			sys2(SYS_munmap, r, len);
			if (flags[f] & MAP_FIXED || (unsigned long)r - ARENA <
			    ARENA_LEN)
				arena_make();
		}
	}
}

static void
all_other(unsigned long a, unsigned long len)
{
	long r;

	result(r = sys2(SYS_munmap, a, len));
	if (r == 0)
		arena_make();
	for (unsigned p = 0; p < N(prots); p++) {
		result(r = sys3(SYS_mprotect, a, len, prots[p]));
		if (r == 0 || r == -ENOMEM || r == -EACCES)
			arena_make();
	}
	for (unsigned v = 0; v < N(advices); v++) {
		/* Linux walks a range beyond the address space and applies
		 * what takes contents away to all of the program in it; and
		 * DOFORK (11) meets its vvar pages there, which we lack. */
		if (len >= 1UL << 47 && (advices[v] == 4 || advices[v] == 8 ||
		    advices[v] == 10 || advices[v] == 11 || advices[v] == 18))
			continue;
		result(sys3(SYS_madvise, a, len, advices[v]));
	}
	arena_make();
}

static void
run_all(void)
{
	arena_make();
	for (unsigned a = 0; a < N(addrs); a++) {
		for (unsigned l = 0; l < N(lens); l++) {
			all_mmap(addrs[a], lens[l]);
			all_other(addrs[a], lens[l]);
		}
	}
	flush_run();
	put_char('\n');
}

static char golden[1 << 18];

static int
compare(const char *path)
{
	long fd = sys3(SYS_open, path, 0, 0), n;
	size_t len = 0, bad = 0;

	CHECK(fd >= 0, "open %s: %ld", path, fd);
	while ((n = sys3(SYS_read, fd, golden + len, sizeof(golden) - len)) > 0)
		len += (size_t)n;
	while (bad < len && bad < outlen && golden[bad] == out[bad])
		bad++;
	if (bad == len && bad == outlen)
		return 0;
	printf("product: differs at byte %zu of %zu:\n", bad, len);
	n = (long)(bad > 40 ? bad - 40 : 0);
	golden[bad + 40 < sizeof(golden) ? bad + 40 : 0] = '\0';
	out[bad + 40 < sizeof(out) ? bad + 40 : 0] = '\0';
	printf("want ...%s\n", golden + n);
	printf("got  ...%s\n", out + n);
	return 1;
}

int
main(int argc, char **argv, char **envp)
{
	(void)envp;
	run_all();
	if (argc > 1 && strcmp(argv[1], "gen") == 0) {
		sys3(SYS_write, 1, out, outlen);
		return 0;
	}
	CHECK(argc > 1, "usage: product gen | FILE");
	CHECK(total > 100000, "only %u results", total);
	if (compare(argv[1]) != 0)
		return 1;
	printf("product: %u results as in the table\n", total);
	return 0;
}
