/* A Lua module's table as a struct module: arguments, rules, examples, results. */
#include "lua/bridge_call.h"

#include <string.h>

#include <lauxlib.h>

#include "base/pattern.h"
#include "base/suggest.h"
#include "lua/value.h"

/* What is read, where its memory is, and the text at fault for bridge.c to find the line by. */
struct reading {
	lua_State *L;
	struct arena *arena;
	const char **word;
};

static const char *const type_names[] = {
	[ARG_STR] = "str",       [ARG_INT] = "int",         [ARG_FLOAT] = "float",          [ARG_BOOL] = "bool",
	[ARG_PATH] = "path",     [ARG_MODE] = "mode",       [ARG_LIST] = "list",            [ARG_DICT] = "dict",
	[ARG_SECRET] = "secret", [ARG_RAW] = "raw",         [ARG_CONDITION] = "condition",  [ARG_EXPRESSION] = "expression",
};
enum { TYPES = sizeof type_names / sizeof *type_names, DEPTH_MOST = 10 };

/* The key on the stack below a value, which must be a string. */
static const char *key_text(struct reading *reading, const char *where)
{
	if (lua_type(reading->L, -2) != LUA_TSTRING)
		luaL_error(reading->L, "%s: its keys must be strings, not %s", where, luaL_typename(reading->L, -2));
	return arena_str(reading->arena, lua_tostring(reading->L, -2));
}

static void fail_name(struct reading *reading, const char *where, const char *what, const char *word,
                      const char *const *names, size_t count)
{
	struct suggest near;
	suggest_start(&near, word);
	for (size_t i = 0; i < count; i++)
		suggest_offer(&near, names[i]);
	*reading->word = arena_str(reading->arena, word);
	if (near.best)
		luaL_error(reading->L, "%s: unknown %s \"%s\"; did you mean \"%s\"?", where, what, word, near.best);
	luaL_error(reading->L, "%s: unknown %s \"%s\"", where, what, word);
}

/* Errors for a key of the table on the top that is not in names. */
static void check_keys(struct reading *reading, const char *where, const char *const *names)
{
	lua_State *L = reading->L;
	size_t count = 0;
	while (names[count])
		count++;
	int table = lua_gettop(L);
	for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
		if (lua_isinteger(L, -2))
			continue;
		const char *key = key_text(reading, where);
		bool found = false;
		for (size_t i = 0; i < count && !found; i++)
			found = !strcmp(names[i], key);
		if (!found)
			fail_name(reading, where, "key", key, names, count);
	}
}

static void fail_type(struct reading *reading, const char *where, const char *name, const char *wanted)
{
	*reading->word = arena_str(reading->arena, name);
	luaL_error(reading->L, "%s.%s must be %s, not %s", where, name, wanted, luaL_typename(reading->L, -1));
}

/* A string field of the table on the top, in the arena; NULL if absent. */
static const char *get_text(struct reading *reading, const char *where, const char *name)
{
	lua_getfield(reading->L, -1, name);
	if (!lua_isnil(reading->L, -1) && lua_type(reading->L, -1) != LUA_TSTRING)
		fail_type(reading, where, name, "a string");
	const char *text = arena_str(reading->arena, lua_tostring(reading->L, -1));
	lua_pop(reading->L, 1);
	return text;
}

static bool get_flag(struct reading *reading, const char *where, const char *name, bool fallback)
{
	lua_getfield(reading->L, -1, name);
	if (!lua_isnil(reading->L, -1) && !lua_isboolean(reading->L, -1))
		fail_type(reading, where, name, "true or false");
	bool flag = lua_isnil(reading->L, -1) ? fallback : lua_toboolean(reading->L, -1);
	lua_pop(reading->L, 1);
	return flag;
}

/* The list of strings on the top. */
static const char *const *words(struct reading *reading, const char *where, const char *name)
{
	if (!lua_istable(reading->L, -1))
		fail_type(reading, where, name, "a list of strings");
	size_t count = lua_rawlen(reading->L, -1);
	const char **list = arena_array(reading->arena, count + 1, sizeof *list);
	for (size_t i = 0; i < count; i++) {
		lua_rawgeti(reading->L, -1, (lua_Integer)i + 1);
		if (lua_type(reading->L, -1) != LUA_TSTRING)
			fail_type(reading, where, name, "a list of strings");
		list[i] = arena_str(reading->arena, lua_tostring(reading->L, -1));
		lua_pop(reading->L, 1);
	}
	return list;
}

static const char *const *get_words(struct reading *reading, const char *where, const char *name)
{
	const char *const *list = NULL;
	if (lua_getfield(reading->L, -1, name) != LUA_TNIL)
		list = words(reading, where, name);
	lua_pop(reading->L, 1);
	return list;
}

/* A default in the table as JSON text. */
static const char *get_default(struct reading *reading, const char *where)
{
	lua_State *L = reading->L;
	const char *fault = NULL, *fallback = NULL;
	if (lua_getfield(L, -1, "default") != LUA_TNIL) {
		json_t *value = value_json(L, -1, &fault);
		if (!value)
			luaL_error(L, "%s.default: %s", where, fault);
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		fallback = arena_str(reading->arena, text);
		free(text);
		json_decref(value);
	}
	lua_pop(L, 1);
	return fallback;
}

static enum arg_type type_of(struct reading *reading, const char *where, const char *text)
{
	for (size_t i = 0; i < TYPES; i++)
		if (!strcmp(type_names[i], text))
			return (enum arg_type)i;
	fail_name(reading, where, "type", text, type_names, TYPES);
	return ARG_RAW;
}

static const struct arg *args_of(struct reading *reading, const char *where, int depth);

static void check_pattern(struct reading *reading, const char *where, const struct arg *arg)
{
	struct err err = ERR_INIT;
	if (!arg->pattern && !arg->pattern_doc)
		return;
	struct pattern *pattern = arg->pattern ? pattern_new(arg->pattern, 0, &err) : NULL;
	bool good = pattern != NULL;
	pattern_free(pattern);
	*reading->word = arg->pattern ? arg->pattern : arg->pattern_doc;
	if (arg->pattern && !good)
		luaL_error(reading->L, "%s.pattern: %s", where, err.text);
	if (!arg->pattern || !arg->pattern_doc)
		luaL_error(reading->L, "%s: pattern and pattern_doc go together; the second is read behind \"must\"", where);
}

static void arg_of(struct reading *reading, const char *where, const char *name, struct arg *arg, int depth)
{
	static const char *const keys[] = { "doc", "required", "default", "choices", "aliases", "elements", "options",
		                                "controller_path", "deprecated", "pattern", "pattern_doc", "regex", NULL };
	lua_State *L = reading->L;
	if (!lua_istable(L, -1) || lua_rawgeti(L, -1, 1) != LUA_TSTRING) {
		*reading->word = name;
		luaL_error(L, "%s: write { \"type\", doc = \"...\" }", where);
	}
	*arg = (struct arg){ .name = name, .type = type_of(reading, where, lua_tostring(L, -1)) };
	lua_pop(L, 1);
	check_keys(reading, where, keys);
	arg->doc = get_text(reading, where, "doc");
	arg->required = get_flag(reading, where, "required", false);
	arg->deprecated = get_flag(reading, where, "deprecated", false);
	arg->controller_path = get_flag(reading, where, "controller_path", false);
	arg->fallback = get_default(reading, where);
	arg->choices = get_words(reading, where, "choices");
	arg->aliases = get_words(reading, where, "aliases");
	arg->regex = get_flag(reading, where, "regex", false);
	arg->pattern = get_text(reading, where, "pattern");
	arg->pattern_doc = get_text(reading, where, "pattern_doc");
	check_pattern(reading, where, arg);
	const char *elements = get_text(reading, where, "elements");
	if (elements)
		arg->elements = type_of(reading, where, elements);
	if (!arg->doc) {
		*reading->word = name;
		luaL_error(L, "%s: it needs a doc", where);
	}
	if (lua_getfield(L, -1, "options") != LUA_TNIL)
		arg->options = args_of(reading, arena_printf(reading->arena, "%s.options", where), depth + 1);
	lua_pop(L, 1);
}

/* Required ones first, then by name: a Lua table has no order of its own. */
static int arg_order(const void *a, const void *b)
{
	const struct arg *first = a, *second = b;
	if (first->required != second->required)
		return first->required ? -1 : 1;
	return strcmp(first->name, second->name);
}

static size_t members(lua_State *L)
{
	size_t count = 0;
	int table = lua_gettop(L);
	for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
		count++;
	return count;
}

static const struct arg *args_of(struct reading *reading, const char *where, int depth)
{
	lua_State *L = reading->L;
	luaL_checkstack(L, 12, "arguments are nested too deep");
	if (!lua_istable(L, -1) || depth > DEPTH_MOST)
		luaL_error(L, "%s must be a table of arguments, at most %d deep", where, DEPTH_MOST);
	size_t count = members(L), i = 0;
	struct arg *args = arena_array(reading->arena, count + 1, sizeof *args);
	int table = lua_gettop(L);
	for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), i++) {
		const char *name = key_text(reading, where);
		arg_of(reading, arena_printf(reading->arena, "%s.%s", where, name), name, &args[i], depth);
	}
	qsort(args, count, sizeof *args, arg_order);
	return args;
}

/* ---- rules ---- */

struct rules {
	struct rule *items;
	size_t count;
};

static const struct {
	const char *key;
	enum rule_kind kind;
} rule_keys[] = {
	{ "mutually_exclusive", RULE_EXCLUSIVE }, { "required_together", RULE_TOGETHER },
	{ "required_one_of", RULE_ONE_OF },       { "required_if", RULE_REQUIRED_IF },
	{ "required_by", RULE_REQUIRED_BY },      { "allowed_if", RULE_ALLOWED_IF },
};

static const char *element_text(struct reading *reading, const char *where, int index)
{
	lua_State *L = reading->L;
	lua_rawgeti(L, -1, index);
	const char *text = lua_isboolean(L, -1) ? (lua_toboolean(L, -1) ? "true" : "false") : lua_tostring(L, -1);
	if (!text)
		luaL_error(L, "%s: write { \"argument\", \"value\", { \"needed\" } }", where);
	text = arena_str(reading->arena, text);
	lua_pop(L, 1);
	return text;
}

/* The value, or the list of them, that a rule asks for. */
static const char *const *values_of(struct reading *reading, const char *where, int index)
{
	lua_rawgeti(reading->L, -1, index);
	const char *const *values = NULL;
	if (lua_istable(reading->L, -1))
		values = words(reading, "module", where);
	lua_pop(reading->L, 1);
	if (values)
		return values;
	const char **one = arena_array(reading->arena, 2, sizeof *one);
	one[0] = element_text(reading, where, index);
	return one;
}

/* The rule on the top: { "a", "b" }, { "state", "present", { "line" }, any = true } or { "a", { "b" } }. */
static void rule_of(struct reading *reading, const char *where, struct rule *rule)
{
	lua_State *L = reading->L;
	if (!lua_istable(L, -1))
		luaL_error(L, "%s must be a list of lists", where);
	bool has_values = rule->kind == RULE_REQUIRED_IF || rule->kind == RULE_ALLOWED_IF;
	if (!has_values && rule->kind != RULE_REQUIRED_BY) {
		rule->names = words(reading, "module", where);
		return;
	}
	rule->if_name = element_text(reading, where, 1);
	if (has_values)
		rule->if_values = values_of(reading, where, 2);
	rule->any_of = get_flag(reading, where, "any", false);
	lua_rawgeti(L, -1, has_values ? 3 : 2);
	rule->names = words(reading, "module", where);
	lua_pop(L, 1);
}

static bool has_arg(const struct arg *args, const char *name)
{
	for (; args && args->name; args++)
		if (!strcmp(args->name, name))
			return true;
	return false;
}

static void check_rule(struct reading *reading, const char *where, const struct arg *args, const struct rule *rule)
{
	if (rule->if_name && !has_arg(args, rule->if_name)) {
		*reading->word = rule->if_name;
		luaL_error(reading->L, "%s names \"%s\", which is not in args", where, rule->if_name);
	}
	for (size_t i = 0; rule->names[i]; i++) {
		if (has_arg(args, rule->names[i]))
			continue;
		*reading->word = rule->names[i];
		luaL_error(reading->L, "%s names \"%s\", which is not in args", where, rule->names[i]);
	}
}

static const struct rule *rules_of(struct reading *reading, const struct arg *args)
{
	lua_State *L = reading->L;
	enum { RULES_MOST = 64 };
	struct rule *rules = arena_array(reading->arena, RULES_MOST + 1, sizeof *rules);
	size_t count = 0;
	for (size_t i = 0; i < sizeof rule_keys / sizeof *rule_keys; i++) {
		const char *where = rule_keys[i].key;
		if (lua_getfield(L, -1, where) != LUA_TNIL && !lua_istable(L, -1))
			luaL_error(L, "%s must be a list of lists", where);
		size_t length = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0;
		for (size_t j = 0; j < length; j++, count++) {
			if (count == RULES_MOST)
				luaL_error(L, "%s: more than %d rules", where, RULES_MOST);
			rules[count].kind = rule_keys[i].kind;
			lua_rawgeti(L, -1, (lua_Integer)j + 1);
			rule_of(reading, where, &rules[count]);
			check_rule(reading, where, args, &rules[count]);
			lua_pop(L, 1);
		}
		lua_pop(L, 1);
	}
	return count ? rules : NULL;
}

/* ---- examples and results ---- */

static const struct module_example *examples_of(struct reading *reading)
{
	lua_State *L = reading->L;
	if (lua_getfield(L, -1, "examples") != LUA_TTABLE || lua_rawlen(L, -1) == 0)
		luaL_error(L, "examples must be a list with at least one { \"title\", [[task as JSON]] }");
	size_t count = lua_rawlen(L, -1);
	struct module_example *examples = arena_array(reading->arena, count + 1, sizeof *examples);
	for (size_t i = 0; i < count; i++) {
		if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TTABLE)
			luaL_error(L, "examples: write { \"title\", [[task as JSON]] }");
		examples[i].title = element_text(reading, "examples", 1);
		examples[i].json = element_text(reading, "examples", 2);
		json_error_t error;
		json_t *task = json_loads(examples[i].json, 0, &error);
		bool object = json_is_object(task);
		json_decref(task);
		if (!object) {
			*reading->word = examples[i].title;
			luaL_error(L, "the example \"%s\" is not a task in JSON: %s", examples[i].title, error.text);
		}
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return examples;
}

static int return_order(const void *a, const void *b)
{
	return strcmp(((const struct module_return *)a)->name, ((const struct module_return *)b)->name);
}

static const struct module_return *returns_of(struct reading *reading)
{
	lua_State *L = reading->L;
	struct module_return *returns = NULL;
	if (lua_getfield(L, -1, "returns") != LUA_TNIL) {
		if (!lua_istable(L, -1))
			luaL_error(L, "returns must be a table: key = { \"type\", doc = \"...\" }");
		size_t count = members(L), i = 0;
		returns = arena_array(reading->arena, count + 1, sizeof *returns);
		int table = lua_gettop(L);
		for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), i++) {
			const char *name = key_text(reading, "returns");
			if (!lua_istable(L, -1))
				luaL_error(L, "returns.%s: write { \"type\", doc = \"...\" }", name);
			returns[i] = (struct module_return){ name, element_text(reading, "returns", 1),
				                                 get_text(reading, "returns", "doc") };
		}
		qsort(returns, count, sizeof *returns, return_order);
	}
	lua_pop(L, 1);
	return returns;
}

void bridge_spec_fill(lua_State *L, struct arena *arena, struct module *module, const char **word)
{
	static const char *const keys[] = { "name", "doc", "args", "mutually_exclusive", "required_together",
		                                "required_one_of", "required_if", "required_by", "allowed_if", "free_form",
		                                "any_key", "examples", "returns", "decide", "check_mode", "lists_differences",
		                                "collection", NULL };
	struct reading reading = { L, arena, word };
	if (!lua_istable(L, -1))
		luaL_error(L, "the file must return a table, not %s", luaL_typename(L, -1));
	check_keys(&reading, "module", keys);
	const char *name = get_text(&reading, "module", "name");
	if (name && strcmp(name, module->name)) {
		*word = name;
		luaL_error(L, "the file is called %s.lua but the module's name is \"%s\"", module->name, name);
	}
	module->doc = get_text(&reading, "module", "doc");
	if (!module->doc)
		luaL_error(L, "the module needs a doc: what it does, in a sentence");
	if (lua_getfield(L, -1, "decide") != LUA_TFUNCTION)
		luaL_error(L, "the module needs decide = function(want, known) ... end");
	lua_pop(L, 1);
	if (lua_getfield(L, -1, "args") != LUA_TNIL)
		module->spec.args = args_of(&reading, "args", 0);
	lua_pop(L, 1);
	module->spec.rules = rules_of(&reading, module->spec.args);
	module->spec.free_form = get_text(&reading, "module", "free_form");
	module->spec.any_key = get_flag(&reading, "module", "any_key", false);
	module->collection = get_text(&reading, "module", "collection");
	module->no_check_mode = !get_flag(&reading, "module", "check_mode", true);
	module->lists_differences = get_flag(&reading, "module", "lists_differences", false);
	module->examples = examples_of(&reading);
	module->returns = returns_of(&reading);
}
