/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain.pml - protocol model, checked exhaustively with SPIN.
 *
 * Three anonymous objects, front to back: P(0) -> B(1) -> X(2).
 *   P is mapped twice (two processes sharing it), B is mapped once more by a
 *   third process, X is only reachable through B.
 * One resident page starts in X and only ever moves one level forward.
 *
 * Threads: exit of the process mapping B, exit of one process mapping P, and
 * a fault by the other process mapping P (walk, then collapse), then its exit.
 *
 * Default build : recommended protocol
 * -DHIST_UP     : drop our count, then step to the shadow without pin/recheck
 * -DHIST_WALK   : walker drops the front lock before it owns the back lock and
 *                 treats a vanished back pointer as "end of chain"
 * -DHIST_ORDER  : step to the shadow with a blocking lock while holding the
 *                 back object (wrong direction) -> deadlock
 */
#define N    3
#define NONE 3
#define PAGE_GONE 9

bool lk[N]; bool alive[N]; bool dead[N]; bool coll[N];
byte ref[N]; byte pip[N]; byte bk[N]; byte sc[N];
byte loc = 2;			/* which object holds the page */
byte done = 0;

inline lock(o)   { atomic { !lk[o] -> lk[o] = true } }
inline unlock(o) { lk[o] = false }
inline live(o)   { assert(alive[o]) }
inline find_shadow(o, r)
{
	atomic {
		r = NONE;
		if
		:: o != 0 && alive[0] && bk[0] == o -> r = 0
		:: else ->
			if
			:: o != 1 && alive[1] && bk[1] == o -> r = 1
			:: else -> skip
			fi
		fi
	}
}
inline pip_wait(o)		/* caller holds lk[o] */
{
	do
	:: pip[o] == 0 -> break
	:: else -> unlock(o); pip[o] == 0; lock(o)
	od
}

/* s locked on entry and on exit */
inline collapse(s)
{
	do
	:: true ->
		b = bk[s];
		if
		:: b == NONE -> break
		:: else -> skip
		fi;
		lock(b); live(b);
		if
		:: dead[b] || coll[b] ->
			unlock(s); unlock(b);
			!(alive[b] && (dead[b] || coll[b]));
			lock(s);
			if
			:: dead[s] -> break
			:: else -> goto_next = 1
			fi
		:: else -> goto_next = 0
		fi;
		if
		:: goto_next == 1 -> skip
		:: goto_next == 0 && ref[b] == 1 ->
			assert(sc[b] == 1);
			coll[s] = true; pip[s]++; dead[b] = true; pip[b]++;
			unlock(b); unlock(s);		/* page-busy sleep */
			lock(s); lock(b);
			assert(bk[s] == b);
			atomic {
				if
				:: loc == b -> loc = s
				:: else -> skip
				fi
			};
			x = bk[b];
			if
			:: x != NONE ->
				lock(x); live(x); bk[s] = x; bk[b] = NONE; unlock(x)
			:: else -> bk[s] = NONE
			fi;
			sc[b]--; coll[s] = false; unlock(s);
			atomic { pip[s]-- };
			atomic { pip[b]-- };
			ref[b]--; assert(ref[b] == 0);
			pip_wait(b);
			alive[b] = false; unlock(b);
			lock(s)
		:: else ->
			/* bypass only if every page of b is covered by s */
			if
			:: loc == b -> unlock(b); break
			:: else -> skip
			fi;
			x = bk[b];
			if
			:: x != NONE ->
				lock(x); live(x); ref[x]++; sc[x]++; unlock(x)
			:: else -> skip
			fi;
			bk[s] = x; sc[b]--; ref[b]--; assert(ref[b] >= 1);
			unlock(b)
		fi
	od
}

proctype dealloc_thread(byte start)
{
	byte o, s, b, x, goto_next;
	o = start;
	do
	:: o == NONE -> break
	:: else ->
		lock(o); live(o);
		assert(ref[o] > 0);
		ref[o]--;
		if
		:: ref[o] > 1 || (ref[o] == 1 && sc[o] != 1) ->
			unlock(o); o = NONE
		:: ref[o] == 1 && sc[o] == 1 ->
			find_shadow(o, s);
			assert(s != NONE);
#ifdef HIST_UP
			unlock(o);		/* token lost while blocking */
			lock(s);
			live(s);		/* never re-validated */
#else
#ifdef HIST_ORDER
			lock(s); unlock(o);
#else
			if
			:: atomic { !lk[s] -> lk[s] = true }; unlock(o)
			:: else -> atomic { pip[s]++ }; unlock(o); lock(s); atomic { pip[s]-- }
			fi;
#endif
#endif
			if
#ifndef HIST_UP
			:: dead[s] || coll[s] || ref[s] == 0 ->
				unlock(s); o = NONE
#endif
			:: else ->
				ref[s]++;
				collapse(s);
				unlock(s);
				o = s		/* drop the extra reference */
			fi
		:: else ->	/* last reference */
			b = bk[o];
			if
			:: b != NONE ->
				lock(b); live(b); sc[b]--; bk[o] = NONE; unlock(b)
			:: else -> skip
			fi;
			dead[o] = true;
			pip_wait(o);
			atomic {
				if
				:: loc == o -> loc = PAGE_GONE
				:: else -> skip
				fi
			};
			alive[o] = false;
			unlock(o);
			o = b
		fi
	od;
	done++
}

/* fault by a process which owns one of the two map references on P */
proctype fault_thread()
{
	byte o, n, s, b, x, goto_next;
	bool found = false;
	lock(0); live(0);
	atomic { pip[0]++ };			/* pin: first_object */
	o = 0;
	do
	:: loc == o -> found = true; unlock(o); break
	:: else ->
		n = bk[o];
		if
		:: n == NONE -> unlock(o); break
		:: else -> skip
		fi;
#ifdef HIST_WALK
		unlock(o); lock(n); live(n);
		if
		:: bk[o] == n -> o = n
		:: bk[o] == NONE -> unlock(n); break	/* "race averted" */
		:: else -> unlock(n); lock(o)
		fi
#else
		lock(n); live(n); unlock(o); o = n
#endif
	od;
	assert(found);		/* else: a zero page hides real data */
	lock(0);
	atomic { pip[0]-- };
	ref[0]++;
	if
	:: !dead[0] && !coll[0] -> s = 0; collapse(0)
	:: else -> skip
	fi;
	unlock(0);
	run dealloc_thread(0);		/* the temporary fault reference */
	run dealloc_thread(0);		/* the process exits: map reference */
	done++
}

init {
	atomic {
		alive[0] = true; alive[1] = true; alive[2] = true;
		ref[0] = 2; ref[1] = 2; ref[2] = 1;
		bk[0] = 1; bk[1] = 2; bk[2] = NONE;
		sc[1] = 1; sc[2] = 1;
		run dealloc_thread(1);
		run dealloc_thread(0);
		run fault_thread()
	}
	done == 5;
	assert(!alive[0] && !alive[1] && !alive[2]);	/* no leak */
	assert(loc == PAGE_GONE)
}
