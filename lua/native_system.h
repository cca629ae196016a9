/* C functions for templates that look outside of Lua: files and the environment where neap runs, time, digests. */
#ifndef NEAP_LUA_NATIVE_SYSTEM_H
#define NEAP_LUA_NATIVE_SYSTEM_H

#include <lua.h>

#include "base/buf.h"
#include "lua/template.h"

/* What they know of the running evaluation. */
struct native_site {
	const struct template_scope *scope;
	unsigned long looks; /* how often they have looked at files, or run commands, so far */
};

/* For C functions whose first upvalue is a native_site.
 * A buf that Lua frees, whatever is raised while it is used; it is pushed. */
struct buf *native_push_buf(lua_State *state);
/* The folder that relative names are looked for in; never NULL. */
const char *native_directory(lua_State *state);
/* Counts a look at what others may change. */
void native_look(lua_State *state);
/* The same for what changes something itself, or costs: raises an error where the evaluation is a guess (scope->early). */
void native_act(lua_State *state);

/* Adds them to the table on top of the stack. scope is that of a native_site. */
void native_system_open(lua_State *state, const struct template_scope *const *scope);

#endif
