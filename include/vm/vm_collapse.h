/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_collapse.h: what keeps shadow chains short: merge, bypass, split, copy up
 * (vm/README.md has the cases).
 */
#pragma once

#include <lib/atomic.h>
#include <vm/vm_object.h>

/*
 * References that a collapse leaves for its caller to drop once nothing is
 * locked.  Lifetime: the caller's stack.  [t] all.
 */
#define VM_OBJECT_TODO	8
struct vm_object_todo {
	unsigned	 n;
	struct vm_object *object[VM_OBJECT_TODO];
};

/*
 * vm_object_collapse: shorten the chain behind object as far as it goes.
 * => Locks: object, on entry and on every return.
 * => Sleeps: with VM_COLLAPSE_WAIT only: for busy pages, pins and the merges of
 *    others; object is unlocked meanwhile, so the caller has a reference and
 *    no map locked.  Otherwise it gives up what it would have to wait for, and
 *    object stays locked throughout.
 * => Gives: the references in *todo; unlock, then drop them.
 * => Pages move with their mappings.  Nothing is read from a pager.
 */
#define VM_COLLAPSE_NOWAIT	0x0
#define VM_COLLAPSE_WAIT	0x1
void	vm_object_collapse(struct vm_object *object, unsigned flags,
	    struct vm_object_todo *todo) __requires(object->lock);

/*
 * vm_object_split: give a map entry that shares *object with entries of other
 * pages only (ONEMAPPING) an object of its own, with the pages of its part; so
 * that after a fork each part can go by itself.  Does nothing when it cannot.
 * => Takes: the entry's reference on *object.  Gives: a reference on *object as
 *    it is then; *offset is 0 if it is another; and *todo.
 * => Locks: none on objects; the map is write-locked.  Nothing is waited for.
 * => The entry's mappings stay right.
 */
void	vm_object_split(struct vm_object **object, vm_ooffset_t *offset,
	    vm_pindex_t size, struct vm_object_todo *todo);
/*
 * vm_object_shorten: collapse; and if the chain is still deeper than
 * VM_OBJECT_DEPTH, because others use what is behind, copy up the pages that
 * object shows of it.
 * => Locks: object; held throughout.  Nothing is waited for.  The one reference
 *    is that of a map entry, whose map is write-locked.
 * => Returns true when pages were copied: before object is unlocked or collapsed
 *    again, the entry's mappings are to go, which show the old pages.
 */
#define VM_OBJECT_DEPTH	7	/* a fork and a write make it one more */
bool	vm_object_shorten(struct vm_object *object,
	    struct vm_object_todo *todo) __requires(object->lock) __warn_unused;
/* vm_object_depth: objects from here to the end of the chain.  => Locks: none on
 * objects; the caller has a reference. */
unsigned vm_object_depth(struct vm_object *object);
/* vm_object_collapse_due: can the backing object be merged into object?  A look
 * at two words.  => Locks: object. */
static inline bool
vm_object_collapse_due(const struct vm_object *object)
{
	const struct vm_object *backing = object->backing_object;

	/* Relaxed: a hint; the collapse looks again under the lock. */
	return backing != NULL && vm_object_anonymous(backing) &&
	    atomic_load_relaxed(&backing->ref_count) == 1;
}
