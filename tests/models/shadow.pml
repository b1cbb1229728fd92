/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow.pml - protocol model, checked exhaustively with SPIN.
 *
 * A shadow is created while a collapse is under way.  P(0) -> B(1); P is mapped
 * by two processes (fork: NEEDS_COPY), B by a third.  One page is in B.
 *
 * Threads: the exit of the third process merges B into P, unlocked in the middle
 * (busy page); a write by the first puts N(2) in front of P, then N tries to
 * collapse; the second process exits, after which N and P may merge too.
 *
 * Default       : an object in a merge (COLLAPSING, FADING) is waited for
 * -DHIST_FLAGS  : the second collapse looks at counts only
 * -DHIST_COUNT  : the shadow is put in front with its reference still missing
 */
#define NONE 3
bool lk[3]; bool coll[3]; bool fad[3]; bool alive[3]; byte ref[3]; byte sc[3];
byte bk[3]; byte pip[3]; byte loc = 1; byte done;

inline lock(o)   { atomic { !lk[o] -> lk[o] = true } }
inline unlock(o) { lk[o] = false }

/* s locked in and out */
inline collapse(s)
{
	do
	:: bk[s] == NONE || coll[s] || fad[s] -> break
	:: else ->
		b = bk[s];
		lock(b);
		assert(alive[b]);
		if
#ifndef HIST_FLAGS
		:: coll[b] || fad[b] ->
			unlock(s); unlock(b);
			!(alive[b] && (coll[b] || fad[b]));
			lock(s)
#endif
		:: else ->
			if
			:: ref[b] == 1 ->
				assert(sc[b] == 1);
				coll[s] = true; fad[b] = true;
				atomic { pip[s]++; pip[b]++ };
				unlock(b); unlock(s);	/* busy page */
				lock(s); lock(b);
				assert(bk[s] == b && ref[b] == 1);
				if
				:: loc == b -> loc = s
				:: else -> skip
				fi;
				x = bk[b];
				if
				:: x != NONE -> lock(x); bk[b] = NONE;
					bk[s] = x; unlock(x)
				:: else -> bk[s] = NONE
				fi;
				sc[b]--;
				coll[s] = false; fad[b] = false;
				atomic { pip[s]--; pip[b]-- };
				ref[b] = 0; alive[b] = false;
				unlock(b)
			:: ref[b] != 1 && loc != b && bk[b] != NONE ->
				x = bk[b];		/* bypass */
				lock(x);
				assert(alive[x] && !fad[x]);
				ref[x]++; sc[x]++;
				unlock(x);
				bk[s] = x; sc[b]--; ref[b]--;
				unlock(b)
			:: ref[b] != 1 && (loc == b || bk[b] == NONE) ->
				unlock(b); break
			fi
		fi
	od
}

inline drop(start)
{
	o = start;
	do
	:: o == NONE -> break
	:: else ->
		lock(o); assert(alive[o] && ref[o] > 0); ref[o]--;
		if
		:: ref[o] > 1 || (ref[o] == 1 && sc[o] != 1) ->
			unlock(o); o = NONE
		:: ref[o] == 1 && sc[o] == 1 ->
			if
			:: bk[0] == o && alive[0] -> s = 0
			:: else -> s = 2
			fi;
			assert(bk[s] == o);
			if
			:: atomic { !lk[s] -> lk[s] = true }; unlock(o)
			:: else -> atomic { pip[s]++ }; unlock(o); lock(s);
				atomic { pip[s]-- }
			fi;
			if
			:: coll[s] || fad[s] || ref[s] == 0 -> unlock(s);
				o = NONE
			:: else -> ref[s]++; collapse(s); unlock(s); o = s
			fi
		:: ref[o] == 0 ->
			b = bk[o];
			if
			:: b != NONE -> lock(b); sc[b]--; bk[o] = NONE;
				unlock(b)
			:: else -> skip
			fi;
			if
			:: loc == o -> loc = 9
			:: else -> skip
			fi;
			alive[o] = false; unlock(o); pip[o] == 0; o = b
		fi
	od
}

proctype third() { byte o, s, b, x; drop(1); done++ }
proctype second() { byte o, s, b, x; drop(0); done++ }
proctype first()
{
	byte o, s, b, x;
	bool found;
	lock(2); lock(0);		/* N is private */
	assert(alive[0]);
	bk[2] = 0;
#ifndef HIST_COUNT
	sc[0]++;			/* our reference on P moves to N */
#else
	ref[0]--; sc[0]++;
#endif
	unlock(0);
	/* walk, coupled */
	o = 2;
	do
	:: loc == o -> found = true; break
	:: loc != o && bk[o] == NONE -> break
	:: else -> b = bk[o]; lock(b); unlock(o); o = b
	od;
	unlock(o);
	assert(found);
	lock(2); s = 2; ref[2]++;
	collapse(2);
	unlock(2);
	drop(2);
	drop(2);			/* exit */
	done++
}

init {
	atomic {
		alive[0] = true; alive[1] = true; alive[2] = true;
		ref[0] = 2; ref[1] = 2; ref[2] = 1;
		bk[0] = 1; bk[1] = NONE; bk[2] = NONE; sc[1] = 1;
		run first(); run second(); run third()
	}
	done == 3;
	assert(!alive[0] && !alive[1] && !alive[2])
}
