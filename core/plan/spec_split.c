/* Arguments written as a string: key=value words, and the free form of command and its like. */
#include <string.h>

#include "base/mem.h"
#include "plan/spec.h"

/* Whether text starts a template's brackets, and how they end. */
static const char *bracket_end(const char *text)
{
	if (text[0] != '{')
		return NULL;
	switch (text[1]) {
	case '{': return "}}";
	case '%': return "%}";
	case '#': return "#}";
	default: return NULL;
	}
}

/* The length of the word at text: it ends at white space outside of quotes and template brackets. 0 with err where a quote
 * or bracket does not end. */
static size_t word_length(const char *text, struct err *err)
{
	char quote = 0;
	size_t i = 0;
	while (text[i] && (quote || !strchr(" \t\n\r", text[i]))) {
		const char *closing = bracket_end(text + i);
		if (closing) {
			const char *end = strstr(text + i + 2, closing);
			if (!end) {
				err_set(err, ERR_INPUT, "a template is opened by \"%.2s\" and not closed by \"%s\"", text + i, closing);
				return 0;
			}
			i = (size_t)(end - text) + 2;
			continue;
		}
		if (text[i] == '\\' && text[i + 1] && quote != '\'') {
			i += 2;
			continue;
		}
		if (quote && text[i] == quote)
			quote = 0;
		else if (!quote && (text[i] == '"' || text[i] == '\''))
			quote = text[i];
		i++;
	}
	if (!quote)
		return i;
	err_set(err, ERR_INPUT, "a quote is opened and not closed: %c", quote);
	return 0;
}

static json_t *unquoted(const char *text, size_t length)
{
	if (length >= 2 && (*text == '"' || *text == '\'') && text[length - 1] == *text &&
	    (length < 3 || text[length - 2] != '\\'))
		return json_stringn(text + 1, length - 2);
	return json_stringn(text, length);
}

/* The name before the equals sign of a k=v word, or NULL. On the heap. */
static char *key_of(const char *word, size_t length)
{
	for (size_t i = 1; i < length; i++) {
		if (word[i] == '=' && word[i - 1] != '\\')
			return mem_strndup(word, i);
	}
	return NULL;
}

static bool is_option(const struct spec *spec, const char *key)
{
	const struct arg *arg = key ? spec_find(spec, key) : NULL;
	return arg && strcmp(arg->name, spec->free_form) != 0 && arg->type != ARG_LIST;
}

/* In a free form only the module's own options are taken out; all the rest stays as it was written. */
static int split(const struct spec *spec, const char *text, json_t *arguments, struct err *err)
{
	auto_buf struct buf rest = BUF_INIT;
	while (*text) {
		size_t space = strspn(text, " \t\n\r");
		const char *word = text + space;
		if (!*word)
			break;
		size_t length = word_length(word, err);
		if (!length)
			return -1;
		auto_free char *key = key_of(word, length);
		if (spec->free_form ? is_option(spec, key) : key != NULL) {
			size_t used = strlen(key) + 1;
			if (json_object_get(arguments, key))
				return err_set(err, ERR_INPUT, "\"%s\" is given twice", key);
			json_object_set_new(arguments, key, unquoted(word + used, length - used));
		} else if (spec->free_form) {
			buf_add(&rest, text, rest.length ? space + length : 0);
			if (!rest.length)
				buf_add(&rest, word, length);
		} else {
			err_set(err, ERR_INPUT, "\"%.*s\" is not of the form key=value", (int)length, word);
			return err_hint(err, "write the arguments as a dictionary");
		}
		text = word + length;
	}
	if (rest.length)
		json_object_set_new(arguments, spec->free_form, json_stringn(buf_text(&rest), rest.length));
	return 0;
}

/* written and extra stand in the playbook, which threads share: they are only ever copied. */
json_t *spec_arguments(const struct spec *spec, json_t *written, json_t *extra, struct err *err)
{
	if (written && !json_is_null(written) && !json_is_string(written) && !json_is_object(written)) {
		err_set(err, ERR_INPUT, "the arguments must be a dictionary or a string");
		return NULL;
	}
	if (extra && !json_is_null(extra) && !json_is_object(extra)) {
		err_set(err, ERR_INPUT, "args must be a dictionary");
		return NULL;
	}
	auto_json json_t *arguments = json_is_object(written) ? json_deep_copy(written) : json_object();
	if (json_is_string(written) && split(spec, json_string_value(written), arguments, err) < 0)
		return NULL;
	const char *key;
	json_t *value;
	json_object_foreach(extra, key, value) {
		if (!json_object_get(arguments, key))
			json_object_set_new(arguments, key, json_deep_copy(value));
	}
	return steal(arguments);
}
