/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev_faults.c: /dev/faults: which allocation of the kernel fails next, for
 * tests/user/memfail.c.  The device exists only with the boot option faults=1.
 *
 * Written: "page N" or "zone N": the Nth page, or the Nth zone allocation that
 * does not wait, from now on fails, whoever asks; "off": none.  Each read
 * gives "page P zone Z\n", the allocations seen since each was last set.
 *
 * Locks: none; each setting is one atomic word.
 */
#include <sys/file.h>

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/param.h>
#include <sys/zone.h>
#include <vm/vm_phys.h>

BOOT_OPTION(faults, "faults", "1: /dev/faults makes chosen allocations fail");

bool
faults_wanted(void)
{
	return bootopt_bool("faults");
}

int
faults_read(struct file *fp __unused, struct uio *u, uint64_t *off __unused)
{
	char buf[64];
	int n = ksnprintf(buf, sizeof(buf), "page %lu zone %lu\n",
	    vm_phys_fail_hits(), zone_fail_hits());

	return uiomove(buf, (size_t)n, u);
}

int
faults_write(struct file *fp __unused, struct uio *u,
    uint64_t *off __unused)
{
	char buf[32];
	size_t len = u->u_resid;
	uint64_t nth;
	int error;

	if (len >= sizeof(buf))
		return EINVAL;
	error = uiomove(buf, len, u);
	if (error != 0)
		return error;
	buf[len] = '\0';
	if (strcmp(buf, "off") == 0) {
		vm_phys_fail_nth(0);
		zone_fail_nth(0);
	} else if (strncmp(buf, "page ", 5) == 0 &&
	    kstrtoul(buf + 5, 10, &nth) == 0) {
		vm_phys_fail_nth(nth);
	} else if (strncmp(buf, "zone ", 5) == 0 &&
	    kstrtoul(buf + 5, 10, &nth) == 0) {
		zone_fail_nth(nth);
	} else {
		return EINVAL;
	}
	return 0;
}
