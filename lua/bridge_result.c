/* How a Lua module speaks about its task: need, fail, skip, warn, changed, diff and the table result. */
#include "lua/bridge_call.h"

#include <string.h>

#include <lauxlib.h>

#include "base/text.h"
#include "lua/value.h"

static const char call_key[1] = "c";
static const char end_key[1] = "e";

void bridge_call_set(lua_State *L, struct bridge_call *call)
{
	lua_pushlightuserdata(L, call);
	lua_rawsetp(L, LUA_REGISTRYINDEX, call_key);
}

struct bridge_call *bridge_call_get(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, call_key);
	struct bridge_call *call = lua_touserdata(L, -1);
	lua_pop(L, 1);
	if (!call)
		luaL_error(L, "asks, steps and results belong inside decide(want, known)");
	if (call->over)
		bridge_call_end(L);
	return call;
}

int bridge_call_end(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, call_key);
	struct bridge_call *call = lua_touserdata(L, -1);
	call->over = true;
	lua_pushlightuserdata(L, (void *)(uintptr_t)end_key);
	lua_error(L);
	__builtin_unreachable();
}

static int result_need(lua_State *L)
{
	bridge_call_get(L);
	int count = lua_gettop(L);
	for (int i = 1; i <= count; i++)
		if (lua_isnil(L, i))
			return bridge_call_end(L);
	return count;
}

/* The arguments as one text: as they are if there is one, else by string.format. */
static const char *format_text(lua_State *L, const char *function)
{
	if (lua_type(L, 1) != LUA_TSTRING)
		luaL_error(L, "%s takes a text, not %s", function, luaL_typename(L, 1));
	if (lua_gettop(L) > 1) {
		lua_getglobal(L, "string");
		lua_getfield(L, -1, "format");
		lua_insert(L, 1);
		lua_pop(L, 1);
		lua_call(L, lua_gettop(L) - 1, 1);
	}
	return lua_tostring(L, -1);
}

/* fail{ msg = "...", rc = 257 }: the other keys are the result's. */
static int fail_with_keys(lua_State *L, struct bridge_call *call)
{
	lua_settop(L, 1);
	lua_pushstring(L, "msg");
	if (lua_rawget(L, 1) != LUA_TSTRING)
		luaL_error(L, "fail takes a text, or a table with msg");
	const char *text = lua_tostring(L, 2);
	lua_pushstring(L, "msg");
	lua_pushnil(L);
	lua_rawset(L, 1);
	lua_pushvalue(L, 1);
	bridge_result_take(L, call->decision);
	result_fail(call->decision, "%s", text);
	return bridge_call_end(L);
}

static int result_fail_lua(lua_State *L)
{
	struct bridge_call *call = bridge_call_get(L);
	if (lua_istable(L, 1))
		return fail_with_keys(L, call);
	result_changed(call->decision, false);
	result_fail(call->decision, "%s", format_text(L, "fail"));
	return bridge_call_end(L);
}

static int result_skip_lua(lua_State *L)
{
	struct bridge_call *call = bridge_call_get(L);
	result_skip(call->decision, "%s", format_text(L, "skip"));
	return bridge_call_end(L);
}

static int result_warn_lua(lua_State *L)
{
	struct bridge_call *call = bridge_call_get(L);
	result_warn(call->decision, "%s", format_text(L, "warn"));
	return 0;
}

static int result_changed_lua(lua_State *L)
{
	struct bridge_call *call = bridge_call_get(L);
	if (!lua_isnone(L, 1) && !lua_isboolean(L, 1))
		luaL_error(L, "changed takes true or false, not %s", luaL_typename(L, 1));
	result_changed(call->decision, lua_isnone(L, 1) || lua_toboolean(L, 1));
	return 0;
}

/* diff(path, {mode = "0644"}, {mode = "0600"}) */
static void diff_attributes(lua_State *L, struct decision *decision, const char *path)
{
	for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
		const char *fault = NULL;
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "diff: the name of an attribute must be a string, not %s", luaL_typename(L, -2));
		const char *name = lua_tostring(L, -2);
		lua_getfield(L, 2, name);
		json_t *before = value_json(L, -1, &fault);
		json_t *after = value_json(L, -2, &fault);
		lua_pop(L, 1);
		if (fault) {
			json_decref(before);
			json_decref(after);
			luaL_error(L, "diff: %s", fault);
		}
		result_diff_attribute(decision, path, name, before, after);
	}
}

static int result_diff_lua(lua_State *L)
{
	struct bridge_call *call = bridge_call_get(L);
	const char *path = bridge_field_argument(L, 1, "diff", "the path");
	lua_settop(L, 3);
	if (lua_istable(L, 2) && lua_istable(L, 3)) {
		diff_attributes(L, call->decision, path);
		return 0;
	}
	size_t lengths[2] = { 0, 0 };
	const char *texts[2] = { NULL, NULL };
	for (int i = 0; i < 2; i++) {
		if (lua_toboolean(L, i + 2) && lua_type(L, i + 2) != LUA_TSTRING)
			luaL_error(L, "diff takes two texts or two tables; what does not exist is false");
		texts[i] = lua_tolstring(L, i + 2, &lengths[i]);
	}
	result_diff(call->decision, path, texts[0], lengths[0], path, texts[1], lengths[1]);
	return 0;
}

void bridge_result_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "need", result_need },       { "fail", result_fail_lua },       { "skip", result_skip_lua },
		{ "warn", result_warn_lua },   { "changed", result_changed_lua }, { "diff", result_diff_lua },
		{ NULL, NULL },
	};
	for (const luaL_Reg *function = functions; function->name; function++) {
		lua_pushstring(L, function->name);
		lua_pushcfunction(L, function->func);
		lua_rawset(L, -3);
	}
}

static void take_member(lua_State *L, struct decision *decision, const char *key)
{
	static const char *const taken[] = { "changed", "failed", "skipped", "diff", NULL };
	for (size_t i = 0; taken[i]; i++)
		if (!strcmp(taken[i], key))
			luaL_error(L, "result.%s is set by the function of that name or by the steps", key);
	if (decision->failed && !strcmp(key, "msg"))
		return; /* what fail() said is the message */
	if (lua_type(L, -1) == LUA_TSTRING && (!strcmp(key, "stdout") || !strcmp(key, "stderr"))) {
		size_t length;
		const char *bytes = lua_tolstring(L, -1, &length);
		result_stream(decision, key, bytes, length);
		return;
	}
	const char *fault = NULL;
	json_t *value = value_json(L, -1, &fault);
	if (!value)
		luaL_error(L, "result.%s: %s", key, fault);
	result_set(decision, key, value);
}

/* In the order of the keys, because Lua's is another one each time. */
void bridge_result_take(lua_State *L, struct decision *decision)
{
	int table = lua_gettop(L);
	size_t count = 0, at = 0;
	for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), count++) {
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "result: a key must be a string, not %s", luaL_typename(L, -2));
	}
	const char **keys = arena_alloc(&decision->arena, (count + 1) * sizeof(*keys));
	for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
		keys[at++] = lua_tostring(L, -2);
	qsort(keys, count, sizeof(*keys), text_order);
	for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
		lua_getfield(L, table, keys[i]);
		take_member(L, decision, keys[i]);
	}
}
