/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kdb_cmds.c: the commands of the debugger.  Each prints with the printer that
 * tests and the panic report use too; none changes anything but where said.
 *
 * Addresses are hexadecimal, with or without 0x; an address is looked up in its
 * zone before it is believed.  Thread ids are decimal.
 */
#include <lib/string.h>
#include <machine/cpu.h>
#include <machine/vmparam.h>
#include <sys/kprintf.h>
#include <sys/ksyms.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <sys/trace.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_phys.h>

#include "kdb_priv.h"

#define pr		kdb_printf
#define MAXTHREADS	40000
#define MAXOBJECTS	5000
#define PMAP_LINES	64

/* ---- arguments ---- */

static bool
arg_address(int argc, char **argv, int i, uint64_t *va)
{
	if (i < argc && kstrtoul(argv[i], 16, va) == 0)
		return true;
	pr("an address is wanted%s%s\n", i < argc ? ", not " : "",
	    i < argc ? argv[i] : "");
	return false;
}

static const struct thread *
find_thread(int tid)
{
	const struct thread *td = thread_peek_first();
	unsigned n;

	for (n = 0; td != NULL && n < MAXTHREADS; n++) {
		if (td->td_tid == tid)
			return td;
		td = LIST_NEXT(td, td_all);
	}
	pr("no thread has the id %d\n", tid);
	return NULL;
}

/* The thread that argv[i] names; without it the current one. */
static const struct thread *
arg_thread(int argc, char **argv, int i)
{
	uint64_t tid;

	if (i >= argc)
		return curthread;
	if (kstrtoul(argv[i], 10, &tid) != 0) {
		pr("a thread id is wanted, not %s\n", argv[i]);
		return NULL;
	}
	return find_thread((int)tid);
}

/* The live object of that zone that argv[i] points into; NULL, and said so. */
static void *
arg_object(int argc, char **argv, int i, const char *zone)
{
	struct zone_where w;
	uint64_t va;

	if (!arg_address(argc, argv, i, &va))
		return NULL;
	if (va < DMAP_BASE || !zone_where((const void *)va, md_peek, &w) ||
	    strcmp(w.name, zone) != 0) {
		pr("0x%lx is no %s\n", va, zone);
		return NULL;
	}
	if (!w.live)
		pr("it is free:\n");
	return w.obj;
}

/* ---- threads ---- */

static bool
cmd_bt(int argc, char **argv)
{
	const struct thread *td = arg_thread(argc, argv, 1);

	if (td == curthread)
		diag_backtrace(kdb_where.pc, kdb_where.fp, kdb_where.sp, pr);
	else if (td != NULL)
		diag_thread_bt(td, pr);
	return true;
}

static bool
cmd_ps(int argc, char **argv)
{
	(void)argc, (void)argv;
	pr("    tid state    cpu    priority\n");
	diag_threads(pr, MAXTHREADS);
	return true;
}

static bool
cmd_cpus(int argc, char **argv)
{
	const struct thread *td;
	int cpu;

	(void)argc, (void)argv;
	for (cpu = 0; cpu < MAXCPU; cpu++) {
		if ((all_cpus >> cpu & 1) == 0)
			continue;
		td = pcpu_data[cpu].pc_curthread;
		pr("cpu%d: %s, tid %d, critnest %u\n", cpu, td->td_name,
		    td->td_tid, td->td_critnest);
		if (cpu == curcpu)
			diag_backtrace(kdb_where.pc, kdb_where.fp,
			    kdb_where.sp, pr);
		else
			diag_thread_bt(td, pr);
	}
	return true;
}

static bool
cmd_regs(int argc, char **argv)
{
	(void)argc, (void)argv;
	if (kdb_where.tf != NULL)
		md_print_frame(curcpu, kdb_where.tf, pr);
	else
		pr("entered by a call, not by a trap: no registers\n");
	return true;
}

static bool
cmd_locks(int argc, char **argv)
{
	const struct thread *td = thread_peek_first();
	unsigned n, held = 0;

	(void)argc, (void)argv;
	for (n = 0; td != NULL && n < MAXTHREADS; n++) {
		if (td->td_nheld != 0) {
			diag_thread(td, pr);
			lockdep_print(td, pr);
			diag_waiters(td, pr);
			held += td->td_nheld;
		}
		td = LIST_NEXT(td, td_all);
	}
	pr("%u locks held\n", held);
	return true;
}

/* ---- show ---- */

static struct vm_map *
arg_map(int argc, char **argv)
{
	struct vmspace *vm = curthread->td_vmspace;
	const struct thread *td;
	uint64_t va;

	if (argc < 3)
		return vm != NULL ? &vm->vm_map : kernel_map;
	if (strcmp(argv[2], "kernel") == 0)
		return kernel_map;
	if (strlen(argv[2]) <= 5 && kstrtoul(argv[2], 10, &va) == 0) {
		td = find_thread((int)va);
		if (td != NULL && td->td_vmspace == NULL)
			pr("a kernel thread\n");
		return td != NULL && td->td_vmspace != NULL ?
		    &td->td_vmspace->vm_map : NULL;
	}
	if (kstrtoul(argv[2], 16, &va) == 0 && va == (uint64_t)kernel_map)
		return kernel_map;
	vm = arg_object(argc, argv, 2, "vmspace");
	return vm != NULL ? &vm->vm_map : NULL;
}

static void
show_map(int argc, char **argv)
{
	struct vm_map *map = arg_map(argc, argv);

	if (map != NULL)
		vm_show_map(map, pr);
}

static void
show_object(int argc, char **argv)
{
	struct vm_object *o = arg_object(argc, argv, 2, "vm_object");

	if (o != NULL)
		vm_show_object(o, pr);
}

/* Of a map, as show map takes it, or of one object. */
static void
show_chain(int argc, char **argv)
{
	struct vm_object *o;

	if (argc < 3 || strlen(argv[2]) <= 5) {
		if (arg_map(argc, argv) != NULL)
			vm_show_map_chains(arg_map(argc, argv), pr);
		return;
	}
	o = arg_object(argc, argv, 2, "vm_object");
	if (o != NULL)
		vm_show_chain(o, pr);
}

static void
show_chains(int argc, char **argv)
{
	(void)argc, (void)argv;
	vm_show_objects(MAXOBJECTS, pr);
}

/* By the address of the struct, or the physical address of the page. */
static void
show_page(int argc, char **argv)
{
	struct vm_page *m;
	uint64_t va;

	if (!arg_address(argc, argv, 2, &va))
		return;
	m = vm_phys_paddr_to_page(va);
	if (m == NULL && va >= (uint64_t)vm_page_array &&
	    va < (uint64_t)(vm_page_array + vm_page_count))
		m = vm_page_array + (va - (uint64_t)vm_page_array) /
		    sizeof(*m);
	if (m == NULL) {
		pr("0x%lx is no page\n", va);
		return;
	}
	vm_show_page(m, pr);
	pr("  mapped %u times\n", pmap_page_mapcount(m));
}

static void
show_pmap(int argc, char **argv)
{
	struct vm_map *map = arg_map(argc, argv);

	if (map != NULL && map->pmap != NULL)
		vm_show_pmap(map->pmap, map->min_offset, map->max_offset,
		    PMAP_LINES, pr);
}

static void
show_thread(int argc, char **argv)
{
	const struct thread *td = arg_thread(argc, argv, 2);

	if (td == NULL)
		return;
	diag_thread(td, pr);
	pr("  struct %p, stack 0x%lx, vmspace %p, affinity 0x%lx\n",
	    (const void *)td, td->td_kstack, (void *)td->td_vmspace,
	    td->td_affinity);
	lockdep_print(td, pr);
	diag_waiters(td, pr);
}

static void
show_zone(int argc, char **argv)
{
	(void)argc, (void)argv;
	diag_zones(pr);
}

static void
show_address(int argc, char **argv)
{
	uint64_t va;

	if (arg_address(argc, argv, 2, &va) && !diag_address(va, pr))
		pr("0x%lx is nothing that is known\n", va);
}

static bool
cmd_show(int argc, char **argv)
{
	static const struct {
		const char	*name;
		void		(*fn)(int argc, char **argv);
	} things[] = {
		{ "map", show_map }, { "object", show_object },
		{ "chain", show_chain },
		{ "chains", show_chains }, { "page", show_page },
		{ "pmap", show_pmap }, { "thread", show_thread },
		{ "zone", show_zone }, { "address", show_address },
	};
	unsigned i;

	for (i = 0; argc > 1 && i < nitems(things); i++) {
		if (strcmp(argv[1], things[i].name) == 0) {
			things[i].fn(argc, argv);
			return true;
		}
	}
	pr("show what?");
	for (i = 0; i < nitems(things); i++)
		pr(" %s", things[i].name);
	pr("\n");
	return true;
}

/* ---- the rest ---- */

static bool
cmd_x(int argc, char **argv)
{
	uint64_t va, val, n = 8;
	struct ksym ks;

	if (!arg_address(argc, argv, 1, &va) ||
	    (argc > 2 && kstrtoul(argv[2], 10, &n) != 0))
		return true;
	for (va &= ~7UL, n = MIN(n, 256); n > 0; n--, va += 8) {
		if (va < DMAP_BASE || !md_peek(va, &val)) {
			pr("0x%016lx: nothing is mapped there\n", va);
			break;
		}
		pr("0x%016lx: %016lx", va, val);
		if (ksyms_lookup(val, &ks))
			pr(" %s+0x%lx", ks.func, ks.offset);
		pr("\n");
	}
	return true;
}

static bool
cmd_vmstat(int argc, char **argv)
{
	(void)argc, (void)argv;
	vm_show_meters(pr);
	pr("pages %lu free %lu zones %lu\n", vm_phys_total(),
	    vm_phys_free_count(), zone_total_pages());
	pr("up %lu ms, %lu context switches\n", md_uptime() / NSEC_PER_MSEC,
	    sched_switches());
	return true;
}

static bool
cmd_trace(int argc, char **argv)
{
	uint64_t n = 32;

	if (argc > 1 && kstrtoul(argv[1], 10, &n) != 0)
		pr("a number is wanted, not %s\n", argv[1]);
	trace_dump((unsigned)n, pr);
	return true;
}

static bool
cmd_selftest(int argc, char **argv)
{
	static volatile uint64_t null;

	(void)argc, (void)argv;
	pr("%d\n", *(volatile int *)null);
	return true;
}

static bool
cmd_continue(int argc, char **argv)
{
	(void)argc, (void)argv;
	return false;
}

static bool
cmd_reboot(int argc, char **argv)
{
	(void)argc, (void)argv;
	md_reboot();
}

static bool	cmd_help(int argc, char **argv);

static const struct {
	const char	*name;
	bool		(*fn)(int argc, char **argv);
	const char	*help;
} commands[] = {
	{ "bt", cmd_bt, "[TID]: backtrace" },
	{ "ps", cmd_ps, "all threads" },
	{ "threads", cmd_ps, "the same" },
	{ "cpus", cmd_cpus, "what each CPU does" },
	{ "regs", cmd_regs, "where the debugger was entered" },
	{ "locks", cmd_locks, "locks held, by whom, and who waits" },
	{ "show", cmd_show,
	    "map|pmap|chain [TID|ADDR|kernel], "
	    "object|chain|page|address ADDR, chains, "
	    "thread [TID], zone" },
	{ "x", cmd_x, "ADDR [N]: words of memory" },
	{ "vmstat", cmd_vmstat, "counters" },
	{ "trace", cmd_trace, "[N]: the last events" },
	{ "selftest", cmd_selftest, "fault, to see that the debugger stays" },
	{ "continue", cmd_continue, "go on (c)" },
	{ "reboot", cmd_reboot, "reset the machine" },
	{ "help", cmd_help, "this" },
};

static bool
cmd_help(int argc, char **argv)
{
	unsigned i;

	(void)argc, (void)argv;
	for (i = 0; i < nitems(commands); i++)
		pr("  %-9s %s\n", commands[i].name, commands[i].help);
	return true;
}

bool
kdb_command(int argc, char **argv)
{
	unsigned i;

	if (strcmp(argv[0], "c") == 0)
		return false;
	for (i = 0; i < nitems(commands); i++) {
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].fn(argc, argv);
	}
	pr("no command is named %s; help lists them\n", argv[0]);
	return true;
}
