/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * creds.c: who wrote the bytes of a socket, and who is at its other end: does
 * SO_PASSCRED tell with each read, never of two writers at once; may only who
 * may call itself somebody else; does SO_PEERCRED tell who connected, who
 * listened, who made the pair?
 */
#include "ulib.h"

enum {
	SYS_socket = 41, SYS_connect = 42, SYS_accept = 43, SYS_sendmsg = 46,
	SYS_recvmsg = 47, SYS_bind = 49, SYS_listen = 50,
	SYS_getsockname = 51, SYS_getpeername = 52, SYS_socketpair = 53,
	SYS_setsockopt = 54, SYS_getsockopt = 55, SYS_setresuid = 117,
	SYS_setresgid = 119, SOL_SOCKET = 1, SO_PASSCRED = 16,
	SO_PEERCRED = 17, SCM_RIGHTS = 1, SCM_CREDENTIALS = 2,
	MSG_CTRUNC = 8, MSG_DONTWAIT = 0x40, EOPNOTSUPP = 95,
	ENOPROTOOPT = 92, NOBODY = 65534, BIG = 200000, NO_PID = 32760,
};

struct ucred {
	int		pid;
	unsigned	uid, gid;
};
struct control {
	unsigned long	len;
	unsigned	level, type;
	struct ucred	cred;
	unsigned	pad;
	unsigned long	len2;
	unsigned	level2, type2;
	int		fd, pad2;
};

static struct control in, out;
static struct msghdr got;
static char buf[BIG];
static int me;

static long
passcred(int s, int on)
{
	return sys6(SYS_setsockopt, s, SOL_SOCKET, SO_PASSCRED, (long)&on, 4,
	    0);
}

static void
pair(int *s)
{
	CHECK(sys4(SYS_socketpair, 1, 1, 0, s) == 0, "pair");
}

static void
close2(const int *s)
{
	sys1(SYS_close, s[0]);
	sys1(SYS_close, s[1]);
}

/* put: text, said to be of c; NULL: nothing is said. */
static long
put(int s, const char *text, const struct ucred *c)
{
	struct { const void *p; unsigned long n; } v = { text, strlen(text) };
	struct msghdr m = { .iov = &v, .iovlen = 1 };

	if (c != NULL) {
		out = (struct control){ 28, SOL_SOCKET, SCM_CREDENTIALS, *c, 0,
		    0, 0, 0, 0, 0 };
		m.control = &out;
		m.controllen = 32;
	}
	return sys3(SYS_sendmsg, s, &m, 0);
}

/* get: up to want bytes, room for as much control. */
static long
get(int s, unsigned long want, unsigned long room)
{
	struct { void *p; unsigned long n; } v = { buf, want };

	got = (struct msghdr){ .iov = &v, .iovlen = 1, .control = &in,
	    .controllen = room };
	memset(&in, 0x55, sizeof(in));
	return sys3(SYS_recvmsg, s, &got, MSG_DONTWAIT);
}

/* from: did the last get tell of pid, uid and gid, and of nothing else? */
static bool
from(int pid, unsigned uid, unsigned gid)
{
	return got.controllen == 32 && in.len == 28 && in.level == SOL_SOCKET &&
	    in.type == SCM_CREDENTIALS && in.cred.pid == pid &&
	    in.cred.uid == uid && in.cred.gid == gid &&
	    (got.flags & MSG_CTRUNC) == 0;
}

/* option: SO_PASSCRED is off, then on; what is refused. */
static void
option(void)
{
	int s[2], v = 7, len = 4;

	pair(s);
	CHECK(sys6(SYS_getsockopt, s[0], SOL_SOCKET, SO_PASSCRED, (long)&v,
	    (long)&len, 0) == 0 && v == 0 && len == 4, "off: %d", v);
	CHECK(passcred(s[0], 5) == 0 &&
	    sys6(SYS_getsockopt, s[0], SOL_SOCKET, SO_PASSCRED, (long)&v,
	    (long)&len, 0) == 0 && v == 1, "on: %d", v);
	CHECK(sys6(SYS_setsockopt, s[0], SOL_SOCKET, SO_PASSCRED, (long)&v, 3,
	    0) == -EINVAL &&
	    sys6(SYS_setsockopt, s[0], SOL_SOCKET, SO_PASSCRED, 8, 4, 0) ==
	    -EFAULT && passcred(77, 1) == -EBADF &&
	    sys6(SYS_setsockopt, s[0], SOL_SOCKET, 9999, (long)&v, 4, 0) ==
	    -ENOPROTOOPT &&
	    sys6(SYS_setsockopt, s[0], 6, 1, (long)&v, 4, 0) == -EOPNOTSUPP &&
	    sys6(SYS_getsockopt, s[0], SOL_SOCKET, 9999, (long)&v, (long)&len,
	    0) == -ENOPROTOOPT, "refused");
	close2(s);
}

/* writers: each read tells, if it was wanted when the bytes were written. */
static void
writers(void)
{
	int s[2], st;

	pair(s);
	CHECK(put(s[0], "a", NULL) == 1 && get(s[1], 9, 64) == 1 &&
	    got.controllen == 0 && got.flags == 0, "nobody asked");
	CHECK(put(s[0], "ab", NULL) == 2 && passcred(s[1], 1) == 0 &&
	    put(s[0], "cd", NULL) == 2, "asked in between");
	CHECK(get(s[1], 9, 64) == 2 && from(0, NOBODY, NOBODY) &&
	    get(s[1], 9, 64) == 2 && from(me, 0, 0), "unknown, then known");
	CHECK(sys3(SYS_write, s[0], "ef", 2) == 2 &&
	    put(s[0], "gh", NULL) == 2 && get(s[1], 1, 64) == 1 &&
	    from(me, 0, 0) && get(s[1], 9, 64) == 3 && from(me, 0, 0) &&
	    memcmp(buf, "fgh", 3) == 0, "one writer's are one");
	/* No read has bytes of two. */
	CHECK(put(s[0], "ij", NULL) == 2, "mine");
	st = (int)fork();
	if (st == 0)
		exit(put(s[0], "kl", NULL) == 2 ? 0 : 1);
	me = st;
	CHECK(waitpid(me, &st) == me && st == 0 && put(s[0], "mn", NULL) == 2,
	    "the child's");
	CHECK(get(s[1], 3, 64) == 2 && from((int)sys0(SYS_getpid), 0, 0) &&
	    sys3(SYS_read, s[1], buf, 9) == 2 && memcmp(buf, "kl", 2) == 0 &&
	    get(s[1], 9, 64) == 2, "by turns");
	me = (int)sys0(SYS_getpid);
	/* The sender's own wish is enough; the last byte has an end. */
	CHECK(passcred(s[1], 0) == 0 && passcred(s[0], 1) == 0 &&
	    put(s[0], "op", NULL) == 2 && passcred(s[0], 0) == 0 &&
	    passcred(s[1], 1) == 0 && get(s[1], 9, 64) == 2 && from(me, 0, 0),
	    "the sender's wish");
	CHECK(get(s[1], 9, 64) == -EAGAIN, "no more");
	sys1(SYS_close, s[0]);
	CHECK(get(s[1], 9, 64) == 0 && from(0, 0, 0), "the end: %d "
	    "%u, %lu", in.cred.pid, in.cred.uid, got.controllen);
	sys1(SYS_close, s[1]);
}

/* rooms: too little room cuts. */
static void
rooms(void)
{
	int s[2];

	pair(s);
	CHECK(passcred(s[1], 1) == 0 && put(s[0], "abcdefgh", NULL) == 8,
	    "send");
	CHECK(get(s[1], 1, 0) == 1 && got.flags == MSG_CTRUNC &&
	    got.controllen == 0, "no room");
	CHECK(get(s[1], 1, 15) == 1 && got.flags == MSG_CTRUNC &&
	    got.controllen == 0, "not for the head");
	CHECK(get(s[1], 1, 24) == 1 && got.flags == MSG_CTRUNC &&
	    got.controllen == 24 && in.len == 24 && in.cred.uid == 0 &&
	    in.cred.gid == 0x55555555, "cut: %lu, %lu", got.controllen, in.len);
	CHECK(get(s[1], 1, 28) == 1 && got.flags == 0 &&
	    got.controllen == 28 && in.len == 28 && in.cred.gid == 0 &&
	    in.pad == 0x55555555, "just enough");
	close2(s);
}

/* beside a file: the credentials come first; with room for one, the file is cut. */
static void
beside(void)
{
	struct { const void *p; unsigned long n; } v = { "x", 1 };
	struct msghdr m = { .iov = &v, .iovlen = 1, .control = &out,
	    .controllen = 56 };
	struct ucred c = { me, 0, 0 };
	int s[2];

	pair(s);
	CHECK(passcred(s[1], 1) == 0, "ask");
	for (int i = 0; i < 3; i++) {
		out = (struct control){ 28, SOL_SOCKET, SCM_CREDENTIALS, c, 0,
		    20, SOL_SOCKET, SCM_RIGHTS, s[0], 0 };
		CHECK(sys3(SYS_sendmsg, s[0], &m, 0) == 1, "send");
	}
	CHECK(get(s[1], 9, 56) == 1 && got.controllen == 56 && in.len == 28 &&
	    in.cred.pid == me && in.len2 == 20 && in.type2 == SCM_RIGHTS &&
	    got.flags == 0, "both: %lu", got.controllen);
	CHECK(sys3(SYS_write, in.fd, "y", 1) == 1, "the file is it");
	sys1(SYS_close, in.fd);
	CHECK(get(s[1], 1, 32) == 1 && got.controllen == 32 &&
	    got.flags == MSG_CTRUNC, "only one: %lu", got.controllen);
	CHECK(passcred(s[1], 0) == 0 && get(s[1], 9, 56) == 1 &&
	    in.type == SCM_RIGHTS && got.controllen == 24, "only the file");
	sys1(SYS_close, *(int *)&in.cred);
	CHECK(get(s[1], 9, 56) == 1 && buf[0] == 'y', "the last");
	close2(s);
}

/* claims: root may be anybody who is there. */
static void
claims(void)
{
	struct ucred c = { 1, 4711, 4712 };
	int s[2];

	pair(s);
	CHECK(passcred(s[1], 1) == 0 && put(s[0], "a", &c) == 1 &&
	    put(s[0], "b", NULL) == 1 && get(s[1], 9, 64) == 1 &&
	    from(1, 4711, 4712) && get(s[1], 9, 64) == 1 && from(me, 0, 0),
	    "process 1");
	c.pid = NO_PID;
	CHECK(put(s[0], "a", &c) == -ESRCH, "nobody has it");
	c.pid = me;
	c.uid = ~0U;
	CHECK(put(s[0], "a", &c) == -EINVAL, "no id");
	out = (struct control){ 24, SOL_SOCKET, SCM_CREDENTIALS, c, 0, 0, 0, 0,
	    0, 0 };
	got = (struct msghdr){ .control = &out, .controllen = 32 };
	CHECK(sys3(SYS_sendmsg, s[0], &got, 0) == -EINVAL, "short");
	/* Said and not asked for: it is there when it is asked for. */
	c = (struct ucred){ me, 5, 6 };
	CHECK(passcred(s[1], 0) == 0 && put(s[0], "a", &c) == 1 &&
	    passcred(s[1], 1) == 0 && get(s[1], 9, 64) == 1 && from(me, 5, 6),
	    "asked late");
	close2(s);
}

/* user: others only themselves, by any of their ids; what is sent unsaid are the
 * real ones. */
static int
user(void *arg)
{
	struct ucred c = { (int)sys0(SYS_getpid), 1001, 2001 };
	int s[2];

	(void)arg;
	pair(s);
	CHECK(sys3(SYS_setresgid, 2001, 2002, 2003) == 0 &&
	    sys3(SYS_setresuid, 1001, 1002, 1003) == 0 &&
	    passcred(s[1], 1) == 0, "user");
	CHECK(put(s[0], "a", NULL) == 1 && get(s[1], 9, 64) == 1 &&
	    from(c.pid, 1001, 2001), "the real ones");
	for (; c.uid <= 1003; c.uid++, c.gid++)
		CHECK(put(s[0], "a", &c) == 1 && get(s[1], 9, 64) == 1 &&
		    from(c.pid, c.uid, c.gid), "%u", c.uid);
	CHECK(put(s[0], "a", &c) == -EPERM, "another's uid");
	c.uid = 1001;
	CHECK(put(s[0], "a", &c) == -EPERM, "another's gid");
	c.gid = 2001;
	c.pid = 1;
	CHECK(put(s[0], "a", &c) == -EPERM, "another's pid");
	return 0;
}

/* many: more than fits at once, of several writers, all told right. */
static void
many(void)
{
	int s[2], st;
	long n, total = 0;

	pair(s);
	CHECK(passcred(s[1], 1) == 0, "ask");
	for (int i = 0; i < 4; i++) {
		long pid = fork();

		if (pid != 0)
			continue;
		me = (int)sys0(SYS_getpid);
		memset(buf, 'a' + i, sizeof(buf));
		for (long at = 0; at < BIG; at += n) {
			n = sys3(SYS_write, s[0], buf + at, BIG - at);
			CHECK(n > 0, "write: %ld", n);
			put(s[0], &"A\0B\0C\0D"[2 * i], NULL);
		}
		exit(0);
	}
	sys1(SYS_close, s[0]);
	{
		int whose[4] = { 0, 0, 0, 0 };

		for (;;) {
			struct { int fd; short ev, rev; } p = { s[1], 1, 0 };

			sys3(7 /* poll */, &p, 1, -1);
			n = get(s[1], BIG, 64);
			if (n <= 0)
				break;
			total += n;
			for (long i = 0; i < n; i++) {
				int *w = &whose[(buf[i] | 0x20) - 'a'];

				if (*w == 0)
					*w = in.cred.pid;
				CHECK(*w == in.cred.pid, "%c of %d, not %d",
				    buf[i], in.cred.pid, *w);
			}
		}
	}
	CHECK(n == 0 && total >= 4 * (BIG + 1), "%ld bytes, %ld", total, n);
	for (int i = 0; i < 4; i++)
		CHECK(waitpid(-1, &st) > 0 && st == 0, "writer: %x", st);
	sys1(SYS_close, s[1]);
}

static struct ucred
peer(int s)
{
	struct ucred c = { 7, 7, 7 };
	int len = 16;

	CHECK(sys6(SYS_getsockopt, s, SOL_SOCKET, SO_PEERCRED, (long)&c,
	    (long)&len, 0) == 0 && len == 12, "peercred: %d", len);
	return c;
}

static bool
is(struct ucred c, int pid, unsigned uid, unsigned gid)
{
	return c.pid == pid && c.uid == uid && c.gid == gid;
}

struct server {
	volatile int	listens, pid;
	int		fd;
};

/* Listens as 1001 (effective), and then is somebody else. */
static int
server(void *arg)
{
	struct server *sv = arg;

	sv->pid = (int)sys0(SYS_getpid);
	CHECK(sys3(SYS_setresgid, -1, 2001, -1) == 0 &&
	    sys3(SYS_setresuid, -1, 1001, -1) == 0 &&
	    sys2(SYS_listen, sv->fd, 4) == 0 &&
	    sys3(SYS_setresuid, -1, 0, -1) == 0, "listen");
	return 0;
}

static void
peers(void)
{
	struct { short family; char path[11]; } sa = { 1, "\0credstest" };
	struct server *sv = map_shared(PGSZ);
	int s[2], c, a, len = 6;
	struct ucred u = { 7, 7, 7 };

	pair(s);
	CHECK(is(peer(s[0]), me, 0, 0) && is(peer(s[1]), me, 0, 0), "a pair");
	CHECK(sys6(SYS_getsockopt, s[0], SOL_SOCKET, SO_PEERCRED, (long)&u,
	    (long)&len, 0) == 0 && len == 6 && u.pid == me && u.gid == 7,
	    "cut: %d", len);
	close2(s);
	c = (int)sys3(SYS_socket, 1, 1, 0);
	sv->fd = (int)sys3(SYS_socket, 1, 1, 0);
	CHECK(is(peer(c), 0, ~0U, ~0U), "nobody");
	CHECK(sys3(SYS_bind, sv->fd, &sa, 12) == 0 &&
	    passcred(sv->fd, 1) == 0 && run_child(server, sv) == 0, "server");
	CHECK(sys3(SYS_connect, c, &sa, 12) == 0, "connect");
	CHECK(is(peer(c), sv->pid, 1001, 2001), "who listened: %d",
	    peer(c).pid);
	/* Not accepted yet: nobody knows whether it is wanted. */
	CHECK(put(c, "ab", NULL) == 2, "write");
	a = (int)sys3(SYS_accept, sv->fd, 0, 0);
	CHECK(a >= 0 && is(peer(a), me, 0, 0), "who connected");
	CHECK(get(a, 9, 64) == 2 && from(me, 0, 0), "asked for by the listener");
	sys1(SYS_close, c);
	sys1(SYS_close, a);
	CHECK(passcred(sv->fd, 0) == 0, "no more");
	c = (int)sys3(SYS_socket, 1, 1, 0);
	CHECK(sys3(SYS_connect, c, &sa, 12) == 0 && put(c, "ab", NULL) == 2,
	    "again");
	a = (int)sys3(SYS_accept, sv->fd, 0, 0);
	CHECK(passcred(a, 1) == 0 && get(a, 9, 64) == 2 && from(me, 0, 0),
	    "written before it was accepted");
	sys1(SYS_close, c);
	sys1(SYS_close, a);
	sys1(SYS_close, sv->fd);
}

struct name {
	short	family;
	char	path[20];
};

/* named: has s a name that the kernel made?  Of its peer: of who. */
static bool
named(int s, int of, struct name *n)
{
	int len = sizeof(*n);

	CHECK(sys3(of, s, n, &len) == 0, "name");
	if (len != 8 || n->path[0] != 0)
		return false;
	for (int i = 1; i < 6; i++)
		if ((n->path[i] < '0' || n->path[i] > '9') &&
		    (n->path[i] < 'a' || n->path[i] > 'f'))
			return false;
	return true;
}

/* Who asks for the others' credentials has a name when it connects. */
static void
names(void)
{
	struct name sa = { 1, "\0credstest" }, any = { 1, "" }, n[3];
	int l = (int)sys3(SYS_socket, 1, 1, 0), c, a;

	CHECK(sys3(SYS_bind, l, &sa, 12) == 0 && sys2(SYS_listen, l, 4) == 0,
	    "listen");
	for (int ask = 0; ask < 2; ask++) {
		c = (int)sys3(SYS_socket, 1, 1, 0);
		CHECK(!named(c, SYS_getsockname, &n[0]) &&
		    passcred(c, ask) == 0 &&
		    sys3(SYS_connect, c, &sa, 12) == 0, "connect");
		a = (int)sys3(SYS_accept, l, 0, 0);
		CHECK(named(c, SYS_getsockname, &n[0]) == ask &&
		    named(a, SYS_getpeername, &n[1]) == ask &&
		    (!ask || memcmp(&n[0], &n[1], 8) == 0), "name: %s, %s",
		    n[0].path + 1, n[1].path + 1);
		sys1(SYS_close, a);
		sys1(SYS_close, c);
	}
	sys1(SYS_close, l);
	for (int i = 0; i < 2; i++) {
		n[2] = any;
		l = (int)sys3(SYS_socket, 1, 1, 0);
		any.family = 2;
		CHECK(sys3(SYS_bind, l, &any, 2) == -EINVAL, "family");
		any.family = 1;
		CHECK(sys3(SYS_bind, l, &any, 2) == 0 &&
		    named(l, SYS_getsockname, &n[i]) &&
		    sys3(SYS_bind, l, &any, 2) == 0 &&
		    named(l, SYS_getsockname, &n[2]) &&
		    memcmp(&n[i], &n[2], 8) == 0, "any");
		if (i == 0)
			a = l;
	}
	CHECK(memcmp(&n[0], &n[1], 8) != 0, "one name for two");
	close2((int[]){ a, l });
}

int
main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	me = (int)sys0(SYS_getpid);
	option();
	writers();
	rooms();
	beside();
	claims();
	CHECK(run_child(user, NULL) == 0, "a user");
	many();
	peers();
	names();
	printf("creds: ok\n");
	return 0;
}
