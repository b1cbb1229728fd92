/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty_priv.h: terminals, for tty.c (files), tty_line.c (line discipline),
 * tty_jobs.c (sessions and job control) and pty.c (pseudo terminals).
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/queue.h>
#include <lib/types.h>
#include <sys/lock.h>
#include <sys/signal.h>
#include <sys/uaddr.h>

struct file;
struct proc;
struct uio;

/* c_cc, as the kernel ABI of Linux numbers it; 0 in it: no such character. */
enum {
	VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP,
	VSUSP, VEOL, VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2, NCCS = 19
};

struct termios {
	uint32_t	c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t		c_line;
	uint8_t		c_cc[NCCS];
};
CTASSERT(sizeof(struct termios) == 36, "termios is 36 bytes on the wire");

/* c_iflag */
#define ISTRIP		0000040U
#define INLCR		0000100U
#define IGNCR		0000200U
#define ICRNL		0000400U
#define IXON		0002000U
#define IXANY		0004000U
#define IMAXBEL		0020000U
#define IUTF8		0040000U
/* c_oflag */
#define OPOST		0000001U
#define ONLCR		0000004U
#define OCRNL		0000010U
#define ONOCR		0000020U
#define ONLRET		0000040U
#define TABDLY		0014000U	/* all of it: XTABS */
/* c_cflag: 115200 baud, CS8, CREAD, HUPCL, CLOCAL */
#define CFLAGS		0016262U
/* c_lflag */
#define ISIG		0000001U
#define ICANON		0000002U
#define ECHO		0000010U
#define ECHOE		0000020U
#define ECHOK		0000040U
#define ECHONL		0000100U
#define NOFLSH		0000200U
#define TOSTOP		0000400U
#define ECHOCTL		0001000U
#define ECHOKE		0004000U
#define IEXTEN		0100000U

struct winsize {
	uint16_t	ws_row, ws_col, ws_xpixel, ws_ypixel;
};

#define TTY_BUF		4096U
#define TTY_EXPAND	8U	/* most bytes that one of a writer becomes */

/* What ends a line at a byte of t_buf. */
enum { TM_NONE, TM_EOL, TM_EOF };

struct tty;

/* Where a terminal's output goes; both with t_lock held. */
struct tty_device {
	/* td_write: what does not fit is lost */
	void	(*td_write)(struct tty *t, const char *s, size_t len);
	size_t	(*td_room)(const struct tty *t);	/* NULL: any number */
};

/*
 * Lifetime: the console's: static; of a pseudo terminal: pty.c.  Fields are
 * protected as marked: [c] const after init [y] t_lock [T] proctree_lock.
 *
 * I1: t_ready <= t_len <= TTY_BUF; bytes below t_ready are for readers, those
 *     above are the line that is still edited (canonical mode only).
 * I2: in canonical mode t_ready is 0 or t_mark[t_ready - 1] is not TM_NONE,
 *     unless the mode has changed since; a TM_EOF byte is no data.
 */
struct tty {
	struct rwlock	t_lock;
	LIST_ENTRY(tty)	t_link;		/* [T] all of them */
	const struct tty_device *t_dev;	/* [c] */
	uint64_t	t_rdev;		/* [c] */
	unsigned	t_hangups;	/* [y] a file opened before the last one
					 * (f_offset) has nothing behind it */
	struct termios	t_mode;		/* [y] */
	struct winsize	t_size;		/* [y] */
	int		t_sid;		/* [T] session that it controls; 0 */
	int		t_pgid;		/* [T] foreground; 0: none */
	unsigned	t_edges;	/* [y] counts what poll would tell of */
	unsigned	t_takes;	/* [y] reads and flushes: room, that its
					 * line may wait for */
	sigset_t	t_sigs;		/* [y] to send to the foreground */
	bool		t_stopped;	/* [y] VSTOP: writers wait */
	bool		t_lnext;	/* [y] the next byte is data */
	unsigned	t_col;		/* [y] column of the output */
	unsigned	t_linecol;	/* [y] where the edited line began */
	size_t		t_len, t_ready;	/* [y] I1 */
	uint8_t		t_buf[TTY_BUF];	/* [y] */
	uint8_t		t_mark[TTY_BUF];/* [y] TM_* */
};

/* ---- tty.c ---- */
/* tty_setup: a new terminal: its lock, modes; for tty_list then. */
void	tty_setup(struct tty *t, const struct tty_device *dev, uint64_t rdev);
/* tty_kick: after input or a change of mode: tell all who may care. */
void	tty_kick(struct tty *t);
/* tty_opened: fp, whose f_offset is t_hangups, is a file of t; it may become the
 * caller's terminal. */
void	tty_opened(struct file *fp, struct tty *t, unsigned oflags);
/* tty_command: the ioctls that a master may call too. */
int	tty_command(struct tty *t, uint64_t cmd, struct uaddr arg)
	    __warn_unused;
#define TIOCSCTTY	0x540e
#define TIOCSTI		0x5412
#define TIOCNOTTY	0x5422

/* ---- pty.c ---- */
void	pty_init(void);
/* pty_hold: a reference for an open of /dev/tty; false: t is going.
 * => Locks: proctree_lock.
 * pty_enter: that open is a file of the slave; false: its master is gone, and
 * the reference too. */
bool	pty_hold(struct tty *t) __warn_unused;
bool	pty_enter(struct tty *t, struct file *fp) __warn_unused;
void	pty_slave_close(struct tty *t);
int	pts_open(struct file *fp, unsigned oflags) __warn_unused;

/* ---- tty_line.c; all with t_lock held for writing ---- */
void	tty_mode_init(struct termios *m);
/* tty_input: one byte from the line: edits, echoes, t_sigs. */
void	tty_input(struct tty *t, uint8_t c);
/* tty_output: bytes of a writer, as c_oflag wants them. */
void	tty_output(struct tty *t, const uint8_t *s, size_t len);
/* tty_readable: would read return at once?  tty_count: FIONREAD's answer. */
bool	tty_readable(const struct tty *t);
size_t	tty_count(const struct tty *t);
/* tty_take: one line, or in raw mode all there is, to the reader; EFAULT. */
int	tty_take(struct tty *t, struct uio *u) __warn_unused;
void	tty_flush(struct tty *t);
void	tty_setmode(struct tty *t, const struct termios *m);

/* ---- tty_jobs.c; they take proctree_lock ---- */
/* tty_background: may the caller read (SIGTTIN) or change (SIGTTOU) t?
 * => Returns 0; EINTR: its group was sent signo; EIO. */
int	tty_background(struct tty *t, int signo) __warn_unused;
/* tty_signal: to the foreground group. */
void	tty_signal(struct tty *t, sigset_t set);
int	tty_getpgrp(struct tty *t, int *pgid) __warn_unused;	/* ENOTTY */
int	tty_getsid(struct tty *t, int *sid) __warn_unused;	/* ENOTTY */
/* => Returns 0; ENOTTY, EINVAL, ESRCH, EPERM. */
int	tty_setpgrp(struct tty *t, int pgid) __warn_unused;
/* tty_control: t becomes the caller's controlling terminal; EPERM. */
int	tty_control(struct tty *t, bool steal) __warn_unused;
int	tty_release(struct tty *t) __warn_unused;		/* ENOTTY */
/* tty_list, tty_unlist: onto the list of all, off it with no session. */
void	tty_list(struct tty *t);
void	tty_unlist(struct tty *t);
/* tty_mine: the caller's terminal, held if it is no console; NULL. */
struct tty *tty_mine(void);
/* tty_hangup: it has no session any more; leader and foreground are told. */
void	tty_hangup(struct tty *t);

extern struct tty	tty_console;
