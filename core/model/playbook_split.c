/* Splitting of "k=v k=v" words as Ansible does it: quotes group, a backslash keeps the next character from meaning
 * anything, and what stands in template brackets stays whole. */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/playbook.h"

struct splitter {
	const char *at;
	char quote;      /* the open one, or 0 */
	const char *end; /* what closes the open template bracket, or NULL */
};

static const char *closing(const char *text)
{
	return strncmp(text, "{{", 2) == 0 ? "}}" : strncmp(text, "{%", 2) == 0 ? "%}" : strncmp(text, "{#", 2) == 0 ? "#}" : NULL;
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
	} else if (*at == '\\' && at[1]) {
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

/* The next word as it is written; false at the end of the text or with err. */
static bool next_word(struct splitter *splitter, struct buf *word, struct err *err)
{
	buf_clear(word);
	while (isspace((unsigned char)*splitter->at))
		splitter->at++;
	const char *start = splitter->at;
	while (*splitter->at && (splitter->quote || splitter->end || !isspace((unsigned char)*splitter->at)))
		take(splitter, word);
	if (splitter->quote || splitter->end) {
		err_set(err, ERR_INPUT, "an open %s in \"%.80s\"", splitter->quote ? "quote" : "template", start);
		err_hint(err, "close it with %s", splitter->quote ? (char[]){ splitter->quote, 0 } : splitter->end);
		return false;
	}
	return splitter->at > start;
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

/* Words without a name are put together again, "\=" as "=". */
static void add_raw(struct buf *raw, const char *word)
{
	if (raw->length)
		buf_char(raw, ' ');
	for (; *word; word++)
		if (*word != '\\' || word[1] != '=')
			buf_char(raw, *word);
}

json_t *playbook_split_kv(const char *text, struct err *err)
{
	auto_json json_t *pairs = json_object();
	auto_buf struct buf word = BUF_INIT, raw = BUF_INIT;
	struct splitter splitter = { .at = text };
	err_clear(err);
	while (next_word(&splitter, &word, err)) {
		char *equals = find_equals(word.data);
		if (!equals || equals == word.data) {
			add_raw(&raw, word.data);
			continue;
		}
		*equals = '\0';
		auto_free char *value = unquote(equals + 1);
		json_object_set_new(pairs, word.data, json_string(value));
	}
	if (err->kind != ERR_NONE)
		return NULL;
	if (raw.length)
		json_object_set_new(pairs, "_raw_params", json_string(buf_text(&raw)));
	return steal(pairs);
}
