/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_os.h: the seam between the kernel side of the host build (kernel headers
 * only) and its libc side (host_os.c).  Plain C types, so no header of one side
 * is ever seen by the other.
 */
#pragma once

/* Output and the end. */
void		 hos_print(const char *s, unsigned long len);
void		 hos_exit(int status) __attribute__((__noreturn__));
void		 hos_abort(void) __attribute__((__noreturn__));
unsigned long	 hos_now_ns(void);
const char	*hos_getenv(const char *name);

/* Physical memory: one arena of bytes, mapped whole at base. */
void		 hos_arena_init(unsigned long base, unsigned long bytes);
/* hos_map: page at offset pa of the arena appears at va as well. */
int		 hos_map(unsigned long va, unsigned long pa);
void		 hos_unmap(unsigned long va, unsigned long len);
/* Memory that nobody may touch (ASan report). */
void		 hos_poison(const void *p, unsigned long len);
void		 hos_unpoison(const void *p, unsigned long len);

/* Threads. */
void		*hos_thread_start(void (*fn)(void *), void *arg);
void		 hos_thread_join(void *handle);
void		 hos_yield(void);

/*
 * Waiting on an address.  hos_chan_wait is called with the channel locked and
 * returns with it unlocked; 0 woken, 1 timed out (ns 0: no limit).
 */
void		 hos_chan_lock(const void *chan);
void		 hos_chan_unlock(const void *chan);
int		 hos_chan_wait(const void *chan, unsigned long ns);
void		 hos_chan_wake(const void *chan, int all);
/* The same in two steps, with nothing locked between: a wake after enqueue is
 * not lost. */
struct hos_waiter {
	struct hos_waiter	*next;
	const void		*chan;
	int			 woken;
};
void		 hos_chan_enqueue(const void *chan, struct hos_waiter *w);
int		 hos_chan_block(struct hos_waiter *w, unsigned long ns);

/*
 * hos_fork_output: run fn(arg) in a child process and collect what it prints;
 * returns its exit status, or 128 + signal.
 */
int		 hos_fork_output(void (*fn)(void *), void *arg, char *buf,
		    unsigned long size);

/* hos_read_file: whole file, with a NUL behind it, for hos_free; 0 when absent.
 * lenp: its length, or 0. */
char		*hos_read_file(const char *path, unsigned long *lenp);
int		 hos_write_file(const char *path, const char *text);
void		*hos_alloc(unsigned long size);		/* zeroed */
void		 hos_free(void *p);
