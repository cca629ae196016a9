/* validate_argument_spec: values compared with a specification of arguments, as roles have it in meta/argument_specs. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "plan/module.h"
#include "plan/spec_convert.h"
#include "run/argument_spec.h"

struct validate_want { json_t *argument_spec, *provided_arguments, *validate_args_context; };

static const struct arg validate_args[] = {
	{ .name = "argument_spec", .type = ARG_RAW, .required = true, .offset = offsetof(struct validate_want, argument_spec),
	  .doc = "The names of the arguments, each with type, required, default, choices, elements, options, aliases." },
	{ .name = "provided_arguments", .type = ARG_RAW, .offset = offsetof(struct validate_want, provided_arguments),
	  .doc = "Values by name; others are taken from the variables of these names." },
	{ .name = "validate_args_context", .type = ARG_RAW, .offset = offsetof(struct validate_want, validate_args_context),
	  .doc = "Said again in the result." },
	{ 0 },
};

static const struct module_example validate_examples[] = {
	{ "Check what a playbook is given",
	  "{\"name\": \"arguments are right\", \"validate_argument_spec\": {\"argument_spec\": {\"port\": {\"type\": \"int\", "
	  "\"required\": true}, \"mode\": {\"choices\": [\"fast\", \"safe\"]}}}}" },
	{ 0 },
};

static const struct module_return validate_returns[] = {
	{ "argument_errors", "list", "What is wrong." },
	{ "argument_spec_data", "dict", "The specification, where something is wrong." },
	{ "validate_args_context", "dict", "As given." },
	{ 0 },
};

/* ---- one level of a specification ---- */

struct validating {
	json_t *errors;
	json_t *unsupported; /* names with what they are in: "d.extra" */
	json_t *supported;   /* of the last level that lacked a name, or of the top where that does */
};

struct level {
	const char *found_in; /* "d -> e", "" at the top */
	const char *prefix;   /* "d.e." */
};

static void complain(struct validating *validating, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct validating *validating, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	auto_free char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	json_t *line = json_string(text);
	json_array_append_new(validating->errors, line ? line : json_string("a value that is not text is wrong"));
}

static const char *python_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING: return "str";
	case JSON_INTEGER: return "int";
	case JSON_REAL: return "float";
	case JSON_TRUE:
	case JSON_FALSE: return "bool";
	case JSON_ARRAY: return "list";
	case JSON_OBJECT: return "dict";
	default: return "NoneType";
	}
}

static const char *text_of(json_t *options, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(options, key));
	return text ? text : otherwise;
}

/* The texts of a list of strings, sorted and joined. */
static char *joined(json_t *list)
{
	size_t count = json_array_size(list);
	auto_free const char **sorted = mem_array(count + 1, sizeof(*sorted));
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < count; i++)
		sorted[i] = json_string_value(json_array_get(list, i));
	qsort(sorted, count, sizeof(*sorted), text_order);
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", sorted[i]);
	return mem_strdup(buf_text(&text));
}

/* The value under the name, or one of its aliases. */
static json_t *value_of(json_t *values, const char *name, json_t *options)
{
	json_t *value = json_object_get(values, name), *aliases = json_object_get(options, "aliases");
	for (size_t i = 0; !value && i < json_array_size(aliases); i++) {
		const char *alias = json_string_value(json_array_get(aliases, i));
		value = alias ? json_object_get(values, alias) : NULL;
	}
	return value && !json_is_null(value) ? value : json_object_get(options, "default");
}

json_t *argument_spec_find(json_t *spec, const char *name)
{
	const char *key;
	json_t *options = json_object_get(spec, name);
	if (options)
		return options;
	json_object_foreach(spec, key, options) {
		json_t *aliases = json_object_get(options, "aliases");
		for (size_t i = 0; i < json_array_size(aliases); i++) {
			const char *alias = json_string_value(json_array_get(aliases, i));
			if (alias && strcmp(alias, name) == 0)
				return options;
		}
	}
	return NULL;
}

static void find_unsupported(struct validating *validating, const struct level *level, json_t *spec, json_t *values)
{
	const char *name;
	json_t *value;
	bool any = false;
	json_object_foreach(values, name, value) {
		if (argument_spec_find(spec, name))
			continue;
		auto_free char *whole = mem_printf("%s%s", level->prefix, name);
		json_array_append_new(validating->unsupported, json_string(whole));
		any = true;
	}
	if (!any || (validating->supported && *level->prefix))
		return;
	json_decref(validating->supported);
	validating->supported = json_array();
	json_object_foreach(spec, name, value)
		json_array_append_new(validating->supported, json_string(name));
}

static void find_missing(struct validating *validating, const struct level *level, json_t *spec, json_t *values)
{
	const char *name;
	json_t *options;
	auto_json json_t *missing = json_array();
	json_object_foreach(spec, name, options) {
		json_t *given = value_of(values, name, options);
		if (json_is_true(json_object_get(options, "required")) && !given)
			json_array_append_new(missing, json_string(name));
	}
	auto_free char *names = joined(missing);
	if (*names)
		complain(validating, "missing required arguments: %s%s%s", names, *level->found_in ? " found in " : "", level->found_in);
}

/* ---- types ---- */

static enum arg_type type_of(const char *name)
{
	static const struct { const char *name; enum arg_type type; } types[] = {
		{ "int", ARG_INT }, { "float", ARG_FLOAT }, { "bool", ARG_BOOL }, { "list", ARG_LIST }, { "dict", ARG_DICT },
		{ "raw", ARG_RAW }, { "json", ARG_RAW }, { "jsonarg", ARG_RAW },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	}
	return ARG_RAW; /* str, path and the rest: anything has a text */
}

static void ignore_report(void *context, const char *path, bool at_key, const char *hint, const char *text)
{
	(void)context, (void)path, (void)at_key, (void)hint, (void)text;
}

static const char *why_not(json_t *value, enum arg_type type, struct arena *arena)
{
	if (type == ARG_BOOL && json_is_string(value))
		return arena_printf(arena, "The value '%s' is not a valid boolean.  Valid booleans include: 'yes', 'on', '1', 'true', 't', 'y', "
		                           "1, 'no', 'off', '0', 'false', 'f', 'n', 0", json_string_value(value));
	if (type == ARG_DICT && json_is_string(value))
		return "dictionary requested, could not parse JSON or key=value";
	return arena_printf(arena, "<class '%s'> cannot be converted to a%s", python_type(value),
	                    type == ARG_INT ? "n int" : type == ARG_FLOAT ? " float" : type == ARG_BOOL ? " bool"
	                    : type == ARG_LIST ? " list" : " dict");
}

/* The value in its type, new; NULL where it cannot be. */
static json_t *converted(json_t *value, enum arg_type type)
{
	if (type == ARG_RAW)
		return json_incref(value);
	return spec_convert(type, value, "", ignore_report, NULL);
}

static void check_elements(struct validating *validating, const char *name, json_t *options, json_t *list)
{
	const char *elements = text_of(options, "elements", NULL);
	struct arena arena = { 0 };
	for (size_t i = 0; elements && i < json_array_size(list); i++) {
		json_t *value = json_array_get(list, i), *element = converted(value, type_of(elements));
		if (element) {
			json_array_set_new(list, i, element);
			continue;
		}
		complain(validating, "Elements value for option '%s' is of type <class '%s'> and we were unable to convert to %s: %s", name,
		         python_type(value), elements, why_not(value, type_of(elements), &arena));
		break;
	}
	arena_release(&arena);
}

/* ---- choices ---- */

static char *plain_text(json_t *value)
{
	auto_buf struct buf text = BUF_INIT;
	return spec_convert_text(&text, value) ? mem_strdup(buf_text(&text)) : json_dumps(value, JSON_ENCODE_ANY);
}

static bool is_choice(json_t *choices, json_t *value)
{
	auto_free char *text = plain_text(value);
	for (size_t i = 0; i < json_array_size(choices); i++) {
		auto_free char *choice = plain_text(json_array_get(choices, i));
		if (choice && text && strcmp(choice, text) == 0)
			return true;
	}
	return false;
}

static void check_choices(struct validating *validating, const struct level *level, const char *name, json_t *choices,
                          json_t *value)
{
	auto_buf struct buf list = BUF_INIT, wrong = BUF_INIT;
	for (size_t i = 0; i < json_array_size(choices); i++) {
		auto_free char *choice = plain_text(json_array_get(choices, i));
		buf_printf(&list, "%s%s", i ? ", " : "", choice ? choice : "");
	}
	for (size_t i = 0; i < (json_is_array(value) ? json_array_size(value) : 1); i++) {
		json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
		auto_free char *text = is_choice(choices, one) ? NULL : plain_text(one);
		if (text)
			buf_printf(&wrong, "%s%s", wrong.length ? ", " : "", text);
	}
	if (!wrong.length)
		return;
	const char *words = json_is_array(value) ? "one or more of" : "one of", *got = json_is_array(value) ? ". Got no match for" : ", got";
	complain(validating, "value of %s must be %s: %s%s: %s%s%s", name, words, buf_text(&list), got, buf_text(&wrong),
	         *level->found_in ? " found in " : "", level->found_in);
}

/* ---- all of it ---- */

static void check_level(struct validating *validating, const struct level *level, json_t *spec, json_t *values);

static void check_inside(struct validating *validating, const struct level *outer, const char *name, json_t *options, json_t *value)
{
	json_t *spec = json_object_get(options, "options");
	if (!json_is_object(spec))
		return;
	auto_free char *found_in = mem_printf("%s%s%s", outer->found_in, *outer->found_in ? " -> " : "", name);
	auto_free char *prefix = mem_printf("%s%s.", outer->prefix, name);
	const struct level level = { found_in, prefix };
	if (json_is_object(value))
		check_level(validating, &level, spec, value);
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (json_is_object(json_array_get(value, i)))
			check_level(validating, &level, spec, json_array_get(value, i));
		else
			complain(validating, "value of '%s' must be of type dict or list of dicts", name);
	}
}

static json_t *check_type(struct validating *validating, const struct level *level, const char *name, json_t *options, json_t *value)
{
	const char *wanted = text_of(options, "type", "str");
	json_t *typed = converted(value, type_of(wanted));
	if (typed)
		return typed;
	struct arena arena = { 0 };
	const char *place = *level->found_in ? arena_printf(&arena, " found in '%s'.", level->found_in) : "";
	complain(validating, "argument '%s' is of type <class '%s'>%s and we were unable to convert to %s: %s", name, python_type(value),
	         place, wanted, why_not(value, type_of(wanted), &arena));
	arena_release(&arena);
	return NULL;
}

static void check_level(struct validating *validating, const struct level *level, json_t *spec, json_t *values)
{
	const char *name;
	json_t *options, *value;
	find_unsupported(validating, level, spec, values);
	find_missing(validating, level, spec, values);
	auto_json json_t *typed = json_object();
	json_object_foreach(spec, name, options) {
		value = value_of(values, name, options);
		json_t *new_value = value && !json_is_null(value) ? check_type(validating, level, name, options, value) : NULL;
		auto_json json_t *own = new_value ? json_deep_copy(new_value) : NULL;
		json_decref(new_value);
		if (!own)
			continue;
		if (json_is_array(own))
			check_elements(validating, name, options, own);
		json_object_set(typed, name, own);
	}
	json_object_foreach(spec, name, options) {
		if (json_is_array(json_object_get(options, "choices")) && (value = json_object_get(typed, name)))
			check_choices(validating, level, name, json_object_get(options, "choices"), value);
	}
	json_object_foreach(spec, name, options) {
		if ((value = json_object_get(typed, name)))
			check_inside(validating, level, name, options, value);
	}
}

static void report_unsupported(struct validating *validating)
{
	if (!json_array_size(validating->unsupported))
		return;
	auto_free char *names = joined(validating->unsupported), *supported = joined(validating->supported);
	complain(validating, "%s. Supported parameters include: %s.", names, supported);
}

enum arg_type argument_spec_type(json_t *options) { return type_of(text_of(options, "type", "str")); }

json_t *argument_spec_faults(const char *name, json_t *options, json_t *value)
{
	struct validating validating = { .errors = json_array(), .unsupported = json_array() };
	auto_json json_t *spec = json_pack("{s:O}", name, options), *values = json_pack("{s:O}", name, value);
	check_level(&validating, &(struct level){ "", "" }, spec, values);
	report_unsupported(&validating);
	json_decref(validating.unsupported);
	json_decref(validating.supported);
	return validating.errors;
}

/* What is given, and the variables of the names that are not; NULL: not answered yet, or the task was failed. */
static json_t *gather_values(const struct validate_want *want, struct decision *decision)
{
	auto_json json_t *values = want->provided_arguments && json_is_object(want->provided_arguments)
		? json_deep_copy(want->provided_arguments) : json_object();
	const char *name;
	json_t *options;
	bool waits = false;
	json_object_foreach(want->argument_spec, name, options) {
		if (json_object_get(values, name))
			continue;
		const struct ask ask = { .kind = ASK_VARIABLE, .side = ASK_ON_CONTROLLER, .path = name, .follow = true };
		const struct answer *answer = ask_any(decision, &ask);
		waits = waits || !answer;
		if (answer && answer->state == ANSWER_FAILED)
			result_fail(decision, "%s: %s", name, answer->why);
		else if (answer && answer->state == ANSWER_OK)
			json_object_set_new(values, name, json_deep_copy(answer->facts));
	}
	return waits || decision->failed ? NULL : steal(values);
}

static int validate_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct validate_want *want = wanted;
	bool has_values = want->provided_arguments && !json_is_null(want->provided_arguments);
	if (!json_is_object(want->argument_spec))
		return result_fail(decision, "Incorrect type for argument_spec, expected dict and got <class '%s'>",
		                   python_type(want->argument_spec));
	if (has_values && !json_is_object(want->provided_arguments))
		return result_fail(decision, "Incorrect type for provided_arguments, expected dict and got <class '%s'>",
		                   python_type(want->provided_arguments));
	result_set(decision, "validate_args_context",
	           want->validate_args_context ? json_deep_copy(want->validate_args_context) : json_object());
	auto_json json_t *values = gather_values(want, decision);
	if (!values)
		return 0;
	struct validating validating = { .errors = json_array(), .unsupported = json_array() };
	check_level(&validating, &(struct level){ "", "" }, want->argument_spec, values);
	report_unsupported(&validating);
	json_decref(validating.unsupported);
	json_decref(validating.supported);
	auto_json json_t *errors = validating.errors;
	if (!json_array_size(errors)) {
		result_str(decision, "msg", "The arg spec validation passed");
		return 0;
	}
	result_set(decision, "argument_spec_data", json_deep_copy(want->argument_spec));
	result_set(decision, "argument_errors", json_incref(errors));
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < json_array_size(errors); i++)
		buf_printf(&text, "\n%s", json_string_value(json_array_get(errors, i)));
	return result_fail(decision, "Validation of arguments failed:%s", buf_text(&text));
}

const struct module validate_argument_spec_module = {
	.name = "validate_argument_spec",
	.doc = "Compares variables with a specification of arguments. A role's own, in meta/argument_specs, is compared when it begins.",
	.spec = { .args = validate_args, .want_size = sizeof(struct validate_want) },
	.examples = validate_examples,
	.returns = validate_returns,
	.decide = validate_decide,
	.acts_on_run = true,
};
