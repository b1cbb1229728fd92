/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadowlist.pml - protocol model, checked exhaustively with SPIN.
 *
 * One backing object carries a BSD-style LIST of its shadows: a head word,
 * and in every element a next index plus a "prev" that names the word which
 * must point back at the element.
 *
 *   word 0      : list head
 *   word 1..N   : the next field of element 1..N
 *   prv[i]      : which word should hold i
 *
 * Elements 1 and 2 start linked (head -> 1 -> 2).  Element 3 is inserted by a
 * copy-on-write fault.  Elements 1 and 2 are removed by exiting processes.
 *
 * -DHIST    : insert runs under lock A, removal under lock B (disjoint sets)
 * otherwise : both run under the backing object's own lock
 */
#define HEAD 0
byte w[4];
byte prv[4];
byte shadow_count = 2;
byte done = 0;

bool lockA, lockB;

#ifdef LINKSONLY
#define CNT_INC atomic { shadow_count++ }
#define CNT_DEC atomic { shadow_count-- }
#else
#define CNT_INC c = shadow_count; shadow_count = c + 1
#define CNT_DEC c = shadow_count; shadow_count = c - 1
#endif

inline acq(l) { atomic { !l -> l = true } }
inline rel(l) { l = false }

#ifdef HIST
#define INS_LOCK lockA
#define REM_LOCK lockB
#else
#define INS_LOCK lockB
#define REM_LOCK lockB
#endif

inline list_insert_head(e)
{
	w[e] = w[HEAD];
	if
	:: w[e] != 0 -> tmp = w[e]; prv[tmp] = e
	:: else -> skip
	fi;
	w[HEAD] = e;
	prv[e] = HEAD
}

inline list_remove(e)
{
	/* the INVARIANTS-kernel check: "prev->next != elm" */
	tmp = prv[e];
	assert(w[tmp] == e);
	if
	:: w[e] != 0 ->
		tmp2 = w[e];
		assert(prv[tmp2] == e);		/* "next->prev != elm" */
		prv[tmp2] = prv[e]
	:: else -> skip
	fi;
	tmp = prv[e];
	w[tmp] = w[e]
}

proctype cow_fault(byte e)
{
	byte tmp, c;
	acq(INS_LOCK);
	list_insert_head(e);
	CNT_INC;
	rel(INS_LOCK);
	done++
}

proctype exiter(byte e)
{
	byte tmp, tmp2, c;
	acq(REM_LOCK);
	list_remove(e);
	CNT_DEC;
	rel(REM_LOCK);
	done++
}

init {
	atomic {
		w[HEAD] = 1; prv[1] = HEAD;
		w[1] = 2;    prv[2] = 1;
		w[2] = 0;
		run cow_fault(3);
		run exiter(1);
		run exiter(2)
	}
	done == 3;
	assert(shadow_count == 1);
#ifndef LINKSONLY
	assert(w[HEAD] == 3 && w[3] == 0 && prv[3] == HEAD)
#else
	skip
#endif
}
