/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linux_enosys.c: says which program called what is not there:
 *
 *	linux: gctest[12]: system call 202 (futex) returned ENOSYS
 *
 * Without the boot option enosys only numbers that the table does not have are
 * told; with it every call that returned ENOSYS: refused ones and those that do
 * not know an operation, too.  Once for each program and number, unless each
 * time is asked for.
 *
 * Locks: none; what was told is a set of hashes that only grows.
 */
#include "linux_priv.h"

#include <lib/atomic.h>
#include <sys/kprintf.h>
#include <sys/proc.h>

BOOT_OPTION(enosys, "enosys",
    "print calls that returned ENOSYS: 1 once for each program, 2 each time");

#define TOLD	512U	/* pairs; fuzzers get no further than that */

static uint64_t enosys_told[TOLD];	/* [a] hashes, 0: free */

/* enosys_key: FNV-1a of the program's name and nr. */
static uint64_t
enosys_key(const char *comm, uint32_t nr)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *comm != '\0'; comm++)
		h = (h ^ (uint8_t)*comm) * 0x100000001b3;
	h = (h ^ nr) * 0x100000001b3;
	return h != 0 ? h : 1;
}

/* enosys_first: key is new and was taken down. */
static bool
enosys_first(uint64_t key)
{
	uint64_t old;
	unsigned i;

	for (i = 0; i < TOLD; i++) {
		uint64_t *slot = &enosys_told[(key + i) % TOLD];

		old = 0;
		if (atomic_load(slot) == key)
			return false;
		if (atomic_fcmpset(slot, &old, key))
			return true;
		if (old == key)
			return false;
	}
	return false;
}

void
enosys_tell(uint32_t nr, const struct syscall_desc *sd)
{
	bool absent = sd == NULL || sd->sd_status == SYS_ABSENT;
	const struct proc *p = curproc;
	uint64_t how = bootopt_u64("enosys", 0);

	if (how == 0 && !absent)
		return;
	if (how == 2 || enosys_first(enosys_key(p->p_comm, nr)))
		kprintf("linux: %s[%d]: system call %u (%s) returned ENOSYS\n",
		    p->p_comm, p->p_pid, nr, absent ? "absent" : sd->sd_name);
}
