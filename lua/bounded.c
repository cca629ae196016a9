/* Lua's patterns. A pattern such as ".-.-.-x" makes the standard library walk for hours inside one call, where no hook is
 * called; here each look at a character counts. Captures and repetitions call themselves, no deeper than BOUNDED_DEPTH. */
#include "lua/bounded.h"

#include <ctype.h>
#include <string.h>

#include <lauxlib.h>

#include "lua/vm.h"

enum {
	BOUNDED_CAPTURES = 32,
	BOUNDED_DEPTH = 200,
	BOUNDED_REP_MAX = 1 << 30,
	BOUNDED_STEPS = 256,    /* looks at characters that are charged at once */
	BOUNDED_STEP_SHIFT = 2, /* four of them cost an instruction */
	BOUNDED_BYTES_SHIFT = 6, /* and so do 64 bytes that are copied or looked through */
	CAPTURE_OPEN = -1,
	CAPTURE_POSITION = -2,
};

struct bounded {
	lua_State *state;
	const char *subject, *subject_end, *end; /* end: of the pattern */
	int level, depth, steps;
	struct {
		const char *start;
		ptrdiff_t length;
	} captures[BOUNDED_CAPTURES];
};

static const char *bounded_match(struct bounded *match, const char *at, const char *pattern);

static void bounded_step(struct bounded *match)
{
	if (++match->steps < BOUNDED_STEPS)
		return;
	match->steps = 0;
	vm_spend(match->state, BOUNDED_STEPS >> BOUNDED_STEP_SHIFT);
}

/* Items of a pattern */

/* Behind the set that opens at pattern. */
static const char *bounded_set_end(struct bounded *match, const char *pattern)
{
	pattern += pattern + 1 < match->end && pattern[1] == '^' ? 2 : 1;
	do {
		if (pattern >= match->end)
			luaL_error(match->state, "malformed pattern (missing ']')");
		pattern += *pattern == '%' ? 2 : 1;
	} while (pattern >= match->end || *pattern != ']');
	return pattern + 1;
}

/* Behind the item for one character at pattern. */
static const char *bounded_item_end(struct bounded *match, const char *pattern)
{
	if (*pattern == '[')
		return bounded_set_end(match, pattern);
	if (*pattern != '%')
		return pattern + 1;
	if (pattern + 1 >= match->end)
		luaL_error(match->state, "malformed pattern (ends with '%%')");
	return pattern + 2;
}

static bool bounded_class_has(unsigned char class, unsigned char c)
{
	bool has;
	switch (tolower(class)) {
	case 'a': has = isalpha(c); break;
	case 'c': has = iscntrl(c); break;
	case 'd': has = isdigit(c); break;
	case 'g': has = isgraph(c); break;
	case 'l': has = islower(c); break;
	case 'p': has = ispunct(c); break;
	case 's': has = isspace(c); break;
	case 'u': has = isupper(c); break;
	case 'w': has = isalnum(c); break;
	case 'x': has = isxdigit(c); break;
	case 'z': has = c == '\0'; break;
	default: return class == c;
	}
	return isupper(class) ? !has : has;
}

/* set: at its bracket; end: behind its closing one. */
static bool bounded_set_has(const char *set, const char *end, unsigned char c)
{
	const bool inverted = set[1] == '^';
	for (set += inverted ? 2 : 1; set < end - 1; set++) {
		if (*set == '%') {
			set++;
			if (bounded_class_has((unsigned char)*set, c))
				return !inverted;
		} else if (set[1] == '-' && set + 2 < end - 1) {
			if ((unsigned char)set[0] <= c && c <= (unsigned char)set[2])
				return !inverted;
			set += 2;
		} else if ((unsigned char)*set == c) {
			return !inverted;
		}
	}
	return inverted;
}

/* Whether the item between pattern and end takes the character at a place. */
static bool bounded_takes(struct bounded *match, const char *at, const char *pattern, const char *end)
{
	bounded_step(match);
	if (at >= match->subject_end)
		return false;
	const unsigned char c = (unsigned char)*at;
	switch (*pattern) {
	case '.': return true;
	case '%': return bounded_class_has((unsigned char)pattern[1], c);
	case '[': return bounded_set_has(pattern, end, c);
	default: return (unsigned char)*pattern == c;
	}
}

/* As many as there are, then fewer until the rest fits. */
static const char *bounded_most(struct bounded *match, const char *at, const char *pattern, const char *end, ptrdiff_t least)
{
	ptrdiff_t count = 0;
	while (bounded_takes(match, at + count, pattern, end))
		count++;
	for (; count >= least; count--) {
		const char *behind = bounded_match(match, at + count, end + 1);
		if (behind)
			return behind;
		bounded_step(match);
	}
	return NULL;
}

static const char *bounded_fewest(struct bounded *match, const char *at, const char *pattern, const char *end)
{
	for (;; at++) {
		const char *behind = bounded_match(match, at, end + 1);
		if (behind || !bounded_takes(match, at, pattern, end))
			return behind;
	}
}

/* %bxy */
static const char *bounded_balanced(struct bounded *match, const char *at, const char *pattern)
{
	if (pattern + 1 >= match->end)
		luaL_error(match->state, "malformed pattern (missing arguments to '%%b')");
	if (at >= match->subject_end || *at != pattern[0])
		return NULL;
	int open = 1;
	while (++at < match->subject_end) {
		bounded_step(match);
		if (*at == pattern[1]) {
			if (--open == 0)
				return at + 1;
		} else if (*at == pattern[0]) {
			open++;
		}
	}
	return NULL;
}

/* Captures */

static const char *bounded_open_capture(struct bounded *match, const char *at, const char *pattern, ptrdiff_t kind)
{
	if (match->level >= BOUNDED_CAPTURES)
		luaL_error(match->state, "too many captures");
	match->captures[match->level].start = at;
	match->captures[match->level].length = kind;
	match->level++;
	const char *behind = bounded_match(match, at, pattern);
	if (!behind)
		match->level--;
	return behind;
}

static const char *bounded_close_capture(struct bounded *match, const char *at, const char *pattern)
{
	int level = match->level - 1;
	while (level >= 0 && match->captures[level].length != CAPTURE_OPEN)
		level--;
	if (level < 0)
		luaL_error(match->state, "invalid pattern capture");
	match->captures[level].length = at - match->captures[level].start;
	const char *behind = bounded_match(match, at, pattern);
	if (!behind)
		match->captures[level].length = CAPTURE_OPEN;
	return behind;
}

/* What a capture before held, once more. */
static const char *bounded_same(struct bounded *match, const char *at, char digit)
{
	const int level = digit - '1';
	if (level < 0 || level >= match->level || match->captures[level].length == CAPTURE_OPEN)
		luaL_error(match->state, "invalid capture index %%%d", level + 1);
	const ptrdiff_t length = match->captures[level].length;
	if (length < 0 || match->subject_end - at < length || memcmp(match->captures[level].start, at, (size_t)length) != 0)
		return NULL;
	vm_spend(match->state, length >> BOUNDED_BYTES_SHIFT);
	return at + length;
}

/* %f[set] */
static bool bounded_frontier(struct bounded *match, const char *at, const char *set, const char *end)
{
	const unsigned char before = at == match->subject ? '\0' : (unsigned char)at[-1];
	const unsigned char after = at == match->subject_end ? '\0' : (unsigned char)*at;
	return !bounded_set_has(set, end, before) && bounded_set_has(set, end, after);
}

/* The item at pattern with what may stand behind it. *next: where both go on, or NULL where *behind is the result. */
static const char *bounded_one(struct bounded *match, const char *at, const char *pattern, const char **next)
{
	const char *end = bounded_item_end(match, pattern), *behind;
	const char suffix = end < match->end ? *end : '\0';
	*next = NULL;
	switch (suffix) {
	case '*': return bounded_most(match, at, pattern, end, 0);
	case '+': return bounded_most(match, at, pattern, end, 1);
	case '-': return bounded_fewest(match, at, pattern, end);
	case '?':
		if (bounded_takes(match, at, pattern, end) && (behind = bounded_match(match, at + 1, end + 1)))
			return behind;
		*next = end + 1;
		return at;
	default:
		if (!bounded_takes(match, at, pattern, end))
			return NULL;
		*next = end;
		return at + 1;
	}
}

/* Those that begin with a percent sign and are not for one character; as bounded_one. */
static const char *bounded_special(struct bounded *match, const char *at, const char *pattern, const char **next)
{
	const char *end;
	switch (pattern[1]) {
	case 'b':
		*next = pattern + 4;
		return bounded_balanced(match, at, pattern + 2);
	case 'f':
		if (pattern + 2 >= match->end || pattern[2] != '[')
			luaL_error(match->state, "missing '[' after '%%f' in pattern");
		end = bounded_set_end(match, pattern + 2);
		*next = end;
		return bounded_frontier(match, at, pattern + 2, end) ? at : NULL;
	default:
		*next = pattern + 2;
		return bounded_same(match, at, pattern[1]);
	}
}

static bool bounded_is_special(const struct bounded *match, const char *pattern)
{
	return *pattern == '%' && pattern + 1 < match->end && strchr("bf0123456789", pattern[1]) && pattern[1];
}

/* Where the match of the rest of a pattern ends; NULL where it does not match. */
static const char *bounded_rest(struct bounded *match, const char *at, const char *pattern)
{
	while (pattern < match->end) {
		const char *next;
		if (*pattern == '(' && pattern + 1 < match->end && pattern[1] == ')')
			return bounded_open_capture(match, at, pattern + 2, CAPTURE_POSITION);
		if (*pattern == '(')
			return bounded_open_capture(match, at, pattern + 1, CAPTURE_OPEN);
		if (*pattern == ')')
			return bounded_close_capture(match, at, pattern + 1);
		if (*pattern == '$' && pattern + 1 == match->end)
			return at == match->subject_end ? at : NULL;
		at = bounded_is_special(match, pattern) ? bounded_special(match, at, pattern, &next)
		                                        : bounded_one(match, at, pattern, &next);
		if (!at || !next)
			return at;
		pattern = next;
	}
	return at;
}

static const char *bounded_match(struct bounded *match, const char *at, const char *pattern)
{
	if (++match->depth > BOUNDED_DEPTH)
		luaL_error(match->state, "pattern too complex");
	const char *behind = bounded_rest(match, at, pattern);
	match->depth--;
	return behind;
}

/* Results */

static void bounded_push_capture(struct bounded *match, int level, const char *from, const char *to)
{
	if (level >= match->level && level > 0)
		luaL_error(match->state, "invalid capture index %%%d", level + 1);
	if (level >= match->level)
		lua_pushlstring(match->state, from, (size_t)(to - from));
	else if (match->captures[level].length == CAPTURE_POSITION)
		lua_pushinteger(match->state, match->captures[level].start - match->subject + 1);
	else if (match->captures[level].length == CAPTURE_OPEN)
		luaL_error(match->state, "unfinished capture");
	else
		lua_pushlstring(match->state, match->captures[level].start, (size_t)match->captures[level].length);
}

/* Pushes the captures; where there are none, the whole match if that is wanted. */
static int bounded_push_captures(struct bounded *match, const char *from, const char *to)
{
	const int count = match->level == 0 && from ? 1 : match->level;
	luaL_checkstack(match->state, count, "too many captures");
	for (int i = 0; i < count; i++)
		bounded_push_capture(match, i, from, to);
	return count;
}

/* Starts with the subject and the pattern, which are arguments 1 and 2 or upvalues. */
static void bounded_start(struct bounded *match, lua_State *state, int subject, int pattern, const char **first)
{
	size_t length, pattern_length;
	match->state = state;
	match->subject = luaL_checklstring(state, subject, &length);
	match->subject_end = match->subject + length;
	*first = luaL_checklstring(state, pattern, &pattern_length);
	match->end = *first + pattern_length;
	match->level = match->depth = match->steps = 0;
}

static const char *bounded_try(struct bounded *match, const char *at, const char *pattern)
{
	match->level = 0;
	match->depth = 0;
	return bounded_match(match, at, pattern);
}

/* The place that an argument says, counted from 1 or from the end; NULL behind the end. */
static const char *bounded_place(const struct bounded *match, int argument)
{
	const lua_Integer length = match->subject_end - match->subject;
	lua_Integer place = luaL_optinteger(match->state, argument, 1);
	if (place < 0)
		place = -place > length ? 1 : length + place + 1;
	if (place == 0)
		place = 1;
	return place > length + 1 ? NULL : match->subject + place - 1;
}

static int bounded_plain(struct bounded *match, const char *at, const char *wanted)
{
	const size_t length = (size_t)(match->end - wanted);
	vm_spend(match->state, (match->subject_end - at) >> BOUNDED_BYTES_SHIFT);
	const char *found = length ? memmem(at, (size_t)(match->subject_end - at), wanted, length) : at;
	if (!found)
		return 0;
	lua_pushinteger(match->state, found - match->subject + 1);
	lua_pushinteger(match->state, found - match->subject + (lua_Integer)length);
	return 2;
}

static bool bounded_is_plain(const struct bounded *match, const char *pattern)
{
	for (; pattern < match->end; pattern++)
		if (*pattern && strchr("^$*+?.([%-", *pattern))
			return false;
	return true;
}

static int bounded_find_or_match(lua_State *state, bool find)
{
	struct bounded match;
	const char *pattern;
	bounded_start(&match, state, 1, 2, &pattern);
	const char *at = bounded_place(&match, 3);
	if (!at) {
		lua_pushnil(state);
		return 1;
	}
	if (find && (lua_toboolean(state, 4) || bounded_is_plain(&match, pattern))) {
		if (bounded_plain(&match, at, pattern))
			return 2;
		lua_pushnil(state);
		return 1;
	}
	const bool anchored = pattern < match.end && *pattern == '^';
	pattern += anchored;
	do {
		const char *behind = bounded_try(&match, at, pattern);
		if (behind && !find)
			return bounded_push_captures(&match, at, behind);
		if (behind) {
			lua_pushinteger(state, at - match.subject + 1);
			lua_pushinteger(state, behind - match.subject);
			return bounded_push_captures(&match, NULL, NULL) + 2;
		}
	} while (at++ < match.subject_end && !anchored);
	lua_pushnil(state);
	return 1;
}

static int bounded_find(lua_State *state)
{
	return bounded_find_or_match(state, true);
}

static int bounded_match_function(lua_State *state)
{
	return bounded_find_or_match(state, false);
}

/* Upvalues: subject, pattern, the offset to go on from, the offset where the last match ended or -1. */
static int bounded_gmatch_next(lua_State *state)
{
	struct bounded match;
	const char *pattern;
	bounded_start(&match, state, lua_upvalueindex(1), lua_upvalueindex(2), &pattern);
	const char *at = match.subject + lua_tointeger(state, lua_upvalueindex(3));
	const lua_Integer last = lua_tointeger(state, lua_upvalueindex(4));
	for (; at <= match.subject_end; at++) {
		const char *behind = bounded_try(&match, at, pattern);
		if (!behind || behind - match.subject == last)
			continue;
		lua_pushinteger(state, behind - match.subject);
		lua_pushvalue(state, -1);
		lua_replace(state, lua_upvalueindex(3));
		lua_replace(state, lua_upvalueindex(4));
		return bounded_push_captures(&match, at, behind);
	}
	return 0;
}

static int bounded_gmatch(lua_State *state)
{
	struct bounded match;
	const char *pattern;
	bounded_start(&match, state, 1, 2, &pattern);
	const char *at = bounded_place(&match, 3);
	lua_settop(state, 2);
	lua_pushinteger(state, (at ? at : match.subject_end + 1) - match.subject);
	lua_pushinteger(state, -1);
	lua_pushcclosure(state, bounded_gmatch_next, 4);
	return 1;
}

/* Adds the text of argument 3 with %0 to %9 in it. */
static void bounded_add_text(struct bounded *match, luaL_Buffer *out, const char *from, const char *to)
{
	size_t length;
	const char *text = lua_tolstring(match->state, 3, &length), *end = text + length, *percent;
	for (; (percent = memchr(text, '%', (size_t)(end - text))); text = percent + 2) {
		luaL_addlstring(out, text, (size_t)(percent - text));
		if (percent + 1 < end && percent[1] == '%') {
			luaL_addchar(out, '%');
		} else if (percent + 1 < end && percent[1] == '0') {
			luaL_addlstring(out, from, (size_t)(to - from));
		} else if (percent + 1 < end && isdigit((unsigned char)percent[1])) {
			bounded_push_capture(match, percent[1] - '1', from, to);
			luaL_tolstring(match->state, -1, NULL);
			lua_remove(match->state, -2);
			luaL_addvalue(out);
		} else {
			luaL_error(match->state, "invalid use of '%%' in replacement string");
		}
	}
	luaL_addlstring(out, text, (size_t)(end - text));
}

/* Adds what stands for a match: a text, or what a table or a function gives. */
static void bounded_add(struct bounded *match, luaL_Buffer *out, const char *from, const char *to)
{
	lua_State *state = match->state;
	switch (lua_type(state, 3)) {
	case LUA_TFUNCTION:
		lua_pushvalue(state, 3);
		lua_call(state, bounded_push_captures(match, from, to), 1);
		break;
	case LUA_TTABLE:
		bounded_push_capture(match, 0, from, to);
		lua_gettable(state, 3);
		break;
	default: bounded_add_text(match, out, from, to); return;
	}
	if (!lua_toboolean(state, -1)) {
		lua_pop(state, 1);
		luaL_addlstring(out, from, (size_t)(to - from));
	} else if (!lua_isstring(state, -1)) {
		luaL_error(state, "invalid replacement value (a %s)", luaL_typename(state, -1));
	} else {
		luaL_addvalue(out);
	}
}

static int bounded_gsub(lua_State *state)
{
	struct bounded match;
	const char *pattern, *last = NULL;
	bounded_start(&match, state, 1, 2, &pattern);
	const int type = lua_type(state, 3);
	luaL_argexpected(state, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TTABLE || type == LUA_TFUNCTION, 3,
	                 "string/function/table");
	const lua_Integer most = luaL_optinteger(state, 4, match.subject_end - match.subject + 1);
	const bool anchored = pattern < match.end && *pattern == '^';
	const char *at = match.subject;
	lua_Integer count = 0;
	luaL_Buffer out;
	pattern += anchored;
	luaL_buffinit(state, &out);
	while (count < most) {
		const char *behind = bounded_try(&match, at, pattern);
		if (behind && behind != last) {
			count++;
			bounded_add(&match, &out, at, behind);
			at = last = behind;
		} else if (at < match.subject_end) {
			luaL_addchar(&out, *at++);
		} else {
			break;
		}
		if (anchored)
			break;
	}
	luaL_addlstring(&out, at, (size_t)(match.subject_end - at));
	luaL_pushresult(&out);
	lua_pushinteger(state, count);
	return 2;
}

/* rep(text, n, separator). The standard one counts to n although nothing is repeated. */
static int bounded_rep(lua_State *state)
{
	size_t length, separator_length;
	const char *text = luaL_checklstring(state, 1, &length);
	const lua_Integer count = luaL_checkinteger(state, 2);
	const char *separator = luaL_optlstring(state, 3, "", &separator_length);
	const size_t each = length + separator_length;
	luaL_Buffer out;
	if (count <= 0 || each == 0) {
		lua_pushliteral(state, "");
		return 1;
	}
	if (each > BOUNDED_REP_MAX / (size_t)count)
		return luaL_error(state, "resulting string too large");
	char *bytes = luaL_buffinitsize(state, &out, each * (size_t)count - separator_length);
	vm_spend(state, count / 8);
	for (lua_Integer i = 0; i < count; i++) {
		memcpy(bytes, text, length);
		bytes += length;
		if (i + 1 < count)
			memcpy(bytes, separator, separator_length);
		bytes += i + 1 < count ? separator_length : 0;
	}
	luaL_pushresultsize(&out, each * (size_t)count - separator_length);
	return 1;
}

void bounded_open(lua_State *state)
{
	static const luaL_Reg functions[] = {{"find", bounded_find},     {"match", bounded_match_function}, {"gmatch", bounded_gmatch},
	                                     {"gsub", bounded_gsub},     {"rep", bounded_rep},              {NULL, NULL}};
	luaL_setfuncs(state, functions, 0);
}
