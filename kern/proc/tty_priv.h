/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty_priv.h: the terminal, for tty.c (files), tty_line.c (line discipline)
 * and tty_jobs.c (sessions and job control).
 */
#pragma once

#include <lib/cdefs.h>
#include <lib/types.h>
#include <sys/lock.h>
#include <sys/signal.h>
#include <sys/uaddr.h>

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

/* What ends a line at a byte of t_buf. */
enum { TM_NONE, TM_EOL, TM_EOF };

/*
 * Lifetime: static.  Fields are protected as marked: [y] t_lock [T]
 * proctree_lock.
 *
 * I1: t_ready <= t_len <= TTY_BUF; bytes below t_ready are for readers, those
 *     above are the line that is still edited (canonical mode only).
 * I2: in canonical mode t_ready is 0 or t_mark[t_ready - 1] is not TM_NONE,
 *     unless the mode has changed since; a TM_EOF byte is no data.
 */
struct tty {
	struct rwlock	t_lock;
	struct termios	t_mode;		/* [y] */
	struct winsize	t_size;		/* [y] */
	int		t_sid;		/* [T] session that it controls; 0 */
	int		t_pgid;		/* [T] foreground; 0: none */
	sigset_t	t_sigs;		/* [y] to send to the foreground */
	bool		t_stopped;	/* [y] VSTOP: writers wait */
	bool		t_lnext;	/* [y] the next byte is data */
	unsigned	t_col;		/* [y] column of the output */
	unsigned	t_linecol;	/* [y] where the edited line began */
	size_t		t_len, t_ready;	/* [y] I1 */
	uint8_t		t_buf[TTY_BUF];	/* [y] */
	uint8_t		t_mark[TTY_BUF];/* [y] TM_* */
};

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
bool	tty_controls(struct tty *t);	/* is it the caller's? */

extern struct tty	tty_console;
