/* The text that a template gives while it is evaluated: one row of bytes. A macro or a block whose text is a value writes behind
 * what is there already, and takes its part off again. Scalars are written without a Lua string of their own. */
#include "lua/output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/buf.h"
#include "lua/value.h"
#include "lua/vm.h"

enum {
	OUTPUT_MAX = 64 << 20,     /* bytes written in one evaluation, also those that were taken off */
	OUTPUT_KEPT_MAX = 1 << 20, /* room that is kept for the next evaluation */
	OUTPUT_INTEGER_MAX = 24,
};

struct output {
	struct buf text;
	size_t written;
};

static struct output *output_of(lua_State *state)
{
	return lua_touserdata(state, lua_upvalueindex(1));
}

void output_float(char text[OUTPUT_FLOAT_MAX], double number)
{
	if (isnan(number) || isinf(number)) {
		snprintf(text, OUTPUT_FLOAT_MAX, "%s", isnan(number) ? "nan" : number > 0 ? "inf" : "-inf");
		return;
	}
	int digits = 1;
	do
		snprintf(text, OUTPUT_FLOAT_MAX, "%.*e", digits - 1, number);
	while (strtod(text, NULL) != number && ++digits <= 17);
	int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
	if (exponent >= -4 && exponent < 16) {
		int decimals = digits - 1 - exponent;
		snprintf(text, OUTPUT_FLOAT_MAX, "%.*f", decimals > 1 ? decimals : 1, number);
	}
}

static void output_add(lua_State *state, struct output *output, const char *bytes, size_t length)
{
	output->written += length;
	if (output->written > OUTPUT_MAX) {
		lua_pushfstring(state, "the result is longer than %d MB", OUTPUT_MAX >> 20);
		lua_error(state);
	}
	buf_add(&output->text, bytes, length);
}

static void output_add_integer(lua_State *state, struct output *output, lua_Integer number)
{
	char digits[OUTPUT_INTEGER_MAX];
	char *first = digits + sizeof(digits);
	lua_Unsigned left = number < 0 ? 0u - (lua_Unsigned)number : (lua_Unsigned)number;
	do
		*--first = (char)('0' + left % 10);
	while (left /= 10);
	if (number < 0)
		*--first = '-';
	output_add(state, output, first, (size_t)(digits + sizeof(digits) - first));
}

/* Adds what the engine's own function says of a value, which charges itself for its size. */
static void output_add_other(lua_State *state, struct output *output, int index)
{
	lua_pushvalue(state, lua_upvalueindex(2));
	lua_pushvalue(state, index);
	lua_call(state, 1, 1);
	size_t length;
	const char *text = luaL_checklstring(state, -1, &length);
	output_add(state, output, text, length);
	lua_pop(state, 1);
}

static void output_add_values(lua_State *state, struct output *output, bool null_shows)
{
	const int count = lua_gettop(state);
	for (int i = 1; i <= count; i++) {
		size_t length;
		const char *text;
		switch (lua_type(state, i)) {
		case LUA_TSTRING:
			text = lua_tolstring(state, i, &length);
			output_add(state, output, text, length);
			break;
		case LUA_TNUMBER:
			if (lua_isinteger(state, i)) {
				output_add_integer(state, output, lua_tointeger(state, i));
			} else {
				char number[OUTPUT_FLOAT_MAX];
				output_float(number, lua_tonumber(state, i));
				output_add(state, output, number, strlen(number));
			}
			break;
		case LUA_TBOOLEAN:
			if (lua_toboolean(state, i))
				output_add(state, output, "True", 4);
			else
				output_add(state, output, "False", 5);
			break;
		default:
			if (null_shows || !value_is_null(state, i))
				output_add_other(state, output, i);
		}
	}
}

static int output_write(lua_State *state)
{
	output_add_values(state, output_of(state), false);
	return 0;
}

static size_t output_place(lua_State *state, const struct output *output, int index)
{
	const lua_Integer place = luaL_checkinteger(state, index);
	luaL_argcheck(state, place >= 0 && (size_t)place <= output->text.length, index, "not a place in the output");
	return (size_t)place;
}

static void output_cut_at(struct output *output, size_t place)
{
	if (place == output->text.length)
		return;
	output->text.length = place;
	output->text.data[place] = '\0';
}

static int output_push_from(lua_State *state, struct output *output, size_t place)
{
	lua_pushlstring(state, buf_text(&output->text) + place, output->text.length - place);
	output_cut_at(output, place);
	return 1;
}

static int output_join(lua_State *state)
{
	struct output *output = output_of(state);
	const size_t place = output->text.length, written = output->written;
	output->written = place; /* what is joined is no output yet */
	output_add_values(state, output, true);
	output->written = written;
	return output_push_from(state, output, place);
}

static int output_mark(lua_State *state)
{
	lua_pushinteger(state, (lua_Integer)output_of(state)->text.length);
	return 1;
}

static int output_cut(lua_State *state)
{
	struct output *output = output_of(state);
	output_cut_at(output, output_place(state, output, 1));
	return 0;
}

static int output_take(lua_State *state)
{
	struct output *output = output_of(state);
	return output_push_from(state, output, output_place(state, output, 1));
}

static int output_start(lua_State *state)
{
	struct output *output = output_of(state);
	output->written = 0;
	if (output->text.room > OUTPUT_KEPT_MAX)
		buf_release(&output->text);
	buf_clear(&output->text);
	return 0;
}

static int output_free(lua_State *state)
{
	struct output *output = lua_touserdata(state, 1);
	buf_release(&output->text);
	return 0;
}

static int output_new(lua_State *state)
{
	static const luaL_Reg functions[] = {
	    {"write", output_write}, {"join", output_join}, {"mark", output_mark},
	    {"cut", output_cut},     {"take", output_take}, {"start", output_start}, {NULL, NULL},
	};
	luaL_checktype(state, 1, LUA_TFUNCTION);
	luaL_newlibtable(state, functions);
	struct output *output = lua_newuserdatauv(state, sizeof(*output), 0);
	*output = (struct output){.text = BUF_INIT};
	lua_createtable(state, 0, 1);
	lua_pushcfunction(state, output_free);
	lua_setfield(state, -2, "__gc");
	lua_setmetatable(state, -2);
	lua_pushvalue(state, 1);
	luaL_setfuncs(state, functions, 2);
	return 1;
}

void output_open(lua_State *state)
{
	lua_pushcfunction(state, output_new);
	lua_setfield(state, -2, "output");
}
