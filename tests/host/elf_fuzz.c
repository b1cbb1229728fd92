/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf_fuzz.c: is a damaged program, of those that really are on this machine,
 * refused, or else mapped so that each byte is the file's or zero and nothing
 * is left when it goes?  The loader is the kernel's: elf_check decides, exec_map
 * maps in an address space of the real vm/.
 *
 * FUZZ_ELF=n in the environment (make fuzz-elf N=n): so many; ELFS="a b": of
 * these files.
 */
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/exec.h>
#include <sys/kmalloc.h>
#include <sys/param.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "elf_test.h"
#include "harness.h"
#include "host_os.h"
#include "user_access.h"

/* rnd: for elfmut.h: the same seed, the same damage. */
static inline uint64_t
rnd(uint64_t *s)
{
	struct prng p;

	prng_seed(&p, *s);
	return *s = prng_next(&p);
}

#include "../user/elfmut.h"

#define FUZZ_DEFAULT	20000UL
#define MAXFILES	16

/* A program and its damaged form.  Lifetime: one test. */
struct prog {
	char		*bytes;
	unsigned long	 len;
	unsigned	 phnum;
	char		 name[64];
};

/* The file that is mapped now: head is damaged, the rest is the program's. */
static uint8_t		 head[EXEC_HEADSIZE];
static const struct prog *prog;
static uint64_t		 filesize;

static uint8_t
file_byte(uint64_t off)
{
	if (off >= filesize)
		return 0;
	return off < sizeof(head) ? head[off] : (uint8_t)prog->bytes[off];
}

/* ---- the file's object ---- */

static bool
fuzz_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	return pindex < object->size;
}

static int
fuzz_getpage(struct vm_object *object, struct vm_page *m)
{
	uint8_t *p = pmap_page_kva(m);
	unsigned i;

	(void)object;
	for (i = 0; i < PAGE_SIZE; i++)
		p[i] = file_byte(ptoa(m->pindex) + i);
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
fuzz_dealloc(struct vm_object *object)
{
	(void)object;
}

static const struct vm_pager_ops fuzz_ops = {
	.name = "elf_fuzz",
	.haspage = fuzz_haspage,
	.getpage = fuzz_getpage,
	.dealloc = fuzz_dealloc,
};

/* ---- one image ---- */

/* seg_byte: what the program would find at va, before exec_bss. */
static uint8_t
seg_byte(const struct exec_seg *seg, uint64_t va)
{
	uint64_t in = va - seg->vaddr;

	if (seg->filesz == 0 || in >= round_page(seg->vaddr + seg->filesz) -
	    seg->vaddr)
		return 0;
	return file_byte(seg->offset + in);
}

/* seg_wrong: is a byte at the segment's ends not what it should be? */
static bool
seg_wrong(struct vmspace *vm, const struct exec_seg *seg)
{
	const uint64_t at[] = {
		0, seg->memsz - 1, seg->filesz, seg->filesz - 1,
		seg->filesz + exec_seg_pad(seg), seg->memsz / 2,
	};
	unsigned i;
	uint8_t v;

	if ((seg->prot & VM_PROT_READ) == 0)
		return false;
	for (i = 0; i < nitems(at); i++) {
		if (at[i] >= seg->memsz)
			continue;
		if (user_load(&vm->vm_map, seg->vaddr + at[i], &v) != 0 ||
		    v != seg_byte(seg, seg->vaddr + at[i]))
			return true;
	}
	return false;
}

/* load: map the plan as exec does; false: a byte is wrong. */
static bool
load(struct exec_plan *plan, unsigned nth)
{
	struct vm_object *object;
	struct vmspace *vm;
	bool good = true;
	unsigned i;
	int error;

	object = vm_pager_allocate(&fuzz_ops, NULL, atop(round_page(filesize)));
	zone_fail_nth(nth);
	vm = vmspace_alloc();
	error = vm == NULL ? ENOMEM : exec_map(vm, object, plan);
	zone_fail_nth(0);
	for (i = 0; error == 0 && i < plan->nseg; i++)
		good = good && !seg_wrong(vm, &plan->seg[i]);
	if (vm != NULL)
		sysref_put(vm);
	vm_object_deallocate(object);
	return good && (error == 0 || error == ENOMEM);
}

/* elf_copy: elf_check of a block of exact size: a read behind it is told. */
static int
elf_copy(size_t len, struct exec_plan *plan)
{
	uint8_t *copy = hos_alloc(len);
	int error;

	memcpy(copy, head, len);
	error = elf_check(copy, len, filesize, EXEC_PIEBASE, plan);
	hos_free(copy);
	return error;
}

/* ---- programs ---- */

static bool
prog_read(struct prog *p, const char *name)
{
	strlcpy(p->name, name, sizeof(p->name));
	p->bytes = hos_read_file(name, &p->len);
	if (p->bytes == NULL)
		return false;
	p->phnum = p->len > EXEC_HEADSIZE ? (uint8_t)p->bytes[56] : 0;
	if (memcmp(p->bytes, "\177ELF", 4) == 0 && p->phnum > 0 &&
	    ELFMUT_EHDR + ELFMUT_PHDR * p->phnum <= EXEC_HEADSIZE)
		return true;
	hos_free(p->bytes);
	return false;
}

/* progs_read: the files that are there. */
static unsigned
progs_read(struct prog *progs)
{
	const char *list = hos_getenv("ELFS");
	char name[64];
	unsigned n = 0;
	size_t len;

	if (list == NULL)
		list = "build/user/hello build/user/fpu build/user/bigtext "
		    "/bin/busybox /proc/self/exe";
	while (*list != '\0' && n < MAXFILES) {
		for (len = 0; list[len] != '\0' && list[len] != ' '; len++)
			;
		strlcpy(name, list, MIN(len + 1, sizeof(name)));
		list += len;
		while (*list == ' ')
			list++;
		n += prog_read(&progs[n], name);
	}
	return n;
}

/* Numbers of one run. */
struct fuzz {
	uint64_t	seed;
	unsigned long	refused, mapped, failed;
};

/* one: damage, decide, map; what is wrong with it, or NULL. */
static const char *
one(struct fuzz *f)
{
	const char *bad;
	struct exec_plan plan;
	unsigned n;

	filesize = prog->len;
	memset(head, 0, sizeof(head));
	memcpy(head, prog->bytes, MIN(filesize, sizeof(head)));
	for (n = 1 + (unsigned)elfmut_below(&f->seed, 5); n > 0; n--)
		elfmut(&f->seed, head, prog->phnum, &filesize);
	if (elf_copy(MIN(filesize, sizeof(head)), &plan) != 0) {
		f->refused++;
		return NULL;
	}
	bad = plan_bad(&plan, filesize);
	if (bad != NULL)
		return bad;
	f->mapped++;
	n = elfmut_below(&f->seed, 8) == 0 ?
	    1 + (unsigned)elfmut_below(&f->seed, 20) : 0;
	f->failed += n != 0;
	return load(&plan, n) ? NULL : "a byte, or an error";
}

/* Does whatever survives run on the program's bytes, and leave nothing? */
KTEST(elf_fuzz, damaged_programs)
{
	static struct prog progs[MAXFILES];
	const char *env = hos_getenv("FUZZ_ELF");
	struct fuzz f = { .seed = prng_next(&t->prng) | 1 };
	uint64_t total = FUZZ_DEFAULT, i, before;
	unsigned n = progs_read(progs), k;
	const char *bad;

	if (n == 0) {
		ktest_skip(t, "no program to damage (make first)");
		return;
	}
	if (env != NULL && kstrtoul(env, 10, &total) != 0)
		total = FUZZ_DEFAULT;
	for (i = 0; i < total && !t->failed; i++) {
		prog = &progs[i % n];
		before = f.seed;
		bad = one(&f);
		KT_CHECK(t, bad == NULL, "image %lu, of %s, seed %#lx: %s", i,
		    prog->name, before, bad);
	}
	for (k = 0; k < n; k++)
		hos_free(progs[k].bytes);
	ktest_diag(t, "%lu images of %u programs: %lu refused, %lu mapped, "
	    "%lu of them with a failing allocation", i, n, f.refused,
	    f.mapped, f.failed);
}
