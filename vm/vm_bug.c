/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_bug.c: which historical bugs are switched on, and the script that makes two
 * CPUs meet in them.  Only in a kernel built with VMBUG=1.
 *
 * The script of 2137-link is the shortest trail of tests/models/shadowlist.pml:
 *	now	the remover reads le_prev and stops; an inserter on the same
 *		list stores the new head; the remover's check panics
 *	late	the inserter reads the head and stops; that object is removed
 *		and freed; the inserter goes on, and links the list through a
 *		freed object.  The next neighbour's process panics as it exits,
 *		which took no part.
 * and that of 2137-walk ("walk"): the walker has let go of an object and stops
 * until that object's link is gone.
 *
 * Locks: none; one slot, written by compare-and-set.
 */
#include <vm/vm_bug.h>

#include <lib/atomic.h>
#include <lib/prng.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/thread.h>
#include <vm/vm_object.h>

BOOT_OPTION(vmbug, "vmbug", "historical bugs to put back, see vm_bug.h");
BOOT_OPTION(vmbugscript, "vmbugscript", "now, late or walk: make CPUs meet");
BOOT_OPTION(vmbugwait, "vmbugwait", "longest delay of a remover, us (50)");

#define STOP_LIMIT	(5 * NSEC_PER_MSEC)
#define NATURAL_WAIT	50u		/* us, at most, unless vmbugwait= */
#define NATURAL_ONE_IN	25u

uint32_t vm_bugs;

/* [c] in the order of enum vm_bug */
static const char *const names[] = {
	"2137-link", "2137-walk", "2137-early", "2118-late", "nb-cache", "nb-up",
	"nb-pip", "nb-swapleak", "ubc-eager-dead", "2137-fixed",
};
CTASSERT(nitems(names) == VMBUG_COUNT, "a name for each bug");

static enum { SCRIPT_NONE, SCRIPT_NOW, SCRIPT_LATE, SCRIPT_WALK } script; /*[c]*/
static const struct vm_object *stopped_on;	/* [a] the list someone stops at */
static const struct vm_object *stopped_for;	/* [a] the object he has read */
static unsigned	met;				/* [a] the other side passed */
static unsigned	token;				/* [a] */
static uint64_t	dice = 0x2137;			/* [a] */
static uint64_t	natural_wait = NATURAL_WAIT;	/* [c] us */

static int
bug_number(const char *name, size_t len)
{
	int b;

	for (b = 0; b < VMBUG_COUNT; b++) {
		if (strlen(names[b]) == len &&
		    strncmp(names[b], name, len) == 0)
			return b;
	}
	return -1;
}

static void
bug_enable(const char *name, size_t len)
{
	int b = bug_number(name, len);

	if (b < 0) {
		kprintf("vmbug: there is no bug \"%.*s\"; there are:", (int)len,
		    name);
		for (b = 0; b < VMBUG_COUNT; b++)
			kprintf(" %s", names[b]);
		kprintf("\n");
		return;
	}
	vm_bugs |= 1u << b;
	kprintf("vmbug: ***** THE HISTORICAL BUG %s IS IN THIS KERNEL *****\n",
	    names[b]);
}

void
vm_bug_init(void)
{
	const char *s = bootopt_str("vmbug"), *how = bootopt_str("vmbugscript");
	size_t len;

	if (s == NULL)
		return;
	for (;; s += len + 1) {
		for (len = 0; s[len] != '\0' && s[len] != ','; len++)
			continue;
		bug_enable(s, len);
		if (s[len] == '\0')
			break;
	}
	natural_wait = bootopt_u64("vmbugwait", NATURAL_WAIT);
	if (how != NULL && strcmp(how, "now") == 0)
		script = SCRIPT_NOW;
	else if (how != NULL && strcmp(how, "late") == 0)
		script = SCRIPT_LATE;
	else if (how != NULL && strcmp(how, "walk") == 0)
		script = SCRIPT_WALK;
	else if (how != NULL)
		kprintf("vmbug: no script \"%s\"\n", how);
}

/* Stop here until the other side was here too.  Returns whether it was. */
static bool
stop_for_other(const struct vm_object *list, const struct vm_object *object)
{
	const struct vm_object *none = NULL;
	nsec_t end = md_uptime() + STOP_LIMIT;
	bool did;

	if (!atomic_fcmpset(&stopped_on, &none, list))
		return false;
	atomic_store(&stopped_for, object);
	atomic_store(&met, 0);
	while (!(did = atomic_load(&met) != 0) && md_uptime() < end)
		sched_yield();
	atomic_store(&stopped_for, NULL);
	atomic_store(&stopped_on, NULL);
	return did;
}

static bool
script_late(enum vm_bug_point point, const struct vm_object *list,
    const struct vm_object *object)
{
	nsec_t end;

	if (point == VMBUG_RM_DONE && atomic_load(&stopped_on) == list &&
	    atomic_load(&stopped_for) == object)
		atomic_store(&met, 1);
	if (point != VMBUG_INS_HEAD_READ || object == NULL ||
	    object->shadow_list.le_next == NULL ||
	    !stop_for_other(list, object))
		return false;
	for (end = md_uptime() + STOP_LIMIT; md_uptime() < end;) {
		if (atomic_load((const unsigned *)&object->type) !=
		    OBJT_DEFAULT)
			break;
		sched_yield();
	}
	kprintf("vmbug: tid %d links a shadow of %p before %p, which is "
	    "freed\n", curthread->td_tid, (const void *)list, (const void *)object);
	return true;
}

static void
script_now(enum vm_bug_point point, const struct vm_object *list,
    const struct vm_object *object)
{
	if (point == VMBUG_INS_HEAD_STORE && atomic_load(&stopped_on) == list)
		atomic_store(&met, 1);
	/* An exit, so that the report is the founding one. */
	if (point == VMBUG_RM_PREV_READ &&
	    atomic_load(&object->ref_count) == 0 &&
	    object->shadow_list.le_prev == &list->shadow_head.lh_first)
		(void)stop_for_other(list, object);
}

static void
script_walk(const struct vm_object *list, const struct vm_object *next)
{
	nsec_t end = md_uptime() + STOP_LIMIT;

	while (atomic_load(&list->backing_object) == next &&
	    md_uptime() < end)
		sched_yield();
}

/*
 * The cost of the windows in 2011: a delay, now and then.  The remover's, which
 * has read le_prev, can be made longer, and then is the only one: with the
 * inserter's the debugging kernel would find the freed object first.  In a long
 * one others run: a machine that emulates four CPUs on two seldom has both sides
 * in their windows at a time.
 */
static void
natural_delay(enum vm_bug_point point)
{
	uint64_t n = atomic_fetchadd(&dice, 1);
	struct prng p;
	nsec_t end;

	if (natural_wait > NATURAL_WAIT && point != VMBUG_RM_PREV_READ)
		return;
	prng_seed(&p, n);
	if (prng_below(&p, NATURAL_ONE_IN) != 0)
		return;
	end = md_uptime() +
	    prng_below(&p, natural_wait * NSEC_PER_USEC + 1);
	while (md_uptime() < end) {
		if (natural_wait > NATURAL_WAIT)
			sched_yield();
		else
			cpu_spinwait();
	}
}

bool
vm_bug_point(enum vm_bug_point point, const struct vm_object *list,
    const struct vm_object *object)
{
	switch (script) {
	case SCRIPT_NONE:
		natural_delay(point);
		break;
	case SCRIPT_NOW:
		script_now(point, list, object);
		break;
	case SCRIPT_LATE:
		return script_late(point, list, object);
	case SCRIPT_WALK:
		if (point == VMBUG_WALK_RELEASED)
			script_walk(list, object);
		break;
	}
	return true;
}

void
vm_bug_token_enter(void)
{
	unsigned no = 0;

	while (!atomic_fcmpset(&token, &no, 1)) {
		no = 0;
		sched_yield();
	}
}

void
vm_bug_token_exit(void)
{
	atomic_store(&token, 0);
}

void
vm_bug_warn_race(const struct vm_object *object)
{
	kprintf("vm_prefault: Warning, backing object race averted lobject "
	    "%p\n", (const void *)object);
}
