/* Asking for variables. */
#include "run/prompts.h"

#include <string.h>

#include "base/mem.h"
#include "run/keywords.h"
#include "run/passwords.h"

static bool is_private(json_t *prompt)
{
	json_t *value = json_object_get(prompt, "private");
	return !value || keyword_bool(value) != 0;
}

/* confirm: the same answer twice. false: nobody answers. */
static bool ask(struct run_context *run, json_t *prompt, const char *text, struct secret *answer)
{
	bool echo = !is_private(prompt), confirmed = keyword_bool(json_object_get(prompt, "confirm")) != 1;
	if (!passwords_ask(run, text, echo, answer))
		return false;
	while (!confirmed) {
		auto_free char *again = mem_printf("confirm %s", text);
		struct secret second = { 0 };
		if (!passwords_ask(run, again, echo, &second))
			return false;
		confirmed = second.length == answer->length && memcmp(second.bytes, answer->bytes, second.length) == 0;
		secret_release(&second);
		if (!confirmed && !passwords_ask(run, text, echo, answer))
			return false;
	}
	return true;
}

static json_t *answered(struct run_context *run, json_t *prompt, const char *name)
{
	const char *question = json_string_value(json_object_get(prompt, "prompt"));
	json_t *fallback = json_object_get(prompt, "default");
	auto_free char *shown = fallback && !is_private(prompt) ? node_text(fallback) : NULL;
	auto_free char *text = shown ? mem_printf("%s [%s]: ", question ? question : name, shown)
	                             : mem_printf("%s: ", question ? question : name);
	struct secret answer = { 0 };
	json_t *value = NULL;
	if (ask(run, prompt, text, &answer) && answer.length) {
		value = json_stringn(answer.bytes, answer.length);
		if (is_private(prompt))
			event_mask(run->events, answer.bytes, answer.length);
	}
	secret_release(&answer);
	if (!value)
		value = fallback ? json_deep_copy(fallback) : json_string("");
	return value;
}

int prompts_ask(struct run_context *run, const struct play *play, json_t **values, struct err *err)
{
	struct node prompts = scope_own(&play->scope, "vars_prompt");
	*values = NULL;
	if (!prompts.value)
		return 0;
	*values = json_object();
	for (size_t i = 0; i < (json_is_array(prompts.value) ? json_array_size(prompts.value) : 1); i++) {
		json_t *prompt = json_is_array(prompts.value) ? json_array_get(prompts.value, i) : prompts.value;
		const char *name = json_string_value(json_object_get(prompt, "name"));
		auto_free char *where = node_where(prompts);
		if (!name) {
			err_set(err, ERR_INPUT, "vars_prompt: each is a dictionary with name");
			return err_at(err, "%s", where ? where : "");
		}
		if (json_object_get(prompt, "encrypt")) {
			err_set(err, ERR_INPUT, "vars_prompt: %s: encrypt is not there", name);
			err_hint(err, "use the filter password_hash where the value is used");
			return err_at(err, "%s", where ? where : "");
		}
		if (!json_object_get(run->extra_vars, name))
			json_object_set_new(*values, name, answered(run, prompt, name));
	}
	return 0;
}
