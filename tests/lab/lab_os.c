/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_os.c: the libc side of the laboratory: states of the world, stacks, host
 * faults, symbols.
 *
 * Why page tracking instead of quiescing: a world that was merely emptied has
 * its free lists and magazines in another order, and the next run would not
 * take the same steps.  Here every schedule begins with the same bits.
 *
 * hos_map, hos_unmap, hos_alloc and hos_free of the host build are wrapped:
 * mappings made since a state was taken go when it is put back, and the heap is
 * part of the world.
 */
#define _GNU_SOURCE
#include "lab_os.h"
#include "../host/host_os.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE		4096UL
#define MAXREGIONS	16
#define MAXMAPS		4096
#define HEAP_SIZE	(8UL << 20)

struct page {
	char		*copy[2];	/* content when the state was taken */
	unsigned char	 dirty[2];	/* written since; then copy is valid */
	unsigned char	 used;
};

struct region {
	uintptr_t	 start, end;
	struct page	*page;
};

struct dirty_list {
	struct page	**page;
	void		**addr;
	unsigned long	 n, size;
};

static struct region	 regions[MAXREGIONS];
static int		 nregions;
static struct dirty_list dirty[2];
static int		 level = -1;	/* of the last state taken */
static struct { uintptr_t va; int level; } maps[MAXMAPS];
static int		 nmaps;
static char		*heap;
void			(*labos_crash)(int, unsigned long, unsigned long);

void	*__wrap_hos_alloc(unsigned long size);
void	 __wrap_hos_free(void *p);
int	 __real_hos_map(unsigned long va, unsigned long pa);
int	 __wrap_hos_map(unsigned long va, unsigned long pa);
void	 __real_hos_unmap(unsigned long va, unsigned long len);
void	 __wrap_hos_unmap(unsigned long va, unsigned long len);

static void
die(const char *what)
{
	perror(what);
	abort();
}

/* ---- states ---- */

static struct page *
page_of(uintptr_t a)
{
	for (int i = 0; i < nregions; i++)
		if (a >= regions[i].start && a < regions[i].end)
			return &regions[i].page[(a - regions[i].start) / PAGE];
	return NULL;
}

void
labos_region(void *start, unsigned long len)
{
	struct region *r = &regions[nregions++];

	r->start = (uintptr_t)start;
	r->end = r->start + len;
	r->page = calloc(len / PAGE, sizeof(*r->page));
}

static void
save(struct page *p, void *addr, int lv)
{
	struct dirty_list *d = &dirty[lv];

	if (p->copy[lv] == NULL)
		p->copy[lv] = malloc(PAGE);
	memcpy(p->copy[lv], addr, PAGE);
	p->dirty[lv] = 1;
	if (d->n == d->size) {
		d->size = d->size * 2 + 256;
		d->page = realloc(d->page, d->size * sizeof(*d->page));
		d->addr = realloc(d->addr, d->size * sizeof(*d->addr));
	}
	d->page[d->n] = p;
	d->addr[d->n++] = addr;
}

static int
first_write(uintptr_t a)
{
	void *addr = (void *)(a & ~(PAGE - 1));
	struct page *p = page_of(a);

	if (p == NULL || level < 0 || p->dirty[level])
		return 0;
	if (!p->dirty[0])
		save(p, addr, 0);
	if (level == 1)
		save(p, addr, 1);
	mprotect(addr, PAGE, PROT_READ | PROT_WRITE);
	return 1;
}

static void
on_fault(int sig, siginfo_t *si, void *uc)
{
	const ucontext_t *c = uc;
	uintptr_t a = (uintptr_t)si->si_addr;

	if (sig == SIGSEGV && first_write(a))
		return;
	if (labos_crash != NULL)
		labos_crash(sig, a,
		    (unsigned long)c->uc_mcontext.gregs[REG_RIP]);
	_exit(139);
}

/* Write-protect a region, but only what is mapped. */
static void
protect_region(const struct region *r)
{
	uintptr_t a;

	if (mprotect((void *)r->start, r->end - r->start, PROT_READ) == 0)
		return;
	for (a = r->start; a < r->end; a += PAGE)
		mprotect((void *)a, PAGE, PROT_READ);
}

static void
forget(int lv)
{
	for (unsigned long i = 0; i < dirty[lv].n; i++)
		dirty[lv].page[i]->dirty[lv] = 0;
	dirty[lv].n = 0;
}

void
labos_take(int lv)
{
	forget(lv);
	if (lv == 0)
		forget(1);
	level = lv;
	if (lv == 1) {
		for (unsigned long i = 0; i < dirty[0].n; i++)
			mprotect(dirty[0].addr[i], PAGE, PROT_READ);
		return;
	}
	for (int i = 0; i < nregions; i++)
		protect_region(&regions[i]);
	for (int i = 0; i < nmaps; i++)
		mprotect((void *)maps[i].va, PAGE, PROT_READ);
}

void
labos_restore(int lv)
{
	struct dirty_list *d = &dirty[lv];

	while (nmaps > 0 && maps[nmaps - 1].level >= lv) {
		nmaps--;
		__real_hos_unmap(maps[nmaps].va, PAGE);
	}
	for (unsigned long i = 0; i < d->n; i++)
		memcpy(d->addr[i], d->page[i]->copy[lv], PAGE);
	if (lv == 0) {
		forget(1);
		level = 0;
		for (unsigned long i = 0; i < d->n; i++)
			mprotect(d->addr[i], PAGE, PROT_READ | PROT_WRITE);
	}
}

unsigned long
labos_tracked(void)
{
	return level < 0 ? 0 : dirty[level].n;
}

/* ---- what the host build asks of a host, inside the world ---- */

int
__wrap_hos_map(unsigned long va, unsigned long pa)
{
	int error = __real_hos_map(va, pa);

	if (error == 0 && nmaps < MAXMAPS) {
		maps[nmaps].va = va;
		maps[nmaps++].level = level;
	}
	return error;
}

/* Pages of the kernel map come and go with threads only: not in a schedule. */
void
__wrap_hos_unmap(unsigned long va, unsigned long len)
{
	int n = 0;

	__real_hos_unmap(va, len);
	for (int i = 0; i < nmaps; i++)
		if (maps[i].va < va || maps[i].va >= va + len)
			maps[n++] = maps[i];
	nmaps = n;
}

/* Sizes in powers of two; the head of each list is at the heap's start. */
void *
__wrap_hos_alloc(unsigned long size)
{
	uint64_t *head = (uint64_t *)heap, *p;
	unsigned k = 5;

	while ((1UL << k) < size + 16)
		k++;
	if (head[k] != 0) {
		p = (uint64_t *)head[k];
		head[k] = p[1];
	} else {
		p = (uint64_t *)(heap + 4096 + head[0]);
		head[0] += 1UL << k;
		if (head[0] + 4096 > HEAP_SIZE)
			die("lab heap is full");
	}
	memset(p, 0, 1UL << k);
	p[0] = k;
	return p + 2;
}

void
__wrap_hos_free(void *q)
{
	uint64_t *head = (uint64_t *)heap, *p = q;

	if (p == NULL)
		return;
	p -= 2;
	p[1] = head[p[0]];
	head[p[0]] = (uint64_t)p;
}

void
labos_init(void)
{
	static char altstack[65536];
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	struct sigaction sa = { .sa_sigaction = on_fault };

	sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGFPE, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	heap = mmap(NULL, HEAP_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (heap == MAP_FAILED)
		die("heap");
	labos_region(heap, HEAP_SIZE);
}

/* ---- the rest ---- */

void *
labos_stack(unsigned long size)
{
	char *p = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("stack");
	mprotect(p, PAGE, PROT_NONE);
	return p + PAGE;
}

void *
labos_alloc(unsigned long size)
{
	return calloc(1, size);
}

char *
labos_read(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text;
	long n;

	if (f == NULL)
		return NULL;
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	text = calloc(1, (size_t)n + 1);
	if (fread(text, 1, (size_t)n, f) != (size_t)n)
		text[0] = '\0';
	fclose(f);
	return text;
}

unsigned long
labos_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (unsigned long)ts.tv_sec * 1000000000UL +
	    (unsigned long)ts.tv_nsec;
}

/* ---- symbols: addr2line, asked once for many ---- */

#define SYMBOLS		8192
#define BATCH		400

static struct symbol {
	unsigned long	 pc;		/* 0: unused */
	int		 known;
	char		 text[100];
} *symbols;

static struct symbol *
symbol_of(unsigned long pc)
{
	unsigned long i = pc * 0x9e3779b97f4a7c15UL >> 51;

	if (symbols == NULL)
		symbols = calloc(SYMBOLS, sizeof(*symbols));
	while (symbols[i].pc != 0 && symbols[i].pc != pc)
		i = (i + 1) % SYMBOLS;
	symbols[i].pc = pc;
	return &symbols[i];
}

static void
read_symbol(FILE *f, struct symbol *s)
{
	char fn[80] = "?", where[256] = "?", *base, rest[80];

	if (fscanf(f, "%79s %255s", fn, where) < 1)
		fn[0] = '?';
	if (fgets(rest, sizeof(rest), f) == NULL)	/* a discriminator */
		rest[0] = '\0';
	base = strrchr(where, '/');
	snprintf(s->text, sizeof(s->text), "%.40s (%.50s)", fn,
	    base == NULL ? where : base + 1);
	s->known = 1;
}

static void
fetch(struct symbol **s, int n)
{
	static char cmd[BATCH * 20 + 256];
	char self[160];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int at;
	FILE *f;

	self[len > 0 ? len : 0] = '\0';
	at = snprintf(cmd, sizeof(cmd), "addr2line -f -e %s", self);
	for (int i = 0; i < n; i++)
		at += snprintf(cmd + at, sizeof(cmd) - (size_t)at, " 0x%lx",
		    s[i]->pc - 1);
	f = popen(cmd, "r");
	for (int i = 0; f != NULL && i < n; i++)
		read_symbol(f, s[i]);
	if (f != NULL)
		pclose(f);
}

void
labos_symbol_want(unsigned long pc)
{
	if (pc != 0)
		(void)symbol_of(pc);
}

void
labos_symbol_fetch(void)
{
	struct symbol *s[BATCH];
	int n = 0;

	for (int i = 0; symbols != NULL && i < SYMBOLS; i++) {
		if (symbols[i].pc != 0 && !symbols[i].known)
			s[n++] = &symbols[i];
		if (n == BATCH || (n != 0 && i == SYMBOLS - 1)) {
			fetch(s, n);
			n = 0;
		}
	}
}

void
labos_symbol(unsigned long pc, char *buf, unsigned long size)
{
	struct symbol *s = symbol_of(pc);

	if (!s->known)
		fetch(&s, 1);
	snprintf(buf, size, "%s", s->text);
}
