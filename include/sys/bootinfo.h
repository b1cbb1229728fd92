/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootinfo.h: what the loader told us, checked and in one form.
 *
 * boot/bootinfo.c fills it from the Multiboot2 tags (or the PVH note): pure
 * code, tested on the host.  After bootinfo_check the regions are sorted,
 * disjoint, page aligned and within the physical address bits.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

#define BOOTINFO_MAXREGIONS	64
#define BOOTINFO_CMDLINE	1024

struct bootinfo_region {
	vm_paddr_t	start, end;	/* usable RAM */
};

struct bootinfo {
	unsigned		nregions;
	struct bootinfo_region	region[BOOTINFO_MAXREGIONS];
	vm_paddr_t		initrd_start, initrd_end;	/* 0, 0: none */
	vm_paddr_t		rsdp;		/* 0: search for it */
	vm_paddr_t		kernel_start, kernel_end;
	char			loader[32];
	char			cmdline[BOOTINFO_CMDLINE];
	unsigned		nwarnings;
	char			warning[8][96];	/* printed once the console is up */
};

/*
 * bootinfo_multiboot2: parse the tags at mbi (size bytes readable).
 * => Returns: 0; EINVAL with err set to one clear line when booting cannot go
 *    on (no memory map, truncated tags, a module over the kernel).
 * => Units: bytes; maxphys is the number of physical address bits.
 */
int	bootinfo_multiboot2(struct bootinfo *bi, const void *mbi, size_t size,
	    unsigned maxphys, char *err, size_t errlen) __warn_unused;
extern struct bootinfo bootinfo;
