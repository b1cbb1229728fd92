/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * objcache.pml - protocol model, checked exhaustively with SPIN.
 *
 * The cache of named objects, with deallocate.  K is named; without references
 * it stays in the cache.  The cache lock is a leaf: object, then cache.
 *
 * Threads: two users that look K up (or make it anew) and let it go; an evictor.
 *
 * Default        : under the leaf lock a lookup takes a reference, or finds
 *                  nothing; the one who ends K looks again, under it, whether
 *                  somebody did, and takes K out of the hash in the same hold
 * -DHIST_REVIVE  : it is not looked again
 * -DHIST_HASH    : K leaves the hash only after its pages went
 */
bool lkK, cache;
bool hashed = true, alive = true, pages = true, dead;
byte ref; byte done; byte misses;

inline acq(l) { atomic { !l -> l = true } }
inline rel(l) { l = false }

/* The evictor ends K if nobody uses it. */
proctype evictor()
{
	bool gone;
	acq(lkK);
	if
	:: ref == 0 && alive ->
#ifndef HIST_HASH
		acq(cache);
#ifdef HIST_REVIVE
		rel(cache); acq(cache);
		hashed = false; gone = true;
#else
		if
		:: ref == 0 -> hashed = false; gone = true
		:: else -> skip		/* revived */
		fi;
#endif
		rel(cache);
#else
		gone = true;
#endif
		if
		:: gone ->
			dead = true; pages = false;
#ifdef HIST_HASH
			acq(cache); hashed = false; rel(cache);
#endif
			alive = false
		:: else -> skip
		fi
	:: else -> skip
	fi;
	rel(lkK);
	done++
}

proctype user()
{
	bool hit;
	acq(cache);
	if
	:: hashed -> ref++; hit = true
	:: else -> misses++		/* would make another object */
	fi;
	rel(cache);
	if
	:: hit ->
		assert(alive);
		acq(lkK);
		assert(!dead && pages);	/* what it showed is still there */
		rel(lkK);
		acq(lkK);		/* deallocate: the last one stays */
		acq(cache); ref--; rel(cache);
		rel(lkK)
	:: else -> skip
	fi;
	done++
}

init {
	atomic { run user(); run user(); run evictor() }
	done == 3;
	assert(ref == 0)
}
