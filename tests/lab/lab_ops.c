/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_ops.c: the tables of operations and shapes, and what is made of them.
 *
 * To add an operation or a shape is one function and one line of a table; the
 * products, the random workloads and the tokens know it then.
 */
#include "lab_ops.h"

#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/zone.h>
#include <vm/vm_check.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_phys.h>

#include "lab_alias.h"
#include "lab_model.h"
#include "lab_vmops.h"

#define WARM_OBJECTS	64
#define WARM_PAGES	16
#define ASIDE_ORDER	5
#define ASIDE_ABOVE	(1280UL << 10)

static struct vm_baseline baseline;

/* ---- operations: in process proc, at page ---- */

static void
op_read(int proc, int page)
{
	proc_read(&lab_proc[proc], page, LAB_AUX);
	proc_read(&lab_proc[proc], page, (lab_cur->id + 1) % LAB_FIBRES);
}

static void
op_write(int proc, int page)
{
	proc_write(&lab_proc[proc], page);
	proc_read(&lab_proc[proc], page, LAB_AUX);
}

static void
op_fork(int proc, int page)
{
	struct lab_proc *child = proc_fork(&lab_proc[proc]);

	proc_write(child, page);
	proc_read(child, page, LAB_AUX);
}

static void
op_fork_exit(int proc, int page)
{
	struct lab_proc *child = proc_fork(&lab_proc[proc]);

	proc_write(child, page);
	proc_put(child);
}

static void
op_exit(int proc, int page)
{
	(void)page;
	proc_put(&lab_proc[proc]);
}

static void
op_munmap(int proc, int page)
{
	proc_munmap(&lab_proc[proc], page, 1);
}

static void
op_mmap(int proc, int page)
{
	proc_mmap(&lab_proc[proc], page, 1);
	proc_write(&lab_proc[proc], page);
}

static void
op_protect(int proc, int page)
{
	proc_protect(&lab_proc[proc], page, 1, false);
	proc_read(&lab_proc[proc], page, LAB_AUX);
	proc_protect(&lab_proc[proc], page, 1, true);
}

static void
op_wire(int proc, int page)
{
	proc_wire(&lab_proc[proc], page, 1);
	proc_unwire(&lab_proc[proc], page, 1);
}

static void
op_dontneed(int proc, int page)
{
	proc_dontneed(&lab_proc[proc], page, 1);
}

static void
op_keep_wired(int proc, int page)
{
	proc_wire(&lab_proc[proc], page, 1);
	proc_write(&lab_proc[proc], page);
}

static void
op_unmap_two(int proc, int page)
{
	proc_munmap(&lab_proc[proc], MIN(page, LAB_PAGES - 2), 2);
}

static void
op_unmap_all(int proc, int page)
{
	(void)page;
	proc_munmap(&lab_proc[proc], 0, LAB_PAGES);
}

/* Wire what may only be read, then write it: the wiring has to follow. */
static void
op_wire_read(int proc, int page)
{
	proc_protect(&lab_proc[proc], page, 1, false);
	proc_wire(&lab_proc[proc], page, 1);
	proc_protect(&lab_proc[proc], page, 1, true);
	proc_write(&lab_proc[proc], page);
}

/* Out, and back by a read: only if nobody else is at it, it comes from store. */
static void
op_pageout(int proc, int page)
{
	proc_pageout(&lab_proc[proc], page);
}

static void
op_pagein(int proc, int page)
{
	proc_pageout(&lab_proc[proc], page);
	proc_pagein(&lab_proc[proc], page);
	proc_read(&lab_proc[proc], page, LAB_AUX);
}

static void
op_pin(int proc, int page)
{
	proc_pin(&lab_proc[proc], page);
}

static void
op_collapse(int proc, int page)
{
	proc_collapse(&lab_proc[proc], page);
}

static void
op_split(int proc, int page)
{
	proc_split(&lab_proc[proc], page);
	proc_read(&lab_proc[proc], page, LAB_AUX);
}

static void
op_prefault(int proc, int page)
{
	proc_prefault(&lab_proc[proc], page);
	proc_read(&lab_proc[proc], page, LAB_AUX);
}

static void
op_map_cached(int proc, int page)
{
	proc_mmap_cached(&lab_proc[proc], page);
	proc_read(&lab_proc[proc], page, LAB_AUX);
}

static void
op_evict(int proc, int page)
{
	(void)proc;
	(void)page;
	(void)vm_object_cache_shrink();
}

static void
op_purge(int proc, int page)
{
	(void)proc;
	(void)page;
	model_purge_cached();
}

const struct lab_opdef lab_ops[] = {
	{ 'r', "read fault", true, op_read },
	{ 'w', "write fault", true, op_write },
	{ 'f', "fork", true, op_fork },
	{ 'x', "exit", true, op_exit },
	{ 'u', "munmap", true, op_munmap },
	{ 'p', "mprotect and back", true, op_protect },
	{ 'e', "wire and unwire", true, op_wire },
	{ 'd', "madvise dontneed", true, op_dontneed },
	{ 'm', "mmap over", true, op_mmap },
	{ 'a', "munmap of all", true, op_unmap_all },
	{ 'g', "page-out", true, op_pageout },
	{ 'i', "page-out and page-in", true, op_pagein },
	{ 'c', "collapse", true, op_collapse },
	{ 'n', "pin and unpin", false, op_pin },
	{ 's', "split", false, op_split },
	{ 'b', "prefault", false, op_prefault },
	{ 't', "map a cached file", false, op_map_cached },
	{ 'y', "evict from the object cache", false, op_evict },
	{ 'z', "purge from the object cache", false, op_purge },
	{ 'k', "fork, child exits", false, op_fork_exit },
	{ 'l', "wire and keep", false, op_keep_wired },
	{ 'v', "munmap of two", false, op_unmap_two },
	{ 'o', "wire for reading, then write", false, op_wire_read },
};
const int lab_nops = nitems(lab_ops);

/* ---- shapes: page 0 written, 1 written, 2 read, 3 untouched ---- */

static struct lab_proc *
first_process(enum lab_memory kind)
{
	struct lab_proc *p = proc_new(kind);

	proc_write(p, 0);
	proc_write(p, 1);
	proc_read(p, 2, 0);
	return p;
}

static void
make_single(void)
{
	first_process(LAB_PRIVATE);
}

/* The child has copied page 1 already. */
static void
make_parent_child(void)
{
	struct lab_proc *child = proc_fork(first_process(LAB_PRIVATE));

	proc_write(child, 1);
}

/* Nobody has copied anything: both entries still say NEEDS_COPY. */
static void
make_fresh_fork(void)
{
	proc_fork(first_process(LAB_PRIVATE));
}

/* Two shadows on one backing object whose process is gone. */
static void
make_siblings(void)
{
	struct lab_proc *parent = first_process(LAB_PRIVATE);

	proc_fork(parent);
	proc_fork(parent);
	proc_write(&lab_proc[1], 1);
	proc_write(&lab_proc[2], 0);
	proc_put(parent);
	lab_proc[0] = lab_proc[1];
	lab_proc[1] = lab_proc[2];
	lab_nprocs = 2;
}

/* Process 0 sees page 0 at depth 1, page 1 at depth 2, page 2 at depth 3. */
static void
make_chain(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *q;

	proc_write(p, 2);
	for (int i = 2; i >= 1; i--) {
		q = proc_fork(p);
		proc_write(q, i - 1);
		proc_write(p, i - 1);
		if (i == 2)
			proc_put(p);
		p = q;
	}
	/* 0: the first, gone; 1: its child; 2: the last. */
	lab_proc[0] = lab_proc[2];
	lab_nprocs = 2;
}

/*
 * Three objects with all pages behind: 0 owns the last, 1's pages 0 and 1 are
 * in the middle, 2 has page 0 in front.  When 0 goes the middle merges, and one
 * more write lets 2 bypass the middle.
 */
static void
make_rack(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *q;

	proc_write(p, 2);
	proc_write(p, 3);
	q = proc_fork(p);
	proc_write(q, 0);
	proc_write(q, 1);
	proc_write(proc_fork(q), 0);
}

/* A parent with three children, each with a page of its own. */
static void
make_wide(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE);

	for (int i = 0; i < 3; i++)
		proc_write(proc_fork(p), i);
	proc_write(p, 0);
}

/* Two processes that share the object. */
static void
make_shared(void)
{
	proc_fork(first_process(LAB_SHARED));
}

/* A private mapping of a file; page 2 is in the file's object, 3 is not. */
static void
make_file(void)
{
	proc_fork(first_process(LAB_FILE));
}

/* Nobody has touched anything: the object will be made, and shared. */
static void
make_shared_untouched(void)
{
	proc_new(LAB_SHARED);
}

/* Parent and two children on one object, without any shadow. */
static void
make_fan(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE);

	proc_fork(p);
	proc_fork(p);
}

/* The lowest page is gone, so offsets in the chain are not zero. */
static void
make_clipped(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *child;

	proc_write(p, 2);
	proc_munmap(p, 0, 1);
	child = proc_fork(p);
	proc_write(p, 2);
	proc_write(child, 3);
}

/* Three generations, each of which sees the next through an offset. */
static void
make_clipped_chain(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *q, *r;

	proc_write(p, 2);
	proc_write(p, 3);
	proc_munmap(p, 0, 1);
	q = proc_fork(p);
	proc_write(q, 2);
	proc_munmap(q, 1, 1);
	r = proc_fork(q);
	proc_write(r, 3);
	proc_write(q, 3);
}

/*
 * Copy on write first, shared then (FreeBSD-SA-21:08): 0 and 1 share an object
 * in front of the one that 2 sees too.
 */
static void
make_grand(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *q, t;

	proc_fork(p);
	proc_share(p);
	q = proc_fork(p);
	proc_read(q, 0, 0);
	t = lab_proc[1];
	lab_proc[1] = lab_proc[2];
	lab_proc[2] = t;
}

/* As grand, but page 0 is wired for reading before the memory is shared. */
static void
make_lent(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *q, t;

	proc_fork(p);
	proc_protect(p, 0, 1, false);
	proc_wire(p, 0, 1);
	proc_protect(p, 0, 1, true);
	proc_share(p);
	q = proc_fork(p);
	proc_read(q, 0, 0);
	t = lab_proc[1];
	lab_proc[1] = lab_proc[2];
	lab_proc[2] = t;
}

/* A page of the backing object is stored, and one of each shadow. */
static void
make_stored(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE), *child;

	proc_write(p, 2);
	child = proc_fork(p);
	proc_write(p, 1);
	proc_write(child, 0);
	proc_write(child, 1);
	proc_pageout(p, 0);
	proc_pageout(p, 1);
	proc_pageout(child, 0);
}

/* Stored pages under siblings: the one who stays merges with the store. */
static void
make_stored_siblings(void)
{
	make_siblings();
	proc_pageout(&lab_proc[0], 0);
	proc_pageout(&lab_proc[0], 2);
	proc_pageout(&lab_proc[1], 0);
}

/* Parent and child have page 0 from a file whose object is cached. */
static void
make_cached(void)
{
	struct lab_proc *p = first_process(LAB_PRIVATE);

	proc_mmap_cached(p, 0);
	proc_read(p, 0, LAB_AUX);
	proc_fork(p);
}

const struct lab_shape lab_shapes[] = {
	{ "single", "one process", 1, 0, make_single },
	{ "pc", "parent and child that copied a page", 2, 0, make_parent_child },
	{ "fresh", "parent and child that copied nothing", 2, 0, make_fresh_fork },
	{ "sib", "siblings whose parent is gone", 2, 0, make_siblings },
	{ "chain", "a chain of three", 2, 0, make_chain },
	{ "rack", "three objects, a page of the middle is left", 3, 1,
	    make_rack },
	{ "wide", "a parent and three children", 4, 0, make_wide },
	{ "shared", "parent and child, shared memory", 2, 0, make_shared },
	{ "share0", "shared memory that nobody touched", 1, 0,
	    make_shared_untouched },
	{ "fan", "parent and two children that copied nothing", 3, 0,
	    make_fan },
	{ "clip", "parent and child, offsets not zero", 2, 1, make_clipped },
	{ "clip3", "three generations, offsets not zero", 3, 2,
	    make_clipped_chain },
	{ "grand", "copied on write, then shared", 3, 0, make_grand },
	{ "lent", "copied on write, wired, then shared", 3, 0, make_lent },
	{ "file", "parent and child, private mapping of a file", 2, 0, make_file },
	{ "store", "parent and child, pages in the test pager", 2, 0,
	    make_stored },
	{ "storesib", "siblings on stored pages", 2, 0, make_stored_siblings },
	{ "cached", "parent and child on a file in the object cache", 2, 0,
	    make_cached },
};
const int lab_nshapes = nitems(lab_shapes);

/* ---- text ---- */

static const struct lab_opdef *
op_of(char letter)
{
	for (int i = 0; i < lab_nops; i++)
		if (lab_ops[i].letter == letter)
			return &lab_ops[i];
	return NULL;
}

static const char *
parse_task(struct lab_task *t, const char *p, int nprocs)
{
	t->proc = *p++ - '0';
	t->nsteps = 0;
	if (t->proc < 0 || t->proc >= nprocs)
		return NULL;
	while (*p != '\0' && *p != ',' && *p != '/') {
		if (t->nsteps == LAB_STEPS)
			return NULL;
		t->step[t->nsteps].op = op_of(*p++);
		t->step[t->nsteps].page = *p++ - '0';
		if (t->step[t->nsteps].op == NULL ||
		    t->step[t->nsteps].page < 0 ||
		    t->step[t->nsteps].page >= LAB_PAGES)
			return NULL;
		t->nsteps++;
	}
	return p;
}

bool
scenario_parse(struct lab_scenario *s, const char *text)
{
	const char *colon = strchr(text, ':'), *p;
	size_t len;

	if (colon == NULL)
		return false;
	len = (size_t)(colon - text);
	s->shape = NULL;
	for (int i = 0; i < lab_nshapes; i++)
		if (strlen(lab_shapes[i].name) == len &&
		    strncmp(lab_shapes[i].name, text, len) == 0)
			s->shape = &lab_shapes[i];
	if (s->shape == NULL)
		return false;
	s->nfibres = 0;
	p = colon;
	do {
		if (s->nfibres == LAB_FIBRES)
			return false;
		p = parse_task(&s->task[s->nfibres++], p + 1,
		    s->shape->nprocs);
	} while (p != NULL && *p == ',');
	return p != NULL;
}

void
scenario_print(const struct lab_scenario *s, char *buf, size_t size)
{
	size_t n;

	n = (size_t)ksnprintf(buf, size, "%s:", s->shape->name);
	for (int i = 0; i < s->nfibres; i++) {
		const struct lab_task *t = &s->task[i];

		n += (size_t)ksnprintf(buf + n, size - n, "%s%d",
		    i == 0 ? "" : ",", t->proc);
		for (int j = 0; j < t->nsteps; j++)
			n += (size_t)ksnprintf(buf + n, size - n, "%c%d",
			    t->step[j].op->letter, t->step[j].page);
	}
}

/* ---- generators ---- */

/* After its exit a fibre has no process. */
static void
fix_steps(struct lab_scenario *s)
{
	for (int i = 0; i < s->nfibres; i++)
		for (int j = 0; j < s->task[i].nsteps; j++)
			if (s->task[i].step[j].op->letter == 'x')
				s->task[i].nsteps = j + 1;
}

void
scenario_random(struct lab_scenario *s, struct prng *p)
{
	s->shape = &lab_shapes[prng_below(p, (uint64_t)lab_nshapes)];
	s->nfibres = 2 + (int)prng_below(p, 2);
	for (int i = 0; i < s->nfibres; i++) {
		struct lab_task *t = &s->task[i];

		t->proc = (int)prng_below(p, (uint64_t)s->shape->nprocs);
		t->nsteps = 1 + (int)prng_below(p, 3);
		for (int j = 0; j < t->nsteps; j++) {
			t->step[j].op = &lab_ops[prng_below(p,
			    (uint64_t)lab_nops)];
			t->step[j].page = (int)prng_below(p, LAB_PAGES);
		}
	}
	fix_steps(s);
}

static int
ncore(void)
{
	int n = 0;

	while (n < lab_nops && lab_ops[n].core)
		n++;
	return n;
}

/* The i-th ascending sequence of n numbers below k; false: too few. */
static bool
multiset(unsigned i, int n, int k, int *out)
{
	for (int j = 0; j < n; j++)
		out[j] = 0;
	while (i-- > 0) {
		int j = n - 1;

		while (j >= 0 && out[j] == k - 1)
			j--;
		if (j < 0)
			return false;
		out[j]++;
		for (int l = j + 1; l < n; l++)
			out[l] = out[j];
	}
	return true;
}

unsigned
scenario_core_count(int nfibres)
{
	uint64_t n = 1;

	for (int i = 0; i < nfibres; i++)
		n = n * (uint64_t)(ncore() + i) / (uint64_t)(i + 1);
	return (unsigned)n * (unsigned)lab_nshapes * 2;
}

/* Placements: all in process 0; or each in the next process. */
bool
scenario_core(struct lab_scenario *s, int nfibres, unsigned i)
{
	int op[LAB_FIBRES];
	unsigned variant = i % (unsigned)(lab_nshapes * 2);
	bool spread = variant % 2 != 0;

	if (!multiset(i / (unsigned)(lab_nshapes * 2), nfibres, ncore(), op))
		return false;
	s->shape = &lab_shapes[variant / 2];
	s->nfibres = nfibres;
	for (int f = 0; f < nfibres; f++) {
		s->task[f].proc = spread ? f % s->shape->nprocs : 0;
		s->task[f].nsteps = 1;
		s->task[f].step[0].op = &lab_ops[op[f]];
		s->task[f].step[0].page = s->shape->page;
	}
	return true;
}

/* ---- running ---- */

/*
 * Odd CPUs get full magazines and quarantines, so that a free has to flush; even
 * ones empty magazines, so that an allocation has to fill.
 */
static void
warm_zone(struct zone *z, void *arg)
{
	static void *obj[WARM_OBJECTS];
	struct zone_stats st;

	(void)arg;
	zone_get_stats(z, &st);
	if (strncmp(st.name, "zone", 4) == 0 || st.size > 1024)
		return;
	for (unsigned i = 0; i < nitems(obj); i++)
		obj[i] = zone_alloc(z, M_WAITOK);
	for (unsigned i = 0; i < nitems(obj); i++)
		zone_free(z, obj[i]);
	if (curcpu % 2 == 0)
		zone_drain(z);
}

/* The same for the caches of free pages. */
static void
warm_pages(void)
{
	struct vm_page *m[WARM_PAGES];

	for (unsigned i = 0; i < nitems(m); i++)
		m[i] = vm_page_alloc_unowned(0);
	for (unsigned i = 0; i < nitems(m); i++)
		vm_page_free_unowned(m[i]);
	if (curcpu % 2 == 0)
		vm_phys_drain_caches();
}

/*
 * vm_init asks for more memory than a scenario needs, and audits look at every
 * page.  So the upper part is set aside and left out of the array.
 */
static void
set_memory_aside(void)
{
	vm_paddr_t size = PAGE_SIZE << ASIDE_ORDER;
	vm_paddr_t pa = roundup2(ptoa(vm_page_count), size);

	vm_phys_drain_caches();
	while (pa > ASIDE_ABOVE && vm_phys_alloc_contig(ASIDE_ORDER, pa - size,
	    pa) != NULL)
		pa -= size;
	vm_page_count = (uint64_t)(vm_phys_paddr_to_page(pa) - vm_page_array);
}

/* Every CPU gets its magazines, so that no schedule begins with making them. */
void
scenario_warm(void *arg)
{
	(void)arg;
	set_memory_aside();
	for (int cpu = 0; cpu < LAB_CPUS; cpu++) {
		curcpu = cpu;
		zone_foreach(warm_zone, NULL);
		warm_pages();
	}
	curcpu = 0;
}

void
scenario_prepare(void *arg)
{
	const struct lab_scenario *s = arg;
	bool busy[LAB_PROCS] = { false };

	model_reset();
	store_reset();
	lab_tlb_reset();
	vm_baseline_take(&baseline);
	s->shape->make();
	for (int i = 0; i < s->nfibres; i++) {
		proc_ref(&lab_proc[s->task[i].proc]);
		busy[s->task[i].proc] = true;
	}
	for (int i = 0; i < lab_nprocs; i++)
		if (busy[i])
			proc_put(&lab_proc[i]);
	lab_tlb_reset();
}

void
scenario_fibre(void *arg)
{
	const struct lab_task *t = arg;

	for (int i = 0; i < t->nsteps; i++) {
		lab_point(EV_OP, NULL, t->step[i].op->name);
		lab_alias_op((int)(t->step[i].op - lab_ops));
		t->step[i].op->fn(t->proc, t->step[i].page);
	}
}

static char	leak_text[256];
static size_t	leak_len;

static void __printflike(1, 2)
leak_print(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(leak_text + leak_len, sizeof(leak_text) - leak_len, fmt,
	    ap);
	va_end(ap);
	leak_len = MIN(leak_len + (size_t)n, sizeof(leak_text) - 1);
}

void
scenario_quiesce(void *arg)
{
	(void)arg;
	vm_check_all();
	model_verify();
	model_putall();
	while (vm_object_cache_shrink())
		continue;
	leak_len = 0;
	if (vm_baseline_check(&baseline, leak_print) != 0)
		lab_fail(OR_LEAK, "%s", leak_text);
}
