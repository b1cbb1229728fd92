/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_fuzz.c: do random operations of several processes do to real address
 * spaces what they do to the model?
 *
 * A sequence is an array of operations that mean something in any state, so a
 * failing one can be shrunk by leaving operations out.  Sequences run in child
 * processes, a batch in each, so that a panic or a sanitizer report is a result
 * too: the batch is then run one by one, and the bad sequence is shrunk and
 * printed.  Allocations fail at random, and the fake pmap forgets mappings.
 */
#include <lib/cdefs.h>
#include <lib/ksnprintf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/ktest.h>
#include <sys/zone.h>
#include <vm/pmap.h>
#include <vm/vm_check.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_pager.h>

#include "harness.h"
#include "host_os.h"
#include "model_vm.h"
#include "user_access.h"

#define NPROC		4
#define SEQ_OPS		256
#define BATCH		128		/* sequences in one child */
#define TOTAL_OPS	(1UL << 20)
#define MAX_BYTES	24		/* of one load or store */

enum kind {
	OP_STORE, OP_LOAD, OP_MMAP, OP_MUNMAP, OP_PROTECT, OP_INHERIT,
	OP_DONTNEED, OP_WIRE, OP_UNWIRE, OP_FORK, OP_EXIT, OP_BRK, OP_LIMIT,
	OP_FORGET, OP_AUDIT, OP_KINDS
};

static const struct {
	const char	*name;
	unsigned	 weight;
} kinds[OP_KINDS] = {
	[OP_STORE] = { "store", 30 },	[OP_LOAD] = { "load", 20 },
	[OP_MMAP] = { "mmap", 12 },	[OP_MUNMAP] = { "munmap", 8 },
	[OP_PROTECT] = { "protect", 7 }, [OP_INHERIT] = { "inherit", 3 },
	[OP_DONTNEED] = { "dontneed", 4 }, [OP_WIRE] = { "wire", 2 },
	[OP_UNWIRE] = { "unwire", 2 },	[OP_FORK] = { "fork", 4 },
	[OP_EXIT] = { "exit", 3 },	[OP_BRK] = { "brk", 3 },
	[OP_LIMIT] = { "limit", 1 },	[OP_FORGET] = { "forget", 1 },
	[OP_AUDIT] = { "audit", 1 },
};

struct op {
	uint8_t		kind, proc, other;
	uint8_t		slot, n;	/* n clipped to the window */
	uint8_t		prot, max;
	uint8_t		flags;		/* OPF_* */
	uint8_t		file_page;
	uint8_t		fail;		/* nth allocation fails; 0: none */
	uint8_t		value, len;
	uint16_t	offset;
};
#define OPF_FIXED	0x01
#define OPF_EXCL	0x02
#define OPF_SHARED	0x04
#define OPF_GUARD	0x08
#define OPF_FILE	0x10
#define OPF_SETMAX	0x20

/* A run.  Lifetime: one sequence. */
struct run {
	struct vmspace		*vm[NPROC];
	struct model_space	*model[NPROC];
	struct vm_object	*file;
};

/* ---- the file ---- */

static bool
file_haspage(struct vm_object *object, vm_pindex_t pindex)
{
	(void)object;
	return pindex < MODEL_FILE;
}

static int
file_getpage(struct vm_object *object, struct vm_page *m)
{
	(void)object;
	model_file_page((unsigned)m->pindex, pmap_page_kva(m));
	m->valid = VM_PAGE_VALID;
	return 0;
}

static void
file_dealloc(struct vm_object *object)
{
	(void)object;
}

static const struct vm_pager_ops file_ops = {
	.name = "fuzzfile",
	.haspage = file_haspage,
	.getpage = file_getpage,
	.dealloc = file_dealloc,
};

/* ---- operations ---- */

static void
op_random(struct op *op, struct prng *p)
{
	unsigned pick = (unsigned)prng_below(p, 101), kind;

	for (kind = 0; pick >= kinds[kind].weight; kind++)
		pick -= kinds[kind].weight;
	op->kind = (uint8_t)kind;
	op->proc = (uint8_t)prng_below(p, NPROC);
	op->other = (uint8_t)prng_below(p, NPROC);
	op->slot = (uint8_t)prng_below(p, MODEL_SLOTS);
	op->n = (uint8_t)(1 + prng_below(p, prng_below(p, 4) == 0 ? 40 : 6));
	op->prot = prng_below(p, 3) == 0 ? (uint8_t)prng_below(p, 8) :
	    VM_PROT_RW;
	op->max = prng_below(p, 8) == 0 ? (uint8_t)prng_below(p, 8) :
	    VM_PROT_ALL;
	op->flags = (uint8_t)prng_next(p);
	if (prng_below(p, 4) != 0)
		op->flags &= (uint8_t)~(OPF_GUARD | OPF_EXCL | OPF_SETMAX);
	op->file_page = (uint8_t)prng_below(p, MODEL_FILE);
	op->fail = prng_below(p, 16) == 0 ? (uint8_t)(1 + prng_below(p, 4)) : 0;
	op->value = (uint8_t)prng_next(p);
	op->len = (uint8_t)(1 + prng_below(p, MAX_BYTES));
	op->offset = (uint16_t)(prng_below(p, 8) * 512 + 500);
}

static unsigned
window_end(unsigned slot)
{
	if (slot < MODEL_HEAP_SLOT)
		return MODEL_HEAP_SLOT;
	return slot < MODEL_STACK_SLOT ? MODEL_STACK_SLOT : MODEL_SLOTS;
}

static unsigned
op_len(const struct op *op)
{
	return MIN(op->n, window_end(op->slot) - op->slot);
}

static void
op_print(const struct op *op)
{
	kprintf("#   p%u %s slot %u n %u prot %u max %u flags %#x file %u "
	    "other %u fail %u value %u len %u offset %u\n", op->proc,
	    kinds[op->kind].name, op->slot, op_len(op), op->prot, op->max,
	    op->flags, op->file_page, op->other, op->fail, op->value, op->len,
	    op->offset);
}

/* ---- processes ---- */

static void
proc_new(struct run *r, unsigned i)
{
	struct vm_mmap_args a = {
		.addr = model_va(MODEL_STACK_SLOT), .len = ptoa(MODEL_STACK),
		.prot = VM_PROT_RW, .max_prot = VM_PROT_ALL,
		.fixed = true, .stack = true,
	};
	vm_offset_t at;

	r->vm[i] = vmspace_alloc();
	if (r->vm[i] == NULL || vm_mmap(r->vm[i], &a, &at) != 0)
		panic("fuzz: no first process");
	vm_brk_init(r->vm[i], model_va(MODEL_HEAP_SLOT));
	r->model[i] = model_space_new(~0U >> 1);
}

static void
proc_exit(struct run *r, unsigned i)
{
	if (r->vm[i] == NULL)
		return;
	sysref_put(r->vm[i]);
	model_space_free(r->model[i]);
	r->vm[i] = NULL;
	r->model[i] = NULL;
}

static int
do_fork(struct run *r, unsigned from, unsigned to)
{
	struct vmspace *child;
	int error;

	if (r->vm[to] != NULL)
		return 0;
	error = vmspace_fork(r->vm[from], &child);
	if (error != 0)
		return error;
	r->vm[to] = child;
	r->model[to] = model_fork(r->model[from]);
	return 0;
}

/* ---- one step: each does both sides and says whether they agree ---- */

static bool
agree(const struct op *op, int got, int want)
{
	/* An allocation was made to fail: then nothing may have happened. */
	if (got == want)
		return true;
	kprintf("# %s returned %d, the model says %d\n", kinds[op->kind].name,
	    got, want);
	return false;
}

static bool
injected(const struct op *op, int got)
{
	return op->fail != 0 && got == ENOMEM;
}

static bool
do_mmap(struct run *r, const struct op *op)
{
	unsigned n = op_len(op), at = 0;
	bool file = (op->flags & OPF_FILE) != 0 &&
	    (op->flags & OPF_GUARD) == 0;
	struct model_mmap mm = {
		.slot = op->slot, .n = n, .prot = op->prot, .max = op->max,
		.fixed = (op->flags & OPF_FIXED) != 0,
		.excl = (op->flags & OPF_EXCL) != 0,
		.shared = (op->flags & OPF_SHARED) != 0,
		.guard = (op->flags & OPF_GUARD) != 0, .file_page = -1,
	};
	struct vm_mmap_args a = {
		.addr = model_va(op->slot), .len = ptoa(n), .prot = op->prot,
		.max_prot = op->max, .fixed = mm.fixed, .excl = mm.excl,
		.shared = mm.shared, .guard = mm.guard,
	};
	struct vmspace *vm = r->vm[op->proc];
	vm_offset_t va = 0;
	int got, want;

	if (op->slot >= MODEL_STACK_SLOT)
		return true;
	if (file) {
		mm.file_page = (int)MIN(op->file_page, MODEL_FILE - 1);
		mm.n = n = MIN(n, MODEL_FILE - (unsigned)mm.file_page);
		a.len = ptoa(n);
		a.object = r->file;
		a.offset = ptoa(mm.file_page);
		vm_object_reference(r->file);
	}
	got = vm_mmap(vm, &a, &va);
	if (got != 0 && file)
		vm_object_deallocate(r->file);
	if (injected(op, got))
		return true;
	want = model_mmap(r->model[op->proc], &mm, &at);
	if (!agree(op, got, want))
		return false;
	if (got != 0)
		return true;
	if (va != (at < MODEL_BEYOND ? model_va(at) :
	    model_va(0) + ptoa(at - MODEL_BEYOND))) {
		kprintf("# mmap at %#lx, the model says slot %#x\n", va, at);
		return false;
	}
	if (at >= MODEL_BEYOND) {
		zone_fail_nth(0);
		got = vm_munmap(vm, va, ptoa(n));
		return agree(op, got, 0);
	}
	return true;
}

static bool
do_range(struct run *r, const struct op *op)
{
	struct vm_map *map = &r->vm[op->proc]->vm_map;
	struct model_space *m = r->model[op->proc];
	unsigned slot = op->slot, n = op_len(op);
	vm_offset_t start = model_va(slot), end = start + ptoa(n);
	bool set_max = (op->flags & OPF_SETMAX) != 0;
	enum vm_inherit inherit = (enum vm_inherit)(op->value % 4);
	int got = 0, want = 0;

	/* Two sharers of a stack would grow it into each other's pages. */
	if (slot >= MODEL_STACK_SLOT && inherit == VM_INHERIT_SHARE)
		inherit = VM_INHERIT_COPY;
	switch (op->kind) {
	case OP_MUNMAP:
		got = vm_munmap(r->vm[op->proc], start, ptoa(n));
		break;
	case OP_PROTECT:
		got = vm_map_protect(map, start, end, op->prot, set_max);
		break;
	case OP_INHERIT:
		got = vm_map_inherit(map, start, end, inherit);
		break;
	case OP_DONTNEED:
		got = vm_map_dontneed(map, start, end);
		break;
	case OP_WIRE:
		got = vm_map_wire(map, start, end);
		break;
	default:
		got = vm_map_unwire(map, start, end);
		break;
	}
	if (injected(op, got))
		return true;
	switch (op->kind) {
	case OP_MUNMAP:
		want = model_munmap(m, slot, n);
		break;
	case OP_PROTECT:
		want = model_protect(m, slot, n, op->prot, set_max);
		break;
	case OP_INHERIT:
		want = model_inherit(m, slot, n, inherit);
		break;
	case OP_DONTNEED:
		want = model_dontneed(m, slot, n);
		break;
	case OP_WIRE:
		want = model_wire(m, slot, n);
		break;
	default:
		want = model_unwire(m, slot, n);
		break;
	}
	return agree(op, got, want);
}

static bool
do_store(struct run *r, const struct op *op)
{
	struct model_space *m = r->model[op->proc];
	vm_offset_t va = model_va(op->slot) + op->offset;
	uint8_t buf[MAX_BYTES];
	unsigned i, len = op->len;
	int got, want = 0;

	/* Not from one window into what follows it. */
	len = MIN(len, (unsigned)(model_va(window_end(op->slot) - 1) +
	    PAGE_SIZE - va));
	for (i = 0; i < len; i++)
		buf[i] = (uint8_t)(op->value + i);
	got = user_write(&r->vm[op->proc]->vm_map, va, buf, len);
	for (i = 0; i < len && want == 0; i++) {
		want = model_access(m, va + i, true);
		if (want == 0)
			model_store(m, va + i, buf[i]);
	}
	return agree(op, got, want);
}

static bool
compare(struct run *r, unsigned proc, vm_offset_t va, unsigned len)
{
	struct model_space *m = r->model[proc];
	uint8_t buf[MAX_BYTES], want_byte;
	unsigned i, good = 0;
	int got, want = 0;

	got = user_read(&r->vm[proc]->vm_map, va, buf, len);
	for (i = 0; i < len && want == 0; i++) {
		want = model_access(m, va + i, false);
		good += want == 0;
	}
	if (got != want) {
		kprintf("# load of p%u at %#lx returned %d, the model says "
		    "%d\n", proc, va, got, want);
		return false;
	}
	for (i = 0; i < good; i++) {
		want_byte = model_load(m, va + i);
		if (buf[i] != want_byte) {
			kprintf("# p%u reads %u at %#lx, the model has %u\n",
			    proc, buf[i], va + i, want_byte);
			return false;
		}
	}
	return true;
}

static bool
do_load(struct run *r, const struct op *op)
{
	vm_offset_t va = model_va(op->slot) + op->offset;
	vm_offset_t end = model_va(window_end(op->slot) - 1) + PAGE_SIZE;

	return compare(r, op->proc, va, (unsigned)MIN(op->len, end - va));
}

static bool
do_brk(struct run *r, const struct op *op)
{
	unsigned slot = MODEL_HEAP_SLOT + op->slot % MODEL_HEAP;
	int got = vm_brk(r->vm[op->proc], model_va(slot) - op->value % 2);

	if (injected(op, got))
		return true;
	if (slot == MODEL_HEAP_SLOT && op->value % 2 != 0)
		return agree(op, got, ENOMEM);
	return agree(op, got, model_brk(r->model[op->proc], slot));
}

static void
do_limit(struct run *r, const struct op *op)
{
	unsigned limit = op->value % 3 == 0 ? ~0U >> 1 : 40U + op->value;

	r->model[op->proc]->limit = limit;
	r->vm[op->proc]->vm_limit_as = ptoa(limit);
}

static bool
do_fork_op(struct run *r, const struct op *op)
{
	int got = do_fork(r, op->proc, op->other);

	return injected(op, got) || agree(op, got, 0);
}

static void
audit_map(struct vm_map *map, void *arg)
{
	(void)arg;
	vm_check_map(map);
}

static bool
step(struct run *r, const struct op *op)
{
	switch ((enum kind)op->kind) {
	case OP_STORE:
		return do_store(r, op);
	case OP_LOAD:
		return do_load(r, op);
	case OP_MMAP:
		return do_mmap(r, op);
	case OP_MUNMAP: case OP_PROTECT: case OP_INHERIT: case OP_DONTNEED:
	case OP_WIRE: case OP_UNWIRE:
		return do_range(r, op);
	case OP_FORK:
		return do_fork_op(r, op);
	case OP_EXIT:
		proc_exit(r, op->proc);
		return true;
	case OP_BRK:
		return do_brk(r, op);
	case OP_LIMIT:
		do_limit(r, op);
		return true;
	case OP_FORGET:
		fake_pmap_forget(r->vm[op->proc]->vm_pmap);
		return true;
	case OP_AUDIT:
		vm_map_foreach(audit_map, NULL);
		return true;
	case OP_KINDS:
		break;
	}
	return false;
}

/* An operation of a process that does not exist is one of the next that does;
 * the last exit begins anew. */
static bool
step_op(struct run *r, struct op op)
{
	unsigned i;
	bool ok;

	for (i = 0; i < NPROC && r->vm[op.proc] == NULL; i++)
		op.proc = (uint8_t)((op.proc + 1) % NPROC);
	if (r->vm[op.proc] == NULL)
		proc_new(r, op.proc);
	zone_fail_nth(op.fail);
	ok = step(r, &op);
	zone_fail_nth(0);
	return ok;
}

/* Every byte that a store can have written, of every process. */
static bool
compare_all(struct run *r)
{
	unsigned i, slot, k;

	for (i = 0; i < NPROC; i++) {
		for (slot = 0; r->vm[i] != NULL && slot < MODEL_SLOTS; slot++) {
			if (r->model[i]->slot[slot].cell == NULL)
				continue;
			for (k = 0; k < PAGE_SIZE; k += 512) {
				if (!compare(r, i, model_va(slot) + k, 1) ||
				    !compare(r, i, model_va(slot) + k + 500,
				    12))
					return false;
			}
		}
	}
	return true;
}

static bool
baseline_ok(const struct vm_baseline *before)
{
	return vm_baseline_check(before, kprintf) == 0;
}

static bool
run_sequence(const struct op *ops, unsigned n)
{
	struct vm_baseline before;
	struct run r;
	unsigned i;
	bool ok = true;

	vm_baseline_take(&before);
	memset(&r, 0, sizeof(r));
	model_init();
	r.file = vm_pager_allocate(&file_ops, NULL, MODEL_FILE);
	for (i = 0; i < n && ok; i++)
		ok = step_op(&r, ops[i]);
	if (ok) {
		vm_map_foreach(audit_map, NULL);
		ok = compare_all(&r);
	}
	/* The audit of every page of the machine takes longer than all else. */
	if (ok && ops[0].value % 16 == 0)
		vm_check_all();
	for (i = 0; i < NPROC; i++)
		proc_exit(&r, i);
	vm_object_deallocate(r.file);
	model_fini();
	return ok && baseline_ok(&before);
}

/* ---- sequences in children ---- */

static void
make_sequence(struct op *ops, uint64_t seed)
{
	struct prng p;
	unsigned i;

	prng_seed(&p, seed);
	for (i = 0; i < SEQ_OPS; i++)
		op_random(&ops[i], &p);
}

struct batch {
	uint64_t	seed;
	unsigned	n;
};

static void
batch_child(void *arg)
{
	static struct op ops[SEQ_OPS];
	const struct batch *b = arg;
	struct fake_chaos chaos = { .seed = b->seed, .forget_one_in = 40 };
	unsigned i;

	fake_pmap_chaos(&chaos);
	for (i = 0; i < b->n; i++) {
		make_sequence(ops, b->seed + i);
		if (!run_sequence(ops, SEQ_OPS))
			hos_exit(1);
	}
}

struct one {
	struct op	ops[SEQ_OPS];
	unsigned	n;
	uint64_t	seed;
};

static void
one_child(void *arg)
{
	const struct one *o = arg;
	struct fake_chaos chaos = { .seed = o->seed, .forget_one_in = 40 };

	fake_pmap_chaos(&chaos);
	if (!run_sequence(o->ops, o->n))
		hos_exit(1);
}

static char output[16384];

static bool
one_fails(struct one *o)
{
	return hos_fork_output(one_child, o, output, sizeof(output)) != 0;
}

/* Leave out runs of operations, halving their length, while it still fails. */
static void
shrink(struct one *o)
{
	static struct one try;
	unsigned size, at;

	for (size = o->n / 2; size > 0; size /= 2) {
		for (at = 0; at + size <= o->n;) {
			try = *o;
			memmove(&try.ops[at], &try.ops[at + size],
			    (o->n - at - size) * sizeof(struct op));
			try.n -= size;
			if (one_fails(&try))
				*o = try;
			else
				at += size;
		}
	}
}

static void
explain(const struct batch *b)
{
	static struct one o;
	unsigned i, k;

	for (i = 0; i < b->n; i++) {
		o.seed = b->seed + i;
		o.n = SEQ_OPS;
		make_sequence(o.ops, o.seed);
		if (!one_fails(&o))
			continue;
		shrink(&o);
		kprintf("# sequence %#lx shrunk to %u operations:\n", o.seed,
		    o.n);
		for (k = 0; k < o.n; k++)
			op_print(&o.ops[k]);
		(void)one_fails(&o);
		kprintf("%s\n", output);
		return;
	}
	kprintf("# no sequence of the batch fails alone; the batch said:\n%s\n",
	    output);
}

static void
fuzz(struct ktest_ctx *t, uint64_t total)
{
	struct batch b = { .n = BATCH };
	uint64_t done;
	int status;

	for (done = 0; done < total; done += BATCH * SEQ_OPS) {
		b.seed = prng_next(&t->prng);
		status = hos_fork_output(batch_child, &b, output,
		    sizeof(output));
		if (status != 0) {
			kprintf("# batch %#lx: status %d\n%s\n", b.seed,
			    status, output);
			explain(&b);
		}
		KT_CHECK(t, status == 0, "after %lu operations, seed %#lx",
		    done, t->seed);
	}
	ktest_diag(t, "%lu operations", done);
}

KTEST(map_fuzz, million_operations_match_the_model)
{
	fuzz(t, TOTAL_OPS);
}

KTEST_FLAGS(map_fuzz, many_more_operations_match_the_model, KTEST_SLOW)
{
	fuzz(t, 64 * TOTAL_OPS);
}
