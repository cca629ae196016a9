/* RFC 8259 with comments and trailing commas, by recursive descent.
 *
 * What is wrong inside a value (a bad escape, a number that does not fit, True for true, a missing comma, a key twice) is
 * reported and reading goes on, so that one run shows as many faults as it can; a fault of the structure ends it, because
 * all that would follow would be echoes. */
#include "model/reader.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/printable.h"
#include "model/document.h"
#include "model/foreign.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

enum { FAULTS_MOST = 20, MARK_LENGTH = 3 };

static json_t *read_value(struct reader *reader, struct span *span);

const char *reader_line(const char *bytes, size_t length, int line, size_t *line_length)
{
	const char *at = bytes, *end = bytes + length;
	if (length >= MARK_LENGTH && memcmp(bytes, BYTE_ORDER_MARK, MARK_LENGTH) == 0)
		at += MARK_LENGTH; /* no column counts it */
	for (int i = 1; i < line; i++) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			return NULL;
		at++;
	}
	if (line < 1 || (at == end && line > 1))
		return NULL;
	const char *stop = memchr(at, '\n', (size_t)(end - at));
	stop = stop ? stop : end;
	if (stop > at && stop[-1] == '\r')
		stop--;
	*line_length = (size_t)(stop - at);
	return at;
}

static __attribute__((format(printf, 4, 5))) void fault(struct reader *reader, struct span span, const char *hint,
                                                       const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	auto_free char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	size_t length = 0;
	const char *start = reader_line(reader->bytes, reader->length, span.line, &length);
	auto_free char *line = start ? mem_strndup(start, length) : NULL;
	struct place place = { .file = reader->name, .line = span.line, .column = span.column, .width = span.width };
	problem_add(reader->problems, PROBLEM_ERROR, place, line, hint, "%s", text);
	if (++reader->faults == FAULTS_MOST)
		reader->stopped = true;
}

/* ---- the text ---- */

static struct span here(const struct reader *reader)
{
	return (struct span){ .line = reader->line, .column = reader->column, .width = 1 };
}

/* From start to where the reader is, on one line. */
static struct span since(const struct reader *reader, struct span start)
{
	if (reader->line == start.line && reader->column > start.column)
		start.width = reader->column - start.column;
	return start;
}

/* NUL at the end as well as for a NUL: a file that holds one is refused wherever it stands. */
static char peek(const struct reader *reader) { return reader->bytes[reader->at]; }

static bool at_end(const struct reader *reader) { return reader->at >= reader->length; }

static void advance(struct reader *reader)
{
	unsigned char c = (unsigned char)reader->bytes[reader->at++];
	if (c == '\n') {
		reader->line++;
		reader->column = 1;
	} else if ((reader->bytes[reader->at] & 0xc0) != 0x80 || at_end(reader)) {
		reader->column++; /* the last byte of a character */
	}
}

static void advance_by(struct reader *reader, size_t count)
{
	while (count-- && !at_end(reader))
		advance(reader);
}

static bool looking_at(const struct reader *reader, const char *text)
{
	size_t length = strlen(text);
	return reader->length - reader->at >= length && memcmp(reader->bytes + reader->at, text, length) == 0;
}

static void skip_line(struct reader *reader)
{
	while (!at_end(reader) && peek(reader) != '\n')
		advance(reader);
}

static void skip_block_comment(struct reader *reader)
{
	struct span start = here(reader);
	start.width = 2;
	advance_by(reader, 2);
	while (!at_end(reader) && !looking_at(reader, "*/"))
		advance(reader);
	if (at_end(reader)) {
		fault(reader, start, NULL, "this comment is never closed");
		reader->stopped = true;
		return;
	}
	advance_by(reader, 2);
}

/* White space and comments. */
static void skip(struct reader *reader)
{
	while (!reader->stopped && !at_end(reader)) {
		char c = peek(reader);
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			advance(reader);
		} else if (looking_at(reader, "//")) {
			skip_line(reader);
		} else if (looking_at(reader, "/*")) {
			skip_block_comment(reader);
		} else if (c == '#') {
			fault(reader, here(reader), "comments begin with // or stand between /* and */",
			      "\"#\" does not begin a comment in JSON");
			skip_line(reader);
		} else {
			return;
		}
	}
}

static json_t *stop(struct reader *reader)
{
	reader->stopped = true;
	return NULL;
}

/* ---- words and numbers ---- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '+' || c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

/* The word at the reader, as a new string. */
static char *take_word(struct reader *reader, struct span *span)
{
	*span = here(reader);
	size_t start = reader->at;
	while (!at_end(reader) && is_word(peek(reader)))
		advance(reader);
	*span = since(reader, *span);
	return mem_strndup(reader->bytes + start, reader->at - start);
}

static size_t digits(const char *text) { return strspn(text, "0123456789"); }

/* RFC 8259, section 6. */
static bool is_number(const char *text, bool *real)
{
	*real = false;
	text += *text == '-';
	size_t whole = digits(text);
	if (!whole || (whole > 1 && *text == '0'))
		return false;
	text += whole;
	if (*text == '.') {
		size_t part = digits(text + 1);
		if (!part)
			return false;
		text += 1 + part;
		*real = true;
	}
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-';
		size_t part = digits(text);
		if (!part)
			return false;
		text += part;
		*real = true;
	}
	return *text == '\0';
}

static json_t *number_fault(struct reader *reader, struct span span, const char *word)
{
	size_t sign = *word == '-' || *word == '+';
	bool octal = word[sign] == '0' && digits(word + sign) == strlen(word + sign);
	auto_free char *quoted = mem_printf("a mode is a string: \"%s\"", word);
	fault(reader, span, octal ? quoted : "a number is written like 5, -5, 0.5 or 5e3", octal
	      ? "a number does not begin with 0: %s" : "not a number in JSON: %s", word);
	return json_null();
}

static json_t *read_number(struct reader *reader, struct span *span)
{
	auto_free char *word = take_word(reader, span);
	bool real = false;
	if (!is_number(word, &real))
		return number_fault(reader, *span, word);
	errno = 0;
	if (!real) {
		long long value = strtoll(word, NULL, 10);
		if (!errno)
			return json_integer(value);
		fault(reader, *span, "put it into double quotes to keep it as text", "an integer beyond 64 bits: %.40s", word);
		return json_null();
	}
	double value = strtod(word, NULL);
	if (!isinf(value))
		return json_real(value);
	fault(reader, *span, "put it into double quotes to keep it as text", "a number too large: %.40s", word);
	return json_null();
}

/* Words that other languages have for true, false and null. */
static json_t *read_foreign_word(struct reader *reader, struct span span, const char *word)
{
	static const struct { const char *foreign, *json; } words[] = {
		{ "True", "true" }, { "TRUE", "true" }, { "yes", "true" }, { "Yes", "true" }, { "on", "true" },
		{ "False", "false" }, { "FALSE", "false" }, { "no", "false" }, { "No", "false" }, { "off", "false" },
		{ "None", "null" }, { "nil", "null" }, { "Null", "null" }, { "NULL", "null" }, { "undefined", "null" },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(word, words[i].foreign) == 0) {
			auto_free char *hint = mem_printf("in JSON it is written %s", words[i].json);
			fault(reader, span, hint, "%s is not a JSON value", word);
			return json_null();
		}
	fault(reader, span, "a string stands in double quotes", "%.60s is not a JSON value", word);
	return json_null();
}

static json_t *read_word(struct reader *reader, struct span *span)
{
	auto_free char *word = take_word(reader, span);
	if (strcmp(word, "true") == 0)
		return json_true();
	if (strcmp(word, "false") == 0)
		return json_false();
	if (strcmp(word, "null") == 0)
		return json_null();
	return read_foreign_word(reader, *span, word);
}

/* ---- strings ---- */

void reader_add_utf8(struct buf *buf, unsigned code)
{
	if (code < 0x80) {
		buf_char(buf, (char)code);
	} else if (code < 0x800) {
		buf_char(buf, (char)(0xc0 | code >> 6));
		buf_char(buf, (char)(0x80 | (code & 0x3f)));
	} else if (code < 0x10000) {
		buf_char(buf, (char)(0xe0 | code >> 12));
		buf_char(buf, (char)(0x80 | (code >> 6 & 0x3f)));
		buf_char(buf, (char)(0x80 | (code & 0x3f)));
	} else {
		buf_char(buf, (char)(0xf0 | code >> 18));
		buf_char(buf, (char)(0x80 | (code >> 12 & 0x3f)));
		buf_char(buf, (char)(0x80 | (code >> 6 & 0x3f)));
		buf_char(buf, (char)(0x80 | (code & 0x3f)));
	}
}

/* Four hex digits behind "\u"; -1 if they are not there. */
static long hex_at(const struct reader *reader, size_t at)
{
	long code = 0;
	for (size_t i = 0; i < 4; i++) {
		char c = at + i < reader->length ? reader->bytes[at + i] : '\0';
		if (!isxdigit((unsigned char)c))
			return -1;
		code = code * 16 + (isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return code;
}

/* At the backslash of "\u". */
static void read_unicode(struct reader *reader, struct buf *text)
{
	struct span start = here(reader);
	long code = hex_at(reader, reader->at + 2);
	if (code < 0) {
		advance_by(reader, 2);
		fault(reader, since(reader, start), "four hex digits follow: \"\\u00e9\"", "\\u without four hex digits");
		return;
	}
	advance_by(reader, 6);
	if (code >= 0xd800 && code <= 0xdbff && looking_at(reader, "\\u")) {
		long low = hex_at(reader, reader->at + 2);
		if (low >= 0xdc00 && low <= 0xdfff) {
			advance_by(reader, 6);
			code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		}
	}
	if (code >= 0xd800 && code <= 0xdfff) {
		fault(reader, since(reader, start), "beyond U+FFFF a character is a pair: \"\\ud83c\\udf19\"",
		      "half a surrogate pair");
		return;
	}
	reader_add_utf8(text, (unsigned)code);
}

/* At a backslash. */
static void read_escape(struct reader *reader, struct buf *text)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	char c = reader->at + 1 < reader->length ? reader->bytes[reader->at + 1] : '\0';
	if (c == 'u') {
		read_unicode(reader, text);
		return;
	}
	const char *found = c ? strchr(names, c) : NULL;
	if (found) {
		buf_char(text, values[found - names]);
		advance_by(reader, 2);
		return;
	}
	struct span start = here(reader);
	advance_by(reader, c == '\n' ? 1 : 2);
	fault(reader, since(reader, start), "a backslash itself is written \\\\", "a backslash with nothing it can escape");
}

/* At the opening quote, ' or ". False if it is never closed. */
static bool read_text(struct reader *reader, struct buf *text, struct span *span)
{
	char quote = peek(reader);
	*span = here(reader);
	advance(reader);
	while (!at_end(reader) && peek(reader) != quote) {
		unsigned char c = (unsigned char)peek(reader);
		if (c == '\n')
			break;
		if (c == '\\') {
			read_escape(reader, text);
			continue;
		}
		if (c < 0x20)
			fault(reader, here(reader), c == '\t' ? "a tab is written \\t" : "it is written \\u00XX",
			      "a control character in a string");
		else
			buf_char(text, (char)c);
		advance(reader);
	}
	if (at_end(reader) || peek(reader) != quote) {
		fault(reader, *span, "a line break inside a string is written \\n", "this string is not closed on its line");
		reader->stopped = true;
		return false;
	}
	advance(reader);
	*span = since(reader, *span);
	if (quote == '\'')
		fault(reader, *span, "JSON knows double quotes only", "a string in single quotes");
	return true;
}

static json_t *read_string(struct reader *reader, struct span *span)
{
	auto_buf struct buf text = BUF_INIT;
	if (!read_text(reader, &text, span))
		return NULL;
	return json_stringn_nocheck(buf_text(&text), text.length);
}

/* ---- lists and dictionaries ---- */

struct marks {
	struct mark *items;
	size_t count, room;
};

static void marks_release(struct marks *marks) { free(marks->items); }

static void marks_add(struct marks *marks, struct mark mark)
{
	mem_grow(marks->items, marks->count, marks->room);
	marks->items[marks->count++] = mark;
}

/* At "[" or "{": takes it; false if that is too deep. */
static bool enter(struct reader *reader, struct span start)
{
	if (++reader->depth > DOCUMENT_MAX_DEPTH) {
		fault(reader, start, NULL, "nested deeper than %d levels", DOCUMENT_MAX_DEPTH);
		reader->stopped = true;
		return false;
	}
	advance(reader);
	return true;
}

/* Behind a member: takes the comma. False when the container ended or reading must end; a missing comma is reported. */
static bool read_comma(struct reader *reader, struct span opened, char open, char close)
{
	skip(reader);
	if (reader->stopped)
		return false;
	char c = peek(reader);
	if (at_end(reader)) {
		fault(reader, opened, NULL, "this \"%c\" is never closed", open);
		reader->stopped = true;
	} else if (c == ',') {
		advance(reader);
		return true;
	} else if (c == '"' || c == '\'' || c == '{' || c == '[' || is_word(c)) {
		fault(reader, here(reader), "put a comma before it", "a comma is missing");
		return !reader->stopped;
	} else if (c != close) {
		auto_free char *hint = mem_printf("the \"%c\" it would end is at line %d, column %d", open, opened.line,
		                                  opened.column);
		fault(reader, here(reader), hint, "\",\" or \"%c\" is expected here", close);
		reader->stopped = true;
	}
	return false;
}

/* Before a member: takes the closing bracket or stray commas. False when the container ended or reading must end. */
static bool begin_member(struct reader *reader, struct span opened, char open, char close)
{
	skip(reader);
	while (!reader->stopped && peek(reader) == ',') {
		fault(reader, here(reader), NULL, "a comma with nothing before it");
		advance(reader);
		skip(reader);
	}
	if (!reader->stopped && at_end(reader)) {
		fault(reader, opened, NULL, "this \"%c\" is never closed", open);
		reader->stopped = true;
	}
	return !reader->stopped && peek(reader) != close;
}

/* Takes the bracket and hands the container over with its marks; NULL when reading was stopped. */
static json_t *leave(struct reader *reader, json_t *container, struct marks *marks)
{
	if (reader->stopped) {
		json_decref(container);
		return NULL;
	}
	advance(reader);
	reader->depth--;
	positions_add(reader->positions, container, marks->items, marks->count);
	*marks = (struct marks){ 0 };
	return container;
}

static json_t *read_array(struct reader *reader, struct span *span)
{
	*span = here(reader);
	if (!enter(reader, *span))
		return NULL;
	auto_(marks_release) struct marks marks = { 0 };
	json_t *array = json_array();
	while (begin_member(reader, *span, '[', ']')) {
		struct mark mark = { 0 };
		json_t *value = read_value(reader, &mark.span);
		if (!value)
			break;
		mark.key_span = mark.span;
		json_array_append_new(array, value);
		marks_add(&marks, mark);
		if (!read_comma(reader, *span, '[', ']'))
			break;
	}
	return leave(reader, array, &marks);
}

/* A key and its colon into key; false when reading must end. */
static bool read_key(struct reader *reader, struct buf *key, struct span *span)
{
	char c = peek(reader);
	if (c == '"' || c == '\'') {
		if (!read_text(reader, key, span))
			return false;
	} else if (is_word(c)) {
		auto_free char *word = take_word(reader, span);
		buf_str(key, word);
		fault(reader, *span, "a key stands in double quotes", "the key %.60s is not a string", word);
	} else {
		fault(reader, here(reader), "a key is a string in double quotes, then a colon and its value",
		      "a key is expected here");
		reader->stopped = true;
		return false;
	}
	skip(reader);
	if (!reader->stopped && peek(reader) != ':') {
		fault(reader, here(reader), NULL, "a colon is expected after the key \"%.60s\"", buf_text(key));
		reader->stopped = true;
	}
	if (reader->stopped)
		return false;
	advance(reader);
	return true;
}

/* Adds a member and its mark; a key that is there already, or holds a NUL, is reported. Takes value over. */
static void add_member(struct reader *reader, json_t *object, struct marks *marks, const struct buf *key, json_t *value,
                       struct mark mark)
{
	const char *name = buf_text(key);
	if (strlen(name) != key->length) {
		fault(reader, mark.key_span, NULL, "a NUL character in a key");
		json_decref(value);
		return;
	}
	void *iter = json_object_iter_at(object, name);
	if (iter) {
		const char *held = json_object_iter_key(iter);
		struct span first = mark.key_span;
		for (size_t i = 0; i < marks->count; i++)
			if (marks->items[i].key == held)
				first = marks->items[i].key_span;
		auto_free char *hint = mem_printf("the first one is at %s:%d:%d", reader->name, first.line, first.column);
		fault(reader, mark.key_span, hint, "the key \"%.60s\" is given twice", name);
		json_decref(value);
		return;
	}
	json_object_set_new_nocheck(object, name, value);
	mark.key = json_object_iter_key(json_object_iter_at(object, name));
	marks_add(marks, mark);
}

static json_t *read_object(struct reader *reader, struct span *span)
{
	*span = here(reader);
	if (!enter(reader, *span))
		return NULL;
	auto_(marks_release) struct marks marks = { 0 };
	json_t *object = json_object();
	while (begin_member(reader, *span, '{', '}')) {
		auto_buf struct buf key = BUF_INIT;
		struct mark mark = { 0 };
		json_t *value = read_key(reader, &key, &mark.key_span) ? read_value(reader, &mark.span) : NULL;
		if (!value)
			break;
		add_member(reader, object, &marks, &key, value, mark);
		if (!read_comma(reader, *span, '{', '}'))
			break;
	}
	return leave(reader, object, &marks);
}

/* ---- the whole ---- */

/* NULL when reading must end. */
static json_t *read_value(struct reader *reader, struct span *span)
{
	skip(reader);
	if (reader->stopped)
		return NULL;
	char c = peek(reader);
	*span = here(reader);
	if (at_end(reader)) {
		fault(reader, *span, NULL, "the text ends where a value is expected");
		return stop(reader);
	}
	if (c == '{')
		return read_object(reader, span);
	if (c == '[')
		return read_array(reader, span);
	if (c == '"' || c == '\'')
		return read_string(reader, span);
	if (isdigit((unsigned char)c) || c == '-' || c == '+' || c == '.')
		return read_number(reader, span);
	if (is_word(c))
		return read_word(reader, span);
	fault(reader, *span, NULL, "a value is expected here");
	return stop(reader);
}

bool reader_check_utf8(struct reader *reader)
{
	reader->line = reader->column = 1;
	while (!at_end(reader)) {
		if (!peek(reader)) {
			fault(reader, here(reader), NULL, "a NUL character; this is no text file");
			return false;
		}
		size_t step = printable_utf8(reader->bytes + reader->at, reader->length - reader->at, NULL);
		if (!step) {
			bool wide = reader->at == 0 && (looking_at(reader, "\xff\xfe") || looking_at(reader, "\xfe\xff"));
			fault(reader, here(reader), wide ? "it looks like UTF-16; save it as UTF-8" : "save the file as UTF-8",
			      "the byte 0x%02x is not UTF-8", (unsigned char)peek(reader));
			return false;
		}
		advance_by(reader, step);
	}
	return true;
}

json_t *reader_read(struct reader *reader, struct span *span)
{
	if (!reader_check_utf8(reader))
		return NULL;
	reader->at = 0;
	reader->at = looking_at(reader, BYTE_ORDER_MARK) ? MARK_LENGTH : 0;
	reader->line = reader->column = 1;
	*span = here(reader);
	const char *hint = foreign_hint(reader->bytes + reader->at);
	if (hint) {
		while (isspace((unsigned char)peek(reader)))
			advance(reader);
		fault(reader, here(reader), hint, "this is not JSON");
		return NULL;
	}
	auto_json json_t *value = read_value(reader, span);
	if (value)
		skip(reader);
	if (value && !reader->stopped && !at_end(reader))
		fault(reader, here(reader), "a file holds one value; several belong into a list: [ ... ]",
		      "there is more behind the end of the document");
	return reader->faults ? NULL : steal(value);
}
