/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty_line.c: the line discipline: what typed bytes do to the line, to the
 * foreground processes and to the screen, and what written ones become.
 *
 * Pure but for where output goes: no locks, no sleeps, no processes.
 *
 * Invariants: I1, I2 of tty_priv.h.
 * Locks: t_lock, held by the callers.
 * Sources: termios(3) of Linux; POSIX, chapter 11.
 */
#include "tty_priv.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/param.h>

#define CTRL(c)		((c) & 0x1f)
#define IS_CNTRL(c)	((c) < 0x20 || (c) == 0x7f)
#define UTF8_CONT(c)	(((c) & 0xc0) == 0x80)

void
tty_mode_init(struct termios *m)
{
	static const uint8_t cc[NCCS] = {
		[VINTR] = CTRL('c'), [VQUIT] = CTRL('\\'), [VERASE] = 0x7f,
		[VKILL] = CTRL('u'), [VEOF] = CTRL('d'), [VMIN] = 1,
		[VSTART] = CTRL('q'), [VSTOP] = CTRL('s'),
		[VSUSP] = CTRL('z'), [VREPRINT] = CTRL('r'),
		[VDISCARD] = CTRL('o'), [VWERASE] = CTRL('w'),
		[VLNEXT] = CTRL('v')
	};

	m->c_iflag = ICRNL | IXON;
	m->c_oflag = OPOST | ONLCR;
	m->c_cflag = CFLAGS;
	m->c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE |
	    IEXTEN;
	m->c_line = 0;
	memcpy(m->c_cc, cc, sizeof(m->c_cc));
}

static bool
lflag(const struct tty *t, uint32_t bits)
{
	return (t->t_mode.c_lflag & bits) == bits;
}

/* is_cc: is c the special character which?  With ext: only with IEXTEN. */
static bool
is_cc(const struct tty *t, uint8_t c, unsigned which)
{
	return c != 0 && t->t_mode.c_cc[which] == c;
}

/* ---- output ---- */

/* out_width: how far c moves a cursor that is in column col. */
static unsigned
out_width(const struct tty *t, uint8_t c, unsigned col)
{
	if (c == '\t')
		return 8 - (col & 7);
	if (IS_CNTRL(c))
		return 0;
	return (t->t_mode.c_iflag & IUTF8) != 0 && UTF8_CONT(c) ? 0 : 1;
}

/* out_post: c as c_oflag wants it, to buf; at most TTY_EXPAND bytes. */
static size_t
out_post(struct tty *t, uint8_t c, char *buf)
{
	const uint32_t o = t->t_mode.c_oflag;
	unsigned n;

	if (c == '\r' && (o & ONOCR) != 0 && t->t_col == 0)
		return 0;
	if (c == '\r' && (o & OCRNL) != 0)
		c = '\n';
	if (c == '\n' && (o & ONLCR) != 0) {
		t->t_col = 0;
		buf[0] = '\r';
		buf[1] = '\n';
		return 2;
	}
	n = out_width(t, c, t->t_col);
	t->t_col += n;
	if (c == '\r' || (c == '\n' && (o & ONLRET) != 0))
		t->t_col = 0;
	else if (c == '\b' && t->t_col > 0)
		t->t_col--;
	if (c != '\t' || (o & TABDLY) != TABDLY) {
		buf[0] = (char)c;
		return 1;
	}
	memset(buf, ' ', n);
	return n;
}

void
tty_output(struct tty *t, const uint8_t *s, size_t len)
{
	char buf[128];
	size_t n;

	n = 0;
	for (; len > 0; len--, s++) {
		if ((t->t_mode.c_oflag & OPOST) != 0)
			n += out_post(t, *s, buf + n);
		else
			buf[n++] = (char)*s;
		if (n > sizeof(buf) - TTY_EXPAND || len == 1) {
			t->t_dev->td_write(t, buf, n);
			n = 0;
		}
	}
}

/* ---- echo ---- */

/* echo_width: of a byte of the line, echoed in column col. */
static unsigned
echo_width(const struct tty *t, uint8_t c, unsigned col)
{
	if (IS_CNTRL(c) && c != '\t')
		return lflag(t, ECHOCTL) ? 2 : 0;
	return out_width(t, c, col);
}

static void
echo(struct tty *t, uint8_t c)
{
	uint8_t ctl[2] = { '^', (uint8_t)(c ^ 0x40) };

	if (!lflag(t, ECHO) && !(c == '\n' && lflag(t, ICANON | ECHONL)))
		return;
	if (t->t_len == t->t_ready)
		t->t_linecol = t->t_col;
	if (IS_CNTRL(c) && c != '\t' && c != '\n' && lflag(t, ECHOCTL))
		tty_output(t, ctl, 2);
	else
		tty_output(t, &c, 1);
}

/* line_col: the column behind the edited line as it is now. */
static unsigned
line_col(const struct tty *t)
{
	unsigned col;
	size_t i;

	col = t->t_linecol;
	for (i = t->t_ready; i < t->t_len; i++)
		col += echo_width(t, t->t_buf[i], col);
	return col;
}

/* rub_out: bring the cursor back to where the line ends now. */
static void
rub_out(struct tty *t, unsigned before)
{
	static const uint8_t rub[] = "\b \b";
	unsigned after;

	for (after = line_col(t); after < before; after++)
		tty_output(t, rub, 3);
}

/* ---- editing ---- */

/* erase_char: the last character of the line, all of its bytes. */
static void
erase_char(struct tty *t)
{
	bool more;

	do {
		t->t_len--;
		more = (t->t_mode.c_iflag & IUTF8) != 0 &&
		    UTF8_CONT(t->t_buf[t->t_len]) && t->t_len > t->t_ready;
	} while (more);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void
erase_word(struct tty *t)
{
	while (t->t_len > t->t_ready && is_blank(t->t_buf[t->t_len - 1]))
		t->t_len--;
	while (t->t_len > t->t_ready && !is_blank(t->t_buf[t->t_len - 1]))
		erase_char(t);
}

/* edit_erase: VERASE, VWERASE or VKILL was typed. */
static void
edit_erase(struct tty *t, uint8_t c)
{
	unsigned before = line_col(t);
	bool kill = is_cc(t, c, VKILL);

	if (t->t_len == t->t_ready)
		return;
	if (kill)
		t->t_len = t->t_ready;
	else if (is_cc(t, c, VWERASE))
		erase_word(t);
	else
		erase_char(t);
	if (!lflag(t, ECHO))
		return;
	if (lflag(t, ECHOE) && (!kill || lflag(t, ECHOK | ECHOKE))) {
		rub_out(t, before);
	} else {
		echo(t, c);
		if (kill && lflag(t, ECHOK))
			echo(t, '\n');
	}
}

/* edit_reprint: the line once more, on a fresh one. */
static void
edit_reprint(struct tty *t, uint8_t c)
{
	size_t i, len = t->t_len;

	echo(t, c);
	tty_output(t, (const uint8_t *)"\n", 1);
	/* As if it were typed now: echo takes the column from the first. */
	t->t_len = t->t_ready;
	for (i = t->t_ready; i < len; i++) {
		echo(t, t->t_buf[i]);
		t->t_len++;
	}
}

static void
store(struct tty *t, uint8_t c, uint8_t mark)
{
	static const uint8_t bell = '\a';

	/* Room is kept for what ends the line. */
	if (t->t_len + (mark == TM_NONE) >= TTY_BUF) {
		if ((t->t_mode.c_iflag & IMAXBEL) != 0)
			tty_output(t, &bell, 1);
		return;
	}
	if (mark != TM_EOF)
		echo(t, c);
	t->t_buf[t->t_len] = c;
	t->t_mark[t->t_len] = mark;
	t->t_len++;
	if (mark != TM_NONE || !lflag(t, ICANON))
		t->t_ready = t->t_len;
}

/* edit: canonical mode; false: c is data. */
static bool
edit(struct tty *t, uint8_t c)
{
	static const uint8_t next[] = "^\b";
	bool ext = lflag(t, IEXTEN);

	if (is_cc(t, c, VERASE) || is_cc(t, c, VKILL) ||
	    (ext && is_cc(t, c, VWERASE))) {
		edit_erase(t, c);
	} else if (ext && is_cc(t, c, VLNEXT)) {
		t->t_lnext = true;
		if (lflag(t, ECHO | ECHOCTL))
			tty_output(t, next, 2);
	} else if (ext && is_cc(t, c, VREPRINT) && lflag(t, ECHO)) {
		edit_reprint(t, c);
	} else if (is_cc(t, c, VEOF)) {
		store(t, c, TM_EOF);
	} else if (c == '\n' || is_cc(t, c, VEOL) ||
	    (ext && is_cc(t, c, VEOL2))) {
		store(t, c, TM_EOL);
	} else {
		return false;
	}
	return true;
}

/* flow: VSTART and VSTOP; true: c was one. */
static bool
flow(struct tty *t, uint8_t c)
{
	if ((t->t_mode.c_iflag & IXON) == 0)
		return false;
	if (is_cc(t, c, VSTART)) {
		t->t_stopped = false;
	} else if (is_cc(t, c, VSTOP)) {
		t->t_stopped = true;
	} else {
		if ((t->t_mode.c_iflag & IXANY) != 0)
			t->t_stopped = false;
		return false;
	}
	return true;
}

/* signal_char: VINTR, VQUIT, VSUSP; true: c was one. */
static bool
signal_char(struct tty *t, uint8_t c)
{
	int signo;

	if (!lflag(t, ISIG))
		return false;
	if (is_cc(t, c, VINTR))
		signo = SIGINT;
	else if (is_cc(t, c, VQUIT))
		signo = SIGQUIT;
	else if (is_cc(t, c, VSUSP))
		signo = SIGTSTP;
	else
		return false;
	t->t_sigs |= sigbit(signo);
	if (!lflag(t, NOFLSH))
		tty_flush(t);
	t->t_stopped = false;
	echo(t, c);
	return true;
}

void
tty_input(struct tty *t, uint8_t c)
{
	const uint32_t i = t->t_mode.c_iflag;

	if ((i & ISTRIP) != 0)
		c &= 0x7f;
	if (t->t_lnext) {
		t->t_lnext = false;
		store(t, c, TM_NONE);
		return;
	}
	if (flow(t, c) || signal_char(t, c))
		return;
	if (c == '\r') {
		if ((i & IGNCR) != 0)
			return;
		if ((i & ICRNL) != 0)
			c = '\n';
	} else if (c == '\n' && (i & INLCR) != 0) {
		c = '\r';
	}
	if (lflag(t, ICANON) && edit(t, c))
		return;
	store(t, c, TM_NONE);
}

/* ---- reading ---- */

bool
tty_readable(const struct tty *t)
{
	size_t want;

	if (lflag(t, ICANON))
		return t->t_ready > 0;
	want = t->t_mode.c_cc[VTIME] == 0 ? t->t_mode.c_cc[VMIN] : 1;
	return t->t_len >= MAX(want, 1UL);
}

size_t
tty_count(const struct tty *t)
{
	size_t i, n;

	if (!lflag(t, ICANON))
		return t->t_len;
	n = t->t_ready;
	for (i = 0; i < t->t_ready; i++)
		n -= t->t_mark[i] == TM_EOF;
	return n;
}

/* drop: the first n bytes are gone. */
static void
drop(struct tty *t, size_t n)
{
	memmove(t->t_buf, t->t_buf + n, t->t_len - n);
	memmove(t->t_mark, t->t_mark + n, t->t_len - n);
	t->t_len -= n;
	t->t_ready -= n;
}

int
tty_take(struct tty *t, struct uio *u)
{
	size_t n, skip, most;
	int error;

	n = MIN(u->u_resid, t->t_ready);
	skip = 0;
	if (lflag(t, ICANON)) {
		most = n;
		for (n = 0; n < most && t->t_mark[n] == TM_NONE; n++)
			;
		if (n < most && t->t_mark[n] == TM_EOL)
			n++;
		else
			skip = n < t->t_ready && t->t_mark[n] == TM_EOF;
	}
	error = uiomove(t->t_buf, n, u);
	if (error == 0)
		drop(t, n + skip);
	return error;
}

void
tty_flush(struct tty *t)
{
	t->t_len = t->t_ready = 0;
	t->t_lnext = false;
	t->t_takes++;
}

/* What was typed before the mode changed is one line, or plain bytes. */
void
tty_setmode(struct tty *t, const struct termios *m)
{
	bool changed = ((t->t_mode.c_lflag ^ m->c_lflag) & ICANON) != 0;

	t->t_mode = *m;
	if ((m->c_iflag & IXON) == 0)
		t->t_stopped = false;
	if (!changed)
		return;
	memset(t->t_mark, TM_NONE, sizeof(t->t_mark));
	t->t_lnext = false;
	t->t_ready = t->t_len;
	if (t->t_len > 0)
		t->t_mark[t->t_len - 1] = TM_EOL;
}
