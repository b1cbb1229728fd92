/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swap.pml - protocol model, checked exhaustively with SPIN.
 *
 * A page has two places: resident in an object, or stored for it.  P(0) -> B(1),
 * P mapped by one process, B by another.  Index 0 is only in B (resident or
 * stored, the pageout thread moves it out, a fault moves it in); index 1 is old
 * in B and new in P's store.
 *
 * Threads: a fault on each index through P; pageout of B's page; the exit of
 * the process that maps B, which merges B into P without reading anything.
 *
 * Default        : resident pages move, busy ones are waited for unlocked; then
 *                  the store moves; a page that P has in either place is freed
 * -DHIST_LEAK    : no merge once B has a store (NetBSD 1993)
 * -DHIST_RESONLY : what P has stored does not hide B's page
 * -DHIST_NOSTORE : the store does not move with the pages
 */
#define P 0
#define B 1
bool lk[2]; bool merged; bool fading; byte pip[2]; byte refB = 2;
byte res[4];	/* [object * 2 + index]: 0 none, 1 valid, 2 busy placeholder */
byte sto[4];	/* stored: 0 no, 1 yes */
byte val[4];	/* resident contents: 1 old, 2 new */
byte sval[4];	/* stored contents */
byte done;
#define AT(o, i) ((o) * 2 + (i))

inline lock(o)   { atomic { !lk[o] -> lk[o] = true } }
inline unlock(o) { lk[o] = false }

/* What the process that maps P sees at i must be want. */
proctype fault(byte i; byte want)
{
	byte o; bool found;
	do
	:: found -> break
	:: else ->
		lock(P); o = P;
walk:
		if
		:: res[AT(o, i)] == 2 ->	/* busy: let go, sleep, retry */
			unlock(o);
			res[AT(o, i)] != 2
		:: res[AT(o, i)] == 1 ->
			assert(val[AT(o, i)] == want);
			found = true; unlock(o)
		:: res[AT(o, i)] == 0 && sto[AT(o, i)] == 1 ->
			res[AT(o, i)] = 2; pip[o]++;	/* placeholder, pin */
			unlock(o);
			val[AT(o, i)] = sval[AT(o, i)];	/* the read */
			res[AT(o, i)] = 1;
			atomic { pip[o]-- }
		:: else ->
			assert(o == P && !merged);	/* the end: data lost */
			lock(B); unlock(P); o = B;
			goto walk
		fi
	od;
	done++
}

proctype pageout()
{
	lock(B);
	if
	:: !merged && !fading && res[AT(B, 0)] == 1 ->
		res[AT(B, 0)] = 2;		/* busy while it is written */
		unlock(B);
		sval[AT(B, 0)] = val[AT(B, 0)];
		lock(B);
		sto[AT(B, 0)] = 1; res[AT(B, 0)] = 0;
		unlock(B)
	:: else -> unlock(B)
	fi;
	done++
}

inline has(i)	/* does P have i? */
{
#ifdef HIST_RESONLY
	h = res[AT(P, i)] != 0
#else
	h = res[AT(P, i)] != 0 || sto[AT(P, i)] == 1
#endif
}

proctype exit_B()
{
	byte i; bool h;
	lock(B); refB--; unlock(B);	/* one shadow is left: up */
	lock(P); lock(B);
#ifdef HIST_LEAK
	if
	:: sto[AT(B, 0)] || sto[AT(B, 1)] -> unlock(B); unlock(P); goto out
	:: else -> skip
	fi;
#endif
	fading = true; atomic { pip[P]++; pip[B]++ };
	i = 0;
	do
	:: i == 2 -> break
	:: else ->
		if
		:: res[AT(B, i)] == 2 ->
			unlock(P); unlock(B);
			res[AT(B, i)] != 2;
			lock(P); lock(B);
			i = 0
		:: res[AT(B, i)] == 1 ->
			has(i);
			if
			:: h -> skip
			:: else -> res[AT(P, i)] = 1;
				val[AT(P, i)] = val[AT(B, i)]
			fi;
			res[AT(B, i)] = 0; i++
		:: else -> i++
		fi
	od;
	i = 0;
	do
	:: i == 2 -> break
	:: else ->
#ifndef HIST_NOSTORE
		has(i);
		if
		:: sto[AT(B, i)] == 1 && !h -> sto[AT(P, i)] = 1;
			sval[AT(P, i)] = sval[AT(B, i)]
		:: else -> skip
		fi;
#endif
		sto[AT(B, i)] = 0; i++
	od;
	merged = true; refB = 0;
	atomic { pip[P]-- }; atomic { pip[B]-- };
	unlock(P); unlock(B);
	pip[B] == 0;			/* then B is freed */
#ifdef HIST_LEAK
out:
#endif
	done++
}

init {
	atomic {
		res[AT(B, 0)] = 1; val[AT(B, 0)] = 1;
		res[AT(B, 1)] = 1; val[AT(B, 1)] = 1;
		sto[AT(P, 1)] = 1; sval[AT(P, 1)] = 2;
		run fault(0, 1); run fault(1, 2); run pageout(); run exit_B()
	}
	done == 4;
	assert(merged && pip[P] == 0 && pip[B] == 0)	/* else: lost memory */
}
