/* Arguments written as a string: key=value words, and the free form of command and its like. */
#include <string.h>

#include "base/mem.h"
#include "model/words.h"
#include "plan/spec.h"

static bool is_option(const struct spec *spec, const char *key)
{
	const struct arg *arg = key ? spec_find(spec, key) : NULL;
	return arg && strcmp(arg->name, spec->free_form) != 0 && arg->type != ARG_LIST;
}

/* In a free form only the module's own options are taken out; all the rest stays as it was written. */
static int split(const struct spec *spec, const char *text, json_t *arguments, struct err *err)
{
	auto_buf struct buf rest = BUF_INIT;
	auto_word struct word word = { 0 };
	int more;
	bool is_open = false; /* the last word is of the free form */
	while ((more = words_next(&text, &word, err)) > 0) {
		is_open = spec->free_form && !is_option(spec, word.key);
		if (spec->free_form ? !is_open : word.key != NULL) {
			if (json_object_get(arguments, word.key))
				return err_set(err, ERR_INPUT, "\"%s\" is given twice", word.key);
			json_object_set_new(arguments, word.key, json_string(word.value));
		} else if (spec->free_form) {
			words_add(&rest, &word);
		} else {
			err_set(err, ERR_INPUT, "\"%s\" is not of the form key=value", word.text);
			return err_hint(err, "write the arguments as a dictionary");
		}
	}
	if (rest.length && is_open && word.space)
		buf_str(&rest, word.space); /* what ends the text belongs to it */
	if (rest.length)
		json_object_set_new(arguments, spec->free_form, json_stringn(buf_text(&rest), rest.length));
	return more;
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
