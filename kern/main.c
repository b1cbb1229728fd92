/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c: start-up in order, the run, the verdict.
 *
 * The platform's start-up ends in mi_startup, on thread0 with interrupts off.
 * Each part of the kernel is started once, by the table below: a later line may
 * use what an earlier one started, never the reverse.  Then thread0 runs what
 * the boot options ask for (tests in the kernel, process 1), looks whether
 * everything was given back, says the verdict and ends the machine.
 */
#include <lib/cdefs.h>
#include <lib/string.h>
#include <machine/cpu.h>
#include <sys/bootinfo.h>
#include <sys/callout.h>
#include <sys/diag.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/lockdep.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <sys/sleepq.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <sys/trace.h>
#include <sys/zone.h>
#include <vm/vm.h>
#include <vm/vm_check.h>
#include <vm/vm_phys.h>

#include "version.h"

BOOT_OPTION(ktest, "ktest", "run the kernel's own tests of this name (glob)");
BOOT_OPTION(seed, "seed", "seed of the tests' random numbers");
BOOT_OPTION(init, "init", "path of process 1 (/init), also after ktest=");

static void
main_bootopt(void)
{
	kprintf("Gnomon %s, commit %s, DEBUG=%d\n", GNOMON_VERSION,
	    GNOMON_COMMIT, DEBUG);
	bootopt_init(bootinfo.cmdline, bootinfo.fw_cmdline);
}

static void
main_callout(void)
{
	callout_init_cpu(0);
}

static void
main_intr(void)
{
	md_intr_init();
	intr_enable();
}

/* [c] */
static const struct {
	const char	*name;
	void		(*start)(void);
} init_table[] = {
	{ "bootopt",	main_bootopt },	/* options, for everyone below */
	{ "sleepq",	sleepq_init },
	{ "lockdep",	lockdep_init },
	{ "vm",		vm_init },	/* pages, zones, pmap, kernel map */
	{ "callout",	main_callout },
	{ "thread",	thread_init },	/* and this CPU's run queue */
	{ "intr",	main_intr },	/* timer: preemption from here on */
	{ "mp",		md_mp_start },
	{ "watchdog",	watchdog_init },
};

static void
main_banner(void)
{
	kprintf("gnomon: %d CPUs, %lu of %lu KiB of memory free, up in "
	    "%lu ms\n", mp_ncpus, vm_phys_free_count() * (PAGE_SIZE >> 10),
	    vm_phys_total() * (PAGE_SIZE >> 10), md_uptime() / NSEC_PER_MSEC);
}

static void
main_print_zone(struct zone *z, void *arg)
{
	struct zone_stats st;

	(void)arg;
	zone_get_stats(z, &st);
	if (st.allocs != 0)
		kprintf("  %-16s %6zu %10lu %10lu %8lu %8lu\n", st.name,
		    st.size, st.allocs, st.frees, st.live, st.pages);
}

/* Is everything in order, and what is still handed out? */
static void
main_audit(void)
{
	thread_drain();
	vm_check_all();
	kprintf("zones:\n  %-16s %6s %10s %10s %8s %8s\n", "name", "size",
	    "allocs", "frees", "live", "pages");
	zone_foreach(main_print_zone, NULL);
	kprintf("counters:\n");
	vm_show_meters(kprintf);
	vm_show_chain_stats(kprintf);
	kprintf("  %lu audits passed\n", vm_check_passed());
	kprintf("  %lu context switches, %u threads, %lu KiB free\n",
	    sched_switches(), thread_count(),
	    vm_phys_free_count() * (PAGE_SIZE >> 10));
}

/*
 * What each zone has handed out before process 1 runs; zone_foreach's order.
 */
static struct main_zones {
	uint64_t	live[64];	/* of the runner */
	unsigned	n, differ;
} main_zones;

static void
main_zone_take(struct zone *z, void *arg)
{
	struct main_zones *mz = arg;
	struct zone_stats st;

	zone_get_stats(z, &st);
	if (mz->n < nitems(mz->live))
		mz->live[mz->n++] = st.live;
}

static void
main_zone_compare(struct zone *z, void *arg)
{
	struct main_zones *mz = arg;
	struct zone_stats st;
	uint64_t before;

	zone_get_stats(z, &st);
	before = mz->n < nitems(mz->live) ? mz->live[mz->n++] : 0;
	/* The zone layer's own come with first use and stay. */
	if (st.live == before || strncmp(st.name, "zone", 4) == 0)
		return;
	mz->differ++;
	kprintf("baseline: zone %s: %lu before, %lu now\n", st.name, before,
	    st.live);
}

/* main_zones_back: how many zones have more or less out than before. */
static unsigned
main_zones_back(void)
{
	main_zones.n = 0;
	zone_foreach(main_zone_compare, &main_zones);
	return main_zones.differ;
}

/* main_files_back: 1: there are more pages counted for files, or less. */
static unsigned
main_files_back(uint64_t before)
{
	const uint64_t now = ramfs_npages();

	if (now != before)
		kprintf("baseline: pages of files: %lu before, %lu now\n",
		    before, now);
	return now != before;
}

/* True when all tests that ktest= names passed, or none are asked for. */
static bool
main_ktest(void)
{
	const char *globs = bootopt_str("ktest");

	return globs == NULL ||
	    ktest_run(globs, bootopt_u64("seed", 1)) == 0;
}

/* True when process 1 ended with status 0 and everything that it and its
 * children had was given back, or when none is asked for. */
static bool
main_init(void)
{
	const char *path = bootopt_str("init");
	struct vm_baseline before;
	uint64_t files;
	unsigned differ, nthreads;
	int status;

	if (path == NULL && bootopt_str("ktest") != NULL)
		return true;
	proc_init();			/* unpacks the initrd: stays */
	thread_drain();
	nthreads = thread_count();
	files = ramfs_npages();
	vm_baseline_take(&before);
	zone_foreach(main_zone_take, &main_zones);
	status = proc_run_init(path != NULL && path[0] != '\0' ? path :
	    "/init");
	thread_settle(nthreads);
	differ = vm_baseline_check(&before, kprintf) + main_zones_back() +
	    main_files_back(files);
	kprintf("gnomon: init ended with status %#x, %u counters are not back "
	    "at their baseline\n", status, differ);
	return status == 0 && differ == 0;
}

void
mi_startup(void)
{
	bool passed;
	unsigned i;

	for (i = 0; i < nitems(init_table); i++) {
		trace("init %s", (uint64_t)init_table[i].name, 0, 0, 0);
		init_table[i].start();
	}
	main_banner();
	vmlog_start();
	passed = main_ktest();
	passed = main_init() && passed;
	main_audit();
	if (lockdep_reports() != 0) {
		kprintf("gnomon: lockdep made %u reports\n",
		    lockdep_reports());
		passed = false;
	}
	kprintf("gnomon: verdict %s\n", passed ? "PASSED" : "FAILED");
	if (proc_restart())
		md_reboot();
	poweroff(passed ? EXIT_OK : EXIT_FAIL);
}
