/* The check of one task's arguments by its module's table, each fault at the place where the argument is written. */
#include <string.h>

#include "base/mem.h"
#include "run/check_inside.h"

struct binding { /* of one task's arguments */
	struct check *check;
	const struct entry *entry;
	const struct module *module;
};

/* The member of a path such as "options.name" or "list[2]" as written; value NULL if it is not there. */
static struct node walk_path(struct node node, const char *path)
{
	struct node whole = node_get(node, path);
	if (whole.value || !*path)
		return whole;
	while (*path && node.value) {
		if (*path == '[') {
			char *end = NULL;
			size_t index = strtoul(path + 1, &end, 10);
			if (json_is_array(node.value)) /* else one value stands for the list */
				node = node_at(node, index);
			path = *end == ']' ? end + 1 : end;
		} else {
			path += *path == '.';
			size_t length = strcspn(path, ".[");
			auto_free char *key = mem_strndup(path, length);
			node = node_get(node, key);
			path += length;
		}
	}
	return node;
}

/* Moves the place to the word "name=..." of arguments that are a string, where its characters stand as in the file. */
static void point_into_string(struct node *node, const char *name)
{
	const char *text = json_string_value(node->value);
	size_t length = strlen(name);
	if (!text || (size_t)node->place.width != strlen(text) + 2)
		return;
	for (const char *at = text; (at = strstr(at, name)); at += length) {
		if (at[length] != '=' || (at > text && !strchr(" \t", at[-1])))
			continue;
		node->place.column += (int)(at - text) + 1;
		node->place.width = (int)strcspn(at, " \t");
		node->key = node->place;
		return;
	}
}

/* Where an argument was written. */
static struct node argument_node(const struct entry *entry, const char *path)
{
	struct node node = walk_path(entry->arguments, path);
	if (!node.value)
		node = walk_path(entry->extra_arguments, path);
	if (node.value)
		return node;
	node = entry->arguments;
	if (*path && json_is_string(node.value))
		point_into_string(&node, path);
	else
		node.place = node.key; /* from a default: the module's name */
	return node;
}

struct node check_argument_node(const struct entry *entry, const struct arg *arg)
{
	struct node node = argument_node(entry, arg->name);
	for (size_t i = 0; arg->aliases && arg->aliases[i] && node.value == entry->arguments.value; i++)
		node = argument_node(entry, arg->aliases[i]);
	return node;
}

static void report(void *context, const char *path, bool at_key, const char *hint, const char *text)
{
	const struct binding *binding = context;
	struct problems *problems = binding->check->problems;
	const char *module = binding->module->name;
	struct node node = argument_node(binding->entry, path);
	const struct keyword *keyword = keyword_find(path);
	auto_free char *beside = mem_printf("it is a keyword of tasks: put it beside \"%s\", not into it", module);
	if (!*path)
		node_problem_key(problems, node, hint, "module %s: %s", module, text);
	else if (at_key && strncmp(text, "unknown", 7) == 0)
		node_problem_key(problems, node, keyword ? beside : hint, "%s of module %s", text, module);
	else if (at_key)
		node_problem_key(problems, node, hint, "module %s: %s", module, text);
	else
		node_problem(problems, node, hint, "\"%s\" of module %s%s %s", path, module,
		             strncmp(text, "must", 4) == 0 ? "" : ":", text);
}

struct defaults { /* of module_defaults, for one module */
	const struct registry *registry;
	const struct module *module;
	json_t *values;
};

static void merge_defaults(void *context, struct node value)
{
	struct defaults *defaults = context;
	if (json_is_array(value.value)) {
		for (size_t i = 0; i < node_count(value); i++)
			merge_defaults(defaults, node_at(value, i));
		return;
	}
	const char *name;
	json_t *arguments;
	json_object_foreach(value.value, name, arguments) {
		if (registry_find(defaults->registry, name) != defaults->module || !json_is_object(arguments))
			continue;
		auto_json json_t *copy = json_deep_copy(arguments);
		json_object_update(defaults->values, copy);
	}
}

/* Adds what module_defaults gives and the task does not, under none of the argument's names. */
static void add_defaults(struct check *check, const struct entry *entry, const struct module *module, json_t *arguments)
{
	auto_json json_t *values = json_object();
	struct defaults defaults = { .registry = check->registry, .module = module, .values = values };
	scope_each(&entry->scope, "module_defaults", merge_defaults, &defaults);
	const char *name, *written;
	json_t *value, *ignored;
	json_object_foreach(values, name, value) {
		const struct arg *arg = spec_find(&module->spec, name);
		bool is_given = json_object_get(arguments, name) != NULL;
		json_object_foreach(arguments, written, ignored)
			is_given = is_given || (arg && spec_find(&module->spec, written) == arg);
		if (!is_given)
			json_object_set(arguments, name, value);
	}
}

/* Templates in arguments; what is an expression by the module's table is checked as one. */
static void check_argument_texts(struct check *check, const struct entry *entry, const struct module *module,
                                 json_t *arguments)
{
	const char *name;
	json_t *value;
	json_object_foreach(arguments, name, value) {
		struct node node = argument_node(entry, name);
		const struct arg *arg = spec_find(&module->spec, name);
		if (!json_equal(node.value, value)) /* a part of a string, which has no place of its own */
			node.value = value;
		check_text(check, node, name, true);
		if (arg && (arg->type == ARG_CONDITION || arg->elements == ARG_CONDITION))
			check_condition(check, node);
		else if (arg && arg->type == ARG_EXPRESSION)
			check_expression(check, node);
		else
			check_templates(check, node);
	}
}

/* Of set_fact and add_host, whose arguments are variables. */
static void check_names(struct binding *binding, json_t *arguments)
{
	struct problems *problems = binding->check->problems;
	const char *name;
	json_t *value;
	size_t variables = 0;
	json_object_foreach(arguments, name, value) {
		if (spec_find(&binding->module->spec, name))
			continue;
		variables++;
		if (!spec_is_template(name) && !playbook_is_identifier(name))
			node_problem_key(problems, argument_node(binding->entry, name),
			                 "letters, digits and _ only, not first a digit, and no word of the language",
			                 "\"%s\" cannot name a variable", name);
	}
	if (!variables && strcmp(binding->module->name, "set_fact") == 0)
		node_problem_key(problems, binding->entry->arguments, "\"set_fact\": { \"name\": value }",
		                 "module set_fact: no variable is given");
}

/* Whether the arguments are one template, of which nothing is known. */
static bool is_opaque(const struct entry *entry, const struct spec *spec)
{
	const char *text = json_string_value(entry->arguments.value);
	if (json_is_string(entry->extra_arguments.value))
		return true;
	return text && !spec->free_form && strncmp(text + strspn(text, " "), "{{", 2) == 0;
}

/* ---- what the module says to them ---- */

bool check_is_literal(json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;
	if (json_is_string(value))
		return !spec_is_template(json_string_value(value));
	json_array_foreach(value, i, member) {
		if (!check_is_literal(member))
			return false;
	}
	json_object_foreach(value, key, member) {
		if (strcmp(key, "__ansible_vault") == 0 || !check_is_literal(member))
			return false;
	}
	return true;
}

/* Whether a failure of the task is looked for: nobody wants to be told of it beforehand. */
static bool may_fail(const struct entry *entry)
{
	struct node ignore = scope_keyword(&entry->scope, "ignore_errors");
	bool may = (ignore.value && keyword_bool(ignore.value) != 0) || scope_own(&entry->scope, "failed_when").value;
	for (const struct scope *at = &entry->scope; at && !may; at = at->parent)
		may = at->kind == SCOPE_BLOCK && scope_own(at, "rescue").value;
	return may;
}

/* A module that fails before anything is known of a host fails by its arguments: it would do so at each host. */
static void check_decision(struct check *check, const struct entry *entry, const struct module *module, json_t *bound)
{
	if (module->acts_on_run || may_fail(entry) || !check_is_literal(bound))
		return;
	auto_(decision_release) struct decision decision;
	decision_init(&decision, false);
	decision.host = "host";
	decision.folder = "";
	const void *want = bound;
	struct err err = ERR_INIT;
	if (module->spec.want_size) {
		void *filled = arena_alloc(&decision.arena, module->spec.want_size);
		spec_fill(&module->spec, bound, filled);
		want = filled;
	}
	auto_free char *what = mem_printf("module %s", module->name);
	if (module_decide(module, want, &decision, &err) < 0)
		node_problem_key(check->problems, entry->arguments, err.hint[0] ? err.hint : NULL, "%s", err.text);
	else if (decision.failed)
		node_problem_key(check->problems, entry->arguments, NULL, "%s: %s", what,
		                 json_string_value(json_object_get(decision.result, "msg")));
}

void check_arguments(struct check *check, const struct entry *entry, const struct module *module)
{
	struct err err = ERR_INIT;
	if (is_opaque(entry, &module->spec)) {
		check_templates(check, entry->arguments);
		check_templates(check, entry->extra_arguments);
		return;
	}
	auto_json json_t *arguments = spec_arguments(&module->spec, entry->arguments.value, entry->extra_arguments.value,
	                                             &err);
	if (!arguments) {
		auto_free char *what = mem_printf("module %s", module->name);
		check_report(check, entry->arguments, false, what, &err);
		return;
	}
	check_argument_texts(check, entry, module, arguments);
	add_defaults(check, entry, module, arguments);
	struct binding binding = { .check = check, .entry = entry, .module = module };
	auto_json json_t *bound = spec_bind(&module->spec, arguments, SPEC_TEMPLATES, report, &binding, NULL);
	if (module->spec.any_key)
		check_names(&binding, arguments);
	if (!bound)
		return;
	check_files(check, entry, module, bound);
	check_decision(check, entry, module, bound);
}
