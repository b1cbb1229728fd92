/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random.c: bytes for getrandom, AT_RANDOM and /dev/urandom.  A seeded
 * generator: with seed=N a run gives the same bytes again.  Not for secrets.
 *
 * Locks: random_lock, an rwlock, because its users may sleep anyway.
 */
#include <sys/file.h>

#include <lib/prng.h>
#include <lib/string.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/proc.h>

static struct rwlock	random_lock;
static struct prng	random_prng;	/* random_lock */

void
random_init(void)
{
	rw_init(&random_lock, "random", LO_FUTEX, 0);
	prng_seed(&random_prng, bootopt_u64("seed", md_cycles()));
}

void
kern_random(void *buf, size_t len)
{
	char *p = buf;
	uint64_t word;
	size_t n;

	rw_wlock(&random_lock);
	while (len > 0) {
		word = prng_next(&random_prng);
		n = MIN(len, sizeof(word));
		memcpy(p, &word, n);
		p += n;
		len -= n;
	}
	rw_wunlock(&random_lock);
}
