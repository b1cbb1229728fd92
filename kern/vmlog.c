/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmlog.c: the VM counters over time: with vmlog=MS on the command line, a
 * thread prints one "vmlog:" line every MS milliseconds, which tools/report.py
 * draws.  Counters are running totals; free is in pages.
 */
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/param.h>
#include <sys/sleepq.h>
#include <sys/thread.h>
#include <sys/trace.h>
#include <vm/vm.h>
#include <vm/vm_object.h>
#include <vm/vm_phys.h>

BOOT_OPTION(vmlog, "vmlog", "print the VM counters every so many ms");

static void
vmlog_line(void)
{
	enum vm_meter m;

	kprintf("vmlog: ms %lu free %lu objects %lu",
	    md_uptime() / NSEC_PER_MSEC, vm_phys_free_count(),
	    vm_object_count());
	for (m = 0; m < VM_METER_COUNT; m++)
		kprintf(" %s %lu", vm_meter_name(m), vm_meter_sum(m));
	kprintf("\n");
}

static void
vmlog_thread(void *arg)
{
	nsec_t period = (nsec_t)arg;

	for (;;) {
		vmlog_line();
		(void)tsleep(&vmlog_thread, 0, "vmlog", period);
	}
}

void
vmlog_start(void)
{
	uint64_t ms = bootopt_u64("vmlog", 0);

	if (ms != 0 && kthread_run(vmlog_thread, (void *)(ms * NSEC_PER_MSEC),
	    "vmlog", NULL) != 0)
		panic("vmlog: no memory for its thread");
}
