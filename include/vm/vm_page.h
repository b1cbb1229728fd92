/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_page.h: one struct for each managed physical page.
 *
 * IDENTITY (what a page is decides which fields mean something):
 *	free		on a vm_phys list or cache; object NULL, not busy
 *	unowned		allocated without an object (page tables, kernel stacks,
 *			zones): wired, on no queue; the allocator's user owns it
 *	resident	in exactly one object's tree at (object, pindex)
 *
 * TRANSITIONS and the function of each:
 *	free -> unowned		vm_page_alloc_unowned
 *	unowned -> free		vm_page_free_unowned
 *	free -> resident	vm_page_alloc (exclusively busy, invalid)
 *	resident -> resident	vm_page_rename (both objects locked, page busy)
 *	resident -> free	vm_page_free (object locked, page busy by us)
 *
 * QUEUE STATE (resident pages only): none, inactive, active.
 *	any -> active		vm_page_activate
 *	none, active -> inactive vm_page_deactivate
 *	any -> none		vm_page_wire, vm_page_free, vm_page_dequeue
 *	wired pages are on no queue; vm_page_unwire puts the page on active.
 *	Active is a state, not a list (why: vm_pageq.c); inactive is a list in
 *	the order of deactivation.
 *
 * BUSY: page busy is ownership, not a lock: it survives a sleep and an I/O.
 * Exclusive busy is needed to change valid, dirty, contents or identity.  Taken
 * by try while objects are locked; waited for only by vm_page_sleep_busy, which
 * drops the object first: the page's identity may then have changed, look it up
 * again.  lockdep tracks it at rank LO_BUSY.
 */
#pragma once

#include <lib/atomic.h>
#include <lib/queue.h>
#include <lib/types.h>
#include <machine/pmap.h>
#include <sys/lock.h>
#include <sys/param.h>

struct vm_object;
struct thread;

enum vm_page_queue { PQ_NONE, PQ_INACTIVE, PQ_ACTIVE, PQ_COUNT };

/*
 * Lifetime: the array is made at boot and never freed.  Fields are protected as
 * marked: [c] const after init [a] atomic [o] object lock [b] exclusive busy
 * [q] page queue lock [f] free-list lock (or the CPU whose cache has the page)
 * [p] pv lock.
 */
struct vm_page {
	TAILQ_ENTRY(vm_page)	pageq;		/* [q] inactive, or free list [f] */
	struct vm_object	*object;	/* [o+b] NULL: free or unowned */
	vm_pindex_t		pindex;		/* [o+b] */
	vm_paddr_t		phys_addr;	/* [c] */
	struct md_page		md;		/* [p] reverse maps */
	uint32_t		busy_lock;	/* [a] VPB_* */
	uint32_t		wire_count;	/* [a] */
	struct thread		*busy_owner;	/* [b] for diagnosis */
	uint8_t			queue;		/* [a] enum vm_page_queue; to and
						 * from inactive under [q] */
	uint8_t			order;		/* [f] of the free block it heads */
	uint8_t			valid;		/* [b] contents are good */
	uint8_t			dirty;		/* [b] differs from backing store */
	uint8_t			act_count;	/* [q] */
	uint8_t			flags;		/* [a] PG_* */
	uint8_t			segind;		/* [c] index in vm_phys_segs */
};

CTASSERT(sizeof(struct vm_page) <= 96, "memory of 24 MiB must be enough");
#define VM_PAGE_VALID	0xff	/* valid and dirty are whole pages for now */

#define VPB_EXCL	0x80000000u
#define VPB_WANTED	0x40000000u
#define VPB_SHARED(n)	((uint32_t)(n))		/* low 30 bits: sharers */

#define PG_FREE		0x01	/* on a free list or in a per-CPU cache */
#define PG_UNOWNED	0x02
#define PG_ZERO		0x04	/* known to be zero */
#define PG_REFERENCED	0x08	/* hint taken from torn-down mappings */
#define PG_FICTITIOUS	0x10	/* not RAM of ours */
#define PG_POISON	0x20	/* free and filled with 0xdb (DEBUG >= 2) */
#define PG_RESERVED	0x40	/* of a file that has room there (fallocate);
				 * nobody has read, written or mapped it */

extern struct vm_page	*vm_page_array;
extern uint64_t		 vm_page_count;		/* pages managed */

/* vm_page_reserved: reserve, not contents.  vm_page_touched: no more.
 * => Locks: m's object. */
static inline bool
vm_page_reserved(const struct vm_page *m)
{
	return (atomic_load_relaxed(&m->flags) & PG_RESERVED) != 0;
}

static inline void
vm_page_touched(struct vm_page *m)
{
	if (vm_page_reserved(m))
		atomic_and(&m->flags, (uint8_t)~PG_RESERVED);
}

static inline vm_paddr_t
VM_PAGE_TO_PHYS(const struct vm_page *m)
{
	return m->phys_addr;
}

/*
 * vm_page_startup: make the array for all regions of vm_phys; holes between
 * them take no room.  Every page starts unowned and wired; vm_phys_init frees
 * those that are nobody's.
 */
void	vm_page_startup(void);
/* vm_page_init: page busy and tree nodes; after zone_init. */
void	vm_page_init(void);

#define VM_ALLOC_NORMAL		0x0
#define VM_ALLOC_RESERVE	0x1	/* may use the reserve */
#define VM_ALLOC_ZERO		0x2	/* contents zeroed */
#define VM_ALLOC_WIRED		0x4	/* wire_count 1 */

/*
 * vm_page_alloc: a new page at (object, pindex).
 * => Locks: object write-locked; stays so.  Sleeps: never.
 * => Gives: the page, exclusively busy by us, invalid (valid when
 *    VM_ALLOC_ZERO), clean, on no queue.
 * => Returns NULL: no page or no tree node (then nothing changed); the caller
 *    drops everything and calls vm_wait.
 * => The index must be empty: asserted.
 */
struct vm_page	*vm_page_alloc(struct vm_object *object, vm_pindex_t pindex,
		    unsigned flags);
/*
 * vm_page_free: take the page out of its object and free it.
 * => Locks: object write-locked, page exclusively busy by us; the busy goes
 *    with the page.  The page must have no mapping (asserted) and no wiring.
 */
void		 vm_page_free(struct vm_page *m);
struct vm_page	*vm_page_alloc_unowned(unsigned flags);
void		 vm_page_free_unowned(struct vm_page *m);
/* vm_page_lookup: => Locks: object locked, read is enough. */
struct vm_page	*vm_page_lookup(struct vm_object *object, vm_pindex_t pindex);
/* vm_page_lookup_range: ma[i] is the resident page at pindex + i, or NULL, for
 * each i < n.  => Locks: object, either way. */
void		 vm_page_lookup_range(struct vm_object *object,
		    vm_pindex_t pindex, unsigned n, struct vm_page **ma);
/* vm_page_ge: first resident page at or above pindex, or NULL. */
struct vm_page	*vm_page_ge(struct vm_object *object, vm_pindex_t pindex);
/*
 * vm_page_rename: move to (object, pindex).
 * => Locks: both objects write-locked, page exclusively busy by us; stays busy.
 * => Returns 0; ENOMEM (no tree node; nothing changed).
 * => After: mappings of the page are gone; it is dirty.
 */
int		 vm_page_rename(struct vm_page *m, struct vm_object *object,
		    vm_pindex_t pindex) __warn_unused;
/* vm_page_move: the same, but the mappings stay: the caller knows that they
 * still show what their map entries show. */
int		 vm_page_move(struct vm_page *m, struct vm_object *object,
		    vm_pindex_t pindex) __warn_unused;

/* busy; the _try forms never sleep */
bool	vm_page_busy_try(struct vm_page *m);	/* exclusive */
void	vm_page_unbusy(struct vm_page *m);	/* exclusive; wakes waiters */
bool	vm_page_sbusy_try(struct vm_page *m);	/* shared */
void	vm_page_sunbusy(struct vm_page *m);
void	vm_page_busy_downgrade(struct vm_page *m);
bool	vm_page_busied(const struct vm_page *m);	/* either way, by anybody */
bool	vm_page_xbusied(const struct vm_page *m);
/*
 * vm_page_sleep_busy: wait until the page is not (exclusively) busy.
 * => Locks: object locked either way on entry; NOT locked on return: the caller
 *    locks and looks up again.  No other object lock may be held.
 */
void	vm_page_sleep_busy(struct vm_page *m, struct vm_object *object,
	    const char *wmesg);

/* wiring: the caller has the page busy or its object locked; not for unowned
 * pages.  unwire of the last wiring activates the page. */
void	vm_page_wire(struct vm_page *m);
void	vm_page_unwire(struct vm_page *m);

/* queues (vm_pageq.c); page busy or object locked by the caller */
/* vm_page_activate: no-op for wired pages.  On the fault path: no lock. */
void	vm_page_activate(struct vm_page *m);
/* vm_page_deactivate: ends up inactive with the reference cleared, from active
 * or from no queue; no-op for inactive, wired or unmanaged pages. */
void	vm_page_deactivate(struct vm_page *m);
void	vm_page_dequeue(struct vm_page *m);
/* vm_page_queue_count: active and none are counted by a walk of the array. */
uint64_t vm_page_queue_count(enum vm_page_queue q);

/*
 * vm_wait: sleep until the system has free pages again; complains on the
 * console every few seconds while there are none.
 * A thread that is to die (TDI_DIE) waits no longer than one look: it may use
 * the reserve.  After half a second in vain the hook of vm_set_oom is called;
 * it must not sleep, it wakes whoever chooses a process to end.
 * => Locks: none held, no page busy.  Sleeps: for memory.
 */
void	vm_wait(const char *wmesg);
void	vm_set_oom(void (*hook)(void));

/* vm_page_check: the bullets above for one page; panics with its values.
 * => Locks: the page's object, or nothing runs. */
void	vm_page_check(const struct vm_page *m);
/* vm_page_check_all: every page, and audit I12 (sum of states = managed).
 * => Locks: none; nothing else runs. */
void	vm_page_check_all(void);
/* vm_pageq_check: the inactive list; panics. */
void	vm_pageq_check(void);
