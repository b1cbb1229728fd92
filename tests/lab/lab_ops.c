/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_ops.c: the table of operations, and what is made of it and of the shapes.
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
#include "litmus.h"

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
op_deactivate(int proc, int page)
{
	proc_deactivate(&lab_proc[proc], page);
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

static void
op_attach(int proc, int page)
{
	proc_attach(&lab_proc[proc], page);
}

static void
op_cut(int proc, int page)
{
	(void)proc;
	proc_cut(page);
}

static void
op_move(int proc, int page)
{
	proc_move(&lab_proc[proc], page);
}

static void
op_dontneed_two(int proc, int page)
{
	proc_dontneed(&lab_proc[proc], MIN(page, LAB_PAGES - 2), 2);
}

/* Litmus tests, for two fibres (litmus.c). */
static void
op_store_load(int proc, int page)
{
	(void)proc;
	(void)page;
	litmus_store_load(lab_cur->id & 1, false);
}

static void
op_store_fence_load(int proc, int page)
{
	(void)proc;
	(void)page;
	litmus_store_load(lab_cur->id & 1, true);
}

static void
op_message(int proc, int page)
{
	(void)proc;
	(void)page;
	litmus_message(lab_cur->id & 1);
}

#define GATE	LAB_SET_GATE
#define BOTH	(LAB_SET_GATE | LAB_SET_DEEP)

const struct lab_opdef lab_ops[] = {
	{ 'r', "read fault", BOTH, op_read },
	{ 'w', "write fault", BOTH, op_write },
	{ 'f', "fork", BOTH, op_fork },
	{ 'x', "exit", BOTH, op_exit },
	{ 'u', "munmap", BOTH, op_munmap },
	{ 'p', "mprotect and back", GATE, op_protect },
	{ 'e', "wire and unwire", GATE, op_wire },
	{ 'd', "madvise dontneed", GATE, op_dontneed },
	{ 'm', "mmap over", GATE, op_mmap },
	{ 'a', "munmap of all", GATE, op_unmap_all },
	{ 'g', "page-out", BOTH, op_pageout },
	{ 'i', "page-out and page-in", BOTH, op_pagein },
	{ 'c', "collapse", BOTH, op_collapse },
	{ 'q', "deactivate", 0, op_deactivate },
	{ 'n', "pin and unpin", 0, op_pin },
	{ 's', "split", 0, op_split },
	{ 'b', "prefault", 0, op_prefault },
	{ 't', "map a cached file", 0, op_map_cached },
	{ 'y', "evict from the object cache", 0, op_evict },
	{ 'z', "purge from the object cache", 0, op_purge },
	{ 'k', "fork, child exits", 0, op_fork_exit },
	{ 'l', "wire and keep", 0, op_keep_wired },
	{ 'v', "munmap of two", 0, op_unmap_two },
	{ 'o', "wire for reading, then write", 0, op_wire_read },
	{ 'S', "attach a System V segment", 0, op_attach },
	{ 'T', "cut the file", 0, op_cut },
	{ 'M', "mremap and back", 0, op_move },
	{ 'D', "madvise dontneed of two", 0, op_dontneed_two },
	{ 'A', "litmus: store, load", LAB_SET_LITMUS, op_store_load },
	{ 'B', "litmus: store, fence, load", LAB_SET_LITMUS,
	    op_store_fence_load },
	{ 'C', "litmus: two stores, two loads", LAB_SET_LITMUS, op_message },
};
const int lab_nops = nitems(lab_ops);
CTASSERT(nitems(lab_ops) <= SET_MAX, "sets have room");

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

void
scenario_fix(struct lab_scenario *s)
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
			do
				t->step[j].op = &lab_ops[prng_below(p,
				    (uint64_t)lab_nops)];
			while (t->step[j].op->sets == LAB_SET_LITMUS);
			t->step[j].page = (int)prng_below(p, LAB_PAGES);
		}
	}
	scenario_fix(s);
}

/* Which operations and shapes are in a set, in the order of the tables. */
static unsigned
set_ops(unsigned set, const struct lab_opdef **op)
{
	unsigned n = 0;

	for (int i = 0; i < lab_nops; i++)
		if ((lab_ops[i].sets & set) != 0)
			op[n++] = &lab_ops[i];
	return n;
}

static unsigned
set_shapes(unsigned set, const struct lab_shape **shape)
{
	unsigned n = 0;

	for (int i = 0; i < lab_nshapes; i++)
		if (set == LAB_SET_GATE || lab_shapes[i].deep)
			shape[n++] = &lab_shapes[i];
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
scenario_core_count(unsigned set, int nfibres)
{
	const struct lab_opdef *op[SET_MAX];
	const struct lab_shape *shape[SET_MAX];
	uint64_t n = 1, k = set_ops(set, op);

	for (uint64_t i = 0; i < (uint64_t)nfibres; i++)
		n = n * (k + i) / (i + 1);
	return (unsigned)n * set_shapes(set, shape) * 2;
}

/* Placements: all in process 0; or each in the next process. */
bool
scenario_core(struct lab_scenario *s, unsigned set, int nfibres, unsigned i)
{
	const struct lab_opdef *op[SET_MAX];
	const struct lab_shape *shape[SET_MAX];
	unsigned nops = set_ops(set, op), nvar = set_shapes(set, shape) * 2;
	unsigned variant = i % nvar;
	bool spread = variant % 2 != 0;
	int which[LAB_FIBRES];

	if (!multiset(i / nvar, nfibres, (int)nops, which))
		return false;
	s->shape = shape[variant / 2];
	s->nfibres = nfibres;
	for (int f = 0; f < nfibres; f++) {
		s->task[f].proc = spread ? f % s->shape->nprocs : 0;
		s->task[f].nsteps = 1;
		s->task[f].step[0].op = op[which[f]];
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
	litmus_reset();
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
	if (litmus_reordered())
		lab_fail(OR_BYTES, "litmus: a store was seen late");
	vm_check_all();
	model_verify();
	model_putall();
	while (vm_object_cache_shrink())
		continue;
	leak_len = 0;
	if (vm_baseline_check(&baseline, leak_print) != 0)
		lab_fail(OR_LEAK, "%s", leak_text);
}
