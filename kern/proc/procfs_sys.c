/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs_sys.c: what /proc says of the whole system, and the knobs below
 * /proc/sys.
 *
 * Locks: those of the counters it reads.
 * Sources: proc(5) of Linux.
 */
#include <sys/file.h>

#include <lib/atomic.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/itimer.h>
#include <sys/kmalloc.h>
#include <sys/md.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/smp.h>
#include <sys/thread.h>
#include <vm/vm.h>
#include <vm/vm_fault.h>
#include <vm/vm_pager.h>
#include <vm/vm_phys.h>

#include "procfs_priv.h"

#define TICK		(NSEC_PER_SEC / 100)
#define KB(npages)	((npages) * (PAGE_SIZE / 1024))

static int
self_readlink(int pid __unused, int fd __unused, char *buf, size_t size)
{
	if (curproc == NULL)
		return ENOENT;
	(void)ksnprintf(buf, size, "%d", curproc->p_pid);
	return 0;
}

static int
mounts_readlink(int pid __unused, int fd __unused, char *buf, size_t size)
{
	strlcpy(buf, "self/mounts", size);
	return 0;
}

static int
sys_meminfo(struct pout *o, int pid __unused)
{
	uint64_t total = vm_phys_total(), nfree = vm_phys_free_count();
	uint64_t reserve = total / 8;

	pout_printf(o, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\n"
	    "MemAvailable:   %8lu kB\nBuffers:        %8u kB\n"
	    "Cached:         %8u kB\nSwapCached:     %8u kB\n"
	    "Shmem:          %8u kB\nSReclaimable:   %8u kB\n"
	    "SwapTotal:      %8u kB\nSwapFree:       %8u kB\n", KB(total),
	    KB(nfree), KB(nfree > reserve ? nfree - reserve : 0), 0, 0, 0, 0,
	    0, 0, 0);
	return 0;
}

static int
sys_vmstat(struct pout *o, int pid __unused)
{
	unsigned i;

	pout_printf(o, "nr_free_pages %lu\n", vm_phys_free_count());
	for (i = 0; i < VM_METER_COUNT; i++)
		pout_printf(o, "%s %lu\n", vm_meter_name((enum vm_meter)i),
		    vm_meter_sum((enum vm_meter)i));
	return 0;
}

/* ticks_idle: what a CPU's idle thread ran. */
static uint64_t
ticks_idle(int cpu)
{
	return idle_thread[cpu].td_runtime / TICK;
}

static void
thread_running(struct thread *td, void *arg)
{
	unsigned *n = arg;

	*n += td->td_state == TDS_RUNNING && td->td_user;
}

/* One line of CPU times; nice, waiting for disks and the like are 0. */
static void
stat_times(struct pout *o, const struct cpu_ticks *ct)
{
	CTASSERT(HZ == 100, "ticks are what stat counts in");

	pout_printf(o, " %lu 0 %lu %lu 0 0 0 0 0 0\n", ct->user, ct->system,
	    ct->idle);
}

static int
sys_stat(struct pout *o, int pid __unused)
{
	struct cpu_ticks sum = { 0 }, ct;
	unsigned running = 0;
	int cpu;

	thread_foreach(thread_running, &running);
	for (cpu = 0; cpu < mp_ncpus; cpu++) {
		sched_cpu_ticks(cpu, &ct);
		sum.user += ct.user;
		sum.system += ct.system;
		sum.idle += ct.idle;
	}
	pout_printf(o, "cpu ");
	stat_times(o, &sum);
	for (cpu = 0; cpu < mp_ncpus; cpu++) {
		sched_cpu_ticks(cpu, &ct);
		pout_printf(o, "cpu%d", cpu);
		stat_times(o, &ct);
	}
	pout_printf(o, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %lu\n"
	    "procs_running %u\nprocs_blocked 0\n",
	    vm_meter_sum(VM_METER_v_intr), sched_switches(),
	    (md_walltime() - md_uptime()) / NSEC_PER_SEC,
	    vm_meter_sum(VM_METER_v_forks), running);
	return 0;
}

static int
sys_cpuinfo(struct pout *o, int pid __unused)
{
	int cpu;

	for (cpu = 0; cpu < mp_ncpus; cpu++)
		pout_printf(o, "processor\t: %d\nmodel name\t: x86-64\n\n",
		    cpu);
	return 0;
}

static int
sys_uptime(struct pout *o, int pid __unused)
{
	uint64_t up = md_uptime() / TICK, idle = 0;
	int cpu;

	for (cpu = 0; cpu < mp_ncpus; cpu++)
		idle += ticks_idle(cpu);
	pout_printf(o, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100,
	    idle % 100);
	return 0;
}

static int
sys_loadavg(struct pout *o, int pid __unused)
{
	uint64_t load[3];
	unsigned running = 0, i;

	loadavg_get(load);
	thread_foreach(thread_running, &running);
	for (i = 0; i < 3; i++)
		pout_printf(o, "%lu.%02lu ", load[i] >> 16,
		    (load[i] & 0xffff) * 100 >> 16);
	pout_printf(o, "%u/%u %d\n", running, proc_count(),
	    curproc != NULL ? curproc->p_pid : 0);
	return 0;
}

static bool
mount_line(void *arg, const struct mount *mt, const char *path)
{
	unsigned flags = mt->mt_flags;

	pout_printf(arg, "%s %s %s %s%s%s%s,relatime", mt->mt_source,
	    path, mt->mt_type->ft_name,
	    (flags & MS_RDONLY) != 0 ? "ro" : "rw",
	    (flags & MS_NOSUID) != 0 ? ",nosuid" : "",
	    (flags & MS_NODEV) != 0 ? ",nodev" : "",
	    (flags & MS_NOEXEC) != 0 ? ",noexec" : "");
	if (mt->mt_limit != 0)
		pout_printf(arg, ",size=%luk", KB(mt->mt_limit));
	pout_printf(arg, " 0 0\n");
	return true;
}

int
procfs_mounts(struct pout *o, int pid __unused)
{
	char *buf = kmalloc(PATH_MAX, M_WAITOK);

	if (buf == NULL)
		return ENOMEM;
	mount_foreach(mount_line, o, buf);
	kfree(buf);
	return 0;
}

static int
sys_version(struct pout *o, int pid __unused)
{
	pout_printf(o, "Linux version 6.1.0-gnomon (Gnomon)\n");
	return 0;
}

static int
sys_filesystems(struct pout *o, int pid __unused)
{
	pout_printf(o, "nodev\ttmpfs\nnodev\tramfs\nnodev\tdevtmpfs\n"
	    "nodev\tproc\nnodev\tdevpts\n");
	return 0;
}

/* ---- /proc/sys ---- */

static int
kernel_osrelease(struct pout *o, int pid __unused)
{
	pout_printf(o, "6.1.0-gnomon\n");
	return 0;
}

static int
kernel_ostype(struct pout *o, int pid __unused)
{
	pout_printf(o, "Linux\n");
	return 0;
}

static int
kernel_hostname(struct pout *o, int pid __unused)
{
	pout_printf(o, "gnomon\n");
	return 0;
}

/* Memory is promised freely: what MAP_NORESERVE would ask for. */
static int
vm_overcommit(struct pout *o, int pid __unused)
{
	pout_printf(o, "1\n");
	return 0;
}

static int
vm_min_addr(struct pout *o, int pid __unused)
{
	pout_printf(o, "%lu\n", VM_MIN_USER_ADDRESS);
	return 0;
}

static int
vm_prefault_text(struct pout *o, int pid __unused)
{
	pout_printf(o, "%u\n", vm_prefault_enabled() ? 1U : 0U);
	return 0;
}

static int
vm_prefault_put(uint64_t value)
{
	if (value > 1)
		return EINVAL;
	vm_prefault_enable(value != 0);
	return 0;
}

static int
vm_cache_text(struct pout *o, int pid __unused)
{
	pout_printf(o, "%u\n", vm_object_cache_max());
	return 0;
}

static int
vm_cache_put(uint64_t value)
{
	if (value > UINT32_MAX)
		return EINVAL;
	vm_object_cache_limit((unsigned)value, vm_phys_total() / 8);
	return 0;
}

static int
fs_file_max(struct pout *o, int pid __unused)
{
	pout_printf(o, "%u\n", atomic_load(&file_max));
	return 0;
}

static int
fs_file_max_put(uint64_t value)
{
	if (value > INT32_MAX)
		return EINVAL;
	atomic_store(&file_max, (unsigned)value);
	return 0;
}

static int
fs_file_nr(struct pout *o, int pid __unused)
{
	pout_printf(o, "%u\t0\t%u\n", file_count(), atomic_load(&file_max));
	return 0;
}

static int
kernel_threads_max(struct pout *o, int pid __unused)
{
	pout_printf(o, "%u\n", atomic_load(&threads_max));
	return 0;
}

static int
kernel_threads_max_put(uint64_t value)
{
	if (value > INT32_MAX)
		return EINVAL;
	atomic_store(&threads_max, (unsigned)value);
	return 0;
}

static const struct procent sys_fs_dir[] = {
	{ .name = "file-max", .mode = S_IFREG | 0644, .text = fs_file_max,
	    .set = fs_file_max_put },
	{ .name = "file-nr", .mode = S_IFREG | 0444, .text = fs_file_nr },
	{ .name = NULL }
};

static int
vm_longest_text(struct pout *o, int pid __unused)
{
	const char *name;
	nsec_t ns;

	name = vm_meter_longest(&ns);
	pout_printf(o, "%s %lu\n", name, ns);
	return 0;
}

static const struct procent sys_vm_dir[] = {
	{ .name = "longest_wait", .mode = S_IFREG | 0444,
	    .text = vm_longest_text },
	{ .name = "mmap_min_addr", .mode = S_IFREG | 0444,
	    .text = vm_min_addr },
	{ .name = "overcommit_memory", .mode = S_IFREG | 0444,
	    .text = vm_overcommit },
	{ .name = "prefault", .mode = S_IFREG | 0644,
	    .text = vm_prefault_text, .set = vm_prefault_put },
	{ .name = "vm_cache_max", .mode = S_IFREG | 0644,
	    .text = vm_cache_text, .set = vm_cache_put },
	{ .name = NULL }
};

static const struct procent sys_kernel_dir[] = {
	{ .name = "osrelease", .mode = S_IFREG | 0444,
	    .text = kernel_osrelease },
	{ .name = "ostype", .mode = S_IFREG | 0444, .text = kernel_ostype },
	{ .name = "hostname", .mode = S_IFREG | 0444,
	    .text = kernel_hostname },
	{ .name = "threads-max", .mode = S_IFREG | 0644,
	    .text = kernel_threads_max, .set = kernel_threads_max_put },
	{ .name = NULL }
};

static const struct procent sys_dir[] = {
	{ .name = "fs", .mode = S_IFDIR | 0555, .dir = sys_fs_dir },
	{ .name = "kernel", .mode = S_IFDIR | 0555, .dir = sys_kernel_dir },
	{ .name = "vm", .mode = S_IFDIR | 0555, .dir = sys_vm_dir },
	{ .name = NULL }
};

const struct procent procfs_sys_root[] = {
	{ .name = "self", .mode = S_IFLNK | 0777,
	    .readlink = self_readlink },
	{ .name = "mounts", .mode = S_IFLNK | 0777,
	    .readlink = mounts_readlink },
	{ .name = "meminfo", .mode = S_IFREG | 0444, .text = sys_meminfo },
	{ .name = "vmstat", .mode = S_IFREG | 0444, .text = sys_vmstat },
	{ .name = "stat", .mode = S_IFREG | 0444, .text = sys_stat },
	{ .name = "cpuinfo", .mode = S_IFREG | 0444, .text = sys_cpuinfo },
	{ .name = "uptime", .mode = S_IFREG | 0444, .text = sys_uptime },
	{ .name = "loadavg", .mode = S_IFREG | 0444, .text = sys_loadavg },
	{ .name = "version", .mode = S_IFREG | 0444, .text = sys_version },
	{ .name = "filesystems", .mode = S_IFREG | 0444,
	    .text = sys_filesystems },
	{ .name = "sys", .mode = S_IFDIR | 0555, .dir = sys_dir },
	{ .name = NULL }
};
