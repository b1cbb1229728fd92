/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.h: what every part of the VM shares: protections, inheritance, counters.
 */
#pragma once

#include <lib/types.h>
#include <sys/param.h>

#define VM_PROT_NONE		((vm_prot_t)0)
#define VM_PROT_READ		((vm_prot_t)1)
#define VM_PROT_WRITE		((vm_prot_t)2)
#define VM_PROT_EXECUTE		((vm_prot_t)4)
#define VM_PROT_RW		((vm_prot_t)3)
#define VM_PROT_ALL		((vm_prot_t)7)

enum vm_inherit {
	VM_INHERIT_SHARE,	/* parent and child see one object */
	VM_INHERIT_COPY,	/* copy on write (default) */
	VM_INHERIT_NONE,	/* the child has a hole */
	VM_INHERIT_ZERO,	/* the child has fresh zero-fill memory */
};

/*
 * Counters.  Each CPU adds to its own; vm_meter_sum adds them up.  A name here
 * is the name that vmstat prints.
 */
#define VM_METER_LIST(X)						\
	X(v_vm_faults)		/* calls of vm_fault */			\
	X(v_zfod)		/* pages filled with zero on demand */	\
	X(v_cow_faults)		/* pages copied on write */		\
	X(v_cow_forward)	/* pages moved forward instead */	\
	X(v_fault_retry)	/* faults that had to look up again */	\
	X(v_forks)		/* vmspace_fork */			\
	X(v_vforks)		/* children that borrow a vmspace */	\
	X(v_execs)							\
	X(v_chain_max)		/* most objects that a fault walked */	\
	X(v_collapses)		/* backing objects merged */		\
	X(v_bypasses)		/* backing objects skipped */		\
	X(v_collapse_moved)	/* pages that merges moved forward */	\
	X(v_collapse_freed)	/* pages that merges found shadowed */	\
	X(v_collapse_skips)	/* upward try-locks that failed */	\
	X(v_collapse_waits)	/* sleeps inside a collapse */		\
	X(v_collapse_aborts)	/* merges given up: busy, no memory */	\
	X(v_splits)		/* objects split at fork */		\
	X(v_copied_up)		/* pages copied to shorten a chain */	\
	X(v_prefault)		/* pages mapped ahead */		\
	X(v_prefault_giveup)	/* chains left: an object was locked */	\
	X(v_prefault_race)	/* the founding warning: stays 0 */	\
	X(v_cache_hits)		/* objects found by name */		\
	X(v_cache_misses)						\
	X(v_cache_evictions)	/* idle objects given up */		\
	X(v_tlb_rounds)		/* shootdown rounds sent */		\
	X(v_tlb_ipis)		/* CPUs that were interrupted */	\
	X(v_tlb_resends)	/* lost IPIs sent again */		\
	X(v_stack_grows)						\
	X(v_waits)		/* sleeps on a page, on pins, for memory */ \
	X(v_wait_max)		/* the longest of them, ns */		\
	X(v_syscalls)							\
	X(v_intr)

enum vm_meter {
#define X(n)	VM_METER_##n,
	VM_METER_LIST(X)
#undef X
	VM_METER_COUNT
};

struct vm_meter_pcpu {
	uint64_t	 count[VM_METER_COUNT];
	const char	*wait_name;	/* where v_wait_max was slept */
} __attribute__((__aligned__(CACHE_LINE)));

extern struct vm_meter_pcpu vm_meter_pcpu[MAXCPU];

/* vm_meter_inc: any context; a preempted increment may land on the wrong CPU's
 * counter but is not lost (atomic add). */
#define vm_meter_inc(n)		vm_meter_add(VM_METER_##n, 1)
void		vm_meter_add(enum vm_meter m, uint64_t n);
/* vm_meter_max: of v_chain_max, which like v_wait_max is no sum. */
void		vm_meter_max(enum vm_meter m, uint64_t n);
/* vm_meter_waited: the current thread has slept ns on a VM channel, until it
 * ran again.  => wmesg: a literal. */
void		vm_meter_waited(const char *wmesg, nsec_t ns);
/* vm_meter_wait: sleepq_wait(chan, 0, wmesg, 0), counted. */
void		vm_meter_wait(const void *chan, const char *wmesg);
/* vm_meter_longest: the channel's name of v_wait_max, "none" before the first;
 * [h] while somebody counts. */
const char	*vm_meter_longest(nsec_t *ns);
uint64_t	vm_meter_sum(enum vm_meter m);
const char	*vm_meter_name(enum vm_meter m);

/* vm_init: ordered start-up of this layer, after the platform has given
 * vm_phys its memory. => Locks: none; one CPU, before the scheduler. */
void	vm_init(void);
