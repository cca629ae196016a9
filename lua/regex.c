/* Regular expressions as objects in Lua. A compiled pattern is a userdata whose finalizer frees it. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "lua/regex.h"

#include <ctype.h>
#include <stdbool.h>
#include <pcre2.h>
#include <string.h>

#include <lauxlib.h>

#include "base/pattern.h"
#include "lua/vm.h"

enum {
	MATCH_LIMIT = 2 * 1000 * 1000, /* steps of backtracking in one search */
	HEAP_LIMIT_KB = 64 * 1024,
	SPEND_SHIFT = 4,               /* bytes searched for one instruction, as a power of two */
};

struct regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *context;
	uint32_t groups;
	bool multiline;
};

static const char type_name[] = "neap.regex";

static struct regex *regex_check(lua_State *L)
{
	return luaL_checkudata(L, 1, type_name);
}

static int regex_gc(lua_State *L)
{
	struct regex *regex = lua_touserdata(L, 1);
	pcre2_match_data_free(regex->match);
	pcre2_match_context_free(regex->context);
	pcre2_code_free(regex->code);
	*regex = (struct regex){ 0 };
	return 0;
}

/* ---- matches ---- */

/* Pushes the table of names and numbers of groups, kept as the regex's user value. */
static void push_names(lua_State *L)
{
	lua_getiuservalue(L, 1, 1);
}

static int match_expand(lua_State *L);

/* Pushes the match that regex->match holds of subject. */
static void push_match(lua_State *L, const struct regex *regex, const char *subject)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(regex->match);
	lua_createtable(L, (int)regex->groups + 1, 5);
	lua_createtable(L, (int)regex->groups + 1, 0);
	for (uint32_t i = 0; i <= regex->groups; i++) {
		if (at[2 * i] == PCRE2_UNSET) {
			lua_pushboolean(L, 0);
			lua_rawseti(L, -3, i);
			continue;
		}
		lua_pushlstring(L, subject + at[2 * i], at[2 * i + 1] - at[2 * i]);
		lua_rawseti(L, -3, i);
		lua_createtable(L, 2, 0);
		lua_pushinteger(L, (lua_Integer)at[2 * i] + 1);
		lua_rawseti(L, -2, 1);
		lua_pushinteger(L, (lua_Integer)at[2 * i + 1]);
		lua_rawseti(L, -2, 2);
		lua_rawseti(L, -2, i);
	}
	lua_setfield(L, -2, "spans");
	lua_pushinteger(L, (lua_Integer)at[0] + 1);
	lua_setfield(L, -2, "first");
	lua_pushinteger(L, (lua_Integer)at[1]);
	lua_setfield(L, -2, "last");
	push_names(L);
	lua_setfield(L, -2, "names");
	lua_pushcfunction(L, match_expand);
	lua_setfield(L, -2, "expand");
}

/* Whether it matches at or behind from; raises an error where it takes too long. */
static bool run(lua_State *L, const struct regex *regex, const char *subject, size_t length, size_t from,
                uint32_t options)
{
	vm_spend(L, (int64_t)((length - from) >> SPEND_SHIFT) + 1);
	int status = pcre2_match(regex->code, (PCRE2_SPTR)subject, length, from, options, regex->match, regex->context);
	if (status >= 0)
		return true;
	if (status == PCRE2_ERROR_NOMATCH)
		return false;
	if (status == PCRE2_ERROR_MATCHLIMIT || status == PCRE2_ERROR_DEPTHLIMIT || status == PCRE2_ERROR_HEAPLIMIT)
		return luaL_error(L, "the regular expression takes too long on this text: it backtracks without end");
	if (status <= PCRE2_ERROR_UTF8_ERR1 && status >= PCRE2_ERROR_UTF8_ERR21)
		return luaL_error(L, "the text is not UTF-8");
	char message[120];
	pcre2_get_error_message(status, (PCRE2_UCHAR *)message, sizeof message);
	return luaL_error(L, "regular expression: %s", message);
}

static int search(lua_State *L, uint32_t options)
{
	struct regex *regex = regex_check(L);
	size_t length;
	const char *subject = luaL_checklstring(L, 2, &length);
	lua_Integer from = luaL_optinteger(L, 3, 1);
	if (from < 1 || (lua_Unsigned)from > length + 1 || !run(L, regex, subject, length, (size_t)from - 1, options)) {
		lua_pushnil(L);
		return 1;
	}
	push_match(L, regex, subject);
	return 1;
}

static int regex_search(lua_State *L) { return search(L, 0); }
static int regex_match(lua_State *L) { return search(L, PCRE2_ANCHORED); }
static int regex_full(lua_State *L) { return search(L, PCRE2_ANCHORED | PCRE2_ENDANCHORED); }

/* ---- templates of replacements ---- */

static int group_number(lua_State *L, int names, const char *name, size_t length, int groups)
{
	lua_Integer number = -1;
	if (length && isdigit((unsigned char)*name)) {
		number = 0;
		for (size_t i = 0; i < length && number < 1000; i++)
			number = isdigit((unsigned char)name[i]) ? number * 10 + (name[i] - '0') : 1000;
	} else {
		lua_pushlstring(L, name, length);
		if (lua_rawget(L, names) == LUA_TNUMBER)
			number = lua_tointeger(L, -1);
		lua_pop(L, 1);
		if (number < 0)
			return luaL_error(L, "unknown group name \"%s\"", lua_pushlstring(L, name, length));
	}
	if (number < 0 || number > groups)
		return luaL_error(L, "invalid group reference %s", lua_pushlstring(L, name, length));
	return (int)number;
}

static void add_group(lua_State *L, luaL_Buffer *out, int match, int number)
{
	if (lua_rawgeti(L, match, number) == LUA_TSTRING)
		luaL_addvalue(out);
	else
		lua_pop(L, 1);
}

/* The number of digits of an octal escape at p: \0, \07, \012, \123 are; \1 and \12 are groups. */
static int octal_digits(const char *p, const char *end)
{
	int count = 0;
	while (count < 3 && p + count < end && p[count] >= '0' && p[count] <= '7')
		count++;
	if (*p == '0')
		return count;
	return count == 3 && *p <= '3' ? 3 : 0;
}

/* One escape of a template; p is behind the backslash. Returns what is behind the escape. */
static const char *template_escape(lua_State *L, luaL_Buffer *out, int match, int names, int groups, const char *p,
                                   const char *end)
{
	static const char letters[] = "abfnrtv\\", values[] = "\a\b\f\n\r\t\v\\";
	if (p == end)
		luaL_error(L, "bad escape (end of replacement)");
	const char *letter = strchr(letters, *p);
	if (*p && letter) {
		luaL_addchar(out, values[letter - letters]);
		return p + 1;
	}
	if (*p == 'g') {
		const char *close = p + 1 < end && p[1] == '<' ? memchr(p, '>', (size_t)(end - p)) : NULL;
		if (!close)
			luaL_error(L, "the replacement has \\g without a group: write \\g<name>");
		add_group(L, out, match, group_number(L, names, p + 2, (size_t)(close - p - 2), groups));
		return close + 1;
	}
	if (isdigit((unsigned char)*p)) {
		int octal = octal_digits(p, end);
		if (octal) {
			char text[4] = { 0 };
			memcpy(text, p, (size_t)octal);
			luaL_addchar(out, (char)strtol(text, NULL, 8));
			return p + octal;
		}
		size_t digits = p + 1 < end && isdigit((unsigned char)p[1]) ? 2 : 1;
		add_group(L, out, match, group_number(L, names, p, digits, groups));
		return p + digits;
	}
	if (isalpha((unsigned char)*p))
		luaL_error(L, "bad escape \\%c in the replacement", *p);
	luaL_addchar(out, '\\');
	luaL_addchar(out, *p);
	return p + 1;
}

/* Adds the template's text for the match at a positive index. */
static void expand(lua_State *L, luaL_Buffer *out, const char *template, size_t length, int match, int names, int groups)
{
	const char *end = template + length;
	for (const char *p = template; p < end;) {
		const char *backslash = memchr(p, '\\', (size_t)(end - p));
		luaL_addlstring(out, p, (size_t)((backslash ? backslash : end) - p));
		if (!backslash)
			return;
		p = template_escape(L, out, match, names, groups, backslash + 1, end);
	}
}

static int match_expand(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	size_t length;
	const char *template = luaL_checklstring(L, 2, &length);
	lua_settop(L, 2);
	lua_getfield(L, 1, "names");
	luaL_checktype(L, 3, LUA_TTABLE);
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	expand(L, &out, template, length, 1, 3, (int)lua_rawlen(L, 1));
	luaL_pushresult(&out);
	return 1;
}

/* ---- all matches ---- */

/* Where the next search starts, and whether it may be empty there: as Python since 3.7, an empty match may touch the end
 * of the one before unless that was empty too. */
struct walk {
	size_t from;
	uint32_t options;
};

static bool walk_next(lua_State *L, const struct regex *regex, const char *subject, size_t length, struct walk *walk)
{
	if (!run(L, regex, subject, length, walk->from, walk->options))
		return false;
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(regex->match);
	walk->from = at[1];
	walk->options = at[0] == at[1] ? PCRE2_NOTEMPTY_ATSTART : 0;
	return true;
}

static int each_next(lua_State *L)
{
	lua_settop(L, 0);
	lua_pushvalue(L, lua_upvalueindex(1));
	struct regex *regex = regex_check(L);
	size_t length;
	const char *subject = lua_tolstring(L, lua_upvalueindex(2), &length);
	struct walk walk = { (size_t)lua_tointeger(L, lua_upvalueindex(3)),
		                 (uint32_t)lua_tointeger(L, lua_upvalueindex(4)) };
	if (!walk_next(L, regex, subject, length, &walk)) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, (lua_Integer)walk.from);
	lua_replace(L, lua_upvalueindex(3));
	lua_pushinteger(L, walk.options);
	lua_replace(L, lua_upvalueindex(4));
	push_match(L, regex, subject);
	return 1;
}

static int regex_each(lua_State *L)
{
	regex_check(L);
	luaL_checkstring(L, 2);
	lua_settop(L, 2);
	lua_pushinteger(L, 0);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, each_next, 4);
	return 1;
}

/* Adds the replacement of the match that regex->match holds. */
static void add_replacement(lua_State *L, luaL_Buffer *out, const struct regex *regex, const char *subject)
{
	enum { REPLACEMENT = 2, NAMES = 5 };
	push_match(L, regex, subject);
	int match = lua_gettop(L);
	size_t length;
	luaL_Buffer one;
	if (lua_isfunction(L, REPLACEMENT)) {
		lua_pushvalue(L, REPLACEMENT);
		lua_insert(L, match);
		lua_call(L, 1, 1);
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "the replacement function must return a string, not %s", luaL_typename(L, -1));
	} else {
		const char *template = lua_tolstring(L, REPLACEMENT, &length);
		luaL_buffinit(L, &one);
		expand(L, &one, template, length, match, NAMES, (int)regex->groups);
		luaL_pushresult(&one);
		lua_remove(L, match);
	}
	luaL_addvalue(out);
}

static int regex_sub(lua_State *L)
{
	struct regex *regex = regex_check(L);
	if (!lua_isfunction(L, 2))
		luaL_checkstring(L, 2);
	size_t length, copied = 0;
	const char *subject = luaL_checklstring(L, 3, &length);
	lua_Integer most = luaL_optinteger(L, 4, 0), count = 0;
	lua_settop(L, 4);
	push_names(L);
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	struct walk walk = { 0 };
	while ((most <= 0 || count < most) && walk_next(L, regex, subject, length, &walk)) {
		const PCRE2_SIZE *at = pcre2_get_ovector_pointer(regex->match);
		size_t first = at[0], end = at[1];
		luaL_addlstring(&out, subject + copied, first - copied);
		copied = end;
		add_replacement(L, &out, regex, subject);
		count++;
	}
	luaL_addlstring(&out, subject + copied, length - copied);
	luaL_pushresult(&out);
	lua_pushinteger(L, count);
	return 2;
}

static int regex_split(lua_State *L)
{
	struct regex *regex = regex_check(L);
	size_t length, from = 0;
	const char *subject = luaL_checklstring(L, 2, &length);
	lua_Integer most = luaL_optinteger(L, 3, 0), count = 0, parts = 0;
	lua_newtable(L);
	struct walk walk = { 0 };
	for (; (most <= 0 || count < most) && walk_next(L, regex, subject, length, &walk); count++) {
		const PCRE2_SIZE *at = pcre2_get_ovector_pointer(regex->match);
		lua_pushlstring(L, subject + from, at[0] - from);
		lua_rawseti(L, -2, ++parts);
		for (uint32_t i = 1; i <= regex->groups; i++) {
			if (at[2 * i] == PCRE2_UNSET)
				lua_pushboolean(L, 0);
			else
				lua_pushlstring(L, subject + at[2 * i], at[2 * i + 1] - at[2 * i]);
			lua_rawseti(L, -2, ++parts);
		}
		from = at[1];
	}
	lua_pushlstring(L, subject + from, length - from);
	lua_rawseti(L, -2, ++parts);
	return 1;
}

/* ---- compiling ---- */

static uint32_t options_of(lua_State *L, const char *flags)
{
	uint32_t options = PCRE2_NEVER_BACKSLASH_C | PCRE2_ALT_CIRCUMFLEX;
	for (; *flags; flags++) {
		switch (*flags) {
		case 'i': options |= PCRE2_CASELESS; break;
		case 'm': options |= PCRE2_MULTILINE; break;
		case 's': options |= PCRE2_DOTALL; break;
		case 'x': options |= PCRE2_EXTENDED; break;
		case 'u': options |= PCRE2_UTF | PCRE2_UCP; break;
		default: luaL_error(L, "regex: unknown flag \"%c\": the flags are i, m, s, x and u", *flags);
		}
	}
	return options;
}

/* Sets the table of names as the user value of the regex at index 3. */
static void names_set(lua_State *L, const struct regex *regex)
{
	uint32_t count = 0, size = 0;
	PCRE2_SPTR table = NULL;
	pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &count);
	pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &table);
	lua_createtable(L, 0, (int)count);
	for (uint32_t i = 0; i < count; i++) {
		const unsigned char *entry = table + (size_t)i * size;
		lua_pushinteger(L, entry[0] << 8 | entry[1]);
		lua_setfield(L, -2, (const char *)entry + 2);
	}
	lua_setiuservalue(L, 3, 1);
}

/* NULL with a message. Touches no Lua state, so that buf and context are released whatever happens. */
static pcre2_code *compile(const char *pattern, size_t length, uint32_t options, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	if (pattern_translate(pattern, length, &text, err) < 0)
		return NULL;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	int status;
	PCRE2_SIZE at;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)buf_text(&text), text.length, options, &status, &at, context);
	pcre2_compile_context_free(context);
	if (!code) {
		char message[160];
		pcre2_get_error_message(status, (PCRE2_UCHAR *)message, sizeof message);
		err_set(err, ERR_INPUT, "%s", message);
	}
	return code;
}

/* Whether the pattern opens with global flags that have this one: "(?im)". */
static bool starts_with_flag(const char *pattern, char flag)
{
	if (strncmp(pattern, "(?", 2))
		return false;
	size_t length = strspn(pattern + 2, "aiLmsux");
	return pattern[2 + length] == ')' && memchr(pattern + 2, flag, length);
}

static int regex_compile(lua_State *L)
{
	size_t length;
	const char *pattern = luaL_checklstring(L, 1, &length);
	uint32_t options = options_of(L, luaL_optstring(L, 2, ""));
	lua_settop(L, 2);
	vm_spend(L, (int64_t)length);
	struct regex *regex = lua_newuserdatauv(L, sizeof *regex, 1);
	*regex = (struct regex){ 0 };
	luaL_setmetatable(L, type_name);
	struct err err = ERR_INIT;
	regex->code = compile(pattern, length, options, &err);
	if (!regex->code)
		return luaL_error(L, "the regular expression %s: %s", pattern, err.text);
	regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
	regex->context = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(regex->context, MATCH_LIMIT);
	pcre2_set_heap_limit(regex->context, HEAP_LIMIT_KB);
	pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->groups);
	regex->multiline = (options & PCRE2_MULTILINE) || starts_with_flag(pattern, 'm');
	names_set(L, regex);
	return 1;
}

static int regex_index(lua_State *L)
{
	struct regex *regex = regex_check(L);
	const char *name = luaL_checkstring(L, 2);
	if (!strcmp(name, "groups"))
		lua_pushinteger(L, regex->groups);
	else if (!strcmp(name, "multiline"))
		lua_pushboolean(L, regex->multiline);
	else if (lua_getfield(L, lua_upvalueindex(1), name) == LUA_TNIL)
		return luaL_error(L, "a regex has no \"%s\"", name);
	return 1;
}

int regex_escape(lua_State *L)
{
	size_t length;
	const char *text = luaL_checklstring(L, 1, &length);
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	for (size_t i = 0; i < length; i++) {
		if (text[i] && strchr("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", text[i]))
			luaL_addchar(&out, '\\');
		luaL_addchar(&out, text[i]);
	}
	luaL_pushresult(&out);
	return 1;
}

void regex_push(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{ "search", regex_search }, { "match", regex_match }, { "full", regex_full }, { "each", regex_each },
		{ "sub", regex_sub },       { "split", regex_split }, { NULL, NULL },
	};
	if (luaL_newmetatable(L, type_name)) {
		luaL_newlib(L, methods);
		lua_pushcclosure(L, regex_index, 1);
		lua_setfield(L, -2, "__index");
		lua_pushcfunction(L, regex_gc);
		lua_setfield(L, -2, "__gc");
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	lua_pop(L, 1);
	lua_pushcfunction(L, regex_compile);
}
