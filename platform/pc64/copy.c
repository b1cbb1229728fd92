/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * copy.c: the tables that copy.S and exception.S leave behind: where a fault
 * may be recovered from, and where stac and clac belong.
 *
 * The entry paths and the copies run on every system call, so a CPU without
 * SMAP must not pay a branch at each: the sites hold a three-byte nop, and
 * copy_init writes the instruction over it once.
 */
#include <lib/string.h>
#include <machine/cpufunc.h>
#include <machine/frame.h>
#include <machine/specialreg.h>
#include <machine/trap.h>
#include <sys/param.h>

/* One entry of ex_table.  [c] */
struct fault_range {
	uint64_t	first, end;	/* instructions that may fault */
	uint64_t	fixup;		/* where to go on */
};

/* One entry of smap_sites.  [c] */
struct smap_site {
	uint8_t		*site;
	uint8_t		 insn[8];	/* the first three count */
};
#define SMAP_INSN_LEN	3

/* The linker gives these for any section with a C name. */
extern const struct fault_range	__start_ex_table[], __stop_ex_table[];
extern const struct smap_site	__start_smap_sites[], __stop_smap_sites[];

bool
copy_fixup(struct trapframe *tf)
{
	const struct fault_range *r;

	for (r = __start_ex_table; r < __stop_ex_table; r++) {
		if (tf->tf_rip >= r->first && tf->tf_rip < r->end) {
			tf->tf_rip = r->fixup;
			return true;
		}
	}
	return false;
}

bool
copy_may_fault(const struct trapframe *tf)
{
	const struct fault_range *r;

	for (r = __start_ex_table; r < __stop_ex_table; r++)
		if (tf->tf_rip >= r->first && tf->tf_rip < r->end)
			return true;
	return false;
}

/*
 * One CPU runs, with interrupts off; text is read-only perhaps, so CR0.WP is
 * off for the moment.  Asks CPUID, not CR4: the instructions exist before SMAP
 * is on, and they must be there when it is.
 */
void
copy_init(void)
{
	const struct smap_site *s;
	uint64_t cr0 = rcr0();

	if (cpuid(0, 0).eax < 7 ||
	    (cpuid(7, 0).ebx & CPUID7_EBX_SMAP) == 0)
		return;
	load_cr0(cr0 & ~(uint64_t)CR0_WP);
	for (s = __start_smap_sites; s < __stop_smap_sites; s++)
		memcpy(s->site, s->insn, SMAP_INSN_LEN);
	load_cr0(cr0);
}
