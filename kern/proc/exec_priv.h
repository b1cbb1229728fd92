/* SPDX-License-Identifier: BSD-2-Clause */
/* exec_priv.h: between exec.c and exec_args.c. */
#pragma once

#include <lib/types.h>
#include <sys/exec.h>
#include <sys/uaddr.h>

struct procargs;
struct rnode;
struct vm_page;
struct vmspace;

#define EXEC_HASHBANG	256U		/* longest #! line */

/*
 * Argument and environment strings, one behind the other, argv first.
 * [t] all: one exec's.  I1: len <= cap, count = argc + envc strings in buf.
 */
struct exec_args {
	char		*buf;
	size_t		 len, cap;
	unsigned	 argc, envc, count;
};

/* One exec under way.  [t] all. */
struct exec {
	struct exec_args	 args;
	struct exec_plan	 plan;
	struct rnode		*node;		/* referenced */
	struct exec_plan	 interp;	/* its linker's; empty: none */
	struct rnode		*interp_node;	/* referenced; NULL: none */
	struct procargs		*procargs;	/* the new ones; later the old */
	bool			 counted;	/* node's rn_execs has us */
	struct vmspace		*vm;		/* the new one */
	struct sigacts		*sigacts;	/* and its actions */
	struct vm_page		*headpage;	/* holds head */
	char			*head;
	size_t			 headlen;
};

void	exec_fini(struct exec *ex);
int	exec_args_user(struct exec_args *ea, struct uaddr argv,
	    struct uaddr envp) __warn_unused;
int	exec_args_kernel(struct exec_args *ea, const char *const *argv,
	    const char *const *envp) __warn_unused;
/* exec_args_script: argv[0] becomes interp, arg (NULL: none), path. */
int	exec_args_script(struct exec_args *ea, const char *interp,
	    const char *arg, const char *path) __warn_unused;
void	exec_args_fini(struct exec_args *ea);
/* exec_script: does the head start with #!?  interp is the interpreter ("":
 * the line is bad), *arg its argument or NULL, inside interp's buffer. */
bool	exec_script(const struct exec *ex, char interp[EXEC_HASHBANG],
	    char **arg);
/* exec_stack: the first stack, in the space that now runs; *spp points at
 * argc.  EFAULT, ENOMEM. */
int	exec_stack(struct exec *ex, const char *path, uint64_t *spp)
	    __warn_unused;
