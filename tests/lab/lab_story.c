/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_story.c: a replayed run as a story: one column for each fibre, a line for
 * each event that is worth telling, the object chains whenever they changed
 * (lab_draw.c), and at the end the call stacks of each two conflicting accesses.
 *
 * Objects get short names in the order in which they appear (object#1, page#2).
 */
#include "lab_run.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/kprintf.h>

#include "lab_model.h"
#include "lab_os.h"
#include "lab_story.h"

#define MAXLINES	20000
#define MAXNAMES	512

struct line {
	uint32_t	 ev, pc;
	uint8_t		 fibre, kind;
	uint16_t	 id;
	const char	*name;
	const void	*obj;
	const char	*chain;		/* just before; NULL: no change */
	uint16_t	 conflict;	/* that it ends; 0: none */
};

bool			 lab_tracing;
static struct line	*lines;
static unsigned		 nlines;
static struct { const void *p; } names[MAXNAMES];
static unsigned		 nnames;

uint16_t
story_name(const void *p)
{
	for (unsigned i = 0; i < nnames; i++)
		if (names[i].p == p)
			return (uint16_t)(i + 1);
	if (nnames == MAXNAMES)
		return 0;
	names[nnames++].p = p;
	return (uint16_t)nnames;
}

const void *
story_named(uint16_t n)
{
	return n > nnames ? NULL : names[n - 1].p;
}

void
story_begin(void)
{
	if (lines == NULL)
		lines = labos_alloc(MAXLINES * sizeof(*lines));
	nlines = nnames = 0;
	draw_begin();
	conflict_begin();
	lab_tracing = true;
}

/* The frame on top was entered by a call from its caller's code. */
void
lab_trace(const struct fibre *f, enum lab_event kind, const void *obj,
    const char *name)
{
	struct line *l;
	unsigned top = f->nframes, conflict = 0;
	bool memory = kind >= EV_ATOMIC && kind <= EV_WRITE;

	if (memory)
		conflict = conflict_access(f, (uintptr_t)obj, name);
	if (nlines == MAXLINES || (memory && conflict == 0))
		return;
	l = &lines[nlines++];
	l->ev = lab_ev;
	l->fibre = (uint8_t)f->id;
	l->kind = (uint8_t)kind;
	l->name = name;
	l->obj = obj;
	l->id = obj == NULL || memory ? 0 : story_name(obj);
	l->conflict = (uint16_t)conflict;
	l->chain = memory ? NULL : draw_chains();
	if (memory)
		l->pc = lab_access_pc;
	else
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
conflict_text(const struct line *l, char *text, size_t size)
{
	char what[64];

	story_field((uintptr_t)l->obj, what, sizeof(what));
	ksnprintf(text, size, "%s %s (%u)", l->name, what, l->conflict);
}

static void
print_access(const struct story_access *a)
{
	char where[160];

	labos_symbol(a->pc, where, sizeof(where));
	kprintf("    event %u, fibre %d: %s in %s\n", a->ev, a->fibre, a->what,
	    where);
	for (unsigned i = 0; i < a->nframes; i++) {
		labos_symbol(a->frame[i], where, sizeof(where));
		kprintf("        called from %s\n", where);
	}
}

/* Both stacks of each pair of accesses that could not be exchanged freely. */
static void
print_conflicts(void)
{
	char what[64];

	if (conflict_count() != 0)
		kprintf("\nConflicting accesses, the numbers in brackets:\n");
	for (unsigned i = 1; i <= conflict_count(); i++) {
		const struct story_conflict *c = conflict_get(i);

		story_field(c->addr, what, sizeof(what));
		kprintf("(%u) %s\n", i, what);
		print_access(&c->first);
		print_access(&c->second);
	}
}

/* Symbols of everything that will be printed, in few calls of addr2line. */
static void
prepare_symbols(void)
{
	for (unsigned i = 0; i < nlines; i++)
		labos_symbol_want(lines[i].pc);
	for (unsigned i = 1; i <= conflict_count(); i++) {
		const struct story_conflict *c = conflict_get(i);

		labos_symbol_want(c->first.pc);
		labos_symbol_want(c->second.pc);
		for (unsigned j = 0; j < STORY_FRAMES; j++) {
			labos_symbol_want(c->first.frame[j]);
			labos_symbol_want(c->second.frame[j]);
		}
	}
	labos_symbol_fetch();
}

/* A chain's lines, each behind an indent. */
static void
print_chain(const char *chain)
{
	bool start = true;

	for (; *chain != '\0'; chain++) {
		if (start)
			kprintf("       . ");
		kprintf("%c", *chain);
		start = *chain == '\n';
	}
}

static void
line_text(const struct line *l, char *text, size_t size)
{
	if (l->kind == EV_USER)
		ksnprintf(text, size, "%s %lx", l->name == NULL ? "" : l->name,
		    (unsigned long)(uintptr_t)l->obj);
	else if (l->conflict != 0)
		conflict_text(l, text, size);
	else if (l->kind == EV_OP)
		ksnprintf(text, size, "== %s ==", l->name);
	else
		ksnprintf(text, size, "%s %s%s%u",
		    lab_event_name((enum lab_event)l->kind),
		    l->name == NULL ? "" : l->name, l->id ? "#" : "", l->id);
}

static void
print_line(const struct line *l, int nfibres)
{
	char text[96], where[160] = "";
	int width = 76 / nfibres;

	line_text(l, text, sizeof(text));
	if (l->pc != 0)
		labos_symbol(l->pc, where, sizeof(where));
	if (l->chain != NULL)
		print_chain(l->chain);
	kprintf("%6u ", l->ev);
	for (int i = 0; i < nfibres; i++)
		kprintf("| %-*s", width, i == l->fibre ? text : "");
	kprintf("| %s\n", where);
}

/* ---- the same as a page ---- */

#define HTML_WIDTH	960u	/* of the timeline */
#define HTML_ROW	26u

static void
html_text(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '<')
			kprintf("&lt;");
		else if (*s == '&')
			kprintf("&amp;");
		else
			kprintf("%c", *s);
	}
}

/* Who ran when: a bar for each stretch of events of one fibre. */
static void
html_timeline(int nfibres)
{
	unsigned last = nlines == 0 ? 1 : lines[nlines - 1].ev + 1;
	unsigned i, j, x, end;

	kprintf("<svg width=%u height=%u>\n", HTML_WIDTH + 80,
	    HTML_ROW * (unsigned)nfibres);
	for (i = 0; i < (unsigned)nfibres; i++)
		kprintf("<text x=0 y=%u>fibre %u</text>\n",
		    i * HTML_ROW + 16, i);
	for (i = 0; i < nlines; i = j) {
		for (j = i; j < nlines; j++)
			if (lines[j].fibre != lines[i].fibre)
				break;
		x = lines[i].ev * HTML_WIDTH / last;
		end = (j < nlines ? lines[j].ev : last) * HTML_WIDTH / last;
		kprintf("<a href=\"#e%u\"><rect class=f%u x=%u y=%u width=%u "
		    "height=18><title>events %u to %u</title></rect></a>\n", i,
		    lines[i].fibre, 70 + x, lines[i].fibre * HTML_ROW + 3,
		    MAX(end - x, 1u), lines[i].ev, lines[j - 1].ev);
	}
	kprintf("</svg>\n");
}

static void
html_line(unsigned i, int nfibres)
{
	const struct line *l = &lines[i];
	char text[96], where[160] = "";

	line_text(l, text, sizeof(text));
	if (l->pc != 0)
		labos_symbol(l->pc, where, sizeof(where));
	if (l->chain != NULL) {
		kprintf("<tr><td><td class=c colspan=%d><pre>", nfibres + 1);
		html_text(l->chain);
		kprintf("</pre></tr>\n");
	}
	kprintf("<tr id=e%u><td>%u", i, l->ev);
	for (int f = 0; f < nfibres; f++) {
		kprintf(f == l->fibre ? "<td class=f%d>" : "<td>", f);
		if (f == l->fibre)
			html_text(text);
	}
	kprintf("<td class=w>");
	html_text(where);
	kprintf("</tr>\n");
}

static void
html_story(const struct lab_scenario *s)
{
	kprintf("<!doctype html><meta charset=utf-8><title>Gnomon: a schedule"
	    "</title><style>body{font:13px monospace}table{border-collapse:"
	    "collapse}td{padding:1px 8px;border-left:1px solid #ccc}.w{color:"
	    "#777}.f0{background:#cfe2ff;fill:#69f}.f1{background:#ffe0c2;"
	    "fill:#e80}.f2{background:#d6f5d6;fill:#3a3}.f3{background:#f3d6f5;"
	    "fill:#a3a}.bad{background:#fdd}.c pre{margin:2px;color:#063}"
	    "</style>\n");
	html_timeline(s->nfibres);
	if (lab_failure.oracle != OR_NONE) {
		kprintf("<p class=bad>event %u, fibre %d, oracle %s: ",
		    lab_failure.ev, lab_failure.fibre,
		    lab_oracle_name(lab_failure.oracle));
		html_text(lab_failure.text);
	}
	kprintf("<table>\n");
	for (unsigned i = 0; i < nlines; i++)
		html_line(i, s->nfibres);
	kprintf("</table><pre>\n");
	for (int i = 0; i < s->nfibres; i++)
		if (lab_fibre[i].state != FB_DONE)
			print_stack(&lab_fibre[i]);
	print_conflicts();
	kprintf("</pre>\n");
}

void
story_end(const struct lab_scenario *s, bool html)
{
	lab_tracing = false;
	prepare_symbols();
	if (html) {
		html_story(s);
		return;
	}
	kprintf(" event ");
	for (int i = 0; i < s->nfibres; i++)
		kprintf("| fibre %d, process %d%*s", i, s->task[i].proc,
		    76 / s->nfibres - 18, "");
	kprintf("| in a function called from\n");
	for (unsigned i = 0; i < nlines; i++)
		print_line(&lines[i], s->nfibres);
	print_conflicts();
	if (lab_failure.oracle == OR_NONE)
		return;
	kprintf("\nFAILED at event %u, fibre %d, oracle %s:\n%s\n",
	    lab_failure.ev, lab_failure.fibre,
	    lab_oracle_name(lab_failure.oracle), lab_failure.text);
	for (int i = 0; i < s->nfibres; i++)
		if (lab_fibre[i].state != FB_DONE)
			print_stack(&lab_fibre[i]);
}
