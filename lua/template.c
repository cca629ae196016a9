/* The way from JSON values into the template engine (lua/jinja) and back. Values without templates never enter Lua. */
#include "lua/template.h"

#include <lauxlib.h>

#include "base/mem.h"
#include "lua/native.h"
#include "lua/native_system.h"
#include "lua/value.h"
#include "lua/value_inside.h"
#include "lua/vm.h"
#include "model/vault.h"

enum {
	TEMPLATE_MEMORY_MAX = 512 << 20,
	TEMPLATE_GC_PAUSE = 400, /* a collection starts when memory in use is four times what the last one left */
	TEMPLATE_INSTRUCTIONS_MAX = 200 * 1000 * 1000,
};

struct template_vm {
	struct vm *vm; /* NULL until template_state opens it */
	struct native_site site;
};

/* Puts the engine's table of entry points at index 1 of the stack. */
static int template_open(lua_State *state)
{
	struct template_vm *vm = lua_touserdata(state, 1);
	lua_gc(state, LUA_GCSTOP); /* all that is made here stays */
	native_open(state, &vm->site.scope);
	vm_import(state, "jinja/template.lua");
	/* Most of what an evaluation makes is garbage at its end: collecting it early costs more than its memory. */
	lua_gc(state, LUA_GCINC, TEMPLATE_GC_PAUSE, 0, 0);
	lua_gc(state, LUA_GCRESTART);
	return 1;
}

static const struct vm_budget template_start_budget = {.instructions = TEMPLATE_INSTRUCTIONS_MAX};

struct template_vm *template_vm_new(void)
{
	return mem_alloc(sizeof(struct template_vm));
}

/* The engine's state, opened by the first evaluation: a run whose values hold no template has none. */
static lua_State *template_state(struct template_vm *vm)
{
	if (vm->vm)
		return vm_state(vm->vm);
	struct err err = ERR_INIT;
	vm->vm = vm_new(TEMPLATE_MEMORY_MAX);
	lua_State *state = vm_state(vm->vm);
	lua_pushcfunction(state, template_open);
	lua_pushlightuserdata(state, vm);
	if (vm_call(vm->vm, 1, 1, &template_start_budget, &err) < 0) {
		fprintf(stderr, "neap: the template engine does not start: %s\n", err.text);
		abort();
	}
	return state;
}

void template_vm_free(struct template_vm *vm)
{
	if (!vm)
		return;
	vm_free(vm->vm);
	free(vm);
}

/* Takes out where in the engine an error arose; one that the engine has no words for gets some. */
static void template_tidy(struct err *err)
{
	const char *inside = strncmp(err->text, "lua/jinja/", 10) == 0 ? strstr(err->text, ": ") : NULL;
	if (inside)
		memmove(err->text, inside + 2, strlen(inside + 2) + 1);
	if (strncmp(err->text, "attempt to ", 11) != 0 && strncmp(err->text, "bad argument #", 14) != 0)
		return;
	err_set(err, err->kind, "a value here is of a type that cannot be used like this");
	err->os_error = TEMPLATE_WORDLESS;
}

/* Says in which line or variable the error arose. */
static int template_failed(struct template_vm *vm, struct err *err)
{
	if (err)
		template_tidy(err);
	lua_State *state = template_state(vm);
	struct err ignored = ERR_INIT;
	lua_getfield(state, 1, "trail");
	if (vm_call(vm->vm, 0, 1, &template_start_budget, &ignored) == 0) {
		const char *trail = lua_tostring(state, -1);
		if (trail && *trail && err && strlen(err->text) + strlen(trail) + 20 < sizeof(err->text))
			err_wrap(err, "%s", trail);
	}
	lua_settop(state, 1);
	return -1;
}

/* Calls an entry point with a text and, where it is not negative, a boolean; the result is on top of the stack. */
static int template_call(struct template_vm *vm, const char *entry, const char *text, size_t length, int flag,
                         struct err *err)
{
	lua_State *state = template_state(vm);
	const struct vm_budget budget = {
	    .instructions = TEMPLATE_INSTRUCTIONS_MAX,
	    .cancelled = vm->site.scope ? vm->site.scope->cancelled : NULL,
	    .context = vm->site.scope ? vm->site.scope->services : NULL,
	};
	lua_getfield(state, 1, entry);
	lua_pushlstring(state, text, length);
	if (flag >= 0)
		lua_pushboolean(state, flag);
	if (vm_call(vm->vm, flag >= 0 ? 2 : 1, 1, &budget, err) < 0)
		return template_failed(vm, err);
	return 0;
}

/* Starts an evaluation: nothing is remembered of the one before. */
static int template_start(struct template_vm *vm, const struct template_scope *scope, struct err *err)
{
	vm->site.scope = scope;
	lua_getfield(template_state(vm), 1, "start");
	return vm_call(vm->vm, 0, 0, &template_start_budget, err);
}

static void template_end(struct template_vm *vm)
{
	vm->site.scope = NULL;
	lua_settop(template_state(vm), 1);
}

static bool template_is_omitted(struct template_vm *vm)
{
	lua_State *state = template_state(vm);
	return lua_islightuserdata(state, -1) && lua_touserdata(state, -1) == (const void *)value_omitted;
}

/* Takes the value on top of the stack. */
static json_t *template_take(struct template_vm *vm, struct err *err)
{
	const char *problem = NULL;
	json_t *value = value_json(template_state(vm), -1, &problem);
	if (!value)
		err_set(err, ERR_INPUT, "the result cannot be used: %s", problem ? problem : "it has no form in JSON");
	lua_settop(template_state(vm), 1);
	return value;
}

static bool template_has_tags(const char *text)
{
	while ((text = strchr(text, '{'))) {
		if (text[1] == '{' || text[1] == '%' || text[1] == '#')
			return true;
		text++;
	}
	return false;
}

static int template_closed(struct template_vm *vm, const json_t *value, json_t **result, struct err *err)
{
	const char *text;
	size_t length;
	if (value_closed(value, vm->site.scope, &text, &length, err) < 0)
		return -1;
	*result = json_stringn(text, length);
	return *result ? 0 : err_set(err, ERR_INPUT, "a sealed value is not UTF-8 text: seal a file and copy it instead");
}

/* Whether there is anything to evaluate. */
static bool template_inside(const json_t *value)
{
	if (json_is_string(value))
		return template_has_tags(json_string_value(value));
	if (vault_value_is_text(value))
		return true;
	if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			if (template_inside(json_array_get(value, i)))
				return true;
		return false;
	}
	for (void *member = json_object_iter((json_t *)value); member; member = json_object_iter_next((json_t *)value, member))
		if (template_has_tags(json_object_iter_key(member)) || template_inside(json_object_iter_value(member)))
			return true;
	return false;
}

static int template_walk(struct template_vm *vm, const json_t *value, json_t **result, bool *omitted, struct err *err);

static int template_string(struct template_vm *vm, const char *text, size_t length, json_t **result, bool *omitted,
                           struct err *err)
{
	if (template_call(vm, "render", text, length, -1, err) < 0)
		return -1;
	*omitted = template_is_omitted(vm);
	*result = template_take(vm, err);
	return *result ? 0 : -1;
}

static int template_member(struct template_vm *vm, const char *key, const json_t *member, json_t *object, struct err *err)
{
	auto_json json_t *name = NULL;
	auto_json json_t *value = NULL;
	bool omitted = false;
	if (template_has_tags(key)) {
		if (template_string(vm, key, strlen(key), &name, &omitted, err) < 0)
			return -1;
		if (!json_is_string(name))
			return err_set(err, ERR_INPUT, "the key \"%s\" gives a value that is not a string", key);
		key = json_string_value(name);
	}
	if (template_walk(vm, member, &value, &omitted, err) < 0)
		return -1;
	if (!omitted)
		json_object_set_new_nocheck(object, key, steal(value));
	return 0;
}

static int template_object(struct template_vm *vm, const json_t *value, json_t **result, struct err *err)
{
	auto_json json_t *object = json_object();
	for (void *member = json_object_iter((json_t *)value); member; member = json_object_iter_next((json_t *)value, member))
		if (template_member(vm, json_object_iter_key(member), json_object_iter_value(member), object, err) < 0)
			return -1;
	*result = steal(object);
	return 0;
}

static int template_array(struct template_vm *vm, const json_t *value, json_t **result, struct err *err)
{
	auto_json json_t *array = json_array();
	for (size_t i = 0; i < json_array_size(value); i++) {
		json_t *element = NULL;
		bool omitted = false;
		if (template_walk(vm, json_array_get(value, i), &element, &omitted, err) < 0)
			return -1;
		if (omitted)
			json_decref(element);
		else
			json_array_append_new(array, element);
	}
	*result = steal(array);
	return 0;
}

/* The loader bounds how deep documents are nested, so the recursion is bounded too. */
static int template_walk(struct template_vm *vm, const json_t *value, json_t **result, bool *omitted, struct err *err)
{
	*omitted = false;
	if (json_is_string(value) && template_has_tags(json_string_value(value)))
		return template_string(vm, json_string_value(value), json_string_length(value), result, omitted, err);
	if (vault_value_is_text(value))
		return template_closed(vm, value, result, err);
	if (json_is_object(value))
		return template_object(vm, value, result, err);
	if (json_is_array(value))
		return template_array(vm, value, result, err);
	*result = json_deep_copy(value);
	return 0;
}

unsigned long template_looks(const struct template_vm *vm) { return vm->site.looks; }

int template_value(struct template_vm *vm, json_t *value, const struct template_scope *scope, json_t **result,
                   bool *omitted, struct err *err)
{
	bool omitted_here = false;
	*result = NULL;
	if (!template_inside(value)) {
		if (omitted)
			*omitted = false;
		*result = json_deep_copy(value);
		return 0;
	}
	if (template_start(vm, scope, err) < 0)
		return -1;
	int status = template_walk(vm, value, result, &omitted_here, err);
	template_end(vm);
	if (omitted)
		*omitted = omitted_here;
	return status;
}

static int template_condition_text(struct template_vm *vm, const char *text, size_t length, const struct template_scope *scope,
                                   bool *truth, struct err *err)
{
	if (template_start(vm, scope, err) < 0)
		return -1;
	int status = template_call(vm, "condition", text, length, -1, err);
	if (status == 0)
		*truth = lua_toboolean(template_state(vm), -1);
	template_end(vm);
	return status;
}

int template_condition(struct template_vm *vm, json_t *expression, const struct template_scope *scope, bool *truth,
                       struct err *err)
{
	*truth = true;
	switch (json_typeof(expression)) {
	case JSON_TRUE:
	case JSON_NULL: return 0;
	case JSON_FALSE: *truth = false; return 0;
	case JSON_INTEGER: *truth = json_integer_value(expression) != 0; return 0;
	case JSON_REAL: *truth = json_real_value(expression) != 0; return 0;
	case JSON_STRING:
		if (json_string_length(expression) == 0)
			return 0;
		return template_condition_text(vm, json_string_value(expression), json_string_length(expression), scope, truth, err);
	case JSON_ARRAY:
		for (size_t i = 0; i < json_array_size(expression) && *truth; i++)
			if (template_condition(vm, json_array_get(expression, i), scope, truth, err) < 0)
				return -1;
		return 0;
	case JSON_OBJECT: break;
	}
	return err_set(err, ERR_INPUT, "a condition is an expression, a boolean or a list of them, not a dictionary");
}

int template_expression(struct template_vm *vm, const char *expression, const struct template_scope *scope,
                        json_t **result, struct err *err)
{
	*result = NULL;
	if (template_start(vm, scope, err) < 0)
		return -1;
	if (template_call(vm, "expression", expression, strlen(expression), -1, err) == 0)
		*result = template_take(vm, err);
	template_end(vm);
	return *result ? 0 : -1;
}

static void template_push_mark(lua_State *state, const char *name, const char *mark)
{
	if (!mark)
		return;
	lua_pushstring(state, mark);
	lua_setfield(state, -2, name);
}

/* Pushes the settings as the four arguments that the entry "file" takes behind the text. */
static void template_push_settings(lua_State *state, const struct template_settings *settings)
{
	static const struct template_settings usual = {.trim_blocks = true};
	if (!settings)
		settings = &usual;
	lua_pushboolean(state, settings->trim_blocks);
	lua_pushboolean(state, settings->lstrip_blocks);
	if (settings->newline && strcmp(settings->newline, "\n") != 0)
		lua_pushstring(state, settings->newline);
	else
		lua_pushnil(state);
	lua_newtable(state);
	template_push_mark(state, "block_start", settings->block_start);
	template_push_mark(state, "block_end", settings->block_end);
	template_push_mark(state, "variable_start", settings->variable_start);
	template_push_mark(state, "variable_end", settings->variable_end);
	template_push_mark(state, "comment_start", settings->comment_start);
	template_push_mark(state, "comment_end", settings->comment_end);
}

/* Calls an entry that takes a file; its value stays on the stack. */
static int call_file(struct template_vm *vm, const char *entry, const char *path, const char *text, size_t length,
                     const struct template_settings *settings, const struct vm_budget *budget, struct err *err)
{
	lua_State *state = template_state(vm);
	lua_getfield(state, 1, entry);
	lua_pushstring(state, path);
	lua_pushlstring(state, text, length);
	template_push_settings(state, settings);
	return vm_call(vm->vm, 6, 1, budget, err) < 0 ? template_failed(vm, err) : 0;
}

int template_text(struct template_vm *vm, const char *path, const char *text, size_t length,
                  const struct template_settings *settings, const struct template_scope *scope, char **result,
                  size_t *result_length, struct err *err)
{
	*result = NULL;
	if (template_start(vm, scope, err) < 0)
		return -1;
	const struct vm_budget budget = {
	    .instructions = TEMPLATE_INSTRUCTIONS_MAX, .cancelled = scope ? scope->cancelled : NULL, .context = scope ? scope->services : NULL};
	int status = call_file(vm, "file", path, text, length, settings, &budget, err);
	if (status == 0) {
		const char *rendered = lua_tolstring(template_state(vm), -1, result_length);
		*result = mem_strndup(rendered ? rendered : "", rendered ? *result_length : 0);
	}
	template_end(vm);
	return status;
}

int template_check_file(struct template_vm *vm, const char *path, const char *text, size_t length,
                        const struct template_settings *settings, struct err *err)
{
	const struct vm_budget budget = { .instructions = TEMPLATE_INSTRUCTIONS_MAX };
	vm->site.scope = NULL;
	int status = call_file(vm, "check_file", path, text, length, settings, &budget, err);
	template_end(vm);
	return status;
}

int template_check(struct template_vm *vm, const char *text, bool is_expression, struct err *err)
{
	vm->site.scope = NULL;
	int status = template_call(vm, "check", text, strlen(text), is_expression, err);
	template_end(vm);
	return status;
}

int template_names(struct template_vm *vm, const char *text, bool is_expression,
                   void (*offer)(void *to, const char *name), void *to, struct err *err)
{
	lua_State *state = template_state(vm);
	vm->site.scope = NULL;
	if (template_call(vm, "names", text, strlen(text), is_expression, err) < 0)
		return -1;
	for (lua_Integer i = 1; lua_rawgeti(state, 2, i) == LUA_TSTRING; i++) {
		offer(to, lua_tostring(state, -1));
		lua_pop(state, 1);
	}
	template_end(vm);
	return 0;
}

int template_definitions(struct template_vm *vm, const char *what, void (*offer)(void *to, const char *name, int arguments),
                         void *to, struct err *err)
{
	lua_State *state = template_state(vm);
	lua_getfield(state, 1, "definitions");
	lua_pushstring(state, what);
	if (vm_call(vm->vm, 1, 2, &template_start_budget, err) < 0)
		return template_failed(vm, err);
	for (lua_Integer i = 1; lua_rawgeti(state, 2, i) == LUA_TSTRING; i++) {
		lua_rawgeti(state, 3, i);
		offer(to, lua_tostring(state, -2), (int)lua_tointeger(state, -1));
		lua_pop(state, 2);
	}
	lua_settop(state, 1);
	return 0;
}
