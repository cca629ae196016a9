/* What the template engine needs from C: names from the scope, mirrors of JSON, text by characters. They run inside Lua
 * calls, so they hold only Lua memory across anything that can raise an error. */
#include "lua/native.h"

#include <locale.h>
#include <wctype.h>

#include <lauxlib.h>

#include "base/printable.h"
#include "base/suggest.h"
#include "lua/native_program.h"
#include "lua/native_random.h"
#include "lua/native_system.h"
#include "lua/native_vault.h"
#include "lua/native_yaml.h"
#include "lua/output.h"
#include "lua/value.h"
#include "lua/value_inside.h"
#include "lua/vm.h"
#include "model/vars.h"

enum { NATIVE_SPEND_SHIFT = 6 }; /* 64 bytes that are looked through cost an instruction */

/* Names and members */

static const struct template_scope *native_scope(lua_State *state)
{
	return *(const struct template_scope *const *)lua_touserdata(state, lua_upvalueindex(1));
}

/* find(name): false, or true, the value, whether it has to be evaluated, and whether what it gives is a secret. */
static int native_find(lua_State *state)
{
	const struct template_scope *scope = native_scope(state);
	const char *name = luaL_checkstring(state, 1);
	json_t *value = NULL;
	bool final = false;
	if (!scope || !scope->find || !scope->find(scope->context, name, &value, &final) || !value) {
		lua_pushboolean(state, false);
		return 1;
	}
	lua_pushboolean(state, true);
	lua_pushboolean(state, value_push_mirror(state, value, final, scope));
	lua_pushboolean(state, vars_is_secret(name));
	return 4;
}

/* keep_secret(text or number): it is kept out of reports from now on. */
static int native_keep_secret(lua_State *state)
{
	const struct template_scope *scope = native_scope(state);
	size_t length;
	lua_settop(state, 1);
	const char *text = lua_tolstring(state, 1, &length);
	if (text && scope && scope->keep_secret)
		scope->keep_secret(scope->services, text, length);
	return 0;
}

static const json_t *native_source(lua_State *state, int index)
{
	luaL_checktype(state, index, LUA_TTABLE);
	const json_t *source = lua_rawgetp(state, index, value_source) == LUA_TLIGHTUSERDATA ? lua_touserdata(state, -1) : NULL;
	lua_pop(state, 1);
	return source;
}

/* member(dict, key): nil, or the value and whether it has to be evaluated. One that has not is set in the dict. */
static int native_member(lua_State *state)
{
	const json_t *source = native_source(state, 1);
	size_t length;
	const char *key = luaL_checklstring(state, 2, &length);
	const json_t *value = source ? json_object_getn(source, key, length) : NULL;
	if (!value)
		return 0;
	lua_rawgetp(state, 1, value_final);
	bool pending = value_push_mirror(state, value, lua_toboolean(state, -1), native_scope(state));
	if (!pending) {
		lua_pushvalue(state, 2);
		lua_pushvalue(state, -2);
		lua_rawset(state, 1);
	}
	lua_pushboolean(state, pending);
	return 2;
}

static int native_keys(lua_State *state)
{
	json_t *source = (json_t *)native_source(state, 1);
	lua_createtable(state, (int)json_object_size(source), 0);
	lua_Integer at = 0;
	for (void *member = json_object_iter(source); member; member = json_object_iter_next(source, member)) {
		lua_pushlstring(state, json_object_iter_key(member), json_object_iter_key_len(member));
		lua_rawseti(state, -2, ++at);
	}
	return 1;
}

/* untouched(dict): whether it can be copied from its source: no templates inside, no member that was changed. */
static int native_untouched(lua_State *state)
{
	luaL_checktype(state, 1, LUA_TTABLE);
	lua_rawgetp(state, 1, value_final);
	bool untouched = lua_toboolean(state, -1);
	lua_pushnil(state);
	while (untouched && lua_next(state, 1)) {
		if (lua_istable(state, -1) && lua_type(state, -2) != LUA_TLIGHTUSERDATA)
			untouched = false;
		lua_pop(state, 1);
	}
	lua_pushboolean(state, untouched);
	return 1;
}

/* "Did you mean" */

static int native_suggestion(lua_State *state, const struct suggest *suggest)
{
	if (!suggest->best)
		return 0;
	lua_pushfstring(state, "did you mean '%s'?", suggest->best);
	return 1;
}

/* nearest(written, names): a hint, or nothing. */
static int native_nearest(lua_State *state)
{
	struct suggest suggest;
	suggest_start(&suggest, luaL_checkstring(state, 1));
	luaL_checktype(state, 2, LUA_TTABLE);
	lua_Integer count = (lua_Integer)lua_rawlen(state, 2);
	for (lua_Integer i = 1; i <= count; i++) {
		if (lua_rawgeti(state, 2, i) == LUA_TSTRING)
			suggest_offer(&suggest, lua_tostring(state, -1));
		lua_pop(state, 1);
	}
	return native_suggestion(state, &suggest);
}

static void native_offer(void *to, const char *name)
{
	suggest_offer(to, name);
}

static int native_nearest_variable(lua_State *state)
{
	const struct template_scope *scope = native_scope(state);
	if (!scope || !scope->each)
		return 0;
	struct suggest suggest;
	suggest_start(&suggest, luaL_checkstring(state, 1));
	scope->each(scope->context, native_offer, &suggest);
	return native_suggestion(state, &suggest);
}

/* kind(value): the name of its kind, which a table's protected metatable says. Upvalues: the names, "__metatable". */
static int native_kind(lua_State *state)
{
	enum { STR = 1, INT, FLOAT, BOOL, NONE, OMIT, METATABLE };
	int name;
	switch (lua_type(state, 1)) {
	case LUA_TTABLE:
		if (!lua_getmetatable(state, 1)) {
			lua_pushnil(state);
			return 1;
		}
		lua_pushvalue(state, lua_upvalueindex(METATABLE));
		lua_rawget(state, -2);
		return 1;
	case LUA_TSTRING: name = STR; break;
	case LUA_TNUMBER: name = lua_isinteger(state, 1) ? INT : FLOAT; break;
	case LUA_TBOOLEAN: name = BOOL; break;
	case LUA_TLIGHTUSERDATA:
		name = value_is_null(state, 1) ? NONE : OMIT;
		break;
	default: lua_pushstring(state, luaL_typename(state, 1)); return 1;
	}
	lua_pushvalue(state, lua_upvalueindex(name));
	return 1;
}

static void native_open_kind(lua_State *state)
{
	static const char *const names[] = {"str", "int", "float", "bool", "none", "omit", "__metatable"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		lua_pushstring(state, names[i]);
	lua_pushcclosure(state, native_kind, sizeof(names) / sizeof(names[0]));
	lua_setfield(state, -2, "kind");
}

/* Text */

static int native_less(lua_State *state)
{
	size_t a_length;
	size_t b_length;
	const char *a = luaL_checklstring(state, 1, &a_length);
	const char *b = luaL_checklstring(state, 2, &b_length);
	vm_spend(state, (int64_t)(a_length < b_length ? a_length : b_length) >> NATIVE_SPEND_SHIFT);
	int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
	lua_pushboolean(state, order < 0 || (order == 0 && a_length < b_length));
	return 1;
}

/* spend(bytes): charges looking through so many bytes. */
static int native_spend(lua_State *state)
{
	vm_spend(state, luaL_checkinteger(state, 1) >> NATIVE_SPEND_SHIFT);
	return 0;
}

/* charge(instructions) */
static int native_charge(lua_State *state)
{
	vm_spend(state, luaL_checkinteger(state, 1));
	return 0;
}

/* What is left of the room for a value that is small, and the metatables that it may have. */
struct native_small {
	int nodes;
	int64_t bytes;
	const void *list, *tuple, *dict;
};

static bool native_small_json(const json_t *value, struct native_small *left)
{
	size_t i;
	const char *key;
	json_t *member;
	if (--left->nodes < 0)
		return false;
	if (json_is_string(value))
		return (left->bytes -= (int64_t)json_string_length(value)) >= 0;
	json_array_foreach(value, i, member)
		if (!native_small_json(member, left))
			return false;
	json_object_foreach((json_t *)value, key, member)
		if ((left->bytes -= (int64_t)strlen(key)) < 0 || !native_small_json(member, left))
			return false;
	return true;
}

static bool native_small_value(lua_State *state, int index, struct native_small *left);

/* Of lists, tuples and dictionaries: nothing else is small. */
static bool native_small_table(lua_State *state, int index, struct native_small *left)
{
	const int top = lua_gettop(state);
	if (!lua_getmetatable(state, index))
		return false;
	const void *kind = lua_topointer(state, -1);
	lua_settop(state, top);
	if ((kind != left->list && kind != left->tuple && kind != left->dict) || !lua_checkstack(state, 8))
		return false;
	if (kind != left->dict) {
		const lua_Integer count = (lua_Integer)lua_rawlen(state, index);
		for (lua_Integer i = 1; i <= count; i++) {
			lua_rawgeti(state, index, i);
			bool is_small = native_small_value(state, top + 1, left);
			lua_settop(state, top);
			if (!is_small)
				return false;
		}
		return true;
	}
	if (lua_rawgetp(state, index, value_source) == LUA_TLIGHTUSERDATA && !native_small_json(lua_touserdata(state, -1), left)) {
		lua_settop(state, top);
		return false;
	}
	lua_settop(state, top);
	for (lua_pushnil(state); lua_next(state, index); lua_pop(state, 1)) {
		if (lua_type(state, -2) == LUA_TLIGHTUSERDATA) /* the order of the keys, the source */
			continue;
		if (!native_small_value(state, lua_gettop(state), left)) {
			lua_settop(state, top);
			return false;
		}
	}
	return true;
}

static bool native_small_value(lua_State *state, int index, struct native_small *left)
{
	size_t length;
	if (--left->nodes < 0)
		return false;
	switch (lua_type(state, index)) {
	case LUA_TSTRING:
		lua_tolstring(state, index, &length);
		return (left->bytes -= (int64_t)length) >= 0;
	case LUA_TTABLE: return native_small_table(state, index, left);
	case LUA_TFUNCTION: return false;
	default: return true;
	}
}

/* small(value, ...): what it costs about to look at all of them a few times, in instructions; false where they are large. */
static int native_small(lua_State *state)
{
	enum { NODES = 64, BYTES = 4096, START = 50, NODE_COST = 40 };
	const int count = lua_gettop(state);
	struct native_small left = {
		NODES, BYTES, lua_touserdata(state, lua_upvalueindex(1)), lua_touserdata(state, lua_upvalueindex(2)),
		lua_touserdata(state, lua_upvalueindex(3)) };
	for (int i = 1; i <= count; i++) {
		if (!native_small_value(state, i, &left)) {
			lua_pushboolean(state, false);
			return 1;
		}
	}
	lua_pushinteger(state, START + (NODES - left.nodes) * NODE_COST + (BYTES - left.bytes));
	return 1;
}

/* format(format, letters, list): what string.format gives, or nil where the list is not of as many integers ("d") and strings or
 * integers ("s") as there are letters. Upvalue: string.format. */
static int native_format(lua_State *state)
{
	size_t count;
	const char *letters = luaL_checklstring(state, 2, &count);
	if (lua_rawlen(state, 3) != count || count > 100)
		return 0;
	luaL_checkstack(state, (int)count + 2, NULL);
	lua_pushvalue(state, lua_upvalueindex(1));
	lua_pushvalue(state, 1);
	for (size_t i = 0; i < count; i++) {
		int type = lua_rawgeti(state, 3, (lua_Integer)i + 1);
		if (!lua_isinteger(state, -1) && (letters[i] != 's' || type != LUA_TSTRING))
			return 0;
	}
	lua_call(state, (int)count + 1, 1);
	return 1;
}

static void native_open_format(lua_State *state)
{
	lua_getglobal(state, "string");
	lua_getfield(state, -1, "format");
	lua_remove(state, -2);
	lua_pushcclosure(state, native_format, 1);
	lua_setfield(state, -2, "format");
}

/* Upvalues: the addresses of the metatables. */
static void native_open_small(lua_State *state)
{
	void (*const push[])(lua_State *) = { value_list_metatable, value_tuple_metatable, value_dict_metatable };
	for (size_t i = 0; i < sizeof(push) / sizeof(push[0]); i++) {
		push[i](state);
		const void *address = lua_topointer(state, -1);
		lua_pop(state, 1);
		lua_pushlightuserdata(state, (void *)address);
	}
	lua_pushcclosure(state, native_small, sizeof(push) / sizeof(push[0]));
	lua_setfield(state, -2, "small");
}

/* watch(on): whether it was; see vm_watch. */
static int native_watch(lua_State *state)
{
	lua_pushboolean(state, vm_watch(state, lua_toboolean(state, 1)));
	return 1;
}

/* compile(source): the function that a source of the engine's own making gives, without globals. */
static int native_compile(lua_State *state)
{
	size_t length;
	const char *text = luaL_checklstring(state, 1, &length);
	if (luaL_loadbufferx(state, text, length, "@lua/jinja/inline.lua", "t") != LUA_OK)
		return lua_error(state);
	lua_newtable(state);
	lua_setupvalue(state, -2, 1);
	return 1;
}

/* As Python's repr(float). */
static int native_float_text(lua_State *state)
{
	char text[OUTPUT_FLOAT_MAX];
	output_float(text, luaL_checknumber(state, 1));
	lua_pushstring(state, text);
	return 1;
}

/* Length of the character at text, 1 for a byte that starts none. */
static size_t native_step(const char *text, size_t left)
{
	size_t length = (unsigned char)*text < 0x80 ? 1 : printable_utf8(text, left, NULL);
	return length ? length : 1;
}

static int native_length(lua_State *state)
{
	size_t length;
	const char *text = luaL_checklstring(state, 1, &length);
	lua_Integer count = 0;
	vm_spend(state, (int64_t)length >> 3);
	for (size_t at = 0; at < length; at += native_step(text + at, length - at))
		count++;
	lua_pushinteger(state, count);
	return 1;
}

static int native_characters(lua_State *state)
{
	size_t length;
	const char *text = luaL_checklstring(state, 1, &length);
	vm_spend(state, (lua_Integer)length);
	lua_createtable(state, (int)length, 0);
	value_list_metatable(state);
	lua_setmetatable(state, -2);
	lua_Integer count = 0;
	for (size_t at = 0; at < length;) {
		size_t step = native_step(text + at, length - at);
		lua_pushlstring(state, text + at, step);
		lua_rawseti(state, -2, ++count);
		at += step;
	}
	return 1;
}

static const char *native_hex = "0123456789abcdef";

static void native_add_escape(luaL_Buffer *buffer, char letter, unsigned code, int digits)
{
	luaL_addchar(buffer, '\\');
	luaL_addchar(buffer, letter);
	for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
		luaL_addchar(buffer, native_hex[code >> shift & 15]);
}

/* Whether Python prints the character as it is inside repr(). */
static bool native_printable(unsigned code)
{
	if (code == 0xA0 || code == 0xAD || (code >= 0x2000 && code <= 0x200F) || (code >= 0x2028 && code <= 0x202F) ||
	    (code >= 0x205F && code <= 0x206F) || code == 0x3000 || code == 0x1680 || code == 0xFEFF)
		return false;
	return iswprint((wint_t)code) || code > 0x2FFFF;
}

/* As Python's repr(str). */
static int native_string_repr(lua_State *state)
{
	size_t length;
	const char *text = luaL_checklstring(state, 1, &length);
	vm_spend(state, (int64_t)length >> 1);
	char quote = memchr(text, '\'', length) && !memchr(text, '"', length) ? '"' : '\'';
	luaL_Buffer buffer;
	luaL_buffinit(state, &buffer);
	luaL_addchar(&buffer, quote);
	for (size_t at = 0; at < length;) {
		unsigned char c = (unsigned char)text[at];
		unsigned code = c;
		size_t step = c < 0x80 ? 1 : printable_utf8(text + at, length - at, &code);
		if (c == '\\' || c == (unsigned char)quote) {
			luaL_addchar(&buffer, '\\');
			luaL_addchar(&buffer, (char)c);
		} else if (c == '\n' || c == '\r' || c == '\t') {
			luaL_addchar(&buffer, '\\');
			luaL_addchar(&buffer, c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
		} else if (c >= 0x20 && c < 0x7f) {
			luaL_addchar(&buffer, (char)c);
		} else if (step == 0 || code < 0x100) {
			if (step > 0 && code >= 0xA1 && code != 0xAD)
				luaL_addlstring(&buffer, text + at, step);
			else
				native_add_escape(&buffer, 'x', code, 2);
		} else if (native_printable(code)) {
			luaL_addlstring(&buffer, text + at, step);
		} else {
			native_add_escape(&buffer, code > 0xFFFF ? 'U' : 'u', code, code > 0xFFFF ? 8 : 4);
		}
		at += step ? step : 1;
	}
	luaL_addchar(&buffer, quote);
	luaL_pushresult(&buffer);
	return 1;
}

static void native_add_utf8(luaL_Buffer *buffer, unsigned code)
{
	if (code < 0x80) {
		luaL_addchar(buffer, (char)code);
	} else if (code < 0x800) {
		luaL_addchar(buffer, (char)(0xC0 | code >> 6));
		luaL_addchar(buffer, (char)(0x80 | (code & 63)));
	} else if (code < 0x10000) {
		luaL_addchar(buffer, (char)(0xE0 | code >> 12));
		luaL_addchar(buffer, (char)(0x80 | (code >> 6 & 63)));
		luaL_addchar(buffer, (char)(0x80 | (code & 63)));
	} else {
		luaL_addchar(buffer, (char)(0xF0 | code >> 18));
		luaL_addchar(buffer, (char)(0x80 | (code >> 12 & 63)));
		luaL_addchar(buffer, (char)(0x80 | (code >> 6 & 63)));
		luaL_addchar(buffer, (char)(0x80 | (code & 63)));
	}
}

/* The locale whose letters count; made once for each state and freed with it. */
static locale_t native_locale(lua_State *state)
{
	return *(locale_t *)lua_touserdata(state, lua_upvalueindex(2));
}

static bool native_is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

/* Characters whose other case is several, which the C library's functions do not know. */
static const struct {
	unsigned code;
	bool upper;
	const char *text;
} native_special_cases[] = {
	{ 0xDF, true, "SS" },    { 0x149, true, "\u02BCN" }, { 0xFB00, true, "FF" },  { 0xFB01, true, "FI" },  { 0xFB02, true, "FL" },
	{ 0xFB03, true, "FFI" }, { 0xFB04, true, "FFL" },    { 0xFB05, true, "ST" },  { 0xFB06, true, "ST" }, { 0x130, false, "i\u0307" },
};

static const char *native_special_case(unsigned code, bool upper)
{
	for (size_t i = 0; i < sizeof(native_special_cases) / sizeof(native_special_cases[0]); i++)
		if (native_special_cases[i].code == code && native_special_cases[i].upper == upper)
			return native_special_cases[i].text;
	return NULL;
}

/* Whether the sigma at a place ends a word: there is a letter before it, and none behind. */
static bool native_ends_word(const char *text, size_t length, size_t at, locale_t locale)
{
	enum { SIGMA_BYTES = 2 };
	unsigned code = 0;
	size_t before = at;
	while (before > 0 && ((unsigned char)text[before - 1] & 0xC0) == 0x80)
		before--;
	before -= before > 0;
	if (before == at || !printable_utf8(text + before, at - before, &code) || !iswalpha_l((wint_t)code, locale))
		return false;
	at += SIGMA_BYTES;
	return at >= length || !printable_utf8(text + at, length - at, &code) || !iswalpha_l((wint_t)code, locale);
}

static int native_change_case(lua_State *state, bool upper)
{
	size_t length;
	const char *text = luaL_checklstring(state, 1, &length);
	locale_t locale = native_locale(state);
	luaL_Buffer buffer;
	vm_spend(state, (int64_t)length >> 2);
	if (native_is_ascii(text, length)) {
		char *bytes = luaL_buffinitsize(state, &buffer, length);
		for (size_t i = 0; i < length; i++)
			bytes[i] = upper && text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 32)
			           : !upper && text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
		luaL_pushresultsize(&buffer, length);
		return 1;
	}
	vm_spend(state, (int64_t)length);
	luaL_buffinit(state, &buffer);
	for (size_t at = 0; at < length;) {
		unsigned code = (unsigned char)text[at];
		size_t step = code < 0x80 ? 1 : printable_utf8(text + at, length - at, &code);
		const char *special = code < 0x80 ? NULL : native_special_case(code, upper);
		if (step == 0)
			luaL_addchar(&buffer, text[at]);
		else if (special)
			luaL_addstring(&buffer, special);
		else if (!upper && code == 0x3A3 && native_ends_word(text, length, at, locale))
			native_add_utf8(&buffer, 0x3C2);
		else
			native_add_utf8(&buffer, (unsigned)(upper ? towupper_l((wint_t)code, locale) : towlower_l((wint_t)code, locale)));
		at += step ? step : 1;
	}
	luaL_pushresult(&buffer);
	return 1;
}

static int native_upper(lua_State *state)
{
	return native_change_case(state, true);
}

static int native_lower(lua_State *state)
{
	return native_change_case(state, false);
}

/* replace(text, old, new, count): at most count times, all where it is negative. */
static int native_replace(lua_State *state)
{
	size_t length;
	size_t old_length;
	size_t new_length;
	const char *text = luaL_checklstring(state, 1, &length);
	const char *old = luaL_checklstring(state, 2, &old_length);
	const char *new = luaL_checklstring(state, 3, &new_length);
	lua_Integer left = luaL_checkinteger(state, 4);
	const char *end = text + length;
	luaL_Buffer buffer;
	vm_spend(state, (int64_t)length >> NATIVE_SPEND_SHIFT);
	luaL_buffinit(state, &buffer);
	while (left != 0) {
		const char *found = old_length ? memmem(text, (size_t)(end - text), old, old_length) : text;
		if (!found)
			break;
		luaL_addlstring(&buffer, text, (size_t)(found - text));
		luaL_addlstring(&buffer, new, new_length);
		text = found + old_length;
		left--;
		if (old_length == 0) {
			if (text == end)
				break;
			size_t step = native_step(text, (size_t)(end - text));
			luaL_addlstring(&buffer, text, step);
			text += step;
		}
	}
	luaL_addlstring(&buffer, text, (size_t)(end - text));
	luaL_pushresult(&buffer);
	return 1;
}

/* clean(text): what is not UTF-8 replaced by U+FFFD. */
static int native_clean(lua_State *state)
{
	size_t length;
	const char *text = luaL_checklstring(state, 1, &length);
	luaL_Buffer buffer;
	size_t at = 0;
	size_t step;
	vm_spend(state, (int64_t)length >> 3);
	while (at < length && (step = (unsigned char)text[at] < 0x80 ? 1 : printable_utf8(text + at, length - at, NULL)))
		at += step;
	if (at == length) {
		lua_settop(state, 1);
		return 1;
	}
	luaL_buffinit(state, &buffer);
	for (at = 0; at < length; at += step ? step : 1) {
		step = (unsigned char)text[at] < 0x80 ? 1 : printable_utf8(text + at, length - at, NULL);
		luaL_addlstring(&buffer, step ? text + at : "\xEF\xBF\xBD", step ? step : 3);
	}
	luaL_pushresult(&buffer);
	return 1;
}

static void native_add_name(void *to, const char *name)
{
	lua_State *state = to;
	lua_pushstring(state, name);
	lua_rawseti(state, -2, (lua_Integer)lua_rawlen(state, -2) + 1);
}

/* variables(): the names in the scope. */
static int native_variables(lua_State *state)
{
	const struct template_scope *scope = native_scope(state);
	lua_newtable(state);
	if (scope && scope->each)
		scope->each(scope->context, native_add_name, state);
	return 1;
}

/* warn(text): said once the evaluation's turn has come. */
static int native_warn(lua_State *state)
{
	const struct template_scope *scope = native_scope(state);
	const char *text = luaL_checkstring(state, 1);
	if (scope && scope->warn && !scope->early)
		scope->warn(scope->services, text);
	return 0;
}

static int native_locale_free(lua_State *state)
{
	locale_t *locale = lua_touserdata(state, 1);
	if (*locale)
		freelocale(*locale);
	*locale = NULL;
	return 0;
}

static void native_push_locale(lua_State *state)
{
	locale_t *locale = lua_newuserdatauv(state, sizeof(*locale), 0);
	*locale = NULL;
	lua_createtable(state, 0, 1);
	lua_pushcfunction(state, native_locale_free);
	lua_setfield(state, -2, "__gc");
	lua_setmetatable(state, -2);
	*locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	if (!*locale)
		*locale = newlocale(LC_CTYPE_MASK, "C", NULL);
}

/* The address is a key that undefined values have. */
static const char native_undefined[1] = "u";

static void native_set_address(lua_State *state, const char *name, const char *address)
{
	lua_pushlightuserdata(state, (void *)address);
	lua_setfield(state, -2, name);
}

/* Numbers, booleans, null and omit have no members: to read one gives nil, as it does of a table. */
static void native_scalars_have_no_members(lua_State *state)
{
	lua_createtable(state, 0, 2);
	lua_newtable(state);
	lua_setfield(state, -2, "__index");
	lua_pushboolean(state, false);
	lua_setfield(state, -2, "__metatable");
	const int metatable = lua_gettop(state);
	lua_pushinteger(state, 0);
	lua_pushboolean(state, true);
	value_null(state);
	while (lua_gettop(state) > metatable) {
		lua_pushvalue(state, metatable);
		lua_setmetatable(state, -2);
		lua_pop(state, 1);
	}
	lua_pop(state, 1);
}

void native_open(lua_State *state, const struct template_scope *const *scope)
{
	static const luaL_Reg functions[] = {
	    {"find", native_find},
	    {"keep_secret", native_keep_secret},
	    {"member", native_member},
	    {"keys", native_keys},
	    {"untouched", native_untouched},
	    {"nearest", native_nearest},
	    {"nearest_variable", native_nearest_variable},
	    {"less", native_less},
	    {"spend", native_spend},
	    {"charge", native_charge},
	    {"watch", native_watch},
	    {"compile", native_compile},
	    {"float_text", native_float_text},
	    {"length", native_length},
	    {"characters", native_characters},
	    {"string_repr", native_string_repr},
	    {"upper", native_upper},
	    {"lower", native_lower},
	    {"replace", native_replace},
	    {"clean", native_clean},
	    {"variables", native_variables},
	    {"warn", native_warn},
	    {NULL, NULL},
	};
	vm_native(state);
	lua_pushlightuserdata(state, (void *)scope);
	native_push_locale(state);
	luaL_setfuncs(state, functions, 2);
	native_system_open(state, scope);
	native_program_open(state, scope);
	native_vault_open(state, scope);
	native_yaml_open(state);
	native_random_open(state);
	output_open(state);
	native_open_kind(state);
	native_open_small(state);
	native_open_format(state);
	native_set_address(state, "null", value_nothing);
	native_set_address(state, "omit", value_omitted);
	native_set_address(state, "order", value_order);
	native_set_address(state, "source", value_source);
	native_set_address(state, "undefined", native_undefined);
	native_scalars_have_no_members(state);
	lua_pushinteger(state, TEMPLATE_UNDEFINED);
	lua_setfield(state, -2, "undefined_code");
	lua_pushinteger(state, TEMPLATE_ABSENT);
	lua_setfield(state, -2, "absent_code");
	value_list_metatable(state);
	lua_setfield(state, -2, "list_meta");
	value_dict_metatable(state);
	lua_setfield(state, -2, "dict_meta");
	value_tuple_metatable(state);
	lua_setfield(state, -2, "tuple_meta");
	lua_pop(state, 1);
}
