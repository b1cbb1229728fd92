/* SPDX-License-Identifier: BSD-2-Clause */
/* kdb_priv.h: what kdb.c and kdb_cmds.c share. */
#pragma once

#include <lib/types.h>
#include <sys/diag.h>

#define KDB_MAXARGS	6

/* Where the debugger was entered; for bt and regs of the CPU's own thread. */
struct kdb_where {
	const struct trapframe	*tf;	/* NULL: by a call */
	uint64_t		 pc, fp, sp;
};
extern struct kdb_where kdb_where;

void	kdb_printf(const char *fmt, ...) __printflike(1, 2);
/* kdb_command: false: the session ends. */
bool	kdb_command(int argc, char **argv);
