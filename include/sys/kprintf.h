/* SPDX-License-Identifier: BSD-2-Clause */
/* kprintf.h: console output and the boot command line. */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

void	kprintf(const char *fmt, ...) __printflike(1, 2);
void	kvprintf_cons(const char *fmt, va_list ap) __printflike(1, 0);
/* cons_write: bytes to the console; _raw: as they are, without a carriage return
 * before a newline (tty output). */
void	cons_write(const char *s, size_t len);
void	cons_write_raw(const char *s, size_t len);
/* kprintf_locked: would kprintf wait for a lock that this CPU holds? */
bool	kprintf_locked(void);
/* dmesg_read: copy up to size bytes of the message ring, oldest first, into
 * buf (not terminated); returns how many. */
size_t	dmesg_read(char *buf, size_t size);

/*
 * Boot options, "name" or "name=value", from the GRUB command line and from
 * fw_cfg opt/gnomon/cmdline (which wins).  An option is known when a
 * BOOT_OPTION names it; unknown ones are listed at boot with the nearest
 * known name.
 */
struct boot_option {
	const char	*name;
	const char	*help;
};
#define BOOT_OPTION(id, nm, hlp)					\
	static const struct boot_option __boot_option_##id		\
	    __used __section("boot_options") = { nm, hlp }

void		 bootopt_init(const char *cmdline, const char *fw_cmdline);
const char	*bootopt_str(const char *name);	/* value, "" or NULL: absent */
bool		 bootopt_bool(const char *name);
uint64_t	 bootopt_u64(const char *name, uint64_t dflt);
