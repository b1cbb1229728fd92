/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_vm.c: see model_vm.h.  Every operation is a loop over slots; the only
 * state is what the slots say.
 */
#include "model_vm.h"

#include <lib/cdefs.h>
#include <lib/string.h>
#include <machine/vmparam.h>
#include <sys/errno.h>
#include <sys/param.h>
#include <vm/vm_map.h>

#include "host_os.h"

#define HEAP_BASE	0x0000000000400000UL

static struct model_cell *file_cell[MODEL_FILE];

vm_offset_t
model_va(unsigned slot)
{
	if (slot < MODEL_HEAP_SLOT)
		return USER_MMAP_BASE + ptoa(slot);
	if (slot < MODEL_STACK_SLOT)
		return HEAP_BASE + ptoa(slot - MODEL_HEAP_SLOT);
	return USER_STACK_TOP - ptoa(MODEL_SLOTS - slot);
}

static unsigned
slot_of(vm_offset_t va)
{
	if (va >= model_va(MODEL_STACK_SLOT))
		return MODEL_STACK_SLOT +
		    (unsigned)atop(va - model_va(MODEL_STACK_SLOT));
	if (va >= USER_MMAP_BASE)
		return (unsigned)atop(va - USER_MMAP_BASE);
	return MODEL_HEAP_SLOT + (unsigned)atop(va - HEAP_BASE);
}

void
model_file_page(unsigned page, uint8_t *bytes)
{
	static uint8_t pattern[MODEL_FILE][PAGE_SIZE];
	unsigned i;

	if (pattern[page][0] == 0) {
		for (i = 0; i < PAGE_SIZE; i++)
			pattern[page][i] = (uint8_t)(page * 31 + i * 7 + 1);
	}
	memcpy(bytes, pattern[page], PAGE_SIZE);
}

/* ---- cells ---- */

static struct model_cell *
cell_new(int file_page)
{
	struct model_cell *c = hos_alloc(sizeof(*c));

	c->refs = 1;
	c->file_page = file_page;
	return c;
}

static void
cell_release(struct model_cell *c)
{
	if (--c->refs > 0)
		return;
	hos_free(c->bytes);
	hos_free(c);
}

static uint8_t
cell_byte(const struct model_cell *c, unsigned offset)
{
	if (c->bytes != NULL)
		return c->bytes[offset];
	if (c->file_page >= 0)
		return file_cell[c->file_page]->bytes[offset];
	return 0;
}

/* From here on the cell no longer follows the file. */
static void
cell_write_due(struct model_cell *c)
{
	if (c->bytes != NULL)
		return;
	c->bytes = hos_alloc(PAGE_SIZE);
	if (c->file_page >= 0)
		memcpy(c->bytes, file_cell[c->file_page]->bytes, PAGE_SIZE);
}

static struct model_cell *
cell_copy(const struct model_cell *c)
{
	struct model_cell *new = cell_new(c->file_page);

	if (c->bytes != NULL) {
		new->bytes = hos_alloc(PAGE_SIZE);
		memcpy(new->bytes, c->bytes, PAGE_SIZE);
	}
	return new;
}

void
model_init(void)
{
	unsigned i;

	for (i = 0; i < MODEL_FILE; i++) {
		file_cell[i] = cell_new(-1);
		file_cell[i]->bytes = hos_alloc(PAGE_SIZE);
		model_file_page(i, file_cell[i]->bytes);
	}
}

void
model_fini(void)
{
	unsigned i;

	for (i = 0; i < MODEL_FILE; i++)
		cell_release(file_cell[i]);
}

/* ---- slots ---- */

static void
slot_unmap(struct model_space *s, unsigned i)
{
	struct model_slot *p = &s->slot[i];

	if (p->cell == NULL)
		return;
	if (i == s->stack_low)
		s->stack_grows = false;
	cell_release(p->cell);
	memset(p, 0, sizeof(*p));
	s->mapped--;
}

static void
slot_map(struct model_space *s, unsigned i, const struct model_mmap *a)
{
	struct model_slot *p = &s->slot[i];
	int page = a->file_page;

	if (page >= 0)
		page += (int)(i - a->slot);
	p->prot = a->guard ? VM_PROT_NONE : a->prot;
	p->max = a->guard ? VM_PROT_NONE : a->max;
	p->inherit = a->shared ? VM_INHERIT_SHARE : VM_INHERIT_COPY;
	p->guard = a->guard;
	p->shared = a->shared && !a->guard;
	p->wired = false;
	p->file_page = p->shared ? -1 : page;
	if (p->shared && page >= 0) {
		p->cell = file_cell[page];
		p->cell->refs++;
	} else {
		p->cell = cell_new(page);
	}
	s->mapped++;
}

static unsigned
count_mapped(const struct model_space *s, unsigned slot, unsigned n)
{
	unsigned i, count = 0;

	for (i = slot; i < slot + n && i < MODEL_SLOTS; i++)
		count += s->slot[i].cell != NULL;
	return count;
}

/* ---- spaces ---- */

struct model_space *
model_space_new(unsigned limit)
{
	struct model_space *s = hos_alloc(sizeof(*s));
	struct model_mmap stack = { .prot = VM_PROT_RW, .max = VM_PROT_ALL,
	    .file_page = -1 };
	unsigned i;

	s->limit = limit;
	s->brk = MODEL_HEAP_SLOT;
	s->stack_low = MODEL_SLOTS - (unsigned)atop(STACK_INIT);
	s->stack_grows = true;
	for (i = s->stack_low; i < MODEL_SLOTS; i++)
		slot_map(s, i, &stack);
	return s;
}

void
model_space_free(struct model_space *s)
{
	unsigned i;

	for (i = 0; i < MODEL_SLOTS; i++)
		slot_unmap(s, i);
	hos_free(s);
}

static void
slot_fork(struct model_slot *p, struct model_slot *c)
{
	*c = *p;
	c->wired = false;
	switch (p->inherit) {
	case VM_INHERIT_NONE:
		memset(c, 0, sizeof(*c));
		return;
	case VM_INHERIT_SHARE:
		if (p->guard) {
			c->cell = cell_new(-1);
			return;
		}
		p->shared = c->shared = true;
		p->cell->refs++;
		return;
	case VM_INHERIT_COPY:
		c->cell = cell_copy(p->cell);
		return;
	case VM_INHERIT_ZERO:
		c->cell = cell_new(-1);
		c->shared = false;
		c->file_page = -1;
		return;
	}
}

struct model_space *
model_fork(struct model_space *s)
{
	struct model_space *new = hos_alloc(sizeof(*new));
	unsigned i;

	*new = *s;
	for (i = 0; i < MODEL_SLOTS; i++) {
		if (s->slot[i].cell == NULL)
			continue;
		slot_fork(&s->slot[i], &new->slot[i]);
		if (new->slot[i].cell == NULL)
			new->mapped--;
	}
	if (new->slot[s->stack_low].cell == NULL)
		new->stack_grows = false;
	return new;
}

/* ---- operations ---- */

/* First fit by trying every place; the slots above the arena are free. */
static unsigned
first_fit(const struct model_space *s, unsigned n)
{
	unsigned at;

	for (at = 0; at < MODEL_ARENA; at++) {
		if (count_mapped(s, at, MIN(n, MODEL_ARENA - at)) == 0)
			break;
	}
	return at;
}

static int
mmap_place(const struct model_space *s, const struct model_mmap *a,
    unsigned *at)
{
	unsigned old = count_mapped(s, a->slot, a->n);

	*at = a->slot;
	if (a->fixed) {
		if (a->excl && old != 0)
			return EEXIST;
		if (a->n > old && s->mapped + a->n - old > s->limit)
			return ENOMEM;
		return 0;
	}
	if (s->mapped + a->n > s->limit)
		return ENOMEM;
	if (old != 0) {
		*at = first_fit(s, a->n);
		if (*at + a->n > MODEL_ARENA)
			*at += MODEL_BEYOND;
	}
	return 0;
}

int
model_mmap(struct model_space *s, const struct model_mmap *a, unsigned *at)
{
	struct model_mmap placed = *a;
	unsigned i;
	int error;

	if ((a->prot & ~a->max) != 0)
		return EACCES;
	error = mmap_place(s, a, at);
	if (error != 0)
		return error;
	placed.slot = *at;
	if (*at >= MODEL_BEYOND)
		return 0;
	for (i = *at; i < *at + a->n; i++) {
		slot_unmap(s, i);
		slot_map(s, i, &placed);
	}
	return 0;
}

int
model_munmap(struct model_space *s, unsigned slot, unsigned n)
{
	unsigned i;

	for (i = slot; i < slot + n; i++)
		slot_unmap(s, i);
	return 0;
}

int
model_protect(struct model_space *s, unsigned slot, unsigned n, vm_prot_t prot,
    bool set_max)
{
	struct model_slot *p;

	if (count_mapped(s, slot, n) != n)
		return ENOMEM;
	for (p = &s->slot[slot]; p < &s->slot[slot + n]; p++) {
		if ((prot & ~p->max) != 0)
			return EACCES;
	}
	for (p = &s->slot[slot]; p < &s->slot[slot + n]; p++) {
		if (set_max) {
			p->max = prot;
			p->prot &= prot;
		} else {
			p->prot = prot;
		}
	}
	return 0;
}

int
model_inherit(struct model_space *s, unsigned slot, unsigned n,
    enum vm_inherit inherit)
{
	struct model_slot *p;

	if (count_mapped(s, slot, n) != n)
		return ENOMEM;
	for (p = &s->slot[slot]; p < &s->slot[slot + n]; p++)
		p->inherit = inherit == VM_INHERIT_COPY && p->shared ?
		    VM_INHERIT_SHARE : inherit;
	return 0;
}

int
model_dontneed(struct model_space *s, unsigned slot, unsigned n)
{
	struct model_slot *p;

	if (count_mapped(s, slot, n) != n)
		return ENOMEM;
	for (p = &s->slot[slot]; p < &s->slot[slot + n]; p++) {
		if (p->wired)
			return EINVAL;
	}
	for (p = &s->slot[slot]; p < &s->slot[slot + n]; p++) {
		if (p->shared)
			continue;
		cell_release(p->cell);
		p->cell = cell_new(p->file_page);
	}
	return 0;
}

/* Pages are faulted in upwards until one fails; writable ones as if written,
 * which stays so. */
int
model_wire(struct model_space *s, unsigned slot, unsigned n)
{
	struct model_slot *p;

	if (count_mapped(s, slot, n) != n)
		return ENOMEM;
	for (p = &s->slot[slot]; p < &s->slot[slot + n]; p++) {
		if (p->wired)
			continue;
		if (p->prot == VM_PROT_NONE)
			return EACCES;
		if ((p->prot & VM_PROT_WRITE) != 0)
			cell_write_due(p->cell);
	}
	for (p = &s->slot[slot]; p < &s->slot[slot + n]; p++)
		p->wired = true;
	return 0;
}

int
model_unwire(struct model_space *s, unsigned slot, unsigned n)
{
	struct model_slot *p;

	if (count_mapped(s, slot, n) != n)
		return ENOMEM;
	for (p = &s->slot[slot]; p < &s->slot[slot + n]; p++)
		p->wired = false;
	return 0;
}

int
model_brk(struct model_space *s, unsigned slot)
{
	struct model_mmap heap = { .slot = s->brk, .prot = VM_PROT_RW,
	    .max = VM_PROT_ALL, .file_page = -1 };
	unsigned i;

	if (slot > s->brk) {
		heap.n = slot - s->brk;
		if (s->mapped + heap.n > s->limit ||
		    count_mapped(s, s->brk, heap.n) != 0)
			return ENOMEM;
	}
	for (i = slot; i < s->brk; i++)
		slot_unmap(s, i);
	for (i = s->brk; i < slot; i++)
		slot_map(s, i, &heap);
	s->brk = slot;
	return 0;
}

/* ---- bytes ---- */

/* New stack pages are like the lowest one, and not wired. */
static bool
stack_grow(struct model_space *s, unsigned slot)
{
	const struct model_slot *low = &s->slot[s->stack_low];
	struct model_slot *p;

	if (slot < MODEL_STACK_SLOT || slot >= s->stack_low ||
	    !s->stack_grows ||
	    s->mapped + (s->stack_low - slot) > s->limit)
		return false;
	for (p = &s->slot[slot]; p < low; p++) {
		*p = *low;
		p->wired = false;
		p->file_page = -1;
		p->cell = cell_new(-1);
	}
	s->mapped += s->stack_low - slot;
	s->stack_low = slot;
	return true;
}

int
model_access(struct model_space *s, vm_offset_t va, bool write)
{
	unsigned slot = slot_of(va);
	const struct model_slot *p = &s->slot[slot];

	if (p->cell == NULL && !stack_grow(s, slot))
		return EFAULT;
	if (p->guard)
		return EFAULT;
	if (p->prot == VM_PROT_NONE ||
	    (write && (p->prot & VM_PROT_WRITE) == 0))
		return EACCES;
	return 0;
}

uint8_t
model_load(const struct model_space *s, vm_offset_t va)
{
	return cell_byte(s->slot[slot_of(va)].cell,
	    (unsigned)(va & PAGE_MASK));
}

void
model_store(struct model_space *s, vm_offset_t va, uint8_t v)
{
	struct model_cell *c = s->slot[slot_of(va)].cell;

	cell_write_due(c);
	c->bytes[va & PAGE_MASK] = v;
}
