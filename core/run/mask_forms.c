/* Writing a secret as base64, URLs, JSON, shells, Python, HTML and the reports write it. */
#include "run/mask_forms.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/printable.h"
#include "base/secret.h"
#include "run/mask.h"

/* LINE_SHORTEST: of a secret's lines; shorter ones may stand in any text. ENCODED_SHORTEST: digits of base64 that are a
 * secret's alone. */
enum { LINE_SHORTEST = 3, LINE_ANYWHERE = 8, ENCODED_SHORTEST = 6, TWICE_MOST = 16 * 1024 };

static void add_form(const struct mask_forms *forms, struct buf *form, enum mask_where where)
{
	if (form->length >= MASK_ANYWHERE || (where != MASK_INSIDE && form->length))
		forms->add(forms->context, form->data, form->length, where);
	if (form->length)
		secret_wipe(form->data, form->length);
	buf_clear(form);
}

/* ---- encodings ---- */

/* The digits that the value alone determines when it stands `offset` bytes behind the start of a group of three. */
static void base64_inner(struct buf *form, const char *bytes, size_t length, unsigned offset, const char *digits)
{
	size_t first_bit = offset * 8, last_bit = (offset + length) * 8;
	for (size_t digit = (first_bit + 5) / 6; (digit + 1) * 6 <= last_bit; digit++) {
		unsigned value = 0;
		for (size_t bit = digit * 6; bit < digit * 6 + 6; bit++) {
			unsigned char byte = (unsigned char)bytes[bit / 8 - offset];
			value = value << 1 | (byte >> (7 - bit % 8) & 1);
		}
		buf_char(form, digits[value]);
	}
}

/* A short value is known only where it was encoded alone. */
static void add_base64(const struct mask_forms *forms, struct buf *form, const char *bytes, size_t length)
{
	static const char *const alphabets[] = {
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
	};
	for (size_t alphabet = 0; alphabet < 2; alphabet++)
		for (unsigned offset = 0; offset < 3; offset++) {
			base64_inner(form, bytes, length, offset, alphabets[alphabet]);
			if (form->length < ENCODED_SHORTEST) {
				buf_clear(form);
				base64_inner(form, (char[6]){ bytes[0], length > 1 ? bytes[1] : 0, length > 2 ? bytes[2] : 0,
				                              length > 3 ? bytes[3] : 0 }, 6, 0, alphabets[alphabet]);
				form->length = (length * 8 + 5) / 6;
				add_form(forms, form, MASK_WORD);
			} else {
				add_form(forms, form, MASK_INSIDE);
			}
		}
}

/* RFC 3986, with the reserved characters of a path kept or not, in both cases of the hex digits. */
static void add_url(const struct mask_forms *forms, struct buf *form, const char *bytes, size_t length)
{
	for (int variant = 0; variant < 8; variant++) {
		const char *hex = variant & 1 ? "0123456789abcdef" : "0123456789ABCDEF";
		for (size_t i = 0; i < length; i++) {
			unsigned char c = (unsigned char)bytes[i];
			if (c && (isalnum(c) || strchr("-._~", c) || (c == '/' && variant & 2)))
				buf_char(form, (char)c);
			else if (c == ' ' && variant & 4)
				buf_char(form, '+');
			else
				buf_add(form, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
		}
		add_form(forms, form, MASK_INSIDE);
	}
}

/* ---- quotings ---- */

static void quote_json(struct buf *form, const char *bytes, size_t length, size_t flags)
{
	auto_json json_t *value = json_stringn(bytes, length);
	if (!value)
		return;
	char *text = json_dumps(value, JSON_ENCODE_ANY | flags);
	size_t text_length = strlen(text);
	buf_add(form, text + 1, text_length - 2);
	secret_wipe(text, text_length);
	free(text);
}

/* Each of the characters as its words say. */
static void quote_by(struct buf *form, const char *bytes, size_t length, const char *characters, const char *const *words)
{
	for (size_t i = 0; i < length; i++) {
		const char *found = bytes[i] ? strchr(characters, bytes[i]) : NULL;
		if (found)
			buf_str(form, words[found - characters]);
		else
			buf_char(form, bytes[i]);
	}
}

static const struct {
	const char *characters;
	const char *words[6];
} quotings[] = {
	{ "'", { "'\\''" } },       /* shells, as their users write it */
	{ "'", { "'\"'\"'" } },     /* shells, as Python writes it */
	{ "'", { "''" } },          /* YAML, SQL */
	{ "\\\n\t\r'", { "\\\\", "\\n", "\\t", "\\r", "\\'" } }, /* Python's repr of what has both quotes */
	{ "\\\n\t\r", { "\\\\", "\\n", "\\t", "\\r" } },         /* and of what has not */
	{ "&<>\"'", { "&amp;", "&lt;", "&gt;", "&#34;", "&#39;" } },
	{ "&<>\"'", { "&amp;", "&lt;", "&gt;", "&quot;", "&#x27;" } },
	{ "\n", { "\r\n" } },       /* terminals */
	{ "\n", { " " } },          /* YAML's plain text of several lines */
};

enum { QUOTINGS_JSON = 3, QUOTINGS = QUOTINGS_JSON + sizeof(quotings) / sizeof(*quotings) + 1 };

/* The quoting of that number. */
static void quote(struct buf *form, size_t number, const char *bytes, size_t length)
{
	static const size_t flags[QUOTINGS_JSON] = { 0, JSON_ENSURE_ASCII, JSON_ESCAPE_SLASH };
	if (number < QUOTINGS_JSON)
		quote_json(form, bytes, length, flags[number]);
	else if (number < QUOTINGS - 1)
		quote_by(form, bytes, length, quotings[number - QUOTINGS_JSON].characters, quotings[number - QUOTINGS_JSON].words);
	else
		printable_line(form, bytes, length);
}

static bool is_quoted_somehow(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c < ' ' || c > '~' || strchr("\\/'\"&<>", c))
			return true;
	}
	return false;
}

/* Each quoting; of what is not too long also twice, as where a text of JSON stands in another one. */
static void add_quotings(const struct mask_forms *forms, const char *bytes, size_t length, bool twice, enum mask_where where)
{
	auto_buf struct buf once = BUF_INIT, again = BUF_INIT;
	for (size_t i = 0; i < QUOTINGS && is_quoted_somehow(bytes, length); i++) {
		quote(&once, i, bytes, length);
		for (size_t j = 0; twice && once.length && j < QUOTINGS; j++) {
			quote(&again, j, once.data, once.length);
			add_form(forms, &again, where);
		}
		add_form(forms, &once, where);
	}
}

/* ---- all of them ---- */

static bool has_letter_or_digit(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (isalnum((unsigned char)bytes[i]) || (unsigned char)bytes[i] >= 0x80)
			return true;
	return false;
}

static void add_lines(const struct mask_forms *forms, const char *bytes, size_t length)
{
	const char *end = bytes + length;
	for (const char *line = bytes; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t line_length = (size_t)((stop ? stop : end) - line), next = line_length + 1;
		if (line_length && line[line_length - 1] == '\r')
			line_length--;
		enum mask_where where = line_length >= LINE_ANYWHERE ? MASK_INSIDE : MASK_LINE;
		if (line_length >= LINE_SHORTEST && line_length < length && has_letter_or_digit(line, line_length)) {
			forms->add(forms->context, line, line_length, where);
			add_quotings(forms, line, line_length, length <= TWICE_MOST, where);
		}
		line += next;
	}
}

void mask_forms(const struct mask_forms *forms, const char *secret, size_t length)
{
	auto_buf struct buf form = BUF_INIT;
	buf_reserve(&form, length * 8 + 64);
	enum mask_where where = length >= MASK_ANYWHERE ? MASK_INSIDE : MASK_WORD;
	forms->add(forms->context, secret, length, where);
	add_lines(forms, secret, length);
	add_base64(forms, &form, secret, length);
	add_url(forms, &form, secret, length);
	add_quotings(forms, secret, length, length <= TWICE_MOST, where);
}
