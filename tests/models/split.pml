/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * split.pml - protocol model, checked exhaustively with SPIN.
 *
 * fork splits O(0) into O and N(1) while a fault pages in.  Two entries of one
 * map have one page each of O; the fork gives the first entry its own object.
 * The fault lets go of the map while it reads, and begins again after it.
 *
 * Default     : a busy placeholder is in the object before the locks go; a
 *               split that meets it leaves N a shadow of O
 * -DHIST_RA   : the read page is put into the object that was looked up before
 *               the read (FreeBSD r335171): it may have gone elsewhere
 * -DHIST_PART : a split that could not move a page says that it moved all
 */
bool lkO, lkN, mapw; byte mapr;
bool entryN;		/* the entry names N; else O */
bool shadow;		/* N -> O */
byte res[2];		/* the page: 0 none, 1 valid, 2 placeholder */
bool sto = true;	/* O's store has it */
byte done;

inline acq(l) { atomic { !l -> l = true } }
inline rel(l) { l = false }

proctype fault()
{
	bool found;
	do
	:: found -> break
	:: else ->
		atomic { !mapw -> mapr++ };
		if
		:: entryN ->
			acq(lkN);
			if
			:: res[1] == 1 -> found = true; rel(lkN);
				atomic { mapr-- }
			:: res[1] == 2 -> rel(lkN); atomic { mapr-- };
				res[1] != 2
			:: res[1] == 0 -> 
				assert(shadow);	/* else: zero over data */
				acq(lkO); rel(lkN);
				goto in_O
			fi
		:: else -> acq(lkO);
in_O:
			if
			:: res[0] == 1 -> found = true; rel(lkO);
				atomic { mapr-- }
			:: res[0] == 2 -> rel(lkO); atomic { mapr-- };
				res[0] != 2
			:: res[0] == 0 ->
				assert(sto);	/* else: zero over data */
#ifdef HIST_RA
				rel(lkO); atomic { mapr-- };
				/* the read */
				acq(lkO); assert(res[1] == 0);
				res[0] = 1; rel(lkO)
#else
				res[0] = 2;
				rel(lkO); atomic { mapr-- };
				/* the read */
				res[0] = 1
#endif
			fi
		fi
	od;
	done++
}

proctype forker()
{
	atomic { !mapw && mapr == 0 -> mapw = true };
	acq(lkN); acq(lkO);
	shadow = true;
	if
	:: res[0] == 1 -> res[1] = 1; res[0] = 0; sto = false; shadow = false
	:: res[0] == 2 ->
#ifdef HIST_PART
		shadow = false
#else
		skip
#endif
	:: res[0] == 0 ->
#ifdef HIST_RA
		res[1] = 1; sto = false; shadow = false
#else
		skip			/* a store is not split: stays shadow */
#endif
	fi;
	entryN = true;
	rel(lkO); rel(lkN);
	mapw = false;
	done++
}

init {
	run fault(); run fault(); run forker();
	done == 3;
	assert(res[0] != 1 || res[1] != 1)
}
