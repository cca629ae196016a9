/* C functions for templates that run a program where neap runs. */
#ifndef NEAP_LUA_NATIVE_PROGRAM_H
#define NEAP_LUA_NATIVE_PROGRAM_H

#include <lua.h>

#include "lua/template.h"

/* Adds command(text) and program(argv, input, seconds) to the table on top of the stack. scope is that of a native_site. */
void native_program_open(lua_State *state, const struct template_scope *const *scope);

#endif
