/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diag_show.c: what the panic report, the debugger and the watchdog print:
 * frames, threads and whom they wait for, what an address is.
 *
 * It runs when the kernel is broken: no locks, no allocation, lists with a
 * bound, and memory that may be gone is read by md_peek.
 *
 * Locks: none; see diag.h.
 */
#include <sys/diag.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/ksyms.h>
#include <sys/lock.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/sleepq.h>
#include <sys/thread.h>
#include <sys/zone.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

#define DIAG_MAXTHREADS	40000	/* a longer list is a ring */
#define BACKTRACE_MAX	48

/* ---- frames ---- */

/* The frames of one address. */
static unsigned
frames_at(uint64_t pc, bool exact, struct diag_frame *df, unsigned max)
{
	struct ksym ks[KSYMS_MAXFRAMES];
	unsigned i, n;

	/* A call is before its return address, and so is its line. */
	n = ksyms_frames(exact ? pc : pc - 1, ks, nitems(ks));
	for (i = 0; i < MAX(n, 1) && i < max; i++) {
		memset(&df[i], 0, sizeof(df[i]));
		df[i].df_pc = pc;
		if (n == 0)
			continue;
		df[i].df_func = ks[i].func;
		df[i].df_offset = ks[i].offset +
		    (ks[i].inlined || exact ? 0 : 1);
		df[i].df_file = ks[i].file;
		df[i].df_line = ks[i].line;
		df[i].df_inlined = ks[i].inlined;
	}
	return i;
}

/* To the caller; sp != 0: pc is an instruction, and sp the stack there. */
static bool
frame_up(uint64_t *pc, uint64_t *fp, uint64_t sp)
{
	uint32_t distance = 8;
	struct ksym ks;
	uint64_t ret;

	/* No function: a call that went wild has left where it came from. */
	if (sp >= DMAP_BASE && (sp & 7) == 0 &&
	    (ksyms_frameless(*pc, &distance) || !ksyms_lookup(*pc, &ks)) &&
	    md_peek(sp + distance - 8, &ret) && ksyms_lookup(ret - 1, &ks)) {
		*pc = ret;
		return true;
	}
	if (!md_unwind(pc, fp))
		return false;
	/* The walk ends at the selector of user code. */
	return *pc >= PAGE_SIZE || *fp != 0;
}

unsigned
diag_frames(uint64_t pc, uint64_t fp, uint64_t sp, struct diag_frame *df,
    unsigned max)
{
	unsigned n = 0;

	while (n < max) {
		n += frames_at(pc, sp != 0, &df[n], max - n);
		if (!frame_up(&pc, &fp, sp))
			break;
		sp = 0;
	}
	return n;
}

static void
print_frame(unsigned i, const struct diag_frame *df, diag_print_fn *pr)
{
	if (df->df_func == NULL)
		pr("  #%-2u 0x%016lx ??\n", i, df->df_pc);
	else if (df->df_inlined)
		pr("  #%-2u %18s %s (inlined) %s:%u\n", i, "", df->df_func,
		    df->df_file, df->df_line);
	else
		pr("  #%-2u 0x%016lx %s+0x%lx %s:%u\n", i, df->df_pc,
		    df->df_func, df->df_offset, df->df_file, df->df_line);
}

void
diag_print_frames(const struct diag_frame *df, unsigned n, diag_print_fn *pr)
{
	unsigned i;

	for (i = 0; i < n; i++)
		print_frame(i, &df[i], pr);
}

/* Not by diag_frames: the array would need much of a stack. */
void
diag_backtrace(uint64_t pc, uint64_t fp, uint64_t sp, diag_print_fn *pr)
{
	struct diag_frame df[6];
	unsigned i, n, at = 0, steps;

	for (steps = 0; steps < BACKTRACE_MAX; steps++) {
		n = frames_at(pc, sp != 0, df, nitems(df));
		for (i = 0; i < n; i++)
			print_frame(at++, &df[i], pr);
		if (!frame_up(&pc, &fp, sp))
			return;
		sp = 0;
	}
	pr("  (more frames)\n");
}

void
backtrace(uint64_t pc, uint64_t fp, diag_print_fn *pr)
{
	diag_backtrace(pc, fp, 0, pr);
}

/* ---- threads ---- */

bool
diag_thread_pcfp(const struct thread *td, uint64_t *pc, uint64_t *fp,
    uint64_t *sp)
{
	const struct trapframe *tf;

	*sp = 0;
	if (td == curthread) {
		*pc = (uint64_t)__builtin_return_address(0);
		*fp = *(const uint64_t *)__builtin_frame_address(0);
		return true;
	}
	if (td->td_state == TDS_RUNNING && td->td_cpu >= 0 &&
	    td->td_cpu < MAXCPU) {
		tf = pcpu_data[td->td_cpu].pc_stopframe;
		if (tf == NULL || pcpu_data[td->td_cpu].pc_curthread != td)
			return false;
		md_frame_pcfp(tf, pc, fp);
		*sp = md_frame_sp(tf);
		return true;
	}
	if (td->td_state == TDS_NEW || td->td_kstack == 0)
		return false;
	md_thread_pcfp(td, pc, fp);
	return true;
}

void
diag_thread_bt(const struct thread *td, diag_print_fn *pr)
{
	uint64_t pc, fp, sp;

	if (diag_thread_pcfp(td, &pc, &fp, &sp))
		diag_backtrace(pc, fp, sp, pr);
	else
		pr("  (runs on cpu%d, which is not stopped)\n", td->td_cpu);
}

/* The rwlock that td waits for, by its channel (rwlock.c). */
static const struct rwlock *
waits_rwlock(const struct thread *td)
{
	const void *chan = td->td_wchan;
	uint64_t val;

	if (chan == NULL || (td->td_wflags & PLOCK) == 0)
		return NULL;
	chan = (const void *)((uintptr_t)chan & ~3UL);
	return md_peek((uint64_t)chan, &val) ? chan : NULL;
}

static const struct vm_page *
page_at(uint64_t va)
{
	uint64_t first = (uint64_t)vm_page_array;

	if (vm_page_array == NULL || va < first ||
	    va >= (uint64_t)(vm_page_array + vm_page_count))
		return NULL;
	return vm_page_array + (va - first) / sizeof(struct vm_page);
}

const struct thread *
diag_waits_for(const struct thread *td)
{
	const struct rwlock *rw = waits_rwlock(td);
	const struct vm_page *m;

	if (rw != NULL)
		return rw->rw_owner;
	m = page_at((uint64_t)td->td_wchan);
	return m != NULL ? m->busy_owner : NULL;
}

static void
diag_wait(const struct thread *td, diag_print_fn *pr)
{
	const struct thread *owner = diag_waits_for(td);
	const struct rwlock *rw = waits_rwlock(td);
	const struct vm_page *m = page_at((uint64_t)td->td_wchan);
	nsec_t ms = (md_uptime() - td->td_wsince) / NSEC_PER_MSEC;

	pr(" %s for %lu.%03lu s", td->td_wmesg, ms / 1000, ms % 1000);
	if (rw != NULL)
		pr(" rwlock %s", rw->rw_name);
	else if (m != NULL)
		pr(" page %p", (const void *)m);
	else
		pr(" %p", td->td_wchan);
	if (owner != NULL)
		pr(" of %s, tid %d", owner->td_name, owner->td_tid);
}

void
diag_thread(const struct thread *td, diag_print_fn *pr)
{
	pr("  %5d %-8s cpu%-2d pri %-2u %-16s", td->td_tid,
	    td_state_name(td->td_state), td->td_cpu, td->td_pri, td->td_name);
	if (td->td_proc != NULL)
		pr(" pid %d", td->td_proc->p_pid);
	if (td->td_nheld != 0)
		pr(" %u locks", td->td_nheld);
	if (td->td_wchan != NULL)
		diag_wait(td, pr);
	pr("\n");
}

void
diag_threads(diag_print_fn *pr, unsigned max)
{
	const struct thread *td = thread_peek_first();
	unsigned n = 0;

	for (; td != NULL && n < DIAG_MAXTHREADS;
	    td = LIST_NEXT(td, td_all), n++) {
		if (n < max)
			diag_thread(td, pr);
	}
	if (n > max)
		pr("  (%u more)\n", n - max);
}

void
diag_waiters(const struct thread *td, diag_print_fn *pr)
{
	const struct thread *w = thread_peek_first();
	unsigned n;

	for (n = 0; w != NULL && n < DIAG_MAXTHREADS;
	    w = LIST_NEXT(w, td_all), n++) {
		if (w->td_wchan != NULL && diag_waits_for(w) == td) {
			pr("  waits for it:");
			diag_thread(w, pr);
		}
	}
}

/* ---- what is at an address ---- */

static void
show_page_of(const struct vm_page *cm, diag_print_fn *pr)
{
	struct vm_page *m = vm_page_array + (cm - vm_page_array);

	vm_show_page(m, pr);
	if (m->object != NULL)
		vm_show_object(m->object, pr);
}

static void
show_words(const uint64_t *p, size_t size, diag_print_fn *pr)
{
	size_t i;

	for (i = 0; i < MIN(size / 8, 16); i++)
		pr("%s%016lx%s", i % 4 == 0 ? "  " : " ", p[i],
		    i % 4 == 3 || i + 1 == MIN(size / 8, 16) ? "\n" : "");
}

static void
show_zone_object(const struct zone_where *w, diag_print_fn *pr)
{
	if (!w->live)
		show_words(w->obj, w->size, pr);
	else if (strcmp(w->name, "vm_object") == 0)
		vm_show_chain(w->obj, pr);
	else if (strcmp(w->name, "vm_map_entry") == 0)
		vm_show_entry(w->obj, pr);
	else if (strcmp(w->name, "vmspace") == 0)
		vm_show_map(&((struct vmspace *)w->obj)->vm_map, pr);
	else if (strcmp(w->name, "thread") == 0)
		diag_thread(w->obj, pr);
	else
		show_words(w->obj, w->size, pr);
}

bool
diag_address(uint64_t va, diag_print_fn *pr)
{
	const struct vm_page *m = page_at(va);
	struct zone_where w;
	struct ksym ks;

	if (m != NULL) {
		pr("0x%lx is page %lu:\n", va, m - vm_page_array);
		show_page_of(m, pr);
	} else if (ksyms_lookup(va, &ks)) {
		pr("0x%lx is %s+0x%lx %s:%u\n", va, ks.func, ks.offset,
		    ks.file, ks.line);
	} else if (va >= DMAP_BASE &&
	    zone_where((const void *)va, md_peek, &w)) {
		pr("0x%lx is at 0x%lx of the %s %s %p, %zu bytes:\n", va,
		    va - (uint64_t)w.obj, w.live ? "live" : "FREE", w.name,
		    w.obj, w.size);
		show_zone_object(&w, pr);
	} else {
		return false;
	}
	return true;
}

/* One printer at a time. */
static diag_print_fn *zone_pr;

static void
show_zone(struct zone *z, void *arg)
{
	struct zone_stats st;

	(void)arg;
	zone_get_stats(z, &st);
	if (st.allocs != 0)
		zone_pr("  %-16s %6zu %10lu %10lu %8lu %8lu\n", st.name,
		    st.size, st.allocs, st.frees, st.live, st.pages);
}

void
diag_zones(diag_print_fn *pr)
{
	zone_pr = pr;
	pr("  %-16s %6s %10s %10s %8s %8s\n", "name", "size", "allocs",
	    "frees", "live", "pages");
	zone_foreach(show_zone, NULL);
}
