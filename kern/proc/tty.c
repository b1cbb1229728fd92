/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty.c: the console as a terminal: line editing, echo, the interrupt
 * character, and the few ioctls that a shell asks for.
 *
 * A thread of its own takes input from the platform, so that the interrupt
 * character works while nobody reads.
 *
 * I1: t_ready <= t_len <= sizeof(t_buf); bytes below t_ready are for readers,
 *     those above are the line that is still edited.
 * Locks: tty_lock (LO_FILE); a signal is sent after it was dropped.
 * Sources: termios(3), tty_ioctl(4) of Linux for the numbers.
 */
#include <sys/file.h>

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <sys/sleepq.h>

/* struct termios and its bits as the kernel ABI of Linux has them. */
struct termios {
	uint32_t	c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t		c_line;
	uint8_t		c_cc[19];
};
CTASSERT(sizeof(struct termios) == 36, "termios is 36 bytes on the wire");
#define ICRNL		0000400U
#define OPOST		0000001U
#define ONLCR		0000004U
#define ISIG		0000001U
#define ICANON		0000002U
#define ECHO		0000010U
#define ECHOE		0000020U
#define ECHOK		0000040U
#define CFLAGS		0002277U	/* B115200-ish, CS8, CREAD */

#define TCGETS		0x5401
#define TCSETS		0x5402
#define TCSETSW		0x5403
#define TCSETSF		0x5404
#define TIOCSCTTY	0x540e
#define TIOCGPGRP	0x540f
#define TIOCSPGRP	0x5410
#define TIOCGWINSZ	0x5413
#define TIOCSWINSZ	0x5414
#define TIOCNOTTY	0x5422

#define CTRL(c)		((c) & 0x1f)
#define TTY_POLL	(250 * NSEC_PER_MSEC)	/* md_cons_chan may be missed */
#define TTY_CHUNK	256

struct winsize {
	uint16_t	ws_row, ws_col, ws_xpixel, ws_ypixel;
};

static struct rwlock	 tty_lock;
static struct termios	 tty_mode;	/* [y] tty_lock */
static struct winsize	 tty_size;	/* [y] */
static int		 tty_pgid;	/* [y] foreground; 0: none */
static int		 tty_sig;	/* [y] to send; 0: none */
static bool		 tty_eof;	/* [y] ^D on an empty line */
static size_t		 tty_len, tty_ready;	/* [y] I1 */
static char		 tty_buf[1024];	/* [y] */

static void	tty_thread(void *arg);

void
tty_init(void)
{
	struct thread *td;

	rw_init(&tty_lock, "tty", LO_FILE, 0);
	tty_mode.c_iflag = ICRNL;
	tty_mode.c_oflag = OPOST | ONLCR;
	tty_mode.c_cflag = CFLAGS;
	tty_mode.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK;
	tty_mode.c_cc[0] = CTRL('c');		/* VINTR */
	tty_mode.c_cc[1] = CTRL('\\');		/* VQUIT */
	tty_mode.c_cc[2] = 0177;		/* VERASE */
	tty_mode.c_cc[3] = CTRL('u');		/* VKILL */
	tty_mode.c_cc[4] = CTRL('d');		/* VEOF */
	tty_mode.c_cc[6] = 1;			/* VMIN */
	tty_size.ws_row = 25;
	tty_size.ws_col = 80;
	tty_pgid = INIT_PID;
	if (kthread_run(tty_thread, NULL, "tty", &td) != 0)
		panic("no memory for the console's thread");
}

static void
tty_echo(const char *s, size_t len)
{
	if ((tty_mode.c_lflag & ECHO) != 0)
		cons_write(s, len);
}

/* tty_erase: rub out n characters of the line that is edited. */
static void
tty_erase(size_t n)
{
	while (n-- > 0 && tty_len > tty_ready) {
		tty_len--;
		tty_echo("\b \b", 3);
	}
}

/* tty_special: a character that edits, ends or interrupts; false: data. */
static bool
tty_special(char c)
{
	if ((tty_mode.c_lflag & ISIG) != 0 &&
	    (c == (char)tty_mode.c_cc[0] || c == (char)tty_mode.c_cc[1])) {
		tty_sig = c == (char)tty_mode.c_cc[0] ? SIGINT : SIGQUIT;
		tty_len = tty_ready;
		tty_echo(c == (char)tty_mode.c_cc[0] ? "^C\n" : "^\\\n", 3);
		return true;
	}
	if ((tty_mode.c_lflag & ICANON) == 0)
		return false;
	if (c == '\b' || c == (char)tty_mode.c_cc[2]) {
		tty_erase(1);
	} else if (c == (char)tty_mode.c_cc[3]) {
		tty_erase(tty_len);
	} else if (c == (char)tty_mode.c_cc[4]) {
		tty_eof = tty_len == tty_ready;
		tty_ready = tty_len;
	} else {
		return false;
	}
	return true;
}

static void
tty_char(char c)
{
	if (c == '\r' && (tty_mode.c_iflag & ICRNL) != 0)
		c = '\n';
	if (tty_special(c))
		return;
	/* Keep room for the newline that ends a line. */
	if (tty_len >= sizeof(tty_buf) - (c != '\n'))
		return;
	tty_buf[tty_len++] = c;
	tty_echo(&c, 1);
	if (c == '\n' || (tty_mode.c_lflag & ICANON) == 0)
		tty_ready = tty_len;
}

static void
tty_pump(void)
{
	int c;

	while ((c = md_cons_getc()) >= 0)
		tty_char((char)c);
}

/* tty_take: the bytes of one line, or all in raw mode, to the reader. */
static int
tty_take(struct uio *u)
{
	size_t n;
	char *nl;
	int error;

	if (tty_ready == 0) {
		tty_eof = false;
		return 0;
	}
	n = MIN(u->u_resid, tty_ready);
	nl = memchr(tty_buf, '\n', n);
	if (nl != NULL && (tty_mode.c_lflag & ICANON) != 0)
		n = (size_t)(nl - tty_buf) + 1;
	error = uiomove(tty_buf, n, u);
	if (error != 0)
		return error;
	memmove(tty_buf, tty_buf + n, tty_len - n);
	tty_len -= n;
	tty_ready -= n;
	return 0;
}

/* tty_signal: send what the interrupt character asked for. */
static void
tty_signal(int signo)
{
	struct siginfo si = { .si_signo = signo, .si_code = SI_KERNEL };

	rw_rlock(&proctree_lock);
	(void)pgsignal(tty_pgid, signo, &si);
	rw_runlock(&proctree_lock);
}

/* tty_thread: input to the line, signals, readers and pollers woken. */
static void
tty_thread(void *arg __unused)
{
	bool ready;
	int signo;

	for (;;) {
		rw_wlock(&tty_lock);
		tty_pump();
		signo = tty_sig;
		tty_sig = 0;
		ready = tty_ready > 0 || tty_eof;
		rw_wunlock(&tty_lock);
		if (signo != 0)
			tty_signal(signo);
		if (ready) {
			wakeup(&tty_buf);
			poll_wakeup();
		}
		(void)tsleep(&md_cons_chan, 0, "ttyin", TTY_POLL);
	}
}

/* tty_wait: until there is something to read. */
static __requires(tty_lock) int
tty_wait(bool nonblock)
{
	int error;

	while (tty_ready == 0 && !tty_eof) {
		if (nonblock)
			return EAGAIN;
		error = rw_sleep(&tty_buf, &tty_lock, PCATCH, "ttyrd", 0);
		if (error != 0)
			return error;
	}
	return 0;
}

static int
tty_read(struct file *fp, struct uio *u, uint64_t *off __unused)
{
	int error;

	rw_wlock(&tty_lock);
	error = tty_wait((fp->f_flags & O_NONBLOCK) != 0);
	if (error == 0)
		error = tty_take(u);
	rw_wunlock(&tty_lock);
	return error;
}

static int
tty_write(struct file *fp __unused, struct uio *u, uint64_t *off __unused)
{
	char buf[TTY_CHUNK];
	size_t before, n;
	int error;

	error = 0;
	while (u->u_resid > 0 && error == 0) {
		before = u->u_resid;
		error = uiomove(buf, sizeof(buf), u);
		n = before - u->u_resid;
		cons_write(buf, n);
	}
	return error;
}

static unsigned
tty_poll(struct file *fp __unused)
{
	unsigned ev;

	rw_rlock(&tty_lock);
	ev = POLLOUT | (tty_ready > 0 || tty_eof ? POLLIN : 0U);
	rw_runlock(&tty_lock);
	return ev;
}

/* tty_set: a copied-in value takes effect.  tty_lock held. */
static void
tty_set(uint64_t cmd, const struct termios *t, const struct winsize *w,
    int pgid)
{
	switch (cmd) {
	case TCSETSF:
		tty_len = tty_ready = 0;
		tty_mode = *t;
		break;
	case TCSETS:
	case TCSETSW:
		tty_mode = *t;
		break;
	case TIOCSWINSZ:
		tty_size = *w;
		break;
	case TIOCSPGRP:
		tty_pgid = pgid;
		break;
	}
}

static int
tty_ioctl(struct file *fp __unused, uint64_t cmd, struct uaddr arg)
{
	struct termios t;
	struct winsize w;
	uint32_t n;
	int error;

	error = 0;
	switch (cmd) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		error = copyin(arg, &t, sizeof(t));
		break;
	case TIOCSWINSZ:
		error = copyin(arg, &w, sizeof(w));
		break;
	case TIOCSPGRP:
		error = fuword32(arg, &n);
		break;
	case TCGETS:
	case TIOCGPGRP:
	case TIOCGWINSZ:
	case FIONREAD:
	case TIOCSCTTY:
	case TIOCNOTTY:
		break;
	default:
		return ENOTTY;
	}
	if (error != 0)
		return error;
	rw_wlock(&tty_lock);
	tty_set(cmd, &t, &w, (int)n);
	t = tty_mode;
	w = tty_size;
	n = cmd == FIONREAD ? (uint32_t)tty_ready : (uint32_t)tty_pgid;
	rw_wunlock(&tty_lock);
	if (cmd == TCGETS)
		return copyout(&t, arg, sizeof(t));
	if (cmd == TIOCGWINSZ)
		return copyout(&w, arg, sizeof(w));
	if (cmd == TIOCGPGRP || cmd == FIONREAD)
		return suword32(arg, n);
	return 0;
}

static int
dev_stat(struct file *fp, struct fstatus *st)
{
	rnode_stat(fp->f_node, st);
	return 0;
}

/* ---- null, zero, random ---- */

static int
null_read(struct file *fp __unused, struct uio *u __unused,
    uint64_t *off __unused)
{
	return 0;
}

static int
null_write(struct file *fp __unused, struct uio *u, uint64_t *off __unused)
{
	u->u_resid = 0;
	return 0;
}

static int
zero_read(struct file *fp __unused, struct uio *u, uint64_t *off __unused)
{
	return uiozero(u->u_resid, u);
}

static int
random_read(struct file *fp __unused, struct uio *u, uint64_t *off __unused)
{
	char buf[TTY_CHUNK];
	int error;

	error = 0;
	while (u->u_resid > 0 && error == 0) {
		kern_random(buf, sizeof(buf));
		error = uiomove(buf, sizeof(buf), u);
	}
	return error;
}

static const struct fileops dev_table[] = {
	[DEV_CONSOLE] = {
		.fo_name = "console", .fo_read = tty_read,
		.fo_write = tty_write, .fo_ioctl = tty_ioctl,
		.fo_poll = tty_poll, .fo_stat = dev_stat
	},
	[DEV_NULL] = {
		.fo_name = "null", .fo_read = null_read,
		.fo_write = null_write, .fo_stat = dev_stat
	},
	[DEV_ZERO] = {
		.fo_name = "zero", .fo_read = zero_read,
		.fo_write = null_write, .fo_stat = dev_stat
	},
	[DEV_RANDOM] = {
		.fo_name = "random", .fo_read = random_read,
		.fo_write = null_write, .fo_stat = dev_stat
	},
	[DEV_FAULTS] = {
		.fo_name = "faults", .fo_read = faults_read,
		.fo_write = faults_write, .fo_stat = dev_stat
	},
};

const struct fileops *
dev_ops(enum dev_id id)
{
	if ((unsigned)id >= nitems(dev_table) ||
	    dev_table[id].fo_name == NULL)
		return NULL;
	return &dev_table[id];
}

uint64_t
dev_rdev(enum dev_id id)
{
	static const uint16_t rdev[] = {
		[DEV_CONSOLE] = 0x501, [DEV_NULL] = 0x103,
		[DEV_ZERO] = 0x105, [DEV_RANDOM] = 0x109,
		[DEV_FAULTS] = 0x10f,
	};

	return (unsigned)id < nitems(rdev) ? rdev[id] : 0;
}
