/* The check of what a playbook gives a role by plain values, by what the role says of its arguments
 * (meta/argument_specs). Whether one is missing only the run can tell: any variable may be it. */
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "plan/spec_convert.h"
#include "run/argument_spec.h"
#include "run/check_inside.h"

struct passing { /* one value to a role */
	struct check *check;
	const char *role, *name;
	struct node value;
};

static void report_type(void *context, const char *path, bool at_key, const char *hint, const char *text)
{
	(void)path, (void)at_key;
	const struct passing *passing = context;
	node_problem(passing->check->problems, passing->value, hint, "\"%s\" of the role %s %s", passing->name, passing->role, text);
}

static void check_value(struct check *check, const char *role, const char *name, json_t *options, struct node value)
{
	struct passing passing = { check, role, name, value };
	enum arg_type type = argument_spec_type(options);
	if (!check_is_literal(value.value) || json_is_null(value.value))
		return;
	auto_json json_t *converted = type == ARG_RAW ? json_null() : spec_convert(type, value.value, name, report_type, &passing);
	if (!converted)
		return;
	auto_json json_t *faults = argument_spec_faults(name, options, value.value);
	for (size_t i = 0; i < json_array_size(faults); i++)
		node_problem(check->problems, value, NULL, "role %s: %s", role, json_string_value(json_array_get(faults, i)));
}

static void report_unknown(struct check *check, json_t *spec, const char *role, const char *name, struct node value)
{
	struct suggest suggest;
	suggest_start(&suggest, name);
	const char *known;
	json_t *options;
	json_object_foreach(spec, known, options)
		suggest_offer(&suggest, known);
	auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
	node_problem_key(check->problems, value, hint, "the role %s has no argument \"%s\"", role, name);
}

void check_role_arguments(struct check *check, const struct entry *entry)
{
	struct node arguments = entry->arguments;
	json_t *context = json_object_get(arguments.value, "validate_args_context");
	json_t *spec = json_object_get(arguments.value, "argument_spec");
	const char *role = json_string_value(json_object_get(context, "name"));
	if (arguments.document || !role || !json_is_object(spec)) /* a task that somebody wrote */
		return;
	const struct scope *caller = entry->scope.parent;
	while (caller && !((caller->kind == SCOPE_ROLE || caller->kind == SCOPE_TASK) && json_is_object(caller->node.value)))
		caller = caller->parent;
	if (!caller)
		return;
	const json_t *params = json_object_get(arguments.value, "provided_arguments");
	struct node vars = scope_own(caller, "vars");
	for (size_t i = 0; i < node_count(vars) && json_is_object(vars.value); i++) {
		const char *name;
		struct node value = node_member(vars, i, &name);
		json_t *options = argument_spec_find(spec, name);
		if (options)
			check_value(check, role, name, options, value);
	}
	for (size_t i = 0; caller->kind == SCOPE_ROLE && i < node_count(caller->node); i++) {
		const char *name;
		struct node value = node_member(caller->node, i, &name);
		json_t *options = argument_spec_find(spec, name);
		if (options && !keyword_find(name))
			check_value(check, role, name, options, value);
		else if (!options && json_object_get(params, name))
			report_unknown(check, spec, role, name, value);
	}
}
