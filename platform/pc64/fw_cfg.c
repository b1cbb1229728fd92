/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fw_cfg.c: reading a file that QEMU was given with -fw_cfg, so that one boot
 * image serves all tests.  Only the port interface, only reading, only at
 * start-up.
 *
 * Locks: none; one CPU.  Sources: QEMU's docs/specs/fw_cfg.
 */
#include <lib/string.h>
#include <machine/cpufunc.h>
#include <machine/machdep.h>

#define FW_CFG_SELECT	0x510
#define FW_CFG_DATA	0x511

#define FW_CFG_SIGNATURE 0x0000
#define FW_CFG_DIR	0x0019
#define FW_CFG_MAXFILES	1024		/* a bound on what we believe */
#define FW_CFG_NAME	56

static void
fw_cfg_read(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = inb(FW_CFG_DATA);
}

static uint32_t
fw_cfg_be32(void)
{
	uint8_t b[4];

	fw_cfg_read(b, sizeof(b));
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	    (uint32_t)b[2] << 8 | b[3];
}

static bool
fw_cfg_present(void)
{
	char sig[4];

	outw(FW_CFG_SELECT, FW_CFG_SIGNATURE);
	fw_cfg_read(sig, sizeof(sig));
	return memcmp(sig, "QEMU", 4) == 0;
}

bool
fw_cfg_string(const char *name, char *buf, size_t size)
{
	char fname[FW_CFG_NAME];
	uint32_t i, n, len, key;

	buf[0] = '\0';
	if (!fw_cfg_present())
		return false;
	outw(FW_CFG_SELECT, FW_CFG_DIR);
	n = fw_cfg_be32();
	for (i = 0; i < n && i < FW_CFG_MAXFILES; i++) {
		len = fw_cfg_be32();
		key = fw_cfg_be32() >> 16;	/* key, then 16 bits reserved */
		fw_cfg_read(fname, sizeof(fname));
		if (strncmp(fname, name, sizeof(fname)) != 0)
			continue;
		if (len >= size)
			len = (uint32_t)size - 1;
		outw(FW_CFG_SELECT, (uint16_t)key);
		fw_cfg_read(buf, len);
		buf[len] = '\0';
		return true;
	}
	return false;
}
