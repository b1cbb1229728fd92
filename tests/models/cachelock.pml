/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cachelock.pml - protocol model, checked exhaustively with SPIN.
 * A named (cacheable) back object K with one anonymous shadow F, both known to
 * the object cache.  "recursive" means: collapse of F ends by deallocating K.
 *
 * default     : cache lock dropped before looking for a collapse candidate,
 *               candidate taken with try-lock, K freed after F is unlocked
 * -DHIST_HOLD : cache lock kept across the collapse   -> self deadlock
 * -DHIST_ABBA : cache lock dropped, but K is freed while F is still locked;
 *               lookup takes cache then object         -> two-thread deadlock
 */
bool cache, F, K;
byte refK = 3; byte refF = 1; bool K_alive = true; byte done = 0;
inline acq(l) { atomic { !l -> l = true } }
inline rel(l) { l = false }

inline dealloc_K_leaf()		/* inner vm_object_deallocate(K) */
{
	acq(cache); acq(K);
	assert(K_alive); refK--;
	if
	:: refK == 0 -> K_alive = false
	:: else -> skip
	fi;
	rel(K); rel(cache)
}

proctype exit_K()		/* process that mapped K directly */
{
	bool got = false;
	acq(cache); acq(K); assert(K_alive); refK--; rel(K);
#ifndef HIST_HOLD
	rel(cache);
#endif
#if defined(HIST_HOLD) || defined(HIST_ABBA)
	acq(F); got = true;
#else
	atomic {
		if
		:: !F -> F = true; got = true
		:: else -> got = false	/* give up; the next fault or fork retries */
		fi
	};
#endif
	if
	:: got ->
#if defined(HIST_HOLD) || defined(HIST_ABBA)
		dealloc_K_leaf();
		rel(F);
#else
		rel(F);
		dealloc_K_leaf();
#endif
	:: else -> skip
	fi;
#ifdef HIST_HOLD
	rel(cache);
#endif
	done++
}

proctype lookup_F()		/* object cache hit on F */
{
	acq(cache); acq(F); refF++; rel(F); rel(cache);
	done++
}

init { atomic { run exit_K(); run lookup_F() } done == 2; assert(K_alive) }
