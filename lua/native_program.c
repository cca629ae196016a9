/* Programs run for lookups. They end when the run is interrupted; what they print is bounded. */
#include "lua/native_program.h"

#include <errno.h>

#include <lauxlib.h>

#include "base/buf.h"
#include "base/child.h"
#include "lua/native_system.h"
#include "lua/vm.h"

enum { OUTPUT_MOST = 64 << 20, WORDS_MOST = 16 };

/* Runs it and pushes what it printed, its exit status and its complaints; or nil, a message and whether there is no such program. */
static int program_push(lua_State *state, struct child_run *run)
{
	const struct template_scope *scope = *(const struct template_scope *const *)lua_touserdata(state, lua_upvalueindex(1));
	struct buf *output = native_push_buf(state), *complaints = native_push_buf(state);
	struct err err = ERR_INIT;
	int status = 0;
	run->output_most = OUTPUT_MOST;
	run->cancelled = scope ? scope->cancelled : NULL;
	run->context = scope ? scope->services : NULL;
	native_act(state);
	if (child_run(run, output, complaints, &status, &err) < 0) {
		vm_spend(state, 1); /* ends the evaluation where the run is interrupted */
		lua_pushnil(state);
		lua_pushstring(state, err.text);
		lua_pushboolean(state, err.os_error == ENOENT);
		return 3;
	}
	lua_pushlstring(state, buf_text(output), output->length);
	lua_pushinteger(state, status);
	lua_pushlstring(state, buf_text(complaints), complaints->length);
	return 3;
}

/* command(text): by sh, in the playbook's folder. */
static int program_command(lua_State *state)
{
	const char *const argv[] = { "/bin/sh", "-c", luaL_checkstring(state, 1), NULL };
	struct child_run run = { .argv = argv, .directory = native_directory(state) };
	return program_push(state, &run);
}

/* program({name, word, ...}, input, seconds): in the working folder; after so many seconds it is ended. */
static int program_run(lua_State *state)
{
	const char *argv[WORDS_MOST + 1] = { NULL };
	lua_Unsigned count = lua_rawlen(state, 1);
	if (count == 0 || count > WORDS_MOST)
		return luaL_error(state, "a program has 1 to %d words", WORDS_MOST);
	luaL_checkstack(state, WORDS_MOST, NULL);
	struct child_run run = { .argv = argv, .input = luaL_checklstring(state, 2, &run.input_length),
		                     .timeout_ms = (int64_t)(luaL_checknumber(state, 3) * 1000) };
	for (lua_Unsigned i = 0; i < count; i++) {
		lua_rawgeti(state, 1, (lua_Integer)i + 1);
		argv[i] = luaL_checkstring(state, -1); /* the table keeps it */
	}
	return program_push(state, &run);
}

void native_program_open(lua_State *state, const struct template_scope *const *scope)
{
	static const luaL_Reg functions[] = { { "command", program_command }, { "program", program_run }, { NULL, NULL } };
	lua_pushlightuserdata(state, (void *)scope);
	luaL_setfuncs(state, functions, 1);
}
