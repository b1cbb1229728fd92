/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pip.pml - protocol model, checked exhaustively with SPIN.
 * paging_in_progress: two pagers finish, one terminator waits, plus a second
 * waiter with a different reason.  Waiters sleep on one channel guarded by a
 * WANTED flag (as the 1990s macros did).
 *
 * default        : every decrement goes through paging_end(): wake all at zero
 * -DHIST_BARE    : one path decrements by hand and forgets the wakeup
 * -DHIST_WAKEONE : wakeup releases one sleeper only
 */
byte pip = 2; bool wanted; byte sleepers; byte permits; byte done; bool lk;
inline acq() { atomic { !lk -> lk = true } }
inline rel() { lk = false }
inline wake()
{
	if
	:: wanted -> wanted = false;
#ifdef HIST_WAKEONE
		atomic { if :: sleepers > permits -> permits++ :: else -> skip fi }
#else
		atomic { permits = sleepers }
#endif
	:: else -> skip
	fi
}
proctype io(bool bare)
{
	acq();
	pip--;
#ifdef HIST_BARE
	if
	:: bare -> skip
	:: else -> if :: pip == 0 -> wake() :: else -> skip fi
	fi;
#else
	if :: pip == 0 -> wake() :: else -> skip fi;
#endif
	rel(); done++
}
proctype waiter()
{
	acq();
	do
	:: pip == 0 -> break
	:: else ->
		wanted = true;
		atomic { sleepers++; lk = false };	/* release + sleep */
		atomic { permits > 0 -> permits--; sleepers-- };
		acq()
	od;
	rel(); done++
}
init { atomic { run io(true); run io(false); run waiter(); run waiter() } done == 4 }
