/* Reading of -e. */
#include "run/extra_vars.h"

#include <string.h>

#include "model/playbook.h"
#include "model/vars.h"
#include "model/words.h"

static json_t *read_file(const char *path, struct vault *vault, struct problems *problems, struct err *err)
{
	struct document *document = NULL;
	json_t *values = NULL;
	if (playbook_load_vars(&document, path, vault, problems) == 0)
		values = json_deep_copy(document_root(document).value);
	else
		err_set(err, ERR_INPUT, "-e @%s: the file cannot be used", path);
	document_free(document);
	return values;
}

static json_t *read_json(const char *text, struct problems *problems, struct err *err)
{
	struct document *document = NULL;
	json_t *values = NULL;
	if (document_parse_as(&document, DOCUMENT_EITHER, "-e", text, strlen(text), problems) == 0)
		values = json_deep_copy(document_root(document).value);
	if (values && !json_is_object(values)) {
		json_decref(values);
		values = NULL;
	}
	document_free(document);
	if (!values)
		err_set(err, ERR_INPUT, "-e %s: this is not a dictionary in JSON or YAML", text);
	return values;
}

static json_t *read_words(const char *text, struct err *err)
{
	json_t *values = words_pairs(text, err);
	const char *rest = json_string_value(json_object_get(values, "_raw_params"));
	if (!rest)
		return values;
	err_set(err, ERR_USAGE, "-e %s: \"%s\" is not name=value", text, rest);
	err_hint(err, "give name=value words, a dictionary in JSON or YAML, or @FILE");
	json_decref(values);
	return NULL;
}

json_t *extra_vars_read(const char *const *given, size_t count, bool merges, struct vault *vault, struct problems *problems,
                        struct err *err)
{
	auto_json json_t *all = json_object();
	for (size_t i = 0; i < count; i++) {
		const char *text = given[i] + strspn(given[i], " \t\n");
		auto_json json_t *values = text[0] == '@' ? read_file(text + 1, vault, problems, err)
		                         : text[0] == '{' ? read_json(text, problems, err)
		                                          : read_words(text, err);
		if (!values)
			return NULL;
		vars_put_all(all, values, merges);
	}
	return steal(all);
}
