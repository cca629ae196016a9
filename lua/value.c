/* JSON values in Lua and back. A dict keeps its keys in order in a hidden member, whose key is the address of
 * value_order; so members are read as plain fields at full speed. */
#include "lua/value.h"

#include <math.h>

#include <lauxlib.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/printable.h"
#include "base/text.h"
#include "lua/value_inside.h"
#include "model/vault.h"

enum { VALUE_FILLED_MAX = 8 };

const char value_order[1] = "o";
const char value_source[1] = "s";
const char value_final[1] = "f";
const char value_nothing[1] = "n";
const char value_omitted[1] = "x";
static const char value_list_key[1] = "l";
static const char value_tuple_key[1] = "t";
static const char value_dict_key[1] = "d";

void value_null(lua_State *state)
{
	lua_pushlightuserdata(state, (void *)value_nothing);
}

bool value_is_null(lua_State *state, int index)
{
	return lua_islightuserdata(state, index) && lua_touserdata(state, index) == (const void *)value_nothing;
}

/* Metatables */

/* dict[key] = value for a key that is not there: it goes to the end of the order. */
static int value_dict_newindex(lua_State *state)
{
	lua_settop(state, 3);
	if (lua_rawgetp(state, 1, value_order) != LUA_TTABLE)
		return luaL_error(state, "not a dictionary");
	lua_pushvalue(state, 2);
	lua_rawseti(state, 4, (lua_Integer)lua_rawlen(state, 4) + 1);
	lua_settop(state, 3);
	lua_rawset(state, 1);
	return 0;
}

/* The iterator behind pairs(dict). Upvalues: the order, the position. Keys that were set to nil are passed over. */
static int value_dict_next(lua_State *state)
{
	lua_Integer at = lua_tointeger(state, lua_upvalueindex(2));
	for (;;) {
		if (lua_rawgeti(state, lua_upvalueindex(1), ++at) == LUA_TNIL)
			return 1;
		lua_pushvalue(state, -1);
		if (lua_rawget(state, 1) != LUA_TNIL)
			break;
		lua_pop(state, 2);
	}
	lua_pushinteger(state, at);
	lua_replace(state, lua_upvalueindex(2));
	return 2;
}

static int value_dict_pairs(lua_State *state)
{
	lua_settop(state, 1);
	lua_newtable(state); /* 2: the order without repetitions */
	lua_newtable(state); /* 3: seen */
	lua_rawgetp(state, 1, value_order);
	lua_Integer count = lua_istable(state, 4) ? (lua_Integer)lua_rawlen(state, 4) : 0;
	lua_Integer kept = 0;
	for (lua_Integer i = 1; i <= count; i++) {
		lua_rawgeti(state, 4, i);
		lua_pushvalue(state, -1);
		bool seen = lua_rawget(state, 3) != LUA_TNIL;
		lua_pop(state, 1);
		if (!seen) {
			lua_pushvalue(state, -1);
			lua_pushboolean(state, true);
			lua_rawset(state, 3);
			lua_pushvalue(state, -1);
			lua_rawseti(state, 2, ++kept);
		}
		lua_pop(state, 1);
	}
	lua_pushvalue(state, 2);
	lua_pushinteger(state, 0);
	lua_pushcclosure(state, value_dict_next, 2);
	lua_pushvalue(state, 1);
	lua_pushnil(state);
	return 3;
}

void value_list_metatable(lua_State *state)
{
	if (lua_rawgetp(state, LUA_REGISTRYINDEX, value_list_key) == LUA_TTABLE)
		return;
	lua_pop(state, 1);
	lua_createtable(state, 0, 2);
	lua_pushliteral(state, "list");
	lua_setfield(state, -2, "__name");
	lua_pushliteral(state, "list");
	lua_setfield(state, -2, "__metatable");
	lua_pushvalue(state, -1);
	lua_rawsetp(state, LUA_REGISTRYINDEX, value_list_key);
}

void value_tuple_metatable(lua_State *state)
{
	if (lua_rawgetp(state, LUA_REGISTRYINDEX, value_tuple_key) == LUA_TTABLE)
		return;
	lua_pop(state, 1);
	lua_createtable(state, 0, 1);
	lua_pushliteral(state, "tuple");
	lua_setfield(state, -2, "__metatable");
	lua_pushvalue(state, -1);
	lua_rawsetp(state, LUA_REGISTRYINDEX, value_tuple_key);
}

void value_dict_metatable(lua_State *state)
{
	if (lua_rawgetp(state, LUA_REGISTRYINDEX, value_dict_key) == LUA_TTABLE)
		return;
	lua_pop(state, 1);
	lua_createtable(state, 0, 4);
	lua_pushliteral(state, "dict");
	lua_setfield(state, -2, "__name");
	lua_pushcfunction(state, value_dict_newindex);
	lua_setfield(state, -2, "__newindex");
	lua_pushcfunction(state, value_dict_pairs);
	lua_setfield(state, -2, "__pairs");
	lua_pushliteral(state, "dict");
	lua_setfield(state, -2, "__metatable");
	lua_pushvalue(state, -1);
	lua_rawsetp(state, LUA_REGISTRYINDEX, value_dict_key);
}

void value_make_list(lua_State *state, int index)
{
	index = lua_absindex(state, index);
	value_list_metatable(state);
	lua_setmetatable(state, index);
}

/* Keys that the table already has join the order, sorted where they are strings. */
void value_make_dict(lua_State *state, int index)
{
	index = lua_absindex(state, index);
	luaL_checkstack(state, 8, "nested too deeply");
	lua_newtable(state);
	int order = lua_gettop(state);
	lua_Integer count = 0;
	lua_pushnil(state);
	while (lua_next(state, index)) {
		lua_pop(state, 1);
		if (lua_type(state, -1) != LUA_TLIGHTUSERDATA) {
			lua_pushvalue(state, -1);
			lua_rawseti(state, order, ++count);
		}
	}
	lua_rawsetp(state, index, value_order);
	value_dict_metatable(state);
	lua_setmetatable(state, index);
}

/* JSON to Lua */

static void value_push_at(lua_State *state, const json_t *value, int depth);

static void value_push_dict(lua_State *state, const json_t *value, int depth)
{
	size_t count = json_object_size(value);
	lua_createtable(state, 0, (int)count + 1);
	lua_createtable(state, (int)count, 0);
	lua_Integer at = 0;
	void *member = json_object_iter((json_t *)value);
	for (; member; member = json_object_iter_next((json_t *)value, member)) {
		lua_pushlstring(state, json_object_iter_key(member), json_object_iter_key_len(member));
		lua_pushvalue(state, -1);
		lua_rawseti(state, -3, ++at);
		value_push_at(state, json_object_iter_value(member), depth + 1);
		lua_rawset(state, -4);
	}
	lua_rawsetp(state, -2, value_order);
	value_dict_metatable(state);
	lua_setmetatable(state, -2);
}

static void value_push_list(lua_State *state, const json_t *value, int depth)
{
	size_t count = json_array_size(value);
	lua_createtable(state, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		value_push_at(state, json_array_get(value, i), depth + 1);
		lua_rawseti(state, -2, (lua_Integer)i + 1);
	}
	value_list_metatable(state);
	lua_setmetatable(state, -2);
}

bool value_push_scalar(lua_State *state, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING: lua_pushlstring(state, json_string_value(value), json_string_length(value)); return true;
	case JSON_INTEGER: lua_pushinteger(state, json_integer_value(value)); return true;
	case JSON_REAL: lua_pushnumber(state, json_real_value(value)); return true;
	case JSON_TRUE: lua_pushboolean(state, true); return true;
	case JSON_FALSE: lua_pushboolean(state, false); return true;
	case JSON_NULL: value_null(state); return true;
	case JSON_OBJECT:
	case JSON_ARRAY: break;
	}
	return false;
}

static void value_push_at(lua_State *state, const json_t *value, int depth)
{
	if (depth > VALUE_DEPTH_MAX)
		luaL_error(state, "a value is nested more than %d levels deep", VALUE_DEPTH_MAX);
	luaL_checkstack(state, 8, "nested too deeply");
	if (value_push_scalar(state, value))
		return;
	if (json_is_object(value))
		value_push_dict(state, value, depth);
	else
		value_push_list(state, value, depth);
}

void value_push(lua_State *state, const json_t *value)
{
	if (value)
		value_push_at(state, value, 0);
	else
		lua_pushnil(state);
}

static bool value_may_be_template(const json_t *value)
{
	const char *brace = json_is_string(value) ? json_string_value(value) : NULL;
	while (brace && (brace = strchr(brace, '{'))) {
		if (brace[1] == '{' || brace[1] == '%' || brace[1] == '#')
			return true;
		brace++;
	}
	return false;
}

/* The keys of the object before, in a row of slots of the stack: in a list, objects have the same ones, and a string that is
 * there already need not be looked for among all of them. */
struct value_keys {
	int slots; /* the first of VALUE_FILLED_MAX */
	void *members[VALUE_FILLED_MAX]; /* whose keys they are; NULL: none yet */
};

static void value_keys_push(lua_State *state, struct value_keys *keys, void *member, int at)
{
	const char *key = json_object_iter_key(member);
	const size_t length = json_object_iter_key_len(member);
	if (keys && keys->members[at] && json_object_iter_key_len(keys->members[at]) == length &&
	    memcmp(json_object_iter_key(keys->members[at]), key, length) == 0) {
		lua_pushvalue(state, keys->slots + at);
		return;
	}
	lua_pushlstring(state, key, length);
	if (!keys)
		return;
	lua_pushvalue(state, -1);
	lua_replace(state, keys->slots + at);
	keys->members[at] = member;
}

/* Sets the members of a mirror that are read as they are: in a small object that is cheaper than to look for each. */
static void value_fill(lua_State *state, const json_t *value, bool final, struct value_keys *keys)
{
	int at = 0;
	void *member = json_object_iter((json_t *)value);
	for (; member; member = json_object_iter_next((json_t *)value, member), at++) {
		const json_t *one = json_object_iter_value(member);
		if (json_is_object(one) || json_is_array(one) || (!final && value_may_be_template(one)))
			continue;
		value_keys_push(state, keys, member, at);
		value_push_scalar(state, one);
		lua_rawset(state, -3);
	}
}

static void value_push_object_mirror(lua_State *state, const json_t *value, bool final, struct value_keys *keys)
{
	const size_t size = json_object_size(value);
	const bool filled = size <= VALUE_FILLED_MAX;
	lua_createtable(state, 0, filled ? (int)size + 2 : 4);
	lua_pushlightuserdata(state, (void *)value);
	lua_rawsetp(state, -2, value_source);
	lua_pushboolean(state, final);
	lua_rawsetp(state, -2, value_final);
	value_dict_metatable(state);
	lua_setmetatable(state, -2);
	if (filled)
		value_fill(state, value, final, keys);
}

int value_closed(const json_t *value, const struct template_scope *scope, const char **text, size_t *length, struct err *err)
{
	if (!json_is_object(value) || json_object_size(value) != 1)
		return 0;
	const json_t *unsafe = json_object_get(value, "__ansible_unsafe");
	const char *sealed = vault_value_sealed(value, length);
	if (json_is_string(unsafe)) {
		*text = json_string_value(unsafe);
		*length = json_string_length(unsafe);
	} else if (sealed) {
		const struct secret *plain = NULL;
		if (!scope || !scope->open_sealed)
			return err_set(err, ERR_INPUT, "a value sealed by Ansible Vault cannot be opened here");
		if (scope->open_sealed(scope->services, sealed, *length, &plain, err) < 0)
			return -1;
		*text = plain->bytes;
		*length = plain->length;
	} else {
		return 0;
	}
	return 1;
}

/* Pushes the text of a sealed or unsafe value; false where it is neither. */
static bool value_push_closed(lua_State *state, const json_t *value, const struct template_scope *scope)
{
	struct err err = ERR_INIT;
	const char *text;
	size_t length;
	int closed = value_closed(value, scope, &text, &length, &err);
	if (closed < 0)
		luaL_error(state, "%s%s%s", err.where, *err.where ? ": " : "", err.text);
	if (closed)
		lua_pushlstring(state, text, length);
	return closed;
}

static bool value_push_list_mirror(lua_State *state, const json_t *value, bool final, const struct template_scope *scope);

static bool value_push_any_mirror(lua_State *state, const json_t *value, bool final, const struct template_scope *scope,
                                  struct value_keys *keys)
{
	if (value_push_scalar(state, value))
		return !final && value_may_be_template(value);
	luaL_checkstack(state, 8, "nested too deeply");
	if (!final && value_push_closed(state, value, scope))
		return false;
	if (!json_is_object(value))
		return value_push_list_mirror(state, value, final, scope);
	value_push_object_mirror(state, value, final, keys);
	return false;
}

static bool value_push_list_mirror(lua_State *state, const json_t *value, bool final, const struct template_scope *scope)
{
	bool pending = false;
	const size_t count = json_array_size(value);
	struct value_keys keys = {.slots = lua_gettop(state) + 1};
	luaL_checkstack(state, VALUE_FILLED_MAX + 1, "nested too deeply");
	lua_settop(state, lua_gettop(state) + VALUE_FILLED_MAX);
	lua_createtable(state, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		pending |= value_push_any_mirror(state, json_array_get(value, i), final, scope, &keys);
		lua_rawseti(state, -2, (lua_Integer)i + 1);
	}
	value_list_metatable(state);
	lua_setmetatable(state, -2);
	lua_replace(state, keys.slots);
	lua_settop(state, keys.slots);
	return pending;
}

bool value_push_mirror(lua_State *state, const json_t *value, bool final, const struct template_scope *scope)
{
	return value_push_any_mirror(state, value, final, scope, NULL);
}

/* Lua to JSON. Only raw access, and nothing that converts in place or allocates: no Lua error can be raised while
 * JSON values are held. */

static json_t *value_json_at(lua_State *state, int index, int depth, const char **problem);

static json_t *value_json_text(const char *text, size_t length)
{
	json_t *string = json_stringn(text, length);
	if (string)
		return string;
	auto_buf struct buf clean = BUF_INIT;
	printable_utf8_clean(&clean, text, length);
	return json_stringn(buf_text(&clean), clean.length);
}

static bool value_is_omitted(lua_State *state, int index)
{
	return lua_islightuserdata(state, index) && lua_touserdata(state, index) == (const void *)value_omitted;
}

/* The key at index as text in buf. */
static bool value_json_key(lua_State *state, int index, struct buf *key)
{
	size_t length;
	const char *text;
	buf_clear(key);
	switch (lua_type(state, index)) {
	case LUA_TSTRING:
		text = lua_tolstring(state, index, &length);
		printable_utf8_clean(key, text, length);
		return true;
	case LUA_TNUMBER:
		if (lua_isinteger(state, index))
			buf_printf(key, LUA_INTEGER_FMT, lua_tointeger(state, index));
		else
			buf_printf(key, "%.17g", lua_tonumber(state, index));
		return true;
	case LUA_TBOOLEAN: buf_str(key, lua_toboolean(state, index) ? "true" : "false"); return true;
	case LUA_TLIGHTUSERDATA: buf_str(key, "null"); return value_is_null(state, index);
	default: return false;
	}
}

static int value_json_member(lua_State *state, json_t *object, struct buf *key, int depth, const char **problem)
{
	if (!value_json_key(state, -2, key)) {
		*problem = "a dictionary's key must be a string, a number, a boolean or null";
		return -1;
	}
	if (value_is_omitted(state, -1))
		return 0;
	json_t *member = value_json_at(state, lua_gettop(state), depth + 1, problem);
	if (!member)
		return -1;
	json_object_setn_new_nocheck(object, buf_text(key), key->length, member);
	return 0;
}

static json_t *value_json_dict(lua_State *state, int index, int depth, const char **problem)
{
	auto_json json_t *object = json_object();
	auto_buf struct buf key = BUF_INIT;
	lua_rawgetp(state, index, value_order);
	int order = lua_gettop(state);
	lua_Integer count = lua_istable(state, order) ? (lua_Integer)lua_rawlen(state, order) : 0;
	for (lua_Integer i = 1; i <= count; i++) {
		lua_rawgeti(state, order, i);
		lua_pushvalue(state, -1);
		if (lua_rawget(state, index) != LUA_TNIL && value_json_member(state, object, &key, depth, problem) < 0)
			return NULL;
		lua_pop(state, 2);
	}
	lua_pop(state, 1);
	return steal(object);
}

static json_t *value_json_list(lua_State *state, int index, int depth, const char **problem)
{
	auto_json json_t *array = json_array();
	lua_Integer count = (lua_Integer)lua_rawlen(state, index);
	for (lua_Integer i = 1; i <= count; i++) {
		lua_rawgeti(state, index, i);
		if (value_is_omitted(state, -1)) {
			lua_pop(state, 1);
			continue;
		}
		json_t *element = value_json_at(state, lua_gettop(state), depth + 1, problem);
		if (!element)
			return NULL;
		json_array_append_new(array, element);
		lua_pop(state, 1);
	}
	return steal(array);
}

/* A table without a metatable of ours: Lua gives its keys in any order, so they are sorted. */
static json_t *value_json_plain(lua_State *state, int index, int depth, const char **problem)
{
	if (lua_rawlen(state, index) > 0)
		return value_json_list(state, index, depth, problem);
	auto_json json_t *object = json_object();
	auto_buf struct buf key = BUF_INIT;
	lua_pushnil(state);
	while (lua_next(state, index)) {
		if (value_json_member(state, object, &key, depth, problem) < 0)
			return NULL;
		lua_pop(state, 1);
	}
	size_t count = json_object_size(object);
	auto_free const char **names = mem_array(count, sizeof(*names));
	size_t at = 0;
	for (void *member = json_object_iter(object); member; member = json_object_iter_next(object, member))
		names[at++] = json_object_iter_key(member);
	qsort(names, count, sizeof(*names), text_order);
	json_t *sorted = json_object();
	for (size_t i = 0; i < count; i++)
		json_object_set_nocheck(sorted, names[i], json_object_get(object, names[i]));
	return sorted;
}

static json_t *value_json_table(lua_State *state, int index, int depth, const char **problem)
{
	int top = lua_gettop(state);
	json_t *result = NULL;
	if (depth > VALUE_DEPTH_MAX || !lua_checkstack(state, 10)) {
		*problem = "a value is nested too deeply, or contains itself";
		return NULL;
	}
	if (lua_rawgetp(state, index, value_source) == LUA_TLIGHTUSERDATA) {
		result = json_deep_copy(lua_touserdata(state, -1));
		lua_settop(state, top);
		return result;
	}
	lua_rawgetp(state, index, value_order);
	bool dict = lua_istable(state, -1);
	lua_pop(state, 2);
	bool list = false;
	if (!dict && lua_getmetatable(state, index)) {
		lua_rawgetp(state, LUA_REGISTRYINDEX, value_list_key);
		lua_rawgetp(state, LUA_REGISTRYINDEX, value_tuple_key);
		list = lua_rawequal(state, -3, -2) || lua_rawequal(state, -3, -1);
		lua_pop(state, 3);
	}
	if (dict)
		result = value_json_dict(state, index, depth, problem);
	else if (list)
		result = value_json_list(state, index, depth, problem);
	else
		result = value_json_plain(state, index, depth, problem);
	lua_settop(state, top);
	return result;
}

static json_t *value_json_at(lua_State *state, int index, int depth, const char **problem)
{
	size_t length;
	const char *text;
	switch (lua_type(state, index)) {
	case LUA_TNIL: return json_null();
	case LUA_TBOOLEAN: return json_boolean(lua_toboolean(state, index));
	case LUA_TSTRING:
		text = lua_tolstring(state, index, &length);
		return value_json_text(text, length);
	case LUA_TNUMBER:
		if (lua_isinteger(state, index))
			return json_integer(lua_tointeger(state, index));
		if (isfinite(lua_tonumber(state, index)))
			return json_real(lua_tonumber(state, index));
		*problem = "a number is infinite or not a number, which JSON cannot hold";
		return NULL;
	case LUA_TTABLE: return value_json_table(state, index, depth, problem);
	case LUA_TLIGHTUSERDATA:
		if (value_is_null(state, index) || value_is_omitted(state, index))
			return json_null();
		break;
	default: break;
	}
	*problem = "a function or another value without a form in JSON";
	return NULL;
}

json_t *value_json(lua_State *state, int index, const char **problem)
{
	return value_json_at(state, lua_absindex(state, index), 0, problem);
}
