/* C functions for templates that look outside of Lua: files and the environment where neap runs, time, digests. */
#ifndef NEAP_LUA_NATIVE_SYSTEM_H
#define NEAP_LUA_NATIVE_SYSTEM_H

#include <lua.h>

#include "lua/template.h"

/* Adds them to the table on top of the stack. *scope is the scope of the running evaluation. */
void native_system_open(lua_State *state, const struct template_scope *const *scope);

#endif
