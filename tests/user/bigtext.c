/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bigtext.c: a program with 1 MiB of code, one function a page, and all of them
 * are called, in an order that jumps.  What the kernel's fault-around saves:
 * boot with prefault=0 and prefault=1 and compare v_vm_faults.
 */
#include "ulib.h"

#define P(n)	__attribute__((noinline, aligned(4096)))		\
static unsigned page_##n(unsigned v) { return v * 3 + n; }
#define P4(n)	P(n##0) P(n##1) P(n##2) P(n##3)
#define P16(n)	P4(n##0) P4(n##1) P4(n##2) P4(n##3)
#define P64(n)	P16(n##0) P16(n##1) P16(n##2) P16(n##3)
#define N(n)	page_##n,
#define N4(n)	N(n##0) N(n##1) N(n##2) N(n##3)
#define N16(n)	N4(n##0) N4(n##1) N4(n##2) N4(n##3)
#define N64(n)	N16(n##0) N16(n##1) N16(n##2) N16(n##3)

/* The digits are octal numbers of base 4: 01000 to 01333. */
P64(010) P64(011) P64(012) P64(013)

static unsigned (*const page[256])(unsigned) = {
	N64(010) N64(011) N64(012) N64(013)
};

int
main(int argc, char **argv, char **envp)
{
	unsigned i, v = 1;

	(void)argc;
	(void)argv;
	(void)envp;
	for (i = 0; i < 256; i++)
		v = page[i * 37 % 256](v);
	CHECK(v != 0, "sum %u", v);
	return 0;
}
