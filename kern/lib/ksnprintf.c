/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ksnprintf.c: formatted output.  One conversion is parsed into a struct, then
 * one function puts it; there is no floating point.
 */
#include <lib/ksnprintf.h>

#include <lib/string.h>

struct conv {
	void	(*put)(void *, char);
	void	*arg;
	int	total;		/* characters put so far */
	bool	left, zero, plus, space, alt;
	int	width, prec;	/* prec -1: none */
	int	size;		/* bytes of the integer argument */
};

static void
put_char(struct conv *c, char ch)
{
	c->put(c->arg, ch);
	c->total++;
}

static void
put_pad(struct conv *c, char ch, int n)
{
	while (n-- > 0)
		put_char(c, ch);
}

/* put_field: prefix, leading zeros, body, in the field's width. */
static void
put_field(struct conv *c, const char *prefix, int zeros, const char *body,
    int len)
{
	int plen = (int)strlen(prefix);
	int pad = c->width - plen - zeros - len;

	if (!c->left)
		put_pad(c, ' ', pad);
	for (; *prefix != '\0'; prefix++)
		put_char(c, *prefix);
	put_pad(c, '0', zeros);
	for (int i = 0; i < len; i++)
		put_char(c, body[i]);
	if (c->left)
		put_pad(c, ' ', pad);
}

static void
put_unsigned(struct conv *c, uint64_t v, unsigned base, bool upper,
    const char *prefix)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char buf[24];
	int i = (int)sizeof(buf), len, zeros;

	if (c->alt && v != 0 && base == 16)
		prefix = upper ? "0X" : "0x";
	while (v != 0) {
		buf[--i] = digits[v % base];
		v /= base;
	}
	len = (int)sizeof(buf) - i;
	if (len == 0 && c->prec != 0)
		buf[--i] = '0', len = 1;
	zeros = c->prec - len;
	if (c->prec < 0 && c->zero && !c->left)
		zeros = c->width - (int)strlen(prefix) - len;
	if (c->alt && base == 8 && zeros <= 0 && (len == 0 || buf[i] != '0'))
		zeros = 1;
	put_field(c, prefix, MAX(zeros, 0), buf + i, len);
}

static void
put_signed(struct conv *c, int64_t v)
{
	const char *prefix = v < 0 ? "-" : c->plus ? "+" : c->space ? " " : "";

	c->alt = false;
	put_unsigned(c, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, false, prefix);
}

static void
put_string(struct conv *c, const char *s)
{
	size_t len;

	if (s == NULL)
		s = "(null)";
	len = c->prec < 0 ? strlen(s) : strnlen(s, (size_t)c->prec);
	put_field(c, "", 0, s, (int)len);
}

/* The va_list travels in a struct: an array type does not survive a call. */
struct args {
	va_list	ap;
};

static int64_t
arg_signed(struct conv *c, struct args *a)
{
	switch (c->size) {
	case 1:
		return (signed char)va_arg(a->ap, int);
	case 2:
		return (short)va_arg(a->ap, int);
	case 8:
		return va_arg(a->ap, int64_t);
	default:
		return va_arg(a->ap, int);
	}
}

static uint64_t
arg_unsigned(struct conv *c, struct args *a)
{
	switch (c->size) {
	case 1:
		return (unsigned char)va_arg(a->ap, unsigned);
	case 2:
		return (unsigned short)va_arg(a->ap, unsigned);
	case 8:
		return va_arg(a->ap, uint64_t);
	default:
		return va_arg(a->ap, unsigned);
	}
}

static int
parse_number(const char **fmt, struct args *a)
{
	int n = 0;

	if (**fmt == '*') {
		(*fmt)++;
		return va_arg(a->ap, int);
	}
	while (**fmt >= '0' && **fmt <= '9')
		n = n * 10 + (*(*fmt)++ - '0');
	return n;
}

static const char *
parse_flags(struct conv *c, const char *fmt)
{
	c->left = c->zero = c->plus = c->space = c->alt = false;
	for (;; fmt++) {
		switch (*fmt) {
		case '-':
			c->left = true;
			break;
		case '0':
			c->zero = true;
			break;
		case '+':
			c->plus = true;
			break;
		case ' ':
			c->space = true;
			break;
		case '#':
			c->alt = true;
			break;
		default:
			return fmt;
		}
	}
}

static const char *
parse_conv(struct conv *c, const char *fmt, struct args *a)
{
	fmt = parse_flags(c, fmt);
	c->width = parse_number(&fmt, a);
	if (c->width < 0) {
		c->left = true;
		c->width = -c->width;
	}
	c->prec = -1;
	if (*fmt == '.') {
		fmt++;
		c->prec = parse_number(&fmt, a);
	}
	c->size = 4;
	for (;; fmt++) {
		if (*fmt == 'h')
			c->size = c->size == 2 ? 1 : 2;
		else if (*fmt == 'l' || *fmt == 'z' || *fmt == 't' ||
		    *fmt == 'j')
			c->size = 8;
		else
			return fmt;
	}
}

static void
put_conv(struct conv *c, char type, struct args *a)
{
	char ch;

	switch (type) {
	case 'd':
	case 'i':
		put_signed(c, arg_signed(c, a));
		break;
	case 'u':
		c->alt = false;
		put_unsigned(c, arg_unsigned(c, a), 10, false, "");
		break;
	case 'o':
		put_unsigned(c, arg_unsigned(c, a), 8, false, "");
		break;
	case 'x':
	case 'X':
		put_unsigned(c, arg_unsigned(c, a), 16, type == 'X', "");
		break;
	case 'p':
		c->alt = false;
		c->prec = -1;
		put_unsigned(c, (uint64_t)va_arg(a->ap, void *), 16, false,
		    "0x");
		break;
	case 's':
		put_string(c, va_arg(a->ap, const char *));
		break;
	case 'c':
		ch = (char)va_arg(a->ap, int);
		put_field(c, "", 0, &ch, 1);
		break;
	default:		/* %% and what we do not know: as it stands */
		if (type != '%')
			put_char(c, '%');
		put_char(c, type);
		break;
	}
}

int
kvprintf(void (*put)(void *, char), void *arg, const char *fmt, va_list ap)
{
	struct conv c = { .put = put, .arg = arg };
	struct args a;

	va_copy(a.ap, ap);
	for (; *fmt != '\0'; fmt++) {
		if (*fmt != '%') {
			put_char(&c, *fmt);
			continue;
		}
		fmt = parse_conv(&c, fmt + 1, &a);
		if (*fmt == '\0')
			break;
		put_conv(&c, *fmt, &a);
	}
	va_end(a.ap);
	return c.total;
}

struct bounded {
	char	*buf;
	size_t	 size, len;
};

static void
put_bounded(void *arg, char ch)
{
	struct bounded *b = arg;

	if (b->len + 1 < b->size)
		b->buf[b->len++] = ch;
}

int
kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct bounded b = { buf, size, 0 };
	int n;

	n = kvprintf(put_bounded, &b, fmt, ap);
	if (size > 0)
		buf[b.len] = '\0';
	return n;
}

int
ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
