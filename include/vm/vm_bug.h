/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_bug.h: historical bugs, put back on demand: what the founding documents
 * report, to be seen, and to see that it is found.
 *
 * Only a kernel built with VMBUG=1 has them.  There vmbug=NAME[,NAME] on the
 * command line switches them on, with a line each at boot, and a panic's header
 * repeats it.  In every other kernel vm_bug() is false when compiled.
 *
 * Sources: bug 2137 and its relatives (vm/FOUNDING.md), DragonFly 1f8fc82a,
 * a31129d8, b12defdc, NetBSD's vm_object.c log of 1996-97.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>

#ifndef VMBUG
#define VMBUG	0
#endif

struct vm_object;
struct vm_page;

enum vm_bug {
	VMBUG_2137_LINK,	/* a shadow is linked in without its source's
				 * lock, which its removal holds */
	VMBUG_2137_WALK,	/* prefault lets go of an object before it owns
				 * the next; a link that is gone is the end */
	VMBUG_2137_EARLY,	/* decrement, release, block, and then use the
				 * shadow unchecked */
	VMBUG_2118_LATE,	/* collapse first and decrement afterwards */
	VMBUG_NB_CACHE,		/* the cache's lock is held across a termination */
	VMBUG_NB_UP,		/* the lock of the object in front is waited for */
	VMBUG_NB_PIP,		/* a pin is dropped by a bare decrement */
	VMBUG_NB_SWAPLEAK,	/* no collapse once a pager exists */
	VMBUG_UBC_EAGER_DEAD,	/* a fault fails on an object that is merged */
	VMBUG_2137_FIXED,	/* no bug: the steps and delays of 2137-link with
				 * the source's lock, to compare with */
	VMBUG_COUNT
};

/* Where the two sides of 2137-link, and its walker, can be stopped. */
enum vm_bug_point {
	VMBUG_INS_HEAD_READ,	/* object: the head as it was read, or NULL */
	VMBUG_INS_HEAD_STORE,
	VMBUG_RM_PREV_READ,	/* object: to be taken off list's shadows */
	VMBUG_RM_DONE,
	VMBUG_WALK_RELEASED,	/* list: let go; object: the next as it was */
};

#if VMBUG
extern uint32_t	vm_bugs;	/* [c] bit enum vm_bug */
#define vm_bug(b)	__predict_false((vm_bugs & 1u << (b)) != 0)
#else
#define vm_bug(b)	((void)(b), false)
#endif
/* vm_bug_steps: links are edited in the steps that have points. */
#define vm_bug_steps()	(vm_bug(VMBUG_2137_LINK) || vm_bug(VMBUG_2137_FIXED))

/* vm_bug_init: from the boot options.  => Locks: none; one CPU. */
void	vm_bug_init(void);
/*
 * vm_bug_point: a point of one of the sides is passed.  Without a script it
 * waits up to 50 us at one pass in 25, or only a remover does, up to
 * vmbugwait= us; with vmbugscript= it waits for the other side, 5 ms at most.
 * => Locks: sleeping ones only.
 * => Returns whether to go on with what was read; else it is to be read again
 *    (a script that wants this bug at one place only).
 */
bool	vm_bug_point(enum vm_bug_point point, const struct vm_object *list,
	    const struct vm_object *object);
/* vm_bug_token: the lock that the inserter of 2137-link has instead of the
 * source's: it excludes other inserters, and nobody else. */
void	vm_bug_token_enter(void);
void	vm_bug_token_exit(void);
/* vm_bug_warn_race: the founding report's warning. */
void	vm_bug_warn_race(const struct vm_object *object);
