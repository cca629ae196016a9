/* Binding: a task's arguments checked against a module's table and made canonical. */
#include "plan/spec.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "base/suggest.h"
#include "model/vault.h"
#include "plan/spec_convert.h"

struct binding { /* of one dictionary of arguments, at the top or nested */
	const struct arg *args;
	const struct rule *rules;
	const char *prefix;   /* "options." for a nested one, "" at the top */
	unsigned flags;
	spec_report *report;
	void *context;
	json_t *secrets;
	bool any_key;
	bool wrong;           /* something was reported */
};

static json_t *bind(struct binding *binding, json_t *arguments);

static void complain(struct binding *binding, const char *name, bool at_key, const char *hint, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static void complain(struct binding *binding, const char *name, bool at_key, const char *hint, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	auto_free char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	auto_free char *path = mem_printf("%s%s", binding->prefix, name);
	size_t length = strlen(path);
	if (!*name && length)
		path[length - 1] = 0;
	binding->report(binding->context, path, at_key, hint, text);
	binding->wrong = true;
}

bool spec_is_template(const char *text)
{
	for (; (text = strchr(text, '{')); text++) {
		if (text[1] == '{' || text[1] == '%' || text[1] == '#')
			return true;
	}
	return false;
}

bool spec_has_template(const json_t *value)
{
	if (json_is_string(value))
		return spec_is_template(json_string_value(value));
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (spec_has_template(json_array_get(value, i)))
			return true;
	}
	const char *key;
	json_t *member;
	json_object_foreach((json_t *)value, key, member) {
		if (spec_is_template(key) || spec_has_template(member))
			return true;
	}
	return false;
}

static bool is_unknown(const struct binding *binding, json_t *value)
{
	if (!(binding->flags & SPEC_TEMPLATES))
		return false;
	return vault_value_is_text(value) || (json_is_string(value) && spec_is_template(json_string_value(value)));
}

/* ---- names ---- */

static bool has_name(const struct arg *arg, const char *name)
{
	if (strcmp(arg->name, name) == 0)
		return true;
	for (const char *const *alias = arg->aliases; alias && *alias; alias++) {
		if (strcmp(*alias, name) == 0)
			return true;
	}
	return false;
}

static const struct arg *find_arg(const struct arg *args, const char *name)
{
	for (; args && args->name; args++) {
		if (has_name(args, name))
			return args;
	}
	return NULL;
}

const struct arg *spec_find(const struct spec *spec, const char *name)
{
	return find_arg(spec->args, name);
}

static void complain_unknown(struct binding *binding, const char *name)
{
	struct suggest suggest;
	suggest_start(&suggest, name);
	for (const struct arg *arg = binding->args; arg && arg->name; arg++) {
		suggest_offer(&suggest, arg->name);
		for (const char *const *alias = arg->aliases; alias && *alias; alias++)
			suggest_offer(&suggest, *alias);
	}
	auto_buf struct buf hint = BUF_INIT;
	if (suggest.best) {
		buf_printf(&hint, "did you mean \"%s\"?", suggest.best);
	} else {
		buf_str(&hint, "it takes");
		for (const struct arg *arg = binding->args; arg && arg->name; arg++)
			buf_printf(&hint, "%s %s", arg == binding->args ? "" : ",", arg->name);
	}
	bool none = !binding->args || !binding->args->name;
	complain(binding, name, true, none ? "it takes no arguments" : buf_text(&hint), "unknown argument \"%s\"", name);
}

/* ---- values ---- */

static void remember_secret(struct binding *binding, const struct arg *arg, json_t *value)
{
	if (arg->type == ARG_SECRET && binding->secrets && json_is_string(value) && json_string_length(value))
		json_array_append_new(binding->secrets, json_string(json_string_value(value)));
}

static bool is_choice(const struct arg *arg, const char *text)
{
	for (const char *const *choice = arg->choices; *choice; choice++) {
		if (strcmp(*choice, text) == 0)
			return true;
	}
	return false;
}

static void check_choice(struct binding *binding, const struct arg *arg, const char *path, json_t *value)
{
	auto_buf struct buf text = BUF_INIT, hint = BUF_INIT;
	if (!arg->choices || arg->type == ARG_MODE || is_unknown(binding, value) || !spec_convert_text(&text, value) ||
	    is_choice(arg, buf_text(&text)))
		return;
	struct suggest suggest;
	suggest_start(&suggest, buf_text(&text));
	auto_buf struct buf all = BUF_INIT;
	for (const char *const *choice = arg->choices; *choice; choice++) {
		suggest_offer(&suggest, *choice);
		buf_printf(&all, "%s%s", all.length ? ", " : "", *choice);
	}
	if (suggest.best)
		buf_printf(&hint, "did you mean \"%s\"?", suggest.best);
	complain(binding, path, false, hint.length ? buf_text(&hint) : NULL, "must be one of %s, not \"%s\"", buf_text(&all),
	         buf_text(&text));
}

/* A text that is not as the table wants it. */
static void check_text(struct binding *binding, const struct arg *arg, const char *path, json_t *value)
{
	const char *text = json_string_value(value);
	if (!text || !(arg->pattern || arg->regex) || is_unknown(binding, value))
		return;
	struct err err = ERR_INIT;
	auto_pattern struct pattern *own = arg->regex ? pattern_new(text, 0, &err) : NULL;
	if (arg->regex && !own)
		complain(binding, path, false, *err.hint ? err.hint : NULL, "%s", err.text);
	auto_pattern struct pattern *wanted = arg->pattern ? pattern_new(arg->pattern, 0, &err) : NULL;
	if (wanted && !pattern_matches(wanted, text, strlen(text), PATTERN_SEARCH))
		complain(binding, path, false, NULL, "must %s", arg->pattern_doc);
}

static json_t *convert(struct binding *binding, enum arg_type type, json_t *value, const char *path)
{
	if (is_unknown(binding, value) && type != ARG_CONDITION && type != ARG_EXPRESSION)
		return json_string(json_string_value(value));
	auto_free char *full = mem_printf("%s%s", binding->prefix, path);
	json_t *converted = spec_convert(type, value, full, binding->report, binding->context);
	binding->wrong = binding->wrong || !converted;
	return converted;
}

static json_t *bind_options(struct binding *binding, const struct arg *arg, const char *path, json_t *value)
{
	if (!json_is_object(value))
		return json_incref(value);
	auto_free char *prefix = mem_printf("%s%s.", binding->prefix, path);
	struct binding nested = *binding;
	nested.args = arg->options;
	nested.rules = NULL;
	nested.prefix = prefix;
	nested.any_key = false;
	nested.wrong = false;
	json_t *bound = bind(&nested, value);
	binding->wrong = binding->wrong || nested.wrong;
	return bound;
}

static json_t *bind_elements(struct binding *binding, const struct arg *arg, json_t *list)
{
	auto_json json_t *bound = json_array();
	size_t i;
	json_t *element;
	enum arg_type type = arg->options ? ARG_DICT : arg->elements;
	json_array_foreach(list, i, element) {
		auto_free char *path = mem_printf("%s[%zu]", arg->name, i);
		auto_json json_t *value = json_is_null(element) ? json_null() : convert(binding, type, element, path);
		if (value && arg->type == ARG_LIST) {
			check_choice(binding, arg, path, value);
			check_text(binding, arg, path, value);
		}
		if (value && arg->options)
			json_array_append_new(bound, bind_options(binding, arg, path, value));
		else if (value)
			json_array_append(bound, value);
	}
	return steal(bound);
}

/* YAML makes true of yes: the choice that a boolean stands for, if there is just one. */
static const char *choice_of_boolean(const struct arg *arg, const json_t *value)
{
	static const char *const words[2][6] = { { "no", "off", "false", "n", "f", "0" }, { "yes", "on", "true", "y", "t", "1" } };
	const char *found = NULL;
	if (!arg->choices || arg->type != ARG_STR || !json_is_boolean(value))
		return NULL;
	for (size_t i = 0; i < 6; i++) {
		const char *word = words[json_is_true(value)][i];
		if (is_choice(arg, word) && found)
			return NULL;
		if (is_choice(arg, word))
			found = word;
	}
	return found;
}

/* The canonical value of one argument; NULL after a report. */
static json_t *bind_value(struct binding *binding, const struct arg *arg, const char *written, json_t *value)
{
	const char *meant = choice_of_boolean(arg, value);
	if (meant)
		return json_string(meant);
	bool is_word = arg->type == ARG_MODE && arg->choices && json_is_string(value) &&
	               is_choice(arg, json_string_value(value));
	auto_json json_t *converted = convert(binding, is_word ? ARG_STR : arg->type, value, written);
	if (!converted)
		return NULL;
	remember_secret(binding, arg, converted);
	if (arg->type == ARG_LIST && json_is_array(converted))
		return bind_elements(binding, arg, converted);
	check_choice(binding, arg, written, converted);
	check_text(binding, arg, written, converted);
	if (arg->type == ARG_DICT && arg->options)
		return bind_options(binding, arg, written, converted);
	return json_incref(converted);
}

static void bind_written(struct binding *binding, json_t *arguments, json_t *bound)
{
	const char *key;
	json_t *value;
	json_object_foreach(arguments, key, value) {
		const struct arg *arg = find_arg(binding->args, key);
		if (!arg && binding->any_key) {
			json_object_set_new(bound, key, json_deep_copy(value));
			continue;
		}
		if (!arg) {
			complain_unknown(binding, key);
			continue;
		}
		if (json_is_null(value) && arg->type != ARG_RAW)
			continue;
		auto_json json_t *canonical = bind_value(binding, arg, key, value);
		json_t *other = json_object_get(bound, arg->name);
		if (other && canonical && !json_equal(other, canonical))
			complain(binding, key, true, "keep one of them", "\"%s\" and another name of the same argument, \"%s\", differ",
			         key, arg->name);
		if (canonical)
			json_object_set(bound, arg->name, canonical);
	}
}

static void fill_defaults(struct binding *binding, json_t *bound)
{
	for (const struct arg *arg = binding->args; arg && arg->name; arg++) {
		if (json_object_get(bound, arg->name))
			continue;
		if (arg->fallback)
			json_object_set_new(bound, arg->name, json_loads(arg->fallback, JSON_DECODE_ANY, NULL));
	}
}

/* Whether an argument was written, under any of its names, be it wrong or not. */
static bool is_written(json_t *arguments, const struct arg *arg)
{
	const char *key;
	json_t *value;
	json_object_foreach(arguments, key, value) {
		if (has_name(arg, key) && (!json_is_null(value) || arg->type == ARG_RAW))
			return true;
	}
	return false;
}

static void check_required(struct binding *binding, json_t *arguments)
{
	auto_buf struct buf missing = BUF_INIT;
	size_t count = 0;
	for (const struct arg *arg = binding->args; arg && arg->name; arg++) {
		if (!arg->required || is_written(arguments, arg))
			continue;
		buf_printf(&missing, "%s%s", count++ ? ", " : "", arg->name);
	}
	if (count)
		complain(binding, "", false, NULL, "missing required argument%s: %s", count > 1 ? "s" : "", buf_text(&missing));
}

/* ---- rules ---- */

struct counted {
	size_t given, maybe, count; /* maybe: may be omitted by its template */
	struct buf names, missing;
};

static void counted_release(struct counted *counted)
{
	buf_release(&counted->names);
	buf_release(&counted->missing);
}

static bool may_be_omitted(const struct binding *binding, json_t *value)
{
	return is_unknown(binding, value) && strstr(json_string_value(value), "omit");
}

static struct counted count_names(const struct binding *binding, const struct rule *rule, json_t *bound,
                                  const char *separator)
{
	struct counted counted = { 0 };
	for (const char *const *name = rule->names; *name; name++) {
		json_t *value = json_object_get(bound, *name);
		if (may_be_omitted(binding, value))
			counted.maybe++;
		else if (value && !json_is_null(value))
			counted.given++;
		else
			buf_printf(&counted.missing, "%s%s", counted.missing.length ? ", " : "", *name);
		counted.count++;
		if (value || rule->kind != RULE_EXCLUSIVE)
			buf_printf(&counted.names, "%s%s", counted.names.length ? separator : "", *name);
	}
	return counted;
}

/* As rules and people write it. */
static bool add_value(struct buf *out, json_t *value)
{
	if (!json_is_boolean(value))
		return spec_convert_text(out, value);
	buf_str(out, json_is_true(value) ? "true" : "false");
	return true;
}

/* Whether the argument that a rule depends on has one of the rule's values: 1, 0, or -1 where that is not known. */
static int has_value(const struct binding *binding, const struct rule *rule, json_t *bound)
{
	json_t *value = json_object_get(bound, rule->if_name);
	auto_buf struct buf text = BUF_INIT;
	if (!value || is_unknown(binding, value) || !add_value(&text, value))
		return -1;
	for (const char *const *wanted = rule->if_values; *wanted; wanted++) {
		if (strcmp(buf_text(&text), *wanted) == 0)
			return 1;
	}
	return 0;
}

static bool rule_applies(const struct binding *binding, const struct rule *rule, json_t *bound)
{
	json_t *value = json_object_get(bound, rule->if_name);
	if (rule->kind == RULE_REQUIRED_BY)
		return value && !is_unknown(binding, value);
	return has_value(binding, rule, bound) == 1;
}

static void check_conditional(struct binding *binding, const struct rule *rule, json_t *bound)
{
	if (!rule_applies(binding, rule, bound))
		return;
	auto_(counted_release) struct counted counted = count_names(binding, rule, bound, ", ");
	size_t there = counted.given + counted.maybe;
	if (rule->any_of ? there > 0 : there == counted.count)
		return;
	const char *which = rule->any_of && counted.count > 1 ? "one of " : "";
	auto_buf struct buf now = BUF_INIT;
	if (rule->kind == RULE_REQUIRED_IF)
		add_value(&now, json_object_get(bound, rule->if_name));
	complain(binding, "", false, NULL, "%s%s%s%s needs %s%s too", rule->if_name, now.length ? " is " : "", buf_text(&now),
	         now.length ? ", which" : "", which, buf_text(&counted.missing));
}

/* What is off or empty does nothing, and is no fault; what a template gives may be either. */
static bool has_effect(const struct binding *binding, json_t *value)
{
	const char *text = json_string_value(value);
	return value && !json_is_null(value) && !json_is_false(value) && !is_unknown(binding, value) && !(text && !*text);
}

static void check_allowed(struct binding *binding, const struct rule *rule, json_t *written, json_t *bound)
{
	if (has_value(binding, rule, bound) != 0)
		return;
	auto_buf struct buf now = BUF_INIT, values = BUF_INIT;
	add_value(&now, json_object_get(bound, rule->if_name));
	for (size_t i = 0; rule->if_values[i]; i++)
		buf_printf(&values, "%s%s", i == 0 ? "" : rule->if_values[i + 1] ? ", " : " or ", rule->if_values[i]);
	for (const char *const *name = rule->names; *name; name++) {
		if (has_effect(binding, json_object_get(written, *name)))
			complain(binding, *name, true, NULL, "\"%s\" is for %s %s, and %s is %s", *name, rule->if_name,
			         buf_text(&values), rule->if_name, buf_text(&now));
	}
}

/* Rules look at what was written, but for the values that they compare, which may be defaults. */
static void check_rules(struct binding *binding, json_t *written, json_t *bound)
{
	for (const struct rule *rule = binding->rules; rule && rule->names; rule++) {
		if (rule->kind == RULE_REQUIRED_IF || rule->kind == RULE_REQUIRED_BY) {
			check_conditional(binding, rule, rule->kind == RULE_REQUIRED_BY ? written : bound);
			continue;
		}
		if (rule->kind == RULE_ALLOWED_IF) {
			check_allowed(binding, rule, written, bound);
			continue;
		}
		auto_(counted_release) struct counted counted = count_names(binding, rule, written, ", ");
		size_t there = counted.given + counted.maybe;
		if (rule->kind == RULE_EXCLUSIVE && counted.given > 1)
			complain(binding, "", false, "keep one of them", "these arguments exclude each other: %s", buf_text(&counted.names));
		if (rule->kind == RULE_TOGETHER && there && there < counted.count)
			complain(binding, "", false, NULL, "these arguments go together: %s (missing: %s)", buf_text(&counted.names),
			         buf_text(&counted.missing));
		if (rule->kind == RULE_ONE_OF && !there)
			complain(binding, "", false, NULL, "one of these arguments is needed: %s", buf_text(&counted.names));
	}
}

/* ---- the whole ---- */

static json_t *bind(struct binding *binding, json_t *arguments)
{
	auto_json json_t *written = json_object();
	bind_written(binding, arguments, written);
	check_required(binding, arguments);
	auto_json json_t *bound = json_copy(written);
	fill_defaults(binding, bound);
	check_rules(binding, written, bound);
	return steal(bound);
}

json_t *spec_bind(const struct spec *spec, json_t *arguments, unsigned flags, spec_report *report, void *context,
                  json_t *secrets)
{
	struct binding binding = {
		.args = spec->args, .rules = spec->rules, .prefix = "", .flags = flags, .report = report, .context = context,
		.secrets = secrets, .any_key = spec->any_key,
	};
	auto_json json_t *bound = bind(&binding, arguments);
	return binding.wrong ? NULL : steal(bound);
}

static void fill_one(const struct arg *arg, json_t *value, void *at)
{
	switch (arg->type) {
	case ARG_STR: case ARG_PATH: case ARG_MODE: case ARG_SECRET:
		*(const char **)at = json_string_value(value);
		break;
	case ARG_INT:
		*(long long *)at = value ? (long long)json_integer_value(value) : ARG_NO_INT;
		break;
	case ARG_FLOAT:
		*(double *)at = value ? json_number_value(value) : NAN;
		break;
	case ARG_BOOL:
		*(int *)at = value ? json_is_true(value) : -1;
		break;
	default:
		*(json_t **)at = value;
	}
}

void spec_fill(const struct spec *spec, json_t *canonical, void *want)
{
	for (const struct arg *arg = spec->args; arg && arg->name; arg++) {
		json_t *value = json_object_get(canonical, arg->name);
		bool is_absent = !value || (json_is_null(value) && arg->type != ARG_RAW);
		fill_one(arg, is_absent ? NULL : value, (char *)want + arg->offset);
	}
}

const char *spec_type_name(enum arg_type type)
{
	static const char *const names[] = {
		[ARG_STR] = "str", [ARG_INT] = "int", [ARG_FLOAT] = "float", [ARG_BOOL] = "bool", [ARG_PATH] = "path",
		[ARG_MODE] = "mode", [ARG_LIST] = "list", [ARG_DICT] = "dict", [ARG_SECRET] = "secret", [ARG_RAW] = "raw",
		[ARG_CONDITION] = "condition", [ARG_EXPRESSION] = "expression",
	};
	return names[type];
}
