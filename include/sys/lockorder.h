/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockorder.h: THE lock order.  Acquire downwards only: a lock may be taken
 * when every lock the thread holds has a smaller rank.  Read by lockdep, by
 * the documentation and by people; there is no other list.
 *
 *	rank name	kind	may sleep while held?	notes
 */
#pragma once

enum lock_rank {
	LO_NONE = 0,		/* not ordered: thread-private or start-up only */
	LO_PROCTREE = 8,	/* rw	yes	process tree, sessions, pids */
	LO_ITIMER = 9,		/* rw	yes	timers of processes */
	LO_PROC = 10,		/* rw	yes	one process, its vmspace state */
	LO_SIGACT = 12,		/* rw	yes	signal actions, may be shared */
	LO_FILE = 14,		/* rw	yes	descriptor tables, pipes */
	LO_VNODE = 20,		/* rw	yes	file nodes; a fault may only try it */
	LO_FUTEX = 25,		/* rw	yes	futex bucket; may fault on user maps */
	LO_MAP = 30,		/* rw	yes*	user vm_map; parent then child at fork.
						* never sleep for a busy page with it write-held */
	LO_KMAP = 35,		/* rw	yes	kernel_map and submaps */
	LO_OBJECT = 40,		/* rw	only on its own queue; front before backing */
	LO_BUSY = 50,		/* page busy: a state tracked as a lock */
	LO_OBJLIST = 60,	/* spin	global object list, object cache: leaf */
	LO_PMAP = 70,		/* spin	polls shootdown slots while waiting */
	LO_PV = 75,		/* spin	reverse maps, hashed by page */
	LO_PAGEQ = 80,		/* spin	one page queue */
	LO_SWAP = 85,		/* spin	swap map */
	LO_THREADS = 87,	/* spin	list of threads, tids, free kernel stacks */
	LO_ZONE = 88,		/* spin	zone slabs and depots */
	LO_PHYS = 90,		/* spin	physical free lists */
	LO_SLEEPQ = 91,		/* spin	intr	sleep queue chains */
	LO_CALLOUT = 92,	/* spin	intr	callout wheels */
	LO_SCHED = 93,		/* spin	intr	run queues; two in address order */
	LO_TRACE = 94,		/* spin	intr */
	LO_CONS = 95,		/* spin	intr	console, leaf */
};
