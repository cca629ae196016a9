/* The C functions that the template engine's Lua sources call as native.NAME. */
#ifndef NEAP_LUA_NATIVE_H
#define NEAP_LUA_NATIVE_H

#include <lua.h>

#include "lua/template.h"

/* Fills the table native of a state. *scope is the scope of the running evaluation. */
void native_open(lua_State *state, const struct template_scope *const *scope);

#endif
