/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.h: singly linked lists (SLIST), lists (LIST) and tail queues (TAILQ)
 * with the BSD names and link checks.
 *
 * The link checks are on in every build: they are the detector that fired in
 * the founding report ("Bad link elm %p prev->next != elm").  A check prints
 * the element and what its neighbour says instead.
 */
#pragma once

#include <lib/assert.h>
#include <lib/types.h>

/* Singly linked list: head and elements hold one pointer. */
#define SLIST_HEAD(name, type)	struct name { struct type *slh_first; }
#define SLIST_ENTRY(type)	struct { struct type *sle_next; }
#define SLIST_INIT(h)		((h)->slh_first = NULL)
#define SLIST_FIRST(h)		((h)->slh_first)
#define SLIST_EMPTY(h)		((h)->slh_first == NULL)
#define SLIST_NEXT(e, f)	((e)->f.sle_next)
#define SLIST_FOREACH(v, h, f)						\
	for ((v) = SLIST_FIRST(h); (v) != NULL; (v) = SLIST_NEXT(v, f))
#define SLIST_INSERT_HEAD(h, e, f) do {					\
	(e)->f.sle_next = (h)->slh_first;				\
	(h)->slh_first = (e);						\
} while (0)
#define SLIST_REMOVE_HEAD(h, f)	((h)->slh_first = (h)->slh_first->f.sle_next)

/* Doubly linked list: le_prev is the address of the word that names us. */
#define LIST_HEAD(name, type)	struct name { struct type *lh_first; }
#define LIST_ENTRY(type)						\
	struct { struct type *le_next; struct type **le_prev; }
#define LIST_INIT(h)		((h)->lh_first = NULL)
#define LIST_FIRST(h)		((h)->lh_first)
#define LIST_EMPTY(h)		((h)->lh_first == NULL)
#define LIST_NEXT(e, f)		((e)->f.le_next)
#define LIST_FOREACH(v, h, f)						\
	for ((v) = LIST_FIRST(h); (v) != NULL; (v) = LIST_NEXT(v, f))
#define LIST_FOREACH_SAFE(v, h, f, t)					\
	for ((v) = LIST_FIRST(h);					\
	    (v) != NULL && ((t) = LIST_NEXT(v, f), 1); (v) = (t))
#define __LIST_CHECK_HEAD(h, f) do {					\
	if (__predict_false((h)->lh_first != NULL &&			\
	    (h)->lh_first->f.le_prev != &(h)->lh_first))		\
		panic("Bad list head %p first->prev != head (first %p)",\
		    (void *)(h), (void *)(h)->lh_first);		\
} while (0)
#define __LIST_CHECK_NEXT(e, f) do {					\
	if (__predict_false((e)->f.le_next != NULL &&			\
	    (e)->f.le_next->f.le_prev != &(e)->f.le_next))		\
		panic("Bad link elm %p next->prev != elm (next %p)",	\
		    (void *)(e), (void *)(e)->f.le_next);		\
} while (0)
#define __LIST_CHECK_PREV(e, f) do {					\
	if (__predict_false(*(e)->f.le_prev != (e)))			\
		panic("Bad link elm %p prev->next != elm", (void *)(e));\
} while (0)
#define LIST_INSERT_HEAD(h, e, f) do {					\
	__LIST_CHECK_HEAD(h, f);					\
	if (((e)->f.le_next = (h)->lh_first) != NULL)			\
		(h)->lh_first->f.le_prev = &(e)->f.le_next;		\
	(h)->lh_first = (e);						\
	(e)->f.le_prev = &(h)->lh_first;				\
} while (0)
#define LIST_INSERT_AFTER(l, e, f) do {					\
	__LIST_CHECK_NEXT(l, f);					\
	if (((e)->f.le_next = (l)->f.le_next) != NULL)			\
		(l)->f.le_next->f.le_prev = &(e)->f.le_next;		\
	(l)->f.le_next = (e);						\
	(e)->f.le_prev = &(l)->f.le_next;				\
} while (0)
#define LIST_REMOVE(e, f) do {						\
	__LIST_CHECK_NEXT(e, f);					\
	__LIST_CHECK_PREV(e, f);					\
	if ((e)->f.le_next != NULL)					\
		(e)->f.le_next->f.le_prev = (e)->f.le_prev;		\
	*(e)->f.le_prev = (e)->f.le_next;				\
	(e)->f.le_next = NULL;						\
	(e)->f.le_prev = NULL;						\
} while (0)

/* Tail queue: doubly linked with a pointer to the last link. */
#define TAILQ_HEAD(name, type)						\
	struct name { struct type *tqh_first; struct type **tqh_last; }
#define TAILQ_HEAD_INITIALIZER(h)	{ NULL, &(h).tqh_first }
#define TAILQ_ENTRY(type)						\
	struct { struct type *tqe_next; struct type **tqe_prev; }
#define TAILQ_INIT(h) do {						\
	(h)->tqh_first = NULL;						\
	(h)->tqh_last = &(h)->tqh_first;				\
} while (0)
#define TAILQ_FIRST(h)		((h)->tqh_first)
#define TAILQ_EMPTY(h)		((h)->tqh_first == NULL)
#define TAILQ_NEXT(e, f)	((e)->f.tqe_next)
#define TAILQ_LAST(h, name)						\
	(*(((struct name *)(void *)((h)->tqh_last))->tqh_last))
#define TAILQ_PREV(e, name, f)						\
	(*(((struct name *)(void *)((e)->f.tqe_prev))->tqh_last))
#define TAILQ_FOREACH(v, h, f)						\
	for ((v) = TAILQ_FIRST(h); (v) != NULL; (v) = TAILQ_NEXT(v, f))
#define TAILQ_FOREACH_SAFE(v, h, f, t)					\
	for ((v) = TAILQ_FIRST(h);					\
	    (v) != NULL && ((t) = TAILQ_NEXT(v, f), 1); (v) = (t))
#define __TAILQ_CHECK_NEXT(e, f) do {					\
	if (__predict_false((e)->f.tqe_next != NULL &&			\
	    (e)->f.tqe_next->f.tqe_prev != &(e)->f.tqe_next))		\
		panic("Bad link elm %p next->prev != elm (next %p)",	\
		    (void *)(e), (void *)(e)->f.tqe_next);		\
} while (0)
#define __TAILQ_CHECK_PREV(e, f) do {					\
	if (__predict_false(*(e)->f.tqe_prev != (e)))			\
		panic("Bad link elm %p prev->next != elm", (void *)(e));\
} while (0)
#define __TAILQ_CHECK_TAIL(h) do {					\
	if (__predict_false(*(h)->tqh_last != NULL))			\
		panic("Bad tailq %p last->next != NULL", (void *)(h));	\
} while (0)
#define TAILQ_INSERT_HEAD(h, e, f) do {					\
	if (((e)->f.tqe_next = (h)->tqh_first) != NULL)			\
		(h)->tqh_first->f.tqe_prev = &(e)->f.tqe_next;		\
	else								\
		(h)->tqh_last = &(e)->f.tqe_next;			\
	(h)->tqh_first = (e);						\
	(e)->f.tqe_prev = &(h)->tqh_first;				\
} while (0)
#define TAILQ_INSERT_TAIL(h, e, f) do {					\
	__TAILQ_CHECK_TAIL(h);						\
	(e)->f.tqe_next = NULL;						\
	(e)->f.tqe_prev = (h)->tqh_last;				\
	*(h)->tqh_last = (e);						\
	(h)->tqh_last = &(e)->f.tqe_next;				\
} while (0)
#define TAILQ_INSERT_AFTER(h, l, e, f) do {				\
	__TAILQ_CHECK_NEXT(l, f);					\
	if (((e)->f.tqe_next = (l)->f.tqe_next) != NULL)		\
		(e)->f.tqe_next->f.tqe_prev = &(e)->f.tqe_next;		\
	else								\
		(h)->tqh_last = &(e)->f.tqe_next;			\
	(l)->f.tqe_next = (e);						\
	(e)->f.tqe_prev = &(l)->f.tqe_next;				\
} while (0)
#define TAILQ_INSERT_BEFORE(l, e, f) do {				\
	__TAILQ_CHECK_PREV(l, f);					\
	(e)->f.tqe_prev = (l)->f.tqe_prev;				\
	(e)->f.tqe_next = (l);						\
	*(l)->f.tqe_prev = (e);						\
	(l)->f.tqe_prev = &(e)->f.tqe_next;				\
} while (0)
#define TAILQ_REMOVE(h, e, f) do {					\
	__TAILQ_CHECK_NEXT(e, f);					\
	__TAILQ_CHECK_PREV(e, f);					\
	if ((e)->f.tqe_next != NULL)					\
		(e)->f.tqe_next->f.tqe_prev = (e)->f.tqe_prev;		\
	else								\
		(h)->tqh_last = (e)->f.tqe_prev;			\
	*(e)->f.tqe_prev = (e)->f.tqe_next;				\
	(e)->f.tqe_next = NULL;						\
	(e)->f.tqe_prev = NULL;						\
} while (0)
#define TAILQ_CONCAT(a, b, f) do {					\
	if (!TAILQ_EMPTY(b)) {						\
		*(a)->tqh_last = (b)->tqh_first;			\
		(b)->tqh_first->f.tqe_prev = (a)->tqh_last;		\
		(a)->tqh_last = (b)->tqh_last;				\
		TAILQ_INIT(b);						\
	}								\
} while (0)
