/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty.c: a terminal as a file: read, write, poll and ioctl; and the console, with
 * its input thread.
 *
 * A thread of its own takes input from the platform, so that the interrupt
 * character works while nobody reads.  What bytes mean is in tty_line.c, who
 * may use the terminal in tty_jobs.c.
 *
 * Locks: t_lock (LO_FILE); signals are sent after it was dropped.
 * Sources: termios(3), tty_ioctl(4) of Linux for the numbers.
 */
#include <sys/file.h>

#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/ramfs.h>
#include <sys/sleepq.h>

#include "tty_priv.h"

#define TCGETS		0x5401
#define TCSETS		0x5402
#define TCSETSW		0x5403
#define TCSETSF		0x5404
#define TCSBRK		0x5409
#define TCXONC		0x540a
#define TCFLSH		0x540b
#define TIOCGPGRP	0x540f
#define TIOCSPGRP	0x5410
#define TIOCOUTQ	0x5411
#define TIOCGWINSZ	0x5413
#define TIOCSWINSZ	0x5414
#define TIOCGSID	0x5429

#define TTY_POLL	(250 * NSEC_PER_MSEC)	/* md_cons_chan may be missed */
#define TTY_CHUNK	256
#define VTIME_UNIT	(NSEC_PER_SEC / 10)

struct tty	tty_console;

static void	tty_thread(void *arg);

static void
console_write(struct tty *t __unused, const char *s, size_t len)
{
	cons_write_raw(s, len);
}

static const struct tty_device console_device = { .td_write = console_write };

void
tty_setup(struct tty *t, const struct tty_device *dev, uint64_t rdev)
{
	rw_init(&t->t_lock, "tty", LO_FILE, 0);
	tty_mode_init(&t->t_mode);
	t->t_dev = dev;
	t->t_rdev = rdev;
}

void
tty_init(void)
{
	struct tty *t = &tty_console;
	struct thread *td;

	tty_setup(t, &console_device, dev_rdev(DEV_CONSOLE));
	tty_list(t);
	t->t_size.ws_row = 25;
	t->t_size.ws_col = 80;
	pty_init();
	if (kthread_run(tty_thread, NULL, "tty", &td) != 0)
		panic("no memory for the console's thread");
}

/* tty_hung: what fp was opened on is gone; t_lock held. */
static bool
tty_hung(const struct file *fp, const struct tty *t)
{
	return fp->f_offset != t->t_hangups;
}

/* ---- input ---- */

void
tty_kick(struct tty *t)
{
	sigset_t sigs;

	rw_wlock(&t->t_lock);
	sigs = t->t_sigs;
	t->t_sigs = 0;
	t->t_edges++;
	rw_wunlock(&t->t_lock);
	if (sigs != 0)
		tty_signal(t, sigs);
	wakeup(&t->t_buf);
	wakeup(&t->t_stopped);
	wakeup(&t->t_len);
	poll_wakeup();
}

static void
tty_thread(void *arg __unused)
{
	struct tty *t = &tty_console;
	bool some;
	int c;

	for (;;) {
		some = false;
		rw_wlock(&t->t_lock);
		while ((c = md_cons_getc()) >= 0) {
			tty_input(t, (uint8_t)c);
			some = true;
		}
		rw_wunlock(&t->t_lock);
		if (some)
			tty_kick(t);
		(void)tsleep(&md_cons_chan, 0, "ttyin", TTY_POLL);
	}
}

/* ---- read ---- */

/*
 * tty_enough: may read return with done bytes?  *timo: how long it may wait
 * for more; 0: for ever.  VMIN and VTIME as termios(3) tells.
 */
static bool
tty_enough(const struct tty *t, size_t done, bool waited, nsec_t *timo)
{
	const struct termios *m = &t->t_mode;
	nsec_t vtime = m->c_cc[VTIME] * VTIME_UNIT;

	*timo = 0;
	if ((m->c_lflag & ICANON) != 0)
		return false;
	if (m->c_cc[VMIN] == 0) {
		*timo = vtime;
		return done > 0 || vtime == 0 || waited;
	}
	if (done > 0)
		*timo = vtime;
	return done >= m->c_cc[VMIN];
}

/* tty_get: t_lock held; what was read is off u_resid. */
static int
tty_get(struct file *fp, struct tty *t, struct uio *u) __requires(t->t_lock)
{
	const bool nonblock = (atomic_load(&fp->f_flags) & O_NONBLOCK) != 0;
	const size_t total = u->u_resid;
	nsec_t timo;
	bool line, waited;
	int error;

	waited = false;
	for (;;) {
		if (tty_hung(fp, t))
			return 0;
		line = (t->t_mode.c_lflag & ICANON) != 0;
		if (t->t_ready > 0) {
			error = tty_take(t, u);
			if (error != 0 || line || u->u_resid == 0)
				return error;
		}
		if (tty_enough(t, total - u->u_resid, waited, &timo))
			return 0;
		if (nonblock)
			return EAGAIN;
		error = rw_sleep(&t->t_buf, &t->t_lock, PCATCH, "ttyrd", timo);
		if (error != 0)
			return error == EWOULDBLOCK ? 0 : error;
		waited = true;
	}
}

static int
tty_read(struct file *fp, struct uio *u, uint64_t *off __unused)
{
	struct tty *t = fp->f_data;
	int error;

	error = tty_background(t, SIGTTIN);
	if (error != 0 || u->u_resid == 0)
		return error;
	rw_wlock(&t->t_lock);
	error = tty_get(fp, t, u);
	/* A pseudo terminal's other side may wait for room. */
	wakeup(&t->t_len);
	t->t_takes++;
	rw_wunlock(&t->t_lock);
	poll_wakeup();
	return error;
}

/* ---- write ---- */

/* tty_ready: may len bytes of a writer go out, whatever they become? */
static bool
tty_ready(const struct tty *t, size_t len)
{
	return !t->t_stopped && (t->t_dev->td_room == NULL ||
	    t->t_dev->td_room(t) >= len * TTY_EXPAND);
}

static int
tty_put(struct file *fp, struct tty *t, const uint8_t *s, size_t len)
{
	int error;

	error = 0;
	rw_wlock(&t->t_lock);
	while (!tty_hung(fp, t) && !tty_ready(t, len) && error == 0)
		error = (atomic_load(&fp->f_flags) & O_NONBLOCK) != 0 ? EAGAIN :
		    rw_sleep(&t->t_stopped, &t->t_lock, PCATCH, "ttywr", 0);
	if (error == 0 && tty_hung(fp, t))
		error = EIO;
	if (error == 0)
		tty_output(t, s, len);
	rw_wunlock(&t->t_lock);
	return error;
}

static int
tty_write(struct file *fp, struct uio *u, uint64_t *off __unused)
{
	struct tty *t = fp->f_data;
	uint8_t buf[TTY_CHUNK];
	size_t before, n;
	int error;

	error = 0;
	if ((t->t_mode.c_lflag & TOSTOP) != 0)	/* hint */
		error = tty_background(t, SIGTTOU);
	while (u->u_resid > 0 && error == 0) {
		before = u->u_resid;
		error = uiomove(buf, sizeof(buf), u);
		n = before - u->u_resid;
		if (error != 0)
			break;
		error = tty_put(fp, t, buf, n);
		if (error != 0)
			u->u_resid = before;
	}
	return error;
}

static unsigned
tty_poll(struct file *fp)
{
	struct tty *t = fp->f_data;
	unsigned ev;

	rw_rlock(&t->t_lock);
	ev = (tty_ready(t, TTY_CHUNK) ? POLLOUT : 0U) |
	    (tty_readable(t) ? POLLIN : 0U);
	if (tty_hung(fp, t))
		ev = POLLIN | POLLOUT | POLLERR | POLLHUP;
	rw_runlock(&t->t_lock);
	return ev;
}

static uint64_t
tty_edge(struct file *fp, unsigned want __unused)
{
	struct tty *t = fp->f_data;
	uint64_t n;

	rw_rlock(&t->t_lock);
	n = (uint64_t)t->t_edges + t->t_hangups;
	rw_runlock(&t->t_lock);
	return n;
}

/* ---- ioctl ---- */

static int
ioctl_setmode(struct tty *t, uint64_t cmd, struct uaddr arg)
{
	struct termios m;
	int error;

	error = tty_background(t, SIGTTOU);
	if (error == 0)
		error = copyin(arg, &m, sizeof(m));
	if (error != 0)
		return error;
	/* Output is never queued: there is nothing to drain. */
	rw_wlock(&t->t_lock);
	if (cmd == TCSETSF)
		tty_flush(t);
	tty_setmode(t, &m);
	rw_wunlock(&t->t_lock);
	tty_kick(t);
	return 0;
}

static int
ioctl_getmode(struct tty *t, struct uaddr arg)
{
	struct termios m;

	rw_rlock(&t->t_lock);
	m = t->t_mode;
	rw_runlock(&t->t_lock);
	return copyout(&m, arg, sizeof(m));
}

static int
ioctl_setsize(struct tty *t, struct uaddr arg)
{
	struct winsize w;
	bool changed;
	int error;

	error = copyin(arg, &w, sizeof(w));
	if (error != 0)
		return error;
	rw_wlock(&t->t_lock);
	changed = memcmp(&t->t_size, &w, sizeof(w)) != 0;
	t->t_size = w;
	rw_wunlock(&t->t_lock);
	if (changed)
		tty_signal(t, sigbit(SIGWINCH));
	return 0;
}

static int
ioctl_getsize(struct tty *t, struct uaddr arg)
{
	struct winsize w;

	rw_rlock(&t->t_lock);
	w = t->t_size;
	rw_runlock(&t->t_lock);
	return copyout(&w, arg, sizeof(w));
}

/* ioctl_type: TIOCSTI: one byte as if it were typed. */
static int
ioctl_type(struct tty *t, struct uaddr arg)
{
	uint8_t c;
	int error;

	error = copyin(arg, &c, 1);
	if (error != 0)
		return error;
	rw_wlock(&t->t_lock);
	tty_input(t, c);
	rw_wunlock(&t->t_lock);
	tty_kick(t);
	return 0;
}

/* ioctl_flow: TCFLSH, TCXONC. */
static int
ioctl_flow(struct tty *t, uint64_t cmd, uint64_t arg)
{
	int error;

	error = tty_background(t, SIGTTOU);
	if (error != 0)
		return error;
	if (arg > (cmd == TCFLSH ? 2U : 3U))
		return EINVAL;
	rw_wlock(&t->t_lock);
	if (cmd == TCFLSH && arg != 1)
		tty_flush(t);
	else if (cmd == TCXONC && arg <= 1)
		t->t_stopped = arg == 0;
	rw_wunlock(&t->t_lock);
	tty_kick(t);
	return 0;
}

/* ioctl_number: the calls that return an int. */
static int
ioctl_number(struct tty *t, uint64_t cmd, struct uaddr arg)
{
	int error, n;

	error = 0;
	n = 0;
	if (cmd == TIOCGPGRP) {
		error = tty_getpgrp(t, &n);
	} else if (cmd == TIOCGSID) {
		error = tty_getsid(t, &n);
	} else if (cmd == FIONREAD) {
		rw_rlock(&t->t_lock);
		n = (int)tty_count(t);
		rw_runlock(&t->t_lock);
	}
	return error != 0 ? error : suword32(arg, (uint32_t)n);
}

int
tty_command(struct tty *t, uint64_t cmd, struct uaddr arg)
{
	uint32_t n;
	int error;

	switch (cmd) {
	case TCGETS:
		return ioctl_getmode(t, arg);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return ioctl_setmode(t, cmd, arg);
	case TIOCGWINSZ:
		return ioctl_getsize(t, arg);
	case TIOCSWINSZ:
		return ioctl_setsize(t, arg);
	case TIOCSTI:
		return ioctl_type(t, arg);
	case TCFLSH:
	case TCXONC:
		return ioctl_flow(t, cmd, arg.ua);
	case TCSBRK:
		return tty_background(t, SIGTTOU);
	case TIOCGPGRP:
	case TIOCGSID:
	case FIONREAD:
	case TIOCOUTQ:
		return ioctl_number(t, cmd, arg);
	case TIOCSPGRP:
		error = fuword32(arg, &n);
		return error != 0 ? error : tty_setpgrp(t, (int)n);
	case TIOCSCTTY:
		return tty_control(t, arg.ua == 1);
	case TIOCNOTTY:
		return tty_release(t);
	default:
		return ENOTTY;
	}
}

static int
tty_ioctl(struct file *fp, uint64_t cmd, struct uaddr arg)
{
	struct tty *t = fp->f_data;
	bool hung;

	rw_rlock(&t->t_lock);
	hung = tty_hung(fp, t);
	rw_runlock(&t->t_lock);
	return hung ? EIO : tty_command(t, cmd, arg);
}

/* ---- opening ---- */

void
tty_opened(struct file *fp, struct tty *t, unsigned oflags)
{
	fp->f_data = t;
	if ((oflags & O_NOCTTY) == 0)
		(void)!tty_control(t, false);
}

static int
console_open(struct file *fp, unsigned oflags)
{
	tty_opened(fp, &tty_console, oflags);
	return 0;
}

/* mine_open: /dev/tty. */
static int
mine_open(struct file *fp, unsigned oflags)
{
	struct tty *t = tty_mine();

	if (t == NULL || (t != &tty_console && !pty_enter(t, fp)))
		return ENXIO;
	tty_opened(fp, t, oflags | O_NOCTTY);
	return 0;
}

static void
tty_close(struct file *fp)
{
	if (fp->f_data != &tty_console)
		pty_slave_close(fp->f_data);
}

#define TTY_FILEOPS							\
	.fo_name = "tty", .fo_read = tty_read, .fo_write = tty_write,	\
	.fo_ioctl = tty_ioctl, .fo_poll = tty_poll,			\
	.fo_edge = tty_edge,						\
	.fo_stat = dev_stat, .fo_close = tty_close

const struct fileops console_fileops = {
	TTY_FILEOPS, .fo_open = console_open
};
const struct fileops mytty_fileops = { TTY_FILEOPS, .fo_open = mine_open };
const struct fileops pts_fileops = { TTY_FILEOPS, .fo_open = pts_open };
