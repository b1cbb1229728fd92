/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_sched.c: fibres in one host thread, the scheduler, and how a run fails.
 *
 * The kernel's code runs on fibres only: those of the schedule, and LAB_AUX for
 * preparation and audits.  So a failure, wherever it is found, is a switch to
 * the main context; what the fibre left half done is put back with the world.
 *
 * I1 Exactly one context runs; between two points nothing else does.
 * I2 With equal choices a run has equal events: nothing here or below depends
 *    on time, addresses of the host or earlier runs.
 */
#include "lab.h"

#include <lib/assert.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/cpu.h>

#include "lab_os.h"
#include "lab_reduce.h"

#define STACK_SIZE	(256UL << 10)

struct fibre		 lab_fibre[LAB_CPUS];
struct fibre		*lab_cur;
bool			 lab_running;
bool			 lab_abandoned;
unsigned		 lab_nopoint;
enum lab_level		 lab_level = LAB_SYNC;
uint32_t		 lab_ev, lab_npoints;
unsigned		 lab_went_on;
uint64_t		 lab_hash;
nsec_t			 lab_now;
struct lab_failure	 lab_failure;
struct lab_schedule	 lab_done;
struct thread		*lab_curthread;
int			 lab_curcpu;
static int		 nfibres;
static bool		 holding;	/* pick: its stores are held back */
static void		*main_sp;

void	lab_switch(void **save, void *to);
void	lab_entry(void);

/* Callee-saved registers on the old stack, the stack pointer in *save. */
__asm__(
"	.text\n"
"	.globl	lab_switch\n"
"lab_switch:\n"
"	push	%rbp\n"
"	push	%rbx\n"
"	push	%r12\n"
"	push	%r13\n"
"	push	%r14\n"
"	push	%r15\n"
"	mov	%rsp, (%rdi)\n"
"	mov	%rsi, %rsp\n"
"	pop	%r15\n"
"	pop	%r14\n"
"	pop	%r13\n"
"	pop	%r12\n"
"	pop	%rbx\n"
"	pop	%rbp\n"
"	ret\n");

static const char *const oracle_names[OR_COUNT] = {
	"none", "bytes", "recount", "tlb", "race", "deadlock", "livelock",
	"leak", "uaf", "crash", "errno", "assert"
};
static const char *const event_names[EV_COUNT] = {
	"start", "spin", "spin-try", "spin-release", "wlock", "rlock", "try",
	"upgrade", "downgrade", "unlock", "chan", "sleep", "wakeup", "yield",
	"call", "user", "flush", "pager", "op", "at", "atomic", "read", "write",
	"blocked", "end"
};

const char *
lab_oracle_name(enum lab_oracle o)
{
	return oracle_names[o];
}

const char *
lab_event_name(enum lab_event e)
{
	return event_names[e];
}

/* ---- switching ---- */

static void
resume(struct fibre *f, void **save)
{
	lab_cur = lab_hb_self = f;
	curthread = &f->td;
	curcpu = f->id == LAB_AUX ? 0 : f->id + 1;
	lab_switch(save, f->sp);
}

static void __noreturn
to_main(void)
{
	void *gone;

	lab_cur = NULL;
	lab_switch(&gone, main_sp);
	__builtin_unreachable();
}

void
lab_fail(enum lab_oracle oracle, const char *fmt, ...)
{
	va_list ap;

	lab_failure.oracle = oracle;
	lab_failure.ev = lab_ev;
	lab_failure.fibre = lab_cur == NULL ? -1 : lab_cur->id;
	va_start(ap, fmt);
	kvsnprintf(lab_failure.text, sizeof(lab_failure.text), fmt, ap);
	va_end(ap);
	to_main();
}

void
lab_abandon(void)
{
	lab_abandoned = true;
	to_main();
}

static void
host_fault(int sig, unsigned long addr, unsigned long pc)
{
	char where[128];

	if (lab_cur == NULL)
		return;
	labos_symbol(pc + 1, where, sizeof(where));
	lab_fail(OR_CRASH, "host signal %d at %lx in %s", sig, addr, where);
}

/* ---- who can run ---- */

static bool
can_run(const struct fibre *f)
{
	if (f->state == FB_BLOCKED)
		return f->can(f);
	return f->state == FB_READY && (f->can == NULL || f->can(f));
}

uint32_t
lab_enabled(void)
{
	uint32_t mask = 0;

	for (int i = 0; i < nfibres; i++)
		mask |= can_run(&lab_fibre[i]) ? 1U << i : 0;
	return mask;
}

uint32_t
lab_preempted(void)
{
	uint32_t mask = 0;

	for (int i = 0; i < nfibres; i++)
		mask |= lab_fibre[i].preempted ? 1U << i : 0;
	return mask;
}

/* Nobody can run: the earliest time-out comes; else it is a deadlock. */
static void
advance_time(void)
{
	struct fibre *f, *first = NULL;
	char text[400];
	int n = 0;

	for (f = lab_fibre; f < lab_fibre + nfibres; f++)
		if (f->state == FB_BLOCKED && f->deadline != 0 &&
		    (first == NULL || f->deadline < first->deadline))
			first = f;
	if (first != NULL) {
		lab_now = MAX(lab_now, first->deadline);
		return;
	}
	for (f = lab_fibre; f < lab_fibre + nfibres; f++)
		if (f->state != FB_DONE && n < (int)sizeof(text) - 80)
			n += ksnprintf(text + n, sizeof(text) - (size_t)n,
			    " [%d] %s %s %p", f->id, lab_event_name(f->kind),
			    f->name == NULL ? "" : f->name, f->obj);
	lab_fail(OR_DEADLOCK, "nobody can run:%s", text);
}

/* The next in turn after id, out of mask, which is not empty. */
static int
next_in_turn(uint32_t mask, int id)
{
	for (int i = 1; i <= nfibres; i++)
		if ((mask & 1U << ((id + i) % nfibres)) != 0)
			return (id + i) % nfibres;
	return id;
}

static void
record(int chosen)
{
	struct lab_dev *d = &lab_done.dev[MIN(lab_done.n, LAB_DEVS - 1)];

	*d = (struct lab_dev){ lab_ev, (uint8_t)chosen };
	lab_done.n = MIN(lab_done.n + 1, LAB_DEVS);
}

/* Choose who goes on after fibre f; may_stay: it has no reason to stop. */
static struct fibre *
pick(struct fibre *f, bool may_stay)
{
	uint32_t mask, held = 0;
	int dflt, chosen;
	bool stays;

	while ((mask = lab_enabled()) == 0)
		advance_time();
	stays = may_stay && (mask & 1U << f->id) != 0;
	dflt = stays ? f->id : next_in_turn(mask, f->id);
	chosen = dflt;
	if (lab_tso && stays && lab_tso_pending(f->id))
		held = (mask & ~(1U << f->id)) << LAB_FIBRES;
	if ((mask & (mask - 1)) != 0 || lab_reduce == REDUCE_ON)
		chosen = lab_choose(mask | held, dflt, stays);
	if (chosen != dflt)
		record(chosen);
	holding = chosen >= LAB_FIBRES;
	f->preempted = stays && chosen % LAB_FIBRES != f->id;
	lab_went_on = chosen == f->id ? lab_went_on + f->yielding : 0;
	f = &lab_fibre[chosen % LAB_FIBRES];
	f->preempted = false;
	return f;
}

static void
go(struct fibre *f, struct fibre *next)
{
	if (next == f)
		return;
	if (!lab_tso) {
		resume(next, &f->sp);
		return;
	}
	if (holding)
		lab_tso_hold(f->id);
	else
		lab_tso_drain(f->id);
	if (holding && lab_tracing)
		lab_trace(f, EV_NAMED, NULL, "its stores are held back");
	resume(next, &f->sp);
	lab_tso_resume(f->id);
}

static void
count_event(void)
{
	if (++lab_ev > LAB_MAX_EVENTS)
		lab_fail(OR_LIVELOCK, "%u events and no end", lab_ev);
}

void
lab_point(enum lab_event kind, const void *obj, const char *name)
{
	struct fibre *f = lab_cur;

	if (!lab_running || f->id == LAB_AUX)
		return;
	count_event();
	if (lab_nopoint != 0)
		return;
	if (lab_all)
		lab_hash = (lab_hash ^ (uint64_t)(uintptr_t)obj ^
		    (uint64_t)kind << 56 ^ (uint64_t)f->id << 48) *
		    0x100000001b3UL;
	if (lab_tracing)
		lab_trace(f, kind, obj, name);
	if (kind >= EV_ATOMIC && kind <= EV_WRITE &&
	    lab_level < (kind == EV_ATOMIC ? LAB_SYNC : LAB_ACCESS))
		return;
	lab_npoints++;
	f->kind = kind;
	f->obj = obj;
	f->name = name;
	go(f, pick(f, true));
	if (lab_tso && (kind < EV_ATOMIC || kind > EV_WRITE))
		lab_tso_drain(f->id);
}

void
lab_block(bool (*can)(const struct fibre *f))
{
	struct fibre *f = lab_cur;

	if (can(f))
		return;
	if (!lab_running || f->id == LAB_AUX)
		lab_fail(OR_DEADLOCK, "%s %s blocks outside of the schedule",
		    lab_event_name(f->kind), f->name == NULL ? "" : f->name);
	count_event();
	if (lab_nopoint != 0)
		lab_fail(OR_DEADLOCK, "%s %s blocks where nothing may",
		    lab_event_name(f->kind), f->name == NULL ? "" : f->name);
	if (lab_tracing)
		lab_trace(f, EV_BLOCK, f->obj, f->name);
	f->state = FB_BLOCKED;
	f->can = can;
	go(f, pick(f, false));
	f->state = FB_READY;
	f->can = NULL;
}

void
lab_spun(void)
{
	struct fibre *f = lab_cur;

	if (!lab_running || f->id == LAB_AUX)
		return;
	count_event();
	if (lab_nopoint != 0)
		return;
	f->yielding = true;
	go(f, pick(f, false));
	f->yielding = false;
}

/* ---- fibres ---- */

static void
fibre_end(struct fibre *f)
{
	bool left = false;

	if (lockdep_depth() != 0)
		lab_fail(OR_RECOUNT, "fibre ends with %u locks",
		    lockdep_depth());
	if (f->td.td_pagesbusied != 0 || f->td.td_critnest != 0)
		lab_fail(OR_RECOUNT, "fibre ends with %u busy pages, critical "
		    "nesting %u", f->td.td_pagesbusied, f->td.td_critnest);
	f->state = FB_DONE;
	if (f->id == LAB_AUX)
		to_main();
	if (lab_tracing)
		lab_trace(f, EV_END, NULL, NULL);
	for (int i = 0; i < nfibres; i++)
		left |= lab_fibre[i].state != FB_DONE;
	if (!left)
		to_main();
	count_event();
	go(f, pick(f, false));
}

void
lab_entry(void)
{
	struct fibre *f = lab_cur;

	f->fn(f->arg);
	fibre_end(f);
	__builtin_unreachable();
}

void
lab_fibre_set(int id, void (*fn)(void *), void *arg)
{
	struct fibre *f = &lab_fibre[id];
	void **sp;

	sp = (void **)(void *)((char *)f->stack + STACK_SIZE);
	*--sp = NULL;			/* alignment: as after a call */
	*--sp = (void *)lab_entry;
	sp -= 6;
	f->sp = sp;
	f->fn = fn;
	f->arg = arg;
	f->state = FB_READY;
	f->yielding = f->preempted = false;
	f->can = NULL;
	f->kind = EV_START;
	f->obj = NULL;
	f->name = NULL;
	f->wchan = NULL;
	f->deadline = 0;
	f->nframes = 0;
	memset(f->vc, 0, sizeof(f->vc));
	if (id < LAB_FIBRES)
		f->vc[id] = 1;
	f->td.td_nheld = 0;
	f->td.td_critnest = 0;
	f->td.td_pagesbusied = 0;
}

static bool
enter(struct fibre *f)
{
	lab_failure.oracle = OR_NONE;
	lab_abandoned = false;
	lab_nopoint = 0;
	resume(f, &main_sp);
	lab_cur = NULL;
	return lab_failure.oracle == OR_NONE;
}

bool
lab_aux(void (*fn)(void *), void *arg)
{
	lab_fibre_set(LAB_AUX, fn, arg);
	lab_running = false;
	return enter(&lab_fibre[LAB_AUX]);
}

bool
lab_run(int n)
{
	bool ok;
	int first = 0;

	nfibres = n;
	lab_ev = 0;
	lab_npoints = 0;
	lab_went_on = 0;
	lab_hash = 0;
	lab_done.n = 0;
	lab_now = 1000000;
	lab_mem_reset_run();
	lab_kern_reset();
	lab_tso_reset();
	lab_running = true;
	if (n > 1)
		first = lab_choose((1U << n) - 1, 0, false);
	if (first != 0)
		record(first);
	ok = enter(&lab_fibre[first]);
	lab_running = false;
	return ok;
}

void
lab_sched_init(void)
{
	for (int i = 0; i < LAB_CPUS; i++) {
		struct fibre *f = &lab_fibre[i];

		f->id = i;
		f->stack = labos_stack(STACK_SIZE);
		f->td.td_tid = i + 1;
		f->td.td_state = TDS_RUNNING;
		ksnprintf(f->td.td_name, sizeof(f->td.td_name), "fibre%d", i);
	}
	labos_crash = host_fault;
}
