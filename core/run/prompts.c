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

static bool find_own(void *context, const char *name, json_t **value, bool *final)
{
	*value = json_object_get(context, name);
	*final = true;
	return *value != NULL;
}

/* An expression over these names. */
static int evaluate(struct template_vm *vm, const char *expression, json_t *names, json_t **value, struct err *err)
{
	const struct template_scope scope = { .context = names, .find = find_own };
	return template_expression(vm, expression, &scope, value, err);
}

/* What the user says, as text; the default where that is nothing. */
static int answered(struct run_context *run, struct template_vm *vm, json_t *prompt, json_t **value, struct err *err)
{
	const char *name = json_string_value(json_object_get(prompt, "name"));
	const char *question = json_string_value(json_object_get(prompt, "prompt"));
	json_t *fallback = json_object_get(prompt, "default");
	auto_json json_t *names = json_pack("{s:O*}", "value", fallback), *shown = NULL;
	if (!json_is_null(fallback) && fallback && evaluate(vm, "value | string", names, &shown, err) < 0)
		return -1;
	auto_free char *text = shown ? mem_printf("%s [%s]: ", question ? question : name, json_string_value(shown))
	                             : mem_printf("%s: ", question ? question : name);
	struct secret answer = { 0 };
	*value = NULL;
	if (ask(run, prompt, text, &answer) && answer.length) {
		*value = json_stringn(answer.bytes, answer.length);
		if (is_private(prompt))
			event_mask(run->events, answer.bytes, answer.length);
	}
	secret_release(&answer);
	if (!*value)
		*value = shown ? json_incref(shown) : json_string("");
	return 0;
}

const char *prompts_scheme(const char *encrypt)
{
	static const struct { const char *name, *scheme; } rows[] = {
		{ "sha512_crypt", "sha512" }, { "sha256_crypt", "sha256" }, { "md5_crypt", "md5" }, { "bcrypt", "blowfish" },
		{ "sha512", "sha512" }, { "sha256", "sha256" }, { "md5", "md5" }, { "blowfish", "blowfish" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(rows[i].name, encrypt) == 0)
			return rows[i].scheme;
	}
	return NULL;
}

static int encrypt(struct template_vm *vm, json_t *prompt, json_t **value, struct err *err)
{
	const char *name = json_string_value(json_object_get(prompt, "encrypt"));
	const char *scheme = name ? prompts_scheme(name) : NULL;
	if (!scheme)
		return err_set(err, ERR_INPUT, "encrypt is one of sha512_crypt, sha256_crypt, md5_crypt, bcrypt");
	json_t *salt = json_object_get(prompt, "salt"), *size = json_object_get(prompt, "salt_size");
	auto_json json_t *names = json_pack("{s:O, s:s, s:O*, s:O*}", "value", *value, "scheme", scheme, "salt", salt, "size", size);
	auto_free char *expression = mem_printf("value | password_hash(scheme%s%s)", salt ? ", salt=salt" : "",
	                                        size ? ", salt_size=size | int" : "");
	json_decref(*value);
	*value = NULL;
	return evaluate(vm, expression, names, value, err);
}

static int ask_for(struct run_context *run, struct template_vm *vm, json_t *prompt, json_t *values, struct err *err)
{
	const char *name = json_string_value(json_object_get(prompt, "name"));
	auto_json json_t *value = NULL;
	if (!name)
		return err_set(err, ERR_INPUT, "each is a dictionary with name");
	if (json_object_get(run->extra_vars, name))
		return 0;
	if (answered(run, vm, prompt, &value, err) < 0 ||
	    (json_object_get(prompt, "encrypt") && encrypt(vm, prompt, &value, err) < 0))
		return err_wrap(err, "%s", name);
	bool is_unsafe = keyword_bool(json_object_get(prompt, "unsafe")) == 1;
	json_object_set_new(values, name, is_unsafe ? json_pack("{s:O}", "__ansible_unsafe", value) : json_incref(value));
	return 0;
}

int prompts_ask(struct run_context *run, struct template_vm *vm, json_t *prompts, json_t **values, struct err *err)
{
	*values = NULL;
	if (!prompts)
		return 0;
	*values = json_object();
	if (!json_is_array(prompts))
		return ask_for(run, vm, prompts, *values, err);
	for (size_t i = 0; i < json_array_size(prompts); i++) {
		if (ask_for(run, vm, json_array_get(prompts, i), *values, err) < 0)
			return -1;
	}
	return 0;
}
