/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_init.c: start-up of the VM layer in the one order that works.
 */
#include <vm/vm.h>
#include <sys/kmalloc.h>
#include <sys/kprintf.h>
#include <sys/panic.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_bug.h>
#include <vm/vm_fault.h>
#include <vm/vm_kern.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>
#include <vm/vm_phys.h>
#include <vm/vm_sched.h>

BOOT_OPTION(chaos, "chaos", "seed of delays at the schedule points of vm/");
BOOT_OPTION(prefault, "prefault", "0: no fault-around");
BOOT_OPTION(vm_cache_max, "vm_cache_max", "idle objects that stay cached");

/* Below this the fork storm cannot run; a machine of 24 MiB has more. */
#define VM_MIN_FREE	(6UL << 20)

void
vm_init(void)
{
#if VMBUG
	vm_bug_init();
#endif
	vm_page_startup();		/* the array, from boot memory */
	vm_phys_init();			/* pages can be allocated */
	zone_init(&kmem_zone_backend);	/* objects can be allocated */
	pmap_init();
	vm_page_init();			/* pages can have an identity */
	vm_object_init();
	vm_map_startup();
	kmem_init();			/* kernel_map */
	kmalloc_init();
	vm_chaos_start(bootopt_u64("chaos", 0));
	vm_prefault_init();
	vm_object_cache_init();
	if (vm_phys_free_count() < atop(VM_MIN_FREE))
		panic_exit(EXIT_NOMEM, "%lu KiB of memory are free after "
		    "start-up, %lu are needed: give the machine 24 MiB or more",
		    vm_phys_free_count() * (PAGE_SIZE >> 10),
		    VM_MIN_FREE >> 10);
}
