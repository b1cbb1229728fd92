/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootopt.c: boot options: words "name" or "name=value" of the loader's command
 * line and of QEMU's fw_cfg; where both have a name, fw_cfg's holds.
 *
 * Parsed once by the boot CPU, constant afterwards; no locks.  Every option is
 * known by a BOOT_OPTION somewhere; an unknown one is reported with the nearest
 * known name and otherwise ignored.
 */
#include <lib/cdefs.h>
#include <lib/string.h>
#include <sys/bootinfo.h>
#include <sys/kprintf.h>

#define BOOTOPT_MAX	48	/* words kept of both lines */
#define BOOTOPT_NAME	32	/* longest name the nearest is sought for */

BOOT_OPTION(help, "help", "1: list the boot options");

struct bootopt {
	const char	*name;		/* [c] */
	const char	*value;		/* [c] "" when there was no '=' */
};

extern const struct boot_option __start_boot_options[] __weak;
extern const struct boot_option __stop_boot_options[] __weak;

static char		bootopt_buf[2][BOOTINFO_CMDLINE];	/* [c] */
static struct bootopt	bootopts[BOOTOPT_MAX];			/* [c] */
static unsigned		nbootopts;				/* [c] */

static bool
bootopt_known(const char *name)
{
	const struct boot_option *o;

	for (o = __start_boot_options; o < __stop_boot_options; o++) {
		if (strcmp(o->name, name) == 0)
			return true;
	}
	return false;
}

/* Edit distance (Levenshtein), one row at a time. */
static unsigned
bootopt_distance(const char *a, const char *b)
{
	unsigned row[BOOTOPT_NAME + 1], diag, keep, cost, i, j;
	size_t la = strlen(a), lb = strlen(b);

	if (la > BOOTOPT_NAME || lb > BOOTOPT_NAME)
		return ~0U;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		diag = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			keep = row[j];
			cost = diag + (a[i - 1] == b[j - 1] ? 0 : 1);
			row[j] = MIN(cost, MIN(row[j], row[j - 1]) + 1);
			diag = keep;
		}
	}
	return row[lb];
}

static void
bootopt_unknown(const char *name)
{
	const struct boot_option *o, *best = NULL;
	unsigned d, least = ~0U;

	for (o = __start_boot_options; o < __stop_boot_options; o++) {
		d = bootopt_distance(name, o->name);
		if (d < least) {
			least = d;
			best = o;
		}
	}
	kprintf("boot: unknown option \"%s\"", name);
	if (best != NULL)
		kprintf("; nearest is \"%s\" (%s)", best->name, best->help);
	kprintf("\n");
}

static void
bootopt_list(void)
{
	const struct boot_option *o;

	for (o = __start_boot_options; o < __stop_boot_options; o++)
		kprintf("boot: %-12s %s\n", o->name, o->help);
}

static void
bootopt_word(char *word)
{
	char *eq;

	/* Some loaders put the kernel's own path first. */
	if (word[0] == '/')
		return;
	if (nbootopts == BOOTOPT_MAX) {
		kprintf("boot: more than %u options; \"%s\" ignored\n",
		    BOOTOPT_MAX, word);
		return;
	}
	eq = strchr(word, '=');
	if (eq != NULL)
		*eq = '\0';
	bootopts[nbootopts].name = word;
	bootopts[nbootopts].value = eq != NULL ? eq + 1 : "";
	nbootopts++;
}

static void
bootopt_parse(char *p)
{
	char *word;

	for (;;) {
		while (*p == ' ' || *p == '\t' || *p == '\n')
			p++;
		if (*p == '\0')
			return;
		word = p;
		while (*p != '\0' && *p != ' ' && *p != '\t' && *p != '\n')
			p++;
		if (*p != '\0')
			*p++ = '\0';
		bootopt_word(word);
	}
}

void
bootopt_init(const char *cmdline, const char *fw_cmdline)
{
	unsigned i;

	/* The first match counts: fw_cfg's words first. */
	(void)strlcpy(bootopt_buf[0], fw_cmdline, sizeof(bootopt_buf[0]));
	(void)strlcpy(bootopt_buf[1], cmdline, sizeof(bootopt_buf[1]));
	bootopt_parse(bootopt_buf[0]);
	bootopt_parse(bootopt_buf[1]);
	for (i = 0; i < nbootopts; i++) {
		if (!bootopt_known(bootopts[i].name))
			bootopt_unknown(bootopts[i].name);
	}
	if (bootopt_bool("help"))
		bootopt_list();
}

const char *
bootopt_str(const char *name)
{
	unsigned i;

	for (i = 0; i < nbootopts; i++) {
		if (strcmp(bootopts[i].name, name) == 0)
			return bootopts[i].value;
	}
	return NULL;
}

bool
bootopt_bool(const char *name)
{
	const char *s = bootopt_str(name);

	return s != NULL && strcmp(s, "0") != 0 && strcmp(s, "off") != 0 &&
	    strcmp(s, "no") != 0;
}

uint64_t
bootopt_u64(const char *name, uint64_t dflt)
{
	const char *s = bootopt_str(name);
	uint64_t v;

	if (s == NULL)
		return dflt;
	if (kstrtoul(s, 0, &v) == 0)
		return v;
	kprintf("boot: %s=%s is not a number; %lu is used\n", name, s, dflt);
	return dflt;
}
