/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_story.c: a replayed run as a story: one column for each fibre, a line for
 * each event that is worth telling, and the call stacks at the end.
 *
 * Objects get short names in the order in which they appear (object#1, page#2).
 */
#include "lab_run.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/kprintf.h>

#include "lab_model.h"
#include "lab_os.h"

#define MAXLINES	20000
#define MAXNAMES	512

struct line {
	uint32_t	 ev, pc;
	uint8_t		 fibre, kind;
	uint16_t	 id;
	const char	*name;
	const void	*obj;
};

bool			 lab_tracing;
static struct line	*lines;
static unsigned		 nlines;
static struct { const void *p; } names[MAXNAMES];
static unsigned		 nnames;

static uint16_t
short_name(const void *p)
{
	for (unsigned i = 0; i < nnames; i++)
		if (names[i].p == p)
			return (uint16_t)(i + 1);
	if (nnames == MAXNAMES)
		return 0;
	names[nnames++].p = p;
	return (uint16_t)nnames;
}

void
story_begin(void)
{
	if (lines == NULL)
		lines = labos_alloc(MAXLINES * sizeof(*lines));
	nlines = nnames = 0;
	lab_tracing = true;
}

/* The frame on top was entered by a call from its caller's code. */
void
lab_trace(const struct fibre *f, enum lab_event kind, const void *obj,
    const char *name)
{
	struct line *l;
	unsigned top = f->nframes;

	if (kind >= EV_ATOMIC && kind <= EV_WRITE)
		return;
	if (nlines == MAXLINES)
		return;
	l = &lines[nlines++];
	l->ev = lab_ev;
	l->fibre = (uint8_t)f->id;
	l->kind = (uint8_t)kind;
	l->name = name;
	l->obj = obj;
	l->id = obj == NULL ? 0 : short_name(obj);
	l->pc = top == 0 || top > LAB_FRAMES ? 0 : f->frame[top - 1];
}

static void
print_stack(const struct fibre *f)
{
	char where[160];

	kprintf("fibre %d stands before %s %s:\n", f->id,
	    lab_event_name(f->kind), f->name == NULL ? "" : f->name);
	for (unsigned i = MIN(f->nframes, LAB_FRAMES); i-- > 0;) {
		labos_symbol(f->frame[i], where, sizeof(where));
		kprintf("    called from %s\n", where);
	}
}

static void
print_line(const struct line *l, int nfibres)
{
	char text[96], where[160] = "";
	int width = 76 / nfibres;

	if (l->kind == EV_USER)
		ksnprintf(text, sizeof(text), "%s %lx",
		    l->name == NULL ? "" : l->name,
		    (unsigned long)(uintptr_t)l->obj);
	else if (l->kind == EV_OP)
		ksnprintf(text, sizeof(text), "== %s ==", l->name);
	else
		ksnprintf(text, sizeof(text), "%s %s%s%u",
		    lab_event_name((enum lab_event)l->kind),
		    l->name == NULL ? "" : l->name, l->id ? "#" : "", l->id);
	if (l->pc != 0)
		labos_symbol(l->pc, where, sizeof(where));
	kprintf("%6u ", l->ev);
	for (int i = 0; i < nfibres; i++)
		kprintf("| %-*s", width, i == l->fibre ? text : "");
	kprintf("| %s\n", where);
}

void
story_end(const struct lab_scenario *s, const char *html)
{
	(void)html;
	lab_tracing = false;
	kprintf(" event ");
	for (int i = 0; i < s->nfibres; i++)
		kprintf("| fibre %d, process %d%*s", i, s->task[i].proc,
		    76 / s->nfibres - 18, "");
	kprintf("| in a function called from\n");
	for (unsigned i = 0; i < nlines; i++)
		print_line(&lines[i], s->nfibres);
	if (lab_failure.oracle == OR_NONE)
		return;
	kprintf("\nFAILED at event %u, fibre %d, oracle %s:\n%s\n",
	    lab_failure.ev, lab_failure.fibre,
	    lab_oracle_name(lab_failure.oracle), lab_failure.text);
	for (int i = 0; i < s->nfibres; i++)
		if (lab_fibre[i].state != FB_DONE)
			print_stack(&lab_fibre[i]);
}
