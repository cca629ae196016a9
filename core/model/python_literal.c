/* Python literals to JSON values and back; the grammar is that of ast.literal_eval, without what JSON cannot hold. */
#include "model/python_literal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>


enum { DEEPEST = 90 };

struct literal {
	const char *at;
	int depth;
};

static json_t *literal_value(struct literal *l);

static void literal_blank(struct literal *l, bool lines)
{
	while (*l->at && (strchr(" \t\f", *l->at) || (lines && (*l->at == '\n' || *l->at == '\r'))))
		l->at++;
	if (*l->at == '#')
		l->at += strlen(l->at);
}

static bool literal_take(struct literal *l, char c)
{
	literal_blank(l, l->depth > 0);
	if (*l->at != c)
		return false;
	l->at++;
	return true;
}

/* A character as UTF-8; false for what is none (surrogates, beyond U+10FFFF). */
static bool utf8_put(struct buf *out, unsigned long code)
{
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return false;
	if (code < 0x80) {
		buf_char(out, (char)code);
		return true;
	}
	int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	buf_char(out, (char)(lead[more] | (code >> (6 * more))));
	while (more-- > 0)
		buf_char(out, (char)(0x80 | ((code >> (6 * more)) & 0x3f)));
	return true;
}

static bool literal_escape_code(struct literal *l, struct buf *out, int digits)
{
	unsigned long code = 0;
	for (int i = 0; i < digits; i++, l->at++) {
		if (!isxdigit((unsigned char)*l->at))
			return false;
		int c = tolower((unsigned char)*l->at);
		code = code * 16 + (unsigned long)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	return utf8_put(out, code);
}

/* Behind a backslash. */
static bool literal_escape(struct literal *l, struct buf *out)
{
	static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
	char c = *l->at;
	const char *known = c ? strchr(from, c) : NULL;
	if (known) {
		buf_char(out, to[known - from]);
		l->at++;
		return true;
	}
	if (c == 'x' || c == 'u' || c == 'U') {
		l->at++;
		return literal_escape_code(l, out, c == 'x' ? 2 : c == 'u' ? 4 : 8);
	}
	if (c >= '0' && c <= '7') {
		unsigned long code = 0;
		for (int i = 0; i < 3 && *l->at >= '0' && *l->at <= '7'; i++)
			code = code * 8 + (unsigned long)(*l->at++ - '0');
		return utf8_put(out, code);
	}
	if (c == '\n') {
		l->at++;
		return true;
	}
	buf_char(out, '\\'); /* an unknown escape stays as it is */
	return c != 'N' && c != '\0';
}

/* One quoted piece; at is on the opening quote. */
static bool literal_quoted(struct literal *l, struct buf *out, bool raw)
{
	char quote = *l->at;
	bool triple = l->at[1] == quote && l->at[2] == quote;
	l->at += triple ? 3 : 1;
	for (;;) {
		if (!*l->at || (!triple && *l->at == '\n'))
			return false;
		if (*l->at == quote && (!triple || (l->at[1] == quote && l->at[2] == quote))) {
			l->at += triple ? 3 : 1;
			return true;
		}
		if (*l->at != '\\') {
			buf_char(out, *l->at++);
		} else if (raw) {
			if (!l->at[1])
				return false;
			buf_add(out, l->at, 2);
			l->at += 2;
		} else {
			l->at++;
			if (!literal_escape(l, out))
				return false;
		}
	}
}

/* Adjacent pieces make one string; u and r prefixes. NULL when it is none. */
static json_t *literal_string(struct literal *l)
{
	auto_buf struct buf text = BUF_INIT;
	int pieces = 0;
	for (;; pieces++) {
		literal_blank(l, l->depth > 0);
		const char *quote = l->at;
		bool raw = *quote == 'r' || *quote == 'R';
		if (raw || *quote == 'u' || *quote == 'U')
			quote++;
		if (*quote != '\'' && *quote != '"')
			break;
		l->at = quote;
		if (!literal_quoted(l, &text, raw))
			return NULL;
	}
	return pieces ? json_stringn(buf_text(&text), text.length) : NULL;
}

/* Digits of a base with single underscores between them, copied without. */
static bool literal_digits(struct literal *l, struct buf *out, int (*is_digit)(int), bool underscore_first)
{
	bool digit = underscore_first, any = false;
	for (;; l->at++) {
		if (*l->at == '_' && digit) {
			digit = false;
		} else if (is_digit((unsigned char)*l->at)) {
			buf_char(out, *l->at);
			digit = any = true;
		} else {
			return any && digit;
		}
	}
}

static int is_octal(int c) { return c >= '0' && c <= '7'; }
static int is_binary(int c) { return c == '0' || c == '1'; }

static json_t *integer_value(const char *digits, int base, bool negative)
{
	errno = 0;
	char *end;
	long long number = strtoll(digits, &end, base);
	return errno || *end ? NULL : json_integer(negative ? -number : number);
}

/* 0x, 0o, 0b */
static json_t *literal_based(struct literal *l, bool negative)
{
	auto_buf struct buf digits = BUF_INIT;
	int letter = tolower((unsigned char)l->at[1]);
	l->at += 2;
	if (!literal_digits(l, &digits, letter == 'x' ? isxdigit : letter == 'o' ? is_octal : is_binary, true))
		return NULL;
	return integer_value(buf_text(&digits), letter == 'x' ? 16 : letter == 'o' ? 8 : 2, negative);
}

static json_t *literal_number(struct literal *l, bool negative)
{
	if (*l->at == '0' && l->at[1] && strchr("xXoObB", l->at[1]))
		return literal_based(l, negative);
	auto_buf struct buf digits = BUF_INIT;
	bool whole = isdigit((unsigned char)*l->at), real = false;
	if (whole && !literal_digits(l, &digits, isdigit, false))
		return NULL;
	if (*l->at == '.') {
		real = true;
		buf_char(&digits, *l->at++);
		bool fraction = isdigit((unsigned char)*l->at);
		if ((!fraction && !whole) || (fraction && !literal_digits(l, &digits, isdigit, false)))
			return NULL;
	}
	if (*l->at == 'e' || *l->at == 'E') {
		real = true;
		buf_char(&digits, *l->at++);
		if (*l->at == '+' || *l->at == '-')
			buf_char(&digits, *l->at++);
		if (!literal_digits(l, &digits, isdigit, false))
			return NULL;
	}
	if (isalnum((unsigned char)*l->at) || *l->at == '_')
		return NULL;
	const char *text = buf_text(&digits);
	if (real) {
		double number = strtod(text, NULL);
		return isfinite(number) ? json_real(negative ? -number : number) : NULL;
	}
	if (*text == '0' && strspn(text, "0") != digits.length)
		return NULL; /* 0644 is no number in Python */
	return integer_value(text, 10, negative);
}

static json_t *literal_signed(struct literal *l)
{
	bool negative = *l->at == '-';
	l->at++;
	literal_blank(l, l->depth > 0);
	return isdigit((unsigned char)*l->at) || *l->at == '.' ? literal_number(l, negative) : NULL;
}

static json_t *literal_word(struct literal *l)
{
	static const struct { const char *word; int type; } words[] = { { "True", 1 }, { "False", 0 }, { "None", -1 } };
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t length = strlen(words[i].word);
		if (strncmp(l->at, words[i].word, length) != 0)
			continue;
		unsigned char next = (unsigned char)l->at[length];
		if (isalnum(next) || next == '_' || next >= 0x80)
			return NULL;
		l->at += length;
		return words[i].type < 0 ? json_null() : json_boolean(words[i].type);
	}
	return NULL;
}

/* Elements up to a closing bracket; *comma tells whether there was one. */
static json_t *literal_elements(struct literal *l, char close, bool *comma)
{
	auto_json json_t *list = json_array();
	*comma = false;
	while (!literal_take(l, close)) {
		if (json_array_size(list) && !*comma)
			return NULL;
		json_t *value = literal_value(l);
		if (!value || json_array_append_new(list, value) < 0)
			return NULL;
		bool more = literal_take(l, ',');
		*comma |= more;
		if (!more && !literal_take(l, close))
			return NULL;
		if (!more)
			break;
	}
	return steal(list);
}

/* A key as Python's json module writes it. */
static bool key_text(struct buf *out, const json_t *key)
{
	if (json_is_string(key))
		buf_str(out, json_string_value(key));
	else if (json_is_true(key) || json_is_false(key))
		buf_str(out, json_is_true(key) ? "true" : "false");
	else if (json_is_null(key))
		buf_str(out, "null");
	else if (json_is_number(key))
		python_show(out, key);
	else
		return false;
	return true;
}

/* A dictionary, or a set, which becomes a list. */
static json_t *literal_braced(struct literal *l)
{
	auto_json json_t *object = json_object(), *list = json_array();
	bool comma = true;
	while (!literal_take(l, '}')) {
		auto_json json_t *key = comma ? literal_value(l) : NULL;
		if (!key)
			return NULL;
		if (literal_take(l, ':')) {
			auto_buf struct buf name = BUF_INIT;
			auto_json json_t *value = json_array_size(list) ? NULL : literal_value(l);
			if (!value || !key_text(&name, key) || json_object_set(object, buf_text(&name), value) < 0)
				return NULL;
		} else if (json_object_size(object) || json_array_append(list, key) < 0) {
			return NULL;
		}
		comma = literal_take(l, ',');
	}
	return json_array_size(list) ? steal(list) : steal(object);
}

static json_t *literal_bracketed(struct literal *l)
{
	if (l->depth >= DEEPEST)
		return NULL;
	l->depth++;
	bool comma;
	json_t *value;
	char open = *l->at++;
	if (open == '{')
		value = literal_braced(l);
	else
		value = literal_elements(l, open == '[' ? ']' : ')', &comma);
	l->depth--;
	if (open == '(' && value && json_array_size(value) == 1 && !comma) {
		json_t *only = json_incref(json_array_get(value, 0));
		json_decref(value);
		return only;
	}
	return value;
}

static json_t *literal_value(struct literal *l)
{
	literal_blank(l, l->depth > 0);
	char c = *l->at;
	if (!c)
		return NULL;
	if (strchr("[({", c))
		return literal_bracketed(l);
	if (c == '-' || c == '+')
		return literal_signed(l);
	if (isdigit((unsigned char)c) || c == '.')
		return literal_number(l, false);
	json_t *word = literal_word(l);
	return word ? word : literal_string(l);
}

/* The whole text: one value, or several with commas between them, which are a tuple. */
static json_t *literal_whole(const char *text)
{
	struct literal l = { .at = text + strspn(text, " \t") };
	auto_json json_t *value = literal_value(&l);
	if (!value)
		return NULL;
	if (literal_take(&l, ',')) {
		auto_json json_t *tuple = json_array();
		json_array_append(tuple, value);
		literal_blank(&l, false);
		while (*l.at) {
			json_t *next = literal_value(&l);
			if (!next || json_array_append_new(tuple, next) < 0)
				return NULL;
			if (!literal_take(&l, ','))
				break;
			literal_blank(&l, false);
		}
		json_decref(value);
		value = steal(tuple);
	}
	literal_blank(&l, true);
	return *l.at ? NULL : steal(value);
}

json_t *python_literal(const char *text)
{
	json_t *value = literal_whole(text);
	return value ? value : json_string(text);
}

static void show_string(struct buf *out, const char *text, size_t length)
{
	char quote = memchr(text, '\'', length) && !memchr(text, '"', length) ? '"' : '\'';
	buf_char(out, quote);
	for (size_t i = 0; i < length; i++) {
		static const char from[] = "\n\r\t\\", to[] = "nrt\\";
		const char *known = text[i] ? strchr(from, text[i]) : NULL;
		if (known)
			buf_printf(out, "\\%c", to[known - from]);
		else if (text[i] == quote)
			buf_printf(out, "\\%c", quote);
		else if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			buf_printf(out, "\\x%02x", (unsigned char)text[i]);
		else
			buf_char(out, text[i]);
	}
	buf_char(out, quote);
}

static void show_nested(struct buf *out, const json_t *value)
{
	if (json_is_string(value))
		show_string(out, json_string_value(value), json_string_length(value));
	else
		python_show(out, value);
}

/* The shortest digits that read back as the same number; with an exponent only beyond 16 digits, as Python shows it. */
static void show_real(struct buf *out, double number)
{
	char text[64];
	int digits = 1;
	do
		snprintf(text, sizeof(text), "%.*e", digits - 1, number);
	while (strtod(text, NULL) != number && ++digits <= 17);
	const char *mark = strchr(text, 'e');
	long exponent = mark ? strtol(mark + 1, NULL, 10) : 0;
	if (exponent >= -4 && exponent < 16) {
		int decimals = digits - 1 - (int)exponent;
		snprintf(text, sizeof(text), "%.*f", decimals > 1 ? decimals : 1, number);
	}
	buf_str(out, text);
}

static void show_object(struct buf *out, const json_t *value)
{
	const char *key, *between = "";
	json_t *member;
	buf_char(out, '{');
	json_object_foreach((json_t *)value, key, member) {
		buf_str(out, between);
		show_string(out, key, strlen(key));
		buf_str(out, ": ");
		show_nested(out, member);
		between = ", ";
	}
	buf_char(out, '}');
}

void python_show(struct buf *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		buf_add(out, json_string_value(value), json_string_length(value));
		return;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return;
	case JSON_REAL:
		show_real(out, json_real_value(value));
		return;
	case JSON_ARRAY:
		buf_char(out, '[');
		for (size_t i = 0; i < json_array_size(value); i++) {
			buf_str(out, i ? ", " : "");
			show_nested(out, json_array_get(value, i));
		}
		buf_char(out, ']');
		return;
	case JSON_OBJECT:
		show_object(out, value);
		return;
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		buf_str(out, json_is_true(value) ? "True" : json_is_false(value) ? "False" : "None");
	}
}
