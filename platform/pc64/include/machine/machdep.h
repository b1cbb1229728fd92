/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machdep.h: what the files of this platform's start-up share: entry points,
 * the ACPI findings, serial port and clock.  Platform-private.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <sys/param.h>

struct trapframe;

/* machdep.c: from entry.S on the boot stack; magic says what info points at. */
void	hammer_time(uint32_t magic, vm_paddr_t info) __noreturn;
/* kern/main.c */
void	mi_startup(void) __noreturn;

/* entry.S: the boot CPU's first stack, thread0's for good: KSTACK_SIZE bytes
 * above an unmapped guard page. */
extern char	boot_kstack_guard[PAGE_SIZE];
extern char	boot_kstack[KSTACK_SIZE];
extern uint64_t	boot_pml4[512];		/* identity and high; until APs run */

/* linker.ld */
extern char	__kernel_start[], __kernel_end[];
extern char	__text_start[], __text_end[];
extern char	__rodata_start[], __rodata_end[];
extern char	__data_start[], __data_end[];

/* fw_cfg.c: copy QEMU's fw_cfg file into buf as a string; false: none. */
bool	fw_cfg_string(const char *name, char *buf, size_t size);

/* uart.c */
void	uart_init(void);		/* polled output from here on; once */
void	uart_intr_init(void);		/* input by interrupt */

/* tsc.c */
void	tsc_init(void);			/* calibrate; then md_uptime works */
extern uint64_t	tsc_freq;		/* [c] Hz */
/* tsc_skew_*: the boot CPU and the CPU that is starting compare clocks;
 * each calls its half. */
void	tsc_skew_boot(int cpu);
void	tsc_skew_ap(void);

/* acpi.c: findings, [c] after acpi_init. */
struct acpi_info {
	bool		found;
	unsigned	ncpus;			/* usable, boot CPU included */
	uint32_t	apicid[MAXCPU];
	unsigned	ncpus_over;		/* beyond MAXCPU */
	vm_paddr_t	lapic;
	vm_paddr_t	ioapic;			/* 0: none */
	uint32_t	ioapic_gsi;		/* its first interrupt */
	struct {
		uint32_t	gsi;
		bool		low, level;	/* polarity, trigger */
	}		isa[16];		/* ISA interrupt overrides */
	uint16_t	pm1a_cnt, pm1b_cnt;	/* ports; 0: none */
	uint16_t	smi_cmd;
	uint8_t		acpi_enable;
	bool		s5;			/* s5_typ* are known */
	uint8_t		s5_typa, s5_typb;
	uint16_t	reset_port;		/* 0: none */
	uint8_t		reset_value;
	vm_paddr_t	hpet;			/* 0: none */
};
extern struct acpi_info acpi_info;
void	acpi_init(void);
