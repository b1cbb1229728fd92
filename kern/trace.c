/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c: a ring of events for each CPU.
 *
 * Writing takes one atomic add and a few stores, in any context; nothing is
 * formatted until the rings are dumped, usually by a panic.  So fmt must be a
 * literal (or live for ever), and so must a string that %s prints.
 *
 * I1 A slot belongs to whoever drew its number; an event that an NMI or a
 *    preempted writer leaves half written prints as garbage words, not worse:
 *    te_fmt is stored last.
 */
#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <machine/cpu.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/thread.h>
#include <sys/trace.h>

#define TRACE_EVENTS	256	/* a CPU; a power of two */

struct trace_event {
	uint64_t	 te_when;	/* [a] cycles */
	const char	*te_fmt;	/* [a] */
	int		 te_tid;	/* [a] */
	uint64_t	 te_arg[4];	/* [a] */
};

struct trace_ring {
	uint64_t		tr_next;	/* [a] number of the next event */
	struct trace_event	tr_event[TRACE_EVENTS];
} __attribute__((__aligned__(CACHE_LINE)));

static struct trace_ring trace_rings[MAXCPU];

void
trace(const char *fmt, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct trace_ring *tr = &trace_rings[curcpu];
	struct trace_event *te;

	te = &tr->tr_event[atomic_fetchadd(&tr->tr_next, 1) % TRACE_EVENTS];
	te->te_fmt = NULL;
	compiler_barrier();
	te->te_when = md_cycles();
	te->te_tid = curthread->td_tid;
	te->te_arg[0] = a;
	te->te_arg[1] = b;
	te->te_arg[2] = c;
	te->te_arg[3] = d;
	atomic_store_rel(&te->te_fmt, fmt);	/* partner: trace_print */
}

/* Without a checked format: the words are what the caller of trace() said. */
static void
trace_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)kvsnprintf(buf, size, fmt, ap);
#pragma GCC diagnostic pop
	va_end(ap);
}

static void
trace_print(int cpu, const struct trace_event *te,
    void (*pr)(const char *fmt, ...) __printflike(1, 2))
{
	const char *fmt = atomic_load_acq(&te->te_fmt);
	char buf[160];

	if (fmt == NULL)
		return;
	trace_format(buf, sizeof(buf), fmt, te->te_arg[0], te->te_arg[1],
	    te->te_arg[2], te->te_arg[3]);
	pr("  %lu cpu%d tid %d: %s\n", te->te_when, cpu, te->te_tid, buf);
}

/*
 * The ring whose next event, forward or backward from at[], comes first in that
 * direction; -1 when none has one.
 */
static int
trace_pick(const uint64_t *at, bool forward)
{
	const struct trace_ring *tr;
	uint64_t low, when, best = 0;
	int cpu, pick = -1;

	for (cpu = 0; cpu < MAXCPU; cpu++) {
		tr = &trace_rings[cpu];
		low = tr->tr_next > TRACE_EVENTS ?
		    tr->tr_next - TRACE_EVENTS : 0;
		if (forward ? at[cpu] >= tr->tr_next : at[cpu] <= low)
			continue;
		when = tr->tr_event[(forward ? at[cpu] : at[cpu] - 1) %
		    TRACE_EVENTS].te_when;
		if (pick < 0 || (forward ? when < best : when > best)) {
			best = when;
			pick = cpu;
		}
	}
	return pick;
}

void
trace_dump(unsigned n, void (*pr)(const char *fmt, ...) __printflike(1, 2))
{
	uint64_t at[MAXCPU];
	int cpu;

	for (cpu = 0; cpu < MAXCPU; cpu++)
		at[cpu] = trace_rings[cpu].tr_next;
	/* Back over the newest n of all rings, then forward again, printing. */
	for (; n > 0 && (cpu = trace_pick(at, false)) >= 0; n--)
		at[cpu]--;
	while ((cpu = trace_pick(at, true)) >= 0) {
		trace_print(cpu, &trace_rings[cpu].tr_event[at[cpu] %
		    TRACE_EVENTS], pr);
		at[cpu]++;
	}
}
