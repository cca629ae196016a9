/* A module's documentation and the keywords, as text, as Markdown and as JSON. */
#include <string.h>

#include "base/mem.h"
#include "cli/catalogue.h"

enum { COLUMNS = 80 };

static void add_names(struct buf *out, const char *const *names, const char *between)
{
	for (size_t i = 0; names && names[i]; i++)
		buf_printf(out, "%s%s", i ? between : "", names[i]);
}

/* "list of str", "str, required" */
static void add_type(struct buf *out, const struct arg *arg)
{
	buf_str(out, spec_type_name(arg->type));
	if (arg->type == ARG_LIST && arg->elements != ARG_RAW)
		buf_printf(out, " of %s", arg->options ? "dict" : spec_type_name(arg->elements));
}

static void add_doc(struct buf *out, const struct arg *arg)
{
	buf_str(out, arg->doc ? arg->doc : "");
	if (arg->pattern_doc)
		buf_printf(out, " It must %s.", arg->pattern_doc);
}

/* A rule as a sentence. */
static void add_rule(struct buf *out, const struct rule *rule)
{
	switch (rule->kind) {
	case RULE_EXCLUSIVE:
		buf_str(out, "At most one of ");
		add_names(out, rule->names, ", ");
		break;
	case RULE_TOGETHER:
		buf_str(out, "Only together: ");
		add_names(out, rule->names, ", ");
		break;
	case RULE_ONE_OF:
		buf_str(out, "At least one of ");
		add_names(out, rule->names, ", ");
		break;
	case RULE_REQUIRED_IF:
		buf_printf(out, "Where %s is ", rule->if_name);
		add_names(out, rule->if_values, " or ");
		buf_str(out, ": ");
		add_names(out, rule->names, rule->any_of ? " or " : ", ");
		buf_str(out, rule->any_of ? " is required" : " required");
		break;
	case RULE_REQUIRED_BY:
		buf_printf(out, "Where %s is given: ", rule->if_name);
		add_names(out, rule->names, ", ");
		buf_str(out, " required");
		break;
	case RULE_ALLOWED_IF:
		buf_printf(out, "Only where %s is ", rule->if_name);
		add_names(out, rule->if_values, " or ");
		buf_str(out, ": ");
		add_names(out, rule->names, ", ");
		break;
	}
	buf_str(out, ".");
}

static void add_pretty(struct buf *out, const char *json)
{
	auto_json json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
	buf_str(out, text ? text : json);
	free(text);
}

/* ---- text ---- */

static void text_args(struct buf *out, const struct arg *args, int indent)
{
	for (const struct arg *arg = args; arg && arg->name; arg++) {
		buf_printf(out, "%*s%s (", indent, "", arg->name);
		add_type(out, arg);
		buf_str(out, arg->required ? ", required)" : ")");
		if (arg->fallback)
			buf_printf(out, " [default: %s]", arg->fallback);
		buf_printf(out, "\n%*s", indent + 4, "");
		auto_buf struct buf doc = BUF_INIT;
		add_doc(&doc, arg);
		help_wrap(out, buf_text(&doc), (size_t)indent + 4, (size_t)indent + 4, COLUMNS);
		if (arg->choices) {
			buf_printf(out, "%*sOne of: ", indent + 4, "");
			add_names(out, arg->choices, ", ");
			buf_char(out, '\n');
		}
		if (arg->aliases && arg->aliases[0]) {
			buf_printf(out, "%*sAlso called: ", indent + 4, "");
			add_names(out, arg->aliases, ", ");
			buf_char(out, '\n');
		}
		text_args(out, arg->options, indent + 4);
	}
}

void catalogue_text(const struct module *module, struct buf *out)
{
	buf_printf(out, "%s\n\n  ", module->name);
	help_wrap(out, module->doc, 2, 2, COLUMNS);
	if (module->source)
		buf_printf(out, "\n  From %s.\n", module->source);
	buf_str(out, module->spec.args && module->spec.args->name ? "\nArguments:\n" : "\nIt takes no arguments.\n");
	text_args(out, module->spec.args, 2);
	for (const struct rule *rule = module->spec.rules; rule && rule->names; rule++) {
		buf_str(out, "  ");
		add_rule(out, rule);
		buf_char(out, '\n');
	}
	for (const struct module_example *example = module->examples; example && example->json; example++) {
		buf_printf(out, "\n%s:\n", example->title);
		add_pretty(out, example->json);
		buf_char(out, '\n');
	}
	for (const struct module_return *key = module->returns; key && key->name; key++) {
		buf_printf(out, "%s  %s (%s)\n      ", key == module->returns ? "\nResult keys:\n" : "", key->name, key->type);
		help_wrap(out, key->doc, 6, 6, COLUMNS);
	}
}

/* ---- Markdown ---- */

/* A cell of a table: one line, bars escaped. */
static void add_cell(struct buf *out, const char *text)
{
	for (; text && *text; text++)
		if (*text == '|')
			buf_str(out, "\\|");
		else
			buf_char(out, *text == '\n' ? ' ' : *text);
}

static void markdown_doc(struct buf *out, const struct arg *arg)
{
	auto_buf struct buf doc = BUF_INIT;
	add_doc(&doc, arg);
	add_cell(out, buf_text(&doc));
	if (arg->choices) {
		buf_str(out, " One of: `");
		add_names(out, arg->choices, "`, `");
		buf_str(out, "`.");
	}
	if (arg->aliases && arg->aliases[0]) {
		buf_str(out, " Also called: `");
		add_names(out, arg->aliases, "`, `");
		buf_str(out, "`.");
	}
}

static void markdown_args(struct buf *out, const struct arg *args, const char *above)
{
	for (const struct arg *arg = args; arg && arg->name; arg++) {
		buf_printf(out, "| `%s%s` | ", above, arg->name);
		add_type(out, arg);
		buf_str(out, " | ");
		if (arg->required)
			buf_str(out, "**required**");
		else if (arg->fallback)
			buf_printf(out, "`%s`", arg->fallback);
		buf_str(out, " | ");
		markdown_doc(out, arg);
		buf_str(out, " |\n");
		auto_free char *path = mem_printf("%s%s%s", above, arg->name, arg->type == ARG_LIST ? "[]." : ".");
		markdown_args(out, arg->options, path);
	}
}

void catalogue_markdown(const struct module *module, struct buf *out)
{
	buf_printf(out, "<!-- generated by `neap doc --format markdown %s` -->\n# %s\n\n%s\n\n", module->name, module->name,
	           module->doc);
	if (module->spec.args && module->spec.args->name) {
		buf_str(out, "| argument | type | default | meaning |\n|---|---|---|---|\n");
		markdown_args(out, module->spec.args, "");
		buf_char(out, '\n');
	} else {
		buf_str(out, "It takes no arguments.\n\n");
	}
	for (const struct rule *rule = module->spec.rules; rule && rule->names; rule++) {
		buf_str(out, "- ");
		add_rule(out, rule);
		buf_str(out, rule[1].names ? "\n" : "\n\n");
	}
	for (const struct module_example *example = module->examples; example && example->json; example++) {
		buf_printf(out, "%s%s:\n\n```json\n", example == module->examples ? "## Examples\n\n" : "", example->title);
		add_pretty(out, example->json);
		buf_str(out, "\n```\n\n");
	}
	if (module->returns && module->returns->name)
		buf_str(out, "## Result\n\n| key | type | meaning |\n|---|---|---|\n");
	for (const struct module_return *key = module->returns; key && key->name; key++) {
		buf_printf(out, "| `%s` | %s | ", key->name, key->type);
		add_cell(out, key->doc);
		buf_str(out, " |\n");
	}
}

/* ---- JSON ---- */

static json_t *names_json(const char *const *names)
{
	json_t *list = json_array();
	for (size_t i = 0; names && names[i]; i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

static json_t *args_json(const struct arg *args)
{
	json_t *list = json_array();
	for (const struct arg *arg = args; arg && arg->name; arg++) {
		json_t *one = json_pack("{s:s, s:s, s:s, s:b}", "name", arg->name, "type", spec_type_name(arg->type), "doc",
		                        arg->doc ? arg->doc : "", "required", arg->required);
		if (arg->fallback)
			json_object_set_new(one, "default", json_loads(arg->fallback, JSON_DECODE_ANY, NULL));
		if (arg->type == ARG_LIST)
			json_object_set_new(one, "elements", json_string(spec_type_name(arg->elements)));
		if (arg->choices)
			json_object_set_new(one, "choices", names_json(arg->choices));
		if (arg->aliases && arg->aliases[0])
			json_object_set_new(one, "aliases", names_json(arg->aliases));
		if (arg->options)
			json_object_set_new(one, "options", args_json(arg->options));
		json_array_append_new(list, one);
	}
	return list;
}

json_t *catalogue_json(const struct module *module)
{
	json_t *object = json_pack("{s:s, s:s, s:o}", "name", module->name, "doc", module->doc, "args",
	                           args_json(module->spec.args));
	if (module->source)
		json_object_set_new(object, "source", json_string(module->source));
	json_t *rules = json_array(), *examples = json_array(), *returns = json_array();
	for (const struct rule *rule = module->spec.rules; rule && rule->names; rule++) {
		auto_buf struct buf sentence = BUF_INIT;
		add_rule(&sentence, rule);
		json_array_append_new(rules, json_string(sentence.data));
	}
	for (const struct module_example *example = module->examples; example && example->json; example++)
		json_array_append_new(examples, json_pack("{s:s, s:o}", "title", example->title, "task",
		                                          json_loads(example->json, JSON_DECODE_ANY, NULL)));
	for (const struct module_return *key = module->returns; key && key->name; key++)
		json_array_append_new(returns, json_pack("{s:s, s:s, s:s}", "name", key->name, "type", key->type, "doc", key->doc));
	json_object_set_new(object, "rules", rules);
	json_object_set_new(object, "examples", examples);
	json_object_set_new(object, "returns", returns);
	return object;
}

/* ---- keywords ---- */

static const struct { unsigned place; const char *name; } places[] = {
	{ KEYWORD_PLAY, "play" }, { KEYWORD_ROLE, "role" }, { KEYWORD_BLOCK, "block" }, { KEYWORD_TASK, "task" },
	{ KEYWORD_HANDLER, "handler" },
};
enum { PLACES = sizeof(places) / sizeof(*places) };

static void add_places(struct buf *out, const struct keyword *keyword)
{
	bool is_first = true;
	for (size_t i = 0; i < PLACES; i++)
		if (keyword->places & places[i].place) {
			buf_printf(out, "%s%s", is_first ? "" : ", ", places[i].name);
			is_first = false;
		}
}

void catalogue_keywords_text(struct buf *out)
{
	for (size_t i = 0; i < keyword_count; i++) {
		buf_printf(out, "%s (", keywords[i].name);
		add_places(out, &keywords[i]);
		buf_str(out, ")\n    ");
		help_wrap(out, keywords[i].doc, 4, 4, COLUMNS);
	}
}

void catalogue_keywords_markdown(struct buf *out)
{
	buf_str(out, "<!-- generated by `neap doc --keywords --format markdown` -->\n# Playbook keywords\n\n"
	             "| keyword | stands in | meaning |\n|---|---|---|\n");
	for (size_t i = 0; i < keyword_count; i++) {
		buf_printf(out, "| `%s` | ", keywords[i].name);
		add_places(out, &keywords[i]);
		buf_str(out, " | ");
		add_cell(out, keywords[i].doc);
		buf_str(out, " |\n");
	}
}

json_t *catalogue_keywords_json(void)
{
	json_t *list = json_array();
	for (size_t i = 0; i < keyword_count; i++) {
		json_t *stands = json_array();
		for (size_t p = 0; p < PLACES; p++)
			if (keywords[i].places & places[p].place)
				json_array_append_new(stands, json_string(places[p].name));
		json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "name", keywords[i].name, "places", stands,
		                                      "doc", keywords[i].doc));
	}
	return list;
}
