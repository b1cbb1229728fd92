/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kt_group.c: groups of kernel threads for tests.
 */
#include "kt_group.h"

#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/sleepq.h>
#include <sys/thread.h>

#define KT_MAXSAID	3	/* claims printed a group */

static void
kt_thread_main(void *arg)
{
	struct kt_thread *kt = arg;
	struct kt_group *g = kt->group;

	g->fn(kt);
	spin_lock(&g->lock);
	g->nrunning--;
	wakeup(g);
	spin_unlock(&g->lock);
}

void
kt_group_start(struct kt_group *g, struct ktest_ctx *t, unsigned n,
    void (*fn)(struct kt_thread *kt), void *arg)
{
	struct kt_thread *kt;
	unsigned i;

	KASSERT(n <= KT_MAXTHREADS, "%u threads in a group", n);
	spin_init(&g->lock, "ktgroup", LO_NONE, 0);
	g->nrunning = g->nthreads = n;
	g->nbad = 0;
	thread_drain();
	g->nbefore = thread_count();
	g->fn = fn;
	g->arg = arg;
	for (i = 0; i < n; i++) {
		kt = &g->threads[i];
		kt->group = g;
		kt->index = i;
		prng_seed(&kt->prng, prng_next(&t->prng));
		if (kthread_run(kt_thread_main, kt, "ktest", NULL) != 0)
			panic("no memory for thread %u of a test", i);
	}
}

unsigned
kt_group_join(struct kt_group *g)
{
	spin_lock(&g->lock);
	while (g->nrunning > 0)
		(void)msleep(g, &g->lock, 0, "ktjoin", 0);
	spin_unlock(&g->lock);
	thread_settle(g->nbefore);
	return atomic_load(&g->nbad);
}

unsigned
kt_group_run(struct kt_group *g, struct ktest_ctx *t, unsigned n,
    void (*fn)(struct kt_thread *kt), void *arg)
{
	kt_group_start(g, t, n, fn, arg);
	return kt_group_join(g);
}

void
kt_bad(struct kt_thread *kt, int line, const char *fmt, ...)
{
	char buf[128];
	va_list ap;

	if (atomic_fetchadd(&kt->group->nbad, 1) >= KT_MAXSAID)
		return;
	va_start(ap, fmt);
	(void)kvsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	kprintf("# thread %u, line %d: %s\n", kt->index, line, buf);
}
