/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machdep.c: the platform's start-up, from the jump into C to mi_startup(),
 * and the ways to end or idle the machine.
 *
 * The order in hammer_time is forced: GS and curthread first, without which
 * there is no panic; then the console, so that everything after it can complain
 * (a panic before it starts it); the trap machinery before anything that can
 * fault; the text is patched (idt_init) before pmap_bootstrap makes it
 * read-only.
 *
 * Locks: none; one CPU, interrupts off.
 */
#include <machine/cpufunc.h>
#include <machine/intr.h>
#include <machine/machdep.h>
#include <machine/pcpu.h>
#include <machine/pmap_boot.h>
#include <machine/segments.h>
#include <sys/bootinfo.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/panic.h>
#include <sys/thread.h>
#include <vm/vm_phys.h>

#define MIN_RAM		(12UL << 20)	/* the kernel starts with this */
#define BOOT_MAPPED	(4UL << 30)	/* what entry.S maps */
#define MBI_MAX		(1UL << 20)	/* Multiboot2 information we look at */
#define LOW_MEMORY	(1UL << 20)	/* left to the firmware and to APs */

#define DEBUG_EXIT_PORT	0xf4
#define RESET_PORT	0xcf9
#define	 RESET_FULL	0x0e
#define KBD_COMMAND	0x64
#define	 KBD_RESET	0xfe
#define PM1_CNT_SCI_EN	0x0001
#define PM1_CNT_SLP_EN	0x2000
#define PM1_CNT_SLP_TYP	10		/* shift, 3 bits */

struct bootinfo bootinfo;

/* boot_map: physical memory by the early tables, for bootinfo_pvh. */
static const void *
boot_map(vm_paddr_t pa, size_t len)
{
	if (pa == 0 || pa >= BOOT_MAPPED || len > BOOT_MAPPED - pa)
		return NULL;
	return PHYS_TO_DMAP(pa);
}

static void
bootinfo_read(uint32_t magic, vm_paddr_t info)
{
	unsigned maxphys = cpu_features.maxphys;
	char err[128];
	int error;

	bootinfo.kernel_start = (vm_paddr_t)__kernel_start - KERNBASE;
	bootinfo.kernel_end = (vm_paddr_t)__kernel_end - KERNBASE;
	switch (magic) {
	case MULTIBOOT2_MAGIC:
		error = bootinfo_multiboot2(&bootinfo, PHYS_TO_DMAP(info),
		    MIN(MBI_MAX, BOOT_MAPPED - info), maxphys, err,
		    sizeof(err));
		break;
	case PVH_MAGIC:
		error = bootinfo_pvh(&bootinfo, info, boot_map, maxphys, err,
		    sizeof(err));
		break;
	default:
		panic_exit(EXIT_BOOTINFO, "started by neither Multiboot2 nor "
		    "PVH: magic number %#x", magic);
	}
	if (error != 0)
		panic_exit(EXIT_BOOTINFO, "boot: %s", err);
	(void)fw_cfg_string("opt/gnomon/cmdline", bootinfo.fw_cmdline,
	    sizeof(bootinfo.fw_cmdline));
}

static void
bootinfo_print(uint64_t ram)
{
	unsigned i;

	kprintf("boot: %s, %lu KiB of RAM in %u regions, kernel %lu KiB, "
	    "initrd %lu KiB\n", bootinfo.loader, ram >> 10, bootinfo.nregions,
	    (bootinfo.kernel_end - bootinfo.kernel_start) >> 10,
	    (bootinfo.initrd_end - bootinfo.initrd_start) >> 10);
	for (i = 0; i < MIN(bootinfo.nwarnings, BOOTINFO_MAXWARN); i++)
		kprintf("boot: warning: %s\n", bootinfo.warning[i]);
	if (bootinfo.nwarnings > BOOTINFO_MAXWARN)
		kprintf("boot: %u more warnings\n",
		    bootinfo.nwarnings - BOOTINFO_MAXWARN);
}

/* Give vm_phys the RAM above 1 MiB, less what is in use. */
static void
memory_init(void)
{
	const struct bootinfo_region *r;
	uint64_t ram = 0;
	unsigned i;

	for (i = 0; i < bootinfo.nregions; i++)
		ram += bootinfo.region[i].end - bootinfo.region[i].start;
	bootinfo_print(ram);
	if (ram < MIN_RAM)
		panic_exit(EXIT_NOMEM, "%lu KiB of RAM is too little: "
		    "Gnomon needs %lu KiB", ram >> 10, MIN_RAM >> 10);
	for (i = 0; i < bootinfo.nregions; i++) {
		r = &bootinfo.region[i];
		if (r->end > LOW_MEMORY)
			vm_phys_add_region(MAX(r->start, LOW_MEMORY), r->end);
	}
	vm_phys_reserve(bootinfo.kernel_start, bootinfo.kernel_end);
	if (bootinfo.initrd_start != bootinfo.initrd_end)
		vm_phys_reserve(bootinfo.initrd_start, bootinfo.initrd_end);
}

void
hammer_time(uint32_t magic, vm_paddr_t info)
{
	gdt_init_cpu(0);
	thread0.td_kstack = (vm_offset_t)boot_kstack;
	pcpu_data[0].pc_curthread = &thread0;
	uart_init();
	identcpu();
	idt_init();
	syscall_init_cpu();

	bootinfo_read(magic, info);
	identcpu_print();
	memory_init();
	pmap_bootstrap();
	acpi_init();
	tsc_init();
	mi_startup();
}

void
md_intr_init(void)
{
	lapic_init();
	ioapic_init();
	uart_intr_init();
	lapic_timer_calibrate();
	lapic_timer_start();
}

void
md_idle(void)
{
	/* No interrupt can come between the two: sti takes effect after the
	 * instruction that follows it. */
	__asm__ volatile("sti; hlt" ::: "memory");
}

void
md_exit(int code)
{
	outl(DEBUG_EXIT_PORT, (uint32_t)code);
}

static void
pm1_sleep(uint16_t port, uint8_t typ)
{
	unsigned v = inw(port) & ~(7U << PM1_CNT_SLP_TYP);

	outw(port, (uint16_t)(v | (typ & 7U) << PM1_CNT_SLP_TYP |
	    PM1_CNT_SLP_EN));
}

/* ACPI S5.  Firmware that has not switched ACPI on is asked to. */
void
md_poweroff(void)
{
	const struct acpi_info *ai = &acpi_info;
	unsigned i;

	if (!ai->s5 || ai->pm1a_cnt == 0)
		return;
	if ((inw(ai->pm1a_cnt) & PM1_CNT_SCI_EN) == 0 && ai->smi_cmd != 0 &&
	    ai->acpi_enable != 0) {
		outb(ai->smi_cmd, ai->acpi_enable);
		for (i = 0; i < 1000; i++) {
			if ((inw(ai->pm1a_cnt) & PM1_CNT_SCI_EN) != 0)
				break;
			md_delay(NSEC_PER_MSEC);
		}
	}
	pm1_sleep(ai->pm1a_cnt, ai->s5_typa);
	if (ai->pm1b_cnt != 0)
		pm1_sleep(ai->pm1b_cnt, ai->s5_typb);
	md_delay(NSEC_PER_SEC / 2);
}

/* Whatever resets this machine: ACPI's register, the chip set's, the keyboard
 * controller, and at last a triple fault. */
void
md_reboot(void)
{
	static const struct {
		uint16_t	limit;
		uint64_t	base;
	} __packed no_idt = { 0, 0 };

	cpu_cli();
	if (acpi_info.reset_port != 0) {
		outb(acpi_info.reset_port, acpi_info.reset_value);
		md_delay(50 * NSEC_PER_MSEC);
	}
	outb(RESET_PORT, RESET_FULL);
	md_delay(50 * NSEC_PER_MSEC);
	outb(KBD_COMMAND, KBD_RESET);
	md_delay(50 * NSEC_PER_MSEC);
	for (;;)
		__asm__ volatile("lidt %0; int3" :: "m"(no_idt));
}
