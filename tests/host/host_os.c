/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_os.c: the libc side of the host build: memory, threads and waiting for
 * the kernel side in host_kern.c.
 */
#define _GNU_SOURCE
#include "host_os.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#define PAGE	4096UL

static int arena_fd = -1;

static void
die(const char *what)
{
	perror(what);
	abort();
}

/* There in the build that measures coverage. */
void	__gcov_dump(void) __attribute__((weak));
void	__gcov_reset(void) __attribute__((weak));

/* This process ends without exit(). */
static void
flush_all(void)
{
	fflush(stdout);
	if (__gcov_dump != NULL)
		__gcov_dump();
}

void
hos_print(const char *s, unsigned long len)
{
	fwrite(s, 1, len, stdout);
	fflush(stdout);
}

void
hos_exit(int status)
{
	fflush(stdout);
	exit(status);
}

void
hos_abort(void)
{
	flush_all();
	abort();
}

unsigned long
hos_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long)ts.tv_sec * 1000000000UL +
	    (unsigned long)ts.tv_nsec;
}

const char *
hos_getenv(const char *name)
{
	return getenv(name);
}

void
hos_arena_init(unsigned long base, unsigned long bytes)
{
	void *p;

	arena_fd = memfd_create("gnomon-arena", 0);
	if (arena_fd < 0 || ftruncate(arena_fd, (off_t)bytes) != 0)
		die("arena");
	p = mmap((void *)base, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED_NOREPLACE, arena_fd, 0);
	if (p != (void *)base)
		die("arena mmap");
}

int
hos_map(unsigned long va, unsigned long pa)
{
	void *p = mmap((void *)va, PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED_NOREPLACE, arena_fd, (off_t)pa);

	return p == (void *)va ? 0 : -1;
}

void
hos_unmap(unsigned long va, unsigned long len)
{
	hos_unpoison((void *)va, len);
	munmap((void *)va, len);
}

void
hos_poison(const void *p, unsigned long len)
{
#ifdef __SANITIZE_ADDRESS__
	ASAN_POISON_MEMORY_REGION(p, len);
#else
	(void)p;
	(void)len;
#endif
}

void
hos_unpoison(const void *p, unsigned long len)
{
#ifdef __SANITIZE_ADDRESS__
	ASAN_UNPOISON_MEMORY_REGION(p, len);
#else
	(void)p;
	(void)len;
#endif
}

struct start {
	void		(*fn)(void *);
	void		*arg;
	pthread_t	 thread;
};

static void *
trampoline(void *arg)
{
	struct start *s = arg;

	s->fn(s->arg);
	return NULL;
}

void *
hos_thread_start(void (*fn)(void *), void *arg)
{
	struct start *s = calloc(1, sizeof(*s));

	s->fn = fn;
	s->arg = arg;
	if (pthread_create(&s->thread, NULL, trampoline, s) != 0)
		die("pthread_create");
	return s;
}

void
hos_thread_join(void *handle)
{
	struct start *s = handle;

	pthread_join(s->thread, NULL);
	free(s);
}

void
hos_yield(void)
{
	sched_yield();
}

/* A sleeper lives on its own stack, on its bucket's list. */
#define NBUCKETS	64
static struct bucket {
	pthread_mutex_t	 lock;
	pthread_cond_t	 cond;
	struct hos_waiter	*waiters;
} buckets[NBUCKETS];

__attribute__((__constructor__)) static void
buckets_init(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	for (int i = 0; i < NBUCKETS; i++) {
		pthread_mutex_init(&buckets[i].lock, NULL);
		pthread_cond_init(&buckets[i].cond, &attr);
	}
}

static struct bucket *
bucket_of(const void *chan)
{
	return &buckets[((uintptr_t)chan >> 4) * 0x9e3779b97f4a7c15UL >> 58];
}

void
hos_chan_lock(const void *chan)
{
	pthread_mutex_lock(&bucket_of(chan)->lock);
}

void
hos_chan_unlock(const void *chan)
{
	pthread_mutex_unlock(&bucket_of(chan)->lock);
}

static void
waiter_unlink(struct bucket *b, struct hos_waiter *w)
{
	struct hos_waiter **pp = &b->waiters;

	while (*pp != w)
		pp = &(*pp)->next;
	*pp = w->next;
}

/* waiter_block: w is on the list of b, whose lock we hold; released here. */
static int
waiter_block(struct bucket *b, struct hos_waiter *w, unsigned long ns)
{
	unsigned long when = hos_now_ns() + ns;
	struct timespec ts = { (time_t)(when / 1000000000UL),
	    (long)(when % 1000000000UL) };
	int error = 0;

	while (!w->woken && error == 0)
		error = ns == 0 ? pthread_cond_wait(&b->cond, &b->lock) :
		    pthread_cond_timedwait(&b->cond, &b->lock, &ts);
	waiter_unlink(b, w);
	pthread_mutex_unlock(&b->lock);
	return w->woken ? 0 : 1;
}

static void
waiter_link(struct bucket *b, struct hos_waiter *w, const void *chan)
{
	w->chan = chan;
	w->woken = 0;
	w->next = b->waiters;
	b->waiters = w;
}

int
hos_chan_wait(const void *chan, unsigned long ns)
{
	struct bucket *b = bucket_of(chan);
	struct hos_waiter w;

	waiter_link(b, &w, chan);
	return waiter_block(b, &w, ns);
}

void
hos_chan_enqueue(const void *chan, struct hos_waiter *w)
{
	struct bucket *b = bucket_of(chan);

	pthread_mutex_lock(&b->lock);
	waiter_link(b, w, chan);
	pthread_mutex_unlock(&b->lock);
}

int
hos_chan_block(struct hos_waiter *w, unsigned long ns)
{
	struct bucket *b = bucket_of(w->chan);

	pthread_mutex_lock(&b->lock);
	return waiter_block(b, w, ns);
}

void
hos_chan_wake(const void *chan, int all)
{
	struct bucket *b = bucket_of(chan);

	pthread_mutex_lock(&b->lock);
	for (struct hos_waiter *w = b->waiters; w != NULL; w = w->next) {
		if (w->chan != chan || w->woken)
			continue;
		w->woken = 1;
		if (!all)
			break;
	}
	pthread_cond_broadcast(&b->cond);
	pthread_mutex_unlock(&b->lock);
}

/*
 * The arena is shared memory, so a child process writes into its parent's:
 * its used extents are saved before the fork and put back after.
 */
struct extent {
	struct extent	*next;
	off_t		 start;
	size_t		 len;
	char		 data[];
};

static struct extent *
arena_save(void)
{
	struct extent *list = NULL, *e;
	off_t start = 0, end;

	while ((start = lseek(arena_fd, start, SEEK_DATA)) >= 0) {
		end = lseek(arena_fd, start, SEEK_HOLE);
		e = malloc(sizeof(*e) + (size_t)(end - start));
		e->next = list;
		e->start = start;
		e->len = (size_t)(end - start);
		if (pread(arena_fd, e->data, e->len, start) != (ssize_t)e->len)
			die("arena read");
		list = e;
		start = end;
	}
	return list;
}

static void
arena_restore(struct extent *list)
{
	off_t size = lseek(arena_fd, 0, SEEK_END);
	struct extent *e;

	if (fallocate(arena_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	    size) != 0)
		die("arena clear");
	while ((e = list) != NULL) {
		list = e->next;
		if (pwrite(arena_fd, e->data, e->len, e->start) !=
		    (ssize_t)e->len)
			die("arena write");
		free(e);
	}
}

int
hos_fork_output(void (*fn)(void *), void *arg, char *buf, unsigned long size)
{
	struct extent *saved = arena_save();
	int fds[2], status;
	unsigned long len = 0;
	ssize_t n;
	pid_t pid;

	fflush(stdout);
	if (pipe(fds) != 0 || (pid = fork()) < 0)
		die("fork");
	if (pid == 0) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		if (__gcov_reset != NULL)
			__gcov_reset();
		fn(arg);
		flush_all();
		_exit(0);
	}
	close(fds[1]);
	while (len + 1 < size &&
	    (n = read(fds[0], buf + len, size - 1 - len)) > 0)
		len += (unsigned long)n;
	buf[len] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	arena_restore(saved);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

char *
hos_read_file(const char *path, unsigned long *lenp)
{
	FILE *f = fopen(path, "r");
	char *text;
	long len;

	if (f == NULL)
		return NULL;
	fseek(f, 0, SEEK_END);
	len = ftell(f);
	rewind(f);
	text = calloc(1, (size_t)len + 1);
	if (fread(text, 1, (size_t)len, f) != (size_t)len)
		die(path);
	fclose(f);
	if (lenp != NULL)
		*lenp = (unsigned long)len;
	return text;
}

int
hos_write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		return -1;
	fputs(text, f);
	return fclose(f);
}

void *
hos_alloc(unsigned long size)
{
	return calloc(1, size);
}

void
hos_free(void *p)
{
	free(p);
}
