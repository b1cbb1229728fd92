/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_fixed.c: scenarios made by hand: windows that three must open at once,
 * which few products and workloads do.  Each was thought of for a fault in vm/
 * that nothing else noticed (tests/mutants).
 */
#include "lab_ops.h"

#include <lib/assert.h>
#include <lib/cdefs.h>

static const char *const fixed[] = {
	/* a file's object ends while its page is read */
	"file:0r3,0a0,1a0",
	/* a merge finds a page busy and is given up */
	"clip3:1x2,0w2,0w3",
	"chain:1x0,0w2,0w1",
	/* a bypass of an object that is being merged */
	"rack:0x0,1w2,2w1",
	/* a thread that writes two pages while its process forks */
	"single:0f2,0w3w0",
	/* two make the first object, a third reads the map */
	"share0:0w0,0d2,0f0",
	/* a new page is wired while it is made inactive */
	"single:0l3,0q3",
	/* a merge whose front is at an offset, a page behind both */
	"file:0w0,0o0k2w1",
	/* the old page's object ends before the copy is mapped */
	"clip:0e1,1a1,0c1",
	/* shared memory is wired for reading while another map copies it */
	"grand:0o2,1e2",
	/* a segment that nobody has attached for a while */
	"seg:0a0S0,1a0S0w0u0",
	"seg:0u0,1r0",
	/* a wired page of a file that is cut, beside who would map it */
	"cut:0T2,0e2,0r2",
	"cut:0e2,0T2,1b1",
};

bool
scenario_fixed(struct lab_scenario *s, unsigned i)
{
	if (i >= nitems(fixed))
		return false;
	if (!scenario_parse(s, fixed[i]))
		panic("%s is no scenario", fixed[i]);
	return true;
}
