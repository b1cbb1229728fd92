/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec_map.c: carries a plan of exec_elf.c out in an address space: the file's
 * pages where the segments want them, pages of zeros behind.  It knows memory
 * and nothing of processes: the host tests run it with hostile plans.
 *
 * I1: a program's segments are private copy-on-write mappings of the file's
 *     object: exec reads one page of the file and copies none.
 * Locks: none; the space is not running yet.
 * Sources: System V ABI chapter 5.
 */
#include <sys/exec.h>

#include <sys/param.h>
#include <vm/vm.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

/* exec_map_seg: file pages, then zero pages behind them. */
static int
exec_map_seg(struct vmspace *vm, struct vm_object *object,
    const struct exec_seg *seg)
{
	struct vm_mmap_args a = {
		.prot = seg->prot, .max_prot = VM_PROT_ALL,
		.fixed = true, .excl = true
	};
	vm_offset_t start, mid, end, at;
	int error;

	start = trunc_page(seg->vaddr);
	mid = seg->filesz > 0 ? round_page(seg->vaddr + seg->filesz) : start;
	end = round_page(seg->vaddr + seg->memsz);
	if (mid > start) {
		a.addr = start;
		a.len = mid - start;
		a.offset = trunc_page(seg->offset);
		a.object = object;
		vm_object_reference(object);
		error = vm_mmap(vm, &a, &at);
		if (error != 0) {
			vm_object_deallocate(object);
			return error;
		}
	}
	if (end <= mid)
		return 0;
	a.addr = mid;
	a.len = end - mid;
	a.offset = 0;
	a.object = NULL;
	return vm_mmap(vm, &a, &at);
}

int
exec_map(struct vmspace *vm, struct vm_object *object,
    const struct exec_plan *plan)
{
	unsigned i;
	int error;

	error = 0;
	for (i = 0; i < plan->nseg && error == 0; i++)
		error = exec_map_seg(vm, object, &plan->seg[i]);
	return error;
}

uint64_t
exec_seg_pad(const struct exec_seg *seg)
{
	uint64_t end = seg->vaddr + seg->filesz;

	if (seg->filesz == 0 || seg->filesz == seg->memsz)
		return 0;
	return round_page(end) - end;
}
