/* Quotes group unless a backslash stands before them, what stands in template brackets stays whole, and escapes such as \n
 * are read in words that have a name. */
#include "model/words.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "model/reader.h"

struct splitter {
	const char *at;
	char quote;      /* the open one, or 0 */
	const char *end; /* what closes the open template bracket, or NULL */
};

static const char *closing(const char *text)
{
	if (text[0] != '{')
		return NULL;
	return text[1] == '{' ? "}}" : text[1] == '%' ? "%}" : text[1] == '#' ? "#}" : NULL;
}

/* Takes one character, or a pair that belongs together, into word. */
static void take(struct splitter *splitter, struct buf *word)
{
	const char *at = splitter->at, *opened = splitter->end ? NULL : closing(at);
	size_t length = 1;
	if (splitter->end) {
		if (strncmp(at, splitter->end, 2) == 0) {
			splitter->end = NULL;
			length = 2;
		}
	} else if (opened) {
		splitter->end = opened;
		length = 2;
	} else if (*at == '\\' && (at[1] == '"' || at[1] == '\'')) {
		length = 2;
	} else if (splitter->quote) {
		if (*at == splitter->quote)
			splitter->quote = 0;
	} else if (*at == '"' || *at == '\'') {
		splitter->quote = *at;
	}
	buf_add(word, at, length);
	splitter->at += length;
}

/* The word at text as it is written; -1 with err where a quote or a template does not end. */
static int take_word(const char **text, struct buf *word, struct err *err)
{
	struct splitter splitter = { .at = *text };
	while (*splitter.at && (splitter.quote || splitter.end || !isspace((unsigned char)*splitter.at)))
		take(&splitter, word);
	if (splitter.quote || splitter.end) {
		err_set(err, ERR_INPUT, "an open %s in \"%.80s\"", splitter.quote ? "quote" : "template", *text);
		return err_hint(err, "close it with %s", splitter.quote ? (char[]){ splitter.quote, 0 } : splitter.end);
	}
	*text = splitter.at;
	return 0;
}

/* The text between its quotes, if it begins and ends with the same one. New string. */
static char *unquote(const char *text)
{
	size_t length = strlen(text);
	bool quoted = length >= 2 && (*text == '"' || *text == '\'') && text[length - 1] == *text && text[length - 2] != '\\';
	return quoted ? mem_strndup(text + 1, length - 2) : mem_strdup(text);
}

/* The first equals sign that no backslash stands before and no bracket encloses; NULL if there is none. */
static char *find_equals(char *word)
{
	for (char *at = word; *at && !closing(at); at++) {
		if (*at == '\\' && at[1])
			at++;
		else if (*at == '=')
			return at;
	}
	return NULL;
}

/* A number of up to most digits at text as a character; the count of digits, 0 where it is none. */
static size_t decode_number(struct buf *out, const char *text, int base, size_t least, size_t most)
{
	unsigned long code = 0;
	size_t count = 0;
	for (; count < most && isxdigit((unsigned char)text[count]); count++) {
		int digit = isdigit((unsigned char)text[count]) ? text[count] - '0' : (text[count] | 0x20) - 'a' + 10;
		if (digit >= base)
			break;
		code = code * (unsigned long)base + (unsigned long)digit;
	}
	if (count < least || count == 0 || code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	reader_add_utf8(out, (unsigned)code);
	return count;
}

/* Behind a backslash: how many characters the escape has there; 0: it is none. */
static size_t decode_escape(struct buf *out, const char *text)
{
	static const char names[] = "\\'\"abfnrtv", values[] = "\\'\"\a\b\f\n\r\t\v";
	const char *found = *text ? strchr(names, *text) : NULL;
	size_t digits = 0;
	if (found) {
		buf_char(out, values[found - names]);
		return 1;
	}
	if (*text == 'x' || *text == 'u' || *text == 'U') {
		size_t width = *text == 'x' ? 2 : *text == 'u' ? 4 : 8;
		digits = decode_number(out, text + 1, 16, width, width);
		return digits ? digits + 1 : 0;
	}
	return decode_number(out, text, 8, 1, 3);
}

static char *decode(const char *word)
{
	auto_buf struct buf out = BUF_INIT;
	while (*word) {
		size_t length = *word == '\\' ? decode_escape(&out, word + 1) : 0;
		if (!length)
			buf_char(&out, *word);
		word += 1 + length;
	}
	return buf_take(&out);
}

/* "\\=" as "=". */
static char *plain(const char *written)
{
	auto_buf struct buf text = BUF_INIT;
	for (; *written; written++)
		if (*written != '\\' || written[1] != '=')
			buf_char(&text, *written);
	return buf_take(&text);
}

void word_release(struct word *word)
{
	free(word->key);
	free(word->value);
	free(word->text);
	free(word->space);
	*word = (struct word){ 0 };
}

/* The white space before a word. A backslash alone at the end of a line continues it. */
static char *take_space(const char **text)
{
	const char *start = *text, *end = start;
	bool continued = false;
	for (;;) {
		while (isspace((unsigned char)*end))
			end++;
		if (end[0] != '\\' || end[1] != '\n')
			break;
		continued = true;
		end++;
	}
	*text = end;
	return continued ? mem_strdup(" ") : mem_strndup(start, (size_t)(end - start));
}

int words_next(const char **text, struct word *word, struct err *err)
{
	auto_buf struct buf written = BUF_INIT;
	word_release(word);
	word->space = take_space(text);
	if (!**text)
		return 0;
	if (take_word(text, &written, err) < 0)
		return -1;
	word->text = plain(buf_text(&written));
	auto_free char *decoded = decode(buf_text(&written));
	char *equals = find_equals(decoded);
	if (equals && equals > decoded) {
		word->value = unquote(equals + 1);
		word->key = mem_strndup(decoded, (size_t)(equals - decoded));
	}
	return 1;
}

void words_add(struct buf *text, const struct word *word)
{
	if (text->length)
		buf_str(text, word->space);
	buf_str(text, word->text);
}

json_t *words_pairs(const char *text, struct err *err)
{
	auto_json json_t *pairs = json_object();
	auto_word struct word word = { 0 };
	auto_buf struct buf rest = BUF_INIT;
	int more;
	while ((more = words_next(&text, &word, err)) > 0) {
		if (word.key)
			json_object_set_new(pairs, word.key, json_string(word.value));
		else
			words_add(&rest, &word);
	}
	if (more < 0)
		return NULL;
	if (rest.length)
		json_object_set_new(pairs, "_raw_params", json_string(buf_text(&rest)));
	return steal(pairs);
}
