/* The JSON Schema of playbooks, from the table of keywords and the argument tables of modules. */
#include <string.h>

#include "base/mem.h"
#include "cli/catalogue.h"

static json_t *ref(const char *name)
{
	auto_free char *path = mem_printf("#/$defs/%s", name);
	return json_pack("{s:s}", "$ref", path);
}

/* One of two schemas, both taken over. */
static json_t *either(json_t *a, json_t *b) { return json_pack("{s:[o, o]}", "anyOf", a, b); }

static json_t *of_type(const char *type) { return json_pack("{s:s}", "type", type); }

static json_t *described(json_t *schema, const char *doc)
{
	if (doc && *doc)
		json_object_set_new(schema, "description", json_string(doc));
	return schema;
}

/* ---- arguments of modules ---- */

static json_t *object_of(const struct arg *options);

static json_t *element(const struct arg *arg);

static json_t *simple(enum arg_type type)
{
	switch (type) {
	case ARG_STR:
	case ARG_PATH:
	case ARG_SECRET:
		return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
	case ARG_INT:
		return either(of_type("integer"), json_pack("{s:s, s:s}", "type", "string", "pattern", "^\\s*[-+]?\\d+\\s*$|\\{[{%]"));
	case ARG_FLOAT:
		return either(of_type("number"),
		              json_pack("{s:s, s:s}", "type", "string", "pattern", "^\\s*[-+]?[\\d.]+([eE][-+]?\\d+)?\\s*$|\\{[{%]"));
	case ARG_BOOL:
		return ref("boolean");
	case ARG_MODE:
		return json_pack("{s:s, s:s}", "type", "string", "pattern",
		                 "^[0-7]{3,5}$|^0o[0-7]{3,4}$|^preserve$|^[ugoa]*[-+=]|\\{[{%]");
	case ARG_LIST:
		return json_pack("{s:[s,s,s,s]}", "type", "array", "string", "number", "boolean");
	case ARG_DICT:
		return json_pack("{s:[s,s]}", "type", "object", "string");
	case ARG_CONDITION:
		return ref("condition");
	case ARG_RAW:
	case ARG_EXPRESSION:
		break;
	}
	return json_object();
}

/* The values that are not templates. */
static json_t *plain(const struct arg *arg)
{
	if (arg->type == ARG_LIST)
		return either(json_pack("{s:s, s:o}", "type", "array", "items", element(arg)),
		              json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean"));
	if (arg->type == ARG_DICT && arg->options)
		return either(object_of(arg->options), of_type("string"));
	return simple(arg->type);
}

static json_t *choices(const struct arg *arg)
{
	json_t *names = json_array();
	for (const char *const *choice = arg->choices; *choice; choice++)
		json_array_append_new(names, json_string(*choice));
	return json_pack("{s:o}", "enum", names);
}

static json_t *element(const struct arg *arg)
{
	if (arg->options)
		return either(object_of(arg->options), ref("template"));
	if (arg->choices)
		return either(choices(arg), ref("template"));
	return simple(arg->elements);
}

/* What a text must match that is no template. */
static void add_pattern(json_t *schema, const char *pattern)
{
	auto_free char *whole = mem_printf("%s|\\{[{%%]", pattern);
	json_object_set_new(schema, "pattern", json_string(whole));
}

static json_t *argument(const struct arg *arg)
{
	json_t *schema = !arg->choices || arg->type == ARG_LIST ? plain(arg)
	                 : arg->type == ARG_MODE ? either(choices(arg), plain(arg)) /* words beside modes */
	                                         : either(choices(arg), ref("template"));
	if (arg->pattern && arg->type != ARG_LIST)
		add_pattern(schema, arg->pattern);
	if (!arg->required && !arg->fallback)
		schema = either(schema, of_type("null"));
	described(schema, arg->doc);
	if (arg->fallback)
		json_object_set_new(schema, "default", json_loads(arg->fallback, JSON_DECODE_ANY, NULL));
	if (arg->deprecated)
		json_object_set_new(schema, "deprecated", json_true());
	return schema;
}

static const struct arg *find(const struct arg *args, const char *name)
{
	for (; args && args->name; args++)
		if (strcmp(args->name, name) == 0)
			return args;
	return NULL;
}

/* That an argument is given, under any of its names. */
static json_t *given(const struct arg *args, const char *name)
{
	const struct arg *arg = find(args, name);
	json_t *ways = json_pack("[{s:[s]}]", "required", name);
	for (size_t i = 0; arg && arg->aliases && arg->aliases[i]; i++)
		json_array_append_new(ways, json_pack("{s:[s]}", "required", arg->aliases[i]));
	return json_pack("{s:o}", "anyOf", ways);
}

static json_t *all_given(const struct arg *args, const char *const *names, const char *how)
{
	json_t *list = json_array();
	for (; *names; names++)
		json_array_append_new(list, given(args, *names));
	return json_pack("{s:o}", how, list);
}

static void add_exclusive(json_t *all, const struct arg *args, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		for (size_t j = i + 1; names[j]; j++)
			json_array_append_new(all, json_pack("{s:{s:[o, o]}}", "not", "allOf", given(args, names[i]),
			                                     given(args, names[j])));
}

/* A value of a rule as it may be written. */
static json_t *values(const char *const *wanted)
{
	json_t *list = json_array();
	for (; *wanted; wanted++) {
		if (strcmp(*wanted, "true") == 0 || strcmp(*wanted, "false") == 0)
			json_array_append_new(list, json_boolean(strcmp(*wanted, "true") == 0));
		json_array_append_new(list, json_string(*wanted));
	}
	return json_pack("{s:o}", "enum", list);
}

static bool is_default(const struct arg *arg, const char *const *wanted)
{
	auto_json json_t *fallback = arg && arg->fallback ? json_loads(arg->fallback, JSON_DECODE_ANY, NULL) : NULL;
	auto_json json_t *list = values(wanted);
	size_t i;
	json_t *value;
	json_array_foreach(json_object_get(list, "enum"), i, value) {
		if (fallback && json_equal(fallback, value))
			return true;
	}
	return false;
}

/* That an argument has one of a rule's values, be it by its default. */
static json_t *has_value(const struct arg *args, const struct rule *rule)
{
	json_t *condition = json_pack("{s:{s:o}}", "properties", rule->if_name, values(rule->if_values));
	if (!is_default(find(args, rule->if_name), rule->if_values))
		json_object_set_new(condition, "required", json_pack("[s]", rule->if_name));
	return condition;
}

/* That the names of a rule do nothing, or that the argument has a value, or may have one, for which they are. */
static json_t *allowed(const struct arg *args, const struct rule *rule)
{
	json_t *properties = json_object(), *fine = json_pack("{s:{s:o}}", "properties", rule->if_name,
	                                                      either(values(rule->if_values), ref("template")));
	const struct arg *arg = find(args, rule->if_name);
	if (arg && arg->fallback && !is_default(arg, rule->if_values))
		json_object_set_new(fine, "required", json_pack("[s]", rule->if_name));
	for (const char *const *name = rule->names; *name; name++)
		json_object_set_new(properties, *name, either(json_pack("{s:[b,s,s,s,n]}", "enum", 0, "no", "false", ""), ref("template")));
	return either(fine, json_pack("{s:o}", "properties", properties));
}

static void add_rule(json_t *all, const struct arg *args, const struct rule *rule)
{
	json_t *condition = NULL;
	switch (rule->kind) {
	case RULE_EXCLUSIVE:
		add_exclusive(all, args, rule->names);
		return;
	case RULE_ONE_OF:
		json_array_append_new(all, all_given(args, rule->names, "anyOf"));
		return;
	case RULE_ALLOWED_IF:
		json_array_append_new(all, allowed(args, rule));
		return;
	case RULE_TOGETHER:
		condition = all_given(args, rule->names, "anyOf");
		break;
	case RULE_REQUIRED_BY:
		condition = given(args, rule->if_name);
		break;
	case RULE_REQUIRED_IF:
		condition = has_value(args, rule);
		break;
	}
	json_array_append_new(all, json_pack("{s:o, s:o}", "if", condition, "then",
	                                     all_given(args, rule->names, rule->any_of ? "anyOf" : "allOf")));
}

/* The arguments that there are. */
static json_t *shape_of(const struct arg *args, bool any_key)
{
	json_t *properties = json_object();
	for (const struct arg *arg = args; arg && arg->name; arg++) {
		json_object_set_new(properties, arg->name, argument(arg));
		for (size_t i = 0; arg->aliases && arg->aliases[i]; i++) {
			json_t *alias = argument(arg);
			auto_free char *doc = mem_printf("The same as %s.", arg->name);
			json_object_set_new(properties, arg->aliases[i], described(alias, doc));
		}
	}
	json_t *object = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
	if (!any_key)
		json_object_set_new(object, "additionalProperties", json_false());
	return object;
}

/* The same with those that are needed, and the rules between them. */
static json_t *whole_of(json_t *shape, const struct arg *args, const struct rule *rules)
{
	json_t *all = json_array();
	for (const struct arg *arg = args; arg && arg->name; arg++)
		if (arg->required)
			json_array_append_new(all, given(args, arg->name));
	for (const struct rule *rule = rules; rule && rule->names; rule++)
		add_rule(all, args, rule);
	if (json_array_size(all))
		json_object_set(shape, "allOf", all);
	json_decref(all);
	return shape;
}

static json_t *object_of(const struct arg *options) { return whole_of(shape_of(options, false), options, NULL); }

/* ---- what stands under a module's name ---- */

static void add_names(struct buf *out, const struct arg *arg)
{
	buf_str(out, arg->name);
	for (size_t i = 0; arg->aliases && arg->aliases[i]; i++)
		buf_printf(out, "|%s", arg->aliases[i]);
}

static bool needs_arguments(const struct spec *spec)
{
	for (const struct arg *arg = spec->args; arg && arg->name; arg++)
		if (arg->required)
			return true;
	for (const struct rule *rule = spec->rules; rule && rule->names; rule++)
		if (rule->kind == RULE_ONE_OF)
			return true;
	return false;
}

/* A string of k=v words whose names the module has, with those it needs; or one template. */
static json_t *words(const struct spec *spec)
{
	auto_buf struct buf pattern = BUF_INIT;
	buf_str(&pattern, "^\\s*(?:(?:");
	for (const struct arg *arg = spec->args; arg && arg->name; arg++) {
		buf_str(&pattern, arg == spec->args ? "" : "|");
		add_names(&pattern, arg);
	}
	buf_printf(&pattern, "%s)=(?:\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|\\{\\{[\\s\\S]*?\\}\\}|[^\\s\"'])*(?:\\s+|$))*$",
	           spec->any_key ? "|\\w+" : "");
	json_t *all = json_array();
	for (const struct arg *arg = spec->args; arg && arg->name; arg++) {
		if (!arg->required)
			continue;
		auto_buf struct buf needed = BUF_INIT;
		buf_str(&needed, "(?:^|\\s)(?:");
		add_names(&needed, arg);
		buf_str(&needed, ")=");
		json_array_append_new(all, json_pack("{s:s}", "pattern", needed.data));
	}
	json_t *schema = json_pack("{s:s, s:s}", "type", "string", "pattern", pattern.data);
	if (json_array_size(all))
		json_object_set(schema, "allOf", all);
	json_decref(all);
	return either(schema, json_pack("{s:s, s:s}", "type", "string", "pattern", "^\\s*\\{\\{"));
}

/* What a plain string can be: the free form, a word of its choices, or k=v words. */
static json_t *text(const struct spec *spec)
{
	const struct arg *arg = spec->free_form ? find(spec->args, spec->free_form) : NULL;
	if (!arg)
		return words(spec);
	return arg->choices ? either(choices(arg), ref("template")) : json_pack("{s:s, s:s}", "type", "string", "pattern", "\\S");
}

static json_t *module_schema(const struct module *module)
{
	const struct spec *spec = &module->spec;
	auto_free char *shape = mem_printf("shape.%s", module->name);
	json_t *ways = json_pack("[o, o]", whole_of(ref(shape), spec->args, spec->rules), text(spec));
	if (!needs_arguments(spec))
		json_array_append_new(ways, of_type("null"));
	return described(json_pack("{s:o}", "anyOf", ways), module->doc);
}

/* Where args or module_defaults may give the rest of the arguments. */
static json_t *part_schema(const struct module *module)
{
	auto_free char *shape = mem_printf("shape.%s", module->name);
	return described(either(ref(shape), json_pack("{s:[s,s]}", "type", "string", "null")), module->doc);
}

/* ---- keywords ---- */

static json_t *parsed(const char *text)
{
	json_t *schema = json_loads(text, 0, NULL);
	return schema ? schema : json_object();
}

/* Keywords whose value has a shape of its own. NULL: there is none of that name. */
static json_t *special_value(const char *name)
{
	static const struct { const char *name, *schema; } rows[] = {
		{ "action", "{\"anyOf\": [{\"type\": \"string\", \"pattern\": \"\\\\S\"}, {\"type\": \"object\", \"required\": [\"module\"]}]}" },
		{ "delay", "{\"anyOf\": [{\"type\": \"number\"}, {\"type\": \"string\", \"pattern\": \"^[0-9.]+$|\\\\{[{%]\"}]}" },
		{ "environment", "{\"anyOf\": [{\"type\": [\"object\", \"array\"]}, {\"$ref\": \"#/$defs/template\"}]}" },
		{ "loop", "{\"anyOf\": [{\"type\": \"array\"}, {\"$ref\": \"#/$defs/template\"}]}" },
		{ "loop_control", "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
		  "\"loop_var\": {\"$ref\": \"#/$defs/variable\"}, \"index_var\": {\"$ref\": \"#/$defs/variable\"}, \"label\": {}, "
		  "\"pause\": {\"type\": [\"number\", \"string\"]}, \"extended\": {\"$ref\": \"#/$defs/boolean\"}, "
		  "\"extended_allitems\": {\"$ref\": \"#/$defs/boolean\"}, \"break_when\": {\"$ref\": \"#/$defs/condition\"}}}" },
		{ "register", "{\"$ref\": \"#/$defs/variable\"}" },
		{ "roles", "{\"type\": [\"array\", \"null\"], \"items\": {\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/role\"}]}}" },
		{ "serial", "{\"anyOf\": [{\"$ref\": \"#/$defs/percent\"}, {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/percent\"}}]}" },
		{ "vars", "{\"anyOf\": [{\"type\": [\"object\", \"null\"], \"propertyNames\": {\"$ref\": \"#/$defs/variable\"}}, "
		  "{\"type\": \"array\", \"items\": {\"type\": \"object\", \"propertyNames\": {\"$ref\": \"#/$defs/variable\"}}}, "
		  "{\"$ref\": \"#/$defs/template\"}]}" },
		{ "vars_files", "{\"anyOf\": [{\"type\": [\"string\", \"null\"]}, {\"type\": \"array\", \"items\": {\"type\": "
		  "[\"string\", \"array\"], \"items\": {\"type\": \"string\"}}}]}" },
		{ "vars_prompt", "{\"type\": \"array\", \"items\": {\"type\": \"object\", \"required\": [\"name\"]}}" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].name, strcmp(name, "local_action") == 0     ? "action"
		                        : strcmp(name, "with_list") == 0       ? "loop"
		                        : strcmp(name, "module_defaults") == 0 ? "environment"
		                                                               : name) == 0)
			return parsed(rows[i].schema);
	return NULL;
}

static json_t *word_choices(const char *const *names)
{
	json_t *list = json_array();
	for (; *names; names++)
		json_array_append_new(list, json_string(*names));
	return either(json_pack("{s:o}", "enum", list), ref("template"));
}

/* part: module_defaults may give arguments of the tasks below. */
static json_t *keyword_value(const struct keyword *keyword, bool part)
{
	json_t *special = special_value(keyword->name);
	if (special)
		return special;
	if (keyword_choices(keyword))
		return word_choices(keyword_choices(keyword));
	switch (keyword->type) {
	case KEYWORD_STRING:
		return of_type("string");
	case KEYWORD_BOOL:
		return ref("boolean");
	case KEYWORD_INT:
		return either(of_type("integer"), json_pack("{s:s, s:s}", "type", "string", "pattern", "^-?\\d+$|\\{[{%]"));
	case KEYWORD_PERCENT:
		return ref("percent");
	case KEYWORD_LIST:
		return either(json_pack("{s:s, s:{s:[s,s]}}", "type", "array", "items", "type", "string", "integer"),
		              json_pack("{s:[s,s]}", "type", "string", "integer"));
	case KEYWORD_DICT:
		return either(of_type("object"), ref("template"));
	case KEYWORD_CONDITION:
		return ref("condition");
	case KEYWORD_TASKS:
		return json_pack("{s:[s,s], s:o}", "type", "array", "null", "items",
		                 strcmp(keyword->name, "handlers") == 0 ? ref(part ? "handler_part" : "handler_entry")
		                                                        : ref(part ? "entry_part" : "entry"));
	case KEYWORD_ANY:
		break;
	}
	return json_object();
}

static json_t *place_properties(unsigned place, bool part)
{
	json_t *properties = json_object();
	for (size_t i = 0; i < keyword_count; i++)
		if (keywords[i].places & place)
			json_object_set_new(properties, keywords[i].name, described(keyword_value(&keywords[i], part), keywords[i].doc));
	return properties;
}

static json_t *place_schema(unsigned place, bool part)
{
	return json_pack("{s:s, s:o, s:b}", "type", "object", "properties", place_properties(place, part), "additionalProperties", 0);
}

/* That a task names one module: by one of its names, or by action. */
static json_t *one_module(const struct catalogue *catalogue)
{
	static const char *const prefixes[] = { "", "ansible.builtin.", "ansible.legacy." };
	json_t *ways = json_pack("[{s:[s]}, {s:[s]}, {s:[s]}]", "required", "action", "required", "local_action", "required", "include");
	for (size_t p = 0; p < sizeof(prefixes) / sizeof(*prefixes); p++)
		for (size_t i = 0; i < catalogue->count; i++) {
			auto_free char *name = mem_printf("%s%s", prefixes[p], catalogue->modules[i]->name);
			json_array_append_new(ways, json_pack("{s:[s]}", "required", name));
		}
	for (size_t i = 0; i < catalogue->count; i++) {
		const struct module *module = catalogue->modules[i];
		auto_free char *name = module->collection ? mem_printf("%s.%s", module->collection, module->name) : NULL;
		if (name)
			json_array_append_new(ways, json_pack("{s:[s]}", "required", name));
	}
	return json_pack("{s:o}", "oneOf", ways);
}

/* part: args or module_defaults may give arguments as well, so that those beside the module's name need not be whole. */
static json_t *task_schema(const struct catalogue *catalogue, unsigned place, bool part)
{
	json_t *task = place_schema(place, part);
	json_t *patterns = json_object();
	for (size_t i = 0; i < catalogue->count; i++) {
		const char *name = catalogue->modules[i]->name, *collection = catalogue->modules[i]->collection;
		auto_free char *full = collection ? mem_printf("%s.%s", collection, name) : NULL;
		auto_free char *definition = mem_printf("%s.%s", part ? "part" : "module", name);
		auto_free char *pattern = mem_printf("^ansible\\.(builtin|legacy)\\.%s$", name);
		json_object_set_new(json_object_get(task, "properties"), name, ref(definition));
		json_object_set_new(patterns, pattern, ref(definition));
		if (full)
			json_object_set_new(json_object_get(task, "properties"), full, ref(definition));
	}
	json_object_set_new(patterns, "^with_\\w+\\.\\w+\\.\\w+$", json_object());
	json_object_set_new(json_object_get(task, "properties"), "include", json_pack("{s:[s, s]}", "type", "string", "object"));
	json_object_set_new(task, "patternProperties", patterns);
	json_object_set_new(task, "allOf", json_pack("[o]", ref("one_module")));
	return task;
}

static json_t *where_given(const char *key, json_t *then, json_t *otherwise)
{
	return json_pack("{s:{s:[s]}, s:o, s:o}", "if", "required", key, "then", then, "else", otherwise);
}

/* A play, or an import of another playbook in its place. */
static json_t *play_schema(void)
{
	json_t *import = json_pack("{s:{s:{s:s, s:s}}}", "properties", "import_playbook", "type", "string", "description",
	                           "Another playbook that runs in this place.");
	json_t *play = where_given("module_defaults", place_schema(KEYWORD_PLAY, true), place_schema(KEYWORD_PLAY, false));
	json_object_set_new(play, "required", json_pack("[s]", "hosts"));
	json_t *schema = where_given("import_playbook", import, play);
	json_object_set_new(schema, "type", json_string("object"));
	return schema;
}

/* A task, or one of which a part may stand elsewhere. */
static json_t *one_of_tasks(const char *task, const char *part)
{
	return where_given("args", ref(part), where_given("module_defaults", ref(part), ref(task)));
}

static json_t *role_schema(void)
{
	json_t *role = place_schema(KEYWORD_ROLE, false);
	json_object_del(role, "additionalProperties"); /* what is no keyword is a variable of the role */
	json_object_set_new(json_object_get(role, "properties"), "role", of_type("string"));
	json_object_set_new(role, "anyOf", json_pack("[{s:[s]}, {s:[s]}]", "required", "role", "required", "name"));
	return role;
}

/* What values of keywords and arguments have in common. */
static void add_common(json_t *defs)
{
	static const struct { const char *name, *schema; } rows[] = {
		{ "template", "{\"type\": \"string\", \"pattern\": \"\\\\{[{%]\"}" },
		{ "variable", "{\"type\": \"string\", \"pattern\": \"^[A-Za-z_][A-Za-z0-9_]*$\"}" },
		{ "percent", "{\"anyOf\": [{\"type\": \"number\"}, {\"type\": \"string\", \"pattern\": \"^[0-9.]+%?$|\\\\{[{%]\"}]}" },
		{ "boolean", "{\"anyOf\": [{\"type\": \"boolean\"}, {\"type\": \"string\", \"pattern\": "
		  "\"^(?:[Yy](?:es)?|YES|[Nn]o?|NO|[Tt](?:rue)?|TRUE|[Ff](?:alse)?|FALSE|[Oo]n|ON|[Oo]ff|OFF|0|1)$|\\\\{[{%]\"}, "
		  "{\"enum\": [0, 1]}]}" },
		{ "condition", "{\"type\": [\"string\", \"boolean\", \"number\", \"array\"], "
		  "\"items\": {\"type\": [\"string\", \"boolean\", \"number\"]}}" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		json_object_set_new(defs, rows[i].name, parsed(rows[i].schema));
}

json_t *schema_playbook(const struct catalogue *catalogue)
{
	json_t *defs = json_object();
	add_common(defs);
	json_object_set_new(defs, "play", play_schema());
	json_object_set_new(defs, "role", role_schema());
	json_object_set_new(defs, "block", place_schema(KEYWORD_BLOCK, false));
	json_object_set_new(defs, "block_part", place_schema(KEYWORD_BLOCK, true));
	json_object_set_new(defs, "one_module", one_module(catalogue));
	json_object_set_new(defs, "task", task_schema(catalogue, KEYWORD_TASK, false));
	json_object_set_new(defs, "task_part", task_schema(catalogue, KEYWORD_TASK, true));
	json_object_set_new(defs, "handler", task_schema(catalogue, KEYWORD_HANDLER, false));
	json_object_set_new(defs, "handler_part", task_schema(catalogue, KEYWORD_HANDLER, true));
	json_object_set_new(defs, "entry", where_given("block", where_given("module_defaults", ref("block_part"), ref("block")),
	                                               one_of_tasks("task", "task_part")));
	json_object_set_new(defs, "entry_part", where_given("block", ref("block_part"), ref("task_part")));
	json_object_set_new(defs, "handler_entry", one_of_tasks("handler", "handler_part"));
	for (size_t i = 0; i < catalogue->count; i++) {
		auto_free char *whole = mem_printf("module.%s", catalogue->modules[i]->name);
		auto_free char *part = mem_printf("part.%s", catalogue->modules[i]->name);
		auto_free char *shape = mem_printf("shape.%s", catalogue->modules[i]->name);
		json_object_set_new(defs, shape, shape_of(catalogue->modules[i]->spec.args, catalogue->modules[i]->spec.any_key));
		json_object_set_new(defs, whole, module_schema(catalogue->modules[i]));
		json_object_set_new(defs, part, part_schema(catalogue->modules[i]));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
	                 "neap playbook", "description", "A list of plays.", "type", "array", "items", ref("play"), "$defs", defs);
}
