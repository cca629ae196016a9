/* Reads the tables that a module hands to the API: every key known, every type checked, every error naming the call. */
#include "lua/bridge_call.h"

#include <string.h>

#include <lauxlib.h>

#include "base/suggest.h"
#include "lua/value.h"

void bridge_field_check(lua_State *L, int index, const char *function, const char *const *names)
{
	index = lua_absindex(L, index);
	if (!lua_istable(L, index))
		luaL_error(L, "%s takes a table, not %s", function, luaL_typename(L, index));
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		if (lua_isinteger(L, -2))
			continue;
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
		if (!key)
			luaL_error(L, "%s: a key of its table is %s", function, luaL_typename(L, -2));
		struct suggest near;
		suggest_start(&near, key);
		bool found = false;
		for (size_t i = 0; names[i] && !found; i++) {
			found = !strcmp(names[i], key);
			suggest_offer(&near, names[i]);
		}
		if (!found && near.best)
			luaL_error(L, "%s has no field \"%s\"; did you mean \"%s\"?", function, key, near.best);
		if (!found)
			luaL_error(L, "%s has no field \"%s\"", function, key);
	}
}

bool bridge_field_has(lua_State *L, int index, const char *name)
{
	index = lua_absindex(L, index);
	lua_pushstring(L, name);
	bool has = lua_rawget(L, index) != LUA_TNIL;
	lua_pop(L, 1);
	return has;
}

/* Text of the value on the top: the string itself, which its table keeps alive, or a number's text in the arena. */
static const char *value_bytes(lua_State *L, size_t *length)
{
	if (lua_type(L, -1) == LUA_TSTRING)
		return lua_tolstring(L, -1, length);
	if (lua_type(L, -1) != LUA_TNUMBER)
		return NULL;
	struct arena *arena = &bridge_call_get(L)->decision->arena;
	lua_pushvalue(L, -1);
	const char *text = lua_tolstring(L, -1, length);
	const char *copy = arena_copy(arena, text, *length);
	lua_pop(L, 1);
	return copy;
}

const char *bridge_field_bytes(lua_State *L, int index, const char *function, const char *name, size_t *length)
{
	index = lua_absindex(L, index);
	lua_pushstring(L, name);
	*length = 0;
	const char *bytes = NULL;
	if (lua_rawget(L, index) != LUA_TNIL) {
		bytes = value_bytes(L, length);
		if (!bytes)
			luaL_error(L, "%s: \"%s\" must be a string, not %s", function, name, luaL_typename(L, -1));
	}
	lua_pop(L, 1);
	return bytes;
}

static const char *without_nul(lua_State *L, const char *text, size_t length, const char *function, const char *name)
{
	if (text && strlen(text) != length)
		luaL_error(L, "%s: \"%s\" has a NUL byte in it", function, name);
	return text;
}

const char *bridge_field_text(lua_State *L, int index, const char *function, const char *name)
{
	size_t length;
	const char *text = bridge_field_bytes(L, index, function, name, &length);
	return without_nul(L, text, length, function, name);
}

bool bridge_field_flag(lua_State *L, int index, const char *function, const char *name, bool fallback)
{
	index = lua_absindex(L, index);
	lua_pushstring(L, name);
	int type = lua_rawget(L, index);
	if (type != LUA_TNIL && type != LUA_TBOOLEAN)
		luaL_error(L, "%s: \"%s\" must be true or false, not %s", function, name, luaL_typename(L, -1));
	bool flag = type == LUA_TNIL ? fallback : lua_toboolean(L, -1);
	lua_pop(L, 1);
	return flag;
}

double bridge_field_number(lua_State *L, int index, const char *function, const char *name, double fallback)
{
	index = lua_absindex(L, index);
	lua_pushstring(L, name);
	int type = lua_rawget(L, index);
	if (type != LUA_TNIL && type != LUA_TNUMBER)
		luaL_error(L, "%s: \"%s\" must be a number, not %s", function, name, luaL_typename(L, -1));
	double number = type == LUA_TNIL ? fallback : lua_tonumber(L, -1);
	lua_pop(L, 1);
	return number;
}

const char *const *bridge_field_words(lua_State *L, int index, const char *function)
{
	index = lua_absindex(L, index);
	struct arena *arena = &bridge_call_get(L)->decision->arena;
	size_t count = lua_rawlen(L, index);
	const char **words = arena_array(arena, count + 1, sizeof *words);
	for (size_t i = 0; i < count; i++) {
		lua_rawgeti(L, index, (lua_Integer)i + 1);
		size_t length = 0;
		const char *word = value_bytes(L, &length);
		if (!word)
			luaL_error(L, "%s: word %d must be a string, not %s", function, (int)i + 1, luaL_typename(L, -1));
		words[i] = without_nul(L, word, length, function, word);
		lua_pop(L, 1);
	}
	return words;
}

const char *const *bridge_field_list(lua_State *L, int index, const char *function, const char *name)
{
	index = lua_absindex(L, index);
	lua_pushstring(L, name);
	int type = lua_rawget(L, index);
	const char *const *words = NULL;
	if (type == LUA_TTABLE) {
		words = bridge_field_words(L, -1, function);
	} else if (type == LUA_TSTRING) {
		const char **one = arena_array(&bridge_call_get(L)->decision->arena, 2, sizeof *one);
		one[0] = bridge_field_text(L, index, function, name);
		words = one;
	} else if (type != LUA_TNIL) {
		luaL_error(L, "%s: \"%s\" must be a list of strings, not %s", function, name, luaL_typename(L, -1));
	}
	lua_pop(L, 1);
	return words;
}

const char *bridge_field_argument(lua_State *L, int position, const char *function, const char *what)
{
	if (lua_type(L, position) != LUA_TSTRING)
		luaL_error(L, "%s: %s must be a string, not %s", function, what, luaL_typename(L, position));
	size_t length;
	const char *text = lua_tolstring(L, position, &length);
	return without_nul(L, text, length, function, what);
}

/* The environment as JSON that the decision's arena cannot own: it is built only after all that can raise, and the
 * caller drops it after it was copied. */
static json_t *environment_json(lua_State *L, int index, const char *function)
{
	lua_pushstring(L, "env");
	json_t *environment = NULL;
	if (lua_rawget(L, index) != LUA_TNIL) {
		const char *fault = NULL;
		if (lua_istable(L, -1))
			environment = value_json(L, -1, &fault);
		if (environment && !json_is_object(environment)) {
			json_decref(environment);
			environment = NULL;
		}
		const char *key;
		json_t *value;
		json_object_foreach(environment, key, value) {
			if (!json_is_string(value)) {
				json_decref(environment);
				environment = NULL;
				break;
			}
		}
		if (!environment)
			luaL_error(L, "%s: \"env\" must be a table of names and strings", function);
	}
	lua_pop(L, 1);
	return environment;
}

void bridge_field_command(lua_State *L, int index, const char *function, struct command *command)
{
	index = lua_absindex(L, index);
	*command = (struct command){
		.script = bridge_field_text(L, index, function, "sh"),
		.chdir = bridge_field_text(L, index, function, "chdir"),
		.secret = bridge_field_flag(L, index, function, "secret", false),
	};
	command->input = bridge_field_bytes(L, index, function, "stdin", &command->input_length);
	const char *const *words = bridge_field_words(L, index, function);
	if (words[0] && command->script)
		luaL_error(L, "%s: give words or sh, not both", function);
	if (!words[0] && !command->script)
		luaL_error(L, "%s: give the command's words, or sh = \"a script\"", function);
	if (words[0])
		command->argv = words;
	command->environment = environment_json(L, index, function);
}
