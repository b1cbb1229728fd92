/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab.h: the race laboratory: what its parts tell each other.
 *
 *	lab_sched.c	fibres, events, the scheduler; failures
 *	lab_search.c	who runs next: depth-first, PCT, random walk, replay
 *	lab_kern.c	the kernel's locks, sleep queue and CPUs as events
 *	lab_tsan.c	memory accesses as events; data races; freed memory
 *	lab_pmap.c	translation buffers in front of the fake pmap
 *	lab_model.c	what each process must see; the processes of a scenario
 *	lab_ops.c	operations, shapes, the generator of scenarios
 *	lab_main.c	commands, gates, figures
 *	lab_tso.c	store buffers
 *	lab_reduce.c	which steps conflict; equal traces
 *	lab_shapes.c, lab_vmops.c	states to begin with; more operations
 *	lab_stage.c, lab_self.c	gate, deep search, hunt; tests of all this
 *	lab_draw.c	chains and conflicts in a story
 *	lab_story.c	replay, story, shrinking, tokens
 *	lab_alias.c, lab_guide.c	alias coverage, and the search for it
 *
 * A fibre is a thread and a CPU.  Every EVENT (lock, sleep, access of shared
 * memory, user access, shootdown) has a number; before some of them (the POINTS
 * of the level) another fibre may be chosen.  A schedule is the list of its
 * DEVIATIONS: at event N fibre F runs, although the default was another.  The
 * default goes on with the running fibre, and when that cannot run or waits for
 * somebody, takes the next one in turn.
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <sys/thread.h>

#define LAB_FIBRES	4	/* most fibres of a scenario */
#define LAB_AUX		LAB_FIBRES	/* runs preparation and audits */
#define LAB_CPUS	(LAB_FIBRES + 1)	/* CPU 0 is LAB_AUX's */
#define LAB_DEVS	64	/* most deviations that are kept */
#define LAB_MAX_EVENTS	200000	/* of one run: livelock above */
#define LAB_FRAMES	48	/* of a fibre's shadow call stack */

/* Which events are points. */
enum lab_level {
	LAB_LOCK,	/* locks, sleep queues, user accesses, shootdowns */
	LAB_SYNC,	/* and atomic operations on shared words */
	LAB_ACCESS,	/* and plain accesses of shared words */
};

enum lab_event {
	EV_START, EV_SPIN, EV_SPINTRY, EV_SPINREL, EV_WLOCK, EV_RLOCK,
	EV_TRY, EV_UPGRADE, EV_DOWNGRADE, EV_UNLOCK, EV_CHAN, EV_SLEEP,
	EV_WAKE, EV_YIELD, EV_CALL, EV_USER, EV_FLUSH, EV_PAGER, EV_OP,
	EV_NAMED,
	EV_ATOMIC, EV_READ, EV_WRITE, EV_BLOCK, EV_END, EV_COUNT
};

enum fibre_state { FB_FREE, FB_READY, FB_BLOCKED, FB_DONE };

struct fibre {
	int		 id;
	enum fibre_state state;
	bool		 yielding;	/* waits for somebody: others first */
	bool		 preempted;	/* stands still although it could run */
	enum lab_event	 kind;		/* of the event it stands before */
	const void	*obj;
	const char	*name;
	bool		(*can)(const struct fibre *f);	/* NULL: may run */
	const void	*wchan;		/* sleeps on */
	bool		 woken;
	nsec_t		 deadline;	/* 0: none */
	void		*sp, *stack;
	void		(*fn)(void *arg);
	void		*arg;
	uint32_t	 vc[LAB_FIBRES];	/* happens before */
	unsigned	 nframes;
	uint32_t	 frame[LAB_FRAMES];	/* return addresses */
	struct thread	 td;
};

extern struct fibre	 lab_fibre[LAB_CPUS];
extern struct fibre	*lab_cur;	/* NULL: the main context */
extern bool		 lab_running;	/* fibres of a schedule run */
extern bool		 lab_abandoned;	/* the last run ended early */
extern unsigned		 lab_nopoint;	/* > 0: no event is a point */
extern enum lab_level	 lab_level;
extern uint32_t		 lab_ev;	/* events of this run */
extern uint32_t		 lab_npoints;	/* points of this run */
extern uint64_t		 lab_hash;	/* of all events, in a replay */
extern nsec_t		 lab_now;

/* lab_point: an event is about to happen; another fibre may go first. */
void	lab_point(enum lab_event kind, const void *obj, const char *name);
/* lab_block: until can(lab_cur) holds; at once if it does. */
void	lab_block(bool (*can)(const struct fibre *f));
/* lab_spun: a try failed or a loop waits: let others run first. */
void	lab_spun(void);

/* ---- failures ---- */

enum lab_oracle {
	OR_NONE, OR_BYTES, OR_RECOUNT, OR_TLB, OR_RACE, OR_DEADLOCK,
	OR_LIVELOCK, OR_LEAK, OR_UAF, OR_CRASH, OR_ERRNO, OR_ASSERT, OR_COUNT
};
struct lab_failure {
	enum lab_oracle	 oracle;
	uint32_t	 ev;
	int		 fibre;
	char		 text[512];
};
extern struct lab_failure lab_failure;	/* of the last run */
/* lab_fail: the run ends here. */
void	lab_fail(enum lab_oracle oracle, const char *fmt, ...)
	    __printflike(2, 3) __noreturn;
/* lab_abandon: end the run; it would show nothing new. */
void	lab_abandon(void) __noreturn;
const char *lab_oracle_name(enum lab_oracle o);
const char *lab_event_name(enum lab_event e);

/* ---- one schedule ---- */

struct lab_dev {
	uint32_t	 ev;
	uint8_t		 fibre;
};
struct lab_schedule {
	unsigned	 n;
	struct lab_dev	 dev[LAB_DEVS];
};
extern struct lab_schedule lab_done;	/* deviations of the last run */

void	lab_sched_init(void);
/* lab_aux: run fn(arg) as LAB_AUX, without points; false: it failed. */
bool	lab_aux(void (*fn)(void *), void *arg);
/* lab_run: run the n fibres that lab_fibre_set named; false: failure. */
void	lab_fibre_set(int id, void (*fn)(void *), void *arg);
bool	lab_run(int n);
uint32_t lab_enabled(void);		/* mask of fibres that can run */
uint32_t lab_preempted(void);		/* mask of those that were stopped */
extern unsigned lab_went_on;	/* yields in a row that gave way to nobody */

/* ---- strategies (lab_search.c): asked when more than one can run ---- */

enum lab_strategy { ST_REPLAY, ST_DFS, ST_PCT, ST_RANDOM };
int	lab_choose(uint32_t enabled, int dflt, bool preempts);
void	lab_search_begin(enum lab_strategy st, uint64_t seed, unsigned bound);
/* lab_search_next: prepare the next run; false: depth-first is complete. */
bool	lab_search_next(void);
/* lab_search_pruned: what reduction did since lab_search_begin. */
struct lab_pruned {
	uint64_t	 asleep, states;	/* runs ended early, by reason */
	uint64_t	 passes;		/* searches begun anew */
};
struct lab_pruned lab_search_pruned(void);
void	lab_search_failed(void);	/* the last run did, the search goes on */
void	lab_search_replay(const struct lab_schedule *s);

/* ---- memory (lab_tsan.c) ---- */

void	lab_mem_init(void);
void	lab_mem_alias(void);		/* begin alias coverage */
void	lab_mem_reset_run(void);
void	lab_mem_reset_scenario(void);
void	lab_hb_acquire(const void *sync);
void	lab_hb_release(const void *sync);
void	lab_mem_live(const void *p, size_t len, bool live);
void	lab_mem_rewritten(uintptr_t a);	/* a word, by a zone */
void	lab_mem_seen(const void *p, bool write);	/* a word, by the laboratory */
bool	lab_mem_freed(const void *p);
bool	lab_mem_bad(const void *p);	/* and the zone is not at work */
bool	lab_shared(uintptr_t a);
uint64_t lab_mem_shared_count(void);
extern uint32_t lab_access_pc;	/* of the access that is about to happen */
extern bool lab_races;		/* report data races */
extern struct fibre *lab_hb_self;	/* whose accesses these are */

/* ---- store buffers (lab_tso.c) ---- */

extern bool lab_tso;
void	lab_tso_reset(void);
/* issue: lab_cur is about to store.  drain: all of a fibre's are in memory. */
void	lab_tso_issue(uintptr_t addr, unsigned size);
void	lab_tso_drain(int fibre);
bool	lab_tso_pending(int fibre);
/* hold: others see the old values; resume: the fibre runs again. */
void	lab_tso_hold(int fibre);
void	lab_tso_resume(int fibre);

/* ---- story (lab_story.c) ---- */

extern bool lab_tracing;
extern bool lab_all;		/* every event goes through lab_point */
void	lab_trace(const struct fibre *f, enum lab_event kind, const void *obj,
	    const char *name);
void	lab_trace_text(const char *fmt, ...) __printflike(1, 2);

/* ---- pmap (lab_pmap.c) ---- */

void	lab_tlb_reset(void);

/* ---- reset of state that is not in the world (lab_kern.c) ---- */

void	lab_kern_reset(void);
