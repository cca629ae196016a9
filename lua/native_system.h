/* C functions for templates that look outside of Lua: files and the environment where neap runs, time, digests. */
#ifndef NEAP_LUA_NATIVE_SYSTEM_H
#define NEAP_LUA_NATIVE_SYSTEM_H

#include <lua.h>

#include "lua/template.h"

/* What they know of the running evaluation. */
struct native_site {
	const struct template_scope *scope;
	unsigned long looks; /* how often they have looked at files, or run commands, so far */
};

/* Adds them to the table on top of the stack. scope is that of a native_site. */
void native_system_open(lua_State *state, const struct template_scope *const *scope);

#endif
