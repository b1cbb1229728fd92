/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysvshm.c: do System V segments keep their bytes between attachments, count
 * them over fork, munmap and exit, and go when they were removed?
 */
#include "ulib.h"

enum {
	SYS_shmget = 29, SYS_shmat = 30, SYS_shmctl = 31, SYS_shmdt = 67,
	SYS_setresuid = 117,
	IPC_CREAT = 01000, IPC_EXCL = 02000, RMID = 0, SET = 1, STAT = 2,
	RDONLY = 010000, RND = 020000, REMAP = 040000, DEST = 01000,
	SIZE = 3 * 4096 + 100,
};

struct shmid_ds {
	int		key;
	unsigned	uid, gid, cuid, cgid, mode;
	unsigned long	seq, unused[2], segsz, atime, dtime, ctime;
	int		cpid, lpid;
	unsigned long	nattch, unused2[2];
};

static long id;

static unsigned long
attached(void)
{
	struct shmid_ds ds;

	CHECK(sys3(SYS_shmctl, id, STAT, &ds) == 0, "stat");
	return ds.nattch;
}

static int
child(void *arg)
{
	volatile char *p = arg;

	CHECK(attached() == 2, "after fork: %lu", attached());
	CHECK(p[0] == 1, "inherited");
	p[PGSZ] = 2;
	return 0;
}

static void
create(int key)
{
	struct shmid_ds ds;

	CHECK(sys3(SYS_shmget, key, SIZE, 0600) == -ENOENT, "not there");
	CHECK(sys3(SYS_shmget, key, 0, IPC_CREAT) == -EINVAL, "size 0");
	id = sys3(SYS_shmget, key, SIZE, IPC_CREAT | 0600);
	CHECK(id >= 0, "shmget: %ld", id);
	CHECK(sys3(SYS_shmget, key, SIZE, IPC_CREAT | IPC_EXCL) == -EEXIST,
	    "exclusive");
	CHECK(sys3(SYS_shmget, key, SIZE + 1, 0) == -EINVAL, "bigger");
	CHECK(sys3(SYS_shmget, key, 0, 0) == id, "found");
	memset(&ds, 0xff, sizeof(ds));
	CHECK(sys3(SYS_shmctl, id, STAT, &ds) == 0 && ds.key == key &&
	    ds.segsz == SIZE && ds.mode == 0600 && ds.nattch == 0 &&
	    ds.atime == 0 && ds.cpid == sys0(SYS_getpid), "stat");
	ds.mode = 0644;
	CHECK(sys3(SYS_shmctl, id, SET, &ds) == 0 &&
	    sys3(SYS_shmctl, id, STAT, &ds) == 0 && ds.mode == 0644, "set");
}

static void
attach(void)
{
	long p = sys3(SYS_shmat, id, 0, 0), q;
	volatile char *c = (char *)p, *d;

	CHECK(p > 0 && (unsigned long)p % PGSZ == 0, "shmat: %ld", p);
	CHECK(attached() == 1, "attached %lu", attached());
	for (int i = 0; i < SIZE; i++)
		CHECK(c[i] == 0, "byte %d", i);
	c[0] = 1;
	CHECK(run_child(child, (void *)p) == 0, "child");
	CHECK(attached() == 1 && c[PGSZ] == 2, "after its exit");
	q = sys3(SYS_shmat, id, 0, RDONLY);
	d = (char *)q;
	CHECK(q > 0 && q != p && d[PGSZ] == 2, "read only: %ld", q);
	c[2 * PGSZ] = 3;
	CHECK(d[2 * PGSZ] == 3, "the same page");
	CHECK(sys3(SYS_mprotect, q, PGSZ, 3) == -EACCES, "stays read only");
	CHECK(sys1(SYS_shmdt, q + 1) == -EINVAL &&
	    sys1(SYS_shmdt, q + (long)PGSZ) == -EINVAL, "not an attachment");
	CHECK(sys3(SYS_shmat, id, p, 0) == -EINVAL, "something is there");
	CHECK(sys3(SYS_shmat, id, p + 1, 0) == -EINVAL, "alignment");
	CHECK(sys3(SYS_shmat, id, q + 5, RND | REMAP) == q, "over itself");
	d[0] = 9;
	CHECK(c[0] == 9, "writable now");
	/* Split into parts with other rights, and detached as a whole. */
	CHECK(sys3(SYS_mprotect, q + (long)PGSZ, PGSZ, PROT_READ) == 0, "part");
	CHECK(sys1(SYS_shmdt, q) == 0 && attached() == 1, "shmdt");
	CHECK(sys3(SYS_madvise, q, PGSZ, 0) == -ENOMEM &&
	    sys3(SYS_madvise, q + 3 * (long)PGSZ, PGSZ, 0) == -ENOMEM, "gone");
	CHECK(sys1(SYS_shmdt, q) == -EINVAL, "twice");
	CHECK(sys2(SYS_munmap, p, 4 * PGSZ) == 0 && attached() == 0, "munmap");
	p = sys3(SYS_shmat, id, 0, 0);
	c = (char *)p;
	CHECK(p > 0 && c[0] == 9 && c[PGSZ] == 2, "the bytes stayed");
}

/* alone: with no fork in between, whose reference would hide much. */
static void
alone(void)
{
	long s = sys3(SYS_shmget, 0, SIZE, 0600), p, q;

	CHECK(s >= 0, "shmget: %ld", s);
	p = sys3(SYS_shmat, s, 0, 0);
	CHECK(p > 0, "shmat: %ld", p);
	*(volatile char *)p = 1;
	CHECK(sys1(SYS_shmdt, p) == 0, "shmdt");
	for (int round = 1; round < 4; round++) {
		p = sys3(SYS_shmat, s, 0, 0);
		CHECK(p > 0 && *(volatile char *)p == round,
		    "round %d: the bytes stayed: %d", round,
		    *(volatile char *)p);
		q = sys3(SYS_shmat, s, 0, 0);
		*(volatile char *)q = (char)(round + 1);
		CHECK(sys2(SYS_munmap, q, PGSZ) == 0, "a part of the second");
		CHECK(*(volatile char *)p == round + 1, "round %d: %d", round,
		    *(volatile char *)p);
		CHECK(sys2(SYS_munmap, q + (long)PGSZ, 3 * PGSZ) == 0, "rest");
		CHECK(sys1(SYS_shmdt, p) == 0, "shmdt");
	}
	CHECK(sys3(SYS_shmctl, s, RMID, 0) == 0, "remove");
}

/* Is shared memory of another kind, next to an attachment, left alone by its
 * shmdt? */
static void
neighbour(void)
{
	long s = sys3(SYS_shmget, 0, PGSZ, 0600), p, q;

	q = sys6(SYS_mmap, 0, 3 * PGSZ, PROT_READ, MAP_PRIVATE | MAP_ANON, -1,
	    0);
	CHECK(s >= 0 && q > 0 && sys2(SYS_munmap, q, 3 * PGSZ) == 0, "room");
	p = sys3(SYS_shmat, s, q, 0);
	CHECK(p == q, "shmat: %ld", p);
	q = sys6(SYS_mmap, p + (long)PGSZ, 2 * PGSZ, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON | MAP_FIXED, -1, 0);
	CHECK(q == p + (long)PGSZ, "mmap: %ld", q);
	*(volatile char *)q = 5;
	CHECK(sys1(SYS_shmdt, p) == 0, "shmdt");
	CHECK(sys3(SYS_madvise, p, PGSZ, 0) == -ENOMEM, "gone");
	CHECK(sys3(SYS_madvise, q, 2 * PGSZ, 0) == 0, "still mapped");
	CHECK(*(volatile char *)q == 5, "the bytes stayed");
	CHECK(sys3(SYS_shmctl, s, RMID, 0) == 0, "remove");
}

static int
stranger(void *arg)
{
	struct shmid_ds ds;

	(void)arg;
	CHECK(sys3(SYS_setresuid, 1234, 1234, 1234) == 0, "user");
	CHECK(sys3(SYS_shmat, id, 0, 0) == -EACCES, "writing");
	CHECK(sys3(SYS_shmat, id, 0, RDONLY) > 0, "reading");
	CHECK(sys3(SYS_shmctl, id, RMID, 0) == -EPERM, "remove");
	CHECK(sys3(SYS_shmctl, id, STAT, &ds) == 0, "stat");
	return 0;
}

int
main(int argc, char **argv, char **envp)
{
	int key = 0x47000000 + (int)sys0(SYS_getpid);
	struct shmid_ds ds;
	long p;

	(void)argc;
	(void)argv;
	(void)envp;
	alone();
	neighbour();
	create(key);
	attach();
	CHECK(run_child(stranger, NULL) == 0, "stranger");
	CHECK(sys3(SYS_shmctl, id, RMID, 0) == 0, "remove");
	CHECK(sys3(SYS_shmctl, id, STAT, &ds) == 0 && (ds.mode & DEST) != 0 &&
	    ds.key == 0 && ds.nattch == 1, "marked: %o %lu", ds.mode,
	    ds.nattch);
	CHECK(sys3(SYS_shmget, key, SIZE, 0) == -ENOENT, "not found by key");
	p = sys3(SYS_shmat, id, 0, 0);
	CHECK(p > 0 && *(char *)p == 9, "attached once more: %ld", p);
	CHECK(sys1(SYS_shmdt, p) == 0, "detach");
	id = sys3(SYS_shmget, 0, PGSZ, 0600);
	CHECK(id >= 0 && sys3(SYS_shmctl, id, RMID, 0) == 0 &&
	    sys3(SYS_shmctl, id, STAT, &ds) == -EINVAL &&
	    sys3(SYS_shmat, id, 0, 0) == -EINVAL, "private, removed at once");
	CHECK(sys3(SYS_shmctl, -1, STAT, &ds) == -EINVAL &&
	    sys3(SYS_shmctl, 0, 99, 0) == -EINVAL, "arguments");
	printf("sysvshm: create, attach, rights, detach, remove\n");
	return 0;
}
