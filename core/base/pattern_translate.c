/* Python's regular expressions written as PCRE2's. Most of the syntax is the same; what differs is rewritten here, and
 * what PCRE2 has and Python refuses is refused. */
#include "base/pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct reader {
	const char *at, *end;
	struct buf *out;
	struct err *err;
};

static bool is_hex(const char *text, const char *end, int count)
{
	if (end - text < count)
		return false;
	for (int i = 0; i < count; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* The escape at reader->at, a backslash. */
static int escape(struct reader *reader, bool in_class)
{
	const char *p = reader->at + 1;
	if (p == reader->end)
		return err_set(reader->err, ERR_INPUT, "bad escape (end of pattern)");
	char c = *p;
	reader->at += 2;
	if (c == 'u' || c == 'U') {
		int digits = c == 'u' ? 4 : 8;
		if (!is_hex(p + 1, reader->end, digits))
			return err_set(reader->err, ERR_INPUT, "incomplete escape \\%c", c);
		buf_printf(reader->out, "\\x{%.*s}", digits, p + 1);
		reader->at += digits;
		return 0;
	}
	if (c == 'x' && !is_hex(p + 1, reader->end, 2))
		return err_set(reader->err, ERR_INPUT, "incomplete escape \\x");
	if (c == 'Z' && !in_class) {
		buf_str(reader->out, "\\z");
		return 0;
	}
	if (c == 'v') { /* vertical tab in Python, any vertical space in PCRE2 */
		buf_str(reader->out, "\\x0b");
		return 0;
	}
	const char *known = in_class ? "abfnrtxdDsSwW" : "AbBabfnrtxdDsSwW";
	if (isalpha((unsigned char)c) && (!strchr(known, c)))
		return err_set(reader->err, ERR_INPUT, "bad escape \\%c", c);
	buf_char(reader->out, '\\');
	buf_char(reader->out, c);
	return 0;
}

/* The class at reader->at, "[". A "[" inside is itself in Python; "[:" would open a POSIX class in PCRE2. */
static int class(struct reader *reader)
{
	buf_char(reader->out, *reader->at++);
	if (reader->at < reader->end && *reader->at == '^')
		buf_char(reader->out, *reader->at++);
	for (bool first = true; reader->at < reader->end; first = false) {
		char c = *reader->at;
		if (c == ']' && !first) {
			buf_char(reader->out, *reader->at++);
			return 0;
		}
		if (c == '\\') {
			if (escape(reader, true) < 0)
				return -1;
			continue;
		}
		if (c == '[' || (c == ']' && first))
			buf_char(reader->out, '\\');
		buf_char(reader->out, *reader->at++);
	}
	return err_set(reader->err, ERR_INPUT, "unterminated character set");
}

/* "(?" with the flags a, L and u, which PCRE2 does not know: they are left out. Returns whether it was such. */
static bool flags(struct reader *reader)
{
	const char *p = reader->at + 2;
	size_t length = 0;
	bool foreign = false;
	while (p + length < reader->end && strchr("aiLmsux-", p[length]) && p[length]) {
		foreign = foreign || strchr("aLu", p[length]);
		length++;
	}
	if (!foreign || p + length == reader->end || (p[length] != ')' && p[length] != ':'))
		return false;
	buf_str(reader->out, "(?");
	for (size_t i = 0; i < length; i++)
		if (!strchr("aLu", p[i]))
			buf_char(reader->out, p[i]);
	reader->at = p + length;
	return true;
}

static int group(struct reader *reader)
{
	const char *p = reader->at + 1;
	size_t left = (size_t)(reader->end - p);
	if (left && *p == '*')
		return err_set(reader->err, ERR_INPUT, "nothing to repeat");
	if (left < 2 || *p != '?') {
		buf_char(reader->out, *reader->at++);
		return 0;
	}
	if (strchr("|RC&'", p[1]) || isdigit((unsigned char)p[1]) || p[1] == '+')
		return err_set(reader->err, ERR_INPUT, "unknown extension ?%c", p[1]);
	if (p[1] == '<' && left > 2 && p[2] != '=' && p[2] != '!')
		return err_set(reader->err, ERR_INPUT, "unknown extension ?<%c", p[2]);
	if (p[1] == 'P' && left > 2 && p[2] == '>')
		return err_set(reader->err, ERR_INPUT, "unknown extension ?P>");
	if (!flags(reader))
		buf_char(reader->out, *reader->at++);
	return 0;
}

/* "{,5}" counts from zero in Python; PCRE2 takes it literally. */
static void brace(struct reader *reader)
{
	const char *p = reader->at + 1;
	if (p < reader->end && *p == ',') {
		const char *q = p + 1;
		while (q < reader->end && isdigit((unsigned char)*q))
			q++;
		if (q < reader->end && *q == '}') {
			buf_str(reader->out, "{0");
			reader->at++;
			return;
		}
	}
	buf_char(reader->out, *reader->at++);
}

int pattern_translate(const char *pattern, size_t length, struct buf *out, struct err *err)
{
	struct reader reader = { pattern, pattern + length, out, err };
	while (reader.at < reader.end) {
		int status = 0;
		switch (*reader.at) {
		case '\\': status = escape(&reader, false); break;
		case '[': status = class(&reader); break;
		case '(': status = group(&reader); break;
		case '{': brace(&reader); break;
		default: buf_char(out, *reader.at++); break;
		}
		if (status < 0)
			return -1;
	}
	return 0;
}
