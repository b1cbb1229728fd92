/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootinfo.h: what the loader told us, checked and in one form.
 *
 * boot/bootinfo.c fills it from the Multiboot2 tags or from the PVH start
 * information: pure code, tested on the host.  Whatever the loader said, after
 * success:
 *	I1 the regions are sorted, disjoint, not empty and page aligned;
 *	I2 they lie below 1 << maxphys and contain no byte that the loader
 *	   called anything but usable RAM;
 *	I3 the kernel and the initrd lie in regions and do not overlap;
 *	I4 the strings end with a NUL.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

#define BOOTINFO_MAXREGIONS	64
#define BOOTINFO_CMDLINE	1024
#define BOOTINFO_MAXWARN	8
#define BOOTINFO_RSDP		36	/* bytes of an ACPI 2.0 RSDP */

#define MULTIBOOT2_MAGIC	0x36d76289	/* in eax at entry */
#define PVH_MAGIC		0x336ec578	/* first word of hvm_start_info */

struct bootinfo_region {
	vm_paddr_t	start, end;	/* usable RAM, [start, end) */
};

/* Filled once, before any other CPU runs; [c] all after that. */
struct bootinfo {
	unsigned		nregions;
	struct bootinfo_region	region[BOOTINFO_MAXREGIONS];
	vm_paddr_t		initrd_start, initrd_end;	/* 0, 0: none */
	vm_paddr_t		rsdp;		/* 0: not told */
	unsigned		rsdp_len;	/* bytes of rsdp_copy: 0, 20 or 36 */
	uint8_t			rsdp_copy[BOOTINFO_RSDP];
	vm_paddr_t		kernel_start, kernel_end; /* caller fills */
	char			loader[32];
	char			cmdline[BOOTINFO_CMDLINE];
	char			fw_cmdline[BOOTINFO_CMDLINE]; /* fw_cfg's;
						 * machdep.c fills, may be "" */
	unsigned		nwarnings;	/* may exceed BOOTINFO_MAXWARN */
	char			warning[BOOTINFO_MAXWARN][96]; /* printed once
						 * the console is up */
};

/*
 * bootinfo_multiboot2: parse the tags at mbi, of which size bytes may be read.
 * => Takes: kernel_start and kernel_end of *bi; all else is overwritten.
 * => Units: bytes; maxphys is the number of physical address bits.
 * => Returns: 0; EINVAL with err set to one clear line when booting cannot go
 *    on (no memory map, truncated tags, a module over the kernel).
 * => See: Multiboot2 specification 1.6, section 3.6; tests/host
 *    bootinfo_test.c.
 */
int	bootinfo_multiboot2(struct bootinfo *bi, const void *mbi, size_t size,
	    unsigned maxphys, char *err, size_t errlen) __warn_unused;

/*
 * bootinfo_pvh: the same from a struct hvm_start_info at physical address pa.
 * => map(pa, len) makes len bytes readable, or returns NULL.
 * => See: the PVH boot protocol (xen/include/public/arch-x86/hvm/start_info.h).
 */
int	bootinfo_pvh(struct bootinfo *bi, vm_paddr_t pa,
	    const void *(*map)(vm_paddr_t pa, size_t len), unsigned maxphys,
	    char *err, size_t errlen) __warn_unused;

extern struct bootinfo bootinfo;	/* machdep.c */
