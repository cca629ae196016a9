/* Helpers for Lua modules: quote, digest, json, list, null; and lua/bridge/help.lua, which holds the rest. */
#include "lua/bridge_call.h"

#include <string.h>

#include <lauxlib.h>

#include "base/digest.h"
#include "base/json_fault.h"
#include "base/quote.h"
#include "lua/regex.h"
#include "lua/value.h"
#include "lua/vm.h"

/* Pushes what a buf holds by way of the arena, so that an error in Lua leaks nothing. */
static int push_text(lua_State *L, struct arena *arena, struct buf *buf)
{
	size_t length = buf->length;
	const char *copy = arena_copy(arena, buf_text(buf), length);
	buf_release(buf);
	lua_pushlstring(L, copy, length);
	return 1;
}

static int help_quote(lua_State *L)
{
	struct arena *arena = &bridge_call_get(L)->decision->arena;
	const char *word = bridge_field_argument(L, 1, "quote", "the word");
	struct buf quoted = BUF_INIT;
	quote_word(&quoted, word);
	return push_text(L, arena, &quoted);
}

static int help_digest(lua_State *L)
{
	if (lua_type(L, 1) != LUA_TSTRING || !digest_known(lua_tostring(L, 1)))
		luaL_error(L, "digest knows md5, sha1, sha224, sha256, sha384 and sha512");
	if (lua_type(L, 2) != LUA_TSTRING)
		luaL_error(L, "digest: the bytes must be a string, not %s", luaL_typename(L, 2));
	char hex[DIGEST_HEX_MAX];
	size_t length;
	const char *bytes = lua_tolstring(L, 2, &length);
	vm_spend(L, (int64_t)(length / 16));
	digest_bytes(lua_tostring(L, 1), bytes, length, hex);
	lua_pushstring(L, hex);
	return 1;
}

static int json_encode(lua_State *L)
{
	struct arena *arena = &bridge_call_get(L)->decision->arena;
	const char *fault = NULL;
	luaL_checkany(L, 1);
	size_t indent = lua_isinteger(L, 2) ? (size_t)lua_tointeger(L, 2) & 0x1f : 0;
	json_t *value = value_json(L, 1, &fault);
	if (!value)
		luaL_error(L, "json.encode: %s", fault);
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_INDENT(indent) | (indent ? 0 : JSON_COMPACT));
	json_decref(value);
	const char *copy = arena_str(arena, text);
	free(text);
	lua_pushstring(L, copy);
	return 1;
}

/* Parsed JSON on its way into Lua, freed by its finalizer however the conversion ends. */
static int parsed_free(lua_State *L)
{
	json_t **value = lua_touserdata(L, 1);
	json_decref(*value);
	*value = NULL;
	return 0;
}

static json_t **parsed_new(lua_State *L)
{
	json_t **value = lua_newuserdatauv(L, sizeof *value, 0);
	*value = NULL;
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, parsed_free);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2);
	return value;
}

/* The value; or nil and what is wrong. */
static int json_decode(lua_State *L)
{
	if (lua_type(L, 1) != LUA_TSTRING)
		luaL_error(L, "json.decode takes a string, not %s", luaL_typename(L, 1));
	size_t length;
	const char *text = lua_tolstring(L, 1, &length);
	vm_spend(L, (int64_t)length);
	json_t **value = parsed_new(L);
	json_error_t error;
	*value = json_loadb(text, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (!*value) {
		lua_pushnil(L);
		lua_pushfstring(L, "line %d: %s", error.line, json_fault_text(&error));
		return 2;
	}
	value_push(L, *value);
	return 1;
}

static int help_list(lua_State *L)
{
	lua_settop(L, 1);
	luaL_checktype(L, 1, LUA_TTABLE);
	value_make_list(L, 1);
	return 1;
}

static int help_dict(lua_State *L)
{
	lua_settop(L, 0);
	lua_newtable(L);
	value_make_dict(L, 1);
	return 1;
}

/* The mode that text gives something whose mode is old ("0644", or nil for a new one), as "0644". */
static int help_mode(lua_State *L)
{
	mode_t umask = bridge_call_get(L)->decision->umask;
	const char *text = bridge_field_argument(L, 1, "file.mode", "the mode");
	bool directory = lua_toboolean(L, 3);
	mode_t old = (directory ? 0777 : 0666) & ~umask;
	if (lua_type(L, 2) == LUA_TSTRING)
		old = (mode_t)strtoul(lua_tostring(L, 2), NULL, 8);
	struct err err = ERR_INIT;
	if (mode_check(text, &err) < 0)
		luaL_error(L, "file.mode: %s", err.text);
	char mode[8];
	lua_pushstring(L, mode_text(mode_apply(text, old, directory, umask), mode));
	return 1;
}

static void set_function(lua_State *L, const char *name, lua_CFunction function)
{
	lua_pushstring(L, name);
	lua_pushcfunction(L, function);
	lua_rawset(L, -3);
}

/* What help.lua needs from C stands in native.bridge before it is first run. */
static void native_open(lua_State *L)
{
	vm_native(L);
	if (lua_getfield(L, -1, "bridge") == LUA_TNIL) {
		lua_newtable(L);
		bridge_result_open(L);
		set_function(L, "mode", help_mode);
		set_function(L, "quote", help_quote);
		lua_pushstring(L, "step");
		bridge_step_push(L);
		lua_rawset(L, -3);
		lua_setfield(L, -3, "bridge");
	}
	lua_pop(L, 2);
}

/* Copies what help.lua returned, tables too, so that a module which changes them does so for itself alone. */
static void copy_members(lua_State *L, int from, int to)
{
	for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
		lua_pushvalue(L, -2);
		if (lua_istable(L, -2)) {
			lua_newtable(L);
			copy_members(L, lua_gettop(L) - 2, lua_gettop(L));
		} else {
			lua_pushvalue(L, -2);
		}
		lua_rawset(L, to);
	}
}

void bridge_help_open(lua_State *L)
{
	static const luaL_Reg json_functions[] = { { "encode", json_encode }, { "decode", json_decode }, { NULL, NULL } };
	int globals = lua_gettop(L);
	native_open(L);
	vm_import(L, "bridge/help.lua");
	copy_members(L, lua_gettop(L), globals);
	lua_settop(L, globals);
	set_function(L, "quote", help_quote);
	set_function(L, "digest", help_digest);
	set_function(L, "list", help_list);
	set_function(L, "dict", help_dict);
	lua_pushstring(L, "json");
	luaL_newlib(L, json_functions);
	lua_rawset(L, globals);
	lua_pushstring(L, "regex");
	regex_push(L);
	lua_rawset(L, globals);
	lua_pushstring(L, "null");
	value_null(L);
	lua_rawset(L, globals);
	static const char *const removed[] = { "next", "rawget", "rawset", NULL };
	for (size_t i = 0; removed[i]; i++) {
		lua_pushstring(L, removed[i]);
		lua_pushnil(L);
		lua_rawset(L, globals);
	}
}
