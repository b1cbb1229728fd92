/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_draw.c: what a story shows of the kernel's state: the object chains at
 * each step, and for each conflict the call stacks of both accesses.
 *
 * The world is looked at between two events of a fibre, so anything may be half
 * changed: maps are walked only while nobody has them write-locked, chains for
 * a bounded length and only through live memory, pages by their own fields.
 * Nothing here is an event.
 *
 *	p0 [0,4) nc: #3 r2 {0 1} -> #5 r2 p1 F L1 {0! $2}
 *
 * process 0, pages 0 to 3, needs copy; object #3 has 2 references and pages 0
 * and 1; #5 also a pin, is FADING, locked by fibre 1; its page 0 is busy (w:
 * wired, s: shared busy), page 2 is stored.  C: COLLAPSING, D: DEAD.
 */
#include "lab_story.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

#include "../../vm/vm_priv.h"
#include "lab_os.h"
#include "lab_vmops.h"

#define MAXENTRIES	6
#define MAXDEPTH	8
#define TEXT		4096

/* What was seen of a map when nobody had it locked. */
struct seen {
	const struct vmspace *vm;
	unsigned	 n;
	struct { vm_offset_t start, end; struct vm_object *object;
	    uint32_t eflags; } e[MAXENTRIES];
};

static struct seen	 seen[LAB_PROCS];
static char		 last[TEXT], text[TEXT];
static size_t		 len;

static void __printflike(1, 2)
put(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(text + len, sizeof(text) - len, fmt, ap);
	va_end(ap);
	len = MIN(len + (size_t)n, sizeof(text) - 1);
}

/* ---- chains ---- */

static void
look_at_map(struct seen *s, const struct vmspace *vm)
{
	const struct vm_map *map = &vm->vm_map;
	struct vm_map_entry *e;

	if (s->vm != vm)
		*s = (struct seen){ .vm = vm };
	if (map->lock.rw_owner != NULL)
		return;
	s->n = 0;
	for (e = vm_map_entry_first(map); e != NULL && s->n < MAXENTRIES;
	    e = vm_map_entry_next(e)) {
		s->e[s->n].start = e->start;
		s->e[s->n].end = e->end;
		s->e[s->n].object = e->object;
		s->e[s->n++].eflags = e->eflags;
	}
}

static void
draw_pages(const struct vm_object *object)
{
	unsigned stored = store_pages(object);
	const char *space = "";

	put(" {");
	for (uint64_t i = 0; i < vm_page_count; i++) {
		const struct vm_page *m = &vm_page_array[i];

		if (m->object != object || (m->flags & PG_FREE) != 0)
			continue;
		put("%s%lu%s%s", space, m->pindex,
		    (m->busy_lock & VPB_EXCL) != 0 ? "!" :
		    m->busy_lock != 0 ? "s" : "",
		    m->wire_count != 0 ? "w" : "");
		space = " ";
	}
	for (unsigned i = 0; stored >> i != 0; i++)
		if ((stored & 1U << i) != 0) {
			put("%s$%u", space, i);
			space = " ";
		}
	put("}");
}

static void
draw_object(const struct vm_object *object)
{
	const struct thread *owner = object->lock.rw_owner;

	put("#%u r%d", story_name(object), object->ref_count);
	if (object->paging_in_progress != 0)
		put(" p%u", object->paging_in_progress);
	put("%s%s%s%s", object->type == OBJT_FILE ? " file" : "",
	    (object->flags & OBJ_COLLAPSING) != 0 ? " C" : "",
	    (object->flags & OBJ_FADING) != 0 ? " F" : "",
	    (object->flags & OBJ_DEAD) != 0 ? " D" : "");
	if (owner != NULL)
		put(" L%d", (int)owner->td_tid - 1);
	draw_pages(object);
}

static void
draw_chain(const struct vm_object *object)
{
	for (int i = 0; object != NULL && i < MAXDEPTH; i++) {
		if (lab_mem_freed(object)) {
			put("#%u freed", story_name(object));
			return;
		}
		draw_object(object);
		object = object->backing_object;
		if (object != NULL)
			put(" -> ");
	}
}

static void
draw_process(int i)
{
	struct seen *s = &seen[i];

	look_at_map(s, lab_proc[i].vm);
	for (unsigned j = 0; j < s->n; j++) {
		put("p%d [%lu,%lu)%s: ", i, atop(s->e[j].start - LAB_BASE),
		    atop(s->e[j].end - LAB_BASE),
		    (s->e[j].eflags & MAP_ENTRY_NEEDS_COPY) != 0 ? " nc" : "");
		draw_chain(s->e[j].object);
		put("\n");
	}
}

void
draw_begin(void)
{
	memset(seen, 0, sizeof(seen));
	last[0] = '\0';
}

const char *
draw_chains(void)
{
	bool running = lab_running;
	char *copy;

	len = 0;
	text[0] = '\0';
	lab_running = false;		/* no events */
	for (int i = 0; i < lab_nprocs; i++)
		if (lab_proc[i].vm != NULL)
			draw_process(i);
	lab_running = running;
	if (strcmp(text, last) == 0)
		return NULL;
	memcpy(last, text, len + 1);
	copy = labos_alloc(len + 1);
	memcpy(copy, text, len + 1);
	return copy;
}

/* ---- names of words ---- */

struct field {
	size_t		 offset;
	const char	*name;
};
#define FO(f)	{ offsetof(struct vm_object, f), #f }
#define FP(f)	{ offsetof(struct vm_page, f), #f }

static const struct field object_fields[] = {
	FO(lock), FO(type), FO(flags), FO(size), FO(ref_count),
	FO(shadow_count), FO(shadow_head), FO(shadow_list), FO(backing_object),
	FO(backing_object_offset), FO(paging_in_progress), FO(generation),
	FO(memq), FO(resident_page_count), FO(handle), FO(pager), FO(color),
	FO(cache_link), FO(cache_lru), FO(cache_pages), FO(cache_state),
	FO(object_list), { sizeof(struct vm_object), NULL }
};
static const struct field page_fields[] = {
	FP(pageq), FP(object), FP(pindex), FP(phys_addr), FP(md),
	FP(busy_lock), FP(wire_count), FP(busy_owner), FP(queue), FP(order),
	FP(valid), FP(dirty), FP(act_count), FP(flags), FP(segind),
	{ sizeof(struct vm_page), NULL }
};

static const char *
field_at(const struct field *f, size_t offset)
{
	while (f[1].name != NULL && f[1].offset <= offset)
		f++;
	return f->name;
}

static bool
object_around(uintptr_t a, const struct vm_object **found)
{
	const void *p;

	for (uint16_t i = 1; (p = story_named(i)) != NULL; i++)
		if (a >= (uintptr_t)p && a - (uintptr_t)p < sizeof(**found) &&
		    ((const struct vm_object *)p)->lock.rw_name != NULL &&
		    strcmp(((const struct vm_object *)p)->lock.rw_name,
		    "object") == 0) {
			*found = p;
			return true;
		}
	return false;
}

void
story_field(uintptr_t a, char *buf, size_t size)
{
	uintptr_t pages = (uintptr_t)vm_page_array;
	const struct vm_object *object;
	const struct vm_page *m;

	if (a >= pages && a < (uintptr_t)&vm_page_array[vm_page_count]) {
		m = &vm_page_array[(a - pages) / sizeof(*m)];
		ksnprintf(buf, size, "page 0x%lx.%s", m->phys_addr,
		    field_at(page_fields, a - (uintptr_t)m));
	} else if (object_around(a, &object)) {
		ksnprintf(buf, size, "object#%u.%s", story_name(object),
		    field_at(object_fields, a - (uintptr_t)object));
	} else {
		ksnprintf(buf, size, "0x%lx", a);
	}
}

/* ---- conflicts ---- */

#define WORDS		4096u
#define MAXCONFLICTS	500

struct word {
	uintptr_t	 addr;
	struct story_access write, read[LAB_FIBRES];
};

static struct word	*words;
static struct story_conflict *conflicts;
static unsigned		 nconflicts;

void
conflict_begin(void)
{
	if (words == NULL) {
		words = labos_alloc(WORDS * sizeof(*words));
		conflicts = labos_alloc(MAXCONFLICTS * sizeof(*conflicts));
	}
	memset(words, 0, WORDS * sizeof(*words));
	nconflicts = 0;
}

static struct word *
word_at(uintptr_t a)
{
	unsigned i = (unsigned)((a * 0x9e3779b97f4a7c15UL) >> 40) % WORDS, n;

	for (n = 0; n < WORDS && words[i].addr != 0 && words[i].addr != a; n++)
		i = (i + 1) % WORDS;
	words[i].addr = a;
	return &words[i];
}

static struct story_access
access_now(const struct fibre *f, const char *what)
{
	struct story_access s = { .ev = lab_ev, .pc = lab_access_pc,
	    .fibre = (uint8_t)f->id, .what = what };

	for (unsigned i = MIN(f->nframes, LAB_FRAMES); i-- > 0 &&
	    s.nframes < STORY_FRAMES;)
		s.frame[s.nframes++] = f->frame[i];
	return s;
}

/* The same two places, seen before: one pair of stacks is enough. */
static unsigned
conflict_add(uintptr_t a, const struct story_access *x,
    const struct story_access *y)
{
	unsigned i;

	for (i = 0; i < nconflicts; i++)
		if (conflicts[i].addr == a && conflicts[i].first.pc == x->pc &&
		    conflicts[i].second.pc == y->pc &&
		    conflicts[i].first.fibre == x->fibre)
			return i + 1;
	if (nconflicts == MAXCONFLICTS)
		return 0;
	conflicts[nconflicts++] = (struct story_conflict){ a, *x, *y };
	return nconflicts;
}

unsigned
conflict_access(const struct fibre *f, uintptr_t a, const char *what)
{
	bool write = what[strlen(what) - 1] == 'e';	/* "write", not "read" */
	struct word *w = word_at(a);
	struct story_access now = access_now(f, what);
	static const struct story_access none;
	const struct story_access *other = &w->write;
	unsigned n = 0;

	if (other->fibre == now.fibre)
		other = &none;
	for (int i = 0; write && i < LAB_FIBRES; i++)
		if (i != f->id && w->read[i].ev > other->ev)
			other = &w->read[i];
	if (other->ev != 0)
		n = conflict_add(a, other, &now);
	if (write)
		w->write = now;
	else
		w->read[f->id] = now;
	return n;
}

unsigned
conflict_count(void)
{
	return nconflicts;
}

const struct story_conflict *
conflict_get(unsigned n)
{
	return &conflicts[n - 1];
}
