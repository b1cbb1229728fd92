/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic_report.c: the steps of the panic report, and the record for tools.
 *
 * Steps are in the order of use to a reader; each may fault (panic.c, I3), so
 * none relies on one before it.  What they share with the debugger is in
 * diag_show.c and vm_show.c.
 */
#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/kprintf.h>
#include <sys/ksyms.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <sys/trace.h>
#include <sys/usermode.h>
#include <vm/vm.h>
#include <vm/vm_bug.h>
#include <vm/vm_map.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "panic_priv.h"
#include "version.h"

#define STOP_LIMIT	(100 * NSEC_PER_MSEC)	/* for one CPU to answer */
#define LATE_LIMIT	(800 * NSEC_PER_MSEC)	/* more for all that did not:
						 * a virtual CPU may not run */
#define TRACE_EVENTS	64
#define MAX_THREADS	40		/* lines */
#define MAX_SUBJECTS	4
#define RECORD_FRAMES	12		/* of another CPU */

/* Stop the others; the report then has the machine for itself. */
static void
report_stop(void)
{
	cpumask_t others = all_cpus & ~((cpumask_t)1 << curcpu), left;
	nsec_t start;

	if (others == 0)
		return;
	md_ipi_stop(others);
	for (left = others; left != 0; left &= left - 1) {
		start = md_uptime();
		while (atomic_load(&pcpu_data[__builtin_ctzl(left)].
		    pc_stopframe) == NULL && md_uptime() - start < STOP_LIMIT)
			cpu_spinwait();
	}
}

static void
report_who(void)
{
	const struct thread *td = curthread;
	const char *seed = bootopt_str("seed"), *ktest = bootopt_str("ktest");
	const char *vmbug = bootopt_str("vmbug");
	nsec_t up = md_uptime();
	uint64_t nr;

	kprintf("build %016lx, commit %s, up %lu.%03lu s, %d CPUs%s%s%s%s\n",
	    ksyms_build(), GNOMON_COMMIT, up / NSEC_PER_SEC,
	    up % NSEC_PER_SEC / NSEC_PER_MSEC, mp_ncpus,
	    seed != NULL ? ", seed=" : "", seed != NULL ? seed : "",
	    ktest != NULL ? ", ktest=" : "", ktest != NULL ? ktest : "");
	if (vmbug != NULL && VMBUG)
		kprintf("vmbug=%s: this kernel has a bug on purpose\n", vmbug);
	kprintf("cpu%d: thread %s, tid %d, %s%s, critnest %u", curcpu,
	    td->td_name, td->td_tid, td->td_user ? "user" : "kernel",
	    cpu_intr_depth() > 0 ? ", in an interrupt" : "",
	    td->td_critnest - 1);
	if (td->td_proc != NULL)
		kprintf(", pid %d", td->td_proc->p_pid);
	if (td->td_vmspace != NULL)
		kprintf(", map %p", (void *)&td->td_vmspace->vm_map);
	if (td->td_user && md_in_syscall(md_user_frame(td), &nr))
		kprintf(", system call %lu", nr);
	kprintf("\n");
}

static void
report_registers(void)
{
	const struct panic_report *r = &panic_report;

	if (r->tf != NULL)
		md_print_frame(curcpu, r->tf, kprintf);
	else
		kprintf("pc %016lx  fp %016lx  stack %016lx - %016lx\n",
		    r->pc, r->fp, curthread->td_kstack,
		    curthread->td_kstack + KSTACK_SIZE);
}

static void
report_backtrace(void)
{
	const struct panic_report *r = &panic_report;

	kprintf("bt:\n");
	diag_backtrace(r->pc, r->fp, r->sp, kprintf);
}

static void
report_locks(void)
{
	if (curthread->td_nheld == 0)
		return;
	kprintf("locks of %s:\n", curthread->td_name);
	lockdep_print(curthread, kprintf);
	diag_waiters(curthread, kprintf);
}

/* Who did not stop in time gets what is left of LATE_LIMIT. */
static const struct trapframe *
report_late(int cpu)
{
	static nsec_t left = LATE_LIMIT;
	const struct trapframe *tf;
	nsec_t start = md_uptime(), used;

	do {
		tf = atomic_load(&pcpu_data[cpu].pc_stopframe);
		used = md_uptime() - start;
		cpu_spinwait();
	} while (tf == NULL && used < left);
	left -= MIN(used, left);
	return tf;
}

static void
report_cpu(int cpu)
{
	const struct trapframe *tf = report_late(cpu);
	const struct thread *td = pcpu_data[cpu].pc_curthread;
	uint64_t pc, fp;

	kprintf("cpu%d: thread %s, tid %d, critnest %u%s\n", cpu, td->td_name,
	    td->td_tid, td->td_critnest,
	    tf == NULL ? ": does not answer an NMI" : "");
	if (tf == NULL)
		return;
	md_print_frame(cpu, tf, kprintf);
	md_frame_pcfp(tf, &pc, &fp);
	diag_backtrace(pc, fp, md_frame_sp(tf), kprintf);
	lockdep_print(td, kprintf);
	if (td->td_nheld != 0)
		diag_waiters(td, kprintf);
}

static void
report_cpus(void)
{
	int cpu;

	for (cpu = 0; cpu < MAXCPU; cpu++) {
		if (cpu != curcpu && (all_cpus >> cpu & 1) != 0)
			report_cpu(cpu);
	}
}

/* What is at va, unless it was told before. */
static void
report_address(uint64_t va, uint64_t *told, unsigned *n)
{
	unsigned i;

	if (va < 0xffff800000000000UL || *n >= MAX_SUBJECTS)
		return;
	for (i = 0; i < *n; i++) {
		if (told[i] == va)
			return;
	}
	if (diag_address(va, kprintf))
		told[(*n)++] = va;
}

/* The subject: what the message names by address, then what the registers
 * point to. */
static void
report_subject(void)
{
	const struct panic_report *r = &panic_report;
	uint64_t told[MAX_SUBJECTS], words[16], va;
	unsigned i, nwords, n = 0;
	const char *p, *end;
	char num[20];

	kprintf("subject:\n");
	for (p = r->msg; (p = strstr(p, "0xffff")) != NULL; p = end) {
		end = p + 2;
		while ((*end >= '0' && *end <= '9') ||
		    (*end >= 'a' && *end <= 'f'))
			end++;
		strlcpy(num, p, MIN(sizeof(num), (size_t)(end - p) + 1));
		if (kstrtoul(num, 0, &va) == 0)
			report_address(va, told, &n);
	}
	if (r->tf == NULL)
		return;
	nwords = md_frame_words(r->tf, words, nitems(words));
	for (i = 0; i < nwords; i++)
		report_address(words[i], told, &n);
}

static void
report_threads(void)
{
	kprintf("threads:\n");
	diag_threads(kprintf, MAX_THREADS);
}

static void
report_trace(void)
{
	kprintf("trace:\n");
	trace_dump(TRACE_EVENTS, kprintf);
}

void	(*panic_test_step)(void);

static void
report_test(void)
{
	if (panic_test_step != NULL)
		panic_test_step();
}

static void
report_counters(void)
{
	enum vm_meter i;

	kprintf("counters: %lu of %lu pages free, queues: %lu active, %lu "
	    "inactive, %lu on none", vm_phys_free_count(), vm_phys_total(),
	    vm_page_queue_count(PQ_ACTIVE), vm_page_queue_count(PQ_INACTIVE),
	    vm_page_queue_count(PQ_NONE));
	for (i = 0; i < VM_METER_COUNT; i++) {
		if (vm_meter_sum(i) != 0)
			kprintf(", %s %lu", vm_meter_name(i), vm_meter_sum(i));
	}
	kprintf("\n");
}

/* ---- the record ---- */

static void
json_string(const char *s)
{
	kprintf("\"");
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			kprintf("\\%c", *s);
		else if (*s >= ' ' && *s <= '~')
			kprintf("%c", *s);
		else
			kprintf("\\u%04x", (unsigned)(unsigned char)*s);
	}
	kprintf("\"");
}

static void
json_frames(const struct diag_frame *df, unsigned n)
{
	unsigned i;

	kprintf("[");
	for (i = 0; i < n; i++, df++) {
		kprintf("%s{\"f\":", i == 0 ? "" : ",");
		json_string(df->df_func != NULL ? df->df_func : "");
		kprintf(",\"pc\":\"%#lx\",\"off\":%lu,\"at\":\"%s:%u\","
		    "\"inl\":%d}", df->df_pc, df->df_offset,
		    df->df_file != NULL ? df->df_file : "", df->df_line,
		    df->df_inlined);
	}
	kprintf("]");
}

static void
json_locks(const struct thread *td)
{
	const struct lockdep_held *h;
	struct ksym ks;
	unsigned i;

	kprintf("[");
	for (i = 0; i < td->td_nheld && i < LOCKDEP_MAXHELD; i++) {
		h = &td->td_held[i];
		kprintf("%s{\"name\":\"%s\",\"rank\":%u", i == 0 ? "" : ",",
		    h->lh_name, h->lh_rank);
		if (ksyms_lookup((uint64_t)h->lh_site - 1, &ks))
			kprintf(",\"f\":\"%s\",\"at\":\"%s:%u\"", ks.func,
			    ks.file, ks.line);
		kprintf("}");
	}
	kprintf("]");
}

static void
json_cpu(int cpu, bool comma)
{
	static struct diag_frame frames[RECORD_FRAMES];
	const struct trapframe *tf = atomic_load(&pcpu_data[cpu].pc_stopframe);
	const struct thread *td = pcpu_data[cpu].pc_curthread;
	uint64_t pc, fp;
	unsigned n = 0;

	kprintf("%s{\"cpu\":%d,\"stopped\":%s,\"thread\":", comma ? "," : "",
	    cpu, tf != NULL ? "true" : "false");
	json_string(td->td_name);
	if (tf != NULL) {
		md_frame_pcfp(tf, &pc, &fp);
		n = diag_frames(pc, fp, md_frame_sp(tf), frames,
		    nitems(frames));
	}
	kprintf(",\"locks\":");
	json_locks(td);
	kprintf(",\"bt\":");
	json_frames(frames, n);
	kprintf("}");
}

static void
json_counters(void)
{
	enum vm_meter i;

	kprintf(",\"counters\":{\"free\":%lu,\"pages\":%lu",
	    vm_phys_free_count(), vm_phys_total());
	for (i = 0; i < VM_METER_COUNT; i++)
		kprintf(",\"%s\":%lu", vm_meter_name(i), vm_meter_sum(i));
	kprintf("}");
}

void
panic_record(void)
{
	const struct panic_report *r = &panic_report;
	const struct thread *td = curthread;
	bool comma = false;
	int cpu;

	kprintf("=== PANIC RECORD\n{\"v\":1,\"class\":\"%s\",\"cpu\":%d,"
	    "\"msg\":", r->class, curcpu);
	json_string(r->msg);
	kprintf(",\"code\":%d,\"build\":\"%016lx\",\"up_ms\":%lu,\"ncpus\":%d,"
	    "\"nested\":%u,\"tid\":%d,\"pid\":%d,\"thread\":", (int)r->code,
	    ksyms_build(), md_uptime() / NSEC_PER_MSEC, mp_ncpus, r->nested,
	    td->td_tid, td->td_proc != NULL ? td->td_proc->p_pid : 0);
	json_string(td->td_name);
	if (r->tf != NULL)
		kprintf(",\"cr2\":\"%#lx\"", pcpu_data[curcpu].pc_stopcr2);
	kprintf(",\"locks\":");
	json_locks(td);
	kprintf(",\"bt\":");
	json_frames(r->frame, r->nframes);
	kprintf(",\"cpus\":[");
	for (cpu = 0; cpu < MAXCPU; cpu++) {
		if (cpu == curcpu || (all_cpus >> cpu & 1) == 0)
			continue;
		json_cpu(cpu, comma);
		comma = true;
	}
	kprintf("]");
	json_counters();
	kprintf("}\n=== END OF PANIC RECORD\n");
}

void (*const panic_steps[])(void) = {
	report_stop, report_who, report_registers, report_backtrace,
	report_locks, report_cpus, report_subject, report_threads,
	report_trace, report_test, report_counters, panic_record, NULL,
};
