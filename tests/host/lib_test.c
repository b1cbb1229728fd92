/* SPDX-License-Identifier: BSD-2-Clause */
/* lib_test.c: kern/lib string, format and random functions; queue checks. */
#include <lib/ksnprintf.h>
#include <lib/prng.h>
#include <lib/queue.h>
#include <lib/string.h>
#include <sys/errno.h>

#include "harness.h"

/* Does each conversion print what C99 says? */
KTEST(lib, format)
{
	static const struct {
		const char	*want;
		const char	*fmt;
		long		 v;
	} cases[] = {
		{ "0", "%ld", 0 }, { "-1", "%ld", -1 },
		{ "   42", "%5ld", 42 }, { "42   ", "%-5ld", 42 },
		{ "00042", "%05ld", 42 }, { "-0042", "%05ld", -42 },
		{ "+42", "%+ld", 42 }, { " 42", "% ld", 42 },
		{ "  0042", "%6.4ld", 42 }, { "ff", "%lx", 255 },
		{ "0xff", "%#lx", 255 }, { "0XFF", "%#lX", 255 },
		{ "0x00ff", "%#06lx", 255 }, { "377", "%lo", 255 },
		{ "0377", "%#lo", 255 }, { "0", "%#lx", 0 },
		{ "18446744073709551615", "%lu", -1 },
		{ "-9223372036854775808", "%ld", INT64_MIN },
	};
	char buf[64];

	for (unsigned i = 0; i < nitems(cases); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		int n = ksnprintf(buf, sizeof(buf), cases[i].fmt, cases[i].v);
#pragma GCC diagnostic pop

		KT_CHECK(t, strcmp(buf, cases[i].want) == 0, "%s gives %s",
		    cases[i].fmt, buf);
		KT_CHECK(t, n == (int)strlen(buf), "%s returns %d",
		    cases[i].fmt, n);
	}
	KT_CHECK(t, ksnprintf(buf, 4, "%s", "abcdef") == 6, "length");
	KT_CHECK(t, strcmp(buf, "abc") == 0, "truncated to %s", buf);
	ksnprintf(buf, sizeof(buf), "%.2s|%-4c|%p|%hhu|%%|%*d", "xyz", 'c',
	    (void *)0x10, 257, 3, 7);
	KT_CHECK(t, strcmp(buf, "xy|c   |0x10|1|%|  7") == 0, "%s", buf);
}

/* Do numbers parse whole, with suffixes, and refuse what does not fit? */
KTEST(lib, kstrtoul)
{
	static const struct {
		const char	*s;
		int		 base, error;
		uint64_t	 v;
	} cases[] = {
		{ "0", 0, 0, 0 }, { "42", 0, 0, 42 }, { "0x2a", 0, 0, 42 },
		{ "052", 0, 0, 42 }, { "2a", 16, 0, 42 }, { "4K", 0, 0, 4096 },
		{ "1G", 10, 0, 1UL << 30 }, { "", 0, EINVAL, 0 },
		{ "x", 0, EINVAL, 0 }, { "12q", 0, EINVAL, 0 },
		{ "1KK", 0, EINVAL, 0 },
		{ "18446744073709551615", 10, 0, UINT64_MAX },
		{ "18446744073709551616", 10, ERANGE, 0 },
		{ "18446744073709551615K", 10, ERANGE, 0 },
	};

	for (unsigned i = 0; i < nitems(cases); i++) {
		uint64_t v = 0;
		int error = kstrtoul(cases[i].s, cases[i].base, &v);

		KT_CHECK(t, error == cases[i].error, "%s: error %d",
		    cases[i].s, error);
		KT_CHECK(t, v == cases[i].v, "%s: %lu", cases[i].s, v);
	}
}

KTEST(lib, string)
{
	char buf[8];

	KT_CHECK(t, strlcpy(buf, "abcdefghij", sizeof(buf)) == 10, "length");
	KT_CHECK(t, strcmp(buf, "abcdefg") == 0, "%s", buf);
	KT_CHECK(t, strstr("hello", "llo") != NULL, "present");
	KT_CHECK(t, strstr("hello", "lloo") == NULL, "absent");
	KT_CHECK(t, strrchr("a/b/c", '/')[1] == 'c', "last");
	KT_CHECK(t, strchr("abc", 'z') == NULL, "absent");
	KT_CHECK(t, memcmp("abc", "abd", 3) < 0, "order");
	KT_CHECK(t, memchr("abc", 'c', 2) == NULL, "beyond");
	KT_CHECK(t, strncmp("abc", "abd", 2) == 0, "prefix");
}

KTEST(lib, prng)
{
	struct prng a, b;

	prng_seed(&a, 7);
	prng_seed(&b, 7);
	for (int i = 0; i < 1000; i++) {
		KT_CHECK(t, prng_next(&a) == prng_next(&b), "step %d", i);
		KT_CHECK(t, prng_below(&a, 10) < 10, "bound");
		prng_below(&b, 10);
	}
}

struct link {
	LIST_ENTRY(link)	l;
	TAILQ_ENTRY(link)	q;
};
LIST_HEAD(list, link);
TAILQ_HEAD(tailq, link);

static void
bad_list(void *arg)
{
	struct list h;
	struct link a, b;

	(void)arg;
	LIST_INIT(&h);
	LIST_INSERT_HEAD(&h, &a, l);
	LIST_INSERT_HEAD(&h, &b, l);
	h.lh_first = &a;		/* b is lost: what the report saw */
	LIST_REMOVE(&b, l);
}

/* Does the removal of an element that its predecessor has forgotten panic with
 * the words of the founding report? */
KTEST(lib, queue_check)
{
	KT_CHECK(t, host_panics(bad_list, NULL, "prev->next != elm"), "text");
}

KTEST(lib, tailq)
{
	struct tailq h, h2;
	struct link e[4];
	int n = 0;
	struct link *p;

	TAILQ_INIT(&h);
	TAILQ_INIT(&h2);
	TAILQ_INSERT_TAIL(&h, &e[1], q);
	TAILQ_INSERT_HEAD(&h, &e[0], q);
	TAILQ_INSERT_AFTER(&h, &e[1], &e[3], q);
	TAILQ_INSERT_BEFORE(&e[3], &e[2], q);
	TAILQ_FOREACH(p, &h, q) {
		KT_CHECK(t, p == &e[n], "place %d", n);
		n++;
	}
	KT_CHECK(t, TAILQ_LAST(&h, tailq) == &e[3], "last");
	KT_CHECK(t, TAILQ_PREV(&e[2], tailq, q) == &e[1], "prev");
	TAILQ_CONCAT(&h2, &h, q);
	KT_CHECK(t, TAILQ_EMPTY(&h), "moved");
	for (n = 0; n < 4; n++)
		TAILQ_REMOVE(&h2, &e[n], q);
	KT_CHECK(t, TAILQ_EMPTY(&h2), "empty");
}
