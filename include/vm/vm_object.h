/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_object.h: memory objects and their shadow chains.
 *
 * Three things that are not the same: a REFERENCE keeps the object existing;
 * a PAGING PIN (paging_in_progress) keeps it from being terminated, collapsed
 * or resized; the LOCK excludes.
 *
 * LIFE.	allocated -> live -> DEAD (terminating) -> free
 *	live		ref_count > 0; may be locked, pinned, shadowed
 *	DEAD		ref_count 0, off its backing object's list: nobody can
 *			find it any more; pins drain, pages go
 *	free		in the zone, OBJT_DEAD; only the lock word is valid
 *	allocate: vm_object_allocate	live -> DEAD -> free: the last
 *	vm_object_deallocate
 *
 * CHAIN.  A front object sees through its missing pages into backing_object at
 * backing_object_offset.  An anonymous backing object lists its shadows on
 * shadow_head.  All link edits pass vm_object_set_backing, the one editor.
 * Lock order along a chain: front before backing; upward only by try.
 *
 * COLLAPSE shortens a chain (vm_collapse.c): a backing object with one
 * reference is merged into its shadow; one that a shadow covers is bypassed.
 *	COLLAPSING	the front side of a merge
 *	FADING		the back side: it will be empty, unlinked and DEAD
 * Both are pinned meanwhile.  Only the merging thread changes their links;
 * everybody may read through them.
 */
#pragma once

#include <lib/atomic.h>
#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/radix.h>
#include <lib/types.h>
#include <sys/lock.h>

struct vm_object_todo;
struct vm_page;
struct vm_pager_ops;

/*
 * Fields that one file may write: to all others they are const, so the
 * compiler refuses a second editor (check.py: "one link editor").
 */
#ifdef VM_OBJECT_LINK_EDITOR	/* vm_shadow.c */
#define __vm_link
#else
#define __vm_link	const
#endif
#ifdef VM_OBJECT_PIN_EDITOR	/* vm_object.c */
#define __vm_pin
#else
#define __vm_pin	const
#endif

enum vm_object_type {
	OBJT_DEFAULT,		/* anonymous, zero fill */
	OBJT_FILE,		/* pages of a file node */
	OBJT_DEAD,		/* freed */
};

/*
 * Lifetime: vm_object_allocate makes it with one reference; the last
 * vm_object_deallocate terminates and frees it into a type-stable zone (its
 * lock word may still be touched by a late unlocker).  Fields are protected as
 * marked: [c] const after init [a] atomic [o] object lock [l] object list lock
 * [k] object cache lock [v] the audits only, at a quiesce point.
 */
struct vm_object {
	struct rwlock		 lock;		/* first: stays valid while free */
	enum vm_object_type	 type;		/* [c] OBJT_DEAD when freed */
	uint32_t		 flags;		/* [o] OBJ_* */
	vm_pindex_t		 size;		/* [o] in pages */
	int			 ref_count;	/* [a] zero only under the lock */
	__vm_link int		 shadow_count;	/* [o] length of shadow_head */
	__vm_link LIST_HEAD(, vm_object) shadow_head;	/* [o] our shadows */
	__vm_link LIST_ENTRY(vm_object) shadow_list;	/* [backing's o] */
	struct vm_object *__vm_link backing_object;	/* [o] */
	__vm_link vm_ooffset_t	 backing_object_offset;	/* [o] */
	__vm_pin unsigned	 paging_in_progress;	/* [a] pins */
	unsigned		 generation;	/* [o] structure changes only */
	struct radix		 memq;		/* [o] resident pages by pindex */
	uint64_t		 resident_page_count;	/* [o] */
	void			*handle;	/* [c] pager's name for it */
	const struct vm_pager_ops *pager;	/* [o] NULL: zero fill; [c] of
						 * a file */
	vm_offset_t		 color;		/* [o] r:[a]; with OBJ_COLORED */
	LIST_ENTRY(vm_object)	 cache_link;	/* [k] by handle, when hashed */
	TAILQ_ENTRY(vm_object)	 cache_lru;	/* [k] when idle */
	uint64_t		 cache_pages;	/* [k] when idle: counted as */
	uint8_t			 cache_state;	/* [k] r:[a] VM_CACHE_*; leaves NONE
						 * while its maker has it alone */
	LIST_ENTRY(vm_object)	 object_list;	/* [l] all objects */
	int			 audit_refs;	/* [v] references found, I3 */
	unsigned		 audit_pass;	/* [v] last reached in, I11 */
};

#define VM_CACHE_NONE	0	/* see vm_objcache.c */
#define VM_CACHE_HASHED	1
#define VM_CACHE_IDLE	2	/* ref_count is 0 */

#define OBJ_DEAD		0x0001	/* terminating: no new references */
#define OBJ_COLLAPSING		0x0002	/* front side of a merge */
#define OBJ_FADING		0x0004	/* back side of a merge */
#define OBJ_SPLITTING		0x0008
#define OBJ_ONEMAPPING		0x0010	/* each page mapped by at most one entry */
#define OBJ_ONSHADOW		0x0020	/* on backing's shadow list */
#define OBJ_CANPERSIST		0x0040
#define OBJ_CACHED		0x0080
#define OBJ_NAMED		0x0100	/* has a user that is no map entry */
#define OBJ_MIGHTBEDIRTY	0x0200
#define OBJ_COLORED		0x0400
#define OBJ_PRIVATE		0x0800	/* just made: no other thread knows it */

#define vm_object_lock(o)	rw_wlock(&(o)->lock)
#define vm_object_lock_try(o)	rw_try_wlock(&(o)->lock)
#define vm_object_unlock(o)	rw_wunlock(&(o)->lock)
#define vm_object_assert_locked(o)					\
	KASSERT(rw_wowned(&(o)->lock), "object %p not write-locked", (void *)(o))
#define vm_object_anonymous(o)	((o)->type == OBJT_DEFAULT)

/*
 * vm_object_allocate: a new object of size pages, without backing object.
 * => Sleeps: for memory; the nowait form never.
 * => Gives: one reference.  => After: unlocked, ONEMAPPING when anonymous.
 * => Returns: nowait: NULL when there is no memory.
 */
struct vm_object *vm_object_allocate(enum vm_object_type type,
	    vm_pindex_t size);
struct vm_object *vm_object_allocate_nowait(enum vm_object_type type,
	    vm_pindex_t size);
/*
 * vm_object_reference: one more reference.
 * => Locks: none needed: the caller has a reference (a map entry under its map
 *    lock, a backing pointer under the front object's lock).  A count of 0 or
 *    one about to wrap is a panic in every build.
 */
void	vm_object_reference(struct vm_object *object);
/*
 * vm_object_deallocate: drop one reference; the last one terminates, and so on
 * down the chain; the last but one, when a single shadow is left, collapses
 * the object into it, and so on up the chain.  Iterative.
 * => Locks: none of rank >= LO_OBJECT; a map only if this is certainly not
 *    such a reference.  Sleeps: for locks, busy pages, pins.
 * => The object's mappings are gone when the last reference goes (asserted by
 *    vm_page_free).
 * vm_object_deallocate_locked: the step of one object.
 * => Locks: object locked on entry, not on return.
 * => Returns: the object whose reference is to be dropped next, or NULL; and
 *    more of them in *todo.
 * vm_object_deallocate_todo: drop them all.  => Locks: as deallocate.
 */
void	vm_object_deallocate(struct vm_object *object);
struct vm_object *vm_object_deallocate_locked(struct vm_object *object,
	    struct vm_object_todo *todo) __releases(object->lock) __warn_unused;
void	vm_object_deallocate_todo(struct vm_object_todo *todo);
/*
 * vm_object_set_named: object, anonymous and just made, will be mapped by who
 * knows its name, any number of times (System V segments): so no mapping of it is
 * ever known to be the only one of its pages (ONEMAPPING), and it does not grow
 * with a neighbour of a mapping (vm_object_coalesce).
 * => Locks: none on objects.  => The name's reference is the caller's.
 */
void	vm_object_set_named(struct vm_object *object);
/* vm_object_deallocate_fast: drop a reference without the lock, if it is
 * certainly neither the last nor the last but one. */
bool	vm_object_deallocate_fast(struct vm_object *object) __warn_unused;
/* vm_object_terminate: no reference is left and nobody can find it.
 * => Locks: object, gone on return, as is object.
 * => Returns: its backing object, whose reference is the caller's; or NULL. */
struct vm_object *vm_object_terminate(struct vm_object *object)
	    __releases(object->lock) __warn_unused;
/* vm_object_destroy: an object without pages, links and pins is freed.
 * => Locks: object, DEAD; gone on return. */
void	vm_object_destroy(struct vm_object *object) __releases(object->lock);

/*
 * vm_object_shadow: put a new empty object in front of *object.
 * => Takes: the caller's reference on *object (it becomes the backing
 *    reference).  Gives: a reference on the new object, in *object; *offset
 *    is 0 then.
 * => Locks: none held on objects; the map is write-locked by the caller, which
 *    keeps a lone reference lone.
 * => When *object is anonymous and this is its only reference, nothing is made:
 *    *object and *offset are unchanged.
 * => Returns 0; ENOMEM (nothing changed).
 */
int	vm_object_shadow(struct vm_object **object, vm_ooffset_t *offset,
	    vm_pindex_t size) __warn_unused;
/*
 * vm_object_coalesce: may next_size pages behind [prev_offset, prev_size pages)
 * join prev?  Extends prev when so, and drops stale pages that lie there.
 * => Locks: none on objects; the map whose entry names prev is write-locked.
 * => prev NULL (entry without an object yet): true.
 */
bool	vm_object_coalesce(struct vm_object *prev, vm_ooffset_t prev_offset,
	    vm_pindex_t prev_size, vm_pindex_t next_size);
/*
 * vm_object_coalesce_down: may prev_size pages before next_offset join next?
 * Only when next is the entry's alone and has the room; drops stale pages there.
 * => Locks: as vm_object_coalesce.
 */
bool	vm_object_coalesce_down(struct vm_object *next,
	    vm_ooffset_t next_offset, vm_pindex_t prev_size);
/*
 * vm_object_prefer: move *va up to where len bytes of object, from offset on,
 * are best mapped: congruent, modulo a superpage, with its colour if a fixed
 * mapping has set one, else with offset; with or without resident pages, and
 * without an object (NULL) too.  => Locks: any.
 * vm_object_set_color: object was mapped at va, which somebody demanded: the
 * first such place decides.  => Locks: none on objects.  => A reference on
 * object is held by the entry, or by the one it was merged into.
 */
void	vm_object_prefer(const struct vm_object *object, vm_ooffset_t offset,
	    vm_size_t len, vm_offset_t *va);
void	vm_object_set_color(struct vm_object *object, vm_offset_t va,
	    vm_ooffset_t offset);
/*
 * vm_object_page_remove: free the pages in [start, end), wherever mapped, and
 * what an anonymous object's pager stores of them.
 * => Locks: object locked in and out; dropped while waiting for a busy page.
 *    The caller has a reference.
 * => What is wired stays: no page of an anonymous object is (asserted); of a file
 *    it is unmapped and zeroed.  Lower the size first to cut a file: a wired page
 *    beyond it cannot be mapped, and is freed with its last wiring.
 */
void	vm_object_page_remove(struct vm_object *object, vm_pindex_t start,
	    vm_pindex_t end) __requires(object->lock);
/* vm_object_deactivate_pages: active pages become inactive; pages on no queue
 * (claimed by a fault, or wired) stay there.  => Locks: object. */
void	vm_object_deactivate_pages(struct vm_object *object)
	    __requires(object->lock);

/*
 * vm_object_set_backing: the one link editor (vm/README.md, I1 I2).  Moves
 * object from its present backing object's shadow list to new's (NULL: none).
 * References are the caller's to move.
 * => Locks: object; its old backing object when object is on its list; new when
 *    it is anonymous.  new is not DEAD and does not reach object.
 */
void	vm_object_set_backing(struct vm_object *object, struct vm_object *new,
	    vm_ooffset_t offset) __requires(object->lock);
/* vm_object_links_init: a new object has none. */
void	vm_object_links_init(struct vm_object *object);

/*
 * Paging pins: names from Mach 3.  The counter is private to these.
 * begin: => Locks: object, either way.  It is not DEAD.
 * end: wakes everyone at zero.  => Locks: none needed; the object may be gone
 *    on return unless the caller has it locked or referenced.
 * wait: until there is no pin.  => Locks: object write-locked in and out,
 *    dropped while sleeping: revalidate.  The caller keeps it existing.
 * sleep: until the pins that are there now may have gone.  => Locks: object
 *    write-locked in, NOT on return.  It may be gone by then: do not touch it.
 * begin_shadow: begin for a shadow of object, which is locked instead of it:
 *    a shadow cannot leave its list, and so cannot end.
 */
void	vm_object_paging_begin(struct vm_object *object);
void	vm_object_paging_end(struct vm_object *object);
void	vm_object_paging_wait(struct vm_object *object, const char *wmesg)
	    __requires(object->lock);
void	vm_object_paging_sleep(struct vm_object *object, const char *wmesg)
	    __releases(object->lock);
void	vm_object_paging_begin_shadow(struct vm_object *object,
	    struct vm_object *shadow) __requires(object->lock);
bool	vm_object_paging(const struct vm_object *object);

/* vm_object_foreach: under the list lock; fn must not sleep or lock objects. */
void	vm_object_foreach(void (*fn)(struct vm_object *o, void *arg),
	    void *arg);
uint64_t vm_object_count(void);
/* vm_object_peek_first: of the list of all (object_list), without its lock: for
 * the debugger and panics, where nothing else runs. */
struct vm_object *vm_object_peek_first(void);
/* vm_object_init: the zone, and the chain rule of lockdep. */
void	vm_object_init(void);
